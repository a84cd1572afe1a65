/* A pickling of which nothing is kept but the way to where it stopped.
 *
 * The pickler says of each object that it is about to be saved (persistent_id), and we give it the reductions
 * (reducer_override). As a pickler saves everything in a fixed order, that tells which object is part of which: a stack
 * of the unfinished ones is kept, and no more than that. */
#ifndef HOOKING_DUMP_TRACE_H
#define HOOKING_DUMP_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "compat.h"

/* What is saved within an object. */
typedef enum TraceKind {
    TRACE_LEAF,     /* nothing: where it stopped */
    TRACE_SEQUENCE, /* the items of a list or tuple */
    TRACE_SET,
    TRACE_DICT,     /* keys and values in turn */
    TRACE_GLOBAL,   /* a module's and a qualified name */
    TRACE_REDUCED,  /* what a reducer has returned */
} TraceKind;

/* What a part of a reduction is in it. */
typedef enum TraceRole {
    TRACE_CALLABLE,
    TRACE_ARGUMENTS, /* the tuple; without the class if the callable is copyreg.__newobj__ */
    TRACE_KEYWORDS,
    TRACE_ITEM,
    TRACE_KEY,
    TRACE_VALUE,
    TRACE_SETTER,
    TRACE_ITSELF,
    TRACE_STATE,
} TraceRole;

typedef struct TraceLevel {
    TraceKind kind;
    Py_ssize_t given; /* parts that were saved, or begun */
    Py_ssize_t size;  /* items of a container when it was begun */
    PyObject *object; /* owned */
    PyObject *key;    /* owned or NULL: the last that was saved of a dict */
    PyObject *reduced; /* owned: a tuple of six for TRACE_REDUCED, else NULL. Its iterators are TraceItems */
    int head;          /* parts of a reduction before its items */
} TraceLevel;

typedef struct Trace {
    TraceLevel *levels; /* owned: the root first, where it stopped last */
    size_t depth, room;
    PyObject *last;     /* owned: seen last, and not finished; else NULL */
    bool in_python;     /* the exception comes out of a reducer that is written in Python */
    uintptr_t *saved;   /* owned: addresses of the objects that the pickler has saved, and so keeps alive */
    size_t saved_count, saved_room;
    PyObject *items_type; /* owned */
    PyObject *newobj_ex;  /* owned: copyreg.__newobj_ex__ */
    PyObject *reducer;    /* owned or NULL: the pickler's own reducer_override */
    PyObject *persistent; /* owned or NULL: its own persistent_id */
    PyObject *table;      /* owned: its dispatch_table, or copyreg's */
} Trace;

/* Pickle `object` once more, into nothing. 1 when that has failed: its exception is set, and the levels are there.
 * 0 when it has not. -1 with an exception when it could not be tried. trace_clear() in every case. */
int dump_trace_run(Trace *trace, PyObject *object, PyObject *make_pickler);
void dump_trace_clear(Trace *trace);

/* What the last part of a reduction that was begun is in it, and for an item its number. */
TraceRole dump_trace_role(const TraceLevel *level, Py_ssize_t *number);

#endif
