/* Folders of snapshots, see snapshot_folder.h. */
#include "snapshot_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The number in a file's name, 0 if it is no snapshot's: the temporary file of one that is being written, too. */
static long
folder_number(const char *file)
{
    static const char end[] = ".pkl";
    char *rest;
    size_t length = strlen(file);
    long number = file[0] >= '0' && file[0] <= '9' ? strtol(file, &rest, 10) : 0;
    return number > 0 && *rest == '-' && length >= sizeof end && strcmp(file + length - (sizeof end - 1), end) == 0
               ? number
               : 0;
}

long
snapshot_folder_highest(const char *folder)
{
    long highest = 0;
    DIR *files = opendir(folder);
    for (struct dirent *file; files != NULL && (file = readdir(files)) != NULL;) {
        long number = folder_number(file->d_name);
        highest = number > highest ? number : highest;
    }
    if (files != NULL) {
        closedir(files);
    }
    return highest;
}

/* What there is. */
typedef struct FolderState {
    int count, spare;    /* snapshots; those that `keep` counts */
    long long size;      /* bytes, of all */
    long oldest, oldest_spare;
    char oldest_name[sizeof(((struct dirent *)0)->d_name)];
    char oldest_spare_name[sizeof(((struct dirent *)0)->d_name)];
} FolderState;

static FolderState
folder_look(DIR *files, const SnapshotRules *rules)
{
    FolderState state = {0};
    rewinddir(files);
    for (struct dirent *file; (file = readdir(files)) != NULL;) {
        struct stat found;
        long number = folder_number(file->d_name);
        if (number == 0 || fstatat(dirfd(files), file->d_name, &found, 0) < 0) {
            continue;
        }
        bool is_spare = rules->keep_every == 0 || number % rules->keep_every != 0;
        state.count++;
        state.spare += is_spare;
        state.size += found.st_size;
        if (state.oldest == 0 || number < state.oldest) {
            state.oldest = number;
            strcpy(state.oldest_name, file->d_name);
        }
        if (is_spare && (state.oldest_spare == 0 || number < state.oldest_spare)) {
            state.oldest_spare = number;
            strcpy(state.oldest_spare_name, file->d_name);
        }
    }
    return state;
}

/* The name of what is to go next, NULL if the rules hold. */
static const char *
folder_choose(const FolderState *state, const SnapshotRules *rules)
{
    return state->count < 2                                               ? NULL
           : rules->keep > 0 && state->spare > rules->keep                ? state->oldest_spare_name
           : rules->max_size > 0 && state->size > rules->max_size        ? state->oldest_name
                                                                          : NULL;
}

void
snapshot_folder_prune(const char *folder, const SnapshotRules *rules)
{
    DIR *files = opendir(folder);
    bool removed = files != NULL;
    while (removed) {
        FolderState state = folder_look(files, rules);
        const char *name = folder_choose(&state, rules);
        removed = name != NULL && unlinkat(dirfd(files), name, 0) == 0;
    }
    if (files != NULL) {
        closedir(files);
    }
}
