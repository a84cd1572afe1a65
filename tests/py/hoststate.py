"""Everything about a process that a console could change: `snapshot()` before and after, `difference()` of the two.

Programs under test import this file; it needs nothing but the standard library, and looks at GNU readline from outside:
at every data symbol that the shared library exports, whatever its name, so that nothing is left out by mistake.
"""

import builtins
import ctypes
import fcntl
import gc
import locale
import os
import signal
import struct
import sys
import termios
import threading
import warnings

LIBC = ctypes.CDLL(None)
KEYS = 257                                    # entries of a readline keymap (KEYMAP_SIZE)
ISFUNC, ISKMAP, ISMACR = 0, 1, 2


def terminal_modes():
    modes = {}
    for fd in (0, 1, 2):
        try:
            modes[fd] = termios.tcgetattr(fd)
        except (termios.error, OSError):
            modes[fd] = None
    return modes


def signals():
    found = {}
    for number in range(1, 65):
        action = ctypes.create_string_buffer(256)
        if LIBC.sigaction(number, None, action) == 0:
            # struct sigaction of glibc: handler, mask (of which the kernel knows 8 bytes), flags.
            # SA_RESTORER is the C library's own affair.
            handler, mask, flags = struct.unpack_from("<QQ120xI", action.raw)
            found[number] = handler, mask, flags & ~0x04000000
        try:
            found[number, "python"] = signal.getsignal(number)
        except ValueError:
            pass
    with open("/proc/self/status") as status:
        found["masks"] = [line for line in status if line.startswith(("SigBlk", "SigIgn", "SigCgt"))]
    wakeup = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(wakeup)
    found["wakeup"] = wakeup
    found["timers"] = [signal.getitimer(which) for which in (0, 1, 2)]
    return found


def environment():
    environ = ctypes.POINTER(ctypes.c_char_p).in_dll(LIBC, "environ")
    raw = []
    while environ and environ[len(raw)] is not None:
        raw.append(environ[len(raw)])
    return {"python": dict(os.environ), "c": sorted(raw)}


def descriptors():
    found = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            fd = int(name)
            target = os.readlink(f"/proc/self/fd/{fd}")
            found[fd] = target, fcntl.fcntl(fd, fcntl.F_GETFL), fcntl.fcntl(fd, fcntl.F_GETFD)
        except OSError:
            pass                              # the descriptor of the listing itself
    return found


def names(module):
    """The attributes of a module, by identity; what is a plain value or container, by value too."""
    plain = str, int, float, tuple, list, type(None)
    return {name: (id(value), repr(value)[:500] if isinstance(value, plain) else "")
            for name, value in vars(module).items()}


def interpreter():
    return {
        "trace": (sys.gettrace(), sys.getprofile()), "switch": sys.getswitchinterval(),
        "recursion": sys.getrecursionlimit(),
        "gc": (gc.isenabled(), gc.get_threshold(), gc.get_debug(), list(gc.callbacks)),
        "warnings": list(warnings.filters), "locale": locale.setlocale(locale.LC_ALL), "cwd": os.getcwd(),
        "threads": sorted(thread.name for thread in threading.enumerate()),
        "kernel threads": len(os.listdir("/proc/self/task")), "group": (os.getpgrp(), os.getsid(0)),
        "asyncgen": sys.get_asyncgen_hooks(), "origin": sys.get_coroutine_origin_tracking_depth(),
        "path": list(sys.path), "argv": list(sys.argv),
        "meta_path": list(sys.meta_path), "path_hooks": list(sys.path_hooks),
        "streams": [(name, getattr(stream, "closed", None)) for name in ("stdin", "stdout", "stderr")
                    for stream in (getattr(sys, name),)],
        "input hook": pointer("PyOS_InputHook"), "reader": pointer("PyOS_ReadlineFunctionPointer"),
    }


def pointer(name):
    return ctypes.c_void_p.in_dll(ctypes.pythonapi, name).value


# GNU readline -------------------------------------------------------------------------------------------------------

def library_path():
    with open("/proc/self/maps") as maps:
        paths = {line.split(None, 5)[5].strip() for line in maps if "/libreadline.so" in line}
    assert len(paths) == 1, f"one GNU readline in this process, and not {paths}"
    return paths.pop()


def data_symbols(path):
    """Name and size of every variable that an ELF shared library exports."""
    with open(path, "rb") as file:
        elf = file.read()
    assert elf[:4] == b"\x7fELF" and elf[4] == 2, "a 64-bit ELF file"
    (start,) = struct.unpack_from("<Q", elf, 0x28)
    size, count = struct.unpack_from("<HH", elf, 0x3A)
    sections = [struct.unpack_from("<IIQQQQIIQQ", elf, start + i * size) for i in range(count)]
    found = {}
    for section in sections:
        if section[1] != 11:                  # SHT_DYNSYM
            continue
        strings = sections[section[6]][4]
        for offset in range(section[4], section[4] + section[5], 24):
            name, info, _, index, _, length = struct.unpack_from("<IBBHQQ", elf, offset)
            if info & 15 == 1 and index and length:      # STT_OBJECT, defined here
                end = elf.index(b"\0", strings + name)
                found[elf[strings + name:end].decode()] = length
    return found


VARIABLES = """active-region-end-color active-region-start-color bell-style bind-tty-special-chars blink-matching-paren
byte-oriented colored-completion-prefix colored-stats comment-begin completion-display-width completion-ignore-case
completion-map-case completion-prefix-display-length completion-query-items convert-meta disable-completion
echo-control-characters editing-mode emacs-mode-string enable-active-region enable-bracketed-paste enable-keypad
enable-meta-key expand-tilde force-meta-prefix history-preserve-point history-size horizontal-scroll-mode input-meta
isearch-terminators keymap keyseq-timeout mark-directories mark-modified-lines mark-symlinked-directories
match-hidden-files menu-complete-display-prefix meta-flag output-meta page-completions prefer-visible-bell
print-completions-horizontally revert-all-at-newline search-ignore-case show-all-if-ambiguous show-all-if-unmodified
show-mode-in-prompt skip-completed-text vi-cmd-mode-string vi-ins-mode-string visible-stats""".split()


class Entry(ctypes.Structure):
    _fields_ = [("line", ctypes.c_char_p), ("timestamp", ctypes.c_char_p), ("data", ctypes.c_void_p)]


class Readline:
    """The library as it is in this process."""

    def __init__(self):
        self.path = library_path()
        self.library = ctypes.CDLL(self.path)
        self.symbols = data_symbols(self.path)
        for name, result in (("rl_variable_value", ctypes.c_char_p), ("rl_get_keymap", ctypes.c_void_p),
                             ("rl_funmap_names", ctypes.POINTER(ctypes.c_char_p)),
                             ("rl_get_keymap_by_name", ctypes.c_void_p),
                             ("history_list", ctypes.POINTER(ctypes.POINTER(Entry)))):
            getattr(self.library, name).restype = result

    def snapshot(self):
        library = self.library
        found = {}
        for name, size in self.symbols.items():
            found[name] = bytes((ctypes.c_char * size).in_dll(library, name))
        for name in VARIABLES:
            found["variable", name] = library.rl_variable_value(name.encode())
        found["keymap"] = library.rl_get_keymap()
        for name in (b"emacs-standard", b"emacs-meta", b"emacs-ctlx", b"vi-move", b"vi-insert"):
            found["keymap", name] = self.keymap(library.rl_get_keymap_by_name(name), set())
        functions, names = [], library.rl_funmap_names()
        while names and names[len(functions)] is not None:
            functions.append(names[len(functions)])
        found["functions"] = functions
        entries, history = library.history_list(), []
        while entries and entries[len(history)]:
            entry = entries[len(history)].contents
            history.append((entry.line, entry.timestamp, entry.data))
        found["history"] = history
        found["history position"] = library.where_history()
        found["history stifled"] = library.history_is_stifled()
        return found

    def keymap(self, address, seen):
        """All bindings below a keymap: functions by address, macros by text."""
        if not address or address in seen:
            return address
        seen.add(address)
        raw = ctypes.string_at(address, KEYS * 16)
        bindings = {}
        for key in range(KEYS):
            kind, function = raw[key * 16], struct.unpack_from("<Q", raw, key * 16 + 8)[0]
            if kind == ISKMAP:
                bindings[key] = self.keymap(function, seen)
            elif kind == ISMACR:
                bindings[key] = ctypes.string_at(function)
            elif function:
                bindings[key] = function
        return bindings


def python_readline():
    import readline
    length = readline.get_current_history_length()
    return {"completer": readline.get_completer(), "delims": readline.get_completer_delims(),
            "length": readline.get_history_length(), "buffer": readline.get_line_buffer(),
            "items": [readline.get_history_item(i) for i in range(1, length + 1)]}


def snapshot(readline=None):
    found = {"terminal": terminal_modes(), "signals": signals(), "environment": environment(),
             "descriptors": descriptors(), "sys": names(sys), "builtins": names(builtins),
             "os": names(os), "interpreter": interpreter(),
             "modules": {name: id(module) for name, module in sys.modules.items()}}
    if readline is not None:
        found["readline"] = readline.snapshot()
        found["readline module"] = python_readline()
    return found


def difference(before, after):
    """{(where, name): (before, after)} of all that is not as it was."""
    found = {}
    for where in before:
        for name in sorted({*before[where], *after[where]}, key=str):
            old, new = before[where].get(name, "absent"), after[where].get(name, "absent")
            if old != new:
                found[where, name] = (old, new)
    return found
