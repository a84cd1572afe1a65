"""Pickles for the Check units, from this interpreter, and its word on them.

    pickles.py ops          pickles of every protocol, and where pickletools says that their opcodes begin
    pickles.py data         pickles of plain data and of what is known to be safe
    pickles.py load FILE    load what the unit has written there: a letter, a size, bytes

Sizes are 32-bit numbers of this machine.
"""

import array
import collections
import copyreg
import datetime
import decimal
import fractions
import io
import pathlib
import pickle
import pickletools
import resource
import struct
import sys
import types
import uuid


class Slots:
    """Has no dict: its state is a pair."""
    __slots__ = ("one", "two")


class Keywords(int):
    """Is made with named arguments: NEWOBJ_EX."""

    def __new__(cls, value=0, *, base=10):
        return super().__new__(cls, value)

    def __getnewargs_ex__(self):
        return (int(self),), {"base": 10}


class Persistent(pickle.Pickler):
    """Writes one object by reference."""

    def persistent_id(self, obj):
        return "elsewhere" if obj is Ellipsis else None


class Old(pickle._Pickler):
    """Writes strings as Python 2 did."""

    dispatch = dict(pickle._Pickler.dispatch)

    def save_str(self, obj):
        """STRING, BINSTRING, SHORT_BINSTRING."""
        data = obj.encode("ascii")
        if not self.bin:
            self.write(b"S" + repr(obj).encode() + b"\n")
        elif len(data) < 256:
            self.write(b"U" + bytes([len(data)]) + data)
        else:
            self.write(b"T" + struct.pack("<i", len(data)) + data)
        self.memoize(obj)

    dispatch[str] = save_str


def plain():
    """Plain data, by name."""
    shared = ["shared"]
    recursive = []
    recursive.append({"self": recursive})
    return {
        "nothing": None, "true": True, "false": False, "small": [0, 1, 255, 256, 65535, 65536, -1, 2 ** 31 - 1],
        "long": [2 ** 31, -2 ** 63, 10 ** 30, 1 << 3000], "float": [0.5, 1e300, float("inf"), float("nan"), -0.0],
        "text": ["", "a", "\N{SNOWMAN}", "a\nb\\c", "x" * 300, "\ud800"], "bytes": [b"", b"ab\xff", b"x" * 300],
        "bytearray": [bytearray(), bytearray(b"abc")], "tuple": [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)],
        "list": [[], [1], list(range(2500))], "dict": [{}, {"a": 1}, {i: str(i) for i in range(2500)}],
        "set": [set(), {1, 2}, frozenset([1, "a"])], "shared": [shared, shared, (shared, shared)],
        "recursive": recursive,
        "underscores": {"__array_interface__": {"data": (1, 2)}}, "many": [[i] for i in range(300)] * 2,
    }


def known():
    """What constructors of the standard library make, by name."""
    return {
        "complex": 1 + 2j, "slice": slice(1, None, 2), "range": range(3), "object": object(), "class": [int, str, dict],
        "ellipsis": [..., NotImplemented],
        "ordered": collections.OrderedDict(a=1, b=[2]), "default": collections.defaultdict(list, a=[1]),
        "defaults": collections.defaultdict(None), "counter": collections.Counter("abca"),
        "deque": [collections.deque([1, 2]), collections.deque([1, 2], 3)],
        "times": [datetime.date(2020, 1, 2), datetime.datetime(2020, 1, 2, 3, 4, 5, 6), datetime.time(3, 4),
                  datetime.timedelta(1, 2, 3), datetime.timezone.utc,
                  datetime.timezone(datetime.timedelta(hours=1), "x"),
                  datetime.datetime(2020, 1, 2, tzinfo=datetime.timezone.utc)],
        "decimal": decimal.Decimal("1.50"), "fraction": fractions.Fraction(1, 3), "uuid": uuid.UUID(int=5),
        "path": [pathlib.Path("/a/b"), pathlib.PurePosixPath("c"), pathlib.PureWindowsPath("c:/d")],
        "namespace": types.SimpleNamespace(a=1, b="two"),
        "array": [array.array("i", [1, 2]), array.array("d"), array.array("i", range(300))],
        "sets": {frozenset([1]), (1, 2)},
    }


def unusual():
    """What needs the other opcodes."""
    slots = Slots()
    slots.one, slots.two = 1, [2]
    code = 0x12
    found = []
    for code in (0x12, 0x1234, 0x123456):
        copyreg.add_extension("collections", "OrderedDict", code)
        found += [pickle.dumps(collections.OrderedDict(a=1), protocol) for protocol in (2, 3, 4, 5)]
        copyreg.remove_extension("collections", "OrderedDict", code)
        copyreg.clear_extension_cache()
    for protocol in range(6):
        if protocol >= 2:
            found += [pickle.dumps(slots, protocol)]
        for pickler, value in ((Persistent, [..., 1]), (Old, ["a", "b" * 300, {"c": "d"}])):
            file = io.BytesIO()
            pickler(file, protocol).dump(value)
            found.append(file.getvalue())
        found.append(pickle.dumps([len, ValueError("x"), Keywords(3)], protocol))
    buffers = []
    found.append(pickle.dumps([pickle.PickleBuffer(b"ab"), pickle.PickleBuffer(bytearray(b"ab"))], 5,
                              buffer_callback=buffers.append))
    found += [b"(dp0\nI1\nI2\ns(lp1\nI3\na0.", b"(ccollections\nOrderedDict\no.", b"(icollections\nOrderedDict\np0\n.",
              b"(I1\n1N2 0.".replace(b" ", b""), b"\x8e\2\0\0\0\0\0\0\0ab.", b"\x8d\2\0\0\0\0\0\0\0ab.",
              b"I01\nL5L\nF1.5\n\x87.", b"\x80\5(I1\nd.", b"\x80\2\x8b\2\0\0\0ab.", b"N" * 300 + b"."]
    return found


def put(*parts):
    """A record of bytes, each behind its size."""
    for part in parts:
        sys.stdout.buffer.write(struct.pack("=I", len(part)) + part)


def each(values):
    """Each value in every protocol, as C and as Python write it, and optimized."""
    for name, value in values.items():
        for protocol in range(6):
            for dumps in (pickle.dumps, pickle._dumps):
                data = dumps(value, protocol)
                yield f"{name}, protocol {protocol}", data
            yield f"{name}, protocol {protocol}, optimized", pickletools.optimize(data)


def ops():
    """Each pickle, and the offsets of its opcodes and their names."""
    seen = set()
    for data in [data for _, data in each({**plain(), **known()})] + unusual():
        found = list(pickletools.genops(data))
        seen.update(opcode.name for opcode, _, _ in found)
        put(data, b"".join(struct.pack("=I", place) for _, _, place in found),
            "".join(opcode.name + " " for opcode, _, _ in found).encode())
    missing = {opcode.name for opcode in pickletools.opcodes} - seen
    assert not missing, missing


class Careful(pickle.Unpickler):
    """Notes what is imported."""

    def find_class(self, module, name):
        """Nothing is: the name is all that is wanted, unless it is one of those that do no harm."""
        self.names.append(f"{module} {name}")
        if module in ("collections", "datetime", "decimal", "fractions", "uuid", "types"):
            return super().find_class(module, name)
        raise pickle.UnpicklingError("not imported")


def load(path):
    """A line for each pickle: its letter, whether it loads, the names that it imports."""
    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
    sys.setrecursionlimit(500)
    with open(path, "rb") as file:
        while head := file.read(5):
            letter, size = struct.unpack("=cI", head)
            careful = Careful(io.BytesIO(file.read(size)))
            careful.names = []
            sys.stderr = None  # a bytearray that ends too early makes CPython complain there
            try:
                careful.load()
                done = "loads"
            except Exception as error:
                done = type(error).__name__
            sys.stderr = sys.__stderr__
            print(letter.decode(), done, *(name for name in careful.names if "\n" not in name), sep="\t")


if sys.argv[1] == "ops":
    ops()
elif sys.argv[1] == "data":
    for text, pickled in each({**plain(), **known()}):
        put(text.encode(), pickled)
else:
    load(sys.argv[2])
