/* All that readline keeps in variables, see term_state.h.
 *
 * Readline is one set of global variables in the process, and the program may use it itself: through CPython's
 * `readline` module, which is linked with the same library, or in a console of its own. `host` is what the program
 * had, `own` is ours, and taking and giving back are the same two steps, state_store() of one and state_load() of the
 * other. What they hold:
 *
 *   variables   every exported one, from the table VARIABLES
 *   settings    the variables of inputrc, which are not exported, by name through rl_variable_value()
 *   line        rl_save_state(): the line buffer, the prompt, the undo list. Ours has a buffer of its own, for
 *               readline may reallocate it and free prompts.
 *   keymaps     the contents of the five that readline works in. Vi mode switches between them by address, so a
 *               copy at another address would be left at the first Escape. Maps below them are deep copies.
 *
 * The history is moved entry by entry. Swapping HISTORY_STATE is no way: 8.3 frees or reuses the host's array.
 *
 * If nobody has initialised readline before, it is done under the name that CPython's module would use, so that a
 * later `import readline` finds `$if Python` of inputrc obeyed; `$if hooking` is obeyed in our own state.
 */
#include "term_state.h"

#include <locale.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <readline/history.h>

#include "compat.h"

/* Every variable that readline 8 exports and that rl_save_state() does not cover. */
#define VARIABLES(X)                                                                                              \
    X(rl_readline_name) X(rl_terminal_name) X(rl_display_prompt) X(rl_prefer_env_winsize) X(rl_startup_hook)      \
    X(rl_pre_input_hook) X(rl_event_hook) X(rl_signal_event_hook) X(rl_input_available_hook) X(rl_getc_function)  \
    X(rl_redisplay_function) X(rl_prep_term_function) X(rl_deprep_term_function) X(rl_executing_keymap)           \
    X(rl_binding_keymap) X(rl_executing_key) X(rl_erase_empty_line) X(rl_already_prompted)                        \
    X(rl_num_chars_to_read) X(rl_dispatching) X(rl_explicit_arg) X(rl_numeric_arg) X(rl_change_environment)       \
    X(rl_catch_signals) X(rl_catch_sigwinch) X(rl_persistent_signal_handlers) X(rl_completion_entry_function)     \
    X(rl_menu_completion_entry_function) X(rl_ignore_some_completions_function)                                   \
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
    X(rl_inhibit_completion) X(rl_pending_input) X(rl_eof_found) X(rl_insert_mode) X(rl_last_func)                \
    X(history_expansion_char) X(history_subst_char) X(history_word_delimiters) X(history_comment_char)            \
    X(history_no_expand_chars) X(history_search_delimiter_chars) X(history_quotes_inhibit_expansion)              \
    X(history_quoting_state) X(history_write_timestamps) X(history_multiline_entries)                             \
    X(history_inhibit_expansion_function)

/* Where readline draws and reads. Set from rl_outstream and rl_instream only when a line is begun, so without this a
 * host that redraws before that would write to our stream, closed by then. Not declared in readline's headers. */
extern FILE *_rl_in_stream __attribute__((weak));
extern FILE *_rl_out_stream __attribute__((weak));

/* The setting isearch-terminators, which cannot be unset by name once it has been set. */
extern unsigned char *_rl_isearch_terminators __attribute__((weak));

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

typedef struct Readline {
    Variables variables;
    char *settings[SETTING_COUNT]; /* owned */
    struct readline_state line;
    FILE *in, *out; /* borrowed: _rl_in_stream and _rl_out_stream */
    unsigned char *terminators; /* borrowed: _rl_isearch_terminators */
    KEYMAP_ENTRY maps[MAP_COUNT][KEYMAP_SIZE];
} Readline;

static Readline host, own;
static Entries host_history;
static char *host_locale; /* owned: the program's LC_CTYPE, which readline sets from the environment each time */
static char *own_locale;  /* owned: what readline has set it to */
static int own_ready;

/* ---- storing and loading ---- */

static void
state_store(Readline *to)
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
    to->terminators = &_rl_isearch_terminators != NULL ? _rl_isearch_terminators : NULL;
    rl_save_state(&to->line);
    for (int i = 0; i < MAP_COUNT; i++) {
        memcpy(to->maps[i], MAPS[i], sizeof to->maps[i]);
    }
}

static void
state_load(Readline *from)
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
    if (&_rl_isearch_terminators != NULL) {
        _rl_isearch_terminators = from->terminators;
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
    clear_history(); /* not rl_clear_history(): in 8.2 two entries may have one list of what can be undone */
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
    from->count = 0;
    if (from->stifled) {
        stifle_history(from->limit);
    }
    else {
        history_max_entries = from->limit;
    }
    history_base = from->base;
    history_set_pos(from->offset);
}

/* ---- our own ---- */

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

void
term_state_bind(int key, rl_command_func_t *function)
{
    static KEYMAP_ENTRY *const typing[] = {emacs_standard_keymap, vi_insertion_keymap, vi_movement_keymap};
    for (size_t i = 0; i < sizeof typing / sizeof *typing; i++) {
        /* Not rl_bind_key_in_map(): that frees a macro that was bound. */
        typing[i][key].type = ISFUNC;
        typing[i][key].function = function;
    }
}

void
term_state_bind_sequence(const char *sequence, rl_command_func_t *function)
{
    const Keymap maps[] = {emacs_standard_keymap, vi_insertion_keymap};
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++) {
        rl_command_func_t *bound = rl_function_of_keyseq(sequence, maps[i], NULL);
        if (bound == NULL || bound == rl_vi_editing_mode) { /* readline's own, for Escape and Enter */
            rl_bind_keyseq_in_map(sequence, function, maps[i]);
        }
    }
}

void
term_state_bind_inserting(int key, rl_command_func_t *function)
{
    KEYMAP_ENTRY *const maps[] = {emacs_standard_keymap, vi_insertion_keymap};
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++) {
        KEYMAP_ENTRY *entry = &maps[i][key];
        if (entry->type == ISFUNC && (entry->function == rl_insert || entry->function == rl_insert_close)) {
            entry->function = function;
        }
    }
}

/* CPython's readline module makes Tab insert itself, for programs that complete nothing: readline's own default again,
 * before the user's inputrc has its say. */
static void
map_unbind_tab(void)
{
    KEYMAP_ENTRY *const maps[] = {emacs_standard_keymap, vi_insertion_keymap};
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++) {
        if (maps[i]['\t'].type == ISFUNC && maps[i]['\t'].function == rl_insert) {
            maps[i]['\t'].function = rl_complete;
        }
    }
}

static void
map_replace_entry(KEYMAP_ENTRY *entry, const TermReplacement *list, size_t count)
{
    bool is_common = entry->type != ISFUNC || entry->function == NULL || entry->function == rl_insert
                     || entry->function == rl_do_lowercase_version;
    for (size_t i = 0; !is_common && i < count; i++) {
        if (entry->function == list[i].readline) {
            entry->function = list[i].function;
            break;
        }
    }
}

/* In a map and those below it. A map may lead back to one of the five, which have a turn of their own. */
static void
map_replace(Keymap map, const TermReplacement *list, size_t count)
{
    for (int key = 0; key < KEYMAP_SIZE; key++) {
        KEYMAP_ENTRY *entry = &map[key];
        if (entry->type == ISKMAP && !map_is_static((Keymap)(void *)entry->function)) {
            map_replace((Keymap)(void *)entry->function, list, count);
        }
        map_replace_entry(entry, list, count);
    }
}

void
term_state_replace(const TermReplacement *list, size_t count)
{
    for (int i = 0; i < MAP_COUNT; i++) {
        map_replace(MAPS[i], list, count);
    }
}

void
term_state_replace_keys(const TermReplacement *list, size_t count)
{
    for (int key = 0; key < KEYMAP_SIZE; key++) {
        map_replace_entry(&emacs_standard_keymap[key], list, count);
        map_replace_entry(&vi_insertion_keymap[key], list, count);
    }
}

/* Our own state, at the first use: what is the host's now, with what it leads to copied; the user's inputrc once more,
 * with our name; what `set_up` does. Called with the host's state stored. */
static void
own_set_up(void (*set_up)(void))
{
    for (int i = 0; i < MAP_COUNT; i++) {
        map_own(MAPS[i]);
    }
    rl_save_state(&own.line);
    own.line.buffer = calloc(1, 256);
    own.line.buflen = 256;
    own.line.point = own.line.end = own.line.mark = 0;
    own.line.ul = NULL;
    own.line.prompt = NULL;
    own.line.macro = NULL;
    own.line.done = own.line.pendingin = 0;
    own.line.lastfunc = NULL;
    rl_restore_state(&own.line);
    rl_readline_name = "hooking";
    map_unbind_tab();
    rl_read_init_file(NULL);
    rl_startup_hook = rl_pre_input_hook = rl_event_hook = rl_signal_event_hook = rl_input_available_hook = NULL;
    rl_completion_entry_function = rl_menu_completion_entry_function = NULL;
    rl_ignore_some_completions_function = NULL;
    rl_completion_display_matches_hook = NULL;
    rl_catch_signals = rl_catch_sigwinch = rl_change_environment = 0;
    rl_erase_empty_line = rl_already_prompted = rl_num_chars_to_read = 0;
    if (&_rl_isearch_terminators != NULL) {
        _rl_isearch_terminators = NULL; /* the default: Escape and Ctrl-J, which term.c relies on */
    }
    set_up();
    state_store(&own);
    own_ready = 1;
}

/* ---- input() in another thread ---- */

/* One reads at a time. Of two readers in one readline the second takes the handler of the first away, and either
 * readline aborts the process at the next key, or our functions are called by input(), which does not hold the GIL.
 *
 * So while readline is ours, input() finds reader_wait() in the place of CPython's reader. One that has begun before is
 * waited for. That readline knows of it (RL_STATE_CALLBACK) is not enough: CPython's reader does several things before
 * it tells readline, all without the GIL. */
enum { GATE_OPEN, GATE_OURS, GATE_HOSTS };
static atomic_int gate;
static atomic_bool host_waits;       /* a thread is in reader_wait(), and not yet in the program's reader */
static atomic_ulong host_thread;     /* the one that is, or was last, in reader_wait() */
static CompatReader host_reader;

/* Called by input(), without the GIL, and by one thread at a time. NULL for an exception. */
static char *
reader_wait(FILE *in, FILE *out, const char *prompt)
{
    enum { SLICE = 20000 }; /* microseconds */
    int open = GATE_OPEN;
    host_thread = PyThread_get_thread_ident();
    host_waits = true;
    while (!atomic_compare_exchange_strong(&gate, &open, GATE_HOSTS)) {
        open = GATE_OPEN;
        usleep(SLICE);
        PyGILState_STATE gil = PyGILState_Ensure();
        int interrupted = PyErr_CheckSignals() < 0;
        PyGILState_Release(gil);
        if (interrupted) {
            host_waits = false;
            return NULL;
        }
    }
    host_waits = false;
    char *line = host_reader(in, out, prompt);
    gate = GATE_OPEN;
    return line;
}

/* Without the readline module input() uses stdio. */
static bool
reader_may_be_readline(void)
{
    PyObject *modules = PySys_GetObject("modules"); /* borrowed */
    return modules != NULL && PyDict_Check(modules) && PyDict_GetItemString(modules, "readline") != NULL;
}

static void
reader_give_back(void)
{
    CompatReader *slot = compat_reader_slot();
    int ours = GATE_OURS;
    if (slot != NULL && *slot == reader_wait) {
        *slot = host_reader;
    }
    atomic_compare_exchange_strong(&gate, &ours, GATE_OPEN);
}

static bool
reader_take(void)
{
    CompatReader *slot = compat_reader_slot();
    int open = GATE_OPEN;
    if (!atomic_compare_exchange_strong(&gate, &open, GATE_OURS)
        && host_thread != PyThread_get_thread_ident()) { /* its own input() has called us: it would wait for itself */
        return false;
    }
    if (slot != NULL && *slot != NULL && *slot != reader_wait) { /* NULL: input() has not been used, or not readline */
        host_reader = *slot;
        *slot = reader_wait;
    }
    atomic_thread_fence(memory_order_seq_cst); /* it sees our reader, or we see it */
    if (compat_reader_is_called() && !host_waits && reader_may_be_readline()) {
        reader_give_back();
        return false;
    }
    return true;
}

/* ---- taking and giving back ---- */

/* Readline's first initialisation in this process, as CPython's module would do it. */
static void
state_first_init(void)
{
    const char *name = rl_readline_name;
    int environment = rl_change_environment;
    rl_readline_name = "python";
    rl_change_environment = 0; /* or LINES and COLUMNS appear in the program's environment */
    rl_initialize();
    rl_readline_name = name;
    rl_change_environment = environment;
}

bool
term_state_claim(void)
{
    return !term_state_is_hosts() && reader_take();
}

void
term_state_take(void (*set_up)(void))
{
    const char *locale = setlocale(LC_CTYPE, NULL);
    host_locale = locale == NULL ? NULL : strdup(locale);
    if (!RL_ISSTATE(RL_STATE_INITIALIZED)) {
        state_first_init();
    }
    state_store(&host);
    history_take(&host_history);
    if (own_ready) {
        state_load(&own);
    }
    else {
        own_set_up(set_up);
    }
    unstifle_history();
}

void
term_state_begun(void)
{
    const char *locale = setlocale(LC_CTYPE, NULL);
    free(own_locale);
    own_locale = locale == NULL ? NULL : strdup(locale);
}

void
term_state_abandon(void)
{
    state_load(&host);
    history_give_back(&host_history);
    const char *now = setlocale(LC_CTYPE, NULL);
    if (host_locale != NULL && own_locale != NULL && now != NULL && strcmp(now, own_locale) == 0) {
        setlocale(LC_CTYPE, host_locale); /* unless another thread has set it meanwhile */
    }
    free(host_locale);
    free(own_locale);
    host_locale = own_locale = NULL;
    reader_give_back();
}

void
term_state_give_back(void)
{
    state_store(&own);
    term_state_abandon();
}

void
term_state_forked(void)
{
    int hosts = GATE_HOSTS;
    host_waits = false;
    if (host_thread != PyThread_get_thread_ident()) {
        atomic_compare_exchange_strong(&gate, &hosts, GATE_OPEN);
    }
}

int
term_state_is_hosts(void)
{
    return RL_ISSTATE(RL_STATE_CALLBACK | RL_STATE_READCMD) != 0;
}
