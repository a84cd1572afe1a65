/* Progress, see progress.h. */
#include "progress.h"

#include <stdio.h>

#include "units.h"

static const double PATIENCE = 1.0, INTERVAL = 0.2; /* seconds */

static double
progress_since(const struct timespec *then, const struct timespec *now)
{
    return (double)(now->tv_sec - then->tv_sec) + (double)(now->tv_nsec - then->tv_nsec) / 1e9;
}

static int
progress_write(Progress *progress, const char *text)
{
    PyObject *string = PyUnicode_FromString(text);
    int ret = string == NULL ? -1 : talk_write(progress->talk, string);
    Py_XDECREF(string);
    return ret;
}

static int
progress_tell(void *context, uint64_t written, uint64_t left)
{
    Progress *progress = context;
    char done[UNITS_ROOM], rate[UNITS_ROOM], rest[UNITS_ROOM], line[96];
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    double elapsed = progress_since(&progress->begun, &now);
    if (elapsed < PATIENCE || (progress->shown && progress_since(&progress->told, &now) < INTERVAL)) {
        return 0;
    }
    double speed = (double)written / elapsed;
    units_size(written, done);
    units_size((uint64_t)speed, rate);
    if (left > 0 && written == 0) {
        units_size(left, rest);
        snprintf(line, sizeof line, "\r%s to be written\033[K", rest);
    }
    else if (left > 0 && speed > 0) { /* of the buffers that are known of: what is still to be pickled is not */
        units_time((double)left / speed, rest);
        snprintf(line, sizeof line, "\r%.0f %%  %s  %s/s  %s left\033[K",
                 100 * (double)written / (double)(written + left), done, rate, rest);
    }
    else {
        snprintf(line, sizeof line, "\r%s  %s/s\033[K", done, rate);
    }
    progress->told = now;
    progress->shown = true;
    return progress_write(progress, line);
}

DumpProgress
progress_begin(Progress *progress, Talk *talk)
{
    *progress = (Progress){.talk = talk};
    clock_gettime(CLOCK_MONOTONIC, &progress->begun);
    bool can = talk->has_term && !talk->term.plain;
    return (DumpProgress){can ? progress_tell : NULL, progress};
}

void
progress_end(Progress *progress)
{
    if (progress->shown) {
        PyObject *type, *value, *traceback;
        PyErr_Fetch(&type, &value, &traceback);
        progress_write(progress, "\r\033[K");
        PyErr_Clear();
        PyErr_Restore(type, value, traceback);
    }
}
