/* Calls that are made again, see call.h. */
#include "call.h"

#include "callee.h"
#include "frame.h"

/* ---- a call ---- */

static int
call_take_named(Call *call, PyObject *const *values, PyObject *names)
{
    call->named = PyDict_New();
    int ret = call->named == NULL ? -1 : 0;
    for (Py_ssize_t i = 0; ret == 0 && i < PyTuple_Size(names); i++) {
        ret = PyDict_SetItem(call->named, PyTuple_GetItem(names, i), values[i]);
    }
    return ret;
}

int
call_take(Call *call, PyObject *function, PyObject *const *args, size_t counted, PyObject *names)
{
    PyObject *type = NULL, *value = NULL, *traceback = NULL;
    Py_ssize_t count = COMPAT_VECTORCALL_COUNT(counted);
    if (PyErr_Occurred()) {
        PyErr_Fetch(&type, &value, &traceback);
    }
    *call = (Call){Py_NewRef(function), PyTuple_New(count), NULL};
    int ret = call->args == NULL ? -1 : 0;
    for (Py_ssize_t i = 0; ret == 0 && i < count; i++) {
        ret = PyTuple_SetItem(call->args, i, Py_NewRef(args[i]));
    }
    if (ret == 0 && names != NULL && PyTuple_Size(names) > 0) {
        ret = call_take_named(call, args + count, names);
    }
    if (ret < 0) {
        call_drop(call);
        Py_XDECREF(type);
        Py_XDECREF(value);
        Py_XDECREF(traceback);
    }
    else if (type != NULL) {
        PyErr_Restore(type, value, traceback);
    }
    return ret;
}

void
call_drop(Call *call)
{
    Py_CLEAR(call->function);
    Py_CLEAR(call->args);
    Py_CLEAR(call->named);
}

PyObject *
call_make(const Call *call)
{
    return PyObject_Call(call->function, call->args, call->named);
}

/* ---- its frame ---- */

enum { CODE_REST = 0x4, CODE_REST_NAMED = 0x8 }; /* inspect.CO_VARARGS, CO_VARKEYWORDS */

/* The parameters of a code object, in the order of its variables. */
typedef struct Shape {
    long only_positional; /* of `positional` */
    long positional;
    long only_named;
    bool rest;            /* *args */
    bool rest_named;      /* **kw */
} Shape;

static long
call_code_number(PyObject *code, const char *name)
{
    PyObject *number = PyObject_GetAttrString(code, name);
    long ret = number == NULL ? -1 : PyLong_AsLong(number);
    Py_XDECREF(number);
    return ret;
}

static int
call_shape(Shape *shape, PyObject *code)
{
    long flags = call_code_number(code, "co_flags");
    *shape = (Shape){
        call_code_number(code, "co_posonlyargcount"), call_code_number(code, "co_argcount"),
        call_code_number(code, "co_kwonlyargcount"), (flags & CODE_REST) != 0, (flags & CODE_REST_NAMED) != 0,
    };
    return PyErr_Occurred() ? -1 : 0;
}

static PyObject *
call_parameters(PyObject *code)
{
    Shape shape;
    PyObject *names = call_shape(&shape, code) < 0 ? NULL : PyObject_GetAttrString(code, "co_varnames");
    long count = shape.positional + shape.only_named + shape.rest + shape.rest_named;
    PyObject *parameters = names == NULL ? NULL : PySequence_List(names);
    if (parameters != NULL && PyList_SetSlice(parameters, count, PyList_Size(parameters), NULL) < 0) {
        Py_CLEAR(parameters);
    }
    Py_XDECREF(names);
    return parameters;
}

/* The first frame of that code: the outermost call. A new reference; NULL, perhaps without an exception. */
static PyObject *
call_frame(PyObject *code, PyObject *traceback)
{
    PyObject *frame = NULL;
    PyObject *at = Py_NewRef(traceback);
    while (at != NULL && at != Py_None && frame == NULL) {
        frame = PyObject_GetAttrString(at, "tb_frame");
        PyObject *own = frame == NULL ? NULL : frame_code(frame);
        if (frame != NULL && own != code) {
            Py_CLEAR(frame);
        }
        Py_XDECREF(own);
        Py_SETREF(at, PyObject_GetAttrString(at, "tb_next"));
    }
    Py_XDECREF(at);
    return frame;
}

/* The dict of a **parameter is the call's own: what the user changes in it, is changed for the call. */
static int
call_watch_named(CallWatch *watch)
{
    Shape shape;
    if (call_shape(&shape, watch->code) < 0) {
        return -1;
    }
    PyObject *name = !shape.rest_named ? NULL : PyList_GetItem(watch->names, PyList_Size(watch->names) - 1);
    PyObject *dict = name == NULL ? NULL : PyDict_GetItemWithError(watch->values, name);
    if (dict != NULL && PyDict_CheckExact(dict)) {
        watch->named = PyDict_Copy(dict);
    }
    return PyErr_Occurred() ? -1 : 0;
}

static bool
call_named_differs(const CallWatch *watch, PyObject *dict)
{
    PyObject *name, *value;
    Py_ssize_t at = 0;
    bool differs = PyDict_Size(dict) != PyDict_Size(watch->named);
    while (!differs && PyDict_Next(dict, &at, &name, &value)) {
        differs = PyDict_GetItemWithError(watch->named, name) != value;
    }
    return differs;
}

/* Is what a parameter is now something else? */
static bool
call_differs(const CallWatch *watch, Py_ssize_t place, PyObject *value)
{
    if (value != PyDict_GetItemWithError(watch->values, PyList_GetItem(watch->names, place))) {
        return true;
    }
    return watch->named != NULL && place == PyList_Size(watch->names) - 1 && call_named_differs(watch, value);
}

int
call_watch(CallWatch *watch, PyObject *code, bool direct, PyObject *traceback)
{
    *watch = (CallWatch){.direct = direct};
    watch->frame = code == NULL || traceback == NULL ? NULL : call_frame(code, traceback);
    if (watch->frame == NULL) {
        return PyErr_Occurred() ? -1 : 0;
    }
    watch->code = Py_NewRef(code);
    watch->names = call_parameters(code);
    watch->values = watch->names == NULL ? NULL : PyDict_New();
    int ret = watch->values == NULL ? -1 : 0;
    for (Py_ssize_t i = 0; ret == 0 && i < PyList_Size(watch->names); i++) {
        PyObject *name = PyList_GetItem(watch->names, i), *value;
        ret = compat_frame_get(watch->frame, name, 1, &value);
        if (ret == 1) {
            ret = PyDict_SetItem(watch->values, name, value);
            Py_DECREF(value);
        }
    }
    return ret < 0 ? -1 : call_watch_named(watch);
}

void
call_unwatch(CallWatch *watch)
{
    Py_CLEAR(watch->named);
    Py_CLEAR(watch->frame);
    Py_CLEAR(watch->code);
    Py_CLEAR(watch->names);
    Py_CLEAR(watch->values);
}

PyObject *
call_changes(const CallWatch *watch)
{
    PyObject *changes = PyDict_New();
    Py_ssize_t count = changes == NULL || watch->frame == NULL ? 0 : PyList_Size(watch->names);
    for (Py_ssize_t i = 0; changes != NULL && i < count; i++) {
        PyObject *name = PyList_GetItem(watch->names, i), *value;
        int bound = compat_frame_get(watch->frame, name, 1, &value);
        if (bound < 0
            || (bound == 1 && call_differs(watch, i, value) && PyDict_SetItem(changes, name, value) < 0)) {
            Py_CLEAR(changes);
        }
        Py_XDECREF(value);
    }
    return changes;
}

/* ---- its arguments, by name ---- */

typedef struct Bound {
    Shape shape;
    long implicit;        /* parameters that are not among the arguments: the object of a bound method */
    PyObject *names;      /* borrowed: of the parameters */
    PyObject *given;      /* owned: dict, name -> value */
    PyObject *rest;       /* owned: list */
    PyObject *rest_named; /* owned: dict */
} Bound;

static void
call_unbind(Bound *bound)
{
    Py_CLEAR(bound->given);
    Py_CLEAR(bound->rest);
    Py_CLEAR(bound->rest_named);
}

/* Where the name stands among the parameters from `first` to before `end`: -1 when it does not. */
static long
call_find(const Bound *bound, PyObject *name, long first, long end)
{
    for (long i = first; i < end; i++) {
        if (PyUnicode_Compare(PyList_GetItem(bound->names, i), name) == 0) {
            return i;
        }
    }
    return -1;
}

/* 0; 1 when the arguments do not fit; -1 with an exception. */
static int
call_bind_positional(Bound *bound, PyObject *args)
{
    int ret = 0;
    for (Py_ssize_t i = 0; ret == 0 && i < PyTuple_Size(args); i++) {
        long place = i + bound->implicit;
        PyObject *value = PyTuple_GetItem(args, i);
        ret = place < bound->shape.positional ? PyDict_SetItem(bound->given, PyList_GetItem(bound->names, place), value)
            : bound->shape.rest ? PyList_Append(bound->rest, value) : 1;
    }
    return ret;
}

static int
call_bind_named(Bound *bound, PyObject *named)
{
    PyObject *name, *value;
    Py_ssize_t at = 0;
    int ret = 0;
    while (ret == 0 && named != NULL && PyDict_Next(named, &at, &name, &value)) {
        long end = bound->shape.positional + bound->shape.only_named;
        bool known = call_find(bound, name, bound->shape.only_positional, end) >= 0;
        if (known) {
            ret = PyDict_Contains(bound->given, name); /* given twice */
        }
        if (ret == 0) {
            ret = known ? PyDict_SetItem(bound->given, name, value)
                : bound->shape.rest_named ? PyDict_SetItem(bound->rest_named, name, value) : 1;
        }
    }
    return ret;
}

/* Has the function within decorators got what these were given? Not to be told where it has bound a parameter anew: a
 * call with wrong arguments is worse than none. */
static bool
call_is_handed_on(const Bound *bound, const CallWatch *watch)
{
    PyObject *name, *value;
    Py_ssize_t at = 0;
    bool same = true;
    while (same && PyDict_Next(bound->given, &at, &name, &value)) {
        same = PyDict_GetItemWithError(watch->values, name) == value;
    }
    return same;
}

static int
call_bind(Bound *bound, const Call *call, const CallWatch *watch)
{
    *bound = (Bound){.names = watch->names, .implicit = callee_implicit(call->function)};
    bound->given = PyDict_New();
    bound->rest = PyList_New(0);
    bound->rest_named = PyDict_New();
    if (bound->given == NULL || bound->rest == NULL || bound->rest_named == NULL
        || call_shape(&bound->shape, watch->code) < 0) {
        return -1;
    }
    if (bound->implicit < 0) {
        return 1;
    }
    int ret = call_bind_positional(bound, call->args);
    if (ret == 0) {
        ret = call_bind_named(bound, call->named);
    }
    return ret == 0 && !watch->direct && !call_is_handed_on(bound, watch) ? 1 : ret;
}

/* ---- changing them ---- */

/* What was changed in the dict of a **parameter. The program may have changed it too, which is not for the new call. */
static int
call_update_named(Bound *bound, PyObject *before, PyObject *now)
{
    PyObject *name, *value;
    Py_ssize_t at = 0;
    int ret = 0;
    while (ret == 0 && PyDict_Next(now, &at, &name, &value)) {
        ret = PyDict_GetItemWithError(before, name) == value ? 0 : PyDict_SetItem(bound->rest_named, name, value);
    }
    at = 0;
    while (ret == 0 && PyDict_Next(before, &at, &name, &value)) {
        if (PyDict_Contains(now, name) == 0 && PyDict_Contains(bound->rest_named, name) == 1) {
            ret = PyDict_DelItem(bound->rest_named, name);
        }
    }
    return ret;
}

/* 0; 1 when it cannot be; -1 with an exception. */
static int
call_set(Bound *bound, const CallWatch *watch, PyObject *name, PyObject *value)
{
    const Shape *shape = &bound->shape;
    long rest = shape->positional + shape->only_named;
    long place = call_find(bound, name, 0, PyList_Size(bound->names));
    if (place < bound->implicit) {
        return 1;
    }
    if (place < rest) {
        return PyDict_SetItem(bound->given, name, value);
    }
    if (shape->rest && place == rest) {
        Py_SETREF(bound->rest, PySequence_List(value));
        return bound->rest == NULL ? -1 : 0;
    }
    if (watch->named != NULL && value == PyDict_GetItemWithError(watch->values, name)) {
        return call_update_named(bound, watch->named, value);
    }
    Py_SETREF(bound->rest_named, PyDict_New());
    return bound->rest_named == NULL ? -1 : PyDict_Update(bound->rest_named, value);
}

/* How many parameters have to be given by position, because of the last one that cannot be otherwise. */
static long
call_needed(const Bound *bound)
{
    if (PyList_Size(bound->rest) > 0) {
        return bound->shape.positional;
    }
    long needed = bound->shape.only_positional;
    while (needed > 0 && PyDict_GetItemWithError(bound->given, PyList_GetItem(bound->names, needed - 1)) == NULL) {
        needed--;
    }
    return needed;
}

/* The arguments again: by position as far as they go, so that a parameter may have got another name meanwhile. */
static int
call_rebuild(Bound *bound, const CallWatch *watch, PyObject *args, PyObject *named)
{
    const Shape *shape = &bound->shape;
    long needed = call_needed(bound);
    bool gap = false;
    int ret = 0;
    for (long i = bound->implicit; ret == 0 && i < shape->positional + shape->only_named; i++) {
        PyObject *name = PyList_GetItem(bound->names, i);
        PyObject *value = PyDict_GetItemWithError(bound->given, name);
        if (value == NULL && i < needed) {
            value = PyDict_GetItemWithError(watch->values, name); /* its default */
        }
        if (value == NULL) {
            gap = true;
            ret = i < needed ? 1 : PyErr_Occurred() ? -1 : 0;
        }
        else {
            ret = i < shape->positional && (!gap || i < needed) ? PyList_Append(args, value)
                                                                : PyDict_SetItem(named, name, value);
        }
    }
    if (ret == 0) {
        ret = PyList_SetSlice(args, PyList_Size(args), PyList_Size(args), bound->rest);
    }
    return ret != 0 ? ret : PyDict_Update(named, bound->rest_named);
}

static int
call_refuse(const Call *call, PyObject *changes)
{
    PyObject *name = callee_name(call->function);
    PyObject *comma = PyUnicode_FromString(", ");
    PyObject *names = comma == NULL ? NULL : PyUnicode_Join(comma, changes);
    if (name != NULL && names != NULL) {
        PyErr_Format(PyExc_ValueError,
                     "%U is within something that may give it other arguments, so it cannot be called with what you "
                     "have changed: %U", name, names);
    }
    Py_XDECREF(names);
    Py_XDECREF(comma);
    Py_XDECREF(name);
    return -1;
}

int
call_change(Call *call, const CallWatch *watch, PyObject *changes)
{
    Bound bound;
    PyObject *name, *value, *list = PyList_New(0), *named = PyDict_New(), *args = NULL;
    Py_ssize_t at = 0;
    int ret = list == NULL || named == NULL ? -1 : 0;
    int fits = call_bind(&bound, call, watch);
    while (fits == 0 && PyDict_Next(changes, &at, &name, &value)) {
        fits = call_set(&bound, watch, name, value);
    }
    if (fits == 0) {
        fits = call_rebuild(&bound, watch, list, named);
    }
    if (fits != 0 || ret < 0) {
        ret = fits == 1 ? call_refuse(call, changes) : -1;
        goto done;
    }
    args = PyList_AsTuple(list);
    if (args == NULL) {
        ret = -1;
        goto done;
    }
    Py_SETREF(call->args, Py_NewRef(args));
    Py_SETREF(call->named, Py_NewRef(named));
done:
    call_unbind(&bound);
    Py_XDECREF(args);
    Py_XDECREF(named);
    Py_XDECREF(list);
    return ret;
}
