"""What the tests of dump() and load() share."""

import os
import pickle
import subprocess
import sys
import types

from conftest import environment, source

from hooking import dump, load

LIMIT = 64 << 10                              # bytes: buffers of this size on have a place of their own in the file
PAGE = 4096


def both(obj, path, **how):
    """What load() and any unpickler make of a dump."""
    dump(obj, path)
    with open(path, "rb") as file:
        return load(path, **how), pickle.load(file)


def run(program, folder, *arguments, name="program.py", check=True, **env):
    """Run a program in a folder, with a home of its own in it; return what it printed."""
    (folder / name).write_text(source(program), encoding="utf-8")
    home = folder / "home"
    home.mkdir(exist_ok=True)
    done = subprocess.run([sys.executable, str(folder / name), *map(str, arguments)], cwd=folder, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment(str(home), **env))
    assert done.returncode == 0 or not check, done.stdout
    return done.stdout


def descriptors():
    return len(os.listdir("/proc/self/fd"))


def stand_in(monkeypatch, name, **attributes):
    """A module that need not be installed."""
    module = types.ModuleType(name)
    module.__dict__.update(attributes)
    monkeypatch.setitem(sys.modules, name, module)
    return module
