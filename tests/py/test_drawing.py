"""The block on the screen: wrapping, width, scrolling, resizing, colour, and how many bytes it takes."""

import re

import pytest

PROGRAM = '''
    from hooking import hook
    def f(x):
        y = [1, 2]
        hook()
        print("went on with", x)
    f("X")
'''


# Rows and columns ---------------------------------------------------------------------------------------------------

def test_a_line_wraps_where_the_screen_ends(opened):
    t = opened(columns=20)
    t.type("abcdefghijklmnop").shows(">>> abcdefghijklmnop", "|").type("q").shows(">>> abcdefghijklmnop", "q|")
    t.key("Left", "Left").shows(">>> abcdefghijklmno|p", "q").key("C-e", "Backspace", "Backspace")
    t.shows(">>> abcdefghijklmno|")


def test_a_wrapped_line_within_a_block(terminal, opened):
    t = opened(columns=20)
    t.lines("if x:", "z = 'abcdefghijkl'", "y").shows(">>> if x:", "...     z = 'abcdefg", "hijkl'", "...     y|")
    t.key("Up", "C-a").type("w").key("Backspace", "Delete")
    t.shows(">>> if x:", "... |   z = 'abcdefgh", "ijkl'", "...     y")
    assert "...    z = 'abcdefghijkl'" in t.text().split("\n")     # one line to the terminal, when it is copied


@pytest.mark.parametrize("mode", ["emacs", "vi"])
def test_lines_stand_below_each_other_where_the_mode_is_shown(opened, mode):
    shown = {"emacs": "@", "vi": "(ins)"}[mode]
    t = opened(inputrc=f"set editing-mode {mode}\nset show-mode-in-prompt on\n")
    t.type("if x:").key("Enter").shows(f"{shown}>>> if x:", f"{' ' * len(shown)}...     |")


def test_wide_characters_at_the_wrap(opened):
    t = opened(columns=20)
    t.type("'abcdefghijklmn日本'").shows(">>> 'abcdefghijklmn", "日本'|")
    t.key("C-a").type("\x1b[C" * 15).shows(">>> 'abcdefghijklmn", "|日本'")
    t.type("o").shows(">>> 'abcdefghijklmno", "|日本'").key("Backspace", "Backspace").shows(">>> 'abcdefghijklm|日", "本'")


def test_one_column(opened):
    t = opened(columns=80)
    t.resize(24, 1)
    t.type("1+1").key("Enter")
    t.until(lambda: [row for row, _ in t.screen.rows()][-9:] == ["1", "+", "1", "2", ">", ">", ">", "", ""]
            or "2" in [row for row, _ in t.screen.rows()], "the answer")
    t.resize(24, 80)
    t.settle()


@pytest.mark.parametrize("columns", [1, 2, 3, 5])
def test_a_program_on_a_very_narrow_terminal(terminal, columns):
    t = terminal(PROGRAM, columns=columns)
    t.until(lambda: not t.echoes(), "the prompt")
    t.type("x*2\r")
    t.until(lambda: "XX" in t.text().replace("\n", ""), "the answer")
    t.type("'日本'\r").key("C-d")
    assert t.end() == 0


SIZES = [(24, 80), (10, 40), (60, 200)]


@pytest.mark.parametrize("rows, columns", SIZES)
def test_a_block_taller_than_the_screen_scrolls_with_the_cursor(opened, rows, columns):
    t = opened(rows=rows, columns=columns)
    count = rows * 2
    lines = ["if x:"] + [f"    name_{n} = {n}" for n in range(count)]
    t.paste("\n".join(lines))
    t.until(lambda: t.left_of_cursor().endswith(f"name_{count - 1} = {count - 1}"), "the last line")
    assert not any("if x" in t.screen.row(y)[0] for y in range(rows))
    t.type("\x1b[A" * count)
    t.until(lambda: t.left_of_cursor() == ">>> if x:", "the first line")
    assert not any(f"name_{count - 1} " in t.screen.row(y)[0] for y in range(rows))
    t.type("\x1b[B" * count)
    t.until(lambda: t.left_of_cursor().startswith(f"...     name_{count - 1}"), "the last line again")
    t.key("C-e", "Enter").until(lambda: t.left_of_cursor() == "...     ", "a further line")
    t.key("Enter")
    t.prompt()
    shown = t.text().split("\n")
    first = shown.index(">>> if x:")
    assert shown[first:first + count + 1] == [">>> " + lines[0]] + ["... " + line for line in lines[1:]]
    assert [shown.count("... " + line) for line in lines[1:]] == [1] * count


def test_scrolling_keeps_what_is_above(opened):
    t = opened(rows=10, columns=40)
    for n in range(20):
        t.run(f"'above {n}'")
    t.paste("if x:\n" + "\n".join(f"    name_{n} = {n}" for n in range(30)))
    t.until(lambda: t.left_of_cursor().endswith("name_29 = 29"), "the last line")
    t.type("\x1b[A" * 30)
    t.until(lambda: t.left_of_cursor().startswith(">>>"), "the first line")
    t.key("C-c")
    t.prompt()
    assert [t.text().count(f"\n'above {n}'\n") for n in range(20)] == [1] * 20


# Resizing -----------------------------------------------------------------------------------------------------------

def terminal_kind(reflow):
    """Settings of a terminal that wraps anew, and of one that does not and says so."""
    return {"reflow": True, "env": {"XTERM_VERSION": None}} if reflow else {}


def wrapped(lines, columns):
    """The rows that these lines take."""
    return [line[at:at + columns] for line in lines for at in range(0, max(1, len(line)), columns)]


def resized(t, rows, columns, above, block):
    """Another size; wait until the screen has what is above as it was, and the block once.

    (What a program has written for the old size until it hears of the new one, no program can help.)"""
    before = len(t.raw)
    t.resize(rows, columns)

    def seen():
        if b"\x1b[J" not in t.raw[before:] or not t.raw.endswith(b"\x1b[?25h"):
            return False                      # it has not heard of it, or has not drawn all
        shown = [row.rstrip() for row, _ in t.screen.rows()]
        wanted = [row.rstrip() for row in wrapped(block, columns)]
        while shown and not shown[-1]:
            shown.pop()
        kept = "".join(shown[:-len(wanted)])
        return shown[-len(wanted):] == wanted and kept.endswith("".join(above))
    t.until(seen, f"the block in {rows} rows of {columns}")


ABOVE = [">>> 'above'", "'above'"]
WIDE = "z = ['" + "abcdefghij" * 7 + "', 1]"


@pytest.mark.parametrize("reflow", [False, True], ids=["rigid", "reflows"])
@pytest.mark.parametrize("sizes", [[(24, 60)], [(24, 40)], [(24, 100)], [(24, 60), (24, 100)], [(24, 33), (24, 80)],
                                   [(12, 80)], [(40, 80)], [(30, 20), (24, 80)]], ids=str)
def test_a_resize_shows_the_block_once_and_keeps_what_is_above(opened, reflow, sizes):
    t = opened(**terminal_kind(reflow))
    t.run("'above'")
    t.lines("if x:", WIDE, "last").shows(">>> if x:", "...     " + WIDE[:72], WIDE[72:], "...     last|")
    for rows, columns in sizes:
        resized(t, rows, columns, ABOVE, [">>> if x:", "...     " + WIDE, "...     last"])
    t.type("!").until(lambda: t.left_of_cursor().endswith("...     last!"), "the key")
    assert t.text().count("if x:") == 1 and t.text().count("abcdefghij" * 7) == 1


@pytest.mark.parametrize("reflow", [False, True], ids=["rigid", "reflows"])
@pytest.mark.parametrize("place", ["first line", "wrapped line", "last line"])
def test_a_resize_with_the_cursor_anywhere(opened, reflow, place):
    t = opened(**terminal_kind(reflow))
    t.run("'above'")
    t.lines("if x:", WIDE, "last").shows(">>> if x:", "...     " + WIDE[:72], WIDE[72:], "...     last|")
    t.key(*{"first line": ["Up", "Up"], "wrapped line": ["Up", "C-e"], "last line": []}[place])
    left = {"first line": ">>> if x:", "wrapped line": WIDE[72:], "last line": "...     last"}[place]
    t.until(lambda: t.left_of_cursor() == left, "the cursor in its place")
    for columns in (50, 90, 80):
        resized(t, 24, columns, ABOVE, [">>> if x:", "...     " + WIDE, "...     last"])
    t.type("w")
    wanted = {"first line": [">>> if x:w", "...     " + WIDE, "...     last"],
              "wrapped line": [">>> if x:", "...     " + WIDE + "w", "...     last"],
              "last line": [">>> if x:", "...     " + WIDE, "...     lastw"]}[place]
    t.until(lambda: t.text().split("\n")[1:] == [">>> 'above'", "'above'", *wanted], "the block once")


@pytest.mark.parametrize("reflow", [False, True], ids=["rigid", "reflows"])
def test_a_resize_at_the_bottom_of_a_full_screen(opened, reflow):
    t = opened(**terminal_kind(reflow))
    for n in range(15):
        t.run(f"'above {n}'")
    t.lines("if x:", WIDE, "last")
    above = [text for n in range(15) for text in (f">>> 'above {n}'", f"'above {n}'")]
    for columns in (50, 100, 80):
        resized(t, 24, columns, above, [">>> if x:", "...     " + WIDE, "...     last"])
    t.type("w").until(lambda: t.left_of_cursor().endswith("...     lastw"), "the key")
    assert t.text().count("if x:") == 1


# Width --------------------------------------------------------------------------------------------------------------

def test_combining_characters_take_no_column(opened):
    t = opened()
    t.type("'e\u0301a\u0308'x")
    t.until(lambda: t.screen.place()[1] == 9, "the cursor")


@pytest.mark.parametrize("text, columns", [("日本", 4), ("é", 1), ("\t", 8), ("a\tb", 9), ("\x01", 2), ("\x7f", 2)])
def test_the_cursor_stands_behind_what_was_typed(opened, text, columns):
    t = opened()
    t.paste(text)
    t.until(lambda: t.screen.place()[1] == 4 + columns, f"{columns} columns")


def test_an_emoji_of_several_parts_is_one_character(opened):
    """Terminals disagree about its width: the cursor is placed anew behind it."""
    t = opened()
    t.type("'👩‍💻'").until(lambda: t.raw.endswith(b"'") or b"'\x1b" in t.raw[-40:], "the quote")
    t.until(lambda: t.screen.place()[1] == 8, "two columns and the quotes")
    t.key("C-a").type("x").until(lambda: t.screen.place()[1] == 5, "the cursor")
    t.key("C-e").until(lambda: t.screen.place()[1] == 9, "the end")


def test_control_characters_are_shown(opened):
    t = opened()
    t.type("'").key("C-v").type("\x01").key("C-v").type("\x1b").type("'").shows(">>> '^A^['|")


def test_tabs_are_shown_as_wide_as_they_are(opened):
    t = opened()
    t.paste("if x:\n\ta\tb").shows(">>> if x:", "...         a       b|")


# Colour -------------------------------------------------------------------------------------------------------------

def test_source_is_coloured(opened):
    t = opened()
    t.paste("def name(x):  # comment\n    return len('text') + 42").shows(
        ">>> def name(x):  # comment", "...     return len('text') + 42|")
    assert t.look("def") == t.look("return") == "blue bold"
    assert t.look("name") == "default bold"
    assert t.look("# comment") == "faint"
    assert t.look("len") == "cyan"
    assert t.look("'text'") == "green"
    assert t.look("42") == "magenta"
    assert t.look(":", "):") == "default"
    assert t.look(">>>") == t.look("...") == "magenta bold"


def test_a_command_is_coloured(opened):
    t = opened()
    t.type("where").shows(">>> where|")
    assert t.look("where") == "magenta bold"
    t.type("ver").shows(">>> wherever|")
    assert t.look("wherever") == "default"
    t.key("C-u").type("list = 1").shows(">>> list = 1|")
    assert t.look("list") != "magenta bold"


def test_brackets_that_belong_together_are_marked(opened):
    t = opened()
    t.type("f((1) + [2])").shows(">>> f((1) + [2])|")
    assert t.look("f(", "f((") .startswith("default / default") and t.look("[") == "default"
    t.key("C-a", "Right", "Right").shows(">>> f(|(1) + [2])")
    assert t.look("(", "(1)") == t.look(")", "1)") == "default bold reverse"


@pytest.mark.parametrize("text, wrong", [("x)", ")"), ("(x]", "]"), ("x = $", "$")])
def test_what_is_wrong_is_marked(opened, text, wrong):
    t = opened()
    t.type(text + " ").shows(">>> " + text + " |")
    assert t.look(wrong) == "red bold"


def test_a_string_without_its_end_is_marked(opened):
    t = opened()
    t.type("'abc").shows(">>> 'abc|")
    assert t.look("'") == "green underscore" and t.look("abc") == "green"


def test_marks_go_when_the_block_is_run(opened):
    t = opened()
    t.type("len('a')").shows(">>> len('a')|").key("Enter")
    t.prompt()
    assert t.look("(", "len('a')") == "default"


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"PYTHON_COLORS": "0"}, {"PYTHON_COLORS": "0", "FORCE_COLOR": "1"},
                                 {"TERM": "dumb"}, {"NO_COLOR": "1", "FORCE_COLOR": "1"}], ids=str)
def test_no_colour(opened, env):
    t = opened(env=env)
    t.type("def name").expect("def name")
    assert t.look("def") == t.look("name") == t.look(">>>") == "default"
    assert not re.search(rb"\x1b\[[0-9;]+m", t.raw)


@pytest.mark.parametrize("env", [{"FORCE_COLOR": "1"}, {"PYTHON_COLORS": "1", "NO_COLOR": "1"}, {"NO_COLOR": ""}],
                         ids=str)
def test_colour_after_all(opened, env):
    t = opened(env=env)
    t.type("def name").shows(">>> def name|")
    assert t.look("def") == "blue bold"


# A slow line --------------------------------------------------------------------------------------------------------

def ten_lines(t):
    t.paste("if x:\n" + "\n".join(f"    name_{n} = call({n}, 'text')  # why" for n in range(9)))
    t.until(lambda: t.left_of_cursor().endswith("'text')  # why"), "the block")
    t.until(lambda: t.left_of_cursor().startswith("...     name_8"), "the last line")
    return t


def bytes_of(t, text):
    """How many bytes the terminal is sent for each key."""
    sent = []
    for key in text:
        before, place = len(t.raw), t.screen.place()
        t.type(key)
        t.until(lambda: t.screen.place() == (place[0], place[1] + 1), "the key")
        t.until(lambda: t.left_of_cursor().endswith(key), "the key")
        sent.append(len(t.raw) - before)
    return sent


def test_keys_take_few_bytes_at_a_lines_end(opened):
    t = ten_lines(opened(rows=30))
    t.key("Up", "Up", "Up", "Up", "C-e")
    t.until(lambda: t.left_of_cursor().startswith("...     name_4") and t.left_of_cursor().endswith("why"), "the line")
    t.slow_line()
    sent = bytes_of(t, " and so on, forty characters of comment.")
    assert sum(sent) / len(sent) <= 10 and max(sent) <= 40, sent


def test_keys_take_few_bytes_in_the_middle_of_a_line(opened):
    t = ten_lines(opened(rows=30))
    t.key("Up", "Up", "Up", "Up", "C-a").type("\x1b[C" * 10)
    t.until(lambda: t.left_of_cursor() == "...     name_4", "the line")
    t.slow_line()
    sent = bytes_of(t, "some_letters_and_some_more_of_them_typed")
    assert sum(sent) / len(sent) <= 75 and max(sent) <= 120, sent


def test_moving_takes_few_bytes(opened):
    t = ten_lines(opened(rows=30))
    t.slow_line()
    before = len(t.raw)
    for n in reversed(range(8)):
        t.key("Up")
        t.until(lambda: t.left_of_cursor().startswith(f"...     name_{n}"), "the line above")
    assert (len(t.raw) - before) / 8 <= 30
