"""CPython's own tests under `hooking run`, and without it: have they the same outcomes?

    PYTHONPATH=build/stage python tests/stdlib.py [--quick] [TEST...]

The interpreter must have its tests (`test.test_pickle`; Debian: libpython3.N-testsuite). A TEST is a name as
`test_pickle`, with a pattern behind a colon for a part of it. --quick: those that take a few seconds. Each is run both
ways at the same time, a process for each; every test whose outcomes differ is named, and the status is 1 then. What
differs is run once more, for some tests depend on the time.
"""

import argparse
import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

QUICK = ["test_runpy", "test_dataclasses", "test_zipapp", "test_traceback", "test_inspect", "test_cmd_line_script"]
SLOW = ["test_pickle", "test_multiprocessing_main_handling",
        r"test_multiprocessing_spawn:TestProcess\.|MiscTestCase|TestQueue\.test_(put|get|fork)"]
MINUTES = 15


class Outcomes(unittest.TestResult):
    """The outcome of each test by its name."""

    def __init__(self):
        super().__init__()
        self.all = {}

    def note(self, test, outcome):
        self.all[str(test.id())] = outcome

    def addSuccess(self, test):
        self.note(test, "ok")

    def addFailure(self, test, err):
        self.note(test, f"failed: {err[0].__name__}")

    addError = addFailure

    def addSkip(self, test, reason):
        self.note(test, f"skipped: {reason}")

    def addExpectedFailure(self, test, err):
        self.note(test, "failed as expected")

    def addUnexpectedSuccess(self, test):
        self.note(test, "ok, unexpectedly")

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.note(subtest, f"failed: {err[0].__name__}")


def members(suite):
    """All tests in a suite."""
    for test in suite:
        yield from members(test) if isinstance(test, unittest.TestSuite) else [test]


def run_here(name, pattern, path):
    """In the child: run a test package in this process, and write down its outcomes."""
    loader = unittest.TestLoader()
    suite = loader.loadTestsFromName(f"test.{name}")
    if loader.errors:
        sys.exit("\n".join(loader.errors))
    suite = unittest.TestSuite(test for test in members(suite) if re.search(pattern, test.id()))
    outcomes = Outcomes()
    suite.run(outcomes)
    Path(path).write_text(json.dumps(outcomes.all), encoding="utf-8")


def both(test):
    """The outcomes without and with us: two dicts."""
    name, _, pattern = test.partition(":")
    path = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(os.path.abspath(entry) for entry in path if entry)}
    with tempfile.TemporaryDirectory() as folder:
        children = []
        for way, words in (("plain", []), ("run", ["-m", "hooking", "run"])):
            place = Path(folder, way)
            place.mkdir()
            log = open(place / "log", "w+b")
            words = [sys.executable, *words, str(Path(__file__).resolve()), "--child", str(place / "outcomes"),
                     f"{name}:{pattern}"]
            children.append((place, log, subprocess.Popen(words, cwd=place, env=environment,
                                                          stdin=subprocess.DEVNULL, stdout=log, stderr=log)))
        results = []
        for place, log, child in children:
            try:
                child.wait(MINUTES * 60)
                results.append(json.loads((place / "outcomes").read_text(encoding="utf-8")))
            except (subprocess.TimeoutExpired, OSError):
                child.kill()
                log.seek(0)
                sys.exit(f"{test} ({place.name}): no outcomes, status {child.wait()}\n"
                         + log.read().decode(errors="replace")[-3000:])
            finally:
                log.close()
        return results


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--child", metavar="FILE", help=argparse.SUPPRESS)
    parser.add_argument("tests", nargs="*", metavar="TEST")
    options = parser.parse_args()
    if options.child:
        name, _, pattern = options.tests[0].partition(":")
        return run_here(name, pattern, options.child)
    print(sys.version.split()[0], flush=True)
    differ = False
    for test in options.tests or (QUICK if options.quick else QUICK + SLOW):
        if importlib.util.find_spec(f"test.{test.partition(':')[0]}") is None:
            print(f"absent {test}", flush=True)      # pyenv leaves some out
            continue
        begin = time.monotonic()
        plain, run = both(test)
        if plain != run:
            plain, run = both(test)
        wrong = [f"  {name}: {plain.get(name, 'not run')} / {run.get(name, 'not run')}"
                 for name in sorted({*plain, *run}) if plain.get(name) != run.get(name)]
        failed = sum(outcome.startswith("failed:") for outcome in plain.values())
        print(f"{'DIFFER' if wrong else 'same':6} {test}: {len(plain)} tests, {failed} of them fail without us, "
              f"{time.monotonic() - begin:.0f} s", *wrong, sep="\n", flush=True)
        differ = differ or bool(wrong) or not plain
    return int(differ)


if __name__ == "__main__":
    sys.exit(main())
