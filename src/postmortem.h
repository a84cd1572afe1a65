/* Consoles where an exception was raised. */
#ifndef HOOKING_POSTMORTEM_H
#define HOOKING_POSTMORTEM_H

#include "entry.h"

/* The method table entry of post_mortem(). */
extern PyMethodDef postmortem_methods[];

/* What leads to such a console. All is borrowed. */
typedef struct Postmortem {
    PyObject *exception; /* NULL if only its traceback is known */
    PyObject *traceback; /* of it, or NULL: then the prompt is in the frame that runs */
    ConsoleWays ways;
    const char *what;    /* the call that asks for it, for the warning if it cannot be opened; NULL for none */
    const char *hint;    /* a further line of the banner, or NULL */
    int unattended;      /* see ConsoleStart */
    const ConsoleRestarts *restarts; /* with WAYS_CALL */
} Postmortem;

/* As entry_run(): the prompt is in the frame that raised, and what is bound there is in the frame at once. */
int postmortem_run(ModuleState *state, const Postmortem *postmortem, ConsoleEnd *end);

#endif
