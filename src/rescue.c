/* `rescue`, see rescue.h: one object that is a decorator and a context manager, and makes others for other exceptions.
 * It holds nothing that changes, so one serves any number of functions, blocks and threads. */
#include "rescue.h"

#include "entry.h"
#include "rescued.h"
#include "restart.h"

typedef struct Rescue {
    PyObject_HEAD
    PyObject *exceptions; /* owned: a class or a tuple, as for `except` */
} Rescue;

static PyObject *
rescue_new(ModuleState *state, PyObject *exceptions)
{
    Rescue *self = (Rescue *)PyType_GenericAlloc(state->rescue_type, 0);
    if (self != NULL) {
        self->exceptions = Py_NewRef(exceptions);
    }
    return (PyObject *)self;
}

/* Is it what may stand behind `except`? A tuple may hold tuples. */
static bool
rescue_is_exceptions(PyObject *object)
{
    if (!PyTuple_Check(object)) {
        return PyExceptionClass_Check(object);
    }
    bool all = true;
    for (Py_ssize_t i = 0; all && i < PyTuple_Size(object); i++) {
        all = rescue_is_exceptions(PyTuple_GetItem(object, i));
    }
    return all;
}

static PyObject *
rescue_call(PyObject *object, PyObject *args, PyObject *named)
{
    Rescue *self = (Rescue *)object;
    ModuleState *state = state_of_type(Py_TYPE(object));
    Py_ssize_t count = PyTuple_Size(args);
    if (named != NULL && PyDict_Size(named) > 0) {
        PyErr_SetString(PyExc_TypeError, "rescue() takes no keyword arguments");
        return NULL;
    }
    if (count == 0) {
        return Py_NewRef(object);
    }
    if (rescue_is_exceptions(args)) {
        return rescue_new(state, args);
    }
    if (count > 1) {
        PyErr_Format(PyExc_TypeError, "rescue() takes one function, or classes of exceptions, not %R", args);
        return NULL;
    }
    PyObject *rescued = rescued_new(state, PyTuple_GetItem(args, 0), self->exceptions);
    if (rescued != NULL && state->disabled) { /* for good: the function itself does as well, and costs nothing */
        Py_SETREF(rescued, Py_NewRef(PyTuple_GetItem(args, 0)));
    }
    return rescued;
}

static PyObject *
rescue_enter(PyObject *Py_UNUSED(self), PyObject *Py_UNUSED(none))
{
    return Py_NewRef(Py_None);
}

static PyObject *
rescue_exit(PyObject *object, PyObject *const *args, Py_ssize_t count)
{
    Rescue *self = (Rescue *)object;
    if (count != 3) {
        PyErr_Format(PyExc_TypeError, "__exit__() takes 3 arguments, type, exception and traceback, not %zd",
                     count);
        return NULL;
    }
    if (!PyExceptionInstance_Check(args[1])) {
        return Py_NewRef(Py_False);
    }
    ModuleState *state = state_of_type(Py_TYPE(object));
    if (!restart_concerns(state, args[1], self->exceptions)) {
        return Py_NewRef(Py_False);
    }
    ConsoleChoice choice = restart_ask_block(state, args[1]);
    return PyErr_Occurred() ? NULL : PyBool_FromLong(choice == CHOICE_SKIP);
}

static PyObject *
rescue_repr(PyObject *self)
{
    PyObject *exceptions = ((Rescue *)self)->exceptions;
    return PyTuple_Check(exceptions) ? PyUnicode_FromFormat("<hooking.rescue of %R>", exceptions)
                                     : PyUnicode_FromString("<hooking.rescue>");
}

/* The one of the module by its name, others by what they are made with. */
static PyObject *
rescue_reduce(PyObject *self, PyObject *Py_UNUSED(none))
{
    PyObject *exceptions = ((Rescue *)self)->exceptions;
    if (!PyTuple_Check(exceptions)) {
        return PyUnicode_FromString("rescue");
    }
    PyObject *module = compat_import("hooking");
    PyObject *rescue = module == NULL ? NULL : PyObject_GetAttrString(module, "rescue");
    PyObject *reduced = rescue == NULL ? NULL : Py_BuildValue("(OO)", rescue, exceptions);
    Py_XDECREF(rescue);
    Py_XDECREF(module);
    return reduced;
}

static int
rescue_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((Rescue *)self)->exceptions);
    return 0;
}

static void
rescue_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    Py_CLEAR(((Rescue *)self)->exceptions);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(self);
    Py_DECREF(type);
}

PyDoc_STRVAR(rescue_doc,
"Open a console when a function or a block raises an exception, and let the user say how to go on.\n\n"
"    @rescue                        @rescue(ValueError, KeyError)\n"
"    def load(path): ...            async def fetch(url): ...\n\n"
"    with rescue: ...               with rescue(OSError): ...\n\n"
"The console is in the frame that raised. Ctrl-D lets the exception go on as it was. Of a function\n"
"    retry        calls it again: with its arguments, or what its parameters were changed to at the prompt; and as it\n"
"                 is defined then, if it was defined anew or its module was reloaded\n"
"    return EXPR  gives the caller a value instead\n"
"    throw EXPR   raises another exception\n"
"and of a block\n"
"    skip         goes on behind it\n"
"    throw EXPR   raises another exception.\n\n"
"Functions may be methods, generators, coroutines and async generators. A generator that is retried begins from its\n"
"start; what is returned for an async generator ends it, without a value. Of rescued calls within each other the\n"
"innermost asks first, and Ctrl-D hands the exception on to the next; a function that calls itself asks once.\n\n"
"Without classes given it is about Exception; so SystemExit, KeyboardInterrupt and asyncio.CancelledError pass, as\n"
"StopIteration, StopAsyncIteration and GeneratorExit do in any case.\n\n"
"HOOKING=0 in the environment switches it off. Where there is nobody to talk to a warning is logged, and the\n"
"exception goes on.\n\n"
"Raises TypeError for what is neither a function nor a class of exceptions.");

#define METHOD(function) ((PyCFunction)(void (*)(void))(function))
static PyMethodDef rescue_methods[] = {
    {"__enter__", rescue_enter, METH_NOARGS, NULL},
    {"__exit__", METHOD(rescue_exit), METH_FASTCALL, NULL},
    {"__reduce__", rescue_reduce, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

#define SLOT(function) ((void *)(function))
static PyType_Slot rescue_slots[] = {
    {Py_tp_doc, (void *)rescue_doc},
    {Py_tp_dealloc, SLOT(rescue_dealloc)},
    {Py_tp_traverse, SLOT(rescue_traverse)},
    {Py_tp_repr, SLOT(rescue_repr)},
    {Py_tp_call, SLOT(rescue_call)},
    {Py_tp_methods, rescue_methods},
    {0, NULL},
};

static PyType_Spec rescue_spec = {
    .name = "hooking._core.Rescue",
    .basicsize = sizeof(Rescue),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = rescue_slots,
};

int
rescue_init(PyObject *module, ModuleState *state)
{
    state->rescue_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &rescue_spec, NULL);
    PyObject *rescue = state->rescue_type == NULL ? NULL : rescue_new(state, PyExc_Exception);
    int ret = rescue == NULL ? -1 : PyModule_AddObjectRef(module, "rescue", rescue);
    Py_XDECREF(rescue);
    return ret < 0 ? -1 : rescued_init(module, state);
}
