/* What a rescued function is: its code, what a call of it makes, and what its name means now. */
#ifndef HOOKING_CALLEE_H
#define HOOKING_CALLEE_H

#include "rescued.h"

/* What a call of it makes, as `inspect` would say. Never an exception. */
RescuedKind callee_kind(PyObject *function);

/* The code of the function that decorators have been wrapped around: a new reference; NULL, without an exception, for
 * what has none. */
PyObject *callee_code(PyObject *function);

/* The code of the function itself, in the same way. */
PyObject *callee_own_code(PyObject *function);

/* How many arguments stand before those of a call: 1 for a bound method, 0 for a function and for decorators, which
 * are believed to hand on what they get; -1 when it cannot be told (functools.partial). */
long callee_implicit(PyObject *function);

/* The __spec__ of the module whose globals it has: a new reference or NULL, no exception. */
PyObject *callee_spec(PyObject *function);

/* What stands now where the function was defined, by module and qualified name: what the rescued function there wraps,
 * or a function that is not rescued. A new reference; NULL, without an exception, if it cannot be found so. */
PyObject *callee_find(const ModuleState *state, PyObject *function);

/* Is the value, or the function that it rescues, one of that name which was typed at the prompt? A new reference to the
 * function; NULL, without an exception, if not. */
PyObject *callee_typed(const ModuleState *state, PyObject *value, PyObject *name);

/* "NAME()", for users. A new reference. */
PyObject *callee_name(PyObject *function);

#endif
