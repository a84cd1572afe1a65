"""What does a copy of the process cost, from hook(isolate=True) to the prompt, and `mark` and `rewind` to the next one?

The program holds 10 MB, or 1 GiB in one array or in small objects. Beside it stand hook() without a copy, and os.fork()
of the same program with a child that ends at once, and is waited for. All are the time until the prompt is there.
"""

import sys
from pathlib import Path

from lib import measure

FOLDER = Path(__file__).parent
CALLS = 8
HEAPS = {
    "10 MB": "heap = bytearray(b'x') * (10 << 20)",
    "1 GiB in one array": "heap = bytearray(b'x') * (1 << 30)",
    "1 GiB of small objects": "heap = [[i, str(i)] for i in range(8_000_000)]",
}
WAYS = {
    "hook()": "hook()",
    "hook(isolate=True)": "hook(isolate=True)",
    "os.fork()": "fork(); os.write(1, b'>>> '); sys.stdin.readline()",
}

PROGRAM = """
import gc, os, sys
sys.path.insert(0, {folder!r})
from lib.measure import tell
from hooking import hook
gc.disable()
{heap}
def fork():
    child = os.fork()
    if child == 0: os._exit(0)
    os.waitpid(child, 0)
for _ in range({calls}):
    tell(); {call}
"""


def to_prompt(heap, way):
    """Seconds until the prompt, of each call in one process."""
    watch = measure.Watch([sys.executable, "-c", PROGRAM.format(folder=str(FOLDER), heap=HEAPS[heap], calls=CALLS,
                                                               call=WAYS[way])])
    times = []
    try:
        for _ in range(CALLS):
            begin, _ = watch.told()
            times.append(watch.until(">>> ") - begin)
            watch.quiet()
            watch.type("\r" if way == "os.fork()" else "\x04")
    finally:
        watch.close()
    return times[1:]


def commands(heap):
    """Seconds of `mark` and of `rewind`, from Enter to the next prompt."""
    watch = measure.Watch([sys.executable, "-c", PROGRAM.format(folder=str(FOLDER), heap=HEAPS[heap], calls=1,
                                                               call="hook()")], HOOKING_PLAIN="1")
    answers = {"mark": "\rmarked: ", "rewind": "\rback at "}
    times = {"mark": [], "rewind": []}
    try:
        watch.until(">>> ")
        for _ in range(CALLS):
            for command, found in times.items():
                watch.quiet()
                begin = watch.type(f"{command}\r")
                watch.until(answers[command])
                found.append(watch.until(">>> ") - begin)
    finally:
        watch.close()
    return times


def main():
    print(measure.machine())
    for heap in HEAPS:
        rounds = measure.in_turn({way: lambda way=way: to_prompt(heap, way) for way in WAYS}, 2)
        rows = [(way, sum(found, []), "") for way, found in rounds.items()]
        times = commands(heap)
        rows += [(f"`{command}`", found, "") for command, found in times.items()]
        measure.table(f"to the prompt, {heap}", rows, "hook()")


if __name__ == "__main__":
    main()
