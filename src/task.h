/* asyncio's tasks and loops, as far as a console in a coroutine has to do with them. */
#ifndef HOOKING_TASK_H
#define HOOKING_TASK_H

#include "compat.h"

#include <stdbool.h>

/* The event loop that runs in this thread and the task whose step this is: new references, NULL for none. -1 with an
 * exception. */
int task_find(PyObject **loop, PyObject **task);

/* The task's name: a new reference, NULL without an exception for none. */
PyObject *task_name(PyObject *task);

/* Is it the one that the loop was started for, as with `asyncio.run(main())`? */
bool task_is_main(PyObject *task);

/* How often was it asked to cancel itself, and has not been told since that this is dealt with? 0 for no task. */
long task_cancelling(PyObject *task);

/* Ask it, as Task.cancel(); deal with it, as Task.uncancel(). No exception is set afterwards. */
void task_cancel(PyObject *task);
void task_uncancel(PyObject *task);

#endif
