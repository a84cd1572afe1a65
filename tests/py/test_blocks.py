"""Editing a block: a whole block of lines is one text until Enter runs it."""

import re

import pytest

UP_DOWN_SEARCH = '"\\e[A": history-search-backward\n"\\e[B": history-search-forward\n'

PROGRAM = '''
    from hooking import hook
    def f(x):
        y = [1, 2]
        hook(overwrite_locals=True)
        print("went on with", x)
    f("X")
'''


# Enter --------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("text", ["x", "x = 1", "y.append(3); y", "pass", "(1 +\n1)", "'''a\nb'''", "# why", "  x",
                                  "x = 1 if", "1 +* 2", "x = )", "lambda: (yield)", "'abc"])
def test_enter_runs_what_is_complete_or_never_will_be(opened, text):
    t = opened()
    t.paste(text).key("Enter")
    t.prompt()


@pytest.mark.parametrize("first, blanks", [
    ("if x:", 4), ("if x:  # why", 4), ("for i in y:", 4), ("def f(a, b=2):", 4), ("class C:", 4), ("@staticmethod", 0),
    ("f(", 4), ("print(1,", 6), ("x = [", 4), ("x = {'a': [1,", 11), ("x = '''a", 0), ("x = f'''{x}", 0),
    ("x = 1 + \\", 4), ("print('日本', (1,", 15),
])
def test_enter_adds_a_line_with_its_indentation(opened, first, blanks):
    t = opened()
    t.type(first).key("Enter").shows(">>> " + first, "... " + " " * blanks + "|")


@pytest.mark.parametrize("last", ["return", "return 1", "raise ValueError(1)", "pass", "break", "continue"])
def test_what_leaves_a_block_takes_the_next_line_a_step_back(opened, last):
    t = opened()
    t.lines("while x:", "if x:", last, "")
    t.shows(">>> while x:", "...     if x:", "...         " + last, "...     |")


@pytest.mark.parametrize("step", ["  ", "\t", "   "])
def test_a_block_has_its_own_step_of_indentation(opened, step):
    t = opened()
    t.paste(f"if x:\n{step}if x:").key("Enter")
    shown = step.replace("\t", " " * 8)
    t.shows(">>> if x:", f"... {shown}if x:", f"... {shown}{shown}|")
    t.type("print('deep')").key("Enter", "Enter")
    assert t.prompt().endswith("deep")


def test_a_blank_line_ends_a_block(opened):
    t = opened()
    t.lines("if x:", "print('ran')", "").shows(">>> if x:", "...     print('ran')", "...     |")
    t.key("Enter")
    assert t.prompt().split("\n")[-1] == "ran"


def test_a_blank_line_within_a_string_or_brackets_ends_nothing(opened):
    t = opened()
    t.lines("z = '''a", "", "b'''", ).key("Enter")
    t.prompt()
    assert t.run("z") == "'a\\n\\nb'"
    t.lines("[1,", "", "2]").key("Enter")
    assert t.prompt().endswith("[1, 2]")


def test_enter_in_the_middle_breaks_the_line(opened):
    t = opened()
    t.lines("if x:", "print('one'); print('two')", "print('three')")
    t.key("Up", "C-a").type("\x1b[C" * 17).shows(
        ">>> if x:", "...     print('one'); print('two')", "...     print('three')")
    t.key("Enter").shows('''
        >>> if x:
        ...     print('one');
        ...     | print('two')
        ...     print('three')
    ''')
    t.key("C-d", "Down", "C-e", "Enter", "Enter")
    assert t.prompt().split("\n")[-3:] == ["one", "two", "three"]


def test_a_recalled_block_runs_wherever_the_cursor_is(opened):
    t = opened()
    t.run("for i in y:\n    print('i is', i)")
    t.key("Up").shows(">>> for i in y:", "...     print('i is', i)|")
    t.key("Up", "C-a").shows(">>> |for i in y:", "...     print('i is', i)")
    t.key("Enter")
    assert t.prompt().split("\n")[-2:] == ["i is 1", "i is 2"]


def test_a_recalled_block_that_was_changed_is_edited(opened):
    t = opened()
    t.run("for i in y:\n    print('i is', i)")
    t.key("Up", "Up", "C-e", "Backspace").type(":").key("Backspace").type("[:1]:").key("Enter")
    t.shows(">>> for i in y[:1]:", "...     |", "...     print('i is', i)")
    t.type("pass").key("Down", "C-e", "Enter")
    t.shows(">>> for i in y[:1]:", "...     pass", "...     print('i is', i)", "...     |")
    t.key("Enter")
    assert t.prompt().split("\n")[-1] == "i is 1"


def test_meta_enter_always_adds_a_line(opened):
    t = opened()
    t.type("1 + 1").type("\x1b\r").shows(">>> 1 + 1", "... |")
    t.type("2 + 2").key("Enter")
    assert t.prompt().split("\n")[-2:] == ["2", "4"]
    t.run("x = 5")
    t.key("Up").type("\x1b\r").shows(">>> x = 5", "... |")


def test_a_syntax_error_is_shown_and_the_text_can_be_mended(opened):
    t = opened()
    t.lines("if x:", "print('mended'))").key("Enter")
    assert "SyntaxError: unmatched ')'" in t.prompt()
    t.key("Up").shows(">>> if x:", "...     print('mended'))|")
    t.key("Backspace", "Enter").shows(">>> if x:", "...     print('mended')", "...     |")
    t.key("Enter")
    assert t.prompt().split("\n")[-1] == "mended"


@pytest.mark.parametrize("command, answer", [("where", "#0"), ("%where", "#0"), ("help list", "list"),
                                             ("%no_such", "no command"), ("x?", "str"), ("list 1,3", "hook")])
def test_a_command_runs_at_once(opened, command, answer):
    t = opened()
    t.line(command)
    assert answer in t.prompt()


def test_a_command_in_a_block_is_python(opened):
    t = opened()
    t.lines("if x:", "where", "").key("Enter")
    assert "NameError" in t.prompt()


# Moving -------------------------------------------------------------------------------------------------------------

def test_up_and_down_keep_the_column(opened):
    t = opened()
    t.lines("if x:", "some_name = 1", "y", "other = 2")
    t.shows(">>> if x:", "...     some_name = 1", "...     y", "...     other = 2|")
    t.key("Up").shows(">>> if x:", "...     some_name = 1", "...     y|", "...     other = 2")
    t.key("Up").shows(">>> if x:", "...     some_name| = 1", "...     y", "...     other = 2")
    t.key("Up").shows(">>> if x:|", "...     some_name = 1", "...     y", "...     other = 2")
    t.key("Down").key("Down").key("Down")
    t.shows(">>> if x:", "...     some_name = 1", "...     y", "...     other = 2|")


def test_up_and_down_keep_the_column_over_wide_characters(opened):
    t = opened()
    t.lines("z = [", "'日本語',", "'abcdef'", "'é́́é́é'")
    t.key("Up", "C-a").type("\x1b[C" * 8).shows(">>> z = [", "...     '日本語',", "...     'abc|def'", "...     'é́́é́é'")
    t.key("Up").shows(">>> z = [", "...     '日|本語',", "...     'abcdef'", "...     'é́́é́é'")
    t.key("Down").shows(">>> z = [", "...     '日本語',", "...     'abc|def'", "...     'é́́é́é'")
    t.key("Down").shows(">>> z = [", "...     '日本語',", "...     'abcdef'", "...     'é́́é́é|'")


def test_up_and_down_go_through_the_history_a_block_a_step(opened):
    t = opened()
    t.run("x")
    t.run("if x:\n    y\n    y")
    t.run("y")
    t.key("Up").shows(">>> y|").key("Up").shows(">>> if x:", "...     y", "...     y|")
    t.key("Up", "Up").shows(">>> if x:|", "...     y", "...     y").key("Up").shows(">>> x|")
    t.key("Down").shows(">>> if x:", "...     y", "...     y|").key("Down").shows(">>> y|").key("Down").shows(">>> |")


def test_a_block_that_is_being_written_survives_a_walk_through_the_history(opened):
    t = opened()
    t.run("x")
    t.lines("if x:", "12").key("Up", "Up").shows(">>> x|").key("Down").shows(">>> if x:", "...     12|")


def test_up_searches_with_what_is_typed_if_inputrc_says_so(opened):
    t = opened(inputrc=UP_DOWN_SEARCH)
    for statement in ("first = 1", "for i in y:\n    first", "second = 2", "find = 3"):
        t.run(statement)
    t.type("f").key("Up")
    t.shows(">>> f|ind = 3").key("Up").shows(">>> f|or i in y:", "...     first")
    t.key("Up").shows(">>> f|irst = 1").key("Down").shows(">>> f|or i in y:", "...     first")
    t.key("C-c").prompt()
    t.lines("if x:", "y").key("Up").shows(">>> if x:|", "...     y")


def test_home_and_end_are_those_of_the_line(opened):
    t = opened()
    t.lines("if x:", "abc", "def").key("Up", "C-a").shows(">>> if x:", "... |    abc", "...     def")
    t.key("C-e").shows(">>> if x:", "...     abc|", "...     def")
    t.key("Home").shows(">>> if x:", "... |    abc", "...     def")
    t.key("End").shows(">>> if x:", "...     abc|", "...     def")


def test_left_and_right_go_over_line_ends(opened):
    t = opened()
    t.lines("if x:", "abc").key("C-a", "Left").shows(">>> if x:|", "...     abc")
    t.key("Right").shows(">>> if x:", "... |    abc")


# Deleting, killing, undoing -----------------------------------------------------------------------------------------

def test_killing_is_by_line(opened):
    t = opened()
    t.lines("if x:", "abc.de", "ghi").key("Up", "C-e", "M-b", "C-k")
    t.shows(">>> if x:", "...     abc.|", "...     ghi")
    t.key("C-u").shows(">>> if x:", "... |", "...     ghi")
    t.key("C-k").shows(">>> if x:", "... |    ghi")


def test_what_was_killed_can_be_yanked(opened):
    t = opened()
    t.lines("if x:", "abc", "de").key("C-u").shows(">>> if x:", "...     abc", "... |")
    t.key("Up", "C-e", "C-y").shows(">>> if x:", "...     abc    de|", "...")


def test_backspace_takes_a_step_of_indentation(opened):
    t = opened()
    t.lines("if x:", "if x:", "y", "").key("Backspace")
    t.shows(">>> if x:", "...     if x:", "...         y", "...     |")
    t.key("Backspace").shows(">>> if x:", "...     if x:", "...         y", "... |")
    t.key("Backspace").shows(">>> if x:", "...     if x:", "...         y|")


def test_backspace_in_other_blanks_takes_one(opened):
    t = opened()
    t.type("x     ").key("Backspace").type("y").shows(">>> x    y|")


@pytest.mark.parametrize("step", ["  ", "\t"])
def test_backspace_and_tab_take_the_blocks_own_step(opened, step):
    t = opened()
    shown = step.replace("\t", " " * 8)
    t.paste(f"if x:\n{step}if x:").key("Enter").shows(">>> if x:", f"... {shown}if x:", f"... {shown * 2}|")
    t.key("Backspace").shows(">>> if x:", f"... {shown}if x:", f"... {shown}|")
    t.key("Tab").shows(">>> if x:", f"... {shown}if x:", f"... {shown * 2}|")
    t.type("\x1b[Z").shows(">>> if x:", f"... {shown}if x:", f"... {shown}|")


def test_tab_and_shift_tab_indent(opened):
    t = opened()
    t.lines("if x:", "y", "z").key("C-a", "Tab").shows(">>> if x:", "...     y", "...     |    z")
    t.key("C-e").type("\x1b[Z").shows(">>> if x:", "...     y", "...     z|")
    t.type("\x1b[Z").shows(">>> if x:", "...     y", "... z|")


def test_undo_takes_a_new_line_back_in_one_step(opened):
    t = opened()
    t.lines("if x:", "abc", "").type("\x1f").shows(">>> if x:", "...     abc|")
    t.type("\x1f").shows(">>> if x:", "...     |")
    t.type("\x1f").shows(">>> if x:|")


# Leaving ------------------------------------------------------------------------------------------------------------

def test_ctrl_d_on_the_blank_last_line_drops_the_block(opened):
    t = opened()
    t.lines("if x:", "x = 'changed'", "").key("C-d")
    assert t.prompt().endswith("the block was not finished, and is dropped")
    assert t.run("x") == "'X'"


def test_ctrl_d_elsewhere_deletes(opened):
    t = opened()
    t.lines("if x:", "abc").key("C-d").key("C-a", "C-d", "C-d", "C-d", "C-d", "C-d")
    t.shows(">>> if x:", "... |bc").key("Up", "C-e", "C-d").shows(">>> if x:|bc")


def test_ctrl_c_leaves_the_block(opened):
    t = opened()
    t.lines("if x:", "x = 'changed'", "print(x)").key("Up", "C-c")
    assert t.prompt().split("\n")[-2:] == ["...     print(x)", "KeyboardInterrupt"]
    assert t.run("x") == "'X'"


# Pasting ------------------------------------------------------------------------------------------------------------

CLASS = '''class Stack:
    """A stack.

    Not a heap.
    """

    def __init__(self):
        self.items = []

    def push(self, item):
    \tself.items.append(item)
    \treturn self

    def empty(self):
            while self.items:
                    yield self.items.pop()
'''


def test_a_class_arrives_as_it_was_copied(opened):
    t = opened(rows=30)
    t.paste(CLASS + "\nprint(list(Stack().push(1).push(2).empty()))")
    rows = CLASS.replace("\t", " " * 4).rstrip().split("\n") + ["", "print(list(Stack().push(1).push(2).empty()))|"]
    t.shows(*[(">>> " if number == 0 else "... ") + row for number, row in enumerate(rows)])
    t.key("Enter")
    assert t.prompt().split("\n")[-1] == "[2, 1]"
    assert "A stack.\\n\\n" in t.run("Stack.__doc__")


def test_lines_pasted_into_a_terminal_that_does_not_say_so(opened):
    """Blanks come with them: none are added."""
    t = opened()
    t.type("for i in y:\r    if i > 1:\r        print('i is', i)\r\r1 + 1\r")
    t.expect(re.compile("^i is 2$", re.M))
    t.expect(re.compile("^2$", re.M))


def test_a_paste_into_the_middle_of_a_line(opened):
    t = opened()
    t.type("print(, 3)").key("C-a").type("\x1b[C" * 6).paste("1,\n      2").shows(">>> print(1,", "...       2|, 3)")
    t.key("C-e", "Enter")
    assert t.prompt().endswith("1 2 3")


@pytest.mark.parametrize("ends", ["\n", "\r"])
def test_line_ends_of_a_paste(opened, ends):
    t = opened()
    t.type("\x1b[200~if x:" + ends + "    print('in')\x1b[201~").shows(">>> if x:", "...     print('in')|")
    t.key("Enter", "Enter")
    assert t.prompt().split("\n")[-1] == "in"


def test_control_characters_in_a_paste_are_text(opened):
    t = opened()
    t.paste("len('\x01\x1b[A')").shows(">>> len('^A^[[A')|").key("Enter")
    assert t.prompt() == "4"


# Plain: line by line ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("env", [{"HOOKING_PLAIN": "1"}, {"TERM": "dumb"}, {"TERM": None}, {"TERM": "nonsense"},
                                 {"TERM": ""}], ids=["HOOKING_PLAIN", "dumb", "unset", "nonsense", "empty"])
def test_line_by_line(opened, env):
    t = opened(env=env)
    t.play('''
        >>> for i in y:
        ...     print(i)
        ...
        1
        2
        >>> where
        [...]
        >>> x
        'X'
    ''' + "\n        >>>\n")
    assert "\x1b[J".encode() not in t.raw


@pytest.mark.parametrize("env", [{"HOOKING_PLAIN": "1"}, {"TERM": "dumb"}])
def test_the_history_has_whole_blocks_in_line_by_line_too(opened, env):
    t = opened(env=env)
    t.run("for i in y:\n    print('i is', i)")
    state = t.path.parent / "home" / "state"
    texts = [path.read_text() for path in state.rglob("*") if path.is_file()]
    assert any("for i in y:" in text and "print('i is', i)" in text for text in texts)
    t.key("C-d")
    assert t.end() == 0
    again = opened()
    again.key("Up").shows(">>> for i in y:", "...     print('i is', i)|")


def test_ctrl_c_and_ctrl_d_line_by_line(opened):
    t = opened(env={"HOOKING_PLAIN": "1"})
    t.line("if x:").prompt("... ")
    t.type("x = 1").key("C-c")
    assert t.prompt().endswith("KeyboardInterrupt")
    t.line("if x:").prompt("... ")
    t.key("C-d")
    t.prompt()
    assert t.run("x") == "'X'"
    assert t.leave() == "went on with X"


# Bad input ----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("broken, told", [
    ("$nonsense\n", "nonsense: unknown parser directive"), ("\"\\C-q: nothing\n", "no closing"),
    ("set\n", "unknown variable name"), ("no-such-line\n", "no key sequence terminator"),
    ("set no-such-variable on\n", "no-such-variable: unknown variable name"),
    ("$include no/such/file\n", ""), ("$if nonsense(((\n", ""), ("\x00\xff\n", "")])
def test_a_broken_inputrc(terminal, broken, told):
    """readline says what is wrong with which line; the prompt works."""
    t = terminal(PROGRAM, inputrc=broken)
    assert told in t.prompt()
    assert t.run("1 + 1") == "2"
    t.lines("if x:", "print('block')", "").key("Enter")
    assert t.prompt().endswith("block")


def test_a_terminal_that_goes_away_in_the_middle_of_a_block(opened, tmp_path):
    t = opened('''
        import signal
        from hooking import hook
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        def f(x):
            hook()
            open("went_on", "w").write(x)
        f("X")
    ''')
    t.lines("if x:", "x = 1", "y")
    t.close_terminal()
    assert t.process.wait(20) == 0
    assert (tmp_path / "went_on").read_text() == "X"


# What belongs where it stands ---------------------------------------------------------------------------------------

def test_a_closing_bracket_goes_below_the_line_that_opened_it(opened):
    t = opened()
    t.lines("x = {", "'a': [", "1,", "],", "}")
    t.shows(">>> x = {", "...     'a': [", "...         1,", "...     ],", "... }|")


@pytest.mark.parametrize("statement, clause", [
    ("if x:", "else:"), ("if x:", "elif y:"), ("for i in x:", "else:"), ("while x:", "else:"),
    ("try:", "except ValueError:"), ("try:", "finally:")])
def test_a_clause_goes_below_its_statement(opened, statement, clause):
    t = opened()
    t.lines("def f():", statement, "x = 1", clause)
    t.shows(">>> def f():", "...     " + statement, "...         x = 1", "...     " + clause + "|")


def test_the_clause_of_an_outer_statement_stays_where_it_was_put(opened):
    t = opened()
    t.lines("if a:", "if b:", "pass", "x = 1", "").key("Backspace").type("else:")
    t.shows(">>> if a:", "...     if b:", "...         pass", "...     x = 1", "... else:|")


def test_a_colon_elsewhere_moves_nothing(opened):
    t = opened()
    t.lines("def f():", "x = {1", ": 2}", "elsewhere[1:2]", "'else:' + x[")
    t.shows(">>> def f():", "...     x = {1", "...          : 2}", "...     elsewhere[1:2]", "...     'else:' + x[|")


# Copied from elsewhere ----------------------------------------------------------------------------------------------

def test_a_session_copied_from_documentation_runs_without_its_prompts(opened):
    t = opened()
    t.paste(">>> for i in range(2):\n...     print('n', i)\n...\nn 0\nn 1\n>>> 20 + 2\n22").key("Enter")
    assert t.prompt().split("\n")[-3:] == ["n 0", "n 1", "22"]
    assert t.run(">>> 40 + 4") == "44"


@pytest.mark.parametrize("text", [
    "    a = 1\n\n    if a:\n        b = 2\n    print(a + b)",
    "    a = 1\n# no more\n    print(a + 2)",
    "    a = len('''x\n''')\n    print(a + 1)",
    "a = 1\n    print(a + 2)"], ids=["block", "comment", "string", "from the middle of a line"])
def test_a_paste_out_of_an_indented_block(opened, text):
    t = opened()
    t.paste(text).key("Enter").expect(re.compile("^3$", re.M))


def test_line_ends_of_windows_are_one_line_end(opened):
    t = opened()
    t.type("\x1b[200~if True:\r\n    a = 1\r\n    b = 2\x1b[201~")
    t.shows(">>> if True:", "...     a = 1", "...     b = 2|")
