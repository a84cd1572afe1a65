/* Objects with methods in C, see methods.h. */
#include "methods.h"

static const char NAME[] = "hooking._core.context";

static PyObject *
methods_namespace(PyObject *attributes)
{
    PyObject *types = compat_import("types");
    PyObject *type = types == NULL ? NULL : PyObject_GetAttrString(types, "SimpleNamespace");
    PyObject *none = type == NULL ? NULL : PyTuple_New(0);
    PyObject *object = none == NULL ? NULL : PyObject_Call(type, none, attributes);
    Py_XDECREF(none);
    Py_XDECREF(type);
    Py_XDECREF(types);
    return object;
}

PyObject *
methods_object(PyMethodDef *methods, size_t count, void *context)
{
    PyObject *object = NULL;
    PyObject *attributes = PyDict_New();
    PyObject *capsule = PyCapsule_New((void *)NAME, NAME, NULL);
    if (attributes == NULL || capsule == NULL || PyCapsule_SetContext(capsule, context) < 0
        || PyDict_SetItemString(attributes, "context", capsule) < 0) {
        goto done;
    }
    for (size_t i = 0; i < count; i++) {
        PyObject *method = PyCFunction_New(&methods[i], capsule);
        int failed = method == NULL ? -1 : PyDict_SetItemString(attributes, methods[i].ml_name, method);
        Py_XDECREF(method);
        if (failed < 0) {
            goto done;
        }
    }
    object = methods_namespace(attributes);
done:
    Py_XDECREF(capsule);
    Py_XDECREF(attributes);
    return object;
}

void *
methods_context(PyObject *capsule)
{
    void *context = PyCapsule_GetContext(capsule);
    if (context == NULL && !PyErr_Occurred()) {
        PyErr_SetString(PyExc_ValueError, "this is over, and its file is closed");
    }
    return context;
}

void
methods_close(PyObject *object)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *capsule = object == NULL ? NULL : PyObject_GetAttrString(object, "context");
    if (capsule != NULL) {
        PyCapsule_SetContext(capsule, NULL);
    }
    Py_XDECREF(capsule);
    PyErr_Clear();
    PyErr_Restore(type, value, traceback);
}
