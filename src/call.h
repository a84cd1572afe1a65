/* The call of a function, to be made again, perhaps with what the user has made of its parameters. */
#ifndef HOOKING_CALL_H
#define HOOKING_CALL_H

#include <stdbool.h>

#include "compat.h"

typedef struct Call {
    PyObject *function; /* owned */
    PyObject *args;     /* owned: a tuple */
    PyObject *named;    /* owned: a dict, or NULL for no keyword arguments */
} Call;

/* From the arguments of a vectorcall. An exception that is set stays. -1 with an exception, and nothing to drop. */
int call_take(Call *call, PyObject *function, PyObject *const *args, size_t counted, PyObject *names);
void call_drop(Call *call);

/* Make it: a new reference, NULL with an exception. */
PyObject *call_make(const Call *call);

/* The frame of a call, and what its parameters were when the console opened. All is owned; NULL without a frame. */
typedef struct CallWatch {
    PyObject *frame;
    PyObject *code;
    PyObject *names;  /* of the parameters: a list, in the order of the code */
    PyObject *values; /* dict of those that are bound */
    bool direct;      /* it is the frame of what is called, and not of a function within */
    PyObject *named;  /* what was in the dict of a **parameter: a copy; NULL without one */
} CallWatch;

/* The call's frame is the first one of that code in a traceback; NULL for no code: then there is none. -1 with an
 * exception; call_unwatch() in every case. */
int call_watch(CallWatch *watch, PyObject *code, bool direct, PyObject *traceback);
void call_unwatch(CallWatch *watch);

/* What the parameters are now, where that is something else: a new dict, empty without a frame. */
PyObject *call_changes(const CallWatch *watch);

/* Put the changes in the place of the arguments. -1 with an exception, and the call is what it was: ValueError when the
 * frame is that of a function within decorators, and these give it other arguments than they get. */
int call_change(Call *call, const CallWatch *watch, PyObject *changes);

#endif
