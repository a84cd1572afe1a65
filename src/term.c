/* A terminal, see term.h. It and the files term_*.c are the only ones that know of readline.
 *
 * Each term_read() takes all of readline from the program (see term_state.c), reads a line through the callback
 * interface, and gives everything back.
 *
 * Ctrl-C and Ctrl-Z are keys here, not signals, so a prompt in any thread gets its own.
 *
 * The GIL is held while readline works, for its hooks may be Python, and released while waiting for a key.
 */
#include "compat.h"

#include "term.h"

#include "term_bytes.h"
#include "term_draw.h"
#include "term_keys.h"
#include "term_signals.h"
#include "term_state.h"
#include "term_step.h"
#include "term_tab.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <readline/history.h>

/* One for the process: readline is. Guarded by the GIL; `active` by being set while it is in use. */
static struct {
    int active;
    Term *term;             /* borrowed, while active */
    unsigned long thread;   /* the one that reads, while active */
    int is_main;            /* is it the main thread? */
    int raised;             /* a signal handler has raised an exception, within a step of readline */
    const TermClient *client; /* borrowed, while active */
    int has_history;        /* readline has been given ours */
    char *line;             /* the line read */
    int got_line, got_eof;
    bool macro;             /* one goes on at the next line; readline's own loop would go on without a handler */
    char *notice;           /* owned: to be shown above the prompt */
    struct termios found;   /* as the terminal was found, at term_take() */
    struct termios cooked;  /* the same with what a prompt needs */
    int have_cooked;
} self;

/* ---- the terminal ---- */

/* What a prompt, and the output of what is typed there, need: a program may have left its terminal in raw mode. */
static int
term_make_usable(int fd, struct termios *found, struct termios *usable)
{
    if (tcgetattr(fd, found) < 0) {
        return 0;
    }
    *usable = *found;
    usable->c_lflag |= ECHO | ICANON | ISIG | IEXTEN; /* without ECHO readline shows nothing that is typed */
    usable->c_oflag |= OPOST | ONLCR;
    usable->c_iflag |= ICRNL;
    if (memcmp(found, usable, sizeof *found) != 0) {
        tcsetattr(fd, TCSADRAIN, usable);
    }
    return 1;
}

static void
term_prep(int meta)
{
    struct termios raw;
    int fd = fileno(rl_instream);
    rl_prep_terminal(meta);
    if (tcgetattr(fd, &raw) == 0) {
        raw.c_iflag &= ~(tcflag_t)IXON; /* Ctrl-S searches forward; a key that freezes could not be undone by Ctrl-C */
        raw.c_cc[VINTR] = _POSIX_VDISABLE;
        raw.c_cc[VSUSP] = _POSIX_VDISABLE;
        tcsetattr(fd, TCSADRAIN, &raw);
    }
    term_keys_rebind();
}

static void
term_deprep(void)
{
    rl_eof_found = 0; /* or, with bracketed paste alone, readline prints a newline of its own */
    rl_deprep_terminal();
}

static void
term_load_history(void)
{
    const History *history = self.client->history(self.client->context);
    self.has_history = 1;
    for (size_t i = 0; i < history->count; i++) {
        add_history(history->entries[i]);
    }
    using_history();
}

/* Give readline the history, before the first key that may be about it. Thousands of entries at each prompt would be
 * felt. */
static void
term_offer_history(int key)
{
    if (!self.has_history && term_keys_may_need_history(key)) {
        term_load_history();
    }
}

static int term_wait(int fd, int is_main);

/* Readline reads a paste, for one, in a loop of its own: what can happen while a key is waited for can happen there. */
static int
term_getc(FILE *stream)
{
    int fd = fileno(stream);
    int c;
    while ((c = term_bytes_get(fd)) == TERM_BYTES_NONE) {
        self.raised = term_wait(fd, self.is_main) < 0;
        if (self.raised || !self.active) {
            term_step_give_up();
            return EOF;
        }
    }
    if (c != EOF) {
        term_offer_history(c);
    }
    return c;
}

static void
on_line(char *line)
{
    self.got_line = 1;
    self.got_eof = line == NULL;
    self.line = line;
    self.macro = RL_ISSTATE(RL_STATE_MACROINPUT);
    RL_UNSETSTATE(RL_STATE_MACROINPUT);
    rl_callback_handler_remove();
    term_step_leave();
}

/* Our functions and keys, in our own state of readline. */
static void
term_set_up(void)
{
    rl_getc_function = term_getc;
    rl_redisplay_function = term_step_redisplay;
    rl_prep_term_function = term_prep;
    rl_deprep_term_function = term_deprep;
    term_keys_bind();
}

/* Is readline to draw by itself? A screen reader's user says so; and of a terminal that is not known, or is known for
 * nothing, no control sequence can be expected to work. */
static bool
term_is_plain(void)
{
    const char *wanted = getenv("HOOKING_PLAIN");
    const char *name = getenv("TERM");
    return (wanted != NULL && *wanted != '\0' && strcmp(wanted, "0") != 0) || name == NULL || *name == '\0'
           || strcmp(name, "dumb") == 0 || rl_get_termcap("up") == NULL;
}

/* A child of fork(): the reading thread is not there. Its readline is the host's again. */
static void
on_fork_child(void)
{
    term_state_forked();
    term_draw_forked();
    if (self.active) {
        term_state_abandon();
        term_signals_give_back();
        self.active = 0;
        self.term = NULL;
    }
}

static void
term_mind_process(void)
{
    static bool first = true;
    if (first) {
        pthread_atfork(NULL, NULL, on_fork_child);
        /* The main thread may end the program while another is at the prompt. After Ctrl-C Python kills itself with
         * SIG_DFL when it has finalized: no exit() is called then. */
        atexit(term_signals_leave_for_good);
        Py_AtExit(term_signals_leave_for_good);
        first = false;
    }
}

static void
term_take(Term *term, const TermClient *client, int is_main)
{
    self.term = term;
    self.thread = PyThread_get_thread_ident();
    self.is_main = is_main;
    term_bytes_begin(fileno(term->in));
    self.have_cooked = term_make_usable(fileno(term->in), &self.found, &self.cooked);
    term_state_take(term_set_up);
    self.active = 1;
    rl_instream = term->in;
    rl_outstream = term->out;
    using_history();
    term->plain = term_is_plain();
    self.client = client;
    self.has_history = 0;
    self.line = NULL;
    self.got_line = self.got_eof = 0;
    self.raised = 0;
    term_signals_take(fileno(term->out), self.have_cooked ? &self.cooked : NULL);
}

static void
term_give_back(void)
{
    term_signals_give_back();
    term_state_give_back();
    if (self.have_cooked && memcmp(&self.found, &self.cooked, sizeof self.found) != 0) {
        tcsetattr(fileno(self.term->in), TCSADRAIN, &self.found);
    }
    self.active = 0;
    self.term = NULL;
}

/* ---- reading ---- */

/* Print the notice that waits, if one does. */
static void
term_print_notice(void)
{
    if (self.notice != NULL) {
        fprintf(rl_outstream, "%s\r\n", self.notice);
        fflush(rl_outstream);
        free(self.notice);
        self.notice = NULL;
    }
}

/* Something other than a key has ended the waiting. */
static void
term_look_up(void)
{
    int what = term_signals_drain();
    if (what & TERM_CONTINUED) { /* stopped from outside and continued, by a shell with its own idea of the terminal */
        rl_deprep_terminal();
        rl_prep_term_function(1);
        term_draw_anew();
    }
    else if (what & TERM_RESIZED) {
        term_draw_resize();
    }
    if (self.notice != NULL) {
        term_draw_hide();
        term_print_notice();
        term_draw_again();
    }
    if (term_draw_is_due()) {
        term_draw_again();
    }
}

/* Run the program's signal handlers. What they print is to appear above a block that has been drawn for the size that
 * the window has now. -1 with an exception of one. */
static int
term_check_signals(int is_main)
{
    if (!is_main) {
        return 0;
    }
    term_look_up();
    return PyErr_CheckSignals();
}

/* Wait for a key. 1 when there is one, 0 to look again, -1 with an exception from a signal handler, or when the reading
 * is to end. */
static int
term_wait(int fd, int is_main)
{
    static const struct timespec hook_interval = {0, 50000000}; /* how often GUI loops are turned */
    struct pollfd ready[2] = {{fd, POLLIN, 0}, {term_signals_fd(), POLLIN, 0}};
    int hook = is_main && PyOS_InputHook != NULL;
    int count = 0;
    sigset_t all, old;
    if (term_check_signals(is_main) < 0) {
        return -1;
    }
    /* A signal between the look at it and the waiting would not be noticed: it is let in by the waiting itself. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int failed = term_check_signals(is_main) < 0;
    if (!failed) {
        Py_BEGIN_ALLOW_THREADS
        count = ppoll(ready, 2, hook ? &hook_interval : NULL, &old);
        Py_END_ALLOW_THREADS
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (count == 0 && hook && !failed) {
        Py_BEGIN_ALLOW_THREADS
        PyOS_InputHook(); /* expects the GIL to be released, as CPython's own prompt has it */
        Py_END_ALLOW_THREADS
    }
    if (failed || term_check_signals(is_main) < 0 || (self.active && self.term->ended)) {
        return -1;
    }
    if (count > 0 && ready[1].revents != 0) {
        term_look_up();
    }
    return count > 0 && ready[0].revents != 0;
}

/* Leave a line that was not finished. */
static void
term_abandon(void)
{
    using_history(); /* the line that a search has put aside is freed with it, and not once more later */
    rl_free_line_state();
    rl_callback_sigcleanup();
    /* It leaves but one state, and a search may have begun a key sequence: what stays behind has no data any more. */
    RL_UNSETSTATE(RL_STATE_ISEARCH | RL_STATE_NSEARCH | RL_STATE_CHARSEARCH | RL_STATE_MULTIKEY | RL_STATE_METANEXT
                  | RL_STATE_NUMERICARG | RL_STATE_VIMOTION | RL_STATE_MOREINPUT | RL_STATE_INPUTPENDING
                  | RL_STATE_DISPATCHING);
    term_draw_leave();
    rl_cleanup_after_signal();
    rl_callback_handler_remove();
    fputs("\n", rl_outstream);
}

/* The program's input() in another thread may have got in between two prompts. -1 with an exception of a signal, or
 * when there is nothing to be read any more; else readline is to be taken at once. */
static int
term_wait_for_host(const Term *term, int is_main)
{
    enum { SLICE = 20000 }; /* microseconds */
    while (!term->ended && !term_state_claim()) {
        Py_BEGIN_ALLOW_THREADS
        usleep(SLICE);
        Py_END_ALLOW_THREADS
        if (is_main && PyErr_CheckSignals() < 0) {
            return -1;
        }
    }
    return term->ended ? -1 : 0;
}

/* Read with readline until the line is there. -1 when that is given up, see term_wait(); 1 in the child of a fork. */
static int
term_read_keys(Term *term, const char *prompt, int is_main)
{
    rl_callback_handler_install(prompt, on_line);
    term_state_begun();
    if (term_keys_wants_history()) {
        term_load_history();
        term_keys_recall();
    }
    if (self.macro) {
        RL_SETSTATE(RL_STATE_MACROINPUT);
    }
    while (!self.got_line) {
        bool is_due = term_bytes_is_due() || self.macro || term_step_is_due();
        int ready = is_due ? 1 : term_wait(fileno(term->in), is_main);
        self.macro = false;
        if (ready < 0) {
            return -1;
        }
        if (!self.active) {
            return 1; /* a signal handler has forked, and this is the child: the line is the parent's */
        }
        if (!RL_ISSTATE(RL_STATE_CALLBACK)) {
            rl_callback_handler_install(prompt, on_line); /* other C code has removed ours: readline would abort() */
        }
        if (ready) {
            term_step();
        }
        if (self.raised || !self.active) {
            return self.raised ? -1 : 1;
        }
        if (rl_done && !self.got_line) {
            rl_execute_next('\n'); /* Enter behind a numeric argument: readline notices at the next key only */
            term_step();
        }
    }
    return 0;
}

TermStatus
term_read(Term *term, const char *prompt, const char *more, const TermClient *client, int is_main, char **text)
{
    *text = NULL;
    if (term_wait_for_host(term, is_main) < 0) {
        return term->ended ? TERM_ENDED : TERM_ERROR;
    }
    term_take(term, client, is_main);
    TermStatus status = TERM_ERROR;
    rl_reset_screen_size();
    term_print_notice();
    term_draw_begin(term, client, more);
    term_keys_begin(client, term->plain);
    term_tab_begin(term, client);
    int end = term_read_keys(term, prompt, is_main);
    if (end > 0) {
        return TERM_EOF;
    }
    if (end < 0) {
        term_abandon();
    }
    else {
        status = self.got_eof ? TERM_EOF : term_keys_status();
    }
    if (status == TERM_LINE) {
        *text = self.line;
    }
    else if (end == 0) {
        free(self.line);
    }
    fflush(term->out);
    term_draw_end();
    term_give_back();
    if (status == TERM_ERROR && !PyErr_Occurred()) {
        status = TERM_ENDED;
    }
    else if (status == TERM_ERROR && PyErr_ExceptionMatches(PyExc_KeyboardInterrupt)) {
        PyErr_Clear(); /* `kill -INT`: at a prompt the same as Ctrl-C */
        status = TERM_INTERRUPTED;
    }
    return status;
}

/* ---- the rest ---- */

int
term_open(Term *term, int in, int out)
{
    term_mind_process();
    int in_copy = fcntl(in, F_DUPFD_CLOEXEC, 3);
    int out_copy = fcntl(out, F_DUPFD_CLOEXEC, 3);
    term->in = in_copy < 0 ? NULL : fdopen(in_copy, "r");
    term->out = out_copy < 0 ? NULL : fdopen(out_copy, "w");
    term->changed = 0;
    term->ended = false;
    if (term->in != NULL && term->out != NULL) {
        struct termios usable;
        term->changed = term_make_usable(in_copy, &term->found, &usable)
                        && memcmp(&term->found, &usable, sizeof usable) != 0;
        return 0;
    }
    PyErr_SetFromErrno(PyExc_OSError);
    if (term->in == NULL && in_copy >= 0) {
        close(in_copy);
    }
    if (term->out == NULL && out_copy >= 0) {
        close(out_copy);
    }
    term_close(term);
    return -1;
}

void
term_close(Term *term)
{
    if (term->changed) {
        tcsetattr(fileno(term->in), TCSADRAIN, &term->found);
        term->changed = 0;
    }
    if (term->in != NULL) {
        fclose(term->in);
    }
    if (term->out != NULL) {
        fclose(term->out);
    }
    term->in = term->out = NULL;
}

int
term_is_busy(void)
{
    return self.active ? self.thread == PyThread_get_thread_ident()
                       : term_state_is_hosts();
}

void
term_end(Term *term)
{
    term->ended = true;
    if (self.active && self.term == term) {
        term_signals_wake();
    }
}

void
term_write(const Term *term, const char *bytes, size_t size)
{
    struct pollfd ready = {fileno(term->out), POLLOUT, 0};
    fflush(term->out);
    clearerr(term->out);
    while (size > 0) {
        ssize_t written = write(ready.fd, bytes, size);
        if (written >= 0) {
            bytes += written;
            size -= (size_t)written;
        }
        else if (errno == EAGAIN) {
            poll(&ready, 1, -1); /* an event loop of the program's has made the terminal non-blocking */
        }
        else if (errno != EINTR) {
            break;
        }
    }
}

void
term_size(const Term *term, int *columns, int *rows)
{
    struct winsize size;
    int known = ioctl(fileno(term->out), TIOCGWINSZ, &size) == 0;
    *columns = known && size.ws_col > 0 ? size.ws_col : 80;
    *rows = known && size.ws_row > 0 ? size.ws_row : 24;
}

void
term_notify(const char *text)
{
    size_t before = self.notice == NULL ? 0 : strlen(self.notice);
    char *longer = realloc(self.notice, before + strlen(text) + 2);
    if (longer == NULL) {
        return;
    }
    sprintf(longer + before, "%s%s", before > 0 ? "\n" : "", text);
    self.notice = longer;
    if (self.active) {
        term_signals_wake();
    }
}

bool
term_is_reading(void)
{
    return self.active;
}

char *
term_give_way(void)
{
    return term_draw_give_way();
}

void
term_take_place(const char *partial)
{
    term_draw_take_place(partial);
}
