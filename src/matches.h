/* The names that Tab has to offer: how many, what they have in common, the first of them in order. No Python here. */
#ifndef HOOKING_MATCHES_H
#define HOOKING_MATCHES_H

#include <stdbool.h>
#include <stddef.h>

enum { MATCHES_PAGE = 200 };

typedef struct Matches {
    char *names[MATCHES_PAGE];  /* owned; the first of all, in the order of their bytes */
    size_t sizes[MATCHES_PAGE];
    size_t kept;                /* how many of them there are */
    size_t front;               /* so many of them come first, whatever they begin with: see matches_fence() */
    size_t count;               /* how many there were in all; equal names among those kept are one */
    char *common;               /* owned: what all of them begin with; NULL while there are none */
    size_t common_size;
    bool ignore_case;
    bool failed;                /* memory has run out: some names are missing */
} Matches;

/* Does the name begin with the prefix? Both in UTF-8. */
bool matches_begins(const char *name, size_t size, const char *prefix, size_t prefix_size, bool ignore_case);

/* Take one name. The caller has seen that it matches. */
void matches_add(Matches *matches, const char *name, size_t size);

/* What is added from now on is listed behind what is there. */
void matches_fence(Matches *matches);

/* Take one of the page away, which was no match after all. */
void matches_remove(Matches *matches, size_t place);

void matches_free(Matches *matches);

#endif
