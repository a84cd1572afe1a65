/* `rescue`: a decorator and a context manager. */
#ifndef HOOKING_RESCUE_H
#define HOOKING_RESCUE_H

#include "state.h"

/* Make its type, and add it to the module. -1 with an exception. */
int rescue_init(PyObject *module, ModuleState *state);

#endif
