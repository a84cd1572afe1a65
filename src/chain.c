/* Exceptions that belong together, see chain.h. */
#include "chain.h"

/* What is still to be entered: a stack, for chains may be longer than the C stack is deep. */
typedef struct ChainTodo {
    ChainEntry *entries; /* owned */
    long count;
} ChainTodo;

static int
chain_append(ChainEntry **entries, long *count, ChainEntry entry)
{
    /* doubles at each power of two */
    if ((*count & (*count - 1)) == 0) {
        size_t room = *count == 0 ? 1 : 2 * (size_t)*count;
        ChainEntry *larger = PyMem_Realloc(*entries, room * sizeof **entries);
        if (larger == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        *entries = larger;
    }
    Py_INCREF(entry.exception);
    (*entries)[(*count)++] = entry;
    return 0;
}

static void
chain_free(ChainEntry *entries, long count)
{
    for (long i = 0; i < count; i++) {
        Py_DECREF(entries[i].exception);
    }
    PyMem_Free(entries);
}

/* The members of a group, which may be a subclass that says something else: then what it says, if that are exceptions.
 * A new tuple, or NULL with or without an exception. */
static PyObject *
chain_members(PyObject *exception)
{
    if (!PyErr_GivenExceptionMatches(exception, PyExc_BaseExceptionGroup)) {
        return NULL;
    }
    PyObject *members = PyObject_GetAttrString(exception, "exceptions");
    if (members == NULL && PyErr_ExceptionMatches(PyExc_Exception)) {
        PyErr_Clear();
    }
    if (members != NULL && !PyTuple_Check(members)) {
        Py_CLEAR(members);
    }
    return members;
}

/* Is the context not to be shown? */
static int
chain_is_suppressed(PyObject *exception)
{
    PyObject *value = PyObject_GetAttrString(exception, "__suppress_context__");
    int suppressed = value == NULL ? -1 : PyObject_IsTrue(value);
    Py_XDECREF(value);
    return suppressed;
}

/* What stands below an entry, the last one first. */
static int
chain_add_below(ChainTodo *todo, const ChainEntry *entry)
{
    int ret = 0;
    ChainLink link = CHAIN_CAUSE;
    PyObject *next = PyException_GetCause(entry->exception);
    if (next == NULL) {
        int suppressed = chain_is_suppressed(entry->exception);
        link = CHAIN_CONTEXT;
        next = suppressed == 0 ? PyException_GetContext(entry->exception) : NULL;
        ret = suppressed < 0 ? -1 : 0;
    }
    if (next != NULL) {
        ret = chain_append(&todo->entries, &todo->count, (ChainEntry){next, link, entry->depth, -1});
        Py_DECREF(next);
    }
    PyObject *members = ret < 0 ? NULL : chain_members(entry->exception);
    for (Py_ssize_t i = members == NULL ? 0 : PyTuple_Size(members); ret == 0 && i > 0; i--) {
        PyObject *member = PyTuple_GetItem(members, i - 1);
        if (PyExceptionInstance_Check(member)) {
            ChainEntry below = {member, CHAIN_MEMBER, entry->depth + 1, -1};
            ret = chain_append(&todo->entries, &todo->count, below);
        }
    }
    Py_XDECREF(members);
    return PyErr_Occurred() ? -1 : ret;
}

/* Where an exception has appeared before, or -1; -2 with an exception. `seen`: dict address -> number. */
static long
chain_look_up(PyObject *seen, PyObject *exception, long number)
{
    long before = -2;
    PyObject *key = PyLong_FromVoidPtr(exception);
    PyObject *found = key == NULL ? NULL : PyDict_GetItemWithError(seen, key); /* borrowed */
    if (found != NULL) {
        before = PyLong_AsLong(found);
    }
    else if (key != NULL && !PyErr_Occurred()) {
        PyObject *value = PyLong_FromLong(number);
        before = value == NULL || PyDict_SetItem(seen, key, value) < 0 ? -2 : -1;
        Py_XDECREF(value);
    }
    Py_XDECREF(key);
    return before;
}

int
chain_open(Chain *chain, PyObject *exception)
{
    int ret = -1;
    ChainTodo todo = {0};
    *chain = (Chain){0};
    PyObject *seen = PyDict_New();
    if (seen == NULL || chain_append(&todo.entries, &todo.count, (ChainEntry){exception, CHAIN_FIRST, 0, -1}) < 0) {
        goto done;
    }
    while (todo.count > 0) {
        ChainEntry entry = todo.entries[todo.count - 1];
        entry.same = chain_look_up(seen, entry.exception, chain->count);
        int failed = entry.same == -2 || chain_append(&chain->entries, &chain->count, entry) < 0;
        todo.count--;
        Py_DECREF(entry.exception); /* the chain has its own */
        if (failed || (entry.same < 0 && chain_add_below(&todo, &entry) < 0)) {
            goto done;
        }
    }
    ret = 0;
done:
    chain_free(todo.entries, todo.count);
    Py_XDECREF(seen);
    return ret;
}

void
chain_close(Chain *chain)
{
    chain_free(chain->entries, chain->count);
    *chain = (Chain){0};
}
