/* The callable that @rescue makes of a function. */
#ifndef HOOKING_RESCUED_H
#define HOOKING_RESCUED_H

#include "state.h"

typedef struct Rescued {
    PyObject_HEAD
    CompatVectorcall vectorcall; /* must not move: its offset is the type's */
    PyObject *function;   /* owned: what is called */
    PyObject *exceptions; /* owned: a class or a tuple, as for `except` */
    PyObject *spec;       /* owned or NULL: the __spec__ of its module, another one after a reload */
    PyObject *dict;       /* owned or NULL */
    PyObject *weakrefs;
    RescuedKind kind;
} Rescued;

/* Make the types. -1 with an exception. */
int rescued_init(PyObject *module, ModuleState *state);

/* A new reference; NULL with TypeError for what cannot be called. Of a static or class method the function is wrapped,
 * and the result is such a method again. */
PyObject *rescued_new(ModuleState *state, PyObject *function, PyObject *exceptions);

/* Is it one? */
bool rescued_check(const ModuleState *state, PyObject *object);

#endif
