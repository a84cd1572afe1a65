/* Watches of what a dictionary keeps, by its own telling (dict watchers, 3.12 on).
 *
 * The dictionary tells before it changes, in the middle of an instruction, where no Python code may run: its place for
 * the key is computed already. So nothing is done but to note which watch it could concern, and where, and to ask for
 * the event of the next instruction of the running code. There the values are compared. */
#include "watch.h"

#include "compat.h"
#include "frame.h"
#include "peek.h"
#include "watch_hit.h"

#include <stdint.h>

#define THREAD_KEY "hooking.watch" /* in the dictionary of a thread */

/* ---- noting ---- */

/* Have it looked at by whichever thread comes first: its own is no more. */
static void
dict_thread_is_gone(PyObject *capsule)
{
    PyObject *type, *error, *traceback;
    Watches *all = watch_of_process();
    unsigned long thread = (unsigned long)(uintptr_t)PyCapsule_GetPointer(capsule, THREAD_KEY);
    PyErr_Fetch(&type, &error, &traceback);
    for (Py_ssize_t i = 0; all != NULL && !compat_is_finalizing() && i < all->count; i++) {
        for (WatchNote *note = all->list[i]->touched; note != NULL; note = note->next) {
            if (note->thread == thread && !note->anywhere && watch_events_arm(all, note, NULL) < 0) {
                PyErr_Clear();
            }
        }
    }
    PyErr_Clear();
    PyErr_Restore(type, error, traceback);
}

/* Have the end of this thread told. */
static void
dict_await_end(void)
{
    PyObject *dict = PyThreadState_GetDict(); /* borrowed */
    if (dict != NULL && PyDict_GetItemString(dict, THREAD_KEY) == NULL) {
        PyObject *capsule
            = PyCapsule_New((void *)(uintptr_t)PyThread_get_thread_ident(), THREAD_KEY, dict_thread_is_gone);
        if (capsule == NULL || PyDict_SetItemString(dict, THREAD_KEY, capsule) < 0) {
            PyErr_Clear();
        }
        Py_XDECREF(capsule);
    }
}

static void
note_free(WatchNote *note)
{
    watch_place_clear(&note->place);
    Py_CLEAR(note->codes);
    PyObject *before = note->before, *after = note->after;
    PyMem_Free(note);
    watch_release(before);
    watch_release(after);
}

/* Take it out of the list of its watch. */
static void
note_take(Watches *all, Watch *watch, WatchNote *note)
{
    for (WatchNote **at = &watch->touched; *at != NULL; at = &(*at)->next) {
        if (*at == note) {
            *at = note->next;
            break;
        }
    }
    watch_events_disarm(all, note);
}

/* The last one, and how many there are. */
static WatchNote *
note_last(const Watch *watch, int *count)
{
    WatchNote *note = watch->touched;
    *count = note != NULL;
    for (; note != NULL && note->next != NULL; note = note->next) {
        ++*count;
    }
    return note;
}

/* The value that is there before the change is what the last note's was after it. False: it cannot be asked for. */
static bool
note_follow(Watch *watch, WatchNote *last)
{
    enum { DEPTH = 2 };
    if (watch->lost || watch->object == NULL || !peek_is_plain(watch->name, DEPTH)) {
        return false;
    }
    last->after = Py_XNewRef(PyDict_GetItemWithError(watch->object, watch->name));
    last->followed = true;
    PyErr_Clear();
    return true;
}

/* A new note, behind the last one (or NULL); or that one anew, if both are to be looked at as one change. NULL with an
 * exception. */
static WatchNote *
note_add(Watch *watch, WatchNote *last, bool more)
{
    bool was_told = last == NULL || last->followed;
    if (!was_told && !(more && note_follow(watch, last))) {
        return last;
    }
    WatchNote *note = PyMem_Calloc(1, sizeof *note);
    if (note == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    note->before = Py_XNewRef(was_told ? watch->value : last->after);
    if (last == NULL) {
        watch->touched = note;
    }
    else {
        last->next = note;
    }
    return note;
}

/* It could have changed: look at the next instruction of the code that runs, or when an exception ends that. */
static int
dict_note(Watches *all, Watch *watch, PyObject *frame)
{
    enum { MOST = 16 };
    int count, lasti = frame == NULL ? -1 : compat_frame_lasti(frame);
    PyObject *code = frame == NULL ? NULL : frame_code(frame);
    WatchPlace place = {0};
    WatchNote *last = note_last(watch, &count);
    bool same = last != NULL && last->thread == PyThread_get_thread_ident() && last->lasti == lasti && !last->followed
                && (code == NULL ? last->anywhere
                                 : last->codes != NULL && PyList_Size(last->codes) > 0
                                       && PyList_GetItem(last->codes, 0) == code);
    Py_XDECREF(code);
    if (same) { /* the same instruction: one change, which is about to be looked at */
        return code == NULL || !watch_events_may_fail(all) ? 0 : watch_events_arm(all, last, frame);
    }
    if (frame != NULL && watch_place_of(frame, &place) < 0) {
        return -1;
    }
    WatchNote *note = note_add(watch, last, count < MOST);
    if (note == NULL) {
        watch_place_clear(&place);
        return -1;
    }
    if (note == last) {
        watch_events_disarm(all, note);
        watch_place_clear(&note->place);
    }
    note->thread = PyThread_get_thread_ident();
    note->lasti = lasti;
    note->place = place;
    dict_await_end();
    return watch_events_arm(all, note, frame);
}

static void
dict_touch(Watches *all, Watch *watch)
{
    PyObject *frame = frame_current();
    if (dict_note(all, watch, frame) < 0) {
        PyErr_Clear();
    }
    Py_XDECREF(frame);
}

/* Could that be the watch's key? Not to be asked are objects that would run code to compare themselves. */
static bool
dict_may_be_key(const Watch *watch, PyObject *key)
{
    enum { DEPTH = 2 };
    if (key == watch->name) {
        return true;
    }
    if (!peek_is_plain(key, DEPTH) || !peek_is_plain(watch->name, DEPTH)) {
        return true;
    }
    int same = PyObject_RichCompareBool(key, watch->name, Py_EQ);
    PyErr_Clear();
    return same != 0;
}

static int
watch_on_change(int event, PyObject *dict, PyObject *key, PyObject *Py_UNUSED(value))
{
    Watches *all = watch_of_process();
    bool over = compat_is_finalizing();
    PyObject *type, *error, *traceback;
    if (all == NULL) {
        return 0;
    }
    PyErr_Fetch(&type, &error, &traceback);
    for (Py_ssize_t i = 0; i < all->count; i++) {
        Watch *watch = all->list[i];
        if (watch->way != WAY_DICT || watch->object != dict) {
            continue;
        }
        if (event == COMPAT_DICT_DEALLOCATED) {
            watch->object = NULL;
            watch->lost = true;
        }
        bool may = event >= COMPAT_DICT_CLONED || dict_may_be_key(watch, key);
        if (may && !over && (watch->lost || !watch_is_quiet(all))) {
            dict_touch(all, watch);
        }
    }
    PyErr_Restore(type, error, traceback);
    return 0;
}

/* ---- looking ---- */

/* A note that this thread is to look at: borrowed, with its watch, or NULL. */
static WatchNote *
dict_touched(const Watches *all, Watch **watch)
{
    unsigned long thread = PyThread_get_thread_ident();
    for (Py_ssize_t i = 0; i < all->count; i++) {
        *watch = all->list[i];
        for (WatchNote *note = all->list[i]->touched; note != NULL; note = note->next) {
            if (note->anywhere || note->thread == thread) {
                return note;
            }
        }
    }
    return NULL;
}

/* Tell of it, if it was a change. -1 with the exception that the program is to see. */
static int
dict_tell(Watch *watch, WatchNote *note)
{
    int ret = 0;
    if (note->place.file == NULL) { /* nothing was known of the thread */
        PyObject *frame = frame_current();
        ret = frame == NULL ? 0 : watch_place_of(frame, &note->place);
        Py_XDECREF(frame);
        if (ret < 0 || frame == NULL) {
            return ret;
        }
    }
    if (note->followed) {
        return watch_differs(note->before, note->after) ? watch_hit(watch, note->before, note->after, &note->place) : 0;
    }
    WatchPlace place = note->place;
    note->place = (WatchPlace){0};
    PyObject *seen = watch->value; /* of before the notes that this one follows */
    watch->value = note->before;
    note->before = NULL; /* which watch_compare() is the last to hold */
    watch_release(seen);
    return watch_compare(watch, &place);
}

int
watch_dict_look(Watches *all)
{
    int ret = 0;
    Watch *watch;
    for (WatchNote *note; ret == 0 && (note = dict_touched(all, &watch)) != NULL;) {
        Py_INCREF((PyObject *)watch);
        note_take(all, watch, note);
        if (watch->lost) {
            watch_end(watch);
        }
        else {
            ret = dict_tell(watch, note);
        }
        note_free(note);
        Py_DECREF((PyObject *)watch);
    }
    return ret;
}

/* ---- starting and stopping ---- */

static int
dict_count(const Watches *all, PyObject *dict)
{
    int count = 0;
    for (Py_ssize_t i = 0; i < all->count; i++) {
        count += all->list[i]->way == WAY_DICT && (dict == NULL || all->list[i]->object == dict);
    }
    return count;
}

static void
dict_close(Watches *all)
{
    if (dict_count(all, NULL) == 0 && all->watcher >= 0) {
        if (compat_dict_watcher_end(all->watcher) < 0) {
            PyErr_Clear();
        }
        all->watcher = -1;
    }
    watch_events_close(all);
}

int
watch_dict_start(Watches *all, Watch *watch)
{
    int ret = watch_events_open(all);
    if (ret == 0 && all->watcher < 0) {
        all->watcher = compat_dict_watcher(watch_on_change); /* RuntimeError if none is left */
        ret = all->watcher < 0 ? -1 : 0;
    }
    if (ret < 0 || compat_dict_watch(all->watcher, watch->object) < 0) {
        dict_close(all);
        return -1;
    }
    watch->way = WAY_DICT;
    if (watch_events_update(all, NULL) < 0) {
        PyObject *object = watch->object; /* still owned */
        watch->way = WAY_NONE;
        watch_dict_stop(all, watch);
        watch->object = object;
        return -1;
    }
    Py_DECREF(watch->object); /* borrowed from now on: it says when it ends */
    return 0;
}

void
watch_dict_stop(Watches *all, Watch *watch)
{
    WatchNote *notes = watch->touched;
    while (watch->touched != NULL) {
        note_take(all, watch, watch->touched);
    }
    if (watch->object != NULL && dict_count(all, watch->object) == 0
        && compat_dict_unwatch(all->watcher, watch->object) < 0) {
        PyErr_Clear();
    }
    watch->object = NULL; /* borrowed: values that go may take it with them */
    dict_close(all);
    for (WatchNote *next; notes != NULL; notes = next) {
        next = notes->next;
        note_free(notes);
    }
}
