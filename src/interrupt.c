/* Ctrl-C while an input is dealt with, see interrupt.h.
 *
 * Python raises KeyboardInterrupt in the main thread only. There it is enough to put default_int_handler in the place
 * of what the program has (asyncio's, for one, would cancel the program's task). For a statement in another thread
 * the signal is caught below Python, and a small thread, which may take the GIL as a signal handler may not, sets
 * the exception for the one thread. It arrives between two instructions: a call that blocks ends first.
 *
 * The terminal makes a key of Ctrl-C a moment after the prompt is shown, and a signal of it a moment before the line is
 * here. In these moments the program's action is back already, or still there: on_typed() stands before it.
 */
#include "interrupt.h"

#include "compat.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "term_signals.h"

/* ---- below Python ---- */

/* One for the process, as the action is. */
static struct sigaction programs_action; /* while one of ours is in its place */
static volatile sig_atomic_t signalled_fd = -1; /* where on_interrupt() writes to: of the innermost statement */
static volatile sig_atomic_t terminal_fd = -1;  /* where the prompt reads, while on_typed() is the action */
static volatile sig_atomic_t noted;

static void
on_interrupt(int Py_UNUSED(number))
{
    int saved = errno;
    if (signalled_fd >= 0 && write(signalled_fd, "i", 1) < 0) {
        /* full: enough of them are under way */
    }
    errno = saved;
}

/* SI_KERNEL: the terminal has sent it, and not kill(). tcgetpgrp() knows of no terminal but the controlling one. */
static void
on_typed(int number, siginfo_t *info, void *context)
{
    int saved = errno;
    if (info->si_code == SI_KERNEL && tcgetpgrp(terminal_fd) >= 0) {
        noted = 1;
    }
    else if (programs_action.sa_flags & SA_SIGINFO) {
        programs_action.sa_sigaction(number, info, context);
    }
    else if (programs_action.sa_handler == SIG_DFL) {
        term_signals_leave_for_good();
        signal(number, SIG_DFL);
        raise(number);
    }
    else if (programs_action.sa_handler != SIG_IGN) {
        programs_action.sa_handler(number);
    }
    errno = saved;
}

static bool
interrupt_is_typed(const struct sigaction *action)
{
    return (action->sa_flags & SA_SIGINFO) && action->sa_sigaction == on_typed;
}

static bool
interrupt_is_caught(const struct sigaction *action)
{
    return !(action->sa_flags & SA_SIGINFO) && action->sa_handler == on_interrupt;
}

/* The action that the program has, or would have if ours were not in its place. */
static struct sigaction
interrupt_programs_action(void)
{
    struct sigaction now;
    sigaction(SIGINT, NULL, &now);
    return interrupt_is_typed(&now) || interrupt_is_caught(&now) ? programs_action : now;
}

static void
interrupt_catch(void)
{
    struct sigaction action;
    programs_action = interrupt_programs_action();
    memset(&action, 0, sizeof action);
    sigemptyset(&action.sa_mask);
    action.sa_handler = on_interrupt;
    action.sa_flags = SA_RESTART;
    sigaction(SIGINT, &action, NULL);
}

/* Calls that block are interrupted, or not, as they are by the program's own action. */
static void
interrupt_note_typed(int terminal)
{
    struct sigaction action = interrupt_programs_action();
    programs_action = action;
    noted = 0;
    terminal_fd = terminal;
    action.sa_flags |= SA_SIGINFO;
    action.sa_sigaction = on_typed;
    sigaction(SIGINT, programs_action.sa_handler == SIG_IGN ? &programs_action : &action, NULL);
}

/* Put what the program has in the place of ours. */
static void
interrupt_uncatch(void)
{
    struct sigaction now;
    sigaction(SIGINT, NULL, &now);
    if (interrupt_is_typed(&now) || interrupt_is_caught(&now)) {
        sigaction(SIGINT, &programs_action, NULL);
    }
}

/* The same, but in a console within a statement of a thread, what that has. */
static void
interrupt_restore(void)
{
    if (signalled_fd >= 0) {
        interrupt_catch();
    }
    else {
        interrupt_uncatch();
    }
}

/* A child of fork() has no watcher, and is no statement: the program's action holds there. */
static void
on_fork_child(void)
{
    signalled_fd = -1;
    interrupt_restore();
}

static void
interrupt_mind_forks(void)
{
    static bool first = true;
    if (first) {
        pthread_atfork(NULL, NULL, on_fork_child);
        first = false;
    }
}

/* ---- in the main thread ---- */

/* signal.getsignal(SIGINT) and the handler that raises KeyboardInterrupt: new references, NULL with an exception. */
static int
interrupt_look(PyObject **current, PyObject **raising)
{
    PyObject *signals = compat_import("_signal"); /* `signal` would import enum */
    *current = signals == NULL ? NULL : PyObject_CallMethod(signals, "getsignal", "i", SIGINT);
    *raising = *current == NULL ? NULL : PyObject_GetAttrString(signals, "default_int_handler");
    Py_XDECREF(signals);
    return *raising == NULL ? -1 : 0;
}

static int
interrupt_install(PyObject *handler)
{
    PyObject *signals = compat_import("_signal");
    PyObject *old = signals == NULL ? NULL : PyObject_CallMethod(signals, "signal", "iO", SIGINT, handler);
    Py_XDECREF(old);
    Py_XDECREF(signals);
    return old == NULL ? -1 : 0;
}

/* signal.set_wakeup_fd(): the one before, -1 for none or on error (no exception). */
static int
interrupt_set_wakeup(int fd)
{
    PyObject *signals = compat_import("_signal");
    PyObject *function = signals == NULL ? NULL : PyObject_GetAttrString(signals, "set_wakeup_fd");
    PyObject *args = Py_BuildValue("(i)", fd);
    PyObject *kwargs = fd < 0 ? NULL : Py_BuildValue("{s:i}", "warn_on_full_buffer", 1);
    PyObject *old = function == NULL || args == NULL ? NULL : PyObject_Call(function, args, kwargs);
    int ret = old == NULL ? -1 : (int)PyLong_AsLong(old);
    PyErr_Clear();
    Py_XDECREF(old);
    Py_XDECREF(kwargs);
    Py_XDECREF(args);
    Py_XDECREF(function);
    Py_XDECREF(signals);
    return ret;
}

/* An event loop hears of signals through the wakeup descriptor. What comes during a statement is kept from it: Ctrl-C
 * is not its business, and the rest is passed on afterwards. */
static void
interrupt_take_wakeup(Interrupt *interrupt)
{
    interrupt->wakeup = interrupt_set_wakeup(-1);
    if (interrupt->wakeup >= 0) {
        if (pipe2(interrupt->pipe, O_CLOEXEC | O_NONBLOCK) < 0) {
            interrupt_set_wakeup(interrupt->wakeup);
            interrupt->wakeup = -1;
        }
        else {
            interrupt_set_wakeup(interrupt->pipe[1]);
        }
    }
}

static void
interrupt_give_back_wakeup(Interrupt *interrupt)
{
    unsigned char number;
    if (interrupt->wakeup < 0) {
        return;
    }
    int now = interrupt_set_wakeup(interrupt->wakeup);
    if (now != interrupt->pipe[1]) {
        interrupt_set_wakeup(now); /* the statement has set its own */
    }
    while (read(interrupt->pipe[0], &number, 1) == 1) {
        if (number != SIGINT && write(interrupt->wakeup, &number, 1) < 0) {
            break; /* as full as it would have been */
        }
    }
    close(interrupt->pipe[0]);
    close(interrupt->pipe[1]);
    interrupt->wakeup = -1;
}

/* A step of what was passed. */
static int
interrupt_resume_main(Interrupt *interrupt)
{
    PyObject *current, *raising;
    interrupt_take_wakeup(interrupt);
    interrupt_uncatch();
    signalled_fd = -1; /* after that: until then one is written there */
    interrupt->passing = 0;
    if (interrupt_look(&current, &raising) < 0) {
        PyErr_Clear();
        return 0;
    }
    if (current != raising && current != Py_None) {
        interrupt->users = 1; /* another task has installed it meanwhile */
    }
    Py_DECREF(raising);
    Py_DECREF(current);
    return 0;
}

static int
interrupt_take_main(Interrupt *interrupt)
{
    PyObject *current, *raising;
    interrupt->outer = signalled_fd;
    interrupt->pid = getpid();
    signalled_fd = -1;
    interrupt_take_wakeup(interrupt);
    int ret = interrupt_look(&current, &raising);
    /* None: set by C code, not to be had from here. */
    if (ret == 0 && current != raising && current != Py_None && !interrupt->users) {
        interrupt->action = interrupt_programs_action();
        ret = interrupt_install(raising);
        if (ret == 0) {
            interrupt->handler = Py_NewRef(current);
        }
    }
    else {
        interrupt_restore();
    }
    Py_XDECREF(raising);
    Py_XDECREF(current);
    if (ret < 0) {
        PyObject *type, *value, *traceback;
        PyErr_Fetch(&type, &value, &traceback);
        interrupt_give_back_wakeup(interrupt);
        PyErr_Restore(type, value, traceback);
    }
    return ret;
}

/* `terminal`: where a prompt is to read, or -1. */
static void
interrupt_give_back_main(Interrupt *interrupt, int terminal)
{
    enum { TRIES = 10 };
    PyObject *current, *raising;
    sigset_t blocked, old;
    int done = 0;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGINT);
    pthread_sigmask(SIG_BLOCK, &blocked, &old); /* none between the program's action and on_typed() before it */
    /* A Ctrl-C that is under way is raised by signal.signal() itself. It comes too late for the statement. */
    for (int i = 0; i < TRIES && !done; i++) {
        PyErr_Clear();
        done = interrupt_look(&current, &raising) == 0;
        if (done && current != raising) {
            interrupt->users = 1;
        }
        else if (done && interrupt->handler != NULL) {
            done = interrupt_install(interrupt->handler) == 0;
        }
        Py_XDECREF(raising);
        Py_XDECREF(current);
    }
    if (done && interrupt->handler != NULL && !interrupt->users) {
        sigaction(SIGINT, &interrupt->action, NULL); /* flags too: siginterrupt() */
        if (terminal >= 0) {
            interrupt_note_typed(terminal);
        }
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    PyErr_Clear();
    Py_CLEAR(interrupt->handler);
    interrupt_give_back_wakeup(interrupt);
    signalled_fd = interrupt->pid == getpid() ? interrupt->outer : -1;
}

/* ---- in another thread ---- */

static void
interrupt_pass_byte(const Interrupt *interrupt)
{
    if (write(interrupt->passed_to, "i", 1) < 0) {
        /* full: enough of them are under way */
    }
}

static void *
interrupt_watch(void *argument)
{
    Interrupt *interrupt = argument;
    char what;
    for (;;) {
        ssize_t got = read(interrupt->pipe[0], &what, 1);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got != 1 || what != 'i') {
            return NULL;
        }
        PyGILState_STATE gil = PyGILState_Ensure();
        if (interrupt->passing) {
            interrupt_pass_byte(interrupt);
        }
        else {
            interrupt->sent++;
            PyThreadState_SetAsyncExc(interrupt->target, PyExc_KeyboardInterrupt);
        }
        PyGILState_Release(gil);
    }
}

static int
interrupt_take_other(Interrupt *interrupt)
{
    sigset_t all, old;
    if (pipe2(interrupt->pipe, O_CLOEXEC) < 0) {
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    interrupt->target = PyThread_get_thread_ident();
    interrupt->sent = 0;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old); /* the program's signals are not for the new thread */
    errno = pthread_create(&interrupt->watcher, NULL, interrupt_watch, interrupt);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (errno != 0) {
        PyErr_SetFromErrno(PyExc_OSError);
        close(interrupt->pipe[0]);
        close(interrupt->pipe[1]);
        return -1;
    }
    interrupt->pid = getpid();
    interrupt->outer = signalled_fd;
    signalled_fd = interrupt->pipe[1];
    interrupt_catch();
    return 0;
}

/* Is an exception that another thread has set for this one still to be raised? It is not, afterwards. */
static bool
interrupt_is_under_way(void)
{
    PyObject *globals = PyDict_New();
    PyObject *code = globals == NULL ? NULL : Py_CompileString("None", "<hook>", Py_eval_input);
    PyObject *value = code == NULL ? NULL : PyEval_EvalCode(code, globals, globals); /* where it would be raised */
    bool is = value == NULL && PyErr_ExceptionMatches(PyExc_KeyboardInterrupt);
    PyErr_Clear();
    Py_XDECREF(value);
    Py_XDECREF(code);
    Py_XDECREF(globals);
    return is;
}

/* As interrupt_give_back_main(). */
static void
interrupt_give_back_other(Interrupt *interrupt, int terminal)
{
    bool is_child = interrupt->pid != getpid();
    signalled_fd = is_child ? -1 : interrupt->outer;
    if (terminal >= 0) {
        interrupt_note_typed(terminal);
    }
    else {
        interrupt_restore();
    }
    Py_BEGIN_ALLOW_THREADS /* the watcher may be waiting for the GIL */
    if (!is_child && write(interrupt->pipe[1], "q", 1) == 1) {
        pthread_join(interrupt->watcher, NULL);
    }
    Py_END_ALLOW_THREADS
    close(interrupt->pipe[0]);
    close(interrupt->pipe[1]);
    PyThreadState_SetAsyncExc(interrupt->target, NULL); /* one that came too late is not for the program */
}

/* A step of what was passed. */
static int
interrupt_resume_other(Interrupt *interrupt)
{
    interrupt->sent = 0;
    interrupt->passing = 0;
    return 0;
}

/* ---- both ---- */

static void
interrupt_pass_no_more(Interrupt *interrupt)
{
    if (interrupt->passing && interrupt->is_main) {
        signalled_fd = interrupt->outer;
    }
    interrupt->passing = 0;
}

int
interrupt_take(Interrupt *interrupt, int is_main)
{
    interrupt_mind_forks();
    if (interrupt->passing) {
        return is_main ? interrupt_resume_main(interrupt) : interrupt_resume_other(interrupt);
    }
    interrupt->is_main = is_main;
    interrupt->taken = (is_main ? interrupt_take_main(interrupt) : interrupt_take_other(interrupt)) == 0;
    return interrupt->taken ? 0 : -1;
}

void
interrupt_rest(Interrupt *interrupt, int terminal)
{
    noted = 0;
    interrupt_mind_forks();
    interrupt_pass_no_more(interrupt);
    if (interrupt->taken && interrupt->is_main) {
        interrupt_give_back_main(interrupt, terminal);
    }
    else if (interrupt->taken) {
        interrupt_give_back_other(interrupt, terminal);
    }
    else if (terminal >= 0) {
        interrupt_note_typed(terminal);
    }
    interrupt->taken = 0;
}

/* Nothing of this thread's comes in between. */
static void
interrupt_block(sigset_t *old)
{
    sigset_t interrupts;
    sigemptyset(&interrupts);
    sigaddset(&interrupts, SIGINT);
    pthread_sigmask(SIG_BLOCK, &interrupts, old);
}

void
interrupt_rest_beside(Interrupt *interrupt, int terminal)
{
    sigset_t old;
    interrupt_block(&old);
    interrupt_rest(interrupt, -1);
    if (terminal >= 0) {
        interrupt_note_typed(terminal); /* also before a handler that raises: nobody here would catch that */
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void
interrupt_pass(Interrupt *interrupt, int fd)
{
    bool late;
    interrupt->passed_to = fd;
    interrupt->passing = 1;
    if (interrupt->is_main) {
        signalled_fd = fd;
        interrupt_catch();
        late = PyErr_CheckSignals() < 0 && PyErr_ExceptionMatches(PyExc_KeyboardInterrupt);
        PyErr_Clear();
        interrupt_give_back_wakeup(interrupt);
    }
    else {
        late = interrupt->sent > 0 && interrupt_is_under_way();
    }
    if (late) {
        interrupt_pass_byte(interrupt);
    }
}

bool
interrupt_was_noted(void)
{
    bool was = noted;
    noted = 0;
    return was;
}

void
interrupt_give_back(Interrupt *interrupt)
{
    interrupt_rest(interrupt, -1);
    interrupt_restore();
}
