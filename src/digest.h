/* XXH3-128 of bytes, at once or as they come. No Python here. */
#ifndef HOOKING_DIGEST_H
#define HOOKING_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"

enum { DIGEST_SIZE = 16 };

/* In the canonical form of libxxhash: big-endian. */
void digest_of(const void *bytes, size_t size, unsigned char digest[DIGEST_SIZE]);

/* Digests of a file as it is written, one for each block of `block` bytes. */
typedef struct Digests {
    void *state; /* owned */
    uint64_t block;
    uint64_t done; /* bytes of the block that is under way */
    Buffer all;    /* of the blocks that are over: DIGEST_SIZE bytes each */
} Digests;

/* False when memory is out; digests_clear() in every case. */
bool digests_begin(Digests *digests, uint64_t block);
void digests_add(Digests *digests, const void *bytes, size_t size);

/* The last block is over. */
void digests_finish(Digests *digests);
void digests_clear(Digests *digests);

#endif
