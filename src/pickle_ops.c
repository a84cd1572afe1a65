/* The opcodes of a pickle, see pickle_ops.h. Source of the facts: Lib/pickletools.py and Modules/_pickle.c. */
#include "pickle_ops.h"

#include <string.h>

/* What follows the code. */
typedef enum Argument {
    ARGUMENT_UNKNOWN, /* what follows no code */
    ARGUMENT_NONE,
    ARGUMENT_1, /* so many bytes, little-endian */
    ARGUMENT_2,
    ARGUMENT_4,
    ARGUMENT_8,
    ARGUMENT_DOUBLE, /* eight, big-endian */
    ARGUMENT_SIZE_1, /* data behind its length */
    ARGUMENT_SIZE_4,
    ARGUMENT_SIZE_4_SIGNED,
    ARGUMENT_SIZE_8,
    ARGUMENT_LINE,
    ARGUMENT_LINES, /* two */
} Argument;

typedef struct Form {
    const char *name;
    Argument argument;
} Form;

static const Form ops_forms[256] = {
    [PICKLE_MARK] = {"MARK", ARGUMENT_NONE},
    [PICKLE_STOP] = {"STOP", ARGUMENT_NONE},
    [PICKLE_POP] = {"POP", ARGUMENT_NONE},
    [PICKLE_POP_MARK] = {"POP_MARK", ARGUMENT_NONE},
    [PICKLE_DUP] = {"DUP", ARGUMENT_NONE},
    [PICKLE_FLOAT] = {"FLOAT", ARGUMENT_LINE},
    [PICKLE_INT] = {"INT", ARGUMENT_LINE},
    [PICKLE_BININT] = {"BININT", ARGUMENT_4},
    [PICKLE_BININT1] = {"BININT1", ARGUMENT_1},
    [PICKLE_LONG] = {"LONG", ARGUMENT_LINE},
    [PICKLE_BININT2] = {"BININT2", ARGUMENT_2},
    [PICKLE_NONE] = {"NONE", ARGUMENT_NONE},
    [PICKLE_PERSID] = {"PERSID", ARGUMENT_LINE},
    [PICKLE_BINPERSID] = {"BINPERSID", ARGUMENT_NONE},
    [PICKLE_REDUCE] = {"REDUCE", ARGUMENT_NONE},
    [PICKLE_STRING] = {"STRING", ARGUMENT_LINE},
    [PICKLE_BINSTRING] = {"BINSTRING", ARGUMENT_SIZE_4_SIGNED},
    [PICKLE_SHORT_BINSTRING] = {"SHORT_BINSTRING", ARGUMENT_SIZE_1},
    [PICKLE_UNICODE] = {"UNICODE", ARGUMENT_LINE},
    [PICKLE_BINUNICODE] = {"BINUNICODE", ARGUMENT_SIZE_4},
    [PICKLE_APPEND] = {"APPEND", ARGUMENT_NONE},
    [PICKLE_BUILD] = {"BUILD", ARGUMENT_NONE},
    [PICKLE_GLOBAL] = {"GLOBAL", ARGUMENT_LINES},
    [PICKLE_DICT] = {"DICT", ARGUMENT_NONE},
    [PICKLE_EMPTY_DICT] = {"EMPTY_DICT", ARGUMENT_NONE},
    [PICKLE_APPENDS] = {"APPENDS", ARGUMENT_NONE},
    [PICKLE_GET] = {"GET", ARGUMENT_LINE},
    [PICKLE_BINGET] = {"BINGET", ARGUMENT_1},
    [PICKLE_INST] = {"INST", ARGUMENT_LINES},
    [PICKLE_LONG_BINGET] = {"LONG_BINGET", ARGUMENT_4},
    [PICKLE_LIST] = {"LIST", ARGUMENT_NONE},
    [PICKLE_EMPTY_LIST] = {"EMPTY_LIST", ARGUMENT_NONE},
    [PICKLE_OBJ] = {"OBJ", ARGUMENT_NONE},
    [PICKLE_PUT] = {"PUT", ARGUMENT_LINE},
    [PICKLE_BINPUT] = {"BINPUT", ARGUMENT_1},
    [PICKLE_LONG_BINPUT] = {"LONG_BINPUT", ARGUMENT_4},
    [PICKLE_SETITEM] = {"SETITEM", ARGUMENT_NONE},
    [PICKLE_TUPLE] = {"TUPLE", ARGUMENT_NONE},
    [PICKLE_EMPTY_TUPLE] = {"EMPTY_TUPLE", ARGUMENT_NONE},
    [PICKLE_SETITEMS] = {"SETITEMS", ARGUMENT_NONE},
    [PICKLE_BINFLOAT] = {"BINFLOAT", ARGUMENT_DOUBLE},
    [PICKLE_PROTO] = {"PROTO", ARGUMENT_1},
    [PICKLE_NEWOBJ] = {"NEWOBJ", ARGUMENT_NONE},
    [PICKLE_EXT1] = {"EXT1", ARGUMENT_1},
    [PICKLE_EXT2] = {"EXT2", ARGUMENT_2},
    [PICKLE_EXT4] = {"EXT4", ARGUMENT_4},
    [PICKLE_TUPLE1] = {"TUPLE1", ARGUMENT_NONE},
    [PICKLE_TUPLE2] = {"TUPLE2", ARGUMENT_NONE},
    [PICKLE_TUPLE3] = {"TUPLE3", ARGUMENT_NONE},
    [PICKLE_NEWTRUE] = {"NEWTRUE", ARGUMENT_NONE},
    [PICKLE_NEWFALSE] = {"NEWFALSE", ARGUMENT_NONE},
    [PICKLE_LONG1] = {"LONG1", ARGUMENT_SIZE_1},
    [PICKLE_LONG4] = {"LONG4", ARGUMENT_SIZE_4_SIGNED},
    [PICKLE_BINBYTES] = {"BINBYTES", ARGUMENT_SIZE_4},
    [PICKLE_SHORT_BINBYTES] = {"SHORT_BINBYTES", ARGUMENT_SIZE_1},
    [PICKLE_SHORT_BINUNICODE] = {"SHORT_BINUNICODE", ARGUMENT_SIZE_1},
    [PICKLE_BINUNICODE8] = {"BINUNICODE8", ARGUMENT_SIZE_8},
    [PICKLE_BINBYTES8] = {"BINBYTES8", ARGUMENT_SIZE_8},
    [PICKLE_EMPTY_SET] = {"EMPTY_SET", ARGUMENT_NONE},
    [PICKLE_ADDITEMS] = {"ADDITEMS", ARGUMENT_NONE},
    [PICKLE_FROZENSET] = {"FROZENSET", ARGUMENT_NONE},
    [PICKLE_NEWOBJ_EX] = {"NEWOBJ_EX", ARGUMENT_NONE},
    [PICKLE_STACK_GLOBAL] = {"STACK_GLOBAL", ARGUMENT_NONE},
    [PICKLE_MEMOIZE] = {"MEMOIZE", ARGUMENT_NONE},
    [PICKLE_FRAME] = {"FRAME", ARGUMENT_8},
    [PICKLE_BYTEARRAY8] = {"BYTEARRAY8", ARGUMENT_SIZE_8},
    [PICKLE_NEXT_BUFFER] = {"NEXT_BUFFER", ARGUMENT_NONE},
    [PICKLE_READONLY_BUFFER] = {"READONLY_BUFFER", ARGUMENT_NONE},
};

/* Bytes of the number, or of the length. */
static const unsigned char ops_widths[] = {
    [ARGUMENT_1] = 1,      [ARGUMENT_2] = 2,      [ARGUMENT_4] = 4,
    [ARGUMENT_8] = 8,      [ARGUMENT_DOUBLE] = 8, [ARGUMENT_SIZE_1] = 1,
    [ARGUMENT_SIZE_4] = 4, [ARGUMENT_SIZE_8] = 8, [ARGUMENT_SIZE_4_SIGNED] = 4,
    [ARGUMENT_LINE] = 0,   [ARGUMENT_LINES] = 0,
};

static uint64_t
ops_number(const unsigned char *bytes, size_t width, bool big_endian)
{
    uint64_t number = 0;
    for (size_t i = 0; i < width; i++) {
        number = number << 8 | bytes[big_endian ? i : width - 1 - i];
    }
    return number;
}

/* Where the lines end; 0 when they do not. */
static size_t
ops_lines(const unsigned char *bytes, size_t size, size_t count)
{
    size_t at = 0;
    for (; count > 0; count--) {
        const unsigned char *end = at < size ? memchr(bytes + at, '\n', size - at) : NULL;
        if (end == NULL) {
            return 0;
        }
        at = (size_t)(end - bytes) + 1;
    }
    return at;
}

PickleStatus
pickle_op_read(const unsigned char *bytes, size_t size, PickleOp *op)
{
    *op = (PickleOp){0};
    if (size == 0) {
        return PICKLE_HEAD_MISSING;
    }
    op->code = bytes[0];
    Argument argument = ops_forms[op->code].argument;
    if (argument == ARGUMENT_UNKNOWN) {
        return PICKLE_UNKNOWN;
    }
    size_t width = ops_widths[argument];
    if (width > size - 1) {
        return PICKLE_HEAD_MISSING;
    }
    op->head = 1 + width;
    op->number = ops_number(bytes + 1, width, argument == ARGUMENT_DOUBLE);
    if (argument == ARGUMENT_LINE || argument == ARGUMENT_LINES) {
        op->body_size = ops_lines(bytes + 1, size - 1, argument == ARGUMENT_LINE ? 1 : 2);
        return op->body_size > 0 ? PICKLE_WHOLE : PICKLE_HEAD_MISSING;
    }
    if (argument >= ARGUMENT_SIZE_1) {
        op->body_size = op->number;
    }
    bool negative = argument == ARGUMENT_SIZE_4_SIGNED && op->number > INT32_MAX;
    if (negative || (argument != ARGUMENT_DOUBLE && op->number > INT64_MAX)) {
        return PICKLE_UNKNOWN;
    }
    return op->body_size <= size - op->head ? PICKLE_WHOLE : PICKLE_BODY_MISSING;
}

const char *
pickle_op_name(unsigned char code)
{
    return ops_forms[code].name != NULL ? ops_forms[code].name : "?";
}
