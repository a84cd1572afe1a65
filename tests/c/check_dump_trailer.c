/* dump_trailer.h: what is written is read, and whatever is not as it was written is found. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "digest.h"
#include "dump_trailer.h"
#include "unit.h"

/* The places of the format, as the header tells them. */
enum {
    VERSION_AT = 7,
    NUMBER_END = 8,
    NUMBER_REGIONS = 16,
    NUMBER_BLOCKS = 24,
    NUMBER_FACTS = 32,
    DIGEST_AT = 40,
    REGIONS_AT = 72,
    REGION_BYTES = 32,
    TAIL_BYTES = DUMP_SIGNATURE + 16, /* and before it, the check */
};

/* ---- a dump ---- */

static unsigned char *bytes; /* of the file */
static size_t size, pickle_size;
static DumpTrailer trailer;  /* what was read */
static const char *why;
static uint64_t offset;

static void
put_number(size_t where, uint64_t number)
{
    for (int i = 0; i < 8; i++) {
        bytes[where + (size_t)i] = (unsigned char)(number >> (8 * i));
    }
}

static uint64_t
number_at(size_t where)
{
    uint64_t number = 0;
    for (int i = 7; i >= 0; i--) {
        number = number << 8 | bytes[where + (size_t)i];
    }
    return number;
}

/* A pickle of so many bytes, and a trailer that says everything there is to say. */
static void
make_dump(size_t pickle, size_t regions, bool facts)
{
    Digests digests;
    Buffer out = {0};
    DumpTrailer made = {.stream_end = pickle, .region_count = regions};
    unsigned char signature[DUMP_SIGNATURE];
    DumpRegion all[3] = {{20, 30, 10, 1}, {40, 41, 9, 0}, {60, 60, 0, 0}};
    unsigned char *whole = malloc(pickle);
    ck_assert_ptr_nonnull(whole);
    for (size_t i = 0; i < pickle; i++) {
        whole[i] = (unsigned char)(i * 31 + i / 4096);
    }
    memcpy(whole, DUMP_HEAD, DUMP_HEAD_SIZE);
    ck_assert(digests_begin(&digests, DUMP_BLOCK));
    digests_add(&digests, whole, pickle);
    digests_finish(&digests);
    made.blocks = (unsigned char *)digests.all.bytes;
    made.block_count = digests.all.size / DIGEST_SIZE;
    made.regions = all;
    memset(made.digest, 0xd1, sizeof made.digest);
    memset(signature, 0x51, sizeof signature);
    if (facts) {
        dump_trailer_add_fact(&made, "name", "model");
        dump_trailer_add_fact(&made, "expression", "f(\xc3\xa9)");
        dump_trailer_add_fact(&made, "empty", "");
        dump_trailer_add_fact(&made, "name", "a second time");
    }
    dump_trailer_write(&made, &out);
    dump_trailer_sign(&out, signature);
    ck_assert(!out.failed);
    free(bytes);
    size = pickle + out.size;
    pickle_size = pickle;
    bytes = malloc(size);
    ck_assert_ptr_nonnull(bytes);
    memcpy(bytes, whole, pickle);
    memcpy(bytes + pickle, out.bytes, out.size);
    free(whole);
    buffer_free(&out);
    buffer_free(&made.facts);
    digests_clear(&digests);
}

/* Read the first bytes of the file, in memory of just that size, so that a sanitizer sees a look behind it. */
static DumpKind
read_first(size_t length)
{
    unsigned char *copy = malloc(length == 0 ? 1 : length);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, bytes, length);
    dump_trailer_clear(&trailer);
    why = NULL;
    offset = UINT64_MAX;
    DumpKind kind = dump_trailer_read(copy, length, &trailer, &why, &offset);
    ck_assert(kind == DUMP_WHOLE || (why != NULL && offset <= length));
    free(copy);
    return kind;
}

static void
is_whole(void)
{
    DumpKind kind = read_first(size);
    ck_assert_msg(kind == DUMP_WHOLE, "%s", why);
}

/* The trailer was changed by somebody who knows what its check is for. */
static void
seal(void)
{
    size_t check = size - TAIL_BYTES - DUMP_CHECK;
    digest_of(bytes + pickle_size, check - pickle_size, bytes + check);
}

static void
set_up(void)
{
    make_dump(100, 3, true);
}

static void
tear_down(void)
{
    dump_trailer_clear(&trailer);
    free(bytes);
    bytes = NULL;
}

/* ---- what is written is read ---- */

START_TEST(test_round_trip)
{
    is_whole();
    ck_assert_uint_eq(trailer.stream_end, 100);
    ck_assert_uint_eq(trailer.size, size - 100);
    ck_assert_uint_eq(trailer.region_count, 3);
    ck_assert_uint_eq(trailer.regions[0].begin, 20);
    ck_assert_uint_eq(trailer.regions[0].offset, 30);
    ck_assert_uint_eq(trailer.regions[0].size, 10);
    ck_assert_uint_eq(trailer.regions[0].readonly, 1);
    ck_assert_uint_eq(trailer.regions[1].offset, 41);
    ck_assert_uint_eq(trailer.regions[1].readonly, 0);
    ck_assert_uint_eq(trailer.regions[2].size, 0);
    ck_assert_uint_eq(trailer.block_count, 1);
    ck_assert_uint_eq(dump_trailer_find_damage(&trailer, bytes), 1);
    for (int i = 0; i < DUMP_DIGEST; i++) {
        ck_assert_uint_eq(trailer.digest[i], 0xd1);
        ck_assert_uint_eq(trailer.signature[i], 0x51);
    }
}
END_TEST

START_TEST(test_facts)
{
    is_whole();
    ck_assert_str_eq(dump_trailer_fact(&trailer, "name"), "model");
    ck_assert_str_eq(dump_trailer_fact(&trailer, "expression"), "f(\xc3\xa9)");
    ck_assert_str_eq(dump_trailer_fact(&trailer, "empty"), "");
    ck_assert_ptr_null(dump_trailer_fact(&trailer, "model")); /* a value is no name */
    ck_assert_ptr_null(dump_trailer_fact(&trailer, "nam"));
    ck_assert_ptr_null(dump_trailer_fact(&trailer, ""));
}
END_TEST

START_TEST(test_nothing_to_tell)
{
    make_dump(DUMP_HEAD_SIZE + 2, 0, false);
    is_whole();
    ck_assert_uint_eq(trailer.region_count, 0);
    ck_assert_ptr_null(dump_trailer_fact(&trailer, "name"));
}
END_TEST

/* Files that are there have to be read by later versions: the places are as the header tells them. */
START_TEST(test_format)
{
    ck_assert_mem_eq(bytes + 100, "hookd\0\0\1", 8);
    ck_assert_uint_eq(number_at(100 + NUMBER_END), 100);
    ck_assert_uint_eq(number_at(100 + NUMBER_REGIONS), 3);
    ck_assert_uint_eq(number_at(100 + NUMBER_BLOCKS), 1);
    ck_assert_uint_eq(bytes[100 + DIGEST_AT], 0xd1);
    ck_assert_uint_eq(number_at(100 + REGIONS_AT), 20);
    ck_assert_uint_eq(number_at(100 + REGIONS_AT + REGION_BYTES), 40);
    ck_assert_uint_eq(number_at(size - 16), size - 100);
    ck_assert_mem_eq(bytes + size - 8, "hookdump", 8);
    size_t facts = 100 + REGIONS_AT + 3 * REGION_BYTES + DUMP_CHECK;
    ck_assert_mem_eq(bytes + facts, "name\0model\0expression", 21);
    ck_assert_uint_eq(facts + number_at(100 + NUMBER_FACTS) + DUMP_CHECK + TAIL_BYTES, size);
    unsigned char check[DUMP_CHECK];
    digest_of(bytes, 100, check);
    ck_assert_mem_eq(bytes + facts - DUMP_CHECK, check, DUMP_CHECK);
}
END_TEST

/* ---- damage ---- */

/* Of each byte each bit. */
START_TEST(test_every_bit)
{
    for (size_t i = 0; i < size; i++) {
        for (unsigned bit = 1; bit < 256; bit <<= 1) {
            bytes[i] ^= (unsigned char)bit;
            DumpKind kind = read_first(size);
            bool in_signature = i >= size - TAIL_BYTES && i < size - TAIL_BYTES + DUMP_SIGNATURE;
            if (i < DUMP_HEAD_SIZE) {
                ck_assert_int_eq(kind, DUMP_NONE);
            }
            else if (i < pickle_size) {
                ck_assert_int_eq(kind, DUMP_WHOLE);
                ck_assert_uint_eq(dump_trailer_find_damage(&trailer, bytes), 0);
            }
            else if (in_signature) {
                ck_assert_int_eq(kind, DUMP_WHOLE);
                ck_assert_uint_eq(trailer.signature[i - (size - TAIL_BYTES)], 0x51 ^ bit);
                ck_assert_uint_eq(dump_trailer_find_damage(&trailer, bytes), 1);
            }
            else {
                bool newer = i == pickle_size + VERSION_AT && bytes[i] > 1;
                ck_assert_msg(kind == (newer ? DUMP_NEWER : DUMP_DAMAGED), "byte %zu, bit %u: kind %d", i, bit,
                              (int)kind);
            }
            bytes[i] ^= (unsigned char)bit;
        }
    }
    is_whole();
}
END_TEST

/* Of what has lost its head too it cannot be said that it was a dump. */
START_TEST(test_every_truncation)
{
    for (size_t length = 0; length < size; length++) {
        ck_assert_int_eq(read_first(length), length < DUMP_HEAD_SIZE ? DUMP_NONE : DUMP_DAMAGED);
        ck_assert(length < DUMP_HEAD_SIZE || strstr(why, "end") != NULL);
    }
}
END_TEST

/* And a file that has lost its beginning, or some of its middle. */
START_TEST(test_bytes_that_are_missing)
{
    size_t all = size;
    unsigned char *whole = malloc(all);
    ck_assert_ptr_nonnull(whole);
    memcpy(whole, bytes, all);
    for (size_t from = 0; from < all; from++) {
        for (size_t count = 1; count <= all - from && count < 40; count++) {
            memmove(bytes + from, whole + from + count, all - from - count);
            ck_assert_int_ne(read_first(all - count), DUMP_WHOLE);
            memcpy(bytes, whole, all);
        }
    }
    free(whole);
}
END_TEST

START_TEST(test_bytes_behind_it)
{
    static const char *const behind[] = {"\n", "hookdump", "\0\0\0\0\0\0\0\0hookdump",
                                         "\xff\xff\xff\xff\xff\xff\xff\xffhookdump"};
    static const size_t sizes[] = {1, 8, 16, 16};
    bytes = realloc(bytes, size + 16);
    ck_assert_ptr_nonnull(bytes);
    for (int i = 0; i < 4; i++) {
        memcpy(bytes + size, behind[i], sizes[i]);
        ck_assert_int_eq(read_first(size + sizes[i]), DUMP_DAMAGED);
    }
}
END_TEST

/* One behind the other: the second's trailer does not count from its own beginning. */
START_TEST(test_two_dumps_in_a_file)
{
    bytes = realloc(bytes, 2 * size);
    ck_assert_ptr_nonnull(bytes);
    memcpy(bytes + size, bytes, size);
    ck_assert_int_eq(read_first(2 * size), DUMP_DAMAGED);
}
END_TEST

START_TEST(test_not_a_dump)
{
    memcpy(bytes, "\x80\5\x95", 3);
    ck_assert_int_eq(read_first(size), DUMP_NONE);
    memset(bytes, 0, size);
    ck_assert_int_eq(read_first(size), DUMP_NONE);
    make_dump(100, 0, false);
    memset(bytes + DUMP_HEAD_SIZE, 0, size - DUMP_HEAD_SIZE); /* as some file systems leave a file at a power failure */
    ck_assert_int_eq(read_first(size), DUMP_DAMAGED);
}
END_TEST

/* Nothing else of it is understood then, and so neither its check. */
START_TEST(test_a_later_version)
{
    for (int version = 2; version < 256; version++) {
        bytes[pickle_size + VERSION_AT] = (unsigned char)version;
        bytes[pickle_size + NUMBER_REGIONS] ^= 0xff;
        ck_assert_int_eq(read_first(size), DUMP_NEWER);
        ck_assert_ptr_nonnull(strstr(why, "later hooking"));
    }
}
END_TEST

/* ---- numbers that lie ---- */

static const uint64_t liars[] = {
    0, 1, 2, 4, 99, 101, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, (uint64_t)1 << 59, (uint64_t)1 << 60,
    (uint64_t)1 << 63, INT64_MAX, UINT64_MAX, UINT64_MAX - 15, UINT64_MAX / 16, UINT64_MAX / 16 + 1,
    UINT64_MAX / 32 + 1,
};
enum { LIARS = sizeof liars / sizeof *liars };

/* The check is right, so that it is the numbers which must be found wrong. */
START_TEST(test_numbers_that_lie)
{
    for (size_t where = NUMBER_END; where <= NUMBER_FACTS; where += 8) {
        uint64_t right = number_at(pickle_size + where);
        if (liars[_i] != right) {
            put_number(pickle_size + where, liars[_i]);
            seal();
            ck_assert_msg(read_first(size) == DUMP_DAMAGED, "number at %zu", where);
        }
        put_number(pickle_size + where, right);
    }
    put_number(size - 16, liars[_i]);
    ck_assert_int_eq(read_first(size), DUMP_DAMAGED);
}
END_TEST

/* Counts of which the sum is right once more when it overflows: 2^59 regions of 32 bytes are none. */
START_TEST(test_counts_that_overflow)
{
    for (int shift = 58; shift < 64; shift++) {
        uint64_t many = (uint64_t)1 << shift;
        put_number(pickle_size + NUMBER_REGIONS, 3 + many);
        seal();
        ck_assert_int_eq(read_first(size), DUMP_DAMAGED);
        put_number(pickle_size + NUMBER_REGIONS, 3);
        put_number(pickle_size + NUMBER_BLOCKS, 1 + many);
        seal();
        ck_assert_int_eq(read_first(size), DUMP_DAMAGED);
        put_number(pickle_size + NUMBER_BLOCKS, 1);
    }
}
END_TEST

static const struct {
    int region;
    DumpRegion is;
    bool good;
} regions[] = {
    {0, {20, 30, 10, 1}, true},
    {0, {0, 0, 40, 0}, true},               /* up to the next one */
    {0, {0, 0, 41, 0}, false},              /* into it */
    {0, {30, 29, 1, 0}, false},             /* its data before itself */
    {1, {39, 41, 9, 0}, false},             /* within the one before */
    {2, {60, 60, 40, 0}, true},             /* to the end of the pickle */
    {2, {60, 60, 41, 0}, false},            /* beyond it */
    {2, {60, 100, 0, 0}, true},
    {2, {60, 101, 0, 0}, false},
    {2, {60, 60, UINT64_MAX, 0}, false},
    {2, {60, 60, UINT64_MAX - 59, 0}, false}, /* whose end is 0 */
    {2, {60, UINT64_MAX, 2, 0}, false},
    {2, {UINT64_MAX, UINT64_MAX, 0, 0}, false},
    {0, {20, 30, (uint64_t)1 << 63, 0}, false},
};
enum { REGIONS = sizeof regions / sizeof *regions };

START_TEST(test_regions)
{
    size_t where = pickle_size + REGIONS_AT + (size_t)regions[_i].region * REGION_BYTES;
    put_number(where, regions[_i].is.begin);
    put_number(where + 8, regions[_i].is.offset);
    put_number(where + 16, regions[_i].is.size);
    put_number(where + 24, regions[_i].is.readonly);
    seal();
    ck_assert_int_eq(read_first(size), regions[_i].good ? DUMP_WHOLE : DUMP_DAMAGED);
}
END_TEST

/* Facts that do not end, and a name without a value. */
START_TEST(test_facts_that_do_not_end)
{
    size_t end = size - TAIL_BYTES - DUMP_CHECK;
    ck_assert_uint_eq(bytes[end - 1], '\0');
    bytes[end - 1] = 'x';
    seal();
    ck_assert_int_eq(read_first(size), DUMP_DAMAGED);
    bytes[end - 1] = '\0';
    bytes[end - 2] = '\0';
    seal();
    ck_assert_int_eq(read_first(size), DUMP_DAMAGED);
    bytes[end - 3] = '\0';
    seal();
    is_whole();
    ck_assert_str_eq(dump_trailer_fact(&trailer, "name"), "model");
    ck_assert_ptr_null(dump_trailer_fact(&trailer, "no such name"));
}
END_TEST

/* ---- blocks ---- */

static const struct {
    size_t pickle, blocks;
} lengths[] = {
    {DUMP_BLOCK - 1, 1}, {DUMP_BLOCK, 1}, {DUMP_BLOCK + 1, 2}, {2 * DUMP_BLOCK, 2}, {2 * DUMP_BLOCK + 17, 3},
};
enum { LENGTHS = sizeof lengths / sizeof *lengths };

/* The first and the last byte of each block, and one in it: that block is named. */
START_TEST(test_damage_is_found_in_its_block)
{
    make_dump(lengths[_i].pickle, 0, true);
    is_whole();
    ck_assert_uint_eq(trailer.block_count, lengths[_i].blocks);
    ck_assert_uint_eq(dump_trailer_find_damage(&trailer, bytes), lengths[_i].blocks);
    for (size_t block = 0; block < lengths[_i].blocks; block++) {
        size_t first = block * DUMP_BLOCK, end = first + DUMP_BLOCK;
        end = end < pickle_size ? end : pickle_size;
        const size_t places[] = {first, first + (end - first) / 2, end - 1};
        for (int i = 0; i < 3; i++) {
            bytes[places[i]] ^= 4;
            ck_assert_uint_eq(dump_trailer_find_damage(&trailer, bytes), block);
            bytes[places[i]] ^= 4;
        }
    }
    bytes[0] ^= 1; /* of several the first */
    bytes[pickle_size - 1] ^= 1;
    ck_assert_uint_eq(dump_trailer_find_damage(&trailer, bytes), 0);
}
END_TEST

int
main(void)
{
    TCase *whole = tcase_create("whole");
    tcase_add_checked_fixture(whole, set_up, tear_down);
    tcase_add_test(whole, test_round_trip);
    tcase_add_test(whole, test_facts);
    tcase_add_test(whole, test_nothing_to_tell);
    tcase_add_test(whole, test_format);
    TCase *damage = tcase_create("damage");
    tcase_add_checked_fixture(damage, set_up, tear_down);
    tcase_set_timeout(damage, 30);
    tcase_add_test(damage, test_every_bit);
    tcase_add_test(damage, test_every_truncation);
    tcase_add_test(damage, test_bytes_that_are_missing);
    tcase_add_test(damage, test_bytes_behind_it);
    tcase_add_test(damage, test_two_dumps_in_a_file);
    tcase_add_test(damage, test_not_a_dump);
    tcase_add_test(damage, test_a_later_version);
    TCase *lies = tcase_create("lies");
    tcase_add_checked_fixture(lies, set_up, tear_down);
    tcase_add_loop_test(lies, test_numbers_that_lie, 0, LIARS);
    tcase_add_test(lies, test_counts_that_overflow);
    tcase_add_loop_test(lies, test_regions, 0, REGIONS);
    tcase_add_test(lies, test_facts_that_do_not_end);
    TCase *blocks = tcase_create("blocks");
    tcase_add_checked_fixture(blocks, set_up, tear_down);
    tcase_add_loop_test(blocks, test_damage_is_found_in_its_block, 0, LENGTHS);
    return unit_run("dump trailer", (TCase *const[]){whole, damage, lies, blocks}, 4);
}
