/* callsite.h: what is remembered of each place that calls hook(). */
#include "callsite.h"

#include <stdint.h>
#include <string.h>

#include "unit.h"

static CallSites sites;
static int released;

static void
set_up(void)
{
    memset(&sites, 0, sizeof sites);
    released = 0;
}

static void
tear_down(void)
{
    callsite_clear(&sites, NULL);
}

static void
count_release(CallSite *site)
{
    ck_assert_ptr_nonnull(site);
    released++;
}

/* Code objects are only addresses here: sixteen bytes apart, as an allocator gives them. */
static const void *
code(size_t n)
{
    return (const void *)(uintptr_t)(0x7f0000000000u + 16 * n);
}

static CallSite *
obtain(const void *of, int line, bool expect_made)
{
    bool made = !expect_made;
    CallSite *site = callsite_obtain(&sites, of, line, &made);
    ck_assert_ptr_nonnull(site);
    ck_assert_int_eq(made, expect_made);
    return site;
}

START_TEST(test_empty)
{
    ck_assert_ptr_null(callsite_find(&sites, code(1), 0));
    ck_assert_ptr_null(callsite_find(&sites, NULL, 0));
    callsite_clear(&sites, count_release);
    ck_assert_int_eq(released, 0);
}
END_TEST

START_TEST(test_new_is_blank)
{
    CallSite *site = obtain(code(1), 42, true);
    ck_assert_ptr_eq(site->code, code(1));
    ck_assert_int_eq(site->line, 42);
    ck_assert_int_eq(site->passed, 0);
    ck_assert_int_eq(site->skip, 0);
    ck_assert(!site->opened);
    ck_assert(!site->off);
    ck_assert_ptr_null(site->condition);
    ck_assert_ptr_eq(callsite_find(&sites, code(1), 42), site);
    ck_assert_ptr_eq(obtain(code(1), 42, false), site);
    ck_assert_uint_eq(sites.used, 1);
}
END_TEST

START_TEST(test_places_are_apart)
{
    CallSite *site = obtain(code(1), 2, true);
    ck_assert_ptr_ne(obtain(code(1), 4, true), site);
    ck_assert_ptr_ne(obtain(code(2), 2, true), site);
    ck_assert_ptr_ne(obtain(code(1), -1, true), site);
    ck_assert_ptr_null(callsite_find(&sites, code(2), 4));
    ck_assert_uint_eq(sites.used, 4);
}
END_TEST

/* Entries keep their address while the table grows: others hold pointers to them. */
START_TEST(test_many)
{
    enum { CODES = 2000, LINES = 5 };
    static CallSite *made[CODES][LINES];
    for (size_t c = 0; c < CODES; c++) {
        for (int l = 0; l < LINES; l++) {
            made[c][l] = obtain(code(c), 2 * l, true);
            made[c][l]->skip = (long)c * LINES + l;
        }
    }
    ck_assert_uint_eq(sites.used, CODES * LINES);
    ck_assert_uint_lt(sites.used, sites.size);
    ck_assert_uint_eq(sites.size & (sites.size - 1), 0);
    for (size_t c = 0; c < CODES; c++) {
        for (int l = 0; l < LINES; l++) {
            CallSite *site = callsite_find(&sites, code(c), 2 * l);
            ck_assert_ptr_eq(site, made[c][l]);
            ck_assert_int_eq(site->skip, (long)c * LINES + l);
            ck_assert_ptr_null(callsite_find(&sites, code(c), 2 * l + 1));
        }
    }
    callsite_clear(&sites, count_release);
    ck_assert_int_eq(released, CODES * LINES);
}
END_TEST

START_TEST(test_clear_starts_anew)
{
    CallSite *site = obtain(code(1), 2, true);
    site->off = true;
    callsite_note(&sites, site, 8);
    callsite_clear(&sites, count_release);
    ck_assert_int_eq(released, 1);
    ck_assert_ptr_null(sites.slots);
    ck_assert_uint_eq(sites.used, 0);
    ck_assert_ptr_null(callsite_find(&sites, code(1), 2));
    ck_assert_ptr_null(callsite_recall(&sites, code(1), 8));
    ck_assert(!obtain(code(1), 2, true)->off);
}
END_TEST

START_TEST(test_recall)
{
    CallSite *site = obtain(code(1), 2, true);
    ck_assert_ptr_null(callsite_recall(&sites, code(1), 0));
    ck_assert_ptr_null(callsite_recall(&sites, code(1), 8));
    callsite_note(&sites, site, 8);
    ck_assert_ptr_eq(callsite_recall(&sites, code(1), 8), site);
    /* another instruction of the line is the same place */
    callsite_note(&sites, site, 10);
    ck_assert_ptr_eq(callsite_recall(&sites, code(1), 10), site);
    ck_assert_ptr_null(callsite_recall(&sites, code(1), 2));
    ck_assert_ptr_null(callsite_recall(&sites, code(2), 8));
}
END_TEST

/* A cache may forget, it may not mix up. The last one noted is always there. */
START_TEST(test_recall_many)
{
    enum { CODES = 10 * CALLSITE_CACHE };
    for (size_t c = 0; c < CODES; c++) {
        CallSite *site = obtain(code(c), 1, true);
        callsite_note(&sites, site, 6);
        ck_assert_ptr_eq(callsite_recall(&sites, code(c), 6), site);
    }
    size_t kept = 0;
    for (size_t c = 0; c < CODES; c++) {
        CallSite *site = callsite_recall(&sites, code(c), 6);
        if (site != NULL) {
            ck_assert_ptr_eq(site->code, code(c));
            kept++;
        }
    }
    ck_assert_uint_le(kept, CALLSITE_CACHE);
}
END_TEST

START_TEST(test_is_shut)
{
    CallSite site = {0};
    ck_assert(!callsite_is_shut(&site, false));
    ck_assert(!callsite_is_shut(&site, true));
    site.opened = true;
    ck_assert(!callsite_is_shut(&site, false));
    ck_assert(callsite_is_shut(&site, true));
    site.off = true;
    ck_assert(callsite_is_shut(&site, false));
}
END_TEST

START_TEST(test_admits_always)
{
    CallSite site = {0};
    for (int i = 0; i < 5; i++) {
        ck_assert(callsite_admits(&site, false, 0));
        site.opened = true;
    }
}
END_TEST

START_TEST(test_admits_once)
{
    CallSite site = {0};
    /* only a console that opened counts: a condition may still have kept it shut */
    ck_assert(callsite_admits(&site, true, 0));
    ck_assert(callsite_admits(&site, true, 0));
    site.opened = true;
    ck_assert(!callsite_admits(&site, true, 0));
    ck_assert(callsite_admits(&site, false, 0));
}
END_TEST

START_TEST(test_admits_after)
{
    CallSite site = {0};
    for (int i = 0; i < 3; i++) {
        ck_assert(!callsite_admits(&site, false, 3));
    }
    for (int i = 0; i < 3; i++) {
        ck_assert(callsite_admits(&site, false, 3));
    }
    ck_assert_int_eq(site.passed, 3);
}
END_TEST

START_TEST(test_admits_after_once)
{
    CallSite site = {0};
    ck_assert(!callsite_admits(&site, true, 2));
    ck_assert(!callsite_admits(&site, true, 2));
    ck_assert(callsite_admits(&site, true, 2));
    site.opened = true;
    ck_assert(!callsite_admits(&site, true, 2));
}
END_TEST

START_TEST(test_admits_after_negative)
{
    CallSite site = {0};
    ck_assert(callsite_admits(&site, false, -1));
    ck_assert_int_eq(site.passed, 0);
}
END_TEST

START_TEST(test_admits_skip)
{
    CallSite site = {0};
    site.skip = 2;
    ck_assert(!callsite_admits(&site, false, 0));
    ck_assert(!callsite_admits(&site, false, 0));
    ck_assert(callsite_admits(&site, false, 0));
    ck_assert_int_eq(site.skip, 0);
}
END_TEST

START_TEST(test_admits_off)
{
    CallSite site = {0};
    site.off = true;
    site.skip = 2;
    ck_assert(!callsite_admits(&site, false, 2));
    /* one that is off does not count either */
    ck_assert_int_eq(site.passed, 0);
    ck_assert_int_eq(site.skip, 2);
}
END_TEST

int
main(void)
{
    TCase *table = tcase_create("table");
    tcase_add_checked_fixture(table, set_up, tear_down);
    tcase_add_test(table, test_empty);
    tcase_add_test(table, test_new_is_blank);
    tcase_add_test(table, test_places_are_apart);
    tcase_add_test(table, test_many);
    tcase_add_test(table, test_clear_starts_anew);
    tcase_add_test(table, test_recall);
    tcase_add_test(table, test_recall_many);
    TCase *admits = tcase_create("admits");
    tcase_add_test(admits, test_is_shut);
    tcase_add_test(admits, test_admits_always);
    tcase_add_test(admits, test_admits_once);
    tcase_add_test(admits, test_admits_after);
    tcase_add_test(admits, test_admits_after_once);
    tcase_add_test(admits, test_admits_after_negative);
    tcase_add_test(admits, test_admits_skip);
    tcase_add_test(admits, test_admits_off);
    return unit_run("callsite", (TCase *const[]){table, admits}, 2);
}
