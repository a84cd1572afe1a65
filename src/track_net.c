/* Net changes of globals, see track_net.h. */
#include "track_net.h"

#include "track_hook.h"

/* What stands for a value: (weak reference,), so that it may go; (value, None) if it has none. New reference. */
static PyObject *
net_remember(PyObject *value)
{
    PyObject *weak = PyWeakref_NewRef(value, NULL);
    if (weak == NULL) {
        PyErr_Clear();
        return PyTuple_Pack(2, value, Py_None);
    }
    PyObject *remembered = PyTuple_Pack(1, weak);
    Py_DECREF(weak);
    return remembered;
}

static bool
net_is(PyObject *remembered, PyObject *value)
{
    PyObject *first = PyTuple_GetItem(remembered, 0);
    if (PyTuple_Size(remembered) == 2) {
        return first == value;
    }
    PyObject *now = PyObject_CallNoArgs(first); /* None if it is gone; only compared */
    Py_XDECREF(now);
    return now == value;
}

int
track_net_take(Tracker *tracker, PyObject *globals)
{
    int ret = -1;
    PyObject *name, *value, *both = NULL, *remembered = PyDict_New(), *id = PyLong_FromVoidPtr(globals);
    PyObject *copy = PyDict_Copy(globals); /* which no finalizer changes meanwhile */
    if (remembered == NULL || id == NULL || copy == NULL) {
        goto done;
    }
    for (Py_ssize_t at = 0; PyDict_Next(copy, &at, &name, &value);) {
        PyObject *one = net_remember(value);
        int kept = one == NULL ? -1 : PyDict_SetItem(remembered, name, one);
        Py_XDECREF(one);
        if (kept < 0) {
            goto done;
        }
    }
    both = PyTuple_Pack(2, globals, remembered);
    /* if it has ended meanwhile, by a finalizer, nothing is to be remembered any more */
    ret = both == NULL ? -1 : tracker->remembered == NULL ? 0 : PyDict_SetItem(tracker->remembered, id, both);
done:
    Py_XDECREF(both);
    Py_XDECREF(remembered);
    Py_XDECREF(id);
    Py_XDECREF(copy);
    return ret;
}

/* Count what nothing else has told of. */
static void
net_count(Tracker *tracker, PyObject *told, PyObject *globals, PyObject *name, TrackKind kind)
{
    const TrackKey key = {globals, name, NULL, 0, 0, kind};
    if (PyUnicode_CheckExact(name) && !track_hook_is_special(name) && PySet_Contains(told, name) == 0) {
        track_table_count(&tracker->table, &key, false);
    }
}

static void
net_tell(Tracker *tracker, PyObject *globals, PyObject *remembered)
{
    PyObject *name, *value, *told = track_table_names(&tracker->table, globals, TRACK_WRITE, TRACK_DELETE);
    for (Py_ssize_t at = 0; told != NULL && PyDict_Next(globals, &at, &name, &value);) {
        PyObject *before = PyDict_GetItemWithError(remembered, name);
        if (before == NULL || !net_is(before, value)) {
            net_count(tracker, told, globals, name, TRACK_WRITE);
        }
    }
    for (Py_ssize_t at = 0; told != NULL && PyDict_Next(remembered, &at, &name, &value);) {
        if (PyDict_GetItemWithError(globals, name) == NULL) {
            net_count(tracker, told, globals, name, TRACK_DELETE);
        }
    }
    Py_XDECREF(told);
}

void
track_net_tell(Tracker *tracker)
{
    PyObject *id, *both, *all = tracker->remembered;
    tracker->remembered = NULL;
    for (Py_ssize_t at = 0; all != NULL && PyDict_Next(all, &at, &id, &both);) {
        net_tell(tracker, PyTuple_GetItem(both, 0), PyTuple_GetItem(both, 1));
    }
    PyErr_Clear();
    Py_XDECREF(all);
}
