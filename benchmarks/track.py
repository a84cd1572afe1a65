"""What does tracking of globals cost the code that uses them? Beside the ways that people ask about.

One at a time: a read of a global, of a builtin, of a module's attribute, a write by a `global` statement. Then a loop
of two reads, a builtin and a write, without and with tracking, after it is switched off again, and beside:

- the way of the forum thread that the question comes from, written anew: the function with a dict subclass for globals
  that counts in __getitem__ and __setitem__, and the module's dict updated from it after each call;
- sys.settrace() with opcode events, a function in Python for each instruction.

CPU time of the thread, rounds in turn, the least of them; a loop that does nothing is taken off for single accesses.
"""

import dis
import sys
import time
import types

from lib import measure

import hooking

ROUNDS = 15
COUNT = 100_000
LIMITS = {"track_globals()": 3.0, "track_globals(mode='names')": 1.2, "switched off again": 1.02}

SOURCE = """
A = 1
B = 2
W = 0
def nothing(count):
    for i in range(count):
        pass
def read(count):
    for i in range(count):
        A
def builtin(count):
    for i in range(count):
        len
def attribute(count, module=None):
    for i in range(count):
        module.A
def write(count):
    global W
    for i in range(count):
        W = i
def loop(count):
    global W
    for i in range(count):
        A
        B
        len
        W = i
"""


def make():
    module = types.ModuleType("tracked")
    sys.modules["tracked"] = module
    exec(compile(SOURCE, "tracked.py", "exec"), vars(module))
    module.attribute.__defaults__ = (module,)
    return module


def timed(function, count=COUNT):
    begin = time.thread_time()
    function(count)
    return (time.thread_time() - begin) / count


def tracked(function, **options):
    def run():
        with hooking.track_globals("tracked", **options):
            return timed(function)
    return run


class Counting(dict):
    """The thread's dict: it is given to a copy of the function, and counts what is asked of it by key."""

    def __init__(self, names):
        super().__init__(names)
        self.counts = {}

    def __getitem__(self, name):
        self.counts[name] = self.counts.get(name, 0) + 1
        return super().__getitem__(name)


def by_copy(function, count):
    space = Counting(function.__globals__)
    copy = types.FunctionType(function.__code__, space, function.__name__, function.__defaults__)

    def run(count):
        copy(count)
        function.__globals__.update(space)
    return timed(run, count)


def by_settrace(function, count):
    counts, names = {}, {}

    def trace(frame, event, arg):
        frame.f_trace_opcodes = True
        if event == "opcode":
            code = frame.f_code
            if code not in names:
                names[code] = {one.offset: one.argval for one in dis.get_instructions(code)
                               if one.opname.endswith(("_GLOBAL", "_NAME"))}
            name = names[code].get(frame.f_lasti)
            if name is not None:
                counts[name] = counts.get(name, 0) + 1
        return trace
    sys.settrace(trace)
    try:
        return timed(function, count)
    finally:
        sys.settrace(None)


def single(module):
    kinds = {"a read": module.read, "a builtin": module.builtin, "an attribute of a module": module.attribute,
             "a write": module.write}
    ways = {("nothing", ""): lambda: timed(module.nothing)}
    for kind, function in kinds.items():
        ways[kind, ""] = lambda function=function: timed(function)
        ways[kind, "on"] = tracked(function)
        ways[kind, "where"] = tracked(function, where=True)
    times = {way: min(values) for way, values in measure.in_turn(ways, ROUNDS).items()}
    base = times["nothing", ""]
    rows = [(kind, *(measure.show(max(times[kind, way] - base, 0)) for way in ("", "on", "where"))) for kind in kinds]
    measure.grid("each access, the loop taken off", ("", "untracked", "tracked", "where=True"), rows)


def loops(module):
    loop = module.loop
    ways = {
        "untracked": lambda: timed(loop),
        "track_globals()": tracked(loop),
        "track_globals(where=True)": tracked(loop, where=True),
        "track_globals(mode='names')": tracked(loop, mode="names"),
        "switched off again": lambda: timed(loop),
        "the function over a copied dict": lambda: by_copy(loop, COUNT // 10),
        "sys.settrace(), opcodes": lambda: by_settrace(loop, COUNT // 100),
    }
    times = {way: min(values) for way, values in measure.in_turn(ways, ROUNDS).items()}
    rows = []
    for way, value in times.items():
        ratio, limit = value / times["untracked"], LIMITS.get(way)
        kept = "" if limit is None else f"budget {limit:.2f} x: {'kept' if ratio <= limit else 'MISSED'}"
        rows.append((way, measure.show(value), f"{ratio:.2f} x", kept))
    measure.grid("two reads, a builtin, a write and the loop", ("", "time", "", ""), rows)


def main():
    print(measure.machine())
    module = make()
    for function in (module.nothing, module.read, module.builtin, module.attribute, module.write, module.loop):
        timed(function)
    single(module)
    loops(module)


if __name__ == "__main__":
    main()
