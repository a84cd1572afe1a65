/* The file of the history, one entry a line, which sessions side by side share. No Python here.
 *
 * A visit is history_file_enter(), then reading what is new, then appending, then history_file_leave(). A lock is held
 * meanwhile, and the file stays open no longer than that: a child of fork() shares nothing with its parent.
 * Where something is wrong, *why is the reason, for a message. */
#ifndef HOOKING_HISTORY_FILE_H
#define HOOKING_HISTORY_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

#include "buffer.h"

enum {
    HISTORY_LIMIT = 10000,            /* entries in memory, and in the file after it was shortened */
    HISTORY_FILE_READ = 4 << 20,      /* bytes: of a longer file only the end is read */
    HISTORY_FILE_LONGEST = 512 << 10, /* bytes: a longer line is not written */
    HISTORY_FILE_MARK = 32,           /* bytes by which a file is known again */
};

typedef enum HistoryLock {
    HISTORY_LOCK_HELD,
    HISTORY_LOCK_NONE, /* there are no locks here, as on some network file systems */
    HISTORY_LOCK_BUSY, /* another process did not let go of it */
} HistoryLock;

typedef enum HistoryRead {
    HISTORY_READ_DONE,
    HISTORY_READ_FAILED,  /* this time */
    HISTORY_READ_FOREIGN, /* it is no history */
} HistoryRead;

/* What a process knows of the file. All zero at first. */
typedef struct HistoryFile {
    dev_t device;
    ino_t inode;
    struct timespec changed;      /* when it last was, when it was read: the numbers are used again */
    off_t seen;                   /* so much of it has been read */
    char mark[HISTORY_FILE_MARK]; /* the last bytes of that */
    size_t lines;                 /* in what has been read */
    bool impatient;               /* the lock was waited for in vain: no more waiting */
    bool unshortened;             /* it cannot be shortened */
    /* during a visit: */
    int fd;
    HistoryLock lock;
    bool appended;
} HistoryFile;

/* Is it fit, or could it be made? Makes it private. NULL, or the reason. */
const char *history_file_check(const char *path);

/* Has nothing happened to it since it was read? At the price of one stat(). */
bool history_file_is_same(const HistoryFile *file, const char *path);

/* Open and lock it. `append`: it is made if it is missing. False when it cannot be had, *why is NULL when there just
 * is none. */
bool history_file_enter(HistoryFile *file, const char *path, bool append, const char **why);

/* Add the lines to `text` that were not read before; *anew: it is another file than before, or was shortened, and
 * these are all. */
HistoryRead history_file_read(HistoryFile *file, Buffer *text, bool *anew, const char **why);

/* Append an entry, as a whole or not at all. What was read is up to date. */
bool history_file_append(HistoryFile *file, const char *entry, const char **why);

/* After appending it is shortened if it has become too long. */
void history_file_leave(HistoryFile *file, const char *path);

#endif
