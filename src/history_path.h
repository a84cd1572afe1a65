/* Where the history's file is, and the folders above it. No Python here. */
#ifndef HOOKING_HISTORY_PATH_H
#define HOOKING_HISTORY_PATH_H

#include <stdbool.h>

/* $XDG_STATE_HOME/hooking/history if that is absolute, else ~/.local/state/hooking/history. malloc'ed; NULL when the
 * user has no home, or memory is out. */
char *history_path_find(void);

/* Make the folders that it lies in, if they are not there, for the user alone. No more than are ours or the XDG
 * specification's: a home that is missing stays so. False with errno. */
bool history_path_make_folders(const char *path);

/* Could they and a file be made? NULL, or the reason why not, for a message. */
const char *history_path_refuses(const char *path);

#endif
