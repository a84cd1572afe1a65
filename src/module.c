/* The module: slots, exec, method table, state. */
#include "state.h"

#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "compat.h"
#include "complete.h"
#include "dump_culprit.h"
#include "hook.h"
#include "scope.h"

ModuleState *
state_of_module(PyObject *module)
{
    return PyModule_GetState(module);
}

ModuleState *
state_of_type(PyTypeObject *type)
{
    return PyType_GetModuleState(type);
}

/* What `exit` and `quit` mean at the prompt: site's own would close the program's sys.stdin. */
static PyObject *
module_leave(PyObject *module, PyObject *args)
{
    PyObject *code = Py_None;
    if (!PyArg_ParseTuple(args, "|O:exit", &code)) {
        return NULL;
    }
    state_of_module(module)->left_by_exit = 1;
    PyErr_SetObject(PyExc_SystemExit, code);
    return NULL;
}

/* Pickle an object into nothing, for the tests: None, or the explained exception. */
static PyObject *
module_explain(PyObject *module, PyObject *args)
{
    PyObject *object, *name, *make_pickler;
    (void)module;
    if (!PyArg_ParseTuple(args, "OOO:_explain", &object, &name, &make_pickler)) {
        return NULL;
    }
    PyObject *io = compat_import("io");
    PyObject *file = io == NULL ? NULL : PyObject_CallMethod(io, "BytesIO", NULL);
    PyObject *pickler = file == NULL ? NULL : PyObject_CallFunctionObjArgs(make_pickler, file, NULL);
    PyObject *done = pickler == NULL ? NULL : PyObject_CallMethod(pickler, "dump", "(O)", object);
    if (pickler != NULL && done == NULL) {
        dump_culprit_explain(object, name == Py_None ? NULL : name, make_pickler);
    }
    Py_XDECREF(pickler);
    Py_XDECREF(file);
    Py_XDECREF(io);
    return done;
}

#define METHOD(function) ((PyCFunction)(void (*)(void))(function))
static PyMethodDef module_methods[] = {
    {"complete", METHOD(complete_door), METH_VARARGS | METH_KEYWORDS,
     "What Tab would offer in the calling frame: a dict."},
    {"commands", command_table, METH_NOARGS, "The commands of the prompt: a list of dicts of str."},
    {"_explain", module_explain, METH_VARARGS, "Pickle into nothing, and explain why that fails."},
    {"exit", module_leave, METH_VARARGS, "Leave the prompt; the program goes on."},
    {NULL, NULL, 0, NULL},
};

static int
module_is_subinterpreter(void)
{
    return PyInterpreterState_GetID(PyInterpreterState_Get()) != 0;
}

static int
module_exec(PyObject *module)
{
    ModuleState *state = state_of_module(module);
    const char *enabled = getenv("HOOKING");
    compat_init();
    state->disabled = enabled != NULL && strcmp(enabled, "0") == 0;
    state->subinterpreter = module_is_subinterpreter();
    if (hook_init(state) < 0 || scope_init(module, state) < 0 || PyModule_AddFunctions(module, hook_methods) < 0) {
        return -1;
    }
    state->leave = PyObject_GetAttrString(module, "exit");
    return state->leave == NULL ? -1 : 0;
}

static int
module_traverse(PyObject *module, visitproc visit, void *arg)
{
    ModuleState *state = state_of_module(module);
    Py_VISIT(state->namespace_type);
    Py_VISIT(state->cell_type);
    Py_VISIT(state->leave);
    for (int i = 0; i < HOOK_PARAMETERS; i++) {
        Py_VISIT(state->keywords[i]);
    }
    return 0;
}

static int
module_clear(PyObject *module)
{
    ModuleState *state = state_of_module(module);
    Py_CLEAR(state->namespace_type);
    Py_CLEAR(state->cell_type);
    Py_CLEAR(state->leave);
    for (int i = 0; i < HOOK_PARAMETERS; i++) {
        Py_CLEAR(state->keywords[i]);
    }
    hook_clear(state);
    return 0;
}

static void
module_free(void *module)
{
    module_clear(module);
}

static struct PyModuleDef module_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "hooking._core",
    .m_doc = "A console in any frame of a running Python program: the part in C.",
    .m_size = sizeof(ModuleState),
    .m_methods = module_methods,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
    .m_free = module_free,
};

PyMODINIT_FUNC PyInit__core(void); /* the one symbol that the interpreter looks for */

PyMODINIT_FUNC
PyInit__core(void)
{
    module_def.m_slots = compat_module_slots(module_exec);
    return PyModuleDef_Init(&module_def);
}
