/* Text with its colours: Python source, values, tracebacks. All of these append to a buffer. Nothing is left out:
 * without the control sequences the text is what it was. Every line ends without a style, so a part of the lines can be
 * shown as well as all. The text is in any encoding that contains ASCII. No Python here. */
#ifndef HOOKING_PAINT_H
#define HOOKING_PAINT_H

#include "buffer.h"
#include "lexer.h"
#include "theme.h"

/* A piece of text in one style. */
void paint_text(Buffer *buffer, Style style, const char *text, size_t size);

/* Python source. It need not be whole: what is wrong or missing in it is not marked. */
void paint_source(Buffer *buffer, const char *text, size_t size);

/* What repr() or pprint made. It need not be Python: strings, numbers, True, False and None have a colour. */
void paint_value(Buffer *buffer, const char *text, size_t size);

/* What traceback.format_exception() made. */
void paint_traceback(Buffer *buffer, const char *text, size_t size);

/* The style of a token that is as it should be. */
Style paint_style(const Token *token);

#endif
