/* The bytes that are to be loaded, unpacked if they were compressed, and how far they can be relied on. */
#ifndef HOOKING_LOAD_SOURCE_H
#define HOOKING_LOAD_SOURCE_H

#include "state.h"

#include "dump_trailer.h"
#include "load_kind.h"

typedef struct LoadSource {
    PyObject *base;             /* owned: what holds the bytes */
    Py_buffer buffer;           /* of it, while held */
    const unsigned char *bytes; /* in it */
    size_t size;
    const LoadKind *kind;       /* what it is if it is no pickle; NULL: it may be one */
    const LoadKind *packed;     /* what it was compressed with, NULL for nothing */
    DumpKind dump;
    DumpTrailer trailer;        /* of a whole one */
    const char *why;            /* unless it is whole: what is wrong */
    uint64_t offset;            /* and where; or where the damage ends, if `until` is not 0: from there to there */
    uint64_t until;
    bool own;                   /* signed with the user's key */
} LoadSource;

/* Open, unpack, read the trailer, check the stream's digest and, with `verify`, everything. What is damaged is told by
 * `dump` and `why`. -1 with an exception: OSError; DumpError for what cannot be unpacked. load_source_close() in every
 * case. */
int load_source_open(ModuleState *state, LoadSource *source, PyObject *path, bool verify);
void load_source_close(LoadSource *source);

#endif
