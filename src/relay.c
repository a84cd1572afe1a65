/* Waiting for a copy, see relay.h. */
#include "relay.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SIGNALS = 65 };

/* One for the process, as signal actions are. */
static struct {
    pid_t pid;              /* of the process that `up` belongs to */
    RelayPage *up;
    volatile pid_t copy;    /* that signals are passed on to */
    pthread_t thread;       /* the one that waits */
    pid_t group;
    volatile uint64_t heard; /* signals that were for the program: a bit each */
    struct sigaction programs[SIGNALS];
} self;

/* ---- pages ---- */

int
relay_open(Relay *relay, RelayKind kind)
{
    memset(relay, 0, sizeof *relay);
    relay->kind = kind;
    relay->page = mmap(NULL, sizeof *relay->page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE,
                       -1, 0);
    if (relay->page == MAP_FAILED) {
        relay->page = NULL;
        return -1;
    }
    if (relay_up() != NULL) {
        relay->base = self.up->commits;
    }
    return sem_init(&relay->page->go, 1, 0) < 0 || sem_init(&relay->page->heard, 1, 0) < 0 ? -1 : 0;
}

void
relay_close(Relay *relay)
{
    if (relay->page != NULL) {
        munmap(relay->page, sizeof *relay->page);
        relay->page = NULL;
    }
}

RelayPage *
relay_up(void)
{
    return self.pid == getpid() ? self.up : NULL;
}

/* SIGKILL: who kills the waiting one so means the program, which is not to stay behind on the terminal. A signal that
 * it might handle or ignore would not do. */
void
relay_begin_copy(const Relay *relay, pid_t original)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != original) {
        _exit(1);
    }
    self.up = relay->page;
    self.pid = getpid();
    while (sem_wait(&relay->page->go) < 0 && errno == EINTR) {
        /* again */
    }
}

/* ---- signals ---- */

static bool
relay_is_fault(int number)
{
    return number == SIGSEGV || number == SIGBUS || number == SIGFPE || number == SIGILL || number == SIGTRAP
           || number == SIGSYS;
}

static bool
relay_is_stop(int number)
{
    return number == SIGTSTP || number == SIGTTIN || number == SIGTTOU;
}

/* Does the terminal send it to all processes of the job, and so to the copy too? */
static bool
relay_is_the_jobs(int number)
{
    return number == SIGINT || number == SIGQUIT || number == SIGWINCH || relay_is_stop(number);
}

/* The copy has timers of its own, set to the same time. */
static bool
relay_is_timers(int number)
{
    return number == SIGALRM || number == SIGVTALRM || number == SIGPROF;
}

/* Has the copy heard of it by itself? */
static bool
relay_is_known(int number, const siginfo_t *info)
{
    bool by_kernel = info->si_code > 0;
    if (relay_is_timers(number)) {
        return by_kernel || info->si_code == SI_TIMER;
    }
    if (by_kernel) {
        return relay_is_the_jobs(number);
    }
    /* A prompt stops the whole job, as the terminal would. */
    return relay_is_stop(number) && info->si_code == SI_USER && getpgid(info->si_pid) == self.group;
}

static void
relay_pass_on(int number, const siginfo_t *info)
{
    pid_t copy = self.copy;
    if (copy <= 0 || relay_is_known(number, info)) {
        return;
    }
    if (info->si_code == SI_QUEUE) {
        sigqueue(copy, number, info->si_value);
    }
    else {
        kill(copy, number);
    }
}

/* Is it for the program too, when that goes on? Ctrl-C and the like are for the prompt. */
static bool
relay_is_for_later(int number)
{
    return number != SIGINT && number != SIGCONT && !relay_is_stop(number);
}

static void
on_signal(int number, siginfo_t *info, void *context)
{
    int saved = errno;
    (void)context;
    if (relay_is_fault(number) && info->si_code > 0) {
        signal(number, SIG_DFL); /* it happens again when this returns */
        return;
    }
    if (number == SIGCHLD) {
        if (info->si_code != SI_TKILL && info->si_pid != self.copy) {
            self.heard |= UINT64_C(1) << (number - 1);
        }
    }
    else {
        relay_pass_on(number, info);
        if (relay_is_for_later(number)) {
            self.heard |= UINT64_C(1) << (number - 1);
        }
    }
    if (!pthread_equal(self.thread, pthread_self())) {
        pthread_kill(self.thread, SIGCHLD); /* which may be about to wait */
    }
    errno = saved;
}

static void
relay_take_signals(pid_t copy)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    sigfillset(&action.sa_mask);
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
    self.copy = copy;
    self.thread = pthread_self();
    self.group = getpgrp();
    self.heard = 0;
    for (int i = 1; i < SIGNALS; i++) {
        sigaction(i, &action, &self.programs[i]); /* fails for those that cannot be caught */
    }
}

/* Of several children that end at a time only one is told of. */
void
relay_forget_child(void)
{
    static const struct timespec now = {0, 0};
    siginfo_t info = {0};
    sigset_t this;
    sigemptyset(&this);
    sigaddset(&this, SIGCHLD);
    sigtimedwait(&this, NULL, &now);
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid > 0) {
        kill(getpid(), SIGCHLD);
    }
}

/* The program's other children have ended meanwhile. */
static void
relay_mind_children(void)
{
    const struct sigaction *action = &self.programs[SIGCHLD];
    bool ignored = !(action->sa_flags & SA_SIGINFO) && action->sa_handler == SIG_IGN;
    if (ignored || (action->sa_flags & SA_NOCLDWAIT)) {
        while (waitpid(-1, NULL, WNOHANG) > 0) {
            /* as it wants them: nobody waits for them */
        }
    }
    relay_forget_child();
}

static void
relay_give_back_signals(void)
{
    for (int i = 1; i < SIGNALS; i++) {
        sigaction(i, &self.programs[i], NULL);
    }
}

/* What came meanwhile comes now, for all are blocked yet. */
static void
relay_raise_heard(void)
{
    for (int i = 1; i < SIGNALS; i++) {
        if (self.heard >> (i - 1) & 1) {
            kill(getpid(), i);
        }
    }
}

/* ---- stopping ---- */

static bool
relay_was_continued(pid_t copy)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)copy, &info, WCONTINUED | WNOHANG) == 0 && info.si_pid == copy;
}

/* The copy has stopped: whoever waits for this process is to see that. When they let it go on, so does the copy. */
static void
relay_stop(pid_t copy, int number)
{
    static const struct timespec now = {0, 0};
    struct sigaction standard, ours;
    sigset_t this, cont;
    memset(&standard, 0, sizeof standard);
    standard.sa_handler = SIG_DFL;
    sigaction(number, &standard, &ours);
    sigemptyset(&this);
    sigaddset(&this, number);
    raise(number);
    pthread_sigmask(SIG_UNBLOCK, &this, NULL); /* stops here */
    pthread_sigmask(SIG_BLOCK, &this, NULL);
    sigaction(number, &ours, NULL);
    sigemptyset(&cont);
    sigaddset(&cont, SIGCONT);
    sigtimedwait(&cont, NULL, &now);
    if (!relay_was_continued(copy)) {
        kill(copy, SIGCONT);
    }
}

/* ---- commits ---- */

/* Tell the one above. It may have threads that run until it has heard of it. */
static void
relay_tell_commits(RelayPage *up, int commits, bool final)
{
    enum { PATIENCE = 2 }; /* seconds: it may have been stopped */
    struct timespec until;
    up->final = final;
    up->commits = commits;
    kill(getppid(), SIGCHLD);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE;
    while (sem_timedwait(&up->heard, &until) < 0 && errno == EINTR) {
        /* again */
    }
}

/* Hand up what is known of commits below: one of them was this process's own, if it isolates. */
static void
relay_hand_up_commits(const Relay *relay)
{
    RelayPage *up = relay_up();
    if (up == NULL) {
        return;
    }
    bool isolates = relay->kind == RELAY_ISOLATES;
    int below = relay->page->commits - (isolates && relay->page->commits > 0 ? 1 : 0);
    if (up->commits != relay->base + below) {
        relay_tell_commits(up, relay->base + below, isolates && relay->page->final);
    }
}

static void
relay_look_at_commits(Relay *relay)
{
    if (relay->page->commits == relay->commits) {
        return;
    }
    bool is_over = relay->kind == RELAY_ISOLATES && relay->page->commits > 0 && relay->page->final;
    relay_hand_up_commits(relay);
    if (is_over && relay->committed != NULL) {
        relay->committed(relay->context);
        relay->committed = NULL;
    }
    relay->commits = relay->page->commits;
    sem_post(&relay->page->heard);
}

/* ---- waiting ---- */

/* Has the copy ended? Then *status. */
static bool
relay_look_at_copy(const Relay *relay, int *status)
{
    siginfo_t info = {0};
    if (waitid(P_PID, (id_t)relay->copy, &info, WEXITED | WSTOPPED | WNOHANG | WNOWAIT) < 0) {
        *status = 0; /* nobody knows: it was waited for by the program's other threads */
        return errno == ECHILD;
    }
    if (info.si_pid == 0) {
        return false;
    }
    if (info.si_code != CLD_STOPPED && info.si_code != CLD_TRAPPED) {
        self.copy = 0; /* from now on its number may be another's */
        return waitpid(relay->copy, status, 0) == relay->copy;
    }
    waitpid(relay->copy, status, WUNTRACED);
    if (info.si_code == CLD_STOPPED) {
        relay_stop(relay->copy, info.si_status);
    }
    return false;
}

int
relay_wait(Relay *relay)
{
    int status = 0;
    sigset_t none;
    sigemptyset(&none);
    relay_take_signals(relay->copy);
    relay->commits = relay->page->commits;
    relay_hand_up_commits(relay); /* after a rewind: those are taken back */
    sem_post(&relay->page->go);
    while (!relay_look_at_copy(relay, &status)) {
        relay_look_at_commits(relay);
        sigsuspend(&none);
    }
    relay_look_at_commits(relay);
    relay_mind_children();
    relay_give_back_signals();
    if (relay->kind == RELAY_ISOLATES && relay->page->commits == 0) {
        relay_raise_heard();
    }
    return status;
}

/* ---- ending ---- */

static void
relay_end_like(int status)
{
    if (WIFSIGNALED(status)) {
        static const struct rlimit none = {0, 0};
        int number = WTERMSIG(status);
        sigset_t this;
        setrlimit(RLIMIT_CORE, &none);
        prctl(PR_SET_DUMPABLE, 0); /* a limit of 0 does not keep a core from a pipe */
        signal(number, SIG_DFL);
        kill(getpid(), number);
        sigemptyset(&this);
        sigaddset(&this, number);
        pthread_sigmask(SIG_UNBLOCK, &this, NULL);
        _exit(128 + number);
    }
    _exit(WEXITSTATUS(status));
}

void
relay_end(const Relay *relay, int status)
{
    RelayPage *up = relay_up();
    if (relay->page->word != RELAY_NOTHING && up != NULL) {
        up->inputs = relay->page->inputs;
        up->size = relay->page->size;
        memcpy(up->data, relay->page->data, relay->page->size);
        up->word = relay->page->word;
        _exit(0);
    }
    relay_end_like(status);
    _exit(1);
}

void
relay_commit(void)
{
    RelayPage *up = relay_up();
    if (up != NULL) {
        relay_tell_commits(up, up->commits + 1, true);
    }
}

void
relay_leave(RelayWord word)
{
    RelayPage *up = relay_up();
    if (up != NULL) {
        up->word = word;
    }
    _exit(0);
}
