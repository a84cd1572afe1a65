"""The programs in examples/: each runs, opens its console, and goes on; without a terminal, it runs through."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

try:
    import numpy
except ImportError:
    numpy = None

from conftest import environment

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))

def for_all(paths):
    """A parameter `path` of a test; where numpy is not installed, without the programs that import it."""
    skip = pytest.mark.skipif(numpy is None, reason="numpy is not installed")
    wanted = [pytest.param(path, marks=[skip] if "import numpy" in path.read_text(encoding="utf-8") else [])
              for path in paths]
    return pytest.mark.parametrize("path", wanted, ids=[path.name for path in paths])


#: The others save snapshots, and have no console.
CONSOLES = [path for path in EXAMPLES if "hook" in path.read_text(encoding="utf-8").replace("hooking", "")]


def test_there_are_examples():
    assert len(EXAMPLES) >= 3 and (ROOT / "examples" / "demo.py") in EXAMPLES


@for_all(CONSOLES)
def test_with_a_terminal(terminal, path):
    t = terminal.start([sys.executable, str(path)], cwd=str(ROOT))
    consoles = 0
    while t.prompt(ended=True) is not None:
        consoles += 1
        t.ready(t.prompt_text)
        t.line("where")
        t.expect(re.compile(rf"^> #0 .*{path.name}:\d+$", re.M))
        t.ready(t.prompt_text)
        t.key("C-d")
        assert consoles < 50
    assert t.end() == 0
    assert consoles, "an example shows a console"
    assert "Traceback" not in t.text()


def run(path, env):
    return subprocess.run([sys.executable, str(path)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          start_new_session=True, timeout=60, env=env, cwd=ROOT)


@for_all(EXAMPLES)
def test_without_a_terminal(tmp_path, path):
    done = run(path, environment(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


@for_all(EXAMPLES)
def test_switched_off(tmp_path, path):
    done = run(path, environment(tmp_path, HOOKING="0"))
    assert (done.returncode, done.stderr) == (0, "")


def test_the_bug_of_the_demo_can_be_found(terminal):
    """What its text proposes leads to a report that can be right."""
    t = terminal.start([sys.executable, str(ROOT / "examples" / "demo.py")], cwd=str(ROOT))
    text = t.prompt()
    typed = [line.strip() for line in text.split("\n") if " = " in line]
    assert len(typed) == 2
    for line in typed:
        assert t.run(line) == ""
    report = t.leave()
    assert "Airport" in report and "4" + "7" not in report
