"""The commands, and which lines are commands."""

import re

import pytest

PROGRAM = '''
    from hooking import hook

    class Thing:
        """What a thing is for."""
        def method(self):
            """What the method does."""
            return "method"

    def helper(a):
        # a comment of the helper
        return a + 1

    def outer(x):
        in_outer = "outer"
        result = inner(x + 1)
        print("outer ends with", x, result, in_outer)

    def inner(y):
        data = {"key": list(range(40)), "other": {"nested": "value" * 10}}
        hook(overwrite_locals=OVERWRITE)
        print("inner ends with", y)
        return y

    outer(1)
    print("end")
'''
HOOK_LINE = 20
COMMANDS = ["help", "where", "up", "down", "frame", "list", "source", "locals", "doc", "pp", "write", "overwrite",
            "off", "after", "when", "continue", "throw", "abort"]
OTHER_NAMES = {"bt": "where", "c": "continue", "exit": "continue", "quit": "continue"}


@pytest.fixture
def t(terminal):
    t = terminal(PROGRAM.replace("OVERWRITE", "False"))
    t.prompt()
    return t


@pytest.fixture
def overwriting(terminal):
    t = terminal(PROGRAM.replace("OVERWRITE", "True"))
    t.prompt()
    return t


# help ---------------------------------------------------------------------------------------------------------------

def test_help_lists_every_command(t):
    words = set(re.findall(r"[\w%]+", t.run("help")))
    assert set(COMMANDS) <= words


@pytest.mark.parametrize("name", [*COMMANDS, *OTHER_NAMES])
def test_help_explains_every_command(t, name):
    said = t.run(f"help {name}")
    assert re.search(rf"\b{name}\b", said) and len(said) > len(name) + 10
    assert "Traceback" not in said
    assert said == t.run(f"%help {name}")


@pytest.mark.parametrize("name", OTHER_NAMES)
def test_help_tells_the_other_names_of_a_command(t, name):
    assert re.search(rf"\b{name}\b", t.run(f"help {OTHER_NAMES[name]}"))


def test_help_of_an_unknown_command_names_it(t):
    said = t.run("help nosuch")
    assert "nosuch" in said and "Traceback" not in said


def test_help_as_a_function_is_pythons(terminal):
    t = terminal(PROGRAM.replace("OVERWRITE", "False"), env={"PAGER": "cat"})
    t.prompt()
    assert "a comment of the helper" not in t.run("help(helper)")
    assert "What a thing is for." in t.run("help(Thing)")


# where, up, down, frame ---------------------------------------------------------------------------------------------

@pytest.mark.parametrize("command", ["where", "bt", "%where"])
def test_where_shows_the_stack(t, command):
    said = t.run(command)
    places = [(said.index(f"program.py:{line}") if f"program.py:{line}" in said else -1, function)
              for line, function in ((HOOK_LINE, "inner"), (15, "outer"), (24, "<module>"))]
    assert all(place >= 0 and function in said for place, function in places), said
    assert "runpy" not in said and "hooking/" not in said


def test_where_marks_the_chosen_frame(t):
    before = t.run("where").split("\n")
    t.run("up")
    after = t.run("where").split("\n")
    assert len(before) == len(after)
    changed = [(a, b) for a, b in zip(before, after) if a != b]
    assert len(changed) == 2, "the mark has moved from one line to another, nothing else"
    assert any("inner" in a for a, b in changed) and any("outer" in b for a, b in changed)


def test_up_and_down_move_the_scope(t):
    assert t.run("y") == "2"
    assert "outer" in t.run("up")
    assert t.run("x, in_outer") == "(1, 'outer')"
    assert "NameError" in t.run("y")
    assert t.run("[x for _ in range(2)], (lambda: in_outer)()") == "([1, 1], 'outer')"
    assert "inner" in t.run("down")
    assert t.run("y") == "2"
    assert "NameError" in t.run("x")


def test_up_and_down_by_several(t):
    assert "<module>" in t.run("up 2")
    assert t.run("sorted(n for n in locals() if n in ('outer', 'inner', 'x', 'y'))") == "['inner', 'outer']"
    assert "inner" in t.run("down 2")
    assert t.run("y") == "2"


def test_up_and_down_stop_at_the_ends(t):
    said = t.run("down")
    assert said and "Traceback" not in said
    assert t.run("y") == "2"
    t.run("up 2")
    said = t.run("up")
    assert said and "Traceback" not in said
    assert t.run("outer.__name__") == "'outer'"
    t.run("frame 0")
    t.run("up 100")
    assert t.run("'y' in locals(), 'outer' in globals()")[-5:] == "True)"


@pytest.mark.parametrize("number, expression, value", [(0, "y", "2"), (1, "x", "1"), (2, "outer.__name__", "'outer'")])
def test_frame_by_number(t, number, expression, value):
    assert t.run(f"frame {number}")
    assert t.run(expression) == value
    shown = t.run("frame")
    assert "program.py" in shown and "Traceback" not in shown
    t.run("frame 0")
    assert t.run("y") == "2"


@pytest.mark.parametrize("line", [
    "frame 99", "frame -1", "frame x", "up x", "down 1.5", "up 1 2", "frame 99999999999999999999"])
def test_a_wrong_number_is_an_error_and_nothing_moves(t, line):
    said = t.run(line)
    assert said and "Traceback" not in said
    assert t.run("y") == "2"


def test_nothing_typed_is_lost_by_moving(t):
    t.run("typed = 5")
    t.run("def f(): return typed")
    t.run("y = 'changed'")
    t.run("up")
    assert t.run("typed, f(), [typed for _ in [0]]") == "(5, 5, [5])"
    t.run("x = 'also'")
    t.run("typed += 1")
    t.run("down")
    assert t.run("y, typed, f()") == "('changed', 6, 6)"
    t.run("up")
    assert t.run("x") == "'also'"
    after = t.leave()
    assert "inner ends with 2" in after and "outer ends with 1 2 outer" in after


def test_moving_with_overwrite(overwriting):
    t = overwriting
    t.run("y = 10")
    t.run("fresh = 1")
    t.run("up")
    assert t.run("fresh") == "1"
    t.run("x = 20")
    t.run("down")
    assert t.run("y") == "10"
    assert t.leave() == "inner ends with 10\nouter ends with 20 10 outer\nend"


def test_moving_is_forgotten_by_the_next_console(terminal):
    t = terminal("from hooking import hook\ndef f(i):\n    hook()\nfor n in range(2): f(n)\n")
    t.prompt()
    t.run("up")
    t.key("C-d")
    t.prompt()
    assert t.run("i") == "1"


# list, source -------------------------------------------------------------------------------------------------------

def lines_of(said):
    return [int(n) for n in re.findall(r"^\W*(\d+)\b", said, re.M)]


def test_list_shows_the_place(t):
    said = t.run("list")
    numbers = lines_of(said)
    assert numbers == list(range(numbers[0], numbers[-1] + 1)) and len(numbers) >= 7
    assert numbers[0] < HOOK_LINE < numbers[-1]
    current = [line for line in said.split("\n") if "hook(overwrite_locals" in line][0]
    other = [line for line in said.split("\n") if "data = {" in line][0]
    prefix = str(HOOK_LINE), str(HOOK_LINE - 1)
    assert current.split(prefix[0])[0] + current.split(prefix[0])[1][:4] != \
        other.split(prefix[1])[0] + other.split(prefix[1])[1][:4], "the current line has a mark"


def test_list_goes_on_and_comes_back(t):
    first = lines_of(t.run("list 1,4"))
    assert first == [1, 2, 3, 4]
    second = lines_of(t.run("list"))
    assert second[0] == 5
    place = lines_of(t.run("list ."))
    assert HOOK_LINE in place
    t.run("list")
    said = t.run("list")
    assert said and "Traceback" not in said, "the end of the file"
    assert lines_of(t.run("list .")) == place


def test_list_of_lines(t):
    assert lines_of(t.run("list 1,3")) == [1, 2, 3]
    assert lines_of(t.run("list 3, 4")) == [3, 4]
    assert 5 in lines_of(t.run("list 5"))
    said = t.run("list 1,1")
    assert "from hooking import hook" in said
    assert t.run("list 24,500").count("\n") < 6


@pytest.mark.parametrize("line", ["list x", "list 5,3", "list 1,2,3", "list 9999", "list -5"])
def test_list_of_no_lines_says_so(t, line):
    said = t.run(line)
    assert said and "Traceback" not in said
    assert t.run("y") == "2"


def test_list_in_another_frame(t):
    t.run("up")
    assert "result = inner(x + 1)" in t.run("list")


def test_list_without_source_says_so(terminal):
    t = terminal("from hooking import hook\nexec(compile('x = 1\\nhook()', 'no such file.py', 'exec'))\n")
    t.prompt()
    said = t.run("list")
    assert said and "Traceback" not in said
    assert t.run("x") == "1"


def test_list_shows_the_file_in_its_own_encoding(terminal, tmp_path):
    text = "# coding: latin-1\nname = 'größe'\nfrom hooking import hook; hook()\n"
    (tmp_path / "latin.py").write_bytes(text.encode("latin-1"))
    t = terminal("import latin\n")
    t.prompt()
    assert "'größe'" in t.run("list 1,2")


def test_source_of_an_object(t):
    said = t.run("source helper")
    assert "def helper(a):" in said and "# a comment of the helper" in said and "return a + 1" in said
    assert "def outer" not in said
    assert "def method(self):" in t.run("source Thing")
    assert 'return "method"' in t.run("source Thing.method")
    assert "def method(self):" in t.run("source Thing().method")
    t.run("def typed(a):\n    return a * 3")
    assert "return a * 3" in t.run("source typed")


@pytest.mark.parametrize("line", ["source len", "source 3", "source nothing", "source", "source )", "source 1/0"])
def test_no_source_is_an_error(t, line):
    assert t.run(line)
    assert t.run("y") == "2"


# locals, doc, pp ----------------------------------------------------------------------------------------------------

def test_locals_shows_names_and_values(t):
    said = t.run("locals")
    assert re.search(r"\by\b.*\b2\b", said) and "data" in said
    assert "outer ends" not in said and "helper" not in said
    t.run("typed = 77")
    assert "77" in t.run("locals")
    t.run("up")
    said = t.run("locals")
    assert "in_outer" in said and "'outer'" in said and "data" not in said


def test_locals_survives_a_broken_repr(terminal):
    t = terminal('''
        from hooking import hook
        class Broken:
            def __repr__(self): raise ValueError("broken")
        def f(first, broken, last):
            hook()
        f(1, Broken(), 3)
    ''')
    t.prompt()
    said = t.run("locals")
    assert "first" in said and "broken" in said and re.search(r"last.*3", said)
    assert t.run("first") == "1"


def test_locals_as_a_function_is_pythons(t):
    assert t.run("sorted(locals())") == "['data', 'y']"


def test_doc(t):
    assert "What a thing is for." in t.run("doc Thing")
    assert "What the method does." in t.run("doc Thing().method")
    assert "length" in t.run("doc len") or "number of items" in t.run("doc len")
    said = t.run("doc helper")
    assert said and "Traceback" not in said
    assert "NameError" in t.run("doc nothing")
    assert "SyntaxError" in t.run("doc )")
    assert t.run("doc")


def test_pp(t):
    said = t.run("pp all data")
    assert said.count("\n") >= 2 and "'nested'" in said
    assert t.run("pp [y for _ in range(2)]") == "[2, 2]"
    assert "NameError" in t.run("pp nothing")
    assert t.run("pp")
    assert "ZeroDivisionError" in t.run("pp 1/0")


# write, overwrite ---------------------------------------------------------------------------------------------------

def test_write_writes_one_name(t):
    t.run("y = 5")
    t.run("data = 6")
    t.run("write y")
    after = t.leave()
    assert "inner ends with 5" in after
    assert re.search(r"\bdata\b", after) and not re.search(r"\by\b", after)


def test_write_writes_all(t):
    t.run("y = 5")
    t.run("up")
    t.run("x = 6")
    t.run("write")
    t.run("down")
    t.run("write")
    assert t.leave() == "inner ends with 5\nouter ends with 6 5 outer\nend"


def test_what_is_not_written_in_a_frame_further_up_is_told_too(t):
    t.run("up")
    t.run("x = 6")
    t.run("down")
    after = t.leave()
    assert re.search(r"\bx\b", after.split("inner ends")[0]) and "outer ends with 1 2" in after


def test_write_several_names(t):
    t.run("y = 5")
    t.run("data = 6")
    t.run("write y data")
    assert t.leave().startswith("inner ends with 5\n")


@pytest.mark.parametrize("line, named", [
    ("write nothing", "nothing"), ("write y nothing", "nothing"), ("write 3", "3")])
def test_write_of_an_unknown_name_says_so(t, line, named):
    t.run("y = 5")
    said = t.run(line)
    assert named in said and "Traceback" not in said


def test_write_with_nothing_to_write(t):
    assert "Traceback" not in t.run("write")
    assert t.leave() == "inner ends with 2\nouter ends with 1 2 outer\nend"


def test_overwrite_on_writes_what_is_pending(t):
    t.run("y = 5")
    t.run("overwrite on")
    t.run("data = {}")
    assert t.leave() == "inner ends with 5\nouter ends with 1 5 outer\nend"


def test_overwrite_off(overwriting):
    t = overwriting
    t.run("y = 5")
    t.run("overwrite off")
    t.run("y = 6")
    after = t.leave()
    assert "inner ends with 5" in after
    assert re.search(r"\by\b", after.split("inner")[0])


def test_overwrite_says_how_it_is(t):
    assert "off" in t.run("overwrite")
    t.run("overwrite on")
    assert "on" in re.findall(r"\w+", t.run("overwrite"))
    assert t.run("overwrite maybe")
    assert "on" in re.findall(r"\w+", t.run("overwrite"))


# throw, abort, continue ---------------------------------------------------------------------------------------------

THROW = '''
    from hooking import hook
    def f(x):
        try:
            hook()
        except Exception as e:
            print("caught", type(e).__name__, e.args, e.__context__)
            tb = e.__traceback__
            while tb:
                print("in", tb.tb_frame.f_code.co_name, tb.tb_lineno)
                tb = tb.tb_next
        return x
    f(3)
    print("end")
'''


@pytest.mark.parametrize("expression, caught", [
    ("KeyError('typed')", "KeyError ('typed',) None"), ("ValueError", "ValueError () None"),
    ("RuntimeError(x)", "RuntimeError (3,) None"), ("[OSError(x) for _ in [0]][0]", "OSError (3,) None")])
def test_throw_raises_in_the_caller(terminal, expression, caught):
    t = terminal(THROW)
    t.prompt()
    t.line(f"throw {expression}")
    assert t.end() == 0
    assert t.text(t.mark).endswith(f"caught {caught}\nin f 4\nend")


@pytest.mark.parametrize("line", [
    "throw", "throw 3", "throw 'text'", "throw int", "throw nothing", "throw )", "throw 1/0"])
def test_throw_of_what_is_no_exception_stays(terminal, line):
    t = terminal(THROW)
    t.prompt()
    assert t.run(line)
    assert t.run("x") == "3"
    assert t.leave() == "end"


def test_a_thrown_exception_that_nobody_catches_ends_the_program(terminal):
    t = terminal("from hooking import hook\ndef f():\n    hook()\nf()\n")
    t.prompt()
    t.line("throw SystemError('thrown')")
    assert t.end() == 1
    text = t.text(t.mark)
    assert "SystemError: thrown" in text and "line 3, in f" in text and "<hook-" not in text


@pytest.mark.parametrize("expression, status", [("SystemExit(4)", 4), ("KeyboardInterrupt", -2)])
def test_throw_of_any_base_exception(terminal, expression, status):
    t = terminal("from hooking import hook\nhook()\nprint('not reached')\n")
    t.prompt()
    t.line(f"throw {expression}")
    assert t.end() == status
    assert "not reached" not in t.text()


@pytest.mark.parametrize("line, status", [("abort", 1), ("abort 3", 3), ("abort 0", 0), ("%abort 2", 2)])
def test_abort_ends_the_program(terminal, line, status):
    t = terminal('''
        from hooking import hook
        try:
            hook()
        except Exception:
            print("swallowed")
        print("not reached")
    ''')
    t.prompt()
    t.line(line)
    assert t.end() == status
    assert "not reached" not in t.text() and "swallowed" not in t.text()


def test_abort_cannot_be_caught(terminal):
    """ipython/ipython#9149: no way out of a console in a loop that catches everything."""
    t = terminal('''
        from hooking import hook
        while True:
            try:
                hook()
            except BaseException as e:
                print("swallowed", e)
    ''')
    t.prompt()
    t.line("abort 4")
    assert t.end() == 4


@pytest.mark.parametrize("line", ["abort x", "abort 1 2", "abort 1.5"])
def test_abort_with_a_wrong_code_stays(t, line):
    said = t.run(line)
    assert said and "Traceback" not in said
    assert t.run("y") == "2"


def test_abort_in_a_thread_ends_the_program(terminal):
    t = terminal('''
        import threading, time
        from hooking import hook
        def work():
            hook()
        threading.Thread(target=work, name="A").start()
        time.sleep(1000)
    ''')
    t.prompt("[A] >>> ")
    t.line("abort 4")
    assert t.end() == 4
    assert t.echoes()


def test_abort_flushes_what_the_program_wrote(terminal):
    t = terminal("import sys\nfrom hooking import hook\nout = open('out', 'w')\nout.write('kept')\nhook()\n")
    t.prompt()
    t.line("abort")
    assert t.end() == 1
    assert t.echoes()


@pytest.mark.parametrize("line", ["continue", "c", "exit", "quit", "%continue", "%c"])
def test_continue(t, line):
    t.line(line)
    assert t.end() == 0
    assert t.text(t.mark).endswith("inner ends with 2\nouter ends with 1 2 outer\nend")


def test_commands_that_take_no_argument_say_so(t):
    for line in ("where 3", "locals x", "c 5"):
        said = t.run(line)
        assert said and "Traceback" not in said, line
    assert t.run("y") == "2"


# Which lines are commands -------------------------------------------------------------------------------------------

def test_assigning_to_a_commands_name_is_python(t):
    for line in ("list = 0", "up: int = 1", "c, down = 2, 0", "where = help = 3", "off  =4", "bt=5", "doc = (6)"):
        assert t.run(line) == ""
    assert t.run("list, up, c, where, off, bt, doc") == "(0, 1, 2, 3, 4, 5, 6)"


def test_a_variable_typed_here_hides_the_command(t):
    t.run("where = 3")
    assert t.run("where") == "3"
    assert "hook(overwrite_locals" in t.run("%where")
    t.run("del where")
    assert "hook(overwrite_locals" in t.run("where")


def test_augmented_assignment_to_a_commands_name_is_python(t):
    t.run("c = 5")
    t.run("c += 1")
    assert t.run("c") == "6"
    t.run("(c := 7)")
    assert t.run("c") == "7"


@pytest.mark.parametrize("where", ["local", "global"])
def test_a_variable_of_the_program_hides_the_command(terminal, where):
    """ipython/ipython#10037, ptpdb#10: commands that hide variables."""
    definition = "c = up = where = pp = 'mine'"
    t = terminal(f'''
        from hooking import hook
        {definition if where == "global" else ""}
        def f(x):
            {definition if where == "local" else ""}
            hook()
        def g(): f(1)
        g()
    ''')
    t.prompt()
    for name in ("c", "up", "where", "pp"):
        assert t.run(name) == "'mine'"
    assert t.run("c + 'x'") == "'minex'"
    assert t.run("pp x") == "1", "no Python, so it is the command"
    assert "g" in t.run("up 1")
    assert "NameError" in t.run("x")
    t.run("%down")
    assert t.run("x") == "1"
    t.line("%c")
    assert t.end() == 0


def test_builtins_do_not_hide_a_command(t):
    assert "hook(overwrite_locals" in t.run("list")
    assert "help" in t.run("help") and "where" in t.run("help")
    assert t.run("list(range(3))") == "[0, 1, 2]"
    assert t.run("list.__name__") == "'list'"
    assert t.run("list[int]") == "list[int]"
    assert t.run("list, 1") == "(<class 'list'>, 1)"


def test_a_leading_space_is_python(t):
    assert "NameError" in t.run(" up")
    assert t.run(" list") == "<class 'list'>"
    t.run(" c = 4")
    assert t.run("c") == "4"


def test_percent_is_always_a_command(t):
    t.run("up = list = 5")
    assert "outer" in t.run("%up")
    assert t.run("x") == "1"
    assert "inner" in t.run("%down 1")


@pytest.mark.parametrize("line", ["%nosuch", "%", "%3", "%nosuch with arguments", "%timeit x"])
def test_an_unknown_command_is_an_error(t, line):
    said = t.run(line)
    assert said and "Traceback" not in said
    assert line[1:].split(" ")[0] in said
    assert t.run("y") == "2"


def test_commands_are_words_only_at_the_start_of_an_input(t):
    t.play('''
        >>> if y:
        ...     list
        ...
        <class 'list'>
        >>> (
        ... list)
        <class 'list'>
        >>> [
        ... list
        ... ]
        [<class 'list'>]
        >>> """
        ... up
        ... """
        '\\nup\\n'
        >>> y
        2
        >>> ^D
        [...]
    ''')


def test_a_word_that_only_begins_like_a_command_is_python(t):
    for word in ("upper", "listing", "cc", "wher", "Up", "HELP", "continued"):
        assert "NameError" in t.run(word), word
    t.run("listing = 3")
    assert t.run("listing") == "3"


def test_no_abbreviations(t):
    """Only the words in the table are commands: `u`, `d`, `l`, `w` stay the user's."""
    for word in ("u", "d", "l", "w", "n", "s", "p", "q", "h"):
        assert "NameError" in t.run(word), word


def test_keywords_stay_python(t):
    t.play('''
        >>> for list in [1]: list
        ...
        1
        >>> continue_ = 3
        >>> del list
        >>> import textwrap as where
        >>> where.__name__
        'textwrap'
        >>> ^D
        [...]
    ''')


def test_output_of_commands_is_no_last_value(t):
    t.run("41 + 1")
    t.run("where")
    t.run("pp y")
    assert t.run("_") == "42"


# Values that are tuples ---------------------------------------------------------------------------------------------

def test_tuples_are_values_like_others(terminal):
    t = terminal('''
        from collections import namedtuple
        from hooking import hook
        Point = namedtuple("Point", "x y")
        def f():
            empty, one, two, point = (), (1,), (1, 2), Point(3, 4)
            hook()
        f()
    ''')
    t.prompt()
    assert t.run("locals") == "empty = ()\none = (1,)\npoint = Point(x=3, y=4)\ntwo = (1, 2)"
    assert t.run("pp one") == "(1,)" and t.run("pp two") == "(1, 2)"
    assert "Point(x, y)" in t.run("doc point")
    assert t.run("source two") == "no source of two: it is an object of type tuple"


def test_the_source_of_an_object_is_that_of_its_class(terminal):
    t = terminal('''
        import sys
        from hooking import hook
        class Point:
            class Part: pass
        def f():
            p, part = Point(), Point.Part()
            hook()
        f()
    ''')
    t.play('''
        Hooked at [...]
        >>> source p
        p is an object of type Point: `source Point` shows its class
        >>> source Point
        class Point:
            class Part: pass
        >>> source part
        part is an object of type Point.Part: `source type(part)` shows its class
        >>> source type(part)
            class Part: pass
        >>> source len
        no source of len: it is an object of type builtin_function_or_method
        >>> source int
        no source of int: <class 'int'> is a built-in class
        >>> source sys
        no source of sys: <module 'sys' (built-in)> is a built-in module
        >>> source 1 + "a"
        [...]
        TypeError: unsupported operand type(s) for +: 'int' and 'str'
        >>>
    ''')


def test_going_down_too_far_says_how_far_it_is(t):
    t.run("up")
    assert "1 down" in t.run("down 5")
    assert "#1" in t.run("frame")
