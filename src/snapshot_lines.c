/* Lines of a module, see snapshot_lines.h.
 *
 * From 3.12 on sys.monitoring tells of lines, and lets code be left alone from its first line on that is not of the
 * module. 3.11 has the trace function, which says for each call whether it wants to hear of its lines; it is not told
 * of frames that run already, so these are asked to tell. */
#include "snapshot_lines.h"

#include "frame.h"

#define LINES_CAPSULE "hooking._core.lines"
#define LINES_ENDED "hooking._core.lines, ended"

/* What the callback is for; NULL, without an exception, when that has ended: a frame, or a tool, may have kept it. */
static SnapshotLines *
lines_of(PyObject *capsule)
{
    return PyCapsule_IsValid(capsule, LINES_CAPSULE) ? PyCapsule_GetPointer(capsule, LINES_CAPSULE) : NULL;
}

/* Is the frame in the module? 1, 0, -1. */
static int
lines_is_ours(const SnapshotLines *lines, PyObject *frame)
{
    PyObject *globals = frame == NULL ? NULL : frame_globals(frame);
    int is = PyErr_Occurred() ? -1 : globals != NULL && globals == lines->globals;
    Py_XDECREF(globals);
    return is;
}

/* ---- sys.monitoring ---- */

/* callback(code, line) */
static PyObject *
lines_monitored(PyObject *capsule, PyObject *args)
{
    SnapshotLines *lines = lines_of(capsule);
    PyObject *code;
    int number;
    if (lines == NULL) {
        return Py_NewRef(Py_None);
    }
    if (!PyArg_ParseTuple(args, "Oi", &code, &number)) {
        return NULL;
    }
    PyObject *frame = frame_current();
    int ours = lines_is_ours(lines, frame);
    Py_XDECREF(frame);
    if (ours == 0 && lines->disable != NULL) {
        return Py_NewRef(lines->disable);
    }
    return ours < 0 || (ours > 0 && lines->line(lines->context, number) < 0) ? NULL : Py_NewRef(Py_None);
}

/* The first place that no other tool has, as its number; -1 with an exception. */
static long
lines_take_tool(PyObject *monitoring)
{
    enum { TOOLS = 6 };
    for (long tool = TOOLS - 1; tool >= 0; tool--) { /* the lower ones are debuggers' and profilers' */
        PyObject *none = PyObject_CallMethod(monitoring, "use_tool_id", "ls", tool, "hooking checkpoint");
        Py_XDECREF(none);
        if (none != NULL || !PyErr_ExceptionMatches(PyExc_ValueError)) {
            return none != NULL ? tool : -1;
        }
        PyErr_Clear();
    }
    PyErr_SetString(PyExc_RuntimeError, "other tools have taken all of sys.monitoring: no snapshots of lines");
    return -1;
}

/* An attribute of sys.monitoring.events. */
static PyObject *
lines_event(PyObject *monitoring, const char *name)
{
    PyObject *events = PyObject_GetAttrString(monitoring, "events");
    PyObject *event = events == NULL ? NULL : PyObject_GetAttrString(events, name);
    Py_XDECREF(events);
    return event;
}

static int
lines_monitor(SnapshotLines *lines, PyObject *monitoring)
{
    PyObject *event = lines_event(monitoring, "LINE"), *old = NULL, *none = NULL;
    lines->disable = event == NULL ? NULL : PyObject_GetAttrString(monitoring, "DISABLE");
    lines->tool = lines->disable == NULL ? -1 : lines_take_tool(monitoring);
    if (lines->tool >= 0) {
        old = PyObject_CallMethod(monitoring, "register_callback", "lOO", lines->tool, event, lines->callback);
        none = old == NULL ? NULL : PyObject_CallMethod(monitoring, "set_events", "lO", lines->tool, event);
    }
    Py_XDECREF(event);
    Py_XDECREF(old);
    Py_XDECREF(none);
    return none == NULL ? -1 : 0;
}

static void
lines_monitor_no_more(SnapshotLines *lines, PyObject *monitoring)
{
    if (lines->tool >= 0) {
        PyObject *event = lines_event(monitoring, "LINE");
        Py_XDECREF(PyObject_CallMethod(monitoring, "set_events", "li", lines->tool, 0));
        if (event != NULL) {
            Py_XDECREF(PyObject_CallMethod(monitoring, "register_callback", "lOO", lines->tool, event, Py_None));
        }
        Py_XDECREF(PyObject_CallMethod(monitoring, "free_tool_id", "l", lines->tool));
        Py_XDECREF(event);
    }
}

/* ---- the trace function ---- */

/* callback(frame, event, arg) */
static PyObject *
lines_traced(PyObject *capsule, PyObject *args)
{
    SnapshotLines *lines = lines_of(capsule);
    PyObject *frame, *arg;
    const char *event;
    if (lines == NULL) {
        return Py_NewRef(Py_None);
    }
    if (!PyArg_ParseTuple(args, "OsO", &frame, &event, &arg)) {
        return NULL;
    }
    int ours = lines_is_ours(lines, frame);
    if (ours <= 0) {
        return ours < 0 ? NULL : Py_NewRef(Py_None);
    }
    return event[0] == 'l' && lines->line(lines->context, frame_line(frame)) < 0 ? NULL : Py_NewRef(lines->callback);
}

static int
lines_set_trace(PyObject *callback)
{
    PyObject *settrace = PySys_GetObject("settrace"); /* borrowed */
    PyObject *none = settrace == NULL ? NULL : PyObject_CallFunctionObjArgs(settrace, callback, NULL);
    Py_XDECREF(none);
    return none == NULL ? -1 : 0;
}

static int
lines_trace(SnapshotLines *lines)
{
    PyObject *frame = frame_current();
    while (frame != NULL) {
        int ours = lines_is_ours(lines, frame);
        if (ours < 0 || (ours > 0 && PyObject_SetAttrString(frame, "f_trace", lines->callback) < 0)) {
            break;
        }
        Py_SETREF(frame, frame_back(frame));
    }
    Py_XDECREF(frame);
    return PyErr_Occurred() ? -1 : lines_set_trace(lines->callback);
}

/* ---- both ---- */

int
snapshot_lines_start(SnapshotLines *lines, PyObject *globals)
{
    static PyMethodDef monitored = {"on_line", lines_monitored, METH_VARARGS, NULL};
    static PyMethodDef traced = {"on_trace", lines_traced, METH_VARARGS, NULL};
    PyObject *monitoring = PySys_GetObject("monitoring"); /* borrowed; NULL on 3.11 */
    PyObject *capsule = PyCapsule_New(lines, LINES_CAPSULE, NULL);
    lines->globals = Py_NewRef(globals);
    lines->tool = -1;
    lines->callback = capsule == NULL ? NULL : PyCFunction_New(monitoring != NULL ? &monitored : &traced, capsule);
    Py_XDECREF(capsule);
    int ret = lines->callback == NULL ? -1
              : monitoring != NULL    ? lines_monitor(lines, monitoring)
                                      : lines_trace(lines);
    if (ret < 0) {
        snapshot_lines_stop(lines);
    }
    return ret;
}

void
snapshot_lines_stop(SnapshotLines *lines)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *monitoring = PySys_GetObject("monitoring"); /* borrowed */
    if (lines->globals != NULL && monitoring != NULL) {
        lines_monitor_no_more(lines, monitoring);
    }
    else if (lines->globals != NULL) {
        lines_set_trace(Py_None);
    }
    if (lines->callback != NULL) {
        PyCapsule_SetName(PyCFunction_GetSelf(lines->callback), LINES_ENDED);
    }
    Py_CLEAR(lines->globals);
    Py_CLEAR(lines->callback);
    Py_CLEAR(lines->disable);
    PyErr_Clear();
    PyErr_Restore(type, value, traceback);
}
