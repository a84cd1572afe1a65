/* Room on the screen, see fold.h. */
#include "fold.h"

#include "width.h"

/* Where the cursor is behind a piece that begins in `column`. *row grows when the piece stands in the next one, as a
 * terminal moves it there that wraps: when there is no room for it. */
static int
fold_column(Piece piece, int columns, int column, int *row)
{
    if (piece.kind == PIECE_TAB) {
        int stop = (column / 8 + 1) * 8;
        return stop < columns ? stop : columns - 1; /* a tab does not wrap */
    }
    if (column + piece.columns > columns) {
        (*row)++;
        return piece.columns;
    }
    return column + piece.columns;
}

size_t
fold_rows(const char *text, size_t size, int columns, int rows)
{
    int row = 1, column = 0;
    size_t at = 0;
    while (at < size) {
        Piece piece = width_next(text + at, size - at, 1);
        if (piece.kind == PIECE_NEWLINE) {
            row++;
            column = 0;
        }
        else {
            column = fold_column(piece, columns, column, &row);
        }
        if (row > rows) {
            break;
        }
        at += piece.size;
    }
    return at;
}
