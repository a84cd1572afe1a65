/* The console that a rescued function or block opens, and what comes of it. */
#ifndef HOOKING_RESTART_H
#define HOOKING_RESTART_H

#include "call.h"
#include "console.h"
#include "rescued.h"

/* Is an exception one to be asked about? `exceptions`: a class or a tuple, as for `except`. What is no error of the
 * function's (StopIteration, GeneratorExit) never is. */
bool restart_concerns(const ModuleState *state, PyObject *exception, PyObject *exceptions);

/* Ask what to do about the exception that is set, which has come out of the call of a rescued function and is one to be
 * asked about.
 * CHOICE_RETRY: `call` is what is to be called, and no exception is set.
 * CHOICE_RETURN: so is none, and *value is a new reference.
 * CHOICE_GO_ON: an exception is set, the same or what was thrown. */
ConsoleChoice restart_ask(ModuleState *state, Rescued *rescued, Call *call, PyObject **value);

/* The same for a `with` block. CHOICE_SKIP, or CHOICE_GO_ON; then an exception is set if another one was thrown. */
ConsoleChoice restart_ask_block(ModuleState *state, PyObject *exception);

#endif
