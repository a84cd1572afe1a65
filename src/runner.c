/* Programs that run as __main__, see runner.h. */
#include "runner.h"

#include "checkpoint.h"
#include "frame.h"
#include "runner_file.h"
#include "runner_main.h"

/* ---- which program ---- */

static int
runner_take_arguments(Runner *runner, PyObject *argv)
{
    runner->arguments = argv == NULL || argv == Py_None ? PyList_New(0) : NULL;
    if (runner->arguments == NULL && argv != NULL && PyUnicode_Check(argv)) {
        PyErr_Format(PyExc_TypeError, "argv shall be a list of str, and is a str: [%R]?", argv);
        return -1;
    }
    if (runner->arguments == NULL) {
        runner->arguments = argv == NULL ? NULL : PySequence_List(argv);
    }
    Py_ssize_t count = runner->arguments == NULL ? -1 : PyList_Size(runner->arguments);
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *argument = PyList_GetItem(runner->arguments, i);
        if (!PyUnicode_Check(argument)) {
            PyErr_Format(PyExc_TypeError, "argv shall be a list of str, and argv[%zd] is %R", i, argument);
            return -1;
        }
    }
    return count < 0 ? -1 : 0;
}

int
runner_parse(Runner *runner, PyObject *args, PyObject *named, const char *format)
{
    static char *keywords[] = {(char *)"path", (char *)"module", (char *)"argv", NULL};
    PyObject *path = NULL, *module = NULL, *argv = NULL;
    *runner = (Runner){0};
    if (!PyArg_ParseTupleAndKeywords(args, named, format, keywords, &path, &module, &argv)) {
        return -1;
    }
    path = path == Py_None ? NULL : path;
    module = module == Py_None ? NULL : module;
    if ((path == NULL) == (module == NULL)) {
        PyErr_SetString(PyExc_TypeError, path == NULL ? "which program? Give a path, or module=NAME"
                                                      : "either a path or module=NAME, not both");
        return -1;
    }
    if (module != NULL && !PyUnicode_Check(module)) {
        PyErr_Format(PyExc_TypeError, "module shall be a name, a str, and is %R", module);
        return -1;
    }
    runner->module = Py_XNewRef(module);
    if (path != NULL && !PyUnicode_FSDecoder(path, &runner->path)) {
        return -1;
    }
    return runner_take_arguments(runner, argv);
}

int
runner_open(Runner *runner)
{
    if (runner->module != NULL) {
        return 0;
    }
    if (PyUnicode_CompareWithASCIIString(runner->path, "-") == 0) {
        runner->place = PyUnicode_FromString("<stdin>");
        runner->file = stdin;
        runner->is_script = true;
        return runner->place == NULL ? -1 : 0;
    }
    runner->place = runner_main_absolute(runner->path);
    PyObject *importer = runner->place == NULL ? NULL : PyImport_GetImporter(runner->place);
    if (importer == Py_None) {
        runner->file = runner_file_open(runner->place, runner->path);
        runner->is_script = true;
    }
    Py_XDECREF(importer);
    return importer == NULL || (importer == Py_None && runner->file == NULL) ? -1 : 0;
}

void
runner_clear(Runner *runner)
{
    if (runner->file != NULL && runner->file != stdin) {
        fclose(runner->file);
    }
    runner->file = NULL;
    Py_CLEAR(runner->path);
    Py_CLEAR(runner->module);
    Py_CLEAR(runner->arguments);
    Py_CLEAR(runner->place);
    Py_CLEAR(runner->globals);
}

/* ---- running it ---- */

/* sys.argv, sys.path[0] and __main__, in the order in which CPython has them. */
static int
runner_enter(ModuleState *state, Runner *runner)
{
    int ret = -1;
    PyObject *modules = PyImport_GetModuleDict(); /* borrowed */
    bool itself = runner->path != NULL && !runner->is_script; /* a folder or a zip file is its own sys.path[0] */
    PyObject *main = runner_main_module();
    PyObject *folder = itself ? Py_NewRef(runner->place) : runner_main_folder(runner->path);
    PyObject *argv = PySequence_List(runner->arguments);
    PyObject *first = runner->path == NULL ? PyUnicode_FromString("-m") : Py_NewRef(runner->path);
    if (main == NULL || folder == NULL || argv == NULL || first == NULL || PyList_Insert(argv, 0, first) < 0
        || PySys_SetObject("argv", argv) < 0 || runner_main_path(folder, itself) < 0) {
        goto done;
    }
    if (state->main == NULL) { /* when a script has ended, CPython takes __file__ from a dict that it has borrowed */
        state->main = Py_XNewRef(PyDict_GetItemString(modules, "__main__"));
    }
    if (PyMapping_SetItemString(modules, "__main__", main) < 0) { /* whoever follows what comes hears of it */
        goto done;
    }
    runner->globals = Py_NewRef(PyModule_GetDict(main));
    ret = 0;
done:
    Py_XDECREF(main);
    Py_XDECREF(folder);
    Py_XDECREF(argv);
    Py_XDECREF(first);
    return ret;
}

static int
runner_audit(const char *event, PyObject *what)
{
    PyObject *audit = PySys_GetObject("audit"); /* borrowed; PySys_Audit() is not in the limited API */
    PyObject *done = audit == NULL ? NULL : PyObject_CallFunction(audit, what == NULL ? "s" : "sO", event, what);
    Py_XDECREF(done);
    return audit != NULL && done == NULL ? -1 : 0;
}

/* As the interpreter itself does for -m, and for folders and zip files, whose module is called __main__. */
static PyObject *
runner_run_module(PyObject *name, bool is_named)
{
    PyObject *runpy = runner_audit("cpython.run_module", name) < 0 ? NULL : compat_import("runpy");
    PyObject *result =
        runpy == NULL ? NULL : PyObject_CallMethod(runpy, "_run_module_as_main", "Oi", name, (int)is_named);
    Py_XDECREF(runpy);
    Py_XDECREF(result);
    return result == NULL ? NULL : Py_NewRef(Py_None);
}

PyObject *
runner_run(ModuleState *state, Runner *runner)
{
    FILE *file = runner->file;
    if (runner_enter(state, runner) < 0 || checkpoint_begin(state, runner->globals) < 0) {
        return NULL;
    }
    if (runner->module != NULL) {
        return runner_run_module(runner->module, true);
    }
    if (!runner->is_script) {
        PyObject *name = PyUnicode_FromString("__main__");
        PyObject *result = name == NULL ? NULL : runner_run_module(name, false);
        Py_XDECREF(name);
        return result;
    }
    bool piped = file == stdin;
    if (runner_audit(piped ? "cpython.run_stdin" : "cpython.run_file", piped ? NULL : runner->place) < 0) {
        return NULL;
    }
    runner->file = NULL;
    return runner_file_run(file, runner->place, runner->globals);
}

void
runner_end(Runner *runner)
{
    if (runner->is_script && runner->globals != NULL) {
        runner_file_end(runner->globals);
    }
}

/* ---- run_as_main() ---- */

/* The traceback behind the frames of runpy: a new reference, NULL when there are no others. */
static PyObject *
runner_cut(PyObject *traceback)
{
    PyObject *runpy = PyDict_GetItemString(PyImport_GetModuleDict(), "runpy"); /* borrowed */
    PyObject *own = runpy == NULL ? NULL : PyModule_GetDict(runpy);
    PyObject *rest = Py_XNewRef(traceback);
    bool more = own != NULL;
    while (more && rest != NULL) {
        PyObject *frame = PyObject_GetAttrString(rest, "tb_frame");
        PyObject *globals = frame == NULL ? NULL : frame_globals(frame);
        more = globals == own;
        if (more) {
            Py_SETREF(rest, PyObject_GetAttrString(rest, "tb_next"));
        }
        if (rest == Py_None) {
            Py_CLEAR(rest);
        }
        Py_XDECREF(globals);
        Py_XDECREF(frame);
    }
    return rest;
}

/* runpy ends Python, with a message, when there is no such module: then what it says, as an ImportError, is set. */
static bool
runner_is_missing(const Runner *runner, PyObject *error)
{
    bool missing = false;
    PyObject *why = PyException_GetContext(error), *cause = why == NULL ? NULL : PyException_GetCause(why);
    PyObject *kind = why == NULL ? NULL : PyType_GetName(Py_TYPE(why));
    PyObject *text = kind == NULL || PyUnicode_CompareWithASCIIString(kind, "_Error") != 0 ? NULL : PyObject_Str(why);
    if (text != NULL) {
        PyErr_SetImportError(text, runner->module, runner->place);
        PyObject *type, *value, *traceback;
        PyErr_Fetch(&type, &value, &traceback);
        PyErr_NormalizeException(&type, &value, &traceback);
        PyException_SetCause(value, Py_XNewRef(cause));
        PyErr_Restore(type, value, traceback);
        missing = true;
    }
    Py_XDECREF(why);
    Py_XDECREF(cause);
    Py_XDECREF(kind);
    Py_XDECREF(text);
    return missing;
}

/* The exception that is set, as the caller of run_as_main() shall have it. */
static void
runner_raise(const Runner *runner, const RunnerSystem *before)
{
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    PyErr_NormalizeException(&type, &error, &traceback);
    PyObject *rest = runner_cut(traceback);
    if (rest == NULL && PyErr_GivenExceptionMatches(type, PyExc_SystemExit) && runner_is_missing(runner, error)) {
        runner_main_restore(before);
        Py_XDECREF(type);
        Py_XDECREF(error);
    }
    else {
        if (PyException_SetTraceback(error, rest == NULL ? Py_None : rest) < 0) {
            PyErr_Clear();
        }
        PyErr_Restore(type, error, Py_XNewRef(rest));
    }
    Py_XDECREF(rest);
    Py_XDECREF(traceback);
}

PyObject *
runner_door(PyObject *module, PyObject *args, PyObject *named)
{
    Runner runner;
    RunnerSystem before = {0};
    PyObject *result = NULL;
    if (runner_parse(&runner, args, named, "|O$OO:run_as_main") < 0 || runner_open(&runner) < 0
        || runner_main_save(&before) < 0) {
        goto done;
    }
    result = runner_run(state_of_module(module), &runner);
    if (result == NULL) {
        if (PyErr_ExceptionMatches(PyExc_KeyboardInterrupt)) {
            compat_note_interrupt(0);
        }
        runner_raise(&runner, &before);
    }
    else {
        runner_end(&runner);
    }
done:
    runner_main_forget(&before);
    runner_clear(&runner);
    return result;
}
