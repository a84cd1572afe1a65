/* A file that is written anew as a whole or not at all. No Python here.
 *
 * What is written goes to a temporary file in the same folder, which takes the place of the old one when it is safely
 * on the disk. Whoever is killed before that leaves the old file as it was, and a temporary one that the next to write
 * the same file removes. */
#ifndef HOOKING_DUMP_FILE_H
#define HOOKING_DUMP_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

typedef struct DumpFile {
    int fd;               /* of the temporary file, which is locked; -1: there is none */
    int folder;           /* that it lies in; -1 for none */
    char *target;         /* owned: the name that it will have, in `folder` */
    char *temporary;      /* owned: the name that it has, in `folder`; NULL once that is over */
    struct stat replaced; /* what was found in its place; st_mode 0: nothing */
    mode_t mode;          /* that it will have */
    int error;            /* errno of what has failed, 0 for nothing */
    const char *failed;   /* what that was, where strerror() does not say; else NULL */
} DumpFile;

/* Begin to write the file that `path` leads to: a symbolic link stays one. What open() would not write to is refused
 * here: a write-protected file, a folder; and what is not a plain file. False when that cannot be, with `error` and
 * perhaps `failed`. dump_file_end() in every case. */
bool dump_file_begin(DumpFile *file, const char *path);

/* All of the bytes. False as above. */
bool dump_file_write(DumpFile *file, const void *bytes, size_t size);

/* All is written: make it safe on the disk, which may take its time. False as above. */
bool dump_file_save(DumpFile *file);

/* Then let it take the place. False as above: then the old one is there; or the new one, but a power failure may undo
 * that, and `failed` says so. */
bool dump_file_commit(DumpFile *file);

/* Remove all temporary files in a folder whose writers were killed: for folders whose files get new names each time. */
void dump_file_sweep(const char *folder);

/* Let go of everything; what was not committed is as if it had never been. */
void dump_file_end(DumpFile *file);

#endif
