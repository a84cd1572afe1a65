/* Trackers: on and off, and what they have counted. See track.h; tracking.h tells how it works. */
#include "track.h"

#include <stddef.h>
#include <stdlib.h>
#include <structmember.h>

#include "frame.h"
#include "opcodes.h"
#include "track_events.h"
#include "track_hook.h"
#include "track_modules.h"
#include "track_net.h"
#include "track_watch.h"

#define TRACK_KEY "hooking._core.tracking"

Tracking *
tracking_current(void)
{
    PyObject *dict = PyInterpreterState_GetDict(PyInterpreterState_Get()); /* borrowed */
    PyObject *capsule = dict == NULL ? NULL : PyDict_GetItemString(dict, TRACK_KEY);
    return capsule == NULL ? NULL : PyCapsule_GetPointer(capsule, TRACK_KEY);
}

/* ---- on ---- */

static int
track_functions_run(Tracker *tracker, PyObject *thread, PyObject *frame)
{
    unsigned long id = PyLong_AsUnsignedLong(thread);
    frame = Py_NewRef(frame);
    while (frame != NULL) {
        PyObject *code = frame_code(frame);
        if (tracker_has(tracker, code)) {
            tracker_step(tracker, id, 1);
        }
        Py_XDECREF(code);
        Py_SETREF(frame, frame_back(frame));
    }
    return PyErr_Occurred() ? -1 : 0;
}

/* Where the functions run already, in any thread. */
static int
track_look_for_functions(Tracker *tracker)
{
    PyObject *function = PySys_GetObject("_current_frames"); /* borrowed */
    PyObject *frames = function == NULL ? NULL : PyObject_CallNoArgs(function), *thread, *frame;
    int ret = frames == NULL ? -1 : 0;
    tracker->threads_used = 0;
    for (Py_ssize_t at = 0; ret == 0 && PyDict_Next(frames, &at, &thread, &frame);) {
        ret = track_functions_run(tracker, thread, frame);
    }
    Py_XDECREF(frames);
    return ret;
}

/* What of the interpreter's is needed by all. */
static int
track_prepare(Tracking *tracking, Tracker *tracker, bool first)
{
    if (first) {
        track_watch_start(tracking);
        if (track_events_start(tracking) < 0 || track_modules_follow(tracking) < 0) {
            return -1;
        }
    }
    bool events = tracking->monitoring.module != NULL;
    tracker->told = tracker->names && events ? TRACKING_NAMES : tracker->sites ? TRACKING_SITES : TRACKING_PLAIN;
    uint64_t bit = UINT64_C(1) << tracker->number;
    tracking->hooking |= tracker->told == TRACKING_NAMES ? 0 : bit;
    tracking->sites |= tracker->told == TRACKING_SITES ? bit : 0;
    if (!events && tracker_note(tracker, monitoring_is_there() ? "no tool" : "no events") < 0) {
        return -1;
    }
    if (tracking->watcher < 0 && tracker->told != TRACKING_NAMES) {
        Py_SETREF(tracker->remembered, PyDict_New());
        return tracker->remembered == NULL ? -1 : tracker_note(tracker, "no watcher");
    }
    return 0;
}

static int
track_take_number(Tracking *tracking, Tracker *tracker)
{
    if (~tracking->trackers == 0) {
        PyErr_Format(PyExc_RuntimeError, "%d trackers are on already: no more at a time", TRACKERS);
        return -1;
    }
    tracker->number = __builtin_ctzll(~tracking->trackers);
    uint64_t bit = UINT64_C(1) << tracker->number;
    tracking->trackers |= bit;
    tracking->active[tracker->number] = tracker;
    Py_INCREF((PyObject *)tracker);
    return 0;
}

static void track_end(Tracking *tracking, Tracker *tracker);

static int
track_begin(Tracking *tracking, Tracker *tracker, PyObject *namespaces)
{
    int ret = -1;
    bool first = tracking->trackers == 0;
    /* the number first: what prepares lets code of the program's run (audit hooks), which may track, too */
    if (opcodes_init() < 0 || track_take_number(tracking, tracker) < 0) {
        return -1;
    }
    if (track_prepare(tracking, tracker, first) < 0 || track_modules_take(tracking, tracker) < 0) {
        goto done;
    }
    for (Py_ssize_t i = 0; i < PyList_Size(namespaces); i++) {
        PyObject *pair = PyList_GetItem(namespaces, i), *module, *globals;
        if (!PyArg_ParseTuple(pair, "OO!", &module, &PyDict_Type, &globals)
            || track_modules_attach(tracking, tracker, globals, module == Py_None ? NULL : module) < 0) {
            goto done;
        }
    }
    if (track_events_functions(tracking, tracker, true) < 0 || track_events_ask(tracking) < 0
        || (tracker->functions != NULL && track_look_for_functions(tracker) < 0)) {
        goto done;
    }
    compat_forget_constants();
    ret = 0;
done:
    if (ret < 0) {
        track_end(tracking, tracker);
    }
    return ret;
}

/* ---- off ---- */

static void
track_end(Tracking *tracking, Tracker *tracker)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    uint64_t bit = UINT64_C(1) << tracker->number;
    track_net_tell(tracker);
    if (track_events_functions(tracking, tracker, false) < 0) {
        PyErr_Clear();
    }
    track_modules_leave(tracking, tracker);
    track_recent_forget(&tracking->recents);
    tracking->trackers &= ~bit;
    tracking->hooking &= ~bit;
    tracking->sites &= ~bit;
    tracking->active[tracker->number] = NULL;
    tracker->number = -1;
    if (tracking->trackers == 0) {
        track_modules_follow_no_more(tracking);
        track_events_stop(tracking);
        track_watch_stop(tracking);
        track_codes_clear(&tracking->codes);
    }
    else if (track_events_ask(tracking) < 0) {
        PyErr_Clear();
    }
    compat_forget_constants();
    track_modules_let_go(tracking);
    PyErr_Clear();
    PyErr_Restore(type, value, traceback);
    Py_DECREF((PyObject *)tracker);
}

/* ---- the object ---- */

static PyObject *
tracker_new(PyTypeObject *type, PyObject *args, PyObject *named)
{
    PyObject *modules, *functions, *libraries, *own;
    int only_names, sites;
    ModuleState *state = state_of_type(type);
    (void)named;
    if (!PyArg_ParseTuple(args, "OOppO!O!:Tracker", &modules, &functions, &only_names, &sites, &PyTuple_Type,
                          &libraries, &PyTuple_Type, &own)) {
        return NULL;
    }
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    Tracker *self = (Tracker *)allocate(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->modules = modules == Py_None ? NULL : Py_NewRef(modules);
    self->functions = functions == Py_None ? NULL : Py_NewRef(functions);
    self->names = only_names;
    self->sites = sites || only_names;
    self->number = -1;
    self->limits = PyList_New(0);
    Py_SETREF(state->tracking->libraries, Py_NewRef(libraries));
    Py_SETREF(state->tracking->own, Py_NewRef(own));
    if (self->limits == NULL) {
        Py_CLEAR(self);
    }
    return (PyObject *)self;
}

static int
tracker_traverse(PyObject *object, visitproc visit, void *arg)
{
    Tracker *self = (Tracker *)object;
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->modules);
    Py_VISIT(self->functions);
    Py_VISIT(self->remembered);
    Py_VISIT(self->limits);
    for (size_t i = 0; i < self->table.room; i++) {
        Py_VISIT(self->table.counters[i].key.globals);
        Py_VISIT(self->table.counters[i].key.code);
    }
    return 0;
}

static int
tracker_clear(PyObject *object)
{
    Tracker *self = (Tracker *)object;
    Py_CLEAR(self->modules);
    Py_CLEAR(self->functions);
    Py_CLEAR(self->remembered);
    Py_CLEAR(self->limits);
    track_table_clear(&self->table);
    return 0;
}

static void
tracker_dealloc(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    tracker_clear(object);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(object);
    Py_DECREF(type);
}

static PyObject *
tracker_start(PyObject *object, PyObject *args)
{
    Tracker *self = (Tracker *)object;
    Tracking *tracking = state_of_type(Py_TYPE(object))->tracking;
    PyObject *namespaces;
    if (!PyArg_ParseTuple(args, "O!:start", &PyList_Type, &namespaces)) {
        return NULL;
    }
    /* on before it begins: up to 3.11 garbage may be collected meanwhile, by finalizers that start it, too */
    if (self->users++ == 0 && track_begin(tracking, self, namespaces) < 0) {
        self->users--;
        return NULL;
    }
    return Py_NewRef(Py_None);
}

static PyObject *
tracker_stop(PyObject *object, PyObject *unused)
{
    Tracker *self = (Tracker *)object;
    (void)unused;
    if (self->users == 0) {
        PyErr_SetString(PyExc_RuntimeError, "this tracker is not on");
        return NULL;
    }
    if (--self->users == 0 && self->number >= 0) {
        track_end(state_of_type(Py_TYPE(object))->tracking, self);
    }
    return Py_NewRef(Py_None);
}

static PyObject *
tracker_counts(PyObject *object, PyObject *unused)
{
    (void)unused;
    return track_table_list(&((Tracker *)object)->table);
}

static PyObject *
tracker_limits(PyObject *object, PyObject *unused)
{
    Tracker *self = (Tracker *)object;
    (void)unused;
    return (self->table.lost && tracker_note(self, "memory") < 0)
                   || (self->threads_lost && tracker_note(self, "threads") < 0)
               ? NULL
               : PyList_GetSlice(self->limits, 0, PyList_Size(self->limits));
}

static PyMethodDef tracker_methods[] = {
    {"start", tracker_start, METH_VARARGS,
     "Begin to count, in the modules that it is for and in a list of pairs (module or None, globals)."},
    {"stop", tracker_stop, METH_NOARGS, "End what start() has begun."},
    {"counts", tracker_counts, METH_NOARGS,
     "A list of tuples: globals, name, kind, code or None, offset in bytes, thread, count."},
    {"limits", tracker_limits, METH_NOARGS, "What could not be seen: a list of modules and of str."},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef tracker_members[] = {
    {"users", T_INT, offsetof(Tracker, users), READONLY, "int, how often it is on."},
    {NULL, 0, 0, 0, NULL},
};

#define SLOT(function) ((void *)(function))
static PyType_Slot tracker_slots[] = {
    {Py_tp_new, SLOT(tracker_new)},
    {Py_tp_dealloc, SLOT(tracker_dealloc)},
    {Py_tp_traverse, SLOT(tracker_traverse)},
    {Py_tp_clear, SLOT(tracker_clear)},
    {Py_tp_methods, tracker_methods},
    {Py_tp_members, tracker_members},
    {0, NULL},
};

static PyType_Spec tracker_spec = {
    .name = "hooking._core.Tracker",
    .basicsize = sizeof(Tracker),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = tracker_slots,
};

int
track_init(PyObject *module, ModuleState *state)
{
    PyObject *dict = PyInterpreterState_GetDict(PyInterpreterState_Get()); /* borrowed */
    state->tracking = calloc(1, sizeof *state->tracking);
    if (state->tracking == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    state->tracking->watcher = -1;
    PyObject *capsule = PyCapsule_New(state->tracking, TRACK_KEY, NULL);
    PyObject *type = PyType_FromModuleAndSpec(module, &tracker_spec, NULL);
    int ret = capsule == NULL || type == NULL || dict == NULL || PyDict_SetItemString(dict, TRACK_KEY, capsule) < 0
                      || PyModule_AddObjectRef(module, "Tracker", type) < 0
                  ? -1
                  : track_hook_init(module, state->tracking);
    Py_XDECREF(capsule);
    Py_XDECREF(type);
    return ret;
}

int
track_visit(ModuleState *state, visitproc visit, void *arg)
{
    Tracking *tracking = state->tracking;
    if (tracking == NULL) {
        return 0;
    }
    Py_VISIT(tracking->dict_type);
    Py_VISIT(tracking->module_type);
    Py_VISIT(tracking->libraries);
    Py_VISIT(tracking->own);
    Py_VISIT(tracking->builtins);
    Py_VISIT(tracking->sys_modules);
    for (int i = 0; i < TRACKERS; i++) {
        Py_VISIT(tracking->active[i]);
    }
    for (size_t i = 0; i < tracking->room; i++) {
        if (tracking->tracked[i].held) {
            Py_VISIT(tracking->tracked[i].globals);
            Py_VISIT(tracking->tracked[i].module);
        }
    }
    return 0;
}

void
track_clear(ModuleState *state)
{
    Tracking *tracking = state->tracking;
    if (tracking == NULL) {
        return;
    }
    while (tracking->trackers != 0) {
        track_end(tracking, tracking->active[__builtin_ctzll(tracking->trackers)]);
    }
    PyObject *dict = PyInterpreterState_GetDict(PyInterpreterState_Get()); /* borrowed */
    if (dict != NULL && PyDict_GetItemString(dict, TRACK_KEY) != NULL && PyDict_DelItemString(dict, TRACK_KEY) < 0) {
        PyErr_Clear();
    }
    Py_CLEAR(tracking->libraries);
    Py_CLEAR(tracking->own);
    Py_CLEAR(tracking->dict_type);
    Py_CLEAR(tracking->module_type);
}

void
track_free(ModuleState *state)
{
    if (state->tracking != NULL) {
        free(state->tracking->tracked);
        free(state->tracking);
        state->tracking = NULL;
    }
}
