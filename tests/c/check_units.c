/* units.h: sizes and times as people read them. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "unit.h"
#include "units.h"

static const struct {
    uint64_t bytes;
    const char *text;
} sizes[] = {
    {0, "0 bytes"},
    {1, "1 byte"},
    {2, "2 bytes"},
    {417, "417 bytes"},
    {999, "999 bytes"},
    {1000, "1.0 kB"},
    {1049, "1.0 kB"},
    {1051, "1.1 kB"},
    {9949, "9.9 kB"},
    {9951, "10 kB"},
    {12345, "12 kB"},
    {99499, "99 kB"},
    {999499, "999 kB"},
    {999500, "1.0 MB"},
    {1234567, "1.2 MB"},
    {999499999, "999 MB"},
    {999500000, "1.0 GB"},
    {4000000000, "4.0 GB"},
    {1000000000000, "1.0 TB"},
    {123456789012345, "123 TB"},
    {1000000000000000, "1.0 PB"},
    {1000000000000000000, "1.0 EB"},
    {UINT64_MAX, "18 EB"},
};
enum { SIZES = sizeof sizes / sizeof *sizes };

START_TEST(test_size)
{
    char text[UNITS_ROOM];
    units_size(sizes[_i].bytes, text);
    ck_assert_str_eq(text, sizes[_i].text);
}
END_TEST

/* Over all magnitudes: three digits at most, and a number that is off by a twentieth at most. */
START_TEST(test_all_sizes)
{
    static const char units[] = "kMGTPE";
    for (double size = 1000; size < 1.8e19; size *= 1.0007) {
        char text[UNITS_ROOM], unit;
        double number;
        units_size((uint64_t)size, text);
        ck_assert_msg(sscanf(text, "%lf %cB", &number, &unit) == 2, "<%s>", text);
        ck_assert_ptr_nonnull(strchr(units, unit));
        double meant = number * pow(1000, (double)(strchr(units, unit) - units + 1));
        ck_assert_msg(fabs(meant / size - 1) < 0.051, "%.0f is <%s>", size, text);
        ck_assert_msg(strcspn(text, " ") <= 3, "<%s>", text);
    }
}
END_TEST

static const struct {
    double seconds;
    const char *text;
} times[] = {
    {-5, "1 s"},      {0, "1 s"},          {0.3, "1 s"},     {1, "1 s"},       {4, "4 s"},       {59.6, "60 s"},
    {119, "119 s"},   {119.4, "119 s"},    {120, "2 min"},   {125, "2 min"},   {600, "10 min"},  {7140, "119 min"},
    {7200, "2 h"},    {10800, "3 h"},      {86400, "24 h"},  {1e9, "278 h"},   {1e300, "278 h"}, {INFINITY, "278 h"},
};
enum { TIMES = sizeof times / sizeof *times };

START_TEST(test_time)
{
    char text[UNITS_ROOM];
    units_time(times[_i].seconds, text);
    ck_assert_str_eq(text, times[_i].text);
}
END_TEST

int
main(void)
{
    TCase *all = tcase_create("units");
    tcase_add_loop_test(all, test_size, 0, SIZES);
    tcase_add_test(all, test_all_sizes);
    tcase_add_loop_test(all, test_time, 0, TIMES);
    return unit_run("units", (TCase *const[]){all}, 1);
}
