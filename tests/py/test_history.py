"""What was typed is there in the next session: Up finds it, and the file is one that a person can read and search."""

import os
import re
import signal
import stat

import pytest

from conftest import environment

PROGRAM = '''
    from hooking import hook
    x = 1
    hook()
    print("the program goes on")
'''


@pytest.fixture
def state(terminal):
    """Where the tests' XDG_STATE_HOME points."""
    return terminal.home / "state"


@pytest.fixture
def history(state):
    """The file that the sessions of this test share."""
    return state / "hooking" / "history"


def left(t):
    t.key("C-d")
    t.expect("the program goes on")
    assert t.end() == 0


def session(opened, *statements, **settings):
    """A session from the beginning to the end."""
    t = opened(**settings)
    for statement in statements:
        t.run(statement)
    left(t)
    return t


def recalled(t, *keys):
    """Press keys, send the input that they have brought, and return what it printed."""
    t.key(*keys, "Enter")
    return t.prompt()


# The tests' own home ------------------------------------------------------------------------------------------------

def test_no_test_sees_the_history_of_the_one_who_runs_it(opened, tmp_path, history):
    env = environment(str(tmp_path))
    for name in ("HOME", "XDG_STATE_HOME"):
        assert env[name].startswith(str(tmp_path))
    t = opened()
    t.run("import os")
    assert t.run("os.environ['XDG_STATE_HOME']") == repr(str(history.parent.parent))
    t.key("C-d")
    assert t.end() == 0


# From session to session --------------------------------------------------------------------------------------------

def test_up_recalls_what_an_earlier_session_typed(opened):
    session(opened, "'first' + ' session'", "20 + 2")
    t = opened()
    assert recalled(t, "Up") == "22"
    assert recalled(t, "Up", "Up") == "'first session'"


def test_search_finds_what_an_earlier_session_typed(opened):
    session(opened, "'needle'.upper()", "1 + 1", "2 + 2")
    t = opened()
    t.key("C-r").type("need").key("Enter")
    assert t.prompt() == "'NEEDLE'"


def test_commands_are_kept_as_well(opened, history):
    session(opened, "where", "pp x")
    assert history.read_text() == "where\npp x\n"


def test_what_a_killed_session_has_typed_is_kept(opened):
    t = opened()
    t.run("'before the end'")
    t.signal(signal.SIGKILL)
    assert t.end() == -signal.SIGKILL
    t = opened()
    assert recalled(t, "Up") == "'before the end'"


def test_the_same_again_is_kept_once(opened, history):
    session(opened, "1 + 1", "1 + 1")
    session(opened, "1 + 1", "2 + 2", "1 + 1")
    assert history.read_text() == "1 + 1\n2 + 2\n1 + 1\n"


def test_an_entry_that_begins_with_a_space_is_not_kept(opened, history):
    t = opened()
    assert t.run(" 'sec' + 'ret'") == "'secret'"
    assert t.run("1 + 1") == "2"
    assert recalled(t, "Up", "Up", "Up") == "2"
    left(t)
    assert history.read_text() == "1 + 1\n"


def test_text_that_is_not_ascii(opened, history):
    session(opened, "'é' + '日本' + '\\n'")
    assert history.read_text(encoding="utf-8") == "'é' + '日本' + '\\\\n'\n"
    t = opened()
    assert recalled(t, "Up") == "'é日本\\n'"


def test_several_lines_are_one_entry(opened, history):
    """A paste is one input; in the file it is one line."""
    t = opened()
    t.paste("if x:\n    print('in', 'side')\n").key("Enter")
    t.until(lambda: "in side" in t.text(), "what it prints")
    t.ready()
    left(t)
    assert history.read_text().split("\n")[0].startswith("if x:\\n    print('in', 'side')")


def test_all_consoles_of_a_program_share_it(terminal):
    t = terminal('''
        from hooking import hook
        for x in range(2):
            hook()
    ''')
    t.prompt()
    assert t.run("x + 100") == "100"
    t.key("C-d")
    t.ready()
    assert recalled(t, "Up") == "101"


# Side by side -------------------------------------------------------------------------------------------------------

def test_sessions_side_by_side(opened, history):
    """Each finds what the other has typed, behind what it has typed itself; the file has all of it."""
    one, two = opened(), opened(name="other.py")
    assert one.run("'of' + ' one'") == "'of one'"
    assert two.run("'of' + ' two'") == "'of two'"
    assert one.run("'again'") == "'again'"
    assert two.run("x") == "1"                      # a prompt since then
    assert recalled(two, "Up", "Up") == "'of two'"
    assert recalled(two, "Up", "Up", "Up", "Up") == "'again'"
    assert recalled(one, "Up", "Up") == "'of one'"
    left(two)
    left(one)
    assert history.read_text().split("\n") == ["'of' + ' one'", "'of' + ' two'", "'again'", "x", "'of' + ' two'",
                                               "'again'", "'of' + ' one'", ""]


def test_a_child_goes_on_with_a_copy(terminal, history):
    t = terminal('''
        import os
        from hooking import hook
        hook()
        if os.fork():
            os.wait()
        else:
            child = True
        hook()
    ''')
    t.prompt()
    t.run("'both'")
    t.key("C-d")
    t.ready()
    assert recalled(t, "Up") == "'both'"
    assert t.run("child") == "True"
    t.key("C-d")
    t.ready()
    t.run("'parent'")
    assert recalled(t, "Up", "Up") == "'both'"
    t.key("C-d")
    assert t.end() == 0
    assert history.read_text() == "'both'\nchild\n'parent'\n'both'\n"


# The file -----------------------------------------------------------------------------------------------------------

def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_nobody_else_may_read_it(opened, state, history):
    session(opened, "1 + 1")
    assert [mode(path) for path in (state, history.parent, history)] == [0o700, 0o700, 0o600]


def test_one_that_others_may_read_is_made_private(opened, history):
    session(opened, "1 + 1")
    history.chmod(0o644)
    left(opened())
    assert mode(history) == 0o600


def test_a_symbolic_link_stays_one(opened, tmp_path, history):
    history.parent.mkdir(parents=True)
    history.symlink_to(tmp_path / "dotfile")
    session(opened, "1 + 1")
    assert history.is_symlink()
    assert (tmp_path / "dotfile").read_text() == "1 + 1\n"


def test_nothing_is_made_before_something_is_typed(opened, state):
    left(opened())
    assert not state.exists()


@pytest.mark.parametrize("setting", [None, "", "relative/state"])
def test_without_a_state_folder_it_is_in_the_home(opened, terminal, state, setting):
    session(opened, "1 + 1", env={"XDG_STATE_HOME": setting})
    assert (terminal.home / ".local/state/hooking/history").read_text() == "1 + 1\n"
    assert not state.exists()


def test_the_state_folder_of_the_environment(opened, tmp_path, state):
    for _ in range(2):
        t = opened(env={"XDG_STATE_HOME": str(tmp_path / "elsewhere")})
        t.run("1 + 1")
        left(t)
    assert (tmp_path / "elsewhere/hooking/history").read_text() == "1 + 1\n"
    assert not state.exists()


def test_it_stays_where_it_was_when_the_program_clears_its_environment(opened, history):
    t = opened()
    t.run("import os; os.environ.clear(); os.chdir('/')")
    t.run("1 + 1")
    left(t)
    assert history.read_text() == "import os; os.environ.clear(); os.chdir('/')\n1 + 1\n"


# When it cannot be had ----------------------------------------------------------------------------------------------

def folder_in_its_place(history):
    history.mkdir(parents=True)


def fifo_in_its_place(history):
    history.parent.mkdir(parents=True)
    os.mkfifo(history)


def file_above_it(history):
    history.parent.parent.mkdir(parents=True)
    history.parent.write_text("")


def circle(history):
    history.parent.mkdir(parents=True)
    history.symlink_to(history)


def binary(history):
    history.parent.mkdir(parents=True)
    history.write_bytes(b"\x7fELF\0\0\n" * 1000)


@pytest.mark.parametrize("obstacle, reason", [
    (folder_in_its_place, "a folder is in its place"), (fifo_in_its_place, "not a plain file"),
    (file_above_it, "Not a directory"), (circle, "Too many levels of symbolic links"),
    (binary, "there are NUL bytes in it: not a history"),
])
def test_one_line_says_why_there_is_none(terminal, history, obstacle, reason):
    """And the history is there for this session."""
    obstacle(history)
    t = terminal(PROGRAM)
    assert t.prompt().split("\n")[1:] == [f"no lasting history ({reason}): {history}"]
    assert t.run("20 + 2") == "22"
    assert recalled(t, "Up") == "22"
    left(t)
    assert t.text().count(str(history)) == 1


def test_it_says_so_once_in_a_program(terminal, history):
    folder_in_its_place(history)
    t = terminal('''
        from hooking import hook
        for x in range(3):
            hook()
    ''')
    for x in range(3):
        t.ready()
        assert t.run("x") == str(x)
        t.key("C-d")
    assert t.end() == 0
    assert t.text().count("no lasting history") == 1


# Beside the program's own -------------------------------------------------------------------------------------------

def test_the_programs_readline_history_is_its_own(opened, terminal, tmp_path, history):
    """Neither sees the other's, also where the program saves and loads its own."""
    session(opened, "'of an earlier session'")
    t = terminal('''
        import readline, sys
        from hooking import hook
        def items():
            return [readline.get_history_item(i) for i in range(1, readline.get_current_history_length() + 1)]
        readline.add_history("of the program")
        hook()
        print("items", items())
        readline.write_history_file(sys.argv[1])
        hook()
        print("items", items())
    ''', str(tmp_path / "its own"))
    t.prompt()
    assert t.run("items()") == "['of the program']"
    assert recalled(t, "Up", "Up") == "'of an earlier session'"
    t.key("C-d")
    t.expect("items ['of the program']")
    t.ready()
    assert recalled(t, "Up") == "'of an earlier session'"
    t.key("C-d")
    t.expect("items ['of the program']")
    assert t.end() == 0
    assert (tmp_path / "its own").read_text() == "of the program\n"
    assert history.read_text() == "'of an earlier session'\nitems()\n'of an earlier session'\n"


def test_nothing_stays_open(opened):
    t = opened()
    assert re.fullmatch(r"\[[^]]*\]", t.run("import os; sorted(os.listdir('/proc/self/fd'), key=int)"))
    before = t.run("sorted(os.listdir('/proc/self/fd'), key=int)")
    t.run("1 + 1")
    assert t.run("sorted(os.listdir('/proc/self/fd'), key=int)") == before


def test_a_long_history(opened, history):
    """The oldest of ten thousand can be found."""
    history.parent.mkdir(parents=True)
    history.write_text("".join(f"'entry' + ' {n}'\n" for n in range(10000)))
    t = opened()
    t.key("C-r").type("' 1'").key("Enter")
    assert t.prompt() == "'entry 1'"
