/* Units, see units.h. */
#include "units.h"

#include <stdio.h>

void
units_size(uint64_t bytes, char text[UNITS_ROOM])
{
    static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
    double size = (double)bytes / 1000;
    int unit = 0;
    if (bytes < 1000) {
        snprintf(text, UNITS_ROOM, bytes == 1 ? "%d byte" : "%d bytes", (int)bytes);
        return;
    }
    while (size >= 999.5) { /* which would be shown as 1000 */
        size /= 1000;
        unit++;
    }
    snprintf(text, UNITS_ROOM, size < 9.95 ? "%.1f %s" : "%.0f %s", size, units[unit]);
}

void
units_time(double seconds, char text[UNITS_ROOM])
{
    enum { MINUTE = 60, HOUR = 3600, FEW = 2 };
    double whole = seconds < 1 ? 1 : seconds;
    whole = whole > 1e6 ? 1e6 : whole;
    if (whole < FEW * MINUTE) {
        snprintf(text, UNITS_ROOM, "%.0f s", whole);
    }
    else if (whole < FEW * HOUR) {
        snprintf(text, UNITS_ROOM, "%.0f min", whole / MINUTE);
    }
    else {
        snprintf(text, UNITS_ROOM, "%.0f h", whole / HOUR);
    }
}
