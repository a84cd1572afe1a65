/* How values, source and errors are shown: in colour if that is wanted, and no longer than the screen. */
#ifndef HOOKING_SHOW_H
#define HOOKING_SHOW_H

#include "state.h"
#include "talk.h"
#include "theme.h"

typedef struct Show {
    Talk *talk;       /* borrowed */
    PyObject *folded; /* owned or NULL: the last value of which only a part was shown */
} Show;

/* The control sequences around a text in that style: empty where no colours are wanted. */
const char *show_on(const Show *show, Style style);
const char *show_off(const Show *show);

/* A text with its colours if they are wanted, else itself. New reference, NULL with an exception. */
PyObject *show_source(const Show *show, PyObject *text);
PyObject *show_traceback(const Show *show, PyObject *text);

/* Lines of a file, from the first-th to the last-th (counted from 1), without the blanks at their ends. `lines`: all
 * of them, a list. A new list. */
PyObject *show_lines(const Show *show, PyObject *lines, long first, long last);

/* Print the text of a value; unless `whole`, no more of it than the screen has room for, and a line that says how to
 * see all. -1 with an exception. */
int show_value(Show *show, PyObject *value, PyObject *text, int whole);

/* What sys.displayhook does with a value; where that is Python's own, the text is folded as above. `show` is NULL
 * outside of a console. New reference to None, NULL with an exception. */
PyObject *show_display(Show *show, PyObject *hook, PyObject *value);

#endif
