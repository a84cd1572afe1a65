/* The mapping that code at the prompt runs in, as Python sees it: `hooking._core.Namespace`. What the names mean is
 * in scope.c. */
#include "namespace.h"

#include "compat.h"

static PyObject *
namespace_subscript(PyObject *self, PyObject *name)
{
    PyObject *value;
    int found = scope_get((Namespace *)self, name, &value);
    if (found == 0) {
        PyErr_SetObject(PyExc_KeyError, name);
    }
    return value;
}

static int
namespace_ass_subscript(PyObject *self, PyObject *name, PyObject *value)
{
    if (!PyUnicode_Check(name)) {
        PyErr_Format(PyExc_TypeError, "a name must be a str, not %R", name);
        return -1;
    }
    return value != NULL ? scope_set((Namespace *)self, name, value) : scope_delete((Namespace *)self, name);
}

static int
namespace_contains(PyObject *self, PyObject *name)
{
    PyObject *value;
    int found = scope_get((Namespace *)self, name, &value);
    Py_XDECREF(value);
    return found;
}

static PyObject *
namespace_keys(PyObject *self, PyObject *Py_UNUSED(none))
{
    return scope_names((Namespace *)self);
}

static Py_ssize_t
namespace_length(PyObject *self)
{
    PyObject *names = scope_names((Namespace *)self);
    Py_ssize_t length = names == NULL ? -1 : PyList_Size(names);
    Py_XDECREF(names);
    return length;
}

static PyObject *
namespace_iter(PyObject *self)
{
    PyObject *names = scope_names((Namespace *)self);
    PyObject *iterator = names == NULL ? NULL : PyObject_GetIter(names);
    Py_XDECREF(names);
    return iterator;
}

static PyObject *
namespace_copy(PyObject *self, PyObject *Py_UNUSED(none))
{
    PyObject *copy = PyDict_New();
    if (copy != NULL && PyDict_Merge(copy, self, 1) < 0) {
        Py_CLEAR(copy);
    }
    return copy;
}

static PyObject *
namespace_of_copy(PyObject *self, const char *method)
{
    PyObject *copy = namespace_copy(self, NULL);
    PyObject *result = copy == NULL ? NULL : PyObject_CallMethod(copy, method, NULL);
    Py_XDECREF(copy);
    return result;
}

static PyObject *
namespace_items(PyObject *self, PyObject *Py_UNUSED(none))
{
    return namespace_of_copy(self, "items");
}

static PyObject *
namespace_values(PyObject *self, PyObject *Py_UNUSED(none))
{
    return namespace_of_copy(self, "values");
}

static PyObject *
namespace_get(PyObject *self, PyObject *args)
{
    PyObject *name, *value, *fallback = Py_None;
    if (!PyArg_ParseTuple(args, "O|O:get", &name, &fallback)) {
        return NULL;
    }
    int found = scope_get((Namespace *)self, name, &value);
    return found == 0 ? Py_NewRef(fallback) : value;
}

static PyObject *
namespace_update(PyObject *self, PyObject *other)
{
    PyObject *items = PyMapping_Items(other);
    int failed = items == NULL;
    for (Py_ssize_t i = 0; !failed && i < PyList_Size(items); i++) {
        PyObject *pair = PyList_GetItem(items, i);
        failed = PyObject_SetItem(self, PyTuple_GetItem(pair, 0), PyTuple_GetItem(pair, 1)) < 0;
    }
    Py_XDECREF(items);
    return failed ? NULL : Py_NewRef(Py_None);
}

static PyObject *
namespace_refusals(PyObject *self, PyObject *Py_UNUSED(none))
{
    return scope_take_refusals((Namespace *)self);
}

static PyObject *
namespace_repr(PyObject *self)
{
    PyObject *copy = namespace_copy(self, NULL);
    PyObject *repr = copy == NULL ? NULL : PyObject_Repr(copy);
    Py_XDECREF(copy);
    return repr;
}

static PyObject *
namespace_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char frame_keyword[] = "frame", overwrite_keyword[] = "overwrite";
    static char *keywords[] = {frame_keyword, overwrite_keyword, NULL};
    PyObject *frame;
    int overwrite = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|p:Namespace", keywords, &frame, &overwrite)) {
        return NULL;
    }
    PyObject *types = compat_import("types");
    PyObject *frame_type = types == NULL ? NULL : PyObject_GetAttrString(types, "FrameType");
    int is_frame = frame_type != NULL && (PyObject *)Py_TYPE(frame) == frame_type;
    Py_XDECREF(frame_type);
    Py_XDECREF(types);
    if (!is_frame) {
        if (!PyErr_Occurred()) {
            PyErr_Format(PyExc_TypeError, "Namespace() needs a frame, not %R", frame);
        }
        return NULL;
    }
    PyObject *shared = PyDict_New();
    Namespace *ns = shared == NULL ? NULL : scope_new(state_of_type(type), frame, shared, overwrite);
    Py_XDECREF(shared);
    return (PyObject *)ns;
}

#define NAMESPACE_REFERENCES(X)                                                                                  \
    X(names.frame) X(names.globals) X(names.mapping) X(names.enclosing) X(names.slots) X(shared) X(cells) X(base) \
        X(expected) X(extras) X(written) X(declared) X(refusals) X(display) X(leave)

static int
namespace_traverse(PyObject *self, visitproc visit, void *arg)
{
    Namespace *ns = (Namespace *)self;
    Py_VISIT(Py_TYPE(self));
#define VISIT(field) Py_VISIT(ns->field);
    NAMESPACE_REFERENCES(VISIT)
#undef VISIT
    return 0;
}

static int
namespace_clear(PyObject *self)
{
    Namespace *ns = (Namespace *)self;
#define CLEAR(field) Py_CLEAR(ns->field);
    NAMESPACE_REFERENCES(CLEAR)
#undef CLEAR
    return 0;
}

static void
namespace_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    namespace_clear(self);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(self);
    Py_DECREF(type);
}

static PyMethodDef namespace_methods[] = {
    {"keys", namespace_keys, METH_NOARGS, "The names, as a list."},
    {"values", namespace_values, METH_NOARGS, "The values."},
    {"items", namespace_items, METH_NOARGS, "Pairs of name and value."},
    {"get", namespace_get, METH_VARARGS, "The value of a name, or a default."},
    {"update", namespace_update, METH_O, "Bind every name of a mapping."},
    {"copy", namespace_copy, METH_NOARGS, "A dict with the names and values of this moment."},
    {"refusals", namespace_refusals, METH_NOARGS,
     "What could not be written or deleted since the last call, and why: a list of str."},
    {NULL, NULL, 0, NULL},
};

static char namespace_doc[] =
    "Namespace(frame, overwrite=False)\n--\n\nThe names that a frame shows at the prompt, as a mapping.\n\n"
    "With overwrite=True a change is in the frame at once.";

#define SLOT(function) ((void *)(function))
static PyType_Slot namespace_slots[] = {
    {Py_tp_doc, namespace_doc},
    {Py_tp_new, SLOT(namespace_new)},
    {Py_tp_dealloc, SLOT(namespace_dealloc)},
    {Py_tp_traverse, SLOT(namespace_traverse)},
    {Py_tp_clear, SLOT(namespace_clear)},
    {Py_tp_repr, SLOT(namespace_repr)},
    {Py_tp_iter, SLOT(namespace_iter)},
    {Py_tp_methods, namespace_methods},
    {Py_mp_subscript, SLOT(namespace_subscript)},
    {Py_mp_ass_subscript, SLOT(namespace_ass_subscript)},
    {Py_mp_length, SLOT(namespace_length)},
    {Py_sq_contains, SLOT(namespace_contains)},
    {0, NULL},
};

static PyType_Spec namespace_spec = {
    .name = "hooking._core.Namespace",
    .basicsize = sizeof(Namespace),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .slots = namespace_slots,
};

int
scope_init(PyObject *module, ModuleState *state)
{
    state->namespace_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &namespace_spec, NULL);
    return state->namespace_type == NULL ? -1 : PyModule_AddType(module, state->namespace_type);
}
