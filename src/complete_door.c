/* The way to completion without a prompt, for tests and benchmarks: hooking._core.complete(). */
#include "complete.h"

#include <string.h>

#include "frame.h"

static PyObject *
door_result(const Completion *completion)
{
    const Matches *matches = &completion->matches;
    PyObject *names = PyList_New(0);
    for (size_t i = 0; names != NULL && i < matches->kept; i++) {
        PyObject *name = PyUnicode_FromStringAndSize(matches->names[i], (Py_ssize_t)matches->sizes[i]);
        if (name == NULL || PyList_Append(names, name) < 0) {
            Py_CLEAR(names);
        }
        Py_XDECREF(name);
    }
    if (names == NULL) {
        return NULL;
    }
    return Py_BuildValue("{s:n,s:N,s:n,s:z,s:s,s:n}", "start", (Py_ssize_t)completion->start, "names", names, "count",
                         (Py_ssize_t)matches->count, "common", matches->common, "suffix", completion->suffix,
                         "shown_from", (Py_ssize_t)completion->shown_from);
}

PyObject *
complete_door(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char text_keyword[] = "text", point_keyword[] = "point", case_keyword[] = "ignore_case";
    static char *keywords[] = {text_keyword, point_keyword, case_keyword, NULL};
    const char *text;
    Py_ssize_t point = -1;
    int ignore_case = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "s|np:complete", keywords, &text, &point, &ignore_case)) {
        return NULL;
    }
    Completion completion;
    PyObject *result = NULL;
    PyObject *frame = frame_current();
    PyObject *shared = frame == NULL ? NULL : PyDict_New();
    Namespace *ns = shared == NULL ? NULL : scope_new(state_of_module(module), frame, shared, 0);
    size_t size = strlen(text);
    if (ns != NULL) {
        complete_at(state_of_module(module), ns, text, point < 0 || (size_t)point > size ? size : (size_t)point,
                    ignore_case, &completion);
        result = door_result(&completion);
        complete_clear(&completion);
        scope_close(ns);
    }
    Py_XDECREF((PyObject *)ns);
    Py_XDECREF(shared);
    Py_XDECREF(frame);
    return result;
}
