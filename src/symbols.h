/* The names of an input and what it does with them, from the compiler's symbol table. */
#ifndef HOOKING_SYMBOLS_H
#define HOOKING_SYMBOLS_H

#include "source.h"

typedef struct Symbols {
    PyObject *top;     /* owned: dict name -> flags */
    PyObject *nested;  /* owned: set of names that nested scopes use and do not bind */
    PyObject *globals; /* owned: set of names in the input's own `global` statements */
    long bound;        /* DEF_BOUND, and DEF_GLOBAL: what `:=` within a comprehension makes of its target */
    int usable;        /* 0: the table cannot be made (a `nonlocal` that only the wrapped form can bind) */
} Symbols;

/* Read the table. `is_async`: the input awaits at its top level. -1 with an exception; symbols_clear() in every
 * case. */
int symbols_read(Symbols *symbols, const Source *source, Namespace *ns, int is_async);
void symbols_clear(Symbols *symbols);

/* Is the name bound at the input's top level? */
int symbols_binds(const Symbols *symbols, PyObject *name);

#endif
