/* Cells: what closures keep variables in. */
#ifndef HOOKING_CELL_H
#define HOOKING_CELL_H

#include "state.h"

/* A cell with a value, or empty with NULL: a new reference. */
PyObject *cell_new(ModuleState *state, PyObject *value);

/* 1 and a new reference in *value, 0 when the cell is empty, -1 with an exception. */
int cell_get(PyObject *cell, PyObject **value);

/* Fill a cell, or empty it with NULL. -1 with an exception. */
int cell_set(PyObject *cell, PyObject *value);

#endif
