/* One step of readline, which comes back in good order whatever the key does. For term.c alone. */
#ifndef HOOKING_TERM_STEP_H
#define HOOKING_TERM_STEP_H

#include <stdbool.h>

/* rl_callback_read_char(), which reads a key and what that has pushed back to be read as keys. */
void term_step(void);

/* Is something that was pushed back left for another step, at this line or the next? */
bool term_step_is_due(void);

/* For readline's handler of a line, at its end: readline's loop would go on without a line if more was pushed back.
 * May not return. */
void term_step_leave(void);

/* End the step where it reads a key. Does not return within one. What readline was doing stays half done. */
void term_step_give_up(void);

/* rl_redisplay_function: draws with term_draw(). */
void term_step_redisplay(void);

#endif
