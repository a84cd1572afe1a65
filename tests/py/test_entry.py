"""hook() itself: the four programs it was first described with, banner, arguments, logging, the switches."""

import hashlib
import inspect

import pytest

import hooking

# The first description of hook() ran this program; line 13 opens the console.
RUNNING_EXAMPLE = '''
    from hooking import hook

    GLOBAL_VAR = 100

    def f(n):
        return n + 1

    def main():
        print("Starting program.")
        a = 1

        # Where we want to hook
        hook({arguments})

        b = f(a)
        c = f(GLOBAL_VAR)
        print(a)
        print(b)
        print(c)

    if __name__ == "__main__":
        main()
'''


def test_the_callers_names_are_there(terminal):
    t = terminal(RUNNING_EXAMPLE.format(arguments=""))
    t.play('''
        Starting program.
        Hooked at [...]program.py:13 - Exit with CTRL+D
        >>> a
        1
        >>> GLOBAL_VAR
        100
        >>> f(a)
        2
        >>> ^D
        1
        2
        101
    ''')
    assert t.end() == 0


def test_overwriting_changes_the_program(terminal):
    t = terminal(RUNNING_EXAMPLE.format(arguments="overwrite_locals=True"))
    t.play('''
        Starting program.
        Hooked at [...]program.py:13 - Exit with CTRL+D
        >>> a = 1000
        >>> ^D
        1000
        1001
        101
    ''')
    assert t.end() == 0


FILEHASHER = '''
    #!/usr/bin/env python3

    from hashlib import sha256
    from hooking import hook


    def hash_file(filepath: str):
        h = sha256(b"")
        with open(filepath, "r") as f:
            hook()
            while True:
                chunk = f.read(1024)
                if len(chunk) == 0:
                    break
                else:
                    h.update(chunk)
            return h.hexdigest()


    def main():
        try:
            fp = input("Give me a file: ")
            file_hash = hash_file(fp)
            print(f"Hash: {file_hash}")
        except FileNotFoundError:
            print("The file does not exist!")


    if __name__ == "__main__":
        main()
'''


def test_filehasher(terminal, tmp_path):
    content = "what the file says\n"
    (tmp_path / "some.txt").write_text(content)
    digest = hashlib.sha256(content.encode()).hexdigest()
    t = terminal(FILEHASHER, env={"PAGER": "cat"})
    t.expect("Give me a file: ")
    t.line("some.txt")
    t.play(f'''
        Give me a file: some.txt
        Hooked at [...]program.py:10 - Exit with CTRL+D
        >>> chunk = f.read(1024)
        >>> type(chunk)
        <class 'str'>
        >>> help(h.update)
        Help on built-in function update:
        [...]
            Update this hash object's state with the provided string.
        [...]
        >>> h.update(chunk)
        Traceback (most recent call last):
          File "[...]", line 1, in <module>
            h.update(chunk)
        [...]
        TypeError: Strings must be encoded before hashing
        >>> h.update(chunk.encode())
        >>> h.hexdigest()
        '{digest}'
        >>> type(chunk.encode())
        <class 'bytes'>
        >>> ^D
        [...]chunk[...]
        Hash: {digest}
    ''')
    assert t.end() == 0


# The third program trained a model; one that needs no library has the same shape.
DATASCIENCE = '''
    import logging
    from hooking import hook


    class Tree:
        def __init__(self, node_count):
            self.node_count = node_count


    class Estimator:
        def __init__(self, node_count):
            self.tree_ = Tree(node_count)


    class Forest:
        def __init__(self, n_jobs):
            self.n_jobs = n_jobs

        def fit(self, counts):
            self.estimators_ = [Estimator(count) for count in counts]
            return self

        def __repr__(self):
            return f"Forest(n_jobs={self.n_jobs})"


    def main():
        # Set up logging
        logging.basicConfig(
            level=logging.DEBUG,
            format="[%(asctime)s %(levelname)s (%(filename)s:%(lineno)d)]: %(message)s",
        )

        # Train model
        clf = Forest(n_jobs=8)
        clf = clf.fit([601, 651, 679])

        # Inspect model
        hook(overwrite_locals=OVERWRITE)
        print(len(clf.estimators_))


    if __name__ == "__main__":
        main()
'''


def test_datascience(terminal):
    t = terminal(DATASCIENCE.replace("OVERWRITE", "False"))
    t.play('''
        [[...] DEBUG (program.py:39)]: Starting interactive shell.
        Hooked at [...]program.py:39 - Exit with CTRL+D
        >>> [t.tree_.node_count for t in clf.estimators_]
        [601, 651, 679]
        >>> sum([t.tree_.node_count for t in clf.estimators_]) / len(clf.estimators_)
        643.6666666666666
        >>> from statistics import median
        >>> scorer = lambda trees: median(t.tree_.node_count for t in trees)
        >>> scorer(clf.estimators_)
        651
        >>> clf
        Forest(n_jobs=8)
        >>> import pickle
        >>> f = open("model.pickle", "wb+")
        >>> pickle.dump(clf, f)
        >>> f.close()
        >>> ^D
        [[...] DEBUG (program.py:39)]: Returned from interactive shell. Resuming execution.
        3
    ''')
    assert t.end() == 0
    t = terminal(DATASCIENCE.replace("OVERWRITE", "True").replace("[601, 651, 679]", "[1]"))
    t.play('''
        [...]
        >>> import pickle
        >>> f = open("model.pickle", "rb")
        >>> clf = pickle.load(f)
        >>> clf
        Forest(n_jobs=8)
        >>> f.close()
        >>> ^D
        [[...] DEBUG (program.py:39)]: Returned from interactive shell. Resuming execution.
        3
    ''')
    assert t.end() == 0


REFERENCE_MUTATION = '''
    #!/usr/bin/env python3

    from hooking import hook

    class A:
        def __init__(self):
            self.x = 1

    a = A()
    hook()
    print("a.x:", a.x)
'''


def test_objects_are_shared(terminal):
    t = terminal(REFERENCE_MUTATION)
    t.play('''
        Hooked at [...]program.py:10 - Exit with CTRL+D
        >>> a
        <__main__.A object at 0x[...]>
        >>> a.x
        1
        >>> a.x = 100
        >>> a
        <__main__.A object at 0x[...]>
        >>> ^D
        a.x: 100
    ''')
    assert t.end() == 0


def test_a_name_bound_at_the_prompt_stays_there(terminal):
    t = terminal(REFERENCE_MUTATION)
    t.play('''
        [...]
        >>> a.x = 100
        >>> a = A()
        >>> a.x = 200
        >>> a.x
        200
        >>> ^D
        [...]
        a.x: 100
    ''')
    assert t.end() == 0


# The banner ---------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("argument, above", [
    ("None", ""), ("''", ""), ("'Look at a'", "Look at a"), ("'two\\nlines'", "two\nlines"),
    ("'déjà vu, 日本'", "déjà vu, 日本"), ("banner_msg='by name'", "by name"), ("'100 % %s {x}'", "100 % %s {x}")])
def test_banner_msg_is_printed_above(terminal, argument, above):
    t = terminal(f"from hooking import hook\nhook({argument})\n")
    banner = t.prompt()
    assert banner.split("\n")[:-1] == (above.split("\n") if above else [])
    assert banner.split("\n")[-1] == f"Hooked at {t.path}:2 - Exit with CTRL+D"


def test_the_banner_names_the_line_of_the_call(terminal):
    """A call over several lines stands where its traceback would say that it stands."""
    t = terminal('''
        import sys
        from hooking import hook
        def line():
            return sys._getframe(1).f_lineno
        x = [line(), hook(), line()]
        print("line", x[0])
    ''')
    assert t.prompt().endswith("program.py:5 - Exit with CTRL+D")
    assert t.leave() == "line 5"


def test_hook_returns_none(terminal):
    t = terminal("from hooking import hook\nprint('returned', hook())\n")
    t.prompt()
    assert t.leave() == "returned None"
    assert t.end() == 0


def test_what_the_program_wrote_comes_before_the_banner(terminal):
    t = terminal("from hooking import hook\nprint('not flushed', end=' ')\nhook()\nprint('after')\n")
    assert "not flushed" in t.prompt().split("Hooked at")[0]
    assert t.leave() == "after"


def test_the_name_under_which_hook_was_imported_does_not_matter(terminal):
    t = terminal("import hooking as h\ndef f(here):\n    h.hook()\nf(17)\n")
    assert t.prompt().endswith("program.py:3 - Exit with CTRL+D")
    assert t.run("here") == "17"


# Arguments ----------------------------------------------------------------------------------------------------------

def test_signature():
    parameters = inspect.signature(hooking.hook).parameters
    assert [(p.name, p.default) for p in parameters.values()] == [
        ("banner_msg", None), ("overwrite_locals", False), ("logger", "root"),
        ("when", True), ("once", False), ("after", 0), ("keep", ()),
        ("isolate", False)]
    assert [name for name, p in parameters.items() if p.kind is p.KEYWORD_ONLY] \
        == ["when", "once", "after", "keep", "isolate"]


def test_positional_arguments_keep_their_order(terminal):
    t = terminal('''
        import logging
        from hooking import hook
        logging.basicConfig(level=logging.DEBUG, format="%(name)s: %(message)s")
        def f(a):
            hook("Message", True, "mine")
            print("a is", a)
        f(1)
    ''')
    t.play('''
        mine: Starting interactive shell.
        Message
        Hooked at [...]
        >>> a = 2
        >>> ^D
        mine: Returned from interactive shell. Resuming execution.
        a is 2
    ''')


@pytest.mark.parametrize("call, error, named", [
    ("hook(3)", "TypeError", "banner_msg"),
    ("hook(b'bytes')", "TypeError", "banner_msg"),
    ("hook(banner_msg=['x'])", "TypeError", "banner_msg"),
    ("hook(logger=None)", "TypeError", "logger"),
    ("hook(logger=logging.getLogger())", "TypeError", "logger"),
    ("hook(None, False, 3)", "TypeError", "logger"),
    ("hook(after='1')", "TypeError", "after"),
    ("hook(after=1.5)", "TypeError", "after"),
    ("hook(after=None)", "TypeError", "after"),
    ("hook(after=-1)", "ValueError", "after"),
    ("hook(after=10**30)", "OverflowError ValueError", "after"),
    ("hook(None, False, 'root', True)", "TypeError", "positional"),
    ("hook(banner='x')", "TypeError", "banner"),
    ("hook(None, banner_msg=None)", "TypeError", "banner_msg"),
    ("hook(once=Unclear())", "ZeroDivisionError", "no answer"),
    ("hook(overwrite_locals=Unclear())", "ZeroDivisionError", "no answer"),
    ("hook(when=Unclear())", "ZeroDivisionError", "no answer"),
    ("hook(when=lambda: 1/0)", "ZeroDivisionError", "division by zero"),
    ("hook(when=lambda: Unclear())", "ZeroDivisionError", "no answer"),
    ("hook(when=lambda one: 1)", "TypeError", "one"),
    ("hook(when=lambda: exit(3))", "SystemExit", "3"),
])
def test_a_wrong_argument_raises_before_the_console_opens(terminal, call, error, named):
    t = terminal(f'''
        import logging
        from hooking import hook
        class Unclear:
            def __bool__(self): raise ZeroDivisionError("no answer")
        try:
            {call}
        except BaseException as e:
            print("raised", type(e).__name__, e)
    ''')
    assert t.end() == 0
    kind, message = t.text().split(" ", 2)[1:]
    assert t.text().startswith("raised ") and "\n" not in t.text()
    assert kind in error.split()
    assert named in message


def test_keep_is_accepted_and_does_nothing(terminal):
    t = terminal('''
        from hooking import hook
        def f(a, b):
            unused = 3
            hook(keep=(a, b, unused))
            print(a, b, unused)
        f(1, 2)
    ''')
    t.prompt()
    assert t.run("unused") == "3"
    assert t.leave() == "1 2 3"


def test_a_string_subclass_is_a_string(terminal):
    t = terminal("from hooking import hook\nclass S(str): pass\nhook(S('Special'), logger=S('root'))\n")
    assert t.prompt().startswith("Special\n")


def test_set_trace_overwrites(terminal):
    t = terminal('''
        import hooking
        def f(a):
            hooking.set_trace()
            print("a is", a)
        f(1)
    ''')
    t.play('''
        Hooked at [...]program.py:3 - Exit with CTRL+D
        >>> a = 2
        >>> ^D
        a is 2
    ''')


def test_breakpoint_can_be_hooking(terminal):
    """PYTHONBREAKPOINT=hooking.set_trace: breakpoint() opens the console in the frame that called it."""
    t = terminal('''
        def f(a):
            breakpoint()
            print("a is", a)
        f(1)
    ''', env={"PYTHONBREAKPOINT": "hooking.set_trace"})
    t.play('''
        Hooked at [...]program.py:2 - Exit with CTRL+D
        >>> a = 2
        >>> ^D
        a is 2
    ''')


# Logging ------------------------------------------------------------------------------------------------------------

RECORDS = '''
    import logging
    from hooking import hook

    class Keep(logging.Handler):
        def emit(self, record):
            print("record", record.name, record.levelname, record.pathname == __file__, record.lineno,
                  record.funcName, record.filename, record.module, record.getMessage(), sep="|")

    log = logging.getLogger({name!r})
    log.addHandler(Keep())
    log.setLevel(logging.DEBUG)
    def function():
        hook(logger={name!r})
    function()
'''


@pytest.mark.parametrize("name", ["root", "some.where"])
def test_records_carry_the_callers_place(terminal, name):
    t = terminal(RECORDS.format(name=name))
    fields = f"record|{name}|DEBUG|True|13|function|program.py|program|"
    assert fields + "Starting interactive shell." in t.prompt().split("\n")
    assert t.leave() == fields + "Returned from interactive shell. Resuming execution."


def test_records_of_a_module_name_it_so(terminal):
    t = terminal('''
        import logging
        from hooking import hook
        logging.basicConfig(level="DEBUG", format="%(funcName)s:%(lineno)d %(message)s")
        hook()
    ''')
    assert "<module>:4 Starting interactive shell." in t.prompt()
    assert t.leave() == "<module>:4 Returned from interactive shell. Resuming execution."


@pytest.mark.parametrize("setting", [
    "logging.basicConfig(level='INFO')", "logging.basicConfig(level='DEBUG'); logging.disable()",
    "logging.basicConfig(level='DEBUG'); logging.getLogger('a').setLevel('INFO')",
    "logging.basicConfig(level='DEBUG'); logging.getLogger('a.b').disabled = True",
    "logging.basicConfig(level='DEBUG'); logging.getLogger('a.b').addFilter(lambda record: False)"])
def test_levels_and_filters_are_respected(terminal, setting):
    t = terminal(f"import logging\nfrom hooking import hook\n{setting}\nhook(logger='a.b')\n")
    assert t.prompt() == f"Hooked at {t.path}:4 - Exit with CTRL+D"
    assert t.leave() == ""


def test_nothing_is_logged_when_logging_was_never_set_up(terminal):
    t = terminal("from hooking import hook\nhook()\nimport sys\nprint('end')\n")
    assert t.prompt() == f"Hooked at {t.path}:2 - Exit with CTRL+D"
    assert t.leave() == "end"


def test_a_handler_that_raises_does_not_stop_the_console(terminal):
    t = terminal('''
        import logging
        from hooking import hook
        class Broken(logging.Handler):
            def emit(self, record):
                raise OSError("no room left")
        logging.getLogger().addHandler(Broken())
        logging.getLogger().setLevel("DEBUG")
        def f(a):
            hook()
            print("went on with", a)
        f(1)
    ''')
    assert "no room left" in t.prompt()
    assert t.run("a + 1") == "2"
    after = t.leave()
    assert "no room left" in after
    assert after.endswith("went on with 1")
    assert t.end() == 0


# Off, and the conditions in the call --------------------------------------------------------------------------------

def test_hooking_0_switches_everything_off(terminal):
    t = terminal('''
        import logging
        logging.basicConfig(level="DEBUG")
        import hooking
        from hooking import hook
        print(hook("banner", True), hooking.set_trace(), hook(when=lambda: print("asked")))
    ''', env={"HOOKING": "0"})
    assert t.end() == 0
    assert t.text() == "None None None"


@pytest.mark.parametrize("value", ["1", ""])
def test_any_other_hooking_leaves_it_on(terminal, value):
    t = terminal("from hooking import hook\nhook()\n", env={"HOOKING": value})
    assert "Hooked at" in t.prompt()


@pytest.mark.parametrize("when", ["False", "0", "None", "[]", "lambda: False", "a > 3", "lambda: a > 3"])
def test_when_it_does_not_hold_nothing_happens(terminal, when):
    t = terminal(f'''
        import logging
        from hooking import hook
        logging.basicConfig(level="DEBUG")
        def f(a):
            return hook(when={when})
        print(f(1))
    ''')
    assert t.end() == 0
    assert t.text() == "None"


@pytest.mark.parametrize("when", ["True", "'yes'", "lambda: True", "a < 3", "lambda: a < 3", "Empty(lambda: [0])"])
def test_when_it_holds_the_console_opens(terminal, when):
    """A callable is called, whatever its own truth value."""
    t = terminal(f'''
        from functools import partial
        from hooking import hook
        class Empty(partial):
            def __bool__(self): return False
        def f(a):
            hook(when={when})
        f(1)
    ''')
    assert t.prompt().endswith("program.py:6 - Exit with CTRL+D")


def test_when_is_asked_at_every_call(terminal):
    t = terminal('''
        from hooking import hook
        for i in range(6):
            hook(when=lambda: i % 3 == 2)
        print("end")
    ''')
    t.play('''
        Hooked at [...]
        >>> i
        2
        >>> ^D
        Hooked at [...]
        >>> i
        5
        >>> ^D
        end
    ''')


def test_once_is_once_for_each_place(terminal):
    t = terminal('''
        from hooking import hook
        for i in range(3):
            hook("first place", once=True)
            hook("second place", once=True)
        print("end")
    ''')
    t.play('''
        first place
        Hooked at [...]program.py:3 - Exit with CTRL+D
        >>> ^D
        second place
        Hooked at [...]program.py:4 - Exit with CTRL+D
        >>> i
        0
        >>> ^D
        end
    ''')


def test_once_counts_only_consoles_that_opened(terminal):
    t = terminal('''
        from hooking import hook
        for i in range(5):
            hook(once=True, when=i == 3)
        print("end")
    ''')
    t.play('''
        Hooked at [...]
        >>> i
        3
        >>> ^D
        end
    ''')


def test_after_passes_over_the_first_calls(terminal):
    t = terminal('''
        from hooking import hook
        for i in range(5):
            hook(after=3)
        print("end")
    ''')
    t.play('''
        Hooked at [...]
        >>> i
        3
        >>> ^D
        Hooked at [...]
        >>> i
        4
        >>> ^D
        end
    ''')


def test_after_counts_each_place_by_itself(terminal):
    t = terminal('''
        from hooking import hook
        def f(i):
            hook("f", after=1)
        def g(i):
            hook("g", after=2)
        for i in range(3):
            f(i); g(i)
        print("end")
    ''')
    t.play('''
        f
        Hooked at [...]
        >>> i
        1
        >>> ^D
        f
        Hooked at [...]
        >>> i
        2
        >>> ^D
        g
        Hooked at [...]
        >>> i
        2
        >>> ^D
        end
    ''')


def test_once_and_after_together(terminal):
    t = terminal('''
        from hooking import hook
        for i in range(5):
            hook(once=True, after=2)
        print("end")
    ''')
    t.play('''
        Hooked at [...]
        >>> i
        2
        >>> ^D
        end
    ''')


# The package --------------------------------------------------------------------------------------------------------

def test_public_names():
    assert {"hook", "set_trace"} <= set(hooking.__all__)
    assert all(hasattr(hooking, name) for name in hooking.__all__)
    assert hooking.__version__[0].isdigit()


def test_help_tells_every_parameter():
    for name in inspect.signature(hooking.hook).parameters:
        assert name in hooking.hook.__doc__


def test_the_depth_of_the_stack_does_not_matter(terminal):
    t = terminal('''
        from hooking import hook
        def f(n):
            if n:
                return f(n - 1)
            hook()
            return "bottom"
        print(f(900))
    ''')
    t.play('''
        Hooked at [...]program.py:5 - Exit with CTRL+D
        >>> n
        0
        >>> ^D
        bottom
    ''')


def test_a_hook_at_the_recursion_limit_is_an_ordinary_error(terminal):
    """Wherever the limit strikes, the program gets its RecursionError and nothing crashes."""
    t = terminal('''
        from hooking import hook
        def f(n):
            try:
                f(n + 1)
            except RecursionError:
                hook(when=lambda: False)
                raise
        try:
            f(0)
        except RecursionError:
            print("caught")
    ''')
    assert t.end() == 0
    assert t.text() == "caught"
