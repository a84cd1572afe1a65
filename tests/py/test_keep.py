"""`dump` and `load` at the prompt."""

import os
import pickle
import re

import pytest

from dumps import run
from hooking import dump, inspect_dump, load

PROGRAM = '''
    import os, pickle, threading
    from hooking import hook
    class Runs:
        def __reduce__(self):
            return os.system, ("touch marker",)
    def f(x):
        number = [1, 2]
        table = {"a": 1}
        lock = threading.Lock()
        hook(overwrite_locals=OVERWRITE)
        print("went on with", x, number)
    f(1)
'''
LINE = 10
WHEN = r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC"
QUESTION = re.compile(r".*\[y/N\] ")


@pytest.fixture
def t(opened):
    return opened(PROGRAM.replace("OVERWRITE", "True"))


@pytest.fixture
def mine(monkeypatch, tmp_path):
    """The test has the key of its program."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home" / "state"))


# dump ---------------------------------------------------------------------------------------------------------------

def test_a_variable(t, mine, tmp_path):
    assert re.fullmatch(r"dumped number to n\.dump \(\d\d\d bytes\)", t.run("dump number n.dump"))
    assert load(tmp_path / "n.dump") == [1, 2]
    with open(tmp_path / "n.dump", "rb") as file:
        assert pickle.load(file) == [1, 2]
    assert t.run("number = None") == ""
    assert re.fullmatch(rf"number: list, dumped {WHEN} at .*program\.py:{LINE} in f", t.run("load n.dump"))
    assert t.run("number") == "[1, 2]"
    assert t.leave() == "went on with 1 [1, 2]"


@pytest.mark.parametrize("expression, value", [
    ("number + [3]", [1, 2, 3]), ("table['a']", 1), ("[x for x in number]", [1, 2]), ("'a b'", "a b"),
    ("(1, number)", (1, [1, 2])), ("  number", [1, 2]), ("lambda: 0 and number or number", None)])
def test_an_expression(expression, value, t, mine, tmp_path):
    said = t.run(f"dump {expression} e.dump")
    if value is None:
        assert "lambda" in said and "cannot be pickled" in said and not (tmp_path / "e.dump").exists()
        return
    assert said.startswith(f"dumped {expression.strip()} to e.dump (")
    assert load(tmp_path / "e.dump") == value
    assert t.run("load e.dump").startswith("_: " if "number" != expression.strip() else "number: ")
    assert t.run("_ == " + repr(value)) == "True" or expression.strip() == "number"


FILES = [
    ("plain", "plain"), ('"a b"', "a b"), ("'a b'", "a b"), (r"a\ b", "a b"), ("~/x", "home/x"), ("$HOME/x", "home/x"),
    ("${HOME}/x", "home/x"), ('"$HOME/a b"', "home/a b"), ("'$HOME'", "$HOME"), ("'~'", "~"), ("$NO_SUCH", "$NO_SUCH"),
    ("./é日", "é日"), ('"it\'s"', "it's"), ("--all-", "--all-"), ("x.dump  ", "x.dump")]


def test_how_a_file_is_written(t, mine, tmp_path):
    for number, (written, name) in enumerate(FILES):
        assert t.run(f"dump [{number}] {written}").startswith(f"dumped [{number}] to ")
        assert load(tmp_path / name) == [number]
        assert t.run(f"load {written} as other").startswith("other: list, ")
        assert t.run(f"load {written}").startswith("_: list, ")


REFUSED = [
    ("dump", "usage: dump"), ("dump number", "usage: dump"), ("dump --all", "usage: dump"),
    ("dump --all number x", "usage: dump"), ("dump --force", "usage: dump"), ("dump --force x", "usage: dump"),
    ("load", "usage: load"), ("load --verify", "usage: load"), ("load a b", "usage: load"),
    ("load a as b c", "usage: load"), ("load a as 1b", "usage: load"), ("load a as None", "usage: load"),
    ("load a as if", "usage: load"), ("load a as b.c", "usage: load"),
    ("load nothing", "[Errno 2] No such file or directory: 'nothing'"), ("load .", "[Errno 21] Is a directory: '.'"),
    ("dump number no/such", "[Errno 2] No such file or directory: 'no/such'"),
    ("dump number .", "[Errno 21] Is a directory: '.'"), ("dump number /dev/null", "[Errno 22] not a plain file"),
    ("load empty", "empty is empty"),
    ("load hello", "hello is not a pickle: load reads what dump() or pickle.dump() has written"),
    ("dump lock x", "lock: a thread lock cannot be pickled (cannot pickle '_thread.lock' object)"),
    ("dump [1, {'k': lock}] x", "[1, {'k': lock}][1]['k']: a thread lock cannot be pickled "),
]


def test_what_is_refused_in_one_line(t, tmp_path):
    (tmp_path / "hello").write_text("hello")
    (tmp_path / "empty").write_text("")
    for line, said in REFUSED:
        shown = t.run(line)
        assert shown.startswith(said) and "\n" not in shown and len(shown) < 160
    assert t.run("sorted(set(globals()) & {'a', 'b'})") == "[]"
    assert not (tmp_path / "x").exists()


def test_an_expression_that_fails(t, tmp_path):
    assert t.run("dump undefined x").endswith("NameError: name 'undefined' is not defined")
    assert t.run("dump 1 + x").endswith("SyntaxError: invalid syntax")
    assert t.run("dump 1/0 x").endswith("ZeroDivisionError: division by zero")
    assert not (tmp_path / "x").exists()


# What is there already ----------------------------------------------------------------------------------------------

def test_a_dump_is_replaced_without_a_question(t, mine, tmp_path):
    t.run("dump number x")
    assert t.run("dump table x").startswith("dumped table to x (")
    assert load(tmp_path / "x") == {"a": 1}


def test_anything_else_is_asked_about(t, mine, tmp_path):
    path = tmp_path / "text"
    path.write_text("text")
    for answer in ("n", "", "no", "what", "yy"):
        assert t.run("dump number text", QUESTION) == ""
        assert t.run(answer) == "not replaced" and path.read_text() == "text"
    for key in ("C-c", "C-d"):
        assert t.run("dump number text", QUESTION) == ""
        t.key(key)
        assert "not replaced" in t.prompt() and path.read_text() == "text"
    assert t.run("dump number text", QUESTION) == ""
    assert t.run("  YES ").startswith("dumped number to text (") and load(path) == [1, 2]


def test_force_asks_nothing(t, mine, tmp_path):
    for line in ("dump --force number text", "dump --force --all text", "dump --all --force text"):
        (tmp_path / "text").write_text("text")
        assert re.search("^dumped ", t.run(line), re.M)
        assert load(tmp_path / "text")


def test_an_answer_is_not_in_the_history(t, tmp_path):
    (tmp_path / "text").write_text("text")
    t.run("dump number text", QUESTION)
    t.run("n")
    t.key("Up").shows(">>> dump number text|")
    t.key("C-c").prompt()


# Names --------------------------------------------------------------------------------------------------------------

def test_a_name_of_ones_own(t):
    t.run("dump number x")
    assert t.run("load x as other").startswith("other: list, dumped ")
    assert t.run("other, other is number") == "([1, 2], False)"


def test_a_name_with_as_in_it(t):
    t.run('dump number "a as b"')
    assert t.run('load "a as b"').startswith("number: list")
    assert t.run("load 'a as b' as as_b").startswith("as_b: list")


def test_a_variable_called_load_or_dump(t):
    assert t.run("load = dump = 5") == ""
    assert t.run("load") == "5" and t.run("dump") == "5" and t.run("load + dump") == "10"
    assert t.run("%dump number x").startswith("dumped number to x (")
    assert t.run("%load x as y").startswith("y: list")
    assert t.run("del load, dump") == ""
    assert t.run("load x as z").startswith("z: list")


def test_the_functions_are_python(t):
    assert t.run("from hooking import dump, load") == ""
    assert t.run("dump(table, 'x'); load('x')") == "{'a': 1}"


def test_without_overwriting_it_stays_at_the_prompt(opened):
    t = opened(PROGRAM.replace("OVERWRITE", "False"))
    t.run("dump [7] x")
    assert t.run("load x as number").startswith("number: list")
    assert t.run("number") == "[7]"
    shown = t.leave()
    assert "not written back: number" in shown and shown.endswith("went on with 1 [1, 2]")


def test_with_overwriting_it_is_in_the_frame(t):
    t.run("dump [7] x")
    t.run("load x as number")
    assert t.leave() == "went on with 1 [7]"


def test_in_another_frame(t):
    t.run("dump number x")
    t.run("up")
    assert re.search(r"number: list, dumped .* in f$", t.run("load x"))
    assert t.run("globals()['number']") == "[1, 2]"


def test_a_name_in_a_file_that_is_none(t, tmp_path):
    t.run("import hooking; names = ['if', 'a b', '', 'None', '1']")
    t.run("for n, name in enumerate(names):\n    hooking.dump([n], f'n{n}', name=name)")
    for number in range(5):
        assert t.run(f"load n{number}").startswith("_: list")
        assert t.run("_") == f"[{number}]"


# --all --------------------------------------------------------------------------------------------------------------

def test_all_variables(t, mine, tmp_path):
    shown = t.run("dump --all all").split("\n")
    assert shown[0].startswith("left out: lock: a thread lock cannot be pickled") and len(shown) == 2
    assert re.fullmatch(r"dumped number, table, x to all \(\d+ bytes\)", shown[1])
    assert load(tmp_path / "all") == {"number": [1, 2], "table": {"a": 1}, "x": 1}
    assert inspect_dump(tmp_path / "all")["facts"]["names"] == "number, table, x"
    assert t.run("number = table = x = None; lock = 1") == ""
    t.run("load all", QUESTION)
    assert t.run("y") == "loaded number, table, x"
    assert t.run("number, table, x, lock") == "([1, 2], {'a': 1}, 1, 1)"


def test_code_is_left_out(t, mine, tmp_path):
    """A program without that function could load nothing of the file."""
    t.run("import math; twice = lambda n: 2 * n; least = min; Own = type('Own', (), {})")
    shown = t.run("dump --all all").split("\n")
    left = [line for line in shown[:-1] if "lock" not in line]
    assert left == ["left out, as of functions, classes and modules only the names are saved: Own, least, math, twice"]
    assert load(tmp_path / "all") == {"number": [1, 2], "table": {"a": 1}, "x": 1}


def test_all_where_all_is_left_out(t):
    t.run("number = table = x = lock")
    assert re.search(r"^dumped nothing to all \(\d+ bytes\)$", t.run("dump --all all"), re.M)


def test_all_where_nothing_of_it_is(t):
    """In the caller's frame the names are free: nothing is asked."""
    t.run("dump --all all")
    t.run("up")
    assert t.run("load all") == "loaded number, table, x"
    assert t.run("globals()['number'], x") == "([1, 2], 1)"


def test_all_over_what_is_there(t):
    t.run("dump --all all")
    t.run("x = 5")
    assert t.run("load all", QUESTION) == ""
    assert t.text().rstrip().endswith("this replaces number, table, x: go on? [y/N]")
    assert t.run("n").startswith("nothing was replaced")
    assert t.run("x") == "5"
    assert t.run("load all", QUESTION) == ""
    assert t.run("y") == "loaded number, table, x"
    assert t.run("x") == "1"


def test_all_in_one_object(t):
    t.run("dump --all all")
    assert t.run("load all as saved").startswith("saved: SimpleNamespace, dumped ")
    assert t.run("saved.number, saved.x") == "([1, 2], 1)"


# Trust --------------------------------------------------------------------------------------------------------------

def test_a_stranger_is_asked_about(t, tmp_path):
    t.run("pickle.dump(Runs(), open('runs', 'wb'))")
    for answer in ("n", ""):
        assert re.fullmatch(r"runs is not signed with your key\. To load it would\n"
                            r"  import and call posix\.system \(byte \d+\)", t.run("load runs", QUESTION))
        assert t.run(answer) == "not loaded" and not (tmp_path / "marker").exists()
    for key in ("C-c", "C-d"):
        t.run("load runs", QUESTION)
        t.key(key)
        assert "not loaded" in t.prompt() and not (tmp_path / "marker").exists()
    t.run("load runs as status", QUESTION)
    assert t.run("y") == "status: int" and (tmp_path / "marker").exists()
    assert t.run("status") == "0"


def test_many_names_do_not_push_the_first_away(t):
    t.run("open('many', 'wb').write(b'(' + b''.join(b'cposix\\nname%d\\n' % n for n in range(500)) + b't.')")
    shown = t.run("load many", QUESTION).split("\n")
    assert len(shown) == 14 and shown[1].startswith("  import posix.name0 (")
    assert re.fullmatch(r"  and \d+ more", shown[-1])
    t.run("n")


def test_a_stranger_replaces_no_name_unasked(t, tmp_path, monkeypatch):
    """Nor a builtin; one's own file does, and so does `as`."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "of somebody else"))
    for name in ("number", "print", "free"):
        dump([5], tmp_path / name, name=name)
    for name in ("number", "print"):
        assert t.run(f"load {name}", QUESTION) == ""
        assert t.text().rstrip().endswith(f"this file, which you have not signed, replaces {name}: go on? [y/N]")
        assert t.run("n").startswith("not replaced")
    assert t.run("number, print is __builtins__.print") == "([1, 2], True)"
    assert t.run("load free").startswith("free: list")
    assert t.run("load number as number").startswith("number: list") and t.run("number") == "[5]"
    assert t.run("load print", QUESTION) == "" and t.run("y").startswith("print: list")


def test_what_a_stranger_writes_is_shown_as_text(t, tmp_path):
    run(r'''
        import hooking
        code = compile("import hooking\nhooking.dump([1], 'drawn')", "\x1b[2Jfile\n", "exec")
        exec(code.replace(co_name="\x1b]0;title\x07"))
    ''', tmp_path, name="other.py", XDG_STATE_HOME=tmp_path / "other")
    shown = t.run("load drawn")
    assert r"\x1b[2Jfile\n" in shown and r"\x1b]0;title\x07" in shown


def test_data_is_not_asked_about(t):
    t.run("pickle.dump(table, open('table', 'wb'))")
    assert t.run("load table") == "_: dict"
    assert t.run("_") == "{'a': 1}"


def test_verify(t, tmp_path):
    t.run("class Buffer:\n    def __reduce_ex__(self, protocol):\n"
          "        return bytes, (pickle.PickleBuffer(b'b' * (1 << 20)),)")
    t.run("dump Buffer() x")
    assert t.run("load --verify x as y").startswith("y: bytes")
    content = bytearray((tmp_path / "x").read_bytes())
    content[500_000] ^= 1
    (tmp_path / "x").write_bytes(content)
    assert t.run("load x as y").startswith("y: bytes")
    assert re.search(r"x is damaged: .*, between bytes 0 and \d+$", t.run("load --verify x as y"))


# Keys ---------------------------------------------------------------------------------------------------------------

def test_a_file_is_completed(t, tmp_path):
    (tmp_path / "model.dump").write_text("")
    t.type("dump number mo").key("Tab").shows(">>> dump number model.dump|").key("C-c")
    t.prompt()
    t.type("load mo").key("Tab").shows(">>> load model.dump|").key("C-c")
    t.prompt()
    t.type("dump --all mo").key("Tab").shows(">>> dump --all model.dump|").key("C-c")
    t.prompt()


@pytest.mark.parametrize("typed, then", [
    ("dump number + table mo", "dump number + table model.dump"),
    ("dump 'a b' + x mo", "dump 'a b' + x model.dump"),
    ("dump [n for n in number] mo", "dump [n for n in number] model.dump"),
    ("dump number if x else table mo", "dump number if x else table model.dump"),
    ("dump --force number mo", "dump --force number model.dump"),
    ("dump --force --all mo", "dump --force --all model.dump"),
    ("load --verify mo", "load --verify model.dump"),
    ("dump x my", "dump x my\\ file"), ("dump x + 1 my\\ f", "dump x + 1 my\\ file"),
    ("dump x \"my f", "dump x \"my file\""),
    ("dump number + tab", "dump number + table"), ("dump not num", "dump not number"),
    ("dump number if tab", "dump number if table"), ("dump --force num", "dump --force number"),
    ("dump --al", "dump --all"), ("dump --all --fo", "dump --all --force"), ("dump --f", "dump --force"),
    ("load --v", "load --verify"), ("dump num", "dump number"),
])
def test_what_is_completed(typed, then, t, tmp_path):
    for name in ("model.dump", "my file"):
        (tmp_path / name).write_text("")
    t.type(typed).key("Tab").shows(f">>> {then}|").key("C-c")
    t.prompt()


# Progress -----------------------------------------------------------------------------------------------------------

SLOW = '''
    import pickle, time
    from hooking import hook
    class Slow:
        def __init__(self, seconds):
            self.seconds = seconds
        def __reduce_ex__(self, protocol):
            if self.seconds > 1:
                print("begun")
            end = time.monotonic() + self.seconds
            while time.monotonic() < end:
                time.sleep(0.05)
            return bytes, (pickle.PickleBuffer(b"b" * (1 << 20)),)
    slow = [Slow(0.25) for _ in range(COUNT)]
    hook()
    print("went on")
'''


def test_progress_is_shown_and_gone(opened):
    t = opened(SLOW.replace("COUNT", "6"))
    t.submit("dump slow x")
    t.expect(re.compile(r"^[\d.]+ MB to be written$", re.M))
    assert re.fullmatch(r"dumped slow to x \(6\.3 MB\)", t.prompt())
    assert t.leave() == "went on"


def test_control_c_during_progress(opened, tmp_path):
    t = opened(SLOW.replace("COUNT", "400"))
    t.submit("dump slow x")
    t.expect(re.compile(r"^[\d.]+ MB to be written$", re.M))
    t.key("C-c")
    shown = t.prompt()
    assert re.search("^KeyboardInterrupt$", shown, re.M) and "to be written" not in shown
    assert not [name for name in os.listdir(tmp_path) if "x" == name or "hooking-" in name]
    assert t.leave() == "went on"


@pytest.mark.parametrize("env", [{"HOOKING_PLAIN": "1"}, {"TERM": "dumb"}])
def test_no_progress_without_drawing(env, opened):
    t = opened(SLOW.replace("COUNT", "6"), env=env)
    assert re.fullmatch(r"dumped slow to x \(6\.3 MB\)", t.run("dump slow x"))
    assert b"B/s" not in t.raw and b"to be written" not in t.raw


def test_progress_with_what_is_known_to_be_left(opened):
    """Opcodes are collected up to 64 KiB: then the first buffers are written while others are not known yet."""
    t = opened('''
        import pickle, time
        from hooking import hook
        class Piece:
            def __reduce_ex__(self, protocol):
                time.sleep(0.4)
                return tuple, ([pickle.PickleBuffer(b"b" * (1 << 20)), b"opcodes" * 10_000],)
        pieces = [Piece() for _ in range(5)]
        hook()
    ''')
    t.submit("dump pieces x")
    t.expect(re.compile(r"^\d.* [kM]B +[\d.]+ [kM]B/s", re.M))
    assert re.fullmatch(r"dumped pieces to x \(5\.6 MB\)", t.prompt())


def test_control_c_in_a_reducer(opened, tmp_path):
    t = opened(SLOW.replace("COUNT", "1").replace("0.25", "1000"))
    t.submit("dump slow x")
    t.expect("begun")
    assert [name for name in os.listdir(tmp_path) if "hooking-" in name]
    t.key("C-c")
    shown = t.prompt()
    assert shown.endswith("KeyboardInterrupt") and "Traceback" not in shown
    assert not [name for name in os.listdir(tmp_path) if "hooking-" in name]


def test_control_c_while_cloudpickle_is_imported(opened, tmp_path):
    (tmp_path / "cloudpickle.py").write_text("import time\nprint('im' + 'ported')\nwhile True: time.sleep(0.05)\n")
    t = opened("from hooking import hook\nfunction = lambda: 1\nhook()\n")
    t.submit("dump function x")
    t.expect("imported")
    t.key("C-c")
    shown = t.prompt()
    assert shown.endswith("KeyboardInterrupt") and "Traceback" not in shown
    assert not (tmp_path / "x").exists()


def test_what_a_reducer_prints_and_asks(opened):
    t = opened('''
        from hooking import hook
        class Talks:
            def __reduce__(self):
                print("pickled")
                return str, (input("your name: "),)
        talks = Talks()
        hook()
    ''')
    t.submit("dump talks x")
    t.expect("pickled")
    t.expect("your name:")
    t.type("somebody\r")
    assert re.search(r"^dumped talks to x ", t.prompt(), re.M)
    assert t.run("load x as y").startswith("y: str") and t.run("y") == "'somebody'"
