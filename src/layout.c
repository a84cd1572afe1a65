/* Rows and columns of a block, see layout.h.
 *
 * It is walked twice: once to count rows and find the cursor's, once to make cells of the rows that are seen. So a
 * block of megabytes takes no more memory than a screen.
 */
#include "layout.h"

#include <stdlib.h>
#include <string.h>

#include "theme.h"
#include "width.h"

enum { TAB = 8 };

typedef struct Walk {
    Layout *layout;
    const Block *block;
    int row, column;
    int line_start;  /* the column at which the text of this line begins: tabs count from there */
    int first, last; /* rows to make cells of: from first to before last */
    int cursor_row, cursor_column;
} Walk;

/* ---- rows and cells ---- */

static Row *
layout_add_row(Layout *layout, bool continues)
{
    if (layout->row_count == layout->row_room) {
        int room = layout->row_room ? layout->row_room * 2 : 32;
        Row *rows = realloc(layout->rows, (size_t)room * sizeof *rows);
        if (rows == NULL) {
            layout->failed = true;
            return NULL;
        }
        layout->rows = rows;
        layout->row_room = room;
    }
    Row *row = &layout->rows[layout->row_count++];
    *row = (Row){.first = layout->count, .continues = continues};
    return row;
}

static void
layout_add_cell(Layout *layout, const char *bytes, size_t size, int columns, int style, int fragile)
{
    if (layout->row_count == 0) {
        return; /* there was no memory for the row */
    }
    if (layout->count == layout->room) {
        size_t room = layout->room ? layout->room * 2 : 256;
        Cell *cells = realloc(layout->cells, room * sizeof *cells);
        if (cells == NULL) {
            layout->failed = true;
            return;
        }
        layout->cells = cells;
        layout->room = room;
    }
    layout->cells[layout->count++] = (Cell){(uint32_t)layout->bytes.size, (uint8_t)size, (uint8_t)columns,
                                            (uint8_t)style, (uint8_t)fragile};
    buffer_add(&layout->bytes, bytes, size);
    Row *row = &layout->rows[layout->row_count - 1];
    row->count++;
    row->columns += columns;
}

static bool
walk_sees(const Walk *walk)
{
    return walk->row >= walk->first && walk->row < walk->last;
}

static void
walk_new_row(Walk *walk, bool continues)
{
    walk->row++;
    walk->column = 0;
    if (walk_sees(walk)) {
        layout_add_row(walk->layout, continues);
    }
}

static void
walk_put(Walk *walk, const char *bytes, size_t size, int columns, int style, int fragile)
{
    if (walk->column + columns > walk->block->columns) {
        walk_new_row(walk, true);
    }
    if (walk_sees(walk)) {
        layout_add_cell(walk->layout, bytes, size, columns, style, fragile);
    }
    walk->column += columns;
}

static void
walk_put_ascii(Walk *walk, const char *text, int style)
{
    for (; *text != '\0'; text++) {
        walk_put(walk, text, 1, 1, style, 0);
    }
}

/* ---- text ---- */

static void
walk_put_piece(Walk *walk, const char *text, const Piece *piece, int style)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char c = (unsigned char)*text;
    char shown[5];
    switch (piece->kind) {
    case PIECE_CONTROL:
        shown[0] = '^';
        shown[1] = (char)(c ^ 0x40);
        shown[2] = '\0';
        walk_put_ascii(walk, shown, style);
        break;
    case PIECE_BYTE:
        shown[0] = '\\';
        shown[1] = 'x';
        shown[2] = digits[c >> 4];
        shown[3] = digits[c & 15];
        shown[4] = '\0';
        walk_put_ascii(walk, shown, style);
        break;
    case PIECE_TAB: {
        int count = TAB - (walk->column - walk->line_start) % TAB;
        int room = walk->block->columns - walk->column;
        for (int i = 0; i < count && (i == 0 || i < room); i++) {
            walk_put(walk, " ", 1, 1, style, 0);
        }
        break;
    }
    case PIECE_NEWLINE:
        break;
    case PIECE_TEXT:
    case PIECE_SEQUENCE:
        if (piece->columns > walk->block->columns || piece->size > UINT8_MAX) {
            walk_put(walk, "?", 1, 1, style, 0);
        }
        else {
            walk_put(walk, text, piece->size, piece->columns, style, piece->fragile);
        }
        break;
    }
}

/* A prompt, or a line of output: may contain control sequences, and a prompt's parts between \001 and \002. */
static void
walk_put_string(Walk *walk, const char *text, int style)
{
    size_t size = strlen(text);
    bool sequences = false;
    for (size_t at = 0; at < size;) {
        if (text[at] == '\001' || text[at] == '\002') {
            const char *end = text[at] == '\001' ? strchr(text + at, '\002') : NULL;
            size_t inside = end == NULL ? 0 : (size_t)(end - text) - at - 1;
            if (inside > 0 && inside <= UINT8_MAX) {
                walk_put(walk, text + at + 1, inside, 0, STYLE_PLAIN, 0);
                sequences = true;
            }
            at += inside + 1;
            continue;
        }
        Piece piece = width_next(text + at, size - at, 1);
        if (piece.kind == PIECE_NEWLINE) {
            walk_new_row(walk, false);
        }
        else {
            sequences |= piece.kind == PIECE_SEQUENCE;
            walk_put_piece(walk, text + at, &piece, sequences ? STYLE_PLAIN : style);
        }
        at += piece.size;
    }
    if (sequences) {
        walk_put(walk, THEME_OFF, sizeof THEME_OFF - 1, 0, STYLE_PLAIN, 0);
    }
}

static void
walk_mark_cursor(Walk *walk)
{
    if (walk->column >= walk->block->columns) {
        walk_new_row(walk, true); /* behind a full row it stands on the next */
    }
    walk->cursor_row = walk->row;
    walk->cursor_column = walk->column;
}

/* Printable ASCII up to the rows that are seen: only its length matters. Returns the bytes passed over. */
static size_t
walk_skip_ascii(Walk *walk, const char *text, size_t size)
{
    size_t columns = (size_t)walk->block->columns;
    if (walk->last > 0) { /* looking further than the first row seen, at each step, would take the line's square */
        size_t room = walk->row < walk->first ? (size_t)(walk->first - walk->row) * columns - (size_t)walk->column : 0;
        size = size < room ? size : room;
    }
    size_t length = 0;
    while (length < size && text[length] >= ' ' && text[length] <= '~') {
        length++;
    }
    if (length < 2) {
        return 0;
    }
    length--; /* something that combines with the last may stand behind it */
    size_t end = (size_t)walk->column + length;
    size_t rows = (end - 1) / columns;
    walk->row += (int)rows;
    walk->column = (int)(end - rows * columns);
    return length;
}

static void
walk_put_text(Walk *walk)
{
    const Block *block = walk->block;
    walk->line_start = walk->column;
    for (size_t at = 0; at < block->size && (walk->row < walk->last || walk->last == 0);) {
        size_t stop = at < block->point ? block->point : block->size;
        if (at != block->point) {
            at += walk_skip_ascii(walk, block->text + at, stop - at);
        }
        Piece piece = width_next(block->text + at, block->size - at, 0);
        if (at == block->point || (at < block->point && at + piece.size > block->point)) {
            bool wraps = piece.kind != PIECE_NEWLINE && walk->column + piece.columns > block->columns;
            if (wraps) {
                walk_new_row(walk, true);
            }
            walk_mark_cursor(walk);
        }
        if (piece.kind == PIECE_NEWLINE) {
            walk_new_row(walk, false);
            walk_put_string(walk, block->more, block->prompt_style);
            walk->line_start = walk->column;
        }
        else {
            walk_put_piece(walk, block->text + at, &piece, block->styles == NULL ? STYLE_PLAIN : block->styles[at]);
        }
        at += piece.size;
    }
    if (block->point >= block->size) {
        walk_mark_cursor(walk);
    }
}

static Walk
layout_walk(Layout *layout, const Block *block, int first, int last)
{
    Walk walk = {.layout = layout, .block = block, .first = first, .last = last};
    if (walk_sees(&walk)) {
        layout_add_row(layout, false);
    }
    if (*block->above != '\0') {
        walk_put_string(&walk, block->above, STYLE_PLAIN);
        walk_new_row(&walk, false);
    }
    walk_put_string(&walk, block->prompt, block->prompt_style);
    walk_put_text(&walk);
    return walk;
}

void
layout_block(Layout *layout, const Block *block, int top)
{
    layout->count = 0;
    layout->row_count = 0;
    layout->failed = false;
    buffer_empty(&layout->bytes);
    layout->columns = block->columns;
    Walk all = layout_walk(layout, block, 0, 0);
    layout->total = all.row + 1;
    if (top > layout->total - block->height) {
        top = layout->total - block->height;
    }
    if (top > all.cursor_row) {
        top = all.cursor_row;
    }
    if (top < all.cursor_row - block->height + 1) {
        top = all.cursor_row - block->height + 1;
    }
    layout->top = top > 0 ? top : 0;
    layout->cursor_row = all.cursor_row - layout->top;
    layout->cursor_column = all.cursor_column;
    layout_walk(layout, block, layout->top, layout->top + block->height);
    layout->failed |= layout->bytes.failed;
}

void
layout_free(Layout *layout)
{
    free(layout->cells);
    free(layout->rows);
    buffer_free(&layout->bytes);
    *layout = (Layout){0};
}
