/* What somebody wants done around consoles, see around.h.
 *
 * What fails in it is told as an unraisable error and nothing else: neither the console nor the program can help it.
 * Ctrl-C is the program's.
 */
#include "around.h"

#include "entry.h"
#include "script.h"
#include "talk.h"
#include "turn.h"

/* A text that lives as long as the module, for it is lent out. NULL with an exception. */
static const char *
around_keep(ModuleState *state, PyObject *text)
{
    if (state->reasons == NULL && (state->reasons = PyDict_New()) == NULL) {
        return NULL;
    }
    PyObject *kept = PyDict_GetItemWithError(state->reasons, text);
    if (kept == NULL && (PyErr_Occurred() || PyDict_SetItem(state->reasons, text, text) < 0)) {
        return NULL;
    }
    return PyUnicode_AsUTF8AndSize(kept == NULL ? text : kept, NULL);
}

int
around_enter(ModuleState *state, PyObject *frame, PyObject **after, const char **why)
{
    int ret = 1;
    *after = NULL;
    if (state->around == NULL) {
        return 1;
    }
    PyObject *around = Py_NewRef(state->around);
    PyObject *answer = PyObject_CallFunctionObjArgs(around, frame, NULL);
    if (answer != NULL && PyUnicode_Check(answer)) {
        *why = around_keep(state, answer);
        ret = *why == NULL ? 1 : 0;
    }
    else if (answer != NULL && answer != Py_None) {
        *after = Py_NewRef(answer);
    }
    if (PyErr_Occurred()) {
        if (PyErr_ExceptionMatches(PyExc_Exception)) {
            PyErr_WriteUnraisable(around);
        }
        else {
            ret = -1;
        }
    }
    Py_XDECREF(answer);
    Py_DECREF(around);
    return ret;
}

void
around_leave(PyObject **after)
{
    if (*after == NULL) {
        return;
    }
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *none = PyObject_CallNoArgs(*after);
    if (none == NULL) {
        PyErr_WriteUnraisable(*after);
    }
    Py_XDECREF(none);
    Py_CLEAR(*after);
    PyErr_Restore(type, value, traceback);
}

/* ---- for the one who wants it ---- */

static PyObject *
around_set(PyObject *module, PyObject *around)
{
    ModuleState *state = state_of_module(module);
    PyObject *before = state->around;
    state->around = around == Py_None ? NULL : Py_NewRef(around);
    return before == NULL ? Py_NewRef(Py_None) : before;
}

static PyObject *
around_obstacle(PyObject *module, PyObject *Py_UNUSED(none))
{
    ModuleState *state = state_of_module(module);
    Talk talk;
    PyObject *thread;
    const char *why = entry_is_off(state) ? "not opened: HOOKING=0 is in the environment" : entry_obstacle(state);
    if (why == NULL) {
        int is_main = turn_is_main_thread(&thread);
        Py_XDECREF(thread);
        int talking = talk_open(&talk, is_main, script_has(state), &why);
        if (talking < 0) {
            return NULL;
        }
        if (talking > 0) {
            talk_close(&talk);
            why = NULL;
        }
    }
    return why == NULL ? Py_NewRef(Py_None) : PyUnicode_FromString(why);
}

static PyObject *
around_take_abort(PyObject *module, PyObject *Py_UNUSED(none))
{
    ModuleState *state = state_of_module(module);
    if (!state->aborting) {
        return Py_NewRef(Py_None);
    }
    state->aborting = 0;
    return PyLong_FromLong(state->abort_status);
}

PyDoc_STRVAR(set_doc,
"_around(function)\n"
"--\n\n"
"Have `function` called with the frame that asks for a console, before each one opens. It returns None; or a str, the\n"
"reason why the console is not to open; or what is to be called, without arguments, when it has closed.\n\n"
"Returns the function that was there before, or None, which also takes it back.");

PyDoc_STRVAR(obstacle_doc,
"_obstacle()\n"
"--\n\n"
"Why no console could be opened now: a str, or None.");

PyDoc_STRVAR(take_abort_doc,
"_take_abort()\n"
"--\n\n"
"The status (int) that `abort` was given, if the program is still to be ended with it, else None. The caller ends it.");

PyMethodDef around_methods[] = {
    {"_around", around_set, METH_O, set_doc},
    {"_obstacle", around_obstacle, METH_NOARGS, obstacle_doc},
    {"_take_abort", around_take_abort, METH_NOARGS, take_abort_doc},
    {NULL, NULL, 0, NULL},
};
