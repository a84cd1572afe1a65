/* Questions, see ask.h. */
#include "ask.h"

#include <string.h>

/* An answer is one line: nothing is completed, and nothing is kept. */

static bool
ask_is_done(void *Py_UNUSED(context), const char *Py_UNUSED(text))
{
    return true;
}

static bool
ask_is_command(void *Py_UNUSED(context), const char *Py_UNUSED(word))
{
    return false;
}

static void
ask_complete(void *Py_UNUSED(context), const char *Py_UNUSED(text), size_t Py_UNUSED(point),
             bool Py_UNUSED(ignore_case), Completion *Py_UNUSED(completion))
{
}

static const History *
ask_history(void *Py_UNUSED(context))
{
    static const History none;
    return &none;
}

static bool
ask_is_yes(PyObject *answer)
{
    PyObject *lower = PyObject_CallMethod(answer, "lower", NULL);
    PyObject *word = lower == NULL ? NULL : PyObject_CallMethod(lower, "strip", NULL);
    bool yes = word != NULL && (PyUnicode_CompareWithASCIIString(word, "y") == 0
                                || PyUnicode_CompareWithASCIIString(word, "yes") == 0);
    PyErr_Clear();
    Py_XDECREF(word);
    Py_XDECREF(lower);
    return yes;
}

int
ask_yes(Console *console, PyObject *question)
{
    static const TermClient client = {NULL, ask_is_done, ask_is_command, ask_complete, ask_history};
    PyObject *answer = NULL;
    PyObject *prompt = PyUnicode_FromFormat("%U [y/N] ", question);
    TermStatus status = prompt == NULL ? TERM_ERROR : talk_read(&console->talk, prompt, prompt, &client, &answer);
    bool yes = status == TERM_LINE && ask_is_yes(answer);
    Py_XDECREF(answer);
    Py_XDECREF(prompt);
    if (status == TERM_EOF && console_say(console, "") < 0) {
        return -1;
    }
    return status == TERM_ERROR ? -1 : yes;
}
