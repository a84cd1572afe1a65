/* What of a running program a snapshot takes. */
#ifndef HOOKING_SNAPSHOT_H
#define HOOKING_SNAPSHOT_H

#include <stdbool.h>

#include "compat.h"

typedef struct SnapshotWish {
    long long least;     /* bytes: smaller objects are left alone; 0 for none, -1 for all */
    PyObject *tracked;   /* borrowed: a list of objects that are taken in any case; `never` where a place is free */
    PyObject *libraries; /* borrowed: a list of str, "numpy": objects of their types are taken in any case */
    PyObject *small;     /* borrowed: a list that gets the names of those that are left alone for their size */
    bool frames;         /* local variables of functions, too */
    PyTypeObject *never; /* borrowed: objects of this type are left alone */
} SnapshotWish;

/* The globals of the program that runs in `frame` (or NULL): those of its outermost frame, if that is __main__'s, else
 * of the module __main__. A new reference, NULL with an exception. */
PyObject *snapshot_globals(PyObject *frame);

/* From `frame` outwards, the first one that runs in those globals: a new reference, NULL without an exception for
 * none. */
PyObject *snapshot_place(PyObject *frame, PyObject *globals);

/* The objects, a new dict by name: of the globals; those of the functions that run as "fit().loss"; tracked ones
 * without such a name as "tracked[0]". Code is left out, and names as __this__. NULL with an exception. */
PyObject *snapshot_gather(const SnapshotWish *wish, PyObject *globals, PyObject *frame);

#endif
