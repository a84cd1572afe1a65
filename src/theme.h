/* The colours: one table for all that is shown. No Python here. */
#ifndef HOOKING_THEME_H
#define HOOKING_THEME_H

#include <stdbool.h>

typedef enum Style {
    STYLE_PLAIN,
    STYLE_KEYWORD,
    STYLE_BUILTIN,
    STYLE_DEFINITION,
    STYLE_DECORATOR,
    STYLE_STRING,
    STYLE_FIELD,      /* the braces of an f-string's field */
    STYLE_NUMBER,
    STYLE_COMMENT,
    STYLE_COMMAND,    /* of the prompt */
    STYLE_BRACKET,    /* the one at the cursor and its other half */
    STYLE_UNFINISHED, /* a string without its end */
    STYLE_WRONG,      /* a bracket without its other half, a character that Python does not know */
    STYLE_PROMPT,
    STYLE_FILE,       /* in tracebacks and listings: file, line and function */
    STYLE_LINE,
    STYLE_FUNCTION,
    STYLE_EXCEPTION,  /* its type */
    STYLE_MESSAGE,    /* what it says */
    STYLE_MARK,       /* ^^^^ under a line, > before one */
    STYLE_NOTE,       /* what the console says of itself: "... 12 more" */
    STYLE_COUNT,
} Style;

/* The control sequence that begins a style, "" for STYLE_PLAIN; THEME_OFF ends any. */
const char *theme_on(Style style);
#define THEME_OFF "\033[0m"

/* Does the user want colours? The order is CPython's (_colorize.py of 3.13): PYTHON_COLORS, NO_COLOR, FORCE_COLOR,
 * TERM=dumb, and then whether it is a terminal. */
bool theme_is_wanted(bool is_terminal);

#endif
