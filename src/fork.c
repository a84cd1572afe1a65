/* A copy of this process, see fork.h.
 *
 * Not os.fork(): it warns about threads, which are looked for here, and which are not there any more when a library
 * like OpenBLAS has shut its pool down in the handlers of fork() itself. Python is told as os.fork() tells it. */
#include "fork.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "others.h"
#include "turn.h"

static const int TIMERS[FORK_TIMERS] = {ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF};

/* ---- who is left behind ---- */

static void
fork_refuse_threads(const ForkAsk *ask)
{
    PyObject *text = others_describe();
    if (text != NULL) {
        PyErr_Format(PyExc_RuntimeError, "%s: other threads run, which a copy of the process would lack: %U. %s does "
                     "it all the same", ask->what, text, ask->force);
    }
    Py_XDECREF(text);
}

int
fork_check_threads(const ForkAsk *ask)
{
    PyObject *names = others_of_python();
    int ret = names == NULL ? -1 : 0;
    if (ret == 0 && PyList_Size(names) > 0) {
        fork_refuse_threads(ask);
        ret = -1;
    }
    Py_XDECREF(names);
    return ret;
}

int
fork_check_children(const ForkAsk *ask, const char *children)
{
    if (*children == '\0') {
        return 0;
    }
    PyErr_Format(PyExc_RuntimeError, "%s: the program could not wait for its child processes any more: %s. %s does it "
                 "all the same", ask->what, children, ask->force);
    return -1;
}

/* Threads that are about to end are still counted for a moment. */
static bool
fork_is_alone(void)
{
    static const struct timespec slice = {0, 1000000};
    enum { TRIES = 50 };
    int count = others_count();
    for (int i = 0; count > 0 && i < TRIES; i++) {
        nanosleep(&slice, NULL);
        count = others_count();
    }
    return count == 0;
}

/* ---- what the copy has ---- */

/* The module `random` if the program has imported it. Borrowed. */
static PyObject *
fork_random(void)
{
    PyObject *modules = PySys_GetObject("modules");
    PyObject *module = modules == NULL ? NULL : PyDict_GetItemString(modules, "random");
    return module != NULL && PyObject_HasAttrString(module, "getstate") ? module : NULL;
}

void
fork_pack(ForkBelongings *belongings)
{
    PyObject *module = fork_random();
    memset(belongings, 0, sizeof *belongings);
    if (module != NULL) {
        belongings->random = PyObject_CallMethod(module, "getstate", NULL);
        PyErr_Clear(); /* another module of that name */
    }
    for (int i = 0; i < FORK_TIMERS; i++) {
        getitimer(TIMERS[i], &belongings->timers[i]);
    }
}

void
fork_unpack(ForkBelongings *belongings)
{
    Py_CLEAR(belongings->random);
}

/* In the copy. */
static void
fork_settle(const ForkBelongings *belongings)
{
    PyObject *module = fork_random();
    if (belongings->random != NULL && module != NULL) {
        Py_XDECREF(PyObject_CallMethod(module, "setstate", "(O)", belongings->random));
        PyErr_Clear();
    }
    for (int i = 0; i < FORK_TIMERS; i++) {
        if (belongings->timers[i].it_value.tv_sec != 0 || belongings->timers[i].it_value.tv_usec != 0) {
            setitimer(TIMERS[i], &belongings->timers[i], NULL);
        }
    }
}

void
fork_stop_timers(void)
{
    static const struct itimerval none = {{0, 0}, {0, 0}};
    for (int i = 0; i < FORK_TIMERS; i++) {
        setitimer(TIMERS[i], &none, NULL);
    }
}

/* ---- copying ---- */

void
fork_flush(void)
{
    static const char *const streams[] = {"stdout", "stderr", "__stdout__", "__stderr__"};
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
        PyObject *stream = PySys_GetObject(streams[i]);
        PyObject *none = stream == NULL || stream == Py_None ? NULL : PyObject_CallMethod(stream, "flush", NULL);
        Py_XDECREF(none);
        PyErr_Clear();
    }
    fflush(NULL);
}

/* sys.audit("os.fork"): who watches forks hears of this one, and may refuse it. */
static int
fork_audit(void)
{
    PyObject *audit = PySys_GetObject("audit");
    PyObject *none = audit == NULL ? Py_NewRef(Py_None) : PyObject_CallFunction(audit, "s", "os.fork");
    Py_XDECREF(none);
    return none == NULL ? -1 : 0;
}

static void
fork_take_back(Relay *relay)
{
    kill(relay->copy, SIGKILL);
    while (waitpid(relay->copy, NULL, 0) < 0 && errno == EINTR) {
        /* again */
    }
    relay_forget_child();
}

ForkSide
fork_copy(Relay *relay, const ForkBelongings *belongings, const ForkAsk *ask)
{
    sigset_t all;
    if (fork_audit() < 0) {
        return FORK_FAILED;
    }
    fork_flush(); /* or it would be written twice */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &relay->mask);
    bool had_threads = ask != NULL && others_count() > 0;
    pid_t original = getpid();
    PyOS_BeforeFork();
    relay->copy = fork();
    int error = errno;
    if (relay->copy == 0) {
        relay_begin_copy(relay, original); /* not before it is clear that the copy is wanted */
        PyOS_AfterFork_Child();
        turn_adopt();
        fork_settle(belongings);
        pthread_sigmask(SIG_SETMASK, &relay->mask, NULL);
        return FORK_COPY;
    }
    PyOS_AfterFork_Parent();
    if (relay->copy < 0) {
        errno = error;
        PyErr_SetFromErrno(PyExc_OSError);
    }
    else if (had_threads && !fork_is_alone()) {
        fork_take_back(relay);
        fork_refuse_threads(ask);
    }
    else {
        return FORK_ORIGINAL;
    }
    pthread_sigmask(SIG_SETMASK, &relay->mask, NULL);
    return FORK_FAILED;
}
