/* load_regions.h: a region is where the pickle has its bytes, or the file is not loaded. */
#include "load_regions.h"

#include <string.h>

#include "unit.h"

/* A list of a bytearray and bytes, with room before each. */
#define FIRST "\x96\3\0\0\0\0\0\0\0abc"
#define SECOND "\x8e\4\0\0\0\0\0\0\0defg"
#define ROOM "B\2\0\0\0\0\0" "0"
static const char PICKLE[] = "\x80\5](" ROOM FIRST "K\1" ROOM SECOND "e.";
enum { SIZE = sizeof PICKLE - 1, ONE = 4, TWO = ONE + 8 + 12 + 2 };
static const DumpRegion REGIONS[] = {{ONE, ONE + 8 + 9, 3, 0}, {TWO, TWO + 8 + 9, 4, 1}};

static bool
fits(const DumpRegion *regions, size_t count, uint64_t *offset)
{
    return load_regions_fit((const unsigned char *)PICKLE, SIZE, regions, count, offset);
}

START_TEST(test_regions_that_fit)
{
    uint64_t offset;
    ck_assert(fits(REGIONS, 2, &offset));
    ck_assert(fits(REGIONS, 1, &offset));
    ck_assert(fits(REGIONS + 1, 1, &offset));
    ck_assert(fits(NULL, 0, &offset));
}
END_TEST

/* Each number of each region made wrong by a few. */
START_TEST(test_a_region_that_is_elsewhere)
{
    for (size_t which = 0; which < 2; which++) {
        for (int by = -9; by <= 9; by++) {
            DumpRegion changed[4][2];
            for (int i = 0; i < 4; i++) {
                memcpy(changed[i], REGIONS, sizeof REGIONS);
            }
            changed[0][which].begin += (uint64_t)by;
            changed[1][which].offset += (uint64_t)by;
            changed[2][which].size += (uint64_t)by;
            changed[3][which].readonly = !changed[3][which].readonly;
            for (int i = 0; i < 4; i++) {
                uint64_t offset = 0;
                ck_assert(fits(changed[i], 2, &offset) == (by == 0 && i != 3));
                ck_assert(i == 0 || (by == 0 && i != 3) || offset == REGIONS[which].begin);
            }
        }
    }
}
END_TEST

/* What is data to who reads the pickle would be opcodes to who leaves the region out. */
START_TEST(test_a_region_within_data)
{
    static const char hides[] = "\x80\5B\x16\0\0\0" ROOM "\x96\0\0\0\0\0\0\0\0" "N0N0." "0N.";
    static const DumpRegion within[] = {{7, 7 + 8 + 9, 0, 0}}, before[] = {{2, 7, 0, 0}};
    uint64_t offset;
    ck_assert(!load_regions_fit((const unsigned char *)hides, sizeof hides - 1, within, 1, &offset));
    ck_assert(!load_regions_fit((const unsigned char *)hides, sizeof hides - 1, before, 1, &offset));
}
END_TEST

START_TEST(test_a_region_behind_the_end)
{
    static const char two[] = "\x80\5N." ROOM FIRST ".";
    static const DumpRegion behind[] = {{4, 4 + 8 + 9, 3, 0}};
    uint64_t offset;
    ck_assert(!load_regions_fit((const unsigned char *)two, sizeof two - 1, behind, 1, &offset));
    ck_assert_uint_eq(offset, 4);
}
END_TEST

START_TEST(test_a_pickle_that_ends_within_a_region)
{
    uint64_t offset;
    for (size_t size = 0; size < TWO + 8 + 13; size++) {
        ck_assert(!load_regions_fit((const unsigned char *)PICKLE, size, REGIONS, 2, &offset));
    }
}
END_TEST

int
main(void)
{
    TCase *cases[] = {tcase_create("regions")};
    tcase_add_test(cases[0], test_regions_that_fit);
    tcase_add_test(cases[0], test_a_region_that_is_elsewhere);
    tcase_add_test(cases[0], test_a_region_within_data);
    tcase_add_test(cases[0], test_a_region_behind_the_end);
    tcase_add_test(cases[0], test_a_pickle_that_ends_within_a_region);
    return unit_run("load_regions", cases, 1);
}
