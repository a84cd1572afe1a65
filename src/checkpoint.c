/* The type Checkpoint, see checkpoint.h. */
#include "checkpoint.h"

#include <limits.h>
#include <stdlib.h>
#include <structmember.h>
#include <unistd.h>

#include "checkpoint_files.h"
#include "checkpoint_run.h"
#include "dump_kind.h"

/* ---- making one ---- */

/* An absolute path: the program may go to another folder. New reference. */
static PyObject *
checkpoint_absolute(PyObject *path)
{
    PyObject *os_path = compat_import("os.path");
    PyObject *absolute = os_path == NULL ? NULL : PyObject_CallMethod(os_path, "abspath", "O", path);
    Py_XDECREF(os_path);
    return absolute;
}

/* What the program is called: the name of its script without .py; of a folder as "." that of the folder. New
 * reference. */
static PyObject *
checkpoint_script(void)
{
    PyObject *argv = PySys_GetObject("argv"); /* borrowed */
    PyObject *os_path = compat_import("os.path");
    PyObject *first = argv == NULL ? NULL : PySequence_GetItem(argv, 0);
    bool is_empty = first == NULL || PyObject_IsTrue(first) <= 0;
    PyObject *whole = is_empty || os_path == NULL ? NULL : checkpoint_absolute(first);
    PyObject *base = whole == NULL ? NULL : PyObject_CallMethod(os_path, "basename", "O", whole);
    PyObject *parts = base == NULL ? NULL : PyObject_CallMethod(os_path, "splitext", "O", base);
    PyObject *name = parts == NULL ? NULL : PySequence_GetItem(parts, 0);
    if (name == NULL || !PyUnicode_Check(name) || PyUnicode_GetLength(name) == 0) {
        PyErr_Clear();
        Py_XDECREF(name);
        name = PyUnicode_FromString("python");
    }
    Py_XDECREF(parts);
    Py_XDECREF(base);
    Py_XDECREF(whole);
    Py_XDECREF(first);
    Py_XDECREF(os_path);
    return name;
}

static int
checkpoint_set_frequency(PyObject *object, PyObject *value, void *Py_UNUSED(none))
{
    Checkpoint *self = (Checkpoint *)object;
    static const double most = 1e12; /* 30 years, and what clocks can count */
    double frequency = value == NULL ? -2 : PyFloat_AsDouble(value);
    if (PyErr_Occurred()) {
        return -1;
    }
    if (!(frequency >= 0 || frequency == -1) || frequency > most) {
        PyErr_SetString(PyExc_ValueError, "frequency is a number of milliseconds; 0 for a snapshot at each line, -1 "
                                          "for those alone that are asked for");
        return -1;
    }
    self->frequency = frequency;
    return checkpoint_run_tune(self);
}

static PyObject *
checkpoint_get_frequency(PyObject *object, void *Py_UNUSED(none))
{
    return PyFloat_FromDouble(((Checkpoint *)object)->frequency);
}

static int
checkpoint_set_least(PyObject *object, PyObject *value, void *Py_UNUSED(none))
{
    long long least = value == NULL ? -2 : PyLong_AsLongLong(value);
    if (PyErr_Occurred()) {
        return -1;
    }
    if (least < -1) {
        PyErr_SetString(PyExc_ValueError, "min_obj_size is a number of bytes; 0 for every object, -1 for those that "
                                          "are tracked");
        return -1;
    }
    ((Checkpoint *)object)->least = least;
    return 0;
}

static PyObject *
checkpoint_get_least(PyObject *object, void *Py_UNUSED(none))
{
    return PyLong_FromLongLong(((Checkpoint *)object)->least);
}

static int
checkpoint_fill(Checkpoint *self, PyObject *output_dir, PyObject *script, PyObject *frequency, PyObject *least)
{
    self->output_dir = checkpoint_absolute(output_dir);
    self->script = script == Py_None ? checkpoint_script() : Py_NewRef(script);
    self->tracked = PyList_New(0);
    self->libraries = Py_BuildValue("[sss]", "numpy", "pandas", "torch");
    self->frequency = -1;
    if (self->output_dir == NULL || self->script == NULL || self->tracked == NULL || self->libraries == NULL) {
        return -1;
    }
    self->given = PyList_Size(self->libraries);
    return (frequency != NULL && checkpoint_set_frequency((PyObject *)self, frequency, NULL) < 0)
                   || (least != NULL && checkpoint_set_least((PyObject *)self, least, NULL) < 0)
               ? -1
               : 0;
}

/* Can it be a folder's name in another one? */
static bool
checkpoint_is_name(PyObject *script)
{
    return PyUnicode_Check(script) && PyUnicode_FindChar(script, '/', 0, PY_SSIZE_T_MAX, 1) == -1
           && PyUnicode_CompareWithASCIIString(script, "") != 0 && PyUnicode_CompareWithASCIIString(script, ".") != 0
           && PyUnicode_CompareWithASCIIString(script, "..") != 0;
}

static PyObject *
checkpoint_new(PyTypeObject *type, PyObject *args, PyObject *named)
{
    static char *keywords[] = {
        (char *)"output_dir", (char *)"frequency", (char *)"min_obj_size", (char *)"script", (char *)"frames",
        (char *)"jobs", (char *)"keep", (char *)"keep_every", (char *)"max_size", (char *)"sync", (char *)"verbose",
        (char *)"resume", NULL,
    };
    PyObject *output_dir = NULL, *frequency = NULL, *least = NULL, *script = Py_None;
    int frames = 0, jobs = 1, sync = 0, verbose = 0, resume = 0;
    SnapshotRules rules = {0};
    Checkpoint *self = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, named, "|O&$OOOpiiiLppp:Checkpoint", keywords, PyUnicode_FSDecoder,
                                     &output_dir, &frequency, &least, &script, &frames, &jobs, &rules.keep,
                                     &rules.keep_every, &rules.max_size, &sync, &verbose, &resume)) {
        Py_XDECREF(output_dir);
        return NULL;
    }
    if (output_dir == NULL) {
        output_dir = PyUnicode_FromString("checkpoints");
    }
    if (output_dir != NULL && PyUnicode_GetLength(output_dir) == 0) {
        PyErr_SetString(PyExc_ValueError, "output_dir is the name of a folder, not \"\"; that of the program is \".\"");
    }
    else if (script != Py_None && !checkpoint_is_name(script)) {
        PyErr_Format(PyExc_ValueError, "script is the name of a folder in output_dir, not %R", script);
    }
    else if (jobs < 1 || jobs > CHECKPOINT_JOBS) {
        PyErr_Format(PyExc_ValueError, "jobs is from 1 to %d", CHECKPOINT_JOBS);
    }
    else if (rules.keep < 0 || rules.keep_every < 0 || rules.max_size < 0) {
        PyErr_SetString(PyExc_ValueError, "keep, keep_every and max_size say which snapshots stay on the disk, and are "
                                          "not negative; 0 for no limit");
    }
    else if (output_dir != NULL) {
        self = (Checkpoint *)PyType_GenericAlloc(type, 0);
    }
    if (self != NULL) {
        self->frames = frames;
        self->jobs = jobs;
        self->rules = rules;
        self->sync = sync;
        self->verbose = verbose;
        self->resumes = resume;
        if (checkpoint_fill(self, output_dir, script, frequency, least) < 0) {
            Py_CLEAR(self);
        }
    }
    Py_XDECREF(output_dir);
    return (PyObject *)self;
}

/* ---- what the program does with it ---- */

/* atexit.register() or unregister(), of _core._close_checkpoints: what was taken shall be on the disk when the program
 * has ended. It holds none of them, so one that nobody has any more is closed then. */
static int
checkpoint_at_exit(PyTypeObject *type, const char *what)
{
    PyObject *module = compat_import("atexit"), *own = PyType_GetModule(type); /* own: borrowed */
    PyObject *close = module == NULL || own == NULL ? NULL : PyObject_GetAttrString(own, "_close_checkpoints");
    PyObject *none = close == NULL ? NULL : PyObject_CallMethod(module, what, "O", close);
    int ret = none == NULL ? -1 : 0;
    Py_XDECREF(none);
    Py_XDECREF(close);
    Py_XDECREF(module);
    return ret;
}

static int
checkpoint_open(PyObject *object)
{
    Checkpoint *self = (Checkpoint *)object;
    ModuleState *state = state_of_type(Py_TYPE(object));
    if (self->is_open) {
        return 0;
    }
    if (state->open == NULL && checkpoint_at_exit(Py_TYPE(object), "register") < 0) {
        return -1;
    }
    int ret = checkpoint_run_open(self);
    if (self->is_open) {
        self->is_closed = false;
        self->next = state->open;
        state->open = self;
    }
    return ret;
}

static PyObject *
checkpoint_enter(PyObject *self, PyObject *Py_UNUSED(none))
{
    return checkpoint_open(self) < 0 ? NULL : Py_NewRef(self);
}

/* It is none of those that are open. */
static void
checkpoint_unlist(Checkpoint *self, ModuleState *state)
{
    for (Checkpoint **at = &state->open; *at != NULL; at = &(*at)->next) {
        if (*at == self) {
            *at = self->next;
            break;
        }
    }
    self->next = NULL;
}

/* Nobody finds it any more before anything else runs: it may be about to be deallocated. */
static int
checkpoint_end(Checkpoint *self)
{
    PyTypeObject *type = Py_TYPE((PyObject *)self);
    ModuleState *state = state_of_type(type);
    if (!self->is_open) {
        return 0;
    }
    checkpoint_unlist(self, state);
    self->is_closed = true;
    int ret = checkpoint_run_close(self);
    return state->open == NULL && checkpoint_at_exit(type, "unregister") < 0 ? -1 : ret;
}

static PyObject *
checkpoint_close(PyObject *self, PyObject *Py_UNUSED(none))
{
    return checkpoint_end((Checkpoint *)self) < 0 ? NULL : Py_NewRef(Py_None);
}

/* At the program's end: each of them, whatever goes wrong with another. */
static PyObject *
checkpoint_close_all(PyObject *module, PyObject *Py_UNUSED(none))
{
    ModuleState *state = state_of_module(module);
    while (state->open != NULL) {
        PyObject *self = Py_NewRef((PyObject *)state->open);
        if (checkpoint_end((Checkpoint *)self) < 0) {
            PyErr_WriteUnraisable(self);
        }
        Py_DECREF(self);
    }
    return Py_NewRef(Py_None);
}

static PyObject *
checkpoint_exit(PyObject *self, PyObject *Py_UNUSED(args))
{
    return checkpoint_close(self, NULL);
}

static PyObject *
checkpoint_wait(PyObject *self, PyObject *Py_UNUSED(none))
{
    return checkpoint_run_wait((Checkpoint *)self) < 0 ? NULL : Py_NewRef(Py_None);
}

/* Can a file be called so? -1 with a ValueError. */
static int
checkpoint_check_name(PyObject *name)
{
    PyObject *bytes = PyUnicode_EncodeFSDefault(name);
    Py_ssize_t size = bytes == NULL ? -1 : PyBytes_Size(bytes);
    Py_XDECREF(bytes);
    if (size > CHECKPOINT_NAME) {
        PyErr_Format(PyExc_ValueError, "the name of a snapshot has at most %d bytes, this one has %zd: with its number "
                     "and .pkl it is the name of a file, which has at most %d", CHECKPOINT_NAME, size, NAME_MAX);
        size = -1;
    }
    return size < 0 ? -1 : 0;
}

static PyObject *
checkpoint_snapshot(PyObject *self, PyObject *args)
{
    const char *text = "snapshot";
    if (!PyArg_ParseTuple(args, "|s:snapshot", &text)
        || (!((Checkpoint *)self)->is_closed && checkpoint_open(self) < 0)) {
        return NULL;
    }
    PyObject *name = PyUnicode_FromString(text);
    PyObject *path = name == NULL || checkpoint_check_name(name) < 0 ? NULL
                                                                     : checkpoint_run_take((Checkpoint *)self, name);
    Py_XDECREF(name);
    return path;
}

/* Where it stands in the list of tracked objects, -1 for nowhere. */
static Py_ssize_t
checkpoint_find(const Checkpoint *self, PyObject *object)
{
    for (Py_ssize_t i = 0; i < PyList_Size(self->tracked); i++) {
        if (PyList_GetItem(self->tracked, i) == object) {
            return i;
        }
    }
    return -1;
}

/* A place that is free has the type Checkpoint in it, which no snapshot takes: the others keep their numbers, by which
 * they are called. */
static PyObject *
checkpoint_track(PyObject *object, PyObject *tracked)
{
    Checkpoint *self = (Checkpoint *)object;
    Py_ssize_t at = checkpoint_find(self, (PyObject *)Py_TYPE(object));
    int ret = checkpoint_find(self, tracked) >= 0 ? 0
              : at >= 0                           ? PyList_SetItem(self->tracked, at, Py_NewRef(tracked))
                                                  : PyList_Append(self->tracked, tracked);
    return ret < 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject *
checkpoint_untrack(PyObject *object, PyObject *tracked)
{
    Checkpoint *self = (Checkpoint *)object;
    Py_ssize_t at = tracked == (PyObject *)Py_TYPE(object) ? -1 : checkpoint_find(self, tracked);
    if (at < 0) {
        PyObject *kind = dump_kind(tracked);
        PyErr_Format(PyExc_ValueError, "this is not tracked: %V", kind, "an object");
        Py_XDECREF(kind);
        return NULL;
    }
    return PyList_SetItem(self->tracked, at, Py_NewRef((PyObject *)Py_TYPE(object))) < 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject *
checkpoint_track_library(PyObject *object, PyObject *prefix)
{
    if (!PyUnicode_Check(prefix)) {
        return PyErr_Format(PyExc_TypeError, "track_library() takes the name of a module, not %R", prefix);
    }
    return PyList_Append(((Checkpoint *)object)->libraries, prefix) < 0 ? NULL : Py_NewRef(Py_None);
}

/* ---- what was saved ---- */

/* hooking.snapshots.restore(): a new reference. */
static PyObject *
checkpoint_load(PyObject *args, PyObject *named)
{
    PyObject *module = compat_import("hooking.snapshots");
    PyObject *restore = module == NULL ? NULL : PyObject_GetAttrString(module, "restore");
    PyObject *found = restore == NULL ? NULL : PyObject_Call(restore, args, named);
    Py_XDECREF(restore);
    Py_XDECREF(module);
    return found;
}

static PyObject *
checkpoint_restore(PyObject *Py_UNUSED(type), PyObject *args, PyObject *named)
{
    return checkpoint_load(args, named);
}

/* Not before it is asked for: by then the program has made the classes that are in there. */
static PyObject *
checkpoint_get_resumed(PyObject *object, void *Py_UNUSED(none))
{
    Checkpoint *self = (Checkpoint *)object;
    if (self->resumed == NULL && self->resumes) {
        PyObject *args = Py_BuildValue("(s)", "latest");
        PyObject *named = Py_BuildValue("{sOsO}", "output_dir", self->output_dir, "script", self->script);
        self->resumed = args == NULL || named == NULL ? NULL : checkpoint_load(args, named);
        Py_XDECREF(named);
        Py_XDECREF(args);
        if (self->resumed == NULL && PyErr_ExceptionMatches(PyExc_LookupError)) {
            PyErr_Clear(); /* nothing was saved yet */
        }
    }
    if (self->resumed == NULL && !PyErr_Occurred()) {
        self->resumed = PyDict_New();
    }
    return Py_XNewRef(self->resumed);
}

static PyObject *
checkpoint_resume_or(PyObject *self, PyObject *args)
{
    PyObject *key, *other;
    if (!PyArg_ParseTuple(args, "UO:resume_or", &key, &other)) {
        return NULL;
    }
    PyObject *resumed = checkpoint_get_resumed(self, NULL);
    PyObject *value = resumed == NULL ? NULL : PyObject_CallMethod(resumed, "get", "OO", key, other);
    Py_XDECREF(resumed);
    return value;
}

/* ---- the one of the command ---- */

static PyObject *
checkpoint_singleton(PyObject *type, PyObject *Py_UNUSED(none))
{
    ModuleState *state = state_of_type((PyTypeObject *)type);
    if (state->checkpoint == NULL) {
        PyErr_SetString(PyExc_AssertionError, "this program does not run under `hooking checkpoint`");
        return NULL;
    }
    return Py_NewRef(state->checkpoint);
}

int
checkpoint_begin(ModuleState *state, PyObject *globals)
{
    Checkpoint *self = (Checkpoint *)state->checkpoint;
    if (self == NULL) {
        return 0;
    }
    Py_SETREF(self->globals, Py_XNewRef(globals));
    return checkpoint_open((PyObject *)self);
}

int
checkpoint_take(ModuleState *state, PyObject *name, PyObject **path)
{
    Checkpoint *self = (Checkpoint *)state->checkpoint;
    *path = self == NULL || checkpoint_check_name(name) < 0 ? NULL : checkpoint_run_take(self, name);
    return self == NULL ? 0 : *path == NULL ? -1 : 1;
}

int
checkpoint_hold(ModuleState *state)
{
    int ret = 0;
    for (Checkpoint *at = state->open; at != NULL && ret == 0; at = at->next) {
        ret = checkpoint_run_hold(at);
    }
    return ret;
}

int
checkpoint_go_on(ModuleState *state)
{
    int ret = 0;
    for (Checkpoint *at = state->open; at != NULL; at = at->next) {
        ret = checkpoint_run_go_on(at) < 0 ? -1 : ret;
    }
    return ret;
}

static PyObject *
checkpoint_set_singleton(PyObject *module, PyObject *checkpoint)
{
    if (checkpoint_files_find_folder((Checkpoint *)checkpoint) < 0) {
        return NULL;
    }
    Py_SETREF(state_of_module(module)->checkpoint, Py_NewRef(checkpoint));
    return Py_NewRef(Py_None);
}

PyMethodDef checkpoint_methods[] = {
    {"_close_checkpoints", checkpoint_close_all, METH_NOARGS, "Close those that are open."},
    {"_set_checkpoint", checkpoint_set_singleton, METH_O, "What Checkpoint.get_global_singleton() gives from now on."},
    {NULL, NULL, 0, NULL},
};

/* ---- the type ---- */

static int
checkpoint_traverse(PyObject *object, visitproc visit, void *arg)
{
    Checkpoint *self = (Checkpoint *)object;
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->globals);
    Py_VISIT(self->tracked);
    Py_VISIT(self->libraries);
    Py_VISIT(self->resumed);
    return 0;
}

static int
checkpoint_clear(PyObject *object)
{
    Checkpoint *self = (Checkpoint *)object;
    Py_CLEAR(self->globals);
    Py_CLEAR(self->tracked);
    Py_CLEAR(self->libraries);
    Py_CLEAR(self->resumed);
    return 0;
}

/* As a file does that nobody has any more. Nothing here may take a reference to it. Any exception that is set stays. */
static void
checkpoint_end_unclosed(Checkpoint *self)
{
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    if (checkpoint_end(self) < 0) {
        PyErr_WriteUnraisable(NULL);
    }
    if (self->pid == getpid()
        && PyErr_WarnFormat(PyExc_ResourceWarning, 1, "a Checkpoint of %U was not closed: use `with`, or close()",
                            self->output_dir) < 0) {
        PyErr_WriteUnraisable(NULL);
    }
    PyErr_Restore(type, error, traceback);
}

static void
checkpoint_dealloc(PyObject *object)
{
    Checkpoint *self = (Checkpoint *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    if (self->is_open) {
        checkpoint_end_unclosed(self);
    }
    checkpoint_clear(object);
    Py_CLEAR(self->output_dir);
    Py_CLEAR(self->script);
    Py_CLEAR(self->saved);
    Py_CLEAR(self->late);
    free(self->told);
    for (int i = 0; i < CHECKPOINT_JOBS; i++) {
        snapshot_child_clear(&self->running[i].child);
        Py_CLEAR(self->running[i].file);
    }
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(object);
    Py_DECREF(type);
}

PyDoc_STRVAR(checkpoint_doc,
"Checkpoint(output_dir='checkpoints', *, frequency=-1, min_obj_size=0, script=None, frames=False, jobs=1,\n"
"           keep=0, keep_every=0, max_size=0, sync=False, verbose=False, resume=False)\n"
"--\n\n"
"Snapshots of the program while it runs: the global variables of __main__, each in a file of its own that load() and\n"
"pickle.load() read. `with Checkpoint() as c: ...`; under `hooking checkpoint` it is there already, see\n"
"get_global_singleton().\n\n"
"    output_dir    str, bytes or os.PathLike: the files are output_dir/script/000001-NAME.pkl\n"
"    frequency     milliseconds between two snapshots; 0: one at each line of the program's own file, -1: only\n"
"                  snapshot() takes one\n"
"    min_obj_size  bytes: smaller objects are left out; 0: none, -1: all that are not tracked\n"
"    script        str, by default the name of the program's script\n"
"    frames        the local variables of the program's functions, too\n"
"    jobs          int, how many snapshots are written at a time, each by a copy of the process\n"
"    keep          int, how many files stay: older ones are removed; 0: none is\n"
"    keep_every    int, and beside them each one whose number is a multiple of this\n"
"    max_size      bytes, of all files together: when there are more the oldest go, but never the last one; 0: any\n"
"    sync          write them in the process itself, which waits\n"
"    verbose       tell of each on stderr\n"
"    resume        `resumed` and resume_or() give what was saved last.\n\n"
"Functions, classes and modules are left out, and what cannot be pickled; of that the file says why. The program does\n"
"not fail by a snapshot: what goes wrong is told on stderr.\n\n"
"Raises TypeError or ValueError for arguments of a wrong type or value; on opening OSError if the folder cannot be\n"
"written to.");

#define METHOD(function) ((PyCFunction)(void (*)(void))(function))
static PyMethodDef checkpoint_object_methods[] = {
    {"get_global_singleton", checkpoint_singleton, METH_NOARGS | METH_CLASS,
     "The Checkpoint of `hooking checkpoint`. Raises AssertionError where the program runs without."},
    {"snapshot", checkpoint_snapshot, METH_VARARGS,
     "snapshot(name='snapshot')\n--\n\n"
     "Take a snapshot now, waiting for room if others are being written. Returns the path that the file will have, a\n"
     "str; None if nothing was taken: what was wrong is told on stderr, or the process is one that the program has\n"
     "forked. Raises ValueError for a name of more than 240 bytes, which no file can have."},
    {"track", checkpoint_track, METH_O, "track(object)\n--\n\nHave this object in every snapshot, whatever its size."},
    {"untrack", checkpoint_untrack, METH_O,
     "untrack(object)\n--\n\nLet go of it. Raises ValueError if it is not tracked."},
    {"track_library", checkpoint_track_library, METH_O,
     "track_library(prefix)\n--\n\n"
     "Have the objects of a library's types in every snapshot, whatever their size: `prefix` is a str, the name of a\n"
     "package or module. numpy, pandas and torch are, unless min_obj_size is -1."},
    {"restore", METHOD(checkpoint_restore), METH_VARARGS | METH_KEYWORDS | METH_STATIC,
     "restore(name='latest', *, output_dir='checkpoints', script=None)\n--\n\n"
     "The objects of the last snapshot of that name, or of the last one of all: a dict by name. `script` is needed if\n"
     "there are those of several programs. Raises LookupError if there is none; what load() raises."},
    {"resume_or", checkpoint_resume_or, METH_VARARGS,
     "resume_or(name, default)\n--\n\n"
     "What the variable `name` was in the last snapshot, when the program is resumed; else `default`."},
    {"wait", checkpoint_wait, METH_NOARGS, "wait()\n--\n\nWait until all that was taken is on the disk."},
    {"close", checkpoint_close, METH_NOARGS,
     "close()\n--\n\n"
     "Take no more snapshots until `with` opens it again, and wait(). The end of the program does so, and with a\n"
     "ResourceWarning the end of the object."},
    {"__enter__", checkpoint_enter, METH_NOARGS, NULL},
    {"__exit__", checkpoint_exit, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef checkpoint_attributes[] = {
    {"frequency", checkpoint_get_frequency, checkpoint_set_frequency, "Milliseconds between two snapshots, 0 or -1.",
     NULL},
    {"resumed", checkpoint_get_resumed, NULL,
     "What the last snapshot holds, a dict by name; empty if the program is not resumed, or nothing was saved.", NULL},
    {"min_obj_size", checkpoint_get_least, checkpoint_set_least, "Bytes; 0: every object, -1: tracked ones.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMemberDef checkpoint_members[] = {
    {"output_dir", T_OBJECT, offsetof(Checkpoint, output_dir), READONLY, "str, absolute."},
    {"script", T_OBJECT, offsetof(Checkpoint, script), READONLY, "str, the folder in output_dir."},
    {"keep", T_INT, offsetof(Checkpoint, rules.keep), READONLY, "int, how many files stay; 0: all."},
    {"keep_every", T_INT, offsetof(Checkpoint, rules.keep_every), READONLY, "int, each how manieth stays in any case."},
    {"max_size", T_LONGLONG, offsetof(Checkpoint, rules.max_size), READONLY, "int, bytes of all files; 0: any number."},
    {"frames", T_BOOL, offsetof(Checkpoint, frames), 0, "Local variables, too?"},
    {"sync", T_BOOL, offsetof(Checkpoint, sync), 0, "Does the program wait for its snapshots?"},
    {"verbose", T_BOOL, offsetof(Checkpoint, verbose), 0, "Is each told of on stderr?"},
    {NULL, 0, 0, 0, NULL},
};

#define SLOT(function) ((void *)(function))
static PyType_Slot checkpoint_slots[] = {
    {Py_tp_doc, (void *)checkpoint_doc},
    {Py_tp_new, SLOT(checkpoint_new)},
    {Py_tp_dealloc, SLOT(checkpoint_dealloc)},
    {Py_tp_traverse, SLOT(checkpoint_traverse)},
    {Py_tp_clear, SLOT(checkpoint_clear)},
    {Py_tp_methods, checkpoint_object_methods},
    {Py_tp_getset, checkpoint_attributes},
    {Py_tp_members, checkpoint_members},
    {0, NULL},
};

static PyType_Spec checkpoint_spec = {
    .name = "hooking.Checkpoint",
    .basicsize = sizeof(Checkpoint),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = checkpoint_slots,
};

int
checkpoint_init(PyObject *module, ModuleState *state)
{
    state->checkpoint_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &checkpoint_spec, NULL);
    return state->checkpoint_type == NULL
                   || PyModule_AddObjectRef(module, "Checkpoint", (PyObject *)state->checkpoint_type) < 0
               ? -1
               : PyModule_AddFunctions(module, checkpoint_methods);
}
