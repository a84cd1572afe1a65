"""Files that others have made: pickles of every kind are loaded, and of all else one line says what it is and what
reads it."""

import bz2
import collections
import datetime
import decimal
import gzip
import io
import json
import lzma
import os
import pickle
import stat
import sys
import types
import zipfile

import pytest

from dumps import LIMIT, stand_in
from hooking import DumpError, dump, load

pytestmark = pytest.mark.usefixtures("own_key")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "some file"


def loaded(path, content, **how):
    path.write_bytes(content)
    return load(path, **how)


def refused(path, content=None, kind=DumpError, **how):
    """What is said of the file behind its name."""
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DumpError) as caught:
        load(path, **how)
    assert type(caught.value) is kind
    said = str(caught.value)
    assert said.startswith(f"{path} ") and "\n" not in said
    return said[len(str(path)) + 1:]


# Pickles ------------------------------------------------------------------------------------------------------------

DATA = [None, True, 1, -5, 1 << 80, 1.5, "é\n", b"\0\xff", [1], (1, 2, 3, 4), {"a": {2: 3}}, {1, 2}, frozenset([1]),
        bytearray(b"abc"), collections.OrderedDict(a=1), datetime.date(2026, 1, 2), decimal.Decimal("1.5"), 1j,
        collections.deque([1, 2]), range(5), "x" * LIMIT, b"y" * LIMIT]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("trust", [None, True, False])
def test_a_pickle_of_every_protocol(protocol, trust, path):
    assert loaded(path, pickle.dumps(DATA, protocol), trust=trust) == DATA


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_the_pickler_in_python(protocol, path):
    file = io.BytesIO()
    pickle._Pickler(file, protocol).dump(DATA)
    assert loaded(path, file.getvalue()) == DATA


def test_the_first_of_several_pickles(path):
    """As pickle.load() has it."""
    assert loaded(path, pickle.dumps([1]) + pickle.dumps([2])) == [1]
    assert loaded(path, pickle.dumps([1]) + b"anything\0") == [1]


@pytest.mark.parametrize("text, value", [
    (b"I1\n.", 1), (b"I01\n.", True), (b"L12L\n.", 12), (b"F1.5\n.", 1.5), (b"S'abc'\n.", "abc"),
    (b"Vab\\u00e9\n.", "abé"),
    (b"(lp0\nI1\naI2\na.", [1, 2]), (b"(dp0\nS'a'\np1\nI1\ns.", {"a": 1}), (b"(I1\nI2\ntp0\n.", (1, 2)), (b"N.", None),
    (b"]q\x00(K\x01K\x02e.", [1, 2]), (b"}.", {}), (b").", ()), (b"M\x01\x02.", 513), (b"G\x3f\xf8\0\0\0\0\0\0.", 1.5),
    (b"U\x03abc.", "abc"), (b"C\x03abc.", b"abc"), (b"\x80\x04\x8c\x03abc.", "abc")])
def test_pickles_written_by_hand(text, value, path):
    got = loaded(path, text)
    assert got == value and type(got) is type(value)


def test_a_large_pickle_of_somebody_elses(path):
    blob = bytes(range(256)) * 40_000
    assert loaded(path, pickle.dumps([blob, list(range(100_000))])) == [blob, list(range(100_000))]


@pytest.mark.parametrize("content", [
    b"\x80", b"\x80\x04", b"\x80\x04]", b"(l", b"I1\n", b"I", b"Ix\n.", b"\x80\x04\x95\xff\0\0\0\0\0\0\0N.",
    b"\x80\x04\x8e" + b"\xff" * 8 + b".", b"\x80\x04.", b"\x80\x04a.", b"\x80\x04e.", b"\x80\x04h\x05.", b"\x80\x040.",
    b"\x80\x06N.", b"\x80\xff.", pickle.dumps(DATA)[:-1], b"B\xff\xff\xff\x7fabc."])
def test_what_is_no_whole_pickle(content, path):
    said = refused(path, content)
    assert "is no whole pickle: " in said and " at byte " in said
    refused(path, content, trust=True)


def test_a_pickle_whose_buffers_are_elsewhere(path):
    buffers = []
    content = pickle.dumps([pickle.PickleBuffer(b"abc")], 5, buffer_callback=buffers.append)
    assert "a part of its data is not in the file" in refused(path, content)


def test_a_pickle_that_refers_to_its_program(path):
    class Pickler(pickle.Pickler):
        def persistent_id(self, obj):
            return "x" if obj is DATA else None
    file = io.BytesIO()
    Pickler(file).dump([DATA])
    assert "what only its program can find" in refused(path, file.getvalue())


# Compressed ---------------------------------------------------------------------------------------------------------

PACKERS = {"gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress,
           "lzma": lambda content: lzma.compress(content, lzma.FORMAT_ALONE)}


@pytest.mark.parametrize("packer", PACKERS)
def test_a_compressed_pickle(packer, path):
    pack = PACKERS[packer]
    assert loaded(path, pack(pickle.dumps(DATA))) == DATA
    dump(DATA, path)
    content = path.read_bytes()
    assert loaded(path, pack(content), verify=True) == DATA


@pytest.mark.parametrize("packer", PACKERS)
def test_a_compressed_file_is_damaged(packer, path):
    content = PACKERS[packer](pickle.dumps(list(range(1000))))
    for end in (5, 12, len(content) // 2, len(content) - 9):
        said = refused(path, content[:end])
        assert f"compressed with {packer}" in said or end == 5


@pytest.mark.parametrize("packer", PACKERS)
def test_what_is_compressed_is_said(packer, path):
    pack = PACKERS[packer]
    assert refused(path, pack(b"\x93NUMPY")) == \
        f"is compressed with {packer}, and in it an array of numpy.save(): numpy.load() reads it"
    assert refused(path, pack(pack(pickle.dumps(1)))).startswith(
        f"is compressed with {packer}, and in it compressed with {packer}: ")
    assert "and in it not a pickle" in refused(path, pack(b""))
    assert "no whole pickle" in refused(path, pack(pickle.dumps([1])[:-1]))


ZSTD = b"\x28\xb5\x2f\xfd"


def zstd_opens(monkeypatch, name, content):
    module = stand_in(monkeypatch, name, open=lambda path, mode: io.BytesIO(content))
    return module


@pytest.mark.parametrize("name", ["compression.zstd", "zstandard"])
def test_zstd_by_whichever_module_is_there(name, path, monkeypatch):
    """Stand-ins: the one of Python 3.14 and later, and the one of older ones."""
    monkeypatch.setitem(sys.modules, "compression", types.ModuleType("compression"))
    monkeypatch.setitem(sys.modules, "compression.zstd", None)
    monkeypatch.setitem(sys.modules, "zstandard", None)
    zstd_opens(monkeypatch, name, pickle.dumps([1]))
    assert loaded(path, ZSTD + b"anything") == [1]


def test_zstd_without_a_module(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "compression", None)
    monkeypatch.setitem(sys.modules, "compression.zstd", None)
    monkeypatch.setitem(sys.modules, "zstandard", None)
    assert refused(path, ZSTD + b"anything") == \
        "is compressed with zstd, which this Python cannot read: python -m pip install zstandard"


@pytest.mark.parametrize("kind", [KeyboardInterrupt, MemoryError, SystemExit])
def test_what_stops_unpacking(kind, path, monkeypatch):
    def stop(path, mode):
        raise kind("stop")
    stand_in(monkeypatch, "zstandard", open=stop)
    monkeypatch.setitem(sys.modules, "compression", None)
    monkeypatch.setitem(sys.modules, "compression.zstd", None)
    path.write_bytes(ZSTD)
    with pytest.raises(kind, match="^stop$"):
        load(path)


# Others -------------------------------------------------------------------------------------------------------------

def zipped(*names):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, b"content")
    return file.getvalue()


OTHERS = {
    "numpy.save()": (b"\x93NUMPY\x01\0", "numpy.load()"),
    "numpy.savez()": (zipped("arr_0.npy"), "numpy.load()"),
    "torch.save()": (zipped("archive/data.pkl", "archive/version"), "torch.load()"),
    "torch.save() file of before": (pickle.dumps(0x1950a86a20f9469cfc6c, 2), "torch.load()"),
    "zip archive": (zipped("a.txt"), "zipfile"),
    "HDF5": (b"\x89HDF\r\n\x1a\n", "pandas.read_hdf()"),
    "Parquet": (b"PAR1\x15\0", "pandas.read_parquet()"),
    "Arrow": (b"ARROW1\0\0", "pandas.read_feather()"),
    "SQLite": (b"SQLite format 3\0", "sqlite3"),
    "joblib": (b"\x78\x9c" + b"\0" * 8, "joblib.load()"),
    "lz4": (b"\x04\x22\x4d\x18", "joblib.load()"),
    "program": (b"\x7fELF\x02", "nothing"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_file_of_another_kind(name, path):
    content, reader = OTHERS[name]
    said = refused(path, content)
    assert name in said and reader in said.split(": ", 1)[1]


@pytest.mark.parametrize("content", [
    json.dumps({"a": 1}).encode(), json.dumps([1, 2]).encode(), b'"text"', b"Hello, world\n", b"a,b,c\n1,2,3\n",
    b"\xef\xbb\xbftext", b"\0" * 1000, b"\n", b"#!/bin/sh\n", bytes(range(255, 0, -1)), b"<html>"], ids=repr)
def test_a_file_that_is_no_pickle(content, path):
    said = refused(path, content)
    assert "pickle" in said or "JSON" in said


def test_a_file_of_joblib(path):
    """It is a pickle, with the arrays' bytes in between: what reads it is known by what it imports."""
    content = b"\x80\x04cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}b." + b"\0" * 100
    assert refused(path, content) == "is a joblib file: joblib.load() reads it"
    assert refused(path, content, trust=True) == "is a joblib file: joblib.load() reads it"


def test_an_empty_file(path):
    assert refused(path, b"") == "is empty: it ends at byte 0"


# No file ------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("make, kind, said", [
    (lambda path: None, FileNotFoundError, "No such file"),
    (lambda path: path.mkdir(), IsADirectoryError, "directory"),
    (os.mkfifo, OSError, "not a plain file"),
    (lambda path: path.symlink_to("nowhere"), FileNotFoundError, "No such file"),
    (lambda path: path.symlink_to(path.name), OSError, "symbolic links"),
    (lambda path: path.symlink_to("/dev/zero"), OSError, "not a plain file"),
], ids=["missing", "folder", "pipe", "link to nowhere", "link to itself", "device"])
def test_what_is_no_file(make, kind, said, path):
    make(path)
    with pytest.raises(kind, match=said) as caught:
        load(path)
    assert caught.value.filename == str(path) and caught.value.errno


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_file_that_may_not_be_read(path):
    path.write_bytes(pickle.dumps(1))
    path.chmod(stat.S_IWUSR)
    with pytest.raises(PermissionError) as caught:
        load(path)
    assert caught.value.filename == str(path)


def test_a_link_to_a_file(path):
    path.with_name("real").write_bytes(pickle.dumps([1]))
    path.symlink_to("real")
    assert load(path) == [1]
