/* What is told of snapshots, on stderr. */
#ifndef HOOKING_CHECKPOINT_SAY_H
#define HOOKING_CHECKPOINT_SAY_H

#include "checkpoint_run.h"

/* A line, of a file (str) or NULL. Past sys.stderr, which is the program's, and may be a log. */
void checkpoint_say(PyObject *file, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The exception that is set, as text, and not set any more. */
void checkpoint_describe(char *text, size_t size);

/* A snapshot is on the disk. What was left out from the last one, too, has been said. */
void checkpoint_say_saved(Checkpoint *self, PyObject *file, const SnapshotNote *note);

#endif
