"""What does Tab cost? Beside rlcompleter, among a million globals and for an object with 100000 attributes.

CPU time of one completion in the process; the terminal, the showing of matches and Python's own readline module are not
in it. The names are in the order in which they were made, and shuffled: then each lies anywhere in memory, and the
processor waits for it. rlcompleter is asked for its first match, for which it makes the whole list.
"""

import random
import rlcompleter
import sys
import time

from hooking import _core

from lib import measure

GLOBALS = 1000000
ATTRIBUTES = 100000
ROUNDS = 15
LIMIT_NAMES = 50e-3  # s
LIMIT_ATTRIBUTES = 5e-3
OURS = "hooking"


class Thing:
    """What has the attributes."""


def names(prefix, count, shuffled):
    made = [f"{prefix}{i:07}" for i in range(count)]
    if shuffled:
        random.Random(1).shuffle(made)
    return made


def module_of(made):
    """A module's dictionary with these globals, and a function in it that completes there."""
    space = {"complete": _core.complete, "__name__": "big"}
    space.update(dict.fromkeys(made, 1))
    space.update(rare_one=1, some_list=[])
    exec("def ours(text): return complete(text)", space)
    return space


def taken(function, *args):
    """CPU seconds of one call."""
    begin = time.process_time()
    function(*args)
    return time.process_time() - begin


def compare(title, space, text, limit):
    completer = rlcompleter.Completer(space)
    times = measure.in_turn({OURS: lambda: taken(space["ours"], text),
                             "rlcompleter": lambda: taken(completer.complete, text, 0)}, ROUNDS)
    middle = sorted(times[OURS])[ROUNDS // 2]
    measure.table(title, [(name, values, measure.budget(middle, limit) if name == OURS else "")
                          for name, values in times.items()], OURS)


def main():
    print(measure.machine())
    for shuffled in (False, True):
        order = "shuffled" if shuffled else "in order"
        space = module_of(names("name_", GLOBALS, shuffled))
        compare(f"a name among a million, {order}: rare_<Tab>", space, "rare_", LIMIT_NAMES)
        compare(f"all of the million, {order}: name_<Tab>", space, "name_", LIMIT_NAMES)
        compare(f"an attribute, beside a million globals, {order}: some_list.<Tab>", space, "some_list.", LIMIT_NAMES)
    for shuffled in (False, True):
        space = module_of([])
        space["thing"] = thing = Thing()
        for name in names("attr_", ATTRIBUTES, shuffled):
            setattr(thing, name, 1)
        order = "shuffled" if shuffled else "in order"
        compare(f"100000 attributes, {order}: thing.attr_<Tab>", space, "thing.attr_", LIMIT_ATTRIBUTES)
    space = module_of([])
    compare("a small module: some_list.app<Tab>", space, "some_list.app", LIMIT_ATTRIBUTES)
    return 0


if __name__ == "__main__":
    sys.exit(main())
