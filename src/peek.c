/* Attributes found statically, see peek.h. What getattr() would do is repeated here step by step, without those steps
 * that call something: a descriptor is asked only if it is one of the interpreter's own that is known to read memory
 * and nothing else. */
#include "peek.h"

#include <string.h>

/* ---- values ---- */

PeekValue
peek_value(PyObject *object)
{
    if (object == NULL) {
        PyErr_Clear();
        return (PeekValue){NULL, NULL};
    }
    return (PeekValue){object, Py_NewRef((PyObject *)Py_TYPE(object))};
}

PeekValue
peek_instance(PyObject *type)
{
    return (PeekValue){NULL, Py_XNewRef(type)};
}

void
peek_clear(PeekValue *value)
{
    Py_CLEAR(value->object);
    Py_CLEAR(value->type);
}

/* ---- types ---- */

PyObject *
peek_type_dict(PyObject *type)
{
    PyObject *dict = compat_type_dict((PyTypeObject *)type);
    if (dict == NULL) {
        PyErr_Clear();
    }
    return dict;
}

/* Ask a descriptor as the interpreter would: a new reference, or NULL. */
static PyObject *
peek_ask(PyObject *descriptor, PyObject *object, PyObject *type)
{
    descrgetfunc get = (descrgetfunc)PyType_GetSlot(Py_TYPE(descriptor), Py_tp_descr_get);
    PyObject *value = get == NULL ? NULL : get(descriptor, object, type);
    if (value == NULL) {
        PyErr_Clear();
    }
    return value;
}

/* A field of a type, read with `type`'s own descriptor: a metaclass may have another of that name. */
static PyObject *
peek_type_field(PyObject *type, const char *field)
{
    PyObject *dict = peek_type_dict((PyObject *)&PyType_Type);
    PyObject *descriptor = dict == NULL ? NULL : peek_get_string(dict, field);
    PyObject *value = descriptor == NULL ? NULL : peek_ask(descriptor, type, (PyObject *)Py_TYPE(type));
    Py_XDECREF(dict);
    return value;
}

PyObject *
peek_mro(PyObject *type)
{
    PyObject *mro = peek_type_field(type, "__mro__");
    if (mro != NULL && !PyTuple_CheckExact(mro)) {
        Py_CLEAR(mro);
    }
    return mro;
}

static bool
peek_is_static(PyObject *type)
{
    return (PyType_GetFlags((PyTypeObject *)type) & Py_TPFLAGS_HEAPTYPE) == 0;
}

static bool
peek_equals(PyObject *text, const char *want)
{
    return text != NULL && PyUnicode_CheckExact(text) && PyUnicode_CompareWithASCIIString(text, want) == 0;
}

bool
peek_is(PyObject *type, const char *module, const char *name)
{
    PyObject *its_name = PyType_GetName((PyTypeObject *)type);
    bool is = peek_equals(its_name, name);
    if (its_name == NULL) {
        PyErr_Clear();
    }
    Py_XDECREF(its_name);
    if (is) {
        PyObject *its_module = peek_type_field(type, "__module__");
        is = peek_equals(its_module, module) && (strcmp(module, "builtins") != 0 || peek_is_static(type));
        Py_XDECREF(its_module);
    }
    return is;
}

PyObject *
peek_base(PyObject *type, const char *module, const char *name)
{
    PyObject *base = NULL;
    PyObject *mro = peek_mro(type);
    for (Py_ssize_t i = 0; mro != NULL && base == NULL && i < PyTuple_Size(mro); i++) {
        if (peek_is(PyTuple_GetItem(mro, i), module, name)) {
            base = Py_NewRef(PyTuple_GetItem(mro, i));
        }
    }
    Py_XDECREF(mro);
    return base;
}

static PyObject *
peek_raw(PyObject *type, PyObject *name)
{
    PyObject *raw = NULL;
    PyObject *mro = peek_mro(type);
    for (Py_ssize_t i = 0; mro != NULL && raw == NULL && i < PyTuple_Size(mro); i++) {
        PyObject *dict = peek_type_dict(PyTuple_GetItem(mro, i));
        raw = dict == NULL ? NULL : Py_XNewRef(peek_get(dict, name));
        Py_XDECREF(dict);
    }
    Py_XDECREF(mro);
    return raw;
}

PyObject *
peek_in_mro(PyObject *type, const char *name)
{
    PyObject *text = PyUnicode_InternFromString(name);
    PyObject *raw = text == NULL ? NULL : peek_raw(type, text);
    if (text == NULL) {
        PyErr_Clear();
    }
    Py_XDECREF(text);
    return raw;
}

PyObject *
peek_dict(PyObject *object)
{
    if (PyType_Check(object)) {
        return peek_type_dict(object);
    }
    PyObject *dict = PyObject_GenericGetDict(object, NULL);
    if (dict == NULL) {
        PyErr_Clear();
    }
    else if (!PyDict_Check(dict)) {
        Py_CLEAR(dict);
    }
    return dict;
}

/* ---- descriptors ---- */

/* Getters of the interpreter's own types with which no code comes along. Others of theirs do more: annotations are
 * evaluated, a method's __doc__ is its function's, f_locals renews what a debugger may have written. */
static bool
peek_is_quiet(const char *name)
{
    static const char *const quiet[] = {"__class__",   "__code__", "__traceback__", "__context__", "__cause__",
                                        "__bases__",   "__dict__", "__closure__",   "__defaults__", "__kwdefaults__",
                                        "__name__",    NULL};
    if (strncmp(name, "__", 2) != 0) {
        return strcmp(name, "f_locals") != 0;
    }
    for (const char *const *one = quiet; *one != NULL; one++) {
        if (strcmp(name, *one) == 0) {
            return true;
        }
    }
    return false;
}

/* May this getset descriptor be asked about the object? */
static bool
peek_may_ask(PyObject *descriptor, PyObject *object)
{
    bool may = false;
    PyObject *owner = PyObject_GetAttrString(descriptor, "__objclass__");
    PyObject *name = PyObject_GetAttrString(descriptor, "__name__");
    const char *text = name == NULL ? NULL : PyUnicode_AsUTF8AndSize(name, NULL);
    if (owner != NULL && text != NULL && PyType_Check(owner) && peek_is_static(owner)) {
        PyObject *module = peek_type_field(owner, "__module__");
        /* a subclass of ndarray may have a say in what `T` is */
        may = peek_is_quiet(text)
              && (peek_equals(module, "builtins")
                  || (peek_equals(module, "numpy")
                      && ((PyObject *)Py_TYPE(object) == owner || peek_is(owner, "numpy", "dtype")
                          || strcmp(text, "dtype") == 0)));
        Py_XDECREF(module);
    }
    PyErr_Clear();
    Py_XDECREF(owner);
    Py_XDECREF(name);
    return may;
}

static bool
peek_is_function(PyObject *object)
{
    return peek_is((PyObject *)Py_TYPE(object), "builtins", "function");
}

/* The function within a staticmethod or a classmethod: a new reference, or NULL. */
static PyObject *
peek_inner(PyObject *method)
{
    PyObject *inner = PyObject_GetAttrString(method, "__func__");
    if (inner == NULL) {
        PyErr_Clear();
    }
    return inner;
}

/* What a class keeps under a name, as one sees it through an instance (`object`, or NULL if it is not known), or
 * through the class itself (`of_class`). */
static PeekValue
peek_bind(PyObject *raw, PyObject *object, PyObject *type, bool of_class)
{
    PyObject *kind = (PyObject *)Py_TYPE(raw);
    PyObject *self = object != NULL ? object : type;
    if (compat_is_lazy(raw)) {
        return peek_value(NULL);
    }
    if (PyType_GetSlot((PyTypeObject *)kind, Py_tp_descr_get) == NULL) {
        return peek_value(Py_NewRef(raw));
    }
    if (peek_is(kind, "builtins", "staticmethod")) {
        return peek_value(peek_inner(raw));
    }
    if (peek_is(kind, "builtins", "classmethod")) {
        PyObject *inner = peek_inner(raw);
        PyObject *bound = inner == NULL || !peek_is_function(inner) ? NULL : peek_ask(inner, type, kind);
        Py_XDECREF(inner);
        return peek_value(bound);
    }
    if (kind == (PyObject *)&PyClassMethodDescr_Type) {
        return peek_value(peek_ask(raw, NULL, type));
    }
    bool field = kind == (PyObject *)&PyMemberDescr_Type;
    bool getter = kind == (PyObject *)&PyGetSetDescr_Type;
    bool callable = kind == (PyObject *)&PyMethodDescr_Type || kind == (PyObject *)&PyWrapperDescr_Type
                    || peek_is_function(raw);
    if (of_class && (field || getter || callable || kind == (PyObject *)&PyProperty_Type)) {
        return peek_value(Py_NewRef(raw));
    }
    if (callable) {
        PyObject *bound = peek_ask(raw, self, type);
        return peek_value(bound != NULL ? bound : Py_NewRef(raw));
    }
    if (object != NULL && (field || (getter && peek_may_ask(raw, object)))) {
        return peek_value(peek_ask(raw, object, type));
    }
    return peek_value(NULL);
}

static bool
peek_is_data(PyObject *raw)
{
    return PyType_GetSlot(Py_TYPE(raw), Py_tp_descr_set) != NULL;
}

/* ---- attributes ---- */

/* Is it what every class with instance dictionaries has under `__dict__`? */
static bool
peek_is_dict_getter(PyObject *raw, PyObject *name)
{
    return (PyObject *)Py_TYPE(raw) == (PyObject *)&PyGetSetDescr_Type && peek_equals(name, "__dict__");
}

static PeekValue
peek_of_instance(const PeekValue *of, PyObject *name)
{
    PeekValue value = {NULL, NULL};
    PyObject *raw = peek_raw(of->type, name);
    PyObject *dict = of->object == NULL ? NULL : peek_dict(of->object);
    PyObject *own = dict == NULL ? NULL : peek_get(dict, name);
    if (raw != NULL && dict != NULL && peek_is_dict_getter(raw, name)) {
        value = peek_value(Py_NewRef(dict));
    }
    else if (raw != NULL && (own == NULL || peek_is_data(raw))) {
        value = peek_bind(raw, of->object, of->type, false);
    }
    else if (own != NULL && !compat_is_lazy(own)) {
        value = peek_value(Py_NewRef(own));
    }
    Py_XDECREF(raw);
    Py_XDECREF(dict);
    return value;
}

static PeekValue
peek_of_type(PyObject *type, PyObject *name)
{
    PeekValue value = {NULL, NULL};
    PyObject *meta = (PyObject *)Py_TYPE(type);
    PyObject *above = peek_raw(meta, name);
    PyObject *own = above != NULL && peek_is_data(above) ? NULL : peek_raw(type, name);
    if (own != NULL) {
        value = peek_bind(own, NULL, type, true);
    }
    else if (above != NULL) {
        value = peek_bind(above, type, meta, false);
    }
    Py_XDECREF(above);
    Py_XDECREF(own);
    return value;
}

PeekValue
peek_attribute(const PeekValue *of, PyObject *name)
{
    if (of->type == NULL) {
        return peek_value(NULL);
    }
    if (of->object != NULL && PyType_Check(of->object)) {
        return peek_of_type(of->object, name);
    }
    return peek_of_instance(of, name);
}
