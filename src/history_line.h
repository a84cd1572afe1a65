/* An entry as a line of the history's file: what would break the line is written with a backslash. No Python here. */
#ifndef HOOKING_HISTORY_LINE_H
#define HOOKING_HISTORY_LINE_H

#include <stddef.h>

#include "buffer.h"

/* Add the line, with its line end. */
void history_line_add(Buffer *buffer, const char *entry);

/* The entry of a line of `size` bytes without its line end: malloc'ed, NULL when memory is out. A backslash before
 * anything that history_line_add() does not write stands for itself. */
char *history_line_entry(const char *line, size_t size);

#endif
