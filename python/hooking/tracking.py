"""Which globals code reads and writes: track_globals(). See hooking(3)."""

import bisect
import builtins
import collections
import dis
import functools
import inspect
import json
import site
import sys
import sysconfig
import types

from . import _core

#: This package: its modules are nobody's program.
OWN = (__file__.rpartition("/")[0],)

#: What the words mean that the core notes about what it could not see.
LIMITS = {
    "no events": "this version of Python has no sys.monitoring: what class bodies read is not seen, nor what eval() "
                 "and exec() in functions do",
    "no tool": "other tools have taken all of sys.monitoring: what class bodies read is not seen, nor what eval() and "
               "exec() in functions do",
    "modules": "the program has put another dict in the place of sys.modules: modules that came since are not seen",
    "main": "module.name is not seen of __main__: from Python 3.14 on that has to be exactly a module",
    "no watcher": "writes by `global` statements and by C code are told as one, of what has changed in the end, "
                  "whoever has done it",
    "memory": "memory was short: something was not counted",
    "threads": "more than 64 threads were in the functions at a time: some were not counted",
}
UNSEEN = "reads by dict(globals()), its values() and items(), and by C code are not seen"
UNSEEN_NAMES = "only what code reads and writes by name is seen: no globals()[name], no module.name"
UNSEEN_SAME = "a `global` statement that stores the object which is there already is not counted; where=True does"
UNSEEN_DICT = "globals that are a subclass of dict: what is read and written there is not seen"

#: How the kinds of the core are called in results.
KINDS = {"read": "reads", "builtin": "builtins", "missing": "missing", "write": "writes", "delete": "deletes"}

BY_NAME = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS", "STORE_GLOBAL", "STORE_NAME", "DELETE_GLOBAL",
           "DELETE_NAME")


def libraries():
    """The folders whose modules are not the user's: a tuple of str."""
    paths = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    paths.update(site.getsitepackages() if hasattr(site, "getsitepackages") else ())
    if site.ENABLE_USER_SITE:
        paths.add(site.getusersitepackages())
    return tuple(sorted(path.rstrip("/") for path in paths if path))


#: Found here, and not at the first start(): what is imported there may be locked for ever in a process that was forked.
LIBRARIES = libraries()


def unwrapped(target):
    """What decorators have been put around, where that is written in Python: their own code is that of all functions
    that they decorate. Else the target."""
    found, seen, inner = target, set(), target
    while id(inner) not in seen and not isinstance(inner, (type, types.ModuleType)):
        seen.add(id(inner))
        inner = inspect.getattr_static(inner, "__wrapped__", None)
        inner = getattr(inner, "__func__", inner)
        if isinstance(inner, types.FunctionType):
            found = inner
    return found


def code_of(target):
    """The functions that stand behind a callable: a list of types.FunctionType. Raises TypeError."""
    if isinstance(target, functools.partial):
        return code_of(target.func)
    target = unwrapped(target)
    function = getattr(target, "__func__", target)       # a method, a staticmethod, a classmethod
    if isinstance(function, types.FunctionType):
        return [function]
    if isinstance(target, property):
        return [part for part in (target.fget, target.fset, target.fdel) if isinstance(part, types.FunctionType)]
    if isinstance(target, type):
        found = []
        for part in vars(target).values():
            if isinstance(part, (types.FunctionType, staticmethod, classmethod, property)):
                found += code_of(part)
        if found:
            return found
        raise TypeError(f"track_globals: {target.__qualname__} has no methods that are written in Python")
    if callable(target) and not isinstance(target, types.BuiltinFunctionType | types.MethodWrapperType):
        call = getattr(type(target), "__call__", None)
        if isinstance(call, types.FunctionType):
            return [call]
    if callable(target):
        raise TypeError(f"track_globals: {getattr(target, '__qualname__', target)!s} is not written in Python: it has "
                        "no globals that could be tracked")
    raise TypeError(f"track_globals: target is to be functions, modules or names of modules, not "
                    f"{type(target).__name__}")


Place = collections.namedtuple("Place", "module name kind how function file line thread count")
Place.__doc__ = "What one place of the code does with a global: see track_globals."


class track_globals:  # noqa: N801: it is used as a function
    """track_globals(target=None, *, mode="all", where=False)

    Which globals are read, written and deleted, and how often: `with track_globals() as track: ...`, then
    `track.reads`. Also a decorator: `@track` counts while that function runs, and what it calls.

        target  a function, method or class: count what it does, and what it calls, while it runs; what was decorated,
                not its decorators. A module or the name of one (str): its globals, and those of the modules below it. A
                list of such. None: the globals of all modules but those of the standard library and those that are
                installed, also of modules that are imported later
        mode    "all": each access. "names": only which names there are, each place of the code once; costs next to
                nothing, and sees only what code reads and writes by name
        where   also by which function, in which line and thread: by_function, places

    The modules and their dicts stay the same objects; their types are others meanwhile (type(globals()) is not dict),
    and they are as before afterwards. All threads are counted, but with a function as target those it runs in.
    What cannot be seen is told in `limits`.

        reads, writes, deletes  {module: {name: count}}, all str and int
        builtins                the same, of names that were found in the builtins
        missing                 the same, of names that were found nowhere
        by_function             {function: {"reads": {"module.name": count}, "writes": ..., "deletes": ...,
                                "builtins": ..., "missing": ...}}; "?" where no code is known. With where=True
                                or mode="names"
        places                  a list of Place: module, name, kind ("read", "builtin", "missing", "write", "delete"),
                                how ("name", "attribute", "item", "other"), function, file, line, thread (its
                                identity), count
        limits                  a list of str: what could not be seen

    Raises TypeError for a target that has no globals, ValueError for an unknown mode, RuntimeError if 64 are on.
    """

    def __init__(self, target=None, *, mode="all", where=False):
        if mode not in ("all", "names"):
            raise ValueError(f"track_globals: mode is 'all' or 'names', not {mode!r}")
        self.mode, self.where = mode, bool(where)
        self._functions, self._modules, self._names = [], [], []
        self._trackers, self._on = {}, []
        targets = [] if target is None else target if isinstance(target, (list, tuple, set, frozenset)) else [target]
        for one in targets:
            self._add(one)

    def _add(self, target):
        if isinstance(target, str):
            if not all(part.isidentifier() for part in target.split(".")):
                raise ValueError(f"track_globals: no name of a module: {target!r}")
            self._names.append(target)
        elif isinstance(target, types.ModuleType):
            if target is builtins:
                raise TypeError("track_globals: the builtins are told of beside each module that reads them")
            self._modules.append(target)
        else:
            self._functions += code_of(target)

    # --- on and off ---

    def _tracker(self):
        codes = tuple({id(function.__code__): function.__code__ for function in self._functions}.values()) or None
        names = (*self._names, *map(own_name, self._modules)) if self._names or self._modules else None
        key = codes and tuple(map(id, codes)), names
        if key not in self._trackers:
            # one for all threads, without a lock, which a fork could leave locked; the codes stay, with their ids
            self._trackers.setdefault(key, (codes, _core.Tracker(names, codes, self.mode == "names", self.where,
                                                                 LIBRARIES, OWN)))
        return self._trackers[key][1]

    def start(self):
        """Begin to count; also done by `with`."""
        tracker = self._tracker()
        spaces = [(module, vars(module)) for module in self._modules]
        if not self._modules and not self._names:
            spaces += [(None, function.__globals__) for function in self._functions
                       if not is_of_module(function.__globals__)]
        tracker.start(spaces)
        self._on.append(tracker)

    def stop(self):
        """End what start() has begun."""
        if not self._on:
            raise RuntimeError("track_globals: this one is not on")
        self._on.pop().stop()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exception):
        self.stop()

    def __call__(self, *function, **named):
        """Count while the function runs, from now on: what is returned takes its place."""
        if len(function) != 1 or named or not callable(function[0]):
            raise TypeError("track_globals: this is no function but what decorates one: write @track_globals(), with "
                            "parentheses")
        function, = function
        if not isinstance(function, types.FunctionType):
            code_of(function)
            if isinstance(function, type):
                raise TypeError(f"track_globals: a function can be decorated, no {type(function).__name__}")
        for one in code_of(function):
            if one not in self._functions:
                self._functions.append(one)
        if inspect.iscoroutinefunction(function):
            @functools.wraps(function)
            async def tracked(*args, **named):
                with self:
                    return await function(*args, **named)
        elif inspect.isgeneratorfunction(function):
            @functools.wraps(function)
            def tracked(*args, **named):
                with self:
                    return (yield from function(*args, **named))
        elif inspect.isasyncgenfunction(function):
            raise TypeError(f"track_globals: {function.__qualname__} is an asynchronous generator: use "
                            "`with track_globals(...)` around the code that awaits it")
        else:
            @functools.wraps(function)
            def tracked(*args, **named):
                with self:
                    return function(*args, **named)
        tracked.track = self
        return tracked

    # --- results ---

    def _counts(self):
        for _, tracker in list(self._trackers.values()):
            for globals_, name, kind, code, offset, thread, count in tracker.counts():
                yield module_name(globals_), name, kind, code, offset, thread, count

    def _of_kind(self, kind):
        found = {}
        for module, name, its, _code, _offset, _thread, count in self._counts():
            if its == kind:
                names = found.setdefault(module, {})
                names[name] = names.get(name, 0) + count
        return {module: dict(sorted(found[module].items())) for module in sorted(found)}

    reads = property(lambda self: self._of_kind("read"))
    writes = property(lambda self: self._of_kind("write"))
    deletes = property(lambda self: self._of_kind("delete"))
    builtins = property(lambda self: self._of_kind("builtin"))
    missing = property(lambda self: self._of_kind("missing"))

    @property
    def places(self):
        counts = [one for one in self._counts() if one[3] is not None]
        functions = Functions(counts)
        found = [Place(module, name, kind, functions.how(code, offset), functions.name(code), code.co_filename,
                       functions.line(code, offset), thread, count)
                 for module, name, kind, code, offset, thread, count in counts]
        return sorted(found, key=lambda place: (place.file, place.line or 0, place.module, place.name, place.kind,
                                                place.thread))

    @property
    def by_function(self):
        if not self.where and self.mode != "names":
            raise AttributeError("by_function is there with track_globals(..., where=True) or mode='names'")
        return self._by_function(self.places)

    def _by_function(self, places):
        found = {}
        counts = [(place.function, place.module, place.name, place.kind, place.count) for place in places]
        counts += [("?", module, name, kind, count) for module, name, kind, code, *_, count in self._counts()
                   if code is None]
        for function, module, name, kind, count in sorted(counts):
            names = found.setdefault(function, {kind: {} for kind in KINDS.values()})[KINDS[kind]]
            names[f"{module}.{name}"] = names.get(f"{module}.{name}", 0) + count
        return found

    @property
    def limits(self):
        found = [UNSEEN]
        told = self._told()
        if self.mode == "names" and "no tool" not in told and "no events" not in told:
            found.append(UNSEEN_NAMES)
        elif not self.where and "no watcher" not in told:
            found.append(UNSEEN_SAME)
        return [*found, *self._limits_of_this_run()]

    def _told(self):
        return [one for _, tracker in list(self._trackers.values()) for one in tracker.limits()]

    def _limits_of_this_run(self):
        """Those of the limits that are not there always."""
        found = [LIMITS[one] if isinstance(one, str) else UNSEEN_DICT if one is True else unseen_module(one)
                 for one in self._told()]
        if self._trackers and self._names:
            there = {*list(sys.modules), *(module for module, *_rest in self._counts())}
            found += [f"there was no module called {name}" for name in self._names
                      if not any(one == name or one.startswith(name + ".") for one in there)]
        return list(dict.fromkeys(found))

    def as_dict(self):
        """All of it, as dicts, lists, str and int: what to_json() writes."""
        found = {"mode": self.mode, "where": self.where}
        found.update({kind: getattr(self, kind) for kind in KINDS.values()})
        if self.where or self.mode == "names":
            places = self.places
            found["by_function"] = self._by_function(places)
        if self.where:
            found["places"] = [place._asdict() for place in places]
        found["limits"] = self.limits
        return found

    def to_json(self, indent=None):
        """The same as a str."""
        return json.dumps(self.as_dict(), indent=indent)

    def to_dot(self):
        """A graph in the language of graphviz, as a str: functions, the names that they read, and those they write."""
        from .track_report import to_dot
        return to_dot(self)

    def fingerprint(self):
        """What was read, with digests of what it is now: {"module.name": str}. Equal fingerprints mean that the same
        code would see the same values in these names. Of functions their code, defaults, closures and attributes count,
        of classes attributes, bases and metaclass, of other objects what pickle saves and their classes; of what
        libraries consist of names and versions, of nothing annotations and __doc__. Raises TypeError for a value of
        which that cannot be told, and with mode="names" for modules of the program: what is read of them is not seen.
        """
        from .track_digest import fingerprint
        return fingerprint(self)

    def __repr__(self):
        counts = {kind: sum(sum(names.values()) for names in getattr(self, kind).values()) for kind in KINDS.values()}
        told = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)
        return f"<track_globals: {told or 'nothing yet'}>"


def own_name(module):
    """A module's name, read so that it does not count."""
    return types.ModuleType.__getattribute__(module, "__name__")


def is_of_module(globals_):
    """Are these globals those of a name in sys.modules? Read past the types of dicts that are tracked."""
    modules, name = sys.modules, dict.get(globals_, "__name__")
    return isinstance(modules, dict) and dict.get(modules, name) is not None


def unseen_module(module):
    """Of which module the core could not see module.name, and why: it changes the types of plain modules alone."""
    name, its = module_name(vars(module)), type(module)
    if its.__module__ == "builtins":
        return f"module.name is not seen of {name}: the program has changed its __class__ meanwhile, and back"
    return f"module.name is not seen of {name}, which is a {its.__name__}"


def module_name(globals_):
    """How the module is called that has these globals."""
    name = dict.get(globals_, "__name__")
    return name if isinstance(name, str) else f"<globals at {id(globals_):#x}>"


class Functions:
    """What code objects are called, and what stands at an offset. Remembers what it has found, by the identity of code:
    its hash goes over all instructions."""

    def __init__(self, counts):
        self._known, self._modules, self._owners = {}, {}, {}
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__dict__", {}).get("__file__") if isinstance(module, types.ModuleType) else None
            if isinstance(file, str):
                self._modules[file] = name
        for module, _name, _kind, code, offset, _thread, _count in counts:
            if self.how(code, offset) == "name":        # which is asked for in the code's own globals
                self._owners[id(code)] = self._modules[code.co_filename] = module

    def _look(self, code):
        """(code, its instructions, where its lines begin, [(end, line)])."""
        found = self._known.get(id(code))
        if found is None:
            lines = [one for one in code.co_lines() if one[0] < one[1]]
            found = self._known[id(code)] = (code, code.co_code, [start for start, _, _ in lines],
                                             [(end, line) for _, end, line in lines])
        return found

    def name(self, code):
        """The module and qualified name, or the file's name where no module has it. A file may be two modules, as a
        script is that imports itself."""
        module = self._owners.get(id(code)) or self._modules.get(code.co_filename)
        if module is None:
            module = code.co_filename.rpartition("/")[2].removesuffix(".py")
        return f"{module}.{code.co_qualname}" if code.co_name != "<module>" else module

    def line(self, code, offset):
        _, _, starts, lines = self._look(code)
        at = bisect.bisect_right(starts, offset) - 1
        return lines[at][1] if at >= 0 and offset < lines[at][0] else None

    def how(self, code, offset):
        """Is the name that of the instruction, of an attribute, or what it is an item by?"""
        instructions = self._look(code)[1]
        opcode = dis.opname[instructions[offset]] if offset < len(instructions) else ""
        if opcode in BY_NAME:
            return "name"
        if "ATTR" in opcode or opcode.startswith(("IMPORT_FROM", "LOAD_METHOD")):
            return "attribute"
        return "item" if "SUBSCR" in opcode or opcode.startswith(("BINARY_OP", "CONTAINS")) else "other"
