"""A program cannot tell `hooking run` from Python: each in programs/ says and leaves the same, run by either.

A file in programs/ is one program, with all its files. It begins with lines `#: KEY VALUE`; the rest is the main file,
and each line `#: file NAME` begins another. What is said of a run:

    run file|module|stdin|folder|zip|pyc|missing NAME      how it is started; `file main.py` by default. The main file
                                                           is called like that, main.py for others than file and pyc
    options WORDS           for the interpreter
    case [STATUS:] WORDS    arguments of the program, and how it ends: a number, a signal's name, or ? where
                            versions differ. Several lines are several tests; without one it has no arguments, and 0
    environment NAME=VALUE  more of it
    input TEXT              what it reads from standard input, with Python's escapes
    signal NAME             sent when it has printed "ready"
    encoding NAME           of the main file, as it lies on the disk. `escapes`: bytes, with Python's escapes
    link NAME TARGET        a symbolic link
    from 3.N                for this version and later ones
"""

import os
import py_compile
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import pytest

import hooking

PROGRAMS = sorted((Path(__file__).parent / "programs").glob("*.txt"))
SCRIPT = "import sys\n\nfrom hooking.__main__ import main\n\nsys.exit(main())\n"
SECONDS = 60


class Program:
    """What a file in programs/ says."""

    def __init__(self, path):
        self.files, self.said, self.cases, self.links = {}, {"run": "file main.py"}, [], []
        lines = path.read_text(encoding="utf-8").split("\n")
        heads = 0
        while lines[heads].startswith("#: ") and not lines[heads].startswith("#: file "):
            key, _, value = lines[heads][3:].partition(" ")
            if key == "case":
                self.cases.append(value)
            elif key == "link":
                self.links.append(value.split())
            else:
                self.said[key] = value
            heads += 1
        self.way, self.name = self.said["run"].split(" ", 1)
        self.main = self.name if self.way in ("file", "pyc") else "main.py"
        name, text = self.main, []
        for line in [*lines[heads:], "#: file "]:
            if line.startswith("#: file "):
                self.files[name] = "\n".join(text)
                name, text = line[8:].strip(), []
            else:
                text.append(line)

    def write(self, folder):
        """Lay it out; the words that start it, after the interpreter's options."""
        for name, text in self.files.items():
            if name == self.main and self.links and not text:
                continue             # it is one of the links
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            text = text if name == self.main else text + "\n"
            coding = self.said.get("encoding", "utf-8") if name == self.main else "utf-8"
            path.write_bytes(text.encode().decode("unicode_escape").encode("latin-1") if coding == "escapes"
                             else text.encode(coding))
        for name, target in self.links:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).symlink_to(target)
        if self.way == "pyc":
            py_compile.compile(str(folder / self.name), str(folder / f"{self.name}c"), dfile="main.py")
            (folder / self.name).unlink()
            return [f"{self.name}c"]
        if self.way == "zip":
            with zipfile.ZipFile(folder / self.name, "w") as archive:
                for name in self.files:
                    if name != self.main:
                        archive.write(folder / name, name)
            return [self.name]
        return ["-m", self.name] if self.way == "module" else ["-"] if self.way == "stdin" else [self.name]


def cases():
    for path in PROGRAMS:
        program = Program(path)
        if sys.version_info >= tuple(map(int, program.said.get("from", "3.11").split("."))):
            for number, case in enumerate(program.cases or [""]):
                yield pytest.param(program, case, id=path.stem + (f"-{number + 1}" if number else ""))


class Run:
    """One way to run it: a process in a folder of its own."""

    def __init__(self, program, folder, runner, arguments):
        self.folder, self.program = folder, program
        (folder / "home").mkdir(parents=True)
        words = program.write(folder)
        data = program.said.get("input", "").encode().decode("unicode_escape")
        if program.way == "stdin":
            data = program.files["main.py"] + data
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder / "home"), "LANG": "C.UTF-8",
                       "PYTHONPATH": str(Path(hooking.__file__).parent.parent),
                       **{name: os.environ[name] for name in ("ASAN_OPTIONS", "LD_PRELOAD") if name in os.environ},
                       **dict(word.split("=", 1) for word in shlex.split(program.said.get("environment", "")))}
        options = shlex.split(program.said.get("options", ""))
        self.process = subprocess.Popen([sys.executable, *options, *runner, *words, *arguments], cwd=folder,
                                        env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, start_new_session=True)
        self.out = b""
        if "signal" in program.said:
            while not self.out.endswith(b"ready\n"):
                part = self.process.stdout.readline()
                assert part, self.process.stderr.read().decode()
                self.out += part
            while Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "S":
                os.sched_yield()  # it has said so before it sleeps
            self.process.send_signal(getattr(signal, program.said["signal"]))
        self.input = data.encode()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.communicate()

    def result(self):
        """What it has said, how it has ended, and the files that are there then."""
        out, err = self.process.communicate(self.input, timeout=SECONDS)
        files = sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*"))
        return {"stdout": self.same(self.out + out), "stderr": self.same(err), "status": self.process.returncode,
                "files": files}

    def same(self, text):
        """Without what no two runs have in common."""
        text = text.decode("utf-8", "backslashreplace").replace(str(self.folder), "HERE")
        for pattern, name in ((r"0x[0-9a-f]{4,}", "ADDRESS"), (r"\b\d{9,}\b", "NUMBER"), (r" in \d+\.\d+s", " in TIME"),
                              (r"pid=\d+|<pid \d+>", "PID")):
            text = re.sub(pattern, name, text)
        return text


def expected(case):
    status, colon, words = case.partition(":")
    status, words = (status, words) if colon and re.fullmatch(r"\d+|SIG\w+|\?", status) else ("0", case)
    number = int(status) if status.isdigit() else None if status == "?" else -getattr(signal, status)
    return number, shlex.split(words)


@pytest.mark.parametrize("program, case", cases())
def test_the_same_as_python(program, case, tmp_path):
    status, arguments = expected(case)
    tmp_path = Path(tempfile.mkdtemp(dir=tmp_path))  # one more when it is tried once more
    script = tmp_path / "hooking"
    script.write_text(SCRIPT)
    with (Run(program, tmp_path / "p", [], arguments) as python,
          Run(program, tmp_path / "m", ["-m", "hooking", "run"], arguments) as module,
          Run(program, tmp_path / "s", [str(script), "run"], arguments) as command):
        want = python.result()
        assert status in (want["status"], None), want     # or the program does not show what it is meant to
        assert want["stdout"] or want["stderr"]
        assert module.result() == want
        assert command.result() == want


def test_there_are_enough_programs():
    assert len(PROGRAMS) >= 60
