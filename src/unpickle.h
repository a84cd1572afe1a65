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
    VALUE_LIST, /* of this and the next three: the number is an index of containers */
    VALUE_DICT,
    VALUE_SET,
    VALUE_FROZENSET,
    VALUE_TUPLE,   /* the number is an index of tuples */
    VALUE_GLOBAL,  /* of the scan's imports */
    VALUE_PRODUCT, /* of products */
} ValueKind;

typedef uint64_t Value; /* the kind is the lowest byte */

enum {
    UNPICKLE_KEPT = 16, /* so many of a tuple's elements are known */
    UNPICKLE_UNIT = 16, /* bytes of a text or number that cost as much as an item */
};
#define UNPICKLE_ENDLESS (UINT64_MAX / 4)

/* What has been put into something so far. */
typedef struct Weight {
    uint64_t cost;  /* of going through all of it, through what is there several times as often as it is there: a unit
                       is an item or UNPICKLE_UNIT bytes. Not more than UNPICKLE_ENDLESS */
    uint32_t depth; /* of those in each other that are freed one within the other */
    bool held;      /* something else has it in it already, with what it weighed then */
} Weight;

typedef struct TupleValue {
    size_t first; /* of elements */
    size_t count; /* of all it has */
    uint32_t levels; /* of tuples and arguments in each other, with this one */
    uint32_t depth;  /* as in Weight */
    uint64_t cost;
} TupleValue;

typedef struct ContainerValue {
    size_t items; /* of a list */
    Weight weight;
} ContainerValue;

/* What a call of a global has made. */
typedef struct ProductValue {
    size_t arguments; /* a tuple's index */
    uint32_t global;  /* which import has made it */
    bool built;       /* BUILD has given it its state */
    bool deep;        /* its like in it are freed within it */
    Weight weight;
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
    size_t most_depth;  /* of anything, but for what was put in it when it was held already: see more_depth */
    size_t more_depth;  /* by which those who are held have become deeper, all together */
    bool late;          /* more than a number or text was put into what is held: a cost is too low somewhere */
    Value *elements;
    size_t element_count, element_room;
    ContainerValue *containers;
    size_t container_count, container_room;
    ProductValue *products;
    size_t product_count, product_room;
    bool failed; /* memory has run out */
} Unpickle;

Value unpickle_value(ValueKind kind, size_t number);
/* A number, a text or bytes: the opcode at `offset` has so many bytes of it. */
Value unpickle_scalar(ValueKind kind, size_t offset, uint64_t body_size);
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

/* Replace what stands above `depth` by a list, dict, set or frozenset of it. */
void unpickle_container(Unpickle *machine, ValueKind kind, size_t depth);

Value unpickle_product(Unpickle *machine, size_t global, size_t arguments, bool deep);

/* Something, or what stands above `depth` and is taken away, goes into a container or product. */
void unpickle_put(Unpickle *machine, Value into, Value item);
void unpickle_put_above(Unpickle *machine, Value into, size_t depth);

/* What it costs to hash it, compare it or copy what is in it, as it is now. */
uint64_t unpickle_cost(const Unpickle *machine, Value value);

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
