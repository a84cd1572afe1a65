/* The clock of timed snapshots, see snapshot_clock.h. */
#include "snapshot_clock.h"

#include <errno.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

static struct timespec
clock_later(double seconds)
{
    enum { NANOSECONDS = 1000000000 };
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    time.tv_sec += (time_t)seconds;
    time.tv_nsec += (long)((seconds - (double)(time_t)seconds) * NANOSECONDS);
    if (time.tv_nsec >= NANOSECONDS) {
        time.tv_nsec -= NANOSECONDS;
        time.tv_sec++;
    }
    return time;
}

/* Wait for an interval, or for a change of it. True: it has passed. */
static bool
clock_wait(SnapshotClock *clock)
{
    unsigned changes = clock->changes;
    bool stands = clock->interval <= 0;
    struct timespec until = clock_later(stands ? 0 : clock->interval);
    int timed_out = 0;
    while (!clock->ends && clock->changes == changes && timed_out != ETIMEDOUT) {
        timed_out = stands ? pthread_cond_wait(&clock->changed, &clock->mutex)
                           : pthread_cond_timedwait(&clock->changed, &clock->mutex, &until);
    }
    return timed_out == ETIMEDOUT;
}

/* 3.11 looks for calls only when there is something else to look for, unless the main thread asks for them itself: that
 * another thread wants the GIL, say. */
static void
clock_nudge(SnapshotClock *clock)
{
    pthread_mutex_unlock(&clock->mutex);
    PyGILState_Release(PyGILState_Ensure());
    pthread_mutex_lock(&clock->mutex);
}

static void *
clock_run(void *argument)
{
    SnapshotClock *clock = argument;
    pthread_mutex_lock(&clock->mutex);
    while (!clock->ends) {
        if (clock_wait(clock) && !clock->waiting && !clock->ends) {
            /* It fails when too many calls wait already: then the next time. */
            clock->waiting = Py_AddPendingCall(clock->tick, clock->context) == 0;
            clock_nudge(clock);
        }
    }
    pthread_mutex_unlock(&clock->mutex);
    return NULL;
}

static int
clock_start(SnapshotClock *clock)
{
    sigset_t all, old;
    pthread_condattr_t monotonic;
    clock->ends = clock->waiting = false; /* it may have been stopped before */
    pthread_mutex_init(&clock->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&clock->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old); /* the program's signals are not for the new thread */
    errno = pthread_create(&clock->thread, NULL, clock_run, clock);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (errno != 0) {
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    clock->runs = true;
    clock->pid = getpid();
    return 0;
}

/* Does the thread run, in this process? */
static bool
clock_is_here(const SnapshotClock *clock)
{
    return clock->runs && clock->pid == getpid();
}

int
snapshot_clock_set(SnapshotClock *clock, double interval)
{
    if (!clock_is_here(clock)) {
        clock->interval = interval;
        return interval <= 0 || clock->runs ? 0 : clock_start(clock);
    }
    pthread_mutex_lock(&clock->mutex);
    clock->interval = interval;
    clock->changes++;
    pthread_cond_signal(&clock->changed);
    pthread_mutex_unlock(&clock->mutex);
    return 0;
}

void
snapshot_clock_heard(SnapshotClock *clock)
{
    if (clock_is_here(clock)) { /* else nobody looks at it any more */
        pthread_mutex_lock(&clock->mutex);
        clock->waiting = false;
        pthread_mutex_unlock(&clock->mutex);
    }
}

bool
snapshot_clock_stop(SnapshotClock *clock)
{
    bool waiting = false;
    if (clock_is_here(clock)) {
        pthread_mutex_lock(&clock->mutex);
        clock->ends = true;
        pthread_cond_signal(&clock->changed);
        pthread_mutex_unlock(&clock->mutex);
        Py_BEGIN_ALLOW_THREADS /* it may be waiting for the GIL */
        pthread_join(clock->thread, NULL);
        Py_END_ALLOW_THREADS
        waiting = clock->waiting;
        pthread_cond_destroy(&clock->changed);
        pthread_mutex_destroy(&clock->mutex);
    }
    clock->runs = false;
    return waiting;
}
