/* hooking.watch(), hooking.unwatch(), and the type of what the first returns. */
#include "watch.h"

#include "compat.h"
#include "frame.h"
#include "watch_hit.h"

#include <stdint.h>

/* ---- hooking.watch() ---- */

/* The frame that is meant: `depth` callers up from the running one. New reference, NULL with an exception. */
static PyObject *
door_frame(long depth)
{
    PyObject *frame = frame_current();
    if (depth < 0) {
        PyErr_Format(PyExc_ValueError, "watch(): depth must be a number of callers, not %ld", depth);
        Py_CLEAR(frame);
        return NULL;
    }
    for (long i = 0; frame != NULL && i < depth; i++) {
        Py_SETREF(frame, frame_back(frame));
    }
    if (frame == NULL && !PyErr_Occurred()) {
        PyErr_Format(PyExc_ValueError, "watch(): there are not %ld callers", depth);
    }
    return frame;
}

/* What is wrong with the arguments? -1 with an exception. */
static int
door_check(const WatchAsk *ask)
{
    if (!PyUnicode_Check(ask->text)) {
        PyErr_Format(PyExc_TypeError, "watch(): target must be a str as 'NAME', 'OBJ.attr', 'D[key]', 'L[i]' or "
                     "'global NAME', not %R", ask->text);
        return -1;
    }
    if (ask->when != NULL && !PyUnicode_Check(ask->when) && !PyCallable_Check(ask->when)) {
        PyErr_Format(PyExc_TypeError, "watch(): when must be an expression (a str), a callable or None, not %R",
                     ask->when);
        return -1;
    }
    if (ask->call != NULL && !PyCallable_Check(ask->call)) {
        PyErr_Format(PyExc_TypeError, "watch(): call must be a callable or None, not %R", ask->call);
        return -1;
    }
    return 0;
}

static PyObject *
door_watch(PyObject *module, PyObject *args, PyObject *named)
{
    static char *names[] = {(char *)"target", (char *)"when", (char *)"read", (char *)"call", (char *)"depth", NULL};
    ModuleState *state = state_of_module(module);
    WatchAsk ask = {0};
    PyObject *when = Py_None, *call = Py_None, *read = Py_False;
    Watch *watch = NULL;
    long depth = 0;
    if (!PyArg_ParseTupleAndKeywords(args, named, "O|$OOOl:watch", names, &ask.text, &when, &read, &call, &depth)) {
        return NULL;
    }
    ask.when = when == Py_None ? NULL : when;
    ask.call = call == Py_None ? NULL : call;
    ask.read = PyObject_IsTrue(read);
    if (ask.read < 0 || door_check(&ask) < 0) {
        return NULL;
    }
    PyObject *frame = door_frame(depth), *shared = PyDict_New();
    Namespace *ns = frame == NULL || shared == NULL ? NULL : scope_new(state, frame, shared, 0);
    if (ns != NULL) {
        watch = watch_add(state, ns, &ask);
        scope_close(ns);
    }
    Py_XDECREF((PyObject *)ns);
    Py_XDECREF(shared);
    Py_XDECREF(frame);
    return (PyObject *)watch;
}

static PyObject *
door_unwatch(PyObject *module, PyObject *which)
{
    Py_ssize_t removed = 0;
    ModuleState *state = state_of_module(module);
    if (Py_TYPE(which) == state->watch_type) { /* as often as wanted */
        removed = ((Watch *)which)->state != NULL;
        watch_remove((Watch *)which);
    }
    else if (PyLong_Check(which) || PyUnicode_Check(which)) {
        removed = watch_remove_named(state, which);
    }
    else {
        PyErr_Format(PyExc_TypeError, "unwatch(): what watch() has returned, its number, its target or \"all\", not %R",
                     which);
        removed = -1;
    }
    return removed < 0 ? NULL : PyLong_FromSsize_t(removed);
}

PyDoc_STRVAR(watch_doc,
"watch(target, *, when=None, read=False, call=None, depth=0)\n"
"--\n\n"
"Open a console when something changes: at the next instruction of the code that has done it, in its frame.\n\n"
"target: str, seen from the frame that calls watch(). 'NAME': a variable of this call of the function, else a\n"
"    global. 'global NAME'. 'OBJ.attr', 'D[key]' of a dict, 'L[i]' of a list: OBJ, D, L and what stands in the\n"
"    brackets are evaluated once, now.\n"
"when: str, an expression that is evaluated in the frame that has done it, with `old` and `new`; or a callable that\n"
"    gets both. The watch is met only when it is true.\n"
"read: if true, a global is watched for being read, not for changes.\n"
"call: a callable that is called in the place of a console, with the old value, the new one and the Watch. What it\n"
"    raises goes to the program. The Watch's `unbound` stands for the value of what is not bound.\n"
"depth: int, the frame of so many callers up is meant.\n\n"
"Returns a Watch: number, target, hits, value, condition, file, line, function (of the last hit), active, remove();\n"
"as a context manager it is removed at the end of the block. It keeps nothing alive: it ends with the call whose\n"
"variable it watches, or with the object. The same object again, or an equal number or text, is no change.\n\n"
"Raises NameError, what evaluating OBJ, D, L raises, SyntaxError, ValueError or TypeError for what cannot be watched;\n"
"RuntimeError when other tools have taken all that is needed for it.");

PyDoc_STRVAR(unwatch_doc,
"unwatch(which)\n"
"--\n\n"
"End watches: which is what watch() has returned, its number, its target or 'all'. Returns how many. Raises\n"
"ValueError if there is none of that number or target.");

#define METHOD(function) ((PyCFunction)(void (*)(void))(function))
PyMethodDef watch_methods[] = {
    {"watch", METHOD(door_watch), METH_VARARGS | METH_KEYWORDS, watch_doc},
    {"unwatch", door_unwatch, METH_O, unwatch_doc},
    {NULL, NULL, 0, NULL},
};

/* ---- the type ---- */

static PyObject *
door_remove(PyObject *self, PyObject *Py_UNUSED(none))
{
    watch_remove((Watch *)self);
    return Py_NewRef(Py_None);
}

static PyObject *
door_enter(PyObject *self, PyObject *Py_UNUSED(none))
{
    return Py_NewRef(self);
}

static PyObject *
door_exit(PyObject *self, PyObject *Py_UNUSED(args))
{
    watch_remove((Watch *)self);
    return Py_NewRef(Py_False);
}

static PyObject *
door_repr(PyObject *self)
{
    Watch *watch = (Watch *)self;
    return PyUnicode_FromFormat("<hooking.Watch %ld: %U%s>", watch->number, watch->text,
                                watch->state == NULL ? ", ended" : "");
}

typedef enum DoorField {
    FIELD_NUMBER, FIELD_TARGET, FIELD_HITS, FIELD_VALUE, FIELD_OLD, FIELD_NEW, FIELD_CONDITION, FIELD_FILE, FIELD_LINE,
    FIELD_FUNCTION, FIELD_ACTIVE,
} DoorField;

static PyObject *
door_value(Watch *watch)
{
    PyObject *value;
    ModuleState *state = state_of_type(Py_TYPE((PyObject *)watch));
    int found = watch->state == NULL ? WATCH_GONE : watch_probe(watch, &value);
    return found < 0 ? NULL : found == 1 ? value : Py_NewRef(watch_unbound(state));
}

static PyObject *
door_get(PyObject *self, void *closure)
{
    Watch *watch = (Watch *)self;
    ModuleState *state = state_of_type(Py_TYPE(self));
    PyObject *unbound = watch_unbound(state);
    const WatchHit *hit = watch_quiet_hit(state->watches, watch); /* in a call of `call` */
    const WatchPlace *place = hit != NULL ? &hit->place : &watch->met;
    switch ((DoorField)(intptr_t)closure) {
    case FIELD_NUMBER:
        return PyLong_FromLong(watch->number);
    case FIELD_TARGET:
        return Py_NewRef(watch->text);
    case FIELD_HITS:
        return PyLong_FromLong(watch->hits);
    case FIELD_VALUE:
        return door_value(watch);
    case FIELD_OLD:
        return Py_NewRef(hit == NULL || hit->old == NULL ? unbound : hit->old);
    case FIELD_NEW:
        return Py_NewRef(hit == NULL || hit->new == NULL ? unbound : hit->new);
    case FIELD_CONDITION:
        return Py_NewRef(watch->when == NULL        ? Py_None
                         : PyTuple_CheckExact(watch->when) ? PyTuple_GetItem(watch->when, 0)
                                                      : watch->when);
    case FIELD_FILE:
        return Py_NewRef(place->file == NULL ? Py_None : place->file);
    case FIELD_LINE:
        return PyLong_FromLong(place->line);
    case FIELD_FUNCTION:
        return Py_NewRef(place->function == NULL ? Py_None : place->function);
    case FIELD_ACTIVE:
        return PyBool_FromLong(watch->state != NULL);
    }
    return Py_NewRef(Py_None);
}

static int
door_traverse(PyObject *self, visitproc visit, void *arg)
{
    Watch *watch = (Watch *)self;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(watch->name);
    Py_VISIT(watch->slot);
    Py_VISIT(watch->frame);
    Py_VISIT(watch->code);
    if (watch->way != WAY_DICT) {
        Py_VISIT(watch->object);
    }
    Py_VISIT(watch->weak);
    Py_VISIT(watch->value);
    Py_VISIT(watch->when);
    Py_VISIT(watch->call);
    return 0;
}

/* One that is in the list is never garbage. */
static int
door_clear(PyObject *self)
{
    Watch *watch = (Watch *)self;
    if (watch->way != WAY_DICT) {
        Py_CLEAR(watch->object);
    }
    Py_CLEAR(watch->name);
    Py_CLEAR(watch->slot);
    Py_CLEAR(watch->frame);
    Py_CLEAR(watch->code);
    Py_CLEAR(watch->weak);
    Py_CLEAR(watch->value);
    Py_CLEAR(watch->when);
    Py_CLEAR(watch->call);
    return 0;
}

static void
door_dealloc(PyObject *self)
{
    Watch *watch = (Watch *)self;
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    door_clear(self);
    Py_CLEAR(watch->text);
    Py_CLEAR(watch->file);
    Py_CLEAR(watch->function);
    watch_place_clear(&watch->met);
    PyMem_Free(watch->hidden);
    PyMem_Free(watch->lines);
    PyObject_GC_Del(self);
    Py_DECREF((PyObject *)type);
}

static PyMethodDef door_methods[] = {
    {"remove", door_remove, METH_NOARGS, "remove()\n--\n\nEnd it. As often as wanted."},
    {"__enter__", door_enter, METH_NOARGS, NULL},
    {"__exit__", door_exit, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

#define FIELD(name, which, doc) {name, door_get, NULL, doc, (void *)(intptr_t)(which)}
static PyGetSetDef door_fields[] = {
    FIELD("number", FIELD_NUMBER, "int: what `unwatch` takes"),
    FIELD("target", FIELD_TARGET, "str: as it was given"),
    FIELD("hits", FIELD_HITS, "int: how often it was met"),
    FIELD("value", FIELD_VALUE, "the value now; `unbound`"),
    FIELD("old", FIELD_OLD, "in a call of `call`: the value before"),
    FIELD("new", FIELD_NEW, "in a call of `call`: the value now"),
    FIELD("condition", FIELD_CONDITION, "str, callable or None"),
    FIELD("file", FIELD_FILE, "str or None: where it was met last"),
    FIELD("line", FIELD_LINE, "int: there; 0 if it was not met"),
    FIELD("function", FIELD_FUNCTION, "str or None: there"),
    FIELD("active", FIELD_ACTIVE, "bool: False when it was removed, or what it watched is gone"),
    {NULL, NULL, NULL, NULL, NULL},
};

static PyObject *
door_unbound_repr(PyObject *Py_UNUSED(self))
{
    return PyUnicode_FromString("(unbound)");
}

static int
door_unbound_bool(PyObject *Py_UNUSED(self))
{
    return 0;
}

#define SLOT(function) ((void *)(function))
int
watch_init(PyObject *module, ModuleState *state)
{
    PyType_Slot slots[] = {
        {Py_tp_doc, (void *)"A watchpoint: what watch() returns."},
        {Py_tp_dealloc, SLOT(door_dealloc)},
        {Py_tp_traverse, SLOT(door_traverse)},
        {Py_tp_clear, SLOT(door_clear)},
        {Py_tp_repr, SLOT(door_repr)},
        {Py_tp_methods, door_methods},
        {Py_tp_getset, door_fields},
        {0, NULL},
    };
    PyType_Spec spec = {
        .name = "hooking._core.Watch", .basicsize = sizeof(Watch),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION, .slots = slots,
    };
    PyType_Slot unbound_slots[] = {
        {Py_tp_doc, (void *)"Stands for the value of what is not bound."},
        {Py_tp_repr, SLOT(door_unbound_repr)},
        {Py_nb_bool, SLOT(door_unbound_bool)},
        {0, NULL},
    };
    PyType_Spec unbound_spec = {
        .name = "hooking._core.Unbound", .basicsize = sizeof(PyObject),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, .slots = unbound_slots,
    };
    /* of no module: an object that the garbage collector does not see would keep that alive */
    PyObject *unbound = PyType_FromSpec(&unbound_spec);
    state->watch_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &spec, NULL);
    state->watch_unbound = unbound == NULL ? NULL : PyType_GenericAlloc((PyTypeObject *)unbound, 0);
    Py_XDECREF(unbound);
    if (state->watch_type == NULL || state->watch_unbound == NULL) {
        return -1;
    }
    return PyObject_SetAttrString((PyObject *)state->watch_type, "unbound", state->watch_unbound);
}
