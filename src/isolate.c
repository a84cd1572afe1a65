/* hook(isolate=True), see isolate.h. */
#include "isolate.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "cmd_go.h"
#include "fork.h"
#include "hook.h"
#include "input.h"
#include "loop.h"
#include "others.h"
#include "relay.h"
#include "release.h"
#include "script.h"
#include "turn.h"

enum { REASON = 1024, CHILDREN = 128 };

/* Of this process; what the program forks is in none. */
static struct {
    int level;
    char children[CHILDREN]; /* those that the process had which was copied */
    char reason[REASON]; /* what *why points to */
} self;

int
isolate_level(void)
{
    return relay_up() == NULL ? 0 : self.level;
}

bool
isolate_holds(const Console *console)
{
    return console->isolation > 0 && isolate_level() >= console->isolation;
}

/* In the copy: the event loop that the program runs, if it does, is shared with the process that waits. Here there is
 * none until it is clear that that one makes no more use of it. */
static void
isolate_set_loop_aside(ModuleState *state, PyObject *noted)
{
    if (state->loops == NULL) {
        state->loops = PyList_New(0);
    }
    if (state->loops == NULL || PyList_Append(state->loops, noted) < 0) {
        PyErr_Clear();
    }
    loop_leave();
}

/* Keeps the exception that is set. */
static void
isolate_resume_loop(ModuleState *state)
{
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    Py_ssize_t count = state->loops == NULL ? 0 : PyList_Size(state->loops);
    PyObject *noted = count == 0 ? NULL : Py_NewRef(PyList_GetItem(state->loops, count - 1));
    if (noted != NULL) {
        loop_resume(noted);
        PyList_SetSlice(state->loops, count - 1, count, NULL);
        Py_DECREF(noted);
    }
    PyErr_Clear();
    PyErr_Restore(type, error, traceback);
}

int
isolate_commit(const ForkAsk *ask)
{
    if (ask != NULL && fork_check_children(ask, self.children) < 0) {
        return -1;
    }
    self.level--;
    relay_commit();
    return 0;
}

/* ---- what the copy says when it ends ---- */

typedef enum IsolateWay {
    WAY_ON,
    WAY_RAISE,
    WAY_ABORT,
} IsolateWay;

/* In the data of the page, with three texts behind it. Both processes have the same code at the same place, so a
 * pointer to a literal means the same in both. */
typedef struct IsolateEnd {
    IsolateWay way;
    int status;        /* with WAY_ABORT */
    const char *why;   /* the console could not be opened */
    int off;           /* of the call site, see callsite.h */
    long skip;
    size_t condition;  /* bytes of its text; 0 for none */
    size_t pickled;    /* bytes of the exception */
    size_t described;  /* bytes of what it is, should it not be unpickled there */
} IsolateEnd;

static const char *
isolate_texts(const RelayPage *page)
{
    return page->data + sizeof(IsolateEnd);
}

/* The number of bytes added; 0 if there is no room, or nothing to add. */
static size_t
isolate_add(RelayPage *page, const char *bytes, Py_ssize_t size)
{
    if (bytes == NULL || size < 0 || (size_t)size > RELAY_ROOM - page->size) {
        PyErr_Clear();
        return 0;
    }
    memcpy(page->data + page->size, bytes, (size_t)size);
    page->size += (size_t)size;
    return (size_t)size;
}

/* pickle.FUNCTION(argument): a new reference. */
static PyObject *
isolate_pickle(const char *function, PyObject *argument)
{
    PyObject *pickle = compat_import("pickle");
    PyObject *result = pickle == NULL ? NULL : PyObject_CallMethod(pickle, function, "(O)", argument);
    Py_XDECREF(pickle);
    return result;
}

int
isolate_check_exception(void)
{
    PyObject *type, *exception, *traceback;
    PyErr_Fetch(&type, &exception, &traceback);
    PyErr_NormalizeException(&type, &exception, &traceback);
    PyObject *pickled = isolate_pickle("dumps", exception);
    PyObject *again = pickled == NULL ? NULL : isolate_pickle("loads", pickled);
    bool fits = pickled != NULL && PyBytes_Size(pickled) < RELAY_ROOM / 2;
    int ret = again != NULL && fits ? 0 : -1;
    if (ret == 0) {
        PyErr_Restore(type, exception, traceback);
        type = exception = traceback = NULL;
    }
    else if (again != NULL) {
        PyErr_SetString(PyExc_ValueError, "throw: the exception is too large to be taken out of the isolated process");
    }
    else if (PyErr_ExceptionMatches(PyExc_Exception)) {
        PyObject *kind, *error, *place;
        PyErr_Fetch(&kind, &error, &place);
        PyErr_NormalizeException(&kind, &error, &place);
        PyErr_Format(PyExc_ValueError, "throw: this exception cannot be taken out of the isolated process, as it "
                     "cannot be pickled: %S", error);
        Py_XDECREF(kind);
        Py_XDECREF(error);
        Py_XDECREF(place);
    }
    Py_XDECREF(again);
    Py_XDECREF(pickled);
    Py_XDECREF(type);
    Py_XDECREF(exception);
    Py_XDECREF(traceback);
    return ret;
}

/* The exception that is set, to be raised in the process that goes on. */
static void
isolate_write_exception(RelayPage *page, IsolateEnd *end)
{
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    PyErr_NormalizeException(&type, &error, &traceback);
    PyObject *pickled = error == NULL ? NULL : isolate_pickle("dumps", error);
    PyErr_Clear();
    if (pickled != NULL) {
        end->pickled = isolate_add(page, PyBytes_AsString(pickled), PyBytes_Size(pickled));
    }
    Py_ssize_t size = 0;
    PyObject *text = error == NULL ? NULL : PyObject_Repr(error);
    const char *described = text == NULL ? NULL : PyUnicode_AsUTF8AndSize(text, &size);
    end->described = isolate_add(page, described, size);
    PyErr_Clear();
    Py_XDECREF(text);
    Py_XDECREF(pickled);
    Py_XDECREF(type);
    Py_XDECREF(error);
    Py_XDECREF(traceback);
}

/* End the copy, with word of what is to be known of it. */
static void
isolate_leave(ModuleState *state, PyObject *frame, int failed, const char *why)
{
    RelayPage *page = relay_up();
    IsolateEnd end = {.why = why};
    if (page == NULL) { /* a child that was forked at the prompt: no more than the copy is it to go on */
        PyErr_Clear();
        fork_flush();
        _exit(0);
    }
    page->size = sizeof end;
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    CallSite *site = hook_site_of(state, frame);
    if (site != NULL) {
        Py_ssize_t size = 0;
        PyObject *condition = site->condition == NULL ? NULL : PyTuple_GetItem(site->condition, 0);
        const char *text = condition == NULL ? NULL : PyUnicode_AsUTF8AndSize(condition, &size);
        end.off = site->off;
        end.skip = site->skip;
        end.condition = isolate_add(page, text, size);
    }
    PyErr_Clear();
    PyErr_Restore(type, error, traceback);
    if (failed && state->aborting) {
        end.way = WAY_ABORT;
        end.status = state->abort_status;
    }
    else if (failed) {
        end.way = WAY_RAISE;
        isolate_write_exception(page, &end);
    }
    PyErr_Clear();
    memcpy(page->data, &end, sizeof end);
    page->inputs = script_count(state);
    fork_flush();
    relay_leave(RELAY_LEFT);
}

/* ---- in the process that goes on ---- */

static int
isolate_set_site(CallSite *site, const IsolateEnd *end, const char *text)
{
    site->off = end->off;
    site->skip = end->skip;
    PyObject *now = site->condition == NULL ? NULL : PyTuple_GetItem(site->condition, 0);
    PyObject *wanted = PyUnicode_FromStringAndSize(text, (Py_ssize_t)end->condition);
    int ret = wanted == NULL ? -1 : 0;
    if (ret == 0 && end->condition > 0 && (now == NULL || PyUnicode_Compare(now, wanted) != 0)) {
        PyObject *condition = go_condition(PyUnicode_AsUTF8AndSize(wanted, NULL));
        ret = condition == NULL ? -1 : 0;
        if (ret == 0) {
            PyObject *old = site->condition;
            site->condition = condition;
            Py_XDECREF(old);
        }
    }
    Py_XDECREF(wanted);
    return ret;
}

/* Raise what was raised in the copy. */
static void
isolate_raise(const IsolateEnd *end, const char *pickled)
{
    PyObject *bytes = PyBytes_FromStringAndSize(pickled, (Py_ssize_t)end->pickled);
    PyObject *error = bytes == NULL || end->pickled == 0 ? NULL : isolate_pickle("loads", bytes);
    PyObject *text = PyUnicode_DecodeUTF8(pickled + end->pickled, (Py_ssize_t)end->described, "replace");
    Py_XDECREF(bytes);
    if (error != NULL && PyExceptionInstance_Check(error)) {
        PyErr_SetObject(PyExceptionInstance_Class(error), error);
    }
    else if (text != NULL) {
        PyErr_Clear();
        PyErr_Format(PyExc_RuntimeError, "hook(isolate=True): at the prompt was raised %U, which this process does not "
                     "know", text);
    }
    Py_XDECREF(text);
    Py_XDECREF(error);
}

static int
isolate_abort(ModuleState *state, int status)
{
    PyObject *thread, *code = PyLong_FromLong(status);
    int is_main = turn_is_main_thread(&thread);
    Py_XDECREF(thread);
    if (code == NULL) {
        return -1;
    }
    if (!is_main) {
        go_abort_main_thread(code);
    }
    PyErr_SetObject(PyExc_SystemExit, code);
    Py_DECREF(code);
    state->aborting = 1;
    state->abort_status = status;
    return -1;
}

/* Do what the copy has left word of. 0, or -1 with the exception that the program is to see. */
static int
isolate_heed(ModuleState *state, PyObject *frame, const RelayPage *page, const char **why)
{
    IsolateEnd end;
    memcpy(&end, page->data, sizeof end);
    *why = end.why;
    script_keep(state, page->inputs);
    CallSite *site = hook_site_of(state, frame);
    if (site == NULL || isolate_set_site(site, &end, isolate_texts(page)) < 0) {
        return -1;
    }
    switch (end.way) {
    case WAY_ON:
        return 0;
    case WAY_RAISE:
        isolate_raise(&end, isolate_texts(page) + end.condition);
        return -1;
    case WAY_ABORT:
        break;
    }
    return isolate_abort(state, end.status);
}

/* ---- waiting ---- */

/* The terminal as it was before the copy had it. */
typedef struct IsolateTerminal {
    int fd; /* owned; -1 for none */
    struct termios modes;
} IsolateTerminal;

static void
isolate_note_terminal(IsolateTerminal *terminal)
{
    terminal->fd = isatty(STDIN_FILENO) ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                                        : open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (terminal->fd >= 0 && tcgetattr(terminal->fd, &terminal->modes) < 0) {
        close(terminal->fd);
        terminal->fd = -1;
    }
}

/* The copy has died, perhaps while it read a line. */
static void
isolate_restore_terminal(IsolateTerminal *terminal)
{
    static const char paste_off[] = "\033[?2004l\r\n";
    struct termios now;
    if (terminal->fd >= 0 && tcgetattr(terminal->fd, &now) == 0
        && memcmp(&now, &terminal->modes, sizeof now) != 0) {
        tcsetattr(terminal->fd, TCSANOW, &terminal->modes);
        if (write(terminal->fd, paste_off, sizeof paste_off - 1) < 0) {
            /* the terminal is gone */
        }
    }
}

/* With other threads the GIL is theirs while this one waits; once the copy is the program they are not to go on. */
static void
isolate_is_committed(void *context)
{
    PyThreadState **released = context;
    fork_stop_timers();
    if (*released != NULL) {
        PyEval_RestoreThread(*released);
        *released = NULL;
    }
    else {
        release_all();
    }
}

/* What has become of the copy, which has left no word. */
static const char *
isolate_tell_death(int status)
{
    if (WIFSIGNALED(status)) {
        snprintf(self.reason, sizeof self.reason, "the isolated process has died of signal %d (%s): the program goes "
                 "on as it was", WTERMSIG(status), strsignal(WTERMSIG(status)));
    }
    else {
        snprintf(self.reason, sizeof self.reason, "the isolated process has ended with status %d: the program goes on "
                 "as it was", WEXITSTATUS(status));
    }
    return self.reason;
}

/* In the process that was copied. */
static int
isolate_wait(ModuleState *state, PyObject *frame, Relay *relay, IsolateTerminal *terminal, const char **why)
{
    PyThreadState *released = others_count() > 0 ? PyEval_SaveThread() : NULL;
    relay->committed = isolate_is_committed;
    relay->context = &released;
    int status = relay_wait(relay);
    if (released != NULL) {
        PyEval_RestoreThread(released);
    }
    bool is_told = relay->page->word == RELAY_LEFT;
    if (relay->page->commits > 0 || (relay->page->word != RELAY_NOTHING && !is_told)) {
        relay_end(relay, status);
    }
    int ret = 0;
    input_take_over_history();
    if (!is_told) {
        isolate_restore_terminal(terminal);
        *why = isolate_tell_death(status);
    }
    pthread_sigmask(SIG_SETMASK, &relay->mask, NULL);
    PyObject *thread;
    if (turn_is_main_thread(&thread) && PyErr_CheckSignals() < 0) {
        ret = -1; /* what a signal handler of the program raises */
    }
    Py_XDECREF(thread);
    return ret == 0 && is_told ? isolate_heed(state, frame, relay->page, why) : ret;
}

/* ---- running ---- */

static int
isolate_work(ModuleState *state, const ConsoleStart *start, int level, const char **why)
{
    static const char note[] = "Isolated: changes are gone at Ctrl-D, unless you type \"commit\". Not covered:\n"
                               "files, sockets, other processes, other threads, memory that is shared already";
    ConsoleEnd end;
    ConsoleStart here = *start;
    here.isolation = self.level = level;
    here.note = note;
    int ret = console_run(state, &here, why, &end);
    if (self.level >= level) {
        isolate_leave(state, start->frame, ret < 0, *why);
    }
    isolate_resume_loop(state); /* not before: the prompts' own loops have run until now */
    return ret;
}

/* It cannot be isolated, for the reason that is set as an exception. 0 if that is the console's affair. */
static int
isolate_refuse(const char **why)
{
    if (!PyErr_ExceptionMatches(PyExc_Exception)) {
        return -1;
    }
    bool by_system = PyErr_ExceptionMatches(PyExc_OSError);
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    PyErr_NormalizeException(&type, &error, &traceback);
    PyObject *text = PyObject_Str(error);
    const char *utf8 = text == NULL ? NULL : PyUnicode_AsUTF8AndSize(text, NULL);
    snprintf(self.reason, sizeof self.reason, "%s%s", by_system ? "not opened: the process cannot be copied: " : "",
             utf8 == NULL ? "?" : utf8);
    *why = self.reason;
    PyErr_Clear();
    Py_XDECREF(text);
    Py_XDECREF(type);
    Py_XDECREF(error);
    Py_XDECREF(traceback);
    return 0;
}

int
isolate_run(ModuleState *state, const ConsoleStart *start, bool force, const char **why)
{
    static const ForkAsk ask = {"not opened", "hook(isolate=\"force\")"};
    int ret = -1, level = isolate_level() + 1;
    Relay relay = {0};
    ForkBelongings belongings = {0};
    IsolateTerminal terminal = {.fd = -1};
    ForkSide side = FORK_FAILED;
    PyObject *noted = loop_note();
    char outer[CHILDREN];
    memcpy(outer, self.children, sizeof outer);
    others_children(self.children, sizeof self.children);
    *why = NULL;
    if (noted != NULL && (force || fork_check_threads(&ask) == 0)) {
        if (relay_open(&relay, RELAY_ISOLATES) < 0) {
            PyErr_SetFromErrno(PyExc_OSError);
        }
        else {
            isolate_note_terminal(&terminal);
            fork_pack(&belongings);
            side = fork_copy(&relay, &belongings, force ? NULL : &ask);
        }
    }
    switch (side) {
    case FORK_FAILED:
        ret = isolate_refuse(why);
        break;
    case FORK_ORIGINAL:
        ret = isolate_wait(state, start->frame, &relay, &terminal, why);
        break;
    case FORK_COPY:
        isolate_set_loop_aside(state, noted);
        ret = isolate_work(state, start, level, why);
        break;
    }
    fork_unpack(&belongings);
    Py_XDECREF(noted);
    if (terminal.fd >= 0) {
        close(terminal.fd);
    }
    if (side != FORK_COPY) {
        memcpy(self.children, outer, sizeof outer);
        relay_close(&relay); /* the copy has it for as long as it lives */
    }
    return ret;
}
