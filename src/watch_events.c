/* The events of sys.monitoring that watches need, and what is called for them.
 *
 * One tool serves all. A code object that first has two tools for any event gets a table of which tool is for which
 * instruction, and CPython (to 3.15 at least) begins it empty: the INSTRUCTION events that were there before are lost,
 * until all events are restarted. So has a trace function which is set while a watched function runs. Where another's
 * events are seen they are restarted; and a second tool of ours asks for the same INSTRUCTION events at the beginning,
 * so that the table is there. Its other use is to tell of the one instruction that follows a store, where the first has
 * switched that off, as it does where stores are rare: to have the first tell again would be to hear of all code. */
#include "watch.h"

#include "compat.h"
#include "frame.h"

/* ---- callbacks ---- */

static bool
events_are_awaited(const Watches *all)
{
    for (Py_ssize_t i = 0; i < all->count; i++) {
        if (all->list[i]->touched != NULL) {
            return true;
        }
    }
    return false;
}

/* The instruction is about to run: what the callback returns. */
static PyObject *
events_on_instruction(Watches *all, PyObject *code, Py_ssize_t offset)
{
    bool quiet = watch_is_quiet(all), awaited = events_are_awaited(all);
    int after = watch_code_after(all, code, offset);
    int ret = after < 0 ? -1 : 0;
    if (after > 0 && after != AFTER_STAY && !quiet) {
        watch_code_look(all, code, offset, (unsigned)after);
    }
    if (ret == 0 && awaited && !quiet) {
        ret = watch_dict_look(all);
    }
    if (ret == 0 && after > 0 && !quiet) {
        ret = watch_code_tell(all, code, offset);
    }
    if (ret < 0) {
        return NULL;
    }
    return Py_NewRef(after == 0 && !awaited && all->tool.disable != NULL ? all->tool.disable : Py_None);
}

/* Was that place looked at right before this? */
static bool
events_have_looked(Watches *all, const PyObject *code, Py_ssize_t offset)
{
    if (all->looked.code == NULL || all->looked.thread != PyThread_get_thread_ident()) {
        return false;
    }
    bool have = all->looked.code == code && all->looked.offset == offset;
    all->looked.code = NULL;
    return have;
}

/* callback(code, offset) */
static PyObject *
watch_on_instruction(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    Watches *all = state_of_module(module)->watches;
    if (all == NULL || all->tool.disable == NULL || count < 2) {
        return Py_NewRef(Py_None);
    }
    Py_ssize_t offset = PyLong_AsSsize_t(args[1]);
    if (events_have_looked(all, args[0], offset)) {
        return Py_NewRef(Py_None);
    }
    all->within++;
    PyObject *ret = events_on_instruction(all, args[0], offset);
    all->within--;
    return ret;
}

/* callback(code, line). CPython, to 3.15 at least, skips the event of a line's first instruction in the pass in which
 * the last tool switches the event of that line off, as coverage does at once. So the first time it is seen to here. */
static PyObject *
watch_on_line(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    Watches *all = state_of_module(module)->watches;
    PyObject *frame = frame_current();
    if (all == NULL || all->tool.disable == NULL || count < 2 || frame == NULL) {
        Py_XDECREF(frame);
        return Py_NewRef(Py_None);
    }
    Py_ssize_t offset = compat_frame_lasti(frame);
    Py_DECREF(frame);
    all->within++;
    PyObject *ret = events_on_instruction(all, args[0], offset);
    all->within--;
    if (ret == NULL || all->tool.disable == NULL) {
        return ret;
    }
    if (ret == Py_None) {
        all->looked.code = args[0];
        all->looked.offset = offset;
        all->looked.thread = PyThread_get_thread_ident();
    }
    Py_DECREF(ret);
    return Py_NewRef(all->tool.disable);
}

/* Is a variable of a frame watched? */
static bool
events_are_of(const Watches *all, PyObject *frame)
{
    for (Py_ssize_t i = 0; i < all->count; i++) {
        if (all->list[i]->way == WAY_CODE && all->list[i]->frame == frame) {
            return true;
        }
    }
    return false;
}

/* A call ends, and with it the watches of its variables, also when what was called for another raises. Where a callback
 * of another tool has changed events, the one behind the last store may not have come. */
static int
events_end_call(Watches *all, PyObject *code, Py_ssize_t offset)
{
    PyObject *type, *error, *traceback;
    bool quiet = watch_is_quiet(all);
    int ret = events_are_awaited(all) && !quiet ? watch_dict_look(all) : 0;
    PyObject *frame = frame_current();
    if (ret == 0 && frame != NULL && !quiet && events_are_of(all, frame)) {
        watch_code_look(all, code, offset, AFTER_LOCAL | AFTER_CELL);
        ret = watch_code_tell(all, code, offset);
    }
    PyErr_Fetch(&type, &error, &traceback);
    if (frame != NULL && frame == all->stepping_frame) {
        watch_events_step_no_more(all);
    }
    for (Py_ssize_t i = frame == NULL ? 0 : all->count; i-- > 0;) {
        if (i < all->count && all->list[i]->way == WAY_CODE && all->list[i]->frame == frame) {
            watch_end(all->list[i]);
        }
    }
    Py_XDECREF(frame);
    PyErr_Clear();
    PyErr_Restore(type, error, traceback);
    return ret;
}

/* The exception that is set has taken the place of another: have it say so. */
static void
events_chain(PyObject *before)
{
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    PyErr_NormalizeException(&type, &error, &traceback);
    PyObject *context = PyException_GetContext(error);
    PyObject *outer = PyException_GetContext(before);
    if (context == NULL && outer != error && before != error) {
        PyException_SetContext(error, Py_NewRef(before));
    }
    Py_XDECREF(outer);
    Py_XDECREF(context);
    PyErr_Restore(type, error, traceback);
}

/* args: code, offset, ... */
static int
events_call_ends(Watches *all, PyObject *const *args, Py_ssize_t count)
{
    if (all == NULL || count < 2) {
        return 0;
    }
    all->within++;
    int ret = events_end_call(all, args[0], PyLong_AsSsize_t(args[1]));
    all->within--;
    return ret;
}

/* callback(code, offset, value) */
static PyObject *
watch_on_return(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    return events_call_ends(state_of_module(module)->watches, args, count) < 0 ? NULL : Py_NewRef(Py_None);
}

/* callback(code, offset, exception) */
static PyObject *
watch_on_unwind(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    if (events_call_ends(state_of_module(module)->watches, args, count) < 0) {
        if (count > 2 && PyExceptionInstance_Check(args[2])) {
            events_chain(args[2]);
        }
        return NULL;
    }
    return Py_NewRef(Py_None);
}

/* callback(code, offset) of the second tool */
static PyObject *
watch_on_step(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    Watches *all = state_of_module(module)->watches;
    if (all == NULL || all->second.disable == NULL || count < 2 || all->stepping != args[0]) {
        return Py_NewRef(all == NULL || all->second.disable == NULL ? Py_None : all->second.disable);
    }
    PyObject *frame = frame_current();
    int ret = 0;
    if (frame == all->stepping_frame) { /* not another thread, in the same function */
        all->within++;
        watch_events_step_no_more(all);
        if (!watch_is_quiet(all)) {
            watch_code_look(all, args[0], PyLong_AsSsize_t(args[1]), AFTER_LOCAL);
            ret = watch_code_tell(all, args[0], PyLong_AsSsize_t(args[1]));
        }
        all->within--;
    }
    Py_XDECREF(frame);
    return ret < 0 ? NULL : Py_NewRef(Py_None);
}

/* ---- the tool ---- */

int
watch_events_open(Watches *all)
{
    static PyMethodDef on_instruction = {"on_instruction", (PyCFunction)(void (*)(void))watch_on_instruction,
                                         METH_FASTCALL, NULL};
    static PyMethodDef on_line = {"on_line", (PyCFunction)(void (*)(void))watch_on_line, METH_FASTCALL, NULL};
    static PyMethodDef on_return = {"on_return", (PyCFunction)(void (*)(void))watch_on_return, METH_FASTCALL, NULL};
    static PyMethodDef on_unwind = {"on_unwind", (PyCFunction)(void (*)(void))watch_on_unwind, METH_FASTCALL, NULL};
    int ret = -1;
    if (all->tool.module != NULL) {
        return 0;
    }
    PyObject *instruction = PyCFunction_NewEx(&on_instruction, all->module, NULL);
    PyObject *line = PyCFunction_NewEx(&on_line, all->module, NULL);
    PyObject *returns = PyCFunction_NewEx(&on_return, all->module, NULL);
    PyObject *unwind = PyCFunction_NewEx(&on_unwind, all->module, NULL);
    if (instruction == NULL || line == NULL || returns == NULL || unwind == NULL
        || monitoring_take(&all->tool, "hooking watch", "watchpoint") < 0) {
        goto done;
    }
    all->instruction = monitoring_event(&all->tool, "INSTRUCTION");
    all->line = monitoring_event(&all->tool, "LINE");
    all->returns = monitoring_event(&all->tool, "PY_RETURN");
    all->unwinds = monitoring_event(&all->tool, "PY_UNWIND");
    if (all->instruction < 0 || all->line < 0 || all->returns < 0 || all->unwinds < 0
        || monitoring_register(&all->tool, all->instruction, instruction) < 0
        || monitoring_register(&all->tool, all->line, line) < 0
        || monitoring_register(&all->tool, all->returns, returns) < 0
        || monitoring_register(&all->tool, all->unwinds, unwind) < 0) {
        goto done;
    }
    ret = 0;
done:
    Py_XDECREF(unwind);
    Py_XDECREF(returns);
    Py_XDECREF(line);
    Py_XDECREF(instruction);
    return ret;
}

void
watch_events_double(Watches *all)
{
    static PyMethodDef on_step = {"on_step", (PyCFunction)(void (*)(void))watch_on_step, METH_FASTCALL, NULL};
    if (all->second.module != NULL) {
        return;
    }
    PyObject *step = PyCFunction_NewEx(&on_step, all->module, NULL);
    if (step != NULL && monitoring_take(&all->second, "hooking watch (second)", "watchpoint") == 0
        && monitoring_register(&all->second, all->instruction, step) < 0) {
        monitoring_give_back(&all->second, all->instruction);
    }
    PyErr_Clear();
    Py_XDECREF(step);
}

void
watch_events_close(Watches *all)
{
    for (Py_ssize_t i = 0; i < all->count; i++) {
        if (all->list[i]->way == WAY_CODE || all->list[i]->way == WAY_DICT) {
            return;
        }
    }
    if (all->tool.module != NULL) {
        monitoring_give_back(&all->tool, all->instruction | all->line | all->returns | all->unwinds);
    }
    watch_events_step_no_more(all);
    if (all->second.module != NULL) {
        monitoring_give_back(&all->second, all->instruction);
    }
    watch_code_forget(all);
}

/* ---- which events ---- */

static bool
events_are_armed(const WatchNote *note, PyObject *code)
{
    Py_ssize_t count = note->codes == NULL ? 0 : PyList_Size(note->codes);
    for (Py_ssize_t i = 0; i < count; i++) {
        if (PyList_GetItem(note->codes, i) == code) {
            return true;
        }
    }
    return false;
}

/* What all watches together want of all code, */
static long
events_of_all(const Watches *all)
{
    long events = 0;
    for (Py_ssize_t i = 0; i < all->count; i++) {
        const Watch *watch = all->list[i];
        bool looks = watch->way == WAY_CODE;
        events |= (watch->way == WAY_DICT || (looks && watch->kind == WATCH_VARIABLE) ? all->unwinds : 0)
                  | (looks && watch->after != AFTER_LOCAL ? all->instruction | all->line : 0);
        for (const WatchNote *note = watch->touched; note != NULL; note = note->next) {
            events |= note->anywhere ? all->instruction : 0;
        }
    }
    return events;
}

/* and of one code object. */
static long
events_of(const Watches *all, PyObject *code)
{
    long events = 0;
    for (Py_ssize_t i = 0; i < all->count; i++) {
        const Watch *watch = all->list[i];
        if (watch->way == WAY_CODE && watch->code == code) {
            events |= all->returns | (watch->after == AFTER_LOCAL ? all->instruction | all->line : 0);
        }
        for (const WatchNote *note = watch->touched; note != NULL; note = note->next) {
            events |= events_are_armed(note, code) ? all->instruction : 0;
        }
    }
    return events;
}

int
watch_events_update(Watches *all, PyObject *code)
{
    if (all->second.module != NULL
        && ((code != NULL && monitoring_set_local(&all->second, code, events_of(all, code) & all->instruction) < 0)
            || monitoring_set(&all->second, events_of_all(all) & all->instruction) < 0)) {
        return -1;
    }
    if ((code != NULL && monitoring_set_local(&all->tool, code, events_of(all, code)) < 0)
        || monitoring_set(&all->tool, events_of_all(all)) < 0) {
        return -1;
    }
    /* from now on the table is there */
    long second = all->stepping != NULL && all->stepping == code ? all->instruction : 0;
    return code == NULL || all->second.module == NULL ? 0 : monitoring_set_local(&all->second, code, second);
}

bool
watch_events_step(Watches *all, PyObject *code)
{
    PyObject *frame = frame_current();
    bool own = frame != NULL && events_are_of(all, frame);
    Py_XDECREF(frame);
    if (!own) {
        return true;
    }
    if (all->second.module == NULL || all->stepping != NULL || !watch_events_can_wake(all)
        || monitoring_set_local(&all->second, code, all->instruction) < 0) {
        PyErr_Clear();
        return false;
    }
    all->stepping = Py_NewRef(code);
    all->stepping_frame = frame; /* its watch has it */
    return true;
}

void
watch_events_step_no_more(Watches *all)
{
    PyObject *code = all->stepping;
    all->stepping = all->stepping_frame = NULL;
    if (code != NULL && all->second.module != NULL && monitoring_set_local(&all->second, code, 0) < 0) {
        PyErr_Clear();
    }
    Py_XDECREF(code);
}

int
watch_events_restart(Watches *all)
{
    return monitoring_restart(&all->tool);
}

bool
watch_events_can_wake(const Watches *all)
{
    return (events_of_all(all) & all->instruction) == 0;
}

int
watch_events_wake(Watches *all, PyObject *code)
{
    long events = events_of(all, code);
    if (!watch_events_can_wake(all)) {
        return monitoring_restart(&all->tool);
    }
    return monitoring_set_local(&all->tool, code, events & ~all->instruction) < 0
               ? -1
               : monitoring_set_local(&all->tool, code, events);
}

/* ---- the next instruction ---- */

enum { TOOLS = 6 };

/* Has somebody else that place? No exception. */
static bool
events_are_others(const Watches *all, long tool)
{
    return !(all->second.module != NULL && all->second.tool == tool) && monitoring_has_other(&all->tool, tool);
}

/* Has somebody set such a function, of sys, for this thread? Who has put something else in the place of
 * sys.gettrace() may have. No exception. */
static bool
events_are_traced(const char *name)
{
    PyObject *sys = PyImport_AddModule("sys"); /* borrowed */
    PyObject *get = monitoring_builtin(sys, name);
    PyObject *function = get == NULL ? NULL : PyObject_CallNoArgs(get);
    bool traced = function != Py_None;
    PyErr_Clear();
    Py_XDECREF(function);
    Py_XDECREF(get);
    return traced;
}

bool
watch_events_may_fail(const Watches *all)
{
    bool may = all->within > 0 || events_are_traced("gettrace") || events_are_traced("getprofile");
    for (long tool = 0; !may && tool < TOOLS; tool++) {
        may = events_are_others(all, tool);
    }
    return may;
}

/* Does another tool ask for INSTRUCTION events of a code object? A debugger that has set a trace function may, which is
 * another tool that cannot be asked. No exception. */
static bool
events_are_shared(const Watches *all, PyObject *code)
{
    bool shared = events_are_traced("gettrace");
    for (long tool = 0; !shared && tool < TOOLS; tool++) {
        shared = events_are_others(all, tool)
                 && (monitoring_others_events(&all->tool, tool, code) & all->instruction) != 0;
    }
    return shared;
}

static int
events_arm_code(Watches *all, WatchNote *note, PyObject *code)
{
    if (events_are_armed(note, code)) {
        return 0;
    }
    long before = events_of(all, code);
    if ((note->codes == NULL && (note->codes = PyList_New(0)) == NULL) || PyList_Append(note->codes, code) < 0) {
        return -1;
    }
    return (before & all->instruction) != 0 || !watch_events_can_wake(all) /* places may be switched off */
               ? watch_events_wake(all, code)
               : monitoring_set_local(&all->tool, code, before | all->instruction);
}

int
watch_events_arm(Watches *all, WatchNote *note, PyObject *frame)
{
    enum { CALLERS = 64 };
    int ret = 0;
    bool shared = false;
    if (frame == NULL) {
        note->anywhere = true;
        return monitoring_set(&all->tool, events_of_all(all)) < 0 ? -1 : monitoring_restart(&all->tool);
    }
    bool others = watch_events_may_fail(all);
    PyObject *at = Py_NewRef(frame);
    for (Py_ssize_t i = 0; ret == 0 && at != NULL && i <= (others ? CALLERS : 0); i++) {
        PyObject *code = frame_code(at);
        ret = events_arm_code(all, note, code);
        shared = shared || (others && ret == 0 && events_are_shared(all, code));
        Py_DECREF(code);
        Py_SETREF(at, frame_back(at));
    }
    Py_XDECREF(at);
    return shared ? monitoring_restart(&all->tool) : ret;
}

void
watch_events_disarm(Watches *all, WatchNote *note)
{
    Py_ssize_t count = note->codes == NULL || all->tool.module == NULL ? 0 : PyList_Size(note->codes);
    if (note->anywhere && all->tool.module != NULL && monitoring_set(&all->tool, events_of_all(all)) < 0) {
        PyErr_Clear();
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *code = PyList_GetItem(note->codes, i); /* borrowed */
        if (monitoring_set_local(&all->tool, code, events_of(all, code)) < 0) {
            PyErr_Clear();
        }
    }
    note->anywhere = false;
    Py_CLEAR(note->codes);
}
