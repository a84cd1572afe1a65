/* What an object has, found without running code: no property, no __getattr__, no metaclass, no hash and no comparison
 * of the program's. Attributes are taken where the interpreter keeps them: instance dictionaries, the dictionaries of
 * types, slots.
 *
 * No function here leaves an exception set. What cannot be known is absent. */
#ifndef HOOKING_PEEK_H
#define HOOKING_PEEK_H

#include <stdbool.h>

#include "compat.h"

/* A value, or all that is known of one: its type. Both NULL: nothing is known. */
typedef struct PeekValue {
    PyObject *object; /* owned */
    PyObject *type;   /* owned */
} PeekValue;

/* Steals the reference; NULL makes a value of which nothing is known, and clears the exception. */
PeekValue peek_value(PyObject *object);

/* Some instance of a type, which is borrowed. */
PeekValue peek_instance(PyObject *type);
void peek_clear(PeekValue *value);

/* An attribute of a value, as far as it can be had. */
PeekValue peek_attribute(const PeekValue *of, PyObject *name);

/* The base classes of a type, itself the first: a tuple. New reference, or NULL. */
PyObject *peek_mro(PyObject *type);

/* The dictionary of a type, of an object. New references, or NULL. */
PyObject *peek_type_dict(PyObject *type);
PyObject *peek_dict(PyObject *object);

/* What the first class in the MRO that has the name keeps under it, raw: a new reference, or NULL. */
PyObject *peek_in_mro(PyObject *type, const char *name);

/* Is it the type of that name of that module? Built-in types: module "builtins", and written in C for certain. */
bool peek_is(PyObject *type, const char *module, const char *name);

/* The first class in the MRO of which that is true: a new reference, or NULL. */
PyObject *peek_base(PyObject *type, const char *module, const char *name);

/* A module that is imported already: a new reference, or NULL. */
PyObject *peek_module(PyObject *name);

/* Is it a str, int, float, bool, bytes, None or a tuple of those, none of a subclass? Comparing these runs no code. */
bool peek_is_plain(PyObject *object, int depth);

/* ---- dictionaries ---- */

enum { PEEK_BATCH = 32 };

/* A walk over a dictionary or an instance of a subclass: over what it stores, whatever its methods say. Keys are
 * fetched ahead of their use. Nothing that could change the dictionary may happen meanwhile: no Python code. */
typedef struct PeekWalk {
    PyObject *dict;
    Py_ssize_t at;
    PyObject *keys[2 * PEEK_BATCH], *values[2 * PEEK_BATCH]; /* borrowed: a ring */
    unsigned fetched, given;
    int collecting; /* garbage was being collected: not during the walk, finalizers are code */
} PeekWalk;

void peek_walk(PeekWalk *walk, PyObject *dict);
bool peek_next(PeekWalk *walk, PyObject **key, PyObject **value); /* borrowed */
void peek_end(PeekWalk *walk);

/* The value of a key, found by its letters among the keys that are exactly str: borrowed, or NULL. */
PyObject *peek_get(PyObject *dict, PyObject *name);
PyObject *peek_get_string(PyObject *dict, const char *name);

#endif
