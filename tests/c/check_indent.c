/* indent.h: the blanks that the next line of Python source begins with. */
#include "indent.h"

#include <locale.h>
#include <string.h>

#include "unit.h"

typedef struct Place {
    const char *text; /* | is the cursor */
    const char *blanks;
} Place;

static const Place places[] = {
    {"|", ""},
    {"x = 1|", ""},
    {"    x = 1|", "    "},
    /* a colon opens a block */
    {"if x:|", "    "},
    {"if x: |", "    "},
    {"if x:  # why|", "    "},
    {"    if x:|", "        "},
    {"class C:\n    def f(self):|", "        "},
    {"def f(a,\n      b):|", "    "},
    {"if x:|\n    pass", "    "},
    {"else:|", "    "},
    {"x = {'a':|", "     "},
    {"x[1:|", "  "},
    {"lambda:|", "    "},
    {"x: int|", ""},
    {"if x: y|", ""},
    /* what leaves a block closes it */
    {"def f():\n    return|", ""},
    {"def f():\n    return 1|", ""},
    {"def f():\n    return (1,\n            2)|", ""},
    {"def f():\n    if x:\n        raise ValueError(1)|", "    "},
    {"for x in y:\n    pass|", ""},
    {"for x in y:\n    break  # enough|", ""},
    {"for x in y:\n    continue|", ""},
    {"def f():\n    returned = 1|", "    "},
    {"def f():\n    x = 1; return x|", "    "},
    {"def f():\n    if x: return 1|", "    "},
    {"return 1|", ""},
    {"def f():\n    return (|", "        "},
    /* brackets */
    {"f(|", "    "},
    {"f(a|", "  "},
    {"f(a,|", "  "},
    {"    f(a,|", "      "},
    {"f(a, g(b,|", "       "},
    {"f(a, g(b),|", "  "},
    {"f(a,\n  b,|", "  "},
    {"f(\n    a,|", "    "},
    {"f(  # why|", "    "},
    {"f(a,  # why|", "  "},
    {"x = [|", "    "},
    {"x = {'a': [1,|", "           "},
    {"f(\xc3\xa9, (a,|", "      "},
    {"f(\xe6\x97\xa5, (a,|", "       "},
    {"f(a)|", ""},
    {"f(a))|", ""},
    {"    f(a,\n      b)|", "    "},
    {"f(|a)", "    "},
    {"f|(a)", ""},
    {"f(a, |b)", "  "},
    /* strings */
    {"x = '''|", ""},
    {"    x = '''a|", ""},
    {"    x = '''a\n      b|", ""},
    {"    x = '''a|b'''", ""},
    {"    x = f'''a|", ""},
    {"    x = f'''a{b}|", ""},
    {"    x = '''a'''|", "    "},
    {"    x = f'''a|{b}'''", ""},
    {"    x = f'''{b}''' + f'''{b}|", ""},
    {"    x = f'{a}', f'{b}'|", "    "},
    /* comments and blank lines */
    {"# if x:|", ""},
    {"    # why|", "    "},
    {"if x:\n    # why|", "    "},
    {"if x:\n    y\n    |", "    "},
    {"if x:\n    y\n|", ""},
    {"if x:\n    y\n\n|", ""},
    /* a line that goes on */
    {"x = 1 + \\|", "    "},
    {"    x = 1 + \\|", "        "},
    {"x = 1 + \\\n    2|", ""},
    {"x = 1 + \\\n    2 + \\|", "    "},
    {"if x and \\\n        y:|", "    "},
    /* the text's own step */
    {"if x:\n  if y:|", "    "},
    {"if x:\n  y\nif z:|", "  "},
    {"if x:\n\tif y:|", "\t\t"},
    {"if x:\n\ty\nif z:|", "\t"},
    {"if x:\n\tpass|", ""},
    {"if x:\n  if y:\n    pass|", "  "},
    {"if x:\n   y\nelse:|", "   "},
    {"f(a,\n  b)\nif x:|", "    "},
    {"if x:  # why\n\n  y\n  if z:|", "    "},
    {"class C:\n    def f(a,\n          b):\n        if x:|", "            "},
    {"x = {1:\n  2}\nif x:|", "    "},
    {"def f():\n    '''a\n  b\n    '''\n    if x:|", "        "},
    /* a statement behind another */
    {"x = 1; y = 2|", ""},
    {"if x:\n    y = 1; z = 2|", "    "},
    {"@decorator|", ""},
    {"match x:\n    case 1:|", "        "},
};

START_TEST(test_place)
{
    const Place *place = &places[_i];
    Tokens tokens = {0};
    Buffer text = {0}, blanks = {0};
    const char *mark = strchr(place->text, '|');
    buffer_add(&text, place->text, (size_t)(mark - place->text));
    buffer_add_string(&text, mark + 1);
    const char *bytes = text.size > 0 ? text.bytes : "";
    ck_assert(lexer_run(&tokens, bytes, text.size));
    indent_after(&tokens, bytes, (size_t)(mark - place->text), &blanks);
    ck_assert_msg(blanks.size == strlen(place->blanks) && memcmp(blanks.size > 0 ? blanks.bytes : "", place->blanks,
                                                                blanks.size) == 0,
                  "%s -> \"%.*s\", not \"%s\"", place->text, (int)blanks.size, blanks.size > 0 ? blanks.bytes : "",
                  place->blanks);
    lexer_free(&tokens);
    buffer_free(&text);
    buffer_free(&blanks);
}
END_TEST

static const Place steps[] = {
    {"", "    "},
    {"x\ny\n", "    "},
    {"if x:\n  y\n", "  "},
    {"if x:\n\ty\n", "\t"},
    {"if x:\n        y\n", "        "},
    {"  if x:\n    y\n", "  "},
    {"if x:\n  \n    y\n", "    "},
};

START_TEST(test_step)
{
    Buffer blanks = {0};
    Tokens tokens = {0};
    ck_assert(lexer_run(&tokens, steps[_i].text, strlen(steps[_i].text)));
    indent_step(&tokens, steps[_i].text, strlen(steps[_i].text), &blanks);
    lexer_free(&tokens);
    ck_assert_uint_eq(blanks.size, strlen(steps[_i].blanks));
    ck_assert_mem_eq(blanks.bytes, steps[_i].blanks, blanks.size);
    buffer_free(&blanks);
}
END_TEST

int
main(void)
{
    setlocale(LC_ALL, "C.UTF-8");
    TCase *cases[] = {tcase_create("indent_after"), tcase_create("indent_step")};
    tcase_add_loop_test(cases[0], test_place, 0, sizeof places / sizeof *places);
    tcase_add_loop_test(cases[1], test_step, 0, sizeof steps / sizeof *steps);
    return unit_run("indent", cases, 2);
}
