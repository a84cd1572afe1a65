/* A step of readline, see term_step.h.
 *
 * A key without a function, or Ctrl-G, is left by a jump to _rl_top_level. rl_callback_read_char() puts itself there,
 * then its readline_internal_char(), which returns and stays there. That is all for a key that was typed. But what was
 * pushed back, or a macro, is read in a loop within one call, and a key that is not dispatched by
 * readline_internal_char(), as one behind a numeric argument is not, jumps to where that is no more: readline 8.2
 * crashes then. So the jump's aim is made ours when a key is done, which is when the line is drawn.
 */
#include "compat.h"

#include "term_step.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <readline/readline.h>

#include "term_draw.h"

/* Not declared in readline's headers. */
extern sigjmp_buf _rl_top_level __attribute__((weak));
extern int _rl_pushed_input_available(void) __attribute__((weak));

enum { ABORTED = 1, /* readline's own */ ENDED };

static struct {
    bool active;
    sigjmp_buf top; /* while active */
} self;

void
term_step(void)
{
    int end = sigsetjmp(self.top, 0);
    self.active = end == 0;
    if (end == 0) {
        rl_callback_read_char();
        self.active = false;
    }
    else if (end == ABORTED) {
        term_draw(); /* as readline does when it jumps */
    }
}

bool
term_step_is_due(void)
{
    return &_rl_pushed_input_available != NULL && _rl_pushed_input_available() != 0;
}

void
term_step_leave(void)
{
    if (self.active && term_step_is_due()) {
        siglongjmp(self.top, ENDED);
    }
}

void
term_step_give_up(void)
{
    if (self.active) {
        siglongjmp(self.top, ENDED);
    }
}

void
term_step_redisplay(void)
{
    if (self.active && &_rl_top_level != NULL) {
        memcpy(&_rl_top_level, &self.top, sizeof self.top);
    }
    term_draw();
}
