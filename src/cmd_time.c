/* Commands about copies of the process: mark, rewind, commit. */
#include "command.h"

#include <string.h>
#include <unistd.h>

#include "fork.h"
#include "isolate.h"
#include "checkpoint.h"
#include "mark.h"

static const char FORCE[] = "--force";

/* ---- mark and rewind ---- */

enum { NAME_LONGEST = 64 };
static const char DEFAULT_NAME[] = "mark"; /* of the mark that is made without one */

/* A word of at most NAME_LONGEST bytes; without one it is the default name. False: there is more than a word. */
static bool
time_name(const char *rest, char name[NAME_LONGEST + 1])
{
    size_t size = strcspn(rest, " \t");
    if (*rest == '\0') {
        rest = DEFAULT_NAME;
        size = strlen(rest);
    }
    if (rest[size] != '\0' || size > NAME_LONGEST || *rest == '-') {
        return false;
    }
    memcpy(name, rest, size);
    name[size] = '\0';
    return true;
}

/* Takes --force from the front. */
static bool
time_is_forced(const char **rest)
{
    size_t size = strlen(FORCE);
    bool is_forced = strncmp(*rest, FORCE, size) == 0 && ((*rest)[size] == ' ' || (*rest)[size] == '\0');
    if (is_forced) {
        *rest += size;
        *rest += strspn(*rest, " \t");
    }
    return is_forced;
}

static int
mark_tell(Console *console, MarkSide side, const char *name)
{
    PyObject *type, *error, *traceback;
    int ret = -1;
    const char *given = strcmp(name, DEFAULT_NAME) == 0 ? "" : name;
    const char *space = *given == '\0' ? "" : " ";
    switch (side) {
    case MARK_FAILED:
        break;
    case MARK_MADE:
        return console_say(console, "marked: \"rewind%s%s\" comes back here (process %ld waits, %ld goes on)", space,
                           given, (long)getppid(), (long)getpid());
    case MARK_BACK:
        return console_say(console, "back at the mark%s%s: files stay as they are now", space, given);
    case MARK_USED:
        PyErr_Fetch(&type, &error, &traceback);
        PyErr_NormalizeException(&type, &error, &traceback);
        ret = console_say(console, "back at the mark%s%s, for the last time: the process cannot be copied again: %S",
                          space, given, error);
        Py_XDECREF(type);
        Py_XDECREF(error);
        Py_XDECREF(traceback);
        break;
    }
    return ret;
}

/* Snapshots are taken again, of the process that goes on. An exception that is set stays. */
static int
mark_go_on(Console *console)
{
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    int ret = checkpoint_go_on(console->state);
    if (type != NULL) {
        PyErr_Restore(type, error, traceback);
        ret = 0; /* mark_tell() has this one tell */
    }
    return ret;
}

static int
mark_run(Console *console, const char *rest)
{
    static const ForkAsk ask = {"not marked", "mark --force"};
    char name[NAME_LONGEST + 1];
    bool is_forced = time_is_forced(&rest);
    if (!time_name(rest, name)) {
        return command_usage(&cmd_mark);
    }
    if (console->stepwise) { /* its copy would share the descriptor that the loop waits at */
        PyErr_SetString(PyExc_ValueError, "not marked: an event loop runs beside this prompt (hook() stops it)");
        return -1;
    }
    MarkSide side = checkpoint_hold(console->state) < 0 ? MARK_FAILED
                                                        : mark_make(console, name, is_forced ? NULL : &ask);
    int ret = mark_go_on(console);
    return ret < 0 ? ret : mark_tell(console, side, name);
}

const Command cmd_mark = {
    .name = "mark", .alias = "", .usage = "[--force] [NAME]", .family = "time",
    .summary = "remember the whole process as it is now",
    .detail = "`rewind` comes back to it, as often as wanted. The process waits with all that it has, and a copy of it "
              "goes on as the program, under a number of its own; signals and the exit status are passed on. Files, "
              "sockets and other processes are not remembered. With other threads or child processes, which the copy "
              "would lack, it is refused but for --force.",
    .run = mark_run,
};

static int
rewind_run(Console *console, const char *rest)
{
    char name[NAME_LONGEST + 1];
    if (!time_name(rest, name)) {
        return command_usage(&cmd_rewind);
    }
    mark_rewind(console, name);
    return -1;
}

const Command cmd_rewind = {
    .name = "rewind", .alias = "", .usage = "[NAME]", .family = "time",
    .summary = "go back to a mark, with the whole process",
    .detail = "All that was done since is gone, but for what was written to files or sent to others. It ends without "
              "any clean-up. Marks that were made since are gone too.",
    .run = rewind_run,
};

/* ---- commit ---- */

static int
commit_run(Console *console, const char *rest)
{
    static const ForkAsk ask = {"commit", "commit --force"};
    bool force = time_is_forced(&rest);
    if (*rest != '\0') {
        return command_usage(&cmd_commit);
    }
    if (isolate_level() == 0) {
        PyErr_SetString(PyExc_ValueError, "nothing to commit: this prompt is not isolated (hook(isolate=True) is)");
        return -1;
    }
    if (isolate_commit(force ? NULL : &ask) < 0) {
        return -1;
    }
    console->left = 1;
    return console_say(console, "committed: process %ld is the program now", (long)getpid());
}

const Command cmd_commit = {
    .name = "commit", .alias = "", .usage = "[--force]", .family = "time",
    .summary = "at an isolated prompt: go on with all changes",
    .detail = "Of hook(isolate=True). The copy of the process goes on as the program, under a number of its own. The "
              "process that it was copied from waits, passes signals on to it, and ends as it does.",
    .run = commit_run,
};
