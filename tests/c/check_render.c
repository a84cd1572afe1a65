/* render.h: what is sent makes a terminal show the block, whatever it showed before, and is short. */
#include "render.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "theme.h"
#include "unit.h"

/* ---- a terminal: what xterm makes of the sequences that render.c sends ---- */

enum { MOST_COLUMNS = 100, MOST_ROWS = 200 };

typedef struct Glyph {
    char bytes[32]; /* "" for a blank; of a wide character the second cell is "\x01" */
    int style;
} Glyph;

static struct {
    Glyph cells[MOST_ROWS][MOST_COLUMNS];
    bool continues[MOST_ROWS]; /* the row above wrapped into it */
    int columns, rows;
    int row, column;
    bool pending;
    int style;
    int gone; /* rows that have left at the top */
    bool hidden;
} terminal;

static void
terminal_reset(int columns, int rows)
{
    memset(&terminal, 0, sizeof terminal);
    terminal.columns = columns;
    terminal.rows = rows;
}

static void
terminal_line_feed(void)
{
    if (terminal.row + 1 < terminal.rows) {
        terminal.row++;
        return;
    }
    terminal.gone++;
    memmove(terminal.cells[0], terminal.cells[1], sizeof terminal.cells[0] * (size_t)(terminal.rows - 1));
    memmove(&terminal.continues[0], &terminal.continues[1], sizeof(bool) * (size_t)(terminal.rows - 1));
    memset(terminal.cells[terminal.rows - 1], 0, sizeof terminal.cells[0]);
    terminal.continues[terminal.rows - 1] = false;
}

static void
terminal_erase(int row, int from)
{
    for (int column = from; column < MOST_COLUMNS; column++) {
        terminal.cells[row][column] = (Glyph){"", 0};
    }
    terminal.continues[row] &= from > 0;
}

static void
terminal_print(const char *bytes, size_t size, int columns)
{
    if (columns == 0) { /* combines with the one before */
        Glyph *glyph = &terminal.cells[terminal.row][terminal.pending ? terminal.column : terminal.column - 1];
        if (strcmp(glyph->bytes, "\001") == 0) {
            glyph--;
        }
        strncat(glyph->bytes, bytes, size);
        return;
    }
    if (terminal.pending || terminal.column + columns > terminal.columns) {
        terminal_line_feed();
        terminal.column = 0;
        terminal.pending = false;
        terminal.continues[terminal.row] = true;
    }
    Glyph *glyph = &terminal.cells[terminal.row][terminal.column];
    *glyph = (Glyph){"", terminal.style};
    memcpy(glyph->bytes, bytes, size);
    if (columns == 2) {
        glyph[1] = (Glyph){"\001", terminal.style};
    }
    terminal.column += columns;
    if (terminal.column == terminal.columns) {
        terminal.column--;
        terminal.pending = true;
    }
}

static void
terminal_control(const char *parameters, char final)
{
    int number = atoi(parameters);
    int count = number > 0 ? number : 1;
    if (final != 'm' && final != 'h' && final != 'l') {
        terminal.pending = false;
    }
    switch (final) {
    case 'A':
        terminal.row = terminal.row > count ? terminal.row - count : 0;
        break;
    case 'B':
        terminal.row += count;
        ck_assert_int_lt(terminal.row, terminal.rows);
        break;
    case 'C':
        terminal.column += count;
        ck_assert_int_lt(terminal.column, terminal.columns);
        break;
    case 'D':
        ck_assert_int_ge(terminal.column, count);
        terminal.column -= count;
        break;
    case 'G':
        terminal.column = count - 1;
        break;
    case '@': {
        Glyph *row = terminal.cells[terminal.row];
        for (int column = terminal.columns - 1; column >= terminal.column; column--) {
            row[column] = column - count >= terminal.column ? row[column - count] : (Glyph){"", 0};
        }
        break;
    }
    case 'P': {
        Glyph *row = terminal.cells[terminal.row];
        for (int column = terminal.column; column < terminal.columns; column++) {
            row[column] = column + count < terminal.columns ? row[column + count] : (Glyph){"", 0};
        }
        break;
    }
    case 'K':
        terminal_erase(terminal.row, terminal.column);
        break;
    case 'J':
        terminal_erase(terminal.row, terminal.column);
        for (int row = terminal.row + 1; row < terminal.rows; row++) {
            terminal_erase(row, 0);
        }
        break;
    case 'm':
        terminal.style = strcmp(parameters, "0") != 0;
        break;
    case 'h':
    case 'l':
        ck_assert_str_eq(parameters, "?25");
        terminal.hidden = final == 'l';
        break;
    default:
        ck_abort_msg("no terminal knows ESC [ %s %c", parameters, final);
    }
}

static void
terminal_feed(const char *bytes, size_t size)
{
    mbstate_t state = {0};
    for (size_t at = 0; at < size;) {
        char c = bytes[at];
        if (c == '\033') {
            ck_assert_int_eq(bytes[at + 1], '[');
            size_t length = strspn(bytes + at + 2, "0123456789;?");
            char parameters[32] = "";
            memcpy(parameters, bytes + at + 2, length);
            terminal_control(parameters, bytes[at + 2 + length]);
            at += length + 3;
            continue;
        }
        if (c == '\r' || c == '\n' || c == '\b') {
            terminal.pending = false;
            if (c == '\r') {
                terminal.column = 0;
            }
            else if (c == '\n') {
                terminal_line_feed();
            }
            else {
                ck_assert_int_gt(terminal.column, 0);
                terminal.column--;
            }
            at++;
            continue;
        }
        wchar_t wide;
        size_t length = mbrtowc(&wide, bytes + at, size - at, &state);
        ck_assert_uint_lt(length, 10);
        terminal_print(bytes + at, length, wcwidth(wide));
        at += length;
    }
}

/* ---- the block and the terminal ---- */

static Render render;
static Block block;
static int origin; /* the row at which the block began, counted from the first one ever shown */

static void
set_up(void)
{
    ck_assert_ptr_nonnull(setlocale(LC_ALL, "C.UTF-8"));
    render = (Render){.colour = true};
    block = (Block){.above = "", .prompt = ">>> ", .more = "... ", .columns = 80, .height = 23};
    terminal_reset(80, 24);
    origin = 0;
}

static void
tear_down(void)
{
    render_free(&render);
}

/* Does the terminal show what the layout says? */
static void
assert_shown(void)
{
    const Layout *shown = &render.shown;
    int first = origin - terminal.gone;
    for (int at = 0; at < shown->row_count; at++) {
        const Row *row = &shown->rows[at];
        int column = 0;
        for (size_t i = 0; i < row->count; i++) {
            const Cell *cell = &shown->cells[row->first + i];
            const Glyph *glyph = &terminal.cells[first + at][column];
            ck_assert_uint_eq(strlen(glyph->bytes), cell->size);
            ck_assert_mem_eq(glyph->bytes, shown->bytes.bytes + cell->start, cell->size);
            ck_assert_int_eq(glyph->style, cell->style != 0);
            column += cell->columns;
        }
        for (; column < terminal.columns; column++) {
            const char *rest = terminal.cells[first + at][column].bytes;
            ck_assert(strcmp(rest, "") == 0 || strcmp(rest, " ") == 0);
        }
    }
    for (int row = first + shown->row_count; row < terminal.rows; row++) {
        for (int column = 0; column < terminal.columns; column++) {
            ck_assert_str_eq(terminal.cells[row][column].bytes, "");
        }
    }
    ck_assert_int_eq(terminal.row, first + shown->cursor_row);
    ck_assert_int_eq(terminal.column, shown->cursor_column);
    ck_assert(!terminal.pending && !terminal.hidden && terminal.style == 0);
}

/* Draw the text with the cursor at `|`, and see that it is there. The bytes that it took. */
static size_t
draw(const char *text)
{
    static char without[8192];
    Buffer out = {0};
    const char *bar = strchr(text, '|');
    size_t before = bar == NULL ? strlen(text) : (size_t)(bar - text);
    memcpy(without, text, before);
    strcpy(without + before, bar == NULL ? "" : bar + 1);
    block.text = without;
    block.size = strlen(without);
    block.point = before;
    layout_block(&render.next, &block, render.shown.row_count > 0 ? render.shown.top : 0);
    render_draw(&render, &out);
    size_t size = out.size;
    terminal_feed(out.bytes == NULL ? "" : out.bytes, size);
    buffer_free(&out);
    /* A block that grows beyond the bottom has pushed its own beginning up. */
    if (origin - terminal.gone + render.shown.row_count > terminal.rows) {
        origin = terminal.gone + terminal.rows - render.shown.row_count;
    }
    assert_shown();
    return size;
}

static void
resize(int columns, int rows)
{
    block.columns = terminal.columns = columns;
    terminal.rows = rows;
    block.height = rows > 1 ? rows - 1 : 1;
}

START_TEST(test_shows_a_block)
{
    draw("for i in x:\n    print(i)|");
    ck_assert_str_eq(terminal.cells[0][0].bytes, ">");
    ck_assert_str_eq(terminal.cells[1][8].bytes, "p");
}
END_TEST

/* A key costs what it changes: at 9600 baud a byte takes a millisecond. */
START_TEST(test_keys_are_cheap)
{
    draw("for i in x:\n    pri|");
    ck_assert_uint_eq(draw("for i in x:\n    prin|"), 1);
    ck_assert_uint_eq(draw("for i in x:\n    print|"), 1);
    ck_assert_uint_le(draw("for i in x:\n    prin|t"), 1);
    ck_assert_uint_le(draw("for| i in x:\n    print"), 8);
    ck_assert_uint_le(draw("foo| i in x:\n    print"), 2);
    ck_assert_uint_le(draw("fo| i in x:\n    print"), 20);
    ck_assert_uint_eq(draw("fo| i in x:\n    print"), 0);
}
END_TEST

START_TEST(test_keys_in_the_middle_are_cheap)
{
    draw("total = sum(|values of the whole year)");
    size_t without = draw("total = sum(a|values of the whole year)");
    render.shifts = true;
    ck_assert_uint_lt(draw("total = sum(ab|values of the whole year)"), without / 3);
    ck_assert_uint_lt(draw("total = sum(a|values of the whole year)"), without / 3);
    ck_assert_uint_lt(draw("total = |(avalues of the whole year)"), without / 3);
    draw("total = |(avalues of the whole yea)");
}
END_TEST

START_TEST(test_a_new_line_in_the_middle)
{
    draw("a\nb|\nc\nd");
    draw("a\nb\n|\nc\nd");
    draw("a\nb|\nc\nd");
    draw("a|");
}
END_TEST

/* The terminal knows rows of one line for one, or copying would break it. */
START_TEST(test_wrapped_lines_are_one_line)
{
    resize(10, 24);
    draw("abcdefghijklmnopqrstuvwxyz|");
    ck_assert(!terminal.continues[0] && terminal.continues[1] && terminal.continues[2]);
    tear_down();
    set_up();
    resize(10, 24);
    char text[] = "abcdefghijklmnopqrstuvwxyz|";
    for (size_t size = 1; size < sizeof text - 1; size++) { /* key by key */
        char part[40] = "";
        memcpy(part, text, size);
        strcat(part, "|");
        draw(part);
    }
    ck_assert(terminal.continues[1] && terminal.continues[2]);
}
END_TEST

START_TEST(test_a_block_at_the_bottom_scrolls)
{
    resize(20, 6);
    terminal.row = origin = 5;
    draw("a|");
    draw("a\nb\nc|");
    draw("a\nb\nc\nd\ne\nf\ng\nh|");
    ck_assert_int_eq(render.shown.row_count, 5);
    draw("a\nb|\nc\nd\ne\nf\ng\nh");
    draw("|a\nb\nc\nd\ne\nf\ng\nh");
    draw("a|");
}
END_TEST

START_TEST(test_erase_leaves_nothing)
{
    draw("a\nb\nc|\nd");
    Buffer out = {0};
    render_erase(&render, &out);
    terminal_feed(out.bytes, out.size);
    buffer_free(&out);
    for (int row = 0; row < terminal.rows; row++) {
        for (int column = 0; column < terminal.columns; column++) {
            ck_assert_str_eq(terminal.cells[row][column].bytes, "");
        }
    }
    ck_assert_int_eq(terminal.row, 0);
    ck_assert_int_eq(terminal.column, 0);
}
END_TEST

START_TEST(test_leave_goes_to_the_last_row)
{
    draw("a|\nb\nc\nd");
    Buffer out = {0};
    render_leave(&render, &out);
    terminal_feed(out.bytes, out.size);
    buffer_free(&out);
    ck_assert_int_eq(terminal.row, 3);
    ck_assert_str_eq(terminal.cells[3][4].bytes, "d");
}
END_TEST

START_TEST(test_without_colour_there_are_no_colours)
{
    static const uint8_t styles[] = {STYLE_KEYWORD, STYLE_KEYWORD, STYLE_KEYWORD};
    Buffer out = {0};
    render.colour = false;
    block.styles = styles;
    block.prompt_style = STYLE_PROMPT;
    block.text = "def";
    block.size = block.point = 3;
    layout_block(&render.next, &block, 0);
    render_draw(&render, &out);
    ck_assert_ptr_null(strstr(out.bytes, "m"));
    buffer_free(&out);
}
END_TEST

/* The cursor goes where we count it to be, whatever the terminal makes of the sequence of emoji. */
START_TEST(test_fragile_characters_are_followed_by_a_place)
{
    Buffer out = {0};
    block.text = "\U0001F469\u200D\U0001F4BBx";
    block.size = block.point = strlen(block.text);
    layout_block(&render.next, &block, 0);
    render_draw(&render, &out);
    ck_assert_ptr_nonnull(strstr(out.bytes, "\033[7Gx"));
    buffer_free(&out);
}
END_TEST

/* When the terminal wraps anew, the block takes other rows than before; when it does not, the same. */
START_TEST(test_resize_goes_to_the_start_of_the_block)
{
    resize(40, 24);
    draw("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\nbbbbbbbbbb|");
    Buffer out = {0};
    render_resize(&render, &out, 20, 24, true);
    ck_assert_str_eq(out.bytes, "\r\033[2A\033[J");
    buffer_empty(&out);
    terminal_reset(40, 24);
    draw("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\nbbbbbbbbbb|");
    render_resize(&render, &out, 20, 24, false);
    ck_assert_str_eq(out.bytes, "\r\033[A\033[J");
    buffer_free(&out);
}
END_TEST

/* Is that within a character, or before one that combines with what stands before it? */
static bool
is_within(const char *text, size_t at)
{
    unsigned char c = (unsigned char)text[at];
    return at > 0 && (((c & 0xc0) == 0x80) || c == 0xcc);
}

/* Any text after any other, in any size of terminal. */
START_TEST(test_any_change)
{
    static const char *const pieces[] = {"a", "b", " ", "\n", "def ", "漢", "e\u0301", "\t", "\001", "xyzxyzxyz", "|"};
    srand((unsigned)_i + 1);
    resize(1 + rand() % 40, 1 + rand() % 12);
    terminal.row = origin = rand() % terminal.rows;
    static uint8_t styles[8192];
    block.styles = styles;
    block.prompt_style = rand() % 2;
    render.shifts = rand() % 2;
    char text[2048] = "";
    for (int round = 0; round < 60; round++) {
        size_t size = strlen(text);
        size_t keep = size == 0 ? 0 : (size_t)rand() % (size + 1);
        while (is_within(text, keep)) {
            keep--;
        }
        char rest[2048];
        strcpy(rest, text + keep);
        text[keep] = '\0';
        for (int i = rand() % 12; i > 0; i--) {
            strcat(text, pieces[(size_t)rand() % (sizeof pieces / sizeof *pieces)]);
        }
        if (rand() % 2 && strlen(text) + strlen(rest) < 300) {
            strcat(text, rest);
        }
        for (size_t i = 0; i < sizeof styles; i++) {
            styles[i] = (uint8_t)(i % 7 < 3 && round % 3 != 0);
        }
        char once[2048]; /* one cursor is enough */
        size_t length = 0;
        for (const char *c = text; *c != '\0'; c++) {
            if (*c != '|') {
                once[length++] = *c;
            }
        }
        once[length] = '\0';
        size_t point = (size_t)rand() % (strlen(once) + 1);
        while (is_within(once, point)) {
            point--;
        }
        memmove(once + point + 1, once + point, strlen(once + point) + 1);
        once[point] = '|';
        draw(once);
    }
}
END_TEST

int
main(void)
{
    const TTest *const tests[] = {
        test_shows_a_block, test_keys_are_cheap, test_keys_in_the_middle_are_cheap, test_a_new_line_in_the_middle,
        test_wrapped_lines_are_one_line,
        test_a_block_at_the_bottom_scrolls, test_erase_leaves_nothing, test_leave_goes_to_the_last_row,
        test_without_colour_there_are_no_colours, test_fragile_characters_are_followed_by_a_place,
        test_resize_goes_to_the_start_of_the_block,
    };
    enum { SEEDS = 300 };
    TCase *cases = tcase_create("render");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        tcase_add_test(cases, tests[i]);
    }
    tcase_add_loop_test(cases, test_any_change, 0, SEEDS);
    return unit_run("render", (TCase *const[]){cases}, 1);
}
