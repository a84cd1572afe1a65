/* The names of one frame, see names.h. */
#include "names.h"

#include "compat.h"
#include "frame.h"

/* ---- which kind of frame ---- */

static int
names_find_kind(Names *names)
{
    int ret = -1;
    PyObject *locals = NULL, *again = NULL, *function = NULL;
    int optimized = frame_is_optimized(names->frame);
    if (optimized != 0) {
        names->kind = NAMES_FUNCTION;
        return optimized < 0 ? -1 : 0;
    }
    locals = PyObject_GetAttrString(names->frame, "f_locals");
    again = PyObject_GetAttrString(names->frame, "f_locals");
    function = frame_function(names->frame);
    if (locals == NULL || again == NULL || function == NULL) {
        goto done;
    }
    if (locals == names->globals) {
        names->kind = NAMES_MODULE;
        names->mapping = Py_NewRef(names->globals);
    }
    else if (locals == again) {
        names->kind = NAMES_MAPPING;
        names->mapping = Py_NewRef(locals);
    }
    else { /* a copy (3.12) or a proxy (3.13 on) each time: variables of an inlined comprehension are shown */
        names->kind = NAMES_HIDDEN;
        if (PyUnicode_CompareWithASCIIString(function, "<module>") == 0) {
            names->mapping = Py_NewRef(names->globals);
        }
    }
    ret = 0;
done:
    Py_XDECREF(locals);
    Py_XDECREF(again);
    Py_XDECREF(function);
    return ret;
}

int
names_open(Names *names, PyObject *frame)
{
    names->frame = Py_NewRef(frame);
    names->globals = frame_globals(frame);
    names->slots = frame_slot_names(frame);
    if (names->globals == NULL || names->slots == NULL || names_find_kind(names) < 0) {
        return -1;
    }
    if (names->kind != NAMES_MODULE) {
        names->enclosing = frame_enclosing(frame);
    }
    return PyErr_Occurred() ? -1 : 0;
}

void
names_leave(Names *names)
{
    Py_CLEAR(names->frame);
    Py_CLEAR(names->enclosing);
    Py_CLEAR(names->mapping);
}

void
names_clear(Names *names)
{
    names_leave(names);
    Py_CLEAR(names->globals);
    Py_CLEAR(names->slots);
}

/* ---- reading ---- */

int
names_has_slot(const Names *names, PyObject *name)
{
    return PySet_Contains(names->slots, name);
}

/* Read from a mapping: 1, 0, -1. */
static int
mapping_get(PyObject *mapping, PyObject *name, PyObject **value)
{
    if (PyDict_CheckExact(mapping)) {
        *value = Py_XNewRef(PyDict_GetItemWithError(mapping, name));
    }
    else {
        *value = PyObject_GetItem(mapping, name);
        if (*value == NULL && PyErr_ExceptionMatches(PyExc_KeyError)) {
            PyErr_Clear();
        }
    }
    return *value != NULL ? 1 : PyErr_Occurred() ? -1 : 0;
}

int
names_get(const Names *names, PyObject *name, PyObject **value)
{
    *value = NULL;
    if (names->frame == NULL || !PyUnicode_Check(name)) {
        return 0;
    }
    int found = 0;
    if (names->kind == NAMES_FUNCTION || names->kind == NAMES_HIDDEN) {
        int slot = names_has_slot(names, name);
        if (slot < 0) {
            return -1;
        }
        found = compat_frame_get(names->frame, name, slot && names->kind == NAMES_FUNCTION, value);
    }
    if (found == 0 && names->mapping != NULL) {
        found = mapping_get(names->mapping, name, value);
    }
    if (found == 1 && compat_resolve(value) < 0) {
        return -1;
    }
    return found;
}

int
names_look_up(const Names *names, PyObject *name, PyObject **value)
{
    int found = names_get(names, name, value);
    if (found == 0 && names->enclosing != NULL && PyUnicode_Check(name)) {
        found = compat_frame_get(names->enclosing, name, 0, value);
    }
    return found;
}

/* ---- writing ---- */

/* Write to a slot, or to the extra names in f_locals, and see whether it took. 1, 0, -1. */
static int
names_set_slot(const Names *names, PyObject *name, PyObject *value)
{
    int done = compat_frame_set(names->frame, name, value);
    if (done == 1) {
        PyObject *now;
        int known = names->kind == NAMES_FUNCTION && names_has_slot(names, name) == 1;
        if (compat_frame_get(names->frame, name, known, &now) < 0) {
            return -1;
        }
        done = now == value;
        Py_XDECREF(now);
    }
    return done;
}

/* Is it a variable of the comprehension that is inlined in this frame? 1, 0, -1. */
static int
names_is_hidden(const Names *names, PyObject *name)
{
    PyObject *value = NULL;
    int slot = names_has_slot(names, name);
    int hidden = slot == 1 ? compat_frame_get(names->frame, name, 0, &value) : slot;
    Py_XDECREF(value);
    return hidden;
}

int
names_set(const Names *names, PyObject *name, PyObject *value, const char **why)
{
    if (names->frame == NULL) {
        *why = "its frame is left";
        return 0;
    }
    int hidden = names->kind == NAMES_HIDDEN ? names_is_hidden(names, name) : 0;
    if (hidden < 0) {
        return -1;
    }
    if (hidden) {
        *why = "it is local to a comprehension, which this Python runs inside its module or class body";
        return names_set_slot(names, name, value);
    }
    if (names->mapping != NULL) {
        int failed = value != NULL ? PyObject_SetItem(names->mapping, name, value)
                                   : PyObject_DelItem(names->mapping, name);
        return failed < 0 ? -1 : 1;
    }
    if (names->kind == NAMES_HIDDEN) {
        *why = "this Python gives no way to a class body's names from a comprehension in it";
        return 0;
    }
    *why = value != NULL ? "this Python does not take it" : "this Python cannot unbind a local of a running function";
    return names_set_slot(names, name, value);
}

/* ---- listing ---- */

/* Add the keys of a mapping to a set, if they are names that a program could have. */
static int
names_add_keys(PyObject *set, PyObject *mapping)
{
    PyObject *keys = PyDict_CheckExact(mapping) ? PyDict_Keys(mapping) : PyMapping_Keys(mapping);
    int failed = keys == NULL;
    for (Py_ssize_t i = 0; !failed && i < PyList_Size(keys); i++) {
        PyObject *key = PyList_GetItem(keys, i);
        if (!PyUnicode_Check(key) || !PyUnicode_IsIdentifier(key)) {
            continue; /* `.0` of a comprehension, `.format` of an annotation scope */
        }
        failed = PySet_Add(set, key) < 0;
    }
    Py_XDECREF(keys);
    return failed ? -1 : 0;
}

int
names_add_to(const Names *names, PyObject *set)
{
    if (names->frame == NULL) {
        return 0;
    }
    if (names->mapping != NULL && names_add_keys(set, names->mapping) < 0) {
        return -1;
    }
    if (names->mapping != NULL && names->kind != NAMES_HIDDEN) {
        return 0;
    }
    PyObject *locals = PyObject_GetAttrString(names->frame, "f_locals");
    int ret = locals == NULL ? -1 : names_add_keys(set, locals);
    Py_XDECREF(locals);
    return ret;
}
