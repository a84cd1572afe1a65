/* An unpickler's stack, marks and memo without the objects, see unpickle.h. */
#include "unpickle.h"

#include <stdlib.h>
#include <string.h>

#include "pickle_ops.h"

enum {
    UNPICKLE_SHORT = 256,  /* bytes: no name is longer, and looking at one again costs no more */
    UNPICKLE_DIGITS = 18,  /* of a small number */
};

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
    return (size_t)(value >> 8);
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

/* ---- tuples and products ---- */

static size_t
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
    size_t levels = 0;
    for (size_t i = depth; i < machine->depth; i++) {
        size_t below = unpickle_levels(machine, machine->stack[i]);
        levels = below > levels ? below : levels;
    }
    machine->tuples[machine->tuple_count] = (TupleValue){machine->element_count, count, levels + 1};
    machine->most_levels = levels + 1 > machine->most_levels ? levels + 1 : machine->most_levels;
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
unpickle_list(Unpickle *machine, size_t items)
{
    if (unpickle_room(machine, &machine->lists, &machine->list_room, machine->list_count + 1,
                      sizeof *machine->lists)) {
        machine->lists[machine->list_count] = items;
        unpickle_push(machine, unpickle_value(VALUE_LIST, machine->list_count++));
    }
}

Value
unpickle_product(Unpickle *machine, size_t global, size_t arguments)
{
    if (!unpickle_room(machine, &machine->products, &machine->product_room, machine->product_count + 1,
                       sizeof *machine->products)) {
        return unpickle_value(VALUE_OTHER, 0);
    }
    machine->products[machine->product_count] = (ProductValue){.arguments = arguments, .global = (uint32_t)global};
    return unpickle_value(VALUE_PRODUCT, machine->product_count++);
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
    free(machine->lists);
    free(machine->products);
    *machine = (Unpickle){0};
}
