/* XXH3-128 with registers of 32 bytes, where the processor has them: half the time. No Python here. */
#ifndef HOOKING_DIGEST_WIDE_H
#define HOOKING_DIGEST_WIDE_H

#include <stdbool.h>
#include <stddef.h>

bool digest_wide_is_there(void);

/* XXH3_128bits_update(), whose state is the same with all registers. Only where it is there. */
void digest_wide_update(void *state, const void *bytes, size_t size);

#endif
