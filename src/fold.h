/* How much of a text the screen has room for. No Python here. */
#ifndef HOOKING_FOLD_H
#define HOOKING_FOLD_H

#include <stddef.h>

/* Bytes of the text, in the locale's encoding, that take at most `rows` rows of a terminal `columns` wide, when it is
 * written from the first column on. What belongs together is not cut. `size` when all of it fits. Control sequences
 * take no room. It takes time for what fits, not for what follows. */
size_t fold_rows(const char *text, size_t size, int columns, int rows);

#endif
