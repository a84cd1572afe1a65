/* What unpickling would import and call, see pickle_scan.h.
 *
 * Each opcode does to values (unpickle.h) what Modules/_pickle.c does to objects. What that refuses is broken; what is
 * neither plain data nor known (pickle_safe.h) is noted, and the walk goes on, to find all imports. */
#include "pickle_scan.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pickle_ops.h"
#include "pickle_scan_parts.h"
#include "pickle_text.h"

enum {
    SCAN_MEMO_AHEAD = 1 << 16, /* a memo index may be so far beyond the opcodes: the unpickler makes room up to it */
    SCAN_PROTOCOL = 5,
    SCAN_LEVELS = 1000, /* tuples in tuples, which are hashed, and deques in deques, which are freed, one within the
                           other: deeper than a pickler goes, the interpreter's stack would not hold it */
    SCAN_WORK = 1 << 24, /* units (see Weight) that may be hashed and copied, and SCAN_WORK_BYTE more for each byte of
                            the pickle: `(t, t)` sixty times over is 2 ** 60 */
    SCAN_WORK_BYTE = 16,
};

/* ---- the verdict ---- */

void
pickle_scan_ask(Scan *scan, const char *format, ...)
{
    if (scan->out->verdict == PICKLE_SAFE) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(scan->out->why, sizeof scan->out->why, format, arguments);
        va_end(arguments);
        scan->out->verdict = PICKLE_ASK;
        scan->out->offset = scan->at;
    }
}

bool
pickle_scan_broken(Scan *scan, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(scan->out->why, sizeof scan->out->why, format, arguments);
    va_end(arguments);
    scan->out->verdict = PICKLE_BROKEN;
    scan->out->offset = scan->at;
    return false;
}

bool
pickle_scan_needs(Scan *scan, size_t count)
{
    if (unpickle_above_mark(&scan->machine) >= count) {
        return true;
    }
    return pickle_scan_broken(scan, "%s finds too little on the stack", pickle_op_name(scan->op.code));
}

bool
pickle_scan_mark(Scan *scan, size_t below, size_t *depth)
{
    if (!unpickle_take_mark(&scan->machine, depth)) {
        return pickle_scan_broken(scan, "%s finds no mark", pickle_op_name(scan->op.code));
    }
    size_t above = unpickle_above_mark(&scan->machine) - (scan->machine.depth - *depth);
    return above >= below
           || pickle_scan_broken(scan, "%s finds too little on the stack", pickle_op_name(scan->op.code));
}

static void
scan_push(Scan *scan, ValueKind kind)
{
    unpickle_push(&scan->machine, unpickle_scalar(kind, scan->at, scan->op.body_size));
}

/* ---- containers ---- */

/* Does what stands below `depth` have what an opcode would call, and is that known to be harmless? It gets all that
 * stands above. */
static void
scan_fill(Scan *scan, ValueKind kind, unsigned trait, size_t depth)
{
    Value top = scan->machine.stack[depth - 1];
    size_t items = scan->machine.depth - depth;
    const ProductValue *product = unpickle_kind(top) == VALUE_PRODUCT
                                      ? &scan->machine.products[unpickle_number_of(top)] : NULL;
    bool known = product != NULL && (scan->rows[product->global]->traits & trait) != 0;
    if (unpickle_kind(top) != kind && !known) {
        pickle_scan_ask(scan, "%s fills what is no container", pickle_op_name(scan->op.code));
    }
    else if (kind == VALUE_LIST && !known) {
        scan->machine.containers[unpickle_number_of(top)].items += items;
    }
    unpickle_put_above(&scan->machine, top, depth);
}

void
pickle_scan_work(Scan *scan, uint64_t cost)
{
    if (cost > scan->most_work) {
        scan->most_work = cost;
        scan->most_work_at = scan->at;
    }
    scan->work = scan->work + cost < UNPICKLE_ENDLESS ? scan->work + cost : UNPICKLE_ENDLESS;
}

static void
scan_key(Scan *scan, Value key)
{
    ValueKind kind = unpickle_kind(key);
    bool strange = kind == VALUE_TEXT || kind == VALUE_OTHER;
    if (kind == VALUE_STRING) {
        size_t size;
        const unsigned char *text = unpickle_text(&scan->machine, key, &size);
        strange = size >= 2 && memcmp(text, "__", 2) == 0;
    }
    else if (kind == VALUE_PRODUCT) {
        const ProductValue *product = &scan->machine.products[unpickle_number_of(key)];
        strange = (scan->rows[product->global]->traits & SAFE_TEXT) != 0;
    }
    if (strange && !scan->strange_key) {
        scan->strange_key = true;
        scan->strange_at = scan->at;
    }
}

/* Keys and values from `depth` on. */
static bool
scan_items(Scan *scan, size_t depth)
{
    if ((scan->machine.depth - depth) % 2 != 0) {
        return pickle_scan_broken(scan, "%s finds a key without a value", pickle_op_name(scan->op.code));
    }
    for (size_t i = depth; i < scan->machine.depth; i += 2) {
        scan_key(scan, scan->machine.stack[i]);
        pickle_scan_work(scan, unpickle_cost(&scan->machine, scan->machine.stack[i]));
    }
    return true;
}

/* Members of a set from `depth` on. */
static void
scan_members(Scan *scan, size_t depth)
{
    for (size_t i = depth; i < scan->machine.depth; i++) {
        pickle_scan_work(scan, unpickle_cost(&scan->machine, scan->machine.stack[i]));
    }
}

/* DICT, FROZENSET, LIST, TUPLE: of what stands above the mark. */
static bool
scan_collect(Scan *scan)
{
    size_t depth;
    if (!pickle_scan_mark(scan, 0, &depth)) {
        return false;
    }
    switch (scan->op.code) {
    case PICKLE_TUPLE:
        unpickle_tuple(&scan->machine, depth);
        return true;
    case PICKLE_LIST:
        unpickle_container(&scan->machine, VALUE_LIST, depth);
        return true;
    case PICKLE_FROZENSET:
        scan_members(scan, depth);
        unpickle_container(&scan->machine, VALUE_FROZENSET, depth);
        return true;
    default:
        if (!scan_items(scan, depth)) {
            return false;
        }
        unpickle_container(&scan->machine, VALUE_DICT, depth);
        return true;
    }
}

/* What stands above the mark goes into what stands below it. */
static bool
scan_add_marked(Scan *scan)
{
    size_t depth;
    if (!pickle_scan_mark(scan, 1, &depth)) {
        return false;
    }
    switch (scan->op.code) {
    case PICKLE_SETITEMS:
        if (!scan_items(scan, depth)) {
            return false;
        }
        scan_fill(scan, VALUE_DICT, SAFE_SET_ITEM, depth);
        return true;
    case PICKLE_APPENDS:
        scan_fill(scan, VALUE_LIST, SAFE_EXTEND, depth);
        return true;
    default:
        scan_members(scan, depth);
        scan_fill(scan, VALUE_SET, 0, depth);
        return true;
    }
}

static bool
scan_add_one(Scan *scan)
{
    bool item = scan->op.code == PICKLE_SETITEM;
    if (!pickle_scan_needs(scan, item ? 3 : 2)) {
        return false;
    }
    size_t depth = scan->machine.depth - (item ? 2 : 1);
    if (item) {
        scan_items(scan, depth);
    }
    scan_fill(scan, item ? VALUE_DICT : VALUE_LIST, item ? SAFE_SET_ITEM : SAFE_EXTEND, depth);
    return true;
}

static bool
scan_short_tuple(Scan *scan, size_t count)
{
    if (!pickle_scan_needs(scan, count)) {
        return false;
    }
    unpickle_tuple(&scan->machine, scan->machine.depth - count);
    return true;
}

/* ---- memo, and the stack itself ---- */

static bool
scan_memo_index(Scan *scan, size_t *index)
{
    uint64_t number = scan->op.number;
    const unsigned char *text = scan->machine.bytes + scan->at + scan->op.head;
    if (scan->op.body_size > 0 && !pickle_text_index(text, (size_t)scan->op.body_size, &number)) {
        return pickle_scan_broken(scan, "%s has a number that no pickler writes", pickle_op_name(scan->op.code));
    }
    if (number > scan->opcodes + SCAN_MEMO_AHEAD) {
        return pickle_scan_broken(scan, "%s is for a place far beyond the memo", pickle_op_name(scan->op.code));
    }
    *index = (size_t)number;
    return true;
}

static bool
scan_put(Scan *scan)
{
    size_t index = scan->machine.memo_count; /* MEMOIZE */
    if (!pickle_scan_needs(scan, 1) || (scan->op.code != PICKLE_MEMOIZE && !scan_memo_index(scan, &index))) {
        return false;
    }
    unpickle_remember(&scan->machine, index, unpickle_top(&scan->machine));
    return true;
}

static bool
scan_get(Scan *scan)
{
    size_t index;
    Value value;
    if (!scan_memo_index(scan, &index)) {
        return false;
    }
    if (!unpickle_recall(&scan->machine, index, &value)) {
        return pickle_scan_broken(scan, "%s asks for what is not in the memo", pickle_op_name(scan->op.code));
    }
    unpickle_push(&scan->machine, value);
    return true;
}

static bool
scan_pop(Scan *scan)
{
    size_t depth;
    if (scan->op.code == PICKLE_POP_MARK) {
        if (!pickle_scan_mark(scan, 0, &depth)) {
            return false;
        }
        scan->machine.depth = depth;
        return true;
    }
    if (unpickle_above_mark(&scan->machine) == 0 && unpickle_take_mark(&scan->machine, &depth)) {
        return true;
    }
    if (!pickle_scan_needs(scan, 1)) {
        return false;
    }
    unpickle_pop(&scan->machine);
    return true;
}

static bool
scan_dup(Scan *scan)
{
    if (!pickle_scan_needs(scan, 1)) {
        return false;
    }
    unpickle_push(&scan->machine, unpickle_top(&scan->machine));
    return true;
}

/* ---- the others ---- */

/* Out of bytes it makes nothing new; for anything else there is no need without buffers. */
static bool
scan_readonly(Scan *scan)
{
    if (!pickle_scan_needs(scan, 1)) {
        return false;
    }
    if (unpickle_kind(unpickle_top(&scan->machine)) != VALUE_BYTES) {
        pickle_scan_ask(scan, "it looks into the memory of an object");
        unpickle_pop(&scan->machine);
        scan_push(scan, VALUE_OTHER);
    }
    return true;
}

static bool
scan_text(Scan *scan)
{
    PickleText found = pickle_text_check(&scan->op, scan->machine.bytes + scan->at + scan->op.head);
    if (found == PICKLE_TEXT_WRONG) {
        return pickle_scan_broken(scan, "%s has a text that cannot be read", pickle_op_name(scan->op.code));
    }
    if (found == PICKLE_TEXT_LONG) {
        pickle_scan_ask(scan, "it has a number of more digits than Python reads");
    }
    unsigned char code = scan->op.code;
    scan_push(scan, code == PICKLE_STRING || code == PICKLE_UNICODE ? unpickle_text_kind(&scan->machine, scan->at)
                                                                    : VALUE_NUMBER);
    return true;
}

static bool
scan_frame(Scan *scan)
{
    size_t behind = scan->at + scan->op.head;
    if (scan->op.number > scan->machine.size - behind) {
        return pickle_scan_broken(scan, "FRAME is longer than what follows");
    }
    if (behind < scan->frame_end) {
        return pickle_scan_broken(scan, "FRAME is in another frame, as no pickler writes it");
    }
    scan->frame_end = behind + (size_t)scan->op.number;
    return true;
}

/* The unpicklers differ on an opcode that crosses the end of its frame: that of C leaves out the part inside when it
 * reads from a file, and would see another pickle than this one. */
static bool
scan_crosses_frame(const Scan *scan)
{
    return scan->at < scan->frame_end && scan->op.head + scan->op.body_size > scan->frame_end - scan->at;
}

static bool
scan_protocol(Scan *scan)
{
    if (scan->op.number > SCAN_PROTOCOL) {
        return pickle_scan_broken(scan, "protocol %u is not known", (unsigned)scan->op.number);
    }
    scan->protocol = (int)scan->op.number;
    scan->out->protocol = scan->protocol > scan->out->protocol ? scan->protocol : scan->out->protocol;
    return true;
}

/* Would it be more than the interpreter, or anybody's patience, can take? */
static void
scan_weigh(Scan *scan)
{
    const Unpickle *machine = &scan->machine;
    size_t depth = machine->most_depth + machine->more_depth;
    if (machine->most_levels > SCAN_LEVELS) {
        pickle_scan_ask(scan, "it nests tuples or arguments %zu levels deep", machine->most_levels);
    }
    if (depth > SCAN_LEVELS) {
        pickle_scan_ask(scan, "it nests deques, defaultdicts, slices or arrays %zu levels deep", depth);
    }
    if (scan->walks && machine->late) {
        pickle_scan_ask(scan, "it fills what is within something else already, and has that gone through");
    }
    if (scan->work > SCAN_WORK + (uint64_t)SCAN_WORK_BYTE * scan->out->end) {
        scan->at = scan->most_work_at;
        pickle_scan_ask(scan,
                        "it nests and repeats so much in keys or arguments that to go through it takes %llu steps",
                        (unsigned long long)scan->work);
    }
}

static bool
scan_stop(Scan *scan)
{
    if (!pickle_scan_needs(scan, 1)) {
        return false;
    }
    scan->stopped = true;
    scan->out->end = scan->at + 1;
    if (scan->strange_key && scan->converts) {
        scan->at = scan->strange_at;
        pickle_scan_ask(scan, "it has a name with two underscores where arrays are made");
    }
    scan_weigh(scan);
    return true;
}

/* ---- the walk ---- */

/* What the opcodes push that push one value whatever there is; VALUE_OTHER for the others. */
static ValueKind
scan_plain(const Scan *scan)
{
    switch (scan->op.code) {
    case PICKLE_NONE: return VALUE_NONE;
    case PICKLE_NEWTRUE:
    case PICKLE_NEWFALSE: return VALUE_BOOL;
    case PICKLE_BININT:
    case PICKLE_BININT1:
    case PICKLE_BININT2:
    case PICKLE_LONG1:
    case PICKLE_LONG4:
    case PICKLE_BINFLOAT: return VALUE_NUMBER;
    case PICKLE_BINBYTES:
    case PICKLE_SHORT_BINBYTES:
    case PICKLE_BINBYTES8: return VALUE_BYTES;
    case PICKLE_BYTEARRAY8: return VALUE_BYTEARRAY;
    case PICKLE_BINSTRING:
    case PICKLE_SHORT_BINSTRING:
    case PICKLE_BINUNICODE:
    case PICKLE_SHORT_BINUNICODE:
    case PICKLE_BINUNICODE8: return unpickle_text_kind(&scan->machine, scan->at);
    default: return VALUE_OTHER;
    }
}

/* One opcode; false when no unpickler would go on. */
static bool
scan_step(Scan *scan)
{
    switch (scan->op.code) {
    case PICKLE_MARK: unpickle_mark(&scan->machine); return true;
    case PICKLE_STOP: return scan_stop(scan);
    case PICKLE_POP:
    case PICKLE_POP_MARK: return scan_pop(scan);
    case PICKLE_DUP: return scan_dup(scan);
    case PICKLE_FLOAT:
    case PICKLE_INT:
    case PICKLE_LONG:
    case PICKLE_STRING:
    case PICKLE_UNICODE: return scan_text(scan);
    case PICKLE_PERSID:
    case PICKLE_BINPERSID: return pickle_scan_broken(scan, "it refers to what only its program can find (%s)",
                                              pickle_op_name(scan->op.code));
    case PICKLE_NEXT_BUFFER: return pickle_scan_broken(scan, "a part of its data is not in the file (NEXT_BUFFER)");
    case PICKLE_READONLY_BUFFER: return scan_readonly(scan);
    case PICKLE_REDUCE:
    case PICKLE_NEWOBJ:
    case PICKLE_NEWOBJ_EX: return pickle_call_reduce(scan);
    case PICKLE_BUILD: return pickle_call_build(scan);
    case PICKLE_GLOBAL: return pickle_call_global(scan);
    case PICKLE_STACK_GLOBAL: return pickle_call_stack_global(scan);
    case PICKLE_INST: return pickle_call_inst(scan);
    case PICKLE_OBJ: return pickle_call_obj(scan);
    case PICKLE_APPEND:
    case PICKLE_SETITEM: return scan_add_one(scan);
    case PICKLE_APPENDS:
    case PICKLE_SETITEMS:
    case PICKLE_ADDITEMS: return scan_add_marked(scan);
    case PICKLE_DICT:
    case PICKLE_LIST:
    case PICKLE_TUPLE:
    case PICKLE_FROZENSET: return scan_collect(scan);
    case PICKLE_EMPTY_LIST: unpickle_container(&scan->machine, VALUE_LIST, scan->machine.depth); return true;
    case PICKLE_EMPTY_DICT: unpickle_container(&scan->machine, VALUE_DICT, scan->machine.depth); return true;
    case PICKLE_EMPTY_SET: unpickle_container(&scan->machine, VALUE_SET, scan->machine.depth); return true;
    case PICKLE_EMPTY_TUPLE: return scan_short_tuple(scan, 0);
    case PICKLE_TUPLE1: return scan_short_tuple(scan, 1);
    case PICKLE_TUPLE2: return scan_short_tuple(scan, 2);
    case PICKLE_TUPLE3: return scan_short_tuple(scan, 3);
    case PICKLE_GET:
    case PICKLE_BINGET:
    case PICKLE_LONG_BINGET: return scan_get(scan);
    case PICKLE_PUT:
    case PICKLE_BINPUT:
    case PICKLE_LONG_BINPUT:
    case PICKLE_MEMOIZE: return scan_put(scan);
    case PICKLE_PROTO: return scan_protocol(scan);
    case PICKLE_FRAME: return scan_frame(scan);
    case PICKLE_EXT1:
    case PICKLE_EXT2:
    case PICKLE_EXT4: return pickle_call_extension(scan);
    default: scan_push(scan, scan_plain(scan)); return true;
    }
}

bool
pickle_scan(const unsigned char *bytes, size_t size, PickleScan *out)
{
    *out = (PickleScan){.verdict = PICKLE_SAFE};
    Scan scan = {.machine = {.bytes = bytes, .size = size}, .out = out};
    bool going = true;
    while (going && !scan.stopped && !scan.machine.failed) {
        PickleStatus status = pickle_op_read(bytes + scan.at, size - scan.at, &scan.op);
        scan.opcodes++;
        if (status == PICKLE_UNKNOWN) {
            going = pickle_scan_broken(&scan, pickle_op_name(scan.op.code)[0] == '?' ? "there is no opcode 0x%02x"
                                : "opcode 0x%02x has a length that cannot be", scan.op.code);
        }
        else if (status != PICKLE_WHOLE) {
            going = pickle_scan_broken(&scan, "it ends too early");
        }
        else if (scan_crosses_frame(&scan)) {
            going = pickle_scan_broken(&scan, "%s crosses the end of its frame, as no pickler writes it",
                                       pickle_op_name(scan.op.code));
        }
        else {
            going = scan_step(&scan);
            scan.at += scan.op.head + (size_t)scan.op.body_size;
        }
    }
    bool done = !scan.machine.failed;
    unpickle_free(&scan.machine);
    return done;
}

void
pickle_scan_clear(PickleScan *scan)
{
    for (size_t i = 0; i < scan->count; i++) {
        free(scan->imports[i].module);
        free(scan->imports[i].name);
    }
    free(scan->imports);
    *scan = (PickleScan){0};
}
