/* Checkpoint: snapshots of a running program, for the program itself. */
#ifndef HOOKING_CHECKPOINT_H
#define HOOKING_CHECKPOINT_H

#include "state.h"

/* Make the type `hooking.Checkpoint`. -1 with an exception. */
int checkpoint_init(PyObject *module, ModuleState *state);

/* The program of `hooking checkpoint` begins, with these globals: from now on there are snapshots. Does nothing where
 * there is no such command. -1 with an exception. */
int checkpoint_begin(ModuleState *state, PyObject *globals);

/* _core._set_checkpoint(checkpoint): what Checkpoint.get_global_singleton() gives in the program that runs next. */
extern PyMethodDef checkpoint_methods[];

#endif
