"""`hooking run`: the console at an exception, on a signal, and with inputs that are written down."""

import signal
import subprocess
import sys

import pytest

from conftest import environment, source

RUN = [sys.executable, "-m", "hooking", "run"]

FAILS = '''
    import sys

    def fails(d):
        total = 3
        return d["k"]

    print(sys.argv[1:])
    fails({})
'''


@pytest.fixture
def run(terminal, tmp_path):
    """Run a program with `hooking run OPTIONS program.py ARGUMENTS` on a terminal."""
    def start(program, *options, arguments=(), **settings):
        path = tmp_path / "program.py"
        path.write_text(source(program))
        return terminal.start([*RUN, *options, str(path), *arguments], **settings)
    return start


@pytest.fixture
def batch(tmp_path):
    """The same where there is nobody to ask."""
    def start(program, *options, arguments=(), **env):
        path = tmp_path / "program.py"
        path.write_text(source(program))
        return subprocess.run([*RUN, *options, str(path), *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, env=environment(tmp_path, **env), start_new_session=True)
    return start


def test_the_console_at_an_exception_that_nobody_handles(run):
    t = run(FAILS, arguments=["-c", "x"])
    t.play('''
        ['-c', 'x']
        Traceback (most recent call last):
          File "[...]program.py", line 8, in <module>
            fails({})
        [...]
        KeyError: 'k'
        KeyError: 'k'
        Post-mortem at [...]program.py:5 in fails - Exit with CTRL+D
        >>> total
        3
        >>> where
          #1  <module>  [...]program.py:8
                fails({})
        > #0  fails  [...]program.py:5
                return d["k"]
        >>> ^D
    ''')
    assert t.end() == 1


def test_abort_sets_the_status(run):
    t = run(FAILS)
    t.prompt()
    t.line("abort 9")
    assert t.end() == 9


@pytest.mark.parametrize("program, status", [
    ("raise SystemExit(4)", 4), ("import sys; sys.exit('why')", 1), ("raise KeyboardInterrupt", -signal.SIGINT),
    ("x = 1", 0), ("x = ", 1)])
def test_ends_without_a_console(run, program, status):
    t = run(program)
    assert t.end() == status
    assert "Post-mortem" not in t.text()


def test_an_exception_in_a_thread_is_the_programs_affair(run):
    """As with Python the program goes on, and install() is there for it."""
    program = """
        import hooking, threading
        {}
        t = threading.Thread(target=lambda: 1 / 0)
        t.start()
        t.join()
        print("on")
    """
    t = run(program.format(""))
    assert t.end() == 0
    assert "Post-mortem" not in t.text() and t.text().rstrip().endswith("on")
    t = run(program.format("hooking.install()"))
    t.prompt("[Thread-1 (<lambda>)] >>> ")
    t.key("C-d")
    assert t.end() == 0


def test_a_program_that_has_installed_the_console_itself_gets_one(run):
    t = run("import hooking; hooking.install()\n1 / 0\n")
    t.prompt()
    t.key("C-d")
    assert t.end() == 1
    assert t.text().count("Post-mortem") == 1


def test_the_programs_own_excepthook_comes_first(run):
    t = run('''
        import sys
        sys.excepthook = lambda t, e, tb: print("their hook:", e)
        1 / 0
    ''')
    t.play('''
        their hook: division by zero
        ZeroDivisionError: division by zero
        Post-mortem at [...]program.py:3 in <module> - Exit with CTRL+D
        >>> ^D
    ''')
    assert t.end() == 1


def test_a_module(terminal, tmp_path):
    (tmp_path / "mod.py").write_text("def f(x):\n    1 / 0\nf(5)\n")
    t = terminal.start([*RUN, "-m", "mod"])
    t.prompt()
    assert t.run("x, __name__") == "(5, '__main__')"
    t.key("C-d")
    assert t.end() == 1


@pytest.mark.parametrize("name", ["USR1", "SIGUSR1", str(int(signal.SIGUSR1))])
def test_a_signal_opens_a_console_in_the_running_program(run, name):
    t = run('''
        import time
        def wait():
            running = True
            print("ready")
            while running:
                time.sleep(0.02)
        wait()
        print("done")
    ''', "--on-signal", name)
    t.expect("ready")
    t.signal(signal.SIGUSR1)
    t.prompt()
    t.play('''
        >>> running
        True
        >>> running = False
        >>> ^D
        done
    ''')
    assert t.end() == 0


def test_inputs_that_are_written_down_and_then_the_users_own(run):
    t = run(FAILS, "-c", "total + 1", "-cup")
    assert t.prompt().endswith("Exit with CTRL+D\n>>> total + 1\n4\n>>> up\n> #1  <module>  "
                               f"{t.path}:8\n        fails({{}})")
    t.key("C-d")
    assert t.end() == 1


def test_inputs_where_nobody_can_be_asked(batch):
    done = batch(FAILS, "-c", "total + 1", "-c", "for i in range(2): print(i)", "-c", "up", arguments=["-m"])
    lines = done.stdout.split("\n")
    assert lines[0] == "['-m']"
    assert lines[1:2] == ["KeyError: 'k'"]
    assert lines[2].startswith("Post-mortem at ") and lines[2].endswith("program.py:5 in fails")
    assert lines[3:8] == [">>> total + 1", "4", ">>> for i in range(2): print(i)", "0", "1"]
    assert lines[8] == ">>> up" and lines[9].startswith("> #1  <module>")
    assert done.returncode == 1 and "KeyError: 'k'" in done.stderr


@pytest.mark.parametrize("elsewhere", ["</dev/null", ">out", "2>err"])
def test_an_exception_has_no_prompt_unless_all_three_streams_are_a_terminal(terminal, tmp_path, elsewhere):
    """There is /dev/tty all the same, and maybe nobody in front of it: a log wants the inputs, and then the end."""
    (tmp_path / "program.py").write_text(source(FAILS))
    t = terminal.start(["sh", "-c", f'cd {tmp_path}; "$@" {elsewhere}', "sh", *RUN, "-c", "total + 1", "-c", "1/0",
                        "-c", "if d == {}:\n    print(d)", "program.py"])
    assert t.end() == 1
    said = t.text() if elsewhere != ">out" else (tmp_path / "out").read_text()
    assert source('''
        program.py:5 in fails
        >>> total + 1
        4
        >>> 1/0
        Traceback (most recent call last):
    ''') in said
    assert said.rstrip().endswith("ZeroDivisionError: division by zero\n>>> if d == {}:\n...     print(d)\n{}")


def test_consoles_take_the_inputs_in_turn(batch):
    done = batch('''
        from hooking import hook
        for i in range(3):
            hook()
        print("end")
    ''', "-c", "i * 10", "-c", "c", "-c", "i * 10")
    said = [line for line in done.stdout.split("\n") if not line.startswith("Hooked")]
    assert said == [">>> i * 10", "0", ">>> c", ">>> i * 10", "10", "end", ""]
    assert done.stderr.count("not opened: there is no terminal") == 1
    assert done.returncode == 0


def test_nothing_but_the_program_without_a_terminal(batch):
    done = batch(FAILS)
    assert done.stdout == "[]\n" and done.returncode == 1 and "Post-mortem" not in done.stderr


@pytest.mark.parametrize("words, complaint", [
    (["--on-signal", "FOO", "x.py"], "no signal is called FOO"),
    (["--on-signal", "KILL", "x.py"], "--on-signal SIGKILL: that signal cannot be caught, take USR1\n"),
    (["--on-signal", "STOP", "x.py"], "--on-signal SIGSTOP: that signal cannot be caught, take USR1\n"),
    (["--on-signal", "999", "x.py"], "no signal is called 999"),
    (["-c"], "argument -c: expected one argument"),
    (["-c", "1"], "run what?"),
    (["--on-signal=USR1"], "run what?"),
])
def test_options_that_are_wrong(words, complaint, tmp_path):
    done = subprocess.run([*RUN, *words], capture_output=True, text=True, env=environment(tmp_path), cwd=tmp_path)
    assert done.returncode == 2 and complaint in done.stderr and "Traceback" not in done.stderr


def test_a_signals_console_is_no_call_of_hook(run):
    t = run('''
        import time
        print("ready")
        while True:
            time.sleep(0.02)
    ''', "--on-signal", "USR1")
    t.expect("ready")
    t.signal(signal.SIGUSR1)
    t.prompt()
    t.play('''
        >>> off
        that is about a call of hook(): here a signal has opened the console
        >>>
    ''')


def test_a_signal_that_comes_while_a_console_is_open(run):
    t = run("import hooking\nhooking.hook()\n", "--on-signal", "USR1")
    t.prompt()
    t.signal(signal.SIGUSR1)
    t.expect("program.py:2: not opened: readline is reading a line at this moment")
    t.prompt()
    assert t.run("6 * 7") == "42"
    t.key("C-d")
    assert t.end() == 0
    assert "the signal at " in t.text() and "hook() at" not in t.text()


@pytest.mark.parametrize("given, complaint", [
    ("def f():", "IndentationError: expected an indented block after function definition on line 1"),
    ("if True:\n  print(3", "SyntaxError: '(' was never closed"),
])
def test_an_input_that_is_written_down_and_not_whole(batch, given, complaint):
    done = batch("from hooking import hook\nhook()", "-c", given, "-c", "6 * 7")
    assert done.stdout.endswith(f"{complaint}\n>>> 6 * 7\n42\n") and done.returncode == 0
