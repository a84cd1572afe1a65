/* Places that call hook(), see callsite.h. */
#include "callsite.h"

#include <stdint.h>
#include <stdlib.h>

enum { FIRST_SIZE = 16 };

static size_t
callsite_hash(const void *code, int line)
{
    /* Fibonacci hashing: the product's high bits depend on all of the key, on the line and on the pointer. */
    uint64_t key = ((uint64_t)(uintptr_t)code >> 4) ^ ((uint64_t)(unsigned)line << 32);
    return (size_t)((key * UINT64_C(11400714819323198485)) >> 40);
}

/* The slot where the place is, or where it would go. The table is never full. */
static CallSite **
callsite_slot(CallSite **slots, size_t size, const void *code, int line)
{
    size_t i = callsite_hash(code, line) & (size - 1);
    while (slots[i] != NULL && (slots[i]->code != code || slots[i]->line != line)) {
        i = (i + 1) & (size - 1);
    }
    return &slots[i];
}

static bool
callsite_grow(CallSites *sites)
{
    size_t size = sites->size ? sites->size * 2 : FIRST_SIZE;
    CallSite **slots = calloc(size, sizeof *slots);
    if (slots == NULL) {
        return false;
    }
    for (size_t i = 0; i < sites->size; i++) {
        CallSite *site = sites->slots[i];
        if (site != NULL) {
            *callsite_slot(slots, size, site->code, site->line) = site;
        }
    }
    free(sites->slots);
    sites->slots = slots;
    sites->size = size;
    return true;
}

CallSite *
callsite_find(const CallSites *sites, const void *code, int line)
{
    return sites->used ? *callsite_slot(sites->slots, sites->size, code, line) : NULL;
}

CallSite *
callsite_obtain(CallSites *sites, const void *code, int line, bool *made)
{
    *made = false;
    CallSite *found = callsite_find(sites, code, line);
    if (found != NULL) {
        return found;
    }
    if (sites->used * 4 >= sites->size * 3 && !callsite_grow(sites)) {
        return NULL;
    }
    CallSite *site = calloc(1, sizeof *site);
    if (site == NULL) {
        return NULL;
    }
    site->code = code;
    site->line = line;
    *callsite_slot(sites->slots, sites->size, code, line) = site;
    sites->used++;
    *made = true;
    return site;
}

CallSite *
callsite_recall(const CallSites *sites, const void *code, int offset)
{
    const CallSiteCache *cached = &sites->cache[callsite_hash(code, offset) % CALLSITE_CACHE];
    return cached->code == code && cached->offset == offset ? cached->site : NULL;
}

void
callsite_note(CallSites *sites, CallSite *site, int offset)
{
    sites->cache[callsite_hash(site->code, offset) % CALLSITE_CACHE] = (CallSiteCache){site->code, offset, site};
}

bool
callsite_is_shut(const CallSite *site, bool once)
{
    return site->off || (once && site->opened);
}

bool
callsite_admits(CallSite *site, bool once, long after)
{
    if (callsite_is_shut(site, once)) {
        return false;
    }
    if (site->passed < after) {
        site->passed++;
        return false;
    }
    if (site->skip > 0) {
        site->skip--;
        return false;
    }
    return true;
}

void
callsite_clear(CallSites *sites, void (*release)(CallSite *))
{
    for (size_t i = 0; i < sites->size; i++) {
        if (sites->slots[i] != NULL) {
            if (release != NULL) {
                release(sites->slots[i]);
            }
            free(sites->slots[i]);
        }
    }
    free(sites->slots);
    *sites = (CallSites){.slots = NULL};
}
