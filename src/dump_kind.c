/* Objects in words, see dump_kind.h. */
#include "dump_kind.h"

#include "peek.h"

/* Classes, found in the MRO, that have a word of their own. */
static const struct KindWord {
    const char *module, *name, *word;
} kind_words[] = {
    {"builtins", "generator", "a generator"},
    {"builtins", "coroutine", "a coroutine"},
    {"builtins", "async_generator", "an asynchronous generator"},
    {"builtins", "frame", "a frame"},
    {"builtins", "traceback", "a traceback"},
    {"builtins", "code", "a code object"},
    {"builtins", "cell", "a cell"},
    {"builtins", "memoryview", "a memoryview"},
    {"builtins", "mappingproxy", "a read-only view of a dict"},
    {"builtins", "dict_keys", "a view of a dict"},
    {"builtins", "dict_values", "a view of a dict"},
    {"builtins", "dict_items", "a view of a dict"},
    {"builtins", "property", "a property"},
    {"builtins", "FrameLocalsProxy", "a view of a frame's variables"},
    {"builtins", "PyCapsule", "a pointer of a module in C"},
    {"weakref", "ReferenceType", "a weak reference"},
    {"weakref", "ProxyType", "a weak reference"},
    {"weakref", "CallableProxyType", "a weak reference"},
    {"_thread", "lock", "a thread lock"},
    {"_thread", "RLock", "a thread lock"},
    {"_thread", "_local", "thread-local data"},
    {"_thread", "_ThreadHandle", "a thread"},
    {"threading", "Thread", "a thread"},
    {"_contextvars", "Context", "a context"},
    {"_contextvars", "ContextVar", "a context variable"},
    {"_contextvars", "Token", "a context variable's token"},
    {"_asyncio", "Task", "an asyncio task"},
    {"_asyncio", "Future", "an asyncio future"},
    {"_socket", "socket", "a socket"},
    {"sqlite3", "Connection", "a database connection"},
    {"sqlite3", "Cursor", "a database cursor"},
    {"psycopg2.extensions", "connection", "a database connection"},
    {"psycopg2.extensions", "cursor", "a database cursor"},
    {"psycopg", "BaseConnection", "a database connection"},
    {"pymysql.connections", "Connection", "a database connection"},
    {"sqlalchemy.engine.base", "Connection", "a database connection"},
    {"subprocess", "Popen", "a running process"},
};

bool
dump_kind_is_code(PyObject *object)
{
    return PyType_Check(object) || PyModule_Check(object) || PyCFunction_Check(object)
           || (PyType_GetFlags(Py_TYPE(object)) & COMPAT_TPFLAGS_METHOD_DESCRIPTOR) != 0;
}

/* ---- names ---- */

/* A field of a type that is a str, as it is stored. */
static PyObject *
dump_kind_own(PyObject *type, const char *name)
{
    PyObject *dict = peek_type_dict(type);
    PyObject *value = dict == NULL ? NULL : Py_XNewRef(peek_get_string(dict, name));
    if (value != NULL && !PyUnicode_CheckExact(value)) {
        Py_CLEAR(value);
    }
    Py_XDECREF(dict);
    return value;
}

PyObject *
dump_kind_of_type(PyObject *type)
{
    PyObject *name = PyType_GetQualName((PyTypeObject *)type), *full = NULL;
    PyObject *module = name == NULL ? NULL : dump_kind_own(type, "__module__");
    if (module != NULL && PyUnicode_CompareWithASCIIString(module, "builtins") != 0
        && PyUnicode_CompareWithASCIIString(module, "__main__") != 0) {
        full = PyUnicode_FromFormat("%U.%U", module, name);
        Py_DECREF(name);
    }
    else {
        full = name;
    }
    Py_XDECREF(module);
    return full;
}

static bool
dump_kind_contains(PyObject *text, const char *part)
{
    PyObject *want = PyUnicode_FromString(part);
    Py_ssize_t at = want == NULL ? -1 : PyUnicode_Find(text, want, 0, PyUnicode_GetLength(text), 1);
    PyErr_Clear();
    Py_XDECREF(want);
    return at >= 0;
}

/* An attribute that is a str, found without code: a new reference, or NULL. */
static PyObject *
dump_kind_text(PyObject *object, const char *name)
{
    PyObject *key = PyUnicode_InternFromString(name);
    PeekValue of = peek_value(Py_NewRef(object));
    PeekValue value = key == NULL ? peek_value(NULL) : peek_attribute(&of, key);
    PyObject *text = value.object != NULL && PyUnicode_CheckExact(value.object) ? Py_NewRef(value.object) : NULL;
    peek_clear(&value);
    peek_clear(&of);
    Py_XDECREF(key);
    return text;
}

/* "a function (f.<locals>.g)" */
static PyObject *
dump_kind_with(const char *word, PyObject *name)
{
    return name == NULL ? PyUnicode_FromString(word) : PyUnicode_FromFormat("%s (%U)", word, name);
}

/* ---- kinds ---- */

static PyObject *
dump_kind_of_function(PyObject *function)
{
    /* the type is the interpreter's own: these attributes run no code */
    PyObject *name = PyObject_GetAttrString(function, "__qualname__"), *text;
    PyErr_Clear();
    if (name != NULL && dump_kind_contains(name, "<lambda>")) {
        text = PyUnicode_FromString("a lambda");
    }
    else {
        bool local = name != NULL && dump_kind_contains(name, "<locals>");
        text = dump_kind_with(local ? "a function defined in another" : "a function", name);
    }
    Py_XDECREF(name);
    return text;
}

static PyObject *
dump_kind_of_class(PyObject *class)
{
    PyObject *name = PyType_GetQualName((PyTypeObject *)class), *text = NULL;
    PyObject *module = name == NULL ? NULL : dump_kind_own(class, "__module__");
    if (name != NULL && dump_kind_contains(name, "<locals>")) {
        text = dump_kind_with("a local class", name);
    }
    else if (name != NULL && module != NULL) {
        text = PyUnicode_FromFormat("a class of %U (%U)", module, name);
    }
    else if (name != NULL) {
        text = dump_kind_with("a class", name);
    }
    Py_XDECREF(module);
    Py_XDECREF(name);
    return text;
}

/* The name that a file was opened with: of its buffer, and of that's raw file. A new reference, or NULL. */
static PyObject *
dump_kind_file_name(PyObject *file)
{
    static const char *const steps[] = {"buffer", "raw", "name"};
    PeekValue at = peek_value(Py_NewRef(file));
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        PyObject *key = PyUnicode_InternFromString(steps[i]);
        PeekValue next = key == NULL ? peek_value(NULL) : peek_attribute(&at, key);
        bool last = i + 1 == sizeof steps / sizeof *steps;
        if (next.object != NULL || last) {
            peek_clear(&at);
            at = next;
        }
        else {
            peek_clear(&next);
        }
        Py_XDECREF(key);
    }
    PyObject *name = at.object != NULL && peek_is_plain(at.object, 0) ? PyObject_Repr(at.object) : NULL;
    PyErr_Clear();
    peek_clear(&at);
    return name;
}

static bool
dump_kind_has_base(PyObject *type, const char *module, const char *name)
{
    PyObject *base = peek_base(type, module, name);
    Py_XDECREF(base);
    return base != NULL;
}

static bool
dump_kind_is_file(PyObject *type)
{
    static const char *const names[] = {"TextIOWrapper", "BufferedReader", "BufferedWriter", "BufferedRandom",
                                        "BufferedRWPair", "FileIO"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (dump_kind_has_base(type, "_io", names[i])) {
            return true;
        }
    }
    return false;
}

PyObject *
dump_kind(PyObject *object)
{
    PyObject *type = (PyObject *)Py_TYPE(object), *name = NULL, *text;
    if (peek_is(type, "builtins", "function")) {
        return dump_kind_of_function(object);
    }
    if (PyType_Check(object)) {
        return dump_kind_of_class(object);
    }
    if (dump_kind_has_base(type, "builtins", "module")) {
        name = dump_kind_text(object, "__name__");
        text = dump_kind_with("a module", name);
    }
    else if (dump_kind_is_file(type)) {
        name = dump_kind_file_name(object);
        text = dump_kind_with("an open file", name);
    }
    else {
        for (size_t i = 0; i < sizeof kind_words / sizeof *kind_words; i++) {
            if (dump_kind_has_base(type, kind_words[i].module, kind_words[i].name)) {
                return PyUnicode_FromString(kind_words[i].word);
            }
        }
        name = dump_kind_of_type(type);
        text = name == NULL ? NULL : PyUnicode_FromFormat("an object of type %U", name);
    }
    Py_XDECREF(name);
    return text;
}
