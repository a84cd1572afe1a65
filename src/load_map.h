/* A file in memory: an object with a buffer, which is written to without the file being changed. */
#ifndef HOOKING_LOAD_MAP_H
#define HOOKING_LOAD_MAP_H

#include "state.h"

/* Make the type. -1 with an exception. */
int load_map_init(PyObject *module, ModuleState *state);

/* Map a plain file: a new reference, NULL with OSError, or DumpError when it is empty. */
PyObject *load_map_open(ModuleState *state, PyObject *path);

/* What stands there stays as it is, though others may write to the file: where they may, it is in memory from now on.
 * Nothing for an object of another type. Needs no GIL while the object lives. */
void load_map_keep(const ModuleState *state, PyObject *map, size_t offset, size_t size);

#endif
