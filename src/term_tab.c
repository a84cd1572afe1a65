/* Tab, see term_tab.h.
 *
 * Not readline's own completion: that decides by itself where a word begins, takes its candidates one by one, and needs
 * seconds for a million of them.
 */
#include "compat.h"

#include "term_tab.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <readline/readline.h>

#include "buffer.h"
#include "indent.h"
#include "term_draw.h"
#include "term_lines.h"
#include "theme.h"
#include "width.h"

static struct {
    const Term *term;         /* borrowed */
    const TermClient *client; /* borrowed */
    bool changed;             /* the last Tab has changed the text */
    size_t listed;            /* how many matches were listed for it so far: the next Tab goes on there */
    Completion menu;          /* what menu-complete goes through */
    int menu_at;              /* which match it shows; -1: what was typed */
    int menu_end;             /* where it ends in the text */
    char *typed;              /* owned or NULL: what the menu replaces */
} self;

static bool
tab_setting(const char *name)
{
    const char *value = rl_variable_value(name);
    return value != NULL && strcmp(value, "on") == 0;
}

static bool
tab_ask(Completion *completion)
{
    memset(completion, 0, sizeof *completion);
    self.client->complete(self.client->context, rl_line_buffer, (size_t)rl_point,
                          tab_setting("completion-ignore-case"), completion);
    return completion->matches.count > 0;
}

static void
tab_replace(int from, int to, const char *text, const char *suffix)
{
    rl_begin_undo_group();
    rl_delete_text(from, to);
    rl_point = from;
    rl_insert_text(text);
    rl_insert_text(suffix);
    rl_end_undo_group();
}

/* ---- listing ---- */

/* A name as it can be shown: what is no text in it as question marks. */
static void
tab_add_name(Buffer *out, const char *name, int columns)
{
    size_t size = strlen(name);
    int used = 0;
    for (size_t at = 0; at < size;) {
        Piece piece = width_next(name + at, size - at, 0);
        if (piece.kind == PIECE_TEXT) {
            buffer_add(out, name + at, piece.size);
            used += piece.columns;
        }
        else {
            buffer_add_char(out, '?');
            used++;
        }
        at += piece.size;
    }
    for (; used < columns; used++) {
        buffer_add_char(out, ' ');
    }
}

/* A number with a comma at each thousand. */
static void
tab_add_count(Buffer *out, size_t count)
{
    char digits[32];
    int size = snprintf(digits, sizeof digits, "%zu", count);
    for (int i = 0; i < size; i++) {
        if (i > 0 && (size - i) % 3 == 0) {
            buffer_add_char(out, ',');
        }
        buffer_add_char(out, digits[i]);
    }
}

static const char *
tab_shown(const Completion *completion, size_t index)
{
    const char *name = completion->matches.names[index];
    return strlen(name) > completion->shown_from ? name + completion->shown_from : name;
}

static void
tab_add_note(Buffer *out, size_t more, bool next)
{
    bool colour = theme_is_wanted(true);
    buffer_add_string(out, colour ? theme_on(STYLE_NOTE) : "");
    buffer_add_string(out, "... ");
    tab_add_count(out, more);
    buffer_add_string(out, next ? " more (Tab)" : " more");
    buffer_add_string(out, colour ? THEME_OFF : "");
    buffer_add_string(out, "\r\n");
}

/* A page of the matches, from the first-th on, in columns, and how many more there are. Returns how many it holds. */
static size_t
tab_add_list(Buffer *out, const Completion *completion, size_t first, int columns, int height)
{
    enum { GAP = 2, KEPT_ROWS = 4, FEWEST = 3 };
    const Matches *matches = &completion->matches;
    size_t left = matches->kept - first;
    int widest = 1;
    for (size_t i = first; i < matches->kept; i++) {
        const char *name = tab_shown(completion, i);
        int width = width_of(name, strlen(name), 0, 0);
        widest = width > widest ? width : widest;
    }
    size_t across = columns > widest + GAP ? (size_t)(columns / (widest + GAP)) : 1;
    size_t most = (size_t)(height - KEPT_ROWS > FEWEST ? height - KEPT_ROWS : FEWEST);
    size_t shown = left < most * across ? left : most * across;
    size_t rows = (shown + across - 1) / across;
    bool horizontally = tab_setting("print-completions-horizontally");
    for (size_t row = 0; row < rows; row++) {
        for (size_t i = 0; i < across; i++) {
            size_t index = horizontally ? row * across + i : i * rows + row;
            size_t next = horizontally ? index + 1 : index + rows;
            if (index < shown) {
                bool last = i + 1 == across || next >= shown;
                tab_add_name(out, tab_shown(completion, first + index), last ? 0 : widest + GAP);
            }
        }
        buffer_add_string(out, "\r\n");
    }
    if (first + shown < matches->count) {
        tab_add_note(out, matches->count - first - shown, first + shown < matches->kept);
    }
    return shown;
}

static void
tab_show_list(const Completion *completion)
{
    Buffer out = {0};
    int columns, height;
    term_size(self.term, &columns, &height);
    buffer_add_string(&out, "\r\n");
    if (self.listed >= completion->matches.kept) {
        self.listed = 0;
    }
    self.listed += tab_add_list(&out, completion, self.listed, columns, height);
    term_draw_leave();
    term_write(self.term, out.bytes, out.size);
    buffer_free(&out);
    term_draw_again();
}

/* ---- completing ---- */

static int
tab_complete(rl_command_func_t *function)
{
    Completion completion;
    bool again = rl_last_func == function && !self.changed;
    self.changed = false;
    self.listed = again ? self.listed : 0;
    if (!tab_ask(&completion)) {
        rl_ding();
        complete_clear(&completion);
        return 0;
    }
    const Matches *matches = &completion.matches;
    size_t typed = (size_t)rl_point - completion.start;
    size_t common = strlen(matches->common);
    const char *suffix = matches->count == 1 ? completion.suffix : "";
    bool differs = common != typed || memcmp(matches->common, rl_line_buffer + completion.start, typed) != 0;
    if (common >= typed && (differs || *suffix != '\0')) {
        tab_replace((int)completion.start, rl_point, matches->common, suffix);
        self.changed = common > typed || *suffix != '\0';
    }
    if (matches->count > 1) {
        if (!self.changed || tab_setting("show-all-if-ambiguous")) { /* nothing to insert: as the peers, at once */
            tab_show_list(&completion);
        }
    }
    complete_clear(&completion);
    return 0;
}

int
term_tab_list(int Py_UNUSED(count), int Py_UNUSED(key))
{
    Completion completion;
    self.listed = rl_last_func == term_tab_list ? self.listed : 0;
    if (tab_ask(&completion)) {
        tab_show_list(&completion);
    }
    else {
        rl_ding();
    }
    complete_clear(&completion);
    return 0;
}

int
term_tab_insert_all(int Py_UNUSED(count), int Py_UNUSED(key))
{
    Completion completion;
    if (tab_ask(&completion)) {
        Buffer all = {0};
        for (size_t i = 0; i < completion.matches.kept; i++) {
            buffer_add_string(&all, completion.matches.names[i]);
            buffer_add_char(&all, ' ');
        }
        tab_replace((int)completion.start, rl_point, all.failed ? "" : all.bytes, "");
        buffer_free(&all);
    }
    else {
        rl_ding();
    }
    complete_clear(&completion);
    return 0;
}

/* ---- one after the other ---- */

static bool
tab_menu_open(void)
{
    complete_clear(&self.menu);
    free(self.typed);
    self.typed = NULL;
    if (!tab_ask(&self.menu)) {
        return false;
    }
    self.typed = rl_copy_text((int)self.menu.start, rl_point);
    self.menu_at = -1;
    self.menu_end = rl_point;
    return true;
}

static int
tab_menu(int step)
{
    bool goes_on = (rl_last_func == term_tab_menu || rl_last_func == term_tab_menu_back) && self.typed != NULL
                   && rl_point == self.menu_end;
    if (!goes_on && !tab_menu_open()) {
        return rl_ding();
    }
    const Matches *matches = &self.menu.matches;
    int kept = (int)matches->kept;
    self.menu_at += step;
    if (self.menu_at >= kept || self.menu_at == -1) {
        self.menu_at = -1;
        rl_ding();
    }
    else if (self.menu_at < -1) {
        self.menu_at = kept - 1;
    }
    bool only = matches->count == 1 && self.menu_at == 0;
    tab_replace((int)self.menu.start, self.menu_end, self.menu_at < 0 ? self.typed : matches->names[self.menu_at],
                only ? self.menu.suffix : "");
    self.menu_end = rl_point;
    return 0;
}

int
term_tab_menu(int count, int Py_UNUSED(key))
{
    return tab_menu(count < 0 ? -1 : 1);
}

int
term_tab_menu_back(int count, int Py_UNUSED(key))
{
    return tab_menu(count < 0 ? 1 : -1);
}

/* ---- keys ---- */

int
term_tab_step(char *blank)
{
    enum { LARGEST = 16 };
    Buffer step = {0};
    indent_step(term_draw_tokens(), rl_line_buffer, (size_t)rl_point, &step);
    bool known = !step.failed && step.size <= LARGEST;
    *blank = known ? *step.bytes : ' ';
    int count = !known ? 4 : *blank == '\t' ? 1 : (int)step.size;
    buffer_free(&step);
    return count;
}

int
term_tab_key(int count, int key)
{
    if (term_lines_text(rl_point) < rl_point) {
        return tab_setting("disable-completion") ? rl_insert(count, key) : tab_complete(term_tab_key);
    }
    char blank;
    int step = term_tab_step(&blank), column = rl_point - term_lines_start(rl_point);
    return rl_insert(step - column % step, blank); /* to the next step of indentation */
}

int
term_tab_shift(int Py_UNUSED(count), int Py_UNUSED(key))
{
    char blank;
    int start = term_lines_start(rl_point), blanks = 0, step = term_tab_step(&blank);
    while (blanks < step && rl_line_buffer[start + blanks] == blank) {
        blanks++;
    }
    if (blanks == 0) {
        return rl_ding();
    }
    int point = rl_point - blanks;
    rl_delete_text(start, start + blanks);
    rl_point = point > start ? point : start;
    return 0;
}

/* In vi's command mode: * inserts all, = lists, \ completes; the cursor stands on the word's last character. */
int
term_tab_vi(int count, int key)
{
    if (rl_point < rl_end && !isspace((unsigned char)rl_line_buffer[rl_point])) {
        rl_point += (int)width_next(rl_line_buffer + rl_point, (size_t)(rl_end - rl_point), 0).size;
    }
    if (key == '=') {
        return term_tab_list(count, key);
    }
    int ret = key == '*' ? term_tab_insert_all(count, key) : tab_complete(term_tab_vi);
    rl_vi_insertion_mode(1, key);
    return ret;
}

void
term_tab_begin(const Term *term, const TermClient *client)
{
    self.term = term;
    self.client = client;
    self.changed = false;
    complete_clear(&self.menu);
    free(self.typed);
    self.typed = NULL;
}
