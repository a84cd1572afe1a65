/* Texts within string literals, see quote.h. */
#include "quote.h"

#include <stdint.h>
#include <string.h>

enum { QUOTE_PREFIX = 3, QUOTE_TRIPLE = 3 };

bool
quote_open(const char *text, size_t size, Quote *quote)
{
    size_t at = 0;
    *quote = (Quote){.mark = '\0'};
    for (; at < size && at < QUOTE_PREFIX && text[at] != '\'' && text[at] != '"'; at++) {
        switch (text[at]) {
        case 'r': case 'R':
            quote->raw = true;
            break;
        case 'b': case 'B':
            quote->bytes = true;
            break;
        case 'f': case 'F': case 't': case 'T':
            quote->formatted = true;
            break;
        case 'u': case 'U':
            break;
        default:
            return false;
        }
    }
    if (at == size || (text[at] != '\'' && text[at] != '"')) {
        return false;
    }
    quote->mark = text[at];
    quote->triple = size - at >= QUOTE_TRIPLE && text[at + 1] == text[at] && text[at + 2] == text[at];
    quote->size = at + (quote->triple ? QUOTE_TRIPLE : 1);
    return true;
}

/* ---- reading ---- */

static int
quote_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : 16;
}

/* So many digits of a number, at most: how many there are. */
static size_t
quote_number(const char *text, size_t size, int base, size_t most, uint32_t *number)
{
    size_t count = 0;
    *number = 0;
    while (count < most && count < size && quote_digit(text[count]) < base) {
        *number = *number * (uint32_t)base + (uint32_t)quote_digit(text[count++]);
    }
    return count;
}

static bool
quote_add_letter(Buffer *meaning, uint32_t letter)
{
    char utf8[4];
    size_t size = letter < 0x80 ? 1 : letter < 0x800 ? 2 : letter < 0x10000 ? 3 : 4;
    if (letter > 0x10ffff || (letter >= 0xd800 && letter < 0xe000)) {
        return false;
    }
    static const unsigned char firsts[] = {0, 0xc0, 0xe0, 0xf0};
    for (size_t i = size; i-- > 1; letter >>= 6) {
        utf8[i] = (char)(0x80 | (letter & 0x3f));
    }
    utf8[0] = (char)(firsts[size - 1] | letter);
    buffer_add(meaning, utf8, size);
    return true;
}

/* An escape sequence, behind its backslash: its length, 0 when it has no meaning that is known. */
static size_t
quote_escape(const Quote *quote, const char *text, size_t size, Buffer *meaning)
{
    static const char letters[] = "\\'\"abfnrtv", meanings[] = "\\'\"\a\b\f\n\r\t\v";
    if (size == 0) {
        return 0;
    }
    const char *simple = *text == '\0' ? NULL : strchr(letters, *text);
    if (simple != NULL) {
        buffer_add_char(meaning, meanings[simple - letters]);
        return 1;
    }
    if (*text == '\n') {
        return 1;
    }
    uint32_t number;
    size_t octal = quote_number(text, size, 8, 3, &number);
    size_t hex = *text == 'x' ? 2 : quote->bytes ? 0 : *text == 'u' ? 4 : *text == 'U' ? 8 : 0;
    if (octal == 0 && hex == 0) {
        return 0; /* \N{...}; or what Python warns about, and keeps as it is */
    }
    if (octal == 0 && quote_number(text + 1, size - 1, 16, hex, &number) != hex) {
        return 0;
    }
    if (quote->bytes) {
        buffer_add_char(meaning, (char)number);
    }
    else if (!quote_add_letter(meaning, number)) {
        return 0;
    }
    return octal != 0 ? octal : hex + 1;
}

bool
quote_read(const Quote *quote, const char *content, size_t size, Buffer *meaning)
{
    buffer_add(meaning, "", 0); /* a NUL for the empty one */
    for (size_t at = 0; at < size;) {
        if (quote->raw || content[at] != '\\') {
            buffer_add_char(meaning, content[at++]);
            continue;
        }
        size_t length = quote_escape(quote, content + at + 1, size - at - 1, meaning);
        if (length == 0) {
            return false;
        }
        at += 1 + length;
    }
    return !meaning->failed;
}

/* ---- writing ---- */

static bool
quote_write_raw(const Quote *quote, const char *meaning, size_t size, Buffer *content)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)meaning[i];
        if (meaning[i] == quote->mark || (c < ' ' && c != '\t') || c == 0x7f || (quote->bytes && c >= 0x80)) {
            return false;
        }
    }
    buffer_add(content, meaning, size);
    return size == 0 || meaning[size - 1] != '\\';
}

bool
quote_write(const Quote *quote, const char *meaning, size_t size, Buffer *content)
{
    buffer_add(content, "", 0);
    if (quote->raw) {
        return quote_write_raw(quote, meaning, size, content) && !content->failed;
    }
    for (size_t i = 0; i < size; i++) {
        char c = meaning[i];
        unsigned char byte = (unsigned char)c;
        unsigned char next = i + 1 < size ? (unsigned char)meaning[i + 1] : 0;
        if (c == '\\' || c == quote->mark) {
            buffer_add_char(content, '\\');
            buffer_add_char(content, c);
        }
        else if (c == '\n' || c == '\r' || c == '\t') {
            buffer_add_string(content, c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t");
        }
        else if (byte < ' ' || byte == 0x7f || (quote->bytes && byte >= 0x80)) {
            buffer_add_format(content, "\\x%02x", byte);
        }
        else if (byte == 0xc2 && next >= 0x80 && next < 0xa0) { /* control characters too */
            buffer_add_format(content, "\\x%02x", next);
            i++;
        }
        else if (quote->formatted && (c == '{' || c == '}')) {
            buffer_add_char(content, c);
            buffer_add_char(content, c);
        }
        else {
            buffer_add_char(content, c);
        }
    }
    return !content->failed;
}
