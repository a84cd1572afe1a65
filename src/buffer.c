/* Bytes that grow at their end, see buffer.h. */
#include "buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
buffer_add(Buffer *buffer, const char *bytes, size_t size)
{
    if (buffer->room - buffer->size <= size) {
        size_t room = (buffer->size + size + 1) * 2;
        char *longer = realloc(buffer->bytes, room);
        if (longer == NULL) {
            buffer->failed = true;
            return;
        }
        buffer->bytes = longer;
        buffer->room = room;
    }
    if (size > 0) {
        memcpy(buffer->bytes + buffer->size, bytes, size);
    }
    buffer->size += size;
    buffer->bytes[buffer->size] = '\0';
}

void
buffer_add_string(Buffer *buffer, const char *string)
{
    buffer_add(buffer, string, strlen(string));
}

void
buffer_add_char(Buffer *buffer, char c)
{
    buffer_add(buffer, &c, 1);
}

void
buffer_add_format(Buffer *buffer, const char *format, ...)
{
    char text[64];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    buffer_add_string(buffer, text);
}

void
buffer_empty(Buffer *buffer)
{
    buffer->size = 0;
    buffer->failed = false;
    if (buffer->bytes != NULL) {
        buffer->bytes[0] = '\0';
    }
}

void
buffer_free(Buffer *buffer)
{
    free(buffer->bytes);
    *buffer = (Buffer){NULL, 0, 0, false};
}
