"""`rescue`: a console with restarts where a function or a block raises."""

import re
import subprocess
import sys

import pytest

from conftest import environment, source

DIVIDE = '''
    from hooking import rescue

    def divide(a, b):
        return a / b

    @rescue
    def mean(total, count=0, *rest, unit="", **more):
        result = divide(total, count)
        return result, rest, unit, more

    print("got", mean(6))
'''

OPENED = '''
    ZeroDivisionError: division by zero
    Post-mortem at [...]program.py:4 in divide - Exit with CTRL+D
    mean() is rescued (frame #1): retry, return EXPR, throw EXPR; Ctrl-D passes it on
'''


def programs_end(t, *lines):
    """The program goes on from here, prints these lines and ends well."""
    assert t.end() == 0
    assert t.text((t.output_start(), 0)).split("\n") == list(lines)


# The restarts ---------------------------------------------------------------------------------------------------------

def test_retry_calls_the_function_again(terminal):
    t = terminal('''
        from hooking import rescue

        settings = {}

        @rescue
        def load(name, *, default):
            return name, settings["path"], default

        print("got", load("a", default=1))
    ''')
    t.play('''
        KeyError: 'path'
        Post-mortem at [...]program.py:7 in load - Exit with CTRL+D
        load() is rescued: retry, return EXPR, throw EXPR; Ctrl-D passes it on
        >>> settings["path"] = "/etc"
        >>> retry
        load() again
        got ('a', '/etc', 1)
    ''')
    assert t.end() == 0


def test_retry_takes_what_the_parameters_were_changed_to(terminal):
    t = terminal(DIVIDE)
    t.play(OPENED + '''
    >>> up
    > #1  mean  [...]program.py:8
            result = divide(total, count)
    >>> count = 4
    >>> rest = (8, 9)
    >>> unit = "m"
    >>> more["seen"] = True
    >>> retry
    mean() again, with count, unit, rest, more changed
    got (1.5, (8, 9), 'm', {'seen': True})
    ''')


def test_what_is_changed_in_another_frame_is_no_argument(terminal):
    t = terminal(DIVIDE)
    t.play(OPENED + '''
    >>> b = 3
    >>> retry
    mean() again
    not kept: b in divide (retry takes over parameters in frame #1 only)
    ZeroDivisionError: division by zero
    Post-mortem at [...]program.py:4 in divide - Exit with CTRL+D
    mean() is rescued (frame #1): retry, return EXPR, throw EXPR; Ctrl-D passes it on
    >>> return 0
    got 0
    ''')


def test_retry_says_which_changes_end_with_their_frames(terminal):
    """Neither those of callers, which go on, nor what other functions share, nor the prompt's names."""
    t = terminal('''
        from hooking import rescue

        calls = 0
        def main():
            kept, shared = 1, 2

            @rescue
            def outer(a):
                total = 0
                def inner(b):
                    global calls
                    calls += 1
                    half = b / 2
                    return 1 // (shared - 2)
                return inner(a) + total

            print(outer(4), kept, shared)

        main()
    ''', rows=50)
    t.prompt()
    t.play('''
        >>> half = 1; b = 2; b = 4; calls = 0; free = 5; import sys
        >>> list(map(lambda _: half, "x"))
        [1]
        >>> up
        > #1  outer  [...]
                return inner(a) + total
        >>> total = 7; a = 4
        >>> up
        > #2  main  [...]
                print(outer(4), kept, shared)
        >>> kept = 3
        >>> retry
        main.<locals>.outer() again
        not kept: b in inner, half in inner, total in outer (retry takes over parameters in frame #1 only)
        [...]
        >>> a = 1; shared = 3
        >>> up
        > #1  outer  [...]
                return inner(a) + total
        >>> a = 3
        >>> retry
        main.<locals>.outer() again, with a changed
        1 3 3
    ''')
    assert t.end() == 0


def test_of_a_parameter_of_two_functions_retry_says_which_is_taken(terminal):
    t = terminal('''
        import functools
        from hooking import rescue

        def traced(function):
            @functools.wraps(function)
            def wrapper(*args):
                return function(*args)
            return wrapper

        @rescue
        @traced
        def half(n):
            return n / "2"

        print("got", half(4))
    ''')
    t.play('''
        TypeError: unsupported operand type(s) for /: 'int' and 'str'
        Post-mortem at [...]program.py:13 in half - Exit with CTRL+D
        half() is rescued: retry, return EXPR, throw EXPR; Ctrl-D passes it on
        >>> n = 8
        >>> up
        > #1  wrapper  [...]program.py:7
                return function(*args)
        >>> args = (6,)
        >>> retry
        half() again, with args changed
        not kept: n in half (retry takes over parameters in frame #1 only)
        TypeError: unsupported operand type(s) for /: 'int' and 'str'
        Post-mortem at [...]program.py:13 in half - Exit with CTRL+D
        half() is rescued: retry, return EXPR, throw EXPR; Ctrl-D passes it on
        >>> return n
        got 6
    ''')


def test_what_the_program_has_made_of_a_parameter_is_no_change(terminal):
    """As in Common Lisp the call is made with the arguments that it had."""
    t = terminal('''
        from hooking import rescue

        calls = []

        @rescue
        def take(path, mode, **more):
            calls.append((path, mode, more.copy()))
            path = path.strip()
            more.pop("a")
            more["b"] = 2
            del mode
            if len(calls) < 3:
                raise OSError(path)

        take(" x ", "r", a=1)
        print(*calls, sep="\\n")
    ''')
    t.play('''
        OSError: x
        Post-mortem at [...]program.py:13 in take - Exit with CTRL+D
        take() is rescued: retry, return EXPR, throw EXPR; Ctrl-D passes it on
        >>> retry
        take() again
        OSError: x
        Post-mortem at [...]program.py:13 in take - Exit with CTRL+D
        take() is rescued: retry, return EXPR, throw EXPR; Ctrl-D passes it on
        >>> more["c"] = 3
        >>> mode = "w"
        >>> retry
        take() again, with mode, more changed
        (' x ', 'r', {'a': 1})
        (' x ', 'r', {'a': 1})
        (' x ', 'w', {'a': 1, 'c': 3})
    ''')


def test_parameters_of_every_kind(terminal):
    t = terminal('''
        from hooking import rescue

        first = True

        @rescue
        def kinds(a, b=2, /, c=3, d=4, *args, e=5, **kw):
            def inner():
                return c                        # a cell
            global first
            if first:
                first = False
                raise ValueError("now")
            return a, b, inner(), d, args, e, kw

        print("got", kinds(1, kw=0))
        first = True
        print("got", kinds(1, kw=0))
        first = True
        print("got", kinds(1, 0, 0, 0, 9))
    ''')
    opened = '''
    ValueError: now
    Post-mortem at [...]program.py:12 in kinds - Exit with CTRL+D
    kinds() is rescued: retry, return EXPR, throw EXPR; Ctrl-D passes it on'''
    t.play(opened + '''
    >>> c = 30
    >>> retry
    kinds() again, with c changed
    got (1, 2, 30, 4, (), 5, {'kw': 0})''' + opened + '''
    >>> b = 20; d = 40; e = 50; kw = {"new": 1}
    >>> retry
    kinds() again, with b, d, e, kw changed
    got (1, 20, 3, 40, (), 50, {'new': 1})''' + opened + '''
    >>> args = [*args, 8]
    >>> retry
    kinds() again, with args changed
    got (1, 0, 0, 0, (9, 8), 5, {})
    ''')


def test_return_gives_the_caller_a_value(terminal):
    t = terminal(DIVIDE)
    t.play(OPENED + '''
    >>> return a * 10, "x"
    got (60, 'x')
    ''')
    assert t.end() == 0


def test_a_value_that_cannot_be_had_leaves_the_prompt(opened):
    t = opened(DIVIDE)
    assert "ZeroDivisionError" in t.run("return a / b")
    t.line("return")
    programs_end(t, "got None")


def test_throw_raises_something_else(terminal):
    t = terminal(DIVIDE.replace('print("got", mean(6))', '''
    try:
        mean(6)
    except LookupError as error:
        print(repr(error), repr(error.__context__), error.__traceback__.tb_next)
    '''))
    t.play(OPENED + '''
    >>> throw KeyError("count")
    KeyError('count') ZeroDivisionError('division by zero') None
    ''')
    assert t.end() == 0


AS_IT_WAS = '''
    import sys
    import traceback
    from hooking import rescue

    raised = []

    def fail(n):
        raised.append(ValueError(n))
        raise raised[-1]

    def function(n):
        fail(n)

    def generator(n):
        yield fail(n)

    async def coroutine(n):
        fail(n)

    async def stream(n):
        yield fail(n)

    def block(n):
        with rescue:
            fail(n)

    def no_block(n):
        fail(n)

    def drive(coroutine):
        try:
            coroutine.send(None)
        except StopIteration as stop:
            return stop.value

    def entries(call):
        try:
            call()
        except ValueError as error:
            assert error is raised[-1] and error.__context__ is None and error.__cause__ is None
            assert sys.exc_info()[1] is error
            return [(entry.name, entry.lineno) for entry in traceback.extract_tb(error.__traceback__)
                    if entry.name not in ("block", "no_block")]

    for plain, with_rescue in (
        (lambda f=function: f(1), lambda f=rescue(function): f(1)),
        (lambda f=generator: next(f(1)), lambda f=rescue(generator): next(f(1))),
        (lambda f=coroutine: drive(f(1)), lambda f=rescue(coroutine): drive(f(1))),
        (lambda f=stream: drive(f(1).__anext__()), lambda f=rescue(stream): drive(f(1).__anext__())),
        (lambda: no_block(1), lambda: block(1)),
    ):
        there, here = entries(plain), entries(with_rescue)
        print(len(there), [line for _, line in there[1:]] == [line for _, line in here[1:]] or (there, here))
'''


def test_ctrl_d_lets_the_exception_go_on_as_it_was(terminal):
    """The same object with the same traceback, to which nothing is added, and no context."""
    t = terminal(AS_IT_WAS)
    for name in ("function()", "generator()", "coroutine()", "stream()", "a block in block, line 25,"):
        assert f"{name} is rescued" in t.prompt()
        t.key("C-d")
    assert t.end() == 0
    assert t.text().count(" True") == 5, t.text()


def test_the_exception_is_the_handled_one_at_the_prompt_only(terminal):
    t = terminal('''
        import sys
        from hooking import rescue

        @rescue
        def fail(tries=[]):
            tries.append(sys.exc_info()[1])
            {}[len(tries)]

        try:
            fail()
        except KeyError as error:
            print(error, error.__context__, fail.__defaults__)
    ''')
    t.play('''
        KeyError: 1
        Post-mortem at [...]program.py:7 in fail - Exit with CTRL+D
        fail() is rescued: retry, return EXPR, throw EXPR; Ctrl-D passes it on
        >>> sys.exc_info()[1]
        KeyError(1)
        >>> retry
        fail() again
        KeyError: 2
        Post-mortem at [...]program.py:7 in fail - Exit with CTRL+D
        fail() is rescued: retry, return EXPR, throw EXPR; Ctrl-D passes it on
        >>> ^D
        2 None ([None, None],)
    ''')


# Rescued calls within each other ------------------------------------------------------------------------------------

def test_the_innermost_asks_first_and_hands_on_to_the_next(terminal):
    t = terminal('''
        from hooking import rescue

        @rescue
        def inner(n):
            return 1 / n

        @rescue
        def outer(n):
            return inner(n) + 1

        print("got", outer(0))
    ''')
    t.play('''
        ZeroDivisionError: division by zero
        Post-mortem at [...]program.py:5 in inner - Exit with CTRL+D
        inner() is rescued: retry, return EXPR, throw EXPR; Ctrl-D passes it on
        >>> ^D
        ZeroDivisionError: division by zero
        Post-mortem at [...]program.py:5 in inner - Exit with CTRL+D
        outer() is rescued (frame #1): retry, return EXPR, throw EXPR; Ctrl-D passes it on
        >>> up
        > #1  outer  [...]program.py:9
                return inner(n) + 1
        >>> n = 2
        >>> retry
        outer() again, with n changed
        got 1.5
    ''')


def test_a_function_that_calls_itself_asks_once(terminal):
    t = terminal('''
        from hooking import rescue

        @rescue
        def count(n):
            if n == 0:
                raise ValueError("zero")
            return count(n - 1) + 1

        def blocks(n):
            with rescue:
                if n == 0:
                    raise ValueError("zero")
                blocks(n - 1)

        try:
            count(5)
        except ValueError:
            print("count has raised")
        try:
            blocks(5)
        except ValueError:
            print("blocks has raised")
    ''')
    assert "program.py:6 in count" in t.prompt()
    t.key("C-d")
    assert "count has raised" in t.prompt()
    t.ready().key("C-d")
    t.prompt()                                # that of the block which stands at another line
    t.key("C-d")
    assert t.end() == 0
    assert t.text().endswith("blocks has raised")


def test_where_the_stack_is_used_up_the_outermost_call_asks(terminal):
    t = terminal('''
        from hooking import rescue

        limit = False

        @rescue
        def deeper(n):
            return n if limit else deeper(n + 1)

        print("got", deeper(0))
    ''')
    assert "deeper() is rescued" in t.prompt()
    t.run("global limit")
    t.run("limit = True")
    t.run("frame 0")
    t.line("retry")
    assert t.end() == 0
    assert t.text().endswith("deeper() again\ngot 0")


# Blocks ---------------------------------------------------------------------------------------------------------------

BLOCK = '''
    from hooking import rescue

    for text in ("1", "two", "3"):
        with rescue:
            print(int(text))
    print("end")
'''

BLOCK_OPENED = '''
    1
    ValueError: invalid literal for int() with base 10: 'two'
    Post-mortem at [...]program.py:5 in <module> - Exit with CTRL+D
    a block in <module>, line 5, is rescued: skip, throw EXPR; Ctrl-D passes it on
'''


def test_skip_goes_on_behind_a_block(terminal):
    t = terminal(BLOCK)
    t.play(BLOCK_OPENED + '''
    >>> skip
    3
    end
    ''')
    assert t.end() == 0


def test_a_block_has_no_other_restarts_and_says_why(opened):
    t = opened(BLOCK)
    t.play('''
        >>> retry
        a `with` block cannot be run again, and a rescued function could be: skip goes on behind the block
        >>> return 2
        a `with` block returns nothing: skip goes on behind it
        >>> skip 2
        skip takes no argument (a space before the line makes it Python)
        >>>
    ''')
    t.line('throw SystemExit(3)')
    assert t.end() == 3


def test_ctrl_d_in_a_block(opened):
    t = opened(BLOCK)
    t.key("C-d")
    assert t.end() == 1
    assert t.text().endswith("ValueError: invalid literal for int() with base 10: 'two'")
    assert "During handling" not in t.text()


@pytest.mark.parametrize("way", ["with rescue(ValueError, KeyError):", "with rescue((ValueError, (KeyError,))):"])
def test_a_block_for_some_exceptions(terminal, way):
    t = terminal(f'''
        from hooking import rescue

        try:
            {way}
                [][0]
        except IndexError:
            print("passes")
        {way}
            {{}}[0]
    ''')
    assert t.prompt().startswith("passes\nKeyError: 0\n")
    t.line("skip")
    assert t.end() == 0


def test_the_commands_say_where_they_belong(terminal):
    t = terminal('''
        import hooking
        hooking.hook()
        try:
            1 / 0
        except ZeroDivisionError:
            hooking.post_mortem()
    ''')
    t.prompt()
    for command, what in ("retry", "functions"), ("return 1", "functions"), ("skip", "`with` blocks"):
        assert t.run(command).replace("\n", " ") == (
            f"{command.split()[0]} is for {what} that are rescued (help(hooking.rescue)), "
            "and here hook() has opened the console")
    t.key("C-d")
    t.prompt()
    assert t.run("retry").replace("\n", " ").endswith("and none of those has opened the console")
    t.key("C-d")
    assert t.end() == 0


def test_skip_is_no_restart_of_a_function(opened):
    t = opened(DIVIDE)
    assert t.run("skip") == "skip is for `with rescue` blocks: return EXPR gives the function's caller a value"
    assert t.run("retry now") == "retry takes no argument (a space before the line makes it Python)"


def test_an_exception_raised_again_at_a_blocks_prompt_goes_on_as_it_was(opened):
    t = opened('''
        import hooking, traceback
        def main():
            with hooking.rescue:
                1 / 0
        try:
            main()
        except ZeroDivisionError as error:
            print([entry.name for entry in traceback.extract_tb(error.__traceback__)])
    ''')
    t.run("import sys; raise sys.exc_info()[1]")
    assert t.leave() == "['<module>', 'main']"


# What is rescued ------------------------------------------------------------------------------------------------------

def test_methods(terminal):
    t = terminal('''
        from hooking import rescue

        class Base:
            @rescue
            def plain(self, n):
                return type(self).__name__, 1 / n

            @rescue
            @staticmethod
            def static(n):
                return 1 / n

            @staticmethod
            @rescue
            def static_too(n):
                return 1 / n

            @rescue
            @classmethod
            def of_class(cls, n):
                return cls.__name__, 1 / n

            @classmethod
            @rescue
            def of_class_too(cls, n):
                return cls.__name__, 1 / n

            @property
            @rescue
            def value(self):
                return 1 / self.n

            n = 0

        class Derived(Base):
            @rescue
            def plain(self, n):
                return super().plain(n)

        print(Derived().plain(1))
        for call in (Derived().plain, Base.static, Derived().static_too, Derived.of_class, Derived().of_class_too):
            print(call(0))
        print(Derived().value)
    ''')
    assert "('Derived', 1.0)" in t.prompt()
    for name in ("Base.plain", "Base.static", "Base.static_too", "Base.of_class", "Base.of_class_too"):
        if name != "Base.plain":
            t.prompt()
        assert f"{name}() is rescued" in t.text()
        t.run("n = 2")
        t.line("retry")
    t.prompt()
    t.run("self.n = 4")
    t.line("retry")
    assert t.end() == 0
    assert [line for line in t.text().split("\n") if "0.5" in line or "0.25" in line] == [
        "('Derived', 0.5)", "0.5", "0.5", "('Derived', 0.5)", "('Derived', 0.5)", "0.25"]


def test_a_generator_begins_from_its_start(terminal):
    t = terminal('''
        from hooking import rescue

        @rescue
        def halves(numbers):
            for n in numbers:
                yield n / 2
            return "done"

        def all_of(numbers):
            print((yield from halves(numbers)))

        print(list(all_of([2, 4, "6"])))
        print(list(all_of([2, "6"])))
    ''')
    t.play('''
        TypeError: unsupported operand type(s) for /: 'str' and 'int'
        Post-mortem at [...]program.py:6 in halves - Exit with CTRL+D
        halves() is rescued: retry, return EXPR, throw EXPR; Ctrl-D passes it on
        >>> numbers = [6]
        >>> retry
        halves() again, from its start, with numbers changed
        done
        [1.0, 2.0, 3.0]
        TypeError: unsupported operand type(s) for /: 'str' and 'int'
        Post-mortem at [...]program.py:6 in halves - Exit with CTRL+D
        halves() is rescued: retry, return EXPR, throw EXPR; Ctrl-D passes it on
        >>> return "early"
        early
        [1.0]
    ''')
    assert t.end() == 0


def test_the_callers_of_a_generator_are_those_who_asked_it_for_a_value(opened):
    """3.11 forgets them when a generator has ended, by itself or by an exception."""
    t = opened('''
        from hooking import rescue

        def look_up(table):
            try:
                table[1]
            except KeyError:
                raise ValueError("x")

        @rescue
        def values():
            yield 1
            look_up({})

        def main(text):
            for value in values():
                text += str(value)
            list(values())

        main("hi")
    ''')
    t.play('''
        >>> where
          #3  <module>  [...]program.py:19
                main("hi")
          #2  main  [...]program.py:15
                for value in values():
          --- below: where the exception passed ---
          #1  values  [...]program.py:12
                look_up({})
        > #0  look_up  [...]program.py:7
                raise ValueError("x")
        >>> up 2
        > #2  main  [...]program.py:15
                for value in values():
        >>> text
        'hi1'
        >>> exceptions 1
        KeyError: 1
        > #0  look_up  [...]program.py:5
                table[1]
        >>> up 3
        > #3  <module>  [...]program.py:19
                main("hi")
        >>> up
        there is no frame #4: the oldest is #3
        >>> return
        ValueError: x
        Post-mortem at [...]program.py:7 in look_up - Exit with CTRL+D
        values() is rescued (frame #1): retry, return EXPR, throw EXPR; Ctrl-D passes it on
        >>> up 2
        > #2  main  [...]program.py:17
                list(values())
        >>> text
        'hi1'
        >>>
    ''')


@pytest.mark.parametrize("call", ["await fetch(7)", "[x async for x in stream(7)]"])
def test_the_callers_of_a_coroutine_are_those_who_await_it(opened, call):
    t = opened(f'''
        import asyncio
        from hooking import rescue

        @rescue
        async def fetch(n):
            await asyncio.sleep(0)
            return n / "2"

        @rescue
        async def stream(n):
            yield n
            await asyncio.sleep(0)
            n / "2"

        async def main(text):
            {call}

        asyncio.run(main("hi"))
    ''', rows=60)
    where = t.run("where").split("\n")
    assert where[0].startswith("  #") and where[0].endswith("program.py:18") and "<module>" in where[0]
    assert "run_until_complete" in "".join(where)
    own = where.index("  --- below: where the exception passed ---")
    assert where[own - 1].strip() == call
    assert t.run("up").startswith("> #1  ")
    while "main" not in t.run("frame"):
        t.run("up")
    assert t.run("text") == "'hi'"


def test_a_generator_is_sent_and_thrown_what_it_would_be(terminal):
    t = terminal('''
        from hooking import rescue

        @rescue
        def echo():
            got = None
            while True:
                try:
                    got = yield got
                except KeyError as error:
                    got = repr(error)
                if got == "stop":
                    return "stopped"

        e = echo()
        print(next(e), e.send(1), e.throw(KeyError("k")))
        try:
            e.send("stop")
        except StopIteration as stop:
            print(stop.value)
        e = echo()
        next(e)
        e.close()
        print(next(e, "closed"), e.gi_frame)
        e = echo()
        next(e)
        try:
            e.throw(ValueError("the caller's"))
        except ValueError as error:
            print(error)
        try:
            echo().send(1)
        except TypeError as error:
            print(error)
    ''')
    assert t.end() == 0
    assert t.text().split("\n") == [
        "None 1 KeyError('k')", "stopped", "closed None", "the caller's",
        "can't send non-None value to a just-started generator"]


COROUTINE = '''
    import asyncio
    from hooking import rescue

    @rescue
    async def fetch(n):
        await asyncio.sleep(0)
        return 1 / n

    async def tick(ticks):
        for _ in range(3):
            ticks.append(1)
            await asyncio.sleep(0)

    async def main():
        ticks = []
        other = asyncio.create_task(tick(ticks))
        task = asyncio.create_task(fetch(0))
        print("got", await task, await fetch(2))
        await other
        print("ticks", len(ticks))

    asyncio.run(main())
'''


def test_a_task_is_retried(terminal):
    t = terminal(COROUTINE)
    t.play('''
        ZeroDivisionError: division by zero
        Post-mortem at [...]program.py:7 in fetch - Exit with CTRL+D
        fetch() is rescued: retry, return EXPR, throw EXPR; Ctrl-D passes it on
        >>> n = 4
        >>> retry
        fetch() again, with n changed
        got 0.25 0.5
        ticks 3
    ''')
    assert t.end() == 0


def test_a_coroutine_is_given_a_value_or_lets_go(terminal):
    t = terminal(COROUTINE.replace("await fetch(2)", "await fetch(0)"))
    t.prompt()
    t.line("return 5")
    t.prompt()
    t.key("C-d")
    assert t.end() == 1
    assert t.text().endswith("ZeroDivisionError: division by zero") and "During" not in t.text()


def test_what_a_coroutine_awaits_may_have_failed_elsewhere(terminal):
    """A future's exception is thrown into the coroutine: it is rescued there all the same."""
    t = terminal('''
        import asyncio
        from hooking import rescue

        @rescue
        async def wait(future):
            return await future

        async def main():
            loop = asyncio.get_running_loop()
            future = loop.create_future()
            loop.call_soon(future.set_exception, OSError("no net"))
            print("got", await wait(future))

        asyncio.run(main())
    ''')
    assert "OSError: no net" in t.prompt()
    t.line("return 'nothing'")
    programs_end(t, "got nothing")


def test_an_async_generator(terminal):
    t = terminal('''
        import asyncio
        from hooking import rescue

        @rescue
        async def numbers(last):
            yield 1
            await asyncio.sleep(0)
            yield 2 / last

        async def main():
            print([n async for n in numbers(0)])
            print([n async for n in numbers(0)])

        asyncio.run(main())
    ''')
    t.play('''
        ZeroDivisionError: division by zero
        Post-mortem at [...]program.py:8 in numbers - Exit with CTRL+D
        numbers() is rescued: retry, return, throw EXPR; Ctrl-D passes it on
        >>> return 5
        an async generator returns no value: return alone ends it
        >>> last = 1
        >>> retry
        numbers() again, from its start, with last changed
        [1, 1, 2.0]
        ZeroDivisionError: division by zero
        Post-mortem at [...]program.py:8 in numbers - Exit with CTRL+D
        numbers() is rescued: retry, return, throw EXPR; Ctrl-D passes it on
        >>> return
        [1]
    ''')
    assert t.end() == 0


def test_what_is_no_error_passes(terminal):
    t = terminal('''
        import asyncio
        import contextlib
        from hooking import rescue

        @rescue
        def throw(error):
            raise error

        for error in (SystemExit(1), KeyboardInterrupt(), GeneratorExit(), StopIteration(2), StopAsyncIteration(),
                      asyncio.CancelledError()):
            try:
                throw(error)
            except BaseException as caught:
                print(caught is error)
            try:
                with rescue(BaseException if isinstance(error, Exception) else Exception):
                    raise error
            except BaseException as caught:
                print(caught is error)

        @rescue
        async def wait():
            await asyncio.sleep(100)

        async def main():
            task = asyncio.create_task(wait())
            await asyncio.sleep(0)
            task.cancel()
            try:
                await task
            except asyncio.CancelledError:
                print("cancelled", task.cancelled())

        asyncio.run(main())

        @contextlib.contextmanager
        @rescue
        def manager():
            yield 1

        @contextlib.asynccontextmanager
        @rescue
        async def async_manager():
            yield 2

        async def use():
            async with async_manager() as value:
                raise KeyError(value)

        def use_manager():
            with manager() as value:
                raise KeyError(value)

        for call in (lambda: asyncio.run(use()), use_manager):
            try:
                call()
            except KeyError as error:
                print(repr(error))
    ''')
    assert t.end() == 0
    assert t.text().split("\n") == ["True"] * 12 + ["cancelled True", "KeyError(2)", "KeyError(1)"]


def test_only_some_exceptions(terminal):
    t = terminal('''
        from hooking import rescue

        @rescue(ValueError, (KeyError, OSError))
        def throw(error):
            raise error

        try:
            throw(TypeError("passes"))
        except TypeError as error:
            print(error)
        throw(KeyError("asked about"))
    ''')
    assert t.prompt().startswith("passes\nKeyError: 'asked about'\n")
    t.line("return")
    assert t.end() == 0


def test_a_wrong_number_of_arguments(terminal):
    """There is no frame of the function: the console is in the caller's."""
    t = terminal('''
        from hooking import rescue

        @rescue
        def add(a, b):
            return a + b

        def caller(n):
            return add(n)

        print("got", caller(7))
    ''')
    t.play('''
        TypeError: add() missing 1 required positional argument: 'b'
        Post-mortem at [...]program.py:8 in caller - Exit with CTRL+D
        add() is rescued: retry, return EXPR, throw EXPR; Ctrl-D passes it on
        >>> n
        7
        >>> return n + 1
        got 8
    ''')


def test_in_a_thread(terminal):
    t = terminal('''
        import _thread
        from hooking import rescue

        done = _thread.allocate_lock()
        done.acquire()

        @rescue
        def work(n):
            print("got", 1 / n)
            done.release()

        _thread.start_new_thread(work, (0,))    # no Python function calls it
        done.acquire()
    ''')
    prompt = re.compile(r"\] >>> $")
    t.prompt(prompt)
    t.run("n = 2", prompt)
    t.line("retry")
    assert t.end() == 0
    assert t.text().endswith("got 0.5")


# Functions that have changed ------------------------------------------------------------------------------------------

def test_a_function_that_was_defined_anew_is_called(terminal):
    t = terminal('''
        from hooking import rescue

        @rescue
        def half(n):
            return n / "2"

        class Numbers:
            @rescue
            def third(self, n):
                return n / "3"

        print("got", half(4))
        print("got", Numbers().third(9))
        print("got", half(6))
    ''')
    t.play('''
        TypeError: unsupported operand type(s) for /: 'int' and 'str'
        Post-mortem at [...]program.py:5 in half - Exit with CTRL+D
        half() is rescued: retry, return EXPR, throw EXPR; Ctrl-D passes it on
        >>> global half
        >>> def half(n):
        ...     return n / 2
        ...
        >>> retry
        half() again, as it is defined now
        got 2.0
        TypeError: unsupported operand type(s) for /: 'int' and 'str'
        Post-mortem at [...]program.py:10 in third - Exit with CTRL+D
        Numbers.third() is rescued: retry, return EXPR, throw EXPR; Ctrl-D passes it on
        >>> n = 3
        >>> @rescue
        ... def third(self, n):
        ...     return n / 3
        ...
        >>> third.__wrapped__.__qualname__ = "Numbers.third"
        >>> Numbers.third = third
        >>> retry
        Numbers.third() again, as it is defined now, with n changed
        got 1.0
        got 3.0
    ''')
    assert t.end() == 0


def test_a_function_that_was_defined_anew_among_the_local_names_is_called_too(terminal):
    t = terminal('''
        from hooking import rescue

        @rescue
        def half(n):
            return n / "2"

        print("got", half(4))
    ''')
    t.play('''
        TypeError: unsupported operand type(s) for /: 'int' and 'str'
        Post-mortem at [...]program.py:5 in half - Exit with CTRL+D
        half() is rescued: retry, return EXPR, throw EXPR; Ctrl-D passes it on
        >>> def half(n):
        ...     return n / 0
        ...
        >>> retry
        half() again, as it is defined now
        ZeroDivisionError: division by zero
        Post-mortem at <hook-1>:2 in half - Exit with CTRL+D
        half() is rescued: retry, return EXPR, throw EXPR; Ctrl-D passes it on
        >>> retry
        half() again
        ZeroDivisionError: division by zero
        Post-mortem at <hook-1>:2 in half - Exit with CTRL+D
        half() is rescued: retry, return EXPR, throw EXPR; Ctrl-D passes it on
        >>> @rescue
        ... def half(n):
        ...     return n / 2
        ...
        >>> retry
        half() again, as it is defined now
        got 2.0
    ''')


def test_a_reloaded_module_is_found_afresh(terminal, tmp_path):
    (tmp_path / "shop.py").write_text(source('''
        from hooking import rescue

        @rescue
        def price(text):
            return float(text)

        @rescue
        def total(texts):
            return sum(price(text) for text in texts)
    '''))
    t = terminal('''
        import sys
        sys.dont_write_bytecode = True
        import shop
        print("got", shop.total(["1", "2,5"]))
    ''')
    t.prompt()
    text = (tmp_path / "shop.py").read_text()
    (tmp_path / "shop.py").write_text(text.replace("float(text)", 'float(text.replace(",", "."))'))
    t.run("import importlib")
    t.run("import sys; _ = importlib.reload(sys.modules['shop'])")
    t.line("retry")
    t.expect("price() again, as it is defined now")
    t.expect("got 3.5")
    assert t.end() == 0


def test_the_outer_call_finds_what_was_reloaded_at_the_inner_console(terminal, tmp_path):
    (tmp_path / "shop.py").write_text(source('''
        from hooking import rescue

        @rescue
        def price(text):
            return float(text)

        @rescue
        def total(texts):
            return sum(price(text) for text in texts) / 0
    '''))
    t = terminal('''
        import sys
        sys.dont_write_bytecode = True
        import shop
        print("got", shop.total(["1", "2,5"]))
    ''')
    t.prompt()
    text = (tmp_path / "shop.py").read_text()
    (tmp_path / "shop.py").write_text(text.replace(" / 0", ""))
    t.run("import importlib, sys; _ = importlib.reload(sys.modules['shop'])")
    t.line("return 2.5")
    t.prompt()
    t.line("retry")
    t.expect("total() again, as it is defined now")
    t.prompt()
    t.line("return 9")
    assert t.end() == 0
    assert t.text().endswith("got 10.0")


def test_another_function_of_the_same_name_is_not_called(terminal):
    t = terminal('''
        import functools
        from hooking import rescue

        tries = []

        @functools.singledispatch
        def show(x): ...

        @show.register
        @rescue
        def _(x: int):
            tries.append(x)
            if len(tries) < 2:
                raise ValueError(x)
            return "an int"

        @show.register
        def _(x: str):
            return "a str"

        print(show(1))
    ''')
    t.prompt()
    t.line("retry")
    assert t.end() == 0
    assert t.text().endswith("_() again\nan int")


def test_other_decorators_around_and_within(terminal):
    t = terminal('''
        import functools
        from hooking import rescue

        def traced(function):
            @functools.wraps(function)
            def wrapper(*args, **kwargs):
                print("call", args, kwargs)
                return function(*args, **kwargs)
            return wrapper

        def with_seven(function):
            @functools.wraps(function)
            def wrapper(*args):
                return function(7, *args)
            return wrapper

        @traced
        @rescue
        def around(n):
            return 1 / n

        @rescue
        @traced
        def within(n):
            return 1 / n

        @rescue
        @with_seven
        def given(seven, n):
            return seven / n

        print("got", around(0))
        print("got", within(0))
        print("got", given(0))
    ''')
    t.prompt()
    t.run("n = 2")
    t.line("retry")
    t.prompt()
    t.run("n = 4")
    t.line("retry")
    t.prompt()
    t.run("n = 14")
    said = t.run("retry").replace("\n", " ")
    assert said == ("given() is within something that may give it other arguments, so it cannot be called with "
                    "what you have changed: n")
    t.run("n = 0")
    t.run("up")
    t.run("args = (2,)")
    t.line("retry")
    assert t.end() == 0
    lines = [line for line in t.text().split("\n") if line.startswith(("call", "got"))]
    assert lines == ["call (0,) {}", "got 0.5", "call (0,) {}", "call (4,) {}", "got 0.25", "got 3.5"]


def test_callables_of_other_kinds(terminal):
    t = terminal('''
        import functools
        from hooking import rescue

        class Adder:
            def __init__(self, n):
                self.n = n
            def add(self, m):
                return self.n / m
            def __call__(self, m):
                return self.n / m

        print("got", rescue(Adder(6).add)(0))
        print("got", rescue(Adder(6))(0))
        print("got", rescue(functools.partial(Adder.add, Adder(6)))(0))
        print("got", rescue(divmod)(1, 0))
    ''')
    t.prompt()
    t.run("m = 2")
    t.line("retry")
    t.prompt()
    t.run("self.n = 8")
    t.line("return self(1)")
    t.prompt()
    t.run("m = 3")
    assert t.run("retry").replace("\n", " ").startswith("Adder.add() is within something that may give it other")
    t.line("return 1")
    t.prompt()
    t.line("return 2")
    assert t.end() == 0
    assert [line for line in t.text().split("\n") if line.startswith("got")] == ["got 3.0", "got 8.0", "got 1", "got 2"]


# Nobody to ask ------------------------------------------------------------------------------------------------------

UNATTENDED = source('''
    import logging
    from hooking import rescue

    logging.basicConfig(format="%(levelname)s %(message)s")

    @rescue
    def fail():
        {}[0]

    try:
        fail()
    except KeyError as error:
        print("goes on", error.__context__)
''')


def run(program, env):
    return subprocess.run([sys.executable, "-c", program], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          start_new_session=True, timeout=60, env=env)


def test_without_a_terminal_the_exception_goes_on_and_a_warning_is_logged(tmp_path):
    done = run(UNATTENDED, environment(tmp_path))
    assert (done.returncode, done.stdout) == (0, "goes on None\n")
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("WARNING rescue at <string>:11: ")


LEFTOVERS = source('''
    import asyncio
    import builtins
    import gc
    import io
    import sys
    import weakref
    from contextlib import redirect_stdout
    from hooking import rescue

    seen = []                                   # weak references to all that a session has to do with

    class Token:
        def __init__(self, fails=False):
            self.fails = fails
            seen.append(weakref.ref(self))

    class Failure(ValueError):
        def __init__(self):
            seen.append(weakref.ref(self))

    def fail(token):
        if token.fails:
            raise Failure
        return token

    @rescue
    def function(token, **more):
        return fail(token)

    @rescue
    def generator(token, **more):
        yield 1
        fail(token)

    @rescue
    async def coroutine(token, **more):
        await asyncio.sleep(0)
        return fail(token)

    @rescue
    async def stream(token, **more):
        yield 1
        fail(token)

    def block(token):
        with rescue:
            fail(token)

    async def through(**more):
        async for _ in stream(Token(True), **more):
            pass

    def session(call, *lines):
        typed = iter(lines)
        builtins.input = lambda prompt="": next(typed)
        try:
            call()
        except (Failure, LookupError):
            pass
        assert next(typed, None) is None

    calls = [lambda: function(Token(True), a=Token()), lambda: list(generator(Token(True), a=Token())),
             lambda: asyncio.run(coroutine(Token(True), a=Token())), lambda: asyncio.run(through(a=Token()))]
    sessions = [
        (call, lines) for call in calls
        for lines in (("c",), ("throw LookupError(1)",), ("return",), ("retry", "c"),
                      ("up", "token = Token()", "retry"),
                      ("up", "more['b'] = Token()", "retry", "retry", "c"))
    ] + [(call, ("return Token()",)) for call in calls[:3]] + [
        (lambda: block(Token(True)), ("retry", "skip")), (lambda: block(Token(True)), ("c",)),
        (lambda: function(), ("return Token()",)),
        (lambda: function(Token(True)), ("retry now", "return nothing", "c")),
    ]
    kept = [function, function.__wrapped__, generator, generator.__wrapped__, coroutine, coroutine.__wrapped__, stream,
            stream.__wrapped__, rescue, *{type(x) for x in (function, rescue, generator(Token()), stream(Token()))}]

    def counts():
        gc.collect()
        return [sys.getrefcount(x) for x in kept]

    with redirect_stdout(io.StringIO()):
        for call, lines in sessions * 2:        # what is made once
            session(call, *lines)
        before = counts()
        objects = len(gc.get_objects())
        seen.clear()
        for call, lines in sessions * 10:
            session(call, *lines)
    after = counts()
    print(len(sessions), len(seen) > 500, [ref() for ref in seen if ref() is not None],
          [(x, b - a) for x, a, b in zip(kept, before, after) if a != b],
          len(gc.get_objects()) - len(seen) - objects < 100)
''')


def test_consoles_leave_nothing_behind(tmp_path):
    """Neither exceptions nor arguments nor values, and no reference to what lives on, after any way to leave one."""
    done = run(LEFTOVERS, environment(tmp_path))
    assert done.returncode == 0, done.stderr
    assert done.stdout == "31 True [] [] True\n"


@pytest.mark.parametrize("set_later", [False, True])
def test_switched_off(tmp_path, set_later):
    program = "import os; os.environ['HOOKING'] = '0'\n" + UNATTENDED if set_later else UNATTENDED
    if set_later:
        program = program.replace("import os;", "import hooking, os;")
    done = run(program, environment(tmp_path, HOOKING=None if set_later else "0"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "goes on None\n", "")


def test_abort_is_not_asked_about(terminal):
    t = terminal('''
        from hooking import rescue

        @rescue(BaseException)
        def outer():
            inner()

        @rescue
        def inner():
            {}[0]

        outer()
    ''')
    t.prompt()
    t.line("abort 4")
    assert t.end() == 4
