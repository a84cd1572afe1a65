/* The methods of tracked dicts and modules, see track_methods.h.
 *
 * A method may have been looked up while they were tracked and be called when they no longer are: bound to the object,
 * or by code that evaluates its arguments meanwhile. So they are methods of dict and module, which any of these can be
 * given, and do then what those do. */
#include "track_methods.h"

#include "track_hook.h"

/* NULL: it is not tracked (any more). */
static Tracking *
methods_tracking(PyObject *self)
{
    Tracking *tracking = tracking_current();
    bool tracked = tracking != NULL && (Py_TYPE(self) == tracking->dict_type || Py_TYPE(self) == tracking->module_type);
    return tracked ? tracking : NULL;
}

/* What the plain type does. */
static PyObject *
methods_plain(PyTypeObject *type, PyObject *self, const char *method, PyObject *args, PyObject *named)
{
    PyObject *function = PyObject_GetAttrString((PyObject *)type, method);
    PyObject *self_alone = PyTuple_Pack(1, self);
    PyObject *all = self_alone == NULL ? NULL : PySequence_Concat(self_alone, args);
    PyObject *result = function == NULL || all == NULL ? NULL : PyObject_Call(function, all, named);
    Py_XDECREF(function);
    Py_XDECREF(self_alone);
    Py_XDECREF(all);
    return result;
}

static PyObject *
methods_plain_one(PyTypeObject *type, PyObject *self, const char *method, PyObject *argument)
{
    PyObject *args = PyTuple_Pack(1, argument);
    PyObject *result = args == NULL ? NULL : methods_plain(type, self, method, args, NULL);
    Py_XDECREF(args);
    return result;
}

static PyObject *
methods_done(int ret)
{
    return ret < 0 ? NULL : Py_NewRef(Py_None);
}

/* ---- dict ---- */

static PyObject *
dict_plain(PyObject *self, const char *method, PyObject *args, PyObject *named)
{
    return methods_plain(&PyDict_Type, self, method, args, named);
}

/* A method that reads the name which is its first argument. */
static PyObject *
dict_read(PyObject *self, const char *method, PyObject *args)
{
    Tracking *tracking = methods_tracking(self);
    PyObject *name = PyTuple_Size(args) > 0 ? PyTuple_GetItem(args, 0) : NULL;
    int there = tracking != NULL && name != NULL && PyUnicode_CheckExact(name) ? PyDict_Contains(self, name) : -1;
    if (there >= 0 && (there || method[0] == 'g')) {
        tracking_count(tracking, self, name, there ? TRACK_READ : TRACK_MISSING, NULL);
    }
    return dict_plain(self, method, args, NULL);
}

static PyObject *
dict_get(PyObject *self, PyObject *args)
{
    return dict_read(self, "get", args);
}

/* What differs from `before`, without watchers. */
static void
dict_tell_difference(Tracking *tracking, PyObject *self, PyObject *before)
{
    PyObject *name, *value;
    for (Py_ssize_t at = 0; PyDict_Next(self, &at, &name, &value);) {
        if (PyUnicode_CheckExact(name) && PyDict_GetItemWithError(before, name) != value
            && !track_hook_is_import(tracking, name)) {
            tracking_count(tracking, self, name, TRACK_WRITE, NULL);
        }
    }
    for (Py_ssize_t at = 0; PyDict_Next(before, &at, &name, &value);) {
        if (PyUnicode_CheckExact(name) && PyDict_GetItemWithError(self, name) == NULL) {
            tracking_count(tracking, self, name, TRACK_DELETE, NULL);
        }
    }
}

/* A method that changes the dict. */
static PyObject *
dict_change(PyObject *self, const char *method, PyObject *args, PyObject *named)
{
    Tracking *tracking = methods_tracking(self);
    bool untold = tracking != NULL && tracking->watcher < 0;
    PyObject *before = untold ? PyDict_Copy(self) : NULL;
    PyObject *result = untold && before == NULL ? NULL : dict_plain(self, method, args, named);
    if (before != NULL) {
        PyObject *type, *value, *traceback;
        PyErr_Fetch(&type, &value, &traceback);
        dict_tell_difference(tracking, self, before);
        PyErr_Restore(type, value, traceback);
        Py_DECREF(before);
    }
    return result;
}

static PyObject *
dict_pop(PyObject *self, PyObject *args)
{
    return dict_change(self, "pop", args, NULL);
}

static PyObject *
dict_popitem(PyObject *self, PyObject *args)
{
    return dict_change(self, "popitem", args, NULL);
}

static PyObject *
dict_clear(PyObject *self, PyObject *args)
{
    return dict_change(self, "clear", args, NULL);
}

static PyObject *
dict_update(PyObject *self, PyObject *args, PyObject *named)
{
    return dict_change(self, "update", args, named);
}

static PyObject *
dict_setdefault(PyObject *self, PyObject *args)
{
    PyObject *name = PyTuple_Size(args) > 0 ? PyTuple_GetItem(args, 0) : NULL;
    int there = name != NULL && PyUnicode_CheckExact(name) ? PyDict_Contains(self, name) : 0;
    return there > 0 ? dict_read(self, "setdefault", args) : dict_change(self, "setdefault", args, NULL);
}

PyObject *
track_methods_in_place_or(PyObject *dict, PyObject *other)
{
    PyObject *args = PyTuple_Pack(1, other);
    PyObject *result = args == NULL ? NULL : dict_change(dict, "__ior__", args, NULL);
    Py_XDECREF(args);
    return result;
}

static PyObject *
dict_get_item(PyObject *self, PyObject *key)
{
    return methods_tracking(self) != NULL ? PyObject_GetItem(self, key)
                                          : methods_plain_one(&PyDict_Type, self, "__getitem__", key);
}

static PyObject *
dict_set_item(PyObject *self, PyObject *args)
{
    PyObject *key, *value;
    if (methods_tracking(self) == NULL || !PyArg_UnpackTuple(args, "__setitem__", 2, 2, &key, &value)) {
        return PyErr_Occurred() ? NULL : dict_plain(self, "__setitem__", args, NULL);
    }
    return methods_done(PyObject_SetItem(self, key, value));
}

static PyObject *
dict_delete_item(PyObject *self, PyObject *key)
{
    return methods_tracking(self) != NULL ? methods_done(PyObject_DelItem(self, key))
                                          : methods_plain_one(&PyDict_Type, self, "__delitem__", key);
}

static PyObject *
dict_contains(PyObject *self, PyObject *key)
{
    if (methods_tracking(self) == NULL) {
        return methods_plain_one(&PyDict_Type, self, "__contains__", key);
    }
    int has = PySequence_Contains(self, key);
    return has < 0 ? NULL : PyBool_FromLong(has);
}

/* A copy, pickled or not, is a plain dict. */
static PyObject *
dict_reduce(PyObject *self, PyObject *protocol)
{
    if (methods_tracking(self) == NULL) {
        return methods_plain_one(&PyDict_Type, self, "__reduce_ex__", protocol);
    }
    PyObject *items = PyDict_Items(self);
    PyObject *iterator = items == NULL ? NULL : PyObject_GetIter(items);
    PyObject *reduced = iterator == NULL ? NULL
                                         : Py_BuildValue("O()OOO", &PyDict_Type, Py_None, Py_None, iterator);
    Py_XDECREF(items);
    Py_XDECREF(iterator);
    return reduced;
}

/* ---- module ---- */

static PyObject *
module_get_attribute(PyObject *self, PyObject *name)
{
    return methods_tracking(self) != NULL ? PyObject_GetAttr(self, name)
                                          : methods_plain_one(&PyModule_Type, self, "__getattribute__", name);
}

static PyObject *
module_set_attribute(PyObject *self, PyObject *args)
{
    PyObject *name, *value;
    if (methods_tracking(self) == NULL || !PyArg_UnpackTuple(args, "__setattr__", 2, 2, &name, &value)) {
        return PyErr_Occurred() ? NULL : methods_plain(&PyModule_Type, self, "__setattr__", args, NULL);
    }
    return methods_done(PyObject_SetAttr(self, name, value));
}

static PyObject *
module_delete_attribute(PyObject *self, PyObject *name)
{
    return methods_tracking(self) != NULL ? methods_done(PyObject_SetAttr(self, name, NULL))
                                          : methods_plain_one(&PyModule_Type, self, "__delattr__", name);
}

/* ---- the types ---- */

#define METHOD(function) ((PyCFunction)(void (*)(void))(function))
static PyMethodDef dict_methods[] = {
    {"get", dict_get, METH_VARARGS, NULL},
    {"pop", dict_pop, METH_VARARGS, NULL},
    {"popitem", dict_popitem, METH_VARARGS, NULL},
    {"clear", dict_clear, METH_VARARGS, NULL},
    {"update", METHOD(dict_update), METH_VARARGS | METH_KEYWORDS, NULL},
    {"setdefault", dict_setdefault, METH_VARARGS, NULL},
    {"__getitem__", dict_get_item, METH_O, NULL},
    {"__setitem__", dict_set_item, METH_VARARGS, NULL},
    {"__delitem__", dict_delete_item, METH_O, NULL},
    {"__contains__", dict_contains, METH_O, NULL},
    {"__ior__", track_methods_in_place_or, METH_O, NULL},
    {"__reduce_ex__", dict_reduce, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static PyMethodDef module_methods[] = {
    {"__getattribute__", module_get_attribute, METH_O, NULL},
    {"__setattr__", module_set_attribute, METH_VARARGS, NULL},
    {"__delattr__", module_delete_attribute, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

/* The slots stay those that the type was made with. */
static int
methods_add(PyTypeObject *type, PyTypeObject *plain, PyMethodDef *methods)
{
    PyObject *names = compat_type_dict(type), *home = PyUnicode_InternFromString("builtins");
    int ret = names == NULL || home == NULL ? -1 : PyDict_SetItemString(names, "__module__", home);
    for (int i = 0; ret == 0 && methods[i].ml_name != NULL; i++) {
        PyObject *method = PyDescr_NewMethod(plain, &methods[i]);
        ret = method == NULL ? -1 : PyDict_SetItemString(names, methods[i].ml_name, method);
        Py_XDECREF(method);
    }
    PyType_Modified(type);
    Py_XDECREF(names);
    Py_XDECREF(home);
    return ret;
}

int
track_methods_add(const Tracking *tracking)
{
    return methods_add(tracking->dict_type, &PyDict_Type, dict_methods) < 0
                   || methods_add(tracking->module_type, &PyModule_Type, module_methods) < 0
               ? -1
               : 0;
}
