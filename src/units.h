/* Sizes and times as people read them. No Python here. */
#ifndef HOOKING_UNITS_H
#define HOOKING_UNITS_H

#include <stdint.h>

enum { UNITS_ROOM = 16 };

/* "417 bytes", "1.2 MB", in powers of a thousand, three digits at most before the unit. */
void units_size(uint64_t bytes, char text[UNITS_ROOM]);

/* "4 s", "2 min", "3 h". */
void units_time(double seconds, char text[UNITS_ROOM]);

#endif
