/* What an unpickler reads of a dump: its stream, in which each region is an opcode for a buffer given beside it. */
#ifndef HOOKING_LOAD_READER_H
#define HOOKING_LOAD_READER_H

#include "compat.h"

#include "dump_trailer.h"

/* A piece of the stream: in the file, or an opcode in the place of a region. */
typedef struct LoadPiece {
    const unsigned char *bytes; /* borrowed */
    size_t size;
} LoadPiece;

typedef struct LoadReader {
    PyObject *view;             /* borrowed: a memoryview of the file */
    const unsigned char *bytes; /* borrowed: the same */
    LoadPiece *pieces;          /* owned */
    size_t count;
    size_t piece, at;           /* where reading is */
    size_t left;                /* bytes from there on */
} LoadReader;

/* `view`, `bytes`: of the file; up to `end` it is the pickle's. False when memory is out. load_reader_clear() in every
 * case. */
bool load_reader_begin(LoadReader *reader, PyObject *view, const unsigned char *bytes, size_t end,
                       const DumpRegion *regions, size_t count);
void load_reader_clear(LoadReader *reader);

/* Part of a memoryview of bytes. New reference, NULL with an exception. */
PyObject *load_reader_slice(PyObject *view, uint64_t from, uint64_t to);

/* A file object for an unpickler, to be closed by methods_close(). New reference, NULL with an exception. */
PyObject *load_reader_file(LoadReader *reader);

#endif
