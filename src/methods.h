/* An object with methods written in C, for those who expect a file. */
#ifndef HOOKING_METHODS_H
#define HOOKING_METHODS_H

#include "compat.h"

/* An object whose methods are these functions, each with a capsule as its first argument that leads to `context`, until
 * methods_close(). New reference, NULL with an exception. */
PyObject *methods_object(PyMethodDef *methods, size_t count, void *context);

/* In a method: what its object was made for; NULL with ValueError after methods_close(). */
void *methods_context(PyObject *capsule);

/* Somebody may have kept the object: its methods raise ValueError from now on. Any exception that is set stays. NULL is
 * passed over. */
void methods_close(PyObject *object);

#endif
