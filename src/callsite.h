/* What is remembered of each place in a program that calls hook(): how often it was reached, and
 * what was asked for there (`once=`, `after=`; `off`, `after N`, `when EXPR` at the prompt).
 * Knows nothing of Python: a place is a pointer (the code object) and a line. Not
 * an instruction: 3.11 makes one and the same call from different ones once it is specialised. */
#ifndef HOOKING_CALLSITE_H
#define HOOKING_CALLSITE_H

#include <stdbool.h>
#include <stddef.h>

typedef struct CallSite {
    const void *code;
    int line;
    long passed;     /* calls let pass so far because of `after=` */
    long skip;       /* calls still to let pass, set by `after N` */
    bool opened;     /* a console was opened here before */
    bool off;        /* `off`: never again */
    void *condition; /* the owner's, set by `when EXPR`; NULL for none */
} CallSite;

/* Finding the line of an instruction takes CPython long, so what was found is kept for the next call. */
typedef struct CallSiteCache {
    const void *code;
    int offset; /* of the instruction */
    CallSite *site;
} CallSiteCache;

enum { CALLSITE_CACHE = 64 };

typedef struct CallSites {
    CallSite **slots; /* open addressing, a power of two; owned */
    size_t size;
    size_t used;
    CallSiteCache cache[CALLSITE_CACHE];
} CallSites;

/* The entry of a place, or NULL when there is none. */
CallSite *callsite_find(const CallSites *sites, const void *code, int line);

/* The entry of a place, made when there is none; *made tells. NULL when memory is out. */
CallSite *callsite_obtain(CallSites *sites, const void *code, int line, bool *made);

/* The entry last noted for an instruction, or NULL. */
CallSite *callsite_recall(const CallSites *sites, const void *code, int offset);
void callsite_note(CallSites *sites, CallSite *site, int offset);

/* Count one call and tell whether it may open a console, conditions aside. */
bool callsite_admits(CallSite *site, bool once, long after);

/* Is the place shut for good: by `off`, or by `once` after its first console? */
bool callsite_is_shut(const CallSite *site, bool once);

/* Free all; `release` is called for each entry first and may be NULL. */
void callsite_clear(CallSites *sites, void (*release)(CallSite *));

#endif
