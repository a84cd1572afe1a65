"""Arrays are dumped with their memory beside the stream, and come back mapped, with their flags and their sharing."""

import gzip
import os
import pickle

import pytest

from dumps import LIMIT, PAGE, both
from hooking import dump, load

try:
    import numpy
except ImportError:
    numpy = None

pytestmark = [pytest.mark.usefixtures("own_key"),
              pytest.mark.skipif(numpy is None, reason="wants NumPy")]


@pytest.fixture
def path(tmp_path):
    folder = tmp_path / "dumps"
    folder.mkdir()
    return folder / "x.dump"


def same(got, array):
    """Same type, same value, same flags but for whose memory it is."""
    assert type(got) is type(array)
    assert got.dtype == array.dtype and got.dtype.byteorder == array.dtype.byteorder
    assert got.shape == array.shape
    assert got.tobytes() == array.tobytes() if not array.dtype.hasobject else got.tolist() == array.tolist()
    whole = array.flags.c_contiguous or array.flags.f_contiguous
    if whole:
        assert (got.flags.c_contiguous, got.flags.f_contiguous) == (array.flags.c_contiguous, array.flags.f_contiguous)
    assert got.flags.aligned


if numpy is not None:
    class Sub(numpy.ndarray):
        pass

    class Noted(numpy.ndarray):
        """Has more than its memory to keep."""

        note = None

        def __reduce__(self):
            make, arguments, state = super().__reduce__()
            return make, arguments, (state, self.note)

        def __setstate__(self, state):
            super().__setstate__(state[0])
            self.note = state[1]

    COUNT = LIMIT // 4                        # of each type: large in any of them but the smallest
    NUMBERS = numpy.arange(COUNT)
    TYPES = ["?", "b", "B", "h", "H", "i", "I", "q", "Q", "e", "f", "d", "g", "F", "D", "S7", "U5", "V9", "M8[s]",
             "M8[25us]", "m8[D]", ">i4", "<i4", ">f8", ">U3", ">c16", "O",
             [("a", "i4"), ("b", ">f8"), ("c", "U3")], [("a", "i1"), ("b", "O")], [("m", "f4", (2, 3))],
             "G", "S1", "m8", "M8[ns]", numpy.dtype([("a", "i1"), ("b", "f8")], align=True),
             {"names": ["a", "b"], "formats": ["i2", "f4"], "offsets": [2, 8], "itemsize": 16},
             {"names": ["a"], "formats": ["i4"], "titles": ["the first"]},
             [("in", [("a", "i4"), ("b", [("c", "f8")])]), ("n", "u1")]]


def of_type(kind):
    kind = numpy.dtype(kind)
    if kind.kind in "Mm":
        return NUMBERS.astype("i8").view(kind.newbyteorder("=")).astype(kind)
    if kind.kind == "V":
        made = numpy.zeros(COUNT, kind)
        for number, name in enumerate(kind.names or ()):
            made[name] = NUMBERS.reshape((-1,) + (1,) * (made[name].ndim - 1)) + number
        return made
    return NUMBERS.astype(kind)


@pytest.mark.parametrize("number", range(len(TYPES) if numpy else 0))
def test_every_type(number, path):
    array = of_type(TYPES[number])
    small = array[:3].copy()
    for first, second in both([array, small], path):
        same(first, array)
        same(second, small)
        assert first.flags.writeable and second.flags.writeable


SHAPES = {
    "matrix": lambda: NUMBERS.reshape(64, -1),
    "in Fortran's order": lambda: numpy.asfortranarray(NUMBERS.reshape(64, -1)),
    "transposed": lambda: NUMBERS.reshape(64, -1).T,
    "many dimensions": lambda: NUMBERS.reshape(2, 4, 8, -1),
    "axes exchanged": lambda: NUMBERS.reshape(2, 4, 8, -1).transpose(2, 0, 3, 1),
    "with gaps": lambda: NUMBERS[::2],
    "backwards": lambda: NUMBERS[::-1],
    "columns": lambda: NUMBERS.reshape(64, -1)[:, 3:-3],
    "broadcast": lambda: numpy.broadcast_to(numpy.arange(8.0), (4096, 8)),
    "no dimension": lambda: numpy.array(5.5),
    "nothing": lambda: numpy.zeros((0,)),
    "nothing in three dimensions": lambda: numpy.zeros((3, 0, 5)),
    "one byte less than the limit": lambda: numpy.ones(LIMIT - 1, "u1"),
    "the limit": lambda: numpy.ones(LIMIT, "u1"),
    "one item of a large type": lambda: numpy.zeros(1, f"V{LIMIT}"),
    "subclass": lambda: NUMBERS.view(Sub),
    "matrix of old": lambda: numpy.asmatrix(NUMBERS.reshape(64, -1)),
    "records": lambda: numpy.rec.fromarrays([NUMBERS, NUMBERS * 2.5], names="a,b"),
    "letters": lambda: numpy.char.array(["ab", "c"] * COUNT),
    "addresses that are odd": lambda: numpy.frombuffer(bytes(1 + 8 * COUNT), "u1")[1:].view("i8"),
    "two of one memory": lambda: numpy.lib.stride_tricks.sliding_window_view(numpy.arange(1000), 500),
    "a field of records": lambda: numpy.zeros(COUNT, [("a", "i4"), ("b", "f8")])["b"],
    "in Fortran's order, of bytes": lambda: numpy.asfortranarray((NUMBERS % 200).astype("u1").reshape(8, -1)),
    "several megabytes": lambda: numpy.arange(1_000_000, dtype="f8"),
}


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape(name, path):
    array = SHAPES[name]()
    for got in both(array, path) + (load(path, mmap=False), load(path, verify=True)):
        same(got, array)


@pytest.mark.skipif(not hasattr(getattr(numpy, "dtypes", None), "StringDType"), reason="wants NumPy 2")
def test_texts_of_any_length(path):
    kind = numpy.dtypes.StringDType(na_object=None)
    array = numpy.array(["", "é" * 500, None, "abc"] * COUNT, kind)
    for got in both(array, path):
        assert got.dtype == kind and got.tolist() == array.tolist()


@pytest.mark.parametrize("order", "CF")
def test_who_may_not_write_in_either_order(order, path):
    array = NUMBERS.reshape(64, -1).copy(order)
    array.flags.writeable = False
    for got in both(array, path):
        same(got, array)
        assert not got.flags.writeable


@pytest.mark.parametrize("size", [10, COUNT] if numpy else [])
def test_who_may_not_write(size, path):
    array = numpy.arange(size)
    array.flags.writeable = False
    for got in both([array, array.copy()], path) + (load(path, mmap=False),):
        same(got[0], array)
        assert got[1].flags.writeable
        if size == COUNT:
            assert not got[0].flags.writeable


def test_a_subclass_with_a_state(path):
    array = NUMBERS.view(Noted)
    array.note = "kept"
    for got in both(array, path):
        same(got, array)
        assert got.note == "kept"


def test_a_masked_array(path):
    array = numpy.ma.masked_equal(NUMBERS % 7, 3)
    for got in both(array, path):
        assert type(got) is type(array) and (got.mask == array.mask).all() and (got == array).all()


def test_an_array_that_is_mapped_from_a_file(path):
    array = numpy.memmap(path.parent / "data", dtype="i8", mode="w+", shape=COUNT)
    array[:] = NUMBERS
    for got in both(array, path):
        assert type(got) is numpy.memmap and (got == NUMBERS).all()


def test_scalars(path):
    scalars = [numpy.float32(1.5), numpy.int8(-3), numpy.datetime64("2026-01-02"), numpy.str_("é"), numpy.void(b"ab"),
               numpy.bool_(True), numpy.dtype([("a", "<i4")]), numpy.float64]
    for got in both(scalars, path):
        assert got == scalars and [type(each) for each in got] == [type(each) for each in scalars]


def test_random_generators(path):
    generator = numpy.random.default_rng(5)
    for got in both(generator, path):
        assert got.random() == numpy.random.default_rng(5).random()
    for got in both(numpy.random.RandomState(5), path):
        assert got.random() == numpy.random.RandomState(5).random()


def test_polynomials_functions_and_rarer_kinds(path):
    poly, where = numpy.polynomial.Polynomial([1, 2, 3]), numpy.s_[1:5:2, ..., None]
    marked = numpy.zeros(3, numpy.dtype("i4", metadata={"unit": "m"}))
    for got in both([poly, where, numpy.sin, numpy.float64(0.1), numpy.finfo("f4").dtype, marked], path):
        assert got[0] == poly and got[1] == where and got[2] is numpy.sin and got[3] == 0.1 and got[4] == "f4"
        assert got[5].tolist() == [0, 0, 0]


# Sharing ------------------------------------------------------------------------------------------------------------

def test_the_same_array_twice(path):
    for got in both([NUMBERS, {"k": NUMBERS}, (NUMBERS,)], path):
        assert got[0] is got[1]["k"] is got[2][0]
    assert path.stat().st_size < 1.2 * NUMBERS.nbytes


def test_an_array_in_itself(path):
    array = numpy.empty(3, object)
    large = numpy.arange(COUNT)
    array[:] = [array, large, [array, large]]
    for got in both(array, path):
        assert got[0] is got and got[2][0] is got and got[2][1] is got[1]
        same(got[1], large)


def test_views_of_one_array_are_arrays_of_their_own(path):
    """As for every pickle: what one memory was are several, and none changes the other."""
    base = numpy.arange(2 * COUNT)
    for first, second, whole in both([base[:COUNT], base[COUNT // 2:], base], path):
        first[:] = -1
        assert (second == base[COUNT // 2:]).all() and (whole == base).all()


# Mapping ------------------------------------------------------------------------------------------------------------

def mapped_files():
    with open("/proc/self/maps", encoding="utf-8") as maps:
        return [line.split(maxsplit=5)[5].strip() for line in maps if len(line.split(maxsplit=5)) == 6]


def test_large_arrays_are_mapped_and_let_go(path):
    dump([NUMBERS, "rest"], path)
    got = load(path)
    assert str(path) in mapped_files()
    assert got[0].ctypes.data % PAGE == 0
    array = got[0]
    del got
    assert (array == NUMBERS).all()
    part = array[5:7]
    del array
    assert part.tolist() == [5, 6] and str(path) in mapped_files()
    del part
    assert str(path) not in mapped_files()


@pytest.mark.parametrize("how", [{}, {"mmap": False}, {"verify": True}])
def test_small_and_copied_ones_hold_no_file(how, path):
    dump([numpy.arange(5), NUMBERS], path)
    got = load(path, **how)
    assert (str(path) in mapped_files()) == (how.get("mmap", True))
    assert got[0].tolist() == [0, 1, 2, 3, 4]


def test_writing_to_a_mapped_array_leaves_the_file(path):
    dump(NUMBERS, path)
    before = path.read_bytes()
    first, second = load(path), load(path)
    first[:] = -1
    assert (second == NUMBERS).all() and (load(path, verify=True) == NUMBERS).all()
    assert path.read_bytes() == before


def test_a_file_that_is_replaced_while_it_is_mapped(path):
    dump(NUMBERS, path)
    old = load(path)
    dump(NUMBERS * 2, path)
    new = load(path)
    os.unlink(path)
    assert (old == NUMBERS).all() and (new == NUMBERS * 2).all()


def test_what_was_loaded_is_dumped_into_the_same_file(path):
    """It is read from the old file while the new one is written."""
    dump(NUMBERS, path)
    for _ in range(3):
        array = load(path)
        array += 1
        dump(array, path)
    assert (load(path, verify=True) == NUMBERS + 3).all()
    del array
    assert (load(path) == NUMBERS + 3).all()


def test_an_array_out_of_a_compressed_dump(path):
    dump(NUMBERS, path)
    path.write_bytes(gzip.compress(path.read_bytes(), 1))
    got = load(path)
    same(got, NUMBERS)
    got[0] = 5
    assert got.flags.writeable and load(path)[0] == 0


def test_a_dump_whose_region_is_damaged(path):
    """Large arrays are not read to be loaded; with verify they are, and the place is told."""
    array = numpy.arange(3 << 20)
    dump(array, path)
    content = bytearray(path.read_bytes())
    place = 13 << 20
    content[place] ^= 1
    path.write_bytes(content)
    got = load(path)
    assert (got != array).sum() == 1
    with pytest.raises(ValueError, match=rf"{path.name} is damaged: .*, between bytes {12 << 20} and {16 << 20}$"):
        load(path, verify=True)


# Large --------------------------------------------------------------------------------------------------------------

@pytest.mark.skipif("HUGE_DUMPS" not in os.environ, reason="takes 5 GB of memory and of disk: HUGE_DUMPS=1 runs it")
def test_more_than_four_gigabytes(path):
    array = numpy.zeros(5 << 30, "u1")
    array[-1] = array[1 << 32] = 7
    dump([array, "after"], path)
    got = load(path)
    assert got[0].shape == array.shape and got[0][-1] == got[0][1 << 32] == 7 and got[1] == "after"
    assert not got[0][:PAGE].any()
    load(path, verify=True)
    del got, array
    blob = bytes((1 << 32) + 3)
    dump([blob, "after"], path)
    got = load(path)
    assert got[0] == blob and got[1] == "after"
    del got
    with open(path, "rb") as file:
        assert pickle.load(file)[1] == "after"
