"""What track_globals() has found, for people: a table, a graph."""

import contextlib
import os
import shutil
import stat
import subprocess
import sys
import textwrap

from .tracking import LIMITS


def functions_of(track):
    """The table's rows: (function, names that it reads, names that it writes), lists of (name, count). Names of the
    function's own module stand without it, deleted ones behind a minus sign."""
    rows = []
    for function, kinds in track.by_function.items():
        def names(kind, sign="", function=function, kinds=kinds):
            return [(sign + short(name, function), count) for name, count in sorted(kinds[kind].items())]
        reads = names("reads") + names("missing", "?")
        writes = names("writes") + names("deletes", "-")
        if reads or writes:
            rows.append((function, reads, writes))
    return rows


def short(name, function):
    """A global's name as seen from a function: without the module, if that is the function's own."""
    module, _, name_alone = name.rpartition(".")
    return name_alone if function == module or function.startswith(module + ".") else name


def listed(names, counted):
    """The names with their counts, between which no line is broken."""
    return ", ".join(f"{name}\xa0{count}" if counted else name for name, count in names)


def columns():
    """How wide to write: an int."""
    return max(40, min(shutil.get_terminal_size().columns, 120))


def filled(text):
    """The text in lines of that width, the later ones indented: a str."""
    return textwrap.fill(text, columns(), subsequent_indent="  ", break_on_hyphens=False,
                         break_long_words=False).replace("\xa0", " ") + "\n"


def table(track, found, width=None):
    """The table of what functions_of() has found as a str, as wide as the terminal."""
    width = width or columns()
    counted = track.mode == "all"
    rows = [(function, listed(reads, counted), listed(writes, counted)) for function, reads, writes in found]
    if not rows:
        return "No global variable was read or written.\n"
    lines = in_columns([("function", "reads", "writes"), *rows], width) or in_blocks(rows, width)
    return "\n".join(lines).replace("\xa0", " ") + "\n"


def in_columns(rows, width):
    """The lines of three columns; None if a name does not fit into its column."""
    first = max(len(function) for function, _, _ in rows)
    last = min(max(len(writes) for _, _, writes in rows), (width - first - 4) // 2)
    widths = (first, width - first - 4 - last, last)
    for row in rows:
        if any(len(word) > size for text, size in zip(row, widths) for word in text.split(" ")):
            return None
    lines = []
    for row in rows:
        cells = [textwrap.wrap(text, size, break_on_hyphens=False) or [""] for text, size in zip(row, widths)]
        for at in range(max(map(len, cells))):
            lines.append("  ".join((cell[at] if at < len(cell) else "").ljust(size)
                                   for cell, size in zip(cells, widths)).rstrip())
    return lines


def in_blocks(rows, width):
    """The lines where there is no room for columns: a function, then what it reads and writes."""
    lines = []
    for function, reads, writes in rows:
        lines.append(function)
        for verb, text in (("reads", reads), ("writes", writes)):
            if text:
                lines += textwrap.wrap(f"{verb} {text}", width, initial_indent="  ", subsequent_indent="    ",
                                       break_on_hyphens=False, break_long_words=False)
    return lines


def places(track):
    """Each place as a line of a str: file, line, function, what it does with which name, how often."""
    verbs = {"read": "reads", "missing": "looks for", "write": "writes", "delete": "deletes"}
    lines = {}
    for place in track.places:
        if place.kind in verbs:
            line = (f"{place.file}:{place.line or '?'}: {place.function} {verbs[place.kind]} "
                    f"{place.module}.{place.name}")
            lines[line] = lines.get(line, 0) + place.count
    return "".join(f"{line}{f', {count} times' if count > 1 else ''}\n" for line, count in lines.items())


def quoted(text):
    text = text.encode("utf-8", "backslashreplace").decode()     # names may be no UTF-8
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def to_dot(track):
    """See track_globals.to_dot()."""
    lines = ["digraph globals {", '    rankdir="LR";', '    node [fontname="sans-serif", fontsize=11];',
             '    edge [fontname="sans-serif", fontsize=9];']
    edges, functions, names = [], set(), set()
    if track.where or track.mode == "names":
        for function, kinds in track.by_function.items():
            for kind, reads in (("reads", True), ("missing", True), ("writes", False), ("deletes", False)):
                for name, count in kinds[kind].items():
                    functions.add(function)
                    names.add(name)
                    ends = (name, function) if reads else (function, name)
                    style = {"missing": ', style="dotted"', "deletes": ', style="dashed"'}.get(kind, "")
                    label = f'label="{count}"' if track.mode == "all" else 'label=""'
                    color = "" if reads else ', color="#b3261e"'
                    from_, to = (("g:" + ends[0], "f:" + ends[1]) if reads else ("f:" + ends[0], "g:" + ends[1]))
                    edges.append(f"    {quoted(from_)} -> {quoted(to)} [{label}{color}{style}];")
    else:
        for kind in ("reads", "missing", "writes", "deletes"):
            names.update(f"{module}.{name}" for module, found in getattr(track, kind).items() for name in found)
    lines += [f"    {quoted('f:' + function)} [shape=box, label={quoted(function)}];" for function in sorted(functions)]
    lines += [f"    {quoted('g:' + name)} [shape=ellipse, label={quoted(name)}];" for name in sorted(names)]
    return "\n".join(lines + sorted(edges) + ["}"]) + "\n"


def draw(track, path):
    """Write the graph to a file; if that is called .svg, by graphviz. Returns what to tell, a str or None."""
    text = to_dot(track)
    root, suffix = os.path.splitext(path)
    if suffix != ".svg":
        return write(path, text)
    dot = shutil.which("dot")
    if dot is not None:
        done = subprocess.run([dot, "-Tsvg", "-o", path], input=text, encoding="utf-8", errors="backslashreplace",
                              capture_output=True)
        if done.returncode == 0:
            return None
        why = f"dot failed: {done.stderr.strip() or done.returncode}"
    else:
        why = "dot is not installed (graphviz)"
    write(root + ".dot", text)
    return f"{why}: the graph is in {root}.dot; dot -Tsvg -o {path} {root}.dot draws it"


def write_json(track, path):
    return write(path, track.to_json(indent=1) + "\n")


def write(path, text):
    """Write a file, or standard output where that is called -. Returns what to tell, a str or None."""
    if path == "-":
        if say(getattr(sys, "stdout", None), text):
            return None
        return "the program has closed standard output: what was to be written there is lost"
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return None


def say(stream, text):
    """Write to a stream of the program's, which may have closed it, or have none. Was it written? Raises OSError."""
    if stream is None:
        return False
    try:
        number = stream.fileno()
    except (AttributeError, OSError, ValueError):
        number = None
    if isinstance(number, int):
        os.fstat(number)        # if it is closed: what cannot be flushed would change Python's exit status
    try:
        try:
            stream.write(text)
        except UnicodeEncodeError:
            stream.write(text.encode("ascii", "backslashreplace").decode())
        stream.flush()
    except ValueError:          # it is closed
        return False
    return True


def try_path(path):
    """Can this file be written later? It is not changed. Raises OSError."""
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        if not os.path.islink(path):
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
            os.unlink(path)
        return
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):        # a pipe waits for its reader
        os.close(os.open(path, os.O_WRONLY))


def tell(track, options):
    """Print what `hooking track` was asked for, on stderr, and write its files."""
    found = functions_of(track)
    began = not never_began(found, options)
    parts = [table(track, found) if began else "", places(track) if options.where else "", builtins_line(track)]
    text = "\n".join(part for part in parts if part)
    if began:
        text += "".join(map(filled, limits_lines(track, found)))
    for path, write_it in ((options.json, write_json), (options.dot, draw)):
        try:
            told = write_it(track, path) if path is not None else None
        except OSError as error:
            told = f"{'standard output' if path == '-' else path}: {error.strerror}"
        if told:
            text += f"hooking track: {told}\n"
    with contextlib.suppress(OSError):
        say(getattr(sys, "stderr", None), text)


def builtins_line(track):
    """The builtins that were read, of all modules together: a str, empty for none."""
    found = {}
    for names in track.builtins.values():
        for name, count in names.items():
            found[name] = found.get(name, 0) + count
    return filled("builtins: " + listed(sorted(found.items()), track.mode == "all")) if found else ""


def limits_lines(track, found):
    """What this run could not see, a list of str: for "?" in the table of functions_of(), why it stands there."""
    unknown = any(function == "?" for function, _, _ in found)
    # that of __main__, from 3.14 on, is of no use to a program that does not import itself
    return [("?: " if unknown and one == LIMITS["no watcher"] else "limits: ") + one
            for one in track._limits_of_this_run() if one != LIMITS["main"]]


def never_began(found, options):
    """Was there no such program, or was its text wrong? Python has said so, and a table without lines is of no use."""
    if found:
        return False
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    return isinstance(getattr(sys, "last_value", None), SyntaxError) or options.has_spec and spec is None
