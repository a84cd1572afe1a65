/* The names of one frame as CPython lets them be read, written and deleted. No prompt here: see scope.h for that. */
#ifndef HOOKING_NAMES_H
#define HOOKING_NAMES_H

#include "compat.h"

typedef enum NamesKind {
    NAMES_FUNCTION, /* slots: functions, generators, lambdas, comprehensions with a frame */
    NAMES_MODULE,   /* locals are the globals */
    NAMES_MAPPING,  /* locals are a mapping of their own: class bodies, exec() with two namespaces */
    NAMES_HIDDEN,   /* a module or class body within a comprehension that is inlined there (3.12 on) */
} NamesKind;

typedef struct Names {
    NamesKind kind;
    PyObject *frame;     /* owned, NULL once left */
    PyObject *globals;   /* owned */
    PyObject *mapping;   /* owned or NULL: where a module, class body or exec() keeps its names */
    PyObject *enclosing; /* owned or NULL: the frame around a class body, whose variables can be read */
    PyObject *slots;     /* owned: names of the code's slots, a frozenset */
} Names;

/* Look at a frame. -1 with an exception; names_clear() in every case. */
int names_open(Names *names, PyObject *frame);

/* Let go of the frame: it has no names any more. */
void names_leave(Names *names);
void names_clear(Names *names);

/* Does the frame's code have a slot of that name? 1, 0, -1. */
int names_has_slot(const Names *names, PyObject *name);

/* Read a name of the frame: 1 and a new reference, 0, or -1. */
int names_get(const Names *names, PyObject *name, PyObject **value);

/* As names_get(), and the variables of the function around a class body. */
int names_look_up(const Names *names, PyObject *name, PyObject **value);

/* Write a name, or delete it with NULL. 1 when done, 0 when it cannot be (*why says so), -1 with an exception.
 * A write to a slot is read back: CPython loses some without an error. */
int names_set(const Names *names, PyObject *name, PyObject *value, const char **why);

/* Add the names to a set. -1 with an exception. */
int names_add_to(const Names *names, PyObject *set);

#endif
