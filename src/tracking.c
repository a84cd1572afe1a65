/* The dicts that are tracked, and counting, see tracking.h. */
#include "tracking.h"

#include <stdlib.h>

#include "frame.h"

enum { FIRST_ROOM = 64 };

/* ---- the dicts ---- */

static TrackedGlobals *
tracking_place(const Tracking *tracking, PyObject *globals)
{
    size_t at = (size_t)((uint64_t)((uintptr_t)globals >> 4) * UINT64_C(0x9E3779B97F4A7C15) >> 20)
                & (tracking->room - 1);
    while (tracking->tracked[at].globals != NULL && tracking->tracked[at].globals != globals) {
        at = (at + 1) & (tracking->room - 1);
    }
    return &tracking->tracked[at];
}

TrackedGlobals *
tracking_find(const Tracking *tracking, PyObject *globals)
{
    TrackedGlobals *found = tracking->room == 0 ? NULL : tracking_place(tracking, globals);
    return found == NULL || found->trackers == 0 ? NULL : found;
}

static int
tracking_grow(Tracking *tracking)
{
    Tracking larger = {.room = tracking->room == 0 ? FIRST_ROOM : 2 * tracking->room};
    larger.tracked = calloc(larger.room, sizeof *larger.tracked);
    if (larger.tracked == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (size_t i = 0; i < tracking->room; i++) {
        if (tracking->tracked[i].held) { /* others were given up: their address may be another's by now */
            *tracking_place(&larger, tracking->tracked[i].globals) = tracking->tracked[i];
            larger.used++;
        }
    }
    free(tracking->tracked);
    tracking->tracked = larger.tracked;
    tracking->room = larger.room;
    tracking->used = larger.used;
    return 0;
}

TrackedGlobals *
tracking_add(Tracking *tracking, PyObject *globals, PyObject *module)
{
    if (2 * (tracking->used + 1) > tracking->room && tracking_grow(tracking) < 0) {
        return NULL;
    }
    TrackedGlobals *found = tracking_place(tracking, globals);
    tracking->used += found->globals == NULL ? 1 : 0;
    if (!found->held) {
        *found = (TrackedGlobals){Py_NewRef(globals), Py_XNewRef(module), 0, true};
    }
    return found;
}

/* ---- where ---- */

/* PyEval_GetFrame() takes no reference: the frame is running. */
bool
tracking_instruction(PyObject **code, Py_ssize_t *offset)
{
    PyFrameObject *frame = PyEval_GetFrame();
    if (frame == NULL) {
        return false;
    }
    *code = (PyObject *)PyFrame_GetCode(frame);
    Py_DECREF(*code); /* the frame has it */
    *offset = compat_frame_lasti((PyObject *)frame);
    return true;
}

Opcode
tracking_opcode(Tracking *tracking, PyObject *name)
{
    PyObject *code, *named;
    Py_ssize_t offset;
    if (!tracking_instruction(&code, &offset)) {
        return OPCODE_OTHER;
    }
    Opcode opcode = track_code_at(&tracking->codes, code, offset, &named);
    return opcode == OPCODE_OTHER || (named != name && PyUnicode_Compare(named, name) != 0) ? OPCODE_OTHER : opcode;
}

/* ---- the functions that trackers are for ---- */

bool
tracker_has(const Tracker *tracker, PyObject *code)
{
    Py_ssize_t count = tracker->functions == NULL ? 0 : PyTuple_Size(tracker->functions), i = 0;
    while (i < count && PyTuple_GetItem(tracker->functions, i) != code) {
        i++;
    }
    return i < count;
}

void
tracker_step(Tracker *tracker, unsigned long thread, long by)
{
    int i = 0;
    while (i < tracker->threads_used && tracker->threads[i].thread != thread) {
        i++;
    }
    if (i == tracker->threads_used) {
        if (by < 0) {
            return; /* it ran before anybody looked */
        }
        if (i == TRACK_THREADS) {
            tracker->threads_lost = true;
            return;
        }
        tracker->threads[i].thread = thread;
        tracker->threads[i].depth = 0;
        tracker->threads_used++;
    }
    tracker->threads[i].depth += by;
    if (tracker->threads[i].depth <= 0) {
        tracker->threads[i] = tracker->threads[--tracker->threads_used];
    }
}

int
tracker_note(Tracker *tracker, const char *word)
{
    PyObject *text = PyUnicode_FromString(word);
    int there = text == NULL ? -1 : PySequence_Contains(tracker->limits, text);
    int ret = there < 0 ? -1 : there ? 0 : PyList_Append(tracker->limits, text);
    Py_XDECREF(text);
    return ret;
}

/* Does one of its functions run? Told by events; where there are none, by the stack. */
static bool
tracker_is_running(const Tracking *tracking, const Tracker *tracker, unsigned long thread)
{
    if (tracking->monitoring.module != NULL) {
        for (int i = 0; i < tracker->threads_used; i++) {
            if (tracker->threads[i].thread == thread) {
                return true;
            }
        }
        return false;
    }
    bool runs = false;
    PyObject *frame = frame_current();
    while (frame != NULL && !runs) {
        PyObject *code = frame_code(frame);
        runs = tracker_has(tracker, code);
        Py_XDECREF(code);
        Py_SETREF(frame, frame_back(frame));
    }
    Py_XDECREF(frame);
    return runs;
}

/* ---- counting ---- */

/* Remember the counter, if counting there again is all that the same access would do. */
static void
tracking_keep_recent(Tracking *tracking, const TrackedGlobals *found, const Tracker *tracker, TrackCounter *counter,
                     PyObject *value)
{
    bool alone = (found->trackers & (found->trackers - 1)) == 0;
    if (alone && tracker->told == TRACKING_PLAIN && tracker->functions == NULL && !tracker->names) {
        /* without watchers nobody says that it is another by now; an import not made yet is another when it is used */
        bool stays = value != NULL && tracking->watcher >= 0 && !compat_is_lazy(value);
        track_recent_keep(&tracking->recents, counter, stays ? value : NULL);
    }
}

/* False: the same at the same place would not count. */
static bool
tracker_record(Tracking *tracking, const TrackedGlobals *found, Tracker *tracker, TrackKey *key,
               PyObject *value)
{
    unsigned long thread = tracker->functions != NULL || tracker->sites ? PyThread_get_thread_ident() : 0;
    if (tracker->functions != NULL && !tracker_is_running(tracking, tracker, thread)) {
        return true;
    }
    key->code = NULL;
    key->offset = 0;
    if (tracker->sites && !tracking_instruction(&key->code, &key->offset)) {
        key->code = NULL;
    }
    key->thread = tracker->sites && !tracker->names ? thread : 0;
    const TrackCounter *before = tracker->table.counters;
    TrackCounter *counter = track_table_count(&tracker->table, key, tracker->names);
    if (tracker->table.counters != before) { /* they have moved */
        track_recent_forget(&tracking->recents);
    }
    if (counter != NULL) {
        tracking_keep_recent(tracking, found, tracker, counter, value);
    }
    return !tracker->names || key->kind == TRACK_MISSING; /* it may come */
}

bool
tracking_record(Tracking *tracking, PyObject *globals, PyObject *name, TrackKind kind, PyObject *value, int told)
{
    bool again = false;
    const TrackedGlobals *place = tracking_find(tracking, globals);
    if (place == NULL || !PyUnicode_Check(name)) {
        return false;
    }
    const TrackedGlobals found = *place; /* up to 3.11 making a frame object may collect garbage: the place may move */
    PyObject *exact = PyUnicode_CheckExact(name) ? Py_NewRef(name) : PyUnicode_FromObject(name);
    if (exact == NULL) {
        PyErr_Clear();
        return true;
    }
    TrackKey key = {globals, exact, NULL, 0, 0, kind};
    for (uint64_t left = found.trackers; left != 0; left &= left - 1) {
        Tracker *tracker = tracking->active[__builtin_ctzll(left)];
        if (tracker != NULL && (tracker->told & told) != 0) {
            Py_INCREF((PyObject *)tracker);
            again = tracker_record(tracking, &found, tracker, &key, value) || again;
            Py_DECREF((PyObject *)tracker);
        }
    }
    Py_DECREF(exact);
    return again;
}
