"""What does a watchpoint cost the program? For each kind of target, beside a watch with sys.settrace() in Python.

A loop of 8 lines changes each target once in a thousand turns; one of them is watched. What is called at a change does
nothing. It is the CPU time of the whole loop that is compared, with that of the same loop unwatched in the same run;
"after unwatch" is the loop once more when the watch was ended. A loop that calls a function in each turn is the worst
case for what is looked for behind each call: list items and slots.
"""

import sys
import time

import hooking

from lib import measure

try:
    import watchpoints                        # from PyPI
except ImportError:
    watchpoints = None

ROUNDS = 15
TURNS = 60_000
LIMIT = 1.1                                   # of a local variable, 3.12 on
AFTER_LIMIT = 1.02
SOURCE = """
def work(turns, watch):
    global total
    local = total = 0
    box.attribute = slotted.slot = table["key"] = items[0] = 0
    end = watch(sys._getframe())
    begin = clock()
    for turn in range(turns):
        a = turn & 255
        b = a + 1
        c = a * b
        d = {call}
        if turn % 1000 == 0:
            total = turn
            box.attribute = slotted.slot = table["key"] = items[0] = local = turn
        e = d ^ a
    seconds = clock() - begin
    end()
    return seconds
def call(x):
    return x
"""


class Box:
    pass


class Slotted:
    __slots__ = ("slot",)


TARGETS = {
    "a local": ("local", lambda frame: frame.f_locals["local"]),
    "a global": ("global total", lambda frame: frame.f_globals["total"]),
    "an attribute": ("box.attribute", lambda frame: frame.f_globals["box"].attribute),
    "a slot": ("slotted.slot", lambda frame: frame.f_globals["slotted"].slot),
    "a dict item": ("table['key']", lambda frame: frame.f_globals["table"]["key"]),
    "a list item": ("items[0]", lambda frame: frame.f_globals["items"][0]),
}


def unwatched(frame):
    return lambda: None


def nothing(*args):
    pass


def by_hooking(target):
    return lambda frame: hooking.watch(target, depth=1, call=nothing).remove


def by_settrace(read):
    """As one would write it: compare at each line."""
    def start(watched):
        last = read(watched)

        def trace(frame, event, arg):
            nonlocal last
            if event == "line":
                value = read(watched)
                if value is not last:
                    last = value
                    nothing(value)
            return trace
        watched.f_trace = trace
        sys.settrace(trace)
        return lambda: sys.settrace(None)
    return start


def by_watchpoints(target):
    def start(frame):
        name, _, part = target.removeprefix("global ").partition(".")
        watch = watchpoints.Watch()
        watch.config(callback=nothing)
        exec(f"watch({target.removeprefix('global ')})", {**frame.f_globals, **frame.f_locals, "watch": watch})
        return watch.unwatch
    return start


def loop(call):
    """A fresh function: what one measure leaves behind is not met by another."""
    names = {"box": Box(), "slotted": Slotted(), "table": {"key": 0}, "items": [0], "sys": sys,
             "clock": time.process_time}
    exec(SOURCE.format(call=call), names)
    return names["work"]


def measures(name, call):
    target, read = TARGETS[name]
    bare, watched, traced, packaged = (loop(call) for _ in range(4))

    def run(work, start):
        return lambda: work(TURNS, start)
    found = {"unwatched": run(bare, unwatched), "hooking.watch": run(watched, by_hooking(target)),
             "after unwatch": run(watched, unwatched), "settrace, in Python": run(traced, by_settrace(read))}
    if watchpoints is not None and not target.startswith("local"):
        found["watchpoints"] = run(packaged, by_watchpoints(target))
    return found


def judge(name, way, ratio):
    if way == "after unwatch":
        return f"budget {AFTER_LIMIT} x: {'kept' if ratio <= AFTER_LIMIT else 'MISSED'}"
    if way == "hooking.watch" and name == "a local" and hasattr(sys, "monitoring"):
        return f"budget {LIMIT} x: {'kept' if ratio <= LIMIT else 'MISSED'}"
    return ""


def main():
    print(measure.machine())
    for title, call in (("a loop of 8 lines", "c - b"), ("the same with a call in each turn", "call(c)")):
        for name in TARGETS:
            times = measure.in_turn(measures(name, call), ROUNDS)
            least = {way: min(values) for way, values in times.items()}
            measure.grid(f"{name}, {title}", ("", "least", "a turn", "", ""), [
                (way, measure.show(least[way]), measure.show(least[way] / TURNS),
                 f"{least[way] / least['unwatched']:.2f} x", judge(name, way, least[way] / least["unwatched"]))
                for way in times])


if __name__ == "__main__":
    main()
