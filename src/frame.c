/* Frames, see frame.h. */
#include "frame.h"

#include "compat.h"

enum { CODE_OPTIMIZED = 0x1 }; /* inspect.CO_OPTIMIZED */

PyObject *
frame_current(void)
{
    return Py_XNewRef((PyObject *)PyEval_GetFrame());
}

PyObject *
frame_back(PyObject *frame)
{
    PyObject *back = PyObject_GetAttrString(frame, "f_back");
    if (back == Py_None) {
        Py_CLEAR(back);
    }
    return back;
}

int
frame_is_under(PyObject *frame, PyObject *running)
{
    PyObject *at = Py_NewRef(running);
    while (at != NULL && at != frame) {
        Py_SETREF(at, frame_back(at));
    }
    int is = at != NULL ? 1 : PyErr_Occurred() ? -1 : 0;
    Py_XDECREF(at);
    return is;
}

PyObject *
frame_code(PyObject *frame)
{
    return (PyObject *)PyFrame_GetCode((PyFrameObject *)frame);
}

PyObject *
frame_globals(PyObject *frame)
{
    return PyObject_GetAttrString(frame, "f_globals");
}

static PyObject *
frame_code_attribute(PyObject *frame, const char *name)
{
    PyObject *code = frame_code(frame);
    PyObject *value = PyObject_GetAttrString(code, name);
    Py_DECREF(code);
    return value;
}

PyObject *
frame_filename(PyObject *frame)
{
    return frame_code_attribute(frame, "co_filename");
}

PyObject *
frame_function(PyObject *frame)
{
    return frame_code_attribute(frame, "co_name");
}

int
frame_line(PyObject *frame)
{
    int line = PyFrame_GetLineNumber((PyFrameObject *)frame);
    return line > 0 ? line : 0;
}

PyObject *
frame_source_line(PyObject *frame, long line)
{
    PyObject *text = NULL;
    PyObject *linecache = compat_import("linecache");
    PyObject *filename = linecache == NULL ? NULL : frame_filename(frame);
    PyObject *globals = filename == NULL ? NULL : frame_globals(frame); /* for sources of a loader's, in a zip say */
    if (globals != NULL) {
        text = PyObject_CallMethod(linecache, "getline", "OlO", filename, line, globals);
    }
    if (text != NULL) {
        Py_SETREF(text, PyObject_CallMethod(text, "rstrip", "s", "\r\n"));
    }
    Py_XDECREF(linecache);
    Py_XDECREF(filename);
    Py_XDECREF(globals);
    return text;
}

int
frame_is_optimized(PyObject *frame)
{
    PyObject *flags = frame_code_attribute(frame, "co_flags");
    int ret = flags == NULL ? -1 : (PyLong_AsLong(flags) & CODE_OPTIMIZED) != 0;
    Py_XDECREF(flags);
    return ret;
}

PyObject *
frame_slot_names(PyObject *frame)
{
    static const char *const groups[] = {"co_varnames", "co_cellvars", "co_freevars"};
    PyObject *all = PyList_New(0);
    for (size_t i = 0; all != NULL && i < sizeof groups / sizeof *groups; i++) {
        PyObject *names = frame_code_attribute(frame, groups[i]);
        PyObject *extended = names == NULL ? NULL : PySequence_InPlaceConcat(all, names);
        Py_XDECREF(names);
        Py_SETREF(all, extended);
    }
    PyObject *set = all == NULL ? NULL : PyFrozenSet_New(all);
    Py_XDECREF(all);
    return set;
}

static int
frame_is_inline_body(PyObject *frame)
{
    static const char *const names[] = {"<listcomp>", "<setcomp>", "<dictcomp>"};
    int optimized = frame_is_optimized(frame);
    if (optimized <= 0) {
        return optimized < 0 ? -1 : 1;
    }
    PyObject *name = frame_function(frame);
    if (name == NULL) {
        return -1;
    }
    int ret = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        ret |= PyUnicode_CompareWithASCIIString(name, names[i]) == 0;
    }
    Py_DECREF(name);
    return ret;
}

PyObject *
frame_enclosing(PyObject *frame)
{
    PyObject *inner = Py_NewRef(frame);
    while (inner != NULL && frame_is_inline_body(inner) == 1) {
        PyObject *outer = frame_back(inner);
        PyObject *consts = outer == NULL ? NULL : frame_code_attribute(outer, "co_consts");
        PyObject *code = frame_code(inner);
        int inside = 0; /* by identity: equal code objects need not be the same piece of source */
        for (Py_ssize_t i = 0; consts != NULL && i < PyTuple_Size(consts) && !inside; i++) {
            inside = PyTuple_GetItem(consts, i) == code;
        }
        Py_DECREF(code);
        Py_XDECREF(consts);
        if (!inside) {
            Py_CLEAR(outer);
        }
        Py_SETREF(inner, outer);
        if (inner != NULL && frame_is_optimized(inner) == 1) {
            break; /* the scopes of classes around do not count */
        }
    }
    if (inner == frame) {
        Py_CLEAR(inner);
    }
    return inner;
}
