/* The keys that edit a block of several lines. For term.c alone. */
#ifndef HOOKING_TERM_KEYS_H
#define HOOKING_TERM_KEYS_H

#include "term.h"

/* Put our functions in the place of readline's, whatever keys the user has bound those to. Once in the life of the
 * process, in our own state of readline. */
void term_keys_bind(void);

/* To be called whenever the terminal has been prepared: readline binds the terminal's own erase and kill keys then. */
void term_keys_rebind(void);

/* A line begins. */
void term_keys_begin(const TermClient *client, bool plain);

/* Could a key be about the history? Those that insert and delete characters, and end the line, are not. */
bool term_keys_may_need_history(int key);

/* Has the line before asked for the entry that follows it in the history? Then it is to be loaded and put here. */
bool term_keys_wants_history(void);
void term_keys_recall(void);

/* How it was ended: by Enter, by Ctrl-C, or by Ctrl-D in a block. */
TermStatus term_keys_status(void);

#endif
