/* Frames: which one runs, its caller, its code, where it stands, its source. */
#ifndef HOOKING_FRAME_H
#define HOOKING_FRAME_H

#include "compat.h"

/* The Python frame that runs now: a new reference, or NULL when there is none (no exception is set). */
PyObject *frame_current(void);

/* The caller of a frame: a new reference, NULL without an exception when there is none. */
PyObject *frame_back(PyObject *frame);

/* Is it `running` or a caller of that? 1, 0, -1 with an exception. */
int frame_is_under(PyObject *frame, PyObject *running);

/* New references, NULL with an exception. */
PyObject *frame_code(PyObject *frame);
PyObject *frame_globals(PyObject *frame);
PyObject *frame_filename(PyObject *frame);
PyObject *frame_function(PyObject *frame); /* the plain name, as in tracebacks and log records */

/* The line that a frame stands on; 0 when it has none. */
int frame_line(PyObject *frame);

/* One line of the source of a frame without its newline: a new reference, "" when it cannot be had. */
PyObject *frame_source_line(PyObject *frame, long line);

/* Does the frame's code bind names in slots of its own (a function), not in a mapping? -1 on error. */
int frame_is_optimized(PyObject *frame);

/* Names of the code's slots: locals, cells and free variables, as a new frozenset. */
PyObject *frame_slot_names(PyObject *frame);

/* The frame of the function around a class body or (up to 3.11) a comprehension: it is the caller, for such
 * code is run where it stands. A new reference; NULL without an exception when there is none. */
PyObject *frame_enclosing(PyObject *frame);

#endif
