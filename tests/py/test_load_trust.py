"""What is loaded without a question, what is refused, and that a damaged file is never taken for a whole one."""

import collections
import datetime
import decimal
import hmac
import os
import pickle
import random
import re
import types

import pytest

from dumps import LIMIT, run
from hooking import DumpError, UntrustedDump, dump, load


@pytest.fixture
def path(tmp_path, own_key):
    folder = tmp_path / "dumps"
    folder.mkdir()
    return folder / "x.dump"


@pytest.fixture
def somebody_else(tmp_path, monkeypatch):
    """From here on it is another user."""
    return lambda: monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "of somebody else"))


class Runs:
    """Makes a file when it is loaded."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"touch '{self.marker}'",)


class Plain:
    pass


class Buffer:
    def __init__(self, content):
        self.content = content

    def __reduce_ex__(self, protocol):
        return bytearray, (pickle.PickleBuffer(self.content),)


SAFE = [1, "a", [None, {2: b"c"}], collections.OrderedDict(a=1), datetime.date(2026, 1, 2), decimal.Decimal("1.5"),
        types.SimpleNamespace(a=1)]


# Keys ---------------------------------------------------------------------------------------------------------------

def test_the_key_is_made_once_and_for_the_user_alone(path, own_key):
    dump(1, path)
    assert own_key.stat().st_mode & 0o777 == 0o600 and own_key.stat().st_size == 32
    key = own_key.read_bytes()
    dump(2, path)
    assert own_key.read_bytes() == key and len(set(key)) > 8
    assert os.listdir(own_key.parent) == ["key"]


def test_loading_makes_no_key(path, own_key):
    path.write_bytes(pickle.dumps(1))
    assert load(path) == 1 and not own_key.exists()


@pytest.mark.parametrize("trust", [None, True, False])
def test_my_own_is_loaded(trust, path):
    dump([Plain(), os.system, Buffer(b"b" * LIMIT)], path)
    got = load(path, trust=trust)
    assert type(got[0]) is Plain and got[1] is os.system


def test_my_own_does_what_i_had_it_do(path):
    marker = path.with_name("marker")
    dump(Runs(marker), path)
    assert load(path) == 0 and marker.exists()


@pytest.mark.parametrize("trust", [None, True, False])
def test_data_of_somebody_else_is_loaded(trust, path, somebody_else):
    dump([SAFE, Buffer(b"b" * LIMIT)], path)
    somebody_else()
    assert load(path, trust=trust) == [SAFE, bytearray(b"b" * LIMIT)]


@pytest.mark.parametrize("as_plain_pickle", [True, False])
@pytest.mark.parametrize("trust", [None, False, 0, ""])
def test_code_of_somebody_else_is_refused(trust, as_plain_pickle, path, somebody_else):
    marker = path.with_name("marker")
    if as_plain_pickle:
        path.write_bytes(pickle.dumps([1, Runs(marker)]))
    else:
        dump([1, Runs(marker)], path)
    somebody_else()
    with pytest.raises(UntrustedDump) as caught:
        load(path, trust=trust)
    first, what, how = str(caught.value).split("\n")
    assert first == f"{path} is not signed with your key. To load it would"
    assert re.fullmatch(r"  import and call posix\.system \(byte \d+\)", what)
    assert "trust=True" in how and not marker.exists()
    place = int(re.search(r"byte (\d+)", what)[1])
    assert path.read_bytes()[place] in (b"c"[0], 0x93)     # GLOBAL, STACK_GLOBAL
    assert isinstance(caught.value, DumpError) and isinstance(caught.value, ValueError)


@pytest.mark.parametrize("trust", [True, 1, "yes"])
def test_trusted_code_is_run(trust, path, somebody_else):
    marker = path.with_name("marker")
    dump(Runs(marker), path)
    somebody_else()
    assert load(path, trust=trust) == 0 and marker.exists()


def test_what_says_neither_yes_nor_no(path):
    class Undecided:
        def __bool__(self):
            raise LookupError("undecided")
    dump(1, path)
    with pytest.raises(LookupError, match="undecided"):
        load(path, trust=Undecided())


def test_a_class_of_somebody_else(path, somebody_else):
    dump([Plain()], path)
    somebody_else()
    with pytest.raises(UntrustedDump, match=r"\n  import and call test_load_trust\.Plain \(byte"):
        load(path)
    assert type(load(path, trust=True)[0]) is Plain


def test_names_in_a_file_cannot_draw_on_the_terminal(path):
    path.write_bytes(b"\x80\x04\x8c\x09po\nsi\x1b[2J\x8c\x07sy\rstem\x93)R.")
    with pytest.raises(UntrustedDump) as caught:
        load(path)
    assert not set(str(caught.value)) & set("\x1b\r") and str(caught.value).count("\n") == 2


def imports(*names):
    """A pickle that imports and calls them, each without arguments."""
    return b"\x80\x04(" + b"".join(b"c%s\n%s\n)R" % tuple(name.encode() for name in pair) for pair in names) + b"t."


def said(path, content):
    path.write_bytes(content)
    with pytest.raises(UntrustedDump) as caught:
        load(path)
    return [re.sub(r" \(byte \d+\)", "", line).strip() for line in str(caught.value).split("\n")[1:-1]]


def test_what_runs_things_is_said_first(path):
    assert said(path, imports(("sklearn.svm", "SVC"), ("mine", "Model"), ("numpy.random", "Generator"),
                              ("os", "system"), ("sklearn.pipeline", "Pipeline"), ("subprocess", "Popen"))) == [
        "import and call os.system", "import and call subprocess.Popen", "import and call mine.Model",
        "make objects of numpy (1 name), sklearn (2 names)"]


def test_a_library_alone_is_one_line(path):
    names = [("sklearn.tree", f"Tree{n}") for n in range(30)]
    assert said(path, imports(*names)) == ["make objects of sklearn (30 names)"]


@pytest.mark.parametrize("module, name", [
    ("numpy.testing._private.utils", "runstring"), ("pandas", "read_pickle"), ("torch", "load"), ("joblib", "load"),
    ("numpy", "Any.os.system"), ("sklearnx", "Model"), ("numpy.f2py.crackfortran", "myeval")])
def test_what_a_library_can_do_besides_is_said(module, name, path):
    assert said(path, imports((module, name), ("numpy", "Array"))) == [
        f"import and call {module}.{name}", "make objects of numpy (1 name)"]


def test_a_dump_that_somebody_else_has_made_anew(path, own_key, tmp_path):
    """A file of mine that another has loaded, changed, and put in the place of mine."""
    dump([1, 2], path)
    run('''
        import os, sys
        from hooking import dump, load
        class Runs:
            def __reduce__(self):
                return os.system, ("touch marker",)
        dump([*load(sys.argv[1]), Runs()], sys.argv[1])
    ''', tmp_path, path)
    with pytest.raises(UntrustedDump, match="posix.system"):
        load(path)
    assert not (tmp_path / "marker").exists()


def write_over(path, content):
    with path.open("r+b") as file:  # the same file: what is mapped is seen to change
        file.write(content)


def test_what_others_write_after_the_check_is_not_loaded(path, monkeypatch, tmp_path):
    """A file of mine that others may write to, between the look at its signature and the unpickling."""
    marker = tmp_path / "marker"
    mine = ["x" * 300, "y" * 70_000]
    dump(mine, path)
    path.chmod(0o666)
    digest = hmac.digest

    def digest_and_change(*arguments):
        write_over(path, pickle.dumps(Runs(marker), 5))
        return digest(*arguments)

    monkeypatch.setattr(hmac, "digest", digest_and_change)
    assert load(path) == mine
    assert path.read_bytes().count(b"posix") == 1 and not marker.exists()


def spoil(path):
    write_over(path, b"\xff" * path.stat().st_size)


class WritesOver:
    """Does what another process may do while the pickle is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return spoil, (self.path,)


def test_what_others_write_while_a_pickle_is_loaded(path):
    rest = [f"{number:1000}" for number in range(300)]
    path.write_bytes(pickle.dumps([WritesOver(path), *rest]))
    path.chmod(0o666)
    assert load(path, trust=True) == [None, *rest]
    assert set(path.read_bytes()) == {0xff}


KEYS = {
    "others may read it": lambda key: key.chmod(0o644),
    "others may write it": lambda key: key.chmod(0o620),
    "too short": lambda key: key.write_bytes(b"k" * 31),
    "too long": lambda key: key.write_bytes(b"k" * 33),
    "empty": lambda key: key.write_bytes(b""),
    "another": lambda key: key.write_bytes(b"k" * 32),
    "missing": lambda key: key.unlink(),
    "a folder": lambda key: (key.unlink(), key.mkdir()),
    "a pipe": lambda key: (key.unlink(), os.mkfifo(key)),
}


@pytest.mark.parametrize("name", KEYS)
def test_a_key_that_does_not_count(name, path, own_key):
    """What it has signed is a stranger's; what is dumped meanwhile is nobody's, or the new key's."""
    dump([Plain()], path)
    KEYS[name](own_key)
    with pytest.raises(UntrustedDump):
        load(path)
    if name in ("another", "missing"):
        dump([Plain()], path)
        assert type(load(path)[0]) is Plain
        return
    said = f"^{re.escape(str(path))} is saved, but not signed: {re.escape(str(own_key))}: "
    with pytest.warns(RuntimeWarning, match=said):
        dump([SAFE], path)
    assert load(path) == [SAFE]
    with pytest.warns(RuntimeWarning):
        dump([Plain()], path)
    with pytest.raises(UntrustedDump):
        load(path)


def test_no_key_at_all_signs_nothing(path, own_key):
    """Zeros, which are no signature."""
    own_key.parent.parent.write_text("no folder")
    with pytest.warns(RuntimeWarning, match="not signed"):
        dump([Plain()], path)
    assert path.read_bytes()[-48:-16] == bytes(32)
    with pytest.raises(UntrustedDump):
        load(path)
    assert load(path, trust=True)


# Damage -------------------------------------------------------------------------------------------------------------

def small(path):
    obj = ["value", 5, {"key": 1.5}, b"bytes", Plain]
    dump(obj, path, name="x")
    return obj, path.read_bytes()


def is_known(content):
    """Of what has lost both nobody knows that it was a dump."""
    return content.startswith(b"\x80\x05C\x0chooking dump0") or content.endswith(b"hookdump")


def outcome(path, content, **how):
    """What becomes of a file with these bytes: the value, or what is said, which names the file and a place in it."""
    path.write_bytes(content)
    try:
        return load(path, **how), None
    except UntrustedDump as error:
        return None, str(error)
    except DumpError as error:
        said = str(error)
        assert said.startswith(f"{path} ") and "\n" not in said, said
        assert re.search(r"\bbytes? \d+", said) or not is_known(content), said
        return None, said


@pytest.mark.parametrize("trust", [None, True])
def test_every_byte_counts(trust, path):
    obj, content = small(path)
    chance = random.Random(5)
    kept = []
    for place in range(len(content)):
        for value in {content[place] ^ 1, content[place] ^ 0x80, ord("."), ord("0"), chance.randrange(256)}:
            if value != content[place]:
                changed = content[:place] + bytes([value]) + content[place + 1:]
                got, said = outcome(path, changed, trust=trust)
                assert said or got == obj
                if said is None:
                    kept.append(place)
    signature = range(len(content) - 48, len(content) - 16)
    assert set(kept) == (set() if trust is None else set(signature))


def test_every_truncation(path):
    _, content = small(path)
    for size in range(len(content)):
        value, said = outcome(path, content[:size])
        assert said and "damaged" in said or size < 17 and ("whole pickle" in said or "is empty" in said), (size, value)


@pytest.mark.parametrize("more", [b"\0", b".", b"hookdump", b"x" * 1000, pickle.dumps(5)])
def test_what_was_appended(more, path):
    obj, content = small(path)
    assert "damaged" in outcome(path, content + more)[1]


def test_two_dumps_in_one_file(path):
    """The last one's end stands for itself alone."""
    _, content = small(path)
    assert "damaged" in outcome(path, content + content)[1]


@pytest.mark.parametrize("seed", range(10))
def test_many_bytes_changed(seed, path):
    obj, content = small(path)
    chance = random.Random(seed)
    for _ in range(100):
        changed = bytearray(content)
        for _ in range(chance.choice([2, 3, 10, 50])):
            changed[chance.randrange(len(content))] = chance.randrange(256)
        value, said = outcome(path, changed)
        assert said or value == obj or not is_known(changed)


@pytest.mark.parametrize("seed", range(3))
def test_pieces_moved(seed, path):
    obj, content = small(path)
    chance = random.Random(seed)
    for _ in range(200):
        begin, end = sorted(chance.randrange(len(content) + 1) for _ in range(2))
        to = chance.randrange(len(content))
        piece, rest = content[begin:end], content[:begin] + content[end:]
        moved = rest[:to] + piece + rest[to:]
        value, said = outcome(path, moved)
        assert said or value == obj or not is_known(moved)


def test_damage_is_told_by_its_place(path):
    """Of a block, which is 4 MiB."""
    blob = random.Random(1).randbytes(9 << 20)
    dump([blob], path)
    content = path.read_bytes()
    place = content.index(blob[5 << 20:(5 << 20) + 100])
    value, said = outcome(path, content[:place] + bytes([content[place] ^ 1]) + content[place + 1:])
    assert said == f"{path} is damaged: it is not what was written, between bytes {4 << 20} and {8 << 20}"


@pytest.mark.parametrize("where", ["first", "last"])
def test_a_buffer_that_is_damaged(where, path):
    """It is not read to be loaded; with verify it is."""
    blob = random.Random(1).randbytes(LIMIT)
    dump(["a", Buffer(blob), "b"], path)
    content = path.read_bytes()
    place = content.index(blob) + (0 if where == "first" else LIMIT - 1)
    changed = content[:place] + bytes([content[place] ^ 1]) + content[place + 1:]
    got, said = outcome(path, changed)
    assert said is None and got[1] != blob and len(got[1]) == LIMIT
    got, said = outcome(path, changed, verify=True)
    stream_end = len(content) - int.from_bytes(content[-16:-8], "little")
    assert said == f"{path} is damaged: it is not what was written, between bytes 0 and {stream_end}"
    path.write_bytes(content)
    assert load(path, verify=True) == ["a", blob, "b"]


def test_room_before_a_buffer_counts(path):
    blob = b"b" * LIMIT
    dump(["a", Buffer(blob)], path)
    content = path.read_bytes()
    place = content.index(blob) - 100
    assert content[place - 1:place + 2] == b"\0\0\0"
    assert "damaged" in outcome(path, content[:place] + b"\1" + content[place + 1:])[1]


def test_a_dump_of_a_later_version(path):
    _, content = small(path)
    place = content.index(b"hookd\0\0\1")
    assert "later hooking" in outcome(path, content[:place + 7] + b"\2" + content[place + 8:])[1]
