/* Signals while a prompt waits, see term_signals.h. */
#include "term_signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "compat.h"

enum { SIGNALS = 65 };

/* One for the process, as handlers are. */
static struct {
    int taken;
    int fd;                /* of the terminal */
    int has_cooked;
    struct termios cooked; /* how to leave the terminal */
    int wake[2];           /* a pipe that ends the waiting */
    struct sigaction old_winch, old_cont, old_fatal[SIGNALS];
    char fatal_taken[SIGNALS];
} self = {.wake = {-1, -1}};

static volatile sig_atomic_t got_winch, got_cont;

void
term_signals_wake(void)
{
    int saved = errno;
    if (self.wake[1] >= 0 && write(self.wake[1], "w", 1) < 0) {
        /* the pipe is full: it will wake */
    }
    errno = saved;
}

/* The program hears of it as it would without a prompt. (By default neither signal does anything here: the process goes
 * on already when SIGCONT is handled.) */
static void
signal_pass_on(const struct sigaction *to, int number, siginfo_t *info, void *context)
{
    if (to->sa_flags & SA_SIGINFO) {
        to->sa_sigaction(number, info, context);
    }
    else if (to->sa_handler != SIG_DFL && to->sa_handler != SIG_IGN) {
        to->sa_handler(number);
    }
}

static void
on_winch(int number, siginfo_t *info, void *context)
{
    got_winch = 1;
    term_signals_wake();
    signal_pass_on(&self.old_winch, number, info, context);
}

static void
on_cont(int number, siginfo_t *info, void *context)
{
    got_cont = 1;
    term_signals_wake();
    signal_pass_on(&self.old_cont, number, info, context);
}

void
term_signals_leave_for_good(void)
{
    static const char paste_off[] = "\033[?2004l\r\n";
    if (self.taken && self.has_cooked) {
        self.has_cooked = 0; /* once is enough */
        tcsetattr(self.fd, TCSANOW, &self.cooked);
        if (write(self.fd, paste_off, sizeof paste_off - 1) < 0) {
            /* the terminal is gone */
        }
    }
}

/* What a thread does wrong: it happens again. */
static int
signal_is_fault(int number)
{
    return number == SIGSEGV || number == SIGBUS || number == SIGFPE || number == SIGILL;
}

/* Does it end a program that leaves it to its default? */
static int
signal_is_fatal(int number)
{
    return number != SIGCHLD && number != SIGCONT && number != SIGURG && number != SIGWINCH && number != SIGTSTP
           && number != SIGTTIN && number != SIGTTOU;
}

static void
on_fatal(int number, siginfo_t *info, void *Py_UNUSED(context))
{
    term_signals_leave_for_good();
    signal(number, SIG_DFL);
    if (info->si_code <= 0 || !signal_is_fault(number)) {
        raise(number);
    }
}

typedef void SignalHandler(int, siginfo_t *, void *);

/* Install a handler. Calls in the program's other threads are interrupted by the signal as they would be by its own
 * handler, and go on if it has none. */
static void
signal_take(int number, SignalHandler *handler, struct sigaction *old)
{
    struct sigaction action;
    sigaction(number, NULL, old);
    action = *old;
    if (!(old->sa_flags & SA_SIGINFO) && (old->sa_handler == SIG_DFL || old->sa_handler == SIG_IGN)) {
        action.sa_flags = SA_RESTART;
        sigemptyset(&action.sa_mask);
    }
    action.sa_flags |= SA_SIGINFO;
    action.sa_sigaction = handler;
    sigaction(number, &action, NULL);
}

void
term_signals_take(int fd, const struct termios *cooked)
{
    if (pipe2(self.wake, O_CLOEXEC | O_NONBLOCK) < 0) {
        self.wake[0] = self.wake[1] = -1; /* no descriptor left: a resize is noticed with the next key */
    }
    self.fd = fd;
    self.has_cooked = cooked != NULL;
    if (cooked != NULL) {
        self.cooked = *cooked;
    }
    got_winch = got_cont = 0;
    self.taken = 1;
    signal_take(SIGWINCH, on_winch, &self.old_winch);
    signal_take(SIGCONT, on_cont, &self.old_cont);
    for (int i = 1; i < SIGNALS; i++) { /* fails for those that cannot be caught, or are the C library's own */
        self.fatal_taken[i] = signal_is_fatal(i) && sigaction(i, NULL, &self.old_fatal[i]) == 0
                              && self.old_fatal[i].sa_handler == SIG_DFL;
        if (self.fatal_taken[i]) {
            signal_take(i, on_fatal, &self.old_fatal[i]);
        }
    }
}

/* Put an action back, unless the program has installed another meanwhile, in another thread or a signal handler. */
static void
signal_give_back(int number, SignalHandler *ours, const struct sigaction *old)
{
    struct sigaction now;
    if (sigaction(number, NULL, &now) == 0 && (now.sa_flags & SA_SIGINFO) && now.sa_sigaction == ours) {
        sigaction(number, old, NULL);
    }
}

void
term_signals_give_back(void)
{
    signal_give_back(SIGWINCH, on_winch, &self.old_winch);
    signal_give_back(SIGCONT, on_cont, &self.old_cont);
    for (int i = 1; i < SIGNALS; i++) {
        if (self.fatal_taken[i]) {
            signal_give_back(i, on_fatal, &self.old_fatal[i]);
        }
    }
    self.taken = 0;
    for (int i = 0; i < 2; i++) {
        if (self.wake[i] >= 0) {
            close(self.wake[i]);
        }
        self.wake[i] = -1;
    }
}

void
term_signals_wait_continued(void)
{
    enum { SLICE = 2000, SLICES = 100 }; /* microseconds */
    Py_BEGIN_ALLOW_THREADS
    for (int i = 0; i < SLICES && !got_cont; i++) {
        usleep(SLICE);
    }
    Py_END_ALLOW_THREADS
}

int
term_signals_fd(void)
{
    return self.wake[0];
}

int
term_signals_drain(void)
{
    char bytes[64];
    while (read(self.wake[0], bytes, sizeof bytes) > 0) {
        /* only that it woke matters */
    }
    int what = (got_winch ? TERM_RESIZED : 0) | (got_cont ? TERM_CONTINUED : 0);
    got_winch = got_cont = 0;
    return what;
}
