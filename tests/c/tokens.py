#!/usr/bin/env python3
"""Python's own tokens, for check_tokens to compare with: of all files in the folders given, or of the standard library.

    tokens.py [FOLDER...]
    tokens.py words             # keywords, soft keywords and builtins, one a line: `keyword if`

For each file, in binary: the sizes of its name, its text (UTF-8, lines end with LF) and its tokens as three numbers of
four bytes; the name; the text; the tokens' starts, their ends (bytes), and their classes, a byte each. At the end: a
zero, the number of files that tokenize refuses, a zero."""

import builtins
import io
import keyword
import os
import sys
import sysconfig
import tokenize
import warnings
from array import array
from token import COMMENT, ERRORTOKEN, NAME, NEWLINE, NL, NUMBER, OP, STRING

CLASSES = {NAME: "n", NUMBER: "1", STRING: "s", OP: "o", COMMENT: "#", NEWLINE: "l", NL: "l", ERRORTOKEN: "x"}
for letter in "FT":
    if hasattr(tokenize, f"{letter}STRING_START"):
        CLASSES[getattr(tokenize, f"{letter}STRING_START")] = "f"
        CLASSES[getattr(tokenize, f"{letter}STRING_MIDDLE")] = "m"
        CLASSES[getattr(tokenize, f"{letter}STRING_END")] = "e"


def files(folders):
    """All Python files below the folders, but for packages that do not belong to Python."""
    for folder in folders:
        for path, folders_within, names in os.walk(folder):
            folders_within[:] = sorted(set(folders_within) - {"site-packages", "dist-packages"})
            yield from (os.path.join(path, name) for name in sorted(names) if name.endswith(".py"))


def offsets(text):
    """Where each line begins, in bytes, and a function from (line, column) to bytes."""
    lines = text.split("\n")
    begins, at = [], 0
    for i, line in enumerate(lines):
        lines[i] = line = line + "\n"
        begins.append(at)
        at += len(line) if line.isascii() else len(line.encode())
    plain = text.isascii()

    def offset(row, column):
        if plain or row > len(lines) or lines[row - 1].isascii():
            return begins[row - 1] + column if row <= len(lines) else at
        return begins[row - 1] + len(lines[row - 1][:column].encode())
    return offset


def tokens(text):
    """Starts, ends and classes, in the form that does not depend on the version."""
    starts, ends, classes = array("I"), array("I"), bytearray()
    offset = offsets(text)

    def add(letter, start, end):
        starts.append(start)
        ends.append(end)
        classes.append(ord(letter))

    for kind, string, start, end, _ in tokenize.generate_tokens(io.StringIO(text).readline):
        letter = CLASSES.get(kind)
        if letter is None or not string:      # INDENT and the like; the line end that a last line lacks; empty parts
            continue
        before = chr(classes[-1]) if classes else ""
        start = offset(*start)
        # Of a string with several lines 3.12.1 tells a wrong end, if they are not in ASCII.
        end = start + len(string.encode()) if letter == "s" else offset(*end)
        if letter == "x" and not string.isascii():
            letter = "n"                      # up to 3.11 not all that names may contain is a letter
        if before == "m":
            ends[-1] = start                  # it ended in the middle of {{ or }}
        if letter == "o" and string in "$?`":
            letter = "x"                      # from 3.12 on these are called operators
        if letter == "x" and string.isspace():
            continue                          # up to 3.11 so is the blank before a stray character
        if string == "<>":                    # in 3.12 and 3.13, for `from __future__ import barry_as_FLUFL`
            add("o", start, start + 1)
            add("o", start + 1, end)
        elif letter == before and letter in "m1n" and ends[-1] == start:
            ends[-1] = end                    # text in parts; 0377 and names with strange letters up to 3.11
        else:
            add(letter, start, end)
    return starts, ends, classes


def show_words():
    """What this interpreter has, for the lexer's tables."""
    for word in keyword.kwlist:
        print("keyword", word)
    for word in keyword.softkwlist:
        print("soft", word)
    for word in dir(builtins):
        if not word.startswith("_") and not keyword.iskeyword(word):
            print("builtin", word)


def show_tokens(folders, out):
    """Write the files' tokens."""
    refused = 0
    for path in files(folders):
        try:
            with tokenize.open(path) as file:
                text = file.read()
            data = text.encode()
            starts, ends, classes = tokens(text)
        except (SyntaxError, UnicodeError, tokenize.TokenError):
            refused += 1
            continue
        name = os.fsencode(path)
        out.write(array("I", [len(name), len(data), len(classes)]).tobytes())
        for part in (name, data, starts.tobytes(), ends.tobytes(), bytes(classes)):
            out.write(part)
    out.write(array("I", [0, refused, 0]).tobytes())


if __name__ == "__main__":
    warnings.simplefilter("ignore")           # invalid escapes in the files
    if sys.argv[1:] == ["words"]:
        show_words()
    else:
        show_tokens(sys.argv[1:] or [sysconfig.get_path("stdlib")], sys.stdout.buffer)
