/* Commands about copies of the process: commit. */
#include "command.h"

#include <string.h>
#include <unistd.h>

#include "fork.h"
#include "isolate.h"

static const char FORCE[] = "--force";

static int
commit_run(Console *console, const char *rest)
{
    static const ForkAsk ask = {"commit", "commit --force"};
    bool force = strcmp(rest, FORCE) == 0;
    if (!force && *rest != '\0') {
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
