/* Digests, see digest.h. */
#include "digest.h"

#include <string.h>

#include "digest_wide.h"

/* In line, as the compiler then sees the sizes; and the one binary depends on no library more. */
#define XXH_INLINE_ALL
#include <xxhash.h>

void
digest_of(const void *bytes, size_t size, unsigned char digest[DIGEST_SIZE])
{
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes, size));
    memcpy(digest, canonical.digest, DIGEST_SIZE);
}

bool
digests_begin(Digests *digests, uint64_t block)
{
    memset(digests, 0, sizeof *digests);
    digests->block = block;
    digests->state = XXH3_createState();
    return digests->state != NULL && XXH3_128bits_reset(digests->state) == XXH_OK;
}

static void
digests_end_block(Digests *digests)
{
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(digests->state));
    buffer_add(&digests->all, (const char *)canonical.digest, DIGEST_SIZE);
    XXH3_128bits_reset(digests->state);
    digests->done = 0;
}

void
digests_add(Digests *digests, const void *bytes, size_t size)
{
    const char *at = bytes;
    bool wide = digest_wide_is_there();
    while (size > 0) {
        uint64_t room = digests->block - digests->done;
        size_t part = size < room ? size : (size_t)room;
        if (wide) {
            digest_wide_update(digests->state, at, part);
        }
        else {
            XXH3_128bits_update(digests->state, at, part);
        }
        digests->done += part;
        at += part;
        size -= part;
        if (digests->done == digests->block) {
            digests_end_block(digests);
        }
    }
}

void
digests_finish(Digests *digests)
{
    if (digests->done > 0) {
        digests_end_block(digests);
    }
}

void
digests_clear(Digests *digests)
{
    XXH3_freeState(digests->state);
    buffer_free(&digests->all);
    memset(digests, 0, sizeof *digests);
}
