/* Folders of snapshots, see snapshot_folder.h. */
#include "snapshot_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
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

/* How many there are, and the name of the oldest. */
static int
folder_look(DIR *files, char oldest[sizeof(((struct dirent *)0)->d_name)])
{
    int count = 0;
    long lowest = 0;
    rewinddir(files);
    for (struct dirent *file; (file = readdir(files)) != NULL;) {
        long number = folder_number(file->d_name);
        count += number > 0;
        if (number > 0 && (lowest == 0 || number < lowest)) {
            lowest = number;
            strcpy(oldest, file->d_name);
        }
    }
    return count;
}

void
snapshot_folder_prune(const char *folder, int keep)
{
    char oldest[sizeof(((struct dirent *)0)->d_name)];
    DIR *files = opendir(folder);
    while (files != NULL && folder_look(files, oldest) > keep && unlinkat(dirfd(files), oldest, 0) == 0) {
        /* the next one */
    }
    if (files != NULL) {
        closedir(files);
    }
}
