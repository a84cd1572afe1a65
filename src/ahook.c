/* ahook(), see ahook.h.
 *
 * What it returns is awaited, as a coroutine is, and is itself what a coroutine is: it has send(), throw() and close().
 */
#include "ahook.h"

#include "ahook_run.h"
#include "frame.h"

/* ---- the type ---- */

static PySendResult
ahook_am_send(PyObject *self, PyObject *value, PyObject **result)
{
    return ahook_run_step((Ahook *)self, value, result);
}

static PyObject *
ahook_iternext(PyObject *self)
{
    PyObject *result;
    if (ahook_run_step((Ahook *)self, Py_None, &result) == PYGEN_RETURN) {
        Py_CLEAR(result); /* None: no exception need be set */
    }
    return result;
}

static PyObject *
ahook_result(PySendResult how, PyObject *result)
{
    if (how == PYGEN_RETURN) {
        Py_CLEAR(result);
        PyErr_SetNone(PyExc_StopIteration);
    }
    return result;
}

static PyObject *
ahook_send(PyObject *self, PyObject *value)
{
    PyObject *result;
    PySendResult how = ahook_run_step((Ahook *)self, value, &result);
    return ahook_result(how, result);
}

static PyObject *
ahook_throw(PyObject *self, PyObject *args)
{
    PyObject *type, *value = NULL, *traceback = NULL, *result;
    if (!PyArg_ParseTuple(args, "O|OO:throw", &type, &value, &traceback)) {
        return NULL;
    }
    if (PyExceptionInstance_Check(type)) {
        PyErr_SetObject((PyObject *)Py_TYPE(type), type);
    }
    else if (PyExceptionClass_Check(type)) {
        PyErr_SetObject(type, value == Py_None ? NULL : value);
    }
    else {
        return PyErr_Format(PyExc_TypeError, "throw() needs an exception, not %R", type);
    }
    PySendResult how = ahook_run_step((Ahook *)self, NULL, &result);
    return ahook_result(how, result);
}

static PyObject *
ahook_close(PyObject *object, PyObject *Py_UNUSED(none))
{
    Ahook *self = (Ahook *)object;
    PyObject *result;
    if (self->phase == AHOOK_IDLE || self->phase == AHOOK_OVER) {
        return Py_NewRef(Py_None);
    }
    PyErr_SetNone(PyExc_GeneratorExit);
    PySendResult how = ahook_run_step(self, NULL, &result);
    if (how == PYGEN_NEXT) {
        PyErr_SetString(PyExc_RuntimeError, "what is awaited at the prompt has ignored GeneratorExit");
    }
    else if (how == PYGEN_RETURN || PyErr_ExceptionMatches(PyExc_GeneratorExit)) {
        PyErr_Clear();
    }
    Py_XDECREF(result);
    return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
}

static PyObject *
ahook_self(PyObject *self)
{
    return Py_NewRef(self);
}

#define AHOOK_REFERENCES(X)                                                                                      \
    X(call.frame) X(call.complaint) X(place) X(banner) X(logger) X(loop) X(task) X(future) X(waited)

static int
ahook_traverse(PyObject *object, visitproc visit, void *arg)
{
    Ahook *self = (Ahook *)object;
    Py_VISIT(Py_TYPE(object));
#define VISIT(field) Py_VISIT(self->field);
    AHOOK_REFERENCES(VISIT)
#undef VISIT
    return self->is_open ? console_visit(&self->console, visit, arg) : 0;
}

static void
ahook_dealloc(PyObject *object)
{
    Ahook *self = (Ahook *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    if (self->phase == AHOOK_NEW) {
        PyObject *error_type, *value, *traceback;
        PyErr_Fetch(&error_type, &value, &traceback);
        if (PyErr_WarnFormat(PyExc_RuntimeWarning, 1, "ahook() at %U was never awaited", self->place) < 0) {
            PyErr_WriteUnraisable(NULL);
        }
        PyErr_Restore(error_type, value, traceback);
    }
    if (self->phase != AHOOK_IDLE && self->phase != AHOOK_OVER) {
        ahook_run_end(self);
    }
#define CLEAR(field) Py_CLEAR(self->field);
    AHOOK_REFERENCES(CLEAR)
#undef CLEAR
    if (!self->reader.abandoned) { /* else its thread has still to find that out */
        freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
        release(object);
    }
    Py_DECREF(type);
}

static PyObject *
ahook_name(PyObject *Py_UNUSED(self), void *Py_UNUSED(closure))
{
    return PyUnicode_FromString("ahook");
}

static PyGetSetDef ahook_attributes[] = {
    {"__name__", ahook_name, NULL, "\"ahook\", for those who show tasks.", NULL},
    {"__qualname__", ahook_name, NULL, "The same.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMethodDef ahook_object_methods[] = {
    {"send", ahook_send, METH_O, "As a coroutine's."},
    {"throw", ahook_throw, METH_VARARGS, "As a coroutine's."},
    {"close", ahook_close, METH_NOARGS, "As a coroutine's."},
    {NULL, NULL, 0, NULL},
};

static char ahook_type_doc[] = "What ahook() returns: to be awaited, or given to asyncio.create_task().";

#define SLOT(function) ((void *)(function))
static PyType_Slot ahook_slots[] = {
    {Py_tp_doc, ahook_type_doc},
    {Py_tp_dealloc, SLOT(ahook_dealloc)},
    {Py_tp_traverse, SLOT(ahook_traverse)},
    {Py_tp_iter, SLOT(ahook_self)},
    {Py_tp_iternext, SLOT(ahook_iternext)},
    {Py_tp_methods, ahook_object_methods},
    {Py_tp_getset, ahook_attributes},
    {Py_am_await, SLOT(ahook_self)},
    {Py_am_send, SLOT(ahook_am_send)},
    {0, NULL},
};

static PyType_Spec ahook_spec = {
    .name = "hooking._core.Ahook",
    .basicsize = sizeof(Ahook),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = ahook_slots,
};

static Ahook *
ahook_make(ModuleState *state, AhookPhase phase)
{
    allocfunc alloc = (allocfunc)PyType_GetSlot(state->ahook_type, Py_tp_alloc);
    Ahook *self = (Ahook *)alloc(state->ahook_type, 0);
    if (self != NULL) {
        self->state = state;
        self->phase = phase;
    }
    return self;
}

int
ahook_init(PyObject *module, ModuleState *state)
{
    state->ahook_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &ahook_spec, NULL);
    if (state->ahook_type == NULL) {
        return -1;
    }
    state->ahook_idle = (PyObject *)ahook_make(state, AHOOK_IDLE);
    return state->ahook_idle == NULL ? -1 : 0;
}

/* ---- the function ---- */

/* What is to be awaited for a call that is to open. */
static PyObject *
ahook_new(ModuleState *state, const HookOptions *options, HookCall *call)
{
    PyObject *logger = options->given[HOOK_LOGGER];
    Ahook *self = ahook_make(state, AHOOK_OVER);
    if (self == NULL) {
        return NULL;
    }
    PyObject *file = frame_filename(call->frame);
    self->place = file == NULL ? NULL : PyUnicode_FromFormat("%U:%d", file, frame_line(call->frame));
    self->banner = self->place == NULL ? NULL : hook_banner(call->frame, options->given[HOOK_BANNER]);
    self->logger = logger == NULL ? PyUnicode_FromString("root") : Py_NewRef(logger);
    self->overwrite = options->overwrite;
    self->once = options->once;
    Py_XDECREF(file);
    if (self->banner == NULL || self->logger == NULL) {
        Py_DECREF(self);
        return NULL;
    }
    self->call = *call;
    *call = (HookCall){0};
    self->phase = AHOOK_NEW;
    return (PyObject *)self;
}

static PyObject *
ahook_ahook(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *keywords)
{
    ModuleState *state = state_of_module(module);
    HookOptions options = {.what = "ahook", .parameters = HOOK_ISOLATE};
    HookCall call;
    if (state->disabled) {
        return Py_NewRef(state->ahook_idle);
    }
    if (hook_collect(state, args, count, keywords, &options) < 0) {
        return NULL;
    }
    int opens = hook_admit(state, &options, &call);
    PyObject *result = opens > 0 ? ahook_new(state, &options, &call) : opens == 0 ? Py_NewRef(state->ahook_idle) : NULL;
    hook_release(&call);
    return result;
}

PyDoc_STRVAR(ahook_doc,
"ahook(banner_msg=None, overwrite_locals=False, logger='root', *, when=True, once=False, after=0, keep=())\n"
"--\n\n"
"Open a console in the coroutine that awaits it, while asyncio's event loop goes on: `await ahook()`.\n\n"
"The parameters are those of hook(). The prompt reads in a thread of its own; what is typed is run in the loop's\n"
"thread, as a part of the task. `await` at the prompt is an await in the task. Ctrl-C there cancels only that.\n"
"If the task is cancelled, the console closes. Several tasks at an ahook() take turns. Without a running event\n"
"loop of asyncio's a warning is logged and nothing is opened.\n\n"
"Returns an awaitable, whose result is None. Raises TypeError or ValueError for arguments of a wrong type or value\n"
"and what `when` raises; awaiting it raises what the user raises on purpose with `throw` or `abort`, and\n"
"asyncio.CancelledError.");

#define METHOD(function) ((PyCFunction)(void (*)(void))(function))
PyMethodDef ahook_methods[] = {
    {"ahook", METHOD(ahook_ahook), METH_FASTCALL | METH_KEYWORDS, ahook_doc},
    {NULL, NULL, 0, NULL},
};
