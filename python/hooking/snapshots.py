"""The folders that hold snapshots of programs: what is in them, and getting it back. See hooking(3), Checkpoint."""

import builtins
import json
import os
import re
import shlex
import sys
import time
import types

from . import DumpError, UntrustedDump, hook, inspect_dump, load
from .show import size_text, summary

#: A line of JSON for each snapshot, written by src/snapshot_save.c; a crash may have left a part of the last.
LIST = "snapshots.jsonl"

#: What a line has.
KEYS = {"file": (str,), "name": (str,), "time": (float, int), "pause": (float, int), "size": (int,), "objects": (dict,),
        "left_out": (dict,)}

FILE = re.compile(r"(\d+)-(.*)\.pkl", re.S)


def scripts(folder):
    """The programs whose snapshots lie in a folder: a sorted list of str."""
    return sorted(entry.name for entry in os.scandir(folder)
                  if entry.is_dir() and any(FILE.fullmatch(name) for name in os.listdir(entry.path)))


def entries(folder):
    """The snapshots of one program, the oldest first: a list of dicts, "file", "path" and "number"; and what the list
    in the folder tells of it: "name", "time" (s since the epoch), "pause" (s), "size" (bytes), "objects" (a dict of
    bytes), "left_out" (a dict of str)."""
    told = {}
    try:
        with open(os.path.join(folder, LIST), "rb") as file:        # a disk may make anything of a line
            for line in file:
                try:
                    entry = json.loads(line.decode())
                    if all(type(entry[key]) in types for key, types in KEYS.items()):
                        told[entry["file"]] = entry
                except (ValueError, TypeError, KeyError, RecursionError):
                    pass
    except FileNotFoundError:
        pass
    except OSError as error:
        print(f"hooking: {error.filename}: {error.strerror}: it is passed over, and a new one is begun when you move "
              "it away; the snapshots beside it are whole without", file=sys.stderr)
    found = []
    for name in os.listdir(folder):
        if match := FILE.fullmatch(name):
            found.append({"name": match[2], **told.get(name, {}), "file": name, "number": int(match[1]),
                          "path": os.path.join(folder, name)})
    return sorted(found, key=lambda entry: entry["number"])


def find_folder(output_dir, script):
    """The folder of a program's snapshots. Raises LookupError if there is none, or more than one to choose from."""
    try:
        names = scripts(output_dir)
    except OSError as error:
        raise LookupError(f"no snapshots in {output_dir}: {error.strerror}") from None
    if script is None and len(names) > 1:
        raise LookupError(f"{output_dir} has snapshots of several programs, say which: script={names[0]!r}, for one")
    if not names or script not in (None, *names):
        raise LookupError(f"no snapshots{f' of {script}' if script else ''} in {output_dir}")
    return os.path.join(output_dir, script or names[0])


def restore(name="latest", *, output_dir="checkpoints", script=None):
    """See Checkpoint.restore(). Of a file that is damaged, which the disk may do, the one before is taken."""
    folder = find_folder(os.fspath(output_dir), script)
    chosen = [entry for entry in reversed(entries(folder)) if name in ("latest", entry["name"])]
    if not chosen:
        raise LookupError(f"no snapshot called {name!r} in {folder}")
    for entry in chosen:
        try:
            return load(entry["path"])
        except UntrustedDump:
            raise
        except DumpError as error:
            failed = error
            if name != "latest":
                break
            print(f"hooking: {error}", file=sys.stderr)
    raise failed


# Looking into one -----------------------------------------------------------------------------------------------------

class StandIn:
    """An instance of a class of the program's own, which is not here: its attributes."""

    def __init__(self, *args, **kwargs):
        self.arguments = args                 # of what is called to make one
        self.__dict__.update(kwargs)

    def __repr__(self):
        inside = ", ".join(f"{name}={value!r}" for name, value in vars(self).items() if name != "arguments" or value)
        return f"{type(self).__name__}({inside})"

    def __eq__(self, other):
        return type(self) is type(other) and vars(self) == vars(other)

    __hash__ = None

    def __reduce_ex__(self, protocol):        # two are compared by it; their class cannot be found by its name
        return StandIn, (type(self).__name__,), dict(vars(self))


def stand_in_main():
    """The name of a module that has any class: for what the program's __main__ had."""
    name = "hooking.snapshots.__main__"
    if name not in sys.modules:
        module = types.ModuleType(name)

        def make(attribute):
            if attribute.startswith("__"):
                raise AttributeError(attribute)
            made = type(attribute, (StandIn,), {"__module__": "__main__"})
            setattr(module, attribute, made)
            return made

        module.__getattr__ = make
        sys.modules[name] = module
    return name


def load_names(path, trust=None):
    """The variables in a snapshot, a dict; of another dump the object is "value". Classes that its program had in
    __main__ are stood in for."""
    found = load(path, trust=trust, modules={"__main__": stand_in_main()})
    return found if isinstance(found, dict) and all(isinstance(name, str) for name in found) else {"value": found}


def open_console(path, trust=None):
    """A console in which the variables of a snapshot are: as if the file were a program that has them."""
    names = load_names(path, trust)
    space = {name: value for name, value in names.items() if name.isidentifier()}
    space.update(__name__="snapshot", __file__=path, __builtins__=builtins, __hook__=hook, snapshot=names)
    exec(compile("__hook__(overwrite_locals=True)", path, "exec"), space)


def last_file(folder):
    """The last snapshot in a folder of one program's, or in one that has such a folder: a path. Raises LookupError."""
    return (entries(folder) or entries(find_folder(folder, None)))[-1]["path"]


def find_file(word, beside):
    """What is meant by a path, or by the number or the file of a snapshot in the folder that `beside` is in."""
    folder = os.path.dirname(beside) or "."
    if word.isdigit() and os.path.isdir(folder):
        for entry in entries(folder):
            if entry["number"] == int(word):
                return entry["path"]
        raise ValueError(f"no snapshot {word} in {folder}")
    for path in os.path.expanduser(word), os.path.join(folder, word):
        if os.path.exists(path):
            return path
    raise ValueError(f"no file {word}, here or in {folder}")


def compare(text, beside):
    """For the prompt's `diff A B`: lines, a list of str. Raises ValueError, and what load() raises."""
    from .difference import of_namespaces
    words = shlex.split(text)
    if len(words) != 2:
        raise ValueError("usage: diff A B, which are files or numbers of snapshots")
    a, b = (load_names(find_file(word, beside)) for word in words)
    return of_namespaces(a, b) or ["nothing is different"]


# Showing folders ------------------------------------------------------------------------------------------------------

def damage(path, verify):
    """What is wrong with a snapshot's file, a str; None if it is whole."""
    try:
        found = inspect_dump(path, verify=verify)
    except (DumpError, OSError) as error:
        return str(error).removeprefix(f"{path}: ")
    wrong = summary(found)[1]
    return None if wrong is None else wrong.removeprefix(":").strip()


def show_folder(folder, as_json=False, page=None, verify=True):
    """Print what is in a folder of snapshots, or in its folders; or write it to the file `page`, as HTML. False if
    there is nothing, or a file is damaged, which is said on stderr."""
    there = [folder] if any(FILE.fullmatch(name) for name in os.listdir(folder)) else [
        os.path.join(folder, name) for name in scripts(folder)]
    if not there:
        print(f"hooking: {folder}: no snapshots in this folder", file=sys.stderr)
        return False
    if page is not None:
        from .page import page as make_page
        with open(page, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(make_page({path: entries(path) for path in there}))
        return True
    if as_json:
        print(json.dumps({path: entries(path) for path in there}, indent=1))
        return True
    whole = True
    for path in there:
        print(f"{path}:")
        for entry in entries(path):
            print("  " + row(entry))
            if wrong := damage(entry["path"], verify):
                whole = False
                print(f"hooking: {entry['path']}: {wrong}", file=sys.stderr)
    return whole


def row(entry):
    """A snapshot in a line: its file, when it was taken, how large it is, how long the program waited, the names."""
    if "time" not in entry:
        return f"{entry['file']}  (not in the folder's list: `hooking show {entry['path']}` tells more)"
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(entry["time"]))
    names = ", ".join(entry["objects"]) or "nothing"
    left = f"; without {', '.join(entry['left_out'])}" if entry["left_out"] else ""
    return f"{entry['file']}  {when}  {size_text(entry['size']):>8}  {entry['pause'] * 1e3:5.1f} ms  {names}{left}"
