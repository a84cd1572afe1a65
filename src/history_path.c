/* The place of the history's file, see history_path.h. */
#include "history_path.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* .local, state and hooking at most */
enum { HISTORY_PATH_MADE = 3 };

/* ---- where it is ---- */

static char *
history_path_join(const char *folder, const char *rest)
{
    size_t length = strlen(folder);
    while (length > 0 && folder[length - 1] == '/') {
        length--;
    }
    char *path = malloc(length + strlen(rest) + 1);
    if (path != NULL) {
        memcpy(path, folder, length);
        strcpy(path + length, rest);
    }
    return path;
}

char *
history_path_find(void)
{
    static const char in_home[] = "/.local/state/hooking/history";
    enum { RECORD = 16384 }; /* bytes of a user's record, more than any has */
    const char *state = getenv("XDG_STATE_HOME");
    if (state != NULL && state[0] == '/') {
        return history_path_join(state, "/hooking/history");
    }
    const char *home = getenv("HOME");
    if (home != NULL && home[0] == '/') {
        return history_path_join(home, in_home);
    }
    char *path = NULL;
    char *record = malloc(RECORD);
    struct passwd user, *found = NULL;
    if (record != NULL && getpwuid_r(getuid(), &user, record, RECORD, &found) == 0 && found != NULL
        && found->pw_dir != NULL && found->pw_dir[0] == '/') {
        path = history_path_join(found->pw_dir, in_home);
    }
    free(record);
    return path;
}

/* ---- folders ---- */

/* Cut the last component off. False when there is none. */
static bool
history_path_cut(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash == NULL || slash[1] == '\0') {
        return false;
    }
    slash[slash == path] = '\0'; /* of /x the root stays */
    return true;
}

/* Make a folder. That it is there is as good: another session may have been faster. */
static bool
history_path_make(const char *folder)
{
    if (mkdir(folder, 0700) == 0) {
        chmod(folder, 0700); /* whatever the program's umask is */
        return true;
    }
    return errno == EEXIST;
}

static bool
history_path_make_above(const char *path, int levels)
{
    char *folder = strdup(path);
    bool made = false;
    if (folder == NULL || !history_path_cut(folder)) {
        errno = folder == NULL ? ENOMEM : ENOENT;
    }
    else {
        made = history_path_make(folder)
               || (errno == ENOENT && levels > 1 && history_path_make_above(folder, levels - 1)
                   && history_path_make(folder));
    }
    int error = errno;
    free(folder);
    errno = error;
    return made;
}

bool
history_path_make_folders(const char *path)
{
    return history_path_make_above(path, HISTORY_PATH_MADE);
}

const char *
history_path_refuses(const char *path)
{
    char *folder = strdup(path);
    struct stat found;
    int error = folder == NULL ? ENOMEM : ENOENT;
    for (int level = 0; error == ENOENT && level <= HISTORY_PATH_MADE && history_path_cut(folder); level++) {
        error = stat(folder, &found) < 0 || faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) < 0 ? errno : 0;
    }
    free(folder);
    if (error == 0 && geteuid() == 0 && found.st_uid != 0) {
        return "root makes no file in another user's folder"; /* who could then use neither */
    }
    return error == 0 ? NULL : strerror(error);
}
