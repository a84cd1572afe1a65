"""What does a hook() cost that does not open? Beside a disabled breakpoint() and an empty function.

Each statement is run in a loop, and the loop's own time is taken off. Where a hook() has been opened before, an
input() that stands in for the user has left its console.
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
TURNS = 100_000
PLACES = 10    # of the row with many: as many hook()s in one loop
LIMIT = 40e-9  # s

# What is run, what is answered at its first prompts, and in how many places.
PEERS = {
    "breakpoint(), PYTHONBREAKPOINT=0": ("breakpoint()", (), 1),
    "empty function in Python": ("empty()", (), 1),
    "empty function in C": ("enabled()", (), 1),
}
DISABLED = {
    "hook(), HOOKING=0": ("hook()", (), 1),
    "hook(overwrite_locals=True), HOOKING=0": ("hook(overwrite_locals=True)", (), 1),
    **PEERS,
}
NOT_MET = {
    "hook(when=False)": ("hook(when=False)", (), 1),
    "hook(once=True), opened before": ("hook(once=True)", ("c",), 1),
    "hook(after=10**9), not due": ("hook(after=1_000_000_000)", (), 1),
    "hook() after `off`": ("hook()", ("off", "c"), 1),
    "hook() after `off`, ten places in turn": ("hook()", ("off", "c"), PLACES),
    "hook() after `after N`": ("hook()", (f"after {10**9}", "c"), 1),
    "hook() after `when False`, evaluated": ("hook()", ("when False", "c"), 1),
    **PEERS,
}

EVALUATED = "hook() after `when False`, evaluated"  # runs an expression each time, for which there is no budget
JUDGED = ({*DISABLED, *NOT_MET} - {*PEERS}) - {EVALUATED}


def loop(statement, places):
    """A function that runs the statement `places * turns` times."""
    names = {"hook": hooking.hook, "enabled": gc.isenabled, "repeat": repeat, "breakpoint": breakpoint}
    body = "\n        ".join([statement] * places)
    exec(f"def empty(): pass\ndef run(turns):\n    for _ in repeat(None, turns):\n        {body}", names)
    return names["run"]


def time_loop(run, turns):
    begin = time.perf_counter()
    run(turns)
    return (time.perf_counter() - begin) / turns


def child(statements):
    """Measure in this process, without a terminal; the result is JSON on stdout."""
    measures = {}
    for name, (statement, answers, places) in {"": ("pass", (), 1), **statements}.items():
        run = loop(statement, places)
        typed = iter(answers * places)
        builtins.input = lambda prompt="", typed=typed: next(typed, "c")
        with redirect_stdout(io.StringIO()):
            run(1)
        measures[name] = lambda run=run, turns=TURNS // places: time_loop(run, turns)
    times = measure.in_turn(measures, ROUNDS)
    json.dump({name: [(a - b) / places for a, b in zip(times[name], times[""])]
               for name, (_, _, places) in statements.items()}, sys.stdout)


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
             if name in JUDGED else "") for name, values in times.items()
        ], peer)


if __name__ == "__main__":
    main()
