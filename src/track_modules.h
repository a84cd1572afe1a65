/* Which modules a tracker is for, those that are there and those that are imported later. */
#ifndef HOOKING_TRACK_MODULES_H
#define HOOKING_TRACK_MODULES_H

#include "tracking.h"

/* All modules that are there and that the tracker is for. -1 with an exception. */
int track_modules_take(Tracking *tracking, Tracker *tracker);

/* These globals alone. Runs no Python code. -1 with an exception. */
int track_modules_attach(Tracking *tracking, Tracker *tracker, PyObject *globals, PyObject *module);

/* A module is put into sys.modules. Runs no Python code and leaves exceptions alone. */
void track_modules_came(Tracking *tracking, PyObject *name, PyObject *module);

/* Have none of them tell the tracker any more. Runs no Python code. */
void track_modules_leave(Tracking *tracking, Tracker *tracker);

/* Drop the references to what nobody tracks any more, all at once: that may run code which uses trackers. */
void track_modules_let_go(Tracking *tracking);

/* Have sys.modules tell of modules that come, and end that. -1 with an exception. */
int track_modules_follow(Tracking *tracking);
void track_modules_follow_no_more(Tracking *tracking);

#endif
