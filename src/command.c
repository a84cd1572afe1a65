/* The table of commands, see command.h; and `help`, which reads it. */
#include "command.h"

#include <string.h>

static int help_run(Console *console, const char *rest);

const Command cmd_help = {
    .name = "help", .alias = "", .usage = "[COMMAND]", .family = "look",
    .summary = "list the commands, or tell about one",
    .detail = "help(OBJ) is Python's own.",
    .takes = TAKES_COMMAND,
    .run = help_run,
};

const Command *const COMMANDS[] = {
    &cmd_help, &cmd_where, &cmd_up, &cmd_down, &cmd_frame, &cmd_exceptions,
    &cmd_list, &cmd_source, &cmd_locals, &cmd_doc, &cmd_pp,
    &cmd_write, &cmd_overwrite, &cmd_watch, &cmd_unwatch,
    &cmd_dump, &cmd_load, &cmd_snapshot, &cmd_diff,
    &cmd_retry, &cmd_return, &cmd_skip,
    &cmd_continue, &cmd_off, &cmd_after, &cmd_when, &cmd_throw, &cmd_abort,
    &cmd_mark, &cmd_rewind, &cmd_commit,
    NULL,
};

/* Is the word one of the words of `names`? */
static int
command_among(const Line *line, const char *names)
{
    while (*names != '\0') {
        size_t size = strcspn(names, " ");
        if (size == line->word_len && memcmp(names, line->word, size) == 0) {
            return 1;
        }
        names += size + (names[size] == ' ');
    }
    return 0;
}

const Command *
command_find(const Line *line)
{
    for (const Command *const *command = COMMANDS; *command != NULL; command++) {
        if (words_equal(line, (*command)->name) || command_among(line, (*command)->alias)) {
            return *command;
        }
    }
    return NULL;
}

int
command_usage(const Command *command)
{
    PyErr_Format(PyExc_ValueError, "usage: %s%s%s", command->name, *command->usage ? " " : "", command->usage);
    return -1;
}

int
command_no_argument(const Command *command, const char *rest)
{
    if (*rest == '\0') {
        return 0;
    }
    PyErr_Format(PyExc_ValueError, "%s takes no argument (a space before the line makes it Python)", command->name);
    return -1;
}

/* A text of several sentences, wrapped between words. */
static int
help_detail(Console *console, const char *detail)
{
    PyObject *textwrap = compat_import("textwrap"), *text = PyUnicode_FromString(detail);
    PyObject *fill = textwrap == NULL ? NULL : PyObject_GetAttrString(textwrap, "fill");
    PyObject *args = fill == NULL || text == NULL ? NULL : Py_BuildValue("(Oi)", text, talk_columns(&console->talk));
    PyObject *named = args == NULL ? NULL : Py_BuildValue("{ssss}", "initial_indent", "    ", "subsequent_indent",
                                                          "    ");
    PyObject *filled = named == NULL ? NULL : PyObject_Call(fill, args, named);
    int ret = filled == NULL ? -1 : console_say(console, "%U", filled);
    Py_XDECREF(filled);
    Py_XDECREF(named);
    Py_XDECREF(args);
    Py_XDECREF(fill);
    Py_XDECREF(text);
    Py_XDECREF(textwrap);
    return ret;
}

static int
help_one(Console *console, const Command *command)
{
    int ret = console_say(console, "%s%s%s", command->name, *command->usage ? " " : "", command->usage);
    if (ret == 0 && *command->alias != '\0') {
        ret = console_say(console, "    also: %s", command->alias);
    }
    if (ret == 0) {
        ret = console_say(console, "    %s", command->summary);
    }
    return ret == 0 && *command->detail != '\0' ? help_detail(console, command->detail) : ret;
}

static int
help_all(Console *console)
{
    const char *family = "";
    int ret = 0;
    for (const Command *const *at = COMMANDS; ret == 0 && *at != NULL; at++) {
        enum { USAGE_WIDTH = 28 };
        char left[64];
        if (strcmp(family, (*at)->family) != 0) {
            family = (*at)->family;
            ret = console_say(console, "%s", family);
        }
        snprintf(left, sizeof left, "%s %s", (*at)->name, (*at)->usage);
        /* PyUnicode_FromFormat() pads no strings on 3.11 */
        for (size_t size = strlen(left); size < USAGE_WIDTH; size++) {
            left[size] = ' ';
            left[size + 1] = '\0';
        }
        ret = ret < 0 ? ret : console_say(console, "  %s%s", left, (*at)->summary);
    }
    if (ret == 0) {
        ret = console_say(console, "Anything else is Python. Your own variables win over commands of the same name:\n"
                                   "%%list is always the command, a space before a line makes it Python.\n"
                                   "name? is `doc name`, name?? is `source name`.");
    }
    return ret;
}

static int
help_run(Console *console, const char *rest)
{
    if (*rest == '\0') {
        return help_all(console);
    }
    Line line = words_split(*rest == '%' ? rest + 1 : rest);
    const Command *command = line.kind == LINE_PLAIN ? command_find(&line) : NULL;
    if (command == NULL) {
        PyErr_Format(PyExc_ValueError, "no command %s: `help` lists them, help(OBJ) is Python's own", rest);
        return -1;
    }
    return help_one(console, command);
}

PyObject *
command_table(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    PyObject *table = PyList_New(0);
    for (const Command *const *at = COMMANDS; table != NULL && *at != NULL; at++) {
        const Command *c = *at;
        PyObject *row = Py_BuildValue("{s:s,s:s,s:s,s:s,s:s,s:s}", "name", c->name, "alias", c->alias,
                                      "usage", c->usage, "family", c->family, "summary", c->summary,
                                      "detail", c->detail);
        if (row == NULL || PyList_Append(table, row) < 0) {
            Py_CLEAR(table);
        }
        Py_XDECREF(row);
    }
    return table;
}
