/* A terminal, read with GNU readline. Bound to the descriptors that it is given. */
#ifndef HOOKING_TERM_H
#define HOOKING_TERM_H

#include <stdio.h>
#include <termios.h>

#include "history.h"

typedef enum TermStatus {
    TERM_ERROR = -1,  /* an exception is set */
    TERM_LINE,        /* a line was read */
    TERM_EOF,         /* Ctrl-D on an empty line, or the terminal is gone */
    TERM_INTERRUPTED, /* Ctrl-C */
} TermStatus;

typedef struct Term {
    FILE *in;  /* owned, with a descriptor of its own */
    FILE *out; /* owned, likewise */
    struct termios found; /* if it was unfit for a prompt and was changed: as it was */
    int changed;
} Term;

/* Take a terminal by copies of the descriptors. -1 with an OSError. */
int term_open(Term *term, int in, int out);
void term_close(Term *term);

/* Is the program, or this thread, reading with readline at this moment? (Another thread's prompt is not meant: its
 * turn will end.) */
int term_is_busy(void);

/* Read a line. Before it returns, readline, its history, the signal handlers and the terminal are the host's
 * again, to the last variable. The GIL is held by the caller and released while waiting. *line is malloc'ed.
 * `is_main`: this is the main thread, whose signal handlers and input hook (GUI loops) are run meanwhile. */
TermStatus term_read(Term *term, const char *prompt, const History *history, int is_main, char **line);

/* Write bytes now. Errors are passed over: the terminal may be gone. */
void term_write(Term *term, const char *bytes, size_t size);

/* Columns and rows; 80 and 24 when the terminal does not tell. */
void term_size(const Term *term, int *columns, int *rows);

/* Show a line above the prompt that another thread is reading at, or above the next one. Needs the GIL. */
void term_notify(const char *text);

#endif
