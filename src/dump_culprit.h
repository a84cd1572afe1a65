/* Which part of an object is the one that cannot be pickled. */
#ifndef HOOKING_DUMP_CULPRIT_H
#define HOOKING_DUMP_CULPRIT_H

#include "compat.h"

/* Pickling `object` has failed, and the exception that says why is set. `make_pickler`: called with a file object
 * that has a method write(), returns a pickler as the one that has failed. Finds the part that it failed at, and
 * sets an exception of the same kind, with the first as its cause, whose message begins with the way from `name`
 * (str, or NULL for an object without one) to it: "model.cfg['callbacks'][3]: a lambda cannot be pickled (...)".
 * KeyboardInterrupt and what is no Exception stay as they are. Always -1. */
int dump_culprit_explain(PyObject *object, PyObject *name, PyObject *make_pickler);

#endif
