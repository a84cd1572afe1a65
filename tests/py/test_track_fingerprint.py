"""track_globals.fingerprint(): what changes it, what it refuses, and the example that is made of it."""

import builtins
import os
import subprocess
import sys
import types

import pytest

import hooking
from conftest import environment, source

EXAMPLE = os.path.join(os.path.dirname(__file__), "..", "..", "examples", "cache.py")

HEADER = "import abc, collections, dataclasses, enum, functools, typing\n"
#: What the module has, what f() returns, and a change that f() sees.
CHANGES = {
    "a value in the builtins": ("__builtins__['RATE_'] = 1", "RATE_", "__builtins__['RATE_'] = 2"),
    "a builtin that is another": ("__builtins__['len_'] = len", "len_('a')", "__builtins__['len_'] = lambda x: 9"),
    "an attribute of a function": ("def h(): pass\nh.rate = 1", "h.rate", "h.rate = 2"),
    "the name of a function": ("def h(): pass", "h.__name__", "h.__name__ = 'x'"),
    "a default": ("def h(a=[1]): return a[0]", "h()", "h.__defaults__[0][0] = 3"),
    "a keyword's default": ("def h(*, a=1): return a", "h()", "h.__kwdefaults__['a'] = 2"),
    "a closure": ("def make():\n n = [1]\n def h(): return n[0]\n h.n = n\n return h\nh = make()", "h()",
                  "h.n[0] = 2"),
    "an attribute of a base class": ("class B: rate = 1\nclass S(B): pass", "S.rate", "B.rate = 2"),
    "a method of a base class": ("class B:\n def m(self): return 1\nclass S(B): pass", "S().m()",
                                 "B.m = lambda self: 2"),
    "an attribute of a metaclass": ("class M(type): rate = 1\nclass C(metaclass=M): pass", "C.rate", "M.rate = 2"),
    "an attribute of an instance's class": ("class C: rate = 1\nc = C()", "c.rate", "C.rate = 2"),
    "the class of an object in an object": ("class C: rate = 1\nl = [collections.deque([C()])]", "l[0][0].rate",
                                            "C.rate = 2"),
    "a method's class": ("class C:\n v = 1\n def m(self): return self.v\nm = C().m", "m()", "C.v = 2"),
    "a method of a dict": ("T = {'a': 1}\nlook = T.get", "look('a')", "T['a'] = 2"),
    "a partial": ("def h(x): return x\np = functools.partial(h, 1)", "p()", "h.__code__ = (lambda x: x + 1).__code__"),
    "a function in an object": ("d = collections.defaultdict(lambda: 1)", "d['q']",
                                "d.default_factory = lambda: 2\nd.clear()"),
    "a cached function": ("@functools.lru_cache\ndef h(): return 1", "h.__wrapped__()",
                          "h.__wrapped__.__code__ = (lambda: 2).__code__"),
    "a dataclass": ("@dataclasses.dataclass\nclass D:\n x: int = 1\nd = D()", "d.x", "d.x = 2"),
    "a class of a dataclass": ("@dataclasses.dataclass\nclass D:\n x: int = 1\n r = 1", "D.r", "D.r = 2"),
    "an abstract class": ("class A(abc.ABC):\n r = 1", "A.r", "A.r = 2"),
    "a protocol": ("class P(typing.Protocol): r = 1", "P.r", "P.r = 2"),
    "a generic class": ("T = typing.TypeVar('T')\nclass G(typing.Generic[T]): r = 1", "G.r", "G.r = 2"),
    "a named tuple": ("class N(typing.NamedTuple):\n a: int = 1\n def m(self): return 1", "N().m()",
                      "N.m = lambda self: 2"),
    "a namedtuple": ("N = collections.namedtuple('N', 'a')\nn = N(1)", "n.a", "n = N(2)"),
    "an enum": ("class E(enum.Enum):\n A = 1\n def m(self): return 1", "E.A.m()", "E.m = lambda self: 2"),
    "a cached_property": ("class C:\n @functools.cached_property\n def x(self): return 1", "C().x",
                          "C.x.func.__code__ = (lambda self: 2).__code__"),
    "slots": ("class C:\n __slots__ = ('a',)\nc = C()\nc.a = 1", "c.a", "c.a = 2"),
    "a large number": ("H = 10 ** 5000", "H % 7", "H += 1"),
    "a memoryview": ("m = memoryview(bytearray(b'a'))", "bytes(m)", "m[0] = 66"),
    "a classmethod of a class": ("class C:\n v = 1\n @classmethod\n def m(cls): return cls.v\nm = C.m", "m()",
                                 "C.v = 2"),
    "what a decorator made": ("def deco(f):\n @functools.wraps(f)\n def w(): return f()\n return w\n"
                              "def g(): return 1\nh = deco(g)", "h()", "g.__code__ = (lambda: 2).__code__"),
}


@pytest.fixture
def module():
    module = types.ModuleType("values")
    sys.modules["values"] = module
    module.__builtins__ = dict(vars(builtins))
    yield module
    del sys.modules["values"]


@pytest.mark.parametrize("mode", ["all", "names"])
@pytest.mark.parametrize("what", CHANGES)
def test_a_change_that_the_code_would_see(module, what, mode):
    made, expression, change = CHANGES[what]
    exec(f"{HEADER}{made}\ndef f(): return {expression}", vars(module))
    with hooking.track_globals(module.f, mode=mode) as track:
        before = module.f()
    first = track.fingerprint()
    assert track.fingerprint() == first
    exec(change, vars(module))
    assert module.f() != before and track.fingerprint() != first


def test_a_module_counts_by_what_is_read_of_it(module):
    sys.modules["settings"] = settings = types.ModuleType("settings")
    settings.RATE, settings.OTHER = 1, 2
    module.settings = settings
    exec("def f(): return settings.RATE", vars(module))
    try:
        with hooking.track_globals(module.f) as track:
            module.f()
        first = track.fingerprint()
        settings.OTHER = 3
        assert track.fingerprint() == first
        settings.RATE = 3
        assert track.fingerprint() != first
        with hooking.track_globals(module.f, mode="names") as track:
            module.f()
        if sys.version_info >= (3, 12):
            with pytest.raises(TypeError, match="^values.settings: .* module settings: what is read of it by "
                                                "module.name is not seen with mode='names'; use mode='all'$"):
                track.fingerprint()
        with hooking.track_globals([module.f, "values"]) as track:
            module.f()
        with pytest.raises(TypeError, match="module settings: it is not tracked"):
            track.fingerprint()
    finally:
        del sys.modules["settings"]


def test_a_fingerprint_does_not_count_as_the_program(module):
    exec("import types\nclass C: pass\nc = C()\ndef f(): return c, C, types", vars(module))
    with hooking.track_globals(module.f) as track:
        module.f()
    with hooking.track_globals(where=True) as around:
        track.fingerprint()
    assert "values" not in around.reads and "values" not in around.missing


def test_the_example_keeps_results_until_a_global_changes(tmp_path):
    done = subprocess.run([sys.executable, EXAMPLE], capture_output=True, text=True, timeout=60,
                          env=environment(str(tmp_path)))
    assert done.stderr == ""
    assert done.stdout == source("""
          computing
        price: 119.0
        again: 119.0
        another greeting: 119.0
          computing
        another rate: 107.0
          computing
        another way to round: 107
        """)


def test_the_example_sees_attributes_of_modules(tmp_path):
    (tmp_path / "config.py").write_text("RATE = 2\n")
    (tmp_path / "use.py").write_text(source(f"""
        import sys
        sys.path.insert(0, {os.path.dirname(EXAMPLE)!r})
        import config
        from cache import cached

        @cached
        def price(n):
            return n * config.RATE
        print(price(10), price(10))
        config.RATE = 3
        print(price(10))
        """))
    done = subprocess.run([sys.executable, "use.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60,
                          env=environment(str(tmp_path)))
    assert done.stdout == "20 20\n30\n", done.stderr


def test_the_example_with_functions_that_call_each_other(tmp_path):
    (tmp_path / "use.py").write_text(source(f"""
        import sys
        sys.path.insert(0, {os.path.dirname(EXAMPLE)!r})
        from cache import cached
        RATE = 2

        @cached
        def price(n):
            return n * RATE

        @cached
        def total(n):
            print("computing")
            return price(n) + 1
        print(price(10), total(10))
        price(11)
        print(total(10))
        RATE = 3
        print(total(10))
        """))
    done = subprocess.run([sys.executable, "use.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60,
                          env=environment(str(tmp_path)))
    assert done.stdout == "computing\n20 21\n21\ncomputing\n31\n", done.stderr
