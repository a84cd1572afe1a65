/* matches.h: how many names match, what they share, the first of them. */
#include "matches.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "unit.h"

static void
add(Matches *matches, const char *name)
{
    matches_add(matches, name, strlen(name));
}

static void
add_all(Matches *matches, const char *const *names)
{
    for (; *names != NULL; names++) {
        add(matches, *names);
    }
}

START_TEST(test_none)
{
    Matches matches = {.ignore_case = false};
    ck_assert_uint_eq(matches.count, 0);
    ck_assert_ptr_null(matches.common);
    matches_free(&matches);
}
END_TEST

START_TEST(test_in_order)
{
    Matches matches = {.ignore_case = false};
    add_all(&matches, (const char *const[]){"banana", "apple", "bananas", "Zebra", "apple", "b", "", NULL});
    static const char *const want[] = {"", "Zebra", "apple", "b", "banana", "bananas"};
    ck_assert_uint_eq(matches.count, 6);
    ck_assert_uint_eq(matches.kept, 6);
    for (size_t i = 0; i < 6; i++) {
        ck_assert_str_eq(matches.names[i], want[i]);
        ck_assert_uint_eq(matches.sizes[i], strlen(want[i]));
    }
    matches_free(&matches);
    ck_assert_uint_eq(matches.kept, 0);
}
END_TEST

typedef struct Common {
    const char *names[4];
    bool ignore_case;
    const char *common;
} Common;

static const Common commons[] = {
    {{"one"}, false, "one"},
    {{"alpha", "alphabet", "alpine"}, false, "alp"},
    {{"alphabet", "alpha"}, false, "alpha"},
    {{"same", "same"}, false, "same"},
    {{"alpha", "beta"}, false, ""},
    {{"Alpha", "alpine"}, false, ""},
    {{"Alpha", "alPine"}, true, "Alp"},
    /* letters are not cut in two: these differ in their second byte */
    {{"x\xc3\xa9", "x\xc3\xa8"}, false, "x"},
    {{"\xe2\x82\xac", "\xe2\x82\xad"}, true, ""},
    {{"\xc3\x84rger", "\xc3\xa4rgern"}, true, "\xc3\x84rger"},
    {{"\xc3\x84rger", "\xc3\xa4rgern"}, false, ""},
};
enum { COMMONS = sizeof commons / sizeof *commons };

START_TEST(test_common)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    const Common *want = &commons[_i];
    Matches matches = {.ignore_case = want->ignore_case};
    for (size_t i = 0; i < 4 && want->names[i] != NULL; i++) {
        add(&matches, want->names[i]);
    }
    ck_assert_str_eq(matches.common, want->common);
    ck_assert_uint_eq(matches.common_size, strlen(want->common));
    matches_free(&matches);
}
END_TEST

/* Names in an order that is neither rising nor falling: all of 0 to COUNT - 1, times a number prime to COUNT. */
START_TEST(test_many)
{
    enum { COUNT = 100000, STEP = 31337 };
    static const unsigned long steps[] = {1, STEP, COUNT - 1};
    Matches matches = {.ignore_case = false};
    for (unsigned long i = 0; i < COUNT; i++) {
        char name[32];
        snprintf(name, sizeof name, "name%06lu", i * steps[_i] % COUNT);
        add(&matches, name);
    }
    ck_assert_uint_eq(matches.count, COUNT);
    ck_assert_uint_eq(matches.kept, MATCHES_PAGE);
    ck_assert_str_eq(matches.common, "name0");
    for (unsigned i = 0; i < MATCHES_PAGE; i++) {
        char name[32];
        snprintf(name, sizeof name, "name%06u", i);
        ck_assert_str_eq(matches.names[i], name);
    }
    matches_free(&matches);
}
END_TEST

START_TEST(test_fence)
{
    Matches matches = {.ignore_case = false};
    add_all(&matches, (const char *const[]){"z=", "y=", NULL});
    matches_fence(&matches);
    add_all(&matches, (const char *const[]){"b", "a", NULL});
    add_all(&matches, (const char *const[]){"y=", "b", NULL}); /* there already, on either side */
    static const char *const want[] = {"y=", "z=", "a", "b"};
    ck_assert_uint_eq(matches.count, 4);
    for (size_t i = 0; i < 4; i++) {
        ck_assert_str_eq(matches.names[i], want[i]);
    }
    matches_free(&matches);
}
END_TEST

/* A page full of names in front leaves no room, and loses none of them. */
START_TEST(test_fence_full)
{
    Matches matches = {.ignore_case = false};
    for (unsigned i = 0; i < MATCHES_PAGE; i++) {
        char name[32];
        snprintf(name, sizeof name, "p%03u=", i);
        add(&matches, name);
    }
    matches_fence(&matches);
    add_all(&matches, (const char *const[]){"a", "z", NULL});
    ck_assert_uint_eq(matches.kept, MATCHES_PAGE);
    ck_assert_uint_eq(matches.count, MATCHES_PAGE + 2);
    ck_assert_str_eq(matches.names[0], "p000=");
    ck_assert_str_eq(matches.names[MATCHES_PAGE - 1], "p199=");
    matches_free(&matches);
}
END_TEST

typedef struct Begins {
    const char *name, *prefix;
    bool ignore_case, want;
} Begins;

static const Begins begins[] = {
    {"alpha", "", false, true},       {"alpha", "al", false, true},   {"alpha", "alpha", false, true},
    {"alpha", "alphab", false, false}, {"alpha", "AL", false, false},  {"alpha", "AL", true, true},
    {"ALPHA", "al", true, true},      {"", "a", true, false},         {"", "", true, true},
    {"\xc3\xa9t\xc3\xa9", "\xc3\xa9t", false, true},
    {"\xc3\xa9t\xc3\xa9", "\xc3\x89T", true, true},
    {"\xc3\xa9t\xc3\xa9", "\xc3\x89T", false, false},
    {"\xff\xfe", "\xff", true, true}, /* no UTF-8 at all */
    {"\xc3", "\xc3\xa9", true, false},
    {"-a", "_A", true, false},
};
enum { BEGINS = sizeof begins / sizeof *begins };

START_TEST(test_begins)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    const Begins *want = &begins[_i];
    bool got = matches_begins(want->name, strlen(want->name), want->prefix, strlen(want->prefix), want->ignore_case);
    ck_assert_msg(got == want->want, "<%s> and <%s>", want->name, want->prefix);
}
END_TEST

START_TEST(test_remove)
{
    Matches matches = {0};
    matches_add(&matches, "a", 1);
    matches_add(&matches, "b", 1);
    matches_add(&matches, "c", 1);
    matches_remove(&matches, 1);
    ck_assert_uint_eq(matches.count, 2);
    ck_assert_uint_eq(matches.kept, 2);
    ck_assert_str_eq(matches.names[0], "a");
    ck_assert_str_eq(matches.names[1], "c");
    ck_assert_str_eq(matches.common, "");
    matches_remove(&matches, 1);
    ck_assert_str_eq(matches.common, "a");
    matches_remove(&matches, 0);
    ck_assert_uint_eq(matches.count, 0);
    matches_free(&matches);
}
END_TEST

int
main(void)
{
    TCase *page = tcase_create("page");
    tcase_add_test(page, test_none);
    tcase_add_test(page, test_in_order);
    tcase_add_loop_test(page, test_common, 0, COMMONS);
    tcase_add_loop_test(page, test_many, 0, 3);
    tcase_add_test(page, test_fence);
    tcase_add_test(page, test_fence_full);
    tcase_add_test(page, test_remove);
    TCase *prefix = tcase_create("prefix");
    tcase_add_loop_test(prefix, test_begins, 0, BEGINS);
    return unit_run("matches", (TCase *const[]){page, prefix}, 2);
}
