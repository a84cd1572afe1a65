/* Taking readline over from the program and giving it back, to the last variable. For term.c alone. */
#ifndef HOOKING_TERM_STATE_H
#define HOOKING_TERM_STATE_H

#include <stdbool.h>
#include <stdio.h>

#include <readline/readline.h>

/* Before term_state_take(): false while another thread of the program reads with readline, or is about to. From here on
 * such threads wait, until readline is given back. */
bool term_state_claim(void);

/* From here on readline, its keymaps and its history are ours, and the history is empty. `set_up` is called once in the
 * life of the process, in our own state, to install functions and keys. */
void term_state_take(void (*set_up)(void));

/* To be called when a line has been begun, by which readline has set the locale. */
void term_state_begun(void);

/* They are the program's again. What we had is kept for the next time. */
void term_state_give_back(void);

/* The same without keeping ours: in a forked child, where it was in the middle of something. */
void term_state_abandon(void);

/* In every forked child: the program's threads that were reading have not come along. */
void term_state_forked(void);

/* Is the program reading with readline at this moment? (Not to be asked while it is ours.) */
int term_state_is_hosts(void);

/* For `set_up`: bind a key in the maps that text is typed with, emacs and vi; a key sequence that starts with Escape in
 * those of emacs and of vi's insertion, unless the user has bound it; there too a key that inserts itself so far. */
void term_state_bind(int key, rl_command_func_t *function);
void term_state_bind_sequence(const char *sequence, rl_command_func_t *function);
void term_state_bind_inserting(int key, rl_command_func_t *function);

/* Put functions in the place of readline's, wherever those are bound: for `set_up`. The other does so for what is bound
 * to single keys where text is typed: at any time. */
typedef struct TermReplacement {
    rl_command_func_t *readline, *function;
} TermReplacement;
void term_state_replace(const TermReplacement *list, size_t count);
void term_state_replace_keys(const TermReplacement *list, size_t count);

#endif
