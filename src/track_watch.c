/* Dict watchers of tracked globals, see track_watch.h. */
#include "track_watch.h"

#include "track_hook.h"
#include "track_modules.h"

/* A name is written or deleted. What STORE_GLOBAL does is told to those that count sites by an event, which is there
 * also when the object is the same as before. */
static void
watch_one(Tracking *tracking, PyObject *globals, PyObject *name, TrackKind kind)
{
    if (track_hook_is_import(tracking, name)) {
        return;
    }
    if (kind == TRACK_WRITE && tracking->instruction != 0 && tracking->sites != 0 && PyUnicode_CheckExact(name)
        && PyEval_GetGlobals() == globals && tracking_opcode(tracking, name) == OPCODE_STORE_GLOBAL) {
        tracking_record(tracking, globals, name, kind, NULL, TRACKING_PLAIN);
        return;
    }
    tracking_record(tracking, globals, name, kind, NULL, TRACKING_HOOKED);
}

static void
watch_each(Tracking *tracking, PyObject *globals, PyObject *names, TrackKind kind)
{
    PyObject *name, *value;
    for (Py_ssize_t at = 0; names != NULL && PyDict_Check(names) && PyDict_Next(names, &at, &name, &value);) {
        watch_one(tracking, globals, name, kind);
    }
}

/* No Python code may run in here, see compat.h. */
static int
watch_told(int event, PyObject *dict, PyObject *key, PyObject *value)
{
    Tracking *tracking = track_hook_tracking(dict);
    if (tracking == NULL) {
        tracking = tracking_current();
    }
    if (tracking == NULL) {
        return 0;
    }
    if (dict == tracking->sys_modules) {
        if ((event == COMPAT_DICT_ADDED || event == COMPAT_DICT_MODIFIED) && value != NULL) {
            track_modules_came(tracking, key, value);
        }
        return 0;
    }
    bool one = event <= COMPAT_DICT_DELETED; /* name is changed, which is `key` */
    TrackRecent *recent = track_recent_change(&tracking->recents, dict == tracking->builtins ? NULL : dict,
                                              one ? key : NULL);
    TrackKind kind = event == COMPAT_DICT_DELETED ? TRACK_DELETE : TRACK_WRITE;
    if (one && recent != NULL && recent->count[kind] != NULL) {
        ++*recent->count[kind];
        return 0;
    }
    switch (event) {
    case COMPAT_DICT_ADDED:
    case COMPAT_DICT_MODIFIED:
    case COMPAT_DICT_DELETED:
        watch_one(tracking, dict, key, kind);
        break;
    case COMPAT_DICT_CLONED:
        watch_each(tracking, dict, key, TRACK_WRITE);
        break;
    case COMPAT_DICT_CLEARED:
        watch_each(tracking, dict, dict, TRACK_DELETE);
        break;
    default:
        break;
    }
    return 0;
}

/* Changes of the builtins are of interest, too: what they have is remembered. */
static void
watch_builtins(Tracking *tracking)
{
    PyObject *module = compat_import("builtins");
    PyObject *dict = module == NULL ? NULL : PyModule_GetDict(module); /* borrowed */
    if (dict != NULL && PyDict_CheckExact(dict) && compat_dict_watch(tracking->watcher, dict) == 0) {
        tracking->builtins = Py_NewRef(dict);
    }
    PyErr_Clear();
    Py_XDECREF(module);
}

void
track_watch_start(Tracking *tracking)
{
    tracking->watcher = compat_has_dict_watchers() ? compat_dict_watcher(watch_told) : -1;
    if (tracking->watcher < 0 && PyErr_Occurred()) {
        PyErr_Clear(); /* other tools have all eight: writes are told as on versions without */
    }
    if (tracking->watcher >= 0) {
        watch_builtins(tracking);
    }
}

void
track_watch_stop(Tracking *tracking)
{
    if (tracking->builtins != NULL && compat_dict_unwatch(tracking->watcher, tracking->builtins) < 0) {
        PyErr_Clear();
    }
    Py_CLEAR(tracking->builtins);
    if (tracking->watcher >= 0 && compat_dict_watcher_end(tracking->watcher) < 0) {
        PyErr_Clear();
    }
    tracking->watcher = -1;
}
