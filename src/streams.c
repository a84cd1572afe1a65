/* Output of the program while a prompt waits, see streams.h.
 *
 * An attribute `write` of the stream object itself comes before the one of its class, for print(), logging and warnings
 * alike, and takes no descriptor or object away from anybody: what holds the stream holds the same one as before.
 */
#include "streams.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "term.h"

/* The write() of the stream's class. */
static PyObject *
streams_write_through(PyObject *stream, PyObject *text)
{
    PyObject *write = PyObject_GetAttrString((PyObject *)Py_TYPE(stream), "write");
    PyObject *result = write == NULL ? NULL : PyObject_CallFunctionObjArgs(write, stream, text, NULL);
    Py_XDECREF(write);
    return result;
}

/* What to show of a line that is not finished: a progress bar writes itself anew behind each carriage return, also one
 * that it ends with, which is kept for what follows. New reference to bytes, or NULL without an exception. */
static PyObject *
streams_partial(PyObject *whole, Py_ssize_t start)
{
    Py_ssize_t length = PyUnicode_GetLength(whole);
    while (length > start && PyUnicode_ReadChar(whole, length - 1) == '\r') {
        length--;
    }
    Py_ssize_t back = PyUnicode_FindChar(whole, '\r', start, length, -1);
    PyObject *tail = PyUnicode_Substring(whole, back >= 0 ? back + 1 : start, PyUnicode_GetLength(whole));
    PyObject *bytes = tail == NULL ? NULL : PyUnicode_EncodeFSDefault(tail);
    PyErr_Clear();
    Py_XDECREF(tail);
    return bytes;
}

/* The text with the line before it that was not finished. New reference. */
static PyObject *
streams_whole(const char *before, PyObject *text)
{
    PyObject *start = PyUnicode_DecodeFSDefault(before);
    PyObject *whole = start == NULL ? NULL : PyUnicode_Concat(start, text);
    Py_XDECREF(start);
    return whole;
}

/* write() between two prompts. The stream writes with the GIL released, and one that appears meanwhile is to be drawn
 * below what it writes. */
static PyObject *
streams_write_between(PyObject *stream, PyObject *text)
{
    free(term_give_way());
    PyObject *result = streams_write_through(stream, text);
    term_take_place("");
    return result;
}

/* write(): self is the stream. The lines that are finished go to it, the rest is shown by the terminal until it is. */
static PyObject *
streams_write(PyObject *self, PyObject *text)
{
    if (!PyUnicode_Check(text) || !term_is_reading()) {
        return streams_write_between(self, text);
    }
    PyObject *result = NULL, *flushed = NULL, *partial = NULL, *lines = NULL;
    Py_ssize_t end = 0;
    char *before = term_give_way(); /* from here on other threads may run, but none draws */
    PyObject *whole = streams_whole(before == NULL ? "" : before, text);
    if (whole != NULL) {
        end = PyUnicode_FindChar(whole, '\n', 0, PyUnicode_GetLength(whole), -1) + 1;
        lines = PyUnicode_Substring(whole, 0, end);
    }
    if (lines != NULL) {
        result = streams_write_through(self, lines);
    }
    if (result != NULL) {
        flushed = PyObject_CallMethod(self, "flush", NULL);
    }
    if (flushed != NULL) {
        partial = streams_partial(whole, end);
        Py_SETREF(result, PyLong_FromSsize_t(PyUnicode_GetLength(text)));
    }
    else {
        Py_CLEAR(result);
    }
    /* After an error, what stood there before is still to be shown. */
    term_take_place(partial != NULL ? PyBytes_AsString(partial) : result == NULL && before != NULL ? before : "");
    free(before);
    Py_XDECREF(partial);
    Py_XDECREF(flushed);
    Py_XDECREF(lines);
    Py_XDECREF(whole);
    return result;
}

static PyMethodDef write_method = {"write", streams_write, METH_O, NULL};

int
streams_terminal_of(PyObject *stream)
{
    if (stream == NULL || stream == Py_None) {
        return -1;
    }
    PyObject *number = PyObject_CallMethod(stream, "fileno", NULL);
    int fd = number != NULL && PyLong_Check(number) ? (int)PyLong_AsLong(number) : -1;
    PyErr_Clear();
    Py_XDECREF(number);
    return fd >= 0 && isatty(fd) ? fd : -1;
}

int
streams_is_on(PyObject *stream, int terminal)
{
    struct stat here, there;
    int fd = streams_terminal_of(stream);
    if (fd < 0 || fstat(terminal, &here) < 0 || fstat(fd, &there) < 0) {
        return 0;
    }
    /* /dev/tty is a device of its own, and another name of the controlling terminal, which answers this. */
    return here.st_rdev == there.st_rdev || (tcgetpgrp(terminal) >= 0 && tcgetpgrp(fd) >= 0);
}

static int
streams_has(const Streams *streams, PyObject *stream)
{
    for (int i = 0; i < streams->count; i++) {
        if (streams->taken[i] == stream) {
            return 1;
        }
    }
    return 0;
}

void
streams_take(Streams *streams, int terminal)
{
    static const char *const names[STREAMS_MOST] = {"stdout", "stderr", "__stdout__", "__stderr__"};
    PyObject *io = compat_import("io");
    PyObject *type = io == NULL ? NULL : PyObject_GetAttrString(io, "TextIOWrapper");
    streams->count = 0;
    for (int i = 0; type != NULL && i < STREAMS_MOST; i++) {
        PyObject *stream = PySys_GetObject(names[i]);
        if (stream == NULL || (PyObject *)Py_TYPE(stream) != type || streams_has(streams, stream)
            || !streams_is_on(stream, terminal)) {
            continue;
        }
        PyObject *write = PyCFunction_New(&write_method, stream);
        if (write != NULL && PyObject_SetAttrString(stream, "write", write) == 0) {
            streams->taken[streams->count++] = Py_NewRef(stream);
            /* What another thread is just writing holds a lock, which this waits for. */
            PyObject *none = PyObject_CallMethod(stream, "flush", NULL);
            Py_XDECREF(none);
        }
        PyErr_Clear();
        Py_XDECREF(write);
    }
    PyErr_Clear();
    Py_XDECREF(type);
    Py_XDECREF(io);
}

/* Is its write() still ours? The program may have set another one meanwhile. */
static int
streams_is_ours(PyObject *stream)
{
    PyObject *write = PyObject_GetAttrString(stream, "write");
    int ours = write != NULL && PyCFunction_Check(write) && PyCFunction_GetFunction(write) == streams_write;
    PyErr_Clear();
    Py_XDECREF(write);
    return ours;
}

void
streams_give_back(Streams *streams)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    for (int i = 0; i < streams->count; i++) {
        if (streams_is_ours(streams->taken[i])) {
            PyObject_SetAttrString(streams->taken[i], "write", NULL);
        }
        Py_CLEAR(streams->taken[i]);
    }
    streams->count = 0;
    PyErr_Clear();
    PyErr_Restore(type, value, traceback);
}
