"""What a program must not notice of track_globals(), and what it must stand."""

import copy
import ctypes
import gc
import importlib.util
import inspect
import json
import os
import pickle
import pprint
import subprocess
import sys
import textwrap
import threading
import types
import weakref

import pytest

import hooking
from conftest import environment

V312 = sys.version_info >= (3, 12)
DEBUG = hasattr(sys, "gettotalrefcount")


def make(name, source="", **names):
    module = types.ModuleType(name)
    sys.modules[name] = module
    vars(module).update(names)
    exec(compile(textwrap.dedent(source), f"{name}.py", "exec"), vars(module))
    return module


@pytest.fixture
def module():
    module = make("hazard", """
        def __getattr__(name):
            if name.startswith("dyn"):
                return name.upper()
            raise AttributeError(f"module 'hazard' has no attribute {name!r}")
        def f(): return A, len
        def read(n):
            total = 0
            for i in range(n):
                total += A
            return total
        def write(n):
            global W
            for i in range(n):
                W = object()
        """, A=1, B=[1, 2], C="x")
    yield module
    sys.modules.pop("hazard", None)


@pytest.fixture
def small():
    """A module with nothing but three names."""
    module = make("small", A=1, B=[1, 2], C="x")
    for name in set(vars(module)) - {"A", "B", "C"}:
        del vars(module)[name]
    with hooking.track_globals("small"):
        yield vars(module)
    del sys.modules["small"]


PLAIN = {"A": 1, "B": [1, 2], "C": "x"}


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_is_that_of_a_dict(small, protocol):
    for dumps in (pickle.dumps, pickle._dumps):
        back = pickle.loads(dumps(small, protocol))
        assert type(back) is dict and back == PLAIN


COPIES = {
    "copy()": lambda g: g.copy(), "copy.copy": copy.copy, "deepcopy": copy.deepcopy, "dict": dict,
    "{**}": lambda g: {**g},
    "|": lambda g: g | {}, "call": lambda g: (lambda **names: names)(**g), "json": lambda g: json.loads(json.dumps(g)),
    "comprehension": lambda g: {k: v for k, v in g.items()}, "proxy": lambda g: dict(types.MappingProxyType(g)),
}


@pytest.mark.parametrize("how", COPIES)
def test_copies_are_plain_dicts(small, how):
    made = COPIES[how](small)
    assert type(made) is dict and made == PLAIN


def test_it_looks_like_a_dict(small):
    assert repr(small) == repr(PLAIN) and small == PLAIN and PLAIN == small and type(small).__name__ == "dict"
    assert pprint.pformat(small, width=10) == pprint.pformat(PLAIN, width=10)
    assert json.dumps(small, indent=1) == json.dumps(PLAIN, indent=1)
    assert isinstance(small, dict) and type(small).__hash__ is None
    assert list(small) == list("ABC") and list(reversed(small)) == list("CBA") and len(small) == 3
    assert small.keys() & {"A"} == {"A"} and list(small.items())[0] == ("A", 1) and type(small.fromkeys("ab")) is dict
    match small:
        case {"A": 1, **rest}:
            assert rest == {"B": [1, 2], "C": "x"}
    assert type(type(small)(A=1)) is dict
    assert small.get("A") == 1 and small.get("Z") is None and small.get("Z", 5) == 5
    with pytest.raises(TypeError, match="get expected at least 1 argument"):
        small.get()
    with pytest.raises(KeyError):
        small.pop("Z")
    with pytest.raises(TypeError, match="unhashable"):
        small[[]]
    with pytest.raises(TypeError, match="unhashable"):
        small[[]] = 1
    with pytest.raises(TypeError, match="unhashable"):
        [] in small
    with pytest.raises(RuntimeError, match="changed size during iteration"):
        for name in small:
            small["new" + name] = 1


def test_it_is_the_same_module(module):
    space = vars(module)
    size = sys.getsizeof(space)
    with hooking.track_globals("hazard"):
        assert vars(module) is module.__dict__ is module.f.__globals__ is space
        assert sys.getsizeof(space) == size
        assert isinstance(module, types.ModuleType) and inspect.ismodule(module) and repr(module) == "<module 'hazard'>"
        assert module.f() == (1, len) and module.dynamic == "DYNAMIC" and not hasattr(module, "nope")
        assert type(type(module)("other")) is types.ModuleType
        module.NEW = 1
        assert space["NEW"] == 1 and "NEW" in dir(module) and dict(inspect.getmembers(module))["NEW"] == 1
        assert eval("__import__('sys')._getframe().f_globals", space) is space
        assert inspect.getclosurevars(module.f).globals == {"A": 1}
        assert pickle.loads(pickle.dumps(module.f)) is module.f
        with pytest.raises(NameError):
            exec("del nope", space)
        with pytest.raises(AttributeError):
            del module.nope
        with pytest.raises(TypeError, match=r"cannot pickle '(builtins\.)?module' object"):
            pickle.dumps(module)
        exec(textwrap.dedent("""
            import collections, dataclasses, enum, typing
            @dataclasses.dataclass
            class D:
                a: int = A
                b: "typing.List[int]" = None
            class E(enum.Enum):
                X = 1
            T = collections.namedtuple("T", "a b")
            """), space)
        assert module.D(3).a == 3 and module.E.X.value == 1 and module.T(1, 2).b == 2
        assert pickle.loads(pickle.dumps(module.D(5))).a == 5
    assert type(space) is dict and type(module) is types.ModuleType


def test_an_object_with_these_globals_as_its_dict(module):
    class Thing:
        pass
    thing = Thing()
    thing.__dict__ = vars(module)
    with hooking.track_globals("hazard"):
        for i in range(50):
            thing.Z = i
            assert thing.A == 1 and thing.Z == i
    assert module.Z == 49


def test_threads_are_counted_exactly(module):
    wrong = []

    def work():
        try:
            assert module.read(5000) == 5000
            module.write(5000)
            for i in range(300):
                setattr(module, f"T{i % 7}", i)
                getattr(module, "A")
                vars(module).get("A")
        except BaseException as error:
            wrong.append(error)
    threads = [threading.Thread(target=work) for _ in range(8)]
    with hooking.track_globals("hazard") as track:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not wrong
    assert track.reads["hazard"]["A"] == 8 * (5000 + 600)
    assert track.writes["hazard"]["W"] == (8 * 5000 if V312 else 1)
    assert track.writes["hazard"]["T3"] == 8 * len(range(3, 300, 7))


def test_on_and_off_while_threads_run(module):
    stop, wrong, turns = [], [], [0] * 8
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)

    def work(k):
        try:
            while not stop:
                assert module.read(100) == 100
                module.write(20)
                vars(module)[f"x{k}"] = k
                exec("Z = A", vars(module))
                vars(module).pop("Z", None)
                module.f(), eval("A", vars(module)), getattr(module, "B")
                turns[k] += 1
        except BaseException as error:
            wrong.append(error)
    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    try:
        for thread in threads:
            thread.start()
        for i in range(300):
            with hooking.track_globals("hazard", where=i % 3 == 0, mode="names" if i % 5 == 0 else "all"):
                pass
        while min(turns) < 3 and not wrong:
            with hooking.track_globals("hazard"):
                threading.Event().wait(0.001)
    finally:
        stop.append(1)
        for thread in threads:
            thread.join()
        sys.setswitchinterval(before)
    assert not wrong and type(vars(module)) is dict


def test_each_of_several_counts_its_own(module):
    with hooking.track_globals("hazard") as outer:
        module.read(10)
        with hooking.track_globals("hazard") as inner, hooking.track_globals("hazard", mode="names") as names:
            module.read(5)
        with outer:
            module.read(1)
        module.read(100)
    assert outer.reads["hazard"]["A"] == 116 and inner.reads["hazard"]["A"] == 5 and names.reads["hazard"]["A"] == 1


def test_64_at_a_time(module):
    trackers = [hooking.track_globals("hazard") for _ in range(65)]
    for track in trackers[:64]:
        track.start()
    try:
        with pytest.raises(RuntimeError, match="64 trackers are on already: no more at a time"):
            trackers[64].start()
        module.read(3)
    finally:
        for track in trackers[:64]:
            track.stop()
    assert [track.reads["hazard"]["A"] for track in trackers[:64]] == [3] * 64
    with trackers[64]:
        module.read(2)
    assert trackers[64].reads["hazard"]["A"] == 2


def test_an_exception_switches_it_off(module):
    with pytest.raises(ZeroDivisionError), hooking.track_globals("hazard"):
        1 / 0
    assert type(vars(module)) is dict
    with pytest.raises(RuntimeError, match="this one is not on"):
        hooking.track_globals().stop()


def test_a_module_that_is_deleted_meanwhile():
    module = make("gone", "def f(): return f, A", A=1)
    found, function = weakref.ref(module), module.f
    with hooking.track_globals("gone") as track:
        del sys.modules["gone"]
        del module
        gc.collect()
        assert function()[1] == 1
    assert track.reads["gone"] == {"A": 1, "f": 1}
    del track
    gc.collect()
    assert found() is None


def test_a_module_whose_class_changes_meanwhile(module):
    class Special(types.ModuleType):
        pass
    with hooking.track_globals("hazard") as track:
        module.__class__ = Special
        module.read(5)
    assert type(module) is Special and type(vars(module)) is dict and track.reads["hazard"]["A"] == 5
    assert "module.name is not seen of hazard, which is a Special" in track.limits
    module.__class__ = types.ModuleType
    assert "module.name is not seen of hazard: the program has changed its __class__ meanwhile, and back" \
        in track.limits
    module.__class__ = Special
    with hooking.track_globals("hazard") as track:
        module.A
    assert type(module) is Special
    assert "module.name is not seen of hazard, which is a Special" in track.limits


def test_a_module_that_takes_its_class_from_a_tracked_one(tmp_path):
    """Nobody gives it its own back: it has to stand the end of the interpreter."""
    done = run("""
        import types, sys, hooking
        first, second = types.ModuleType("first"), types.ModuleType("second")
        sys.modules["first"], sys.modules["second"] = first, second
        with hooking.track_globals("first"):
            second.__class__ = type(first)
        second.x = 1
        print(second.x, type(first) is types.ModuleType)
        import atexit
        atexit.register(lambda: print(second.x))
        """, cwd=tmp_path)
    assert done.stdout == "1 True\n1\n" and done.stderr == ""


def test_finalizers_that_track(module):
    class Last:
        def __del__(self):
            with hooking.track_globals("hazard", where=True) as track:
                module.read(2)
            found.append(track.reads["hazard"]["A"])
    found = []
    space = {"A": 1, "last": Last()}
    space["space"] = space
    exec("def f(): return A", space)
    with hooking.track_globals(space["f"]):
        space["f"]()
        del space
    gc.collect()
    assert found == [2]
    vars(module)["last"] = Last()
    with hooking.track_globals("hazard") as track:
        vars(module)["last"] = None
        assert module.read(1) == 1
    assert found == [2, 2] and track.reads["hazard"]["A"] == 3


@pytest.mark.parametrize("options", [{}, {"where": True}, {"mode": "names"}], ids=["all", "where", "names"])
def test_a_module_that_is_loaded_lazily(tmp_path, monkeypatch, options):
    """LazyLoader changes the module's class, and gives it back when the module is used."""
    (tmp_path / "lazily.py").write_text("G = 5\ndef f():\n    return G\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with hooking.track_globals("lazily", **options) as track:
        spec = importlib.util.find_spec("lazily")
        spec.loader = importlib.util.LazyLoader(spec.loader)
        module = sys.modules["lazily"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        assert [module.f() for _ in range(100)] == [5] * 100 and module.G == 5
        assert module.__class__ is types.ModuleType and vars(module).__class__ is dict
    assert type(module) is types.ModuleType and type(vars(module)) is dict
    assert track.reads["lazily"]["G"] >= (1 if options.get("mode") else 100)
    del sys.modules["lazily"]


def test_a_name_that_is_no_str(module):
    class Name(str):
        pass
    with hooking.track_globals("hazard") as track:
        vars(module)[5] = 1
        assert vars(module)[5] == 1 and vars(module)[Name("A")] == 1
        del vars(module)[5]
    assert track.reads["hazard"] == {"A": 1} and track.writes == {}


def run(text, *options, cwd, status=0):
    done = subprocess.run([sys.executable, *options, "-c", textwrap.dedent(text)], capture_output=True, text=True,
                          cwd=cwd, env=environment(str(cwd)), timeout=60)
    assert done.returncode == status, done.stderr
    return done


def test_after_a_fork(module):
    with hooking.track_globals("hazard") as track:
        module.read(5)
        child = os.fork()
        if child == 0:
            module.read(7)
            track.stop()
            ok = track.reads["hazard"]["A"] == 12 and type(vars(module)) is dict
            os._exit(0 if ok else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        module.read(1)
    assert track.reads["hazard"]["A"] == 6


@pytest.mark.parametrize("options", [[], ["-X", "dev"]], ids=["plain", "dev"])
@pytest.mark.parametrize("where", ["False", "True"])
def test_the_interpreter_ends_while_it_is_on(tmp_path, options, where):
    done = run(f"""
        import atexit, sys, json, threading
        import hooking
        track = hooking.track_globals(["json", "threading", "__main__"], where={where})
        track.start()
        class D:
            def __del__(self):
                json, D
        d = D()
        atexit.register(lambda: print(len(json.dumps([1]))))
        """, *options, cwd=tmp_path)
    assert done.stdout == "3\n" and done.stderr == ""


def test_all_modules_at_once(tmp_path):
    done = run("""
        import argparse, ast, asyncio, concurrent.futures, csv, datetime, decimal, difflib, email.message, logging
        import random, sqlite3, statistics, sys, tempfile, unittest, zipfile
        import hooking
        names = sorted({name.partition(".")[0] for name in sys.modules} - {"builtins", "hooking", "sys"})
        with hooking.track_globals(names, where=True) as track:
            import http.client, xml.dom.minidom
            assert ast.dump(ast.parse("a+b")) and statistics.mean([1, 2])
            async def a():
                await asyncio.sleep(0)
                return 3
            assert asyncio.run(a()) == 3
            with concurrent.futures.ThreadPoolExecutor(4) as pool:
                assert sum(pool.map(len, ["a"] * 100)) == 100
            parser = argparse.ArgumentParser()
            parser.add_argument("--x")
            assert parser.parse_args(["--x", "1"]).x == "1"
            assert xml.dom.minidom.parseString("<a/>").documentElement.tagName == "a"
        print(len(track.reads) > 20, track.by_function["ast.parse"]["builtins"])
        """, cwd=tmp_path)
    assert done.stdout.startswith("True {") and done.stderr == ""


@pytest.mark.skipif(sys.version_info < (3, 13), reason="the modules that make subinterpreters are private before 3.13")
def test_subinterpreters_have_their_own(tmp_path):
    done = run("""
        import _interpreters
        text = '''
        import types, sys
        m = types.ModuleType("m"); sys.modules["m"] = m
        exec("A = 1\\\\ndef f(): return A, len", vars(m))
        import hooking
        with hooking.track_globals("m") as track:
            m.f()
        assert track.reads == {"m": {"A": 1, "f": 1}}, track.reads
        assert track.builtins == {"m": {"len": 1}}
        '''.replace("\\n        ", "\\n")
        import hooking
        with hooking.track_globals() as track:
            for _ in range(2):
                it = _interpreters.create()
                error = _interpreters.exec(it, text)
                assert error is None, error
                _interpreters.destroy(it)
        print("done")
        """, cwd=tmp_path)
    assert done.stdout == "done\n"


@pytest.mark.skipif(sys.version_info < (3, 14), reason="there is no JIT before 3.14 that is built in")
def test_what_a_jit_has_compiled_is_seen(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHON_JIT", "1")
    (tmp_path / "m.py").write_text(textwrap.dedent("""
        G = 5
        H = [1]
        def hot(n, k, act):
            s = 0
            for i in range(n):
                if i == k:
                    act()
                s += G
                len(H)
            return s
        """))
    done = run("""
        import m, hooking
        for _ in range(10):
            m.hot(200000, -1, None)
        track = hooking.track_globals("m")
        m.hot(200000, 100000, track.start)
        track.stop()
        assert track.reads["m"]["G"] == 100000, track.reads
        for _ in range(10):
            m.hot(200000, -1, None)
        with track:
            m.hot(1000, -1, None)
        assert track.reads["m"]["G"] == 101000, track.reads
        print("done")
        """, cwd=tmp_path)
    assert done.stdout == "done\n"


# --- what is kept over the end ----------------------------------------------------------------------------------------

def test_methods_that_were_taken_before_the_end(module):
    names = vars(module)
    with hooking.track_globals("hazard") as track:
        get, get_item, has, update, pop = names.get, names.__getitem__, names.__contains__, names.update, names.pop
        set_item, delete_item, or_, reduce = (names.__setitem__, names.__delitem__, names.__ior__, names.__reduce_ex__)
        attribute, set_attribute, delete = module.__getattribute__, module.__setattr__, module.__delattr__
        assert get("A") == get_item("A") == attribute("A") == 1 and has("A")
        set_item("N", 1)
        set_attribute("M", 2)
        delete_item("N")
        delete("M")
    assert track.reads["hazard"]["A"] == 4
    assert track.writes["hazard"] == track.deletes["hazard"] == {"M": 1, "N": 1}
    assert get("A") == get_item("A") == attribute("A") == 1 and has("A") and get("no") is None
    update(N=1)
    set_item("M", 2)
    assert or_({"O": 3}) is names and pop("N") == 1 and module.M == 2 and module.O == 3
    delete_item("M")
    set_attribute("M", 4)
    assert names["M"] == 4
    delete("M")
    with pytest.raises(KeyError, match="M"):
        get_item("M")
    with pytest.raises(AttributeError, match="M"):
        attribute("M")
    with pytest.raises(TypeError):
        set_item("M")
    with pytest.raises(TypeError, match="pickle"):
        reduce(0)       # of the plain dict, whose items are functions: as that does it
        pickle.dumps(names, 0)


@pytest.mark.parametrize("method, argument", [("get", "A"), ("setdefault", "A"), ("update", {}), ("__getitem__", "A")])
def test_the_end_while_the_arguments_of_a_method_are_computed(module, method, argument):
    track = hooking.track_globals("hazard")
    track.start()
    source = f"names.{method}((stop(), argument)[1])"    # the method is looked up first
    result = eval(source, {"names": vars(module), "stop": track.stop, "argument": argument})
    assert result == (None if method == "update" else 1)


def test_the_types_are_called_what_they_stand_for(module):
    with hooking.track_globals("hazard"):
        assert repr(type(vars(module))) == "<class 'dict'>" and repr(type(module)) == "<class 'module'>"
        with pytest.raises(TypeError, match=r"^'module' object is not callable"):
            module()
        with pytest.raises(TypeError, match=r"unhashable type: 'dict'"):
            hash(vars(module))
        assert type(module).__module__ == "builtins"


# --- comprehensions -----------------------------------------------------------------------------------------------

class Item:
    pass


@pytest.mark.parametrize("options", [{}, {"where": True}, {"mode": "names"}], ids=str)
def test_what_a_comprehension_of_a_module_reads_is_counted_once(options):
    with hooking.track_globals("comp", **options) as track:
        make("comp", "x = [A for i in (1, 2, 3, 4)]\ny = {len: 1 for i in (1, 2, 3)}\n", A=1)
    del sys.modules["comp"]
    times = (1, 1) if options.get("mode") else (4, 3)
    assert (track.reads["comp"]["A"], track.builtins["comp"]["len"]) == times


@pytest.mark.parametrize("options", [{}, {"where": True}, {"mode": "names"}], ids=str)
def test_what_a_comprehension_of_a_module_had_last_is_let_go(options):
    alive = []
    with hooking.track_globals("comp", **options):
        make("comp", """
            x = [(A, reference(i))[0] for i in (Item(),)]
            alive.append(len(found) and found[0]())
            """, A=1, Item=Item, found=(found := []), reference=lambda one: found.append(weakref.ref(one)),
             alive=alive)
    del sys.modules["comp"]
    assert alive == [None]


# --- a start that fails, or is used by others meanwhile ----------------------------------------------------------

def test_the_audit_hook_of_a_program_refuses(tmp_path):
    done = run("""
        import sys, hooking
        refuse = True
        def hook(event, args):
            if refuse and event == "sys.monitoring.register_callback":
                raise PermissionError("not here")
        sys.addaudithook(hook)
        X = 1
        track = hooking.track_globals("__main__")
        if hasattr(sys, "monitoring"):
            try:
                track.start()
            except PermissionError:
                print([sys.monitoring.get_tool(i) for i in range(6)], type(globals()) is dict)
        refuse = False
        with track:
            class C:
                y = X
        print(track.reads.get("__main__", {}).get("X", "not seen"), *track.limits, sep="\\n")
        """, cwd=tmp_path)
    expected = ["[None, None, None, None, None, None] True", "1"] if V312 else ["not seen"]
    assert done.stdout.splitlines()[:len(expected)] == expected
    assert not any("other tools" in line for line in done.stdout.splitlines())


@pytest.mark.skipif(not V312, reason="3.11 has no sys.monitoring")
def test_the_audit_hook_of_a_program_tracks(tmp_path):
    done = run("""
        import sys, hooking
        inner = hooking.track_globals("__main__")
        def hook(event, args):
            if event == "sys.monitoring.register_callback" and not inner._on:
                inner.start()
                inner.stop()
        X = 1
        with hooking.track_globals("json"):
            pass
        sys.addaudithook(hook)
        with hooking.track_globals("__main__") as track:
            X
        print(track.reads["__main__"]["X"])
        """, cwd=tmp_path)
    assert done.stdout == "1\n"


def test_finalizers_that_start_and_stop_in_the_collector(tmp_path):
    done = run("""
        import gc, sys, types, hooking
        X = 1
        class Loop:
            def __init__(self):
                self.me = self
                self.track = hooking.track_globals("__main__")
                self.track.start()
            def __del__(self):
                self.track.stop()
                with hooking.track_globals():
                    X
        gc.set_threshold(1)
        for i in range(200):
            Loop()
            if i % 20 == 0:     # some versions come seldom to it by themselves
                gc.collect()
            with hooking.track_globals():
                sys.modules[f"m{i % 7}"] = types.ModuleType(f"m{i % 7}")
        gc.set_threshold(0)
        gc.collect()
        print(type(globals()) is dict, type(sys.modules) is dict)
        """, cwd=tmp_path)
    assert done.stdout == "True True\n"


# --- names ----------------------------------------------------------------------------------------------------------

def test_what_a_place_reads_may_be_another_later(module):
    exec("def late(): return Q\ndef size(): return len", vars(module))
    with hooking.track_globals("hazard", mode="names") as track:
        with pytest.raises(NameError):
            module.late()
        assert module.size() is len
        exec("Q = 1\ndef len(): pass", vars(module))
        assert module.late() == 1 and module.size() is not len
    assert track.missing["hazard"] == {"Q": 1} and track.builtins["hazard"]["len"] == 1
    assert track.reads["hazard"]["Q"] == 1 and track.reads["hazard"]["len"] == 1


@pytest.mark.parametrize("options", [{}, {"where": True}, {"mode": "names"}], ids=str)
def test_what_is_not_there_is_not_deleted(module, options):
    with hooking.track_globals("hazard", **options) as track:
        with pytest.raises(NameError):
            exec("del nope", vars(module))
        with pytest.raises(AttributeError):
            del module.nope
    assert "nope" not in track.deletes.get("hazard", {})


def test_the_class_of_a_module_is_no_global(module):
    with hooking.track_globals("hazard") as track:
        module.__class__ = type("Sub", (types.ModuleType,), {})
    assert "__class__" not in track.writes.get("hazard", {})


# --- which modules are the program's --------------------------------------------------------------------------------

def test_modules_of_the_standard_library_in_c(tmp_path):
    done = run("""
        import sys, hooking
        with hooking.track_globals() as track:
            import socket, xml.parsers.expat, tracemalloc, pickle, datetime
        found = {*track.reads, *track.writes, *track.builtins}
        print(found - {"__main__"})
        """, cwd=tmp_path)
    assert done.stdout == "set()\n"


def test_another_dict_for_modules_is_told(tmp_path):
    done = run("""
        import sys, types, hooking
        with hooking.track_globals() as track:
            sys.modules = dict(sys.modules)
        print(any("sys.modules" in limit for limit in track.limits))
        """, cwd=tmp_path)
    assert done.stdout == "True\n"


def test_what_code_in_c_imports_is_not_read_by_the_program(module):
    exec("import time\ndef when(): return time.strptime('2026', '%Y')", vars(module))
    module.when()
    with hooking.track_globals("hazard") as track:
        module.when()
    assert track.reads["hazard"] == {"time": 1, "when": 1}


@pytest.mark.skipif(sys.version_info < (3, 14), reason="no concurrent.interpreters before 3.14")
def test_beside_other_interpreters(tmp_path):
    (tmp_path / "pool.py").write_text(textwrap.dedent("""
        from concurrent import interpreters
        import hooking
        X = 3
        def square(n): return n * n * X
        if __name__ == "__main__":
            with hooking.track_globals() as track:
                other = interpreters.create()
                print(other.call(square, 4))
                other.exec("import hooking; track = hooking.track_globals(); track.start(); Y = 1")
                other.exec("Y; track.stop(); assert track.reads['__main__']['Y'] == 1")
                other.close()
                X
            print(track.reads["__main__"]["X"])
            print([limit.split(":")[0] for limit in track.limits if "__main__" in limit])
        """))
    done = subprocess.run([sys.executable, "pool.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60,
                          env=environment(str(tmp_path)))
    assert done.stdout == "48\n1\n['module.name is not seen of __main__']\n", done.stderr


# --- beside other tools ---------------------------------------------------------------------------------------------

@pytest.mark.skipif(not V312, reason="3.11 has no sys.monitoring")
@pytest.mark.parametrize("options", [{}, {"where": True}, {"mode": "names"}], ids=str)
def test_beside_a_tool_that_hears_of_each_line_once(options):
    """As coverage does: what stands first in a line is read in the pass in which its event goes."""
    tool, events = next(tool for tool in range(6) if sys.monitoring.get_tool(tool) is None), sys.monitoring.events
    sys.monitoring.use_tool_id(tool, "another")
    sys.monitoring.register_callback(tool, events.LINE, lambda code, line: sys.monitoring.DISABLE)
    many = (f"v{number} = 1" for number in range(300))     # so that `late` has an EXTENDED_ARG
    source = "\n".join(["A = B = C = 1", *many, "late = 1"]) + textwrap.dedent("""
        A
        late
        class K:
            A
            B
            x = A
        def f():
            A
            C
            return C
        f()
        f()
        """)
    counts = []
    try:
        for wanted in (0, events.LINE):
            sys.monitoring.set_events(tool, wanted)
            with hooking.track_globals("lines", **options) as track:
                make("lines", source)
            counts.append((track.reads["lines"], track.writes["lines"]))
    finally:
        sys.monitoring.set_events(tool, 0)
        sys.monitoring.register_callback(tool, events.LINE, None)
        sys.monitoring.free_tool_id(tool)
        del sys.modules["lines"]
    assert counts[0] == counts[1]
    places = {"A": 4, "B": 1, "C": 2, "f": 2, "late": 1}
    times = {"A": 5, "B": 1, "C": 4, "f": 2, "late": 1}
    reads = {name: count for name, count in counts[0][0].items() if name in places}
    assert reads == (places if options.get("mode") else times)


def test_beside_a_profiler_and_a_tracer(module):
    import cProfile
    lines = []

    def trace(frame, event, arg):
        if frame.f_code.co_filename == "hazard.py" and event == "line":
            lines.append(frame.f_lineno)
        return trace
    profile = cProfile.Profile()
    with hooking.track_globals("hazard", where=True) as track:
        profile.enable()
        module.read(10)
        profile.disable()
        before = sys.gettrace()
        sys.settrace(trace)
        module.read(10)
        sys.settrace(before)
    assert track.reads["hazard"]["A"] == 20 and len(lines) == 23
    assert any(entry.code is module.read.__code__ for entry in profile.getstats())


@pytest.mark.skipif(not V312, reason="3.11 has no sys.monitoring")
@pytest.mark.parametrize("options", [{}, {"where": True}, {"mode": "names"}], ids=["all", "where", "names"])
def test_beside_another_monitor_of_lines(module, options):
    """As coverage does: each line once, then it is disabled; the same lines with tracking and without."""
    monitoring, lines = sys.monitoring, []

    def on_line(code, line):
        if code.co_filename == "hazard.py":
            lines.append(line)
        return monitoring.DISABLE
    tool = next(tool for tool in range(6) if monitoring.get_tool(tool) is None)
    monitoring.use_tool_id(tool, "test")
    monitoring.register_callback(tool, monitoring.events.LINE, on_line)
    monitoring.set_events(tool, monitoring.events.LINE)
    try:
        with hooking.track_globals("hazard", **options) as track:
            module.read(10), module.write(3)
    finally:
        monitoring.set_events(tool, 0)
        monitoring.register_callback(tool, monitoring.events.LINE, None)
        monitoring.free_tool_id(tool)
    assert sorted(set(lines)) == [8, 9, 10, 11, 14, 15]
    assert track.reads["hazard"]["A"] == (1 if options.get("mode") else 10)
    assert track.writes["hazard"]["W"] == (1 if options.get("mode") else 3)


@pytest.mark.skipif(not V312, reason="3.11 has no sys.monitoring")
def test_where_other_tools_leave_no_place(module):
    monitoring = sys.monitoring
    mine = [tool for tool in range(6) if monitoring.get_tool(tool) is None]
    for tool in mine:
        monitoring.use_tool_id(tool, "test")
    try:
        with (hooking.track_globals("hazard", where=True) as track,
              hooking.track_globals("hazard", mode="names") as names):
            module.read(5), module.write(3)
        with hooking.track_globals(module.read) as running:
            module.read(2), module.f()
    finally:
        for tool in mine:
            monitoring.free_tool_id(tool)
    assert track.reads["hazard"]["A"] == 5 and track.writes["hazard"]["W"] == 3 and names.reads["hazard"]["A"] == 1
    assert running.reads["hazard"] == {"A": 2}
    assert any(limit.startswith("other tools have taken all of sys.monitoring: what class bodies read is not seen")
               for limit in track.limits)


@pytest.mark.skipif(not V312, reason="3.11 has no sys.monitoring")
def test_the_place_is_given_back(module):
    before = [sys.monitoring.get_tool(tool) for tool in range(6)]
    with hooking.track_globals("hazard"):
        assert [sys.monitoring.get_tool(tool) for tool in range(6)].count("hooking track") == 1
        module.read(1)
    assert [sys.monitoring.get_tool(tool) for tool in range(6)] == before


@pytest.mark.skipif(not V312, reason="3.11 has no dict watchers")
def test_where_other_tools_have_all_dict_watchers(module):
    add, clear = ctypes.pythonapi.PyDict_AddWatcher, ctypes.pythonapi.PyDict_ClearWatcher
    function = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
    nothing = function(lambda *event: 0)
    taken = []
    try:
        while True:
            taken.append(add(nothing))
    except RuntimeError:
        pass
    try:
        with hooking.track_globals("hazard") as track:
            module.write(3)
            vars(module).update(N=1)
            module.read(2)
    finally:
        for number in taken:
            clear(number)
    assert track.writes["hazard"] == {"W": 1, "N": 1} and track.reads["hazard"]["A"] == 2
    assert any("told as one" in limit for limit in track.limits)
