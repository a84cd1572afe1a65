/* Top-level `await`, see await.h.
 *
 * A hook() in a coroutine is called from a step of a task, within loop._run_once(). The loop cannot be run again
 * by its public methods, so it is turned by hand: the current task is set aside with the functions that asyncio
 * documents for other loop implementations (_leave_task, _enter_task), and _run_once() is called until the new
 * task is done. The outer _run_once() has counted the callbacks that it will take from loop._ready; what the
 * inner ones took of them is made up for with cancelled handles, which it skips.
 */
#include "await.h"

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
await_own_loop(PyObject *coroutine, PyObject **runner)
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

/* Turn the loop until the task is done. On Ctrl-C the task is cancelled, and gets the time to clean up. */
static int
await_turn_until_done(PyObject *loop, PyObject *task)
{
    PyObject *type = NULL, *value = NULL, *traceback = NULL;
    for (;;) {
        int done = await_is_done(task);
        if (done < 0) {
            break;
        }
        if (done) {
            break;
        }
        if (await_turn(loop) < 0) {
            if (type != NULL || !PyErr_ExceptionMatches(PyExc_KeyboardInterrupt)) {
                break; /* a second Ctrl-C, or the loop itself is broken */
            }
            PyErr_Fetch(&type, &value, &traceback);
            PyObject *cancelled = PyObject_CallMethod(task, "cancel", NULL);
            Py_XDECREF(cancelled);
            if (cancelled == NULL) {
                break;
            }
        }
    }
    if (type != NULL) {
        PyErr_Restore(type, value, traceback);
    }
    return PyErr_Occurred() ? -1 : 0;
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
    PyObject *function = PyObject_GetAttrString(loop, "is_running"); /* any callable: it is never called */
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
await_running_loop(PyObject *loop, PyObject *coroutine)
{
    PyObject *result = NULL, *task = NULL, *current = NULL, *left = NULL;
    PyObject *tasks = compat_import("asyncio.tasks");
    PyObject *events = compat_import("asyncio.events");
    Py_ssize_t ready = await_count_ready(loop);
    int turned = -1;
    if (tasks == NULL || events == NULL || ready < 0) {
        goto done;
    }
    task = PyObject_CallMethod(loop, "create_task", "O", coroutine);
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
    PyObject *events = compat_import("_asyncio");
    PyObject *loop = events == NULL ? NULL : PyObject_CallMethod(events, "_get_running_loop", NULL);
    if (loop == NULL) {
        goto done;
    }
    if (loop == Py_None) {
        result = await_own_loop(coroutine, runner);
    }
    else if (!PyObject_HasAttrString(loop, "_run_once") || !PyObject_HasAttrString(loop, "_ready")) {
        PyErr_Format(PyExc_RuntimeError,
                     "cannot await here: the running loop %R cannot be turned from within; "
                     "schedule the coroutine on it (asyncio.ensure_future) and go on",
                     loop);
    }
    else {
        result = await_running_loop(loop, coroutine);
    }
done:
    if (result == NULL) {
        PyObject *type, *value, *traceback;
        PyErr_Fetch(&type, &value, &traceback);
        PyObject *closed = PyObject_CallMethod(coroutine, "close", NULL); /* else "was never awaited" is warned */
        if (closed == NULL) {
            PyErr_Clear(); /* it is running or its task owns it */
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
