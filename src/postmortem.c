/* Consoles where an exception was raised, see postmortem.h. */
#include "postmortem.h"

#include "compat.h"
#include "frame.h"
#include "report.h"

/* ---- opening ---- */

/* A message may be of any length; `exceptions 0` shows all of it. */
static PyObject *
postmortem_shorten(PyObject *summary)
{
    enum { LONGEST = 1000 };
    if (summary == NULL || PyUnicode_GetLength(summary) <= LONGEST) {
        return summary;
    }
    PyObject *start = PyUnicode_Substring(summary, 0, LONGEST);
    Py_SETREF(summary, start == NULL ? NULL : PyUnicode_FromFormat("%U ...", start));
    Py_XDECREF(start);
    return summary;
}

/* What the console is about: all of it, or a line where a traceback was shown. That may have gone elsewhere, and others
 * may have written since. */
static PyObject *
postmortem_summary(const Postmortem *postmortem)
{
    enum { LONGEST_LINE = 200 };
    return postmortem->ways == WAYS_END ? report_headline(postmortem->exception, LONGEST_LINE)
                                        : postmortem_shorten(report_summary(postmortem->exception));
}

static PyObject *
postmortem_banner(const Postmortem *postmortem, const StackPlace *place)
{
    PyObject *file = frame_filename(place->frame);
    PyObject *function = file == NULL ? NULL : frame_function(place->frame);
    PyObject *banner = function == NULL ? NULL
                                        : PyUnicode_FromFormat("Post-mortem at %U:%d in %U", file, place->line,
                                                               function);
    int shown = postmortem->ways == WAYS_TEST; /* just before, at the same place */
    if (banner != NULL && postmortem->exception != NULL && !shown) {
        PyObject *summary = postmortem_summary(postmortem);
        Py_SETREF(banner, summary == NULL ? NULL : PyUnicode_FromFormat("%U\n%U", summary, banner));
        Py_XDECREF(summary);
    }
    Py_XDECREF(function);
    Py_XDECREF(file);
    return banner;
}

int
postmortem_run(ModuleState *state, const Postmortem *postmortem, ConsoleEnd *end)
{
    int ret = -1;
    Stack stack;
    StackPlace place = {0};
    PyObject *caller = frame_current(), *banner = NULL;
    bool is_raised = postmortem->traceback != NULL;
    *end = (ConsoleEnd){0};
    if (!is_raised && caller == NULL) {
        return 0; /* called by C code with no Python below it */
    }
    if (stack_open(&stack, is_raised ? NULL : caller, postmortem->traceback) < 0) {
        goto done;
    }
    stack.alone = postmortem->ways == WAYS_TEST;
    /* What has come out of the call of a rescued function is asked about in the frame that called it. */
    if (is_raised && caller != NULL && postmortem->ways == WAYS_CALL && stack_set_caller(&stack, caller) < 0) {
        goto done;
    }
    stack_start(&stack, &place);
    banner = postmortem_banner(postmortem, &place);
    if (banner != NULL) {
        ConsoleStart start = {
            .frame = caller != NULL ? caller : place.frame, .stack = is_raised ? &stack : NULL,
            .exception = postmortem->exception, .banner = banner, .note = postmortem->hint, .overwrite = 1,
            .ways = postmortem->ways, .unattended = postmortem->unattended, .restarts = postmortem->restarts,
        };
        ret = entry_run(state, &start, postmortem->what, end);
    }
done:
    Py_XDECREF(banner);
    Py_XDECREF(caller);
    stack_leave(&place);
    stack_close(&stack);
    return ret;
}

/* ---- post_mortem() ---- */

/* The exception that is handled, else the last one that nobody handled. A new reference; NULL without one, for none. */
static PyObject *
postmortem_find(void)
{
    PyObject *exception = PyErr_GetHandledException();
    if (exception == NULL) {
        exception = Py_XNewRef(PySys_GetObject("last_value")); /* interactive interpreters and test runners set it */
    }
    if (exception != NULL && !PyExceptionInstance_Check(exception)) {
        Py_CLEAR(exception);
    }
    return exception;
}

static int
postmortem_is_traceback(PyObject *object)
{
    PyObject *types = compat_import("types");
    PyObject *type = types == NULL ? NULL : PyObject_GetAttrString(types, "TracebackType");
    int is = type == NULL ? -1 : PyObject_IsInstance(object, type);
    Py_XDECREF(type);
    Py_XDECREF(types);
    return is;
}

/* Find out what is meant by the argument. -1 with an exception. */
static int
postmortem_take(PyObject *given, PyObject **exception, PyObject **traceback)
{
    if (given == NULL || given == Py_None) {
        *exception = postmortem_find();
        if (*exception == NULL) {
            PyErr_SetString(PyExc_ValueError, "post_mortem(): no exception is being handled here; "
                                              "call it in an `except` block, or give it one");
            return -1;
        }
    }
    else if (PyExceptionInstance_Check(given)) {
        *exception = Py_NewRef(given);
    }
    else {
        int is = postmortem_is_traceback(given);
        *traceback = is == 1 ? Py_NewRef(given) : NULL;
        if (is == 0) {
            PyErr_Format(PyExc_TypeError, "post_mortem(): exc must be an exception or a traceback, not %R", given);
        }
        return is == 1 ? 0 : -1;
    }
    *traceback = compat_traceback(*exception);
    if (*traceback == NULL) {
        PyErr_Format(PyExc_ValueError,
                     "post_mortem(): %R has no traceback: it was not raised, or that was taken from it", *exception);
        return -1;
    }
    return 0;
}

static PyObject *
postmortem_call(PyObject *module, PyObject *args, PyObject *keywords)
{
    static char *names[] = {(char *)"exc", NULL};
    ModuleState *state = state_of_module(module);
    PyObject *given = NULL, *exception = NULL, *traceback = NULL, *result = NULL;
    ConsoleEnd end;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "|O:post_mortem", names, &given)) {
        return NULL;
    }
    if (entry_is_off(state)) {
        return Py_NewRef(Py_None);
    }
    if (postmortem_take(given, &exception, &traceback) == 0) {
        Postmortem postmortem = {.exception = exception, .traceback = traceback, .ways = WAYS_CAUGHT,
                                 .what = "post_mortem()"};
        if (postmortem_run(state, &postmortem, &end) == 0) {
            result = Py_NewRef(Py_None);
        }
    }
    Py_XDECREF(traceback);
    Py_XDECREF(exception);
    return result;
}

static PyObject *
postmortem_of_test(PyObject *module, PyObject *exception)
{
    ModuleState *state = state_of_module(module);
    PyObject *given = NULL, *traceback = NULL, *result = NULL;
    ConsoleEnd end;
    if (postmortem_take(exception, &given, &traceback) == 0) {
        Postmortem postmortem = {.exception = given, .traceback = traceback, .ways = WAYS_TEST};
        if (postmortem_run(state, &postmortem, &end) == 0) {
            result = Py_NewRef(Py_None);
        }
    }
    Py_XDECREF(traceback);
    Py_XDECREF(given);
    return result;
}

PyDoc_STRVAR(of_test_doc,
"_post_mortem_of_test(exc)\n"
"--\n\n"
"post_mortem() for a test runner that has caught and shown an exception: its traceback is all that can be walked, and\n"
"nothing can be thrown. Raises SystemExit for `abort`.");

PyDoc_STRVAR(postmortem_doc,
"post_mortem(exc=None)\n"
"--\n\n"
"Open a console in the frame that raised an exception. `up` goes through the frames that it passed, and on to their\n"
"callers; `exceptions` lists the exceptions that belong to it. What is bound there is bound in the frame.\n\n"
"exc: an exception that was raised, or a traceback. By default the exception that is being handled, or else the last\n"
"    one that nobody has handled (sys.last_value).\n\n"
"HOOKING=0 in the environment makes it return at once. Where there is nobody to talk to a warning is logged.\n\n"
"Returns None. Raises TypeError for anything else; ValueError if there is no exception, or it has no traceback; what\n"
"the user raises on purpose with `throw` or `abort`.");

#define METHOD(function) ((PyCFunction)(void (*)(void))(function))
PyMethodDef postmortem_methods[] = {
    {"post_mortem", METHOD(postmortem_call), METH_VARARGS | METH_KEYWORDS, postmortem_doc},
    {"_post_mortem_of_test", postmortem_of_test, METH_O, of_test_doc},
    {NULL, NULL, 0, NULL},
};
