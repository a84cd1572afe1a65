"""hook(isolate=True): what is done at the prompt is done to a copy of the process."""

import os
import re
import signal

import pytest

from conftest import left_to_crash
from family import ended, gone, pid, session
from terminal import THREAD_PS1

PROGRAM = '''
    import os, sys
    from hooking import hook
    class A:
        x = 1
    a, items = A(), []
    def f(n):
        hook(isolate=True)
        print("went on with", a.x, n, items)
        return n
    f(1)
    print("end", input("? "))
    sys.exit(3)
'''


def finish(t, status=3):
    t.expect("? ")
    t.line("read")
    t.expect("end read")
    ended(t, status)


# Leaving ------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("way", ["^D", "c", "exit()", "raise SystemExit(4)", "import sys; sys.exit(1)", "os._exit(0)"])
def test_the_program_goes_on_untouched(opened, way):
    t = opened()
    t.run("a.x = 100")
    t.run("items.append(2); n = 5")
    assert t.run("a.x, items, n") == "(100, [2], 5)"
    t.key("C-d") if way == "^D" else t.line(way)
    t.expect("went on with 1 1 []")
    finish(t)


def test_with_overwrite_locals_too(opened):
    t = opened('''
        from hooking import hook
        def f(n):
            hook(overwrite_locals=True, isolate=True)
            print("n is", n)
        f(1)
    ''')
    t.run("n = 2")
    assert t.run("n") == "2"
    t.key("C-d")
    t.expect("n is 1")
    ended(t)


def test_the_banner_says_what_is_not_covered(opened):
    t = opened()
    for what in ("Hooked at", "Isolated", "commit", "files", "sockets", "threads", "processes", "shared"):
        assert what in t.text()
    t.key("C-d")
    finish(t)


def test_the_copy_runs_no_clean_up(opened):
    t = opened('''
        import atexit, tempfile, weakref, os
        from hooking import hook
        class Last:
            def __del__(self): print("finalizer")
        last = Last()
        weakref.finalize(last, print, "weakref")
        atexit.register(print, "atexit")
        folder = tempfile.TemporaryDirectory()
        hook(isolate=True)
        print("folder", os.path.isdir(folder.name))
    ''')
    t.key("C-d")
    t.expect("folder True")
    ended(t)
    for once in ("finalizer", "weakref", "atexit"):
        assert t.text().count(once) == 1


@pytest.mark.parametrize("way", ["^D", "commit"])
def test_what_is_buffered_appears_once(opened, tmp_path, way):
    out = tmp_path / "out"
    with open(out, "wb") as file:
        t = opened('''
            import ctypes, sys
            from hooking import hook
            c = ctypes.CDLL(None)
            print("by Python", end=" ")
            sys.stderr.write("to stderr ")
            c.printf(b"by C ")
            hook(isolate=True)
            print("after", end=" ")
        ''', stdout=file, stderr=file)
        t.key("C-d") if way == "^D" else t.line(way)
        ended(t)
    text = out.read_text()
    assert sorted(text.split()) == sorted("by Python to stderr by C after".split())


def test_what_is_printed_at_the_prompt_is_not_lost(opened, tmp_path):
    out = tmp_path / "out"
    with open(out, "wb") as file:
        t = opened('''
            import sys
            from hooking import hook
            def say(text, out=sys.stdout): out.write(text)
            hook(isolate=True)
            say("later\\n")
        ''', stdout=file)
        t.run("say('now\\n')")
        t.key("C-d")
        ended(t)
    assert out.read_text() == "now\nlater\n"


def test_a_copy_that_crashes_leaves_the_program_alone(opened):
    t = opened(env=left_to_crash())
    t.run("import os, signal")
    t.line("os.kill(os.getpid(), signal.SIGSEGV)")
    t.expect("isolated process has died of signal 11 (Segmentation fault)")
    t.expect("went on with 1 1 []")
    finish(t)


def test_a_copy_that_is_killed_at_the_prompt_leaves_a_usable_terminal(opened):
    t = opened()
    os.kill(pid(t), signal.SIGKILL)
    t.expect("has died of signal 9")
    t.expect("? ")
    assert t.echoes()
    assert t.raw.count(b"\x1b[?2004h") <= t.raw.count(b"\x1b[?2004l"), "bracketed paste is off"
    t.line("read")
    ended(t, 3)


def test_random_numbers_are_the_same_as_without(opened):
    t = opened('''
        import random
        from hooking import hook
        random.seed(1)
        wanted = random.Random(1).random()
        hook(isolate=True)
        print(random.random() == wanted)
    ''')
    assert t.run("random.random() == wanted") == "True"
    t.key("C-d")
    t.expect("True")
    ended(t)


def test_in_an_isolated_prompt_another_one(opened):
    t = opened()
    t.run("a.x = 2")
    t.line("f(2)")
    t.ready()
    assert t.run("a.x = 3; a.x") == "3"
    t.key("C-d")
    t.expect("went on with 2 2 []")
    t.ready()
    t.line("f(3)")
    t.ready()
    t.run("a.x = 4")
    t.line("commit")
    t.expect("went on with 4 3 []")
    t.ready()
    assert t.run("a.x") == "4"
    t.key("C-d")
    t.expect("went on with 1 1 []")
    finish(t)


def test_logged_once(opened):
    t = opened('''
        import logging
        from hooking import hook
        logging.basicConfig(level=logging.DEBUG, format="log: %(message)s")
        hook(isolate=True)
        print("end")
    ''')
    t.key("C-d")
    t.expect("end")
    ended(t)
    assert t.text().count("log: Starting interactive shell.") == 1
    assert t.text().count("log: Returned from interactive shell.") == 1


# What is about the program's going on -------------------------------------------------------------------------------

LOOP = '''
    from hooking import hook
    for i in range(6):
        hook(isolate=True, logger="quiet")
        print("pass", i)
'''


def test_off_holds_in_the_program(opened):
    t = opened(LOOP)
    t.run("off")
    t.key("C-d")
    t.expect("pass 5")
    ended(t)


def test_after_and_when_hold_in_the_program(opened):
    t = opened(LOOP)
    t.run("after 2")
    t.key("C-d")
    t.expect("pass 2")
    t.ready()
    assert t.run("i") == "3"
    t.run("when i == 5")
    t.key("C-d")
    t.expect("pass 4")
    t.ready()
    assert t.run("i") == "5"
    assert t.run("when") == "when i == 5"
    t.key("C-d")
    ended(t)


def test_throw_raises_in_the_program(opened):
    t = opened('''
        from hooking import hook
        class Mine(Exception):
            pass
        try:
            hook(isolate=True)
        except Mine as e:
            print("caught", repr(e), e.args[0]["k"])
    ''')
    t.line("throw Mine({'k': 7})")
    t.expect("caught Mine({'k': 7}) 7")
    ended(t)


def test_throw_of_what_cannot_be_pickled_stays_at_the_prompt(opened):
    t = opened()
    assert re.search("throw: .*pickle", t.run("throw ValueError(lambda: 1)").replace("\n", " "))
    assert t.run("a.x") == "1"
    t.key("C-d")
    t.expect("went on with 1 1 []")
    finish(t)


def test_throw_of_what_the_program_does_not_know(opened):
    t = opened('''
        from hooking import hook
        try:
            hook(isolate=True, overwrite_locals=True)
        except Exception as e:
            print(f"caught {type(e).__name__}: {e}")
    ''')
    t.run("class New(Exception):\n    pass")
    t.line("throw New('text')")
    t.expect("caught RuntimeError: ")
    t.expect("New('text')")
    ended(t)


def test_abort_ends_the_program_with_its_clean_up(opened):
    t = opened('''
        import atexit, os
        from hooking import hook
        started = os.getpid()
        atexit.register(lambda: print("cleaned up in", "the program" if os.getpid() == started else "a copy"))
        hook(isolate=True)
    ''')
    t.line("abort 9")
    t.expect("cleaned up in the program")
    ended(t, 9)


# commit -------------------------------------------------------------------------------------------------------------

def test_commit_goes_on_with_all_changes(opened):
    t = opened()
    before = t.process.pid
    t.run("a.x = 100")
    t.run("items.append(2)")
    now = pid(t)
    assert now != before
    t.line("commit")
    t.expect(f"process {now} is the program")
    t.expect("went on with 100 1 [2]")
    assert set(session(t)) == {before, now}
    finish(t)


@pytest.mark.parametrize("within", [False, True])
def test_commit_after_and_within_an_await_of_the_prompt(opened, within):
    """The loop that the prompt has had for itself ends before the program's goes on."""
    t = opened('''
        import asyncio
        from hooking import hook, rescue
        @rescue
        async def fails():
            await asyncio.sleep(0)
            raise ValueError("no")
        async def main():
            hook(isolate=True)
            await asyncio.sleep(0.01)
            return asyncio.current_task() is not None
        print("task", asyncio.run(main()))
    ''')
    if within:
        t.run("await fails()")
        t.run("commit")
        t.key("C-d")
    else:
        t.run("await asyncio.sleep(0)")
        t.line("commit")
    t.expect("task True")
    assert "Exception ignored" not in t.text()
    assert t.end() == 0


def test_commit_with_overwrite_locals(opened):
    t = opened('''
        from hooking import hook
        def f(n):
            hook(overwrite_locals=True, isolate=True)
            print("n is", n)
        f(1)
    ''')
    t.run("n = 2")
    t.line("commit")
    t.expect("n is 2")
    ended(t)


def test_commit_says_what_is_not_written_back(opened):
    t = opened()
    t.run("n = 2")
    t.line("commit")
    t.expect("not written back: n")
    finish(t)


def test_commit_where_there_is_nothing_to_commit(opened):
    t = opened("from hooking import hook\nhook()\n")
    assert "not isolated" in t.run("commit")
    assert "usage: commit" in t.run("commit now")
    t.key("C-d")
    ended(t)


def test_only_the_copy_runs_clean_up_after_commit(opened):
    t = opened('''
        import atexit, os
        from hooking import hook
        started = os.getpid()
        atexit.register(lambda: print("cleaned up in", "the first" if os.getpid() == started else "the copy"))
        hook(isolate=True)
        print("end")
    ''')
    t.line("commit")
    t.expect("cleaned up in the copy")
    ended(t)
    assert t.text().count("cleaned up") == 1


def test_a_second_isolated_prompt_after_commit(opened):
    t = opened(LOOP)
    t.run("off")
    t.run("numbers = []")
    t.line("commit")
    t.expect("pass 5")
    ended(t)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGINT, signal.SIGQUIT,
                                    signal.SIGRTMIN + 3], ids=lambda number: signal.Signals(number).name
                         if number < 32 else "RTMIN+3")
def test_signals_reach_the_program_after_commit(opened, number):
    """Sent to the first process, which is the one that others know."""
    t = opened(f'''
        import os, signal, time
        from hooking import hook
        seen = []
        def handler(number, frame): seen.append(number)
        signal.signal({int(number)}, handler)
        hook(isolate=True)
        print("wait" + "ing")
        while not seen: time.sleep(0.01)
        print("got", *seen, "in", os.getpid())
        print("end")
    ''')
    now = pid(t)
    t.line("commit")
    t.expect("waiting")
    t.signal(number)
    t.expect(f"got {int(number)} in {now}")
    t.expect("end")
    ended(t)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGINT])
def test_death_by_a_signal_is_passed_on(opened, number):
    t = opened('''
        import signal, time
        from hooking import hook
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        hook(isolate=True)
        print("wait" + "ing")
        while True: time.sleep(1)
    ''')
    t.line("commit")
    t.expect("waiting")
    t.signal(number)
    ended(t, -number)


def test_a_core_is_dumped_once(opened, tmp_path):
    t = opened('''
        import os, resource
        from hooking import hook
        hook(isolate=True)
        with open("/proc/self/limits") as file:
            print([line for line in file if "core" in line][0].split()[4])
        print("wait" + "ing")
        os.abort()
    ''')
    t.line("commit")
    t.expect("waiting")
    ended(t, -signal.SIGABRT)
    assert len([name for name in os.listdir(tmp_path) if name.startswith("core")]) <= 1


def test_ctrl_c_reaches_the_program_and_not_who_waits(opened):
    t = opened('''
        import time
        from hooking import hook
        hook(isolate=True)
        try:
            print("wait" + "ing")
            while True: time.sleep(0.05)
        except KeyboardInterrupt:
            print("interrupted")
        print("end", input("? "))
    ''')
    t.line("commit")
    t.expect("waiting")
    t.key("C-c")
    t.expect("interrupted")
    finish(t, 0)


def test_uncaught_ctrl_c_ends_with_the_signal(opened):
    t = opened('''
        import time
        from hooking import hook
        hook(isolate=True)
        print("wait" + "ing")
        while True: time.sleep(0.05)
    ''')
    t.line("commit")
    t.expect("waiting")
    t.key("C-c")
    t.expect("KeyboardInterrupt")
    ended(t, -signal.SIGINT)


def stopped(t, times):
    t.until(lambda: len(re.findall(r"\[shell\] stopped$", t.text(), re.M)) == times, "the shell's message")


@pytest.mark.parametrize("committed", [False, True])
def test_ctrl_z_and_fg(terminal, committed):
    t = terminal(PROGRAM, job_control=True)
    t.prompt()
    t.key("C-z")
    stopped(t, 1)
    assert t.echoes()
    t.line()
    t.ready()
    t.run("a.x = 5")
    if committed:
        t.line("commit")
        t.expect("went on with 5 1 []")
        t.expect("? ")
        t.key("C-z")
        stopped(t, 2)
        t.line()
    else:
        t.key("C-d")
        t.expect("went on with 1 1 []")
        t.expect("? ")
    t.line("read")
    t.expect("end read")
    assert t.end() == 3


def test_stopping_the_program_stops_who_waits(opened):
    t = opened(PROGRAM, job_control=True)
    now = pid(t)
    t.line("commit")
    t.expect("? ")
    os.kill(now, signal.SIGTSTP)
    stopped(t, 1)
    t.line()
    t.line("read")
    t.expect("end read")
    assert t.end() == 3


def test_killing_who_waits_ends_the_program(opened):
    t = opened()
    t.line("commit")
    t.expect("? ")
    t.signal(signal.SIGKILL)
    assert t.end() == -signal.SIGKILL
    gone(t)


def test_killing_the_program_ends_who_waits(opened):
    t = opened()
    now = pid(t)
    t.line("commit")
    t.expect("? ")
    os.kill(now, signal.SIGKILL)
    ended(t, -signal.SIGKILL)


def test_a_pipe_closed_after_commit_is_closed(opened):
    t = opened('''
        import os
        from hooking import hook
        r, w = os.pipe()
        hook(isolate=True)
        os.write(w, b"last")
        os.close(w)
        print("read", os.read(r, 10), os.read(r, 10))
    ''')
    t.line("commit")
    t.expect("read b'last' b''")
    ended(t)


@pytest.mark.skipif("libasan" in os.environ.get("LD_PRELOAD", ""), reason="AddressSanitizer's memory looks the same")
def test_who_waits_after_commit_holds_little_memory_and_still_waits(terminal):
    t = terminal('''
        import os, re, signal, time
        from hooking import hook
        seen = []
        signal.signal(signal.SIGUSR1, lambda *a: seen.append("usr1"))
        array, objects = bytearray(b"x") * (100 << 20), [[i] for i in range(500_000)]
        def memory(process):
            with open(f"/proc/{process}/status") as file:
                return int(re.search(r"RssAnon:\\s*(\\d+)", file.read())[1]) // 1024
        hook(isolate=True)
        print("held", memory(os.getpid()) > 100, memory(os.getppid()) < 40)
        print("wait" + "ing")
        while not seen: time.sleep(0.01)
        print("end", seen, input("? "), array[-1], objects[-1])
    ''', job_control=True)
    t.prompt()
    t.line("commit")
    t.expect("held True True")
    t.expect("waiting")
    first = min(set(session(t)) - {t.process.pid})   # the other one is the shell
    os.kill(first, signal.SIGUSR1)
    t.expect("? ")
    t.key("C-z")
    stopped(t, 1)
    t.line()
    t.line("read")
    t.expect("end ['usr1'] read 120 [499999]")
    assert t.end() == 0


def test_a_timer_goes_on_after_commit(opened):
    t = opened('''
        import signal, time
        from hooking import hook
        seen = []
        signal.signal(signal.SIGALRM, lambda *a: seen.append("alarm"))
        signal.setitimer(signal.ITIMER_REAL, 3600)
        hook(isolate=True)
        print("timer", 3000 < signal.getitimer(signal.ITIMER_REAL)[0] <= 3600)
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        while not seen: time.sleep(0.01)
        print("end", seen)
    ''')
    assert t.run("3000 < signal.getitimer(signal.ITIMER_REAL)[0] <= 3600") == "True"
    t.line("commit")
    t.expect("timer True")
    t.expect("end ['alarm']")
    ended(t)


# While the prompt waits ---------------------------------------------------------------------------------------------

def test_a_signal_for_the_program_is_handled_there_too(opened):
    t = opened('''
        import os, signal
        from hooking import hook
        started, got = os.getpid(), []
        def handler(number, frame):
            got.append(number)
            print("handled in", "the program" if os.getpid() == started else "the copy", flush=True)
        signal.signal(signal.SIGUSR1, handler)
        hook(isolate=True)
        print("got", got)
    ''')
    t.signal(signal.SIGUSR1)
    t.expect("handled in the copy")
    t.settle()
    t.key("C-d")
    t.expect("handled in the program")
    t.expect(f"got [{int(signal.SIGUSR1)}]")
    ended(t)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_fatal_signal_ends_both(opened, number):
    t = opened()
    t.signal(number)
    ended(t, -number)


def test_an_exception_of_a_signal_handler_comes_from_hook(opened):
    t = opened('''
        import signal
        from hooking import hook
        class Stop(Exception): pass
        def handler(number, frame): raise Stop(number)
        signal.signal(signal.SIGUSR1, handler)
        try:
            hook(isolate=True)
        except Stop as e:
            print("stopped by", e)
        print("end", input("? "))
    ''')
    t.signal(signal.SIGUSR1)
    t.expect(f"stopped by {int(signal.SIGUSR1)}")
    finish(t, 0)


def test_ctrl_c_at_the_prompt_and_in_a_statement(opened):
    t = opened()
    t.type("half").key("C-c")
    assert "KeyboardInterrupt" in t.prompt()
    t.line("import time; print('sta' + 'rted'); [time.sleep(0.1) for _ in range(999)]")
    t.expect("started")
    t.key("C-c")
    t.expect("KeyboardInterrupt")
    t.settle()
    t.key("C-d")
    t.expect("went on with 1 1 []")
    finish(t)


def test_the_programs_own_children_are_not_disturbed(opened):
    """Their SIGCHLD arrives, also of one that ends meanwhile; the copy is nobody's child."""
    t = opened('''
        import os, signal, subprocess, time
        from hooking import hook
        seen = []
        def reap(number, frame):
            while True:
                try: pid, status = os.waitpid(-1, os.WNOHANG)
                except ChildProcessError: return
                if pid == 0: return
                seen.append(pid)
        signal.signal(signal.SIGCHLD, reap)
        child = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
        hook(isolate=True)
        while child.pid not in seen: time.sleep(0.01)
        print("seen", seen == [child.pid])
    ''')
    t.run("os.kill(child.pid, signal.SIGKILL)")
    t.key("C-d")
    t.expect("seen True")
    ended(t)


def test_no_child_is_heard_of_if_none_ended(opened):
    t = opened('''
        import os, signal
        from hooking import hook
        signal.signal(signal.SIGCHLD, lambda *a: print("SIGCHLD"))
        hook(isolate=True)
        print("end")
    ''')
    t.key("C-d")
    t.expect("end")
    ended(t)
    assert "SIGCHLD" not in t.text()


def test_where_children_are_ignored(opened):
    t = opened('''
        import os, signal, subprocess
        from hooking import hook
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        child = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
        hook(isolate=True)
        try: os.waitpid(child.pid, 0)
        except ChildProcessError: print("no child")
    ''')
    t.run("os.kill(child.pid, signal.SIGKILL)")
    t.key("C-d")
    t.expect("no child")
    ended(t)


def test_commit_with_children_is_refused_unless_forced(opened):
    t = opened('''
        import subprocess
        from hooking import hook
        child = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
        hook(isolate=True)
        child.stdin.close()
        print("end")
    ''')
    said = t.run("commit").replace("\n", "")
    assert t.run("child.pid") in said and "commit --force" in said
    t.line("commit --force")
    t.expect("end")
    ended(t)


# What cannot be isolated --------------------------------------------------------------------------------------------

THREADS = '''
    import threading, sys
    from hooking import hook
    stop = threading.Event()
    worker = threading.Thread(target=stop.wait, name="worker")
    worker.start()
    hook(isolate={isolate})
    stop.set()
    worker.join()
    print("end")
'''


def test_other_threads_are_refused(terminal):
    t = terminal(THREADS.format(isolate=True))
    said = t.expect(re.compile(r"not opened(.|\n)*worker(.|\n)*force"))[0]
    assert "1 of threading (worker)" in said.replace("\n", "")
    t.expect("end")
    ended(t)


def test_other_threads_can_be_left_behind(opened):
    t = opened(THREADS.format(isolate="'force'"))
    assert t.run("threading.active_count()") == "1"
    t.key("C-d")
    t.expect("end")
    ended(t)


def test_other_threads_go_on_meanwhile(opened):
    t = opened('''
        import threading, os
        from hooking import hook
        r, w = os.pipe()
        def work(): os.write(w, os.read(r2, 1) + b" done")
        r2, w2 = os.pipe()
        worker = threading.Thread(target=work)
        worker.start()
        hook(isolate="force")
        print("end")
    ''')
    t.run("n = os.write(w2, b'x')")
    assert t.run("os.read(r, 10)") == "b'x done'"
    t.key("C-d")
    t.expect("end")
    ended(t)


def test_commit_with_threads_forced(opened):
    t = opened('''
        import threading, time, os
        from hooking import hook
        def work():
            while True:
                time.sleep(0.001)
                if os.path.exists("go"): open("went", "w").close()
        threading.Thread(target=work, daemon=True).start()
        hook(isolate="force")
        open("go", "w").close()
        time.sleep(0.1)
        print("threads", threading.active_count(), os.path.exists("went"))
        signal_me = input("? ")
    ''')
    t.line("commit")
    t.expect("threads 1 False")
    t.signal(signal.SIGTERM)
    ended(t, -signal.SIGTERM)


def test_native_threads_are_told_apart(terminal):
    t = terminal('''
        import _thread, threading
        from hooking import hook
        lock = _thread.allocate_lock()
        lock.acquire()
        _thread.start_new_thread(lock.acquire, ())
        hook(isolate=True)
        lock.release()
        print("end")
    ''')
    said = t.expect(re.compile(r"not opened(.|\n)*native(.|\n)*force"))[0]
    assert "1 native one (" in said.replace("\n", "")
    t.expect("end")
    ended(t)


def test_a_thread_that_isolates(opened):
    t = opened('''
        import threading
        from hooking import hook
        a = [1]
        def work():
            hook(isolate="force")
            print("went on with", a)
        worker = threading.Thread(target=work, name="worker")
        worker.start()
        worker.join()
        print("end", input("? "))
    ''')
    t.run("a.append(2)")
    assert t.run("a") == "[1, 2]"
    t.line("import time; print('sta' + 'rted'); [time.sleep(0.1) for _ in range(999)]")
    t.expect("started")
    t.key("C-c")
    t.expect("KeyboardInterrupt")
    t.settle()
    t.key("C-d")
    t.expect("went on with [1]")
    finish(t, 0)


def test_where_no_process_can_be_made_it_does_not_open(terminal):
    t = terminal('''
        import ctypes, sys
        from hooking import hook
        a = [1]
        @sys.addaudithook
        def refuse(event, args):
            if event == "os.fork": raise OSError(11, "Resource temporarily unavailable")
        hook(isolate=True)
        print("went on with", a)
    ''')
    t.expect("not opened: the process cannot be copied")
    t.expect("went on with [1]")
    ended(t)


def test_where_there_is_no_terminal(terminal):
    t = terminal('''
        import os
        from hooking import hook
        hook(isolate=True)
        os.write(1, b"end\\n")
    ''', controlling=False, stdin=-3, stderr=None)
    t.expect("not opened: there is no terminal")
    t.expect("end")
    ended(t)


@pytest.mark.parametrize("value, error", [("'yes'", "ValueError"), ("'Force'", "ValueError")])
def test_what_isolate_may_be(terminal, value, error):
    t = terminal(f'''
        from hooking import hook
        try: hook(isolate={value})
        except {error} as e: print("refused:", e)
        hook(when=False, isolate=True)
        print("end")
    ''')
    t.expect("refused: hook(): isolate must be True, False or 'force'")
    t.expect("end")
    ended(t)


@pytest.mark.parametrize("way, got", [("^D", "[0, 1, b'hello\\n']"), ("commit", "[0, 'mine', 1, b'hello\\n']")])
def test_an_asyncio_program_goes_on(opened, way, got):
    t = opened('''
        import asyncio, os, signal
        from hooking import hook
        async def number(n):
            await asyncio.sleep(0.01)
            return n
        async def main():
            a = []
            tasks = [asyncio.create_task(number(n)) for n in range(3)]
            a.append(await tasks[0])
            stop = asyncio.Event()
            asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, stop.set)
            hook(isolate=True)
            async with asyncio.timeout(20):
                a.append(await tasks[1])
            assert asyncio.current_task() and asyncio.get_running_loop() is asyncio.get_event_loop()
            os.kill(os.getpid(), signal.SIGUSR1)
            await stop.wait()
            reader, writer = await asyncio.open_connection(*where)
            writer.write(b"hello\\n")
            a.append(await reader.readline())
            writer.close()
            print("got", a)
        async def serve():
            global where
            async def echo(reader, writer):
                writer.write(await reader.readline())
                writer.close()
            server = await asyncio.start_server(echo, "127.0.0.1", 0)
            where = server.sockets[0].getsockname()
            await main()
        asyncio.run(serve())
    ''')
    t.run("a.append('mine')")
    assert t.run("await number(7)") == "7", "on a loop of the prompt's own"
    assert t.run("asyncio._get_running_loop()") == ""
    t.key("C-d") if way == "^D" else t.line(way)
    t.expect(f"got {got}")
    ended(t)


def test_processes_of_multiprocessing_are_joined(opened):
    t = opened('''
        import multiprocessing
        from hooking import hook
        def work(queue, pipe):
            queue.put(pipe.recv() + 1)
        if __name__ == "__main__":
            multiprocessing.set_start_method("fork")
            queue = multiprocessing.SimpleQueue()
            here, there = multiprocessing.Pipe()
            process = multiprocessing.Process(target=work, args=(queue, there))
            process.start()
            hook(isolate=True)
            here.send(1)
            print("got", queue.get())
            process.join()
            print("ended", process.exitcode)
    ''')
    t.key("C-d")
    t.expect("got 2")
    t.expect("ended 0")
    ended(t)


def test_fork_hooks_are_called(opened):
    t = opened('''
        import os
        from hooking import hook
        calls = []
        os.register_at_fork(before=lambda: calls.append("before"), after_in_parent=lambda: calls.append("parent"),
                            after_in_child=lambda: calls.append("child"))
        hook(isolate=True)
        print("calls", calls)
    ''')
    assert t.run("calls") == "['before', 'child']"
    t.key("C-d")
    t.expect("calls ['before', 'parent']")
    ended(t)


def test_a_child_that_the_copy_makes_is_the_copys_affair(opened):
    t = opened()
    t.submit("if (child := os.fork()) == 0:\n    a.x = 7; os._exit(0)")
    t.ready()
    t.run("status = os.waitpid(child, 0)[1]")
    assert t.run("a.x, status") == "(1, 0)"
    t.key("C-d")
    t.expect("went on with 1 1 []")
    finish(t)


def test_a_child_forked_at_the_prompt_does_not_go_on_as_the_program(opened):
    t = opened()
    t.submit("if (child := os.fork()) == 0:\n    exit()\nelse:\n    print('status', os.waitpid(child, 0)[1])")
    t.expect(re.compile("^status 0$", re.M))
    t.ready()
    t.key("C-d")
    t.expect("went on with 1 1 []")
    finish(t)
    assert t.text().count("went on") == 1


def test_inputs_that_are_written_down_are_taken_once(terminal):
    t = terminal('''
        from hooking import hook, _core
        a = []
        for i in range(2):
            _core._feed(["a.append(i)", "print('a is', a)", "c"]) if i == 0 else None
            hook(isolate=True)
            print("went on with", a)
    ''')
    t.expect("a is [0]")
    t.expect("went on with []")
    t.prompt()
    assert t.run("a") == "[]"
    t.key("C-d")
    ended(t)
