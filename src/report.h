/* The text of an exception. */
#ifndef HOOKING_REPORT_H
#define HOOKING_REPORT_H

#include "compat.h"

/* Take the exception that is set and give its traceback as text, with the user's frames alone: from the input
 * (`filename`, or NULL) on, and without the exception in whose handler the program called hook(). A new str, NULL
 * with another exception. */
PyObject *report_take(PyObject *filename);

/* "TYPE: MESSAGE", as tracebacks end with: with notes and, of a SyntaxError, the line. An exception that cannot say its
 * message is no reason to fail. A new str without a newline at its end; NULL with an exception (KeyboardInterrupt). */
PyObject *report_summary(PyObject *exception);

/* The line of it that says what is wrong, no longer than `room`. A new str as before. */
PyObject *report_headline(PyObject *exception, Py_ssize_t room);

#endif
