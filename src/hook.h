/* hook(): the entry. Its options, whether it opens, what it logs. */
#ifndef HOOKING_HOOK_H
#define HOOKING_HOOK_H

#include "state.h"

/* The method table entries of hook() and set_trace(). */
extern PyMethodDef hook_methods[];

/* Prepare what the parsing of arguments needs. -1 with an exception. */
int hook_init(ModuleState *state);

/* The entry of the place where a frame calls hook(), made if there is none. NULL with an exception. */
CallSite *hook_site_of(ModuleState *state, PyObject *frame);

/* Free what call sites hold. */
void hook_clear(ModuleState *state);

#endif
