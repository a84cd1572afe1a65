/* dump(): saving an object in a file, with what is worth knowing about it later. */
#ifndef HOOKING_DUMP_H
#define HOOKING_DUMP_H

#include "compat.h"

#include "dump_write.h"

/* Save an object. `name`: str, what a load without `as` binds it to, or NULL; `expression`: str, or NULL; `frame`:
 * where that is, or NULL; `all`: it is a dict of names, to be bound one by one; `notes`: a dict of str, further facts,
 * or NULL; `share`: the path of an earlier dump, or NULL, see dump_write(). -1 with an exception: OSError;
 * PicklingError and others that say which part cannot be pickled. */
typedef struct DumpRequest {
    PyObject *object, *path, *name, *expression, *frame, *notes, *share; /* borrowed */
    bool all;
    const DumpProgress *progress;
} DumpRequest;
int dump_save(const DumpRequest *request);

/* Can it be pickled? 1, or 0 with *why a new str, -1 with an exception. Nothing is written. */
int dump_try(PyObject *object, PyObject *name, PyObject **why);

/* hooking.dump(obj, path, *, name=None) */
PyObject *dump_door(PyObject *module, PyObject *args, PyObject *named);

#endif
