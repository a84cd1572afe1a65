"""Output of the program's other threads while a prompt waits: nothing of it is lost, nothing comes twice."""

import os
import re

import pytest

LATER = '''
    import sys, threading, time
    from hooking import hook
    go = threading.Event()
    def later():
        go.wait()
{body}
        print("\\ndone")
    threading.Thread(target=later, daemon=True).start()
    hook()
    print("after")
'''


def started(terminal, body, **options):
    """A program whose thread does `body` while the prompt waits that follows the input."""
    lines = body.strip("\n").split("\n")
    indent = len(lines[0]) - len(lines[0].lstrip())
    t = terminal(LATER.format(body="\n".join(" " * 8 + line[indent:] for line in lines)), **options)
    t.prompt()
    t.line("threading.Timer(0.2, go.set).start()")
    return t


def test_threads_that_write_parts_of_lines_at_the_same_time(terminal):
    t = started(terminal, '''
        def write(k, stream):
            for i in range(40):
                stream.write(f"<{k}.{i}>" + ("\\\\n" if i % 7 == 6 else ""))
                time.sleep(0.001)
        sys.setswitchinterval(1e-5)
        threads = [threading.Thread(target=write, args=(k, (sys.stdout, sys.stderr)[k % 2])) for k in range(4)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
    '''.replace("\\\\n", "\\n"), rows=100, columns=200)
    t.above("done")
    wanted = [f"<{k}.{i}>" for k in range(4) for i in range(40)]
    t.until(lambda: t.text().endswith(">>>"), "the prompt below")
    shown = t.text()
    assert [part for part in wanted if shown.count(part) != 1] == []


def test_a_line_that_was_begun_stays_when_its_rest_cannot_be_written(terminal):
    t = started(terminal, '''
        sys.stdout.write("begun")
        try:
            sys.stdout.write(" \\udc80\\ud800 and ended\\n")
        except UnicodeEncodeError:
            sys.stdout.write(" otherwise")
    ''')
    t.above("begun otherwise")
    t.above("done")


def test_the_start_of_a_line_is_not_lost_when_the_prompt_ends(terminal):
    t = terminal('''
        import sys, threading
        from hooking import hook
        def later():
            go.wait()
            sys.stdout.write("begun")
        go = threading.Event()
        threading.Thread(target=later).start()
        hook()
        print(" and ended")
    ''', env={"HOOKING_PLAIN": "1"})
    t.prompt()
    t.line("threading.Timer(0.2, go.set).start()")
    t.ready()
    t.line("threading.enumerate()[1].join(); 'joined'")
    t.expect("joined")
    t.key("C-d")
    t.expect("begun")
    t.expect(re.compile("^ and ended$|begun and ended", re.M))


def test_a_plain_prompt_gets_whole_lines(terminal):
    """A print() is two writes: no blank line comes of them, and the prompt is not in between."""
    t = started(terminal, '''
        print("first")
        print("second")
    ''', env={"HOOKING_PLAIN": "1"})
    t.above("done")
    shown = t.text().split("\n")
    first = shown.index("first")
    assert shown[first:first + 2] == ["first", "second"]


def test_a_stream_on_another_terminal_is_left_alone(terminal):
    """What is written to another terminal arrives there at once, and nothing of it here."""
    master, slave = os.openpty()
    try:
        t = terminal(f'''
            import os, sys, threading
            from hooking import hook
            sys.stderr = open("/proc/self/fd/{slave}", "w")
            def later():
                go.wait()
                sys.stderr.write("to the other one")
                sys.stderr.flush()
                print("done")
            go = threading.Event()
            threading.Thread(target=later).start()
            hook()
        ''', pass_fds=(slave,))
        t.prompt()
        t.line("threading.Timer(0.2, go.set).start()")
        t.above("done")
        os.set_blocking(master, False)
        assert b"to the other one" in os.read(master, 1000)
        assert "to the other one" not in t.text()
    finally:
        os.close(master)
        os.close(slave)


@pytest.mark.parametrize("size", [100000])
def test_a_non_blocking_terminal_gets_all_of_a_long_output(terminal, size):
    """asyncio makes stdin non-blocking, and with it, on a terminal, stdout: whoever is slow to read loses nothing."""
    t = terminal(f'''
        import os
        from hooking import hook
        os.set_blocking(0, False)
        x = "x" * {size}
        hook()
    ''', rows=50, columns=200)
    t.prompt()
    t.line("pp all x")
    t.ready()
    assert t.text().count("x") >= size
