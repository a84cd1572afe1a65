/* width.h: columns of text. */
#include "width.h"

#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "unit.h"

static bool
width_locale(const char *const *names)
{
    for (; *names != NULL; names++) {
        if (setlocale(LC_ALL, *names) != NULL) {
            return true;
        }
    }
    return false;
}

static void
use_utf8(void)
{
    static const char *const names[] = {"C.UTF-8", "C.utf8", "en_US.UTF-8", NULL};
    ck_assert_msg(width_locale(names), "there is no UTF-8 locale");
}

static void
use_c(void)
{
    ck_assert_ptr_nonnull(setlocale(LC_ALL, "C"));
}

typedef struct Want {
    const char *text;
    size_t size;
    int columns;
    PieceKind kind;
    int fragile;
} Want;

#define BYTES(literal) literal, sizeof literal - 1

static void
expect_piece(const Want *want, int sequences)
{
    char padded[64];
    Piece piece = width_next(want->text, want->size, sequences);
    ck_assert_msg(piece.size == want->size, "<%s> is a piece of %zu bytes, not %zu", want->text, piece.size,
                  want->size);
    ck_assert_msg(piece.columns == want->columns, "<%s> takes %d columns, not %d", want->text, piece.columns,
                  want->columns);
    ck_assert_msg(piece.kind == want->kind, "<%s> is of kind %d", want->text, (int)piece.kind);
    ck_assert_msg(!piece.fragile == !want->fragile, "<%s> is %sfragile", want->text, piece.fragile ? "" : "not ");
    /* a letter behind it belongs to the next piece */
    memcpy(padded, want->text, want->size);
    padded[want->size] = 'x';
    ck_assert_uint_eq(width_next(padded, want->size + 1, sequences).size, want->size);
}

/* What stands or falls together, in UTF-8. */
static const Want pieces[] = {
    {BYTES("a"), 1, PIECE_TEXT, 0},
    {BYTES(" "), 1, PIECE_TEXT, 0},
    {BYTES("~"), 1, PIECE_TEXT, 0},
    {BYTES("ä"), 1, PIECE_TEXT, 0},
    {BYTES("\u00a0"), 1, PIECE_TEXT, 0},
    {BYTES("日"), 2, PIECE_TEXT, 0},
    {BYTES("Ａ"), 2, PIECE_TEXT, 0},                 /* fullwidth */
    {BYTES("ｱ"), 1, PIECE_TEXT, 0},                  /* halfwidth */
    {BYTES("\U0001f600"), 2, PIECE_TEXT, 0},
    {BYTES("\ue000"), 1, PIECE_TEXT, 0},              /* private use: symbols of prompts */
    /* combining */
    {BYTES("e\u0301"), 1, PIECE_TEXT, 0},
    {BYTES("e\u0301\u0323\u0302"), 1, PIECE_TEXT, 0},
    {BYTES("か\u3099"), 2, PIECE_TEXT, 0},
    {BYTES("\u0301"), 0, PIECE_TEXT, 0},              /* on nothing: it joins what was shown before */
    {BYTES("न\u093f"), 1, PIECE_TEXT, 0},             /* see test_known: libc decides about U+093F */
    {BYTES("a\u200d"), 1, PIECE_TEXT, 0},
    /* Hangul: an initial takes two columns, medial and final join it */
    {BYTES("\u1100"), 2, PIECE_TEXT, 0},
    {BYTES("\u1100\u1161"), 2, PIECE_TEXT, 0},
    {BYTES("\u1112\u1161\u11ab"), 2, PIECE_TEXT, 0},
    {BYTES("한"), 2, PIECE_TEXT, 0},
    {BYTES("하\u11ab"), 2, PIECE_TEXT, 0},
    /* emoji of several characters */
    {BYTES("\u2764\ufe0f"), 2, PIECE_TEXT, 1},        /* a heart in colour */
    {BYTES("\u2764"), 1, PIECE_TEXT, 0},              /* and in black */
    {BYTES("\u2764\ufe0e"), 1, PIECE_TEXT, 0},
    {BYTES("\u231a\ufe0e"), 2, PIECE_TEXT, 1},        /* a watch in black */
    {BYTES("\u231a\ufe0f"), 2, PIECE_TEXT, 0},        /* two columns in any case */
    {BYTES("\u00a9\ufe0f"), 2, PIECE_TEXT, 1},
    {BYTES("\u2122\ufe0f"), 2, PIECE_TEXT, 1},
    {BYTES("a\ufe0f"), 1, PIECE_TEXT, 0},             /* no emoji: nothing selected */
    {BYTES("1\ufe0f\u20e3"), 2, PIECE_TEXT, 1},
    {BYTES("#\u20e3"), 2, PIECE_TEXT, 1},
    {BYTES("*\ufe0f"), 2, PIECE_TEXT, 1},
    {BYTES("a\u20e3"), 1, PIECE_TEXT, 0},
    {BYTES("\U0001f44d\U0001f3fd"), 2, PIECE_TEXT, 1},
    {BYTES("\u261d\U0001f3fd"), 2, PIECE_TEXT, 1},
    {BYTES("\U0001f3fd"), 2, PIECE_TEXT, 0},
    {BYTES("\U0001f468\u200d\U0001f469\u200d\U0001f467"), 2, PIECE_TEXT, 1},
    {BYTES("\U0001f469\U0001f3fd\u200d\U0001f4bb"), 2, PIECE_TEXT, 1},
    {BYTES("\u2764\ufe0f\u200d\U0001f525"), 2, PIECE_TEXT, 1},
    {BYTES("\U0001f1e6\U0001f1f9"), 2, PIECE_TEXT, 1},
    {BYTES("\U0001f1e6"), 1, PIECE_TEXT, 1},
    {BYTES("\U0001f3f4\U000e0067\U000e0062\U000e007f"), 2, PIECE_TEXT, 1},
    /* nothing is drawn */
    {BYTES("\u200b"), 0, PIECE_TEXT, 0},
    {BYTES("\u200e"), 0, PIECE_TEXT, 0},
    {BYTES("\u202e"), 0, PIECE_TEXT, 0},
    {BYTES("\u2028"), 0, PIECE_TEXT, 0},
    {BYTES("\u2066"), 0, PIECE_TEXT, 0},
    {BYTES("\ufeff"), 0, PIECE_TEXT, 0},
    /* controls */
    {BYTES("\0"), 2, PIECE_CONTROL, 0},
    {BYTES("\1"), 2, PIECE_CONTROL, 0},
    {BYTES("\r"), 2, PIECE_CONTROL, 0},
    {BYTES("\033"), 2, PIECE_CONTROL, 0},
    {BYTES("\x1f"), 2, PIECE_CONTROL, 0},
    {BYTES("\x7f"), 2, PIECE_CONTROL, 0},
    {BYTES("\t"), 0, PIECE_TAB, 0},
    {BYTES("\n"), 0, PIECE_NEWLINE, 0},
    /* bytes of no character */
    {BYTES("\xff"), 4, PIECE_BYTE, 0},
    {BYTES("\xc3"), 4, PIECE_BYTE, 0},
    {BYTES("\x80"), 4, PIECE_BYTE, 0},
};
enum { PIECES = sizeof pieces / sizeof *pieces };

START_TEST(test_piece)
{
    use_utf8();
    if (strcmp(pieces[_i].text, "न\u093f") == 0 && wcwidth(0x93f) != 0) {
        return; /* it is a piece of its own, with its column */
    }
    expect_piece(&pieces[_i], 0);
    expect_piece(&pieces[_i], 1);
}
END_TEST

static const Want sequences[] = {
    {BYTES("\033[0m"), 0, PIECE_SEQUENCE, 0},
    {BYTES("\033[1;38;5;200m"), 0, PIECE_SEQUENCE, 0},
    {BYTES("\033[m"), 0, PIECE_SEQUENCE, 0},
    {BYTES("\033[?2004h"), 0, PIECE_SEQUENCE, 0},
    {BYTES("\033[ q"), 0, PIECE_SEQUENCE, 0},
    {BYTES("\033]0;title\a"), 0, PIECE_SEQUENCE, 0},
    {BYTES("\033]8;;http://x/\033\\"), 0, PIECE_SEQUENCE, 0},
    {BYTES("\033]\a"), 0, PIECE_SEQUENCE, 0},
};
enum { SEQUENCES = sizeof sequences / sizeof *sequences };

START_TEST(test_sequence)
{
    use_utf8();
    expect_piece(&sequences[_i], 1);
    Piece piece = width_next(sequences[_i].text, sequences[_i].size, 0);
    ck_assert_int_eq(piece.kind, PIECE_CONTROL);
    ck_assert_uint_eq(piece.size, 1);
    /* without its end it is none */
    for (size_t size = 1; size < sequences[_i].size; size++) {
        ck_assert_int_eq(width_next(sequences[_i].text, size, 1).kind, PIECE_CONTROL);
    }
}
END_TEST

typedef struct Line {
    const char *text;
    int column;
    int columns;
    int sequences;
} Line;

static const Line lines[] = {
    {"", 0, 0, 0},
    {"hello, world", 0, 12, 0},
    {"日本語", 0, 6, 0},
    {"e\u0301te\u0301", 0, 3, 0},
    {"\t", 0, 8, 0},
    {"\t", 7, 1, 0},
    {"\t", 8, 8, 0},
    {"a\tb", 0, 9, 0},
    {"日本語ab\tb", 0, 17, 0},
    {"日本語a\tb", 3, 14, 0},
    {"\1\x7f\r", 0, 6, 0},
    {"\xff\xfe", 0, 8, 0},
    {"\xc2\x85", 0, 8, 0}, /* a C1 control: its two bytes */
    {"\xed\xa0\x80", 0, 12, 0}, /* half of a surrogate pair */
    {"a\n", 0, 1, 0},
    {"\033[31mred\033[0m", 0, 3, 1},
    {"\033[31mred\033[0m", 0, 14, 0},
    {"\U0001f468\u200d\U0001f469\u200d\U0001f467!", 0, 3, 0},
    {"\U0001f1e6\U0001f1f9\U0001f1e8\U0001f1ed\U0001f1e9", 0, 5, 0},
    {"\u200dx", 0, 1, 0},
    {"नि", 0, 2, 0},
};
enum { LINES = sizeof lines / sizeof *lines };

START_TEST(test_line)
{
    const Line *line = &lines[_i];
    use_utf8();
    int columns = width_of(line->text, strlen(line->text), line->column, line->sequences);
    ck_assert_msg(columns == line->columns, "line %d <%s> takes %d columns, not %d", _i, line->text, columns,
                  line->columns);
}
END_TEST

/* Whatever the bytes are, the pieces follow each other and end at the end. */
START_TEST(test_any_bytes)
{
    static const char *const alphabet[] = {"\xf0", "\x9f", "\x91", "\xa9", "\xe2", "\x80", "\x8d", "\033", "[",
                                           "]",    "m",    "\a",   "\\",   "\t",   "\xff", "a",    "\xcc", "\xef"};
    char text[40];
    unsigned random = (unsigned)_i + 1;
    if (_i % 2) {
        use_utf8();
    }
    else {
        use_c();
    }
    for (int round = 0; round < 1000; round++) {
        for (size_t i = 0; i < sizeof text; i++) {
            random = random * 1103515245u + 12345u;
            text[i] = *alphabet[(random >> 16) % (sizeof alphabet / sizeof *alphabet)];
        }
        size_t at = 0;
        while (at < sizeof text) {
            Piece piece = width_next(text + at, sizeof text - at, round % 2);
            ck_assert_uint_ge(piece.size, 1);
            ck_assert_uint_le(piece.size, sizeof text - at);
            ck_assert_int_ge(piece.columns, 0);
            ck_assert_int_le(piece.columns, 4);
            at += piece.size;
        }
    }
}
END_TEST

START_TEST(test_c_locale)
{
    use_c();
    ck_assert_int_eq(width_of("plain\1", 6, 0, 0), 7);
    Piece piece = width_next("\xc3\xa4", 2, 0);
    ck_assert_int_eq(piece.kind, PIECE_BYTE);
    ck_assert_uint_eq(piece.size, 1);
    ck_assert_int_eq(width_of("\xc3\xa4", 2, 0, 0), 8);
}
END_TEST

START_TEST(test_latin1)
{
    static const char *const names[] = {"en_US.ISO-8859-1", "en_US.iso88591", "de_DE.ISO-8859-1", "de_DE.iso88591",
                                        "en_US", NULL};
    if (!width_locale(names)) {
        return; /* most systems have none */
    }
    ck_assert_int_eq(width_of("\xe4\xf6\xfc", 3, 0, 0), 3);
    ck_assert_int_eq(width_of("\xc3\xa4", 2, 0, 0), 2);
    Piece piece = width_next("\x85", 1, 0);
    ck_assert_int_eq(piece.kind, PIECE_BYTE);
}
END_TEST

/* ---- the whole of Unicode, as the wcwidth package of Python sees it ---- */

enum { LAST_CHARACTER = 0x10ffff, UNKNOWN = -2 };

/* One letter a character: 0 1 2, - for controls, ? for what Python does not know, c for categories about which versions
 * of the package differ: marks that take a column (Mc), formats (Cf). */
static const char PROGRAM[] =
    "import sys, unicodedata as u, wcwidth as w\n"
    "def letter(n):\n"
    "    c = chr(n)\n"
    "    category = u.category(c)\n"
    "    if category in ('Cn', 'Cs', 'Co'):\n"
    "        return '?'\n"
    "    return 'c' if category in ('Mc', 'Cf') else '-012'[w.wcwidth(c) + 1]\n"
    "sys.stdout.write(''.join(map(letter, range(0x110000))))\n";

/* What libc, or width.c, sees otherwise than the package, and all versions of it. */
static bool
is_explained(int character)
{
    return character == 0xad                          /* soft hyphen: terminals draw it; the package says so or not */
           || character == 0                          /* ^@ here, nothing there */
           || (character >= 0x1160 && character <= 0x11ff)  /* Hangul medials and finals join: 0.2.5 does not say so */
           || (character >= 0xd7b0 && character <= 0xd7ff)
           || (character >= 0x3248 && character <= 0x324f)  /* circled numbers: ambiguous, wide in glibc */
           /* wide from Unicode 16 on: hexagrams, symbols of Tai Xuan Jing, counting rods */
           || (character >= 0x4dc0 && character <= 0x4dff) || (character >= 0x1d300 && character <= 0x1d376)
           /* half of a flag: two columns in newer versions of the package, one in glibc */
           || (character >= 0x1f1e6 && character <= 0x1f1ff);
}

START_TEST(test_unicode)
{
    const char *python = getenv("HK_TEST_PYTHON");
    char command[8192];
    int compared = 0, different = 0;
    use_utf8();
    ck_assert_msg(python != NULL, "HK_TEST_PYTHON names no Python (make check sets it)");
    snprintf(command, sizeof command, "PYTHONIOENCODING=utf-8 '%s' -c \"%s\"", python, PROGRAM);
    FILE *child = popen(command, "r");
    ck_assert_ptr_nonnull(child);
    for (int character = 0; character <= LAST_CHARACTER; character++) {
        char text[8];
        mbstate_t state;
        memset(&state, 0, sizeof state);
        int letter = fgetc(child);
        ck_assert_msg(letter != EOF, "the wcwidth package has said nothing about U+%04X", (unsigned)character);
        size_t size = letter == '?' ? (size_t)-1 : wcrtomb(text, (wchar_t)character, &state);
        if (letter == '?' || letter == 'c' || size == (size_t)-1) {
            continue;
        }
        Piece piece = width_next(text, size, 0);
        int want = letter == '-' ? -1 : letter - '0';
        int got = piece.kind == PIECE_TEXT ? piece.columns : -1;
        compared++;
        if (got != want && !is_explained(character)) {
            fprintf(stderr, "U+%04X: %d columns, wcwidth says %d\n", (unsigned)character, got, want);
            different++;
        }
    }
    ck_assert_int_eq(pclose(child), 0);
    ck_assert_int_gt(compared, 130000);
    /* libc, Python and the package each have a version of Unicode, and each new one brings some marks and emoji:
     * between 14 (glibc 2.36) and 17 (Python 3.15) there are 137. */
    ck_assert_msg(different <= 300, "%d characters differ", different);
}
END_TEST

int
main(void)
{
    TCase *piece = tcase_create("piece");
    tcase_add_loop_test(piece, test_piece, 0, PIECES);
    tcase_add_loop_test(piece, test_sequence, 0, SEQUENCES);
    tcase_add_loop_test(piece, test_line, 0, LINES);
    tcase_add_loop_test(piece, test_any_bytes, 0, 4);
    TCase *encoding = tcase_create("encoding");
    tcase_add_test(encoding, test_c_locale);
    tcase_add_test(encoding, test_latin1);
    TCase *unicode = tcase_create("unicode");
    tcase_set_timeout(unicode, 60);
    tcase_add_test(unicode, test_unicode);
    return unit_run("width", (TCase *const[]){piece, encoding, unicode}, 3);
}
