/* How a text is written within a string literal of Python. No Python here. */
#ifndef HOOKING_QUOTE_H
#define HOOKING_QUOTE_H

#include <stdbool.h>
#include <stddef.h>

#include "buffer.h"

typedef struct Quote {
    char mark;     /* the quote, ' or " */
    bool raw;
    bool bytes;
    bool formatted; /* an f-string or t-string */
    bool triple;
    size_t size;   /* bytes of prefix and quotes */
} Quote;

/* What the literal at the start of the text begins with. False when it is none. */
bool quote_open(const char *text, size_t size, Quote *quote);

/* The meaning of what stands between the quotes: UTF-8, or the bytes. False when it has none or is not known: half an
 * escape sequence, \N{...}, a surrogate. */
bool quote_read(const Quote *quote, const char *content, size_t size, Buffer *meaning);

/* The reverse. False when it cannot be written so: a quote in a raw string. */
bool quote_write(const Quote *quote, const char *meaning, size_t size, Buffer *content);

#endif
