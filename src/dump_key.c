/* Key of dumps, see dump_key.h. */
#include "dump_key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "state_path.h"

/* 1, 0 when there is none, -1 with *why. */
static int
key_load(unsigned char key[DUMP_KEY], const char *path, const char **why)
{
    struct stat found;
    unsigned char more;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    *why = NULL;
    if (fd < 0) {
        *why = errno == ENOENT ? NULL : strerror(errno);
        return errno == ENOENT ? 0 : -1;
    }
    if (fstat(fd, &found) < 0 || !S_ISREG(found.st_mode)) {
        *why = "not a plain file";
    }
    else if (found.st_uid != geteuid() || (found.st_mode & 077) != 0) {
        *why = "others may have read it: remove it, and a new one is made at the next dump";
    }
    else if (read(fd, key, DUMP_KEY) != DUMP_KEY || read(fd, &more, 1) != 0) {
        *why = "not a key: remove it, and a new one is made at the next dump";
    }
    close(fd);
    return *why == NULL ? 1 : -1;
}

static bool
key_fill(unsigned char key[DUMP_KEY])
{
    ssize_t got;
    do {
        got = getrandom(key, DUMP_KEY, 0);
    } while (got < 0 && errno == EINTR);
    return got == DUMP_KEY;
}

/* A dump that outlives a power failure is its user's own only if the key does too. Failing is no harm yet. */
static void
key_sync_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash == NULL ? NULL : strndup(path, (size_t)(slash - path + 1));
    int fd = folder == NULL ? -1 : open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    free(folder);
}

/* Written beside its place and linked into it, so that nobody finds half a key, and one that came first stays. */
static bool
key_make(const char *path, const char **why)
{
    unsigned char key[DUMP_KEY];
    size_t room = strlen(path) + sizeof ".XXXXXX";
    char *temporary = malloc(room);
    int fd = -1;
    bool made = false;
    if (temporary != NULL && key_fill(key) && state_path_make_folders(path)) {
        snprintf(temporary, room, "%s.XXXXXX", path);
        fd = mkostemp(temporary, O_CLOEXEC); /* for the user alone */
    }
    if (fd >= 0) {
        made = fchmod(fd, 0600) == 0 /* whatever the program's umask is */
               && write(fd, key, DUMP_KEY) == DUMP_KEY && fsync(fd) == 0
               && (link(temporary, path) == 0 || errno == EEXIST);
        int error = errno;
        unlink(temporary);
        close(fd);
        errno = error;
    }
    *why = made ? NULL : strerror(errno);
    if (made) {
        key_sync_folder(path);
    }
    free(temporary);
    return made;
}

bool
dump_key_read(unsigned char key[DUMP_KEY], bool make, char **path, const char **why)
{
    *path = state_path_find("key");
    if (*path == NULL) {
        *why = "the user has no home folder";
        return false;
    }
    int there = key_load(key, *path, why);
    if (there == 0 && make) {
        *why = state_path_refuses(*path);
        there = *why == NULL && key_make(*path, why) ? key_load(key, *path, why) : -1;
    }
    return there > 0;
}
