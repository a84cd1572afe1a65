/* pickle_ops.h: where an opcode ends, as pickletools has it. */
#include "pickle_ops.h"

#include <string.h>

#include "pickle_records.h"

/* Does each opcode begin where pickletools says, and is it named so? */
static void
compare(const Record *pickle, const Record *places, const Record *names)
{
    char *name = strtok((char *)names->bytes, " ");
    size_t at = 0, count = places->size / sizeof(uint32_t);
    for (size_t i = 0; i < count; i++, name = strtok(NULL, " ")) {
        PickleOp op;
        uint32_t place;
        memcpy(&place, places->bytes + i * sizeof place, sizeof place);
        ck_assert_uint_eq(at, place);
        ck_assert_int_eq(pickle_op_read(pickle->bytes + at, pickle->size - at, &op), PICKLE_WHOLE);
        ck_assert_str_eq(pickle_op_name(op.code), name);
        at += op.head + (size_t)op.body_size;
    }
    ck_assert_ptr_null(name);
    ck_assert_uint_eq(at, pickle->size);
}

START_TEST(test_every_opcode_ends_where_pickletools_says)
{
    FILE *pipe = records_open("ops");
    Record pickle, places, names;
    size_t count = 0;
    while (records_next(pipe, &pickle)) {
        ck_assert(records_next(pipe, &places) && records_next(pipe, &names));
        compare(&pickle, &places, &names);
        free(pickle.bytes);
        free(places.bytes);
        free(names.bytes);
        count++;
    }
    ck_assert_int_eq(pclose(pipe), 0);
    ck_assert_uint_gt(count, 400);
}
END_TEST

typedef struct Piece {
    const char *bytes;
    size_t size;
    PickleStatus status;
    size_t head;
    uint64_t body_size, number;
} Piece;

#define PIECE(bytes, ...) {bytes, sizeof(bytes) - 1, __VA_ARGS__}

static const Piece pieces[] = {
    PIECE(".", PICKLE_WHOLE, 1, 0, 0),
    PIECE("K\xff.", PICKLE_WHOLE, 2, 0, 255),
    PIECE("J\xff\xff\xff\xff", PICKLE_WHOLE, 5, 0, 0xffffffff),
    PIECE("G\x3f\xf0\0\0\0\0\0\0", PICKLE_WHOLE, 9, 0, 0x3ff0000000000000),
    PIECE("G\xff\xff\xff\xff\xff\xff\xff\xff", PICKLE_WHOLE, 9, 0, UINT64_MAX),
    PIECE("U\3abc", PICKLE_WHOLE, 2, 3, 3),
    PIECE("I12\n.", PICKLE_WHOLE, 1, 3, 0),
    PIECE("cos\nsystem\n.", PICKLE_WHOLE, 1, 10, 0),
    PIECE("\x95\5\0\0\0\0\0\0\0", PICKLE_WHOLE, 9, 0, 5),
    /* it does not end here */
    PIECE("", PICKLE_HEAD_MISSING, 0, 0, 0),
    PIECE("J\1\2\3", PICKLE_HEAD_MISSING, 0, 0, 0),
    PIECE("I12", PICKLE_HEAD_MISSING, 1, 0, 0),
    PIECE("cos\nsystem", PICKLE_HEAD_MISSING, 1, 0, 0),
    PIECE("U\3ab", PICKLE_BODY_MISSING, 2, 3, 3),
    PIECE("B\0\0\0\x80", PICKLE_BODY_MISSING, 5, 0x80000000, 0x80000000),
    PIECE("\x8e\xff\xff\xff\xff\xff\xff\xff\x7f", PICKLE_BODY_MISSING, 9, INT64_MAX, INT64_MAX),
    /* it cannot be */
    PIECE("\xff", PICKLE_UNKNOWN, 0, 0, 0),
    PIECE("\0", PICKLE_UNKNOWN, 0, 0, 0),
    PIECE("T\xff\xff\xff\xff", PICKLE_UNKNOWN, 5, 0xffffffff, 0xffffffff),
    PIECE("\x8b\0\0\0\x80", PICKLE_UNKNOWN, 5, 0x80000000, 0x80000000),
    PIECE("\x8e\0\0\0\0\0\0\0\x80", PICKLE_UNKNOWN, 9, 0x8000000000000000, 0x8000000000000000),
    PIECE("\x95\0\0\0\0\0\0\0\x80", PICKLE_UNKNOWN, 9, 0, 0x8000000000000000),
};

START_TEST(test_what_is_read_of_one)
{
    const Piece *piece = &pieces[_i];
    PickleOp op;
    ck_assert_int_eq(pickle_op_read((const unsigned char *)piece->bytes, piece->size, &op), piece->status);
    ck_assert_uint_eq(op.head, piece->head);
    ck_assert_uint_eq(op.body_size, piece->body_size);
    ck_assert_uint_eq(op.number, piece->number);
}
END_TEST

START_TEST(test_a_name_for_each_code)
{
    ck_assert_str_eq(pickle_op_name(PICKLE_NEWOBJ_EX), "NEWOBJ_EX");
    ck_assert_str_eq(pickle_op_name('!'), "?");
}
END_TEST

int
main(void)
{
    TCase *pieces_case = tcase_create("pieces"), *library = tcase_create("library");
    tcase_add_loop_test(pieces_case, test_what_is_read_of_one, 0, sizeof pieces / sizeof *pieces);
    tcase_add_test(pieces_case, test_a_name_for_each_code);
    tcase_set_timeout(library, 300);
    tcase_add_test(library, test_every_opcode_ends_where_pickletools_says);
    return unit_run("pickle_ops", (TCase *const[]){pieces_case, library}, 2);
}
