/* How many columns of the terminal a text takes. It is read in the locale's encoding. No Python here. */
#ifndef HOOKING_WIDTH_H
#define HOOKING_WIDTH_H

#include <stddef.h>

/* The next piece of a text that stands or falls together: a character with what combines with it, an emoji sequence, a
 * control character, a byte that is none, a control sequence that starts with Escape. */
typedef enum PieceKind {
    PIECE_TEXT,
    PIECE_CONTROL,  /* to be shown as ^A; two columns */
    PIECE_TAB,      /* its columns depend on where it stands: 0 here */
    PIECE_NEWLINE,  /* 0 columns */
    PIECE_BYTE,     /* one byte of no character that can be shown: to be written as \xNN; four columns */
    PIECE_SEQUENCE, /* ESC [ ... or ESC ] ...: 0 columns. Only with `sequences` */
} PieceKind;

typedef struct Piece {
    size_t size; /* bytes, at least 1 */
    int columns;
    PieceKind kind;
    int fragile; /* terminals disagree about its columns: the cursor should be placed anew behind it */
} Piece;

/* Look at the start of a text of `size` bytes, which are not 0. */
Piece width_next(const char *text, size_t size, int sequences);

/* Columns that a text in one line adds; a tab goes to the next multiple of eight, counted from `column`. */
int width_of(const char *text, size_t size, int column, int sequences);

#endif
