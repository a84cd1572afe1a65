/* The names of attributes: what the object has of its own, what its classes have. */
#include "complete_parts.h"

static void
attributes_of_classes(Completing *c, PyObject *type)
{
    PyObject *mro = peek_mro(type);
    for (Py_ssize_t i = 0; mro != NULL && i < PyTuple_Size(mro); i++) {
        PyObject *dict = peek_type_dict(PyTuple_GetItem(mro, i));
        if (dict != NULL) {
            complete_offer_keys(c, dict);
        }
        Py_XDECREF(dict);
    }
    Py_XDECREF(mro);
}

/* A bound method shows what its function has. */
static void
attributes_of_function(Completing *c, PyObject *method)
{
    PyObject *function = PyObject_GetAttrString(method, "__func__");
    PyObject *dict = function == NULL ? NULL : peek_dict(function);
    if (dict != NULL) {
        complete_offer_keys(c, dict);
    }
    PyErr_Clear();
    Py_XDECREF(dict);
    Py_XDECREF(function);
}

void
complete_attributes(Completing *c, const PeekValue *of)
{
    if (of->type == NULL) {
        return;
    }
    if (of->object != NULL && PyType_Check(of->object)) {
        attributes_of_classes(c, of->object);
    }
    else if (of->object != NULL) {
        PyObject *dict = peek_dict(of->object);
        if (dict != NULL) {
            complete_offer_keys(c, dict);
        }
        Py_XDECREF(dict);
        if (peek_is(of->type, "builtins", "method")) {
            attributes_of_function(c, of->object);
        }
    }
    attributes_of_classes(c, of->type);
    PyObject *columns = complete_columns(of, true);
    for (Py_ssize_t i = 0; columns != NULL && i < PyList_Size(columns); i++) {
        complete_offer_name(c, PyList_GetItem(columns, i));
    }
    Py_XDECREF(columns);
}
