/* Writing to a dump's file in a thread of its own, while what comes next is prepared. No Python here. */
#ifndef HOOKING_DUMP_BEHIND_H
#define HOOKING_DUMP_BEHIND_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "dump_file.h"

typedef struct DumpBehind {
    DumpFile *file;          /* borrowed; the thread's alone from dump_behind_begin() to dump_behind_end() */
    pthread_t thread;
    pthread_mutex_t lock;    /* of all below */
    pthread_cond_t changed;
    const void *bytes;       /* borrowed: to be written, `size` of them */
    size_t size;             /* 0: the thread has nothing to do */
    bool over;               /* there will be no more */
    bool failed;
} DumpBehind;

/* False when no thread can be had; then there is nothing to end. */
bool dump_behind_begin(DumpBehind *behind, DumpFile *file);

/* Wait until what was given before is written, and give this, which must stay as it is until the next of these calls.
 * False when writing has failed; file->error says why after dump_behind_end(). */
bool dump_behind_write(DumpBehind *behind, const void *bytes, size_t size);

/* Wait until all is written, and end the thread. False as above. */
bool dump_behind_end(DumpBehind *behind);

#endif
