/* Threads take turns: one console at a time in a process. */
#ifndef HOOKING_TURN_H
#define HOOKING_TURN_H

#include "compat.h"

#include <stdbool.h>

/* Wait for this thread's turn, and tell the one whose turn it is what waits, in which frame: "hook()". -1 with an
 * exception (Ctrl-C). A thread that has the turn may take it again, for a console within a console. */
int turn_take(const char *what, PyObject *frame);
void turn_give(void);

/* In a child of fork() whose thread goes on where the parent's had the turn: it has it here. */
void turn_adopt(void);
/* A coroutine that waits, which must not block its thread. All zero at first. */
typedef struct TurnWaiter {
    struct TurnWaiter *next;
    bool waits;
} TurnWaiter;

/* Is it this coroutine's turn? 1, and it has it; 0 when it is to ask again later, and not before those that have asked
 * before; -1 with an exception. The one whose turn it is is told once that the ahook() at `place` waits. `task`, an
 * identity, may take its turn again. `who`: its name, or NULL. turn_give() ends the turn, turn_forget() the waiting. */
int turn_try(TurnWaiter *waiter, const void *task, PyObject *who, PyObject *place);
void turn_forget(TurnWaiter *waiter);

/* The prompt of the one whose turn it is reads in another thread. Is it a prompt of this thread's? */
void turn_set_reading(bool reading);
bool turn_is_reading(void);

/* Is this the main thread? If not, *name is its name, a new reference; else NULL. */
int turn_is_main_thread(PyObject **name);

#endif
