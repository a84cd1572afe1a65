/* A console at exceptions that nobody handles: sys.excepthook and threading.excepthook. */
#ifndef HOOKING_INSTALL_H
#define HOOKING_INSTALL_H

#include "state.h"

/* The method table entries of install() and uninstall(). */
extern PyMethodDef install_methods[];

#endif
