/* Keyword arguments of what is called, read from code objects and from the signatures that builtins carry as text.
 * inspect.signature() would ask properties of the program's. */
#include "complete_parts.h"

#include <string.h>

enum { CALL_DEPTH = 32 }; /* decorators around a function, partials of partials */

typedef struct Call {
    Completing *c;
    uint32_t bracket;
    long positional; /* so many arguments stand before the point without a name */
} Call;

static void call_offer(const Call *call, PyObject *callable, long skip, int depth);

/* ---- what is given already ---- */

static bool
call_is_argument(const Completing *c, uint32_t bracket, uint32_t index)
{
    uint32_t before = complete_previous(c, index);
    return before == bracket || (complete_is(c, before, ",") && c->tokens.list[before].other == bracket);
}

static bool
call_is_given(const Call *call, const char *name, size_t size)
{
    const Completing *c = call->c;
    for (uint32_t i = call->bracket + 1; i < c->tokens.count; i++) {
        const Token *token = &c->tokens.list[i];
        if (token->end - token->start == size && memcmp(c->text + token->start, name, size) == 0
            && complete_is(c, i + 1, "=") && call_is_argument(c, call->bracket, i)) {
            return true;
        }
    }
    return false;
}

static long
call_positional(const Completing *c, uint32_t bracket)
{
    long count = 0;
    for (uint32_t i = bracket + 1; i < c->tokens.count; i++) {
        const Token *token = &c->tokens.list[i];
        bool inner = token->kind == TOKEN_OPEN || token->kind == TOKEN_CLOSE;
        if (!inner && token->other == bracket) {
            count += complete_is(c, i, ",");
            count -= complete_is(c, i, "=") || (complete_is(c, i, "*") && call_is_argument(c, bracket, i))
                     || (complete_is(c, i, "**") && call_is_argument(c, bracket, i));
        }
    }
    return count > 0 ? count : 0;
}

static void
call_offer_parameter(const Call *call, const char *name, size_t size)
{
    char keyword[256];
    if (size + 1 < sizeof keyword && !call_is_given(call, name, size)) {
        memcpy(keyword, name, size);
        keyword[size] = '=';
        complete_offer(call->c, keyword, size + 1);
    }
}

/* ---- functions ---- */

static long
call_number(PyObject *code, const char *name)
{
    PyObject *number = PyObject_GetAttrString(code, name);
    long value = number == NULL ? 0 : PyLong_AsLong(number);
    Py_XDECREF(number);
    return value;
}

static void
call_offer_code(const Call *call, PyObject *code, long skip)
{
    long positional = call_number(code, "co_argcount");
    long hidden = call_number(code, "co_posonlyargcount");
    long all = positional + call_number(code, "co_kwonlyargcount");
    PyObject *names = PyObject_GetAttrString(code, "co_varnames");
    for (long i = hidden; names != NULL && i < all; i++) {
        Py_ssize_t size;
        PyObject *name = i < positional && i < skip + call->positional ? NULL : PyTuple_GetItem(names, i);
        const char *text = name == NULL ? NULL : PyUnicode_AsUTF8AndSize(name, &size);
        if (text != NULL && *text != '.') {
            call_offer_parameter(call, text, (size_t)size);
        }
        PyErr_Clear();
    }
    Py_XDECREF(names);
    PyErr_Clear();
}

/* A function, or what it wraps. */
static void
call_offer_function(const Call *call, PyObject *function, long skip, int depth)
{
    PyObject *dict = peek_dict(function);
    PyObject *wrapped = dict == NULL ? NULL : Py_XNewRef(peek_get_string(dict, "__wrapped__"));
    PyObject *code = wrapped != NULL ? NULL : PyObject_GetAttrString(function, "__code__");
    if (wrapped != NULL) {
        call_offer(call, wrapped, skip, depth - 1);
    }
    else if (code != NULL) {
        call_offer_code(call, code, skip);
    }
    PyErr_Clear();
    Py_XDECREF(code);
    Py_XDECREF(wrapped);
    Py_XDECREF(dict);
}

/* ---- signatures as text ---- */

/* "($self, /, a, *, b=1)", of which parameters before the slash cannot be named. */
static void
call_offer_text(const Call *call, const char *text)
{
    Tokens tokens = {.list = NULL};
    Completing signature = {.text = text, .point = strlen(text)};
    if (!lexer_run(&tokens, text, signature.point)) {
        return;
    }
    signature.tokens = tokens;
    uint32_t first = 1;
    for (uint32_t i = 1; i < tokens.count; i++) {
        first = tokens.list[i].other == 0 && complete_is(&signature, i, "/") ? i + 1 : first;
    }
    long position = 0;
    bool by_position = true;
    for (uint32_t i = 1; i < tokens.count; i++) {
        if (tokens.list[i].kind == TOKEN_OPEN || tokens.list[i].kind == TOKEN_CLOSE || tokens.list[i].other != 0) {
            continue;
        }
        if (!complete_is(&signature, i - 1, "(") && !complete_is(&signature, i - 1, ",")) {
            continue;
        }
        by_position = by_position && !complete_is(&signature, i, "*") && !complete_is(&signature, i, "**");
        if (!complete_is_name(&signature, i)) {
            continue;
        }
        if (i >= first && (!by_position || position >= call->positional)) {
            call_offer_parameter(call, text + tokens.list[i].start, tokens.list[i].end - tokens.list[i].start);
        }
        position++;
    }
    lexer_free(&tokens);
}

static void
call_offer_signature(const Call *call, PyObject *signature)
{
    const char *text = signature == NULL || !PyUnicode_CheckExact(signature) ? NULL
                       : PyUnicode_AsUTF8AndSize(signature, NULL);
    if (text != NULL && *text == '(') {
        call_offer_text(call, text);
    }
    PyErr_Clear();
}

/* ---- classes ---- */

static bool
call_is_function(PyObject *object)
{
    return peek_is((PyObject *)Py_TYPE(object), "builtins", "function");
}

/* Does the class have that under the name, as `object` or `type` has it? */
static bool
call_inherits(PyObject *type, PyObject *from, const char *name)
{
    PyObject *its = peek_in_mro(type, name);
    PyObject *original = peek_in_mro(from, name);
    Py_XDECREF(its);
    Py_XDECREF(original);
    return its == original;
}

/* A class written in C, or what it is derived from. */
static void
call_offer_builtin_class(const Call *call, PyObject *type)
{
    PyObject *mro = peek_mro(type);
    PyObject *meta = peek_type_dict((PyObject *)&PyType_Type);
    PyObject *getter = meta == NULL ? NULL : peek_get_string(meta, "__text_signature__");
    descrgetfunc get = getter == NULL ? NULL : (descrgetfunc)PyType_GetSlot(Py_TYPE(getter), Py_tp_descr_get);
    for (Py_ssize_t i = 0; mro != NULL && get != NULL && i < PyTuple_Size(mro) - 1; i++) {
        PyObject *base = PyTuple_GetItem(mro, i);
        PyObject *signature = get(getter, base, (PyObject *)Py_TYPE(base));
        bool known = signature != NULL && signature != Py_None;
        call_offer_signature(call, signature);
        Py_XDECREF(signature);
        if (known) {
            break;
        }
    }
    PyErr_Clear();
    Py_XDECREF(mro);
    Py_XDECREF(meta);
}

static void
call_offer_class(const Call *call, PyObject *type, int depth)
{
    PyObject *meta_call = peek_in_mro((PyObject *)Py_TYPE(type), "__call__");
    PyObject *init = peek_in_mro(type, "__init__");
    PyObject *new = peek_in_mro(type, "__new__");
    PyObject *maker = NULL;
    if (new != NULL && peek_is((PyObject *)Py_TYPE(new), "builtins", "staticmethod")) {
        maker = PyObject_GetAttrString(new, "__func__");
        PyErr_Clear();
    }
    if (!call_inherits((PyObject *)Py_TYPE(type), (PyObject *)&PyType_Type, "__call__")) {
        if (meta_call != NULL && call_is_function(meta_call)) {
            call_offer_function(call, meta_call, 1, depth - 1);
        }
    }
    else if (init != NULL && call_is_function(init)) {
        call_offer_function(call, init, 1, depth - 1);
    }
    else if (maker != NULL && call_is_function(maker)) {
        call_offer_function(call, maker, 1, depth - 1);
    }
    else {
        call_offer_builtin_class(call, type);
    }
    Py_XDECREF(meta_call);
    Py_XDECREF(init);
    Py_XDECREF(new);
    Py_XDECREF(maker);
}

/* ---- any callable ---- */

static PeekValue
call_peek(PyObject *object, const char *name)
{
    PeekValue of = peek_value(Py_NewRef(object));
    PyObject *text = PyUnicode_InternFromString(name);
    PeekValue value = text == NULL ? peek_value(NULL) : peek_attribute(&of, text);
    Py_XDECREF(text);
    peek_clear(&of);
    return value;
}

/* functools.partial: the function's parameters without those given by position. */
static void
call_offer_partial(const Call *call, PyObject *partial, long skip, int depth)
{
    PeekValue function = call_peek(partial, "func");
    PeekValue args = call_peek(partial, "args");
    if (function.object != NULL && args.object != NULL && PyTuple_Check(args.object)) {
        call_offer(call, function.object, skip + PyTuple_Size(args.object), depth - 1);
    }
    peek_clear(&function);
    peek_clear(&args);
}

static bool
call_is_builtin(PyObject *type)
{
    static const char *const names[] = {"builtin_function_or_method", "method_descriptor", "wrapper_descriptor",
                                        "method-wrapper", "classmethod_descriptor", NULL};
    for (const char *const *name = names; *name != NULL; name++) {
        if (peek_is(type, "builtins", *name)) {
            return true;
        }
    }
    return false;
}

static void
call_offer(const Call *call, PyObject *callable, long skip, int depth)
{
    PyObject *type = (PyObject *)Py_TYPE(callable);
    if (depth == 0) {
        return;
    }
    PyObject *partial = peek_base(type, "functools", "partial");
    if (call_is_function(callable)) {
        call_offer_function(call, callable, skip, depth);
    }
    else if (PyType_Check(callable)) {
        call_offer_class(call, callable, depth);
    }
    else if (peek_is(type, "builtins", "method")) {
        PyObject *function = PyObject_GetAttrString(callable, "__func__");
        if (function != NULL) {
            call_offer(call, function, skip + 1, depth - 1);
        }
        PyErr_Clear();
        Py_XDECREF(function);
    }
    else if (partial != NULL) {
        call_offer_partial(call, callable, skip, depth);
    }
    else if (call_is_builtin(type)) {
        PyObject *signature = PyObject_GetAttrString(callable, "__text_signature__");
        call_offer_signature(call, signature);
        Py_XDECREF(signature);
    }
    else {
        PyObject *method = peek_in_mro(type, "__call__");
        if (method != NULL && call_is_function(method)) {
            call_offer_function(call, method, skip + 1, depth);
        }
        Py_XDECREF(method);
    }
    Py_XDECREF(partial);
}

void
complete_call(Completing *c, uint32_t bracket)
{
    uint32_t before = complete_previous(c, bracket);
    if (before == TOKEN_NONE || c->tokens.list[before].kind == TOKEN_DEFINITION) {
        return; /* the parameters of a `def`, not the arguments of a call */
    }
    Call call = {.c = c, .bracket = bracket, .positional = call_positional(c, bracket)};
    PeekValue value = complete_value(c, before);
    if (value.object != NULL) {
        call_offer(&call, value.object, 0, CALL_DEPTH);
    }
    peek_clear(&value);
}
