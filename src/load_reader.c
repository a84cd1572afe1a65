/* Stream of a dump, see load_reader.h. Nothing of it is put together in memory, and what an unpickler reads at once it
 * reads where it lies: copies would be a tenth of the time that many small objects take. */
#include "load_reader.h"

#include <stdlib.h>
#include <string.h>

#include "methods.h"
#include "pickle_ops.h"

static const unsigned char WRITABLE[] = {PICKLE_NEXT_BUFFER};
static const unsigned char READONLY[] = {PICKLE_NEXT_BUFFER, PICKLE_READONLY_BUFFER};

PyObject *
load_reader_slice(PyObject *view, uint64_t from, uint64_t to)
{
    PyObject *start = PyLong_FromUnsignedLongLong(from);
    PyObject *stop = PyLong_FromUnsignedLongLong(to);
    PyObject *slice = start == NULL || stop == NULL ? NULL : PySlice_New(start, stop, NULL);
    PyObject *part = slice == NULL ? NULL : PyObject_GetItem(view, slice);
    Py_XDECREF(slice);
    Py_XDECREF(stop);
    Py_XDECREF(start);
    return part;
}

/* ---- pieces ---- */

bool
load_reader_begin(LoadReader *reader, PyObject *view, const unsigned char *bytes, size_t end, const DumpRegion *regions,
                  size_t count)
{
    size_t from = 0;
    *reader = (LoadReader){.view = view, .bytes = bytes};
    reader->pieces = malloc((2 * count + 1) * sizeof *reader->pieces);
    if (reader->pieces == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const DumpRegion *region = &regions[i];
        reader->pieces[reader->count++] = (LoadPiece){bytes + from, (size_t)region->begin - from};
        reader->pieces[reader->count++] = region->readonly ? (LoadPiece){READONLY, sizeof READONLY}
                                                           : (LoadPiece){WRITABLE, sizeof WRITABLE};
        from = (size_t)(region->offset + region->size);
    }
    reader->pieces[reader->count++] = (LoadPiece){bytes + from, end - from};
    for (size_t i = 0; i < reader->count; i++) {
        reader->left += reader->pieces[i].size;
    }
    return true;
}

void
load_reader_clear(LoadReader *reader)
{
    free(reader->pieces);
    memset(reader, 0, sizeof *reader);
}

/* Copy up to `size` bytes from where reading is; `take`: it goes on behind them. Returns how many there were. */
static size_t
reader_copy(LoadReader *reader, char *out, size_t size, bool take)
{
    size_t piece = reader->piece, at = reader->at, copied = 0;
    while (copied < size && piece < reader->count) {
        size_t part = reader->pieces[piece].size - at;
        part = part < size - copied ? part : size - copied;
        memcpy(out + copied, reader->pieces[piece].bytes + at, part);
        copied += part;
        at += part;
        if (at == reader->pieces[piece].size) {
            piece++;
            at = 0;
        }
    }
    if (take) {
        reader->piece = piece;
        reader->at = at;
        reader->left -= copied;
    }
    return copied;
}

/* Bytes up to and with the next line end. */
static size_t
reader_line(const LoadReader *reader)
{
    size_t piece = reader->piece, at = reader->at, size = 0;
    while (piece < reader->count) {
        const unsigned char *from = reader->pieces[piece].bytes + at;
        size_t left = reader->pieces[piece].size - at;
        const unsigned char *end = left == 0 ? NULL : memchr(from, '\n', left);
        if (end != NULL) {
            return size + (size_t)(end - from) + 1;
        }
        size += left;
        piece++;
        at = 0;
    }
    return size;
}

/* ---- the file object ---- */

/* The same bytes as they lie in the file, when they lie together there; NULL, perhaps without an exception. */
static PyObject *
reader_view(LoadReader *reader, size_t size, bool take)
{
    /* Fewer bytes are copied in the time that a view takes. More than a MiB is put together by 3.15, which needs bytes
     * for that; a frame of a pickler's has 64 KiB. */
    enum { LEAST = 1 << 10, MOST = 256 << 10 };
    const LoadPiece *piece = &reader->pieces[reader->piece];
    if (size < LEAST || size > MOST || piece->size - reader->at < size) {
        return NULL;
    }
    size_t from = (size_t)(piece->bytes - reader->bytes) + reader->at;
    PyObject *part = load_reader_slice(reader->view, from, from + size);
    if (part != NULL && take) {
        reader->at += size;
        reader->left -= size;
    }
    return part;
}

/* Bytes of which no more than are there are taken: a size in a broken file may be anything. */
static PyObject *
reader_bytes(LoadReader *reader, size_t size, bool take)
{
    size = size < reader->left ? size : reader->left;
    PyObject *bytes = size == 0 ? NULL : reader_view(reader, size, take);
    if (bytes != NULL || PyErr_Occurred()) {
        return bytes;
    }
    bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)size);
    if (bytes != NULL) {
        reader_copy(reader, PyBytes_AsString(bytes), size, take);
    }
    return bytes;
}

static PyObject *
reader_sized(PyObject *capsule, PyObject *number, bool take)
{
    LoadReader *reader = methods_context(capsule);
    Py_ssize_t size = reader == NULL ? -1 : PyLong_AsSsize_t(number);
    if (size < 0) {
        if (!PyErr_Occurred()) {
            PyErr_SetString(PyExc_ValueError, "how many bytes?");
        }
        return NULL;
    }
    return reader_bytes(reader, (size_t)size, take);
}

static PyObject *
reader_read(PyObject *capsule, PyObject *number)
{
    return reader_sized(capsule, number, true);
}

static PyObject *
reader_peek(PyObject *capsule, PyObject *number)
{
    return reader_sized(capsule, number, false);
}

static PyObject *
reader_readinto(PyObject *capsule, PyObject *target)
{
    LoadReader *reader = methods_context(capsule);
    Py_buffer out;
    if (reader == NULL || PyObject_GetBuffer(target, &out, PyBUF_WRITABLE) < 0) {
        return NULL;
    }
    size_t copied = reader_copy(reader, out.buf, (size_t)out.len, true);
    PyBuffer_Release(&out);
    return PyLong_FromSize_t(copied);
}

static PyObject *
reader_readline(PyObject *capsule, PyObject *Py_UNUSED(none))
{
    LoadReader *reader = methods_context(capsule);
    return reader == NULL ? NULL : reader_bytes(reader, reader_line(reader), true);
}

static PyMethodDef reader_methods[] = {
    {"read", reader_read, METH_O, NULL},
    {"peek", reader_peek, METH_O, NULL},
    {"readinto", reader_readinto, METH_O, NULL},
    {"readline", reader_readline, METH_NOARGS, NULL},
};

PyObject *
load_reader_file(LoadReader *reader)
{
    return methods_object(reader_methods, sizeof reader_methods / sizeof *reader_methods, reader);
}
