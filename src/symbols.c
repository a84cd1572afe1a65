/* The names of an input, see symbols.h. */
#include "symbols.h"

#include "compat.h"
#include "node.h"

static long
symbols_constant(PyObject *module, const char *name)
{
    PyObject *value = PyObject_GetAttrString(module, name);
    long number = value == NULL ? -1 : PyLong_AsLong(value);
    Py_XDECREF(value);
    return number;
}

/* Add the names that the scopes below `entry` look up as globals without saying so. */
static int
symbols_collect(PyObject *entry, PyObject *set, long offset, long mask, long implicit)
{
    int ret = -1;
    PyObject *children = PyObject_GetAttrString(entry, "children");
    if (children == NULL) {
        return -1;
    }
    for (Py_ssize_t i = 0; i < PyList_Size(children); i++) {
        PyObject *name, *flags;
        Py_ssize_t at = 0;
        PyObject *child = PyList_GetItem(children, i);
        PyObject *symbols = PyObject_GetAttrString(child, "symbols");
        int failed = symbols == NULL;
        while (!failed && PyDict_Next(symbols, &at, &name, &flags)) {
            if (((PyLong_AsLong(flags) >> offset) & mask) == implicit) {
                failed = PySet_Add(set, name) < 0;
            }
        }
        Py_XDECREF(symbols);
        if (failed || symbols_collect(child, set, offset, mask, implicit) < 0) {
            goto done;
        }
    }
    ret = 0;
done:
    Py_DECREF(children);
    return ret;
}

void
symbols_clear(Symbols *symbols)
{
    Py_CLEAR(symbols->top);
    Py_CLEAR(symbols->nested);
    Py_CLEAR(symbols->globals);
}

int
symbols_read(Symbols *symbols, const Source *source, Namespace *ns)
{
    int ret = -1;
    PyObject *table = NULL;
    PyObject *module = compat_import("_symtable");
    *symbols = (Symbols){.usable = 1, .top = PyDict_New(), .nested = PySet_New(NULL), .globals = PySet_New(NULL)};
    if (module == NULL || symbols->top == NULL || symbols->nested == NULL || symbols->globals == NULL
        || node_add_globals(source->body, symbols->globals) < 0) {
        goto done;
    }
    symbols->bound = symbols_constant(module, "DEF_BOUND") | symbols_constant(module, "DEF_GLOBAL");
    table = PyObject_CallMethod(module, "symtable", "OOs", source->text, source->filename, "exec");
    if (table == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_SyntaxError)) {
            goto done;
        }
        PyErr_Clear();
        symbols->usable = 0;
        PyObject *names = scope_cell_names(ns);
        Py_SETREF(symbols->nested, names == NULL ? NULL : PySet_New(names));
        Py_XDECREF(names);
        ret = symbols->nested == NULL ? -1 : 0;
        goto done;
    }
    Py_SETREF(symbols->top, PyObject_GetAttrString(table, "symbols"));
    if (symbols->top == NULL) {
        goto done;
    }
    ret = symbols_collect(table, symbols->nested, symbols_constant(module, "SCOPE_OFF"),
                          symbols_constant(module, "SCOPE_MASK"), symbols_constant(module, "GLOBAL_IMPLICIT"));
    if (PyErr_Occurred()) {
        ret = -1;
    }
done:
    Py_XDECREF(table);
    Py_XDECREF(module);
    return ret;
}

/* Is the name bound at the input's top level? */
int
symbols_binds(const Symbols *symbols, PyObject *name)
{
    PyObject *flags = PyDict_GetItemWithError(symbols->top, name);
    return flags != NULL && (PyLong_AsLong(flags) & symbols->bound) != 0;
}
