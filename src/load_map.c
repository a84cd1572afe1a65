/* Mapped files, see load_map.h.
 *
 * Unlike mmap.mmap it keeps no descriptor open, which a program that loads thousands of files would run out of.
 */
#include "load_map.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct Map {
    PyObject_HEAD
    void *bytes;
    Py_ssize_t size;
    bool changes; /* others than the user may write to the file */
} Map;

static int
map_getbuffer(PyObject *self, Py_buffer *view, int flags)
{
    Map *map = (Map *)self;
    return PyBuffer_FillInfo(view, self, map->bytes, map->size, 0, flags);
}

static void
map_dealloc(PyObject *self)
{
    Map *map = (Map *)self;
    PyTypeObject *type = Py_TYPE(self);
    if (map->bytes != NULL) {
        munmap(map->bytes, (size_t)map->size);
    }
    PyObject_Free(self);
    Py_DECREF(type);
}

static PyType_Slot map_slots[] = {
    {Py_tp_dealloc, map_dealloc},
    {Py_bf_getbuffer, map_getbuffer},
    {0, NULL},
};

static PyType_Spec map_spec = {
    .name = "hooking._core.Map",
    .basicsize = sizeof(Map),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = map_slots,
};

int
load_map_init(PyObject *module, ModuleState *state)
{
    state->map_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &map_spec, NULL);
    return state->map_type == NULL ? -1 : 0;
}

enum { NOTHING = -1 }; /* no error number: the file is empty, and cannot be mapped */

/* 0, NOTHING, or errno and, where strerror() would mislead, *why. */
static int
map_file(const char *path, void **bytes, size_t *size, bool *changes, const char **why)
{
    struct stat found;
    int error = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    *why = NULL;
    if (fd < 0) {
        return errno;
    }
    if (fstat(fd, &found) < 0) {
        error = errno;
    }
    else if (!S_ISREG(found.st_mode)) {
        error = S_ISDIR(found.st_mode) ? EISDIR : EINVAL;
        *why = S_ISDIR(found.st_mode) ? NULL : "not a plain file";
    }
    else if (found.st_size == 0) {
        error = NOTHING;
    }
    else {
        *size = (size_t)found.st_size;
        *changes = (found.st_uid != geteuid() && found.st_uid != 0) || (found.st_mode & (S_IWGRP | S_IWOTH)) != 0;
        *bytes = mmap(NULL, *size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, fd, 0);
        error = *bytes == MAP_FAILED ? errno : 0;
    }
    close(fd);
    return error;
}

PyObject *
load_map_open(ModuleState *state, PyObject *path)
{
    PyObject *name = NULL;
    void *bytes = NULL;
    size_t size = 0;
    bool changes = false;
    const char *why;
    int error;
    if (PyUnicode_FSConverter(path, &name) == 0) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    error = map_file(PyBytes_AsString(name), &bytes, &size, &changes, &why);
    Py_END_ALLOW_THREADS
    Py_DECREF(name);
    if (error == NOTHING) {
        PyErr_Format(state->error, "%S is empty: it ends at byte 0", path);
        return NULL;
    }
    if (error != 0) {
        why = why == NULL ? strerror(error) : why;
        PyObject *raised = PyObject_CallFunction(PyExc_OSError, "isO", error, why, path);
        if (raised != NULL) {
            PyErr_SetObject((PyObject *)Py_TYPE(raised), raised);
            Py_DECREF(raised);
        }
        return NULL;
    }
    Map *map = PyObject_New(Map, state->map_type);
    if (map == NULL) {
        munmap(bytes, size);
        return NULL;
    }
    map->bytes = bytes;
    map->size = (Py_ssize_t)size;
    map->changes = changes;
    return (PyObject *)map;
}

/* A private mapping shows what others write until a page of it is written to here. */
void
load_map_keep(const ModuleState *state, PyObject *map, size_t offset, size_t size)
{
    if (Py_TYPE(map) != state->map_type || !((Map *)map)->changes || size == 0) {
        return;
    }
    size_t page = (size_t)sysconf(_SC_PAGESIZE), end = offset + size;
    volatile char *bytes = ((Map *)map)->bytes;
    for (size_t at = offset - offset % page; at < end; at += page) {
        bytes[at] = bytes[at];
    }
}
