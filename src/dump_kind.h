/* What an object is, in words for messages, by its type alone: none of its code runs. New references to str; NULL with
 * an exception only for want of memory. */
#ifndef HOOKING_DUMP_KIND_H
#define HOOKING_DUMP_KIND_H

#include "compat.h"

#include <stdbool.h>

/* Is it a function, a class or a module? Of such a pickle has the name alone. */
bool dump_kind_is_code(PyObject *object);

/* "a lambda", "an open file ('log.txt')", "an object of type shop.Order". */
PyObject *dump_kind(PyObject *object);

/* The name of a type: "list", "shop.Order". */
PyObject *dump_kind_of_type(PyObject *type);

#endif
