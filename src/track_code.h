/* Which instructions of a code object have to do with globals. Found once for each code object. */
#ifndef HOOKING_TRACK_CODE_H
#define HOOKING_TRACK_CODE_H

#include "opcodes.h"

typedef struct TrackInstruction {
    PyObject *name; /* borrowed from co_names */
    Opcode opcode;  /* OPCODE_OTHER where there is nothing of interest */
} TrackInstruction;

typedef struct TrackCode {
    PyObject *code;  /* owned; NULL: free */
    PyObject *names; /* owned: co_names, a tuple */
    TrackInstruction *instructions; /* one for two bytes of the code */
    Py_ssize_t length;
} TrackCode;

typedef struct TrackCodes {
    TrackCode last;   /* borrowed: that which was asked for last, or zeros */
    TrackCode *codes; /* a hash table by the code's address */
    size_t room;      /* a power of two, or 0 */
    size_t used;
} TrackCodes;

/* The opcode at an offset in bytes, and the name (borrowed; of an import it is some name). OPCODE_OTHER without an
 * exception where there is none, or if memory was short. Runs no Python code once the code is known. */
Opcode track_code_read(TrackCodes *codes, PyObject *code, Py_ssize_t offset, PyObject **name);

/* The same, most of the time by one look. */
static inline Opcode
track_code_at(TrackCodes *codes, PyObject *code, Py_ssize_t offset, PyObject **name)
{
    const TrackCode *last = &codes->last;
    if (last->code != code || (size_t)offset / 2 >= (size_t)last->length) {
        return track_code_read(codes, code, offset, name);
    }
    *name = last->instructions[offset / 2].name;
    return last->instructions[offset / 2].opcode;
}

void track_codes_clear(TrackCodes *codes);

#endif
