/* Rescued async generators, see rescued_run.h. What their methods make is awaited; only then does anything happen. */
#include "rescued_run.h"

#include <structmember.h>

/* What is awaited for one step of it. */
typedef struct Step {
    PyObject_HEAD
    Run *stream;        /* owned */
    PyObject *inner;    /* owned: what the async generator has made for the step */
    PyObject *thrown;   /* owned or NULL: the arguments of athrow(), whose exception is its caller's affair */
    bool closes;        /* aclose(): nobody waits for what comes of it */
} Step;

/* ---- a step ---- */

static bool
stream_passes(Step *self)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    bool passes = self->closes;
    for (Py_ssize_t i = 0; self->thrown != NULL && i < PyTuple_Size(self->thrown); i++) {
        PyObject *thrown = PyTuple_GetItem(self->thrown, i);
        passes |= thrown == value || thrown == (PyObject *)Py_TYPE(value);
    }
    PyErr_Restore(type, value, traceback);
    return passes;
}

/* An exception is set. True: the step is to be taken again, from the start of a new one, and nothing is set. */
static bool
stream_recover(Step *self)
{
    PyObject *value = NULL, *inner = NULL;
    ConsoleChoice choice = stream_passes(self) ? CHOICE_GO_ON : rescued_run_ask(self->stream, &value);
    Py_XDECREF(value);
    if (choice == CHOICE_RETURN) {
        PyErr_SetNone(PyExc_StopAsyncIteration);
    }
    if (choice == CHOICE_RETRY) {
        inner = PyObject_CallMethod(self->stream->inner, "__anext__", NULL);
    }
    if (inner != NULL) {
        Py_SETREF(self->inner, inner);
    }
    return inner != NULL;
}

static PySendResult
stream_send(PyObject *object, PyObject *value, PyObject **result)
{
    Step *self = (Step *)object;
    PySendResult status;
    do {
        PyObject *inner = Py_NewRef(self->inner);
        status = PyIter_Send(inner, value, result);
        Py_DECREF(inner);
        value = Py_None;
    } while (status == PYGEN_ERROR && stream_recover(self));
    return status;
}

static PyObject *
stream_iternext(PyObject *self)
{
    PyObject *result = NULL;
    PySendResult status = stream_send(self, Py_None, &result);
    return rescued_run_end(status, result, true);
}

static PyObject *
stream_send_method(PyObject *self, PyObject *value)
{
    PyObject *result = NULL;
    PySendResult status = stream_send(self, value, &result);
    return rescued_run_end(status, result, false);
}

static PyObject *
stream_throw(PyObject *object, PyObject *args)
{
    Step *self = (Step *)object;
    PyObject *throw = PyObject_GetAttrString(self->inner, "throw");
    PyObject *result = throw == NULL ? NULL : PyObject_CallObject(throw, args);
    Py_XDECREF(throw);
    if (result != NULL || throw == NULL || PyErr_ExceptionMatches(PyExc_StopIteration) || !stream_recover(self)) {
        return result;
    }
    PySendResult status = stream_send(object, Py_None, &result);
    return rescued_run_end(status, result, false);
}

static PyObject *
stream_close(PyObject *self, PyObject *Py_UNUSED(none))
{
    return PyObject_CallMethod(((Step *)self)->inner, "close", NULL);
}

static PyMethodDef step_methods[] = {
    {"send", stream_send_method, METH_O, NULL},
    {"throw", stream_throw, METH_VARARGS, NULL},
    {"close", stream_close, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyObject *
stream_self(PyObject *self)
{
    return Py_NewRef(self);
}

static int
step_traverse(PyObject *object, visitproc visit, void *arg)
{
    Step *self = (Step *)object;
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->stream);
    Py_VISIT(self->inner);
    Py_VISIT(self->thrown);
    return 0;
}

static void
step_dealloc(PyObject *object)
{
    Step *self = (Step *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    Py_CLEAR(self->inner);
    Py_CLEAR(self->thrown);
    Py_CLEAR(self->stream);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(object);
    Py_DECREF(type);
}

#define SLOT(function) ((void *)(function))
static PyType_Slot step_slots[] = {
    {Py_tp_dealloc, SLOT(step_dealloc)},
    {Py_tp_traverse, SLOT(step_traverse)},
    {Py_tp_iter, SLOT(stream_self)},
    {Py_tp_iternext, SLOT(stream_iternext)},
    {Py_am_await, SLOT(stream_self)},
    {Py_am_send, SLOT(stream_send)},
    {Py_tp_methods, step_methods},
    {0, NULL},
};

enum {
    STREAM_FLAGS = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE
        | Py_TPFLAGS_DISALLOW_INSTANTIATION,
};

static PyType_Spec step_spec = {
    .name = "hooking._core.RescuedStep",
    .basicsize = sizeof(Step),
    .flags = STREAM_FLAGS,
    .slots = step_slots,
};

/* ---- the async generator ---- */

/* `inner`: stolen; NULL with an exception. */
static PyObject *
stream_step(PyObject *stream, PyObject *inner, PyObject *thrown, bool closes)
{
    ModuleState *state = state_of_type(Py_TYPE((PyObject *)((Run *)stream)->rescued));
    Step *self = inner == NULL ? NULL : (Step *)PyType_GenericAlloc(state->step_type, 0);
    if (self == NULL) {
        Py_XDECREF(inner);
        return NULL;
    }
    self->stream = (Run *)Py_NewRef(stream);
    self->inner = inner;
    self->thrown = Py_XNewRef(thrown);
    self->closes = closes;
    return (PyObject *)self;
}

static PyObject *
stream_anext(PyObject *self)
{
    return stream_step(self, PyObject_CallMethod(((Run *)self)->inner, "__anext__", NULL), NULL, false);
}

static PyObject *
stream_asend(PyObject *self, PyObject *value)
{
    return stream_step(self, PyObject_CallMethod(((Run *)self)->inner, "asend", "(O)", value), NULL, false);
}

static PyObject *
stream_athrow(PyObject *self, PyObject *args)
{
    PyObject *athrow = PyObject_GetAttrString(((Run *)self)->inner, "athrow");
    PyObject *inner = athrow == NULL ? NULL : PyObject_CallObject(athrow, args);
    Py_XDECREF(athrow);
    return stream_step(self, inner, args, false);
}

static PyObject *
stream_aclose(PyObject *self, PyObject *Py_UNUSED(none))
{
    return stream_step(self, PyObject_CallMethod(((Run *)self)->inner, "aclose", NULL), NULL, true);
}

static PyMethodDef stream_methods[] = {
    {"asend", stream_asend, METH_O, NULL},
    {"athrow", stream_athrow, METH_VARARGS, NULL},
    {"aclose", stream_aclose, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef stream_members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(Run, weakrefs), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot stream_slots[] = {
    {Py_tp_dealloc, SLOT(rescued_run_dealloc)},
    {Py_tp_traverse, SLOT(rescued_run_traverse)},
    {Py_tp_clear, SLOT(rescued_run_clear)},
    {Py_tp_getattro, SLOT(rescued_run_getattro)},
    {Py_tp_repr, SLOT(rescued_run_repr)},
    {Py_am_aiter, SLOT(stream_self)},
    {Py_am_anext, SLOT(stream_anext)},
    {Py_tp_methods, stream_methods},
    {Py_tp_members, stream_members},
    {0, NULL},
};

static PyType_Spec stream_spec = {
    .name = "hooking._core.RescuedAsyncGenerator",
    .basicsize = sizeof(Run),
    .flags = STREAM_FLAGS,
    .slots = stream_slots,
};

int
rescued_stream_init(PyObject *module, ModuleState *state)
{
    state->step_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &step_spec, NULL);
    state->run_types[RESCUED_ASYNC_GENERATOR] = (PyTypeObject *)PyType_FromModuleAndSpec(module, &stream_spec, NULL);
    return state->step_type == NULL || state->run_types[RESCUED_ASYNC_GENERATOR] == NULL ? -1 : 0;
}
