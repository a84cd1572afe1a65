/* Records for the program's logging, carrying the place of the caller of hook(). */
#ifndef HOOKING_LOG_H
#define HOOKING_LOG_H

#include "compat.h"

enum { LOG_DEBUG = 10, LOG_WARNING = 30 };

/* Hand a record to a logger, if it is enabled for the level. Nothing below a warning imports logging: where
 * nobody has, nobody listens. -1 with the exception of a handler. */
int log_record(PyObject *frame, PyObject *logger, int level, PyObject *message);

/* A warning "WHAT at FILE:LINE: ...", never an exception: what fails goes to stderr. `what`: the call, as "hook()". */
void log_warn(PyObject *frame, PyObject *logger, const char *what, const char *text);

#endif
