/* The console: read an input, decide what it is, run it, report. */
#ifndef HOOKING_CONSOLE_H
#define HOOKING_CONSOLE_H

#include "frame.h"
#include "scope.h"
#include "source.h"
#include "show.h"

typedef struct Console {
    ModuleState *state;   /* borrowed */
    Talk talk;
    Show show;
    FrameView view;       /* the frame that the prompt is in */
    Namespace *scope;     /* borrowed from `scopes`: of that frame */
    PyObject *scopes;     /* owned: dict level -> Namespace, of the frames visited */
    PyObject *shared;     /* owned: dict of cells, names of the prompt */
    Source parsed;        /* the input last looked at, if it is complete: it need not be parsed again to be run */
    PyObject *runner;     /* owned or NULL: event loop of top-level await */
    PyObject *thread;     /* owned or NULL: the thread's name, if it is not the main one */
    int overwrite;        /* what you bind is in the frame at once */
    long listed;          /* the last source line shown by `list`, 0 for none */
    int left;             /* the program is to go on */
    int raises;           /* with the exception that is set */
} Console;

/* Open a console in `frame`, let the user work, close it. The turn must have been taken. `banner` is shown first,
 * `complaint` (or NULL) above it. 0, or -1 with the exception that the program is to see. When there is nowhere to
 * talk, *why says so, and nothing else happens. */
int console_run(ModuleState *state, PyObject *frame, PyObject *banner, PyObject *complaint, int overwrite,
                const char **why);

/* `abort` was given before, and the program has caught its SystemExit: now it is ended for certain. Does not
 * return in the main thread. */
int console_abort(ModuleState *state);

/* Print a line, as PyUnicode_FromFormat(). -1 with an exception. */
int console_say(Console *console, const char *format, ...);

/* Print text as it is. -1 with an exception. */
int console_print(Console *console, PyObject *text);

/* Show the exception that is set, as a traceback of the user's frames, and clear it. `filename`: of the input
 * that raised it, or NULL. */
void console_show_error(Console *console, PyObject *filename);

/* Go to a frame of the stack: 1 when there, 0 when it is not that deep (*deepest tells), -1. */
int console_go(Console *console, long level, long *deepest);

/* The value of an expression in the prompt's scope: a new reference, NULL with an exception. */
PyObject *console_eval(Console *console, const char *expression);

/* Tell what the scopes could not write. -1 with an exception. */
int console_tell_refusals(Console *console);

#endif
