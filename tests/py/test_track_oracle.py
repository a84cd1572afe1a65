"""track_globals() against an oracle: a slow function of Python that reads each instruction before it is executed."""

import dis
import sys
import types

import pytest

import hooking
import programs_tracked

V312 = sys.version_info >= (3, 12)
PROGRAMS = {"json": programs_tracked.use_json, "argparse": programs_tracked.use_argparse,
            "dataclasses": programs_tracked.use_dataclasses, "app": programs_tracked.use_app}
KINDS = {"LOAD": "read", "STORE": "write", "DELETE": "delete"}
VERBS = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS", "STORE_GLOBAL", "STORE_NAME", "DELETE_GLOBAL",
         "DELETE_NAME")


class Oracle:
    """Counts what instructions do to the globals of a module and those below it: {(module, name, kind): count}."""

    def __init__(self, name):
        self.name, self.counts, self.known = name, {}, {}

    def names(self, code):
        if code not in self.known:
            self.known[code] = {one.offset: (one.opname, one.argval) for one in dis.get_instructions(code)
                                if one.opname in VERBS}
        return self.known[code]

    def look(self, code, offset, frame):
        opname, name = self.names(code).get(offset, (None, None))
        module = frame.f_globals.get("__name__")
        if opname is None or module != self.name and not str(module).startswith(self.name + "."):
            return
        local = "GLOBAL" not in opname and frame.f_locals is not frame.f_globals
        if local and (not opname.startswith("LOAD") or name in frame.f_locals):
            return
        if not V312 and (local or opname in ("STORE_GLOBAL", "DELETE_GLOBAL")):
            return                              # 3.11 cannot tell of these, and says so: see test_track.py
        kind = KINDS[opname.partition("_")[0]]
        if kind == "read" and name not in frame.f_globals:
            kind = "builtin" if name in frame.f_builtins else "missing"
        key = module, name, kind
        self.counts[key] = self.counts.get(key, 0) + 1

    def run_traced(self, program):
        def trace(frame, event, arg):
            frame.f_trace_opcodes = True
            if event == "opcode":
                self.look(frame.f_code, frame.f_lasti, frame)
            return trace
        sys.settrace(trace)
        try:
            program()
        finally:
            sys.settrace(None)

    def run_monitored(self, program):
        monitoring, tool = sys.monitoring, 3

        def instruction(code, offset):
            self.look(code, offset, sys._getframe(1))
        monitoring.use_tool_id(tool, "oracle")
        monitoring.register_callback(tool, monitoring.events.INSTRUCTION, instruction)
        monitoring.set_events(tool, monitoring.events.INSTRUCTION)
        try:
            program()
        finally:
            monitoring.set_events(tool, 0)
            monitoring.register_callback(tool, monitoring.events.INSTRUCTION, None)
            monitoring.free_tool_id(tool)


@pytest.fixture(autouse=True)
def application(monkeypatch):
    monkeypatch.setitem(sys.modules, "app", programs_tracked.app)


def counted(counts):
    return {key: count for key, count in sorted(counts.items()) if count}


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_same_names_and_the_same_counts(name):
    program = PROGRAMS[name]
    program()                                   # what is made once is made by now
    oracle = Oracle(name)
    (oracle.run_monitored if V312 else oracle.run_traced)(program)
    with hooking.track_globals(name, where=True) as track:
        program()
    found = {}
    for place in track.places:
        if place.how == "name":
            key = place.module, place.name, place.kind
            found[key] = found.get(key, 0) + place.count
    expected = counted(oracle.counts)
    assert len(expected) > 20
    assert counted(found) == expected


@pytest.mark.skipif(not V312, reason="3.11 tells of names as with mode='all'")
@pytest.mark.parametrize("name", PROGRAMS)
def test_the_same_names_alone(name):
    program = PROGRAMS[name]
    program()
    oracle = Oracle(name)
    oracle.run_monitored(program)
    with hooking.track_globals(name, mode="names") as track:
        program()
    found = {(place.module, place.name, place.kind) for place in track.places}
    assert found == set(oracle.counts)


def test_the_oracle_counts():
    module = types.ModuleType("counted")
    exec("A = 1\ndef f():\n    global A\n    for i in range(3): A\n    A = 2", vars(module))
    oracle = Oracle("counted")
    (oracle.run_monitored if V312 else oracle.run_traced)(module.f)
    expected = {("counted", "A", "read"): 3, ("counted", "A", "write"): 1, ("counted", "range", "builtin"): 1}
    if not V312:
        del expected["counted", "A", "write"]
    assert oracle.counts == expected
