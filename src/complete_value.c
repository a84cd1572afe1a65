/* The value of an expression, as far as it can be had without running code: names, attributes, subscripts of plain
 * containers with plain keys, literals. */
#include "complete_parts.h"

#include <string.h>

#include "scope_peek.h"

enum { VALUE_DEPTH = 64 }; /* brackets within brackets */

static PeekValue value_of(const Completing *c, uint32_t first, uint32_t last, int depth);

static const Token *
value_token(const Completing *c, uint32_t index)
{
    return &c->tokens.list[index];
}

static PeekValue
value_unknown(void)
{
    return (PeekValue){NULL, NULL};
}

/* ---- where an expression begins ---- */

static bool
value_is_operand(const Completing *c, uint32_t index)
{
    if (index == TOKEN_NONE) {
        return false;
    }
    const Token *token = value_token(c, index);
    return token->kind == TOKEN_CLOSE || token->kind == TOKEN_STRING || token->kind == TOKEN_STRING_END
           || (complete_is_name(c, index) && token->kind != TOKEN_KEYWORD);
}

/* The first token of an f-string whose last it is. */
static uint32_t
value_string_start(const Completing *c, uint32_t index)
{
    for (int depth = 0; index != TOKEN_NONE; index--) {
        uint8_t kind = value_token(c, index)->kind;
        depth += kind == TOKEN_STRING_END ? 1 : kind == TOKEN_STRING_START ? -1 : 0;
        if (depth == 0) {
            return index;
        }
        if (index == 0) {
            break;
        }
    }
    return TOKEN_NONE;
}

/* Behind the strings that begin there, fields and all. */
static uint32_t
value_strings_end(const Completing *c, uint32_t index)
{
    for (int depth = 0; index < c->tokens.count; index++) {
        uint8_t kind = value_token(c, index)->kind;
        if (depth == 0 && kind != TOKEN_STRING && kind != TOKEN_STRING_START && kind != TOKEN_LINE_END
            && kind != TOKEN_COMMENT && kind != TOKEN_CONTINUATION) {
            break;
        }
        depth += kind == TOKEN_STRING_START ? 1 : kind == TOKEN_STRING_END ? -1 : 0;
    }
    return index;
}

uint32_t
complete_value_start(const Completing *c, uint32_t end)
{
    uint32_t at = end;
    while (at != TOKEN_NONE) {
        const Token *token = value_token(c, at);
        uint32_t start = at;
        bool trailer = false;
        if (token->kind == TOKEN_CLOSE) {
            start = token->other;
            trailer = start != TOKEN_NONE && value_is_operand(c, complete_previous(c, start));
        }
        else if (token->kind == TOKEN_STRING_END) {
            start = value_string_start(c, at);
        }
        else if (token->kind != TOKEN_STRING && token->kind != TOKEN_NUMBER && !complete_is_name(c, at)) {
            return TOKEN_NONE;
        }
        if (start == TOKEN_NONE || start > at) {
            return TOKEN_NONE;
        }
        uint32_t before = complete_previous(c, start);
        if (trailer) {
            at = before;
        }
        else if (complete_is_name(c, at) && complete_is(c, before, ".")) {
            at = complete_previous(c, before);
        }
        else if ((token->kind == TOKEN_STRING || token->kind == TOKEN_STRING_END) && before != TOKEN_NONE
                 && (value_token(c, before)->kind == TOKEN_STRING
                     || value_token(c, before)->kind == TOKEN_STRING_END)) {
            at = before; /* "one" "two" */
        }
        else {
            return start;
        }
    }
    return TOKEN_NONE;
}

/* ---- literals ---- */

static PyObject *
value_number(const char *text, size_t size)
{
    char digits[64];
    size_t count = 0;
    bool based = size > 1 && text[0] == '0' && strchr("xXoObB", text[1]) != NULL;
    for (size_t i = 0; i < size && count + 1 < sizeof digits; i++) {
        if (text[i] != '_') {
            digits[count++] = text[i];
        }
    }
    digits[count] = '\0';
    if (!based && (digits[count - 1] == 'j' || digits[count - 1] == 'J')) {
        return PyComplex_FromDoubles(0.0, 1.0); /* its type is what counts */
    }
    if (!based && strpbrk(digits, ".eE") != NULL) {
        return PyFloat_FromDouble(PyOS_string_to_double(digits, NULL, NULL));
    }
    return PyLong_FromString(digits, NULL, 0);
}

/* Text of a literal: a new str or bytes, or NULL. */
static PyObject *
value_string(const char *text, size_t size)
{
    Quote quote;
    Buffer meaning = {NULL, 0, 0, false};
    PyObject *value = NULL;
    size_t marks;
    if (!quote_open(text, size, &quote)) {
        return NULL;
    }
    marks = quote.triple ? 3 : 1;
    if (quote.formatted || size < quote.size + marks) {
        return NULL;
    }
    if (quote_read(&quote, text + quote.size, size - quote.size - marks, &meaning)) {
        value = quote.bytes ? PyBytes_FromStringAndSize(meaning.bytes, (Py_ssize_t)meaning.size)
                            : PyUnicode_FromStringAndSize(meaning.bytes, (Py_ssize_t)meaning.size);
    }
    buffer_free(&meaning);
    return value;
}

static PyObject *
value_constant(const Completing *c, uint32_t index)
{
    const Token *token = value_token(c, index);
    const char *text = c->text + token->start;
    size_t size = token->end - token->start;
    PyObject *value = NULL;
    if (token->kind == TOKEN_NUMBER) {
        value = value_number(text, size);
    }
    else if (token->kind == TOKEN_STRING) {
        value = value_string(text, size);
    }
    else if (complete_is(c, index, "None")) {
        value = Py_NewRef(Py_None);
    }
    else if (complete_is(c, index, "True") || complete_is(c, index, "False")) {
        value = PyBool_FromLong(complete_is(c, index, "True"));
    }
    if (PyErr_Occurred()) { /* a number that is not finished is none */
        PyErr_Clear();
        Py_CLEAR(value);
    }
    return value;
}

/* The tokens from `first` to `last`, parted by commas, as a tuple of literals. */
static PyObject *
value_tuple(const Completing *c, uint32_t first, uint32_t last)
{
    PyObject *list = PyList_New(0);
    uint32_t begin = first;
    for (uint32_t i = first; list != NULL && i <= last + 1; i++) {
        if (i <= last && value_token(c, i)->kind == TOKEN_OPEN) {
            uint32_t close = value_token(c, i)->other;
            i = close != TOKEN_NONE && close <= last ? close : last;
            continue;
        }
        if (i <= last && !complete_is(c, i, ",")) {
            continue;
        }
        PyObject *item = begin < i ? complete_literal(c, begin, i - 1) : NULL;
        bool behind_comma = begin == i && i == last + 1 && i > first;
        if ((item == NULL && !behind_comma) || (item != NULL && PyList_Append(list, item) < 0)) {
            Py_CLEAR(list);
        }
        Py_XDECREF(item);
        begin = i + 1;
    }
    PyObject *tuple = list == NULL ? NULL : PyList_AsTuple(list);
    Py_XDECREF(list);
    return tuple;
}

PyObject *
complete_literal(const Completing *c, uint32_t first, uint32_t last)
{
    PyObject *value = NULL;
    if (first == last) {
        return value_constant(c, first);
    }
    if (complete_is(c, first, "-") && first + 1 == last && value_token(c, last)->kind == TOKEN_NUMBER) {
        PyObject *number = value_constant(c, last);
        value = number == NULL ? NULL : PyNumber_Negative(number);
        Py_XDECREF(number);
    }
    else if (complete_is(c, first, "(") && value_token(c, first)->other == last) {
        value = first + 1 == last ? PyTuple_New(0) : value_tuple(c, first + 1, last - 1);
    }
    else {
        for (uint32_t i = first; i <= last; i++) {
            if (complete_is(c, i, ",")) {
                value = value_tuple(c, first, last);
                break;
            }
        }
    }
    if (value == NULL) {
        PyErr_Clear();
    }
    return value;
}

/* ---- atoms ---- */

/* Does one of these stand in the brackets, not in brackets of its own? */
static bool
value_contains(const Completing *c, uint32_t bracket, const char *text)
{
    for (uint32_t i = bracket + 1; i < value_token(c, bracket)->other; i++) {
        const Token *token = value_token(c, i);
        if (token->kind != TOKEN_OPEN && token->kind != TOKEN_CLOSE && token->other == bracket
            && complete_is(c, i, text)) {
            return true;
        }
    }
    return false;
}

/* A display: of its value only the type is told. */
static PeekValue
value_display(const Completing *c, uint32_t open, uint32_t close, int depth)
{
    if (complete_is(c, open, "[")) {
        return peek_instance((PyObject *)&PyList_Type);
    }
    if (complete_is(c, open, "{")) {
        bool dict = open + 1 == close || value_contains(c, open, ":") || value_contains(c, open, "**");
        return peek_instance((PyObject *)(dict ? &PyDict_Type : &PySet_Type));
    }
    if (open + 1 == close || value_contains(c, open, ",")) {
        return peek_instance((PyObject *)&PyTuple_Type);
    }
    uint32_t last = complete_previous(c, close);
    uint32_t first = open + 1;
    while (first < last && (value_token(c, first)->kind == TOKEN_LINE_END
                            || value_token(c, first)->kind == TOKEN_COMMENT)) {
        first++;
    }
    return value_of(c, first, last, depth - 1);
}

/* The type of a string, template strings aside. */
static PeekValue
value_text(const Completing *c, uint32_t index)
{
    Quote quote;
    const Token *token = value_token(c, index);
    const char *text = c->text + token->start;
    if (!quote_open(text, token->end - token->start, &quote)) {
        return value_unknown();
    }
    for (size_t i = 0; i < quote.size; i++) {
        if (text[i] == 't' || text[i] == 'T') {
            return value_unknown();
        }
    }
    return peek_instance((PyObject *)(quote.bytes ? &PyBytes_Type : &PyUnicode_Type));
}

/* The atom at `*at`, which is moved behind it. */
static PeekValue
value_atom(const Completing *c, uint32_t *at, int depth)
{
    uint32_t index = *at;
    const Token *token = value_token(c, index);
    *at = index + 1;
    if (token->kind == TOKEN_OPEN) {
        *at = token->other == TOKEN_NONE ? c->tokens.count : token->other + 1;
        return token->other == TOKEN_NONE ? value_unknown() : value_display(c, index, token->other, depth);
    }
    if (token->kind == TOKEN_STRING || token->kind == TOKEN_STRING_START) {
        *at = value_strings_end(c, index);
        return value_text(c, index);
    }
    PyObject *value = value_constant(c, index);
    if (value == NULL && token->kind != TOKEN_KEYWORD && complete_is_name(c, index)) {
        PyObject *name = complete_name(c, index);
        value = name == NULL ? NULL : scope_peek(c->ns, name);
        Py_XDECREF(name);
    }
    return peek_value(value);
}

/* ---- subscripts ---- */

/* Are they equal, if both are plain? (A str and bytes are not compared: python -b would warn.) */
static bool
value_equals(PyObject *its, PyObject *key)
{
    bool numbers = (PyLong_Check(its) || PyFloat_Check(its)) && (PyLong_Check(key) || PyFloat_Check(key));
    return (Py_TYPE(its) == Py_TYPE(key) || numbers) && peek_is_plain(its, VALUE_DEPTH)
           && PyObject_RichCompareBool(its, key, Py_EQ) == 1;
}

static PyObject *
value_in_dict(PyObject *dict, PyObject *key)
{
    PeekWalk walk;
    PyObject *its, *value, *found = NULL;
    peek_walk(&walk, dict);
    while (found == NULL && peek_next(&walk, &its, &value)) {
        if (value_equals(its, key)) {
            found = Py_NewRef(value);
        }
    }
    peek_end(&walk);
    return found;
}

/* Does its class leave the subscript of a dict as it is? */
static bool
value_is_dict(PyObject *object)
{
    if (!PyDict_Check(object)) {
        return false;
    }
    PyObject *own = peek_in_mro((PyObject *)Py_TYPE(object), "__getitem__");
    PyObject *plain = peek_in_mro((PyObject *)&PyDict_Type, "__getitem__");
    Py_XDECREF(own);
    Py_XDECREF(plain);
    return own == plain;
}

static PyObject *
value_in_sequence(PyObject *sequence, PyObject *key)
{
    bool list = PyList_CheckExact(sequence);
    Py_ssize_t size = list ? PyList_Size(sequence) : PyTuple_Size(sequence);
    Py_ssize_t at = PyLong_AsSsize_t(key);
    at = at < 0 && !PyErr_Occurred() ? at + size : at;
    if (PyErr_Occurred() || at < 0 || at >= size) {
        return NULL;
    }
    return Py_NewRef(list ? PyList_GetItem(sequence, at) : PyTuple_GetItem(sequence, at));
}

/* A column or a field: some instance of the type that such a thing has. */
static PeekValue
value_column(const PeekValue *of, PyObject *key, bool as_attribute)
{
    bool found = false;
    PyObject *columns = complete_columns(of, as_attribute);
    for (Py_ssize_t i = 0; columns != NULL && !found && i < PyList_Size(columns); i++) {
        found = value_equals(PyList_GetItem(columns, i), key);
    }
    Py_XDECREF(columns);
    PyObject *type = found ? complete_column_type(of) : NULL;
    PeekValue value = peek_instance(type);
    Py_XDECREF(type);
    return value;
}

static PeekValue
value_subscript(const Completing *c, const PeekValue *of, uint32_t open, uint32_t close)
{
    PeekValue value = value_unknown();
    PyObject *key = open + 1 < close ? complete_literal(c, open + 1, close - 1) : NULL;
    if (key == NULL) {
        return value;
    }
    if (of->object == NULL) {
        if (of->type == (PyObject *)&PyUnicode_Type) {
            value = peek_instance(of->type);
        }
    }
    else if (value_is_dict(of->object)) {
        value = peek_value(value_in_dict(of->object, key));
    }
    else if (PyList_CheckExact(of->object) || PyTuple_CheckExact(of->object)) {
        value = peek_value(PyLong_Check(key) ? value_in_sequence(of->object, key) : NULL);
    }
    else if (PyUnicode_CheckExact(of->object)) {
        value = peek_instance(of->type);
    }
    else {
        value = value_column(of, key, false);
    }
    if (value.object != NULL && compat_is_lazy(value.object)) {
        peek_clear(&value);
    }
    PyErr_Clear();
    Py_DECREF(key);
    return value;
}

/* ---- attributes ---- */

/* A column is reached by a dot too, though no class knows of it; what a class knows of comes first. */
static PeekValue
value_attribute(const PeekValue *of, PyObject *name)
{
    PeekValue value = peek_attribute(of, name);
    const char *text = PyUnicode_AsUTF8AndSize(name, NULL);
    PyObject *known = value.type != NULL || text == NULL ? NULL : peek_in_mro(of->type, text);
    if (value.type == NULL && known == NULL) {
        value = value_column(of, name, true);
    }
    Py_XDECREF(known);
    return value;
}

/* ---- the whole ---- */

static void
value_set(PeekValue *value, PeekValue next)
{
    peek_clear(value);
    *value = next;
}

static PeekValue
value_of(const Completing *c, uint32_t first, uint32_t last, int depth)
{
    if (depth == 0 || first > last || complete_value_start(c, last) != first) {
        return value_unknown();
    }
    uint32_t at = first;
    PeekValue value = value_atom(c, &at, depth);
    while (at <= last && value.type != NULL) {
        const Token *token = value_token(c, at);
        if (token->kind == TOKEN_LINE_END || token->kind == TOKEN_COMMENT || token->kind == TOKEN_CONTINUATION) {
            at++;
        }
        else if (complete_is(c, at, ".")) {
            do {
                at++;
            } while (at < last && !complete_is_name(c, at));
            PyObject *name = complete_name(c, at++);
            value_set(&value, name == NULL ? value_unknown() : value_attribute(&value, name));
            Py_XDECREF(name);
        }
        else if (complete_is(c, at, "[") && token->other != TOKEN_NONE) {
            value_set(&value, value_subscript(c, &value, at, token->other));
            at = token->other + 1;
        }
        else { /* a call: that would be code */
            value_set(&value, value_unknown());
        }
    }
    return value;
}

PeekValue
complete_value(const Completing *c, uint32_t end)
{
    uint32_t first = end == TOKEN_NONE ? TOKEN_NONE : complete_value_start(c, end);
    return first == TOKEN_NONE ? value_unknown() : value_of(c, first, end, VALUE_DEPTH);
}
