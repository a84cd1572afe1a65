/* Nodes of Python's syntax tree (the `ast` module's): looking at them, making and changing them. */
#ifndef HOOKING_NODE_H
#define HOOKING_NODE_H

#include "compat.h"

/* Is the node of that type? */
int node_is(PyObject *node, const char *type);

/* Is it `from __future__ import ...`, `from ... import *`? */
int node_is_future_import(PyObject *statement);
int node_is_star_import(PyObject *statement);

/* Does one of the statements assign to the name (itself, not in its blocks)? 1, 0, -1 with an exception. */
int node_assigns(PyObject *body, const char *name);

/* Add the names of `global` statements among the statements to a set. -1 with an exception. */
int node_add_globals(PyObject *body, PyObject *set);

/* Replace expressions among the statements and in their blocks by calls of `.display` with the value, in place.
 * `ast`: the _ast module. Nobody can type a name with a dot, so nothing is hidden by it. -1 with an exception. */
int node_display_block(PyObject *ast, PyObject *statements);

/* A parsed text and the first node `depth` blocks down in it. New references, NULL with an exception. */
PyObject *node_template(PyObject *text, PyObject **module, int depth);

/* Rename the first parameter of the function that a template begins with. -1 with an exception. */
int node_name_first_parameter(PyObject *module, const char *name);

/* `global NAMES` or `nonlocal NAMES`: a new statement; NULL without an exception when there are no names. */
PyObject *node_declaration(const char *keyword, PyObject *names);

#endif
