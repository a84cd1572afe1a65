"""What users of other consoles and debuggers complained about, one test each: repository#issue stands in the docstring.

The inputs are those of the complaints as far as they are public; here they do what their authors had hoped for.
"""

import os
import re
import signal
import sys

import pytest

from conftest import source
from terminal import THREAD_PS1


def opened(terminal, program, **options):
    t = terminal("from hooking import hook\n" + source(program), **options)
    t.prompt()
    return t


# Nested scopes ------------------------------------------------------------------------------------------------------

NESTED = {
    "ipython/ipython#62": ("obj = {'ee': 1}; stuff = ['aye', 'bee', 'cee', 'ee']",
                           "[item for item in stuff if item in obj]", "['ee']"),
    "ipython/ipython#10695": ("l = [1, 2, 3]", "{key: [key * x for x in l] for key in ['A', 'B']}",
                              "{'A': ['A', 'AA', 'AAA'], 'B': ['B', 'BB', 'BBB']}"),
    "ipython/ipython#12199": ("x = [1, 2, 3]", "[i for i in x for j in x]", "[1, 1, 1, 2, 2, 2, 3, 3, 3]"),
    "ipython/ipython#14397": ("l = list(range(4))", "[l[i] for i in range(len(l))]", "[0, 1, 2, 3]"),
    "inducer/pudb#103": ("config = {'a': 1}; names = ['a', 'b']",
                         "list(filter(lambda name: name in config, names))", "['a']"),
    "prompt-toolkit/ptpython#279": ("value = 5", "(lambda: value)()", "5"),
    "bpython/bpython#769": ("tags = {'foo': 1}; container_names = ['foo', 'baz']",
                            "[name in tags.keys() for name in container_names]", "[True, False]"),
}


@pytest.mark.parametrize("issue", NESTED)
def test_nested_scopes(terminal, issue):
    """ipython/ipython#62 #10695 #12199 #14397, inducer/pudb#103, prompt-toolkit/ptpython#279, bpython/bpython#769."""
    locals_, expression, value = NESTED[issue]
    t = opened(terminal, f"def f():\n    {locals_}\n    hook()\nf()\n")
    assert t.run(expression) == value
    t.run(f"def typed(): return {expression}")
    assert t.run("typed()") == value


def test_closures_share_cells(terminal):
    """python/cpython#126958: pdb copies the cells, so what a closure changes is lost."""
    t = opened(terminal, '''
        def f():
            n = 0
            def bump():
                nonlocal n
                n += 1
            hook(overwrite_locals=True)
            print("n is", n)
        f()
    ''')
    t.run("any(bump() for _ in range(3))")
    assert t.run("n") == "3"
    t.run("n += 10")
    t.run("(lambda: bump())()")
    assert t.run("n") == "14"
    assert t.leave() == "n is 14"


# Edits --------------------------------------------------------------------------------------------------------------

def test_up_does_not_revert_edits(terminal):
    """python/cpython#101673, #102864: a variable changed in pdb is back at its old value after `up` or `where`."""
    t = opened(terminal, '''
        def outer():
            a = 1
            inner()
            print("a is", a)
        def inner():
            b = 1
            hook(overwrite_locals=True)
            print("b is", b)
        outer()
    ''')
    t.run("b = 2")
    t.run("up")
    t.run("a = 2")
    t.run("where")
    t.run("down")
    assert t.run("b") == "2"
    t.run("up")
    assert t.run("a") == "2"
    assert t.leave() == "b is 2\na is 2"


def test_assignments_arrive(terminal):
    """inducer/pudb#26: what is assigned in the shell never reaches the program."""
    t = opened(terminal, "def f(a, b):\n    hook(overwrite_locals=True)\n    print(a, b)\nf(1, [])\n")
    t.run("a = 'changed'")
    t.run("b, c = [a], 3")
    assert t.leave() == "changed ['changed']"


def test_del_is_done_or_refused(terminal):
    """python/cpython#125590: `del` of a local seems to work and has done nothing."""
    t = opened(terminal, '''
        def f():
            x = 1
            hook(overwrite_locals=True)
            try:
                print("x is", x)
            except UnboundLocalError:
                print("x is gone")
        f()
    ''')
    said = t.run("del x")
    if re.search(r"\bx\b", said):
        assert t.leave() == "x is 1"
    else:
        assert t.leave() == "x is gone"


def test_names_of_a_comprehension(terminal):
    """python/cpython#108732: variables of an inlined comprehension cannot be seen."""
    t = opened(terminal, '''
        def f(items):
            return [(hook(once=True), element * 2)[1] for element in items]
        print(f([1, 2]))
        print([(hook(once=True), element * 2)[1] for element in [3]])
    ''')
    assert t.run("element") == "1"
    t.key("C-d")
    t.prompt()
    assert t.run("element") == "3"
    assert t.leave() == "[6]"


def test_tab_does_not_revert_edits(terminal):
    """spyder-ide/spyder-kernels#199."""
    t = opened(terminal, "def f():\n    variable = 1\n    hook(overwrite_locals=True)\n    print(variable)\nf()\n")
    t.run("variable = 2")
    t.type("variab").key("Tab").type(" ").key("C-u").line("variable")
    assert t.prompt().split("\n")[-1] == "2"
    assert t.leave() == "2"


# Ways out -----------------------------------------------------------------------------------------------------------

def test_exit_is_not_the_end_of_the_program(terminal):
    """python/cpython#102895, prompt-toolkit/ptpython#581: exit() kills the host, or closes its standard input."""
    t = opened(terminal, "hook()\nprint('got', input('? '))\n")
    t.line("exit()")
    t.expect("? ")
    t.line("an answer")
    t.expect("got an answer")
    assert t.end() == 0


def test_a_way_out_of_a_loop(terminal):
    """ipython/ipython#9149, #9063: a console in a loop opens again and again."""
    t = opened(terminal, "for i in range(10000):\n    hook()\nprint('done', i)\n")
    t.run("off")
    assert t.leave() == "done 9999"
    t = opened(terminal, "for i in range(10000):\n    hook()\nprint('done', i)\n")
    t.line("abort")
    assert t.end() == 1
    assert "done" not in t.text()


def test_quit_throws_nothing_into_the_program(terminal):
    """python/cpython#60650: quitting the debugger raises BdbQuit where the program stands."""
    t = opened(terminal, '''
        def f():
            try:
                hook()
            except BaseException as e:
                print("thrown", type(e))
            print("went on")
        f()
    ''')
    t.line("quit()")
    assert t.end() == 0
    assert "thrown" not in t.text() and "went on" in t.text()


# Threads, loops, captured or missing terminals ----------------------------------------------------------------------

def value(shown):
    """The last line of what is shown: other threads may say at any moment, above it, that they wait."""
    return shown.split("\n")[-1]


def test_threads_do_not_fight_for_input(terminal):
    """bobfang1992/pdbpp#205, inducer/pudb#297."""
    t = terminal('''
        import threading
        from hooking import hook
        def work(n):
            hook()
        for n in range(4):
            threading.Thread(target=work, args=(n,)).start()
    ''')
    seen = set()
    for turn in range(1, 5):
        t.until(lambda: t.text().count("Hooked at") == turn, "the next console")
        t.until(lambda: t.text().count("waits for this console") >= 3, "the notices of all that wait")
        t.settle()
        t.ready(THREAD_PS1)
        number = value(t.run("n", THREAD_PS1))
        assert value(t.run("n", THREAD_PS1)) == number, "one thread has the whole input"
        seen.add(number)
        t.key("C-d")
    assert t.end() == 0
    assert seen == set("0123")


def test_inside_a_running_event_loop(terminal):
    """ipython/ipython#12140, #11595: "This event loop is already running"."""
    t = opened(terminal, '''
        import asyncio
        async def main():
            queue = asyncio.Queue()
            hook()
            return await queue.get()
        print("got", asyncio.run(main()))
    ''')
    assert t.run("1 + 1") == "2"
    assert t.run("await asyncio.sleep(0.001, 'awaited')") == "'awaited'"
    t.run("await queue.put('put')")
    assert t.leave() == "got put"


def test_standard_input_that_is_captured(terminal, tmp_path):
    """pytest-dev/pytest#2189, #64: "reading from stdin while output is captured"."""
    (tmp_path / "test_it.py").write_text("from hooking import hook\ndef test_it():\n    x = 5\n    hook()\n")
    t = terminal.start([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_it.py"])
    t.prompt()
    assert t.run("x") == "5"
    t.key("C-d")
    t.expect("1 passed")
    assert t.end() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_echo_after_a_kill(terminal, number):
    """bobfang1992/pdbpp#28, inducer/pudb#187: a killed process leaves a terminal without echo."""
    t = opened(terminal, "import os\nhook()\n", job_control=True)
    pid = int(t.run("os.getpid()"))
    assert not t.echoes()
    os.kill(pid, number)
    assert t.end() == 128 + number
    assert t.echoes()


def test_no_terminal_on_standard_input(terminal, tmp_path):
    """inducer/pudb#423, docker/compose#359: standard input is a pipe, but there is a terminal."""
    t = terminal("import sys\nfrom hooking import hook\nhook()\nprint(sys.stdin.read())\n", stdin=-3)
    t.prompt()
    assert t.run("1 + 1") == "2"
    assert t.leave() == ""


# Readline -----------------------------------------------------------------------------------------------------------

def test_history_is_not_polluted(terminal, tmp_path):
    """python/cpython#124994, #141295, ipython/ipython#8090, bobfang1992/pdbpp#2."""
    history = tmp_path / "history"
    t = opened(terminal, f'''
        import readline
        readline.add_history("the program's own")
        readline.set_completer(complete := lambda text, state: None)
        readline.set_completer_delims("xyz")
        hook()
        readline.write_history_file({str(history)!r})
        print(readline.get_completer() is complete, readline.get_completer_delims())
    ''')
    t.run("'typed at the prompt'")
    t.type("impo").key("Tab", "C-u")
    assert t.leave() == "True xyz"
    assert history.read_text() == "the program's own\n"


def test_tab_runs_no_code(terminal):
    """ipython/ipython#10720, #10521: completing an attribute reads properties and descriptors."""
    t = opened(terminal, '''
        class Descriptor:
            def __get__(self, instance, owner):
                counted.append("descriptor")
                return 1
        class X:
            attribute_one = Descriptor()
            @property
            def attribute_two(self):
                counted.append("property")
            def __getattr__(self, name):
                counted.append("getattr")
                raise AttributeError(name)
        counted = []
        x = X()
        hook()
    ''')
    for begun in ("x.attr", "x.", "x.attribute_t", "x.attribute_one."):
        t.type(begun).key("Tab", "Tab", "C-u")
    t.line("'counted', counted")
    t.expect("('counted', [])")


def test_commands_do_not_hide_variables(terminal):
    """ptpdb#10, ipython/ipython#10037: a variable called like a command cannot be looked at."""
    t = opened(terminal, "def f(c, up, list, source):\n    hook()\nf(1, 2, 3, 4)\n")
    assert [t.run(name) for name in ("c", "up", "list", "source")] == ["1", "2", "3", "4"]
    assert t.run("c + up") == "3"
    t.run("where = 5")
    assert t.run("where") == "5"


def test_pickling_what_main_defines(terminal):
    """gotcha/ipdb#112, python/cpython#132737: __main__ is not the program's under a tool."""
    t = opened(terminal, '''
        import pickle
        class Thing:
            pass
        def f(thing):
            hook()
        f(Thing())
    ''')
    assert t.run("type(pickle.loads(pickle.dumps(thing))) is Thing") == "True"
    assert t.run("Thing.__module__, __name__") == "('__main__', '__main__')"


def test_condition_and_message(terminal):
    """gotcha/ipdb#296: a condition and a message in the call."""
    t = terminal("from hooking import hook\nfor i in range(5):\n    hook('i is three', when=i == 3)\n")
    assert t.prompt().startswith("i is three\n")
    assert t.run("i") == "3"
    assert t.leave() == ""


def test_descriptors_do_not_leak(terminal):
    """ipython/ipython#11753."""
    t = terminal('''
        import os
        from hooking import hook
        hook()
        before = len(os.listdir("/proc/self/fd"))
        for i in range(10):
            hook()
        print("leaked", len(os.listdir("/proc/self/fd")) - before)
    ''')
    for _ in range(11):
        t.prompt()
        t.key("C-d")
    t.expect("leaked 0")
    assert t.end() == 0
