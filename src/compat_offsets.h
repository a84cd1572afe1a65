/* Where CPython keeps the instruction that runs, as it tells debuggers itself. To ask a frame object takes several
 * times as long, which is most of what tracking a builtin costs. */
#ifndef HOOKING_COMPAT_OFFSETS_H
#define HOOKING_COMPAT_OFFSETS_H

#include <stdbool.h>

#include "compat.h"

/* CompatOffsets in bytes; all 0 where they are not known. */
typedef struct CompatOffsets {
    size_t frame;       /* of the running frame, in a PyThreadState */
    size_t instruction; /* of the address of the instruction that runs, in a frame */
    size_t code;        /* of the first instruction, in a code object */
} CompatOffsets;

extern CompatOffsets compat_offsets;

/* Learn them. Called once for each interpreter; cheap when called again. */
void compat_offsets_init(void);

/* The address of the instruction that runs; NULL: not known. */
static inline const char *
compat_offsets_instruction(void)
{
    size_t offset = compat_offsets.frame;
    const char *frame = offset == 0 ? NULL : *(char *const *)((char *)PyThreadState_Get() + offset);
    return frame == NULL ? NULL : *(const char *const *)(frame + compat_offsets.instruction);
}

/* Does that of a code object, at an offset in bytes, lie at the address? An address is to be trusted only if so. */
static inline bool
compat_offsets_is_at(PyObject *code, Py_ssize_t offset, const char *address)
{
    return compat_offsets.code != 0 && address == (const char *)code + compat_offsets.code + offset;
}

#endif
