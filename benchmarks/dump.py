"""What does saving an object cost, and bringing it back? Beside write(), pickle, dill, cloudpickle, joblib, numpy.save.

Two objects: a GiB of float64, and a million small dicts. What is waited for, with fsync in it where a tool does that
(hooking does), and CPU time, which other programs on the machine hardly change. The files lie in /dev/shm, if that has
room, so that not the disk is measured but the work. Peak memory is what one dump adds, in a process of its own.
"""

import importlib
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
import time

import numpy

import hooking

from lib import measure

GIB = 1 << 30
RECORDS = 1000000
ROUNDS = 5
IN_PYTHON = ("dill", "joblib") # with a pickler in Python: a million dicts take them a minute, so once is enough
OURS = "hooking"
LIMIT_LOAD = 5e-3  # s
LIMIT_MEMORY = 16  # MiB


def optional(name):
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def place():
    """A folder with room for three files of a GiB."""
    for base in ("/dev/shm", None):
        if base is None or (os.path.isdir(base) and shutil.disk_usage(base).free > 4 * GIB):
            return tempfile.mkdtemp(prefix="hooking-", dir=base)


def taken(function):
    """Seconds: waited, and of CPU."""
    begin, begin_cpu = time.perf_counter(), time.process_time()
    kept = function()
    cpu, seconds = time.process_time() - begin_cpu, time.perf_counter() - begin
    del kept  # giving a GiB back takes its time, too
    return seconds, cpu


def with_file(module, value, path, mode="wb"):
    with open(path, mode) as file:
        return module.dump(value, file, protocol=5) if mode == "wb" else module.load(file)


def write_all(array, path):
    """The bytes alone, in one file, by as few calls as the system allows."""
    view = memoryview(array).cast("B")
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    while view:
        view = view[os.write(fd, view):]
    os.close(fd)


def savers(value, path):
    """What there is that saves it: name -> function. Each begins without the file, as the first dump of it does."""
    def fresh(save):
        def run():
            if os.path.exists(path):
                os.unlink(path)
            return taken(save)
        return run
    found = {OURS: fresh(lambda: hooking.dump(value, path))}
    if isinstance(value, numpy.ndarray):
        found["write()"] = fresh(lambda: write_all(value, path))
        found["numpy.save"] = fresh(lambda: numpy.save(path + ".npy", value))
    found["pickle"] = fresh(lambda: with_file(pickle, value, path))
    for name in ("cloudpickle", "dill", "joblib"):
        module = optional(name)
        if module is not None and name == "joblib":
            found[name] = fresh(lambda module=module: module.dump(value, path))
        elif module is not None:
            found[name] = fresh(lambda module=module: with_file(module, value, path))
    return found


def middle(values):
    return sorted(values)[len(values) // 2]


def tell(title, times, limit):
    """Two tables. `limit`: (peer, the most that ours may take, as a multiple of it), or seconds."""
    for number, what in enumerate(("waited", "CPU")):
        part = {name: [pair[number] for pair in pairs] for name, pairs in times.items()}
        if isinstance(limit, float):
            note = measure.budget(middle(part[OURS]), limit)
        else:
            kept = "kept" if middle(part[OURS]) <= limit[1] * middle(part[limit[0]]) else "MISSED"
            note = f"budget {limit[1]:.2f} x {limit[0]}: {kept}"
        rows = [(name, values, note if name == OURS else "") for name, values in part.items()]
        measure.table(f"{title}, {what}", rows, OURS)


def compare_saving(title, value, path, limit):
    ways = savers(value, path)
    slow = {} if isinstance(value, numpy.ndarray) else {name: ways.pop(name) for name in IN_PYTHON if name in ways}
    tell(title, {**measure.in_turn(ways, ROUNDS), **measure.in_turn(slow, 1)}, limit)


def compare_loading(title, value, path, limit):
    hooking.dump(value, path)
    with open(path + ".pickle", "wb") as file:
        pickle.dump(value, file, protocol=5)
    ways = {OURS: lambda: taken(lambda: hooking.load(path)),
            "hooking, verified": lambda: taken(lambda: hooking.load(path, verify=True)),
            "pickle": lambda: taken(lambda: with_file(pickle, None, path + ".pickle", "rb"))}
    joblib = optional("joblib")
    if joblib is not None and isinstance(value, numpy.ndarray):
        joblib.dump(value, path + ".joblib")
        ways["joblib, mapped"] = lambda: taken(lambda: joblib.load(path + ".joblib", mmap_mode="c"))
    tell(title, measure.in_turn(ways, ROUNDS), limit)


SAVES = {
    OURS: "import hooking; save = hooking.dump",
    "numpy.save": "save = lambda value, path: numpy.save(path + '.npy', value)",
    "pickle": "import pickle; save = lambda value, path: pickle.dump(value, open(path, 'wb'), protocol=5)",
    "cloudpickle": "import cloudpickle; save = lambda value, path: cloudpickle.dump(value, open(path, 'wb'))",
    "dill": "import dill; save = lambda value, path: dill.dump(value, open(path, 'wb'), protocol=5)",
    "joblib": "import joblib; save = joblib.dump",
}


def peak(tool, path):
    """MiB that a dump of a GiB adds to the memory of a process that holds it. (Not by getrusage(): a process begins
    with the peak of the one that started it.)"""
    script = ("import re, sys, numpy\n"
              f"{SAVES[tool]}\n"
              "def most():\n"
              "    return int(re.search(r'VmHWM:\\s*(\\d+)', open('/proc/self/status').read())[1])\n"
              "value = numpy.ones(1 << 27)\n"
              "save(value[:100000], sys.argv[1])\n"
              "before = most()\n"
              "save(value, sys.argv[1])\n"
              "print(most() - before)\n")
    return int(subprocess.run([sys.executable, "-c", script, path], stdout=subprocess.PIPE, check=True).stdout) / 1024


def compare_memory(path):
    print("memory that saving it adds, MiB")
    for tool in SAVES:
        if tool in (OURS, "pickle", "numpy.save") or optional(tool) is not None:
            added = peak(tool, path)
            kept = "kept" if added <= LIMIT_MEMORY else "MISSED"
            print(f"  {tool:<12} {added:8.1f}" + (f"  budget {LIMIT_MEMORY}: {kept}" if tool == OURS else ""))
    print()


def main():
    folder = place()
    os.environ["XDG_STATE_HOME"] = folder
    path = os.path.join(folder, "value")
    try:
        array = numpy.ones(GIB // 8)
        compare_saving("saving a GiB of float64", array, path, ("write()", 1 / 0.9))
        compare_loading("loading it", array, path, LIMIT_LOAD)
        for name in os.listdir(folder):
            if name.startswith("value"):
                os.unlink(os.path.join(folder, name))
        del array
        compare_memory(path)
        records = [{"number": i, "name": f"name {i}"} for i in range(RECORDS)]
        compare_saving("saving a million small dicts", records, path, ("pickle", 1.1))
        compare_loading("loading them", records, path, ("pickle", 1.1))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
