/* Output of the program while a prompt waits: sys.stdout and sys.stderr write above the block that is edited. */
#ifndef HOOKING_STREAMS_H
#define HOOKING_STREAMS_H

#include "compat.h"

enum { STREAMS_MOST = 4 };

typedef struct Streams {
    PyObject *taken[STREAMS_MOST]; /* owned: streams whose write() is ours */
    int count;
} Streams;

/* Take the write() of the streams that are on this terminal, sys.stdout and its like, and give it back. No exception is
 * set afterwards. Logging holds such a stream, too; what bypasses write() (C code, child processes) is not noticed. */
void streams_take(Streams *streams, int terminal);
void streams_give_back(Streams *streams);

/* The terminal that a stream is on by its own account, -1 for none. Asks the program's object, whose faults are passed
 * over. */
int streams_terminal_of(PyObject *stream);

/* Is the stream on that terminal? */
int streams_is_on(PyObject *stream, int terminal);

#endif
