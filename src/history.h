/* The entries typed at the prompt: a list of our own, kept apart from the program's history. No Python here. */
#ifndef HOOKING_HISTORY_H
#define HOOKING_HISTORY_H

#include <stdbool.h>
#include <stddef.h>

typedef struct History {
    char **entries; /* oldest first; owned */
    size_t count;
    size_t size;
} History;

enum { HISTORY_LIMIT = 1000 };

/* Keep a copy of a line, unless it is blank or the one before again. Beyond HISTORY_LIMIT the oldest goes. False when
 * memory is out. */
bool history_keep(History *history, const char *line);

void history_free(History *history);

#endif
