/* Watches by a trace function in C, which compares at each line: before 3.12, and where sys.monitoring has no place
 * left. It hears of its own thread alone. */
#include "watch.h"

#include "compat.h"
#include "frame.h"
#include "opcodes.h"

/* ---- which lines store a variable: to ask a frame for one takes long ---- */

/* Do instructions of a range store it? */
static bool
lines_store(const unsigned char *bytes, Py_ssize_t size, Py_ssize_t from, Py_ssize_t to, unsigned variable)
{
    bool stores = false;
    while (!stores && from < to && from < size) {
        Instruction i = opcodes_at(bytes, size, from);
        stores = opcodes_stores(&i, variable);
        from = i.next;
    }
    return stores;
}

/* Go through the ranges of lines, (start, end, line): put the lines that store it into a set, or mark their ranges. */
static int
lines_each(Watch *watch, PyObject *bytes, unsigned variable, PyObject *set, bool mark)
{
    const unsigned char *text = (unsigned char *)PyBytes_AsString(bytes);
    PyObject *ranges = PyObject_CallMethod(watch->code, "co_lines", NULL), *range;
    while (ranges != NULL && (range = PyIter_Next(ranges)) != NULL) {
        int from, to, found = -1;
        PyObject *line;
        if (PyArg_ParseTuple(range, "iiO", &from, &to, &line)) {
            found = mark ? PySet_Contains(set, line) : lines_store(text, PyBytes_Size(bytes), from, to, variable);
        }
        if (found > 0 && !mark) {
            found = PySet_Add(set, line);
        }
        for (Py_ssize_t at = from; mark && found > 0 && at < to && at / 2 < watch->lines_size; at += 2) {
            watch->lines[at / 2] = 1;
        }
        Py_DECREF(range);
        if (found < 0) {
            Py_DECREF(ranges);
            return -1;
        }
    }
    Py_XDECREF(ranges);
    return ranges == NULL || PyErr_Occurred() ? -1 : 0;
}

static int
lines_find(Watch *watch)
{
    int ret = -1;
    PyObject *set = PySet_New(NULL);
    PyObject *names = PyObject_GetAttrString(watch->code, "co_varnames");
    PyObject *bytes = PyObject_GetAttrString(watch->code, "co_code");
    Py_ssize_t variable = names == NULL ? -1 : PySequence_Index(names, watch->name);
    if (set == NULL || bytes == NULL || variable < 0) {
        goto done;
    }
    watch->traced_at = -1;
    watch->lines_size = PyBytes_Size(bytes) / 2;
    watch->lines = PyMem_Calloc((size_t)watch->lines_size + 1, 1);
    if (watch->lines == NULL) {
        PyErr_NoMemory();
        goto done;
    }
    if (lines_each(watch, bytes, (unsigned)variable, set, false) == 0) {
        ret = lines_each(watch, bytes, (unsigned)variable, set, true);
    }
done:
    Py_XDECREF(bytes);
    Py_XDECREF(names);
    Py_XDECREF(set);
    return ret;
}

/* Could the line before have changed it? The next one begins where the frame is now. */
static bool
lines_may_have(Watch *watch)
{
    Py_ssize_t before = watch->traced_at;
    watch->traced_at = compat_frame_lasti(watch->frame);
    return watch->lines == NULL || before < 0 || before / 2 >= watch->lines_size || watch->lines[before / 2] != 0;
}

/* ---- looking ---- */

/* Has the line before changed it? */
static bool
trace_is_met(Watch *watch)
{
    PyObject *value;
    if (watch->kind == WATCH_VARIABLE && watch_is_hidden(watch)) {
        return false;
    }
    int found = watch_probe(watch, &value);
    bool met = found == WATCH_GONE || (found >= 0 && value != watch->value);
    PyErr_Clear();
    Py_XDECREF(value);
    return met;
}

/* Do what is to be done about it. -1 with the exception that the program is to see. */
static int
trace_tell(Watches *all, Watch *watch)
{
    PyObject *code = all->traced;
    WatchPlace place = {.file = code == NULL ? NULL : PyObject_GetAttrString(code, "co_filename"),
                        .function = code == NULL ? NULL : PyObject_GetAttrString(code, "co_name")};
    if (place.file == NULL || place.function == NULL) { /* nothing was traced yet */
        PyErr_Clear();
        watch_place_clear(&place);
        PyObject *frame = frame_current();
        int ret = frame == NULL ? -1 : watch_place_of(frame, &place);
        Py_XDECREF(frame);
        if (ret < 0) {
            return -1;
        }
    }
    else {
        place.line = compat_code_line(code, all->traced_lasti);
    }
    return watch_compare(watch, &place);
}

static int
trace_look(Watches *all, PyObject *frame)
{
    int ret = 0;
    for (Py_ssize_t i = 0; i < all->count; i++) { /* all, before anything is done about one */
        Watch *watch = all->list[i];
        if (watch->way == WAY_TRACE && watch->after != AFTER_READ
            && (watch->after != AFTER_LOCAL || watch->frame == frame)) {
            watch->due = (watch->after != AFTER_LOCAL || lines_may_have(watch)) && trace_is_met(watch);
        }
    }
    for (Py_ssize_t i = 0; ret == 0 && i < all->count;) {
        Watch *watch = all->list[i];
        if (watch->way != WAY_TRACE || watch->after == AFTER_READ || watch->due == 0) {
            i++;
            continue;
        }
        Py_INCREF((PyObject *)watch);
        watch->due = 0;
        ret = trace_tell(all, watch);
        Py_DECREF((PyObject *)watch);
        i = 0; /* the list may be another now */
    }
    return ret;
}

/* What is found at the next event was done where the frame stands. NULL: it is not known. */
static void
trace_stand(Watches *all, PyObject *frame)
{
    PyObject *before = all->traced;
    all->traced = frame == NULL ? NULL : frame_code(frame);
    all->traced_lasti = frame == NULL ? -1 : compat_frame_lasti(frame);
    Py_XDECREF(before);
}

static int
trace_line(Watches *all, PyObject *frame)
{
    int ret = watch_read_tell(all) < 0 ? -1 : trace_look(all, frame);
    watch_read_line(all, frame);
    trace_stand(all, frame);
    return ret;
}

/* Does the frame give a value away and wait, as a generator or coroutine does? */
static bool
trace_yields(PyObject *frame)
{
    char *text;
    Py_ssize_t size;
    bool yields = false;
    PyObject *code = frame_code(frame);
    PyObject *bytes = PyObject_GetAttrString(code, "co_code");
    if (bytes != NULL && PyBytes_AsStringAndSize(bytes, &text, &size) == 0) {
        yields = opcodes_at((unsigned char *)text, size, compat_frame_lasti(frame)).opcode == OPCODE_YIELD_VALUE;
    }
    PyErr_Clear();
    Py_XDECREF(bytes);
    Py_DECREF(code);
    return yields;
}

/* What its caller does now has no line event of its own, if the line goes on. Any exception that is set stays. */
static void
trace_go_back(Watches *all, PyObject *frame)
{
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    PyObject *caller = frame_back(frame);
    trace_stand(all, caller);
    Py_XDECREF(caller);
    PyErr_Clear();
    PyErr_Restore(type, error, traceback);
}

/* A frame is left: with `value` NULL by an exception. */
static int
trace_return(Watches *all, PyObject *frame, PyObject *value)
{
    PyObject *type, *error, *traceback;
    int ret = watch_read_tell(all) < 0 ? -1 : trace_look(all, frame); /* what the last line has changed */
    PyErr_Fetch(&type, &error, &traceback);
    for (Py_ssize_t i = all->count; i-- > 0;) {
        if (i < all->count && all->list[i]->way == WAY_TRACE && all->list[i]->frame == frame
            && (value == NULL || !trace_yields(frame))) {
            watch_end(all->list[i]);
        }
    }
    if (all->tracing) { /* there are some left */
        trace_go_back(all, frame);
    }
    PyErr_Clear();
    PyErr_Restore(type, error, traceback);
    return ret;
}

static bool
trace_is_needed(const Watches *all)
{
    for (Py_ssize_t i = 0; i < all->count; i++) {
        if (all->list[i]->way == WAY_TRACE) {
            return true;
        }
    }
    return false;
}

static int
watch_on_trace(PyObject *Py_UNUSED(object), PyFrameObject *frame, int what, PyObject *value)
{
    Watches *all = watch_of_process();
    if (all == NULL || compat_is_finalizing()) {
        return 0;
    }
    if (!trace_is_needed(all)) { /* the last one was taken away in another thread */
        compat_set_trace(NULL);
        return 0;
    }
    if (watch_is_quiet(all)) {
        return 0;
    }
    switch (what) {
    case COMPAT_TRACE_LINE:
        return trace_line(all, (PyObject *)frame);
    case COMPAT_TRACE_INSTRUCTION:
        return watch_read_instruction(all, (PyObject *)frame);
    case COMPAT_TRACE_RETURN:
        return trace_return(all, (PyObject *)frame, value);
    default:
        return 0;
    }
}

/* Is somebody else tracing this thread? */
static int
trace_is_taken(void)
{
    PyObject *gettrace = PySys_GetObject("gettrace"); /* borrowed */
    PyObject *there = gettrace == NULL ? NULL : PyObject_CallNoArgs(gettrace);
    int taken = there == NULL ? -1 : there != Py_None;
    Py_XDECREF(there);
    return taken;
}

int
watch_trace_start(Watches *all, Watch *watch)
{
    int taken = trace_is_taken();
    /* each time: it may be another thread, or somebody may have set another function, and taken that away again */
    if (taken != 0 || compat_set_trace(watch_on_trace) < 0) {
        if (!PyErr_Occurred()) {
            PyErr_Format(PyExc_RuntimeError, "%U is not watched: %s", watch->text,
                         taken ? "a debugger or another tool traces this thread (sys.gettrace())"
                               : "this Python has no way to trace");
        }
        return -1;
    }
    if (!all->tracing) {
        PyObject *frame = frame_current();
        trace_stand(all, frame);
        Py_XDECREF(frame);
        all->tracing = true;
    }
    watch->way = WAY_TRACE;
    if (watch->after == AFTER_LOCAL && lines_find(watch) < 0) {
        return -1;
    }
    return 0;
}

void
watch_trace_stop(Watches *all, Watch *Py_UNUSED(watch))
{
    watch_read_stop(all);
    if (trace_is_needed(all)) {
        return;
    }
    if (all->tracing && trace_is_taken() == 0) { /* nobody has put another function in the place of ours */
        compat_set_trace(NULL);
    }
    PyErr_Clear();
    all->tracing = false;
    Py_CLEAR(all->traced);
}
