/* Giving back memory, see release.h.
 *
 * A process and its copy share their pages until one writes to them. So what is kept here is paid for by the program,
 * once more, as it goes on: with Python, whose every use of an object writes to it, that would soon be all of it.
 *
 * What is taken is what malloc() and Python have mapped for large blocks and arenas: private, anonymous, without a
 * name, and large. Not the heap and the stack, which have names, nor what is near to a page of this library, of the
 * thread's own data or of its stack: the kernel shows neighbours as one. This file and relay.c are compiled with
 * -fno-plt, so no function that they call is looked up any more, in tables that may be gone. */
#include "release.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    SMALLEST = 1 << 20, /* bytes: others hold what libraries have, and little */
    MARGIN = 1 << 18,   /* bytes around what is needed yet */
    NEEDED = 3,
    LINE = 512,
};

#ifdef __SANITIZE_ADDRESS__ /* whose own memory looks the same */
enum { IS_SANITIZED = 1 };
#else
enum { IS_SANITIZED = 0 };
#endif

/* Static, as no memory must be asked for. */
static struct {
    char line[LINE];
    size_t size;
} self;

/* Give back what of a block is not near one of the addresses, which are in ascending order. */
static void
release_block(uintptr_t from, uintptr_t to, const uintptr_t needed[NEEDED])
{
    for (int i = 0; i <= NEEDED && from < to; i++) {
        uintptr_t end = to;
        if (i < NEEDED) {
            uintptr_t low = (needed[i] - MARGIN) & ~(uintptr_t)(MARGIN - 1);
            end = low < to ? low : to;
        }
        if (end > from && end - from >= SMALLEST) {
            madvise((void *)from, end - from, MADV_DONTNEED);
        }
        if (i < NEEDED) {
            uintptr_t high = (needed[i] + 2 * MARGIN) & ~(uintptr_t)(MARGIN - 1);
            from = high > from ? high : from;
        }
    }
}

/* A line of the map: "FROM-TO PERMISSIONS OFFSET DEVICE INODE NAME". */
static void
release_line(const char *line, const uintptr_t needed[NEEDED])
{
    unsigned long from, to, inode;
    char permissions[5];
    int read = 0;
    bool is_whole = sscanf(line, "%lx-%lx %4s %*s %*s %lu %n", &from, &to, permissions, &inode, &read) == 4;
    if (is_whole && inode == 0 && strcmp(permissions, "rw-p") == 0 && line[read] == '\0') {
        release_block(from, to, needed);
    }
}

static void
release_memory(void)
{
    int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    uintptr_t needed[NEEDED] = {(uintptr_t)&self, (uintptr_t)&fd, (uintptr_t)&errno};
    for (int i = 0; i < NEEDED; i++) {
        for (int j = i + 1; j < NEEDED; j++) {
            if (needed[j] < needed[i]) {
                uintptr_t other = needed[i];
                needed[i] = needed[j];
                needed[j] = other;
            }
        }
    }
    char c;
    self.size = 0;
    while (fd >= 0 && read(fd, &c, 1) == 1) {
        if (c == '\n') {
            self.line[self.size] = '\0';
            release_line(self.line, needed);
            self.size = 0;
        }
        else if (self.size < LINE - 1) {
            self.line[self.size++] = c;
        }
    }
}

void
release_all(void)
{
    if (!IS_SANITIZED) {
        release_memory();
    }
    closefrom(0); /* or who reads from the program would not see its end before the end of this process */
}
