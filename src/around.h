/* What somebody wants done around consoles: a test runner gives the terminal back, or says why there can be none. */
#ifndef HOOKING_AROUND_H
#define HOOKING_AROUND_H

#include "state.h"

/* The method table entries of _around(), _obstacle() and _take_abort(). */
extern PyMethodDef around_methods[];

/* A console is about to open in a frame. *after is what is to be called when it has closed, owned, or NULL.
 * 1; 0 when it must not open (*why says so); -1 with an exception that is meant to end something, as Ctrl-C. */
int around_enter(ModuleState *state, PyObject *frame, PyObject **after, const char **why);

/* It has closed, or could not be opened. An exception stays. */
void around_leave(PyObject **after);

#endif
