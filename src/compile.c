/* Compiling what is typed at the prompt, see compile.h.
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
 */
#include "compile.h"

#include <string.h>

#include "compat.h"
#include "node.h"
#include "symbols.h"

enum {
    FUTURE_FEATURES = 0x1fe0000, /* CO_FUTURE_DIVISION to CO_FUTURE_ANNOTATIONS: the same bits in co_flags */
    CODE_COROUTINE = 0x0080,     /* inspect.CO_COROUTINE */
};

/* ---- compile() ---- */

static PyObject *
compile_builtin(const char *name)
{
    PyObject *builtins = compat_import("builtins");
    PyObject *function = builtins == NULL ? NULL : PyObject_GetAttrString(builtins, name);
    Py_XDECREF(builtins);
    return function;
}

/* compile(source, filename, mode, flags, dont_inherit=True) */
PyObject *
compile_call(PyObject *text_or_tree, PyObject *filename, const char *mode, int flags)
{
    PyObject *result = NULL;
    PyObject *compile = compile_builtin("compile");
    if (compile != NULL) {
        result = PyObject_CallFunction(compile, "OOsii", text_or_tree, filename, mode, flags, 1);
    }
    Py_XDECREF(compile);
    return result;
}

/* Have the program's filters be there again, whatever there is to undo. Keeps the exception that is set. */
static void
compile_quiet_undo(PyObject *guard)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *none = PyObject_CallMethod(guard, "__exit__", "OOO", Py_None, Py_None, Py_None);
    PyErr_Clear();
    Py_XDECREF(none);
    PyErr_Restore(type, value, traceback);
}

/* Run a part of the compiler again without its warnings, which the first run has given. Like codeop. */
PyObject *
compile_quiet_begin(void)
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
    if (entered == NULL && guard != NULL) { /* Ctrl-C, and the filter may be there already */
        compile_quiet_undo(guard);
        Py_CLEAR(guard);
    }
    Py_XDECREF(entered);
    Py_XDECREF(kwargs);
    Py_XDECREF(none);
    Py_XDECREF(type);
    Py_XDECREF(warnings);
    return guard;
}

int
compile_quiet_end(PyObject *guard)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *none = PyObject_CallMethod(guard, "__exit__", "OOO", Py_None, Py_None, Py_None);
    bool interrupted = none == NULL && PyErr_ExceptionMatches(PyExc_KeyboardInterrupt);
    if (interrupted) {
        compile_quiet_undo(guard); /* it is Python code, and may have come to nothing */
    }
    if (type != NULL || !interrupted) {
        PyErr_Clear();
        PyErr_Restore(type, value, traceback);
    }
    Py_XDECREF(none);
    Py_DECREF(guard);
    return type == NULL && interrupted ? -1 : 0;
}

/* ---- which names functions in the input are to see ---- */

/* Has Python a value for a name that is no variable of the scope: as a global, or as a builtin? */
static int
compile_outer_value(Namespace *ns, PyObject *name, PyObject **value)
{
    *value = Py_XNewRef(PyDict_GetItemWithError(scope_globals(ns), name));
    if (*value == NULL && !PyErr_Occurred()) {
        *value = Py_XNewRef(PyDict_GetItemWithError(PyEval_GetBuiltins(), name));
    }
    return *value != NULL ? 1 : PyErr_Occurred() ? -1 : 0;
}

/* Is the name to be a variable of `outer`? Then 1, and what is needed for it is prepared. */
static int
compile_captures(Namespace *ns, const Symbols *symbols, PyObject *name)
{
    PyObject *value;
    if (!PyUnicode_IsIdentifier(name) || PySet_Contains(scope_declared(ns), name) == 1
        || PySet_Contains(symbols->globals, name) == 1) {
        return 0;
    }
    int has = scope_has(ns, name);
    int nested = PySet_Contains(symbols->nested, name);
    int bound = symbols_binds(symbols, name);
    if (has != 0 || !(nested || bound)) {
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
    int outer = compile_outer_value(ns, name, &value);
    int ret = outer < 0 ? -1 : outer == 0;
    if (outer == 1 && bound) {
        ret = scope_expect(ns, name, value) == 0 ? 1 : -1;
    }
    Py_XDECREF(value);
    return ret;
}

/* The names to be variables of `outer`: a new list. Those that the top level uses are among them, for from 3.12 on a
 * comprehension is a part of it. */
static PyObject *
compile_candidates(Namespace *ns, const Symbols *symbols)
{
    PyObject *found = PyList_New(0);
    PyObject *all = PySet_New(symbols->nested);
    PyObject *top = all == NULL ? NULL : PyObject_CallMethod(all, "update", "O", symbols->top);
    PyObject *names = top == NULL ? NULL : PySequence_List(all);
    int failed = found == NULL || names == NULL || PyList_Sort(names) < 0;
    for (Py_ssize_t i = 0; !failed && i < PyList_Size(names); i++) {
        PyObject *name = PyList_GetItem(names, i);
        int captured = compile_captures(ns, symbols, name);
        failed = captured < 0 || (captured && PyList_Append(found, name) < 0);
    }
    Py_XDECREF(names);
    Py_XDECREF(top);
    Py_XDECREF(all);
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
compile_wrapped(const Source *source, Namespace *ns, PyObject *statements, PyObject *template_text, int as_function,
                int flags, Compiled *compiled)
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
    code = compile_call(module, source->filename, "exec", flags);
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
compile_as_class(const Source *source, Namespace *ns, PyObject *statements, const Symbols *symbols, int flags,
                 Compiled *compiled)
{
    int ret = -1;
    PyObject *comma = PyUnicode_FromString(", ");
    PyObject *names = compile_candidates(ns, symbols);
    PyObject *joined = comma == NULL || names == NULL ? NULL : PyUnicode_Join(comma, names);
    PyObject *text = joined == NULL ? NULL : PyUnicode_FromFormat("def __o(%U):\n class _: pass", joined);
    if (text != NULL) {
        ret = compile_wrapped(source, ns, statements, text, 0, flags, compiled);
    }
    Py_XDECREF(text);
    Py_XDECREF(joined);
    Py_XDECREF(names);
    Py_XDECREF(comma);
    return ret;
}

static int
compile_as_function(const Source *source, Namespace *ns, PyObject *statements, const Symbols *symbols, int flags,
                    int is_async, Compiled *compiled)
{
    int ret = -1;
    PyObject *comma = PyUnicode_FromString(", ");
    PyObject *names = compile_candidates(ns, symbols);
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
    if (joined != NULL) {
        text = PyUnicode_FromFormat("def __o(display, %U):\n %sdef __i(): pass", joined, is_async ? "async " : "");
    }
    declaration = node_declaration("nonlocal", bound);
    if (text == NULL || PyErr_Occurred()) {
        goto done;
    }
    all = PyList_GetSlice(statements, 0, PyList_Size(statements));
    if (all == NULL || (declaration != NULL && PyList_Insert(all, 0, declaration) < 0)) {
        goto done;
    }
    ret = compile_wrapped(source, ns, all, text, 1, flags, compiled);
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
compile_has_inner_code(PyObject *code)
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
compile_mentions(const Source *source, const char *word)
{
    const char *text = PyUnicode_AsUTF8AndSize(source->text, NULL);
    return text != NULL && strstr(text, word) != NULL;
}

/* May there be a `nonlocal` in a function, which only a wrapped form can bind? At the top level it is an error. */
static int
compile_has_inner_nonlocal(const Source *source)
{
    for (Py_ssize_t i = 0; i < PyList_Size(source->body); i++) {
        if (node_is(PyList_GetItem(source->body, i), "Nonlocal")) {
            return 0;
        }
    }
    return compile_mentions(source, "nonlocal");
}

/* Does the input use names by which a class body keeps its books? They would be taken for those. */
static int
compile_uses_class_names(const Symbols *symbols)
{
    static const char *const names[] = {"__module__", "__qualname__", "__firstlineno__", "__static_attributes__"};
    PyObject *own = PyUnicode_FromString("__class__");
    /* A class body has an implicit variable of that name, which would hide the frame's. */
    int hides = own == NULL ? 0 : PySet_Contains(symbols->nested, own);
    Py_XDECREF(own);
    if (hides) {
        return hides > 0;
    }
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
compile_nested(const Source *source, Namespace *ns, PyObject *statements, int flags, int is_async, Compiled *compiled)
{
    int ret = -1, tried = 0;
    Symbols symbols;
    PyObject *guard = compile_quiet_begin();
    if (guard == NULL) {
        return -1;
    }
    if (symbols_read(&symbols, source, ns, is_async) < 0) {
        goto done;
    }
    if (!is_async && !compile_uses_class_names(&symbols)) {
        ret = compile_as_class(source, ns, statements, &symbols, flags, compiled);
        tried = 1;
    }
    if (ret < 0 && symbols.usable && (!tried || PyErr_ExceptionMatches(PyExc_SyntaxError))) {
        PyErr_Clear();
        ret = compile_as_function(source, ns, statements, &symbols, flags, is_async, compiled);
        tried = 1;
    }
    if (ret < 0 && (!tried || PyErr_ExceptionMatches(PyExc_SyntaxError))) {
        PyErr_Clear();
        ret = 0;
    }
done:
    symbols_clear(&symbols);
    return compile_quiet_end(guard) < 0 ? -1 : ret;
}

/* Features of `from __future__` in the frame's own code hold at the prompt, too. */
static int
compile_flags(Namespace *ns)
{
    PyObject *frame = scope_frame(ns);
    PyCodeObject *code = frame == NULL ? NULL : PyFrame_GetCode((PyFrameObject *)frame);
    int flags = code == NULL ? 0 : (int)(code_flags((PyObject *)code) & FUTURE_FEATURES);
    Py_XDECREF((PyObject *)code);
    return flags;
}

/* The statements to compile: expressions shown, names declared global before still global. New list. */
static PyObject *
compile_statements(const Source *source, Namespace *ns)
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

int
compile_input(const Source *source, Namespace *ns, Compiled *compiled)
{
    int ret = -1;
    PyObject *plain = NULL, *module = NULL, *ast = NULL;
    int flags = compile_flags(ns);
    int may_await = compile_mentions(source, "await") || compile_mentions(source, "async");
    PyObject *statements = compile_statements(source, ns);
    if (statements == NULL) {
        return -1;
    }
    ast = compat_import("_ast");
    module = ast == NULL ? NULL : PyObject_CallMethod(ast, "Module", "O[]", statements);
    if (module == NULL) {
        goto done;
    }
    plain = compile_call(module, source->filename, "exec", flags | (may_await ? ALLOW_TOP_LEVEL_AWAIT : 0));
    PyObject *type, *value, *traceback; /* what is wrong with it as a module; told if the other forms fail too */
    PyErr_Fetch(&type, &value, &traceback);
    int may_wrap = PyErr_GivenExceptionMatches(type, PyExc_SyntaxError) && compile_has_inner_nonlocal(source);
    if (plain == NULL && !may_wrap) {
        PyErr_Restore(type, value, traceback);
        goto done;
    }
    compiled->is_coroutine = plain != NULL && (code_flags(plain) & CODE_COROUTINE) != 0;
    ret = 0;
    if (plain == NULL || compile_has_inner_code(plain) || compile_mentions(source, ":=")) {
        ret = compile_nested(source, ns, statements, flags, compiled->is_coroutine, compiled);
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

void
compile_clear(Compiled *compiled)
{
    Py_CLEAR(compiled->code);
    Py_CLEAR(compiled->cells);
}
