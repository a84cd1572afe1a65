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

/* How a name's scope is written in its flags. */
typedef struct ScopeBits {
    long offset, mask;
    long implicit; /* looked up as a global without saying so */
    long free;     /* a variable of a function around */
} ScopeBits;

/* Add the names that the scopes below `entry` do not bind themselves. */
static int
symbols_collect(PyObject *entry, PyObject *set, const ScopeBits *bits)
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
            long scope = (PyLong_AsLong(flags) >> bits->offset) & bits->mask;
            if (scope == bits->implicit || scope == bits->free) {
                failed = PySet_Add(set, name) < 0;
            }
        }
        Py_XDECREF(symbols);
        if (failed || symbols_collect(child, set, bits) < 0) {
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

/* The symbol table of an input: a new reference. From 3.14 on the table's own making refuses `await` outside of a
 * function. So an input that awaits is put into one, line by line, as only its names matter here; its table is that
 * function's. */
static PyObject *
symbols_table(PyObject *module, const Source *source, int is_async)
{
    PyObject *table = NULL;
    PyObject *text = Py_NewRef(source->text);
    if (is_async) {
        PyObject *indented = PyObject_CallMethod(text, "replace", "ss", "\n", "\n ");
        Py_SETREF(text, indented == NULL ? NULL : PyUnicode_FromFormat("async def _():\n %U\n", indented));
        Py_XDECREF(indented);
    }
    if (text != NULL) {
        table = PyObject_CallMethod(module, "symtable", "OOs", text, source->filename, "exec");
    }
    if (table != NULL && is_async) {
        PyObject *children = PyObject_GetAttrString(table, "children");
        /* the last: from 3.14 on the scope of its annotations comes before */
        Py_ssize_t last = children == NULL ? 0 : PyList_Size(children) - 1;
        Py_SETREF(table, children == NULL ? NULL : Py_XNewRef(PyList_GetItem(children, last)));
        Py_XDECREF(children);
    }
    Py_XDECREF(text);
    return table;
}

int
symbols_read(Symbols *symbols, const Source *source, Namespace *ns, int is_async)
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
    table = symbols_table(module, source, is_async);
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
    ScopeBits bits = {symbols_constant(module, "SCOPE_OFF"), symbols_constant(module, "SCOPE_MASK"),
                      symbols_constant(module, "GLOBAL_IMPLICIT"), symbols_constant(module, "FREE")};
    ret = symbols_collect(table, symbols->nested, &bits);
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
