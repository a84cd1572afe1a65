/* The arguments of opcodes that are lines of text, of protocol 0. No Python here. */
#ifndef HOOKING_PICKLE_TEXT_H
#define HOOKING_PICKLE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pickle_ops.h"

typedef enum PickleText {
    PICKLE_TEXT_RIGHT,
    PICKLE_TEXT_LONG, /* an int of more digits than Python reads unless told to */
    PICKLE_TEXT_WRONG,
} PickleText;

/* Has a pickler written that line? Of INT, LONG, FLOAT, STRING; others are right. `line` is the body of `op`. */
PickleText pickle_text_check(const PickleOp *op, const unsigned char *line);

/* The index of PUT or GET. */
bool pickle_text_index(const unsigned char *line, size_t size, uint64_t *index);

#endif
