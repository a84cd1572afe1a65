"""The prompt: what is typed, what is displayed, what an error looks like."""

import re
import signal

import pytest

PROGRAM = '''
    from hooking import hook
    def f(x):
        y = [1, 2]
        hook()
        return x
    f("X")
'''


# sys.ps1 and sys.ps2 ------------------------------------------------------------------------------------------------

def test_prompts_of_the_user(terminal):
    t = terminal('''
        import sys
        from hooking import hook
        sys.ps1, sys.ps2 = "In: ", "  : "
        hook()
    ''')
    t.prompt("In: ")
    t.line("(1 +")
    t.prompt("  : ")
    t.line("1)")
    assert t.prompt("In: ") == "2"


def test_prompts_are_the_str_of_any_object(terminal):
    t = terminal('''
        import sys
        from hooking import hook
        class Count:
            n = 0
            def __str__(self):
                Count.n += 1
                return f"[{Count.n}] "
        sys.ps1, sys.ps2 = Count(), 17
        hook()
        print(sys.ps1.__class__.__name__, sys.ps2)
    ''')
    counted = re.compile(r"\[\d+\] $")
    assert t.prompt(counted).endswith("CTRL+D")
    t.line("(1 +")
    t.prompt("17")
    t.line("1)")
    assert t.prompt(counted) == "2"
    assert t.leave() == "Count 17"


def test_prompts_changed_at_the_prompt(opened):
    t = opened()
    t.run("import sys")
    t.line("sys.ps1 = 'now> '")
    t.prompt("now> ")
    t.line("del sys.ps1")
    t.prompt(">>> ")
    assert t.run("hasattr(sys, 'ps1')") == "False"


def test_a_prompt_whose_str_raises(terminal):
    t = terminal('''
        import sys
        from hooking import hook
        class Broken:
            def __str__(self): raise ValueError("no prompt today")
        sys.ps1 = Broken()
        hook()
        print("after")
    ''')
    t.prompt()
    assert t.run("1 + 1").endswith("2")
    assert t.leave().endswith("after")


def test_sys_ps1_is_not_set_by_us(opened):
    t = opened("import sys\nfrom hooking import hook\nhook()\nprint({'ps1', 'ps2'} & set(dir(sys)))\n")
    assert t.leave() == "set()"


# Displaying ---------------------------------------------------------------------------------------------------------

def test_displayhook_of_the_user(opened):
    t = opened('''
        import sys
        from hooking import hook
        sys.displayhook = lambda value: print("<<", value, ">>")
        hook()
    ''')
    assert t.run("1 + 1") == "<< 2 >>"
    assert t.run("None") == "<< None >>"
    assert t.run("x = 1") == ""
    assert t.run("[i for i in (1, 2)]") == "<< [1, 2] >>"
    assert t.run("sys.displayhook = lambda value: print('other', value)") == ""
    assert t.run("3") == "other 3"


def test_no_displayhook_is_an_error_at_the_prompt(opened):
    t = opened('''
        import sys
        from hooking import hook
        old = sys.displayhook
        del sys.displayhook
        hook()
        print("after")
    ''')
    assert "displayhook" in t.run("1 + 1")
    assert t.run("sys.displayhook = old") == ""
    assert t.run("1 + 1") == "2"
    assert t.leave() == "after"


def test_a_displayhook_that_raises(opened):
    t = opened('''
        import sys
        from hooking import hook
        def display(value): raise LookupError("display is broken")
        sys.displayhook = display
        hook()
        print("after")
    ''')
    assert "LookupError: display is broken" in t.run("1 + 1")
    assert t.run("y = 3") == ""
    assert t.leave() == "after"


def test_underscore_is_the_last_value(opened):
    t = opened()
    t.play('''
        >>> 20 + 1
        21
        >>> _ * 2
        42
        >>> [_ for i in y]
        [42, 42]
        >>> _
        [42, 42]
        >>> None
        >>> print(_[0])
        42
        >>> z = 5
        >>> (lambda: _)()
        [42, 42]
        >>> ^D
    ''')


@pytest.mark.parametrize("where", ["local", "global"])
def test_underscore_of_the_user_wins(opened, where):
    t = opened(f'''
        from hooking import hook
        {"_ = 'mine'" if where == "global" else ""}
        def f():
            {"_ = 'mine'" if where == "local" else ""}
            hook()
        f()
    ''')
    assert t.run("1 + 1") == "2"
    assert t.run("_") == "'mine'"
    assert t.run("(lambda: _)()") == "'mine'"


@pytest.mark.parametrize("before", ["absent", "gettext"])
def test_underscore_in_builtins_is_as_before(opened, before):
    """gettext.install() puts a function there; CPython's own displayhook overwrites it."""
    t = opened(f'''
        import builtins
        from hooking import hook
        if {before == "gettext"}:
            import gettext
            gettext.install("nothing")
        old = getattr(builtins, "_", "absent")
        hook()
        print(getattr(builtins, "_", "absent") is old, old == "absent")
    ''')
    assert t.run("1 + 1") == "2"
    assert t.run("_ + 1") == "3"
    assert t.leave() == f"True {before == 'absent'}"


def test_gettext_works_until_something_is_displayed(opened):
    t = opened("import gettext\ngettext.install('nothing')\nfrom hooking import hook\nhook()\n")
    assert t.run("print(_('text'))") == "text"


@pytest.mark.parametrize("method, shown", [
    ("raise ValueError('broken repr')", "ValueError: broken repr"),
    ("return 3", "TypeError: "),
    ("return repr(self)", "RecursionError: "),
    ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    ("return '\\udc80'", "")])
def test_a_broken_repr(opened, method, shown):
    t = opened(f'''
        from hooking import hook
        class Broken:
            def __repr__(self): {method}
        b = Broken()
        hook()
        print("after")
    ''')
    assert shown in t.run("b")
    assert t.run("1 + 1") == "2"
    assert t.leave() == "after"


def test_a_del_that_raises(opened):
    t = opened('''
        from hooking import hook
        class D:
            def __del__(self): raise ValueError("broken del")
        def f():
            d = D()
            hook(overwrite_locals=True)
            print("after", d)
        f()
    ''')
    shown = t.run("d = 1")
    if "broken del" not in shown:             # 3.14 on may keep the old value until the frame ends
        assert t.run("d") == "1"
    else:
        assert "Exception ignored" in shown or "ValueError" in shown
    assert "broken del" in t.run("D() and None") + t.run("1")
    assert t.run("1 + 1") == "2"
    assert "after 1" in t.leave()
    assert t.end() == 0


def test_output_comes_before_the_next_prompt_whatever_the_buffering(opened):
    t = opened("import sys\nfrom hooking import hook\nsys.stdout.reconfigure(line_buffering=False)\nhook()\n")
    assert t.run("print('no line end', end='')").rstrip() == "no line end"
    assert t.run("sys.stdout.write('line\\n') and None") == "line"
    assert t.run("sys.stderr.write('error\\n') and None") == "error"


def test_long_output(opened):
    t = opened()
    assert t.run("print(*range(3000), sep='\\n')") == "\n".join(map(str, range(3000)))
    assert t.run("print('x' * 5000)") == "x" * 5000


def test_input_at_the_prompt(terminal, opened):
    """A statement may read from the terminal, which then behaves as the program is used to."""
    t = opened()
    t.line("answer = input('Your name: ')")
    t.expect(re.compile("^Your name: ", re.M))
    assert t.echoes()
    t.line("Ada Lovelace")
    t.prompt()
    assert t.run("answer") == "'Ada Lovelace'"
    t.line("import sys; print('sta' + 'rted'); sys.stdin.readline()")
    t.expect("started")
    t.line("another line")
    assert "'another line\\n'" in t.prompt()


# Errors -------------------------------------------------------------------------------------------------------------

def test_a_traceback_has_the_users_frames_only(opened):
    t = opened('''
        from hooking import hook
        def outer(): return inner()
        def inner(): return 1 / 0
        def f(): hook()
        f()
    ''')
    lines = [line for line in t.run("outer()").split("\n") if not set(line) <= set(" ^~")]
    assert lines[0] == "Traceback (most recent call last):"
    assert re.fullmatch(r'  File "<hook-\d+>", line 1, in <module>', lines[1])
    assert lines[2] == "    outer()"
    assert [line.strip() for line in lines[3:]] == [
        f'File "{t.path}", line 2, in outer', "def outer(): return inner()",
        f'File "{t.path}", line 3, in inner', "def inner(): return 1 / 0",
        "ZeroDivisionError: division by zero"]


def test_each_input_has_a_file_name_of_its_own(opened):
    t = opened()
    names = []
    for divisor in ("0", "0.0"):
        shown = t.run(f"1 / {divisor}")
        names.append(re.search(r'"(<hook-\d+>)"', shown)[1])
        assert f"    1 / {divisor}" in shown.split("\n")
    assert names[0] != names[1]
    t.run("def later(n):\n    # a comment\n    return 1 / n")
    shown = t.run("later(0)")
    assert "line 3, in later" in shown and "    return 1 / n" in shown
    assert "    later(0)" in shown.split("\n")
    assert t.run("import traceback") == ""
    again = t.run("try: later(0)\nexcept Exception: traceback.print_exc()")
    assert "    return 1 / n" in again and "<hook-" in again


def test_the_line_of_a_block_that_failed(opened):
    t = opened()
    shown = t.run("for i in y:\n    z = 1\n    1 / (i - 2)")
    assert re.search(r'File "<hook-\d+>", line 3, in <module>\n    1 / \(i - 2\)', shown)
    shown = t.run("[1 / (i - 2)\n for i in y]\n")
    assert "line 1" in shown and "    [1 / (i - 2)" in shown


def test_syntax_errors_show_where(opened):
    t = opened()
    shown = t.run("1 +* 2")
    assert re.fullmatch(r'  File "<hook-\d+>", line 1\n    1 \+\* 2\n +\^\nSyntaxError: invalid syntax', shown)
    assert "Traceback" not in shown
    shown = t.run("if x:\n  y\n    z\n")
    assert "line 3" in shown and "IndentationError: unexpected indent" in shown
    assert "SyntaxError" in t.run("'abc")
    assert "SyntaxError" in t.run("f(x) = 3")
    assert "SyntaxError" in t.run("x = )")
    assert "SyntaxError" in t.run("{(}")
    assert "SyntaxError" in t.run("0777")
    assert "SyntaxError" in t.run("'\\N{no such name}'")
    assert t.run("x") == "'X'"


def test_a_leading_space_only_says_that_the_line_is_python(opened):
    t = opened()
    assert t.run(" x") == "'X'"
    assert t.run("  [x for _ in y]") == "['X', 'X']"


def test_no_context_from_the_program(opened):
    """An exception the program is handling is not the context of one raised at the prompt."""
    t = opened('''
        from hooking import hook
        try:
            {}["the program's own"]
        except KeyError:
            hook()
            import sys
            print(sys.exc_info()[0].__name__)
    ''')
    shown = t.run("1 / 0")
    assert "During handling" not in shown and "KeyError" not in shown
    shown = t.run("try: 1 / 0\nexcept Exception: int('x')")
    assert "During handling" in shown and "ZeroDivisionError" in shown and "KeyError" not in shown
    assert "During handling" not in t.run("int('y')")
    assert t.leave() == "KeyError"


def test_causes_notes_and_groups_are_shown(opened):
    t = opened()
    shown = t.run("try: 1 / 0\nexcept Exception as e: raise ValueError('second') from e")
    assert "direct cause" in shown and "ValueError: second" in shown
    t.run("e = ValueError('noted'); e.add_note('look here')")
    assert "look here" in t.run("raise e")
    shown = t.run("raise ExceptionGroup('several', [ValueError(1), KeyError(2)])")
    assert "ExceptionGroup: several (2 sub-exceptions)" in shown and "KeyError: 2" in shown


def test_an_exception_with_a_broken_str(opened):
    t = opened()
    t.run("class E(Exception):\n    def __str__(self): raise RuntimeError('no str')")
    assert "E" in t.run("raise E")
    assert t.run("1 + 1") == "2"


def test_a_deep_recursion(opened):
    t = opened()
    t.run("def r(n): return r(n + 1)")
    assert "RecursionError" in t.run("r(0)")
    assert t.run("1 + 1") == "2"


def test_a_nested_expression_too_deep_for_the_compiler(opened):
    t = opened()
    shown = t.run("(" * 300 + ")" * 300)
    assert re.search("SyntaxError|MemoryError|RecursionError", shown)
    assert t.run("1 + 1") == "2"


def test_warnings_are_shown_once(opened):
    t = opened()
    shown = t.run("x is 'literal'")
    assert shown.count("SyntaxWarning") == 1 and shown.endswith("False")
    # Another warning: 3.13.5 gives none twice whose text and line are the same, in whichever file.
    assert t.run("[i or 'literal'() for i in y]").count("SyntaxWarning") == 1
    assert "DeprecationWarning: old" in t.run("import warnings; warnings.warn('old', DeprecationWarning)")


def test_a_statement_is_run_once_whatever_it_raises(opened):
    t = opened()
    for error in ("ValueError", "SyntaxError('mine')", "NameError('mine')", "TypeError", "MemoryError",
                  "RecursionError", "IndentationError('x')", "EOFError", "KeyboardInterrupt", "GeneratorExit"):
        t.run(f"y.append(3), (lambda: (_ for _ in [1]).throw({error}))()")
        assert t.run("y.count(3)") == "1", error
        t.run("del y[2:]")


# Blocks -------------------------------------------------------------------------------------------------------------

def test_a_block_ends_with_a_blank_line(opened):
    t = opened()
    t.play('''
        >>> if x:
        ...     print(1)
        ... else:
        ...     print(2)
        ...
        1
        >>> @staticmethod
        ... def g():
        ...     """doc
        ...
        ...     string"""
        ...     return 3
        ...
        >>> g()
        3
        >>> try:
        ...     1/0
        ... except ZeroDivisionError:
        ...     print("caught")
        ... finally:
        ...     print("finally")
        ...
        caught
        finally
        >>> """a
        ...
        ... b"""
        'a\\n\\nb'
        >>> ^D
    ''')


def test_blank_lines_at_the_prompt(opened):
    t = opened()
    assert [t.run(blank) for blank in ("", "   ", "# comment", "    # comment")] == [""] * 4
    assert t.run("x") == "'X'"


def test_a_pasted_block_is_one_input(opened):
    t = opened()
    t.paste("def g():\n    a = 1\n\n    return a + 1\n\nprint(g())\ng() + 1")
    t.key("Enter")
    assert t.prompt().endswith("2\n3")
    assert t.run("g()") == "2"


def test_a_pasted_block_with_tabs(opened):
    t = opened()
    t.paste("if x:\n\tprint('tab')\n")
    t.until(lambda: t.left_of_cursor() == "... ", "the line behind the block")
    t.key("Enter")
    t.expect(re.compile("^tab$", re.M))
    t.prompt()


# Editing ------------------------------------------------------------------------------------------------------------

def test_editing_keys(opened):
    t = opened()
    t.type("1 + 3").key("Left", "Backspace").type("2").key("C-a").type("4").key("C-e").type("0").key("Enter")
    assert t.prompt() == str(41 + 230)
    t.type("gone").key("C-u").type("5 6").key("Left", "Left", "C-k", "Enter")
    assert t.prompt() == "5"


def test_history_goes_back_to_earlier_inputs(opened):
    t = opened()
    t.run("1 + 1")
    t.run("2 + 2")
    t.key("Up", "Up", "Enter")
    assert t.prompt() == "2"
    t.key("Up", "Up", "Up", "Down", "Enter")
    assert t.prompt() == "4"
    t.key("C-r").type("1 +").key("Enter")
    assert t.prompt() == "2"


def test_wide_characters_and_accents(opened):
    t = opened()
    assert t.run("'日本' + 'é' + '🐍'") == "'日本é🐍'"
    t.type("'日本語").key("Backspace").type("'").key("Enter")
    assert t.prompt() == "'日本'"
    t.type("'日本語'").key("C-a").type("'ø' + ").key("Enter")
    assert t.prompt() == "'ø日本語'"


def test_a_line_longer_than_the_terminal(opened):
    t = opened(columns=40)
    assert t.run("len('" + "x" * 200 + "')") == "200"
    t.type("len('" + "y" * 100 + "')").key("C-a").type("1 + ").key("Enter")
    assert t.prompt().split("\n")[-1] == "101"


def test_clearing_the_screen(opened):
    t = opened()
    t.type("1 + 1").key("C-l")
    t.until(lambda: t.screen.place() == (0, 9), "the line at the top")
    t.prompt_row = 0
    t.key("Enter")
    assert t.prompt() == "2"


def test_inputrc_is_honoured(opened):
    t = opened(inputrc='''
"\\C-o": "20 + 22"
$if hooking
"\\C-t": "ours"
$endif
''')
    t.key("C-o", "Enter")
    assert t.prompt() == "42"
    t.run("ours = 'application name'")
    t.key("C-t", "Enter")
    assert t.prompt() == "'application name'"


def test_vi_mode(opened):
    t = opened(inputrc="set editing-mode vi\n")
    t.type("12 + 4").key("Escape").type("0x$r5").key("Enter")
    assert t.prompt() == "7"
    t.type("2 + 2").key("C-c")
    t.expect("KeyboardInterrupt")
    t.prompt()
    assert t.run("3") == "3"


@pytest.mark.parametrize("keys, middle", [
    ("$x", "    a = [1, 2"), ("A#", "    a = [1, 2]#"), ("I#", "    #a = [1, 2]"), ("$^i#", "    #a = [1, 2]"),
    ("S#", "    #"), ("^wD", "    a"), ("^wC#", "    a #"), ("^wd$", "    a"), ("$D", "    a = [1, 2")])
def test_vi_commands_about_a_line_keep_to_it(opened, keys, middle):
    t = opened(inputrc="set editing-mode vi\n")
    t.line("if 1:").prompt("... ")
    t.line("a = [1, 2]").prompt("... ")
    t.type("b = 2").key("Escape").type("k" + keys)
    wanted = re.compile(rf">>> if 1:\n\.\.\. {re.escape(middle)} *\n\.\.\.     b = 2$")
    t.until(lambda: wanted.search(t.text()), "the other lines as they were")


def test_resize_at_the_prompt(opened):
    t = opened()
    t.type("len('" + "z" * 100 + "')")
    t.expect(re.compile("z'\\)$", re.M))
    t.resize(20, 50)
    t.key("C-e").type(" + 0").key("Enter")
    t.expect(re.compile("^100$", re.M))
    t.resize(24, 80)
    t.prompt_row = -1
    t.prompt()
    assert t.run("import os; os.get_terminal_size()") == "os.terminal_size(columns=80, lines=24)"
    assert t.run("import os; 'LINES' in os.environ, 'COLUMNS' in os.environ") == "(False, False)"


def test_a_resize_draws_the_line_anew_and_not_twice(opened):
    t = opened()
    t.type("abc").expect("abc")
    for rows, columns in ((30, 100), (24, 60), (40, 80)):
        t.resize(rows, columns)
        t.type("d").key("Backspace")
    t.type("e").expect("e")
    assert t.text().split("\n")[1:] == [">>> abce"]


def test_the_programs_sigwinch_handler_hears_of_a_resize(opened):
    t = opened('''
        import signal
        from hooking import hook
        heard = []
        signal.signal(signal.SIGWINCH, lambda *a: heard.append(1))
        hook()
        print(signal.getsignal(signal.SIGWINCH).__name__)
    ''')
    t.run("import signal, os")
    t.run("os.kill(os.getpid(), signal.SIGWINCH)")
    assert t.run("len(heard) > 0") == "True"
    assert t.leave() == "<lambda>"


@pytest.mark.parametrize("where", ["the main thread", "another thread"])
def test_the_programs_handler_hears_of_a_resize_at_the_prompt(terminal, where):
    """At once, and the block is drawn for the new size, below what it prints."""
    t = terminal(f'''
        import os, signal, threading, time
        from hooking import hook
        def resized(*a): print("resized to", os.get_terminal_size(1).columns, flush=True)
        signal.signal(signal.SIGWINCH, resized)
        if {where == "the main thread"}:
            hook()
        else:
            thread = threading.Thread(target=lambda: hook())
            thread.start()
            while True: time.sleep(0.01)     # for in a call that blocks Python may miss any signal
    ''')
    t.prompt(">>> ")
    t.type("'" + "z" * 70)
    t.until(lambda: t.text().endswith("z" * 70), "what is typed")
    for columns in (50, 120):
        t.resize(24, columns)
        t.above(f"resized to {columns}")
        t.until(lambda: t.text().endswith(">>> '" + "z" * 70) and t.text().count("z" * 70) == 1, "the line, once")


def test_the_programs_handler_hears_of_a_continuation(opened):
    t = opened('''
        import signal
        from hooking import hook
        signal.signal(signal.SIGCONT, lambda *a: print("continued", flush=True))
        hook()
    ''')
    t.type("1 + ").expect("1 +")
    t.signal(signal.SIGCONT)
    t.above("continued")
    t.type("1").key("Enter").expect(re.compile("^2$", re.M))


def test_an_event_loop_hears_of_a_resize_at_the_prompt(opened):
    """Through its wakeup descriptor; what it has to call is called when it runs again."""
    t = opened('''
        import asyncio, signal
        from hooking import hook
        async def main():
            resized = asyncio.Event()
            asyncio.get_running_loop().add_signal_handler(signal.SIGWINCH, resized.set)
            hook()
            await asyncio.wait_for(resized.wait(), 10)
            print("heard")
        asyncio.run(main())
    ''')
    t.type("1 + ").expect("1 +")
    t.resize(24, 100)
    t.type("1").key("Enter").expect(re.compile("^2$", re.M))
    t.ready()
    assert t.leave() == "heard"


C_HANDLERS = {
    "a function": ("ctypes.CFUNCTYPE(None, ctypes.c_int)", "lambda number: heard.append(number)", "0"),
    "a function with SA_SIGINFO": ("ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)",
                                   "lambda number, info, context: heard.append(number if info and context else 0)",
                                   "4"),
}


@pytest.mark.parametrize("handler", C_HANDLERS)
def test_a_handler_in_c_hears_of_a_resize_at_the_prompt(opened, handler):
    kind, function, flags = C_HANDLERS[handler]
    t = opened(f'''
        import ctypes, signal
        from hooking import hook
        heard = []
        class Action(ctypes.Structure):      # of glibc
            _fields_ = [("handler", ctypes.c_void_p), ("mask", ctypes.c_byte * 128), ("flags", ctypes.c_int),
                        ("restorer", ctypes.c_void_p)]
        handler = {kind}({function})
        action = Action(handler=ctypes.cast(handler, ctypes.c_void_p).value, flags={flags})
        assert ctypes.CDLL(None).sigaction(signal.SIGWINCH, ctypes.byref(action), None) == 0
        hook()
        print("heard", heard == [signal.SIGWINCH])
    ''')
    t.type("1 + ").expect("1 +")
    t.resize(24, 100)
    t.type("1").key("Enter").expect(re.compile("^2$", re.M))
    t.ready()
    assert t.leave() == "heard True"


@pytest.mark.parametrize("action", ["SIG_IGN", "SIG_DFL"])
def test_signals_that_the_program_has_no_handler_for(opened, action):
    t = opened(f'''
        import signal
        from hooking import hook
        signal.signal(signal.SIGWINCH, signal.{action})
        signal.signal(signal.SIGCONT, signal.{action})
        hook()
        print("end")
    ''')
    t.type("1 + ").expect("1 +")
    t.signal(signal.SIGCONT)
    t.resize(24, 100)
    t.type("1").key("Enter").expect(re.compile("^2$", re.M))
    t.ready()
    assert t.leave() == "end"


# While the prompt waits ---------------------------------------------------------------------------------------------

def test_other_threads_run(terminal):
    t = terminal('''
        import os, threading
        from hooking import hook
        go, done = threading.Event(), threading.Event()
        def work():
            go.wait()
            for i in range(200000): pass
            os.write(1, b"worked\\n")      # print() writes the line end by itself, perhaps after the prompt
            done.set()
        threading.Thread(target=work).start()
        go.set()
        hook()
        done.wait()
    ''')
    t.expect("worked")
    t.line("1 + 1")
    t.expect(re.compile("^2$", re.M))
    t.ready()
    t.key("C-d")
    assert t.end() == 0


def test_signal_handlers_run(opened):
    t = opened('''
        import signal
        from hooking import hook
        signal.signal(signal.SIGUSR1, lambda *a: print("handled", flush=True))
        hook()
    ''')
    t.signal(signal.SIGUSR1)
    t.above("handled")
    t.line("1 + 1")
    t.expect(re.compile("^2$", re.M))
    t.ready()
    t.key("C-d")
    assert t.end() == 0


def test_a_signal_handler_that_raises(terminal, opened):
    """It interrupts what the main thread does, as everywhere; but it never leaves a raw terminal."""
    t = opened('''
        import signal
        from hooking import hook
        def handler(*a): raise ValueError("from the handler")
        signal.signal(signal.SIGUSR1, handler)
        hook()
        print("after")
    ''')
    t.signal(signal.SIGUSR1)
    t.expect("ValueError: from the handler")
    t.until(lambda: t.status is not None or t.prompt_is_fresh(">>> "), "a prompt, or the end", ended=True)
    if t.status is None:
        t.prompt()
        assert t.leave() == "after"
    assert t.echoes()


def test_the_input_hook_is_called(opened):
    """GUI toolkits hang their event loop on PyOS_InputHook: windows live on while the prompt waits."""
    t = opened('''
        import ctypes
        from hooking import hook
        calls = []
        @ctypes.CFUNCTYPE(ctypes.c_int)
        def inputhook():
            calls.append(1)
            if len(calls) == 5:
                print("five calls", flush=True)
            return 0
        pointer = ctypes.c_void_p.in_dll(ctypes.pythonapi, "PyOS_InputHook")
        pointer.value = ours = ctypes.cast(inputhook, ctypes.c_void_p).value
        hook()
        print("still ours", pointer.value == ours)
        pointer.value = None
    ''')
    t.above("five calls")
    t.line("1 + 1")
    t.expect(re.compile("^2$", re.M))
    t.ready()
    t.key("C-d")
    t.expect("still ours True")
    assert t.end() == 0


def test_typing_ahead(opened):
    """What is typed while a statement runs is the next input."""
    t = opened()
    t.line("import time; print('sta' + 'rted'); time.sleep(0.3)")
    t.expect("started")
    t.line("y + ['ahead']")
    t.expect("[1, 2, 'ahead']")


def test_a_program_that_asks_itself_afterwards(opened):
    """readline was here; input() of the program is as it was, with no history of ours."""
    t = opened('''
        from hooking import hook
        hook()
        print("got", input("after? "))
    ''')
    t.run("1 + 1")
    t.key("C-d")
    t.expect("after? ")
    assert t.echoes()
    t.line("an answer")
    t.expect("got an answer")
    assert t.end() == 0


def test_a_paste_from_within_a_block(opened):
    t = opened()
    t.type("\x1b[200~    if x:\n        print('in', x)\n    print('out')\x1b[201~\r")
    t.expect("in X\nout")


def test_a_malformed_paste_says_what_is_wrong(opened):
    t = opened()
    t.type("\x1b[200~a = 1\nb = = 2\x1b[201~\r")
    t.expect("SyntaxError: invalid syntax")
    t.prompt()
