/* Commands that change the program: write, overwrite. */
#include "command.h"

#include "compat.h"

#include <string.h>

/* "written: a, b", or that there was nothing. */
static int
change_tell(Console *console, PyObject *written)
{
    PyObject *comma = PyUnicode_FromString(", ");
    PyObject *names = comma == NULL ? NULL : PyUnicode_Join(comma, written);
    int ret = names == NULL                  ? -1
              : PyList_Size(written) == 0    ? 0
                                             : console_say(console, "written: %U", names);
    Py_XDECREF(names);
    Py_XDECREF(comma);
    return ret < 0 ? ret : console_tell_refusals(console);
}

/* The names given, as a list; each must be one that the prompt has. */
static PyObject *
write_names(Console *console, const char *rest)
{
    PyObject *text = PyUnicode_FromString(rest);
    PyObject *spaced = text == NULL ? NULL : PyObject_CallMethod(text, "replace", "ss", ",", " ");
    PyObject *names = spaced == NULL ? NULL : PyUnicode_Split(spaced, NULL, -1);
    for (Py_ssize_t i = 0; names != NULL && i < PyList_Size(names); i++) {
        PyObject *value;
        PyObject *name = PyList_GetItem(names, i);
        int found = PyUnicode_IsIdentifier(name) ? scope_get(console->scope, name, &value) : 0;
        if (found == 1) {
            Py_DECREF(value);
            continue;
        }
        if (found == 0) {
            PyErr_Format(PyExc_NameError, "name '%U' is not defined here", name);
        }
        Py_CLEAR(names);
    }
    Py_XDECREF(spaced);
    Py_XDECREF(text);
    return names;
}

/* What is pending in every frame that was visited, the chosen one or not. A new list of the names written. */
static PyObject *
write_all(Console *console)
{
    PyObject *frame, *scope;
    Py_ssize_t at = 0;
    PyObject *all = PyList_New(0);
    while (all != NULL && PyDict_Next(console->scopes, &at, &frame, &scope)) {
        PyObject *written = scope_write((Namespace *)scope, NULL);
        PyObject *longer = written == NULL ? NULL : PySequence_InPlaceConcat(all, written);
        Py_XDECREF(written);
        Py_SETREF(all, longer);
    }
    return all;
}

static int
write_run(Console *console, const char *rest)
{
    PyObject *names = *rest == '\0' ? NULL : write_names(console, rest);
    if (names == NULL && *rest != '\0') {
        return -1;
    }
    PyObject *written = names == NULL ? write_all(console) : scope_write(console->scope, names);
    Py_XDECREF(names);
    if (written == NULL) {
        return -1;
    }
    int ret = change_tell(console, written);
    if (ret == 0 && PyList_Size(written) == 0) {
        ret = console_say(console, "nothing to write: no variable of a frame differs at the prompt");
    }
    Py_DECREF(written);
    return ret;
}

const Command cmd_write = {
    .name = "write", .alias = "", .usage = "[NAME...]", .family = "change",
    .summary = "write variables changed here to the frame",
    .detail = "Without names all that differ, in every frame visited. Needed only while overwrite is\noff.",
    .takes = TAKES_NAMES,
    .run = write_run,
};

static int
overwrite_run(Console *console, const char *rest)
{
    int on = strcmp(rest, "on") == 0;
    if (*rest == '\0') {
        return console_say(console, "overwrite is %s", scope_overwrites(console->scope) ? "on" : "off");
    }
    if (!on && strcmp(rest, "off") != 0) {
        return command_usage(&cmd_overwrite);
    }
    Py_ssize_t at = 0;
    PyObject *frame, *scope;
    while (PyDict_Next(console->scopes, &at, &frame, &scope)) { /* every frame visited */
        scope_set_overwrite((Namespace *)scope, on);
    }
    console->overwrite = on;
    PyObject *written = on ? write_all(console) : PyList_New(0);
    int ret = written == NULL ? -1 : change_tell(console, written);
    Py_XDECREF(written);
    return ret < 0 ? ret : console_say(console, "overwrite is %s", on ? "on" : "off");
}

const Command cmd_overwrite = {
    .name = "overwrite", .alias = "", .usage = "[on|off]", .family = "change",
    .summary = "switch writing to the frame at once",
    .detail = "Switched on, it first writes what is pending.",
    .takes = TAKES_WORDS, .words = "on off",
    .run = overwrite_run,
};
