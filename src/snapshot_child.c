/* Copies that write snapshots, see snapshot_child.h.
 *
 * Not fork(): its child would be the program's, to be waited for and to be heard of by SIGCHLD. clone() without an exit
 * signal makes one that wait() passes over (see __WCLONE in wait(2)). What fork() of the C library does beside that is
 * to keep malloc() whole when other threads are in it. Where there are such, and one was, the copy stands still: that
 * is noticed, and it is killed. */
#include "snapshot_child.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    PATIENCE = 10,       /* seconds in which a copy gets past all locks, if it does at all */
    PATIENCE_STILL = 30, /* seconds without any work, of the processor or of a disk */
};

/* ---- in the copy ---- */

/* What the program has open stays its own: a peer that waits for the end of a pipe would else wait for the copy, too.
 * */
static void
child_close_files(void)
{
    int nowhere = open("/dev/null", O_RDWR);
    for (int fd = 0; fd < 3 && nowhere >= 0; fd++) {
        dup2(nowhere, fd);
    }
    if (syscall(SYS_close_range, 3U, ~0U, 0U) < 0) { /* before Linux 5.9 */
        long most = sysconf(_SC_OPEN_MAX);
        for (long fd = 3; fd < most; fd++) {
            close((int)fd);
        }
    }
}

/* A finalizer of the program's removes a temporary folder, say. */
static void
child_stop_collecting(void)
{
    PyObject *gc = compat_import("gc");
    PyObject *none = gc == NULL ? NULL : PyObject_CallMethod(gc, "disable", NULL);
    PyErr_Clear();
    Py_XDECREF(none);
    Py_XDECREF(gc);
}

static void
child_settle(SnapshotChild *child)
{
    enum { NICER = 5 };
    setsid(); /* keys of the terminal are not for it */
    setpriority(PRIO_PROCESS, 0, NICER);
    PyOS_AfterFork_Child();
    child_close_files();
    child_stop_collecting();
    free(malloc(1)); /* here it stands still, if another thread was in malloc() */
    child->note->begun = 1;
}

/* ---- in the program ---- */

static pid_t
child_clone(void)
{
    return (pid_t)syscall(SYS_clone, 0L, 0L, 0L, 0L, 0L);
}

SnapshotSide
snapshot_child_make(SnapshotChild *child)
{
    sigset_t all, mask;
    void *page = mmap(NULL, sizeof *child->note, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    *child = (SnapshotChild){.made = now.tv_sec};
    if (page == MAP_FAILED) {
        PyErr_SetFromErrno(PyExc_OSError);
        return SNAPSHOT_FAILED;
    }
    child->note = page;
    PyOS_BeforeFork();
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &mask); /* no handler of the program's runs in the copy */
    child->pid = child_clone();
    int error = errno;
    if (child->pid == 0) {
        child_settle(child);
        return SNAPSHOT_COPY;
    }
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    PyOS_AfterFork_Parent();
    if (child->pid < 0) {
        snapshot_child_clear(child);
        errno = error;
        PyErr_SetFromErrno(PyExc_OSError);
        return SNAPSHOT_FAILED;
    }
    return SNAPSHOT_ORIGINAL;
}

/* Seconds of CPU time that a process has used; -1 where that is not known. */
static double
child_cpu_time(pid_t pid)
{
    clockid_t clock;
    struct timespec used;
    return clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) < 0
               ? -1
               : (double)used.tv_sec + (double)used.tv_nsec * 1e-9;
}

/* Does it wait for a disk, or has somebody stopped it? Then it stands still for a good reason. */
static bool
child_is_held(pid_t pid)
{
    char path[64], text[64];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    if (fd >= 0) {
        close(fd);
    }
    text[length > 0 ? length : 0] = '\0';
    const char *state = strrchr(text, ')'); /* behind the name: a blank, and a letter for the state */
    return state != NULL && state[1] != '\0' && strchr("DTt", state[2]) != NULL;
}

/* What pickling calls may wait for a lock that a thread had which the copy does not have. */
static bool
child_stands_still(SnapshotChild *child, time_t now)
{
    double used = child_cpu_time(child->pid);
    if (child->still == 0 || used != child->used || child_is_held(child->pid)) {
        child->used = used;
        child->still = now;
    }
    return now - child->still > PATIENCE_STILL;
}

/* Is there no hope that it ends by itself? */
static bool
child_is_stuck(SnapshotChild *child)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (!child->note->begun) {
        return now.tv_sec - child->made > PATIENCE;
    }
    child->given_up = child->given_up || child_stands_still(child, now.tv_sec);
    return child->given_up;
}

static SnapshotState
child_judge(const SnapshotChild *child, int status)
{
    SnapshotNote *note = child->note;
    if (note->saved) {
        return SNAPSHOT_SAVED;
    }
    if (WIFEXITED(status) && *note->text == '\0') { /* by code of the program's, which pickling or the fork has run */
        snprintf(note->text, sizeof note->text,
                 "the copy of the program that wrote it has ended itself, with status %d: look for os._exit() in what "
                 "pickling an object or os.register_at_fork() calls", WEXITSTATUS(status));
    }
    if (WIFSIGNALED(status) && child->given_up) {
        snprintf(note->text, sizeof note->text, "the copy of the program that wrote it did nothing for %d s, and was "
                 "ended: what pickling calls waits, for a lock that another thread had, say", PATIENCE_STILL);
    }
    else if (WIFSIGNALED(status)) {
        snprintf(note->text, sizeof note->text, "the copy of the program that wrote it was killed by signal %d%s",
                 WTERMSIG(status), note->begun ? "" : ": another thread held a lock when it was made");
    }
    return SNAPSHOT_LOST;
}

SnapshotState
snapshot_child_look(SnapshotChild *child, bool wait)
{
    enum { SLICE = 2000 }; /* microseconds */
    int status = 0;
    pid_t ended;
    while ((ended = waitpid(child->pid, &status, __WCLONE | WNOHANG)) == 0) {
        if (child_is_stuck(child)) {
            kill(child->pid, SIGKILL);
        }
        else if (!wait) {
            return SNAPSHOT_RUNS;
        }
        Py_BEGIN_ALLOW_THREADS
        usleep(SLICE);
        Py_END_ALLOW_THREADS
        if (PyErr_CheckSignals() < 0) {
            return SNAPSHOT_ERROR;
        }
    }
    if (ended < 0) { /* somebody has waited for it by its number */
        snprintf(child->note->text, sizeof child->note->text, "nobody knows what has become of it");
        return SNAPSHOT_LOST;
    }
    return child_judge(child, status);
}

void
snapshot_child_clear(SnapshotChild *child)
{
    if (child->note != NULL) {
        munmap(child->note, sizeof *child->note);
    }
    *child = (SnapshotChild){0};
}
