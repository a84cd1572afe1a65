/* Programs that run as __main__: as `python FILE ARGS` and `python -m MODULE ARGS` run them, which they cannot tell. */
#ifndef HOOKING_RUNNER_H
#define HOOKING_RUNNER_H

#include <stdbool.h>

#include "state.h"

typedef struct Runner {
    PyObject *path;      /* owned: str, as it was given; "-" is standard input. NULL when it is a module */
    PyObject *module;    /* owned: str, or NULL */
    PyObject *arguments; /* owned: list of str, what sys.argv has after the first */
    PyObject *place;     /* owned: str, the absolute path; "<stdin>"; NULL for a module */
    PyObject *globals;   /* owned: the dict of the program's __main__; NULL before it runs */
    FILE *file;          /* owned: the script; NULL for a module, a folder, a zip file, and when it runs */
    bool is_script;      /* it is a file, or standard input */
} Runner;

/* Take the arguments of run_as_main(). -1 with TypeError or ValueError. In any case runner_clear() ends it. */
int runner_parse(Runner *runner, PyObject *args, PyObject *named, const char *format);

/* Find the script and open it, before anything is changed. -1 with OSError. */
int runner_open(Runner *runner);

/* Run it to its end. NULL with what it has raised, SystemExit as well: nothing is printed, and __main__ is whole, so
 * that a console can be opened in it; runner_end() then. None when it has ended by itself. */
PyObject *runner_run(ModuleState *state, Runner *runner);

/* Take from __main__ what Python takes from it when a script has ended. Any exception that is set stays. */
void runner_end(Runner *runner);

void runner_clear(Runner *runner);

/* hooking.run_as_main(path=None, *, module=None, argv=None) */
PyObject *runner_door(PyObject *module, PyObject *args, PyObject *named);

#endif
