/* Commands about watchpoints: watch, unwatch. */
#include "command.h"

#include <string.h>

#include "compat.h"
#include "watch.h"
#include "watch_hit.h"

static int
watch_list(Console *console)
{
    Watches *all = console->state->watches;
    if (all == NULL || all->count == 0) {
        return console_say(console, "nothing is watched");
    }
    int ret = 0;
    for (Py_ssize_t i = 0; ret == 0 && i < all->count; i++) {
        Watch *watch = (Watch *)Py_NewRef((PyObject *)all->list[i]);
        PyObject *text = watch_describe(watch);
        ret = text == NULL ? -1 : console_say(console, "%U", text);
        Py_XDECREF(text);
        Py_DECREF((PyObject *)watch);
    }
    return ret;
}

/* Does the text parse as an expression? (What is wrong with it is told later.) */
static bool
watch_is_expression(const char *text, size_t size)
{
    PyObject *bytes = PyBytes_FromStringAndSize(text, (Py_ssize_t)size);
    PyObject *code = bytes == NULL ? NULL : Py_CompileString(PyBytes_AsString(bytes), "<hook: watch>", Py_eval_input);
    bool is = code != NULL;
    PyErr_Clear();
    Py_XDECREF(code);
    Py_XDECREF(bytes);
    return is;
}

/* Where the ` if ` stands that parts a target from its condition: NULL without one. */
static const char *
watch_find_condition(const char *rest)
{
    const char *target = strncmp(rest, "global ", 7) == 0 ? rest + 7 : rest;
    for (const char *at = strstr(target, " if "); at != NULL; at = strstr(at + 1, " if ")) {
        if (watch_is_expression(target, (size_t)(at - target)) && watch_is_expression(at + 4, strlen(at + 4))) {
            return at;
        }
    }
    return NULL;
}

static int
watch_run(Console *console, const char *rest)
{
    static const char READ[] = "--read";
    WatchAsk ask = {0};
    int ret = -1;
    if (*rest == '\0') {
        return watch_list(console);
    }
    if (strncmp(rest, READ, sizeof READ - 1) == 0 && (rest[sizeof READ - 1] == ' ' || rest[sizeof READ - 1] == '\0')) {
        ask.read = 1;
        rest += sizeof READ - 1;
        rest += strspn(rest, " ");
    }
    if (*rest == '\0' || (*rest == '-' && rest[1] == '-')) {
        return command_usage(&cmd_watch);
    }
    const char *condition = watch_find_condition(rest);
    size_t size = condition == NULL ? strlen(rest) : (size_t)(condition - rest);
    while (size > 0 && rest[size - 1] == ' ') {
        size--;
    }
    PyObject *target = PyUnicode_DecodeFSDefaultAndSize(rest, (Py_ssize_t)size);
    PyObject *when = condition == NULL ? NULL : PyUnicode_DecodeFSDefault(condition + 4);
    if (target != NULL && (condition == NULL || when != NULL)) {
        ask.text = target;
        ask.when = when;
        Watch *watch = watch_add(console->state, console->scope, &ask);
        PyObject *text = watch == NULL ? NULL : watch_describe(watch);
        ret = text == NULL ? -1 : console_say(console, "watch %U", text);
        Py_XDECREF(text);
        Py_XDECREF((PyObject *)watch);
    }
    Py_XDECREF(when);
    Py_XDECREF(target);
    return ret;
}

const Command cmd_watch = {
    .name = "watch", .alias = "", .usage = "[--read] [[global] TARGET [if EXPR]]", .family = "change",
    .summary = "stop when a variable, attribute or item changes",
    .detail = "TARGET is a NAME, OBJ.attr, D[key] or L[i]. The console opens at the next instruction of the code that "
              "has changed it. NAME is a variable of the chosen frame, in this call of the function, else a global. "
              "OBJ, D and L are evaluated once, now. With `if` it stops only where EXPR holds, in the frame of the "
              "code that did it, with `old` and `new`. With --read a global stops when it is read. Without a target "
              "the watches are listed.",
    .takes = TAKES_EXPRESSION,
    .run = watch_run,
};

static int
unwatch_run(Console *console, const char *rest)
{
    long number;
    if (*rest == '\0') {
        return command_usage(&cmd_unwatch);
    }
    PyObject *which = words_number(rest, &number) ? PyLong_FromLong(number) : PyUnicode_DecodeFSDefault(rest);
    Py_ssize_t removed = which == NULL ? -1 : watch_remove_named(console->state, which);
    Py_XDECREF(which);
    return removed < 0 ? -1 : console_say(console, removed == 1 ? "1 watch ended" : "%zd watches ended", removed);
}

const Command cmd_unwatch = {
    .name = "unwatch", .alias = "", .usage = "N | TARGET | all", .family = "change",
    .summary = "end a watch, or all",
    .detail = "",
    .takes = TAKES_WORDS, .words = "all",
    .run = unwatch_run,
};
