/* asyncio's tasks, see task.h. */
#include "task.h"

#include <string.h>

#include "compat.h"

int
task_find(PyObject **loop, PyObject **task)
{
    *loop = *task = NULL;
    PyObject *modules = PySys_GetObject("modules");
    if (modules == NULL || PyDict_GetItemString(modules, "asyncio") == NULL) {
        return 0; /* no loop of its kind can be running */
    }
    PyObject *events = compat_import("_asyncio");
    PyObject *tasks = events == NULL ? NULL : compat_import("asyncio.tasks");
    PyObject *running = tasks == NULL ? NULL : PyObject_CallMethod(events, "_get_running_loop", NULL);
    PyObject *current = running == NULL   ? NULL
                        : running == Py_None ? Py_NewRef(Py_None)
                                             : PyObject_CallMethod(tasks, "current_task", "O", running);
    if (current != NULL) {
        *loop = running == Py_None ? NULL : Py_NewRef(running);
        *task = current == Py_None ? NULL : Py_NewRef(current);
    }
    Py_XDECREF(current);
    Py_XDECREF(running);
    Py_XDECREF(tasks);
    Py_XDECREF(events);
    return current == NULL ? -1 : 0;
}

/* Is it a callback that run_until_complete() has added, be it asyncio's or another loop's? */
static bool
task_is_runs_callback(PyObject *entry)
{
    PyObject *callback = PyTuple_Check(entry) && PyTuple_Size(entry) > 0 ? PyTuple_GetItem(entry, 0) : entry;
    PyObject *name = PyObject_GetAttrString(callback, "__qualname__");
    const char *text = name != NULL && PyUnicode_Check(name) ? PyUnicode_AsUTF8AndSize(name, NULL) : NULL;
    bool is = text != NULL && strstr(text, "run_until_complete") != NULL;
    PyErr_Clear();
    Py_XDECREF(name);
    return is;
}

/* Nothing public tells. */
bool
task_is_main(PyObject *task)
{
    PyObject *callbacks = PyObject_GetAttrString(task, "_callbacks");
    bool is = false;
    for (Py_ssize_t i = 0; callbacks != NULL && PyList_Check(callbacks) && i < PyList_Size(callbacks); i++) {
        is |= task_is_runs_callback(PyList_GetItem(callbacks, i));
    }
    PyErr_Clear();
    Py_XDECREF(callbacks);
    return is;
}

PyObject *
task_name(PyObject *task)
{
    PyObject *name = task == NULL ? NULL : PyObject_CallMethod(task, "get_name", NULL);
    PyObject *text = name == NULL ? NULL : PyObject_Str(name);
    PyErr_Clear();
    Py_XDECREF(name);
    return text;
}

long
task_cancelling(PyObject *task)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *count = task == NULL ? NULL : PyObject_CallMethod(task, "cancelling", NULL);
    long ret = count == NULL ? 0 : PyLong_AsLong(count);
    PyErr_Clear();
    Py_XDECREF(count);
    PyErr_Restore(type, value, traceback);
    return ret;
}

static void
task_call(PyObject *task, const char *method)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *result = PyObject_CallMethod(task, method, NULL);
    PyErr_Clear();
    Py_XDECREF(result);
    PyErr_Restore(type, value, traceback);
}

void
task_cancel(PyObject *task)
{
    task_call(task, "cancel");
}

void
task_uncancel(PyObject *task)
{
    task_call(task, "uncancel");
}
