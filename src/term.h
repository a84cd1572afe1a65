/* A terminal, read with GNU readline. Bound to the descriptors that it is given. */
#ifndef HOOKING_TERM_H
#define HOOKING_TERM_H

#include <stdio.h>
#include <termios.h>

#include <stdbool.h>

#include "complete.h"
#include "history.h"

typedef enum TermStatus {
    TERM_ERROR = -1,  /* an exception is set */
    TERM_LINE,        /* a line was read */
    TERM_EOF,         /* Ctrl-D on an empty line, or the terminal is gone */
    TERM_INTERRUPTED, /* Ctrl-C */
    TERM_DROPPED,     /* Ctrl-D in a block that is not finished */
    TERM_ENDED,       /* term_end() was called */
} TermStatus;

typedef struct Term {
    FILE *in;  /* owned, with a descriptor of its own */
    FILE *out; /* owned, likewise */
    struct termios found; /* if it was unfit for a prompt and was changed: as it was */
    int changed;
    bool plain; /* readline draws by itself, a line at a time; known from the first reading on */
    bool ended; /* term_end() was called */
} Term;

/* What an editor of blocks has to ask of those who know Python. Called with the GIL, without an exception set, and they
 * leave none. */
typedef struct TermClient {
    void *context;
    bool (*is_done)(void *context, const char *text); /* can it be run as it is? */
    bool (*is_command)(void *context, const char *word);
    void (*complete)(void *context, const char *text, size_t point, bool ignore_case, Completion *completion);
    const History *(*history)(void *context); /* asked when the first key comes that may need it */
} TermClient;

/* Take a terminal by copies of the descriptors. -1 with an OSError. */
int term_open(Term *term, int in, int out);
void term_close(Term *term);

/* Is the program, or this thread, reading with readline at this moment? (Another thread's prompt is not meant: its
 * turn will end.) */
int term_is_busy(void);

/* Read a block; in plain mode, a line. `prompt` stands before its first line, `more` before the others. Before it
 * returns, readline, its history, the signal handlers and the terminal are the host's again, to the last variable. The
 * GIL is held by the caller and released while waiting. *text is malloc'ed.
 * `is_main`: this is the main thread, whose signal handlers and input hook (GUI loops) are run meanwhile. */
TermStatus term_read(Term *term, const char *prompt, const char *more, const TermClient *client, int is_main,
                     char **text);

/* End the reading that another thread is at, or is about to begin: from now on this terminal gives TERM_ENDED. Needs
 * the GIL. */
void term_end(Term *term);

/* Write bytes now. Errors are passed over: the terminal may be gone. */
void term_write(const Term *term, const char *bytes, size_t size);

/* Columns and rows; 80 and 24 when the terminal does not tell. */
void term_size(const Term *term, int *columns, int *rows);

/* Show a line above the prompt that another thread is reading at, or above the next one. Needs the GIL. */
void term_notify(const char *text);

/* Is a block being read, by whichever thread? */
bool term_is_reading(void);

/* Whoever wants to write to that terminal does so between these two, from any thread that holds the GIL: the block is
 * taken away, and drawn anew below what was written, which must end with a line end; one that is about to appear waits.
 * `partial`: the start of a line that was not written, shown above the block; "" for none. The next one to write is
 * given it, and nobody else: malloc'ed, or NULL for none. */
char *term_give_way(void);
void term_take_place(const char *partial);

#endif
