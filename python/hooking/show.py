"""`hooking show FILE`: what is in a dump, in words."""

import json
import os.path
import sys

from . import DumpError, UntrustedDump, inspect_dump


def size_text(size):
    """A number of bytes as people read it: "1.2 MB", in powers of a thousand."""
    if size < 1000:
        return f"{size} byte" + "s" * (size != 1)
    for unit in ("kB", "MB", "GB", "TB", "PB", "EB"):
        size /= 1000
        if size < 999.5:
            break
    return f"{size:.1f} {unit}" if size < 9.95 else f"{size:.0f} {unit}"


def place_text(facts):
    """Where and when it was dumped: "2026-01-02 03:04:05 UTC at train.py:12 in fit"."""
    text = facts.get("time", "?").replace("T", " ").replace("Z", " UTC")
    if "file" in facts:
        text += f" at {facts['file']}:{facts['line']} in {facts['function']}"
    return text


def trust_text(found):
    if found["signed"]:
        return "signed with your key"
    if found["does"] == "data":
        return "not signed with your key; loading it does nothing but construct data"
    return f"not signed with your key, and loading it may run any code: {found['why']}"


def rows(found):
    """Pairs of a heading and a text, for a pickle that can be loaded."""
    facts = found.get("facts", {})
    yield "name", facts.get("name") or facts.get("expression")
    yield "names", facts.get("names") if facts.get("names") != "" else "none"
    yield "smaller", facts.get("smaller")     # left out by min_obj_size
    yield "type", None if "names" in facts else facts.get("type")
    if facts:
        yield "dumped", place_text(facts)
        yield "python", ", ".join(filter(None, (facts.get("python"), facts.get("modules"))))
    yield "program", facts.get("main")
    yield "needs", facts.get("needs")
    yield "trust", trust_text(found)
    buffers = found.get("buffers", [])
    if buffers:
        sizes = ", ".join(size_text(buffer["size"]) for buffer in buffers[:8])
        yield "buffers", f"{len(buffers)}: {sizes}" + ", ..." * (len(buffers) > 8)
    for number, item in enumerate(found["imports"]):
        mark = "" if item["safe"] else " (called)" if item["called"] else " (imported)"
        yield "" if number else "imports", f"{item['module']}.{item['name']}{mark}"


def summary(found):
    """What it is and whether it is whole, in a line; and if it is not, what is said of that behind the file's name."""
    kinds = {"dump": "a dump", "pickle": f"a pickle of protocol {found.get('protocol')}"}
    kind = kinds.get(found["kind"], found["kind"])
    packed = f", {found['packed']}" if "packed" in found else ""
    text = f"{kind}, {size_text(found['size'])}{packed}"
    if "damage" in found:
        return text, f": {found['damage']}"
    if "reader" in found:
        within = f"{found['packed']}, and in it " if "packed" in found else ""
        return text, f" is {within}{found['kind']}: {found['reader']}"      # as load() says it
    if found["does"] == "broken":
        return text, f": {found['why']}"
    return text + (", whole" if found["kind"] == "dump" else ", complete (without digests)"), None


def may_load(untrusted):
    """Ask on the terminal, as `load` at the prompt does, whether a file is loaded that may run code. False without."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    print(str(untrusted).partition("\nIf you trust")[0], file=sys.stderr)
    print("That may run any code. Load it? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def look(path):
    """Open a console in which the variables of a snapshot are. False if it cannot be loaded: why is said on stderr."""
    from .snapshots import last_file, open_console
    try:
        if os.path.isdir(path):
            path = last_file(path)
        try:
            open_console(path)
        except UntrustedDump as untrusted:
            if not may_load(untrusted):
                raise
            open_console(path, trust=True)
    except (DumpError, OSError, LookupError, ImportError, AttributeError) as error:
        print(f"hooking: {error}", file=sys.stderr)
        return False
    return True


def show(path, as_json=False, verify=True, page=None):
    """Print what is in a file, or in a folder of snapshots. True if it is a whole pickle; else what is wrong is said on
    stderr."""
    if os.path.isdir(path):
        from .snapshots import show_folder
        try:
            return show_folder(path, as_json, page, verify)
        except OSError as error:
            print(f"hooking: {error.filename}: {error.strerror}", file=sys.stderr)
            return False
    try:
        found = inspect_dump(path, verify=verify)
    except OSError as error:
        print(f"hooking: {path}: {error.strerror}", file=sys.stderr)
        return False
    except DumpError as error:
        print(f"hooking: {error}", file=sys.stderr)
        return False
    text, wrong = summary(found)
    if as_json:
        print(json.dumps({"path": path, **found}, indent=2))
    else:
        print(f"{path}: {text}")
        for heading, line in rows(found) if wrong is None else ():
            if line is not None:
                print(f"  {heading:8} {line}")
    if wrong is not None:
        print(f"hooking: {path}{wrong}", file=sys.stderr)
    return wrong is None
