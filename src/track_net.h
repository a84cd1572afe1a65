/* What has changed in globals between two moments: all that can be known of writes where there are no dict watchers. */
#ifndef HOOKING_TRACK_NET_H
#define HOOKING_TRACK_NET_H

#include "tracking.h"

/* Remember what these globals are now. -1 with an exception. */
int track_net_take(Tracker *tracker, PyObject *globals);

/* Count what has changed since, but for names that were told of otherwise, as written or deleted once. */
void track_net_tell(Tracker *tracker);

#endif
