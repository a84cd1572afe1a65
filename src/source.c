/* Python typed at the prompt, see source.h.
 *
 * How it is compiled stands in compile.c. Whichever way, an input is compiled whole and run once.
 */
#include "source.h"

#include <string.h>

#include "await.h"
#include "compat.h"
#include "compile.h"
#include "node.h"
#include "show.h"

int
source_init(Source *source, ModuleState *state, PyObject *text)
{
    *source = (Source){.state = state, .text = Py_NewRef(text)};
    source->filename = PyUnicode_FromFormat("<hook-%lu>", state->inputs + 1);
    return source->filename == NULL ? -1 : 0;
}

void
source_clear(Source *source)
{
    Py_CLEAR(source->text);
    Py_CLEAR(source->filename);
    Py_CLEAR(source->body);
}

/* Is a SyntaxError set whose message contains `part`? It stays set. */
static int
source_error_says(const char *part)
{
    if (!PyErr_ExceptionMatches(PyExc_SyntaxError)) {
        return 0;
    }
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    PyObject *message = PyObject_GetAttrString(value, "msg");
    const char *text = message != NULL && PyUnicode_Check(message) ? PyUnicode_AsUTF8AndSize(message, NULL) : NULL;
    int says = text != NULL && strstr(text, part) != NULL;
    Py_XDECREF(message);
    PyErr_Restore(type, value, traceback);
    return says;
}

/* ---- complete? ---- */

static int
source_is_blank(const char *text)
{
    for (const char *line = text; *line != '\0';) {
        line += strspn(line, " \t\f\r\n");
        if (*line != '\0' && *line != '#') {
            return 0;
        }
        line += strcspn(line, "\n");
    }
    return 1;
}

static SourceStatus
source_take_body(Source *source, PyObject *tree)
{
    Py_SETREF(source->body, PyObject_GetAttrString(tree, "body"));
    Py_DECREF(tree);
    return source->body == NULL ? SOURCE_ERROR : SOURCE_COMPLETE;
}

/* Is the last statement one that further lines could belong to, as long as no blank line has ended it? */
static int
source_is_open(const Source *source, const char *text)
{
    size_t length = strlen(text);
    Py_ssize_t count = PyList_Size(source->body);
    if (count == 0 || text[length - 1] == '\n') {
        return 0;
    }
    int open = PyObject_HasAttrString(PyList_GetItem(source->body, count - 1), "body")
               || node_is(PyList_GetItem(source->body, count - 1), "Match");
    const char *last = strrchr(text, '\n');
    return open && !source_is_blank(last == NULL ? text : last);
}

/* Does the SyntaxError that is set mean that more lines may follow? Of an f-string that is open CPython 3.12.1 does not
 * say so in the usual words. */
static bool
source_is_incomplete(void)
{
    return source_error_says("incomplete input") || source_error_says("unterminated triple-quoted f-string");
}

/* A text of several statements, as it comes with a paste. */
static SourceStatus
source_parse_several(Source *source, const char *text)
{
    PyObject *tree = compile_call(source->text, source->filename, "exec", ONLY_AST | ALLOW_INCOMPLETE_INPUT);
    if (tree == NULL) {
        if (source_is_incomplete()) {
            PyErr_Clear();
            return SOURCE_INCOMPLETE;
        }
        return SOURCE_ERROR;
    }
    SourceStatus status = source_take_body(source, tree);
    if (status == SOURCE_COMPLETE && source_is_open(source, text)) {
        status = SOURCE_INCOMPLETE;
    }
    return status;
}

/* The text alone does not parse: would it with more lines? The SyntaxError that is set tells nothing yet. */
static SourceStatus
source_parse_more(Source *source)
{
    SourceStatus status = SOURCE_ERROR;
    PyErr_Clear();
    PyObject *guard = compile_quiet_begin();
    PyObject *longer = guard == NULL ? NULL : PyUnicode_FromFormat("%U\n", source->text);
    if (longer != NULL) {
        PyObject *tree = compile_call(longer, source->filename, "single",
                                        ONLY_AST | DONT_IMPLY_DEDENT | ALLOW_INCOMPLETE_INPUT);
        if (tree != NULL || source_is_incomplete()) {
            PyErr_Clear();
            status = SOURCE_INCOMPLETE;
        }
        else if (PyErr_ExceptionMatches(PyExc_SyntaxError)) {
            /* Without the flags the message is the one that people know. */
            PyErr_Clear();
            int several = PyUnicode_FindChar(source->text, '\n', 0, PyUnicode_GetLength(source->text), 1) >= 0;
            PyObject *never = compile_call(source->text, source->filename, several ? "exec" : "single", ONLY_AST);
            if (never != NULL) {
                status = source_take_body(source, never);
            }
        }
        Py_XDECREF(tree);
        Py_DECREF(longer);
    }
    if (guard != NULL && compile_quiet_end(guard) < 0) {
        status = SOURCE_ERROR;
    }
    return status;
}

SourceStatus
source_parse(Source *source)
{
    const char *text = PyUnicode_AsUTF8AndSize(source->text, NULL);
    if (text == NULL) {
        if (PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)) {
            PyErr_Clear();
            PyErr_SetString(PyExc_SyntaxError, "the input has bytes that are not text in this terminal's encoding");
        }
        return SOURCE_ERROR;
    }
    if (source_is_blank(text)) {
        return SOURCE_EMPTY;
    }
    PyObject *tree = compile_call(source->text, source->filename, "single",
                                    ONLY_AST | DONT_IMPLY_DEDENT | ALLOW_INCOMPLETE_INPUT);
    if (tree != NULL) {
        return source_take_body(source, tree);
    }
    if (!PyErr_ExceptionMatches(PyExc_SyntaxError)) {
        return SOURCE_ERROR;
    }
    if (strchr(text, '\n') != NULL || source_error_says("multiple statements")) {
        PyErr_Clear();
        SourceStatus status = source_parse_several(source, text);
        if (status != SOURCE_ERROR || !PyErr_ExceptionMatches(PyExc_SyntaxError)) {
            return status;
        }
    }
    return source_parse_more(source);
}

void
source_complain(const Source *source)
{
    PyObject *tree = compile_call(source->text, source->filename, "exec", ONLY_AST);
    if (tree != NULL) {
        PyErr_SetString(PyExc_SyntaxError, "the input is not complete");
    }
    Py_XDECREF(tree);
}

/* ---- running ---- */

/* builtins._: a new reference, or NULL if it has none. Looked up in the dict, which runs no code: from 3.13 on a module
 * that is asked for what it has not asks its __spec__, for the message, and that is a property written in Python. A
 * Ctrl-C within would be taken for the AttributeError, and in a loop of expressions that is where most of them came. */
static PyObject *
source_last_of(PyObject *names)
{
    return PyDict_Check(names) ? Py_XNewRef(PyDict_GetItemString(names, "_")) : NULL;
}

/* The `.display` of a running input: self is the Namespace. */
static PyObject *
source_display(PyObject *self, PyObject *value)
{
    PyObject *result = NULL, *before = NULL, *after = NULL;
    PyObject *builtins = compat_import("builtins");
    PyObject *names = builtins == NULL ? NULL : PyObject_GetAttrString(builtins, "__dict__");
    PyObject *hook = Py_XNewRef(PySys_GetObject("displayhook"));
    if (names == NULL) {
        goto done;
    }
    if (hook == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "lost sys.displayhook");
        goto done;
    }
    before = source_last_of(names);
    result = show_display(state_of_type(Py_TYPE(self))->show, hook, value);
    if (result == NULL) {
        goto done;
    }
    /* The hook binds builtins._; the program may have its own there (gettext.install()), so `_` is kept here. */
    after = source_last_of(names);
    if (after != before && PyObject_SetAttrString(builtins, "_", before) < 0) {
        Py_CLEAR(result);
    }
    if (result != NULL && value != Py_None && scope_set_last((Namespace *)self, value) < 0) {
        Py_CLEAR(result);
    }
done:
    Py_XDECREF(after);
    Py_XDECREF(before);
    Py_XDECREF(hook);
    Py_XDECREF(names);
    Py_XDECREF(builtins);
    return result;
}

/* The `.display` of an expression whose value is wanted: self is a list. */
static PyObject *
source_collect(PyObject *self, PyObject *value)
{
    return PyList_Append(self, value) < 0 ? NULL : Py_NewRef(Py_None);
}

static PyMethodDef display_method = {"display", source_display, METH_O, NULL};
static PyMethodDef collect_method = {"collect", source_collect, METH_O, NULL};

/* Call the code once. */
static PyObject *
source_call(const Compiled *compiled, Namespace *ns)
{
    if (!compiled->as_function) {
        return PyEval_EvalCodeEx(compiled->code, scope_globals(ns), (PyObject *)ns, NULL, 0, NULL, 0, NULL, 0, NULL,
                                 compiled->cells);
    }
    PyObject *types = compat_import("types");
    PyObject *function = types == NULL ? NULL
                                       : PyObject_CallMethod(types, "FunctionType", "OOzOO", compiled->code,
                                                             scope_globals(ns), NULL, Py_None, compiled->cells);
    PyObject *result = function == NULL ? NULL : PyObject_CallNoArgs(function);
    Py_XDECREF(function);
    Py_XDECREF(types);
    return result;
}

/* The end of what source_start() has begun. Keeps the exception that is set. */
static int
source_end(Namespace *ns, int ret)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (scope_end(ns) < 0) {
        if (type == NULL) {
            return -1; /* its exception stays set */
        }
        PyErr_Clear();
    }
    if (type != NULL) {
        PyErr_Restore(type, value, traceback);
    }
    return ret;
}

/* Compile the statements and call the code. 1 with a coroutine that is to be awaited, and then source_end(); 0 or -1,
 * and it has ended. */
static int
source_start(Source *source, Namespace *ns, PyObject *display, PyObject **coroutine)
{
    int ret = -1;
    PyObject *result = NULL;
    Compiled compiled = {0};
    *coroutine = NULL;
    if (scope_begin(ns, display, 0) < 0 || compile_input(source, ns, &compiled) < 0) {
        goto done;
    }
    source->state->inputs++;
    if (node_add_globals(source->body, scope_declared(ns)) < 0
        || (compile_has_inner_code(compiled.code) && source_remember(source) < 0)
        || scope_begin(ns, display, compiled.as_class) < 0) {
        goto done;
    }
    result = source_call(&compiled, ns);
    if (result != NULL && compiled.is_coroutine) {
        *coroutine = Py_NewRef(result);
    }
    ret = result == NULL ? -1 : *coroutine != NULL;
done:
    Py_XDECREF(result);
    compile_clear(&compiled);
    return ret == 1 ? 1 : source_end(ns, ret);
}

static int
source_execute(Source *source, Namespace *ns, PyObject *display, PyObject **runner)
{
    PyObject *coroutine;
    int ret = source_start(source, ns, display, &coroutine);
    if (ret == 1) {
        PyObject *result = await_run(coroutine, runner);
        ret = source_end(ns, result == NULL ? -1 : 0);
        Py_XDECREF(result);
    }
    Py_XDECREF(coroutine);
    return ret;
}

/* ---- step by step ---- */

/* Where the part that begins at `start` ends: the statements before, with and after each `import *` are run on their
 * own, for which names it binds, what follows can see only when it has run. */
static Py_ssize_t
source_part_end(PyObject *whole, Py_ssize_t start)
{
    Py_ssize_t count = PyList_Size(whole);
    Py_ssize_t end = start + 1;
    while (end < count && !node_is_star_import(PyList_GetItem(whole, end - 1))
           && !node_is_star_import(PyList_GetItem(whole, end))) {
        end++;
    }
    return end;
}

/* Before parts of it are run, the whole must be known to be valid. -1 with its SyntaxError. */
static int
source_check(const Source *source)
{
    if (source_part_end(source->body, 0) >= PyList_Size(source->body)) {
        return 0;
    }
    PyObject *guard = compile_quiet_begin();
    PyObject *whole = guard == NULL ? NULL
                                    : compile_call(source->text, source->filename, "exec", ALLOW_TOP_LEVEL_AWAIT);
    int ret = whole == NULL ? -1 : 0;
    if (guard != NULL && compile_quiet_end(guard) < 0) {
        ret = -1;
    }
    Py_XDECREF(whole);
    return ret;
}

static void
source_leave(SourceRun *run)
{
    if (run->whole != NULL) {
        Py_SETREF(run->source->body, Py_NewRef(run->whole));
    }
    Py_CLEAR(run->whole);
    Py_CLEAR(run->display);
    Py_CLEAR(run->coroutine);
    *run = (SourceRun){0};
}

/* Run the parts that are left. */
static int
source_run_parts(SourceRun *run)
{
    int ret = 0;
    while (ret == 0 && run->next < PyList_Size(run->whole)) {
        Py_ssize_t end = source_part_end(run->whole, run->next);
        PyObject *part = PyList_GetSlice(run->whole, run->next, end);
        if (part == NULL) {
            ret = -1;
            break;
        }
        Py_SETREF(run->source->body, part);
        run->next = end;
        ret = source_start(run->source, run->ns, run->display, &run->coroutine);
    }
    if (ret <= 0) {
        source_leave(run);
    }
    return ret;
}

int
source_begin(SourceRun *run, Source *source, Namespace *ns)
{
    *run = (SourceRun){.source = source, .ns = ns};
    run->display = PyCFunction_New(&display_method, (PyObject *)ns);
    run->whole = Py_NewRef(source->body);
    if (run->display == NULL || source_check(source) < 0) {
        source_leave(run);
        return -1;
    }
    return source_run_parts(run);
}

int
source_go_on(SourceRun *run, int failed)
{
    Py_CLEAR(run->coroutine);
    if (source_end(run->ns, failed ? -1 : 0) < 0) {
        source_leave(run);
        return -1;
    }
    return source_run_parts(run);
}

int
source_run(Source *source, Namespace *ns, PyObject **runner)
{
    SourceRun run;
    int ret = source_begin(&run, source, ns);
    while (ret == 1) {
        PyObject *result = await_run(run.coroutine, runner);
        ret = source_go_on(&run, result == NULL);
        Py_XDECREF(result);
    }
    return ret;
}

PyObject *
source_eval(ModuleState *state, Namespace *ns, PyObject *text, PyObject **runner)
{
    Source source = {0};
    PyObject *value = NULL, *display = NULL, *tree = NULL;
    PyObject *values = PyList_New(0);
    if (values == NULL || source_init(&source, state, text) < 0) {
        goto done;
    }
    display = PyCFunction_New(&collect_method, values);
    tree = display == NULL ? NULL : compile_call(text, source.filename, "eval", ONLY_AST);
    if (tree == NULL) {
        goto done;
    }
    Py_SETREF(tree, compile_call(text, source.filename, "exec", ONLY_AST));
    if (tree == NULL || source_take_body(&source, Py_NewRef(tree)) != SOURCE_COMPLETE) {
        goto done;
    }
    if (source_execute(&source, ns, display, runner) == 0) {
        value = Py_XNewRef(PyList_GetItem(values, 0));
    }
done:
    Py_XDECREF(tree);
    Py_XDECREF(display);
    Py_XDECREF(values);
    source_clear(&source);
    return value;
}

int
source_remember(const Source *source)
{
    int ret = -1;
    PyObject *entry = NULL, *cache = NULL;
    PyObject *linecache = compat_import("linecache");
    PyObject *text = PyUnicode_FromFormat("%U\n", source->text);
    PyObject *lines = text == NULL ? NULL : PyUnicode_Splitlines(text, 1);
    if (linecache != NULL && lines != NULL) {
        /* No mtime: linecache.checkcache() leaves such entries alone. */
        entry = Py_BuildValue("(nOOO)", PyUnicode_GetLength(text), Py_None, lines, source->filename);
        cache = PyObject_GetAttrString(linecache, "cache");
        ret = entry == NULL || cache == NULL ? -1 : PyObject_SetItem(cache, source->filename, entry);
    }
    Py_XDECREF(cache);
    Py_XDECREF(entry);
    Py_XDECREF(lines);
    Py_XDECREF(text);
    Py_XDECREF(linecache);
    return ret;
}
