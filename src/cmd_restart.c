/* Commands that say how a rescued function or block goes on: retry, return, skip. */
#include "command.h"

/* Refuse where there is nothing rescued, or not what the command is about: -1 with an exception. */
static int
restart_applies(Console *console, const char *name, ConsoleWays ways, const char *otherwise)
{
    if (console->ways == ways) {
        return 0;
    }
    if (console->ways == WAYS_CALL || console->ways == WAYS_BLOCK) {
        PyErr_SetString(PyExc_ValueError, otherwise);
    }
    else {
        PyErr_Format(PyExc_ValueError, "%s is for %s that are rescued (help(hooking.rescue)), and %s", name,
                     ways == WAYS_CALL ? "functions" : "`with` blocks",
                     console->ways == WAYS_HOOK ? "here hook() has opened the console"
                                                : "none of those has opened the console");
    }
    return -1;
}

static int
retry_run(Console *console, const char *rest)
{
    if (command_no_argument(&cmd_retry, rest) < 0
        || restart_applies(console, "retry", WAYS_CALL, "a `with` block cannot be run again, and a rescued function "
                           "could be: skip goes on behind the block") < 0
        || console->restarts->retry(console, console->restarts->context) < 0) {
        return -1;
    }
    console->end.choice = CHOICE_RETRY;
    console->left = 1;
    return 0;
}

const Command cmd_retry = {
    .name = "retry", .alias = "", .usage = "", .family = "restart",
    .summary = "call the rescued function again",
    .detail = "With the arguments it had; a parameter that you have changed in its frame has the value that you gave "
              "it, and what else you have changed in frames that end is named. If you have reloaded its module or "
              "defined it anew, it is the new one that is called. A generator begins from its start.",
    .run = retry_run,
};

static int
return_run(Console *console, const char *rest)
{
    if (restart_applies(console, "return", WAYS_CALL, "a `with` block returns nothing: skip goes on behind it") < 0) {
        return -1;
    }
    if (*rest != '\0' && console->restarts->valueless) {
        PyErr_SetString(PyExc_ValueError, "an async generator returns no value: return alone ends it");
        return -1;
    }
    PyObject *value = *rest == '\0' ? Py_NewRef(Py_None) : console_eval(console, rest);
    if (value == NULL) {
        return -1;
    }
    console->end = (ConsoleEnd){CHOICE_RETURN, value};
    console->left = 1;
    return 0;
}

const Command cmd_return = {
    .name = "return", .alias = "", .usage = "[EXPR]", .family = "restart",
    .summary = "give the rescued function's caller a value",
    .detail = "None without EXPR. A generator ends with it; an async generator ends, and has no value.",
    .takes = TAKES_EXPRESSION,
    .run = return_run,
};

static int
skip_run(Console *console, const char *rest)
{
    if (command_no_argument(&cmd_skip, rest) < 0
        || restart_applies(console, "skip", WAYS_BLOCK, "skip is for `with rescue` blocks: "
                           "return EXPR gives the function's caller a value") < 0) {
        return -1;
    }
    console->end.choice = CHOICE_SKIP;
    console->left = 1;
    return 0;
}

const Command cmd_skip = {
    .name = "skip", .alias = "", .usage = "", .family = "restart",
    .summary = "go on behind the rescued `with` block",
    .detail = "",
    .run = skip_run,
};
