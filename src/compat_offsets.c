/* Offsets within CPython's own structures, see compat_offsets.h.
 *
 * From 3.13 on _PyRuntime begins with tables of offsets for debuggers and profilers that read a process from without
 * (Include/internal/pycore_debug_offsets.h, _Py_DebugOffsets): a cookie, the version, whether it is free-threaded, then
 * the offsets, each 64 bits wide. Where in the tables they stand is another place in each version. */
#include "compat_offsets.h"

#include <dlfcn.h>
#include <stdint.h>
#include <string.h>

enum { AT_COOKIE, AT_VERSION, AT_FREE_THREADED, TABLE_SIZE = 128 };

static const struct {
    uint64_t version;             /* its first two parts */
    int frame, instruction, code; /* thread_state.current_frame, interpreter_frame.instr_ptr, co_code_adaptive */
} places[] = {
    {0x030d, 23, 31, 43},
    {0x030e, 26, 34, 48},
    {0x030f, 26, 42, 56},
};

CompatOffsets compat_offsets;

/* Of something that is as large as a pointer, in a structure that is not too large. */
static bool
offsets_is_offset(uint64_t offset)
{
    return offset != 0 && offset < 1024 && offset % sizeof(void *) == 0;
}

void
compat_offsets_init(void)
{
    uint64_t table[TABLE_SIZE];
    const void *runtime = dlsym(RTLD_DEFAULT, "_PyRuntime");
    if (runtime == NULL || memcmp(runtime, "xdebugpy", sizeof table[AT_COOKIE]) != 0) {
        return;
    }
    memcpy(table, runtime, sizeof table);
    if (table[AT_VERSION] != Py_Version || table[AT_FREE_THREADED] != 0) {
        return;
    }
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        uint64_t frame = table[places[i].frame], instruction = table[places[i].instruction];
        uint64_t code = table[places[i].code];
        if (places[i].version == table[AT_VERSION] >> 16 && offsets_is_offset(frame) && offsets_is_offset(instruction)
            && offsets_is_offset(code)) {
            compat_offsets = (CompatOffsets){frame, instruction, code};
        }
    }
}
