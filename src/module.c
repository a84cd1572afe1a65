/* The module: slots, exec, method table, state. */
#include "state.h"

#include <stdlib.h>
#include <string.h>

#include "ahook.h"
#include "around.h"
#include "checkpoint.h"
#include "command.h"
#include "compat.h"
#include "complete.h"
#include "dump.h"
#include "dump_culprit.h"
#include "hook.h"
#include "inspect.h"
#include "install.h"
#include "load.h"
#include "load_map.h"
#include "postmortem.h"
#include "rescue.h"
#include "runner.h"
#include "runner_command.h"
#include "scope.h"
#include "track.h"
#include "watch.h"

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
module_leave(PyObject *module, PyObject *args, const char *name)
{
    PyObject *code = Py_None;
    if (!PyArg_UnpackTuple(args, name, 0, 1, &code)) {
        return NULL;
    }
    state_of_module(module)->left_by = name;
    PyErr_SetObject(PyExc_SystemExit, code);
    return NULL;
}

static PyObject *
module_exit(PyObject *module, PyObject *args)
{
    return module_leave(module, args, "exit");
}

static PyObject *
module_quit(PyObject *module, PyObject *args)
{
    return module_leave(module, args, "quit");
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
    {"dump", METHOD(dump_door), METH_VARARGS | METH_KEYWORDS,
     "dump(obj, path, *, name=None)\n--\n\n"
     "Save an object in a file, as a pickle that any Python reads with pickle.load().\n\n"
     "    obj   what is to be saved. What pickle cannot save, cloudpickle is asked to, if it is installed.\n"
     "    path  str, bytes or os.PathLike. A file that is there is replaced, when all is safely on the disk.\n"
     "    name  str: what `load FILE` at the prompt binds it to.\n\n"
     "Raises OSError; PicklingError, TypeError and others that say which part of obj cannot be pickled."},
    {"load", METHOD(load_door), METH_VARARGS | METH_KEYWORDS,
     "load(path, *, trust=None, mmap=True, verify=False, modules=None)\n--\n\n"
     "Bring back what dump() or pickle.dump() has saved.\n\n"
     "    path     str, bytes or os.PathLike; also of a file compressed with gzip, bzip2, xz or zstd.\n"
     "    trust    True: unpickle it whoever has made it, which may run any code. Else what is not signed with your\n"
     "             own key is unpickled only if that does nothing but construct data.\n"
     "    mmap     large arrays are mapped: read when they are used, and written to without the file being changed.\n"
     "    verify   read and check all of it first, also what is mapped.\n"
     "    modules  a mapping of names of modules to those that take their place, as {'__main__': 'train'}.\n\n"
     "Raises OSError; UntrustedDump; DumpError for a file that is damaged or no pickle; what unpickling raises."},
    {"inspect_dump", METHOD(inspect_door), METH_VARARGS | METH_KEYWORDS,
     "inspect_dump(path, *, verify=True)\n--\n\n"
     "What is in a file that load() would load, without unpickling it: a dict.\n\n"
     "    kind      'dump', 'pickle', or what else it is; then `reader` says what reads it\n"
     "    size      bytes, unpacked; packed: what it was compressed with, if it was\n"
     "    whole     is it as it was written? With verify=False the buffers are not looked at. If not, `damage`\n"
     "              says what and where\n"
     "    signed    with your own key?\n"
     "    does      'data': nothing but construct data; 'code': it may run any code, or is nested so that it takes\n"
     "              the interpreter down, `why` says by what; 'broken'\n"
     "    imports   a list of dicts: module, name, offset (bytes), called, safe\n"
     "    facts     of a dump, a dict of str: name, expression, type, file, line, function, time (UTC), python,\n"
     "              modules, main, needs; of `dump --all`: names\n"
     "    buffers   of a dump: a list of dicts: offset, size (bytes), readonly\n"
     "    protocol  int, of the pickle\n\n"
     "Raises OSError, and DumpError for a compressed file that cannot be unpacked."},
    {"run_as_main", METHOD(runner_door), METH_VARARGS | METH_KEYWORDS,
     "run_as_main(path=None, *, module=None, argv=None)\n--\n\n"
     "Run a program as `python path ARGS` or `python -m module ARGS` does: for profilers, debuggers and other tools\n"
     "that run people's scripts. The program cannot tell the difference, but for the frames of its caller.\n\n"
     "    path    str, bytes or os.PathLike: a script, bytecode, a folder or a zip file with a __main__.py in it.\n"
     "            '-' is standard input\n"
     "    module  str, in its place: the name of a module or package\n"
     "    argv    a list of str: sys.argv[1:] of the program, by default none\n\n"
     "Returns None when the program has ended by itself. Raises what ends it, SystemExit as well, with a traceback\n"
     "that begins in the program. Raises OSError if there is no such file, ImportError if there is no such module or\n"
     "no __main__.py: then all is as before. Else sys.modules['__main__'], sys.argv and sys.path[0] stay the\n"
     "program's, for its threads and atexit functions go on; a tool that wants its own back has to keep them."},
    {"run", METHOD(runner_command_door), METH_VARARGS | METH_KEYWORDS, "The command `hooking run`."},
    {"exit", module_exit, METH_VARARGS, "Leave the prompt; the program goes on."},
    {"quit", module_quit, METH_VARARGS, "Leave the prompt; the program goes on."},
    {NULL, NULL, 0, NULL},
};

static int
module_is_subinterpreter(void)
{
    return PyInterpreterState_GetID(PyInterpreterState_Get()) != 0;
}

static int
module_init_leave(PyObject *module, ModuleState *state)
{
    static const char *const names[] = {"exit", "quit"};
    state->leave = PyDict_New();
    int ret = state->leave == NULL ? -1 : 0;
    for (size_t i = 0; ret == 0 && i < sizeof names / sizeof *names; i++) {
        PyObject *function = PyObject_GetAttrString(module, names[i]);
        ret = function == NULL ? -1 : PyDict_SetItemString(state->leave, names[i], function);
        Py_XDECREF(function);
    }
    return ret;
}

static int
module_exec(PyObject *module)
{
    ModuleState *state = state_of_module(module);
    const char *enabled = getenv("HOOKING");
    compat_init();
    state->disabled = enabled != NULL && strcmp(enabled, "0") == 0;
    state->subinterpreter = module_is_subinterpreter();
    if (hook_init(state) < 0 || scope_init(module, state) < 0 || load_map_init(module, state) < 0
        || load_init(module, state) < 0 || rescue_init(module, state) < 0 || ahook_init(module, state) < 0
        || checkpoint_init(module, state) < 0 || track_init(module, state) < 0
        || watch_init(module, state) < 0
        || PyModule_AddFunctions(module, hook_methods) < 0 || PyModule_AddFunctions(module, ahook_methods) < 0
        || PyModule_AddFunctions(module, postmortem_methods) < 0
        || PyModule_AddFunctions(module, install_methods) < 0
        || PyModule_AddFunctions(module, watch_methods) < 0
        || PyModule_AddFunctions(module, around_methods) < 0) {
        return -1;
    }
    return module_init_leave(module, state);
}

static int
module_traverse(PyObject *module, visitproc visit, void *arg)
{
    ModuleState *state = state_of_module(module);
    Py_VISIT(state->namespace_type);
    Py_VISIT(state->cell_type);
    Py_VISIT(state->rescue_type);
    Py_VISIT(state->step_type);
    for (int i = 0; i < RESCUED_KINDS; i++) {
        Py_VISIT(state->run_types[i]);
    }
    Py_VISIT(state->rescued_type);
    Py_VISIT(state->rescued_object_type);
    Py_VISIT(state->map_type);
    Py_VISIT(state->ahook_type);
    Py_VISIT(state->ahook_idle);
    Py_VISIT(state->checkpoint_type);
    Py_VISIT(state->checkpoint);
    Py_VISIT(state->watch_type);
    Py_VISIT(state->watch_unbound);
    Py_VISIT(state->error);
    Py_VISIT(state->untrusted);
    Py_VISIT(state->script);
    Py_VISIT(state->loops);
    Py_VISIT(state->around);
    Py_VISIT(state->reasons);
    Py_VISIT(state->main);
    Py_VISIT(state->leave);
    for (int i = 0; i < INSTALL_PLACES; i++) {
        Py_VISIT(state->installed[i]);
    }
    for (int i = 0; i < HOOK_PARAMETERS; i++) {
        Py_VISIT(state->keywords[i]);
    }
    int ret = track_visit(state, visit, arg);
    return ret != 0 ? ret : watch_visit(state, visit, arg);
}

static int
module_clear(PyObject *module)
{
    ModuleState *state = state_of_module(module);
    track_clear(state);
    watch_clear(state);
    Py_CLEAR(state->watch_type);
    Py_CLEAR(state->watch_unbound);
    Py_CLEAR(state->namespace_type);
    Py_CLEAR(state->cell_type);
    Py_CLEAR(state->rescue_type);
    Py_CLEAR(state->step_type);
    for (int i = 0; i < RESCUED_KINDS; i++) {
        Py_CLEAR(state->run_types[i]);
    }
    Py_CLEAR(state->rescued_type);
    Py_CLEAR(state->rescued_object_type);
    Py_CLEAR(state->map_type);
    Py_CLEAR(state->ahook_type);
    Py_CLEAR(state->ahook_idle);
    Py_CLEAR(state->checkpoint_type);
    Py_CLEAR(state->checkpoint);
    Py_CLEAR(state->error);
    Py_CLEAR(state->untrusted);
    Py_CLEAR(state->script);
    Py_CLEAR(state->loops);
    Py_CLEAR(state->around);
    Py_CLEAR(state->reasons);
    Py_CLEAR(state->main);
    Py_CLEAR(state->leave);
    for (int i = 0; i < INSTALL_PLACES; i++) {
        Py_CLEAR(state->installed[i]);
    }
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
    track_free(state_of_module(module));
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
