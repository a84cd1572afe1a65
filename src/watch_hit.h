/* What is done when a watched value has changed, or was read. */
#ifndef HOOKING_WATCH_HIT_H
#define HOOKING_WATCH_HIT_H

#include "watch.h"

/* Ask the condition, count, and open a console in the running frame, or call what is to be called. The objects are
 * borrowed, NULL: unbound. -1 with the exception that the program is to see. */
int watch_hit(Watch *watch, PyObject *old, PyObject *new, const WatchPlace *place);

/* A value on one line: a new str. */
PyObject *watch_show(PyObject *value);

/* What stands for a variable that has no value: borrowed. */
PyObject *watch_unbound(ModuleState *state);

#endif
