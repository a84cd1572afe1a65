"""track_globals(): what it is for (functions, modules, all of the program's), as a decorator, and what it gives."""

import asyncio
import functools
import json
import re
import subprocess
import sys
import textwrap
import threading
import time
import types

import pytest

import hooking
from conftest import environment
from hooking import track_report
from hooking.tracking import Place

V312 = sys.version_info >= (3, 12)

SOURCE = """
A = B = C = 1
def leaf():
    return A
def middle():
    B
    return leaf()
def other():
    C
    return leaf()
def recursive(n):
    A
    return recursive(n - 1) if n else 0
def raises():
    A
    raise ValueError
def generator():
    A
    yield 1
    B
    yield 2
async def coroutine():
    A
    await sleep()
    return B
async def sleep():
    C
class Shape:
    def area(self):
        return A
    @classmethod
    def make(cls):
        return B
    @staticmethod
    def unit():
        return C
    @property
    def size(self):
        return A + B
"""


@pytest.fixture
def module():
    module = types.ModuleType("targets")
    sys.modules["targets"] = module
    exec(compile(SOURCE, "targets.py", "exec"), vars(module))
    yield module
    assert type(vars(module)) is dict
    del sys.modules["targets"]


def reads(track):
    return {name: count for name, count in track.reads.get("targets", {}).items() if name in "ABC"}


def test_a_function_counts_with_what_it_calls(module):
    with hooking.track_globals(module.middle) as track:
        module.middle()
        module.other()
        module.leaf()
        module.middle()
    assert reads(track) == {"A": 2, "B": 2}


def test_a_recursive_function_and_one_that_raises(module):
    with hooking.track_globals([module.recursive, module.raises]) as track:
        module.recursive(5)
        module.leaf()
        with pytest.raises(ValueError):
            module.raises()
        module.leaf()
    assert reads(track) == {"A": 7}


def test_a_generator_counts_while_it_runs(module):
    with hooking.track_globals(module.generator) as track:
        for _ in module.generator():
            module.other()
        halted = module.generator()
        next(halted)
        module.leaf()
        with pytest.raises(KeyError):
            halted.throw(KeyError)
        module.leaf()
    assert reads(track) == {"A": 2, "B": 1}


def test_a_coroutine_counts_while_it_runs(module):
    async def main():
        async def noise():
            for _ in range(10):
                module.other()
                await asyncio.sleep(0)
        await asyncio.gather(module.coroutine(), noise())
    with hooking.track_globals(module.coroutine) as track:
        asyncio.run(main())
    assert reads(track) == {"A": 1, "B": 1, "C": 1}


def test_a_function_that_runs_already(module):
    track = hooking.track_globals(module.middle)
    starts = [track.start]

    def leaf():
        for start in starts:
            start()
        starts.clear()
        return module.A
    module.leaf = leaf
    module.middle()
    module.other()
    track.stop()
    assert reads(track) == {"A": 1}


def test_the_thread_of_a_function_alone(module):
    inside, go_on = threading.Event(), threading.Event()

    def leaf():
        inside.set()
        go_on.wait(10)
        return module.A
    module.leaf = leaf
    with hooking.track_globals(module.middle) as track:
        thread = threading.Thread(target=module.middle)
        thread.start()
        assert inside.wait(10)
        module.A, module.C
        go_on.set()
        thread.join()
    assert reads(track) == {"A": 1, "B": 1}


def test_methods_and_classes(module):
    shape = module.Shape()

    def use():
        shape.area(), module.Shape.make(), module.Shape.unit(), shape.size, module.leaf()
    for target, expected in ((shape.area, {"A": 1}), (module.Shape.make, {"B": 1}), (module.Shape.unit, {"C": 1}),
                             (module.Shape.size, {"A": 1, "B": 1}), (functools.partial(module.leaf), {"A": 1}),
                             (module.Shape, {"A": 2, "B": 2, "C": 1})):
        with hooking.track_globals(target) as track:
            use()
        assert reads(track) == expected, target


def test_modules_by_name_and_below(module):
    below, beside = types.ModuleType("targets.below"), types.ModuleType("targets_beside")
    for one in (below, beside):
        one.X = 1
        sys.modules[one.__name__] = one
    try:
        for target in ("targets", module, ["targets"], (module,)):
            with hooking.track_globals(target) as track:
                module.A, below.X, beside.X
            assert track.reads == {"targets": {"A": 1}, "targets.below": {"X": 1}}
    finally:
        del sys.modules["targets.below"], sys.modules["targets_beside"]


def test_a_function_and_a_module(module):
    with hooking.track_globals([module.middle, "json"]) as track:
        module.middle()
        json.dumps
    assert track.reads == {}
    module.leaf = lambda: json.dumps
    with hooking.track_globals([module.middle, "json"]) as track:
        module.middle()
        json.dumps
    assert track.reads == {"json": {"dumps": 1}}


def test_a_function_whose_globals_are_no_modules():
    space = {"A": 1, "__name__": "nowhere"}
    exec("def f(): return A", space)
    with hooking.track_globals(space["f"]) as track:
        space["f"]()
    assert track.reads == {"nowhere": {"A": 1}} and type(space) is dict


def test_globals_that_are_a_subclass_of_dict():
    class Names(dict):
        pass
    space = Names(A=1, __name__="nowhere")
    exec("def f():\n    global B\n    B = 2\n    return A, len", space)
    with hooking.track_globals(space["f"]) as track:
        for _ in range(3):
            space["f"]()
    assert type(space) is Names
    if V312:
        assert track.writes == {"nowhere": {"B": 3}}
        assert track.reads == {"nowhere": {"A": 3}} and track.builtins == {"nowhere": {"len": 3}}
    else:
        assert "globals that are a subclass of dict: what is read and written there is not seen" in track.limits


@pytest.mark.parametrize("kind", ["function", "recursive", "generator", "coroutine"])
def test_as_a_decorator(module, kind):
    track = hooking.track_globals()
    if kind == "function":
        module.middle = track(module.middle)
        assert module.middle() == 1 and module.middle() == 1
        expected = {"A": 2, "B": 2}
    elif kind == "recursive":
        module.recursive = track(module.recursive)
        assert module.recursive(3) == 0
        expected = {"A": 4}
    elif kind == "generator":
        module.generator = track(module.generator)
        assert list(module.generator()) == [1, 2]
        expected = {"A": 1, "B": 1}
    else:
        module.coroutine = track(module.coroutine)
        assert asyncio.run(module.coroutine()) == 1
        expected = {"A": 1, "B": 1, "C": 1}
    module.other()
    assert reads(track) == expected
    wrapped = getattr(module, {"function": "middle"}.get(kind, kind))
    assert wrapped.track is track and wrapped.__name__ == wrapped.__wrapped__.__name__


def test_a_decorated_function_is_not_all_that_are_decorated_so(module):
    def timed(function):
        @functools.wraps(function)
        def call(*args):
            return function(*args)
        return call
    a, b = timed(module.leaf), timed(lambda: module.B)
    twice, cached = timed(a), functools.lru_cache(module.leaf)
    for target in (a, twice, cached, timed(functools.lru_cache(a)), types.MethodType(a, 1).__func__):
        with hooking.track_globals(target) as track:
            target(), b()
        assert reads(track) == {"A": 1}, target
        cached.cache_clear()
    around = timed(len)     # which is not written in Python: the decorator's own code it is
    with hooking.track_globals(around) as track:
        around("abc")
    cycle = timed(module.leaf)
    cycle.__wrapped__ = cycle
    with hooking.track_globals(cycle) as track:
        cycle()
    assert reads(track) == {"A": 1}


def test_a_decorator_without_parentheses(module):
    module.leaf = hooking.track_globals(module.leaf)
    for call in (lambda: module.leaf(), lambda: module.leaf(5), lambda: module.leaf(len, 5), lambda: module.leaf(a=5)):
        with pytest.raises(TypeError, match=r"write @track_globals\(\), with parentheses"):
            call()


@pytest.mark.parametrize("target, words", [
    (len, "len is not written in Python: it has no globals that could be tracked"),
    (int, "int has no methods that are written in Python"),
    (5, "target is to be functions, modules or names of modules, not int"),
    ([5], "target is to be functions, modules or names of modules, not int"),
    (sys.modules["builtins"], "the builtins are told of beside each module that reads them"),
])
def test_targets_without_globals(target, words):
    with pytest.raises(TypeError, match=words):
        hooking.track_globals(target)


def test_arguments_that_are_wrong():
    with pytest.raises(ValueError, match="mode is 'all' or 'names', not 'some'"):
        hooking.track_globals(mode="some")
    with pytest.raises(ValueError, match="no name of a module: 'a b'"):
        hooking.track_globals("a b")
    with pytest.raises(TypeError, match="not written in Python"):
        hooking.track_globals()(len)
    with pytest.raises(AttributeError, match="by_function is there with track_globals"):
        hooking.track_globals().by_function


def test_places(module):
    def action():
        module.middle()
        vars(module)["A"]
        module.A
        module.C = 5
    with hooking.track_globals(module, where=True) as track:
        action()
    here, thread = __file__, threading.get_ident()
    line, action_name = action.__code__.co_firstlineno, "test_track_targets.test_places.<locals>.action"
    assert [place for place in track.places if place.name in "ABC"] == [
        Place("targets", "A", "read", "item", action_name, here, line + 2, thread, 1),
        Place("targets", "A", "read", "attribute", action_name, here, line + 3,
              thread, 1),
        Place("targets", "C", "write", "attribute", action_name, here, line + 4,
              thread, 1),
        Place("targets", "A", "read", "name", "targets.leaf", "targets.py", 4, thread, 1),
        Place("targets", "B", "read", "name", "targets.middle", "targets.py", 6, thread, 1),
    ]
    assert track.by_function["targets.middle"] == {
        "reads": {"targets.B": 1, "targets.leaf": 1}, "writes": {}, "deletes": {}, "builtins": {}, "missing": {}}
    assert json.loads(track.to_json()) == track.as_dict() == json.loads(track.to_json(indent=2))
    assert repr(track).startswith("<track_globals: 6 reads, 1 writes")


def test_a_graph(module):
    with hooking.track_globals(module, where=True) as track:
        exec("def f():\n    global NEW\n    NEW = A\n    nope", vars(module))
        with pytest.raises(NameError):
            module.f()
    text = track.to_dot()
    assert text.startswith("digraph globals {") and text.endswith("}\n")
    assert '"g:targets.A" -> "f:' in text and '-> "g:targets.NEW" [label="1", color="#b3261e"];' in text
    assert 'style="dotted"' in text


# --- fingerprints ---------------------------------------------------------------------------------------------------

def test_a_fingerprint_changes_with_what_was_read(module):
    with hooking.track_globals(module.middle, mode="names") as track:
        module.middle()
    first = track.fingerprint()
    assert sorted(first) == ["targets.A", "targets.B", "targets.leaf"]
    module.C = 5
    assert track.fingerprint() == first
    module.A = 2
    second = track.fingerprint()
    assert {name for name in first if first[name] != second[name]} == {"targets.A"}
    module.A = 1
    assert track.fingerprint() == first
    module.leaf = lambda: 7
    assert track.fingerprint()["targets.leaf"] != first["targets.leaf"]


VALUES = {
    "numbers": ["1", "1.0", "True", "2", "1j", "0.1", "-0.0", "0.0"],
    "texts": ["'a'", "b'a'", "'ab'", "''"],
    "containers": ["[1, 2]", "(1, 2)", "[2, 1]", "[[1], 2]", "[1, [2]]", "{1: 2}", "{2: 1}", "{1, 2}", "{1, 3}", "[]"],
    "nested": ["[[1, 2], [3]]", "[[1], [2, 3]]"],
    "functions": ["lambda: 1", "lambda: 2", "lambda x=1: 1", "lambda x=2: 1", "(lambda y: lambda: y)(1)",
                  "(lambda y: lambda: y)(2)", "len", "min"],
    "objects": ["types.SimpleNamespace(a=1)", "types.SimpleNamespace(a=2)", "__import__('datetime').date(2020, 1, 1)",
                "__import__('datetime').date(2020, 1, 2)"],
}


@pytest.mark.parametrize("group", VALUES)
def test_digests_tell_values_apart_and_equal_ones_not(group):
    module = types.ModuleType("digests")
    sys.modules["digests"] = module
    exec("import types\ndef f(): return X", vars(module))
    try:
        module.X = None
        with hooking.track_globals(module.f, mode="names") as track:
            module.f()
        found = {}
        for text in VALUES[group]:
            digests = set()
            for _ in range(2):
                module.X = eval(text, {"types": types})
                digests.add(track.fingerprint()["digests.X"])
            assert len(digests) == 1, text
            assert found.setdefault(digests.pop(), text) == text
    finally:
        del sys.modules["digests"]


def test_a_fingerprint_of_what_is_missing_and_of_builtins(module):
    exec("def f():\n    try:\n        return nope, len\n    except NameError: pass\ndef g(): return len", vars(module))
    with hooking.track_globals([module.f, module.g], mode="names") as track:
        module.f(), module.g()
    first = track.fingerprint()
    assert first["targets.nope"] == "missing" and first["targets.len"] == "builtin"
    module.nope = 1
    module.len = min
    second = track.fingerprint()
    assert second["targets.nope"] != "missing" and second["targets.len"] != "builtin"


def test_a_value_that_cannot_be_told(module):
    module.A = threading.Lock()
    with hooking.track_globals(module.leaf) as track:
        module.leaf()
    with pytest.raises(TypeError, match="^targets.A: of this lock cannot be told whether it changes: "):
        track.fingerprint()
    cycle = module.A = []
    cycle.append(cycle)
    assert track.fingerprint() == track.fingerprint()


# --- the program's own modules, and the command --------------------------------------------------------------------

PROGRAM = """
    import json
    import helper
    COUNT = 0
    CONFIG = {"x": 1}
    def step(i):
        global COUNT
        COUNT += 1
        helper.total(i, CONFIG)
    def main():
        for i in range(10):
            step(i)
        print(len(json.dumps(CONFIG)))
    if __name__ == "__main__":
        main()
"""
HELPER = """
    SUM = 0
    def total(i, config):
        global SUM
        SUM += i * config["x"]
"""


@pytest.fixture
def command(tmp_path):
    (tmp_path / "program.py").write_text(textwrap.dedent(PROGRAM))
    (tmp_path / "helper.py").write_text(textwrap.dedent(HELPER))

    def run(*words, status=0, env=None):
        done = subprocess.run([sys.executable, "-m", "hooking", "track", *words], cwd=tmp_path, capture_output=True,
                              text=True, timeout=60, env={**environment(str(tmp_path)), "COLUMNS": "80", **(env or {})})
        assert status in (None, done.returncode), done.stderr
        return done
    run.folder = tmp_path
    return run


def plain(command, name):
    """What a program of the folder prints when Python runs it, without the command."""
    done = subprocess.run([sys.executable, name], cwd=command.folder, capture_output=True, text=True,
                          env=environment(str(command.folder)), timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(not V312, reason="what 3.11 tells is below")
def test_the_command_prints_a_table(command):
    done = command("program.py")
    assert done.stdout == "8\n"
    assert done.stderr == textwrap.dedent("""\
        function       reads                             writes
        __main__       __name__ 1, main 1                CONFIG 1, COUNT 1, helper 1,
                                                         json 1, main 1, step 1
        __main__.main  CONFIG 1, json 1, step 10
        __main__.step  CONFIG 10, COUNT 10, helper 10,   COUNT 10
                       helper.total 10
        helper                                           SUM 1, total 1
        helper.total   SUM 10                            SUM 10

        builtins: len 1, print 1, range 1
        """)


@pytest.mark.skipif(not V312, reason="what 3.11 tells is below")
def test_the_table_where_there_is_no_room_for_columns(command):
    assert command("program.py", env={"COLUMNS": "40"}).stderr == textwrap.dedent("""\
        __main__
          reads __name__ 1, main 1
          writes CONFIG 1, COUNT 1, helper 1,
            json 1, main 1, step 1
        __main__.main
          reads CONFIG 1, json 1, step 10
        __main__.step
          reads CONFIG 10, COUNT 10, helper 10,
            helper.total 10
          writes COUNT 10
        helper
          writes SUM 1, total 1
        helper.total
          reads SUM 10
          writes SUM 10

        builtins: len 1, print 1, range 1
        """)


@pytest.mark.skipif(V312, reason="later versions tell of each write, see above")
def test_the_command_on_versions_without_watchers(command):
    done = command("program.py")
    assert "__main__.step  CONFIG 10, COUNT 10," in done.stderr
    assert re.search(r"^\?  +__main__.COUNT 1, helper.SUM 1$", done.stderr, re.M)
    assert "?: writes by `global` statements and by C code are told as one" in done.stderr


def test_the_commands_options(command):
    done = command("--where", "--json", "found.json", "--dot", "found.dot", "program.py")
    assert f"{command.folder}/program.py:8: __main__.step reads __main__.COUNT, 10 times\n" in done.stderr
    found = json.loads((command.folder / "found.json").read_text())
    assert found["reads"]["helper"] == {"SUM": 10, "total": 10} and found["places"]
    assert (command.folder / "found.dot").read_text().startswith("digraph globals {")
    done = command("--names", "-m", "program")
    assert re.search(r"^__main__.step  CONFIG, COUNT, helper\b", done.stderr, re.M)
    done = command("-t", "json", "program.py")
    assert "json.dumps" in done.stderr and "__main__" not in done.stderr
    assert json.loads(command("--json", "-", "program.py").stdout.partition("\n")[2])["mode"] == "all"


def test_the_command_takes_the_programs_status_and_says_what_it_cannot_write(command):
    (command.folder / "ends.py").write_text("import sys\nX = 1\nX\nsys.exit(3)\n")
    assert "X 1" in command("ends.py", status=3).stderr
    done = command("--json", "nowhere/found.json", "ends.py", status=2)
    assert done.stderr == "hooking track: nowhere/found.json: No such file or directory\n"
    done = command("--dot", ".", "ends.py", status=2)
    assert done.stderr == "hooking track: .: Is a directory\n"
    done = command("-t", "a b", "ends.py", status=2)
    assert "no name of a module: 'a b'" in done.stderr
    assert "run what?" in command(status=2).stderr


def test_a_graph_as_a_picture(command, monkeypatch):
    """dot is called where it is installed; where it is not, a line says what to do."""
    done = command("--dot", "found.svg", "program.py", env={"PATH": str(command.folder)})
    found = command.folder / "found"
    assert f"dot is not installed (graphviz): the graph is in {found}.dot; " \
        f"dot -Tsvg -o {found}.svg {found}.dot draws it\n" in done.stderr
    assert not (command.folder / "found.svg").exists()
    dot = command.folder / "dot"
    dot.write_text(f"#!{sys.executable}\nimport sys\nopen(sys.argv[3], 'w').write('<svg/>' + sys.stdin.read()[:7])\n")
    dot.chmod(0o755)
    done = command("--dot", "found.svg", "program.py", env={"PATH": str(command.folder)})
    assert (command.folder / "found.svg").read_text() == "<svg/>digraph" and "dot" not in done.stderr
    dot.write_text(f"#!{sys.executable}\nraise SystemExit('out of ink')\n")
    assert f"dot failed: out of ink: the graph is in {found}.dot" in \
        command("--dot", "found.svg", "program.py", env={"PATH": str(command.folder)}).stderr


def test_files_are_written_where_the_command_was_given_and_at_the_end(command):
    (command.folder / "moves.py").write_text("import os\nX = open('old.json').read()\nos.chdir('/')\nprint(X)\n")
    (command.folder / "old.json").write_text("old")
    assert command("--json", "old.json", "--dot", "new.dot", "moves.py").stdout == "old\n"
    assert json.loads((command.folder / "old.json").read_text())["reads"]["__main__"] == {"X": 1, "os": 1}
    assert (command.folder / "new.dot").exists()
    (command.folder / "dies.py").write_text("import os\nprint(sorted(os.listdir()))\nos._exit(0)\n")
    assert "never.json" not in command("--json", "never.json", "dies.py").stdout


def test_a_graph_on_standard_output(command):
    assert command("--dot", "-", "program.py").stdout.startswith("8\ndigraph globals {")
    assert not (command.folder / "-").exists()


@pytest.mark.parametrize("change", ["sys.stderr = None", "sys.stderr.close()", "os.close(2)", "del sys.stderr"])
def test_a_program_without_standard_error_leaves_its_files(command, change):
    (command.folder / "silent.py").write_text(f"import os, sys\nX = 1\n{change}\nX\n")
    done = command("--json", "found.json", "silent.py")
    assert done.stdout == "" and done.stderr == ""
    assert json.loads((command.folder / "found.json").read_text())["reads"]["__main__"]["X"] == 1


@pytest.mark.parametrize("change", ["sys.stdout = None", "sys.stdout.close()", "os.close(1)"])
def test_a_program_without_standard_output(command, change):
    (command.folder / "silent.py").write_text(f"import os, sys\nX = 1\n{change}\nX\n")
    stderr = command("--json", "-", "silent.py", status=None).stderr
    assert "Traceback" not in stderr
    assert "hooking track: the program has closed standard output: what was to be written there is lost\n" in stderr \
        or "hooking track: standard output: Bad file descriptor\n" in stderr


def test_standard_error_that_was_closed_before(command):
    done = subprocess.run(f"'{sys.executable}' -m hooking track --json found.json program.py 2>&-", shell=True,
                          text=True, cwd=command.folder, capture_output=True, timeout=60,
                          env=environment(str(command.folder)))
    assert done.stdout == "8\n" and (command.folder / "found.json").exists()


def test_names_that_are_no_text(command):
    (command.folder / "names.py").write_text("globals()['\\udc80'] = 1\nglobals()['\\udc80']\n")
    done = command("--json", "found.json", "--dot", "found.dot", "names.py")
    assert "\\udc80 1" in done.stderr and "Traceback" not in done.stderr
    assert "\\udc80" in (command.folder / "found.dot").read_text()
    assert json.loads((command.folder / "found.json").read_text())["writes"]["__main__"] == {"\udc80": 1}


def test_a_program_that_cannot_run_gets_no_table(command):
    assert command("nowhere.py", status=2).stderr.endswith("No such file or directory\n")
    (command.folder / "wrong.py").write_text("def f(: pass\n")
    assert command("wrong.py", status=1).stderr.endswith("SyntaxError: invalid syntax\n")
    (command.folder / "empty.py").write_text("pass\n")
    assert command("-m", "nowhere", status=1).stderr.endswith(": No module named nowhere\n")
    assert "can't find '__main__' module in" in command(".", status=1).stderr.splitlines()[-1]
    assert command("empty.py").stderr.startswith("No global variable was read or written.\n")
    assert command("-m", "empty").stderr        # from 3.14 on, what runpy writes as well


def test_a_line_that_does_the_same_twice_is_told_once(command):
    (command.folder / "twice.py").write_text("X = 1\nX + X\n")
    lines = [line for line in command("--where", "twice.py").stderr.splitlines() if "twice.py:2:" in line]
    assert lines == [f"{command.folder}/twice.py:2: __main__ reads __main__.X, 2 times"]


def test_a_module_that_was_never_there(command):
    assert "limits: there was no module called nosuch\n" in command("-t", "nosuch", "-t", "json", "program.py").stderr
    assert "limits: there was" not in command("-t", "json", "program.py").stderr
    with hooking.track_globals("nosuch") as track:
        pass
    assert "there was no module called nosuch" in track.limits


def test_what_this_run_could_not_see_is_below_the_table(command):
    (command.folder / "special.py").write_text(textwrap.dedent("""
        import sys, types
        class Special(types.ModuleType):
            pass
        sys.modules["special"] = module = Special("special")
        module.x = 1
        """))
    done = command("special.py")
    assert "limits: module.name is not seen of special, which is a Special" in done.stderr
    assert ("limits: this version of Python has no sys.monitoring" in done.stderr) == (not V312)


@pytest.mark.parametrize("words, told", [(["--wher"], "--wher"), (["--jso", "x"], "--jso"), (["--n"], "--n")])
def test_an_option_that_is_not_there_is_named(command, words, told):
    assert f"unrecognized arguments: {told}" in command(*words, "program.py", status=2).stderr


def test_a_script_that_imports_itself_is_two_modules(command):
    (command.folder / "double.py").write_text(textwrap.dedent("""
        A = 1
        def f():
            return A
        if __name__ == "__main__":
            import double
            f(), f(), double.f()
        """))
    done = command("double.py")
    assert re.search(r"^__main__.f +A 2$", done.stderr, re.M) and re.search(r"^double.f +A 1$", done.stderr, re.M)


def test_modules_that_are_imported_later(command):
    (command.folder / "later.py").write_text(textwrap.dedent("""
        import hooking
        with hooking.track_globals() as track:
            import helper, json.tool
            helper.total(1, {"x": 1})
        print(sorted(track.reads), track.reads["helper"])
        """))
    assert plain(command, "later.py") == "['__main__', 'helper'] {'SUM': 1, 'total': 1}\n"



# --- large programs, threads, forks ---------------------------------------------------------------------------------

def test_the_report_of_a_large_module_takes_no_time(module):
    lines = [f"v{number} = {number}" for number in range(10000)]
    lines += ["def f():", *(f"    v{number}" for number in range(3000)), "f()"]
    with hooking.track_globals("targets", where=True) as track:
        exec(compile("\n".join(lines), "large.py", "exec"), vars(module))
    began = time.process_time()
    assert "large.py:13001: targets.f reads targets.v2999\n" in track_report.places(track)
    assert "v2999 1" in track_report.table(track, track_report.functions_of(track)) and "v2999" in track.to_json()
    assert time.process_time() - began < 10         # more than 100 once


def test_threads_that_call_a_tracked_function_first_at_the_same_time(command):
    (command.folder / "race.py").write_text(textwrap.dedent("""
        import sys, threading
        from hooking import track_globals
        sys.setswitchinterval(1e-6)
        X = 1
        @track_globals()
        def f():
            return X
        barrier = threading.Barrier(8)
        def go():
            barrier.wait()
            for _ in range(200):
                f()
        threads = [threading.Thread(target=go) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(f.track.reads["__main__"])
        """))
    assert plain(command, "race.py") == "{'X': 1600}\n"


def test_what_it_reads_itself_does_not_count(module):
    module.recursive, module.middle = (hooking.track_globals()(one) for one in (module.recursive, module.middle))
    module.recursive(3)
    assert module.recursive.track.reads["targets"] == {"A": 4, "recursive": 3}
    with hooking.track_globals() as track, hooking.track_globals(module), hooking.track_globals(module.leaf):
        pass
    assert track.reads["targets"] == {"leaf": 1}


def test_nothing_is_imported_by_the_first_start(command):
    """A child of fork() would wait for ever for a module that another thread was importing."""
    (command.folder / "first.py").write_text(textwrap.dedent("""
        import sys
        from hooking import track_globals
        before = set(sys.modules)
        with track_globals(where=True), track_globals(lambda: 1), track_globals(mode="names"):
            pass
        print(set(sys.modules) - before)
        """))
    assert plain(command, "first.py") == "set()\n"
