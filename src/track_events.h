/* What instructions tell of globals, by events of sys.monitoring (3.12 on): which names there are, what the types of
 * dicts cannot see, and when a tracker's functions run. */
#ifndef HOOKING_TRACK_EVENTS_H
#define HOOKING_TRACK_EVENTS_H

#include "tracking.h"

/* Take a place there; tracking->monitoring says whether there was one. -1 with an exception. */
int track_events_start(Tracking *tracking);

/* Ask for what the trackers that are there need. -1 with an exception. */
int track_events_ask(Tracking *tracking);

/* Have, or no more have, a tracker's functions tell that they run. -1 with an exception. */
int track_events_functions(Tracking *tracking, Tracker *tracker, bool on);

/* Give the place back. */
void track_events_stop(Tracking *tracking);

#endif
