/* Digests with wide registers, see digest_wide.h. In a file of its own, for all in it is compiled for them. */
#include "digest_wide.h"

#if defined __x86_64__ && defined __GNUC__ && !defined __clang__

#pragma GCC target("avx2")
#define XXH_INLINE_ALL
#include <xxhash.h>

bool
digest_wide_is_there(void)
{
    return __builtin_cpu_supports("avx2") != 0;
}

void
digest_wide_update(void *state, const void *bytes, size_t size)
{
    XXH3_128bits_update(state, bytes, size);
}

#else

bool
digest_wide_is_there(void)
{
    return false;
}

void
digest_wide_update(void *state, const void *bytes, size_t size)
{
    (void)state;
    (void)bytes;
    (void)size;
}

#endif
