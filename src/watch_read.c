/* Watches of reading before 3.12, by the trace function of watch_trace.c: calls whose code names the global are
 * followed from instruction to instruction. What one has read is told at the next event of the thread. */
#include "watch.h"

#include "compat.h"
#include "frame.h"
#include "opcodes.h"

/* Is it one of these watches? */
static bool
read_is_for(const Watch *watch)
{
    return watch->way == WAY_TRACE && watch->after == AFTER_READ;
}

static void
read_follow(PyObject *frame, PyObject *follow)
{
    if (PyObject_SetAttrString(frame, "f_trace_opcodes", follow) < 0) {
        PyErr_Clear();
    }
}

/* Could code of that frame read the global by name? */
static bool
read_may(const Watch *watch, PyObject *frame)
{
    PyObject *globals = frame_globals(frame), *code = frame_code(frame);
    PyObject *names = code == NULL ? NULL : PyObject_GetAttrString(code, "co_names");
    bool may = globals == watch->object && names != NULL && PySequence_Contains(names, watch->name) > 0;
    PyErr_Clear();
    Py_XDECREF(globals);
    Py_XDECREF(code);
    Py_XDECREF(names);
    return may;
}

void
watch_read_line(Watches *all, PyObject *frame)
{
    for (Py_ssize_t i = 0; i < all->count; i++) {
        if (read_is_for(all->list[i]) && read_may(all->list[i], frame)) {
            read_follow(frame, Py_True);
            return;
        }
    }
}

/* The name of a global that the frame is about to read: borrowed from `names`; NULL without an exception. */
static PyObject *
read_name(PyObject *frame, PyObject *code, PyObject *names)
{
    char *text;
    Py_ssize_t size, number = -1;
    PyObject *bytes = PyObject_GetAttrString(code, "co_code");
    if (bytes != NULL && PyBytes_AsStringAndSize(bytes, &text, &size) == 0) {
        Instruction i = opcodes_at((unsigned char *)text, size, compat_frame_lasti(frame));
        bool reads = i.opcode == OPCODE_LOAD_GLOBAL || i.opcode == OPCODE_LOAD_NAME;
        number = reads ? opcodes_name(&i) : -1;
    }
    PyErr_Clear();
    Py_XDECREF(bytes);
    return number < 0 || number >= PyTuple_Size(names) ? NULL : PyTuple_GetItem(names, number);
}

/* Note what the frame is about to read, and where. */
static void
read_note(Watches *all, PyObject *frame)
{
    PyObject *globals = frame_globals(frame), *code = frame_code(frame);
    PyObject *names = code == NULL ? NULL : PyObject_GetAttrString(code, "co_names");
    PyObject *name = names == NULL ? NULL : read_name(frame, code, names);
    for (Py_ssize_t i = 0; name != NULL && i < all->count; i++) {
        Watch *watch = all->list[i];
        WatchPlace place;
        if (read_is_for(watch) && watch->object == globals && PyUnicode_Compare(name, watch->name) == 0
            && watch_place_of(frame, &place) == 0) {
            watch->due = PyThread_get_thread_ident();
            Py_SETREF(watch->file, place.file);
            Py_SETREF(watch->function, place.function);
            watch->line = place.line;
        }
    }
    PyErr_Clear();
    Py_XDECREF(globals);
    Py_XDECREF(code);
    Py_XDECREF(names);
}

int
watch_read_tell(Watches *all)
{
    int ret = 0;
    unsigned long thread = PyThread_get_thread_ident();
    for (Py_ssize_t i = 0; ret == 0 && i < all->count;) {
        Watch *watch = all->list[i];
        if (!read_is_for(watch) || watch->due != thread) {
            i++;
            continue;
        }
        WatchPlace place = {.file = watch->file, .function = watch->function, .line = watch->line};
        watch->file = watch->function = NULL;
        watch->due = 0;
        Py_INCREF((PyObject *)watch);
        ret = watch_was_read(watch, &place);
        Py_DECREF((PyObject *)watch);
        i = 0; /* the list may be another now */
    }
    return ret;
}

int
watch_read_instruction(Watches *all, PyObject *frame)
{
    int ret = watch_read_tell(all);
    if (ret == 0) {
        read_note(all, frame);
    }
    return ret;
}

void
watch_read_stop(const Watches *all)
{
    for (Py_ssize_t i = 0; i < all->count; i++) {
        if (read_is_for(all->list[i])) {
            return;
        }
    }
    PyObject *frame = frame_current();
    while (frame != NULL) { /* a debugger that comes later does not want these events */
        read_follow(frame, Py_False);
        Py_SETREF(frame, frame_back(frame));
    }
}
