/* Where a console talks with its user: a terminal, or what stands in for input() in a notebook. */
#ifndef HOOKING_TALK_H
#define HOOKING_TALK_H

#include "compat.h"

#include "interrupt.h"
#include "term.h"

enum { TALK_STREAMS = 2, TALK_PROMPTS = 2 };

typedef struct Talk {
    int has_term;                      /* else input() and sys.stdout */
    int alone;                         /* nobody is there to be asked: sys.stdout only */
    int is_main;                       /* in the main thread */
    Term term;
    PyObject *own[TALK_STREAMS];       /* owned: sys.stdout, stderr on the terminal, made when needed */
    PyObject *host[TALK_STREAMS];      /* owned: the program's, while replaced */
    PyObject *within[TALK_STREAMS];    /* owned: the program's, if the console is within a write to it */
    int entered;                       /* see talk_enter() */
    int beside;                        /* the prompt reads in another thread: see talk_begin() */
    PyObject *prompts[TALK_PROMPTS];   /* owned: str, of the first line and of the others */
    Interrupt interrupt;               /* Ctrl-C, while entered */
} Talk;

/* Who is to be talked with. */
typedef enum TalkWith {
    TALK_USER,     /* somebody, else there is no console */
    TALK_ANYBODY,  /* what is to be typed is known, so there need not be anybody */
    TALK_NOBODY,   /* even if there is a terminal */
} TalkWith;

/* Find a place to talk. 1 when there is one; 0 when not, and *why says so; -1 with an exception. */
int talk_open(Talk *talk, int is_main, TalkWith with, const char **why);
void talk_close(Talk *talk);

/* Ask for a block, or where there is no terminal, or a plain one, for a line: a new str in *text. As term_read(). It is
 * left, see below, for as long as it waits, and then entered, if that can be. */
TermStatus talk_read(Talk *talk, PyObject *prompt, PyObject *more, const TermClient *client, PyObject **text);

/* Its parts, for a prompt that reads in another thread while this one goes on. talk_begin() and talk_end() are for the
 * thread that the console is in; in between it is left. talk_ask() is for the other one, as often as needed; `further`:
 * for a further line of an input. */
void talk_begin(Talk *talk, PyObject *prompt, PyObject *more);
TermStatus talk_ask(Talk *talk, int further, const TermClient *client, PyObject **text);
TermStatus talk_end(Talk *talk, TermStatus status, PyObject **text);

/* While a coroutine of the prompt's waits, and the event loop goes on: left, and Ctrl-C is a byte written to `fd`. */
void talk_pass(Talk *talk, int fd);

/* What is read is looked at: a Ctrl-C before that was not about it. */
void talk_look(void);

/* Show text. -1 with an exception. */
int talk_write(Talk *talk, PyObject *text);

/* Text in the encoding of the terminal; what it has no bytes for is escaped. New references, NULL with an exception. */
PyObject *talk_encode(PyObject *text);
PyObject *talk_decode(const char *bytes, size_t size);

/* Does the user want colours here? */
int talk_has_colours(const Talk *talk);

/* Is that stream (borrowed, may be NULL) on the terminal of this console? */
int talk_is_stream_here(const Talk *talk, PyObject *stream);

int talk_columns(const Talk *talk);
int talk_rows(const Talk *talk);

/* Around all that is done at the prompt but reading: sys.stdout and stderr are the terminal if they are not already
 * (sys.stdin stays what the program reads), and Ctrl-C raises KeyboardInterrupt whatever the program does with it.
 * Entering again does nothing. -1 with an exception. */
int talk_enter(Talk *talk);
void talk_leave(Talk *talk);

#endif
