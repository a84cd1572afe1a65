/* A console at exceptions that nobody handles: sys.excepthook and threading.excepthook. */
#ifndef HOOKING_INSTALL_H
#define HOOKING_INSTALL_H

#include "state.h"

/* The method table entries of install() and uninstall(). */
extern PyMethodDef install_methods[];

/* An exception that nobody handles was shown: open a console where it was raised, if it is one that is not meant to end
 * the program, and if somebody is there. state->met is then that exception. 0, or -1 with what the user raises. */
int install_open(ModuleState *state, PyObject *exception, PyObject *traceback);

#endif
