/* Taking snapshots, see checkpoint_run.h. */
#include "checkpoint_run.h"

#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "checkpoint_files.h"
#include "checkpoint_say.h"
#include "frame.h"
#include "snapshot.h"
#include "snapshot_save.h"

/* ---- copies that write ---- */

/* It has ended in some way. */
static void
run_finish(Checkpoint *self, CheckpointJob *job, SnapshotState how)
{
    if (how == SNAPSHOT_SAVED) {
        checkpoint_say_saved(self, job->file, job->child.note);
        Py_SETREF(self->saved, Py_NewRef(job->file));
        checkpoint_files_prune(self);
    }
    else {
        checkpoint_say(job->file, "NOT saved: %s", job->child.note->text);
        checkpoint_files_sweep(self);
        if (!job->child.note->begun && !self->sync) {
            self->sync = true;
            checkpoint_say(NULL, "from now on the program waits for its snapshots (--sync)");
        }
    }
    snapshot_child_clear(&job->child);
    Py_CLEAR(job->file);
}

/* Look after them; with `wait` until they have ended. How many still run, -1 with an exception. */
static int
run_look(Checkpoint *self, bool wait)
{
    int count = 0;
    for (int i = 0; i < CHECKPOINT_JOBS; i++) {
        CheckpointJob *job = &self->running[i];
        if (job->child.pid == 0) {
            continue;
        }
        SnapshotState how = snapshot_child_look(&job->child, wait);
        if (how == SNAPSHOT_ERROR) {
            return -1;
        }
        if (how == SNAPSHOT_RUNS) {
            count++;
        }
        else {
            run_finish(self, job, how);
        }
    }
    return count;
}

/* A place for one more: of those that run the first is waited for. NULL with an exception. */
static CheckpointJob *
run_make_room(Checkpoint *self)
{
    int count = run_look(self, false);
    for (int i = 0; i < CHECKPOINT_JOBS && count >= self->jobs; i++) {
        if (self->running[i].child.pid != 0) {
            SnapshotState how = snapshot_child_look(&self->running[i].child, true);
            if (how == SNAPSHOT_ERROR) {
                return NULL;
            }
            run_finish(self, &self->running[i], how);
            count--;
        }
    }
    for (int i = 0; i < CHECKPOINT_JOBS && count >= 0; i++) {
        if (self->running[i].child.pid == 0) {
            return &self->running[i];
        }
    }
    return NULL;
}

/* ---- one snapshot ---- */

static double
run_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* For dl_iterate_phdr(): is it the driver of a graphics card? */
static int
run_is_driver(struct dl_phdr_info *library, size_t Py_UNUSED(size), void *Py_UNUSED(none))
{
    return library->dlpi_name != NULL && strstr(library->dlpi_name, "/libcuda.so") != NULL;
}

/* A process cannot be copied that uses a card: the card does not know the copy. */
static bool
run_has_card(void)
{
    return dl_iterate_phdr(run_is_driver, NULL) != 0;
}

static void
run_choose_way(Checkpoint *self)
{
    if (!self->sync && run_has_card()) {
        self->sync = true;
        checkpoint_say(NULL, "the program uses CUDA, which cannot be copied: it waits for its snapshots (--sync)");
    }
}

/* In the program itself, which waits. */
static int
run_save_here(Checkpoint *self, const SnapshotJob *job, double begin)
{
    SnapshotNote *note = PyMem_Calloc(1, sizeof *note);
    if (note == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    note->paused = 1; /* so far; that it goes on while the file is written can only be told afterwards */
    note->pause = run_now() - begin;
    int ret = snapshot_save(job, note);
    if (ret == 0) {
        note->pause = run_now() - begin;
        checkpoint_say_saved(self, job->file, note);
        Py_SETREF(self->saved, Py_NewRef(job->file));
        checkpoint_files_prune(self);
    }
    PyMem_Free(note);
    return ret;
}

/* In a copy, which ends here. */
static void
run_save_there(const SnapshotJob *job, SnapshotNote *note)
{
    int failed = snapshot_save(job, note) < 0;
    if (failed) {
        checkpoint_describe(note->text, sizeof note->text);
    }
    else {
        note->saved = 1;
    }
    _exit(failed);
}

static int
run_save(Checkpoint *self, CheckpointJob *place, const SnapshotJob *job, double begin)
{
    if (self->sync) {
        return run_save_here(self, job, begin);
    }
    SnapshotSide side = snapshot_child_make(&place->child);
    if (side == SNAPSHOT_COPY) {
        run_save_there(job, place->child.note);
    }
    if (side == SNAPSHOT_FAILED) {
        return -1;
    }
    place->child.note->pause = run_now() - begin;
    place->child.note->paused = 1;
    place->file = Py_NewRef(job->file);
    return 0;
}

static int
run_find_globals(Checkpoint *self)
{
    if (self->globals == NULL) {
        PyObject *frame = frame_current();
        self->globals = snapshot_globals(frame);
        Py_XDECREF(frame);
    }
    return self->globals == NULL ? -1 : 0;
}

/* `file`: what checkpoint_files_next() has made of the name. */
static PyObject *
run_take(Checkpoint *self, CheckpointJob *place, PyObject *name, PyObject *file)
{
    double begin = run_now();
    PyObject *frame = frame_current(), *asked = NULL, *path = NULL;
    SnapshotJob job = {.name = name, .script = self->script, .file = file, .is_copy = !self->sync,
                       .before = self->saved};
    SnapshotWish wish = {.least = self->least, .tracked = self->tracked, .frames = self->frames,
                         .never = Py_TYPE((PyObject *)self)};
    if (run_find_globals(self) < 0) {
        goto done;
    }
    asked = PyList_GetSlice(self->libraries, self->least < 0 ? self->given : 0, PY_SSIZE_T_MAX);
    wish.libraries = asked;
    job.small = wish.small = asked == NULL ? NULL : PyList_New(0);
    job.objects = wish.small == NULL ? NULL : snapshot_gather(&wish, self->globals, frame);
    job.place = snapshot_place(frame, self->globals);
    job.folder = checkpoint_files_folder(self);
    path = job.objects == NULL || job.folder == NULL
               ? NULL
               : PyUnicode_FromFormat("%U/%U", job.folder, job.file);
    if (path != NULL && run_save(self, place, &job, begin) < 0) {
        Py_CLEAR(path);
    }
done:
    Py_XDECREF(job.folder);
    Py_XDECREF(job.place);
    Py_XDECREF(job.objects);
    Py_XDECREF(job.small);
    Py_XDECREF(asked);
    Py_XDECREF(frame);
    return path;
}

/* An exception that is set: the program is not to fail by it, if it is not of a signal handler of its own. */
static PyObject *
run_pass_over(PyObject *name)
{
    char text[SNAPSHOT_NOTE_ROOM];
    if (!PyErr_ExceptionMatches(PyExc_Exception)) {
        return NULL;
    }
    checkpoint_describe(text, sizeof text);
    checkpoint_say(name, "NOT saved: %s", text);
    return Py_NewRef(Py_None);
}

/* Is this the process, and not one that it has forked? */
static bool
run_is_here(const Checkpoint *self)
{
    return self->pid == getpid();
}

/* And are snapshots taken? (The garbage collector may have begun to clear it.) */
static bool
run_is_on(const Checkpoint *self)
{
    return self->is_open && self->tracked != NULL && run_is_here(self);
}

/* One thread at a time: who waits for a copy lets others run, and they would look after the same one. 0; 1 when this
 * thread is at it already; -1 with an exception of a signal handler. Then run_leave(), after 0 only. */
static int
run_enter(Checkpoint *self)
{
    enum { SLICE = 2000 }; /* microseconds */
    unsigned long own = PyThread_get_thread_ident();
    while (self->is_busy) {
        if (self->thread == own) {
            return 1;
        }
        Py_BEGIN_ALLOW_THREADS
        usleep(SLICE);
        Py_END_ALLOW_THREADS
        if (PyErr_CheckSignals() < 0) {
            return -1;
        }
    }
    self->is_busy = true;
    self->thread = own;
    return 0;
}

/* As checkpoint_run_take(), entered. `file`: where it has one already. */
static PyObject *
run_take_now(Checkpoint *self, PyObject *name, PyObject *file)
{
    PyObject *path = NULL;
    /* before others that come meanwhile */
    PyObject *own = file == NULL ? checkpoint_files_next(self, name) : Py_NewRef(file);
    if (own == NULL) {
        return run_pass_over(name);
    }
    run_choose_way(self);
    CheckpointJob *place = run_make_room(self);
    if (place != NULL) {
        self->is_taking = true;
        path = run_take(self, place, name, own);
        self->is_taking = false;
        path = path == NULL ? run_pass_over(name) : path;
    }
    Py_DECREF(own);
    return path;
}

/* ---- those that are asked for while one is taken ---- */

/* A signal handler, say, runs while this thread waits for a copy. The snapshot is taken when that is over, under the
 * number that it has now; one of the same name that has not been taken yet will do. The path, or None where it cannot
 * be, which is told; NULL with an exception. */
static PyObject *
run_ask(Checkpoint *self, PyObject *name)
{
    PyObject *folder = NULL, *file = NULL, *path = NULL, *pair = NULL;
    if (self->late == NULL && (self->late = PyList_New(0)) == NULL) {
        return NULL;
    }
    for (Py_ssize_t i = 0; i < PyList_Size(self->late); i++) {
        PyObject *other = PyList_GetItem(self->late, i); /* borrowed */
        if (PyUnicode_Compare(PyTuple_GetItem(other, 0), name) == 0) {
            file = Py_NewRef(PyTuple_GetItem(other, 1));
        }
    }
    if (file == NULL && (PyList_Size(self->late) >= CHECKPOINT_JOBS || (self->is_late && self->is_taking))) {
        checkpoint_say(name, "NOT saved: it was asked for while others were being taken");
        return Py_NewRef(Py_None);
    }
    if (file == NULL) {
        file = checkpoint_files_next(self, name);
        pair = file == NULL ? NULL : PyTuple_Pack(2, name, file);
    }
    folder = checkpoint_files_folder(self);
    path = file == NULL || folder == NULL || (pair != NULL && PyList_Append(self->late, pair) < 0)
               ? NULL
               : PyUnicode_FromFormat("%U/%U", folder, file);
    Py_XDECREF(folder);
    Py_XDECREF(file);
    Py_XDECREF(pair);
    return path == NULL ? run_pass_over(name) : path;
}

/* Take them, entered: those that are there now, for handlers may go on asking for more, as long as this is not closed.
 * An exception that is set stays. -1 with one of a signal handler. */
static int
run_take_late(Checkpoint *self)
{
    PyObject *type, *error, *traceback;
    Py_ssize_t count = self->late == NULL ? 0 : PyList_Size(self->late);
    if (count == 0 || !run_is_here(self) || self->tracked == NULL) {
        return PyErr_Occurred() ? -1 : 0;
    }
    PyErr_Fetch(&type, &error, &traceback);
    self->is_late = true;
    for (int ret = 0; ret == 0 && count > 0; count--) {
        PyObject *pair = Py_NewRef(PyList_GetItem(self->late, 0));
        PyObject *path = PyList_SetSlice(self->late, 0, 1, NULL) < 0
                             ? NULL
                             : run_take_now(self, PyTuple_GetItem(pair, 0), PyTuple_GetItem(pair, 1));
        if (path == NULL && error != NULL) {
            PyErr_WriteUnraisable(pair); /* the first one is on its way already */
        }
        ret = PyErr_Occurred() ? -1 : 0;
        Py_XDECREF(path);
        Py_DECREF(pair);
    }
    self->is_late = false;
    if (type != NULL) {
        PyErr_Restore(type, error, traceback);
    }
    return PyErr_Occurred() ? -1 : 0;
}

static int run_leave(Checkpoint *self);

/* For Py_AddPendingCall(): those that have come while others of them were taken. */
static int
run_late(void *context)
{
    Checkpoint *self = context; /* owned */
    self->is_called = false;
    int ret = !self->is_busy && run_is_on(self) && run_enter(self) == 0 ? run_leave(self) : 0;
    Py_DECREF((PyObject *)self);
    return ret;
}

/* -1 with an exception of a signal handler; any that is set stays. */
static int
run_leave(Checkpoint *self)
{
    int ret = run_take_late(self);
    bool more = self->late != NULL && PyList_Size(self->late) > 0;
    self->is_busy = false;
    if (more && self->is_open && !self->is_called) {
        self->is_called = true;
        Py_INCREF((PyObject *)self);
        if (Py_AddPendingCall(run_late, self) < 0) { /* too many wait: then after the next one */
            self->is_called = false;
            Py_DECREF((PyObject *)self);
        }
    }
    return ret;
}

PyObject *
checkpoint_run_take(Checkpoint *self, PyObject *name)
{
    if (!run_is_on(self)) {
        if (!self->is_open && run_is_here(self)) {
            checkpoint_say(name, "NOT saved: this Checkpoint is closed, `with` opens it again");
        }
        return Py_NewRef(Py_None);
    }
    int entered = run_enter(self);
    if (entered != 0) {
        return entered < 0 ? NULL : run_ask(self, name);
    }
    PyObject *path = run_is_on(self) ? run_take_now(self, name, NULL) : Py_NewRef(Py_None); /* if closed meanwhile */
    if (run_leave(self) < 0) {
        Py_CLEAR(path);
    }
    return path;
}

/* ---- the clock ---- */

/* What the calls are for that the clock asks for. It outlives the Checkpoint, if one is still to be made. */
typedef struct CheckpointTick {
    Checkpoint *checkpoint; /* borrowed; NULL when its clock has ended */
} CheckpointTick;

/* Take one, entered. The program is to have half of the time at least: after one that has kept it for long it runs for
 * as long. */
static void
run_take_timed(Checkpoint *self)
{
    double begin = run_now();
    PyObject *name = PyUnicode_FromString("auto");
    PyObject *path = name == NULL ? NULL : run_take_now(self, name, NULL);
    double end = run_now();
    self->rests = end + (end - begin);
    Py_XDECREF(path);
    Py_XDECREF(name);
}

/* For Py_AddPendingCall(). Timed snapshots become rarer when those before are not written yet. */
static int
run_tick(void *context)
{
    CheckpointTick *tick = context;
    Checkpoint *self = tick->checkpoint;
    int ret = 0;
    if (self == NULL) {
        free(tick);
        return 0;
    }
    Py_INCREF((PyObject *)self); /* its last owner may let go of it meanwhile */
    snapshot_clock_heard(&self->clock);
    if (run_is_on(self) && !self->is_busy && run_now() >= self->rests && run_enter(self) == 0) {
        int count = run_look(self, false);
        if (count >= 0 && count < self->jobs) {
            run_take_timed(self);
        }
        ret = run_leave(self) < 0 || PyErr_Occurred() ? -1 : 0;
    }
    Py_DECREF((PyObject *)self);
    return ret;
}

/* What a call that is still to be made finds is not this Checkpoint any more. */
static void
run_stop_clock(Checkpoint *self)
{
    CheckpointTick *tick = self->tick;
    self->tick = NULL;
    if (tick != NULL) {
        tick->checkpoint = NULL; /* first: stopping it lets others run */
    }
    bool waiting = snapshot_clock_stop(&self->clock);
    if (!waiting && self->pid == getpid()) { /* nobody knows whether one is to be made in a forked child */
        free(tick);
    }
}

/* -1 with an exception. */
static int
run_set_clock(Checkpoint *self)
{
    if (self->tick == NULL && self->frequency > 0) {
        self->tick = malloc(sizeof *self->tick);
        if (self->tick == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        self->tick->checkpoint = self;
    }
    self->clock.tick = run_tick;
    self->clock.context = self->tick;
    return snapshot_clock_set(&self->clock, self->frequency > 0 ? self->frequency * 1e-3 : 0);
}

/* ---- every line ---- */

/* One after the other: none is left out. */
static int
run_line(void *context, int number)
{
    Checkpoint *self = context;
    if (!self->is_open) { /* it may be on its way out: nobody can have it any more */
        return 0;
    }
    Py_INCREF((PyObject *)self); /* its last owner may let go of it meanwhile */
    PyObject *name = PyUnicode_FromFormat("line%d", number);
    PyObject *path = name == NULL ? NULL : checkpoint_run_take(self, name);
    int ret = path == NULL ? -1 : 0;
    Py_XDECREF(path);
    Py_XDECREF(name);
    Py_DECREF((PyObject *)self);
    return ret;
}

static int
run_tune_lines(Checkpoint *self)
{
    bool wanted = self->frequency == 0;
    if (wanted == (self->lines.globals != NULL)) {
        return 0;
    }
    if (!wanted) {
        snapshot_lines_stop(&self->lines);
        return 0;
    }
    self->lines.line = run_line;
    self->lines.context = self;
    return run_find_globals(self) < 0 ? -1 : snapshot_lines_start(&self->lines, self->globals);
}

int
checkpoint_run_tune(Checkpoint *self)
{
    return !self->is_open ? 0 : run_tune_lines(self) < 0 ? -1 : run_set_clock(self);
}

/* ---- from the beginning to the end ---- */

/* What writing a snapshot imports. It is there before the first one: a copy that is made while the program imports one
 * of these would meet a half of it, and each copy would import them anew. -1 with an exception. */
static int
run_import(void)
{
    static const char *const names[] = {
        "atexit", "copyreg", "functools", "gc", "hashlib", "hmac", "json", "os", "pickle", "re", "reprlib", "struct",
        "time", "types", "warnings",
    };
    int ret = 0;
    for (size_t i = 0; ret == 0 && i < sizeof names / sizeof *names; i++) {
        PyObject *module = compat_import(names[i]);
        ret = module == NULL ? -1 : 0;
        Py_XDECREF(module);
    }
    return ret;
}

int
checkpoint_run_open(Checkpoint *self)
{
    self->pid = getpid();
    if (self->is_open) {
        return 0;
    }
    if (checkpoint_files_find_folder(self) < 0 || run_import() < 0) {
        return -1;
    }
    self->is_open = true;
    return checkpoint_run_tune(self);
}

int
checkpoint_run_wait(Checkpoint *self)
{
    int entered = self->pid == getpid() ? run_enter(self) : 1;
    if (entered != 0) {
        return entered < 0 ? -1 : 0;
    }
    int ret = run_look(self, true) < 0 || run_take_late(self) < 0 || run_look(self, true) < 0 ? -1 : 0;
    return run_leave(self) < 0 ? -1 : ret;
}

int
checkpoint_run_close(Checkpoint *self)
{
    self->is_open = false;
    run_stop_clock(self); /* first: it calls nothing of the program's before it is certain that no call comes */
    snapshot_lines_stop(&self->lines);
    return checkpoint_run_wait(self);
}

int
checkpoint_run_hold(Checkpoint *self)
{
    if (!run_is_on(self)) {
        return 0;
    }
    self->is_held = true;
    run_stop_clock(self);
    return checkpoint_run_wait(self);
}

int
checkpoint_run_go_on(Checkpoint *self)
{
    if (!self->is_held) {
        return 0;
    }
    self->is_held = false;
    self->pid = getpid();
    return run_set_clock(self);
}
