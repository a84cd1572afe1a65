/* Which instructions of a code object have to do with globals. Found once for each code object. */
#ifndef HOOKING_TRACK_CODE_H
#define HOOKING_TRACK_CODE_H

#include "opcodes.h"

typedef struct TrackCode {
    PyObject *code;         /* owned; NULL: free */
    PyObject *names;        /* owned: co_names, a tuple */
    Py_ssize_t length;      /* of the arrays: half as many as the code has bytes */
    unsigned char *opcodes; /* an Opcode for each; OPCODE_OTHER where there is nothing of interest */
    PyObject **name;        /* borrowed, for each */
} TrackCode;

typedef struct TrackCodes {
    TrackCode *codes; /* a hash table by the code's address */
    TrackCode *last;  /* that which was asked for last, or NULL */
    size_t room;      /* a power of two, or 0 */
    size_t used;
} TrackCodes;

/* The opcode at an offset in bytes, and the name (borrowed; of an import it is some name). OPCODE_OTHER without an
 * exception where there is none, or if memory was short. Runs no Python code once the code is known. */
Opcode track_code_at(TrackCodes *codes, PyObject *code, Py_ssize_t offset, PyObject **name);

void track_codes_clear(TrackCodes *codes);

#endif
