/* What a rescued function is, see callee.h. */
#include "callee.h"

#include <string.h>

enum { DEEPEST = 100 }; /* decorators around decorators; more is a circle */

/* ---- what is within ---- */

/* Is it an instance of a type of that name? Of types that are not in the limited API. */
static bool
callee_is(PyObject *object, const char *name)
{
    PyObject *own = PyType_GetName(Py_TYPE(object));
    bool is = own != NULL && PyUnicode_CompareWithASCIIString(own, name) == 0;
    Py_XDECREF(own);
    PyErr_Clear();
    return is;
}

static PyObject *
callee_attribute(PyObject *object, const char *name)
{
    PyObject *value = PyObject_GetAttrString(object, name);
    PyErr_Clear();
    return value;
}

/* The function that a method or a partial calls: a new reference, NULL for any other. */
static PyObject *
callee_bound(PyObject *function)
{
    return callee_is(function, "method") ? callee_attribute(function, "__func__")
        : callee_is(function, "partial") ? callee_attribute(function, "func") : NULL;
}

static PyObject *
callee_inner(PyObject *function)
{
    PyObject *inner = callee_bound(function);
    return inner != NULL ? inner : callee_attribute(function, "__wrapped__");
}

PyObject *
callee_own_code(PyObject *function)
{
    PyObject *code = callee_attribute(function, "__code__");
    if (code != NULL && !callee_is(code, "code")) {
        Py_CLEAR(code);
    }
    return code;
}

PyObject *
callee_code(PyObject *function)
{
    PyObject *at = Py_NewRef(function), *inner;
    for (int depth = 0; depth < DEEPEST && (inner = callee_inner(at)) != NULL; depth++) {
        Py_SETREF(at, inner);
    }
    PyObject *code = callee_own_code(at);
    Py_DECREF(at);
    return code;
}

long
callee_implicit(PyObject *function)
{
    PyObject *at = Py_NewRef(function), *inner;
    long implicit = 0;
    for (int depth = 0; depth < DEEPEST && implicit >= 0 && (inner = callee_inner(at)) != NULL; depth++) {
        implicit = callee_is(at, "partial") ? -1 : implicit + callee_is(at, "method");
        Py_SETREF(at, inner);
    }
    Py_DECREF(at);
    return implicit;
}

/* ---- what a call of it makes ---- */

/* inspect.markcoroutinefunction(), and what asyncio had for it before. */
static bool
callee_is_marked(PyObject *function)
{
    static const char *const marks[] = {"_is_coroutine_mark", "_is_coroutine"};
    PyObject *dict = callee_attribute(function, "__dict__");
    bool marked = false;
    for (int i = 0; i < 2 && dict != NULL && PyDict_Check(dict); i++) {
        marked |= PyDict_GetItemString(dict, marks[i]) != NULL;
    }
    Py_XDECREF(dict);
    return marked;
}

RescuedKind
callee_kind(PyObject *function)
{
    enum { GENERATOR = 0x20, COROUTINE = 0x80, ITERABLE_COROUTINE = 0x100, ASYNC_GENERATOR = 0x200 }; /* inspect.CO_* */
    PyObject *at = Py_NewRef(function), *inner;
    for (int depth = 0; depth < DEEPEST && (inner = callee_bound(at)) != NULL; depth++) {
        Py_SETREF(at, inner);
    }
    PyObject *code = callee_attribute(at, "__code__");
    PyObject *number = code == NULL ? NULL : callee_attribute(code, "co_flags");
    long flags = number != NULL && PyLong_Check(number) ? PyLong_AsLong(number) : 0;
    RescuedKind kind = (flags & ASYNC_GENERATOR) != 0 ? RESCUED_ASYNC_GENERATOR
        : (flags & (COROUTINE | ITERABLE_COROUTINE)) != 0 || callee_is_marked(at) ? RESCUED_COROUTINE
        : (flags & GENERATOR) != 0 ? RESCUED_GENERATOR : RESCUED_CALL;
    PyErr_Clear();
    Py_XDECREF(number);
    Py_XDECREF(code);
    Py_DECREF(at);
    return kind;
}

/* ---- what its name means ---- */

PyObject *
callee_spec(PyObject *function)
{
    PyObject *globals = callee_attribute(function, "__globals__");
    PyObject *spec = globals == NULL || !PyDict_Check(globals)
        ? NULL : Py_XNewRef(PyDict_GetItemString(globals, "__spec__"));
    Py_XDECREF(globals);
    return spec;
}

PyObject *
callee_name(PyObject *function)
{
    PyObject *at = Py_NewRef(function), *inner, *name;
    for (int depth = 0; depth < DEEPEST && (name = callee_attribute(at, "__qualname__")) == NULL
                        && (inner = callee_bound(at)) != NULL; depth++) {
        Py_SETREF(at, inner); /* a partial has no name */
    }
    PyObject *shown = name == NULL ? PyObject_Repr(function) : PyUnicode_FromFormat("%S()", name);
    Py_XDECREF(name);
    Py_DECREF(at);
    return shown;
}

/* Follow a qualified name: a new reference or NULL, no exception. */
static PyObject *
callee_resolve(PyObject *module, PyObject *qualname)
{
    PyObject *modules = PySys_GetObject("modules");
    PyObject *at = modules == NULL ? NULL : Py_XNewRef(PyDict_GetItemWithError(modules, module));
    PyObject *dot = PyUnicode_FromString(".");
    PyObject *parts = at == NULL || dot == NULL ? NULL : PyUnicode_Split(qualname, dot, -1);
    for (Py_ssize_t i = 0; at != NULL && parts != NULL && i < PyList_Size(parts); i++) {
        Py_SETREF(at, PyObject_GetAttr(at, PyList_GetItem(parts, i))); /* fails at `<locals>` */
    }
    if (parts == NULL) {
        Py_CLEAR(at);
    }
    PyErr_Clear();
    Py_XDECREF(dot);
    Py_XDECREF(parts);
    return at;
}

static bool
callee_same(PyObject *one, PyObject *other, const char *attribute)
{
    PyObject *first = callee_attribute(one, attribute), *second = callee_attribute(other, attribute);
    bool same = first != NULL && second != NULL && PyObject_RichCompareBool(first, second, Py_EQ) == 1;
    PyErr_Clear();
    Py_XDECREF(first);
    Py_XDECREF(second);
    return same;
}

PyObject *
callee_typed(const ModuleState *state, PyObject *value, PyObject *name)
{
    PyObject *function = Py_NewRef(rescued_check(state, value) ? ((Rescued *)value)->function : value);
    PyObject *own = callee_is(function, "function") ? callee_attribute(function, "__qualname__") : NULL;
    PyObject *code = own == NULL ? NULL : callee_attribute(function, "__code__");
    PyObject *file = code == NULL ? NULL : callee_attribute(code, "co_filename");
    PyObject *typed = PyUnicode_FromString("<hook-");
    if (file == NULL || typed == NULL || PyUnicode_Compare(own, name) != 0
        || PyUnicode_Tailmatch(file, typed, 0, PY_SSIZE_T_MAX, -1) != 1) {
        Py_CLEAR(function);
    }
    PyErr_Clear();
    Py_XDECREF(typed);
    Py_XDECREF(file);
    Py_XDECREF(code);
    Py_XDECREF(own);
    return function;
}

PyObject *
callee_find(const ModuleState *state, PyObject *function)
{
    PyObject *module = callee_attribute(function, "__module__");
    PyObject *qualname = callee_attribute(function, "__qualname__");
    PyObject *found = NULL, *at = NULL, *inner;
    if (module != NULL && qualname != NULL && PyUnicode_Check(module) && PyUnicode_Check(qualname)) {
        found = callee_resolve(module, qualname);
    }
    if (found != NULL && callee_is(found, "method")) { /* a class method, taken from its class */
        Py_SETREF(found, callee_attribute(found, "__func__"));
    }
    at = Py_XNewRef(found);
    for (int depth = 0; at != NULL && !rescued_check(state, at) && depth < DEEPEST; depth++) {
        inner = callee_inner(at);
        Py_SETREF(at, inner);
    }
    if (at != NULL) { /* what it calls, and not itself: this call is rescued already */
        Py_SETREF(found, Py_NewRef(((Rescued *)at)->function));
    }
    else if (found != NULL
             && (!PyCallable_Check(found) || PyType_Check(found) || !callee_same(found, function, "__qualname__")
                 || !callee_same(found, function, "__module__"))) {
        Py_CLEAR(found); /* a decorator's own function, a property: something else than what was called */
    }
    Py_XDECREF(at);
    Py_XDECREF(qualname);
    Py_XDECREF(module);
    return found;
}
