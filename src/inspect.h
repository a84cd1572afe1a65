/* inspect_dump(): what is in a file, without unpickling it. */
#ifndef HOOKING_INSPECT_H
#define HOOKING_INSPECT_H

#include "state.h"

/* hooking.inspect_dump(path, *, verify=True) */
PyObject *inspect_door(PyObject *module, PyObject *args, PyObject *named);

#endif
