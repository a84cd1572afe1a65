/* The instructions of a code object, as `dis` shows them: without what the interpreter has specialised. */
#ifndef HOOKING_OPCODES_H
#define HOOKING_OPCODES_H

#include <stdbool.h>

#include "compat.h"

/* Those that bind, read or unbind something, and calls. Not every version has all. */
typedef enum Opcode {
    OPCODE_OTHER,
    OPCODE_EXTENDED_ARG,
    OPCODE_LOAD_GLOBAL,
    OPCODE_LOAD_NAME,
    OPCODE_LOAD_FROM_DICT_OR_GLOBALS, /* 3.12 on */
    OPCODE_STORE_GLOBAL,
    OPCODE_STORE_NAME,
    OPCODE_DELETE_GLOBAL,
    OPCODE_DELETE_NAME,
    OPCODE_IMPORT_NAME,
    OPCODE_STORE_FAST,
    OPCODE_STORE_FAST_LOAD_FAST,  /* 3.13 on: store, load */
    OPCODE_STORE_FAST_STORE_FAST, /* 3.13 on: two stores */
    OPCODE_STORE_FAST_MAYBE_NULL, /* 3.13 on */
    OPCODE_LOAD_FAST_AND_CLEAR,   /* 3.12 on: before an inlined comprehension */
    OPCODE_DELETE_FAST,
    OPCODE_STORE_DEREF,
    OPCODE_DELETE_DEREF,
    OPCODE_STORE_ATTR,
    OPCODE_DELETE_ATTR,
    OPCODE_STORE_SUBSCR,
    OPCODE_DELETE_SUBSCR,
    OPCODE_STORE_SLICE, /* 3.12 on */
    OPCODE_BINARY_OP,
    OPCODE_CALL,
    OPCODE_CALL_KW, /* 3.13 on */
    OPCODE_CALL_FUNCTION_EX,
    OPCODE_FOR_ITER,
    OPCODE_END_ASYNC_FOR,
    OPCODE_YIELD_VALUE,
    OPCODES,
} Opcode;

typedef struct Instruction {
    Opcode opcode;
    unsigned argument; /* with its EXTENDED_ARG; as it stands there: LOAD_GLOBAL's names begin at argument / 2 */
    Py_ssize_t start;  /* bytes: of the first EXTENDED_ARG, if there are */
    Py_ssize_t offset; /* bytes: of the instruction itself, where f_lasti is while it runs */
    Py_ssize_t next;   /* bytes: of the instruction behind it */
} Instruction;

/* Learn this version's numbers: before any other call; cheap when called again. -1 with an exception. */
int opcodes_init(void);

/* The instruction that begins at offset `at` of the bytes of PyCode_GetCode(). */
Instruction opcodes_at(const unsigned char *bytes, Py_ssize_t size, Py_ssize_t at);

/* The name of a global that it reads, binds or unbinds, as an index into co_names; -1: it does none of these. */
Py_ssize_t opcodes_name(const Instruction *instruction);

/* Does it bind or unbind the local variable of that number? (Not so the loan to an inlined comprehension.) */
bool opcodes_stores(const Instruction *instruction, unsigned variable);

#endif
