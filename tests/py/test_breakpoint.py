"""breakpoint() with PYTHONBREAKPOINT=hooking.set_trace, and inputs of the prompt that are written down."""

import subprocess
import sys

import pytest

import hooking
from conftest import environment, source

OURS = {"PYTHONBREAKPOINT": "hooking.set_trace"}


def test_breakpoint_opens_our_console_and_writes_to_the_frame(terminal):
    t = terminal('''
        def f(x):
            breakpoint()
            return x
        print(f(1))
    ''', env=OURS)
    t.play('''
        Hooked at [...]program.py:2 - Exit with CTRL+D
        >>> x = 2
        >>> ^D
        2
    ''')
    assert t.end() == 0


def test_the_arguments_of_pdb_and_ours(opened):
    t = opened('''
        x = 1
        def f():
            breakpoint(header="look here")
            breakpoint("and here", once=True)
            breakpoint(when=False)
            breakpoint(overwrite_locals=False, keep=(x,))
        f()
    ''', env=OURS)
    t.play('''
        >>> ^D
        and here
        Hooked at [...]program.py:4 - Exit with CTRL+D
        >>> ^D
        Hooked at [...]program.py:6 - Exit with CTRL+D
        >>>
    ''')
    assert t.text().startswith("look here\nHooked at ")


def test_commands_are_taken_as_if_they_were_typed(terminal):
    t = terminal('''
        COMMANDS = ["x = 7", "for i in range(2):\\n    print(i)", "for i in 'ab': print(i)", "del 1", "frame"]
        def f(x):
            breakpoint(commands=COMMANDS)
            return x
        print(f(1))
    ''', env=OURS)
    said = t.prompt()
    assert "\n".join(line.rstrip() for line in said.split("\n")[1:]) == source('''
        >>> x = 7
        >>> for i in range(2):
        ...     print(i)
        0
        1
        >>> for i in 'ab': print(i)
        a
        b
        >>> del 1
          File "<hook-4>", line 1
            del 1
                ^
        SyntaxError: cannot delete literal
        >>> frame
        > #0  f  PROGRAM:3
                breakpoint(commands=COMMANDS)
    ''').replace("PROGRAM", str(t.path)).rstrip()
    t.play('''
        >>> "and then" + " somebody types"
        'and then somebody types'
        >>> ^D
        7
    ''')
    assert t.end() == 0


def test_commands_stay_out_of_the_history(opened):
    t = opened('''
        breakpoint(commands=["a = 1", "b = 2"])
    ''', env=OURS)
    t.run("c = a + b")
    t.type("\x1b[A\x1b[A")
    t.shows(">>> c = a + b|")


def run(tmp_path, program, **env):
    path = tmp_path / "program.py"
    path.write_text(source(program))
    return subprocess.run([sys.executable, str(path)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          env=environment(tmp_path, **{**OURS, **env}), start_new_session=True)


def test_without_a_terminal_commands_are_run_and_the_program_goes_on(tmp_path):
    done = run(tmp_path, '''
        def f(x):
            breakpoint(commands=["x", "x = 5", "1/0", "locals"])
            return x
        print("result", f(1))
        breakpoint()
    ''')
    lines = done.stdout.split("\n")
    assert lines[0].startswith("Hooked at ") and lines[1:3] == [">>> x", "1"]
    assert "ZeroDivisionError: division by zero" in lines
    assert lines[-3:] == ["x = 5", "result 5", ""]
    assert done.stderr.count("not opened: there is no terminal") == 1       # the second one


@pytest.mark.parametrize("commands", ["'x = 1'", "[1]", "3"])
def test_commands_that_are_none(tmp_path, commands):
    done = run(tmp_path, f"breakpoint(commands={commands})\n")
    assert done.returncode == 1 or "not opened" in done.stderr
    with pytest.raises(TypeError):
        hooking._core._feed(eval(commands))


def test_only_set_trace_has_them():
    for name in ("header", "commands"):
        with pytest.raises(TypeError, match=rf"hook\(\) got an unexpected keyword argument '{name}'"):
            hooking.hook(when=False, **{name: "x"})
        hooking.set_trace(when=False, **{name: "x"})
    with pytest.raises(TypeError, match=r"set_trace\(\) got an unexpected keyword argument 'color'"):
        hooking.set_trace(when=False, color=1)


def test_a_signal_opens_the_console_where_it_finds_the_program(terminal):
    t = terminal('''
        import os, signal, hooking
        signal.signal(signal.SIGUSR1, hooking._core._on_signal)
        def work(n):
            total = n
            os.kill(os.getpid(), signal.SIGUSR1)
            return total
        print(work(3))
    ''')
    t.play('''
        Hooked at [...]program.py:5 - Exit with CTRL+D
        >>> total = 4
        >>> ^D
        4
    ''')
    assert t.end() == 0
