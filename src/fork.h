/* A copy of this process, made with fork(). */
#ifndef HOOKING_FORK_H
#define HOOKING_FORK_H

#include "compat.h"

#include <stdbool.h>
#include <sys/time.h>

#include "relay.h"

typedef enum ForkSide {
    FORK_FAILED = -1, /* with an exception */
    FORK_COPY,
    FORK_ORIGINAL, /* all signals are blocked, and relay_wait() is to be called */
} ForkSide;

enum { FORK_TIMERS = 3 };

/* What a copy is given besides what fork() gives it. All zero at first. */
typedef struct ForkBelongings {
    PyObject *random;                   /* owned or NULL: the state of `random`, which seeds itself anew in a child */
    struct itimerval timers[FORK_TIMERS];
} ForkBelongings;

/* Who asks for a copy, for messages. */
typedef struct ForkAsk {
    const char *what;
    const char *force; /* what to write to have one all the same */
} ForkAsk;

/* Refuse, with an exception, to copy a process with other threads, which the copy would lack. */
int fork_check_threads(const ForkAsk *ask);

/* The same for child processes, which only this process can wait for: `children` are their numbers, "" for none. */
int fork_check_children(const ForkAsk *ask, const char *children);

/* What a copy made now, or later, is to have. */
void fork_pack(ForkBelongings *belongings);
void fork_unpack(ForkBelongings *belongings);

/* This process's timers are the copy's now. */
void fork_stop_timers(void);

/* Write what is buffered for stdout and stderr, by Python and by C. */
void fork_flush(void);

/* Make the copy. What is buffered for stdout and stderr is written before. It is refused if threads are left in this
 * process after the libraries have shut down those that they can start again; but if `ask` is NULL. */
ForkSide fork_copy(Relay *relay, const ForkBelongings *belongings, const ForkAsk *ask);

#endif
