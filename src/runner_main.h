/* What a program finds when it starts: a fresh __main__, sys.argv, sys.path. */
#ifndef HOOKING_RUNNER_MAIN_H
#define HOOKING_RUNNER_MAIN_H

#include <stdbool.h>

#include "compat.h"

/* A module __main__ as the interpreter makes it before it runs anything. Not in sys.modules yet. New reference. */
PyObject *runner_main_module(void);

/* An absolute path, as Python makes one of the script's: neither links nor ".." are resolved. New reference. */
PyObject *runner_main_absolute(PyObject *path);

/* The folder that is sys.path[0] for a script, the current one for NULL. New reference. */
PyObject *runner_main_folder(PyObject *script);

/* Put a folder or a zip file in the place of sys.path[0]. With -P and its like, where Python has not put anything
 * there, the folder of a script is left out too, and only what is itself the program (`always`) goes in front. */
int runner_main_path(PyObject *first, bool always);

/* sys, to give it back when a program could not be started. */
typedef struct RunnerSystem {
    PyObject *main, *argv, *path; /* owned, or NULL if it was not there; the path is a copy */
} RunnerSystem;

int runner_main_save(RunnerSystem *saved);
void runner_main_restore(const RunnerSystem *saved); /* any exception that is set stays */
void runner_main_forget(RunnerSystem *saved);

#endif
