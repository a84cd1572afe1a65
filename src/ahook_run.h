/* The course of an ahook(), from the first step of the task that awaits it to its end. */
#ifndef HOOKING_AHOOK_RUN_H
#define HOOKING_AHOOK_RUN_H

#include "console.h"
#include "hook.h"
#include "reader.h"
#include "turn.h"

typedef enum AhookPhase {
    AHOOK_IDLE,   /* nothing is to be opened: may be awaited as often as one likes */
    AHOOK_NEW,
    AHOOK_QUEUES, /* for its turn */
    AHOOK_READS,
    AHOOK_AWAITS, /* a coroutine of the prompt's */
    AHOOK_OVER,
} AhookPhase;

typedef struct Ahook {
    PyObject_HEAD
    ModuleState *state; /* borrowed */
    AhookPhase phase;
    bool is_stepping;
    HookCall call;
    PyObject *place;    /* owned: where it was called, "file:line" */
    PyObject *banner;   /* owned */
    PyObject *logger;   /* owned: its name */
    int overwrite, once;
    PyObject *loop;     /* owned or NULL */
    PyObject *task;     /* owned or NULL */
    PyObject *future;   /* owned, while it reads: done when the reader is */
    PyObject *waited;   /* owned, while it queues or reads: the iterator that the task is to wait for */
    TurnWaiter waiter;
    bool has_turn;
    bool is_open;       /* `console` is, and to be closed */
    Console console;
    Reader reader;
    bool is_watched;    /* the loop watches `pipe` */
    int pipe[2];        /* while it is watched: the reader is done, or Ctrl-C has come */
    pid_t pid;          /* while it is watched: of the process that does so */
    int cancels;        /* how often Ctrl-C has asked the task to cancel itself */
    long cancelling;    /* how often others had, when the coroutine that is awaited began */
} Ahook;

/* One step of the task, as PyIter_Send(); `sent` is NULL to throw the exception that is set. */
PySendResult ahook_run_step(Ahook *self, PyObject *sent, PyObject **yielded);

/* It is over, however it has come to that. Keeps the exception. */
void ahook_run_end(Ahook *self);

#endif
