/* Counters of what was done to globals, see track_table.h. Names are compared by identity, so they are interned. */
#include "track_table.h"

#include <stdint.h>
#include <stdlib.h>

enum { FIRST_ROOM = 256 };

static size_t
table_hash(const TrackKey *key)
{
    uint64_t hash = (uintptr_t)key->name >> 4;
    hash = hash * 31 + ((uintptr_t)key->globals >> 4);
    hash = hash * 31 + ((uintptr_t)key->code >> 4);
    hash = hash * 31 + (uint64_t)key->offset;
    hash = hash * 31 + key->thread;
    hash = (hash + (uint64_t)key->kind) * UINT64_C(0x9E3779B97F4A7C15);
    return (size_t)(hash >> 20);
}

static bool
table_is(const TrackKey *a, const TrackKey *b)
{
    return a->name == b->name && a->globals == b->globals && a->kind == b->kind && a->code == b->code
           && a->offset == b->offset && a->thread == b->thread;
}

/* The key's counter, or the free one that is to become it. */
static TrackCounter *
table_find(const TrackTable *table, const TrackKey *key)
{
    size_t at = table_hash(key) & (table->room - 1);
    while (table->counters[at].key.globals != NULL && !table_is(&table->counters[at].key, key)) {
        at = (at + 1) & (table->room - 1);
    }
    return &table->counters[at];
}

static bool
table_grow(TrackTable *table)
{
    TrackTable larger = {NULL, table->room == 0 ? FIRST_ROOM : 2 * table->room, table->used, table->lost};
    larger.counters = calloc(larger.room, sizeof *larger.counters);
    if (larger.counters == NULL) {
        return false;
    }
    for (size_t i = 0; i < table->room; i++) {
        if (table->counters[i].key.globals != NULL) {
            *table_find(&larger, &table->counters[i].key) = table->counters[i];
        }
    }
    free(table->counters);
    *table = larger;
    return true;
}

static TrackCounter *
table_add(TrackTable *table, const TrackKey *key)
{
    if (2 * (table->used + 1) > table->room && !table_grow(table)) {
        table->lost = true;
        return NULL;
    }
    TrackCounter *counter = table_find(table, key);
    counter->key = *key;
    Py_INCREF(key->globals);
    Py_INCREF(key->name);
    Py_XINCREF(key->code);
    counter->count = 1;
    table->used++;
    return counter;
}

TrackCounter *
track_table_count(TrackTable *table, const TrackKey *key, bool once)
{
    TrackCounter *counter = table->room == 0 ? NULL : table_find(table, key);
    if (counter == NULL || counter->key.globals == NULL) {
        /* new, or a string that was made anew: all that are in the table are interned */
        TrackKey interned = *key;
        Py_INCREF(interned.name);
        PyUnicode_InternInPlace(&interned.name);
        counter = table->room == 0 ? NULL : table_find(table, &interned);
        if (counter == NULL || counter->key.globals == NULL) {
            counter = table_add(table, &interned);
            once = true;
        }
        Py_DECREF(interned.name);
    }
    if (counter != NULL && !once) {
        counter->count++;
    }
    return counter;
}

bool
track_table_has(const TrackTable *table, const TrackKey *key)
{
    for (size_t i = 0; i < table->room; i++) {
        const TrackKey *other = &table->counters[i].key;
        if (other->globals == key->globals && other->kind == key->kind
            && PyUnicode_Compare(other->name, key->name) == 0) {
            return true;
        }
    }
    return false;
}

PyObject *
track_table_names(const TrackTable *table, PyObject *globals, TrackKind one, TrackKind other)
{
    PyObject *names = PySet_New(NULL);
    for (size_t i = 0; names != NULL && i < table->room; i++) {
        const TrackKey *key = &table->counters[i].key;
        if (key->globals == globals && (key->kind == one || key->kind == other) && PySet_Add(names, key->name) < 0) {
            Py_CLEAR(names);
        }
    }
    return names;
}

PyObject *
track_table_list(const TrackTable *table)
{
    static const char *const kinds[TRACK_KINDS] = {"read", "builtin", "missing", "write", "delete"};
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list != NULL && i < table->room; i++) {
        const TrackCounter *counter = &table->counters[i];
        if (counter->key.globals == NULL) {
            continue;
        }
        PyObject *code = counter->key.code == NULL ? Py_None : counter->key.code;
        const TrackKey *key = &counter->key;
        PyObject *one = Py_BuildValue("OOsOnkK", key->globals, key->name, kinds[key->kind], code, key->offset,
                                      key->thread, counter->count);
        if (one == NULL || PyList_Append(list, one) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(one);
    }
    return list;
}

void
track_table_clear(TrackTable *table)
{
    TrackTable old = *table;
    *table = (TrackTable){NULL, 0, 0, false}; /* before objects go: what that runs may come back here */
    for (size_t i = 0; i < old.room; i++) {
        Py_XDECREF(old.counters[i].key.globals);
        Py_XDECREF(old.counters[i].key.name);
        Py_XDECREF(old.counters[i].key.code);
    }
    free(old.counters);
}
