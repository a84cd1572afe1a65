"""The examples in README and in the manuals do what stands there: each is run, line by line."""

import inspect
import re
import sys
from pathlib import Path

import pytest

import hooking

ROOT = Path(__file__).resolve().parents[2]


def unroff(text):
    """What `man` shows of lines between .EX and .EE."""
    text = re.sub(r"\\f[A-Z]|\\f\[[^]]*\]|\\&", "", text)
    for written, shown in (("\\-", "-"), ("\\(ha", "^"), ("\\(ti", "~"), ("\\(aq", "'"), ("\\(dq", '"'), ("\\e", "\\")):
        text = text.replace(written, shown)
    return text


def blocks():
    """Every example as (where it stands, kind, text): README's fenced blocks, the manuals' .EX blocks."""
    found = []
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        text = path.read_text(encoding="utf-8")
        for match in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.M | re.S):
            found.append((f"{path.name}:{text.count(chr(10), 0, match.start()) + 1}", match[1], match[2]))
    for path in sorted((ROOT / "man").glob("hooking.*")):
        text = path.read_text(encoding="utf-8")
        for match in re.finditer(r"^\.EX\n(.*?)^\.EE$", text, re.M | re.S):
            found.append((f"{path.name}:{text.count(chr(10), 0, match.start()) + 1}", "", unroff(match[1])))
    return found


BLOCKS = blocks()
CONSOLE = [(where, text) for where, _, text in BLOCKS if text.startswith("$ ")]
PROGRAMS = [(where, text) for where, kind, text in BLOCKS
            if (kind == "python" or where.startswith("hooking.3")) and re.search(r"^(from|import) ", text)
            and "SYNOPSIS" not in text and "*,\n" not in text]


def named(found):
    return {"argnames": "text", "argvalues": [text for _, text in found], "ids": [where for where, _ in found]}


def test_there_are_examples():
    assert any(where.startswith("README") for where, _ in CONSOLE)
    assert any(where.startswith("hooking.3") for where, _ in CONSOLE)
    assert any(where.startswith("hooking.3") for where, _ in PROGRAMS)


@pytest.mark.parametrize(**named(CONSOLE))
def test_console(terminal, text):
    """`$ command`, and all that follows on the screen: typed after a prompt, printed otherwise."""
    command, transcript = text.split("\n", 1)
    program, *arguments = command[2:].split()
    assert program == "python", f"only Python programs can be tried here, and not {command}"
    t = terminal.start([sys.executable, *arguments], cwd=str(ROOT))
    # Python names its script by the full path; the reader's source is elsewhere.
    t.play(re.sub(r"^((?:Hooked|Post-mortem) at |> #\d+  \w+  )(?=examples/)", r"\1[...]", transcript, flags=re.M))
    assert t.end() == 0


@pytest.mark.parametrize(**named(PROGRAMS))
def test_program(terminal, text):
    """It runs, its consoles open, and it ends well when one leaves them."""
    t = terminal(text)
    consoles = 0
    while t.prompt(ended=True) is not None:
        consoles += 1
        t.key("C-d")
    assert t.end() == 0
    assert consoles or "hook(" not in text


def test_the_signature_is_written_as_it_is():
    parameters = inspect.signature(hooking.hook).parameters.values()
    words, starred = [], False
    for parameter in parameters:
        if parameter.kind is parameter.KEYWORD_ONLY and not starred:
            words.append("*")
            starred = True
        words.append(f"{parameter.name}={parameter.default!r}".replace("'", '"'))
    signature = f"hook({', '.join(words)})"
    assert signature in (ROOT / "README.md").read_text(encoding="utf-8")
    manual = unroff((ROOT / "man" / "hooking.3").read_text(encoding="utf-8"))
    assert signature in re.sub(r"\s+", " ", manual)


def test_files_and_commands_that_are_mentioned_exist():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for path in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (ROOT / path).exists(), path
    for path in set(re.findall(r"\bexamples/\w+\.py\b|^\./\w+", text, re.M)):
        assert (ROOT / path).exists(), path


def test_environment_variables_are_documented_where_they_are_read():
    assert "HOOKING" in unroff((ROOT / "man" / "hooking.1").read_text(encoding="utf-8"))
