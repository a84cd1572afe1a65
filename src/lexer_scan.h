/* Where the pieces of Python source end: numbers, names, operators, the text of strings. No Python here. */
#ifndef HOOKING_LEXER_SCAN_H
#define HOOKING_LEXER_SCAN_H

#include <stdbool.h>
#include <stdint.h>

typedef struct Bytes {
    const char *text; /* borrowed */
    uint32_t size;
} Bytes;

/* How a string's text is to be read. */
typedef struct Body {
    unsigned char quote;
    bool triple;
    bool raw;
    bool fields; /* braces mean something */
    bool format; /* it is the format of a field: there doubled braces are two */
} Body;

typedef enum Stop {
    STOP_END,    /* at the end of all bytes */
    STOP_JOINED, /* at the end of all bytes, behind a backslash */
    STOP_LINE,   /* at a line end that the string cannot contain */
    STOP_QUOTE,  /* at the closing quotes */
    STOP_BRACE,  /* at a brace that is not text */
} Stop;

/* The byte at an offset, NUL behind the end. */
static inline unsigned char
lexer_scan_byte(const Bytes *bytes, uint32_t at)
{
    return at < bytes->size ? (unsigned char)bytes->text[at] : '\0';
}

static inline bool
lexer_scan_is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

static inline bool
lexer_scan_is_letter(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
}

static inline bool
lexer_scan_is_line_end(unsigned char c)
{
    return c == '\n' || c == '\r';
}

/* Do three quotes stand there, given that one does? */
bool lexer_scan_is_triple(const Bytes *bytes, uint32_t at);

/* Do these letters, which a quote follows, belong to the string? Then: which kind of string is it? */
bool lexer_scan_is_prefix(const char *word, uint32_t size, bool *raw, bool *fields);

/* Each: where that ends which begins at `at`. */
uint32_t lexer_scan_line_end(const Bytes *bytes, uint32_t at);
uint32_t lexer_scan_comment(const Bytes *bytes, uint32_t at);
uint32_t lexer_scan_name(const Bytes *bytes, uint32_t at);
/* What cannot go on with a number begins the next token, as in tokenize: `0xFFl` is 0xFF and l, `1if` 1 and if. */
uint32_t lexer_scan_number(const Bytes *bytes, uint32_t at);
/* `at` itself where no operator is. */
uint32_t lexer_scan_operator(const Bytes *bytes, uint32_t at);

/* Read the text of a string from `*at` on, up to what ends it. */
Stop lexer_scan_text(const Bytes *bytes, const Body *body, uint32_t *at);

#endif
