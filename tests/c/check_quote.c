/* quote.h: texts as they stand in string literals. */
#include "quote.h"

#include <string.h>

#include "unit.h"

typedef struct Opening {
    const char *text;
    bool good;
    Quote quote;
} Opening;

static const Opening openings[] = {
    {"'a'", true, {.mark = '\'', .size = 1}},
    {"\"", true, {.mark = '"', .size = 1}},
    {"''", true, {.mark = '\'', .size = 1}},
    {"'''", true, {.mark = '\'', .triple = true, .size = 3}},
    {"Rb\"\"\"x", true, {.mark = '"', .raw = true, .bytes = true, .triple = true, .size = 5}},
    {"fr'", true, {.mark = '\'', .raw = true, .formatted = true, .size = 3}},
    {"u'", true, {.mark = '\'', .size = 2}},
    {"", false, {.size = 0}},
    {"x'", false, {.size = 0}},
    {"rb", false, {.size = 0}},
    {"rbru'", false, {.size = 0}},
};

START_TEST(test_open)
{
    const Opening *want = &openings[_i];
    Quote quote;
    bool good = quote_open(want->text, strlen(want->text), &quote);
    ck_assert_msg(good == want->good, "<%s>", want->text);
    if (good) {
        ck_assert_int_eq(quote.mark, want->quote.mark);
        ck_assert(quote.raw == want->quote.raw && quote.bytes == want->quote.bytes);
        ck_assert(quote.triple == want->quote.triple && quote.formatted == want->quote.formatted);
        ck_assert_uint_eq(quote.size, want->quote.size);
    }
}
END_TEST

typedef struct Writing {
    const char *prefix, *meaning, *content; /* content NULL: it cannot be written */
} Writing;

static const Writing writings[] = {
    {"'", "", ""},
    {"'", "plain", "plain"},
    {"'", "it's", "it\\'s"},
    {"\"", "it's", "it's"},
    {"\"", "a\\b\"", "a\\\\b\\\""},
    {"'", "a\nb\tc\rd\x01\x7f", "a\\nb\\tc\\rd\\x01\\x7f"},
    {"'", "\xc3\xa9", "\xc3\xa9"},
    {"'", "\xc2\x85", "\\x85"},
    {"b'", "\xc3\xa9", "\\xc3\\xa9"},
    {"r'", "a\\b", "a\\b"},
    {"r'", "it's", NULL},
    {"r'", "a\\", NULL},
    {"r'", "a\nb", NULL},
    {"rb'", "\xff", NULL},
    {"f'", "a{b}", "a{{b}}"},
};

START_TEST(test_write)
{
    const Writing *want = &writings[_i];
    Quote quote;
    Buffer content = {NULL, 0, 0, false}, again = {NULL, 0, 0, false};
    ck_assert(quote_open(want->prefix, strlen(want->prefix), &quote));
    bool good = quote_write(&quote, want->meaning, strlen(want->meaning), &content);
    ck_assert_msg(good == (want->content != NULL), "<%s>", want->meaning);
    if (good) {
        ck_assert_str_eq(content.bytes, want->content);
        if (!quote.formatted) {
            ck_assert(quote_read(&quote, content.bytes, content.size, &again));
            ck_assert_str_eq(again.bytes, want->meaning);
        }
    }
    buffer_free(&content);
    buffer_free(&again);
}
END_TEST

typedef struct Reading {
    const char *prefix, *content, *meaning; /* meaning NULL: it has none that is known */
} Reading;

static const Reading readings[] = {
    {"'", "\\x41\\u00e9\\U0001f600\\101\\7", "A\xc3\xa9\xf0\x9f\x98\x80" "A\a"},
    {"'", "a\\\nb", "ab"},
    {"b'", "\\xe9\\101", "\xe9" "A"},
    {"b'", "\\u00e9", NULL},
    {"r'", "\\x41\\", "\\x41\\"},
    {"'", "\\", NULL},
    {"'", "\\x4", NULL},
    {"'", "\\u12", NULL},
    {"'", "\\ud800", NULL},
    {"'", "\\U00110000", NULL},
    {"'", "\\N{DASH}", NULL},
    {"'", "\\q", NULL},
};

START_TEST(test_read)
{
    const Reading *want = &readings[_i];
    Quote quote;
    Buffer meaning = {NULL, 0, 0, false};
    ck_assert(quote_open(want->prefix, strlen(want->prefix), &quote));
    bool good = quote_read(&quote, want->content, strlen(want->content), &meaning);
    ck_assert_msg(good == (want->meaning != NULL), "<%s>", want->content);
    if (good) {
        ck_assert_str_eq(meaning.bytes, want->meaning);
    }
    buffer_free(&meaning);
}
END_TEST

/* Every byte and every pair of bytes comes back, whatever the literal, if it could be written. */
START_TEST(test_round_trip)
{
    static const char *const prefixes[] = {"'", "\"", "b'", "b\"\"\"", "r'", "rb\""};
    Quote quote;
    ck_assert(quote_open(prefixes[_i], strlen(prefixes[_i]), &quote));
    for (unsigned a = 0; a < 256; a++) {
        for (unsigned b = 0; b < 256; b++) {
            char text[2] = {(char)a, (char)b};
            Buffer content = {NULL, 0, 0, false}, again = {NULL, 0, 0, false};
            if (quote_write(&quote, text, 2, &content)) {
                ck_assert(quote_read(&quote, content.bytes, content.size, &again));
                ck_assert_msg(again.size == 2 && memcmp(again.bytes, text, 2) == 0, "%02x %02x", a, b);
            }
            else {
                ck_assert(quote.raw);
            }
            buffer_free(&content);
            buffer_free(&again);
        }
    }
}
END_TEST

int
main(void)
{
    TCase *quote = tcase_create("quote");
    tcase_add_loop_test(quote, test_open, 0, sizeof openings / sizeof *openings);
    tcase_add_loop_test(quote, test_write, 0, sizeof writings / sizeof *writings);
    tcase_add_loop_test(quote, test_read, 0, sizeof readings / sizeof *readings);
    tcase_add_loop_test(quote, test_round_trip, 0, 6);
    return unit_run("quote", (TCase *const[]){quote}, 1);
}
