/* What stands behind the pickle in a dump. No Python here.
 *
 *   magic      8 bytes, with the version of the format
 *   numbers    u64 each: where the pickle ends, and how many regions, blocks and bytes of facts follow
 *   digest     SHA-256 of the stream: of all bytes before the pickle's end that are in no region
 *   regions    u64 offset of what makes room, u64 offset of the data, u64 size, u64 1 for read-only; in their order
 *   blocks     XXH3-128 of each 4 MiB of the file up to the pickle's end, by which damage is found
 *   facts      name NUL value NUL, UTF-8
 *   check      XXH3-128 of all that
 *   signature  HMAC-SHA256 of all that with the key of whoever dumped it; zeros for none
 *   size       u64: of the trailer, with this and the end
 *   end        8 bytes: "hookdump"
 *
 * All numbers are little-endian. */
#ifndef HOOKING_DUMP_TRAILER_H
#define HOOKING_DUMP_TRAILER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"

enum {
    DUMP_BLOCK = 4 << 20, /* bytes that one digest stands for */
    DUMP_CHECK = 16,
    DUMP_DIGEST = 32,
    DUMP_SIGNATURE = 32,
};

/* The pickle of a dump begins with this, which unpickling skips: so a dump is known that has lost its end. */
#define DUMP_HEAD "\x80\x05\x43\x0chooking dump0"
enum { DUMP_HEAD_SIZE = sizeof DUMP_HEAD - 1 };

/* Bytes that belong to the pickle but are not in its stream: the content of a buffer. */
typedef struct DumpRegion {
    uint64_t begin;  /* where the opcodes begin that make room, and say how long it is */
    uint64_t offset; /* of the data */
    uint64_t size;
    uint64_t readonly;
} DumpRegion;

typedef struct DumpTrailer {
    uint64_t stream_end; /* of the pickle, behind its STOP */
    unsigned char digest[DUMP_DIGEST];
    DumpRegion *regions; /* owned */
    size_t region_count;
    unsigned char *blocks; /* owned: DUMP_CHECK bytes each */
    size_t block_count;
    Buffer facts;
    unsigned char signature[DUMP_SIGNATURE];
    size_t size;        /* of all of it, in the file */
    size_t signed_size; /* of its beginning, which is signed */
} DumpTrailer;

typedef enum DumpKind {
    DUMP_WHOLE,   /* its trailer is there; the pickle has not been looked at */
    DUMP_NONE,    /* not a dump of ours */
    DUMP_DAMAGED, /* one that has lost its end, or whose trailer is not as it was written */
    DUMP_NEWER,   /* of a later version */
} DumpKind;

/* Add a fact. Neither may contain NUL. */
void dump_trailer_add_fact(DumpTrailer *trailer, const char *name, const char *value);

/* The value of a fact, or NULL. */
const char *dump_trailer_fact(const DumpTrailer *trailer, const char *name);

/* All but the signature, the size and the end: what is to be signed. Then the rest. */
void dump_trailer_write(const DumpTrailer *trailer, Buffer *out);
void dump_trailer_sign(Buffer *out, const unsigned char signature[DUMP_SIGNATURE]);

/* How long the trailer is that a file ends with, by its own word; 0 for none. */
size_t dump_trailer_size(const unsigned char *bytes, size_t size);

/* Find the trailer at the end of a file. Unless it is whole, *why says what is wrong and *offset where. Out of memory
 * is damage as well. dump_trailer_clear() in every case. */
DumpKind dump_trailer_read(const unsigned char *bytes, size_t size, DumpTrailer *trailer, const char **why,
                           uint64_t *offset);
void dump_trailer_clear(DumpTrailer *trailer);

/* The first block that is not as it was written, or block_count. */
size_t dump_trailer_find_damage(const DumpTrailer *trailer, const unsigned char *bytes);

#endif
