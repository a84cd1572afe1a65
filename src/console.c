/* The console, see console.h. */
#include "console.h"

#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "await.h"
#include "command.h"
#include "compat.h"
#include "node.h"
#include "report.h"
#include "source.h"
#include "turn.h"

/* What was typed, in whichever console. Guarded by the GIL. */
static History history;

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
    if (traceback != NULL || value == NULL || PyErr_GivenExceptionMatches(value, PyExc_SyntaxError)) {
        PyErr_Restore(type, value, traceback);
        console_show_error(console, NULL);
        return;
    }
    PyObject *text = PyObject_Str(value);
    if (text == NULL || console_say(console, "%U", text) < 0) {
        PyErr_Clear();
    }
    Py_XDECREF(text);
    Py_XDECREF(type);
    Py_XDECREF(value);
}

int
console_tell_refusals(Console *console)
{
    PyObject *level, *scope;
    Py_ssize_t at = 0;
    int ret = 0;
    while (ret == 0 && PyDict_Next(console->scopes, &at, &level, &scope)) {
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
    PyObject *level = PyLong_FromLong(console->view.level);
    PyObject *scope = level == NULL ? NULL : Py_XNewRef(PyDict_GetItemWithError(console->scopes, level));
    if (scope == NULL && level != NULL && !PyErr_Occurred()) {
        scope = (PyObject *)scope_new(console->state, console->view.frame, console->shared, console->overwrite);
        if (scope != NULL && PyDict_SetItem(console->scopes, level, scope) < 0) {
            Py_CLEAR(scope);
        }
    }
    Py_XDECREF(level);
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
    int there = frame_view_go(&console->view, level, deepest);
    if (there == 1) {
        console->listed = 0;
        return console_enter_scope(console) < 0 ? -1 : 1;
    }
    return there;
}

PyObject *
console_eval(Console *console, const char *expression)
{
    PyObject *value = NULL;
    PyObject *text = PyUnicode_DecodeFSDefault(expression);
    if (text != NULL && talk_enter(&console->talk) == 0) {
        value = source_eval(console->state, console->scope, text, &console->runner);
        talk_leave(&console->talk);
    }
    Py_XDECREF(text);
    return value;
}

/* ---- running ---- */

/* SystemExit leaves the prompt, not the program. */
static int
console_leave_by_exit(Console *console)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    int ret;
    if (console->state->left_by_exit) {
        ret = console_say(console, "exit(): the program goes on (\"abort\" ends it)");
    }
    else {
        PyObject *text = PyObject_Repr(value);
        PyErr_Clear();
        ret = console_say(console, "%V at the prompt: the program goes on (\"abort\" ends it)", text, "SystemExit");
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
        saved[i] = Py_XNewRef(PyDict_GetItemString(builtins, QUITTERS[i]));
        PyObject *name = saved[i] == NULL ? NULL : PyObject_GetAttrString((PyObject *)Py_TYPE(saved[i]), "__name__");
        if (name == NULL || PyUnicode_CompareWithASCIIString(name, "Quitter") != 0
            || PyDict_SetItemString(builtins, QUITTERS[i], console->state->leave) < 0) {
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
        if (saved[i] != NULL && PyDict_GetItemString(builtins, QUITTERS[i]) == console->state->leave) {
            PyDict_SetItemString(builtins, QUITTERS[i], saved[i]);
        }
        Py_CLEAR(saved[i]);
    }
    PyErr_Restore(type, value, traceback);
}

static int
console_execute(Console *console, Source *source)
{
    PyObject *saved[QUITTER_COUNT];
    console->state->left_by_exit = 0;
    if (talk_enter(&console->talk) < 0) {
        console_show_error(console, NULL); /* no descriptor or thread is left: the statement is not run */
        return 0;
    }
    console_guard_exit(console, saved);
    Show *outer = console->state->show;
    console->state->show = &console->show;
    int failed = source_run(source, console->scope, &console->runner);
    console->state->show = outer;
    console_unguard_exit(console, saved);
    if (failed < 0) {
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
    talk_leave(&console->talk);
    return console_tell_refusals(console);
}

/* An input that does not parse: its error, shown. */
static void
console_show_parse_error(Console *console, Source *source)
{
    source->state->inputs++;
    console_show_error(console, source->filename);
}

/* ---- reading ---- */

/* The prompt to show: sys.ps1 or ps2 if the user has set it, with the thread's name before it. */
static PyObject *
console_prompt(Console *console, const char *which, const char *standard)
{
    PyObject *text = NULL;
    PyObject *set = PySys_GetObject(which);
    if (set != NULL) {
        text = PyObject_Str(set);
        PyErr_Clear();
    }
    if (text == NULL) {
        text = PyUnicode_FromString(standard);
    }
    if (text != NULL && console->thread != NULL) {
        Py_SETREF(text, PyUnicode_FromFormat("[%U] %U", console->thread, text));
    }
    return text;
}

/* What of an input is Python: without the space before it, or what all lines of a paste are indented by, or the prompts
 * and the output of a session that was copied from somewhere. New reference. */
static PyObject *
console_take_python(const Line *line, PyObject *text)
{
    if (line->kind == LINE_SESSION) {
        Buffer inputs = {0};
        words_take_inputs(line->word, &inputs);
        PyObject *taken = inputs.failed ? PyErr_NoMemory() : PyUnicode_DecodeFSDefaultAndSize(inputs.bytes,
                                                                                            (Py_ssize_t)inputs.size);
        buffer_free(&inputs);
        return taken;
    }
    if (line->kind != LINE_INDENTED && line->kind != LINE_PASTED) {
        return Py_NewRef(text);
    }
    PyObject *textwrap = compat_import("textwrap");
    PyObject *dedented = textwrap == NULL ? NULL : PyObject_CallMethod(textwrap, "dedent", "(O)", text);
    Py_XDECREF(textwrap);
    return dedented;
}

static int
console_run_command(Console *console, const Command *command, const char *rest)
{
    if (command->run(console, rest) < 0) {
        console_show_complaint(console);
    }
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

/* Is a line whose first word is a command's name Python all the same? 1, 0, -1. */
static int
console_is_python(Console *console, const Line *line, PyObject *text)
{
    Source source;
    int ret = -1;
    PyObject *name = PyUnicode_FromStringAndSize(line->word, (Py_ssize_t)line->word_len);
    if (name == NULL || source_init(&source, console->state, text) < 0) {
        Py_XDECREF(name);
        return -1;
    }
    SourceStatus status = source_parse(&source);
    if (status == SOURCE_ERROR) {
        PyErr_Clear();
        ret = 0;
    }
    else {
        ret = status == SOURCE_COMPLETE ? node_assigns(source.body, PyUnicode_AsUTF8AndSize(name, NULL)) : 0;
        if (ret == 0) {
            ret = scope_is_users(console->scope, name);
        }
    }
    source_clear(&source);
    Py_DECREF(name);
    return ret;
}

/* The command that an input is, NULL for Python and for a `%word` that is none. -1 with
 * an exception. */
static int
console_find_command(Console *console, const Line *line, PyObject *text, const Command **command)
{
    *command = line->kind == LINE_PLAIN || line->kind == LINE_FORCED ? command_find(line) : NULL;
    if (*command == NULL || line->kind == LINE_FORCED) {
        return 0;
    }
    int python = console_is_python(console, line, text);
    if (python != 0) {
        *command = NULL;
    }
    return python < 0 ? -1 : 0;
}

/* Is an input one that can be run, or will never be? What cannot be found out is: running it says why. */
static bool
console_is_done(Console *console, PyObject *text)
{
    bool done = true;
    PyObject *bytes = PyUnicode_EncodeFSDefault(text);
    PyObject *python = NULL;
    if (bytes != NULL) {
        const Command *command;
        Line line = words_split(PyBytes_AsString(bytes));
        if (line.kind != LINE_FORCED && console_find_command(console, &line, text, &command) == 0 && command == NULL) {
            python = console_take_python(&line, text);
        }
    }
    if (python != NULL) {
        Source *source = &console->parsed;
        source_clear(source);
        SourceStatus status = source_init(source, console->state, python) < 0 ? SOURCE_ERROR : source_parse(source);
        done = status != SOURCE_INCOMPLETE;
        if (status != SOURCE_COMPLETE) {
            source_clear(source);
        }
    }
    PyErr_Clear();
    Py_XDECREF(python);
    Py_XDECREF(bytes);
    return done;
}

/* ---- what the terminal asks, see TermClient ---- */

static bool
client_is_done(void *context, const char *bytes)
{
    PyObject *text = PyUnicode_DecodeFSDefault(bytes);
    bool done = text == NULL || console_is_done(context, text);
    PyErr_Clear();
    Py_XDECREF(text);
    return done;
}

static bool
client_is_command(void *context, const char *word)
{
    Console *console = context;
    Line line = words_split(word);
    if (line.kind != LINE_PLAIN || command_find(&line) == NULL) {
        return false;
    }
    PyObject *name = PyUnicode_FromString(word);
    bool is_users = name == NULL || scope_is_users(console->scope, name) != 0;
    PyErr_Clear();
    Py_XDECREF(name);
    return !is_users;
}

static void
client_complete(void *context, const char *text, size_t point, bool ignore_case, Completion *completion)
{
    Console *console = context;
    complete_at(console->state, console->scope, text, point, ignore_case, completion);
}

static const History *
client_history(void *Py_UNUSED(context))
{
    char complaint[HISTORY_COMPLAINT] = "";
    history_load(&history, complaint, sizeof complaint);
    if (complaint[0] != '\0') {
        term_notify(complaint);
    }
    return &history;
}

static TermStatus
console_ask(Console *console, const char *which, const char *standard, PyObject **text)
{
    TermClient client = {console, client_is_done, client_is_command, client_complete, client_history};
    PyObject *prompt = console_prompt(console, which, standard);
    PyObject *more = prompt == NULL ? NULL : console_prompt(console, "ps2", "... ");
    TermStatus status = more == NULL ? TERM_ERROR : talk_read(&console->talk, prompt, more, &client, text);
    Py_XDECREF(more);
    Py_XDECREF(prompt);
    return status;
}

/* Add lines to an input, `more` or a blank one, in its place. -1 with an exception. */
static int
console_lengthen(PyObject **text, PyObject *more)
{
    PyObject *longer = more == NULL ? PyUnicode_FromFormat("%U\n", *text) : PyUnicode_FromFormat("%U\n%U", *text, more);
    if (longer == NULL) {
        return -1;
    }
    Py_SETREF(*text, longer);
    return 0;
}

/* An editor of blocks has returned an input: it is wanted to run. A block of the history is so without a blank line. */
static int
console_close_block(Console *console, PyObject **text)
{
    PyObject *closed = Py_NewRef(*text);
    int ret = console_lengthen(&closed, NULL);
    if (ret == 0 && console_is_done(console, closed)) {
        Py_SETREF(*text, Py_NewRef(closed));
        ret = 1;
    }
    Py_DECREF(closed);
    return ret;
}

/* Read an input: at once, or line by line until it is done. A new str in *text. */
static TermStatus
console_read(Console *console, PyObject **text)
{
    TermStatus status = console_ask(console, "ps1", ">>> ", text);
    while (status == TERM_LINE && !console_is_done(console, *text)) {
        int closed = console->talk.has_term && !console->talk.term.plain ? console_close_block(console, text) : 0;
        if (closed > 0) {
            break;
        }
        PyObject *more = NULL;
        status = closed < 0 ? TERM_ERROR : console_ask(console, "ps2", "... ", &more);
        if (status == TERM_LINE && console_lengthen(text, more) < 0) {
            status = TERM_ERROR;
        }
        Py_XDECREF(more);
        if (status == TERM_EOF) {
            status = console_say(console, "") < 0 ? TERM_ERROR : TERM_DROPPED;
        }
        if (status != TERM_LINE) {
            Py_CLEAR(*text);
        }
    }
    return status;
}

/* ---- the history ---- */

/* Find its file, or look what is new in it, and tell what is wrong with it. -1 with an exception. */
static int
console_visit_history(Console *console, void (*visit)(History *, char *, size_t))
{
    char complaint[HISTORY_COMPLAINT] = "";
    visit(&history, complaint, sizeof complaint);
    return complaint[0] == '\0' ? 0 : console_say(console, "%s", complaint);
}

/* Keep an input. -1 with an exception. */
static int
console_remember(Console *console, PyObject *text)
{
    if (!console->talk.has_term) {
        return 0;
    }
    PyObject *stripped = PyObject_CallMethod(text, "rstrip", NULL);
    PyObject *bytes = stripped == NULL ? NULL : PyUnicode_EncodeFSDefault(stripped);
    if (bytes != NULL) {
        history_keep(&history, PyBytes_AsString(bytes));
    }
    PyErr_Clear(); /* not text: not worth remembering */
    Py_XDECREF(bytes);
    Py_XDECREF(stripped);
    return console_visit_history(console, history_load); /* what could not be written is told */
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
    PyObject *bytes = PyUnicode_EncodeFSDefault(text);
    if (bytes == NULL) {
        PyErr_Clear();
        return console_run_python(console, text); /* which says what is wrong with it */
    }
    Line line = words_split(PyBytes_AsString(bytes));
    long listed = console->listed;
    const Command *command;
    PyObject *python = NULL;
    if (console_find_command(console, &line, text, &command) < 0) {
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
        python = console_take_python(&line, text);
        ret = python == NULL ? -1 : console_run_python(console, python);
    }
done:
    Py_XDECREF(python);
    Py_DECREF(bytes);
    return ret;
}

static int
console_loop(Console *console)
{
    while (!console->left) {
        PyObject *text;
        TermStatus status = console_read(console, &text);
        int failed = 0;
        switch (status) {
        case TERM_LINE:
            failed = console_remember(console, text) < 0 || console_do(console, text) < 0;
            Py_DECREF(text);
            break;
        case TERM_INTERRUPTED:
            failed = console_say(console, "KeyboardInterrupt") < 0;
            break;
        case TERM_EOF:
            failed = console_say(console, "") < 0;
            console->left = 1;
            break;
        case TERM_DROPPED:
            failed = console_say(console, "the block was not finished, and is dropped") < 0;
            break;
        case TERM_ERROR:
            failed = 1;
            break;
        }
        if (failed && !console->talk.has_term && PyErr_ExceptionMatches(PyExc_Exception)) {
            console_show_error(console, NULL); /* of what stands in for input(): no fault of the program's */
            break;
        }
        if (failed) {
            return -1;
        }
    }
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
    PyObject *level, *scope;
    Py_ssize_t at = 0;
    int ret = 0;
    while (ret == 0 && PyDict_Next(console->scopes, &at, &level, &scope)) {
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
            ret = console_say(console, "not written back: %U (\"write\" or hook(overwrite_locals=True) does)", names);
        }
        Py_XDECREF(names);
        Py_XDECREF(comma);
        Py_XDECREF(pending);
    }
    return ret;
}

static void
console_close(Console *console)
{
    PyObject *level, *scope;
    Py_ssize_t at = 0;
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (console_tell_pending(console) < 0) {
        PyErr_Clear();
    }
    if (console->runner != NULL && talk_enter(&console->talk) == 0) {
        await_close(&console->runner);
        talk_leave(&console->talk);
    }
    while (PyDict_Next(console->scopes, &at, &level, &scope)) {
        scope_close((Namespace *)scope);
    }
    talk_close(&console->talk);
    source_clear(&console->parsed);
    Py_CLEAR(console->scopes);
    Py_CLEAR(console->shared);
    Py_CLEAR(console->runner);
    Py_CLEAR(console->show.folded);
    Py_CLEAR(console->thread);
    frame_view_close(&console->view);
    PyErr_Restore(type, value, traceback);
}

int
console_run(ModuleState *state, PyObject *frame, PyObject *banner, PyObject *complaint, int overwrite,
            const char **why)
{
    int ret = -1;
    Console console = {.state = state, .overwrite = overwrite};
    *why = NULL;
    int is_main = turn_is_main_thread(&console.thread);
    int talking = talk_open(&console.talk, is_main, why);
    if (talking <= 0) {
        Py_CLEAR(console.thread);
        return talking;
    }
    *why = NULL;
    console.show.talk = &console.talk;
    frame_view_open(&console.view, frame);
    console.scopes = PyDict_New();
    console.shared = PyDict_New();
    if (console.scopes == NULL || console.shared == NULL || console_enter_scope(&console) < 0) {
        goto done;
    }
    if ((complaint != NULL && console_say(&console, "%U", complaint) < 0) || console_say(&console, "%U", banner) < 0) {
        goto done;
    }
    if (console.talk.has_term && console_visit_history(&console, history_open) < 0) {
        goto done;
    }
    ret = console_loop(&console);
done:
    console_close(&console);
    return ret;
}
