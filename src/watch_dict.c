/* Watches of what a dictionary keeps, by its own telling (dict watchers, 3.12 on).
 *
 * The dictionary tells before it changes, in the middle of an instruction, where no Python code may run: its place for
 * the key is computed already. So nothing is done but to note which watch it could concern, and where, and to ask for
 * the event of the next instruction of the running code. There the values are compared. */
#include "watch.h"

#include "compat.h"
#include "frame.h"
#include "peek.h"

/* ---- noting ---- */

/* It could have changed: look at the next instruction of the code that runs, or when an exception ends that. */
static void
dict_touch(Watches *all, Watch *watch)
{
    WatchPlace place = {0};
    PyObject *frame = frame_current();
    PyObject *code = frame == NULL ? NULL : frame_code(frame);
    if (frame == NULL || watch_place_of(frame, &place) == 0) {
        watch->touched = true;
        watch->thread = PyThread_get_thread_ident();
        Py_SETREF(watch->file, place.file);
        Py_SETREF(watch->function, place.function);
        watch->line = place.line;
        watch_events_arm(all, watch, code);
    }
    PyErr_Clear();
    Py_XDECREF(code);
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
        if (may && !over && !watch->touched && (watch->lost || !watch_is_quiet(all))) {
            dict_touch(all, watch);
        }
    }
    PyErr_Restore(type, error, traceback);
    return 0;
}

/* ---- looking ---- */

/* A watch that was noted in this thread: borrowed, or NULL. */
static Watch *
dict_touched(const Watches *all)
{
    unsigned long thread = PyThread_get_thread_ident();
    for (Py_ssize_t i = 0; i < all->count; i++) {
        if (all->list[i]->touched && all->list[i]->thread == thread) {
            return all->list[i];
        }
    }
    return NULL;
}

int
watch_dict_look(Watches *all)
{
    int ret = 0;
    for (Watch *watch; ret == 0 && (watch = dict_touched(all)) != NULL;) {
        WatchPlace place = {.file = watch->file, .function = watch->function, .line = watch->line};
        Py_INCREF((PyObject *)watch);
        watch->file = watch->function = NULL;
        watch->touched = false;
        watch_events_disarm(all, watch);
        if (watch->lost) {
            watch_place_clear(&place);
            watch_end(watch);
        }
        else {
            ret = watch_compare(watch, &place);
        }
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
        watch->way = WAY_NONE;
        watch_dict_stop(all, watch);
        return -1;
    }
    Py_DECREF(watch->object); /* borrowed from now on: it says when it ends */
    return 0;
}

void
watch_dict_stop(Watches *all, Watch *watch)
{
    watch->touched = false;
    watch_events_disarm(all, watch);
    if (watch->object != NULL && dict_count(all, watch->object) == 0
        && compat_dict_unwatch(all->watcher, watch->object) < 0) {
        PyErr_Clear();
    }
    dict_close(all);
}
