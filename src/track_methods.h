/* The methods of tracked dicts and modules. */
#ifndef HOOKING_TRACK_METHODS_H
#define HOOKING_TRACK_METHODS_H

#include "tracking.h"

/* Give them to the types. -1 with an exception. */
int track_methods_add(const Tracking *tracking);

/* `dict |= other`, of a tracked dict. */
PyObject *track_methods_in_place_or(PyObject *dict, PyObject *other);

#endif
