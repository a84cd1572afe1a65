/* A file in memory: an object with a buffer, which is written to without the file being changed. */
#ifndef HOOKING_LOAD_MAP_H
#define HOOKING_LOAD_MAP_H

#include "state.h"

/* Make the type. -1 with an exception. */
int load_map_init(PyObject *module, ModuleState *state);

/* Map a plain file: a new reference, NULL with OSError, or DumpError when it is empty. */
PyObject *load_map_open(ModuleState *state, PyObject *path);

#endif
