/* What a terminal must be sent so that it shows a block, with as few bytes as a slow line deserves. No Python here. */
#ifndef HOOKING_RENDER_H
#define HOOKING_RENDER_H

#include "buffer.h"
#include "layout.h"

typedef struct Render {
    Layout shown;    /* what the screen shows; no rows: nothing yet, the cursor is where the block will begin */
    Layout next;     /* to be filled by the caller with layout_block() */
    int row, column; /* the terminal's cursor, counted from the first row shown */
    bool pending;    /* it stands behind a full row: the next character wraps */
    int style;       /* that is switched on */
    bool colour;     /* styles are to be shown */
    bool shifts;     /* the terminal can insert and delete characters: ICH and DCH */
} Render;

/* Make the screen show `next`. */
void render_draw(Render *render, Buffer *out);

/* Take the block off the screen: the cursor stands where it began, with nothing behind it. */
void render_erase(Render *render, Buffer *out);

/* Leave the block on the screen: the cursor goes behind its last character. What follows is no part of it. */
void render_leave(Render *render, Buffer *out);

/* Forget what the screen shows: the cursor stands at the left of a row where a block may begin. */
void render_forget(Render *render);

/* The terminal has another size: take the block off the screen, as far as one can. `reflows`: the terminal has
 * wrapped lines anew. */
void render_resize(Render *render, Buffer *out, int columns, int height, bool reflows);

void render_free(Render *render);

#endif
