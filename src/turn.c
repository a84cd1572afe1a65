/* Whose turn it is to have the console, see turn.h. */
#include "turn.h"

#include <unistd.h>

#include "frame.h"
#include "term.h"

int
turn_is_main_thread(PyObject **name)
{
    *name = NULL;
    PyObject *modules = PySys_GetObject("modules");
    PyObject *threading = modules == NULL ? NULL : PyDict_GetItemString(modules, "threading");
    PyObject *main_thread = threading == NULL ? NULL : PyObject_CallMethod(threading, "main_thread", NULL);
    PyObject *ident = main_thread == NULL ? NULL : PyObject_GetAttrString(main_thread, "ident");
    unsigned long me = PyThread_get_thread_ident();
    int is_main = ident != NULL && PyLong_Check(ident) ? PyLong_AsUnsignedLong(ident) == me : gettid() == getpid();
    PyErr_Clear();
    if (!is_main && threading != NULL) {
        /* Not current_thread(): for a thread that C code started it would leave an entry behind. */
        PyObject *threads = PyObject_CallMethod(threading, "enumerate", NULL);
        for (Py_ssize_t i = 0; threads != NULL && *name == NULL && i < PyList_Size(threads); i++) {
            PyObject *thread = PyList_GetItem(threads, i);
            Py_XDECREF(ident);
            ident = PyObject_GetAttrString(thread, "ident");
            if (ident != NULL && PyLong_Check(ident) && PyLong_AsUnsignedLong(ident) == me) {
                *name = PyObject_GetAttrString(thread, "name");
            }
        }
        Py_XDECREF(threads);
        PyErr_Clear();
    }
    if (!is_main && *name == NULL) {
        *name = PyUnicode_FromFormat("thread %lu", me);
    }
    Py_XDECREF(ident);
    Py_XDECREF(main_thread);
    return is_main;
}

/* One console at a time in a process; one thread may have several, a hook() in what is run at a prompt. */
static struct {
    PyThread_type_lock lock;
    unsigned long owner; /* thread identifier, while depth > 0 */
    int depth;
    pid_t pid;           /* a forked child starts afresh: the owner may not have come along */
} turn;

static int
turn_wait(PyObject *thread, PyObject *frame)
{
    enum { SLICE = 100000 }; /* microseconds between looks at signals */
    PyObject *file = frame_filename(frame);
    PyObject *text = file == NULL ? NULL
                                  : PyUnicode_FromFormat("[%V waits for this console: hook() at %U:%d]", thread,
                                                         "MainThread", file, frame_line(frame));
    const char *line = text == NULL ? NULL : PyUnicode_AsUTF8AndSize(text, NULL);
    if (line != NULL) {
        term_notify(line);
    }
    PyErr_Clear();
    Py_XDECREF(text);
    Py_XDECREF(file);
    for (;;) {
        PyLockStatus status;
        Py_BEGIN_ALLOW_THREADS
        status = PyThread_acquire_lock_timed(turn.lock, SLICE, 1);
        Py_END_ALLOW_THREADS
        if (status == PY_LOCK_ACQUIRED) {
            return 0;
        }
        if (PyErr_CheckSignals() < 0) {
            return -1;
        }
    }
}

int
turn_take(PyObject *frame)
{
    PyObject *thread;
    unsigned long me = PyThread_get_thread_ident();
    if (turn.lock == NULL || turn.pid != getpid()) {
        turn.lock = PyThread_allocate_lock(); /* the parent's, if any, is left: somebody may hold it */
        turn.depth = 0;
        turn.pid = getpid();
        if (turn.lock == NULL) {
            PyErr_NoMemory();
            return -1;
        }
    }
    if (turn.depth > 0 && turn.owner == me) {
        turn.depth++;
        return 0;
    }
    if (!PyThread_acquire_lock(turn.lock, NOWAIT_LOCK)) {
        turn_is_main_thread(&thread);
        int failed = turn_wait(thread, frame);
        Py_XDECREF(thread);
        if (failed < 0) {
            return -1;
        }
    }
    turn.owner = me;
    turn.depth = 1;
    return 0;
}

void
turn_adopt(void)
{
    PyThread_type_lock lock = PyThread_allocate_lock(); /* the parent's may be waited for, by threads not here */
    if (lock != NULL) {
        PyThread_acquire_lock(lock, NOWAIT_LOCK);
        turn.lock = lock;
        turn.pid = getpid();
    }
}

void
turn_give(void)
{
    if (turn.pid == getpid() && --turn.depth == 0) {
        PyThread_release_lock(turn.lock);
    }
}
