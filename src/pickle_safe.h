/* The names that may be imported and called without asking, and how. No Python here. */
#ifndef HOOKING_PICKLE_SAFE_H
#define HOOKING_PICKLE_SAFE_H

#include <stdbool.h>
#include <stddef.h>

#include "unpickle.h"

enum SafeTraits {
    SAFE_CLASS = 1,    /* NEWOBJ may make one; it may be another one's argument where that takes a class */
    SAFE_EXTEND = 2,   /* APPEND and APPENDS to what was made, */
    SAFE_SET_ITEM = 4, /* SETITEM and SETITEMS */
    SAFE_CONVERTS = 8, /* makes arrays of what it is given: numpy then looks at instances for __array_interface__,
                          which holds an address */
    SAFE_TEXT = 16,    /* what was made may be a str: as a key it is not known */
    SAFE_DEEP = 32,    /* its like in it are freed within it, on the interpreter's stack (no "trashcan") */
    SAFE_WALKS = 64,   /* goes through what is in its arguments, and in what is in those */
};

typedef struct SafeRow SafeRow;

/* A call, or what BUILD does. */
typedef struct SafeUse {
    const Unpickle *machine;
    const SafeRow *const *rows; /* of the imports, NULL for one that is not known */
    const Value *arguments;     /* UNPICKLE_KEPT at most; BUILD has one, the state */
    size_t count;
    const ProductValue *product; /* BUILD: whose state it is */
} SafeUse;

/* Is this how it is meant to be used? */
typedef bool (*SafeRule)(const SafeUse *use);

struct SafeRow {
    const char *module, *name;
    SafeRule call, build; /* NULL: never */
    unsigned traits;
};

/* The row of a name as it stands in a pickle of that protocol; NULL when it is not known. The names of Python 2 are
 * understood below protocol 3, where the unpickler translates them. */
const SafeRow *pickle_safe_find(const char *module, size_t module_size, const char *name, size_t name_size,
                                int protocol);

#endif
