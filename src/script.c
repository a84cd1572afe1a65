/* Inputs that somebody has written down, see script.h. */
#include "script.h"

#include "compat.h"

static PyObject *
script_check(PyObject *inputs)
{
    PyObject *list = PyUnicode_Check(inputs) ? NULL : PySequence_List(inputs);
    if (list == NULL && !PyErr_Occurred()) {
        PyErr_Format(PyExc_TypeError, "commands must be a list of str, not the str %R", inputs);
    }
    for (Py_ssize_t i = 0; list != NULL && i < PyList_Size(list); i++) {
        PyObject *input = PyList_GetItem(list, i);
        if (!PyUnicode_Check(input)) {
            PyErr_Format(PyExc_TypeError, "commands must be a list of str, and has %R", input);
            Py_CLEAR(list);
        }
    }
    return list;
}

int
script_feed(ModuleState *state, PyObject *inputs)
{
    PyObject *list = script_check(inputs);
    if (list == NULL) {
        return -1;
    }
    if (script_has(state)) {
        Py_SETREF(list, PySequence_InPlaceConcat(list, state->script));
    }
    if (list == NULL) {
        return -1;
    }
    Py_XDECREF(state->script);
    state->script = list;
    return 0;
}

Py_ssize_t
script_count(const ModuleState *state)
{
    return state->script == NULL ? 0 : PyList_Size(state->script);
}

bool
script_has(const ModuleState *state)
{
    return script_count(state) > 0;
}

void
script_keep(ModuleState *state, Py_ssize_t count)
{
    Py_ssize_t taken = script_count(state) - count;
    if (taken > 0 && PyList_SetSlice(state->script, 0, taken, NULL) < 0) {
        PyErr_Clear();
    }
}

PyObject *
script_take(ModuleState *state)
{
    if (!script_has(state)) {
        return NULL;
    }
    PyObject *input = Py_NewRef(PyList_GetItem(state->script, 0));
    if (PyList_SetSlice(state->script, 0, 1, NULL) < 0) {
        Py_CLEAR(input);
    }
    return input;
}
