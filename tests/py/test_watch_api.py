"""hooking.watch() in code: each way in which something changes, for each kind of target, and what could go wrong.

Before 3.12 the values are compared at each line, so each change has a line of its own here.
"""

import asyncio
import collections
import dataclasses
import gc
import os
import queue
import subprocess
import sys
import textwrap
import threading
import types
import weakref

import pytest

import hooking

MONITORING = hasattr(sys, "monitoring")
monitors = pytest.mark.skipif(not MONITORING, reason="before 3.12 a trace function tells, of which there is one")
unbound = type(hooking.watch("MONITORING")).unbound
hooking.unwatch("all")


@pytest.fixture(autouse=True)
def nothing_is_left():
    before = tools()
    yield
    hooking.unwatch("all")
    assert tools() == before and sys.gettrace() is None


def tools():
    return [sys.monitoring.get_tool(tool) for tool in range(6)] if MONITORING else []


def forget_snapshot():
    """Before 3.13 a frame that was asked for its variables (so the one that has called watch()) keeps a snapshot."""
    sys._getframe(1).f_locals


class Seen(list):
    """What to give as `call=`."""

    def __call__(self, old, new, watch):
        self.append((old, new))
        self.lines.append(watch.line)
        self.functions.append(watch.function)

    def __init__(self):
        self.lines = []
        self.functions = []


def run(source, **names):
    """Execute a program, which watches with `seen`; return what was seen."""
    seen = Seen()
    names.update(watch=hooking.watch, unwatch=hooking.unwatch, seen=seen, __name__="program")
    exec(compile(textwrap.dedent(source), "program.py", "exec"), names)
    return seen


# Variables of a function ----------------------------------------------------------------------------------------------

# How a variable called x is bound and unbound, and which values it has in turn after 0.
STORES = {
    "x = 1": [1],
    "x += 1": [1],
    "x = y = 1": [1],
    "y = x = 1": [1],
    "x, y = 1, 2": [1],
    "y, x = 2, 1": [1],
    "y = 5\nx, y = y, x": [5],
    "(y, (x, *z)) = 2, (1, 3)": [1],
    "*x, y = 1, 2": [[1]],
    "[x for x in range(3)]": [],
    "x = [x for x in range(3)]": [[0, 1, 2]],
    "y = [x for x in range(3)]": [],
    "{x: x for x in range(3)}": [],
    "{(x, y) for x in range(2) for y in range(2)}": [],
    "[[x for x in range(2)] for x in range(2)]": [],
    "[x for x in range(2)] and [x for x in range(2)]": [],
    "try:\n    [1 // x for x in (1, 0)]\nexcept ZeroDivisionError:\n    pass": [],
    "list(x for x in range(3))": [],
    "(lambda x: x)(1)": [],
    "for x in (1, 1, 2):\n    pass": [1, 2],
    "while x < 2:\n    x += 1": [1, 2],
    "(x := 1)": [1],
    "[(x := y) for y in (1, 2)]": [1, 2],
    "with manager as x:\n    pass": [1],
    "try:\n    1 / 0\nexcept ZeroDivisionError as x:\n    x = 1\n    y = 1": [ZeroDivisionError, 1, unbound],
    "import sys as x": [sys],
    "from os import path as x": [os.path],
    "def x(): pass": [types.FunctionType],
    "class x: pass": [type],
    "match [1, 2]:\n    case [x, y]:\n        pass": [1],
    "del x": [unbound],
    "del x\nx = 0": [unbound, 0],
    "x = 0": [],
    "x = 1000\nx = int('1000')": [1000],
    "x = 1.0\nx = 1": [1.0, 1],
    "x = []\nx = []": [list, list],
    "y = 1\nz = y\ny = z": [],
    "return": [],
    "x = 1\nreturn x": [1],
}


def same(value, wanted):
    return value is wanted or (isinstance(value, wanted) if isinstance(wanted, type) else
                               type(value) is type(wanted) and value == wanted)


@pytest.mark.parametrize("cell", [False, True], ids=["local", "cell"])
@pytest.mark.parametrize("body", STORES)
def test_each_way_to_bind_a_variable(body, cell):
    source = "def f():\n    x = 0\n    y = z = 0\n"
    source += "    def inner(): return x\n" if cell else ""
    source += '    watch("x", call=seen)\n' + textwrap.indent(body, "    ") + "\n    y = z\nf()\n"
    if body == "[(x := y) for y in (1, 2)]" and (cell or not MONITORING):
        source = source.replace("(x := y) for", "(\n    x := y) for")
    seen = run(source, manager=Manager())
    values = [new for _, new in seen]
    wanted = STORES[body]
    if body == "[(x := y) for y in (1, 2)]" and not MONITORING:
        wanted = values and wanted            # a comprehension has no lines of its own there
        values = wanted if values in ([1, 2], [2]) else values
    assert len(values) == len(wanted) and all(map(same, values, wanted)), values


class Manager:
    def __enter__(self):
        return 1

    def __exit__(self, *raised):
        pass


def test_the_old_value_the_line_and_the_function_are_told():
    seen = run('''
        def f(x):
            watch("x", call=seen)
            x = 2
            if x:
                x = 3
            return x
        f(1)
    ''')
    assert seen == [(1, 2), (2, 3)] and seen.lines == [4, 6] and seen.functions == ["f", "f"]


def test_only_the_call_that_was_meant():
    seen = run('''
        def f(n):
            x = n
            if n == 2:
                watch("x", call=seen)
            if n:
                f(n - 1)
            x += 10
        f(4)
        f(1)
    ''')
    assert seen == [(2, 12)]


@pytest.mark.parametrize("how", ["return x", "raise ValueError", "return [x for x in ()]", "pass", "yield_ = 1 / 0"])
def test_it_ends_with_its_call(how):
    source = '''
        def f():
            x = Value()
            watches.append(watch("x", call=seen))
            values.append(ref(x))
            {}
        try:
            f()
        except Exception:
            pass
    '''
    values, watches = [], []
    run(source.format(how), Value=type("Value", (), {}), ref=weakref.ref, values=values, watches=watches)
    gc.collect()
    assert not watches[0].active and values[0]() is None and watches[0].value is unbound


def test_variables_of_generators():
    seen = run('''
        def f():
            x = 0
            w.append(watch("x", call=seen))
            while x < 3:
                yield x
                x += 1
        w = []
        list(f())
        active = w[0].active
        for x in f():
            break
    ''', w=(w := []))
    assert [new for _, new in seen[:3]] == [1, 2, 3]


def test_a_generators_watch_lives_from_step_to_step():
    seen = run('''
        def f():
            x = 0
            yield watch("x", call=seen)
            x = 1
            yield
            x = 2
        g = f()
        w = next(g)
        next(g)
        assert w.active
        list(g)
        assert not w.active
    ''')
    assert seen == [(0, 1), (1, 2)]


def test_variables_of_coroutines():
    seen = run('''
        import asyncio
        async def f():
            x = 0
            w = watch("x", call=seen)
            await asyncio.sleep(0)
            x = 1
            async for x in g():
                pass
            async with m() as x:
                pass
            [x async for x in g()]
            return w
        async def g():
            yield 2
        from contextlib import asynccontextmanager
        @asynccontextmanager
        async def m():
            yield 3
        async def main():
            w, other = await asyncio.gather(f(), f())
            assert not w.active
        asyncio.run(main())
    ''')
    assert sorted(seen) == [(0, 1), (0, 1), (1, 2), (1, 2), (2, 3), (2, 3)]


def test_variables_that_functions_share():
    seen = run('''
        def f():
            x = 0
            def inner():
                nonlocal x
                x += 1
            def reader():
                return x
            watch("x", call=seen)
            inner()
            reader()
            inner()
            x = 10
            def from_within():
                nonlocal x
                w = watch("x", call=seen, when="new > 19")
                x = 20
                outer()
                w.remove()
            def outer():
                nonlocal x
                x = 30
            from_within()
        f()
    ''')
    assert seen[:3] == [(0, 1), (1, 2), (2, 10)] and sorted(seen[3:]) == [(10, 20), (10, 20), (20, 30), (20, 30)]


def test_parameters_and_callers():
    seen = run('''
        def f(x, *args, **named):
            g()
            x = 1
            args = 2
            named = 3
        def g():
            for name in "x", "args", "named":
                watch(name, call=seen, depth=1)
        f(0)
    ''')
    assert seen == [(0, 1), ((), 2), ({}, 3)]


# Globals --------------------------------------------------------------------------------------------------------------

GLOBAL_STORES = {
    "x = 1": [1],
    "globals()['x'] = 1": [1],
    "setattr(module, 'x', 1)": [1],
    "module.x = 1": [1],
    "vars(module).update(x=1, other=2)": [1],
    "exec('x = 1', globals())": [1],
    "del x": [unbound],
    "globals().pop('x')": [unbound],
    "del module.x": [unbound],
    "globals().setdefault('x', 1)": [],
    "x = 0": [],
    "import sys as x": [sys],
    "for x in (1, 2):\n    pass": [1, 2],
    "x += 1\nx += 1": [1, 2],
    "def x(): pass": [types.FunctionType],
}


@pytest.mark.parametrize("where", ["function", "module"])
@pytest.mark.parametrize("body", GLOBAL_STORES)
def test_each_way_to_bind_a_global(body, where):
    source = body if where == "module" else "def f():\n    global x\n" + textwrap.indent(body, "    ") + "\nf()"
    module = types.ModuleType("module")
    seen = Seen()
    vars(module).update(module=module, watch=hooking.watch, seen=seen, x=0)
    exec(f'watch("x", call=seen)\n{source}\nother = 1\n', vars(module))
    values = [new for _, new in seen]
    assert len(values) == len(GLOBAL_STORES[body]) and all(map(same, values, GLOBAL_STORES[body])), values


def test_a_global_that_is_not_there_yet():
    assert run('watch("global later", call=seen)\nlater = 1\nlater = 2\n') == [(unbound, 1), (1, 2)]
    with pytest.raises(NameError, match="'later' is not defined here"):
        run('watch("later", call=seen)')


def test_a_global_is_named_as_the_compiler_names_it():
    assert run("""
        watch("global \ufb01", call=seen)
        \ufb01 = 1
        pass
    """) == [(unbound, 1)]


def test_a_name_of_a_class_body():
    seen = run('''
        class Class:
            x = 0
            watch("x", call=seen)
            x = 1
            x = 2
        x = 3
    ''')
    assert seen == [(0, 1), (1, 2)]


@pytest.mark.skipif(not MONITORING, reason="before 3.12 only the thread that watches is heard of")
def test_another_thread():
    seen = run('''
        import threading
        x = 0
        watch("x", call=seen)
        def f():
            global x
            x = threading.get_ident()
            x = 0
        thread = threading.Thread(target=f)
        thread.start()
        thread.join()
    ''')
    assert len(seen) == 2 and seen.lines == [7, 8]


@pytest.mark.skipif(not MONITORING, reason="before 3.12 only the thread that watches is heard of")
def test_many_threads_lose_nothing():
    seen = run('''
        import threading
        counts = {}
        watch("counts[3]", call=seen)
        watch("counts['n']", call=seen)
        def f(n):
            for i in range(200):
                counts[n] = i
        threads = [threading.Thread(target=f, args=(n,)) for n in range(6)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
    ''')
    assert [new for _, new in seen] == list(range(200))


def test_reading_a_global():
    seen = run('''
        x = 1
        y = 2
        watch("x", read=True, call=seen)
        def f():
            return x
        f()
        y
        f()
        x = 2
        x
    ''')
    assert seen == [(1, 1), (1, 1), (2, 2)] and seen.lines == [6, 6, 11]
    with pytest.raises(ValueError, match="is no global"):
        run('def f():\n    y = 1\n    watch("y", read=True)\nf()')


def test_reading_in_calls_that_run_already():
    seen = run('''
        import hooking
        x = 1
        def outer():
            inner()
            return [x for i in (1, 2)], x
        def inner():
            watch("x", read=True, call=seen)
        outer()
        hooking.unwatch("all")
        outer
        x
    ''')
    assert seen == [(1, 1)] * 3 and seen.lines == [6, 6, 6]


def test_reading_raises_in_the_program():
    with pytest.raises(ZeroDivisionError):
        run('''
            x = 1
            watch("x", read=True, call=lambda *args: 1 / 0)
            def f():
                return x
            f()
        ''')


@pytest.mark.skipif(MONITORING, reason="3.12 on does not trace for it")
def test_reading_leaves_no_frame_followed():
    run('''
        import hooking, sys
        x = 1
        def f():
            watch("x", read=True, call=seen)
            x
            followed = sys._getframe().f_trace_opcodes
            hooking.unwatch("all")
            assert followed and not sys._getframe().f_trace_opcodes
        f()
    ''')


# Attributes -----------------------------------------------------------------------------------------------------------

class Plain:
    x = 0


class Slotted:
    __slots__ = ("x",)


class WeakSlotted:
    __slots__ = ("x", "__weakref__")


class Setter:
    def __setattr__(self, name, value):
        vars(self)[name] = value


class Mixed(Slotted):
    pass


class Property:
    @property
    def p(self):
        return self.x

    @p.setter
    def p(self, value):
        self.x = value


@dataclasses.dataclass(frozen=True)
class Frozen:
    x: int = 0


ATTRIBUTE_STORES = {
    "o.x = 1": [1],
    "o.x += 1": [1],
    "setattr(o, 'x', 1)": [1],
    "object.__setattr__(o, 'x', 1)": [1],
    "o.p = 1": [1],
    "del o.x": [unbound],
    "delattr(o, 'x')": [unbound],
    "o.x = 0": [],
    "o.y = 1": [],
    "for o.x in (1, 2):\n    pass": [1, 2],
    "def f(self):\n    for i in range(2000):\n        self.x = i // 1000\nf(o)": [1],
}


@pytest.mark.parametrize("cls", [Plain, Slotted, WeakSlotted, Setter, Mixed, Property, Frozen])
@pytest.mark.parametrize("store", ATTRIBUTE_STORES)
def test_each_way_to_set_an_attribute(cls, store):
    o = cls()
    object.__setattr__(o, "x", 0)
    source = f'watch("o.x", call=seen)\n{store}\ny = 1'
    source = f"try:\n{textwrap.indent(source, '    ')}\nexcept AttributeError: pass"
    seen = run(source, o=o)
    if seen or cls in (Plain, Mixed, Property) and store != "o.p = 1":
        values = [new for _, new in seen]
        assert values == ATTRIBUTE_STORES[store]
    assert type(o) is cls


def test_attributes_of_classes_and_modules():
    module = types.ModuleType("module")
    module.x = 0
    assert run('watch("m.x", call=seen)\nm.x = 1\nm.x = 2\ny = 1', m=module) == [(0, 1), (1, 2)]
    assert run('watch("C.x", call=seen)\nC.x = 1\nsetattr(C, "x", 0)\ny = 1', C=Plain) == [(0, 1), (1, 0)]


def test_an_attribute_of_its_class_is_its_value_until_it_has_one_of_its_own():
    assert run('watch("o.x", call=seen)\no.x = 1\ny = 1', o=Plain()) in ([(unbound, 1)], [(0, 1)])


def test_an_object_is_not_kept_alive():
    for cls in Plain, WeakSlotted:
        o = cls()
        o.x = object()
        dead = weakref.ref(o)
        watch = hooking.watch("o.x", call=print)
        del o
        forget_snapshot()
        gc.collect()
        watch.value
        assert dead() is None
        watch.remove()


@pytest.mark.parametrize("target, error, said", [
    ("o.p", TypeError, "computed when it is read"),
    ("5 .real", TypeError, "computed when it is read"),
    ("5 .other", TypeError, "no dictionary"),
    ("int.x", TypeError, "built-in class"),
    ("o.missing.x", AttributeError, "missing"),
    ("o.__x", ValueError, "in Property _Property__x. Watch that"),
    ("o.__class__.__x", ValueError, "in Property _Property__x. Watch that"),
    ("nowhere.x", NameError, "nowhere"),
    ("nowhere", NameError, "not defined"),
    ("print", NameError, "waits for a global"),
    ("d[[]]", TypeError, "unhashable"),
    ("d[1 / 0]", ZeroDivisionError, "division"),
    ("t[0]", TypeError, r"not of this object \(tuple\)"),
    ("u['x']", TypeError, "UserDict"),
    ("l['x']", TypeError, "by its number"),
    ("l[1:2]", TypeError, "by its number"),
    ("l[10 ** 30]", OverflowError, "."),
    ("d", ValueError, None),
    ("1 + 1", ValueError, "nothing that changes"),
    ("f()", ValueError, "nothing that changes"),
    ("", SyntaxError, "no target"),
    (" ", SyntaxError, "no target"),
    ("x = 1", SyntaxError, "."),
    ("global a.b", SyntaxError, "."),
])
def test_what_cannot_be_watched(target, error, said):
    names = {"o": Property(), "d": {}, "t": (1,), "l": [1], "u": collections.UserDict(x=1), "target": target}
    if said is None:
        run('watch(target)', **names)
        return
    with pytest.raises(error, match=said):
        run('watch(target, call=seen)', **names)
    assert hooking.unwatch("all") == 0


def test_a_target_that_does_not_parse_is_told_without_the_parsers_frames():
    with pytest.raises(SyntaxError) as raised:
        hooking.watch("1 +")
    assert raised.traceback[-1].path == raised.traceback[0].path


@pytest.mark.parametrize("arguments, error", [
    ({"target": 1}, TypeError), ({}, TypeError), ({"target": "x", "when": 1}, TypeError),
    ({"target": "x", "call": 1}, TypeError), ({"target": "x", "when": "1 +"}, SyntaxError),
    ({"target": "x", "depth": -1}, ValueError), ({"target": "x", "depth": 10000}, ValueError),
    ({"target": "x", "other": 1}, TypeError),
])
def test_arguments(arguments, error):
    x = 1
    with pytest.raises(error):
        hooking.watch(**arguments)
    assert x and hooking.unwatch("all") == 0


@pytest.mark.parametrize("owner", ["module", "module's subclass", "class", "class's class"])
def test_attributes_of_modules_and_classes(owner):
    """The module's own code changes them as globals."""
    module = {"module": types.ModuleType, "module's subclass": type("Module", (types.ModuleType,), {})}.get(owner)
    names = module("m") if module else type("m", (), {}) if owner == "class" else type("Meta", (type,), {})("m", (), {})
    names.x = 0
    seen = run("""
        watch("m.x", call=seen)
        m.x = 1
        m.x += 1
        add(m)
        y = 1
    """, m=names, add=add_as_global if module else add_by_setattr)
    assert seen == [(0, 1), (1, 2), (2, 3), (3, 4)]


def add_as_global(module):
    exec("def add():\n    global x\n    x += 1\n    x += 1\nadd()", module.__dict__)


def add_by_setattr(owner):
    type.__setattr__(owner, "x", 3)
    setattr(owner, "x", 4)


# Items ----------------------------------------------------------------------------------------------------------------

class Key:
    """One whose comparing runs code."""

    def __init__(self, value):
        self.value = value

    def __hash__(self):
        return hash(self.value)

    def __eq__(self, other):
        [x for x in range(3)]
        return self.value == getattr(other, "value", other)


DICT_STORES = {
    "d[k] = 1": [1],
    "d[k] += 1": [1],
    "d.update({k: 1})": [1],
    "d |= {k: 1}": [1],
    "d.setdefault(k, 5)": [],
    "d.pop(k)": [unbound],
    "del d[k]": [unbound],
    "d.clear()": [unbound],
    "d.clear()\nd[k] = 0": [unbound, 0],
    "while d: d.popitem()": [unbound],
    "d['other'] = 1": [],
    "d[k] = 0": [],
    "for d[k] in (1, 2):\n    pass": [1, 2],
    "d.__init__({k: 1})": [1],
    "for i in range(100):\n    d[i + 10] = i": [],
}


@pytest.mark.parametrize("make", [dict, collections.OrderedDict, collections.Counter])
@pytest.mark.parametrize("store", DICT_STORES)
def test_each_way_to_set_an_item_of_a_dict(store, make):
    for key in "a", 1, 1.5, (1, "a"), None, Key("a"), b"a":
        seen = run(f'watch("d[k]", call=seen)\n{store}\ny = 1\nunwatch("all")', d=make({key: 0}), k=key)
        assert [new for _, new in seen] == DICT_STORES[store], key


def test_an_equal_key_is_the_same_key():
    assert run('watch("d[1]", call=seen)\nd[1.0] = 2\nd[True] = 3\ny = 1', d={1: 1}) == [(1, 2), (2, 3)]


LIST_STORES = {
    "l[1] = 5": [5],
    "l[1] += 5": [7],
    "l[-2] = 5": [5],
    "l[0] = 5": [],
    "del l[1]": [3],
    "del l[0]": [3],
    "l[:] = [7, 8]": [8],
    "l[0:1] = [7, 8]": [8],
    "l.append(4)": [],
    "l += [4]": [],
    "l *= 0": [unbound],
    "l.insert(0, 4)": [1],
    "l.pop(0)": [3],
    "l.remove(1)": [3],
    "l.clear()": [unbound],
    "l.extend((4, 5))": [],
    "l.sort(reverse=True)\nl.reverse()\nl.insert(0, 9)": [1],
    "l.reverse()": [],
    "l.__setitem__(1, 5)": [5],
    "list.__setitem__(l, 1, 5)": [5],
    "l.__init__([8, 9])": [9],
    "for l[1] in (5, 6):\n    pass": [5, 6],
    "a, l[1] = 1, 5": [5],
    "import heapq\nheapq.heapify(l)\nl.insert(1, 0)": [0],
    "list(map(l.append, [7, 8]))": [],
}


@pytest.mark.parametrize("where", ["module", "function"])
@pytest.mark.parametrize("make", [list, type("List", (list,), {})])
@pytest.mark.parametrize("store", LIST_STORES)
def test_each_way_to_set_an_item_of_a_list(store, make, where):
    body = store if where == "module" else f"def f(l):\n{textwrap.indent(store, '    ')}\nf(l)"
    seen = run(f'watch("l[1]", call=seen)\n{body}\ny = 1\n', l=make([1, 2, 3]))
    assert [new for _, new in seen] == LIST_STORES[store]


def test_an_item_that_is_not_there_yet_and_one_from_the_end():
    seen = run('watch("l[3]", call=seen)\nwatch("l[-1]", call=seen)\nl.append(4)\nl.pop()\ny = 1', l=[1, 2, 3])
    assert sorted(seen, key=str) == sorted([(unbound, 4), (3, 4), (4, unbound), (4, 3)], key=str)


@pytest.mark.parametrize("make", [dict, list, collections.OrderedDict, type("List", (list,), {})])
def test_a_container_is_not_kept_alive(make):
    class Value:
        pass
    value = Value()
    dead = weakref.ref(value)
    container = make([(0, value)]) if make is not list and issubclass(make, dict) else make([value])
    watch = hooking.watch("container[0]", call=print)
    del container, value
    forget_snapshot()
    len([])
    watch.value
    assert not watch.active or not watch.value
    watch.remove()
    gc.collect()
    assert dead() is None


# Conditions, calls, the object ----------------------------------------------------------------------------------------

def test_when_is_asked_where_it_was_done():
    seen = run('''
        x = 0
        limit = 2
        when = "new > limit and name == 'f' and [old for _ in '1'] and any(n == new for n in [new])"
        watch("x", when=when, call=seen)
        def f(n):
            global x
            name = "f"
            x = n
        for i in range(5):
            f(i)
    ''')
    assert seen == [(2, 3), (3, 4)]


def test_conditions_are_not_kept():
    import linecache
    before = len(linecache.cache)
    seen = run("""
        x = 0
        watch("x", when="any(n == new for n in [5])", call=seen)
        for i in range(50):
            x = i
    """)
    assert seen == [(4, 5)] and len(linecache.cache) <= before + 1


def test_when_may_be_a_callable():
    assert run('x = 0\nwatch("x", when=lambda old, new: new % 2, call=seen)\nx = 1\nx = 2\nx = 3\ny = 1') \
        == [(0, 1), (2, 3)]


def test_what_when_and_call_change_is_no_change():
    seen = run('''
        x = 0
        def when(old, new):
            global x
            x += 100
            return True
        w = watch("x", when=when, call=seen)
        x = 1
        x = 5
        hits = w.hits
        w.remove()
    ''')
    assert seen == [(0, 1), (101, 5)]


def test_what_call_and_when_raise_goes_to_the_program():
    source = '''
        x = 0
        watch("x", call=call, when=when)
        try:
            x = 1
            y = 1
        except ArithmeticError:
            seen("caught", None, w)
    '''

    def fails(*args):
        raise ArithmeticError
    w = types.SimpleNamespace(line=0, function="")
    assert run(source, call=fails, when=None, w=w) == [("caught", None)]
    assert run(source, call=print, when=fails, w=w) == [("caught", None)]


def test_the_object():
    x = 1
    seen = Seen()
    with hooking.watch("x", call=seen, when="True") as watch:
        assert (watch.target, watch.value, watch.hits, watch.condition, watch.line, watch.file) \
            == ("x", 1, 0, "True", 0, None)
        x = 2
        assert watch.active and watch.value == 2 and watch.hits == 1
        assert watch.file == __file__ and watch.function == "test_the_object"
        assert watch.old is unbound and watch.new is unbound, "it keeps nothing alive"
        assert repr(watch) == f"<hooking._core.Watch {watch.number}: x>".replace("_core.", "")
    assert not watch.active and watch.value is unbound and repr(watch).endswith(": x, ended>")
    x = 3
    assert seen == [(1, 2)] and x == 3
    watch.remove()
    assert hooking.unwatch(watch) == 0
    assert repr(unbound) == "(unbound)" and not unbound
    with pytest.raises(TypeError):
        type(watch)()


def test_unwatch():
    x = y = 0
    watches = [hooking.watch("x", call=print), hooking.watch("y", call=print), hooking.watch("x", call=print)]
    assert hooking.unwatch("x") == 2 and [watch.active for watch in watches] == [False, True, False]
    assert hooking.unwatch(watches[1].number) == 1 and hooking.unwatch("all") == 0
    for which, error in (("x", ValueError), (10 ** 30, ValueError), (-1, ValueError), (None, TypeError)):
        with pytest.raises(error):
            hooking.unwatch(which)
    assert x == y


@monitors
@pytest.mark.parametrize("when", ["new > 100", "y == 5 and new"])
def test_conditions_leave_the_snapshot_of_locals_alone(when):
    """The program may hold the dict that locals() has returned."""
    def f(cond):
        x, y = 0, 5
        if cond:
            hooking.watch("x", when=when, call=lambda *_: None)
        snapshot = locals()
        x = 1
        y = 6
        return sorted(snapshot)
    assert f(True) == f(False)


@pytest.mark.parametrize("when, values", [
    ("y == 5", [1, 2]), ("new == 2 and y", [2]), ("g and cell == 3", [1, 2]), ("locals()['y'] == 5", [1, 2]),
    ("'y' in dir() and eval('y') == 5", [1, 2]), ("x == 2", [2]), ("len(old) if 0 else old", [2])])
def test_what_a_condition_sees(when, values):
    seen = run("""
        g = 1
        def f():
            x, y, cell = 0, 5, 3
            def inner(): return cell
            watch("x", when=when, call=seen)
            x = 1
            x = 2
            del y
        f()
    """, when=when)
    assert [new for _, new in seen] == values


# Others, and the end --------------------------------------------------------------------------------------------------

@pytest.mark.skipif(not MONITORING, reason="sys.monitoring is there from 3.12 on")
def test_beside_other_tools():
    """All places are taken: the lines are traced. Nothing of the others' is touched."""
    mine = [tool for tool in range(6) if sys.monitoring.get_tool(tool) is None]
    for tool in mine:
        sys.monitoring.use_tool_id(tool, f"tool {tool}")
    try:
        seen = run("""
            x = 0
            l = [1]
            def f():
                z = 0
                watch("z", call=seen)
                z = 5
            watch("x", call=seen)
            watch("l[0]", call=seen)
            x = 1
            l[0] = 2
            f()
            y = 1
        """)
        assert seen == [(0, 1), (1, 2), (0, 5)] and seen.lines == [10, 11, 7]
        with pytest.raises(RuntimeError, match="all of sys.monitoring"):
            run('x = 1\nwatch("x", read=True)')
        hooking.unwatch("all")
        sys.settrace(lambda *args: None)
        try:
            with pytest.raises(RuntimeError, match="a debugger or another tool"):
                run('x = 1\nwatch("x")')
        finally:
            sys.settrace(None)
    finally:
        for tool in mine:
            sys.monitoring.free_tool_id(tool)


@pytest.mark.skipif(MONITORING, reason="3.12 on has sys.monitoring")
def test_beside_a_debugger_before_312():
    def trace(*args):
        return trace
    sys.settrace(trace)
    try:
        with pytest.raises(RuntimeError, match="a debugger or another tool"):
            run('x = 1\nwatch("x")')
        assert sys.gettrace() is trace
    finally:
        sys.settrace(None)


@pytest.mark.skipif(not MONITORING, reason="before 3.12 there is one trace function")
@pytest.mark.parametrize("disables", [False, True])
def test_another_tool_that_asks_for_instructions_later_silences_nothing(disables):
    tool = next(tool for tool in range(6) if sys.monitoring.get_tool(tool) is None)
    instruction = sys.monitoring.events.INSTRUCTION

    def begin(code):
        sys.monitoring.use_tool_id(tool, "another")
        sys.monitoring.register_callback(tool, instruction,
                                         lambda code, at: sys.monitoring.DISABLE if disables else None)
        sys.monitoring.set_local_events(tool, code, instruction)

    def end(code):
        sys.monitoring.set_local_events(tool, code, 0)
        sys.monitoring.register_callback(tool, instruction, None)
        sys.monitoring.free_tool_id(tool)
    seen = run("""
        def f():
            x, items = 0, [0]
            watch("x", call=seen)
            watch("items[0]", call=seen)
            x = 1
            begin(f.__code__)
            x = 2
            items[0] = "a"
            x = 3
            end(f.__code__)
            x = 4
            items[0] = "b"
            return x
        f()
    """, begin=begin, end=end)
    assert [new for _, new in seen] == [1, 2, "a", 3, 4, "b"]


@pytest.fixture
def coverage():
    """A tool that switches the event of each line off when it has come once, as coverage does."""
    tool, events = next(tool for tool in range(6) if sys.monitoring.get_tool(tool) is None), sys.monitoring.events
    sys.monitoring.use_tool_id(tool, "another")
    sys.monitoring.register_callback(tool, events.LINE, lambda code, line: sys.monitoring.DISABLE)
    sys.monitoring.set_events(tool, events.LINE)
    yield
    sys.monitoring.set_events(tool, 0)
    sys.monitoring.register_callback(tool, events.LINE, None)
    sys.monitoring.free_tool_id(tool)


@pytest.mark.skipif(not MONITORING, reason="before 3.12 there is one trace function")
def test_another_tool_that_hears_of_each_line_once_hides_nothing(coverage):
    seen = run("""
        class Slotted:
            __slots__ = ("slot",)
        def f():
            x = shared = 0
            items, slotted = [0], Slotted()
            slotted.slot = 0
            def bind():
                nonlocal shared
                shared = "shared"
            for target in ("x", "shared", "items[0]", "slotted.slot"):
                watch(target, call=seen)
            x = 1
            items[0] = "a"
            x = 2
            slotted.slot = "b"
            bind()
            x = 3
            return x
        f()
        f()
    """)
    assert [new for _, new in seen] == 2 * [1, "a", 2, "b", "shared", 3]


@pytest.mark.skipif(not MONITORING, reason="before 3.12 there is one trace function")
def test_reading_beside_another_tool_that_hears_of_each_line_once(coverage):
    seen = run("""
        x = 0
        def f():
            watch("x", read=True, call=seen)
            x
            y = (
                x)
            x; x
            return x
        f()
    """)
    assert seen.lines == [5, 7, 8, 8, 9]


@pytest.mark.skipif(not MONITORING, reason="before 3.12 there is one trace function")
@pytest.mark.parametrize("event", ["LINE", "INSTRUCTION", "PY_RETURN"])
def test_another_tool_hears_what_it_did_before(event):
    lines = []
    tool = next(tool for tool in range(6) if sys.monitoring.get_tool(tool) is None)
    sys.monitoring.use_tool_id(tool, "another")
    bit = getattr(sys.monitoring.events, event)
    sys.monitoring.register_callback(tool, bit, lambda code, at, *rest: lines.append(at)
                                     if code.co_filename == "program.py" else None)
    source = """
        def f():
            global x
            x = x + 1
            y = [x for x in range(3)]
            return y
        x = 0
        {}
        f()
        f()
    """
    try:
        sys.monitoring.set_events(tool, bit)
        run(source.format("pass"))
        alone, lines[:] = lines[:], []
        seen = run(source.format('watch("x", call=seen)'))
        both = [line for line in lines]
        assert seen == [(0, 1), (1, 2)]
        assert len(both) >= len(alone) and (event == "INSTRUCTION" or len(both) == len(alone))
    finally:
        sys.monitoring.set_events(tool, 0)
        sys.monitoring.register_callback(tool, bit, None)
        sys.monitoring.free_tool_id(tool)


@pytest.mark.skipif(not MONITORING, reason="before 3.12 there is one trace function")
@pytest.mark.parametrize("opcodes", [False, True])
def test_a_debugger_steps_as_before(opcodes):
    steps = []

    def trace(frame, event, arg):
        if frame.f_code.co_filename == "program.py":
            frame.f_trace_opcodes = opcodes
            steps.append((event, frame.f_lineno))
            return trace
    source = """
        import sys
        d = {"k": 0}
        def f():
            y = 0
            %s
            d["k"] = d["k"] + 1
            y = 1
            return y
        %s
        sys.settrace(trace)
        f()
        f()
        sys.settrace(None)
    """
    run(source % ("pass", "pass"), trace=trace)
    alone, steps[:] = steps[:], []
    seen = run(source % ("pass", """watch("d['k']", call=seen)"""), trace=trace)
    assert seen == [(0, 1), (1, 2)]
    assert steps == alone if not opcodes else len(steps) >= len(alone)


def test_a_dictionary_that_is_replaced():
    class Box:
        pass
    box = Box()
    box.x = 1
    watch = hooking.watch("box.x", call=print)
    box.__dict__ = {"x": 2}
    len([])
    gc.collect()
    assert not watch.active or not MONITORING


def test_a_generator_that_is_let_go_of():
    def f(value):
        x = value
        yield hooking.watch("x", call=print)
    value = Plain()
    dead = weakref.ref(value)
    generator = f(value)
    watch = next(generator)
    del value, generator
    gc.collect()
    assert watch.value is unbound
    watch.remove()
    gc.collect()
    assert dead() is None


def test_cprofile_and_watch():
    import cProfile
    profile = cProfile.Profile()
    profile.enable()
    try:
        assert run('x = 0\nwatch("x", call=seen)\nx = 1\ny = 1') == [(0, 1)]
    finally:
        profile.disable()


def child(source, **settings):
    program = textwrap.dedent(source)
    return subprocess.run([sys.executable, "-X", "faulthandler", "-c", program], stdin=subprocess.DEVNULL,
                          start_new_session=True, text=True, capture_output=True, **settings)


TARGETS = """
    import hooking, sys, threading, os
    class S: __slots__ = ("a",)
    class P: pass
    def all_of_them(call=None):
        global x, s, p, d, l
        x, s, p, d, l = 0, S(), P(), {"k": 0}, [0]
        s.a = p.a = 0
        return [hooking.watch(target, call=call) for target in ("global x", "s.a", "p.a", "d['k']", "l[0]")]
"""


def test_the_interpreter_ends_with_watches():
    done = child(TARGETS + """
    import atexit
    seen = []
    def f():
        y = 0
        w = all_of_them(lambda *args: seen.append(args[:2]))
        w.append(hooking.watch("y", call=seen.append))
        return w
    def last():
        global x
        x = 7
        print(len(seen))
    atexit.register(last)
    kept = f()
    def g():
        y = 0
        hooking.watch("y", call=print)
        yield
    h = g()
    next(h)
    x = 1
    p.a = 2
    """)
    assert (done.returncode, done.stdout, done.stderr) == (0, "3\n", "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_child_of_fork_goes_on_watching():
    done = child(TARGETS + """
    def call(old, new, watch): print(os.getpid() == parent, watch.target, new, flush=True)
    parent = os.getpid()
    w = all_of_them(call)
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        x = 1
        l[0] = 2
        hooking.unwatch("all")
        x = 3
        sys.exit(5)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
    x = 2
    pass
    """)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "False global x 1\nFalse l[0] 2\n5\nTrue global x 2\n"


def test_nobody_to_ask_is_warned_of_once():
    done = child(TARGETS + """
    all_of_them()
    x = 1
    x = 2
    l[0] = 1
    l[0] = 2
    print("end")
    """)
    assert done.returncode == 0 and done.stdout == "end\n"
    assert done.stderr.count("watch 1 at <string>") == 1 and done.stderr.count("watch 5 at <string>") == 1
    assert "not opened" in done.stderr and len(done.stderr.splitlines()) == 2


def test_it_is_told_when_it_ends():
    done = child("""
    import hooking
    def f():
        x = 1
        hooking.watch("x")
    f()
    d = {1: 1}
    hooking.watch("d[1]")
    del d
    print("end")
    """)
    assert done.stderr == ("watch 1: x is gone: its call of f() has ended\n"
                           "watch 2: d[1] is gone: what it was in is no more\n")


def test_hooking_0_switches_it_off():
    done = child(TARGETS + """
    w = all_of_them(print)
    x = 1
    print(w[0].hits, w[0].active)
    """, env={**os.environ, "HOOKING": "0"})
    assert (done.returncode, done.stdout, done.stderr) == (0, "0 True\n", "")


def test_with_hooking_0_nothing_piles_up():
    done = child("""
    import hooking, weakref
    def f():
        x = 0
        return hooking.watch("x")
    watch = f()
    for i in range(100): f()
    print(hooking.unwatch("all"), hooking.unwatch(watch.number), hooking.unwatch("x"), watch.active)
    watch.remove()
    watch.remove()
    print(watch.active, hooking.unwatch(watch))
    """, env={**os.environ, "HOOKING": "0"})
    assert (done.returncode, done.stdout, done.stderr) == (0, "0 0 0 True\nFalse 0\n", "")


def test_on_and_off_under_threads():
    """Nothing crashes, nothing hangs."""
    done = child(TARGETS + """
    stop = False
    def work():
        global x
        def f(n):
            z = 0
            for i in range(n):
                z += i
            return z
        while not stop:
            x += 1
            p.a = x
            d["k"] = x
            l[0] = x
            s.a = f(5)
    x, s, p, d, l = 0, S(), P(), {"k": 0}, [0]
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads: thread.start()
    hits = 0
    for i in range(60):
        w = all_of_them(lambda *args: None)
        def f():
            y = 0
            v = hooking.watch("y", call=lambda *args: None)
            y = 1
        f()
        hits += w[0].hits
        for one in w: one.remove()
    stop = True
    for thread in threads: thread.join()
    print("end")
    """, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "end\n", "")


@pytest.mark.skipif(not MONITORING, reason="before 3.12 only the thread that watches is heard of")
def test_in_asyncio_tasks():
    async def change(box, name, value):
        await asyncio.sleep(0)
        setattr(box, name, value)
        await asyncio.sleep(0)

    async def main():
        box = Plain()
        box.x = 0
        seen = Seen()
        hooking.watch("box.x", call=seen)
        await asyncio.gather(*(change(box, "x", n) for n in range(1, 4)), change(box, "other", 9))
        return seen
    seen = asyncio.run(main())
    assert [new for _, new in seen] == [1, 2, 3] and set(seen.functions) == {"change"}


def test_an_exception_right_behind_the_change():
    seen = run("""
        def fails():
            yield "k", 1
            raise ValueError
        def f(d):
            d.update(fails())
        d = {"k": 0}
        watch("d['k']", call=seen)
        try:
            f(d)
        except ValueError:
            pass
        y = 1
    """)
    assert seen == [(0, 1)] and (not MONITORING or seen.lines == [6])


def test_watching_in_a_watched_loop_costs_no_memory():
    x = 0
    seen = Seen()
    for _ in range(300):
        with hooking.watch("x", call=seen):
            x += 1
    assert len(seen) == 300 and x == 300


@pytest.mark.parametrize("every", [1, 10, 300, 3000])
def test_a_store_at_the_end_of_a_branch(every):
    """What stands behind it is reached without it, too: however often it happens, none is missed."""
    seen = run("""
        def f():
            x = y = 0
            watch("x", call=seen)
            watch("y", call=seen)
            for i in range(1, 20001):
                if i % every == 0:
                    x = i
                if i % 5000 == 0:
                    y = i
            for i in range(20001, 20500):
                if i:
                    x = i
        f()
    """, every=every)
    wanted = [i for i in range(1, 20001) if i % every == 0] + list(range(20001, 20500))
    xs = [new for new in (new for _, new in seen)]
    for y in (5000, 10000, 15000, 20000):
        xs.remove(y)
    assert sorted(xs) == wanted


def test_long_functions():
    """With EXTENDED_ARG before many instructions."""
    body = "".join(f"    x{i} = {i + 1000}\n" for i in range(600))
    seen = run(f"""def f():
    x = 0
    watch("x", call=seen)
    watch("last", call=seen)
{body}
    x = 1
    x599 = x598
    last = 5
    x599 = x598
    del x
    x599 = x598
    last = x597
    return x599
    last = 0
f()
""")
    assert seen == [(0, 1), (unbound, 5), (1, unbound), (5, 1597)]


@pytest.mark.skipif(not MONITORING, reason="before 3.12 there is no sys.monitoring")
def test_plans_of_many_functions():
    """More code objects than plans are kept of."""
    seen = run("""
        l = [0]
        def f():
            x = 0
            watch("x", call=seen)
            watch("l[0]", call=seen)
            for i in range(6000):
                exec(f"l[1:] = [{i}]")
                if i % 1000 == 999:
                    x = i
            exec("l[0] = 'end'")
        f()
    """)
    assert [new for _, new in seen] == [*range(999, 6000, 1000), "end"]


def test_a_second_watch_of_the_same():
    seen = run('x = 0\na = watch("x", call=seen)\nb = watch("x", call=seen)\nx = 1\na.remove()\nx = 2\ny = 1')
    assert seen == [(0, 1), (0, 1), (1, 2)]


def test_several_kinds_at_once():
    seen = run("""
        class S: __slots__ = ("a",)
        d, l, s, x = {"k": 0}, [0], S(), 0
        def f():
            global x
            z = 0
            watch("z", call=seen)
            for i in range(1, 3):
                z = i
                x = i + 10
                d["k"] = i + 20
                l[0] = i + 30
                s.a = i + 40
        for target in ("x", "d['k']", "l[0]", "s.a"):
            watch(target, call=seen)
        f()
        y = 1
    """)
    assert [new for _, new in seen] == [1, 11, 21, 31, 41, 2, 12, 22, 32, 42]


def test_a_thread_waits_in_the_call_of_another(event=threading.Event):
    """What a change in one thread has called does not keep the others from changing things."""
    done = event()

    def call(old, new, watch):
        if new == 1:
            thread = threading.Thread(target=lambda: (box.update(other=1), box.update(k=2), done.set()))
            thread.start()
            assert done.wait(20)
            thread.join()
    box = {"k": 0}
    with hooking.watch("box['k']", call=call):
        box["k"] = 1
        len(box)
    assert done.is_set() and box["k"] == 2


def test_the_line_that_stores_what_a_call_returns():
    seen = run("""
        def compute():
            a = 1
            return a
        def f():
            t = 0
            watch("t", call=seen)
            t = compute()
            t = (
                compute()
                + 1)
            y = 1
        total = 0
        watch("total", call=seen)
        total = 5
        total = compute()
        y = 1
        f()
    """)
    assert seen == [(0, 5), (5, 1), (0, 1), (1, 2)] and seen.functions == ["<module>"] * 2 + ["f"] * 2
    assert seen.lines[:3] == [15, 16, 8] and 9 <= seen.lines[3] <= 11


# Where no event comes -------------------------------------------------------------------------------------------------

def call_from_trace(change, function):
    sys.settrace(lambda frame, event, _: change() if frame.f_code is function.__code__ else None)
    function()
    sys.settrace(None)


def call_from_profile(change, function):
    sys.setprofile(lambda frame, event, _: change() if frame.f_code is function.__code__ and event == "call" else None)
    function()
    sys.setprofile(None)


def call_from_monitoring(change, function):
    start = sys.monitoring.events.PY_START
    sys.monitoring.use_tool_id(3, "test")
    sys.monitoring.register_callback(3, start, lambda *_: change())
    sys.monitoring.set_local_events(3, function.__code__, start)
    function()
    sys.monitoring.set_local_events(3, function.__code__, 0)
    sys.monitoring.register_callback(3, start, None)
    sys.monitoring.free_tool_id(3)


@monitors
@pytest.mark.parametrize("call", [call_from_trace, call_from_profile, call_from_monitoring])
def test_what_a_callback_of_another_tool_changes(call):
    """No instruction of it is told. The next one is: of the code that it was called from."""
    seen = run("""
        g = 0
        watch("g", call=seen)
        def change():
            global g
            g += 1
        def f():
            pass
        call(change, f)
        g = 50
        g = 51
    """, call=call)
    assert seen == [(0, 1), (1, 50), (50, 51)] and seen.lines == [6, 10, 11]


@monitors
def test_what_a_callback_changes_deep_below(depth=200):
    """Farther than callers are asked for: it is told with the next change."""
    def change():
        box["k"] += 1

    for level in range(depth):
        exec(f"def call{level}(): {f'call{level - 1}()' if level else 'change()'}", names := {"change": change, **(
            {f"call{level - 1}": names[f"call{level - 1}"]} if level else {})})
    box, seen = {"k": 0}, Seen()
    hooking.watch("box['k']", call=seen)
    call_from_trace(names[f"call{depth - 1}"], lambda: None)
    box["k"] = 7
    box["k"] = 8
    assert seen == [(0, 1), (1, 7), (7, 8)]


@monitors
def test_what_a_thread_without_python_code_changes():
    """Whichever thread runs Python code next tells of it; after that nothing is slower than before."""
    box, seen = {"k": 0}, Seen()
    hooking.watch("box['k']", call=seen)
    for value in 1, 2:
        start_in_c(box.__setitem__, "k", value)
        while box["k"] != value:
            pass
    box["k"] = 3
    assert seen == [(0, 1), (1, 2), (2, 3)]
    tool = [sys.monitoring.get_tool(tool) for tool in range(6)].index("hooking watch")
    assert sys.monitoring.get_events(tool) & sys.monitoring.events.INSTRUCTION == 0


def start_in_c(function, *arguments):
    import _thread
    _thread.start_new_thread(function, arguments)


@monitors
def test_a_thread_that_ends_before_it_could_tell():
    """Its last change is one of a callback: another thread tells of it."""
    seen = run("""
        import sys
        d = {"k": 0}
        watch("d['k']", call=seen)
        def end(mark):
            mark()
            sys.setprofile(lambda frame, event, _: d.update(k=1) if event == "return" and d["k"] == 0 else None)
        start(end)
        y = 1
        d["k"] = 2
        y = 2
    """, start=Ending)
    assert seen == [(0, 1), (1, 2)]


class Ending:
    """Start a function in a thread of _thread's, in which no other Python code runs, and wait until that has ended. The
    function is given what to call first."""

    class Mark:
        pass

    def __init__(self, function):
        ended, here, marks = queue.SimpleQueue(), threading.local(), []

        def mark():
            here.mark = self.Mark()
            marks.append(weakref.ref(here.mark, ended.put))
        start_in_c(function, mark)
        assert ended.get(timeout=20) is marks[0]


@monitors
def test_changes_of_threads_that_meet_within_calls(threads=4, each=500):
    """A thread that is to tell of its change does not keep the others from noting theirs."""
    def work(number):
        for i in range(each):
            box.update(k=(number, i))
    box, seen, interval = {"k": 0}, [], sys.getswitchinterval()
    hooking.watch("box['k']", call=lambda old, new, watch: seen.append(new))
    sys.setswitchinterval(1e-6)
    try:
        workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
        [worker.start() for worker in workers]
        [worker.join() for worker in workers]
    finally:
        sys.setswitchinterval(interval)
    assert len(seen) == len(set(seen)) == threads * each


@monitors
@pytest.mark.parametrize("module, name", [(sys, "gettrace"), (sys, "getprofile")] + [
    (getattr(sys, "monitoring", None), name) for name in (
        "get_tool", "get_events", "get_local_events", "set_events", "set_local_events", "restart_events")])
def test_no_python_code_runs_while_a_dictionary_changes(module, name, monkeypatch):
    """Somebody has put a function of theirs in the place of one that is asked there."""
    box, other, seen = {"k": 0}, {}, Seen()
    own = getattr(module, name)

    def put(*arguments):
        other["z"] = other.get("z", 0) + 1
        return own(*arguments)
    hooking.watch("box['k']", call=seen)
    hooking.watch("other['z']", call=lambda *_: None)
    monkeypatch.setattr(module, name, put)
    box["k"] = 1
    box["k"] = 2
    assert seen == [(0, 1), (1, 2)] and not other
    hooking.unwatch("all")
    hooking.watch("box['k']", call=seen)        # by other ways, if need be
    other.clear()
    box["k"] = 3
    box["k"] = 4
    assert seen[2:] == [(2, 3), (3, 4)] and (module is not sys or not other)


@monitors
@pytest.mark.parametrize("opcodes", [False, True], ids=["lines", "opcodes"])
@pytest.mark.parametrize("traced", [False, True], ids=["new frames", "this frame"])
def test_a_trace_function_that_is_set_later(opcodes, traced):
    """What it asks for of a code object that has instructions of interest costs none of these."""
    def trace(frame, event, argument):
        return trace
    seen = run("""
        import sys
        def f():
            x = 0
            l = [0]
            watch("x", call=seen)
            watch("l[0]", call=seen)
            if traced:
                sys._getframe().f_trace = trace
                sys._getframe().f_trace_opcodes = opcodes
            sys.settrace(trace)
            x = 1
            l[0] = 2
            x = 3
            l[0] = 4
            sys.settrace(None)
            x = 5
            l[0] = 6
            return l
        f()
    """, trace=trace, traced=traced, opcodes=opcodes)
    assert seen == [(0, 1), (0, 2), (1, 3), (2, 4), (3, 5), (4, 6)]


@monitors
def test_pdb_that_is_opened_later(tmp_path):
    import io
    import pdb
    output = io.StringIO()
    seen = run("""
        def f(l):
            x = 0
            watch("x", call=seen)
            watch("l[0]", call=seen)
            pdb.Pdb(stdin=stdin, stdout=output, nosigint=True, readrc=False).set_trace()
            y = 1
            x = 1
            l[0] = 2
            x = 3
            y = 2
        f([0])
    """, pdb=pdb, stdin=io.StringIO("!l[0] = 9\nn\nn\nn\nn\nc\n"), output=output)
    assert sorted(seen) == [(0, 1), (0, 9), (1, 3), (9, 2)]


@monitors
def test_no_second_place_is_needed():
    """With one place left it goes without."""
    taken = [tool for tool in range(6) if sys.monitoring.get_tool(tool) is None][1:]
    for tool in taken:
        sys.monitoring.use_tool_id(tool, "test")
    try:
        seen = run("""
            l = [0]
            watch("l[0]", call=seen)
            l[0] = 1
            l[0] = 2
            unwatch("all")
        """)
        assert seen == [(0, 1), (1, 2)]
    finally:
        for tool in taken:
            sys.monitoring.free_tool_id(tool)


def test_a_comprehension_has_borrowed_the_place_of_a_shared_variable():
    """Another function's variable of that name changes meanwhile."""
    seen = run("""
        def other():
            x = 0
            def step():
                nonlocal x
                x += 1
                return x
            return step
        def f():
            x = 1
            def reader(): return x
            watch("x", call=seen)
            step = other()
            values = [step() for x in range(3)]
            x = 2
            y = values
            return reader()
        assert f() == 2
    """)
    assert seen == [(1, 2)]


@monitors
def test_a_call_that_fails_in_a_thread_that_ends(monkeypatch):
    """A watch beside, which that thread was about to tell of, is told of by another."""
    monkeypatch.setattr(sys, "unraisablehook", id)      # no Python code, which could be told something
    def fail(old, new, watch):
        raise ValueError

    seen = run("""
        l = [0]
        first = watch("l[0]", call=fail)
        watch("l[0]", call=seen)
        def f(mark):
            mark()
            l[0] = 1
            y = 1
        start(f)
        unwatch(first)
        l[0] = 2
        y = 1
        l[0] = 3
        y = 1
    """, fail=fail, start=Ending)
    assert [new for _, new in seen][-2:] == [2, 3]


@pytest.mark.skipif(MONITORING, reason="from 3.12 on no trace function is needed")
def test_a_trace_function_that_somebody_else_has_set():
    seen = run("""
        import sys
        g = h = 0
        watch("g", call=seen)
        sys.settrace(lambda *_: None)
        try:
            watch("h", call=seen)
        except RuntimeError as error:
            said = str(error)
        sys.settrace(None)
        assert "a debugger or another tool traces this thread" in said
        watch("h", call=seen)
        h = 1
        g = 1
        y = 1
    """)
    assert seen == [(0, 1), (0, 1)]


@pytest.mark.skipif(MONITORING, reason="from 3.12 on no trace function is needed")
def test_the_first_watch_is_set_in_another_thread():
    def work():
        hooking.watch("box['k']", call=seen)
        box["k"] = 1
        set_there.set()
        assert ended.wait(20)
        return traced.append(None)          # a line more
    box, other, seen, traced = {"k": 0}, {"k": 0}, Seen(), []
    set_there, ended = threading.Event(), threading.Event()
    thread = threading.Thread(target=work)
    thread.start()
    assert set_there.wait(20)
    hooking.watch("other['k']", call=seen)
    other["k"] = 2
    box["k"] = 3
    assert seen == [(0, 1), (0, 2), (1, 3)]
    hooking.unwatch("all")
    ended.set()
    thread.join()
    other["k"] = 4
    assert len(seen) == 3 and traced == [None]
