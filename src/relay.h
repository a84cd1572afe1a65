/* A process that has handed over to a copy of itself. It waits for the copy, passes on the signals that it gets, stops
 * when the copy stops, and ends as the copy ends. A copy may hand over in its turn, so there may be a chain of them:
 * the last one is the program. No Python here, and nothing of the program's runs in one that waits. */
#ifndef HOOKING_RELAY_H
#define HOOKING_RELAY_H

#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* What a copy says before it ends. It is for the nearest one above that it concerns; the others hand it up. */
typedef enum RelayWord {
    RELAY_NOTHING, /* it has ended like any process */
    RELAY_LEFT,    /* an isolated prompt was left: the one that was isolated goes on. Data: isolate.c's */
    RELAY_REWIND,  /* back to a mark. Data: its name */
} RelayWord;

enum { RELAY_ROOM = 1 << 20 }; /* bytes of data; pages that are not touched cost nothing */

/* Memory that a process shares with its copy: no descriptor, which a program that closes all of them would close. */
typedef struct RelayPage {
    sem_t go;                     /* the copy begins when the original is ready for what may come */
    sem_t heard;                  /* of a commit */
    volatile sig_atomic_t word;
    volatile sig_atomic_t commits; /* how many isolated prompts above have been committed from below */
    volatile sig_atomic_t final;  /* nobody will go back on that: there is no mark in between */
    long inputs;                  /* with a word: how many of those that are written down wait yet, see script.h */
    size_t size;
    char data[RELAY_ROOM];
} RelayPage;

typedef enum RelayKind {
    RELAY_ISOLATES, /* it goes on when the prompt of the copy is left, unless that commits */
    RELAY_MARKS,    /* it is kept to be copied again */
} RelayKind;

typedef struct Relay {
    RelayPage *page; /* owned, by both sides */
    RelayKind kind;
    pid_t copy;
    int commits;     /* those that it knows of */
    int base;        /* commits that this process itself had handed up when it began to wait */
    sigset_t mask;   /* the program's, to be given back */
    void (*committed)(void *context); /* or NULL; called once, when it is clear that it does not go on any more */
    void *context;
} Relay;

/* -1 with errno. */
int relay_open(Relay *relay, RelayKind kind);
void relay_close(Relay *relay);

/* In the copy, first of all: whom it reports to. Until the other side is in relay_wait() it does not return. */
void relay_begin_copy(const Relay *relay, pid_t original);

/* The page shared with the process that waits for this one, or NULL if none does. It is of this process only: what the
 * program forks is its own affair. */
RelayPage *relay_up(void);

/* Wait for the end of the copy: its wait status. All signals must be blocked, relay->mask is what is to be blocked
 * afterwards. Signals that came for a program that now goes on are then pending. */
int relay_wait(Relay *relay);

/* A copy has ended that the program is not to hear of: with all signals blocked, let none be under way about it. */
void relay_forget_child(void);

/* Hand up what the copy has said, or its end. Does not return. */
void relay_end(const Relay *relay, int status) __attribute__((noreturn));

/* Tell the one above that its isolated prompt is committed. */
void relay_commit(void);

/* End this process, and say so to the one above: `data` has been written to its page. Does not return. */
void relay_leave(RelayWord word) __attribute__((noreturn));

#endif
