"""`await ahook()`: a console in a coroutine while the event loop goes on."""

import importlib.util
import re
import signal
import socket
import sys

import pytest

import hooking
from conftest import source

WAITING = re.compile(r"^[^>\n]*\[([^\]\n]*) waits for this console: (a?hook)\(\) at [^\n]*\]", re.M)

TICKING = '''
    import asyncio, contextvars, signal, sys, threading, time
    from hooking import ahook, hook
    ticks = 0
    variable = contextvars.ContextVar("variable", default="of nobody")
    async def tick():
        global ticks
        while True:
            ticks += 1
            await asyncio.sleep(0.001)
    async def main(x):
        loop, task, handler = asyncio.get_running_loop(), asyncio.current_task(), signal.getsignal(signal.SIGINT)
        ticker = asyncio.create_task(tick())
        variable.set("of the task")
        future = loop.create_future()
        await ahook(overwrite_locals=True)
        before = ticks
        await asyncio.sleep(0.02)
        print("others go on", ticks > before, "handler", signal.getsignal(signal.SIGINT) is handler)
        print("x", x, "variable", variable.get(), "cancelling", task.cancelling(), "tasks", len(asyncio.all_tasks()))
        print("threads", threading.active_count())
        ticker.cancel()
    asyncio.run(main("X"))
    print("end")
'''


# What is printed when the statement waits for what comes behind it.
AWAITED = "asyncio.get_running_loop().call_soon(print, 'sta' + 'rted') and None"


def unharmed(t, x="X", variable="of the task", tasks=2):
    assert t.leave() == (f"others go on True handler True\nx {x} variable {variable} cancelling 0 tasks {tasks}\n"
                         "threads 1\nend")
    assert t.end() == 0


@pytest.fixture
def ticking(terminal):
    t = terminal(TICKING, options=["-W", "default::ResourceWarning"])
    t.prompt()
    return t


# The loop goes on --------------------------------------------------------------------------------------------------

def grows(t):
    """The ticker ticks from one statement to the next, and while the user takes the time to type one."""
    first = int(t.run("ticks"))
    for _ in range(1000):
        if int(t.run("ticks")) > first + 2:
            return True
    return False


def test_other_tasks_run_while_the_user_types(ticking):
    assert grows(ticking)
    unharmed(ticking)


def test_a_server_answers_while_the_prompt_waits(terminal):
    t = terminal('''
        import asyncio, os, socket
        from hooking import ahook
        async def answer(reader, writer):
            writer.write(b"answer to " + await reader.readline())
            writer.close()
        async def main():
            server = await asyncio.start_unix_server(answer, "socket")
            await ahook()
            server.close()
        asyncio.run(main())
        print("end")
    ''')
    t.prompt()
    t.type("half a li")
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(20)
        client.connect(str(t.path.parent / "socket"))
        client.sendall(b"a request\n")
        assert client.recv(100) == b"answer to a request\n"
    assert "NameError" in t.key("C-u").run("half_a_line")
    assert t.leave() == "end"
    assert t.end() == 0


def test_a_statement_runs_in_the_loops_thread_as_part_of_the_task(ticking):
    ticking.play('''
        >>> asyncio.current_task() is task, asyncio.get_running_loop() is loop
        (True, True)
        >>> threading.current_thread() is threading.main_thread(), threading.active_count()
        (True, 1)
        >>> variable.get()
        'of the task'
        >>> token = variable.set("typed")
        >>> x = [x for _ in range(2)]
        >>>
    ''')
    unharmed(ticking, ["X", "X"], "typed")


def test_the_thread_of_the_prompt_is_not_seen(ticking):
    ticking.run("seen = []")
    ticking.run("async def look():\n    while True:\n        seen.append(len(threading.enumerate()))\n"
                "        await asyncio.sleep(0.001)")
    ticking.run("looker = asyncio.create_task(look())")
    ticking.until(lambda: ticking.run("len(seen) > 3") == "True", "a look")
    assert ticking.run("set(seen)") == "{1}"
    ticking.run("looker.cancel() and None")
    ticking.run("await asyncio.wait([looker])")
    unharmed(ticking)


def test_commands(ticking):
    assert "program.py" in ticking.run("where")
    assert "'X'" in ticking.run("locals")
    assert ticking.run("pp x") == "'X'"
    assert "no command" in ticking.run("%nonsense")
    assert ticking.run("task?") != ""
    unharmed(ticking)


def test_tab_while_the_loop_runs(ticking):
    ticking.type("tick").key("Tab", "Tab")
    ticking.above("tick    ticker  ticks")
    ticking.type("s > 0").key("Enter")
    ticking.above("True")
    ticking.ready()
    assert ticking.type("variable.g").key("Tab").type("()").key("Enter").prompt() == "'of the task'"
    unharmed(ticking)


def test_blocks_and_dropped_blocks(ticking):
    assert ticking.run("for i in range(2):\n    print(i)") == "0\n1"
    ticking.line("for i in range(2):")
    ticking.prompt("... ")
    ticking.key("C-u", "C-d")
    ticking.prompt()
    unharmed(ticking)


def test_in_plain_mode_a_block_is_read_line_by_line(terminal):
    t = terminal(TICKING, env={"HOOKING_PLAIN": "1"})
    t.prompt()
    t.line("for i in range(2):")
    t.prompt("... ")
    t.line("    print('i', i)")
    t.prompt("... ")
    t.line("")
    assert t.prompt() == "i 0\ni 1"
    unharmed(t)


def test_output_of_other_tasks_appears_above(ticking):
    ticking.run("async def later(text):\n    await asyncio.sleep(0.01)\n    print(text)")
    ticking.line("helper = asyncio.create_task(later('from a ' + 'task'))")
    ticking.prompt()
    ticking.above("from a task")
    ticking.run("import logging; logging.basicConfig(format='%(message)s')")
    ticking.line("loop.call_later(0.05, logging.warning, 'from ' + 'logging') and None")
    ticking.prompt()
    ticking.type("1 + 2")
    ticking.above("from logging")
    ticking.until(lambda: ticking.left_of_cursor() == ">>> 1 + 2", "the line again")
    ticking.key("Enter").above("3")
    ticking.ready()
    unharmed(ticking)


def test_much_output_of_other_tasks(opened):
    """Nothing is lost, and nothing stands behind a prompt. (Unbuffered, a line is written in parts, and a prompt may
    come in between.)"""
    ticking = opened(TICKING, env={"PYTHONUNBUFFERED": None})
    ticking.run("async def talk():\n    for i in range(300):\n        print('line', i)\n        await asyncio.sleep(0)")
    ticking.line("talker = asyncio.create_task(talk())")
    ticking.prompt()
    for i in range(20):
        ticking.type(f"{i} + 0").key("Enter")
    ticking.until(lambda: "line 299" in ticking.text(), "all of it")
    ticking.settle()
    shown = [int(n) for n in re.findall(r"^line (\d+)$", ticking.text(), re.M)]
    assert shown == list(range(300))
    ticking.ready()
    unharmed(ticking)


# await -------------------------------------------------------------------------------------------------------------

def test_await_is_one_of_the_task(ticking):
    ticking.run("async def who(): return asyncio.current_task()")
    ticking.run("async def change():\n    variable.set('changed')\n    await asyncio.sleep(0.01)\n    return ticks")
    ticking.play('''
        >>> await who() is task
        True
        >>> await asyncio.sleep(0.01, x)
        'X'
        >>> x = await asyncio.sleep(0, "new")
        >>> before = ticks
        >>> await change() > before
        True
        >>> variable.get()
        'changed'
        >>> [await asyncio.sleep(0.001, i) for i in range(3)]
        [0, 1, 2]
        >>> _
        [0, 1, 2]
        >>> await asyncio.gather(*(asyncio.sleep(0.001, i) for i in range(3)))
        [0, 1, 2]
        >>> loop.call_later(0.01, future.set_result, "result") and None
        >>> await future
        'result'
        >>> from math import *; await asyncio.sleep(0.001, floor(1.5)); from cmath import *
        1
        >>>
    ''')
    unharmed(ticking, "new", "changed")


def test_errors_of_an_await(ticking):
    ticking.run("async def bad():\n    await asyncio.sleep(0)\n    1 / 0")
    shown = ticking.run("await bad()")
    files = re.findall(r'File "([^"]*)", line (\d+), in (\S+)', shown)
    assert [(line, name) for _, line, name in files] == [("1", "<module>"), ("3", "bad")]
    assert shown.endswith("ZeroDivisionError: division by zero")
    assert "TypeError" in ticking.run("await 3")
    assert "TimeoutError" in ticking.run("await asyncio.wait_for(asyncio.sleep(100), 0.01)")
    assert "TimeoutError" in ticking.run("async with asyncio.timeout(0.01):\n    await asyncio.sleep(100)")
    ticking.run("other = asyncio.create_task(asyncio.sleep(100)); other.cancel() and None")
    assert "CancelledError" in ticking.run("await other")
    assert "SystemExit" not in ticking.run("await asyncio.sleep(0, 'alive')")
    unharmed(ticking)


def test_exit_in_an_await(ticking):
    ticking.run("async def leave():\n    await asyncio.sleep(0)\n    exit()")
    ticking.line("await leave()")
    ticking.expect("the program goes on")
    ticking.expect("x X variable of the task cancelling 0 tasks 2")
    assert ticking.end() == 0


def test_an_await_in_a_command(ticking):
    assert ticking.run("pp await asyncio.sleep(0.01, [1])") == "[1]"
    unharmed(ticking)


def test_stdout_is_the_programs_while_others_run(terminal):
    t = terminal('''
        import asyncio, io, sys
        from hooking import ahook
        async def other():
            while True:
                print("of the other")
                await asyncio.sleep(0.001)
        async def main():
            task = asyncio.create_task(other())
            await ahook()
            task.cancel()
        sys.stdout = kept = io.StringIO()
        asyncio.run(main())
        sys.stdout = sys.__stdout__
        print("end", sorted(set(kept.getvalue().split("\\n"))))
    ''')
    t.prompt()
    assert t.run("print('typed'); await asyncio.sleep(0.02); print('too')") == "typed\ntoo"
    assert t.leave() == "end ['', 'of the other']"
    assert t.end() == 0


# Ctrl-C, Ctrl-Z ----------------------------------------------------------------------------------------------------

def test_ctrl_c_at_the_prompt_clears_the_line(ticking):
    ticking.type("half").key("C-c")
    assert "KeyboardInterrupt" in ticking.prompt()
    for _ in range(20):
        ticking.key("C-c")
        ticking.prompt()
    unharmed(ticking)


def test_ctrl_c_interrupts_a_statement(ticking):
    for statement in ("[time.sleep(0.1) for _ in range(999)]", "[None for _ in iter(int, 1)]"):
        ticking.line(f"print('sta' + 'rted'); {statement}")
        ticking.expect("started")
        ticking.key("C-c")
        ticking.expect(re.compile("^KeyboardInterrupt", re.M))
        ticking.prompt()
    unharmed(ticking)


def test_ctrl_c_cancels_the_await_and_nothing_else(ticking):
    for statement in ("await asyncio.sleep(100)", "[await asyncio.sleep(0.01) for _ in range(99999)]",
                      "await loop.create_future()", "await asyncio.gather(asyncio.sleep(100), asyncio.sleep(100))"):
        ticking.line(f"{AWAITED}; {statement}")
        ticking.expect("started")
        ticking.key("C-c")
        ticking.expect(re.compile(r"^(\^C)?KeyboardInterrupt$", re.M))
        ticking.prompt()
        assert ticking.run("task.cancelling()") == "0"
    assert ticking.run("await asyncio.sleep(0.01, 'alive')") == "'alive'"
    unharmed(ticking)


def test_ctrl_c_in_a_step_of_an_await(ticking):
    ticking.run("async def spin():\n    await asyncio.sleep(0.01)\n    print('sta' + 'rted')\n    while True: pass")
    ticking.line("await spin()")
    ticking.expect("started")
    ticking.key("C-c")
    ticking.expect(re.compile("^(\\^C)?KeyboardInterrupt", re.M))
    ticking.prompt()
    unharmed(ticking)


def test_ctrl_c_while_the_next_prompt_is_made(ticking):
    """The input is over, and it is not for the task that awaits ahook()."""
    ticking.run("def create(real=loop.create_future, calls=[]):\n    calls.append(1)\n    if len(calls) == 1:\n"
                "        print('sta' + 'rted')\n        [time.sleep(0.05) for _ in range(20)]\n    return real()")
    ticking.line("loop.create_future = create")
    ticking.expect("started")
    ticking.key("C-c")
    ticking.prompt()
    unharmed(ticking)


@pytest.mark.parametrize("where", ["main", "other"])
def test_ctrl_c_never_finds_the_programs_handler(terminal, where):
    """A coroutine that is stepped all the time, and threads that the signal may come to."""
    run = 'asyncio.run(main("X"))'
    other = "thread = threading.Thread(target=asyncio.run, args=(main('X'),)); thread.start(); thread.join()"
    threads = "for _ in range(4): threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()\n    "
    t = terminal(TICKING.replace(run, threads + (run if where == "main" else other)))
    ps1 = re.compile(">>> $")
    t.prompt(ps1)
    for _ in range(30):
        t.line(AWAITED + "; [await asyncio.sleep(0) for _ in iter(int, 1)]")
        t.expect("started")
        t.key("C-c")
        t.expect(re.compile(r"KeyboardInterrupt$", re.M))
        t.prompt(ps1)
    t.key("C-d")
    t.expect("x X variable of the task cancelling 0 tasks 2")
    t.expect("end")
    assert t.end() == 0


def test_what_the_await_does_about_ctrl_c(ticking):
    """It is cancelled as any coroutine is: it may clean up, and may even refuse."""
    ticking.run("async def clean():\n    try: await asyncio.sleep(100)\n    finally:\n"
                "        await asyncio.sleep(0.01)\n        print('cleaned')")
    ticking.run("async def refuse():\n    try: await asyncio.sleep(100)\n    except asyncio.CancelledError: pass")
    for name, says in (("clean", "cleaned\nKeyboardInterrupt"), ("refuse", "KeyboardInterrupt")):
        ticking.line(f"{AWAITED}; await {name}()")
        ticking.expect("started\n")
        ticking.key("C-c")
        assert ticking.prompt().replace("^C", "").removeprefix("started\n") == says
    unharmed(ticking)


def test_ctrl_c_within_a_timeout_and_a_group_of_the_prompt(ticking):
    ticking.line("async with asyncio.timeout(100), asyncio.TaskGroup() as group:\n")
    ticking.prompt("... ")
    ticking.further_line("    " + AWAITED + "; member = group.create_task(asyncio.sleep(100))")
    ticking.prompt("... ")
    ticking.further_line("    await asyncio.sleep(100)")
    ticking.prompt("... ")
    ticking.line()
    ticking.expect("started")
    ticking.key("C-c")
    ticking.expect(re.compile(r"^(\^C)?KeyboardInterrupt$", re.M))
    ticking.prompt()
    assert ticking.run("member.cancelled()") == "True"
    unharmed(ticking)


def test_ctrl_c_with_a_signal_handler_of_the_loop(terminal):
    """loop.add_signal_handler() hears of signals through the wakeup descriptor."""
    t = terminal('''
        import asyncio, signal
        from hooking import ahook
        async def main():
            loop = asyncio.get_running_loop()
            for number in (signal.SIGINT, signal.SIGUSR1):
                loop.add_signal_handler(number, print, "the program's", signal.Signals(number).name)
            await ahook()
            signal.raise_signal(signal.SIGINT)
            await asyncio.sleep(0.01)
        asyncio.run(main())
        print("end")
    ''')
    t.prompt()
    t.line(AWAITED + "; await asyncio.sleep(100)")
    t.expect("started")
    t.signal(signal.SIGUSR1)
    t.expect("the program's SIGUSR1")
    t.key("C-c")
    t.expect(re.compile(r"^(\^C)?KeyboardInterrupt$", re.M))
    t.prompt()
    t.signal(signal.SIGUSR1)
    t.until(lambda: t.text().count("the program's SIGUSR1") == 2, "the second one")
    t.line("1 + 1").above("2").ready()
    assert "SIGINT" not in t.text()
    assert t.leave() == "the program's SIGINT\nend"


def test_ctrl_z(terminal):
    t = terminal(TICKING, job_control=True)
    t.prompt()
    t.type("1 + 2").key("C-z")
    t.expect("[shell] stopped")
    assert t.echoes()
    t.line("")
    t.until(lambda: t.left_of_cursor().endswith(">>> 1 + 2"), "the line again")
    t.key("Enter").above("3").ready()
    unharmed(t)


# Being cancelled ---------------------------------------------------------------------------------------------------

CANCELLED = '''
    import asyncio, sys, threading
    from hooking import ahook
    async def work():
        try:
            await ahook()
        except asyncio.CancelledError:
            print("cancelled", threading.active_count())
            raise
    async def main():
        task = asyncio.create_task(work(), name="worker")
        loop = asyncio.get_running_loop()
        go = asyncio.Event()
        await go.wait() if {wait} else await asyncio.sleep(0.3)
        task.cancel()
        print("result", await asyncio.gather(task, return_exceptions=True))
        print("tasks", len(asyncio.all_tasks()), "cancelling", task.cancelling())
        print("typed", input("? "))
    asyncio.run(main())
    print("end")
'''


def test_a_task_that_is_cancelled_at_the_prompt(terminal):
    t = terminal(CANCELLED.format(wait=False))
    t.prompt("[worker] >>> ")
    t.type("half a line")
    t.expect("the task was cancelled: the program goes on")
    t.expect("cancelled 1\nresult [CancelledError(")
    t.expect("tasks 1 cancelling 1")
    t.expect("? ")
    assert t.echoes()
    t.line("of the program")
    t.expect("typed of the program\nend")
    assert t.end() == 0


def test_a_task_that_is_cancelled_during_an_await(terminal):
    t = terminal(CANCELLED.format(wait=False).replace("0.3", "0.5"))
    t.prompt("[worker] >>> ")
    t.line("try: await asyncio.sleep(100)")
    t.prompt("... ")
    t.further_line("finally: print('cleaned ' + 'up')")
    t.prompt("... ")
    t.line()
    t.expect("cleaned up")
    t.expect("cancelled 1\nresult [CancelledError(")
    t.expect("? ")
    t.line("of the program")
    t.expect("typed of the program\nend")
    assert t.end() == 0


def test_a_timeout_around_it(terminal):
    t = terminal('''
        import asyncio
        from hooking import ahook
        async def main():
            try:
                async with asyncio.timeout(0.3):
                    await ahook()
            except TimeoutError:
                print("timed out", asyncio.current_task().cancelling())
            try:
                await asyncio.wait_for(ahook("once more"), 0.3)
            except TimeoutError:
                print("timed out too")
        asyncio.run(main())
        print("end")
    ''')
    t.prompt()
    t.expect("timed out 0\nonce more")
    t.expect("timed out too\nend")
    assert t.end() == 0
    assert t.echoes()


def test_the_end_of_the_main_task_ends_it(terminal):
    """asyncio.run() cancels what is left."""
    t = terminal('''
        import asyncio
        from hooking import ahook
        async def main():
            task = asyncio.create_task(ahook(), name="left")
            await asyncio.sleep(0.3)
            print("main ends")
        asyncio.run(main())
        print("typed", input("? "))
    ''')
    t.prompt("[left] >>> ")
    t.expect("? ")
    t.line("this")
    t.expect("typed this")
    assert t.end() == 0


def test_the_task_cancels_itself_at_the_prompt(ticking):
    ticking.line("task.cancel()")
    ticking.expect("the task was cancelled: the program goes on")
    assert ticking.end() == 1
    assert "CancelledError" in ticking.text()
    assert ticking.echoes()


def test_sigint_from_outside_is_the_programs(ticking):
    """asyncio.run() has it cancel the main task."""
    ticking.signal(signal.SIGINT)
    ticking.expect("the task was cancelled: the program goes on")
    assert ticking.end() == -signal.SIGINT
    assert ticking.echoes()


def test_a_loop_that_is_closed_under_it(terminal):
    t = terminal('''
        import asyncio, gc, sys
        from hooking import ahook
        async def work(): await ahook()
        loop = asyncio.new_event_loop()
        task = loop.create_task(work())
        loop.run_until_complete(asyncio.sleep(0.3))
        loop.close()
        del task
        gc.collect()
        print("typed", input("? "))
    ''')
    t.prompt()
    t.expect("? ")
    t.line("this")
    t.expect("typed this")
    assert t.end() == 0


@pytest.mark.parametrize("how", ["exit", "lambda status: os.kill(os.getpid(), 15)"])
def test_the_program_may_end_meanwhile(terminal, how):
    t = terminal('''
        import asyncio, os
        from hooking import ahook
        async def main():
            asyncio.get_running_loop().call_later(0.3, {how}, 3)
            await ahook()
        asyncio.run(main())
    '''.format(how=how))
    t.prompt()
    assert t.end() == (3 if how == "exit" else -15)
    assert t.echoes()


# Turns -------------------------------------------------------------------------------------------------------------

def test_tasks_take_turns(terminal):
    t = terminal('''
        import asyncio
        from hooking import ahook
        ticks = 0
        async def tick():
            global ticks
            while True:
                ticks += 1
                await asyncio.sleep(0.001)
        async def work(n):
            await ahook(f"console of {n}")
            return n
        async def main():
            ticker = asyncio.create_task(tick())
            print(await asyncio.gather(*(asyncio.create_task(work(n), name=f"worker {n}") for n in range(3))))
            ticker.cancel()
        asyncio.run(main())
        print("end")
    ''')
    for n in range(3):
        t.prompt(f"[worker {n}] >>> ")
        if n == 0:
            t.until(lambda: {who for who, _ in WAITING.findall(t.text())} == {"worker 1", "worker 2"}, "who waits")
            t.ready("[worker 0] >>> ")
        assert t.run("n", f"[worker {n}] >>> ") == str(n)
        before = int(t.run("ticks", f"[worker {n}] >>> "))
        t.until(lambda: int(t.run("ticks", f"[worker {n}] >>> ")) > before + 2, "ticks")
        t.key("C-d")
    t.expect("[0, 1, 2]\nend")
    assert t.end() == 0


def test_one_that_waits_may_be_cancelled(terminal):
    t = terminal('''
        import asyncio
        from hooking import ahook
        async def main():
            other = asyncio.create_task(ahook(), name="other")
            first = asyncio.create_task(ahook(), name="first")
            await asyncio.sleep(0.2)
            first.cancel()
            await asyncio.wait([first])
            print("first", first.cancelled())
            last = asyncio.create_task(ahook(), name="last")
            await asyncio.wait([other, last])
        asyncio.run(main())
        print("end")
    ''')
    t.prompt("[other] >>> ")
    t.above("first True")
    t.key("C-d")
    t.prompt("[last] >>> ")
    assert t.leave() == "end"


def test_a_hook_in_the_loops_thread_while_the_prompt_waits(terminal):
    """It would have to stop the loop, which the prompt needs."""
    t = terminal('''
        import asyncio, logging
        from hooking import ahook, hook
        logging.basicConfig(format="%(levelname)s %(name)s %(message)s")
        async def main():
            asyncio.get_running_loop().call_later(0.2, hook, None, False, "of.hook")
            await ahook()
        asyncio.run(main())
        print("end")
    ''')
    t.prompt()
    t.type("1 + 2")
    t.until(lambda: re.search(r"^WARNING of\.hook hook\(\) at .*waits at its prompt", t.text(), re.M), "a warning")
    assert t.key("Enter").prompt().endswith("3")
    assert t.leave() == "end"
    assert t.end() == 0


def test_a_hook_in_a_statement_and_in_an_await(ticking):
    ticking.run("def inner(y): hook('inner console'); return y")
    ticking.run("async def ainner(y):\n    await asyncio.sleep(0.001)\n    return inner(y)")
    ticking.run("async def awaited(y):\n    await ahook('inner console')\n    return y")
    for call in ("inner(2)", "await ainner(2)", "await awaited(2)"):
        ticking.line(call)
        assert "inner console" in ticking.prompt()
        assert ticking.run("y") == "2"
        ticking.key("C-d")
        assert ticking.prompt() == "2"
    assert ticking.run("x") == "'X'"
    unharmed(ticking)


@pytest.mark.parametrize("run", ["asyncio.run", "asyncio.new_event_loop().run_until_complete"])
def test_a_hook_of_another_task_during_an_await(opened, run):
    """The terminal is free, so it opens, and stops the loop as long as it is open."""
    ticking = opened(TICKING.replace("asyncio.run", run))
    ticking.run("def inner(y): hook('inner console')")
    ticking.line("loop.call_later(0.05, inner, 3) and None; await asyncio.sleep(0.1, 'slept')")
    assert "inner console" in ticking.prompt()
    assert ticking.run("y") == "3"
    ticking.line("print('sta' + 'rted'); [time.sleep(0.1) for _ in range(999)]")
    ticking.expect("started")
    ticking.key("C-c")
    ticking.expect(re.compile("^KeyboardInterrupt", re.M))
    ticking.prompt()
    ticking.key("C-d")
    assert ticking.prompt() == "'slept'"
    ticking.line(AWAITED + "; await asyncio.sleep(100)")
    ticking.expect("started")
    ticking.key("C-c")
    ticking.expect(re.compile(r"^(\^C)?KeyboardInterrupt$", re.M))
    ticking.prompt()
    unharmed(ticking)


def test_a_hook_in_another_thread_waits_its_turn(ticking):
    ticking.run("def work(): hook('of the thread')")
    ticking.run("thread = threading.Thread(target=work, name='T'); thread.start()")
    ticking.until(lambda: ("T", "hook") in WAITING.findall(ticking.text()), "who waits")
    ticking.ready()
    assert grows(ticking)
    ticking.key("C-d")
    assert "of the thread" in ticking.prompt("[T] >>> ")
    ticking.key("C-d")
    assert ticking.end() == 0
    assert re.search("^end$", ticking.text(), re.M)     # above or below the other's prompt


def test_it_waits_for_a_hook_in_another_thread(terminal):
    t = terminal('''
        import asyncio, threading
        from hooking import ahook, hook
        ticks = 0
        async def tick():
            global ticks
            while True:
                ticks += 1
                await asyncio.sleep(0.001)
        opened = threading.Event()
        def work():
            hook(when=lambda: opened.set() or True)
        async def main():
            ticker = asyncio.create_task(tick())
            thread = threading.Thread(target=work, name="T")
            thread.start()
            await asyncio.to_thread(opened.wait)
            await asyncio.sleep(0.2)
            await ahook("of the task")
            ticker.cancel()
        asyncio.run(main())
        print("end")
    ''')
    t.prompt("[T] >>> ")
    t.until(lambda: ("Task-1", "ahook") in WAITING.findall(t.text()), "who waits")
    t.ready("[T] >>> ")
    before = int(t.run("ticks", "[T] >>> "))
    t.until(lambda: int(t.run("ticks", "[T] >>> ")) > before, "ticks")
    t.key("C-d")
    assert "of the task" in t.prompt()
    assert t.leave() == "end"
    assert t.end() == 0


def test_a_loop_in_another_thread(terminal):
    t = terminal(TICKING.replace('asyncio.run(main("X"))', 'thread = threading.Thread(target=asyncio.run, '
                                 'args=(main("X"),), name="Looper"); thread.start(); thread.join()'))
    ps1 = "[Looper] >>> "
    t.prompt(ps1)
    assert t.run("x, asyncio.current_task() is task", ps1) == "('X', True)"
    assert t.run("threading.current_thread().name", ps1) == "'Looper'"
    assert t.run("await asyncio.sleep(0.01, 'slept')", ps1) == "'slept'"
    for statement in ("[time.sleep(0.01) for _ in range(99999)]", "await asyncio.sleep(100)",
                      "[await asyncio.sleep(0.01) for _ in range(99999)]"):
        t.line(f"print('sta' + 'rted'); {statement}")
        t.expect("started")
        t.key("C-c")
        t.expect(re.compile(r"^(\^C)?KeyboardInterrupt", re.M))
        t.prompt(ps1)
    t.type("half").key("C-c")
    t.prompt(ps1)
    t.key("C-d")
    t.expect("others go on True handler True\nx X variable of the task cancelling 0 tasks 2\nthreads 2\nend")
    assert t.end() == 0


# Around it ---------------------------------------------------------------------------------------------------------

def test_in_a_runner(terminal):
    t = terminal(TICKING.replace('asyncio.run(main("X"))', "with asyncio.Runner(debug=True) as runner:\n"
                                 '        runner.run(asyncio.sleep(0))\n        runner.run(main("X"))'))
    t.prompt()
    assert t.run("await asyncio.sleep(0.01, x)") == "'X'"
    t.line(AWAITED + "; await asyncio.sleep(100)")
    t.expect("started")
    t.key("C-c")
    t.expect(re.compile(r"^(\^C)?KeyboardInterrupt$", re.M))
    t.prompt()
    unharmed(t)


def test_in_a_loop_without_a_runner(terminal):
    t = terminal(TICKING.replace('asyncio.run(main("X"))', "loop = asyncio.new_event_loop()\n"
                                 '    loop.run_until_complete(main("X"))\n    loop.close()'))
    t.prompt()
    t.line(AWAITED + "; await asyncio.sleep(100)")
    t.expect("started")
    t.key("C-c")
    t.expect(re.compile(r"^(\^C)?KeyboardInterrupt$", re.M))
    t.prompt()
    unharmed(t)


def test_in_a_test_case(terminal):
    t = terminal('''
        import asyncio, unittest
        from hooking import ahook
        class Test(unittest.IsolatedAsyncioTestCase):
            async def asyncSetUp(self):
                self.value = 5
            async def test_it(self):
                await ahook()
                self.assertEqual(self.value, 6)
        unittest.main()
    ''')
    t.prompt()
    t.run("self.value = await asyncio.sleep(0.001, 6)")
    assert t.leave().endswith("OK")
    assert t.end() == 0


LOOPS = ["asyncio.SelectorEventLoop"] + ["uvloop.Loop"] * (importlib.util.find_spec("uvloop") is not None)


@pytest.mark.parametrize("loop", LOOPS)
def test_in_a_loop_of_the_programs_choice(terminal, loop):
    module = loop.partition(".")[0]
    t = terminal(TICKING.replace("asyncio.run(main", f"import {module}; asyncio.Runner(loop_factory={loop}).run(main"))
    t.prompt()
    assert module in t.run("type(loop).__module__")
    assert grows(t)
    assert t.run("await asyncio.sleep(0.01, x)") == "'X'"
    for statement in ("[time.sleep(0.1) for _ in range(999)]", "await asyncio.sleep(100)"):
        t.line(f"print('sta' + 'rted'); {statement}")
        t.expect("started")
        t.key("C-c")
        t.expect(re.compile(r"^(\^C)?KeyboardInterrupt", re.M))
        t.prompt()
    unharmed(t)


NO_LOOP = {
    "no loop at all": "coroutine = main()\ntry: coroutine.send(None)\nexcept StopIteration as end: print(end.value)",
    **({"trio": "import trio\nprint(trio.run(main))"} if importlib.util.find_spec("trio") else {}),
}


@pytest.mark.parametrize("how", NO_LOOP)
def test_without_a_loop_of_asyncios(terminal, how):
    t = terminal("import asyncio, logging\nfrom hooking import ahook\n"
                 "logging.basicConfig(format='%(levelname)s %(name)s %(message)s')\n"
                 "async def main():\n    await ahook(logger='here')\n    return 'main ends'\n"
                 + NO_LOOP[how] + "\nprint('end')\n")
    t.end()
    assert re.search(r"^WARNING here ahook\(\) at .*program\.py:5: not opened: .*asyncio.* hook\(\)", t.text(), re.M)
    assert t.text().endswith("main ends\nend")
    assert t.end() == 0


def test_where_there_is_no_terminal(terminal, tmp_path):
    t = terminal('''
        import asyncio, logging
        from hooking import ahook
        logging.basicConfig(format="%(levelname)s %(name)s %(message)s")
        asyncio.run(ahook())
        print("end")
    ''', stdin=0, controlling=False, stdout=None)
    assert t.end() == 0
    assert t.text().endswith("end")
    assert "WARNING root ahook() at" in t.text()


def test_a_replaced_input(terminal):
    """As in a notebook."""
    t = terminal('''
        import asyncio, builtins, sys, threading
        from hooking import ahook
        lines = iter(["x + 1", "await asyncio.sleep(0.01, x)", "threading.current_thread() is threading.main_thread()"])
        def replaced(prompt):
            try: return next(lines)
            except StopIteration: raise EOFError
        builtins.input = replaced
        async def main(x):
            await ahook()
            print("main ends")
        asyncio.run(main(5))
    ''', stdin=0, controlling=False)
    assert t.end() == 0
    assert "6\n5\nTrue\n\nmain ends" in t.text()


def test_a_replaced_input_that_does_not_return(terminal):
    """It cannot be ended, and is left to itself."""
    t = terminal('''
        import asyncio, builtins, threading, time
        from hooking import ahook
        def replaced(prompt):
            time.sleep(1000)
        builtins.input = replaced
        async def main():
            try:
                async with asyncio.timeout(0.2):
                    await ahook()
            except TimeoutError:
                print("timed out")
        asyncio.run(main())
    ''', stdin=0, controlling=False)
    assert t.end() == 0
    assert t.text().endswith("the task was cancelled: the program goes on\ntimed out")


def test_a_fork_while_the_prompt_waits(terminal):
    """The child has no prompt, and lets the one of the parent be."""
    t = terminal('''
        import asyncio, os, sys, warnings
        from hooking import ahook
        warnings.simplefilter("ignore")
        def fork():
            if (pid := os.fork()) == 0:
                raise SystemExit
            print("status", os.waitpid(pid, 0)[1], flush=True)
        async def main(x):
            asyncio.get_running_loop().call_later(0.3, fork)
            await ahook()
            print("main ends")
        asyncio.run(main("X"))
    ''', options=["-W", "ignore"])
    t.prompt()
    t.type("x")
    t.until(lambda: re.search(r"^status \d+$", t.text(), re.M), "the end of the child")
    t.key("Enter").above("'X'").ready()
    assert t.run("await asyncio.sleep(0.01, x)") == "'X'"
    t.key("C-d")
    t.expect("main ends")
    assert t.end() == 0


def test_a_program_without_stdin(terminal, tmp_path):
    """Through /dev/tty."""
    with open("/dev/null") as null:
        t = terminal(TICKING, stdin=null)
        t.prompt()
        assert t.run("await asyncio.sleep(0.01, x)") == "'X'"
        unharmed(t)


def test_in_a_task_of_its_own(terminal):
    """The frame is the one that calls it, wherever it is awaited."""
    t = terminal('''
        import asyncio
        from hooking import ahook
        async def main(x):
            task = asyncio.create_task(ahook())
            y = 1
            await task
            print("end", repr(task).count("ahook"))
        asyncio.run(main("X"))
    ''')
    assert t.prompt("[Task-2] >>> ").startswith("Hooked at ")
    assert "program.py:4 - " in t.text()
    assert t.run("x, y", "[Task-2] >>> ") == "('X', 1)"
    assert t.leave() == "end 1"


def test_run_by_itself(terminal):
    t = terminal('''
        import asyncio
        from hooking import ahook
        def f(x):
            asyncio.run(ahook())
        f("X")
        print("end")
    ''')
    t.prompt()
    assert t.run("x") == "'X'"
    assert t.leave() == "end"


def test_it_cannot_be_marked(ticking):
    """The copy would share the loop's descriptors."""
    assert ticking.run("mark") == "not marked: an event loop runs beside this prompt (hook() stops it)"
    unharmed(ticking)


def test_inputs_that_are_not_typed(terminal):
    t = terminal('''
        import asyncio, hooking
        async def main(x):
            hooking._core._feed(["await asyncio.sleep(0.01, x)", "x + x"])
            await hooking.ahook()
        asyncio.run(main("X"))
    ''')
    assert t.prompt().endswith(">>> await asyncio.sleep(0.01, x)\n'X'\n>>> x + x\n'XX'")
    t.key("C-d")
    assert t.end() == 0


def test_a_tasks_exception_afterwards(terminal):
    t = terminal('''
        import asyncio
        from hooking import ahook, post_mortem
        async def work(x):
            await ahook()
            1 / 0
        def handler(loop, context):
            print(context["message"])
            post_mortem(context["exception"])
        async def main():
            asyncio.get_running_loop().set_exception_handler(handler)
            task = asyncio.create_task(work("X"))
            await asyncio.wait([task])
            post_mortem(task.exception())
            asyncio.get_running_loop().call_soon(int, "no number")
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        asyncio.run(main())
        print("end")
    ''')
    t.prompt("[Task-2] >>> ")
    t.key("C-d")
    assert "ZeroDivisionError" in t.prompt()
    assert t.run("x") == "'X'"
    t.key("C-d")
    assert "Exception in callback" in t.prompt()
    assert t.leave() == "end"


def test_throw_and_abort(terminal):
    t = terminal('''
        import asyncio
        from hooking import ahook
        async def main():
            try:
                await ahook()
            except LookupError as error:
                print("caught", repr(error))
            try:
                await ahook()
            finally:
                print("cleaned up")
        asyncio.run(main())
    ''')
    t.prompt()
    t.line("throw LookupError('typed')")
    assert t.prompt().startswith("caught LookupError('typed')\n")
    t.line("abort 7")
    assert t.end() == 7
    assert t.text().endswith("cleaned up")


def test_in_an_exception_handler(terminal):
    t = terminal('''
        import asyncio, sys
        from hooking import ahook
        async def main():
            try:
                1 / 0
            except ZeroDivisionError:
                await ahook()
                print("handled", sys.exc_info()[1])
            print("then", sys.exc_info()[1])
        asyncio.run(main())
    ''')
    t.prompt()
    t.run("import sys")
    assert t.run("sys.exc_info()[1]") == "ZeroDivisionError('division by zero')"
    assert t.run("await asyncio.sleep(0.01, sys.exc_info()[1])") == "ZeroDivisionError('division by zero')"
    assert "During handling" not in t.run("undefined")
    assert t.leave() == "handled division by zero\nthen None"


def test_in_an_async_generator_and_deeper(terminal):
    t = terminal('''
        import asyncio
        from hooking import ahook
        async def numbers(n):
            for i in range(n):
                await ahook(overwrite_locals=True, when=lambda: i == 1)
                yield i
        async def main():
            async with asyncio.TaskGroup() as group:
                print([i async for i in numbers(3)])
        asyncio.run(main())
    ''')
    t.prompt()
    t.run("i = await asyncio.sleep(0.001, 10)")
    assert t.run("n") == "3"
    t.run("up")
    if sys.version_info < (3, 12):
        t.run("up")                           # from the frame of the comprehension
    assert "group" in t.run("locals")
    assert t.leave() == "[0, 10, 2]"


def test_options(terminal):
    t = terminal('''
        import asyncio, logging
        from hooking import ahook
        logging.basicConfig(format="%(levelname)s %(name)s %(lineno)d %(message)s", level="DEBUG")
        logging.getLogger("asyncio").disabled = True
        async def f(i):
            await ahook("console of %d" % i, logger="of.the.program", once=True, after=2)
        async def main():
            for i in range(5):
                await f(i)
                await ahook(when=False)
                await ahook(when=lambda: False)
            for i in range(2):
                await ahook("off")
        asyncio.run(main())
        print("end")
    ''')
    said = t.prompt()
    assert said.endswith("DEBUG of.the.program 6 Starting interactive shell.\nconsole of 2\n"
                         f"Hooked at {t.path}:6 - Exit with CTRL+D")
    t.key("C-d")
    said = t.prompt()
    assert "DEBUG of.the.program 6 Returned from interactive shell. Resuming execution." in said and "\noff\n" in said
    t.run("off")
    t.key("C-d")
    t.expect("end")
    assert t.end() == 0


async def nothing():
    return await hooking.ahook(when=False)


def test_wrong_arguments():
    for arguments, keywords, error, message in (
            ((1,), {}, TypeError, r"^ahook\(\): banner_msg must be a str or None, not 1$"),
            ((), {"logger": 1}, TypeError, r"^ahook\(\): logger must be"),
            ((), {"after": -1}, ValueError, r"^ahook\(\): after must be"),
            ((), {"typo": 1}, TypeError, r"^ahook\(\) got an unexpected keyword argument 'typo'$"),
            ((1, 2, 3, 4), {}, TypeError, r"^ahook\(\) takes at most 3 positional")):
        with pytest.raises(error, match=message):
            hooking.ahook(*arguments, **keywords)


def test_nothing_to_open():
    """What is awaited then is one object for all calls, which does nothing."""
    idle = hooking.ahook(when=False)
    assert hooking.ahook(when=lambda: 0) is idle
    for _ in range(2):
        with pytest.raises(StopIteration) as end:
            nothing().send(None)
        assert end.value.value is None
    idle.close()
    with pytest.raises(LookupError):
        idle.throw(LookupError())


def test_a_forgotten_await_is_warned_of():
    with pytest.warns(RuntimeWarning, match=r"^ahook\(\) at .*test_ahook\.py:\d+ was never awaited$"):
        hooking.ahook()


def test_it_is_awaited_once():
    """Without a loop it ends at once, with a warning in the log."""
    once = hooking.ahook()
    with pytest.raises(StopIteration):
        once.send(None)
    with pytest.raises(RuntimeError, match="was awaited before"):
        once.send(None)
    once.close()


def test_switched_off(terminal):
    t = terminal('''
        import asyncio
        from hooking import ahook
        asyncio.run(ahook())
        print("end")
    ''', env={"HOOKING": "0"})
    assert t.end() == 0
    assert t.text() == "end"


def test_nothing_is_left_behind(terminal):
    """Frames and consoles are let go of, and the descriptors are closed."""
    t = terminal('''
        import asyncio, gc, os, weakref
        from hooking import ahook
        class Thing: pass
        async def work():
            thing = Thing()
            await ahook()
            return weakref.ref(thing)
        async def main():
            before = sorted(os.listdir("/proc/self/fd"))
            reference = await work()
            gc.collect()
            print("thing", reference(), "descriptors", sorted(os.listdir("/proc/self/fd")) == before)
            task = asyncio.create_task(work())
            await asyncio.sleep(0.3)
            task.cancel()
            await asyncio.wait([task])
            print("descriptors", sorted(os.listdir("/proc/self/fd")) == before)
        asyncio.run(main())
    ''')
    t.prompt()
    assert t.run("await asyncio.sleep(0.01, thing) is thing") == "True"
    t.key("C-d")
    assert "thing None descriptors True" in t.prompt(re.compile(r"\[Task-\d+\] >>> $"))
    t.expect("descriptors True")
    assert t.end() == 0
