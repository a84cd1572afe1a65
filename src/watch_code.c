/* Watches of what no dictionary tells of, by looking behind each instruction that could have changed it (3.12 on).
 *
 * sys.monitoring's INSTRUCTION event says which instruction comes next. At its first one each that does not stand right
 * behind one of interest is switched off (DISABLE), so what is left costs something only where something may happen. A
 * variable of one function is changed by that function's code alone; the rest is looked for in all code. */
#include "watch.h"

#include "compat.h"
#include "frame.h"
#include "opcodes.h"

#include <string.h>

/* ---- plans: what stands before each instruction ---- */

enum { PLANS = 4096 }; /* a power of two: a cache, in which a new one takes the place of an old one */
struct WatchPlan {
    PyObject *code;       /* owned: its address is the key */
    unsigned char *after; /* owned: WatchAfter of each pair of bytes */
    Py_ssize_t size;
    struct PlanStore *stores; /* owned: of AFTER_LOCAL */
    size_t store_count;
};

/* A store to a variable, and the place behind it. */
typedef struct PlanStore {
    Py_ssize_t at, behind;            /* bytes */
    enum { STORE_LOOK, STORE_WAIT, STORE_COMES } mode; /* look behind it; wait for it; it has come */
    int looks, mets;                  /* how often it was looked, and something was met */
    int came;                         /* how often it has come while it was waited for */
    int line;                         /* of the instruction before `behind`, once it was met: found; else 0 */
} PlanStore;

/* With a code object the program may hear that it ends, and set and end watches: the place may be gone then. */
static void
plan_free(WatchPlan *plan)
{
    WatchPlan old = *plan;
    *plan = (WatchPlan){0};
    PyMem_Free(old.after);
    PyMem_Free(old.stores);
    Py_XDECREF(old.code);
}

void
watch_code_forget(Watches *all)
{
    WatchPlan *plans = all->plans, *own = all->own;
    size_t own_count = all->own_count;
    all->plans = all->own = NULL; /* at once: see plan_free() */
    all->own_count = 0;
    for (int i = 0; plans != NULL && i < PLANS; i++) {
        plan_free(&plans[i]);
    }
    for (size_t i = 0; i < own_count; i++) {
        plan_free(&own[i]);
    }
    PyMem_Free(plans);
    PyMem_Free(own);
}

/* The names of a code object that an instruction can mean. All owned. */
typedef struct PlanNames {
    PyObject *names; /* tuple: globals and attributes */
    PyObject *slots; /* list: variables, as STORE_DEREF counts them */
} PlanNames;

static int
plan_names(PyObject *code, PlanNames *names)
{
    *names = (PlanNames){PyObject_GetAttrString(code, "co_names"), PyList_New(0)};
    PyObject *variables = PyObject_GetAttrString(code, "co_varnames");
    PyObject *cells = PyObject_GetAttrString(code, "co_cellvars");
    PyObject *free = PyObject_GetAttrString(code, "co_freevars");
    int ret = names->names == NULL || names->slots == NULL || variables == NULL || cells == NULL || free == NULL ? -1
                                                                                                                 : 0;
    for (Py_ssize_t i = 0; ret == 0 && i < PyTuple_Size(variables); i++) {
        ret = PyList_Append(names->slots, PyTuple_GetItem(variables, i));
    }
    for (Py_ssize_t i = 0; ret == 0 && i < PyTuple_Size(cells); i++) { /* a parameter that is a cell is there already */
        PyObject *name = PyTuple_GetItem(cells, i);
        int known = PySequence_Contains(variables, name);
        ret = known < 0 ? -1 : known ? 0 : PyList_Append(names->slots, name);
    }
    for (Py_ssize_t i = 0; ret == 0 && i < PyTuple_Size(free); i++) {
        ret = PyList_Append(names->slots, PyTuple_GetItem(free, i));
    }
    Py_XDECREF(variables);
    Py_XDECREF(cells);
    Py_XDECREF(free);
    return ret;
}

/* Is it the name of that number? */
static bool
plan_is_name(PyObject *names, size_t number, PyObject *name)
{
    PyObject *there = number >= (size_t)PySequence_Size(names) ? NULL
                      : PyList_Check(names)                    ? PyList_GetItem(names, (Py_ssize_t)number)
                                                               : PyTuple_GetItem(names, (Py_ssize_t)number);
    return there != NULL && PyUnicode_Compare(there, name) == 0;
}

/* Does an instruction bind a variable that the next one unbinds, as the end of an `except ... as` does? */
static bool
plan_is_undone(const Instruction *i, const Instruction *next)
{
    return i->argument == next->argument
           && ((i->opcode == OPCODE_STORE_FAST && next->opcode == OPCODE_DELETE_FAST)
               || (i->opcode == OPCODE_STORE_DEREF && next->opcode == OPCODE_DELETE_DEREF));
}

static bool
plan_is_lent(const Watch *watch, const Instruction *i)
{
    for (size_t at = 0; at < watch->hidden_count; at++) {
        if (i->start >= watch->hidden[at].from && i->next < watch->hidden[at].to) {
            return true;
        }
    }
    return false;
}

/* Could the instruction change the variable of the watch? */
static bool
plan_stores_local(const Watch *watch, PyObject *code, PlanNames *names, const Instruction *i, const Instruction *next)
{
    if (watch->code != code || plan_is_undone(i, next) || plan_is_lent(watch, i)) {
        return false;
    }
    Py_ssize_t variable = PySequence_Index(names->slots, watch->name);
    return variable >= 0 && opcodes_stores(i, (unsigned)variable);
}

/* What could the instruction do, of what the watch is for? */
static unsigned
plan_after(const Watch *watch, PyObject *code, PlanNames *names, const Instruction *i, const Instruction *next)
{
    enum { IN_PLACE_ADD = 13, IN_PLACE_MULTIPLY = 18 }; /* of opcode._nb_ops */
    switch (i->opcode) {
    case OPCODE_STORE_DEREF:
    case OPCODE_DELETE_DEREF:
        return watch->after == AFTER_CELL && !plan_is_undone(i, next)
                       && plan_is_name(names->slots, i->argument, watch->name)
                   ? AFTER_CELL
                   : 0;
    case OPCODE_STORE_ATTR:
    case OPCODE_DELETE_ATTR:
        return watch->after == AFTER_ATTRIBUTE && plan_is_name(names->names, i->argument, watch->name)
                   ? AFTER_ATTRIBUTE
                   : 0;
    case OPCODE_STORE_SUBSCR:
    case OPCODE_DELETE_SUBSCR:
    case OPCODE_STORE_SLICE:
        return watch->after & (AFTER_ITEM | AFTER_ATTRIBUTE); /* vars(obj)["name"] = ... */
    case OPCODE_BINARY_OP:
        return i->argument == IN_PLACE_ADD || i->argument == IN_PLACE_MULTIPLY ? watch->after & AFTER_ITEM : 0;
    case OPCODE_CALL:
    case OPCODE_CALL_KW:
    case OPCODE_CALL_FUNCTION_EX:
        return watch->after & (AFTER_ITEM | AFTER_ATTRIBUTE);
    case OPCODE_LOAD_GLOBAL:
    case OPCODE_LOAD_NAME:
    case OPCODE_LOAD_FROM_DICT_OR_GLOBALS:
        return watch->after == AFTER_READ && plan_is_name(names->names, (size_t)opcodes_name(i), watch->name)
                   ? AFTER_READ
                   : 0;
    default:
        return watch->after == AFTER_LOCAL && plan_stores_local(watch, code, names, i, next) ? AFTER_LOCAL : 0;
    }
}

/* Note what stands before the next instruction: where its event comes, at its own place or at its EXTENDED_ARG. */
static int
plan_note(WatchPlan *plan, const Instruction *i, const Instruction *next, unsigned after)
{
    plan->after[next->start / 2] |= (unsigned char)after;
    plan->after[next->offset / 2] |= (unsigned char)after;
    if ((after & AFTER_LOCAL) == 0) {
        return 0;
    }
    PlanStore *stores = PyMem_Realloc(plan->stores, (plan->store_count + 1) * sizeof *stores);
    if (stores == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    plan->stores = stores;
    stores[plan->store_count++] = (PlanStore){.at = i->offset, .behind = next->start};
    return 0;
}

static int
plan_make(const Watches *all, WatchPlan *plan, PyObject *code)
{
    int ret = -1;
    char *text;
    Py_ssize_t size;
    PlanNames names = {0};
    PyObject *bytes = PyObject_GetAttrString(code, "co_code");
    if (bytes == NULL || PyBytes_AsStringAndSize(bytes, &text, &size) < 0 || plan_names(code, &names) < 0) {
        goto done;
    }
    plan->after = PyMem_Calloc((size_t)size / 2 + 1, 1);
    if (plan->after == NULL) {
        PyErr_NoMemory();
        goto done;
    }
    plan->size = size / 2 + 1;
    for (Py_ssize_t at = 0; at < size;) {
        Instruction i = opcodes_at((unsigned char *)text, size, at);
        Instruction next = opcodes_at((unsigned char *)text, size, i.next);
        unsigned after = 0;
        for (Py_ssize_t w = 0; i.next < size && w < all->count; w++) {
            if (all->list[w]->way == WAY_CODE) {
                after |= plan_after(all->list[w], code, &names, &i, &next);
            }
        }
        if (after != 0 && plan_note(plan, &i, &next, after) < 0) {
            goto done;
        }
        at = i.next;
    }
    plan->code = Py_NewRef(code);
    ret = 0;
done:
    Py_XDECREF(names.names);
    Py_XDECREF(names.slots);
    Py_XDECREF(bytes);
    return ret;
}

/* Plans of functions whose variables are watched know what is switched off there: they stay. */
static WatchPlan *
plan_add_own(Watches *all)
{
    WatchPlan *own = PyMem_Realloc(all->own, (all->own_count + 1) * sizeof *own);
    if (own == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    all->own = own;
    own[all->own_count] = (WatchPlan){0};
    return &own[all->own_count++];
}

/* The place where the plan of a code object is to be, perhaps with another in it. NULL with an exception. */
static WatchPlan *
plan_place(Watches *all, PyObject *code)
{
    enum { ALIGNMENT = 6 }; /* bits of an address that say little */
    for (size_t i = 0; i < all->own_count; i++) {
        if (all->own[i].code == code) {
            return &all->own[i];
        }
    }
    for (Py_ssize_t i = 0; i < all->count; i++) {
        if (all->list[i]->way == WAY_CODE && all->list[i]->code == code) {
            return plan_add_own(all);
        }
    }
    if (all->plans == NULL && (all->plans = PyMem_Calloc(PLANS, sizeof *all->plans)) == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    return &all->plans[(size_t)code >> ALIGNMENT & (PLANS - 1)];
}

/* The plan of a code object; NULL with an exception. */
static WatchPlan *
plan_of(Watches *all, PyObject *code)
{
    WatchPlan *plan = plan_place(all, code);
    while (plan != NULL && plan->code != code && plan->code != NULL) {
        plan_free(plan);
        plan = plan_place(all, code); /* it may be another now, or filled again */
    }
    if (plan != NULL && plan->code == NULL && plan_make(all, plan, code) < 0) {
        plan_free(plan);
        return NULL;
    }
    return plan;
}

/* An instruction of a function with stores that are watched is about to run, and `after` stands before it. What is to
 * be looked for is returned, or AFTER_STAY: nothing, but the place is not to be switched off. */
static int
plan_wait(Watches *all, WatchPlan *plan, Py_ssize_t offset, int after)
{
    enum { WINDOW = 256, RARE = 64, OFTEN = 64 }; /* looks to judge by, looks for one that is worth it; comings */
    int ret = after;
    PyObject *code = plan->code;
    for (size_t i = 0; i < plan->store_count; i++) {
        PlanStore *store = &plan->stores[i];
        if (store->at == offset && store->mode != STORE_LOOK) {
            bool again = ++store->came > OFTEN; /* to be judged anew */
            store->came = again ? 0 : store->came;
            if (!again && watch_events_step(all, code)) {
                return ret == 0 ? AFTER_STAY : ret;
            }
            store->mode = again ? STORE_LOOK : STORE_COMES;
            return watch_events_wake(all, code) < 0 ? -1 : ret == 0 ? AFTER_STAY : ret;
        }
        if (store->behind == offset && store->mode != STORE_LOOK) {
            ret = store->mode == STORE_COMES ? ret : ret & ~AFTER_LOCAL;
            store->mode = STORE_WAIT;
        }
        else if (store->behind == offset && ++store->looks >= WINDOW) {
            bool rare = store->mets * RARE < store->looks && watch_events_can_wake(all);
            store->looks = store->mets = 0;
            if (rare) {
                store->mode = STORE_WAIT;
                return watch_events_wake(all, code) < 0 ? -1 : ret;
            }
        }
    }
    return ret;
}

int
watch_code_after(Watches *all, PyObject *code, Py_ssize_t offset)
{
    WatchPlan *plan = plan_of(all, code);
    if (plan == NULL) {
        return -1;
    }
    int after = offset >= 0 && offset / 2 < plan->size ? plan->after[offset / 2] : 0;
    return plan->store_count == 0 ? after : plan_wait(all, plan, offset, after);
}

/* Something was met there: looking is worth it. */
static void
plan_met(Watches *all, PyObject *code, Py_ssize_t offset)
{
    WatchPlan *plan = plan_of(all, code);
    for (size_t i = 0; plan != NULL && i < plan->store_count; i++) {
        if (plan->stores[i].behind == offset) {
            plan->stores[i].mets++;
        }
    }
}

/* ---- looking ---- */

/* The instruction before the one at an offset. */
static Instruction
code_before(PyObject *code, Py_ssize_t offset)
{
    Instruction found = {0};
    char *text;
    Py_ssize_t size;
    PyObject *bytes = PyObject_GetAttrString(code, "co_code");
    if (bytes != NULL && PyBytes_AsStringAndSize(bytes, &text, &size) == 0) {
        for (Py_ssize_t at = 0; at < size && at < offset; at = found.next) {
            found = opcodes_at((unsigned char *)text, size, at);
        }
    }
    PyErr_Clear();
    Py_XDECREF(bytes);
    return found;
}

/* The line of the instruction before the one at an offset: kept for stores, to which it takes long to walk. */
static int
code_line_before(Watches *all, PyObject *code, Py_ssize_t offset)
{
    WatchPlan *plan = plan_of(all, code);
    PlanStore *store = NULL;
    for (size_t i = 0; plan != NULL && store == NULL && i < plan->store_count; i++) {
        store = plan->stores[i].behind == offset ? &plan->stores[i] : NULL;
    }
    if (store != NULL && store->line != 0) {
        return store->line;
    }
    int line = compat_code_line(code, (int)code_before(code, offset).offset);
    if (store != NULL) {
        store->line = line;
    }
    PyErr_Clear();
    return line;
}

static int
code_place(Watches *all, PyObject *frame, PyObject *code, Py_ssize_t offset, WatchPlace *place)
{
    int ret = watch_place_of(frame, place);
    if (ret == 0) {
        int line = code_line_before(all, code, offset);
        place->line = line > 0 ? line : place->line;
    }
    return ret;
}

/* Does the instruction before read the global of the watch? */
static int
code_reads(const Watch *watch, PyObject *frame, PyObject *code, Py_ssize_t offset)
{
    Instruction before = code_before(code, offset);
    PyObject *names = PyObject_GetAttrString(code, "co_names"), *globals = frame_globals(frame);
    int reads = names == NULL || globals == NULL ? -1
                : globals == watch->object && plan_is_name(names, (size_t)opcodes_name(&before), watch->name);
    Py_XDECREF(globals);
    Py_XDECREF(names);
    return reads;
}

/* Has it changed, or was it read? */
static bool
code_is_met(Watch *watch, PyObject *code, Py_ssize_t offset)
{
    PyObject *value = NULL;
    if (watch->after == AFTER_LOCAL || watch->after == AFTER_READ) {
        PyObject *frame = frame_current();
        bool here = frame != NULL && (watch->after == AFTER_LOCAL ? watch->frame == frame /* not of another call */
                                                                  : code_reads(watch, frame, code, offset) > 0);
        Py_XDECREF(frame);
        if (!here || watch->after == AFTER_READ) {
            return here;
        }
    }
    if (watch->kind == WATCH_VARIABLE && watch_is_hidden(watch)) {
        return false;
    }
    int found = watch_probe(watch, &value);
    bool met = found == WATCH_GONE || (found >= 0 && value != watch->value);
    Py_XDECREF(value);
    return met;
}

/* Look at those for which `after` is of interest. One that another thread has seen, and has not told yet, is this one's
 * then: the other may be no more. */
static bool
code_look(Watches *all, PyObject *code, Py_ssize_t offset, unsigned after)
{
    bool any = false;
    for (Py_ssize_t i = 0; i < all->count; i++) {
        Watch *watch = all->list[i];
        if (watch->way != WAY_CODE || (watch->after & after) == 0
            || (watch->after == AFTER_LOCAL && watch->code != code)) {
            continue;
        }
        Py_INCREF((PyObject *)watch);
        if (code_is_met(watch, code, offset)) {
            watch->due = PyThread_get_thread_ident();
            any = true;
        }
        PyErr_Clear();
        Py_DECREF((PyObject *)watch);
    }
    return any;
}

void
watch_code_look(Watches *all, PyObject *code, Py_ssize_t offset, unsigned after)
{
    enum { CHANGES = AFTER_LOCAL | AFTER_CELL | AFTER_ATTRIBUTE | AFTER_ITEM };
    if (code_look(all, code, offset, after)) {
        plan_met(all, code, offset);
        code_look(all, code, offset, CHANGES & ~after); /* the others' values count as known when this one is told */
    }
}

int
watch_code_tell(Watches *all, PyObject *code, Py_ssize_t offset)
{
    int ret = 0;
    unsigned long thread = PyThread_get_thread_ident();
    PyObject *frame = NULL;
    for (Py_ssize_t i = 0; ret == 0 && i < all->count;) {
        WatchPlace place;
        Watch *watch = all->list[i];
        if (watch->due == 0 || watch->due != thread) {
            i++;
            continue;
        }
        frame = frame == NULL ? frame_current() : frame;
        if (frame == NULL) {
            break;
        }
        watch->due = 0;
        Py_INCREF((PyObject *)watch);
        ret = code_place(all, frame, code, offset, &place);
        if (ret == 0) {
            ret = watch->after == AFTER_READ ? watch_was_read(watch, &place) : watch_compare(watch, &place);
        }
        Py_DECREF((PyObject *)watch);
        i = 0; /* the list may be another now */
    }
    Py_XDECREF(frame);
    return ret;
}

/* ---- starting and stopping ---- */

int
watch_code_start(Watches *all, Watch *watch)
{
    if (watch_events_open(all) == 0) {
        watch->way = WAY_CODE;
        watch_events_double(all);
        watch_code_forget(all); /* what it is for may stand anywhere */
        if (watch_events_update(all, watch->code) == 0 && watch_events_restart(all) == 0) {
            return 0;
        }
    }
    watch->way = WAY_NONE;
    watch_code_stop(all, watch);
    return -1;
}

void
watch_code_stop(Watches *all, Watch *watch)
{
    PyObject *type, *value, *traceback;
    WatchWay way = watch->way;
    PyErr_Fetch(&type, &value, &traceback);
    watch->way = WAY_NONE;
    watch_events_step_no_more(all);
    watch_code_forget(all); /* and with it what is switched off */
    if (all->tool.module != NULL && watch_events_update(all, watch->code) < 0) {
        PyErr_Clear();
    }
    watch_events_close(all);
    if (all->tool.module != NULL && watch_events_restart(all) < 0) {
        PyErr_Clear();
    }
    watch->way = way;
    PyErr_Restore(type, value, traceback);
}
