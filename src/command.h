/* Commands of the prompt: one static table, from which `help`, the documentation and the dispatch are made. */
#ifndef HOOKING_COMMAND_H
#define HOOKING_COMMAND_H

#include "console.h"
#include "words.h"

/* What a command takes, for completion. */
typedef enum CommandTakes {
    TAKES_NOTHING,         /* or a number */
    TAKES_EXPRESSION,
    TAKES_EXPRESSION_FILE, /* an expression, unless there was --all; then a file */
    TAKES_FILE,            /* quoted, or with a backslash before each blank. Both: behind the options in `words` */
    TAKES_COMMAND,
    TAKES_NAMES,           /* variables of the frame and of the prompt */
    TAKES_WORDS,           /* those of `words` */
} CommandTakes;

typedef struct Command {
    const char *name;
    const char *alias;   /* other names, separated by blanks; "" for none */
    const char *usage;   /* what follows the name; "" for nothing */
    const char *family;  /* look, change, keep, go on */
    const char *summary; /* one line */
    const char *detail;  /* more, for `help NAME` and the manual; "" for nothing */
    CommandTakes takes;
    const char *words;   /* of TAKES_WORDS, and options before a file: parted by blanks. NULL for none */
    /* `rest`: what was typed after the name. -1 with an exception, which is shown. */
    int (*run)(Console *console, const char *rest);
} Command;

/* The command of that name or alias, or NULL. */
const Command *command_find(const Line *line);

/* All of them, ended by NULL. */
extern const Command *const COMMANDS[];

/* Refuse arguments for a command that takes none: -1 with an exception. */
int command_no_argument(const Command *command, const char *rest);

/* "usage: NAME USAGE" as a ValueError: always -1. */
int command_usage(const Command *command);

/* Show a place of the stack as `where` does, marked if `chosen`; in cmd_walk.c. -1 with an exception. */
int walk_show(Console *console, const StackPlace *place, int chosen);

/* hooking._core.commands(): the table as a list of dicts of str. */
PyObject *command_table(PyObject *module, PyObject *none);

/* In command.c itself. */
extern const Command cmd_help;

/* Each in the file of its family: cmd_walk.c, cmd_exception.c, cmd_look.c, cmd_change.c, cmd_watch.c, cmd_keep.c,
 * cmd_snapshot.c, cmd_restart.c, cmd_go.c. */
extern const Command cmd_where, cmd_up, cmd_down, cmd_frame;
extern const Command cmd_exceptions;
extern const Command cmd_list, cmd_source, cmd_locals, cmd_doc, cmd_pp;
extern const Command cmd_write, cmd_overwrite, cmd_watch, cmd_unwatch;
extern const Command cmd_dump, cmd_load;
extern const Command cmd_snapshot, cmd_diff;
extern const Command cmd_retry, cmd_return, cmd_skip;
extern const Command cmd_continue, cmd_off, cmd_after, cmd_when, cmd_throw, cmd_abort;

extern const Command cmd_mark, cmd_rewind, cmd_commit;

#endif
