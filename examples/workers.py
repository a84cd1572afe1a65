"""Two threads reach the same hook(). The console is taken in turn, and each prompt says whose it is.

Each sees its own variables; `results` is the same object in both.
"""

import os
import threading

from hooking import hook


def work(number, results):
    square = number * number
    hook(when=os.isatty(0))
    results[number] = square


def main():
    results = {}
    threads = [threading.Thread(target=work, args=(number, results), name=f"worker-{number}") for number in (3, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(sorted(results.items()))


if __name__ == "__main__":
    main()
