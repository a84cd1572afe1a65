/* How far the next line of Python source is indented. No Python here. */
#ifndef HOOKING_INDENT_H
#define HOOKING_INDENT_H

#include "buffer.h"
#include "lexer.h"

/* Append the blanks that a line begins with if the text is broken at `point`. */
void indent_after(const Tokens *tokens, const char *text, size_t point, Buffer *blanks);

/* Append one step of indentation as the first `size` bytes have it: four spaces unless a block there says otherwise. */
void indent_step(const Tokens *tokens, const char *text, size_t size, Buffer *blanks);

#endif
