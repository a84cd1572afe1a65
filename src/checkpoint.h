/* Checkpoint: snapshots of a running program, for the program itself. */
#ifndef HOOKING_CHECKPOINT_H
#define HOOKING_CHECKPOINT_H

#include "state.h"

/* Make the type `hooking.Checkpoint`. -1 with an exception. */
int checkpoint_init(PyObject *module, ModuleState *state);

/* The program of `hooking checkpoint` begins, with these globals: from now on there are snapshots. Does nothing where
 * there is no such command. -1 with an exception. */
int checkpoint_begin(ModuleState *state, PyObject *globals);

/* The process is about to be copied to be gone back to: nothing of hooking's own runs beside the program until
 * checkpoint_go_on(), which follows in any case; in the process that goes on snapshots are taken again. -1 with an
 * exception. */
int checkpoint_hold(ModuleState *state);
int checkpoint_go_on(ModuleState *state);

/* Take a snapshot of that name (str) with the command's Checkpoint. 1 and the path, a new reference, or None; 0 where
 * there is none; -1 with an exception. */
int checkpoint_take(ModuleState *state, PyObject *name, PyObject **path);

/* _core._set_checkpoint(checkpoint): what Checkpoint.get_global_singleton() gives in the program that runs next. */
extern PyMethodDef checkpoint_methods[];

#endif
