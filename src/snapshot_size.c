/* Sizes of objects, see snapshot_size.h. What an object holds is gone through breadth first, each object once, until it
 * is clear that it is large enough: mostly that is at once. */
#include "snapshot_size.h"

#include <stdlib.h>
#include <time.h>

#include "dump_kind.h"

enum {
    LOOKED_EACH = 256, /* objects between two looks at the clock */
    FIRST_ROOM = 256,
};

typedef struct Walk {
    double until;     /* seconds of CLOCK_MONOTONIC */
    PyObject **queue; /* owned references: what was met, in that order */
    size_t count, room;
    PyObject **seen;  /* the same objects, borrowed, in a table of `slots` places, to be found by address */
    size_t slots;     /* a power of two, at least twice `count` */
    bool failed;      /* memory has run out */
    bool late;        /* so has time */
} Walk;

static bool
walk_is_over(const Walk *walk)
{
    return walk->failed || walk->late;
}

static double
size_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

void
snapshot_size_begin(SizeBudget *budget, double seconds)
{
    budget->until = size_now() + seconds;
}

/* ---- objects that were met ---- */

/* The place of an object in the table: where it is, or would be. */
static PyObject **
walk_place(PyObject **seen, size_t slots, PyObject *object)
{
    size_t at = (size_t)((uintptr_t)object >> 4) * 0x9e3779b97f4a7c15u >> 7; /* Fibonacci hashing of the address */
    while (seen[at & (slots - 1)] != NULL && seen[at & (slots - 1)] != object) {
        at++;
    }
    return &seen[at & (slots - 1)];
}

static bool
walk_grow(Walk *walk)
{
    size_t room = walk->room == 0 ? FIRST_ROOM : walk->room * 2, slots = room * 2;
    PyObject **seen = calloc(slots, sizeof *seen);
    PyObject **queue = seen == NULL ? NULL : realloc(walk->queue, room * sizeof *queue);
    if (queue == NULL) {
        free(seen);
        walk->failed = true;
        return false;
    }
    for (size_t i = 0; i < walk->count; i++) {
        *walk_place(seen, slots, queue[i]) = queue[i];
    }
    free(walk->seen);
    walk->queue = queue;
    walk->room = room;
    walk->seen = seen;
    walk->slots = slots;
    return true;
}

static void
walk_add(Walk *walk, PyObject *object)
{
    if (walk_is_over(walk) || (walk->count == walk->room && !walk_grow(walk))) {
        return;
    }
    PyObject **place = walk_place(walk->seen, walk->slots, object);
    if (*place == NULL) {
        *place = object;
        walk->queue[walk->count++] = Py_NewRef(object);
        walk->late = walk->count % LOOKED_EACH == 0 && size_now() > walk->until;
    }
}

static void
walk_clear(Walk *walk)
{
    for (size_t i = 0; i < walk->count; i++) {
        Py_DECREF(walk->queue[i]);
    }
    free(walk->queue);
    free(walk->seen);
}

/* ---- what they hold ---- */

/* A visitproc. Code is not part of what an object holds, though it leads to it. */
static int
walk_visit(PyObject *object, void *walk)
{
    if (!dump_kind_is_code(object)) {
        walk_add(walk, object);
    }
    return walk_is_over(walk);
}

/* As gc.get_referents(): no code of the program's runs, and no attribute comes into being. */
static void
walk_add_contents(Walk *walk, PyObject *object)
{
    traverseproc traverse = (traverseproc)PyType_GetSlot(Py_TYPE(object), Py_tp_traverse);
    if (traverse != NULL && (PyType_GetFlags(Py_TYPE(object)) & Py_TPFLAGS_HAVE_GC) != 0) {
        traverse(object, walk_visit, walk);
    }
}

/* ---- how large ---- */

/* sys.getsizeof(); 0 for what cannot say it. */
static uint64_t
size_alone(PyObject *object)
{
    PyObject *function = PySys_GetObject("getsizeof"); /* borrowed */
    PyObject *size = function == NULL ? NULL : PyObject_CallFunction(function, "Oi", object, 0);
    unsigned long long bytes = size == NULL ? 0 : PyLong_AsUnsignedLongLong(size);
    if (PyErr_Occurred()) {
        PyErr_Clear();
        bytes = 0;
    }
    Py_XDECREF(size);
    return bytes;
}

/* A number that a method gives; 0 where it fails. */
static uint64_t
size_ask(PyObject *object, const char *method)
{
    PyObject *number = PyObject_CallMethod(object, method, NULL);
    unsigned long long count = number == NULL ? 0 : PyLong_AsUnsignedLongLong(number);
    if (PyErr_Occurred()) {
        PyErr_Clear();
        count = 0;
    }
    Py_XDECREF(number);
    return count;
}

/* What torch's own types of tensors hold beside that, which sys.getsizeof() does not know. */
static uint64_t
size_of_tensor(PyObject *object)
{
    static const char *const types[] = {"torch.Tensor", "torch.nn.parameter.Parameter"};
    if ((PyType_GetFlags(Py_TYPE(object)) & Py_TPFLAGS_HEAPTYPE) == 0) {
        return 0;
    }
    uint64_t size = 0;
    PyObject *kind = dump_kind_of_type((PyObject *)Py_TYPE(object));
    for (size_t i = 0; kind != NULL && i < sizeof types / sizeof *types; i++) {
        if (PyUnicode_CompareWithASCIIString(kind, types[i]) == 0) {
            size = size_ask(object, "numel") * size_ask(object, "element_size");
        }
    }
    PyErr_Clear();
    Py_XDECREF(kind);
    return size;
}

uint64_t
snapshot_size(PyObject *object, uint64_t enough, const SizeBudget *budget)
{
    Walk walk = {.until = budget->until};
    uint64_t sum = 0;
    walk_add(&walk, object);
    for (size_t i = 0; i < walk.count && sum < enough && !walk_is_over(&walk); i++) {
        sum += size_alone(walk.queue[i]) + size_of_tensor(walk.queue[i]);
        if (sum < enough) {
            walk_add_contents(&walk, walk.queue[i]);
        }
    }
    bool unknown = walk_is_over(&walk) && sum < enough;
    walk_clear(&walk);
    return unknown ? enough : sum;
}
