/* How often what was done to which global, where. A hash table of counters. */
#ifndef HOOKING_TRACK_TABLE_H
#define HOOKING_TRACK_TABLE_H

#include <stdbool.h>

#include "compat.h"

typedef enum TrackKind {
    TRACK_READ,
    TRACK_BUILTIN, /* the module has no such name: it was read from the builtins */
    TRACK_MISSING, /* read, but neither has it */
    TRACK_WRITE,
    TRACK_DELETE,
    TRACK_KINDS,
} TrackKind;

/* All borrowed. The site is NULL and zero where it is not asked for. */
typedef struct TrackKey {
    PyObject *globals; /* the module's dict */
    PyObject *name;    /* exactly str */
    PyObject *code;
    Py_ssize_t offset; /* bytes into the code, of the instruction */
    unsigned long thread;
    TrackKind kind;
} TrackKey;

typedef struct TrackCounter {
    TrackKey key; /* owned: its objects; globals NULL: free */
    unsigned long long count;
} TrackCounter;

typedef struct TrackTable {
    TrackCounter *counters;
    size_t room; /* a power of two, or 0 */
    size_t used;
    bool lost;   /* something was not counted, for want of memory */
} TrackTable;

/* Count one more; `once`: the count stays 1. The counter, which stays where it is until another is made; NULL: lost.
 * Runs no Python code and leaves exceptions alone. */
TrackCounter *track_table_count(TrackTable *table, const TrackKey *key, bool once);

/* The same for all sites: has anything of that kind been counted for the name? */
bool track_table_has(const TrackTable *table, const TrackKey *key);

/* The names of these globals for which anything of one of two kinds has been counted: a set, NULL with an exception. */
PyObject *track_table_names(const TrackTable *table, PyObject *globals, TrackKind one, TrackKind other);

/* A list of tuples (globals, name, kind, code or None, offset, thread, count); NULL with an exception. */
PyObject *track_table_list(const TrackTable *table);

void track_table_clear(TrackTable *table);

#endif
