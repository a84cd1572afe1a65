/* fold.h: how much of a text the screen has room for. */
#include "fold.h"

#include <locale.h>
#include <string.h>

#include "unit.h"

typedef struct Want {
    const char *text;
    int columns;
    int rows;
    const char *rest; /* what does not fit */
} Want;

static const Want wants[] = {
    {"", 10, 1, ""},
    {"one", 10, 1, ""},
    {"one\ntwo", 10, 2, ""},
    {"one\ntwo", 10, 1, "\ntwo"},
    {"one\ntwo\n", 10, 2, "\n"},
    {"\n\n\nx", 10, 3, "\nx"},
    /* a full row is one row, a letter more begins the next */
    {"0123456789", 10, 1, ""},
    {"0123456789a", 10, 1, "a"},
    {"0123456789\nb", 10, 1, "\nb"},
    {"0123456789\nb", 10, 2, ""},
    {"0123456789abcdefghijk", 10, 2, "k"},
    /* what has two columns and room for one goes to the next row as a whole */
    {"日本語日本", 10, 1, ""},
    {"a日本語日本", 10, 1, "本"},
    {"012345678\U0001f468\u200d\U0001f469", 10, 1, "\U0001f468\u200d\U0001f469"},
    {"012345678e\u0301\u0323", 10, 1, ""},
    {"0123456789e\u0301\u0323", 10, 1, "e\u0301\u0323"},
    /* tabs do not wrap; controls and bytes take what they are shown as */
    {"a\tb", 10, 1, ""},
    {"a\tbc", 10, 1, ""},
    {"a\tbcd", 10, 1, "d"},
    {"a\t\tbc", 10, 1, "c"},
    {"\1\2\3\4\5\6", 10, 1, "\6"},
    {"\xff\xff\xff", 10, 1, "\xff"},
    /* colours take no room */
    {"\033[31m0123456789\033[0m", 10, 1, ""},
    {"\033[31m0123456789\033[0ma", 10, 1, "a"},
    {"abc", 1, 2, "c"},
    {"日", 1, 1, "日"},
    {"abc", 10, 0, "abc"},
};
enum { WANTS = sizeof wants / sizeof *wants };

START_TEST(test_rows)
{
    const Want *want = &wants[_i];
    ck_assert_ptr_nonnull(setlocale(LC_ALL, "C.UTF-8"));
    size_t fits = fold_rows(want->text, strlen(want->text), want->columns, want->rows);
    ck_assert_msg(strcmp(want->text + fits, want->rest) == 0, "of <%s> there is no room for <%s>", want->text,
                  want->text + fits);
}
END_TEST

/* The end of a long text is not looked at. */
START_TEST(test_long)
{
    enum { SIZE = 1 << 28, ROUNDS = 1000 };
    char *text = malloc(SIZE);
    ck_assert_ptr_nonnull(text);
    memset(text, 'x', 80 * 24); /* the rest is never touched, so it takes no memory either */
    text[80 * 24] = 'x';
    for (int i = 0; i < ROUNDS; i++) {
        ck_assert_uint_eq(fold_rows(text, SIZE, 80, 24), 80 * 24);
    }
    free(text);
}
END_TEST

int
main(void)
{
    TCase *rows = tcase_create("rows");
    tcase_add_loop_test(rows, test_rows, 0, WANTS);
    tcase_add_test(rows, test_long);
    return unit_run("fold", (TCase *const[]){rows}, 1);
}
