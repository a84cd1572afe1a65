/* Indentation, see indent.h. */
#include "indent.h"

#include <string.h>

#include "width.h"

static size_t
indent_blanks(const char *text, size_t size)
{
    size_t count = 0;
    while (count < size && (text[count] == ' ' || text[count] == '\t')) {
        count++;
    }
    return count;
}

static size_t
indent_line_start(const char *text, size_t at)
{
    while (at > 0 && text[at - 1] != '\n') {
        at--;
    }
    return at;
}

static bool
indent_is_word(const Token *token, const char *text, const char *word)
{
    size_t size = strlen(word);
    return token->end - token->start == size && memcmp(text + token->start, word, size) == 0;
}

/* The innermost bracket that is open behind the token `last`, or the f-string whose text it is part of; TOKEN_NONE for
 * none. */
static uint32_t
indent_open(const Tokens *tokens, uint32_t last)
{
    int closed = 0; /* f-strings, on the way back */
    for (uint32_t i = last; i != TOKEN_NONE; i--) {
        const Token *token = &tokens->list[i];
        closed += token->kind == TOKEN_STRING_END;
        if (token->kind == TOKEN_OPEN || (token->kind == TOKEN_STRING_START && closed-- == 0)) {
            return i;
        }
        if (token->kind == TOKEN_CLOSE && token->other != TOKEN_NONE) {
            i = token->other;
        }
    }
    return TOKEN_NONE;
}

/* The first token of the logical line that `last` belongs to; no bracket is open there. */
static uint32_t
indent_first_of_line(const Tokens *tokens, uint32_t last)
{
    uint32_t first = last;
    for (uint32_t i = last; i != TOKEN_NONE; i--) {
        const Token *token = &tokens->list[i];
        bool joined = i > 0 && tokens->list[i - 1].kind == TOKEN_CONTINUATION;
        if (token->kind == TOKEN_LINE_END && !joined) {
            break;
        }
        if (token->kind == TOKEN_CLOSE && token->other != TOKEN_NONE) {
            i = token->other;
        }
        first = i;
    }
    return first;
}

/* Does the line end behind this colon, with a block below it? */
static bool
indent_opens_block(const Tokens *tokens, const char *text, uint32_t at)
{
    const Token *colon = &tokens->list[at];
    uint32_t next = at + 1;
    if (colon->other != TOKEN_NONE || !indent_is_word(colon, text, ":")) {
        return false;
    }
    while (next < tokens->count && tokens->list[next].kind == TOKEN_COMMENT) {
        next++;
    }
    return next < tokens->count && tokens->list[next].kind == TOKEN_LINE_END;
}

void
indent_step(const Tokens *tokens, const char *text, size_t size, Buffer *blanks)
{
    for (uint32_t i = 0; i < tokens->count && tokens->list[i].start < size; i++) {
        uint32_t next = i + 1;
        if (!indent_opens_block(tokens, text, i)) {
            continue;
        }
        while (next < tokens->count
               && (tokens->list[next].kind == TOKEN_LINE_END || tokens->list[next].kind == TOKEN_COMMENT)) {
            next++;
        }
        if (next == tokens->count || tokens->list[next].start >= size) {
            break;
        }
        size_t head = indent_line_start(text, tokens->list[indent_first_of_line(tokens, i)].start);
        size_t line = indent_line_start(text, tokens->list[next].start);
        size_t before = indent_blanks(text + head, size - head), count = indent_blanks(text + line, size - line);
        if (count > before) {
            buffer_add(blanks, text + line + before, count - before);
            return;
        }
    }
    buffer_add_string(blanks, "    ");
}

static void
indent_in_bracket(const Tokens *tokens, const char *text, size_t point, uint32_t open, Buffer *blanks)
{
    const Token *bracket = &tokens->list[open];
    const Token *next = open + 1 < tokens->count ? bracket + 1 : NULL;
    size_t line = indent_line_start(text, point);
    if (line > bracket->start) { /* as the line before */
        buffer_add(blanks, text + line, indent_blanks(text + line, point - line));
        return;
    }
    size_t own = indent_blanks(text + line, point - line);
    buffer_add(blanks, text + line, own);
    if (next == NULL || next->start >= point || next->kind == TOKEN_LINE_END || next->kind == TOKEN_COMMENT) {
        indent_step(tokens, text, point, blanks);
        return;
    }
    for (int columns = width_of(text + line + own, next->start - line - own, 0, 0); columns > 0; columns--) {
        buffer_add_char(blanks, ' '); /* below what follows the bracket */
    }
}

static void
indent_statement(const Tokens *tokens, const char *text, uint32_t last, Buffer *blanks)
{
    static const char *const leaving[] = {"return", "raise", "pass", "break", "continue"};
    const Token *first = &tokens->list[indent_first_of_line(tokens, last)];
    const Token *end = &tokens->list[last];
    size_t line = indent_line_start(text, first->start);
    size_t own = indent_blanks(text + line, first->start - line);
    if (indent_is_word(end, text, ":") || end->kind == TOKEN_CONTINUATION) {
        buffer_add(blanks, text + line, own);
        indent_step(tokens, text, first->end, blanks);
        return;
    }
    for (size_t i = 0; i < sizeof leaving / sizeof *leaving; i++) {
        if (first->kind == TOKEN_KEYWORD && indent_is_word(first, text, leaving[i])) {
            Buffer step = {0};
            indent_step(tokens, text, first->end, &step);
            own -= own < step.size ? own : step.size;
            buffer_free(&step);
            break;
        }
    }
    buffer_add(blanks, text + line, own);
}

void
indent_after(const Tokens *tokens, const char *text, size_t point, Buffer *blanks)
{
    uint32_t last = lexer_before(tokens, point);
    if (last == TOKEN_NONE) {
        return;
    }
    const Token *token = &tokens->list[last];
    bool in_string = (token->kind == TOKEN_STRING || token->kind == TOKEN_STRING_START
                      || token->kind == TOKEN_STRING_MIDDLE)
                     && (token->end > point || ((token->flags & TOKEN_UNFINISHED) && token->end == point));
    if (in_string) {
        return; /* blanks would be part of it */
    }
    bool after_blank_line = token->kind == TOKEN_LINE_END;
    uint32_t open = indent_open(tokens, last);
    if (open != TOKEN_NONE && tokens->list[open].kind == TOKEN_STRING_START) {
        return;
    }
    if (open != TOKEN_NONE) {
        indent_in_bracket(tokens, text, point, open, blanks);
        return;
    }
    while (last != TOKEN_NONE && tokens->list[last].kind == TOKEN_COMMENT) {
        last--;
    }
    if (after_blank_line || last == TOKEN_NONE || tokens->list[last].kind == TOKEN_LINE_END) {
        size_t line = indent_line_start(text, point); /* blank, or a comment: as it is itself */
        buffer_add(blanks, text + line, indent_blanks(text + line, point - line));
        return;
    }
    indent_statement(tokens, text, last, blanks);
}

/* ---- what ends something ---- */

static bool
indent_begins_with(const char *text, size_t size, const char *word)
{
    size_t length = strlen(word);
    return size >= length && memcmp(text, word, length) == 0
           && (size == length || strchr(" \t:(", text[length]) != NULL);
}

/* Which statements a clause can belong to: clause, and the words that its statement's lines begin with. */
static const char *const CLAUSES[][7] = {
    {"else", "if", "elif", "for", "async for", "while", "except"},
    {"elif", "if", "elif"},
    {"except", "try", "except"},
    {"finally", "try", "except", "else"},
};
enum { CLAUSE_COUNT = sizeof CLAUSES / sizeof *CLAUSES, CLAUSE_WORDS = sizeof *CLAUSES / sizeof **CLAUSES };

static bool
indent_can_belong(const char *const clause[], const char *text, size_t size)
{
    for (size_t i = 1; i < CLAUSE_WORDS && clause[i] != NULL; i++) {
        if (indent_begins_with(text, size, clause[i])) {
            return true;
        }
    }
    return false;
}

/* The line above that begins the statement of a clause, as far as indentation tells. */
static bool
indent_find_statement(const char *const clause[], const char *text, size_t line, size_t *found)
{
    size_t own = indent_blanks(text + line, strlen(text + line));
    size_t limit = own + 1; /* lines that are indented less are candidates */
    while (line > 0 && limit > 0) {
        size_t end = line - 1;
        line = indent_line_start(text, end);
        size_t blanks = indent_blanks(text + line, end - line);
        if (line + blanks == end || blanks >= limit) {
            continue;
        }
        if (indent_can_belong(clause, text + line + blanks, end - line - blanks)) {
            *found = line;
            return true;
        }
        limit = blanks;
    }
    return false;
}

bool
indent_ending(const Tokens *tokens, const char *text, size_t point, char key, Buffer *blanks)
{
    size_t line = indent_line_start(text, point);
    size_t own = indent_blanks(text + line, point - line);
    const char *word = text + line + own;
    size_t size = point - line - own;
    size_t like = line; /* the line whose blanks it should have */
    uint32_t last = lexer_before(tokens, line + own);
    uint32_t open = indent_open(tokens, last);
    bool in_string = last != TOKEN_NONE && tokens->list[last].end > line && tokens->list[last].kind != TOKEN_LINE_END;
    if (in_string || (open != TOKEN_NONE && tokens->list[open].kind == TOKEN_STRING_START)) {
        return false;
    }
    if (key != ':' && size == 0 && open != TOKEN_NONE) {
        like = indent_line_start(text, tokens->list[open].start);
    }
    for (size_t i = 0; key == ':' && open == TOKEN_NONE && i < CLAUSE_COUNT; i++) {
        if (indent_begins_with(word, size, CLAUSES[i][0])) {
            indent_find_statement(CLAUSES[i], text, line, &like);
        }
    }
    size_t right = indent_blanks(text + like, strlen(text + like));
    if (like == line || (right == own && memcmp(text + like, text + line, own) == 0)) {
        return false;
    }
    buffer_add(blanks, text + like, right);
    return true;
}
