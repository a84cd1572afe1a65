/* The callable that @rescue makes of a function, see rescued.h.
 *
 * It costs one more call in C as long as nothing is raised: the arguments are handed on as they lie, and are looked at
 * only when an exception has come back. The caller keeps them for the time of the call.
 *
 * It looks like the function: what it does not know itself it asks the function for, __code__ and __defaults__ too, by
 * which `inspect` tells what a function makes. Its own dictionary has what functools.wraps() puts into one.
 */
#include "rescued.h"

#include <structmember.h>

#include "call.h"
#include "callee.h"
#include "rescued_run.h"
#include "restart.h"

/* ---- calling ---- */

/* The call has raised what is set. Its result after all, or NULL with an exception. */
static PyObject *
rescued_recover(ModuleState *state, Rescued *self, Call *call)
{
    PyObject *result = NULL;
    ConsoleChoice choice = CHOICE_RETRY;
    while (choice == CHOICE_RETRY && result == NULL
           && restart_concerns(state, PyErr_Occurred(), self->exceptions)) {
        choice = restart_ask(state, self, call, &result);
        if (choice == CHOICE_RETRY) {
            result = call_make(call);
        }
    }
    return result;
}

static PyObject *
rescued_take_up(Rescued *self, PyObject *const *args, size_t counted, PyObject *names)
{
    ModuleState *state = state_of_type(Py_TYPE((PyObject *)self));
    PyObject *result = NULL;
    Call call;
    if (restart_concerns(state, PyErr_Occurred(), self->exceptions)
        && call_take(&call, self->function, args, counted, names) == 0) {
        result = rescued_recover(state, self, &call);
        call_drop(&call);
    }
    return result;
}

static PyObject *
rescued_vectorcall(PyObject *self, PyObject *const *args, size_t counted, PyObject *names)
{
    PyObject *result = compat_vectorcall(((Rescued *)self)->function, args, counted, names);
    return result != NULL ? result : rescued_take_up((Rescued *)self, args, counted, names);
}

/* Of a function whose call only makes what will raise the exceptions. */
static PyObject *
rescued_vectorcall_run(PyObject *object, PyObject *const *args, size_t counted, PyObject *names)
{
    Rescued *self = (Rescued *)object;
    ModuleState *state = state_of_type(Py_TYPE(object));
    Call call;
    PyObject *made = compat_vectorcall(self->function, args, counted, names);
    if (call_take(&call, self->function, args, counted, names) < 0) {
        Py_XDECREF(made);
        return NULL;
    }
    if (made == NULL) {
        made = rescued_recover(state, self, &call);
    }
    if (made == NULL) {
        call_drop(&call);
        return NULL;
    }
    return rescued_run_new(state, self, made, &call);
}

/* ---- looking like the function ---- */

/* __module__ is an attribute of the type, too, which would hide the function's. */
static PyObject *
rescued_getattro(PyObject *object, PyObject *name)
{
    Rescued *self = (Rescued *)object;
    bool hidden = PyUnicode_CompareWithASCIIString(name, "__module__") == 0;
    PyObject *value = !hidden ? PyObject_GenericGetAttr(object, name)
        : self->dict == NULL ? NULL : Py_XNewRef(PyDict_GetItemWithError(self->dict, name));
    if (value != NULL || (PyErr_Occurred() && !PyErr_ExceptionMatches(PyExc_AttributeError))) {
        return value;
    }
    PyErr_Clear();
    return PyObject_GetAttr(self->function, name);
}

/* So is __doc__, and pydoc looks for it past the above. */
static PyObject *
rescued_get_doc(PyObject *object, void *Py_UNUSED(none))
{
    Rescued *self = (Rescued *)object;
    PyObject *doc = self->dict == NULL ? NULL : PyDict_GetItemString(self->dict, "__doc__");
    return doc != NULL ? Py_NewRef(doc) : PyObject_GetAttrString(self->function, "__doc__");
}

static int
rescued_set_doc(PyObject *object, PyObject *doc, void *Py_UNUSED(none))
{
    PyObject *dict = PyObject_GenericGetDict(object, NULL);
    int ret = dict == NULL ? -1
        : doc == NULL ? PyDict_DelItemString(dict, "__doc__") : PyDict_SetItemString(dict, "__doc__", doc);
    Py_XDECREF(dict);
    return ret;
}

static PyObject *
rescued_get_inner(PyObject *self, void *name)
{
    return PyObject_GetAttrString(((Rescued *)self)->function, name);
}

static int
rescued_set_inner(PyObject *self, PyObject *value, void *name)
{
    return PyObject_SetAttrString(((Rescued *)self)->function, name, value);
}

/* What is set here is meant for the function: kept in the dictionary it would change nothing. */
static PyGetSetDef rescued_getset[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL},
    {"__doc__", rescued_get_doc, rescued_set_doc, NULL, NULL},
    {"__code__", rescued_get_inner, rescued_set_inner, NULL, (void *)"__code__"},
    {"__defaults__", rescued_get_inner, rescued_set_inner, NULL, (void *)"__defaults__"},
    {"__kwdefaults__", rescued_get_inner, rescued_set_inner, NULL, (void *)"__kwdefaults__"},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMemberDef rescued_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Rescued, vectorcall), READONLY, NULL},
    {"__dictoffset__", T_PYSSIZET, offsetof(Rescued, dict), READONLY, NULL},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(Rescued, weakrefs), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyObject *
rescued_repr(PyObject *self)
{
    PyObject *name = PyObject_GetAttrString(self, "__qualname__");
    if (name == NULL) {
        PyErr_Clear();
        return PyUnicode_FromFormat("<rescued %R>", ((Rescued *)self)->function);
    }
    PyObject *repr = PyUnicode_FromFormat("<rescued function %S at %p>", name, (void *)self);
    Py_DECREF(name);
    return repr;
}

/* By name, as functions are pickled; copy.copy() makes no other either. */
static PyObject *
rescued_reduce(PyObject *self, PyObject *Py_UNUSED(none))
{
    return PyObject_GetAttrString(self, "__qualname__");
}

static PyObject *
rescued_same(PyObject *self, PyObject *Py_UNUSED(arguments))
{
    return Py_NewRef(self);
}

/* A class hands its attributes their names. */
static PyObject *
rescued_set_name(PyObject *self, PyObject *args)
{
    PyObject *function = ((Rescued *)self)->function;
    PyObject *method = PyObject_GetAttrString((PyObject *)Py_TYPE(function), "__set_name__");
    PyObject *owner, *name, *result = NULL;
    if (method == NULL) {
        PyErr_Clear();
    }
    if (PyArg_ParseTuple(args, "OO:__set_name__", &owner, &name)) {
        result = method == NULL ? Py_NewRef(Py_None)
                                : PyObject_CallFunctionObjArgs(method, function, owner, name, NULL);
    }
    Py_XDECREF(method);
    return result;
}

static PyMethodDef rescued_methods[] = {
    {"__reduce__", rescued_reduce, METH_NOARGS, NULL},
    {"__copy__", rescued_same, METH_NOARGS, NULL},
    {"__deepcopy__", rescued_same, METH_O, NULL},
    {"__set_name__", rescued_set_name, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

/* ---- binding ---- */

static PyObject *
rescued_bind(PyObject *self, PyObject *object, PyObject *Py_UNUSED(type))
{
    return object == NULL || object == Py_None ? Py_NewRef(self) : compat_method_new(self, object);
}

/* What is not a function binds as it does by itself: some do not, as built-in functions, and some to what is no
 * method. */
static PyObject *
rescued_bind_object(PyObject *object, PyObject *instance, PyObject *type)
{
    Rescued *self = (Rescued *)object;
    descrgetfunc get = (descrgetfunc)PyType_GetSlot(Py_TYPE(self->function), Py_tp_descr_get);
    PyObject *bound = get == NULL ? Py_NewRef(self->function) : get(self->function, instance, type);
    PyObject *result = bound == NULL ? NULL
        : bound == self->function || !PyCallable_Check(bound) ? Py_NewRef(object)
        : rescued_new(state_of_type(Py_TYPE(object)), bound, self->exceptions);
    Py_XDECREF(bound);
    return result;
}

/* ---- the types ---- */

static int
rescued_traverse(PyObject *object, visitproc visit, void *arg)
{
    Rescued *self = (Rescued *)object;
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->function);
    Py_VISIT(self->exceptions);
    Py_VISIT(self->spec);
    Py_VISIT(self->dict);
    return 0;
}

/* The function stays: a finalizer may still call it, and what it is part of a cycle with can be cleared too. */
static int
rescued_clear(PyObject *object)
{
    Rescued *self = (Rescued *)object;
    Py_CLEAR(self->dict);
    Py_CLEAR(self->spec);
    return 0;
}

static void
rescued_dealloc(PyObject *object)
{
    Rescued *self = (Rescued *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    if (self->weakrefs != NULL) {
        PyObject_ClearWeakRefs(object);
    }
    rescued_clear(object);
    Py_CLEAR(self->function);
    Py_CLEAR(self->exceptions);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(object);
    Py_DECREF(type);
}

/* The types differ in how their instances are bound. */
#define SLOT(function) ((void *)(function))
#define RESCUED_SLOTS(bind)                       \
    {Py_tp_dealloc, SLOT(rescued_dealloc)},       \
    {Py_tp_traverse, SLOT(rescued_traverse)},     \
    {Py_tp_clear, SLOT(rescued_clear)},           \
    {Py_tp_repr, SLOT(rescued_repr)},             \
    {Py_tp_call, SLOT(compat_vectorcall_call)},   \
    {Py_tp_getattro, SLOT(rescued_getattro)},     \
    {Py_tp_descr_get, SLOT(bind)},                \
    {Py_tp_methods, rescued_methods},             \
    {Py_tp_members, rescued_members},             \
    {Py_tp_getset, rescued_getset},               \
    {0, NULL}

enum {
    RESCUED_FLAGS = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE
        | Py_TPFLAGS_DISALLOW_INSTANTIATION | COMPAT_TPFLAGS_HAVE_VECTORCALL,
};

static PyType_Slot rescued_slots[] = {RESCUED_SLOTS(rescued_bind)};
static PyType_Spec rescued_spec = {
    .name = "hooking._core.RescuedFunction",
    .basicsize = sizeof(Rescued),
    .flags = RESCUED_FLAGS | COMPAT_TPFLAGS_METHOD_DESCRIPTOR,
    .slots = rescued_slots,
};

static PyType_Slot rescued_object_slots[] = {RESCUED_SLOTS(rescued_bind_object)};
static PyType_Spec rescued_object_spec = {
    .name = "hooking._core.RescuedCallable",
    .basicsize = sizeof(Rescued),
    .flags = RESCUED_FLAGS,
    .slots = rescued_object_slots,
};

int
rescued_init(PyObject *module, ModuleState *state)
{
    state->rescued_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &rescued_spec, NULL);
    state->rescued_object_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &rescued_object_spec, NULL);
    return state->rescued_type == NULL || state->rescued_object_type == NULL ? -1
        : rescued_run_init(module, state);
}

bool
rescued_check(const ModuleState *state, PyObject *object)
{
    return Py_TYPE(object) == state->rescued_type || Py_TYPE(object) == state->rescued_object_type;
}

/* ---- making one ---- */

/* As functools.update_wrapper() does, but for what getattr() finds by itself. */
static int
rescued_dress(Rescued *self)
{
    PyObject *attributes = PyObject_GetAttrString(self->function, "__dict__");
    if (attributes == NULL) {
        PyErr_Clear(); /* a built-in function has none */
    }
    self->dict = PyDict_New();
    int ret = self->dict == NULL || (attributes != NULL && PyDict_Update(self->dict, attributes) < 0) ? -1
        : PyDict_SetItemString(self->dict, "__wrapped__", self->function);
    Py_XDECREF(attributes);
    return ret;
}

static PyObject *
rescued_make(ModuleState *state, PyObject *function, PyObject *exceptions)
{
    bool binds = (PyType_GetFlags(Py_TYPE(function)) & COMPAT_TPFLAGS_METHOD_DESCRIPTOR) != 0;
    Rescued *self = (Rescued *)PyType_GenericAlloc(binds ? state->rescued_type : state->rescued_object_type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->function = Py_NewRef(function);
    self->exceptions = Py_NewRef(exceptions);
    self->spec = callee_spec(function);
    self->kind = callee_kind(function);
    self->vectorcall = self->kind == RESCUED_CALL ? rescued_vectorcall : rescued_vectorcall_run;
    if (rescued_dress(self) < 0) {
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}

/* Is it a static or a class method? -1 with an exception. */
static int
rescued_is_method(PyObject *object)
{
    PyObject *builtins = compat_import("builtins");
    PyObject *of_class = builtins == NULL ? NULL : PyObject_GetAttrString(builtins, "classmethod");
    PyObject *of_none = of_class == NULL ? NULL : PyObject_GetAttrString(builtins, "staticmethod");
    int is = of_none == NULL ? -1 : PyType_IsSubtype(Py_TYPE(object), (PyTypeObject *)of_class)
                                 || PyType_IsSubtype(Py_TYPE(object), (PyTypeObject *)of_none);
    Py_XDECREF(of_none);
    Py_XDECREF(of_class);
    Py_XDECREF(builtins);
    return is;
}

/* The function within a static or class method, made such a method again. */
static PyObject *
rescued_make_method(ModuleState *state, PyObject *method, PyObject *exceptions)
{
    PyObject *function = PyObject_GetAttrString(method, "__func__");
    PyObject *rescued = function == NULL ? NULL : rescued_new(state, function, exceptions);
    PyObject *made = rescued == NULL ? NULL
                                     : PyObject_CallFunctionObjArgs((PyObject *)Py_TYPE(method), rescued, NULL);
    Py_XDECREF(rescued);
    Py_XDECREF(function);
    return made;
}

PyObject *
rescued_new(ModuleState *state, PyObject *function, PyObject *exceptions)
{
    int is_method = rescued_is_method(function);
    if (is_method != 0) {
        return is_method < 0 ? NULL : rescued_make_method(state, function, exceptions);
    }
    if (PyType_Check(function)) {
        PyErr_Format(PyExc_TypeError, "rescue() takes a function, not the class %R: decorate its methods", function);
        return NULL;
    }
    if (!PyCallable_Check(function)) {
        PyErr_Format(PyExc_TypeError, "rescue() takes a function, or classes of exceptions, not %R%s", function,
                     PyObject_TypeCheck(function, &PyProperty_Type) ? ": write @rescue below @property" : "");
        return NULL;
    }
    return rescued_make(state, function, exceptions);
}
