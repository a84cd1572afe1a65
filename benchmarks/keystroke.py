"""What does a key cost in a block of 200 lines, and how many bytes are sent for it?

The program stands at a prompt on a pseudo-terminal of 80x24, the block is pasted, and keys are typed one by one in its
last line and in its middle. CPU time is what the program has used for one key; the bytes are what it has sent to the
terminal for it: behind a line of 9600 baud each takes a millisecond. Peers that edit blocks take part if this
interpreter has them: Python's own prompt from 3.13 on, IPython, ptpython.
"""

import statistics
import sys
import tempfile
import time

from lib import measure

LIMIT = 1e-3  # s
LINES = 200
KEYS = 12   # the line does not wrap
ROUNDS = 5
UP = "\x1b[A"
QUIET = 0.15  # s: nothing more comes

HEAD = "def compute(data, scale=1.5):"
BODY = [f"    total_{i} = [x * {i} for x in data if x > {i}]  # step {i}" for i in range(LINES - 2)]
BLOCK = "\r".join([HEAD, *BODY, "    name"])

TOOLS = {
    "hooking.hook": (["-c", "from hooking import hook; hook()"], ">>> "),
    "python -i": (["-i", "-q"], ">>> "),
    "IPython": (["-m", "IPython", "--no-banner", "--no-confirm-exit"], "In ["),
    "ptpython": (["-m", "ptpython"], ">>>"),
}
OURS = "hooking.hook"


class Typist(measure.Watch):
    """Types a key, waits until it is dealt with, and tells what that took."""

    def settle(self):
        """Wait until nothing comes any more; the bytes that came."""
        seen = len(self.seen)
        self.quiet(QUIET)
        return len(self.seen) - seen

    def key(self, keys):
        before = self.cpu_time()
        self.type(keys)
        size = self.settle()
        return self.cpu_time() - before, size


def there():
    """The tools that this interpreter has."""
    found = [OURS]
    if sys.version_info >= (3, 13):
        found.append("python -i")
    found += [name for name in ("IPython", "ptpython") if measure.installed(name)]
    return found


def session(name, place):
    """Lists of CPU times and of bytes, one for each key."""
    arguments, prompt = TOOLS[name]
    with tempfile.TemporaryDirectory() as home:
        typist = Typist([sys.executable, *arguments], HOME=home, XDG_STATE_HOME=home, IPYTHONDIR=home)
        try:
            measure.size(typist.master, 24, 80)
            typist.until(prompt)
            typist.settle()
            typist.type("\x1b[200~")
            for line in BLOCK.split("\r"):
                typist.type(line + ("" if line == "    name" else "\r"))
                typist.quiet(0)
            typist.type("\x1b[201~")
            typist.settle()
            for _ in range(LINES // 2 if place == "middle" else 0):
                typist.type(UP)
                typist.quiet(0.01)
            typist.settle()
            keys = [typist.key("abcdefghij"[i % 10]) for i in range(KEYS)]
        finally:
            typist.close()
    return [cpu for cpu, _ in keys], [size for _, size in keys]


def idle(name):
    """CPU seconds that the program uses while nothing is typed, for as long as a key is waited for."""
    arguments, prompt = TOOLS[name]
    with tempfile.TemporaryDirectory() as home:
        typist = Typist([sys.executable, *arguments], HOME=home, XDG_STATE_HOME=home, IPYTHONDIR=home)
        try:
            typist.until(prompt)
            typist.settle()
            before = typist.cpu_time()
            time.sleep(QUIET * 4)
            return (typist.cpu_time() - before) / 4
        finally:
            typist.close()


def main():
    print(measure.machine())
    tools = there()
    waiting = {name: idle(name) for name in tools}
    for place in ("end", "middle"):
        times, sizes = {name: [] for name in tools}, {name: [] for name in tools}
        for _ in range(ROUNDS):
            for name in tools:
                cpu, size = session(name, place)
                times[name] += [max(0, one - waiting[name]) for one in cpu]
                sizes[name] += size
        rows = []
        for name in tools:
            note = f"{statistics.median(sizes[name]):.0f} bytes"
            if name == OURS:
                note += f"  {measure.budget(statistics.median(times[name]), LIMIT)}"
            rows.append((name, times[name], note))
        measure.table(f"a key at the {place} of a block of {LINES} lines, CPU", rows, OURS)


if __name__ == "__main__":
    main()
