/* The file of the history, see history_file.h.
 *
 * It is shortened into a file beside it that takes its name, so whoever is killed meanwhile leaves a whole one. The one
 * that shortens holds the lock, and an appender that waited for it looks whether the name still leads to what it has
 * opened. So nobody writes to the old file. */
#include "history_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "history_line.h"
#include "state_path.h"

enum {
    PATIENCE = 1000, /* milliseconds to wait for the lock */
    SLICE = 5,       /* milliseconds between two looks */
    REPLACED = 20,   /* times that the file may be replaced while it is waited for */
};

static const char NOT_PLAIN[] = "not a plain file";

/* ---- opening ---- */

static const char NOT_A_HISTORY[] = "there are NUL bytes in it: not a history";

/* A descriptor, or -1 and *why, which is NULL when there is no such file. */
static int
history_file_open(const char *path, int flags, const char **why)
{
    struct stat found;
    *why = NULL;
    /* Looked at first: the mere opening of a FIFO wakes its writer, and that of a device may do anything. */
    if (stat(path, &found) == 0 && !S_ISREG(found.st_mode)) {
        *why = S_ISDIR(found.st_mode) ? "a folder is in its place" : NOT_PLAIN;
        return -1;
    }
    flags |= O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    int fd = open(path, flags, 0600);
    if (fd < 0 && errno == ENOENT && (flags & O_CREAT) && state_path_make_folders(path)) {
        fd = open(path, flags, 0600);
    }
    if (fd < 0) {
        *why = errno == ENOENT && !(flags & O_CREAT) ? NULL : strerror(errno);
        return -1;
    }
    if (fstat(fd, &found) < 0 || !S_ISREG(found.st_mode)) {
        *why = NOT_PLAIN;
        close(fd);
        return -1;
    }
    if (found.st_uid == geteuid() && (found.st_mode & 0777) != 0600) {
        fchmod(fd, 0600);
    }
    return fd;
}

const char *
history_file_check(const char *path)
{
    const char *why;
    int fd = history_file_open(path, O_RDWR, &why);
    if (fd >= 0) {
        char last[512]; /* a look at its end: reading it all is for later */
        struct stat found;
        off_t size = fstat(fd, &found) == 0 ? found.st_size : 0;
        off_t from = size > (off_t)sizeof last ? size - (off_t)sizeof last : 0;
        ssize_t got = pread(fd, last, sizeof last, from);
        close(fd);
        return got > 0 && memchr(last, '\0', (size_t)got) != NULL ? NOT_A_HISTORY : NULL;
    }
    return why == NULL ? state_path_refuses(path) : why;
}

bool
history_file_is_same(const HistoryFile *file, const char *path)
{
    struct stat found;
    if (stat(path, &found) < 0) {
        return errno == ENOENT && file->inode == 0;
    }
    return found.st_dev == file->device && found.st_ino == file->inode && found.st_size == file->seen
           && found.st_mtim.tv_sec == file->changed.tv_sec && found.st_mtim.tv_nsec == file->changed.tv_nsec;
}

/* ---- the lock ---- */

static HistoryLock
history_file_lock(HistoryFile *file, int how)
{
    static const struct timespec slice = {0, SLICE * 1000000L};
    struct timespec begin, now;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    while (flock(file->fd, how | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            return HISTORY_LOCK_NONE;
        }
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (file->impatient
            || (now.tv_sec - begin.tv_sec) * 1000 + (now.tv_nsec - begin.tv_nsec) / 1000000 >= PATIENCE) {
            file->impatient = true;
            return HISTORY_LOCK_BUSY;
        }
        nanosleep(&slice, NULL);
    }
    file->impatient = false;
    return HISTORY_LOCK_HELD;
}

/* Does the name still lead to what was opened? */
static bool
history_file_is_current(const HistoryFile *file, const char *path)
{
    struct stat opened, named;
    return fstat(file->fd, &opened) == 0 && stat(path, &named) == 0 && opened.st_dev == named.st_dev
           && opened.st_ino == named.st_ino;
}

bool
history_file_enter(HistoryFile *file, const char *path, bool append, const char **why)
{
    file->appended = false;
    for (int i = 0; i < REPLACED; i++) {
        file->fd = history_file_open(path, append ? O_RDWR | O_APPEND | O_CREAT : O_RDONLY, why);
        if (file->fd < 0) {
            return false;
        }
        file->lock = history_file_lock(file, append ? LOCK_EX : LOCK_SH);
        if (file->lock == HISTORY_LOCK_BUSY || history_file_is_current(file, path)) {
            return true;
        }
        close(file->fd);
    }
    *why = "it is replaced all the time";
    return false;
}

/* ---- bytes ---- */

/* Add what stands from `from` to `to`, or to the end if that comes first. */
static bool
history_file_get(int fd, off_t from, off_t to, Buffer *text)
{
    enum { CHUNK = 1 << 16 };
    char *chunk = malloc(CHUNK);
    ssize_t got = chunk == NULL ? -1 : 1;
    while (from < to && got > 0) {
        got = pread(fd, chunk, to - from < CHUNK ? (size_t)(to - from) : CHUNK, from);
        if (got > 0) {
            buffer_add(text, chunk, (size_t)got);
            from += got;
        }
        else if (got < 0 && errno == EINTR) {
            got = 1;
        }
    }
    free(chunk);
    if (text->failed) {
        errno = ENOMEM;
    }
    return got >= 0 && !text->failed;
}

/* Write bytes: *done says how many were, even where it fails. One write() unless the system does less at a time. */
static bool
history_file_put(int fd, const char *bytes, size_t size, size_t *done)
{
    *done = 0;
    while (*done < size) {
        ssize_t put = write(fd, bytes + *done, size - *done);
        if (put > 0) {
            *done += (size_t)put;
        }
        else if (put == 0 || errno != EINTR) {
            errno = put == 0 ? ENOSPC : errno;
            return false;
        }
    }
    return true;
}

/* The last bytes before `seen`, by which it is known that what was read has not been changed. Their number. */
static size_t
history_file_get_mark(int fd, off_t seen, char mark[HISTORY_FILE_MARK])
{
    size_t size = seen < HISTORY_FILE_MARK ? (size_t)seen : HISTORY_FILE_MARK;
    return pread(fd, mark, size, seen - (off_t)size) == (ssize_t)size ? size : 0;
}

/* Everything up to `seen` is known now. */
static void
history_file_remember(HistoryFile *file, int fd, off_t seen)
{
    struct stat now;
    if (fstat(fd, &now) == 0) {
        file->device = now.st_dev;
        file->inode = now.st_ino;
        file->changed = now.st_mtim;
    }
    file->seen = seen;
    history_file_get_mark(fd, seen, file->mark);
}

/* Is this the file that was read before, with more behind it or not? */
static bool
history_file_is_known(const HistoryFile *file, const struct stat *now)
{
    char mark[HISTORY_FILE_MARK];
    if (file->device != now->st_dev || file->inode != now->st_ino || now->st_size < file->seen) {
        return false;
    }
    size_t size = history_file_get_mark(file->fd, file->seen, mark);
    return memcmp(mark, file->mark, size) == 0 && (size > 0 || file->seen == 0);
}

static size_t
history_file_count(const char *bytes, size_t size)
{
    size_t count = 0;
    const char *end = bytes + size;
    for (; bytes < end && (bytes = memchr(bytes, '\n', (size_t)(end - bytes))) != NULL; bytes++) {
        count++;
    }
    return count;
}

/* Take bytes off at the front. */
static void
history_file_drop(Buffer *text, size_t size)
{
    text->size -= size;
    memmove(text->bytes, text->bytes + size, text->size + 1);
}

/* Where the end begins that is read of a long file: mostly within a line. */
static off_t
history_file_end(off_t size)
{
    return size > HISTORY_FILE_READ ? size - HISTORY_FILE_READ : 0;
}

/* Take off the line that reading has begun within. */
static void
history_file_drop_part(Buffer *text)
{
    const char *first = text->size == 0 ? NULL : memchr(text->bytes, '\n', text->size);
    if (text->size > 0) {
        history_file_drop(text, first == NULL ? text->size : (size_t)(first - text->bytes) + 1);
    }
}

/* ---- reading ---- */

HistoryRead
history_file_read(HistoryFile *file, Buffer *text, bool *anew, const char **why)
{
    struct stat now;
    if (fstat(file->fd, &now) < 0) {
        *why = strerror(errno);
        return HISTORY_READ_FAILED;
    }
    *anew = !history_file_is_known(file, &now) || now.st_size - file->seen > HISTORY_FILE_READ;
    off_t from = *anew ? history_file_end(now.st_size) : file->seen;
    if (!history_file_get(file->fd, from, now.st_size, text)) {
        *why = strerror(errno);
        return HISTORY_READ_FAILED;
    }
    if (text->size > 0 && memchr(text->bytes, '\0', text->size) != NULL) {
        *why = NOT_A_HISTORY;
        return HISTORY_READ_FOREIGN;
    }
    if (*anew && from > 0) {
        history_file_drop_part(text);
    }
    off_t seen = now.st_size;
    if (file->lock != HISTORY_LOCK_HELD) { /* somebody may be at writing the last line */
        while (text->size > 0 && text->bytes[text->size - 1] != '\n') {
            text->size--;
            seen--;
        }
    }
    file->lines = (*anew ? 0 : file->lines) + history_file_count(text->bytes, text->size);
    history_file_remember(file, file->fd, seen);
    return HISTORY_READ_DONE;
}

/* ---- appending ---- */

/* Is there room for so many bytes by the limit that the program may have been given? Beyond it the system sends
 * SIGXFSZ, which would end the program. */
static bool
history_file_may_grow(off_t size, size_t more)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_FSIZE, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY
           || (rlim_t)size + more <= limit.rlim_cur;
}

/* Write a line at the end, or nothing. */
static bool
history_file_append_line(HistoryFile *file, const Buffer *line, off_t size)
{
    struct stat now;
    size_t done;
    if (!history_file_may_grow(size, line->size)) {
        errno = EFBIG;
        return false;
    }
    if (history_file_put(file->fd, line->bytes, line->size, &done)) {
        return true;
    }
    int error = errno;
    /* Without a lock another may have written behind it. */
    if (done > 0 && fstat(file->fd, &now) == 0 && now.st_size == size + (off_t)done && ftruncate(file->fd, size) < 0) {
        history_file_put(file->fd, "\n", 1, &done);
    }
    errno = error;
    return false;
}

bool
history_file_append(HistoryFile *file, const char *entry, const char **why)
{
    Buffer line = {0};
    struct stat now;
    char last = '\n';
    bool ret = false;
    if (file->lock == HISTORY_LOCK_BUSY) {
        *why = "another process does not let go of its lock";
        return false;
    }
    if (fstat(file->fd, &now) < 0 || (now.st_size > 0 && pread(file->fd, &last, 1, now.st_size - 1) != 1)) {
        goto done;
    }
    if (last != '\n') {
        buffer_add_char(&line, '\n'); /* a writer was killed, or an editor has left it so */
    }
    history_line_add(&line, entry);
    if (line.failed) {
        errno = ENOMEM;
        goto done;
    }
    if (line.size > HISTORY_FILE_LONGEST) {
        ret = true;
        goto done;
    }
    if (!history_file_append_line(file, &line, now.st_size)) {
        goto done;
    }
    if (now.st_size == file->seen) {
        history_file_remember(file, file->fd, now.st_size + (off_t)line.size);
        file->lines++;
    }
    file->appended = true;
    ret = true;
done:
    if (!ret) {
        *why = strerror(errno);
    }
    buffer_free(&line);
    return ret;
}

/* ---- shortening ---- */

/* So that it is rare: half as much again as is kept. */
static bool
history_file_is_too_long(const HistoryFile *file, const struct stat *now)
{
    return file->lines > HISTORY_LIMIT + HISTORY_LIMIT / 2
           || now->st_size > HISTORY_FILE_READ + HISTORY_FILE_READ / 2;
}

/* Write the lines that are kept to a new file. */
static bool
history_file_copy_end(HistoryFile *file, off_t size, int to, Buffer *text)
{
    size_t done;
    off_t from = history_file_end(size);
    if (!history_file_get(file->fd, from, size, text)) {
        return false;
    }
    if (from > 0) {
        history_file_drop_part(text);
    }
    if (text->size == 0) {
        return false;
    }
    size_t lines = history_file_count(text->bytes, text->size);
    size_t dropped = 0;
    for (; lines > HISTORY_LIMIT; lines--) {
        dropped = (size_t)((char *)memchr(text->bytes + dropped, '\n', text->size - dropped) - text->bytes) + 1;
    }
    history_file_drop(text, dropped);
    file->lines = lines;
    return history_file_may_grow(0, text->size) && history_file_put(to, text->bytes, text->size, &done);
}

/* Under the lock nobody else makes this file: one that is there was left by somebody who was killed. */
static int
history_file_make_beside(const char *path)
{
    unlink(path);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0) {
        fchmod(fd, 0600);
    }
    return fd;
}

static void
history_file_shorten(HistoryFile *file, const char *path, off_t size)
{
    Buffer text = {0}, beside = {0};
    char *target = realpath(path, NULL); /* a symbolic link stays one */
    int to = -1;
    file->unshortened = true; /* unless it works: else it would be tried for every entry */
    if (target != NULL) {
        buffer_add_string(&beside, target);
        buffer_add_string(&beside, ".new");
        to = beside.failed ? -1 : history_file_make_beside(beside.bytes);
    }
    if (to >= 0) {
        if (history_file_copy_end(file, size, to, &text) && rename(beside.bytes, target) == 0) {
            history_file_remember(file, to, (off_t)text.size);
            file->unshortened = false;
        }
        else {
            unlink(beside.bytes);
        }
        close(to);
    }
    free(target);
    buffer_free(&beside);
    buffer_free(&text);
}

void
history_file_leave(HistoryFile *file, const char *path)
{
    struct stat now;
    if (file->appended && !file->unshortened && file->lock == HISTORY_LOCK_HELD && fstat(file->fd, &now) == 0
        && now.st_uid == geteuid() && history_file_is_too_long(file, &now)) {
        history_file_shorten(file, path, now.st_size);
    }
    close(file->fd);
}
