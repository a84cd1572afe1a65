#include "complete_parts.h"
bool
complete_key(Completing *c, uint32_t bracket)
{
    (void)c; (void)bracket;
    return false;
}
