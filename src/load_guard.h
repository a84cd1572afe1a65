/* An unpickler that says what is missing, and imports no more than it may. */
#ifndef HOOKING_LOAD_GUARD_H
#define HOOKING_LOAD_GUARD_H

#include "state.h"

typedef struct LoadGuard {
    ModuleState *state;  /* borrowed */
    PyObject *path;      /* borrowed: for messages */
    PyObject *modules;   /* borrowed or NULL: a mapping of names of modules to those that take their place */
    PyObject *facts;     /* borrowed or NULL: what the dump tells of itself */
    bool restricted;     /* only what is known to do nothing but construct */
} LoadGuard;

/* Unpickle what a file object has to offer. `buffers`: iterable, or NULL. New reference; NULL with an exception:
 * whatever unpickling raises, UntrustedDump for what it may not import. */
PyObject *load_guard_run(const LoadGuard *guard, PyObject *file, PyObject *buffers);

#endif
