/* Records for the program's logging, see log.h. */
#include "log.h"

#include "compat.h"

#include "frame.h"

/* The logging module: a new reference; NULL without an exception when it is not there and not needed. */
static PyObject *
log_module(int level)
{
    if (level >= LOG_WARNING) {
        return compat_import("logging");
    }
    PyObject *modules = PySys_GetObject("modules");
    return modules == NULL ? NULL : Py_XNewRef(PyDict_GetItemString(modules, "logging"));
}

int
log_record(PyObject *frame, PyObject *logger, int level, PyObject *message)
{
    int ret = -1;
    PyObject *log = NULL, *enabled = NULL, *file = NULL, *function = NULL, *record = NULL, *none = NULL;
    PyObject *logging = log_module(level);
    if (logging == NULL) {
        return PyErr_Occurred() ? -1 : 0;
    }
    log = PyObject_CallMethod(logging, "getLogger", "O", logger);
    enabled = log == NULL ? NULL : PyObject_CallMethod(log, "isEnabledFor", "i", level);
    int wanted = enabled == NULL ? -1 : PyObject_IsTrue(enabled);
    if (wanted <= 0) {
        ret = wanted;
        goto done;
    }
    file = frame_filename(frame);
    function = frame_function(frame);
    if (file == NULL || function == NULL) {
        goto done;
    }
    /* name, level, path, line, message, args, exc_info, function: a record factory set by the program is obeyed */
    record = PyObject_CallMethod(log, "makeRecord", "OiOiO()OO", logger, level, file, frame_line(frame), message,
                                 Py_None, function);
    none = record == NULL ? NULL : PyObject_CallMethod(log, "handle", "O", record);
    ret = none == NULL ? -1 : 0;
done:
    Py_XDECREF(none);
    Py_XDECREF(record);
    Py_XDECREF(function);
    Py_XDECREF(file);
    Py_XDECREF(enabled);
    Py_XDECREF(log);
    Py_DECREF(logging);
    return ret;
}

void
log_warn(PyObject *frame, PyObject *logger, const char *what, const char *text)
{
    PyObject *file = frame_filename(frame);
    PyObject *message = file == NULL ? NULL
                                     : PyUnicode_FromFormat("%s at %U:%d: %s", what, file, frame_line(frame), text);
    if (message == NULL || log_record(frame, logger, LOG_WARNING, message) < 0) {
        PyErr_Clear(); /* logging may be gone already when the interpreter shuts down */
        PySys_FormatStderr("%s at %V:%d: %s\n", what, file, "?", frame_line(frame), text);
    }
    Py_XDECREF(message);
    Py_XDECREF(file);
}
