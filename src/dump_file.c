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
static const char LETTERS[] = "abcdefghijklmnopqrstuvwxyz234567";
enum { LETTER_COUNT = 6 };

static bool
file_fail(DumpFile *file, const char *what)
{
    file->error = errno;
    file->failed = what;
    return false;
}

/* ---- names ---- */

/* Open the folder that the last component of a path lies in, from the one that is open, and take its name. */
static bool
file_enter(DumpFile *file, const char *path)
{
    const char *slash = strrchr(path, '/');
    char *above = slash == NULL ? strdup(".") : strndup(path, (size_t)(slash - path + 1));
    int from = file->folder < 0 ? AT_FDCWD : file->folder, folder = -1;
    free(file->target);
    file->target = strdup(slash == NULL ? path : slash + 1);
    if (*path == '\0') {
        errno = ENOENT;
    }
    else if (above != NULL && file->target != NULL) {
        folder = openat(from, above, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (folder < 0 && errno == EACCES) { /* it may be one that can be written to and not be listed */
            folder = openat(from, above, O_PATH | O_DIRECTORY | O_CLOEXEC);
        }
    }
    int error = errno;
    free(above);
    if (file->folder >= 0) {
        close(file->folder);
    }
    file->folder = folder;
    errno = error;
    return folder >= 0;
}

/* The folder and the name of what the path leads to. Links are followed one by one, for what is at their end may be
 * missing; its folder may not. */
static bool
file_resolve(DumpFile *file, const char *path)
{
    enum { LINKS = 40 }; /* as many as Linux follows */
    char link[PATH_MAX];
    for (int i = 0; i <= LINKS; i++) {
        if (!file_enter(file, path)) {
            return file_fail(file, NULL);
        }
        if (*file->target == '\0') {
            errno = EISDIR;
            return file_fail(file, NULL);
        }
        ssize_t length = readlinkat(file->folder, file->target, link, sizeof link - 1);
        if (length < 0) {
            return errno == EINVAL || errno == ENOENT || file_fail(file, NULL);
        }
        link[length] = '\0';
        path = link;
    }
    errno = ELOOP;
    return file_fail(file, NULL);
}

/* A file that is no plain one cannot be replaced. */
static bool
file_is_plain(DumpFile *file, const struct stat *found)
{
    if (S_ISREG(found->st_mode)) {
        return true;
    }
    errno = S_ISDIR(found->st_mode) ? EISDIR : EINVAL;
    return file_fail(file, S_ISDIR(found->st_mode) ? NULL : "not a plain file");
}

/* What is to be replaced: one that may be written to, as open() has it, though the folder would let it be replaced. */
static bool
file_look(DumpFile *file)
{
    if (fstatat(file->folder, file->target, &file->replaced, AT_SYMLINK_NOFOLLOW) < 0) {
        file->replaced.st_mode = 0;
        return errno == ENOENT || file_fail(file, NULL);
    }
    return file_is_plain(file, &file->replaced)
           && (faccessat(file->folder, file->target, W_OK, AT_EACCESS) == 0 || file_fail(file, NULL));
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
    enum { FLAGS = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC };
    int fd = openat(folder, name, O_WRONLY | FLAGS); /* so that NFS can lock it */
    if (fd < 0 && errno == EACCES) {
        fd = openat(folder, name, O_RDONLY | FLAGS);
    }
    if (fd < 0) {
        return;
    }
    if (fstat(fd, &found) == 0 && S_ISREG(found.st_mode) && flock(fd, LOCK_EX | LOCK_NB) == 0) {
        unlinkat(folder, name, 0);
    }
    close(fd);
}

/* Is it the name of a temporary file, with that prefix, or (NULL) any? */
static bool
file_is_temporary(const char *name, const char *prefix)
{
    size_t length = strlen(name), mark = sizeof MARK - 1;
    const char *letters = name + length - (length < LETTER_COUNT ? length : LETTER_COUNT);
    size_t before = (size_t)(letters - name);
    return name[0] == '.' && strspn(letters, LETTERS) == LETTER_COUNT && before > mark
           && (prefix == NULL ? memcmp(letters - mark, MARK, mark) == 0
                              : before == strlen(prefix) && memcmp(name, prefix, before) == 0);
}

static void
file_sweep(int folder, const char *prefix)
{
    int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* with a position of its own */
    DIR *entries = copy < 0 ? NULL : fdopendir(copy);
    struct dirent *entry;
    while (entries != NULL && (entry = readdir(entries)) != NULL) {
        if (file_is_temporary(entry->d_name, prefix)) {
            file_sweep_one(folder, entry->d_name);
        }
    }
    if (entries != NULL) {
        closedir(entries);
    }
    else if (copy >= 0) {
        close(copy);
    }
}

void
dump_file_sweep(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        file_sweep(fd, NULL);
        close(fd);
    }
}

/* ---- the temporary file ---- */

static void
file_random_letters(char letters[LETTER_COUNT + 1])
{
    unsigned char bytes[LETTER_COUNT] = {0};
    if (getrandom(bytes, sizeof bytes, GRND_NONBLOCK) < 0) {
        unsigned number = (unsigned)getpid();
        memcpy(bytes, &number, sizeof number); /* a name that is taken costs another try */
    }
    for (int i = 0; i < LETTER_COUNT; i++) {
        letters[i] = LETTERS[bytes[i] % 32];
    }
    letters[LETTER_COUNT] = '\0';
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
    mode_t mode = file->replaced.st_mode == 0 ? 0666 : 0600; /* whoever opens it now reads what is written later */
    for (int i = 0; i < TRIES; i++) {
        char letters[LETTER_COUNT + 1];
        file_random_letters(letters);
        size_t room = strlen(prefix) + sizeof letters;
        free(file->temporary);
        file->temporary = malloc(room);
        if (file->temporary == NULL) {
            break;
        }
        snprintf(file->temporary, room, "%s%s", prefix, letters);
        file->fd = openat(file->folder, file->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        if (file->fd < 0 && errno != EEXIST) {
            break;
        }
        if (file->fd < 0) {
            continue;
        }
        /* A sweeper may have been faster. Where there are no locks nobody can take it for litter. */
        bool locked = flock(file->fd, LOCK_EX | LOCK_NB) == 0;
        if (locked ? file_is_there(file) : errno != EWOULDBLOCK) {
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

/* Where files have no modes there is nothing more to be done. */
static bool
file_allow(DumpFile *file, mode_t mode)
{
    return fchmod(file->fd, mode) == 0 || errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS
           || file_fail(file, NULL);
}

/* Whose it is and who may read it: as the file before it, else as any new file. Until then nobody else. */
static bool
file_set_mode(DumpFile *file)
{
    const struct stat *old = &file->replaced;
    struct stat made;
    if (fstat(file->fd, &made) < 0) {
        return file_fail(file, NULL);
    }
    file->mode = (old->st_mode == 0 ? made.st_mode : old->st_mode) & 0777;
    if (old->st_mode != 0 && (made.st_uid != old->st_uid || made.st_gid != old->st_gid)) {
        /* Only root may give files away. If not even the group can stay, the new one gets what everybody has. */
        bool kept = fchown(file->fd, old->st_uid, old->st_gid) == 0
                    || fchown(file->fd, (uid_t)-1, old->st_gid) == 0;
        file->mode = kept ? file->mode : (file->mode & 0707) | (file->mode & 07) << 3;
    }
    return file_allow(file, 0600);
}

bool
dump_file_begin(DumpFile *file, const char *path)
{
    struct stat found;
    memset(file, 0, sizeof *file);
    file->fd = file->folder = -1;
    /* First without opening anything: what /dev/stdout leads to, for one, has no name. */
    if ((stat(path, &found) == 0 && !file_is_plain(file, &found)) || !file_resolve(file, path) || !file_look(file)) {
        return false;
    }
    char *prefix = file_prefix(file);
    if (prefix == NULL) {
        return file_fail(file, NULL);
    }
    file_sweep(file->folder, prefix);
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
        if (written == 0) { /* never, says POSIX; for ever, if it did */
            errno = EIO;
            return file_fail(file, NULL);
        }
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
dump_file_save(DumpFile *file)
{
    return file_allow(file, file->mode) && (file_sync(file->fd) == 0 || file_fail(file, NULL));
}

bool
dump_file_commit(DumpFile *file)
{
    if (renameat(file->folder, file->temporary, file->folder, file->target) < 0) {
        return file_fail(file, NULL);
    }
    free(file->temporary);
    file->temporary = NULL;
    /* Where folders cannot be synced, as on some network file systems, there is nothing more to be done. Nor with one
     * that may not be read: EBADF. */
    if (file_sync(file->folder) < 0 && errno != EINVAL && errno != EBADF && errno != ENOSYS && errno != EOPNOTSUPP) {
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
