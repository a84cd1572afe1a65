"""What does a statement at the prompt cost, over the statement itself? Beside code.interact and pdb.

Twice: on a pseudo-terminal, from Enter to the next prompt, CPU time in the program and time waited, as a user has it;
and in the process alone, where an input() that stands in for the user takes the time from its return to its next
call. What the bare statement takes, compiled once, is taken off.
"""

import builtins
import code
import io
import pdb
import statistics
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import hooking
from lib import measure

LIMIT = 0.2e-3  # s
REPEATS = 300   # in the process
KEYS = 40       # on the terminal, a process
PROCESSES = 4
FOLDER = Path(__file__).parent
STATEMENTS = {
    "plain: y = x + 1": "y = x + 1",
    "comprehension: y = [x for _ in range(3)]": "y = [x for _ in range(3)]",
    "lambda: y = lambda: x": "y = lambda: x",
    "function: def f(): return x": "def f(): return x\n",
}
OURS = "hooking.hook"


def itself(statement):
    """Seconds that the statement takes by itself, compiled once."""
    x = 1
    compiled = compile(statement, "<bare>", "exec")
    names = {"x": x}
    times = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        exec(compiled, names)
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


class Typist:
    """Stands for a user: gives the lines of a statement again and again, and takes the time that each took."""

    def __init__(self, statement, leave):
        self.lines = statement.split("\n")
        self.left = REPEATS
        self.leave = leave
        self.at = 0
        self.times = []
        self.sent = None

    def __call__(self, prompt=""):
        now = time.perf_counter()
        if self.at == 0 and self.sent is not None:
            self.times.append(now - self.sent)
        if self.left == 0:
            return self.leave()
        line = self.lines[self.at]
        self.at = (self.at + 1) % len(self.lines)
        self.left -= self.at == 0
        self.sent = time.perf_counter()
        return line

    def readline(self):
        return self() + "\n"


def eof():
    raise EOFError


def in_hook(typist):
    x = 1
    builtins.input = typist
    hooking.hook()


def in_code(typist):
    x = 1
    code.interact(readfunc=typist, local=locals(), banner="", exitmsg="")


def in_pdb(typist):
    x = 1
    debugger = pdb.Pdb(stdin=typist, stdout=io.StringIO(), nosigint=True)
    debugger.set_trace()
    del debugger


INSIDE = {OURS: (in_hook, lambda: "c"), "code.interact": (in_code, eof), "pdb.set_trace": (in_pdb, lambda: "c")}


def child():
    """In a process without a terminal: print each median."""
    result = []
    for statement in STATEMENTS.values():
        for call, leave in INSIDE.values():
            one_line = statement.strip() if call is in_pdb else statement  # pdb before 3.13 reads single lines only
            typist = Typist(one_line, leave)
            with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
                call(typist)
            result.append(statistics.median(typist.times))
    print(*result)


def inside():
    """Medians in the process: dict of statement and tool."""
    done = subprocess.run([sys.executable, __file__, "child"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          start_new_session=True, check=True)
    numbers = map(float, done.stdout.split())
    return {(what, tool): next(numbers) for what in STATEMENTS for tool in INSIDE}


OUTSIDE = {
    OURS: ("from hooking import hook", "hook()", ">>> ", "... "),
    "code.interact": ("import code, readline", "code.interact(local=locals())", ">>> ", "... "),
    "pdb.set_trace": ("import pdb", "pdb.set_trace(); return", "(Pdb) ", "(Pdb) "),
}
PROGRAM = """
import sys
sys.path.insert(0, {folder!r})
{imports}
def main():
    x = 1
    {call}
main()
"""


def session(tool, statement):
    """A list of (waited, CPU time), from the last Enter of a statement to the next prompt."""
    imports, call, prompt, more = OUTSIDE[tool]
    first, *rest = (statement.strip() if tool.startswith("pdb") else statement).split("\n")
    watch = measure.Watch([sys.executable, "-c", PROGRAM.format(folder=str(FOLDER), imports=imports, call=call)])
    times = []
    try:
        watch.until(prompt)
        for _ in range(KEYS):
            for line in (first, *rest):
                watch.quiet(0.002)
                watch.type(line)
                watch.quiet(0.002)
                if line is (first, *rest)[-1]:
                    break
                watch.type("\r")
                watch.until(more)
            watch.seen = b""
            used = watch.cpu_time()
            begin = watch.type("\r")
            waited = watch.until(prompt) - begin
            watch.quiet(0.001)
            times.append((waited, watch.cpu_time() - used))
    finally:
        watch.close()
    return times


def main():
    if len(sys.argv) > 1:
        child()
        return
    print(measure.machine())
    bare = {what: itself(statement) for what, statement in STATEMENTS.items()}
    within = measure.in_turn({"all": inside}, PROCESSES)["all"]
    for what, statement in STATEMENTS.items():
        sessions = measure.in_turn({tool: lambda tool=tool: session(tool, statement) for tool in OUTSIDE}, PROCESSES)
        columns = {}
        for tool in OUTSIDE:
            calls = [call for one in sessions[tool] for call in one]
            columns[tool] = [statistics.median(one[what, tool] for one in within) - bare[what],
                             statistics.median(call[1] for call in calls) - bare[what],
                             statistics.median(call[0] for call in calls) - bare[what]]
        ours = columns[OURS]
        rows = []
        for tool, times in columns.items():
            row = [tool]
            for taken, reference in zip(times, ours):
                row += [measure.show(taken), f"{taken / reference:.2f} x"]
            rows.append((*row, measure.budget(ours[0], LIMIT) if tool == OURS else ""))
        measure.grid(f"{what}   (itself: {measure.show(bare[what])})",
                     ("over it", "in the process", "", "terminal: CPU", "", "waited", "", ""), rows)


if __name__ == "__main__":
    main()
