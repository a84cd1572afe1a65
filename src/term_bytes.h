/* The bytes that the terminal sends, one at a time as readline reads them. For the files of the terminal alone. */
#ifndef HOOKING_TERM_BYTES_H
#define HOOKING_TERM_BYTES_H

#include <stdbool.h>

/* A line begins. To be called while the terminal still collects lines, if it does. */
void term_bytes_begin(int fd);

/* The next byte, EOF at the end, TERM_BYTES_NONE when there is none yet: to be waited for. */
enum { TERM_BYTES_NONE = -2 };
int term_bytes_get(int fd);

/* Is one to be read, or read again, that nothing will tell of? */
bool term_bytes_is_due(void);

/* Is there input within so many milliseconds? */
bool term_bytes_has_input(int fd, int milliseconds);

/* Are bytes waiting that were not read yet, as when a text is pasted? */
bool term_bytes_are_waiting(int fd);

#endif
