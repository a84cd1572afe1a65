/* The exception that names the culprit, see dump_culprit.h: what dump_trace.c has found, said with dump_way.c and
 * dump_kind.c. */
#include "dump_culprit.h"

#include <stdbool.h>

#include "dump_kind.h"
#include "dump_trace.h"
#include "dump_way.h"
#include "peek.h"

enum {
    LONGEST_REASON = 400, /* letters */
    DEEP_STEPS = 3,       /* of a way that is too long, so many are shown */
    NO_LIMIT = 0x7fffffff,
};

/* The exception that is set, as an object: a new reference. */
static PyObject *
dump_culprit_take(void)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (traceback != NULL && value != NULL) {
        PyException_SetTraceback(value, traceback);
    }
    Py_XDECREF(type);
    Py_XDECREF(traceback);
    return value;
}

/* Set it again. Steals the reference. */
static void
dump_culprit_give(PyObject *error)
{
    PyErr_Restore(Py_NewRef((PyObject *)Py_TYPE(error)), error, compat_traceback(error));
}

/* By type: what an exception class says of itself does not count. */
static bool
dump_culprit_is(PyObject *error, PyObject *type)
{
    return PyType_IsSubtype(Py_TYPE(error), (PyTypeObject *)type);
}

static bool
dump_culprit_passes(PyObject *error)
{
    return !dump_culprit_is(error, PyExc_Exception) || dump_culprit_is(error, PyExc_MemoryError);
}

static bool
dump_culprit_is_pickles(PyObject *error)
{
    return peek_is((PyObject *)Py_TYPE(error), "_pickle", "PicklingError");
}

/* cloudpickle has a PicklingError of its own for it. */
static bool
dump_culprit_is_too_deep(PyObject *error)
{
    PyObject *cause = PyException_GetCause(error);
    bool deep = dump_culprit_is(error, PyExc_RecursionError)
                || (cause != NULL && dump_culprit_is(cause, PyExc_RecursionError));
    Py_XDECREF(cause);
    return deep;
}

/* ---- the reason ---- */

/* What the exception was raised with, if that is text and the like: a new str, or NULL without an exception. */
static PyObject *
dump_culprit_words(PyObject *error)
{
    PyObject *key = PyUnicode_InternFromString("args"), *words = NULL;
    PeekValue of = peek_instance((PyObject *)Py_TYPE(error));
    of.object = Py_NewRef(error);
    PeekValue args = key == NULL ? peek_value(NULL) : peek_attribute(&of, key);
    if (args.object != NULL && PyTuple_CheckExact(args.object) && PyTuple_Size(args.object) > 0
        && peek_is_plain(args.object, 2)) {
        PyObject *only = PyTuple_Size(args.object) == 1 ? PyTuple_GetItem(args.object, 0) : NULL;
        words = PyObject_Str(only != NULL ? only : args.object);
    }
    PyErr_Clear();
    if (words != NULL && PyUnicode_GetLength(words) > LONGEST_REASON) {
        Py_SETREF(words, PyUnicode_Substring(words, 0, LONGEST_REASON));
    }
    peek_clear(&args);
    peek_clear(&of);
    Py_XDECREF(key);
    return words;
}

/* pickle's own complaints speak for themselves; those of a reducer in Python are shown with their type. */
static PyObject *
dump_culprit_reason(PyObject *error, bool in_python)
{
    bool own = dump_culprit_is_pickles(error)
               || (!in_python && ((PyObject *)Py_TYPE(error) == PyExc_TypeError
                                  || (PyObject *)Py_TYPE(error) == PyExc_AttributeError));
    PyObject *words = dump_culprit_words(error);
    PyObject *type = words != NULL && own ? NULL : dump_kind_of_type((PyObject *)Py_TYPE(error));
    PyObject *reason = NULL;
    if (words != NULL && own) {
        reason = Py_NewRef(words);
    }
    else if (type != NULL) {
        reason = words == NULL ? Py_NewRef(type) : PyUnicode_FromFormat("%U: %U", type, words);
    }
    Py_XDECREF(type);
    Py_XDECREF(words);
    return reason;
}

/* ---- the exception ---- */

/* Is an exception of that class made from a message alone, and shows it as it is? */
static bool
dump_culprit_is_plain(PyObject *class)
{
    PyObject *const other[] = {PyExc_KeyError, PyExc_UnicodeDecodeError, PyExc_UnicodeEncodeError,
                               PyExc_UnicodeTranslateError, PyExc_BaseExceptionGroup};
    for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
        if (PyType_IsSubtype((PyTypeObject *)class, (PyTypeObject *)other[i])) {
            return false;
        }
    }
    return (PyType_GetFlags((PyTypeObject *)class) & Py_TPFLAGS_HEAPTYPE) == 0
           || peek_is(class, "_pickle", "PicklingError");
}

/* The nearest class of the exception's that is one of Python's own and plain. New reference. */
static PyObject *
dump_culprit_class(PyObject *error)
{
    PyObject *class = NULL, *mro = peek_mro((PyObject *)Py_TYPE(error));
    for (Py_ssize_t i = 0; mro != NULL && class == NULL && i < PyTuple_Size(mro); i++) {
        if (dump_culprit_is_plain(PyTuple_GetItem(mro, i))) {
            class = Py_NewRef(PyTuple_GetItem(mro, i));
        }
    }
    Py_XDECREF(mro);
    return class != NULL ? class : Py_NewRef(PyExc_Exception);
}

/* What is to be said of the place where the trace ends, and of the exception that ended it. */
static PyObject *
dump_culprit_message(const Trace *trace, PyObject *name, PyObject *error)
{
    PyObject *way = NULL, *kind = NULL, *reason = NULL, *message = NULL;
    PyObject *root = name != NULL ? Py_NewRef(name) : PyUnicode_FromString("(the object)");
    if (root == NULL) {
        return NULL;
    }
    if (dump_culprit_is_too_deep(error)) {
        way = dump_way(trace, root, DEEP_STEPS);
        message = way == NULL ? NULL : PyUnicode_FromFormat("nested too deeply, at %U (%zu levels)", way,
                                                            trace->depth);
        goto done;
    }
    way = dump_way(trace, root, NO_LIMIT);
    kind = way == NULL ? NULL : dump_kind(trace->levels[trace->depth - 1].object);
    reason = kind == NULL ? NULL : dump_culprit_reason(error, trace->in_python);
    if (reason != NULL) {
        message = PyUnicode_FromFormat("%U: %U cannot be pickled (%U)", way, kind, reason);
    }
done:
    Py_XDECREF(way);
    Py_XDECREF(kind);
    Py_XDECREF(reason);
    Py_DECREF(root);
    return message;
}

/* Set the exception with the message; `first` is its cause. */
static void
dump_culprit_set(PyObject *first, PyObject *message)
{
    PyObject *class = dump_culprit_class(first);
    PyObject *error = PyObject_CallFunctionObjArgs(class, message, NULL);
    if (error != NULL) {
        PyException_SetCause(error, Py_NewRef(first));
        PyErr_SetObject(class, error);
    }
    Py_XDECREF(error);
    Py_DECREF(class);
}

/* The second pass has gone well. */
static void
dump_culprit_note(PyObject *error)
{
    PyObject *done = PyObject_CallMethod(PyExc_BaseException, "add_note", "Os", error,
                                         "a second attempt to find the part at fault has not failed: "
                                         "the object has changed meanwhile");
    if (done == NULL) {
        PyErr_Clear();
    }
    Py_XDECREF(done);
}

int
dump_culprit_explain(PyObject *object, PyObject *name, PyObject *make_pickler)
{
    Trace trace;
    PyObject *second = NULL, *message = NULL, *first = dump_culprit_take();
    if (dump_culprit_passes(first)) {
        dump_culprit_give(first);
        return -1;
    }
    int failed = dump_trace_run(&trace, object, make_pickler);
    if (failed == 0) {
        dump_culprit_note(first);
    }
    else {
        second = dump_culprit_take();
        if (!dump_culprit_passes(second) && failed == 1) {
            message = dump_culprit_message(&trace, name, second);
            PyErr_Clear();
        }
    }
    dump_trace_clear(&trace);
    if (message != NULL) {
        dump_culprit_set(first, message);
    }
    else if (second != NULL && dump_culprit_passes(second)) {
        dump_culprit_give(Py_NewRef(second));
    }
    else {
        dump_culprit_give(Py_NewRef(first));
    }
    Py_XDECREF(message);
    Py_XDECREF(second);
    Py_DECREF(first);
    return -1;
}
