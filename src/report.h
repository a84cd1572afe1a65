/* The text of an exception that was raised at the prompt. */
#ifndef HOOKING_REPORT_H
#define HOOKING_REPORT_H

#include "compat.h"

/* Take the exception that is set and give its traceback as text, with the user's frames alone: from the input
 * (`filename`, or NULL) on, and without the exception in whose handler the program called hook(). A new str, NULL
 * with another exception. */
PyObject *report_take(PyObject *filename);

#endif
