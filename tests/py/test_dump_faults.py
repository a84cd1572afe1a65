"""A file is the old dump or the new one, whole, wherever the disk fails and whenever its writer is stopped.

The disk fails by tests/c/faults.c, a library that is loaded before the C library. `make check` builds it and says where
it is; the matrix, which has no build products but the package, goes without."""

import errno
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import hooking
from conftest import environment, source

FAULTS = os.environ.get("HK_TEST_FAULTS") or str(
    Path(os.path.abspath(hooking.__file__)).parents[2] / "tests" / "c" / ".libs" / "faults.so")
wants_faults = pytest.mark.skipif("HK_TEST_FAULTS" not in os.environ and not os.path.exists(FAULTS),
                                  reason="the library of faults is not there: make check builds it")

# What all of the programs begin with. The new dump has a stream and a buffer that are written in several pieces.
BEGIN = '''
    import errno, json, os, pickle, random, select, signal, sys
    import hooking

    folder = sys.argv[1]
    path = os.path.join(folder, "x")

    def thing(number, size=300_000):
        rows = [str(number)] * 1000 + [bytes(300_000)] + list(range(1000))
        return {"number": number, "rows": rows, "buffer": pickle.PickleBuffer(bytearray([number % 256]) * size)}

    def content(value, size=300_000):
        number = value["number"]
        whole = value["rows"] == thing(number)["rows"] and bytes(value["buffer"]) == bytes([number % 256]) * size
        return number if whole else "broken"

    def found(size=300_000):
        """The number in the file, which every reader takes for whole."""
        with open(path, "rb") as file:
            plain = content(pickle.load(file), size)
        loaded = content(hooking.load(path, verify=True), size)
        return loaded if loaded == plain else f"{loaded} is {plain} for pickle"

    def tell(**facts):
        print(json.dumps(facts), flush=True)
'''


def run(tmp_path, program, *arguments, faults=False, before=()):
    """What a program tells, one dict a line; its folder is `folder` in tmp_path."""
    home, folder = tmp_path / "home", tmp_path / "folder"
    home.mkdir()
    folder.mkdir()
    path = tmp_path / "program.py"
    path.write_text(source(BEGIN) + source(program))
    preload = " ".join(filter(None, [os.environ.get("LD_PRELOAD"), FAULTS])) if faults else None
    env = environment(str(home), **({"LD_PRELOAD": preload} if faults else {}))
    done = subprocess.run([*before, sys.executable, str(path), os.path.realpath(folder), *map(str, arguments)], env=env,
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "faults.so" not in done.stderr, done.stderr     # the loader could not load it
    return [json.loads(line) for line in done.stdout.splitlines()]


# A disk that fails --------------------------------------------------------------------------------------------------

EACH_CALL = '''
    error, how, watched, target = int(sys.argv[2]), sys.argv[3], sys.argv[4], path
    log = folder + ".log"

    def attempt(n, answer):
        os.environ.update(HK_FAULTS_AT=str(n), HK_FAULTS_HOW=how, HK_FAULTS_ERROR=str(error), HK_FAULTS_LOG=log,
                          HK_FAULTS_FOLDER=watched)
        said = None
        try:
            hooking.dump(thing(2), target)
        except OSError as raised:
            said = [raised.errno, raised.filename, str(raised)]
        except BaseException as raised:
            said = [type(raised).__name__, None, str(raised)]
        del os.environ["HK_FAULTS_FOLDER"]
        os.write(answer, json.dumps(said).encode())
        os._exit(0)

    n, calls = 0, []
    while len(calls) >= n:
        n += 1
        hooking.dump(thing(1), path)
        open(log, "w").close()
        answer, end = os.pipe()
        child = os.fork()
        if child == 0:
            attempt(n, end)
        os.close(end)
        said = os.read(answer, 10_000)
        os.close(answer)
        killed = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0
        calls = open(log).read().splitlines()
        facts = {"n": n, "calls": calls, "killed": killed, "said": json.loads(said or "null"), "found": found()}
        if len(calls) >= n:
            facts["at"] = calls[n - 1]
        hooking.dump(thing(3), path)
        tell(**facts, later=found(), left=sorted(os.listdir(folder)))
'''


def each_call(folder, how, error=errno.EIO):
    """What comes of it when the first call, the second call... goes wrong; the last time none did."""
    return run(folder, EACH_CALL, error, how, os.path.realpath(folder / "folder"), faults=True)


def names_of(calls):
    """With one name for all temporary files."""
    return [re.sub(r"\.x\.hooking-[a-z2-7]{6}$", "temporary", call) for call in calls]


def is_old_or_new(times):
    assert [time for time in times if time["found"] not in (1, 2)] == []
    assert [time for time in times if time["later"] != 3 or time["left"] != ["x"]] == []
    *faulty, last = times
    assert last["found"] == 2 and not last["killed"] and last["said"] is None and "at" not in last
    return faulty


@wants_faults
@pytest.mark.parametrize("how, error", [("fail", errno.EIO), ("half", errno.ENOSPC), ("gone", errno.EDQUOT)])
def test_each_call_fails(tmp_path, how, error):
    """`half`: of a write half is done before; `gone`: from then on nothing works at all."""
    faulty = is_old_or_new(each_call(tmp_path, how, error))
    for time in faulty:
        place = names_of([time["at"]])[0]
        assert not time["killed"], place
        if time["said"] is None:
            assert time["found"] == 2, place
            assert place.split()[0] in ("open", "flock", "close"), place
        else:
            number, name, text = time["said"]
            assert number == error and name == str(Path(os.path.realpath(tmp_path)) / "folder" / "x"), text
            renamed = "rename temporary" in names_of(time["calls"][:time["n"] - 1])
            assert time["found"] == (2 if renamed else 1), place
            assert ("its folder" in text) == renamed
    must_be_told = {names_of([time["at"]])[0] for time in faulty if time["said"] is not None}
    assert must_be_told >= {"open .", "make temporary", "write temporary", "fsync temporary", "fchmod temporary",
                            "rename temporary", "fsync ."}


@wants_faults
@pytest.mark.parametrize("how", ["kill", "half-kill"])
def test_the_writer_ends_at_each_call(tmp_path, how):
    """As at a power failure, or kill -9."""
    faulty = is_old_or_new(each_call(tmp_path, how))
    assert len(faulty) > 12
    for time in faulty:
        renamed = "rename temporary" in names_of(time["calls"][:time["n"] - 1])
        assert time["killed"] and time["said"] is None and time["found"] == (2 if renamed else 1), time["at"]


@wants_faults
def test_what_is_safe_before_what(tmp_path):
    """The content is on the disk before the name is, and the name before dump() says that all is well: at whatever
    moment the power fails, the name leads to a whole file."""
    calls = names_of(each_call(tmp_path, "fail")[-1]["calls"])
    synced, renamed = calls.index("fsync temporary"), calls.index("rename temporary")
    assert synced < renamed < calls.index("fsync .")
    assert calls.count("write temporary") > 3
    assert not any(call.startswith(("write", "fchmod", "fchown")) for call in calls[synced:])
    assert {call for call in calls if call.endswith(" x")} == {"faccessat x", "close x"}    # that is the new one


@wants_faults
def test_a_key_that_cannot_be_had_keeps_no_dump_from_being_written(tmp_path):
    """It is not signed then. `state` is the folder of the key."""
    state = os.path.realpath(tmp_path) + "/home/state"
    times = run(tmp_path, "import shutil\n" + source(EACH_CALL).replace(
        "    open(log", f"    shutil.rmtree({state!r}, ignore_errors=True)\n    open(log"),
        errno.EIO, "fail", state, faults=True)
    assert len(times) > 3
    assert {time["found"] for time in times} == {2} and {str(time["said"]) for time in times} == {"None"}


def test_a_limit_of_file_sizes(tmp_path):
    facts, = run(tmp_path, '''
        import resource
        hooking.dump(thing(1), path)
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
        try:
            hooking.dump(thing(2), path)
        except OSError as raised:
            tell(errno=raised.errno, filename=raised.filename == path, found=found(), left=os.listdir(folder))
    ''')
    assert facts == {"errno": errno.EFBIG, "filename": True, "found": 1, "left": ["x"]}


MOUNT = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-ec",
         'mount -t tmpfs -o size=1000k tmpfs "$3"; exec "$@"', "sh"]


def can_mount():
    try:
        return subprocess.run([*MOUNT, "true", "", "/tmp"], capture_output=True, timeout=20).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


@pytest.mark.skipif(not can_mount(), reason="no file system can be mounted here without being root")
def test_a_disk_that_is_full(tmp_path):
    """There is room for one dump and not for two. With one of them removed there is."""
    facts, = run(tmp_path, '''
        hooking.dump(thing(1), path)
        try:
            hooking.dump(thing(2), path)
        except OSError as raised:
            facts = {"errno": raised.errno, "filename": raised.filename == path, "found": found(),
                     "left": os.listdir(folder)}
            os.unlink(path)
            hooking.dump(thing(3), path)
            tell(**facts, later=found())
    ''', before=MOUNT)
    assert facts == {"errno": errno.ENOSPC, "filename": True, "found": 1, "left": ["x"], "later": 3}


# Blocks that two files share ------------------------------------------------------------------------------------------

SHARING = '''
    from hooking import Checkpoint
    log = folder + ".log"
    sizes = 3 << 20, (2 << 20) + 5, 1 << 19      # of the last one it is not worth while
    arrays = [bytearray(random.Random(size).randbytes(size)) for size in sizes]
    changing = bytearray(2 << 20)
    os.environ.update(HK_FAULTS_FOLDER=folder, HK_FAULTS_LOG=log, HK_FAULTS_CLONE="1", HK_FAULTS_AT=sys.argv[2],
                      HK_FAULTS_HOW="fail", HK_FAULTS_ERROR=str(errno.EOPNOTSUPP))
    with Checkpoint(folder, script="s", min_obj_size=-1, sync=True) as chkpt:
        objects = [pickle.PickleBuffer(array) for array in [*arrays, changing]]
        chkpt.track(objects)
        for i in range(3):
            changing[5] = i
            saved = chkpt.snapshot("s")
            with open(saved, "rb") as file:
                plain = [bytes(part) for part in pickle.load(file)["objects"]]
            mapped = [bytes(part) for part in hooking.load(saved, verify=True)["objects"]]
            tell(same=plain == mapped == [bytes(array) for array in [*arrays, changing]], size=os.path.getsize(saved))
    with open(log) as file:
        tell(calls=[line.split()[0] for line in file])
'''


@wants_faults
@pytest.mark.parametrize("refuses", [False, True])
def test_buffers_that_have_not_changed_are_shared(tmp_path, refuses):
    *rounds, last = run(tmp_path, SHARING, 0, faults=True)
    if refuses:                               # at the first one: that is written, and so are its bytes
        place = last["calls"].index("clone") + 1
        (tmp_path / "again").mkdir()
        *rounds, last = run(tmp_path / "again", SHARING, place, faults=True)
    assert [one["same"] for one in rounds] == [True] * 3
    assert len({one["size"] for one in rounds}) == 1
    assert last["calls"].count("clone") == 4  # two in each snapshot but the first


# A writer that is stopped --------------------------------------------------------------------------------------------

def test_writers_are_killed_at_any_moment(tmp_path):
    """What dump() has returned for is there. What a killed one leaves, the next one removes."""
    *rounds, last = run(tmp_path, '''
        ROUNDS, SIZE = 60, 2_000_000
        moments = random.Random(4711)
        hooking.dump(thing(0, SIZE), path)
        number = 0
        for i in range(ROUNDS):
            answer, end = os.pipe()
            child = os.fork()
            if child == 0:
                while True:
                    number += 1
                    hooking.dump(thing(number, SIZE), path)
                    os.write(end, b"%9d" % number)
            os.close(end)
            if i % 2:
                os.read(answer, 0)
            select.select([], [], [], moments.uniform(0, 0.04))
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            done = b""
            while piece := os.read(answer, 9000):
                done += piece
            os.close(answer)
            done = int(done[-9:] or number)
            number = found(SIZE)
            tell(done=done, found=number, left=len(os.listdir(folder)) - 1)
        hooking.dump(thing(1, SIZE), path)
        tell(found=found(SIZE), left=os.listdir(folder))
    ''')
    assert len(rounds) == 60
    assert [one for one in rounds if one["found"] not in (one["done"], one["done"] + 1) or one["left"] > 1] == []
    assert sum(one["left"] for one in rounds) >= 5              # they were at it
    assert last == {"found": 1, "left": ["x"]}


def test_ctrl_c_at_any_moment(tmp_path):
    """Nothing has to be removed later. The objects are such that Python code runs while they are pickled."""
    *rounds, last = run(tmp_path, '''
        ROUNDS = 60
        moments = random.Random(4711)

        class Row:
            def __init__(self, number):
                self.number = number
            def __reduce__(self):
                return int, (self.number,)

        def many(number):
            rows = [Row(number) for _ in range(2000)] + [bytes(300_000)] + [Row(number)] * 500
            return {"number": number, "rows": rows}

        wait, go = os.pipe()
        parent = os.getpid()
        if os.fork() == 0:
            os.close(go)
            while os.read(wait, 1):
                select.select([], [], [], moments.uniform(0, 0.02))
                os.kill(parent, signal.SIGINT)
            os._exit(0)
        number = done = 0
        objects = [many(number) for number in range(2)]
        hooking.dump(objects[0], path)
        for i in range(ROUNDS):
            try:
                os.write(go, b"g")
                while True:
                    number = done + 1
                    objects[number % 2]["number"] = number
                    hooking.dump(objects[number % 2], path)
                    done = number
            except KeyboardInterrupt:
                pass
            with open(path, "rb") as file:
                found = pickle.load(file)["number"]
            whole = hooking.load(path, verify=True)
            tell(done=done, found=found, whole=whole["number"] == found and len(whole["rows"]) == 2501,
                 left=os.listdir(folder))
            done = found
        hooking.dump(objects[0], path)
        tell(left=os.listdir(folder))
    ''')
    assert len(rounds) == 60
    assert [one for one in rounds if one["found"] not in (one["done"], one["done"] + 1)] == []
    assert [one for one in rounds if not one["whole"] or one["left"] != ["x"]] == []
    assert sum(one["found"] == one["done"] for one in rounds) >= 5
    assert last == {"left": ["x"]}


@pytest.mark.parametrize("signal", ["SIGTERM", "SIGHUP", "SIGQUIT", "SIGABRT"])
def test_other_signals(tmp_path, signal):
    """Such as a shutdown, or a crash in another library, in the midst of pickling."""
    facts, = run(tmp_path, f'''
        import resource
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

        class Stop:
            def __reduce__(self):
                os.kill(os.getpid(), signal.{signal})

        hooking.dump(thing(1), path)
        child = os.fork()
        if child == 0:
            hooking.dump([bytes(1_000_000), Stop()], path)
        status = os.waitpid(child, 0)[1]
        facts = {{"signal": os.WTERMSIG(status) == signal.{signal}, "found": found(), "left": len(os.listdir(folder))}}
        hooking.dump(thing(2), path)
        tell(**facts, later=found(), left_later=os.listdir(folder))
    ''')
    assert facts == {"signal": True, "found": 1, "left": 2, "later": 2, "left_later": ["x"]}


def test_pickling_that_fails_leaves_the_old_one(tmp_path):
    facts, = run(tmp_path, '''
        class Bad:
            def __reduce__(self):
                raise RuntimeError("no")
        hooking.dump(thing(1), path)
        try:
            hooking.dump([bytes(1_000_000), Bad()], path)
        except RuntimeError as raised:
            tell(found=found(), left=os.listdir(folder))
    ''')
    assert facts == {"found": 1, "left": ["x"]}
