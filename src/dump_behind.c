/* Writing in a thread of its own, see dump_behind.h. */
#include "dump_behind.h"

#include <signal.h>

static void *
behind_run(void *argument)
{
    DumpBehind *behind = argument;
    pthread_mutex_lock(&behind->lock);
    for (;;) {
        while (behind->size == 0 && !behind->over) {
            pthread_cond_wait(&behind->changed, &behind->lock);
        }
        if (behind->size == 0) {
            break;
        }
        pthread_mutex_unlock(&behind->lock);
        bool written = dump_file_write(behind->file, behind->bytes, behind->size);
        pthread_mutex_lock(&behind->lock);
        behind->failed |= !written;
        behind->size = 0;
        pthread_cond_signal(&behind->changed);
    }
    pthread_mutex_unlock(&behind->lock);
    return NULL;
}

bool
dump_behind_begin(DumpBehind *behind, DumpFile *file)
{
    sigset_t all, old;
    *behind = (DumpBehind){.file = file};
    pthread_mutex_init(&behind->lock, NULL);
    pthread_cond_init(&behind->changed, NULL);
    sigfillset(&all); /* signals are for the program's threads */
    pthread_sigmask(SIG_SETMASK, &all, &old);
    bool begun = pthread_create(&behind->thread, NULL, behind_run, behind) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (!begun) {
        pthread_cond_destroy(&behind->changed);
        pthread_mutex_destroy(&behind->lock);
    }
    return begun;
}

bool
dump_behind_write(DumpBehind *behind, const void *bytes, size_t size)
{
    pthread_mutex_lock(&behind->lock);
    while (behind->size > 0) {
        pthread_cond_wait(&behind->changed, &behind->lock);
    }
    bool failed = behind->failed;
    if (!failed) {
        behind->bytes = bytes;
        behind->size = size;
        pthread_cond_signal(&behind->changed);
    }
    pthread_mutex_unlock(&behind->lock);
    return !failed;
}

bool
dump_behind_end(DumpBehind *behind)
{
    pthread_mutex_lock(&behind->lock);
    behind->over = true;
    pthread_cond_signal(&behind->changed);
    pthread_mutex_unlock(&behind->lock);
    pthread_join(behind->thread, NULL); /* which writes what it has before it ends */
    pthread_cond_destroy(&behind->changed);
    pthread_mutex_destroy(&behind->lock);
    return !behind->failed;
}
