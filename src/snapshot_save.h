/* Writing a snapshot: a dump, and a line about it in the folder's list. */
#ifndef HOOKING_SNAPSHOT_SAVE_H
#define HOOKING_SNAPSHOT_SAVE_H

#include <stdbool.h>

#include "compat.h"

#include "snapshot_child.h"

typedef struct SnapshotJob {
    PyObject *objects; /* borrowed: a dict, by name */
    PyObject *small;   /* borrowed: a list of str, the names that were left alone for the size of their objects */
    PyObject *place;   /* borrowed: the frame that the program is in, or NULL */
    PyObject *name;    /* borrowed: str, what it is called */
    PyObject *script;  /* borrowed: str, of the program */
    PyObject *folder;  /* borrowed: str, where the file is to be; made if it is not there */
    PyObject *file;    /* borrowed: str, its name there */
    bool is_copy;      /* of the process: no exception there is of a signal handler, all are of the program's objects */
    PyObject *before;  /* borrowed: str, the name of the last one that was saved, or NULL */
} SnapshotJob;

/* The name of the list in the folder: a line of JSON for each snapshot that was written, at the end of which a crash
 * may have left a part of one. */
#define SNAPSHOT_LIST "snapshots.jsonl"

/* Write it. What cannot be pickled is left out, and said so in the note; so is that the list cannot be written, without
 * which the file is a snapshot all the same. -1 with an exception: it is not saved. `note->pause` is waited for if it
 * is not there yet. */
int snapshot_save(const SnapshotJob *job, SnapshotNote *note);

#endif
