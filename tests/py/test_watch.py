"""Watchpoints at the prompt: `watch`, `unwatch`, and the console that opens where something has changed."""

import sys

import pytest

MONITORING = hasattr(sys, "monitoring")

PROGRAM = '''
    from hooking import hook

    total = 0

    class Box:
        pass

    box = Box()

    def add(n):
        global total
        total += n
        box.n = n
        box.n = n
        return total

    def work(count):
        last = -1
        hook()
        for i in range(count):
            add(i)
            last = i
        return last

    work(3)
    print("end", total)
'''


def test_a_global(opened):
    opened().play('''
        >>> watch
        nothing is watched
        >>> watch total
        watch 1: total = 0  (0 hits)
        >>> c
        watch 1: total  0 -> 1
        Changed at [...]/program.py:12 in add - Exit with CTRL+D
        >>> where
          #2  <module>  [...]
        [...]
          #1  work  [...]
                add(i)
        > #0  add  [...]/program.py:13
                box.n = n
        >>> n
        1
        >>> watch
        1: total = 1  (1 hit)
        >>> ^D
        watch 1: total  1 -> 3
        Changed at [...]/program.py:12 in add - Exit with CTRL+D
        >>> unwatch 1
        1 watch ended
        >>> watch
        nothing is watched
        >>> ^D
        end 3
    ''')


def test_a_variable_and_the_end_of_its_call(opened):
    opened().play('''
        >>> watch last if new > 0
        watch 1: last = -1  (0 hits, if new > 0)
        >>> c
        watch 1: last  0 -> 1
        Changed at [...]/program.py:22 in work - Exit with CTRL+D
        >>> i, last
        (1, 1)
        >>> c
        watch 1: last  1 -> 2
        Changed at [...]/program.py:22 in work - Exit with CTRL+D
        >>> c
        watch 1: last is gone: its call of work() has ended
        end 3
    ''')


def test_a_variable_of_a_caller(opened):
    opened('''
        from hooking import hook
        def f():
            x = 1
            g()
            x = 2
            x = 3
        def g():
            hook()
        f()
    ''').play('''
        >>> up
        > #1  f  [...]
                g()
        >>> watch x
        watch 1: x = 1  (0 hits)
        >>> c
        watch 1: x  1 -> 2
        Changed at [...]/program.py:5 in f - Exit with CTRL+D
        >>> x = 10
        >>> c
        watch 1: x  10 -> 3
        Changed at [...]/program.py:6 in f - Exit with CTRL+D
        >>> unwatch all
        1 watch ended
        >>> c
    ''')


def test_an_attribute_an_item_and_what_is_unbound(opened):
    opened('''
        from hooking import hook
        class Box: pass
        box = Box()
        table = {"a": 1}
        row = [1, 2]
        def f():
            hook()
            box.n = 1
            del box.n
            table["a"] = 2
            table.clear()
            row[0] = "x" * 500
            row.clear()
        f()
        print("end")
    ''').play('''
        >>> watch box.n
        watch 1: box.n = (unbound)  (0 hits)
        >>> watch table["a"]
        watch 2: table["a"] = 1  (0 hits)
        >>> watch row[0]
        watch 3: row[0] = 1  (0 hits)
        >>> c
        watch 1: box.n  (unbound) -> 1
        Changed at [...]/program.py:8 in f - Exit with CTRL+D
        >>> c
        watch 1: box.n  1 -> (unbound)
        Changed at [...]/program.py:9 in f - Exit with CTRL+D
        >>> c
        watch 2: table["a"]  1 -> 2
        Changed at [...]/program.py:10 in f - Exit with CTRL+D
        >>> c
        watch 2: table["a"]  2 -> (unbound)
        Changed at [...]/program.py:11 in f - Exit with CTRL+D
        >>> c
        watch 3: row[0]  1 -> 'xxxxxxx[...]xxx ...
        Changed at [...]/program.py:12 in f - Exit with CTRL+D
        >>> unwatch row[0]
        1 watch ended
        >>> unwatch table["a"]
        1 watch ended
        >>> unwatch table["a"]
        no watch table["a"]: `watch` alone lists those that there are
        >>> unwatch all
        1 watch ended
        >>> c
        end
    ''')


def test_reading(opened):
    opened().play('''
        >>> watch --read global total if old > 0
        watch 1: global total = 0  (0 hits, when it is read, if old > 0)
        >>> c
        watch 1: global total  1
        Read at [...]/program.py:15 in add - Exit with CTRL+D
        >>> unwatch global total
        1 watch ended
        >>> c
        end 3
    ''')


@pytest.mark.parametrize("line, said", [
    ("watch nothing", "name 'nothing' is not defined here (`watch global nothing` waits for a global)"),
    ("watch print", "name 'print' is not defined here (`watch global print` waits for a global)"),
    ("watch 1 + 1", "1 + 1 is nothing that changes: watch a NAME, OBJ.attr, D[key], L[i] or global NAME"),
    ("watch add(1)", "add(1) is nothing that changes: watch a NAME, OBJ.attr, D[key], L[i] or global NAME"),
    ("watch count.real", "the attribute real of this object (int) cannot be watched: it is computed when it is read. "
     "Watch what it is made of"),
    ("watch 'abc'[0]", "items of dicts and lists can be watched, not of this object (str)"),
    ("watch {}[[]]", "cannot use 'list' as a dict key (unhashable type: 'list')"),
    ("watch box.x.y", "AttributeError: 'Box' object has no attribute 'x'"),
    ("watch --write total", "usage: watch [--read] [[global] TARGET [if EXPR]]"),
    ("watch --read", "usage: watch [--read] [[global] TARGET [if EXPR]]"),
    ("watch --read last", "last is no global: only of globals it is known when they are read"),
    ("watch total if", "SyntaxError: "),
    ("watch total if 1 +", "SyntaxError: "),
    ("unwatch", "usage: unwatch N | TARGET | all"),
    ("unwatch 1", "no watch 1: `watch` alone lists those that there are"),
    ("unwatch total", "no watch total: `watch` alone lists those that there are"),
    ("unwatch all", "0 watches ended"),
])
def test_what_cannot_be_watched(opened, line, said):
    t = opened(columns=200)
    shown = t.run(line)
    if "unhashable" in said:
        assert "unhashable type: 'list'" in shown
    elif "Error" in said:
        assert said in shown
    else:
        assert shown == said
    assert t.run("watch") == "nothing is watched"


def test_a_name_of_the_prompt_is_no_variable(opened):
    t = opened(columns=200)
    t.run("mine = 1")
    assert t.run("watch mine") == "'mine' is a name of the prompt alone: no code of the program binds it"


def test_the_commands_are_no_names(opened):
    opened('''
        from hooking import hook
        watch = unwatch = 1
        hook()
    ''').play('''
        >>> watch
        1
        >>> %watch
        nothing is watched
        >>> ^D
    ''')


def test_what_is_done_at_the_prompt_stops_nothing(opened):
    opened().play('''
        >>> watch total
        watch 1: total = 0  (0 hits)
        >>> add(5)
        5
        >>> globals()["total"] = 50
        >>> watch
        1: total = 50  (0 hits)
        >>> c
        watch 1: total  50 -> 51
        Changed at [...]/program.py:12 in add - Exit with CTRL+D
        >>> unwatch all
        1 watch ended
        >>> c
        end 53
    ''')


def test_a_condition_that_fails_stops_and_says_so(opened):
    opened().play('''
        >>> watch total if new / old > 1
        watch 1: total = 0  (0 hits, if new / old > 1)
        >>> c
        the condition of watch 1 fails: if new / old > 1: ZeroDivisionError('division by zero')
        watch 1: total  0 -> 1
        Changed at [...]/program.py:12 in add - Exit with CTRL+D
        >>> c
        watch 1: total  1 -> 3
        Changed at [...]/program.py:12 in add - Exit with CTRL+D
        >>> c
        end 3
    ''')


@pytest.mark.parametrize("condition", ["any(n == new for n in [3])", "[n for n in [3] if n == new]",
                                       "(lambda: new == 3)()", "new if old else False", "'if' and new == 3"])
def test_conditions(opened, condition):
    t = opened()
    t.run(f"watch total if {condition}")
    t.key("C-d")
    assert "total  1 -> 3" in t.prompt()


def test_raising_from_there(opened):
    opened('''
        from hooking import hook
        x = 0
        hook()
        try:
            x = 1
            x = 2
        except ValueError as error:
            print("caught", error)
        print("end", x)
    ''').play('''
        >>> watch x
        watch 1: x = 0  (0 hits)
        >>> c
        watch 1: x  0 -> 1
        Changed at [...]/program.py:5 in <module> - Exit with CTRL+D
        >>> throw ValueError("no")
        caught no
        end 1
    ''')


def test_off_and_after_are_about_hook(opened):
    t = opened(columns=200)
    t.run("watch total")
    t.key("C-d")
    t.prompt()
    for command in "off", "after 3", "when True":
        assert t.run(command) == \
            "that is about a call of hook(): here a watchpoint (`unwatch`) has opened the console"


def test_a_repr_that_fails(opened):
    opened('''
        from hooking import hook
        class Broken:
            def __repr__(self):
                raise ValueError
        class Long:
            def __repr__(self):
                return "first\\nsecond"
        x = 0
        hook()
        x = Broken()
        x = Long()
        print("end")
    ''').play('''
        >>> watch x
        watch 1: x = 0  (0 hits)
        >>> c
        watch 1: x  0 -> <Broken object, whose repr() fails>
        Changed at [...]
        >>> c
        watch 1: x  <Broken object, whose repr() fails> -> first ...
        Changed at [...]
        >>> c
        end
    ''')


def test_a_repr_that_would_end_the_program_or_clear_the_screen(opened):
    opened(r'''
        from hooking import hook
        class Odd:
            def __init__(self, what):
                self.what = what
            def __repr__(self):
                if isinstance(self.what, BaseException):
                    raise self.what
                return self.what
        x = 0
        hook()
        x = Odd(SystemExit(3))
        x = Odd(KeyboardInterrupt())
        x = Odd("\x1b[2J\rX\x07\x00\x7f\x9b\xe9")
        print("end")
    ''').play(r'''
        >>> watch x
        watch 1: x = 0  (0 hits)
        >>> c
        watch 1: x  0 -> <Odd object, whose repr() fails>
        Changed at [...]
        >>> c
        watch 1: x  <Odd object, whose repr() fails> -> <Odd object, whose repr() fails>
        Changed at [...]
        >>> watch
        1: x = <Odd object, whose repr() fails>  (2 hits)
        >>> c
        watch 1: x  <Odd object, whose repr() fails> -> \x1b[2J\x0dX\x07\x00\x7f\x9b\xe9
        Changed at [...]
        >>> c
        end
    '''.replace(r"\xe9", "\xe9"))


@pytest.mark.skipif(not MONITORING, reason="before 3.12 only the thread that watches is heard of")
def test_another_thread(opened):
    t = opened('''
        import threading
        from hooking import hook
        x = 0
        def f():
            global x
            x = 1
            x = 2
        hook()
        thread = threading.Thread(target=f, name="other")
        thread.start()
        thread.join()
        print("end")
    ''')
    t.run("watch x")
    t.key("C-d")
    shown = t.prompt("other>>> ", "[other] >>> ")
    assert "watch 1: x  0 -> 1" in shown


def test_watch_in_code(opened):
    t = opened('''
        import hooking
        def f():
            x = 0
            hooking.watch("x")
            x = 1
            hooking.unwatch("all")
            x = 2
            print("end")
        f()
    ''')
    assert "watch 1: x  0 -> 1" in t.text()
    assert t.run("x") == "1"
    t.key("C-d")
    assert t.prompt(ended=True) is None and t.text().endswith("end")


def test_completion(opened):
    t = opened()
    t.type("unwat")
    t.key("Tab")
    t.type("al")
    t.key("Tab")
    t.expect("unwatch all")


def test_a_function_of_a_post_mortem_has_ended(opened):
    opened('''
        import hooking
        def f():
            x = 1
            x / 0
        try:
            f()
        except ZeroDivisionError:
            hooking.post_mortem()
    ''').play('''
        >>> watch x
        x changes no more: its function has ended
        >>> ^D
    ''')


def test_in_an_isolated_prompt(opened):
    opened('''
        from hooking import hook
        x = 0
        hook(isolate=True)
        x = 1
        print("end", x)
    ''').play('''
        >>> watch x
        watch 1: x = 0  (0 hits)
        >>> ^D
        end 1
    ''')
