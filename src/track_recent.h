/* The counters that were used last, where counting is all there is to do: most accesses are to names like that. With
 * dict watchers also what the names stand for, so that they need not be looked up. */
#ifndef HOOKING_TRACK_RECENT_H
#define HOOKING_TRACK_RECENT_H

#include <stdint.h>

#include "track_table.h"

enum { TRACK_RECENTS = 256 }; /* of each kind; a power of two */

typedef struct TrackRecent {
    PyObject *globals, *name; /* borrowed from the counter; NULL: none */
    PyObject *value;          /* borrowed from the dict that has it; NULL: not known */
    unsigned long long *count;
} TrackRecent;

typedef struct TrackRecents {
    TrackRecent of[TRACK_KINDS][TRACK_RECENTS];
    bool any;
} TrackRecents;

/* Where a name's would be; whether it is. */
static inline TrackRecent *
track_recent_at(TrackRecents *recents, PyObject *globals, PyObject *name, TrackKind kind)
{
    return &recents->of[kind][(((uintptr_t)name >> 4) + ((uintptr_t)globals >> 5)) & (TRACK_RECENTS - 1)];
}

static inline bool
track_recent_is(const TrackRecent *recent, PyObject *globals, PyObject *name)
{
    return recent->name == name && recent->globals == globals;
}

/* Keep a counter, and what its name stands for, borrowed or NULL. */
void track_recent_keep(TrackRecents *recents, TrackCounter *counter, PyObject *value);

/* A name of these globals, or of a dict in which they look for builtins (NULL: all globals), is about to stand for
 * something else; name NULL: all names. Runs no Python code. */
void track_recent_change(TrackRecents *recents, PyObject *globals, PyObject *name);

/* Counters have moved, or there is more to do than counting. */
void track_recent_forget(TrackRecents *recents);

#endif
