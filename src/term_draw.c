/* Showing the block, see term_draw.h.
 *
 * The whole line buffer of readline is laid out anew at each key and what differs is written; see layout.c and render.c
 * for how. In plain mode readline does it itself, a line at a time: for screen readers, and for terminals of which
 * nothing is known.
 */
#include "compat.h"

#include "term_draw.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <readline/readline.h>

#include "paint.h"
#include "render.h"
#include "term_bytes.h"
#include "term_signals.h"
#include "theme.h"
#include "width.h"

enum { LEAST_PLAIN = 4 };    /* columns: readline divides by a third of them, less one without automatic margins */
enum { COLOURED = 1 << 18 }; /* bytes: longer texts are shown plain, so that keys stay quick */

/* One for the process, as readline is. Guarded by the GIL. */
static struct {
    const Term *term;         /* borrowed; NULL: nothing is drawn */
    const TermClient *client; /* borrowed */
    const char *more;         /* borrowed */
    int columns, height;
    bool finished;            /* the line is about to end: nothing is marked */
    bool over;                /* it is drawn for the last time */
    bool begun;               /* it has been drawn, or something above it: it stands at the left of a row */
    Render render;
    Tokens tokens;
    uint8_t *styles;          /* owned: Style of each byte */
    size_t styles_room;
    Buffer out;
    char *partial;            /* owned or NULL: a line of somebody's output, not finished */
    bool partial_is_shown;
    int giving_way;           /* how many threads are writing above the block */
    bool due;                 /* somebody has written above it, and it is not drawn anew yet */
    char word[32];            /* the first word of the text, as asked of the client */
    bool word_is_command;
} self;

/* How many of those are in this thread. It draws meanwhile when a signal handler came as it wrote and opened a console,
 * which does not wait for itself. */
static _Thread_local int own_way;

static bool
draw_has_to_wait(void)
{
    return self.giving_way > own_way;
}

static void
draw_send(void)
{
    if (self.out.size > 0) {
        term_write(self.term, self.out.bytes, self.out.size);
    }
    buffer_empty(&self.out);
}

/* ---- colour ---- */

static void
draw_style(size_t start, size_t end, Style style)
{
    memset(self.styles + start, style, end - start);
}

/* What Python will not take: a bracket that closes another or none, a character that it does not know. Not the ? behind
 * a name, which asks about it. */
static bool
draw_is_wrong(const char *text, size_t size, const Token *token)
{
    bool asks = text[token->start] == '?' && memchr(text, '\n', size) == NULL;
    return (token->kind == TOKEN_ERROR && !asks) || (token->kind == TOKEN_CLOSE && (token->flags & TOKEN_UNMATCHED));
}

/* The quotes that open a string without an end, and a bracket that is still open. */
static void
draw_unfinished(const char *text, const Token *token)
{
    size_t at = token->start;
    while (at < token->end && text[at] != '"' && text[at] != '\'' && token->kind != TOKEN_OPEN) {
        at++;
    }
    size_t end = at + 1;
    while (end < token->end && text[end] == text[at] && end - at < 3) {
        end++;
    }
    if (end <= token->end) {
        draw_style(at, end, STYLE_UNFINISHED);
    }
}

/* The bracket at the cursor, or else the one before it, and its other half. */
static void
draw_bracket_at(size_t point)
{
    uint32_t last = lexer_before(&self.tokens, point + 1);
    for (uint32_t i = last; i != TOKEN_NONE && last - i < 2; i--) {
        const Token *token = &self.tokens.list[i];
        bool is_bracket = token->kind == TOKEN_OPEN || token->kind == TOKEN_CLOSE;
        bool is_near = token->start == point || token->end == point;
        if (is_bracket && is_near && token->other != TOKEN_NONE) {
            const Token *other = &self.tokens.list[token->other];
            draw_style(token->start, token->end, STYLE_BRACKET);
            draw_style(other->start, other->end, STYLE_BRACKET);
            return;
        }
    }
}

static void
draw_command(const char *text, size_t size)
{
    size_t forced = size > 0 && text[0] == '%';
    size_t end = forced;
    while (end < size && (text[end] == '_' || (text[end] >= 'a' && text[end] <= 'z'))) {
        end++;
    }
    size_t length = end - forced;
    if (length == 0 || length >= sizeof self.word || (end < size && text[end] != ' ')
        || memchr(text, '\n', size) != NULL) {
        return;
    }
    if (strlen(self.word) != length || memcmp(self.word, text + forced, length) != 0) {
        memcpy(self.word, text + forced, length);
        self.word[length] = '\0';
        self.word_is_command = self.client->is_command(self.client->context, self.word);
    }
    bool assigns = end + 1 < size && text[end + 1] == '=';
    if ((self.word_is_command || forced) && !assigns) {
        draw_style(0, end, STYLE_COMMAND);
    }
}

/* The style of each byte of the text, NULL for none. */
static const uint8_t *
draw_styles(const char *text, size_t size, size_t point)
{
    if (!self.render.colour || size == 0 || size > COLOURED || !lexer_run(&self.tokens, text, size)) {
        return NULL;
    }
    if (size > self.styles_room) {
        uint8_t *longer = realloc(self.styles, size * 2);
        if (longer == NULL) {
            return NULL;
        }
        self.styles = longer;
        self.styles_room = size * 2;
    }
    draw_style(0, size, STYLE_PLAIN);
    for (size_t i = 0; i < self.tokens.count; i++) {
        const Token *token = &self.tokens.list[i];
        draw_style(token->start, token->end,
                   draw_is_wrong(text, size, token) ? STYLE_WRONG : paint_style(token));
        if ((token->flags & TOKEN_UNFINISHED) || (token->kind == TOKEN_OPEN && (token->flags & TOKEN_UNMATCHED))) {
            draw_unfinished(text, token);
        }
    }
    if (!self.finished) {
        draw_bracket_at(point);
    }
    draw_command(text, size);
    return self.styles;
}

const Tokens *
term_draw_tokens(void)
{
    lexer_run(&self.tokens, rl_line_buffer, (size_t)rl_end);
    return &self.tokens;
}

/* ---- the block ---- */

/* What the user's inputrc wants shown of the editing mode, before the prompt. */
static const char *
draw_mode(void)
{
    const char *shown = rl_variable_value("show-mode-in-prompt");
    if (shown == NULL || strcmp(shown, "on") != 0) {
        return "";
    }
    const char *which = rl_editing_mode == 1 /* emacs */           ? "emacs-mode-string"
                        : rl_get_keymap() == vi_movement_keymap ? "vi-cmd-mode-string"
                                                                : "vi-ins-mode-string";
    const char *mode = rl_variable_value(which);
    return mode == NULL ? "" : mode;
}

/* Wait until nobody writes above the block. */
static void
draw_wait_for_place(void)
{
    enum { SLICE = 500 }; /* microseconds */
    while (draw_has_to_wait()) {
        Py_BEGIN_ALLOW_THREADS
        usleep(SLICE);
        Py_END_ALLOW_THREADS
    }
}

/* The unfinished line of output, without what would move the cursor. */
static void
draw_add_above(Buffer *above)
{
    const char *text = self.partial == NULL ? "" : self.partial;
    size_t size = strlen(text);
    for (size_t at = 0; at < size;) {
        Piece piece = width_next(text + at, size - at, 1);
        bool colours = piece.kind == PIECE_SEQUENCE && text[at + piece.size - 1] == 'm';
        if (colours || piece.kind == PIECE_TEXT || piece.kind == PIECE_TAB) {
            buffer_add(above, text + at, piece.size);
        }
        at += piece.size;
    }
}

/* The cursor may stand behind output without a line end, nobody can tell. Blanks as wide as the window lead to the next
 * row then, and else not: so that output is left where it is, and not erased with the block. (zsh does so.) A terminal
 * that cannot go up a row may not wrap lines either. */
static void
draw_begin_row(void)
{
    if (self.begun) {
        return;
    }
    self.begun = true;
    for (int i = 0; i < self.columns && rl_get_termcap("up") != NULL; i++) {
        buffer_add_char(&self.out, ' ');
    }
    buffer_add_char(&self.out, '\r');
    draw_send();
}

static void
draw_block(void)
{
    self.due = false;
    Buffer prompt = {0}, more = {0}, above = {0};
    const char *mode = draw_mode();
    size_t size = (size_t)rl_end;
    size_t point = self.finished ? size : (size_t)rl_point;
    const uint8_t *styles = draw_styles(rl_line_buffer, size, point);
    draw_wait_for_place(); /* asking the client may have let other threads run */
    draw_add_above(&above);
    self.partial_is_shown = self.partial != NULL;
    buffer_add_string(&prompt, mode);
    buffer_add_string(&prompt, rl_display_prompt == NULL ? "" : rl_display_prompt);
    for (int column = width_of(mode, strlen(mode), 0, 1); column > 0; column--) {
        buffer_add_char(&more, ' '); /* the lines of a block stand below each other */
    }
    buffer_add_string(&more, self.more);
    Block block = {
        .above = above.size == 0 || above.failed ? "" : above.bytes,
        .prompt = prompt.failed ? "" : prompt.bytes,
        .more = more.failed ? self.more : more.bytes,
        .prompt_style = STYLE_PROMPT,
        .text = rl_line_buffer,
        .size = size,
        .point = point,
        .styles = styles,
        .columns = self.columns,
        .height = self.height > 1 ? self.height - 1 : 1,
    };
    layout_block(&self.render.next, &block, self.render.shown.row_count > 0 ? self.render.shown.top : 0);
    buffer_free(&prompt);
    buffer_free(&more);
    buffer_free(&above);
    draw_begin_row();
    render_draw(&self.render, &self.out);
    draw_send();
}

static void
draw_plain(void)
{
    draw_begin_row();
    if (self.due) {
        self.due = false;
        rl_on_new_line();
        rl_forced_update_display(); /* which comes back here */
        return;
    }
    rl_redisplay();
}

static void
draw_measure(void)
{
    term_size(self.term, &self.columns, &self.height);
}

static void
draw_plain_size(void)
{
    if (self.columns < LEAST_PLAIN) {
        rl_set_screen_size(self.height, LEAST_PLAIN);
    }
}

void
term_draw_begin(const Term *term, const TermClient *client, const char *more)
{
    self.term = term;
    self.client = client;
    self.more = more;
    self.finished = self.over = self.begun = false;
    self.due = false;
    self.word[0] = '\0';
    self.word_is_command = false;
    self.render.colour = theme_is_wanted(isatty(fileno(term->out)));
    self.render.shifts = rl_get_termcap("IC") != NULL && rl_get_termcap("DC") != NULL;
    render_forget(&self.render);
    draw_measure();
    if (term->plain) {
        draw_plain_size();
    }
}

static void
draw_drop_partial(void)
{
    free(self.partial);
    self.partial = NULL;
    self.partial_is_shown = false;
}

static void
draw_forget(void)
{
    draw_drop_partial();
    render_forget(&self.render);
    self.term = NULL;
}

void
term_draw_end(void)
{
    draw_wait_for_place();
    if (self.partial != NULL && !self.partial_is_shown) {
        buffer_add_string(&self.out, self.over ? "" : "\r\n");
        buffer_add_string(&self.out, self.partial);
        buffer_add_string(&self.out, "\r\n");
        draw_send();
    }
    draw_forget();
}

void
term_draw_forked(void)
{
    self.giving_way = own_way = 0;
    draw_forget();
}

void
term_draw(void)
{
    /* While more is waiting to be read, as in a paste, drawing each step would cost the square of its length. */
    if (self.term == NULL || self.over || draw_has_to_wait()
        || term_bytes_are_waiting(fileno(rl_instream))) {
        return;
    }
    if (self.term->plain) {
        draw_plain();
    }
    else {
        draw_block();
    }
}

/* A block that is taller than the screen: all of it goes to the lines that can be scrolled back to. */
static void
draw_in_full(void)
{
    enum { LONGEST = 2000 }; /* rows */
    const Layout *shown = &self.render.shown;
    if (shown->total > shown->row_count && shown->total <= LONGEST) {
        int height = self.height;
        render_erase(&self.render, &self.out);
        self.height = LONGEST + 1;
        draw_block();
        self.height = height;
    }
}

void
term_draw_finish(void)
{
    draw_wait_for_place();
    if (self.term->plain) {
        draw_plain();
        self.over = true;
        return;
    }
    self.finished = true;
    draw_block();
    draw_in_full();
    render_leave(&self.render, &self.out);
    buffer_add_string(&self.out, "\r\n");
    term_draw_leave();
    self.over = true;
}

void
term_draw_leave(void)
{
    if (self.term->plain) {
        int point = rl_point;
        rl_point = rl_end;
        rl_redisplay();
        rl_point = point;
        return;
    }
    if (!self.finished && !draw_has_to_wait()) {
        draw_block(); /* while more keys are waiting it may not have been */
    }
    render_leave(&self.render, &self.out);
    draw_send();
    if (self.partial_is_shown) {
        draw_drop_partial();
    }
}

void
term_draw_hide(void)
{
    if (self.term->plain) {
        rl_clear_visible_line();
        fflush(self.term->out);
        return;
    }
    render_erase(&self.render, &self.out);
    draw_send();
}

void
term_draw_again(void)
{
    if (self.term->plain) {
        rl_on_new_line();
        rl_forced_update_display();
        return;
    }
    render_forget(&self.render);
    term_draw();
}

void
term_draw_anew(void)
{
    draw_wait_for_place();
    draw_measure();
    if (self.term->plain) {
        draw_plain_size();
    }
    else {
        rl_set_screen_size(self.height, self.columns);
        buffer_add_string(&self.out, "\r\033[J");
        draw_send();
    }
    term_draw_again();
}

/* Does the terminal wrap lines anew when its width changes? Nearly all do. xterm, GNU screen, rxvt and the Linux
 * console do not, and taking them for one that does would erase what stands above the prompt. */
static bool
draw_reflows(void)
{
    static const char *const rigid[] = {"linux", "screen", "rxvt", "vt", "ansi"};
    const char *name = getenv("TERM");
    bool in_tmux = getenv("TMUX") != NULL;
    if (!in_tmux && (name == NULL || getenv("XTERM_VERSION") != NULL)) {
        return false;
    }
    for (size_t i = 0; !in_tmux && i < sizeof rigid / sizeof *rigid; i++) {
        if (strncmp(name, rigid[i], strlen(rigid[i])) == 0) {
            return false;
        }
    }
    return true;
}

void
term_draw_resize(void)
{
    draw_wait_for_place();
    draw_measure();
    if (self.term->plain && self.columns < LEAST_PLAIN) {
        draw_plain_size();
        return;
    }
    if (self.term->plain) {
        rl_voidfunc_t *ours = rl_redisplay_function;
        rl_redisplay_function = rl_redisplay; /* for another one readline would not clear the line first */
        rl_resize_terminal();
        rl_redisplay_function = ours;
        return;
    }
    rl_set_screen_size(self.height, self.columns);
    render_resize(&self.render, &self.out, self.columns, self.height, draw_reflows());
    draw_block();
}

void
term_draw_clear(bool all)
{
    buffer_add_string(&self.out, all ? "\033[H\033[2J\033[3J" : "\033[H\033[2J");
    draw_send();
    term_draw_again();
}

/* ---- output of others ---- */

char *
term_draw_give_way(void)
{
    if (self.giving_way++ == 0 && self.term != NULL) {
        draw_begin_row();
        term_draw_hide();
    }
    own_way++;
    char *partial = self.partial;
    self.partial = NULL;
    self.partial_is_shown = false;
    return partial;
}

/* Behind what another thread has left there meanwhile, as on a terminal without a prompt. */
static void
draw_add_partial(const char *partial)
{
    size_t before = self.partial == NULL ? 0 : strlen(self.partial);
    char *longer = realloc(self.partial, before + strlen(partial) + 1);
    if (longer != NULL) {
        strcpy(longer + before, partial);
        self.partial = longer;
    }
}

void
term_draw_take_place(const char *partial)
{
    enum { LONGEST = 4096 }; /* bytes: more is no line that somebody reads, and is left where it is */
    if (self.term != NULL) {
        if (strlen(partial) > LONGEST) {
            buffer_add_string(&self.out, partial);
            buffer_add_string(&self.out, "\r\n");
            draw_send();
        }
        else if (*partial != '\0') {
            draw_add_partial(partial);
        }
        self.due = true;
    }
    if (own_way == 0) {
        return; /* a child of fork(), where nobody gives way */
    }
    own_way--;
    if (--self.giving_way == 0 && self.term != NULL) {
        term_signals_wake();
    }
}

bool
term_draw_is_due(void)
{
    return self.due && !draw_has_to_wait();
}
