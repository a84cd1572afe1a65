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
    const void *task;    /* the coroutine's, while depth > 0; NULL for a hook() that blocks its thread */
    bool reading;        /* see turn_set_reading() */
    TurnWaiter *waiting; /* borrowed: coroutines, the first one first */
    pid_t pid;           /* a forked child starts afresh: the owner may not have come along */
} turn;

static void
turn_announce(PyObject *who, const char *what, PyObject *place)
{
    PyObject *text = PyUnicode_FromFormat("[%V waits for this console: %s at %V]", who, "MainThread", what, place, "?");
    const char *line = text == NULL ? NULL : PyUnicode_AsUTF8AndSize(text, NULL);
    if (line != NULL) {
        term_notify(line);
    }
    PyErr_Clear();
    Py_XDECREF(text);
}

static int
turn_wait(PyObject *thread, const char *what, PyObject *frame)
{
    enum { SLICE = 100000 }; /* microseconds between looks at signals */
    PyObject *file = frame_filename(frame);
    PyObject *place = file == NULL ? NULL : PyUnicode_FromFormat("%U:%d", file, frame_line(frame));
    PyErr_Clear();
    turn_announce(thread, what, place);
    Py_XDECREF(place);
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

/* The lock of this process. -1 with an exception. */
static int
turn_prepare(void)
{
    if (turn.lock == NULL || turn.pid != getpid()) {
        turn.lock = PyThread_allocate_lock(); /* the parent's, if any, is left: somebody may hold it */
        turn.depth = 0;
        turn.reading = false;
        turn.waiting = NULL;
        turn.pid = getpid();
        if (turn.lock == NULL) {
            PyErr_NoMemory();
            return -1;
        }
    }
    return 0;
}

int
turn_take(const char *what, PyObject *frame)
{
    PyObject *thread;
    unsigned long me = PyThread_get_thread_ident();
    if (turn_prepare() < 0) {
        return -1;
    }
    if (turn.depth > 0 && turn.owner == me) {
        turn.depth++;
        return 0;
    }
    if (!PyThread_acquire_lock(turn.lock, NOWAIT_LOCK)) {
        turn_is_main_thread(&thread);
        int failed = turn_wait(thread, what, frame);
        Py_XDECREF(thread);
        if (failed < 0) {
            return -1;
        }
    }
    turn.owner = me;
    turn.task = NULL;
    turn.depth = 1;
    return 0;
}

/* ---- coroutines ---- */

void
turn_forget(TurnWaiter *waiter)
{
    TurnWaiter **at = &turn.waiting;
    while (*at != NULL && *at != waiter) {
        at = &(*at)->next;
    }
    if (*at != NULL) {
        *at = waiter->next;
    }
    waiter->waits = false;
}

int
turn_try(TurnWaiter *waiter, const void *task, PyObject *who, PyObject *place)
{
    unsigned long me = PyThread_get_thread_ident();
    if (turn_prepare() < 0) {
        return -1;
    }
    if (turn.depth > 0 && turn.owner == me && turn.task == task && task != NULL) {
        turn.depth++;
        return 1;
    }
    bool is_first = turn.waiting == NULL || turn.waiting == waiter;
    if (is_first && PyThread_acquire_lock(turn.lock, NOWAIT_LOCK)) {
        turn_forget(waiter);
        turn.owner = me;
        turn.task = task;
        turn.depth = 1;
        return 1;
    }
    if (!waiter->waits) {
        TurnWaiter **last = &turn.waiting;
        while (*last != NULL) {
            last = &(*last)->next;
        }
        *waiter = (TurnWaiter){.waits = true};
        *last = waiter;
        turn_announce(who, "ahook()", place);
    }
    return 0;
}

void
turn_set_reading(bool reading)
{
    turn.reading = reading;
}

bool
turn_is_reading(void)
{
    return turn.pid == getpid() && turn.depth > 0 && turn.reading && turn.owner == PyThread_get_thread_ident();
}

void
turn_adopt(void)
{
    PyThread_type_lock lock = PyThread_allocate_lock(); /* the parent's may be waited for, by threads not here */
    if (lock != NULL) {
        PyThread_acquire_lock(lock, NOWAIT_LOCK);
        turn.lock = lock;
        turn.reading = false;
        turn.waiting = NULL;
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
