"""What one can type in a frame: closures, lambdas, comprehensions, `global`, `nonlocal`, classes, walrus, strings.

One program serves all inputs of a process: it opens a console in a fresh module for each (see `Host`), so that hundreds
of them cost little more than their typing. A case that breaks the program costs the next one a new start, nothing else.
"""

import re
import sys

import pytest

from conftest import starter
from terminal import textlines

HOST = '''
    import asyncio, sys, types
    from hooking import hook

    MODULE = """
    import asyncio
    from hooking import hook
    g = 'G'
    sh = 'SHG'
    items = []
    def readg(): return g
    def readnew(): return newg
    def call(f): return f()
    class Base:
        def __init__(self): self.base = True

    def function(x, sh, keep, overwrite):
        y = [1, 2]
        hook(overwrite_locals=overwrite)
        return x, sh, y

    def closure(x, sh, keep, overwrite):
        n = 0
        y = [1, 2]
        def bump():
            nonlocal n
            n += 1
        def getx(): return x
        def gety(): return y
        hook(overwrite_locals=overwrite)
        return x, sh, y

    def classbody(x, sh, keep, overwrite):
        y = [1, 2]
        class Body:
            attribute = 'ATTRIBUTE'
            def method(self): return x, y
            hook(overwrite_locals=overwrite)
        return x, sh, y

    def lambda_(x, sh, keep, overwrite):
        return (lambda x, sh, keep, y: (hook(overwrite_locals=overwrite), x, sh, y)[1:])(x, sh, keep, [1, 2])

    def generator(x, sh, keep, overwrite):
        def g():
            y = [1, 2]
            keep, x, sh
            yield hook(overwrite_locals=overwrite)
            yield x, sh, y
        return list(g())[1]

    def coroutine(x, sh, keep, overwrite):
        async def c():
            y = [1, 2]
            keep, x, sh
            hook(overwrite_locals=overwrite)
            return x, sh, y
        return asyncio.run(c())
    """

    def module(x, sh, keep, overwrite):
        m = sys.modules["mod"]
        m.x, m.sh, m.keep, m.overwrite, m.y = x, sh, keep, overwrite, [1, 2]
        exec(compile("hook(overwrite_locals=overwrite)", "module", "exec"), m.__dict__)
        return m.x, m.sh, m.y

    def exec_(x, sh, keep, overwrite):
        names = dict(x=x, sh=sh, keep=keep, overwrite=overwrite, y=[1, 2])
        exec(compile("hook(overwrite_locals=overwrite)", "exec", "exec"), sys.modules["mod"].__dict__, names)
        return names["x"], names["sh"], names["y"]

    here = {"module": module, "exec_": exec_}
    code = compile(MODULE, __file__, "exec")
    while True:
        frame, overwrite = input("case? ").split()
        sys.modules["mod"] = m = types.ModuleType("mod")
        exec(code, m.__dict__)
        keep = []
        result = here.get(frame) or getattr(m, frame)
        print("result", result("X", "SHL", keep, overwrite == "yes"))
        m.g = "G2"
        for function in keep:
            try:
                print("kept", function())
            except Exception as e:
                print("kept", repr(e))
'''


class Host:
    """The program above, started when it is needed, and again when a case has broken it."""

    def __init__(self, factory):
        self.factory = factory
        self.terminal = None

    def case(self, transcript, frame="function", overwrite=False):
        """Open a console in a kind of frame, run a transcript there, leave; return what the program says then."""
        t, self.terminal = self.terminal, None
        if t is None:
            t = self.factory(HOST)
            t.prompt("case? ")
        t.line(f"{frame} {'yes' if overwrite else 'no'}")
        t.play("\n".join(["[...]", *textlines(transcript), ">>>"]))
        t.key("C-d")
        after = t.prompt("case? ")
        self.terminal = t
        return after


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    for factory in starter(tmp_path_factory.mktemp("host")):
        yield Host(factory)


CASES = {}


def case(name, transcript, since=(3, 11)):
    CASES[name] = pytest.param(transcript, id=name, marks=pytest.mark.skipif(
        sys.version_info < since, reason=f"Python {since[0]}.{since[1]} brought this syntax"))


# Nested scopes over the frame's locals
case("list comprehension", """
    >>> [x for _ in range(2)]
    ['X', 'X']
    """)
case("set and dict comprehension", """
    >>> {x for _ in range(2)}, {x: y for _ in range(2)}
    ({'X'}, {'X': [1, 2]})
    """)
case("generator expression", """
    >>> list(x for _ in range(2))
    ['X', 'X']
    """)
case("comprehension over a local with a condition on a local", """
    >>> [i for i in y if i in y and x]
    [1, 2]
    """)
case("comprehension in a comprehension", """
    >>> [[x + str(i) for i in y] for _ in y if y]
    [['X1', 'X2'], ['X1', 'X2']]
    """)
case("lambda", """
    >>> (lambda: x)()
    'X'
    """)
case("lambda in a lambda", """
    >>> (lambda: (lambda: (x, g)))()()
    ('X', 'G')
    """)
case("lambda as a key", """
    >>> sorted([1, 2, 3], key=lambda i: -i if x else i)
    [3, 2, 1]
    """)
case("function", """
    >>> def f(): return x
    ...
    >>> f()
    'X'
    """)
case("function in a function", """
    >>> def f():
    ...     def h(): return x
    ...     return h()
    ...
    >>> f()
    'X'
    """)
case("default argument and decorator", """
    >>> def deco(f): return lambda: (f(), x)
    ...
    >>> @deco
    ... def f(a=x): return a
    ...
    >>> f()
    ('X', 'X')
    """)
case("generator function", """
    >>> def f():
    ...     for i in y: yield i, x
    ...
    >>> list(f())
    [(1, 'X'), (2, 'X')]
    """)
case("class body reads locals and globals", """
    >>> class C: a = x; b = g
    ...
    >>> C.a, C.b
    ('X', 'G')
    """)
case("method reads locals and globals", """
    >>> class C:
    ...     def m(self): return x, g
    ...
    >>> C().m()
    ('X', 'G')
    """)
case("class in a function", """
    >>> def f():
    ...     class C:
    ...         a = [x for _ in y]
    ...     return C.a
    ...
    >>> f()
    ['X', 'X']
    """)
case("super without arguments", """
    >>> class C(Base):
    ...     def __init__(self): super().__init__(); self.v = x
    ...
    >>> c = C()
    >>> c.base, c.v
    (True, 'X')
    """)
case("__class__", """
    >>> class C:
    ...     def m(self): return __class__
    ...
    >>> C().m() is C
    True
    """)
case("metaclass and keyword arguments", """
    >>> class M(type):
    ...     def __new__(m, name, bases, ns, extra): return super().__new__(m, name, bases, {**ns, 'extra': extra})
    ...     def __init__(*args, **kw): pass
    ...
    >>> class C(metaclass=M, extra=x): pass
    ...
    >>> C.extra
    'X'
    """)
case("dataclass", """
    >>> import dataclasses
    >>> @dataclasses.dataclass
    ... class P:
    ...     a: int = 1
    ...     b: str = x
    ...
    >>> P().b, P(2)
    ('X', P(a=2, b='X'))
    """)
case("enum", """
    >>> import enum
    >>> class E(enum.Enum):
    ...     A = x
    ...
    >>> E('X')
    <E.A: 'X'>
    """)
case("namedtuple", """
    >>> from collections import namedtuple
    >>> N = namedtuple('N', 'a b')
    >>> N(1, 2).b
    2
    """)
case("typing.NamedTuple and TypedDict", """
    >>> from typing import NamedTuple, TypedDict
    >>> class N(NamedTuple):
    ...     a: int = len(y)
    ...
    >>> N()
    N(a=2)
    >>> class D(TypedDict): a: int
    ...
    >>> D(a=1)
    {'a': 1}
    """)
case("generic function", """
    >>> def f[T](a: T) -> T: return a, x
    ...
    >>> f(1)
    (1, 'X')
    """, since=(3, 12))
case("generic class", """
    >>> class C[T]:
    ...     a = x
    ...     def m(self): return x, T.__name__
    ...
    >>> C.a, C[int]().m()
    ('X', ('X', 'T'))
    """, since=(3, 12))
case("type alias", """
    >>> type A[T] = list[T] | x
    >>> A.__name__
    'A'
    """, since=(3, 12))
case("annotations of a local", """
    >>> z: int = 3; h = lambda: z
    >>> h()
    3
    >>> def f(a: x): return a
    ...
    >>> f.__annotations__
    {'a': 'X'}
    """)
case("async function", """
    >>> import asyncio
    >>> async def f(): return x
    ...
    >>> f().send(None)
    Traceback (most recent call last):
    [...]
    StopIteration: X
    """)

# The module's globals are the real ones
case("a local hides a global, in every scope", """
    >>> sh, [sh for _ in [0]], (lambda: sh)()
    ('SHL', ['SHL'], 'SHL')
    """)
case("global statement", """
    >>> global g; g = 2
    >>> readg()
    2
    """)
case("global statement and use on one line", """
    >>> global g; g = 2; r = readg()
    >>> r
    2
    """)
case("global statement lasts", """
    >>> global g
    >>> g = 2
    >>> readg()
    2
    """)
case("global statement for a new name lasts", """
    >>> global newg
    >>> newg = 2
    >>> readnew()
    2
    >>> for newg in range(5): pass
    ...
    >>> readnew()
    4
    """)
case("global in a function", """
    >>> def s():
    ...     global g
    ...     g = 3
    ...
    >>> s()
    >>> readg()
    3
    """)
case("global in a function, seen before it returns", """
    >>> def s(cb=readg):
    ...     global g
    ...     g = 3
    ...     return cb()
    ...
    >>> s()
    3
    """)
case("new global from a function", """
    >>> def s():
    ...     global newg
    ...     newg = 3
    ...
    >>> s()
    >>> readnew()
    3
    """)
case("global of a name hidden by a local", """
    >>> global sh; sh = 9; [sh]
    [9]
    """)
case("global of a hidden name in a function", """
    >>> def s():
    ...     global sh
    ...     sh = 9
    ...     return sh
    ...
    >>> s()
    9
    >>> globals()['sh']
    9
    """)
case("global deleted", """
    >>> def s():
    ...     global g
    ...     del g
    ...
    >>> s()
    >>> 'g' in globals()
    False
    """)
case("globals() is the module's", """
    >>> globals() is readg.__globals__
    True
    >>> globals()['g'] = 7
    >>> readg(), (lambda: g)()
    (7, 7)
    """)
case("a function typed here has the module's globals", """
    >>> def f(): pass
    ...
    >>> f.__globals__ is readg.__globals__, f.__module__ == readg.__module__
    (True, True)
    """)
case("globals change under a function typed here", """
    >>> def f(): return g
    ...
    >>> f()
    'G'
    >>> globals()['g'] = 'new'
    >>> f()
    'new'
    """)

# Functions follow their names
case("function sees a later change", """
    >>> def f(): return x
    ...
    >>> x = 5
    >>> f()
    5
    """)
case("function sees a change on the same line", """
    >>> def f(): return x
    ...
    >>> x = 5; f()
    5
    """)
case("lambda sees a later change", """
    >>> h = lambda: x
    >>> x = 6
    >>> h(), [h() for _ in [0]]
    (6, [6])
    """)
case("recursion", """
    >>> def fact(n): return 1 if n < 2 else n * fact(n - 1)
    ...
    >>> fact(5)
    120
    """)
case("recursive lambda", """
    >>> fib = lambda n: n if n < 2 else fib(n - 1) + fib(n - 2)
    >>> [fib(i) for i in range(8)]
    [0, 1, 1, 2, 3, 5, 8, 13]
    """)
case("mutual recursion", """
    >>> def a(n): return n if n < 1 else b(n - 1)
    ...
    >>> def b(n): return a(n)
    ...
    >>> a(3)
    0
    """)
case("a name bound later", """
    >>> def f(): return later
    ...
    >>> later = 4
    >>> f()
    4
    """)
case("a name not yet bound is a NameError", """
    >>> def f(): return later
    ...
    >>> f()
    Traceback (most recent call last):
    [...]
    NameError: [...]'later'[...]
    """)
case("nonlocal of a local", """
    >>> def s():
    ...     nonlocal x
    ...     x = 9
    ...
    >>> s()
    >>> x
    9
    """)
case("nonlocal counter", """
    >>> n = 0
    >>> def count():
    ...     nonlocal n
    ...     n += 1
    ...     return n
    ...
    >>> [count() for _ in range(3)], n
    ([1, 2, 3], 3)
    """)
case("late binding in a loop", """
    >>> fs = []
    >>> for i in range(2):
    ...     fs.append(lambda: i)
    ...
    >>> [f() for f in fs]
    [1, 1]
    """)
case("two closures share a name", """
    >>> def get(): return shared
    ...
    >>> def put(v):
    ...     nonlocal shared
    ...     shared = v
    ...
    >>> shared = 1
    >>> put(2)
    >>> get(), shared
    (2, 2)
    """)
case("deleting a captured name", """
    >>> z = 1
    >>> h = lambda: z
    >>> del z
    >>> h()
    Traceback (most recent call last):
    [...]
    NameError: [...]'z'[...]
    >>> z = 2
    >>> h()
    2
    """)

# Binding in every way there is
case("walrus in a comprehension", """
    >>> [w := i for i in range(3)]
    [0, 1, 2]
    >>> w, (lambda: w)()
    (2, 2)
    """)
case("walrus", """
    >>> (w := x), [w]
    ('X', ['X'])
    """)
case("walrus in a comprehension over locals", """
    >>> [w := (x, i) for i in y]
    [('X', 1), ('X', 2)]
    >>> w
    ('X', 2)
    """)
case("unpacking", """
    >>> a, (b, *c) = 1, (2, 3, 4)
    >>> (lambda: (a, b, c))()
    (1, 2, [3, 4])
    """)
case("augmented assignment", """
    >>> y += [3]
    >>> x += 'Y'
    >>> x, y, [x for _ in y]
    ('XY', [1, 2, 3], ['XY', 'XY', 'XY'])
    """)
case("import", """
    >>> import math
    >>> def f(): return math.floor(2.5)
    ...
    >>> f()
    2
    """)
case("import of a submodule, import as", """
    >>> import os.path, os.path as p
    >>> (lambda: os.path is p)()
    True
    """)
case("import star", """
    >>> from math import *
    >>> floor(2.5), (lambda: floor(2.5))()
    (2, 2)
    """)
case("import star with a nested scope on the line", """
    >>> from math import *; [floor(i) for i in (2.5, x and 3.5)]
    [2, 3]
    """)
case("for", """
    >>> for i in y: x
    ...
    'X'
    'X'
    >>> i
    2
    """)
case("with", """
    >>> import contextlib
    >>> with contextlib.nullcontext(3) as cm:
    ...     k = lambda: (cm, x)
    ...
    >>> k()
    (3, 'X')
    """)
case("try", """
    >>> try:
    ...     1/0
    ... except ZeroDivisionError as e:
    ...     q = (lambda: str(e) + x)()
    ... finally:
    ...     z = [x for _ in y]
    ...
    >>> q, z
    ('division by zeroX', ['X', 'X'])
    >>> e
    Traceback (most recent call last):
    [...]
    NameError: [...]'e'[...]
    """)
case("except star", """
    >>> try:
    ...     raise ExceptionGroup('two', [ValueError(1), KeyError(2)])
    ... except* KeyError as e:
    ...     q = len(e.exceptions)
    ... except* ValueError:
    ...     z = [x for _ in y]
    ...
    >>> q, z
    (1, ['X', 'X'])
    """)
case("match", """
    >>> match [1, 2, {'k': 3, 'l': 4}]:
    ...     case [a, *b, {'k': c, **d}] if x:
    ...         k = lambda: (a, b, c, d)
    ...
    >>> k()
    (1, [2], 3, {'l': 4})
    """)
case("while and else", """
    >>> n = 0
    >>> while n < 2:
    ...     n += 1
    ... else:
    ...     z = [n for _ in y]
    ...
    >>> z
    [2, 2]
    """)
case("del", """
    >>> z = 1
    >>> del z
    >>> 'z' in locals()
    False
    >>> z
    Traceback (most recent call last):
    [...]
    NameError: [...]'z'[...]
    """)
case("binding what hides a global leaves the global", """
    >>> sh = 1
    >>> globals()['sh'], readg.__globals__['sh']
    ('SHG', 'SHG')
    """)
case("shadowing a builtin", """
    >>> len = lambda q: 'mine'
    >>> def f(): return len([1])
    ...
    >>> f(), [len(0) for _ in [0]]
    ('mine', ['mine'])
    >>> del len
    >>> len([1])
    1
    """)
case("private names are not mangled", """
    >>> __p = 1; q = lambda: __p
    >>> q(), __p
    (1, 1)
    >>> class C:
    ...     __r = 2
    ...     def m(self): return self.__r
    ...
    >>> C().m(), '_C__r' in vars(C)
    (2, True)
    """)
case("names that a class body would set", """
    >>> '__qualname__' in locals(), '__static_attributes__' in locals(), '__firstlineno__' in locals()
    (False, False, False)
    >>> (lambda: 1)() and [n for n in locals() if n in ('__qualname__', '__module__', '__class__', '__classdict__')]
    []
    """)
case("a class body's own names can be bound", """
    >>> __qualname__ = 'mine'; [__qualname__ for _ in [0]]
    ['mine']
    """)

# Strings
case("eval and exec of a string", """
    >>> eval('x'), eval('x + g')
    ('X', 'XG')
    >>> exec('nn = 5')
    >>> nn
    5
    """)
case("exec in a dict of its own", """
    >>> d = {}
    >>> exec('def zz(): return 1', d)
    >>> d['zz']()
    1
    >>> try: exec('g', {})
    ... except NameError: r = 'NameError'
    ... else: r = 'leak'
    ...
    >>> r
    'NameError'
    """)
case("a string over several lines keeps its indentation", """
    >>> def f():
    ...     return '''a
    ...   b'''
    ...
    >>> f()
    'a\\n  b'
    """)
case("locals() shows the frame's names", """
    >>> locals()['x'], 'g' in locals()
    ('X', False)
    >>> z = 1
    >>> locals()['z']
    1
    """)
case("vars and dir", """
    >>> 'x' in dir(), 'x' in vars(), vars()['y']
    (True, True, [1, 2])
    """)
case("f-string", """
    >>> f'{x!r:>5} {[x for _ in y]} {(lambda: y)()}'
    "  'X' ['X', 'X'] [1, 2]"
    """)

# Names and places of what is typed
case("qualified names", """
    >>> def f():
    ...     def h(): pass
    ...     return h
    ...
    >>> f.__qualname__, f().__qualname__, (lambda: x).__qualname__
    ('f', 'f.<locals>.h', '<lambda>')
    >>> class C:
    ...     def m(self): return x
    ...
    >>> C.__qualname__, C.m.__qualname__, C.__module__
    ('C', 'C.m', 'mod')
    """)
case("get_type_hints of a name typed here", """
    >>> import typing
    >>> def f(a: 'int', b: 'Base') -> None: return x
    ...
    >>> typing.get_type_hints(f)['b'] is Base
    True
    """)
case("inspect.getsource", """
    >>> def f(): return x + g
    ...
    >>> import inspect
    >>> inspect.getsource(f)
    'def f(): return x + g\\n'
    """)
case("return outside a function", """
    >>> 1; return 5
    [...]
    SyntaxError: 'return' outside function
    """)
case("yield outside a function", """
    >>> (yield 5)
    [...]
    SyntaxError: 'yield' outside function
    """)
case("break outside a loop", """
    >>> break
    [...]
    SyntaxError: 'break' outside loop
    """)
case("nonlocal at the top", """
    >>> nonlocal x; x = 5
    [...]
    SyntaxError: nonlocal declaration not allowed at module level
    """)
case("a conditional import and a nested scope in one input", """
    >>> if x: import math; z = [math.floor(i + 0.5) for i in y]
    ...
    >>> z
    [1, 2]
    """)
case("several values on a line", """
    >>> x; y; [x for _ in y]
    'X'
    [1, 2]
    ['X', 'X']
    """)
case("an expression in a block is displayed", """
    >>> for i in y:
    ...     i, x
    ...     [i for _ in y]
    ...
    (1, 'X')
    [1, 1]
    (2, 'X')
    [2, 2]
    """)
case("semicolon at the end", """
    >>> x;
    'X'
    """)
case("comment", """
    >>> # nothing
    >>> x  # something
    'X'
    """)
case("continuation in brackets and by a backslash", """
    >>> (x,
    ... y)
    ('X', [1, 2])
    >>> x + \\
    ... x
    'XX'
    """)
case("names beyond ASCII", """
    >>> größe = 3
    >>> [größe for _ in y], (lambda: ℌ)
    ([3, 3], <function <lambda> at 0x[...]>)
    >>> ﬁn = 'normalised'
    >>> fin, [fin for _ in [0]]
    ('normalised', ['normalised'])
    """)
case("super long expression", """
    >>> sum([1 for i in range(10) for j in range(10) if i in range(10) and j in range(10) and x == 'X' and y == [1, 2]])
    100
    """)
case("assert, and statements that print nothing", """
    >>> assert x == 'X'
    >>> pass
    >>> None
    >>> assert [x for _ in y] == 1, 'text'
    Traceback (most recent call last):
    [...]
    AssertionError: text
    """)
case("star expressions", """
    >>> [*y, *(i for i in y)], {**{x: 1}}
    ([1, 2, 1, 2], {'X': 1})
    """)
case("conditional lambda in a default", """
    >>> def f(a=[x for _ in y], *, b=(lambda: x)): return a, b()
    ...
    >>> f()
    (['X', 'X'], 'X')
    """)
case("a global read and bound in nested scopes of one input", """
    >>> def f():
    ...     global g
    ...     g = [x for _ in y]
    ...     return (lambda: g)()
    ...
    >>> f(), readg()
    (['X', 'X'], ['X', 'X'])
    """)

DELETES = re.compile(r"\bdel (z|len)\b|\bas e:")

# Where every one of them must hold. `overwrite` changes what reaches the program, nothing at the prompt.
FRAMES = ["function", "closure"]


@pytest.mark.parametrize("overwrite", [False, True], ids=["kept", "overwritten"])
@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize("transcript", CASES.values())
def test_input(host, transcript, frame, overwrite):
    # 3.13.0 (alone) deletes nothing through f_locals, not even a name that was added to it, and the console says so.
    overwrite = overwrite and not (DELETES.search(transcript) and sys.version_info[:3] == (3, 13, 0))
    host.case(transcript, frame, overwrite)


# A few of each kind are enough for the other frames: what they share with a function is tested above.
ELSEWHERE = [
    "list comprehension", "generator expression", "lambda", "function in a function", "method reads locals and globals",
    "global statement lasts", "global in a function", "function sees a later change", "recursion",
    "a name bound later", "nonlocal of a local", "walrus in a comprehension", "import star", "deleting a captured name",
    "match", "try", "qualified names", "globals() is the module's", "names that a class body would set",
    "super without arguments", "several values on a line"]


@pytest.mark.parametrize("frame", ["classbody", "lambda_", "generator", "coroutine", "module", "exec_"])
@pytest.mark.parametrize("transcript", [CASES[name] for name in ELSEWHERE])
def test_input_elsewhere(host, transcript, frame):
    if frame == "classbody" and "__qualname__' in locals()" in transcript:
        transcript = ">>> [n for n in locals() if n in ('__static_attributes__', '__classdict__')]\n[]"
    if "nonlocal" in transcript and frame in ("module", "classbody"):
        transcript = ">>> [x for _ in y]\n['X', 'X']"     # there x is a global, or a name of the function around
    host.case(transcript, frame)


# The five that pdb gets wrong ---------------------------------------------------------------------------------------

def test_an_input_that_fails_is_not_run_twice(host):
    """pdb 3.13 tries its closure first and, when that raises, runs the input again: two items are appended."""
    host.case('''
        >>> items.append(9), list(1/0 for _ in items)
        Traceback (most recent call last):
        [...]
        ZeroDivisionError: division by zero
        >>> items
        [9]
    ''')


@pytest.mark.parametrize("overwrite", [False, True], ids=["kept", "overwritten"])
def test_a_comprehension_may_call_what_changes_the_frame(host, overwrite):
    """python/cpython#126958: pdb's closure gets copies of the cells, and the counter stays 0."""
    host.case('''
        >>> any(bump() for _ in range(3))
        False
        >>> n
        3
        >>> [bump() for _ in range(2)], n
        ([None, None], 5)
    ''', "closure", overwrite)


def test_a_lambda_kept_by_the_program_follows_its_names(host):
    """In pdb a lambda that the frame keeps has the value of the moment at which it was typed."""
    after = host.case('''
        >>> keep.append(lambda: (x, g))
        >>> x = 5
        >>> keep[0]()
        (5, 'G')
    ''', overwrite=True)
    assert after.split("\n") == ["result (5, 'SHL', [1, 2])", "kept (5, 'G2')"]


def test_global_lasts_to_the_next_line(host):
    host.case('''
        >>> global g
        >>> g = 'changed'
        >>> readg()
        'changed'
        >>> g += '!'
        >>> readg(), [g for _ in [0]]
        ('changed!', ['changed!'])
    ''')


def test_deleting_at_the_prompt_uncovers_the_global(host):
    after = host.case('''
        >>> del sh
        >>> sh, (lambda: sh)(), [sh for _ in y]
        ('SHG', 'SHG', ['SHG', 'SHG'])
    ''')
    assert after.split("\n")[-1] == "result ('X', 'SHL', [1, 2])"


def test_a_class_body_sees_the_function_around_it(host):
    """Not only names that the class body itself mentions: sh is used nowhere in it."""
    host.case('''
        >>> x, sh, y
        ('X', 'SHL', [1, 2])
        >>> attribute, [x for _ in y], (lambda: attribute)()
        ('ATTRIBUTE', ['X', 'X'], 'ATTRIBUTE')
    ''', "classbody")


# What reaches the program -------------------------------------------------------------------------------------------

@pytest.mark.parametrize("frame", ["function", "closure", "lambda_", "generator", "coroutine", "module", "exec_"])
def test_overwritten_at_once(host, frame):
    after = host.case('''
        >>> x = 1
        >>> sh = [x for _ in y]
        >>> y += [3]
        >>> fresh = 5
        >>> [x, fresh]
        [1, 5]
    ''', frame, overwrite=True)
    assert after == "result (1, [1, 1], [1, 2, 3])"


@pytest.mark.parametrize("frame", ["function", "closure", "lambda_", "generator", "coroutine", "module", "exec_"])
def test_kept_at_the_prompt(host, frame):
    after = host.case('''
        >>> x = 1
        >>> sh = [x for _ in y]
        >>> y.append(3)
        >>> fresh = 5
    ''', frame)
    told, result = after.split("\n")
    assert re.search(r"\bx\b", told) and re.search(r"\bsh\b", told)
    assert "fresh" not in told
    assert not re.search(r"\by\b", told), "y was changed in place, not bound"
    assert result == "result ('X', 'SHL', [1, 2, 3])"


def test_nothing_is_said_when_nothing_was_changed(host):
    assert host.case('''
        >>> x, y
        ('X', [1, 2])
        >>> fresh = 1
        >>> x = x
    ''') == "result ('X', 'SHL', [1, 2])"


def test_a_function_that_outlives_the_console(host):
    after = host.case('''
        >>> def f(): return x, g
        ...
        >>> keep.append(f)
    ''')
    assert after.split("\n")[-1] == "kept ('X', 'G2')"


def test_a_function_that_outlives_the_console_keeps_the_names_typed_there(host):
    after = host.case('''
        >>> fresh = 1
        >>> keep.append(lambda: fresh)
        >>> fresh = 2
    ''', overwrite=True)
    assert after.split("\n")[-1] == "kept 2"


def test_globals_written_at_the_prompt_stay(host):
    after = host.case('''
        >>> global g, newg
        >>> g = newg = 1
        >>> keep.append(readnew)
        >>> keep.append(readg)
    ''')
    assert after.split("\n")[-2:] == ["kept 1", "kept G2"]


def test_locals_of_a_function_do_not_become_globals(host):
    after = host.case('''
        >>> fresh = 5
        >>> import math
        >>> def f(): return fresh
        ...
        >>> keep.append(lambda: [n for n in ('fresh', 'math', 'f', '_') if n in globals()])
    ''', overwrite=True)
    assert after.split("\n")[-1] == "kept []"
