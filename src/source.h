/* Python typed at the prompt: is it complete, compile it so that functions in it see the frame's variables,
 * run it once, show its values. */
#ifndef HOOKING_SOURCE_H
#define HOOKING_SOURCE_H

#include "scope.h"

typedef enum SourceStatus {
    SOURCE_ERROR = -1, /* an exception is set */
    SOURCE_COMPLETE,
    SOURCE_INCOMPLETE, /* more lines are to follow */
    SOURCE_EMPTY,      /* blank, or comments alone */
} SourceStatus;

/* One input: its text and what became of it. */
typedef struct Source {
    ModuleState *state; /* borrowed */
    PyObject *text;     /* owned: str */
    PyObject *filename; /* owned: `<hook-N>` */
    PyObject *body;     /* owned: list of ast statements, after a successful source_parse() */
} Source;

/* Take a text. -1 with an exception. source_clear() in every case. */
int source_init(Source *source, ModuleState *state, PyObject *text);
void source_clear(Source *source);

/* Is it a statement, or several? Asked of the compiler, as the codeop module does. */
SourceStatus source_parse(Source *source);

/* Run the parsed input in a scope. Values of expressions go to sys.displayhook and to `_`. The event loop that
 * top-level `await` needs is kept in *runner between inputs (NULL at first; await_close() ends it).
 * -1 with the exception that the input raised. */
int source_run(Source *source, Namespace *ns, PyObject **runner);

/* The value of an expression in a scope: a new reference, NULL with an exception. */
PyObject *source_eval(ModuleState *state, Namespace *ns, PyObject *text, PyObject **runner);

/* Make the lines of an input known to linecache, which tracebacks and inspect.getsource() ask. */
int source_remember(const Source *source);

#endif
