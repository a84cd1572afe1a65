/* What a call of a rescued generator function or coroutine function makes: it passes everything on to what the function
 * has made, which is replaced when the call is made again. */
#ifndef HOOKING_RESCUED_RUN_H
#define HOOKING_RESCUED_RUN_H

#include "call.h"
#include "console.h"
#include "rescued.h"

typedef struct Run {
    PyObject_HEAD
    Rescued *rescued;   /* owned */
    PyObject *inner;    /* owned: a generator, a coroutine, an async generator */
    Call call;          /* that has made it */
    PyObject *weakrefs;
} Run;

/* Make the types. -1 with an exception. */
int rescued_run_init(PyObject *module, ModuleState *state);
int rescued_stream_init(PyObject *module, ModuleState *state);

/* Take what the call has made, and the call. A new reference: it, wrapped; or itself if it is not what it should be,
 * as when somebody has given another value. NULL with an exception. Steals `made`, and moves the call. */
PyObject *rescued_run_new(ModuleState *state, Rescued *rescued, PyObject *made, Call *call);

/* An exception has come out of it, and is set. CHOICE_RETRY: `inner` is new, nothing is set. Else as restart_ask(). */
ConsoleChoice rescued_run_ask(Run *self, PyObject **value);

/* What the types have in common. */
PyObject *rescued_run_getattro(PyObject *object, PyObject *name);
PyObject *rescued_run_repr(PyObject *object);
int rescued_run_traverse(PyObject *object, visitproc visit, void *arg);
int rescued_run_clear(PyObject *object);
void rescued_run_dealloc(PyObject *object);

/* As a generator's methods end: what it yields, a new reference; or NULL, with StopIteration when it has returned.
 * `bare`: where StopIteration without a value need not be set. Steals `result`. */
PyObject *rescued_run_end(PySendResult status, PyObject *result, bool bare);

#endif
