/* A file that is replaced as a whole, see dump_file.h.
 *
 * The temporary file is locked while its writer lives. So one that is not locked is litter of a writer that was killed.
 */
#include "dump_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

enum {
    TRIES = 100,      /* names of temporary files that others may have taken */
    NAME_PART = 200,  /* bytes of the file's name that stand in the temporary one: both are to fit into NAME_MAX */
};
static const char MARK[] = ".hooking-"; /* between that and six letters */

static bool
file_fail(DumpFile *file, const char *what)
{
    file->error = errno;
    file->failed = what;
    return false;
}

/* ---- names ---- */

/* The folder and the name of what the path leads to. */
static bool
file_resolve(DumpFile *file, const char *path)
{
    char *real = realpath(path, NULL);
    if (real == NULL && errno == ENOENT) {
        /* The file may be missing, also at the end of a symbolic link; its folder may not. */
        char link[PATH_MAX];
        ssize_t length = readlink(path, link, sizeof link - 1);
        const char *end = path;
        if (length >= 0) {
            link[length] = '\0';
            end = link;
        }
        const char *slash = strrchr(path, '/');
        char joined[2 * PATH_MAX];
        int before = end == link && *link != '/' && slash != NULL ? (int)(slash - path + 1) : 0;
        if (snprintf(joined, sizeof joined, "%.*s%s", before, path, end) < (int)sizeof joined) {
            real = strdup(joined);
        }
    }
    if (real == NULL) {
        return file_fail(file, NULL);
    }
    char *slash = strrchr(real, '/');
    const char *name = slash == NULL ? real : slash + 1;
    bool found = false;
    if (*name == '\0') {
        errno = EISDIR;
    }
    else {
        file->target = strdup(name);
        if (slash != NULL) {
            slash[slash == real] = '\0'; /* of /x the root stays */
        }
        file->folder = open(slash == NULL ? "." : slash == real ? "/" : real, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        found = file->folder >= 0 && file->target != NULL;
    }
    int error = errno;
    free(real);
    errno = error;
    return found || file_fail(file, NULL);
}

/* What temporary files of this target begin with. malloc'ed. */
static char *
file_prefix(const DumpFile *file)
{
    enum { ROOM = 1 + NAME_PART + sizeof MARK };
    char *prefix = malloc(ROOM);
    if (prefix != NULL) {
        snprintf(prefix, ROOM, ".%.*s%s", NAME_PART, file->target, MARK);
    }
    return prefix;
}

/* ---- litter ---- */

/* Remove a temporary file if its writer lives no more. */
static void
file_sweep_one(int folder, const char *name)
{
    struct stat found;
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        return;
    }
    if (fstat(fd, &found) == 0 && S_ISREG(found.st_mode) && flock(fd, LOCK_EX | LOCK_NB) == 0) {
        unlinkat(folder, name, 0);
    }
    close(fd);
}

static void
file_sweep(const DumpFile *file, const char *prefix)
{
    enum { LETTERS = 6 };
    size_t size = strlen(prefix);
    int copy = openat(file->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* with a position of its own */
    DIR *entries = copy < 0 ? NULL : fdopendir(copy);
    struct dirent *entry;
    while (entries != NULL && (entry = readdir(entries)) != NULL) {
        if (strncmp(entry->d_name, prefix, size) == 0 && strlen(entry->d_name) == size + LETTERS) {
            file_sweep_one(file->folder, entry->d_name);
        }
    }
    if (entries != NULL) {
        closedir(entries);
    }
    else if (copy >= 0) {
        close(copy);
    }
}

/* ---- the temporary file ---- */

static void
file_random_letters(char letters[7])
{
    static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
    unsigned char bytes[6] = {0};
    if (getrandom(bytes, sizeof bytes, GRND_NONBLOCK) < 0) {
        unsigned number = (unsigned)getpid();
        memcpy(bytes, &number, sizeof number); /* a name that is taken costs another try */
    }
    for (int i = 0; i < 6; i++) {
        letters[i] = alphabet[bytes[i] % 32];
    }
    letters[6] = '\0';
}

/* Is it still there, now that it is locked? Somebody may have taken it for litter before. */
static bool
file_is_there(const DumpFile *file)
{
    struct stat opened, found;
    return fstat(file->fd, &opened) == 0
           && fstatat(file->folder, file->temporary, &found, AT_SYMLINK_NOFOLLOW) == 0
           && opened.st_dev == found.st_dev && opened.st_ino == found.st_ino;
}

static bool
file_make(DumpFile *file, const char *prefix)
{
    for (int i = 0; i < TRIES; i++) {
        char letters[7];
        file_random_letters(letters);
        size_t room = strlen(prefix) + sizeof letters;
        free(file->temporary);
        file->temporary = malloc(room);
        if (file->temporary == NULL) {
            break;
        }
        snprintf(file->temporary, room, "%s%s", prefix, letters);
        file->fd = openat(file->folder, file->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (file->fd < 0 && errno != EEXIST) {
            break;
        }
        if (file->fd < 0) {
            continue;
        }
        bool locked = flock(file->fd, LOCK_EX | LOCK_NB) == 0;
        if (!locked || file_is_there(file)) { /* without locks nobody can take it for litter */
            return true;
        }
        close(file->fd);
        file->fd = -1;
        errno = EEXIST;
    }
    file_fail(file, NULL);
    free(file->temporary);
    file->temporary = NULL;
    return false;
}

/* Whose it is and who may read it: as the file before it, else as any new file. Until then nobody else. */
static bool
file_set_mode(DumpFile *file)
{
    struct stat made;
    if (fstat(file->fd, &made) < 0) {
        return file_fail(file, NULL);
    }
    file->mode = made.st_mode & 07777;
    if (file->replaced.st_mode != 0) {
        file->mode = file->replaced.st_mode & 0777;
        if (made.st_uid != file->replaced.st_uid || made.st_gid != file->replaced.st_gid) {
            int given = fchown(file->fd, file->replaced.st_uid, file->replaced.st_gid);
            (void)given; /* only root may give files away: then it is ours */
        }
    }
    return fchmod(file->fd, 0600) == 0 || file_fail(file, NULL);
}

bool
dump_file_begin(DumpFile *file, const char *path)
{
    memset(file, 0, sizeof *file);
    file->fd = file->folder = -1;
    if (!file_resolve(file, path)) {
        return false;
    }
    if (fstatat(file->folder, file->target, &file->replaced, 0) < 0) {
        file->replaced.st_mode = 0;
    }
    else if (!S_ISREG(file->replaced.st_mode)) {
        errno = S_ISDIR(file->replaced.st_mode) ? EISDIR : EINVAL;
        return file_fail(file, S_ISDIR(file->replaced.st_mode) ? NULL : "not a plain file");
    }
    char *prefix = file_prefix(file);
    if (prefix == NULL) {
        return file_fail(file, NULL);
    }
    file_sweep(file, prefix);
    bool begun = file_make(file, prefix) && file_set_mode(file);
    free(prefix);
    return begun;
}

bool
dump_file_write(DumpFile *file, const void *bytes, size_t size)
{
    enum { MOST = 1 << 30 }; /* Linux takes no more than 2 GiB at once */
    const char *at = bytes;
    while (size > 0) {
        ssize_t written = write(file->fd, at, size < MOST ? size : MOST);
        if (written < 0 && errno != EINTR) {
            return file_fail(file, NULL);
        }
        if (written > 0) {
            at += written;
            size -= (size_t)written;
        }
    }
    return true;
}

/* ---- the end ---- */

static int
file_sync(int fd)
{
    int failed;
    do {
        failed = fsync(fd);
    } while (failed < 0 && errno == EINTR);
    return failed;
}

bool
dump_file_commit(DumpFile *file)
{
    if (fchmod(file->fd, file->mode) < 0 || file_sync(file->fd) < 0) {
        return file_fail(file, NULL);
    }
    if (renameat(file->folder, file->temporary, file->folder, file->target) < 0) {
        return file_fail(file, NULL);
    }
    free(file->temporary);
    file->temporary = NULL;
    /* Where folders cannot be synced (EINVAL on some network file systems) there is nothing more to be done. */
    if (file_sync(file->folder) < 0 && errno == EIO) {
        return file_fail(file, "written, but its folder could not be saved to the disk");
    }
    return true;
}

void
dump_file_end(DumpFile *file)
{
    if (file->temporary != NULL && file->fd >= 0) {
        unlinkat(file->folder, file->temporary, 0);
    }
    if (file->fd >= 0) {
        close(file->fd);
    }
    if (file->folder >= 0) {
        close(file->folder);
    }
    free(file->temporary);
    free(file->target);
    file->temporary = file->target = NULL;
    file->fd = file->folder = -1;
}
