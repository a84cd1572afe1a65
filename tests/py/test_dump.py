"""What is dumped comes back the same, by load() and by any unpickler: values of Python's own."""

import array
import collections
import copyreg
import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import operator
import os
import pathlib
import pickle
import pickletools
import random
import re
import types
import uuid
import zoneinfo

import pytest

from dumps import LIMIT, PAGE, both
from hooking import DumpError, dump, load

pytestmark = pytest.mark.usefixtures("own_key")


@pytest.fixture
def path(tmp_path):
    folder = tmp_path / "dumps"
    folder.mkdir()
    return folder / "x.dump"


@dataclasses.dataclass
class Record:
    number: int
    thing: object


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    number: int
    thing: object


class Colour(enum.Enum):
    RED = 1
    BLUE = "blue"


class Access(enum.Flag):
    READ = 1
    WRITE = 2


Point = collections.namedtuple("Point", "left right")


class Equal:
    """Equal to one that has the same attributes."""

    def attributes(self):
        return getattr(self, "__dict__", None), [getattr(self, name, None) for name in self.names]

    names = ()

    def __eq__(self, other):
        return type(self) is type(other) and self.attributes() == other.attributes()

    __hash__ = None


class Plain(Equal):
    def __init__(self, **attributes):
        self.__dict__.update(attributes)


class Slots(Equal):
    __slots__ = names = ("first", "second")

    def __init__(self, first, second):
        self.first, self.second = first, second


class SlotsAndMore(Slots):
    pass


class OwnState(Plain):
    def __getstate__(self):
        return {"kept": self.kept, "blob": b"s" * LIMIT}

    def __setstate__(self, state):
        assert state["blob"] == b"s" * LIMIT
        self.kept = state["kept"]


class NewArguments(tuple):
    def __new__(cls, *, items):
        return super().__new__(cls, items)

    def __getnewargs_ex__(self):
        return (), {"items": tuple(self)}


class List(list):
    pass


class Dict(dict):
    pass


class Bytes(bytes):
    pass


class Array(bytearray):
    pass


class Text(str):
    pass


class Named(Exception):
    def __init__(self, name, count):
        super().__init__(name, count)
        self.name = name

    def __eq__(self, other):
        return type(self) is type(other) and (self.args, self.__dict__) == (other.args, other.__dict__)


def with_note(error, note):
    error.add_note(note)
    return error


def function(x):
    return x


VALUES = {
    "constants": [None, True, False, ..., NotImplemented, type(None)],
    "integers": [sign * (1 << bits) + more for bits in (0, 7, 8, 15, 16, 31, 32, 63, 64, 2039, 2040, 70000)
                 for sign in (1, -1) for more in (-1, 0, 1)],
    "floats": [0.0, -0.0, 1.5, float("inf"), 5e-324, 1e308, 1 + 2j],
    "texts": ["", "a", "é", "日本", "\U0001f600", "\0", "\ud800", "x" * 255, "x" * 256, "é" * 300],
    "bytes": [b"", b"a", bytes(range(256)), b"x" * 255, b"x" * 256, bytearray(), bytearray(b"abc")],
    "empty containers": [[], (), {}, set(), frozenset(), List(), Dict(), collections.deque()],
    "containers": [[1, [2, (3, {4: {5, 6}})]], {(1, 2): [3], None: frozenset({1, (2,)})}, ((((1,),),),)],
    "a thousand and one": [list(range(1001)), dict.fromkeys(range(1001)), set(range(1001)), tuple(range(1001))],
    "subclasses": [List([1, 2]), Dict(a=1), Bytes(b"abc"), Array(b"abc"), Text("abc"), NewArguments(items=(1, 2))],
    "collections": [collections.OrderedDict(b=1, a=2), collections.Counter("abca"), collections.deque([1], 5),
                    collections.defaultdict(list, {1: [2]}), collections.ChainMap({1: 2}, {3: 4}), Point(1, [2])],
    "ranges": [range(0), range(1, 10 ** 30, 7), range(5, 0, -1), slice(1, None, 2)],
    "numbers": [decimal.Decimal("1.10"), decimal.Decimal("-Infinity"), fractions.Fraction(1, 3)],
    "times": [datetime.date(2026, 1, 2), datetime.timedelta(1, 2, 3), datetime.timezone.utc,
              datetime.datetime(2026, 1, 2, 3, 4, 5, 6, datetime.timezone(datetime.timedelta(hours=-5), "EST"))],
    "folded time": datetime.datetime(2026, 10, 25, 2, 30, fold=1),
    "paths": [pathlib.Path("/a/b"), pathlib.PurePosixPath("c"), pathlib.PureWindowsPath("d:/e")],
    "others": [uuid.UUID(int=5), types.SimpleNamespace(a=1, b=[2]), re.compile("a+", re.I)],
    "enums": [Colour.RED, Colour.BLUE, Access.READ | Access.WRITE, Colour],
    "records": [Record(1, [2]), Frozen(1, (2,)), Slots(1, [2]), Plain(a=1, b=Plain())],
    "own state": OwnState(kept=[1]),
    "globals": [len, function, Plain, functools.reduce, os.path.join, dict.fromkeys, operator.index],
    "exceptions": [Named("a", 1), with_note(Named("b", 2), "a note")],
    "arrays of array": [array.array(code, [1, 2, 3]) for code in "bBhHiIlLqQfd"] + [array.array("u", "abé")],
    "a large array of array": array.array("d", range(LIMIT)),
}


@pytest.mark.parametrize("name", VALUES)
def test_a_value_comes_back(name, path):
    obj = VALUES[name]
    for got in both(obj, path):
        assert type(got) is type(obj) and got == obj
        if isinstance(obj, list):
            assert [type(each) for each in got] == [type(each) for each in obj]
    assert both(obj, path, mmap=False, verify=True)[0] == obj


def test_the_sign_of_zero_and_what_is_no_number(path):
    for got in both([-0.0, float("nan")], path):
        assert str(got) == "[-0.0, nan]"


def test_bound_arguments(path):
    for got in both(functools.partial(function, 1, key=[2]), path):
        assert (got.func, got.args, got.keywords) == (function, (1,), {"key": [2]})


def test_notes_of_an_exception(path):
    for got in both(with_note(ValueError("a", 1), "a note"), path):
        assert type(got) is ValueError and got.args == ("a", 1) and got.__notes__ == ["a note"]
    for got in both(ExceptionGroup("both", [ValueError(1), KeyError("k")]), path):
        assert got.message == "both" and [repr(each) for each in got.exceptions] == ["ValueError(1)", "KeyError('k')"]


@pytest.mark.skipif(not zoneinfo.available_timezones(), reason="wants the time zones of the system")
def test_a_time_with_a_zone_of_its_own(path):
    zone = zoneinfo.ZoneInfo("Europe/Berlin")
    for got in both(datetime.datetime(2026, 7, 1, 12, tzinfo=zone), path):
        assert got.tzinfo is zone and got.utcoffset() == datetime.timedelta(hours=2)


# Sizes --------------------------------------------------------------------------------------------------------------

def sizes():
    """Around where a pickler ends a frame, where it writes by itself, and where we give a buffer a place of its own."""
    near = [size + more for size in (PAGE, LIMIT) for more in (-20, -10, -2, -1, 0, 1, 2, 10)]
    return [*near, LIMIT - 15, LIMIT - 16, 3 * LIMIT, 256 << 10, (256 << 10) + 1, (4 << 20) - 1, (4 << 20) + 1, 9 << 20]


@pytest.mark.parametrize("size", sizes())
def test_large_texts_and_bytes(size, path):
    content = random.Random(size).randbytes(PAGE) * (size // PAGE + 1)
    blob = content[:size]
    text = blob.decode("latin-1").translate({0xff: 0x65e5})[:size // 2]
    obj = [blob, bytearray(blob), text, 1, blob, bytearray(blob[:-1]), Bytes(blob), "end"]
    for got in both(obj, path):
        assert got == obj and [type(each) for each in got] == [type(each) for each in obj]
        assert got[0] is got[4]


class Buffer(Equal):
    """Has its bytes beside the stream, as arrays have."""

    def __init__(self, content):
        self.content = content

    def __eq__(self, other):
        return type(self) is type(other) and bytes(self.content) == bytes(other.content)

    def __reduce_ex__(self, protocol):
        assert protocol == 5
        return Buffer, (pickle.PickleBuffer(self.content),)

    @property
    def readonly(self):
        return memoryview(self.content).readonly


@pytest.mark.parametrize("size", sizes())
@pytest.mark.parametrize("kind", [bytes, bytearray])
def test_buffers(kind, size, path):
    blob = kind(random.Random(size).randbytes(PAGE) * (size // PAGE + 1))[:size]
    obj = ["before", Buffer(blob), [Buffer(blob[:-1])], "after", Buffer(blob)]
    for got in both(obj, path) + (load(path, mmap=False), load(path, verify=True)):
        assert got == obj
        assert [got[1].readonly, got[4].readonly] == 2 * [kind is bytes]


@pytest.mark.parametrize("seed", range(20))
def test_buffers_among_frames(seed, path):
    """Objects of all sizes and buffers of all sizes, one after the other: frames end and begin anywhere among them."""
    chance = random.Random(seed)

    def some():
        size = int(2 ** chance.uniform(0, 18))
        kind = chance.randrange(6)
        if kind == 0:
            return b"b" * size
        if kind == 1:
            return Buffer(b"r" * size)
        if kind == 2:
            return Buffer(bytearray(b"w" * size))
        if kind == 3:
            return list(range(size // 16))
        if kind == 4:
            return [Buffer(bytearray(size)), "t" * size, Buffer(bytes(size))]
        return ["s" * (size // 100)] * chance.randrange(100)
    obj = [some() for _ in range(40)]
    for got in both(obj, path):
        assert got == obj


def test_without_a_map_it_is_what_any_unpickler_makes(path):
    dump([Buffer(b"r" * LIMIT), Buffer(bytearray(b"w" * LIMIT))], path)
    assert [type(each.content) for each in load(path, mmap=False)] == [bytes, bytearray]


def test_buffers_begin_on_pages(path):
    dump([1, Buffer(b"a" * LIMIT), "b", Buffer(bytearray(b"c" * LIMIT))], path)
    content = path.read_bytes()
    places = [content.index(letter * LIMIT) for letter in (b"a", b"c")]
    assert places[0] > 0 and [place % PAGE for place in places] == [0, 0]
    opcodes = [code.name for code, *_ in pickletools.genops(content)]
    assert "BINBYTES8" in opcodes and "BYTEARRAY8" in opcodes
    assert not {"NEXT_BUFFER", "READONLY_BUFFER"} & set(opcodes)


def test_a_buffer_of_another_shape(path):
    """Bytes are what counts: what C calls a matrix is a row of them."""
    matrix = memoryview(bytearray(range(256)) * 512).cast("B", (512, 256))
    for got in both(Buffer(matrix), path):
        assert bytes(got.content) == bytes(matrix)


def test_a_buffer_with_gaps_is_refused_by_the_pickler(path):
    gaps = memoryview(bytearray(4 * LIMIT))[::2]
    with pytest.raises(pickle.PicklingError, match="non-contiguous"):
        dump([Buffer(gaps)], path)
    assert not path.exists()


def test_a_memoryview_is_refused(path):
    with pytest.raises(TypeError, match=r"x\[1\]: .*memoryview"):
        dump([1, memoryview(b"abc")], path, name="x")


# Sharing ------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("obj", [(), (1,), (1, 2), ((),), Point(1, 2), [], {}, None, "a", b"a"], ids=repr)
def test_a_value_alone(obj, path):
    """The whole of a dump, not a part of it: a tuple is no list of arguments."""
    for got in both(obj, path):
        assert got == obj and type(got) is type(obj)


def test_what_was_one_object_is_one_again(path):
    shared = [1]
    buffer = Buffer(b"b" * LIMIT)
    blob = b"c" * LIMIT
    for got in both([shared, shared, buffer, {"again": buffer}, blob, (blob,)], path):
        assert got[0] is got[1] and got[2] is got[3]["again"] and got[4] is got[5][0]


def test_cycles(path):
    own = [1]
    own.append((own, {"own": own}))
    plain = Plain(buffer=Buffer(bytearray(LIMIT)))
    plain.itself = plain
    for first, second in both((own, plain), path):
        assert first[1][0] is first and first[1][1]["own"] is first
        assert second.itself is second and second.buffer == plain.buffer


def test_a_reducer_that_was_registered(path, monkeypatch):
    monkeypatch.setitem(copyreg.dispatch_table, Slots, lambda slots: (Slots, (slots.second, slots.first)))
    for got in both(Slots(1, b"b" * LIMIT), path):
        assert got == Slots(b"b" * LIMIT, 1)


# The file -----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("kind", [str, os.fsencode, pathlib.Path], ids=["str", "bytes", "Path"])
def test_a_path_of_any_kind(kind, path):
    dump([1], kind(path))
    assert load(kind(path)) == [1]


@pytest.mark.parametrize("wrong", [3, None, 1.5, object()])
def test_what_is_no_path(wrong):
    with pytest.raises(TypeError, match="str, bytes or os.PathLike"):
        dump(1, wrong)
    with pytest.raises(TypeError, match="str, bytes or os.PathLike"):
        load(wrong)


def test_a_path_of_bytes_is_named_as_text(path):
    with pytest.raises(FileNotFoundError) as caught:
        load(os.fsencode(path))
    assert caught.value.filename == str(path)
    path.write_bytes(b"\x80\x04")
    with pytest.raises(DumpError, match="^" + re.escape(str(path))):
        load(os.fsencode(path))


@pytest.mark.parametrize("zero", ["a\0b", b"a\0b"])
def test_a_path_with_a_null(zero):
    with pytest.raises(ValueError, match="null"):
        dump(1, zero)
    with pytest.raises(ValueError, match="null"):
        load(zero)


def test_names_that_are_no_text(tmp_path):
    for name in (b"\xff\xfe", "é日".encode(), b"a b\n", b"x" * 255):
        dump([name], os.fsencode(tmp_path) + b"/" + name)
        assert load(os.fsencode(tmp_path) + b"/" + name) == [name]


def test_a_relative_path(path, monkeypatch):
    monkeypatch.chdir(path.parent)
    dump([1], path.name)
    assert load(path) == load(path.name) == [1]


@pytest.mark.parametrize("where, kind", [
    ("", IsADirectoryError), ("missing/x", FileNotFoundError), ("file/x", NotADirectoryError), ("n" * 300, OSError)],
    ids=["folder", "missing", "file", "long"])
def test_a_file_that_cannot_be_written(where, kind, tmp_path):
    (tmp_path / "file").write_text("")
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(kind) as caught:
        dump([1], tmp_path / where)
    assert caught.value.filename == str(tmp_path / where) and caught.value.errno
    assert sorted(os.listdir(tmp_path)) == before


def test_what_cannot_be_pickled_leaves_the_old_file(path):
    dump([1], path)
    with pytest.raises(Exception, match=r"\(the object\)\[2\]: a lambda cannot be pickled"):
        dump([Buffer(b"b" * LIMIT), b"b" * (1 << 20), lambda: 0], path)
    assert load(path) == [1]
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize("wrong", [{"name": 3}, {"other": 1}, {"name": b"x"}])
def test_wrong_arguments(wrong, path):
    with pytest.raises(TypeError):
        dump(1, path, **wrong)
    assert not path.exists()


def test_the_same_object_makes_the_same_pickle(path):
    """What stands behind it has the time in it."""
    obj = [1, Buffer(b"b" * LIMIT), {"k": "v"}]
    pickles = []
    for _ in range(2):
        dump(obj, path)
        content = path.read_bytes()
        pickles.append(content[:list(pickletools.genops(content))[-1][2] + 1])
    assert pickles[0] == pickles[1]


def test_several_pickles_in_a_file_of_ours(path):
    """Who reads on behind a dump finds no second one: its trailer is none."""
    dump([1], path)
    with open(path, "rb") as file:
        assert pickle.load(file) == [1]
        with pytest.raises(Exception):
            pickle.load(file)
