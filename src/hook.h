/* hook(): the entry. Its options, whether it opens, what it logs. */
#ifndef HOOKING_HOOK_H
#define HOOKING_HOOK_H

#include "state.h"

/* The method table entries of hook() and set_trace(). */
extern PyMethodDef hook_methods[];

/* Prepare what the parsing of arguments needs. -1 with an exception. */
int hook_init(ModuleState *state);

/* Free what call sites hold. */
void hook_clear(ModuleState *state);

#endif
