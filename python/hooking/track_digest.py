"""Digests of values of globals: has one changed since? See track_globals.fingerprint()."""

import builtins
import hashlib
import pickle
import struct
import sys
import types


def fingerprint(track):
    """See track_globals.fingerprint()."""
    found = {}
    for kind in ("reads", "missing", "builtins"):
        for module, names in getattr(track, kind).items():
            space = space_of(track, module)
            for name in names:
                found[f"{module}.{name}"] = digest_of(space, module, name)
    return dict(sorted(found.items()))


def space_of(track, module):
    for _, tracker in list(track._trackers.values()):
        for globals_, *_rest in tracker.counts():
            if dict.get(globals_, "__name__") == module:
                return globals_
    return vars(sys.modules[module]) if module in sys.modules else {}


def digest_of(space, module, name):
    """The digest of what a name stands for, hexadecimal; "builtin" and "missing" where it is no global."""
    value = dict.get(space, name, digest_of)
    if value is digest_of:
        return "builtin" if hasattr(builtins, name) else "missing"
    digest = hashlib.sha256()
    try:
        feed(digest, value, {})
    except RecursionError:
        raise TypeError(f"{module}.{name}: it is nested too deeply to tell whether it changes") from None
    except Exception as error:
        raise TypeError(f"{module}.{name}: of this {type(value).__name__} cannot be told whether it changes: "
                        f"{error}") from error
    return digest.hexdigest()


def feed(digest, value, seen):
    """Feed a value to the digest so that equal values of the same types feed the same. `seen`: where objects that are
    being fed came, by identity: a cycle feeds that place."""
    kind = type(value)
    if value is None or value is Ellipsis or value is NotImplemented or kind in (bool, int, float, complex, str, bytes):
        put(digest, kind.__name__, float_text(value) if kind is float else repr(value))
        return
    if id(value) in seen:
        put(digest, "again", str(seen[id(value)]))
        return
    seen[id(value)] = len(seen)
    if kind in (tuple, list):
        put(digest, kind.__name__, str(len(value)))
        for one in value:
            feed(digest, one, seen)
    elif kind is dict:
        put(digest, "dict", str(len(value)))
        for key, one in value.items():
            feed(digest, key, seen)
            feed(digest, one, seen)
    elif kind in (set, frozenset):
        put(digest, kind.__name__, ",".join(sorted(alone(one) for one in value)))
    elif isinstance(value, types.FunctionType):
        feed_function(digest, value, seen)
    elif isinstance(value, types.ModuleType):
        put(digest, "module", f"{value.__name__} {getattr(value, '__version__', '')}")
    elif isinstance(value, (types.BuiltinFunctionType, types.MethodDescriptorType, types.WrapperDescriptorType)):
        put(digest, "builtin", f"{getattr(value, '__module__', '')}.{value.__qualname__}")
    elif isinstance(value, type):
        feed_class(digest, value, seen)
    elif isinstance(value, (staticmethod, classmethod)):
        put(digest, kind.__name__, "")
        feed(digest, value.__func__, seen)
    elif isinstance(value, property):
        put(digest, "property", "")
        feed(digest, (value.fget, value.fset, value.fdel), seen)
    elif isinstance(value, types.MethodType):
        put(digest, "method", "")
        feed(digest, value.__func__, seen)
        feed(digest, value.__self__, seen)
    else:
        put(digest, f"{kind.__module__}.{kind.__qualname__}", "")
        digest.update(hashlib.sha256(pickle.dumps(value, protocol=4)).digest())
    del seen[id(value)]


def put(digest, kind, text):
    """A piece that cannot be confused with its neighbours."""
    data = f"{kind}:{text}".encode("utf-8", "surrogatepass")
    digest.update(struct.pack("<Q", len(data)) + data)


def float_text(value):
    return value.hex()


def alone(value):
    digest = hashlib.sha256()
    feed(digest, value, {})
    return digest.hexdigest()


def feed_code(digest, code, seen):
    put(digest, "code", code.co_qualname)
    put(digest, "instructions", code.co_code.hex())
    feed(digest, code.co_names, seen)
    feed(digest, code.co_varnames, seen)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            feed_code(digest, constant, seen)
        else:
            feed(digest, constant, seen)


def feed_function(digest, function, seen):
    feed_code(digest, function.__code__, seen)
    feed(digest, function.__defaults__, seen)
    feed(digest, function.__kwdefaults__, seen)
    for cell in function.__closure__ or ():
        try:
            content = cell.cell_contents
        except ValueError:
            put(digest, "cell", "empty")
        else:
            feed(digest, content, seen)


def feed_class(digest, value, seen):
    put(digest, "class", f"{value.__module__}.{value.__qualname__}")
    if value.__module__ == "builtins" or not value.__flags__ & (1 << 9):     # not a heap type: of C
        return
    for base in value.__bases__:
        put(digest, "base", f"{base.__module__}.{base.__qualname__}")
    for name, attribute in sorted(vars(value).items()):
        if name not in ("__dict__", "__weakref__", "__module__", "__doc__", "__firstlineno__", "__static_attributes__",
                        "__annotations_cache__", "__annotate_func__"):
            put(digest, "attribute", name)
            feed(digest, attribute, seen)
