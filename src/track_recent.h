/* The names that were counted last, where counting is all there is to do: most accesses are to names like that. With
 * dict watchers also what the names stand for, so that they need not be looked up. */
#ifndef HOOKING_TRACK_RECENT_H
#define HOOKING_TRACK_RECENT_H

#include <stdint.h>

#include "track_table.h"

enum { TRACK_RECENTS = 512 }; /* a power of two */

typedef struct TrackRecent {
    PyObject *globals, *name; /* borrowed from a counter; NULL: none */
    PyObject *value;          /* borrowed from the dict that has it; NULL: not known */
    TrackKind kind;           /* TRACK_READ if these globals have it, TRACK_BUILTIN if the builtins do */
    const char *asked;        /* address of an instruction that has asked the globals for the builtin, or NULL */
    unsigned long long *count[TRACK_KINDS]; /* NULL: none yet */
} TrackRecent;

typedef struct TrackRecents {
    TrackRecent of[TRACK_RECENTS];
    bool any;
} TrackRecents;

/* Where the name would be. */
static inline TrackRecent *
track_recent_at(TrackRecents *recents, PyObject *globals, PyObject *name)
{
    return &recents->of[(((uintptr_t)name >> 4) + ((uintptr_t)globals >> 5)) & (TRACK_RECENTS - 1)];
}

/* The name, or NULL if it is not there. */
static inline TrackRecent *
track_recent_find(TrackRecents *recents, PyObject *globals, PyObject *name)
{
    TrackRecent *recent = track_recent_at(recents, globals, name);
    return recent->name == name && recent->globals == globals ? recent : NULL;
}

/* Keep a counter, and what its name stands for when read so, borrowed or NULL. */
void track_recent_keep(TrackRecents *recents, TrackCounter *counter, PyObject *value);

/* A name of these globals, or of a dict in which they look for builtins (NULL: all globals), is about to stand for
 * something else; name NULL: all names. What is known of it, or NULL. Runs no Python code. */
TrackRecent *track_recent_change(TrackRecents *recents, PyObject *globals, PyObject *name);

/* Counters have moved, or there is more to do than counting. */
void track_recent_forget(TrackRecents *recents);

#endif
