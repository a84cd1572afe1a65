"""What a program may do while a console is open in it: other threads read, signals are installed, processes fork."""

import re
import signal

from terminal import THREAD_PS1


def test_input_in_another_thread_waits_for_the_prompt(terminal):
    """Two readers in one readline: it abort()s at the next key of the one whose handler the other has taken away."""
    t = terminal('''
        import readline, threading
        from hooking import hook
        input("first? ")
        def work():
            hook()
            print("worked")
        thread = threading.Thread(target=work)
        thread.start()
        print("got", input("name? "))
        thread.join()
        print("end")
    ''')
    t.expect("first? ")
    t.line("")
    t.expect("CTRL+D")
    for text in ["'line'", "'line'", "'line'", "c", "c"]: # whether input() gets one of them is a matter of chance
        t.until(lambda: not t.echoes(), "a prompt", ended=True)
        if t.status is None:
            t.line(text)
    t.expect("end")
    assert t.end() == 0


def test_an_input_that_has_just_begun_in_another_thread_comes_first(terminal):
    """CPython's reader prepares the line without the GIL, and readline does not know yet that it will be read."""
    t = terminal('''
        import ctypes, readline, threading, time
        from hooking import hook
        READER = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p)
        slot = ctypes.c_void_p.in_dll(ctypes.pythonapi, "PyOS_ReadlineFunctionPointer")
        theirs = READER(slot.value)
        def slow(*arguments):
            thread.start()
            time.sleep(1) # the console would be open by now
            return theirs(*arguments)
        reader = READER(slow)
        slot.value = ctypes.cast(reader, ctypes.c_void_p).value
        thread = threading.Thread(target=hook)
        print("got", input("name? "))
        slot.value = ctypes.cast(theirs, ctypes.c_void_p).value
        thread.join()
        print("got", input("again? "))
    ''')
    t.expect("name? ")
    t.line("one")
    t.expect("got one")
    t.prompt(THREAD_PS1)
    t.key("C-d")
    t.expect("again? ")
    t.line("two")
    t.expect("got two")
    assert t.end() == 0


def test_a_signal_handler_installed_meanwhile_stays(terminal):
    t = terminal('''
        import os, signal, threading
        from hooking import hook
        def work():
            hook()
            os.kill(os.getpid(), signal.SIGTERM)
        thread = threading.Thread(target=work)
        thread.start()
        while not os.path.exists("opened"): pass
        signal.signal(signal.SIGTERM, lambda *a: print("handled"))
        print("installed", flush=True)
        thread.join()
        print("end")
    ''')
    t.prompt(THREAD_PS1)
    (terminal.folder / "opened").touch()
    t.expect("installed")
    t.key("C-d")
    t.expect("handled")
    t.expect("end")
    assert t.end() == 0


def test_ctrl_c_is_not_an_event_loops_business(terminal):
    """An event loop hears of signals through the wakeup descriptor: others are passed on, Ctrl-C is the statement's."""
    t = terminal('''
        import asyncio, signal
        from hooking import hook
        async def main():
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGINT, print, "interrupted")
            loop.add_signal_handler(signal.SIGUSR1, print, "user signal")
            hook()
            await asyncio.sleep(0.2)
            print("end")
        asyncio.run(main())
    ''')
    t.prompt()
    t.line("import os, signal, time; os.kill(os.getpid(), signal.SIGUSR1); print('sta' + 'rted')")
    t.expect("started")
    t.prompt()
    t.line("print('sta' + 'rted'); [time.sleep(0.05) for _ in range(999)]")
    t.expect("started")
    t.key("C-c")
    t.expect(re.compile("^KeyboardInterrupt$", re.M))
    t.prompt()
    t.key("C-d")
    t.expect("end")
    assert "interrupted" not in t.text() and t.text().count("user signal") == 1


def test_a_circle_of_contexts_is_shown(terminal):
    t = terminal('''
        from hooking import hook
        try: 1 / 0
        except Exception: hook()
        print("end")
    ''')
    t.prompt()
    t.run("w = ValueError('w')")
    shown = t.run("try: {}['a']\nexcept Exception as z:\n    z.__context__ = w; w.__context__ = z\n"
                  "    raise RuntimeError('c')")
    assert "RuntimeError: c" in shown
    assert t.leave() == "end"


def test_functions_see_the_class_of_a_method(terminal):
    t = terminal('''
        from hooking import hook
        class Base:
            def name(self): return "base"
        class Derived(Base):
            def name(self):
                super()
                hook()
        Derived().name()
        print("end")
    ''')
    t.prompt()
    assert t.run("(lambda: __class__.__name__)()") == "'Derived'"
    assert t.run("[__class__.__name__ for _ in [1]]") == "['Derived']"
    assert t.run("(lambda: super(__class__, self).name())()") == "'base'"


def test_none_is_not_unbound(terminal):
    """A captured variable that is unbound, then None: both ways it is a change."""
    t = terminal('''
        from hooking import hook
        def f():
            x = 1
            def unbind():
                nonlocal x
                del x
            def bind():
                nonlocal x
                x = None
            hook(overwrite_locals=True)
            try: print("x is", x)
            except NameError: print("x is unbound")
        f()
    ''')
    t.prompt()
    t.run("read = lambda: x")
    t.run("def write():\n    nonlocal x\n    x = None")
    t.run("unbind()")
    assert "NameError" in t.run("read()")
    t.run("bind()")
    assert t.run("read() is None") == "True"
    t.run("unbind()")
    t.run("write()")
    assert t.leave() == "x is None"


def test_a_fork_in_a_signal_handler_at_the_prompt(terminal):
    t = terminal('''
        import os, signal
        from hooking import hook
        def handler(*a):
            if os.fork() == 0:
                return                            # the child goes on, too
            print("child ended with", os.wait()[1], flush=True)
        signal.signal(signal.SIGUSR1, handler)
        parent = os.getpid()
        hook()
        if os.getpid() != parent: os._exit(0)
        print("end")
    ''')
    t.prompt()
    t.signal(signal.SIGUSR1)
    t.expect("child ended with 0")
    t.line("1 + 1")
    t.expect(re.compile("^2$", re.M))
    t.ready()
    t.key("C-d")
    t.expect("end")
    assert t.end() == 0


def test_abort_in_a_thread_while_the_main_thread_waits_for_its_turn(terminal):
    t = terminal('''
        import threading, time
        from hooking import hook
        threading.Thread(target=lambda: hook("worker")).start()
        time.sleep(0.5)
        hook("main")
    ''')
    t.expect("worker")
    t.expect("MainThread waits")
    t.ready(THREAD_PS1)
    t.line("abort 3")
    assert t.end() == 3
    assert t.echoes() and "\nmain\n" not in t.text()


# A console within a write ---------------------------------------------------------------------------------------------

def test_a_signal_that_comes_while_the_program_prints(terminal):
    """The stream does not take anything else then: `RuntimeError: reentrant call`."""
    t = terminal('''
        import io, os, signal, sys
        from hooking import hook

        class Slow(io.RawIOBase):
            def fileno(self):
                return 1
            def writable(self):
                return True
            def write(self, data):
                if bytes(data) == b"printed\\n":
                    signal.raise_signal(signal.SIGUSR1)
                return os.write(1, data)

        signal.signal(signal.SIGUSR1, lambda number, frame: hook())
        sys.stdout = io.TextIOWrapper(io.BufferedWriter(Slow()), line_buffering=True)
        print("printed")
        print("end")
    ''')
    t.prompt()
    t.play("""
        >>> number == signal.SIGUSR1
        True
        >>> print("at the prompt")
        at the prompt
        >>> up
        [...]
        >>> sys.stderr.write("more\\n") and None
        more
        >>> sys.stdout.isatty()
        True
        >>> ^D
        printed
        end
    """)
    assert t.end() == 0
