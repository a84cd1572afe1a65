/* `hooking run`: the process becomes the program's. */
#ifndef HOOKING_RUNNER_COMMAND_H
#define HOOKING_RUNNER_COMMAND_H

#include "state.h"

/* _core.run(path=None, *, module=None, argv=None, leave=False): run_as_main(), or with `leave`, when only the command
 * itself is on the stack, an exception that has to reach the interpreter's top: the program runs there, with no frame
 * below it. */
PyObject *runner_command_door(PyObject *module, PyObject *args, PyObject *named);

#endif
