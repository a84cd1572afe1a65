"""What does a hook() cost that does not open? Beside a disabled breakpoint() and an empty function.

Each statement is run in a loop, ten times a turn, and the loop's own time is taken off. Of a hook() that has been
opened before, each of the ten places has had its console, with an input() that leaves it.
"""

import builtins
import gc
import io
import json
import os
import subprocess
import sys
import time
from contextlib import redirect_stdout
from itertools import repeat

import hooking
from lib import measure

ROUNDS = 25
PLACES = 10
TURNS = 10_000
LIMIT = 40e-9  # s

# What is run, and what is answered at each place's first prompt.
PEERS = {
    "breakpoint(), PYTHONBREAKPOINT=0": ("breakpoint()", ()),
    "empty function in Python": ("empty()", ()),
    "empty function in C": ("enabled()", ()),
}
DISABLED = {
    "hook(), HOOKING=0": ("hook()", ()),
    "hook(overwrite_locals=True), HOOKING=0": ("hook(overwrite_locals=True)", ()),
    **PEERS,
}
NOT_MET = {
    "hook(when=False)": ("hook(when=False)", ()),
    "hook(once=True), opened before": ("hook(once=True)", ("c",)),
    "hook(after=10**9), not due": ("hook(after=1_000_000_000)", ()),
    "hook() after `off`": ("hook()", ("off", "c")),
    "hook() after `after N`": ("hook()", (f"after {10**9}", "c")),
    "hook() after `when False`": ("hook()", ("when False", "c")),
    **PEERS,
}


def loop(statement):
    """A function that runs the statement PLACES * turns times."""
    names = {"hook": hooking.hook, "enabled": gc.isenabled, "repeat": repeat, "breakpoint": breakpoint}
    body = "\n        ".join([statement] * PLACES)
    exec(f"def empty(): pass\ndef run(turns):\n    for _ in repeat(None, turns):\n        {body}", names)
    return names["run"]


def time_loop(run):
    begin = time.perf_counter()
    run(TURNS)
    return time.perf_counter() - begin


def child(statements):
    """Measure in this process, without a terminal; the result is JSON on stdout."""
    loops = {"": loop("pass")}
    for name, (statement, answers) in statements.items():
        loops[name] = loop(statement)
        typed = iter(answers * PLACES)
        builtins.input = lambda prompt="", typed=typed: next(typed, "c")
        with redirect_stdout(io.StringIO()):
            loops[name](1)
    times = measure.in_turn({name: lambda run=run: time_loop(run) for name, run in loops.items()}, ROUNDS)
    json.dump({name: [(a - b) / TURNS / PLACES for a, b in zip(times[name], times[""])] for name in statements},
              sys.stdout)


def run_child(which, **env):
    env = {name: value for name, value in os.environ.items() if name != "HOOKING"} | env
    done = subprocess.run([sys.executable, __file__, which], env=env, stdin=subprocess.DEVNULL, check=True,
                          stdout=subprocess.PIPE, start_new_session=True)
    return json.loads(done.stdout)


def main():
    if len(sys.argv) > 1:
        child(DISABLED if sys.argv[1] == "disabled" else NOT_MET)
        return
    print(measure.machine())
    for title, which, env in (
        ("a hook() that is switched off", "disabled", {"HOOKING": "0"}),
        ("a hook() whose moment has not come", "not met", {}),
    ):
        times = run_child(which, PYTHONBREAKPOINT="0", **env)
        peer = "breakpoint(), PYTHONBREAKPOINT=0"
        limit = min(LIMIT, measure.statistics.median(times[peer]) / 2)
        measure.table(title, [
            (name, values, measure.budget(measure.statistics.median(values), limit)
             if name.startswith("hook") else "") for name, values in times.items()
        ], peer)


if __name__ == "__main__":
    main()
