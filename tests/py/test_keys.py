"""Keys that reach beyond the line: macros, what ends a line in another way, stopping, pasted control characters."""

import re
import signal

import pytest

PROGRAM = '''
    from hooking import hook
    y = []
    hook()
    print("after", y)
'''


# Macros -------------------------------------------------------------------------------------------------------------

def test_a_macro_of_several_inputs_runs_all_of_them(opened):
    t = opened(inputrc='"\\C-o": "y.append(1)\\ny.append(2)\\ny.app"\n')
    t.key("C-o")
    t.until(lambda: t.text().endswith(">>> y.app"), "what the macro has left")
    t.type("end(3)\r")
    t.ready()
    assert t.leave() == "after [1, 2, 3]"


def test_a_macro_that_leaves_the_console_goes_on_in_the_next_one(terminal):
    t = terminal('''
        from hooking import hook
        y = []
        hook()
        print("between")
        hook()
        print("after", y)
    ''', inputrc='"\\C-o": "continue\\ny.append(2)\\n"\n')
    t.prompt()
    t.key("C-o")
    t.expect("between")
    t.expect("y.append(2)")
    t.ready()
    assert t.leave() == "after [2]"


# Arguments ----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("mode", ["emacs", "vi"])
@pytest.mark.parametrize("plain", ["0", "1"])
def test_enter_behind_a_numeric_argument_needs_no_further_key(opened, mode, plain):
    """In the callback interface readline looks whether the line is done before it obeys the key, and not after."""
    t = opened(inputrc=f"set editing-mode {mode}\n", env={"HOOKING_PLAIN": plain})
    t.type("y.append(1)").key("Escape").type("5").key("Enter")
    t.ready()
    t.type("y.append(2)").key("Escape").type("5").key("C-c")
    t.expect("KeyboardInterrupt")
    t.ready()
    assert t.leave() == "after [1]"


def test_a_macro_may_be_broken_off_behind_a_numeric_argument(opened):
    t = opened(inputrc='"\\C-o": "y.append(1)\\e5\\C-g"\n')
    for _ in range(5):
        t.key("C-o")
        t.expect("y.append(1)")
        t.key("C-c")
        t.expect("KeyboardInterrupt")
        t.ready()
    t.key("C-o", "Enter")
    t.ready()
    assert t.leave() == "after [1]"


# Text pasted where a key is expected --------------------------------------------------------------------------------

def test_a_paste_behind_a_replacing_r_in_vi_mode_is_read_as_commands(opened):
    t = opened(inputrc="set editing-mode vi\n")
    t.type("where").expect("where")
    t.key("Escape").type("r").paste("print(1)")
    t.type("ccy.append(1)")
    t.until(lambda: t.text().endswith(">>> y.append(1)"), "another line")
    t.key("Enter")
    t.ready()
    assert t.leave() == "after [1]"


# Undoing ------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("plain", ["0", "1"])
def test_an_entry_may_be_changed_further_at_the_end_of_the_history(opened, plain):
    """Readline 8.2 frees what can be undone twice when it reverts all entries."""
    t = opened(inputrc="set revert-all-at-newline on\n", env={"HOOKING_PLAIN": plain})
    t.run("1")
    t.run("2")
    t.key("Up", "M-p").type("1\r")
    t.key("C-e").type(" + 10").key("M->", "C-e").type("7\x7f + 20")
    t.until(lambda: t.left_of_cursor().endswith(" + 20"), "the line")
    t.key("Enter")
    t.expect(re.compile("^(31|20)$", re.M))   # readline 8.3 goes to the empty line at the end, 8.2 keeps the entry's


# Operate and get next -----------------------------------------------------------------------------------------------

def test_operate_and_get_next_brings_one_input_after_the_other(opened):
    t = opened()
    for n in (1, 2, 3):
        t.run(f"y.append({n})")
    t.key("Up", "Up", "Up", "C-o")
    t.expect("y.append(2)")
    t.key("C-o")
    t.expect("y.append(3)")
    t.key("C-u")
    t.line("y")
    t.expect("[1, 2, 3, 1, 2]")


@pytest.mark.parametrize("plain", ["0", "1"])
def test_operate_and_get_next_is_no_business_of_the_programs_input(terminal, plain):
    t = terminal('''
        import readline
        readline.add_history("of the program")
        readline.add_history("of the program, too")
        from hooking import hook
        hook()
        print("got", repr(input("host? ")))
    ''', env={"HOOKING_PLAIN": plain})
    t.prompt()
    t.run("1")
    t.run("2")
    t.key("Up", "Up", "C-o")
    t.until(lambda: t.text().endswith("\n>>> 1\n1\n>>> 2"), "the next line")
    t.key("C-u").type("continue").key("C-o")
    t.expect("host? ")
    t.line("typed")
    t.expect("got 'typed'")


# Comments -----------------------------------------------------------------------------------------------------------

def test_insert_comment_makes_a_comment_of_each_line_of_a_block(opened):
    t = opened()
    t.paste("y.append(1)\ny.append(2)")
    t.expect("y.append(2)")
    t.key("M-#")
    t.ready()
    assert t.leave() == "after []"


# The user's settings, read again ------------------------------------------------------------------------------------

def test_keys_work_as_before_when_inputrc_is_read_again(opened):
    t = opened(inputrc="TAB: complete\nRETURN: accept-line\n")
    t.key("C-x", "C-r")
    t.line("if not y:")
    t.prompt("... ")
    t.line("y.append(1)")
    t.prompt("... ")
    t.line()
    t.ready()
    t.type("y.appe").key("Tab").expect("y.append")


@pytest.mark.parametrize("size", [0, 3])
def test_a_limit_of_the_history_that_is_read_again_drops_no_entry(opened, size):
    """Readline's position in the history would be left behind its end, and a search looks there."""
    t = opened(inputrc=f"set history-size {size}\n")
    for n in range(6):
        t.run(f"y.append({n})")
    t.key("C-x", "C-r", "C-r", "C-c")
    t.ready()
    t.key("C-x", "C-r", "C-r").type("a").key("C-g").type("y.append(6)").key("Enter")
    t.ready()
    t.key(*["Up"] * 7, "C-x", "C-r", "Down", "Enter")
    t.ready()
    assert t.leave() == "after [0, 1, 2, 3, 4, 5, 6, 1]"


# Stopping -----------------------------------------------------------------------------------------------------------

def test_a_block_is_drawn_once_when_the_program_goes_on_after_ctrl_z(opened):
    t = opened(job_control=True)
    t.line("if not y:")
    t.prompt("... ")
    t.type("y.append(1)")
    t.expect("y.append(1)")
    t.key("C-z")
    t.expect("[shell] stopped")
    seen = len(t.text())
    t.line("go")
    t.until(lambda: t.text()[seen:].endswith(">>> if not y:\n...     y.append(1)"), "the block")
    t.type("; y.append(2)").expect("y.append(2)")
    assert t.text()[seen:].count("if not y") == 1


def test_a_line_is_drawn_where_it_was_after_a_continuation_without_a_stop(opened):
    t = opened()
    t.type("y.append").expect("y.append")
    for _ in range(3):
        t.signal(signal.SIGCONT)
    t.type("(1)").expect("(1)")
    assert t.text().split("\n")[1:] == [">>> y.append(1)"]


# What is no text ----------------------------------------------------------------------------------------------------

def test_nothing_of_a_paste_is_lost_behind_a_nul(opened):
    t = opened()
    t.paste("y.append('a\0b')")
    t.key("Enter")
    t.ready()
    assert t.leave() == "after ['ab']"


# Terminals of which little is known ---------------------------------------------------------------------------------

@pytest.mark.parametrize("columns", [1, 2, 3, 4])
def test_a_terminal_without_automatic_margins_and_of_few_columns(terminal, columns):
    """Readline's own redisplay divides by a third of them."""
    t = terminal(PROGRAM, env={"TERM": "dumb"}, columns=columns)
    for n in (1, 2):
        t.until(lambda: not t.echoes(), "the prompt")
        t.type(f"y.append({n}); print('ru', 'n', {n})\r")
        t.until(lambda: f"ru n {n}\r\n".encode() in t.raw, "what it prints")
        t.resize(24, columns % 4 + 1)
    t.until(lambda: not t.echoes(), "the prompt")
    t.resize(24, 80)
    t.key("C-d")
    t.until(lambda: re.search(r"after \[1, 2\]", t.text()), "both have run", ended=True)
    assert t.end() == 0
