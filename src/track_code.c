/* Instructions that have to do with globals, see track_code.h. */
#include "track_code.h"

#include <stdint.h>
#include <stdlib.h>

enum { FIRST_ROOM = 256 };

static TrackCode *
codes_find(const TrackCodes *codes, PyObject *code)
{
    size_t at = (size_t)((uint64_t)((uintptr_t)code >> 4) * UINT64_C(0x9E3779B97F4A7C15) >> 20) & (codes->room - 1);
    while (codes->codes[at].code != NULL && codes->codes[at].code != code) {
        at = (at + 1) & (codes->room - 1);
    }
    return &codes->codes[at];
}

static bool
codes_grow(TrackCodes *codes)
{
    TrackCodes larger = {.room = codes->room == 0 ? FIRST_ROOM : 2 * codes->room, .used = codes->used};
    larger.codes = calloc(larger.room, sizeof *larger.codes);
    if (larger.codes == NULL) {
        return false;
    }
    for (size_t i = 0; i < codes->room; i++) {
        if (codes->codes[i].code != NULL) {
            *codes_find(&larger, codes->codes[i].code) = codes->codes[i];
        }
    }
    free(codes->codes);
    *codes = larger;
    return true;
}

static void
code_free(TrackCode *found)
{
    free(found->instructions);
    Py_XDECREF(found->names);
    Py_XDECREF(found->code);
}

/* Walk its instructions. False if that failed, perhaps with an exception. */
static bool
code_read(TrackCode *found, PyObject *code)
{
    PyObject *bytes = PyObject_GetAttrString(code, "co_code");
    char *start;
    Py_ssize_t size;
    bool ok = false;
    if (bytes == NULL || PyBytes_AsStringAndSize(bytes, &start, &size) < 0) {
        goto done;
    }
    found->code = Py_NewRef(code);
    found->names = PyObject_GetAttrString(code, "co_names");
    found->length = size / 2;
    found->instructions = calloc((size_t)found->length + 1, sizeof *found->instructions);
    if (found->names == NULL || found->instructions == NULL) {
        goto done;
    }
    for (Instruction it = opcodes_at((unsigned char *)start, size, 0); it.offset < size;
         it = opcodes_at((unsigned char *)start, size, it.next)) {
        Py_ssize_t name = it.opcode == OPCODE_IMPORT_NAME ? 0 : opcodes_name(&it);
        if (name >= 0 && name < PyTuple_Size(found->names)) {
            found->instructions[it.offset / 2] = (TrackInstruction){PyTuple_GetItem(found->names, name), it.opcode};
        }
    }
    ok = true;
done:
    Py_XDECREF(bytes);
    return ok;
}

/* Find it, or read it. NULL without an exception if memory was short. */
static TrackCode *
codes_get(TrackCodes *codes, PyObject *code)
{
    TrackCode *found = codes->room == 0 ? NULL : codes_find(codes, code);
    if (found == NULL || found->code == NULL) {
        PyObject *type, *value, *traceback;
        TrackCode fresh = {NULL, NULL, NULL, 0};
        PyErr_Fetch(&type, &value, &traceback);
        bool ok = code_read(&fresh, code) && (2 * (codes->used + 1) <= codes->room || codes_grow(codes));
        PyErr_Clear();
        PyErr_Restore(type, value, traceback);
        found = ok ? codes_find(codes, code) : NULL;
        if (!ok || found->code != NULL) { /* garbage was collected meanwhile, and a finalizer has come here */
            code_free(&fresh);
            return found;
        }
        *found = fresh;
        codes->used++;
    }
    return found;
}

Opcode
track_code_read(TrackCodes *codes, PyObject *code, Py_ssize_t offset, PyObject **name)
{
    const TrackCode *found = codes_get(codes, code);
    Py_ssize_t at = offset / 2;
    if (found == NULL || offset < 0 || at >= found->length) {
        return OPCODE_OTHER;
    }
    codes->last = *found;
    *name = found->instructions[at].name;
    return found->instructions[at].opcode;
}

void
track_codes_clear(TrackCodes *codes)
{
    TrackCodes old = *codes;
    *codes = (TrackCodes){.codes = NULL};
    for (size_t i = 0; i < old.room; i++) {
        code_free(&old.codes[i]);
    }
    free(old.codes);
}
