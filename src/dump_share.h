/* Buffers that an earlier dump has already: the file system may let both files share them. No Python here. */
#ifndef HOOKING_DUMP_SHARE_H
#define HOOKING_DUMP_SHARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dump_trailer.h"

typedef struct DumpShare {
    int fd;                     /* of the earlier dump; -1 for none */
    const unsigned char *bytes; /* owned: all of it, mapped; NULL for none */
    size_t size;
    DumpTrailer trailer;
    size_t next;                /* of its regions: where the next buffer is looked for first */
} DumpShare;

/* Open an earlier dump, NULL for none. That it is not there, or not whole, is as if there were none. dump_share_close()
 * in every case. */
void dump_share_open(DumpShare *share, const char *path);
void dump_share_close(DumpShare *share);

/* Where it has the same bytes: the content of a region; NULL for nowhere. */
const unsigned char *dump_share_find(DumpShare *share, const void *bytes, uint64_t size);

/* Have a file, open for writing, share so many bytes that were found, from its position on, which then is behind them.
 * False if the file system does not do so: then nothing was written. */
bool dump_share_into(const DumpShare *share, int fd, const unsigned char *found, uint64_t size);

#endif
