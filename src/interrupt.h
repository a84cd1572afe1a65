/* Ctrl-C while an input of the prompt is dealt with: KeyboardInterrupt there, and nowhere else. */
#ifndef HOOKING_INTERRUPT_H
#define HOOKING_INTERRUPT_H

#include "compat.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

typedef struct Interrupt {
    int taken;
    int is_main;
    int users;               /* a statement has installed a handler: from then on that is obeyed */
    PyObject *handler;       /* owned: the program's handler, in the main thread, while replaced */
    struct sigaction action; /* the program's, in the main thread, with `handler` */
    int wakeup;              /* the program's wakeup descriptor, in the main thread, while kept; -1 for none */
    pid_t pid;               /* that has taken it: a forked child has no watcher, and its pipe is the parent's */
    pthread_t watcher;       /* passes the signal on */
    unsigned long target;    /* to this thread */
    int pipe[2];             /* to the watcher; in the main thread: in the place of the wakeup descriptor */
    int sent;                /* in another thread: how many KeyboardInterrupts the watcher has set there */
    int outer;               /* the descriptor that Ctrl-C in what this console is in is written to, -1 for none */
    int passing;             /* see interrupt_pass() */
    int passed_to;           /* while passing: where a byte is written to */
} Interrupt;

/* Whatever the program does with SIGINT, it interrupts this thread from now on. The first time all fields are zero.
 * -1 with an exception. */
int interrupt_take(Interrupt *interrupt, int is_main);

/* While a prompt reads: SIGINT is the program's, as it was, but for a Ctrl-C typed at this terminal (-1: none). There
 * it is a key; only just before and just after the reading is it a signal, and that is noted. */
void interrupt_rest(Interrupt *interrupt, int terminal);

/* The same while the prompt reads in another thread, for the event loop of this one, and every Ctrl-C typed there is
 * kept from the loop. */
void interrupt_rest_beside(Interrupt *interrupt, int terminal);

/* While a coroutine of the prompt's waits, and the event loop goes on: SIGINT is a byte that is written to `fd`, which
 * does not block, until the next call of one of these functions; so is one that came just before. All else stays as
 * while a statement runs, lest one comes to the program while things are exchanged. It must have been taken. */
void interrupt_pass(Interrupt *interrupt, int fd);

/* Was one noted since interrupt_rest(), or since this was last asked? */
bool interrupt_was_noted(void);

/* As it was, flags too; unless the statement has installed a handler of its own. */
void interrupt_give_back(Interrupt *interrupt);

#endif
