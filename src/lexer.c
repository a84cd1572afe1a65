/* Tokens of Python source, see lexer.h.
 *
 * The text is read from its start to its end, with a stack of what is open: brackets and f-strings. (t-strings are
 * meant too; other strings are a single token and never on the stack.) Whether text or code comes next is seen at its
 * top. Where a piece ends is found in lexer_scan.c, and what the names mean afterwards in lexer_words.c. */
#include "lexer.h"

#include <stdlib.h>

#include "lexer_scan.h"
#include "lexer_words.h"

enum { ROUND, SQUARE, CURLY, SINGLE, DOUBLE, TRIPLE_SINGLE, TRIPLE_DOUBLE, LEVEL_KINDS };

/* A bracket or an f-string that is open. */
typedef struct Level {
    uint32_t token;   /* TOKEN_OPEN or TOKEN_STRING_START */
    uint32_t bracket; /* token of the innermost bracket around it, TOKEN_NONE for none */
    uint32_t string;  /* level of the innermost string around it, TOKEN_NONE for none */
    uint32_t same;    /* level of the next one outwards of its kind, TOKEN_NONE for none */
    uint8_t kind;
    bool raw;         /* a string: backslashes stand for themselves */
    bool field;       /* a bracket that begins a field */
    bool text;        /* what stands directly in it is text: a string, or a field behind its colon */
} Level;

/* A quote in a field may begin a string or end the f-string. The first is tried; if it fails, all since is undone. */
typedef struct Trial {
    bool active;
    uint32_t level;    /* of the string that the quote might end */
    uint32_t start;    /* offset of what the quote belongs to, with the prefix */
    uint32_t quote;    /* offset of the quote */
    uint32_t count;    /* as the tokens were */
    uint32_t open;     /* as the tokens were */
    uint32_t until;    /* offset where the last one failed: before it none is tried, so nothing is read thrice */
    uint32_t *closed;  /* owned; tokens from before the trial that have been closed in it */
    size_t closed_count, closed_room;
} Trial;

typedef struct Lexer {
    Bytes bytes;
    uint32_t at;                /* offset of what is not read yet */
    Tokens *tokens;
    Level *levels;              /* owned */
    size_t room;
    uint32_t depth;
    uint32_t last[LEVEL_KINDS]; /* the innermost level of each kind, TOKEN_NONE for none */
    uint32_t string;            /* the innermost level that is a string, TOKEN_NONE for none */
    Trial trial;
    bool joined;                /* the text ends within a string, behind a backslash */
    bool failed;                /* memory is out */
    Token lost;                 /* what lexer_add() gives then */
} Lexer;

/* --- tokens and levels ------------------------------------------------------ */

/* An array with room for one more, NULL when memory is out. */
static void *
lexer_grow(void *array, size_t *room, size_t count, size_t size)
{
    if (count < *room) {
        return array;
    }
    size_t more = *room ? *room * 2 : 64;
    void *grown = realloc(array, more * size);
    if (grown != NULL) {
        *room = more;
    }
    return grown;
}

/* What has been read up to `end` is a token. */
static Token *
lexer_add(Lexer *lexer, TokenKind kind, uint32_t end)
{
    Tokens *tokens = lexer->tokens;
    Token *list = lexer_grow(tokens->list, &tokens->room, tokens->count, sizeof *list);
    if (list == NULL) {
        lexer->failed = true;
        return &lexer->lost;
    }
    tokens->list = list;
    Token *token = &list[tokens->count++];
    *token = (Token){lexer->at, end, tokens->open, (uint8_t)kind, 0};
    lexer->at = end;
    return token;
}

/* The last token opens a level. */
static void
lexer_push(Lexer *lexer, uint8_t kind, bool raw)
{
    Level *levels = lexer->failed ? NULL : lexer_grow(lexer->levels, &lexer->room, lexer->depth, sizeof *levels);
    if (levels == NULL) {
        lexer->failed = true;
        return;
    }
    lexer->levels = levels;
    uint32_t token = (uint32_t)lexer->tokens->count - 1;
    bool string = kind >= SINGLE;
    bool field = !string && lexer->depth > 0 && levels[lexer->depth - 1].text;
    levels[lexer->depth] = (Level){
        .token = token, .bracket = lexer->tokens->open, .string = lexer->string, .same = lexer->last[kind],
        .kind = kind, .raw = raw, .field = field, .text = string,
    };
    lexer->last[kind] = lexer->depth;
    if (string) {
        lexer->string = lexer->depth;
    } else {
        lexer->tokens->open = token;
    }
    lexer->depth++;
}

static void
lexer_mark_open(Token *token)
{
    if (token->kind == TOKEN_OPEN) {
        token->flags |= TOKEN_UNMATCHED;
        token->other = TOKEN_NONE;
    } else {
        token->flags |= TOKEN_UNFINISHED;
    }
}

/* Leave the innermost level, which has come to its end or (`whole` is false) been given up. */
static void
lexer_pop(Lexer *lexer, bool whole)
{
    Trial *trial = &lexer->trial;
    const Level *level = &lexer->levels[--lexer->depth];
    lexer->last[level->kind] = level->same;
    lexer->string = level->string;
    lexer->tokens->open = level->bracket;
    if (!whole) {
        lexer_mark_open(&lexer->tokens->list[level->token]);
    }
    if (trial->active && lexer->depth == trial->level) {
        trial->active = false; /* the string has got its end */
    } else if (trial->active && level->token < trial->count) {
        uint32_t *closed = lexer_grow(trial->closed, &trial->closed_room, trial->closed_count, sizeof *closed);
        if (closed == NULL) {
            lexer->failed = true;
            return;
        }
        trial->closed = closed;
        closed[trial->closed_count++] = level->token;
    }
}

static void
lexer_pop_to(Lexer *lexer, uint32_t depth)
{
    while (lexer->depth > depth) {
        lexer_pop(lexer, false);
    }
}

/* --- brackets --------------------------------------------------------------- */

static uint8_t
lexer_bracket_kind(char c)
{
    return c == '(' || c == ')' ? ROUND : c == '[' || c == ']' ? SQUARE : CURLY;
}

static void
lexer_open(Lexer *lexer)
{
    uint8_t kind = lexer_bracket_kind(lexer->bytes.text[lexer->at]);
    lexer_add(lexer, TOKEN_OPEN, lexer->at + 1)->other = TOKEN_NONE;
    lexer_push(lexer, kind, false);
}

static void
lexer_close(Lexer *lexer)
{
    uint32_t match = lexer->last[lexer_bracket_kind(lexer->bytes.text[lexer->at])];
    uint32_t base = lexer->string == TOKEN_NONE ? 0 : lexer->string + 1;
    bool right = match != TOKEN_NONE && match >= base;
    uint32_t open = TOKEN_NONE;
    if (right) {
        lexer_pop_to(lexer, match + 1);
    }
    if (right || (lexer->depth > base && !lexer->levels[lexer->depth - 1].field)) {
        open = lexer->levels[lexer->depth - 1].token;
        lexer_pop(lexer, right);
    }
    Token *token = lexer_add(lexer, TOKEN_CLOSE, lexer->at + 1);
    token->other = open;
    token->flags = right ? 0 : TOKEN_UNMATCHED;
    if (open != TOKEN_NONE && !lexer->failed) {
        lexer->tokens->list[open].other = (uint32_t)lexer->tokens->count - 1;
    }
}

/* --- strings ---------------------------------------------------------------- */

/* The string of that level ends with the quote at that offset, whatever is open within it. What stands between here
 * and the quote was taken for a prefix. */
static void
lexer_end_string(Lexer *lexer, uint32_t level, uint32_t quote, uint32_t open)
{
    bool triple = lexer->levels[level].kind >= TRIPLE_SINGLE;
    lexer_pop_to(lexer, level + 1);
    if (quote > lexer->at) {
        lexer_add(lexer, TOKEN_NAME, quote)->other = open;
    }
    lexer_pop(lexer, true);
    lexer_add(lexer, TOKEN_STRING_END, quote + (triple ? 3 : 1));
}

/* There is no string that began with the trial's quote: that quote ends the f-string. */
static void
lexer_undo_trial(Lexer *lexer, uint32_t until)
{
    Trial *trial = &lexer->trial;
    trial->active = false;
    trial->until = until;
    for (size_t i = 0; i < trial->closed_count; i++) {
        lexer_mark_open(&lexer->tokens->list[trial->closed[i]]);
    }
    lexer->tokens->count = trial->count;
    lexer->at = trial->start;
    lexer_end_string(lexer, trial->level, trial->quote, trial->open);
}

/* Is this quote one that an f-string ends with, though a string could begin here? */
static bool
lexer_is_own_quote(Lexer *lexer, uint32_t quote, bool triple)
{
    Trial *trial = &lexer->trial;
    bool is_double = lexer->bytes.text[quote] == '"';
    uint32_t level = lexer->last[is_double ? DOUBLE : SINGLE];
    uint32_t other = triple ? lexer->last[is_double ? TRIPLE_DOUBLE : TRIPLE_SINGLE] : TOKEN_NONE;
    if (other != TOKEN_NONE && (level == TOKEN_NONE || other > level)) {
        level = other;
    }
    if (level == TOKEN_NONE || trial->active) {
        return false;
    }
    if (quote < trial->until) {
        lexer_end_string(lexer, level, quote, lexer->tokens->open);
        return true;
    }
    trial->active = true;
    trial->level = level;
    trial->start = lexer->at;
    trial->quote = quote;
    trial->count = (uint32_t)lexer->tokens->count;
    trial->open = lexer->tokens->open;
    trial->closed_count = 0;
    return false;
}

/* A string begins, its prefix here and its quote there. */
static void
lexer_string(Lexer *lexer, uint32_t quote, bool raw, bool fields)
{
    bool triple = lexer_scan_is_triple(&lexer->bytes, quote);
    if (lexer_is_own_quote(lexer, quote, triple)) {
        return;
    }
    Body body = {.quote = (unsigned char)lexer->bytes.text[quote], .triple = triple, .raw = raw};
    uint32_t end = quote + (triple ? 3 : 1);
    if (fields) {
        uint8_t kind = body.quote == '"' ? DOUBLE : SINGLE;
        lexer_add(lexer, TOKEN_STRING_START, end);
        lexer_push(lexer, triple ? kind + TRIPLE_SINGLE - SINGLE : kind, raw);
        return;
    }
    Stop stop = lexer_scan_text(&lexer->bytes, &body, &end);
    if (stop == STOP_QUOTE) {
        lexer_add(lexer, TOKEN_STRING, end + (triple ? 3 : 1));
    } else if (lexer->trial.active) {
        lexer_undo_trial(lexer, end);
    } else {
        lexer_add(lexer, TOKEN_STRING, end)->flags = TOKEN_UNFINISHED;
        lexer->joined = stop == STOP_JOINED || (stop == STOP_END && triple);
    }
}

/* Within an f-string: its text up to a field, the end of a field, or its own end. */
static void
lexer_text(Lexer *lexer)
{
    uint32_t level = lexer->string;
    const Level *string = &lexer->levels[level];
    Body body = {
        .quote = string->kind == DOUBLE || string->kind == TRIPLE_DOUBLE ? '"' : '\'',
        .triple = string->kind >= TRIPLE_SINGLE,
        .raw = string->raw,
        .fields = true,
        .format = lexer->depth - 1 > level,
    };
    uint32_t end = lexer->at;
    Stop stop = lexer_scan_text(&lexer->bytes, &body, &end);
    bool broken = stop != STOP_QUOTE && stop != STOP_BRACE;
    if (broken && lexer->trial.active && level > lexer->trial.level) {
        lexer_undo_trial(lexer, end);
        return;
    }
    if (end > lexer->at) {
        lexer_add(lexer, TOKEN_STRING_MIDDLE, end)->flags = broken ? TOKEN_UNFINISHED : 0;
    }
    lexer->joined = stop == STOP_JOINED;
    if (stop == STOP_QUOTE) {
        lexer_end_string(lexer, level, end, TOKEN_NONE);
    } else if (stop == STOP_LINE) {
        lexer_pop_to(lexer, level);
    } else if (stop == STOP_BRACE && lexer->bytes.text[end] == '{') {
        lexer_open(lexer);
    } else if (stop == STOP_BRACE) {
        lexer_close(lexer);
    }
}

/* --- code ------------------------------------------------------------------- */

static void
lexer_name(Lexer *lexer)
{
    bool raw, fields;
    const Bytes *bytes = &lexer->bytes;
    uint32_t end = lexer_scan_name(bytes, lexer->at);
    unsigned char next = lexer_scan_byte(bytes, end);
    if ((next == '"' || next == '\'') &&
        lexer_scan_is_prefix(bytes->text + lexer->at, end - lexer->at, &raw, &fields)) {
        lexer_string(lexer, end, raw, fields);
    } else {
        lexer_add(lexer, TOKEN_NAME, end);
    }
}

static void
lexer_operator(Lexer *lexer)
{
    Level *top = lexer->depth > 0 ? &lexer->levels[lexer->depth - 1] : NULL;
    unsigned char c = lexer_scan_byte(&lexer->bytes, lexer->at);
    uint32_t end = lexer_scan_operator(&lexer->bytes, lexer->at);
    if (top != NULL && top->field && c == ':') {
        lexer_add(lexer, TOKEN_OPERATOR, lexer->at + 1);
        top->text = true; /* the format */
    } else if (end > lexer->at) {
        lexer_add(lexer, TOKEN_OPERATOR, end);
    } else {
        bool conversion = top != NULL && top->field && c == '!';
        lexer_add(lexer, conversion ? TOKEN_OPERATOR : TOKEN_ERROR, lexer->at + 1);
    }
}

static void
lexer_backslash(Lexer *lexer)
{
    uint32_t next = lexer->at + 1;
    if (next >= lexer->bytes.size) {
        lexer_add(lexer, TOKEN_CONTINUATION, next);
    } else if (lexer_scan_is_line_end((unsigned char)lexer->bytes.text[next])) {
        lexer_add(lexer, TOKEN_CONTINUATION, lexer_scan_line_end(&lexer->bytes, next));
    } else {
        lexer_add(lexer, TOKEN_ERROR, next);
    }
}

/* One token of code, or one blank. */
static void
lexer_code(Lexer *lexer)
{
    unsigned char c = (unsigned char)lexer->bytes.text[lexer->at];
    const Bytes *bytes = &lexer->bytes;
    uint32_t at = lexer->at;
    if (lexer_scan_is_letter(c)) {
        lexer_name(lexer);
    } else if (lexer_scan_is_digit(c) || (c == '.' && lexer_scan_is_digit(lexer_scan_byte(bytes, at + 1)))) {
        lexer_add(lexer, TOKEN_NUMBER, lexer_scan_number(bytes, at));
    } else {
        switch (c) {
        case ' ': case '\t': case '\f':
            lexer->at++;
            break;
        case '\n': case '\r':
            lexer->trial.active = false; /* nothing has failed in this line */
            lexer_add(lexer, TOKEN_LINE_END, lexer_scan_line_end(bytes, at));
            break;
        case '"': case '\'':
            lexer_string(lexer, at, false, false);
            break;
        case '#':
            lexer_add(lexer, TOKEN_COMMENT, lexer_scan_comment(bytes, at));
            break;
        case '\\':
            lexer_backslash(lexer);
            break;
        case '(': case '[': case '{':
            lexer_open(lexer);
            break;
        case ')': case ']': case '}':
            lexer_close(lexer);
            break;
        default:
            lexer_operator(lexer);
        }
    }
}

bool
lexer_run(Tokens *tokens, const char *text, size_t size)
{
    tokens->count = 0;
    tokens->open = TOKEN_NONE;
    tokens->in_string = false;
    if (size >= TOKEN_NONE) {
        return false;
    }
    Lexer lexer = {.bytes = {text, (uint32_t)size}, .tokens = tokens, .string = TOKEN_NONE};
    for (int kind = 0; kind < LEVEL_KINDS; kind++) {
        lexer.last[kind] = TOKEN_NONE;
    }
    while (lexer.at < lexer.bytes.size && !lexer.failed) {
        if (lexer.depth > 0 && lexer.levels[lexer.depth - 1].text) {
            lexer_text(&lexer);
        } else {
            lexer_code(&lexer);
        }
    }
    uint32_t open = tokens->open;
    bool in_triple = lexer.last[TRIPLE_SINGLE] != TOKEN_NONE || lexer.last[TRIPLE_DOUBLE] != TOKEN_NONE;
    lexer.trial.active = false;
    lexer_pop_to(&lexer, 0);
    free(lexer.levels);
    free(lexer.trial.closed);
    if (lexer.failed) {
        tokens->count = 0;
        tokens->open = TOKEN_NONE;
        return false;
    }
    tokens->open = open;
    tokens->in_string = lexer.joined || in_triple;
    lexer_words_mark(tokens, text);
    return true;
}

void
lexer_free(Tokens *tokens)
{
    free(tokens->list);
    *tokens = (Tokens){.open = TOKEN_NONE};
}

uint32_t
lexer_before(const Tokens *tokens, size_t offset)
{
    size_t low = 0, high = tokens->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (tokens->list[middle].start < offset) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low > 0 ? (uint32_t)low - 1 : TOKEN_NONE;
}
