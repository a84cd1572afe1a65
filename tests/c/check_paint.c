/* paint.h: source, values and tracebacks in colour. */
#include "paint.h"

#include <stdio.h>
#include <string.h>

#include "unit.h"

/* ---- what is wanted, as `«k:def» f()`: styles by a letter ---- */

#define OPEN "«"
#define CLOSE "»"

static Style
style_of(char letter)
{
    static const char letters[] = "kbd@sfnc" "FLNEMKO";
    static const Style styles[] = {STYLE_KEYWORD, STYLE_BUILTIN, STYLE_DEFINITION, STYLE_DECORATOR, STYLE_STRING,
                                   STYLE_FIELD,   STYLE_NUMBER,  STYLE_COMMENT,    STYLE_FILE,      STYLE_LINE,
                                   STYLE_FUNCTION, STYLE_EXCEPTION, STYLE_MESSAGE, STYLE_MARK,      STYLE_NOTE};
    const char *at = letter == '\0' ? NULL : strchr(letters, letter);
    ck_assert_ptr_nonnull(at);
    return styles[at - letters];
}

/* The text with control sequences (`painted`) and without. */
static void
expand(const char *marked, Buffer *painted, Buffer *plain)
{
    while (*marked != '\0') {
        if (strncmp(marked, OPEN, sizeof OPEN - 1) != 0) {
            buffer_add_char(painted, *marked);
            buffer_add_char(plain, *marked);
            marked++;
            continue;
        }
        const char *text = marked + sizeof OPEN - 1 + 2, *end = strstr(text, CLOSE);
        ck_assert_ptr_nonnull(end);
        buffer_add_string(painted, theme_on(style_of(text[-2])));
        buffer_add(painted, text, (size_t)(end - text));
        buffer_add_string(painted, THEME_OFF);
        buffer_add(plain, text, (size_t)(end - text));
        marked = end + sizeof CLOSE - 1;
    }
    buffer_add(painted, "", 0);
    buffer_add(plain, "", 0);
}

typedef void (*Painter)(Buffer *buffer, const char *text, size_t size);

static void
expect_painted(Painter painter, const char *marked)
{
    Buffer want = {0}, plain = {0}, got = {0};
    expand(marked, &want, &plain);
    painter(&got, plain.bytes, plain.size);
    buffer_add(&got, "", 0);
    ck_assert_msg(want.size == got.size && memcmp(want.bytes, got.bytes, want.size) == 0,
                  "wanted\n%s\nand got\n%s", want.bytes, got.bytes);
    buffer_free(&want);
    buffer_free(&plain);
    buffer_free(&got);
}

static const char *const sources[] = {
    "",
    "x = y\n",
    "«k:def» «d:f»(x):\n    «k:return» «n:1» + «b:len»(x)  «c:# why»\n",
    "«@:@»«@:cached»\n«k:def» «d:f»(): ...\n",
    "x = «s:'one'»",
    /* a line ends without a style and the next begins it anew */
    "x = «s:'''one»\n«s:  two»\n\n«s:three'''» + «n:3»\n",
    "«k:class» «d:C»:\n    «s:\"\"\"It isn't.»\n\n«s:    \"\"\"»\n",
    /* fields, nested ones too; braces that are none */
    "«s:f\"»«s:a »«f:{»x«f:}»«s:\"»",
    "«s:f'»«f:{»x«f:}»«f:{»y:«s:>»«f:{»w«f:}»«f:}»«s:'»",
    "«s:f'»«f:{»x:«f:{»w«f:}»«f:}»«s:'»",
    "«s:f'»«f:{» {«n:1»: «n:2»}[«n:1»] «f:}»«s:'»",
    "{«n:1»: {}}",
    "«s:f'»«s:{{x}}»«s:'»",
    /* the rest of a docstring that began in a line not shown: an apostrophe is not marked */
    "that isn't so\n",
    "x = «s:'''begun»\n«s:and not ended»\n",
    "f(x[«n:0»)",
    "caf\xc3\xa9 = «s:'\xe6\x97\xa5'»\n",
    "\xff\xfe «n:1»\n",
};
enum { SOURCES = sizeof sources / sizeof *sources };

START_TEST(test_source)
{
    expect_painted(paint_source, sources[_i]);
}
END_TEST

static const char *const values[] = {
    "{«s:'a'»: «n:1», «s:\"b\"»: [«k:None», «k:True», «k:False»]}",
    "(«s:'one '»\n «s:'two'»)",
    /* what is no Python stays as it is */
    "<class «s:'int'»>",
    "<object at «n:0x7f00»>",
    "the list is for all that don't print",
    "   a  b\n«n:0»  «n:1»  it's\n«n:1»  «n:2»  here\n",
};
enum { VALUES = sizeof values / sizeof *values };

START_TEST(test_value)
{
    expect_painted(paint_value, values[_i]);
}
END_TEST

#define HEAD "Traceback (most recent call last):\n"

static const char *const tracebacks[] = {
    HEAD "  File «F:\"x.py\"», line «L:3», in «N:<module>»\n    f(«n:1»)\n    «K:~^^^»\n"
         "  File «F:\"x.py\"», line «L:12», in «N:C.f»\n    «k:return» «n:1»/«n:0»\n           «K:~^~»\n"
         "«E:ZeroDivisionError»: «M:division by zero»\n",
    /* without source, without a message, with a name of several parts */
    HEAD "  File «F:\"<string>\"», line «L:1», in «N:f»\n«E:KeyboardInterrupt»\n",
    HEAD "  File «F:\"a\", line 3, in b.py\"», line «L:1», in «N:f»\n«E:a.b.<locals>.Error»: «M:m: n»\n",
    "«E:ValueError»: «M:no frames»\n",
    /* further lines of the message, and notes */
    HEAD "  File «F:\"x\"», line «L:1», in «N:f»\n«E:ValueError»: «M:one»\ntwo: three\n    four\nnote\n",
    /* repeated entries, lines left out, source of several lines */
    HEAD "  File «F:\"x\"», line «L:1», in «N:f»\n    f()\n    «K:~^^»\n«O:  [Previous line repeated 9 more times]»\n",
    HEAD "  File «F:\"x\"», line «L:1», in «N:f»\n    f(\n    «K:~~»\n«O:    ...<2 lines>...»\n    )\n    «K:^»\n"
         "«E:E»\n",
    /* one exception after the other */
    HEAD "  File «F:\"x\"», line «L:1», in «N:f»\n«E:KeyError»: «M:'x'»\n\n"
         "During handling of the above exception, another exception occurred:\n\n"
    HEAD "  File «F:\"x\"», line «L:2», in «N:f»\n«E:ValueError»: «M:y»\n\n"
         "The above exception was the direct cause of the following exception:\n\n"
    HEAD "  File «F:\"x\"», line «L:3», in «N:f»\n«E:E»: «M:z»\n",
    /* a SyntaxError has no function, and perhaps no head */
    "  File «F:\"<hook-1>\"», line «L:1»\n    x = = «n:3»\n        «K:^»\n«E:SyntaxError»: «M:invalid syntax»\n",
    /* a group */
    "«K:  +» Exception Group Traceback (most recent call last):\n"
    "«K:  |»   File «F:\"x\"», line «L:1», in «N:f»\n"
    "«K:  |»     «k:raise» E\n"
    "«K:  |»     «K:^^^^^^^»\n"
    "«K:  |» «E:ExceptionGroup»: «M:two (2 sub-exceptions)»\n"
    "«K:  +-+---------------- 1 ----------------»\n"
    "«K:    |» Traceback (most recent call last):\n"
    "«K:    |»   File «F:\"x\"», line «L:2», in «N:f»\n"
    "«K:    |» «E:ValueError»: «M:1»\n"
    "«K:    |» a note\n"
    "«K:    +---------------- 2 ----------------»\n"
    "«K:    |» «E:TypeError»: «M:2»\n"
    "«K:    +------------------------------------»\n",
    /* a bar elsewhere is no margin */
    HEAD "  File «F:\"x\"», line «L:1», in «N:f»\n«E:E»: «M:a»\n  | b\n",
    "not a traceback at all\n",
    "",
};
enum { TRACEBACKS = sizeof tracebacks / sizeof *tracebacks };

START_TEST(test_traceback)
{
    expect_painted(paint_traceback, tracebacks[_i]);
}
END_TEST

/* ---- nothing is left out, of whatever text ---- */

/* Take the control sequences of the theme out, in place. True when every line has ended without a style. */
static bool
strip(Buffer *buffer)
{
    bool on = false, clean = true;
    size_t to = 0;
    for (size_t at = 0; at < buffer->size;) {
        size_t skip = 0;
        if (buffer->bytes[at] == '\033' && at + 1 < buffer->size && buffer->bytes[at + 1] == '[') {
            skip = strcspn(buffer->bytes + at, "m") + 1;
            on = skip != sizeof THEME_OFF - 1 || memcmp(buffer->bytes + at, THEME_OFF, skip) != 0;
            at += skip;
            continue;
        }
        clean &= !(buffer->bytes[at] == '\n' && on);
        buffer->bytes[to++] = buffer->bytes[at++];
    }
    buffer->size = to;
    return clean && !on;
}

static void
expect_whole(Painter painter, const char *name, const Buffer *text)
{
    Buffer plain = {0}, painted = {0};
    buffer_add(&plain, text->bytes, text->size);
    strip(&plain); /* it may be that the text itself has some */
    painter(&painted, plain.bytes, plain.size);
    buffer_add(&painted, "", 0);
    ck_assert(!painted.failed);
    ck_assert_msg(strip(&painted), "a line of %s ends in a style", name);
    ck_assert_msg(painted.size == plain.size && memcmp(painted.bytes, plain.bytes, plain.size) == 0,
                  "%s is not the same", name);
    buffer_free(&plain);
    buffer_free(&painted);
}

/* Texts that end with NUL, from a Python program: read one. False at the end. */
static bool
read_text(FILE *child, Buffer *text)
{
    int c;
    buffer_empty(text);
    while ((c = fgetc(child)) != EOF && c != '\0') {
        buffer_add_char(text, (char)c);
    }
    buffer_add(text, "", 0);
    return c != EOF;
}

static FILE *
run_python(const char *program)
{
    char command[8192];
    const char *python = getenv("HK_TEST_PYTHON");
    ck_assert_msg(python != NULL, "HK_TEST_PYTHON names no Python (make check sets it)");
    snprintf(command, sizeof command, "PYTHONIOENCODING=utf-8:surrogateescape '%s' -c \"%s\"", python, program);
    FILE *child = popen(command, "r");
    ck_assert_ptr_nonnull(child);
    return child;
}

/* The standard library: every fourth file, a few megabytes. */
START_TEST(test_standard_library)
{
    static const char program[] = "import sys, os, pathlib\n"
                                  "files = sorted(pathlib.Path(os.__file__).parent.rglob('*.py'))\n"
                                  "files = [f for f in files if 'site-packages' not in f.parts]\n"
                                  "for f in files[::4]:\n"
                                  "    sys.stdout.buffer.write(f.read_bytes().replace(bytes(1), b'') + bytes(1))\n";
    Buffer text = {0};
    int count = 0;
    char name[32];
    FILE *child = run_python(program);
    while (read_text(child, &text)) {
        snprintf(name, sizeof name, "source %d", count++);
        expect_whole(paint_source, name, &text);
        expect_whole(paint_value, name, &text);
        expect_whole(paint_traceback, name, &text);
    }
    ck_assert_int_eq(pclose(child), 0);
    ck_assert_int_gt(count, 100);
    buffer_free(&text);
}
END_TEST

/* Tracebacks of this Python: each must have its parts found. */
START_TEST(test_real_tracebacks)
{
    static const char program[] =
        "import traceback, json, ast\n"
        "def deep(n):\n"
        "    return deep(n - 1) if n else 1 / 0\n"
        "def chained():\n"
        "    try: deep(3)\n"
        "    except ZeroDivisionError as e: raise ValueError('a\\nb') from e\n"
        "def noted():\n"
        "    e = KeyError('k'); e.add_note('a note\\nof two lines'); raise e\n"
        "def group():\n"
        "    errors = []\n"
        "    for f in (chained, noted, nested):\n"
        "        try: f()\n"
        "        except Exception as e: errors.append(e)\n"
        "    raise ExceptionGroup('several', errors)\n"
        "def nested(): raise ExceptionGroup('inner', [OSError(2, 'no'), TypeError('t')])\n"
        "cases = [lambda: deep(0), lambda: deep(50), lambda: deep(10**6), chained, noted, group, nested,\n"
        "         lambda: json.loads('{'), lambda: ast.parse('x = = 1'), lambda: ast.parse('def f(:\\n  x'),\n"
        "         lambda: compile('  x\\n y', '<s>', 'exec'), lambda: __import__('nothing'), lambda: int('x'),\n"
        "         lambda: open('/nothing'), lambda: ''.x, lambda: {}[1], lambda: deep(x=1), lambda: undefined]\n"
        "for case in cases:\n"
        "    try: case()\n"
        "    except BaseException as e: print(''.join(traceback.format_exception(e)), end=chr(0))\n";
    Buffer text = {0}, painted = {0};
    int count = 0;
    char name[32];
    FILE *child = run_python(program);
    while (read_text(child, &text)) {
        snprintf(name, sizeof name, "traceback %d", count++);
        expect_whole(paint_traceback, name, &text);
        buffer_empty(&painted);
        paint_traceback(&painted, text.bytes, text.size);
        ck_assert_msg(strstr(painted.bytes, theme_on(STYLE_EXCEPTION)) != NULL, "%s: no exception", name);
        ck_assert_msg(strstr(painted.bytes, theme_on(STYLE_FILE)) != NULL, "%s: no file", name);
    }
    ck_assert_int_eq(pclose(child), 0);
    ck_assert_int_eq(count, 18);
    buffer_free(&text);
    buffer_free(&painted);
}
END_TEST

/* Texts of random parts, most of them nonsense. */
START_TEST(test_any_text)
{
    static const char *const parts[] = {
        "\n", "    ", "  File \"", "\", line ", "3", ", in ", "f", "Error", ": ", "^", "~", "  | ", "  + ", "+-+---",
        "'", "\"\"\"", "f'", "{", "}", "#", "\\", "\xff", "\xe6\x97\xa5",
        "Exception Group Traceback (most recent call last):",
        "  + Exception Group Traceback (most recent call last):\n", "\r\n", "def ", "@", "...<"};
    unsigned random = (unsigned)_i + 1;
    Buffer text = {0};
    for (int round = 0; round < 2000; round++) {
        buffer_empty(&text);
        buffer_add(&text, "", 0);
        for (int i = 0; i < 30; i++) {
            random = random * 1103515245u + 12345u;
            buffer_add_string(&text, parts[(random >> 16) % (sizeof parts / sizeof *parts)]);
        }
        expect_whole(paint_source, text.bytes, &text);
        expect_whole(paint_value, text.bytes, &text);
        expect_whole(paint_traceback, text.bytes, &text);
    }
    buffer_free(&text);
}
END_TEST

int
main(void)
{
    TCase *painted = tcase_create("painted");
    tcase_add_loop_test(painted, test_source, 0, SOURCES);
    tcase_add_loop_test(painted, test_value, 0, VALUES);
    tcase_add_loop_test(painted, test_traceback, 0, TRACEBACKS);
    TCase *whole = tcase_create("whole");
    tcase_set_timeout(whole, 120);
    tcase_add_loop_test(whole, test_any_text, 0, 3);
    tcase_add_test(whole, test_standard_library);
    tcase_add_test(whole, test_real_tracebacks);
    return unit_run("paint", (TCase *const[]){painted, whole}, 2);
}
