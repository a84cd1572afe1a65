"""What do snapshots cost the program that they are taken of? Beside the way of the tool that the idea comes from.

That tool (chkpt, of whose way there is a description, not code) calls a function in Python at each line, looks at the
clock there, and pickles what is large enough while the program waits. It is written anew here, as it is described:
sys.settrace(), and where there is one, sys.monitoring.

A loop of plain Python takes its own CPU time, for a run of each way in turn. The pause is what the program waits for
one snapshot, by its own clock; the file is complete some time later.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile

from lib import measure

ROUNDS = 15
LIMITS = {"-f -1": 1.02, "-f 100": 1.10}
GIB = (1, 2)
LIMIT_PAUSE = 10e-3  # s, and as much a GiB

LOOP = """
import sys, time
def work(count):
    total, words = 0, {}
    for number in range(count):
        total += number * number % 7
        if number % 16 == 0:
            word = "%x" % number
            words[word[:2]] = words.get(word[:2], 0) + 1
    return total
begin = time.process_time()
work(int(sys.argv[1]))
print(time.process_time() - begin)
"""

#: As LOOP, within the other tool's way: at each line of the script the time, and every 100 ms its variables.
SEED = """
import io, pickle, sys, time
names, interval, last = {"__name__": "__main__"}, 0.1, time.monotonic()
def look(frame):
    global last
    if time.monotonic() - last > interval:
        last = time.monotonic()
        for name, value in frame.f_globals.items():
            try:
                pickle.dump(value, io.BytesIO())
            except Exception:
                pass
code = compile(open(sys.argv[2]).read(), sys.argv[2], "exec")
if hasattr(sys, "monitoring"):
    mon = sys.monitoring
    mon.use_tool_id(mon.DEBUGGER_ID, "seed")
    def on_line(code, line):
        if code.co_filename != sys.argv[2]:
            return mon.DISABLE
        look(sys._getframe(1))
    mon.register_callback(mon.DEBUGGER_ID, mon.events.LINE, on_line)
    mon.set_events(mon.DEBUGGER_ID, mon.events.LINE)
else:
    def trace(frame, event, arg):
        if frame.f_code.co_filename != sys.argv[2]:
            return None
        look(frame)
        return trace
    sys.settrace(trace)
exec(code, names)
"""

PAUSE = """
import json, numpy, sys
from hooking import Checkpoint
data = numpy.ones(int(sys.argv[1]) << 27)
chkpt = Checkpoint.get_global_singleton()
for i in range(5):
    chkpt.snapshot(str(i))
    chkpt.wait()
"""


def run(words, folder):
    done = subprocess.run([sys.executable, *words], cwd=folder, stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout or 0)


def compare_loops(folder):
    count = str(1_500_000)
    ways = {"python": ["loop.py", count],
            **{f"hooking checkpoint {options}": ["-m", "hooking", "checkpoint", *options.split(), "loop.py", count]
               for options in LIMITS},
            "a line callback in Python": ["seed.py", count, "loop.py"]}
    times = measure.in_turn({way: lambda words=words: run(words, folder) for way, words in ways.items()}, ROUNDS)
    least = min(times["python"])
    rows = []
    for way, values in times.items():
        ratio = min(values) / least
        limit = LIMITS.get(way.removeprefix("hooking checkpoint "))
        kept = "" if limit is None else f"budget {limit:.2f} x: {'kept' if ratio <= limit else 'MISSED'}"
        rows.append((way, measure.show(min(values)), f"{ratio:.2f} x", kept))
    measure.grid("a loop of plain Python, CPU, the least", ("", "time", "", ""), rows)


def compare_pauses(folder):
    rows = []
    for gib in GIB:
        run(["-m", "hooking", "checkpoint", "-f", "-1", "pause.py", str(gib)], folder)
        listed = os.path.join(folder, "checkpoints", "pause", "snapshots.jsonl")
        with open(listed, encoding="utf-8") as file:
            pauses = [json.loads(line)["pause"] for line in file]
        os.unlink(listed)
        subprocess.run([sys.executable, "-c", f"import numpy, pickle\ndata = numpy.ones({gib} << 27)\n"
                        "file = open('x', 'wb')\nimport time\nbegin = time.perf_counter()\n"
                        "pickle.dump(data, file, protocol=5)\nprint(time.perf_counter() - begin, file=open('t', 'w'))"],
                       cwd=folder, check=True)
        with open(os.path.join(folder, "t"), encoding="utf-8") as file:
            pickled = float(file.read())
        pause = statistics.median(pauses)
        rows.append((f"{gib} GiB", measure.show(pause), measure.budget(pause, LIMIT_PAUSE * (1 + gib)),
                     measure.show(pickled)))
        for name in os.listdir(os.path.dirname(listed)):
            os.unlink(os.path.join(os.path.dirname(listed), name))
    measure.grid("how long the program waits for a snapshot of an array", ("", "hooking", "", "pickling it"), rows)


def main():
    print(measure.machine())
    base = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with tempfile.TemporaryDirectory(dir=base) as folder:
        for name, text in (("loop.py", LOOP), ("seed.py", SEED), ("pause.py", PAUSE)):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(text)
        compare_loops(folder)
        compare_pauses(folder)


if __name__ == "__main__":
    main()
