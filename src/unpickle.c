/* An unpickler's stack, marks and memo without the objects, see unpickle.h. */
#include "unpickle.h"

#include <stdlib.h>
#include <string.h>

#include "pickle_ops.h"

enum {
    UNPICKLE_SHORT = 256,  /* bytes: no name is longer, and looking at one again costs no more */
    UNPICKLE_DIGITS = 18,  /* of a small number */
};
#define UNPICKLE_NUMBER (((Value)1 << 48) - 1) /* an offset or index; above it, the power of two that is its cost */

Value
unpickle_value(ValueKind kind, size_t number)
{
    return (Value)number << 8 | (Value)kind;
}

ValueKind
unpickle_kind(Value value)
{
    return (ValueKind)(value & 0xff);
}

size_t
unpickle_number_of(Value value)
{
    return (size_t)(value >> 8 & UNPICKLE_NUMBER);
}

/* A power of two that is less than twice as small as the cost: exact enough to notice what is repeated endlessly, and
 * there without a look at the bytes, which may be a line whose end is far. */
Value
unpickle_scalar(ValueKind kind, size_t offset, uint64_t body_size)
{
    Value power = 0;
    for (uint64_t cost = 1 + body_size / UNPICKLE_UNIT; cost > 1; cost >>= 1) {
        power++;
    }
    return unpickle_value(kind, offset) | power << 56;
}

/* Make room for `count` items of a list; false when memory is out, which is remembered. */
static bool
unpickle_room(Unpickle *machine, void *list, size_t *room, size_t count, size_t item)
{
    void **memory = list;
    if (count <= *room) {
        return true;
    }
    size_t wanted = count < 32 ? 64 : count * 2;
    void *longer = wanted <= SIZE_MAX / item ? realloc(*memory, wanted * item) : NULL;
    if (longer == NULL) {
        machine->failed = true;
        return false;
    }
    *memory = longer;
    *room = wanted;
    return true;
}

/* ---- stack and marks ---- */

size_t
unpickle_above_mark(const Unpickle *machine)
{
    return machine->depth - (machine->mark_count > 0 ? machine->marks[machine->mark_count - 1] : 0);
}

void
unpickle_push(Unpickle *machine, Value value)
{
    if (unpickle_room(machine, &machine->stack, &machine->stack_room, machine->depth + 1, sizeof *machine->stack)) {
        machine->stack[machine->depth++] = value;
    }
}

Value
unpickle_pop(Unpickle *machine)
{
    return machine->stack[--machine->depth];
}

Value
unpickle_top(const Unpickle *machine)
{
    return machine->stack[machine->depth - 1];
}

void
unpickle_mark(Unpickle *machine)
{
    if (unpickle_room(machine, &machine->marks, &machine->mark_room, machine->mark_count + 1,
                      sizeof *machine->marks)) {
        machine->marks[machine->mark_count++] = machine->depth;
    }
}

bool
unpickle_take_mark(Unpickle *machine, size_t *depth)
{
    if (machine->mark_count == 0) {
        return false;
    }
    *depth = machine->marks[--machine->mark_count];
    return true;
}

/* ---- weights ---- */

static uint64_t
unpickle_add_cost(uint64_t sum, uint64_t cost)
{
    return sum + cost < UNPICKLE_ENDLESS ? sum + cost : UNPICKLE_ENDLESS;
}

static Weight *
unpickle_weight(const Unpickle *machine, Value value)
{
    size_t number = unpickle_number_of(value);
    switch (unpickle_kind(value)) {
    case VALUE_LIST:
    case VALUE_DICT:
    case VALUE_SET:
    case VALUE_FROZENSET:
        return &machine->containers[number].weight;
    case VALUE_PRODUCT:
        return &machine->products[number].weight;
    default:
        return NULL;
    }
}

static uint32_t
unpickle_depth(const Unpickle *machine, Value value)
{
    const Weight *weight = unpickle_weight(machine, value);
    return weight != NULL ? weight->depth
           : unpickle_kind(value) == VALUE_TUPLE ? machine->tuples[unpickle_number_of(value)].depth
                                                 : 0;
}

/* Now it is in something. */
static void
unpickle_hold(const Unpickle *machine, Value value)
{
    Weight *weight = unpickle_weight(machine, value);
    if (weight != NULL) {
        weight->held = true;
    }
}

uint64_t
unpickle_cost(const Unpickle *machine, Value value)
{
    const Weight *weight = unpickle_weight(machine, value);
    if (weight != NULL) {
        return 1 + weight->cost;
    }
    if (unpickle_kind(value) != VALUE_TUPLE) {
        return (uint64_t)1 << (value >> 56);
    }
    /* What is in it may have become more. */
    const TupleValue *tuple = &machine->tuples[unpickle_number_of(value)];
    uint64_t cost = 1;
    for (size_t i = 0; i < tuple->count && i < UNPICKLE_KEPT; i++) {
        Value element = machine->elements[tuple->first + i];
        weight = unpickle_weight(machine, element);
        cost = unpickle_add_cost(cost, weight != NULL ? 1 + weight->cost : 0);
    }
    return cost > tuple->cost ? cost : tuple->cost;
}

/* Does it hold other values? */
static bool
unpickle_is_compound(const Unpickle *machine, Value value)
{
    return unpickle_kind(value) == VALUE_TUPLE || unpickle_weight(machine, value) != NULL;
}

void
unpickle_put(Unpickle *machine, Value into, Value item)
{
    Weight *weight = unpickle_weight(machine, into);
    if (weight == NULL) {
        return;
    }
    bool deep = unpickle_kind(into) == VALUE_PRODUCT && machine->products[unpickle_number_of(into)].deep;
    uint32_t depth = unpickle_depth(machine, item) + deep;
    uint64_t cost = unpickle_cost(machine, item);
    unpickle_hold(machine, item);
    if (depth > weight->depth) {
        machine->more_depth += weight->held ? depth - weight->depth : 0;
        machine->most_depth = depth > machine->most_depth ? depth : machine->most_depth;
        weight->depth = depth;
    }
    machine->late = machine->late || (weight->held && unpickle_is_compound(machine, item));
    weight->cost = unpickle_add_cost(weight->cost, cost);
}

void
unpickle_put_above(Unpickle *machine, Value into, size_t depth)
{
    for (size_t i = depth; i < machine->depth; i++) {
        unpickle_put(machine, into, machine->stack[i]);
    }
    machine->depth = depth;
}

/* ---- tuples, containers and products ---- */

static uint32_t
unpickle_levels(const Unpickle *machine, Value value)
{
    ValueKind kind = unpickle_kind(value);
    size_t number = unpickle_number_of(value);
    return kind == VALUE_TUPLE     ? machine->tuples[number].levels
           : kind == VALUE_PRODUCT ? machine->tuples[machine->products[number].arguments].levels
                                   : 0;
}

void
unpickle_tuple(Unpickle *machine, size_t depth)
{
    size_t count = machine->depth - depth, kept = count < UNPICKLE_KEPT ? count : UNPICKLE_KEPT;
    if (!unpickle_room(machine, &machine->tuples, &machine->tuple_room, machine->tuple_count + 1,
                       sizeof *machine->tuples)
        || !unpickle_room(machine, &machine->elements, &machine->element_room, machine->element_count + kept,
                          sizeof *machine->elements)) {
        return;
    }
    if (kept > 0) {
        memcpy(machine->elements + machine->element_count, machine->stack + depth, kept * sizeof *machine->elements);
    }
    TupleValue made = {.first = machine->element_count, .count = count, .cost = 1};
    for (size_t i = depth; i < machine->depth; i++) {
        Value element = machine->stack[i];
        uint32_t levels = unpickle_levels(machine, element), below = unpickle_depth(machine, element);
        made.levels = levels > made.levels ? levels : made.levels;
        made.depth = below > made.depth ? below : made.depth;
        made.cost = unpickle_add_cost(made.cost, unpickle_cost(machine, element));
        unpickle_hold(machine, element);
    }
    made.levels++;
    machine->most_levels = made.levels > machine->most_levels ? made.levels : machine->most_levels;
    machine->tuples[machine->tuple_count] = made;
    machine->element_count += kept;
    machine->depth = depth;
    unpickle_push(machine, unpickle_value(VALUE_TUPLE, machine->tuple_count++));
}

const Value *
unpickle_elements(const Unpickle *machine, Value tuple, size_t *count)
{
    const TupleValue *found = &machine->tuples[unpickle_number_of(tuple)];
    *count = found->count;
    return found->count > 0 ? machine->elements + found->first : NULL;
}

void
unpickle_container(Unpickle *machine, ValueKind kind, size_t depth)
{
    if (unpickle_room(machine, &machine->containers, &machine->container_room, machine->container_count + 1,
                      sizeof *machine->containers)) {
        Value made = unpickle_value(kind, machine->container_count++);
        machine->containers[unpickle_number_of(made)] = (ContainerValue){.items = machine->depth - depth};
        unpickle_put_above(machine, made, depth);
        unpickle_push(machine, made);
    }
}

Value
unpickle_product(Unpickle *machine, size_t global, size_t arguments, bool deep)
{
    if (!unpickle_room(machine, &machine->products, &machine->product_room, machine->product_count + 1,
                       sizeof *machine->products)) {
        return unpickle_value(VALUE_OTHER, 0);
    }
    Value made = unpickle_value(VALUE_PRODUCT, machine->product_count++);
    machine->products[unpickle_number_of(made)] = (ProductValue){
        .arguments = arguments, .global = (uint32_t)global, .deep = deep,
    };
    unpickle_put(machine, made, unpickle_value(VALUE_TUPLE, arguments));
    return made;
}

/* ---- memo ---- */

/* The values are kept plus one, so that 0 is where nothing is. */
void
unpickle_remember(Unpickle *machine, size_t index, Value value)
{
    if (!unpickle_room(machine, &machine->memo, &machine->memo_room, index + 1, sizeof *machine->memo)) {
        return;
    }
    while (machine->memo_size <= index) {
        machine->memo[machine->memo_size++] = 0;
    }
    machine->memo_count += machine->memo[index] == 0;
    machine->memo[index] = value + 1;
}

bool
unpickle_recall(const Unpickle *machine, size_t index, Value *value)
{
    if (index >= machine->memo_size || machine->memo[index] == 0) {
        return false;
    }
    *value = machine->memo[index] - 1;
    return true;
}

/* ---- what is in them ---- */

/* The bytes of a str as they stand there; of STRING without its quotes. Empty when it has no quotes. */
static const unsigned char *
unpickle_raw_text(const Unpickle *machine, size_t offset, PickleOp *op, size_t *size)
{
    const unsigned char *bytes = machine->bytes + offset;
    pickle_op_read(bytes, machine->size - offset, op);
    size_t line_end = op->code == PICKLE_STRING || op->code == PICKLE_UNICODE;
    size_t quotes = op->code == PICKLE_STRING && op->body_size > 2 ? 1 : 0;
    *size = (size_t)op->body_size - line_end - 2 * quotes;
    return bytes + op->head + quotes;
}

/* Escapes and encodings are not undone: whoever writes a name with them may wait for the user's word. */
ValueKind
unpickle_text_kind(const Unpickle *machine, size_t offset)
{
    PickleOp op;
    size_t size;
    const unsigned char *text = unpickle_raw_text(machine, offset, &op, &size);
    if (size > UNPICKLE_SHORT) {
        return VALUE_TEXT;
    }
    bool utf8 = op.code == PICKLE_SHORT_BINUNICODE || op.code == PICKLE_BINUNICODE || op.code == PICKLE_BINUNICODE8;
    bool escapes = op.code == PICKLE_UNICODE || op.code == PICKLE_STRING;
    for (size_t i = 0; i < size; i++) {
        if ((text[i] >= 0x80 && !utf8) || (text[i] == '\\' && escapes)) {
            return VALUE_TEXT;
        }
    }
    return VALUE_STRING;
}

const unsigned char *
unpickle_text(const Unpickle *machine, Value value, size_t *size)
{
    PickleOp op;
    return unpickle_kind(value) == VALUE_STRING ? unpickle_raw_text(machine, unpickle_number_of(value), &op, size)
                                                : NULL;
}

bool
unpickle_is_text(const Unpickle *machine, Value value, const char *text)
{
    size_t size;
    const unsigned char *bytes = unpickle_text(machine, value, &size);
    return bytes != NULL && size == strlen(text) && memcmp(bytes, text, size) == 0;
}

/* A line of decimal digits. */
static bool
unpickle_decimal(const unsigned char *text, int64_t *number)
{
    bool negative = *text == '-';
    text += negative;
    *number = 0;
    for (int digits = 0; *text >= '0' && *text <= '9'; digits++, text++) {
        if (digits == UNPICKLE_DIGITS) {
            return false;
        }
        *number = *number * 10 + (*text - '0');
    }
    *number = negative ? -*number : *number;
    return *text == '\n' || *text == 'L';
}

bool
unpickle_number(const Unpickle *machine, Value value, int64_t *number)
{
    PickleOp op;
    size_t offset = unpickle_number_of(value);
    ValueKind kind = unpickle_kind(value);
    if (kind != VALUE_NUMBER && kind != VALUE_BOOL) {
        return false;
    }
    switch (machine->bytes[offset]) {
    case PICKLE_NEWTRUE:
    case PICKLE_NEWFALSE:
        *number = machine->bytes[offset] == PICKLE_NEWTRUE;
        return true;
    case PICKLE_BININT:
    case PICKLE_BININT1:
    case PICKLE_BININT2:
        pickle_op_read(machine->bytes + offset, machine->size - offset, &op);
        *number = op.code == PICKLE_BININT ? (int64_t)(int32_t)(uint32_t)op.number : (int64_t)op.number;
        return true;
    case PICKLE_INT:
    case PICKLE_LONG:
        return unpickle_decimal(machine->bytes + offset + 1, number); /* the line is whole: it ends there */
    default:
        return false;
    }
}

void
unpickle_free(Unpickle *machine)
{
    free(machine->stack);
    free(machine->marks);
    free(machine->memo);
    free(machine->tuples);
    free(machine->elements);
    free(machine->containers);
    free(machine->products);
    *machine = (Unpickle){0};
}
