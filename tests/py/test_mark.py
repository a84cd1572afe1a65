"""mark and rewind: the whole process as it was at a prompt."""

import copy
import os
import random
import re
import signal

import pytest

from family import ended, gone, pid, session
from terminal import THREAD_PS1

PROGRAM = '''
    import sys
    from hooking import hook
    a = []
    def step(n):
        hook()
        a.append(n)
        print("step", n, "a is", a)
    for n in range(3):
        step(n)
    print("end", input("? "))
    sys.exit(5)
'''


def finish(t, status=5):
    t.expect("? ")
    t.line("read")
    t.expect("end read")
    ended(t, status)


def go_on(t, said):
    t.key("C-d")
    t.expect(said)
    t.ready()


# Going back ---------------------------------------------------------------------------------------------------------

def test_back_as_often_as_wanted(opened):
    t = opened()
    assert t.run("mark").startswith('marked: "rewind" comes back here')
    for times in range(3):
        t.run(f"a.append('changed {times}')")
        go_on(t, f"step 0 a is ['changed {times}', 0]")
        go_on(t, f"step 1 a is ['changed {times}', 0, 1]")
        assert t.run("n") == "2"
        assert t.run("rewind").startswith("back at the mark")
        assert t.run("a, n") == "([], 0)"
    go_on(t, "step 0 a is [0]")
    go_on(t, "step 1 a is [0, 1]")
    t.key("C-d")
    t.expect("step 2 a is [0, 1, 2]")
    finish(t)


def test_several_by_name(opened):
    t = opened()
    assert '"rewind one"' in t.run("mark one")
    t.run("a.append('x')")
    t.run("mark two")
    go_on(t, "step 0 a is ['x', 0]")
    t.run("mark three")
    t.run("a.append('y')")
    assert "back at the mark two" in t.run("rewind two")
    assert t.run("a") == "['x']"
    go_on(t, "step 0 a is ['x', 0]")
    assert "back at the mark one" in t.run("rewind one")
    assert t.run("a") == "[]"
    t.line("abort 4")
    ended(t, 4)


def test_names_that_are_not_there(opened):
    t = opened()
    assert t.run("rewind") == 'there is no mark: "mark" makes one'
    assert t.run("rewind one") == 'there is no mark: "mark" makes one'
    t.run("mark one")
    assert t.run("rewind two") == 'there is no mark "two", but: rewind one'
    t.run("mark two")
    assert t.run("rewind three") == 'there is no mark "three"; there are: two, one'
    assert t.run("mark two words") == "usage: mark [--force] [NAME]"
    assert t.run("rewind two words") == "usage: rewind [NAME]"
    t.line("abort 0")
    ended(t)


def test_marks_of_an_abandoned_future_are_gone(opened):
    t = opened()
    t.run("mark one")
    t.run("mark two")
    t.run("mark three")
    assert len(session(t)) == 4
    t.run("rewind one")
    t.until(lambda: len(session(t)) == 2, "the others to end")
    assert t.run("rewind two") == 'there is no mark "two", but: rewind one'
    t.run("mark four")
    t.run("rewind four")
    assert t.run("rewind two") == 'there is no mark "two"; there are: four, one'
    t.line("abort 0")
    ended(t)


def test_a_name_that_is_given_again(opened):
    t = opened()
    t.run("mark")
    t.run("a.append(1)")
    t.run("mark")
    t.run("a.append(2)")
    t.run("rewind")
    assert t.run("a") == "[1]"
    t.line("abort 0")
    ended(t)


def test_what_is_typed_at_the_prompt_itself_is_remembered(opened):
    t = opened()
    t.run("mine = 1")
    t.run("def f():\n    return mine")
    t.run("mark")
    t.run("mine = 2; del f")
    t.run("rewind")
    assert t.run("f(), mine") == "(1, 1)"
    t.line("abort 0")
    ended(t)


def test_in_the_frame_of_a_caller(opened):
    t = opened()
    t.run("up")
    t.run("mark")
    t.run("down")
    t.run("rewind")
    assert "<module>" in t.run("frame")
    t.line("abort 0")
    ended(t)


def test_the_history_is_not_forgotten(opened):
    t = opened()
    t.run("mark")
    t.run("'typed after it'")
    t.run("rewind")
    t.key("Up", "Up")
    t.until(lambda: t.left_of_cursor().endswith("'typed after it'"), "the entry")
    t.key("Enter")
    t.prompt()
    with open(t.path.parent / "home" / "state" / "hooking" / "history", encoding="utf-8") as file:
        assert "'typed after it'" in file.read()
    t.line("abort 0")
    ended(t)


def test_the_terminal_is_as_it_was(opened):
    t = opened()
    t.run("mark")
    t.run("import termios, tty, sys")
    t.run("mode = termios.tcgetattr(0); mode[3] &= ~termios.ECHO; termios.tcsetattr(0, termios.TCSANOW, mode)")
    t.line("rewind")
    t.expect("back at the mark")
    t.settle().ready()
    t.line("input('now' + '? ')")
    t.expect("now? ")
    assert t.echoes()
    t.line("yes")
    t.ready()
    t.line("abort 0")
    ended(t)


def test_files_stay_as_they_are(opened, tmp_path):
    t = opened()
    t.run("mark")
    t.run("with open('file', 'w') as f:\n    f.write('written')")
    assert "files stay as they are" in t.run("rewind")
    assert (tmp_path / "file").read_text() == "written"
    t.line("abort 0")
    ended(t)


def test_nothing_is_printed_twice(opened, tmp_path):
    out = tmp_path / "out"
    with open(out, "wb") as file:
        t = opened('''
            import atexit
            from hooking import hook
            atexit.register(print, "atexit")
            print("one", end=" ")
            hook()
            print("two", end=" ")
            hook()
            print("three", end=" ")
        ''', stdout=file)
        t.run("mark")
        t.key("C-d")
        t.ready()
        t.run("rewind")
        t.key("C-d")
        t.ready()
        t.key("C-d")
        ended(t)
    assert out.read_text() == "one two two three atexit\n"


def test_random_numbers_come_again(opened):
    t = opened("import random\nfrom hooking import hook\nrandom.seed(1)\nhook()\n")
    t.run("mark")
    first = t.run("random.random()")
    assert first == repr(__import__("random").Random(1).random())
    t.run("rewind")
    assert t.run("random.random()") == first
    t.line("abort 0")
    ended(t)


def test_rewind_within_a_console_within_a_console(opened):
    t = opened()
    t.run("mark")
    t.run("a.append(1)")
    t.line("step(7)")
    t.ready()
    t.run("mark inner")
    assert t.run("n") == "7"
    t.key("C-d")
    t.expect("step 7 a is [1, 7]")
    t.ready()
    t.run("rewind inner")
    assert t.run("n, a") == "(7, [1])"
    t.run("rewind")
    assert t.run("n, a") == "(0, [])"
    t.line("abort 0")
    ended(t)


def test_what_the_program_forks_has_no_marks(opened):
    t = opened('''
        import os
        from hooking import hook
        hook()
        child = os.fork()
        if child == 0:
            hook()
            os._exit(4)
        print("child", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        hook()
    ''')
    t.run("mark")
    t.key("C-d")
    t.ready()
    assert t.run("rewind") == 'there is no mark: "mark" makes one'
    t.key("C-d")
    t.expect("child 4")
    t.ready()
    t.run("rewind")
    assert "child" not in t.run("dir()")
    t.line("abort 0")
    ended(t)


# The end ------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGKILL])
def test_a_signal_to_the_first_process(opened, number):
    t = opened()
    t.run("mark one")
    t.run("mark two")
    t.key("C-d")
    t.expect("step 0")
    t.ready()
    t.signal(number)
    assert t.end() == -number
    gone(t)


def test_a_signal_that_the_program_handles(opened):
    t = opened('''
        import os, signal, time
        from hooking import hook
        seen = []
        signal.signal(signal.SIGUSR1, lambda *a: seen.append(os.getpid()))
        hook()
        print("wait" + "ing", flush=True)
        while not seen: time.sleep(0.01)
        print("handled in", *seen)
    ''')
    t.run("mark one")
    t.run("mark two")
    t.run("rewind one")
    t.run("mark three")
    now = pid(t)
    t.key("C-d")
    t.expect("waiting")
    t.signal(signal.SIGUSR1)
    t.expect(f"handled in {now}")
    ended(t)


def test_the_program_dies_of_a_signal(opened):
    t = opened()
    t.run("mark")
    t.run("import os, signal")
    t.line("os.kill(os.getpid(), signal.SIGKILL)")
    assert t.end() == -signal.SIGKILL
    gone(t)


@pytest.mark.parametrize("isolate", [False, True])
def test_the_terminal_goes_away(opened, isolate):
    """The one that waits is the leader of the session, and the only one that is sent SIGHUP: it passes that on, unless
    the prompt has found the end of its input before."""
    t = opened(f"from hooking import hook\nhook(isolate={isolate})\n")
    t.run("mark one")
    t.run("mark two")
    t.close_terminal()
    assert t.process.wait(20) in (-signal.SIGHUP, 0)
    gone(t)


def test_killing_one_in_between(opened):
    t = opened()
    t.run("mark one")
    between = pid(t)
    t.run("mark two")
    os.kill(between, signal.SIGKILL)
    assert t.end() == -signal.SIGKILL
    gone(t)


def test_ctrl_c(opened):
    t = opened()
    t.run("mark")
    t.line("import time; print('sta' + 'rted'); [time.sleep(0.1) for _ in range(999)]")
    t.expect("started")
    t.key("C-c")
    t.expect("KeyboardInterrupt")
    t.settle().ready()
    t.line("rewind")
    t.expect("back at the mark")
    t.ready()
    t.type("half").key("C-c")
    assert "KeyboardInterrupt" in t.prompt()
    t.line("abort 3")
    ended(t, 3)


def stopped(t, times):
    t.until(lambda: len(re.findall(r"\[shell\] stopped$", t.text(), re.M)) == times, "the shell's message")


def test_ctrl_z_and_fg(terminal):
    t = terminal(PROGRAM, job_control=True)
    t.prompt()
    t.run("mark one")
    t.run("mark two")
    for times in range(1, 4):
        t.key("C-z")
        stopped(t, times)
        assert t.echoes()
        t.line()
        t.ready()
        t.run(f"rewind {('one', 'two')[times % 2]}") if times < 3 else None
    t.line("abort 3")
    assert t.end() == 3


def test_an_uncaught_exception(opened):
    t = opened("from hooking import hook\nhook()\n1 / 0\n")
    t.run("mark")
    t.key("C-d")
    t.expect("ZeroDivisionError")
    ended(t, 1)


# With isolated prompts ----------------------------------------------------------------------------------------------

ISOLATED = PROGRAM.replace("hook()", "hook(isolate=n > 0)")


def test_a_mark_before_an_isolated_prompt(opened):
    t = opened(ISOLATED)
    t.run("mark")
    go_on(t, "step 0 a is [0]")
    t.run("a.append('isolated')")
    t.run("rewind")
    assert t.run("a, n") == "([], 0)"
    go_on(t, "step 0 a is [0]")
    t.run("a.append('isolated')")
    go_on(t, "step 1 a is [0, 1]")
    t.run("rewind")
    assert t.run("a, n") == "([], 0)"
    t.line("abort 0")
    ended(t)


def test_a_mark_before_a_commit(opened):
    t = opened(ISOLATED)
    t.run("mark")
    go_on(t, "step 0 a is [0]")
    t.run("a.append('kept')")
    t.line("commit")
    t.expect("step 1 a is [0, 'kept', 1]")
    t.ready()
    t.run("rewind")
    assert t.run("a, n") == "([], 0)"
    go_on(t, "step 0 a is [0]")
    go_on(t, "step 1 a is [0, 1]")
    t.key("C-d")
    t.expect("step 2 a is [0, 1, 2]")
    finish(t)


def test_a_mark_at_an_isolated_prompt(opened):
    t = opened(ISOLATED)
    go_on(t, "step 0 a is [0]")
    t.run("a.append('isolated')")
    t.run("mark")
    t.run("a.append('more')")
    t.run("rewind")
    assert t.run("a") == "[0, 'isolated']"
    go_on(t, "step 1 a is [0, 1]")
    assert t.run("rewind") == 'there is no mark: "mark" makes one'
    t.key("C-d")
    t.expect("step 2 a is [0, 1, 2]")
    finish(t)


@pytest.mark.parametrize("marks", [1, 2])
def test_back_to_before_a_commit_at_the_same_prompt(opened, marks):
    """The commit is undone too: the prompt is isolated again."""
    t = opened(ISOLATED)
    go_on(t, "step 0 a is [0]")
    t.run("a.append('isolated')")
    for _ in range(marks):
        t.run("mark")
    t.line("commit")
    t.expect("step 1 a is [0, 'isolated', 1]")
    t.ready()
    t.run("rewind")
    assert t.run("a, n") == "([0, 'isolated'], 1)"
    go_on(t, "step 1 a is [0, 1]")
    t.key("C-d")
    t.expect("step 2 a is [0, 1, 2]")
    finish(t)


def test_commit_after_a_rewind(opened):
    t = opened(ISOLATED)
    go_on(t, "step 0 a is [0]")
    t.run("mark")
    t.line("commit")
    t.expect("step 1")
    t.ready()
    t.run("rewind")
    t.run("a.append('again')")
    t.line("commit")
    t.expect("step 1 a is [0, 'again', 1]")
    t.ready()
    t.line("commit")
    t.expect("step 2 a is [0, 'again', 1, 2]")
    finish(t)


def test_isolated_in_a_marked_in_an_isolated(opened):
    t = opened(ISOLATED)
    go_on(t, "step 0 a is [0]")
    t.run("a.append('outer')")
    t.run("mark")
    t.line("step(9)")
    t.ready()
    t.run("a.append('inner')")
    t.line("commit")
    t.expect("step 9 a is [0, 'outer', 'inner', 9]")
    t.ready()
    assert t.run("n") == "1"
    t.run("rewind")
    assert t.run("a") == "[0, 'outer']"
    go_on(t, "step 1 a is [0, 1]")
    t.key("C-d")
    t.expect("step 2 a is [0, 1, 2]")
    finish(t)


class Model:
    """What should be there after any sequence of commands: the list, and how many processes."""

    def __init__(self):
        self.items, self.processes, self.outer, self.marks = [], 1, [], {}

    def mark(self, name):
        self.processes += 1
        self.marks.pop(name, None)
        self.marks[name] = copy.deepcopy(self)

    def rewind(self, name):
        there = copy.deepcopy(self.marks[name])
        self.__dict__ = there.__dict__
        self.marks[name] = copy.deepcopy(self)

    def enter(self):
        self.outer.append((list(self.items), self.processes, copy.deepcopy(self.marks)))
        self.processes += 1

    def leave(self):
        self.items, self.processes, self.marks = self.outer.pop()

    def commit(self):
        self.outer.pop()


@pytest.mark.parametrize("seed", range(4))
def test_any_sequence(opened, seed):
    t = opened('''
        import asyncio, random, subprocess, threading
        from hooking import hook
        items = []
        def enter():
            hook(isolate=True)
        hook()
    ''')
    chance, model = random.Random(seed), Model()
    t.run("mark base")
    model.mark("base")
    for number in range(25):
        what = chance.choice(["append", "mark", "rewind", "enter"] + ["leave", "commit"] * bool(model.outer))
        if what == "append":
            t.run(f"items.append({number})")
            model.items.append(number)
        elif what == "mark":
            name = chance.choice("xyz")
            assert t.run(f"mark {name}").startswith("marked")
            model.mark(name)
        elif what == "rewind":
            name = chance.choice(sorted(model.marks))
            assert "back at the mark" in t.run(f"rewind {name}")
            model.rewind(name)
        elif what == "enter":
            assert "Isolated" in t.run("enter()")
            model.enter()
        elif what == "leave":
            t.key("C-d")
            t.ready()
            model.leave()
        else:
            assert "committed" in t.run("commit")
            model.commit()
        assert t.run("items") == repr(model.items), what
        t.until(lambda: len(session(t)) == model.processes, f"{model.processes} processes after {what}")
    t.run("rewind base")
    t.line("abort 4")
    ended(t, 4)


def test_in_an_asyncio_program(opened):
    t = opened('''
        import asyncio
        from hooking import hook
        async def work(n):
            async with asyncio.timeout(20):
                await asyncio.sleep(0)
                hook()
                await asyncio.sleep(0.01)
            return n
        async def main():
            print("got", await asyncio.gather(*map(work, range(2))))
            print("tasks", len(asyncio.all_tasks()))
        asyncio.run(main())
    ''')
    t.run("mark")
    t.key("C-d")
    t.ready()
    assert t.run("n") == "1"
    t.run("rewind")
    assert t.run("n") == "0"
    assert t.run("asyncio.current_task() in asyncio.all_tasks(), len(asyncio.all_tasks())") == "(True, 3)"
    t.key("C-d")
    t.ready()
    t.key("C-d")
    t.expect("got [0, 1]")
    t.expect("tasks 1")
    ended(t)


# Refused ------------------------------------------------------------------------------------------------------------

def test_threads_are_refused_unless_forced(opened):
    t = opened('''
        import threading
        from hooking import hook
        stop = threading.Event()
        threading.Thread(target=stop.wait, name="worker", daemon=True).start()
        hook()
        print("end", threading.active_count())
    ''')
    said = t.run("mark here").replace("\n", "")
    assert said.startswith("not marked: other threads run") and "worker" in said and "mark --force" in said
    assert t.run("rewind here") == 'there is no mark: "mark" makes one'
    assert "rewind here" in t.run("mark --force here")
    t.run("x = 1")
    t.run("rewind here")
    t.key("C-d")
    t.expect("end 1")
    ended(t)


def test_at_the_prompt_of_a_thread(opened):
    """It is the main thread of what goes on; the one that waited for it is not there."""
    t = opened('''
        import threading
        from hooking import hook
        def work():
            hook()
            print("went on", threading.current_thread() is threading.main_thread())
        worker = threading.Thread(target=work, name="worker")
        worker.start()
        worker.join()
    ''')
    assert "MainThread" in t.run("mark", THREAD_PS1)
    t.run("mark --force")
    t.line("import time; print('sta' + 'rted'); [time.sleep(0.1) for _ in range(999)]")
    t.expect("started")
    t.key("C-c")
    t.expect("KeyboardInterrupt")
    t.settle().ready()
    t.run("x = 1")
    t.run("rewind")
    assert t.run("'x' in dir()") == "False"
    t.key("C-d")
    t.expect("went on True")
    ended(t)


def test_children_are_refused_unless_forced(opened):
    t = opened('''
        import subprocess
        from hooking import hook
        child = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
        hook()
        child.stdin.close()
        print("end")
    ''')
    said = t.run("mark").replace("\n", "")
    assert said.startswith("not marked: ") and t.run("child.pid") in said and "mark --force" in said
    t.key("C-d")
    t.expect("end")
    ended(t)


def test_where_no_process_can_be_made(opened):
    t = opened('''
        import sys
        from hooking import hook
        refused = True
        @sys.addaudithook
        def refuse(event, args):
            if event == "os.fork" and refused: raise OSError(11, "Resource temporarily unavailable")
        a = []
        hook(overwrite_locals=True)
        print("end", a)
    ''')
    assert "Resource temporarily unavailable" in t.run("mark")
    assert t.run("rewind") == 'there is no mark: "mark" makes one'
    t.key("C-d")
    t.expect("end []")
    ended(t)


def test_where_no_further_process_can_be_made(opened):
    """The mark itself goes on then: the program is not lost."""
    t = opened('''
        import os, sys
        from hooking import hook
        @sys.addaudithook
        def refuse(event, args):
            if event == "os.fork" and os.path.exists("full"):
                raise OSError(11, "Resource temporarily unavailable")
        a = []
        hook()
        print("end", a)
    ''')
    t.run("mark")
    t.run("a.append(1)")
    t.run("open('full', 'w').close()")
    said = t.run("rewind").replace("\n", "")
    assert "for the last time" in said and "Resource temporarily unavailable" in said
    assert t.run("a") == "[]"
    assert t.run("rewind") == 'there is no mark: "mark" makes one'
    t.key("C-d")
    t.expect("end []")
    ended(t)


def test_inputs_that_are_written_down_are_taken_once(terminal):
    t = terminal('''
        from hooking import hook, _core
        a = []
        _core._feed(["mark", "a.append(1)", "rewind", "print('a is', a)", "c"])
        hook()
        print("end")
    ''')
    t.expect("a is []")
    t.expect("end")
    ended(t)
