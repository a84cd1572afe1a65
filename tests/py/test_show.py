"""How things are shown: in colour, no longer than the screen, and `name?`."""

import importlib.util
import re

import pytest

PROGRAM = '''
    from hooking import hook

    class Text:
        """A value that shows itself as that text."""
        def __init__(self, text): self.text = text
        def __repr__(self): return self.text

    def lines(count, text="row"):
        return Text("\\n".join(f"{text} {number}" for number in range(1, count + 1)))

    def decorated(f):
        """Give it back.

        It isn't changed.
        """
        return f

    def caller(x):
        data = {n: "value %d" % n for n in range(400)}
        return called(x, data)

    @decorated
    def called(x, data):
        for n in range(3):
            # a comment
            hook()
        return f"{x!r} done"

    caller(1)
    print("end")
'''
SIZES = [(24, 80), (10, 40)]
SGR = re.compile(rb"\x1b\[[0-9;]*m")


@pytest.fixture
def t(terminal):
    t = terminal(PROGRAM)
    t.prompt()
    return t


@pytest.fixture(params=SIZES, ids=lambda size: f"{size[1]}x{size[0]}")
def sized(terminal, request):
    """The same on terminals of two sizes."""
    rows, columns = request.param
    t = terminal(PROGRAM, rows=rows, columns=columns)
    t.prompt()
    return t


def styles(t, text):
    """The colour and weight of the letters of a text where it stands last on the screen: a set."""
    screen = t.screen
    for y in reversed(range(screen.lines)):
        cells = [screen.buffer[y][x] for x in range(screen.columns)]
        at = "".join(cell.data[:1] or " " for cell in cells).rfind(text)
        if at >= 0:
            return {(cell.fg, cell.bold) for cell in cells[at:at + len(text)] if cell.data != " "}
    raise AssertionError(f"no {text!r} on the screen\n{t.dump()}")


def colours(t, text):
    return {fg for fg, _ in styles(t, text)}


PLAIN = {"default"}


# colour -------------------------------------------------------------------------------------------------------------

def test_list_shows_source_in_colour(t):
    t.run("list")
    assert colours(t, "return") == {"blue"} and styles(t, "for") == {("blue", True)}
    assert colours(t, "range") == {"cyan"}
    assert colours(t, '{x!r}') >= {"green"} and colours(t, " done") == {"green"}
    assert colours(t, "->") == {"red"}
    assert styles(t, "hook()") == {("default", False)}
    assert styles(t, "called(x, data)") == {("default", True), ("default", False)}, "the name that is defined is bold"


def test_list_knows_that_a_line_is_within_a_string(t):
    """Lines from within a docstring have its colour, though its quotes are not among them."""
    t.run("list 14,14")
    assert colours(t, "It isn't changed.") == {"green"}
    t.run("list 16,16")
    assert colours(t, "return f") == {"blue", "default"}


def test_source_shows_colours(t):
    t.run("source decorated")
    assert colours(t, "def") == {"blue"} and colours(t, "It isn't changed.") == {"green"}


def test_where_shows_colours(t):
    t.run("where")
    assert colours(t, "return") == {"blue"}
    assert colours(t, "caller  ") == {"magenta"}, "the function's name"
    assert colours(t, "> #0") == {"red", "default"}


def test_pp_shows_the_colours_of_literals(t):
    t.run("pp {'a': [1, None], 'b': ('if', lines)}")
    assert colours(t, "'a'") == {"green"} and colours(t, "'if'") == {"green"}
    assert colours(t, "None") == {"blue"}
    t.run("pp Text('as if it were 1 list')")
    assert colours(t, "as if it were ") == PLAIN and colours(t, " list") == PLAIN


def test_pp_keeps_the_order_of_a_dict(t):
    assert t.run("pp {'name': 'run', 'epochs': 3, 'batch': 8}") == "{'name': 'run', 'epochs': 3, 'batch': 8}"


def test_a_value_is_shown_as_python_shows_it(t):
    t.run("{'a': [1, None]}")
    assert colours(t, "'a': [1, None]") == PLAIN


def test_tracebacks_show_colours(t):
    t.run("caller.nothing")
    assert colours(t, "AttributeError") == {"red"} and styles(t, "AttributeError") == {("red", True)}
    assert colours(t, "has no attribute") == {"red"}
    assert colours(t, "<hook-1>") == {"magenta"}
    assert colours(t, "Traceback (most recent call last)") == PLAIN
    t.run("x = = 3")
    assert colours(t, "SyntaxError") == {"red"}
    assert styles(t, "^") == {("red", True)}
    t.run("pp nothing")
    assert colours(t, "NameError") == {"red"}


def test_groups_of_exceptions_show_colours(t):
    t.run("raise ExceptionGroup('several', [ValueError('one'), KeyError('two')])")
    assert colours(t, "ValueError") == {"red"} and colours(t, "KeyError") == {"red"}
    assert colours(t, "+------------------------------------") == {"red"}


LOOKS = ["list", "where", "source decorated", "pp {1: 'a'}", "1/0", "x = = 3", "lines(100)", "up", "down"]


@pytest.mark.parametrize("env", [
    {"NO_COLOR": "1"}, {"PYTHON_COLORS": "0"}, {"TERM": "dumb"}, {"TERM": None},
    {"PYTHON_COLORS": "0", "FORCE_COLOR": "1"}, {"NO_COLOR": "1", "FORCE_COLOR": "1"}],
    ids=lambda env: " ".join(f"{name}={env[name]}" for name in env))
def test_without_colours(terminal, env):
    t = terminal(PROGRAM, env=env)
    t.prompt()
    for look in LOOKS:
        t.run(look)
    assert SGR.search(t.raw) is None


@pytest.mark.parametrize("env", [
    {}, {"NO_COLOR": ""}, {"PYTHON_COLORS": "1", "NO_COLOR": "1"}, {"FORCE_COLOR": "1", "TERM": "dumb"},
    {"PYTHON_COLORS": "1", "TERM": "dumb"}, {"PYTHON_COLORS": "2"}],
    ids=lambda env: " ".join(f"{name}={env[name]}" for name in env) or "nothing")
def test_with_colours(terminal, env):
    t = terminal(PROGRAM, env=env)
    t.prompt()
    t.run("list")
    assert SGR.search(t.raw) is not None


def test_colours_can_be_switched_off_at_the_prompt(t):
    t.run("import os; os.environ['NO_COLOR'] = '1'")
    before = len(t.raw)
    t.run("list")
    assert SGR.search(t.raw[before:]) is None
    t.run("del os.environ['NO_COLOR']")
    t.run("list .")
    assert SGR.search(t.raw[before:]) is not None


def test_the_text_is_the_same_with_and_without_colours(terminal):
    shown = []
    for env in ({}, {"NO_COLOR": "1"}):
        t = terminal(PROGRAM, env=env)
        t.prompt()
        shown.append([t.run(look) for look in LOOKS])
    assert shown[0] == shown[1]


# folding ------------------------------------------------------------------------------------------------------------

def folded(t, statement):
    """Run it, see that the screen still shows what was typed, and return what was shown and what the last line said."""
    gone = t.screen.gone
    shown = t.run(statement)
    rows = [t.screen.row(y)[0] for y in range(t.screen.lines)]
    assert rows[0].startswith(f">>> {statement}"[:t.screen.columns]), rows
    assert rows[-1] == ">>>" and gone is t.screen.gone
    text, _, note = shown.rpartition("\n")
    return text, note


@pytest.mark.parametrize("command", ["", "pp "])
def test_a_long_value_is_folded_to_the_screen(sized, command):
    text, note = folded(sized, command + "lines(1500)")
    fits = sized.screen.lines - 3
    assert text == "\n".join(f"row {number}" for number in range(1, fits + 1))
    assert note == f"... {1500 - fits:,} more lines: `pp all`"


@pytest.mark.parametrize("command", ["", "pp "])
def test_a_value_that_just_fits_is_shown_whole(sized, command):
    fits = sized.screen.lines - 2
    assert sized.run(f"{command}lines({fits})").split("\n")[-1] == f"row {fits}"
    text, note = folded(sized, f"{command}lines({fits + 1})")
    assert note == "... 2 more lines: `pp all`"
    sized.run("one = Text('x' * (%d * %d))" % (fits, sized.screen.columns))
    assert sized.run(command + "one") == "x" * fits * sized.screen.columns


def test_a_line_is_folded_within(t):
    """What is left of a wrapped line counts as a line."""
    text, note = folded(t, "Text('a\\n' + 'b' * 80 * 23 + '\\nc')")
    assert note == "... 2 more lines: `pp all`"
    text, note = folded(t, "Text('a\\n' + 'b' * 80 * 23)")
    assert text == "a\n" + "b" * 80 * 20 and note == "... 240 more characters: `pp all`"


def test_a_long_line_is_folded(sized):
    text, note = folded(sized, "'x' * 100000")
    fits = (sized.screen.lines - 3) * sized.screen.columns
    assert text == "'" + "x" * (fits - 1)
    assert note == f"... {100002 - fits:,} more characters: `pp all`"


def test_the_note_fits_a_narrow_screen(terminal):
    t = terminal(PROGRAM, rows=8, columns=30)
    t.prompt()
    text, note = folded(t, "'x' * 1234567")
    assert note == "... 1,234,419 more: `pp all`"


def test_megabytes_are_folded_at_once(t):
    t.run("big = 'x' * 30_000_000")
    before = len(t.raw)
    assert t.run("big").endswith("more characters: `pp all`")
    assert len(t.raw) - before < 10000


def test_characters_are_counted_by_their_columns(sized):
    columns, fits = sized.screen.columns, sized.screen.lines - 3
    text, note = folded(sized, "Text('日本' * 10000)")
    assert text.replace(" ", "") == "日本" * (fits * columns // 4)
    text, note = folded(sized, "Text(('e\\u0301' * 9 + '\\n') * 1000)")
    assert note == f"... {1001 - fits:,} more lines: `pp all`"


def test_a_text_that_takes_next_to_no_columns(terminal):
    """It has more characters than the screen has room for, and fits all the same."""
    t = terminal(PROGRAM, rows=6, columns=20)
    t.prompt()
    assert "more" not in t.run("Text('a' + '\\u0301' * 1000 + 'b')")


def test_pp_all_shows_what_was_folded(t):
    t.run("lines(100)")
    t.run("'something short'")
    assert t.run("pp all").split("\n") == [f"row {number}" for number in range(1, 101)]
    t.run("pp data")
    assert t.run("pp all").count("\n") == 399


def test_pp_all_of_an_expression(t):
    assert t.run("pp all data").count("\n") == 399
    assert t.run("pp all [1, 2]") == "[1, 2]"
    assert t.run("pp all(data)") == "False", "the function"
    assert "NameError" in t.run("pp all nothing")


def test_pp_all_of_nothing(t):
    said = t.run("pp all")
    assert "pp all EXPR" in said and "Traceback" not in said
    t.run("all = 'mine'")
    assert t.run("pp all") == "'mine'", "your own variables win"


def test_a_console_forgets_with_its_end(t):
    t.run("lines(100)")
    t.key("C-d")
    t.prompt()
    assert "pp all EXPR" in t.run("pp all")


def test_the_last_value_is_whole(t):
    t.run("lines(100)")
    assert t.run("len(repr(_).split())") == "200"
    t.run("list(data)")
    assert t.run("len(_)") == "400"


def test_the_size_of_the_screen_is_that_of_the_moment(t):
    text, note = folded(t, "lines(100)")
    assert text.count("\n") + 1 == 21
    t.resize(10, 40)
    t.settle().ready()
    text, note = folded(t, "lines(100)")
    assert text.count("\n") + 1 == 7


def test_colours_of_a_value_end_with_it(t):
    t.run("Text('\\x1b[31m' + 'red\\n' * 100)")
    assert colours(t, "red") == {"red"}
    assert colours(t, "more lines") == {"cyan"} and colours(t, ">>>") == {"magenta"}


@pytest.mark.parametrize("broken, said", [
    ("raise ValueError('no repr')", "ValueError: no repr"), ("return 3", "TypeError: ")])
def test_a_broken_repr(t, broken, said):
    t.run(f"class Broken:\n    def __repr__(self): {broken}")
    assert said in t.run("Broken()")
    assert t.run("1 + 1") == "2"


def test_a_repr_that_prints(t):
    t.run("class Loud:\n    def __repr__(self): print('printed'); return 'Loud()'")
    assert t.run("Loud()") == "printed\nLoud()"


def test_a_repr_is_interrupted(t):
    t.run("class Slow:\n    def __repr__(self):\n        print('begun')\n        while True: pass")
    t.line("Slow()")
    t.expect(re.compile("^begun", re.M))
    t.key("C-c")
    assert "KeyboardInterrupt" in t.prompt()


def test_what_cannot_be_encoded_is_escaped(terminal):
    t = terminal(PROGRAM, env={"PYTHONIOENCODING": "ascii"})
    t.prompt()
    assert t.run("'caf\\u00e9 \\u65e5'") == "'caf\\xe9 \\u65e5'"
    text, note = folded(t, "lines(100, '\\u00e9')")
    assert text.split("\n")[0] == "\\xe9 1"
    assert t.run("Text('\\udc80')") == "\\udc80"


def test_a_lone_surrogate_is_escaped(t):
    assert t.run("Text('\\ud800')") == "\\ud800"
    assert t.run("Text('\\ud800\\n' * 100)").startswith("\\ud800\n")
    assert t.run("pp Text('\\udc80')") == "\\udc80"


def test_output_elsewhere_is_not_folded(t):
    t.run("import io, contextlib")
    t.run("with contextlib.redirect_stdout(io.StringIO()) as out:\n    lines(100)")
    assert t.run("out.getvalue().count('\\n')") == "100"
    t.run("with open('out', 'w') as f, contextlib.redirect_stdout(f):\n    lines(100)")
    assert t.run("len(open('out').readlines())") == "100"


@pytest.mark.parametrize("elsewhere", ["stdin", "stdout"])
def test_folded_where_the_console_is(terminal, tmp_path, elsewhere):
    with open(tmp_path / "file", "w+") as file:
        t = terminal(PROGRAM, **{elsewhere: file})
        t.prompt()
        assert t.run("lines(100)").endswith("more lines: `pp all`")


DISPLAYHOOKS = {"plain": "import sys; sys.displayhook = lambda value: print('shown:', repr(value))"}
if importlib.util.find_spec("rich"):
    DISPLAYHOOKS["rich"] = "from rich import pretty; pretty.install()"


@pytest.mark.parametrize("hook", DISPLAYHOOKS)
def test_a_displayhook_of_the_users(t, hook):
    """It is called with the value, and what it prints is not folded."""
    t.run(DISPLAYHOOKS[hook])
    assert "row 1\n" in t.run("lines(3)")
    shown = t.run("list(range(5000, 5600))")
    assert "5000" in shown and "5599" in shown and "pp all" not in shown
    assert t.run("len(_)").endswith("600")


# name? --------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("question", ["decorated?", "?decorated", "decorated ?", "? decorated", "decorated?  "])
def test_a_question_is_doc(t, question):
    assert t.run(question) == t.run("doc decorated")


@pytest.mark.parametrize("question", ["decorated??", "??decorated", "decorated ??"])
def test_two_marks_are_source(t, question):
    assert t.run(question) == t.run("source decorated")


@pytest.mark.parametrize("question", ["?", "??", " ? ".strip()])
def test_a_mark_alone_is_help(t, question):
    assert t.run(question) == t.run("help")


def test_questions_about_parts(t):
    assert "Give it back." in t.run("Text.__init__.__globals__['decorated']?")
    assert "str(object='')" in t.run("data[399]?")
    t.run("données = decorated")
    assert "Give it back." in t.run("données?")


def test_questions_about_nothing(t):
    assert "NameError: name 'nothing' is not defined" in t.run("nothing?")
    assert "no source" in t.run("x??")
    assert "Traceback" not in t.run("x??")


@pytest.mark.parametrize("python, shown", [
    ("'x?'", "'x?'"), ("x # what?", "1"), ("# x?", ""), ("'?'.join('ab')", "'a?b'"), ('"""?"""', "'?'")])
def test_python_with_question_marks(t, python, shown):
    assert t.run(python) == shown


@pytest.mark.parametrize("wrong", ["x???", "f(x)?", "x + x?", " x?", "?x?"])
def test_other_questions_are_errors_of_python(t, wrong):
    assert "SyntaxError" in t.run(wrong)


def test_help_tells_of_questions(t):
    assert "name?" in t.run("help")
