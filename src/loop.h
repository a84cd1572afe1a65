/* The event loop that runs, across a fork: asyncio takes it that a child has none. */
#ifndef HOOKING_LOOP_H
#define HOOKING_LOOP_H

#include "compat.h"

/* What asyncio knows of this thread, to be known again in a copy of the process: a new reference, None where asyncio
 * was not imported. NULL with an exception. */
PyObject *loop_note(void);

/* In a copy that is not to disturb the program's loop, whose descriptors it shares: there is none here. */
void loop_leave(void);

/* In a copy that goes on as the program. */
void loop_resume(PyObject *noted);

#endif
