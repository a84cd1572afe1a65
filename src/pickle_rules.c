/* What the known constructors may be given, see pickle_rules.h. */
#include "pickle_rules.h"

#include <string.h>

/* ---- what an argument is ---- */

static ValueKind
rules_kind(const SafeUse *use, size_t index)
{
    return index < use->count && index < UNPICKLE_KEPT ? unpickle_kind(use->arguments[index]) : VALUE_OTHER;
}

static bool
rules_is_number(const SafeUse *use, size_t index)
{
    ValueKind kind = rules_kind(use, index);
    return kind == VALUE_NUMBER || kind == VALUE_BOOL;
}

static bool
rules_is_text(ValueKind kind)
{
    return kind == VALUE_STRING || kind == VALUE_TEXT;
}

/* The row of the global that it is. */
static const SafeRow *
rules_global(const SafeUse *use, Value value)
{
    return unpickle_kind(value) == VALUE_GLOBAL ? use->rows[unpickle_number_of(value)] : NULL;
}

static const ProductValue *
rules_product(const SafeUse *use, Value value)
{
    return unpickle_kind(value) == VALUE_PRODUCT ? &use->machine->products[unpickle_number_of(value)] : NULL;
}

/* Was it made by calling that? */
static bool
rules_is_made_by(const SafeUse *use, Value value, const char *module, const char *name)
{
    const ProductValue *product = rules_product(use, value);
    const SafeRow *row = product != NULL ? use->rows[product->global] : NULL;
    return row != NULL && strcmp(row->module, module) == 0 && strcmp(row->name, name) == 0;
}

static bool
rules_is_class(const SafeUse *use, size_t index)
{
    const SafeRow *row = index < use->count ? rules_global(use, use->arguments[index]) : NULL;
    return row != NULL && (row->traits & SAFE_CLASS) != 0;
}

static bool
rules_is(const SafeUse *use, size_t index, const char *module, const char *name)
{
    const SafeRow *row = index < use->count ? rules_global(use, use->arguments[index]) : NULL;
    return row != NULL && strcmp(row->module, module) == 0 && strcmp(row->name, name) == 0;
}

/* Bytes, as any protocol writes them. */
static bool
rules_is_bytes(const SafeUse *use, Value value)
{
    ValueKind kind = unpickle_kind(value);
    return kind == VALUE_BYTES || kind == VALUE_BYTEARRAY || rules_is_made_by(use, value, "_codecs", "encode");
}

/* Those that neither compress nor run anything: "zip" makes gigabytes of a few bytes. */
static bool
rules_is_encoding(const SafeUse *use, size_t index)
{
    static const char *const encodings[] = {"latin1", "latin-1", "utf-8", "utf8", "ascii"};
    for (size_t i = 0; index < use->count && i < sizeof encodings / sizeof *encodings; i++) {
        if (unpickle_is_text(use->machine, use->arguments[index], encodings[i])) {
            return true;
        }
    }
    return false;
}

/* ---- plain constructors ---- */

bool
pickle_rule_any(const SafeUse *use)
{
    (void)use;
    return true;
}

bool
pickle_rule_nothing(const SafeUse *use)
{
    return use->count == 0;
}

/* A range may stand for more items than there is memory: it has to be written out. */
bool
pickle_rule_items(const SafeUse *use)
{
    ValueKind kind = rules_kind(use, 0);
    if (use->count == 0) {
        return true;
    }
    return (kind == VALUE_LIST || kind == VALUE_TUPLE) && use->count <= 2
           && (use->count == 1 || rules_is_number(use, 1) || rules_kind(use, 1) == VALUE_NONE);
}

bool
pickle_rule_code_and_items(const SafeUse *use)
{
    return use->count == 2 && rules_kind(use, 0) == VALUE_STRING
           && (rules_kind(use, 1) == VALUE_LIST || rules_is_bytes(use, use->arguments[1]));
}

bool
pickle_rule_mapping(const SafeUse *use)
{
    return use->count == 0 || (use->count == 1 && rules_kind(use, 0) == VALUE_DICT);
}

/* bytes(10 ** 12) would take all memory: no numbers. */
bool
pickle_rule_bytes(const SafeUse *use)
{
    if (use->count == 0) {
        return true;
    }
    if (use->count == 2) {
        return rules_is_text(rules_kind(use, 0)) && rules_is_encoding(use, 1);
    }
    return use->count == 1 && (rules_kind(use, 0) == VALUE_LIST || rules_is_bytes(use, use->arguments[0]));
}

bool
pickle_rule_encode(const SafeUse *use)
{
    return use->count == 2 && rules_is_text(rules_kind(use, 0)) && rules_is_encoding(use, 1);
}

bool
pickle_rule_texts(const SafeUse *use)
{
    for (size_t i = 0; i < use->count; i++) {
        if (!rules_is_text(rules_kind(use, i))) {
            return false;
        }
    }
    return true;
}

bool
pickle_rule_numbers(const SafeUse *use)
{
    for (size_t i = 0; i < use->count; i++) {
        if (!rules_is_number(use, i)) {
            return false;
        }
    }
    return true;
}

/* Fraction("1e999999999") would not come to an end, and of two numbers it takes the greatest common divisor. */
bool
pickle_rule_fraction(const SafeUse *use)
{
    enum { MOST = 256 }; /* units of a number: four kilobytes */
    size_t size;
    if (use->count == 2) {
        return rules_kind(use, 0) == VALUE_NUMBER && rules_kind(use, 1) == VALUE_NUMBER
               && unpickle_cost(use->machine, use->arguments[0]) <= MOST
               && unpickle_cost(use->machine, use->arguments[1]) <= MOST;
    }
    const unsigned char *text = use->count == 1 ? unpickle_text(use->machine, use->arguments[0], &size) : NULL;
    for (size_t i = 0; text != NULL && i < size; i++) {
        if (strchr("-/0123456789", text[i]) == NULL || text[i] == '\0') {
            return false;
        }
    }
    return text != NULL;
}

/* It is called without arguments for a missing key, later: any known class makes an empty one then. */
bool
pickle_rule_factory(const SafeUse *use)
{
    return use->count == 0 || (use->count == 1 && (rules_kind(use, 0) == VALUE_NONE || rules_is_class(use, 0)));
}

bool
pickle_rule_class_first(const SafeUse *use)
{
    return rules_is_class(use, 0);
}

bool
pickle_rule_scalars(const SafeUse *use)
{
    for (size_t i = 0; i < use->count; i++) {
        ValueKind kind = rules_kind(use, i);
        if (kind != VALUE_NONE && kind != VALUE_BOOL && kind != VALUE_NUMBER && kind != VALUE_BYTES
            && kind != VALUE_PRODUCT && !rules_is_text(kind)) {
            return false;
        }
    }
    return true;
}

/* copyreg._reconstructor calls __new__ and __init__ of its second argument, which therefore is object. */
bool
pickle_rule_bare_object(const SafeUse *use)
{
    if (use->count != 3 || !rules_is_class(use, 0)) {
        return false;
    }
    const SafeRow *class = rules_global(use, use->arguments[0]);
    return (class->call == pickle_rule_nothing || class->build != NULL) && rules_is(use, 1, "builtins", "object")
           && rules_kind(use, 2) == VALUE_NONE;
}

/* Instances are looked at for names with two underscores by much of numpy and pandas: pickle_scan.c looks out for such
 * keys. */
bool
pickle_rule_attributes(const SafeUse *use)
{
    return rules_kind(use, 0) == VALUE_DICT;
}

/* ---- numpy ----
 *
 * The state of a dtype says anew what the type code has said, flags and item size among it, and numpy believes it: an
 * object dtype without its flags takes the bytes of an array for the addresses of objects. So what it says must be
 * what numpy itself says of that type code; records, whose fields are dtypes again, are not followed. */

typedef struct TypeCode {
    char letter;
    int64_t size; /* of an item */
} TypeCode;

/* "f8", "U12": as numpy writes them, without a byte order. */
static bool
rules_type_code(const SafeUse *use, Value value, TypeCode *code)
{
    size_t size;
    const unsigned char *text = unpickle_text(use->machine, value, &size);
    if (text == NULL || size < 2 || size > 9 || strchr("biufcmMOSUV", text[0]) == NULL || text[0] == '\0') {
        return false;
    }
    int64_t digits = 0;
    for (size_t i = 1; i < size; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        digits = digits * 10 + (text[i] - '0');
    }
    *code = (TypeCode){(char)text[0], text[0] == 'U' ? digits * 4 : digits};
    return true;
}

/* A dtype that such a call has made. */
static bool
rules_type_of(const SafeUse *use, Value value, TypeCode *code)
{
    size_t count;
    if (!rules_is_made_by(use, value, "numpy", "dtype")) {
        return false;
    }
    const ProductValue *product = rules_product(use, value);
    const Value *arguments = unpickle_elements(use->machine, unpickle_value(VALUE_TUPLE, product->arguments), &count);
    return arguments != NULL && rules_type_code(use, arguments[0], code);
}

bool
pickle_rule_type_code(const SafeUse *use)
{
    TypeCode code;
    return use->count == 3 && rules_type_code(use, use->arguments[0], &code) && rules_is_number(use, 1)
           && rules_is_number(use, 2);
}

static bool
rules_number_is(const SafeUse *use, Value value, int64_t wanted)
{
    int64_t number;
    return unpickle_number(use->machine, value, &number) && number == wanted;
}

/* ({}, (b"ns", 1, 1, 1)): numbers of nothing would be divided by. */
static bool
rules_is_time_unit(const SafeUse *use, Value metadata)
{
    size_t count = 0, parts = 0;
    int64_t number;
    const Value *pair = unpickle_kind(metadata) == VALUE_TUPLE ? unpickle_elements(use->machine, metadata, &count)
                                                               : NULL;
    if (pair == NULL || count != 2 || unpickle_kind(pair[1]) != VALUE_TUPLE) {
        return false;
    }
    const Value *unit = unpickle_elements(use->machine, pair[1], &parts);
    if (parts != 4 || !(rules_is_bytes(use, unit[0]) || unpickle_kind(unit[0]) == VALUE_STRING)) {
        return false;
    }
    for (size_t i = 1; i < parts; i++) {
        if (!unpickle_number(use->machine, unit[i], &number) || number < 1 || number > INT32_MAX) {
            return false;
        }
    }
    return unpickle_kind(pair[0]) == VALUE_DICT;
}

/* (3, "<", None, None, None, -1, -1, 0), and a time unit behind it. */
bool
pickle_rule_type_state(const SafeUse *use)
{
    size_t count = 0, unused;
    TypeCode code;
    const Value *made = unpickle_elements(use->machine, unpickle_value(VALUE_TUPLE, use->product->arguments), &unused);
    const Value *state = rules_kind(use, 0) == VALUE_TUPLE
                             ? unpickle_elements(use->machine, use->arguments[0], &count) : NULL;
    if (state == NULL || made == NULL || !rules_type_code(use, made[0], &code)) {
        return false;
    }
    bool timed = code.letter == 'm' || code.letter == 'M';
    if (count != 8 + (size_t)timed || !rules_number_is(use, state[0], timed ? 4 : 3)
        || !rules_is_text(unpickle_kind(state[1]))) {
        return false;
    }
    for (size_t i = 2; i < 5; i++) { /* the parts of a record */
        if (unpickle_kind(state[i]) != VALUE_NONE) {
            return false;
        }
    }
    bool sized = strchr("SUV", code.letter) != NULL;
    int64_t alignment = !sized ? -1 : code.letter == 'U' ? 4 : 1;
    int64_t flags = code.letter == 'O' ? 63 : code.letter == 'U' ? 8 : 0;
    return rules_number_is(use, state[5], sized ? code.size : -1) && rules_number_is(use, state[6], alignment)
           && rules_number_is(use, state[7], flags) && (!timed || rules_is_time_unit(use, state[8]));
}

/* Any other shape would be memory that BUILD gives back while others may look at it. */
bool
pickle_rule_empty_array(const SafeUse *use)
{
    size_t count = 0;
    if (use->count != 3 || !rules_is(use, 0, "numpy", "ndarray") || rules_kind(use, 1) != VALUE_TUPLE) {
        return false;
    }
    const Value *shape = unpickle_elements(use->machine, use->arguments[1], &count);
    return count == 1 && rules_number_is(use, shape[0], 0)
           && (rules_is_text(rules_kind(use, 2)) || rules_is_bytes(use, use->arguments[2]));
}

/* How many items an array of that shape has; false when it is too many, or no shape. */
static bool
rules_items_of(const SafeUse *use, Value shape, size_t *items)
{
    size_t count;
    int64_t number;
    const Value *sides = unpickle_elements(use->machine, shape, &count);
    *items = 1;
    for (size_t i = 0; i < count; i++) {
        if (i == UNPICKLE_KEPT || !unpickle_number(use->machine, sides[i], &number) || number < 0
            || number > UINT32_MAX || (number > 0 && *items > UINT32_MAX)) {
            return false;
        }
        *items *= (size_t)number;
    }
    return true;
}

/* (1, shape, dtype, False, bytes or a list of objects). numpy compares the bytes with the shape, the list it does
 * not. */
bool
pickle_rule_array_state(const SafeUse *use)
{
    size_t count = 0;
    TypeCode code;
    const Value *state = rules_kind(use, 0) == VALUE_TUPLE
                             ? unpickle_elements(use->machine, use->arguments[0], &count) : NULL;
    if (count != 5 || !rules_number_is(use, state[0], 1) || unpickle_kind(state[1]) != VALUE_TUPLE
        || !rules_type_of(use, state[2], &code)) {
        return false;
    }
    if (code.letter != 'O') {
        return rules_is_bytes(use, state[4]);
    }
    size_t items;
    return unpickle_kind(state[4]) == VALUE_LIST && rules_items_of(use, state[1], &items)
           && use->machine->containers[unpickle_number_of(state[4])].items == items;
}

/* Of an object dtype it would hand back the object itself. */
bool
pickle_rule_array_scalar(const SafeUse *use)
{
    TypeCode code;
    return use->count == 2 && rules_type_of(use, use->arguments[0], &code) && code.letter != 'O'
           && rules_is_bytes(use, use->arguments[1]);
}

bool
pickle_rule_array_bytes(const SafeUse *use)
{
    TypeCode code;
    return use->count == 4 && rules_is_bytes(use, use->arguments[0]) && rules_type_of(use, use->arguments[1], &code)
           && code.letter != 'O' && rules_kind(use, 2) == VALUE_TUPLE && rules_is_text(rules_kind(use, 3));
}
