/* Ways into a console, see entry.h. */
#include "entry.h"

#include <stdlib.h>
#include <string.h>

#include "compat.h"
#include "log.h"
#include "term.h"
#include "turn.h"

bool
entry_is_off(const ModuleState *state)
{
    const char *enabled = getenv("HOOKING");
    return state->disabled || (enabled != NULL && strcmp(enabled, "0") == 0);
}

const char *
entry_obstacle(const ModuleState *state)
{
    if (state->subinterpreter) {
        return "not opened: this is a subinterpreter";
    }
    if (compat_is_finalizing()) {
        return "not opened: the interpreter is shutting down";
    }
    if (turn_is_reading()) {
        return "not opened: a console of this thread's event loop waits at its prompt (await ahook() takes turns)";
    }
    if (term_is_busy()) {
        return "not opened: readline is reading a line at this moment";
    }
    return NULL;
}

/* Nobody could be asked. */
static int
entry_warn(const ConsoleStart *start, const char *what, const char *why)
{
    bool again = start->unopened != NULL && *start->unopened;
    if (what == NULL || again) {
        return 0;
    }
    PyObject *logger = PyUnicode_FromString("root");
    if (logger != NULL) {
        log_warn(start->frame, logger, what, why);
    }
    Py_XDECREF(logger);
    if (start->unopened != NULL) {
        *start->unopened = 1;
    }
    return logger == NULL ? -1 : 0;
}

int
entry_run(ModuleState *state, const ConsoleStart *start, const char *what, ConsoleEnd *end)
{
    int ret;
    *end = (ConsoleEnd){0};
    const char *why = entry_obstacle(state);
    if (why != NULL) {
        return entry_warn(start, what, why);
    }
    const char *waits = start->ways == WAYS_WATCH ? "a watchpoint" : "an exception";
    if (turn_take(waits, start->stack != NULL ? start->stack->frame : start->frame) < 0) {
        return -1;
    }
    if (start->wanted != NULL && *start->wanted == NULL) {
        ret = 0;
    }
    else if (state->aborting) {
        ret = console_abort(state);
    }
    else {
        ret = console_run(state, start, &why, end);
    }
    turn_give();
    return ret == 0 && why != NULL ? entry_warn(start, what, why) : ret;
}
