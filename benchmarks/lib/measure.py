"""What the benchmarks share: robust numbers, a table of them, a program on a pseudo-terminal with a stop watch.

Everything that is compared is measured in turn, round by round, so that a slow moment of the machine hits all alike.
Medians are given, and behind them half of the distance between the quartiles.
"""

import fcntl
import os
import platform
import pty
import select
import statistics
import struct
import subprocess
import sys
import termios
import time

UNITS = ((1, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"))


def unit(seconds):
    """The largest unit in which a time is at least 1."""
    return next((u for u in UNITS if abs(seconds) >= u[0]), UNITS[-1])


def show(seconds):
    size, name = unit(seconds)
    return f"{seconds / size:.3g} {name}" if abs(seconds) < 1000 * size else f"{seconds / size:.0f} {name}"


def spread(values):
    """Half of the distance between the quartiles."""
    if len(values) < 4:
        return (max(values) - min(values)) / 2
    low, _, high = statistics.quantiles(values, n=4)
    return (high - low) / 2


def in_turn(measures, rounds):
    """Call each of a dict of functions once a round; a dict of the lists of what they returned."""
    results = {name: [] for name in measures}
    for _ in range(rounds):
        for name, measure in measures.items():
            results[name].append(measure())
    return results


def machine():
    """One line about what it runs on."""
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as info:
            model = next(line.split(":", 1)[1].strip() for line in info if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return f"{model}, {os.cpu_count()} CPUs, CPython {platform.python_version()}"


def budget(seconds, limit):
    return f"budget {show(limit)}: {'kept' if seconds <= limit else 'MISSED'}"


def table(title, rows, one):
    """Print rows of (name, list of seconds or None, note). `one`: the row that the ratios are made with."""
    base = statistics.median(next(values for name, values, _ in rows if name == one))
    cells = []
    for name, values, note in rows:
        if values:
            middle = statistics.median(values)
            ratio = f"{middle / base:.2f} x" if base > 0 else ""
            cells.append((name, show(middle), f"+- {show(spread(values))}", ratio, note))
        else:
            cells.append((name, "", "", "", note))
    grid(title, ("", "median", "", "", ""), cells)


def grid(title, head, rows):
    """Print rows of strings in columns: names to the left, notes (the last column) too, numbers to the right."""
    print(f"\n{title}")
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    for row in (head, *rows):
        middle = "  ".join(cell.rjust(width) for cell, width in zip(row[1:-1], widths[1:-1]))
        print(f"  {row[0]:{widths[0]}}  {middle}  {row[-1]}".rstrip())
    sys.stdout.flush()


class Watch:
    """A program on a pseudo-terminal of its own; tells when, on the clock of time.perf_counter(), a text appears.

    That clock is the same in all processes (CLOCK_MONOTONIC). It looks without sleeping: what it sees, it sees some
    microseconds after the kernel has carried it through the terminal.
    """

    def __init__(self, argv, **env):
        self.master, slave = pty.openpty()
        modes = termios.tcgetattr(slave)
        modes[1] &= ~termios.OPOST
        termios.tcsetattr(slave, termios.TCSANOW, modes)
        self.times, times = os.pipe()
        self.seen = b""
        self.process = subprocess.Popen(
            argv, stdin=slave, stdout=slave, stderr=slave, start_new_session=True, pass_fds=[times],
            env={**os.environ, "TERM": "xterm-256color", "INPUTRC": "/dev/null", "WATCH_FD": str(times), **env})
        os.close(slave)
        os.close(times)
        os.set_blocking(self.master, False)

    def until(self, text, limit=60):
        """Wait for a text after the last one; the time when it was there."""
        text = text.encode()
        deadline = time.perf_counter() + limit
        while True:
            try:
                self.seen += os.read(self.master, 65536)
            except BlockingIOError:
                pass
                os.sched_yield()
            now = time.perf_counter()
            at = self.seen.find(text)
            if at >= 0:
                self.seen = self.seen[at + len(text):]
                return now
            if now > deadline:
                raise SystemExit(f"nothing like {text} within {limit} s, but {self.seen[-2000:]}")

    def quiet(self, seconds=0.005):
        """Wait until nothing has appeared for so long."""
        while select.select([self.master], [], [], seconds)[0]:
            self.seen += os.read(self.master, 65536)

    def type(self, keys):
        """Send keys; the time just before."""
        now = time.perf_counter()
        os.write(self.master, keys.encode())
        return now

    def told(self):
        """What the program has told with the next tell(): the time, and the CPU time that it had used."""
        return map(float, os.read(self.times, 64).split())

    def cpu_time(self):
        """The CPU time that the program has used. No other process on the machine has a part in it."""
        clock = (~self.process.pid << 3) | 2  # what clock_getcpuclockid() makes of a process id on Linux
        return time.clock_gettime(clock)

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.times)


def size(terminal, rows, columns):
    """Give a pseudo-terminal a size."""
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def tell():
    """In the program that is watched: tell what time it is, now."""
    os.write(int(os.environ["WATCH_FD"]), b"%-31.9f %-31.9f\n" % (time.perf_counter(), time.process_time()))


def installed(module):
    """Can this interpreter import it?"""
    return subprocess.run([sys.executable, "-c", f"import {module}"], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, check=False).returncode == 0
