/* digest.h: the digests of blocks are those of the whole block at once, however the bytes come. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "digest.h"
#include "unit.h"

enum { BLOCK = 1000, SIZE = 3 * BLOCK + 17 };
static unsigned char bytes[SIZE];

static void
set_up(void)
{
    for (int i = 0; i < SIZE; i++) {
        bytes[i] = (unsigned char)(i * 37 + i / 256);
    }
}

/* As the library has it, which its documentation calls the canonical form. */
static void
is_digest_of(const void *from, size_t size, const void *digest)
{
    XXH128_canonical_t want;
    XXH128_canonicalFromHash(&want, XXH3_128bits(from, size));
    ck_assert_mem_eq(digest, want.digest, DIGEST_SIZE);
}

static void
are_digests_of(const Digests *digests, size_t size)
{
    size_t count = (size + BLOCK - 1) / BLOCK;
    ck_assert(!digests->all.failed);
    ck_assert_uint_eq(digests->all.size, count * DIGEST_SIZE);
    for (size_t i = 0; i < count; i++) {
        size_t left = size - i * BLOCK;
        is_digest_of(bytes + i * BLOCK, left < BLOCK ? left : BLOCK, digests->all.bytes + i * DIGEST_SIZE);
    }
}

/* XXH3 goes different ways for sizes up to 16, 128, 240 and beyond. */
START_TEST(test_at_once)
{
    unsigned char digest[DIGEST_SIZE];
    for (size_t size = 0; size <= SIZE; size++) {
        digest_of(bytes, size, digest);
        is_digest_of(bytes, size, digest);
    }
}
END_TEST

/* The digest of nothing is a constant of the algorithm: a file has to be good on other machines too. */
START_TEST(test_known_digest)
{
    static const unsigned char of_nothing[DIGEST_SIZE] = {0x99, 0xaa, 0x06, 0xd3, 0x01, 0x47, 0x98, 0xd8,
                                                          0x60, 0x01, 0xc3, 0x24, 0x46, 0x8d, 0x49, 0x7f};
    unsigned char digest[DIGEST_SIZE];
    digest_of("", 0, digest);
    ck_assert_mem_eq(digest, of_nothing, DIGEST_SIZE);
}
END_TEST

START_TEST(test_split_at_every_point)
{
    for (size_t at = 0; at <= SIZE; at++) {
        Digests digests;
        ck_assert(digests_begin(&digests, BLOCK));
        digests_add(&digests, bytes, at);
        digests_add(&digests, bytes + at, SIZE - at);
        digests_finish(&digests);
        are_digests_of(&digests, SIZE);
        digests_clear(&digests);
    }
}
END_TEST

/* Pieces of `_i` bytes. */
START_TEST(test_pieces)
{
    Digests digests;
    ck_assert(digests_begin(&digests, BLOCK));
    for (size_t at = 0; at < SIZE; at += (size_t)_i) {
        digests_add(&digests, bytes + at, SIZE - at < (size_t)_i ? SIZE - at : (size_t)_i);
    }
    digests_finish(&digests);
    are_digests_of(&digests, SIZE);
    digests_clear(&digests);
}
END_TEST

/* A block that is full is over: no empty one follows. */
START_TEST(test_ends_around_a_block)
{
    static const size_t ends[] = {0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK - 1, 2 * BLOCK, 2 * BLOCK + 1};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        Digests digests;
        ck_assert(digests_begin(&digests, BLOCK));
        digests_add(&digests, bytes, ends[i]);
        digests_finish(&digests);
        digests_finish(&digests);
        are_digests_of(&digests, ends[i]);
        digests_clear(&digests);
        digests_clear(&digests);
    }
}
END_TEST

int
main(void)
{
    TCase *all = tcase_create("digests");
    tcase_add_checked_fixture(all, set_up, NULL);
    tcase_add_test(all, test_at_once);
    tcase_add_test(all, test_known_digest);
    tcase_add_test(all, test_split_at_every_point);
    tcase_add_loop_test(all, test_pieces, 1, 300);
    tcase_add_test(all, test_ends_around_a_block);
    return unit_run("digest", (TCase *const[]){all}, 1);
}
