/* Columns of data frames, fields of structured arrays, the environment: containers that are no dicts, of libraries
 * whose code is known to be harmless here. */
#include "complete_parts.h"

enum { COLUMNS_MOST = 100000 };

/* ---- numpy ---- */

static bool
columns_are_attributes(PyObject *type)
{
    static const char *const modules[] = {"numpy", "numpy.rec", "numpy.core.records"};
    bool are = false;
    for (size_t i = 0; !are && i < sizeof modules / sizeof *modules; i++) {
        PyObject *array = peek_base(type, modules[i], "recarray");
        PyObject *record = peek_base(type, modules[i], "record");
        are = array != NULL || record != NULL;
        Py_XDECREF(array);
        Py_XDECREF(record);
    }
    return are;
}

static PeekValue
columns_peek(const PeekValue *of, const char *name)
{
    PyObject *text = PyUnicode_InternFromString(name);
    PeekValue value = text == NULL ? peek_value(NULL) : peek_attribute(of, text);
    Py_XDECREF(text);
    return value;
}

/* The fields of a structured array or of one of its records. */
static PyObject *
columns_of_numpy(const PeekValue *of, bool as_attributes)
{
    PyObject *fields = NULL;
    if (as_attributes && !columns_are_attributes(of->type)) {
        return NULL;
    }
    PeekValue dtype = columns_peek(of, "dtype");
    PyObject *is_dtype = dtype.type == NULL ? NULL : peek_base(dtype.type, "numpy", "dtype");
    PeekValue names = is_dtype == NULL ? peek_value(NULL) : columns_peek(&dtype, "names");
    if (names.object != NULL && PyTuple_CheckExact(names.object)) {
        fields = PySequence_List(names.object);
    }
    Py_XDECREF(is_dtype);
    peek_clear(&names);
    peek_clear(&dtype);
    return fields;
}

static bool
columns_is_numpy(PyObject *type)
{
    PyObject *array = peek_base(type, "numpy", "ndarray");
    PyObject *record = array != NULL ? NULL : peek_base(type, "numpy", "void");
    bool is = array != NULL || record != NULL;
    Py_XDECREF(array);
    Py_XDECREF(record);
    return is;
}

/* ---- pandas ---- */

/* The class of that name that pandas has, as a base of the type: a new reference, or NULL. */
static PyObject *
columns_pandas(PyObject *type, const char *module, const char *name)
{
    PyObject *base = peek_base(type, module, name);
    return base != NULL ? base : peek_base(type, "pandas", name); /* from 3.0 on */
}

static bool
columns_same(PyObject *type, PyObject *base, const char *name)
{
    PyObject *its = peek_in_mro(type, name);
    PyObject *original = peek_in_mro(base, name);
    Py_XDECREF(its);
    Py_XDECREF(original);
    return its != NULL && its == original;
}

/* The labels of a pandas object along one axis, asked from the descriptor that pandas itself has put there, unless a
 * subclass has a say in it. */
static PyObject *
columns_of_pandas(PyObject *object, PyObject *base, const char *axis)
{
    PyObject *type = (PyObject *)Py_TYPE(object);
    PyObject *labels = NULL, *index = NULL;
    if (!columns_same(type, base, axis) || !columns_same(type, (PyObject *)&PyBaseObject_Type, "__getattribute__")
        || !columns_same(type, base, "__getattr__")) {
        return NULL;
    }
    PyObject *descriptor = peek_in_mro(base, axis);
    descrgetfunc get = descriptor == NULL ? NULL
                                          : (descrgetfunc)PyType_GetSlot(Py_TYPE(descriptor), Py_tp_descr_get);
    index = get == NULL ? NULL : get(descriptor, object, type);
    PyObject *kind = index == NULL ? NULL : (PyObject *)Py_TYPE(index);
    PyObject *is_index = kind == NULL ? NULL : columns_pandas(kind, "pandas.core.indexes.base", "Index");
    PyObject *module = is_index == NULL ? NULL : PyObject_GetAttrString((PyObject *)Py_TYPE(index), "__module__");
    if (module != NULL && PyUnicode_CheckExact(module)) {
        PyObject *pandas = PyUnicode_FromString("pandas");
        bool own = pandas != NULL && PyUnicode_Tailmatch(module, pandas, 0, PY_SSIZE_T_MAX, -1) == 1;
        Py_ssize_t size = own ? PyObject_Size(index) : -1;
        labels = size < 0 || size > COLUMNS_MOST ? NULL : PyObject_CallMethod(index, "tolist", NULL);
        Py_XDECREF(pandas);
    }
    PyErr_Clear();
    Py_XDECREF(descriptor);
    Py_XDECREF(index);
    Py_XDECREF(is_index);
    Py_XDECREF(module);
    return labels;
}

/* ---- the environment ---- */

/* os.environ, which keeps bytes in a dict. */
static PyObject *
columns_of_environ(const PeekValue *of)
{
    PyObject *names = NULL;
    PeekValue data = columns_peek(of, "_data");
    PyObject *keys = data.object != NULL && PyDict_CheckExact(data.object) ? PyDict_Keys(data.object) : NULL;
    names = keys == NULL ? NULL : PyList_New(0);
    for (Py_ssize_t i = 0; names != NULL && i < PyList_Size(keys); i++) {
        PyObject *key = PyList_GetItem(keys, i);
        PyObject *name = !PyBytes_CheckExact(key) ? NULL
                         : PyUnicode_DecodeFSDefaultAndSize(PyBytes_AsString(key), PyBytes_Size(key));
        if (name != NULL && PyList_Append(names, name) < 0) {
            Py_CLEAR(names);
        }
        Py_XDECREF(name);
    }
    peek_clear(&data);
    Py_XDECREF(keys);
    return names;
}

/* ---- the interface, see complete_parts.h ---- */

PyObject *
complete_columns(const PeekValue *of, bool as_attributes)
{
    PyObject *columns = NULL, *frame = NULL, *series = NULL;
    if (of->object == NULL || PyType_Check(of->object)) {
        return NULL;
    }
    frame = columns_pandas(of->type, "pandas.core.frame", "DataFrame");
    series = frame != NULL ? NULL : columns_pandas(of->type, "pandas.core.series", "Series");
    if (frame != NULL) {
        columns = columns_of_pandas(of->object, frame, "columns");
    }
    else if (series != NULL) {
        columns = columns_of_pandas(of->object, series, "index");
    }
    else if (peek_is(of->type, "polars.dataframe.frame", "DataFrame") && !as_attributes) {
        columns = PyObject_GetAttrString(of->object, "columns");
    }
    else if (peek_is(of->type, "os", "_Environ") && !as_attributes) {
        columns = columns_of_environ(of);
    }
    else if (columns_is_numpy(of->type)) {
        columns = columns_of_numpy(of, as_attributes);
    }
    if (columns != NULL && !PyList_CheckExact(columns)) {
        Py_CLEAR(columns);
    }
    PyErr_Clear();
    Py_XDECREF(frame);
    Py_XDECREF(series);
    return columns;
}

PyObject *
complete_column_type(const PeekValue *of)
{
    PyObject *type = NULL;
    PyObject *frame = columns_pandas(of->type, "pandas.core.frame", "DataFrame");
    if (frame != NULL) {
        PyObject *name = PyUnicode_InternFromString("pandas");
        PyObject *module = name == NULL ? NULL : peek_module(name);
        PyObject *dict = module == NULL ? NULL : peek_dict(module);
        type = dict == NULL ? NULL : Py_XNewRef(peek_get_string(dict, "Series"));
        Py_XDECREF(dict);
        Py_XDECREF(module);
        Py_XDECREF(name);
    }
    else if (peek_is(of->type, "os", "_Environ")) {
        type = Py_NewRef((PyObject *)&PyUnicode_Type);
    }
    else if (peek_is(of->type, "numpy", "ndarray")) {
        type = Py_NewRef(of->type);
    }
    if (type != NULL && !PyType_Check(type)) {
        Py_CLEAR(type);
    }
    Py_XDECREF(frame);
    return type;
}
