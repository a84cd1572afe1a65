/* What was typed at the prompt, whole blocks: a list of our own, kept apart from the program's history, and its file,
 * which sessions side by side share. No Python here. */
#ifndef HOOKING_HISTORY_H
#define HOOKING_HISTORY_H

#include <stdbool.h>
#include <stddef.h>

#include "history_file.h"

enum { HISTORY_COMPLAINT = 512 }; /* bytes that are enough for one */

/* All zero at first; without history_open() it is of this process alone. */
typedef struct History {
    char **entries; /* owned; oldest first, an entry may have several lines */
    size_t count;
    size_t room;
    size_t own;       /* the last so many were typed in this process */
    size_t unwritten; /* the last so many are not in the file yet */
    char *path;       /* owned or NULL: the file, once history_open() has found it usable */
    bool opened;
    bool loaded;      /* the file has been read */
    bool complained;  /* once is enough */
    char *complaint;  /* owned or NULL: to be shown at the next history_load() */
    HistoryFile file;
} History;

/* Find the file: $XDG_STATE_HOME/hooking/history, else ~/.local/state/hooking/history. Reads nothing yet. What is wrong
 * with it goes to `complaint`, one line, "" when nothing is; the history is then of this process alone. Only the first
 * call does something. */
void history_open(History *history, char *complaint, size_t size);

/* Read what the file holds; later calls read what other sessions have added since. It comes before what this process
 * has kept: entries move, so a place in the list is good until the next call only. Cheap when there is nothing new.
 * Complains as history_open() does, also about what history_keep() could not write. */
void history_load(History *history, char *complaint, size_t size);

/* Keep a copy of an entry, in memory and in the file, unless it is blank, begins with a space, or is the one before
 * again. Beyond HISTORY_LIMIT the oldest goes. What cannot be written now is written with the next one; what is longer
 * than HISTORY_FILE_LONGEST stays in memory. May wait a second, once, for a process that holds the file's lock. False
 * when memory is out. */
bool history_keep(History *history, const char *entry);

/* Another process has gone on in the place of this one, which now takes over again: what was kept there since comes
 * behind what was kept here. */
void history_take_over(History *history);

void history_free(History *history);

#endif
