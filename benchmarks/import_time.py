"""What does `import hooking` cost at the start of a program? Beside pdb, code and IPython.

Each import is the first thing that a new process does. The process itself takes the CPU time and the time waited
around the import; and whole processes, those with an import and those without in turn, tell how much longer they
take. The difference of two starts is of the size of its noise for what is fast.
"""

import os
import statistics
import sys
import time

from lib import measure

ROUNDS = 40
LIMIT = 3e-3  # s
MODULES = ("hooking", "code", "pdb", "IPython")


PROGRAM = """
import os, time
used, begin = time.process_time(), time.perf_counter()
{statement}
os.write({fd}, b"%f %f" % (time.process_time() - used, time.perf_counter() - begin))
"""


def start(statement):
    """Run a statement in a new process: (CPU time, time waited) for it, and CPU time of the whole process."""
    told, telling = os.pipe()
    os.set_inheritable(telling, True)
    program = PROGRAM.format(statement=statement, fd=telling)
    process = os.posix_spawn(sys.executable, [sys.executable, "-c", program], os.environ)
    _, status, usage = os.wait4(process, 0)
    times = os.read(told, 64).split() if status == 0 else sys.exit(f"{statement!r} failed")
    os.close(told)
    os.close(telling)
    return *map(float, times), usage.ru_utime + usage.ru_stime


def main():
    modules = [module for module in MODULES if measure.installed(module)]  # and it is in the disk cache now
    measures = {"": lambda: start("pass")}
    for module in modules:
        measures[module] = lambda module=module: start(f"import {module}")
    times = measure.in_turn(measures, ROUNDS)

    def medians(module):
        cpu, waited, _ = map(statistics.median, zip(*times[module]))
        return cpu, waited, statistics.median(one[2] - bare[2] for one, bare in zip(times[module], times[""]))

    ours = medians("hooking")
    rows = []
    for module in MODULES:
        if module not in modules:
            rows.append((f"import {module}", "", "", "", "", "not installed"))
            continue
        cpu, waited, more = medians(module)
        rows.append((f"import {module}", measure.show(cpu), f"{cpu / ours[0]:.2f} x", measure.show(waited),
                     measure.show(more), measure.budget(max(ours[0], ours[2]), LIMIT) if module == "hooking" else ""))
    print(measure.machine())
    bare = statistics.median(one[2] for one in times[""])
    measure.grid(f"import   (a bare start: {measure.show(bare)})",
                 ("", "CPU", "", "waited", "over a bare start", ""), rows)


if __name__ == "__main__":
    main()
