/* Python typed at the prompt, see source.h.
 *
 * A function typed at the prompt must see the frame's variables as if it stood there, which exec() with two
 * namespaces does not give. So an input that contains functions, lambdas or comprehensions is compiled as the
 * body of a class within a function whose parameters are the names to be seen:
 *
 *     def outer(x, y):
 *         class _:
 *             <the input>
 *
 * A class body binds and reads names through a mapping, like a module, while functions in it see through to the
 * variables of `outer`. The class body's code object is then run with the frame's real globals, the Namespace as
 * its locals, and cells of the Namespace as its closure. A class called `_` mangles no private names.
 *
 * What a class body does not take (`await`, `:=` within a comprehension) is compiled as a function in `outer`
 * that declares its names nonlocal; what neither takes (`import *`) as a module.
 * Whichever way, an input is compiled whole and run once.
 */
#include "source.h"

#include <string.h>

#include "await.h"
#include "compat.h"

/* Flags of compile(): Include/cpython/compile.h, the same from 3.11 to 3.15. */
enum {
    ONLY_AST = 0x0400,
    DONT_IMPLY_DEDENT = 0x0200,
    ALLOW_TOP_LEVEL_AWAIT = 0x2000,
    ALLOW_INCOMPLETE_INPUT = 0x4000,
    FUTURE_FEATURES = 0x1fe0000, /* CO_FUTURE_DIVISION to CO_FUTURE_ANNOTATIONS: the same bits in co_flags */
    CODE_COROUTINE = 0x0080,
};

/* What the compiler made of an input. */
typedef struct Compiled {
    PyObject *code;  /* owned */
    PyObject *cells; /* owned: tuple, the closure; NULL for none */
    int as_class;
    int as_function;
} Compiled;

/* The names of an input, from its symbol table. */
typedef struct Symbols {
    PyObject *top;    /* owned: dict name -> flags */
    PyObject *nested; /* owned: set of names that nested scopes look up as globals */
    PyObject *globals; /* owned: set of names in the input's own `global` statements */
    long bound;        /* DEF_BOUND, and DEF_GLOBAL: what `:=` within a comprehension makes of its target */
    int usable;       /* 0: the table cannot be made (a `nonlocal` that only the wrapped form can bind) */
} Symbols;

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

/* ---- compile() and its errors ---- */

static PyObject *
source_builtin(const char *name)
{
    PyObject *builtins = compat_import("builtins");
    PyObject *function = builtins == NULL ? NULL : PyObject_GetAttrString(builtins, name);
    Py_XDECREF(builtins);
    return function;
}

/* compile(source, filename, mode, flags, dont_inherit=True) */
static PyObject *
source_compile(PyObject *text_or_tree, PyObject *filename, const char *mode, int flags)
{
    PyObject *compile = source_builtin("compile");
    PyObject *result = compile == NULL ? NULL
                                       : PyObject_CallFunction(compile, "OOsii", text_or_tree, filename, mode, flags, 1);
    Py_XDECREF(compile);
    return result;
}

/* Run a part of the compiler again without its warnings, which the first run has given. Like codeop. */
static PyObject *
source_quiet_begin(void)
{
    PyObject *guard = NULL;
    PyObject *warnings = compat_import("warnings");
    PyObject *type = warnings == NULL ? NULL : PyObject_GetAttrString(warnings, "catch_warnings");
    PyObject *none = PyTuple_New(0);
    PyObject *kwargs = Py_BuildValue("{s:s}", "action", "ignore");
    if (type != NULL && none != NULL && kwargs != NULL) {
        guard = PyObject_Call(type, none, kwargs);
    }
    PyObject *entered = guard == NULL ? NULL : PyObject_CallMethod(guard, "__enter__", NULL);
    if (entered == NULL) {
        Py_CLEAR(guard);
    }
    Py_XDECREF(entered);
    Py_XDECREF(kwargs);
    Py_XDECREF(none);
    Py_XDECREF(type);
    Py_XDECREF(warnings);
    return guard;
}

/* Keeps the exception that is set. */
static void
source_quiet_end(PyObject *guard)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *none = PyObject_CallMethod(guard, "__exit__", "OOO", Py_None, Py_None, Py_None);
    if (none == NULL) {
        PyErr_Clear();
    }
    Py_XDECREF(none);
    Py_DECREF(guard);
    PyErr_Restore(type, value, traceback);
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

/* Is the node of that type? */
static int
node_is(PyObject *node, const char *type)
{
    PyObject *name = PyObject_GetAttrString((PyObject *)Py_TYPE(node), "__name__");
    int is = name != NULL && PyUnicode_CompareWithASCIIString(name, type) == 0;
    Py_XDECREF(name);
    return is;
}

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

/* A text of several statements, as it comes with a paste. */
static SourceStatus
source_parse_several(Source *source, const char *text)
{
    PyObject *tree = source_compile(source->text, source->filename, "exec", ONLY_AST | ALLOW_INCOMPLETE_INPUT);
    if (tree == NULL) {
        if (source_error_says("incomplete input")) {
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
    PyObject *guard = source_quiet_begin();
    PyObject *longer = guard == NULL ? NULL : PyUnicode_FromFormat("%U\n", source->text);
    if (longer != NULL) {
        PyObject *tree = source_compile(longer, source->filename, "single",
                                        ONLY_AST | DONT_IMPLY_DEDENT | ALLOW_INCOMPLETE_INPUT);
        if (tree != NULL || source_error_says("incomplete input")) {
            PyErr_Clear();
            status = SOURCE_INCOMPLETE;
        }
        else if (PyErr_ExceptionMatches(PyExc_SyntaxError)) {
            /* Without the flags the message is the one that people know. */
            PyErr_Clear();
            PyObject *never = source_compile(source->text, source->filename, "single", ONLY_AST);
            if (never != NULL) {
                status = source_take_body(source, never);
            }
        }
        Py_XDECREF(tree);
        Py_DECREF(longer);
    }
    if (guard != NULL) {
        source_quiet_end(guard);
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
    PyObject *tree = source_compile(source->text, source->filename, "single",
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

/* ---- the tree ---- */

/* Does an assignment's target, a name or names in tuples and lists, bind the name? */
static int
node_binds(PyObject *target, const char *name)
{
    int ret = 0;
    PyObject *inner;
    if (node_is(target, "Name")) {
        inner = PyObject_GetAttrString(target, "id");
        ret = inner == NULL ? -1 : PyUnicode_CompareWithASCIIString(inner, name) == 0;
    }
    else if (node_is(target, "Starred")) {
        inner = PyObject_GetAttrString(target, "value");
        ret = inner == NULL ? -1 : node_binds(inner, name);
    }
    else if (node_is(target, "Tuple") || node_is(target, "List")) {
        inner = PyObject_GetAttrString(target, "elts");
        for (Py_ssize_t i = 0; inner != NULL && ret == 0 && i < PyList_Size(inner); i++) {
            ret = node_binds(PyList_GetItem(inner, i), name);
        }
        ret = inner == NULL ? -1 : ret;
    }
    else {
        return 0;
    }
    Py_XDECREF(inner);
    return ret;
}

int
source_assigns(const Source *source, const char *name)
{
    int ret = 0;
    for (Py_ssize_t i = 0; ret == 0 && i < PyList_Size(source->body); i++) {
        PyObject *statement = PyList_GetItem(source->body, i);
        PyObject *targets = NULL;
        if (node_is(statement, "Assign")) {
            targets = PyObject_GetAttrString(statement, "targets");
            for (Py_ssize_t j = 0; targets != NULL && ret == 0 && j < PyList_Size(targets); j++) {
                ret = node_binds(PyList_GetItem(targets, j), name);
            }
        }
        else if (node_is(statement, "AugAssign") || node_is(statement, "AnnAssign")) {
            targets = PyObject_GetAttrString(statement, "target");
            ret = targets == NULL ? -1 : node_binds(targets, name);
        }
        Py_XDECREF(targets);
    }
    return PyErr_Occurred() ? -1 : ret;
}

static int
node_copy_place(PyObject *from, PyObject *to)
{
    static const char *const places[] = {"lineno", "col_offset", "end_lineno", "end_col_offset"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        PyObject *place = PyObject_GetAttrString(from, places[i]);
        int failed = place == NULL || PyObject_SetAttrString(to, places[i], place) < 0;
        Py_XDECREF(place);
        if (failed) {
            return -1;
        }
    }
    return 0;
}

/* `value` as a statement becomes `.display(value)`: a name that nobody can type. New reference. */
static PyObject *
node_display(PyObject *ast, PyObject *expression)
{
    PyObject *statement = NULL, *call = NULL, *name = NULL;
    PyObject *value = PyObject_GetAttrString(expression, "value");
    PyObject *load = PyObject_CallMethod(ast, "Load", NULL);
    if (value == NULL || load == NULL) {
        goto done;
    }
    name = PyObject_CallMethod(ast, "Name", "sO", ".display", load);
    call = name == NULL ? NULL : PyObject_CallMethod(ast, "Call", "O[O][]", name, value);
    statement = call == NULL ? NULL : PyObject_CallMethod(ast, "Expr", "O", call);
    if (statement == NULL || node_copy_place(expression, statement) < 0 || node_copy_place(value, call) < 0
        || node_copy_place(value, name) < 0) {
        Py_CLEAR(statement);
    }
done:
    Py_XDECREF(name);
    Py_XDECREF(call);
    Py_XDECREF(load);
    Py_XDECREF(value);
    return statement;
}

/* A parsed template, the body of its first statement or of that one's: `depth` steps down. New reference. */
static PyObject *
node_template(PyObject *text, PyObject **module, int depth)
{
    PyObject *filename = PyUnicode_FromString("<hook>");
    *module = filename == NULL ? NULL : source_compile(text, filename, "exec", ONLY_AST);
    Py_XDECREF(filename);
    PyObject *node = Py_XNewRef(*module);
    while (node != NULL && depth-- > 0) {
        PyObject *body = PyObject_GetAttrString(node, "body");
        Py_SETREF(node, body == NULL ? NULL : Py_XNewRef(PyList_GetItem(body, 0)));
        Py_XDECREF(body);
    }
    return node;
}

/* Rename the first parameter of a template's function to what no text could spell. */
static int
node_name_first_parameter(PyObject *module, const char *name)
{
    PyObject *value = PyUnicode_FromString(name);
    PyObject *body = PyObject_GetAttrString(module, "body");
    PyObject *node = body == NULL ? NULL : Py_XNewRef(PyList_GetItem(body, 0));
    for (int step = 0; node != NULL && step < 2; step++) { /* of the function: its arguments, their list */
        Py_SETREF(node, PyObject_GetAttrString(node, "args"));
    }
    PyObject *parameter = node == NULL ? NULL : PyList_GetItem(node, 0);
    int ret = parameter == NULL || value == NULL ? -1 : PyObject_SetAttrString(parameter, "arg", value);
    Py_XDECREF(node);
    Py_XDECREF(body);
    Py_XDECREF(value);
    return ret;
}

/* `global NAMES` or `nonlocal NAMES` as a statement; NULL without an exception when there are no names. */
static PyObject *
node_declaration(const char *keyword, PyObject *names)
{
    PyObject *statement = NULL, *module = NULL;
    PyObject *comma = PyUnicode_FromString(", ");
    PyObject *joined = comma == NULL ? NULL : PyUnicode_Join(comma, names);
    if (joined != NULL && PyUnicode_GetLength(joined) > 0) {
        /* Within a function, where `nonlocal` is allowed to the parser. */
        PyObject *text = PyUnicode_FromFormat("def _():\n %s %U", keyword, joined);
        statement = text == NULL ? NULL : node_template(text, &module, 2);
        Py_XDECREF(text);
        Py_XDECREF(module);
    }
    Py_XDECREF(joined);
    Py_XDECREF(comma);
    return statement;
}

static int node_display_block(PyObject *ast, PyObject *statements);

/* Show expressions within a statement that is no function or class: `for`, `if`, `with`, `try`, `match`. */
static int
node_display_within(PyObject *ast, PyObject *statement)
{
    static const char *const blocks[] = {"body", "orelse", "finalbody"};
    static const char *const holders[] = {"handlers", "cases"}; /* lists of nodes that have a body */
    if (node_is(statement, "FunctionDef") || node_is(statement, "AsyncFunctionDef") || node_is(statement, "ClassDef")) {
        return 0;
    }
    int ret = 0;
    for (size_t i = 0; ret == 0 && i < sizeof blocks / sizeof *blocks; i++) {
        PyObject *block = PyObject_GetAttrString(statement, blocks[i]);
        PyErr_Clear(); /* it has none */
        ret = block != NULL && PyList_Check(block) ? node_display_block(ast, block) : 0;
        Py_XDECREF(block);
    }
    for (size_t i = 0; ret == 0 && i < sizeof holders / sizeof *holders; i++) {
        PyObject *list = PyObject_GetAttrString(statement, holders[i]);
        PyErr_Clear();
        for (Py_ssize_t j = 0; ret == 0 && list != NULL && j < PyList_Size(list); j++) {
            ret = node_display_within(ast, PyList_GetItem(list, j));
        }
        Py_XDECREF(list);
    }
    return ret;
}

/* Show the values of the expressions among statements, in place. */
static int
node_display_block(PyObject *ast, PyObject *statements)
{
    for (Py_ssize_t i = 0; i < PyList_Size(statements); i++) {
        PyObject *statement = PyList_GetItem(statements, i);
        if (!node_is(statement, "Expr")) {
            if (node_display_within(ast, statement) < 0) {
                return -1;
            }
            continue;
        }
        PyObject *shown = node_display(ast, statement);
        if (shown == NULL || PyList_SetItem(statements, i, shown) < 0) {
            return -1;
        }
    }
    return 0;
}

static int
node_is_future_import(PyObject *statement)
{
    if (!node_is(statement, "ImportFrom")) {
        return 0;
    }
    PyObject *module = PyObject_GetAttrString(statement, "module");
    int is = module != NULL && PyUnicode_Check(module) && PyUnicode_CompareWithASCIIString(module, "__future__") == 0;
    Py_XDECREF(module);
    return is;
}

/* The statements to compile: expressions shown, names declared global before still global. New list. */
static PyObject *
source_statements(const Source *source, Namespace *ns)
{
    Py_ssize_t count = PyList_Size(source->body);
    PyObject *declaration = NULL;
    PyObject *statements = PyList_GetSlice(source->body, 0, count);
    PyObject *ast = compat_import("_ast");
    int failed = statements == NULL || ast == NULL || node_display_block(ast, statements) < 0;
    if (!failed && PySet_Size(scope_declared(ns)) > 0
        && !(count > 0 && node_is_future_import(PyList_GetItem(source->body, 0)))) {
        declaration = node_declaration("global", scope_declared(ns));
        failed = declaration == NULL ? PyErr_Occurred() != NULL : PyList_Insert(statements, 0, declaration) < 0;
    }
    Py_XDECREF(declaration);
    Py_XDECREF(ast);
    if (failed) {
        Py_CLEAR(statements);
    }
    return statements;
}

/* Add the names of `global` statements at the top level to a set. */
static int
source_add_globals(const Source *source, PyObject *set)
{
    for (Py_ssize_t i = 0; i < PyList_Size(source->body); i++) {
        PyObject *statement = PyList_GetItem(source->body, i);
        if (!node_is(statement, "Global")) {
            continue;
        }
        PyObject *names = PyObject_GetAttrString(statement, "names");
        PyObject *added = names == NULL ? NULL : PyObject_CallMethod(set, "update", "O", names);
        Py_XDECREF(added);
        Py_XDECREF(names);
        if (added == NULL) {
            return -1;
        }
    }
    return 0;
}

/* ---- the symbol table ---- */

static long
symbols_constant(PyObject *module, const char *name)
{
    PyObject *value = PyObject_GetAttrString(module, name);
    long number = value == NULL ? -1 : PyLong_AsLong(value);
    Py_XDECREF(value);
    return number;
}

/* Add the names that the scopes below `entry` look up as globals without saying so. */
static int
symbols_collect(PyObject *entry, PyObject *set, long offset, long mask, long implicit)
{
    int ret = -1;
    PyObject *children = PyObject_GetAttrString(entry, "children");
    if (children == NULL) {
        return -1;
    }
    for (Py_ssize_t i = 0; i < PyList_Size(children); i++) {
        PyObject *name, *flags;
        Py_ssize_t at = 0;
        PyObject *child = PyList_GetItem(children, i);
        PyObject *symbols = PyObject_GetAttrString(child, "symbols");
        int failed = symbols == NULL;
        while (!failed && PyDict_Next(symbols, &at, &name, &flags)) {
            if (((PyLong_AsLong(flags) >> offset) & mask) == implicit) {
                failed = PySet_Add(set, name) < 0;
            }
        }
        Py_XDECREF(symbols);
        if (failed || symbols_collect(child, set, offset, mask, implicit) < 0) {
            goto done;
        }
    }
    ret = 0;
done:
    Py_DECREF(children);
    return ret;
}

static void
symbols_clear(Symbols *symbols)
{
    Py_CLEAR(symbols->top);
    Py_CLEAR(symbols->nested);
    Py_CLEAR(symbols->globals);
}

static int
symbols_read(Symbols *symbols, const Source *source, Namespace *ns)
{
    int ret = -1;
    PyObject *table = NULL;
    PyObject *module = compat_import("_symtable");
    *symbols = (Symbols){.usable = 1, .top = PyDict_New(), .nested = PySet_New(NULL), .globals = PySet_New(NULL)};
    if (module == NULL || symbols->top == NULL || symbols->nested == NULL || symbols->globals == NULL
        || source_add_globals(source, symbols->globals) < 0) {
        goto done;
    }
    symbols->bound = symbols_constant(module, "DEF_BOUND") | symbols_constant(module, "DEF_GLOBAL");
    table = PyObject_CallMethod(module, "symtable", "OOs", source->text, source->filename, "exec");
    if (table == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_SyntaxError)) {
            goto done;
        }
        PyErr_Clear();
        symbols->usable = 0;
        PyObject *names = scope_cell_names(ns);
        Py_SETREF(symbols->nested, names == NULL ? NULL : PySet_New(names));
        Py_XDECREF(names);
        ret = symbols->nested == NULL ? -1 : 0;
        goto done;
    }
    Py_SETREF(symbols->top, PyObject_GetAttrString(table, "symbols"));
    if (symbols->top == NULL) {
        goto done;
    }
    ret = symbols_collect(table, symbols->nested, symbols_constant(module, "SCOPE_OFF"),
                          symbols_constant(module, "SCOPE_MASK"), symbols_constant(module, "GLOBAL_IMPLICIT"));
    if (PyErr_Occurred()) {
        ret = -1;
    }
done:
    Py_XDECREF(table);
    Py_XDECREF(module);
    return ret;
}

/* Is the name bound at the input's top level? */
static int
symbols_binds(const Symbols *symbols, PyObject *name)
{
    PyObject *flags = PyDict_GetItemWithError(symbols->top, name);
    return flags != NULL && (PyLong_AsLong(flags) & symbols->bound) != 0;
}

/* Has Python a value for a name that is no variable of the scope: as a global, or as a builtin? */
static int
source_outer_value(Namespace *ns, PyObject *name, PyObject **value)
{
    *value = Py_XNewRef(PyDict_GetItemWithError(scope_globals(ns), name));
    if (*value == NULL && !PyErr_Occurred()) {
        *value = Py_XNewRef(PyDict_GetItemWithError(PyEval_GetBuiltins(), name));
    }
    return *value != NULL ? 1 : PyErr_Occurred() ? -1 : 0;
}

/* Is the name to be a variable of `outer`? Then 1, and what is needed for it is prepared. */
static int
source_captures(Namespace *ns, const Symbols *symbols, PyObject *name)
{
    PyObject *value;
    if (!PyUnicode_IsIdentifier(name) || PySet_Contains(scope_declared(ns), name) == 1
        || PySet_Contains(symbols->globals, name) == 1) {
        return 0;
    }
    int has = scope_has(ns, name);
    if (has != 0) {
        return has;
    }
    if (scope_is_module(ns) && scope_overwrites(ns)) {
        return 0; /* what is bound there is a global, as in any module */
    }
    if (scope_is_module(ns)) {
        /* Bound at the prompt later, it must be seen by functions typed before: they get a cell that follows the
         * global until then. */
        int global = PyDict_Contains(scope_globals(ns), name);
        if (global != 0) {
            return global;
        }
    }
    int outer = source_outer_value(ns, name, &value);
    int ret = outer < 0 ? -1 : outer == 0;
    if (outer == 1 && symbols_binds(symbols, name)) {
        ret = scope_expect(ns, name, value) == 0 ? 1 : -1;
    }
    Py_XDECREF(value);
    return ret;
}

/* The names to be variables of `outer`: a new list. `all`: those that the top level uses too. */
static PyObject *
source_candidates(Namespace *ns, const Symbols *symbols, int all)
{
    PyObject *found = PyList_New(0);
    PyObject *names = PySequence_List(symbols->nested);
    if (names != NULL && all) {
        PyObject *top = PyDict_Keys(symbols->top);
        PyObject *both = top == NULL ? NULL : PySequence_Concat(names, top);
        Py_SETREF(names, both == NULL ? NULL : PySet_New(both));
        Py_XDECREF(both);
        Py_XDECREF(top);
        Py_SETREF(names, names == NULL ? NULL : PySequence_List(names));
    }
    int failed = found == NULL || names == NULL || PyList_Sort(names) < 0;
    for (Py_ssize_t i = 0; !failed && i < PyList_Size(names); i++) {
        PyObject *name = PyList_GetItem(names, i);
        int captured = source_captures(ns, symbols, name);
        failed = captured < 0 || (captured && PyList_Append(found, name) < 0);
    }
    Py_XDECREF(names);
    if (failed) {
        Py_CLEAR(found);
    }
    return found;
}

/* ---- wrapped forms ---- */

/* The code object of that name among the constants of another: a new reference. */
static PyObject *
code_inner(PyObject *code, const char *name)
{
    PyObject *found = NULL;
    PyObject *consts = PyObject_GetAttrString(code, "co_consts");
    for (Py_ssize_t i = 0; consts != NULL && found == NULL && i < PyTuple_Size(consts); i++) {
        PyObject *constant = PyTuple_GetItem(consts, i);
        if (Py_TYPE(constant) == Py_TYPE(code)) {
            PyObject *its_name = PyObject_GetAttrString(constant, "co_name");
            if (its_name != NULL && PyUnicode_CompareWithASCIIString(its_name, name) == 0) {
                found = Py_NewRef(constant);
            }
            Py_XDECREF(its_name);
        }
    }
    Py_XDECREF(consts);
    if (found == NULL && !PyErr_Occurred()) {
        PyErr_Format(PyExc_SystemError, "no code object %s in the compiled input", name);
    }
    return found;
}

/* A qualified name without what the wrapping put before it: a new reference. */
static PyObject *
code_strip(PyObject *text, const char *prefix)
{
    Py_ssize_t size;
    size_t cut = strlen(prefix);
    const char *utf8 = PyUnicode_AsUTF8AndSize(text, &size);
    if (utf8 == NULL) {
        PyErr_Clear(); /* a constant with lone surrogates, which is no name */
        return Py_NewRef(text);
    }
    if ((size_t)size > cut && memcmp(utf8, prefix, cut) == 0) {
        return PyUnicode_FromStringAndSize(utf8 + cut, size - (Py_ssize_t)cut);
    }
    return Py_NewRef(text);
}

/* A copy of a code object as if it had not been wrapped: names in tracebacks, __qualname__ of functions. */
static PyObject *
code_unwrap(PyObject *code, const char *prefix, int is_top)
{
    PyObject *result = NULL, *fixed = NULL, *qualname = NULL, *kwargs = NULL, *none = NULL;
    PyObject *replace = PyObject_GetAttrString(code, "replace");
    PyObject *consts = PyObject_GetAttrString(code, "co_consts");
    Py_ssize_t count = consts == NULL ? 0 : PyTuple_Size(consts);
    if (replace == NULL || consts == NULL || (fixed = PyTuple_New(count)) == NULL) {
        goto done;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *constant = PyTuple_GetItem(consts, i);
        PyObject *item = Py_TYPE(constant) == Py_TYPE(code) ? code_unwrap(constant, prefix, 0)
                         : PyUnicode_Check(constant)        ? code_strip(constant, prefix)
                                                            : Py_NewRef(constant);
        if (item == NULL || PyTuple_SetItem(fixed, i, item) < 0) {
            goto done;
        }
    }
    if (is_top) {
        kwargs = Py_BuildValue("{s:O,s:s,s:s}", "co_consts", fixed, "co_name", "<module>", "co_qualname", "<module>");
    }
    else {
        PyObject *whole = PyObject_GetAttrString(code, "co_qualname");
        qualname = whole == NULL ? NULL : code_strip(whole, prefix);
        Py_XDECREF(whole);
        kwargs = qualname == NULL ? NULL : Py_BuildValue("{s:O,s:O}", "co_consts", fixed, "co_qualname", qualname);
    }
    none = PyTuple_New(0);
    if (kwargs != NULL && none != NULL) {
        result = PyObject_Call(replace, none, kwargs);
    }
done:
    Py_XDECREF(none);
    Py_XDECREF(kwargs);
    Py_XDECREF(qualname);
    Py_XDECREF(fixed);
    Py_XDECREF(consts);
    Py_XDECREF(replace);
    return result;
}

/* The closure of a wrapped code object, from the cells of the scope: a new tuple. */
static PyObject *
code_closure(PyObject *code, Namespace *ns)
{
    PyObject *names = PyObject_GetAttrString(code, "co_freevars");
    Py_ssize_t count = names == NULL ? -1 : PyTuple_Size(names);
    PyObject *cells = count < 0 ? NULL : PyTuple_New(count);
    for (Py_ssize_t i = 0; cells != NULL && i < count; i++) {
        PyObject *cell = scope_cell(ns, PyTuple_GetItem(names, i));
        if (cell == NULL || PyTuple_SetItem(cells, i, cell) < 0) {
            Py_CLEAR(cells);
        }
    }
    Py_XDECREF(names);
    return cells;
}

/* Compile `statements` in place of `pass` in a template, and take the inner one of its two code objects. */
static int
source_compile_wrapped(const Source *source, Namespace *ns, PyObject *statements, PyObject *template_text,
                       int as_function, int flags, Compiled *compiled)
{
    static const char *const inner_names[] = {"_", "__i"};
    static const char *const prefixes[] = {"__o.<locals>._.", "__o.<locals>.__i.<locals>."};
    PyObject *module = NULL, *code = NULL;
    int ret = -1;
    PyObject *inner = node_template(template_text, &module, 2);
    if (inner == NULL || PyObject_SetAttrString(inner, "body", statements) < 0
        || (as_function && node_name_first_parameter(module, ".display") < 0)) {
        goto done;
    }
    code = source_compile(module, source->filename, "exec", flags);
    if (code != NULL) {
        Py_SETREF(code, code_inner(code, "__o"));
    }
    if (code != NULL) {
        Py_SETREF(code, code_inner(code, inner_names[as_function]));
    }
    compiled->code = code == NULL ? NULL : code_unwrap(code, prefixes[as_function], 1);
    compiled->cells = compiled->code == NULL ? NULL : code_closure(compiled->code, ns);
    ret = compiled->cells == NULL ? -1 : 0;
    if (ret < 0) {
        Py_CLEAR(compiled->code);
    }
    compiled->as_class = ret == 0 && !as_function;
    compiled->as_function = ret == 0 && as_function;
done:
    Py_XDECREF(code);
    Py_XDECREF(inner);
    Py_XDECREF(module);
    return ret;
}

static int
source_compile_as_class(const Source *source, Namespace *ns, PyObject *statements, const Symbols *symbols, int flags,
                        Compiled *compiled)
{
    int ret = -1;
    PyObject *comma = PyUnicode_FromString(", ");
    PyObject *names = source_candidates(ns, symbols, 0);
    PyObject *joined = comma == NULL || names == NULL ? NULL : PyUnicode_Join(comma, names);
    PyObject *text = joined == NULL ? NULL : PyUnicode_FromFormat("def __o(%U):\n class _: pass", joined);
    if (text != NULL) {
        ret = source_compile_wrapped(source, ns, statements, text, 0, flags, compiled);
    }
    Py_XDECREF(text);
    Py_XDECREF(joined);
    Py_XDECREF(names);
    Py_XDECREF(comma);
    return ret;
}

static int
source_compile_as_function(const Source *source, Namespace *ns, PyObject *statements, const Symbols *symbols,
                           int flags, int is_async, Compiled *compiled)
{
    int ret = -1;
    PyObject *comma = PyUnicode_FromString(", ");
    PyObject *names = source_candidates(ns, symbols, 1);
    PyObject *joined = NULL, *text = NULL, *declaration = NULL, *all = NULL;
    PyObject *bound = PyList_New(0);
    if (comma == NULL || names == NULL || bound == NULL) {
        goto done;
    }
    for (Py_ssize_t i = 0; i < PyList_Size(names); i++) {
        PyObject *name = PyList_GetItem(names, i);
        if (symbols_binds(symbols, name) && PyList_Append(bound, name) < 0) {
            goto done;
        }
    }
    joined = PyUnicode_Join(comma, names);
    text = joined == NULL ? NULL
                          : PyUnicode_FromFormat("def __o(display, %U):\n %sdef __i(): pass", joined, is_async ? "async " : "");
    declaration = node_declaration("nonlocal", bound);
    if (text == NULL || PyErr_Occurred()) {
        goto done;
    }
    all = PyList_GetSlice(statements, 0, PyList_Size(statements));
    if (all == NULL || (declaration != NULL && PyList_Insert(all, 0, declaration) < 0)) {
        goto done;
    }
    ret = source_compile_wrapped(source, ns, all, text, 1, flags, compiled);
done:
    Py_XDECREF(all);
    Py_XDECREF(declaration);
    Py_XDECREF(text);
    Py_XDECREF(joined);
    Py_XDECREF(bound);
    Py_XDECREF(names);
    Py_XDECREF(comma);
    return ret;
}

/* ---- which form ---- */

static long
code_flags(PyObject *code)
{
    PyObject *flags = PyObject_GetAttrString(code, "co_flags");
    long ret = flags == NULL ? 0 : PyLong_AsLong(flags);
    PyErr_Clear();
    Py_XDECREF(flags);
    return ret;
}

int
source_has_inner_code(PyObject *code)
{
    int found = 0;
    PyObject *consts = PyObject_GetAttrString(code, "co_consts");
    for (Py_ssize_t i = 0; consts != NULL && !found && i < PyTuple_Size(consts); i++) {
        found = Py_TYPE(PyTuple_GetItem(consts, i)) == Py_TYPE(code);
    }
    Py_XDECREF(consts);
    return found;
}

static int
source_mentions(const Source *source, const char *word)
{
    const char *text = PyUnicode_AsUTF8AndSize(source->text, NULL);
    return text != NULL && strstr(text, word) != NULL;
}

/* May there be a `nonlocal` in a function, which only a wrapped form can bind? At the top level it is an error. */
static int
source_has_inner_nonlocal(const Source *source)
{
    for (Py_ssize_t i = 0; i < PyList_Size(source->body); i++) {
        if (node_is(PyList_GetItem(source->body, i), "Nonlocal")) {
            return 0;
        }
    }
    return source_mentions(source, "nonlocal");
}

/* Does the input bind names by which a class body keeps its books? They would be taken for those. */
static int
symbols_bind_dunder(const Symbols *symbols)
{
    static const char *const names[] = {"__module__", "__qualname__", "__firstlineno__", "__static_attributes__"};
    int found = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names && !found; i++) {
        PyObject *name = PyUnicode_FromString(names[i]);
        found = name != NULL && symbols_binds(symbols, name);
        Py_XDECREF(name);
    }
    return found;
}

/* The forms in turn, the class body first. 0 with none made when neither takes the input, -1 with an exception. */
static int
source_compile_nested(const Source *source, Namespace *ns, PyObject *statements, int flags, int is_async,
                      Compiled *compiled)
{
    int ret = -1;
    Symbols symbols;
    PyObject *guard = source_quiet_begin();
    if (guard == NULL) {
        return -1;
    }
    if (symbols_read(&symbols, source, ns) == 0) {
        ret = is_async || symbols_bind_dunder(&symbols)
                  ? -1
                  : source_compile_as_class(source, ns, statements, &symbols, flags, compiled);
        if (ret < 0 && symbols.usable && (!PyErr_Occurred() || PyErr_ExceptionMatches(PyExc_SyntaxError))) {
            PyErr_Clear();
            ret = source_compile_as_function(source, ns, statements, &symbols, flags, is_async, compiled);
        }
        if (ret < 0 && PyErr_ExceptionMatches(PyExc_SyntaxError)) {
            PyErr_Clear();
            ret = 0;
        }
    }
    symbols_clear(&symbols);
    source_quiet_end(guard);
    return ret;
}

/* Features of `from __future__` in the frame's own code hold at the prompt, too. */
static int
source_flags(Namespace *ns)
{
    PyObject *frame = scope_frame(ns);
    PyCodeObject *code = frame == NULL ? NULL : PyFrame_GetCode((PyFrameObject *)frame);
    int flags = code == NULL ? 0 : (int)(code_flags((PyObject *)code) & FUTURE_FEATURES);
    Py_XDECREF((PyObject *)code);
    return flags;
}

static int
source_compile_input(const Source *source, Namespace *ns, Compiled *compiled)
{
    int ret = -1;
    PyObject *plain = NULL, *module = NULL, *ast = NULL;
    int flags = source_flags(ns);
    int may_await = source_mentions(source, "await") || source_mentions(source, "async");
    PyObject *statements = source_statements(source, ns);
    if (statements == NULL) {
        return -1;
    }
    ast = compat_import("_ast");
    module = ast == NULL ? NULL : PyObject_CallMethod(ast, "Module", "O[]", statements);
    if (module == NULL) {
        goto done;
    }
    plain = source_compile(module, source->filename, "exec", flags | (may_await ? ALLOW_TOP_LEVEL_AWAIT : 0));
    if (plain == NULL && !(PyErr_ExceptionMatches(PyExc_SyntaxError) && source_has_inner_nonlocal(source))) {
        goto done;
    }
    PyObject *type, *value, *traceback; /* what is wrong with it as a module; told if the other forms fail too */
    PyErr_Fetch(&type, &value, &traceback);
    int is_async = plain != NULL && (code_flags(plain) & CODE_COROUTINE);
    ret = 0;
    if (plain == NULL || source_has_inner_code(plain) || source_mentions(source, ":=")) {
        ret = source_compile_nested(source, ns, statements, flags, is_async, compiled);
    }
    if (ret == 0 && compiled->code == NULL) {
        compiled->code = plain;
        plain = NULL;
    }
    if (ret == 0 && compiled->code == NULL) {
        PyErr_Restore(type, value, traceback);
        ret = -1;
    }
    else {
        Py_XDECREF(type);
        Py_XDECREF(value);
        Py_XDECREF(traceback);
    }
done:
    Py_XDECREF(plain);
    Py_XDECREF(module);
    Py_XDECREF(ast);
    Py_DECREF(statements);
    return ret;
}

/* ---- running ---- */

/* The `.display` of a running input: self is the Namespace. */
static PyObject *
source_display(PyObject *self, PyObject *value)
{
    PyObject *result = NULL, *before = NULL, *after = NULL;
    PyObject *builtins = compat_import("builtins");
    PyObject *hook = Py_XNewRef(PySys_GetObject("displayhook"));
    if (builtins == NULL) {
        goto done;
    }
    if (hook == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "lost sys.displayhook");
        goto done;
    }
    before = PyObject_GetAttrString(builtins, "_");
    PyErr_Clear();
    result = PyObject_CallFunctionObjArgs(hook, value, NULL);
    if (result == NULL) {
        goto done;
    }
    /* The hook binds builtins._; the program may have its own there (gettext.install()), so `_` is kept here. */
    after = PyObject_GetAttrString(builtins, "_");
    PyErr_Clear();
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

static int
source_execute(Source *source, Namespace *ns, PyObject *display, PyObject **runner)
{
    int ret = -1;
    PyObject *result = NULL;
    Compiled compiled = {0};
    if (scope_begin(ns, display, 0) < 0 || source_compile_input(source, ns, &compiled) < 0) {
        goto done;
    }
    source->state->inputs++;
    if (source_add_globals(source, scope_declared(ns)) < 0 || (source_has_inner_code(compiled.code) && source_remember(source) < 0)
        || scope_begin(ns, display, compiled.as_class) < 0) {
        goto done;
    }
    result = source_call(&compiled, ns);
    if (result != NULL && (code_flags(compiled.code) & CODE_COROUTINE)) {
        Py_SETREF(result, await_run(result, runner));
    }
    ret = result == NULL ? -1 : 0;
done:;
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (scope_end(ns) < 0) {
        if (type == NULL) {
            ret = -1; /* its exception stays set */
        }
        else {
            PyErr_Clear();
        }
    }
    if (type != NULL) {
        PyErr_Restore(type, value, traceback);
    }
    Py_XDECREF(result);
    Py_XDECREF(compiled.cells);
    Py_XDECREF(compiled.code);
    return ret;
}

/* Does the statement import `*`? */
static int
node_is_star_import(PyObject *statement)
{
    if (!node_is(statement, "ImportFrom")) {
        return 0;
    }
    PyObject *names = PyObject_GetAttrString(statement, "names");
    PyObject *name = names == NULL ? NULL : PyObject_GetAttrString(PyList_GetItem(names, 0), "name");
    int is = name != NULL && PyUnicode_CompareWithASCIIString(name, "*") == 0;
    Py_XDECREF(name);
    Py_XDECREF(names);
    return is;
}

/* Run the statements before, with and after each `import *` on their own: which names it binds, what follows can
 * see only when it has run. The whole is known to be valid. */
static int
source_execute_in_parts(Source *source, Namespace *ns, PyObject *display, PyObject **runner)
{
    int ret = 0;
    Py_ssize_t start = 0, count = PyList_Size(source->body);
    PyObject *whole = source->body;
    for (Py_ssize_t i = 0; ret == 0 && i < count; i++) {
        int last = i + 1 == count;
        if (last || node_is_star_import(PyList_GetItem(whole, i)) || node_is_star_import(PyList_GetItem(whole, i + 1))) {
            source->body = PyList_GetSlice(whole, start, i + 1);
            ret = source->body == NULL ? -1 : source_execute(source, ns, display, runner);
            Py_XDECREF(source->body);
            start = i + 1;
        }
    }
    source->body = whole;
    return ret;
}

int
source_run(Source *source, Namespace *ns, PyObject **runner)
{
    int ret = -1;
    int has_star = 0;
    Py_ssize_t count = PyList_Size(source->body);
    PyObject *display = PyCFunction_New(&display_method, (PyObject *)ns);
    for (Py_ssize_t i = 0; i < count && count > 1; i++) {
        has_star |= node_is_star_import(PyList_GetItem(source->body, i));
    }
    if (display != NULL && has_star) {
        Compiled whole = {0};
        if (source_compile_input(source, ns, &whole) == 0) {
            ret = source_execute_in_parts(source, ns, display, runner);
        }
        Py_XDECREF(whole.cells);
        Py_XDECREF(whole.code);
    }
    else if (display != NULL) {
        ret = source_execute(source, ns, display, runner);
    }
    Py_XDECREF(display);
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
    tree = display == NULL ? NULL : source_compile(text, source.filename, "eval", ONLY_AST);
    if (tree == NULL) {
        goto done;
    }
    Py_SETREF(tree, source_compile(text, source.filename, "exec", ONLY_AST));
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
