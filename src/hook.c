/* hook(), see hook.h. What it does while it does not open a console is kept short: it may stand in a loop. */
#include "hook.h"

#include "await.h"
#include "compat.h"
#include "console.h"
#include "entry.h"
#include "frame.h"
#include "isolate.h"
#include "log.h"
#include "script.h"
#include "source.h"
#include "turn.h"

enum { HOOK_POSITIONAL = 3 };

static const char *const PARAMETERS[HOOK_PARAMETERS] = {
    "banner_msg", "overwrite_locals", "logger", "when", "once", "after", "keep", "isolate", "header", "commands",
};

int
hook_init(ModuleState *state)
{
    for (int i = 0; i < HOOK_PARAMETERS; i++) {
        state->keywords[i] = PyUnicode_InternFromString(PARAMETERS[i]);
        if (state->keywords[i] == NULL) {
            return -1;
        }
    }
    return 0;
}

static void
hook_release_site(CallSite *site)
{
    Py_XDECREF((PyObject *)site->code);
    Py_XDECREF((PyObject *)site->condition);
}

void
hook_clear(ModuleState *state)
{
    callsite_clear(&state->sites, hook_release_site);
}

/* ---- arguments ---- */

/* Which parameter is it? -1 with a TypeError. */
static int
hook_parameter(ModuleState *state, const HookOptions *options, PyObject *keyword)
{
    for (int i = 0; i < options->parameters; i++) {
        if (state->keywords[i] == keyword) {
            return i;
        }
    }
    for (int i = 0; i < options->parameters; i++) { /* a keyword that is not interned: hook(**options) */
        if (PyUnicode_CompareWithASCIIString(keyword, PARAMETERS[i]) == 0) {
            return i;
        }
    }
    PyErr_Format(PyExc_TypeError, "%s() got an unexpected keyword argument '%U'", options->what, keyword);
    return -1;
}

int
hook_collect(ModuleState *state, PyObject *const *args, Py_ssize_t count, PyObject *keywords, HookOptions *options)
{
    if (count > HOOK_POSITIONAL) {
        PyErr_Format(PyExc_TypeError, "%s() takes at most %d positional arguments (%zd given)", options->what,
                     HOOK_POSITIONAL, count);
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        options->given[i] = args[i];
    }
    Py_ssize_t named = keywords == NULL ? 0 : PyTuple_Size(keywords);
    for (Py_ssize_t i = 0; i < named; i++) {
        int parameter = hook_parameter(state, options, PyTuple_GetItem(keywords, i));
        if (parameter < 0) {
            return -1;
        }
        if (options->given[parameter] != NULL) {
            PyErr_Format(PyExc_TypeError, "%s() got multiple values for argument '%s'", options->what,
                         PARAMETERS[parameter]);
            return -1;
        }
        options->given[parameter] = args[count + i];
    }
    return 0;
}

static int
hook_truth(PyObject *value, int otherwise)
{
    return value == NULL ? otherwise : value == Py_True ? 1 : value == Py_False ? 0 : PyObject_IsTrue(value);
}

static int
hook_check_isolate(HookOptions *options)
{
    PyObject *isolate = options->given[HOOK_ISOLATE];
    if (isolate != NULL && PyUnicode_Check(isolate)) {
        options->force = PyUnicode_CompareWithASCIIString(isolate, "force") == 0;
        if (!options->force) {
            PyErr_Format(PyExc_ValueError, "hook(): isolate must be True, False or 'force', not %R", isolate);
            return -1;
        }
    }
    options->isolate = hook_truth(isolate, 0);
    return options->isolate < 0 ? -1 : 0;
}

/* Check the types before anything is opened. -1 with an exception. */
static int
hook_check(HookOptions *options)
{
    PyObject *banner = options->given[HOOK_BANNER];
    PyObject *logger = options->given[HOOK_LOGGER];
    PyObject *after = options->given[HOOK_AFTER];
    if (banner != NULL && banner != Py_None && !PyUnicode_Check(banner)) {
        PyErr_Format(PyExc_TypeError, "%s(): banner_msg must be a str or None, not %R", options->what, banner);
        return -1;
    }
    if (logger != NULL && !PyUnicode_Check(logger)) {
        PyErr_Format(PyExc_TypeError, "%s(): logger must be the name of a logger, a str, not %R", options->what,
                     logger);
        return -1;
    }
    if (after != NULL) {
        if (!PyLong_Check(after)) {
            PyErr_Format(PyExc_TypeError, "%s(): after must be an int, not %R", options->what, after);
            return -1;
        }
        options->after = PyLong_AsLong(after);
        if (options->after < 0) {
            PyErr_Format(PyExc_ValueError, "%s(): after must be a number of calls, not %R", options->what, after);
            return -1;
        }
    }
    options->overwrite = hook_truth(options->given[HOOK_OVERWRITE], options->overwrite);
    options->once = options->overwrite < 0 ? -1 : hook_truth(options->given[HOOK_ONCE], 0);
    return options->once < 0 ? -1 : hook_check_isolate(options);
}

/* The value of `when`: 1, 0, -1 with its exception. */
static int
hook_when(PyObject *when)
{
    if (when == NULL || when == Py_True) {
        return 1;
    }
    if (when == Py_False || !PyCallable_Check(when)) {
        return PyObject_IsTrue(when);
    }
    PyObject *answer = PyObject_CallNoArgs(when);
    int ret = answer == NULL ? -1 : PyObject_IsTrue(answer);
    Py_XDECREF(answer);
    return ret;
}

/* ---- the call site ---- */

/* Evaluate an expression in a scope that keeps what it binds to itself. New reference. */
static PyObject *
hook_eval_in_scope(ModuleState *state, PyObject *frame, PyObject *text)
{
    PyObject *runner = NULL;
    PyObject *shared = PyDict_New();
    Namespace *ns = shared == NULL ? NULL : scope_new(state, frame, shared, 0);
    PyObject *value = ns == NULL ? NULL : source_eval(state, ns, text, &runner);
    await_close(&runner);
    if (ns != NULL) {
        scope_close(ns);
    }
    Py_XDECREF((PyObject *)ns);
    Py_XDECREF(shared);
    return value;
}

/* Evaluate a compiled expression that has no scopes of its own and binds nothing: quick. New reference. */
static PyObject *
hook_eval_code(PyObject *frame, PyObject *code)
{
    PyObject *globals = frame_globals(frame);
    PyObject *locals = PyObject_GetAttrString(frame, "f_locals");
    PyObject *value = globals == NULL || locals == NULL ? NULL : PyEval_EvalCode(code, globals, locals);
    Py_XDECREF(locals);
    Py_XDECREF(globals);
    return value;
}

/* Does the condition that was set at the prompt hold? It is (text, code or None), see cmd_when.
 * 1 when it holds or fails (then *complaint tells), 0, -1. */
static int
hook_condition(ModuleState *state, PyObject *frame, PyObject *condition, PyObject **complaint)
{
    Py_INCREF(condition); /* a console elsewhere may set another one meanwhile */
    PyObject *text = PyTuple_GetItem(condition, 0);
    PyObject *code = PyTuple_GetItem(condition, 1);
    PyObject *value = code != Py_None ? hook_eval_code(frame, code) : hook_eval_in_scope(state, frame, text);
    int ret = value == NULL ? -1 : PyObject_IsTrue(value);
    if (ret < 0 && PyErr_ExceptionMatches(PyExc_Exception)) {
        PyObject *type, *error, *traceback;
        PyErr_Fetch(&type, &error, &traceback);
        PyErr_NormalizeException(&type, &error, &traceback);
        *complaint = PyUnicode_FromFormat("the condition of this hook() fails: when %U: %R", text, error);
        ret = *complaint == NULL ? -1 : 1;
        Py_XDECREF(type);
        Py_XDECREF(error);
        Py_XDECREF(traceback);
    }
    Py_XDECREF(value);
    Py_DECREF(condition);
    return ret;
}

/* The entry of the place where a frame calls hook(); made if `make`. NULL without an exception for none. */
static CallSite *
hook_site(ModuleState *state, PyObject *frame, int make)
{
    bool made = false;
    if (!make && state->sites.used == 0) {
        return NULL;
    }
    PyObject *code = frame_code(frame);
    int offset = compat_frame_lasti(frame);
    CallSite *site = offset < 0 ? NULL : callsite_recall(&state->sites, code, offset);
    if (site == NULL && !PyErr_Occurred()) {
        int line = frame_line(frame);
        site = make ? callsite_obtain(&state->sites, code, line, &made) : callsite_find(&state->sites, code, line);
        if (site != NULL && offset >= 0) {
            callsite_note(&state->sites, site, offset);
        }
        if (site == NULL && make) {
            PyErr_NoMemory();
        }
    }
    if (!made) {
        Py_DECREF(code); /* a new entry keeps the reference: the address is its key */
    }
    return site;
}

CallSite *
hook_site_of(ModuleState *state, PyObject *frame)
{
    return hook_site(state, frame, 1);
}

/* ---- opening ---- */

PyObject *
hook_banner(PyObject *frame, PyObject *message)
{
    PyObject *file = frame_filename(frame);
    PyObject *line = file == NULL ? NULL : PyUnicode_FromFormat("Hooked at %U:%d", file, frame_line(frame));
    if (line != NULL && message != NULL && message != Py_None && PyUnicode_GetLength(message) > 0) {
        Py_SETREF(line, PyUnicode_FromFormat("%U\n%U", message, line));
    }
    Py_XDECREF(file);
    return line;
}

int
hook_log(PyObject *frame, PyObject *logger, const char *text, PyObject **complaint)
{
    PyObject *message = PyUnicode_FromString(text);
    int ret = message == NULL ? -1 : log_record(frame, logger, LOG_DEBUG, message);
    Py_XDECREF(message);
    if (ret < 0 && PyErr_ExceptionMatches(PyExc_Exception)) {
        PyObject *type, *error, *traceback;
        PyErr_Fetch(&type, &error, &traceback);
        PyErr_NormalizeException(&type, &error, &traceback);
        PyObject *line = PyUnicode_FromFormat("logging to '%U' failed: %R", logger, error);
        ret = line == NULL ? -1 : 0;
        Py_SETREF(*complaint, line);
        Py_XDECREF(type);
        Py_XDECREF(error);
        Py_XDECREF(traceback);
    }
    return ret;
}

static int
hook_run(ModuleState *state, PyObject *frame, PyObject *banner, PyObject *fault, const HookOptions *options,
         const char **why)
{
    ConsoleEnd end;
    PyObject *handled = PyErr_GetHandledException(); /* in an `except` block */
    ConsoleStart start = {
        .frame = frame, .exception = handled, .banner = banner, .complaint = fault, .overwrite = options->overwrite,
        .ways = options->signalled ? WAYS_SIGNAL : WAYS_HOOK,
    };
    int ret = options->isolate ? isolate_run(state, &start, options->force, why)
                               : console_run(state, &start, why, &end);
    Py_XDECREF(handled);
    return ret;
}

static PyObject *
hook_open(ModuleState *state, PyObject *frame, const HookOptions *options, PyObject *complaint)
{
    PyObject *result = NULL, *banner = NULL, *fault = Py_XNewRef(complaint);
    PyObject *logger = Py_XNewRef(options->given[HOOK_LOGGER]);
    const char *why = entry_obstacle(state);
    if (logger == NULL && (logger = PyUnicode_FromString("root")) == NULL) {
        goto done;
    }
    if (why == NULL) {
        banner = hook_banner(frame, options->given[HOOK_BANNER]);
        if (banner == NULL || hook_log(frame, logger, HOOK_ENTERS, &fault) < 0
            || hook_run(state, frame, banner, fault, options, &why) < 0) {
            goto done;
        }
        Py_CLEAR(fault);
    }
    if (why != NULL) {
        log_warn(frame, logger, options->signalled ? "the signal" : "hook()", why);
    }
    else if (hook_log(frame, logger, HOOK_RETURNS, &fault) < 0) {
        goto done;
    }
    else if (fault != NULL) {
        PySys_FormatStderr("%U\n", fault);
    }
    result = Py_NewRef(Py_None);
done:
    Py_XDECREF(fault);
    Py_XDECREF(banner);
    Py_XDECREF(logger);
    return result;
}

int
hook_admit(ModuleState *state, HookOptions *options, HookCall *call)
{
    *call = (HookCall){0};
    int when = hook_when(options->given[HOOK_WHEN]);
    if (when == 0 || (when < 0 && !PyErr_Occurred())) {
        return 0;
    }
    if (when < 0 || hook_check(options) < 0) {
        return -1;
    }
    call->frame = frame_current();
    if (call->frame == NULL) {
        return 0; /* called by C code with no Python below it */
    }
    if (!options->signalled) {
        call->site = hook_site(state, call->frame, options->once || options->after > 0);
    }
    if (call->site == NULL && PyErr_Occurred()) {
        return -1;
    }
    if (call->site != NULL) {
        if (!callsite_admits(call->site, options->once, options->after)) {
            return 0;
        }
        PyObject *condition = call->site->condition;
        int holds = condition == NULL ? 1 : hook_condition(state, call->frame, condition, &call->complaint);
        if (holds <= 0) {
            return holds;
        }
    }
    if (state->aborting && console_abort(state) < 0) {
        return -1;
    }
    return !entry_is_off(state); /* set after the import; before it, state->disabled */
}

void
hook_release(HookCall *call)
{
    Py_CLEAR(call->frame);
    Py_CLEAR(call->complaint);
}

int
hook_begin(ModuleState *state, const HookCall *call, int once)
{
    if (state->aborting) { /* in a console that this thread has waited for */
        return console_abort(state);
    }
    if (call->site != NULL && callsite_is_shut(call->site, once)) { /* since then, by another console */
        return 0;
    }
    if (call->site != NULL) {
        call->site->opened = true;
    }
    return 1;
}

static PyObject *
hook_call(ModuleState *state, HookOptions *options)
{
    PyObject *result = NULL;
    HookCall call;
    int ret = hook_admit(state, options, &call);
    if (ret > 0 && entry_obstacle(state) == NULL) {
        ret = turn_take(options->signalled ? "a signal" : "hook()", call.frame);
        if (ret == 0) {
            ret = hook_begin(state, &call, options->once);
            PyObject *commands = ret > 0 ? options->given[HOOK_COMMANDS] : NULL;
            if (commands != NULL && commands != Py_None && script_feed(state, commands) < 0) {
                ret = -1;
            }
            if (ret > 0) {
                result = hook_open(state, call.frame, options, call.complaint);
            }
            turn_give();
        }
    }
    else if (ret > 0) {
        result = hook_open(state, call.frame, options, call.complaint);
    }
    hook_release(&call);
    return ret == 0 ? Py_NewRef(Py_None) : result;
}

static PyObject *
hook_hook(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *keywords)
{
    ModuleState *state = state_of_module(module);
    HookOptions options = {.what = "hook", .parameters = HOOK_HEADER};
    if (state->disabled) {
        return Py_NewRef(Py_None);
    }
    if (hook_collect(state, args, count, keywords, &options) < 0) {
        return NULL;
    }
    return hook_call(state, &options);
}

static PyObject *
hook_set_trace(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *keywords)
{
    ModuleState *state = state_of_module(module);
    HookOptions options = {.what = "set_trace", .parameters = HOOK_PARAMETERS, .overwrite = 1};
    if (state->disabled) {
        return Py_NewRef(Py_None);
    }
    if (hook_collect(state, args, count, keywords, &options) < 0) {
        return NULL;
    }
    if (options.given[HOOK_BANNER] == NULL) {
        options.given[HOOK_BANNER] = options.given[HOOK_HEADER];
    }
    return hook_call(state, &options);
}

/* As the handler of a signal it is called in the frame that the signal has come in. */
static PyObject *
hook_on_signal(PyObject *module, PyObject *Py_UNUSED(args))
{
    ModuleState *state = state_of_module(module);
    HookOptions options = {.what = "hook", .overwrite = 1, .signalled = 1};
    return state->disabled ? Py_NewRef(Py_None) : hook_call(state, &options);
}

static PyObject *
hook_feed(PyObject *module, PyObject *inputs)
{
    return script_feed(state_of_module(module), inputs) < 0 ? NULL : Py_NewRef(Py_None);
}

PyDoc_STRVAR(hook_doc,
"hook(banner_msg=None, overwrite_locals=False, logger='root', *, when=True, once=False, after=0, keep=(),\n"
"     isolate=False)\n"
"--\n\n"
"Open a console in the frame that calls it. Ctrl-D goes on with the program.\n\n"
"banner_msg: str or None, printed above the console's own line.\n"
"overwrite_locals: if true, names bound at the prompt are bound in the frame at once; else they stay at the\n"
"    prompt, and on leaving a line names the variables that were changed there (`write` writes them).\n"
"    Objects are shared in any case.\n"
"logger: str, the name of a logger that gets a DEBUG record on entry and one on return, with the caller's place.\n"
"when: the console opens only if this is true, or if it is callable and returns something true.\n"
"once: open at this place in the program the first time only.\n"
"after: int, how many calls at this place are let pass before the first console.\n"
"keep: anything; names values that a linter should see used.\n"
"isolate: if true, the console runs in a copy of the process, which ends with it: the program goes on untouched.\n"
"    `commit` makes the copy the program. Files, sockets and other processes are not covered. With other threads\n"
"    running it does not open, as the copy would lack them, unless it is 'force'.\n\n"
"HOOKING=0 in the environment makes it return at once. Where there is nobody to talk to (no terminal, not even\n"
"/dev/tty, and no replaced input()) a warning is logged and the program goes on.\n\n"
"Returns None. Raises TypeError or ValueError for arguments of a wrong type or value, what `when` raises, and\n"
"what the user raises on purpose with `throw` or `abort`.");

PyDoc_STRVAR(set_trace_doc,
"set_trace(banner_msg=None, overwrite_locals=True, logger='root', *, when=True, once=False, after=0, keep=(),\n"
"          isolate=False, header=None, commands=None)\n"
"--\n\n"
"hook() that writes to the frame, under the name that PYTHONBREAKPOINT=hooking.set_trace and habit ask for: what is\n"
"given to breakpoint() comes here.\n\n"
"header: as banner_msg, under the name that it has in pdb.\n"
"commands: a sequence of str, inputs that the prompt takes first, as if they were typed.\n\n"
"The rest is as in hook(). Returns None. Raises what hook() raises.");

PyDoc_STRVAR(on_signal_doc,
"_on_signal(signum, frame)\n"
"--\n\n"
"A handler for signal.signal() that opens a console where the signal finds the program.");

PyDoc_STRVAR(feed_doc,
"_feed(inputs)\n"
"--\n\n"
"Have the next prompts take these inputs (a sequence of str) before anybody is asked. Where there is nobody to ask\n"
"consoles open as long as there are any.");

/* The types of METH_FASTCALL functions differ from PyCFunction; the flags say which it is. */
#define METHOD(function) ((PyCFunction)(void (*)(void))(function))
PyMethodDef hook_methods[] = {
    {"hook", METHOD(hook_hook), METH_FASTCALL | METH_KEYWORDS, hook_doc},
    {"set_trace", METHOD(hook_set_trace), METH_FASTCALL | METH_KEYWORDS, set_trace_doc},
    {"_on_signal", hook_on_signal, METH_VARARGS, on_signal_doc},
    {"_feed", hook_feed, METH_O, feed_doc},
    {NULL, NULL, 0, NULL},
};
