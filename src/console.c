/* The console, see console.h. */
#include "console.h"

#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "around.h"
#include "await.h"
#include "command.h"
#include "compat.h"
#include "input.h"
#include "report.h"
#include "script.h"
#include "turn.h"
#include "watch.h"

/* ---- saying ---- */

int
console_print(Console *console, PyObject *text)
{
    return talk_write(&console->talk, text);
}

int
console_say(Console *console, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    PyObject *text = PyUnicode_FromFormatV(format, arguments);
    va_end(arguments);
    PyObject *line = text == NULL ? NULL : PyUnicode_FromFormat("%U\n", text);
    int ret = line == NULL ? -1 : console_print(console, line);
    Py_XDECREF(line);
    Py_XDECREF(text);
    return ret;
}

void
console_show_error(Console *console, PyObject *filename)
{
    sigset_t interrupt, old;
    /* Showing may import. A Ctrl-C within an import has 3.13 and older end the program with SIGINT's status, much
     * later, for it passes through eval() of a string there. */
    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    pthread_sigmask(SIG_BLOCK, &interrupt, &old);
    PyObject *text = report_take(filename);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    PyObject *shown = text == NULL ? NULL : show_traceback(&console->show, text);
    if (shown == NULL || console_print(console, shown) < 0) {
        PyErr_Clear();
    }
    Py_XDECREF(shown);
    Py_XDECREF(text);
}

/* An error of a command: one line, unless it is a traceback that tells more. */
static void
console_show_complaint(Console *console)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    bool interrupted = value != NULL && PyErr_GivenExceptionMatches(value, PyExc_KeyboardInterrupt);
    if (!interrupted
        && (traceback != NULL || value == NULL || PyErr_GivenExceptionMatches(value, PyExc_SyntaxError))) {
        PyErr_Restore(type, value, traceback);
        console_show_error(console, NULL);
        return;
    }
    /* Where a command was when Ctrl-C came is nobody's business. */
    PyObject *text = interrupted ? PyUnicode_FromString("KeyboardInterrupt") : PyObject_Str(value);
    if (text == NULL || console_say(console, "%U", text) < 0) {
        PyErr_Clear();
    }
    Py_XDECREF(text);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
}

int
console_tell_refusals(Console *console)
{
    PyObject *frame, *scope;
    Py_ssize_t at = 0;
    int ret = 0;
    while (ret == 0 && PyDict_Next(console->scopes, &at, &frame, &scope)) {
        PyObject *refusals = scope_take_refusals((Namespace *)scope);
        ret = refusals == NULL ? -1 : 0;
        for (Py_ssize_t i = 0; ret == 0 && i < PyList_Size(refusals); i++) {
            ret = console_say(console, "%U", PyList_GetItem(refusals, i));
        }
        Py_XDECREF(refusals);
    }
    return ret;
}

/* ---- frames ---- */

/* Make the chosen frame's scope the current one: the one from an earlier visit, or a new one. */
static int
console_enter_scope(Console *console)
{
    PyObject *frame = console->place.frame;
    PyObject *scope = Py_XNewRef(PyDict_GetItemWithError(console->scopes, frame));
    if (scope == NULL && !PyErr_Occurred()) {
        scope = (PyObject *)scope_new(console->state, frame, console->shared, console->overwrite);
        if (scope != NULL && PyDict_SetItem(console->scopes, frame, scope) < 0) {
            Py_CLEAR(scope);
        }
    }
    if (scope == NULL) {
        return -1;
    }
    console->scope = (Namespace *)scope;
    Py_DECREF(scope); /* `scopes` keeps it */
    return 0;
}

int
console_go(Console *console, long level, long *deepest)
{
    int there = stack_go(&console->stack, level, &console->place, deepest);
    if (there == 1) {
        console->listed = 0;
        return console_enter_scope(console) < 0 ? -1 : 1;
    }
    return there;
}

int
console_go_to_exception(Console *console, PyObject *exception)
{
    Stack stack = {0};
    StackPlace place = {0};
    PyObject *traceback = compat_traceback(exception);
    if (traceback == NULL) {
        PyErr_SetString(PyExc_ValueError, "it has no traceback: it was not raised, or that was taken from it");
        return -1;
    }
    int ret = stack_open(&stack, NULL, traceback);
    stack.alone = console->ways == WAYS_TEST;
    Py_DECREF(traceback);
    if (ret < 0) {
        stack_close(&stack);
        return -1;
    }
    stack_inherit(&stack, &console->stack);
    stack_start(&stack, &place);
    stack_close(&console->stack);
    stack_leave(&console->place);
    console->stack = stack;
    console->place = place;
    console->listed = 0;
    Py_XDECREF(console->current);
    console->current = Py_NewRef(exception);
    return console_enter_scope(console);
}

PyObject *
console_eval(Console *console, const char *expression)
{
    PyObject *value = NULL;
    PyObject *text = PyUnicode_DecodeFSDefault(expression);
    if (text != NULL) {
        value = source_eval(console->state, console->scope, text, &console->runner);
    }
    Py_XDECREF(text);
    return value;
}

/* ---- running ---- */

/* SystemExit leaves the prompt, not the program. */
static int
console_leave_by_exit(Console *console)
{
    static const char *const then_what[] = {
        [WAYS_HOOK] = "the program goes on (\"abort\" ends it)",
        [WAYS_SIGNAL] = "the program goes on (\"abort\" ends it)",
        [WAYS_WATCH] = "the program goes on (\"abort\" ends it)",
        [WAYS_CAUGHT] = "the program goes on (\"abort\" ends it)",
        [WAYS_END] = "the program ends as it would have",
        [WAYS_TEST] = "the tests go on (\"abort\" ends them)",
        [WAYS_CALL] = "the exception goes on (\"abort\" ends the program)",
        [WAYS_BLOCK] = "the exception goes on (\"abort\" ends the program)",
    };
    const char *then = then_what[console->ways];
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    int ret;
    if (console->state->left_by != NULL) {
        ret = console_say(console, "%s(): %s", console->state->left_by, then);
    }
    else {
        PyObject *text = PyObject_Repr(value);
        PyErr_Clear();
        ret = console_say(console, "%V at the prompt: %s", text, "SystemExit", then);
        Py_XDECREF(text);
    }
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
    console->left = 1;
    return ret;
}

/* site's exit() and quit() close sys.stdin. While a statement runs they are ours in builtins, too, for functions that
 * call them; a program's own are left alone. `saved`: what was there, owned. */
static const char *const QUITTERS[] = {"exit", "quit"};
enum { QUITTER_COUNT = 2 };

static void
console_guard_exit(Console *console, PyObject *saved[QUITTER_COUNT])
{
    PyObject *builtins = PyEval_GetBuiltins();
    for (int i = 0; i < QUITTER_COUNT; i++) {
        PyObject *leave = PyDict_GetItemString(console->state->leave, QUITTERS[i]); /* borrowed */
        saved[i] = Py_XNewRef(PyDict_GetItemString(builtins, QUITTERS[i]));
        PyObject *name = saved[i] == NULL ? NULL : PyObject_GetAttrString((PyObject *)Py_TYPE(saved[i]), "__name__");
        if (name == NULL || PyUnicode_CompareWithASCIIString(name, "Quitter") != 0
            || leave == NULL || PyDict_SetItemString(builtins, QUITTERS[i], leave) < 0) {
            Py_CLEAR(saved[i]);
        }
        Py_XDECREF(name);
    }
    PyErr_Clear();
}

static void
console_unguard_exit(Console *console, PyObject *saved[QUITTER_COUNT])
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *builtins = PyEval_GetBuiltins();
    for (int i = 0; i < QUITTER_COUNT; i++) {
        PyObject *leave = PyDict_GetItemString(console->state->leave, QUITTERS[i]); /* borrowed */
        if (saved[i] != NULL && PyDict_GetItemString(builtins, QUITTERS[i]) == leave) {
            PyDict_SetItemString(builtins, QUITTERS[i], saved[i]);
        }
        Py_CLEAR(saved[i]);
    }
    PyErr_Restore(type, value, traceback);
}

/* What is the prompt's own while an input runs, or one step of it. */
typedef struct Guard {
    PyObject *saved[QUITTER_COUNT];
    Show *outer;
    unsigned long quiet; /* what watch_quiet() has returned */
} Guard;

/* Keeps the exception that is set. */
static void
console_guard(Console *console, Guard *guard)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    guard->quiet = watch_quiet(console->state);
    console->state->left_by = NULL;
    console_guard_exit(console, guard->saved);
    guard->outer = console->state->show;
    console->state->show = &console->show;
    PyErr_Restore(type, value, traceback);
}

static void
console_unguard(Console *console, Guard *guard)
{
    console->state->show = guard->outer;
    console_unguard_exit(console, guard->saved);
    watch_loud(console->state, guard->quiet);
}

/* An input has run. `failed`: its exception is set. */
static int
console_end_input(Console *console, Source *source, int failed)
{
    if (failed) {
        if (PyErr_ExceptionMatches(PyExc_SystemExit)) {
            if (console_leave_by_exit(console) < 0) {
                PyErr_Clear();
            }
        }
        else {
            PyObject *type, *value, *traceback;
            PyErr_Fetch(&type, &value, &traceback);
            if (source_remember(source) < 0) {
                PyErr_Clear();
            }
            PyErr_Restore(type, value, traceback);
            console_show_error(console, source->filename);
        }
    }
    return console_tell_refusals(console);
}

static int
console_execute(Console *console, Source *source)
{
    Guard guard;
    console_guard(console, &guard);
    int how = console->stepwise ? source_begin(&console->run, source, console->scope)
                                : source_run(source, console->scope, &console->runner);
    console_unguard(console, &guard);
    if (how > 0) { /* it is to be awaited */
        console->running = *source;
        console->run.source = &console->running;
        *source = (Source){0};
        return 0;
    }
    return console_end_input(console, source, how < 0);
}

/* An input that does not parse: its error, shown. */
static void
console_show_parse_error(Console *console, Source *source)
{
    if (!PyErr_Occurred()) { /* more lines were wanted, but it was written down, and there are none */
        source_complain(source);
    }
    source->state->inputs++;
    console_show_error(console, source->filename);
}

/* ---- deciding ---- */

static int
console_run_command(Console *console, const Command *command, const char *rest)
{
    unsigned long quiet = watch_quiet(console->state);
    if (command->run(console, rest) < 0) {
        console_show_complaint(console);
    }
    watch_loud(console->state, quiet);
    return 0;
}

/* `name?` is `doc name`, `name??` is `source name`, `?` is `help`. */
static int
console_answer(Console *console, const Line *line)
{
    if (line->word_len == 0) {
        return console_run_command(console, &cmd_help, "");
    }
    PyObject *name = PyBytes_FromStringAndSize(line->word, (Py_ssize_t)line->word_len);
    if (name == NULL) {
        return -1;
    }
    int ret = console_run_command(console, line->marks == 2 ? &cmd_source : &cmd_doc, PyBytes_AsString(name));
    Py_DECREF(name);
    return ret;
}

/* Run an input that is done. */
static int
console_run_python(Console *console, PyObject *text)
{
    Source source = console->parsed;
    SourceStatus status = SOURCE_COMPLETE;
    int ret = 0;
    console->parsed = (Source){0};
    if (source.text == NULL || PyUnicode_Compare(source.text, text) != 0) {
        source_clear(&source);
        ret = source_init(&source, console->state, text);
        status = ret < 0 ? SOURCE_ERROR : source_parse(&source);
    }
    if (ret == 0) {
        switch (status) {
        case SOURCE_COMPLETE:
            ret = console_execute(console, &source);
            break;
        case SOURCE_EMPTY:
            break;
        case SOURCE_INCOMPLETE:
        case SOURCE_ERROR:
            console_show_parse_error(console, &source);
            break;
        }
    }
    source_clear(&source);
    return ret;
}

/* Decide what an input is and do it. */
static int
console_do(Console *console, PyObject *text)
{
    int ret = -1;
    if (talk_enter(&console->talk) < 0) {
        return -1; /* no descriptor or thread is left: nothing is run */
    }
    PyObject *bytes = PyUnicode_EncodeFSDefault(text);
    if (bytes == NULL) {
        PyErr_Clear();
        return console_run_python(console, text); /* which says what is wrong with it */
    }
    Line line = words_split(PyBytes_AsString(bytes));
    long listed = console->listed;
    const Command *command;
    PyObject *python = NULL;
    if (input_find_command(console, &line, text, &command) < 0) {
        goto done;
    }
    console->listed = command == &cmd_list ? listed : 0; /* it goes on only where it stands by itself */
    if (command != NULL) {
        ret = console_run_command(console, command, line.rest);
    }
    else if (line.kind == LINE_FORCED) {
        ret = console_say(console, "no command %s: `help` lists them", PyBytes_AsString(bytes));
    }
    else if (line.kind == LINE_QUESTION) {
        ret = console_answer(console, &line);
    }
    else {
        python = input_take_python(&line, text);
        ret = python == NULL ? -1 : console_run_python(console, python);
    }
done:
    Py_XDECREF(python);
    Py_DECREF(bytes);
    return ret;
}

/* Deal with what was read. -1 with an exception, which is nobody's but the prompt's. */
static int
console_handle(Console *console, TermStatus status, PyObject *text)
{
    switch (status) {
    case TERM_LINE:
        return !console->scripted && input_remember(console, text) < 0 ? -1 : console_do(console, text);
    case TERM_INTERRUPTED:
        return console_say(console, "KeyboardInterrupt");
    case TERM_EOF:
        console->left = 1;
        return console->talk.alone ? 0 : console_say(console, "");
    case TERM_DROPPED:
        return console_say(console, "the block was not finished, and is dropped");
    case TERM_ENDED:
    case TERM_ERROR:
        break;
    }
    return -1;
}

int
console_take(Console *console, TermStatus status, PyObject *text)
{
    if (console_handle(console, status, text) < 0) {
        if (!console->talk.has_term && PyErr_ExceptionMatches(PyExc_Exception)) {
            console_show_error(console, NULL); /* of what stands in for input(): no fault of the program's */
            console->left = 1;
            return 0;
        }
        if (status == TERM_ERROR) {
            return -1;
        }
        console_show_error(console, NULL); /* Ctrl-C, wherever it was noticed; no memory */
    }
    return console->raises ? -1 : 0;
}

int
console_loop(Console *console)
{
    int ret = 0;
    while (ret == 0 && !console->left) {
        PyObject *text;
        TermStatus status = input_read(console, &text);
        ret = console_take(console, status, text);
        Py_XDECREF(text);
    }
    return ret;
}

/* ---- step by step ---- */

/* Throw the exception that is set into a coroutine. */
static PySendResult
console_throw(PyObject *coroutine, PyObject **result)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    *result = PyObject_CallMethod(coroutine, "throw", "O", value);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
    if (*result != NULL) {
        return PYGEN_NEXT;
    }
    if (!PyErr_ExceptionMatches(PyExc_StopIteration)) {
        return PYGEN_ERROR;
    }
    PyErr_Clear();
    *result = Py_NewRef(Py_None); /* what an input returns is nothing */
    return PYGEN_RETURN;
}

PySendResult
console_step(Console *console, PyObject *sent, PyObject **yielded)
{
    Guard guard;
    PySendResult how;
    int more = 1;
    console_guard(console, &guard);
    do {
        PyObject *coroutine = console->run.coroutine;
        how = sent == NULL ? console_throw(coroutine, yielded) : PyIter_Send(coroutine, sent, yielded);
        sent = Py_None;
        if (how != PYGEN_NEXT) {
            Py_CLEAR(*yielded);
            more = source_go_on(&console->run, how == PYGEN_ERROR);
            how = more < 0 ? PYGEN_ERROR : PYGEN_RETURN;
        }
    } while (how != PYGEN_NEXT && more > 0);
    console_unguard(console, &guard);
    return how;
}

int
console_finish(Console *console, int failed)
{
    if (console_end_input(console, &console->running, failed) < 0) {
        console_show_error(console, NULL);
    }
    source_clear(&console->running);
    return console->raises ? -1 : 0;
}

/* ---- opening and closing ---- */

int
console_abort(ModuleState *state)
{
    PyObject *thread;
    int is_main = turn_is_main_thread(&thread);
    Py_XDECREF(thread);
    if (is_main) {
        Py_Exit(state->abort_status); /* runs atexit functions and flushes streams */
    }
    PyErr_SetNone(PyExc_SystemExit); /* the main thread has been told */
    return -1;
}

/* One line about changed variables that stay at the prompt, for each frame where there are any. */
static int
console_tell_pending(Console *console)
{
    PyObject *frame, *scope;
    Py_ssize_t at = 0;
    int ret = 0;
    while (ret == 0 && PyDict_Next(console->scopes, &at, &frame, &scope)) {
        if (scope_overwrites((Namespace *)scope)) {
            continue; /* what could not be written was said at once */
        }
        PyObject *pending = scope_pending((Namespace *)scope);
        PyObject *comma = PyUnicode_FromString(", ");
        PyObject *names = pending == NULL || comma == NULL ? NULL : PyUnicode_Join(comma, pending);
        if (names == NULL) {
            ret = -1;
        }
        else if (PyList_Size(pending) > 0) {
            ret = console_say(console, "not written back: %U (\"write\"%s does)", names,
                              console->ways == WAYS_HOOK ? " or hook(overwrite_locals=True)" : "");
        }
        Py_XDECREF(names);
        Py_XDECREF(comma);
        Py_XDECREF(pending);
    }
    return ret;
}

void
console_close(Console *console)
{
    PyObject *frame, *scope;
    Py_ssize_t at = 0;
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (console_tell_pending(console) < 0) {
        PyErr_Clear();
    }
    await_close(&console->runner);
    while (PyDict_Next(console->scopes, &at, &frame, &scope)) {
        scope_close((Namespace *)scope);
    }
    talk_leave(&console->talk);
    talk_close(&console->talk);
    around_leave(&console->after);
    source_clear(&console->parsed);
    source_clear(&console->running);
    Py_CLEAR(console->scopes);
    Py_CLEAR(console->shared);
    Py_CLEAR(console->runner);
    Py_CLEAR(console->exception);
    Py_CLEAR(console->current);
    Py_CLEAR(console->caller);
    Py_CLEAR(console->show.folded);
    Py_CLEAR(console->thread);
    stack_leave(&console->place);
    stack_close(&console->stack);
    PyErr_Restore(type, value, traceback);
}

/* Set up what the console holds. -1 with an exception. */
static int
console_prepare(Console *console, const ConsoleStart *start)
{
    console->scopes = PyDict_New();
    console->shared = PyDict_New();
    if (console->scopes == NULL || console->shared == NULL
        || (start->stack == NULL && stack_open(&console->stack, start->frame, NULL) < 0)) {
        return -1;
    }
    if (start->stack != NULL) {
        console->stack = stack_move(start->stack);
    }
    stack_start(&console->stack, &console->place);
    return console_enter_scope(console);
}

/* Say what the user has to know at the start. -1 with an exception. */
static int
console_greet(Console *console, const ConsoleStart *start)
{
    const char *exit = console->talk.alone ? "" : " - Exit with CTRL+D";
    if (start->complaint != NULL && console_say(console, "%U", start->complaint) < 0) {
        return -1;
    }
    if (console_say(console, "%U%s", start->banner, exit) < 0) {
        return -1;
    }
    return start->note == NULL ? 0 : console_say(console, "%s", start->note);
}

int
console_open(Console *console, ModuleState *state, const ConsoleStart *start, const char **why)
{
    *console = (Console){.state = state, .overwrite = start->overwrite, .ways = start->ways,
                         .isolation = start->isolation, .restarts = start->restarts};
    *why = NULL;
    int may = around_enter(state, start->frame, &console->after, why);
    if (may <= 0) {
        return may;
    }
    int is_main = turn_is_main_thread(&console->thread);
    TalkWith with = start->unattended ? TALK_NOBODY : script_has(state) ? TALK_ANYBODY : TALK_USER;
    int talking = talk_open(&console->talk, is_main, with, why);
    if (talking <= 0) {
        around_leave(&console->after);
        Py_CLEAR(console->thread);
        return talking;
    }
    *why = NULL;
    console->show.talk = &console->talk;
    console->caller = Py_NewRef(start->frame);
    console->exception = Py_XNewRef(start->exception);
    console->current = start->stack == NULL ? NULL : Py_XNewRef(start->exception);
    if (console_prepare(console, start) < 0 || console_greet(console, start) < 0 || input_open_history(console) < 0) {
        console_close(console);
        return -1;
    }
    return 1;
}

int
console_visit(Console *console, visitproc visit, void *arg)
{
    Py_VISIT(console->place.frame);
    Py_VISIT(console->scopes);
    Py_VISIT(console->shared);
    Py_VISIT(console->runner);
    Py_VISIT(console->exception);
    Py_VISIT(console->current);
    Py_VISIT(console->caller);
    Py_VISIT(console->run.coroutine);
    return stack_visit(&console->stack, visit, arg);
}

int
console_run(ModuleState *state, const ConsoleStart *start, const char **why, ConsoleEnd *end)
{
    Console console;
    *end = (ConsoleEnd){0};
    int ret = console_open(&console, state, start, why);
    if (ret > 0) {
        ret = console_loop(&console);
        console_close(&console);
        *end = console.end;
    }
    return ret;
}
