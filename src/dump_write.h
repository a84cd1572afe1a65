/* Pickling an object into a file that is a dump: its stream, its buffers, and what stands behind them. */
#ifndef HOOKING_DUMP_WRITE_H
#define HOOKING_DUMP_WRITE_H

#include "compat.h"

#include "dump_trailer.h"

/* Somebody who is told now and then, with the GIL, how much was written and how much is known to be left. -1 with an
 * exception stops it. */
typedef struct DumpProgress {
    int (*tell)(void *context, uint64_t written, uint64_t left);
    void *context;
} DumpProgress;

/* Pickle `object` with a pickler of that type (called as pickle.Pickler is), into the file `path` leads to, which is
 * replaced when all is written. Large buffers that the dump at the path `share` (or NULL) has already are shared with
 * it where the file system can. `trailer` comes with the facts and is completed. `progress` may be NULL. -1 with an
 * exception: whatever pickling raises, OSError, KeyboardInterrupt; then the old file is as it was. */
int dump_write(PyObject *object, PyObject *pickler, PyObject *path, PyObject *share, DumpTrailer *trailer,
               const DumpProgress *progress);

#endif
