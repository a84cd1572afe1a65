/* The types that tracked dicts and modules have meanwhile: they tell of what is read, and are else what they were. */
#ifndef HOOKING_TRACK_HOOK_H
#define HOOKING_TRACK_HOOK_H

#include "tracking.h"

/* Make the types. -1 with an exception. */
int track_hook_init(PyObject *module, Tracking *tracking);

/* Have these globals told of, those of a module (or NULL). What cannot be told is noted in the tracker's limits: the
 * module if it is of a subclass, True if the dict is and no events of instructions make up for it. Runs no Python code.
 * -1 with an exception. */
int track_hook_on(Tracking *tracking, PyObject *globals, PyObject *module, Tracker *tracker);

/* Is it __main__, whose own type has to stay? */
bool track_hook_leaves_alone(PyObject *module);

/* As they were before. */
void track_hook_off(Tracking *tracking, PyObject *globals, PyObject *module);

/* Is it a name that modules have for the interpreter's own use, such as __spec__? */
bool track_hook_is_special(PyObject *name);

/* Is it the import system that reads or writes such a name now? That is no use of the program's. */
bool track_hook_is_import(Tracking *tracking, PyObject *name);

/* That which a dict with such a type belongs to; NULL without an exception for a plain one. */
Tracking *track_hook_tracking(PyObject *dict);

#endif
