/* What the units of dumps share: a folder of the test's own, and looks into it. */
#ifndef HOOKING_TESTS_DUMP_FOLDER_H
#define HOOKING_TESTS_DUMP_FOLDER_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

static char folder[64];

/* It is the working directory as well: `name` and at("name") are the same file. */
static inline void
make_folder(void)
{
    strcpy(folder, "/tmp/check_dump.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
}

static inline void
remove_folder(void)
{
    char command[256];
    snprintf(command, sizeof command, "chmod -R u+rwx %s && rm -rf %s", folder, folder);
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_int_eq(system(command), 0);
}

/* The path of a name in it; good until the next call. */
static inline const char *
at(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static inline void
put(const char *path, const char *text, unsigned mode)
{
    FILE *file = fopen(path, "w");
    ck_assert_msg(file != NULL, "%s: %s", path, strerror(errno));
    fputs(text, file);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(chmod(path, mode), 0);
}

/* The beginning of what a file holds; good until the next call. */
static inline const char *
content(const char *path)
{
    static char text[4096];
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "%s: %s", path, strerror(errno));
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

static inline struct stat
status_of(const char *path)
{
    struct stat status;
    ck_assert_msg(lstat(path, &status) == 0, "%s: %s", path, strerror(errno));
    return status;
}

static inline unsigned
mode_of(const char *path)
{
    return status_of(path).st_mode & 07777;
}

static inline bool
is_there(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0;
}

static inline int
names_in(const char *path)
{
    int count = -2; /* . and .. */
    DIR *entries = opendir(path);
    ck_assert_msg(entries != NULL, "%s: %s", path, strerror(errno));
    while (readdir(entries) != NULL) {
        count++;
    }
    closedir(entries);
    return count;
}

/* Go on as a user who is not root, to whom the folder belongs; the test's process ends as one. */
static inline void
be_nobody(void)
{
    enum { NOBODY = 65534 };
    if (geteuid() == 0) {
        ck_assert_int_eq(chown(folder, NOBODY, NOBODY), 0);
        ck_assert_int_eq(setegid(NOBODY), 0);
        ck_assert_int_eq(seteuid(NOBODY), 0);
    }
}

/* And root again, if we were. */
static inline void
be_oneself(void)
{
    ck_assert_int_eq(seteuid(getuid()), 0);
    ck_assert_int_eq(setegid(getgid()), 0);
}

/* Wait for a child, which has to succeed. */
static inline void
joined(pid_t child)
{
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child's status is %#x", (unsigned)status);
}

#endif
