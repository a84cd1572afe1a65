/* The lines of the block that is edited, by offsets in rl_line_buffer. For the files of the terminal alone. */
#ifndef HOOKING_TERM_LINES_H
#define HOOKING_TERM_LINES_H

/* Of the line that `at` is in: where it begins, where its text begins behind the blanks, and where it ends. */
int term_lines_start(int at);
int term_lines_text(int at);
int term_lines_end(int at);

/* Offset in the line from `start` on that stands in that column, or the line's end. */
int term_lines_at_column(int start, int column);

#endif
