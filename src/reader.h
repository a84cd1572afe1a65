/* A thread that reads a prompt while the thread of its console goes on. */
#ifndef HOOKING_READER_H
#define HOOKING_READER_H

#include "console.h"

#include <pthread.h>

typedef struct Reader {
    pthread_t thread;
    bool runs;         /* it is to be joined */
    bool abandoned;    /* it may still run, for as long as it likes: neither this nor the console is to be freed */
    Console *console;  /* borrowed */
    int done;          /* a descriptor, borrowed: gets READER_DONE when it is */
    TermStatus status; /* what came of it: as of input_read() */
    PyObject *text;    /* owned or NULL */
    PyObject *error;   /* owned or NULL: the exception, with TERM_ERROR */
} Reader;

#define READER_DONE "r"

/* Read an input of a console whose talk is `beside`, in a new thread: invisible to the threading module, and nobody
 * waits for it at the end of the program. When it is done it writes to `done`. -1 with an OSError. */
int reader_start(Reader *reader, Console *console, int done);

/* Take what was read, from the thread that has started it. As input_read(). */
TermStatus reader_take(Reader *reader, PyObject **text);

/* End it before it is done. What stands in for input() cannot be ended: then it is abandoned. Keeps the exception. */
void reader_stop(Reader *reader);

#endif
