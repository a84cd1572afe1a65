"""Dumping and loading under circumstances: threads, signals, depth, reducers with a will of their own, and for long."""

import gc
import os
import pickle
import resource
import sys
import threading
import tracemalloc

import pytest

from dumps import LIMIT, both, descriptors, run
from hooking import DumpError, UntrustedDump, dump, load

pytestmark = pytest.mark.usefixtures("own_key")


@pytest.fixture
def path(tmp_path):
    folder = tmp_path / "dumps"
    folder.mkdir()
    return folder / "x.dump"


class Buffer:
    def __init__(self, content):
        self.content = content

    def __reduce_ex__(self, protocol):
        return Buffer, (pickle.PickleBuffer(self.content),)


class Reducer:
    """Does something while it is pickled, and is a list then."""

    def __init__(self, act):
        self.act = act

    def __reduce__(self):
        return list, ([self.act()],)


# Depth --------------------------------------------------------------------------------------------------------------

def nested(levels, make):
    obj = make(None)
    for _ in range(levels):
        obj = make(obj)
    return obj


class Node:
    def __init__(self, inside):
        self.inside = inside


MAKERS = {"list": lambda inside: [inside], "tuple": lambda inside: (inside,), "dict": lambda inside: {"k": inside},
          "object": Node}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
@pytest.mark.parametrize("levels", [100, 10_000, 100_000])
def test_deep_objects_are_dumped_or_refused(make, levels, path):
    obj = nested(levels, make)
    try:
        dump(obj, path, name="x")
    except RecursionError as error:
        assert levels > 100 and "nested too deeply, at x" in str(error)
        assert os.listdir(path.parent) == []
    else:
        got, depth = load(path), 0
        while got is not None:
            got = got.inside if isinstance(got, Node) else next(iter(got.values())) if isinstance(got, dict) else got[0]
            depth += 1
        assert depth == levels + 1
    while obj is not None:                    # taken apart from outside, as older Pythons overflow the stack otherwise
        obj = obj.inside if isinstance(obj, Node) else next(iter(obj.values())) if isinstance(obj, dict) else obj[0]


# Reducers -----------------------------------------------------------------------------------------------------------

def test_a_reducer_that_dumps_and_loads(path):
    inner = path.with_name("inner")

    def act():
        dump([1, Buffer(b"i" * LIMIT)], inner)
        return load(inner)[0]
    for got in both([Buffer(b"o" * LIMIT), Reducer(act), Buffer(b"p" * LIMIT)], path):
        assert got[1] == [1] and bytes(got[0].content) == b"o" * LIMIT and bytes(got[2].content) == b"p" * LIMIT
    assert load(inner, verify=True)[0] == 1


def test_a_reducer_that_dumps_into_the_same_file(path):
    """The outer dump is the one that is done last."""
    got = both(["outer", Reducer(lambda: dump("inner", path))], path)
    assert got[0] == got[1] == ["outer", [None]]
    assert os.listdir(path.parent) == [path.name]


def test_a_reducer_that_fails(path):
    def fail():
        raise ZeroDivisionError("in the reducer")
    with pytest.raises(ZeroDivisionError, match=r"x\[1\].*in the reducer"):
        dump([Buffer(b"b" * LIMIT), Reducer(fail)], path, name="x")
    assert os.listdir(path.parent) == []


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit, MemoryError])
def test_a_reducer_that_stops_everything(kind, path):
    calls = []

    def stop():
        calls.append(1)
        raise kind("stop")
    with pytest.raises(kind) as caught:
        dump([Buffer(b"b" * LIMIT), Reducer(stop)], path)
    assert str(caught.value) == "stop"        # from 3.14 on with notes of the pickler's
    assert calls == [1] and os.listdir(path.parent) == []


def test_a_reducer_that_removes_its_folder(path):
    with pytest.raises(OSError):
        dump([Reducer(lambda: [os.unlink(path.parent / name) for name in os.listdir(path.parent)])], path)
    assert os.listdir(path.parent) == []


def test_a_buffer_that_is_gone_when_it_is_written(path):
    class Released:
        def __reduce_ex__(self, protocol):
            buffer = pickle.PickleBuffer(bytearray(LIMIT))
            return bytes, (buffer, Reducer(buffer.release))
    try:
        dump(Released(), path)
    except Exception:
        assert os.listdir(path.parent) == []


# Threads ------------------------------------------------------------------------------------------------------------

def in_threads(*functions):
    failures = []

    def call(function):
        try:
            function()
        except BaseException as error:
            failures.append(error)
    threads = [threading.Thread(target=call, args=(function,)) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_buffer_that_changes_while_it_is_dumped(path):
    """What is in the file is what its digests are of, whatever that is."""
    content = bytearray(16 << 20)
    over = threading.Event()

    def change():
        value = 0
        while not over.is_set():
            value = (value + 1) % 256
            content[:] = bytes([value]) * len(content)

    def save():
        try:
            for _ in range(3):
                dump(Buffer(content), path)
                load(path, verify=True)
        finally:
            over.set()
    in_threads(change, save)


def test_a_large_buffer_is_written_in_a_thread_that_ends(path):
    content = bytearray(range(256)) * (100 << 10)             # 25 MiB: parts that differ, and the last one is short
    del content[-1000:]
    threads = len(os.listdir("/proc/self/task"))
    assert both(pickle.PickleBuffer(content), path, verify=True) == (content, content)
    assert len(os.listdir("/proc/self/task")) == threads


def test_a_disk_that_is_full_in_the_middle_of_a_large_buffer(tmp_path):
    said = run('''
        import errno, os, pickle, resource
        import hooking
        os.mkdir("dumps")
        path = "dumps/x"
        hooking.dump(1, path)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20 << 20, 20 << 20))
        try:
            hooking.dump(pickle.PickleBuffer(bytearray(64 << 20)), path)
        except OSError as error:
            print(errno.errorcode[error.errno], error.filename == path)
        print(hooking.load(path), os.listdir("dumps"), len(os.listdir("/proc/self/task")))
    ''', tmp_path)
    assert said.split("\n") == ["EFBIG True", "1 ['x'] 1", ""]


def test_dumps_at_once(tmp_path):
    def save(number):
        blob = bytes([number]) * LIMIT
        for turn in range(10):
            path = tmp_path / f"{number}-{turn}"
            dump([number, Buffer(blob)], path)
            got = load(path, verify=True)
            assert got[0] == number and bytes(got[1].content) == blob
    in_threads(*(lambda number=number: save(number) for number in range(8)))


def test_dumps_into_one_file_at_once(path):
    """Whoever reads finds the whole of one of them, and nothing else is left."""
    dump([0, Buffer(bytes(LIMIT))], path)

    def save(number):
        for _ in range(10):
            dump([number, Buffer(bytes([number]) * LIMIT)], path)

    def read():
        for _ in range(40):
            got = load(path, verify=True)
            assert bytes(got[1].content) == bytes([got[0]]) * LIMIT
    in_threads(read, *(lambda number=number: save(number) for number in range(4)))
    assert os.listdir(path.parent) == [path.name]


# Ctrl-C -------------------------------------------------------------------------------------------------------------

INTERRUPTED = '''
    import os, pickle, signal
    from hooking import dump, load
    class Buffer:
        def __reduce_ex__(self, protocol):
            return bytes, (pickle.PickleBuffer(bytes(1 << 20)),)
    class Endless:
        """Goes on until somebody presses Ctrl-C."""
        def __reduce__(self):
            return list, (), None, self.items()
        def items(self):
            for number in range(10_000_000):
                if number == 3:
                    os.kill(os.getpid(), signal.SIGINT)
                yield PIECE
    dump("old", "x")
    try:
        dump(Endless(), "x")
    except KeyboardInterrupt:
        print("interrupted", load("x"), sorted(os.listdir(".")))
'''


@pytest.mark.parametrize("piece", ["Buffer()", "bytes(1 << 20)", "number", "[number] * 100"])
def test_control_c_leaves_the_old_file(piece, tmp_path):
    said = run(INTERRUPTED.replace("PIECE", piece), tmp_path)
    assert said == "interrupted old ['home', 'program.py', 'x']\n"


def test_control_c_while_one_buffer_is_written(tmp_path):
    """One that takes its time: signals are looked at several times a second."""
    said = run('''
        import os, pickle, signal, threading
        from hooking import dump, load
        content = bytearray(512 << 20)
        dump("old", "x")
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
        try:
            dump(pickle.PickleBuffer(content), "x")
        except KeyboardInterrupt:
            print("interrupted", load("x"), sorted(os.listdir(".")))
        else:
            print("it was faster")
    ''', tmp_path, check=False)
    assert said in ("interrupted old ['home', 'program.py', 'x']\n", "it was faster\n")


# For long -----------------------------------------------------------------------------------------------------------

def test_descriptors_are_closed(path):
    dump([1, Buffer(b"b" * LIMIT)], path)
    before = descriptors()
    kept = [load(path) for _ in range(3000)]
    for wrong in (b"", b"wrong", path.read_bytes()[:-1]):
        other = path.with_name("other")
        other.write_bytes(wrong)
        with pytest.raises(DumpError):
            load(other)
    with pytest.raises(FileNotFoundError):
        load(path.with_name("missing"))
    with pytest.raises(Exception, match="lambda"):
        dump([Buffer(b"b" * LIMIT), lambda: 0], path)
    assert descriptors() == before and all(got[0] == 1 for got in kept)


def churn(path):
    """Everything that may go well or wrong, once."""
    def ignoring(kinds, function, *arguments, **named):
        try:
            function(*arguments, **named)
        except kinds:
            pass
    dump([1, "a", Buffer(b"b" * LIMIT), {"k": [Buffer(bytearray(LIMIT))]}, (2,)], path, name="x")
    load(path)
    load(path, mmap=False, verify=True, trust=False, modules={"a": "b"})
    ignoring(Exception, dump, [Buffer(b"b" * LIMIT), lambda: 0], path)
    ignoring(Exception, dump, 1, path.parent)
    ignoring(Exception, dump, 1, path, name=3)
    ignoring(Exception, dump, 1, 3)
    other = path.with_name("other")
    content = path.read_bytes()
    for wrong in (content[:-1], content[:100], content[:30] + b"?" + content[31:], content + b"x", b"wrong", b"",
                  b"\x1f\x8bwrong", b"cno_such_module\nname\n.", b"cposix\nsystem\n."):
        other.write_bytes(wrong)
        for trust in (None, True):
            ignoring((DumpError, ImportError, AttributeError), load, other, trust=trust)


def test_nothing_is_leaked(path):
    """Neither memory nor references: once Python has filled its free lists, more of everything changes nothing."""
    def settled():
        for _ in range(20):
            churn(path)
        getattr(sys, "_clear_internal_caches", sys._clear_type_cache)()
        gc.collect()
        return tracemalloc.get_traced_memory()[0], *(sys.getrefcount(each) for each in tracked)
    tracked = [None, True, pickle.Pickler, pickle.Unpickler, DumpError, UntrustedDump, Buffer, list]
    tracemalloc.start()
    try:
        settled()
        rounds = [settled() for _ in range(4)]
    finally:
        tracemalloc.stop()
    grown = [min(after - before for before, after in zip(one, one[1:])) for one in zip(*rounds)]
    assert grown[0] < 10_000                  # a leak grows in every round, Python's caches in one
    assert [each for each, more in zip(tracked, grown[1:]) if more >= 20] == []


def test_memory_outside_of_python_is_not_leaked(path):
    """What C has allocated shows in the size of the process alone."""
    for _ in range(20):
        churn(path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(60):
        churn(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 6_000


def test_little_memory_is_needed_beside_the_object(tmp_path):
    said = run('''
        import pickle, resource
        from hooking import dump, load
        content = bytearray(b"x") * (128 << 20)
        def most():
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        dump(1, "first")
        load("first")
        before = most()
        dump([pickle.PickleBuffer(content), 1], "x")
        load("x")
        print(most() - before)
    ''', tmp_path)
    assert int(said) < 16 << 10
