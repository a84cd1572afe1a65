"""What does `hooking run` cost over Python itself? The start, and the speed of a script that computes.

Starts are whole processes, in turn: their CPU time, and the time that a user waits for them. Over each other they are
compared round by round, for the difference of two starts is small against what they have in common. The script that
computes takes its own CPU time, which has no start in it; of that the least is compared, for what is more comes from
the machine. Bytecode of hooking is written to a folder of its own, as an installed package has it.
"""

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import hooking

from lib import measure

ROUNDS, SPEED_ROUNDS = 60, 40
LIMIT = 5e-3  # s
SPEED_LIMIT = 1.02
SCRIPT = "import sys\n\nfrom hooking.__main__ import main\n\nsys.exit(main())\n"
WORK = """
import os, sys, time
begin = time.process_time()
def queens(n, columns=(), rising=(), falling=()):
    row = len(columns)
    if row == n:
        return 1
    return sum(queens(n, (*columns, c), (*rising, c - row), (*falling, c + row)) for c in range(n)
               if c not in columns and c - row not in rising and c + row not in falling)

total = 0
for number in range(600_000):
    total += number * number % 7
counts = {}
for word in ("%x" % (i * i) for i in range(150_000)):
    counts[word[:2]] = counts.get(word[:2], 0) + 1
assert queens(7) == 40
os.write(int(sys.argv[1]), b"%f" % (time.process_time() - begin))
"""


def start(words, environment):
    """Run Python: (CPU time, time waited) of the whole process."""
    begin = time.perf_counter()
    process = os.posix_spawn(sys.executable, [sys.executable, *words], environment)
    _, status, usage = os.wait4(process, 0)
    waited = time.perf_counter() - begin
    if status:
        sys.exit(f"{words} failed")
    return usage.ru_utime + usage.ru_stime, waited


def compare(title, ways, rounds, environment):
    """Print what each of `ways` costs; those after the first over the first."""
    for words in ways.values():
        start(words, environment)                      # now it is in the disk cache
    times = measure.in_turn({name: lambda words=words: start(words, environment) for name, words in ways.items()},
                            rounds)
    one = times[next(iter(ways))]
    rows = []
    for name in ways:
        cpu, waited = (statistics.median(values) for values in zip(*times[name]))
        more = [statistics.median(a[i] - b[i] for a, b in zip(times[name], one)) for i in (0, 1)]
        ratio = statistics.median(a[0] / b[0] for a, b in zip(times[name], one))
        rows.append((name, measure.show(cpu), measure.show(waited), f"{ratio:.3f} x",
                     *(map(measure.show, more) if times[name] is not one else ("", "")),
                     measure.budget(more[0], LIMIT) if "hooking" in name else ""))
    measure.grid(title, ("", "CPU", "waited", "CPU", "more CPU", "more waited", ""), rows)


def speed(title, ways, rounds, environment):
    """Print the CPU time that the script itself takes in each of `ways`, and over the first."""
    told, telling = os.pipe()
    os.set_inheritable(telling, True)

    def work(words):
        start([*words, str(telling)], environment)
        return float(os.read(told, 64))

    times = measure.in_turn({name: lambda words=words: work(words) for name, words in ways.items()}, rounds)
    one = times[next(iter(ways))]
    rows = []
    for name, values in times.items():
        ratio = min(values) / min(one)
        kept = "kept" if ratio <= SPEED_LIMIT else "MISSED"
        rows.append((name, measure.show(statistics.median(values)), f"+- {measure.show(measure.spread(values))}",
                     measure.show(min(values)), f"{ratio:.3f} x",
                     "" if values is one else f"budget {SPEED_LIMIT} x: {kept}"))
    measure.grid(title, ("", "CPU", "", "least", "", ""), rows)
    os.close(told)
    os.close(telling)


def main():
    with tempfile.TemporaryDirectory() as folder:
        empty, work, script = (Path(folder, name) for name in ("empty.py", "work.py", "hooking-script"))
        empty.write_text("")
        work.write_text(WORK)
        script.write_text(SCRIPT)
        environment = {**os.environ, "PYTHONPATH": f"{Path(hooking.__file__).parent.parent}:{folder}",
                       "PYTHONPYCACHEPREFIX": f"{folder}/cache"}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        print(measure.machine())

        compare("an empty script", {
            "python FILE": [str(empty)],
            "hooking run FILE": [str(script), "run", str(empty)],
            "python -m hooking run FILE": ["-m", "hooking", "run", str(empty)],
            "python -m runpy MODULE": ["-m", "runpy", "empty"],
            "python -m cProfile FILE": ["-m", "cProfile", "-o", f"{folder}/profile", str(empty)],
        }, ROUNDS, environment)
        compare("an empty module", {
            "python -m MODULE": ["-m", "empty"],
            "hooking run -m MODULE": [str(script), "run", "-m", "empty"],
            "python -m hooking run -m MODULE": ["-m", "hooking", "run", "-m", "empty"],
        }, ROUNDS, environment)
        speed("a script that computes", {
            "python FILE": [str(work)],
            "hooking run FILE": [str(script), "run", str(work)],
            "python -m hooking run FILE": ["-m", "hooking", "run", str(work)],
        }, SPEED_ROUNDS, environment)


if __name__ == "__main__":
    main()
