/* words.h: what a typed line begins with. */
#include "words.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "unit.h"

typedef struct Split {
    const char *text;
    LineKind kind;
    const char *word; /* NULL: none is given for this kind */
    const char *rest;
} Split;

static const Split splits[] = {
    /* a word comes first */
    {"help", LINE_PLAIN, "help", ""},
    {"list 3", LINE_PLAIN, "list", "3"},
    {"list = 3", LINE_PLAIN, "list", "= 3"},
    {"frame\t2", LINE_PLAIN, "frame", "2"},
    {"c   ", LINE_PLAIN, "c", ""},
    {"c \t x y ", LINE_PLAIN, "c", "x y "},
    {"c\r", LINE_PLAIN, "c", ""},
    {"_", LINE_PLAIN, "_", ""},
    {"a1_b2 x", LINE_PLAIN, "a1_b2", "x"},
    /* % asks for a command, known or not */
    {"%help", LINE_FORCED, "help", ""},
    {"%list 3", LINE_FORCED, "list", "3"},
    {"%a-b c", LINE_FORCED, "a-b", "c"},
    {"%list(x) y", LINE_FORCED, "list(x)", "y"},
    {"%", LINE_FORCED, "", ""},
    {"% help", LINE_FORCED, "", "help"},
    {"%1", LINE_FORCED, "1", ""},
    {"%%", LINE_FORCED, "%", ""},
    /* a blank comes first: Python for certain */
    {" help", LINE_INDENTED, NULL, NULL},
    {"\thelp", LINE_INDENTED, NULL, NULL},
    {" %help", LINE_INDENTED, NULL, NULL},
    {" ", LINE_INDENTED, NULL, NULL},
    /* nothing that could be a command */
    {"", LINE_OTHER, NULL, NULL},
    {"list(x)", LINE_OTHER, NULL, NULL},
    {"list.x", LINE_OTHER, NULL, NULL},
    {"list=3", LINE_OTHER, NULL, NULL},
    {"list;x", LINE_OTHER, NULL, NULL},
    {"3 list", LINE_OTHER, NULL, NULL},
    {"3", LINE_OTHER, NULL, NULL},
    {"(c)", LINE_OTHER, NULL, NULL},
    {"#c", LINE_OTHER, NULL, NULL},
    {"'c'", LINE_OTHER, NULL, NULL},
    {"h\xc3\xa9lp", LINE_OTHER, NULL, NULL},
    {"\xff", LINE_OTHER, NULL, NULL},
    /* several lines are a block, whatever comes first */
    {"help\n", LINE_OTHER, NULL, NULL},
    {"list 3\nx", LINE_OTHER, NULL, NULL},
    {"%help\nx", LINE_OTHER, NULL, NULL},
    {" help\n", LINE_PASTED, NULL, NULL},
    {"\n", LINE_OTHER, NULL, NULL},
};
enum { SPLITS = sizeof splits / sizeof *splits };

START_TEST(test_split)
{
    const Split *want = &splits[_i];
    Line line = words_split(want->text);
    ck_assert_msg(line.kind == want->kind, "<%s> is kind %d, not %d", want->text, (int)line.kind, (int)want->kind);
    if (want->word == NULL) {
        ck_assert_uint_eq(line.word_len, 0);
        return;
    }
    ck_assert_msg(words_equal(&line, want->word), "<%s>: the word is <%.*s>", want->text, (int)line.word_len,
                  line.word);
    ck_assert_str_eq(line.rest, want->rest);
    /* both point into the text, nothing is copied */
    ck_assert(line.word >= want->text);
    ck_assert(line.rest <= want->text + strlen(want->text));
}
END_TEST

typedef struct Question {
    const char *text;
    const char *word; /* what is asked about; NULL: it is no question */
    int marks;
} Question;

static const Question questions[] = {
    {"x?", "x", 1},
    {"x??", "x", 2},
    {"?x", "x", 1},
    {"??x", "x", 2},
    {"?", "", 1},
    {"??", "", 2},
    {"? ", "", 1},
    {"x ?", "x", 1},
    {"? x", "x", 1},
    {"x\t?? ", "x", 2},
    {"?? x\r", "x", 2},
    {"list ?", "list", 1},
    {"_1?", "_1", 1},
    {"a.b.c?", "a.b.c", 1},
    {"h\xc3\xa9lp?", "h\xc3\xa9lp", 1},
    {"rows[0]?", "rows[0]", 1},
    {"rows[-12].name??", "rows[-12].name", 2},
    {"d[\"a key\"]['b'].c?", "d[\"a key\"]['b'].c", 1},
    {"d['?']?", "d['?']", 1},
    /* Python, or wrong Python, which says so itself */
    {"x", NULL, 0},
    {"x???", NULL, 0},
    {"???", NULL, 0},
    {"?x?", NULL, 0},
    {"x? ?", NULL, 0},
    {"? ?x", NULL, 0},
    {"?x y", NULL, 0},
    {"x y?", NULL, 0},
    {"x?y", NULL, 0},
    {"x? # why", NULL, 0},
    {"x # why?", NULL, 0},
    {"# why?", NULL, 0},
    {"'x?'", NULL, 0},
    {"'x'?", NULL, 0},
    {"x = '?'", NULL, 0},
    {"f(x)?", NULL, 0},
    {"x + y?", NULL, 0},
    {"1?", NULL, 0},
    {"1x?", NULL, 0},
    {".x?", NULL, 0},
    {"x.?", NULL, 0},
    {"x..y?", NULL, 0},
    {"x.1?", NULL, 0},
    {"x[]?", NULL, 0},
    {"x[i]?", NULL, 0},
    {"x[0?", NULL, 0},
    {"x[-]?", NULL, 0},
    {"x['a\"]?", NULL, 0},
    {"x['a\\'']?", NULL, 0},
    {"x['a?", NULL, 0},
    {" x?", NULL, 0},
    {"%x?", NULL, 0},
    {"x?\n", NULL, 0},
    {"x\n?", NULL, 0},
};
enum { QUESTIONS = sizeof questions / sizeof *questions };

START_TEST(test_question)
{
    const Question *want = &questions[_i];
    Line line = words_split(want->text);
    ck_assert_msg((line.kind == LINE_QUESTION) == (want->word != NULL), "<%s> is kind %d", want->text, (int)line.kind);
    ck_assert_int_eq(line.marks, want->marks);
    if (want->word != NULL) {
        ck_assert_msg(words_equal(&line, want->word), "<%s> asks about <%.*s>", want->text, (int)line.word_len,
                      line.word);
        ck_assert(line.word >= want->text && line.word + line.word_len <= want->text + strlen(want->text));
    }
}
END_TEST

START_TEST(test_split_long)
{
    enum { LENGTH = 10000000 };
    char *text = malloc(LENGTH + 1);
    ck_assert_ptr_nonnull(text);
    memset(text, 'a', LENGTH);
    text[LENGTH] = '\0';
    Line line = words_split(text);
    ck_assert_int_eq(line.kind, LINE_PLAIN);
    ck_assert_uint_eq(line.word_len, LENGTH);
    text[LENGTH - 1] = '(';
    ck_assert_int_eq(words_split(text).kind, LINE_OTHER);
    text[LENGTH - 1] = '\n';
    ck_assert_int_eq(words_split(text).kind, LINE_OTHER);
    free(text);
}
END_TEST

/* Every byte as the second of three: no byte but a blank or a letter goes with a word. */
START_TEST(test_split_byte)
{
    char text[] = "a?b";
    char c = (char)_i;
    text[1] = c;
    Line line = words_split(text);
    if (c == '\0') {
        ck_assert_uint_eq(line.word_len, 1);
    } else if (c == ' ' || c == '\t' || c == '\r') {
        ck_assert_int_eq(line.kind, LINE_PLAIN);
        ck_assert_uint_eq(line.word_len, 1);
        ck_assert_str_eq(line.rest, "b");
    } else if (c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
        ck_assert_int_eq(line.kind, LINE_PLAIN);
        ck_assert_uint_eq(line.word_len, 3);
    } else {
        ck_assert_int_eq(line.kind, LINE_OTHER);
    }
}
END_TEST

START_TEST(test_equal)
{
    Line line = words_split("wh ere");
    ck_assert(words_equal(&line, "wh"));
    ck_assert(!words_equal(&line, "w"));
    ck_assert(!words_equal(&line, "where"));
    ck_assert(!words_equal(&line, "WH"));
    ck_assert(!words_equal(&line, ""));
}
END_TEST

typedef struct Number {
    const char *text;
    bool good;
    long value;
} Number;

static const Number numbers[] = {
    {"0", true, 0},      {"7", true, 7},        {"-7", true, -7},      {"+7", true, 7},
    {"  12\t", true, 12}, {"007", true, 7},      {"\r3\r", true, 3},    {"", false, 0},
    {" ", false, 0},     {"x", false, 0},       {"3x", false, 0},      {"3 4", false, 0},
    {"--3", false, 0},   {"-", false, 0},       {"+ 3", false, 0},     {"3.0", false, 0},
    {"0x10", false, 0},  {"1_000", false, 0},   {"\n3", false, 0},     {"3\n", false, 0},
    {"\xd9\xa3", false, 0}, {"1e3", false, 0},
};
enum { NUMBERS = sizeof numbers / sizeof *numbers };

START_TEST(test_number)
{
    const Number *want = &numbers[_i];
    long number = 4711;
    bool good = words_number(want->text, &number);
    ck_assert_msg(good == want->good, "<%s> is %sa number", want->text, good ? "" : "not ");
    if (good) {
        ck_assert_int_eq(number, want->value);
    }
}
END_TEST

START_TEST(test_number_limits)
{
    char text[64];
    long number;
    snprintf(text, sizeof text, "%ld", LONG_MAX);
    ck_assert(words_number(text, &number));
    ck_assert(number == LONG_MAX);
    snprintf(text, sizeof text, "%ld", LONG_MIN);
    ck_assert(words_number(text, &number));
    ck_assert(number == LONG_MIN);
    snprintf(text, sizeof text, "%ld0", LONG_MAX);
    ck_assert(!words_number(text, &number));
    snprintf(text, sizeof text, "%ld0", LONG_MIN);
    ck_assert(!words_number(text, &number));
}
END_TEST

typedef struct Session {
    const char *text, *inputs; /* NULL: it is none */
} Session;

static const Session sessions[] = {
    {">>> x = 1", "x = 1"},
    {">>> ", ""},
    {"    >>> x", "x"},
    {">>> for i in x:\n...     print(i)\n...\n1\n2\n>>> y\n3", "for i in x:\n    print(i)\n\ny"},
    {">>> x\n... output that looks like a prompt", "x\noutput that looks like a prompt"},
    {"x >>> 1", NULL},
    {">>>x", NULL},
    {"x\n>>> y", NULL},
    {"... x", NULL},
    {"", NULL},
};
enum { SESSIONS = sizeof sessions / sizeof *sessions };

START_TEST(test_session)
{
    Buffer inputs = {0};
    const Session *want = &sessions[_i];
    ck_assert_int_eq(words_split(want->text).kind == LINE_SESSION, want->inputs != NULL);
    if (want->inputs != NULL) {
        words_take_inputs(want->text, &inputs);
        ck_assert_str_eq(inputs.bytes, want->inputs);
    }
    buffer_free(&inputs);
}
END_TEST

/* ---- the file at the end ---- */

typedef struct LastFile {
    const char *text, *before, *file; /* NULL: there is none */
    bool literal;
} LastFile;

static const LastFile last_files[] = {
    {"x", "", "x", false},
    {"model m.pkl", "model", "m.pkl", false},
    {"model  \t m.pkl  ", "model", "m.pkl", false},
    {"  m.pkl", "", "m.pkl", false},
    {"f(a, b) ~/out/m.pkl", "f(a, b)", "~/out/m.pkl", false},
    {"x $HOME/m", "x", "$HOME/m", false},
    {"h\xc3\xa9 d\xc3\xa9j\xc3\xa0", "h\xc3\xa9", "d\xc3\xa9j\xc3\xa0", false},
    /* blanks and other things behind a backslash */
    {"x a\\ b", "x", "a b", false},
    {"x a\\ ", "x", "a ", false},
    {"a\\ b\\ c", "", "a b c", false},
    {"x a\\\"b", "x", "a\"b", false},
    {"x a\\\\b", "x", "a\\b", false},
    {"x a\\b", "x", "ab", false},
    {"x a\\", "x", "a\\", false},
    /* within quotes */
    {"x \"a b\"", "x", "a b", false},
    {"x 'a b'", "x", "a b", true},
    {"\"a b\"", "", "a b", false},
    {"x '~/a'", "x", "~/a", true},
    {"x \"a 'b' c\"", "x", "a 'b' c", false},
    {"x 'a \"b\" c'", "x", "a \"b\" c", true},
    {"x \"a\\\"b\"", "x", "a\"b", false},
    {"x \"a\\\\b\"", "x", "a\\b", false},
    {"x \"a\\b\"", "x", "a\\b", false},
    {"x 'a\\b'", "x", "a\\b", true},
    {"x \"\"", "x", "", false},
    {"x ''", "x", "", true},
    {"d['a b'] 'c d'", "d['a b']", "c d", true},
    {"d[\"a b\"] \"c d\"", "d[\"a b\"]", "c d", false},
    {"'a b' c", "'a b'", "c", false},
    {"x \"a b\"  ", "x", "a b", false},
    /* a quote that is none */
    {"x a'", "x", "a'", false},
    {"x it's", "x", "it's", false},
    {"d['a']", "", "d['a']", false},
    {"\\", "", "\\", false},
    /* a quote that is not closed */
    {"x '", NULL, NULL, false},
    {"'", NULL, NULL, false},
    {"x \"a", NULL, NULL, false},
    /* nothing at all */
    {"", NULL, NULL, false},
    {"   ", NULL, NULL, false},
    {"\t\r", NULL, NULL, false},
};
enum { LAST_FILES = sizeof last_files / sizeof *last_files };

/* In memory that ends where the text does. */
static ptrdiff_t
last_file_of(const char *text, Buffer *file, bool *literal)
{
    char *copy = strdup(text);
    ck_assert_ptr_nonnull(copy);
    ptrdiff_t before = words_last_file(copy, file, literal);
    free(copy);
    return before;
}

START_TEST(test_last_file)
{
    const LastFile *want = &last_files[_i];
    Buffer file = {0};
    bool literal = false;
    ptrdiff_t before = last_file_of(want->text, &file, &literal);
    const char *got = file.bytes == NULL ? "" : file.bytes;
    if (want->file == NULL) {
        ck_assert_int_eq(before, -1);
        ck_assert_str_eq(got, "");
    }
    else {
        ck_assert_msg(strcmp(got, want->file) == 0, "<%s>: the file is <%s>, not <%s>", want->text, got, want->file);
        ck_assert_msg(before == (ptrdiff_t)strlen(want->before),
                      "<%s>: before it are %td bytes", want->text, before);
        ck_assert_mem_eq(want->text, want->before, strlen(want->before));
        ck_assert_msg(literal == want->literal, "<%s>", want->text);
    }
    buffer_free(&file);
}
END_TEST

/* Every text of up to six of these: whatever is found lies within the text. */
START_TEST(test_last_file_of_any_text)
{
    static const char signs[] = "a \\\"'";
    enum { SIGNS = sizeof signs - 1, LONGEST = 6 };
    for (int length = 0, count = 1; length <= LONGEST; length++, count *= SIGNS) {
        for (int number = 0; number < count; number++) {
            char text[LONGEST + 1] = "";
            Buffer file = {0};
            bool literal = false;
            for (int i = 0, left = number; i < length; i++, left /= SIGNS) {
                text[i] = signs[left % SIGNS];
            }
            ptrdiff_t before = last_file_of(text, &file, &literal);
            bool blank = strspn(text, " ") == strlen(text), quoted = strpbrk(text, "\"'") != NULL;
            ck_assert_msg(before < 0 ? blank || quoted : !blank, "<%s>", text);
            ck_assert_msg(before <= (ptrdiff_t)strlen(text) && (before <= 0 || text[before - 1] != ' '), "<%s>", text);
            ck_assert_msg(before < 0 || file.size + (size_t)before <= strlen(text), "<%s>", text);
            buffer_free(&file);
        }
    }
}
END_TEST

int
main(void)
{
    TCase *split = tcase_create("split");
    tcase_add_loop_test(split, test_session, 0, SESSIONS);
    tcase_add_loop_test(split, test_split, 0, SPLITS);
    tcase_add_loop_test(split, test_split_byte, 0, 256);
    tcase_add_loop_test(split, test_question, 0, QUESTIONS);
    tcase_add_test(split, test_split_long);
    tcase_add_test(split, test_equal);
    TCase *number = tcase_create("number");
    tcase_add_loop_test(number, test_number, 0, NUMBERS);
    tcase_add_test(number, test_number_limits);
    TCase *last = tcase_create("last file");
    tcase_add_loop_test(last, test_last_file, 0, LAST_FILES);
    tcase_add_test(last, test_last_file_of_any_text);
    return unit_run("words", (TCase *const[]){split, number, last}, 3);
}
