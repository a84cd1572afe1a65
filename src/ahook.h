/* ahook(): a console in a coroutine, while its event loop goes on. */
#ifndef HOOKING_AHOOK_H
#define HOOKING_AHOOK_H

#include "state.h"

/* The method table entry of ahook(). */
extern PyMethodDef ahook_methods[];

/* Make the type of what it returns. -1 with an exception. */
int ahook_init(PyObject *module, ModuleState *state);

#endif
