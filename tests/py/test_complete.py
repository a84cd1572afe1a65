"""What Tab offers: names, attributes, keys, keyword arguments, modules, commands, paths; and that no code runs for it.

`_core.complete()` completes in the frame that calls it, without a terminal.
"""

import collections
import dataclasses
import functools
import gc
import os
import sys
import types

import pytest

from hooking import _core

complete = _core.complete

try:
    import numpy
except ImportError:
    numpy = None


def at(text):
    """Text and offset of a text in which | is the point."""
    before, mark, after = text.partition("|")
    return before + after, len(before.encode()) if mark else -1


def line(text, result, name):
    """The text before the point once the name is taken."""
    text, point = at(text)
    raw = text.encode()[:point if point >= 0 else None]
    return (raw[:result["start"]] + name.encode()).decode()


# Where the point is ---------------------------------------------------------------------------------------------------

def test_the_answer_has_all_there_is_to_know():
    alpha_one = alpha_two = 1
    assert complete("x = alpha_") == {"start": 4, "names": ["alpha_one", "alpha_two"], "count": 2, "common": "alpha_",
                                      "suffix": "", "shown_from": 0}
    assert complete("no_such_name")["common"] is None
    del alpha_one, alpha_two


@pytest.mark.parametrize("text", ["# le", "x = 1  # le", "12", "1.5", "0x1f", "1e5", "'abc'", "f()", "def le",
    "class le",
                                  "import os as o", "'le", "f'le", "f'{x}le", "x = $"])
def test_there_is_nothing_to_offer(text):
    assert complete(text)["names"] == [] or text.endswith("$")


def test_what_follows_the_point_does_not_count():
    some_name = 1
    assert complete(*at("some_n|othing"))["names"] == ["some_name"]
    assert complete("(some_na)", 8)["names"] == ["some_name"]
    del some_name


@pytest.mark.parametrize("text", ["(", "[", "{", "f(((", "a.b.", ".", "..", "...", "x[", "x['", ")", "]", "'" * 7, "\\",
                                  "f'{", "f'{x!", "f'{x:", "f'''{[", "lambda:", "@", "import", "from", "from .", "%",
                                  "if",
                                  "\n\n", "\t", "x = (1,\n", "x[1:2].", "x[", "x[[[.", "x[)].", "((x).", "0.", "0..",
                                  "é",
                                  "\x01", "a = b'\\xff", "from . import (", "import ,", "from x import a as", "d[\"\\",
                                  ";;",
                                  "x[-", "x[(1,", "f(a=", "f(**", "%%", "''.", "b''.", "'' ''.", "f''.", "f'' '' b''.",
                                  "().",
                                  "(,).", "[.].", "{:}.", "x = y = z.", "*", "a if b else c.", "lazy import ", "1 .",
                                  "1_0."])
def test_half_typed_source(text):
    x = d = [{}, {"k": 1}]
    for end in range(len(text) + 1):
        complete(text, end)
        complete(text[:end])
    del x, d


def test_every_prefix_of_this_file():
    with open(__file__, encoding="utf-8") as file:
        source = file.read()
    for end in range(0, min(len(source), 6000), 7):
        complete(source[:end])


def test_a_megabyte_of_text():
    last_one = 1
    assert complete("x = 1\n" * 170000 + "last_o")["names"] == ["last_one"]
    assert complete("(" * 100000 + "last_o")["names"] == ["last_one"]
    assert complete("(" * 100000 + "last_one" + ")" * 100000 + ".")["names"] == []
    complete("x" + ".a" * 200000 + ".")
    del last_one


# Names ----------------------------------------------------------------------------------------------------------------

name_global = 1
_name_private = 1
__name_dunder__ = 1


def test_names_by_scope():
    name_enclosing = 1

    def inner(name_parameter):
        name_local = name_enclosing
        return complete("name_"), name_local

    assert inner(1)[0]["names"] == ["name_enclosing", "name_global", "name_local", "name_parameter"]


def test_names_in_a_class_body():
    name_outer = 1

    class Body:
        name_own = name_outer
        found = complete("name_o")["names"]
        value = complete("name_own.bit_l")["names"]

    assert Body.found == ["name_outer", "name_own"] and Body.value == ["bit_length"]


def test_names_of_exec_with_two_namespaces():
    names = {"name_mapping": "", "complete": complete}
    exec("found = complete('name_')['names'], complete('name_mapping.isal')['count']", {"name_of_globals": 1}, names)
    assert names["found"] == (["name_mapping", "name_of_globals"], 2)


def test_a_name_of_two_scopes_is_offered_once():
    name_global = 2
    assert complete("name_g") | {"names": [], "count": 1} == complete("name_g") | {"names": []}
    del name_global


def test_unbound_locals_are_not_offered():
    name_late = 1
    del name_late
    assert "name_late" not in complete("name_")["names"]


def test_private_names_are_offered_once_an_underscore_is_typed():
    assert not [name for name in complete("")["names"] if name.startswith("_")]
    assert {"_name_private", "__name_dunder__"} <= set(complete("_")["names"])
    assert complete("__name_d")["names"] == ["__name_dunder__"]
    assert complete("_name_p")["names"] == ["_name_private"]


def test_keywords():
    assert complete("lamb")["names"] == ["lambda"]
    for text in ["whil", "x = 1; whil", "if x:\n    whil"]:
        assert complete(text)["names"] == ["while"]
    assert complete("x = whil")["names"] == []
    assert complete("x = Non")["names"] == ["None"]


def test_names_that_cannot_be_typed_are_left_out():
    names = {"name ok": 1, "name_ok": 1, "9": 1, "": 1, "name_\ud800": 1, "name-x": 1, 5: 1, "name_é": 1}
    exec("found = complete('name')['names'], complete('')['names'], complete('name_é')", {"complete": complete}, names)
    assert names["found"][0] == ["name_ok", "name_é"]
    assert "" not in names["found"][1] and "9" not in names["found"][1]
    assert names["found"][2]["names"] == ["name_é"]


def test_case_may_be_ignored():
    MixedName = mixed_other = 1
    assert complete("mixedn")["names"] == []
    assert complete("mixedn", ignore_case=True)["names"] == ["MixedName"]
    assert complete("MIXED", ignore_case=True)["common"] == "Mixed"
    del MixedName, mixed_other


def test_the_offset_counts_bytes():
    größe = 1
    found = complete("x = 'ä', grö")
    assert found["names"] == ["größe"] and found["start"] == len("x = 'ä', ".encode())
    del größe


# Attributes -----------------------------------------------------------------------------------------------------------

class Base:
    base_class = 1

    def __init__(self):
        self.own = {"key": [1, ("x", 2.5)]}
        self.self = self


class Thing(Base):
    """Has one of everything."""
    __slots__ = ("slot",)
    text = "text"

    def method(self, first, second=1):
        return first, second

    @classmethod
    def class_method(cls, other):
        return other

    @staticmethod
    def static_method(other):
        return other

    @property
    def prop(self):
        raise AssertionError("a property was read")


def test_attributes_of_an_instance():
    thing = Thing()
    assert complete("thing.")["names"] == ["base_class", "class_method", "method", "own", "prop", "self", "slot",
                                           "static_method", "text"]
    assert "__init__" in complete("thing.__")["names"]
    del thing


@pytest.mark.parametrize("text, names", [
    ("thing.te", ["text"]), ("thing.text.isalp", ["isalpha"]), ("thing.self.self.ow", ["own"]),
    ("thing.own['key'].app", ["append"]), ("thing.own['key'][1][0].isalp", ["isalpha"]),
    ("thing.own['key'][-1][1].is_int", ["is_integer"]), ("thing.own['key'][5].", []), ("thing.own['no'].", []),
    ("thing.own[thing].", []), ("thing.slot.isalp", ["isalpha"]), ("thing.prop.", []),
    ("thing.method.__fun", ["__func__"]),
    ("thing.class_method.__sel", ["__self__"]), ("thing.static_method.__cod", ["__code__"]),
    ("thing.method.__func__.__code__.co_firstl", ["co_firstlineno"]), ("thing.__class__.class_m", ["class_method"]),
    ("thing.__dict__['own']['key'].app", ["append"]), ("Thing.met", ["method"]), ("Thing.mr", ["mro"]),
    ("Thing.prop.fge", ["fget"]), ("Thing.text.isalp", ["isalpha"]), ("Thing.__name__.isalp", ["isalpha"]),
    ("thing.method().", []), ("(thing).te", ["text"]), ("((thing).self).te", ["text"]), ("-thing.te", ["text"]),
    ("x = [thing.te", ["text"]), ("f(a, thing.te", ["text"]), ("thing.\\\n  te", ["text"]),
    ("(thing  # here\n  .te", ["text"]),
    ("f'{thing.te", ["text"]), ("lambda: thing.te", ["text"]), ("@thing.te", ["text"]), ("thing . te", ["text"]),
    ("if thing.te", ["text"]), ("print(thing.text.isalp", ["isalpha"]), ("thing[0].", []), ("no_such.", []),
    ("many['a', 1].isalp", ["isalpha"]), ("many[('a', 1)].isalp", ["isalpha"]), ("many[b'b'].isalp", ["isalpha"]),
    ("many[None].isalp", ["isalpha"]), ("many[True].isalp", ["isalpha"]), ("many[-1].isalp", ["isalpha"]),
    ("many[\"q'\\x41\"].isalp", ["isalpha"]), ("many[0x10].isalp", ["isalpha"]), ("many['a',].", []),
    ("ordered['a'].isalp", ["isalpha"]), ("counting['a'].isalp", []),
])
def test_values_that_are_found_without_running_code(text, names):
    thing = Thing()
    thing.slot = "slot"
    many = {("a", 1): "", b"b": "", None: "", True: "", -1: "", "q'A": "", 16: ""}
    ordered, counting = collections.OrderedDict(a=""), Counting(a="")
    found = complete(text)["names"]
    assert (found[:1] if names == ["isalpha"] else found) == names
    del many, ordered, counting


class Counting(dict):
    def __getitem__(self, key):
        raise AssertionError("a subscript was evaluated")


@pytest.mark.parametrize("text, type_", [
    ("''", str), ("\"a\" 'b'", str), ("'''a'''", str), ("f'{1}'", str), ("f'a' 'b'", str), ("rb'a'", bytes),
    ("[]", list),
    ("[1, 2]", list), ("[x for x in y]", list), ("()", tuple), ("(1, 2)", tuple), ("(1)", int), ("{}", dict),
    ("{1: 2}", dict), ("{**a}", dict), ("{1, 2}", set), ("1.0", float), ("1e3", float), ("1j", complex), ("(5)", int),
    ("0x1f", int), ("True", bool), ("'abc'[0]", str), ("f'{x[0].y}'", str), ("(  # x\n'a')", str)])
def test_literals(text, type_):
    assert complete(f"({text}.")["names"] == sorted(name for name in dir(type_) if not name.startswith("_"))


def test_modules_show_what_they_contain():
    assert complete("os.path.joi")["names"] == ["join"]
    assert complete("sys.modules['os'].path.joi")["names"] == ["join"]


def test_a_lazy_module_is_not_asked():
    module = types.ModuleType("lazy")
    exec("def __getattr__(name): raise AssertionError\ndef __dir__(): raise AssertionError\nthere = ''",
    module.__dict__)
    assert complete("module.th")["names"] == ["there"] and complete("module.missing.")["names"] == []
    assert complete("module.there.isalp")["count"] == 1


# No code runs ---------------------------------------------------------------------------------------------------------

runs = []


def explode(*args, **kwargs):
    runs.append(args)
    raise RuntimeError("code was run")


HOOKS = ["__getattribute__", "__getattr__", "__dir__", "__eq__", "__hash__", "__repr__", "__str__", "__len__",
    "__iter__",
         "__getitem__", "__contains__", "__bool__", "__call__", "__index__", "__format__", "__setattr__", "__lt__",
         "keys",
         "items", "values", "get", "__missing__", "__reversed__", "__get__", "__set__", "__instancecheck__"]


class Mine:
    """A descriptor of the program's."""
    __get__ = __set__ = __set_name__ = explode


def booby_trap(base=object, meta=type, **more):
    hooks = {name: explode for name in HOOKS if not (name == "__hash__" and base is str)}
    hooks |= {"dict_property": property(explode), "class_property": classmethod(property(explode)), "real_one": "text"}
    hooks["__class__"] = property(explode)
    made = type.__new__(meta, "Trap", (base,), hooks | more)
    type.__setattr__(made, "mine", object.__new__(Mine))
    return made


class Meta(type):
    __getattribute__ = __getattr__ = __dir__ = __call__ = __eq__ = explode
    __hash__ = type.__hash__
    __mro__ = __dict__ = __bases__ = __name__ = property(explode)


class Text(str):
    """A key that must not be compared, nor hashed again, once it is in a dictionary."""
    armed = False

    def __hash__(self):
        return explode() if Text.armed else str.__hash__(self)

    def __eq__(self, other):
        return explode() if Text.armed else str.__eq__(self, other)

    __str__ = __repr__ = __format__ = __len__ = __iter__ = explode


@pytest.fixture
def no_code():
    runs.clear()
    yield
    Text.armed = False
    assert runs == []


ENDINGS = [".", ".re", ".real_one.isalp", ".dict_property.", ".class_property.", ".mine.", ".__class__.", ".__dict__.",
    "[",
           "['", "['key'].", "[0].", "(", "(a, b=1, ", ".missing.", ".sl.", ".__mro__.", ".__init__(", ".real_one(",
           " + ",
           ".__doc__.", ".__annotations__.", ".__dict__['"]


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("base", [object, dict, list, int, str, Exception, types.ModuleType])
def test_objects_that_explode(no_code, base, ending):
    cls = booby_trap(base)
    trap = base.__new__(cls)
    if base is dict:
        dict.__setitem__(trap, "key", "value")
    if base is not int and base is not str and base is not list:
        object.__getattribute__(trap, "__dict__")["own"] = 1
    complete("trap" + ending)
    complete("cls" + ending)


@pytest.mark.parametrize("ending", ENDINGS)
def test_classes_whose_class_explodes(no_code, ending):
    cls = booby_trap(object, Meta)
    trap = object.__new__(cls)
    complete("trap" + ending)
    complete("cls" + ending)


def test_what_explodes_is_still_completed(no_code):
    cls = booby_trap(object, Meta, __slots__=("sl",))
    trap = object.__new__(cls)
    object.__setattr__(trap, "sl", "text")
    assert {"real_one", "sl", "dict_property", "keys"} <= set(complete("trap.")["names"])
    assert complete("trap.real_one.isalp")["count"] == complete("trap.sl.isalp")["count"] == 1
    assert complete("cls.real_one.isalp")["count"] == 1
    store = booby_trap(dict)()
    dict.__setitem__(store, "key", 1)
    assert complete("store['")["names"] == ["key"]


def test_keys_that_explode(no_code):
    texts = {Text("one"): 1, "two": {Text("three"): "x"}}
    space = types.SimpleNamespace()
    space.__dict__.update({Text("name"): 1, "other": ""})
    cls = type("Class", (), {Text("named"): 1, "other": ""})
    Text.armed = True
    for text in ["texts[", "texts['", "texts['one'].", "texts['two'].", "texts['two']['three'].", "space.",
        "space.name.",
                 "space.other.isal", "cls.", "cls.named.", "cls.other.", "cls(", "space[", "texts[1].", "texts['o"]:
        complete(text)
    Text.armed = False
    exec("Text.armed = True\nfound = complete('na')['count'], complete('name.')\nText.armed = False",
         {Text("name"): 1, "Text": Text, "complete": complete}, {Text("name2"): 1})


def test_a_metaclass_with_an_mro_of_its_own(no_code):
    cls = booby_trap(object, Meta)
    assert complete("cls.real_o")["names"] == ["real_one"]


def test_nothing_is_imported(no_code):
    before = set(sys.modules)
    for text in ["import wsgiref.", "from wsgiref.simple_server import ", "import xml.sax.", "from turtledemo import ",
                 "import this", "from this import ", "from antigravity import "]:
        complete(text)
    allowed = {"pkgutil", "importlib.util", "importlib.machinery", "importlib.abc", "importlib._abc", "zipimport",
               "importlib.readers", "importlib.resources", "typing"}
    assert {name for name in set(sys.modules) - before if name.split(".")[0] in ("wsgiref", "this", "turtledemo", "xml",
                                                                                "antigravity")} == set()
    assert set(sys.modules) - before <= allowed


@pytest.mark.skipif(sys.version_info < (3, 15), reason="lazy imports come with 3.15")
def test_a_lazy_import_stays_lazy(no_code):
    space = {"complete": complete}
    exec("lazy import wsgiref.util as later\n"
         "found = complete('later.')['names'], complete('late')['names'], complete('later.x(')['count']", space)
    assert space["found"][:2] == ([], ["later"])
    assert "wsgiref.util" not in sys.modules


def test_no_exception_is_left_and_none_is_lost(no_code):
    try:
        raise ValueError("handled")
    except ValueError:
        complete("no_such.x")
        assert isinstance(sys.exc_info()[1], ValueError)


def test_an_object_that_contains_itself():
    loop = []
    loop.append(loop)
    table = {}
    table["table"] = table
    pair = (loop, table)
    loop.append(pair)
    assert complete("loop[0][0][0].app")["names"] == ["append"]
    assert complete("table['table']['table']['ta")["names"] == ["table"]
    assert complete("pair[0][1][1]['t")["names"] == ["table"]


def test_the_collector_is_left_as_it_was():
    assert gc.isenabled()
    complete("os.")
    assert gc.isenabled()
    gc.disable()
    try:
        complete("os.")
        assert not gc.isenabled()
    finally:
        gc.enable()


# Keys -----------------------------------------------------------------------------------------------------------------

KEYS = {"alpha": 1, "al'q": 2, 'be"t': 3, "new\nline": 4, "back\\": 5, 5: 6, -7: 7, 2.5: 8, None: 9, True: 10,
    b"b\xff": 11,
        ("t", 1): 12, "é": 13, "\ud800": 14, float("inf"): 15, 10 ** 5000: 16, Base: 17}


@pytest.mark.parametrize("text, whole", [
    ('KEYS["alp', 'KEYS["alpha"]'), ("KEYS['alp", "KEYS['alpha']"), ("KEYS['al\\'", "KEYS['al\\'q']"),
    ('KEYS["al\'', 'KEYS["al\'q"]'), ('KEYS["be', 'KEYS["be\\"t"]'), ("KEYS['be", "KEYS['be\"t']"),
    ('KEYS["n', 'KEYS["new\\nline"]'), ('KEYS["back', 'KEYS["back\\\\"]'), ('KEYS["\\x61lp', 'KEYS["alpha"]'),
    ("KEYS[r'alp", "KEYS[r'alpha']"), ('KEYS["""alp', 'KEYS["""alpha"""]'), ("KEYS[b'b", "KEYS[b'b\\xff']"),
    ("KEYS[5", "KEYS[5]"), ("KEYS[-", "KEYS[-7]"), ("KEYS[2", "KEYS[2.5]"), ('KEYS["t", ', 'KEYS["t", 1]'),
    ('KEYS["é', 'KEYS["é"]'), ("KEYS[  'alp", "KEYS[  'alpha']"), ("x = f(KEYS['alp", "x = f(KEYS['alpha']"),
    ("Data.keys['alp", "Data.keys['alpha']")])
def test_a_key_is_written_as_it_is_typed(text, whole):
    found = complete(text)
    assert found["count"] == 1, found
    done = line(text, found, found["names"][0]) + found["suffix"]
    assert done == whole
    assert done.startswith("x =") or eval(done) in KEYS.values()


class Data:
    keys = KEYS


def test_keys_as_they_are_written():
    names = complete("KEYS[")["names"]
    assert names == sorted(names)
    assert set(names) == {"'alpha'", '"al\'q"', "'be\"t'", "'new\\nline'", "'back\\\\'", "5", "-7", "2.5", "None",
    "True",
                          "b'b\\xff'", "'t', 1", "'é'"}
    assert all(eval(f"KEYS[{name}]") for name in names)


@pytest.mark.parametrize("text, suffix", [("KEYS['alp|", "']"), ("KEYS['alp|]", "'"), ("KEYS['alp|']", ""),
    ("KEYS['alp|'", ""),
                                          ("KEYS[5|]", ""), ("KEYS['al|", "")])
def test_what_closes_the_subscript_is_not_doubled(text, suffix):
    found = complete(*at(text))
    assert found["count"] >= 1 and found["suffix"] == suffix


def test_raw_strings_offer_what_they_can_hold():
    assert complete("KEYS[r'")["names"] == ["alpha", 'be"t', "é"]


def test_kinds_of_dictionaries():
    dicts = [collections.OrderedDict(key=1), collections.defaultdict(int, key=1), collections.Counter(key=1),
             types.MappingProxyType({}), os.environ]
    for index in range(3):
        assert complete(f"dicts[{index}]['k")["names"] == ["key"]
    assert "PATH" in complete("dicts[4]['PAT")["names"]
    assert "PATH" in complete("os.environ['PAT")["names"]
    default = dicts[1]
    complete("default['nothing'].")
    assert list(default) == ["key"]


def test_sequences_have_no_keys():
    row = ["key"]
    assert complete("row['k")["names"] == [] and "0" not in complete("row[")["names"]
    assert "row" in complete("row[ro")["names"]


def test_names_within_a_subscript():
    key_name = "alpha"
    assert complete("KEYS[key_n")["names"] == ["key_name"]
    assert complete("KEYS[1 + key_n")["names"] == ["key_name"]
    assert complete("KEYS[key_name.isalph")["names"] == ["isalpha"]


def test_a_huge_dictionary():
    huge = {f"key{i:06}": i for i in range(100000)}
    found = complete("huge['key")
    assert found["count"] == 100000 and len(found["names"]) == 200 and found["common"] == "key0"
    assert found["names"][0] == "key000000" and complete("huge['key099999")["suffix"] == "']"


def test_a_frame_of_pandas_by_its_class(monkeypatch):
    """Stands for pandas: its column labels are had from its own descriptor, unless a subclass has a say in it."""
    exploded = []
    pandas = types.ModuleType("pandas")
    pandas.Series = type("Series", (), {"unique": None})
    monkeypatch.setitem(sys.modules, "pandas", pandas)

    class Index(list):
        def tolist(self):
            return list(self)

    class Axis:
        def __get__(self, frame, owner):
            return Index(["alpha", "beta gamma", 3])

    def say(*args):
        exploded.append(args)

    Index.__module__ = "pandas.core.indexes.base"
    frame_class = type("DataFrame", (), {"__module__": "pandas.core.frame", "columns": Axis(), "__getattr__": say,
                                         "__getitem__": say})
    frame, sub = frame_class(), type("Sub", (frame_class,), {})()
    other = type("Other", (frame_class,), {"columns": property(say)})()
    getter = type("Getter", (frame_class,), {"__getattribute__": say})()
    for text in ["frame['", "sub['"]:
        assert complete(text)["names"] == ["alpha", "beta gamma"]
    assert "3" in complete("frame[")["names"]
    assert complete("frame.a")["names"] == ["alpha"]
    assert complete("frame['alpha'].uniq")["names"] == complete("frame.alpha.uniq")["names"] == ["unique"]
    assert complete("frame.columns.uniq")["names"] == complete("frame.beta.uniq")["names"] == []
    assert complete("other.alpha.uniq")["names"] == complete("getter.alpha.uniq")["names"] == []
    assert complete("other['")["names"] == complete("getter['")["names"] == []
    assert exploded == []
    del other, getter


@pytest.mark.skipif(numpy is None, reason="numpy is not installed")
def test_fields_of_structured_arrays():
    rows = numpy.zeros(3, dtype=[("first", "i4"), ("second", "f8")])
    record = rows.view(numpy.recarray)
    row = rows[0]
    assert complete("rows['")["names"] == complete("row['")["names"] == ["first", "second"]
    assert complete("rows['first'].shap")["names"] == ["shape"]
    assert complete("record.fir")["names"] == ["first"] and "first" not in complete("rows.fir")["names"]
    assert complete("rows.dtype.names.ind")["names"] == ["index"]
    assert complete("rows.shape.ind")["names"] == ["index"]
    del record


# Keyword arguments ----------------------------------------------------------------------------------------------------

def function(only, /, first, second=2, *args, kw_one=1, **rest):
    inner = kw_one
    return inner


@functools.wraps(function)
def wrapper(*args, **kwargs):
    return function(*args, **kwargs)


@dataclasses.dataclass
class Point:
    xx: int
    yy: int = 0


class Made:
    def __new__(cls, uno, dos=1):
        return object.__new__(cls)


class Called:
    def __call__(self, aaa, bbb=1):
        return aaa


class Caller(type):
    def __call__(cls, meta_one):
        return meta_one


class OfCaller(metaclass=Caller):
    def __init__(self, never):
        pass


called, bound, partly = Called(), Thing().method, functools.partial(function, 1, 2)
Pair = collections.namedtuple("Pair", "left right")


@pytest.mark.parametrize("call, names", [
    ("function(", "first kw_one second"), ("function(0, 1, ", "kw_one second"),
    ("function(0, second=1, ", "first kw_one"),
    ("function(0, 1, 2, 3, ", "kw_one"), ("function(0, (1, 2), [3, 4], ", "kw_one"),
    ("function(*a, ", "first kw_one second"),
    ("function(f(kw_one=1), ", "first kw_one second"), ("function(x, f(1, 2, ", ""),
    ("wrapper(", "first kw_one second"),
    ("Point(", "xx yy"), ("Point(1, ", "yy"), ("Made(", "dos uno"), ("called(", "aaa bbb"), ("bound(", "first second"),
    ("Thing.method(", "first second self"), ("Thing.class_method(", "other"), ("Thing.static_method(", "other"),
    ("Thing().method(", ""), ("partly(", "kw_one second"), ("Pair(1, ", "right"), ("OfCaller(", "meta_one"),
    ("Thing(", ""),
    ("sorted(x, ", "key reverse"), ("'a'.split(", "maxsplit sep"), ("(function)(", "first kw_one second"),
    ("function\\\n(", "first kw_one second"), ("function(\n0,\n  1, # one\n ", "kw_one second"), ("def function(", ""),
    ("function(0, first", "first"), ("function(0, first.", ""), ("function(0, first=", ""), ("function[", ""),
    ("x = [function(", "first kw_one second"), ("if (", ""), ("return (", ""), ("missing(", "")])
def test_keyword_arguments(call, names):
    found = [name for name in complete(call)["names"] if name.endswith("=")]
    assert found == [name + "=" for name in names.split()]


def test_keyword_arguments_come_before_names():
    zebra_first = 1
    found = complete("function(0, ")["names"]
    assert found[:3] == ["first=", "kw_one=", "second="] and "abs" in found
    del zebra_first


def test_the_programs_names_come_before_pythons():
    """Of nothing typed, sixty exceptions would fill the screen before the first variable."""
    zebra = print = 1
    found = complete("x = ")["names"]
    assert found.index("zebra") < found.index("ArithmeticError") and found.index("complete") < found.index("abs")
    assert found.count("print") == 1 and found.index("print") < found.index("ArithmeticError")
    assert complete("x = a")["names"] == sorted(complete("x = a")["names"]), "of something typed one list"
    del zebra, print


def test_a_signature_of_the_programs_is_not_asked(no_code):
    class Signed:
        __signature__ = property(explode)
        __text_signature__ = property(explode)

        def __init__(self, given):
            self.given = given

    assert complete("Signed(")["names"][0] == "given="


# Imports --------------------------------------------------------------------------------------------------------------

@pytest.fixture
def package(tmp_path, monkeypatch):
    (tmp_path / "packed" / "deeper").mkdir(parents=True)
    (tmp_path / "packed" / "__init__.py").write_text("raise SystemExit\nin_init = 1\nfrom x import y as renamed\n")
    (tmp_path / "packed" / "module.py").write_text("raise SystemExit\ndef first(): pass\n"
                                                   "class Second: third = 1\n_x = 1\n")
    (tmp_path / "packed" / "deeper" / "__init__.py").write_text("")
    (tmp_path / "packed" / "deeper" / "down.py").write_text("here = (1,")
    (tmp_path / "spaced" / "within").mkdir(parents=True)
    (tmp_path / "spaced" / "within" / "last.py").write_text("end = 1")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    assert not [name for name in sys.modules if name.startswith(("packed", "spaced"))], "something was imported"


@pytest.mark.parametrize("text, names", [
    ("import packe", ["packed"]), ("import packed.", ["deeper", "module"]), ("import os, packed.m", ["module"]),
    ("import packed.deeper.", ["down"]), ("import packed.module as m, packed.d", ["deeper"]),
    ("from packed.d", ["deeper"]),
    ("from packed import ", ["deeper", "in_init", "module", "renamed"]),
    ("from packed.module import ", ["Second", "first"]),
    ("from packed.module import _", ["_x"]), ("from packed.module import first, S", ["Second"]),
    ("from packed.module import (first,\n    S", ["Second"]), ("from packed.deeper.down import ", ["here"]),
    ("from packed.nothing import ", []), ("import spaced.within.", ["last"]),
    ("from spaced.within.last import ", ["end"]), ("import packed.module.", []), ("x = 1; import packe", ["packed"]),
    ("if x: from packed.modul", ["module"]), ("from packed.module ", ["import"]), ("from packed.module im", ["import"]),
    ("import packed ", ["as"]), ("from packed import module ", ["as"]), ("import packed as pa", []),
    ("from packed import module as mo", []), ("import itertool", ["itertools"]), ("import os.pat", ["path"]),
    ("from os import pathse", ["pathsep"]), ("from os.path import joi", ["join"]), ("import ..", []), ("from .", None),
])
def test_imports(package, text, names):
    found = complete(text)["names"]
    assert names is None or found == names


def test_a_module_that_has_just_been_written_is_found(package):
    assert complete("import packed.new")["names"] == []
    (package / "packed" / "newest.py").write_text("one = 1\n")
    assert complete("import packed.new")["names"] == ["newest"]
    assert complete("from packed.newest import ")["names"] == ["one"]
    (package / "packed" / "newest.py").write_text("two = 2\n")
    assert complete("from packed.newest import ")["names"] == ["two"]


def test_relative_imports(package):
    code = "found = complete('from . import mod')['names'], complete('from .deeper import ')['names']"
    names = {"complete": complete, "__package__": "packed", "__name__": "packed.module"}
    exec(code, names)
    assert names["found"] == (["module"], ["down"])
    names = {"complete": complete, "__package__": "packed.deeper"}
    exec("found = complete('from .. import mod')['names'], complete('from ..module import fi')['names']", names)
    assert names["found"] == (["module"], ["first"])


def test_a_source_with_warnings_is_read_in_silence(package, recwarn):
    (package / "packed" / "warned.py").write_text("bad = '\\d' is 1\n")
    assert complete("from packed.warned import ")["names"] == ["bad"]
    assert len(recwarn) == 0


# Commands -------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("text, names", [
    ("wher", ["where"]), ("%wher", ["where"]), ("%", [name for row in _core.commands()
                                                      for name in (row["name"], *row["alias"].split())]),
    ("help wher", ["where"]), ("%help %wher", ["where"]), ("overwrite ", ["off", "on"]), ("overwrite of", ["off"]),
    ("where a", ["all"]), ("locals ", ["all", "frames"]), ("write some_loc", ["some_local"]),
    ("write x, some_loc", ["some_local"]),
    ("write name_glob", []), ("pp some_local.isalph", ["isalpha"]), ("%pp some_local.isalph", ["isalpha"]),
    ("doc some_loc", ["some_local"]), ("pp (some_local).isalph", ["isalpha"]), ("pp [1].app", ["append"]),
    ("throw ValueE", ["ValueError"]), ("pp KEYS['alp", ["alpha"]), ("off ", []), ("after ", []), ("%nothing ", []),
    ("x = wher", []), (" wher", []), ("(wher", []), ("x\nwher", []), ("list = some_loc", ["some_local"]),
    ("where.som", []), ("pp whi", [])])
def test_commands(text, names):
    some_local = "text"
    assert complete(text)["names"] == sorted(names)
    del some_local


@pytest.mark.parametrize("text, suffix", [
    ("sour|", " "), ("%sour|", " "), ("%lis|", " "), ("overw|", " "), ("exceptions|", " "), ("sour| x", ""),
    ("skip|", ""), ("conti|", ""), ("help sour|", ""), ("x = sour|", ""), ("lis|", ""), ("isinstanc|", ""), ("d|", "")])
def test_a_command_that_takes_something_has_a_blank_behind_it(text, suffix):
    """Without one `source` and what is typed next would be one word. `list` may be meant as Python's."""
    assert complete(*at(text))["suffix"] == suffix


def test_a_variable_and_a_command_of_the_same_name():
    overwrite = Thing()
    found = complete("overw")
    assert (found["names"], found["suffix"]) == (["overwrite"], "")
    assert complete("%overw")["suffix"] == " "
    assert complete("overwrite.te")["names"] == ["text"]
    assert {"off", "on", "open"} <= set(complete("overwrite o")["names"])
    pp = [Thing()]
    assert complete("pp [0].te")["names"] == ["text"], "it is a subscript of the variable"
    del overwrite, pp


# Paths ----------------------------------------------------------------------------------------------------------------

@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name in ["plain.txt", "with space", "quo'te", "back\\slash", "umlä", ".hidden"]:
        (tmp_path / name).write_text("")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "inside").write_text("")
    (tmp_path / "link").symlink_to("folder")
    with open(os.fsencode(tmp_path) + b"/bytes\xff", "wb"):
        pass
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("text, whole", [
    ("open('pla", "open('plain.txt'"), ("open('./pla", "open('./plain.txt'"), ("x = './pla", "x = './plain.txt'"),
    ("x = '~/pla", "x = '~/plain.txt'"), ("open('fol", "open('folder/"), ("open('lin", "open('link/"),
    ("open('folder/", "open('folder/inside'"), ("open('quo", "open('quo\\'te'"), ('open("quo', 'open("quo\'te"'),
    ("open('back", "open('back\\\\slash'"), ("open(r'back", "open(r'back\\slash'"), ("open('with", "open('with space'"),
    ("open('uml", "open('umlä'"), ("open(b'bytes", "open(b'bytes\\xff'"), ("open(b'uml", "open(b'uml\\xc3\\xa4'"),
    ("open('.hid", "open('.hidden'"), ("open('''pla", "open('''plain.txt'''"),
    ("read_csv('pla", "read_csv('plain.txt'"),
    ("pd.read_csv('pla", "pd.read_csv('plain.txt'"), ("f(1, sep='pla", "f(1, sep='plain.txt'"),
    ("f'./pla", "f'./plain.txt'"),
    ("open('\\x70la", "open('plain.txt'")])
def test_paths_in_strings(folder, text, whole):
    found = complete(text)
    assert found["count"] == 1, found
    assert line(text, found, found["names"][0]) + found["suffix"] == whole


@pytest.mark.parametrize("text, names", [
    ("open('", ["back\\\\slash", "folder/", "link/", "plain.txt", "quo\\'te", "umlä", "with space"]),
    ("open('bytes", []), ("open(r'quo", []), ("'pla", []), ("x = 'pla", []), ("f('", []), ("f'{x}/pla", []),
    ("f'{x}' './pla", ["./plain.txt"]), ("open('no/such/", []), ("open('~nobody_at_all/", []), ("# './pla", []),
    ("if ('pla", []), ("x['./pla", ["./plain.txt"]), ("'http://pla", [])])
def test_paths_that_are_and_are_not_offered(folder, text, names):
    assert complete(text)["names"] == names


def test_the_folder_need_not_be_shown(folder):
    found = complete("open('./folder/")
    assert found["names"][0][found["shown_from"]:] == "inside"
    assert complete(*at("open('pla|')"))["suffix"] == ""
    assert complete("open('PLA", ignore_case=True)["names"] == ["plain.txt"]


# Leaks ----------------------------------------------------------------------------------------------------------------

LEAKY = ["KE", "KEYS[", "KEYS['al", "KEYS['t', ", "Thing.", "thing.own['key'][1].", "function(0, ", "wrapper(",
    "sorted(x, ",
         "Point(", "partly(", "OfCaller(", "import os.", "from os import ", "from wsgiref.simple_server import ", "%",
         "pp KE",
         "write n", "open('/", "f'{KEYS['al']}'.", "os.environ['P", "called(", "KEYS['\ud7ff", "missing.", "bound.",
         "int("]


@pytest.mark.skipif(not hasattr(sys, "gettotalrefcount"), reason="only a debug build counts references")
@pytest.mark.parametrize("text", LEAKY)
def test_no_reference_is_lost(text):
    thing = Thing()

    def count():
        gc.collect()
        before = sys.gettotalrefcount()
        for _ in range(100):
            complete(text)
        gc.collect()
        return sys.gettotalrefcount() - before

    assert min(count() for _ in range(6)) < 100, "one at each call, or more: caches that fill are less"
    del thing
