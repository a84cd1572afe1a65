/* A tool of ours in sys.monitoring, which CPython has from 3.12 on. */
#ifndef HOOKING_MONITORING_H
#define HOOKING_MONITORING_H

#include <stdbool.h>

#include "compat.h"

typedef struct Monitoring {
    PyObject *module;  /* owned: sys.monitoring; NULL while no place is taken */
    PyObject *disable; /* owned: what a callback returns to be called no more for that place of the code */
    long tool;         /* the id that is taken */
} Monitoring;

/* Does this version have it? */
bool monitoring_is_there(void);

/* Take a place that no other tool has, under that name. All is zero before. -1 with an exception: RuntimeError, which
 * says what there will not be (`without`), if other tools have taken all places. */
int monitoring_take(Monitoring *monitoring, const char *name, const char *without);

/* The bit of an event, as "LINE"; -1 with an exception. */
long monitoring_event(const Monitoring *monitoring, const char *name);

/* What is called for an event (a bit), None for nothing. -1 with an exception. */
int monitoring_register(const Monitoring *monitoring, long event, PyObject *callback);

/* Which events (bits) are wanted of all code, of one code object. -1 with an exception. */
int monitoring_set(const Monitoring *monitoring, long events);
int monitoring_set_local(const Monitoring *monitoring, PyObject *code, long events);

/* Forget which places of the code any tool has disabled. -1 with an exception. */
int monitoring_restart(const Monitoring *monitoring);

/* Give the place back, and what it wanted of all code; local events are for the caller to unset first. `events`: the
 * bits that have callbacks. Does nothing where no place is taken. Any exception that is set stays. */
void monitoring_give_back(Monitoring *monitoring, long events);

#endif
