/* Taking snapshots of the program that runs: when, how many at a time, and what is told about them. */
#ifndef HOOKING_CHECKPOINT_RUN_H
#define HOOKING_CHECKPOINT_RUN_H

#include "snapshot_child.h"
#include "snapshot_clock.h"
#include "snapshot_folder.h"
#include "snapshot_lines.h"
#include "state.h"

enum {
    CHECKPOINT_JOBS = 16,  /* the most copies that write at a time */
    CHECKPOINT_NAME = 240, /* bytes of a snapshot's name: NAME_MAX without ".pkl" and a number of up to ten digits */
};

/* A copy that writes a snapshot. */
typedef struct CheckpointJob {
    SnapshotChild child; /* pid 0: there is none */
    PyObject *file;      /* owned: str */
} CheckpointJob;

typedef struct Checkpoint {
    PyObject_HEAD
    double frequency;     /* milliseconds between two snapshots; 0: at each line, -1: only those that are asked for */
    long long least;      /* bytes, see SnapshotWish */
    int jobs;             /* copies at a time */
    SnapshotRules rules;  /* which files stay */
    bool frames, sync, verbose;
    bool is_open;
    bool is_closed;       /* by close(): only entering it opens it again */
    bool is_held;         /* see checkpoint_run_hold() */
    bool is_busy;         /* a snapshot is being taken, or copies are waited for */
    unsigned long thread; /* that does so, while it is busy */
    bool is_taking;       /* one is being gathered, and with `sync` pickled: code of the program's may run */
    bool is_late;         /* one of `late` is being taken */
    bool is_called;       /* a call that takes those is asked for */
    pid_t pid;            /* of the process that is watched: not what it forks */
    PyObject *output_dir; /* owned: str, absolute */
    PyObject *script;     /* owned: str, the folder in there */
    PyObject *globals;    /* owned, or NULL until the first snapshot */
    PyObject *tracked;    /* owned: list */
    PyObject *libraries;  /* owned: list of str */
    PyObject *resumed;    /* owned, or NULL until it is asked for: a dict of what was saved last */
    bool resumes;         /* else that is empty */
    Py_ssize_t given;     /* how many of them nobody has asked for */
    long number;          /* of the last snapshot */
    PyObject *saved;      /* owned, or NULL: the file of the last one that is on the disk */
    struct CheckpointTick *tick; /* NULL until the clock goes; owned, or left to the call that it has asked for */
    struct Checkpoint *next;     /* borrowed: of those that are open, in the module's state */
    PyObject *late;       /* owned, or NULL: a list of (name, file), asked for while another one was being taken */
    char *told;           /* owned, or NULL: what was left out from the last one, in lines */
    double rests;         /* seconds of CLOCK_MONOTONIC: until then the clock's calls take none */
    SnapshotClock clock;
    SnapshotLines lines;
    CheckpointJob running[CHECKPOINT_JOBS];
} Checkpoint;

/* Begin: look at the folder, let the clock go. -1 with an exception: the folder cannot be written to. */
int checkpoint_run_open(Checkpoint *self);

/* Have a snapshot taken of that name (str), when there is room for it. The path that it will have, a new reference;
 * None in a process that the program has forked. NULL with an exception of a signal handler; what else goes wrong is
 * told on stderr, for the program is not to fail by it. */
PyObject *checkpoint_run_take(Checkpoint *self, PyObject *name);

/* Wait until all that was taken is on the disk. -1 with an exception of a signal handler. */
int checkpoint_run_wait(Checkpoint *self);

/* Take none any more, and wait. As above. It may be one that is being deallocated. */
int checkpoint_run_close(Checkpoint *self);

/* The process is about to be copied: the clock stands, and no copy writes, if the Checkpoint is of this process. -1
 * with an exception of a signal handler. Afterwards, in whichever process goes on: it is of that one. -1 with an
 * OSError. */
int checkpoint_run_hold(Checkpoint *self);
int checkpoint_run_go_on(Checkpoint *self);

/* The frequency was set. -1 with an exception: OSError; RuntimeError if lines cannot be watched. */
int checkpoint_run_tune(Checkpoint *self);

#endif
