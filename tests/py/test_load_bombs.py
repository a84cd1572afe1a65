"""Pickles of nothing but data that would take the interpreter down, or never come to an end: one is asked before.

They are written opcode by opcode: no pickler makes them. None of them is ever loaded here."""

import collections
import pickle
import struct
import time
import types

import pytest

from hooking import DumpError, UntrustedDump, inspect_dump, load

DEEP = 3000
PROTO, STOP = b"\x80\x04", b"."
EMPTY_LIST, EMPTY_DICT, EMPTY_SET, EMPTY_TUPLE, MARK, ONE = b"]", b"}", b"\x8f", b")", b"(", b"K\x01"
APPEND, APPENDS, SETITEM, SETITEMS, ADDITEMS, FROZENSET = b"a", b"e", b"s", b"u", b"\x90", b"\x91"
TUPLE1, TUPLE2, TUPLE, REDUCE, BUILD, POP, DUP, MEMOIZE = b"\x85", b"\x86", b"t", b"R", b"b", b"0", b"2", b"\x94"


def name(module, attribute):
    return b"c%s\n%s\n" % (module.encode(), attribute.encode())


def get(index):
    return b"j" + struct.pack("<I", index)


def text(content):
    return b"X" + struct.pack("<I", len(content)) + content


def number(size):
    return b"\x8b" + struct.pack("<i", size) + b"\x01" * size


DEQUE = name("collections", "deque") + EMPTY_TUPLE + REDUCE
DEFAULTDICT = name("collections", "defaultdict") + EMPTY_TUPLE + REDUCE
ORDERED = name("collections", "OrderedDict")
NAMESPACE = name("types", "SimpleNamespace") + EMPTY_TUPLE + REDUCE
PAIRS = EMPTY_TUPLE + (DUP + TUPLE2) * 60 + MEMOIZE       # (t, t) sixty times: 2 ** 60 to hash, in the memo at 0
BIG = MARK + ONE * 20_000 + TUPLE + MEMOIZE


def one_after_the_other(made, count):
    """The outer is there, and in the memo, before the next is put into it; what is put in is filled afterwards."""
    return made + MEMOIZE + POP + b"".join(get(n) + made + MEMOIZE + APPEND + POP for n in range(count)) + get(0)


def families(count):
    """Two frozensets that are equal and not the same, of two tuples each with the last one in them."""
    text = (MARK + ONE + FROZENSET + MEMOIZE) * 2
    for n in range(0, 2 * count, 2):
        for index in (n, n + 1):
            text += POP + MARK + get(index) + ONE + TUPLE2 + get(index) + b"K\x02" + TUPLE2 + FROZENSET + MEMOIZE
    return text + POP + EMPTY_SET + MARK + get(2 * count) + get(2 * count + 1) + ADDITEMS


DEPTHS = {
    "deques": DEQUE * DEEP + APPEND * (DEEP - 1),
    "deques, with lists between": (DEQUE + EMPTY_LIST) * DEEP + APPEND * (2 * DEEP - 1),
    "deques, with dicts between": (DEQUE + EMPTY_DICT + ONE) * DEEP + DEQUE + (SETITEM + APPEND) * DEEP,
    "deques, with namespaces between": (DEQUE + NAMESPACE + EMPTY_DICT + text(b"x")) * DEEP + ONE
    + (SETITEM + BUILD + APPEND) * DEEP,
    "deques, in tuples": DEQUE + b"".join(
        MEMOIZE + POP + DEQUE + get(n) + TUPLE1 + APPEND for n in range(DEEP)),
    "deques as arguments": b"".join([EMPTY_LIST, *(
        MEMOIZE + POP + name("collections", "deque") + EMPTY_LIST + get(n) + APPEND + TUPLE1 + REDUCE
        for n in range(DEEP))]),
    "deques, the outer first": one_after_the_other(DEQUE, DEEP),
    "defaultdicts": (DEFAULTDICT + ONE) * DEEP + DEFAULTDICT + SETITEM * DEEP,
    "defaultdicts and deques": (DEFAULTDICT + ONE + DEQUE) * DEEP + ONE + (APPEND + SETITEM) * DEEP,
    "defaultdicts, filled with SETITEMS": (DEFAULTDICT + MARK + ONE) * DEEP + DEFAULTDICT + SETITEMS * DEEP,
}


@pytest.fixture
def path(tmp_path, own_key):
    return tmp_path / "bomb"


def judged(path, content):
    path.write_bytes(PROTO + content + STOP)
    return inspect_dump(path)


@pytest.mark.parametrize("which", DEPTHS)
def test_what_is_freed_one_within_the_other(which, path):
    """A list in a list is put aside to be freed later; a deque is not."""
    found = judged(path, DEPTHS[which])
    assert found["does"] == "code" and found["why"].startswith("it nests deques, defaultdicts, slices or arrays ")
    with pytest.raises(UntrustedDump, match=r"it nests deques, .* \d+ levels deep"):
        load(path)


WORK = {
    "a key": PAIRS + POP + EMPTY_DICT + get(0) + ONE + SETITEM,
    "a key, with SETITEMS": PAIRS + POP + EMPTY_DICT + MARK + get(0) + ONE + SETITEMS,
    "a key, with DICT": MARK + PAIRS + ONE + b"d",
    "a member": PAIRS + POP + EMPTY_SET + MARK + get(0) + ADDITEMS,
    "of a frozenset": PAIRS + POP + MARK + get(0) + FROZENSET,
    "of a set that is called": PAIRS + POP + name("builtins", "set") + EMPTY_LIST + get(0) + APPEND + TUPLE1 + REDUCE,
    "of an OrderedDict": PAIRS + POP + ORDERED + EMPTY_TUPLE + REDUCE + get(0) + ONE + SETITEM,
    "of an OrderedDict out of pairs": PAIRS + POP + ORDERED + EMPTY_LIST + EMPTY_LIST + get(0) + APPEND + ONE + APPEND
    + APPEND + TUPLE1 + REDUCE,
    "of a Counter": PAIRS + POP + name("collections", "Counter") + EMPTY_DICT + get(0) + ONE + SETITEM + TUPLE1
    + REDUCE,
    "through the memo": EMPTY_TUPLE + MEMOIZE + b"".join(POP + get(n) + get(n) + TUPLE2 + MEMOIZE for n in range(60))
    + EMPTY_DICT + get(60) + ONE + SETITEM,
    "slices": name("builtins", "slice") + MEMOIZE + POP + EMPTY_TUPLE + MEMOIZE + b"".join(
        POP + get(0) + get(n) + get(n) + TUPLE2 + REDUCE + MEMOIZE for n in range(1, 61))
    + EMPTY_DICT + get(61) + ONE + SETITEM,
    "equal frozensets": families(40),
    "a large one, often": BIG + EMPTY_SET + (MARK + get(0) + ADDITEMS) * 10_000,
    "a large number, often": number(1 << 20) + MEMOIZE + EMPTY_SET + (MARK + get(0) + ADDITEMS) * 10_000,
    "a large text, copied often": text(b"x" * (1 << 20)) + MEMOIZE + POP + name("_codecs", "encode") + MEMOIZE + POP
    + MARK + (get(1) + get(0) + text(b"latin1") + TUPLE2 + REDUCE) * 10_000 + TUPLE,
    "a large list, copied often": EMPTY_LIST + MEMOIZE + MARK + ONE * 20_000 + APPENDS + POP
    + name("collections", "deque") + MEMOIZE + POP + MARK + (get(1) + get(0) + TUPLE1 + REDUCE) * 10_000 + TUPLE,
}


@pytest.mark.parametrize("which", WORK)
def test_what_would_not_come_to_an_end(which, path):
    found = judged(path, WORK[which])
    assert found["does"] == "code" and "it nests and repeats so much in keys or arguments" in found["why"]
    with pytest.raises(UntrustedDump, match=r"to go through it takes \d+ steps"):
        load(path)


def test_pairs_that_are_filled_when_they_are_in_the_list(path):
    """What a call goes through is not known then."""
    late = EMPTY_LIST + MEMOIZE + EMPTY_LIST + MEMOIZE + APPEND + POP + get(1) + PAIRS + APPEND + ONE + APPEND + POP
    found = judged(path, late + ORDERED + get(0) + TUPLE1 + REDUCE)
    assert found["does"] == "code" and "it fills what is within something else already" in found["why"]


def test_a_fraction_of_large_numbers(path):
    """Their greatest common divisor takes time that grows with the square."""
    found = judged(path, name("fractions", "Fraction") + number(9000) + number(9000) + TUPLE2 + REDUCE)
    assert found["does"] == "code" and "Fraction" in found["why"]


LENGTHS = {
    "LONG4": b"\x8b\xff\xff\xff\x7f\x01", "LONG4, negative": b"\x8b\xff\xff\xff\xff\x01", "LONG1": b"\x8a\xff\x01",
    "BINBYTES": b"B\xff\xff\xff\xffx", "BINBYTES8": b"\x8e" + b"\0" * 5 + b"\1\0\0x",
    "BYTEARRAY8": b"\x96" + b"\0" * 5 + b"\1\0\0x", "BINUNICODE8": b"\x8d" + b"\xff" * 8 + b"x",
    "BINUNICODE": b"X\xff\xff\xff\x7fx", "BINSTRING": b"T\xff\xff\xff\x7fx", "FRAME": b"\x95" + b"\xff" * 7 + b"\0",
    "a place in the memo": b"Nr\xff\xff\xff\x7f", "a place in the memo, in words": b"Np99999999999\n",
}


@pytest.mark.parametrize("which", LENGTHS)
def test_lengths_beyond_the_file(which, path):
    """Nothing is made room for that is not there."""
    path.write_bytes(PROTO + LENGTHS[which] + STOP)
    begin = time.monotonic()
    for trust in (None, True):
        with pytest.raises(DumpError, match="is no whole pickle"):
            load(path, trust=trust)
    assert time.monotonic() - begin < 5


# What people have ---------------------------------------------------------------------------------------------------

def in_itself():
    queue = collections.deque([1])
    queue.append(queue)
    return queue


def family():
    """Parents know their children, and children their parents."""
    parent = types.SimpleNamespace(children=[], queue=collections.deque(), name="parent", key=(1, 2))
    for n in range(500):
        parent.children.append(types.SimpleNamespace(parent=parent, queue=collections.deque([n]), place=(parent, n)))
    return parent


HARMLESS = {
    "many small ones": lambda: [collections.deque([n]) for n in range(20_000)],
    "a tree of defaultdicts": lambda: collections.defaultdict(
        dict, {n: collections.defaultdict(int, {m: 1 for m in range(20)}) for n in range(2000)}),
    "a deque in itself": in_itself,
    "parents and children": family,
    "lists in each other": lambda: pickle.loads(EMPTY_LIST * 300 + APPEND * 299 + STOP),
    "lists that are shared": lambda: pickle.loads(PROTO + EMPTY_LIST + MEMOIZE + b"".join(
        POP + EMPTY_LIST + MARK + get(n) + get(n) + APPENDS + MEMOIZE for n in range(60)) + STOP),
    "keys that are tuples": lambda: {(n, (n, str(n))): None for n in range(50_000)},
    "one key in many dicts": lambda: [{("a", "key", 1): n, "another": n} for n in range(50_000)],
    "one text many times": lambda: ["x" * 5000] * 50_000,
    "one tuple many times": lambda: [(1, 2, 3) * 100] * 50_000,
    "large keys": lambda: {"x" * 100_000: 1, b"y" * 100_000: 2, 1 << 10_000: 3},
    "a set of many": lambda: set(range(200_000)),
    "an OrderedDict": lambda: collections.OrderedDict((n, [n]) for n in range(50_000)),
}


@pytest.mark.parametrize("protocol", [0, 2, 5])
@pytest.mark.parametrize("which", HARMLESS)
def test_what_people_have_is_data(which, protocol, path):
    path.write_bytes(pickle.dumps(HARMLESS[which](), protocol))
    found = inspect_dump(path)
    assert found["does"] == "data", found["why"]
    load(path)
