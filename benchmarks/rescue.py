"""What does a rescued function cost that raises nothing? Beside a wrapper in Python that catches exceptions.

Each call is made in a loop, and what the loop costs with the plain function is taken off: what is left is what the
decorator, or the block, costs. Times are CPU time, which other programs on the machine hardly change. A generator is
gone through to its end, which is counted per item; a coroutine is awaited by another one, as programs do.
"""

import contextlib
import functools
import time
from itertools import repeat

import hooking
from lib import measure

ROUNDS = 51
TURNS = 20_000
ITEMS = 100
LIMIT = 60e-9  # s


def function(a):
    return a


def generator():
    yield from repeat(1, ITEMS)


async def coroutine():
    return 1


async def without_value():
    pass


class Method:
    def call(self, a):
        return a


def in_python(wrapped):
    """As it would be written without hooking."""
    @functools.wraps(wrapped)
    def wrapper(*args, **kwargs):
        try:
            return wrapped(*args, **kwargs)
        except Exception:
            raise
    return wrapper


def generator_in_python(wrapped):
    @functools.wraps(wrapped)
    def wrapper(*args, **kwargs):
        try:
            return (yield from wrapped(*args, **kwargs))
        except Exception:
            raise
    return wrapper


def coroutine_in_python(wrapped):
    @functools.wraps(wrapped)
    async def wrapper(*args, **kwargs):
        try:
            return await wrapped(*args, **kwargs)
        except Exception:
            raise
    return wrapper


class Block(contextlib.ContextDecorator):
    """As launch_ipdb_on_exception() and its like."""

    def __enter__(self):
        return self

    def __exit__(self, *raised):
        return False


def method(decorate):
    return type("Decorated", (), {"call": decorate(Method.call)})()


RESCUE, PYTHON, BLOCK = "@rescue", "wrapper in Python", "ContextDecorator"

# What is run in the loop; what `it` is, plainly and by each of the ways; how many are counted in one.
CASES = {
    "f(1)": ("it(1)", function, {
        RESCUE: hooking.rescue(function), PYTHON: in_python(function), BLOCK: Block()(function)}, 1),
    "f(a=1)": ("it(a=1)", function, {
        RESCUE: hooking.rescue(function), PYTHON: in_python(function), BLOCK: Block()(function)}, 1),
    "o.f(1)": ("it.call(1)", Method(), {
        RESCUE: method(hooking.rescue), PYTHON: method(in_python), BLOCK: method(Block())}, 1),
    "an item of a generator": ("for _ in it(): pass", generator, {
        RESCUE: hooking.rescue(generator), PYTHON: generator_in_python(generator)}, ITEMS),
    "a coroutine that returns a value": ("await it()", coroutine, {
        RESCUE: hooking.rescue(coroutine), PYTHON: coroutine_in_python(coroutine)}, 1),
    "a coroutine that returns None": ("await it()", without_value, {
        RESCUE: hooking.rescue(without_value), PYTHON: coroutine_in_python(without_value)}, 1),
    "a block": ("it(1)", function, {}, 1),
}
BLOCKS = {
    "with rescue": "with rescue: it(1)",
    "try, except": "try: it(1)\n        except Exception: raise",
    "with a class in Python": "with block: it(1)",
}


def loop(statement, it):
    """A function that runs the statement so many times; a coroutine function where it awaits."""
    names = {"it": it, "repeat": repeat, "rescue": hooking.rescue, "block": Block()}
    begin = "async " if "await" in statement else ""
    exec(f"{begin}def run(turns):\n    for _ in repeat(None, turns):\n        {statement}", names)
    return names["run"]


def time_loop(run, turns):
    begin = time.process_time()
    coroutine = run(turns)
    if coroutine is not None:
        try:
            coroutine.send(None)
        except StopIteration:
            pass
    return (time.process_time() - begin) / turns


def main():
    print(measure.machine())
    for title, (statement, plain, ways, count) in CASES.items():
        runs = {"": loop(statement, plain)}
        runs.update((way, loop(statement, it)) for way, it in ways.items())
        if not ways:
            runs.update((way, loop(statement, plain)) for way, statement in BLOCKS.items())
        turns = TURNS // count
        times = measure.in_turn({way: lambda run=run: time_loop(run, turns) for way, run in runs.items()}, ROUNDS)
        over = {way: [(a - b) / count for a, b in zip(times[way], times[""])] for way in runs if way}
        first = next(iter(over))
        itself = measure.show(measure.statistics.median(times[""]) / count)
        judged = RESCUE if title in ("f(1)", "f(a=1)", "o.f(1)") or "coroutine" in title else None
        measure.table(f"over {title}   (itself: {itself})", [
            (way, values, measure.budget(measure.statistics.median(values), LIMIT) if way == judged else "")
            for way, values in over.items()
        ], first)


if __name__ == "__main__":
    main()
