/* The exceptions that belong to one: causes, contexts and the members of groups, as a tree in the order of reading. */
#ifndef HOOKING_CHAIN_H
#define HOOKING_CHAIN_H

#include "compat.h"

#include <stdbool.h>

typedef enum ChainLink {
    CHAIN_FIRST,
    CHAIN_MEMBER,  /* of the group above that is one level less deep */
    CHAIN_CAUSE,   /* of the exception above of the same depth: raise ... from */
    CHAIN_CONTEXT, /* the exception above of the same depth was raised while this one was handled */
} ChainLink;

typedef struct ChainEntry {
    PyObject *exception; /* owned */
    ChainLink link;
    int depth;           /* of groups around it */
    long same;           /* the entry that it is another appearance of, whose own are not shown again; -1 for none */
} ChainEntry;

typedef struct Chain {
    ChainEntry *entries; /* owned */
    long count;
} Chain;

/* As a traceback shows them: `raise ... from None` hides what was handled. -1 with an exception; chain_close() in every
 * case. */
int chain_open(Chain *chain, PyObject *exception);
void chain_close(Chain *chain);

#endif
