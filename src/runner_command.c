/* `hooking run`, see runner_command.h.
 *
 * The program shall find nobody below it on the stack. The command's own frames, and those of runpy, end when an
 * exception goes through them; the interpreter then calls sys.excepthook, with no frame left, and lets the process end
 * when that returns. So the program runs in there, before threads and atexit functions are dealt with. */
#include "runner_command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frame.h"
#include "install.h"
#include "runner.h"

#define COMMAND_CAPSULE "hooking._core.run"

typedef struct Command {
    PyObject *module;     /* owned: _core */
    Runner runner;
    PyObject *excepthook; /* owned, or NULL: what was in sys before */
} Command;

static void
runner_command_free(Command *command)
{
    if (command != NULL) {
        runner_clear(&command->runner);
        Py_XDECREF(command->excepthook);
        Py_XDECREF(command->module);
        PyMem_Free(command);
    }
}

static void
runner_command_destroy(PyObject *capsule)
{
    runner_command_free(PyCapsule_GetPointer(capsule, COMMAND_CAPSULE));
}

/* ---- what the program shall not see ---- */

/* sys.orig_argv without us: the interpreter, its options, then the program. -1 with an exception. */
static int
runner_command_forget_argv(const Runner *runner)
{
    int ret = -1;
    PyObject *was = PySys_GetObject("orig_argv"), *argv = PySys_GetObject("argv"); /* borrowed */
    PyObject *now = NULL, *target = NULL, *script = argv == NULL ? NULL : PySequence_GetItem(argv, 0);
    /* behind the interpreter and its options: a script, or -m and a name; then sys.argv[1:] */
    Py_ssize_t end = was == NULL || script == NULL ? -1 : PySequence_Size(was) - (PySequence_Size(argv) - 1);
    PyObject *last = end < 1 ? NULL : PySequence_GetItem(was, end - 1);
    if (last == NULL) {
        PyErr_Clear();
        ret = 0;
        goto done;
    }
    Py_ssize_t ours = PyObject_RichCompareBool(last, script, Py_EQ) == 1 ? 1 : 2;
    now = PySequence_GetSlice(was, 0, end > ours ? end - ours : 1);
    target = runner->path != NULL ? Py_BuildValue("[O]", runner->path) : Py_BuildValue("[sO]", "-m", runner->module);
    Py_SETREF(now, now == NULL || target == NULL ? NULL : PySequence_InPlaceConcat(now, target));
    Py_SETREF(now, now == NULL ? NULL : PySequence_InPlaceConcat(now, runner->arguments));
    ret = now == NULL ? -1 : PySys_SetObject("orig_argv", now);
done:
    Py_XDECREF(now);
    Py_XDECREF(target);
    Py_XDECREF(script);
    Py_XDECREF(last);
    return ret;
}

/* What Python has noted of the exception that brought us here, and of the folder that it took us from. */
static void
runner_command_forget(const Command *command)
{
    static const char *const names[] = {"last_exc", "last_type", "last_value", "last_traceback"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (PySys_SetObject(names[i], NULL) < 0) {
            PyErr_Clear();
        }
    }
    if (PySys_SetObject("excepthook", command->excepthook) < 0) {
        PyErr_Clear();
    }
    PyObject *path = PySys_GetObject("path"), *cache = PySys_GetObject("path_importer_cache"); /* borrowed */
    PyObject *first = path == NULL ? NULL : PySequence_GetItem(path, 0);
    if (first == NULL || cache == NULL || PyObject_DelItem(cache, first) < 0) {
        PyErr_Clear();
    }
    Py_XDECREF(first);
    if (runner_command_forget_argv(&command->runner) < 0) {
        PyErr_Clear();
    }
}

/* ---- at the top ---- */

static bool
runner_command_flag(const char *name)
{
    PyObject *flags = PySys_GetObject("flags"); /* borrowed */
    PyObject *flag = flags == NULL ? NULL : PyObject_GetAttrString(flags, name);
    bool ret = flag != NULL && PyObject_IsTrue(flag) == 1;
    PyErr_Clear();
    Py_XDECREF(flag);
    return ret;
}

/* Does Python go on at a prompt after the program (-i, PYTHONINSPECT)? */
static bool
runner_command_is_inspected(void)
{
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    const char *variable = getenv("PYTHONINSPECT"); /* the program itself may have set it */
    bool listens = variable != NULL && *variable != '\0' && !runner_command_flag("ignore_environment");
    bool ret = (listens || runner_command_flag("inspect"))
               && (runner_command_flag("interactive") || isatty(STDIN_FILENO));
    PyErr_Restore(type, error, traceback);
    return ret;
}

/* The exception that is set, and stays so: a new reference. */
static PyObject *
runner_command_error(void)
{
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    PyErr_NormalizeException(&type, &error, &traceback);
    if (traceback != NULL && error != NULL) {
        PyException_SetTraceback(error, traceback);
    }
    PyErr_Restore(type, Py_XNewRef(error), traceback);
    return error;
}

/* It was shown: open a console there, unless the program has had that done. */
static void
runner_command_open(ModuleState *state, PyObject *error)
{
    PyObject *traceback = state->met == error ? NULL : compat_traceback(error);
    if (traceback != NULL && install_open(state, error, traceback) < 0) {
        PyErr_Print(); /* `abort` ends the process here */
    }
    Py_XDECREF(traceback);
}

/* Run the program, and tell what it has raised. Has it ended by itself? */
static bool
runner_command_run(Command *command)
{
    ModuleState *state = state_of_module(command->module);
    PyObject *result = runner_run(state, &command->runner);
    if (result == NULL) {
        PyObject *error = runner_command_error();
        state->met = NULL;
        if (compat_is_interrupt(PyErr_Occurred())) {
            compat_note_interrupt(1);
        }
        if (compat_main_ends_first()) {
            runner_end(&command->runner);
        }
        if (PyErr_ExceptionMatches(PyExc_SystemExit) && !runner_command_is_inspected()) {
            /* what __main__ holds is collected at the end, as ever: nothing of it may be left with us */
            runner_clear(&command->runner);
            Py_CLEAR(error);
        }
        PyErr_Print(); /* ends the process on SystemExit; else Python does, with its status, when we return */
        if (error != NULL) {
            runner_command_open(state, error);
        }
        Py_XDECREF(error);
    }
    runner_end(&command->runner);
    runner_clear(&command->runner);
    Py_XDECREF(result);
    return result != NULL;
}

/* In the place of sys.excepthook. */
static PyObject *
runner_command_arrive(PyObject *capsule, PyObject *Py_UNUSED(args))
{
    Command *command = PyCapsule_GetPointer(capsule, COMMAND_CAPSULE);
    if (command == NULL) {
        return NULL;
    }
    Py_LeaveRecursiveCall(); /* the program shall be able to call itself as often as without us */
    /* The interpreter has no reference to what it calls here: it stays, until the process ends. */
    Py_XINCREF(PySys_GetObject("excepthook"));
    runner_command_forget(command);
    if (runner_command_run(command) && !runner_command_is_inspected()) {
        Py_Exit(0); /* a return would mean that there was an exception */
    }
    return Py_EnterRecursiveCall("") < 0 ? NULL : Py_NewRef(Py_None);
}

/* ---- getting there ---- */

/* Are there only the frames of the command: ours, a script's top level that has called it, runpy's for -m? Then nobody
 * catches the exception, and nobody counts on getting control back. */
static bool
runner_command_is_alone(void)
{
    PyObject *frame = frame_current(), *own = frame == NULL ? NULL : frame_globals(frame);
    bool alone = own != NULL;
    while (frame != NULL && alone) {
        PyObject *globals = frame_globals(frame), *function = frame_function(frame);
        PyObject *name = globals == NULL ? NULL : PyDict_GetItemString(globals, "__name__"); /* borrowed */
        bool named = name != NULL && PyUnicode_Check(name) && function != NULL;
        bool runpy = named && PyUnicode_CompareWithASCIIString(name, "runpy") == 0;
        bool script = named && PyUnicode_CompareWithASCIIString(name, "__main__") == 0
                      && PyUnicode_CompareWithASCIIString(function, "<module>") == 0;
        alone = globals == own || runpy || script;
        Py_XDECREF(globals);
        Py_XDECREF(function);
        Py_SETREF(frame, frame_back(frame));
    }
    PyErr_Clear();
    Py_XDECREF(frame);
    Py_XDECREF(own);
    return alone;
}

/* The exception that leads to the top is set; the capsule is what waits there. -1: another one is. */
static int
runner_command_leave(PyObject *capsule, Command *command)
{
    static PyMethodDef method = {"excepthook", runner_command_arrive, METH_VARARGS, NULL};
    int ret = -1;
    PyObject *hook = PyCFunction_New(&method, capsule);
    PyObject *leave = hook == NULL ? NULL : PyErr_NewException("hooking._core.Leave", PyExc_BaseException, NULL);
    command->excepthook = Py_XNewRef(PySys_GetObject("excepthook"));
    if (leave != NULL && PySys_SetObject("excepthook", hook) == 0) {
        PyErr_SetNone(leave);
        ret = 0;
    }
    Py_XDECREF(hook);
    Py_XDECREF(leave);
    return ret;
}

/* As Python says that there is no such script; the exception becomes the SystemExit with Python's status. */
static void
runner_command_complain(const Runner *runner)
{
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    PyErr_NormalizeException(&type, &error, &traceback);
    PyObject *number = PyObject_GetAttrString(error, "errno"), *text = PyObject_GetAttrString(error, "strerror");
    PyObject *argv = PySys_GetObject("orig_argv"), *program = argv == NULL ? NULL : PySequence_GetItem(argv, 0);
    PyErr_Clear();
    PySys_FormatStderr("%S: can't open file %R: [Errno %S] %S\n", program, runner->place, number, text);
    Py_XDECREF(type);
    Py_XDECREF(error);
    Py_XDECREF(traceback);
    Py_XDECREF(number);
    Py_XDECREF(text);
    Py_XDECREF(program);
    PyObject *status = PyLong_FromLong(2);
    if (status != NULL) {
        PyErr_SetObject(PyExc_SystemExit, status);
        Py_DECREF(status);
    }
}

PyObject *
runner_command_door(PyObject *module, PyObject *args, PyObject *named)
{
    PyObject *result = NULL, *capsule = NULL;
    Command *command = PyMem_Calloc(1, sizeof *command);
    capsule = command == NULL ? PyErr_NoMemory() : PyCapsule_New(command, COMMAND_CAPSULE, runner_command_destroy);
    if (capsule == NULL) {
        runner_command_free(command);
        return NULL;
    }
    Runner *runner = &command->runner;
    command->module = Py_NewRef(module);
    if (runner_parse(runner, args, named, "|O$OO:run") < 0) {
        goto done;
    }
    if (runner_open(runner) < 0) {
        if (PyErr_ExceptionMatches(PyExc_OSError)) {
            runner_command_complain(runner);
        }
        goto done;
    }
    if (runner_command_is_alone()) {
        runner_command_leave(capsule, command);
        goto done;
    }
    result = runner_run(state_of_module(module), runner);
    if (result != NULL) {
        runner_end(runner);
    }
done:
    Py_DECREF(capsule);
    return result;
}
