/* Columns of text, see width.h.
 *
 * What a character takes is asked of libc's wcwidth(), whose tables the system keeps up to date. Here stands what libc
 * does not know: which characters belong together. In UTF-8 all terminals agree about single characters, and few about
 * emoji that are made of several. */
#include "width.h"

#include <stdint.h>
#include <string.h>
#include <wchar.h>

enum {
    ESCAPE = 0x1b,
    ZERO_WIDTH_JOINER = 0x200d,
    KEYCAP = 0x20e3,
    TEXT_VARIANT = 0xfe0e,  /* variation selector 15 */
    EMOJI_VARIANT = 0xfe0f, /* variation selector 16 */
};

typedef struct Range {
    uint32_t first, last;
} Range;

static int
width_is_among(uint32_t character, const Range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (character >= ranges[i].first && character <= ranges[i].last) {
            return 1;
        }
    }
    return 0;
}

#define AMONG(character, ranges) width_is_among((character), (ranges), sizeof(ranges) / sizeof *(ranges))

/* The blocks in which there are emoji: a variation selector, a skin tone or a joiner may follow. Blocks, not single
 * characters (Unicode's emoji-data.txt): the others in them have no such sequences. */
static int
width_is_pictograph(uint32_t character)
{
    static const Range blocks[] = {
        {0xa9, 0xa9},     {0xae, 0xae},     {0x203c, 0x203c}, {0x2049, 0x2049}, {0x2122, 0x2122},
        {0x2139, 0x2139}, {0x2190, 0x21ff}, {0x2300, 0x23ff}, {0x24c2, 0x24c2}, {0x25a0, 0x27bf},
        {0x2900, 0x297f}, {0x2b00, 0x2bff}, {0x3030, 0x3030}, {0x303d, 0x303d}, {0x3297, 0x3297},
        {0x3299, 0x3299}, {0x1f000, 0x1f1e5}, {0x1f200, 0x1f3fa}, {0x1f400, 0x1faff}};
    return AMONG(character, blocks);
}

static int
width_is_keycap_base(uint32_t character)
{
    return (character >= '0' && character <= '9') || character == '#' || character == '*';
}

static int
width_is_skin_tone(uint32_t character)
{
    return character >= 0x1f3fb && character <= 0x1f3ff;
}

static int
width_is_regional(uint32_t character)
{
    return character >= 0x1f1e6 && character <= 0x1f1ff;
}

static int
width_is_tag(uint32_t character)
{
    return character >= 0xe0020 && character <= 0xe007f;
}

/* Characters that are not drawn and stand by themselves: of the direction of writing, separators, annotations. */
static int
width_is_format(uint32_t character)
{
    static const Range ranges[] = {{0x61c, 0x61c},   {0x180e, 0x180e}, {0x200b, 0x200b},   {0x200e, 0x200f},
                                   {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfeff, 0xfeff},   {0xfff0, 0xfffb},
                                   {0x13430, 0x1343f}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe001f},
                                   {0xe0080, 0xe00ff}, {0xe01f0, 0xe0fff}};
    return AMONG(character, ranges);
}

/* Characters that this libc has no width for, being newer than it: their blocks tell. */
static int
width_guess(uint32_t character)
{
    static const Range wide[] = {{0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f7e0, 0x1f7ff}, {0x1f900, 0x1f9ff},
                                 {0x1fa70, 0x1faff}, {0x2fff, 0x2fff},   {0x31e4, 0x31e5},   {0x17000, 0x18dff},
                                 {0x20000, 0x3fffd}};
    return AMONG(character, wide) ? 2 : 1;
}

/* One character and its columns. */
typedef struct Glyph {
    uint32_t character;
    int size;   /* bytes; 0: there is none, at the end or in these bytes */
    int width;  /* -1: not to be written to a terminal */
    int unsure; /* the width is guessed */
} Glyph;

static Glyph
width_decode(const char *text, size_t size)
{
    Glyph none = {0, 0, -1, 0};
    mbstate_t state;
    wchar_t wide;
    if (size == 0) {
        return none;
    }
    memset(&state, 0, sizeof state);
    size_t used = mbrtowc(&wide, text, size, &state);
    if (used == (size_t)-1 || used == (size_t)-2) {
        return none;
    }
    Glyph glyph = {(uint32_t)wide, used == 0 ? 1 : (int)used, wcwidth(wide), 0};
    if (width_is_format(glyph.character)) {
        glyph.width = 0;
    }
    else if (glyph.width < 0 && glyph.character >= 0xa0 && (glyph.character & 0xfffff800) != 0xd800
             && glyph.character <= 0x10ffff) {
        glyph.width = width_guess(glyph.character);
        glyph.unsure = 1;
    }
    return glyph;
}

/* Does a character of no width join the one before it? */
static int
width_joins(Glyph glyph)
{
    return glyph.size > 0 && glyph.width == 0 && glyph.character != 0 && !width_is_format(glyph.character);
}

/* A character and all that belongs to it. `base` is the first of them. */
static Piece
width_cluster(const char *text, size_t size, Glyph base)
{
    Piece piece = {(size_t)base.size, base.width, PIECE_TEXT, base.unsure};
    int pictograph = width_is_pictograph(base.character);
    if (width_is_format(base.character)) {
        return piece;
    }
    if (width_is_regional(base.character)) {
        Glyph second = width_decode(text + piece.size, size - piece.size);
        piece.fragile = 1;
        if (second.size > 0 && width_is_regional(second.character)) {
            piece.size += (size_t)second.size;
            piece.columns = 2;
        }
    }
    for (uint32_t last = base.character;;) {
        Glyph next = width_decode(text + piece.size, size - piece.size);
        if (next.size == 0) {
            return piece;
        }
        int joined = last == ZERO_WIDTH_JOINER && pictograph && width_is_pictograph(next.character);
        int toned = pictograph && width_is_skin_tone(next.character);
        if (!joined && !toned && !width_joins(next)) {
            return piece;
        }
        if (joined || toned || (next.character == KEYCAP && width_is_keycap_base(base.character))
            || (next.character == EMOJI_VARIANT && base.width == 1
                && (pictograph || width_is_keycap_base(base.character)))) {
            piece.columns = 2;
            piece.fragile = 1;
        }
        /* Where this is obeyed it takes one column; one too many leaves a gap, one too few a letter behind. */
        if (next.character == TEXT_VARIANT && base.width == 2) {
            piece.fragile = 1;
        }
        if (width_is_tag(next.character)) {
            piece.fragile = 1;
        }
        piece.size += (size_t)next.size;
        last = next.character;
    }
}

/* Bytes of the control sequence that the text starts with, 0 for none or one that does not end. ECMA-48, and what
 * xterm does with ESC ], which BEL ends as well. */
static size_t
width_sequence(const char *text, size_t size)
{
    size_t at = 2;
    if (size < 3 || text[0] != ESCAPE) {
        return 0;
    }
    if (text[1] == '[') {
        while (at < size && text[at] >= 0x20 && text[at] <= 0x3f) {
            at++;
        }
        return at < size && text[at] >= 0x40 && text[at] <= 0x7e ? at + 1 : 0;
    }
    for (; text[1] == ']' && at < size; at++) {
        if (text[at] == '\a') {
            return at + 1;
        }
        if (text[at] == ESCAPE) {
            return at + 1 < size && text[at + 1] == '\\' ? at + 2 : 0;
        }
    }
    return 0;
}

static Piece
width_control(const char *text, size_t size, int sequences)
{
    Piece piece = {1, 2, PIECE_CONTROL, 0};
    size_t sequence = sequences ? width_sequence(text, size) : 0;
    if (*text == '\t') {
        piece = (Piece){1, 0, PIECE_TAB, 0};
    }
    else if (*text == '\n') {
        piece = (Piece){1, 0, PIECE_NEWLINE, 0};
    }
    else if (sequence > 0) {
        piece = (Piece){sequence, 0, PIECE_SEQUENCE, 0};
    }
    return piece;
}

static int
width_is_printable_ascii(char c)
{
    return c >= 0x20 && c < 0x7f;
}

static int
width_is_ascii(char c)
{
    return ((unsigned char)c & 0x80) == 0;
}

Piece
width_next(const char *text, size_t size, int sequences)
{
    if (width_is_ascii(*text)) {
        if (!width_is_printable_ascii(*text)) {
            return width_control(text, size, sequences);
        }
        if (size == 1 || width_is_ascii(text[1])) {
            return (Piece){1, 1, PIECE_TEXT, 0};
        }
    }
    Glyph glyph = width_decode(text, size);
    if (glyph.size == 0 || glyph.width < 0) {
        return (Piece){1, 4, PIECE_BYTE, 0};
    }
    return width_cluster(text, size, glyph);
}

int
width_of(const char *text, size_t size, int column, int sequences)
{
    int start = column;
    size_t at = 0;
    while (at < size) {
        if (width_is_printable_ascii(text[at]) && (at + 1 == size || width_is_ascii(text[at + 1]))) {
            at++;
            column++;
            continue;
        }
        Piece piece = width_next(text + at, size - at, sequences);
        column += piece.kind == PIECE_TAB ? 8 - column % 8 : piece.columns;
        at += piece.size;
    }
    return column - start;
}
