"""Standard input or output elsewhere, a replaced input(), and no terminal at all."""

import re
import subprocess
import sys

import pytest

from conftest import environment, source

PROGRAM = '''
    import sys
    from hooking import hook
    def f(x):
        hook()
        print("went on with", x)
    print("before")
    f(1)
    print("stdin", repr(sys.stdin.read()) if sys.stdin else None)
'''


def read(path):
    return path.read_text() if path.exists() else ""


@pytest.fixture
def files(tmp_path):
    """Files for the standard streams of a program."""
    (tmp_path / "in").write_text("data\n")
    opened = {"stdin": open(tmp_path / "in"), "stdout": open(tmp_path / "out", "w"),
              "stderr": open(tmp_path / "err", "w")}
    yield opened
    for file in opened.values():
        file.close()


@pytest.mark.parametrize("elsewhere", [
    ["stdin"], ["stdout"], ["stdin", "stdout"], ["stdin", "stdout", "stderr"]], ids=" ".join)
def test_dev_tty_is_used(terminal, files, tmp_path, elsewhere):
    """inducer/pudb#423, docker/compose#359: input and output of the program go elsewhere, the console does not."""
    t = terminal(PROGRAM, **{name: files[name] for name in elsewhere})
    t.expect("Hooked at")
    t.prompt()
    assert t.run("x") == "1"
    assert t.run("print('printed')") == "printed"
    assert t.run("sys.stdout.write('written\\n') and None") == "written"
    assert t.run("1 / 0").endswith("ZeroDivisionError: division by zero")
    assert t.run("sys.stderr.write('error\\n') and None") == "error"
    assert t.run("[x for _ in range(3)]") == "[1, 1, 1]"
    if "stdin" not in elsewhere:
        t.key("C-d")
        t.expect("stdin") if "stdout" not in elsewhere else t.until(t.echoes, "the program's reading")
        t.line("typed").key("C-d")
        assert t.end() == 0
    else:
        t.key("C-d")
        assert t.end() == 0
    if "stdout" in elsewhere:
        stdin = "'typed\\n'" if "stdin" not in elsewhere else "'data\\n'"
        assert read(tmp_path / "out") == f"before\nwent on with 1\nstdin {stdin}\n"
    assert read(tmp_path / "err") == ""


def test_the_redirected_stdout_is_back_between_statements(terminal, files, tmp_path):
    t = terminal('''
        import sys, threading
        from hooking import hook
        original = sys.stdout
        ask, answered = threading.Event(), threading.Event()
        def other():
            ask.wait()
            print("from the thread", sys.stdout is original, flush=True)
            answered.set()
        thread = threading.Thread(target=other)
        thread.start()
        hook()
        print(sys.stdout is original)
        thread.join()
    ''', stdin=files["stdin"], stdout=files["stdout"])
    t.prompt()
    assert t.run("print('to the terminal')") == "to the terminal"
    # The timer fires while the prompt waits; the terminal tells when the thread has written.
    t.run("def tell(): ask.set(); answered.wait(); open('/dev/tty', 'w').write('answered')")
    t.line("threading.Timer(0.05, tell).start()")
    t.expect(re.compile("answered$", re.M))
    t.key("C-d")
    assert t.end() == 0
    assert read(tmp_path / "out") == "from the thread True\nTrue\n"


def test_what_a_statement_assigns_to_sys_stdout_stays(terminal, files, tmp_path):
    t = terminal('''
        import io, sys
        from hooking import hook
        hook()
        print("caught")
        sys.__stdout__.write(repr(sys.stdout.getvalue()))
    ''', stdin=files["stdin"], stdout=files["stdout"])
    t.prompt()
    t.run("sys.stdout = io.StringIO()")
    t.key("C-d")
    assert t.end() == 0
    assert read(tmp_path / "out") == "'caught\\n'"


def test_standard_input_at_the_prompt_is_the_programs(terminal, files):
    """The console reads nothing of it; a statement that does gets what the program would have got."""
    t = terminal(PROGRAM, stdin=files["stdin"])
    t.prompt()
    t.run("x")
    assert t.run("sys.stdin.readline()") == "'data\\n'"
    t.key("C-d")
    t.expect("stdin ''")
    assert t.end() == 0


def test_dev_null_and_a_pipe(terminal, tmp_path):
    t = terminal(PROGRAM, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    t.prompt()
    assert t.run("x + 1") == "2"
    t.key("C-d")
    assert t.process.stdout.read() == b"before\nwent on with 1\nstdin ''\n"
    assert t.end() == 0


def test_in_the_middle_of_a_pipeline(terminal):
    (terminal.folder / "program.py").write_text("x = 1\nfrom hooking import hook\nhook()\nprint('read', input())\n")
    t = terminal.start(["/bin/sh", "-c", f'echo data | "{sys.executable}" program.py | cat'])
    t.prompt()
    assert t.run("x") == "1"
    t.key("C-d")
    t.expect("read data")
    assert t.end() == 0


@pytest.mark.parametrize("closed", [[0], [1], [0, 1], [0, 1, 2]], ids=str)
def test_closed_descriptors(terminal, closed):
    """The descriptors stay closed: nothing of ours takes their numbers for good."""
    t = terminal(f'''
        import os
        for fd in {closed}:
            os.close(fd)
        from hooking import hook
        x = 1
        hook()
        still = []
        for fd in {closed}:
            try:
                os.fstat(fd)
            except OSError:
                still.append(fd)
        os.write(os.open("/dev/tty", os.O_WRONLY), b"still closed %a" % still)
        os._exit(0)
    ''')
    t.prompt()
    assert t.run("x") == "1"
    t.key("C-d")
    t.expect(f"still closed {closed}")
    assert t.end() == 0


def test_standard_streams_that_are_none(terminal):
    t = terminal('''
        import sys
        sys.stdin = sys.stdout = sys.stderr = None
        from hooking import hook
        x = 1
        hook()
        print(sys.stdout, file=sys.__stdout__)
    ''')
    t.prompt()
    assert t.run("x") == "1"
    assert t.run("1 / 0").endswith("division by zero")
    assert t.leave() == "None"


def test_replaced_streams_capture_nothing(terminal):
    """pytest-dev/pytest#2189, #64: under a capturing test runner the console is still on the terminal."""
    t = terminal('''
        import io, sys
        from hooking import hook
        sys.stdin, sys.stdout, sys.stderr = io.StringIO("for the program"), io.StringIO(), io.StringIO()
        def f(x):
            hook()
        f(1)
        captured = sys.stdout.getvalue(), sys.stderr.getvalue(), sys.stdin.read()
        sys.stdout = sys.__stdout__
        print(captured)
    ''')
    t.prompt()
    assert t.run("x") == "1"
    assert t.run("print('printed')") == "printed"
    assert t.run("1 / 0").endswith("division by zero")
    assert t.leave() == "('', '', 'for the program')"


@pytest.mark.parametrize("capture", ["fd", "sys", "no", "tee-sys"])
def test_in_a_test_run_by_pytest(terminal, tmp_path, capture):
    (tmp_path / "test_hooked.py").write_text(source('''
        import os, sys
        from hooking import hook
        def test_it(capfd):
            x = 5
            print("captured by pytest")
            hook()
            out, err = capfd.readouterr()
            assert out == "captured by pytest\\n"
            assert err == ""
        def test_plain():
            y = 6
            hook()
    '''))
    t = terminal.start([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist",
                        f"--capture={capture}", "test_hooked.py"])
    t.prompt()
    assert t.run("x") == "5"
    assert t.run("print('printed')") == "printed"
    t.key("C-d")
    t.prompt()
    assert t.run("y") == "6"
    t.key("C-d")
    t.expect("2 passed")
    assert t.end() == 0


# Without a terminal to open -----------------------------------------------------------------------------------------

REPLACED_INPUT = '''
    import builtins, sys
    from hooking import hook
    lines = iter({lines!r})
    prompts = []
    def replaced(prompt=""):
        prompts.append(prompt)
        try:
            return next(lines)
        except StopIteration:
            raise EOFError
    builtins.input = replaced
    def f(x):
        hook(overwrite_locals=True)
        print("went on with", x, "prompts", prompts)
    f(1)
'''


def run(program, tmp_path, text="", options=()):
    """Run a program in a session without a terminal, standard streams on pipes."""
    path = tmp_path / "program.py"
    path.write_text(source(program))
    done = subprocess.run([sys.executable, *options, str(path)], input=text, capture_output=True, text=True,
                          start_new_session=True, timeout=60, env=environment(tmp_path), cwd=tmp_path)
    return done


def test_a_replaced_input_is_used(tmp_path):
    """Notebooks and IDLE replace builtins.input: each call asks the user for a line."""
    done = run(REPLACED_INPUT.format(lines=["x + 1", "for i in range(2):", "    i", "", "x = 5"]), tmp_path)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.split("\n")
    assert lines[0].endswith("program.py:13 - Exit with CTRL+D")
    assert lines[1:4] == ["2", "0", "1"]
    assert "went on with 5" in done.stdout
    assert ["'>>> '", "'>>> '", "'... '", "'... '", "'>>> '", "'>>> '"] == re.findall(r"'(?:>>>|\.\.\.) '", done.stdout)


def test_a_replaced_input_commands_and_errors(tmp_path):
    done = run(REPLACED_INPUT.format(lines=["1 / 0", "where", "if x:", "x", "", "exit"]), tmp_path)
    assert done.returncode == 0
    assert "ZeroDivisionError" in done.stdout + done.stderr
    assert "program.py" in done.stdout and "IndentationError" in done.stdout + done.stderr
    assert "went on with 1" in done.stdout


@pytest.mark.parametrize("error", ["KeyboardInterrupt", "ValueError('the front end is broken')", "OSError('gone')"])
def test_a_replaced_input_that_raises(tmp_path, error):
    program = REPLACED_INPUT.format(lines=["x = 7"]).replace("raise EOFError", f"if len(prompts) > 20: raise EOFError\n"
                                                             f"            raise {error}")
    done = run(program, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "went on with 7" in done.stdout


def test_a_replaced_input_that_returns_no_string(tmp_path):
    program = REPLACED_INPUT.format(lines=["x = 7"])
    endless = "if len(prompts) > 20: raise EOFError\n            return 3"
    done = run(program.replace("raise EOFError", endless), tmp_path)
    assert done.returncode == 0, done.stderr
    assert "went on with 7" in done.stdout


def test_a_stdin_that_says_it_is_a_terminal(tmp_path):
    done = run('''
        import io, sys
        from hooking import hook
        class Front(io.StringIO):
            def isatty(self): return True
            def fileno(self): raise io.UnsupportedOperation("fileno")
        sys.stdin = Front("x + 1\\nx = 5\\n")
        def f(x):
            hook(overwrite_locals=True)
            print("went on with", x)
        f(1)
    ''', tmp_path)
    assert done.returncode == 0, done.stderr
    assert "2\n" in done.stdout.split("CTRL+D")[1]
    assert "went on with 5" in done.stdout


WARNED = '''
    import logging
    from hooking import hook
    class Keep(logging.Handler):
        def emit(self, r):
            print("record", r.name, r.levelname, r.pathname == __file__, r.lineno, r.funcName, r.getMessage(), sep="|")
    logging.getLogger("mine").addHandler(Keep())
    def f(x):
        print("returned", hook(logger="mine"))
    f(1)
    for i in range(2):
        hook(logger="mine")
    print("end")
'''


def test_no_terminal_at_all_is_one_warning(tmp_path):
    done = run(WARNED, tmp_path)
    assert done.returncode == 0
    lines = done.stdout.split("\n")
    record = [line.split("|") for line in lines if line.startswith("record")]
    assert record[0][1:6] == ["mine", "WARNING", "True", "8", "f"]
    assert f"{tmp_path / 'program.py'}:8" in record[0][6]
    assert re.search("terminal", record[0][6])
    assert lines.count("returned None") == 1 and lines[-2] == "end"
    assert "Hooked at" not in done.stdout and ">>>" not in done.stdout


def test_the_warning_is_shown_when_logging_was_never_set_up(tmp_path):
    done = run("from hooking import hook\nhook()\nprint('end')\n", tmp_path)
    assert done.returncode == 0
    assert done.stdout == "end\n"
    assert f"{tmp_path / 'program.py'}:2" in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.parametrize("setting", ["logging.disable()", "logging.basicConfig(level='ERROR')",
                                     "logging.getLogger().addHandler(logging.NullHandler())"])
def test_the_warning_can_be_switched_off(tmp_path, setting):
    done = run(f"import logging\n{setting}\nfrom hooking import hook\nhook()\nprint('end')\n", tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "end\n", "")


def test_a_handler_that_raises_on_the_warning(tmp_path):
    done = run('''
        import logging
        from hooking import hook
        class Broken(logging.Handler):
            def emit(self, record): raise OSError("no room left")
        logging.getLogger().addHandler(Broken())
        hook()
        print("end")
    ''', tmp_path)
    assert (done.returncode, done.stdout) == (0, "end\n")


def test_standard_input_is_left_to_the_program(tmp_path):
    done = run("from hooking import hook\nhook()\nprint(repr(input()))\n", tmp_path, text="a line\n")
    assert done.stdout == "'a line'\n"


def test_a_terminal_that_is_not_the_controlling_one(terminal):
    """Standard input is a terminal all the same: docker run -t without a session of its own."""
    t = terminal("from hooking import hook\nx = 1\nhook()\nprint('end')\n", controlling=False)
    t.prompt()
    assert t.run("x") == "1"
    t.type("half").key("C-c")
    assert "KeyboardInterrupt" in t.prompt()
    assert t.leave() == "end"
    assert t.end() == 0


def test_a_dumb_terminal(terminal):
    for term in ("dumb", "nothing-known", ""):
        t = terminal("from hooking import hook\nx = 1\nhook()\nprint('end')\n", env={"TERM": term})
        t.prompt()
        assert t.run("x") == "1"
        assert t.leave().endswith("end")
    t = terminal("from hooking import hook\nx = 1\nhook()\nprint('end')\n", env={"TERM": None})
    t.prompt()
    assert t.run("x") == "1"
    assert t.leave() == "end"


def test_a_background_job_does_not_steal_the_terminal(terminal):
    """A hook in the background says so and goes on; nobody there could type."""
    (terminal.folder / "program.py").write_text("from hooking import hook\nx = 1\nhook()\nprint('end')\n")
    t = terminal.start(["/bin/sh", "-c", f'set -m; "{sys.executable}" program.py & '
                        'wait $!; echo "[shell] $?"'])
    t.expect("background")
    t.expect("end")
    t.expect("[shell] 0")
    assert t.echoes() and ">>>" not in t.text()
