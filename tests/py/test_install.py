"""install() and uninstall(): a console at exceptions that nobody handles."""

import re
import subprocess
import sys

import pytest

from conftest import environment, source

FAILS = '''
    import hooking
    {before}
    hooking.install()

    def fails(d):
        return d["k"]

    {call}
'''


def program(call="fails({})", before=""):
    return FAILS.format(before=before, call=call)


def test_the_usual_traceback_and_then_a_console(terminal):
    t = terminal(program())
    t.play('''
        Traceback (most recent call last):
        [...]
        KeyError: 'k'
        KeyError: 'k'
        Post-mortem at [...]program.py:6 in fails - Exit with CTRL+D
        >>> d
        {}
        >>> up
        > #1  <module>  [...]program.py:8
                fails({})
        >>> ^D
    ''')
    assert t.end() == 1


def test_the_console_says_in_a_line_which_exception_it_is_about(terminal):
    silent = "import sys; sys.excepthook = lambda *args: 0"
    t = terminal(program("raise ValueError('a\\nb' + 'c' * 1000)", before=silent))
    t.play('''
        ValueError: a
        Post-mortem at [...]program.py:8 in <module> - Exit with CTRL+D
        >>> ^D
    ''')
    assert t.end() == 1


def test_throw_has_nobody_to_throw_to_and_abort_sets_the_status(opened):
    t = opened(program())
    t.play('''
        >>> throw ValueError
        nobody is left to catch it: the program ends (`abort CODE` with a status)
        >>> abort 7
    ''')
    assert t.end() == 7


def test_exit_leaves_the_prompt_with_the_programs_status(opened):
    t = opened(program())
    t.line("exit(5)")
    assert t.end() == 1
    assert "exit(): the program ends as it would have" in t.text()


def test_exit_functions_run_afterwards(opened):
    t = opened(program(before="import atexit; atexit.register(print, 'at exit')"))
    assert t.leave() == "at exit"
    assert t.status == 1


@pytest.mark.parametrize("call, status", [
    ("raise SystemExit(3)", 3),
    ("raise KeyboardInterrupt", -2),
    ("raise SystemExit('message')", 1),
])
def test_what_ends_a_program_ends_it(terminal, call, status):
    t = terminal(program(call))
    assert t.end() == status
    assert "Post-mortem" not in t.text()


def test_a_hook_that_was_there_is_called_first(terminal):
    t = terminal(program(before="import sys; sys.excepthook = lambda t, e, tb: print('their hook:', e)"))
    t.play('''
        their hook: 'k'
        KeyError: 'k'
        Post-mortem at [...]program.py:6 in fails - Exit with CTRL+D
        >>> ^D
    ''')
    assert t.end() == 1


def test_a_hook_that_comes_later_may_call_ours(terminal):
    t = terminal(program(call='''
    import sys
    ours = sys.excepthook
    def theirs(*args):
        print("theirs")
        ours(*args)
    sys.excepthook = theirs
    hooking.install()
    hooking.install()
    fails({})
    '''))
    t.prompt()
    assert t.text().count("theirs") == 1
    assert t.text().count("Traceback") == 1
    t.key("C-d")
    assert t.end() == 1
    assert t.text().count("Post-mortem") == 1


def test_a_hook_that_fails_is_told_as_ever(terminal):
    t = terminal(program(before="import sys; sys.excepthook = lambda *args: 1 / 0"))
    assert t.end() == 1
    assert "Error in sys.excepthook:" in t.text() and "KeyError: 'k'" in t.text()


def test_uninstall_puts_back_what_was_there():
    script = source('''
        import sys, threading, hooking
        before = sys.excepthook, threading.excepthook
        hooking.install(); hooking.install()
        assert (sys.excepthook, threading.excepthook) != before
        hooking.uninstall()
        assert (sys.excepthook, threading.excepthook) == before
        hooking.uninstall()
        assert (sys.excepthook, threading.excepthook) == before
        hooking.install()
        ours = sys.excepthook
        theirs = sys.excepthook = lambda *args: ours(*args)
        hooking.uninstall()
        assert sys.excepthook is theirs and threading.excepthook == before[1]
    ''')
    subprocess.run([sys.executable, "-c", script], check=True)


def test_once_uninstalled_it_hands_on_and_opens_nothing(terminal):
    t = terminal(program(call='''
    import sys
    ours = sys.excepthook
    sys.excepthook = lambda *args: ours(*args)
    hooking.uninstall()
    fails({})
    '''))
    assert t.end() == 1
    assert "KeyError: 'k'" in t.text() and "Post-mortem" not in t.text()


@pytest.mark.parametrize("stream", ["stdin", "stdout", "stderr"])
def test_without_a_terminal_on_each_stream_it_is_as_ever(terminal, tmp_path, stream):
    """Output in a file or a pager, input from a pipe: nobody expects a prompt, though /dev/tty is there."""
    with open(tmp_path / "file", "w+") as file:
        t = terminal(program(), **{stream: file})
        assert t.end() == 1
        file.seek(0)
        said = t.text() + file.read()
    assert "KeyError: 'k'" in said and "Post-mortem" not in said


def test_switched_off(terminal):
    t = terminal(program(), env={"HOOKING": "0"})
    assert t.end() == 1
    assert "KeyError: 'k'" in t.text() and "Post-mortem" not in t.text()


def test_in_a_batch_job_the_output_is_that_of_python(tmp_path):
    def run(text):
        path = tmp_path / "job.py"
        path.write_text(source(text))
        return subprocess.run([sys.executable, str(path)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              env=environment(tmp_path), start_new_session=True)
    with_hooking, plain = run(program()), run(program().replace("hooking.install()", ""))
    assert (with_hooking.returncode, with_hooking.stdout, with_hooking.stderr) == \
           (plain.returncode, plain.stdout, plain.stderr)


def test_an_exception_in_a_thread(terminal):
    t = terminal(program(call='''
    import threading
    thread = threading.Thread(target=fails, args=({},), name="worker")
    thread.start()
    thread.join()
    print("the main thread goes on")
    '''))
    t.prompt("[worker] >>> ")
    assert "Exception in thread worker:" in t.text() and "\nKeyError: 'k'\nPost-mortem at " in t.text()
    t.line("d")
    t.prompt("[worker] >>> ")
    t.line("up")
    assert "run  " in t.prompt("[worker] >>> ")
    t.key("C-d")
    assert t.end() == 0
    assert t.text().rstrip().endswith("the main thread goes on")


def test_what_waits_is_named_by_the_place_of_the_exception(terminal):
    t = terminal(program(call="import threading; hooking.hook()"), columns=200)
    t.prompt()
    t.line("threading.Thread(target=fails, args=({},), name='worker').start()")
    t.expect(re.compile(r"^\[worker waits for this console: an exception at .*program\.py:6\]", re.M))
    t.ready()
    t.key("C-d")
    t.prompt("[worker] >>> ")


def test_an_exception_in_a_thread_that_may_end_it(terminal):
    t = terminal(program(call='''
    import threading, sys
    thread = threading.Thread(target=sys.exit)
    thread.start()
    thread.join()
    '''))
    assert t.end() == 0
    assert "Post-mortem" not in t.text()
