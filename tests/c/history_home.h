/* What the units of the history share: a home of the test's own, and looks into it. */
#ifndef HOOKING_TESTS_HISTORY_HOME_H
#define HOOKING_TESTS_HISTORY_HOME_H

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "history.h"
#include "unit.h"

static History history;
static char home[64], folder[96], path[128], complaint[HISTORY_COMPLAINT];

static inline void
make_home(void)
{
    history = (History){0};
    strcpy(home, "/tmp/check_history.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(home));
    snprintf(folder, sizeof folder, "%s/hooking", home);
    snprintf(path, sizeof path, "%s/history", folder);
    setenv("XDG_STATE_HOME", home, 1);
    setenv("HOME", home, 1);
}

static inline int
remove_one(const char *name, const struct stat *status, int kind, struct FTW *ftw)
{
    (void)status, (void)kind, (void)ftw;
    return remove(name);
}

static inline void
remove_home(void)
{
    history_free(&history);
    nftw(home, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* ---- the file ---- */

static inline void
put_bytes(const char *bytes, size_t size)
{
    mkdir(folder, 0700);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
}

static inline void
put(const char *text)
{
    put_bytes(text, strlen(text));
}

/* So many lines "old 0", "old 1"... */
static inline void
put_old(int lines)
{
    mkdir(folder, 0700);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    for (int i = 0; i < lines; i++) {
        fprintf(file, "old %d\n", i);
    }
    fclose(file);
}

/* The beginning of what the file holds; good until the next call. */
static inline const char *
content(void)
{
    static char text[1 << 16];
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "%s: %s", path, strerror(errno));
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

static inline size_t
lines_in_file(void)
{
    size_t lines = 0;
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    for (int c; (c = getc(file)) != EOF;) {
        lines += c == '\n';
    }
    fclose(file);
    return lines;
}

static inline struct stat
status_of(const char *name)
{
    struct stat status;
    ck_assert_msg(lstat(name, &status) == 0, "%s: %s", name, strerror(errno));
    return status;
}

static inline unsigned
mode_of(const char *name)
{
    return status_of(name).st_mode & 07777;
}

static inline int
names_in(const char *name)
{
    int count = -2; /* . and .. */
    DIR *dir = opendir(name);
    ck_assert_ptr_nonnull(dir);
    while (readdir(dir) != NULL) {
        count++;
    }
    closedir(dir);
    return count;
}

/* ---- sessions ---- */

/* A session that finds nothing wrong. */
static inline void
begin(History *session)
{
    history_open(session, complaint, sizeof complaint);
    ck_assert_str_eq(complaint, "");
    ck_assert_str_eq(session->path, path);
}

static inline void
load(History *session)
{
    history_load(session, complaint, sizeof complaint);
    ck_assert_str_eq(complaint, "");
}

/* Are these its entries, each behind a bar? */
static inline void
holds(const History *session, const char *want)
{
    char text[4096] = "";
    for (size_t i = 0; i < session->count; i++) {
        ck_assert_uint_lt(strlen(text) + strlen(session->entries[i]) + 2, sizeof text);
        strcat(strcat(text, i == 0 ? "" : "|"), session->entries[i]);
    }
    ck_assert_str_eq(text, want);
}

/* What a later session finds. */
static inline void
others_find(const char *want)
{
    History other = {0};
    begin(&other);
    load(&other);
    holds(&other, want);
    history_free(&other);
}

/* Wait for a child, which has to succeed. */
static inline void
joined(pid_t child)
{
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child's status is %#x", (unsigned)status);
}

static inline double
seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

#endif
