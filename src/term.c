/* A terminal, see term.h. The only file that includes readline.
 *
 * Readline is one set of global variables in the process, and the program may use it itself: through CPython's
 * `readline` module, which is linked with the same library, or in a console of its own. So each term_read() takes
 * the whole of it and gives the whole of it back: `host` is what the program had, `own` is ours, and taking and
 * giving are the same two steps, readline_store() of one and readline_load() of the other. What they hold:
 *
 *   variables   every exported one, from the table VARIABLES
 *   settings    the variables of inputrc, which are not exported, by name through rl_variable_value()
 *   line        rl_save_state(): the line buffer, the prompt, the undo list. Ours has a buffer of its own, for
 *               readline may reallocate it and free prompts.
 *   keymaps     the contents of the five that readline works in. Vi mode switches between them by address, so a
 *               copy at another address would be left at the first Escape. Maps below them are deep copies.
 *   history     entry by entry. Swapping HISTORY_STATE is no way: 8.3 frees or reuses the host's array.
 *
 * If nobody has initialised readline before, it is done under the name that CPython's module would use, so that a
 * later `import readline` finds `$if Python` of inputrc obeyed; `$if hooking` is obeyed in our own state.
 *
 * Signals: Ctrl-C and Ctrl-Z are keys here, not signals, so a prompt in any thread gets its own. Signals that
 * would end the process first put the terminal right. Everything is reinstalled as it was found.
 *
 * The GIL is held while readline works, for its hooks may be Python, and released while waiting for a key.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "term.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <readline/history.h>
#include <readline/readline.h>

/* Every variable that readline 8 exports and that rl_save_state() does not cover. */
#define VARIABLES(X)                                                                                             \
    X(rl_readline_name) X(rl_terminal_name) X(rl_display_prompt) X(rl_prefer_env_winsize) X(rl_startup_hook) X(rl_pre_input_hook)      \
    X(rl_event_hook) X(rl_signal_event_hook) X(rl_input_available_hook) X(rl_getc_function)                      \
    X(rl_redisplay_function) X(rl_prep_term_function) X(rl_deprep_term_function) X(rl_executing_keymap)           \
    X(rl_binding_keymap) X(rl_executing_key) X(rl_erase_empty_line) X(rl_already_prompted)                        \
    X(rl_num_chars_to_read) X(rl_dispatching) X(rl_explicit_arg) X(rl_numeric_arg) X(rl_change_environment)       \
    X(rl_catch_signals) X(rl_catch_sigwinch) X(rl_persistent_signal_handlers) X(rl_completion_entry_function)     \
    X(rl_menu_completion_entry_function) X(rl_ignore_some_completions_function)                                  \
    X(rl_attempted_completion_function) X(rl_basic_word_break_characters) X(rl_completer_word_break_characters)   \
    X(rl_completion_word_break_hook) X(rl_completer_quote_characters) X(rl_basic_quote_characters)                \
    X(rl_filename_quote_characters) X(rl_special_prefixes) X(rl_directory_completion_hook)                        \
    X(rl_directory_rewrite_hook) X(rl_filename_stat_hook) X(rl_filename_rewrite_hook)                             \
    X(rl_completion_display_matches_hook) X(rl_filename_completion_desired) X(rl_filename_quoting_desired)        \
    X(rl_filename_quoting_function) X(rl_filename_dequoting_function) X(rl_char_is_quoted_p)                      \
    X(rl_attempted_completion_over) X(rl_completion_type) X(rl_completion_invoking_key)                           \
    X(rl_completion_query_items) X(rl_completion_append_character) X(rl_completion_suppress_append)               \
    X(rl_completion_quote_character) X(rl_completion_found_quote) X(rl_completion_suppress_quote)                 \
    X(rl_sort_completion_matches) X(rl_completion_mark_symlink_dirs) X(rl_ignore_completion_duplicates)           \
    X(rl_inhibit_completion) X(rl_pending_input) X(rl_eof_found) X(rl_insert_mode) X(rl_last_func) X(history_expansion_char)      \
    X(history_subst_char) X(history_word_delimiters) X(history_comment_char) X(history_no_expand_chars)           \
    X(history_search_delimiter_chars) X(history_quotes_inhibit_expansion) X(history_quoting_state)                \
    X(history_write_timestamps) X(history_multiline_entries) X(history_inhibit_expansion_function)

/* Where readline draws and reads. Set from rl_outstream and rl_instream only when a line is begun, so without this a
 * host that redraws before that would write to our stream, closed by then. Not declared in readline's headers. */
extern FILE *_rl_in_stream __attribute__((weak));
extern FILE *_rl_out_stream __attribute__((weak));

/* Settings of inputrc. Some set others on the way, so the order matters: bracketed paste sets the active region,
 * the visible bell the bell style. Not here: those that are exported too, and history-size (see history). */
static const char *const SETTINGS[] = {
    "bind-tty-special-chars", "blink-matching-paren", "byte-oriented", "colored-completion-prefix", "colored-stats",
    "completion-ignore-case", "completion-map-case", "convert-meta", "disable-completion",
    "echo-control-characters", "enable-bracketed-paste", "enable-active-region", "enable-keypad",
    "enable-meta-key", "expand-tilde", "history-preserve-point", "horizontal-scroll-mode", "input-meta",
    "mark-directories", "mark-modified-lines", "match-hidden-files", "menu-complete-display-prefix", "output-meta",
    "page-completions", "prefer-visible-bell", "print-completions-horizontally", "revert-all-at-newline",
    "show-all-if-ambiguous", "show-all-if-unmodified", "show-mode-in-prompt", "skip-completed-text",
    "visible-stats", "bell-style", "comment-begin", "completion-display-width", "completion-prefix-display-length",
    "emacs-mode-string", "keyseq-timeout", "vi-cmd-mode-string", "vi-ins-mode-string",
    "active-region-start-color", "active-region-end-color",
};
enum { SETTING_COUNT = sizeof SETTINGS / sizeof *SETTINGS };

static KEYMAP_ENTRY *const MAPS[] = {
    emacs_standard_keymap, emacs_meta_keymap, emacs_ctlx_keymap, vi_insertion_keymap, vi_movement_keymap,
};
enum { MAP_COUNT = sizeof MAPS / sizeof *MAPS };

typedef struct Variables {
#define FIELD(name) __typeof__(name) name;
    VARIABLES(FIELD)
#undef FIELD
} Variables;

typedef struct Entries {
    HIST_ENTRY **list; /* owned while taken out */
    int count;
    int base, offset, stifled, limit;
} Entries;

/* All that readline keeps in variables. */
typedef struct Readline {
    Variables variables;
    char *settings[SETTING_COUNT]; /* owned */
    struct readline_state line;
    FILE *in, *out; /* borrowed: _rl_in_stream and _rl_out_stream */
    KEYMAP_ENTRY maps[MAP_COUNT][KEYMAP_SIZE];
} Readline;

enum { FATAL_COUNT = 8 };
static const int FATAL_SIGNALS[FATAL_COUNT] = {SIGHUP, SIGQUIT, SIGTERM, SIGALRM, SIGXCPU, SIGUSR1, SIGUSR2, SIGVTALRM};

/* One for the process: readline is. Guarded by the GIL; `active` by being set while it is in use. */
static struct {
    int active;
    int own_ready;          /* `own` has been set up */
    Readline host, own;
    Entries host_history;
    Term *term;             /* borrowed, while active */
    unsigned long thread;   /* the one that reads, while active */
    char *locale;           /* owned: the program's LC_CTYPE, while active */
    char *line;             /* the line read */
    int got_line, got_eof, got_interrupt;
    int again;              /* a key to be read again, or EOF */
    int wake[2];            /* a pipe that ends the waiting: signals, notices */
    char *notice;           /* owned: to be shown above the prompt */
    struct termios found;   /* as the terminal was found, at term_take() */
    struct termios cooked;  /* the same with what a prompt needs */
    int have_cooked;
    struct sigaction old_winch, old_cont, old_fatal[FATAL_COUNT];
    char fatal_taken[FATAL_COUNT];
} self = {.wake = {-1, -1}};

static volatile sig_atomic_t got_winch, got_cont;

/* ---- storing and loading ---- */

static void
readline_store(Readline *to)
{
#define STORE(name) to->variables.name = name;
    VARIABLES(STORE)
#undef STORE
    for (int i = 0; i < SETTING_COUNT; i++) {
        const char *value = rl_variable_value(SETTINGS[i]);
        free(to->settings[i]);
        to->settings[i] = value == NULL ? NULL : strdup(value);
    }
    to->in = &_rl_in_stream != NULL ? _rl_in_stream : NULL;
    to->out = &_rl_out_stream != NULL ? _rl_out_stream : NULL;
    rl_save_state(&to->line);
    for (int i = 0; i < MAP_COUNT; i++) {
        memcpy(to->maps[i], MAPS[i], sizeof to->maps[i]);
    }
}

static void
readline_load(Readline *from)
{
    /* Reallocated whenever it is too short, and its size is a variable of readline's own: the newest is the one. */
    char *keyseq = rl_executing_keyseq;
    for (int i = 0; i < MAP_COUNT; i++) {
        memcpy(MAPS[i], from->maps[i], sizeof from->maps[i]);
    }
    for (int i = 0; i < SETTING_COUNT; i++) {
        const char *now = rl_variable_value(SETTINGS[i]);
        if (from->settings[i] != NULL && (now == NULL || strcmp(now, from->settings[i]) != 0)) {
            rl_variable_bind(SETTINGS[i], from->settings[i]);
        }
    }
    rl_restore_state(&from->line);
    rl_executing_keyseq = keyseq;
    if (&_rl_in_stream != NULL && &_rl_out_stream != NULL) {
        _rl_in_stream = from->in;
        _rl_out_stream = from->out;
    }
#define LOAD(name) name = from->variables.name;
    VARIABLES(LOAD)
#undef LOAD
}

static void
history_take(Entries *to)
{
    to->offset = where_history();
    to->base = history_base;
    to->stifled = history_is_stifled();
    to->limit = history_max_entries;
    unstifle_history();
    to->count = history_length;
    to->list = to->count > 0 ? malloc((size_t)to->count * sizeof *to->list) : NULL;
    if (to->list == NULL) {
        to->count = 0;
    }
    for (int i = to->count - 1; i >= 0; i--) {
        to->list[i] = remove_history(i);
    }
}

static void
history_give_back(Entries *from)
{
    clear_history();
    for (int i = 0; i < from->count; i++) {
        HIST_ENTRY *entry = from->list[i];
        add_history(entry->line);
        if (entry->timestamp != NULL && *entry->timestamp != '\0') {
            add_history_time(entry->timestamp);
        }
        if (entry->data != NULL) {
            HIST_ENTRY *old = replace_history_entry(history_length - 1, entry->line, entry->data);
            free_history_entry(old);
        }
        free_history_entry(entry);
    }
    free(from->list);
    from->list = NULL;
    if (from->stifled) {
        stifle_history(from->limit);
    }
    else {
        history_max_entries = from->limit;
    }
    history_base = from->base;
    history_set_pos(from->offset);
}

/* ---- keys ---- */

static void
term_draw(void)
{
    /* While more is waiting to be read, as in a paste, drawing each step would cost the square of its length. */
    int waiting = 0;
    if (ioctl(fileno(rl_instream), FIONREAD, &waiting) == 0 && waiting > 0) {
        return;
    }
    rl_redisplay();
}

static int
term_key_accept(int count, int key)
{
    rl_redisplay(); /* term_draw() may have left it out */
    return rl_newline(count, key);
}

static int
term_key_interrupt(int Py_UNUSED(count), int Py_UNUSED(key))
{
    rl_point = rl_end; /* so that what follows starts below the whole line */
    rl_redisplay();
    self.got_interrupt = 1;
    return 0;
}

static int
term_key_suspend(int Py_UNUSED(count), int Py_UNUSED(key))
{
    rl_deprep_terminal();
    kill(0, SIGTSTP); /* the whole job, as the terminal would */
    rl_prep_term_function(1);
    rl_forced_update_display();
    return 0;
}

static int
term_key_tab(int count, int key)
{
    int start = rl_point;
    while (start > 0 && (rl_line_buffer[start - 1] == ' ' || rl_line_buffer[start - 1] == '\t')) {
        start--;
    }
    if (start > 0 && rl_line_buffer[start - 1] != '\n') {
        return rl_complete(count, key);
    }
    char spaces[] = "    ";
    spaces[4 - (rl_point - start) % 4] = '\0'; /* to the next step of indentation */
    return rl_insert_text(spaces) > 0 ? 0 : 1;
}

static char **
term_no_matches(const char *Py_UNUSED(text), int Py_UNUSED(start), int Py_UNUSED(end))
{
    rl_attempted_completion_over = 1; /* or readline would offer file names */
    return NULL;
}

static void
map_set(Keymap map, int key, rl_command_func_t *function)
{
    /* Not rl_bind_key_in_map(): that frees a macro that was bound, which is the host's. */
    map[key].type = ISFUNC;
    map[key].function = function;
}

static int
map_is_static(Keymap map)
{
    for (int i = 0; i < MAP_COUNT; i++) {
        if (map == MAPS[i]) {
            return 1;
        }
    }
    return 0;
}

/* Make what a map leads to our own: maps below it, macros. */
static void
map_own(Keymap map)
{
    for (int key = 0; key < KEYMAP_SIZE; key++) {
        KEYMAP_ENTRY *entry = &map[key];
        if (entry->type == ISMACR && entry->function != NULL) {
            /* A macro's text is kept as a function pointer, readline's own way. */
            char *text;
            memcpy(&text, &entry->function, sizeof text);
            text = strdup(text);
            memcpy(&entry->function, &text, sizeof text);
        }
        else if (entry->type == ISFUNC
                 && (entry->function == rl_char_search || entry->function == rl_backward_char_search)) {
            entry->function = NULL; /* with Escape behind it crashes readline 8.2 in the callback interface */
        }
        else if (entry->type == ISKMAP && !map_is_static((Keymap)(void *)entry->function)) {
            Keymap copy = rl_copy_keymap((Keymap)(void *)entry->function);
            map_own(copy);
            memcpy(&entry->function, &copy, sizeof copy);
        }
    }
}

/* ---- signals ---- */

static void
term_wake(char why)
{
    int saved = errno;
    if (self.wake[1] >= 0 && write(self.wake[1], &why, 1) < 0) {
        /* the pipe is full: it will wake */
    }
    errno = saved;
}

static void
on_winch(int Py_UNUSED(signal))
{
    got_winch = 1;
    term_wake('w');
}

static void
on_cont(int Py_UNUSED(signal))
{
    got_cont = 1;
    term_wake('c');
}

/* The process ends while the prompt waits: leave a terminal that echoes. */
static void
term_leave_for_good(void)
{
    static const char paste_off[] = "\033[?2004l\r\n";
    if (self.active && self.have_cooked && self.term != NULL) {
        int fd = self.term->out == NULL ? -1 : fileno_unlocked(self.term->out);
        tcsetattr(fd, TCSANOW, &self.cooked);
        if (write(fd, paste_off, sizeof paste_off - 1) < 0) {
            /* the terminal is gone */
        }
    }
}

static void
on_fatal(int number)
{
    term_leave_for_good();
    signal(number, SIG_DFL);
    raise(number);
}

static void
signals_take(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_RESTART;
    action.sa_handler = on_winch;
    sigaction(SIGWINCH, &action, &self.old_winch);
    action.sa_handler = on_cont;
    sigaction(SIGCONT, &action, &self.old_cont);
    for (int i = 0; i < FATAL_COUNT; i++) {
        sigaction(FATAL_SIGNALS[i], NULL, &self.old_fatal[i]);
        self.fatal_taken[i] = self.old_fatal[i].sa_handler == SIG_DFL;
        if (self.fatal_taken[i]) {
            action.sa_handler = on_fatal;
            sigaction(FATAL_SIGNALS[i], &action, NULL);
        }
    }
}

static void
signals_give_back(void)
{
    sigaction(SIGWINCH, &self.old_winch, NULL);
    sigaction(SIGCONT, &self.old_cont, NULL);
    for (int i = 0; i < FATAL_COUNT; i++) {
        if (self.fatal_taken[i]) {
            sigaction(FATAL_SIGNALS[i], &self.old_fatal[i], NULL);
        }
    }
}

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
}

static void
term_deprep(void)
{
    rl_eof_found = 0; /* or, with bracketed paste alone, readline prints a newline of its own */
    rl_deprep_terminal();
}

static int
term_has_input(int fd, int milliseconds)
{
    struct pollfd ready = {fd, POLLIN, 0};
    return poll(&ready, 1, milliseconds) > 0;
}

/* A key that ends a search and begins a key sequence crashes readline 8.2 in the callback interface. So it is read as
 * Ctrl-J, which ends a search and does nothing else, and is read again after that. */
static int
term_guard_search(int fd, int c)
{
    enum { SEQUENCE = 20 }; /* ms: the rest of what a key sends follows its Escape at once */
    if (!RL_ISSTATE(RL_STATE_ISEARCH | RL_STATE_NSEARCH) || rl_get_keymap()[c].type != ISKMAP) {
        return c;
    }
    if (c != '\033' || term_has_input(fd, SEQUENCE)) {
        self.again = c;
    }
    return '\n';
}

/* Wait until there is something to read. The GIL is released. */
static int
term_getc(FILE *stream)
{
    if (self.again != EOF) {
        int again = self.again;
        self.again = EOF;
        return again;
    }
    for (;;) {
        unsigned char c;
        struct pollfd ready = {fileno(stream), POLLIN, 0};
        /* Within a paste the next byte is there: giving the GIL away for each would take its length in
         * switch intervals. One byte at a time: what follows the line is not ours. */
        if (!term_has_input(ready.fd, 0)) {
            Py_BEGIN_ALLOW_THREADS
            poll(&ready, 1, -1);
            Py_END_ALLOW_THREADS
        }
        ssize_t got = read(ready.fd, &c, 1);
        if (got == 1) {
            return term_guard_search(ready.fd, c);
        }
        if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
            return EOF; /* EIO: a pty whose other end is closed */
        }
    }
}

static void
on_line(char *line)
{
    self.got_line = 1;
    self.got_eof = line == NULL;
    self.line = line;
    rl_callback_handler_remove();
}

/* Our own state of readline, at the first use: what is the host's now, the user's inputrc once more with our name,
 * our functions and keys. Called with the host's state stored. */
static void
own_set_up(void)
{
    Readline *own = &self.own;
    for (int i = 0; i < MAP_COUNT; i++) {
        map_own(MAPS[i]);
    }
    rl_save_state(&own->line);
    own->line.buffer = calloc(1, 256);
    own->line.buflen = 256;
    own->line.point = own->line.end = own->line.mark = 0;
    own->line.ul = NULL;
    own->line.prompt = NULL;
    own->line.macro = NULL;
    own->line.done = own->line.pendingin = 0;
    own->line.lastfunc = NULL;
    rl_restore_state(&own->line);
    rl_readline_name = "hooking";
    rl_read_init_file(NULL);
    rl_variable_bind("isearch-terminators", "\033\012"); /* the default, see term_guard_search() */
    rl_startup_hook = rl_pre_input_hook = rl_event_hook = rl_signal_event_hook = rl_input_available_hook = NULL;
    rl_getc_function = term_getc;
    rl_redisplay_function = term_draw;
    rl_prep_term_function = term_prep;
    rl_deprep_term_function = term_deprep;
    rl_completion_entry_function = rl_menu_completion_entry_function = NULL;
    rl_ignore_some_completions_function = NULL;
    rl_attempted_completion_function = term_no_matches;
    rl_completion_display_matches_hook = NULL;
    rl_completion_append_character = '\0';
    rl_catch_signals = rl_catch_sigwinch = rl_change_environment = 0;
    rl_erase_empty_line = rl_already_prompted = rl_num_chars_to_read = 0;
    static KEYMAP_ENTRY *const typing[] = {emacs_standard_keymap, vi_insertion_keymap, vi_movement_keymap};
    for (size_t i = 0; i < sizeof typing / sizeof *typing; i++) {
        map_set(typing[i], '\r', term_key_accept);
        map_set(typing[i], '\n', term_key_accept);
        map_set(typing[i], 'C' & 0x1f, term_key_interrupt);
        map_set(typing[i], 'Z' & 0x1f, term_key_suspend);
        if (typing[i][(int)'\t'].type == ISFUNC && typing[i] != vi_movement_keymap) {
            map_set(typing[i], '\t', term_key_tab);
        }
    }
    readline_store(own);
    self.own_ready = 1;
}

static void
wake_close(void)
{
    for (int i = 0; i < 2; i++) {
        if (self.wake[i] >= 0) {
            close(self.wake[i]);
        }
        self.wake[i] = -1;
    }
}

/* A child of fork(): the reading thread is not there. Its readline is the host's again. */
static void
on_fork_child(void)
{
    if (self.active) {
        readline_load(&self.host);
        history_give_back(&self.host_history);
        signals_give_back();
        self.active = 0;
        self.term = NULL;
        wake_close();
    }
}

/* Readline's first initialisation in this process, as CPython's module would do it. */
static void
term_first_init(void)
{
    const char *name = rl_readline_name;
    int environment = rl_change_environment;
    rl_readline_name = "python";
    rl_change_environment = 0; /* or LINES and COLUMNS appear in the program's environment */
    rl_initialize();
    rl_readline_name = name;
    rl_change_environment = environment;
}

static void
term_take(Term *term, const History *history)
{
    static int first = 1;
    if (pipe2(self.wake, O_CLOEXEC | O_NONBLOCK) < 0) {
        self.wake[0] = self.wake[1] = -1; /* no descriptor left: a resize is noticed with the next key */
    }
    if (first) {
        pthread_atfork(NULL, NULL, on_fork_child);
        atexit(term_leave_for_good); /* the main thread may end the program while another is at the prompt */
        first = 0;
    }
    self.term = term;
    self.thread = PyThread_get_thread_ident();
    const char *locale = setlocale(LC_CTYPE, NULL);
    self.locale = locale == NULL ? NULL : strdup(locale); /* readline sets it from the environment, each time */
    self.have_cooked = term_make_usable(fileno(term->in), &self.found, &self.cooked);
    if (!RL_ISSTATE(RL_STATE_INITIALIZED)) {
        term_first_init();
    }
    readline_store(&self.host);
    history_take(&self.host_history);
    if (self.own_ready) {
        readline_load(&self.own);
    }
    else {
        own_set_up();
    }
    self.active = 1;
    rl_instream = term->in;
    rl_outstream = term->out;
    unstifle_history();
    for (size_t i = 0; i < history->count; i++) {
        add_history(history->lines[i]);
    }
    using_history();
    got_winch = got_cont = 0;
    self.line = NULL;
    self.got_line = self.got_eof = self.got_interrupt = 0;
    self.again = EOF;
    signals_take();
}

static void
term_give_back(void)
{
    signals_give_back();
    readline_store(&self.own);
    readline_load(&self.host);
    history_give_back(&self.host_history);
    if (self.have_cooked && memcmp(&self.found, &self.cooked, sizeof self.found) != 0) {
        tcsetattr(fileno(self.term->in), TCSADRAIN, &self.found);
    }
    if (self.locale != NULL) {
        setlocale(LC_CTYPE, self.locale);
        free(self.locale);
    }
    self.active = 0;
    self.term = NULL;
    wake_close();
}

/* ---- reading ---- */

/* Print the notice that waits, if one does. */
static void
term_print_notice(void)
{
    if (self.notice != NULL) {
        fprintf(rl_outstream, "%s\n", self.notice);
        free(self.notice);
        self.notice = NULL;
    }
}

/* Print it above the line that is being typed. */
static void
term_show_notice(void)
{
    if (self.notice != NULL) {
        rl_clear_visible_line();
        term_print_notice();
        rl_on_new_line();
        rl_forced_update_display();
    }
}

static void
term_drain_wake(void)
{
    char bytes[64];
    while (read(self.wake[0], bytes, sizeof bytes) > 0) {
        /* only that it woke matters */
    }
    if (got_winch) {
        got_winch = 0;
        rl_resize_terminal();
    }
    if (got_cont) { /* stopped from outside and continued, by a shell that has its own idea of the terminal */
        got_cont = 0;
        rl_deprep_terminal();
        rl_prep_term_function(1);
        rl_forced_update_display();
    }
    term_show_notice();
}

/* Wait for a key. 1 when there is one, 0 to look again, -1 with an exception from a signal handler. */
static int
term_wait(int fd, int is_main)
{
    enum { HOOK_INTERVAL = 50 }; /* ms: how often GUI loops are turned */
    struct pollfd ready[2] = {{fd, POLLIN, 0}, {self.wake[0], POLLIN, 0}};
    int hook = is_main && PyOS_InputHook != NULL;
    int count;
    Py_BEGIN_ALLOW_THREADS
    count = poll(ready, 2, hook ? HOOK_INTERVAL : -1);
    if (count == 0 && hook) {
        PyOS_InputHook(); /* expects the GIL to be released, as CPython's own prompt has it */
    }
    Py_END_ALLOW_THREADS
    if (is_main && PyErr_CheckSignals() < 0) {
        return -1;
    }
    if (count > 0 && ready[1].revents != 0) {
        term_drain_wake();
    }
    return count > 0 && ready[0].revents != 0;
}

/* Leave a line that was not finished. */
static void
term_abandon(void)
{
    rl_free_line_state();
    rl_callback_sigcleanup();
    /* It leaves but one state, and a search may have begun a key sequence: what stays behind has no data any more. */
    RL_UNSETSTATE(RL_STATE_ISEARCH | RL_STATE_NSEARCH | RL_STATE_CHARSEARCH | RL_STATE_MULTIKEY | RL_STATE_METANEXT
                  | RL_STATE_NUMERICARG | RL_STATE_VIMOTION | RL_STATE_MOREINPUT | RL_STATE_INPUTPENDING);
    rl_cleanup_after_signal();
    rl_callback_handler_remove();
    fputs("\n", rl_outstream);
}

TermStatus
term_read(Term *term, const char *prompt, const History *history, int is_main, char **line)
{
    *line = NULL;
    term_take(term, history);
    TermStatus status = TERM_INTERRUPTED;
    rl_reset_screen_size();
    term_print_notice();
    rl_callback_handler_install(prompt, on_line);
    while (!self.got_line && !self.got_interrupt) {
        int ready = self.again != EOF ? 1 : term_wait(fileno(term->in), is_main);
        if (ready < 0) {
            status = TERM_ERROR;
            break;
        }
        if (ready) {
            rl_callback_read_char();
        }
    }
    if (self.got_line) {
        status = self.got_eof ? TERM_EOF : TERM_LINE;
        *line = self.line;
    }
    else {
        term_abandon();
    }
    fflush(term->out);
    term_give_back();
    if (status == TERM_ERROR && PyErr_ExceptionMatches(PyExc_KeyboardInterrupt)) {
        PyErr_Clear(); /* `kill -INT`: at a prompt the same as Ctrl-C */
        status = TERM_INTERRUPTED;
    }
    return status;
}

/* ---- the rest ---- */

int
term_open(Term *term, int in, int out)
{
    int in_copy = fcntl(in, F_DUPFD_CLOEXEC, 3);
    int out_copy = fcntl(out, F_DUPFD_CLOEXEC, 3);
    term->in = in_copy < 0 ? NULL : fdopen(in_copy, "r");
    term->out = out_copy < 0 ? NULL : fdopen(out_copy, "w");
    term->changed = 0;
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
                       : RL_ISSTATE(RL_STATE_CALLBACK | RL_STATE_READCMD) != 0;
}

void
term_write(Term *term, const char *bytes, size_t size)
{
    fwrite(bytes, 1, size, term->out);
    fflush(term->out);
    clearerr(term->out);
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
    free(self.notice);
    self.notice = strdup(text);
    if (self.active) {
        term_wake('n');
    }
}
