/* A disk that fails at a moment of one's choice, for tests: a library to be loaded before the C library (LD_PRELOAD).
 *
 * Of the calls below, those on HK_FAULTS_FOLDER and what lies in it are counted. The environment is looked at anew at
 * each call, so that a process can begin with it at any time:
 *
 *   HK_FAULTS_FOLDER  absolute, without links in it; nothing happens without it
 *   HK_FAULTS_AT      the number of the call that goes wrong, from 1 on
 *   HK_FAULTS_HOW     fail: with HK_FAULTS_ERROR, an errno; half: so, but a write writes half before; gone: so, and all
 *                     later ones as well; kill: the process ends before the call; half-kill: and a write writes half
 *   HK_FAULTS_LOG     a file to which a line is added for each call: its name, a blank, the path within the folder
 *   HK_FAULTS_STUCK   if it is set, malloc() stands still in a copy of the process that has loaded this, as when
 *                     another thread was in it when the copy was made
 *   HK_FAULTS_HASTE   how many times as fast CLOCK_MONOTONIC goes
 *   HK_FAULTS_CLONE   if it is set, files can share blocks there (FICLONERANGE), whatever the file system: in fact they
 *                     are copied
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SHOWN __attribute__((visibility("default")))

typedef enum Fault { FAULT_NONE, FAULT_FAIL, FAULT_HALF, FAULT_HALF_KILL } Fault;

/* The path of a name in an open folder, or (NULL) of what is open. */
static void
fault_path(int fd, const char *name, char path[PATH_MAX])
{
    char link[64], above[PATH_MAX / 2] = "";
    if (name == NULL || *name != '/') {
        snprintf(link, sizeof link, fd == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", fd);
        ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, above, sizeof above - 1);
        above[length < 0 ? 0 : length] = '\0';
    }
    snprintf(path, PATH_MAX, "%s%s%.2000s", above, name == NULL || *above == '\0' ? "" : "/", name == NULL ? "" : name);
}

static void
fault_log(const char *call, const char *path)
{
    const char *log = getenv("HK_FAULTS_LOG");
    char line[PATH_MAX + 64];
    int fd = log == NULL ? -1
                         : (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0) {
        int length = snprintf(line, sizeof line, "%s %s\n", call, *path == '\0' || path[1] == '\0' ? "." : path + 1);
        syscall(SYS_write, fd, line, (size_t)length);
        syscall(SYS_close, fd);
    }
}

/* What is to become of a call? With FAULT_FAIL and FAULT_HALF errno is set. */
static Fault
fault_of(const char *call, int fd, const char *name)
{
    static long calls;
    char path[PATH_MAX];
    int before = errno;
    const char *folder = getenv("HK_FAULTS_FOLDER"), *number = getenv("HK_FAULTS_AT"), *how = getenv("HK_FAULTS_HOW");
    const char *error = getenv("HK_FAULTS_ERROR");
    size_t length = folder == NULL ? 0 : strlen(folder);
    if (length == 0) {
        return FAULT_NONE;
    }
    fault_path(fd, name, path);
    errno = before;
    if (strncmp(path, folder, length) != 0 || (path[length] != '/' && path[length] != '\0')) {
        return FAULT_NONE;
    }
    long this = ++calls, at = number == NULL ? 0 : atol(number);
    fault_log(call, path + length);
    if (at == 0 || how == NULL || this < at || (this > at && strcmp(how, "gone") != 0)) {
        errno = before;
        return FAULT_NONE;
    }
    if (strcmp(how, "kill") == 0) {
        _exit(137);
    }
    errno = error == NULL ? EIO : atoi(error);
    return strcmp(how, "half") == 0 ? FAULT_HALF : strcmp(how, "half-kill") == 0 ? FAULT_HALF_KILL : FAULT_FAIL;
}

/* The same for all calls but write(). */
static bool
fault_is(const char *call, int fd, const char *name)
{
    Fault fault = fault_of(call, fd, name);
    if (fault == FAULT_HALF_KILL) {
        _exit(137);
    }
    return fault != FAULT_NONE;
}

/* ---- the calls ---- */

SHOWN ssize_t
write(int fd, const void *bytes, size_t size)
{
    Fault fault = fault_of("write", fd, NULL);
    int error = errno;
    if (fault == FAULT_HALF || fault == FAULT_HALF_KILL) {
        syscall(SYS_write, fd, bytes, size / 2);
    }
    if (fault == FAULT_HALF_KILL) {
        _exit(137);
    }
    errno = error;
    return fault == FAULT_NONE ? syscall(SYS_write, fd, bytes, size) : -1;
}

static int
fault_open(int from, const char *path, int flags, va_list rest)
{
    mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0;
    const char *call = (flags & O_CREAT) != 0 ? "make" : "open";
    return fault_is(call, from, path) ? -1 : (int)syscall(SYS_openat, from, path, flags, mode);
}

#define OPEN(call)                                                                                                     \
    SHOWN int call(const char *path, int flags, ...)                                                                   \
    {                                                                                                                  \
        va_list rest;                                                                                                  \
        va_start(rest, flags);                                                                                         \
        int fd = fault_open(AT_FDCWD, path, flags, rest);                                                              \
        va_end(rest);                                                                                                  \
        return fd;                                                                                                     \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(call)                                                                                                   \
    SHOWN int call(int from, const char *path, int flags, ...)                                                         \
    {                                                                                                                  \
        va_list rest;                                                                                                  \
        va_start(rest, flags);                                                                                         \
        int fd = fault_open(from, path, flags, rest);                                                                  \
        va_end(rest);                                                                                                  \
        return fd;                                                                                                     \
    }
OPENAT(openat)
OPENAT(openat64)

SHOWN int
close(int fd)
{
    bool fault = fault_is("close", fd, NULL);
    int error = errno, closed = (int)syscall(SYS_close, fd); /* it is closed all the same, as on Linux */
    errno = fault ? error : errno;
    return fault ? -1 : closed;
}

SHOWN int
fsync(int fd)
{
    return fault_is("fsync", fd, NULL) ? -1 : (int)syscall(SYS_fsync, fd);
}

SHOWN int
flock(int fd, int how)
{
    return fault_is("flock", fd, NULL) ? -1 : (int)syscall(SYS_flock, fd, how);
}

SHOWN int
fchmod(int fd, mode_t mode)
{
    return fault_is("fchmod", fd, NULL) ? -1 : (int)syscall(SYS_fchmod, fd, mode);
}

SHOWN int
fchown(int fd, uid_t user, gid_t group)
{
    return fault_is("fchown", fd, NULL) ? -1 : (int)syscall(SYS_fchown, fd, user, group);
}

SHOWN int
faccessat(int from, const char *path, int mode, int flags)
{
    return fault_is("faccessat", from, path) ? -1 : (int)syscall(SYS_faccessat2, from, path, mode, flags);
}

SHOWN int
renameat(int from, const char *path, int to, const char *new_path)
{
    return fault_is("rename", from, path) ? -1 : (int)syscall(SYS_renameat2, from, path, to, new_path, 0);
}

SHOWN int
rename(const char *path, const char *new_path)
{
    return renameat(AT_FDCWD, path, AT_FDCWD, new_path);
}

SHOWN int
link(const char *path, const char *new_path)
{
    return fault_is("link", AT_FDCWD, path) ? -1 : (int)syscall(SYS_linkat, AT_FDCWD, path, AT_FDCWD, new_path, 0);
}

SHOWN int
unlinkat(int from, const char *path, int flags)
{
    return fault_is("unlink", from, path) ? -1 : (int)syscall(SYS_unlinkat, from, path, flags);
}

SHOWN int
unlink(const char *path)
{
    return unlinkat(AT_FDCWD, path, 0);
}

/* Copy the blocks, as sharing them would look. */
static int
fault_clone(int fd, const struct file_clone_range *range)
{
    enum { BLOCK = 4096 };
    char block[BLOCK];
    if (range->src_offset % BLOCK != 0 || range->dest_offset % BLOCK != 0 || range->src_length % BLOCK != 0) {
        errno = EINVAL; /* as a file system says that has blocks of that size */
        return -1;
    }
    for (off_t at = 0; at < (off_t)range->src_length; at += BLOCK) {
        if (pread((int)range->src_fd, block, BLOCK, (off_t)range->src_offset + at) != BLOCK
            || pwrite(fd, block, BLOCK, (off_t)range->dest_offset + at) != BLOCK) {
            return -1;
        }
    }
    return 0;
}

SHOWN int
ioctl(int fd, unsigned long request, ...)
{
    va_list rest;
    va_start(rest, request);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    if (request == FICLONERANGE && getenv("HK_FAULTS_CLONE") != NULL) {
        return fault_is("clone", fd, NULL) ? -1 : fault_clone(fd, argument);
    }
    return (int)syscall(SYS_ioctl, fd, request, argument);
}

/* ---- time, and memory that nobody gives ---- */

static pid_t first; /* the process that has loaded this */

__attribute__((constructor)) static void
fault_begin(void)
{
    first = getpid();
}

extern void *__libc_malloc(size_t size);

SHOWN void *
malloc(size_t size)
{
    while (first != 0 && getpid() != first && getenv("HK_FAULTS_STUCK") != NULL) {
        pause();
    }
    return __libc_malloc(size);
}

SHOWN int
clock_gettime(clockid_t clock, struct timespec *time)
{
    const char *haste = getenv("HK_FAULTS_HASTE");
    int ret = (int)syscall(SYS_clock_gettime, clock, time);
    if (ret == 0 && clock == CLOCK_MONOTONIC && haste != NULL) {
        double seconds = ((double)time->tv_sec + (double)time->tv_nsec * 1e-9) * atof(haste);
        time->tv_sec = (time_t)seconds;
        time->tv_nsec = (long)((seconds - (double)time->tv_sec) * 1e9);
    }
    return ret;
}
