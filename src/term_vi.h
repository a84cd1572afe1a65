/* Commands of vi mode that are about a line: readline's own take the whole block for one. For term_keys.c alone. */
#ifndef HOOKING_TERM_VI_H
#define HOOKING_TERM_VI_H

/* Put ours in the place of readline's, once. */
void term_vi_bind(void);

/* The cursor was put at the end of its line: in command mode it stands on the last character, not behind it. */
void term_vi_end_of_line(void);

#endif
