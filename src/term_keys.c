/* Keys, see term_keys.h.
 *
 * Readline's commands know of one line. Those that are about its ends, or go through the history, are replaced by ours
 * wherever they are bound, in emacs and vi mode and by the user's inputrc alike; ours call them at the ends of the
 * block. In plain mode they are left to do what they always do.
 */
#include "compat.h"

#include "term_keys.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <readline/history.h>

#include "indent.h"
#include "term_bytes.h"
#include "term_draw.h"
#include "term_lines.h"
#include "term_signals.h"
#include "term_state.h"
#include "term_tab.h"
#include "term_vi.h"
#include "width.h"

enum { LONG_TEXT = 1 << 16 }; /* bytes from which on looking at all of it for each key would add up */

static struct {
    const TermClient *client; /* borrowed */
    bool plain;
    bool interrupted, dropped;
    int goal;                 /* the column that Up and Down try to keep; -1: the cursor's */
    char *wanted;             /* owned or NULL: the entry of the history that is to be there next */
    int wanted_back;          /* how far from the end it was */
} self;

/* ---- lines ---- */

/* Go to the line above or below: false when there is none. */
static bool
keys_move_line(int direction, bool keep_goal)
{
    int start = term_lines_start(rl_point), end = term_lines_end(rl_point);
    if (direction < 0 ? start == 0 : end == rl_end) {
        return false;
    }
    if (!keep_goal) {
        self.goal = width_of(rl_line_buffer + start, (size_t)(rl_point - start), 0, 0);
    }
    rl_point = term_lines_at_column(direction < 0 ? term_lines_start(start - 1) : end + 1, self.goal);
    return true;
}

/* ---- Enter ---- */

static void
keys_new_line(bool indented)
{
    Buffer blanks = {0};
    buffer_add_char(&blanks, '\n');
    if (indented) {
        indent_after(term_draw_tokens(), rl_line_buffer, (size_t)rl_point, &blanks);
    }
    rl_begin_undo_group();
    rl_insert_text(blanks.failed ? "\n" : blanks.bytes);
    rl_end_undo_group();
    buffer_free(&blanks);
}

/* A text is pasted into a terminal that does not say so: blanks come with it. */
static bool
keys_is_pasting(void)
{
    return term_bytes_are_waiting(fileno(rl_instream));
}

/* A closing bracket or a colon: its line may have been indented as if something else would come. */
static int
key_ending(int count, int key)
{
    Buffer blanks = {0};
    bool again = !self.plain && rl_end < LONG_TEXT
                 && indent_ending(term_draw_tokens(), rl_line_buffer, (size_t)rl_point, (char)key, &blanks);
    rl_begin_undo_group();
    if (again && !blanks.failed) {
        int start = term_lines_start(rl_point), end = term_lines_text(rl_point);
        int behind = rl_point - end;
        rl_delete_text(start, end);
        rl_point = start;
        rl_insert_text(blanks.bytes == NULL ? "" : blanks.bytes);
        rl_point += behind;
    }
    int ret = rl_insert(count, key);
    rl_end_undo_group();
    buffer_free(&blanks);
    return ret;
}

/* Is the text an entry of the history, as it was kept? */
static bool
keys_is_recalled(void)
{
    HIST_ENTRY *entry = current_history();
    return entry != NULL && strcmp(entry->line, rl_line_buffer) == 0;
}

/* Are there lines below the cursor's that are not blank? */
static bool
keys_is_above_text(void)
{
    int at = term_lines_end(rl_point);
    while (at < rl_end && strchr(" \t\n", rl_line_buffer[at]) != NULL) {
        at++;
    }
    return at < rl_end;
}

static int
keys_accept(int key)
{
    int point = rl_point, end = rl_end, erases = rl_erase_empty_line;
    term_draw_finish();
    if (!self.plain) { /* for an empty line, with that set, rl_newline() draws nothing by itself */
        rl_point = rl_end = 0;
        rl_erase_empty_line = 1;
    }
    int ret = rl_newline(1, key);
    rl_erase_empty_line = erases;
    rl_point = point;
    rl_end = end;
    return ret;
}

/* An entry of the history runs wherever the cursor is, until it is changed. In a block that is being written Enter
 * breaks the line; at its end the compiler says whether it is one. */
static int
key_enter(int Py_UNUSED(count), int key)
{
    if (rl_done) {
        return 0; /* it has been ended, which readline has yet to notice */
    }
    bool recalled = keys_is_recalled();
    if (!self.plain && rl_end > LONG_TEXT && keys_is_pasting()) {
        keys_new_line(false); /* the compiler is asked when all is there */
        return 0;
    }
    if (self.plain || recalled
        || (!keys_is_above_text() && self.client->is_done(self.client->context, rl_line_buffer))) {
        return keys_accept(key);
    }
    keys_new_line(!keys_is_pasting());
    return 0;
}

static int
key_new_line(int Py_UNUSED(count), int key)
{
    if (self.plain) {
        return keys_accept(key);
    }
    keys_new_line(true);
    return 0;
}

/* Not readline's own: that recalls the entry at the next line that anybody reads, the program's input() among them. */
static int
key_operate_and_get_next(int count, int key)
{
    int at = rl_explicit_arg ? count - history_base : where_history() + 1;
    HIST_ENTRY *entry = history_get(history_base + at);
    char *wanted = entry == NULL ? NULL : strdup(entry->line);
    int back = history_length - at;
    int ret = key_enter(1, key);
    if (!rl_done) {
        free(wanted);
        return ret;
    }
    self.wanted = wanted;
    self.wanted_back = back;
    return ret;
}

bool
term_keys_wants_history(void)
{
    return self.wanted != NULL;
}

void
term_keys_recall(void)
{
    /* The history has a new entry at its end, or more, or none. */
    int at = history_length - self.wanted_back;
    HIST_ENTRY *entry;
    while ((entry = history_get(history_base + at)) != NULL && strcmp(entry->line, self.wanted) != 0) {
        at--;
    }
    free(self.wanted);
    self.wanted = NULL;
    if (entry != NULL) {
        rl_get_previous_history(where_history() - at, 0);
        term_draw();
    }
}

static int
key_insert_comment(int count, int key)
{
    if (self.plain) {
        return rl_insert_comment(count, key);
    }
    const char *mark = rl_variable_value("comment-begin");
    rl_begin_undo_group();
    for (int start = rl_end; start >= 0; start--) {
        start = term_lines_start(start);
        rl_point = start;
        rl_insert_text(mark == NULL ? "#" : mark);
    }
    rl_end_undo_group();
    return keys_accept(key);
}

/* Ends the line as Enter does, so that readline frees what belongs to it in its own order; the text is dropped. */
static int
key_interrupt(int Py_UNUSED(count), int Py_UNUSED(key))
{
    self.interrupted = true;
    return keys_accept('\n');
}

/* Ctrl-D deletes; on the blank last line of a block it drops the block, as at the prompt of a shell. (On an empty text
 * readline has seen it before.) */
static int
key_delete(int count, int key)
{
    bool blank = rl_point == rl_end && term_lines_start(rl_point) > 0 && term_lines_text(rl_point) == rl_end;
    if (!self.plain && blank) {
        self.dropped = true;
        return keys_accept('\n');
    }
    return rl_point == rl_end ? rl_ding() : rl_delete(count, key);
}

static int
key_suspend(int Py_UNUSED(count), int Py_UNUSED(key))
{
    if (!self.plain) {
        term_draw_leave();
        fputs("\r\n", rl_outstream);
    }
    rl_deprep_terminal();
    kill(0, SIGTSTP); /* the whole job, as the terminal would */
    term_signals_wait_continued();
    term_signals_drain(); /* it is over, and need not be dealt with once more */
    rl_prep_term_function(1);
    term_draw_anew();
    return 0;
}

/* ---- moving ---- */

static int
key_line_start(int count, int key)
{
    if (self.plain) {
        return rl_beg_of_line(count, key);
    }
    rl_point = term_lines_start(rl_point);
    return 0;
}

static int
key_line_end(int count, int key)
{
    if (self.plain) {
        return rl_end_of_line(count, key);
    }
    rl_point = term_lines_end(rl_point);
    term_vi_end_of_line();
    return 0;
}

static rl_command_func_t *keys_readlines_vertical(rl_command_func_t *function);

/* Up or down a line, as often as `count` says; what is left at the block's end is the history's. */
static int
keys_vertical(int direction, int count, int key, rl_command_func_t *readline)
{
    rl_command_func_t *last = keys_readlines_vertical(rl_last_func);
    bool keep_goal = last != NULL && self.goal >= 0;
    if (count < 0) {
        direction = -direction;
        count = -count;
    }
    while (!self.plain && count > 0 && keys_move_line(direction, keep_goal)) {
        keep_goal = true;
        count--;
    }
    if (count == 0) {
        return 0;
    }
    self.goal = -1;
    if (last != NULL) {
        rl_last_func = last; /* a search goes on with what it has been searching for */
    }
    return readline(count, key);
}

#define VERTICAL(name, direction, readline)                     \
    static int name(int count, int key)                         \
    {                                                           \
        return keys_vertical(direction, count, key, readline);  \
    }
VERTICAL(key_up, -1, rl_get_previous_history)
VERTICAL(key_down, 1, rl_get_next_history)
VERTICAL(key_up_search, -1, rl_history_search_backward)
VERTICAL(key_down_search, 1, rl_history_search_forward)
VERTICAL(key_up_substring, -1, rl_history_substr_search_backward)
VERTICAL(key_down_substring, 1, rl_history_substr_search_forward)
#undef VERTICAL

/* What such a key is in readline, NULL for another key. */
static rl_command_func_t *
keys_readlines_vertical(rl_command_func_t *function)
{
    return function == key_up               ? rl_get_previous_history
           : function == key_down           ? rl_get_next_history
           : function == key_up_search      ? rl_history_search_backward
           : function == key_down_search    ? rl_history_search_forward
           : function == key_up_substring   ? rl_history_substr_search_backward
           : function == key_down_substring ? rl_history_substr_search_forward
                                            : NULL;
}

/* ---- deleting ---- */

static int
keys_kill(int from, int to)
{
    if (from == to) {
        return 0;
    }
    rl_kill_text(from, to);
    rl_point = from < to ? from : to;
    return 0;
}

static int
key_kill_line(int count, int key)
{
    if (self.plain || count < 0) {
        return rl_kill_line(count, key);
    }
    int end = term_lines_end(rl_point);
    bool at_end = end == rl_point && end < rl_end; /* the line end itself, as in emacs */
    return keys_kill(rl_point, at_end ? end + 1 : end);
}

static int
key_discard_line(int count, int key)
{
    if (self.plain) {
        return rl_unix_line_discard(count, key);
    }
    return keys_kill(rl_point, term_lines_start(rl_point));
}

static int
key_backward_kill_line(int count, int key)
{
    if (self.plain || count < 0) {
        return rl_backward_kill_line(count, key);
    }
    return keys_kill(rl_point, term_lines_start(rl_point));
}

/* Backspace: within the blanks that a line begins with, a step of indentation. */
static int
key_rubout(int count, int key)
{
    int start = term_lines_start(rl_point);
    int column = rl_point - start;
    for (int at = start; at < rl_point; at++) {
        if (rl_line_buffer[at] != ' ') {
            column = 0;
        }
    }
    char blank;
    if (self.plain || rl_explicit_arg || column == 0) {
        return rl_rubout(count, key);
    }
    int from = rl_point - ((column - 1) % term_tab_step(&blank) + 1);
    rl_delete_text(from, rl_point);
    rl_point = from;
    return 0;
}

/* ---- the screen ---- */

static int
key_clear_screen(int count, int key)
{
    if (self.plain) {
        return rl_clear_screen(count, key);
    }
    term_draw_clear(false);
    return 0;
}

static int
key_clear_display(int count, int key)
{
    if (self.plain) {
        return rl_clear_display(count, key);
    }
    term_draw_clear(true);
    return 0;
}

static int
key_refresh_line(int count, int key)
{
    if (self.plain) {
        return rl_refresh_line(count, key);
    }
    term_draw_hide();
    term_draw_again();
    return 0;
}

/* Those that print a list below the line. */
static int
keys_list(rl_command_func_t *readline, int count, int key)
{
    if (!self.plain) {
        term_draw_leave();
    }
    int ret = readline(count, key);
    if (!self.plain) {
        term_draw_again();
    }
    return ret;
}

#define LISTS(name, readline)                     \
    static int name(int count, int key)           \
    {                                             \
        return keys_list(readline, count, key);   \
    }
LISTS(key_dump_functions, rl_dump_functions)
LISTS(key_dump_macros, rl_dump_macros)
LISTS(key_dump_variables, rl_dump_variables)
#undef LISTS

/* ---- binding ---- */

/* What it binds is readline's, and is to be replaced again. The setting history-size drops entries at once, and leaves
 * the place in the history behind its end, where readline's search would look: so there are none meanwhile. */
static int
key_re_read_init_file(int count, int key)
{
    int length = history_length;
    history_length = 0;
    int ret = rl_re_read_init_file(count, key);
    history_length = length;
    unstifle_history();
    term_keys_bind();
    return ret;
}

static const TermReplacement REPLACED[] = {
    {rl_newline, key_enter},
    {rl_operate_and_get_next, key_operate_and_get_next},
    {rl_insert_comment, key_insert_comment},
    {rl_re_read_init_file, key_re_read_init_file},
    {rl_get_previous_history, key_up},
    {rl_get_next_history, key_down},
    {rl_history_search_backward, key_up_search},
    {rl_history_search_forward, key_down_search},
    {rl_history_substr_search_backward, key_up_substring},
    {rl_history_substr_search_forward, key_down_substring},
    {rl_beg_of_line, key_line_start},
    {rl_end_of_line, key_line_end},
    {rl_kill_line, key_kill_line},
    {rl_unix_line_discard, key_discard_line},
    {rl_backward_kill_line, key_backward_kill_line},
    {rl_rubout, key_rubout},
    {rl_clear_screen, key_clear_screen},
    {rl_clear_display, key_clear_display},
    {rl_refresh_line, key_refresh_line},
    {rl_dump_functions, key_dump_functions},
    {rl_dump_macros, key_dump_macros},
    {rl_dump_variables, key_dump_variables},
    {rl_complete, term_tab_key},
    {rl_possible_completions, term_tab_list},
    {rl_insert_completions, term_tab_insert_all},
    {rl_menu_complete, term_tab_menu},
    {rl_old_menu_complete, term_tab_menu},
    {rl_backward_menu_complete, term_tab_menu_back},
    {rl_vi_complete, term_tab_vi},
    {rl_vi_append_eol, term_vi_append_at_end},
    {rl_vi_insert_beg, term_vi_insert_at_start},
    {rl_vi_first_print, term_vi_first_print},
    {rl_vi_subst, term_vi_substitute},
    {rl_vi_delete_to, term_vi_delete_to},
    {rl_vi_change_to, term_vi_change_to},
};

/* Keys that insert themselves and may take indentation away. */
static const char ENDINGS[] = ")]}:";

/* What the terminal's own special keys do. */
static const TermReplacement SPECIAL[] = {
    {rl_rubout, key_rubout},
    {rl_unix_line_discard, key_discard_line},
};

void
term_keys_bind(void)
{
    /* What is recalled and changed lasts until Enter anyway, and readline 8.2 may free what can be undone twice. */
    rl_variable_bind("revert-all-at-newline", "off");
    term_state_replace(REPLACED, sizeof REPLACED / sizeof *REPLACED);
    term_state_bind('\r', key_enter);
    term_state_bind('\n', key_enter);
    term_state_bind('C' & 0x1f, key_interrupt);
    term_state_bind('D' & 0x1f, key_delete);
    term_state_bind('Z' & 0x1f, key_suspend);
    term_state_bind_sequence("\033\r", key_new_line);
    term_state_bind_sequence("\033\n", key_new_line);
    term_state_bind_sequence("\033[Z", term_tab_shift);
    for (const char *key = ENDINGS; *key != '\0'; key++) {
        term_state_bind_inserting(*key, key_ending);
    }
}

void
term_keys_rebind(void)
{
    term_state_replace_keys(SPECIAL, sizeof SPECIAL / sizeof *SPECIAL);
}

bool
term_keys_may_need_history(int key)
{
    static rl_command_func_t *const plain[] = {
        rl_insert, rl_rubout, key_rubout, key_ending, key_enter, key_interrupt, key_delete, term_tab_key,
    };
    const KEYMAP_ENTRY *entry = &rl_get_keymap()[key];
    for (size_t i = 0; entry->type == ISFUNC && i < sizeof plain / sizeof *plain; i++) {
        if (entry->function == plain[i]) {
            return false;
        }
    }
    return true;
}

void
term_keys_begin(const TermClient *client, bool plain)
{
    self.client = client;
    self.plain = plain;
    self.interrupted = self.dropped = false;
    self.goal = -1;
}

TermStatus
term_keys_status(void)
{
    return self.interrupted ? TERM_INTERRUPTED : self.dropped ? TERM_DROPPED : TERM_LINE;
}
