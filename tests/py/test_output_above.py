"""What the program prints while a block is typed appears above it; nothing that was typed is lost."""

import os
import re
import signal

import pytest

PROGRAM = '''
    import logging, os, sys, threading, time, warnings
    from hooking import hook
    def work():
        with open("orders") as orders:
            for line in orders:
                exec(line, globals())
    threading.Thread(target=work, daemon=True).start()
    def f(x):
        before = dict(vars(sys.stdout)), dict(vars(sys.stderr))
        hook()
        print("as before", before == (vars(sys.stdout), vars(sys.stderr)))
    f("X")
'''


class Hooked:
    """A program at its prompt, and a thread of it that runs the lines it is told."""

    def __init__(self, terminal, tmp_path, program=PROGRAM, **options):
        os.mkfifo(tmp_path / "orders")
        self.t = terminal(program, **options)
        self.t.prompt()
        self.orders = open(tmp_path / "orders", "w")

    def tell(self, line):
        self.orders.write(line + "\n")
        self.orders.flush()


@pytest.fixture
def hooked(terminal, tmp_path):
    started = []

    def start(*arguments, **options):
        started.append(Hooked(terminal, tmp_path, *arguments, **options))
        return started[0].t, started[0].tell
    yield start
    for program in started:
        try:
            program.orders.close()
        except BrokenPipeError:
            pass


BLOCK = (">>> for i in y:", "...     total = 1", "...     print(total)|")


def begun(t):
    t.lines("for i in y:", "total = 1", "print(total)").shows(*BLOCK)
    return t


@pytest.mark.parametrize("order, line", [
    ("print('hello')", "hello"),
    ("print('a', 'b', sep='\\n')", "a\nb"),
    ("logging.warning('take care')", "WARNING:root:take care"),
    ("sys.stderr.write('an error\\n')", "an error"),
    ("warnings.warn('old')", r"<string>:1: UserWarning: old"),
    ("sys.stdout.writelines(['one\\n', 'two\\n'])", "one\ntwo"),
    ("print('x' * 200)", "x" * 200),
    ("print('日本語')", "日本語"),
])
def test_output_appears_above_the_block(hooked, order, line):
    t, tell = hooked()
    begun(t)
    tell(order)
    t.until(lambda: t.text().endswith(line + "\n" + "\n".join(BLOCK).rstrip("|")), line)
    assert t.text().count("for i in y") == 1


def test_the_block_stays_editable(hooked):
    t, tell = hooked()
    t.type("print('ty")
    tell("print('meanwhile')")
    t.above("meanwhile")
    t.type("ped')").key("Enter")
    t.expect(re.compile("^typed$", re.M))
    assert t.text().split("\n")[1:4] == ["meanwhile", ">>> print('typed')", "typed"]


def test_the_cursor_stays_in_its_place(hooked):
    t, tell = hooked()
    begun(t).key("Up", "C-a")
    tell("print('meanwhile')")
    t.above("meanwhile")
    t.prompt_row += 1
    t.shows(">>> for i in y:", "... |    total = 1", "...     print(total)")


def test_a_line_that_is_not_finished_is_shown_above_and_goes_on(hooked):
    t, tell = hooked()
    begun(t)
    tell("print('loading', end='', flush=True)")
    t.shows("loading", *BLOCK)
    tell("print('.', end='')")
    t.shows("loading.", *BLOCK)
    tell("print(' done')")
    t.shows("loading. done", *BLOCK)
    t.type("  # more")
    t.shows("loading. done", *BLOCK[:2], "...     print(total)  # more|")


@pytest.mark.parametrize("statement", ["print('unfinished', end='')", "os.write(1, b'unfinished') and None"])
def test_a_line_that_was_not_finished_before_the_prompt_stays(hooked, statement):
    t, tell = hooked()
    assert t.run(statement).rstrip() == "unfinished"
    t.type("1 + ")
    tell("print('meanwhile')")
    t.above("meanwhile")
    t.type("1").key("Enter").expect("2")
    assert re.search(r"^unfinished *\n?meanwhile$", t.text(), re.M)


def test_progress_is_written_over_itself(hooked):
    t, tell = hooked()
    begun(t)
    for percent in (10, 50, 100):
        tell(f"sys.stdout.write('\\r{percent}%'); sys.stdout.flush()")
        t.shows(f"{percent}%", *BLOCK)
    for percent in (20, 30):                  # others end with it
        tell(f"sys.stdout.write('{percent}%\\r')" if percent > 20 else "sys.stdout.write('\\r20%\\r')")
        t.shows(f"{percent}%", *BLOCK)


def test_a_flood_while_typing_loses_no_key(hooked):
    t, tell = hooked()
    tell("for i in range(20000): print('line', i)")
    for key in "print('typ' + 'ed')":
        t.type(key)
    t.expect(re.compile("^line 19999$", re.M), timeout=60)
    t.until(lambda: t.text().endswith("\n>>> print('typ' + 'ed')"), "the line typed")
    t.key("Enter").expect(re.compile("^typed$", re.M))
    lines = re.findall(r"^line (\d+)$", t.text(), re.M)
    assert lines == [str(i) for i in range(20000)]


def test_a_signal_handler_prints_above(terminal):
    t = terminal('''
        import signal
        from hooking import hook
        signal.signal(signal.SIGUSR1, lambda *a: print("handled"))
        hook()
    ''')
    t.prompt()
    t.type("1 + 1")
    t.signal(signal.SIGUSR1)
    t.until(lambda: t.text().endswith("\nhandled\n>>> 1 + 1"), "the line below")
    assert t.text().count(">>>") == 1


def test_several_threads_at_once(hooked):
    t, tell = hooked()
    begun(t)
    tell("go = [threading.Thread(target=lambda n=n: [print(f'{n}-{i}\\n', end='') for i in range(50)]) "
         "for n in range(4)]; [g.start() for g in go]; [g.join() for g in go]; print('all')")
    t.until(lambda: t.text().endswith("all\n" + "\n".join(BLOCK).rstrip("|")), "all above the block")
    assert len(re.findall(r"^\d-\d+$", t.text(), re.M)) == 200 and t.text().count("for i in y") == 1


def test_streams_are_as_before_afterwards(hooked):
    t, tell = hooked()
    begun(t)
    tell("print('meanwhile')")
    t.above("meanwhile")
    t.key("C-c", "C-d")
    t.expect("as before True")
    assert t.end() == 0


def test_what_was_not_finished_is_not_lost_at_the_end(hooked):
    t, tell = hooked()
    tell("print('half a line', end='', flush=True)")
    t.shows("half a line", ">>> |")
    t.key("C-d").expect("half a line")
    t.expect("as before True")
    assert t.end() == 0


@pytest.mark.parametrize("replacement", ["io.StringIO()", "type('Mine', (), dict(write=lambda s, t: len(t), flush="
                                         "lambda s: None, fileno=lambda s: 1))()"])
def test_a_stream_of_the_programs_own_is_not_touched(terminal, replacement):
    t = terminal(f'''
        import io, sys
        from hooking import hook
        real, sys.stdout = sys.stdout, {replacement}
        before = dict(vars(sys.stdout))
        hook()
        print("untouched", vars(sys.stdout).keys() == before.keys(), file=real)
    ''')
    t.prompt()
    t.key("C-d").expect("untouched True")


def test_a_write_of_the_programs_own_is_left(hooked):
    t, tell = hooked()
    tell("sys.stdout.write = lambda text: sys.stderr.write(text.upper())")
    tell("print('hello')")
    t.above("HELLO")
    t.key("C-d").expect("AS BEFORE FALSE")


@pytest.mark.parametrize("env", [{"HOOKING_PLAIN": "1"}, {"TERM": "dumb"}])
def test_line_by_line(hooked, env):
    t, tell = hooked(env=env)
    t.type("print('ty")
    t.expect("print('ty")
    tell("print('mean', 'while')")
    t.above("mean while")
    t.type("ped')").key("Enter")
    t.until(lambda: "\n>>> print('typed')\ntyped\n" in t.text(), "the answer")
    assert "\nmean while\n>>> print('typed')\n" in t.text()


@pytest.mark.parametrize("env", [{}, {"HOOKING_PLAIN": "1"}])
def test_half_a_line_comes_to_light_at_the_end(hooked, env):
    t, tell = hooked(env=env)
    tell("print('half', end='', flush=True); open('told', 'w').close()")
    t.until((t.path.parent / "told").exists, "the order done")
    t.type("'ans' + 'wer'").key("Enter")
    t.expect("answer")
    assert re.search("^half$", t.text(), re.M)
