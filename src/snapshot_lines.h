/* What calls a function before each line of one module. For snapshots of every line, which no clock can give: slow, and
 * only where it is asked for. */
#ifndef HOOKING_SNAPSHOT_LINES_H
#define HOOKING_SNAPSHOT_LINES_H

#include <stdbool.h>

#include "monitoring.h"

typedef struct SnapshotLines {
    int (*line)(void *context, int number); /* -1 with an exception, which the program gets */
    void *context;
    PyObject *globals;  /* owned: of the module; NULL while nothing is watched */
    PyObject *callback; /* owned: what the interpreter calls */
    Monitoring monitoring; /* 3.12 on */
} SnapshotLines;

/* Begin, for this thread and those that start from now on. All but `line` and `context` is zero before. -1 with an
 * exception: RuntimeError if other tools leave no place. */
int snapshot_lines_start(SnapshotLines *lines, PyObject *globals);

/* End. Any exception that is set stays. */
void snapshot_lines_stop(SnapshotLines *lines);

#endif
