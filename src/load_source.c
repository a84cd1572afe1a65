/* Bytes to be loaded, see load_source.h. */
#include "load_source.h"

#include <stdlib.h>
#include <string.h>

#include "dump_sign.h"
#include "load_map.h"

/* ---- holding them ---- */

/* Steals `base`. */
static int
source_hold(LoadSource *source, PyObject *base)
{
    if (source->base != NULL) {
        PyBuffer_Release(&source->buffer);
        Py_CLEAR(source->base);
    }
    if (base == NULL || PyObject_GetBuffer(base, &source->buffer, PyBUF_SIMPLE) < 0) {
        Py_XDECREF(base);
        return -1;
    }
    source->base = base;
    source->bytes = source->buffer.buf;
    source->size = (size_t)source->buffer.len;
    return 0;
}

void
load_source_close(LoadSource *source)
{
    if (source->base != NULL) {
        PyBuffer_Release(&source->buffer);
        Py_CLEAR(source->base);
    }
    dump_trailer_clear(&source->trailer);
}

/* ---- unpacking ---- */

/* The first of the modules of a list that is there. */
static PyObject *
source_unpacker(const char *names)
{
    PyObject *module = NULL;
    while (module == NULL && *names != '\0') {
        char name[64];
        size_t length = strcspn(names, "|");
        snprintf(name, sizeof name, "%.*s", (int)length, names);
        names += length + (names[length] == '|');
        module = compat_import(name);
        if (module == NULL && !PyErr_ExceptionMatches(PyExc_ImportError)) {
            return NULL;
        }
        if (module == NULL && *names != '\0') {
            PyErr_Clear();
        }
    }
    return module;
}

/* A decompressed file is in memory: a bytearray, so that arrays in it can be written to. */
static int
source_unpack(ModuleState *state, LoadSource *source, PyObject *path)
{
    PyObject *module = source_unpacker(source->kind->module);
    if (module == NULL) {
        if (PyErr_ExceptionMatches(PyExc_ImportError)) {
            const char *other = strchr(source->kind->module, '|');
            PyErr_Clear();
            PyErr_Format(state->error, "%S is %s, which this Python cannot read: python -m pip install %s", path,
                         source->kind->name, other == NULL ? source->kind->module : other + 1);
        }
        return -1;
    }
    source->packed = source->kind;
    PyObject *file = PyObject_CallMethod(module, "open", "Os", path, "rb");
    PyObject *bytes = file == NULL ? NULL : PyObject_CallMethod(file, "read", NULL);
    PyObject *array = bytes == NULL ? NULL : PyByteArray_FromObject(bytes);
    Py_XDECREF(bytes);
    if (array == NULL && PyErr_ExceptionMatches(PyExc_Exception) && !PyErr_ExceptionMatches(PyExc_MemoryError)) {
        PyObject *type, *value, *traceback;
        PyErr_Fetch(&type, &value, &traceback);
        PyErr_NormalizeException(&type, &value, &traceback);
        PyErr_Format(state->error, "%S is %s, and damaged: %S", path, source->kind->name, value);
        Py_XDECREF(type);
        Py_XDECREF(value);
        Py_XDECREF(traceback);
    }
    if (file != NULL) {
        PyObject *type, *value, *traceback;
        PyErr_Fetch(&type, &value, &traceback);
        Py_XDECREF(PyObject_CallMethod(file, "close", NULL));
        PyErr_Clear();
        PyErr_Restore(type, value, traceback);
        Py_DECREF(file);
    }
    Py_DECREF(module);
    return array == NULL ? -1 : source_hold(source, array);
}

/* ---- checking ---- */

static int
source_damaged(LoadSource *source, const char *why, uint64_t offset, uint64_t until)
{
    source->dump = DUMP_DAMAGED;
    source->why = why;
    source->offset = offset;
    source->until = until;
    return 0;
}

static int
source_hash(const LoadSource *source, unsigned char digest[DUMP_DIGEST])
{
    const DumpTrailer *trailer = &source->trailer;
    PyObject *hash = dump_sign_hash();
    uint64_t from = 0;
    int ret = hash == NULL ? -1 : 0;
    for (size_t i = 0; ret == 0 && i <= trailer->region_count; i++) {
        bool last = i == trailer->region_count;
        uint64_t to = last ? trailer->stream_end : trailer->regions[i].offset;
        ret = dump_sign_add(hash, source->bytes + from, (size_t)(to - from));
        from = last ? to : to + trailer->regions[i].size;
    }
    ret = ret < 0 ? ret : dump_sign_finish(hash, digest);
    Py_XDECREF(hash);
    return ret;
}

/* What is checked now is what is unpickled later, whoever may write to the file: all but the contents of buffers. The
 * end comes first, for it says where those are. */
static void
source_keep_end(const ModuleState *state, const LoadSource *source)
{
    size_t last = source->size < DUMP_HEAD_SIZE ? source->size : DUMP_HEAD_SIZE;
    load_map_keep(state, source->base, 0, last);
    load_map_keep(state, source->base, source->size - last, last);
    size_t end = dump_trailer_size(source->bytes, source->size);
    load_map_keep(state, source->base, source->size - end, end);
}

static void
source_keep_stream(const ModuleState *state, const LoadSource *source)
{
    bool dump = source->dump == DUMP_WHOLE;
    size_t from = 0, end = dump ? (size_t)source->trailer.stream_end : source->size;
    for (size_t i = 0; i < source->trailer.region_count; i++) {
        const DumpRegion *region = &source->trailer.regions[i];
        load_map_keep(state, source->base, from, (size_t)region->offset - from);
        from = (size_t)(region->offset + region->size);
    }
    load_map_keep(state, source->base, from, end - from);
}

/* Is everything as it was written? */
static int
source_check(LoadSource *source, bool verify)
{
    const DumpTrailer *trailer = &source->trailer;
    unsigned char digest[DUMP_DIGEST];
    if (source_hash(source, digest) < 0) {
        return -1;
    }
    bool whole = memcmp(digest, trailer->digest, DUMP_DIGEST) == 0;
    size_t block = trailer->block_count;
    if (!whole || verify) {
        Py_BEGIN_ALLOW_THREADS
        block = dump_trailer_find_damage(trailer, source->bytes);
        Py_END_ALLOW_THREADS
    }
    if (block < trailer->block_count) {
        uint64_t from = (uint64_t)block * DUMP_BLOCK, to = from + DUMP_BLOCK;
        to = to < trailer->stream_end ? to : trailer->stream_end;
        return source_damaged(source, "it is not what was written", from, to);
    }
    if (!whole) {
        return source_damaged(source, "it is not what was written", 0, trailer->stream_end);
    }
    const unsigned char *at = source->bytes + trailer->stream_end;
    int own = dump_sign_is_own(at, trailer->signed_size, trailer->signature);
    source->own = own > 0;
    return own < 0 ? -1 : 0;
}

/* Does it end as a dump does? */
static bool
source_has_end(const LoadSource *source)
{
    static const char end[] = {'h', 'o', 'o', 'k', 'd', 'u', 'm', 'p'};
    return source->size >= sizeof end && memcmp(source->bytes + source->size - sizeof end, end, sizeof end) == 0;
}

int
load_source_open(ModuleState *state, LoadSource *source, PyObject *path, bool verify)
{
    memset(source, 0, sizeof *source);
    if (source_hold(source, load_map_open(state, path)) < 0) {
        return -1;
    }
    source->kind = load_kind_of(source->bytes, source->size);
    if (source->kind != NULL && source->kind->module != NULL) {
        if (source_unpack(state, source, path) < 0) {
            return -1;
        }
        source->kind = load_kind_of(source->bytes, source->size);
    }
    source_keep_end(state, source);
    source->dump = dump_trailer_read(source->bytes, source->size, &source->trailer, &source->why, &source->offset);
    if (source->dump == DUMP_NONE && source_has_end(source)) {
        return source_damaged(source, "its beginning is not what was written", 0, DUMP_HEAD_SIZE);
    }
    if (source->dump == DUMP_WHOLE || source->dump == DUMP_NONE) {
        Py_BEGIN_ALLOW_THREADS
        source_keep_stream(state, source);
        Py_END_ALLOW_THREADS
    }
    return source->dump == DUMP_WHOLE ? source_check(source, verify) : 0;
}
