/* Imports, calls and states in a pickle, see pickle_scan_parts.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pickle_rules.h"
#include "pickle_scan_parts.h"

enum { CALL_NAME = 200 }; /* bytes of a name that are kept */

/* For people: nothing that a terminal obeys, and no letters that look like others. */
static void
call_printable(char *text, const unsigned char *bytes, size_t size)
{
    size_t end = size < CALL_NAME ? size : CALL_NAME;
    for (size_t i = 0; i < end; i++) {
        text += sprintf(text, bytes[i] > ' ' && bytes[i] < 0x7f && bytes[i] != '\\' ? "%c" : "\\x%02x", bytes[i]);
    }
    strcpy(text, end < size ? "..." : "");
}

/* Its index, or SCAN_IMPORTS for those that are too many. */
static size_t
call_import_add(Scan *scan, const char *module, const char *name, const SafeRow *row)
{
    PickleScan *out = scan->out;
    for (size_t i = 0; i < out->count; i++) {
        if (scan->rows[i] == row && strcmp(out->imports[i].name, name) == 0
            && strcmp(out->imports[i].module, module) == 0) {
            return i;
        }
    }
    if (out->count > SCAN_IMPORTS) {
        return SCAN_IMPORTS;
    }
    bool last = out->count == SCAN_IMPORTS;
    PickleImport *longer = realloc(out->imports, (out->count + 1) * sizeof *longer);
    char *own_module = strdup(last ? "?" : module), *own_name = strdup(last ? "?" : name);
    out->imports = longer != NULL ? longer : out->imports;
    if (longer == NULL || own_module == NULL || own_name == NULL) {
        free(own_module);
        free(own_name);
        scan->machine.failed = true;
        return SCAN_IMPORTS;
    }
    scan->rows[out->count] = last ? NULL : row;
    out->imports[out->count] = (PickleImport){own_module, own_name, scan->at, !last && row != NULL, false};
    if (last) {
        pickle_scan_ask(scan, "it imports more than %d names", SCAN_IMPORTS);
    }
    return out->count++;
}

static size_t
call_import(Scan *scan, const unsigned char *module, size_t module_size, const unsigned char *name, size_t name_size)
{
    char module_text[CALL_NAME * 4 + 4], name_text[CALL_NAME * 4 + 4];
    const SafeRow *row = pickle_safe_find((const char *)module, module_size, (const char *)name, name_size,
                                          scan->protocol);
    call_printable(module_text, module, module_size);
    call_printable(name_text, name, name_size);
    if (row == NULL) {
        pickle_scan_ask(scan, "it imports %.60s.%.60s", module_text, name_text);
    }
    return call_import_add(scan, module_text, name_text, row);
}

/* An import of what only running it would tell. */
static void
call_import_unknown(Scan *scan)
{
    size_t index = call_import_add(scan, "?", "?", NULL);
    unpickle_push(&scan->machine, unpickle_value(VALUE_GLOBAL, index));
}

/* GLOBAL and INST: two lines. */
static bool
call_global_lines(Scan *scan, size_t *global)
{
    const unsigned char *module = scan->machine.bytes + scan->at + scan->op.head;
    const unsigned char *end = module + scan->op.body_size;
    const unsigned char *line_end = memchr(module, '\n', (size_t)(end - module));
    const unsigned char *name = line_end + 1;
    size_t module_size = (size_t)(line_end - module), name_size = (size_t)(end - name) - 1;
    if (module_size == 0 || name_size == 0) {
        return pickle_scan_broken(scan, "%s names nothing", pickle_op_name(scan->op.code));
    }
    *global = call_import(scan, module, module_size, name, name_size);
    return true;
}

bool
pickle_call_stack_global(Scan *scan)
{
    size_t module_size, name_size;
    if (!pickle_scan_needs(scan, 2)) {
        return false;
    }
    const unsigned char *name = unpickle_text(&scan->machine, unpickle_pop(&scan->machine), &name_size);
    const unsigned char *module = unpickle_text(&scan->machine, unpickle_pop(&scan->machine), &module_size);
    if (module == NULL || name == NULL) {
        pickle_scan_ask(scan, "it imports what only running it would tell");
        call_import_unknown(scan);
        return true;
    }
    size_t global = call_import(scan, module, module_size, name, name_size);
    unpickle_push(&scan->machine, unpickle_value(VALUE_GLOBAL, global));
    return true;
}

/* ---- calls and states ---- */

/* _reconstructor makes an instance of its first argument: that is what has made it. */
static size_t
call_maker(const Scan *scan, size_t global, const Value *arguments)
{
    bool other = strcmp(scan->rows[global]->name, "_reconstructor") == 0;
    return other ? unpickle_number_of(arguments[0]) : global;
}

/* Call, or __new__, with a tuple; `plain`: with nothing else. Pushes what comes out of it. */
static void
call_make(Scan *scan, Value callee, Value tuple, bool plain, bool is_new)
{
    Unpickle *machine = &scan->machine;
    Value made = unpickle_value(VALUE_OTHER, scan->at);
    if (unpickle_kind(callee) != VALUE_GLOBAL) {
        pickle_scan_ask(scan, "it calls what it has not imported");
        unpickle_push(machine, made);
        return;
    }
    size_t global = unpickle_number_of(callee);
    PickleImport *import = &scan->out->imports[global];
    const SafeRow *row = scan->rows[global];
    SafeUse use = {.machine = machine, .rows = scan->rows};
    import->called = true;
    plain = plain && unpickle_kind(tuple) == VALUE_TUPLE && (!is_new || (row != NULL && (row->traits & SAFE_CLASS)));
    if (plain) {
        use.arguments = unpickle_elements(machine, tuple, &use.count);
    }
    if (row != NULL && plain && row->call != NULL && row->call(&use)) {
        global = call_maker(scan, global, use.arguments);
        unsigned traits = row->traits | scan->rows[global]->traits;
        scan->converts = scan->converts || (traits & SAFE_CONVERTS) != 0;
        scan->walks = scan->walks || ((traits & (SAFE_WALKS | SAFE_CONVERTS)) != 0 && use.count > 0);
        pickle_scan_work(scan, unpickle_cost(machine, tuple));
        made = unpickle_product(machine, global, unpickle_number_of(tuple), (traits & SAFE_DEEP) != 0);
    }
    else {
        import->safe = false;
        pickle_scan_ask(scan, "it calls %.60s.%.60s in an unusual way", import->module, import->name);
    }
    unpickle_push(machine, made);
}

bool
pickle_call_build(Scan *scan)
{
    if (!pickle_scan_needs(scan, 2)) {
        return false;
    }
    Value state = unpickle_pop(&scan->machine), top = unpickle_top(&scan->machine);
    ProductValue *product = unpickle_kind(top) == VALUE_PRODUCT ? &scan->machine.products[unpickle_number_of(top)]
                                                                : NULL;
    if (product == NULL) {
        pickle_scan_ask(scan, "it gives a state to what it has not made");
        return true;
    }
    const SafeRow *row = scan->rows[product->global];
    SafeUse use = {&scan->machine, scan->rows, &state, 1, product};
    if (product->built || row->build == NULL || !row->build(&use)) {
        PickleImport *import = &scan->out->imports[product->global];
        import->safe = false;
        pickle_scan_ask(scan, "it gives %.60s.%.60s an unusual state", import->module, import->name);
    }
    if (row->build != pickle_rule_attributes) {
        pickle_scan_work(scan, unpickle_cost(&scan->machine, state));
    }
    product->built = true;
    unpickle_put(&scan->machine, top, state);
    return true;
}

/* INST and OBJ: the arguments stand above `depth`. */
static void
call_instance(Scan *scan, Value class, size_t depth)
{
    unpickle_tuple(&scan->machine, depth);
    if (!scan->machine.failed) {
        call_make(scan, class, unpickle_pop(&scan->machine), true, false);
    }
}

bool
pickle_call_inst(Scan *scan)
{
    size_t depth, global;
    if (!pickle_scan_mark(scan, 0, &depth) || !call_global_lines(scan, &global)) {
        return false;
    }
    call_instance(scan, unpickle_value(VALUE_GLOBAL, global), depth);
    return true;
}

bool
pickle_call_obj(Scan *scan)
{
    size_t depth;
    if (!pickle_scan_mark(scan, 0, &depth)) {
        return false;
    }
    if (scan->machine.depth == depth) {
        return pickle_scan_broken(scan, "OBJ finds no class");
    }
    Value class = scan->machine.stack[depth];
    call_instance(scan, class, depth + 1);
    if (!scan->machine.failed) {
        Value made = unpickle_pop(&scan->machine);
        scan->machine.depth = depth;
        unpickle_push(&scan->machine, made);
    }
    return true;
}

bool
pickle_call_reduce(Scan *scan)
{
    bool named = scan->op.code == PICKLE_NEWOBJ_EX;
    if (!pickle_scan_needs(scan, named ? 3 : 2)) {
        return false;
    }
    if (named) {
        unpickle_pop(&scan->machine); /* no known one is made with named arguments */
    }
    Value arguments = unpickle_pop(&scan->machine), callee = unpickle_pop(&scan->machine);
    call_make(scan, callee, arguments, !named, scan->op.code != PICKLE_REDUCE);
    return true;
}

bool
pickle_call_global(Scan *scan)
{
    size_t global;
    if (!call_global_lines(scan, &global)) {
        return false;
    }
    unpickle_push(&scan->machine, unpickle_value(VALUE_GLOBAL, global));
    return true;
}

bool
pickle_call_extension(Scan *scan)
{
    if (scan->op.number == 0 || (scan->op.code == PICKLE_EXT4 && scan->op.number > INT32_MAX)) {
        return pickle_scan_broken(scan, "%s has no number of an extension", pickle_op_name(scan->op.code));
    }
    pickle_scan_ask(scan, "it imports extension %lu of copyreg", (unsigned long)scan->op.number);
    call_import_unknown(scan);
    return true;
}
