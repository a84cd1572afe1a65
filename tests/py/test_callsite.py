"""Conditions set at the prompt for the place that called hook(): `off`, `after N`, `when EXPR`."""

import re

import pytest

from terminal import THREAD_PS1

LOOP = '''
    from hooking import hook
    limit = 100
    def f(i):
        hook()
        return i
    for i in range(8):
        f(i)
        hook("other place", when=i == 6)
    print("end")
'''


def go_on(t):
    """Leave the console, if the command did not do so itself, up to the next one or to the end."""
    t.key("C-d")
    return t.prompt(ended=True)


def test_off_is_for_ever_and_for_this_place_only(terminal):
    t = terminal(LOOP)
    t.prompt()
    t.run("off")
    assert "other place" in go_on(t)
    assert t.run("i") == "6"
    assert go_on(t) is None
    assert t.text().endswith("end") and t.end() == 0


def test_off_ends_a_console_in_a_loop(terminal):
    """ipython/ipython#9149, #9063: no way out of an embed in a loop."""
    t = terminal("from hooking import hook\nn = 0\nwhile n < 100000:\n    n += 1\n    hook()\nprint('end', n)\n")
    t.prompt()
    t.run("off")
    assert go_on(t) is None
    assert t.text().endswith("end 100000")


def test_after_passes_over_the_next_calls(terminal):
    t = terminal(LOOP)
    t.prompt()
    assert t.run("i") == "0"
    t.run("after 3")
    go_on(t)
    assert t.run("i") == "4"
    go_on(t)
    assert t.run("i") == "5"
    t.run("after 1")
    go_on(t)
    assert t.run("i") == "6", "the other place has conditions of its own"
    go_on(t)
    assert t.run("i") == "7"


@pytest.mark.parametrize("line", [
    "after", "after x", "after -1", "after 1.5", "after 1 2", "after 99999999999999999999"])
def test_after_wants_a_number(terminal, line):
    t = terminal(LOOP)
    t.prompt()
    said = t.run(line)
    assert said and "Traceback" not in said
    go_on(t)
    assert t.run("i") == "1", "nothing was set"


def test_when_is_asked_in_the_callers_frame(terminal):
    t = terminal(LOOP)
    t.prompt()
    t.run("when i == 3 or i > limit")
    go_on(t)
    assert t.run("i") == "3"
    t.run("when i % 7 == 0 and [i for _ in range(2)]")
    assert "other place" in go_on(t)
    go_on(t)
    assert t.run("i") == "7"


def test_when_sees_later_changes_of_globals(terminal):
    t = terminal('''
        from hooking import hook
        flag = False
        for i in range(6):
            flag = i > 2
            hook()
        print("end")
    ''')
    t.prompt()
    t.run("when flag")
    go_on(t)
    assert t.run("i") == "3"


def test_a_condition_does_not_see_names_typed_at_the_prompt_of_another_console(terminal):
    """It is asked in the caller's frame: what was only bound at the prompt is gone by then, and it is told."""
    t = terminal(LOOP)
    t.prompt()
    t.run("typed = 5")
    t.run("when i == typed")
    said = go_on(t)
    assert t.run("i") == "1" and "NameError" in said and "typed" in said or t.run("i") == "5"


def test_a_condition_that_fails_opens_the_console_and_says_so(terminal):
    t = terminal(LOOP)
    t.prompt()
    t.run("when 1 / (i - 2)")
    said = go_on(t)
    assert t.run("i") == "1"
    said = go_on(t)
    assert t.run("i") == "2"
    assert "ZeroDivisionError" in said and "1 / (i - 2)" in said


@pytest.mark.parametrize("line", ["when )", "when i ==", "when x = 3", "when", "when import os"])
def test_a_condition_that_is_no_expression_is_refused(terminal, line):
    t = terminal(LOOP)
    t.prompt()
    said = t.run(line)
    assert "Traceback" not in said
    if line != "when":
        assert said
    go_on(t)
    assert t.run("i") == "1", "nothing was set"


def test_a_condition_can_be_set_again(terminal):
    t = terminal(LOOP)
    t.prompt()
    t.run("when i == 2")
    t.run("when i == 4")
    go_on(t)
    assert t.run("i") == "4"
    t.run("when True")
    go_on(t)
    assert t.run("i") == "5"


def test_a_condition_has_no_effect_but_its_value(terminal):
    t = terminal(LOOP)
    t.prompt()
    t.run("when (j := i) == 3")
    go_on(t)
    assert t.run("i") == "3"
    assert "NameError" in t.run("j")


def test_when_and_after_together(terminal):
    t = terminal(LOOP)
    t.prompt()
    t.run("when i % 2")
    go_on(t)
    assert t.run("i") == "1"
    go_on(t)
    assert t.run("i") == "3"


def test_conditions_belong_to_the_code_not_to_the_line_number(terminal, tmp_path):
    """Two files with the same line, and two functions made from one definition."""
    for name in ("one", "two"):
        (tmp_path / f"{name}.py").write_text("from hooking import hook\ndef f():\n    hook(__name__)\n")
    t = terminal('''
        import one, two
        for i in range(2):
            one.f()
            two.f()
        print("end")
    ''')
    assert t.prompt().startswith("one")
    t.run("off")
    assert go_on(t).startswith("two")
    assert go_on(t).startswith("two")
    assert go_on(t) is None


def test_recursion_is_one_place(terminal):
    t = terminal('''
        from hooking import hook
        def f(n):
            hook(once=True)
            if n:
                f(n - 1)
        f(5)
        print("end")
    ''')
    t.prompt()
    assert t.run("n") == "5"
    assert t.leave() == "end"


def test_off_in_a_frame_further_up_still_means_the_call_of_hook(terminal):
    t = terminal(LOOP)
    t.prompt()
    t.run("up")
    t.run("off")
    assert "other place" in go_on(t)


def test_conditions_are_shared_by_threads(terminal):
    t = terminal('''
        import threading
        from hooking import hook
        def work():
            hook(once=True)
        for i in range(3):
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
        print("end")
    ''')
    t.prompt(THREAD_PS1)
    assert t.leave() == "end"


def test_many_places(terminal):
    """A table of places has to grow: each of a thousand opens once."""
    lines = "\n".join(f"    hook(when=count({n}), once=True)" for n in range(1000))
    t = terminal("from hooking import hook\ncalls = []\ndef count(n):\n    calls.append(n)\n    return n == 777\n"
                 "for i in range(3):\n" + lines + "\nprint(len(calls), 'end')\n")
    t.prompt()
    assert t.run("len(calls)") == "778"
    assert re.fullmatch(r"(3000|2998) end", t.leave()), "asked or not, once opened it stays shut"
