/* Events of instructions, see track_events.h. A place that has nothing to tell is disabled when it is first met, so
 * that code runs at its speed from then on. */
#include "track_events.h"

#define EVENTS_CAPSULE "hooking._core.tracking"

enum { EVENT_ENTER, EVENT_LEAVE, EVENT_INSTRUCTION, EVENT_LINE, EVENT_WAYS };
static const char *const event_names[EVENT_WAYS][3] = {
    {"PY_START", "PY_RESUME", "PY_THROW"},
    {"PY_RETURN", "PY_YIELD", "PY_UNWIND"},
    {"INSTRUCTION", NULL, NULL},
    {"LINE", NULL, NULL},
};

/* What each row has that can be asked for of one code object; the last of each can only be had of all. */
enum { EVENTS_LOCAL = 2 };

/* The bits of some events of a row. 0 with an exception. */
static long
events_bits(const Tracking *tracking, int way, int from, int to)
{
    long bits = 0;
    for (int i = from; i < to && event_names[way][i] != NULL; i++) {
        long bit = monitoring_event(&tracking->monitoring, event_names[way][i]);
        if (bit < 0) {
            return 0;
        }
        bits |= bit;
    }
    return bits;
}

/* Is the name found there: in the namespace of a class body or of exec(), before the globals are asked; in builtins? */
static bool
events_is_in(PyObject *locals, PyObject *name)
{
    /* of a mapping that is no dict the answer would be code of the program's */
    int has = locals == NULL ? 0 : PyDict_Check(locals) ? PyDict_Contains(locals, name) : 1;
    if (has < 0) {
        PyErr_Clear();
    }
    return has != 0;
}

/* What a scope of annotations or type parameters within a class asks before the globals: the class's namespace. */
static bool
events_is_of_class(PyObject *name)
{
    PyObject *variable = PyUnicode_FromString("__classdict__"), *found = NULL;
    int known = variable == NULL ? -1 : compat_frame_get((PyObject *)PyEval_GetFrame(), variable, 1, &found);
    bool has = known > 0 && events_is_in(found, name);
    PyErr_Clear();
    Py_XDECREF(variable);
    Py_XDECREF(found);
    return has;
}

/* Who is to be told of the instruction, and of what; 0: nobody. */
static int
events_judge(const Tracking *tracking, Opcode opcode, PyObject *globals, PyObject *name, TrackKind *kind)
{
    bool apart = false, local = false;
    int told = TRACKING_NAMES;
    *kind = opcode == OPCODE_DELETE_GLOBAL || opcode == OPCODE_DELETE_NAME  ? TRACK_DELETE
            : opcode == OPCODE_STORE_GLOBAL || opcode == OPCODE_STORE_NAME ? TRACK_WRITE
                                                                           : TRACK_READ;
    if (opcode == OPCODE_LOAD_NAME || opcode == OPCODE_STORE_NAME || opcode == OPCODE_DELETE_NAME) {
        PyObject *locals = compat_frame_namespace();
        apart = locals != NULL && locals != globals; /* the same dict in a module */
        local = apart && (*kind != TRACK_READ || events_is_in(locals, name));
        PyErr_Clear();
        Py_XDECREF(locals);
    }
    if (local || (*kind == TRACK_DELETE && PyDict_Contains(globals, name) == 0)) {
        return 0; /* what is not there cannot be deleted */
    }
    if (opcode == OPCODE_LOAD_FROM_DICT_OR_GLOBALS && events_is_of_class(name)) {
        return 0;
    }
    if (*kind == TRACK_READ) {
        PyObject *builtins = PyEval_GetBuiltins(); /* borrowed */
        *kind = PyDict_Contains(globals, name) > 0 ? TRACK_READ
                : events_is_in(builtins, name)  ? TRACK_BUILTIN
                                                   : TRACK_MISSING;
    }
    if (Py_TYPE(globals) != tracking->dict_type) { /* of a subclass of the program's, which stays what it is */
        return TRACKING_ALL;
    }
    if (opcode == OPCODE_STORE_GLOBAL) {
        told |= TRACKING_SITES;
    }
    if ((opcode == OPCODE_LOAD_NAME && apart)
        || (opcode == OPCODE_LOAD_FROM_DICT_OR_GLOBALS && compat_scopes_look_past_types())) {
        told |= TRACKING_HOOKED;
    }
    return told;
}

/* Is the name bound that was a builtin for those that are told of each place once? They are to look again. */
static bool
events_hides_builtin(const Tracking *tracking, PyObject *globals, PyObject *name)
{
    const TrackKey key = {globals, name, NULL, 0, 0, TRACK_BUILTIN};
    bool may = events_is_in(PyEval_GetBuiltins(), name); /* most are called otherwise: no need to look far */
    for (uint64_t left = may ? tracking->trackers & ~tracking->hooking : 0; left != 0; left &= left - 1) {
        const Tracker *tracker = tracking->active[__builtin_ctzll(left)];
        if (track_table_has(&tracker->table, &key)) {
            return true;
        }
    }
    return false;
}

/* An instruction is about to run. Is anybody to be told if it does so again? */
static bool
events_tell(Tracking *tracking, PyObject *code, Py_ssize_t offset)
{
    PyObject *name, *globals = PyEval_GetGlobals(); /* borrowed: of the instruction's frame */
    TrackKind kind;
    Opcode opcode = track_code_at(&tracking->codes, code, offset, &name);
    int told = opcode == OPCODE_OTHER || opcode == OPCODE_IMPORT_NAME || globals == NULL
                       || tracking_find(tracking, globals) == NULL
                   ? 0
                   : events_judge(tracking, opcode, globals, name, &kind);
    bool again = told != 0 && tracking_record(tracking, globals, name, kind, NULL, told);
    if (told != 0 && kind == TRACK_WRITE && events_hides_builtin(tracking, globals, name)
        && monitoring_restart(&tracking->monitoring) < 0) {
        PyErr_Clear();
    }
    return again;
}

/* Was that told right before, at the event of its line? */
static bool
events_were_told(Tracking *tracking, const PyObject *code, Py_ssize_t offset, bool *again)
{
    if (tracking->told.code == NULL || tracking->told.thread != PyThread_get_thread_ident()) {
        return false;
    }
    bool told = tracking->told.code == code && tracking->told.offset == offset;
    tracking->told.code = NULL;
    *again = tracking->told.again;
    return told;
}

/* callback(code, offset) */
static PyObject *
events_instruction(PyObject *capsule, PyObject *const *args, Py_ssize_t count)
{
    Tracking *tracking = PyCapsule_GetPointer(capsule, EVENTS_CAPSULE);
    bool again;
    if (tracking == NULL || count != 2) {
        PyErr_Clear();
        return Py_NewRef(Py_None);
    }
    Py_ssize_t offset = PyLong_AsSsize_t(args[1]);
    if (!events_were_told(tracking, args[0], offset, &again)) {
        again = events_tell(tracking, args[0], offset);
    }
    return Py_NewRef(again || tracking->monitoring.disable == NULL ? Py_None : tracking->monitoring.disable);
}

/* callback(code, line). CPython, to 3.15 at least, skips the event of a line's first instruction in the pass in which
 * the last tool switches the event of that line off, as coverage does at once. So the first time it is told here. */
static PyObject *
events_line(PyObject *capsule, PyObject *const *args, Py_ssize_t count)
{
    Tracking *tracking = PyCapsule_GetPointer(capsule, EVENTS_CAPSULE);
    PyObject *code;
    Py_ssize_t offset;
    if (tracking == NULL || count != 2 || tracking->monitoring.disable == NULL
        || !tracking_instruction(&code, &offset) || code != args[0]) {
        PyErr_Clear();
        return Py_NewRef(Py_None);
    }
    bool again = events_tell(tracking, code, offset);
    tracking->told.code = code;
    tracking->told.offset = offset;
    tracking->told.thread = PyThread_get_thread_ident();
    tracking->told.again = again;
    return Py_NewRef(tracking->monitoring.disable == NULL ? Py_None : tracking->monitoring.disable);
}

static PyObject *
events_step(PyObject *capsule, PyObject *const *args, Py_ssize_t count, long by)
{
    Tracking *tracking = PyCapsule_GetPointer(capsule, EVENTS_CAPSULE);
    if (tracking == NULL || count < 1) {
        PyErr_Clear();
        return Py_NewRef(Py_None);
    }
    for (uint64_t left = tracking->trackers; left != 0; left &= left - 1) {
        Tracker *tracker = tracking->active[__builtin_ctzll(left)];
        if (tracker_has(tracker, args[0])) {
            tracker_step(tracker, PyThread_get_thread_ident(), by);
        }
    }
    return Py_NewRef(Py_None);
}

static PyObject *
events_enter(PyObject *capsule, PyObject *const *args, Py_ssize_t count)
{
    return events_step(capsule, args, count, 1);
}

static PyObject *
events_leave(PyObject *capsule, PyObject *const *args, Py_ssize_t count)
{
    return events_step(capsule, args, count, -1);
}

/* ---- on and off ---- */

#define METHOD(function) ((PyCFunction)(void (*)(void))(function))
static int
events_register(Tracking *tracking)
{
    static PyMethodDef methods[EVENT_WAYS] = {
        {"on_enter", METHOD(events_enter), METH_FASTCALL, NULL},
        {"on_leave", METHOD(events_leave), METH_FASTCALL, NULL},
        {"on_instruction", METHOD(events_instruction), METH_FASTCALL, NULL},
        {"on_line", METHOD(events_line), METH_FASTCALL, NULL},
    };
    for (int way = 0; way < EVENT_WAYS; way++) {
        PyObject *callback = PyCFunction_New(&methods[way], tracking->capsule);
        int ret = callback == NULL ? -1 : 0;
        for (int i = 0; ret == 0 && i < 3 && event_names[way][i] != NULL; i++) {
            long bit = monitoring_event(&tracking->monitoring, event_names[way][i]);
            ret = bit < 0 ? -1 : monitoring_register(&tracking->monitoring, bit, callback);
            tracking->events |= bit < 0 ? 0 : bit;
        }
        Py_XDECREF(callback);
        if (ret < 0) {
            return -1;
        }
    }
    return 0;
}

int
track_events_start(Tracking *tracking)
{
    if (!monitoring_is_there() || tracking->monitoring.module != NULL) {
        return 0;
    }
    if (monitoring_take(&tracking->monitoring, "hooking track", "tracking of instructions") < 0) {
        if (!PyErr_ExceptionMatches(PyExc_RuntimeError)) {
            return -1;
        }
        PyErr_Clear(); /* done without, and said in the limits */
        return 0;
    }
    tracking->capsule = PyCapsule_New(tracking, EVENTS_CAPSULE, NULL);
    tracking->instruction = tracking->capsule == NULL ? 0 : events_bits(tracking, EVENT_INSTRUCTION, 0, 1);
    tracking->line = tracking->instruction == 0 ? 0 : events_bits(tracking, EVENT_LINE, 0, 1);
    return tracking->line == 0 ? -1 : events_register(tracking);
}

int
track_events_ask(Tracking *tracking)
{
    if (tracking->monitoring.module == NULL) {
        return 0;
    }
    long events = tracking->instruction | tracking->line;
    for (uint64_t left = tracking->trackers; left != 0; left &= left - 1) {
        if (tracking->active[__builtin_ctzll(left)]->functions != NULL) {
            events |= events_bits(tracking, EVENT_ENTER, EVENTS_LOCAL, 3);
            events |= events_bits(tracking, EVENT_LEAVE, EVENTS_LOCAL, 3);
        }
    }
    return PyErr_Occurred() || monitoring_set(&tracking->monitoring, events) < 0
               ? -1
               : monitoring_restart(&tracking->monitoring); /* what was of no interest may be so now */
}

/* Does another tracker have it tell, too? */
static bool
events_is_shared(const Tracking *tracking, const Tracker *tracker, PyObject *code)
{
    for (uint64_t left = tracking->trackers; left != 0; left &= left - 1) {
        const Tracker *other = tracking->active[__builtin_ctzll(left)];
        if (other != tracker && tracker_has(other, code)) {
            return true;
        }
    }
    return false;
}

int
track_events_functions(Tracking *tracking, Tracker *tracker, bool on)
{
    if (tracking->monitoring.module == NULL || tracker->functions == NULL) {
        return 0;
    }
    long enter = on ? events_bits(tracking, EVENT_ENTER, 0, EVENTS_LOCAL) : 0;
    long leave = on && enter != 0 ? events_bits(tracking, EVENT_LEAVE, 0, EVENTS_LOCAL) : 0;
    int ret = on && leave == 0 ? -1 : 0;
    for (Py_ssize_t i = 0; ret == 0 && i < PyTuple_Size(tracker->functions); i++) {
        PyObject *code = PyTuple_GetItem(tracker->functions, i);
        if (!events_is_shared(tracking, tracker, code)) {
            ret = monitoring_set_local(&tracking->monitoring, code, enter | leave);
        }
    }
    return ret;
}

void
track_events_stop(Tracking *tracking)
{
    monitoring_give_back(&tracking->monitoring, tracking->events);
    tracking->events = tracking->instruction = tracking->line = 0;
    Py_CLEAR(tracking->capsule);
}
