/* A watchpoint is met: see watch_hit.h. All that is done here is done at an instruction's beginning, where a call of
 * any function would be in order. */
#include "watch_hit.h"

#include "await.h"
#include "compat.h"
#include "entry.h"
#include "frame.h"
#include "namespace.h"
#include "source.h"

#include <stdio.h>

PyObject *
watch_unbound(ModuleState *state)
{
    return state->watch_unbound;
}

/* Control characters could write over the rest: escapes stand for them. Takes the reference. */
static PyObject *
hit_without_controls(PyObject *text)
{
    enum { DELETE = 0x7f, LAST_CONTROL = 0x9f };
    for (Py_UCS4 c = 0; text != NULL && c <= LAST_CONTROL; c = c == ' ' - 1 ? DELETE : c + 1) {
        if (PyUnicode_FindChar(text, c, 0, PyUnicode_GetLength(text), 1) < 0) {
            continue;
        }
        PyObject *there = PyUnicode_FromFormat("%c", (int)c), *escape = PyUnicode_FromFormat("\\x%02x", (int)c);
        Py_SETREF(text, there == NULL || escape == NULL ? NULL : PyUnicode_Replace(text, there, escape, -1));
        Py_XDECREF(escape);
        Py_XDECREF(there);
    }
    return text;
}

PyObject *
watch_show(PyObject *value)
{
    enum { LONGEST = 200 };
    if (value == NULL) {
        return PyUnicode_FromString("(unbound)");
    }
    PyObject *text = PyObject_Repr(value);
    if (text == NULL) { /* of SystemExit too: it would end the program, which has not asked for the text */
        PyErr_Clear();
        PyObject *type = PyType_GetName(Py_TYPE(value));
        text = type == NULL ? NULL : PyUnicode_FromFormat("<%U object, whose repr() fails>", type);
        Py_XDECREF(type);
    }
    if (text == NULL) {
        return NULL;
    }
    Py_ssize_t length = PyUnicode_GetLength(text);
    Py_ssize_t end = PyUnicode_FindChar(text, '\n', 0, length, 1);
    if (end < 0 && length <= LONGEST) {
        return hit_without_controls(text);
    }
    PyObject *start = PyUnicode_Substring(text, 0, end < 0 || end > LONGEST ? LONGEST : end);
    Py_SETREF(text, start == NULL ? NULL : PyUnicode_FromFormat("%U ...", start));
    Py_XDECREF(start);
    return hit_without_controls(text);
}

/* "2 hits, when it is read, if total > 3, off": what is to be said of it in brackets. */
static PyObject *
hit_remarks(const Watch *watch)
{
    const char *of = watch->hits == 1 ? "" : "s", *read = watch->read ? ", when it is read" : "";
    const char *off = watch->way == WAY_NONE ? ", off: HOOKING=0" : "";
    if (watch->when == NULL) {
        return PyUnicode_FromFormat("%ld hit%s%s%s", watch->hits, of, read, off);
    }
    PyObject *when = PyTuple_CheckExact(watch->when) ? PyTuple_GetItem(watch->when, 0) : watch->when;
    return PyUnicode_FromFormat("%ld hit%s%s, if %S%s", watch->hits, of, read, when, off);
}

PyObject *
watch_describe(Watch *watch)
{
    PyObject *value, *text = NULL;
    int found = watch_probe(watch, &value);
    PyErr_Clear();
    PyObject *shown = found == WATCH_GONE ? PyUnicode_FromString("(gone)") : watch_show(value);
    PyObject *remarks = shown == NULL ? NULL : hit_remarks(watch);
    if (remarks != NULL) {
        text = PyUnicode_FromFormat("%ld: %U = %U  (%U)", watch->number, watch->text, shown, remarks);
    }
    Py_XDECREF(remarks);
    Py_XDECREF(shown);
    Py_XDECREF(value);
    return text;
}

/* ---- the condition ---- */

/* The names that it sees besides those of the frame. */
static int
hit_bind(PyObject *mapping, Namespace *ns, const char *name, PyObject *value)
{
    PyObject *key = PyUnicode_FromString(name);
    int ret = key == NULL ? -1 : ns != NULL ? scope_set(ns, key, value) : PyDict_SetItem(mapping, key, value);
    Py_XDECREF(key);
    return ret;
}

/* The function's variables that an expression names, or all of them where it can ask for them by other means, into a
 * dict. That of f_locals is brought up to date when it is asked for, before 3.13: the program may hold it as what
 * locals() has returned. */
static int
hit_take_variables(PyObject *frame, PyObject *code, PyObject *names)
{
    PyObject *used = PyObject_GetAttrString(code, "co_names");
    PyObject *slots = NULL;
    int ret = used == NULL ? -1 : 0;
    for (Py_ssize_t i = 0; ret == 0 && i < PyTuple_Size(used); i++) {
        PyObject *name = PyTuple_GetItem(used, i), *value = NULL; /* borrowed */
        if (PyUnicode_CompareWithASCIIString(name, "old") == 0 || PyUnicode_CompareWithASCIIString(name, "new") == 0) {
            continue; /* those of the watch hide them */
        }
        slots = slots == NULL ? frame_slot_names(frame) : slots;
        int found = slots == NULL ? -1 : PySet_Contains(slots, name);
        found = found <= 0 ? found : compat_frame_get(frame, name, 1, &value);
        ret = found < 0 ? -1 : found == 0 ? 0 : PyDict_SetItem(names, name, value);
        Py_XDECREF(value);
    }
    Py_XDECREF(slots);
    Py_XDECREF(used);
    return ret;
}

/* Does it name a function that could ask for all variables? */
static int
hit_asks_for_all(PyObject *code)
{
    static const char *const asking[] = {"locals", "vars", "dir", "eval", "exec", "_getframe", "currentframe"};
    PyObject *used = PyObject_GetAttrString(code, "co_names");
    int ret = used == NULL ? -1 : 0;
    for (Py_ssize_t i = 0; ret == 0 && i < PyTuple_Size(used); i++) {
        for (size_t j = 0; j < sizeof asking / sizeof *asking; j++) {
            ret |= PyUnicode_CompareWithASCIIString(PyTuple_GetItem(used, i), asking[j]) == 0;
        }
    }
    Py_XDECREF(used);
    return ret;
}

/* What a frame binds, into a dict: but what is global. */
static int
hit_take_names(PyObject *frame, PyObject *code, PyObject *globals, PyObject *names)
{
    int optimized = frame_is_optimized(frame), asks = optimized < 0 ? -1 : hit_asks_for_all(code);
    if (asks < 0) {
        return -1;
    }
    if (optimized && !asks) {
        return hit_take_variables(frame, code, names);
    }
    PyObject *locals = PyObject_GetAttrString(frame, "f_locals");
    int ret = locals == NULL ? -1 : locals == globals ? 0 : PyDict_Update(names, locals);
    Py_XDECREF(locals);
    return ret;
}

/* An expression without scopes of its own: quick. New reference. */
static PyObject *
hit_eval_code(PyObject *frame, PyObject *code, PyObject *old, PyObject *new)
{
    PyObject *value = NULL;
    PyObject *globals = frame_globals(frame);
    PyObject *names = PyDict_New();
    if (globals == NULL || names == NULL || hit_take_names(frame, code, globals, names) < 0
        || hit_bind(names, NULL, "old", old) < 0 || hit_bind(names, NULL, "new", new) < 0) {
        goto done;
    }
    value = PyEval_EvalCode(code, globals, names);
done:
    Py_XDECREF(names);
    Py_XDECREF(globals);
    return value;
}

/* The lines of inputs are kept for tracebacks. Of a condition that is asked in a loop there would be no end of them. */
static void
hit_forget_lines(const ModuleState *state, unsigned long before)
{
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    PyObject *linecache = compat_import("linecache");
    PyObject *cache = linecache == NULL ? NULL : PyObject_GetAttrString(linecache, "cache");
    for (unsigned long input = before + 1; cache != NULL && input <= state->inputs; input++) {
        PyObject *name = PyUnicode_FromFormat("<hook-%lu>", input);
        if (name == NULL || PyObject_DelItem(cache, name) < 0) {
            PyErr_Clear();
        }
        Py_XDECREF(name);
    }
    Py_XDECREF(cache);
    Py_XDECREF(linecache);
    PyErr_Clear();
    PyErr_Restore(type, error, traceback);
}

static PyObject *
hit_eval_in_scope(ModuleState *state, PyObject *frame, PyObject *text, PyObject *old, PyObject *new)
{
    unsigned long before = state->inputs;
    PyObject *runner = NULL, *value = NULL;
    PyObject *shared = PyDict_New();
    Namespace *ns = shared == NULL ? NULL : scope_new(state, frame, shared, 0);
    if (ns != NULL && hit_bind(NULL, ns, "old", old) == 0 && hit_bind(NULL, ns, "new", new) == 0) {
        value = source_eval(state, ns, text, &runner);
    }
    await_close(&runner);
    hit_forget_lines(state, before);
    if (ns != NULL) {
        scope_close(ns);
    }
    Py_XDECREF((PyObject *)ns);
    Py_XDECREF(shared);
    return value;
}

/* Its value: a new reference, NULL with an exception. */
static PyObject *
hit_ask(Watch *watch, PyObject *frame, PyObject *old, PyObject *new)
{
    ModuleState *state = watch->state;
    PyObject *when = Py_NewRef(watch->when), *value;
    if (!PyTuple_CheckExact(when)) {
        value = PyObject_CallFunctionObjArgs(when, old, new, NULL);
    }
    else if (PyTuple_GetItem(when, 1) != Py_None) {
        value = hit_eval_code(frame, PyTuple_GetItem(when, 1), old, new);
    }
    else {
        value = hit_eval_in_scope(state, frame, PyTuple_GetItem(when, 0), old, new);
    }
    Py_DECREF(when);
    return value;
}

/* Does it hold? 1 when it does or fails (then *complaint tells), 0, -1. */
static int
hit_holds(Watch *watch, PyObject *frame, PyObject *old, PyObject *new, PyObject **complaint)
{
    PyObject *value = hit_ask(watch, frame, old, new);
    int ret = value == NULL ? -1 : PyObject_IsTrue(value);
    Py_XDECREF(value);
    if (ret < 0 && watch->call == NULL && PyErr_ExceptionMatches(PyExc_Exception)) {
        PyObject *type, *error, *traceback;
        PyErr_Fetch(&type, &error, &traceback);
        PyErr_NormalizeException(&type, &error, &traceback);
        PyObject *text = PyTuple_CheckExact(watch->when) ? PyTuple_GetItem(watch->when, 0) : watch->when;
        *complaint = PyUnicode_FromFormat("the condition of watch %ld fails: if %S: %R", watch->number, text, error);
        ret = *complaint == NULL ? -1 : 1;
        Py_XDECREF(type);
        Py_XDECREF(error);
        Py_XDECREF(traceback);
    }
    return ret;
}

/* ---- the console ---- */

static PyObject *
hit_banner(const Watch *watch, const WatchHit *hit)
{
    PyObject *was = watch_show(hit->old), *is = was == NULL ? NULL : watch_show(hit->new), *banner = NULL;
    const char *done = watch->read ? "Read" : "Changed";
    if (is != NULL && watch->read) {
        banner = PyUnicode_FromFormat("watch %ld: %U  %U\n", watch->number, watch->text, is);
    }
    else if (is != NULL) {
        banner = PyUnicode_FromFormat("watch %ld: %U  %U -> %U\n", watch->number, watch->text, was, is);
    }
    if (banner != NULL) {
        Py_SETREF(banner, PyUnicode_FromFormat("%U%s at %U:%d in %U", banner, done, hit->place.file, hit->place.line,
                                               hit->place.function));
    }
    Py_XDECREF(was);
    Py_XDECREF(is);
    return banner;
}

static int
hit_open(ModuleState *state, Watch *watch, PyObject *frame, PyObject *complaint, const WatchHit *hit)
{
    char what[40];
    ConsoleEnd end = {0};
    if (entry_is_off(state)) {
        return 0;
    }
    PyObject *banner = hit_banner(watch, hit), *handled = PyErr_GetHandledException();
    ConsoleStart start = {.frame = frame, .exception = handled, .banner = banner, .complaint = complaint,
                          .overwrite = 1, .ways = WAYS_WATCH, .unopened = &watch->warned, .wanted = &watch->state};
    snprintf(what, sizeof what, "watch %ld", watch->number);
    int ret = banner == NULL ? -1 : entry_run(state, &start, what, &end);
    Py_XDECREF(handled);
    Py_XDECREF(banner);
    return ret;
}

/* What is to be done about it. `was`, `is`: what a callable gets for the values. */
static int
hit_act(ModuleState *state, PyObject *frame, PyObject *was, PyObject *is, const WatchHit *hit)
{
    Watch *watch = (Watch *)hit->watch;
    PyObject *complaint = NULL;
    int ret = watch->when == NULL ? 1 : hit_holds(watch, frame, was, is, &complaint);
    if (ret <= 0 || watch->state == NULL) { /* while it was asked, it was taken away */
        goto done;
    }
    watch->hits++;
    watch_place_clear(&watch->met);
    watch->met = (WatchPlace){Py_XNewRef(hit->place.file), Py_XNewRef(hit->place.function), hit->place.line};
    if (watch->call == NULL) {
        ret = hit_open(state, watch, frame, complaint, hit);
    }
    else {
        PyObject *call = Py_NewRef(watch->call);
        watch_quiet_note(state->watches, *hit);
        PyObject *result = PyObject_CallFunctionObjArgs(call, was, is, watch, NULL);
        ret = result == NULL ? -1 : 0;
        Py_XDECREF(result);
        Py_DECREF(call);
        watch_quiet_note(state->watches, (WatchHit){0});
    }
done:
    Py_XDECREF(complaint);
    return ret < 0 ? -1 : 0;
}

int
watch_hit(Watch *watch, PyObject *old, PyObject *new, const WatchPlace *place)
{
    ModuleState *state = watch->state;
    PyObject *frame = frame_current();
    WatchHit hit = {watch, old, new, *place};
    if (state == NULL || frame == NULL || compat_is_finalizing()) {
        Py_XDECREF(frame);
        return 0;
    }
    PyObject *was = old != NULL ? old : watch_unbound(state), *is = new != NULL ? new : watch_unbound(state);
    Py_INCREF((PyObject *)watch); /* it may be taken away at the prompt */
    Py_INCREF(was);
    Py_INCREF(is);
    unsigned long quiet = watch_quiet(state);
    int ret = hit_act(state, frame, was, is, &hit);
    watch_loud(state, quiet);
    Py_DECREF(frame);
    Py_DECREF(was);
    Py_DECREF(is);
    Py_DECREF((PyObject *)watch);
    return ret;
}
