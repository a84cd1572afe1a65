/* A tool of ours in sys.monitoring, which CPython has from 3.12 on. */
#ifndef HOOKING_MONITORING_H
#define HOOKING_MONITORING_H

#include <stdbool.h>

#include "compat.h"

/* Functions that are called where no Python code may run: the interpreter's own, whatever was put in their place. */
typedef enum MonitoringCall {
    MONITORING_SET,
    MONITORING_SET_LOCAL,
    MONITORING_RESTART,
    MONITORING_TOOL,
    MONITORING_GET,
    MONITORING_GET_LOCAL,
    MONITORING_CALLS,
} MonitoringCall;

typedef struct Monitoring {
    PyObject *module;  /* owned: sys.monitoring; NULL while no place is taken */
    PyObject *disable; /* owned: what a callback returns to be called no more for that place of the code */
    long tool;         /* the id that is taken */
    PyObject *calls[MONITORING_CALLS]; /* owned: functions of the module */
} Monitoring;

/* Does this version have it? */
bool monitoring_is_there(void);

/* Take a place that no other tool has, under that name. All is zero before. -1 with an exception: RuntimeError, which
 * says what there will not be (`without`), if other tools have taken all places, or put functions of theirs into it. */
int monitoring_take(Monitoring *monitoring, const char *name, const char *without);

/* The bit of an event, as "LINE"; -1 with an exception. */
long monitoring_event(const Monitoring *monitoring, const char *name);

/* What is called for an event (a bit), None for nothing. -1 with an exception. */
int monitoring_register(const Monitoring *monitoring, long event, PyObject *callback);

/* Which events (bits) are wanted of all code, of one code object. -1 with an exception. */
int monitoring_set(const Monitoring *monitoring, long events);
int monitoring_set_local(const Monitoring *monitoring, PyObject *code, long events);

/* Is there another tool with that number, and which events (bits) does it want of a code object? No exception. */
bool monitoring_has_other(const Monitoring *monitoring, long tool);
long monitoring_others_events(const Monitoring *monitoring, long tool, PyObject *code);

/* A function of a module that is written in C and the module's own: a new reference. NULL without an exception: it is
 * something else. */
PyObject *monitoring_builtin(PyObject *module, const char *name);

/* Forget which places of the code any tool has disabled. -1 with an exception. */
int monitoring_restart(const Monitoring *monitoring);

/* Give the place back, and what it wanted of all code; local events are for the caller to unset first. `events`: the
 * bits that have callbacks. Does nothing where no place is taken. Any exception that is set stays. */
void monitoring_give_back(Monitoring *monitoring, long events);

#endif
