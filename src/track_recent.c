/* The counters that were used last, see track_recent.h. */
#include "track_recent.h"

#include <string.h>

void
track_recent_keep(TrackRecents *recents, TrackCounter *counter, PyObject *value)
{
    const TrackKey *key = &counter->key;
    *track_recent_at(recents, key->globals, key->name, key->kind) =
        (TrackRecent){key->globals, key->name, value, &counter->count};
    recents->any = true;
}

/* Forget what the name stands for. False if there is no counter of it at its place. */
static bool
recent_drop(TrackRecents *recents, PyObject *globals, PyObject *name)
{
    bool known = false;
    for (int kind = 0; kind < TRACK_KINDS; kind++) {
        TrackRecent *recent = track_recent_at(recents, globals, name, (TrackKind)kind);
        if (track_recent_is(recent, globals, name)) {
            recent->value = NULL;
            known = true;
        }
    }
    return known;
}

void
track_recent_change(TrackRecents *recents, PyObject *globals, PyObject *name)
{
    if (!recents->any) {
        return;
    }
    if (globals == NULL || name == NULL || !PyUnicode_CheckExact(name)) { /* what is no str may be equal to one */
        track_recent_forget(recents);
    }
    else if (!recent_drop(recents, globals, name)) {
        /* names of counters are interned: another string that is equal is not found by its address */
        PyObject *interned = Py_NewRef(name);
        PyUnicode_InternInPlace(&interned);
        recent_drop(recents, globals, interned);
        Py_DECREF(interned);
    }
}

void
track_recent_forget(TrackRecents *recents)
{
    if (recents->any) {
        memset(recents, 0, sizeof *recents);
    }
}
