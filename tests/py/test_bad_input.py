"""Bad input: a clear error at the prompt or an exception before the console opens, nothing changed, no hang."""

import array
import fcntl
import os
import random
import re
import signal
import subprocess
import sys
import termios

import pytest

from conftest import environment, source

PROGRAM = '''
    from hooking import hook
    def f(x):
        hook(overwrite_locals=True)
        print("went on with", x)
    f(1)
'''


def alive(t):
    """The console takes the next input, and the program goes on unchanged."""
    t.settle().ready()
    assert t.run("x + 1") == "2"
    assert t.leave() == "went on with 1"
    assert t.end() == 0


# Bytes --------------------------------------------------------------------------------------------------------------

def test_ten_megabytes_pasted(opened):
    t = opened()
    t.model = False                           # the echo is as long, and nobody looks at it
    text = "y = '''" + "\n".join("0123456789" * 10 for _ in range(100_000)) + "'''; print('%d characters' % len(y))"
    t.paste(text)
    t.key("Enter")
    t.until(lambda: b"10099999 characters" in t.raw[-100000:], "the length", timeout=60)
    t.settle().key("C-d")
    t.until(lambda: b"went on with 1" in t.raw[-1000:], "the program")
    assert t.end() == 0


def test_ten_thousand_lines_pasted(opened):
    t = opened()
    t.model = False
    t.paste("if x:\n" + "\n".join(f"    y{n} = {n}" for n in range(10_000)) + "\n    print('%d names' % y9999)\n")
    t.key("Enter", "Enter")
    t.until(lambda: b"9999 names" in t.raw[-1000:], "the last line", timeout=60)
    t.settle().key("C-d")
    t.until(lambda: b"went on with 1" in t.raw[-1000:], "the program")


def test_a_very_long_line_typed(opened):
    t = opened()
    t.model = False
    t.type("len('" + "a" * 4_000 + "')\r")
    t.until(lambda: b"\n4000\r\n" in t.raw[-1000:] or b"\r4000\r\n" in t.raw[-1000:], "the length")
    t.settle().key("C-d")
    assert t.end() == 0


@pytest.mark.parametrize("typed", [b"x = \x002", b"x = '\x00'", b"\x00\x00"])
def test_nul_bytes(opened, typed):
    """Typed or pasted, a NUL is no part of any Python text: an error, or not taken at all."""
    t = opened()
    t.type(b"\x1b[200~" + typed + b"\x1b[201~").key("C-c").settle()
    t.type(typed).key("C-c")
    alive(t)


def test_a_nul_byte_entered(opened):
    t = opened()
    t.type(b"\x1b[200~y = 5\x00 + 6\x1b[201~").key("Enter")
    t.settle().ready()
    shown = t.run("'y' in locals()")
    assert shown in ("True", "False")
    if shown == "True":
        assert t.run("y in (5, 11)") == "True"
    alive(t)


@pytest.mark.parametrize("raw", [
    b"'\xff\xfe'", b"y = '\xc3'", b"\xe9t\xe9 = 1", b"# \xf0\x28\x8c\xbc", b"'\xed\xa0\x80'"])
def test_undecodable_bytes(opened, raw):
    """Not UTF-8: an error at the prompt that says so, or (a sequence cut short) nothing that would be shown or run."""
    t = opened()
    t.type(raw + b"\r")
    shown = t.prompt()
    if raw == b"y = '\xc3'" and not shown:
        assert t.run("y") == "''" and ">>> y = ''\n" in t.text()
    elif not raw.startswith(b"#"):
        assert re.search(r"Unicode\w*Error|SyntaxError|decode|UTF-8|utf-8", shown), shown
    alive(t)


@pytest.mark.parametrize("settings", [
    {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}, {"LC_ALL": "POSIX", "PYTHONUTF8": "1"},
    {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"},
    {"LANG": "no_SUCH.locale"}, {"LC_ALL": None, "LANG": None}],
    ids=lambda settings: " ".join(f"{name}={value}" for name, value in settings.items()))
def test_a_locale_without_the_characters(opened, settings):
    t = opened(env=settings)
    t.type("y = 'é日'".encode() + b"\r")
    shown = t.prompt()
    if not shown:
        length = t.run("len(y)")
        assert length in ("2", "5"), "two characters, or the bytes that the locale knows nothing about"
        assert "Error" not in t.run("ascii(y)")
    alive(t)


def test_lone_surrogates_are_shown_not_fatal(opened):
    t = opened()
    assert t.run("'\\ud800'") == "'\\ud800'"
    assert "UnicodeEncodeError" in t.run("print('\\ud800')")
    t.run("class S:\n    def __repr__(self): return '\\ud800'")
    shown = t.run("S()")
    assert "ud800" in shown or "UnicodeEncodeError" in shown
    assert "ValueError" in t.run("raise ValueError('\\ud800')")
    alive(t)


@pytest.mark.parametrize("text", ["\\ud800", "\\x00", "a\\x00b", "\\x1b[2J", "x" * 5000])
@pytest.mark.parametrize("what", ["banner_msg", "logger", "ps1", "thread"])
def test_strange_text_around_the_console(terminal, text, what):
    """An exception before the console opens, or a console: nothing in between."""
    program = {
        "banner_msg": f"hook('{text}')", "logger": f"hook(logger='{text}')", "ps1": f"sys.ps1 = '{text}'\nhook()",
        "thread": f"t = threading.Thread(target=lambda: hook(), name='{text}')\nt.start(); t.join()"}[what]
    t = terminal(f"import sys, threading\nfrom hooking import hook\n{program}\nprint('end')\n", columns=200)
    t.until(lambda: not t.echoes() or t.status is not None, "a prompt, or the exception", ended=True)
    t.line("")
    t.line("6 * 7")
    t.until(lambda: re.search(rb"[\r\n]42", t.raw) or t.status is not None, "an answer, or the exception", ended=True)
    if t.status is None:
        t.until(lambda: not t.echoes(), "the prompt")
        t.key("C-d")
        assert t.end() == 0
    else:
        assert what != "thread" and re.search(r"(Unicode|Value|Type)\w*Error", t.text())
        assert t.status == 1
    assert t.echoes()


def test_a_program_whose_name_is_not_utf8(terminal, tmp_path):
    path = os.path.join(os.fsencode(tmp_path), b"pr\xf6gram.py")
    with open(path, "w") as file:
        file.write("from hooking import hook\nx = 1\nhook()\nprint('end')\n")
    t = terminal.start([sys.executable, path])
    t.expect("gram.py:3 - Exit with CTRL+D")
    t.prompt()
    assert t.run("x") == "1"
    assert "ZeroDivisionError" in t.run("1/0")
    assert "gram.py" in t.run("where")
    t.run("list")
    assert t.leave() == "end"


# Through a replaced input() -----------------------------------------------------------------------------------------

@pytest.mark.parametrize("line", [
    "y = '\\ud800'", "y\\0 = 1", "\\ud800 = 1", "\\udcff", "y = 1\\ny = 2", "\\r", "\\x0c"])
def test_strange_lines_from_a_replaced_input(tmp_path, line):
    path = tmp_path / "program.py"
    path.write_text(source(f'''
        import builtins
        from hooking import hook
        lines = iter(["{line}", "", "", "print('still', 6 * 7)"])
        def replaced(prompt=""):
            for line in lines:
                return line
            raise EOFError
        builtins.input = replaced
        def f(x):
            hook()
            print("went on with", x)
        f(1)
    '''))
    done = subprocess.run([sys.executable, str(path)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          start_new_session=True, timeout=60, env=environment(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "still 42" in done.stdout and "went on with 1" in done.stdout


# Keys ---------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("seed", range(6))
def test_random_keys(terminal, opened, seed):
    """Whatever is typed and then taken back with Ctrl-C leaves the console as it was."""
    generator = random.Random(seed)
    # Not Enter, Ctrl-D (leaves), Ctrl-Z (stops), Ctrl-\\ (kills, between two prompts) or Ctrl-S (the terminal's pause).
    keys = [bytes([n]) for n in range(256) if n not in (4, 10, 13, 15, 19, 26, 28)]
    keys += [b"\x1b" + rest for rest in (b"[A", b"[B", b"[C", b"[D", b"[200~", b"[201~", b"OP", b"[3~", b"[1;5C")]
    t = opened()
    t.model = False
    for _ in range(15):
        t.type(b"".join(generator.choices(keys, k=60)))
        t.type(b"\x1b[201~\x07\x07\x03\x03")
    t.settle().key("C-d")
    t.until(lambda: b"went on with 1" in t.raw, "the program")
    assert t.end() == 0


KEYS = ["C-r", "C-x", "Escape", "C-v", "C-q", "C-]", "C-_", "Tab", "C-w", "C-y", "C-u", "M-5", "M-C-", "C-t", "Up", "a"]


@pytest.mark.parametrize("first", KEYS)
def test_keys_before_ctrl_c(opened, first):
    """In the middle of a search, of a key sequence, of an argument: Ctrl-C ends it all."""
    t = opened("""
        from hooking import hook
        hook()
        print("went on with", 1)
    """)
    t.run("x = 1")
    t.model = False
    for second in KEYS:
        for key in (first, second):
            t.type({"M-C-": "\x1b\x12", "a": "a"}[key]) if key in ("M-C-", "a") else t.key(key)
        t.key("C-c", "C-c")
        t.settle()
    t.key("C-d")
    t.until(lambda: b"went on with 1" in t.raw, "the program")
    assert t.end() == 0


def test_ctrl_c_on_a_line_reached_by_a_search(opened):
    """readline frees the line that the search has put aside, and again with the next one if we drop it wrongly."""
    t = opened()
    t.model = False
    for _ in range(3):
        t.type("(\r\x1b[5~\x1b#a\x12(\x1bn\x19\x1b[A\x0e\x03")
        t.type("\x03")
    t.settle().key("C-d")
    t.until(lambda: b"went on with 1" in t.raw, "the program")
    assert t.end() == 0


@pytest.mark.parametrize("rows, columns", [(0, 0), (1, 1), (24, 1), (1, 80), (2, 2), (500, 500), (24, 4)])
def test_odd_sizes_of_the_terminal(terminal, rows, columns):
    """0×0 is what containers often say."""
    t = terminal(f'''
        import fcntl, struct, termios
        from hooking import hook
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", {rows}, {columns}, 0, 0))
        def f(x):
            hook()
            print("went on with", x)
        f(1)
    ''')
    def shown(text):                              # readline 8.3 clears so small a screen at each redraw
        t.until(lambda: text in t.raw, text)
    shown(b"CTRL+D")
    t.until(lambda: not t.echoes(), "the prompt")
    t.line("print('x is', x + 1)")
    shown(b"x is 2\r\n")
    t.until(lambda: not t.echoes(), "the prompt")
    t.key("C-d")
    shown(b"went on with 1")
    assert t.end() == 0


# Sawing at the branch one sits on -----------------------------------------------------------------------------------

SAWS = [
    "import sys; sys.stdout.close()", "import sys; sys.stdout = None", "import sys; del sys.stdout",
    "import sys; sys.stderr = None", "import sys; del sys.stderr", "import sys; sys.stderr.close()",
    "import sys; sys.stdin.close()", "import sys; sys.stdin = None", "import sys; sys.stdout = 3",
    "import sys; sys.modules.clear()", "import sys; sys.modules['traceback'] = None",
    "import sys; sys.modules['linecache'] = None", "import sys; sys.modules['logging'] = None",
    "import sys; del sys.modules['hooking'], sys.modules['hooking._core']", "import sys; sys.excepthook = None",
    "import sys; del sys.excepthook", "import builtins; del builtins.__import__",
    "import builtins; del builtins.repr", "import os; os.chdir('/'); os.environ.clear()",
    "import gc; gc.collect() and None", "import sys; sys.setrecursionlimit(60)",
    "import builtins; del builtins.print, builtins.exit", "globals().clear()", "import sys; sys.ps1 = object()",
    "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN) and None", "hook = None",
    "import locale; locale.setlocale(0, 'C')",
]


@pytest.mark.parametrize("saw", SAWS)
def test_the_console_outlives(terminal, saw):
    t = terminal('''
        import os
        from hooking import hook
        def f(x, write=os.write):
            hook()
            write(1, b"went on with %d\\n" % x)
        f(1)
        os._exit(0)
    ''')
    t.prompt()
    t.line(saw)
    t.line("1 / 0")
    t.line("y = x + 41")
    t.line("write(1, b'y is %d\\n' % y) and None")
    t.expect(re.compile("^y is 42$", re.M))
    t.until(lambda: not t.echoes() and t.screen.place()[1] > 0, "the prompt")
    t.key("C-d")
    t.expect("went on with 1")
    t.end()
    assert t.echoes()


@pytest.mark.parametrize("fds", ["0", "1", "2", "0, 1", "0, 1, 2"])
def test_descriptors_closed_at_the_prompt(terminal, fds):
    t = terminal('''
        import os
        from hooking import hook
        def f(x):
            hook()
            with open("went-on", "w") as file:
                file.write(str(x))
        f(1)
        os._exit(0)
    ''')
    t.prompt()
    t.line(f"import os; [os.close(fd) for fd in ({fds},)] and None")
    t.line("open('done', 'w').write(str(x)) and None")
    done = t.path.parent / "done"
    t.until(lambda: t.status is not None or done.exists() and not t.echoes(), "the statement", ended=True)
    if t.status is None:
        t.key("C-d")
    assert t.end() == 0
    assert (t.path.parent / "went-on").read_text() == "1"
    assert t.echoes()


def test_an_exhausted_memory_is_an_error(opened):
    t = opened()
    assert "MemoryError" in t.run("x = bytearray(2**60)") or "OverflowError" in t.run("1")
    alive(t)


def test_running_out_of_descriptors(terminal):
    t = terminal('''
        import os, resource
        from hooking import hook
        resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))
        taken = []
        try:
            while True:
                taken.append(os.dup(0))
        except OSError:
            pass
        def f(x):
            hook()
            os.write(1, b"went on with %d\\n" % x)
        f(1)
        os._exit(0)
    ''')
    t.until(lambda: "went on" in t.text() or t.prompt_is_fresh(">>> "), "a console, or the reason why there is none")
    if "went on" not in t.text():
        t.prompt()
        assert t.run("x + 41") == "42"
        t.key("C-d")
    t.expect("went on with 1")
    assert t.end() == 0
    assert t.echoes()


# A paste without an end ---------------------------------------------------------------------------------------------

@pytest.mark.parametrize("pasted", ["abc", "abc\x1b[20", "a\rb\r", ""])
def test_ctrl_c_ends_a_paste_whose_end_never_comes(opened, pasted):
    t = opened()
    t.type("\x1b[200~" + pasted)
    give_up(t)
    alive(t)


def test_ctrl_c_ends_a_paste_whose_end_never_comes_in_a_search(opened):
    t = opened()
    t.key("C-r").until(lambda: "search" in t.left_of_cursor(), "the search")
    t.type("\x1b[200~abc")
    give_up(t)
    alive(t)


def give_up(t):
    """Press Ctrl-C until there is a prompt, as people do. It is a key when nothing else came for a while."""
    for _ in range(20):
        t.key("C-c")
        try:
            t.ready(timeout=1)
            return
        except AssertionError:
            pass
    t.ready(timeout=1)


def test_ctrl_c_within_a_paste_is_text(opened):
    t = opened()
    t.type("\x1b[200~a\x03b\x1b[201~").shows(">>> a^Cb|")


def test_a_paste_that_comes_byte_by_byte_arrives_whole(opened):
    """As on a slow line, with pauses; a character and the mark of the end come in parts too."""
    t = opened()
    for byte in "\x1b[200~'é\r\x1b[x'\x1b[201".encode():
        t.type(bytes([byte]))
        with pytest.raises(AssertionError):
            t.until(lambda: "'" in t.left_of_cursor(), "a part of it", timeout=0.2)
    t.type("~").shows(">>> 'é", "... ^[[x'|")


def waiting(t):
    """How many bytes were typed and not read."""
    size = array.array("i", [0])
    fcntl.ioctl(t.slave, termios.FIONREAD, size)
    return size[0]


HANDLER_PROGRAM = '''
    import os, signal
    from hooking import hook
    def handler(*a):
        %s
    signal.signal(signal.SIGUSR1, handler)
    def f(x):
        hook(overwrite_locals=True)
        print("went on with", x)
    f(1)
'''


def test_signal_handlers_run_within_a_paste(opened):
    t = opened(HANDLER_PROGRAM % 'print("handled", flush=True)')
    t.type("\x1b[200~x + ")
    t.until(lambda: not waiting(t), "what is pasted is read")
    t.signal(signal.SIGUSR1)
    t.above("handled")
    t.type("1\x1b[201~").shows("handled", ">>> x + 1|")
    t.key("C-c")
    alive(t)


def test_a_signal_handler_that_raises_within_a_paste(opened):
    t = opened(HANDLER_PROGRAM % 'raise KeyboardInterrupt')
    t.type("\x1b[200~x + ")
    t.until(lambda: not waiting(t), "what is pasted is read")
    t.signal(signal.SIGUSR1)
    t.expect("KeyboardInterrupt")
    t.type("\x1b[201~").key("C-c")           # if the paste has come late, it is the next prompt's
    alive(t)


def test_a_signal_handler_that_forks_within_a_paste(opened):
    t = opened(HANDLER_PROGRAM % 'os.fork() or os._exit(0)\n        os.wait()\n        print("handled", flush=True)')
    t.type("\x1b[200~x + ")
    t.until(lambda: not waiting(t), "what is pasted is read")
    t.signal(signal.SIGUSR1)
    t.above("handled")
    t.type("1\x1b[201~").shows("handled", ">>> x + 1|")
    t.key("C-c")
    alive(t)


def test_the_window_may_change_within_a_paste(opened):
    t = opened()
    t.type("y" * 30).shows(">>> " + "y" * 30 + "|")
    t.type("\x1b[200~x + ")
    t.until(lambda: not waiting(t), "what is pasted is read")
    t.resize(24, 20)
    t.shows(">>> " + "y" * 16, "y" * 14 + "|")
    t.type("1\x1b[201~").shows(">>> " + "y" * 16, "y" * 14 + "x + 1|")
    t.key("C-c")
    alive(t)
