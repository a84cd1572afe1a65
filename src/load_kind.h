/* What a file is by its first bytes, when it is not a pickle. No Python here. */
#ifndef HOOKING_LOAD_KIND_H
#define HOOKING_LOAD_KIND_H

#include <stdbool.h>
#include <stddef.h>

typedef struct LoadKind {
    const char *name;   /* as in "this is NAME" */
    const char *reader; /* what reads it, NULL if that is to be said by whoever knows */
    const char *module; /* of Python's, which decompresses it; NULL for none. "|": or that */
} LoadKind;

/* NULL when it may be a pickle. */
const LoadKind *load_kind_of(const unsigned char *bytes, size_t size);

#endif
