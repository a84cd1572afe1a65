/* A console at exceptions that nobody handles, see install.h.
 *
 * Each install() makes functions of its own, which know the hook that was there before, so hooks of others may stand
 * before and behind them. Only those of the last install() open a console.
 */
#include "install.h"

#include <unistd.h>

#include "compat.h"
#include "postmortem.h"
#include "script.h"

/* The places where a hook can stand. */
static const struct {
    const char *module;
    const char *function;
} PLACES[INSTALL_PLACES] = {{"sys", "excepthook"}, {"threading", "excepthook"}};

/* What a hook of ours is bound to: a tuple. */
enum { BOUND_MODULE, BOUND_BEFORE, BOUND_SIZE };

/* ---- the hooks ---- */

/* Is somebody there to see it? A program whose output goes elsewhere is to end as ever. */
static int
install_has_terminal(void)
{
    return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && isatty(STDERR_FILENO);
}

/* The exceptions that are meant to end a program end it. */
static int
install_wants(PyObject *exception)
{
    return PyExceptionInstance_Check(exception) && !PyErr_GivenExceptionMatches(exception, PyExc_KeyboardInterrupt)
           && !PyErr_GivenExceptionMatches(exception, PyExc_SystemExit);
}

int
install_open(ModuleState *state, PyObject *exception, PyObject *traceback)
{
    ConsoleEnd end;
    bool attended = install_has_terminal();
    Postmortem postmortem = {.exception = exception, .traceback = traceback, .ways = WAYS_END,
                             .unattended = !attended};
    if (entry_is_off(state) || traceback == Py_None || !install_wants(exception)
        || !(attended || script_has(state))) {
        return 0;
    }
    state->met = exception;
    return postmortem_run(state, &postmortem, &end);
}

/* Call the hook that was there before, then open a console. The traceback may be None. New reference to None. */
static PyObject *
install_handle(PyObject *bound, int place, PyObject *args, PyObject *exception, PyObject *traceback)
{
    ModuleState *state = state_of_module(PyTuple_GetItem(bound, BOUND_MODULE));
    PyObject *none = PyObject_Call(PyTuple_GetItem(bound, BOUND_BEFORE), args, NULL);
    if (none == NULL) {
        return NULL;
    }
    Py_DECREF(none);
    if (state->installed[place] == bound && install_open(state, exception, traceback) < 0) {
        return NULL;
    }
    return Py_NewRef(Py_None);
}

static PyObject *
install_sys_hook(PyObject *bound, PyObject *args)
{
    PyObject *type, *exception, *traceback;
    if (!PyArg_ParseTuple(args, "OOO:excepthook", &type, &exception, &traceback)) {
        return NULL;
    }
    return install_handle(bound, INSTALL_SYS, args, exception, traceback);
}

static PyObject *
install_threading_hook(PyObject *bound, PyObject *args)
{
    PyObject *facts, *result = NULL;
    if (!PyArg_ParseTuple(args, "O:excepthook", &facts)) {
        return NULL;
    }
    PyObject *exception = PyObject_GetAttrString(facts, "exc_value");
    PyObject *traceback = exception == NULL ? NULL : PyObject_GetAttrString(facts, "exc_traceback");
    if (traceback != NULL) {
        result = install_handle(bound, INSTALL_THREADING, args, exception, traceback);
    }
    Py_XDECREF(traceback);
    Py_XDECREF(exception);
    return result;
}

static PyMethodDef hook_definitions[INSTALL_PLACES] = {
    {"excepthook", install_sys_hook, METH_VARARGS, "Show an exception that nobody handles, and open a console there."},
    {"excepthook", install_threading_hook, METH_VARARGS,
     "Show an exception that a thread does not handle, and open a console there."},
};

/* ---- putting them there ---- */

/* The hook that stands there now: a new reference. */
static PyObject *
install_current(int place, PyObject **module)
{
    *module = compat_import(PLACES[place].module);
    return *module == NULL ? NULL : PyObject_GetAttrString(*module, PLACES[place].function);
}

/* Is it the hook of the last install()? */
static int
install_is_ours(const ModuleState *state, int place, PyObject *hook)
{
    return state->installed[place] != NULL && PyCFunction_Check(hook)
           && PyCFunction_GetSelf(hook) == state->installed[place];
}

static int
install_place(PyObject *core, ModuleState *state, int place)
{
    int ret = -1;
    PyObject *module, *bound = NULL, *hook = NULL;
    PyObject *before = install_current(place, &module);
    if (before == NULL) {
        goto done;
    }
    if (install_is_ours(state, place, before)) {
        ret = 0;
        goto done;
    }
    bound = PyTuple_Pack(BOUND_SIZE, core, before);
    hook = bound == NULL ? NULL : PyCFunction_NewEx(&hook_definitions[place], bound, NULL);
    if (hook == NULL || PyObject_SetAttrString(module, PLACES[place].function, hook) < 0) {
        goto done;
    }
    Py_XDECREF(state->installed[place]);
    state->installed[place] = Py_NewRef(bound);
    ret = 0;
done:
    Py_XDECREF(hook);
    Py_XDECREF(bound);
    Py_XDECREF(before);
    Py_XDECREF(module);
    return ret;
}

/* Where somebody else's hook stands before ours now, that stays, and ours hands on what it gets. */
static int
install_remove(ModuleState *state, int place)
{
    PyObject *module;
    PyObject *hook = install_current(place, &module);
    int ret = hook == NULL ? -1 : 0;
    if (hook != NULL && install_is_ours(state, place, hook)) {
        PyObject *before = PyTuple_GetItem(state->installed[place], BOUND_BEFORE);
        ret = PyObject_SetAttrString(module, PLACES[place].function, before);
    }
    if (ret == 0) {
        Py_CLEAR(state->installed[place]);
    }
    Py_XDECREF(hook);
    Py_XDECREF(module);
    return ret;
}

static PyObject *
install_install(PyObject *core, PyObject *Py_UNUSED(none))
{
    ModuleState *state = state_of_module(core);
    for (int place = 0; place < INSTALL_PLACES; place++) {
        if (install_place(core, state, place) < 0) {
            return NULL;
        }
    }
    return Py_NewRef(Py_None);
}

static PyObject *
install_uninstall(PyObject *core, PyObject *Py_UNUSED(none))
{
    ModuleState *state = state_of_module(core);
    for (int place = 0; place < INSTALL_PLACES; place++) {
        if (install_remove(state, place) < 0) {
            return NULL;
        }
    }
    return Py_NewRef(Py_None);
}

PyDoc_STRVAR(install_doc,
"install()\n"
"--\n\n"
"Open a console at exceptions that nobody handles, in the main program and in threads: where one was raised, after\n"
"its traceback was shown as ever. A hook that stands in sys.excepthook or threading.excepthook is kept, and called\n"
"first. KeyboardInterrupt and SystemExit end the program as ever; so does everything when standard input, output and\n"
"error are not all a terminal, and with HOOKING=0 in the environment.\n\n"
"Returns None. To be called again changes nothing.");

PyDoc_STRVAR(uninstall_doc,
"uninstall()\n"
"--\n\n"
"Undo install(). A hook that was put before ours meanwhile stays.\n\n"
"Returns None.");

PyMethodDef install_methods[] = {
    {"install", install_install, METH_NOARGS, install_doc},
    {"uninstall", install_uninstall, METH_NOARGS, uninstall_doc},
    {NULL, NULL, 0, NULL},
};
