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
    if (ours == 0 && lines->monitoring.disable != NULL) {
        return Py_NewRef(lines->monitoring.disable);
    }
    return ours < 0 || (ours > 0 && lines->line(lines->context, number) < 0) ? NULL : Py_NewRef(Py_None);
}

static int
lines_monitor(SnapshotLines *lines)
{
    Monitoring *monitoring = &lines->monitoring;
    if (monitoring_take(monitoring, "hooking checkpoint", "snapshots of lines") < 0) {
        return -1;
    }
    long line = monitoring_event(monitoring, "LINE");
    return line < 0 || monitoring_register(monitoring, line, lines->callback) < 0 ? -1
                                                                                 : monitoring_set(monitoring, line);
}

static void
lines_monitor_no_more(SnapshotLines *lines)
{
    long line = lines->monitoring.module == NULL ? 0 : monitoring_event(&lines->monitoring, "LINE");
    monitoring_give_back(&lines->monitoring, line < 0 ? 0 : line);
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
    bool monitoring = monitoring_is_there();
    PyObject *capsule = PyCapsule_New(lines, LINES_CAPSULE, NULL);
    lines->globals = Py_NewRef(globals);
    lines->callback = capsule == NULL ? NULL : PyCFunction_New(monitoring ? &monitored : &traced, capsule);
    Py_XDECREF(capsule);
    int ret = lines->callback == NULL ? -1
              : monitoring            ? lines_monitor(lines)
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
    if (lines->callback != NULL) { /* first: what is called here may have lines of its own */
        PyCapsule_SetName(PyCFunction_GetSelf(lines->callback), LINES_ENDED);
    }
    if (lines->globals != NULL && monitoring_is_there()) {
        lines_monitor_no_more(lines);
    }
    else if (lines->globals != NULL) {
        lines_set_trace(Py_None);
    }
    Py_CLEAR(lines->globals);
    Py_CLEAR(lines->callback);
    PyErr_Clear();
    PyErr_Restore(type, value, traceback);
}
