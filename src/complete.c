/* What stands at the point, and who knows what could follow it; see complete.h. */
#include "complete_parts.h"

#include <string.h>

/* ---- tokens ---- */

static const Token *
complete_token(const Completing *c, uint32_t index)
{
    return &c->tokens.list[index];
}

uint32_t
complete_previous(const Completing *c, uint32_t index)
{
    while (index != TOKEN_NONE && index > 0) {
        const Token *token = complete_token(c, --index);
        bool line_end = token->kind == TOKEN_LINE_END && token->other != TOKEN_NONE;
        if (!line_end && token->kind != TOKEN_COMMENT && token->kind != TOKEN_CONTINUATION) {
            return index;
        }
    }
    return TOKEN_NONE;
}

bool
complete_is(const Completing *c, uint32_t index, const char *text)
{
    if (index == TOKEN_NONE || index >= c->tokens.count) {
        return false;
    }
    const Token *token = complete_token(c, index);
    size_t size = strlen(text);
    return token->end - token->start == size && memcmp(c->text + token->start, text, size) == 0;
}

bool
complete_is_name(const Completing *c, uint32_t index)
{
    if (index == TOKEN_NONE || index >= c->tokens.count) {
        return false;
    }
    switch (complete_token(c, index)->kind) {
    case TOKEN_NAME: case TOKEN_KEYWORD: case TOKEN_SOFT_KEYWORD: case TOKEN_BUILTIN: case TOKEN_DEFINITION:
        return true;
    case TOKEN_DECORATOR:
        return !complete_is(c, index, "@") && !complete_is(c, index, ".");
    default:
        return false;
    }
}

PyObject *
complete_name(const Completing *c, uint32_t index)
{
    if (!complete_is_name(c, index)) {
        return NULL;
    }
    const Token *token = complete_token(c, index);
    PyObject *name = PyUnicode_FromStringAndSize(c->text + token->start, token->end - token->start);
    if (name == NULL) {
        PyErr_Clear();
    }
    else {
        PyUnicode_InternInPlace(&name);
    }
    return name;
}

void
complete_from(Completing *c, size_t start)
{
    c->completion->start = start;
    c->word = c->text + start;
    c->word_size = c->point - start;
}

bool
complete_follows(const Completing *c, const char *text)
{
    return strncmp(c->text + c->point, text, strlen(text)) == 0;
}

/* ---- where the point is ---- */

/* Within a string, the last token? */
static bool
complete_string(Completing *c, uint32_t last)
{
    const Token *token = complete_token(c, last);
    uint32_t start = token->kind == TOKEN_STRING_MIDDLE && last > 0 ? last - 1 : last;
    Quote quote;
    if (token->kind == TOKEN_STRING_START) {
        return true;
    }
    if (token->kind == TOKEN_STRING_MIDDLE && complete_token(c, start)->kind != TOKEN_STRING_START) {
        return true; /* an f-string with fields */
    }
    token = complete_token(c, start);
    if (!quote_open(c->text + token->start, c->point - token->start, &quote)) {
        return true;
    }
    size_t content = token->start + quote.size;
    uint32_t bracket = c->tokens.open;
    if (bracket == TOKEN_NONE || !complete_is(c, bracket, "[") || !complete_key(c, bracket)) {
        complete_path(c, &quote, content);
    }
    return true;
}

/* Is the point where nothing can be completed, or in a string? */
static bool
complete_special(Completing *c, uint32_t last)
{
    const Token *token = complete_token(c, last);
    if (token->kind == TOKEN_COMMENT) {
        return token->end == c->point;
    }
    if (token->end != c->point) {
        return false;
    }
    if ((token->kind == TOKEN_STRING && (token->flags & TOKEN_UNFINISHED) != 0) || token->kind == TOKEN_STRING_START
        || token->kind == TOKEN_STRING_MIDDLE) {
        return complete_string(c, last);
    }
    if (token->kind == TOKEN_NUMBER && c->tokens.open != TOKEN_NONE && complete_is(c, c->tokens.open, "[")) {
        complete_key(c, c->tokens.open);
    }
    return token->kind == TOKEN_NUMBER || token->kind == TOKEN_STRING || token->kind == TOKEN_STRING_END
           || token->kind == TOKEN_CLOSE || token->kind == TOKEN_DEFINITION;
}

/* Does a statement end with this token? */
static bool
complete_ends_statement(const Completing *c, uint32_t index)
{
    if (index == TOKEN_NONE) {
        return true;
    }
    const Token *token = complete_token(c, index);
    return token->other == TOKEN_NONE
           && (token->kind == TOKEN_LINE_END || complete_is(c, index, ";") || complete_is(c, index, ":"));
}

/* The `import` or `from` with which the statement at the point begins, TOKEN_NONE for another statement. */
static uint32_t
complete_import_start(const Completing *c, uint32_t before)
{
    for (uint32_t at = before; at != TOKEN_NONE; at = complete_previous(c, at)) {
        const Token *token = complete_token(c, at);
        if (token->other == TOKEN_NONE && (token->kind == TOKEN_LINE_END || complete_is(c, at, ";"))) {
            break;
        }
        if (complete_is(c, at, "import") || complete_is(c, at, "from")) {
            uint32_t first = complete_previous(c, at);
            first = complete_is(c, first, "lazy") ? complete_previous(c, first) : first;
            if (complete_ends_statement(c, first)) {
                return at;
            }
        }
    }
    return TOKEN_NONE;
}

static void
complete_python(Completing *c)
{
    uint32_t last = c->tokens.count == 0 ? TOKEN_NONE : (uint32_t)c->tokens.count - 1;
    if (last != TOKEN_NONE && complete_special(c, last)) {
        return;
    }
    bool typed = complete_is_name(c, last) && complete_token(c, last)->end == c->point;
    uint32_t before = last;
    if (typed) {
        complete_from(c, complete_token(c, last)->start);
        before = complete_previous(c, last);
    }
    else if (last != TOKEN_NONE
             && (complete_token(c, last)->kind == TOKEN_COMMENT || complete_token(c, last)->kind == TOKEN_CONTINUATION
                 || (complete_token(c, last)->kind == TOKEN_LINE_END
                     && complete_token(c, last)->other != TOKEN_NONE))) {
        before = complete_previous(c, last);
    }
    uint32_t import = complete_import_start(c, before);
    if (import != TOKEN_NONE) {
        complete_import(c, import);
        return;
    }
    if (complete_is(c, before, ".")) {
        PeekValue value = complete_value(c, complete_previous(c, before));
        complete_attributes(c, &value);
        peek_clear(&value);
        return;
    }
    if (complete_is(c, before, "def") || complete_is(c, before, "class") || complete_is(c, before, "as")) {
        return; /* a new name */
    }
    uint32_t bracket = c->tokens.open;
    if (bracket != TOKEN_NONE && complete_is(c, bracket, "[") && complete_key(c, bracket)) {
        return;
    }
    if (bracket != TOKEN_NONE && complete_is(c, bracket, "(") && (before == bracket || complete_is(c, before, ","))) {
        complete_call(c, bracket);
        matches_fence(&c->completion->matches);
    }
    complete_names(c, c->base == 0 && complete_ends_statement(c, before));
}

void
complete_at(ModuleState *state, Namespace *ns, const char *text, size_t point, bool ignore_case,
            Completion *completion)
{
    (void)state;
    *completion = (Completion){.start = point, .matches = {.ignore_case = ignore_case}};
    Completing c = {.ns = ns, .text = text, .point = point, .completion = completion};
    complete_from(&c, point);
    if (!complete_command(&c) && lexer_run(&c.tokens, c.text, c.point)) {
        complete_python(&c);
    }
    if (completion->matches.count == 1) {
        complete_command_suffix(&c);
    }
    else {
        completion->suffix[0] = '\0';
    }
    completion->start += c.base;
    lexer_free(&c.tokens);
    PyErr_Clear();
}

void
complete_clear(Completion *completion)
{
    matches_free(&completion->matches);
}
