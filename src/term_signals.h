/* Signals while a prompt waits: a resize and a continuation end the waiting, and are passed on to the program's own
 * handlers; what ends the process first puts the terminal right. Everything is reinstalled as it was found. No readline
 * here. */
#ifndef HOOKING_TERM_SIGNALS_H
#define HOOKING_TERM_SIGNALS_H

#include <termios.h>

enum { TERM_RESIZED = 1, TERM_CONTINUED = 2 };

/* Install the handlers. `fd`: the terminal; `cooked`: how to leave it, or NULL when that is not known. */
void term_signals_take(int fd, const struct termios *cooked);

/* Put back those of the program, unless it has installed others meanwhile, in another thread or a signal handler. */
void term_signals_give_back(void);

/* A descriptor that becomes readable when there is something else than a key to look at; -1 for none. What it was:
 * TERM_RESIZED, TERM_CONTINUED, or 0 for a call of term_signals_wake(). */
int term_signals_fd(void);
int term_signals_drain(void);

/* The process is about to be stopped: wait until it is continued. In a thread other than the main one that may be a
 * moment ahead. Not for long, for the program may ignore the signal. */
void term_signals_wait_continued(void);

/* End the waiting, from a handler or another thread. */
void term_signals_wake(void);

/* The process is about to end: if a prompt waits in some thread, leave a terminal that echoes. Does it once.
 * Async-signal-safe. */
void term_signals_leave_for_good(void);

#endif
