"""Ways out of a console, and what interrupts it: the program is never worse off."""

import os
import random
import re
import signal

import pytest

from conftest import left_to_crash
from terminal import THREAD_PS1

PROGRAM = '''
    from hooking import hook
    def f(x):
        hook(overwrite_locals=True)
        print("went on with", x)
    f(1)
    print("next input:", input("? "))
'''


def finish(t):
    """The program goes on, and can still read its standard input."""
    t.expect("? ")
    assert t.echoes()
    t.line("still open")
    t.expect("next input: still open")
    assert t.end() == 0
    return t.text()


@pytest.mark.parametrize("way", [
    "exit()", "quit()", "exit", "quit", "continue", "c", "%c", "%exit", "exit(3)", "quit('text')", "raise SystemExit",
    "raise SystemExit(3)", "import sys; sys.exit('text')", "(lambda: exit())()", "[exit() for _ in [0]]",
    "if x:\n    exit()"])
def test_leaving(terminal, way):
    """python/cpython#102895, prompt-toolkit/ptpython#581: exit() would kill or loop the host, or close its stdin."""
    t = terminal(PROGRAM)
    t.prompt()
    t.run("x = 2")
    t.submit(way)
    t.expect("went on with 2")
    assert "Traceback" not in finish(t)


@pytest.mark.parametrize("way, name", [
    ("exit()", "exit():"), ("quit(2)", "quit():"), ("(lambda: quit())()", "quit():"), ("eval('quit()')", "quit():"),
    ("import builtins; builtins.quit()", "quit():"), ("raise SystemExit(3)", "SystemExit(3) at the prompt:"),
    ("import sys; sys.exit(1)", "SystemExit(1) at the prompt:")])
def test_leaving_by_system_exit_says_that_the_program_goes_on(terminal, way, name):
    t = terminal(PROGRAM)
    t.prompt()
    t.line(way)
    said = t.expect(re.compile(r"\n([^\n]*)\nwent on with 1"))[1]
    assert said == f'{name} the program goes on ("abort" ends it)'
    finish(t)


def test_leaving_by_ctrl_d_says_nothing(terminal):
    t = terminal(PROGRAM)
    t.prompt()
    t.key("C-d")
    t.expect("went on with 1")
    assert re.search(r"^>>> ?(\^D)?\nwent on with 1$", t.text(), re.M)
    finish(t)


def test_a_second_console_looks_like_the_first(terminal):
    t = terminal("from hooking import hook\nfor i in range(3): hook()\nprint('end')\n")
    for i in range(3):
        t.prompt()
        t.run("if i < 3:\n    print(i)")
        t.key("C-d")
    t.end()
    console = "Hooked at {}:2 - Exit with CTRL+D\n>>> if i < 3:\n...     print(i)\n...\n{}\n>>>"
    assert t.text() == "\n".join(console.format(t.path, i) for i in range(3)) + "\nend"


def test_exit_leaves_the_real_exit_alone(terminal):
    t = terminal('''
        import builtins
        from hooking import hook
        before = builtins.exit, builtins.quit
        hook()
        print(before == (builtins.exit, builtins.quit))
        exit(7)
    ''')
    t.prompt()
    t.line("exit()")
    t.expect("True")
    assert t.end() == 7


def test_exit_is_an_ordinary_name_for_code_of_the_program(terminal):
    """Only what is typed leaves the console; a SystemExit that the program's function catches is its own affair."""
    t = terminal('''
        import sys
        from hooking import hook
        def careful():
            try:
                sys.exit(3)
            except SystemExit as e:
                return e.code
        hook()
    ''')
    t.prompt()
    assert t.run("careful()") == "3"


def test_without_site_there_is_no_exit_but_the_word_works(terminal):
    """python -S has no builtin exit."""
    t = terminal(PROGRAM, options=["-S"])
    t.prompt()
    t.line("exit")
    t.expect("went on with 1")
    finish(t)


def test_a_variable_called_exit_is_shown(terminal):
    t = terminal(PROGRAM)
    t.prompt()
    t.run("exit = 3")
    assert t.run("exit") == "3"
    t.line("%exit")
    t.expect("went on with 1")


def test_ctrl_d_with_text_deletes_a_character_and_stays(terminal):
    t = terminal(PROGRAM)
    t.prompt()
    t.type("xy").key("Left", "C-d", "Enter")
    assert t.prompt() == "1"


def test_ctrl_d_in_a_block_drops_it(terminal):
    t = terminal(PROGRAM)
    t.prompt()
    t.line("if x:")
    t.prompt("... ")
    t.line("    x = 3")
    t.prompt("... ")
    t.key("C-d")
    said = t.prompt()
    assert said.strip("^D\n "), "one line says that the block was dropped"
    assert t.run("x") == "1"
    t.key("C-d")
    t.expect("went on with 1")
    finish(t)


def test_ctrl_d_many_times_in_a_loop_of_hooks(terminal):
    t = terminal("from hooking import hook\nfor i in range(20): hook()\nprint('end')\n")
    for i in range(20):
        t.prompt()
        assert t.run("i") == str(i)
        t.key("C-d")
    t.expect("end")
    assert t.end() == 0


# Ctrl-C -------------------------------------------------------------------------------------------------------------

def test_ctrl_c_clears_the_line(terminal):
    t = terminal(PROGRAM)
    t.prompt()
    t.type("x = 'half an inp").key("C-c")
    assert "KeyboardInterrupt" in t.prompt()
    assert t.run("x") == "1"
    t.key("C-c")
    assert "KeyboardInterrupt" in t.prompt()
    t.key("C-d")
    t.expect("went on with 1")
    finish(t)


def test_ctrl_c_clears_the_block(terminal):
    t = terminal(PROGRAM)
    t.prompt()
    t.line("def g():")
    t.prompt("... ")
    t.line("    x = 3")
    t.prompt("... ")
    t.type("    half").key("C-c")
    assert "KeyboardInterrupt" in t.prompt()
    assert t.run("x") == "1"
    assert "NameError" in t.run("g")


def test_ctrl_c_many_times(terminal):
    t = terminal(PROGRAM)
    t.prompt()
    for i in range(30):
        t.key("C-c")
        assert "KeyboardInterrupt" in t.prompt()
    t.key("C-c", "C-c", "C-c")                # between two prompts several are one signal
    t.until(lambda: t.text().count("KeyboardInterrupt") > 30, "one more")
    t.type("'fi' + 'ne'\r" * 4)               # the last one may yet drop a line
    t.expect("'fine'")


INTERRUPTED = ["import time; print('sta' + 'rted'); [time.sleep(0.1) for _ in range(999)]",
               "while print('sta' + 'rted') is None:\n    while True: pass",
               "print('sta' + 'rted'); [i for i in iter(int, 1)]",
               "import sys; print('sta' + 'rted'); sys.stdin.readline()",
               "import subprocess; subprocess.run(['sh', '-c', 'echo sta$()rted; exec sleep 100'])",
               "import threading; event = threading.Event(); print('sta' + 'rted'); "
               "[event.wait(0.2) for _ in iter(int, 1)]"]


@pytest.mark.parametrize("statement", INTERRUPTED, ids=["sleep", "loop", "comprehension", "readline", "child", "lock"])
def test_ctrl_c_interrupts_a_statement(terminal, statement):
    t = terminal(PROGRAM)
    t.prompt()
    t.run("y = 5")
    t.submit(statement)
    t.expect("started")
    t.key("C-c")
    t.expect(re.compile("^KeyboardInterrupt$", re.M))
    t.prompt()
    assert t.run("y, x") == "(5, 1)"
    t.key("C-d")
    t.expect("went on with 1")
    finish(t)


def test_ctrl_c_interrupts_a_loop_of_expressions(terminal):
    """Each value is displayed, None too, and where a loop does little else that is where most of them come."""
    t = terminal(PROGRAM)
    t.prompt()
    for number in range(12):
        t.submit(f"for _ in print('started', {number} + 0) or iter(int, 1):\n    [].clear()")
        t.expect(f"started {number}")
        t.key("C-c")
        t.expect(re.compile("^KeyboardInterrupt$", re.M))
        t.prompt()


HANDLERS = {
    "a function": "def handler(*a): called.append(1)\nsignal.signal(signal.SIGINT, handler)",
    "ignored": "signal.signal(signal.SIGINT, signal.SIG_IGN)",
    "the system's": "signal.signal(signal.SIGINT, signal.SIG_DFL)",
    "Python's": "signal.signal(signal.SIGINT, signal.default_int_handler)",
    "raises": "def handler(*a): raise SystemError('the program wants this')\nsignal.signal(signal.SIGINT, handler)",
}


@pytest.mark.parametrize("handler", HANDLERS.values(), ids=HANDLERS)
def test_ctrl_c_does_not_call_the_programs_handler(terminal, handler):
    handler = handler.replace("\n", "\n        ")
    t = terminal(f'''
        import signal, time
        from hooking import hook
        called = []
        {handler}
        before = signal.getsignal(signal.SIGINT)
        hook()
        print("as before", signal.getsignal(signal.SIGINT) == before, "called", called)
    ''')
    t.prompt()
    t.key("C-c")
    assert "KeyboardInterrupt" in t.prompt()
    t.line("print('sta' + 'rted'); [time.sleep(0.1) for _ in range(999)]")
    t.expect("started")
    t.key("C-c")
    t.expect(re.compile("^KeyboardInterrupt", re.M))
    t.prompt()
    assert t.leave() == "as before True called []"
    assert t.end() == 0


def test_a_handler_installed_at_the_prompt_stays(terminal):
    t = terminal('''
        import signal
        from hooking import hook
        hook()
        print("now", signal.getsignal(signal.SIGINT).__name__)
    ''')
    t.prompt()
    t.run("def mine(*a): pass")
    t.run("signal.signal(signal.SIGINT, mine) and None")
    assert t.run("signal.getsignal(signal.SIGINT).__name__") == "'mine'"
    assert t.leave() == "now mine"


def test_ctrl_c_works_again_after_the_console(terminal):
    t = terminal('''
        import time
        from hooking import hook
        hook()
        try:
            print("wait")
            while True: time.sleep(0.1)   # a signal just before one long sleep would be noticed after it
        except KeyboardInterrupt:
            print("interrupted")
    ''')
    t.prompt()
    t.key("C-c")
    t.prompt()
    t.key("C-d")
    t.expect("wait")
    t.key("C-c")
    t.expect("interrupted")
    assert t.end() == 0


def test_a_late_ctrl_c_does_not_reach_the_program(terminal):
    """Ctrl-C just before Ctrl-D is the console's own, not a KeyboardInterrupt at the next line of the program."""
    t = terminal("from hooking import hook\nfor i in range(10):\n    hook()\nprint('unharmed')\n")
    for i in range(10):
        t.prompt()
        t.key("C-c")
        t.prompt()
        t.key("C-d")
    t.expect("unharmed")
    assert t.end() == 0
    assert "Traceback" not in t.text()


def test_ctrl_d_typed_ahead_is_not_lost(terminal):
    """While a statement runs the terminal collects lines: it hands such a Ctrl-D on as something else."""
    t = terminal(PROGRAM)
    t.prompt()
    t.run("import time")
    t.line("print('sta' + 'rted'); time.sleep(0.2)")
    t.expect("started")
    t.key("C-d")
    t.expect("went on with 1")


def test_ctrl_space_is_no_ctrl_d(terminal):
    t = terminal(PROGRAM)
    t.prompt()
    t.type(b"\x00")
    assert t.run("x") == "1"


def test_sigint_from_elsewhere_is_like_ctrl_c(terminal):
    t = terminal(PROGRAM)
    t.prompt()
    t.type("half")
    t.expect("half")
    t.signal(signal.SIGINT)
    assert "KeyboardInterrupt" in t.prompt()
    assert t.run("x") == "1"


def test_ctrl_c_in_an_except_block_that_is_typed(terminal):
    t = terminal(PROGRAM)
    t.prompt()
    t.run("import time")
    t.submit("try:\n    print('sta' + 'rted'); [time.sleep(0.1) for _ in range(999)]\n"
             "except KeyboardInterrupt:\n    print('mine')")
    t.expect("started")
    t.key("C-c")
    t.expect(re.compile("mine$", re.M))           # right behind the ^C that the terminal itself has shown
    t.prompt()
    assert t.run("x") == "1"


# In the main thread of a program that has a handler of its own, and in a thread: the two places where Python by itself
# would have Ctrl-C interrupt the program.
SLOW = '''
    import signal, threading, time, warnings
    from hooking import hook
    def handler(*a): print("the program was interrupted", flush=True)
    signal.signal(signal.SIGINT, handler)
    def wait():
        print("star" + "ted", flush=True)
        while True: time.sleep(0.01)
    class Doc:
        __doc__ = property(lambda self: wait())
    class Signature:
        """documented"""
        def __call__(self): pass
        __signature__ = property(lambda self: wait())
    class Repr:
        def __repr__(self): wait()
    class Text:
        def __str__(self): return "> " if self.shown else wait()
        shown = True
    slow_doc, slow_signature, slow_repr, text = Doc(), Signature(), Repr(), Text()
    def work():
        hook()
        print("end")
    {run}
'''
PLACES = {"main thread": "work()", "thread": "t = threading.Thread(target=work); t.start(); t.join()"}


@pytest.fixture(params=PLACES.values(), ids=PLACES)
def slow(request, terminal):
    t = terminal(SLOW.replace("{run}", request.param))
    t.ready(">>> ")
    return t


def interrupts(t, line):
    """Ctrl-C ends what the line has begun, and nothing else."""
    t.line(line)
    t.expect("started")
    t.key("C-c")
    t.expect(re.compile(r"^(\^C)?KeyboardInterrupt", re.M))
    t.settle()
    t.key("C-d")
    t.expect("end")
    assert t.end() == 0
    assert "the program was interrupted" not in t.text()


@pytest.mark.parametrize("command", [
    "doc slow_doc", "slow_doc?", "doc slow_signature", "throw slow_repr", "pp slow_repr", "source wait()",
])
def test_ctrl_c_interrupts_a_command(slow, command):
    interrupts(slow, command)


@pytest.mark.parametrize("typed", ["1 +* 2", "pp 'sho' + 'wn'"], ids=["statement", "command"])
@pytest.mark.parametrize("call", [2, 3])
def test_ctrl_c_while_an_input_is_looked_at(slow, call, typed):
    """Enter has been pressed, and no statement runs yet: the compiler is asked again about what it has refused, and
    the first time for that was at the prompt. A command, too, might be Python."""
    slow.submit("def catch_warnings(*args, calls=[], real=warnings.catch_warnings, **named):\n    calls.append(args)\n"
                f"    return real(*args, **named) if len(calls) != {call} else wait()")
    slow.ready(">>> ")
    slow.run("warnings.catch_warnings = catch_warnings")
    interrupts(slow, typed)
    assert "shown" not in slow.text()


@pytest.mark.parametrize("method", ["def __enter__(self): super().__enter__(); once()",
                                    "def __exit__(self, *args): once(); super().__exit__(*args)"],
                         ids=["enter", "exit"])
def test_ctrl_c_while_an_input_is_compiled(slow, method):
    """The program's filters of warnings are set aside for that, and are to be there again."""
    slow.submit("def once(calls=[]):\n    calls.append(1)\n    if len(calls) == 1: wait()")
    slow.ready(">>> ")
    slow.submit(f"class Quiet(warnings.catch_warnings):\n    {method}")
    slow.ready(">>> ")
    slow.run("filters = warnings.filters; warnings.catch_warnings = Quiet")
    slow.line("called = lambda: print('call' + 'ed now'); called()")
    slow.expect("started")
    slow.key("C-c")
    slow.expect(re.compile(r"^(\^C)?KeyboardInterrupt", re.M))
    slow.settle()
    slow.line("print('the same' if warnings.filters is filters else 'others')")
    slow.expect(re.compile("^(the same|others)$", re.M))
    assert "called now" not in slow.text() and "others\n" not in slow.text()


def test_ctrl_c_while_an_error_is_shown(terminal):
    """It comes too late for the input, and the error is shown all the same."""
    t = terminal('''
        from hooking import hook
        class Late(Exception):
            asked = []
            @property
            def __notes__(self):
                self.asked.append(1)
                if len(self.asked) == 1: raise KeyboardInterrupt
        hook()
    ''')
    t.prompt()
    shown = t.run("raise Late('what it was')")
    assert re.search(r"Late: what it was$", shown) and "Traceback" in shown
    assert t.run("len(Late.asked) > 1") == "True"


def test_ctrl_c_while_the_prompt_is_made(slow):
    slow.run("import sys")
    slow.line("text.shown = False; sys.ps1 = text")
    slow.expect("started")
    slow.key("C-c")
    slow.until(lambda: slow.left_of_cursor().endswith(">>> "), "a prompt")
    slow.line("del sys.ps1")
    slow.settle()
    assert "the program was interrupted" not in slow.text()


def test_ctrl_c_at_any_moment(slow):
    """Between two prompts, too, where no statement runs."""
    moments = random.Random(1)
    for number in range(200):
        slow.type(("x\r", "where\r", "1/0\r", "  2\r")[number % 4])
        slow._wait(moments.random() * 0.004)
        slow.type("\x03")
    slow.settle()
    slow.key("C-d")
    slow.expect("end")
    assert slow.end() == 0
    assert "the program was interrupted" not in slow.text()


# Ctrl-Z -------------------------------------------------------------------------------------------------------------

def stopped(t, times):
    """The shell has the terminal: it says so in a line of its own."""
    t.until(lambda: len(re.findall(r"\[shell\] stopped$", t.text(), re.M)) == times, "the shell's message")
    assert t.echoes(), "the shell finds its terminal as it left it"


def test_ctrl_z_stops_and_fg_goes_on(terminal):
    t = terminal(PROGRAM, job_control=True)
    t.prompt()
    t.run("x = 5")
    t.type("x + 3").key("Left")
    t.until(lambda: t.screen.place()[1] == 8, "the cursor on the 3")
    t.key("C-z")
    stopped(t, 1)
    t.line()
    t.until(lambda: t.screen.place()[1] == 8 and t.text().endswith(">>> x + 3"), "the line as it was")
    t.type("1").key("Enter")
    t.expect(re.compile("^18$", re.M))
    t.prompt()
    t.key("C-z")
    stopped(t, 2)
    t.line()
    t.ready()
    assert t.run("x") == "5"
    t.key("C-d")
    t.expect("went on with 5")
    finish(t)


def test_ctrl_z_while_a_statement_runs(terminal):
    t = terminal(PROGRAM, job_control=True)
    t.prompt()
    t.line("import time; print('sta' + 'rted'); time.sleep(0.2); print('slept')")
    t.expect("started")
    t.key("C-z")
    stopped(t, 1)
    t.line()
    t.expect("slept")
    t.prompt()
    assert t.run("x") == "1"


# Being killed -------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGALRM, signal.SIGUSR1,
                                    signal.SIGABRT, signal.SIGPROF, signal.SIGSEGV, signal.SIGRTMIN],
                         ids=lambda number: number.name)
def test_a_killed_program_leaves_a_usable_terminal(terminal, number):
    """bobfang1992/pdbpp#28, inducer/pudb#187: no echo after a kill."""
    t = terminal("import resource\nresource.setrlimit(resource.RLIMIT_CORE, (0, 0))\n"
                 "from hooking import hook\nhook()\n", job_control=True, env=left_to_crash())
    t.prompt()
    t.run("import os, signal")
    t.line("print('pid', os.getpid())")
    pid = int(t.expect(re.compile(r"^pid (\d+)$", re.M))[1])
    t.prompt()
    assert not t.echoes()
    os.kill(pid, number)
    assert t.end() == 128 + number
    assert t.echoes()


WAYS_TO_INTERRUPT = {
    "a signal": lambda t: t.signal(signal.SIGINT),
    "a statement": lambda t: t.line("import _thread; _thread.interrupt_main()"),
}


@pytest.mark.parametrize("way", WAYS_TO_INTERRUPT)
def test_a_program_interrupted_beside_a_prompt_leaves_a_usable_terminal(terminal, way):
    """Python then ends by the signal itself, and no atexit() function of C is called."""
    t = terminal('''
        import threading, time
        from hooking import hook
        threading.Thread(target=lambda: hook(), daemon=True).start()
        while True: time.sleep(0.01)
    ''')
    t.prompt(THREAD_PS1)
    WAYS_TO_INTERRUPT[way](t)
    assert t.end() == -signal.SIGINT
    assert t.echoes()
    assert t.raw.count(b"\x1b[?2004h") == t.raw.count(b"\x1b[?2004l"), "bracketed paste is off again"


def test_the_programs_sigterm_handler_is_called(terminal):
    t = terminal('''
        import signal
        from hooking import hook
        signal.signal(signal.SIGTERM, lambda *a: print("terminated", flush=True))
        hook()
        print("handler", signal.getsignal(signal.SIGTERM).__name__)
    ''')
    t.prompt()
    t.signal(signal.SIGTERM)
    t.expect("terminated")
    t.line("1 + 1")
    t.expect(re.compile("^2$", re.M))
    t.ready()
    t.key("C-d")
    t.expect("handler <lambda>")


def test_the_terminal_goes_away(terminal):
    """A closed window: the prompt gets an end of file or SIGHUP, and the process does not stay behind spinning."""
    t = terminal('''
        import signal
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        from hooking import hook
        hook()
        with open("went-on", "w") as f: f.write("yes")
    ''')
    t.prompt()
    t.close_terminal()
    assert t.process.wait(20) == 0
    assert os.path.exists(t.path.parent / "went-on")


def test_os_exit_at_the_prompt_ends_the_process(terminal):
    t = terminal(PROGRAM)
    t.prompt()
    t.line("import os; os._exit(5)")
    assert t.end() == 5
    assert t.echoes()


def test_an_atexit_function_runs_after_leaving(terminal):
    t = terminal("import atexit\nfrom hooking import hook\natexit.register(print, 'bye')\nhook()\nprint('end')\n")
    t.prompt()
    assert t.leave() == "end\nbye"
