"""The plugin for pytest: --hooking, and consoles in tests whose output is captured."""

import importlib.util
import re
import subprocess
import sys

import pytest

from conftest import environment, source

PYTEST = [sys.executable, "-m", "pytest"]
HERE = [*PYTEST, "-p", "hooking.pytest_plugin"]
FAILS = '''
    import sys

    def double(x):
        print("doubling", x)
        return x * "2"

    def test_fails():
        print("to stderr", file=sys.stderr)
        n = 2
        assert double(n) == 4
        assert double(3.5)

    def test_is_next():
        pass
'''


@pytest.fixture
def session(terminal):
    """Start pytest on a file of tests, with what else it needs: conftest="..." writes conftest.py."""
    def start(tests, *options, env=None, suffix="py", **files):
        for name, text in {"test_it": tests, **files}.items():
            ending = suffix if name == "test_it" else "py"
            (terminal.folder / f"{name}.{ending}").write_text(source(text))
        return terminal.start([*HERE, *options], env=env)
    return start


@pytest.fixture
def failing(session, terminal):
    """The same with --hooking, at the prompt already."""
    def at_prompt(tests=FAILS, *options, **more):
        t = session(tests, "--hooking", *options, **more)
        t.prompt()
        return t
    at_prompt.folder = terminal.folder
    return at_prompt


def untouched(*arguments, folder, env=None):
    """Run pytest where there is no terminal at all."""
    return subprocess.run([*HERE, *arguments], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          env=environment(folder, **(env or {})), start_new_session=True)


# At a failure ---------------------------------------------------------------------------------------------------------

def test_the_report_and_then_a_console_where_it_was_raised(session):
    t = session(FAILS, "--hooking")
    t.expect("test_it.py F")
    t.play('''
        [...]
        test_it.py F
        [...] captured stdout [...]
        doubling 2
        [...] captured stderr [...]
        to stderr
        [...] traceback [...]
        [...]
        E       AssertionError: assert '22' == 4
        [...]
        test_it.py:10: AssertionError
        [...] hooking (IO-capturing turned off) [...]
        Post-mortem at [...]test_it.py:10 in test_fails - Exit with CTRL+D
        >>> n
        2
        >>> double(n)
        doubling 2
        '22'
        >>> where
        > #0  test_fails  [...]test_it.py:10
                assert double(n) == 4
        >>> throw ValueError
        the test has failed, nobody is left to catch it (`abort` ends the tests)
        >>> exit()
        exit(): the tests go on ("abort" ends them)

        test_it.py .[...]

        [...] short test summary info [...]
        FAILED test_it.py::test_fails[...]
        [...] 1 failed, 1 passed in [...]
    ''')
    assert t.end() == 1


@pytest.mark.parametrize("words", [PYTEST, HERE], ids=["found", "named"])
def test_pytest_finds_the_plugin_and_may_be_told_of_it(terminal, words):
    """The metadata that make puts beside the package has the entry point that a wheel has."""
    (terminal.folder / "test_it.py").write_text(source(FAILS))
    t = terminal.start([*words, "--hooking"])
    t.prompt()
    t.key("C-d")
    assert t.end() == 1
    assert t.text().count("Post-mortem at") == 1


def test_pytest_can_be_told_to_do_without(tmp_path):
    done = subprocess.run([*PYTEST, "-p", "no:hooking.pytest_plugin", "--hooking"], cwd=tmp_path, text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, env=environment(tmp_path))
    assert done.returncode == 4 and "unrecognized arguments: --hooking" in done.stderr


def test_only_frames_of_the_tests_can_be_walked(failing):
    t = failing('''
        import pytest

        def check(x):
            __tracebackhide__ = True
            if x: pytest.fail("no good")

        def helper(x):
            check(x)

        def test_it(monkeypatch):
            y = 5
            helper(y)
    ''')
    t.play('''
        >>> where
          #1  test_it  [...]test_it.py:12
                helper(y)
        > #0  helper  [...]test_it.py:8
                check(x)
        >>> up
        > #1  test_it  [...]test_it.py:12
                helper(y)
        >>> y
        5
        >>> up
        there is no frame #2: the oldest is #1
        >>> exceptions
        > #0  Failed: no good
                [...]test_it.py:8 in helper
        >>> exceptions 0
        Failed: no good
        > #0  helper  [...]test_it.py:8
                check(x)
        >>>
    ''')


def test_full_trace_has_all_frames(failing):
    t = failing(FAILS, "--full-trace")
    assert "_pytest/runner.py" in t.run("where all")


def test_the_cause_is_in_reach(failing):
    t = failing('''
        def parse(text):
            return int(text)
        def test_it():
            try:
                parse("7,25")
            except ValueError as error:
                raise RuntimeError("no price") from error
    ''')
    t.play('''
        >>> exceptions 1
        ValueError: invalid literal for int() with base 10: '7,25'
        > #0  parse  [...]test_it.py:2
                return int(text)
        >>> up
        > #1  test_it  [...]test_it.py:5
                parse("7,25")
        >>> up
        there is no frame #2: the oldest is #1
        >>>
    ''')


@pytest.mark.parametrize("test, place", [
    ("def test(broken): pass", "test_it.py:5 in broken"),
    ("def test(breaks): pass", "test_it.py:9 in breaks"),
    ("{}['k']", "test_it.py:11 in <module>"),
    ("import not_there", "test_it.py:11 in <module>"),
    ("class TestIt:\n    def setup_method(self): {}['k']\n    def test(self): pass", "test_it.py:12 in "),
    ("import unittest\nclass TestIt(unittest.TestCase):\n    setUpClass = lambda: 1 / 0\n    def test(self): pass",
     "test_it.py:13 in "),
], ids=["setup", "teardown", "collection", "import", "setup_method", "setUpClass"])
def test_errors_besides_the_test_itself(failing, test, place):
    t = failing(source('''
        import pytest

        @pytest.fixture
        def broken():
            {}["k"]
        @pytest.fixture
        def breaks():
            yield
            {}["k"]

    ''') + test + "\n")
    assert place in t.text()
    t.key("C-d")
    assert t.end() in (1, 2)
    assert "1 error" in t.text()


@pytest.mark.parametrize("test, status", [
    ("skip()", 0), ("xfail()", 0), ("request.applymarker('xfail'); assert 0", 0), ("exit('bye', 5)", 5),
    ("raise KeyboardInterrupt", 2), ("raise unittest.SkipTest", 0)])
def test_what_is_no_failure_opens_nothing(session, test, status):
    t = session(f'''
        import unittest
        from pytest import exit, skip, xfail
        def test_it(request):
            {test}
    ''', "--hooking")
    assert t.end() == status
    assert ">>>" not in t.text()


def test_unittest_tears_down_afterwards(failing):
    t = failing('''
        import unittest
        class Test(unittest.TestCase):
            def setUp(self):
                self.file = "open"
            def tearDown(self):
                self.file = "closed"
                print("torn down")
            def test_a(self):
                self.assertEqual(self.file, "there")
            def test_b(self):
                self.assertEqual(self.file, "open")
    ''', "-rP")
    t.play('''
        >>> where
        > #0  test_a  [...]test_it.py:9
                self.assertEqual(self.file, "there")
        >>> self.file
        'open'
        >>> ^D
        [...]
        [...] Captured stdout teardown [...]
        torn down
        [...]
        [...] 1 failed, 1 passed in [...]
    ''')


DOCTEST = '''
    Some prose.

    >>> a = 41
    >>> a + {}
    42
'''


@pytest.mark.parametrize("what", ["2", "'x'"], ids=["another result", "an exception"])
def test_an_example_of_a_doctest(failing, what):
    t = failing(DOCTEST.format(what), "--doctest-continue-on-failure", suffix="txt")
    t.play(f'''
        >>> a
        41
        >>> where
        > #0  <module>  [...]test_it.txt:4
                >>> a + {what}
        >>> ^D
        [...]
    ''')
    assert t.end() == 1


def test_what_an_example_calls(failing):
    t = failing('''
        >>> from inner import half
        >>> n = 0
        >>> half(n)
        1
    ''', suffix="txt", inner='''
        def half(x):
            return 1 / x
    ''')
    t.play('''
        >>> where
          #1  <module>  [...]test_it.txt:3
                >>> half(n)
        > #0  half  [...]inner.py:2
                return 1 / x
        >>> up
        > #1  <module>  [...]test_it.txt:3
                >>> half(n)
        >>> n
        0
        >>>
    ''')


def test_each_case_of_a_parametrised_test(failing):
    t = failing('''
        import pytest
        @pytest.mark.parametrize("n", [1, 2, 3])
        def test_it(n):
            assert n == 2
    ''')
    assert t.run("n") == "1"
    t.key("C-d").prompt()
    assert t.run("n") == "3"
    t.key("C-d")
    assert t.end() == 1
    assert "2 failed, 1 passed" in t.text()


@pytest.mark.parametrize("options", [["-x"], ["--maxfail=1"]], ids=str)
def test_the_first_failure_may_be_the_last(failing, options):
    t = failing("def test_a(): assert 0\ndef test_b(): assert 0\n", *options)
    t.key("C-d")
    assert t.end() == 1
    assert "stopping after 1 failures" in t.text()


def test_last_failed(failing, session):
    t = failing(FAILS)
    t.key("C-d")
    assert t.end() == 1
    t = failing(FAILS, "--lf")
    assert t.run("n") == "2"
    t.key("C-d")
    assert t.end() == 1
    assert "1 failed" in t.text() and "passed" not in t.text()


def test_an_exception_of_a_conftest(failing):
    t = failing("def test_it(): pass\n", conftest='''
        def pytest_runtest_logreport(report):
            when = report.when
            if when == "call":
                raise KeyError(when)
    ''')
    assert "INTERNALERROR> KeyError: 'call'" in t.text()
    t.play('''
        >>> where
        > #0  pytest_runtest_logreport  [...]conftest.py:4
                raise KeyError(when)
        >>> when
        'call'
        >>> ^D
        [...]
    ''')
    assert t.end() == 3


def test_a_conftest_that_cannot_be_imported(failing):
    folder = failing.folder / "below"
    folder.mkdir()
    (folder / "conftest.py").write_text("x = 5\nimport not_there\n")
    (folder / "test_below.py").write_text("def test_it(): pass\n")
    t = failing("def test_it(): pass\n")
    t.play('''
        >>> where
        > #0  <module>  [...]below/conftest.py:2
                import not_there
        >>> x
        5
        >>> ^D
        [...]
    ''')
    assert t.end() == 2


def test_where_all_is_pytests_nothing_opens_and_that_is_said(session):
    t = session("def test_it(no_such_fixture): pass\n", "--hooking")
    assert t.end() == 1
    assert "not opened: all of the traceback is pytest's (--full-trace opens there)\n  test_it.py::test_it" in t.text()


def test_the_traceback_is_whole_again(failing):
    t = failing("def test_it(): assert 0\n", conftest='''
        import pytest
        before = []
        def pytest_runtest_makereport(call):
            if call.excinfo:
                before.append((call.excinfo.value, call.excinfo.value.__traceback__))
        def pytest_sessionfinish():
            (error, traceback), = before
            print("whole", error.__traceback__ is traceback)
    ''')
    t.key("C-d")
    assert t.end() == 1
    assert "whole True" in t.text()


def test_pdb_comes_instead_when_it_is_asked_for(session):
    t = session(FAILS, "--hooking", "--pdb")
    t.prompt("(Pdb) ")
    assert "hooking: not at failures, for --pdb is given too" in t.text()
    t.line("c")
    assert t.end() == 1
    assert "Post-mortem" not in t.text()


# hook() in a test -----------------------------------------------------------------------------------------------------

CALLS = '''
    from hooking import hook
    import sys

    def test_it({fixture}):
        x = 1
        print("before")
        hook()
        print("between")
        {hook}
        print("after", file=sys.stderr)
        {end}
'''


@pytest.mark.parametrize("wanted", [(), ("--hooking",)], ids=["without", "with --hooking"])
@pytest.mark.parametrize("capture", ["fd", "sys"])
def test_what_is_captured_is_shown_once_and_stays_captured(session, capture, wanted):
    t = session(CALLS.format(fixture="", hook="hook()", end=""), f"--capture={capture}", "-rP", *wanted)
    t.play('''
        [...]
        test_it.py[...]
        [...] captured stdout [...]
        before
        [...] hooking (IO-capturing turned off) [...]
        Hooked at [...]test_it.py:7 - Exit with CTRL+D
        >>> x
        1
        >>> print("typed")
        typed
        >>> ^D
        [...] captured stdout [...]
        between
        [...] hooking (IO-capturing turned off) [...]
        Hooked at [...]test_it.py:9 - Exit with CTRL+D
        >>> ^D
        .[...]
        [...] PASSES [...]
        [...] test_it [...]
        [...] Captured stdout call [...]
        before
        between
        [...] Captured stderr call [...]
        after
        [...] 1 passed in [...]
    ''')


@pytest.mark.parametrize("capture", ["no", "tee-sys"])
def test_what_was_not_hidden_is_not_shown_again(session, capture):
    t = session(CALLS.format(fixture="", hook="", end=""), f"--capture={capture}")
    t.prompt()
    t.key("C-d")
    assert t.end() == 0
    assert t.text().count("before") == 1 and t.text().count("between") == 1


@pytest.mark.parametrize("fixture", ["capsys", "capfd"])
def test_a_fixture_that_captures_has_what_the_test_printed(session, fixture):
    end = f"assert {fixture}.readouterr() == ('before\\nbetween\\n', 'after\\n')"
    t = session(CALLS.format(fixture=fixture, hook="", end=end), "-s")
    t.prompt()
    assert f"hooking (IO-capturing turned off for fixture {fixture})" in t.text()
    assert re.search("captured stdout >+\nbefore\n", t.text())
    assert t.run("print('typed')") == "typed"
    t.key("C-d")
    assert t.end() == 0


def test_the_next_test_begins_anew(session):
    t = session('''
        from hooking import hook
        def test_a():
            print("the same")
            hook()
        def test_b():
            print("the same")
            hook()
    ''')
    for _ in range(2):
        t.expect("the same")
        t.prompt()
        t.key("C-d")
    assert t.end() == 0


def test_streams_that_the_test_has_redirected_stay_so(session):
    t = session('''
        import contextlib, io, sys
        from hooking import hook
        def test_it():
            with contextlib.redirect_stdout(io.StringIO()) as out:
                print("one")
                hook()
                print("two")
            assert out.getvalue() == "one\\ntwo\\n"
            sys.stdin = mine = io.StringIO("mine")
            hook()
            assert sys.stdin is mine
    ''')
    for _ in range(2):
        t.prompt()
        assert t.run("print('typed')") == "typed"
        t.key("C-d")
    assert t.end() == 0


def test_breakpoint_is_ours_if_the_environment_says_so(session):
    t = session('''
        def test_it():
            x = 1
            breakpoint()
            assert x == 2
    ''', env={"PYTHONBREAKPOINT": "hooking.set_trace"})
    t.prompt()
    t.run("x = 2")
    t.key("C-d")
    assert t.end() == 0


def test_in_fixtures_and_while_tests_are_collected(session):
    t = session('''
        import pytest
        from hooking import hook
        @pytest.fixture
        def one():
            hook()
            yield
            hook()
        hook()
        def test_it(one): pass
    ''')
    for line in (8, 5, 7):
        t.expect(f"test_it.py:{line} - ")
        t.prompt()
        t.key("C-d")
    assert t.end() == 0
    assert "collected 1 item" in t.text()


def test_in_a_thread_and_within_a_statement(session):
    t = session('''
        import threading
        from hooking import hook
        def work(x):
            hook()
        def test_it():
            thread = threading.Thread(target=work, args=(5,), name="worker")
            thread.start()
            thread.join()
    ''')
    t.prompt("[worker] >>> ")
    assert t.run("x", "[worker] >>> ") == "5"
    assert "Hooked at" in t.run("work(6)", "[worker] >>> ")
    assert t.run("x", "[worker] >>> ") == "6"
    t.key("C-d").prompt("[worker] >>> ")
    t.key("C-d")
    assert t.end() == 0
    assert t.text().count("hooking (IO-capturing turned off)") == 1


def test_other_plugins_are_told_as_of_pdb(session):
    """So faulthandler and pytest-timeout stop their timers."""
    t = session("from hooking import hook\ndef test_it():\n    hook()\n    assert 0\n", "--hooking", conftest='''
        told = []
        def pytest_enter_pdb(config):
            told.append("enter")
        def pytest_leave_pdb(config):
            told.append("leave")
        def pytest_terminal_summary():
            print(*told)
    ''')
    t.prompt()
    t.key("C-d").prompt()
    t.key("C-d")
    assert t.end() == 1
    assert "enter leave enter leave" in t.text()


def test_a_plugin_that_needs_pdb_for_it_is_in_nobodys_way(session):
    t = session("from hooking import hook\ndef test_it():\n    hook()\n", conftest='''
        def pytest_enter_pdb(pdb):
            pdb.rcLines
    ''')
    t.prompt()
    assert t.run("1 + 1") == "2"
    t.key("C-d")
    assert t.end() == 0


# The end of the tests -------------------------------------------------------------------------------------------------

ABORTS = '''
    import pytest, unittest
    from hooking import hook
    @pytest.fixture(scope="session", autouse=True)
    def whole():
        yield
        print("all is torn down")
    @pytest.fixture
    def one():
        yield
        hook()
        print("one is torn down")
    def test_fails(one):
        assert 0
    def test_calls(one):
        try:
            hook()
        except Exception:
            pass
    class Test(unittest.TestCase):
        def test_unit(self):
            hook()
    def test_last():
        print("the last test")
'''


@pytest.mark.parametrize("which", ["fails", "calls", "unit"])
def test_abort_ends_the_tests_and_tears_down(failing, which):
    t = failing(ABORTS, "-s", "-k", f"{which} or last")
    t.line("abort 7")
    assert t.end() == 7
    assert "Exit: `abort` at the prompt of hooking" in t.text()
    assert "the last test" not in t.text()
    assert "all is torn down" in t.text()
    assert which == "unit" or "one is torn down" in t.text()


def test_abort_while_tests_are_collected(session):
    t = session("from hooking import hook\nhook()\ndef test_it(): pass\n")
    t.prompt()
    t.line("abort 7")
    assert t.end() == 7
    assert "Exit: `abort` at the prompt of hooking" in t.text()
    assert "INTERNALERROR" not in t.text()


# Where there can be no console ----------------------------------------------------------------------------------------

@pytest.mark.skipif(importlib.util.find_spec("xdist") is None, reason="pytest-xdist is not here")
def test_workers_of_xdist_say_so_and_go_on(session):
    """Their standard input and output are not the terminal, but /dev/tty would be, for all of them at once."""
    t = session('''
        from hooking import hook
        def test_calls():
            hook()
            hook()
        def test_fails():
            hook()
            assert 0
    ''', "--hooking", "-n2")
    assert t.end(60) == 1                                # xdist may wait ten seconds for a worker at its end
    why = "not opened: the workers of xdist have no terminal, run with -n 0"
    text = t.text()
    assert "hooking: no consoles in the workers of xdist, run with -n 0" in text
    assert f"test_it.py:6: {why}" in text                # what was logged is in the report of the test
    listed = set(text[text.index(f"\n{why}"):text.index("short test summary")].split("\n  ")[1:])
    assert {place.split("\n")[0] for place in listed} == {
        "test_it.py:3 in test_calls", "test_it.py:4 in test_calls", "test_it.py:6 in test_fails",
        "test_it.py:7 in test_fails"}
    assert "Hooked at" not in text and "1 failed, 1 passed" in text


@pytest.mark.parametrize("env, why", [
    ({}, "not opened: there is no terminal"), ({"HOOKING": "0"}, "not opened: HOOKING=0 is in the environment")])
def test_without_a_terminal_it_is_said_once_at_the_end(tmp_path, env, why):
    (tmp_path / "test_it.py").write_text("def test_a():\n    assert 0\ndef test_b():\n    assert 0\n")
    done = untouched("--hooking", folder=tmp_path, env=env)
    assert done.returncode == 1
    assert f"{why}\n  test_it.py:2 in test_a\n  test_it.py:4 in test_b\n" in done.stdout
    assert "FAILURES" in done.stdout                     # the reports are where they always are


def test_commands_that_are_written_down_need_nobody(tmp_path):
    test = "def test_it():\n    x = 1\n    breakpoint(commands=['x = 2'])\n    assert x == 2\n"
    (tmp_path / "test_it.py").write_text(test)
    done = untouched(folder=tmp_path, env={"PYTHONBREAKPOINT": "hooking.set_trace"})
    assert done.returncode == 0, done.stdout


def test_it_costs_the_tests_nothing(tmp_path):
    """Nothing that a session without a console does not need is imported."""
    (tmp_path / "test_it.py").write_text("import sys\ndef test_it():\n    assert 'doctest' not in sys.modules\n")
    assert untouched("--hooking", folder=tmp_path).returncode == 0
