/* Where each piece of a block stands on the screen: rows, wrapping, the cursor, and which rows are seen of a block that
 * is taller than the screen. No Python here, and no terminal. */
#ifndef HOOKING_LAYOUT_H
#define HOOKING_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"

/* What takes columns together: a character with what belongs to it. Or a control sequence, of no columns. */
typedef struct Cell {
    uint32_t start; /* of its bytes in Layout.bytes */
    uint8_t size;
    uint8_t columns;
    uint8_t style;   /* Style */
    uint8_t fragile; /* terminals disagree about its columns */
} Cell;

typedef struct Row {
    size_t first, count; /* in Layout.cells */
    int columns;         /* taken */
    bool continues;      /* the line of the row above, which is full */
} Row;

typedef struct Block {
    const char *above;     /* a line of somebody else's output that is not finished; "" for none */
    const char *prompt;    /* before the first line; \001 and \002 around what takes no columns */
    const char *more;      /* before the others */
    int prompt_style;      /* Style of both */
    const char *text;      /* in the locale's encoding */
    size_t size;
    size_t point;          /* offset of the cursor */
    const uint8_t *styles; /* Style of each byte; NULL: plain */
    int columns;           /* of the screen, at least 1 */
    int height;            /* rows that may be seen, at least 1 */
} Block;

typedef struct Layout {
    Cell *cells;  /* owned */
    size_t count, room;
    Row *rows;    /* owned: those that are seen */
    int row_count, row_room;
    Buffer bytes; /* of the cells */
    int columns;  /* of the screen */
    int top;      /* rows of the block above those seen */
    int total;    /* rows of the block */
    int cursor_row, cursor_column; /* counted from the first row seen */
    bool failed;  /* memory has run out */
} Layout;

/* Lay a block out. `top`: the first row that was seen before, which is kept if the cursor can be. */
void layout_block(Layout *layout, const Block *block, int top);
void layout_free(Layout *layout);

#endif
