"""What every test can ask for: `terminal`, a program on a pseudo-terminal of its own."""

import os
import signal
import sys
import textwrap
import zlib

import pytest
from _pytest.runner import runtestprotocol

from terminal import Terminal

# What a shell's & or nohup has made the test run ignore, a program under test would inherit.
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)

# Of the environment of the test run only what a user of the product would not notice may reach a program under test.
UNWANTED = ("CI", "TMUX", "LINES", "COLUMNS", "INPUTRC", "NO_COLOR", "FORCE_COLOR", "PS1", "LANG", "LANGUAGE")
UNWANTED_PREFIXES = ("HOOKING", "PYTEST", "PYTHONSTARTUP", "PYTHONBREAKPOINT", "PYTHON_COLORS", "LC_", "XDG_")


def environment(home, **changes):
    """An environment with a home of its own; a change to None removes a name."""
    env = {name: value for name, value in os.environ.items()
           if name not in UNWANTED and not name.startswith(UNWANTED_PREFIXES)}
    inputrc = os.path.join(home, "inputrc")
    open(inputrc, "a").close()
    # Debug builds of Python show these by themselves.
    env.update(PYTHONWARNINGS="ignore::ResourceWarning")
    # The screen model is an xterm, which does not wrap lines anew when its width changes, and sets this.
    env.update(XTERM_VERSION="XTerm(379)")
    env.update(HOME=str(home), TERM="xterm-256color", LANG="C.UTF-8", INPUTRC=inputrc,
               XDG_STATE_HOME=os.path.join(home, "state"), XDG_CONFIG_HOME=os.path.join(home, "config"),
               XDG_CACHE_HOME=os.path.join(home, "cache"), XDG_DATA_HOME=os.path.join(home, "data"))
    for name, value in changes.items():
        if value is None:
            env.pop(name, None)
        else:
            env[name] = str(value)
    return env


def left_to_crash():
    """Changes to the environment with which AddressSanitizer, if it is there, leaves SIGSEGV to the program."""
    return {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":handle_segv=0"}


def source(program):
    """A program from an indented literal: its first line is line 1."""
    return textwrap.dedent(program).lstrip("\n")


class Factory:
    """Starts programs in a folder of the test's own."""

    def __init__(self, folder):
        self.folder = folder
        self.home = folder / "home"
        self.home.mkdir(exist_ok=True)
        self.started = []

    def __call__(self, program, *arguments, options=(), name="program.py", env=None, inputrc="", **settings):
        """Write `program` to a file, start it with this interpreter, and return its `Terminal`.

        options: of the interpreter; arguments: of the program; env: changes to the environment; inputrc: what the
        user's ~/.inputrc says. The rest goes to `Terminal`.
        """
        path = self.folder / name
        path.write_text(source(program), encoding="utf-8")
        return self.start([sys.executable, *options, str(path), *arguments], env=env, inputrc=inputrc, **settings)

    def start(self, argv, env=None, inputrc="", **settings):
        (self.home / "inputrc").write_text(inputrc, encoding="utf-8")
        settings.setdefault("cwd", str(self.folder))
        terminal = Terminal(argv, env=environment(str(self.home), **(env or {})), **settings)
        terminal.path = self.folder / "program.py"
        self.started.append(terminal)
        return terminal


def starter(folder):
    factory = Factory(folder)
    yield factory
    for terminal in factory.started:
        try:
            terminal.until(lambda: True, "")
            print(terminal.dump())            # pytest shows it for a failed test
        finally:
            terminal.kill()


@pytest.fixture
def terminal(tmp_path):
    """Start programs under a pseudo-terminal: `t = terminal("…")`; see `Factory` and `terminal.Terminal`."""
    yield from starter(tmp_path)


@pytest.fixture
def opened(terminal, request):
    """The same, at the prompt already; without a program it is the test module's PROGRAM."""
    def at_prompt(program=None, **options):
        t = terminal(request.module.PROGRAM if program is None else program, **options)
        t.prompt()
        return t
    return at_prompt


@pytest.fixture
def own_key(tmp_path, monkeypatch):
    """Dumps of the test itself are signed with a key that is made for it."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "hooking" / "key"


# HOOKING_TEST_SHARE=2/3 runs the second third of the tests, chosen by their names: the three thirds are all of them.
SHARE = os.environ.get("HOOKING_TEST_SHARE", "1/1")


def pytest_collection_modifyitems(config, items):
    part, parts = map(int, SHARE.split("/"))
    chosen = [item for item in items if zlib.crc32(item.nodeid.split("tests/py/")[-1].encode()) % parts == part - 1]
    if len(chosen) < len(items):
        config.hook.pytest_deselected(items=[item for item in items if item not in set(chosen)])
        items[:] = chosen


# A test through a pseudo-terminal is at the mercy of a busy machine: what fails is tried once more. Which did is told
# at the end, for a defect may show itself only now and then.

SECOND_TRY = "passed at the second try"


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    hook = item.ihook
    hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    reports = runtestprotocol(item, nextitem=nextitem, log=False)
    if any(report.failed for report in reports):
        again = runtestprotocol(item, nextitem=nextitem, log=False)
        if not any(report.failed for report in again):
            for report in again:
                failures = [str(first.longrepr) for first in reports if first.failed]
                report.user_properties.append((SECOND_TRY, failures[0][-3000:]))
            reports = again
    for report in reports:
        hook.pytest_runtest_logreport(report=report)
    hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def pytest_terminal_summary(terminalreporter):
    tried = {report.nodeid: dict(report.user_properties)[SECOND_TRY]
             for report in terminalreporter.stats.get("passed", []) if SECOND_TRY in dict(report.user_properties)}
    for nodeid, why in tried.items():
        terminalreporter.section(f"{SECOND_TRY}: {nodeid}")
        terminalreporter.write_line(why)
