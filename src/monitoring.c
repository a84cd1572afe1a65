/* A tool in sys.monitoring, see monitoring.h. */
#include "monitoring.h"

bool
monitoring_is_there(void)
{
    return PySys_GetObject("monitoring") != NULL; /* borrowed */
}

/* The result of a call for which only its failing counts. */
static int
monitoring_done(PyObject *result)
{
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

/* The first place that is free, as its number; -1 with an exception. */
static long
monitoring_take_tool(PyObject *module, const char *name, const char *without)
{
    enum { TOOLS = 6 };
    for (long tool = TOOLS - 1; tool >= 0; tool--) { /* the lower ones are debuggers' and profilers' */
        int taken = monitoring_done(PyObject_CallMethod(module, "use_tool_id", "ls", tool, name));
        if (taken == 0 || !PyErr_ExceptionMatches(PyExc_ValueError)) {
            return taken == 0 ? tool : -1;
        }
        PyErr_Clear();
    }
    PyErr_Format(PyExc_RuntimeError, "other tools have taken all of sys.monitoring: no %s", without);
    return -1;
}

PyObject *
monitoring_builtin(PyObject *module, const char *name)
{
    PyObject *function = module == NULL ? NULL : PyObject_GetAttrString(module, name);
    if (function != NULL && !(PyCFunction_Check(function) && PyCFunction_GetSelf(function) == module)) {
        Py_CLEAR(function);
    }
    PyErr_Clear();
    return function;
}

static void
monitoring_drop_calls(Monitoring *monitoring)
{
    for (size_t i = 0; i < MONITORING_CALLS; i++) {
        Py_CLEAR(monitoring->calls[i]);
    }
}

static int
monitoring_take_calls(Monitoring *monitoring, PyObject *module, const char *without)
{
    static const char *const names[MONITORING_CALLS] = {
        [MONITORING_SET] = "set_events",         [MONITORING_SET_LOCAL] = "set_local_events",
        [MONITORING_RESTART] = "restart_events", [MONITORING_TOOL] = "get_tool",
        [MONITORING_GET] = "get_events",         [MONITORING_GET_LOCAL] = "get_local_events",
    };
    for (size_t i = 0; i < MONITORING_CALLS; i++) {
        monitoring->calls[i] = monitoring_builtin(module, names[i]);
        if (monitoring->calls[i] == NULL) {
            monitoring_drop_calls(monitoring);
            PyErr_Format(PyExc_RuntimeError, "sys.monitoring.%s() is not the interpreter's own: no %s", names[i],
                         without);
            return -1;
        }
    }
    return 0;
}

int
monitoring_take(Monitoring *monitoring, const char *name, const char *without)
{
    PyObject *module = PySys_GetObject("monitoring"); /* borrowed */
    if (module == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "this version of Python has no sys.monitoring");
        return -1;
    }
    if (monitoring_take_calls(monitoring, module, without) < 0) {
        return -1;
    }
    monitoring->disable = PyObject_GetAttrString(module, "DISABLE");
    monitoring->tool = monitoring->disable == NULL ? -1 : monitoring_take_tool(module, name, without);
    if (monitoring->tool < 0) {
        Py_CLEAR(monitoring->disable);
        monitoring_drop_calls(monitoring);
        return -1;
    }
    monitoring->module = Py_NewRef(module);
    return 0;
}

long
monitoring_event(const Monitoring *monitoring, const char *name)
{
    PyObject *events = PyObject_GetAttrString(monitoring->module, "events");
    PyObject *event = events == NULL ? NULL : PyObject_GetAttrString(events, name);
    long bit = event == NULL ? -1 : PyLong_AsLong(event);
    Py_XDECREF(events);
    Py_XDECREF(event);
    return bit;
}

int
monitoring_register(const Monitoring *monitoring, long event, PyObject *callback)
{
    return monitoring_done(
        PyObject_CallMethod(monitoring->module, "register_callback", "llO", monitoring->tool, event, callback));
}

int
monitoring_set(const Monitoring *monitoring, long events)
{
    return monitoring_done(PyObject_CallFunction(monitoring->calls[MONITORING_SET], "ll", monitoring->tool, events));
}

int
monitoring_set_local(const Monitoring *monitoring, PyObject *code, long events)
{
    return monitoring_done(
        PyObject_CallFunction(monitoring->calls[MONITORING_SET_LOCAL], "lOl", monitoring->tool, code, events));
}

int
monitoring_restart(const Monitoring *monitoring)
{
    return monitoring_done(PyObject_CallNoArgs(monitoring->calls[MONITORING_RESTART]));
}

bool
monitoring_has_other(const Monitoring *monitoring, long tool)
{
    PyObject *name = tool == monitoring->tool
                         ? NULL
                         : PyObject_CallFunction(monitoring->calls[MONITORING_TOOL], "l", tool);
    bool has = name != NULL && name != Py_None;
    PyErr_Clear();
    Py_XDECREF(name);
    return has;
}

long
monitoring_others_events(const Monitoring *monitoring, long tool, PyObject *code)
{
    PyObject *of_all = PyObject_CallFunction(monitoring->calls[MONITORING_GET], "l", tool);
    PyObject *of = PyObject_CallFunction(monitoring->calls[MONITORING_GET_LOCAL], "lO", tool, code);
    long events = (of_all == NULL ? 0 : PyLong_AsLong(of_all)) | (of == NULL ? 0 : PyLong_AsLong(of));
    PyErr_Clear();
    Py_XDECREF(of);
    Py_XDECREF(of_all);
    return events;
}

void
monitoring_give_back(Monitoring *monitoring, long events)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (monitoring->module != NULL) {
        /* free_tool_id() leaves events and callbacks as they are, up to 3.13 */
        if (monitoring_set(monitoring, 0) < 0) {
            PyErr_Clear();
        }
        for (long event = 1; event != 0 && event <= events; event <<= 1) {
            if ((events & event) != 0 && monitoring_register(monitoring, event, Py_None) < 0) {
                PyErr_Clear();
            }
        }
        monitoring_done(PyObject_CallMethod(monitoring->module, "free_tool_id", "l", monitoring->tool));
        PyErr_Clear();
    }
    Py_CLEAR(monitoring->module);
    Py_CLEAR(monitoring->disable);
    monitoring_drop_calls(monitoring);
    PyErr_Restore(type, value, traceback);
}
