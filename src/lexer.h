/* Tokens of Python source: for colour, indentation and completion. It takes any text, finished or not, in any encoding
 * that contains ASCII: bytes from 0x80 on are letters. No Python here.
 *
 * Boundaries are those of Python's tokenize, with the f-strings of 3.12 and later. Between tokens stand only spaces,
 * tabs and form feeds. A line ends with LF, CR LF or CR. */
#ifndef HOOKING_LEXER_H
#define HOOKING_LEXER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum TokenKind {
    TOKEN_NAME,
    TOKEN_KEYWORD,
    TOKEN_SOFT_KEYWORD,  /* match, case, type, _ and lazy, where they are used as keywords */
    TOKEN_BUILTIN,       /* a name of builtins that stands by itself: not `x.list`, not `list=` in a call */
    TOKEN_DEFINITION,    /* the name behind def and class */
    TOKEN_DECORATOR,     /* the @ that begins a line, and the names behind it; the dots of these are operators */
    TOKEN_NUMBER,
    TOKEN_STRING,        /* a whole string with its prefix and quotes; bytes too */
    TOKEN_STRING_START,  /* of an f-string or t-string: prefix and quotes */
    TOKEN_STRING_MIDDLE, /* its text between fields, and the format behind a field's colon; {{ and }} are in it */
    TOKEN_STRING_END,    /* its closing quotes */
    TOKEN_COMMENT,       /* without the line end */
    TOKEN_OPEN,          /* ( [ {, also the { of a field */
    TOKEN_CLOSE,         /* ) ] } */
    TOKEN_OPERATOR,      /* also the ! and : of a field */
    TOKEN_CONTINUATION,  /* the backslash that joins a line with the next, and the line end behind it */
    TOKEN_LINE_END,      /* a line end, within brackets too (not within strings, not behind a backslash) */
    TOKEN_ERROR,         /* a character that begins no token: $ ? ! */
} TokenKind;

enum {
    TOKEN_UNFINISHED = 1, /* a string whose closing quotes are missing. If it has parts: its STRING_START, and the
                           * STRING_MIDDLE in which it breaks off */
    TOKEN_UNMATCHED = 2,  /* a bracket without its other half, or with the wrong one */
};

enum { TOKEN_NONE = UINT32_MAX };

typedef struct Token {
    uint32_t start, end; /* offsets in bytes; start < end */
    uint32_t other;      /* of a bracket: index of its other half, TOKEN_NONE for none. Else: index of the innermost
                          * bracket (TOKEN_OPEN) that it stands in, TOKEN_NONE for none */
    uint8_t kind;        /* TokenKind */
    uint8_t flags;
} Token;

typedef struct Tokens {
    Token *list; /* owned */
    size_t count;
    size_t room;
    /* At the end of the text: */
    uint32_t open;      /* index of the innermost bracket that is open, TOKEN_NONE for none */
    bool in_string;     /* within a string that further lines may finish: triple-quoted, or behind a backslash */
} Tokens;

/* Find the tokens of `size` bytes, replacing those that were in `tokens` (all zero at first). False when memory is out,
 * or with 4 GiB of text and more: there are no tokens then. Time is in proportion to the size.
 *
 * What is not finished is read so:
 * - A string with single quotes ends with its line; so does an f-string in whose text the line ends. In a field, which
 *   is code, lines may end.
 * - A quote in a field, of the kind that its f-string has, begins a string, as from 3.12 on. If this leaves a string
 *   without its closing quote in that line, it ends the f-string: `f"{x"` is all there is. (And so do further quotes
 *   up to where this was found.)
 * - A bracket closes the innermost one of its kind; those opened within stay without other half. If none of its kind
 *   is open, it is a wrong half of the innermost bracket. Never beyond the field it stands in. */
bool lexer_run(Tokens *tokens, const char *text, size_t size);

void lexer_free(Tokens *tokens);

/* Index of the last token that starts before `offset`, TOKEN_NONE for none. */
uint32_t lexer_before(const Tokens *tokens, size_t offset);

#endif
