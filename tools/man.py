#!/usr/bin/env python3
"""Write the commands of the prompt into man/hooking.3 and README.md, from the table that the console itself uses.

    python tools/man.py [--check]

What stands between two marked lines is replaced. With --check nothing is written, and the status is 1 if a file is
out of date. Needs hooking (PYTHONPATH=build/stage).
"""

import argparse
import re
import sys
from pathlib import Path

from hooking import _core

ROOT = Path(__file__).resolve().parent.parent
WIDTH = 118  # columns of a line of the manual's source


def families(commands):
    """Pairs of a family's name and its commands, in the order of the table."""
    names = list(dict.fromkeys(command["family"] for command in commands))
    return [(name, [command for command in commands if command["family"] == name]) for name in names]


# --- the manual -------------------------------------------------------------------------------------------------------


def roff(text):
    """Escape plain text; `word` is bold."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("~", "\\(ti").replace("^", "\\(ha")
    text = re.sub(r"(?<=[a-z])\\-(?=[a-z])", "-", text)  # a hyphen
    text = re.sub(r"`([^`]+)`", r"\\fB\1\\fR", text)
    return re.sub(r"(?m)^([.'])", r"\\&\1", text)


def roff_usage(command):
    """The name in bold, what stands for something in italics."""
    name = f"\\fB{roff(command['name'])}\\fR"
    usage = re.sub(r"[A-Z]+|-*[a-z]+", lambda word: f"\\f{'I' if word[0].isupper() else 'B'}{roff(word[0])}\\fR",
                   command["usage"])
    return f"{name} {usage}".rstrip()


def sentence(text):
    """With a capital and a full stop."""
    text = " ".join(text.split())
    return text and text[0].upper() + text[1:] + ("" if text[-1] in ".:" else ".")


def manual(commands):
    lines = []
    for family, members in families(commands):
        lines.append(f".SS {family.capitalize()}")
        for command in members:
            lines += [".TP", roff_usage(command), roff(sentence(command["summary"]))]
            if command["detail"]:
                # A line a sentence: troff's own custom, and `cmd >` at the start of one stays as it is.
                lines += [roff(part) for part in re.split(r"(?<=\.) (?=[A-Z])", detail(command))]
            if command["alias"]:
                lines.append("Also " + ", ".join(f"\\fB{roff(name)}\\fR" for name in command["alias"].split()) + ".")
    return "\n".join(lines) + "\n"


def detail(command):
    text = " ".join(command["detail"].split())
    return text if text[-1] in ".)" else text + "."


# --- README -----------------------------------------------------------------------------------------------------------


def markdown(text):
    return text.replace("|", "\\|").replace("<", "&lt;")


def readme(commands):
    lines = ["| command | does |", "|---|---|"]
    for family, members in families(commands):
        lines.append(f"| *{family}* | |")
        for command in members:
            names = [" ".join(filter(None, (command["name"], command["usage"]))), *command["alias"].split()]
            shown = ", ".join(f"`{name}`" for name in names).replace("|", "\\|")
            lines.append(f"| {shown} | {markdown(command['summary'])} |")
    return "\n".join(lines) + "\n"


# --- both -------------------------------------------------------------------------------------------------------------

FILES = (
    ("man/hooking.3", '.\\" BEGIN COMMANDS (written by tools/man.py)\n', '.\\" END COMMANDS\n', manual),
    ("README.md", "<!-- BEGIN COMMANDS (written by tools/man.py) -->\n", "<!-- END COMMANDS -->\n", readme),
)


def main():
    parser = argparse.ArgumentParser(description="Write the commands of the prompt into the documentation.")
    parser.add_argument("--check", action="store_true", help="write nothing; status 1 if a file is out of date")
    options = parser.parse_args()
    commands = _core.commands()
    stale = []
    for name, begin, end, make in FILES:
        path = ROOT / name
        text = path.read_text(encoding="utf-8")
        before, found, rest = text.partition(begin)
        _, also_found, after = rest.partition(end)
        if not found or not also_found:
            sys.exit(f"{name} lacks a line {(end if found else begin).strip()!r}")
        new = before + begin + make(commands) + end + after
        if new != text:
            stale.append(name)
            if not options.check:
                path.write_text(new, encoding="utf-8")
    if options.check and stale:
        sys.exit(f"out of date: {', '.join(stale)}; python tools/man.py writes them")


if __name__ == "__main__":
    main()
