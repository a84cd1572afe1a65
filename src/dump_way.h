/* How one comes from an object to a part of it, in the words of Python: ".cfg['callbacks'][3]". None of the objects'
 * code runs: no property, no __getattr__, no __repr__. */
#ifndef HOOKING_DUMP_WAY_H
#define HOOKING_DUMP_WAY_H

#include "dump_trace.h"

/* The way through the levels of a trace, the root's name before it. At most so many steps, then "…". A new str, or
 * NULL with an exception. */
PyObject *dump_way(const Trace *trace, PyObject *name, size_t steps);

#endif
