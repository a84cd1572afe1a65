/* history.h: the lines typed at the prompt. */
#include "history.h"

#include <stdio.h>
#include <string.h>

#include "unit.h"

static History history;

static void
set_up(void)
{
    history = (History){NULL, 0, 0};
}

static void
tear_down(void)
{
    history_free(&history);
}

START_TEST(test_keeps_in_order)
{
    ck_assert(history_keep(&history, "a = 1"));
    ck_assert(history_keep(&history, "b = 2"));
    ck_assert(history_keep(&history, "if a:\n    b"));
    ck_assert_uint_eq(history.count, 3);
    ck_assert_str_eq(history.entries[0], "a = 1");
    ck_assert_str_eq(history.entries[1], "b = 2");
    ck_assert_str_eq(history.entries[2], "if a:\n    b");
}
END_TEST

START_TEST(test_keeps_a_copy)
{
    char line[] = "secret";
    ck_assert(history_keep(&history, line));
    memset(line, 'x', sizeof line - 1);
    ck_assert_str_eq(history.entries[0], "secret");
}
END_TEST

static const char *const left_out[] = {"", " ", "\t", "\n", " \t\r\n", "\t\t"};
enum { LEFT_OUT = sizeof left_out / sizeof *left_out };

START_TEST(test_leaves_out)
{
    ck_assert(history_keep(&history, left_out[_i]));
    ck_assert_uint_eq(history.count, 0);
}
END_TEST

START_TEST(test_same_again)
{
    ck_assert(history_keep(&history, "a"));
    ck_assert(history_keep(&history, "a"));
    ck_assert_uint_eq(history.count, 1);
    ck_assert(history_keep(&history, "b"));
    ck_assert(history_keep(&history, " a"));
    ck_assert(history_keep(&history, "a"));
    ck_assert_uint_eq(history.count, 4);
}
END_TEST

/* The oldest go, one for each new one; the order stays. */
START_TEST(test_limit)
{
    enum { BEYOND = 250 };
    char line[32];
    for (int i = 0; i < HISTORY_LIMIT + BEYOND; i++) {
        snprintf(line, sizeof line, "line %d", i);
        ck_assert(history_keep(&history, line));
        ck_assert_uint_le(history.count, HISTORY_LIMIT);
        ck_assert_uint_le(history.count, history.size);
        ck_assert_str_eq(history.entries[history.count - 1], line);
    }
    ck_assert_uint_eq(history.count, HISTORY_LIMIT);
    for (int i = 0; i < HISTORY_LIMIT; i++) {
        snprintf(line, sizeof line, "line %d", i + BEYOND);
        ck_assert_str_eq(history.entries[i], line);
    }
}
END_TEST

START_TEST(test_long_line)
{
    enum { LENGTH = 10000000 };
    char *line = malloc(LENGTH + 1);
    ck_assert_ptr_nonnull(line);
    memset(line, 'a', LENGTH);
    line[LENGTH] = '\0';
    ck_assert(history_keep(&history, line));
    ck_assert_uint_eq(strlen(history.entries[0]), LENGTH);
    free(line);
}
END_TEST

START_TEST(test_free)
{
    history_free(&history); /* of nothing */
    ck_assert(history_keep(&history, "a"));
    history_free(&history);
    ck_assert_uint_eq(history.count, 0);
    ck_assert_ptr_null(history.entries);
    ck_assert(history_keep(&history, "a"));
    ck_assert_uint_eq(history.count, 1);
}
END_TEST

int
main(void)
{
    TCase *list = tcase_create("list");
    tcase_add_checked_fixture(list, set_up, tear_down);
    tcase_add_test(list, test_keeps_in_order);
    tcase_add_test(list, test_keeps_a_copy);
    tcase_add_loop_test(list, test_leaves_out, 0, LEFT_OUT);
    tcase_add_test(list, test_same_again);
    tcase_add_test(list, test_limit);
    tcase_add_test(list, test_long_line);
    tcase_add_test(list, test_free);
    return unit_run("history", (TCase *const[]){list}, 1);
}
