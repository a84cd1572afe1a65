/* The command about exceptions that belong together: exceptions. */
#include "command.h"

#include <string.h>

#include "chain.h"
#include "frame.h"
#include "report.h"

/* "FILE:LINE in FUNCTION", where it was raised; "not raised". New reference. */
static PyObject *
exceptions_place(PyObject *exception)
{
    PyObject *traceback = compat_traceback(exception);
    if (traceback == NULL) {
        return PyUnicode_FromString("not raised");
    }
    Stack stack;
    StackPlace place = {0};
    PyObject *text = NULL;
    if (stack_open(&stack, NULL, traceback) == 0) {
        stack_start(&stack, &place);
        PyObject *file = frame_filename(place.frame);
        PyObject *function = file == NULL ? NULL : frame_function(place.frame);
        text = function == NULL ? NULL : PyUnicode_FromFormat("%U:%d in %U", file, place.line, function);
        Py_XDECREF(function);
        Py_XDECREF(file);
    }
    stack_leave(&place);
    stack_close(&stack);
    Py_DECREF(traceback);
    return text;
}

/* One entry: "> #1    caused by KeyError: 'x'", and where it was raised in a second line. */
static int
exceptions_show_entry(Console *console, const ChainEntry *entry, long number)
{
    static const char *const links[] = {"", "", "caused by ", "while handling "};
    enum { INDENT = 2, DEEPEST = 10, MARGIN = 8, NARROWEST = 20 };
    const Show *show = &console->show;
    int chosen = entry->exception == console->current && entry->same < 0;
    int indent = INDENT * (entry->depth < DEEPEST ? entry->depth : DEEPEST);
    Py_ssize_t room = talk_columns(&console->talk) - MARGIN - indent - (Py_ssize_t)strlen(links[entry->link]);
    PyObject *headline = report_headline(entry->exception, room < NARROWEST ? NARROWEST : room);
    PyObject *place = headline == NULL ? NULL
                      : entry->same >= 0 ? PyUnicode_FromFormat("the same as #%ld", entry->same)
                                         : exceptions_place(entry->exception);
    const char *blanks = &"                    "[INDENT * DEEPEST - indent];
    int ret = -1;
    if (place != NULL) {
        ret = console_say(console, "%s%s%s #%ld  %s%s%U", chosen ? show_on(show, STYLE_MARK) : "", chosen ? ">" : " ",
                          chosen ? show_off(show) : "", number, blanks, links[entry->link], headline);
    }
    if (ret == 0) {
        ret = console_say(console, "        %s%s%U%s", blanks, show_on(show, STYLE_FILE), place, show_off(show));
    }
    Py_XDECREF(place);
    Py_XDECREF(headline);
    return ret;
}

static int
exceptions_show(Console *console, const Chain *chain, int all)
{
    enum { MOST = 50 };
    int ret = 0;
    long most = all ? chain->count : MOST;
    for (long i = 0; ret == 0 && i < chain->count && i < most; i++) {
        ret = exceptions_show_entry(console, &chain->entries[i], i);
    }
    if (ret == 0 && chain->count > most) {
        ret = console_say(console, "  ... %ld more: `exceptions all`", chain->count - most);
    }
    return ret < 0 ? -1 : scope_set_last(console->scope, console->current != NULL ? console->current
                                                                                 : console->exception);
}

static int
exceptions_go(Console *console, const Chain *chain, long number)
{
    if (number >= chain->count) {
        PyErr_Format(PyExc_ValueError, "there is no exception #%ld: `exceptions` lists %ld", number, chain->count);
        return -1;
    }
    PyObject *exception = chain->entries[number].exception;
    PyObject *summary = report_summary(exception);
    int ret = summary == NULL || console_say(console, "%U", summary) < 0
                      || scope_set_last(console->scope, exception) < 0 /* it may have no frames to go to */
                  ? -1 : console_go_to_exception(console, exception);
    Py_XDECREF(summary);
    return ret < 0 ? -1 : walk_show(console, &console->place, 1);
}

static int
exceptions_run(Console *console, const char *rest)
{
    long number = 0;
    Chain chain;
    int all = strcmp(rest, "all") == 0;
    int go = *rest != '\0' && !all;
    if (go && (!words_number(*rest == '#' ? rest + 1 : rest, &number) || number < 0)) {
        return command_usage(&cmd_exceptions);
    }
    if (console->exception == NULL) {
        PyErr_SetString(PyExc_ValueError, console->ways == WAYS_HOOK
                                              ? "no exception: hook() was not called in an `except` block"
                                              : console->ways == WAYS_SIGNAL
                                              ? "no exception: none is being handled here"
                                              : "no exception: only its traceback was given");
        return -1;
    }
    int ret = chain_open(&chain, console->exception);
    if (ret == 0) {
        ret = go ? exceptions_go(console, &chain, number) : exceptions_show(console, &chain, all);
    }
    chain_close(&chain);
    return ret;
}

const Command cmd_exceptions = {
    .name = "exceptions", .alias = "", .usage = "[N | all]", .family = "look",
    .summary = "list causes, contexts and members, or go to one",
    .detail = "`exceptions 2` goes to where #2 was raised, and `up` from there through the frames that it passed. > "
              "marks the one whose frames you are in. `_` is then the exception that you have gone to, or of the list "
              "the marked one, else #0.",
    .takes = TAKES_WORDS, .words = "all",
    .run = exceptions_run,
};
