"""inspect_dump() and `hooking show`: what is in a file, without loading it."""

import gzip
import json
import os
import pickle
import subprocess
import sys

import pytest

from conftest import environment
from dumps import run
from hooking import dump, inspect_dump


@pytest.fixture
def path(tmp_path, own_key):
    return tmp_path / "value.pickle"


def buffer(size, fill=b"x"):
    """An object whose content is kept apart, read-only."""
    class Apart:
        def __reduce_ex__(self, protocol):
            return bytes, (pickle.PickleBuffer(fill * size),)
    return Apart()


class Runs:
    """Leaves a file behind if it is unpickled."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (self.mark,)


def show(*arguments, home):
    return subprocess.run([sys.executable, "-m", "hooking", "show", *map(str, arguments)], text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=environment(str(home), XDG_STATE_HOME=os.environ["XDG_STATE_HOME"]))


# inspect_dump() -----------------------------------------------------------------------------------------------------

def test_a_dump_of_ones_own(path):
    dump({"a": 1}, path, name="table")
    found = inspect_dump(path)
    assert (found["kind"], found["whole"], found["signed"], found["does"]) == ("dump", True, True, "data")
    assert found["size"] == path.stat().st_size and found["protocol"] == 5 and found["imports"] == []
    facts = found["facts"]
    assert (facts["name"], facts["type"], facts["function"]) == ("table", "dict", "test_a_dump_of_ones_own")
    assert facts["file"] == __file__ and facts["python"] == sys.version.split()[0]


def test_what_is_large_is_listed(path):
    dump([buffer(70000), buffer(100000)], path)
    buffers = inspect_dump(path)["buffers"]
    assert [(entry["size"], entry["readonly"]) for entry in buffers] == [(70000, True), (100000, True)]
    for entry in buffers:
        assert entry["offset"] % 4096 == 0
        assert path.read_bytes()[entry["offset"]:][:entry["size"]] == b"x" * entry["size"]


def test_nothing_is_unpickled(path, tmp_path):
    mark = tmp_path / "mark"
    path.write_bytes(pickle.dumps(Runs(str(mark))))
    found = inspect_dump(path)
    assert (found["kind"], found["signed"], found["does"]) == ("pickle", False, "code")
    assert [(entry["name"], entry["called"], entry["safe"]) for entry in found["imports"]] == [("mkdir", True, False)]
    assert "mkdir" in found["why"] and not mark.exists()


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_of_anybody(path, protocol):
    path.write_bytes(pickle.dumps([1, "two"], protocol))
    found = inspect_dump(path)
    assert (found["kind"], found["whole"], found["does"]) == ("pickle", True, "data")
    assert found["protocol"] == (protocol if protocol > 1 else 0)


def test_a_compressed_one(path):
    dump([1], path)
    path.write_bytes(gzip.compress(path.read_bytes()))
    found = inspect_dump(path)
    assert (found["kind"], found["packed"]) == ("dump", "compressed with gzip")
    assert found["whole"] and found["signed"]


def test_one_that_is_compressed_twice(path):
    path.write_bytes(gzip.compress(gzip.compress(pickle.dumps(1))))
    found = inspect_dump(path)
    assert (found["kind"], found["packed"]) == ("compressed with gzip", "compressed with gzip")
    assert found["reader"] == "unpack it first"


def test_damage_in_a_buffer_is_found_unless_it_is_not_looked_for(path):
    dump(buffer(9 << 20), path)
    where = inspect_dump(path)["buffers"][0]["offset"] + (5 << 20)
    whole = bytearray(path.read_bytes())
    whole[where] ^= 1
    path.write_bytes(whole)
    found = inspect_dump(path)
    low, high = (int(word) for word in found["damage"].replace(",", " ").split() if word.isdigit())
    assert not found["whole"] and low <= where < high and high - low <= 4 << 20
    assert inspect_dump(path, verify=False)["whole"]


def test_one_that_has_lost_its_end(path):
    dump([1], path)
    path.write_bytes(path.read_bytes()[:-1])
    found = inspect_dump(path)
    assert (found["kind"], found["whole"]) == ("dump", False) and "end" in found["damage"]


def test_what_is_no_pickle(path):
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    found = inspect_dump(path)
    assert found["kind"] == "an HDF5 file" and "h5py" in found["reader"]
    with pytest.raises(FileNotFoundError):
        inspect_dump(path.parent / "none")


# hooking show -------------------------------------------------------------------------------------------------------

def test_it_is_shown(path, tmp_path):
    run('''
        import hooking, pickle
        class Apart:
            def __reduce_ex__(self, protocol):
                return bytes, (pickle.PickleBuffer(b"x" * 70000),)
        def fit():
            hooking.dump([Apart(), 5], "value.pickle", name="scores")
        fit()
    ''', tmp_path, XDG_STATE_HOME=os.environ["XDG_STATE_HOME"])
    done = show(path, home=tmp_path)
    assert done.returncode == 0 and done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"{path}: a dump, ") and lines[0].endswith(", whole")
    rows = dict(line.split(maxsplit=1) for line in lines[1:])
    assert rows["name"] == "scores" and rows["type"] == "list" and rows["trust"] == "signed with your key"
    assert rows["dumped"].endswith(f"at {tmp_path / 'program.py'}:6 in fit") and rows["buffers"] == "1: 70 kB"


def test_one_that_would_run_code(path, tmp_path):
    mark = tmp_path / "mark"
    path.write_bytes(pickle.dumps(Runs(str(mark))))
    done = show(path, home=tmp_path)
    assert done.returncode == 0 and "may run any code" in done.stdout and "posix.mkdir (called)" in done.stdout
    assert not mark.exists()


def test_damage_is_an_error(path, tmp_path):
    dump([1], path)
    path.write_bytes(path.read_bytes()[:-1])
    done = show(path, home=tmp_path)
    assert done.returncode == 1 and done.stderr.startswith(f"hooking: {path}: ") and "end" in done.stderr


@pytest.mark.parametrize("content, said", [
    (None, "No such file or directory"), (b"", "is empty"),
    (b"hello", "is not a pickle: load reads what dump() or pickle.dump() has written\n"),
    (gzip.compress(b"x" * 1000, mtime=0)[:20], "damaged")], ids=["missing", "empty", "text", "half"])
def test_what_cannot_be_shown(path, tmp_path, content, said):
    if content is not None:
        path.write_bytes(content)
    done = show(path, home=tmp_path)
    assert done.returncode == 1 and said in done.stderr and len(done.stderr.splitlines()) == 1


def test_several_files(path, tmp_path):
    dump([1], path)
    done = show(path, tmp_path / "none", path, home=tmp_path)
    assert done.returncode == 1 and done.stdout.count("a dump") == 2 and "none" in done.stderr


def test_all_of_it_as_json(path, tmp_path):
    dump([1], path, name="x")
    done = show("--json", path, home=tmp_path)
    assert json.loads(done.stdout) == {"path": str(path), **inspect_dump(path)}


def test_wrong_arguments(tmp_path, own_key):
    assert show(home=tmp_path).returncode == 2


def test_the_names_of_all_variables(path, tmp_path, opened):
    t = opened("""
        def f():
            number, texts = 5, ["a"]
            from hooking import hook
            hook()
        f()
    """, env={"XDG_STATE_HOME": os.environ["XDG_STATE_HOME"]})
    t.run(f"dump --all {path}")
    lines = show(path, home=tmp_path).stdout.split("\n")
    assert "  names    number, texts" in lines and not any(line.startswith("  type") for line in lines)


def test_a_file_of_joblib_begins_as_a_pickle(path, tmp_path):
    path.write_bytes(b"\x80\x04cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}b." + b"\0" * 100)
    assert inspect_dump(path)["kind"] == "a joblib file"
    done = show(path, home=tmp_path)
    assert done.returncode == 1 and done.stderr.endswith(" is a joblib file: joblib.load() reads it\n")
