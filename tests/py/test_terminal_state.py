"""All state of the process and of its readline, before a console and after: the difference is empty."""

import functools
import os
import re
import shutil
import subprocess
import sys

import pytest

HERE = os.path.dirname(__file__)

# Readline's working memory: in no public header, and set anew for every line that is read.
WORKING_MEMORY = {
    "_rl_top_level",                          # where an interrupted read would jump to
    "_rl_in_stream", "_rl_out_stream",        # copies of rl_instream and rl_outstream
    "_rl_executing_func", "_rl_dispatching_keymap",      # of the last key
    "_rl_last_c_pos", "rl_display_fixed", "rl_visible_prompt_length",    # of the last line and prompt on the screen
}

WITHOUT_READLINE = '''
    import sys
    import hoststate
    from hooking import hook
    {setup}
    def program():
        hook({arguments})
    hoststate.difference(hoststate.snapshot(), hoststate.snapshot())
    before = hoststate.snapshot()
    try:
        program()
    except KeyError as e:
        del e
    after = hoststate.snapshot()
    for (where, name), (old, new) in hoststate.difference(before, after).items():
        print("CHANGED", where, name, "was", str(old)[:200], "is", str(new)[:200])
    print("compared", len(before["sys"]), len(before["descriptors"]))
'''

WITH_READLINE = '''
    import ctypes, readline, sys
    import hoststate
    from hooking import hook

    def complete(text, state):
        found = [name for name in ("host_alpha", "host_beta") if name.startswith(text)]
        return found[state] if state < len(found) else None
    readline.set_completer(complete)
    readline.set_completer_delims(" \\t")
    readline.parse_and_bind("tab: complete")
    readline.parse_and_bind('"\\\\C-o": "host macro"')
    readline.parse_and_bind('"\\\\C-xq": "another one"')
    readline.parse_and_bind("set completion-ignore-case on")
    readline.parse_and_bind("set bell-style none")
    readline.set_startup_hook(lambda: readline.insert_text("pre:"))
    readline.set_pre_input_hook(lambda: None)
    display = lambda substitution, matches, longest: None
    readline.set_completion_display_matches_hook(display)
    for n in range(5):
        readline.add_history("host entry %d" % n)
    library = hoststate.Readline()
    library.library.add_history_time(b"#1234567890")
    library.library.stifle_history({stifle}) if {stifle} else None
    ctypes.c_int.in_dll(library.library, "rl_completion_query_items").value = 77
    ctypes.c_int.in_dll(library.library, "history_write_timestamps").value = 1
    {setup}
    print("got", input("host? "))
    library.library.history_set_pos(2)
    import json, logging
    def program():
        hook({arguments})
    hoststate.snapshot(library)
    before = hoststate.snapshot(library)
    try:
        program()
    except KeyError as e:
        del e
    after = hoststate.snapshot(library)
    for (where, name), (old, new) in hoststate.difference(before, after).items():
        print("CHANGED", where, name, "was", str(old)[:200], "is", str(new)[:200])
    print("compared", len(before["readline"]), before["readline module"]["items"])
    print("got", input("host? "))
    print("got", input("host? "))
'''


def use(t):
    """A bit of everything one does at a prompt."""
    t.prompt()
    t.run("1 + 1")
    t.run("1 / 0")
    t.run("for i in range(2):\n    i")
    t.run("z = [i for i in range(3)]")
    t.type("impo").key("Tab").type(" no such thing").key("C-c")
    t.prompt()
    t.type("x.").key("Tab", "Tab", "C-u").type("5").key("Enter")
    t.ready()
    t.key("Up", "Up", "C-a", "C-k", "C-y", "M-f", "C-t", "C-c")
    t.ready()
    t.key("C-r").type("rang").key("C-g", "C-u").type("6").key("Enter")
    t.ready()
    t.paste("a = 1\nb = 2").key("Enter")
    t.ready()
    t.run("where")
    t.line("if True:")
    t.prompt("... ")
    t.key("C-d")
    t.prompt()
    t.resize(30, 100)
    t.run("'resized'")
    t.resize(24, 80)
    t.run("'back'")
    t.line("import time; print('sta' + 'rted'); [time.sleep(0.1) for _ in range(999)]")
    t.expect("started")
    t.key("C-c")
    t.expect(re.compile("^KeyboardInterrupt", re.M))
    t.ready()
    t.run("import os; os.system('true')")
    return t


@functools.cache
def imported_by_errors():
    """Modules of the standard library that compiling an input and showing a traceback may bring in, and no others."""
    program = """if True:
        import ast, os, symtable, sys, traceback
        for source in ("os.path.join(3)", "1 +* 2"):
            try:
                eval(source)
            except Exception:
                traceback.format_exc()
        print(*sys.modules)
    """
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


WAYS = {"ctrl-d": None, "exit": "exit()", "continue": "continue", "throw": "throw KeyError(1)"}


def leave(t, way):
    if WAYS[way] is None:
        t.key("C-d")
    else:
        t.line(WAYS[way])


def changes(t):
    t.expect("compared")
    found = []
    for line in t.text().split("\n"):
        if line.startswith("CHANGED"):
            where, name = line.split()[1:3]
            if not (where == "readline" and name in WORKING_MEMORY
                    or where == "modules" and name in imported_by_errors() and "was absent" in line):
                found.append(line)
    return found


@pytest.fixture
def host(terminal, tmp_path):
    shutil.copy(os.path.join(HERE, "hoststate.py"), tmp_path)
    return terminal


@pytest.mark.parametrize("way", WAYS)
def test_a_program_without_readline(host, way):
    t = host(WITHOUT_READLINE.format(setup="", arguments=""))
    use(t)
    leave(t, way)
    assert changes(t) == []
    assert t.end() == 0


SETUPS = {
    "locale": "import locale; locale.setlocale(locale.LC_ALL, 'C')",
    "signals": "import signal; "
               "[signal.signal(n, lambda *a: None) for n in (2, 15, 1, 10, 12, 14, 17, 18, 28, 20, 21, 22)]",
    "ignored": "import signal; [signal.signal(n, signal.SIG_IGN) for n in (2, 13, 15, 20, 21, 22, 28)]",
    "blocked": "import signal; "
               "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1, signal.SIGTERM, signal.SIGCHLD])",
    "wakeup": "import os, signal; r, w = os.pipe(); os.set_blocking(w, False); os.set_blocking(r, False); "
              "signal.set_wakeup_fd(w, warn_on_full_buffer=False)",
    "terminal": "import termios; m = termios.tcgetattr(0); m[3] &= ~termios.ECHOE; m[0] |= termios.IXANY; "
                "m[6][termios.VERASE] = b'#'; termios.tcsetattr(0, 0, m)",
    "non-blocking": "import os; os.set_blocking(0, False)",
    "trace": "sys.settrace(lambda *a: None)",
    "environment": "import os; os.environ['LINES'] = '7'; os.environ['COLUMNS'] = '33'",
    "hooks": "sys.displayhook = lambda v: print('shown'); sys.excepthook = sys.unraisablehook = print; "
             "sys.ps1 = '>>> '; import builtins; builtins._ = 'mine'",
}


@pytest.mark.parametrize("setup", SETUPS.values(), ids=SETUPS)
def test_a_program_with_settings_of_its_own(host, setup):
    t = host(WITHOUT_READLINE.format(setup=setup, arguments="overwrite_locals=True"))
    t.prompt()
    t.run("1 + 1")
    t.type("impo").key("Tab", "C-u").type("1 / 0").key("Enter")
    t.ready()
    t.key("C-c")
    t.prompt()
    leave(t, "ctrl-d")
    assert changes(t) == []
    assert t.end() == 0


@pytest.mark.parametrize("way", WAYS)
def test_a_program_with_readline_in_use(host, way):
    """python/cpython#124994, #141295, ipython/ipython#8090, bobfang1992/pdbpp#2: a polluted readline."""
    t = host(WITH_READLINE.format(setup="", arguments="", stifle=0))
    t.expect("host? pre:")
    t.line("first")
    use(t)
    leave(t, way)
    assert changes(t) == []
    # And it still works: startup hook, macros, completer, history.
    t.expect("host? pre:")
    t.key("C-u", "C-o").type(" ").key("C-x").type("q ").type("host_a").key("Tab", "Enter")
    t.expect("got host macro another one host_alpha")
    t.expect("host? pre:")
    t.key("Up", "Up", "Up", "Enter")
    t.expect("got host entry 4")
    assert t.end() == 0


@pytest.mark.parametrize("stifle", [3, 50])
def test_a_history_with_a_limit(host, stifle):
    """Moving the entries out and back must neither drop one nor lift the limit."""
    t = host(WITH_READLINE.format(setup="", arguments="", stifle=stifle))
    t.expect("host? pre:")
    t.line("first")
    t.prompt()
    for n in range(10):
        t.run(f"'typed {n}'")
    leave(t, "ctrl-d")
    assert changes(t) == []
    assert "typed" not in t.expect(re.compile(r"\[.*\]"))[0]


@pytest.mark.parametrize("mode", ["vi", "emacs"])
def test_a_program_in_either_editing_mode(host, mode):
    t = host(WITH_READLINE.format(setup=f"readline.parse_and_bind('set editing-mode {mode}')", arguments="", stifle=0),
             inputrc=f"set editing-mode {'vi' if mode == 'emacs' else 'emacs'}\n")
    t.expect("host? pre:")
    t.line("first")
    t.prompt()
    assert t.run("1 + 1") == "2"
    leave(t, "ctrl-d")
    assert changes(t) == []


@pytest.mark.parametrize("mode", ["setcbreak", "setraw"])
def test_a_program_that_reads_single_keys(host, mode):
    """curses and friends: the terminal does not echo. The console does, and the program finds its modes again."""
    t = host(f'''
        import termios, tty
        from hooking import hook
        usual = termios.tcgetattr(0)
        tty.{mode}(0)
        before = termios.tcgetattr(0)
        hook()
        same = termios.tcgetattr(0) == before
        termios.tcsetattr(0, termios.TCSANOW, usual)
        print("same", same)
    ''')
    t.prompt()
    t.line("20 + 22")
    t.expect("20 + 22")
    t.expect("42")
    t.prompt()
    t.key("C-d")
    t.expect("same True")


def test_settings_for_one_of_us_do_not_reach_the_other(host):
    """`$if hooking` in ~/.inputrc is ours, `$if Python` the program's, `set` without a condition everybody's."""
    t = host('''
        import readline
        from hooking import hook
        print("got", input("host? "))
        hook()
        print("got", input("host? "))
    ''', inputrc='"\\C-t": "everybody"\n$if hooking\n"\\C-o": "ours"\n$endif\n$if Python\n"\\C-y": "theirs"\n$endif\n')
    t.expect("host? ")
    t.key("C-t").type(" ").key("C-y", "Enter")
    t.expect("got everybody theirs")
    t.prompt()
    t.type("'").key("C-t", "C-o").type("'").key("Enter")
    assert t.prompt() == "'everybodyours'"
    t.key("C-d")
    t.expect("host? ")
    t.key("C-y").type(" ").key("C-t", "Enter")
    t.expect("got theirs everybody")


def test_readline_imported_after_a_console(host):
    """The program's readline starts as it would have started without us: its part of ~/.inputrc, an empty history."""
    t = host('''
        from hooking import hook
        hook()
        import readline
        print("items", [readline.get_history_item(i) for i in range(1, readline.get_current_history_length() + 1)])
        print("completer", readline.get_completer(), repr(readline.get_completer_delims()))
        readline.add_history("of the host")
        print("got", input("host? "))
        print("got", input("host? "))
        hook()
        print("got", input("host? "))
    ''', inputrc='$if hooking\n"\\C-o": "ours"\n$endif\n$if Python\n"\\C-y": "theirs"\n$endif\n')
    t.prompt()
    t.run("'typed in the first console'")
    t.key("C-d")
    t.expect("items []")
    t.expect("completer None ' \\t\\n`~!@#$%^&*()-=+[{]}\\\\|;:\\'\",<>/?'")
    t.expect("host? ")
    t.key("Up", "Enter")
    t.expect("got of the host")
    t.expect("host? ")
    t.key("C-y", "Enter")
    t.expect("got theirs")
    t.prompt()
    t.key("Up", "Enter")
    assert "'typed in the first console'" in t.prompt()
    t.key("C-d")
    t.expect("host? ")
    t.key("Up", "Up", "Enter")
    t.expect(re.compile("got (of the host|theirs)"))


def test_readline_imported_at_the_prompt(host):
    t = host('''
        from hooking import hook
        hook()
        import readline
        print("items", [readline.get_history_item(i) for i in range(1, readline.get_current_history_length() + 1)])
        print("got", input("host? "))
    ''')
    t.prompt()
    t.run("'before'")
    t.run("import readline")
    t.run("readline.add_history('added at the prompt')")
    assert t.run("'after'") == "'after'"
    t.key("Up", "Enter")
    assert t.prompt().endswith("'after'")
    t.key("C-d")
    t.expect("items ['added at the prompt']")
    t.expect("host? ")
    t.line("x")
    t.expect("got x")


def test_the_programs_readline_at_the_prompt(host):
    """What a statement does with the readline module happens to the program's readline, not to the console's."""
    t = host('''
        import readline
        from hooking import hook
        readline.add_history("one")
        hook()
        print("items", [readline.get_history_item(i) for i in range(1, readline.get_current_history_length() + 1)])
        print("completer", readline.get_completer()("", 0))
    ''')
    t.prompt()
    assert t.run("readline.get_current_history_length(), readline.get_history_item(1)") == "(1, 'one')"
    t.run("readline.add_history('two')")
    t.run("readline.set_completer(lambda text, state: 'completed')")
    t.key("Up", "Enter")
    t.prompt()
    assert t.run("'ours still'") == "'ours still'"
    t.key("C-d")
    t.expect("items ['one', 'two']")
    t.expect("completer completed")


def test_input_in_a_statement_uses_the_programs_readline(host):
    t = host('''
        import readline
        from hooking import hook
        readline.add_history("host entry")
        hook()
        print("items", [readline.get_history_item(i) for i in range(1, readline.get_current_history_length() + 1)])
    ''')
    t.prompt()
    t.line("input('inner? ')")
    t.expect(re.compile("^inner\\? ", re.M))
    t.key("Up", "Enter")
    assert t.prompt().split("\n")[-1] == "'host entry'"
    t.line("input('inner? ')")
    t.expect(re.compile("^inner\\? ", re.M))
    t.line("an answer")
    t.prompt()
    t.key("Up", "Up", "Enter")
    t.expect(re.compile("^inner\\? ", re.M))
    t.line("again")
    t.prompt()
    t.key("C-d")
    t.expect("items ['host entry', 'an answer', 'again']")


def test_readline_redisplays_after_a_console(host):
    """Between two lines the library still writes to the program's terminal, through no stream that is closed."""
    t = host('''
        import readline
        from hooking import hook
        print("got", input("host? "))
        hook()
        for i in range(10):
            junk = [bytearray(n) for n in range(100, 5000, 7)]
            readline.redisplay()
        print("still alive")
    ''')
    t.expect("host? ")
    t.line("x")
    t.prompt()
    t.run("1 + 1")
    t.key("C-d")
    t.expect("still alive")
    assert t.end() == 0


def test_a_console_in_a_console_of_the_standard_library(host):
    """code.interact() and pdb keep their history beside ours."""
    t = host('''
        import code, readline
        from hooking import hook
        code.interact(banner="", exitmsg="", local={"hook": hook})
    ''')
    t.prompt()
    t.run("'typed in code'")
    t.line("hook()")
    t.prompt()
    t.run("'typed in hook'")
    t.key("Up", "Up", "Enter")
    t.prompt()
    t.key("C-d")
    t.prompt()
    t.key("Up", "Up", "Enter")
    assert t.prompt() == "'typed in code'"


def test_consoles_do_not_leak(host):
    """ipython/ipython#11753: descriptors leak. A hundred consoles leave no more than one does."""
    t = host('''
        import gc, os, sys
        from hooking import hook
        def counts():
            gc.collect()
            return len(os.listdir("/proc/self/fd")), len(sys.modules), len(os.listdir("/proc/self/task"))
        for n in range(60):
            hook(logger="some")
            if n == 9:
                before = counts()
        print("leaked", [b - a for a, b in zip(before, counts())])
    ''')
    for n in range(60):
        t.prompt()
        t.run("1 + n")
        t.key("C-d")
    t.expect("leaked [0, 0, 0]")
    assert t.end() == 0


@pytest.mark.parametrize("imported", ["", "import readline; "])
def test_modules_that_a_console_brings_in(host, imported):
    """A console that is opened and left imports nothing that the program would notice."""
    t = host(f'''
        {imported}import sys
        import hooking
        before = set(sys.modules)
        hooking.hook()
        print("new", sorted(set(sys.modules) - before))
    ''')
    t.prompt()
    t.run("1 + 1")
    t.key("C-d")
    new = t.expect(re.compile(r"new \[(.*)\]"))[1]
    assert set(re.findall(r"'([^']*)'", new)) <= imported_by_errors()


def test_importing_the_package_does_nothing(host):
    t = host('''
        import hoststate, sys
        before = hoststate.snapshot()
        import hooking
        changed = hoststate.difference(before, hoststate.snapshot())
        print(sorted(str(key) for key in changed if key[0] != "modules"))
        print(sorted(key[1] for key in changed if key[0] == "modules"))
    ''')
    assert t.end() == 0
    assert t.text() == "[]\n['hooking', 'hooking._core']"
