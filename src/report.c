/* The text of an exception, see report.h. */
#include "report.h"

#include "compat.h"
#include "frame.h"

/* The program's own exception, in whose handler hook() was called, is no part of what went wrong here. */
static void
report_cut_context(PyObject *exception)
{
    PyObject *handled = PyErr_GetHandledException();
    enum { DEEPEST = 1000 }; /* a chain may be a circle */
    PyObject *at = Py_NewRef(exception);
    for (int depth = 0; depth < DEEPEST && handled != NULL && at != NULL && at != handled; depth++) {
        PyObject *context = PyException_GetContext(at);
        if (context == handled) {
            PyException_SetContext(at, NULL);
            Py_CLEAR(context);
        }
        Py_SETREF(at, context);
    }
    Py_XDECREF(at);
    Py_XDECREF(handled);
}

/* Drop the entries before the input's own: an event loop's, when it ran a coroutine. New reference or NULL. */
static PyObject *
report_cut_traceback(PyObject *traceback, PyObject *filename)
{
    PyObject *at = Py_XNewRef(traceback);
    while (at != NULL && at != Py_None && filename != NULL) {
        PyObject *frame = PyObject_GetAttrString(at, "tb_frame");
        PyObject *file = frame == NULL ? NULL : frame_filename(frame);
        int found = file != NULL && PyUnicode_Compare(file, filename) == 0;
        Py_XDECREF(file);
        Py_XDECREF(frame);
        if (found) {
            return at;
        }
        Py_SETREF(at, PyObject_GetAttrString(at, "tb_next"));
    }
    Py_XDECREF(at);
    return Py_XNewRef(traceback);
}

/* traceback.format_exception() as one text: a new reference. */
static PyObject *
report_format(PyObject *exception)
{
    PyObject *module = compat_import("traceback");
    PyObject *parts = module == NULL ? NULL : PyObject_CallMethod(module, "format_exception", "(O)", exception);
    PyObject *empty = PyUnicode_FromString("");
    PyObject *text = parts == NULL || empty == NULL ? NULL : PyUnicode_Join(empty, parts);
    Py_XDECREF(empty);
    Py_XDECREF(parts);
    Py_XDECREF(module);
    return text;
}

PyObject *
report_take(PyObject *filename)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (value == NULL) {
        return PyUnicode_FromString("an error without an exception (a fault of hooking's)\n");
    }
    PyObject *shown = report_cut_traceback(traceback, filename);
    PyException_SetTraceback(value, shown == NULL ? Py_None : shown);
    report_cut_context(value);
    PyObject *text = report_format(value);
    if (text == NULL && PyErr_ExceptionMatches(PyExc_KeyboardInterrupt)) {
        PyErr_Clear(); /* one that was under way: what it was to interrupt has ended */
        text = report_format(value);
    }
    if (text == NULL) {
        PyErr_Clear();
        text = PyUnicode_FromFormat("%s (and showing it failed)\n", PyExceptionClass_Name(type));
    }
    Py_XDECREF(shown);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
    return text;
}

/* ---- in short ---- */

/* An exception of the exception's own code is not passed on, Ctrl-C is: SystemExit would end the program, and of
 * exceptions whose __str__() raises that Python itself shows the traceback. */
static PyObject *
report_or(PyObject *text, const char *otherwise)
{
    if (text == NULL && !PyErr_ExceptionMatches(PyExc_KeyboardInterrupt)) {
        PyErr_Clear();
        return PyUnicode_FromString(otherwise);
    }
    return text;
}

/* The name of its type: with the module, unless everybody knows that. */
static PyObject *
report_type(PyObject *exception)
{
    PyObject *type = (PyObject *)Py_TYPE(exception);
    PyObject *name = PyType_GetQualName((PyTypeObject *)type);
    PyObject *module = name == NULL ? NULL : PyObject_GetAttrString(type, "__module__");
    if (module != NULL && PyUnicode_Check(module) && PyUnicode_CompareWithASCIIString(module, "builtins") != 0
        && PyUnicode_CompareWithASCIIString(module, "__main__") != 0) {
        Py_SETREF(name, PyUnicode_FromFormat("%U.%U", module, name));
    }
    else if (module == NULL && name != NULL) {
        PyErr_Clear();
    }
    Py_XDECREF(module);
    return report_or(name, "exception");
}

/* As the traceback module says it, which knows notes and SyntaxErrors. */
static PyObject *
report_in_full(PyObject *exception)
{
    PyObject *module = compat_import("traceback");
    PyObject *parts = module == NULL ? NULL : PyObject_CallMethod(module, "format_exception_only", "(O)", exception);
    PyObject *empty = PyUnicode_FromString("");
    PyObject *text = parts == NULL || empty == NULL ? NULL : PyUnicode_Join(empty, parts);
    PyObject *stripped = text == NULL ? NULL : PyObject_CallMethod(text, "rstrip", "s", "\n");
    Py_XDECREF(text);
    Py_XDECREF(empty);
    Py_XDECREF(parts);
    Py_XDECREF(module);
    return stripped;
}

PyObject *
report_summary(PyObject *exception)
{
    PyObject *summary = NULL;
    PyObject *notes = PyObject_GetAttrString(exception, "__notes__");
    PyErr_Clear();
    int is_long = notes != NULL || PyErr_GivenExceptionMatches(exception, PyExc_SyntaxError);
    Py_XDECREF(notes);
    if (is_long) {
        summary = report_in_full(exception);
        if (summary != NULL || PyErr_ExceptionMatches(PyExc_KeyboardInterrupt)) {
            return summary;
        }
        PyErr_Clear();
    }
    /* In the usual case without importing the module, which takes longer than all the rest. */
    PyObject *type = report_type(exception);
    PyObject *message = type == NULL ? NULL : report_or(PyObject_Str(exception), "<exception str() failed>");
    if (message != NULL) {
        summary = PyUnicode_GetLength(message) == 0 ? Py_NewRef(type) : PyUnicode_FromFormat("%U: %U", type, message);
    }
    Py_XDECREF(message);
    Py_XDECREF(type);
    return summary;
}

PyObject *
report_headline(PyObject *exception, Py_ssize_t room)
{
    PyObject *summary = report_summary(exception);
    PyObject *lines = summary == NULL ? NULL : PyUnicode_Splitlines(summary, 0);
    Py_ssize_t count = lines == NULL ? 0 : PyList_Size(lines); /* none if the class has no name */
    /* of a SyntaxError the last line is the message */
    Py_ssize_t which = PyErr_GivenExceptionMatches(exception, PyExc_SyntaxError) ? count - 1 : 0;
    PyObject *line = lines == NULL ? NULL : Py_NewRef(count == 0 ? summary : PyList_GetItem(lines, which));
    if (line != NULL && PyUnicode_GetLength(line) > room) {
        PyObject *start = PyUnicode_Substring(line, 0, room - 3);
        Py_SETREF(line, start == NULL ? NULL : PyUnicode_FromFormat("%U...", start));
        Py_XDECREF(start);
    }
    Py_XDECREF(lines);
    Py_XDECREF(summary);
    return line;
}
