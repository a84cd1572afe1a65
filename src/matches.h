/* The names that Tab has to offer: how many, what they have in common, the first of them in order. No Python here. */
#ifndef HOOKING_MATCHES_H
#define HOOKING_MATCHES_H

#include <stdbool.h>
#include <stddef.h>

enum { MATCHES_PAGE = 200 };

typedef struct Matches {
    char *names[MATCHES_PAGE]; /* owned; the first in the order of the alphabet, sorted by matches_sort() */
    size_t kept;               /* how many of them there are */
    size_t count;              /* how many there were in all */
    char *common;              /* owned: what all of them begin with; NULL while there are none */
    bool ignore_case;
    bool failed;               /* memory has run out */
} Matches;

/* Take one name. The caller has seen that it matches. Of equal names that are kept one stays. */
void matches_add(Matches *matches, const char *name, size_t size);

/* To be called once behind the last one. */
void matches_sort(Matches *matches);

void matches_free(Matches *matches);

#endif
