/* The folder of a program's snapshots, see checkpoint_files.h. */
#include "checkpoint_files.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dump_file.h"

PyObject *
checkpoint_files_folder(const Checkpoint *self)
{
    return PyUnicode_FromFormat("%U/%U", self->output_dir, self->script);
}

/* "000123-NAME.pkl" */
static PyObject *
files_name(const Checkpoint *self, PyObject *name)
{
    char number[32];
    snprintf(number, sizeof number, "%06ld", self->number);
    PyObject *safe = PyUnicode_FromString("");
    for (Py_ssize_t i = 0; safe != NULL && i < PyUnicode_GetLength(name); i++) {
        Py_UCS4 c = PyUnicode_ReadChar(name, i);
        bool keeps = c >= 128 || isalnum((int)c) || (c != 0 && strchr("-_.+=@,", (int)c) != NULL);
        PyObject *one = keeps ? PyUnicode_Substring(name, i, i + 1) : PyUnicode_FromString("_");
        PyUnicode_AppendAndDel(&safe, one);
    }
    PyObject *file = safe == NULL ? NULL : PyUnicode_FromFormat("%s-%U.pkl", number, safe);
    Py_XDECREF(safe);
    return file;
}

/* What keeps a folder from being made, where strerror() misleads: makedirs() says that a file exists which is no
 * folder, and that there is no such file where nobody can make one. NULL for anything else. */
static const char *
files_obstacle(long code, PyObject *path)
{
    struct stat found;
    PyObject *name = path == NULL || !PyUnicode_Check(path) ? NULL : PyUnicode_EncodeFSDefault(path);
    const char *why = name == NULL ? NULL
                      : code == EEXIST && stat(PyBytes_AsString(name), &found) == 0 && !S_ISDIR(found.st_mode)
                          ? "there is a file of that name: take another folder for the snapshots"
                      : code == ENOENT ? "no folder can be made there: take another one for the snapshots"
                                       : NULL;
    Py_XDECREF(name);
    return why;
}

/* An OSError is set: it is to say why there is no folder. */
static void
files_explain(void)
{
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    PyErr_NormalizeException(&type, &error, &traceback);
    PyObject *number = PyObject_GetAttrString(error, "errno"), *path = PyObject_GetAttrString(error, "filename");
    long code = number == NULL || !PyLong_Check(number) ? 0 : PyLong_AsLong(number);
    const char *why = files_obstacle(code, path);
    PyErr_Clear();
    PyObject *clear = why == NULL ? NULL : PyObject_CallFunction(PyExc_OSError, "lsO", code, why, path);
    if (clear != NULL) {
        PyErr_SetObject((PyObject *)Py_TYPE(clear), clear);
    }
    else {
        PyErr_Restore(Py_NewRef(type), Py_NewRef(error), Py_XNewRef(traceback));
    }
    Py_XDECREF(clear);
    Py_XDECREF(path);
    Py_XDECREF(number);
    Py_XDECREF(type);
    Py_XDECREF(error);
    Py_XDECREF(traceback);
}

int
checkpoint_files_find_folder(Checkpoint *self)
{
    int ret = -1;
    PyObject *folder = checkpoint_files_folder(self);
    PyObject *os = folder == NULL ? NULL : compat_import("os");
    PyObject *none = os == NULL ? NULL : PyObject_CallMethod(os, "makedirs", "Oii", folder, 0777, 1);
    if (os != NULL && none == NULL && PyErr_ExceptionMatches(PyExc_OSError)) {
        files_explain();
    }
    PyObject *name = none == NULL ? NULL : PyUnicode_EncodeFSDefault(folder);
    if (name != NULL && access(PyBytes_AsString(name), W_OK | X_OK) < 0) {
        PyErr_SetFromErrnoWithFilenameObject(PyExc_OSError, folder);
    }
    else if (name != NULL) {
        long highest = snapshot_folder_highest(PyBytes_AsString(name));
        self->number = highest > self->number ? highest : self->number;
        dump_file_sweep(PyBytes_AsString(name)); /* of those that were killed */
        ret = 0;
    }
    Py_XDECREF(name);
    Py_XDECREF(none);
    Py_XDECREF(os);
    Py_XDECREF(folder);
    return ret;
}

void
checkpoint_files_prune(const Checkpoint *self)
{
    bool wanted = self->rules.keep > 0 || self->rules.max_size > 0;
    PyObject *folder = wanted ? checkpoint_files_folder(self) : NULL;
    PyObject *name = folder == NULL ? NULL : PyUnicode_EncodeFSDefault(folder);
    if (name != NULL) {
        snapshot_folder_prune(PyBytes_AsString(name), &self->rules);
    }
    PyErr_Clear();
    Py_XDECREF(name);
    Py_XDECREF(folder);
}

void
checkpoint_files_sweep(const Checkpoint *self)
{
    PyObject *folder = checkpoint_files_folder(self);
    PyObject *name = folder == NULL ? NULL : PyUnicode_EncodeFSDefault(folder);
    if (name != NULL) {
        dump_file_sweep(PyBytes_AsString(name));
    }
    PyErr_Clear();
    Py_XDECREF(name);
    Py_XDECREF(folder);
}

/* A number for the next one: another Checkpoint, or another process, may save in the same folder. The folder may have
 * been removed. -1 with an exception. */
static int
files_number(Checkpoint *self, PyObject *folder)
{
    PyObject *name = folder == NULL ? NULL : PyUnicode_EncodeFSDefault(folder), *path = NULL;
    long number = name == NULL ? 0 : snapshot_folder_take_number(PyBytes_AsString(name), self->number);
    if (name != NULL && number == 0 && errno == ENOENT && checkpoint_files_find_folder(self) == 0) {
        number = snapshot_folder_take_number(PyBytes_AsString(name), self->number);
    }
    if (number > 0) {
        self->number = number;
    }
    else if (!PyErr_Occurred()) {
        int error = errno;
        path = PyUnicode_FromFormat("%U/" SNAPSHOT_FOLDER_LAST, folder);
        errno = error;
        PyErr_SetFromErrnoWithFilenameObject(PyExc_OSError, path);
    }
    Py_XDECREF(path);
    Py_XDECREF(name);
    return number > 0 ? 0 : -1;
}

PyObject *
checkpoint_files_next(Checkpoint *self, PyObject *name)
{
    PyObject *folder = checkpoint_files_folder(self);
    PyObject *file = folder == NULL || files_number(self, folder) < 0 ? NULL : files_name(self, name);
    Py_XDECREF(folder);
    return file;
}
