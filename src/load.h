/* load(): bringing back what dump() or anybody's pickle has saved, once it is known that it may be. */
#ifndef HOOKING_LOAD_H
#define HOOKING_LOAD_H

#include "state.h"

typedef enum LoadTrust {
    LOAD_IF_SAFE, /* what is not signed and would import more than data needs is asked about, or refused */
    LOAD_ANY,
    LOAD_OWN,     /* only what is signed with the user's own key, or safe: nothing is asked */
} LoadTrust;

typedef struct LoadRequest {
    PyObject *path;    /* borrowed: str */
    PyObject *modules; /* borrowed or NULL: a mapping of names of modules */
    LoadTrust trust;
    bool map;          /* large buffers are mapped, and read when they are used */
    bool verify;       /* all of them are read and checked beforehand */
    /* Shall it be loaded though it is not trusted? The text says what it would do. 1, 0, -1. NULL: no. */
    int (*ask)(void *context, PyObject *text);
    void *context;
    bool *own;         /* set to whether the user's own key has signed it; or NULL */
} LoadRequest;

/* -1 with an exception: OSError; DumpError for a file that is damaged or no pickle; UntrustedDump; whatever unpickling
 * raises. *facts: a new dict of str, what the dump tells of itself; empty for a plain pickle. */
int load_file(ModuleState *state, const LoadRequest *request, PyObject **value, PyObject **facts);

/* Does that file look like one of dump()'s? 1, 0 (also when it cannot be read). */
int load_is_dump(PyObject *path);

/* Make DumpError and UntrustedDump. -1 with an exception. */
int load_init(PyObject *module, ModuleState *state);

/* hooking.load() */
PyObject *load_door(PyObject *module, PyObject *args, PyObject *named);

#endif
