/* Where the files are that outlive a session, and the folders above them. No Python here. */
#ifndef HOOKING_STATE_PATH_H
#define HOOKING_STATE_PATH_H

#include <stdbool.h>

/* $XDG_STATE_HOME/hooking/NAME if that is absolute, else ~/.local/state/hooking/NAME. malloc'ed; NULL when the user has
 * no home, or memory is out. */
char *state_path_find(const char *name);

/* Make the folders that a file lies in, if they are not there, for the user alone. No more than are ours or the XDG
 * specification's: a home that is missing stays so. False with errno. */
bool state_path_make_folders(const char *path);

/* Could they and a file be made? NULL, or the reason why not, for a message. */
const char *state_path_refuses(const char *path);

#endif
