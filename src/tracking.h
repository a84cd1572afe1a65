/* Who wants to know what is done to the globals of which module, and the counting of it. One for each interpreter. */
#ifndef HOOKING_TRACKING_H
#define HOOKING_TRACKING_H

#include <stdint.h>

#include "monitoring.h"
#include "track_code.h"
#include "track_recent.h"

enum {
    TRACKERS = 64,     /* at a time: a bit each */
    TRACK_THREADS = 64 /* in a tracker's functions at a time */
};

/* One track_globals(): the object hooking._core.Tracker. */
typedef struct Tracker {
    PyObject_HEAD
    PyObject *modules;   /* owned: a tuple of names (str) of modules and packages, or NULL: all of the user's */
    PyObject *functions; /* owned: a tuple of code objects: count only while one of them runs; NULL: always */
    bool sites;         /* count each place of the code apart */
    bool names;         /* only which names at which places, not how often */
    int told;           /* a TrackingTold, while it is on: by what */
    int number;         /* its bit; -1 while it is off */
    int users;          /* how often it is on */
    TrackTable table;
    struct {
        unsigned long thread;
        long depth; /* how many of the functions' frames there are in it */
    } threads[TRACK_THREADS];
    int threads_used;
    bool threads_lost; /* there were more */
    PyObject *remembered; /* owned or NULL: without dict watchers, a dict {id: (globals, what they were)} */
    PyObject *limits;  /* owned: a list: what could not be seen. A module: its attributes; str: words for the rest */
} Tracker;

/* A dict that is the globals of a module. */
typedef struct TrackedGlobals {
    PyObject *globals; /* its address; owned while anybody tracks it. NULL: free */
    PyObject *module;  /* owned or NULL: that it belongs to */
    uint64_t trackers; /* bits */
    bool held;         /* the references are there */
} TrackedGlobals;

typedef struct Tracking {
    TrackRecents recents;
    Tracker *active[TRACKERS]; /* owned */
    uint64_t trackers;         /* bits of those that are there */
    uint64_t hooking;          /* bits of those that need the dicts to tell */
    uint64_t sites;            /* bits of those among them that count sites */
    TrackedGlobals *tracked;   /* a hash table by address */
    size_t room, used;
    PyTypeObject *dict_type, *module_type; /* owned */
    getattrofunc module_get;   /* of ModuleType */
    setattrofunc module_set;
    int (*dict_set)(PyObject *, PyObject *, PyObject *); /* of dict */
    int watcher;               /* -1: none */
    PyObject *builtins;        /* owned or NULL: the dict of the builtins, while it is watched */
    PyObject *sys_modules;     /* owned or NULL: sys.modules, while there may be modules to come */
    PyObject *libraries;       /* owned: a tuple of str: folders whose modules are not the user's */
    PyObject *own;             /* owned: a tuple of one str: the folder of this package */
    Monitoring monitoring;
    long events;               /* those that have callbacks */
    long instruction, line;    /* the bits of these events; 0: none are asked for */
    struct {
        const PyObject *code;  /* never used but to be compared; NULL: none */
        Py_ssize_t offset;
        unsigned long thread;
        bool again;            /* what tracking_record() has said */
    } told;                    /* at the event of a line: that of its first instruction has nothing left to do */
    PyObject *capsule;         /* owned: what the callbacks are bound to */
    TrackCodes codes;
} Tracking;

/* The interpreter's; NULL without an exception if there is none, or it is on its way out. */
Tracking *tracking_current(void);

/* What is known of a dict: borrowed; NULL if nobody tracks it. */
TrackedGlobals *tracking_find(const Tracking *tracking, PyObject *globals);

/* Take it up, or NULL with an exception. It stays where it is until the next is taken up. */
TrackedGlobals *tracking_add(Tracking *tracking, PyObject *globals, PyObject *module);

/* By what a tracker is told, as bits: each access is told to it once. */
typedef enum TrackingTold {
    TRACKING_PLAIN = 1, /* by dicts and modules */
    TRACKING_SITES = 2, /* the same, but of STORE_GLOBAL by the instruction */
    TRACKING_NAMES = 4, /* by instructions alone */
    TRACKING_HOOKED = TRACKING_PLAIN | TRACKING_SITES,
    TRACKING_ALL = TRACKING_HOOKED | TRACKING_NAMES,
} TrackingTold;

/* Count something for the trackers of these globals that are `told` of it so. `value`: what the name stands for in the
 * dict that has it, or NULL. Runs no Python code and leaves exceptions alone. Is anybody to be told if the same happens
 * at the same place again? */
bool tracking_record(Tracking *tracking, PyObject *globals, PyObject *name, TrackKind kind, PyObject *value,
                     int told);

/* Count what was counted before, by one look. False: more is to be done. */
static inline bool
tracking_count_again(Tracking *tracking, PyObject *globals, PyObject *name, TrackKind kind, PyObject *value)
{
    TrackRecent *recent = track_recent_find(&tracking->recents, globals, name);
    bool again = recent != NULL && recent->count[kind] != NULL
                 && (value == NULL || tracking->watcher < 0 || (recent->value == value && recent->kind == kind));
    if (again) {
        ++*recent->count[kind];
    }
    return again;
}

/* For dicts and modules that tell. */
static inline void
tracking_count(Tracking *tracking, PyObject *globals, PyObject *name, TrackKind kind, PyObject *value)
{
    if (!tracking_count_again(tracking, globals, name, kind, value)) {
        tracking_record(tracking, globals, name, kind, value, TRACKING_HOOKED);
    }
}

/* The instruction that runs: the frame's code (borrowed) and offset. False where there is no frame. */
bool tracking_instruction(PyObject **code, Py_ssize_t *offset);

/* Does the instruction that runs do something with `name`? Its opcode, else OPCODE_OTHER. */
Opcode tracking_opcode(Tracking *tracking, PyObject *name);

/* Is it one of the tracker's functions? */
bool tracker_has(const Tracker *tracker, PyObject *code);

/* One of a tracker's functions begins (+1) or ends (-1) to run in this thread. */
void tracker_step(Tracker *tracker, unsigned long thread, long by);

/* Note what could not be seen, as a word that is told once. -1 with an exception. */
int tracker_note(Tracker *tracker, const char *word);

#endif
