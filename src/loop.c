/* Event loops and copies of the process, see loop.h.
 *
 * asyncio compares process numbers (3.11), or forgets the running loop in a handler of fork() (3.12 on), with it the
 * descriptor that signals wake the loop by, and the loops of threads; 3.14 forgets the tasks too. For a child
 * that is right. For the program, going on in a copy within a step of a task, it is not. */
#include "loop.h"

/* asyncio.events or asyncio.tasks, if the program has imported it. Borrowed. */
static PyObject *
loop_module(const char *name)
{
    PyObject *modules = PySys_GetObject("modules");
    return modules == NULL ? NULL : PyDict_GetItemString(modules, name);
}

/* signal.set_wakeup_fd(): the one before; -1 for none, and in other threads than the main one. */
static int
loop_set_wakeup(int fd)
{
    PyObject *signals = compat_import("_signal");
    PyObject *old = signals == NULL ? NULL : PyObject_CallMethod(signals, "set_wakeup_fd", "i", fd);
    int ret = old == NULL ? -1 : (int)PyLong_AsLong(old);
    PyErr_Clear();
    Py_XDECREF(old);
    Py_XDECREF(signals);
    return ret;
}

/* The policy, which holds the loop of each thread; it is made when it is first asked for. New reference or NULL. */
static PyObject *
loop_policy(PyObject *events)
{
    PyObject *policy = PyObject_GetAttrString(events, "_event_loop_policy");
    if (policy == Py_None) {
        Py_CLEAR(policy);
    }
    PyErr_Clear();
    return policy;
}

/* asyncio.current_task() or all_tasks() of a loop; None where there is none. New reference, NULL with an exception. */
static PyObject *
loop_ask(const char *function, PyObject *loop)
{
    PyObject *tasks = loop == Py_None ? NULL : loop_module("asyncio.tasks");
    return tasks == NULL ? Py_NewRef(Py_None) : PyObject_CallMethod(tasks, function, "O", loop);
}

PyObject *
loop_note(void)
{
    PyObject *events = loop_module("asyncio.events"), *noted = NULL;
    if (events == NULL) {
        return Py_NewRef(Py_None);
    }
    PyObject *loop = PyObject_CallMethod(events, "_get_running_loop", NULL);
    PyObject *task = loop == NULL ? NULL : loop_ask("current_task", loop);
    PyObject *all = task == NULL ? NULL : loop_ask("all_tasks", loop);
    PyObject *policy = loop_policy(events);
    PyObject *local = policy == NULL ? NULL : PyObject_GetAttrString(policy, "_local");
    if (local == NULL) {
        PyErr_Clear(); /* another kind of policy */
        local = Py_NewRef(Py_None);
    }
    if (all != NULL) {
        int wakeup = loop_set_wakeup(-1);
        if (wakeup >= 0) {
            loop_set_wakeup(wakeup);
        }
        noted = Py_BuildValue("(OOOOi)", loop, task, all, local, wakeup);
    }
    Py_XDECREF(local);
    Py_XDECREF(policy);
    Py_XDECREF(all);
    Py_XDECREF(task);
    Py_XDECREF(loop);
    return noted;
}

void
loop_leave(void)
{
    if (loop_module("asyncio.events") != NULL) {
        loop_set_wakeup(-1);
    }
}

/* The task whose step goes on, where it was forgotten. */
static void
loop_resume_task(PyObject *loop, PyObject *task)
{
    PyObject *current = loop_ask("current_task", loop);
    PyObject *tasks = loop_module("asyncio.tasks");
    if (task != Py_None && current == Py_None && tasks != NULL) {
        Py_XDECREF(PyObject_CallMethod(tasks, "_enter_task", "OO", loop, task));
    }
    Py_XDECREF(current);
}

/* The tasks, where they are forgotten: they are in a list whose head was set back, so all are taken from that first. */
static void
loop_resume_tasks(PyObject *loop, PyObject *all)
{
    static const char *const steps[] = {"_unregister_task", "_register_task"};
    PyObject *tasks = loop_module("asyncio.tasks");
    PyObject *known = all == Py_None ? NULL : loop_ask("all_tasks", loop);
    PyObject *missing = known == NULL ? NULL : PyNumber_Subtract(all, known);
    for (int i = 0; i < 2 && missing != NULL && tasks != NULL; i++) {
        PyObject *iterator = PyObject_GetIter(missing), *task;
        while (iterator != NULL && (task = PyIter_Next(iterator)) != NULL) {
            Py_XDECREF(PyObject_CallMethod(tasks, steps[i], "O", task));
            PyErr_Clear();
            Py_DECREF(task);
        }
        Py_XDECREF(iterator);
    }
    Py_XDECREF(missing);
    Py_XDECREF(known);
}

void
loop_resume(PyObject *noted)
{
    PyObject *events = loop_module("asyncio.events"), *loop, *task, *all, *local;
    int wakeup;
    if (events == NULL || noted == Py_None || !PyArg_ParseTuple(noted, "OOOOi", &loop, &task, &all, &local, &wakeup)) {
        PyErr_Clear();
        return;
    }
    Py_XDECREF(PyObject_CallMethod(events, "_set_running_loop", "O", loop));
    PyErr_Clear();
    loop_resume_task(loop, task);
    PyErr_Clear();
    loop_resume_tasks(loop, all);
    PyErr_Clear();
    PyObject *policy = loop_policy(events);
    if (policy != NULL && local != Py_None) {
        PyObject_SetAttrString(policy, "_local", local);
    }
    Py_XDECREF(policy);
    PyErr_Clear();
    if (wakeup >= 0) {
        loop_set_wakeup(wakeup);
    }
}
