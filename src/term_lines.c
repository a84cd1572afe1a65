/* Lines of the block, see term_lines.h. */
#include "compat.h"

#include "term_lines.h"

#include <stdio.h>

#include <readline/readline.h>

#include "width.h"

int
term_lines_start(int at)
{
    while (at > 0 && rl_line_buffer[at - 1] != '\n') {
        at--;
    }
    return at;
}

int
term_lines_text(int at)
{
    at = term_lines_start(at);
    while (at < rl_end && (rl_line_buffer[at] == ' ' || rl_line_buffer[at] == '\t')) {
        at++;
    }
    return at;
}

int
term_lines_end(int at)
{
    while (at < rl_end && rl_line_buffer[at] != '\n') {
        at++;
    }
    return at;
}

int
term_lines_at_column(int start, int column)
{
    int end = term_lines_end(start);
    int at = start, columns = 0;
    while (at < end && columns < column) {
        Piece piece = width_next(rl_line_buffer + at, (size_t)(end - at), 0);
        columns += piece.kind == PIECE_TAB ? 8 - columns % 8 : piece.columns;
        if (columns > column) {
            break;
        }
        at += (int)piece.size;
    }
    return at;
}
