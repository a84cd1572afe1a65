/* The names that were counted last, see track_recent.h. */
#include "track_recent.h"

#include <string.h>

void
track_recent_keep(TrackRecents *recents, TrackCounter *counter, PyObject *value)
{
    const TrackKey *key = &counter->key;
    TrackRecent *recent = track_recent_at(recents, key->globals, key->name);
    if (recent->globals != key->globals || recent->name != key->name) {
        *recent = (TrackRecent){.globals = key->globals, .name = key->name};
    }
    if (key->kind == TRACK_READ || key->kind == TRACK_BUILTIN) {
        recent->value = value;
        recent->kind = key->kind;
    }
    recent->count[key->kind] = &counter->count;
    recents->any = true;
}

TrackRecent *
track_recent_change(TrackRecents *recents, PyObject *globals, PyObject *name)
{
    if (!recents->any) {
        return NULL;
    }
    if (globals == NULL || name == NULL || !PyUnicode_CheckExact(name)) { /* what is no str may be equal to one */
        track_recent_forget(recents);
        return NULL;
    }
    TrackRecent *recent = track_recent_find(recents, globals, name);
    if (recent == NULL) {
        /* names of counters are interned: another string that is equal is not found by its address */
        PyObject *interned = Py_NewRef(name);
        PyUnicode_InternInPlace(&interned);
        recent = track_recent_find(recents, globals, interned);
        Py_DECREF(interned);
    }
    if (recent != NULL) {
        recent->value = NULL;
    }
    return recent;
}

void
track_recent_forget(TrackRecents *recents)
{
    if (recents->any) {
        memset(recents, 0, sizeof *recents);
    }
}
