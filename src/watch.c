/* The list of watches, and their life: see watch.h. */
#include "watch.h"

#include "cmd_go.h"
#include "compat.h"
#include "entry.h"
#include "frame.h"
#include "opcodes.h"
#include "peek.h"
#include "watch_hit.h"

#include <string.h>

/* Dict watchers and trace functions are given no context. One interpreter has watches: the main one. */
static Watches *watch_process;

Watches *
watch_of_process(void)
{
    return watch_process;
}

/* ---- values ---- */

/* What the watch is about, if that is still there: a new reference; NULL without an exception when it is gone. */
static PyObject *
watch_object(Watch *watch)
{
    if (watch->weak != NULL) {
        PyObject *object = PyObject_CallNoArgs(watch->weak);
        if (object == Py_None) {
            Py_CLEAR(object);
        }
        return object;
    }
    if (watch->way != WAY_DICT && watch->object != NULL && compat_is_last_reference(watch->object)) {
        return NULL; /* but for the watch */
    }
    return Py_XNewRef(watch->object);
}

static int
watch_probe_slot(Watch *watch, PyObject *object, PyObject **value)
{
    descrgetfunc get;
    void *slot = PyType_GetSlot(Py_TYPE(watch->slot), Py_tp_descr_get);
    memcpy(&get, &slot, sizeof get);
    *value = get(watch->slot, object, (PyObject *)Py_TYPE(object));
    if (*value == NULL && PyErr_ExceptionMatches(PyExc_AttributeError)) {
        PyErr_Clear();
        return 0;
    }
    return *value == NULL ? -1 : 1;
}

static int
watch_probe_item(Watch *watch, PyObject *list, PyObject **value)
{
    Py_ssize_t at = PyLong_AsSsize_t(watch->name), size = PyList_Size(list);
    at += at < 0 ? size : 0;
    *value = at < 0 || at >= size ? NULL : Py_NewRef(PyList_GetItem(list, at));
    return *value != NULL;
}

int
watch_probe(Watch *watch, PyObject **value)
{
    int ret = -1;
    *value = NULL;
    if (watch->kind == WATCH_VARIABLE) {
        /* a generator that was let go of ends without an event */
        bool gone = watch->frame == NULL || compat_is_last_reference(watch->frame);
        return gone ? WATCH_GONE : compat_frame_get(watch->frame, watch->name, 1, value);
    }
    PyObject *object = watch_object(watch);
    if (object == NULL) {
        return PyErr_Occurred() ? -1 : WATCH_GONE;
    }
    switch (watch->kind) {
    case WATCH_KEY:
        *value = Py_XNewRef(PyDict_GetItemWithError(object, watch->name));
        ret = *value != NULL ? 1 : PyErr_Occurred() ? -1 : 0;
        break;
    case WATCH_INDEX:
        ret = watch_probe_item(watch, object, value);
        break;
    case WATCH_SLOT:
        ret = watch_probe_slot(watch, object, value);
        break;
    case WATCH_VARIABLE:
        break;
    }
    Py_DECREF(object);
    return ret;
}

/* Other objects are not asked. */
bool
watch_differs(PyObject *old, PyObject *new)
{
    enum { DEPTH = 2 };
    if (old == new || old == NULL || new == NULL || Py_TYPE(old) != Py_TYPE(new) || !peek_is_plain(old, DEPTH)
        || !peek_is_plain(new, DEPTH)) {
        return old != new;
    }
    int same = PyObject_RichCompareBool(old, new, Py_EQ);
    PyErr_Clear();
    return same != 1;
}

bool
watch_is_hidden(const Watch *watch)
{
    int at = watch->hidden_count == 0 || watch->frame == NULL ? -1 : compat_frame_lasti(watch->frame);
    for (size_t i = 0; i < watch->hidden_count; i++) {
        if (at >= watch->hidden[i].from && at < watch->hidden[i].to) {
            return true;
        }
    }
    return false;
}

/* Within a callback of ours, where this may be, all events are off, unless sys.call_tracing() has them on. */
void
watch_release(PyObject *value)
{
    enum { DEPTH = 2 };
    PyObject *type, *error, *traceback;
    if (value == NULL || !compat_is_last_reference(value) || peek_is_plain(value, DEPTH)) {
        Py_XDECREF(value);
        return;
    }
    PyErr_Fetch(&type, &error, &traceback);
    PyObject *call = PySys_GetObject("call_tracing"); /* borrowed */
    PyObject *list = PyList_New(0), *none = PyTuple_New(0);
    PyObject *clear = list == NULL || PyList_Append(list, value) < 0 ? NULL : PyObject_GetAttrString(list, "clear");
    Py_DECREF(value);
    if (call != NULL && PyCFunction_Check(call) && clear != NULL && none != NULL) {
        Py_XDECREF(PyObject_CallFunctionObjArgs(call, clear, none, NULL));
    }
    Py_XDECREF(clear);
    Py_XDECREF(none);
    Py_XDECREF(list);
    PyErr_Clear();
    PyErr_Restore(type, error, traceback);
}

void
watch_refresh(Watches *all)
{
    for (Py_ssize_t i = 0; i < all->count; i++) {
        PyObject *value;
        Watch *watch = (Watch *)Py_NewRef((PyObject *)all->list[i]);
        if (!watch->touched && watch->due == 0 && !(watch->kind == WATCH_VARIABLE && watch_is_hidden(watch))) {
            int found = watch_probe(watch, &value);
            if (found == 0 || found == 1) {
                PyObject *old = watch->value;
                watch->value = value;
                watch_release(old);
            }
            PyErr_Clear();
        }
        Py_DECREF((PyObject *)watch);
    }
}

void
watch_sweep(Watches *all)
{
    for (Py_ssize_t i = all->count; i-- > 0;) {
        Watch *watch = i < all->count ? all->list[i] : NULL;
        if (watch != NULL && watch->frame != NULL && compat_is_last_reference(watch->frame)) {
            watch_end(watch);
        }
    }
}

/* ---- the list ---- */

static Watches *
watch_all(ModuleState *state)
{
    Watches *all = state->watches;
    if (all == NULL) {
        all = PyMem_Calloc(1, sizeof *all);
        if (all == NULL) {
            PyErr_NoMemory();
            return NULL;
        }
        all->state = state;
        all->module = PyType_GetModule(state->watch_type); /* borrowed */
        all->watcher = -1;
        state->watches = watch_process = all;
    }
    return all;
}

static int
watch_append(Watches *all, Watch *watch)
{
    Watch **list = PyMem_Realloc(all->list, (size_t)(all->count + 1) * sizeof(Watch *));
    if (list == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    all->list = list;
    list[all->count++] = (Watch *)Py_NewRef((PyObject *)watch);
    watch->number = ++all->last;
    return 0;
}

/* Let go of what is watched. */
static void
watch_let_go(Watch *watch)
{
    if (watch->way == WAY_DICT) {
        watch->object = NULL; /* borrowed */
    }
    watch->way = WAY_NONE;
    watch->state = NULL;
    Py_CLEAR(watch->object);
    Py_CLEAR(watch->weak);
    Py_CLEAR(watch->frame);
    Py_CLEAR(watch->code);
    PyObject *value = watch->value;
    watch->value = NULL;
    Py_CLEAR(watch->slot);
    PyMem_Free(watch->hidden);
    PyMem_Free(watch->lines);
    watch->hidden = NULL;
    watch->lines = NULL;
    watch->hidden_count = 0;
    watch_release(value);
}

void
watch_remove(Watch *watch)
{
    PyObject *type, *value, *traceback;
    Watches *all = watch->state == NULL ? NULL : watch->state->watches;
    if (all == NULL) {
        return;
    }
    bool listed = false; /* with HOOKING=0 it is not */
    PyErr_Fetch(&type, &value, &traceback);
    for (Py_ssize_t i = 0; !listed && i < all->count; i++) {
        listed = all->list[i] == watch;
        if (listed) {
            memmove(all->list + i, all->list + i + 1, (size_t)(all->count - i - 1) * sizeof(Watch *));
            all->count--;
        }
    }
    watch->state = NULL;
    switch (watch->way) { /* each looks at those that are left */
    case WAY_DICT:
        watch_dict_stop(all, watch);
        break;
    case WAY_CODE:
        watch_code_stop(all, watch);
        break;
    case WAY_TRACE:
        watch_trace_stop(all, watch);
        break;
    case WAY_NONE:
        break;
    }
    watch_let_go(watch);
    if (listed) {
        Py_DECREF((PyObject *)watch);
    }
    PyErr_Clear();
    PyErr_Restore(type, value, traceback);
}

/* Does a word that the user has typed mean it? */
static int
watch_is_meant(Watch *watch, PyObject *which)
{
    if (which == (PyObject *)watch) {
        return 1;
    }
    if (PyLong_Check(which)) {
        return PyLong_AsLong(which) == watch->number;
    }
    return PyUnicode_Check(which)
           && (PyUnicode_CompareWithASCIIString(which, "all") == 0 || PyUnicode_Compare(which, watch->text) == 0);
}

Py_ssize_t
watch_remove_named(ModuleState *state, PyObject *which)
{
    Watches *all = state->watches;
    Py_ssize_t removed = 0;
    for (Py_ssize_t i = all == NULL ? 0 : all->count; i-- > 0;) {
        if (i < all->count && watch_is_meant(all->list[i], which)) {
            watch_remove(all->list[i]);
            removed++;
        }
    }
    PyErr_Clear(); /* a number that is too large */
    if (removed == 0 && !entry_is_off(state)
        && !(PyUnicode_Check(which) && PyUnicode_CompareWithASCIIString(which, "all") == 0)) {
        PyErr_Format(PyExc_ValueError, "no watch %S: `watch` alone lists those that there are", which);
        return -1;
    }
    return removed;
}

/* ---- setting ---- */

/* A condition is compiled now, so that its SyntaxError comes now. */
static int
watch_take_condition(Watch *watch, PyObject *when)
{
    if (when == NULL) {
        return 0;
    }
    if (!PyUnicode_Check(when)) {
        watch->when = Py_NewRef(when);
        return 0;
    }
    PyObject *bytes = PyUnicode_AsUTF8String(when);
    watch->when = bytes == NULL ? NULL : go_condition(PyBytes_AsString(bytes));
    Py_XDECREF(bytes);
    return watch->when == NULL ? -1 : 0;
}

/* Can another thing than a dict watcher tell of it? Then it is held weakly, if it can be. */
static void
watch_hold_weakly(Watch *watch)
{
    if (watch->object != NULL) {
        watch->weak = PyWeakref_NewRef(watch->object, NULL);
        if (watch->weak != NULL) {
            Py_CLEAR(watch->object);
        }
        PyErr_Clear();
    }
}

/* By which mechanism? */
static int
watch_start(Watches *all, Watch *watch)
{
    bool monitors = monitoring_is_there();
    if (watch->read && (watch->kind != WATCH_KEY || watch->after != 0)) {
        PyErr_Format(PyExc_ValueError, "%U is no global: only of globals it is known when they are read", watch->text);
        return -1;
    }
    if (watch->read) {
        watch->after = AFTER_READ;
    }
    else if (watch->kind == WATCH_KEY && monitors && compat_has_dict_watchers()
             && !watch->untold) {
        if (watch_dict_start(all, watch) == 0) {
            return 0;
        }
        if (!PyErr_ExceptionMatches(PyExc_RuntimeError)) {
            return -1;
        }
        PyErr_Clear(); /* all dict watchers, or all tools, are taken */
        watch->after = watch->after == 0 ? 0 : watch->after;
    }
    watch_hold_weakly(watch);
    if (monitors && watch->after != 0) {
        if (watch_code_start(all, watch) == 0) {
            return 0;
        }
        if (watch->read || !PyErr_ExceptionMatches(PyExc_RuntimeError)) {
            return -1;
        }
        PyErr_Clear();
    }
    return watch_trace_start(all, watch);
}

static Watch *
watch_new(ModuleState *state, Namespace *ns, const WatchAsk *ask)
{
    Watch *watch = (Watch *)PyType_GenericAlloc(state->watch_type, 0);
    PyObject *value;
    if (watch == NULL) {
        return NULL;
    }
    watch->state = state;
    watch->text = Py_NewRef(ask->text);
    watch->call = Py_XNewRef(ask->call);
    watch->read = ask->read;
    if (watch_take_condition(watch, ask->when) < 0 || watch_target(watch, ns, ask->text) < 0
        || watch_probe(watch, &value) < 0) {
        Py_DECREF((PyObject *)watch);
        return NULL;
    }
    watch->value = value;
    return watch;
}

Watch *
watch_add(ModuleState *state, Namespace *ns, const WatchAsk *ask)
{
    if (state->subinterpreter) {
        PyErr_SetString(PyExc_RuntimeError, "no watch: this is a subinterpreter");
        return NULL;
    }
    Watches *all = opcodes_init() < 0 ? NULL : watch_all(state);
    Watch *watch = all == NULL ? NULL : watch_new(state, ns, ask);
    if (watch == NULL) {
        return NULL;
    }
    watch_sweep(all);
    if (entry_is_off(state)) { /* nothing would ever end it: it is the caller's alone */
        watch->number = ++all->last;
        Py_CLEAR(watch->object);
        Py_CLEAR(watch->frame);
        Py_CLEAR(watch->value);
        return watch;
    }
    if (watch_append(all, watch) == 0) {
        if (watch_start(all, watch) == 0) {
            return watch;
        }
        watch_remove(watch);
        all->last--;
    }
    Py_DECREF((PyObject *)watch);
    return NULL;
}

/* ---- noticing ---- */

void
watch_place_clear(WatchPlace *place)
{
    Py_CLEAR(place->file);
    Py_CLEAR(place->function);
}

int
watch_place_of(PyObject *frame, WatchPlace *place)
{
    *place = (WatchPlace){.file = frame_filename(frame), .function = frame_function(frame), .line = frame_line(frame)};
    if (place->file == NULL || place->function == NULL) {
        watch_place_clear(place);
        return -1;
    }
    return 0;
}

int
watch_compare(Watch *watch, WatchPlace *place)
{
    PyObject *value;
    int ret = 0;
    int found = watch->kind == WATCH_VARIABLE && watch_is_hidden(watch) ? -2 : watch_probe(watch, &value);
    if (found == WATCH_GONE) {
        watch_end(watch);
    }
    else if (found == -1) {
        PyErr_Clear(); /* of the key's __eq__(): the program's own accesses will raise it too */
    }
    else if (found >= 0) {
        PyObject *old = watch->value;
        watch->value = value; /* the watch owns it now, and `old` is ours */
        if (watch_differs(old, value)) {
            ret = watch_hit(watch, old, value, place);
        }
        watch_release(old);
    }
    watch_place_clear(place);
    return ret;
}

int
watch_was_read(Watch *watch, WatchPlace *place)
{
    PyObject *value;
    int found = watch_probe(watch, &value);
    int ret = found == -1 ? -1 : found == WATCH_GONE ? 0 : watch_hit(watch, value, value, place);
    if (found == WATCH_GONE) {
        watch_end(watch);
    }
    Py_XDECREF(value);
    watch_place_clear(place);
    return ret;
}

void
watch_end(Watch *watch)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    Py_INCREF((PyObject *)watch);
    PyObject *function = watch->code == NULL ? NULL : PyObject_GetAttrString(watch->code, "co_name");
    if (watch->state != NULL && watch->call == NULL && !compat_is_finalizing()) {
        if (function != NULL) {
            PySys_FormatStderr("watch %ld: %U is gone: its call of %U() has ended\n", watch->number, watch->text,
                               function);
        }
        else {
            PySys_FormatStderr("watch %ld: %U is gone: what it was in is no more\n", watch->number, watch->text);
        }
    }
    Py_XDECREF(function);
    watch_remove(watch);
    Py_DECREF((PyObject *)watch);
    PyErr_Clear();
    PyErr_Restore(type, value, traceback);
}

/* ---- the state ---- */

int
watch_visit(ModuleState *state, visitproc visit, void *arg)
{
    Watches *all = state->watches;
    for (Py_ssize_t i = 0; all != NULL && i < all->count; i++) {
        Py_VISIT(all->list[i]);
    }
    return 0;
}

void
watch_clear(ModuleState *state)
{
    Watches *all = state->watches;
    if (all == NULL) {
        return;
    }
    while (all->count > 0) {
        watch_remove(all->list[all->count - 1]);
    }
    state->watches = NULL;
    if (watch_process == all) {
        watch_process = NULL;
    }
    watch_quiet_clear(all);
    PyMem_Free(all->list);
    PyMem_Free(all);
}
