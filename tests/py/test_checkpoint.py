"""Snapshots of running programs: `hooking checkpoint`, and Checkpoint in a program."""

import importlib.util
import json
import os
import pickle
import random
import re
import signal
import subprocess
import sys
import tempfile
from html.parser import HTMLParser
from pathlib import Path

import pytest

try:
    import numpy
except ImportError:
    numpy = None

import hooking
from conftest import environment, source
from test_dump_faults import FAULTS, wants_faults
from hooking import Checkpoint, inspect_dump, load
from hooking.difference import of_namespaces

wants_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")

SEED = '''
    import random, sys
    from dataclasses import dataclass, field
    from hooking import Checkpoint

    @dataclass
    class State:
        x: list[int] = field(default_factory=list)

    state = State()
    try:
        chkpt = Checkpoint.get_global_singleton()
        chkpt.frequency = -1
        chkpt.min_obj_size = -1
    except AssertionError:
        chkpt = None
    if chkpt:
        chkpt.track(state)
    for i in range(300):
        state.x.append(random.randint(1, 1000))
        if i % 100 == 0 and chkpt:
            chkpt.snapshot(f"iter{i}")
    print("ended", len(state.x), sys.modules["__main__"].__file__)
'''


def with_faults(faults):
    """Changes to the environment for what tests/c/faults.c does."""
    preload = " ".join(filter(None, [os.environ.get("LD_PRELOAD"), FAULTS]))
    return {} if faults is None else {"LD_PRELOAD": preload, **faults}


@pytest.fixture
def run(tmp_path):
    """Run a program under `hooking checkpoint`, or as it is without options; what it says is checked to be no error."""
    def start(text, *options, status=0, arguments=(), faults=None, **how):
        (tmp_path / "program.py").write_text(source(text))
        (tmp_path / "home").mkdir(exist_ok=True)
        command = [sys.executable, *(["-m", "hooking", "checkpoint", *options] if options else []), "program.py"]
        done = subprocess.run([*command, *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=120,
                              env=environment(str(tmp_path / "home"), **with_faults(faults)), **how)
        assert done.returncode == status, done.stderr
        return done
    return start


@pytest.fixture
def saved(tmp_path):
    """The snapshots of that program, the oldest first: paths."""
    def paths():
        folder = tmp_path / "checkpoints" / "program"
        return sorted(path for path in folder.iterdir() if path.suffix == ".pkl")
    return paths


def names(path):
    listed = inspect_dump(path)["facts"].get("names", "")
    return sorted(listed.split(", ")) if listed else []


# Asked for by the program ---------------------------------------------------------------------------------------------

def test_the_program_of_the_seed(run, saved):
    assert re.fullmatch(r"ended 300 .*/program\.py\n", run(SEED, "-z", "-1", "-f", "-1").stdout)
    assert [path.name for path in saved()] == ["000001-iter0.pkl", "000002-iter100.pkl", "000003-iter200.pkl"]
    assert names(saved()[2]) == ["state"]


def test_without_the_command_it_runs_as_ever(run, tmp_path):
    assert run(SEED).stdout.startswith("ended 300")
    assert not (tmp_path / "checkpoints").exists()


def test_any_python_reads_the_files(run, saved):
    run("from hooking import Checkpoint as C; x = {'a': [1, 2]}; C.get_global_singleton().snapshot('s')", "-f", "-1")
    with open(saved()[0], "rb") as file:
        assert pickle.load(file) == {"x": {"a": [1, 2]}}
    facts = inspect_dump(saved()[0])["facts"]
    assert (facts["snapshot"], facts["script"], facts["line"]) == ("s", "program", "1")


def test_what_is_taken(run, saved):
    run('''
        import math, threading
        from hooking import Checkpoint
        number, text, _private = 1, "text", 2
        big = list(range(100_000))
        nested = {"a": [bytes(300_000)]}
        class Thing:
            def __init__(self): self.part = bytes(300_000)
        thing, small = Thing(), Thing.__new__(Thing)
        lock, generator, function = threading.Lock(), (i for i in ()), (lambda: 1)
        chkpt = Checkpoint.get_global_singleton()
        chkpt.snapshot("all")
        chkpt.min_obj_size = 200_000
        chkpt.snapshot("large")
        chkpt.min_obj_size = -1
        chkpt.snapshot("none")
        chkpt.track(small)
        chkpt.track(thing.part)
        chkpt.snapshot("tracked")
        chkpt.untrack(small)
        chkpt.snapshot("untracked")
        try:
            chkpt.untrack(small)
        except ValueError as error:
            print(error)
    ''', "-f", "-1")
    kept = {path.name[7:-4]: names(path) for path in saved()}
    assert kept == {
        "all": ["_private", "big", "nested", "number", "small", "text", "thing"],
        "large": ["big", "nested", "thing"],
        "none": [],
        "tracked": ["small", "tracked[1]"],
        "untracked": ["tracked[1]"],
    }
    smaller = [inspect_dump(path)["facts"].get("smaller") for path in saved()]
    assert smaller == [None, "number, text, _private, small, lock, generator", None, None, None]
    left = {name: text for name, text in inspect_dump(saved()[0])["facts"].items() if name.startswith("left out")}
    assert list(left) == ["left out lock", "left out generator"]
    assert left["left out lock"].startswith("lock: a thread lock cannot be pickled")


@pytest.mark.skipif(numpy is None, reason="numpy is not installed")
def test_libraries(run, saved):
    run('''
        import numpy, collections
        from hooking import Checkpoint
        chkpt = Checkpoint.get_global_singleton()
        array, counter = numpy.arange(3), collections.Counter("a")
        chkpt.min_obj_size = 10_000
        chkpt.snapshot("numpy")
        chkpt.track_library("collections")
        chkpt.snapshot("both")
        chkpt.min_obj_size = -1
        chkpt.snapshot("asked")
    ''', "-f", "-1")
    assert [names(path) for path in saved()] == [["array"], ["array", "counter"], ["counter"]]


@wants_torch
def test_tensors(run, saved):
    """Of torch they are, as those of numpy; and what holds them is as large as they are."""
    run('''
        import torch
        from hooking import Checkpoint
        class Net(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.part = torch.nn.Linear(200, 200)
        tensor, layer, net, held, small = torch.zeros(3), torch.nn.Linear(3, 3), Net(), [torch.zeros(20_000)], [1]
        chkpt = Checkpoint.get_global_singleton()
        chkpt.min_obj_size = 10_000
        chkpt.snapshot("s")
    ''', "-f", "-1")
    assert names(saved()[0]) == ["held", "layer", "net", "tensor"]


def test_local_variables(run, saved):
    run('''
        from hooking import Checkpoint
        g = 1
        def outer(a):
            b = 2
            def inner(c):
                Checkpoint.get_global_singleton().snapshot("s")
                return a + c
            return inner(b) + b
        outer(5)
    ''', "-f", "-1", "--frames")
    assert load(saved()[0]) == {"g": 1, "inner().a": 5, "inner().c": 2, "outer().a": 5, "outer().b": 2}
    facts = inspect_dump(saved()[0])["facts"]
    assert (facts["line"], facts["function"]) == ("6", "inner")


# By the clock ---------------------------------------------------------------------------------------------------------

def test_timed_snapshots(run, saved):
    """Each is whole in itself, and the loop that is interrupted goes on as if nothing had been."""
    done = run('''
        import time
        values, end = [], time.monotonic() + 1
        while time.monotonic() < end:
            values.append(len(values))
            if len(values) == 10_000:
                values.clear()
        print(values == list(range(len(values))))
    ''', "-f", "20")
    assert done.stdout == "True\n" and done.stderr == ""
    kept = [load(path)["values"] for path in saved() if "values" in names(path)]
    assert len(kept) >= 4
    assert all(values == list(range(len(values))) for values in kept)


def test_a_frequency_that_changes(run, saved):
    run('''
        import time
        from hooking import Checkpoint
        chkpt = Checkpoint.get_global_singleton()
        def wait(seconds):
            end = time.monotonic() + seconds
            while time.monotonic() < end: pass
        wait(0.3)
        before = chkpt.frequency
        chkpt.frequency = -1
        wait(0.2)
        chkpt.wait()
        chkpt.snapshot("still")
        wait(0.3)
        chkpt.frequency = 20
        wait(0.3)
        chkpt.frequency = -1
        chkpt.snapshot("end")
    ''', "-f", "20")
    order = "".join({"auto": "a", "still": "s", "end": "e"}[path.name[7:-4]] for path in saved())
    assert re.fullmatch("a{2,}s.?a{2,}e", order)      # one that was under way when it was changed may come yet


# At each line ---------------------------------------------------------------------------------------------------------

LINES = '''
    import json
    from hooking import Checkpoint
    def double(x):
        y = 2 * x
        return y
    n = double(3)
    json.dumps([n])
    Checkpoint.get_global_singleton().frequency = -1
    n = 0
    Checkpoint.get_global_singleton().frequency = 0
    n = 1
    double(n)
'''


def test_a_snapshot_before_each_line(run, saved):
    run(LINES, "-f", "0", "--frames")
    lines = [int(path.name[11:-4]) for path in saved()]
    assert lines == [1, 2, 3, 6, 4, 5, 7, 8, 11, 12, 4, 5]
    at = {line: load(path) for line, path in zip(lines, saved())}
    assert (at[6], at[7], at[11], at[12]) == ({}, {"n": 6}, {"n": 0}, {"n": 1})
    assert at[5] == {"n": 1, "double().x": 1, "double().y": 2}
    assert inspect_dump(saved()[0])["facts"]["line"] == "1"


def test_other_tools_are_left_alone(run, saved):
    done = run('''
        import sys
        from hooking import Checkpoint
        chkpt = Checkpoint.get_global_singleton()
        monitoring = getattr(sys, "monitoring", None)
        def owners():
            return monitoring and [monitoring.get_tool(tool) for tool in range(6)]
        before = owners(), sys.gettrace()
        chkpt.frequency = 0
        during = owners(), sys.gettrace()
        chkpt.frequency = -1
        print((owners(), sys.gettrace()) == before != during)
        for tool in range(6 if monitoring else 0):
            monitoring.use_tool_id(tool, "another")
        try:
            chkpt.frequency = 0
        except RuntimeError as error:
            print(error)
    ''', "-f", "-1")
    first, *rest = done.stdout.splitlines()
    assert first == "True"
    assert rest == (["other tools have taken all of sys.monitoring: no snapshots of lines"]
                    if hasattr(sys, "monitoring") else [])


# The program does not notice ------------------------------------------------------------------------------------------

def test_children_are_not_the_programs(run, saved):
    done = run('''
        import os, signal
        from hooking import Checkpoint
        heard = []
        signal.signal(signal.SIGCHLD, lambda *_: heard.append("SIGCHLD"))
        data = [bytes(1000) for _ in range(20000)]
        chkpt = Checkpoint.get_global_singleton()
        for i in range(3):
            chkpt.snapshot(str(i))
            try:
                print("waited for", os.waitpid(-1, os.WNOHANG))
            except ChildProcessError:
                print("no child")
        chkpt.wait()
        print(heard)
        pid = os.fork()
        if pid == 0:
            os._exit(chkpt.snapshot("in the child") is not None)
        print(os.wait() == (pid, 0), heard)
    ''', "-f", "-1")
    assert done.stdout == "no child\nno child\nno child\n[]\nTrue ['SIGCHLD']\n"
    assert len(saved()) == 3 and done.stderr == ""


def test_nothing_of_the_program_is_done_twice(run, saved):
    """Neither buffers nor atexit functions nor finalizers nor threads."""
    done = run('''
        import atexit, sys, tempfile, threading
        from hooking import Checkpoint
        atexit.register(lambda: sys.stdout.write("at exit\\\\n"))
        class Loud:
            def __del__(self): sys.stdout.write("finalized\\\\n")
            def __reduce__(self): print("pickled"); return str, ()
        loud = Loud()
        stop = threading.Event()
        thread = threading.Thread(target=stop.wait)
        thread.start()
        sys.stdout.write("buffered, ")
        Checkpoint.get_global_singleton().snapshot("s")
        stop.set()
        del loud
    '''.replace("\\\\n", "\\n"), "-f", "-1")
    assert done.stdout == "buffered, finalized\nat exit\n"
    assert names(saved()[0]) == ["loud"]


def test_multiprocessing_goes_on(run, saved):
    done = run('''
        import multiprocessing
        def square(x): return x * x
        if __name__ == "__main__":
            from hooking import Checkpoint
            chkpt = Checkpoint.get_global_singleton()
            with multiprocessing.get_context("fork").Pool(2) as pool:
                for i in range(3):
                    squares = pool.map(square, range(100))
                    chkpt.snapshot("s")
            print(sum(squares), multiprocessing.active_children())
    ''', "-f", "30")
    assert done.stdout == "328350 []\n"
    assert "squares" in names([path for path in saved() if "-s" in path.name][-1])


def test_asyncio_and_threads_go_on(run, saved):
    done = run('''
        import asyncio, threading
        counts, stop = [0, 0], threading.Event()
        def count():
            while not stop.is_set():
                counts[0] += 1
        async def ticks():
            for i in range(300):
                counts[1] += 1
                await asyncio.sleep(0.005)
        async def main():
            await asyncio.gather(*(ticks() for _ in range(3)))
        thread = threading.Thread(target=count)
        thread.start()
        asyncio.run(main())
        stop.set()
        thread.join()
        print(counts[0] > 0, counts[1])
    ''', "-f", "30")
    assert (done.stdout, done.stderr) == ("True 900\n", "")
    kept = [load(path)["counts"][1] for path in saved() if "counts" in names(path)]
    assert len(kept) >= 2 and kept == sorted(kept)


THREADS = '''
    import threading
    from hooking import Checkpoint
    chkpt = Checkpoint.get_global_singleton()
    data = [str(i) for i in range(20_000)]
    taken = []
    def take():
        for i in range(6):
            taken.append(chkpt.snapshot("s"))
            chkpt.wait()
    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    print(len(taken), len(set(taken)), None in taken)
'''


@pytest.mark.parametrize("options", [("-f", "-1"), ("-f", "10"), ("-f", "-1", "--sync"), ("-f", "5", "--jobs", "3")])
def test_threads_that_ask_at_the_same_time(run, saved, options):
    """None that was asked for is left out, and nobody waits for a copy that another one has waited for."""
    done = run(THREADS, *options)
    assert (done.stdout, done.stderr) == ("24 24 False\n", "")
    assert len([path for path in saved() if path.name.endswith("-s.pkl")]) == 24


@pytest.mark.skipif("ASAN_OPTIONS" in os.environ, reason="AddressSanitizer takes terabytes of addresses")
def test_memory_that_is_short(run, saved):
    """What is told as saved is; and the program has what it had."""
    done = run('''
        import os, resource
        from hooking import Checkpoint
        rows = [str(i) for i in range(300_000)]
        with open("/proc/self/statm") as file:
            used = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        resource.setrlimit(resource.RLIMIT_AS, (used + 3_000_000, resource.RLIM_INFINITY))
        chkpt = Checkpoint.get_global_singleton()
        chkpt.snapshot("short")
        chkpt.wait()
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        chkpt.snapshot("enough")
        print(len(rows))
    ''', "-f", "-1")
    assert done.stdout == "300000\n"
    told = re.findall(r"^hooking: (.*): NOT saved: (\w+)", done.stderr, re.M)
    assert told == [("000001-short.pkl", "MemoryError")]
    assert [path.name for path in saved()] == ["000002-enough.pkl"] and len(load(saved()[0])["rows"]) == 300_000


#: Run a program, and wait for what it leaves behind, too. (36: PR_SET_CHILD_SUBREAPER.)
HEIR = """
import ctypes, os, subprocess, sys
ctypes.CDLL(None).prctl(36, 1)
status = subprocess.run(sys.argv[1:]).returncode
print(status, os.wait()[1])
"""


# The program's end ----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_what_was_taken_is_saved_though_the_program_is_killed(tmp_path, saved, number):
    (tmp_path / "program.py").write_text(source('''
        import os, signal
        from hooking import Checkpoint
        data = list(range(1_000_000))
        Checkpoint.get_global_singleton().snapshot("last")
        os.kill(os.getpid(), NUMBER)
    ''').replace("NUMBER", str(int(number))))
    done = subprocess.run([sys.executable, "-c", HEIR, sys.executable, "-m", "hooking", "checkpoint", "-f", "-1",
                           "program.py"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == f"{-number} 0\n"
    assert load(saved()[0])["data"][-1] == 999_999


def test_its_own_status(run):
    assert run("raise SystemExit(7)", "-f", "50", status=7).stderr == ""
    assert "ZeroDivisionError" in run("1 / 0", "-f", "50", status=1).stderr


# What goes wrong ------------------------------------------------------------------------------------------------------

def test_a_folder_that_cannot_be_written_to(run, tmp_path):
    (tmp_path / "checkpoints").write_text("")
    done = run("print('never')", "-f", "-1", status=2)
    assert done.stdout == "" and re.search(r"error: .*checkpoints.*: (Not a directory|File exists)\n", done.stderr)


@pytest.mark.parametrize("where, says", [
    ("/proc", "/proc/s: no folder can be made there"),
    ("file", "file/?s?: (there is a file of that name|Not a directory)"),
    (".", "/s: there is a file of that name"),
])
def test_a_folder_that_cannot_be(tmp_path, where, says):
    (tmp_path / "file").write_text("")
    (tmp_path / "s").write_text("")
    with pytest.raises(OSError) as raised:
        Checkpoint(tmp_path / where, script="s").snapshot()
    assert re.search(says, f"{raised.value.filename}: {raised.value.strerror}")


def test_names_that_no_file_can_have(tmp_path):
    with Checkpoint(tmp_path, script="s") as chkpt:
        path = chkpt.snapshot("é" * 120)
        for name in "x" * 241, "é" * 121:
            with pytest.raises(ValueError, match="at most 240 bytes, this one has 24[12].* at most 255"):
                chkpt.snapshot(name)
    assert os.path.exists(path)


def test_a_list_that_cannot_be_written(run, saved, tmp_path):
    """The snapshot is what counts: it is kept, and comes back."""
    listed = tmp_path / "checkpoints" / "program" / "snapshots.jsonl"
    listed.mkdir(parents=True)
    program = """
        from hooking import Checkpoint
        x = 1
        Checkpoint.get_global_singleton().snapshot("s")
    """
    for options in (), ("--sync",):
        assert run(program, "-f", "-1", *options).stderr.endswith(
            "-s.pkl: saved, but snapshots.jsonl in its folder cannot be written: Is a directory\n")
    assert len(saved()) == 2
    got = subprocess.run([sys.executable, "-c", "from hooking import Checkpoint; print(Checkpoint.restore('s'))"],
                         cwd=tmp_path, capture_output=True, text=True)
    assert got.stdout == "{'x': 1}\n"
    assert re.fullmatch(r"hooking: .*/snapshots\.jsonl: Is a directory: .* move it away.*\n", got.stderr)


def test_writing_imports_nothing(run):
    """A copy that is made in the middle of an import would meet a half of a module."""
    done = run('''
        import sys
        from hooking import Checkpoint
        class Wrong:
            def __reduce__(self): raise ValueError
        wrong, iterator, big = Wrong(), iter([]), bytearray(300_000)
        before = set(sys.modules)
        Checkpoint.get_global_singleton().snapshot("s")
        print(sorted(set(sys.modules) - before))
    ''', "-f", "-1", "--sync")
    assert done.stdout == "[]\n"


def test_snapshots_while_the_program_imports(run, saved):
    done = run("import re, functools, json, pickle, hashlib, hmac, struct, enum, decimal, typing, email.message",
               "-f", "1", "--jobs", "4")
    assert done.stderr == "" and saved()


@pytest.mark.parametrize("options", [("-f", "-2"), ("-f", "soon"), ("-z", "-2"), ("-z", "big"), ("--jobs", "0"),
                                     ("--keep", "-1")])
def test_options_that_are_wrong(run, options):
    assert re.search("^hooking checkpoint: error: ", run("print()", *options, status=2).stderr, re.M)


def test_a_disk_that_is_full(run, saved):
    done = run('''
        import resource
        from hooking import Checkpoint
        data = bytes(1_000_000)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
        chkpt = Checkpoint.get_global_singleton()
        chkpt.snapshot("large")
        chkpt.wait()
        del data
        chkpt.snapshot("small")
        print("went on")
    ''', "-f", "-1")
    assert done.stdout == "went on\n" and [path.name for path in saved()] == ["000002-small.pkl"]
    assert re.fullmatch(r"hooking: 000001-large\.pkl: NOT saved: OSError: .*File too large.*\n", done.stderr)


def test_a_folder_that_is_removed_and_another_current_one(run, saved, tmp_path):
    done = run('''
        import os, shutil
        from hooking import Checkpoint
        x = 1
        chkpt = Checkpoint.get_global_singleton()
        chkpt.snapshot("first")
        chkpt.wait()
        shutil.rmtree("checkpoints")
        os.chdir("/")
        chkpt.snapshot("second")
    ''', "-f", "-1")
    assert done.stderr == "" and [path.name for path in saved()] == ["000002-second.pkl"]


@wants_faults
def test_pickling_that_waits_for_a_lock(run, saved):
    """Another thread had it when the copy was made. It is given up after thirty seconds, of a fast clock."""
    done = run('''
        import threading, time
        from hooking import Checkpoint
        class Guarded:
            lock = threading.Lock()
            def __getstate__(self):
                with self.lock:
                    return {}
        guarded, taken, chkpt = Guarded(), threading.Event(), Checkpoint.get_global_singleton()
        def hold():
            with Guarded.lock:
                taken.set()
                done.wait()
        done = threading.Event()
        thread = threading.Thread(target=hold)
        thread.start()
        taken.wait()
        chkpt.snapshot("first")
        chkpt.wait()
        done.set()
        thread.join()
        chkpt.snapshot("second")
        chkpt.wait()
        print(chkpt.sync)
    ''', "-f", "-1", faults={"HK_FAULTS_HASTE": "50"})
    assert done.stdout == "False\n" and [path.name for path in saved()] == ["000002-second.pkl"]
    assert done.stderr == (
        "hooking: 000001-first.pkl: NOT saved: the copy of the program that wrote it did nothing for 30 s, and was "
        "ended: what pickling calls waits, for a lock that another thread had, say\n")


@wants_faults
@pytest.mark.skipif("ASAN_OPTIONS" in os.environ, reason="AddressSanitizer has a malloc() of its own")
def test_a_copy_that_stands_still(run, saved):
    """As when another thread was in malloc() as it was made. It is killed after ten seconds, of a fast clock."""
    done = run('''
        from hooking import Checkpoint
        x, chkpt = 1, Checkpoint.get_global_singleton()
        chkpt.snapshot("first")
        chkpt.snapshot("second")
        print(chkpt.sync)
    ''', "-f", "-1", faults={"HK_FAULTS_STUCK": "1", "HK_FAULTS_HASTE": "50"})
    assert done.stdout == "True\n" and [path.name for path in saved()] == ["000002-second.pkl"]
    assert done.stderr == (
        "hooking: 000001-first.pkl: NOT saved: the copy of the program that wrote it was killed by signal 9: another "
        "thread held a lock when it was made\n"
        "hooking: from now on the program waits for its snapshots (--sync)\n")


@wants_faults
@pytest.mark.parametrize("options", [(), ("--sync",)])
def test_a_disk_that_becomes_full_while_one_is_written(run, saved, tmp_path, options):
    done = run('''
        import os
        from hooking import Checkpoint
        data, chkpt = [str(i) for i in range(100_000)], Checkpoint.get_global_singleton()
        chkpt.snapshot("first")
        chkpt.wait()
        os.environ["HK_FAULTS_FOLDER"] = os.path.realpath("checkpoints")
        chkpt.snapshot("second")
        chkpt.wait()
        del os.environ["HK_FAULTS_FOLDER"]
        chkpt.snapshot("third")
    ''', "-f", "-1", *options, faults={"HK_FAULTS_AT": "12", "HK_FAULTS_HOW": "half", "HK_FAULTS_ERROR": "28",
                                             "HK_FAULTS_LOG": str(tmp_path / "log")})
    assert (tmp_path / "log").read_text().splitlines()[11].startswith("write ")
    assert re.fullmatch(r"hooking: 000002-second\.pkl: NOT saved: OSError: .*No space left on device.*\n|"
                        r"hooking: second: NOT saved: OSError: .*No space left on device.*\n", done.stderr)
    assert [path.name for path in saved()] == ["000001-first.pkl", "000003-third.pkl"]
    assert not [path for path in saved()[0].parent.iterdir() if ".hooking-" in path.name]
    assert len(load(saved()[1])["data"]) == 100_000


@pytest.mark.skipif(not os.access("/dev/shm", os.W_OK), reason="there is no /dev/shm")
def test_a_folder_on_another_file_system(run):
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        run('''
            from hooking import Checkpoint
            x = bytearray(1_000_000)
            for i in range(2): Checkpoint.get_global_singleton().snapshot("s")
        ''', "-f", "-1", "-o", folder)
        kept = sorted(Path(folder, "program").glob("*.pkl"))
        assert [load(path)["i"] for path in kept] == [0, 1]


def test_a_program_that_uses_a_graphics_card(run, saved, tmp_path):
    """It is known by the driver's library, which is loaded when the card is first used."""
    (tmp_path / "libcuda.so.1").write_bytes(Path(hooking._core.__file__).read_bytes())
    done = run('''
        import ctypes
        from hooking import Checkpoint
        chkpt = Checkpoint.get_global_singleton()
        chkpt.snapshot("before")
        card = ctypes.PyDLL("./libcuda.so.1")
        for i in range(2): chkpt.snapshot("after")
        print(chkpt.sync)
    ''', "-f", "-1")
    assert done.stdout == "True\n" and len(saved()) == 3
    assert done.stderr == ("hooking: the program uses CUDA, which cannot be copied: it waits for its snapshots "
                           "(--sync)\n")


def test_a_module_is_run(tmp_path):
    """A package's __main__, with relative imports; and it goes on where it was."""
    package = tmp_path / "pack"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "part.py").write_text("def double(x): return 2 * x\n")
    (package / "__main__.py").write_text(source('''
        import sys
        from hooking import Checkpoint
        from .part import double
        chkpt = Checkpoint.get_global_singleton()
        value = double(chkpt.resume_or("value", 1))
        print(value, __name__, __package__, sys.argv[1:], sys.argv[0].endswith("pack/__main__.py"))
        chkpt.snapshot("s")
    '''))
    command = [sys.executable, "-m", "hooking", "checkpoint", "-f", "-1", "--resume", "-m", "pack", "--resume", "x"]
    said = [subprocess.run(command, cwd=tmp_path, capture_output=True, text=True) for _ in range(3)]
    assert [(done.stdout, "begins anew" in done.stderr, done.stderr.count("\n")) for done in said] == [
        (f"{value} __main__ pack ['--resume', 'x'] True\n", value == 2, value == 2) for value in (2, 4, 8)]
    assert sorted(os.listdir(tmp_path / "checkpoints")) == ["pack"]


def test_a_program_that_mistreats_its_main(run, saved):
    done = run('''
        import sys
        from hooking import Checkpoint
        x, chkpt = 1, Checkpoint.get_global_singleton()
        chkpt.snapshot("first")
        del __name__, __builtins__
        sys.modules["__main__"] = None
        chkpt.snapshot("second")
    ''', "-f", "-1")
    assert done.stderr == "" and [names(path) for path in saved()] == [["x"], ["x"]]


def test_one_is_taken_at_the_prompt(terminal, tmp_path):
    (tmp_path / "program.py").write_text(source('''
        from hooking import hook
        x = 5
        hook()
    '''))
    t = terminal.start([sys.executable, "-m", "hooking", "checkpoint", "-f", "-1", "program.py"], cwd=str(tmp_path))
    t.prompt()
    assert t.run("snapshot as it is") == f"{tmp_path}/checkpoints/program/000001-as_it_is.pkl".replace("\n", "")
    t.key("C-d")
    assert t.end() == 0
    assert names(tmp_path / "checkpoints" / "program" / "000001-as_it_is.pkl") == ["x"]
    t = terminal("from hooking import hook; hook()")
    t.prompt()
    assert "do" in t.run("snapshot") and "hooking checkpoint" in t.run("snapshot")


# Signals, copies that end themselves, objects that raise --------------------------------------------------------------

def test_a_signal_handler_that_asks_while_one_is_taken(run, saved):
    """It is told the path, and the snapshot is taken, though the handler ends the program."""
    done = run('''
        import signal, sys
        from hooking import Checkpoint
        chkpt = Checkpoint.get_global_singleton()
        data = [str(i) for i in range(300_000)]
        def end(*_):
            print(chkpt.snapshot("final"))
            sys.exit(0)
        signal.signal(signal.SIGALRM, end)
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        while True:
            chkpt.snapshot("s")
    ''', "-f", "-1")
    assert done.stderr == ""
    last = Path(done.stdout.strip())
    assert last in saved() and last.name.endswith("-final.pkl") and len(load(last)["data"]) == 300_000


def test_signal_handlers_that_ask_all_the_time(run, saved):
    """None that is asked for is left out: of one name that was not taken yet there is one. The program goes on."""
    done = run('''
        import signal
        from hooking import Checkpoint
        chkpt = Checkpoint.get_global_singleton()
        data, told = [str(i) for i in range(50_000)], set()
        asking = True
        def ask(*_):
            told.add(chkpt.snapshot("sig"))
            if asking: signal.setitimer(signal.ITIMER_REAL, 0.1)    # or there is no time for the program
        signal.signal(signal.SIGALRM, ask)
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        while sum("-sig" in path for path in told) < 4: told.add(chkpt.snapshot("main"))
        asking = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        chkpt.wait()
        print(*sorted(told, key=str), sep="\\\\n")
    '''.replace("\\\\n", "\\n"), "-f", "-1")
    assert done.stderr == "" and done.stdout.split() == [str(path) for path in saved()]
    assert len([path for path in saved() if "-sig" in path.name]) > 2


@pytest.mark.parametrize("options", [("--sync",), ()])
def test_timed_ones_leave_the_program_half_of_the_time(run, saved, options):
    done = run('''
        import time
        class Slow:
            def __reduce__(self):
                time.sleep(0.2)
                return str, ()
        slow, begin, n = Slow(), time.monotonic(), 0
        while n < 3_000_000: n += 1
        print(time.monotonic() - begin < 20)
    ''', "-f", "10", *options)
    assert done.stdout == "True\n"


def test_a_copy_that_ends_itself(run, saved):
    """What is told as saved is."""
    done = run('''
        import os
        from hooking import Checkpoint
        class Ends:
            def __init__(self, status): self.status = status
            def __reduce__(self): os._exit(self.status)
        chkpt = Checkpoint.get_global_singleton()
        for status in 0, 7:
            x = Ends(status)
            chkpt.snapshot("s")
        del x
        chkpt.snapshot("good")
    ''', "-f", "-1", "-v")
    first, second, third = done.stderr.splitlines()
    for line, number, status in (first, 1, 0), (second, 2, 7):
        assert line.startswith(f"hooking: 00000{number}-s.pkl: NOT saved: the copy of the program that wrote it has "
                               f"ended itself, with status {status}: look for os._exit()")
    assert "000003-good.pkl: saved" in third and [path.name for path in saved()] == ["000003-good.pkl"]


def test_a_copy_that_is_killed_leaves_nothing(run, saved, tmp_path):
    done = run('''
        import os
        from hooking import Checkpoint
        class Kills:
            def __reduce__(self): os.kill(os.getpid(), 9)
        data, x, chkpt = bytes(1_000_000), Kills(), Checkpoint.get_global_singleton()
        chkpt.snapshot("s")
        chkpt.wait()
        print([name for name in os.listdir("checkpoints/program") if "hooking" in name])
    ''', "-f", "-1")
    assert done.stdout == "[]\n" and "killed by signal 9" in done.stderr


def test_an_object_that_raises_what_ends_programs(run, saved):
    done = run('''
        import sys
        from hooking import Checkpoint
        class Raises:
            def __init__(self, error): self.error = error
            def __reduce__(self): raise self.error
        good, exits, boom = [1], Raises(SystemExit(3)), Raises(KeyboardInterrupt())
        Checkpoint.get_global_singleton().snapshot("s")
    ''', "-f", "-1")
    assert done.stderr == "" and load(saved()[0]) == {"good": [1]}
    facts = inspect_dump(saved()[0])["facts"]
    assert (facts["left out exits"], facts["left out boom"]) == ("exits: SystemExit: 3", "boom: KeyboardInterrupt")


def test_lines_of_the_list_that_are_damaged(run, saved, tmp_path):
    run('''
        from hooking import Checkpoint
        for x in range(3): Checkpoint.get_global_singleton().snapshot("s")
    ''', "-f", "-1")
    listed = saved()[0].parent / "snapshots.jsonl"
    first, _, third = listed.read_bytes().splitlines(keepends=True)
    second = b'{"file": "000002-s.pkl"}\n' + b"[" * 100_000 + b"\n"
    listed.write_bytes(first.replace(b'"s"', b'"\xff"') + second + third)
    done = subprocess.run([sys.executable, "-m", "hooking", "show", "checkpoints"], cwd=tmp_path, text=True,
                          capture_output=True, check=True)
    assert done.stderr == "" and ["not in the folder's list" in line for line in done.stdout.splitlines()[1:]] == [
        True, True, False]
    assert Checkpoint.restore(output_dir=tmp_path / "checkpoints") == {"x": 2}


def test_one_that_was_closed(run, saved, tmp_path, capfd):
    with Checkpoint(tmp_path, script="s") as chkpt:
        with pytest.raises(TypeError):
            chkpt.min_obj_size = "1M"
    assert chkpt.snapshot("late") is None
    assert capfd.readouterr().err == "hooking: late: NOT saved: this Checkpoint is closed, `with` opens it again\n"
    with chkpt:
        assert chkpt.snapshot("again").endswith("-again.pkl")


@pytest.mark.parametrize("frequency", ["-1", "20"])
def test_the_program_goes_on_from_a_mark(terminal, tmp_path, frequency):
    """In a process of its own; and again in the one that has waited."""
    (tmp_path / "program.py").write_text(source('''
        import time
        from hooking import Checkpoint, hook
        x = 1
        hook()
        x += 1
        time.sleep(0.2)
        Checkpoint.get_global_singleton().snapshot("after")
    '''))
    command = [sys.executable, "-m", "hooking", "checkpoint", "-f", frequency, "program.py"]
    t = terminal.start(command, cwd=str(tmp_path))
    t.prompt()
    assert t.run("mark").startswith('marked: "rewind" comes back here')
    assert t.run("snapshot marked").endswith("-marked.pkl")
    assert t.run("rewind").startswith("back at the mark")
    assert t.run("snapshot back").endswith("-back.pkl")
    t.key("C-d")
    assert t.end() == 0
    kept = {path.name[7:-4]: path for path in sorted((tmp_path / "checkpoints" / "program").glob("*.pkl"))}
    assert {"marked", "back", "after"} <= set(kept) and ("auto" in kept) == (frequency == "20")
    assert load(kept["after"])["x"] == 2


# As a page ------------------------------------------------------------------------------------------------------------

class Page(HTMLParser):
    """What stands in a page: elements that are not closed rightly, attributes that load something, cells, texts."""

    VOID = ("meta", "line", "circle", "path", "rect")

    def __init__(self, text):
        super().__init__()
        self.open, self.wrong, self.loads, self.rows, self.titles = [], [], [], [], []
        self.feed(text)
        self.close()
        self.wrong += self.open

    def handle_starttag(self, tag, attributes):
        if tag not in self.VOID:
            self.open.append(tag)
        self.loads += [f"{tag} {name}={value}" for name, value in attributes if name in ("src", "href", "srcset")]
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        if tag not in self.VOID and (not self.open or self.open.pop() != tag):
            self.wrong.append(tag)

    def handle_data(self, data):
        if "td" in self.open or "th" in self.open:
            self.rows[-1][-1] += data
        if self.open and self.open[-1] == "title":
            self.titles.append(data)


def test_a_page(run, tmp_path):
    run('''
        import threading
        from hooking import Checkpoint
        globals()["<b>&"] = lock = threading.Lock()
        for i in range(12):
            globals()[f"n{i}"] = "x" * 1000 * i
            if i > 5: del globals()[f"n{i - 6}"]
            Checkpoint.get_global_singleton().snapshot("<i>")
    ''', "-f", "-1")
    with open(tmp_path / "checkpoints" / "program" / "snapshots.jsonl") as file:
        lines = file.readlines()
    (tmp_path / "checkpoints" / "program" / "snapshots.jsonl").write_text("".join(lines[1:]))
    show = [sys.executable, "-m", "hooking", "show", "checkpoints", "--html"]
    subprocess.run([*show, "page.html"], cwd=tmp_path, check=True)
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    page = Page(text)
    assert (page.wrong, page.loads) == ([], []) and "url(" not in text and "@import" not in text
    assert page.rows[0] == ["snapshot", "time", "file", "waited", "names", "left out"] and len(page.rows) == 13
    assert page.rows[1][:4] == ["000001-_i_.pkl", "?", "?", "?"]      # not in the list any more
    assert page.rows[12][0] == "000012-_i_.pkl" and page.rows[12][4] == "i, n6, n7, n8, n9, n10, n11"
    assert page.rows[12][5].startswith("<b>&: a thread lock cannot be pickled")
    assert "n11: 11 kB" in page.titles and any(title.endswith(" ms") for title in page.titles)
    failed = subprocess.run([*show, "no/page.html"], cwd=tmp_path, capture_output=True, text=True)
    assert failed.returncode == 1 and failed.stderr == "hooking: no/page.html: No such file or directory\n"
    assert subprocess.run([*show, "page.html", "checkpoints"], cwd=tmp_path, capture_output=True).returncode == 2


# Which stay, and coming back ------------------------------------------------------------------------------------------

def test_older_ones_are_removed(run, saved):
    run('''
        from hooking import Checkpoint
        for i in range(7): Checkpoint.get_global_singleton().snapshot(str(i))
    ''', "-f", "-1", "--keep", "3")
    assert [path.name for path in saved()] == ["000005-4.pkl", "000006-5.pkl", "000007-6.pkl"]


def test_some_older_ones_stay(run, saved):
    run('''
        from hooking import Checkpoint
        for i in range(11): Checkpoint.get_global_singleton().snapshot("s")
    ''', "-f", "-1", "--keep", "2", "--keep-every=4")
    assert [int(path.name[:6]) for path in saved()] == [4, 8, 10, 11]


def test_they_have_a_size_together(run, saved):
    """The last one stays, however large it is."""
    program = '''
        from hooking import Checkpoint
        for i in range(5):
            data = bytes(100_000)
            Checkpoint.get_global_singleton().snapshot("s")
    '''
    run(program, "-f", "-1", "--max-size", "250k")
    assert [int(path.name[:6]) for path in saved()] == [4, 5]
    run(program, "-f", "-1", "--max-size", "10k")
    assert [int(path.name[:6]) for path in saved()] == [10]


def test_in_a_program(tmp_path):
    with Checkpoint(tmp_path / "own", script="tests") as chkpt:
        path = chkpt.snapshot("a/b c")
        assert path == str(tmp_path / "own" / "tests" / "000001-a_b_c.pkl")
        assert (chkpt.output_dir, chkpt.script, chkpt.frequency) == (str(tmp_path / "own"), "tests", -1)
    assert os.path.exists(path)
    with pytest.raises(AssertionError, match="hooking checkpoint"):
        Checkpoint.get_global_singleton()
    for wrong in ({"frequency": -2}, {"frequency": 1e300}, {"script": ""}, {"script": ".."},
                  {"min_obj_size": -2}, {"jobs": 0}, {"script": "a/b"}, {"keep": -1}):
        with pytest.raises(ValueError):
            Checkpoint(tmp_path, **wrong)


def test_one_that_is_opened_again(run, saved, tmp_path):
    (tmp_path / "program.py").write_text(source('''
        import time
        from hooking import Checkpoint
        chkpt = Checkpoint(frequency=20)
        for i in range(2):
            with chkpt:
                end = time.monotonic() + 0.5
                while time.monotonic() < end: pass
    '''))
    subprocess.run([sys.executable, "program.py"], cwd=tmp_path, check=True)
    assert {load(path)["i"] for path in saved() if "i" in names(path)} == {0, 1}


@pytest.mark.parametrize("frequency", [-1, 0, 5])
def test_one_that_nobody_has_any_more(run, saved, tmp_path, frequency):
    """It closes, as a file does; a cycle that it is in is found."""
    (tmp_path / "program.py").write_text(source('''
        import gc, os, threading, time, warnings
        from hooking import Checkpoint
        warnings.simplefilter("always")
        def spin(seconds):
            end = time.monotonic() + seconds
            while time.monotonic() < end: time.sleep(0.01)
        def one():
            chkpt = Checkpoint(frequency=FREQUENCY)
            path = chkpt.snapshot("one")
            spin(0.1)
            return path
        def cycle():
            chkpt = Checkpoint(frequency=FREQUENCY)
            chkpt.track([chkpt])
            path = chkpt.snapshot("cycle")
            spin(0.1)
            return path
        for make in one, cycle:
            path = make()
            gc.collect()
            print(os.path.exists(path))
            before = os.listdir("checkpoints/program")
            spin(0.1)
            print(os.listdir("checkpoints/program") == before)
        last = Checkpoint()
        last.snapshot("last")
    ''').replace("FREQUENCY", str(frequency)))
    done = subprocess.run([sys.executable, "program.py"], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == "True\n" * 4
    assert len(re.findall("ResourceWarning: a Checkpoint of .*/checkpoints was not closed", done.stderr)) == 2
    assert saved()[-1].name.endswith("-last.pkl") and done.returncode == 0


def test_two_in_one_folder(tmp_path):
    first, second = (Checkpoint(tmp_path, script="s") for _ in range(2))
    with first, second:
        paths = []
        for chkpt in (first, second, first):
            paths.append(chkpt.snapshot("s"))
            chkpt.wait()
        assert paths == [str(tmp_path / "s" / f"00000{i}-s.pkl") for i in (1, 2, 3)]
        with pytest.raises(ValueError):
            del first.frequency


def test_processes_in_one_folder(run, saved, tmp_path):
    """Each gets numbers of its own, and none that was killed leaves anything behind."""
    (tmp_path / "program.py").write_text(source('''
        import sys
        from hooking import Checkpoint
        own = sys.argv[1]
        chkpt = Checkpoint()
        for i in range(20):
            print(chkpt.snapshot("s"), flush=True)
    '''))
    started = [subprocess.Popen([sys.executable, "program.py", str(i)], cwd=tmp_path, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True) for i in range(4)]
    said = [process.communicate(timeout=60) for process in started]
    assert [text for _, text in said] == [""] * 4
    paths = {path: str(i) for i, (text, _) in enumerate(said) for path in text.splitlines()}
    assert [int(path.name[:6]) for path in saved()] == list(range(1, 81))
    assert {str(path): load(path)["own"] for path in saved()} == paths


def test_what_a_killed_writer_leaves_is_removed(tmp_path):
    (tmp_path / "s").mkdir()
    litter = tmp_path / "s" / ".000007-s.pkl.hooking-abcdef"
    litter.write_text("")
    (tmp_path / "s" / ".last").write_text("7")
    with Checkpoint(tmp_path, script="s") as chkpt:
        assert chkpt.snapshot("s").endswith("/000008-s.pkl") and not litter.exists()


TRAIN = '''
    import os, signal, sys
    from hooking import Checkpoint
    chkpt = Checkpoint.get_global_singleton()
    steps = chkpt.resume_or("steps", 0)
    weights = chkpt.resume_or("weights", [0.5])
    print("begins at", steps)
    while steps < 30:
        weights = [(weight * 3.7) * (1 - weight) for weight in weights]
        steps += 1
        if steps % 10 == 0:
            chkpt.snapshot("step")
        if steps == 25 and len(sys.argv) > 1:
            chkpt.wait()
            os.kill(os.getpid(), signal.SIGKILL)
    print("ends with", weights)
'''


def test_a_program_goes_on_where_it_was_killed(run, saved):
    whole = run(TRAIN, "-f", "-1", "-o", "other")
    assert whole.stdout.startswith("begins at 0\n")
    run(TRAIN, "-f", "-1", "--resume", status=-signal.SIGKILL, arguments=["killed"])
    resumed = run(TRAIN, "-f", "-1", "--resume")
    assert resumed.stdout.split("\n")[0] == "begins at 20"
    assert resumed.stdout.split("\n")[1:] == whole.stdout.split("\n")[1:]
    assert [path.name for path in saved()] == ["000001-step.pkl", "000002-step.pkl", "000003-step.pkl"]


@pytest.mark.skipif(numpy is None, reason="numpy is not installed")
def test_the_example_comes_to_the_same_result_though_it_is_killed(tmp_path):
    example = Path(__file__).resolve().parents[2] / "examples" / "training.py"
    command = [sys.executable, "-m", "hooking", "checkpoint", "-v", "-f", "-1", "--resume", str(example), "80000"]
    whole = subprocess.run([sys.executable, str(example), "80000"], capture_output=True, text=True, check=True).stdout
    killed = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert "begins anew" in killed.stderr.readline()
    assert "000001-step10000.pkl: saved" in killed.stderr.readline()
    killed.kill()
    assert killed.communicate()[0] == "" and killed.returncode == -signal.SIGKILL
    first, *rest = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout.split("\n")
    assert re.fullmatch(r"goes on at step [1-9]\d*0000", first) and "\n".join(rest) == whole


def test_restoring(run, saved, tmp_path):
    run('''
        from hooking import Checkpoint
        for x in range(3): Checkpoint.get_global_singleton().snapshot("even" if x % 2 == 0 else "odd")
    ''', "-f", "-1")
    where = {"output_dir": tmp_path / "checkpoints"}
    assert (Checkpoint.restore(**where), Checkpoint.restore("odd", **where)) == ({"x": 2}, {"x": 1})
    saved()[2].write_bytes(saved()[2].read_bytes()[:-1])
    assert Checkpoint.restore(**where) == {"x": 1}    # the last one that is whole
    for name, other, says in (("none", where, "no snapshot called 'none'"),
                              ("latest", {**where, "script": "other"}, "no snapshots of other"),
                              ("latest", {"output_dir": tmp_path / "nowhere"}, "No such file")):
        with pytest.raises(LookupError, match=says):
            Checkpoint.restore(name, **other)


def test_looking_into_one(run, saved, terminal, tmp_path):
    run('''
        from dataclasses import dataclass
        from hooking import Checkpoint
        @dataclass
        class State:
            x: list
            y: int
        def fit(loss):
            Checkpoint.get_global_singleton().snapshot("s")
        state, old, same = State([1, 2], 5), "old", 1
        fit(0.5)
        state.x[0] = 7
        state.x.append(3)
        new = {"k": 1}
        del old
        fit(0.25)
        state = State([1, 2], 5)
        fit(0.25)
    ''', "-f", "-1", "--frames")
    t = terminal.start([sys.executable, "-m", "hooking", "show", "-i", str(saved()[0])], cwd=str(tmp_path))
    t.prompt()
    t.play("""
        >>> state, old
        (State(x=[1, 2], y=5), 'old')
        >>> snapshot["fit().loss"]
        0.5
        >>> diff 1 2
        state.x: 2 -> 3 items
        state.x[0]: 1 -> 7
        fit().loss: 0.5 -> 0.25
        old: is gone
        new: is new, {'k': 1}
        >>> diff 1 1
        nothing is different
        >>> diff 1 9
        [...]no snapshot 9 in [...]
        >>> diff 000001-s.pkl 1
        nothing is different
        >>> diff nowhere 1
        [...]no file nowhere, here or in [...]
        >>> diff 1
        [...]usage: diff A B, which are files or numbers of snapshots
        >>> ^D
    """)
    assert t.end() == 0


def test_looking_into_a_strangers(terminal, tmp_path):
    """It asks as `load` at the prompt does."""
    (tmp_path / "x.pkl").write_bytes(b"cos\nsystem\n(S'echo ran'\ntR.")
    for answer, says in ("n", "trust"), ("y", "ran"):
        t = terminal.start([sys.executable, "-m", "hooking", "show", "-i", "x.pkl"], cwd=str(tmp_path))
        t.expect("Load it? [y/N]")
        t.type(answer + "\n")
        if answer == "y":
            t.prompt()
            assert says in t.text()
            t.key("C-d")
        assert t.end() == (answer == "n")


@pytest.mark.skipif(numpy is None, reason="numpy is not installed")
def test_differences_of_arrays():
    a = numpy.zeros((3, 4))
    b = a.copy()
    b[1, 2], b[2, 3] = 0.5, -3
    assert of_namespaces({"w": a}, {"w": b}) == [
        "w: 2 of 12 elements, first at [1, 2]: 0.0 -> 0.5; most by 3, at [2, 3]"]
    a[0, 0] = b[0, 0] = numpy.nan
    b[0, 1] = numpy.nan
    assert of_namespaces({"w": a}, {"w": a.copy()}) == []
    assert of_namespaces({"w": a}, {"w": b})[0].startswith("w: 3 of 12 elements, first at [0, 1]: 0.0 -> nan")
    assert of_namespaces({"w": a}, {"w": a[0]}) == ["w: array of float64, (3, 4) -> float64, (4,)"]
    assert of_namespaces({"w": numpy.array(["a"])}, {"w": numpy.array(["b"])}) == [
        "w: 1 of 1 elements, first at [0]: 'a' -> 'b'"]


@pytest.mark.parametrize("a, b, says", [
    ({"k": 1, "l": 2}, {"k": 3, "m": 2}, ["v['k']: 1 -> 3", "v['l']: is gone", "v['m']: is new"]),
    ([1, [2, 3]], [1, [2, 4]], ["v[1][1]: 3 -> 4"]),
    (list(range(20)), [-i for i in range(20)], [*(f"v[{i}]: {i} -> {-i}" for i in range(1, 9)), "... and 11 more"]),
    ({1, 2}, {2, 3, 4}, ["v: 1 items are gone, 2 are new"]),
    (1, "1", ["v: 1 -> '1'"]),
    (float("nan"), 1.0, ["v: nan -> 1.0"]),
])
def test_differences(a, b, says):
    assert of_namespaces({"v": a}, {"v": b}) == says


def test_differences_of_objects_that_are_difficult():
    class Loud:
        def __eq__(self, other): raise ValueError
        def __repr__(self): raise TypeError
    a, b = [], []
    a.append(a)
    b.append(b)
    told = of_namespaces({"v": Loud(), "w": a}, {"v": Loud(), "w": b})
    assert len(told) == 1 and re.fullmatch("v: <Loud instance at .*> -> <Loud instance at .*>", told[0])


def copies(value):
    return pickle.loads(pickle.dumps(value)), pickle.loads(pickle.dumps(value))


class Node:
    pass


def ring(value):
    node = Node()
    node.next, node.value = Node(), value
    node.next.back = node
    return node


@pytest.mark.parametrize("value", [float("nan"), [float("nan")], ValueError("x"), random.Random(1), object(), ring(1)])
def test_what_has_not_changed_is_not_told(value):
    a, b = copies(value)
    assert of_namespaces({"v": a}, {"v": b}) == []


@pytest.mark.parametrize("a, b, says", [
    (ring(1), ring(2), ["v.value: 1 -> 2"]),
    (ValueError("x"), ValueError("y"), ["v: ValueError('x') -> ValueError('y')"]),
    ([float("nan"), 1], [float("nan"), 2], ["v[1]: 1 -> 2"]),
    ("x" * 200, "x" * 100 + "y" + "x" * 100, [f"v: [100:] {'x' * 30!r} -> {'y' + 'x' * 29!r}, of 200 -> 201"]),
])
def test_what_has_changed_is_told_in_words_that_differ(a, b, says):
    assert of_namespaces({"v": a}, {"v": b}) == says


def test_differences_of_random_numbers():
    told = of_namespaces({"r": random.Random(1)}, {"r": random.Random(2)})
    assert told[0].startswith("state of r[1][1]: ") and re.fullmatch(r"... and 61\d more", told[-1])
    assert "0x" not in "".join(told)


def test_files_that_are_damaged_in_a_folder(run, saved, tmp_path):
    run('''
        from hooking import Checkpoint
        for x in range(3): Checkpoint.get_global_singleton().snapshot("s")
    ''', "-f", "-1")
    saved()[0].write_bytes(saved()[0].read_bytes()[:-20])
    saved()[1].write_bytes(os.urandom(1000))
    done = subprocess.run([sys.executable, "-m", "hooking", "show", "checkpoints"], cwd=tmp_path, text=True,
                          capture_output=True)
    assert done.returncode == 1 and len(done.stdout.splitlines()) == 4
    assert [line.split(": ")[1] for line in done.stderr.splitlines()] == [
        "checkpoints/program/000001-s.pkl", "checkpoints/program/000002-s.pkl"]


def test_looking_into_a_folder(run, saved, terminal, tmp_path):
    """The last one is opened."""
    run('''
        from hooking import Checkpoint
        for x in range(3): Checkpoint.get_global_singleton().snapshot("s")
    ''', "-f", "-1")
    for folder in "checkpoints", "checkpoints/program":
        t = terminal.start([sys.executable, "-m", "hooking", "show", "-i", folder], cwd=str(tmp_path))
        t.prompt()
        assert t.run("x") == "2"
        t.key("C-d")
        assert t.end() == 0
    (tmp_path / "empty").mkdir()
    done = subprocess.run([sys.executable, "-m", "hooking", "show", "-i", "empty"], cwd=tmp_path, text=True,
                          capture_output=True)
    assert (done.returncode, done.stderr) == (1, "hooking: no snapshots in empty\n")


def test_what_is_left_out_is_told_once(run):
    done = run('''
        import threading
        from hooking import Checkpoint
        lock = threading.Lock()
        for i in range(4):
            if i == 2: another = lock
            Checkpoint.get_global_singleton().snapshot("s")
    ''', "-f", "-1", "-v")
    assert re.findall(r"0000(\d+)-s.*left out: (\w+):", done.stderr) == [("01", "lock"), ("03", "another")]


def test_tracked_objects_keep_their_numbers(tmp_path):
    with Checkpoint(tmp_path, script="s", min_obj_size=-1) as chkpt:
        parts = [[i] for i in range(3)]
        for part in parts: chkpt.track(part)
        chkpt.untrack(parts[1])
        first = chkpt.snapshot("first")
        chkpt.track(["new"])
        second = chkpt.snapshot("second")
    assert load(first) == {"tracked[0]": [0], "tracked[2]": [2]}
    assert load(second) == {"tracked[0]": [0], "tracked[1]": ["new"], "tracked[2]": [2]}


def test_a_folder_with_a_main(tmp_path):
    (tmp_path / "program").mkdir()
    (tmp_path / "program" / "__main__.py").write_text("from hooking import Checkpoint as C\n"
                                                      "C.get_global_singleton().snapshot('s')\n")
    command = [sys.executable, "-m", "hooking", "checkpoint", "-f", "-1", "-o"]
    subprocess.run([*command, "../o", "."], cwd=tmp_path / "program", check=True)
    assert (tmp_path / "o" / "program" / "000001-s.pkl").exists()
    done = subprocess.run([*command, "", "program"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2 and "output_dir is the name of a folder" in done.stderr


def test_resuming_with_nothing_there(run, tmp_path):
    assert run("x = 1", "--resume", "-f", "-1").stderr == (
        f"hooking: --resume: nothing is saved in {tmp_path}/checkpoints/program yet: the program begins anew\n")


def test_showing_a_folder(run, saved, tmp_path):
    run('''
        import threading
        from hooking import Checkpoint
        x, lock = 1, threading.Lock()
        for i in range(2): Checkpoint.get_global_singleton().snapshot("s")
    ''', "-f", "-1")
    with open(saved()[0].parent / "snapshots.jsonl", "a") as file:
        file.write('{"file": "0000')          # a crash
    shown = subprocess.run([sys.executable, "-m", "hooking", "show", "checkpoints"], cwd=tmp_path, text=True,
                           capture_output=True, check=True).stdout.split("\n")
    assert shown[0] == "checkpoints/program:"
    assert re.fullmatch(r"  000001-s\.pkl  \d{4}-\d\d-\d\d \d\d:\d\d:\d\d +\d+ bytes +\d+\.\d ms  x, i; without lock",
                        shown[1])
    asked = subprocess.run([sys.executable, "-m", "hooking", "show", "--json", "checkpoints/program"], cwd=tmp_path,
                           text=True, capture_output=True, check=True).stdout
    first = json.loads(asked)["checkpoints/program"][0]
    assert (first["number"], first["name"], list(first["objects"]), list(first["left_out"])) == (
        1, "s", ["x", "i"], ["lock"])
    empty = subprocess.run([sys.executable, "-m", "hooking", "show", str(tmp_path)], text=True, capture_output=True)
    assert empty.returncode == 1 and "no snapshots in this folder" in empty.stderr
