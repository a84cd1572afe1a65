/* Commands that keep objects: dump, load. */
#include "command.h"

#include <string.h>
#include <sys/stat.h>

#include "ask.h"
#include "dump.h"
#include "dump_kind.h"
#include "load.h"
#include "progress.h"
#include "units.h"

/* ---- arguments ---- */

/* A word at the start of the arguments, which are then behind it. */
static bool
keep_option(const char **rest, const char *name)
{
    size_t size = strlen(name);
    if (strncmp(*rest, name, size) != 0 || ((*rest)[size] != '\0' && (*rest)[size] != ' ' && (*rest)[size] != '\t')) {
        return false;
    }
    *rest += size;
    *rest += strspn(*rest, " \t");
    return true;
}

/* ~ and $VARIABLE in a path, as Python's own os.path has it. Steals it. */
static PyObject *
keep_expand(PyObject *path)
{
    PyObject *posixpath = path == NULL ? NULL : compat_import("os.path");
    PyObject *known = posixpath == NULL ? NULL : PyObject_CallMethod(posixpath, "expandvars", "O", path);
    PyObject *expanded = known == NULL ? NULL : PyObject_CallMethod(posixpath, "expanduser", "O", known);
    Py_XDECREF(known);
    Py_XDECREF(posixpath);
    Py_XDECREF(path);
    return expanded;
}

/* The file that the arguments end with, and what stands before it: new str's. -1 with an exception. */
static int
keep_split(const Command *command, const char *rest, PyObject **before, PyObject **path)
{
    Buffer file = {0};
    bool literal;
    ptrdiff_t size = words_last_file(rest, &file, &literal);
    *before = *path = NULL;
    if (size < 0 || file.size == 0) {
        buffer_free(&file);
        return command_usage(command);
    }
    *before = PyUnicode_DecodeFSDefaultAndSize(rest, size);
    *path = file.failed ? PyErr_NoMemory() : PyUnicode_DecodeFSDefaultAndSize(file.bytes, (Py_ssize_t)file.size);
    *path = literal ? *path : keep_expand(*path);
    buffer_free(&file);
    if (*before == NULL || *path == NULL) {
        Py_CLEAR(*before);
        Py_CLEAR(*path);
        return -1;
    }
    return 0;
}

/* Can it be a variable's? A file may say anything. 1, 0, -1. */
static int
keep_is_name(PyObject *name)
{
    if (!PyUnicode_Check(name) || !PyUnicode_IsIdentifier(name)) {
        return 0;
    }
    PyObject *keyword = compat_import("keyword");
    PyObject *is = keyword == NULL ? NULL : PyObject_CallMethod(keyword, "iskeyword", "O", name);
    int ret = is == NULL ? -1 : PyObject_IsTrue(is) ? 0 : 1;
    Py_XDECREF(is);
    Py_XDECREF(keyword);
    return ret;
}

/* ---- dump ---- */

/* May the file be replaced? A dump may; of anything else the user is asked. 1, 0, -1. */
static int
keep_may_replace(Console *console, PyObject *path, bool force)
{
    PyObject *os_path = force ? NULL : compat_import("os.path");
    PyObject *there = os_path == NULL ? NULL : PyObject_CallMethod(os_path, "isfile", "O", path);
    int is_there = force ? 0 : there == NULL ? -1 : PyObject_IsTrue(there);
    Py_XDECREF(there);
    Py_XDECREF(os_path);
    if (is_there <= 0 || load_is_dump(path)) {
        return is_there < 0 ? -1 : 1;
    }
    PyObject *question = PyUnicode_FromFormat("%U is there, and is no dump: replace it?", path);
    int yes = question == NULL ? -1 : ask_yes(console, question);
    Py_XDECREF(question);
    return yes == 0 && console_say(console, "not replaced") < 0 ? -1 : yes;
}

/* "dumped WHAT to FILE (1.2 MB)" */
static int
keep_tell_dumped(Console *console, PyObject *what, PyObject *path)
{
    struct stat found;
    char size[UNITS_ROOM] = "?";
    PyObject *bytes = PyUnicode_EncodeFSDefault(path);
    if (bytes == NULL) {
        return -1;
    }
    if (stat(PyBytes_AsString(bytes), &found) == 0) {
        units_size((uint64_t)found.st_size, size);
    }
    Py_DECREF(bytes);
    return PyUnicode_GetLength(what) == 0 ? console_say(console, "dumped nothing to %U (%s)", path, size)
                                          : console_say(console, "dumped %U to %U (%s)", what, path, size);
}

static int
keep_save(Console *console, DumpRequest *request)
{
    Progress progress;
    DumpProgress tell = progress_begin(&progress, &console->talk);
    request->progress = &tell;
    request->frame = console->place.frame;
    int ret = dump_save(request);
    progress_end(&progress);
    return ret;
}

/* Is it the prompt's last value, or the interpreter's own, as __builtins__? */
static bool
keep_is_internal(PyObject *name)
{
    return PyUnicode_ReadChar(name, 0) == '_'
           && (PyUnicode_GetLength(name) == 1 || PyUnicode_ReadChar(name, 1) == '_');
}

/* Put a value into `values` if it can be pickled, or tell why not; its name into `code` if it is code. */
static int
keep_sort(Console *console, PyObject *name, PyObject *value, PyObject *values, PyObject *code)
{
    PyObject *why = NULL;
    if (dump_kind_is_code(value)) {
        return PyList_Append(code, name);
    }
    int can = dump_try(value, name, &why);
    int ret = can > 0 ? PyDict_SetItem(values, name, value) : can;
    if (why != NULL) {
        bool says = PyUnicode_Tailmatch(why, name, 0, PY_SSIZE_T_MAX, -1) == 1;
        ret = says ? console_say(console, "left out: %U", why) : console_say(console, "left out: %U: %U", name, why);
    }
    Py_XDECREF(why);
    return ret;
}

/* A program that does not have it could load nothing of it. */
static int
keep_tell_code(Console *console, PyObject *names)
{
    PyObject *comma = PyUnicode_FromString(", ");
    PyObject *list = comma == NULL ? NULL : PyUnicode_Join(comma, names);
    int ret = list == NULL ? -1
              : PyList_Size(names) == 0
                  ? 0
                  : console_say(console, "left out, as of functions, classes and modules only the names are saved: %U",
                                list);
    Py_XDECREF(list);
    Py_XDECREF(comma);
    return ret;
}

/* Those of the names whose values can be pickled, as a dict; the others, and why, are told. */
static PyObject *
keep_all_values(Console *console)
{
    PyObject *values = PyDict_New(), *code = PyList_New(0);
    PyObject *names = values == NULL || code == NULL ? NULL : scope_names(console->scope);
    int ret = names == NULL ? -1 : PyList_Sort(names);
    for (Py_ssize_t i = 0; ret == 0 && i < PyList_Size(names); i++) {
        PyObject *name = PyList_GetItem(names, i), *value;
        int found = keep_is_internal(name) ? 0 : scope_get(console->scope, name, &value);
        ret = found < 0 ? -1 : 0;
        if (found > 0) {
            ret = keep_sort(console, name, value, values, code);
            Py_DECREF(value);
        }
    }
    if (ret < 0 || keep_tell_code(console, code) < 0) {
        Py_CLEAR(values);
    }
    Py_XDECREF(names);
    Py_XDECREF(code);
    return values;
}

static int
dump_all(Console *console, PyObject *path)
{
    int ret = -1;
    PyObject *what = NULL, *comma = NULL, *keys = NULL;
    PyObject *values = keep_all_values(console);
    DumpRequest request = {.object = values, .path = path, .all = true};
    if (values == NULL || keep_save(console, &request) < 0) {
        goto done;
    }
    comma = PyUnicode_FromString(", ");
    keys = comma == NULL ? NULL : PyDict_Keys(values);
    what = keys == NULL ? NULL : PyUnicode_Join(comma, keys);
    ret = what == NULL ? -1 : keep_tell_dumped(console, what, path);
done:
    Py_XDECREF(what);
    Py_XDECREF(keys);
    Py_XDECREF(comma);
    Py_XDECREF(values);
    return ret;
}

static int
dump_one(Console *console, PyObject *expression, PyObject *path)
{
    PyObject *bytes = PyUnicode_EncodeFSDefault(expression);
    PyObject *value = bytes == NULL ? NULL : console_eval(console, PyBytes_AsString(bytes));
    DumpRequest request = {
        .object = value, .path = path, .expression = expression,
        .name = PyUnicode_IsIdentifier(expression) ? expression : NULL,
    };
    int ret = value == NULL || keep_save(console, &request) < 0 ? -1 : keep_tell_dumped(console, expression, path);
    Py_XDECREF(value);
    Py_XDECREF(bytes);
    return ret;
}

static int
dump_run(Console *console, const char *rest)
{
    PyObject *expression, *path;
    bool all = false, force = false;
    for (bool more = true; more;) {
        bool is_all = keep_option(&rest, "--all"), is_force = keep_option(&rest, "--force");
        all |= is_all;
        force |= is_force;
        more = is_all || is_force;
    }
    if (keep_split(&cmd_dump, rest, &expression, &path) < 0) {
        return -1;
    }
    bool right = (PyUnicode_GetLength(expression) == 0) == all;
    int ret = !right ? command_usage(&cmd_dump) : keep_may_replace(console, path, force);
    if (ret > 0) {
        ret = all ? dump_all(console, path) : dump_one(console, expression, path);
    }
    Py_DECREF(path);
    Py_DECREF(expression);
    return ret;
}

const Command cmd_dump = {
    .name = "dump", .alias = "", .usage = "EXPR FILE | --all FILE", .family = "keep",
    .summary = "save an object in a file",
    .detail = "Any Python reads the file with pickle.load(). `load FILE` binds the name again. A file that\n"
              "is no dump is replaced after a yes, or with --force before EXPR. With --all: every variable\n"
              "that can be pickled; the others are listed. ~ and $VAR are expanded; blanks in FILE: in\n"
              "quotes, or each behind a backslash.",
    .takes = TAKES_EXPRESSION_FILE, .words = "--all --force",
    .run = dump_run,
};

/* ---- load ---- */

typedef struct Asked {
    Console *console; /* borrowed */
    bool refused;
} Asked;

static int
keep_ask_trust(void *context, PyObject *text)
{
    Asked *asked = context;
    Console *console = asked->console;
    PyObject *line = PyUnicode_FromFormat("%U\n", text);
    PyObject *question = PyUnicode_FromString("That may run any code. Load it?");
    int yes = line == NULL || question == NULL || console_print(console, line) < 0 ? -1 : ask_yes(console, question);
    Py_XDECREF(question);
    Py_XDECREF(line);
    asked->refused = yes == 0;
    return yes;
}

/* Bind a name as an assignment at the prompt does. */
static int
keep_bind(Console *console, PyObject *name, PyObject *value)
{
    return PyObject_SetItem((PyObject *)console->scope, name, value);
}

/* When it was dumped, for people: "2026-01-02 03:04:05 UTC". A new reference, or NULL without an exception. */
static PyObject *
keep_time(PyObject *facts)
{
    PyObject *time = PyDict_GetItemString(facts, "time"); /* as ISO 8601 has it */
    PyObject *date = time == NULL ? NULL : PyObject_CallMethod(time, "replace", "ss", "T", " ");
    PyObject *text = date == NULL ? NULL : PyObject_CallMethod(date, "replace", "ss", "Z", " UTC");
    PyErr_Clear();
    Py_XDECREF(date);
    return text;
}

/* "clf: Pipeline, dumped 2026-01-02 03:04:05 UTC at train.py:12 in fit" */
static int
keep_tell_loaded(Console *console, PyObject *name, PyObject *value, PyObject *facts)
{
    PyObject *type = PyType_GetQualName(Py_TYPE(value));
    PyObject *time = keep_time(facts), *file = PyDict_GetItemString(facts, "file");
    PyObject *line = PyDict_GetItemString(facts, "line"), *function = PyDict_GetItemString(facts, "function");
    int ret = -1;
    if (type != NULL && time != NULL && file != NULL && line != NULL && function != NULL) {
        ret = console_say(console, "%U: %U, dumped %U at %U:%U in %U", name, type, time, file, line, function);
    }
    else if (type != NULL) {
        ret = time == NULL ? console_say(console, "%U: %U", name, type)
                           : console_say(console, "%U: %U, dumped %U", name, type, time);
    }
    Py_XDECREF(time);
    Py_XDECREF(type);
    return ret;
}

/* Those names of a dict that are bound already, joined; "" for none. */
static PyObject *
keep_bound(Console *console, PyObject *values)
{
    PyObject *name, *value;
    Py_ssize_t at = 0;
    PyObject *bound = PyList_New(0), *comma = PyUnicode_FromString(", ");
    while (bound != NULL && PyDict_Next(values, &at, &name, &value)) {
        int has = keep_is_name(name);
        has = has > 0 ? scope_is_users(console->scope, name) : has;
        if (has < 0 || (has > 0 && PyList_Append(bound, name) < 0)) {
            Py_CLEAR(bound);
        }
    }
    PyObject *joined = bound == NULL || comma == NULL ? NULL : PyUnicode_Join(comma, bound);
    Py_XDECREF(comma);
    Py_XDECREF(bound);
    return joined;
}

static int
load_bind_all(Console *console, PyObject *values)
{
    PyObject *name, *value;
    Py_ssize_t at = 0;
    PyObject *bound = keep_bound(console, values);
    PyObject *question = bound == NULL ? NULL : PyUnicode_FromFormat("this replaces %U: go on?", bound);
    int yes = question == NULL ? -1 : PyUnicode_GetLength(bound) == 0 ? 1 : ask_yes(console, question);
    Py_XDECREF(question);
    Py_XDECREF(bound);
    if (yes <= 0) {
        return yes < 0 ? -1 : console_say(console, "nothing was replaced; `load FILE as NAME` gives all in one object");
    }
    PyObject *names = PyList_New(0), *comma = PyUnicode_FromString(", "), *joined = NULL;
    int ret = names == NULL || comma == NULL ? -1 : 0;
    while (ret == 0 && PyDict_Next(values, &at, &name, &value)) {
        int is = keep_is_name(name);
        ret = is <= 0 ? is : keep_bind(console, name, value) < 0 ? -1 : PyList_Append(names, name);
    }
    joined = ret < 0 ? NULL : PyUnicode_Join(comma, names);
    ret = joined == NULL ? -1 : console_say(console, "loaded %U", joined);
    Py_XDECREF(joined);
    Py_XDECREF(comma);
    Py_XDECREF(names);
    return ret;
}

static PyObject *
keep_namespace(PyObject *values)
{
    PyObject *types = compat_import("types"), *none = PyTuple_New(0);
    PyObject *type = types == NULL ? NULL : PyObject_GetAttrString(types, "SimpleNamespace");
    PyObject *object = type == NULL || none == NULL ? NULL : PyObject_Call(type, none, values);
    Py_XDECREF(type);
    Py_XDECREF(none);
    Py_XDECREF(types);
    return object;
}

static int
load_bind(Console *console, PyObject *name, PyObject *value, PyObject *facts)
{
    bool all = PyDict_GetItemString(facts, "all") != NULL && PyDict_Check(value);
    if (all && name == NULL) {
        /* What is replaced may run code on its way out, and that may have the dict. */
        PyObject *own = PyDict_Copy(value);
        int bound = own == NULL ? -1 : load_bind_all(console, own);
        Py_XDECREF(own);
        return bound;
    }
    PyObject *kept = PyDict_GetItemString(facts, "name"); /* borrowed */
    int has_name = kept == NULL ? 0 : keep_is_name(kept);
    PyObject *object = has_name < 0 ? NULL : all ? keep_namespace(value) : Py_NewRef(value);
    PyObject *target = name != NULL ? Py_NewRef(name) : has_name > 0 ? Py_NewRef(kept) : PyUnicode_FromString("_");
    bool last = target != NULL && name == NULL && PyUnicode_CompareWithASCIIString(target, "_") == 0;
    int ret = object == NULL || target == NULL ? -1
              : last                           ? scope_set_last(console->scope, object)
                                               : keep_bind(console, target, object);
    ret = ret < 0 ? -1 : keep_tell_loaded(console, target, object, facts);
    Py_XDECREF(target);
    Py_XDECREF(object);
    return ret < 0 ? -1 : console_tell_refusals(console);
}

/* A name that a stranger has chosen: if it is one of the user's or a builtin's, may it be bound? 1, 0, -1. */
static int
keep_may_bind(Console *console, PyObject *facts)
{
    PyObject *name = PyDict_GetItemString(facts, "name"); /* borrowed */
    PyObject *builtins = name == NULL ? NULL : compat_import("builtins");
    if (builtins == NULL) {
        return name == NULL ? 1 : -1;
    }
    int taken = scope_is_users(console->scope, name);
    PyObject *hidden = taken != 0 ? NULL : PyObject_GetAttr(builtins, name);
    Py_DECREF(builtins);
    if (hidden != NULL) {
        taken = 1;
        Py_DECREF(hidden);
    }
    else if (taken == 0 && PyErr_ExceptionMatches(PyExc_AttributeError)) {
        PyErr_Clear();
    }
    else if (taken == 0) {
        return -1; /* Ctrl-C: from 3.13 on such a lookup runs Python code */
    }
    PyObject *question = taken <= 0 ? NULL
                                    : PyUnicode_FromFormat("this file, which you have not signed, replaces %U: go on?",
                                                           name);
    int may = question != NULL ? ask_yes(console, question) : taken == 0 ? 1 : -1;
    Py_XDECREF(question);
    return may == 0 && console_say(console, "not replaced; `load FILE as NAME` binds another name") < 0 ? -1 : may;
}

/* `FILE as NAME`: the name, a new str, and the arguments before it; NULL for none. -1 with an exception. */
static int
load_split_name(const char *rest, PyObject **before, PyObject **name)
{
    PyObject *text = PyUnicode_DecodeFSDefault(rest);
    PyObject *parts = text == NULL ? NULL : PyObject_CallMethod(text, "rsplit", "Oi", Py_None, 2);
    *before = *name = NULL;
    int ret = parts == NULL ? -1 : 0;
    if (parts != NULL && PyList_Size(parts) == 3 && PyUnicode_IsIdentifier(PyList_GetItem(parts, 2))
        && PyUnicode_CompareWithASCIIString(PyList_GetItem(parts, 1), "as") == 0) {
        *before = PyUnicode_EncodeFSDefault(PyList_GetItem(parts, 0));
        *name = Py_NewRef(PyList_GetItem(parts, 2));
    }
    else if (parts != NULL) {
        *before = PyUnicode_EncodeFSDefault(text);
    }
    if (*before == NULL) {
        Py_CLEAR(*name);
        ret = -1;
    }
    Py_XDECREF(parts);
    Py_XDECREF(text);
    return ret;
}

static int
load_run(Console *console, const char *rest)
{
    PyObject *file = NULL, *name = NULL, *before = NULL, *path = NULL, *value, *facts;
    int ret = -1;
    bool own = false;
    Asked asked = {.console = console};
    LoadRequest request = {.map = true, .ask = keep_ask_trust, .context = &asked, .own = &own};
    request.verify = keep_option(&rest, "--verify");
    if (load_split_name(rest, &file, &name) < 0) {
        return -1;
    }
    if (keep_split(&cmd_load, PyBytes_AsString(file), &before, &path) < 0) {
        goto done;
    }
    int right = PyUnicode_GetLength(before) != 0 ? 0 : name == NULL ? 1 : keep_is_name(name);
    if (right <= 0) {
        ret = right < 0 ? -1 : command_usage(&cmd_load);
        goto done;
    }
    request.path = path;
    int loaded = load_file(console->state, &request, &value, &facts);
    if (loaded == 0) {
        int may = own || name != NULL ? 1 : keep_may_bind(console, facts);
        ret = may > 0 ? load_bind(console, name, value, facts) : may;
        Py_DECREF(value);
        Py_DECREF(facts);
    }
    else if (asked.refused && PyErr_ExceptionMatches(console->state->untrusted)) {
        PyErr_Clear(); /* the user knows why */
        ret = console_say(console, "not loaded");
    }
done:
    Py_XDECREF(path);
    Py_XDECREF(before);
    Py_XDECREF(name);
    Py_XDECREF(file);
    return ret;
}

const Command cmd_load = {
    .name = "load", .alias = "", .usage = "FILE [as NAME]", .family = "keep",
    .summary = "bring a dumped object back",
    .detail = "Binds the name that was dumped, or NAME; the value of an expression is `_`. Of `dump --all`:\n"
              "each name, or with NAME one object with all of them. Also loads anybody's pickle, and asks\n"
              "first if that could do more than construct data. Large arrays are mapped; with --verify\n"
              "before FILE they are read and checked.",
    .takes = TAKES_FILE, .words = "--verify",
    .run = load_run,
};
