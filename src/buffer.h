/* Bytes that grow at their end. No Python here. */
#ifndef HOOKING_BUFFER_H
#define HOOKING_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

typedef struct Buffer {
    char *bytes; /* owned; NUL behind `size` bytes once something was added, NULL before */
    size_t size;
    size_t room;
    bool failed; /* memory has run out: what was added since is lost */
} Buffer;

void buffer_add(Buffer *buffer, const char *bytes, size_t size);
void buffer_add_string(Buffer *buffer, const char *string);
void buffer_add_char(Buffer *buffer, char c);

/* As printf(), for less than 64 bytes: control sequences with numbers in them. */
void buffer_add_format(Buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Make it empty, keeping its memory for what comes. */
void buffer_empty(Buffer *buffer);
void buffer_free(Buffer *buffer);

#endif
