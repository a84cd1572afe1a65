/* Top-level `await` at the prompt: drive a coroutine to its end. */
#ifndef HOOKING_AWAIT_H
#define HOOKING_AWAIT_H

#include "compat.h"

/* Run a coroutine: on the loop that runs in this thread, turning it from within until the coroutine is done, or
 * when none runs on one of the console's own, an asyncio.Runner kept in *runner. Its result, a new reference. */
PyObject *await_run(PyObject *coroutine, PyObject **runner);

/* End the console's own loop, if there is one. An error is reported as unraisable. */
void await_close(PyObject **runner);

#endif
