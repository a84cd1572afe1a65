/* Code that was copied out of an indented block. No Python here. */
#ifndef HOOKING_DEDENT_H
#define HOOKING_DEDENT_H

#include <stdbool.h>
#include <stddef.h>

#include "buffer.h"

/* Append the code without what its first line is indented by; the text within strings stays as it is. Where the copy
 * began in the middle of the first line, it is what the second one is indented by, although nothing opens a block.
 * False, and nothing is appended, when it is right as it is. */
bool dedent_code(const char *text, size_t size, Buffer *out);

#endif
