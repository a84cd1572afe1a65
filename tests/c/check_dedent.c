/* dedent.h: code copied out of a block. */
#include <string.h>

#include "dedent.h"
#include "unit.h"

static const struct {
    const char *copied, *code; /* NULL: it is right as it is */
} cases[] = {
    {"x = 1\ny = 2\n", NULL},
    {"if x:\n    y = 2\n", NULL},
    {"if x:  # why\n    y = 2\n", NULL},
    {"f(x,\n  y)\n", NULL},
    {"", NULL},
    {"   ", NULL},
    {"# only\n   # comments\n", NULL},
    {" x", "x"},
    {"    x = 1\n    y = 2", "x = 1\ny = 2"},
    {"\tx = 1\n\tif x:\n\t\ty = 2\n", "x = 1\nif x:\n\ty = 2\n"},
    {"    x = 1\n\n    if x:\n        y = 2\n", "x = 1\n\nif x:\n    y = 2\n"},
    /* the lines of a string are what they are */
    {"    x = '''a\n    b\n  c'''\n    y = 2\n", "x = '''a\n    b\n  c'''\ny = 2\n"},
    {"    x = f'''{a}\n    b{c}\n    '''\n    y = 2\n", "x = f'''{a}\n    b{c}\n    '''\ny = 2\n"},
    /* a comment may stand anywhere, and so may what is in brackets */
    {"    x = 1\n# no\n    y = 2\n", "x = 1\n# no\ny = 2\n"},
    {"  # first\n    x = 1\n    y = 2\n", "# first\nx = 1\ny = 2\n"},
    {"    x = [\n  1,\n        2]\n", "x = [\n1,\n    2]\n"},
    {"    x = 1 + \\\n        2\n", "x = 1 + \\\n    2\n"},
    /* copied from the middle of the first line on */
    {"x = 1\n    y = 2\n    if y:\n        z = 3\n", "x = 1\ny = 2\nif y:\n    z = 3\n"},
    {"x = {1: 2}\n    y = 2\n", "x = {1: 2}\ny = 2\n"},
    {"@decorator\n    def f(): pass\n", "@decorator\ndef f(): pass\n"},
    /* CR LF */
    {"  x = 1\r\n  y = 2\r\n", "x = 1\r\ny = 2\r\n"},
};
enum { CASES = sizeof cases / sizeof *cases };

START_TEST(test_code_is_taken_out_of_its_block)
{
    Buffer out = {0};
    bool taken = dedent_code(cases[_i].copied, strlen(cases[_i].copied), &out);
    if (cases[_i].code == NULL) {
        ck_assert(!taken);
        ck_assert_uint_eq(out.size, 0);
    }
    else {
        ck_assert(taken);
        ck_assert_str_eq(out.bytes, cases[_i].code);
    }
    buffer_free(&out);
}
END_TEST

int
main(void)
{
    TCase *dedent = tcase_create("dedent");
    tcase_add_loop_test(dedent, test_code_is_taken_out_of_its_block, 0, CASES);
    return unit_run("dedent", &dedent, 1);
}
