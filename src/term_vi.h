/* Commands of vi mode that are about a line: readline's own take the whole block for one. For term_keys.c alone. */
#ifndef HOOKING_TERM_VI_H
#define HOOKING_TERM_VI_H

/* In the place of rl_vi_append_eol(), rl_vi_insert_beg(), rl_vi_first_print(), rl_vi_subst(), rl_vi_delete_to() and
 * rl_vi_change_to(). */
int term_vi_append_at_end(int count, int key);
int term_vi_insert_at_start(int count, int key);
int term_vi_first_print(int count, int key);
int term_vi_substitute(int count, int key);
int term_vi_delete_to(int count, int key);
int term_vi_change_to(int count, int key);

/* The cursor was put at the end of its line: in command mode it stands on the last character, not behind it. */
void term_vi_end_of_line(void);

#endif
