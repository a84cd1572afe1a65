"""What is left of a program that was copied: the processes of its session."""

import os
import re
import select
import time

from terminal import TIMEOUT


def open_pidfd(number):
    """What becomes readable when the process ends."""
    return os.fdopen(os.pidfd_open(number), "rb", buffering=0)


def session(t):
    """The numbers of the processes in the session of a `Terminal`, those that only wait to be reaped apart."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                    state, _, _, number = file.read().rpartition(") ")[2].split()[:4]
            except OSError:
                continue
            if int(number) == t.process.pid and state != "Z":
                found.append(int(name))
    return found


def gone(t):
    """Wait until nothing of the session is left: who is killed with another is not gone at the same moment."""
    deadline = time.monotonic() + TIMEOUT
    while session(t) and time.monotonic() < deadline:
        for number in session(t):
            try:
                with open_pidfd(number) as process:
                    select.select([process], [], [], TIMEOUT)
            except ProcessLookupError:
                pass
    assert session(t) == []


def ended(t, status=0):
    """The end of the program: its status, a usable terminal, nobody left."""
    assert t.end() == status
    assert t.echoes()
    gone(t)


def pid(t):
    """The number of the process at the prompt."""
    t.run("import os")
    return int(re.fullmatch(r"pid (\d+)", t.run("print('pid', os.getpid())"))[1])
