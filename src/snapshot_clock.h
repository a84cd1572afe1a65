/* What calls a function in the main thread again and again, at the interpreter's next safe point: no line or call of
 * the program is instrumented. */
#ifndef HOOKING_SNAPSHOT_CLOCK_H
#define HOOKING_SNAPSHOT_CLOCK_H

#include <pthread.h>
#include <stdbool.h>

#include "compat.h"

typedef struct SnapshotClock {
    int (*tick)(void *context); /* as for Py_AddPendingCall() */
    void *context;
    double interval;            /* seconds; 0: it stands still */
    bool runs;                  /* `thread` is to be joined */
    pid_t pid;                  /* whose thread it is: a forked child has none */
    bool waiting;               /* a call is asked for and was not made yet. Guarded by the mutex, as the two below */
    bool ends;
    unsigned changes;           /* of the interval */
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
} SnapshotClock;

/* Let it go, in seconds; 0 lets it stand still. -1 with an OSError. The first time all fields but `tick` and `context`
 * are zero. */
int snapshot_clock_set(SnapshotClock *clock, double interval);

/* The call is being made: from now on the next one can be asked for. */
void snapshot_clock_heard(SnapshotClock *clock);

/* It ends. True: a call is still to be made, and after that none. */
bool snapshot_clock_stop(SnapshotClock *clock);

#endif
