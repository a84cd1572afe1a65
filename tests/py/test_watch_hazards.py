"""Watches that are ended, forked, switched away from or raised out of at the moment at which they are met."""

import importlib.util
import re
import subprocess
import sys
import textwrap

import pytest

MONITORING = hasattr(sys, "monitoring")
threads = pytest.mark.skipif(not MONITORING, reason="before 3.12 only the thread that watches is heard of")


def child(source, **settings):
    program = textwrap.dedent(source)
    return subprocess.run([sys.executable, "-X", "faulthandler", "-c", program], stdin=subprocess.DEVNULL,
                          start_new_session=True, text=True, capture_output=True, timeout=60, **settings)


def prints(source, wanted):
    done = child("import hooking, os, sys, threading, time, weakref\n" + textwrap.dedent(source))
    assert (done.returncode, done.stdout, done.stderr) == (0, wanted, "")


# Ended --------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("call", ["None", "print"])
@pytest.mark.parametrize("when", ["lambda o, n: hooking.unwatch('all')", "'hooking.unwatch(\"all\")'",
                                  "'[hooking.unwatch(\"all\") for i in [G]]'"])
def test_a_condition_may_end_its_watch(when, call):
    """Then nothing is to be done any more."""
    prints(f"""
    G = 0
    watch = hooking.watch("G", when={when}, call={call})
    G = 1
    x = 1
    print(watch.active, watch.hits)
    """, "False 0\n")


@threads
def test_a_watch_may_be_ended_while_a_thread_asks_its_condition():
    prints("""
    G = 0
    asked, ended = threading.Event(), threading.Event()
    watch = hooking.watch("G", when=lambda old, new: asked.set() or ended.wait(20))
    def work():
        global G
        G = 1
        x = 1
    thread = threading.Thread(target=work)
    thread.start()
    asked.wait(20)
    hooking.unwatch("all")
    ended.set()
    thread.join()
    print(watch.hits)
    """, "0\n")


@threads
def test_a_thread_that_waits_with_its_hit_opens_nothing_when_the_watch_was_ended(terminal):
    t = terminal("""
        import threading
        from hooking import hook

        total = 0

        def add(name):
            global total
            total += 1
            return name

        hook()
        threads = [threading.Thread(target=add, args=(name,), name=name) for name in "AB"]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        print("end", total)
    """)
    t.prompt()
    t.run("watch total")
    t.line("c")
    t.until(lambda: re.search(r"^.*waits for this console", t.text(), re.M), "who waits")
    who = "[A] >>> " if "[B waits" in t.text() else "[B] >>> "
    t.ready(who)
    assert t.run("unwatch all", who) == "1 watch ended"
    t.line("c")
    assert t.end() == 0
    assert t.text().rstrip().endswith("end 2")


# Several threads ----------------------------------------------------------------------------------------------------

@threads
def test_what_a_hit_is_about_is_its_threads_own():
    """The other thread meets the watch while this one is in its call."""
    prints("""
    G = 0
    first, second = threading.Event(), threading.Event()
    def call(old, new, watch):
        if new == 1:
            first.set()
            second.wait(20)
        print(watch.old is old, watch.new is new, watch.function == threading.current_thread().name, flush=True)
        second.set()
    watch = hooking.watch("G", call=call)
    def one():
        global G
        G = 1
        x = 1
    def two():
        global G
        first.wait(20)
        G = 2
        x = 1
    threads = [threading.Thread(target=f, name=f.__name__) for f in (one, two)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    print(watch.old, watch.new)
    """, "True True True\n" * 2 + "(unbound) (unbound)\n")


@threads
def test_a_place_is_not_taken_away_while_it_is_told():
    done = child("""
    import hooking, threading
    G = 0
    shown, asked, end = threading.Event(), threading.Event(), threading.Event()
    class Value:
        def __repr__(self):
            shown.set()
            asked.wait(20)
            return "value"
    def when(old, new):
        if threading.current_thread().name == "two":
            asked.set()
            end.wait(1)
        return True
    hooking.watch("G", when=when)
    def one():
        global G
        G = Value()
        x = 1
    def two():
        global G
        shown.wait(20)
        G = 2
        x = 1
    threads = [threading.Thread(target=f, name=f.__name__) for f in (one, two)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    """)
    assert done.returncode == 0, done.stderr


# fork(), greenlets --------------------------------------------------------------------------------------------------

@threads
def test_a_child_of_fork_while_another_thread_is_in_its_call():
    prints("""
    import warnings
    warnings.simplefilter("ignore")
    G = H = hits = 0
    waits, go = threading.Event(), threading.Event()
    def count(old, new, watch):
        global hits
        hits += 1
    hooking.watch("G", call=lambda *args: waits.set() or go.wait(20))
    hooking.watch("H", call=count)
    def first():
        global G
        G = 1
        x = 1
    thread = threading.Thread(target=first)
    thread.start()
    waits.wait(20)
    pid = os.fork()
    if pid == 0:
        def deep(n):
            global H
            H += 1
            x = 1
            if n:
                list(map(deep, [n - 1]))
                sorted([n - 1], key=str)
        def work():
            for i in range(1, 20):
                deep(i)
        for i in range(3):
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
        print(hits == H, flush=True)
        os._exit(3)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    go.set()
    thread.join()
    """, "True\n3\n")


@pytest.mark.skipif(importlib.util.find_spec("greenlet") is None, reason="there is no greenlet")
def test_greenlets_that_switch_in_a_call():
    prints("""
    import greenlet
    G = H = 0
    hooking.watch("G", call=lambda *args: main.switch())
    hooking.watch("H", call=lambda *args: main.switch())
    def first():
        global G
        G += 1
        x = 1
        return "first"
    def deep(n):
        global H
        H += 1
        x = 1
        if n:
            list(map(deep, [n - 1]))
            sorted([n - 1], key=str)
    main = greenlet.getcurrent()
    waits = greenlet.greenlet(first)
    waits.switch()
    for i in range(1, 40):
        deep(i)
    print(waits.switch())
    """, "first\n")


# Odd arguments ------------------------------------------------------------------------------------------------------

def test_a_condition_that_is_a_tuple_too():
    prints("""
    import collections
    class Above(collections.namedtuple("Above", "limit")):
        def __call__(self, old, new):
            return new > self.limit
    G = 0
    watch = hooking.watch("G", when=Above(3), call=lambda old, new, watch: print(old, new))
    print(watch.condition)
    G = 2
    G = 5
    pass
    """, "Above(limit=3)\n2 5\n")


# What ends --------------------------------------------------------------------------------------------------------

def test_code_whose_end_ends_the_watches():
    """Other code takes its place in the cache of what is known of code."""
    prints("""
    L = [0]
    ended = 0
    def again(reference):
        global ended
        ended += 1
        hooking.unwatch("all")
        hooking.watch("L[0]", call=print)
    hooking.watch("L[0]", call=print)
    references = []
    for i in range(5000):
        names = {}
        exec("def f():\\n  len('')\\n  return %d" % i, names)
        references.append(weakref.ref(names["f"].__code__, again))
        names.pop("f")()
        names.clear()
    print(ended > 0)
    """, "True\n")


def test_a_call_that_raises_while_an_exception_ends_the_function():
    """Its other watches end nevertheless, and keep nothing alive."""
    prints("""
    class Big: pass
    d = {"k": 0}
    def call(old, new, watch):
        raise ValueError("of the call")
    def f():
        global big, watch
        local = Big()
        big = weakref.ref(local)
        z = 0
        watch = hooking.watch("z", call=print)
        d.update([("k", 5), 3])
    hooking.watch("d['k']", call=call)
    try:
        f()
    except ValueError as error:
        print(error, type(error.__context__) is TypeError or sys.version_info < (3, 12))
    print(watch.active, big())
    """, "of the call True\nFalse None\n")


@pytest.mark.skipif(not MONITORING, reason="3.11 has no dict watchers")
def test_the_value_before_takes_the_dict_with_it_when_the_watch_ends():
    prints("""
    class V:
        def __del__(self):
            holds.clear()
    class D(dict): pass
    holds = [D(a=0, b=0)]
    one = hooking.watch("holds[0]['a']", call=lambda *args: hooking.unwatch(other))
    other = hooking.watch("holds[0]['b']", call=lambda *args: None)
    def trace(frame, event, arg):   # events are off in it: they are told afterwards, all together
        if frame.f_code is f.__code__ and event == "call":
            holds[0]["b"] = V()
            holds[0]["b"] = 5
            holds[0]["a"] = 1
    def f(): pass
    sys.settrace(trace)
    f()
    sys.settrace(None)
    x = 1
    print(one.active, other.active, holds)
    """, "False False []\n")


@pytest.mark.skipif(not MONITORING, reason="before 3.12 sys.call_tracing() leaves events off")
@pytest.mark.parametrize("target", ["x", "o.a", "L[0]", "q.b", "G"])
def test_the_destructor_of_what_has_gone_is_seen_by_other_tools(target):
    """It runs with the events of debuggers, profilers and coverage on."""
    prints(f"""
    seen = []
    class V:
        def __del__(self):
            self.z = 1
    class O: __slots__ = ("a", "__weakref__")
    class Q: pass
    def profile(frame, event, arg):
        if event == "call" and frame.f_code is V.__del__.__code__:
            seen.append(event)
    def f():
        global G
        x, o, q, L = V(), O(), Q(), [V()]
        o.a, q.b, G = V(), V(), V()
        hooking.watch("{target}", call=lambda *args: None)
        {target} = 1
        y = 2
        y = 3
        return seen[:]
    sys.setprofile(profile)
    done = f()
    sys.setprofile(None)
    print(done)
    """, "['call']\n")


@pytest.mark.parametrize("where", [
    "call", pytest.param("trace", marks=pytest.mark.skipif(not MONITORING, reason="two cannot trace before 3.12"))])
def test_a_watch_of_a_function_that_runs_where_all_events_are_off(where):
    """It ends when that is over, if not before the next watch is set, and keeps nothing alive."""
    prints(f"""
    class Big: pass
    watches = []
    def inner():
        global big
        local = Big()
        big = weakref.ref(local)
        z = 0
        watches.append(hooking.watch("z", call=print))
        z = 1
    G = 0
    if {where == "call"}:
        hooking.watch("G", call=lambda *args: inner())
        G = 1
        x = 1
    else:
        def trace(frame, event, arg):
            if not watches:
                inner()
        sys.settrace(trace)
        (lambda: 0)()
        sys.settrace(None)
        hooking.watch("G", call=print)
    print(watches[0].active, big())
    """, "False None\n")
