/* Rescued generators and coroutines, see rescued_run.h. */
#include "rescued_run.h"

#include <structmember.h>

#include "restart.h"

/* ---- asking ---- */

/* An exception that has no traceback has not come out of the function: "generator already executing". */
static bool
run_is_from_within(void)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    bool is = traceback != NULL;
    PyErr_Restore(type, value, traceback);
    return is;
}

ConsoleChoice
rescued_run_ask(Run *self, PyObject **value)
{
    ModuleState *state = state_of_type(Py_TYPE((PyObject *)self->rescued));
    if (!restart_concerns(state, PyErr_Occurred(), self->rescued->exceptions) || !run_is_from_within()) {
        return CHOICE_GO_ON;
    }
    PyObject *inner = NULL;
    ConsoleChoice choice;
    do { /* again if the call itself fails */
        choice = restart_ask(state, self->rescued, &self->call, value);
        if (choice == CHOICE_RETRY) {
            inner = call_make(&self->call);
        }
    } while (choice == CHOICE_RETRY && inner == NULL
             && restart_concerns(state, PyErr_Occurred(), self->rescued->exceptions));
    if (inner != NULL) {
        Py_SETREF(self->inner, inner);
    }
    return choice == CHOICE_RETRY && inner == NULL ? CHOICE_GO_ON : choice;
}

/* ---- going on with it ---- */

static PySendResult
run_send(PyObject *object, PyObject *value, PyObject **result)
{
    Run *self = (Run *)object;
    ConsoleChoice choice;
    PySendResult status;
    do {
        PyObject *inner = Py_NewRef(self->inner); /* what it does may lead to another one */
        status = PyIter_Send(inner, value, result);
        Py_DECREF(inner);
        if (status != PYGEN_ERROR) {
            return status;
        }
        choice = rescued_run_ask(self, result);
        value = Py_None; /* a new one can be sent nothing else */
    } while (choice == CHOICE_RETRY);
    return choice == CHOICE_RETURN ? PYGEN_RETURN : PYGEN_ERROR;
}

/* StopIteration with a value. As CPython's generators do: a value that would be taken for the arguments, or for the
 * exception itself, is wrapped, which costs a call of its own. */
static void
run_stop(PyObject *value)
{
    if (!PyTuple_Check(value) && !PyExceptionInstance_Check(value)) {
        PyErr_SetObject(PyExc_StopIteration, value);
        return;
    }
    PyObject *stop = PyObject_CallFunctionObjArgs(PyExc_StopIteration, value, NULL);
    if (stop != NULL) {
        PyErr_SetObject(PyExc_StopIteration, stop);
        Py_DECREF(stop);
    }
}

PyObject *
rescued_run_end(PySendResult status, PyObject *result, bool bare)
{
    if (status == PYGEN_RETURN) {
        if (result != Py_None) {
            run_stop(result);
        }
        else if (!bare) {
            PyErr_SetNone(PyExc_StopIteration);
        }
        Py_CLEAR(result);
    }
    return status == PYGEN_NEXT ? result : NULL;
}

static PyObject *
run_iternext(PyObject *self)
{
    PyObject *result = NULL;
    PySendResult status = run_send(self, Py_None, &result);
    return rescued_run_end(status, result, true);
}

static PyObject *
run_send_method(PyObject *self, PyObject *value)
{
    PyObject *result = NULL;
    PySendResult status = run_send(self, value, &result);
    return rescued_run_end(status, result, false);
}

/* Has what was thrown in come out again? To a generator it is its caller's affair: contextlib throws in what a `with`
 * block has raised. Into a coroutine everything comes that something it awaits has raised. */
static bool
run_is_thrown(PyObject *args)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    bool is = false;
    for (Py_ssize_t i = 0; i < PyTuple_Size(args) && i < 2; i++) {
        is |= PyTuple_GetItem(args, i) == value || PyTuple_GetItem(args, i) == (PyObject *)Py_TYPE(value);
    }
    PyErr_Restore(type, value, traceback);
    return is;
}

static PyObject *
run_throw(PyObject *object, PyObject *args)
{
    Run *self = (Run *)object;
    PyObject *throw = PyObject_GetAttrString(self->inner, "throw");
    PyObject *result = throw == NULL ? NULL : PyObject_CallObject(throw, args);
    Py_XDECREF(throw);
    if (result != NULL || throw == NULL || (self->rescued->kind == RESCUED_GENERATOR && run_is_thrown(args))) {
        return result;
    }
    PySendResult status = PYGEN_ERROR;
    ConsoleChoice choice = rescued_run_ask(self, &result);
    if (choice == CHOICE_RETRY) {
        status = run_send(object, Py_None, &result);
    }
    return rescued_run_end(choice == CHOICE_RETURN ? PYGEN_RETURN : status, result, false);
}

/* Nobody waits for what comes of it, so its exceptions pass. */
static PyObject *
run_close(PyObject *self, PyObject *Py_UNUSED(none))
{
    return PyObject_CallMethod(((Run *)self)->inner, "close", NULL);
}

static PyMethodDef run_methods[] = {
    {"send", run_send_method, METH_O, NULL},
    {"throw", run_throw, METH_VARARGS, NULL},
    {"close", run_close, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

/* ---- what they are ---- */

PyObject *
rescued_run_getattro(PyObject *object, PyObject *name)
{
    PyObject *value = PyObject_GenericGetAttr(object, name);
    if (value == NULL && PyErr_ExceptionMatches(PyExc_AttributeError)) {
        PyErr_Clear();
        value = PyObject_GetAttr(((Run *)object)->inner, name); /* gi_frame, cr_await, __qualname__ */
    }
    return value;
}

PyObject *
rescued_run_repr(PyObject *object)
{
    return PyUnicode_FromFormat("<rescued %R>", ((Run *)object)->inner);
}

static PyObject *
run_self(PyObject *self)
{
    return Py_NewRef(self);
}

int
rescued_run_traverse(PyObject *object, visitproc visit, void *arg)
{
    Run *self = (Run *)object;
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->rescued);
    Py_VISIT(self->inner);
    Py_VISIT(self->call.function);
    Py_VISIT(self->call.args);
    Py_VISIT(self->call.named);
    return 0;
}

/* The inner one stays, and can be cleared itself. */
int
rescued_run_clear(PyObject *object)
{
    Py_CLEAR(((Run *)object)->call.named);
    return 0;
}

void
rescued_run_dealloc(PyObject *object)
{
    Run *self = (Run *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    if (self->weakrefs != NULL) {
        PyObject_ClearWeakRefs(object);
    }
    call_drop(&self->call);
    Py_CLEAR(self->inner);
    Py_CLEAR(self->rescued);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(object);
    Py_DECREF(type);
}

static PyMemberDef run_members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(Run, weakrefs), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

#define SLOT(function) ((void *)(function))
#define RUN_SLOTS                                    \
    {Py_tp_dealloc, SLOT(rescued_run_dealloc)},      \
    {Py_tp_traverse, SLOT(rescued_run_traverse)},    \
    {Py_tp_clear, SLOT(rescued_run_clear)},          \
    {Py_tp_getattro, SLOT(rescued_run_getattro)},    \
    {Py_tp_repr, SLOT(rescued_run_repr)},            \
    {Py_tp_iternext, SLOT(run_iternext)},            \
    {Py_am_send, SLOT(run_send)},                    \
    {Py_tp_methods, run_methods},                    \
    {Py_tp_members, run_members}

enum {
    RUN_FLAGS = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
};

static PyType_Slot generator_slots[] = {RUN_SLOTS, {Py_tp_iter, SLOT(run_self)}, {0, NULL}};
static PyType_Spec generator_spec = {
    .name = "hooking._core.RescuedGenerator",
    .basicsize = sizeof(Run),
    .flags = RUN_FLAGS,
    .slots = generator_slots,
};

/* It is its own iterator, for `await`; what can be awaited and has no __iter__ cannot be iterated over by others. */
static PyType_Slot coroutine_slots[] = {RUN_SLOTS, {Py_am_await, SLOT(run_self)}, {0, NULL}};
static PyType_Spec coroutine_spec = {
    .name = "hooking._core.RescuedCoroutine",
    .basicsize = sizeof(Run),
    .flags = RUN_FLAGS,
    .slots = coroutine_slots,
};

int
rescued_run_init(PyObject *module, ModuleState *state)
{
    PyTypeObject **types = state->run_types;
    types[RESCUED_GENERATOR] = (PyTypeObject *)PyType_FromModuleAndSpec(module, &generator_spec, NULL);
    types[RESCUED_COROUTINE] = (PyTypeObject *)PyType_FromModuleAndSpec(module, &coroutine_spec, NULL);
    return types[RESCUED_GENERATOR] == NULL || types[RESCUED_COROUTINE] == NULL ? -1
        : rescued_stream_init(module, state);
}

PyObject *
rescued_run_new(ModuleState *state, Rescued *rescued, PyObject *made, Call *call)
{
    int slot = rescued->kind == RESCUED_ASYNC_GENERATOR ? Py_am_anext : Py_am_send;
    if (PyType_GetSlot(Py_TYPE(made), slot) == NULL) {
        call_drop(call);
        return made;
    }
    Run *self = (Run *)PyType_GenericAlloc(state->run_types[rescued->kind], 0);
    if (self == NULL) {
        Py_DECREF(made);
        call_drop(call);
        return NULL;
    }
    self->rescued = (Rescued *)Py_NewRef((PyObject *)rescued);
    self->inner = made;
    self->call = *call;
    *call = (Call){0};
    return (PyObject *)self;
}
