"""A rescued function looks like the function, to everything that looks at one."""

import abc
import asyncio
import collections.abc
import contextlib
import copy
import functools
import gc
import inspect
import io
import pickle
import pydoc
import sys
import types
import typing
import weakref

import pytest

from hooking import rescue


@rescue
def function(a: int, b: "str" = "x", /, *c, d=4, **e) -> list:
    """What it does.

    And more."""
    return [a, b, c, d, e]


@rescue
def generator(n):
    yield from range(n)
    return "end"


@rescue
async def coroutine(n):
    await asyncio.sleep(0)
    return n


@rescue
async def stream(n):
    for i in range(n):
        await asyncio.sleep(0)
        yield i


class Class:
    @rescue
    def method(self, n=1):
        return self, n

    @rescue
    async def awaited(self):
        return self


ALL = [function, generator, coroutine, stream, Class.method, Class.awaited]


def named(objects):
    return {"argvalues": objects, "ids": [o.__qualname__ for o in objects]}


@pytest.mark.parametrize("rescued", **named(ALL))
def test_what_functools_wraps_would_give_it(rescued):
    @functools.wraps(rescued.__wrapped__)
    def wrapper(*args, **kwargs):
        pass
    for name in ("__name__", "__qualname__", "__module__", "__doc__", "__annotations__", "__wrapped__"):
        assert getattr(rescued, name) == getattr(wrapper, name), name
    assert vars(rescued) == vars(wrapper)
    assert inspect.signature(rescued) == inspect.signature(wrapper)
    assert inspect.getsource(rescued) == inspect.getsource(wrapper)
    assert typing.get_type_hints(rescued) == typing.get_type_hints(wrapper)


@pytest.mark.parametrize("rescued", **named(ALL))
def test_it_is_what_inspect_says_of_the_function(rescued):
    plain = rescued.__wrapped__
    for test in (inspect.isgeneratorfunction, inspect.iscoroutinefunction, inspect.isasyncgenfunction, callable,
                 inspect.isroutine):
        assert test(rescued) == test(plain), test
    for name in ("__code__", "__defaults__", "__kwdefaults__", "__globals__", "__closure__"):
        assert getattr(rescued, name) == getattr(plain, name)
    assert f"<rescued function {rescued.__qualname__} at " in repr(rescued)


@pytest.mark.parametrize("rescued", **named(ALL))
def test_help_shows_it_as_a_function(rescued):
    plain, shown = (pydoc.plaintext.document(f) for f in (rescued.__wrapped__, rescued))
    assert shown == plain


@pytest.mark.parametrize("rescued", **named(ALL))
def test_it_is_pickled_by_name_and_never_copied(rescued):
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(rescued, protocol)) is rescued
    assert copy.copy(rescued) is rescued and copy.deepcopy([rescued])[0] is rescued


def test_what_is_set_on_it():
    @rescue
    def f(a, b=2):
        """Old."""
        return a, b
    f.__name__, f.__doc__, f.__module__, f.tag = "g", "New.", "elsewhere", 1
    assert (f.__name__, f.__doc__, f.__module__, f.tag) == ("g", "New.", "elsewhere", 1)
    assert f.__wrapped__.__doc__ == "Old." and not hasattr(f.__wrapped__, "tag")
    f.__defaults__ = (3,)
    assert f(1) == (1, 3)
    f.__wrapped__.late = "seen"
    assert f.late == "seen"
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        f.nothing
    del f.tag, f.__doc__
    assert f.__doc__ == "Old." and not hasattr(f, "tag")


def test_attributes_of_the_function_come_along():
    def f():
        pass
    f.mark = ["x"]
    assert vars(rescue(f)) == {"mark": ["x"], "__wrapped__": f}


def test_functools_wraps_around_it():
    @functools.wraps(function)
    def around(*args, **kwargs):
        return function(*args, **kwargs)
    assert around.__name__ == "function" and around.__doc__ == function.__doc__
    assert inspect.unwrap(around) is function.__wrapped__
    assert inspect.signature(around) == inspect.signature(function)
    assert vars(around) == {"__wrapped__": function}


def test_arguments_arrive_as_they_are_given():
    assert function(1) == [1, "x", (), 4, {}]
    assert function(1, "b", 2, 3, d=5, a=6) == [1, "b", (2, 3), 5, {"a": 6}]
    assert function(*[1, 2], **{"z": 3}) == [1, 2, (), 4, {"z": 3}]
    assert functools.partial(function, 1, d=0)("b") == [1, "b", (), 0, {}]
    assert list(map(function, [1])) == [[1, "x", (), 4, {}]]
    assert function.__call__(1) == function(1)


def test_it_binds_as_a_function_does():
    instance = Class()
    assert instance.method() == (instance, 1) and instance.method(2) == (instance, 2)
    assert Class.method(instance, n=3) == (instance, 3)
    assert isinstance(instance.method, types.MethodType) and instance.method.__func__ is Class.method
    assert Class.__dict__["method"].__get__(None, Class) is Class.method
    assert Class.__dict__["method"].__get__(instance)(4) == (instance, 4)
    assert instance.method == instance.method
    assert str(inspect.signature(instance.method)) == "(n=1)"
    assert inspect.iscoroutinefunction(instance.awaited)
    setattr(Class, "later", rescue(lambda self: self))
    assert instance.later() is instance


def test_what_does_not_bind_by_itself_does_not_bind():
    class C:
        length = rescue(len)
        partial = rescue(functools.lru_cache(lambda self: self))
        bound = rescue("{}!".format)
    c = C()
    assert c.length("abc") == 3 and c.partial() is c and c.bound(1) == "1!"


def test_subclasses_override_and_call_super():
    class Derived(Class):
        @rescue
        def method(self, n=1):
            return super().method(n + 1)
    derived = Derived()
    assert derived.method(1) == (derived, 2)


@pytest.mark.parametrize("outer, inner", [(rescue, abc.abstractmethod), (abc.abstractmethod, rescue)])
def test_abstract_methods(outer, inner):
    class Abstract(abc.ABC):
        @outer
        @inner
        def f(self):
            pass
    assert Abstract.__abstractmethods__ == {"f"}
    with pytest.raises(TypeError, match="abstract"):
        Abstract()


@pytest.mark.parametrize("kind", [staticmethod, classmethod])
def test_static_and_class_methods_stay_such_in_either_order(kind):
    class C:
        within = rescue(kind(lambda *args: args))
        around = kind(rescue(lambda *args: args))
    first = () if kind is staticmethod else (C,)
    for name in ("within", "around"):
        assert type(C.__dict__[name]) is kind
        assert getattr(C, name)(1) == getattr(C(), name)(1) == (*first, 1)


def test_the_class_tells_its_name():
    class Field:
        def __set_name__(self, owner, name):
            self.told = owner, name

        def __call__(self):
            return self.told

    class C:
        field = rescue(Field())
        function = rescue(lambda self: 1)
    assert C.field() == (C, "field")


@pytest.mark.parametrize("wrong, message", [
    (1, "takes a function, or classes of exceptions, not 1"), (None, "not None"), ("x", "not 'x'"),
    (int, "not the class <class 'int'>: decorate its methods"),
    (property(lambda self: 1), "write @rescue below @property"),
    ([ValueError], "not \\[<class 'ValueError'>\\]"),
])
def test_what_cannot_be_rescued(wrong, message):
    with pytest.raises(TypeError, match=message):
        rescue(wrong)


def test_wrong_ways_to_call_it():
    with pytest.raises(TypeError, match="takes one function, or classes of exceptions"):
        rescue(len, ValueError)
    with pytest.raises(TypeError, match="no keyword arguments"):
        rescue(exceptions=ValueError)


def test_rescue_itself():
    assert rescue() is rescue and rescue()(len)("ab") == 2
    assert copy.deepcopy(rescue) is rescue and pickle.loads(pickle.dumps(rescue)) is rescue
    some = rescue(ValueError, KeyError)
    assert some() is some and "ValueError" in repr(some) and repr(rescue) == "<hooking.rescue>"
    assert repr(pickle.loads(pickle.dumps(some))) == repr(some)
    with rescue as nothing, some:
        assert nothing is None
    with contextlib.ExitStack() as stack:
        stack.enter_context(rescue)


# What calls make ----------------------------------------------------------------------------------------------------

def test_a_generator():
    g = generator(2)
    assert isinstance(g, collections.abc.Generator) and iter(g) is g
    assert g.__name__ == "generator" and g.gi_code is generator.__code__
    assert inspect.getgeneratorstate(g) == "GEN_CREATED"
    assert next(g) == 0 and g.send(None) == 1
    with pytest.raises(StopIteration) as stop:
        next(g)
    assert stop.value.value == "end" and list(g) == []
    assert "rescued <generator object generator at" in repr(g)
    assert weakref.ref(g)() is g
    assert list(generator(3)) == [0, 1, 2]

    def delegates():
        return (yield from generator(1)), (yield from generator(0))
    d = delegates()
    assert next(d) == 0
    with pytest.raises(StopIteration) as stop:
        next(d)
    assert stop.value.value == ("end", "end")


@pytest.mark.parametrize("value", [None, (1, 2), ValueError("a value"), StopIteration(3)])
def test_any_value_can_be_returned(value):
    @rescue
    def returns():
        return value
        yield

    @rescue
    async def awaited():
        return value

    def driver():
        return (yield from returns())
    with pytest.raises(StopIteration) as stop:
        next(driver())
    assert stop.value.value is value

    async def main():
        return await awaited()
    assert asyncio.run(main()) is value


def test_a_coroutine():
    c = coroutine(1)
    assert isinstance(c, collections.abc.Coroutine) and asyncio.iscoroutine(c) and inspect.isawaitable(c)
    assert c.cr_code is coroutine.__code__ and c.__name__ == "coroutine"
    with pytest.raises(TypeError, match="not iterable"):
        iter(c)
    c.close()

    async def main():
        async with asyncio.timeout(10):
            task = asyncio.create_task(coroutine(2))
            assert "coro=<coroutine() running at" in repr(task)
            return await coroutine(1), await task, await asyncio.gather(coroutine(3), coroutine(4))
    assert asyncio.run(main()) == (1, 2, [3, 4])
    assert asyncio.run(rescue(main)()) == (1, 2, [3, 4])


def test_a_coroutine_that_nobody_awaits_is_warned_about():
    with pytest.warns(RuntimeWarning, match="coroutine 'coroutine' was never awaited"):
        coroutine(1)
        gc.collect()


def test_a_coroutine_is_awaited_once():
    async def main():
        c = coroutine(1)
        await c
        await c
    with pytest.raises(RuntimeError, match="cannot reuse already awaited coroutine"):
        asyncio.run(main())


def test_an_async_generator():
    async def main():
        s = stream(3)
        assert isinstance(s, collections.abc.AsyncGenerator) and s.ag_code is stream.__code__
        first = await anext(s)
        second = await s.asend(None)
        await s.aclose()
        return first, second, [i async for i in s], [i async for i in stream(2)]
    assert asyncio.run(main()) == (0, 1, [], [0, 1])


def test_an_unfinished_async_generator_is_closed_by_the_loop():
    closed = []

    @rescue
    async def endless():
        try:
            while True:
                yield 1
        finally:
            closed.append(True)

    async def main():
        async for _ in endless():
            break
        gc.collect()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    asyncio.run(main())
    assert closed == [True]


def test_context_managers_and_marked_functions():
    @contextlib.contextmanager
    @rescue
    def manager():
        yield 1

    @contextlib.asynccontextmanager
    @rescue
    async def async_manager():
        yield 2

    @types.coroutine
    def old():
        yield
        return 3

    async def main():
        with manager() as one:
            async with async_manager() as two:
                return one, two, await rescue(old)(), await rescue(functools.partial(coroutine, 4))()
    assert asyncio.run(main()) == (1, 2, 3, 4)


if sys.version_info >= (3, 12):
    def test_what_is_marked_as_a_coroutine_function():
        @rescue
        @inspect.markcoroutinefunction
        def marked(n):
            return coroutine.__wrapped__(n)

        async def main():
            return await marked(5)
        assert inspect.iscoroutinefunction(marked) and asyncio.run(main()) == 5


# Lifetime -----------------------------------------------------------------------------------------------------------

def test_it_goes_with_the_last_reference_and_with_cycles():
    def make():
        @rescue
        def f(again=False):
            return f if again else 1
        return f
    f = make()
    seen = weakref.ref(f), weakref.ref(f.__wrapped__)
    f.me = f
    assert f() == 1
    del f
    gc.collect()
    assert [ref() for ref in seen] == [None, None]


@pytest.mark.parametrize("make", [
    lambda: generator(2), lambda: stream(2), lambda: rescue(len), lambda: rescue(ValueError),
    lambda: stream(2).__anext__().close(),
], ids=["generator", "stream", "function", "rescue", "step"])
def test_nothing_is_left_behind(make):
    make()
    gc.collect()
    before = len(gc.get_objects())
    for _ in range(100):
        make()
    gc.collect()
    assert len(gc.get_objects()) - before < 50


def test_arguments_are_let_go_with_the_generator():
    class Argument:
        pass
    argument = Argument()
    seen = weakref.ref(argument)

    @rescue
    def holds(x):
        yield
    g = holds(argument)
    next(g)
    del argument
    assert seen() is not None
    del g
    assert seen() is None


def test_help_of_rescue_names_the_restarts():
    text = io.StringIO()
    pydoc.Helper(output=text).help(rescue)
    for word in ("retry", "return EXPR", "throw EXPR", "skip"):
        assert word in text.getvalue()
