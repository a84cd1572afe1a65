/* The object behind scope.h: the mapping that code at the prompt runs in. For scope.c and namespace.c alone. */
#ifndef HOOKING_NAMESPACE_H
#define HOOKING_NAMESPACE_H

#include "names.h"
#include "scope.h"

struct Namespace {
    PyObject_HEAD
    Names names;          /* of the frame */
    int overwrite;
    int as_class;         /* the running code is compiled as a class body */
    PyObject *shared;     /* owned: name -> cell, common to all scopes of a console */
    PyObject *cells;      /* owned: name -> cell */
    PyObject *base;       /* owned: name -> value */
    PyObject *expected;   /* owned: name -> value, see scope_expect() */
    PyObject *extras;     /* owned: name -> value, the prompt's names that were added to the frame */
    PyObject *written;    /* owned: set of names of the frame that were bound or unbound from here */
    PyObject *declared;   /* owned: set of names declared global */
    PyObject *refusals;   /* owned: list of str */
    PyObject *display;    /* owned or NULL, while a statement runs */
    PyObject *leave;      /* owned: of the state: what `exit` and `quit` are here */
};

/* What the mapping's methods do: bind a name, unbind it. -1 with an exception, KeyError when it is not bound. */
int scope_set(Namespace *ns, PyObject *name, PyObject *value);
int scope_delete(Namespace *ns, PyObject *name);

#endif
