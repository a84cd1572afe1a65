/* layout.h: rows, wrapping, the cursor, what is seen of a tall block. */
#include "layout.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

static Layout layout;
static Block block;

static void
set_up(void)
{
    ck_assert_ptr_nonnull(setlocale(LC_ALL, "C.UTF-8"));
    layout = (Layout){0};
    block = (Block){.above = "", .prompt = ">>> ", .more = "... ", .columns = 80, .height = 24};
}

static void
tear_down(void)
{
    layout_free(&layout);
}

/* Lay a text out with the cursor at `|`, which is no part of it. */
static void
lay_out(const char *text, int top)
{
    static char without[4096];
    const char *bar = strchr(text, '|');
    size_t before = bar == NULL ? strlen(text) : (size_t)(bar - text);
    memcpy(without, text, before);
    strcpy(without + before, bar == NULL ? "" : bar + 1);
    block.text = without;
    block.size = strlen(without);
    block.point = before;
    layout_block(&layout, &block, top);
    ck_assert(!layout.failed);
}

/* A row as the screen shows it. */
static const char *
row_text(int at)
{
    static char text[512];
    ck_assert_int_lt(at, layout.row_count);
    size_t size = 0;
    const Row *row = &layout.rows[at];
    int columns = 0;
    for (size_t i = 0; i < row->count; i++) {
        const Cell *cell = &layout.cells[row->first + i];
        memcpy(text + size, layout.bytes.bytes + cell->start, cell->size);
        size += cell->size;
        columns += cell->columns;
    }
    text[size] = '\0';
    ck_assert_int_eq(columns, row->columns);
    ck_assert_int_le(columns, block.columns);
    return text;
}

static void
assert_cursor(int row, int column)
{
    ck_assert_int_eq(layout.cursor_row, row);
    ck_assert_int_eq(layout.cursor_column, column);
}

START_TEST(test_empty_block_is_its_prompt)
{
    lay_out("|", 0);
    ck_assert_int_eq(layout.total, 1);
    ck_assert_str_eq(row_text(0), ">>> ");
    assert_cursor(0, 4);
}
END_TEST

START_TEST(test_lines_have_prompts)
{
    lay_out("for i in x:\n    pr|int(i)\n", 0);
    ck_assert_int_eq(layout.total, 3);
    ck_assert_str_eq(row_text(0), ">>> for i in x:");
    ck_assert_str_eq(row_text(1), "...     print(i)");
    ck_assert_str_eq(row_text(2), "... ");
    assert_cursor(1, 10);
    ck_assert(!layout.rows[1].continues);
}
END_TEST

START_TEST(test_long_line_wraps)
{
    block.columns = 10;
    lay_out("abcdefghij|kl", 0);
    ck_assert_int_eq(layout.total, 2);
    ck_assert_str_eq(row_text(0), ">>> abcdef");
    ck_assert_str_eq(row_text(1), "ghijkl");
    ck_assert(layout.rows[1].continues);
    assert_cursor(1, 4);
}
END_TEST

/* Behind a row that is full to its last column the cursor needs one more, but only if it stands there. */
START_TEST(test_full_row)
{
    block.columns = 10;
    lay_out("abcdef|", 0);
    ck_assert_int_eq(layout.total, 2);
    ck_assert_str_eq(row_text(1), "");
    ck_assert(layout.rows[1].continues);
    assert_cursor(1, 0);
    lay_out("abcde|f", 0);
    ck_assert_int_eq(layout.total, 1);
    assert_cursor(0, 9);
    lay_out("abcdef|\nx", 0);
    ck_assert_int_eq(layout.total, 3);
    assert_cursor(1, 0);
    lay_out("abcdef\n|x", 0);
    ck_assert_int_eq(layout.total, 2);
    assert_cursor(1, 4);
}
END_TEST

/* Wherever the cursor is, it stands where the character before it ends. */
START_TEST(test_cursor_at_every_offset)
{
    static const char text[] = "abcdefghijklmnop\nqrstuvwxyz0123456789\n";
    for (block.columns = 1; block.columns < 30; block.columns++) {
        for (size_t point = 0; point < sizeof text; point++) {
            int row = 0, column = 0;
            for (size_t at = 0; at < point + 4; at++) { /* the prompts are four columns */
                char c = at < 4 ? '>' : text[at - 4];
                for (int i = 0; i < (c == '\n' ? 4 : 1); i++) {
                    if (c == '\n' && i == 0) {
                        row++;
                        column = 0;
                    }
                    if (column == block.columns) {
                        row++;
                        column = 0;
                    }
                    column++;
                }
            }
            if (column == block.columns) {
                row++;
                column = 0;
            }
            block.text = text;
            block.size = sizeof text - 1;
            block.point = point;
            block.height = 1000;
            layout_block(&layout, &block, 0);
            if (point < sizeof text) {
                assert_cursor(row, column);
            }
        }
    }
}
END_TEST

START_TEST(test_wide_characters_do_not_split)
{
    block.columns = 9;
    lay_out("漢字か|な", 0);
    ck_assert_str_eq(row_text(0), ">>> 漢字");
    ck_assert_int_eq(layout.rows[0].columns, 8);
    ck_assert_str_eq(row_text(1), "かな");
    assert_cursor(1, 2);
    lay_out("漢字|かな", 0);
    assert_cursor(1, 0);
}
END_TEST

START_TEST(test_combining_characters_stay_with_their_base)
{
    lay_out("e\u0301|x", 0);
    assert_cursor(0, 5);
    ck_assert_int_eq(layout.rows[0].columns, 6);
    block.columns = 5;
    lay_out("e\u0301x|", 0);
    ck_assert_str_eq(row_text(0), ">>> e\u0301");
}
END_TEST

START_TEST(test_tabs_count_from_the_text)
{
    lay_out("\tx\n\ty|", 0);
    ck_assert_str_eq(row_text(0), ">>>         x");
    ck_assert_str_eq(row_text(1), "...         y");
    lay_out("ab\tx|", 0);
    ck_assert_str_eq(row_text(0), ">>> ab      x");
    assert_cursor(0, 13);
}
END_TEST

START_TEST(test_control_characters_and_bytes_are_shown)
{
    lay_out("a\001b\177c\377d|", 0);
    ck_assert_str_eq(row_text(0), ">>> a^Ab^?c\\xffd");
    assert_cursor(0, 16);
}
END_TEST

START_TEST(test_prompt_may_have_colours)
{
    block.prompt = "\001\033[32m\002in\001\033[0m\002> ";
    lay_out("x|", 0);
    ck_assert_int_eq(layout.rows[0].columns, 5);
    assert_cursor(0, 5);
    block.prompt = "\033[1;32min\033[0m> ";
    lay_out("x|", 0);
    ck_assert_int_eq(layout.rows[0].columns, 5);
}
END_TEST

START_TEST(test_prompt_may_have_lines)
{
    block.prompt = "above\n> ";
    lay_out("x|", 0);
    ck_assert_str_eq(row_text(0), "above");
    ck_assert_str_eq(row_text(1), "> x");
    assert_cursor(1, 3);
}
END_TEST

START_TEST(test_unfinished_output_stands_above)
{
    block.above = "50%";
    lay_out("x|", 0);
    ck_assert_str_eq(row_text(0), "50%");
    ck_assert_str_eq(row_text(1), ">>> x");
    assert_cursor(1, 5);
}
END_TEST

/* What is seen moves no further than it must. */
START_TEST(test_tall_block_scrolls_with_the_cursor)
{
    block.height = 3;
    lay_out("0\n1\n2\n3\n4\n5|", 0);
    ck_assert_int_eq(layout.total, 6);
    ck_assert_int_eq(layout.top, 3);
    ck_assert_int_eq(layout.row_count, 3);
    ck_assert_str_eq(row_text(0), "... 3");
    assert_cursor(2, 5);
    lay_out("0\n1\n2\n3|\n4\n5", 3);
    ck_assert_int_eq(layout.top, 3);
    lay_out("0\n1\n2|\n3\n4\n5", 3);
    ck_assert_int_eq(layout.top, 2);
    assert_cursor(0, 5);
    lay_out("|0\n1\n2\n3\n4\n5", 2);
    ck_assert_int_eq(layout.top, 0);
    ck_assert_str_eq(row_text(0), ">>> 0");
    lay_out("0\n1|", 3); /* it has become shorter */
    ck_assert_int_eq(layout.top, 0);
}
END_TEST

START_TEST(test_one_column)
{
    block.columns = 1;
    block.height = 5;
    lay_out("a漢\tb\001|", 0);
    ck_assert_int_eq(layout.row_count, 5);
    for (int i = 0; i < layout.row_count; i++) {
        ck_assert_int_le(layout.rows[i].columns, 1);
    }
}
END_TEST

START_TEST(test_styles_go_with_their_bytes)
{
    static const uint8_t styles[] = {1, 1, 1, 0, 4};
    block.styles = styles;
    block.prompt_style = 9;
    lay_out("def |x", 0);
    ck_assert_int_eq(layout.cells[0].style, 9);
    ck_assert_int_eq(layout.cells[4].style, 1);
    ck_assert_int_eq(layout.cells[7].style, 0);
    ck_assert_int_eq(layout.cells[8].style, 4);
}
END_TEST

/* A block of megabytes makes cells of what is seen, and no more. */
START_TEST(test_large_block)
{
    enum { SIZE = 10 << 20 };
    char *text = malloc(SIZE);
    memset(text, 'x', SIZE);
    for (size_t at = 70; at < SIZE; at += 71) {
        text[at] = '\n';
    }
    block.text = text;
    block.size = block.point = SIZE;
    layout_block(&layout, &block, 0);
    ck_assert_int_eq(layout.total, SIZE / 71 + 1);
    ck_assert_uint_le(layout.count, 80 * 24);
    ck_assert_int_eq(layout.cursor_row, 23);
    free(text);
}
END_TEST

/* So does one line of megabytes, wherever the cursor is. A walk that measured the rest of the line at each step would
 * not come to its end before the unit's time is up, by hours. */
START_TEST(test_large_line)
{
    enum { SIZE = 10 << 20, COLUMNS = 80, HEIGHT = 24 };
    const size_t points[] = {0, SIZE / 2, SIZE};
    char *text = malloc(SIZE);
    memset(text, 'x', SIZE);
    block.text = text;
    block.size = SIZE;
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        block.point = points[i];
        layout_block(&layout, &block, 0);
        ck_assert_int_eq(layout.total, (SIZE + 4) / COLUMNS + 1);
        ck_assert_uint_le(layout.count, COLUMNS * HEIGHT);
        ck_assert_int_eq(layout.top + layout.cursor_row, (int)(points[i] + 4) / COLUMNS);
    }
    free(text);
}
END_TEST

/* What is seen of a long line is what a screen that is tall enough shows there. */
START_TEST(test_part_of_a_long_line)
{
    static const char text[] = "abcdefghijklmnopqrstuvwxyz0123456789e\u0301ABCDEFGHIJ漢字KLMNOPQ\nrstuvwxyz0123456789";
    Layout whole = {0};
    block.text = text;
    block.size = sizeof text - 1;
    for (block.columns = 2; block.columns < 12; block.columns++) {
        for (block.point = 0; block.point <= block.size; block.point++) {
            block.height = 1000;
            layout_block(&whole, &block, 0);
            block.height = 3;
            layout_block(&layout, &block, 0);
            ck_assert_int_eq(layout.total, whole.total);
            ck_assert_int_eq(layout.top + layout.cursor_row, whole.cursor_row);
            ck_assert_int_eq(layout.cursor_column, whole.cursor_column);
            for (int at = 0; at < layout.row_count; at++) {
                const Row *row = &layout.rows[at], *same = &whole.rows[layout.top + at];
                ck_assert_uint_eq(row->count, same->count);
                ck_assert_int_eq(row->columns, same->columns);
                ck_assert_int_eq(row->continues, same->continues);
                for (size_t i = 0; i < row->count; i++) {
                    const Cell *cell = &layout.cells[row->first + i], *other = &whole.cells[same->first + i];
                    ck_assert_uint_eq(cell->size, other->size);
                    ck_assert_mem_eq(layout.bytes.bytes + cell->start, whole.bytes.bytes + other->start, cell->size);
                }
            }
        }
    }
    layout_free(&whole);
}
END_TEST

int
main(void)
{
    const TTest *const tests[] = {
        test_empty_block_is_its_prompt, test_lines_have_prompts, test_long_line_wraps, test_full_row,
        test_cursor_at_every_offset, test_wide_characters_do_not_split,
        test_combining_characters_stay_with_their_base, test_tabs_count_from_the_text,
        test_control_characters_and_bytes_are_shown, test_prompt_may_have_colours, test_prompt_may_have_lines,
        test_unfinished_output_stands_above, test_tall_block_scrolls_with_the_cursor, test_one_column,
        test_styles_go_with_their_bytes, test_large_block, test_large_line, test_part_of_a_long_line,
    };
    TCase *cases = tcase_create("layout");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        tcase_add_test(cases, tests[i]);
    }
    return unit_run("layout", (TCase *const[]){cases}, 1);
}
