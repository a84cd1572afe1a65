/* What a program finds when it starts, see runner_main.h. */
#include "runner_main.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- __main__ ---- */

/* The order of the names is the interpreter's, who makes them in just this way. */
static int
runner_main_fill(PyObject *globals)
{
    int ret = -1;
    PyObject *importlib = compat_import("_frozen_importlib");
    PyObject *loader = importlib == NULL ? NULL : PyObject_GetAttrString(importlib, "BuiltinImporter");
    PyObject *builtins = loader == NULL ? NULL : compat_import("builtins");
    PyObject *annotations = NULL;
    if (builtins == NULL || PyDict_SetItemString(globals, "__loader__", loader) < 0) {
        goto done;
    }
    if (compat_main_is_annotated()) {
        annotations = PyDict_New();
        if (annotations == NULL || PyDict_SetItemString(globals, "__annotations__", annotations) < 0) {
            goto done;
        }
    }
    ret = PyDict_SetItemString(globals, "__builtins__", builtins);
done:
    Py_XDECREF(importlib);
    Py_XDECREF(loader);
    Py_XDECREF(builtins);
    Py_XDECREF(annotations);
    return ret;
}

PyObject *
runner_main_module(void)
{
    PyObject *module = PyModule_New("__main__");
    if (module != NULL && runner_main_fill(PyModule_GetDict(module)) < 0) {
        Py_CLEAR(module);
    }
    return module;
}

/* ---- paths ---- */

static PyObject *
runner_main_cwd(void)
{
    char folder[PATH_MAX];
    if (getcwd(folder, sizeof folder) == NULL) {
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    return PyUnicode_DecodeFSDefault(folder);
}

PyObject *
runner_main_absolute(PyObject *path)
{
    PyObject *bytes = PyUnicode_EncodeFSDefault(path);
    const char *text = bytes == NULL ? NULL : PyBytes_AsString(bytes);
    PyObject *absolute = NULL;
    if (text != NULL && *text == '/') {
        absolute = Py_NewRef(path);
    }
    else if (text != NULL && (strcmp(text, ".") == 0 || *text == '\0')) {
        absolute = runner_main_cwd();
    }
    else if (text != NULL) {
        PyObject *folder = runner_main_cwd();
        absolute = folder == NULL ? NULL : PyUnicode_FromFormat("%U/%U", folder, path);
        Py_XDECREF(folder);
    }
    Py_XDECREF(bytes);
    return absolute;
}

PyObject *
runner_main_folder(PyObject *script)
{
    char real[PATH_MAX];
    if (script == NULL) {
        return runner_main_cwd();
    }
    PyObject *bytes = PyUnicode_EncodeFSDefault(script);
    const char *text = bytes == NULL ? NULL : PyBytes_AsString(bytes);
    PyObject *folder = NULL;
    if (text != NULL) {
        const char *whole = realpath(text, real) != NULL ? real : text; /* a pipe that bash has made has no real path */
        const char *end = strrchr(whole, '/');
        Py_ssize_t length = end == NULL ? 0 : end == whole ? 1 : end - whole;
        folder = PyUnicode_DecodeFSDefaultAndSize(whole, length);
    }
    Py_XDECREF(bytes);
    return folder;
}

static int
runner_main_is_safe(void)
{
    PyObject *flags = PySys_GetObject("flags"); /* borrowed */
    PyObject *safe = flags == NULL ? NULL : PyObject_GetAttrString(flags, "safe_path");
    int ret = safe == NULL ? -1 : PyObject_IsTrue(safe);
    Py_XDECREF(safe);
    return ret;
}

int
runner_main_path(PyObject *first, bool always)
{
    PyObject *path = PySys_GetObject("path"); /* borrowed */
    int safe = runner_main_is_safe();
    if (safe < 0) {
        return -1;
    }
    if (path == NULL || !PyList_Check(path) || (safe && !always)) {
        return 0;
    }
    if (!safe && PyList_Size(path) > 0) {
        return PyList_SetItem(path, 0, Py_NewRef(first));
    }
    return PyList_Insert(path, 0, first);
}

/* ---- to give it back ---- */

int
runner_main_save(RunnerSystem *saved)
{
    PyObject *path = PySys_GetObject("path");
    saved->main = Py_XNewRef(PyDict_GetItemString(PyImport_GetModuleDict(), "__main__"));
    saved->argv = Py_XNewRef(PySys_GetObject("argv"));
    saved->path = path == NULL ? NULL : PySequence_List(path);
    return path != NULL && saved->path == NULL ? -1 : 0;
}

void
runner_main_restore(const RunnerSystem *saved)
{
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    PyObject *path = PySys_GetObject("path");
    if (saved->main != NULL && PyDict_SetItemString(PyImport_GetModuleDict(), "__main__", saved->main) < 0) {
        PyErr_Clear();
    }
    if (PySys_SetObject("argv", saved->argv) < 0) {
        PyErr_Clear();
    }
    if (path != NULL && saved->path != NULL && PyList_Check(path)
        && PyList_SetSlice(path, 0, PyList_Size(path), saved->path) < 0) {
        PyErr_Clear();
    }
    PyErr_Restore(type, error, traceback);
}

void
runner_main_forget(RunnerSystem *saved)
{
    Py_CLEAR(saved->main);
    Py_CLEAR(saved->argv);
    Py_CLEAR(saved->path);
}
