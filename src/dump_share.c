/* Shared buffers, see dump_share.h. Regions of a dump begin on a page, which is a block of nearly every file system: so
 * whole blocks are shared, and the rest of the last one is written. */
#include "dump_share.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    SMALLEST = 1 << 20, /* bytes: fewer are written sooner than they are looked for */
    BLOCK = 4096,
};

void
dump_share_open(DumpShare *share, const char *path)
{
    struct stat found;
    const char *why;
    uint64_t offset;
    *share = (DumpShare){.fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)};
    if (share->fd < 0 || fstat(share->fd, &found) < 0 || !S_ISREG(found.st_mode) || found.st_size == 0) {
        return;
    }
    void *bytes = mmap(NULL, (size_t)found.st_size, PROT_READ, MAP_PRIVATE, share->fd, 0);
    if (bytes == MAP_FAILED) {
        return;
    }
    share->bytes = bytes;
    share->size = (size_t)found.st_size;
    if (dump_trailer_read(share->bytes, share->size, &share->trailer, &why, &offset) != DUMP_WHOLE) {
        dump_trailer_clear(&share->trailer);
    }
}

void
dump_share_close(DumpShare *share)
{
    dump_trailer_clear(&share->trailer);
    if (share->bytes != NULL) {
        munmap((void *)share->bytes, share->size);
    }
    if (share->fd >= 0) {
        close(share->fd);
    }
    *share = (DumpShare){.fd = -1};
}

/* A region of the file, if it is as large, and has the same bytes; NULL if not. */
static const unsigned char *
share_compare(const DumpShare *share, const DumpRegion *region, const void *bytes, uint64_t size)
{
    bool fits = region->size == size && region->offset % BLOCK == 0 && region->offset <= share->size
                && size <= share->size - region->offset;
    return fits && memcmp(share->bytes + region->offset, bytes, size) == 0 ? share->bytes + region->offset : NULL;
}

const unsigned char *
dump_share_find(DumpShare *share, const void *bytes, uint64_t size)
{
    size_t count = size < SMALLEST ? 0 : share->trailer.region_count;
    const unsigned char *found = NULL;
    for (size_t i = 0; found == NULL && i < count; i++) { /* mostly the first look finds it: they come in order */
        size_t at = (share->next + i) % count;
        found = share_compare(share, &share->trailer.regions[at], bytes, size);
        share->next = found != NULL ? at + 1 : share->next;
    }
    return found;
}

/* Write what is no whole block at the end. */
static bool
share_rest(int fd, const unsigned char *bytes, size_t size, off_t at)
{
    while (size > 0) {
        ssize_t written = pwrite(fd, bytes, size, at);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return false;
        }
        bytes += written;
        size -= (size_t)written;
        at += written;
    }
    return true;
}

bool
dump_share_into(const DumpShare *share, int fd, const unsigned char *found, uint64_t size)
{
    off_t at = lseek(fd, 0, SEEK_CUR);
    uint64_t whole = size - size % BLOCK;
    struct file_clone_range range = {
        .src_fd = share->fd,
        .src_offset = (uint64_t)(found - share->bytes),
        .src_length = whole,
        .dest_offset = (uint64_t)at,
    };
    if (at < 0 || at % BLOCK != 0 || ioctl(fd, FICLONERANGE, &range) < 0) {
        return false;
    }
    bool written = share_rest(fd, found + whole, (size_t)(size - whole), at + (off_t)whole);
    return lseek(fd, written ? at + (off_t)size : at, SEEK_SET) >= 0 && written;
}
