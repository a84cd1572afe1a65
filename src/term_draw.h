/* Showing the block that is edited: what readline calls for its redisplay. For the files of the terminal alone. */
#ifndef HOOKING_TERM_DRAW_H
#define HOOKING_TERM_DRAW_H

#include "lexer.h"
#include "term.h"

/* A block begins. `more`: the prompt of its further lines. */
void term_draw_begin(const Term *term, const TermClient *client, const char *more);

/* Nothing is drawn from here on. Waits until nobody writes above the block. */
void term_draw_end(void);

/* The same in a forked child, where whoever was writing is not there any more. */
void term_draw_forked(void);

/* For rl_redisplay_function. Draws nothing while more keys wait to be read, as in a paste. */
void term_draw(void);

/* Draw in any case, with the cursor behind the text and nothing marked; the terminal's cursor goes below the block. To
 * be called before what ends the line. */
void term_draw_finish(void);

/* Take the block off the screen, and draw it anew where the cursor is then. */
void term_draw_hide(void);
void term_draw_again(void);

/* The same when others have had the terminal, and the cursor may be anywhere. */
void term_draw_anew(void);

/* Something else is to be printed below the block, which then begins anew below it. */
void term_draw_leave(void);

/* The terminal has another size. */
void term_draw_resize(void);

/* Clear the screen; `all`: what has scrolled away, too. */
void term_draw_clear(bool all);

/* Somebody else writes above the block, from any thread, or where one will be: between these two nothing is drawn. See
 * term_give_way(). */
char *term_draw_give_way(void);
void term_draw_take_place(const char *partial);

/* Has term_draw_take_place() been called since the block was drawn? */
bool term_draw_is_due(void);

/* The tokens of rl_line_buffer as it is now. */
const Tokens *term_draw_tokens(void);

#endif
