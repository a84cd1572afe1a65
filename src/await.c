/* Top-level `await`, see await.h.
 *
 * A hook() in a coroutine is called from a step of a task, within loop._run_once(). The loop cannot be run again
 * by its public methods, so it is turned by hand: the current task is set aside with the functions that asyncio
 * documents for other loop implementations (_leave_task, _enter_task), and _run_once() is called until the new
 * task is done. The outer _run_once() has counted the callbacks that it will take from loop._ready; what the
 * inner ones took of them is made up for with cancelled handles, which it skips.
 */
#include "await.h"

#include <signal.h>

#include "compat.h"

static int
await_is_done(PyObject *task)
{
    PyObject *done = PyObject_CallMethod(task, "done", NULL);
    int ret = done == NULL ? -1 : PyObject_IsTrue(done);
    Py_XDECREF(done);
    return ret;
}

/* Run a task to its end on a loop that stands still. On Ctrl-C the task is cancelled, and gets the time to clean
 * up. Not Runner.run(): there a first Ctrl-C only cancels, which a busy loop in the task never notices. */
static PyObject *
await_run_task(PyObject *loop, PyObject *task)
{
    PyObject *result = PyObject_CallMethod(loop, "run_until_complete", "O", task);
    if (result != NULL || !PyErr_ExceptionMatches(PyExc_KeyboardInterrupt)) {
        return result;
    }
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    /* Raised within the task it has ended it, and such a task cannot be waited for (python/cpython#66619). */
    PyObject *cancelled = await_is_done(task) == 0 ? PyObject_CallMethod(task, "cancel", NULL) : NULL;
    PyObject *none = cancelled == NULL ? NULL : PyObject_CallMethod(loop, "run_until_complete", "O", task);
    PyErr_Clear(); /* CancelledError, or what the task makes of it */
    Py_XDECREF(none);
    Py_XDECREF(cancelled);
    PyErr_Restore(type, value, traceback);
    return NULL;
}

static PyObject *
await_own_loop(PyObject *coroutine, PyObject **runner, int *owned)
{
    if (*runner == NULL) {
        PyObject *asyncio = compat_import("asyncio");
        PyObject *factory = asyncio == NULL ? NULL : PyObject_GetAttrString(asyncio, "new_event_loop");
        PyObject *type = factory == NULL ? NULL : PyObject_GetAttrString(asyncio, "Runner");
        PyObject *none = type == NULL ? NULL : PyTuple_New(0);
        /* With a factory the runner leaves the thread's event loop policy alone. */
        PyObject *kwargs = none == NULL ? NULL : Py_BuildValue("{s:O}", "loop_factory", factory);
        if (kwargs != NULL) {
            *runner = PyObject_Call(type, none, kwargs);
        }
        Py_XDECREF(kwargs);
        Py_XDECREF(none);
        Py_XDECREF(type);
        Py_XDECREF(factory);
        Py_XDECREF(asyncio);
    }
    PyObject *loop = *runner == NULL ? NULL : PyObject_CallMethod(*runner, "get_loop", NULL);
    PyObject *task = loop == NULL ? NULL : PyObject_CallMethod(loop, "create_task", "O", coroutine);
    *owned = task != NULL;
    PyObject *result = task == NULL ? NULL : await_run_task(loop, task);
    Py_XDECREF(task);
    Py_XDECREF(loop);
    return result;
}

/* Turn the loop once. `why` it cannot is an exception. */
static int
await_turn(PyObject *loop)
{
    PyObject *none = PyObject_CallMethod(loop, "_run_once", NULL);
    Py_XDECREF(none);
    return none == NULL ? -1 : 0;
}

/* ---- Ctrl-C while the loop is turned ---- */

/* What the handler of SIGINT is bound to: a list [loop, task, whether it was called]. */
enum { BOUND_LOOP, BOUND_TASK, BOUND_CALLED };

/* As asyncio.Runner does it: KeyboardInterrupt only in the task's own step, for other steps are the program's; else the
 * task is cancelled. A second Ctrl-C is raised wherever it comes. */
static PyObject *
await_on_interrupt(PyObject *bound, PyObject *Py_UNUSED(args))
{
    PyObject *loop = PyList_GetItem(bound, BOUND_LOOP);
    PyObject *task = PyList_GetItem(bound, BOUND_TASK);
    PyObject *tasks = compat_import("asyncio.tasks");
    PyObject *current = tasks == NULL ? NULL : PyObject_CallMethod(tasks, "current_task", "O", loop);
    int called = PyList_GetItem(bound, BOUND_CALLED) == Py_True;
    PyObject *result = NULL;
    if (current == NULL) {
        goto done;
    }
    if (current == task || called) {
        PyErr_SetNone(PyExc_KeyboardInterrupt);
        goto done;
    }
    PyObject *cancelled = PyObject_CallMethod(task, "cancel", NULL);
    PyObject *any = cancelled == NULL ? NULL : PyObject_GetAttrString(loop, "is_running");
    /* Through the loop's own pipe: it may be waiting. */
    PyObject *woken = any == NULL ? NULL : PyObject_CallMethod(loop, "call_soon_threadsafe", "O", any);
    if (woken != NULL && PyList_SetItem(bound, BOUND_CALLED, Py_NewRef(Py_True)) == 0) {
        result = Py_NewRef(Py_None);
    }
    Py_XDECREF(woken);
    Py_XDECREF(any);
    Py_XDECREF(cancelled);
done:
    Py_XDECREF(current);
    Py_XDECREF(tasks);
    return result;
}

static PyMethodDef interrupt_method = {"on_interrupt", await_on_interrupt, METH_VARARGS, NULL};

/* Install a handler of SIGINT. The one before; NULL without an exception in a thread that may not. */
static PyObject *
await_set_handler(PyObject *handler)
{
    PyObject *signals = compat_import("_signal");
    PyObject *old = signals == NULL ? NULL : PyObject_CallMethod(signals, "signal", "iO", SIGINT, handler);
    Py_XDECREF(signals);
    if (old == NULL && PyErr_ExceptionMatches(PyExc_ValueError)) {
        PyErr_Clear();
    }
    return old;
}

/* ---- an exception of the program's ---- */

static PyObject *
await_raise(PyObject *exception, PyObject *Py_UNUSED(none))
{
    PyErr_SetObject((PyObject *)Py_TYPE(exception), exception);
    return NULL;
}

static PyMethodDef raise_method = {"raise_again", await_raise, METH_NOARGS, NULL};

/* A step of a task of the program's has raised what ends a loop (SystemExit, KeyboardInterrupt). The loop that the
 * program runs is to see it: it is raised there again, and the prompt is told. */
static void
await_hand_on(PyObject *loop)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    PyObject *function = value == NULL ? NULL : PyCFunction_New(&raise_method, value);
    PyObject *handle = function == NULL ? NULL : PyObject_CallMethod(loop, "call_soon", "O", function);
    if (handle != NULL) {
        PyErr_Format(PyExc_RuntimeError, "a task of the program has raised %R: it goes on to the program", value);
    }
    Py_XDECREF(handle);
    Py_XDECREF(function);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
}

/* ---- turning ---- */

/* The task's own exception, if it is done: asked for, so that asyncio does not log that nobody did. */
static PyObject *
await_exception_of(PyObject *task)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *exception = await_is_done(task) == 1 ? PyObject_CallMethod(task, "exception", NULL) : NULL;
    PyErr_Clear(); /* cancelled, or not done */
    PyErr_Restore(type, value, traceback);
    return exception;
}

/* Is the exception that is set the task's own? */
static int
await_is_tasks(PyObject *task)
{
    PyObject *type, *value, *traceback;
    PyObject *own = await_exception_of(task);
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    int is = own != NULL && own == value;
    PyErr_Restore(type, value, traceback);
    Py_XDECREF(own);
    return is;
}

/* Turn the loop until the task is done. -1 with an exception that is not the task's result. */
static int
await_turn_until_done(PyObject *loop, PyObject *task)
{
    PyObject *bound = Py_BuildValue("[OOO]", loop, task, Py_False);
    PyObject *handler = bound == NULL ? NULL : PyCFunction_New(&interrupt_method, bound);
    PyObject *old = handler == NULL ? NULL : await_set_handler(handler);
    int failed = handler == NULL || (old == NULL && PyErr_Occurred());
    while (!failed && await_is_done(task) == 0) {
        failed = await_turn(loop) < 0;
    }
    if (failed && handler != NULL && !PyErr_ExceptionMatches(PyExc_Exception) && !await_is_tasks(task)
        && !(bound != NULL && PyList_GetItem(bound, BOUND_CALLED) == Py_True)) {
        await_hand_on(loop);
    }
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (old != NULL) {
        PyObject *none = await_set_handler(old);
        Py_XDECREF(none);
    }
    if (failed) { /* the task is left behind */
        PyObject *cancelled = PyObject_CallMethod(task, "cancel", NULL);
        Py_XDECREF(cancelled);
    }
    PyErr_Clear();
    PyErr_Restore(type, value, traceback);
    if (!failed && PyList_GetItem(bound, BOUND_CALLED) == Py_True) {
        PyObject *own = await_exception_of(task);
        Py_XDECREF(own);
        PyErr_SetNone(PyExc_KeyboardInterrupt); /* whatever the task has made of being cancelled */
        failed = 1;
    }
    Py_XDECREF(old);
    Py_XDECREF(handler);
    Py_XDECREF(bound);
    return failed ? -1 : 0;
}

static Py_ssize_t
await_count_ready(PyObject *loop)
{
    PyObject *ready = PyObject_GetAttrString(loop, "_ready");
    Py_ssize_t count = ready == NULL ? -1 : PyObject_Size(ready);
    Py_XDECREF(ready);
    return count;
}

/* Fill loop._ready up to `count` with handles that do nothing. */
static int
await_pad_ready(PyObject *loop, PyObject *events, Py_ssize_t count)
{
    int ret = -1;
    PyObject *ready = PyObject_GetAttrString(loop, "_ready");
    PyObject *function = ready == NULL ? NULL
                                       : PyObject_GetAttrString(loop, "is_running"); /* any callable: never called */
    while (ready != NULL && function != NULL && PyObject_Size(ready) < count) {
        PyObject *handle = PyObject_CallMethod(events, "Handle", "O()O", function, loop);
        PyObject *cancelled = handle == NULL ? NULL : PyObject_CallMethod(handle, "cancel", NULL);
        PyObject *appended = cancelled == NULL ? NULL : PyObject_CallMethod(ready, "append", "O", handle);
        Py_XDECREF(appended);
        Py_XDECREF(cancelled);
        Py_XDECREF(handle);
        if (appended == NULL) {
            goto done;
        }
    }
    ret = ready == NULL || function == NULL ? -1 : 0;
done:
    Py_XDECREF(ready);
    Py_XDECREF(function);
    return ret;
}

/* Run on `loop`, which is running: see the top of this file. */
static PyObject *
await_running_loop(PyObject *loop, PyObject *coroutine, int *owned)
{
    PyObject *result = NULL, *task = NULL, *current = NULL, *left = NULL;
    PyObject *tasks = compat_import("asyncio.tasks");
    PyObject *events = tasks == NULL ? NULL : compat_import("asyncio.events");
    Py_ssize_t ready = events == NULL ? -1 : await_count_ready(loop);
    int turned = -1;
    if (tasks == NULL || events == NULL || ready < 0) {
        goto done;
    }
    task = PyObject_CallMethod(loop, "create_task", "O", coroutine);
    *owned = task != NULL;
    current = task == NULL ? NULL : PyObject_CallMethod(tasks, "current_task", "O", loop);
    if (current == NULL) {
        goto done;
    }
    if (current != Py_None) { /* None in a plain callback */
        left = PyObject_CallMethod(tasks, "_leave_task", "OO", loop, current);
        if (left == NULL) {
            goto done;
        }
    }
    turned = await_turn_until_done(loop, task);
    if (turned == 0) {
        result = PyObject_CallMethod(task, "result", NULL);
    }
done:;
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (left != NULL) {
        PyObject *entered = PyObject_CallMethod(tasks, "_enter_task", "OO", loop, current);
        if (entered == NULL) {
            PyErr_WriteUnraisable(loop);
        }
        Py_XDECREF(entered);
    }
    if (task != NULL && await_pad_ready(loop, events, ready) < 0) {
        PyErr_WriteUnraisable(loop);
    }
    if (type != NULL || result == NULL) {
        PyErr_Restore(type, value, traceback);
    }
    Py_XDECREF(left);
    Py_XDECREF(current);
    Py_XDECREF(task);
    Py_XDECREF(events);
    Py_XDECREF(tasks);
    return result;
}

PyObject *
await_run(PyObject *coroutine, PyObject **runner)
{
    PyObject *result = NULL;
    int owned = 0; /* by a task, which ends it */
    PyObject *events = compat_import("_asyncio");
    PyObject *loop = events == NULL ? NULL : PyObject_CallMethod(events, "_get_running_loop", NULL);
    if (loop == NULL) {
        goto done;
    }
    if (loop == Py_None) {
        result = await_own_loop(coroutine, runner, &owned);
    }
    else if (!PyObject_HasAttrString(loop, "_run_once") || !PyObject_HasAttrString(loop, "_ready")) {
        PyErr_Format(PyExc_RuntimeError,
                     "cannot await here: the running loop %R cannot be turned from within; "
                     "schedule the coroutine on it (asyncio.ensure_future) and go on",
                     loop);
    }
    else {
        result = await_running_loop(loop, coroutine, &owned);
    }
done:
    if (result == NULL && !owned) {
        PyObject *type, *value, *traceback;
        PyErr_Fetch(&type, &value, &traceback);
        PyObject *closed = PyObject_CallMethod(coroutine, "close", NULL); /* else "was never awaited" is warned */
        if (closed == NULL) {
            PyErr_Clear();
        }
        Py_XDECREF(closed);
        PyErr_Restore(type, value, traceback);
    }
    Py_XDECREF(loop);
    Py_XDECREF(events);
    return result;
}

void
await_close(PyObject **runner)
{
    if (*runner != NULL) {
        PyObject *none = PyObject_CallMethod(*runner, "close", NULL);
        if (none == NULL) {
            PyErr_WriteUnraisable(*runner);
        }
        Py_XDECREF(none);
        Py_CLEAR(*runner);
    }
}
