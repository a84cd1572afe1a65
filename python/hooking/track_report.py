"""What track_globals() has found, for people: a table, a graph."""

import os
import shutil
import subprocess
import sys
import textwrap

from .tracking import LIMITS


def functions_of(track):
    """The table's rows: (function, names that it reads, names that it writes), lists of (name, count). Names of the
    function's own module stand without it, deleted ones behind a minus sign."""
    rows = []
    for function, kinds in track.by_function.items():
        def names(kind, sign="", function=function, kinds=kinds):
            return [(sign + short(name, function), count) for name, count in sorted(kinds[kind].items())]
        reads = names("reads") + names("missing", "?")
        writes = names("writes") + names("deletes", "-")
        if reads or writes:
            rows.append((function, reads, writes))
    return rows


def short(name, function):
    """A global's name as seen from a function: without the module, if that is the function's own."""
    module, _, name_alone = name.rpartition(".")
    return name_alone if function == module or function.startswith(module + ".") else name


def listed(names, counted):
    """The names with their counts, between which no line is broken."""
    return ", ".join(f"{name}\xa0{count}" if counted else name for name, count in names)


def table(track, found, width=None):
    """The table of what functions_of() has found as a str, as wide as the terminal."""
    width = width or max(40, min(shutil.get_terminal_size().columns, 120))
    counted = track.mode == "all"
    rows = [(function, listed(reads, counted), listed(writes, counted)) for function, reads, writes in found]
    if not rows:
        return "No global variable was read or written.\n"
    lines = in_columns([("function", "reads", "writes"), *rows], width) or in_blocks(rows, width)
    return "\n".join(lines).replace("\xa0", " ") + "\n"


def in_columns(rows, width):
    """The lines of three columns; None if a name does not fit into its column."""
    first = max(len(function) for function, _, _ in rows)
    last = min(max(len(writes) for _, _, writes in rows), (width - first - 4) // 2)
    widths = (first, width - first - 4 - last, last)
    for row in rows:
        if any(len(word) > size for text, size in zip(row, widths) for word in text.split(" ")):
            return None
    lines = []
    for row in rows:
        cells = [textwrap.wrap(text, size, break_on_hyphens=False) or [""] for text, size in zip(row, widths)]
        for at in range(max(map(len, cells))):
            lines.append("  ".join((cell[at] if at < len(cell) else "").ljust(size)
                                   for cell, size in zip(cells, widths)).rstrip())
    return lines


def in_blocks(rows, width):
    """The lines where there is no room for columns: a function, then what it reads and writes."""
    lines = []
    for function, reads, writes in rows:
        lines.append(function)
        for verb, text in (("reads", reads), ("writes", writes)):
            if text:
                lines += textwrap.wrap(f"{verb} {text}", width, initial_indent="  ", subsequent_indent="    ",
                                       break_on_hyphens=False, break_long_words=False)
    return lines


def places(track):
    """Each place as a line of a str: file, line, function, what it does with which name, how often."""
    verbs = {"read": "reads", "builtin": "reads the builtin", "missing": "looks for", "write": "writes",
             "delete": "deletes"}
    return "".join(f"{place.file}:{place.line or '?'}: {place.function} {verbs[place.kind]} "
                   f"{place.name if place.kind == 'builtin' else f'{place.module}.{place.name}'}"
                   f"{f', {place.count} times' if place.count > 1 else ''}\n" for place in track.places
                   if place.kind != "builtin")


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def to_dot(track):
    """See track_globals.to_dot()."""
    lines = ["digraph globals {", '    rankdir="LR";', '    node [fontname="sans-serif", fontsize=11];',
             '    edge [fontname="sans-serif", fontsize=9];']
    edges, functions, names = [], set(), set()
    if track.where or track.mode == "names":
        for function, kinds in track.by_function.items():
            for kind, reads in (("reads", True), ("missing", True), ("writes", False), ("deletes", False)):
                for name, count in kinds[kind].items():
                    functions.add(function)
                    names.add(name)
                    ends = (name, function) if reads else (function, name)
                    style = {"missing": ', style="dotted"', "deletes": ', style="dashed"'}.get(kind, "")
                    label = f'label="{count}"' if track.mode == "all" else 'label=""'
                    color = "" if reads else ', color="#b3261e"'
                    from_, to = (("g:" + ends[0], "f:" + ends[1]) if reads else ("f:" + ends[0], "g:" + ends[1]))
                    edges.append(f"    {quoted(from_)} -> {quoted(to)} [{label}{color}{style}];")
    else:
        for kind in ("reads", "missing", "writes", "deletes"):
            names.update(f"{module}.{name}" for module, found in getattr(track, kind).items() for name in found)
    lines += [f"    {quoted('f:' + function)} [shape=box, label={quoted(function)}];" for function in sorted(functions)]
    lines += [f"    {quoted('g:' + name)} [shape=ellipse, label={quoted(name)}];" for name in sorted(names)]
    return "\n".join(lines + sorted(edges) + ["}"]) + "\n"


def draw(track, path):
    """Write the graph to a file; if that is called .svg, by graphviz. Returns what to tell, a str or None."""
    text = to_dot(track)
    root, suffix = os.path.splitext(path)
    if suffix != ".svg":
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return None
    dot = shutil.which("dot")
    if dot is not None:
        done = subprocess.run([dot, "-Tsvg", "-o", path], input=text, text=True, capture_output=True)
        if done.returncode == 0:
            return None
        why = f"dot failed: {done.stderr.strip() or done.returncode}"
    else:
        why = "dot is not installed (graphviz)"
    with open(root + ".dot", "w", encoding="utf-8") as file:
        file.write(text)
    return f"{why}: the graph is in {root}.dot; dot -Tsvg -o {path} {root}.dot draws it"


def tell(track, options):
    """Print what `hooking track` was asked for, on stderr, and write its files. 0, or 1 if one cannot be written."""
    status = 0
    found = functions_of(track)
    text = table(track, found)
    if options.where:
        text += "\n" + places(track)
    builtins = {}
    for names in track.builtins.values():
        for name, count in names.items():
            builtins[name] = builtins.get(name, 0) + count
    if builtins:
        text += "\n" + textwrap.fill("builtins: " + listed(sorted(builtins.items()), track.mode == "all"),
                                     max(40, min(shutil.get_terminal_size().columns, 120)), subsequent_indent="  ",
                                     break_on_hyphens=False).replace("\xa0", " ") + "\n"
    if any(function == "?" for function, _, _ in found):
        text += "?: " + LIMITS["no watcher"] + "\n"
    print(text, end="", file=sys.stderr)
    for path, write in ((options.json, write_json), (options.dot, draw)):
        try:
            told = write(track, path) if path is not None else None
        except OSError as error:
            told, status = f"{path}: {error.strerror}", 1
        if told:
            print(f"hooking track: {told}", file=sys.stderr)
    return status


def write_json(track, path):
    if path == "-":
        print(track.to_json(indent=1))
        return
    with open(path, "w", encoding="utf-8") as file:
        file.write(track.to_json(indent=1) + "\n")
