/* Modules of trackers, see track_modules.h. */
#include "track_modules.h"

#include "track_hook.h"
#include "track_net.h"

/* Is the text in one of these folders, or one of these packages? */
static bool
modules_is_below(PyObject *text, PyObject *places, Py_UCS4 separator)
{
    for (Py_ssize_t i = 0; i < PyTuple_Size(places); i++) {
        PyObject *place = PyTuple_GetItem(places, i);
        Py_ssize_t length = PyUnicode_GetLength(place), all = PyUnicode_GetLength(text);
        if (PyUnicode_Tailmatch(text, place, 0, PY_SSIZE_T_MAX, -1) > 0
            && (all == length || PyUnicode_ReadChar(text, length) == separator)) {
            return true;
        }
    }
    return false;
}

/* What a module's dict has under that name, borrowed; NULL without an exception. */
static PyObject *
modules_get(PyObject *globals, const char *name)
{
    PyObject *key = PyUnicode_InternFromString(name);
    PyObject *value = key == NULL ? NULL : PyDict_GetItemWithError(globals, key);
    Py_XDECREF(key);
    if (value == NULL) {
        PyErr_Clear();
    }
    return value;
}

/* A module of the standard library written in C says nothing of itself when it comes, some parts of it never do. */
static bool
modules_is_standard(PyObject *name)
{
    PyObject *names = PySys_GetObject("stdlib_module_names"); /* borrowed: a frozenset */
    Py_ssize_t length = PyUnicode_GetLength(name);
    Py_ssize_t dot = PyUnicode_FindChar(name, '.', 0, length, 1);
    PyObject *top = PyUnicode_Substring(name, 0, dot < 0 ? length : dot);
    bool standard = names != NULL && PyAnySet_Check(names) && top != NULL && PySet_Contains(names, top) > 0;
    PyErr_Clear();
    Py_XDECREF(top);
    return standard;
}

/* Not of the standard library, not installed, not built in: the program's own. */
static bool
modules_is_users(const Tracking *tracking, PyObject *name, PyObject *globals)
{
    PyObject *file = modules_get(globals, "__file__");
    bool has_file = file != NULL && PyUnicode_Check(file);
    if (has_file && modules_is_below(file, tracking->own, '/')) {
        return false; /* also its __main__, that a command runs in */
    }
    if (PyUnicode_CompareWithASCIIString(name, "__main__") == 0) {
        return true;
    }
    if (has_file) {
        return !modules_is_below(file, tracking->libraries, '/');
    }
    PyObject *spec = modules_get(globals, "__spec__");
    bool found = spec != NULL && spec != Py_None; /* by an import: else the program has made it */
    return !found && !modules_is_standard(name);
}

static bool
modules_is_for(const Tracking *tracking, const Tracker *tracker, PyObject *name, PyObject *globals)
{
    return tracker->modules == NULL ? modules_is_users(tracking, name, globals)
                                    : modules_is_below(name, tracker->modules, '.');
}

/* ---- taking and leaving ---- */

/* Have the dict tell, if none of these trackers has it tell already. */
static int
modules_hook(Tracking *tracking, Tracker *tracker, PyObject *globals, PyObject *module, uint64_t others)
{
    if ((tracker->told & TRACKING_HOOKED) == 0) {
        return 0;
    }
    if (tracking->watcher < 0 && track_net_take(tracker, globals) < 0) {
        return -1;
    }
    if ((others & tracking->hooking) != 0) {
        return 0;
    }
    if (track_hook_on(tracking, globals, module, tracker) < 0) {
        return -1;
    }
    /* what is of another type, events tell of: the watcher knows by the type whose the dict is */
    bool plain = Py_TYPE(globals) == tracking->dict_type;
    return tracking->watcher < 0 || !plain ? 0 : compat_dict_watch(tracking->watcher, globals);
}

int
track_modules_attach(Tracking *tracking, Tracker *tracker, PyObject *globals, PyObject *module)
{
    uint64_t bit = UINT64_C(1) << tracker->number;
    TrackedGlobals *found = tracking_add(tracking, globals, module);
    if (found == NULL || (found->trackers & bit) != 0) {
        return found == NULL ? -1 : 0;
    }
    uint64_t others = found->trackers;
    track_recent_forget(&tracking->recents);
    found->trackers |= bit;
    return modules_hook(tracking, tracker, globals, module, others);
}

int
track_modules_take(Tracking *tracking, Tracker *tracker)
{
    PyObject *modules = PySys_GetObject("modules"); /* borrowed */
    if (modules == NULL || !PyDict_Check(modules)) {
        PyErr_SetString(PyExc_RuntimeError, "sys.modules is gone, or no dict: no module can be tracked");
        return -1;
    }
    PyObject *copy = PyDict_Copy(modules), *name, *module;
    int ret = copy == NULL ? -1 : 0;
    for (Py_ssize_t at = 0; ret == 0 && PyDict_Next(copy, &at, &name, &module);) {
        if (!PyModule_Check(module) || !PyUnicode_CheckExact(name)) {
            continue;
        }
        PyObject *globals = PyModule_GetDict(module); /* borrowed */
        if (globals != NULL && modules_is_for(tracking, tracker, name, globals)) {
            ret = track_modules_attach(tracking, tracker, globals, module);
        }
    }
    Py_XDECREF(copy);
    return ret;
}

/* Has the program another dict for modules that come than that which is watched? */
static bool
modules_are_elsewhere(const Tracking *tracking)
{
    PyObject *modules = PySys_GetObject("modules"); /* borrowed */
    return !compat_is_finalizing() && modules != tracking->sys_modules;
}

void
track_modules_leave(Tracking *tracking, Tracker *tracker)
{
    if (modules_are_elsewhere(tracking) && tracker_note(tracker, "modules") < 0) {
        PyErr_Clear();
    }
    uint64_t bit = UINT64_C(1) << tracker->number;
    for (size_t i = 0; i < tracking->room; i++) {
        TrackedGlobals *found = &tracking->tracked[i];
        if ((found->trackers & bit) == 0) {
            continue;
        }
        found->trackers &= ~bit;
        if (found->module != NULL && (tracking->hooking & bit) != 0
            && Py_TYPE(found->module) != tracking->module_type && !track_hook_leaves_alone(found->module)
            && PyList_Append(tracker->limits, found->module) < 0) { /* the program has changed its class */
            PyErr_Clear();
        }
        if ((tracking->hooking & bit) != 0 && (found->trackers & tracking->hooking) == 0) {
            if (tracking->watcher >= 0 && Py_TYPE(found->globals) == tracking->dict_type
                && compat_dict_unwatch(tracking->watcher, found->globals) < 0) {
                PyErr_Clear();
            }
            track_hook_off(tracking, found->globals, found->module);
        }
    }
}

void
track_modules_let_go(Tracking *tracking)
{
    PyObject *gone = PyList_New(0);
    for (size_t i = 0; gone != NULL && i < tracking->room; i++) {
        TrackedGlobals *found = &tracking->tracked[i];
        if (found->held && found->trackers == 0 && PyList_Append(gone, found->globals) == 0
            && (found->module == NULL || PyList_Append(gone, found->module) == 0)) {
            found->held = false;
            Py_DECREF(found->globals);
            Py_XDECREF(found->module);
        }
    }
    PyErr_Clear();
    Py_XDECREF(gone);
}

/* ---- those that come ---- */

void
track_modules_came(Tracking *tracking, PyObject *name, PyObject *module)
{
    PyObject *globals = PyModule_Check(module) ? PyModule_GetDict(module) : NULL; /* borrowed */
    if (globals == NULL || !PyUnicode_CheckExact(name)) {
        return;
    }
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    for (uint64_t left = tracking->trackers; left != 0; left &= left - 1) {
        Tracker *tracker = tracking->active[__builtin_ctzll(left)];
        /* it may have ended meanwhile: up to 3.11 garbage is collected in between */
        if (tracker != NULL && modules_is_for(tracking, tracker, name, globals)) {
            Py_INCREF((PyObject *)tracker);
            track_modules_attach(tracking, tracker, globals, module);
            PyErr_Clear();
            Py_DECREF((PyObject *)tracker);
        }
    }
    PyErr_Restore(type, value, traceback);
}

int
track_modules_follow(Tracking *tracking)
{
    PyObject *modules = PySys_GetObject("modules"); /* borrowed */
    if (tracking->sys_modules != NULL || modules == NULL || !PyDict_CheckExact(modules)) {
        return 0;
    }
    tracking->sys_modules = Py_NewRef(modules);
    if (tracking->watcher >= 0) {
        return compat_dict_watch(tracking->watcher, modules);
    }
    compat_set_type(modules, tracking->dict_type);
    return 0;
}

void
track_modules_follow_no_more(Tracking *tracking)
{
    PyObject *modules = tracking->sys_modules;
    tracking->sys_modules = NULL;
    if (modules != NULL && tracking->watcher >= 0) {
        if (compat_dict_unwatch(tracking->watcher, modules) < 0) {
            PyErr_Clear();
        }
    }
    else if (modules != NULL && Py_TYPE(modules) == tracking->dict_type) {
        compat_set_type(modules, &PyDict_Type);
    }
    Py_XDECREF(modules);
}
