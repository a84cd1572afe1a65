/* Scripts, see runner_file.h. It does what CPython's pythonrun.c does, which hands out neither the code nor the
 * exception. */
#include "runner_file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum { PYC_HEAD = 16 }; /* bytes: the magic number and three fields that only imports look at */

FILE *
runner_file_open(PyObject *path, PyObject *given)
{
    PyObject *bytes = PyUnicode_EncodeFSDefault(path);
    FILE *file = NULL;
    if (bytes != NULL) {
        Py_BEGIN_ALLOW_THREADS /* a pipe waits for its writer */
        file = fopen(PyBytes_AsString(bytes), "rbe");
        Py_END_ALLOW_THREADS
        if (file == NULL) {
            PyErr_SetFromErrnoWithFilenameObject(PyExc_OSError, given);
        }
    }
    Py_XDECREF(bytes);
    return file;
}

/* ---- bytecode ---- */

static int
runner_file_is_pyc(FILE *file, const char *name)
{
    struct stat status;
    unsigned char begin[2];
    size_t length = strlen(name);
    if (length >= 4 && strcmp(name + length - 4, ".pyc") == 0) {
        return 1;
    }
    if (fstat(fileno(file), &status) < 0 || !S_ISREG(status.st_mode) || ftell(file) != 0) {
        return 0;
    }
    unsigned long half = (unsigned long)PyImport_GetMagicNumber() & 0xffffu;
    int ret = fread(begin, 1, sizeof begin, file) == sizeof begin && ((unsigned)begin[1] << 8 | begin[0]) == half;
    rewind(file);
    return ret;
}

static PyObject *
runner_file_rest(FILE *file)
{
    PyObject *all = PyBytes_FromStringAndSize(NULL, 0);
    char part[8192];
    size_t length;
    while (all != NULL && (length = fread(part, 1, sizeof part, file)) > 0) {
        PyBytes_ConcatAndDel(&all, PyBytes_FromStringAndSize(part, (Py_ssize_t)length)); /* NULL clears `all` */
    }
    return all;
}

static int
runner_file_is_code(PyObject *object)
{
    PyObject *name = PyType_GetName(Py_TYPE(object)); /* marshal makes nothing else that is called so */
    int ret = name != NULL && PyUnicode_CompareWithASCIIString(name, "code") == 0;
    Py_XDECREF(name);
    return ret;
}

static PyObject *
runner_file_load(FILE *file)
{
    unsigned char head[PYC_HEAD] = {0};
    if (fread(head, 1, sizeof head, file) != sizeof head) {
        clearerr(file); /* what is missing is told by what there is */
    }
    unsigned long magic = head[0] | (unsigned)head[1] << 8 | (unsigned)head[2] << 16 | (unsigned long)head[3] << 24;
    if (magic != ((unsigned long)PyImport_GetMagicNumber() & 0xffffffffu)) {
        PyErr_SetString(PyExc_RuntimeError, "Bad magic number in .pyc file");
        return NULL;
    }
    PyObject *marshal = compat_import("marshal");
    PyObject *bytes = marshal == NULL ? NULL : runner_file_rest(file);
    PyObject *code = bytes == NULL ? NULL : PyObject_CallMethod(marshal, "loads", "(O)", bytes);
    if (bytes != NULL && (code == NULL || !runner_file_is_code(code))) {
        PyErr_Clear();
        Py_CLEAR(code);
        PyErr_SetString(PyExc_RuntimeError, "Bad code object in .pyc file");
    }
    Py_XDECREF(bytes);
    Py_XDECREF(marshal);
    return code;
}

static PyObject *
runner_file_run_pyc(FILE *file, PyObject *globals)
{
    PyObject *code = runner_file_load(file);
    fclose(file);
    PyObject *result = code == NULL ? NULL : PyEval_EvalCode(code, globals, globals);
    Py_XDECREF(code);
    return result;
}

/* ---- both ---- */

static int
runner_file_loader(PyObject *globals, PyObject *place, const char *type)
{
    PyObject *importlib = compat_import("_frozen_importlib_external");
    PyObject *loader = importlib == NULL ? NULL : PyObject_CallMethod(importlib, type, "sO", "__main__", place);
    int ret = loader == NULL ? -1 : PyDict_SetItemString(globals, "__loader__", loader);
    Py_XDECREF(importlib);
    Py_XDECREF(loader);
    return ret;
}

/* Past exceptions, and without one of its own. */
static void
runner_file_flush(void)
{
    static const char *const streams[] = {"stderr", "stdout"};
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
        PyObject *stream = Py_XNewRef(PySys_GetObject(streams[i]));
        PyObject *done = stream == NULL ? NULL : PyObject_CallMethod(stream, "flush", NULL);
        PyErr_Clear();
        Py_XDECREF(done);
        Py_XDECREF(stream);
    }
    PyErr_Restore(type, error, traceback);
}

PyObject *
runner_file_run(FILE *file, PyObject *place, PyObject *globals)
{
    PyObject *result = NULL, *bytes = PyUnicode_EncodeFSDefault(place);
    const char *name = bytes == NULL ? NULL : PyBytes_AsString(bytes);
    int pyc = name != NULL && file != stdin && runner_file_is_pyc(file, name);
    if (name == NULL || PyDict_SetItemString(globals, "__file__", place) < 0
        || (compat_main_is_cached() && PyDict_SetItemString(globals, "__cached__", Py_None) < 0)
        || (file != stdin
            && runner_file_loader(globals, place, pyc ? "SourcelessFileLoader" : "SourceFileLoader") < 0)) {
        if (file != stdin) {
            fclose(file);
        }
        goto done;
    }
    result = pyc ? runner_file_run_pyc(file, globals) : compat_run_file(file, name, globals, file != stdin);
    runner_file_flush();
done:
    Py_XDECREF(bytes);
    return result;
}

void
runner_file_end(PyObject *globals)
{
    static const char *const names[] = {"__file__", "__cached__"};
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (PyDict_DelItemString(globals, names[i]) < 0) {
            PyErr_Clear(); /* the program itself has taken it out */
        }
    }
    PyErr_Restore(type, error, traceback);
}
