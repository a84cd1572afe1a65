"""Several threads, forked children, subinterpreters, the end of the interpreter, and a readline that is busy."""

import re
import signal
import sys

import pytest

from terminal import THREAD_PS1

TWO = '''
    import threading
    from hooking import hook
    release = threading.Event()
    went_on = []
    def work(n):
        hook("console of %d" % n)
        went_on.append(n)
    threads = [threading.Thread(target=work, args=(n,), name="worker-%d" % n) for n in range({count})]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print("end", sorted(went_on))
'''


def test_consoles_are_taken_in_turn(terminal):
    """bobfang1992/pdbpp#205, inducer/pudb#297: threads that fight for the input."""
    t = terminal(TWO.format(count=3))
    seen = []
    for turn in range(3):
        t.prompt(THREAD_PS1)
        if turn == 0:
            waiting = re.compile(r"^.*worker-(\d)(?=.*wait)", re.M)
            t.until(lambda: len(set(waiting.findall(t.text()))) == 2, "two threads that wait")
            t.ready(THREAD_PS1)
        name = t.run("threading.current_thread().name", THREAD_PS1)
        n = int(re.search(r"worker-(\d)", name)[1])
        seen.append(n)
        assert t.run("n", THREAD_PS1) == str(n)
        t.key("C-d")
    t.expect("end [0, 1, 2]")
    assert t.end() == 0
    assert sorted(seen) == [0, 1, 2]


def test_the_waiting_thread_is_named(terminal):
    t = terminal('''
        import threading, time
        from hooking import hook
        def work():
            hook()
        def start(name):
            threading.Thread(target=work, name=name).start()
            time.sleep(0.2)           # by now it has called hook()
        hook()
    ''')
    t.prompt()
    t.line("start('the second one')")
    t.until(lambda: re.search(r"^[^>]*the second one.*wait", t.text(), re.M), "who waits")
    t.ready()
    assert t.run("1 + 1") == "2"
    t.key("C-d")
    t.prompt("[the second one] >>> ")
    t.key("C-d")
    assert t.end() == 0


def test_prompt_of_a_thread(terminal):
    t = terminal('''
        import threading
        from hooking import hook
        def work(x):
            hook(overwrite_locals=True)
            print("x is", x)
        thread = threading.Thread(target=work, args=(1,), name="Thread A")
        thread.start()
        thread.join()
    ''')
    assert t.prompt("[Thread A] >>> ").endswith("program.py:4 - Exit with CTRL+D")
    t.line("if x:")
    t.prompt("... ")
    t.line("    x = 5")
    t.prompt("... ")
    t.line("")
    t.prompt("[Thread A] >>> ")
    assert t.run("[x for _ in range(2)]", "[Thread A] >>> ") == "[5, 5]"
    t.type("half").key("C-c")
    assert "KeyboardInterrupt" in t.prompt("[Thread A] >>> ")
    assert t.run("1 / 0", "[Thread A] >>> ").endswith("ZeroDivisionError: division by zero")
    assert t.leave() == "x is 5"
    assert t.end() == 0


def test_ctrl_c_in_a_thread_leaves_the_main_thread_alone(terminal):
    t = terminal('''
        import threading
        from hooking import hook
        def work(): hook()
        thread = threading.Thread(target=work, name="A")
        thread.start()
        try:
            while thread.is_alive(): thread.join(0.01)
        except KeyboardInterrupt:
            print("the main thread was interrupted")
        print("end")
    ''')
    t.prompt("[A] >>> ")
    for _ in range(3):
        t.key("C-c")
        assert "KeyboardInterrupt" in t.prompt("[A] >>> ")
    assert t.leave() == "end"


def test_ctrl_c_interrupts_a_statement_in_a_thread(terminal):
    t = terminal('''
        import threading
        from hooking import hook
        def work(): hook()
        thread = threading.Thread(target=work, name="A")
        thread.start()
        try:
            thread.join()
        except KeyboardInterrupt:
            print("the main thread was interrupted")
        print("end")
    ''')
    t.prompt("[A] >>> ")
    t.line("import time; print('sta' + 'rted'); [time.sleep(0.01) for i in range(10000)]")
    t.expect("started")
    t.key("C-c")
    t.expect(re.compile("^KeyboardInterrupt", re.M))
    t.prompt("[A] >>> ")
    assert t.run("1 + 1", "[A] >>> ") == "2"
    assert t.leave() == "end"


def test_a_thread_without_threading(terminal):
    t = terminal('''
        import _thread
        from hooking import hook
        done = _thread.allocate_lock()
        done.acquire()
        def work(x):
            hook()
            print("goes on", x)
            done.release()
        _thread.start_new_thread(work, (3,))
        done.acquire()
        print("end")
    ''')
    t.prompt(THREAD_PS1)
    assert t.run("x", THREAD_PS1) == "3"
    t.key("C-d")
    t.expect("goes on 3")
    t.expect("end")
    assert t.end() == 0


def test_many_threads(terminal):
    t = terminal(TWO.format(count=20))
    for _ in range(20):
        t.prompt(THREAD_PS1)
        t.key("C-d")
    t.expect(f"end {list(range(20))}")
    assert t.end() == 0


def test_a_daemon_thread_at_the_prompt_does_not_keep_the_program(terminal):
    t = terminal('''
        import threading
        from hooking import hook
        go = threading.Event()
        def work():
            hook()
        thread = threading.Thread(target=work, daemon=True, name="D")
        thread.start()
        go.wait()
    ''')
    t.prompt("[D] >>> ")
    t.line("go.set()")
    assert t.end() == 0
    assert t.echoes(), "the terminal is given back even so"


def test_a_console_inside_a_console(terminal):
    """hook() called from the prompt, or from a function that is called there, must not wait for itself."""
    t = terminal('''
        from hooking import hook
        def inner(y):
            hook("inner console")
            return y
        def outer(x):
            hook("outer console")
            return x
        outer(1)
        print("end")
    ''')
    assert t.prompt().startswith("outer console")
    t.line("inner(2)")
    said = t.prompt()
    if "inner console" in said:
        assert t.run("y") == "2"
        t.key("C-d")
        assert t.prompt() == "2"
    assert t.run("x") == "1"
    assert t.leave() == "end"


NESTED = '''
    import os, signal, threading, warnings
    from hooking import hook
    warnings.simplefilter("ignore")
    def inner():
        hook("inner console")
    def spin():
        inner()
        print("spinning")
        while True: pass
    def fork():
        inner()
        if (pid := os.fork()) == 0:
            try: signal.raise_signal(signal.SIGINT)
            except KeyboardInterrupt: os._exit(7)
            os._exit(0)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    thread = threading.Thread(target=lambda: hook("outer console"), name="A")
    thread.start()
    thread.join()
    print("end")
'''


def test_ctrl_c_in_a_statement_of_a_thread_behind_a_nested_console(opened):
    t = opened(NESTED)
    t.line("spin()")
    t.expect("inner console")
    t.ready(THREAD_PS1)
    assert t.run("1 + 1", THREAD_PS1) == "2"
    t.key("C-d")
    t.expect("spinning")
    t.key("C-c")
    t.expect(re.compile("^(\\^C)?KeyboardInterrupt", re.M))
    t.ready(THREAD_PS1)
    assert t.leave() == "end"


def test_a_child_forked_behind_a_nested_console_has_the_programs_sigint(opened):
    t = opened(NESTED)
    t.line("fork()")
    t.expect("inner console")
    t.ready(THREAD_PS1)
    assert t.run("1 + 1", THREAD_PS1) == "2"
    t.key("C-d")
    t.expect(re.compile("^7$", re.M))
    t.ready(THREAD_PS1)
    assert t.leave() == "end"


# Forking ------------------------------------------------------------------------------------------------------------

def test_a_hook_in_a_forked_child(terminal):
    t = terminal('''
        import os, warnings
        from hooking import hook
        warnings.simplefilter("ignore")
        hook("parent")
        pid = os.fork()
        if pid == 0:
            hook("child")
            print("child ends", flush=True)
            os._exit(3)
        print("status", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        hook("parent again")
        print("end")
    ''')
    assert t.prompt().startswith("parent")
    t.key("C-d")
    assert t.prompt().startswith("child")
    assert t.run("pid") == "0"
    assert t.run("[pid for _ in (1, 2)]") == "[0, 0]"
    t.key("C-d")
    said = t.prompt()
    assert said.startswith("child ends\nstatus 3\nparent again")
    assert t.leave() == "end"


def test_a_hook_in_a_multiprocessing_worker(terminal):
    """Its sys.stdin is /dev/null: a debugger on standard input ends at once."""
    t = terminal('''
        import multiprocessing
        from hooking import hook
        def work(x):
            hook("worker")
            print("worker goes on with", x, flush=True)
        if __name__ == "__main__":
            context = multiprocessing.get_context("fork")
            process = context.Process(target=work, args=(7,))
            process.start()
            process.join()
            print("end", process.exitcode)
    ''')
    assert "worker" in t.prompt(">>> ")
    assert t.run("x") == "7"
    assert t.leave() == "worker goes on with 7\nend 0"


def test_a_child_forked_while_another_thread_is_at_the_prompt(terminal):
    """Whoever was at the prompt in the parent does not exist in the child, so nobody there can be waited for."""
    t = terminal('''
        import os, threading, warnings
        from hooking import hook
        warnings.simplefilter("ignore")
        go, finished = threading.Event(), threading.Event()
        def at_the_prompt():
            hook("parent")
        thread = threading.Thread(target=at_the_prompt, name="A")
        thread.start()
        go.wait()
        pid = os.fork()
        if pid == 0:
            hook("child", when=lambda: True)
            os._exit(0)
        print("status", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
        finished.set()
        thread.join()
        print("end")
    ''')
    t.prompt("[A] >>> ")
    t.line("go.set(); finished.wait()")
    t.prompt()
    t.key("C-d")
    t.expect("status 0")
    t.prompt("[A] >>> ")
    assert t.leave() == "end"


def test_a_fork_at_the_prompt_in_a_statement(terminal):
    t = terminal("from hooking import hook\nhook()\nprint('end')\n", options=["-W", "ignore"])
    t.prompt()
    t.run("import os")
    assert t.run("if (pid := os.fork()) == 0:\n    os._exit(4)\n") == ""
    assert t.run("os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])") == "4"
    assert t.run("import subprocess; subprocess.run(['echo', 'from a child']).returncode") == "from a child\n0"
    assert t.leave() == "end"


# Subinterpreters ----------------------------------------------------------------------------------------------------

SUBINTERPRETER = '''
    import hooking
    try:
        import _interpreters as interpreters
    except ImportError:
        import _xxsubinterpreters as interpreters
    code = """
    import logging, sys
    logging.basicConfig(stream=sys.stdout, format="%(levelname)s %(name)s %(message)s")
    from hooking import hook
    print("returned", hook(logger="of.the.sub"))
    """
    {create}
    failed = interpreters.{run}(id, code)
    print("failed", failed)
    interpreters.destroy(id)
    hooking.hook()
    print("end")
'''


@pytest.mark.parametrize("own_gil", [False, True], ids=["shared GIL", "own GIL"])
def test_a_hook_in_a_subinterpreter_returns_with_a_warning(terminal, own_gil):
    if sys.version_info < (3, 13):
        create, run = f"id = interpreters.create(isolated={own_gil})", "run_string"
    else:
        create = f'id = interpreters.create("{"isolated" if own_gil else "legacy"}")'
        run = "exec"
    t = terminal(SUBINTERPRETER.format(create=create, run=run), options=["-W", "ignore"])
    said = t.prompt()
    assert re.search(r"^WARNING of\.the\.sub .*subinterpreter", said, re.M), said
    assert "returned None" in said and "failed None" in said
    assert said.endswith(" - Exit with CTRL+D")
    assert t.run("1 + 1") == "2"
    assert t.leave() == "end"
    assert t.end() == 0


# The end of the interpreter -----------------------------------------------------------------------------------------

def test_a_hook_at_exit_is_an_ordinary_console(terminal):
    t = terminal('''
        import atexit
        from hooking import hook
        def last():
            x = 5
            hook()
            print("really the end")
        atexit.register(last)
        print("end")
    ''')
    assert t.prompt().startswith("end\n")
    assert t.run("x") == "5"
    assert t.leave() == "really the end"
    assert t.end() == 0


@pytest.mark.parametrize("where", ["module", "sys", "cycle"])
def test_a_hook_during_finalization_returns(terminal, where):
    t = terminal(f'''
        import sys, os
        from hooking import hook
        class Last:
            def __del__(self, hook=hook, write=os.write):
                write(1, b"del\\n")
                hook()
                write(1, b"returned\\n")
        last = Last()
        if {where == "sys"}:
            sys.last = last
        if {where == "cycle"}:
            last.itself = last
        print("end", flush=True)
    ''')
    assert t.end() == 0
    assert "end\ndel" in t.text() and t.text().rstrip().endswith("returned")
    assert ">>>" not in t.text() and "Traceback" not in t.text()


def test_a_hook_during_finalization_says_why_it_does_nothing(terminal):
    """Logged as long as there is logging; so late it may have to be written to stderr."""
    t = terminal('''
        import logging, sys
        from hooking import hook
        class Last:
            def __del__(self, hook=hook):
                hook(logger="at.the.end")
        logging.basicConfig(format="%(levelname)s %(name)s %(message)s")
        sys.last = Last()
    ''')
    assert t.end() == 0
    assert re.search("shutdown|shutting down|finali", t.text())


def test_a_question_that_fails_is_not_taken_for_the_end_of_the_interpreter(opened):
    t = opened('''
        import sys
        from hooking import hook
        def is_finalizing(): raise OSError
        sys.is_finalizing = is_finalizing
        hook()
        print("end")
    ''')
    assert t.leave() == "end"


@pytest.mark.parametrize("limit", [200, 201])
def test_too_deep_a_recursion_is_not_taken_for_the_end_of_the_interpreter(terminal, limit):
    t = terminal(f'''
        import sys
        from hooking import hook
        class Prompt:
            def __str__(self):
                hook()
                return "deep> "
        sys.ps1 = Prompt()
        sys.setrecursionlimit({limit})
        hook()
    ''')
    t.until(lambda: not t.echoes(), "a prompt")
    assert "Hooked at" in t.text() and "shutting down" not in t.text()


# A readline that is busy --------------------------------------------------------------------------------------------

def test_a_hook_in_a_completer_of_the_program_returns_with_a_warning(terminal):
    """The program itself is reading a line: there is only one readline, so no console can open inside it."""
    t = terminal('''
        import logging, readline
        from hooking import hook
        logging.basicConfig(format="%(levelname)s %(name)s %(lineno)d %(message)s")
        def complete(text, state):
            if state == 0:
                hook(logger="inside")
            return ["alpha", None][state]
        readline.set_completer(complete)
        readline.parse_and_bind("tab: complete")
        print("got", input("? "))
        hook()
        print("got", input("? "))
    ''')
    t.expect("? ")
    t.type("al").key("Tab")
    t.expect(re.compile(r"WARNING inside 6 .*readline"))
    t.expect("pha")
    t.key("Enter")
    t.expect(re.compile("got alpha ?$", re.M))
    assert t.prompt().endswith("CTRL+D")
    t.key("C-d")
    t.expect("? ")
    t.line("after")
    t.expect("got after")
    assert t.end() == 0


def test_a_hook_in_an_input_hook_returns_with_a_warning(terminal):
    t = terminal('''
        import ctypes, logging
        from hooking import hook
        logging.basicConfig(format="%(levelname)s %(name)s %(message)s")
        calls = []
        @ctypes.CFUNCTYPE(ctypes.c_int)
        def inputhook():
            if not calls:
                calls.append(1)
                hook(logger="inside")
            return 0
        pointer = ctypes.c_void_p.in_dll(ctypes.pythonapi, "PyOS_InputHook")
        pointer.value = ctypes.cast(inputhook, ctypes.c_void_p).value
        hook()
        pointer.value = None
        print("end")
    ''')
    t.expect("WARNING inside")
    t.line("1 + 1")
    t.expect(re.compile("^2$", re.M))
    t.ready()
    t.key("C-d")
    t.expect("end")
    assert t.end() == 0


def test_a_hook_in_a_signal_handler_while_the_prompt_waits(terminal):
    t = terminal('''
        import logging, signal
        from hooking import hook
        logging.basicConfig(format="%(levelname)s %(name)s %(message)s")
        def handler(number, frame):
            hook("of the handler", logger="inside")
            print("handled", flush=True)
        signal.signal(signal.SIGUSR1, handler)
        hook("of the program")
        print("end")
    ''')
    t.prompt()
    t.signal(signal.SIGUSR1)
    if "Hooked" in t.expect(re.compile(r"WARNING inside|Hooked"))[0]:
        t.prompt()
        t.key("C-d")
    t.expect("handled")
    t.line("1 + 1")
    t.expect(re.compile("^2$", re.M))
    t.ready()
    t.key("C-d")
    t.expect("end")
    assert t.end() == 0


def test_a_hook_in_a_signal_handler_of_a_busy_program(terminal):
    """The usual way to look into a program that hangs."""
    t = terminal('''
        import os, signal
        from hooking import hook
        def handler(number, frame):
            hook("interrupted")
        signal.signal(signal.SIGUSR1, handler)
        def busy(x):
            while not x:
                os.kill(os.getpid(), signal.SIGUSR1)
            print("x is", x)
        busy([])
    ''')
    assert t.prompt().startswith("interrupted")
    t.run("up")
    t.run("x.append(1)")
    assert t.leave() == "x is [1]"


def test_a_hook_in_a_destructor_run_by_the_prompt(terminal):
    t = terminal('''
        from hooking import hook
        class D:
            def __init__(self, value): self.value = value
            def __del__(self):
                hook("in the destructor")
        def f():
            hook("first")
            print("end")
        f()
    ''')
    t.prompt()
    t.line("D(3) and None")
    said = t.prompt()
    if "in the destructor" in said:
        assert t.run("self.value") == "3"
        t.key("C-d")
        t.prompt()
    assert t.run("1 + 1") == "2"
    assert t.leave() == "end"


def test_a_hook_in_a_trace_function(terminal):
    t = terminal('''
        import sys
        from hooking import hook
        def trace(frame, event, argument):
            if event == "line" and frame.f_lineno == 9 and frame.f_code.co_name == "f":
                sys.settrace(None)
                hook("tracing")
            return trace
        def f(x):
            y = x
            x = 0                 # line 10
            print(x, y)
        sys.settrace(trace)
        f(1)
    ''')
    assert t.prompt().startswith("tracing")
    assert t.run("frame.f_lineno") == "9"
    t.run("up")
    assert t.run("x") == "1"
    assert t.leave() == "0 1"
