/* Unpickling under guard, see load_guard.h. */
#include "load_guard.h"

#include <string.h>

#include "methods.h"
#include "pickle_scan.h"

typedef struct Guarded {
    const LoadGuard *guard;
    PyObject *base;      /* borrowed: pickle.Unpickler */
    PyObject *unpickler; /* borrowed: ours */
} Guarded;

/* ---- messages ---- */

static PyObject *
guard_fact(const LoadGuard *guard, const char *name)
{
    return guard->facts == NULL ? NULL : PyDict_GetItemString(guard->facts, name); /* borrowed */
}

/* The module that `__main__` was: "train" of /there/train.py. New reference, or NULL. */
static PyObject *
guard_main_module(const LoadGuard *guard)
{
    PyObject *module = guard_fact(guard, "main module");
    PyObject *file = guard_fact(guard, "main");
    if (module != NULL || file == NULL) {
        return Py_XNewRef(module);
    }
    PyObject *path = compat_import("pathlib");
    PyObject *whole = path == NULL ? NULL : PyObject_CallMethod(path, "PurePath", "O", file);
    PyObject *stem = whole == NULL ? NULL : PyObject_GetAttrString(whole, "stem");
    if (stem == NULL) {
        PyErr_Clear();
    }
    Py_XDECREF(whole);
    Py_XDECREF(path);
    return stem;
}

/* What was to be imported is not there. The exception that is set becomes the cause of one that says what to do. */
static void
guard_explain_missing(const LoadGuard *guard, PyObject *module, PyObject *name)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    PyObject *main_file = guard_fact(guard, "main"), *needs = guard_fact(guard, "needs");
    bool is_main = PyUnicode_CompareWithASCIIString(module, "__main__") == 0;
    PyObject *main_module = is_main ? guard_main_module(guard) : NULL;
    PyObject *message;
    if (main_module != NULL) {
        message = PyUnicode_FromFormat("%S needs %U of __main__, which was %U when it was dumped and is another "
                                       "program now: hooking.load(%R, modules={'__main__': '%U'}) finds it there",
                                       guard->path, name, main_file == NULL ? main_module : main_file, guard->path,
                                       main_module);
    }
    else if (needs != NULL && PyUnicode_Find(module, needs, 0, PyUnicode_GetLength(module), 1) == 0) {
        message = PyUnicode_FromFormat("%S needs %U, which is not installed here: python -m pip install %U",
                                       guard->path, needs, needs);
    }
    else {
        message = PyUnicode_FromFormat("%S needs %U.%U, which is not here: %S", guard->path, module, name, value);
    }
    PyObject *error = message == NULL ? NULL : PyObject_CallFunctionObjArgs(type, message, NULL);
    if (error != NULL) {
        PyException_SetCause(error, Py_NewRef(value));
        PyErr_SetObject(type, error);
        Py_DECREF(error);
    }
    Py_XDECREF(message);
    Py_XDECREF(main_module);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
}

/* ---- what is imported ---- */

static bool
guard_may_import(const LoadGuard *guard, PyObject *module, PyObject *name)
{
    if (!guard->restricted) {
        return true;
    }
    PyObject *module_bytes = PyUnicode_AsUTF8String(module);
    PyObject *name_bytes = module_bytes == NULL ? NULL : PyUnicode_AsUTF8String(name);
    bool known = false;
    if (name_bytes != NULL) {
        const char *m = PyBytes_AsString(module_bytes), *n = PyBytes_AsString(name_bytes);
        known = strlen(m) == (size_t)PyBytes_Size(module_bytes) && strlen(n) == (size_t)PyBytes_Size(name_bytes)
                && pickle_safe_is_known(m, n);
    }
    PyErr_Clear();
    Py_XDECREF(module_bytes);
    Py_XDECREF(name_bytes);
    if (!known) {
        PyErr_Format(guard->state->untrusted, "%S would import %U.%U, which its opcodes did not show beforehand: "
                     "it was made to deceive", guard->path, module, name);
    }
    return known;
}

/* Arrays of numpy 2 come from numpy._core, which was numpy.core before 1.26. NULL with the exception that was set. */
static PyObject *
guard_find_in_old_numpy(const Guarded *guarded, PyObject *module, PyObject *name)
{
    static const char renamed[] = "numpy._core";
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *prefix = PyUnicode_FromString(renamed);
    PyObject *old = NULL, *found = NULL;
    if (prefix != NULL && PyUnicode_Tailmatch(module, prefix, 0, PY_SSIZE_T_MAX, -1) == 1) {
        PyObject *rest = PyUnicode_Substring(module, (Py_ssize_t)sizeof renamed - 1, PY_SSIZE_T_MAX);
        old = rest == NULL ? NULL : PyUnicode_FromFormat("numpy.core%U", rest);
        Py_XDECREF(rest);
    }
    if (old != NULL) {
        found = PyObject_CallMethod(guarded->base, "find_class", "OOO", guarded->unpickler, old, name);
    }
    Py_XDECREF(old);
    Py_XDECREF(prefix);
    PyErr_Clear();
    if (found == NULL) {
        PyErr_Restore(type, value, traceback);
        return NULL;
    }
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
    return found;
}

static PyObject *
guard_find_class(PyObject *capsule, PyObject *args)
{
    Guarded *guarded = methods_context(capsule);
    PyObject *module, *name;
    if (guarded == NULL || !PyArg_ParseTuple(args, "UU", &module, &name)
        || !guard_may_import(guarded->guard, module, name)) {
        return NULL;
    }
    PyObject *modules = guarded->guard->modules;
    PyObject *other = modules == NULL ? NULL : PyObject_GetItem(modules, module);
    if (other == NULL) {
        if (PyErr_Occurred() && !PyErr_ExceptionMatches(PyExc_KeyError)) {
            return NULL;
        }
        PyErr_Clear();
    }
    PyObject *found = PyObject_CallMethod(guarded->base, "find_class", "OOO", guarded->unpickler,
                                          other == NULL ? module : other, name);
    if (found == NULL && other == NULL) {
        found = guard_find_in_old_numpy(guarded, module, name);
    }
    if (found == NULL && (PyErr_ExceptionMatches(PyExc_AttributeError) || PyErr_ExceptionMatches(PyExc_ImportError))) {
        guard_explain_missing(guarded->guard, other == NULL ? module : other, name);
    }
    Py_XDECREF(other);
    return found;
}

/* ---- unpickling ---- */

/* A subclass of pickle.Unpickler, for this time alone: its find_class() is put there when the instance is made. */
static PyObject *
guard_type(PyObject *base)
{
    PyObject *bases = PyTuple_Pack(1, base), *dict = PyDict_New();
    PyObject *type = bases == NULL || dict == NULL
                         ? NULL
                         : PyObject_CallFunction((PyObject *)&PyType_Type, "sOO", "Unpickler", bases, dict);
    Py_XDECREF(dict);
    Py_XDECREF(bases);
    return type;
}

PyObject *
load_guard_run(const LoadGuard *guard, PyObject *file, PyObject *buffers)
{
    static PyMethodDef methods[] = {{"find_class", guard_find_class, METH_VARARGS, NULL}};
    Guarded guarded = {.guard = guard};
    PyObject *value = NULL, *type = NULL, *args = NULL, *named = NULL, *unpickler = NULL, *find = NULL;
    PyObject *holder = methods_object(methods, 1, &guarded);
    PyObject *pickle = holder == NULL ? NULL : compat_import("pickle");
    PyObject *base = pickle == NULL ? NULL : PyObject_GetAttrString(pickle, "Unpickler");
    if (base == NULL || (type = guard_type(base)) == NULL) {
        goto done;
    }
    args = PyTuple_Pack(1, file);
    named = args == NULL ? NULL : Py_BuildValue("{sO}", "buffers", buffers == NULL ? Py_None : buffers);
    unpickler = named == NULL ? NULL : PyObject_Call(type, args, named);
    find = unpickler == NULL ? NULL : PyObject_GetAttrString(holder, "find_class");
    if (find == NULL || PyObject_SetAttrString(type, "find_class", find) < 0) {
        goto done;
    }
    guarded.base = base;
    guarded.unpickler = unpickler;
    value = PyObject_CallMethod(unpickler, "load", NULL);
done:
    methods_close(holder);
    Py_XDECREF(find);
    Py_XDECREF(unpickler);
    Py_XDECREF(named);
    Py_XDECREF(args);
    Py_XDECREF(type);
    Py_XDECREF(base);
    Py_XDECREF(pickle);
    Py_XDECREF(holder);
    return value;
}
