/* A script: source, bytecode, or what comes from standard input, executed in the dict of __main__. */
#ifndef HOOKING_RUNNER_FILE_H
#define HOOKING_RUNNER_FILE_H

#include "compat.h"

/* Open it. NULL with OSError, which names it as it was given. */
FILE *runner_file_open(PyObject *path, PyObject *given);

/* Execute it and close the file, if that is not standard input. `place`: what __file__ and tracebacks say. None when it
 * has ended, NULL with what it has raised. */
PyObject *runner_file_run(FILE *file, PyObject *place, PyObject *globals);

/* What Python does with the names that it has set for a script, when that has ended. Exceptions stay. */
void runner_file_end(PyObject *globals);

#endif
