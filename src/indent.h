/* How far the next line of Python source is indented. No Python here. */
#ifndef HOOKING_INDENT_H
#define HOOKING_INDENT_H

#include "buffer.h"
#include "lexer.h"

/* Append the blanks that a line begins with if the text is broken at `point`. */
void indent_after(const Tokens *tokens, const char *text, size_t point, Buffer *blanks);

/* Append one step of indentation as the first `size` bytes have it: four spaces, unless a block there says
 * otherwise. */
void indent_step(const Tokens *tokens, const char *text, size_t size, Buffer *blanks);

/* A key that ends something is typed at `point`: a closing bracket, first in its line, belongs below the line that the
 * bracket was opened in; the colon behind else, elif, except or finally makes its line one of the same statement. True
 * and the blanks that the line begins with then; false when they are right as they are. */
bool indent_ending(const Tokens *tokens, const char *text, size_t point, char key, Buffer *blanks);

#endif
