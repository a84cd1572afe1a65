"""`await` at the prompt: on a loop of the console's own, or on the loop that runs the program."""

import re

import pytest

from conftest import source
from terminal import THREAD_PS1

PLAIN = '''
    import asyncio
    from hooking import hook
    def f(x):
        hook()
        return x
    f("X")
    print("end")
'''


@pytest.fixture
def plain(terminal):
    t = terminal(PLAIN, options=["-W", "default::ResourceWarning"])
    t.prompt()
    return t


def test_a_value_is_displayed(plain):
    plain.play('''
        >>> await asyncio.sleep(0, "slept")
        'slept'
        >>> await asyncio.sleep(0)
        >>> _
        'slept'
        >>> y = await asyncio.sleep(0, 5)
        >>> y, await asyncio.sleep(0, x)
        (5, 'X')
        >>> ^D
        end
    ''')
    assert plain.end() == 0


def test_one_loop_for_the_whole_console(plain):
    plain.play('''
        >>> async def loop(): return asyncio.get_running_loop()
        ...
        >>> first = await loop()
        >>> await loop() is first
        True
        >>> queue = asyncio.Queue()
        >>> await queue.put(3)
        >>> await queue.get()
        3
        >>> ^D
        end
    ''')
    assert plain.end() == 0


def test_a_task_goes_on_from_await_to_await(plain):
    plain.play('''
        >>> async def count():
        ...     for i in range(3): await asyncio.sleep(0)
        ...     return "counted"
        ...
        >>> async def start(): return asyncio.ensure_future(count())
        ...
        >>> task = await start()
        >>> await task
        'counted'
        >>> ^D
        end
    ''')


def test_scope_inside_await(plain):
    plain.play('''
        >>> await asyncio.gather(*(asyncio.sleep(0, (x, i)) for i in range(2)))
        [('X', 0), ('X', 1)]
        >>> [await asyncio.sleep(0, i) for i in range(3) if x]
        [0, 1, 2]
        >>> [i async for i in (i async for i in aiter(g()))]
        Traceback (most recent call last):
        [...]
        NameError: [...]'g'[...]
        >>> async def g():
        ...     for i in range(2): yield x, i
        ...
        >>> [i async for i in g()]
        [('X', 0), ('X', 1)]
        >>> async for i in g():
        ...     print(i)
        ...
        ('X', 0)
        ('X', 1)
        >>> i
        ('X', 1)
        >>> lock = asyncio.Lock()
        >>> async with lock:
        ...     lock.locked()
        ...
        True
        >>> (lambda: x)(), await asyncio.sleep(0, 1)
        ('X', 1)
        >>> ^D
        end
    ''')


def test_awaitables_need_no_asyncio(terminal):
    t = terminal('''
        import sys
        from hooking import hook
        class Ready:
            def __await__(self):
                return "ready"
                yield
        hook()
        print("end")
    ''')
    t.prompt()
    assert t.run("await Ready()") == "'ready'"
    assert t.leave() == "end"


def test_errors_have_the_users_frames_only(plain):
    plain.run("async def bad():\n    await asyncio.sleep(0)\n    1 / 0")
    shown = plain.run("await bad()")
    files = re.findall(r'File "([^"]*)", line (\d+), in (\S+)', shown)
    assert [(line, name) for _, line, name in files] == [("1", "<module>"), ("3", "bad")]
    assert all(name.startswith("<hook-") for name, _, _ in files)
    assert shown.endswith("ZeroDivisionError: division by zero")
    assert "TypeError" in plain.run("await 3")
    assert "SyntaxError" in plain.run("def g(): await asyncio.sleep(0)")
    assert "SyntaxError" in plain.run("(lambda: await asyncio.sleep(0))()")
    assert plain.run("await asyncio.sleep(0, 'alive')") == "'alive'"


def test_exceptions_that_control_a_loop(plain):
    plain.run("async def bad(e): raise e")
    assert "CancelledError" in plain.run("await bad(asyncio.CancelledError())")
    assert "KeyboardInterrupt" in plain.run("await bad(KeyboardInterrupt())")
    assert "StopAsyncIteration" in plain.run("await bad(StopAsyncIteration())")
    assert plain.run("await asyncio.sleep(0, 'alive')") == "'alive'"
    assert "TimeoutError" in plain.run("await asyncio.wait_for(asyncio.sleep(100), 0.01)")
    plain.line("await bad(SystemExit(3))")
    plain.expect(re.compile("^end$", re.M))
    assert plain.end() == 0


def test_ctrl_c_interrupts_an_await(plain):
    plain.line("print('sta' + 'rted'); [await asyncio.sleep(0.1) for _ in range(999)]")
    plain.expect("started")
    plain.key("C-c")
    plain.expect(re.compile("^KeyboardInterrupt", re.M))
    plain.prompt()
    assert plain.run("await asyncio.sleep(0, 'alive')") == "'alive'"
    assert plain.leave() == "end"
    assert plain.end() == 0


def test_ctrl_c_interrupts_a_loop_inside_an_await(plain):
    plain.run("async def spin():\n    print('sta' + 'rted')\n    while True: pass")
    plain.line("await spin()")
    plain.expect("started")
    plain.key("C-c")
    plain.expect(re.compile("^KeyboardInterrupt", re.M))
    plain.prompt()
    assert plain.run("await asyncio.sleep(0, 'alive')") == "'alive'"


def test_a_task_left_behind_does_no_harm(plain):
    plain.run("async def start(): return asyncio.ensure_future(asyncio.sleep(100))")
    plain.run("task = await start()")
    assert plain.leave().endswith("end")
    assert plain.end() == 0


def test_asyncio_run_at_the_prompt(plain):
    assert plain.run("asyncio.run(asyncio.sleep(0, 'ran'))") == "'ran'"
    assert plain.run("await asyncio.sleep(0, 'awaited')") == "'awaited'"
    assert plain.run("asyncio.run(asyncio.sleep(0, 'ran'))") == "'ran'"


def test_the_program_can_run_a_loop_afterwards(terminal):
    t = terminal('''
        import asyncio, warnings
        from hooking import hook
        hook()
        print(asyncio.run(asyncio.sleep(0, "its own loop")))
        hook()
        print("end")
    ''', options=["-W", "default::ResourceWarning"])
    t.prompt()
    assert t.run("await asyncio.sleep(0, 1)") == "1"
    t.key("C-d")
    assert t.prompt().startswith("its own loop")
    assert t.run("await asyncio.sleep(0, 2)") == "2"
    assert t.leave() == "end"


# Inside a running loop ----------------------------------------------------------------------------------------------

RUNNING = '''
    import asyncio, threading
    from hooking import hook
    ticks = 0
    async def tick():
        global ticks
        while True:
            ticks += 1
            await asyncio.sleep(0.001)
    async def main(x):
        loop = asyncio.get_running_loop()
        ticker = asyncio.ensure_future(tick())
        task = asyncio.current_task()
        queue, event, future = asyncio.Queue(), asyncio.Event(), loop.create_future()
        async with asyncio.timeout(1000):
            hook(overwrite_locals=True)
            print("same task", asyncio.current_task() is task, "same loop", asyncio.get_running_loop() is loop)
            await asyncio.sleep(0.01)
        before = ticks
        await asyncio.sleep(0.01)
        print("others go on", ticks > before, "x", x)
        print("got", await asyncio.wait_for(queue.get(), 1000) if queue.qsize() else None)
        ticker.cancel()
        return "main ends"
    print(asyncio.run(main("X")))
'''


@pytest.fixture
def running(terminal):
    t = terminal(RUNNING, options=["-W", "default::ResourceWarning"])
    t.prompt()
    return t


def unharmed(t, x="X", got=None):
    assert t.leave() == f"same task True same loop True\nothers go on True x {x}\ngot {got}\nmain ends"
    assert t.end() == 0


def test_await_runs_on_the_programs_loop(running):
    running.play('''
        >>> async def running(): return asyncio.get_running_loop()
        ...
        >>> await running() is loop
        True
        >>> await asyncio.sleep(0, x)
        'X'
        >>> x = await asyncio.sleep(0.01, "new")
        >>> await queue.put("from the prompt")
        >>> asyncio.current_task() is task
        True
        >>>
    ''')
    unharmed(running, "new", "from the prompt")


def test_other_tasks_run_during_the_await(running):
    running.run("before = ticks")
    running.run("await asyncio.sleep(0.05)")
    assert running.run("ticks > before + 2") == "True"
    unharmed(running)


def test_objects_of_the_programs_loop(running):
    running.play('''
        >>> async def later():
        ...     await asyncio.sleep(0.005)
        ...     future.set_result("result"); event.set(); await queue.put(1)
        ...
        >>> helper = asyncio.ensure_future(later())
        >>> await future
        'result'
        >>> await event.wait()
        True
        >>> await queue.get()
        1
        >>> await helper
        >>> await asyncio.to_thread(threading.current_thread) is threading.main_thread()
        False
        >>> await asyncio.gather(*(asyncio.sleep(0.001, i) for i in range(3)))
        [0, 1, 2]
        >>>
    ''')
    unharmed(running)


def test_an_error_in_the_programs_loop(running):
    running.run("async def bad():\n    await asyncio.sleep(0)\n    raise LookupError('bad')")
    shown = running.run("await bad()")
    assert "LookupError: bad" in shown
    assert [name for name in re.findall(r'File "([^"]*)"', shown) if not name.startswith("<hook-")] == []
    assert "TimeoutError" in running.run("await asyncio.wait_for(asyncio.sleep(100), 0.01)")
    running.run("t = asyncio.ensure_future(asyncio.sleep(100)); t.cancel() and None")
    assert "CancelledError" in running.run("await t")
    unharmed(running)


def test_ctrl_c_in_the_programs_loop(running):
    running.line("print('sta' + 'rted'); [await asyncio.sleep(0.1) for _ in range(999)]")
    running.expect("started")
    running.key("C-c")
    running.expect(re.compile(r"^(\^C)?KeyboardInterrupt$", re.M))
    running.prompt()
    assert running.run("await asyncio.sleep(0.01, 'alive')") == "'alive'"
    unharmed(running)


def test_ctrl_c_at_the_prompt_of_a_coroutine(running):
    """asyncio.run() has a SIGINT handler of its own, which would cancel the main task."""
    running.type("half").key("C-c")
    assert "KeyboardInterrupt" in running.prompt()
    running.line("import time; print('sta' + 'rted'); [time.sleep(0.1) for _ in range(999)]")
    running.expect("started")
    running.key("C-c")
    running.expect(re.compile("^KeyboardInterrupt", re.M))
    running.prompt()
    unharmed(running)


def test_without_await_the_loop_stands_still(running):
    """A console inside a coroutine is a call like any other: nothing of the loop runs behind the user's back."""
    running.run("before = ticks; import time; time.sleep(0.02)")
    assert running.run("ticks == before") == "True"
    unharmed(running)


def test_a_timeout_that_ran_out_at_the_prompt_is_the_programs_own(terminal):
    t = terminal('''
        import asyncio
        from hooking import hook
        async def main():
            try:
                async with asyncio.timeout(0.01):
                    hook()
                    await asyncio.sleep(10)
            except TimeoutError:
                print("timed out")
        asyncio.run(main())
    ''')
    t.prompt()
    t.run("import time; time.sleep(0.02)")
    assert t.leave() == "timed out"
    assert t.end() == 0


LOOPS = {
    "a loop that is not asyncio's": '''
        class Loop(asyncio.AbstractEventLoop):
            def get_debug(self): return False
            def is_running(self): return True
            def is_closed(self): return False
            def create_task(self, coro, **kw): raise NotImplementedError
            def call_soon(self, *a, **kw): raise NotImplementedError
            def create_future(self): raise NotImplementedError
        loop = Loop()
        asyncio._set_running_loop(loop)
        hook()
        asyncio._set_running_loop(None)
    ''',
    "a loop that is marked as running": '''
        loop = object()
        asyncio._set_running_loop(loop)
        hook()
        asyncio._set_running_loop(None)
    ''',
}


@pytest.mark.parametrize("body", LOOPS.values(), ids=LOOPS)
def test_a_loop_that_cannot_be_driven_is_a_clear_error(terminal, body):
    t = terminal("import asyncio, warnings\nwarnings.simplefilter('error')\nfrom hooking import hook\n"
                 + source(body) + "print('end')\n")
    t.prompt()
    t.run("ran = []")
    t.run("async def work(): ran.append(1)")
    shown = t.run("await work()")
    assert re.search(r"^\w*Error: .*loop", shown, re.M), shown
    assert t.run("ran, 1 + 1").endswith("2)")
    assert t.run("asyncio._get_running_loop() is loop") == "True"
    assert t.leave() == "end"


def test_a_hook_in_a_callback_of_the_loop(terminal):
    t = terminal('''
        import asyncio
        from hooking import hook
        async def main():
            done = asyncio.Event()
            def callback(x):
                hook()
                done.set()
            asyncio.get_running_loop().call_soon(callback, 5)
            await done.wait()
            return "main ends"
        print(asyncio.run(main()))
    ''', options=["-W", "default::ResourceWarning"])
    t.prompt()
    assert t.run("x") == "5"
    assert t.run("await asyncio.sleep(0.001, x + 1)") == "6"
    assert t.leave() == "main ends"
    assert t.end() == 0


def test_context_variables(terminal):
    t = terminal('''
        import asyncio, contextvars
        from hooking import hook
        var = contextvars.ContextVar("var", default="default")
        async def main():
            var.set("of the task")
            hook()
            return var.get()
        print(asyncio.run(main()))
    ''')
    t.prompt()
    assert t.run("var.get()") == "'of the task'"
    t.run("async def get(): return var.get()")
    assert t.run("await get()") == "'of the task'"
    t.run("token = var.set('typed')")
    assert t.run("var.get()") == "'typed'"
    assert t.leave() == "typed"


def test_a_console_in_a_worker_thread_beside_a_loop(terminal):
    """ipython/ipython#12140, #11595: the loop of the main thread is not the loop of this one."""
    t = terminal('''
        import asyncio, threading
        from hooking import hook
        ticks = 0
        async def tick():
            global ticks
            while True:
                ticks += 1
                await asyncio.sleep(0.001)
        async def main():
            ticker = asyncio.ensure_future(tick())
            await asyncio.to_thread(hook)
            ticker.cancel()
            return "main ends"
        print(asyncio.run(main()))
    ''')
    t.prompt(THREAD_PS1)
    t.run("import asyncio, __main__", THREAD_PS1)
    t.run("before = __main__.ticks", THREAD_PS1)
    assert t.run("await asyncio.sleep(0.05, 'slept')", THREAD_PS1) == "'slept'"
    assert t.run("__main__.ticks > before + 2", THREAD_PS1) == "True"
    t.key("C-d")
    t.expect("main ends")
    assert t.end() == 0


# The program's own tasks while its loop is turned ---------------------------------------------------------------------

OWN_TASKS = '''
    import asyncio, sys, time
    from hooking import hook
    ticks = []
    async def other():
        while True:
            time.sleep(0.02)              # so that a signal nearly always comes here
            ticks.append(1)
            await asyncio.sleep(0)
            {step}
    async def main():
        task = asyncio.create_task(other())
        await asyncio.sleep(0)
        hook()
        before = len(ticks)
        await asyncio.sleep(0.1)
        print("alive", not task.done() and len(ticks) > before)
    asyncio.run(main())
    print("end")
'''


def test_ctrl_c_leaves_the_programs_tasks_alone(terminal):
    t = terminal(OWN_TASKS.format(step=""))
    t.prompt()
    t.line("print('sta' + 'rted'); await asyncio.sleep(100)")
    t.expect("started")
    t.key("C-c")
    t.expect(re.compile(r"^(\^C)?KeyboardInterrupt$", re.M))
    t.prompt()
    t.key("C-d")
    t.expect("alive True")
    t.expect("end")
    assert t.end() == 0
    assert "never retrieved" not in t.text()


def test_a_task_of_the_program_may_end_it(terminal):
    """sys.exit() in a task, while the prompt awaits: it is the program's, and reaches it when it goes on."""
    t = terminal(OWN_TASKS.format(step="len(ticks) > 5 and sys.exit(4)"))
    t.prompt()
    assert "a task of the program has raised SystemExit(4)" in t.run("await asyncio.sleep(100)")
    t.key("C-d")
    assert t.end() == 4
    assert "already awaited" not in t.text()
