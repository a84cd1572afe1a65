/* hook(): the entry. Its options, whether it opens, what it logs. */
#ifndef HOOKING_HOOK_H
#define HOOKING_HOOK_H

#include "state.h"

/* The method table entries of hook() and set_trace(). */
extern PyMethodDef hook_methods[];

/* Prepare what the parsing of arguments needs. -1 with an exception. */
int hook_init(ModuleState *state);

/* The entry of the place where a frame calls hook(), made if there is none. NULL with an exception. */
CallSite *hook_site_of(ModuleState *state, PyObject *frame);

/* Free what call sites hold. */
void hook_clear(ModuleState *state);

/* ---- what ahook() shares with hook() ---- */

/* What a call asks for. The objects are borrowed. */
typedef struct HookOptions {
    const char *what;                 /* the function that is called */
    int parameters;                   /* how many of the parameters it has */
    PyObject *given[HOOK_PARAMETERS]; /* NULL where nothing was given */
    int overwrite;
    int once;
    long after;
    int isolate;
    int force;                        /* isolate="force" */
    int signalled;                    /* not by a call: the place has no part in it */
} HookOptions;

/* A call that is to open a console. */
typedef struct HookCall {
    PyObject *frame;     /* owned: the caller's */
    CallSite *site;      /* borrowed; NULL when nothing is known of the place */
    PyObject *complaint; /* owned or NULL: to be shown there */
} HookCall;

/* Sort the arguments of a call. -1 with an exception. */
int hook_collect(ModuleState *state, PyObject *const *args, Py_ssize_t count, PyObject *keywords, HookOptions *options);

/* Is the call to open a console, as far as its options and the place go? 1, 0, or -1 with an exception. *call is to be
 * released in every case. */
int hook_admit(ModuleState *state, HookOptions *options, HookCall *call);
void hook_release(HookCall *call);

/* Its turn has come: is it still to open? 1, 0, or -1 with an exception. */
int hook_begin(ModuleState *state, const HookCall *call, int once);

/* What stands above the prompt. New reference. */
PyObject *hook_banner(PyObject *frame, PyObject *message);

/* Log the entry or the return. The fault of a handler is no reason to stop: *complaint gets a line about it. */
int hook_log(PyObject *frame, PyObject *logger, const char *text, PyObject **complaint);

#define HOOK_ENTERS "Starting interactive shell."
#define HOOK_RETURNS "Returned from interactive shell. Resuming execution."

#endif
