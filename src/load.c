/* Loading, see load.h. */
#include "load.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "buffer.h"
#include "dump_facts.h"
#include "load_describe.h"
#include "load_guard.h"
#include "load_reader.h"
#include "load_regions.h"
#include "load_source.h"
#include "methods.h"
#include "pickle_scan.h"

int
load_init(PyObject *module, ModuleState *state)
{
    state->error = PyErr_NewExceptionWithDoc("hooking.DumpError", "A file that is damaged, or not what load() reads.",
                                             PyExc_ValueError, NULL);
    state->untrusted = state->error == NULL
                           ? NULL
                           : PyErr_NewExceptionWithDoc("hooking.UntrustedDump",
                                                       "A pickle that would import or call more than data has need of, "
                                                       "and is not signed with the user's own key.",
                                                       state->error, NULL);
    return state->untrusted == NULL || PyModule_AddObjectRef(module, "DumpError", state->error) < 0
                   || PyModule_AddObjectRef(module, "UntrustedDump", state->untrusted) < 0
               ? -1
               : 0;
}

/* ---- is it whole ---- */

/* -1 with DumpError unless it is a pickle that nothing is known to be wrong with. */
static int
load_check_source(ModuleState *state, const LoadSource *source, PyObject *path)
{
    PyObject *error = state->error;
    unsigned long long offset = source->offset, until = source->until;
    if (source->dump == DUMP_DAMAGED && until != 0) {
        PyErr_Format(error, "%S is damaged: %s, between bytes %llu and %llu", path, source->why, offset, until);
    }
    else if (source->dump == DUMP_DAMAGED || source->dump == DUMP_NEWER) {
        const char *format = source->dump == DUMP_NEWER ? "%S was %s (byte %llu)" : "%S is damaged: %s, at byte %llu";
        PyErr_Format(error, format, path, source->why, offset);
    }
    else if (source->kind != NULL) {
        PyErr_Format(error, "%S is %s%s%s: %s", path, source->packed == NULL ? "" : source->packed->name,
                     source->packed == NULL ? "" : ", and in it ", source->kind->name,
                     source->kind->reader == NULL ? "unpack it first" : source->kind->reader);
    }
    return PyErr_Occurred() ? -1 : 0;
}

/* ---- is it trusted ---- */

/* What it would do, a line for each name. */
static PyObject *
load_tell(const PickleScan *scan, PyObject *path)
{
    Buffer text = {0};
    load_describe(scan, &text);
    PyObject *names = text.failed ? PyErr_NoMemory()
                                  : PyUnicode_DecodeUTF8(text.size == 0 ? "" : text.bytes, (Py_ssize_t)text.size,
                                                         "backslashreplace");
    PyObject *said = names == NULL ? NULL
                                   : PyUnicode_FromFormat("%S is not signed with your key. To load it would%U", path,
                                                          names);
    Py_XDECREF(names);
    buffer_free(&text);
    return said;
}

/* May it be loaded? 1 without restriction, 2 under guard, -1 with an exception. */
static int
load_judge(ModuleState *state, const LoadRequest *request, const LoadSource *source)
{
    PickleScan scan;
    int ret = -1;
    if (source->dump == DUMP_WHOLE && source->own) {
        return 1;
    }
    size_t size = source->dump == DUMP_WHOLE ? (size_t)source->trailer.stream_end : source->size;
    uint64_t offset;
    if (!load_regions_fit(source->bytes, size, source->trailer.regions, source->trailer.region_count, &offset)) {
        PyErr_Format(state->error, "%S is damaged: a buffer is not where its end says, at byte %llu", request->path,
                     (unsigned long long)offset);
        return -1;
    }
    bool scanned;
    Py_BEGIN_ALLOW_THREADS
    scanned = pickle_scan(source->bytes, size, &scan);
    Py_END_ALLOW_THREADS
    const LoadKind *other = scanned ? load_kind_of_imports(&scan) : NULL;
    if (!scanned) {
        PyErr_NoMemory();
    }
    else if (other != NULL) {
        PyErr_Format(state->error, "%S is %s: %s", request->path, other->name, other->reader);
    }
    else if (scan.verdict == PICKLE_BROKEN) {
        PyErr_Format(state->error, "%S is no whole pickle: %s, at byte %zu", request->path, scan.why, scan.offset);
    }
    else if (scan.verdict == PICKLE_SAFE) {
        ret = 2;
    }
    else if (request->trust == LOAD_ANY) {
        ret = 1;
    }
    else {
        PyObject *text = load_tell(&scan, request->path);
        int yes = text == NULL ? -1 : request->ask == NULL || request->trust == LOAD_OWN ? 0
                                                            : request->ask(request->context, text);
        if (yes == 0) {
            PyErr_Format(state->untrusted, "%U\nIf you trust whoever has made it: load(path, trust=True)", text);
        }
        ret = yes == 1 ? 1 : -1;
        Py_XDECREF(text);
    }
    pickle_scan_clear(&scan);
    return ret;
}

/* ---- loading ---- */

/* What stands in a region: of the file in memory, or what any unpickler would make of it. New reference. */
static PyObject *
load_region(const LoadSource *source, const DumpRegion *region, PyObject *view, bool map)
{
    if (!map) {
        const char *bytes = (const char *)source->bytes + region->offset;
        return region->readonly ? PyBytes_FromStringAndSize(bytes, (Py_ssize_t)region->size)
                                : PyByteArray_FromStringAndSize(bytes, (Py_ssize_t)region->size);
    }
    return load_reader_slice(view, region->offset, region->offset + region->size);
}

/* A list of what the regions hold, NULL with an exception. */
static PyObject *
load_buffers(const LoadSource *source, PyObject *view, bool map)
{
    const DumpTrailer *trailer = &source->trailer;
    PyObject *buffers = PyList_New(0);
    for (size_t i = 0; buffers != NULL && i < trailer->region_count; i++) {
        PyObject *part = load_region(source, &trailer->regions[i], view, map);
        if (part == NULL || PyList_Append(buffers, part) < 0) {
            Py_CLEAR(buffers);
        }
        Py_XDECREF(part);
    }
    return buffers;
}

static PyObject *
load_unpickle(ModuleState *state, const LoadRequest *request, const LoadSource *source, PyObject *facts,
              bool restricted)
{
    bool whole = source->dump == DUMP_WHOLE;
    LoadReader reader = {0};
    LoadGuard guard = {state, request->path, request->modules, facts, restricted};
    PyObject *value = NULL, *file = NULL;
    PyObject *view = PyMemoryView_FromObject(source->base);
    PyObject *buffers = view == NULL ? NULL : whole ? load_buffers(source, view, request->map) : PyList_New(0);
    if (buffers == NULL) {
        goto done;
    }
    if (!load_reader_begin(&reader, view, source->bytes, whole ? (size_t)source->trailer.stream_end : source->size,
                           source->trailer.regions, source->trailer.region_count)) {
        PyErr_NoMemory();
        goto done;
    }
    file = load_reader_file(&reader);
    value = file == NULL ? NULL : load_guard_run(&guard, file, whole ? buffers : NULL);
done:
    methods_close(file);
    Py_XDECREF(file);
    load_reader_clear(&reader);
    Py_XDECREF(buffers);
    Py_XDECREF(view);
    return value;
}

int
load_file(ModuleState *state, const LoadRequest *request, PyObject **value, PyObject **facts)
{
    LoadSource source;
    int ret = -1;
    *value = *facts = NULL;
    if (load_source_open(state, &source, request->path, request->verify) < 0
        || load_check_source(state, &source, request->path) < 0) {
        goto done;
    }
    int judged = load_judge(state, request, &source);
    if (request->own != NULL) {
        *request->own = source.own;
    }
    *facts = judged < 0 ? NULL : source.dump == DUMP_WHOLE ? dump_facts_dict(&source.trailer) : PyDict_New();
    if (*facts == NULL) {
        goto done;
    }
    *value = load_unpickle(state, request, &source, *facts, judged == 2);
    ret = *value == NULL ? -1 : 0;
done:
    if (ret < 0) {
        Py_CLEAR(*facts);
    }
    load_source_close(&source);
    return ret;
}

int
load_is_dump(PyObject *path)
{
    char begin[DUMP_HEAD_SIZE];
    PyObject *name = NULL;
    if (PyUnicode_FSConverter(path, &name) == 0) {
        PyErr_Clear();
        return 0;
    }
    int fd = open(PyBytes_AsString(name), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    bool is_dump = fd >= 0 && read(fd, begin, sizeof begin) == DUMP_HEAD_SIZE
                   && memcmp(begin, DUMP_HEAD, DUMP_HEAD_SIZE) == 0;
    if (fd >= 0) {
        close(fd);
    }
    Py_DECREF(name);
    return is_dump;
}

/* ---- the door ---- */

PyObject *
load_door(PyObject *module, PyObject *args, PyObject *named)
{
    static char *keywords[] = {(char *)"path", (char *)"trust", (char *)"mmap", (char *)"verify", (char *)"modules",
                               NULL};
    LoadRequest request = {0};
    PyObject *path = NULL, *trust = Py_None, *modules = Py_None, *value, *facts;
    int map = 1, verify = 0;
    int trusted, loaded;
    if (!PyArg_ParseTupleAndKeywords(args, named, "O&|$OppO:load", keywords, PyUnicode_FSDecoder, &path, &trust, &map,
                                     &verify, &modules)) {
        return NULL;
    }
    trusted = trust == Py_None ? 0 : PyObject_IsTrue(trust);
    request.trust = trust == Py_None ? LOAD_IF_SAFE : trusted ? LOAD_ANY : LOAD_OWN;
    request.path = path;
    request.map = map;
    request.verify = verify;
    request.modules = modules == Py_None ? NULL : modules;
    loaded = trusted < 0 ? -1 : load_file(state_of_module(module), &request, &value, &facts);
    Py_DECREF(path);
    if (loaded < 0) {
        return NULL;
    }
    Py_DECREF(facts);
    return value;
}
