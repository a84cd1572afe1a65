/* Commands that look at source and values: list, source, locals, doc, pp. */
#include "command.h"

#include <stdlib.h>
#include <string.h>

#include "compat.h"
#include "frame.h"
#include "scope_peek.h"

/* ---- source ---- */

enum { LIST_LINES = 11 };

/* What to list: "" goes on, "." is around the current line, "N" around N, "A,B" from A to B. */
static int
list_range(Console *console, const char *rest, long *first, long *last)
{
    char *end;
    long current = console->place.line;
    if (*rest == '\0' && console->listed > 0) {
        *first = console->listed + 1;
    }
    else if (*rest == '\0' || strcmp(rest, ".") == 0) {
        *first = current - LIST_LINES / 2;
    }
    else {
        long line = strtol(rest, &end, 10);
        if (end != rest && *end == ',') {
            *first = line;
            return words_number(end + 1, last) && line >= 1 && *last >= line ? 0 : command_usage(&cmd_list);
        }
        if (!words_number(rest, &line) || line < 1) {
            return command_usage(&cmd_list);
        }
        *first = line - LIST_LINES / 2;
    }
    *first = *first < 1 ? 1 : *first;
    *last = *first + LIST_LINES - 1;
    return 0;
}

/* The lines of the frame's source: a list of str, empty when it cannot be had. */
static PyObject *
list_lines(Console *console)
{
    PyObject *lines = NULL;
    PyObject *linecache = compat_import("linecache");
    PyObject *file = linecache == NULL ? NULL : frame_filename(console->place.frame);
    PyObject *globals = file == NULL ? NULL : frame_globals(console->place.frame);
    if (globals != NULL) {
        lines = PyObject_CallMethod(linecache, "getlines", "OO", file, globals);
    }
    Py_XDECREF(globals);
    Py_XDECREF(file);
    Py_XDECREF(linecache);
    return lines;
}

static int
list_show(Console *console, PyObject *lines, long first, long last)
{
    const Show *show = &console->show;
    PyObject *shown = show_lines(show, lines, first, last);
    int ret = shown == NULL ? -1 : 0;
    for (long number = first; ret == 0 && number <= last; number++) {
        int current = number == console->place.line;
        ret = console_say(console, "%s%s%s %s%4ld%s  %U", current ? show_on(show, STYLE_MARK) : "",
                          current ? "->" : "  ", current ? show_off(show) : "", show_on(show, STYLE_COMMENT), number,
                          show_off(show), PyList_GetItem(shown, number - first));
        console->listed = number;
    }
    Py_XDECREF(shown);
    return ret;
}

static int
list_run(Console *console, const char *rest)
{
    long first = 1, last = 0;
    int ret = 0;
    if (list_range(console, rest, &first, &last) < 0) {
        return -1;
    }
    PyObject *lines = list_lines(console);
    Py_ssize_t count = lines == NULL ? -1 : PyList_Size(lines);
    if (count == 0) {
        PyObject *file = frame_filename(console->place.frame);
        ret = file == NULL ? -1 : console_say(console, "no source of %U", file);
        Py_XDECREF(file);
    }
    else if (count > 0 && first > count) {
        ret = console_say(console, "that is the end: line %zd is the last (`list .` goes back)", count);
    }
    if (ret == 0 && count > 0 && first <= count) {
        ret = list_show(console, lines, first, last < count ? last : count);
    }
    Py_XDECREF(lines);
    return count < 0 ? -1 : ret;
}

const Command cmd_list = {
    .name = "list", .alias = "", .usage = "[N | FIRST,LAST | .]", .family = "look",
    .summary = "show the source around the current line",
    .detail = "Again goes on; `list .` comes back; `list 42` is around line 42, `list 10,20` shows\nthose lines.",
    .run = list_run,
};

/* The text that inspect finds: a new reference. ("(O)" and not "O" in the calls here: a value that is a tuple would be
 * taken for all the arguments.) */
static PyObject *
source_get(PyObject *value)
{
    PyObject *inspect = compat_import("inspect");
    PyObject *text = inspect == NULL ? NULL : PyObject_CallMethod(inspect, "getsource", "(O)", value);
    Py_XDECREF(inspect);
    return text;
}

/* Print text with a newline at its end. */
static int
look_print(Console *console, PyObject *text)
{
    PyObject *stripped = PyObject_CallMethod(text, "rstrip", "s", "\n");
    int ret = stripped == NULL ? -1 : console_say(console, "%U", stripped);
    Py_XDECREF(stripped);
    return ret;
}

/* inspect's own words, which are set, for what could have a source: "could not get source code". */
static int
source_tell_why(Console *console, const char *expression)
{
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    PyErr_NormalizeException(&type, &error, &traceback);
    PyObject *why = PyObject_Str(error);
    int ret = why == NULL ? -1 : console_say(console, "no source of %s: %U", expression, why);
    Py_XDECREF(why);
    Py_XDECREF(type);
    Py_XDECREF(error);
    Py_XDECREF(traceback);
    return ret;
}

/* Of an object that is nothing like a function the class may have a source: which command shows it? A new reference to
 * a str; NULL without an exception when there is none. */
static PyObject *
source_of_class(Console *console, const char *expression, PyTypeObject *class)
{
    PyObject *command = NULL, *bound = NULL, *name = PyType_GetName(class), *text = source_get((PyObject *)class);
    if (text != NULL && name != NULL) {
        bound = scope_peek(console->scope, name);
        bool known = bound == (PyObject *)class;
        command = known ? PyUnicode_FromFormat("source %U", name) : PyUnicode_FromFormat("source type(%s)", expression);
    }
    PyErr_Clear();
    Py_XDECREF(bound);
    Py_XDECREF(name);
    Py_XDECREF(text);
    return command;
}

/* inspect takes no objects of that type, and its TypeError is set. */
static int
source_tell_type(Console *console, const char *expression, PyTypeObject *class)
{
    PyErr_Clear();
    PyObject *name = PyType_GetQualName(class), *command = source_of_class(console, expression, class);
    int ret = name == NULL      ? -1
              : command != NULL ? console_say(console, "%s is an object of type %U: `%U` shows its class", expression,
                                              name, command)
                                : console_say(console, "no source of %s: it is an object of type %U", expression, name);
    Py_XDECREF(command);
    Py_XDECREF(name);
    return ret;
}

static int
source_command_run(Console *console, const char *rest)
{
    if (*rest == '\0') {
        return command_usage(&cmd_source);
    }
    int ret = -1;
    PyObject *value = console_eval(console, rest), *shown = NULL;
    PyObject *text = value == NULL ? NULL : source_get(value);
    if (text != NULL) {
        shown = show_source(&console->show, text);
        ret = shown == NULL ? -1 : look_print(console, shown);
    }
    else if (value != NULL && PyErr_ExceptionMatches(PyExc_TypeError) && !PyType_Check(value)
             && !PyModule_Check(value)) {
        ret = source_tell_type(console, rest, Py_TYPE(value));
    }
    else if (value != NULL
             && (PyErr_ExceptionMatches(PyExc_OSError) || PyErr_ExceptionMatches(PyExc_TypeError))) {
        ret = source_tell_why(console, rest); /* a built-in module or class has none either, by TypeError */
    }
    Py_XDECREF(shown);
    Py_XDECREF(text);
    Py_XDECREF(value);
    return ret;
}

const Command cmd_source = {
    .name = "source", .alias = "", .usage = "OBJ", .family = "look",
    .summary = "show the source of a function, class, module",
    .detail = "",
    .takes = TAKES_EXPRESSION,
    .run = source_command_run,
};

/* ---- values ---- */

/* "NAME = VALUE", the value's repr cut to what fits on a line. */
static int
locals_show(Console *console, PyObject *shortener, PyObject *name, PyObject *value)
{
    PyObject *repr = PyObject_CallMethod(shortener, "repr", "(O)", value);
    if (repr == NULL) { /* a broken __repr__ is said, and the others are shown */
        PyObject *type, *error, *traceback;
        PyErr_Fetch(&type, &error, &traceback);
        repr = PyUnicode_FromFormat("<repr failed: %s>", PyExceptionClass_Name(type));
        Py_XDECREF(type);
        Py_XDECREF(error);
        Py_XDECREF(traceback);
    }
    PyObject *words = repr == NULL ? NULL : PyUnicode_Split(repr, NULL, -1);
    PyObject *space = PyUnicode_FromString(" ");
    PyObject *flat = words == NULL || space == NULL ? NULL : PyUnicode_Join(space, words);
    Py_ssize_t room = talk_columns(&console->talk) - PyUnicode_GetLength(name) - 4;
    room = room < 20 ? 20 : room;
    if (flat != NULL && PyUnicode_GetLength(flat) > room) {
        PyObject *start = PyUnicode_Substring(flat, 0, room - 3);
        Py_SETREF(flat, start == NULL ? NULL : PyUnicode_FromFormat("%U...", start));
        Py_XDECREF(start);
    }
    int ret = flat == NULL ? -1 : console_say(console, "%U = %U", name, flat);
    Py_XDECREF(flat);
    Py_XDECREF(space);
    Py_XDECREF(words);
    Py_XDECREF(repr);
    return ret;
}

/* reprlib: long containers are not walked to their ends. */
static PyObject *
locals_shortener(void)
{
    static const char *const limits[] = {"maxstring", "maxother", "maxlong"};
    PyObject *module = compat_import("reprlib");
    PyObject *shortener = module == NULL ? NULL : PyObject_CallMethod(module, "Repr", NULL);
    PyObject *limit = PyLong_FromLong(400);
    for (size_t i = 0; shortener != NULL && limit != NULL && i < sizeof limits / sizeof *limits; i++) {
        if (PyObject_SetAttrString(shortener, limits[i], limit) < 0) {
            Py_CLEAR(shortener);
        }
    }
    Py_XDECREF(limit);
    Py_XDECREF(module);
    return shortener;
}

static int
locals_is_dunder(PyObject *name)
{
    const char *text = PyUnicode_AsUTF8AndSize(name, NULL);
    size_t length = text == NULL ? 0 : strlen(text);
    PyErr_Clear();
    return length > 4 && memcmp(text, "__", 2) == 0 && memcmp(text + length - 2, "__", 2) == 0;
}

/* Those that are seldom wanted. */
static int
locals_is_hidden(PyObject *name)
{
    return locals_is_dunder(name) || PyUnicode_CompareWithASCIIString(name, "_") == 0;
}

/* Names (stolen; NULL with an exception) of the frame that the prompt is in; with `all` the hidden ones too. */
static int
locals_show_names(Console *console, PyObject *shortener, PyObject *names, int all)
{
    enum { MOST = 200 };
    int ret = names == NULL ? -1 : PyList_Sort(names);
    Py_ssize_t shown = 0, hidden = 0;
    for (Py_ssize_t i = 0; ret == 0 && i < PyList_Size(names); i++) {
        PyObject *value, *name = PyList_GetItem(names, i);
        if (!all && locals_is_hidden(name)) {
            continue;
        }
        if (!all && shown == MOST) {
            hidden++;
            continue;
        }
        shown++;
        int found = scope_get(console->scope, name, &value);
        ret = found <= 0 ? found : locals_show(console, shortener, name, value);
        Py_XDECREF(value);
    }
    if (ret == 0 && hidden > 0) {
        ret = console_say(console, "... %zd more: `locals all`", hidden);
    }
    if (ret == 0 && shown == 0) {
        ret = console_say(console, "no local names");
    }
    Py_XDECREF(names);
    return ret;
}

/* The names that belong to no frame. */
static int
locals_show_prompt(Console *console, PyObject *shortener)
{
    PyObject *values = scope_prompt_values(console->scope);
    PyObject *names = values == NULL ? NULL : PyDict_Keys(values);
    int ret = names == NULL ? -1 : PyList_Sort(names);
    int shown = 0;
    for (Py_ssize_t i = 0; ret == 0 && i < PyList_Size(names); i++) {
        PyObject *name = PyList_GetItem(names, i);
        if (locals_is_hidden(name)) {
            continue;
        }
        if (shown++ == 0) {
            ret = console_say(console, "  --- bound at the prompt, and seen from all frames ---");
        }
        if (ret == 0) {
            ret = locals_show(console, shortener, name, PyDict_GetItemWithError(values, name));
        }
    }
    Py_XDECREF(names);
    Py_XDECREF(values);
    return ret;
}

/* The frames around the one that the prompt is in, which it comes back to; a module's names are its globals, and too
 * many. */
static int
locals_show_frames(Console *console, PyObject *shortener)
{
    enum { AROUND = 20 };
    long level = console->place.level, deepest;
    long first = level > AROUND ? level - AROUND : 0;
    int ret = console_go(console, level + AROUND, &deepest) < 0 ? -1 : 0;
    for (long at = deepest; ret == 0 && at >= first; at--) {
        ret = console_go(console, at, &deepest) == 1 ? walk_show(console, &console->place, at == level) : -1;
        if (ret == 0 && !scope_is_module(console->scope)) {
            ret = locals_show_names(console, shortener, scope_frame_names(console->scope), 0);
        }
    }
    if (ret == 0) {
        ret = locals_show_prompt(console, shortener);
    }
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    int back = console_go(console, level, &deepest);
    if (type != NULL) {
        PyErr_Restore(type, value, traceback);
    }
    return back == 1 ? ret : -1;
}

static int
locals_run(Console *console, const char *rest)
{
    int all = strcmp(rest, "all") == 0, frames = strcmp(rest, "frames") == 0;
    if (*rest != '\0' && !all && !frames) {
        return command_usage(&cmd_locals);
    }
    PyObject *shortener = locals_shortener();
    int ret = shortener == NULL ? -1
              : frames          ? locals_show_frames(console, shortener)
                                : locals_show_names(console, shortener, scope_names(console->scope), all);
    Py_XDECREF(shortener);
    return ret;
}

const Command cmd_locals = {
    .name = "locals", .alias = "", .usage = "[all | frames]", .family = "look",
    .summary = "show the variables of the frame, a line each",
    .detail = "With `all` those like __name__ too, and however many there are. `locals frames` shows those of the 20 "
              "frames on either side too, and last what was bound at the prompt and belongs to none.",
    .takes = TAKES_WORDS, .words = "all frames",
    .run = locals_run,
};

/* Text about an object that it may not have, or not be able to give: None then. NULL only with what is no Exception,
 * as KeyboardInterrupt. */
static PyObject *
doc_none_if_failed(PyObject *text)
{
    if (text == NULL && PyErr_ExceptionMatches(PyExc_Exception)) {
        PyErr_Clear();
        return Py_NewRef(Py_None);
    }
    return text;
}

/* "(a, b)", or None: many builtins have none. */
static PyObject *
doc_signature(PyObject *inspect, PyObject *value)
{
    PyObject *signature = PyCallable_Check(value) ? PyObject_CallMethod(inspect, "signature", "(O)", value)
                                                  : Py_NewRef(Py_None);
    PyObject *text = signature == NULL || signature == Py_None ? Py_XNewRef(signature) : PyObject_Str(signature);
    Py_XDECREF(signature);
    return doc_none_if_failed(text);
}

static int
doc_run(Console *console, const char *rest)
{
    if (*rest == '\0') {
        return command_usage(&cmd_doc);
    }
    int ret = -1;
    PyObject *value = console_eval(console, rest);
    PyObject *inspect = value == NULL ? NULL : compat_import("inspect");
    PyObject *signature = inspect == NULL ? NULL : doc_signature(inspect, value);
    PyObject *doc = signature == NULL ? NULL : PyObject_CallMethod(inspect, "getdoc", "(O)", value);
    if (doc != NULL) {
        ret = signature == Py_None ? 0 : console_say(console, "%s%U", rest, signature);
    }
    if (ret == 0) {
        ret = doc == Py_None ? console_say(console, "no documentation") : look_print(console, doc);
    }
    Py_XDECREF(doc);
    Py_XDECREF(signature);
    Py_XDECREF(inspect);
    Py_XDECREF(value);
    return ret;
}

const Command cmd_doc = {
    .name = "doc", .alias = "", .usage = "OBJ", .family = "look",
    .summary = "show signature and documentation of an object",
    .detail = "",
    .takes = TAKES_EXPRESSION,
    .run = doc_run,
};

/* The value as pprint writes it: a str. */
static PyObject *
pp_format(Console *console, PyObject *value)
{
    PyObject *pprint = compat_import("pprint");
    PyObject *none = PyTuple_New(0);
    PyObject *kwargs = Py_BuildValue("{s:i, s:O}", "width", talk_columns(&console->talk) - 1,
                                     "sort_dicts", Py_False); /* as they were filled: as they are shown without pp */
    PyObject *type = pprint == NULL ? NULL : PyObject_GetAttrString(pprint, "PrettyPrinter");
    PyObject *printer = type == NULL || none == NULL || kwargs == NULL ? NULL : PyObject_Call(type, none, kwargs);
    PyObject *text = printer == NULL ? NULL : PyObject_CallMethod(printer, "pformat", "(O)", value);
    Py_XDECREF(printer);
    Py_XDECREF(type);
    Py_XDECREF(kwargs);
    Py_XDECREF(none);
    Py_XDECREF(pprint);
    return text;
}

/* `all` alone stands for what was shown last in part, unless it is a variable of the user's. */
static int
pp_is_all(Console *console, const char *rest)
{
    PyObject *name = strcmp(rest, "all") == 0 ? PyUnicode_FromString("all") : NULL;
    int users = name == NULL ? 1 : scope_is_users(console->scope, name);
    Py_XDECREF(name);
    return users < 0 ? -1 : !users;
}

static int
pp_run(Console *console, const char *rest)
{
    int last = pp_is_all(console, rest);
    int whole = last > 0 || strncmp(rest, "all ", 4) == 0 || strncmp(rest, "all\t", 4) == 0;
    if (*rest == '\0' || last < 0) {
        return last < 0 ? -1 : command_usage(&cmd_pp);
    }
    if (last && console->show.folded == NULL) {
        PyErr_SetString(PyExc_ValueError, "nothing was shown in part so far: `pp all EXPR` shows a value whole");
        return -1;
    }
    PyObject *value = last ? Py_NewRef(console->show.folded) : console_eval(console, rest + (whole ? 4 : 0));
    PyObject *text = value == NULL ? NULL : pp_format(console, value);
    int ret = text == NULL ? -1 : show_value(&console->show, value, text, whole);
    Py_XDECREF(text);
    Py_XDECREF(value);
    return ret;
}

const Command cmd_pp = {
    .name = "pp", .alias = "", .usage = "[all] [EXPR]", .family = "look",
    .summary = "pretty-print a value to the width of the screen",
    .detail = "No more than the screen has room for, unless `all` stands before EXPR. `pp all` shows\n"
              "the last value of which there was more.",
    .takes = TAKES_EXPRESSION,
    .run = pp_run,
};
