/* The folder of a program's snapshots: making it, naming files in it, removing them. */
#ifndef HOOKING_CHECKPOINT_FILES_H
#define HOOKING_CHECKPOINT_FILES_H

#include "checkpoint_run.h"

/* Its path: a new str, NULL with an exception. */
PyObject *checkpoint_files_folder(const Checkpoint *self);

/* Make the folder, if it is not there. -1 with an OSError: it cannot be written to. */
int checkpoint_files_find_folder(Checkpoint *self);

/* The file for the next snapshot of that name, numbered: a new str, NULL with an exception. */
PyObject *checkpoint_files_next(Checkpoint *self, PyObject *name);

/* Remove those that the rules do not keep. */
void checkpoint_files_prune(const Checkpoint *self);

/* Remove what a copy that was killed had written of its file. */
void checkpoint_files_sweep(const Checkpoint *self);

#endif
