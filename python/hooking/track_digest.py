"""Digests of values of globals: has one changed since? See track_globals.fingerprint().

What is fed is what the code could see of a value: of functions their code, defaults, closures and attributes, of
classes their attributes, bases and metaclass, of other objects what pickle saves of them, together with their classes.
What libraries consist of is fed by name and version. Where none of it is possible, TypeError is raised.
"""

import builtins
import functools
import hashlib
import pickle
import struct
import sys
import types
import typing

from .tracking import LIBRARIES, UNSEEN_NAMES, own_name, track_globals

BY_REPR = (bool, complex, str, bytes, type(None), type(Ellipsis), type(NotImplemented))
OF_C = (types.BuiltinFunctionType, types.MethodWrapperType)
DESCRIPTORS = (types.MethodDescriptorType, types.WrapperDescriptorType, types.ClassMethodDescriptorType,
               types.GetSetDescriptorType, types.MemberDescriptorType)
TYPE_VARIABLES = tuple(getattr(typing, name) for name in ("TypeVar", "ParamSpec", "TypeVarTuple")
                       if hasattr(typing, name))
#: What pickle refuses, or saves by its name alone.
BY_NAME = (type, types.FunctionType, types.ModuleType, types.MethodType, types.MappingProxyType, types.CodeType,
           types.CellType, property, functools.cached_property, functools._lru_cache_wrapper, memoryview, track_globals,
           *OF_C, *DESCRIPTORS, *TYPE_VARIABLES)

#: Attributes of classes that say nothing of what code sees, or are caches.
UNFED = frozenset("__dict__ __weakref__ __module__ __doc__ __firstlineno__ __static_attributes__ __annotations__ "
                  "__annotations_cache__ __annotate__ __annotate_func__ __classdictcell__ __slotnames__ "
                  "_abc_impl".split())


def fingerprint(track):
    """See track_globals.fingerprint()."""
    spaces = {}
    for _, tracker in list(track._trackers.values()):
        for globals_, *_rest in tracker.counts():
            spaces.setdefault(dict.get(globals_, "__name__"), globals_)
    found = {}
    refused = refuses(track)
    for kind in ("reads", "missing", "builtins"):
        for module, names in getattr(track, kind).items():
            space = spaces[module] if module in spaces else vars(sys.modules.get(module, types.ModuleType("")))
            for name in names:
                found[f"{module}.{name}"] = digest_of(space, module, name, refused)
    return dict(sorted(found.items()))


def refuses(track):
    """A function that says why attributes of a module are not seen, which are then not in the fingerprint: a str, or
    None."""
    names = (*track._names, *map(own_name, track._modules))
    limits = track.limits
    unseen = [one for _, tracker in list(track._trackers.values()) for one in tracker.limits()]

    def why(module):
        name = own_name(module)
        if is_library(name):
            return None
        if UNSEEN_NAMES in limits:
            return "what is read of it by module.name is not seen with mode='names'; use mode='all'"
        if any(module is one for one in unseen) or name == "__main__" and "main" in unseen:
            return "what is read of it by module.name is not seen, see limits"
        if names and not any(name == one or name.startswith(one + ".") for one in names):
            return "it is not tracked, so what is read of it by module.name is not seen"
        return None
    return why


def digest_of(space, module, name, refused):
    """The digest of what a name stands for, hexadecimal; "builtin" and "missing" where it is no global."""
    value = dict.get(space, name, digest_of)
    builtin = value is digest_of
    if builtin:
        found = dict.get(space, "__builtins__", builtins)
        value = (vars(found) if isinstance(found, types.ModuleType) else found).get(name, digest_of)
        if value is digest_of:
            return "missing"
        if is_original(name, value):
            return "builtin"
    try:
        return ("builtin " if builtin else "") + Feeder(refused).alone(value)
    except RecursionError:
        raise TypeError(f"{module}.{name}: it is nested too deeply to tell whether it changes") from None
    except Exception as error:
        raise TypeError(f"{module}.{name}: of this {type(value).__name__} cannot be told whether it changes: "
                        f"{error}") from error


def is_original(name, value):
    """Is it what Python itself has by this name in the builtins?"""
    if isinstance(value, types.BuiltinFunctionType):
        return value.__self__ is builtins and value.__name__ == name
    return isinstance(value, type) and value.__module__ == "builtins" and value.__name__ == name and not is_heap(value)


def is_heap(value):
    return bool(value.__flags__ & (1 << 9))


def is_library(name):
    """Is the module of this name one of the standard library, an installed one, or this package's?"""
    module = sys.modules.get(name)
    if module is None or name == "__main__":
        return False
    file = of_module(module, "__file__")
    if isinstance(file, str):
        return file.startswith(tuple(folder + "/" for folder in LIBRARIES)) or name.partition(".")[0] == "hooking"
    origin = getattr(of_module(module, "__spec__"), "origin", None)
    return name in sys.builtin_module_names or origin in ("built-in", "frozen")


def of_module(module, name):
    """An attribute of a module, read so that it does not count for those who track it; None where there is none."""
    return dict.get(vars(module), name) if isinstance(module, types.ModuleType) else getattr(module, name, None)


def of_library(value):
    """The name and version by which a function or class of a library is fed; None for what is the program's own, and
    for what the library does not have by its name: it was made at run time, as by decorators."""
    module = getattr(value, "__module__", None)
    if not isinstance(module, str) or not is_library(module):
        return None
    found = sys.modules[module]
    for part in value.__qualname__.split("."):
        found = getattr(found, part, None)
    return f"{module}.{value.__qualname__} {version_of(module)}" if found is value else None


def version_of(module):
    return of_module(sys.modules.get(module.partition(".")[0]), "__version__") or ""


class Feeder:
    """Feeds values to a digest so that equal values of the same types feed the same. Functions and classes are fed
    once, and by their number from then on; of other objects, those that are being fed, so that cycles come to an end.
    `refused`: says of a module why it cannot be told whether its attributes change, or None."""

    def __init__(self, refused, known=None, path=None):
        self.digest = hashlib.sha256()
        self.refused = refused
        self.known = {} if known is None else known     # the object is held, or its id could be another's
        self.path = {} if path is None else path

    def alone(self, value, apart=False):
        """The digest of a value by itself. `apart`: what it knows afterwards is forgotten, as the order is any."""
        one = Feeder(self.refused, dict(self.known) if apart else self.known, self.path)
        one.feed(value)
        return one.digest.hexdigest()

    def put(self, kind, text):
        """A piece that cannot be confused with its neighbours."""
        data = f"{kind}:{text}".encode("utf-8", "surrogatepass")
        self.digest.update(struct.pack("<Q", len(data)) + data)

    def feed(self, value):
        kind = type(value)
        if kind in BY_REPR:
            self.put(kind.__name__, repr(value))
        elif kind is int:
            self.put("int", hex(value))
        elif kind is float:
            self.put("float", value.hex())
        elif isinstance(value, (type, types.FunctionType)):
            self.feed_known(value)
        elif id(value) in self.path:
            self.put("again", str(self.path[id(value)]))
        else:
            self.path[id(value)] = len(self.path)
            try:
                self.feed_object(kind, value)
            finally:
                del self.path[id(value)]

    def feed_known(self, value):
        if id(value) in self.known:
            self.put("known", str(self.known[id(value)][0]))
            return
        self.known[id(value)] = len(self.known), value
        name = of_library(value)
        if name is not None:
            self.put("library", name)
        elif isinstance(value, type):
            self.feed_class(value)
        else:
            self.feed_function(value)

    def feed_object(self, kind, value):
        if kind in (tuple, list):
            self.put(kind.__name__, str(len(value)))
            for one in value:
                self.feed(one)
        elif kind in (dict, types.MappingProxyType):
            self.put(kind.__name__, str(len(value)))
            for key, one in value.items():
                self.feed(key)
                self.feed(one)
        elif kind in (set, frozenset):
            self.put(kind.__name__, ",".join(sorted(self.alone(one, apart=True) for one in value)))
        elif not self.feed_special(kind, value):
            self.put("object", "")
            self.feed_known(kind)
            if kind.__module__.partition(".")[0] != "hooking":
                Pickler(self).dump(value)

    def feed_special(self, kind, value):
        """Feed what pickle knows by name, or not at all. False if the value is nothing of the sort."""
        if isinstance(value, types.ModuleType):
            why = self.refused(value)
            if why is not None:
                raise TypeError(f"module {own_name(value)}: {why}")
            self.put("module", f"{own_name(value)} {of_module(value, '__version__') or ''}")
        elif isinstance(value, OF_C):
            self.put("C", f"{getattr(value, '__module__', '')}.{value.__qualname__}")
            if not isinstance(value.__self__, types.ModuleType):
                self.feed(value.__self__)
        elif isinstance(value, DESCRIPTORS):
            self.put(kind.__name__, f"{value.__objclass__.__module__}.{value.__qualname__}")
        elif isinstance(value, (staticmethod, classmethod, types.MethodType)):
            self.put(kind.__name__, "")
            self.feed(value.__func__)
            self.feed(getattr(value, "__self__", None))
        elif kind is property:
            self.put("property", "")
            self.feed((value.fget, value.fset, value.fdel))
        elif kind is functools.cached_property:
            self.put("cached_property", str(value.attrname))
            self.feed(value.func)
        elif kind is functools._lru_cache_wrapper:
            self.put("cache", "")
            self.feed(value.__wrapped__)
        elif kind is types.CodeType:
            self.feed_code(value)
        elif kind is types.CellType:
            self.feed_cell(value)
        elif kind is memoryview:
            self.put("memoryview", f"{value.format} {value.shape} {value.readonly}")
            self.digest.update(hashlib.sha256(value.tobytes()).digest())
        elif isinstance(value, TYPE_VARIABLES):
            self.put(kind.__name__, f"{value.__module__}.{value.__name__}")
        else:
            return False
        return True

    def feed_code(self, code):
        self.put("code", code.co_qualname)
        self.put("instructions", code.co_code.hex() + " " + code.co_exceptiontable.hex())
        self.feed((code.co_flags, code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_names,
                   code.co_varnames, code.co_cellvars, code.co_freevars, code.co_consts))

    def feed_function(self, function):
        self.put("function", f"{function.__name__} {function.__qualname__}")
        self.feed(function.__code__)
        self.feed((function.__defaults__, function.__kwdefaults__))
        self.feed(function.__closure__)
        self.feed(function.__dict__)

    def feed_cell(self, cell):
        try:
            content = cell.cell_contents
        except ValueError:
            self.put("cell", "empty")
        else:
            self.put("cell", "")
            self.feed(content)

    def feed_class(self, value):
        self.put("class", f"{value.__module__}.{value.__qualname__}")
        if value.__module__ == "builtins" or not is_heap(value):     # of C
            return
        self.feed(type(value))
        self.feed(value.__bases__)
        for name, attribute in sorted(vars(value).items()):
            if name not in UNFED:
                self.put("attribute", name)
                self.feed(attribute)


class Pickler(pickle.Pickler):
    """Feeds what pickle saves of an object, and what it would only name: classes and functions."""

    def __init__(self, feeder):
        self.feeder, self.written, self.value = feeder, hashlib.sha256(), None
        super().__init__(types.SimpleNamespace(write=self.written.update), protocol=4)

    def dump(self, value):
        self.value = value
        super().dump(value)
        self.feeder.digest.update(self.written.digest())

    def reducer_override(self, value):
        if value is self.value or value is told:
            return NotImplemented
        if isinstance(value, BY_NAME):
            return told, (self.feeder.alone(value),)
        return NotImplemented


def told(digest):
    """What a digest stands for in what is fed."""
