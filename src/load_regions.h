/* Do the regions of a dump stand where its pickle has them? No Python here.
 *
 * What is scanned is the pickle as any unpickler reads it; what is loaded is the pickle with each region replaced.
 * Whoever makes up the regions could make these two different programs. */
#ifndef HOOKING_LOAD_REGIONS_H
#define HOOKING_LOAD_REGIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dump_trailer.h"

/* `bytes`: of the file, up to `end`, the pickle's. False when a region is not what dump() writes for one, with *offset
 * where. */
bool load_regions_fit(const unsigned char *bytes, size_t end, const DumpRegion *regions, size_t count,
                      uint64_t *offset);

#endif
