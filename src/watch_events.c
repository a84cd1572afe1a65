/* The events of sys.monitoring that watches need, and what is called for them.
 *
 * One tool serves all. With two that ask for INSTRUCTION events of one code object, CPython (to 3.15 at least) forgets
 * the first when the second asks, until all events are restarted: which is done where another's are seen. */
#include "watch.h"

#include "compat.h"
#include "frame.h"

/* ---- callbacks ---- */

static bool
events_are_awaited(const Watches *all)
{
    for (Py_ssize_t i = 0; i < all->count; i++) {
        if (all->list[i]->touched) {
            return true;
        }
    }
    return false;
}

/* callback(code, offset): the instruction is about to run. */
static PyObject *
watch_on_instruction(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    Watches *all = state_of_module(module)->watches;
    if (all == NULL || all->tool.disable == NULL || count < 2) {
        return Py_NewRef(Py_None);
    }
    bool quiet = watch_is_quiet(all), awaited = events_are_awaited(all);
    Py_ssize_t offset = PyLong_AsSsize_t(args[1]);
    int after = watch_code_after(all, args[0], offset);
    int ret = after < 0 ? -1 : 0;
    if (after > 0 && after != AFTER_STAY && !quiet) {
        watch_code_look(all, args[0], offset, (unsigned)after);
    }
    if (ret == 0 && awaited && !quiet) {
        ret = watch_dict_look(all);
    }
    if (ret == 0 && after > 0 && !quiet) {
        ret = watch_code_tell(all, args[0], offset);
    }
    if (ret < 0) {
        return NULL;
    }
    return Py_NewRef(after == 0 && !awaited && all->tool.disable != NULL ? all->tool.disable : Py_None);
}

/* A call ends, and with it the watches of its variables, also when what was called for another raises. */
static int
events_end_call(Watches *all)
{
    PyObject *type, *error, *traceback;
    int ret = events_are_awaited(all) && !watch_is_quiet(all) ? watch_dict_look(all) : 0;
    PyErr_Fetch(&type, &error, &traceback);
    PyObject *frame = frame_current();
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

/* callback(code, offset, value) */
static PyObject *
watch_on_return(PyObject *module, PyObject *const *Py_UNUSED(args), Py_ssize_t Py_UNUSED(count))
{
    Watches *all = state_of_module(module)->watches;
    return all != NULL && events_end_call(all) < 0 ? NULL : Py_NewRef(Py_None);
}

/* callback(code, offset, exception) */
static PyObject *
watch_on_unwind(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    Watches *all = state_of_module(module)->watches;
    if (all != NULL && events_end_call(all) < 0) {
        if (count > 2 && PyExceptionInstance_Check(args[2])) {
            events_chain(args[2]);
        }
        return NULL;
    }
    return Py_NewRef(Py_None);
}

/* ---- the tool ---- */

int
watch_events_open(Watches *all)
{
    static PyMethodDef on_instruction = {"on_instruction", (PyCFunction)(void (*)(void))watch_on_instruction,
                                         METH_FASTCALL, NULL};
    static PyMethodDef on_return = {"on_return", (PyCFunction)(void (*)(void))watch_on_return, METH_FASTCALL, NULL};
    static PyMethodDef on_unwind = {"on_unwind", (PyCFunction)(void (*)(void))watch_on_unwind, METH_FASTCALL, NULL};
    int ret = -1;
    if (all->tool.module != NULL) {
        return 0;
    }
    PyObject *instruction = PyCFunction_NewEx(&on_instruction, all->module, NULL);
    PyObject *returns = PyCFunction_NewEx(&on_return, all->module, NULL);
    PyObject *unwind = PyCFunction_NewEx(&on_unwind, all->module, NULL);
    if (instruction == NULL || returns == NULL || unwind == NULL
        || monitoring_take(&all->tool, "hooking watch", "watchpoint") < 0) {
        goto done;
    }
    all->instruction = monitoring_event(&all->tool, "INSTRUCTION");
    all->returns = monitoring_event(&all->tool, "PY_RETURN");
    all->unwinds = monitoring_event(&all->tool, "PY_UNWIND");
    if (all->instruction < 0 || all->returns < 0 || all->unwinds < 0
        || monitoring_register(&all->tool, all->instruction, instruction) < 0
        || monitoring_register(&all->tool, all->returns, returns) < 0
        || monitoring_register(&all->tool, all->unwinds, unwind) < 0) {
        goto done;
    }
    ret = 0;
done:
    Py_XDECREF(unwind);
    Py_XDECREF(returns);
    Py_XDECREF(instruction);
    return ret;
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
        monitoring_give_back(&all->tool, all->instruction | all->returns | all->unwinds);
    }
    watch_code_forget(all);
}

/* ---- which events ---- */

/* What all watches together want of all code, */
static long
events_of_all(const Watches *all)
{
    long events = 0;
    for (Py_ssize_t i = 0; i < all->count; i++) {
        const Watch *watch = all->list[i];
        bool looks = watch->way == WAY_CODE;
        events |= (watch->way == WAY_DICT || (looks && watch->kind == WATCH_VARIABLE) ? all->unwinds : 0)
                  | ((looks && watch->after != AFTER_LOCAL) || watch->armed_all ? all->instruction : 0);
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
            events |= all->returns | (watch->after == AFTER_LOCAL ? all->instruction : 0);
        }
        events |= watch->armed == code ? all->instruction : 0;
    }
    return events;
}

int
watch_events_update(Watches *all, PyObject *code)
{
    if (code != NULL && monitoring_set_local(&all->tool, code, events_of(all, code)) < 0) {
        return -1;
    }
    return monitoring_set(&all->tool, events_of_all(all));
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

/* Does another tool ask for INSTRUCTION events of a code object? A debugger that has set a trace function may, which is
 * another tool that cannot be asked. No exception. */
static bool
events_are_shared(const Watches *all, PyObject *code)
{
    enum { TOOLS = 6 };
    PyObject *gettrace = PySys_GetObject("gettrace"); /* borrowed */
    PyObject *trace = gettrace == NULL ? NULL : PyObject_CallNoArgs(gettrace);
    long events = trace != NULL && trace != Py_None ? all->instruction : 0;
    PyErr_Clear();
    Py_XDECREF(trace);
    for (long tool = 0; tool < TOOLS; tool++) {
        PyObject *name = tool == all->tool.tool ? NULL : PyObject_CallMethod(all->tool.module, "get_tool", "l", tool);
        if (name != NULL && name != Py_None) {
            PyObject *of_all = PyObject_CallMethod(all->tool.module, "get_events", "l", tool);
            PyObject *of = PyObject_CallMethod(all->tool.module, "get_local_events", "lO", tool, code);
            events |= (of_all == NULL ? 0 : PyLong_AsLong(of_all)) | (of == NULL ? 0 : PyLong_AsLong(of));
            Py_XDECREF(of);
            Py_XDECREF(of_all);
        }
        PyErr_Clear();
        Py_XDECREF(name);
    }
    return (events & all->instruction) != 0;
}

int
watch_events_arm(Watches *all, Watch *watch, PyObject *code)
{
    if (code == NULL) {
        watch->armed_all = true;
        return monitoring_set(&all->tool, events_of_all(all)) < 0 ? -1 : monitoring_restart(&all->tool);
    }
    long before = events_of(all, code);
    Py_SETREF(watch->armed, Py_NewRef(code));
    int ret = (before & all->instruction) != 0 || !watch_events_can_wake(all) /* places may be switched off */
                  ? watch_events_wake(all, code)
                  : monitoring_set_local(&all->tool, code, before | all->instruction);
    return ret == 0 && events_are_shared(all, code) ? monitoring_restart(&all->tool) : ret;
}

void
watch_events_disarm(Watches *all, Watch *watch)
{
    bool armed_all = watch->armed_all;
    watch->armed_all = false;
    if (all->tool.module != NULL && armed_all && monitoring_set(&all->tool, events_of_all(all)) < 0) {
        PyErr_Clear();
    }
    PyObject *code = watch->armed;
    watch->armed = NULL;
    if (code != NULL && all->tool.module != NULL && monitoring_set_local(&all->tool, code, events_of(all, code)) < 0) {
        PyErr_Clear();
    }
    Py_XDECREF(code);
}
