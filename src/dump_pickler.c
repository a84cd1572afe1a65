/* Picklers for one pass, see dump_pickler.h. */
#include "dump_pickler.h"

#include <stdbool.h>

int
dump_pickler_attribute(PyObject *object, const char *name, PyObject **value)
{
    *value = PyObject_GetAttrString(object, name);
    if (*value == NULL && PyErr_ExceptionMatches(PyExc_AttributeError)) {
        PyErr_Clear();
    }
    return *value == NULL && PyErr_Occurred() ? -1 : 0;
}

static PyObject *
dump_pickler_write(PyObject *self, PyObject *bytes)
{
    (void)self, (void)bytes;
    return Py_NewRef(Py_None);
}

/* A file object that throws away what is written to it. */
static PyObject *
dump_pickler_sink(void)
{
    static PyMethodDef methods[] = {{"write", dump_pickler_write, METH_O, NULL}, {NULL, NULL, 0, NULL}};
    PyType_Slot slots[] = {{Py_tp_methods, methods}, {0, NULL}};
    PyType_Spec spec = {"hooking._core.sink", sizeof(PyObject), 0, Py_TPFLAGS_DEFAULT, slots};
    PyObject *type = PyType_FromSpec(&spec);
    PyObject *sink = type == NULL ? NULL : PyObject_CallNoArgs(type);
    Py_XDECREF(type);
    return sink;
}

PyObject *
dump_pickler_make(PyObject *make_pickler)
{
    PyObject *module = compat_import("_pickle");
    PyObject *base = module == NULL ? NULL : PyObject_GetAttrString(module, "Pickler");
    PyObject *sink = base == NULL ? NULL : dump_pickler_sink();
    PyObject *pickler = sink == NULL ? NULL : PyObject_CallFunctionObjArgs(make_pickler, sink, NULL);
    PyObject *type = NULL, *table = NULL;
    if (pickler != NULL && (PyObject *)Py_TYPE(pickler) == base) {
        type = PyObject_CallFunction((PyObject *)&PyType_Type, "s(O){}", "Pickler", base);
        bool got = type != NULL && dump_pickler_attribute(pickler, "dispatch_table", &table) == 0;
        Py_SETREF(pickler, got ? PyObject_CallFunction(type, "Oi", sink, DUMP_PICKLER_PROTOCOL) : NULL);
        if (table != NULL && pickler != NULL && PyObject_SetAttrString(pickler, "dispatch_table", table) < 0) {
            Py_CLEAR(pickler);
        }
    }
    else if (pickler != NULL && !PyType_IsSubtype(Py_TYPE(pickler), (PyTypeObject *)base)) {
        PyErr_SetString(PyExc_TypeError, "only a pickler that is derived from the one in C can be watched");
        Py_CLEAR(pickler);
    }
    Py_XDECREF(table);
    Py_XDECREF(type);
    Py_XDECREF(sink);
    Py_XDECREF(base);
    Py_XDECREF(module);
    return pickler;
}

/* To 3.12 the base class has a setter for it, which a method of a subclass hides, and later a __setattr__. */
static int
dump_pickler_set_persistent(PyObject *pickler, PyObject *seer)
{
    PyObject *module = compat_import("_pickle");
    PyObject *base = module == NULL ? NULL : PyObject_GetAttrString(module, "Pickler");
    PyObject *setter = NULL;
    int ret = base == NULL ? -1 : dump_pickler_attribute(base, "persistent_id", &setter);
    if (ret == 0) {
        descrsetfunc set = setter == NULL ? NULL : (descrsetfunc)PyType_GetSlot(Py_TYPE(setter), Py_tp_descr_set);
        ret = set != NULL ? set(setter, pickler, seer) : PyObject_SetAttrString(pickler, "persistent_id", seer);
    }
    Py_XDECREF(setter);
    Py_XDECREF(base);
    Py_XDECREF(module);
    return ret;
}

int
dump_pickler_hook(PyObject *pickler, PyObject *persistent_id, PyObject *reducer_override)
{
    if (dump_pickler_set_persistent(pickler, persistent_id) < 0) {
        return -1;
    }
    return PyObject_SetAttrString(pickler, "reducer_override", reducer_override);
}
