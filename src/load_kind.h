/* What a file is by its first bytes, when it is not a pickle. No Python here. */
#ifndef HOOKING_LOAD_KIND_H
#define HOOKING_LOAD_KIND_H

#include <stdbool.h>
#include <stddef.h>

#include "pickle_scan.h"

typedef struct LoadKind {
    const char *name;   /* as in "this is NAME" */
    const char *reader; /* what reads it, NULL if that is to be said by whoever knows */
    const char *module; /* of Python's, which decompresses it; NULL for none. "|": or that */
} LoadKind;

/* NULL when it may be a pickle. */
const LoadKind *load_kind_of(const unsigned char *bytes, size_t size);

/* What it is by what it would import: a file of another library that begins as a pickle. NULL when it is a pickle. */
const LoadKind *load_kind_of_imports(const PickleScan *scan);

#endif
