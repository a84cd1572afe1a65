"""The plugin for pytest: consoles in tests, and with --hooking at those that fail. See hooking(1)."""

import os
import sys
import traceback
import types

import pytest
from _pytest._code.code import filter_traceback
from _pytest.unittest import TestCaseFunction

from . import _core

# What loads a test's module and runs a docstring: pytest hides only what is its own.
RUNNERS = {"importlib", "_frozen_importlib", "_frozen_importlib_external", "ast", "doctest"}

# How many places where no console opened are listed.
MOST_PLACES = 20

ABORTED = "`abort` at the prompt of hooking"


def pytest_addoption(parser):
    parser.getgroup("general").addoption(
        "--hooking", action="store_true", help="Open a console of hooking where a test fails or cannot be set up")


def pytest_configure(config):
    consoles = Consoles(config)
    before = _core._around(consoles.around)
    config.add_cleanup(lambda: _core._around(before))
    config.pluginmanager.register(consoles, "hooking-consoles")


class Consoles:
    """What pytest and the consoles of a session need to know of each other."""

    def __init__(self, config):
        self.config = config
        self.worker = hasattr(config, "workerinput")
        self.wanted = config.option.hooking               # a console at each failure
        self.yields = self.wanted and config.getoption("usepdb", False)
        self.capture = Capture(config)
        self.depth = 0                                    # how many consoles are open, one within the other
        self.status = None                                # what `abort` was given
        self.missed = {}                                  # (reason, place) -> how often
        if self.yields:
            self.wanted = False
        elif self.wanted and config.getoption("doctest_continue_on_failure", False):
            config.option.doctest_continue_on_failure = False      # as --pdb does: at its end nothing is left to see

    # Around a console -----------------------------------------------------------------------------------------------

    def around(self, frame):
        """For `_core._around()`."""
        why = self.enter()
        if why is None:
            try:
                if self.depth == 1:
                    self.announce(self.capture.news())
            except BaseException:
                self.leave()
                raise
            return self.leave
        if self.status is None:
            self.miss(why, self.place(frame, frame.f_lineno))
        return why

    def enter(self):
        """Give terminal and streams back, and return None; or why there can be no console."""
        if self.worker:
            return "not opened: the workers of xdist have no terminal, run with -n 0"
        if self.status is not None:
            return "not opened: the tests are being ended"
        if self.depth == 0:
            self.capture.suspend()
        why = _core._obstacle()
        if why is None:
            self.depth += 1
            if self.depth == 1:                           # stops timers, and the spinners of other plugins
                self.call(self.config.hook.pytest_enter_pdb)
        elif self.depth == 0:
            self.capture.resume()
        return why

    def leave(self):
        status = _core._take_abort()
        if status is not None:
            self.status = status
        self.depth -= 1
        if self.depth == 0:
            self.call(self.config.hook.pytest_leave_pdb)
            self.capture.resume()

    def call(self, hook):
        """Tell the other plugins. One that must have a Pdb finds none; that is no reason to stop."""
        try:
            hook(config=self.config, pdb=None)
        except Exception:
            traceback.print_exc()

    def announce(self, sections, report=None):
        """Show what the user has to know before the console is there."""
        reporter = self.config.pluginmanager.getplugin("terminalreporter")
        if reporter is None:
            return
        writer = reporter._tw
        reporter.ensure_newline()
        if writer.width_of_current_line:
            writer.line()
        show = self.config.getoption("showcapture", "all")
        for name, content in sections:
            if content and show in (name, "all"):
                writer.sep(">", f"captured {name}")
                writer.line(content[:-1] if content.endswith("\n") else content)
        if report is not None:
            writer.sep(">", "traceback")
            report.toterminal(writer)
            report._pdbshown = True                       # it need not be shown again at the end
        writer.sep(">", f"hooking{self.capture.told()}")
        writer.flush()

    def place(self, frame, line):
        folder = os.path.join(self.config.invocation_params.dir, "")
        return f"{frame.f_code.co_filename.removeprefix(folder)}:{line} in {frame.f_code.co_qualname}"

    def miss(self, why, place):
        """To be told at the end."""
        self.missed[why, place] = self.missed.get((why, place), 0) + 1

    # At a failure ---------------------------------------------------------------------------------------------------

    def pytest_exception_interact(self, node, call, report):
        self.end_if_aborted()
        if self.wanted and not is_a(call.excinfo.value, "unittest", "SkipTest"):
            exception, entries = find_failure(self.config, node, call.excinfo)
            if entries:
                sections = [("stdout", report.capstdout), ("stderr", report.capstderr), ("log", report.caplog)]
                self.open_at(exception, entries, sections, report)
            else:
                self.miss("not opened: all of the traceback is pytest's (--full-trace opens there)",
                          node.nodeid or node.name)

    @pytest.hookimpl(trylast=True)
    def pytest_internalerror(self, excinfo):
        entries = keep_own(self.config, excinfo.traceback)
        if self.wanted and entries:
            self.open_at(excinfo.value, entries)

    def open_at(self, exception, entries, sections=(), report=None):
        """Open a console at an exception with the traceback that these entries make."""
        why = self.enter()
        if why is not None:
            self.miss(why, self.place(entries[-1].tb_frame, entries[-1].tb_lineno))
            return
        whole = exception.__traceback__
        try:
            self.announce([*sections, *self.capture.news()], report)
            BaseException.with_traceback(exception, link(entries))
            _core._post_mortem_of_test(exception)
        except SystemExit:
            if self.status is None:
                raise
        finally:
            BaseException.with_traceback(exception, whole)
            self.leave()
        self.end_if_aborted()

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item):
        """Have the tearDown() of a unittest come after the console. pytest does so where pdb is to be opened."""
        postpone = self.wanted and not self.worker and isinstance(item, TestCaseFunction)
        if postpone:
            self.config.option.usepdb = True
        try:
            yield
        finally:
            if postpone:
                self.config.option.usepdb = False

    # The end --------------------------------------------------------------------------------------------------------

    def end_if_aborted(self):
        if self.status is not None:
            pytest.exit(ABORTED, self.status)

    def pytest_runtest_makereport(self):
        self.end_if_aborted()
        self.capture.seen = ["", ""]                      # capturing begins anew in each phase of a test

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_collection(self):
        outcome = yield
        if self.status is not None and hasattr(outcome, "force_exception"):
            outcome.force_exception(pytest.exit.Exception(ABORTED, self.status))

    def pytest_report_header(self):
        if self.yields:
            return "hooking: not at failures, for --pdb is given too"
        if self.wanted and self.config.pluginmanager.hasplugin("dsession"):
            return "hooking: no consoles in the workers of xdist, run with -n 0"
        return None

    def pytest_sessionfinish(self):
        if self.worker:
            self.config.workeroutput["hooking"] = [[*key, count] for key, count in self.missed.items()]

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node):
        for why, place, count in getattr(node, "workeroutput", {}).get("hooking", ()):
            key = why, place
            self.missed[key] = self.missed.get(key, 0) + count

    def pytest_terminal_summary(self, terminalreporter):
        if self.missed:
            terminalreporter.section("hooking")
        for reason in dict.fromkeys(why for why, _ in self.missed):
            terminalreporter.write_line(reason)
            places = [(place, count) for (why, place), count in self.missed.items() if why == reason]
            for place, count in places[:MOST_PLACES]:
                terminalreporter.write_line(f"  {place}" + (f", {count} times" if count > 1 else ""))
            if len(places) > MOST_PLACES:
                terminalreporter.write_line(f"  ... {len(places) - MOST_PLACES} more")


class Capture:
    """pytest's capturing, and how to do without it for a while. What it has taken is shown, and stays in the report."""

    STREAMS = "stdin", "stdout", "stderr"

    def __init__(self, config):
        self.config = config
        self.taken = self.seen = ["", ""]

    @property
    def manager(self):
        return self.config.pluginmanager.getplugin("capturemanager")

    def streams(self):
        return [getattr(sys, name) for name in self.STREAMS]

    def told(self):
        """The words of pdb's for it."""
        capturing = self.manager is not None and self.manager.is_capturing()
        if not capturing:
            return ""
        return " (IO-capturing turned off" + ("" if capturing == "global" else f" for {capturing}") + ")"

    def suspend(self):
        manager = self.manager
        if manager is None:
            return
        capturing, fixture = manager._global_capturing, manager._capture_fixture
        self.started = capturing is not None and capturing.is_started()
        self.fixture = fixture is not None and fixture._is_started()
        self.before = self.streams()
        self.taken = ["", ""]
        if self.started and manager._method != "tee-sys":       # that one has shown it
            self.taken = look(capturing)
        if self.fixture:
            self.taken = [mine + its for mine, its in zip(self.taken, look(fixture._capture))]
            manager.suspend_fixture()
        manager.suspend_global_capture(in_=True)
        self.during = self.streams()

    def resume(self):
        manager = self.manager
        if manager is None:
            return
        now = self.streams()
        for stream in now[1:]:
            stream.flush()
        manager.resume_global_capture()
        if not self.started:                              # all but stdin
            manager.suspend_global_capture()
        if self.fixture:
            manager.resume_fixture()
        # The test may have redirected a stream by itself, before or at the prompt.
        for name, before, during, stream in zip(self.STREAMS, self.before, self.during, now):
            setattr(sys, name, before if stream is during else stream)

    def news(self):
        """What was captured and not shown before, as sections of a report."""
        sections = []
        for name, text, seen in zip(self.STREAMS[1:], self.taken, self.seen):
            sections.append((name, text.removeprefix(seen)))
        self.seen = self.taken
        return sections


def look(capturing):
    """What was captured so far, of stdout and of stderr. It is not taken away: the console may be in a copy of the
    process, which shares the file."""
    texts = []
    for capture in capturing.out, capturing.err:
        file = getattr(capture, "tmpfile", None)
        if file is None:
            texts.append("")
        elif hasattr(file, "getvalue"):
            texts.append(file.getvalue())
        else:
            size = os.fstat(file.fileno()).st_size
            texts.append(os.pread(file.fileno(), size, 0).decode("utf-8", "replace"))
    return texts


# Where a failure is -------------------------------------------------------------------------------------------------

def find_failure(config, node, excinfo):
    """The exception to look at, and the entries of its traceback that are worth it, the outermost first."""
    value = excinfo.value
    if is_a(value, "doctest", "UnexpectedException"):
        return value.exc_info[1], [entry_of_example(value), *keep_own(config, of_exception(value.exc_info[1]))]
    if is_a(value, "doctest", "DocTestFailure"):
        return value, [entry_of_example(value)]
    cause = None
    if is_a(value, "_pytest.config", "ConftestImportFailure"):
        cause = value.cause if hasattr(value, "cause") else value.excinfo[1]      # pytest 8, 7
    elif isinstance(value, pytest.Collector.CollectError):
        cause = value.__cause__
    if cause is not None:
        return cause, keep_own(config, of_exception(cause))
    if hasattr(node, "_traceback_filter"):
        return value, keep_own(config, node._traceback_filter(excinfo))
    return value, keep_own(config, excinfo.traceback)     # before pytest 7.3 it was filtered for the report


def is_a(value, module, name):
    """isinstance() of a class whose module need not be imported for that."""
    return module in sys.modules and isinstance(value, getattr(sys.modules[module], name))


def of_exception(exception):
    return pytest.ExceptionInfo.from_exc_info((type(exception), exception, exception.__traceback__)).traceback


def keep_own(config, entries):
    """Those that are not pytest's, nor hidden, nor of what pytest runs tests by, as entries of a plain traceback."""
    if config.getoption("fulltrace", False):
        return [entry._rawentry for entry in entries]
    return [entry._rawentry for entry in entries
            if filter_traceback(entry) and not is_hidden(entry._rawentry.tb_frame)]


def is_hidden(frame):
    if str(frame.f_globals.get("__name__")).partition(".")[0] in RUNNERS:
        return True
    hide = frame.f_locals.get("__tracebackhide__", frame.f_globals.get("__tracebackhide__", False))
    return hide is True


def entry_of_example(failure):
    """What an example of a doctest leaves behind are its variables: a traceback entry that has them, at its line."""
    test, example = failure.test, failure.example
    line = (test.lineno or 0) + example.lineno
    try:
        exec(compile("\n" * line + "1 / 0", test.filename or test.name, "exec"), test.globs)
    except ZeroDivisionError as error:
        return error.__traceback__.tb_next


def link(entries):
    """A traceback of these entries."""
    linked = None
    for entry in reversed(entries):
        linked = types.TracebackType(linked, entry.tb_frame, entry.tb_lasti, entry.tb_lineno or -1)
    return linked
