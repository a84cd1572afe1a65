/* The state of the module, one for each interpreter: what files share beyond their own headers. */
#ifndef HOOKING_STATE_H
#define HOOKING_STATE_H

#include "compat.h"

#include "callsite.h"

/* The parameters of hook(), in the order of the signature; the first three may be given by position. Those from
 * HOOK_HEADER on are of set_trace() alone: pdb.set_trace() has them, so a breakpoint() may give them. */
typedef enum HookParameter {
    HOOK_BANNER,
    HOOK_OVERWRITE,
    HOOK_LOGGER,
    HOOK_WHEN,
    HOOK_ONCE,
    HOOK_AFTER,
    HOOK_KEEP,
    HOOK_ISOLATE,
    HOOK_HEADER,
    HOOK_COMMANDS,
    HOOK_PARAMETERS,
} HookParameter;

/* What a call of a rescued function makes, and so when its exceptions come. */
typedef enum RescuedKind {
    RESCUED_CALL,            /* its result */
    RESCUED_GENERATOR,
    RESCUED_COROUTINE,
    RESCUED_ASYNC_GENERATOR,
    RESCUED_KINDS,
} RescuedKind;

/* The places where install() puts a hook. */
enum { INSTALL_SYS, INSTALL_THREADING, INSTALL_PLACES };

typedef struct ModuleState {
    PyTypeObject *namespace_type; /* owned */
    PyObject *cell_type;          /* owned, NULL until the first cell: types.CellType */
    PyTypeObject *rescue_type;    /* owned: of `rescue` */
    PyTypeObject *run_types[RESCUED_KINDS]; /* owned, NULL for RESCUED_CALL: of what calls make */
    PyTypeObject *step_type;      /* owned: of what is awaited of a rescued async generator */
    PyTypeObject *rescued_type, *rescued_object_type; /* owned: of rescued functions, of other rescued callables */
    PyTypeObject *map_type;       /* owned: a file in memory */
    PyTypeObject *ahook_type;     /* owned: what ahook() returns */
    PyTypeObject *checkpoint_type; /* owned */
    PyObject *checkpoint;         /* owned or NULL: the one of `hooking checkpoint` */
    struct Checkpoint *open;      /* borrowed: the first of those that are open, NULL for none */
    PyObject *ahook_idle;         /* owned: what it returns when no console is to be opened */
    PyTypeObject *watch_type;     /* owned */
    PyObject *watch_unbound;      /* owned: stands for the value of what is not bound */
    struct Watches *watches;      /* owned, NULL until the first one */
    PyObject *error, *untrusted;  /* owned: DumpError, UntrustedDump */
    PyObject *script;             /* owned or NULL: a list of inputs, str, that are taken before anybody is asked */
    PyObject *around;             /* owned or NULL: what is called around consoles, see around.h */
    PyObject *reasons;            /* owned or NULL: a dict of str, the reasons that were lent out */
    PyObject *main;               /* owned, or NULL: the __main__ that run_as_main() has replaced first */
    PyObject *leave;              /* owned: dict: what `exit` and `quit` mean at the prompt */
    PyObject *keywords[HOOK_PARAMETERS]; /* owned: the names of hook()'s parameters, interned */
    PyObject *installed[INSTALL_PLACES]; /* owned or NULL: what the hooks of install() are bound to */
    const void *met;              /* the exception of the last install_open(): only to be compared with a living one */
    CallSites sites;              /* keys hold a reference to their code object, conditions to theirs */
    unsigned long inputs;         /* how many inputs were compiled: the N of <hook-N> */
    struct Tracking *tracking;    /* owned: who tracks globals */
    struct Show *show;            /* borrowed: of the console whose statement runs; else NULL */
    PyObject *loops;              /* owned or NULL: of each isolated prompt that this process is in, see isolate.c */
    int disabled;                 /* HOOKING=0 stood in the environment at import */
    int subinterpreter;
    int aborting;                 /* `abort` was given, and SystemExit is under way */
    int abort_status;
    const char *left_by;          /* which of `leave` was called at the prompt; NULL: it was some other SystemExit */
} ModuleState;

/* The state behind a module object or behind an instance of one of its types. Borrowed; never NULL. */
ModuleState *state_of_module(PyObject *module);
ModuleState *state_of_type(PyTypeObject *type);

#endif
