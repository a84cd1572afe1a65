/* Writing a dump, see dump_write.h.
 *
 * The pickler gives its stream in pieces: whole opcodes, or the content of one large bytes or str, whose opcode the
 * piece before has ended with. Buffers are kept out of the stream (the pickler asks about each beforehand), and where
 * their opcode comes they are put in: room, so that they begin on a page and can be mapped, then an opcode that any
 * unpickler takes for a bytearray or bytes. In a piece without such an opcode nothing has to be looked at.
 */
#include "dump_write.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "digest.h"
#include "dump_behind.h"
#include "dump_file.h"
#include "dump_share.h"
#include "dump_sign.h"
#include "methods.h"
#include "pickle_ops.h"

enum {
    SMALLEST_BUFFER = 64 << 10, /* bytes: smaller ones stay in the stream */
    PAGE = 4096,
    COLLECTED = 256 << 10,      /* bytes of the stream that are written at once */
    BOUNCE = 2 << 20,           /* bytes of a buffer that are written at once: they stay in the cache meanwhile */
    LARGE_BUFFER = 8 << 20,     /* bytes: worth a thread */
    INTERVAL = 100000000,       /* ns between two looks at signals */
};

typedef struct Write {
    DumpFile file;
    DumpTrailer *trailer; /* borrowed */
    const DumpProgress *progress; /* borrowed, or NULL */
    PyObject *path;       /* borrowed: str or bytes, for messages */
    PyObject *hash;       /* owned: hashlib.sha256() of the stream */
    PyObject *waiting;    /* owned: a list of the PickleBuffers whose opcodes have not come yet */
    Py_ssize_t first;     /* of that list */
    uint64_t at;          /* in the file */
    uint64_t body_left;   /* of an opcode that a piece has ended with */
    uint64_t left;        /* bytes of buffers that wait */
    DumpShare share;      /* an earlier dump, whose buffers need not be written once more */
    Buffer collected;     /* of the stream */
    char *bounce;         /* owned: room for two times BOUNCE */
    size_t place;         /* in there: 0 or BOUNCE, of the next part */
    Digests digests;
    size_t region_room;
    struct timespec looked; /* when signals were last looked at */
    bool readonly_follows;  /* an opcode that the last buffer has made superfluous may come */
    PyObject *unsigned_why; /* owned or NULL: why there is no signature */
} Write;

/* ---- the file ---- */

static int
write_fail(const Write *w)
{
    if (w->file.error == 0) {
        PyErr_NoMemory();
        return -1;
    }
    const char *why = w->file.failed == NULL ? strerror(w->file.error) : w->file.failed;
    PyObject *error = PyObject_CallFunction(PyExc_OSError, "isO", w->file.error, why, w->path);
    if (error != NULL) {
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
    }
    Py_XDECREF(error);
    return -1;
}

/* Signals and progress. -1 with an exception. */
static int
write_look(Write *w)
{
    clock_gettime(CLOCK_MONOTONIC, &w->looked);
    return PyErr_CheckSignals() < 0 || (w->progress != NULL && w->progress->tell != NULL
               && w->progress->tell(w->progress->context, w->at, w->left) < 0)
               ? -1
               : 0;
}

static bool
write_is_time(const Write *w)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - w->looked.tv_sec) * 1000000000LL + (now.tv_nsec - w->looked.tv_nsec) > INTERVAL;
}

/* ---- the stream ---- */

/* Bytes of the stream go to the file. */
static int
write_out(Write *w, const char *bytes, size_t size)
{
    bool written;
    if (size == 0) {
        return 0;
    }
    if (dump_sign_add(w->hash, bytes, size) < 0) {
        return -1;
    }
    Py_BEGIN_ALLOW_THREADS
    digests_add(&w->digests, bytes, size);
    written = dump_file_write(&w->file, bytes, size);
    Py_END_ALLOW_THREADS
    w->at += size;
    return !written ? write_fail(w) : write_is_time(w) ? write_look(w) : 0;
}

static int
write_flush(Write *w)
{
    int ret = w->collected.failed ? write_fail(w) : write_out(w, w->collected.bytes, w->collected.size);
    buffer_empty(&w->collected);
    return ret;
}

static int
write_stream(Write *w, const char *bytes, size_t size)
{
    if (size >= COLLECTED) {
        int ret = write_flush(w);
        for (size_t part; ret == 0 && size > 0; bytes += part, size -= part) { /* between two, Ctrl-C is heard */
            part = size < COLLECTED ? size : COLLECTED;
            ret = write_out(w, bytes, part);
        }
        return ret;
    }
    buffer_add(&w->collected, bytes, size);
    return w->collected.size >= COLLECTED || w->collected.failed ? write_flush(w) : 0;
}

/* ---- buffers ---- */

static DumpRegion *
write_add_region(Write *w)
{
    DumpTrailer *trailer = w->trailer;
    if (trailer->region_count == w->region_room) {
        size_t room = w->region_room == 0 ? 16 : 2 * w->region_room;
        DumpRegion *longer = realloc(trailer->regions, room * sizeof *longer);
        if (longer == NULL) {
            PyErr_NoMemory();
            return NULL;
        }
        trailer->regions = longer;
        w->region_room = room;
    }
    return &trailer->regions[trailer->region_count++];
}

/* Take a part of a buffer and its digest, and write it: in the thread behind, if there is one. Without the GIL. */
static bool
write_part(Write *w, DumpBehind *behind, const char *bytes, size_t size)
{
    char *place = w->bounce + w->place; /* the thread may still be reading the other one */
    w->place = BOUNCE - w->place;
    memcpy(place, bytes, size);
    digests_add(&w->digests, place, size);
    w->at += size;
    w->left -= size;
    return behind == NULL ? dump_file_write(&w->file, place, size) : dump_behind_write(behind, place, size);
}

/* Parts for as long as nobody has to be looked after. */
static bool
write_parts(Write *w, DumpBehind *behind, const char **bytes, uint64_t *size)
{
    bool written;
    do {
        size_t part = *size < BOUNCE ? (size_t)*size : BOUNCE;
        written = write_part(w, behind, *bytes, part);
        *bytes += part;
        *size -= part;
    } while (written && *size > 0 && !write_is_time(w));
    return written;
}

/* The content of a buffer that an earlier dump has too, if both files can share it. The digest is of what is in there.
 * */
static bool
write_shared(Write *w, const char *bytes, uint64_t size)
{
    bool shared;
    Py_BEGIN_ALLOW_THREADS
    const unsigned char *found = dump_share_find(&w->share, bytes, size);
    shared = found != NULL && dump_share_into(&w->share, w->file.fd, found, size);
    if (shared) {
        digests_add(&w->digests, (const char *)found, size);
        w->at += size;
        w->left -= size;
    }
    Py_END_ALLOW_THREADS
    return shared;
}

/* The content of a buffer, by way of small ones: the digest is then of what is written, also when another thread
 * changes the buffer meanwhile, and the second look at the bytes finds them in the cache. A large one is written by
 * another thread while this one takes the next part: else the copy and the digest would cost a fourth of the speed. */
static int
write_content(Write *w, const char *bytes, uint64_t size)
{
    DumpBehind thread;
    DumpBehind *behind = size >= LARGE_BUFFER && dump_behind_begin(&thread, &w->file) ? &thread : NULL;
    bool written = true;
    int looked = 0;
    while (written && looked == 0 && size > 0) {
        Py_BEGIN_ALLOW_THREADS
        written = write_parts(w, behind, &bytes, &size);
        Py_END_ALLOW_THREADS
        if (written && size > 0) {
            looked = write_look(w);
        }
    }
    if (behind != NULL) {
        PyObject *type, *value, *traceback;
        PyErr_Fetch(&type, &value, &traceback); /* of Ctrl-C */
        Py_BEGIN_ALLOW_THREADS
        written &= dump_behind_end(behind);
        Py_END_ALLOW_THREADS
        PyErr_Restore(type, value, traceback);
    }
    return looked < 0 ? -1 : written ? 0 : write_fail(w);
}

/* Room up to a page, and an opcode with a size of eight bytes. */
static int
write_room(Write *w, DumpRegion *region)
{
    enum { POP_SIZE = 6, HEAD = 9 };
    static const char zeros[PAGE];
    uint64_t begin = w->at + w->collected.size;
    size_t room = (PAGE - (begin + POP_SIZE + HEAD) % PAGE) % PAGE;
    char pushed[5] = {PICKLE_BINBYTES}, head[HEAD];
    for (int i = 0; i < 4; i++) {
        pushed[1 + i] = (char)(room >> (8 * i));
    }
    head[0] = (char)(region->readonly ? PICKLE_BINBYTES8 : PICKLE_BYTEARRAY8);
    for (int i = 0; i < 8; i++) {
        head[1 + i] = (char)(region->size >> (8 * i));
    }
    region->begin = begin;
    region->offset = begin + POP_SIZE + room + HEAD;
    return write_stream(w, pushed, sizeof pushed) < 0 || write_stream(w, zeros, room) < 0
                   || write_stream(w, "0", 1) < 0 || write_stream(w, head, sizeof head) < 0
               ? -1
               : 0;
}

/* The next of the buffers that wait: its opcode has come. */
static int
write_buffer(Write *w)
{
    Py_buffer content = {0};
    int ret = -1;
    if (w->first == PyList_Size(w->waiting)) {
        PyErr_SetString(PyExc_SystemError, "the pickler has written a buffer that it did not announce");
        return -1;
    }
    PyObject *buffer = PyList_GetItem(w->waiting, w->first);
    PyObject *raw = PyObject_CallMethod(buffer, "raw", NULL);
    if (raw == NULL || PyObject_GetBuffer(raw, &content, PyBUF_SIMPLE) < 0) {
        goto done;
    }
    DumpRegion *region = write_add_region(w);
    if (region == NULL) {
        goto done;
    }
    *region = (DumpRegion){.size = (uint64_t)content.len, .readonly = content.readonly != 0};
    ret = write_room(w, region) < 0 || write_flush(w) < 0      ? -1
          : write_shared(w, content.buf, region->size) ? 0
                                                                 : write_content(w, content.buf, region->size);
done:
    if (content.obj != NULL) {
        PyBuffer_Release(&content);
    }
    Py_XDECREF(raw);
    w->first++;
    if (w->first == PyList_Size(w->waiting) && ret == 0) { /* they may hold much memory */
        ret = PyList_SetSlice(w->waiting, 0, w->first, NULL);
        w->first = 0;
    }
    return ret;
}

/* ---- pieces of the pickler's ---- */

/* A piece is at an opcode. Go on to the next one that means something here; *size: what may be copied as it is. */
static int
write_skip(Write *w, const unsigned char *bytes, size_t size, size_t *copied)
{
    bool looking = w->first < PyList_Size(w->waiting);
    size_t at = 0;
    while (at < size) {
        PickleOp op;
        PickleStatus status = pickle_op_read(bytes + at, size - at, &op);
        if (status == PICKLE_HEAD_MISSING || status == PICKLE_UNKNOWN) {
            PyErr_SetString(PyExc_SystemError, "the pickler has written an opcode that is not known");
            return -1;
        }
        if (op.code == PICKLE_NEXT_BUFFER || (op.code == PICKLE_READONLY_BUFFER && w->readonly_follows)
            || (op.code == PICKLE_FRAME && looking)) {
            break;
        }
        w->readonly_follows = false;
        if (status == PICKLE_BODY_MISSING) {
            w->body_left = op.body_size - (size - at - op.head);
            at = size;
        }
        else if (op.code == PICKLE_FRAME && op.number <= size - at - op.head) {
            at += op.head + (size_t)op.number; /* no buffer waits, so there is none in it */
        }
        else {
            at += op.head + (size_t)op.body_size;
        }
    }
    *copied = at;
    return 0;
}

static int
write_piece(Write *w, const unsigned char *bytes, size_t size)
{
    while (size > 0) {
        size_t copied = 0;
        if (w->body_left > 0) {
            copied = size < w->body_left ? size : (size_t)w->body_left;
            w->body_left -= copied;
        }
        else if (write_skip(w, bytes, size, &copied) < 0) {
            return -1;
        }
        if (write_stream(w, (const char *)bytes, copied) < 0) {
            return -1;
        }
        bytes += copied;
        size -= copied;
        if (size == 0 || w->body_left > 0) {
            continue;
        }
        /* A frame is not as long as it says once something was put in; frames may be left out. */
        size_t dropped = *bytes == PICKLE_FRAME ? 9 : *bytes == PICKLE_NEXT_BUFFER || w->readonly_follows ? 1 : 0;
        w->readonly_follows = *bytes == PICKLE_NEXT_BUFFER;
        if (*bytes == PICKLE_NEXT_BUFFER && write_buffer(w) < 0) {
            return -1;
        }
        bytes += dropped;
        size -= dropped;
    }
    return 0;
}

/* The pickler's file: write(bytes). */
static PyObject *
write_method(PyObject *capsule, PyObject *piece)
{
    Write *w = methods_context(capsule);
    Py_buffer bytes;
    if (w == NULL || PyObject_GetBuffer(piece, &bytes, PyBUF_SIMPLE) < 0) {
        return NULL;
    }
    const unsigned char *at = bytes.buf;
    Py_ssize_t size = bytes.len;
    int failed = 0;
    if (w->at + w->collected.size == 0 && size >= 2 && memcmp(at, DUMP_HEAD, 2) == 0) {
        failed = write_stream(w, DUMP_HEAD, DUMP_HEAD_SIZE); /* which begins as every pickle of this protocol */
        at += 2;
        size -= 2;
    }
    failed = failed < 0 ? failed : write_piece(w, at, (size_t)size);
    Py_ssize_t length = bytes.len;
    PyBuffer_Release(&bytes);
    return failed < 0 ? NULL : PyLong_FromSsize_t(length);
}

/* Is a buffer to be in the stream? If not it waits for its opcode. */
static PyObject *
write_announce(PyObject *capsule, PyObject *buffer)
{
    Write *w = methods_context(capsule);
    Py_buffer content;
    if (w == NULL) {
        return NULL;
    }
    PyObject *raw = PyObject_CallMethod(buffer, "raw", NULL);
    if (raw == NULL) { /* its parts lie apart: the pickler says so itself */
        return PyErr_ExceptionMatches(PyExc_BufferError) ? PyErr_Clear(), Py_NewRef(Py_True) : NULL;
    }
    int failed = PyObject_GetBuffer(raw, &content, PyBUF_SIMPLE);
    Py_ssize_t size = failed < 0 ? 0 : content.len;
    if (failed == 0) {
        PyBuffer_Release(&content);
    }
    Py_DECREF(raw);
    if (failed < 0 || (size >= SMALLEST_BUFFER && PyList_Append(w->waiting, buffer) < 0)) {
        return NULL;
    }
    w->left += size >= SMALLEST_BUFFER ? (uint64_t)size : 0;
    /* Of many of them nothing may be written for long: a pickler collects 64 KiB of opcodes first. */
    if (write_is_time(w) && write_look(w) < 0) {
        return NULL;
    }
    return PyBool_FromLong(size < SMALLEST_BUFFER);
}

static PyMethodDef write_methods[] = {
    {"write", write_method, METH_O, NULL},
    {"buffer_callback", write_announce, METH_O, NULL},
};

/* ---- all of it ---- */

static int
write_pickle(PyObject *object, PyObject *pickler, PyObject *file)
{
    PyObject *announce = PyObject_GetAttrString(file, "buffer_callback");
    PyObject *args = announce == NULL ? NULL : Py_BuildValue("(Oi)", file, 5);
    PyObject *named = args == NULL ? NULL : Py_BuildValue("{sO}", "buffer_callback", announce);
    PyObject *made = named == NULL ? NULL : PyObject_Call(pickler, args, named);
    PyObject *none = made == NULL ? NULL : PyObject_CallMethod(made, "dump", "(O)", object);
    int ret = none == NULL ? -1 : 0;
    Py_XDECREF(none);
    Py_XDECREF(made);
    Py_XDECREF(named);
    Py_XDECREF(args);
    Py_XDECREF(announce);
    return ret;
}

/* Everything is pickled: what stands behind it. */
static int
write_trailer(Write *w)
{
    DumpTrailer *trailer = w->trailer;
    Buffer out = {0};
    int ret = -1;
    if (w->body_left > 0 || w->first < PyList_Size(w->waiting)) {
        PyErr_SetString(PyExc_SystemError, "the pickler did not write a buffer that it has announced");
        return -1;
    }
    if (write_flush(w) < 0 || dump_sign_finish(w->hash, trailer->digest) < 0) {
        return -1;
    }
    digests_finish(&w->digests);
    trailer->stream_end = w->at;
    trailer->blocks = (unsigned char *)w->digests.all.bytes;
    trailer->block_count = w->digests.all.size / DIGEST_SIZE;
    bool lost = w->digests.all.failed;
    w->digests.all = (Buffer){0}; /* the trailer's now */
    dump_trailer_write(trailer, &out);
    if (lost || out.failed) {
        PyErr_NoMemory();
        goto done;
    }
    if (dump_sign(&out, trailer->signature, &w->unsigned_why) < 0) {
        goto done;
    }
    dump_trailer_sign(&out, trailer->signature);
    ret = out.failed                                         ? (PyErr_NoMemory(), -1)
          : dump_file_write(&w->file, out.bytes, out.size) ? 0
                                                             : write_fail(w);
done:
    buffer_free(&out);
    return ret;
}

/* -1 with an exception. */
static int
write_open_share(Write *w, PyObject *path)
{
    PyObject *bytes = NULL;
    if (path != NULL && PyUnicode_FSConverter(path, &bytes) == 0) {
        return -1;
    }
    dump_share_open(&w->share, bytes == NULL ? NULL : PyBytes_AsString(bytes));
    Py_XDECREF(bytes);
    return 0;
}

static int
write_begin(Write *w, PyObject *path, PyObject *share)
{
    PyObject *bytes = NULL;
    bool begun;
    w->hash = dump_sign_hash();
    w->waiting = PyList_New(0);
    w->bounce = malloc(2 * BOUNCE);
    if (w->hash == NULL || w->waiting == NULL || write_open_share(w, share) < 0
        || PyUnicode_FSConverter(path, &bytes) == 0) {
        return -1;
    }
    if (w->bounce == NULL || !digests_begin(&w->digests, DUMP_BLOCK)) {
        Py_DECREF(bytes);
        PyErr_NoMemory();
        return -1;
    }
    const char *name = PyBytes_AsString(bytes);
    Py_BEGIN_ALLOW_THREADS
    begun = dump_file_begin(&w->file, name);
    Py_END_ALLOW_THREADS
    Py_DECREF(bytes);
    clock_gettime(CLOCK_MONOTONIC, &w->looked);
    return begun ? 0 : write_fail(w);
}

int
dump_write(PyObject *object, PyObject *pickler, PyObject *path, PyObject *share, DumpTrailer *trailer,
           const DumpProgress *progress)
{
    Write w = {.file = {.fd = -1, .folder = -1}, .share = {.fd = -1}, .trailer = trailer, .progress = progress,
               .path = path};
    int ret = -1;
    PyObject *sink = methods_object(write_methods, sizeof write_methods / sizeof *write_methods, &w);
    if (sink == NULL || write_begin(&w, path, share) < 0 || write_pickle(object, pickler, sink) < 0
        || write_trailer(&w) < 0) {
        goto done;
    }
    bool safe;
    Py_BEGIN_ALLOW_THREADS
    safe = dump_file_save(&w.file);
    Py_END_ALLOW_THREADS
    if (safe && PyErr_CheckSignals() < 0) { /* Ctrl-C while it was saved: the last moment at which the old one stays */
        goto done;
    }
    if (safe) {
        Py_BEGIN_ALLOW_THREADS
        safe = dump_file_commit(&w.file);
        Py_END_ALLOW_THREADS
    }
    ret = safe ? 0 : write_fail(&w);
    if (safe && w.unsigned_why != NULL) {
        ret = PyErr_WarnFormat(PyExc_RuntimeWarning, 1, "%S is saved, but not signed: %U", path, w.unsigned_why);
    }
done:
    methods_close(sink);
    dump_file_end(&w.file);
    dump_share_close(&w.share);
    digests_clear(&w.digests);
    buffer_free(&w.collected);
    free(w.bounce);
    Py_XDECREF(w.unsigned_why);
    Py_XDECREF(w.waiting);
    Py_XDECREF(w.hash);
    Py_XDECREF(sink);
    return ret;
}
