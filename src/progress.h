/* A line that tells how far a long dump has come. */
#ifndef HOOKING_PROGRESS_H
#define HOOKING_PROGRESS_H

#include <time.h>

#include "dump_write.h"
#include "talk.h"

typedef struct Progress {
    Talk *talk; /* borrowed */
    struct timespec begun, told;
    bool shown;
} Progress;

/* Begin. Nothing is shown in the first second, nor where a line could not be taken back. The result tells it. */
DumpProgress progress_begin(Progress *progress, Talk *talk);

/* Take the line off the screen. Any exception that is set stays. */
void progress_end(Progress *progress);

#endif
