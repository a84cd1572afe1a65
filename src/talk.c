/* Where a console talks with its user, see talk.h. */
#include "talk.h"

#include "compat.h"
#include "streams.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "theme.h"

static const char *const STREAMS[TALK_STREAMS] = {"stdout", "stderr"};

/* ---- opening ---- */

/* May this process use the terminal? From the background it would be stopped (SIGTTOU), and the program is not to be
 * worse off. A terminal that is not the controlling one has no foreground. */
static int
talk_is_in_foreground(int fd)
{
    pid_t foreground = tcgetpgrp(fd);
    return foreground < 0 || foreground == getpgrp();
}

/* Is there something in the place of input(): a notebook's, or a sys.stdin that is a window (IDLE's)? */
static int
talk_has_input(void)
{
    int has = 0;
    PyObject *builtins = compat_import("builtins");
    PyObject *input = builtins == NULL ? NULL : PyObject_GetAttrString(builtins, "input");
    PyObject *in = PySys_GetObject("stdin");
    if (input != NULL && !PyCFunction_Check(input)) {
        has = PyCallable_Check(input);
    }
    else if (input != NULL && in != NULL && in != Py_None) {
        PyObject *number = PyObject_CallMethod(in, "fileno", NULL);
        int is_file = number != NULL && PyLong_Check(number);
        Py_XDECREF(number);
        PyErr_Clear();
        PyObject *tty = is_file ? NULL : PyObject_CallMethod(in, "isatty", NULL);
        has = tty != NULL && PyObject_IsTrue(tty) == 1;
        Py_XDECREF(tty);
    }
    PyErr_Clear();
    Py_XDECREF(input);
    Py_XDECREF(builtins);
    return has;
}

/* In a signal handler that has come while this thread writes to a stream, that takes nothing else: RuntimeError. */
static int
talk_is_within(PyObject *stream)
{
    PyObject *none = PyObject_CallMethod(stream, "flush", NULL);
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    PyObject *message = type != PyExc_RuntimeError || error == NULL ? NULL : PyObject_Str(error);
    const char *text = message == NULL ? NULL : PyUnicode_AsUTF8AndSize(message, NULL);
    int is_within = text != NULL && strncmp(text, "reentrant call", strlen("reentrant call")) == 0;
    PyErr_Clear();
    Py_XDECREF(message);
    Py_XDECREF(traceback);
    Py_XDECREF(error);
    Py_XDECREF(type);
    Py_XDECREF(none);
    return is_within;
}

static void
talk_look_at_streams(Talk *talk)
{
    for (int i = 0; i < TALK_STREAMS; i++) {
        PyObject *stream = Py_XNewRef(PySys_GetObject(STREAMS[i]));
        if (stream != NULL && stream != Py_None && talk_is_within(stream)) {
            talk->within[i] = Py_NewRef(stream);
        }
        Py_XDECREF(stream);
    }
}

/* Open the terminal, if there is one and it can be used; else *why says what is in the way. */
static void
talk_find_terminal(Talk *talk, const char **why)
{
    *why = "not opened: there is no terminal";
    int own = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    int in = own ? STDIN_FILENO : open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    int out = own ? STDOUT_FILENO : in;
    int foreground = in >= 0 && talk_is_in_foreground(in);
    if (foreground && term_open(&talk->term, in, out) == 0) {
        talk->has_term = 1;
    }
    else if (foreground) {
        PyErr_Clear();
        *why = "not opened: no file descriptor is left for it";
    }
    else if (in >= 0) {
        *why = "not opened: this process is in the background of its terminal";
    }
    if (in >= 0 && !own) {
        close(in);
    }
}

int
talk_open(Talk *talk, int is_main, TalkWith with, const char **why)
{
    memset(talk, 0, sizeof *talk);
    talk->is_main = is_main;
    if (with != TALK_NOBODY) {
        talk_find_terminal(talk, why);
    }
    int somebody = with != TALK_NOBODY && (talk->has_term || talk_has_input());
    if (!somebody && with == TALK_USER) {
        return 0;
    }
    talk->alone = !somebody;
    talk_look_at_streams(talk);
    return 1;
}

static void
talk_forget_prompts(Talk *talk)
{
    for (int i = 0; i < TALK_PROMPTS; i++) {
        Py_CLEAR(talk->prompts[i]);
    }
}

void
talk_close(Talk *talk)
{
    for (int i = 0; i < TALK_STREAMS; i++) {
        if (talk->own[i] != NULL) {
            /* A stream that somebody kept (a log handler made at the prompt) stays open for them. */
            const char *last = Py_REFCNT(talk->own[i]) == 1 ? "close" : "flush";
            PyObject *none = PyObject_CallMethod(talk->own[i], last, NULL);
            if (none == NULL) {
                PyErr_Clear();
            }
            Py_XDECREF(none);
            Py_CLEAR(talk->own[i]);
        }
        Py_CLEAR(talk->within[i]);
    }
    if (talk->has_term) {
        term_close(&talk->term);
    }
    talk_forget_prompts(talk);
}

/* ---- writing ---- */

/* The encoding of the terminal, which is that of file names: UTF-8, or the locale's. New reference to a str. */
static PyObject *
talk_encoding(void)
{
    PyObject *function = PySys_GetObject("getfilesystemencoding");
    return function == NULL ? NULL : PyObject_CallNoArgs(function);
}

PyObject *
talk_encode(PyObject *text)
{
    PyObject *encoding = talk_encoding();
    const char *name = encoding == NULL ? NULL : PyUnicode_AsUTF8AndSize(encoding, NULL);
    PyObject *bytes = name == NULL ? NULL : PyUnicode_AsEncodedString(text, name, "backslashreplace");
    Py_XDECREF(encoding);
    return bytes;
}

PyObject *
talk_decode(const char *bytes, size_t size)
{
    PyObject *encoding = talk_encoding();
    const char *name = encoding == NULL ? NULL : PyUnicode_AsUTF8AndSize(encoding, NULL);
    PyObject *text = name == NULL ? NULL : PyUnicode_Decode(bytes, (Py_ssize_t)size, name, "ignore");
    Py_XDECREF(encoding);
    return text;
}

/* What the program printed comes before what the console prints. */
static void
talk_flush(void)
{
    for (int i = 0; i < TALK_STREAMS; i++) {
        PyObject *stream = PySys_GetObject(STREAMS[i]);
        PyObject *none = stream == NULL || stream == Py_None ? NULL : PyObject_CallMethod(stream, "flush", NULL);
        Py_XDECREF(none);
        PyErr_Clear();
    }
}

int
talk_write(Talk *talk, PyObject *text)
{
    talk_flush();
    if (!talk->has_term) {
        PyObject *out = PySys_GetObject("stdout");
        PyObject *count = out == NULL || out == Py_None ? Py_NewRef(Py_None)
                                                        : PyObject_CallMethod(out, "write", "O", text);
        Py_XDECREF(count);
        return count == NULL ? -1 : 0;
    }
    PyObject *bytes = talk_encode(text);
    if (bytes == NULL) {
        return -1;
    }
    term_write(&talk->term, PyBytes_AsString(bytes), (size_t)PyBytes_Size(bytes));
    Py_DECREF(bytes);
    return 0;
}

int
talk_has_colours(const Talk *talk)
{
    return theme_is_wanted(talk->has_term);
}

int
talk_columns(const Talk *talk)
{
    int columns = 80, rows;
    if (talk->has_term) {
        term_size(&talk->term, &columns, &rows);
    }
    return columns;
}

int
talk_rows(const Talk *talk)
{
    int columns, rows = 24;
    if (talk->has_term) {
        term_size(&talk->term, &columns, &rows);
    }
    return rows;
}

/* ---- around what is done ---- */

int
talk_is_stream_here(const Talk *talk, PyObject *stream)
{
    return talk->has_term && streams_is_on(stream, fileno(talk->term.out));
}

/* A stream to write text to the terminal: a new reference. */
static PyObject *
talk_make_stream(Talk *talk)
{
    int fd = fcntl(fileno(talk->term.out), F_DUPFD_CLOEXEC, 3);
    if (fd < 0) {
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    PyObject *stream = NULL;
    PyObject *io = compat_import("io");
    PyObject *encoding = io == NULL ? NULL : talk_encoding();
    if (encoding != NULL) {
        stream = PyObject_CallMethod(io, "open", "isiOs", fd, "w", 1, encoding, "backslashreplace");
    }
    if (stream == NULL) {
        close(fd);
    }
    Py_XDECREF(encoding);
    Py_XDECREF(io);
    return stream;
}

static int
talk_enter_streams(Talk *talk)
{
    for (int i = 0; talk->has_term && i < TALK_STREAMS; i++) {
        PyObject *host = Py_XNewRef(PySys_GetObject(STREAMS[i]));
        if (host == talk->own[i] || (streams_terminal_of(host) >= 0 && host != talk->within[i])) {
            Py_XDECREF(host);
            continue;
        }
        if (talk->own[i] == NULL) {
            talk->own[i] = talk_make_stream(talk);
        }
        if (talk->own[i] == NULL || PySys_SetObject(STREAMS[i], talk->own[i]) < 0) {
            Py_XDECREF(host);
            return -1;
        }
        Py_SETREF(talk->host[i], host);
    }
    return 0;
}

static void
talk_leave_streams(Talk *talk)
{
    for (int i = 0; i < TALK_STREAMS; i++) {
        if (talk->host[i] != NULL) {
            /* Unless the statement has put another there: `sys.stdout = open(...)` at the prompt holds. */
            if (PySys_GetObject(STREAMS[i]) == talk->own[i]) {
                PySys_SetObject(STREAMS[i], talk->host[i]);
            }
            Py_CLEAR(talk->host[i]);
        }
    }
}

void
talk_leave(Talk *talk)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    talk_flush();
    interrupt_give_back(&talk->interrupt);
    talk_leave_streams(talk);
    talk->entered = 0;
    PyErr_Clear();
    PyErr_Restore(type, value, traceback);
}

void
talk_pass(Talk *talk, int fd)
{
    if (!talk->entered) {
        return;
    }
    interrupt_pass(&talk->interrupt, fd); /* first: flushing may run signal handlers, which may raise */
    talk_flush();
    talk_leave_streams(talk);
    talk->entered = 0;
}

int
talk_enter(Talk *talk)
{
    if (talk->entered) {
        return 0;
    }
    if (talk_enter_streams(talk) == 0 && interrupt_take(&talk->interrupt, talk->is_main) == 0) {
        talk->entered = 1;
        return 0;
    }
    talk_leave(talk); /* which keeps the exception */
    return -1;
}

/* ---- reading ---- */

static TermStatus
talk_ask_input(PyObject *prompt, PyObject **text)
{
    PyObject *builtins = compat_import("builtins");
    *text = builtins == NULL ? NULL : PyObject_CallMethod(builtins, "input", "O", prompt);
    Py_XDECREF(builtins);
    if (*text != NULL) {
        if (PyUnicode_Check(*text)) {
            return TERM_LINE;
        }
        PyErr_Format(PyExc_TypeError, "input() gave %R, not a str", *text);
        Py_CLEAR(*text);
        return TERM_ERROR;
    }
    TermStatus status = PyErr_ExceptionMatches(PyExc_EOFError)            ? TERM_EOF
                        : PyErr_ExceptionMatches(PyExc_KeyboardInterrupt) ? TERM_INTERRUPTED
                                                                          : TERM_ERROR;
    if (status != TERM_ERROR) {
        PyErr_Clear();
    }
    return status;
}

static TermStatus
talk_ask_term(Talk *talk, PyObject *prompt, PyObject *more, const TermClient *client, PyObject **text)
{
    TermStatus status = TERM_ERROR;
    char *typed;
    Streams streams;
    PyObject *first = talk_encode(prompt);
    PyObject *others = first == NULL ? NULL : talk_encode(more);
    if (others == NULL) {
        goto done;
    }
    streams_take(&streams, fileno(talk->term.out));
    if (!talk->beside) {
        interrupt_rest(&talk->interrupt, fileno(talk->term.in));
    }
    status = term_read(&talk->term, PyBytes_AsString(first), PyBytes_AsString(others), client,
                       talk->is_main && !talk->beside, &typed);
    streams_give_back(&streams);
    if (status == TERM_LINE) {
        /* What is no text becomes lone surrogates, which the compiler refuses. */
        *text = PyUnicode_DecodeFSDefault(typed);
        free(typed);
        status = *text == NULL ? TERM_ERROR : TERM_LINE;
    }
done:
    Py_XDECREF(others);
    Py_XDECREF(first);
    return status;
}

/* What has come between Enter and the console's taking Ctrl-C. As at the prompt itself, what a signal handler of the
 * program raises is the program's. */
static TermStatus
talk_check_signals(Talk *talk)
{
    TermStatus status = TERM_LINE;
    if (talk->is_main && PyErr_CheckSignals() < 0) {
        status = PyErr_ExceptionMatches(PyExc_KeyboardInterrupt) ? TERM_INTERRUPTED : TERM_ERROR;
    }
    if (status == TERM_INTERRUPTED) {
        PyErr_Clear();
    }
    return status;
}

/* Enter, if that can be: who cannot do without tries again, and says why it cannot. */
static void
talk_return(Talk *talk)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    talk->entered = 0;
    if (talk_enter(talk) < 0) {
        PyErr_Clear();
    }
    PyErr_Restore(type, value, traceback);
}

void
talk_begin(Talk *talk, PyObject *prompt, PyObject *more)
{
    talk_forget_prompts(talk);
    talk->prompts[0] = Py_NewRef(prompt);
    talk->prompts[1] = Py_NewRef(more);
    talk_flush();
    talk_leave_streams(talk);
    if (talk->beside) {
        interrupt_rest_beside(&talk->interrupt, talk->has_term ? fileno(talk->term.in) : -1);
        talk->entered = 0;
    }
}

TermStatus
talk_ask(Talk *talk, int further, const TermClient *client, PyObject **text)
{
    *text = NULL;
    PyObject *prompt = talk->prompts[further];
    if (talk->has_term) {
        return talk_ask_term(talk, prompt, talk->prompts[1], client, text);
    }
    if (talk->alone) {
        return TERM_EOF;
    }
    if (!talk->beside) {
        interrupt_rest(&talk->interrupt, -1);
    }
    TermStatus status = talk_ask_input(prompt, text);
    return talk->term.ended ? TERM_ENDED : status;
}

TermStatus
talk_end(Talk *talk, TermStatus status, PyObject **text)
{
    if (status == TERM_LINE) {
        status = talk_check_signals(talk);
    }
    talk_return(talk);
    if (status == TERM_LINE && interrupt_was_noted()) {
        status = TERM_INTERRUPTED;
    }
    if (status != TERM_LINE) {
        Py_CLEAR(*text);
    }
    return status;
}

TermStatus
talk_read(Talk *talk, PyObject *prompt, PyObject *more, const TermClient *client, PyObject **text)
{
    int beside = talk->beside;
    talk->beside = 0;
    talk_begin(talk, prompt, more);
    TermStatus status = talk_end(talk, talk_ask(talk, 0, client, text), text);
    talk->beside = beside;
    return status;
}

void
talk_look(void)
{
    interrupt_was_noted();
}
