/* Taking readline over from the program and giving it back, to the last variable. For term.c alone. */
#ifndef HOOKING_TERM_STATE_H
#define HOOKING_TERM_STATE_H

#include <stdio.h>

#include <readline/readline.h>

/* From here on readline, its keymaps and its history are ours, and the history is empty. `set_up` is called once in the
 * life of the process, in our own state, to install functions and keys. */
void term_state_take(void (*set_up)(void));

/* To be called when a line has been begun, by which readline has set the locale. */
void term_state_begun(void);

/* They are the program's again. What we had is kept for the next time. */
void term_state_give_back(void);

/* The same without keeping ours: in a forked child, where it was in the middle of something. */
void term_state_abandon(void);

/* Is the program reading with readline at this moment? (Not to be asked while it is ours.) */
int term_state_is_hosts(void);

/* For `set_up`: bind a key in the maps that text is typed with, emacs and vi; a key sequence that starts with Escape in
 * those of emacs and of vi's insertion, unless the user has bound it; put a function in the place
 * of one of readline's wherever that is bound. */
void term_state_bind(int key, rl_command_func_t *function);
void term_state_bind_sequence(const char *sequence, rl_command_func_t *function);
void term_state_replace(rl_command_func_t *readline, rl_command_func_t *function);

/* The same for what is bound to single keys where text is typed: at any time. */
void term_state_replace_keys(rl_command_func_t *readline, rl_command_func_t *function);

#endif
