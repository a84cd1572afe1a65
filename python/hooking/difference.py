"""What is different between two objects, in lines that people read."""

import itertools
import pickle
import re
import reprlib

#: How much of a container is told of before "... and N more".
MOST = 8

SHORT = reprlib.Repr()
SHORT.maxstring = SHORT.maxother = 60


def short(value):
    """A value in one line, cut; what its repr() raises is no reason to fail."""
    try:
        return " ".join(SHORT.repr(value).split())
    except Exception as error:
        return f"<{type(value).__name__}: repr() raised {type(error).__name__}>"


def change(a, b):
    """Both in short; of texts that begin alike, from where they differ."""
    one, other = short(a), short(b)
    if one == other and type(a) is type(b) and isinstance(a, (str, bytes, bytearray)):
        at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
        return f"[{at}:] {short(a[at:at + 30])} -> {short(b[at:at + 30])}, of {len(a):,} -> {len(b):,}"
    return f"{one} -> {other}"


def pickled(value):
    """What a dump has of it; None if it cannot be pickled."""
    try:
        return pickle.dumps(value, 5)
    except Exception:
        return None


def is_pickled_alike(a, b):
    """Of what does not say that it is equal, or cannot: a NaN, an exception, a generator of random numbers."""
    for value in a, b:
        getattr(value, "__dict__", None)      # of an exception it comes into being by that, and would be told of in one
    one = pickled(a)
    return one is not None and one == pickled(b)


def state(value):
    """What pickling takes of an object beside what makes one; None for nothing."""
    try:
        reduced = value.__reduce_ex__(5)
        return reduced[2] if isinstance(reduced, tuple) and len(reduced) > 2 else None
    except Exception:
        return None


def is_told_by_dict(value):
    """Has it no state but its __dict__?"""
    kept = state(value)
    return isinstance(kept, dict) and kept.keys() == value.__dict__.keys()


def limited(lines, count):
    """The first lines; then how many things there are of which nothing is said."""
    yield from lines[:MOST]
    if count > MOST:
        yield f"... and {count - MOST} more"
    elif len(lines) > MOST:                   # of a few things, the last of which may have said so itself
        yield lines[-1] if lines[-1].startswith("... and ") else f"... and {len(lines) - MOST} more"


def same(a, b):
    """Are they equal? What cannot tell, or does not say yes or no, is not."""
    try:
        return a is b or bool(type(a) is type(b) and a == b)
    except Exception:
        return False


def array_difference(name, a, b):
    """Of two numpy arrays: where, and by how much."""
    import numpy

    if a.shape != b.shape or a.dtype != b.dtype:
        yield f"{name}: array of {a.dtype}, {a.shape} -> {b.dtype}, {b.shape}"
        return
    differs = a != b
    if a.dtype.kind in "fc":                  # a NaN that was one before has not changed
        differs &= ~(numpy.isnan(a) & numpy.isnan(b))
    places = numpy.argwhere(differs)
    if not len(places):
        return
    first = tuple(int(i) for i in places[0])
    text = (f"{name}: {len(places):,} of {a.size:,} elements, first at {list(first)}: "
            f"{change(a[first].item(), b[first].item())}")
    if a.dtype.kind in "iufc" and a.size:
        by = numpy.abs(numpy.where(differs, a, 0).astype(complex if a.dtype.kind == "c" else float)
                       - numpy.where(differs, b, 0))
        most = tuple(int(i) for i in numpy.unravel_index(numpy.nanargmax(numpy.nan_to_num(by)), a.shape))
        text += f"; most by {by[most]:.6g}, at {list(most)}"
    yield text


def mapping_difference(name, a, b, seen, key="{}[{!r}]"):
    inner = [line for k in a if k in b for line in difference(key.format(name, k), a[k], b[k], seen)]
    yield from limited(inner, len(inner))
    for text, one, other in (("is gone", a, b), ("is new", b, a)):
        names = [key.format(name, k) for k in one if k not in other]
        yield from limited([f"{path}: {text}" for path in names], len(names))


def sequence_difference(name, a, b, seen):
    if len(a) != len(b):
        yield f"{name}: {len(a):,} -> {len(b):,} items"
    found = (i for i, (one, other) in enumerate(zip(a, b)) if not same(one, other))
    told = (lines for i in found if (lines := list(difference(f"{name}[{i}]", a[i], b[i], seen))))
    first = list(itertools.islice(told, MOST))
    yield from limited([line for lines in first for line in lines], len(first) + sum(1 for _ in found))


def leaf_difference(name, a, b, seen):
    """Of what has no parts that can be seen. One that says its address alone is told by its state."""
    kept = (state(a), state(b)) if re.search(r" at 0x[0-9A-Fa-f]+", short(a)) else (None, None)
    lines = [] if None in kept else list(difference(f"state of {name}", *kept, seen))
    yield from lines or [f"{name}: {change(a, b)}"]


def difference(name, a, b, seen=frozenset()):
    """Lines about what is different in `b`, which was `a`: none if nothing is. `name`: what both are called."""
    if same(a, b) or (id(a), id(b)) in seen:
        return
    seen = seen | {(id(a), id(b))}
    if type(a) is not type(b):
        yield f"{name}: {change(a, b)}"
    elif type(a).__module__ == "numpy" and type(a).__name__ == "ndarray" and a.dtype.kind != "O":
        yield from array_difference(name, a, b)
    elif isinstance(a, dict):
        yield from mapping_difference(name, a, b, seen)
    elif isinstance(a, (list, tuple)):
        yield from sequence_difference(name, a, b, seen)
    elif isinstance(a, (set, frozenset)):
        yield f"{name}: {len(a - b):,} items are gone, {len(b - a):,} are new"
    elif type(getattr(a, "__dict__", None)) is dict and a.__dict__:
        lines = list(mapping_difference(name, a.__dict__, b.__dict__, seen, "{}.{}"))
        if not lines and not is_told_by_dict(a) and not is_pickled_alike(a, b):
            lines = leaf_difference(name, a, b, seen)
        yield from lines
    elif not is_pickled_alike(a, b):
        yield from leaf_difference(name, a, b, seen)


def of_namespaces(a, b):
    """The same of two dicts of variables: a list of str."""
    lines = [line for name in a if name in b for line in difference(name, a[name], b[name])]
    lines += [f"{name}: is gone" for name in a if name not in b]
    return lines + [f"{name}: is new, {short(b[name])}" for name in b if name not in a]
