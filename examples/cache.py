"""A cache that knows which globals a function has really used, and calls it again only when one of them has changed.

    python examples/cache.py

The first call of each function is tracked: which global names it has read, and what it has called. Later calls compare
a fingerprint of these with that of the first one. A change of RATE makes price() be computed again; a change of
GREETING, which it never reads, does not; a new definition of rounded(), which it calls, does.
"""

import functools

import hooking

RATE = 1.19
GREETING = "hello"


def cached(function):
    """Keep results by arguments, as long as the globals that they came from stay what they were."""
    kept = {}

    @functools.wraps(function)
    def call(*args):
        if args in kept:
            track, seen, result = kept[args]
            if track.fingerprint() == seen:
                return result
        with hooking.track_globals(function, mode="names") as track:
            result = function(*args)
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
