#include "complete_parts.h"
void
complete_path(Completing *c, const Quote *quote, size_t content)
{
    (void)c; (void)quote; (void)content;
}
void
complete_file(Completing *c, size_t start)
{
    (void)c; (void)start;
}
