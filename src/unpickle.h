/* An unpickler's stack, marks and memo, holding what is known of the objects instead of the objects. No Python here.
 *
 * A value is a kind and a number that says more: the offset of the opcode that made it, or an index. Values are small,
 * so that a pickle of n bytes takes some tens of n bytes at most. */
#ifndef HOOKING_UNPICKLE_H
#define HOOKING_UNPICKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum ValueKind {
    VALUE_OTHER, /* nothing is known of it */
    VALUE_NONE,
    VALUE_BOOL,
    VALUE_NUMBER,
    VALUE_BYTES,
    VALUE_BYTEARRAY,
    VALUE_STRING, /* a short str: unpickle_text() has it */
    VALUE_TEXT,   /* a str that is long, or has escapes in it */
    VALUE_LIST, /* the number is an index of lists */
    VALUE_DICT,
    VALUE_SET,
    VALUE_FROZENSET,
    VALUE_TUPLE,   /* the number is an index of tuples */
    VALUE_GLOBAL,  /* of the scan's imports */
    VALUE_PRODUCT, /* of products */
} ValueKind;

typedef uint64_t Value; /* the kind is the lowest byte */

enum { UNPICKLE_KEPT = 16 }; /* so many of a tuple's elements are known */

typedef struct TupleValue {
    size_t first; /* of elements */
    size_t count; /* of all it has */
    size_t levels; /* of tuples and arguments in each other, with this one */
} TupleValue;

/* What a call of a global has made. */
typedef struct ProductValue {
    size_t arguments; /* a tuple's index */
    uint32_t global;  /* which import has made it */
    bool built;       /* BUILD has given it its state */
} ProductValue;

typedef struct Unpickle {
    const unsigned char *bytes;
    size_t size;
    Value *stack;
    size_t depth, stack_room;
    size_t *marks; /* depths */
    size_t mark_count, mark_room;
    Value *memo; /* each plus one, and 0 where nothing is */
    size_t memo_count, memo_size, memo_room;
    TupleValue *tuples;
    size_t tuple_count, tuple_room;
    size_t most_levels; /* of any tuple */
    Value *elements;
    size_t element_count, element_room;
    size_t *lists; /* how many items each has */
    size_t list_count, list_room;
    ProductValue *products;
    size_t product_count, product_room;
    bool failed; /* memory has run out */
} Unpickle;

Value unpickle_value(ValueKind kind, size_t number);
ValueKind unpickle_kind(Value value);
size_t unpickle_number_of(Value value);

/* How many values stand above the last mark. */
size_t unpickle_above_mark(const Unpickle *machine);

void unpickle_push(Unpickle *machine, Value value);
/* The caller has made sure that there is one. */
Value unpickle_pop(Unpickle *machine);
Value unpickle_top(const Unpickle *machine);
void unpickle_mark(Unpickle *machine);
/* Take the last mark away; *depth is where it stood. False when there is none. */
bool unpickle_take_mark(Unpickle *machine, size_t *depth);

/* Replace what stands above `depth` by a tuple of it. */
void unpickle_tuple(Unpickle *machine, size_t depth);
/* The first elements of a VALUE_TUPLE, UNPICKLE_KEPT at most; *count is how many there are in all. */
const Value *unpickle_elements(const Unpickle *machine, Value tuple, size_t *count);

/* Push a list of so many items. */
void unpickle_list(Unpickle *machine, size_t items);

Value unpickle_product(Unpickle *machine, size_t global, size_t arguments);

void unpickle_remember(Unpickle *machine, size_t index, Value value);
bool unpickle_recall(const Unpickle *machine, size_t index, Value *value);

/* What kind of str the opcode at `offset` makes. */
ValueKind unpickle_text_kind(const Unpickle *machine, size_t offset);
/* The bytes of a VALUE_STRING; NULL of anything else. */
const unsigned char *unpickle_text(const Unpickle *machine, Value value, size_t *size);
bool unpickle_is_text(const Unpickle *machine, Value value, const char *text);
/* The number that a VALUE_NUMBER or VALUE_BOOL is, if it is a small one. */
bool unpickle_number(const Unpickle *machine, Value value, int64_t *number);

void unpickle_free(Unpickle *machine);

#endif
