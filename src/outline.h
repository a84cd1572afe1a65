/* The names that a source text defines at its top level, found without compiling it. No Python here. */
#ifndef HOOKING_OUTLINE_H
#define HOOKING_OUTLINE_H

#include <stdbool.h>
#include <stddef.h>

typedef void (*OutlineName)(void *receiver, const char *name, size_t size);

/* Call `found` with each name that is defined, assigned or imported, also within `if` and `try`, not within functions
 * and classes; a name may come several times. False when memory is out. */
bool outline_run(const char *text, size_t size, OutlineName found, void *receiver);

#endif
