"""post_mortem() and `exceptions`: the console where an exception was raised."""

import sys

import pytest

import hooking

CAUGHT = '''
    import hooking

    def inner(d, key):
        wanted = key.upper()
        return d[wanted]

    def middle(d):
        try:
            return inner(d, "k")
        except KeyError as error:
            raise RuntimeError("failed badly") from error

    def main():
        count = 7
        try:
            middle({})
        except RuntimeError:
            hooking.post_mortem()
        print("goes on")

    main()
'''


def test_it_opens_in_the_frame_that_raised(terminal):
    t = terminal(CAUGHT)
    t.play('''
        RuntimeError: failed badly
        Post-mortem at [...]program.py:11 in middle - Exit with CTRL+D
        >>> d
        {}
        >>> ^D
        goes on
    ''')
    assert t.end() == 0


def test_up_goes_through_the_traceback_and_on_to_the_callers(opened):
    t = opened(CAUGHT)
    t.play('''
        >>> where
          #2  <module>  [...]program.py:21
                main()
          --- below: where the exception passed ---
          #1  main  [...]program.py:16
                middle({})
        > #0  middle  [...]program.py:11
                raise RuntimeError("failed badly") from error
        >>> up
        > #1  main  [...]program.py:16
                middle({})
        >>> count
        7
        >>> list 16,17
        ->   16          middle({})
             17      except RuntimeError:
        >>> up
        > #2  <module>  [...]program.py:21
                main()
        >>> up
        there is no frame #3: the oldest is #2
        >>> down 2
        > #0  middle  [...]program.py:11
                raise RuntimeError("failed badly") from error
        >>> down 20
        #0 is the innermost frame already, the one that raised
        >>> up
        [...]
        >>> down 20
        from #1 it is 1 down to #0, the frame that raised
        >>>
    ''')


def test_exceptions_lists_the_cause_and_goes_there(opened):
    t = opened(CAUGHT)
    t.play('''
        >>> exceptions
        > #0  RuntimeError: failed badly
                [...]program.py:11 in middle
          #1  caused by KeyError: 'K'
                [...]program.py:5 in inner
        >>> exceptions 1
        KeyError: 'K'
        > #0  inner  [...]program.py:5
                return d[wanted]
        >>> wanted
        'K'
        >>> exceptions
          #0  RuntimeError: failed badly
                [...]program.py:11 in middle
        > #1  caused by KeyError: 'K'
                [...]program.py:5 in inner
        >>> where
        [...]
          --- below: where the exception passed ---
          #1  middle  [...]program.py:9
                return inner(d, "k")
        > #0  inner  [...]program.py:5
                return d[wanted]
        >>> exceptions #0
        RuntimeError: failed badly
        > #0  middle  [...]program.py:11
                raise RuntimeError("failed badly") from error
        >>> exceptions 2
        there is no exception #2: `exceptions` lists 2
        >>> exceptions two
        usage: exceptions [N | all]
        >>>
    ''')


def test_the_exception_is_the_last_value_shown(opened):
    t = opened(CAUGHT)
    t.play('''
        >>> exceptions
        [...]
        >>> _
        RuntimeError('failed badly')
        >>> _.__cause__.args
        ('K',)
        >>> exceptions 1
        [...]
        >>> _.args
        ('K',)
        >>> exceptions
        [...]
        >>> error = _
        >>> error
        KeyError('K')
        >>> exceptions 2
        there is no exception #2: `exceptions` lists 2
        >>> _
        KeyError('K')
        >>>
    ''')


def test_so_it_is_if_it_was_not_raised_or_hook_has_opened_the_console(opened):
    t = opened('''
        from hooking import hook
        try:
            raise ValueError(3) from KeyError(2)
        except ValueError:
            hook()
    ''')
    t.run("exceptions")
    assert t.run("_") == "ValueError(3)"
    t.run("exceptions 1")
    assert t.run("_") == "KeyError(2)"


def test_what_is_bound_in_a_frame_is_bound_at_once(terminal):
    t = terminal('''
        import hooking

        def fails():
            state = "old"
            def read():
                return state
            readers.append(read)
            raise ValueError("no")

        readers = []

        def main():
            kept = 1
            try:
                fails()
            except ValueError:
                hooking.post_mortem()
            print("kept", kept, readers[0]())

        main()
    ''')
    t.prompt()
    t.play('''
        >>> state = "new"
        >>> readers[0]()
        'new'
        >>> up
        > #1  main  [...]program.py:15
                fails()
        >>> kept = 2
        >>> ^D
        kept 2 new
    ''')
    assert t.end() == 0


def test_locals_of_all_frames(opened):
    t = opened(CAUGHT)
    t.play('''
        >>> up
        > #1  main  [...]program.py:16
                middle({})
        >>> locals frames
          #2  <module>  [...]program.py:21
                main()
        > #1  main  [...]program.py:16
                middle({})
        count = 7
          #0  middle  [...]program.py:11
                raise RuntimeError("failed badly") from error
        d = {}
        >>> count
        7
        >>>
    ''')


@pytest.mark.parametrize("open_it", ["hooking.post_mortem()", "hooking.hook()"])
def test_of_all_frames_the_prompts_names_are_shown_once(opened, open_it):
    t = opened(f'''
        import hooking

        def inner(d):
            try:
                1 / d["zero"]
            except ZeroDivisionError:
                {open_it}

        def main():
            count = 7
            inner({{"zero": 0}})

        main()
    ''')
    t.play('''
        >>> tool = [1]; d["one"] = 1; d = {}
        >>> up
        [...]
        >>> count = 8
        >>> other = 2
        >>> count + other
        10
        >>> locals frames
          #2  <module>  [...]program.py:13
                main()
        > #1  main  [...]program.py:11
                inner({"zero": 0})
        count = 8
          #0  inner  [...]program.py:[...]
        [...]
        d = {}
          --- bound at the prompt, and seen from all frames ---
        other = 2
        tool = [1]
        >>> locals
        count = 8
        other = 2
        tool = [1]
        >>>
    ''')


def test_a_group_is_a_tree(opened):
    t = opened('''
        import hooking

        def fail(error, cause=None):
            try:
                raise error from cause
            except Exception as caught:
                return caught

        def deep(x):
            return 1 / x

        def raise_group():
            try:
                deep(0)
            except ZeroDivisionError as error:
                divided = error
            first = fail(ValueError("one\\nand more"))
            second = fail(TypeError("two"), cause=first)
            raise ExceptionGroup("several", [first, ExceptionGroup("inner", [second, divided]), OSError("no")])

        try:
            raise_group()
        except ExceptionGroup as group:
            hooking.post_mortem(group)
    ''')
    t.play('''
        >>> exceptions
        > #0  ExceptionGroup: several (3 sub-exceptions)
                [...]program.py:19 in raise_group
          #1    ValueError: one
                  [...]program.py:5 in fail
          #2    ExceptionGroup: inner (2 sub-exceptions)
                  not raised
          #3      TypeError: two
                    [...]program.py:5 in fail
          #4      caused by ValueError: one
                    the same as #1
          #5      ZeroDivisionError: division by zero
                    [...]program.py:10 in deep
          #6    OSError: no
                  not raised
        >>> exceptions 5
        ZeroDivisionError: division by zero
        > #0  deep  [...]program.py:10
                return 1 / x
        >>> x
        0
        >>> exceptions 6
        OSError: no
        it has no traceback: it was not raised, or that was taken from it
        >>> exceptions 1
        ValueError: one
        and more
        > #0  fail  [...]program.py:5
                raise error from cause
        >>>
    ''')


def test_what_was_being_handled_is_listed_unless_it_is_hidden(opened):
    t = opened('''
        import hooking
        try:
            try:
                try:
                    {}["first"]
                except KeyError:
                    raise ValueError("second")
            except ValueError:
                raise TypeError("third") from None
        except TypeError as error:
            third = error
            hooking.post_mortem()
            hooking.post_mortem(error.__context__)
    ''')
    t.play('''
        >>> exceptions
        > #0  TypeError: third
                [...]program.py:9 in <module>
        >>> ^D
        ValueError: second
        Post-mortem at [...]program.py:7 in <module> - Exit with CTRL+D
        >>> exceptions
        > #0  ValueError: second
                [...]program.py:7 in <module>
          #1  while handling KeyError: 'first'
                [...]program.py:5 in <module>
        >>>
    ''')


def test_a_circle_of_exceptions_ends(opened):
    t = opened('''
        import hooking
        a, b = ValueError("a"), ValueError("b")
        a.__cause__, b.__cause__ = b, a
        try:
            raise a
        except ValueError:
            hooking.post_mortem()
    ''')
    t.play('''
        >>> exceptions
        > #0  ValueError: a
                [...]program.py:5 in <module>
          #1  caused by ValueError: b
                not raised
          #2  caused by ValueError: a
                the same as #0
        >>>
    ''')


def test_a_long_list_of_exceptions_is_shown_in_part(opened):
    t = opened('''
        import hooking
        try:
            raise ExceptionGroup("many", [ValueError(n) for n in range(300)])
        except ExceptionGroup:
            hooking.post_mortem()
    ''', rows=200)
    said = t.run("exceptions").split("\n")
    assert said[-3:] == ["  #49    ValueError: 48", "          not raised", "  ... 251 more: `exceptions all`"]
    assert "ValueError: 299" in t.run("exceptions all")


def test_hook_in_an_except_block_knows_the_exception(opened):
    t = opened('''
        from hooking import hook
        def fails(x):
            raise ValueError(x)
        def main():
            try:
                fails(3)
            except ValueError:
                hook()
        main()
        hook()
    ''')
    t.play('''
        >>> exceptions
          #0  ValueError: 3
                [...]program.py:3 in fails
        >>> exceptions 0
        ValueError: 3
        > #0  fails  [...]program.py:3
                raise ValueError(x)
        >>> x
        3
        >>> off
        this hook() opens no more
        >>> ^D
        Hooked at [...]program.py:10 - Exit with CTRL+D
        >>> exceptions
        no exception: hook() was not called in an `except` block
        >>>
    ''')


def test_any_exception_or_traceback_will_do(opened):
    t = opened('''
        import hooking
        def fails():
            value = 42
            raise ValueError("no")
        try:
            fails()
        except ValueError as error:
            kept = error
        hooking.post_mortem(kept)
        hooking.post_mortem(kept.__traceback__)
        hooking.post_mortem(exc=kept.__traceback__.tb_next)
    ''')
    t.play('''
        >>> value
        42
        >>> ^D
        Post-mortem at [...]program.py:4 in fails - Exit with CTRL+D
        >>> value
        42
        >>> exceptions
        no exception: only its traceback was given
        >>> ^D
        Post-mortem at [...]program.py:4 in fails - Exit with CTRL+D
        >>> where
          #1  <module>  [...]program.py:11
                hooking.post_mortem(exc=kept.__traceback__.tb_next)
          --- below: where the exception passed ---
        > #0  fails  [...]program.py:4
                raise ValueError("no")
        >>>
    ''')


def test_the_last_one_that_nobody_handled(opened):
    t = opened('''
        import hooking, sys
        def fails():
            value = 42
            raise ValueError("no")
        try:
            fails()
        except ValueError as error:
            sys.last_value = error
        hooking.post_mortem()
    ''')
    assert t.run("value") == "42"


@pytest.mark.parametrize("argument, error", [
    ("", "ValueError: post_mortem(): no exception is being handled here; call it in an `except` block, or give it one"),
    ("None", "ValueError: post_mortem(): no exception is being handled here; call it in an `except` block, or give it "
             "one"),
    ("ValueError('x')", "ValueError: post_mortem(): ValueError('x') has no traceback: it was not raised, or that was "
                        "taken from it"),
    ("ValueError('x').with_traceback(None)", "ValueError: post_mortem(): ValueError('x') has no traceback: it was not "
                                             "raised, or that was taken from it"),
    ("ValueError", "TypeError: post_mortem(): exc must be an exception or a traceback, not <class 'ValueError'>"),
    ("3", "TypeError: post_mortem(): exc must be an exception or a traceback, not 3"),
])
def test_nothing_to_open_at(terminal, argument, error):
    t = terminal(f'''
        import hooking
        hooking.post_mortem({argument})
    ''')
    assert t.end() == 1
    assert error in t.text().replace("\n", "") or error in t.text()


def test_switched_off_it_returns_at_once(monkeypatch):
    monkeypatch.setenv("HOOKING", "0")
    assert hooking.post_mortem() is None
    assert hooking.post_mortem(3) is None


def test_nobody_to_talk_to(terminal, tmp_path):
    with open("/dev/null") as nothing, open(tmp_path / "out", "w") as out:
        t = terminal('''
            import hooking
            try:
                1 / 0
            except ZeroDivisionError:
                hooking.post_mortem()
            print("goes on")
        ''', stdin=nothing, stdout=out, stderr=out, controlling=False)
        assert t.end() == 0
    said = (tmp_path / "out").read_text()
    assert "goes on" in said
    assert said.count("post_mortem() at ") == 1 and "program.py:5: not opened: there is no terminal" in said


# ---- exceptions that are hard to show ----

@pytest.mark.parametrize("raising, shown", [
    ("raise Broken", "Broken: <exception str() failed>"),
    ("raise KeyError", "KeyError"),
    ("[0] * (1 << 60)", "MemoryError"),
    ("raise ValueError('a\\nb')", "ValueError: a\nb"),
    ("error = ValueError('x'); error.add_note('and a note'); raise error", "ValueError: x\nand a note"),
    ("raise decimal.InvalidOperation('x')", "decimal.InvalidOperation: x"),
    ("raise Outer.Inner(3)", "Outer.Inner: 3"),
    ("raise Liar(3)", "Liar: 3"),
    ("raise Leaver", "Leaver: <exception str() failed>"),
])
def test_the_exception_is_named(terminal, raising, shown):
    t = terminal(f'''
        import decimal, hooking
        class Broken(Exception):
            def __str__(self):
                raise RuntimeError("broken")
        class Outer:
            class Inner(Exception): pass
        class Meta(type):
            @property
            def __module__(cls):
                raise RuntimeError
        class Liar(Exception):
            exceptions = [1, 2]
        class Leaver(Exception):
            def __str__(self):
                raise SystemExit(3)
        try:
            {raising}
        except BaseException:
            hooking.post_mortem()
        print("goes on")
    ''')
    text = t.prompt()
    assert text.startswith(shown + "\nPost-mortem at ")
    assert t.leave() == "goes on"


def test_a_traceback_that_was_taken_away(opened):
    t = opened('''
        import hooking, sys
        try:
            raise KeyError(2) from ValueError(1).with_traceback(None)
        except KeyError:
            hooking.post_mortem()
    ''')
    t.play('''
        >>> sys.exc_info()[1].__traceback__ = None
        >>> exceptions
        > #0  KeyError: 2
                not raised
          #1  caused by ValueError: 1
                not raised
        >>> exceptions 1
        ValueError: 1
        it has no traceback: it was not raised, or that was taken from it
        >>>
    ''')


def test_a_syntax_error_shows_the_line(opened):
    t = opened('''
        import hooking
        def read(text):
            return compile(text, "config.py", "exec")
        try:
            read("x = 1\\nif x\\n")
        except SyntaxError:
            hooking.post_mortem()
    ''')
    said = t.text()
    assert "config.py" in said and "    if x\n        ^\nSyntaxError: expected ':'\nPost-mortem at " in said
    assert t.run("text") == "'x = 1\\nif x\\n'"
    assert t.run("exceptions").startswith("> #0  SyntaxError: expected ':'\n")


def test_a_very_long_message_is_cut(opened):
    t = opened('''
        import hooking
        try:
            raise ValueError("x" * 100000)
        except ValueError as error:
            hooking.post_mortem()
    ''')
    assert len(t.text()) < 2000
    assert t.run("len(str(error))") == "100000"
    assert len(t.run("exceptions").split("\n")[0]) < 80


def test_recursion_of_ten_thousand_frames(opened):
    t = opened('''
        import hooking, sys
        sys.setrecursionlimit(10_100)
        def down(n):
            return down(n + 1)
        def main():
            try:
                down(0)
            except RecursionError:
                hooking.post_mortem()
        main()
    ''')
    assert 9_000 < int(t.run("n")) < 10_100
    t.play('''
        >>> up
        > #1  down  [...]program.py:4
                return down(n + 1)
        >>>
    ''')
    deepest = int(t.run("up 100000").split("#")[-1].strip())
    assert deepest > 9_000
    said = t.run("where")
    assert said.startswith("  ... ") and "> #1" in said


def test_a_traceback_that_is_changed_at_the_prompt(opened):
    t = opened(CAUGHT)
    t.play('''
        >>> import sys, gc
        >>> error = sys.exc_info()[1]
        >>> error.__traceback__.tb_next = None; del error.__traceback__; gc.collect() and None
        [...]
        >>> up
        > #1  main  [...]program.py:16
                middle({})
        >>> down
        > #0  middle  [...]program.py:11
                raise RuntimeError("failed badly") from error
        >>>
    ''')


def test_generators_and_coroutines(opened):
    t = opened('''
        import asyncio, hooking

        def numbers(stop):
            for n in range(stop):
                yield 10 // (2 - n)

        async def fetch(name):
            await asyncio.sleep(0)
            return list(numbers(len(name)))

        async def main():
            task = asyncio.create_task(fetch("abc"))
            await asyncio.wait([task])
            hooking.post_mortem(task.exception())
            print("goes on")

        asyncio.run(main())
    ''')
    assert t.run("n, stop") == "(2, 3)"
    said = t.run("up")
    assert "fetch" in said
    assert t.run("name") == "'abc'"
    assert t.leave() == "goes on"


def test_throw_raises_in_the_caller(terminal):
    t = terminal('''
        import hooking
        def main():
            try:
                1 / 0
            except ZeroDivisionError:
                hooking.post_mortem()
        try:
            main()
        except ValueError as error:
            print("caught", error, type(error.__context__).__name__)
    ''')
    t.prompt()
    t.play('''
        >>> off
        that is about a call of hook(): here an exception has opened the console
        >>> throw ValueError("thrown")
        caught thrown ZeroDivisionError
    ''')
    assert t.end() == 0


def test_an_error_at_the_prompt_is_shown_without_the_programs(opened):
    t = opened(CAUGHT)
    said = t.run("1 / 0")
    assert "ZeroDivisionError" in said and "RuntimeError" not in said and "KeyError" not in said


def test_frames_of_compiled_code_and_without_source(opened):
    t = opened('''
        import hooking
        code = compile("def f(x):\\n    return x.missing\\n", "<made>", "exec")
        exec(code)
        try:
            f(5)
        except AttributeError:
            hooking.post_mortem()
    ''')
    t.play('''
        >>> x
        5
        >>> list
        no source of <made>
        >>>
    ''')


def test_objects_of_the_program_are_let_go(opened):
    """Nothing of the console keeps the exception's frames alive."""
    t = opened('''
        import gc, hooking, weakref

        class Thing:
            pass

        def fails():
            thing = Thing()
            seen.append(weakref.ref(thing))
            raise ValueError

        seen = []
        try:
            fails()
        except ValueError:
            hooking.post_mortem()
        gc.collect()
        print("gone" if seen[0]() is None else "kept")
    ''')
    t.run("exceptions 0")
    assert t.leave() == "gone"


def test_a_group_that_hides_its_members(opened):
    t = opened('''
        import hooking
        class Group(ExceptionGroup):
            @property
            def exceptions(self):
                raise RuntimeError("hidden")
        try:
            raise Group("several", [ValueError(1)]) from TypeError("cause")
        except Group:
            hooking.post_mortem()
    ''')
    t.play('''
        >>> exceptions
        > #0  Group: several (1 sub-exception)
                [...]program.py:7 in <module>
          #1  caused by TypeError: cause
                not raised
        >>>
    ''')


def test_what_stays_at_the_prompt_is_told_in_words_of_the_place(terminal):
    t = terminal(CAUGHT)
    t.prompt()
    t.play('''
        >>> overwrite off
        [...]
        >>> d = 3
        >>> ^D
        not written back: d ("write" does)
        goes on
    ''')
    assert t.end() == 0
