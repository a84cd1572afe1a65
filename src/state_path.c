/* The place of what outlives a session, see state_path.h. */
#include "state_path.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* .local, state and hooking at most */
enum { STATE_PATH_MADE = 3 };

/* ---- where it is ---- */

static char *
state_path_join(const char *folder, const char *rest, const char *name)
{
    size_t length = strlen(folder);
    while (length > 0 && folder[length - 1] == '/') {
        length--;
    }
    size_t room = length + strlen(rest) + strlen(name) + 1;
    char *path = malloc(room);
    if (path != NULL) {
        snprintf(path, room, "%.*s%s%s", (int)length, folder, rest, name);
    }
    return path;
}

char *
state_path_find(const char *name)
{
    static const char in_home[] = "/.local/state/hooking/";
    enum { RECORD = 16384 }; /* bytes of a user's record, more than any has */
    const char *state = getenv("XDG_STATE_HOME");
    if (state != NULL && state[0] == '/') {
        return state_path_join(state, "/hooking/", name);
    }
    const char *home = getenv("HOME");
    if (home != NULL && home[0] == '/') {
        return state_path_join(home, in_home, name);
    }
    char *path = NULL;
    char *record = malloc(RECORD);
    struct passwd user, *found = NULL;
    if (record != NULL && getpwuid_r(getuid(), &user, record, RECORD, &found) == 0 && found != NULL
        && found->pw_dir != NULL && found->pw_dir[0] == '/') {
        path = state_path_join(found->pw_dir, in_home, name);
    }
    free(record);
    return path;
}

/* ---- folders ---- */

/* Cut the last component off. False when there is none. */
static bool
state_path_cut(char *path)
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
state_path_make(const char *folder)
{
    if (mkdir(folder, 0700) == 0) {
        chmod(folder, 0700); /* whatever the program's umask is */
        return true;
    }
    return errno == EEXIST;
}

static bool
state_path_make_above(const char *path, int levels)
{
    char *folder = strdup(path);
    bool made = false;
    if (folder == NULL || !state_path_cut(folder)) {
        errno = folder == NULL ? ENOMEM : ENOENT;
    }
    else {
        made = state_path_make(folder)
               || (errno == ENOENT && levels > 1 && state_path_make_above(folder, levels - 1)
                   && state_path_make(folder));
    }
    int error = errno;
    free(folder);
    errno = error;
    return made;
}

bool
state_path_make_folders(const char *path)
{
    return state_path_make_above(path, STATE_PATH_MADE);
}

const char *
state_path_refuses(const char *path)
{
    char *folder = strdup(path);
    struct stat found;
    int error = folder == NULL ? ENOMEM : ENOENT;
    for (int level = 0; error == ENOENT && level <= STATE_PATH_MADE && state_path_cut(folder); level++) {
        error = stat(folder, &found) < 0 || faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) < 0 ? errno : 0;
    }
    free(folder);
    if (error == 0 && geteuid() == 0 && found.st_uid != 0) {
        return "root makes no file in another user's folder"; /* who could then use neither */
    }
    return error == 0 ? NULL : strerror(error);
}
