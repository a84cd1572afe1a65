/* Dictionaries read key by key, see peek.h. A look-up would be faster, and would call __eq__ of any key in its way. */
#include "peek.h"

#if defined(__GNUC__)
#define PEEK_PREFETCH(address) __builtin_prefetch(address)
#else
#define PEEK_PREFETCH(address) ((void)(address))
#endif

enum { PEEK_LETTERS = 64 }; /* where a longer name goes on: the next line of a cache */

/* A million keys lie anywhere in memory: to wait for each would take most of the time. So they are asked for a batch
 * before their turn. By batches, because PyDict_Next() of 3.11 and 3.12 itself reads from the key: called in a row, the
 * processor waits for several at once. */
static void
peek_fetch(PeekWalk *walk)
{
    for (int i = 0; i < PEEK_BATCH; i++) {
        unsigned place = walk->fetched % (2 * PEEK_BATCH);
        if (!PyDict_Next(walk->dict, &walk->at, &walk->keys[place], &walk->values[place])) {
            break;
        }
        PEEK_PREFETCH(walk->keys[place]);
        PEEK_PREFETCH((const char *)walk->keys[place] + PEEK_LETTERS);
        walk->fetched++;
    }
}

void
peek_walk(PeekWalk *walk, PyObject *dict)
{
    walk->dict = dict;
    walk->at = 0;
    walk->fetched = walk->given = 0;
    walk->collecting = PyGC_Disable();
    peek_fetch(walk);
}

void
peek_end(PeekWalk *walk)
{
    if (walk->collecting) {
        PyGC_Enable();
    }
}

bool
peek_next(PeekWalk *walk, PyObject **key, PyObject **value)
{
    if (walk->given % PEEK_BATCH == 0) {
        peek_fetch(walk);
    }
    if (walk->given == walk->fetched) {
        return false;
    }
    unsigned place = walk->given++ % (2 * PEEK_BATCH);
    *key = walk->keys[place];
    *value = walk->values[place];
    return true;
}

PyObject *
peek_get(PyObject *dict, PyObject *name)
{
    Py_ssize_t at = 0;
    PyObject *key, *value, *found = NULL;
    while (PyDict_Next(dict, &at, &key, &value)) { /* names are interned nearly always */
        if (key == name) {
            return value;
        }
    }
    PeekWalk walk;
    peek_walk(&walk, dict);
    while (found == NULL && peek_next(&walk, &key, &value)) {
        if (PyUnicode_CheckExact(key) && PyUnicode_Compare(key, name) == 0) {
            found = value;
        }
    }
    peek_end(&walk);
    return found;
}

PyObject *
peek_get_string(PyObject *dict, const char *name)
{
    PyObject *text = PyUnicode_InternFromString(name);
    PyObject *found = text == NULL ? NULL : peek_get(dict, text);
    if (text == NULL) {
        PyErr_Clear();
    }
    Py_XDECREF(text);
    return found;
}

bool
peek_is_plain(PyObject *object, int depth)
{
    if (object == Py_None || PyUnicode_CheckExact(object) || PyLong_CheckExact(object) || PyBool_Check(object)
        || PyBytes_CheckExact(object) || PyFloat_CheckExact(object)) {
        return true;
    }
    if (!PyTuple_CheckExact(object) || depth == 0) {
        return false;
    }
    for (Py_ssize_t i = 0; i < PyTuple_Size(object); i++) {
        if (!peek_is_plain(PyTuple_GetItem(object, i), depth - 1)) {
            return false;
        }
    }
    return true;
}

PyObject *
peek_module(PyObject *name)
{
    PyObject *modules = PySys_GetObject("modules"); /* borrowed */
    return modules == NULL || !PyDict_Check(modules) ? NULL : Py_XNewRef(peek_get(modules, name));
}
