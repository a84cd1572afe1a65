/* The stack as the console walks it: a frame and its callers, or the frames of a traceback and their callers. */
#ifndef HOOKING_STACK_H
#define HOOKING_STACK_H

#include "compat.h"

/* A place on it. Level 0 is the frame that called hook(), or the one that raised; larger levels are the callers. */
typedef struct StackPlace {
    PyObject *frame; /* owned */
    int line;        /* where the frame stands, or where an exception left it; 0 when it has none */
    long level;
} StackPlace;

typedef struct Stack {
    PyObject *frame;      /* owned: level 0 */
    PyObject **entries;   /* owned, each too: those of the traceback, innermost first; NULL without a traceback */
    long count;           /* of entries */
    PyObject *ended;      /* owned or NULL: a frame that has ended and does not know who called it */
    PyObject *caller;     /* owned, with it: who did */
    int alone;            /* without the callers of the outermost entry; 0 until somebody sets it */
} Stack;

/* Start at `frame`; with a traceback (else NULL) at its innermost entry, and `frame` is not looked at. -1 with an
 * exception; stack_close() in every case. */
int stack_open(Stack *stack, PyObject *frame, PyObject *traceback);
void stack_close(Stack *stack);

/* Of a traceback that was just opened: `caller` has called the frame of its outermost entry, which has ended. 3.11
 * forgets who called a generator or a coroutine. -1 with an exception. stack_inherit(): another one may lead to the
 * same frame. */
int stack_set_caller(Stack *stack, PyObject *caller);
void stack_inherit(Stack *stack, const Stack *from);

/* Take it from where it is: there is nothing left to close. */
Stack stack_move(Stack *stack);
/* For the garbage collector. */
int stack_visit(const Stack *stack, visitproc visit, void *arg);

/* Level 0. stack_leave() lets go of a place; it may be all zero. */
void stack_start(const Stack *stack, StackPlace *place);
void stack_leave(StackPlace *place);

/* Go to the caller. 1 when there, 0 when there is none (the place stays), -1 with an exception. */
int stack_up(const Stack *stack, StackPlace *place);

/* Go to a level. 1 when there, 0 when the stack is not that deep (the place stays; *deepest tells how far it goes),
 * -1 with an exception. */
int stack_go(const Stack *stack, long level, StackPlace *place, long *deepest);

#endif
