/* outline.h: what a source text defines at its top level. */
#include "outline.h"

#include <string.h>

#include "buffer.h"
#include "unit.h"

typedef struct Outline {
    const char *text, *names;
} Outline;

static const Outline outlines[] = {
    {"", ""},
    {"a = 1\n", "a "},
    {"a = b = 1; c = 2\n", "a b c "},
    {"a, (b, *c) = d = e\n", "a b c d "},
    {"a: int = b\nc: int\n", "a c "},
    {"a.b = 1\nc[d] = e(f=1)\ng += 1\nh == i\nj(k=1)\n", ""},
    {"def f(a=1):\n    b = 1\n    def g(): pass\nclass C(D):\n    e = 1\nh = 1\n", "f C h "},
    {"async def f():\n    x = 1\n@deco\ndef g(): y = 1; z = 2\n", "f g "},
    {"if x:\n    a = 1\n    def b():\n        c = 1\n    d = 1\nelse:\n    e = 1\n", "a b d e "},
    {"try:\n    import a.b, c as d\nexcept ImportError:\n    d = None\n", "a d d "},
    {"from . import a, b as c\nfrom x.y import (\n    d,  # one\n    e as f,\n)\n", "a c d f "},
    {"type X = int\ntype = 1\n", "X type "},
    {"s = '''\nx = 1\n'''\ny = f\"{z = 1}\"\n", "s y "},
    {"def f(:\n  x = (\n", "f "},
    {"a = [\nb\n]\r\nc = 1\r\n", "a c "},
    {"\xc3\xa9 = 1\n", "\xc3\xa9 "},
};

static void
collect(void *receiver, const char *name, size_t size)
{
    buffer_add(receiver, name, size);
    buffer_add_char(receiver, ' ');
}

START_TEST(test_outline)
{
    const Outline *want = &outlines[_i];
    Buffer names = {NULL, 0, 0, false};
    buffer_add(&names, "", 0);
    ck_assert(outline_run(want->text, strlen(want->text), collect, &names));
    ck_assert_msg(strcmp(names.bytes, want->names) == 0, "%s: <%s>", want->text, names.bytes);
    buffer_free(&names);
}
END_TEST

int
main(void)
{
    TCase *outline = tcase_create("outline");
    tcase_add_loop_test(outline, test_outline, 0, sizeof outlines / sizeof *outlines);
    return unit_run("outline", (TCase *const[]){outline}, 1);
}
