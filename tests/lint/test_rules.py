"""The project's own rules, so far as a machine can check them. Each failure names the file and the line."""

import inspect
import re
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

import hooking
from hooking import _core

ROOT = Path(__file__).resolve().parents[2]
WIDTH = 120
CODE = {".c", ".h", ".py", ".pyi", ".am", ".ac", ".sh"}
# What git ignores, and what others wrote.
BUILT = {"build", "dist", "autom4te.cache", "build-aux", "stage", ".git", ".venv", "__pycache__", ".pytest_cache"}
GENERATED = {"configure", "configure~", "aclocal.m4", "config.h.in", "Makefile.in", "LICENSE"}
TEXT = {".c", ".h", ".py", ".pyi", ".md", ".am", ".ac", ".sh", ".toml", ".1", ".3", ".m4", ".in", ""}


def files():
    """The texts that belong to the project, wherever this tree is: a checkout or an unpacked distribution."""
    found = []
    for path in sorted(ROOT.rglob("*")):
        parts = path.relative_to(ROOT).parts
        if any(part in BUILT or part.startswith("build-") for part in parts) or path.name in GENERATED:
            continue
        if path.is_file() and path.suffix in TEXT and not re.match(r"libtool|lt.*\.m4", path.name):
            try:
                found.append((path.relative_to(ROOT), path.read_text(encoding="utf-8").split("\n")))
            except UnicodeDecodeError:
                pass                          # a picture, a binary
    return found


FILES = files()
C_FILES = [(path, lines) for path, lines in FILES if path.parts[0] == "src"]
TESTS = [(path, lines) for path, lines in FILES if path.parts[:2] == ("tests", "py") and path.name.startswith("test_")]


def found(pattern, among, but=()):
    """`file:line: text` for every line that matches."""
    pattern = re.compile(pattern)
    return [f"{path}:{number}: {line.strip()}" for path, lines in among if path.name not in but
            for number, line in enumerate(lines, 1) if pattern.search(line)]


def code_only(lines):
    """C without its comments and string literals, line by line."""
    text = "\n".join(lines)

    def blank(match):
        return re.sub(r"[^\n]", " ", match[0])
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', blank, text, flags=re.S).split("\n")


def test_there_is_something_to_check():
    assert len(C_FILES) > 10 and len(TESTS) > 10 and any(path.name == "Makefile.am" for path, _ in FILES)


def test_only_compat_knows_versions_and_private_symbols():
    code = [(path, code_only(lines)) for path, lines in C_FILES]
    assert found(r"\bPY_(VERSION_HEX|(MAJOR|MINOR|MICRO)_VERSION)\b|\bPy_Version\b|\bdl(sym|open|addr)\b|\b_Py[A-Z]\w*"
                 r"|\b_PyObject_\w+", code, ("compat.c", "compat.h", "compat_offsets.c")) == []


def test_only_term_includes_readline():
    assert [place for place in found(r"#\s*include\s*[<\"](readline|editline)/", C_FILES)
            if not re.match(r"src/term(_\w+)?\.[ch]:", place)] == []


def test_pure_files_include_no_python():
    """What the unit tests link without an interpreter says so in its build list."""
    makefile = "\n".join(next(lines for path, lines in FILES if path.name == "Makefile.am"))
    pure = re.search(r"^pure_sources\s*=((?:.*\\\n)*.*)", makefile, re.M)[1].replace("\\", "").split()
    assert pure
    names = {Path(name).name for name in pure} | {Path(name).with_suffix(".h").name for name in pure}
    assert found(r"#\s*include\s*<Python\.h>", [(path, lines) for path, lines in C_FILES if path.name in names]) == []


def test_no_static_objects():
    """State belongs to the module (one for each interpreter), never to the process."""
    code = [(path, code_only(lines)) for path, lines in C_FILES]
    assert found(r"^\s*static\s+(?!inline)(?:const\s+)?Py\w*Object\s*\*\s*\w+\s*(=|;|\[)", code, ("compat.c",)) == []


def test_lines_are_short():
    assert [f"{path}:{number}: {len(line)} columns" for path, lines in FILES if path.suffix in CODE
            for number, line in enumerate(lines, 1) if len(line) > WIDTH] == []


def test_no_blanks_at_line_ends_and_no_tabs_in_c():
    assert found(r"[ \t]+$", [(path, lines) for path, lines in FILES if path.suffix in CODE]) == []
    assert found(r"^ *\t", [(path, lines) for path, lines in FILES if path.suffix in (".c", ".h", ".py")]) == []


def test_every_file_ends_with_one_line_end():
    assert [str(path) for path, lines in FILES if lines[-1] != "" or len(lines) > 1 and lines[-2] == ""
            if lines != [""]] == []


# Names of places and tools of one machine, which mean nothing elsewhere. Written apart, so that this file may say them.
PLACES = [r"/" + "work/", r"/" + r"root/(?!hooking\b)", "sha" + r"red/(notes|seeds|prototypes)", "DESIGN" + r"\.md"]


@pytest.mark.parametrize("pattern", PLACES)
def test_nothing_names_where_it_was_written(pattern):
    assert found(pattern, FILES) == []


def test_marks_of_unfinished_work():
    assert found(r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX)\b", FILES) == []


# Documentation ------------------------------------------------------------------------------------------------------

def manual(section):
    return (ROOT / "man" / f"hooking.{section}").read_text(encoding="utf-8").replace("\\-", "-")


@pytest.mark.parametrize("name", hooking.__all__)
def test_every_public_name_is_documented(name):
    doc = inspect.getdoc(getattr(hooking, name))
    assert doc and len(doc) > 30
    assert re.search(rf"\b{name}\b", manual(3))
    assert re.search(rf"\b{name}\b", (ROOT / "README.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", inspect.signature(hooking.hook).parameters)
def test_every_parameter_is_documented(name):
    assert re.search(rf"^\.I {name}$", manual(3), re.M)
    assert f"| `{name}` |" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_type_hints_name_the_same_parameters():
    stub = (Path(hooking.__file__).parent / "__init__.pyi").read_text(encoding="utf-8")
    hint = re.search(r"def hook\((.*?)\)\s*->", stub, re.S)[1]
    names = re.findall(r"(\w+)\s*:", re.sub(r"\[[^\]]*\]", "", hint))
    assert names == list(inspect.signature(hooking.hook).parameters)


def test_every_command_is_in_the_manual():
    for command in _core.commands():
        assert re.search(rf"^\\fB{command['name']}\\fR", manual(3), re.M), command["name"]
        for alias in command["alias"].split():
            assert f"\\fB{alias}\\fR" in manual(3), alias


def test_the_commands_in_the_manual_are_those_of_the_table():
    section = manual(3).split("BEGIN COMMANDS")[1].split("END COMMANDS")[0]
    assert re.findall(r"^\.TP\n\\fB(\w+)\\fR", section, re.M) == [command["name"] for command in _core.commands()]


def test_generated_documentation_is_up_to_date():
    done = subprocess.run([sys.executable, str(ROOT / "tools" / "man.py"), "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_python_module_and_public_function_says_what_it_is_for():
    missing = []
    for path, lines in FILES:
        if path.suffix == ".py" and path.parts[0] in ("python", "tools", "examples", "benchmarks", "tests"):
            text = "\n".join(lines).strip()
            if text and not re.match(r'(#![^\n]*\n)?\s*[rR]?("""|\'\'\')', text):
                missing.append(str(path))
    assert missing == []


def test_the_version_is_the_same_everywhere():
    assert f"hooking {hooking.__version__}" in manual(1).split("\n")[0]
    assert f"hooking {hooking.__version__}" in manual(3).split("\n")[0]
    assert hooking.__version__ in (ROOT / "CHANGES").read_text(encoding="utf-8")


# The tests themselves -----------------------------------------------------------------------------------------------

def test_tests_do_not_poll_by_sleeping():
    """A program under test may sleep (it stands in a string); a test waits for what it wants to see."""
    slept = []
    for path, _ in FILES:
        if path.parts[0] == "tests" and path.suffix == ".py":
            with open(ROOT / path, "rb") as file:
                names = [token.string for token in tokenize.tokenize(file.readline) if token.type == tokenize.NAME]
            if any(a == "time" and b == "sleep" for a, b in zip(names, names[1:])):
                slept.append(str(path))
    assert slept == []


def test_nothing_is_skipped_without_a_reason():
    text = [("\n".join(lines), path) for path, lines in TESTS]
    assert [str(path) for content, path in text for skip in re.findall(r"skipif\(((?:[^()]|\([^()]*\))*)\)", content)
            if "reason=" not in skip] == []
    assert found(r"pytest\.(skip|xfail|importorskip)|mark\.(skip\b|xfail)", TESTS) == []
