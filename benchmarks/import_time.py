"""What does `import hooking` cost at the start of a program? Beside pdb, code and IPython."""

import subprocess
import sys
import time

from lib import measure

ROUNDS = 40
LIMIT = 3e-3  # s
MODULES = ("hooking", "code", "pdb", "IPython")


def start(statement):
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return time.perf_counter() - begin


def main():
    modules = [module for module in MODULES if measure.installed(module)]  # and it is in the disk cache now
    measures = {"": lambda: start("pass")}
    for module in modules:
        measures[module] = lambda module=module: start(f"import {module}")
    times = measure.in_turn(measures, ROUNDS)
    over = {name: [a - b for a, b in zip(times[name], times[""])] for name in modules}
    note = measure.budget(measure.statistics.median(over["hooking"]), LIMIT)
    print(measure.machine())
    measure.table("import, over a bare start", [
        *((f"import {name}", over.get(name), note if name == "hooking" else "" if name in over else "not installed")
          for name in MODULES),
        ("(a bare start)", times[""], ""),
    ], "import hooking")


if __name__ == "__main__":
    main()
