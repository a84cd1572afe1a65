/* Folders of snapshots, see snapshot_folder.h. */
#include "snapshot_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
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

/* Lock it, for the moment that others do so. Where files cannot be locked nobody else does so either. */
static bool
folder_lock(int fd)
{
    enum { SLICE = 1000, SLICES = 2000 }; /* microseconds */
    int locked = -1;
    for (int i = 0; i < SLICES && (locked = flock(fd, LOCK_EX | LOCK_NB)) < 0 && errno == EWOULDBLOCK; i++) {
        usleep(SLICE);
    }
    return locked == 0 || errno != EWOULDBLOCK;
}

/* The next number, above `least`, with the file open and locked. */
static long
folder_count(int fd, const char *folder, long least)
{
    enum { ROOM = 24 };
    char text[ROOM] = "";
    long last = pread(fd, text, sizeof text - 1, 0) > 0 ? strtol(text, NULL, 10) : 0;
    if (last <= 0) {
        last = snapshot_folder_highest(folder);
    }
    long number = (last > least ? last : least) + 1;
    int size = snprintf(text, sizeof text, "%018ld\n", number); /* always as long, so one write() replaces it */
    ssize_t written = pwrite(fd, text, (size_t)size, 0);
    if (written != size) {
        errno = written < 0 ? errno : ENOSPC;
        return 0;
    }
    return number;
}

long
snapshot_folder_take_number(const char *folder, long least)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/" SNAPSHOT_FOLDER_LAST, folder) >= (int)sizeof path) {
        errno = ENAMETOOLONG;
        return 0;
    }
    int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
    long number = fd < 0 || !folder_lock(fd) ? 0 : folder_count(fd, folder, least);
    int error = errno;
    if (fd >= 0) {
        close(fd);
    }
    errno = error;
    return number;
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
