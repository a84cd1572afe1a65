/* Instructions, see opcodes.h. Their numbers are another in each version, and are asked of the `opcode` module. */
#include "opcodes.h"

enum { NUMBERS = 256 };
static struct {
    unsigned char of[NUMBERS]; /* an Opcode for each number */
    bool known;
} opcodes; /* of the interpreter's version: the same for all subinterpreters */

static const char *const opcode_names[OPCODES] = {
    [OPCODE_EXTENDED_ARG] = "EXTENDED_ARG",
    [OPCODE_LOAD_GLOBAL] = "LOAD_GLOBAL",
    [OPCODE_LOAD_NAME] = "LOAD_NAME",
    [OPCODE_LOAD_FROM_DICT_OR_GLOBALS] = "LOAD_FROM_DICT_OR_GLOBALS",
    [OPCODE_STORE_GLOBAL] = "STORE_GLOBAL",
    [OPCODE_STORE_NAME] = "STORE_NAME",
    [OPCODE_DELETE_GLOBAL] = "DELETE_GLOBAL",
    [OPCODE_DELETE_NAME] = "DELETE_NAME",
    [OPCODE_IMPORT_NAME] = "IMPORT_NAME",
    [OPCODE_STORE_FAST] = "STORE_FAST",
    [OPCODE_STORE_FAST_LOAD_FAST] = "STORE_FAST_LOAD_FAST",
    [OPCODE_STORE_FAST_STORE_FAST] = "STORE_FAST_STORE_FAST",
    [OPCODE_STORE_FAST_MAYBE_NULL] = "STORE_FAST_MAYBE_NULL",
    [OPCODE_LOAD_FAST_AND_CLEAR] = "LOAD_FAST_AND_CLEAR",
    [OPCODE_DELETE_FAST] = "DELETE_FAST",
    [OPCODE_STORE_DEREF] = "STORE_DEREF",
    [OPCODE_DELETE_DEREF] = "DELETE_DEREF",
    [OPCODE_STORE_ATTR] = "STORE_ATTR",
    [OPCODE_DELETE_ATTR] = "DELETE_ATTR",
    [OPCODE_STORE_SUBSCR] = "STORE_SUBSCR",
    [OPCODE_DELETE_SUBSCR] = "DELETE_SUBSCR",
    [OPCODE_STORE_SLICE] = "STORE_SLICE",
    [OPCODE_BINARY_OP] = "BINARY_OP",
    [OPCODE_CALL] = "CALL",
    [OPCODE_CALL_KW] = "CALL_KW",
    [OPCODE_CALL_FUNCTION_EX] = "CALL_FUNCTION_EX",
    [OPCODE_FOR_ITER] = "FOR_ITER",
    [OPCODE_END_ASYNC_FOR] = "END_ASYNC_FOR",
    [OPCODE_YIELD_VALUE] = "YIELD_VALUE",
};

int
opcodes_init(void)
{
    if (opcodes.known) {
        return 0;
    }
    int ret = -1;
    PyObject *module = compat_import("opcode");
    PyObject *numbers = module == NULL ? NULL : PyObject_GetAttrString(module, "opmap");
    if (numbers == NULL) {
        goto done;
    }
    for (int i = OPCODE_OTHER + 1; i < OPCODES; i++) {
        PyObject *number = PyMapping_GetItemString(numbers, opcode_names[i]);
        if (number == NULL && !PyErr_ExceptionMatches(PyExc_KeyError)) {
            goto done;
        }
        PyErr_Clear();
        long value = number == NULL ? -1 : PyLong_AsLong(number);
        Py_XDECREF(number);
        if (value >= 0 && value < NUMBERS) { /* those above 255 are the compiler's own */
            opcodes.of[value] = (unsigned char)i;
        }
    }
    opcodes.known = true;
    ret = 0;
done:
    Py_XDECREF(module);
    Py_XDECREF(numbers);
    return ret;
}

Instruction
opcodes_at(const unsigned char *bytes, Py_ssize_t size, Py_ssize_t at)
{
    Instruction found = {OPCODE_OTHER, 0, at, at, size};
    while (found.offset + 1 < size) {
        found.opcode = (Opcode)opcodes.of[bytes[found.offset]];
        found.argument = found.argument << 8 | bytes[found.offset + 1];
        if (found.opcode != OPCODE_EXTENDED_ARG) {
            break;
        }
        found.offset += 2;
    }
    /* behind it may lie room for the interpreter's own use: CACHE, which is 0 */
    for (found.next = found.offset + 2; found.next < size && bytes[found.next] == 0;) {
        found.next += 2;
    }
    return found;
}

Py_ssize_t
opcodes_name(const Instruction *instruction)
{
    switch (instruction->opcode) {
    case OPCODE_LOAD_GLOBAL:
        return instruction->argument >> 1; /* the lowest bit: a NULL is pushed, too */
    case OPCODE_LOAD_NAME:
    case OPCODE_LOAD_FROM_DICT_OR_GLOBALS:
    case OPCODE_STORE_GLOBAL:
    case OPCODE_STORE_NAME:
    case OPCODE_DELETE_GLOBAL:
    case OPCODE_DELETE_NAME:
        return instruction->argument;
    default:
        return -1;
    }
}

bool
opcodes_stores(const Instruction *instruction, unsigned variable)
{
    enum { SECOND = 4, MASK = (1 << SECOND) - 1 }; /* two numbers in one argument: bits */
    switch (instruction->opcode) {
    case OPCODE_STORE_FAST:
    case OPCODE_STORE_FAST_MAYBE_NULL:
    case OPCODE_DELETE_FAST:
        return instruction->argument == variable;
    case OPCODE_STORE_FAST_LOAD_FAST:
        return instruction->argument >> SECOND == variable;
    case OPCODE_STORE_FAST_STORE_FAST:
        return instruction->argument >> SECOND == variable || (instruction->argument & MASK) == variable;
    default:
        return false;
    }
}
