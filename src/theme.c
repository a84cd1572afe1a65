/* The colours, see theme.h. */
#include "theme.h"

#include <stdlib.h>
#include <string.h>

/* From the terminal's own sixteen colours, which its user has chosen: they can be read on light and on dark ground.
 * Black, white and the yellow that vanishes on white are left out, and so is bright black: in Solarized it is the
 * ground itself. Comments are faint instead, and plain where a terminal does not know that. */
static const char *const THEME[STYLE_COUNT] = {
    [STYLE_PLAIN] = "",
    [STYLE_KEYWORD] = "\033[1;34m",
    [STYLE_BUILTIN] = "\033[36m",
    [STYLE_DEFINITION] = "\033[1m",
    [STYLE_DECORATOR] = "\033[35m",
    [STYLE_STRING] = "\033[32m",
    [STYLE_FIELD] = "\033[1;32m",
    [STYLE_NUMBER] = "\033[35m",
    [STYLE_COMMENT] = "\033[2m",
    [STYLE_COMMAND] = "\033[1;35m",
    [STYLE_BRACKET] = "\033[1;7m",
    [STYLE_UNFINISHED] = "\033[4;32m",
    [STYLE_WRONG] = "\033[1;31m",
    [STYLE_PROMPT] = "\033[1;35m",
    [STYLE_FILE] = "\033[35m",
    [STYLE_LINE] = "\033[35m",
    [STYLE_FUNCTION] = "\033[35m",
    [STYLE_EXCEPTION] = "\033[1;31m",
    [STYLE_MESSAGE] = "\033[31m",
    [STYLE_MARK] = "\033[1;31m",
    [STYLE_NOTE] = "\033[36m",
};

const char *
theme_on(Style style)
{
    return THEME[style];
}

bool
theme_is_wanted(bool is_terminal)
{
    const char *python = getenv("PYTHON_COLORS");
    const char *no = getenv("NO_COLOR");
    const char *force = getenv("FORCE_COLOR");
    const char *term = getenv("TERM");
    if (python != NULL && (strcmp(python, "0") == 0 || strcmp(python, "1") == 0)) {
        return *python == '1';
    }
    if (no != NULL && *no != '\0') {
        return false;
    }
    if (force != NULL && *force != '\0') {
        return true;
    }
    return is_terminal && term != NULL && *term != '\0' && strcmp(term, "dumb") != 0;
}
