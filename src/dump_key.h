/* The user's own key, which dumps are signed with: 32 random bytes in a file that nobody else may read. No Python here.
 */
#ifndef HOOKING_DUMP_KEY_H
#define HOOKING_DUMP_KEY_H

#include <stdbool.h>

enum { DUMP_KEY = 32 };

/* Read it. `make`: if there is none, make one. False when it cannot be had, with the reason in *why, which is NULL when
 * there just is none; *path (malloc'ed, perhaps NULL) is where it was looked for. */
bool dump_key_read(unsigned char key[DUMP_KEY], bool make, char **path, const char **why);

#endif
