/* From a layout to control sequences, see render.h.
 *
 * Rows are compared with those shown before, cell by cell, and only what differs is written. A line that takes several
 * rows is written through their ends, so that the terminal knows it for one line: when it is copied, or when the window
 * gets another width. Sequences that every terminal since the VT100 knows are used, and CHA (ESC [ n G);
 * where the terminal has them, those that insert and delete characters.
 */
#include "render.h"

#include <string.h>

#include "theme.h"

static const Cell *
render_cell(const Layout *layout, const Row *row, size_t index)
{
    return &layout->cells[row->first + index];
}

static bool
render_same_cell(const Layout *a, const Cell *x, const Layout *b, const Cell *y)
{
    return x->size == y->size && x->style == y->style && x->columns == y->columns
           && memcmp(a->bytes.bytes + x->start, b->bytes.bytes + y->start, x->size) == 0;
}

/* ---- the cursor ---- */

static void
render_style(Render *render, Buffer *out, int style)
{
    if (render->colour && style != render->style) {
        if (render->style != STYLE_PLAIN) {
            buffer_add_string(out, THEME_OFF);
        }
        buffer_add_string(out, theme_on((Style)style));
        render->style = style;
    }
}

/* A control sequence that does something so many times. */
static void
render_add_times(Buffer *out, int count, char what)
{
    if (count == 1) {
        buffer_add_format(out, "\033[%c", what);
    }
    else if (count > 1) {
        buffer_add_format(out, "\033[%d%c", count, what);
    }
}

/* Go to a row that is there, or with `grow` to one below, for which the screen scrolls. A line feed where none is
 * needed would tell the terminal that a line ends there. */
static void
render_go_row(Render *render, Buffer *out, int row, bool grow)
{
    int down = row - render->row;
    if (!grow) {
        render_add_times(out, down < 0 ? -down : down, down < 0 ? 'A' : 'B');
    }
    for (; grow && down > 0; down--) {
        buffer_add_string(out, "\r\n");
        render->column = 0;
        render->pending = false;
    }
    render->row = row;
}

static void
render_go_column(Render *render, Buffer *out, int column)
{
    int right = column - render->column;
    if (render->pending || (right < -3 && column == 0)) {
        buffer_add_char(out, '\r');
        right = column;
        render->pending = false;
    }
    if (right > 0 || right < -3) {
        render_add_times(out, right < 0 ? -right : right, right < 0 ? 'D' : 'C');
    }
    for (; right < 0 && right >= -3; right++) {
        buffer_add_char(out, '\b');
    }
    render->column = column;
}

static void
render_go(Render *render, Buffer *out, int row, int column)
{
    render_style(render, out, STYLE_PLAIN);
    render_go_row(render, out, row, false);
    render_go_column(render, out, column);
}

/* ---- rows ---- */

static void
render_put(Render *render, Buffer *out, const Cell *cell)
{
    render_style(render, out, cell->style);
    buffer_add(out, render->next.bytes.bytes + cell->start, cell->size);
    if (render->pending && cell->columns > 0) {
        render->pending = false;
        render->row++;
        render->column = 0;
    }
    render->column += cell->columns;
    render->pending = render->column >= render->next.columns;
    if (cell->fragile && !render->pending) {
        buffer_add_format(out, "\033[%dG", render->column + 1);
    }
}

/* Is the row one line with the one above, for the terminal too? Not where a wide character did not fit any more:
 * terminals differ in what they do then, so such a line is broken by us. */
static bool
render_wraps(const Layout *layout, int at)
{
    return at > 0 && layout->rows[at].continues && layout->rows[at - 1].columns == layout->columns;
}

/* Go to the start of a row that the screen does not have yet. */
static void
render_enter_row(Render *render, Buffer *out, int at)
{
    const Row *row = &render->next.rows[at];
    if (!render_wraps(&render->next, at)) {
        render_style(render, out, STYLE_PLAIN);
        render_go_row(render, out, at, true);
        render_go_column(render, out, 0);
        return;
    }
    if (!render->pending || render->row != at - 1) { /* the row above is written already: its last cell once more */
        const Row *above = &render->next.rows[at - 1];
        const Cell *last = render_cell(&render->next, above, above->count - 1);
        render_go(render, out, at - 1, above->columns - last->columns);
        render_put(render, out, last);
    }
    if (row->count == 0) { /* a blank makes the terminal wrap */
        render_style(render, out, STYLE_PLAIN);
        buffer_add_string(out, " \r");
        render->row = at;
        render->column = 0;
        render->pending = false;
    }
}

/* How many cells at the ends of two rows are the same, of those from `first` on. */
static size_t
render_same_end(const Render *render, const Row *row, const Row *old, size_t first)
{
    size_t same = 0;
    while (same < row->count - first && same < old->count - first
           && render_same_cell(&render->next, render_cell(&render->next, row, row->count - 1 - same), &render->shown,
                               render_cell(&render->shown, old, old->count - 1 - same))) {
        same++;
    }
    return same;
}

/* Has something just been put in before cells that are the same, or taken out? And is it worth a control sequence? */
static bool
render_can_shift(const Render *render, const Row *row, const Row *old, size_t first, size_t same)
{
    enum { WORTH = 4 };
    const Row *shorter = row->columns < old->columns ? row : old;
    bool fragile = false; /* it would shift by another number of columns than we count */
    for (size_t i = first; i < row->count; i++) {
        fragile |= render_cell(&render->next, row, i)->fragile;
    }
    return render->shifts && !fragile && same > WORTH && same == shorter->count - first;
}

static void
render_shift(Render *render, Buffer *out, int at, int column, int by)
{
    render_go(render, out, at, column);
    render_add_times(out, by < 0 ? -by : by, by < 0 ? 'P' : '@');
}

/* Write a row, knowing what it looked like before, if it was there. */
static void
render_row(Render *render, Buffer *out, int at)
{
    const Layout *next = &render->next, *shown = &render->shown;
    const Row *row = &next->rows[at];
    const Row *old = at < shown->row_count ? &shown->rows[at] : NULL;
    size_t first = 0, last = row->count;
    int column = 0;
    while (old != NULL && first < row->count && first < old->count
           && render_same_cell(next, render_cell(next, row, first), shown, render_cell(shown, old, first))) {
        column += render_cell(next, row, first)->columns;
        first++;
    }
    if (old != NULL && first == row->count && first == old->count) {
        return;
    }
    size_t same = old == NULL ? 0 : render_same_end(render, row, old, first);
    if (old != NULL && row->columns == old->columns) {
        last -= same;
    }
    else if (old != NULL && render_can_shift(render, row, old, first, same)) {
        render_shift(render, out, at, column, row->columns - old->columns);
        last -= same;
        old = row; /* which now is as long */
    }
    if (old == NULL) {
        render_enter_row(render, out, at);
    }
    else if (!(first == 0 && last > 0 && row->continues && render->pending && render->row == at - 1)) {
        render_go(render, out, at, column);
    }
    for (size_t i = first; i < last; i++) {
        render_put(render, out, render_cell(next, row, i));
    }
    if (old != NULL && old->columns > row->columns) {
        render_style(render, out, STYLE_PLAIN);
        buffer_add_string(out, "\033[K");
    }
}

void
render_draw(Render *render, Buffer *out)
{
    enum { FLICKER = 80 }; /* bytes from which on the cursor would be seen to run about */
    Layout *next = &render->next, *shown = &render->shown;
    if (next->failed || next->row_count == 0) {
        return;
    }
    size_t before = out->size;
    if (shown->row_count == 0) {
        render->row = render->column = 0;
        render->pending = false;
        buffer_add_string(out, "\033[J");
    }
    for (int at = 0; at < next->row_count; at++) {
        render_row(render, out, at);
    }
    if (shown->row_count > next->row_count) {
        render_go(render, out, next->row_count, 0);
        buffer_add_string(out, "\033[J");
    }
    render_go(render, out, next->cursor_row, next->cursor_column);
    if (out->size - before > FLICKER) {
        Buffer all = {0};
        buffer_add_string(&all, "\033[?25l");
        buffer_add(&all, out->bytes + before, out->size - before);
        buffer_add_string(&all, "\033[?25h");
        out->size = before;
        buffer_add(out, all.bytes, all.size);
        buffer_free(&all);
    }
    Layout old = *shown;
    *shown = *next;
    *next = old;
}

void
render_erase(Render *render, Buffer *out)
{
    if (render->shown.row_count > 0) {
        render_go(render, out, 0, 0);
        buffer_add_string(out, "\033[J");
    }
    render_forget(render);
}

void
render_leave(Render *render, Buffer *out)
{
    int last = render->shown.row_count - 1;
    if (last >= 0) {
        int columns = render->shown.rows[last].columns;
        render_go(render, out, last, columns < render->shown.columns ? columns : columns - 1);
    }
    render_forget(render);
}

void
render_forget(Render *render)
{
    render->shown.row_count = 0;
    render->row = render->column = 0;
    render->pending = false;
    render->style = STYLE_PLAIN;
}

void
render_resize(Render *render, Buffer *out, int columns, int height, bool reflows)
{
    const Layout *shown = &render->shown;
    int up = render->row;
    if (reflows && shown->row_count > 0) {
        int line = 0; /* columns of the line that the rows belong to */
        up = 0;
        for (int at = 0; at < render->row; at++) {
            line += shown->rows[at].columns;
            if (!render_wraps(shown, at + 1)) {
                up += line > columns ? (line + columns - 1) / columns : 1;
                line = 0;
            }
        }
        up += (line + render->column) / columns;
    }
    if (up >= height) {
        up = height - 1;
    }
    buffer_add_char(out, '\r');
    render_add_times(out, up, 'A');
    buffer_add_string(out, "\033[J");
    render_forget(render);
}

void
render_free(Render *render)
{
    layout_free(&render->shown);
    layout_free(&render->next);
}
