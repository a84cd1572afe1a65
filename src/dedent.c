/* Taking indentation away, see dedent.h. */
#include "dedent.h"

#include <string.h>

#include "lexer.h"

/* The blanks that all of a piece of code begins with. */
typedef struct Margin {
    const char *blanks; /* in the text */
    size_t size;
} Margin;

static size_t
dedent_line_start(const char *text, size_t at)
{
    while (at > 0 && text[at - 1] != '\n') {
        at--;
    }
    return at;
}

/* Index of the first token of the next statement, from the `i`-th token on, or the number of tokens. */
static size_t
dedent_statement(const Tokens *tokens, size_t i)
{
    while (i < tokens->count && (tokens->list[i].kind == TOKEN_LINE_END || tokens->list[i].kind == TOKEN_COMMENT)) {
        i++;
    }
    return i;
}

/* Index of the line end behind a statement; *opens: a block follows. */
static size_t
dedent_statement_end(const Tokens *tokens, const char *text, size_t i, bool *opens)
{
    *opens = false;
    while (i < tokens->count) {
        const Token *token = &tokens->list[i];
        if (token->kind == TOKEN_LINE_END && token->other == TOKEN_NONE) {
            break;
        }
        if (token->kind != TOKEN_COMMENT) {
            *opens = token->kind == TOKEN_OPERATOR && token->other == TOKEN_NONE && text[token->start] == ':';
        }
        i++;
    }
    return i;
}

static Margin
dedent_margin_of(const Tokens *tokens, const char *text, size_t i)
{
    size_t start = i < tokens->count ? dedent_line_start(text, tokens->list[i].start) : 0;
    return i < tokens->count ? (Margin){text + start, tokens->list[i].start - start} : (Margin){text, 0};
}

static Margin
dedent_margin(const Tokens *tokens, const char *text)
{
    bool opens;
    size_t first = dedent_statement(tokens, 0);
    Margin margin = dedent_margin_of(tokens, text, first);
    if (margin.size > 0) {
        return margin;
    }
    size_t end = dedent_statement_end(tokens, text, first, &opens);
    return opens ? margin : dedent_margin_of(tokens, text, dedent_statement(tokens, end));
}

/* Is that place, where a line starts, within the text of a string? *token: where to look from, and to go on. */
static bool
dedent_is_in_string(const Tokens *tokens, size_t *token, size_t at)
{
    while (*token < tokens->count && tokens->list[*token].end <= at) {
        ++*token;
    }
    const Token *here = *token < tokens->count ? &tokens->list[*token] : NULL;
    return here != NULL && here->start < at && (here->kind == TOKEN_STRING || here->kind == TOKEN_STRING_MIDDLE);
}

static void
dedent_lines(const Tokens *tokens, const char *text, size_t size, Margin margin, Buffer *out)
{
    size_t token = 0;
    for (size_t at = 0; at < size;) {
        const char *newline = memchr(text + at, '\n', size - at);
        size_t end = newline == NULL ? size : (size_t)(newline - text) + 1;
        if (!dedent_is_in_string(tokens, &token, at)) {
            for (size_t i = 0; i < margin.size && at < end && text[at] == margin.blanks[i]; i++) {
                at++;
            }
        }
        buffer_add(out, text + at, end - at);
        at = end;
    }
}

bool
dedent_code(const char *text, size_t size, Buffer *out)
{
    Tokens tokens = {0};
    bool taken = false;
    if (lexer_run(&tokens, text, size)) {
        Margin margin = dedent_margin(&tokens, text);
        taken = margin.size > 0;
        if (taken) {
            dedent_lines(&tokens, text, size, margin, out);
        }
    }
    lexer_free(&tokens);
    return taken;
}
