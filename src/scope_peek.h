/* The names of a scope and their values, looked at without running code: what scope.h offers may resolve an import,
 * write what is pending or ask a mapping of the program's. No exception is set afterwards. */
#ifndef HOOKING_SCOPE_PEEK_H
#define HOOKING_SCOPE_PEEK_H

#include "scope.h"

/* The value of a name as code at the prompt would see it, builtins too: a new reference, or NULL. */
PyObject *scope_peek(Namespace *ns, PyObject *name);

/* Is it a variable of the user's: of the frame, of the prompt, or a global? */
int scope_peek_is_users(Namespace *ns, PyObject *name);

/* The names that are neither in the dictionaries below: a new list, perhaps with repetitions, or NULL. */
PyObject *scope_peek_names(Namespace *ns);

/* The other names are keys of these: NULL for none. */
typedef struct ScopeDicts {
    PyObject *mapping;  /* owned: of a class body, of exec() with two namespaces */
    PyObject *globals;  /* owned */
    PyObject *builtins; /* owned */
} ScopeDicts;

ScopeDicts scope_peek_dicts(Namespace *ns);
void scope_dicts_clear(ScopeDicts *dicts);

#endif
