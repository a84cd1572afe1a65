/* Vi mode in blocks, see term_vi.h. */
#include "compat.h"

#include "term_vi.h"


#include <readline/readline.h>

#include "term_lines.h"

static int
vi_step_back(int at)
{
    do {
        at--;
    } while (((unsigned char)rl_line_buffer[at] & 0xc0) == 0x80);
    return at;
}

void
term_vi_end_of_line(void)
{
    /* Of the last line readline sees to that itself. */
    if (rl_get_keymap() == vi_movement_keymap && rl_point < rl_end && term_lines_start(rl_point) < rl_point) {
        rl_point = vi_step_back(rl_point);
    }
}

static void
vi_kill(int from, int to)
{
    if (from < to) {
        rl_kill_text(from, to);
        rl_point = from;
    }
}

int
term_vi_append_at_end(int Py_UNUSED(count), int key)
{
    rl_point = term_lines_end(rl_point);
    return rl_vi_insert_mode(1, key);
}

int
term_vi_insert_at_start(int Py_UNUSED(count), int key)
{
    rl_point = term_lines_text(rl_point);
    return rl_vi_insert_mode(1, key);
}

int
term_vi_first_print(int Py_UNUSED(count), int Py_UNUSED(key))
{
    rl_point = term_lines_text(rl_point);
    return 0;
}

/* S: the line's text; what it is indented by stays. */
int
term_vi_substitute(int count, int key)
{
    if (key != 'S') {
        return rl_vi_subst(count, key);
    }
    vi_kill(term_lines_text(rl_point), term_lines_end(rl_point));
    return rl_vi_insert_mode(1, key);
}

/* D */
int
term_vi_delete_to(int count, int key)
{
    if (key != 'D') {
        return rl_vi_delete_to(count, key);
    }
    vi_kill(rl_point, term_lines_end(rl_point));
    term_vi_end_of_line();
    return 0;
}

/* C */
int
term_vi_change_to(int count, int key)
{
    if (key != 'C') {
        return rl_vi_change_to(count, key);
    }
    vi_kill(rl_point, term_lines_end(rl_point));
    return rl_vi_insert_mode(1, key);
}
