/* A pickling that is watched, see dump_trace.h. The order in which parts are saved is that of save(), save_reduce() and
 * the batch_ functions in CPython's Modules/_pickle.c, the same from 3.11 to 3.15 for protocol 5. */
#include "dump_trace.h"

#include <stdlib.h>

#include "dump_pickler.h"

enum { REDUCTION = 6 };

/* ---- the items of a reduction ---- */

/* An iterator of a reduction, which counts: only so is it known where the items end and what comes next begins. */
typedef struct TraceItems {
    PyObject_HEAD
    PyObject *iterator; /* owned */
    Py_ssize_t given;
    bool ended;
} TraceItems;

static PyObject *
dump_trace_next(PyObject *self)
{
    TraceItems *items = (TraceItems *)self;
    PyObject *item = PyIter_Next(items->iterator);
    items->given += item != NULL;
    items->ended = item == NULL && !PyErr_Occurred();
    return item;
}

static void
dump_trace_free_items(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    Py_CLEAR(((TraceItems *)self)->iterator);
    release(self);
    Py_DECREF(type);
}

static PyObject *
dump_trace_items_type(void)
{
    PyType_Slot slots[] = {
        {Py_tp_iter, PyObject_SelfIter},
        {Py_tp_iternext, dump_trace_next},
        {Py_tp_dealloc, dump_trace_free_items},
        {0, NULL},
    };
    PyType_Spec spec = {"hooking._core.items", sizeof(TraceItems), 0, Py_TPFLAGS_DEFAULT, slots};
    return PyType_FromSpec(&spec);
}

static PyObject *
dump_trace_count_items(Trace *trace, PyObject *iterator)
{
    PyTypeObject *type = (PyTypeObject *)trace->items_type;
    TraceItems *items = (TraceItems *)PyType_GenericAlloc(type, 0);
    if (items != NULL) {
        items->iterator = Py_NewRef(iterator);
    }
    return (PyObject *)items;
}

/* ---- objects that are saved ---- */

static size_t
dump_trace_place(const Trace *trace, PyObject *object)
{
    uintptr_t address = (uintptr_t)object;
    size_t mask = trace->saved_room - 1;
    size_t place = (size_t)((address >> 4) * 0x9E3779B97F4A7C15u >> 20) & mask;
    while (trace->saved[place] != 0 && trace->saved[place] != address) {
        place = (place + 1) & mask;
    }
    return place;
}

static bool
dump_trace_is_saved(const Trace *trace, PyObject *object)
{
    return trace->saved_room > 0 && trace->saved[dump_trace_place(trace, object)] != 0;
}

static int
dump_trace_save(Trace *trace, PyObject *object)
{
    if (trace->saved_count * 2 >= trace->saved_room) {
        size_t room = trace->saved_room, more = room > 0 ? 2 * room : 1024;
        uintptr_t *old = trace->saved, *grown = calloc(more, sizeof *grown);
        if (grown == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        trace->saved = grown;
        trace->saved_room = more;
        for (size_t i = 0; i < room; i++) {
            if (old[i] != 0) {
                grown[dump_trace_place(trace, (PyObject *)old[i])] = old[i];
            }
        }
        free(old);
    }
    size_t place = dump_trace_place(trace, object);
    trace->saved_count += trace->saved[place] == 0;
    trace->saved[place] = (uintptr_t)object;
    return 0;
}

/* ---- the stack ---- */

/* How many items a container has; of one of the pickler's own types, else 0. */
static Py_ssize_t
dump_trace_size(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    return type == &PyList_Type                                  ? PyList_Size(object)
           : type == &PyTuple_Type                               ? PyTuple_Size(object)
           : type == &PyDict_Type                                ? PyDict_Size(object)
           : type == &PySet_Type || type == &PyFrozenSet_Type    ? PySet_Size(object)
                                                                 : 0;
}

static int
dump_trace_push(Trace *trace, TraceKind kind, PyObject *object)
{
    if (trace->depth == trace->room) {
        size_t room = trace->room > 0 ? 2 * trace->room : 64;
        TraceLevel *levels = realloc(trace->levels, room * sizeof *levels);
        if (levels == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        trace->levels = levels;
        trace->room = room;
    }
    trace->levels[trace->depth++] = (TraceLevel){.kind = kind,
                                                   .size = dump_trace_size(object),
                                                   .object = Py_NewRef(object)};
    return 0;
}

/* Whatever a finalizer does: the level is off the stack before. */
static void
dump_trace_drop(Trace *trace)
{
    TraceLevel level = trace->levels[--trace->depth];
    Py_XDECREF(level.key);
    Py_XDECREF(level.reduced);
    Py_XDECREF(level.object);
}

static TraceLevel *
dump_trace_top(Trace *trace)
{
    return trace->depth > 0 ? &trace->levels[trace->depth - 1] : NULL;
}

static PyObject *
dump_trace_field(const TraceLevel *level, Py_ssize_t index)
{
    PyObject *field = PyTuple_GetItem(level->reduced, index); /* borrowed */
    return field == Py_None ? NULL : field;
}

static Py_ssize_t
dump_trace_items(const TraceLevel *level, Py_ssize_t index, bool *ended)
{
    const TraceItems *items = (const TraceItems *)dump_trace_field(level, index);
    if (items == NULL) {
        return 0;
    }
    *ended = *ended && items->ended;
    return items->given;
}

/* Has all of a reduction been begun? */
static bool
dump_trace_is_reduced(const Trace *trace, const TraceLevel *level)
{
    bool ended = true;
    Py_ssize_t items = dump_trace_items(level, 3, &ended);
    Py_ssize_t pairs = dump_trace_items(level, 4, &ended);
    Py_ssize_t state = dump_trace_field(level, 2) == NULL ? 0 : dump_trace_field(level, 5) == NULL ? 1 : 3;
    if (level->given == level->head && dump_trace_is_saved(trace, level->object)) {
        return true; /* its arguments lead back to it, and have had it saved already */
    }
    return ended && level->given >= level->head + items + 2 * pairs + state;
}

/* Has the last part of the object been begun? `next`: what is seen now, or NULL at an exception: that may be about a
 * dict or set that has changed. */
static bool
dump_trace_is_done(const Trace *trace, const TraceLevel *level, PyObject *next)
{
    Py_ssize_t size;
    switch (level->kind) {
    case TRACE_SEQUENCE:
        return level->given >= dump_trace_size(level->object);
    case TRACE_SET:
    case TRACE_DICT:
        size = dump_trace_size(level->object);
        return level->given >= (level->kind == TRACE_DICT ? 2 * size : size) && (next != NULL || size == level->size);
    case TRACE_GLOBAL: /* one in copyreg's extension registry has no names */
        return level->given >= 2 || (next != NULL && !PyUnicode_CheckExact(next));
    case TRACE_REDUCED:
        return dump_trace_is_reduced(trace, level);
    default:
        return true;
    }
}

static int
dump_trace_finish(Trace *trace, PyObject *next)
{
    while (trace->depth > 0 && dump_trace_is_done(trace, dump_trace_top(trace), next)) {
        if (dump_trace_save(trace, dump_trace_top(trace)->object) < 0) {
            return -1;
        }
        dump_trace_drop(trace);
    }
    return 0;
}

TraceRole
dump_trace_role(const TraceLevel *level, Py_ssize_t *number)
{
    bool ended = true;
    Py_ssize_t at = level->given - 1;
    Py_ssize_t items = dump_trace_items(level, 3, &ended);
    Py_ssize_t pairs = dump_trace_items(level, 4, &ended);
    *number = at;
    if (at < level->head) {
        return at <= 0 ? TRACE_CALLABLE : at == 1 ? TRACE_ARGUMENTS : TRACE_KEYWORDS;
    }
    *number = at -= level->head;
    if (at < items) {
        return TRACE_ITEM;
    }
    at -= items;
    if (at < 2 * pairs) {
        return at % 2 == 0 ? TRACE_KEY : TRACE_VALUE;
    }
    at -= 2 * pairs;
    return dump_trace_field(level, 5) == NULL || at == 2 ? TRACE_STATE : at == 0 ? TRACE_SETTER : TRACE_ITSELF;
}

/* ---- what the pickler calls ---- */

/* Is it one that cannot fail and has no parts? */
static bool
dump_trace_is_atom(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    return type == &PyUnicode_Type || type == &PyLong_Type || type == &PyFloat_Type || type == &PyBytes_Type
           || type == &PyBool_Type || type == &PyByteArray_Type || object == Py_None;
}

/* A container that is saved for the first time has parts. */
static int
dump_trace_open(Trace *trace, PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    if (type == &PyTuple_Type || type == &PyFrozenSet_Type) { /* saved after their parts */
        return dump_trace_push(trace, type == &PyTuple_Type ? TRACE_SEQUENCE : TRACE_SET, object);
    }
    if (type == &PyList_Type || type == &PyDict_Type || type == &PySet_Type) {
        TraceKind kind = type == &PyList_Type ? TRACE_SEQUENCE : type == &PyDict_Type ? TRACE_DICT : TRACE_SET;
        return dump_trace_save(trace, object) < 0 ? -1 : dump_trace_push(trace, kind, object);
    }
    return 0;
}

/* The next object is there: count it as a part of what it belongs to, and open it. */
static int
dump_trace_enter(Trace *trace, PyObject *object)
{
    Py_ssize_t number;
    if (dump_trace_finish(trace, object) < 0) {
        return -1;
    }
    TraceLevel *top = dump_trace_top(trace);
    if (top != NULL) {
        top->given++;
        bool dict = top->kind == TRACE_DICT && top->given % 2 == 1;
        bool pairs = top->kind == TRACE_REDUCED && dump_trace_field(top, 4) != NULL;
        if (dict || (pairs && dump_trace_role(top, &number) == TRACE_KEY)) {
            Py_SETREF(top->key, Py_NewRef(object));
        }
    }
    Py_CLEAR(trace->last);
    if (dump_trace_is_atom(object) || dump_trace_is_saved(trace, object)) {
        return 0;
    }
    trace->last = Py_NewRef(object);
    return dump_trace_open(trace, object);
}

static Trace *
dump_trace_of(PyObject *capsule)
{
    Trace **box = PyCapsule_GetPointer(capsule, NULL);
    return box == NULL ? NULL : *box; /* NULL as well once the pass is over: who has kept the pickler? */
}

static PyObject *
dump_trace_see(PyObject *capsule, PyObject *object)
{
    Trace *trace = dump_trace_of(capsule);
    if (trace != NULL) {
        PyObject *id = trace->persistent == NULL ? Py_NewRef(Py_None)
                                                 : PyObject_CallFunctionObjArgs(trace->persistent, object, NULL);
        if (id != NULL && dump_trace_enter(trace, id == Py_None ? object : id) < 0) { /* it is saved instead */
            Py_CLEAR(id);
        }
        return id;
    }
    return Py_NewRef(Py_None);
}

/* The pickler reduces the types of None, ... and NotImplemented by itself. */
static PyObject *
dump_trace_singleton(PyObject *type)
{
    PyObject *single[] = {Py_None, Py_Ellipsis, Py_NotImplemented};
    for (size_t i = 0; i < sizeof single / sizeof *single; i++) {
        if (type == (PyObject *)Py_TYPE(single[i])) {
            return Py_BuildValue("O(O)", &PyType_Type, single[i]);
        }
    }
    return NULL;
}

/* The reduction as a tuple of six, its iterators counted. Steals `value`. */
static PyObject *
dump_trace_pad(Trace *trace, PyObject *value)
{
    PyObject *padded = PyTuple_New(REDUCTION);
    for (Py_ssize_t i = 0; padded != NULL && i < REDUCTION; i++) {
        PyObject *field = i < PyTuple_Size(value) ? PyTuple_GetItem(value, i) : Py_None;
        field = (i == 3 || i == 4) && field != Py_None ? dump_trace_count_items(trace, field) : Py_NewRef(field);
        if (field == NULL) {
            Py_CLEAR(padded);
            break;
        }
        PyTuple_SetItem(padded, i, field);
    }
    Py_DECREF(value);
    return padded;
}

static bool
dump_trace_is_iterator(PyObject *value, Py_ssize_t index)
{
    PyObject *field = index < PyTuple_Size(value) ? PyTuple_GetItem(value, index) : Py_None;
    return field == Py_None || PyIter_Check(field);
}

/* Put the object on the stack with what it is reduced to, and give the pickler that. A reduction that the pickler will
 * refuse is left to it. Steals `value`. */
static PyObject *
dump_trace_reduced(Trace *trace, PyObject *object, PyObject *value)
{
    bool tuple = PyTuple_Check(value) && PyTuple_Size(value) >= 2 && PyTuple_Size(value) <= REDUCTION
                 && dump_trace_is_iterator(value, 3) && dump_trace_is_iterator(value, 4);
    if (!tuple && !PyUnicode_Check(value)) {
        return value;
    }
    if (tuple && (value = dump_trace_pad(trace, value)) == NULL) {
        return NULL;
    }
    if (dump_trace_push(trace, tuple ? TRACE_REDUCED : TRACE_GLOBAL, object) < 0) {
        Py_DECREF(value);
        return NULL;
    }
    if (tuple) {
        dump_trace_top(trace)->reduced = Py_NewRef(value);
        dump_trace_top(trace)->head = PyTuple_GetItem(value, 0) == trace->newobj_ex ? 3 : 2;
    }
    return value;
}

/* What the object's own methods reduce it to. */
static PyObject *
dump_trace_call_own(PyObject *object)
{
    PyObject *value = NULL, *method = NULL;
    if (dump_pickler_attribute(object, "__reduce_ex__", &method) == 0 && method != NULL) {
        value = PyObject_CallFunction(method, "i", DUMP_PICKLER_PROTOCOL);
    }
    else if (!PyErr_Occurred() && (method = PyObject_GetAttrString(object, "__reduce__")) != NULL) {
        value = PyObject_CallNoArgs(method);
    }
    Py_XDECREF(method);
    return value;
}

/* As save() has it once reducer_override() has declined. */
static PyObject *
dump_trace_call_usual(Trace *trace, PyObject *object)
{
    PyObject *type = (PyObject *)Py_TYPE(object);
    PyObject *value = NULL, *function = NULL;
    bool global = type == (PyObject *)&PyType_Type || type == (PyObject *)Py_TYPE(trace->newobj_ex);
    if (!global) {
        function = PyObject_GetItem(trace->table, type);
        if (function == NULL && !PyErr_ExceptionMatches(PyExc_KeyError)) {
            return NULL;
        }
        PyErr_Clear();
        global = function == NULL && PyType_Check(object);
    }
    if (!global) {
        value = function == NULL ? dump_trace_call_own(object) : PyObject_CallFunctionObjArgs(function, object, NULL);
    }
    else if ((value = dump_trace_singleton(object)) == NULL && !PyErr_Occurred()
             && dump_trace_push(trace, TRACE_GLOBAL, object) == 0) {
        value = Py_NewRef(Py_NotImplemented);
    }
    Py_XDECREF(function);
    return value;
}

/* What the object is reduced to, for the pickler: a tuple, a str, or NotImplemented. */
static PyObject *
dump_trace_call(Trace *trace, PyObject *object)
{
    PyObject *value = NULL;
    if (trace->reducer != NULL) {
        value = PyObject_CallFunctionObjArgs(trace->reducer, object, NULL);
        if (value == NULL) {
            return NULL;
        }
    }
    if (value == NULL || value == Py_NotImplemented) {
        Py_XDECREF(value);
        value = dump_trace_call_usual(trace, object);
    }
    return value == NULL || value == Py_NotImplemented ? value : dump_trace_reduced(trace, object, value);
}

static PyObject *
dump_trace_reduce(PyObject *capsule, PyObject *object)
{
    Trace *trace = dump_trace_of(capsule);
    if (trace == NULL) {
        return Py_NewRef(Py_NotImplemented);
    }
    PyObject *value = dump_trace_call(trace, object);
    if (value == NULL) {
        PyObject *type, *error, *traceback;
        PyErr_Fetch(&type, &error, &traceback);
        trace->in_python = traceback != NULL;
        PyErr_Restore(type, error, traceback);
    }
    return value;
}

/* ---- the pass ---- */

static void
dump_trace_free_box(PyObject *capsule)
{
    free(PyCapsule_GetPointer(capsule, NULL));
}

/* What the two functions have in common: it outlives the pass if the pickler does. */
static PyObject *
dump_trace_box(Trace *trace)
{
    Trace **box = malloc(sizeof *box);
    PyObject *capsule = box == NULL ? PyErr_NoMemory() : PyCapsule_New(box, NULL, dump_trace_free_box);
    if (capsule == NULL) {
        free(box);
        return NULL;
    }
    *box = trace;
    return capsule;
}

/* Note the pickler's own hooks, then set ours. */
static int
dump_trace_attach(Trace *trace, PyObject *pickler, PyObject *capsule)
{
    static PyMethodDef see = {"persistent_id", dump_trace_see, METH_O, NULL};
    static PyMethodDef reduce = {"reducer_override", dump_trace_reduce, METH_O, NULL};
    int ret = -1;
    PyObject *copyreg = compat_import("copyreg");
    PyObject *seer = PyCFunction_New(&see, capsule), *reducer = PyCFunction_New(&reduce, capsule);
    if (copyreg == NULL || seer == NULL || reducer == NULL
        || (trace->newobj_ex = PyObject_GetAttrString(copyreg, "__newobj_ex__")) == NULL
        || (trace->items_type = dump_trace_items_type()) == NULL
        || dump_pickler_attribute(pickler, "reducer_override", &trace->reducer) < 0
        || dump_pickler_attribute(pickler, "persistent_id", &trace->persistent) < 0
        || dump_pickler_attribute(pickler, "dispatch_table", &trace->table) < 0) {
        goto done;
    }
    if (trace->persistent != NULL && PyCFunction_Check(trace->persistent)) {
        Py_CLEAR(trace->persistent); /* 3.13 on: the base class has one, that does nothing */
    }
    if (trace->table == NULL && (trace->table = PyObject_GetAttrString(copyreg, "dispatch_table")) == NULL) {
        goto done;
    }
    if (dump_pickler_hook(pickler, seer, reducer) == 0) {
        ret = 0;
    }
done:
    Py_XDECREF(copyreg);
    Py_XDECREF(seer);
    Py_XDECREF(reducer);
    return ret;
}

/* The exception is set: have the stack end with the object that it is about. */
static int
dump_trace_stop(Trace *trace, PyObject *object)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    int ret = 0;
    const TraceLevel *top = dump_trace_top(trace);
    PyObject *last = trace->last;
    if (last != NULL && (top == NULL || top->object != last) && !dump_trace_is_saved(trace, last)) {
        ret = dump_trace_push(trace, TRACE_LEAF, last);
    }
    else if ((ret = dump_trace_finish(trace, NULL)) == 0 && trace->depth == 0) {
        ret = dump_trace_push(trace, TRACE_LEAF, object);
    }
    if (ret < 0) {
        Py_XDECREF(type);
        Py_XDECREF(value);
        Py_XDECREF(traceback);
        return -1;
    }
    PyErr_Restore(type, value, traceback);
    return 0;
}

int
dump_trace_run(Trace *trace, PyObject *object, PyObject *make_pickler)
{
    int ret = -1;
    PyObject *result = NULL;
    *trace = (Trace){0};
    PyObject *pickler = dump_pickler_make(make_pickler);
    PyObject *capsule = pickler == NULL ? NULL : dump_trace_box(trace);
    if (capsule != NULL && dump_trace_attach(trace, pickler, capsule) == 0) {
        result = PyObject_CallMethod(pickler, "dump", "(O)", object);
        ret = result != NULL ? 0 : dump_trace_stop(trace, object) == 0 ? 1 : -1;
    }
    if (capsule != NULL) {
        *(Trace **)PyCapsule_GetPointer(capsule, NULL) = NULL;
    }
    Py_XDECREF(result);
    Py_XDECREF(capsule);
    Py_XDECREF(pickler);
    return ret;
}

void
dump_trace_clear(Trace *trace)
{
    while (trace->depth > 0) {
        dump_trace_drop(trace);
    }
    free(trace->levels);
    free(trace->saved);
    Py_CLEAR(trace->last);
    Py_CLEAR(trace->items_type);
    Py_CLEAR(trace->newobj_ex);
    Py_CLEAR(trace->reducer);
    Py_CLEAR(trace->persistent);
    Py_CLEAR(trace->table);
}
