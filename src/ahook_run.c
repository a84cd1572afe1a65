/* The course of an ahook(), see ahook_run.h.
 *
 * The event loop comes here for each step of the task. Between two of them either a reader (see reader.h) is at the
 * prompt, and a future waits for it, or a coroutine that was typed there waits for something, and that is handed on to
 * the task: so it is the task that awaits it.
 *
 * What wakes the loop is a pipe that it watches. The reader writes to it when it is done. So does Ctrl-C while a
 * coroutine waits (during a step it is as in hook()), and the task is asked to cancel itself, as asyncio.timeout() does
 * it; what comes of it is told as KeyboardInterrupt.
 */
#include "ahook_run.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "entry.h"
#include "input.h"
#include "log.h"
#include "task.h"

/* ---- waiting ---- */

/* Let go of what it was waiting for. */
static void
run_wait_no_more(Ahook *self)
{
    Py_CLEAR(self->waited);
    Py_CLEAR(self->future);
}

/* Wait on: as a coroutine in `await`. `sent`: NULL to throw the exception that is set. */
static PySendResult
run_wait(Ahook *self, PyObject *sent, PyObject **yielded)
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
        run_wait_no_more(self);
    }
    Py_DECREF(waited);
    return how;
}

/* ---- the turn ---- */

/* 1: has it; 0: is to wait a moment; -1 */
static int
run_take_turn(Ahook *self)
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
run_wake(Ahook *self)
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
run_on_pipe(PyObject *object, PyObject *Py_UNUSED(none))
{
    Ahook *self = (Ahook *)object;
    char bytes[64];
    ssize_t count = self->is_watched ? read(self->pipe[0], bytes, sizeof bytes) : 0;
    bool is_done = count > 0 && memchr(bytes, *READER_DONE, (size_t)count) != NULL;
    if (is_done && run_wake(self) < 0) {
        return NULL;
    }
    if (count > 0 && !is_done && self->phase == AHOOK_AWAITS && self->task != NULL) { /* Ctrl-C */
        self->cancels++;
        task_cancel(self->task);
    }
    return Py_NewRef(Py_None);
}

static PyMethodDef pipe_method = {"on_pipe", run_on_pipe, METH_NOARGS, NULL};

static void
run_watch_no_more(Ahook *self)
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
run_watch(Ahook *self, const char **why)
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
run_name_prompt(Ahook *self)
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
run_open_console(Ahook *self, const char **why)
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
        run_name_prompt(self);
        Py_CLEAR(self->call.complaint);
    }
    return ret;
}

/* Open the console, if that can be. 1, 0, or -1 with an exception. */
static int
run_open(Ahook *self)
{
    const char *why = NULL;
    int ret = hook_begin(self->state, &self->call, self->once);
    if (ret <= 0) {
        return ret;
    }
    if (hook_log(self->call.frame, self->logger, HOOK_ENTERS, &self->call.complaint) < 0) {
        return -1;
    }
    ret = run_watch(self, &why);
    if (ret > 0) {
        ret = run_open_console(self, &why);
    }
    if (ret == 0) {
        log_warn(self->call.frame, self->logger, "ahook()", why);
    }
    return ret;
}

/* A coroutine that was typed and will not be awaited to its end. */
static void
run_drop_coroutine(Ahook *self)
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
run_close_console(Ahook *self)
{
    if (self->reader.runs && self->pid == getpid()) { /* a forked child has no reader */
        turn_set_reading(false);
        reader_stop(&self->reader);
        if (console_say(&self->console, "the task was cancelled: the program goes on") < 0) {
            PyErr_Clear();
        }
    }
    run_drop_coroutine(self);
    console_close(&self->console);
    self->is_open = false;
    if (hook_log(self->call.frame, self->logger, HOOK_RETURNS, &self->call.complaint) < 0) {
        PyErr_WriteUnraisable(NULL);
    }
    else if (self->call.complaint != NULL) {
        PySys_FormatStderr("%U\n", self->call.complaint);
    }
}

void
ahook_run_end(Ahook *self)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    run_wait_no_more(self);
    if (self->is_open) {
        run_close_console(self);
    }
    run_watch_no_more(self);
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
run_read(Ahook *self)
{
    /* First, so that a Ctrl-C is not raised in what follows, which is Python code: from here it goes to the program. */
    int ret = input_begin(&self->console);
    if (ret == 0) {
        self->future = PyObject_CallMethod(self->loop, "create_future", NULL);
        self->waited = self->future == NULL ? NULL : PyObject_CallMethod(self->future, "__await__", NULL);
        ret = self->waited == NULL ? -1 : 0;
    }
    if (ret == 0) {
        turn_set_reading(true);
        ret = reader_start(&self->reader, &self->console, self->pipe[1]);
    }
    if (ret < 0) {
        turn_set_reading(false);
        run_wait_no_more(self);
    }
    self->phase = AHOOK_READS;
    return ret;
}

/* Deal with what was read. -1 with the exception that the program is to see. */
static int
run_take(Ahook *self)
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
run_is_programs(Ahook *self, bool closing)
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
run_finish(Ahook *self, bool failed, bool closing)
{
    bool interrupted = self->cancels > 0;
    for (; self->cancels > 0; self->cancels--) {
        task_uncancel(self->task);
    }
    if (failed && run_is_programs(self, closing)) {
        return -1;
    }
    if (interrupted) { /* whatever the coroutine has made of being cancelled */
        PyErr_Clear();
        PyErr_SetNone(PyExc_KeyboardInterrupt);
    }
    return console_finish(&self->console, failed || interrupted);
}

/* A step of the coroutine, as ahook_run_step(). PYGEN_RETURN: the input is dealt with. */
static PySendResult
run_await(Ahook *self, PyObject *sent, PyObject **yielded)
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
    else if (run_finish(self, how == PYGEN_ERROR, closing) < 0) {
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
run_proceed(Ahook *self)
{
    if (self->phase == AHOOK_QUEUES) {
        int has = run_take_turn(self);
        if (has == 0) {
            return PYGEN_NEXT;
        }
        int opened = has < 0 ? -1 : run_open(self);
        if (opened <= 0) {
            return opened < 0 ? PYGEN_ERROR : PYGEN_RETURN;
        }
    }
    else if (self->phase == AHOOK_READS && run_take(self) < 0) {
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
    return run_read(self) < 0 ? PYGEN_ERROR : PYGEN_NEXT;
}

/* The first step: may it open here? */
static PySendResult
run_begin(Ahook *self)
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
    return run_proceed(self);
}

/* As ahook_run_step(), of one that is not over and not being stepped. */
static PySendResult
run_go(Ahook *self, PyObject *sent, PyObject **yielded)
{
    PySendResult how = PYGEN_NEXT;
    if (self->phase == AHOOK_NEW) {
        how = sent == NULL ? PYGEN_ERROR : run_begin(self);
        sent = Py_None;
    }
    while (how == PYGEN_NEXT) {
        how = self->phase == AHOOK_AWAITS ? run_await(self, sent, yielded) : run_wait(self, sent, yielded);
        if (how == PYGEN_NEXT) {
            return how;
        }
        if (how == PYGEN_RETURN) {
            how = run_proceed(self);
            sent = Py_None;
        }
    }
    ahook_run_end(self);
    *yielded = how == PYGEN_RETURN ? Py_NewRef(Py_None) : NULL;
    return how;
}

PySendResult
ahook_run_step(Ahook *self, PyObject *sent, PyObject **yielded)
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
    PySendResult how = run_go(self, sent, yielded);
    self->is_stepping = false;
    return how;
}
