/* Ctrl-C while a statement of the prompt runs: KeyboardInterrupt in that statement, and nowhere else. */
#ifndef HOOKING_INTERRUPT_H
#define HOOKING_INTERRUPT_H

#include "compat.h"

#include <pthread.h>
#include <signal.h>

typedef struct Interrupt {
    int taken;
    int is_main;
    int users;               /* a statement has installed a handler: from then on that is obeyed */
    PyObject *handler;       /* owned: the program's handler, in the main thread, while replaced */
    struct sigaction action; /* the program's */
    int wakeup;              /* the program's wakeup descriptor, in the main thread, while kept; -1 for none */
    pthread_t watcher;       /* in another thread: passes the signal on */
    unsigned long target;    /* to this thread */
    int pipe[2];             /* to the watcher; in the main thread: in the place of the wakeup descriptor */
} Interrupt;

/* Whatever the program does with SIGINT, it interrupts this thread from now on. The first time all fields are zero.
 * -1 with an exception. */
int interrupt_take(Interrupt *interrupt, int is_main);

/* As it was, flags too; unless the statement has installed a handler of its own. */
void interrupt_give_back(Interrupt *interrupt);

#endif
