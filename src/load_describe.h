/* What a pickle would do, in lines for whoever has to decide. No Python here. */
#ifndef HOOKING_LOAD_DESCRIBE_H
#define HOOKING_LOAD_DESCRIBE_H

#include "buffer.h"
#include "pickle_scan.h"

/* Append a line for each name that is not known to be harmless: "\n  import and call os.system (byte 17)". What is
 * there to run things comes first, what well-known libraries make their objects with last, in one line. */
void load_describe(const PickleScan *scan, Buffer *text);

#endif
