/* Inputs that somebody has written down: they are taken as if they were typed, before anybody is asked. */
#ifndef HOOKING_SCRIPT_H
#define HOOKING_SCRIPT_H

#include <stdbool.h>

#include "state.h"

/* Have the next prompts take these, a sequence of str, before those that wait already. -1 with an exception. */
int script_feed(ModuleState *state, PyObject *inputs);

/* Does one wait? */
bool script_has(const ModuleState *state);

/* The next one: a new reference, NULL without an exception when none waits. */
PyObject *script_take(ModuleState *state);

/* How many wait; and let only the last so many wait, as another process has taken those before them. */
Py_ssize_t script_count(const ModuleState *state);
void script_keep(ModuleState *state, Py_ssize_t count);

#endif
