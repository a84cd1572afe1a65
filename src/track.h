/* Tracker: counts what is done to the globals of modules. The face that Python sees of it is track_globals(). */
#ifndef HOOKING_TRACK_H
#define HOOKING_TRACK_H

#include "state.h"

/* Make the type `hooking._core.Tracker`. -1 with an exception. */
int track_init(PyObject *module, ModuleState *state);

/* For the garbage collector: what the state owns. */
int track_visit(ModuleState *state, visitproc visit, void *arg);

/* The interpreter ends: give all objects their own types back. */
void track_clear(ModuleState *state);

/* Nothing is of these types any more. */
void track_free(ModuleState *state);

#endif
