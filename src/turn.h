/* Threads take turns: one console at a time in a process. */
#ifndef HOOKING_TURN_H
#define HOOKING_TURN_H

#include "compat.h"

/* Wait for this thread's turn, and tell the one whose turn it is that the hook() in `frame` waits. -1 with an
 * exception (Ctrl-C). A thread that has the turn may take it again, for a console within a console. */
int turn_take(PyObject *frame);
void turn_give(void);

/* In a child of fork() whose thread goes on where the parent's had the turn: it has it here. */
void turn_adopt(void);

/* Is this the main thread? If not, *name is its name, a new reference; else NULL. */
int turn_is_main_thread(PyObject **name);

#endif
