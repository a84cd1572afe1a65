"""run_as_main(), for tools that run people's scripts; what else `hooking run` says. See test_run_programs.py too."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import hooking

HERE = str(Path(hooking.__file__).parent.parent)


@pytest.fixture
def run(tmp_path):
    """Write files, run Python in their folder: `run({name: text}, *words)` is (status, stdout, stderr)."""
    def run(files, *words, **environment):
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
        done = subprocess.run([sys.executable, *words], cwd=tmp_path, capture_output=True, text=True, timeout=60,
                              env={**os.environ, "PYTHONPATH": HERE, **environment}, stdin=subprocess.DEVNULL)
        return done.returncode, done.stdout, done.stderr.replace(str(tmp_path), "HERE")
    return run


def test_a_profiler_reports_when_the_program_has_ended(run):
    """What the seed's cProfile could not: the program pickles its own class."""
    status, out, err = run({"tool.py": """
        import cProfile, pstats, sys
        import hooking

        def main():
            profile = cProfile.Profile()
            try:
                profile.runcall(hooking.run_as_main, sys.argv[1], argv=sys.argv[2:])
            except SystemExit as end:
                print("ended with", end.code)
            print([name for _, _, name in pstats.Stats(profile).stats if name == "count"])

        if __name__ == "__main__":
            main()
        """, "sub/prog.py": """
        import atexit, pickle, sys, helper
        class State:
            pass
        def count():
            return type(pickle.loads(pickle.dumps(State())))
        print(count() is State, sys.argv, sys.path[0] == helper.__file__.removesuffix("/helper.py"))
        atexit.register(lambda: print("at the end", sys.modules["__main__"].State is State))
        sys.exit(3)
        """, "sub/helper.py": ""}, "tool.py", "sub/prog.py", "-m", "x")
    assert (status, err) == (0, "")
    assert out.split("\n") == ["True ['sub/prog.py', '-m', 'x'] True", "ended with 3", "['count']",
                               "at the end True", ""]


WHAT_COMES = """
    import sys
    import hooking
    before = sys.modules["__main__"], sys.argv, list(sys.path)
    try:
        print("returned", hooking.run_as_main({}))
    except BaseException as error:
        functions, at = [], error.__traceback__.tb_next
        while at:
            functions.append(at.tb_frame.f_code.co_name)
            at = at.tb_next
        print(type(error).__name__, error, functions, repr(error.__context__))
    print("as before", before == (sys.modules["__main__"], sys.argv, list(sys.path)))
    """
PROGRAM = """
    import sys
    def inner():
        eval(sys.argv[1])
    inner()
    """


@pytest.mark.parametrize("call, said", [
    ("'prog.py', argv=['0']", "returned None\nas before False\n"),
    ("'prog.py', argv=['1/0']",
     "ZeroDivisionError division by zero ['<module>', 'inner', '<module>'] None\nas before False\n"),
    ("module='prog', argv=['sys.exit(4)']", "SystemExit 4 ['<module>', 'inner', '<module>'] None\nas before False\n"),
    ("'bad.py'", "SyntaxError invalid syntax (bad.py, line 1) [] None\nas before False\n"),
    ("'missing.py'", "FileNotFoundError [Errno 2] No such file or directory: 'missing.py' [] None\n"
                     "as before True\n"),
    ("module='missing'", "ImportError No module named missing [] None\nas before True\n"),
    ("'empty'", "ImportError can't find '__main__' module in 'HERE/empty' [] None\nas before True\n"),
    ("", "TypeError which program? Give a path, or module=NAME [] None\nas before True\n"),
    ("'prog.py', module='prog'", "TypeError either a path or module=NAME, not both [] None\nas before True\n"),
    ("'prog.py', argv='x'", "TypeError argv shall be a list of str, and is a str: ['x']? [] None\nas before True\n"),
    ("'prog.py', argv=[1]", "TypeError argv shall be a list of str, and argv[0] is 1 [] None\nas before True\n"),
    ("module=3", "TypeError module shall be a name, a str, and is 3 [] None\nas before True\n"),
])
def test_what_comes_back(run, tmp_path, call, said):
    status, out, err = run({"tool.py": WHAT_COMES.replace("{}", call), "prog.py": PROGRAM, "bad.py": "a b",
                            "empty/x": ""}, "tool.py")
    assert (status, out.replace(str(tmp_path), "HERE")) == (0, said), err


def test_a_tool_that_catches_ctrl_c_ends_as_it_likes(run):
    """Python would end by SIGINT, for it has noted that a script has been interrupted."""
    files = {"tool.py": """
        import hooking
        try:
            hooking.run_as_main("prog.py")
        except KeyboardInterrupt:
            print("caught")
        """, "prog.py": "raise KeyboardInterrupt", "plain.py": "import hooking; hooking.run_as_main('prog.py')"}
    assert run(files, "tool.py") == (0, "caught\n", "")
    assert run(files, "plain.py")[0] == -signal.SIGINT


def test_an_exception_that_the_tool_lets_pass(run):
    """Python looks into the __main__ with which it has begun when a script has failed."""
    status, out, err = run({"tool.py": "import hooking\nhooking.run_as_main('prog.py')\n", "prog.py": "1 / 0\n"},
                           "tool.py")
    assert (status, out) == (1, "")
    assert "tool.py\", line 2, in <module>\n" in err and err.endswith("ZeroDivisionError: division by zero\n")


def test_several_programs_in_a_process(run):
    status, out, err = run({"tool.py": """
        import gc, sys
        from hooking import run_as_main
        for i in range(50):
            run_as_main("one.py" if i % 2 else "two.py")
            main = sys.modules["__main__"]
        del main
        gc.collect()
        print(len([o for o in gc.get_objects() if type(o).__name__ == "Mine"]))
        """, "one.py": "class Mine: pass\nx = Mine()", "two.py": "print('x' in globals(), end=' ')"}, "tool.py")
    assert (status, out, err) == (0, "False " * 25 + "1\n", "")


@pytest.mark.parametrize("way", ["run", "path", "module"])
def test_under_another_tool_the_program_runs_in_its_place(run, way):
    """There is somebody who waits for control to come back."""
    words = {"run": ["-m", "cProfile", "-m", "hooking", "run", "prog.py"],
             "path": ["-c", "from hooking.__main__ import main; print('status', main(['run', 'prog.py']))"],
             "module": ["-c", "from hooking.__main__ import main; print('status', main(['run', '-m', 'prog']))"]}[way]
    status, out, err = run({"prog.py": "print('ran', __name__)"}, *words)
    assert (status, err) == (0, "") and out.startswith("ran __main__\n")
    assert "function calls" in out if way == "run" else out.endswith("status None\n")


def test_an_excepthook_of_sitecustomize_stays(run):
    status, out, err = run({"sitecustomize.py": """
        import sys
        sys.excepthook = lambda kind, error, traceback: print("theirs", kind.__name__)
        """, "prog.py": "import sys; print(sys.excepthook.__module__); 1 / 0"}, "-m", "hooking", "run", "prog.py",
        PYTHONPATH=f"{HERE}:.")
    assert (status, out, err) == (1, "sitecustomize\ntheirs ZeroDivisionError\n", "")


@pytest.mark.parametrize("words, said", [
    ([], "run what? A FILE, - for standard input, or -m MODULE"),
    (["-m"], "argument -m: expected one argument"),
    (["--what", "prog.py"], "unrecognized arguments: --what"),
])
def test_wrong_arguments(run, words, said):
    status, out, err = run({}, "-m", "hooking", "run", *words)
    assert status == 2 and out == "" and err.endswith(f"error: {said}\n")


@pytest.mark.parametrize("words", [["-mprog", "--help"], ["--", "prog.py", "--help"], ["prog.py", "--help"]])
def test_what_follows_is_the_programs(run, words):
    assert run({"prog.py": "import sys; print(sys.argv[1:])"}, "-m", "hooking", "run", *words) == \
        (0, "['--help']\n", "")


def test_the_help(run):
    status, out, err = run({}, "-m", "hooking", "run", "--help")
    assert (status, err) == (0, "") and "hooking run [OPTIONS] -m MODULE" in out


@pytest.mark.parametrize("words", [["--help"], ["show", "--help"], ["run", "--help"]], ids=" ".join)
def test_the_help_fits_a_terminal_of_80_columns(run, words):
    status, out, _ = run({}, "-m", "hooking", *words, COLUMNS="80")
    assert status == 0 and [line for line in out.split("\n") if len(line) > 79] == []


def test_a_console_in_a_program_that_is_run(terminal, tmp_path):
    (tmp_path / "prog.py").write_text("import hooking\nx = 1\nhooking.hook(overwrite_locals=True)\nprint('x is', x)\n")
    t = terminal.start([sys.executable, "-m", "hooking", "run", str(tmp_path / "prog.py")])
    t.prompt()
    shown = t.run("where")
    assert "prog.py:3" in shown and "runpy" not in shown and "__main__.py" not in shown
    t.run("x = 2")
    t.key("C-d")
    assert t.end() == 0
    assert "x is 2" in t.text()
