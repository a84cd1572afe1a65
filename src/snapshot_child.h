/* A copy of this process that writes a snapshot while the program goes on. The program cannot notice it: it is no child
 * that wait() knows of, and no SIGCHLD comes when it ends. */
#ifndef HOOKING_SNAPSHOT_CHILD_H
#define HOOKING_SNAPSHOT_CHILD_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

#include "compat.h"

enum { SNAPSHOT_NOTE_ROOM = 4000, SNAPSHOT_WHY_ROOM = 80 };

/* What the copy tells, in memory that both share. */
typedef struct SnapshotNote {
    volatile sig_atomic_t begun;  /* it has come past all locks that other threads may have held */
    volatile sig_atomic_t saved;  /* the file is there: it has told so itself */
    volatile sig_atomic_t paused; /* `pause` is there */
    double pause;                 /* seconds that the program has waited: told by its side */
    unsigned long long size;      /* bytes, of the file */
    char unlisted[SNAPSHOT_WHY_ROOM]; /* why it is not in the folder's list; "" if it is */
    char text[SNAPSHOT_NOTE_ROOM]; /* what is to be told: why it has failed, what was left out */
} SnapshotNote;

typedef struct SnapshotChild {
    pid_t pid;          /* 0 for none */
    time_t made;        /* seconds of CLOCK_MONOTONIC */
    double used;        /* seconds of CPU time, when it was looked at last */
    time_t still;       /* seconds of CLOCK_MONOTONIC: since when it has used no more; 0: it has not been looked at */
    bool given_up;      /* it was killed for that */
    SnapshotNote *note; /* owned, by both sides */
} SnapshotChild;

typedef enum SnapshotSide {
    SNAPSHOT_FAILED = -1, /* with an exception */
    SNAPSHOT_COPY,
    SNAPSHOT_ORIGINAL,
} SnapshotSide;

/* Make the copy. In it there is one thread, nothing is open, signals are blocked, no garbage is collected, and it is to
 * end by _exit(). */
SnapshotSide snapshot_child_make(SnapshotChild *child);

typedef enum SnapshotState {
    SNAPSHOT_ERROR = -1, /* an exception is set, of a signal handler; it may still run */
    SNAPSHOT_RUNS,
    SNAPSHOT_SAVED,
    SNAPSHOT_LOST,       /* the note says why */
} SnapshotState;

/* What has become of it? With `wait` until it has ended: then it is looked for signals meanwhile. */
SnapshotState snapshot_child_look(SnapshotChild *child, bool wait);

/* Let go of one that has ended. */
void snapshot_child_clear(SnapshotChild *child);

#endif
