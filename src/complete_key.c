/* Keys within the brackets of a subscript, written as they would be typed. */
#include "complete_parts.h"

#include <stdio.h>
#include <string.h>

enum { KEY_DEPTH = 8 };

typedef struct Key {
    Completing *c;
    const char *raw;    /* what stands in the bracket up to the point */
    size_t raw_size;
    const Quote *quote; /* of the string that the point is in, or NULL */
    size_t content;     /* where that begins, in `raw` */
    Buffer meaning;     /* what is typed of the string; its bytes NULL when it is not the first thing */
    bool ended;         /* the only match so far needs no closing quote */
} Key;

/* ---- writing ---- */

static bool
key_write_text(Buffer *buffer, const char *text, size_t size, bool bytes, char mark)
{
    if (mark == '\0') { /* as repr() does */
        mark = memchr(text, '\'', size) != NULL && memchr(text, '"', size) == NULL ? '"' : '\'';
    }
    Quote quote = {.mark = mark, .bytes = bytes};
    if (bytes) {
        buffer_add_char(buffer, 'b');
    }
    buffer_add_char(buffer, mark);
    bool done = quote_write(&quote, text, size, buffer);
    buffer_add_char(buffer, mark);
    return done;
}

/* Write a key as source; `mark`: the quote to use, NUL for any. False if it cannot be written. */
static bool
key_write(Buffer *buffer, PyObject *key, char mark, bool parens, int depth)
{
    bool done = true;
    Py_ssize_t size;
    if (PyUnicode_Check(key)) {
        const char *text = PyUnicode_AsUTF8AndSize(key, &size);
        return text != NULL && key_write_text(buffer, text, (size_t)size, false, mark);
    }
    if (PyBytes_CheckExact(key)) {
        return key_write_text(buffer, PyBytes_AsString(key), (size_t)PyBytes_Size(key), true, mark);
    }
    if (PyTuple_CheckExact(key) && depth > 0) {
        size = PyTuple_Size(key);
        parens = parens || size == 0;
        buffer_add_string(buffer, parens ? "(" : "");
        for (Py_ssize_t i = 0; done && i < size; i++) {
            done = key_write(buffer, PyTuple_GetItem(key, i), mark, true, depth - 1);
            buffer_add_string(buffer, i + 1 < size ? ", " : size == 1 ? "," : "");
        }
        buffer_add_string(buffer, parens ? ")" : "");
        return done;
    }
    if (!peek_is_plain(key, 0) || PyTuple_CheckExact(key)) {
        return false;
    }
    PyObject *repr = PyObject_Repr(key);
    const char *text = repr == NULL ? NULL : PyUnicode_AsUTF8AndSize(repr, NULL);
    done = text != NULL && strcmp(text, "inf") != 0 && strcmp(text, "-inf") != 0 && strcmp(text, "nan") != 0;
    if (done) {
        buffer_add_string(buffer, text);
    }
    Py_XDECREF(repr);
    return done;
}

/* ---- one key ---- */

/* A key that is a text, within a string of that kind. */
static void
key_offer_text(Key *k, PyObject *key)
{
    Py_ssize_t size = 0;
    const char *text = k->quote->bytes ? PyBytes_AsString(key) : PyUnicode_AsUTF8AndSize(key, &size);
    size = text != NULL && k->quote->bytes ? PyBytes_Size(key) : size;
    Matches *matches = &k->c->completion->matches;
    Buffer written = {NULL, 0, 0, false};
    if (text != NULL
        && matches_begins(text, (size_t)size, k->meaning.bytes, k->meaning.size, matches->ignore_case)
        && quote_write(k->quote, text, (size_t)size, &written)) {
        matches_add(matches, written.bytes, written.size);
        k->ended = false;
    }
    buffer_free(&written);
}

/* Any key, written whole; what is typed of it may end within a string. */
static void
key_offer_written(Key *k, PyObject *key)
{
    Matches *matches = &k->c->completion->matches;
    Buffer written = {NULL, 0, 0, false};
    size_t plain = 0;
    while (plain < k->raw_size && k->raw[plain] != '"' && k->raw[plain] != '\'') {
        plain++;
    }
    char mark = plain < k->raw_size ? k->raw[plain] : '\0';
    if (key_write(&written, key, mark, false, KEY_DEPTH) && !written.failed
        && matches_begins(written.bytes, written.size, k->raw, k->raw_size, matches->ignore_case)) {
        matches_add(matches, written.bytes + k->content, written.size - k->content);
        k->ended = true;
    }
    buffer_free(&written);
}

static void
key_offer(Key *k, PyObject *key)
{
    bool text = PyUnicode_Check(key);
    if (k->quote == NULL) {
        key_offer_written(k, key);
    }
    else if (k->meaning.bytes != NULL && (k->quote->bytes ? PyBytes_CheckExact(key) : text)) {
        key_offer_text(k, key);
    }
    else if (PyTuple_CheckExact(key) && !k->quote->raw && !k->quote->triple) {
        key_offer_written(k, key);
    }
    if (PyErr_Occurred()) {
        PyErr_Clear(); /* surrogates, an int of too many digits */
    }
}

static void
key_offer_all(Key *k, const PeekValue *of)
{
    PyObject *key, *value;
    if (of->object != NULL && PyDict_Check(of->object)) {
        PeekWalk walk;
        peek_walk(&walk, of->object);
        while (peek_next(&walk, &key, &value)) {
            key_offer(k, key);
        }
        peek_end(&walk);
        return;
    }
    PyObject *columns = complete_columns(of, false);
    for (Py_ssize_t i = 0; columns != NULL && i < PyList_Size(columns); i++) {
        key_offer(k, PyList_GetItem(columns, i));
    }
    Py_XDECREF(columns);
}

/* ---- where the point is ---- */

/* What belongs behind the only match, unless it stands there already. */
static void
key_suffix(const Key *k)
{
    char *suffix = k->c->completion->suffix;
    char marks[4] = "";
    if (k->quote != NULL && !k->ended) {
        char mark = k->quote->mark;
        memcpy(marks, k->quote->triple ? (char[]){mark, mark, mark, '\0'} : (char[]){mark, '\0', '\0', '\0'}, 4);
    }
    if (!complete_follows(k->c, *marks != '\0' ? marks : "]")) {
        snprintf(suffix, sizeof k->c->completion->suffix, "%s%s", marks, complete_follows(k->c, "]") ? "" : "]");
    }
}

static bool
key_is_letter(char letter)
{
    unsigned char byte = (unsigned char)letter;
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_' || byte >= 0x80;
}

bool
complete_key(Completing *c, uint32_t bracket)
{
    const Token *last = &c->tokens.list[c->tokens.count - 1];
    size_t start = c->tokens.list[bracket].end;
    size_t typed = c->completion->start;
    Quote quote;
    while (start < c->point && strchr(" \t\n", c->text[start]) != NULL) {
        start++;
    }
    Key k = {.c = c, .raw = c->text + start, .raw_size = c->point - start};
    if (last->kind == TOKEN_STRING && last->end == c->point && (last->flags & TOKEN_UNFINISHED) != 0
        && quote_open(c->text + last->start, c->point - last->start, &quote)) {
        size_t content = last->start + quote.size;
        k.quote = &quote;
        k.content = content - start;
        if (last->start == start && !quote_read(&quote, c->text + content, c->point - content, &k.meaning)) {
            buffer_free(&k.meaning);
            return false;
        }
        complete_from(c, content);
    }
    else if (k.raw_size == 0 || !key_is_letter(*k.raw)) {
        complete_from(c, start);
    }
    else if (c->completion->start != start) {
        return false; /* d[a + b */
    }
    size_t found = c->completion->matches.count;
    uint32_t before = complete_previous(c, bracket);
    PeekValue value = before == TOKEN_NONE ? peek_value(NULL) : complete_value(c, before);
    key_offer_all(&k, &value);
    peek_clear(&value);
    found = c->completion->matches.count - found;
    if (found > 0) {
        key_suffix(&k);
    }
    else {
        complete_from(c, typed);
    }
    buffer_free(&k.meaning);
    return found > 0 && (k.quote != NULL || k.raw_size == 0 || !key_is_letter(*k.raw));
}
