/* Inputs of a console, see input.h. */
#include "input.h"

#include <string.h>

#include "dedent.h"
#include "node.h"
#include "script.h"

/* What was typed, in whichever console. Guarded by the GIL. */
static History history;

/* ---- what it is ---- */

/* Without what all of it is indented by. New reference. */
static PyObject *
input_dedent(PyObject *text)
{
    PyObject *bytes = PyUnicode_AsUTF8String(text);
    if (bytes == NULL) {
        PyErr_Clear(); /* no text: the compiler says so */
        return Py_NewRef(text);
    }
    Buffer code = {0};
    bool taken = dedent_code(PyBytes_AsString(bytes), (size_t)PyBytes_Size(bytes), &code);
    PyObject *dedented = !taken         ? Py_NewRef(text)
                         : code.failed ? PyErr_NoMemory()
                                       : PyUnicode_DecodeUTF8(code.bytes, (Py_ssize_t)code.size, NULL);
    buffer_free(&code);
    Py_DECREF(bytes);
    return dedented;
}

PyObject *
input_take_python(const Line *line, PyObject *text)
{
    if (line->kind == LINE_SESSION) {
        Buffer inputs = {0};
        words_take_inputs(line->word, &inputs);
        PyObject *taken = inputs.failed ? PyErr_NoMemory() : PyUnicode_DecodeFSDefaultAndSize(inputs.bytes,
                                                                                            (Py_ssize_t)inputs.size);
        buffer_free(&inputs);
        return taken;
    }
    return input_dedent(text);
}

/* Is a line whose first word is a command's name Python all the same? 1, 0, -1. */
static int
input_is_python(Console *console, const Line *line, PyObject *text)
{
    Source source;
    int ret = -1;
    PyObject *name = PyUnicode_FromStringAndSize(line->word, (Py_ssize_t)line->word_len);
    if (name == NULL || source_init(&source, console->state, text) < 0) {
        Py_XDECREF(name);
        return -1;
    }
    SourceStatus status = source_parse(&source);
    if (status == SOURCE_ERROR && !PyErr_ExceptionMatches(PyExc_KeyboardInterrupt)) {
        PyErr_Clear();
        ret = 0;
    }
    else if (status != SOURCE_ERROR) {
        ret = status == SOURCE_COMPLETE ? node_assigns(source.body, PyUnicode_AsUTF8AndSize(name, NULL)) : 0;
        if (ret == 0) {
            ret = scope_is_users(console->scope, name);
        }
    }
    source_clear(&source);
    Py_DECREF(name);
    return ret;
}

int
input_find_command(Console *console, const Line *line, PyObject *text, const Command **command)
{
    *command = line->kind == LINE_PLAIN || line->kind == LINE_FORCED ? command_find(line) : NULL;
    if (*command == NULL || line->kind == LINE_FORCED) {
        return 0;
    }
    int python = input_is_python(console, line, text);
    if (python != 0) {
        *command = NULL;
    }
    return python < 0 ? -1 : 0;
}

/* Is an input one that can be run, or will never be? What cannot be found out is: running it says why. -1 with a
 * KeyboardInterrupt. */
static int
input_is_done(Console *console, PyObject *text)
{
    int done = 1;
    PyObject *bytes = PyUnicode_EncodeFSDefault(text);
    PyObject *python = NULL;
    if (bytes != NULL) {
        const Command *command;
        Line line = words_split(PyBytes_AsString(bytes));
        if (line.kind != LINE_FORCED && input_find_command(console, &line, text, &command) == 0 && command == NULL) {
            python = input_take_python(&line, text);
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
    if (PyErr_Occurred() && PyErr_ExceptionMatches(PyExc_KeyboardInterrupt)) {
        done = -1;
    }
    else {
        PyErr_Clear();
    }
    Py_XDECREF(python);
    Py_XDECREF(bytes);
    return done;
}

/* ---- what the terminal asks, see TermClient ---- */

static bool
input_client_is_done(void *context, const char *bytes)
{
    talk_look();
    PyObject *text = PyUnicode_DecodeFSDefault(bytes);
    bool done = text == NULL || input_is_done(context, text) != 0;
    PyErr_Clear();
    Py_XDECREF(text);
    return done;
}

static bool
input_client_is_command(void *context, const char *word)
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

/* Is a name in UTF-8 the same bytes in the terminal's encoding? */
static bool
input_is_typeable(const char *name)
{
    PyObject *text = PyUnicode_FromString(name);
    PyObject *bytes = text == NULL ? NULL : PyUnicode_EncodeFSDefault(text);
    bool same = bytes != NULL && strcmp(PyBytes_AsString(bytes), name) == 0;
    PyErr_Clear();
    Py_XDECREF(bytes);
    Py_XDECREF(text);
    return same;
}

static void
input_keep_typeable(Matches *matches)
{
    for (size_t i = matches->kept; i > 0; i--) {
        const char *name = matches->names[i - 1];
        bool is_ascii = true;
        for (const char *c = name; *c != '\0'; c++) {
            is_ascii &= (unsigned char)*c < 0x80;
        }
        if (!is_ascii && !input_is_typeable(name)) {
            matches_remove(matches, i - 1);
        }
    }
}

static void
input_client_complete(void *context, const char *text, size_t point, bool ignore_case, Completion *completion)
{
    Console *console = context;
    PyObject *decoded = PyUnicode_DecodeFSDefault(text);
    const char *utf8 = decoded == NULL ? NULL : PyUnicode_AsUTF8AndSize(decoded, NULL);
    if (utf8 != NULL && strcmp(utf8, text) == 0) { /* else another encoding, in which offsets would differ */
        complete_at(console->state, console->scope, text, point, ignore_case, completion);
        input_keep_typeable(&completion->matches);
    }
    PyErr_Clear();
    Py_XDECREF(decoded);
}

static const History *
input_client_history(void *Py_UNUSED(context))
{
    char complaint[HISTORY_COMPLAINT] = "";
    history_load(&history, complaint, sizeof complaint);
    if (complaint[0] != '\0') {
        term_notify(complaint);
    }
    return &history;
}

/* ---- reading ---- */

/* The prompt to show: sys.ps1 or ps2 if the user has set it, with the thread's name before it. */
static PyObject *
input_prompt(Console *console, const char *which, const char *standard)
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

/* The prompts of an input, or of a further line of it: new references. -1 with an exception. */
static int
input_prompts(Console *console, int further, PyObject **prompt, PyObject **more)
{
    *prompt = input_prompt(console, further ? "ps2" : "ps1", further ? "... " : ">>> ");
    *more = *prompt == NULL ? NULL : input_prompt(console, "ps2", "... ");
    if (*more == NULL) {
        Py_CLEAR(*prompt);
        return -1;
    }
    return 0;
}

static TermStatus
input_ask(Console *console, int further, PyObject **text)
{
    TermClient client = {console, input_client_is_done, input_client_is_command, input_client_complete,
                         input_client_history};
    if (console->talk.beside) {
        return talk_ask(&console->talk, further, &client, text);
    }
    PyObject *prompt, *more;
    if (input_prompts(console, further, &prompt, &more) < 0) {
        return TERM_ERROR;
    }
    TermStatus status = talk_read(&console->talk, prompt, more, &client, text);
    Py_DECREF(more);
    Py_DECREF(prompt);
    return status;
}

int
input_begin(Console *console)
{
    PyObject *prompt, *more;
    if (input_prompts(console, 0, &prompt, &more) < 0) {
        return -1;
    }
    talk_begin(&console->talk, prompt, more);
    Py_DECREF(more);
    Py_DECREF(prompt);
    return 0;
}

/* Add lines to an input, `more` or a blank one, in its place. -1 with an exception. */
static int
input_lengthen(PyObject **text, PyObject *more)
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
input_close_block(Console *console, PyObject **text)
{
    PyObject *closed = Py_NewRef(*text);
    int ret = input_lengthen(&closed, NULL) < 0 ? -1 : input_is_done(console, closed);
    if (ret == 1) {
        Py_SETREF(*text, Py_NewRef(closed));
    }
    Py_DECREF(closed);
    return ret;
}

/* Can it be run now? 1, and 0 if there must be more; -1 with an exception. */
static int
input_is_whole(Console *console, PyObject **text)
{
    int done = input_is_done(console, *text);
    if (done == 0 && console->talk.has_term && !console->talk.term.plain) {
        done = input_close_block(console, text);
    }
    return done;
}

/* Read another line of an input that is not whole. */
static TermStatus
input_read_more(Console *console, PyObject **text)
{
    PyObject *more = NULL;
    TermStatus status = input_ask(console, 1, &more);
    if (status == TERM_LINE && input_lengthen(text, more) < 0) {
        status = TERM_ERROR;
    }
    if (status == TERM_EOF) {
        status = console_say(console, "") < 0 ? TERM_ERROR : TERM_DROPPED;
    }
    Py_XDECREF(more);
    return status;
}

/* Show an input that was not typed as if it were, but to what stands in for input(): that shows no prompt here. */
static int
input_echo(Console *console, PyObject *text)
{
    PyObject *prompt = NULL, *more = NULL, *shown = NULL;
    if (!console->talk.has_term && !console->talk.alone) {
        return 0;
    }
    prompt = input_prompt(console, "ps1", ">>> ");
    more = prompt == NULL ? NULL : input_prompt(console, "ps2", "... ");
    PyObject *begin = more == NULL ? NULL : PyUnicode_FromFormat("\n%U", more);
    shown = begin == NULL ? NULL : PyObject_CallMethod(text, "replace", "sO", "\n", begin);
    int ret = shown == NULL ? -1 : console_say(console, "%U%U", prompt, shown);
    Py_XDECREF(shown);
    Py_XDECREF(begin);
    Py_XDECREF(more);
    Py_XDECREF(prompt);
    return ret;
}

/* An input that was written down. It is whole, or ends with the next blank line. */
static TermStatus
input_read_script(Console *console, PyObject **text)
{
    *text = script_take(console->state);
    int done = *text == NULL || input_echo(console, *text) < 0 ? -1 : input_is_done(console, *text);
    if (done == 0) {
        done = input_close_block(console, text);
    }
    return done < 0 ? TERM_ERROR : TERM_LINE;
}

TermStatus
input_read(Console *console, PyObject **text)
{
    int whole = 0;
    TermStatus status;
    *text = NULL;
    console->scripted = script_has(console->state);
    if (console->scripted) {
        status = input_read_script(console, text);
        whole = status == TERM_LINE;
    }
    else {
        status = input_ask(console, 0, text);
        while (status == TERM_LINE && (whole = input_is_whole(console, text)) == 0) {
            status = input_read_more(console, text);
        }
    }
    if (status == TERM_LINE && whole < 0) {
        status = TERM_ERROR;
    }
    if (status == TERM_ERROR && PyErr_ExceptionMatches(PyExc_KeyboardInterrupt)) {
        PyErr_Clear(); /* while it was looked at */
        status = TERM_INTERRUPTED;
    }
    if (status != TERM_LINE) {
        Py_CLEAR(*text);
    }
    return status;
}

/* ---- the history ---- */

/* Have it look at its file, and tell what is wrong with that. -1 with an exception. */
static int
input_visit_history(Console *console, void (*visit)(History *, char *, size_t))
{
    char complaint[HISTORY_COMPLAINT] = "";
    visit(&history, complaint, sizeof complaint);
    return complaint[0] == '\0' ? 0 : console_say(console, "%s", complaint);
}

int
input_open_history(Console *console)
{
    return console->talk.has_term ? input_visit_history(console, history_open) : 0;
}

void
input_take_over_history(void)
{
    history_take_over(&history);
}

int
input_remember(Console *console, PyObject *text)
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
    return input_visit_history(console, history_load); /* what could not be written is told */
}
