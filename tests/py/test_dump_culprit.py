"""What cannot be pickled is named: the way to it, what it is, and why."""

import collections
import copyreg
import dataclasses
import functools
import pickle
import re
import socket
import sqlite3
import sys
import threading
import types
import weakref

import pytest

from hooking import _core

try:
    import numpy
except ImportError:
    numpy = None


def pickler(file):
    return pickle.Pickler(file, 5)


def failure(obj, name="x", make_pickler=pickler):
    """The exception that pickling raises."""
    with pytest.raises(BaseException) as caught:
        _core._explain(obj, name, make_pickler)
    return caught.value


def explained(obj, name="x", make_pickler=pickler):
    return str(failure(obj, name, make_pickler))


def way(obj, **how):
    """The way to a lambda somewhere in an object."""
    found = re.fullmatch(r"(.*): a lambda cannot be pickled \((Can't pickle .*)\)", explained(obj, **how))
    assert found, explained(obj, **how)
    return found[1]


LAMBDA = lambda: 0                                              # noqa: E731


class Plain:
    def __init__(self, **attributes):
        self.__dict__.update(attributes)


class Slots:
    __slots__ = ("first", "second")

    def __init__(self, first, second):
        self.first = first
        self.second = second


class Both(Slots):
    pass


@dataclasses.dataclass
class Record:
    number: int
    thing: object


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    number: int
    thing: object


Point = collections.namedtuple("Point", "left right")


class List(list):
    pass


class Dict(dict):
    pass


class Tuple(tuple):
    pass


class Set(set):
    pass


def with_attributes(obj, **attributes):
    obj.__dict__.update(attributes)
    return obj


# The way ------------------------------------------------------------------------------------------------------------

WAYS = [
    (lambda: LAMBDA, "x"),
    (lambda: [1, LAMBDA], "x[1]"),
    (lambda: (1, 2, 3, (4, LAMBDA)), "x[3][1]"),
    (lambda: {"a": {7: LAMBDA}}, "x['a'][7]"),
    (lambda: {b"k": {None: {True: {2.5: LAMBDA}}}}, "x[b'k'][None][True][2.5]"),
    (lambda: {("a", (1, 2)): LAMBDA}, "x[('a', (1, 2))]"),
    (lambda: {Plain(): LAMBDA}, "x[<key of type test_dump_culprit.Plain>]"),
    (lambda: {"k" * 100: LAMBDA}, "x['" + "k" * 59 + "…]"),
    (lambda: {1: 2, LAMBDA: 1}, "x (a key of it)"),
    (lambda: [{LAMBDA}], "x[0] (a member of it)"),
    (lambda: frozenset([LAMBDA]), "x (a member of it)"),
    (lambda: Plain(cfg={"callbacks": [1, 2, 3, LAMBDA]}), "x.cfg['callbacks'][3]"),
    (lambda: Plain(**{"no name": LAMBDA}), "x (state of test_dump_culprit.Plain)['no name']"),
    (lambda: Slots([LAMBDA], 2), "x.first[0]"),
    (lambda: with_attributes(Both(1, LAMBDA), third=3), "x.second"),
    (lambda: with_attributes(Both(1, 2), third=LAMBDA), "x.third"),
    (lambda: Record(1, [LAMBDA]), "x.thing[0]"),
    (lambda: Frozen(1, [LAMBDA]), "x.thing[0]"),
    (lambda: Point(1, [LAMBDA]), "x.right[0]"),
    (lambda: List([1, LAMBDA]), "x[1]"),
    (lambda: with_attributes(List([1, 2]), more=LAMBDA), "x.more"),
    (lambda: Dict(a=1, b=[LAMBDA]), "x['b'][0]"),
    (lambda: Dict({LAMBDA: 1}), "x (a key of it)"),
    (lambda: Tuple((1, LAMBDA)), "x[1]"),
    (lambda: Set([LAMBDA]), "x (a member of it)"),
    (lambda: collections.deque([1, 2, LAMBDA]), "x[2]"),
    (lambda: collections.OrderedDict(a=1, b=LAMBDA), "x['b']"),
    (lambda: collections.defaultdict(LAMBDA), "x.default_factory"),
    (lambda: collections.defaultdict(list, {1: LAMBDA}), "x[1]"),
    (lambda: functools.partial(LAMBDA), "x.func"),
    (lambda: functools.partial(print, 1, LAMBDA), "x.args[1]"),
    (lambda: functools.partial(print, k=[LAMBDA]), "x.keywords['k'][0]"),
    (lambda: ValueError(1, LAMBDA), "x.args[1]"),
    (lambda: with_attributes(ValueError(), source=LAMBDA), "x.source"),
    (lambda: ExceptionGroup("both", [ValueError(1), ValueError(LAMBDA)]), "x.exceptions[1].args[0]"),
    (lambda: types.SimpleNamespace(a=[LAMBDA]), "x.a[0]"),
    (lambda: Plain(call=LAMBDA).call, "x"),
    (lambda: Plain(bound=List([LAMBDA]).append), "x.bound.__self__[0]"),
]


@pytest.mark.parametrize("make, expected", WAYS, ids=[expected for _, expected in WAYS])
def test_the_way_is_named(make, expected):
    assert way(make()) == expected


def test_the_way_begins_with_the_name():
    assert way([LAMBDA], name="model.cfg") == "model.cfg[0]"
    assert way([LAMBDA], name=None) == "(the object)[0]"


def test_all_of_the_message():
    assert re.fullmatch(r"model.cfg\['callbacks'\]\[3\]: a lambda cannot be pickled "
                        r"\(Can't pickle <function <lambda> at 0x\w+>: .+\)",
                        explained(Plain(cfg={"callbacks": [1, 2, 3, LAMBDA]}), "model"))


class Arguments:
    def __reduce__(self):
        return (print, (1, LAMBDA))


class Callable:
    def __reduce__(self):
        return (LAMBDA, ())


class OwnState:
    def __init__(self, kept=None):
        self.kept = kept

    def __getstate__(self):
        return {"made": LAMBDA, "kept": self.kept}


class ListState:
    def __getstate__(self):
        return ["made", LAMBDA]


class Setter:
    def __reduce__(self):
        return (Setter, (), {"a": 1}, None, None, LAMBDA)


class SetterState:
    def __reduce__(self):
        return (SetterState, (), {"a": LAMBDA}, None, None, len)


class Keywords:
    def __getnewargs_ex__(self):
        return (), {"thing": LAMBDA}


class Items:
    def __reduce__(self):
        return (list, (), None, iter([1, 2, [LAMBDA]]))


class Pairs:
    def __reduce__(self):
        return (dict, (), None, iter([0]), iter([("a", 1), ("b", LAMBDA)]))


REDUCTIONS = [
    (Arguments, "x (an argument of T's reduction)"),
    (Callable, "x (the callable of T's reduction)"),
    (OwnState, "x (state of T)['made']"),
    (lambda: OwnState(kept=LAMBDA), "x.kept"),
    (ListState, "x (state of T)[1]"),
    (Setter, "x (what sets the state of T)"),
    (SetterState, "x (state of T)['a']"),
    (Keywords, "x (an argument of T's reduction)"),
    (Items, "x[2][0]"),
    (Pairs, "x['b']"),
]


@pytest.mark.parametrize("make, expected", REDUCTIONS, ids=[expected for _, expected in REDUCTIONS])
def test_what_a_reducer_returned_is_told_from_the_object(make, expected):
    obj = make()
    assert way([obj]) == expected.replace("x", "x[0]", 1).replace("T", f"{__name__}.{type(obj).__name__}")


def test_the_class_of_an_object():
    class Local:
        pass
    assert explained([Local()]).startswith("x[0] (its class): a local class (")


def test_a_registered_reducer_is_asked(monkeypatch):
    monkeypatch.setitem(copyreg.dispatch_table, Plain, lambda plain: (Plain, (), {"other": LAMBDA}))
    assert way([Plain(a=1)]) == f"x[0] (state of {__name__}.Plain)['other']"


def test_a_dispatch_table_of_the_pickler_is_asked():
    def with_table(file):
        made = pickle.Pickler(file, 5)
        made.dispatch_table = {Plain: lambda plain: (Plain, (), {"other": LAMBDA})}
        return made
    assert way([Plain(a=1)], make_pickler=with_table) == f"x[0] (state of {__name__}.Plain)['other']"


# The place, and no other --------------------------------------------------------------------------------------------

class Dropping:
    """Has what it does not pickle."""

    def __init__(self, lock):
        self.lock = lock

    def __getstate__(self):
        return {"kept": 1}


def test_what_an_object_leaves_out_is_not_blamed():
    lock = threading.Lock()
    assert explained([Dropping(lock), lock]).startswith("x[1]: a thread lock ")
    assert explained([Dropping(lock), Dropping(lock), lock]).startswith("x[2]: a thread lock ")


# Whatever lies before the culprit: the count must not lose its place.
BEFORE = {
    "shared": lambda: [shared := [1], shared, 1, shared],
    "shared tuple": lambda: [shared := (1, [2]), shared, 1, shared],
    "empty": lambda: [[], (), {}, set(), frozenset(), "", b"", bytearray(), List(), Dict()],
    "globals": lambda: [len, print, "builtins", "len", len, Plain, Plain, "a", "b", functools.partial],
    "singletons": lambda: [None, ..., NotImplemented, type(None), type(...), type(NotImplemented), type(None), "a"],
    "metaclass": lambda: [collections.abc.Sized, collections.abc.Sized, "a"],
    "instances": lambda: [Plain(), Plain, Plain(a=1), Slots(1, 2), Record(1, 2), Frozen(1, 2), Point(1, 2)],
    "reducers": lambda: [collections.deque(), collections.deque([1]), collections.deque([1, 2]), 1],
    "mappings": lambda: [collections.OrderedDict(), collections.OrderedDict(a=1), collections.Counter("abc"), 1],
    "long": lambda: [collections.deque(range(5000)), Dict(zip(range(5000), range(5000))), list(range(5000))],
    "sets": lambda: [{1, 2}, frozenset([1, (2, 3)]), Set([1]), 1],
    "cycle": lambda: [cycle := [], cycle.append(cycle), cycle],
    "tuple in itself": lambda: [inside := ([],), inside[0].append(inside), inside, 1],
    "object in itself": lambda: [own := Plain(), own.__dict__.update(own=own), own, 1],
    "deque in itself": lambda: [own := collections.deque(), own.append(own), own, 1],
    "frozenset in itself": lambda: [node := Plain(), node.__dict__.update(all=frozenset([node])), node.all, 1],
    "buffers": lambda: [pickle.PickleBuffer(b"abc"), bytearray(b"abc"), 1],
    "numbers": lambda: [1j, 10 ** 5000, range(3), slice(1), 1.5],
}


@pytest.mark.parametrize("before", BEFORE)
def test_the_count_is_kept(before):
    objects = BEFORE[before]()
    assert way([*objects, LAMBDA]) == f"x[{len(objects)}]"
    assert way({"a": objects, "b": LAMBDA}) == "x['b']"
    assert way(Plain(a=objects, b=LAMBDA)) == "x.b"


class Cyclic:
    """Its arguments lead back to it."""

    def __init__(self, other):
        self.other = other

    def __reduce__(self):
        return (Cyclic, (self.other,), {"more": 1})


def test_a_reduction_that_leads_back_to_its_object():
    holder = []
    holder.append(Cyclic(holder))
    assert way([holder, holder[0], LAMBDA]) == "x[2]"
    assert way([holder[0], 1, LAMBDA]) == "x[2]"
    holder.append(LAMBDA)
    assert way(holder[0]) == "x.other[1]"


def test_a_cycle():
    cycle = []
    cycle.extend([cycle, (cycle, LAMBDA)])
    assert way(cycle) == "x[1][1]"


class Temporaries:
    """Each pickling makes objects that nothing else keeps."""

    def __getstate__(self):
        return {"a": [[], {}, (1, [2])], "b": {"c": [3]}}


def test_objects_made_meanwhile_are_not_taken_for_each_other():
    assert way([[Temporaries() for _ in range(2000)], LAMBDA]) == "x[1]"


class Counting:
    def __init__(self):
        self.asked = 0

    def __reduce__(self):
        self.asked += 1
        return (Counting, ())


def test_each_reducer_runs_once_more_and_no_oftener():
    objects = [Counting() for _ in range(50)]
    assert way([objects, LAMBDA]) == "x[1]"
    assert {one.asked for one in objects} == {2}


@pytest.mark.skipif(numpy is None, reason="numpy is not installed")
def test_arrays_of_objects():
    array = numpy.empty((3, 4), object)
    array[2, 3] = LAMBDA
    assert way(array) == "x[2, 3]"
    assert way([1, array.T]) == "x[1][3, 2]"
    assert way(Plain(a=array[2], b=numpy.arange(5))) == "x.a[3]"
    single = numpy.empty((), object)
    single[()] = [LAMBDA]
    assert way(single) == "x[()][0]"


# What it is ---------------------------------------------------------------------------------------------------------

def outer():
    def inner():
        pass

    class Local:
        pass
    return inner, Local


INNER, LOCAL = outer()
HIDDEN = type("Hidden", (), {"__module__": "__main__"})


async def coroutine():
    pass


async def asynchronous():
    yield


def raised():
    try:
        raise ValueError
    except ValueError as error:
        return error.__traceback__


def closed(obj):
    obj.close()
    return obj


KINDS = [
    (lambda: LAMBDA, "a lambda"),
    (lambda: INNER, "a function defined in another (outer.<locals>.inner)"),
    (lambda: types.FunctionType(outer.__code__, {}, "gone"), "a function (outer)"),
    (lambda: LOCAL, "a local class (outer.<locals>.Local)"),
    (lambda: HIDDEN, "a class of __main__ (Hidden)"),
    (lambda: (i for i in ()), "a generator"),
    (lambda: closed(coroutine()), "a coroutine"),
    (asynchronous, "an asynchronous generator"),
    (lambda: sys._getframe(), "a frame"),
    (raised, "a traceback"),
    (lambda: outer.__code__, "a code object"),
    (lambda: (lambda y: lambda: y)(1).__closure__[0], "a cell"),
    (lambda: sys, "a module (sys)"),
    (threading.Lock, "a thread lock"),
    (threading.RLock, "a thread lock"),
    (threading.local, "thread-local data"),
    (lambda: closed(open(__file__, encoding="utf-8")), f"an open file ({__file__!r})"),
    (lambda: closed(open(__file__, "rb")), f"an open file ({__file__!r})"),
    (lambda: closed(open(__file__, "rb", 0)), f"an open file ({__file__!r})"),
    (lambda: closed(socket.socket()), "a socket"),
    (lambda: closed(sqlite3.connect(":memory:")), "a database connection"),
    (lambda: weakref.ref(outer), "a weak reference"),
    (lambda: weakref.proxy(outer), "a weak reference"),
    (lambda: memoryview(b""), "a memoryview"),
    (lambda: {}.keys(), "a view of a dict"),
    (lambda: types.MappingProxyType({}), "a read-only view of a dict"),
    (lambda: vars(type("Own", (), {"p": property()}))["p"], "a property"),
]


@pytest.mark.parametrize("make, kind", KINDS, ids=[kind for _, kind in KINDS])
def test_what_it_is(make, kind):
    message = explained([make()])
    assert message.startswith(f"x[0]: {kind} cannot be pickled ("), message


class Refusing:
    def __reduce__(self):
        raise ZeroDivisionError("not today")


def test_an_object_of_a_type_without_a_word_of_its_own():
    assert explained([Refusing()]) == (f"x[0]: an object of type {__name__}.Refusing cannot be pickled "
                                       "(ZeroDivisionError: not today)")


# Why ----------------------------------------------------------------------------------------------------------------

class Raising:
    def __init__(self, error):
        self.error = error

    def __getstate__(self):
        raise self.error


class Own(Exception):
    def __init__(self, first, second):
        super().__init__(first, second)

    def __str__(self):
        raise RuntimeError("str() of it was called")


REASONS = [
    (ValueError("no"), "ValueError: no", ValueError),
    (TypeError("no"), "TypeError: no", TypeError),
    (KeyError("k"), "KeyError: k", LookupError),
    (FileNotFoundError(2, "gone"), "FileNotFoundError: (2, 'gone')", FileNotFoundError),
    (ValueError(), "ValueError", ValueError),
    (ValueError(Plain()), "ValueError", ValueError),
    (pickle.PicklingError("no"), "no", pickle.PicklingError),
    (Own(1, "two"), f"{__name__}.Own: (1, 'two')", Exception),
    (UnicodeDecodeError("ascii", b"\xff", 0, 1, "no"), "UnicodeDecodeError: ('ascii', b'\\xff', 0, 1, 'no')",
     UnicodeError),
    (ExceptionGroup("all", [ValueError()]), "ExceptionGroup", Exception),
]


@pytest.mark.parametrize("error, reason, kind", REASONS, ids=[reason for _, reason, _ in REASONS])
def test_what_a_reducer_raised_is_the_reason(error, reason, kind):
    found = failure([Raising(error)])
    assert type(found) is kind
    assert found.__cause__ is error
    assert str(found).endswith(f"Raising cannot be pickled ({reason})")


class FailingItems:
    def __reduce__(self):
        def items():
            yield []
            yield 1
            raise KeyError("gone")
        return (list, (), None, items())


class BadReduction:
    def __init__(self, value):
        self.value = value

    def __reduce__(self):
        return self.value


@pytest.mark.parametrize("value", [5, (1,), (print, [1]), (1, ()), (print, (), None, 5), (print, (), None, None, [1]),
                                   (1, 2, 3, 4, 5, 6, 7)], ids=repr)
def test_a_reduction_that_is_none(value):
    assert explained([1, BadReduction(value)]).startswith(f"x[1]: an object of type {__name__}.BadReduction cannot be ")


def test_items_that_fail():
    assert explained([0, FailingItems()]) == (f"x[1]: an object of type {__name__}.FailingItems cannot be pickled "
                                              "(KeyError: gone)")


@pytest.mark.parametrize("error", [KeyboardInterrupt("k"), SystemExit(3), MemoryError("m"), GeneratorExit()], ids=repr)
def test_what_is_not_about_pickling_passes(error):
    assert failure([Raising(error)]) is error


class Second:
    """Fails in another way the second time."""

    def __init__(self, *errors):
        self.errors = list(errors)

    def __reduce__(self):
        error = self.errors.pop(0)
        if error is not None:
            raise error
        return (Second, ())


@pytest.mark.parametrize("error", [KeyboardInterrupt("k"), SystemExit(3), MemoryError("m")], ids=repr)
def test_an_interrupt_during_the_second_pass_passes(error):
    assert failure([Second(ValueError("first"), error)]) is error


def test_an_object_that_has_changed_meanwhile():
    first = ValueError("first")
    assert failure([Second(first, None)]) is first
    assert "has not failed" in first.__notes__[-1]


def test_a_pickler_that_cannot_be_made_again():
    made = []

    def once(file):
        made.append(pickle.Pickler(file, 5))
        return made[0] if len(made) == 1 else 1 / 0
    assert explained([LAMBDA], make_pickler=once).startswith("Can't pickle ")


# Depth and size -----------------------------------------------------------------------------------------------------

def nested(levels, wrap):
    obj = []
    for _ in range(levels):
        obj = wrap(obj)
    return obj


@pytest.mark.parametrize("wrap, begin", [(lambda o: [o], "x[0][0][0]…"), (lambda o: {"k": o}, "x['k']['k']['k']…"),
                                         (lambda o: (1, o), "x[1][1][1]…"),
                                         (lambda o: Plain(a=o), "x.a.a.a…")], ids=["list", "dict", "tuple", "object"])
def test_nested_too_deeply(wrap, begin):
    obj = nested(100_000, wrap)
    found = failure(obj)
    assert type(found) is RecursionError
    assert re.fullmatch(rf"nested too deeply, at {re.escape(begin)} \(\d+ levels\)", str(found)), str(found)
    while obj:                                  # level by level: taking it apart in one go is a recursion as well
        obj = next(iter(vars(obj).values() if isinstance(obj, Plain) else obj.values() if isinstance(obj, dict)
                        else obj[-1:]))


def test_a_large_object_takes_one_pass():
    """Not each child by itself: of that many, each seen twice at most."""
    seen = []

    class Watched(pickle.Pickler):
        def persistent_id(self, obj):
            seen.append(None)
    parts = [[list(range(100)) for _ in range(1000)], {i: str(i) for i in range(50_000)}]
    assert way([parts, LAMBDA], make_pickler=lambda file: Watched(file, 5)) == "x[1]"
    assert 200_000 < len(seen) < 2 * 210_000


def test_identifiers_of_the_pickler_are_heeded():
    class Naming(pickle.Pickler):
        def persistent_id(self, obj):
            return "a lock" if isinstance(obj, type(threading.Lock())) else None
    assert way([threading.Lock(), [threading.Lock(), LAMBDA]], make_pickler=lambda file: Naming(file, 5)) == "x[1][1]"


# Functions by value -------------------------------------------------------------------------------------------------

def remake(*_):
    """Stands for what makes a function anew."""


def cell_contents(cell):
    return (remake, (cell.cell_contents,))


class ByValue(pickle.Pickler):
    """Reduces functions to their parts, as cloudpickle does."""
    dispatch_table = collections.ChainMap({types.CellType: cell_contents, types.CodeType: lambda code: (remake, ())},
                                          copyreg.dispatch_table)

    def reducer_override(self, obj):
        if not isinstance(obj, types.FunctionType) or obj in (remake, outer):
            return NotImplemented
        names = obj.__code__.co_names
        parts = {"__defaults__": obj.__defaults__, "__kwdefaults__": obj.__kwdefaults__, "__name__": obj.__name__,
                 "__globals__": {name: obj.__globals__[name] for name in names if name in obj.__globals__},
                 "__closure__": obj.__closure__}
        return (remake, (obj.__code__, {}), (vars(obj), parts), None, None, remake)


LOCK = threading.Lock()


def closing(first, second):
    return lambda: (first, second)


FUNCTIONS = [
    (lambda: closing(1, LOCK), "x (its variable second)"),
    (lambda: closing([LOCK], 2), "x (its variable first)[0]"),
    (lambda: lambda: (outer, LOCK), "x.__globals__['LOCK']"),
    (lambda: lambda a=1, b=[LOCK]: 0, "x.__defaults__[1][0]"),
    (lambda: lambda *, k=LOCK: 0, "x.__kwdefaults__['k']"),
    (lambda: with_attributes(lambda: 0, tag=LOCK), "x.tag"),
]


@pytest.mark.parametrize("make, expected", FUNCTIONS, ids=[expected for _, expected in FUNCTIONS])
def test_parts_of_functions(make, expected):
    message = explained([make()], make_pickler=lambda file: ByValue(file, 5))
    assert message == (f"{expected.replace('x', 'x[0]', 1)}: a thread lock cannot be pickled "
                       "(cannot pickle '_thread.lock' object)")


# Objects that defend themselves -------------------------------------------------------------------------------------

def explode(*_, **__):
    raise AssertionError("code of the object was run")


# what pickle itself must call, and what makes and frees an object
HARMLESS = {"__reduce__", "__reduce_ex__", "__new__", "__init__", "__init_subclass__", "__class__", "__getattribute__",
            "__del__", "__dict__", "__doc__", "__module__", "__weakref__", "__slots__"}
SPECIAL = sorted({name for kind in (object, int, str, list, dict, set, type(iter([])), types.FunctionType, type)
                  for name in vars(kind) if name.startswith("__")} - HARMLESS | {"__getattr__", "__missing__"})


class Metaclass(type):
    __instancecheck__ = __subclasscheck__ = __eq__ = __repr__ = __getattr__ = __len__ = __bool__ = explode
    __hash__ = type.__hash__
    __mro__ = property(explode)


def exploding(reduce, **members):
    """An object of a class all of whose special methods fail, and which is reduced so."""
    methods = {name: explode for name in SPECIAL if name not in ("__mro__", "__name__", "__qualname__")}
    methods |= {"__reduce_ex__": lambda self, protocol: reduce(self), "__module__": "zoo", **members}
    return Metaclass("Exploding", (), methods)()


def made_of(part):
    return lambda self: (print, (part,))


ZOO = {
    "fails": lambda: exploding(lambda self: 1 / 0),
    "part": lambda: exploding(made_of(LAMBDA)),
    "lying class": lambda: exploding(made_of(LAMBDA), __class__=property(lambda self: int)),
    "exploding class": lambda: exploding(made_of(LAMBDA), __class__=property(explode)),
    "dict property": lambda: exploding(made_of(LAMBDA), __dict__=property(explode)),
    "lying dict": lambda: exploding(made_of(LAMBDA), __dict__=property(lambda self: {"a": LAMBDA})),
    "fields": lambda: exploding(made_of(LAMBDA), _fields=property(explode), args=property(explode)),
}


@pytest.mark.parametrize("case", ZOO)
def test_nothing_of_the_object_is_run(case):
    message = explained([0, ZOO[case]()])
    expected = (r"x\[1\]: an object of type zoo\.Exploding cannot be pickled \(ZeroDivisionError: division by zero\)"
                if case == "fails" else
                r"x\[1\] \(an argument of zoo\.Exploding's reduction\): a lambda cannot be pickled \(Can't .*\)")
    assert re.fullmatch(expected, message), message


class Key(str):
    __eq__ = __repr__ = __str__ = __format__ = explode
    __hash__ = str.__hash__


# From 3.14 on pickle itself asks keys for their repr(), for a note: should that fail, it is the reason that is shown.
@pytest.mark.parametrize("key, kind", [(Key("a"), f"{__name__}.Key"), ((1, Key("a")), "tuple"), (10 ** 5000, "int")],
                         ids=["subclass", "tuple", "long"])
def test_keys_that_cannot_be_shown(key, kind):
    assert explained({key: LAMBDA}).startswith(f"x[<key of type {kind}>]: a lambda cannot be pickled (")


def test_an_object_whose_reduction_can_not_be_looked_up():
    class Closed:
        def __getattribute__(self, name):
            raise OSError("closed")
    message = explained([Closed()])
    assert message.startswith("x[0]: an object of type ") and message.endswith("cannot be pickled (OSError: closed)")


def test_a_dict_that_changes_while_it_is_saved():
    target = {"before": 1}

    class Growing:
        def __reduce__(self):
            target[len(target)] = 1
            return (Counting, ())
    target["grow"] = Growing()
    assert explained([target]) == ("x[0]: an object of type dict cannot be pickled "
                                   "(RuntimeError: dictionary changed size during iteration)")


def test_what_has_succeeded_is_not_explained():
    assert _core._explain([1, Plain()], "x", pickler) is None
