/* ahook(), see ahook.h.
 *
 * What it returns is awaited, as a coroutine is, and is itself what a coroutine is: it has send(), throw() and close().
 * The event loop comes here for each step of the task. Between two of them either a reader (see reader.h) is at the
 * prompt, and a future waits for it, or a coroutine that was typed there waits for something, and that is handed on to
 * the task: so it is the task that awaits it.
 *
 * What wakes the loop is a pipe that it watches. The reader writes to it when it is done. So does Ctrl-C while a
 * coroutine waits (during a step it is as in hook()), and the task is asked to cancel itself, as asyncio.timeout() does
 * it; what comes of it is told as KeyboardInterrupt.
 */
#include "ahook.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "compat.h"
#include "console.h"
#include "entry.h"
#include "frame.h"
#include "hook.h"
#include "input.h"
#include "log.h"
#include "reader.h"
#include "task.h"
#include "turn.h"

typedef enum AhookPhase {
    AHOOK_IDLE,   /* nothing is to be opened: may be awaited as often as one likes */
    AHOOK_NEW,
    AHOOK_QUEUES, /* for its turn */
    AHOOK_READS,
    AHOOK_AWAITS, /* a coroutine of the prompt's */
    AHOOK_OVER,
} AhookPhase;

typedef struct Ahook {
    PyObject_HEAD
    ModuleState *state; /* borrowed */
    AhookPhase phase;
    bool is_stepping;
    HookCall call;
    PyObject *place;    /* owned: where it was called, "file:line" */
    PyObject *banner;   /* owned */
    PyObject *logger;   /* owned: its name */
    int overwrite, once;
    PyObject *loop;     /* owned or NULL */
    PyObject *task;     /* owned or NULL */
    PyObject *future;   /* owned, while it reads: done when the reader is */
    PyObject *waited;   /* owned, while it queues or reads: the iterator that the task is to wait for */
    TurnWaiter waiter;
    bool has_turn;
    bool is_open;       /* `console` is, and to be closed */
    Console console;
    Reader reader;
    bool is_watched;    /* the loop watches `pipe` */
    int pipe[2];        /* while it is watched: the reader is done, or Ctrl-C has come */
    pid_t pid;          /* while it is watched: of the process that does so */
    int cancels;        /* how often Ctrl-C has asked the task to cancel itself */
    long cancelling;    /* how often others had, when the coroutine that is awaited began */
} Ahook;

/* ---- waiting ---- */

/* Let go of what it was waiting for. */
static void
ahook_wait_no_more(Ahook *self)
{
    Py_CLEAR(self->waited);
    Py_CLEAR(self->future);
}

/* Wait on: as a coroutine in `await`. `sent`: NULL to throw the exception that is set. */
static PySendResult
ahook_wait(Ahook *self, PyObject *sent, PyObject **yielded)
{
    PyObject *waited = Py_NewRef(self->waited);
    PySendResult how;
    if (sent == NULL) {
        PyObject *type, *value, *traceback;
        PyErr_Fetch(&type, &value, &traceback);
        PyErr_NormalizeException(&type, &value, &traceback);
        *yielded = PyObject_CallMethod(waited, "throw", "O", value);
        how = *yielded == NULL ? PYGEN_ERROR : PYGEN_NEXT;
        Py_XDECREF(type);
        Py_XDECREF(value);
        Py_XDECREF(traceback);
    }
    else {
        how = PyIter_Send(waited, sent, yielded);
    }
    if (how != PYGEN_NEXT) {
        Py_CLEAR(*yielded);
        ahook_wait_no_more(self);
    }
    Py_DECREF(waited);
    return how;
}

/* ---- the turn ---- */

/* 1: has it; 0: is to wait a moment; -1 */
static int
ahook_take_turn(Ahook *self)
{
    static const double moment = 0.05; /* seconds */
    PyObject *name = task_name(self->task);
    int ret = turn_try(&self->waiter, self->task, name, self->place);
    Py_XDECREF(name);
    if (ret == 1) {
        self->has_turn = true;
    }
    if (ret == 0) {
        PyObject *tasks = compat_import("asyncio.tasks");
        self->waited = tasks == NULL ? NULL : PyObject_CallMethod(tasks, "sleep", "d", moment);
        Py_XDECREF(tasks);
        ret = self->waited == NULL ? -1 : 0;
    }
    return ret;
}

/* ---- what wakes the loop ---- */

/* The reader is done: so is the future that the task waits for. */
static int
ahook_wake(Ahook *self)
{
    PyObject *future = Py_XNewRef(self->future);
    PyObject *done = future == NULL ? NULL : PyObject_CallMethod(future, "done", NULL);
    PyObject *set = done == Py_False ? PyObject_CallMethod(future, "set_result", "O", Py_None) : NULL;
    Py_XDECREF(set);
    Py_XDECREF(done);
    Py_XDECREF(future);
    return PyErr_Occurred() ? -1 : 0;
}

/* In the loop: something was written to the pipe. */
static PyObject *
ahook_on_pipe(PyObject *object, PyObject *Py_UNUSED(none))
{
    Ahook *self = (Ahook *)object;
    char bytes[64];
    ssize_t count = self->is_watched ? read(self->pipe[0], bytes, sizeof bytes) : 0;
    bool is_done = count > 0 && memchr(bytes, *READER_DONE, (size_t)count) != NULL;
    if (is_done && ahook_wake(self) < 0) {
        return NULL;
    }
    if (count > 0 && !is_done && self->phase == AHOOK_AWAITS && self->task != NULL) { /* Ctrl-C */
        self->cancels++;
        task_cancel(self->task);
    }
    return Py_NewRef(Py_None);
}

static PyMethodDef pipe_method = {"on_pipe", ahook_on_pipe, METH_NOARGS, NULL};

static void
ahook_watch_no_more(Ahook *self)
{
    if (self->is_watched) {
        PyObject *type, *value, *traceback;
        PyErr_Fetch(&type, &value, &traceback);
        if (self->pid == getpid()) { /* a forked child would end the parent's watching */
            PyObject *removed = PyObject_CallMethod(self->loop, "remove_reader", "i", self->pipe[0]);
            PyErr_Clear(); /* the loop is closed */
            Py_XDECREF(removed);
        }
        close(self->pipe[0]);
        close(self->pipe[1]);
        self->is_watched = false;
        PyErr_Restore(type, value, traceback);
    }
}

/* Have the loop watch the pipe. As long as it does so it holds on to the task: it has only weak references to those
 * that wait. 1; 0 when it cannot, and *why says so; -1 with an exception. */
static int
ahook_watch(Ahook *self, const char **why)
{
    if (pipe2(self->pipe, O_CLOEXEC | O_NONBLOCK) < 0) {
        *why = "not opened: no file descriptor is left for it";
        return 0;
    }
    PyObject *function = PyCFunction_New(&pipe_method, (PyObject *)self);
    PyObject *added = function == NULL ? NULL
                                       : PyObject_CallMethod(self->loop, "add_reader", "iO", self->pipe[0], function);
    int ret = 1;
    self->pid = getpid();
    self->is_watched = added != NULL;
    if (added == NULL) {
        close(self->pipe[0]);
        close(self->pipe[1]);
        ret = PyErr_ExceptionMatches(PyExc_Exception) ? 0 : -1;
        *why = "not opened: this event loop cannot watch file descriptors; use hook()";
    }
    if (ret == 0) {
        PyErr_Clear();
    }
    Py_XDECREF(added);
    Py_XDECREF(function);
    return ret;
}

/* ---- opening and closing ---- */

/* The task's name belongs to the prompt, beside the thread's, unless the loop was started for it. */
static void
ahook_name_prompt(Ahook *self)
{
    PyObject **shown = &self->console.thread;
    PyObject *name = self->task == NULL || task_is_main(self->task) ? NULL : task_name(self->task);
    if (name != NULL && *shown != NULL) {
        PyObject *both = PyUnicode_FromFormat("%U, %U", *shown, name);
        Py_SETREF(name, both);
    }
    if (name != NULL) {
        Py_XDECREF(*shown);
        *shown = name;
    }
    PyErr_Clear();
}

static int
ahook_open_console(Ahook *self, const char **why)
{
    PyObject *handled = PyErr_GetHandledException(); /* in an `except` block */
    ConsoleStart start = {
        .frame = self->call.frame, .exception = handled, .banner = self->banner, .complaint = self->call.complaint,
        .overwrite = self->overwrite, .ways = WAYS_HOOK,
    };
    int ret = console_open(&self->console, self->state, &start, why);
    Py_XDECREF(handled);
    if (ret > 0) {
        self->is_open = true;
        self->console.stepwise = 1;
        self->console.talk.beside = 1;
        ahook_name_prompt(self);
        Py_CLEAR(self->call.complaint);
    }
    return ret;
}

/* Open the console, if that can be. 1, 0, or -1 with an exception. */
static int
ahook_open(Ahook *self)
{
    const char *why = NULL;
    int ret = hook_begin(self->state, &self->call, self->once);
    if (ret <= 0) {
        return ret;
    }
    if (hook_log(self->call.frame, self->logger, HOOK_ENTERS, &self->call.complaint) < 0) {
        return -1;
    }
    ret = ahook_watch(self, &why);
    if (ret > 0) {
        ret = ahook_open_console(self, &why);
    }
    if (ret == 0) {
        log_warn(self->call.frame, self->logger, "ahook()", why);
    }
    return ret;
}

/* A coroutine that was typed and will not be awaited to its end. */
static void
ahook_drop_coroutine(Ahook *self)
{
    PyObject *coroutine = Py_XNewRef(self->console.run.coroutine);
    if (coroutine != NULL) {
        PyObject *closed = PyObject_CallMethod(coroutine, "close", NULL);
        PyErr_Clear();
        Py_XDECREF(closed);
        PyErr_SetNone(PyExc_GeneratorExit);
        source_go_on(&self->console.run, 1);
        PyErr_Clear();
    }
    Py_XDECREF(coroutine);
}

static void
ahook_close_console(Ahook *self)
{
    if (self->reader.runs && self->pid == getpid()) { /* a forked child has no reader */
        turn_set_reading(false);
        reader_stop(&self->reader);
        if (console_say(&self->console, "the task was cancelled: the program goes on") < 0) {
            PyErr_Clear();
        }
    }
    ahook_drop_coroutine(self);
    console_close(&self->console);
    self->is_open = false;
    if (hook_log(self->call.frame, self->logger, HOOK_RETURNS, &self->call.complaint) < 0) {
        PyErr_WriteUnraisable(NULL);
    }
    else if (self->call.complaint != NULL) {
        PySys_FormatStderr("%U\n", self->call.complaint);
    }
}

/* It is over, however it has come to that. Keeps the exception. */
static void
ahook_end(Ahook *self)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    ahook_wait_no_more(self);
    if (self->is_open) {
        ahook_close_console(self);
    }
    ahook_watch_no_more(self);
    turn_forget(&self->waiter);
    if (self->has_turn) {
        turn_give();
        self->has_turn = false;
    }
    hook_release(&self->call);
    Py_CLEAR(self->task);
    Py_CLEAR(self->loop);
    self->phase = AHOOK_OVER;
    PyErr_Restore(type, value, traceback);
}

/* ---- reading ---- */

/* Start to read an input. -1 with an exception. */
static int
ahook_read(Ahook *self)
{
    self->future = PyObject_CallMethod(self->loop, "create_future", NULL);
    self->waited = self->future == NULL ? NULL : PyObject_CallMethod(self->future, "__await__", NULL);
    int ret = self->waited == NULL || input_begin(&self->console) < 0 ? -1 : 0;
    if (ret == 0) {
        turn_set_reading(true);
        ret = reader_start(&self->reader, &self->console, self->pipe[1]);
    }
    if (ret < 0) {
        turn_set_reading(false);
        ahook_wait_no_more(self);
    }
    self->phase = AHOOK_READS;
    return ret;
}

/* Deal with what was read. -1 with the exception that the program is to see. */
static int
ahook_take(Ahook *self)
{
    PyObject *text;
    TermStatus status = reader_take(&self->reader, &text);
    turn_set_reading(false);
    status = talk_end(&self->console.talk, status, &text);
    int ret = console_take(&self->console, status, text);
    Py_XDECREF(text);
    return ret;
}

/* ---- awaiting ---- */

/* Is the exception that is set one that the program is to see: of the task that is cancelled, not by Ctrl-C, or of
 * close()? */
static bool
ahook_is_programs(Ahook *self, bool closing)
{
    if (closing && PyErr_ExceptionMatches(PyExc_GeneratorExit)) {
        return true;
    }
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *exceptions = compat_import("asyncio.exceptions");
    PyObject *cancelled = exceptions == NULL ? NULL : PyObject_GetAttrString(exceptions, "CancelledError");
    bool is = cancelled != NULL && PyErr_GivenExceptionMatches(type, cancelled)
              && task_cancelling(self->task) > self->cancelling;
    PyErr_Clear();
    Py_XDECREF(cancelled);
    Py_XDECREF(exceptions);
    PyErr_Restore(type, value, traceback);
    return is;
}

/* The coroutine, and with it the input, has ended; `failed`: the exception is set. -1 with the exception that the
 * program is to see. */
static int
ahook_finish(Ahook *self, bool failed, bool closing)
{
    bool interrupted = self->cancels > 0;
    for (; self->cancels > 0; self->cancels--) {
        task_uncancel(self->task);
    }
    if (failed && ahook_is_programs(self, closing)) {
        return -1;
    }
    if (interrupted) { /* whatever the coroutine has made of being cancelled */
        PyErr_Clear();
        PyErr_SetNone(PyExc_KeyboardInterrupt);
    }
    return console_finish(&self->console, failed || interrupted);
}

/* A step of the coroutine, as ahook_step(). PYGEN_RETURN: the input is dealt with. */
static PySendResult
ahook_await(Ahook *self, PyObject *sent, PyObject **yielded)
{
    bool closing = sent == NULL && PyErr_ExceptionMatches(PyExc_GeneratorExit);
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (talk_enter(&self->console.talk) < 0) { /* no descriptor or thread is left: it is told so */
        sent = NULL;
    }
    if (type != NULL) {
        PyErr_Restore(type, value, traceback);
    }
    PySendResult how = console_step(&self->console, sent, yielded);
    if (how == PYGEN_NEXT) {
        talk_pass(&self->console.talk, self->pipe[1]); /* the loop goes on */
    }
    else if (ahook_finish(self, how == PYGEN_ERROR, closing) < 0) {
        how = PYGEN_ERROR;
    }
    else {
        how = PYGEN_RETURN;
    }
    return how;
}

/* ---- stepping ---- */

/* What comes next, once nothing is waited for. PYGEN_NEXT: to be waited for with the next step; PYGEN_RETURN: it is
 * over. */
static PySendResult
ahook_proceed(Ahook *self)
{
    if (self->phase == AHOOK_QUEUES) {
        int has = ahook_take_turn(self);
        if (has == 0) {
            return PYGEN_NEXT;
        }
        int opened = has < 0 ? -1 : ahook_open(self);
        if (opened <= 0) {
            return opened < 0 ? PYGEN_ERROR : PYGEN_RETURN;
        }
    }
    else if (self->phase == AHOOK_READS && ahook_take(self) < 0) {
        return PYGEN_ERROR;
    }
    if (self->console.left) {
        return PYGEN_RETURN;
    }
    if (self->console.run.coroutine != NULL) {
        self->phase = AHOOK_AWAITS;
        self->cancelling = task_cancelling(self->task);
        return PYGEN_NEXT;
    }
    return ahook_read(self) < 0 ? PYGEN_ERROR : PYGEN_NEXT;
}

/* The first step: may it open here? */
static PySendResult
ahook_begin(Ahook *self)
{
    if (task_find(&self->loop, &self->task) < 0) {
        return PYGEN_ERROR;
    }
    static const char no_loop[] = "not opened: no event loop of asyncio's runs here; use hook(), which needs none";
    const char *why = self->loop == NULL  ? no_loop
                      : turn_is_reading() ? NULL /* that is waited for */
                                          : entry_obstacle(self->state);
    if (why != NULL) {
        log_warn(self->call.frame, self->logger, "ahook()", why);
        return PYGEN_RETURN;
    }
    self->phase = AHOOK_QUEUES;
    return ahook_proceed(self);
}

/* One step of the task, as PyIter_Send(); `sent` is NULL to throw the exception that is set. */
static PySendResult
ahook_go(Ahook *self, PyObject *sent, PyObject **yielded)
{
    PySendResult how = PYGEN_NEXT;
    if (self->phase == AHOOK_NEW) {
        how = sent == NULL ? PYGEN_ERROR : ahook_begin(self);
        sent = Py_None;
    }
    while (how == PYGEN_NEXT) {
        how = self->phase == AHOOK_AWAITS ? ahook_await(self, sent, yielded) : ahook_wait(self, sent, yielded);
        if (how == PYGEN_NEXT) {
            return how;
        }
        if (how == PYGEN_RETURN) {
            how = ahook_proceed(self);
            sent = Py_None;
        }
    }
    ahook_end(self);
    *yielded = how == PYGEN_RETURN ? Py_NewRef(Py_None) : NULL;
    return how;
}

static PySendResult
ahook_step(Ahook *self, PyObject *sent, PyObject **yielded)
{
    *yielded = NULL;
    if (self->phase == AHOOK_IDLE) {
        *yielded = sent == NULL ? NULL : Py_NewRef(Py_None);
        return sent == NULL ? PYGEN_ERROR : PYGEN_RETURN;
    }
    if (self->phase == AHOOK_OVER || self->is_stepping) {
        if (sent != NULL) {
            PyErr_SetString(PyExc_RuntimeError, self->is_stepping ? "this ahook() is being awaited at this moment"
                                                                  : "this ahook() was awaited before");
        }
        return PYGEN_ERROR;
    }
    self->is_stepping = true;
    PySendResult how = ahook_go(self, sent, yielded);
    self->is_stepping = false;
    return how;
}

/* ---- the type ---- */

static PySendResult
ahook_am_send(PyObject *self, PyObject *value, PyObject **result)
{
    return ahook_step((Ahook *)self, value, result);
}

static PyObject *
ahook_iternext(PyObject *self)
{
    PyObject *result;
    if (ahook_step((Ahook *)self, Py_None, &result) == PYGEN_RETURN) {
        Py_CLEAR(result); /* None: no exception need be set */
    }
    return result;
}

static PyObject *
ahook_result(PySendResult how, PyObject *result)
{
    if (how == PYGEN_RETURN) {
        Py_CLEAR(result);
        PyErr_SetNone(PyExc_StopIteration);
    }
    return result;
}

static PyObject *
ahook_send(PyObject *self, PyObject *value)
{
    PyObject *result;
    PySendResult how = ahook_step((Ahook *)self, value, &result);
    return ahook_result(how, result);
}

static PyObject *
ahook_throw(PyObject *self, PyObject *args)
{
    PyObject *type, *value = NULL, *traceback = NULL, *result;
    if (!PyArg_ParseTuple(args, "O|OO:throw", &type, &value, &traceback)) {
        return NULL;
    }
    if (PyExceptionInstance_Check(type)) {
        PyErr_SetObject((PyObject *)Py_TYPE(type), type);
    }
    else if (PyExceptionClass_Check(type)) {
        PyErr_SetObject(type, value == Py_None ? NULL : value);
    }
    else {
        return PyErr_Format(PyExc_TypeError, "throw() needs an exception, not %R", type);
    }
    PySendResult how = ahook_step((Ahook *)self, NULL, &result);
    return ahook_result(how, result);
}

static PyObject *
ahook_close(PyObject *object, PyObject *Py_UNUSED(none))
{
    Ahook *self = (Ahook *)object;
    PyObject *result;
    if (self->phase == AHOOK_IDLE || self->phase == AHOOK_OVER) {
        return Py_NewRef(Py_None);
    }
    PyErr_SetNone(PyExc_GeneratorExit);
    PySendResult how = ahook_step(self, NULL, &result);
    if (how == PYGEN_NEXT) {
        PyErr_SetString(PyExc_RuntimeError, "what is awaited at the prompt has ignored GeneratorExit");
    }
    else if (how == PYGEN_RETURN || PyErr_ExceptionMatches(PyExc_GeneratorExit)) {
        PyErr_Clear();
    }
    Py_XDECREF(result);
    return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
}

static PyObject *
ahook_self(PyObject *self)
{
    return Py_NewRef(self);
}

#define AHOOK_REFERENCES(X)                                                                                      \
    X(call.frame) X(call.complaint) X(place) X(banner) X(logger) X(loop) X(task) X(future) X(waited)

static int
ahook_traverse(PyObject *object, visitproc visit, void *arg)
{
    Ahook *self = (Ahook *)object;
    Py_VISIT(Py_TYPE(object));
#define VISIT(field) Py_VISIT(self->field);
    AHOOK_REFERENCES(VISIT)
#undef VISIT
    return self->is_open ? console_visit(&self->console, visit, arg) : 0;
}

static void
ahook_dealloc(PyObject *object)
{
    Ahook *self = (Ahook *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    if (self->phase == AHOOK_NEW) {
        PyObject *error_type, *value, *traceback;
        PyErr_Fetch(&error_type, &value, &traceback);
        if (PyErr_WarnFormat(PyExc_RuntimeWarning, 1, "ahook() at %U was never awaited", self->place) < 0) {
            PyErr_WriteUnraisable(NULL);
        }
        PyErr_Restore(error_type, value, traceback);
    }
    if (self->phase != AHOOK_IDLE && self->phase != AHOOK_OVER) {
        ahook_end(self);
    }
#define CLEAR(field) Py_CLEAR(self->field);
    AHOOK_REFERENCES(CLEAR)
#undef CLEAR
    if (!self->reader.abandoned) { /* else its thread has still to find that out */
        freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
        release(object);
    }
    Py_DECREF(type);
}

static PyObject *
ahook_name(PyObject *Py_UNUSED(self), void *Py_UNUSED(closure))
{
    return PyUnicode_FromString("ahook");
}

static PyGetSetDef ahook_attributes[] = {
    {"__name__", ahook_name, NULL, "\"ahook\", for those who show tasks.", NULL},
    {"__qualname__", ahook_name, NULL, "The same.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMethodDef ahook_object_methods[] = {
    {"send", ahook_send, METH_O, "As a coroutine's."},
    {"throw", ahook_throw, METH_VARARGS, "As a coroutine's."},
    {"close", ahook_close, METH_NOARGS, "As a coroutine's."},
    {NULL, NULL, 0, NULL},
};

static char ahook_type_doc[] = "What ahook() returns: to be awaited, or given to asyncio.create_task().";

#define SLOT(function) ((void *)(function))
static PyType_Slot ahook_slots[] = {
    {Py_tp_doc, ahook_type_doc},
    {Py_tp_dealloc, SLOT(ahook_dealloc)},
    {Py_tp_traverse, SLOT(ahook_traverse)},
    {Py_tp_iter, SLOT(ahook_self)},
    {Py_tp_iternext, SLOT(ahook_iternext)},
    {Py_tp_methods, ahook_object_methods},
    {Py_tp_getset, ahook_attributes},
    {Py_am_await, SLOT(ahook_self)},
    {Py_am_send, SLOT(ahook_am_send)},
    {0, NULL},
};

static PyType_Spec ahook_spec = {
    .name = "hooking._core.Ahook",
    .basicsize = sizeof(Ahook),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = ahook_slots,
};

static Ahook *
ahook_make(ModuleState *state, AhookPhase phase)
{
    allocfunc alloc = (allocfunc)PyType_GetSlot(state->ahook_type, Py_tp_alloc);
    Ahook *self = (Ahook *)alloc(state->ahook_type, 0);
    if (self != NULL) {
        self->state = state;
        self->phase = phase;
    }
    return self;
}

int
ahook_init(PyObject *module, ModuleState *state)
{
    state->ahook_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &ahook_spec, NULL);
    if (state->ahook_type == NULL) {
        return -1;
    }
    state->ahook_idle = (PyObject *)ahook_make(state, AHOOK_IDLE);
    return state->ahook_idle == NULL ? -1 : 0;
}

/* ---- the function ---- */

/* What is to be awaited for a call that is to open. */
static PyObject *
ahook_new(ModuleState *state, const HookOptions *options, HookCall *call)
{
    PyObject *logger = options->given[HOOK_LOGGER];
    Ahook *self = ahook_make(state, AHOOK_OVER);
    if (self == NULL) {
        return NULL;
    }
    PyObject *file = frame_filename(call->frame);
    self->place = file == NULL ? NULL : PyUnicode_FromFormat("%U:%d", file, frame_line(call->frame));
    self->banner = self->place == NULL ? NULL : hook_banner(call->frame, options->given[HOOK_BANNER]);
    self->logger = logger == NULL ? PyUnicode_FromString("root") : Py_NewRef(logger);
    self->overwrite = options->overwrite;
    self->once = options->once;
    Py_XDECREF(file);
    if (self->banner == NULL || self->logger == NULL) {
        Py_DECREF(self);
        return NULL;
    }
    self->call = *call;
    *call = (HookCall){0};
    self->phase = AHOOK_NEW;
    return (PyObject *)self;
}

static PyObject *
ahook_ahook(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *keywords)
{
    ModuleState *state = state_of_module(module);
    HookOptions options = {.what = "ahook", .parameters = HOOK_ISOLATE};
    HookCall call;
    if (state->disabled) {
        return Py_NewRef(state->ahook_idle);
    }
    if (hook_collect(state, args, count, keywords, &options) < 0) {
        return NULL;
    }
    int opens = hook_admit(state, &options, &call);
    PyObject *result = opens > 0 ? ahook_new(state, &options, &call) : opens == 0 ? Py_NewRef(state->ahook_idle) : NULL;
    hook_release(&call);
    return result;
}

PyDoc_STRVAR(ahook_doc,
"ahook(banner_msg=None, overwrite_locals=False, logger='root', *, when=True, once=False, after=0, keep=())\n"
"--\n\n"
"Open a console in the coroutine that awaits it, while asyncio's event loop goes on: `await ahook()`.\n\n"
"The parameters are those of hook(). The prompt reads in a thread of its own; what is typed is run in the loop's\n"
"thread, as a part of the task. `await` at the prompt is an await in the task. Ctrl-C there cancels only that.\n"
"If the task is cancelled, the console closes. Several tasks at an ahook() take turns. Without a running event\n"
"loop of asyncio's a warning is logged and nothing is opened.\n\n"
"Returns an awaitable, whose result is None. Raises TypeError or ValueError for arguments of a wrong type or value\n"
"and what `when` raises; awaiting it raises what the user raises on purpose with `throw` or `abort`, and\n"
"asyncio.CancelledError.");

#define METHOD(function) ((PyCFunction)(void (*)(void))(function))
PyMethodDef ahook_methods[] = {
    {"ahook", METHOD(ahook_ahook), METH_FASTCALL | METH_KEYWORDS, ahook_doc},
    {NULL, NULL, 0, NULL},
};
