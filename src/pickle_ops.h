/* The opcodes of a pickle, of protocols 0 to 5. No Python here. */
#ifndef HOOKING_PICKLE_OPS_H
#define HOOKING_PICKLE_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As pickletools names them. */
enum PickleCode {
    PICKLE_MARK = '(', PICKLE_STOP = '.', PICKLE_POP = '0', PICKLE_POP_MARK = '1', PICKLE_DUP = '2',
    PICKLE_FLOAT = 'F', PICKLE_INT = 'I', PICKLE_BININT = 'J', PICKLE_BININT1 = 'K', PICKLE_LONG = 'L',
    PICKLE_BININT2 = 'M', PICKLE_NONE = 'N', PICKLE_PERSID = 'P', PICKLE_BINPERSID = 'Q', PICKLE_REDUCE = 'R',
    PICKLE_STRING = 'S', PICKLE_BINSTRING = 'T', PICKLE_SHORT_BINSTRING = 'U', PICKLE_UNICODE = 'V',
    PICKLE_BINUNICODE = 'X', PICKLE_APPEND = 'a', PICKLE_BUILD = 'b', PICKLE_GLOBAL = 'c', PICKLE_DICT = 'd',
    PICKLE_EMPTY_DICT = '}', PICKLE_APPENDS = 'e', PICKLE_GET = 'g', PICKLE_BINGET = 'h', PICKLE_INST = 'i',
    PICKLE_LONG_BINGET = 'j', PICKLE_LIST = 'l', PICKLE_EMPTY_LIST = ']', PICKLE_OBJ = 'o', PICKLE_PUT = 'p',
    PICKLE_BINPUT = 'q', PICKLE_LONG_BINPUT = 'r', PICKLE_SETITEM = 's', PICKLE_TUPLE = 't',
    PICKLE_EMPTY_TUPLE = ')', PICKLE_SETITEMS = 'u', PICKLE_BINFLOAT = 'G',
    PICKLE_PROTO = 0x80, PICKLE_NEWOBJ = 0x81, PICKLE_EXT1 = 0x82, PICKLE_EXT2 = 0x83, PICKLE_EXT4 = 0x84,
    PICKLE_TUPLE1 = 0x85, PICKLE_TUPLE2 = 0x86, PICKLE_TUPLE3 = 0x87, PICKLE_NEWTRUE = 0x88,
    PICKLE_NEWFALSE = 0x89, PICKLE_LONG1 = 0x8a, PICKLE_LONG4 = 0x8b,
    PICKLE_BINBYTES = 'B', PICKLE_SHORT_BINBYTES = 'C',
    PICKLE_SHORT_BINUNICODE = 0x8c, PICKLE_BINUNICODE8 = 0x8d, PICKLE_BINBYTES8 = 0x8e, PICKLE_EMPTY_SET = 0x8f,
    PICKLE_ADDITEMS = 0x90, PICKLE_FROZENSET = 0x91, PICKLE_NEWOBJ_EX = 0x92, PICKLE_STACK_GLOBAL = 0x93,
    PICKLE_MEMOIZE = 0x94, PICKLE_FRAME = 0x95,
    PICKLE_BYTEARRAY8 = 0x96, PICKLE_NEXT_BUFFER = 0x97, PICKLE_READONLY_BUFFER = 0x98,
};

typedef enum PickleStatus {
    PICKLE_WHOLE,
    PICKLE_BODY_MISSING, /* it begins here: head, body_size and number are known, the body does not end here */
    PICKLE_HEAD_MISSING, /* even its head does not end here, or a line of it */
    PICKLE_UNKNOWN,      /* no opcode, or one whose argument has no meaning */
} PickleStatus;

/* An opcode with its argument: `head` bytes (the code and a number of fixed size, or a length), then `body_size` bytes
 * of text or data: what a length has announced, or the lines up to and with their line ends. What FRAME frames is not
 * its body. */
typedef struct PickleOp {
    unsigned char code;
    size_t head;
    uint64_t body_size;
    uint64_t number; /* the argument of a fixed size, without a sign; of FRAME, what it frames; of BINFLOAT, the bits */
} PickleOp;

/* Read the opcode that begins at `bytes`. */
PickleStatus pickle_op_read(const unsigned char *bytes, size_t size, PickleOp *op);

/* As pickletools names it, "?" for none. */
const char *pickle_op_name(unsigned char code);

#endif
