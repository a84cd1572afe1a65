/* Commands that end the console or say when it opens again: continue, off, after, when, throw, abort. */
#include "command.h"

#include "cmd_go.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compat.h"
#include "compile.h"
#include "hook.h"
#include "isolate.h"
#include "term_signals.h"

static int
continue_run(Console *console, const char *rest)
{
    if (command_no_argument(&cmd_continue, rest) < 0) {
        return -1;
    }
    console->left = 1;
    return 0;
}

const Command cmd_continue = {
    .name = "continue", .alias = "c exit quit", .usage = "", .family = "go on",
    .summary = "go on with the program, as Ctrl-D does",
    .detail = "",
    .run = continue_run,
};

/* The call site, which `off`, `after` and `when` are about. NULL with an exception. */
static CallSite *
go_site(Console *console)
{
    if (console->ways != WAYS_HOOK) {
        PyErr_Format(PyExc_ValueError, "that is about a call of hook(): here %s has opened the console",
                     console->ways == WAYS_SIGNAL  ? "a signal"
                     : console->ways == WAYS_WATCH ? "a watchpoint (`unwatch`)"
                                                   : "an exception");
        return NULL;
    }
    return hook_site_of(console->state, console->caller);
}

static int
off_run(Console *console, const char *rest)
{
    CallSite *site = command_no_argument(&cmd_off, rest) < 0 ? NULL : go_site(console);
    if (site == NULL) {
        return -1;
    }
    site->off = true;
    return console_say(console, "this hook() opens no more");
}

const Command cmd_off = {
    .name = "off", .alias = "", .usage = "", .family = "go on",
    .summary = "let this hook() open no more consoles",
    .detail = "Other places that call hook() are not concerned.",
    .run = off_run,
};

static int
after_run(Console *console, const char *rest)
{
    long count;
    if (!words_number(rest, &count) || count < 0) {
        return command_usage(&cmd_after);
    }
    CallSite *site = go_site(console);
    if (site == NULL) {
        return -1;
    }
    site->skip = count;
    return console_say(console, "this hook() lets %ld call%s pass", count, count == 1 ? "" : "s");
}

const Command cmd_after = {
    .name = "after", .alias = "", .usage = "N", .family = "go on",
    .summary = "let this hook() pass N times before it opens",
    .detail = "",
    .run = after_run,
};

/* The condition as it is kept at the call site: a new tuple (text, code). The code is None where a plain eval() in the
 * frame would not do: functions and comprehensions in it need the prompt's scoping, `:=` would bind in the frame. */
PyObject *
go_condition(const char *text)
{
    PyObject *code = Py_CompileString(text, "<hook: when>", Py_eval_input);
    if (code != NULL && (compile_has_inner_code(code) || strstr(text, ":=") != NULL)) {
        Py_SETREF(code, Py_NewRef(Py_None));
    }
    PyObject *condition = code == NULL ? NULL : Py_BuildValue("(sO)", text, code);
    Py_XDECREF(code);
    return condition;
}

static int
when_run(Console *console, const char *rest)
{
    CallSite *site = go_site(console);
    if (site == NULL) {
        return -1;
    }
    if (*rest == '\0') {
        PyObject *condition = site->condition;
        return condition == NULL ? console_say(console, "no condition")
                                 : console_say(console, "when %U", PyTuple_GetItem(condition, 0));
    }
    PyObject *condition = go_condition(rest);
    if (condition == NULL) {
        return -1;
    }
    PyObject *old = site->condition;
    site->condition = condition;
    Py_XDECREF(old);
    return console_say(console, "this hook() opens when %s", rest);
}

const Command cmd_when = {
    .name = "when", .alias = "", .usage = "[EXPR]", .family = "go on",
    .summary = "let this hook() open only when EXPR holds",
    .detail = "It is evaluated in the caller's frame at each call; `when True` takes it back.",
    .takes = TAKES_EXPRESSION,
    .run = when_run,
};

static int
throw_run(Console *console, const char *rest)
{
    if (*rest == '\0') {
        return command_usage(&cmd_throw);
    }
    if (console->ways == WAYS_TEST) {
        PyErr_SetString(PyExc_ValueError, "the test has failed, nobody is left to catch it (`abort` ends the tests)");
        return -1;
    }
    if (console->ways == WAYS_END) {
        PyErr_SetString(PyExc_ValueError, "nobody is left to catch it: the program ends (`abort CODE` with a status)");
        return -1;
    }
    PyObject *exception = console_eval(console, rest);
    if (exception == NULL) {
        return -1;
    }
    if (PyExceptionClass_Check(exception)) {
        PyErr_SetNone(exception);
    }
    else if (PyExceptionInstance_Check(exception)) {
        PyErr_SetObject(PyExceptionInstance_Class(exception), exception);
    }
    else {
        PyObject *repr = PyObject_Repr(exception); /* not %R: Ctrl-C in it is to be told */
        if (repr != NULL) {
            PyErr_Format(PyExc_TypeError, "throw needs an exception, not %U", repr);
        }
        Py_XDECREF(repr);
        Py_DECREF(exception);
        return -1;
    }
    Py_DECREF(exception);
    if (isolate_holds(console) && isolate_check_exception() < 0) {
        return -1;
    }
    console->left = console->raises = 1;
    return 0;
}

const Command cmd_throw = {
    .name = "throw", .alias = "", .usage = "EXPR", .family = "go on",
    .summary = "go on by raising an exception",
    .detail = "From hook(), or instead of the one that has opened the console. EXPR is an exception or its\n"
              "class: throw ValueError(\"no\")",
    .takes = TAKES_EXPRESSION,
    .run = throw_run,
};

/* What the main thread was doing when it was told. */
typedef struct AbortWatch {
    int status;
    unsigned long main_thread;
    PyObject *frame; /* owned */
    int lasti;
} AbortWatch;

/* The frame that a thread executes: a new reference or NULL, no exception. */
static PyObject *
abort_frame_of(unsigned long thread)
{
    PyObject *function = PySys_GetObject("_current_frames");
    PyObject *frames = function == NULL ? NULL : PyObject_CallNoArgs(function);
    PyObject *key = PyLong_FromUnsignedLong(thread);
    PyObject *frame = frames == NULL || key == NULL ? NULL : Py_XNewRef(PyDict_GetItemWithError(frames, key));
    PyErr_Clear();
    Py_XDECREF(key);
    Py_XDECREF(frames);
    return frame;
}

/* End the program without the main thread if that stands where it stood: it waits in C code, and has not heard. Once
 * the interpreter is being finalised, PyGILState_Ensure() does not return. */
static void *
abort_watch(void *argument)
{
    enum { PATIENCE = 2 }; /* seconds */
    static const char *const streams[] = {"stdout", "stderr"};
    AbortWatch *watch = argument;
    sleep(PATIENCE);
    PyGILState_STATE gil = PyGILState_Ensure();
    PyObject *frame = abort_frame_of(watch->main_thread);
    if (frame != NULL && frame == watch->frame && compat_frame_lasti(frame) == watch->lasti) {
        for (int i = 0; i < 2; i++) {
            PyObject *stream = PySys_GetObject(streams[i]);
            PyObject *none = stream == NULL || stream == Py_None ? NULL : PyObject_CallMethod(stream, "flush", NULL);
            Py_XDECREF(none);
            PyErr_Clear();
        }
        term_signals_leave_for_good();
        _exit(watch->status);
    }
    Py_XDECREF(frame);
    Py_XDECREF(watch->frame);
    PyGILState_Release(gil);
    free(watch);
    return NULL;
}

/* In another thread SystemExit would end only that one: the main thread is told, too. */
void
go_abort_main_thread(PyObject *code)
{
    PyObject *threading = compat_import("threading");
    PyObject *main_thread = threading == NULL ? NULL : PyObject_CallMethod(threading, "main_thread", NULL);
    PyObject *ident = main_thread == NULL ? NULL : PyObject_GetAttrString(main_thread, "ident");
    /* An exception class is raised without arguments, so the status goes into a class of its own. */
    PyObject *type = PyObject_CallFunction((PyObject *)&PyType_Type, "s(O){s:O}", "SystemExit", PyExc_SystemExit,
                                           "code", code);
    AbortWatch *watch = calloc(1, sizeof *watch);
    if (ident != NULL && type != NULL && watch != NULL) {
        watch->status = (int)PyLong_AsLong(code);
        watch->main_thread = PyLong_AsUnsignedLong(ident);
        watch->frame = abort_frame_of(watch->main_thread);
        watch->lasti = watch->frame == NULL ? -1 : compat_frame_lasti(watch->frame);
        PyThreadState_SetAsyncExc(watch->main_thread, type);
    }
    PyErr_Clear();
    Py_XDECREF(type);
    Py_XDECREF(ident);
    Py_XDECREF(main_thread);
    Py_XDECREF(threading);
    pthread_t watcher;
    if (watch != NULL && pthread_create(&watcher, NULL, abort_watch, watch) == 0) {
        pthread_detach(watcher);
    }
}

static int
abort_run(Console *console, const char *rest)
{
    long status = 1;
    if (*rest != '\0' && !words_number(rest, &status)) {
        return command_usage(&cmd_abort);
    }
    PyObject *code = PyLong_FromLong(status);
    if (code == NULL) {
        return -1;
    }
    if (!console->talk.is_main) {
        go_abort_main_thread(code);
    }
    PyErr_SetObject(PyExc_SystemExit, code);
    Py_DECREF(code);
    console->state->aborting = 1;
    console->state->abort_status = (int)status;
    console->left = console->raises = 1;
    return 0;
}

const Command cmd_abort = {
    .name = "abort", .alias = "", .usage = "[CODE]", .family = "go on",
    .summary = "end the program with that exit status",
    .detail = "The status is 1 unless given. It is SystemExit, so clean-up code runs; if the program\n"
              "catches it, the next hook() ends the program for certain.",
    .run = abort_run,
};
