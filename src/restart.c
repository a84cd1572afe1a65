/* The console of a rescued function or block, see restart.h. */
#include "restart.h"

#include "callee.h"
#include "entry.h"
#include "frame.h"
#include "postmortem.h"

/* ---- whether to ask ---- */

bool
restart_concerns(const ModuleState *state, PyObject *exception, PyObject *exceptions)
{
    return PyErr_GivenExceptionMatches(exception, exceptions)
        && !PyErr_GivenExceptionMatches(exception, PyExc_StopIteration)
        && !PyErr_GivenExceptionMatches(exception, PyExc_StopAsyncIteration)
        && !PyErr_GivenExceptionMatches(exception, PyExc_GeneratorExit) && !state->aborting && !entry_is_off(state);
}

/* Does code of that kind run in this frame or a caller of it? */
static bool
restart_runs(PyObject *code)
{
    bool runs = false;
    PyObject *frame = frame_current();
    while (frame != NULL && !runs) {
        PyObject *own = frame_code(frame);
        runs = own == code;
        Py_DECREF(own);
        Py_SETREF(frame, frame_back(frame));
    }
    Py_XDECREF(frame);
    PyErr_Clear();
    return runs;
}

static PyObject *
restart_attribute(PyObject *object, const char *name)
{
    PyObject *value = PyObject_GetAttrString(object, name);
    PyErr_Clear();
    return value;
}

static long
restart_number(PyObject *object, const char *name)
{
    PyObject *number = restart_attribute(object, name);
    long ret = number == NULL ? -1 : PyLong_AsLong(number);
    Py_XDECREF(number);
    PyErr_Clear();
    return ret;
}

/* Has the exception passed more than one frame of that code? With `lasti`, only those that stand there count. */
static bool
restart_passed(PyObject *traceback, PyObject *code, long lasti)
{
    int passed = 0;
    PyObject *at = Py_XNewRef(traceback);
    while (at != NULL && at != Py_None && passed < 2) {
        PyObject *frame = restart_attribute(at, "tb_frame");
        PyObject *own = frame == NULL ? NULL : frame_code(frame);
        passed += own == code && (lasti < 0 || restart_number(at, "tb_lasti") == lasti);
        Py_XDECREF(own);
        Py_XDECREF(frame);
        Py_SETREF(at, restart_attribute(at, "tb_next"));
    }
    Py_XDECREF(at);
    return passed >= 2;
}

/* A function that calls itself asks once for an exception: in the innermost call, from which it comes out first. But
 * where there is no stack left, in the outermost: a console needs some. */
static bool
restart_is_for_another(PyObject *exception, PyObject *traceback, PyObject *code)
{
    if (code == NULL) {
        return false;
    }
    return PyErr_GivenExceptionMatches(exception, PyExc_RecursionError) ? restart_runs(code)
                                                                         : restart_passed(traceback, code, -1);
}

/* ---- a call ---- */

/* What `retry` has to know. */
typedef struct Attempt {
    ModuleState *state; /* borrowed */
    Rescued *rescued;   /* borrowed */
    Call *call;         /* borrowed */
    CallWatch outer;    /* what is called */
    CallWatch inner;    /* the function within its decorators, if there are any */
    const CallWatch *used; /* whose parameters the next call has; NULL before */
    PyObject *traceback; /* borrowed or NULL: of the exception */
    PyObject *meant;    /* owned or NULL: what the function's name meant when the console opened */
} Attempt;

/* Has its module been reloaded since the function was made? */
static bool
restart_is_reloaded(const Rescued *rescued)
{
    PyObject *spec = callee_spec(rescued->function);
    bool is = spec != NULL && spec != rescued->spec;
    Py_XDECREF(spec);
    return is;
}

/* A function of that name which was typed at the prompt, and has become a local name there. A new reference or NULL, no
 * exception. */
static PyObject *
restart_typed(const Console *console, const Attempt *attempt)
{
    PyObject *name = restart_attribute(attempt->rescued->function, "__qualname__"), *value = NULL;
    if (name == NULL || scope_get(console->scope, name, &value) < 0) {
        PyErr_Clear();
    }
    PyObject *typed = value == NULL ? NULL : callee_typed(attempt->state, value, name);
    Py_XDECREF(value);
    Py_XDECREF(name);
    return typed;
}

/* The number of the frame whose parameters count, which is not #0 if what it has called has raised; -1 without one.
 * Before `retry` it is that of the function within decorators, where users look first. */
static long
restart_level(const Attempt *attempt)
{
    const CallWatch *watch = attempt->used != NULL ? attempt->used : &attempt->inner;
    PyObject *frame = watch->frame != NULL ? watch->frame : attempt->outer.frame;
    long level = -1;
    PyObject *at = frame == NULL ? NULL : Py_XNewRef(attempt->traceback);
    while (at != NULL && at != Py_None) {
        PyObject *own = restart_attribute(at, "tb_frame");
        level = own == frame ? 0 : level < 0 ? -1 : level + 1;
        Py_XDECREF(own);
        Py_SETREF(at, restart_attribute(at, "tb_next"));
    }
    Py_XDECREF(at);
    return level;
}

/* What is to be called: a new reference. What the name means counts if that has changed: else it may be the name of
 * another function all the time. */
static PyObject *
restart_callee(const Console *console, const Attempt *attempt)
{
    PyObject *found = restart_typed(console, attempt);
    if (found != NULL) {
        return found;
    }
    found = callee_find(attempt->state, attempt->rescued->function);
    if (found != NULL && (found != attempt->meant || restart_is_reloaded(attempt->rescued))) {
        return found;
    }
    Py_XDECREF(found);
    return Py_NewRef(attempt->call->function);
}

static int
restart_tell(Console *console, const Attempt *attempt, bool anew, PyObject *changes)
{
    static const char *const beginnings[] = {
        [RESCUED_CALL] = "", [RESCUED_COROUTINE] = "",
        [RESCUED_GENERATOR] = ", from its start", [RESCUED_ASYNC_GENERATOR] = ", from its start",
    };
    PyObject *name = callee_name(attempt->rescued->function);
    PyObject *comma = PyUnicode_FromString(", ");
    PyObject *names = comma == NULL ? NULL : PyUnicode_Join(comma, changes);
    int ret = name == NULL || names == NULL ? -1
        : console_say(console, "%U again%s%s%s%U%s", name, beginnings[attempt->rescued->kind],
                      anew ? ", as it is defined now" : "", PyDict_Size(changes) > 0 ? ", with " : "", names,
                      PyDict_Size(changes) > 0 ? " changed" : "");
    Py_XDECREF(names);
    Py_XDECREF(comma);
    Py_XDECREF(name);
    return ret;
}

/* Change the call as the parameters were changed in the frame of what is called, or else in that of the function
 * within, where users look first. A new reference: what was changed. */
static PyObject *
restart_change(Attempt *attempt)
{
    const CallWatch *watch = &attempt->outer;
    PyObject *changes = call_changes(watch);
    if (changes != NULL && PyDict_Size(changes) == 0) {
        watch = &attempt->inner;
        Py_SETREF(changes, call_changes(watch));
    }
    if (changes != NULL && PyDict_Size(changes) > 0 && call_change(attempt->call, watch, changes) < 0) {
        Py_CLEAR(changes);
    }
    attempt->used = watch;
    return changes;
}

/* Is a variable of a frame a parameter that the next call takes over, or that has its old value again? */
static int
restart_keeps(const Attempt *attempt, PyObject *frame, PyObject *name)
{
    const CallWatch *watch = frame == attempt->outer.frame ? &attempt->outer
                             : frame == attempt->inner.frame ? &attempt->inner : NULL;
    int is = watch == NULL ? 0 : PySequence_Contains(watch->names, name);
    if (is == 1 && watch != attempt->used) {
        PyObject *changes = call_changes(watch);
        int changed = changes == NULL ? -1 : PyDict_Contains(changes, name);
        is = changed < 0 ? -1 : !changed;
        Py_XDECREF(changes);
    }
    return is;
}

/* Append "NAME in FUNCTION" for each variable that was changed in one frame, and will be forgotten with it. */
static int
restart_add_lost(PyObject *lost, const Attempt *attempt, PyObject *frame, Namespace *scope)
{
    PyObject *function = frame_function(frame);
    PyObject *written = function == NULL ? NULL : scope_written(scope);
    int ret = written == NULL ? -1 : 0;
    for (Py_ssize_t i = 0; ret == 0 && i < PyList_Size(written); i++) {
        PyObject *name = PyList_GetItem(written, i), *text = NULL;
        int kept = restart_keeps(attempt, frame, name);
        if (kept == 0) {
            text = PyUnicode_FromFormat("%U in %U", name, function);
        }
        ret = kept < 0 || (kept == 0 && (text == NULL || PyList_Append(lost, text) < 0)) ? -1 : 0;
        Py_XDECREF(text);
    }
    Py_XDECREF(written);
    Py_XDECREF(function);
    return ret;
}

/* Those of all frames that have ended: a list of str. New reference. */
static PyObject *
restart_lost(const Console *console, const Attempt *attempt)
{
    PyObject *frame, *scope, *lost = PyList_New(0);
    Py_ssize_t at = 0;
    int ret = lost == NULL ? -1 : 0;
    while (ret == 0 && PyDict_Next(console->scopes, &at, &frame, &scope)) {
        int runs = frame_is_under(frame, console->caller);
        ret = runs != 0 ? (runs < 0 ? -1 : 0) : restart_add_lost(lost, attempt, frame, (Namespace *)scope);
    }
    if (ret < 0) {
        Py_CLEAR(lost);
    }
    return lost;
}

/* A change that has no effect would look like one that has not helped. */
static int
restart_tell_lost(Console *console, const Attempt *attempt)
{
    PyObject *lost = restart_lost(console, attempt);
    PyObject *comma = lost == NULL ? NULL : PyUnicode_FromString(", ");
    PyObject *all = comma == NULL ? NULL : PyUnicode_Join(comma, lost);
    long level = restart_level(attempt);
    int ret = all == NULL ? -1
        : PyList_Size(lost) == 0 ? 0
        : level < 0 ? console_say(console, "not kept: %U", all)
        : console_say(console, "not kept: %U (retry takes over parameters in frame #%ld only)", all, level);
    Py_XDECREF(all);
    Py_XDECREF(comma);
    Py_XDECREF(lost);
    return ret;
}

/* `retry` was given. */
static int
restart_retry(Console *console, void *context)
{
    Attempt *attempt = context;
    PyObject *callee = restart_callee(console, attempt);
    PyObject *changes = callee == NULL ? NULL : restart_change(attempt);
    int ret = changes == NULL ? -1
        : restart_tell(console, attempt, callee != attempt->call->function, changes) < 0 ? -1
        : restart_tell_lost(console, attempt);
    if (ret == 0) {
        Py_SETREF(attempt->call->function, Py_NewRef(callee));
    }
    Py_XDECREF(changes);
    Py_XDECREF(callee);
    return ret;
}

static PyObject *
restart_hint(const Attempt *attempt)
{
    PyObject *name = callee_name(attempt->rescued->function);
    long level = restart_level(attempt);
    PyObject *at = level > 0 ? PyUnicode_FromFormat(" (frame #%ld)", level) : PyUnicode_FromString("");
    PyObject *hint = name == NULL || at == NULL ? NULL
        : PyUnicode_FromFormat("%U is rescued%U: retry, return%s, throw EXPR; Ctrl-D passes it on", name, at,
                               attempt->rescued->kind == RESCUED_ASYNC_GENERATOR ? "" : " EXPR");
    Py_XDECREF(at);
    Py_XDECREF(name);
    return hint;
}

/* Open the console, with the exception as the one that is handled: `raise` and sys.exc_info() at the prompt mean it. */
static int
restart_open(ModuleState *state, Postmortem *postmortem, PyObject *hint, ConsoleEnd *end)
{
    PyObject *handled = PyErr_GetHandledException();
    postmortem->hint = PyUnicode_AsUTF8AndSize(hint, NULL);
    PyErr_Clear();
    PyErr_SetHandledException(postmortem->exception);
    int ret = postmortem_run(state, postmortem, end);
    PyErr_SetHandledException(handled);
    Py_XDECREF(handled);
    return ret;
}

/* No exception is set. 0, or -1 with one. */
static int
restart_run(Attempt *attempt, PyObject *exception, PyObject *traceback, PyObject *code, ConsoleEnd *end)
{
    int ret = -1;
    const Rescued *rescued = attempt->rescued;
    ConsoleRestarts restarts = {restart_retry, attempt, rescued->kind == RESCUED_ASYNC_GENERATOR};
    Postmortem postmortem = {.exception = exception, .traceback = traceback, .ways = WAYS_CALL, .what = "rescue",
                             .restarts = &restarts};
    PyObject *hint = NULL, *own = callee_own_code(attempt->call->function);
    *end = (ConsoleEnd){0};
    if (call_watch(&attempt->outer, own, true, traceback) == 0
        && call_watch(&attempt->inner, own == code ? NULL : code, false, traceback) == 0) {
        attempt->meant = callee_find(attempt->state, rescued->function);
        hint = restart_hint(attempt);
        ret = hint == NULL ? -1 : restart_open(attempt->state, &postmortem, hint, end);
    }
    call_unwatch(&attempt->outer);
    call_unwatch(&attempt->inner);
    Py_XDECREF(own);
    Py_CLEAR(attempt->meant);
    Py_XDECREF(hint);
    return ret;
}

ConsoleChoice
restart_ask(ModuleState *state, Rescued *rescued, Call *call, PyObject **value)
{
    PyObject *type, *exception, *traceback;
    ConsoleEnd end = {0};
    int ret = 0;
    PyErr_Fetch(&type, &exception, &traceback);
    PyErr_NormalizeException(&type, &exception, &traceback);
    PyObject *code = callee_code(call->function);
    if (traceback != NULL) {
        PyException_SetTraceback(exception, traceback); /* on 3.11 that is done by `except` */
    }
    if (!restart_is_for_another(exception, traceback, code)) {
        Attempt attempt = {.state = state, .rescued = rescued, .call = call, .traceback = traceback};
        ret = restart_run(&attempt, exception, traceback, code, &end);
    }
    Py_XDECREF(code);
    if (ret == 0 && end.choice == CHOICE_GO_ON) {
        PyErr_Restore(type, exception, traceback);
        return CHOICE_GO_ON;
    }
    Py_XDECREF(type);
    Py_XDECREF(exception);
    Py_XDECREF(traceback);
    *value = end.value;
    return end.choice;
}

/* ---- a block ---- */

static bool
restart_block_passed(PyObject *traceback, PyObject *frame)
{
    PyObject *code = frame_code(frame);
    bool passed = restart_passed(traceback, code, restart_number(traceback, "tb_lasti"));
    Py_DECREF(code);
    return passed;
}

static PyObject *
restart_block_hint(PyObject *traceback, PyObject *frame)
{
    PyObject *function = frame_function(frame);
    PyObject *hint = function == NULL ? NULL
        : PyUnicode_FromFormat("a block in %U, line %ld, is rescued: skip, throw EXPR; Ctrl-D passes it on", function,
                               restart_number(traceback, "tb_lineno"));
    Py_XDECREF(function);
    return hint;
}

ConsoleChoice
restart_ask_block(ModuleState *state, PyObject *exception)
{
    PyObject *traceback = compat_traceback(exception);
    PyObject *frame = traceback == NULL ? NULL : restart_attribute(traceback, "tb_frame"); /* in which the block is */
    ConsoleEnd end = {0};
    Postmortem postmortem = {.exception = exception, .traceback = traceback, .ways = WAYS_BLOCK, .what = "rescue"};
    if (frame != NULL && !restart_block_passed(traceback, frame)) {
        PyObject *hint = restart_block_hint(traceback, frame);
        if (hint != NULL) {
            restart_open(state, &postmortem, hint, &end);
            if (!PyErr_Occurred()) {
                PyException_SetTraceback(exception, traceback); /* it may have been raised again at the prompt */
            }
        }
        Py_XDECREF(hint);
    }
    Py_XDECREF(frame);
    Py_XDECREF(traceback);
    return end.choice;
}
