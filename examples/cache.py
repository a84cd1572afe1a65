"""A cache that knows which globals a function has really used, and calls it again only when one of them has changed.

    python examples/cache.py

The first call of each function is tracked: which global names it has read, and what it has called. Later calls compare
a fingerprint of these with that of the first one. A change of RATE makes price() be computed again; a change of
GREETING, which it never reads, does not; a new definition of rounded(), which it calls, does. Globals of the program's
own modules count, `import config; config.RATE` too, those of libraries do not.
"""

import functools

import hooking

RATE = 1.19
GREETING = "hello"


class Kept(dict):
    """What a fingerprint does not tell apart: a function that calls a cached one does not depend on what is kept."""

    def __reduce__(self):
        return Kept, ()


running = []


def cached(function):
    """Keep results by arguments, as long as the globals that they came from stay what they were."""
    kept = Kept()

    @functools.wraps(function)
    def call(*args):
        if running:             # for another one, which is to see what this one reads
            return function(*args)
        if args in kept:
            track, seen, result = kept[args]
            if track.fingerprint() == seen:
                return result
        running.append(function)
        try:
            with hooking.track_globals(function) as track:
                result = function(*args)
        finally:
            running.pop()
        kept[args] = track, track.fingerprint(), result
        return result
    return call


def rounded(amount):
    return round(amount, 2)


@cached
def price(net):
    print("  computing")
    return rounded(net * RATE)


def main():
    global RATE, GREETING, rounded
    print("price:", price(100))
    print("again:", price(100))
    GREETING = "good evening"
    print("another greeting:", price(100))
    RATE = 1.07
    print("another rate:", price(100))

    def rounded(amount):
        return round(amount)
    print("another way to round:", price(100))


if __name__ == "__main__":
    main()
