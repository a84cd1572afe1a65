/* Source and values in colour, see paint.h. Tracebacks are in paint_traceback.c. */
#include "paint.h"

#include <stdlib.h>
#include <string.h>

/* Finding the tokens takes memory several times that of the text: what is longer stays plain. */
enum { PAINT_MOST = 16 << 20 };

void
paint_text(Buffer *buffer, Style style, const char *text, size_t size)
{
    const char *on = theme_on(style);
    while (size > 0) {
        const char *newline = memchr(text, '\n', size);
        size_t line = newline == NULL ? size : (size_t)(newline - text);
        if (line > 0 && *on != '\0') {
            buffer_add_string(buffer, on);
            buffer_add(buffer, text, line);
            buffer_add_string(buffer, THEME_OFF);
        }
        else {
            buffer_add(buffer, text, line);
        }
        if (newline != NULL) {
            buffer_add_char(buffer, '\n');
            line++;
        }
        text += line;
        size -= line;
    }
}

Style
paint_style(const Token *token)
{
    static const Style styles[] = {
        [TOKEN_NAME] = STYLE_PLAIN,
        [TOKEN_KEYWORD] = STYLE_KEYWORD,
        [TOKEN_SOFT_KEYWORD] = STYLE_KEYWORD,
        [TOKEN_BUILTIN] = STYLE_BUILTIN,
        [TOKEN_DEFINITION] = STYLE_DEFINITION,
        [TOKEN_DECORATOR] = STYLE_DECORATOR,
        [TOKEN_NUMBER] = STYLE_NUMBER,
        [TOKEN_STRING] = STYLE_STRING,
        [TOKEN_STRING_START] = STYLE_STRING,
        [TOKEN_STRING_MIDDLE] = STYLE_STRING,
        [TOKEN_STRING_END] = STYLE_STRING,
        [TOKEN_COMMENT] = STYLE_COMMENT,
        [TOKEN_OPEN] = STYLE_PLAIN,
        [TOKEN_CLOSE] = STYLE_PLAIN,
        [TOKEN_OPERATOR] = STYLE_PLAIN,
        [TOKEN_CONTINUATION] = STYLE_PLAIN,
        [TOKEN_LINE_END] = STYLE_PLAIN,
        [TOKEN_ERROR] = STYLE_PLAIN,
    };
    return token->kind < sizeof styles / sizeof *styles ? styles[token->kind] : STYLE_PLAIN;
}

/* A text that is being painted. */
typedef struct Source {
    const char *text;
    Tokens tokens;
    unsigned char *field; /* owned: for each token, is it a brace of an f-string's field? */
} Source;

/* The brace of a field stands right behind text of its string, behind the field before, or behind the colon of the
 * field that it is in. */
static int
paint_begins_field(const Source *source, size_t index)
{
    const Token *token = &source->tokens.list[index];
    const Token *before = index > 0 ? token - 1 : NULL;
    if (before == NULL || source->text[token->start] != '{' || before->end != token->start) {
        return 0;
    }
    switch (before->kind) {
    case TOKEN_STRING_START:
    case TOKEN_STRING_MIDDLE:
        return 1;
    case TOKEN_CLOSE:
        return source->field[index - 1];
    case TOKEN_OPERATOR:
        return source->text[before->start] == ':' && before->other != TOKEN_NONE && source->field[before->other];
    default:
        return 0;
    }
}

static Style
paint_source_style(Source *source, size_t index)
{
    const Token *token = &source->tokens.list[index];
    if (token->kind == TOKEN_OPEN) {
        source->field[index] = (unsigned char)paint_begins_field(source, index);
    }
    else if (token->kind == TOKEN_CLOSE && token->other != TOKEN_NONE) {
        source->field[index] = source->field[token->other];
    }
    if (source->field[index]) {
        return STYLE_FIELD;
    }
    /* A quote that does not end in its line: the line is from within a docstring, and it is an apostrophe. */
    return token->flags & TOKEN_UNFINISHED && !source->tokens.in_string ? STYLE_PLAIN : paint_style(token);
}

static Style
paint_value_style(Source *source, size_t index)
{
    const Token *token = &source->tokens.list[index];
    const char *text = source->text + token->start;
    size_t size = token->end - token->start;
    switch (token->kind) {
    case TOKEN_STRING:
        return token->flags & TOKEN_UNFINISHED ? STYLE_PLAIN : STYLE_STRING;
    case TOKEN_NUMBER:
        return STYLE_NUMBER;
    case TOKEN_KEYWORD:
        return (size == 4 && (memcmp(text, "True", 4) == 0 || memcmp(text, "None", 4) == 0))
                       || (size == 5 && memcmp(text, "False", 5) == 0)
                   ? STYLE_KEYWORD
                   : STYLE_PLAIN;
    default:
        return STYLE_PLAIN;
    }
}

static void
paint_tokens(Buffer *buffer, const char *text, size_t size, Style (*style)(Source *, size_t))
{
    Source source = {.text = text};
    size_t at = 0;
    int found = size <= PAINT_MOST && lexer_run(&source.tokens, text, size);
    source.field = found ? calloc(source.tokens.count + 1, 1) : NULL;
    for (size_t i = 0; source.field != NULL && i < source.tokens.count; i++) {
        const Token *token = &source.tokens.list[i];
        Style token_style = style(&source, i);
        buffer_add(buffer, text + at, token->start - at); /* blanks */
        paint_text(buffer, token_style, text + token->start, token->end - token->start);
        at = token->end;
    }
    buffer_add(buffer, text + at, size - at);
    free(source.field);
    lexer_free(&source.tokens);
}

void
paint_source(Buffer *buffer, const char *text, size_t size)
{
    paint_tokens(buffer, text, size, paint_source_style);
}

void
paint_value(Buffer *buffer, const char *text, size_t size)
{
    paint_tokens(buffer, text, size, paint_value_style);
}
