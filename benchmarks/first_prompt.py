"""How long does it take from hook() to the prompt? Deep in a program, and with a million globals.

The program runs on a pseudo-terminal and reads the clocks just before the call; this process looks for the prompt on
the other side. "CPU" is the time spent in the program; "waited" is what passes until the prompt is there, with what
the kernel's terminal and its scheduler add: the floor is a program that writes a prompt and reads, no more.
"first" is the first call in a process, "later" the ones that follow.
"""

import sys
from pathlib import Path

from lib import measure

LIMIT = 1e-3  # s
LATER = 8     # calls in one process after the first
FOLDER = Path(__file__).parent

# How each is opened, what its prompt looks like, which keys leave it.
TOOLS = {
    "hooking.hook": ("from hooking import hook", "hook()", ">>> ", "\x04"),
    "code.interact": ("import code, readline", "code.interact(local=locals())", ">>> ", "\x04"),
    "pdb.set_trace": ("import pdb", "pdb.set_trace()", "(Pdb) ", "c\r"),
    "a hook() in Python": ("import readline; from lib.seed_hook import hook", "hook()", ">>> ", "\x04"),
    "IPython.embed": ("from IPython import embed", "embed(colors='NoColor')", "In [", "exit\r"),
    "(the floor)": ("import os, sys", "os.write(1, b'>>> '); sys.stdin.readline()", ">>> ", "\r"),
}
CASES = (  # title, depth of the stack, globals, processes
    ("at depth 1", 1, 0, 12),
    ("at depth 500", 500, 0, 12),
    ("at depth 1, a million globals", 1, 1_000_000, 5),
)

PROGRAM = """
import sys
sys.path.insert(0, {folder!r})
from lib.measure import tell
{imports}
globals().update((f"name_{{i}}", i) for i in range({names}))

def descend(depth):
    if depth > 1:
        return descend(depth - 1)
    tell(); {call}
    return None

for _ in range({calls}):
    descend({depth})
"""


def session(tool, depth, names):
    """A list of (waited, CPU time) of the calls in one process."""
    imports, call, prompt, leave = TOOLS[tool]
    calls = 1 if tool == "IPython.embed" else 1 + LATER  # which draws its prompt more than once
    program = PROGRAM.format(folder=str(FOLDER), imports=imports, call=call, names=names, depth=depth, calls=calls)
    watch = measure.Watch([sys.executable, "-c", program])
    times = []
    try:
        for _ in range(calls):
            begin, used = watch.told()
            waited = watch.until(prompt) - begin
            watch.quiet()
            times.append((waited, watch.cpu_time() - used))
            watch.type(leave)
    finally:
        watch.close()
    return times


def main():
    tools = [tool for tool in TOOLS if not tool.startswith("IPython") or measure.installed("IPython")]
    print(measure.machine())
    for title, depth, names, processes in CASES:
        sessions = measure.in_turn({tool: lambda tool=tool: session(tool, depth, names) for tool in tools}, processes)
        cells = {tool: [columns(sessions[tool], calls) for calls in (slice(0, 1), slice(1, None))] for tool in tools}
        ours = cells["hooking.hook"]
        rows = []
        for tool in TOOLS:
            if tool not in tools:
                rows.append((tool, *[""] * 6, "not installed"))
                continue
            row = [tool]
            for times, reference in zip(cells[tool], ours):
                row += [measure.show(times[0]), measure.show(times[1]), f"{times[0] / reference[0]:.2f} x"] \
                    if times else ["", "", ""]
            note = measure.budget(max(times[0] for times in ours), LIMIT) if tool == "hooking.hook" else ""
            rows.append((*row, note))
        measure.grid(f"to the prompt, {title}",
                     ("", "first: CPU", "waited", "", "later: CPU", "waited", "", ""), rows)


def columns(sessions, calls):
    """Medians over the calls of all processes: (CPU time, waited); None when there are none."""
    chosen = [call for session in sessions for call in session[calls]]
    if not chosen:
        return None
    return tuple(measure.statistics.median(call[clock] for call in chosen) for clock in (1, 0))


if __name__ == "__main__":
    main()
