/* A pickler that writes nowhere, and whose hooks can be set on the instance. */
#ifndef HOOKING_DUMP_PICKLER_H
#define HOOKING_DUMP_PICKLER_H

#include "compat.h"

enum { DUMP_PICKLER_PROTOCOL = 5 };

/* What `make_pickler` makes for a file that keeps nothing. The C Pickler itself has no room for hooks, and 3.13.0 does
 * not let persistent_id be set on it: in its place comes one of a subclass. New reference. */
PyObject *dump_pickler_make(PyObject *make_pickler);

/* Set both hooks. -1 with an exception. */
int dump_pickler_hook(PyObject *pickler, PyObject *persistent_id, PyObject *reducer_override);

/* An attribute; *value, a new reference, is NULL when there is none. -1 with an exception. */
int dump_pickler_attribute(PyObject *object, const char *name, PyObject **value);

#endif
