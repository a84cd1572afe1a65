/* The names of a scope without running code, see scope_peek.h. Where values live is told at the top of scope.c. */
#include "scope_peek.h"

#include "cell.h"
#include "namespace.h"
#include "peek.h"

/* What a cell holds: a new reference, or NULL. */
static PyObject *
scope_peek_cell(PyObject *cell)
{
    PyObject *value;
    if (cell_get(cell, &value) < 0) {
        PyErr_Clear();
    }
    return value;
}

/* What a slot of a frame holds: a new reference, or NULL. */
static PyObject *
scope_peek_slot(PyObject *frame, PyObject *name, int known)
{
    PyObject *value;
    if (compat_frame_get(frame, name, known, &value) < 0) {
        PyErr_Clear();
    }
    return value;
}

/* The frame's own value, and that of the function around a class body: a new reference, or NULL. */
static PyObject *
scope_peek_frame(const Names *names, PyObject *name)
{
    PyObject *value = NULL;
    if (names->frame != NULL && names_has_slot(names, name) == 1) {
        value = scope_peek_slot(names->frame, name, names->kind == NAMES_FUNCTION);
    }
    if (value == NULL && names->mapping != NULL && names->mapping != names->globals
        && PyDict_Check(names->mapping)) {
        value = Py_XNewRef(peek_get(names->mapping, name));
    }
    if (value == NULL && names->enclosing != NULL) {
        value = scope_peek_slot(names->enclosing, name, 0);
    }
    return value;
}

/* The value of a name of the scope, of the prompt: a new reference, or NULL. */
static PyObject *
scope_peek_own(Namespace *ns, PyObject *name)
{
    PyObject *cell = peek_get(ns->cells, name);
    if (cell != NULL) {
        PyObject *value = scope_peek_cell(cell);
        if (value == NULL || value != peek_get(ns->base, name)) {
            return value; /* bound at the prompt: it hides the frame's */
        }
        PyObject *moved = scope_peek_frame(&ns->names, name);
        if (moved == NULL) {
            return value;
        }
        Py_DECREF(value);
        return moved;
    }
    PyObject *value = scope_peek_frame(&ns->names, name);
    PyObject *shared = value != NULL ? NULL : peek_get(ns->shared, name);
    int is_last = PyUnicode_CompareWithASCIIString(name, "_") == 0;
    if (shared != NULL && !(is_last && peek_get(ns->names.globals, name) != NULL)) {
        value = scope_peek_cell(shared);
    }
    return value;
}

PyObject *
scope_peek(Namespace *ns, PyObject *name)
{
    PyObject *value = scope_peek_own(ns, name);
    if (value == NULL) {
        ScopeDicts dicts = scope_peek_dicts(ns);
        value = dicts.globals == NULL ? NULL : Py_XNewRef(peek_get(dicts.globals, name));
        if (value == NULL && dicts.builtins != NULL) {
            value = Py_XNewRef(peek_get(dicts.builtins, name));
        }
        scope_dicts_clear(&dicts);
    }
    if (value != NULL && compat_is_lazy(value)) {
        Py_CLEAR(value);
    }
    return value;
}

int
scope_peek_is_users(Namespace *ns, PyObject *name)
{
    PyObject *own = scope_peek_own(ns, name);
    PyObject *globals = ns->names.globals;
    Py_XDECREF(own);
    return own != NULL || (globals != NULL && PyDict_Check(globals) && peek_get(globals, name) != NULL);
}

/* ---- listing ---- */

static int
scope_peek_cells(PyObject *list, PyObject *cells)
{
    PyObject *name, *cell;
    Py_ssize_t at = 0;
    while (PyDict_Next(cells, &at, &name, &cell)) {
        PyObject *value = scope_peek_cell(cell);
        int failed = value != NULL && PyList_Append(list, name) < 0;
        Py_XDECREF(value);
        if (failed) {
            return -1;
        }
    }
    return 0;
}

/* The variables of a function's frame: its f_locals is a dict, or a proxy that shows the frame. */
static int
scope_peek_locals(PyObject *list, PyObject *frame)
{
    PyObject *locals = PyObject_GetAttrString(frame, "f_locals");
    PyObject *keys = locals == NULL ? NULL : PyDict_CheckExact(locals) ? PyDict_Keys(locals) : PyMapping_Keys(locals);
    int failed = keys == NULL;
    for (Py_ssize_t i = 0; !failed && i < PyList_Size(keys); i++) {
        failed = PyList_Append(list, PyList_GetItem(keys, i)) < 0;
    }
    Py_XDECREF(locals);
    Py_XDECREF(keys);
    return failed ? -1 : 0;
}

PyObject *
scope_peek_names(Namespace *ns)
{
    const Names *names = &ns->names;
    int in_frame = names->frame != NULL && (names->kind == NAMES_FUNCTION || names->kind == NAMES_HIDDEN);
    PyObject *list = PyList_New(0);
    if (list == NULL || scope_peek_cells(list, ns->cells) < 0 || scope_peek_cells(list, ns->shared) < 0
        || (in_frame && scope_peek_locals(list, names->frame) < 0)
        || (names->enclosing != NULL && scope_peek_locals(list, names->enclosing) < 0)) {
        PyErr_Clear(); /* what there is will do */
    }
    return list;
}

ScopeDicts
scope_peek_dicts(Namespace *ns)
{
    const Names *names = &ns->names;
    ScopeDicts dicts = {NULL, NULL, NULL};
    if (names->mapping != NULL && names->mapping != names->globals && PyDict_Check(names->mapping)) {
        dicts.mapping = Py_NewRef(names->mapping);
    }
    if (names->globals != NULL && PyDict_Check(names->globals)) {
        dicts.globals = Py_NewRef(names->globals);
    }
    dicts.builtins = names->frame == NULL ? NULL : PyObject_GetAttrString(names->frame, "f_builtins");
    if (dicts.builtins != NULL && !PyDict_Check(dicts.builtins)) {
        Py_CLEAR(dicts.builtins);
    }
    PyErr_Clear();
    return dicts;
}

void
scope_dicts_clear(ScopeDicts *dicts)
{
    Py_CLEAR(dicts->mapping);
    Py_CLEAR(dicts->globals);
    Py_CLEAR(dicts->builtins);
}
