/* The thread of a prompt, see reader.h. */
#include "reader.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "input.h"

static void *
reader_run(void *argument)
{
    Reader *reader = argument;
    PyGILState_STATE gil = PyGILState_Ensure();
    PyObject *text = NULL;
    TermStatus status = input_read(reader->console, &text);
    if (reader->abandoned) {
        PyErr_Clear();
        Py_XDECREF(text);
    }
    else {
        PyObject *type, *value, *traceback;
        PyErr_Fetch(&type, &value, &traceback);
        PyErr_NormalizeException(&type, &value, &traceback);
        if (value != NULL && traceback != NULL) {
            PyException_SetTraceback(value, traceback);
        }
        Py_XDECREF(type);
        Py_XDECREF(traceback);
        reader->status = status;
        reader->text = text;
        reader->error = value;
        if (write(reader->done, READER_DONE, 1) < 0) {
            /* full: the loop is about to look */
        }
    }
    PyGILState_Release(gil);
    return NULL;
}

int
reader_start(Reader *reader, Console *console, int done)
{
    sigset_t most, old;
    *reader = (Reader){.runs = true, .console = console, .done = done};
    /* The program's signals are not for this thread; but job control stops the one that asks for it. */
    sigfillset(&most);
    sigdelset(&most, SIGTSTP);
    sigdelset(&most, SIGTTIN);
    sigdelset(&most, SIGTTOU);
    sigdelset(&most, SIGCONT);
    pthread_sigmask(SIG_SETMASK, &most, &old);
    errno = pthread_create(&reader->thread, NULL, reader_run, reader);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (errno != 0) {
        PyErr_SetFromErrno(PyExc_OSError);
        *reader = (Reader){0};
        return -1;
    }
    return 0;
}

TermStatus
reader_take(Reader *reader, PyObject **text)
{
    Py_BEGIN_ALLOW_THREADS
    pthread_join(reader->thread, NULL);
    Py_END_ALLOW_THREADS
    TermStatus status = reader->status;
    *text = reader->text;
    if (reader->error != NULL) {
        PyErr_SetObject((PyObject *)Py_TYPE(reader->error), reader->error);
        Py_DECREF(reader->error);
    }
    *reader = (Reader){0};
    return status;
}

void
reader_stop(Reader *reader)
{
    PyObject *type, *value, *traceback, *text;
    PyErr_Fetch(&type, &value, &traceback);
    term_end(&reader->console->talk.term);
    if (reader->console->talk.has_term) {
        reader_take(reader, &text);
        PyErr_Clear();
        Py_XDECREF(text);
    }
    else {
        reader->runs = false;
        reader->abandoned = true;
        pthread_detach(reader->thread);
    }
    PyErr_Restore(type, value, traceback);
}
