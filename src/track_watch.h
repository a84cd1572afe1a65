/* What dict watchers tell of tracked globals (3.12 on). */
#ifndef HOOKING_TRACK_WATCH_H
#define HOOKING_TRACK_WATCH_H

#include "tracking.h"

/* Begin, where this version has them and other tools leave one: else `watcher` is -1. */
void track_watch_start(Tracking *tracking);
void track_watch_stop(Tracking *tracking);

#endif
