"""How long does it take from an exception to the prompt? With tracebacks of 1, 500 and 10,000 frames.

As in first_prompt.py: a program on a pseudo-terminal reads the clocks in its `except` block, and this process looks for
the prompt on the other side. "CPU" is the time spent in the program, "waited" what passes until the prompt is there.
"first" is the first call in a process, "later" the ones that follow.
"""

import sys
from pathlib import Path

from first_prompt import columns
from lib import measure

LIMIT = 1e-3  # s
LATER = 4     # calls in one process after the first
FOLDER = Path(__file__).parent

TOOLS = {
    "hooking.post_mortem": ("from hooking import post_mortem", ">>> ", "\x04"),
    "pdb.post_mortem": ("from pdb import post_mortem", "(Pdb) ", "c\r"),
}
CASES = (1, 500, 10_000)  # frames
PROCESSES = 8

PROGRAM = """
import sys
sys.path.insert(0, {folder!r})
sys.setrecursionlimit(20_000)
from lib.measure import tell
{imports}

def descend(depth):
    if depth > 1:
        return descend(depth - 1)
    raise ValueError("at the bottom")

for _ in range({calls}):
    try:
        descend({depth})
    except ValueError as error:
        tell(); post_mortem({argument})
"""


def session(tool, depth):
    """A list of (waited, CPU time) of the calls in one process."""
    imports, prompt, leave = TOOLS[tool]
    argument = "error.__traceback__" if tool.startswith("pdb") else ""
    program = PROGRAM.format(folder=str(FOLDER), imports=imports, depth=depth, calls=1 + LATER, argument=argument)
    watch = measure.Watch([sys.executable, "-c", program])
    times = []
    try:
        for _ in range(1 + LATER):
            begin, used = watch.told()
            waited = watch.until(prompt) - begin
            watch.quiet()
            times.append((waited, watch.cpu_time() - used))
            watch.type(leave)
    finally:
        watch.close()
    return times


def main():
    print(measure.machine())
    for depth in CASES:
        sessions = measure.in_turn({tool: lambda tool=tool: session(tool, depth) for tool in TOOLS}, PROCESSES)
        cells = {tool: [columns(sessions[tool], calls) for calls in (slice(0, 1), slice(1, None))] for tool in TOOLS}
        ours = cells["hooking.post_mortem"]
        rows = []
        for tool in TOOLS:
            row = [tool]
            for times, reference in zip(cells[tool], ours):
                row += [measure.show(times[0]), measure.show(times[1]), f"{times[0] / reference[0]:.2f} x"]
            note = measure.budget(max(times[0] for times in ours), LIMIT) if tool == "hooking.post_mortem" else ""
            rows.append((*row, note))
        measure.grid(f"to the prompt, a traceback of {depth:,} frames",
                     ("", "first: CPU", "waited", "", "later: CPU", "waited", "", ""), rows)


if __name__ == "__main__":
    main()
