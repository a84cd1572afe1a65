/* How large objects are, with what they hold. */
#ifndef HOOKING_SNAPSHOT_SIZE_H
#define HOOKING_SNAPSHOT_SIZE_H

#include <stdint.h>

#include "compat.h"

/* What may be spent on looking at objects. */
typedef struct SizeBudget {
    double until; /* seconds of CLOCK_MONOTONIC */
} SizeBudget;

void snapshot_size_begin(SizeBudget *budget, double seconds);

/* Bytes of the object and of what it holds, code aside: as sys.getsizeof() has them, each object once. Nothing of the
 * program runs but __sizeof__(), and of torch what tells the size of a tensor. It is not looked further when there are
 * `enough`; what cannot be found out within the budget counts as that. No exception is set. */
uint64_t snapshot_size(PyObject *object, uint64_t enough, const SizeBudget *budget);

#endif
