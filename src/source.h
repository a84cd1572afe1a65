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
/* It is incomplete, and nothing follows: set the SyntaxError that tells what is missing. */
void source_complain(const Source *source);

/* An input that is run step by step: it stops where a coroutine is to be awaited. All zero when none is run. */
typedef struct SourceRun {
    Source *source;      /* borrowed */
    Namespace *ns;       /* borrowed */
    PyObject *display;   /* owned */
    PyObject *whole;     /* owned: all statements; source->body is the part that runs */
    Py_ssize_t next;     /* where the next part begins */
    PyObject *coroutine; /* owned or NULL: what is to be awaited */
} SourceRun;

/* Run the parsed input in a scope to its end, or as far as a coroutine in run->coroutine. 1 with a coroutine, 0 at the
 * end, -1 with the exception that the input raised. Values of expressions go to sys.displayhook and to `_`. */
int source_begin(SourceRun *run, Source *source, Namespace *ns);

/* Go on when the coroutine has come to its end; `failed`: by the exception that is set. As source_begin(). */
int source_go_on(SourceRun *run, int failed);

/* Both, with each coroutine run to its end. The event loop that this needs is kept in *runner between inputs (NULL at
 * first; await_close() ends it). -1 with the exception that the input raised. */
int source_run(Source *source, Namespace *ns, PyObject **runner);

/* The value of an expression in a scope: a new reference, NULL with an exception. */
PyObject *source_eval(ModuleState *state, Namespace *ns, PyObject *text, PyObject **runner);

/* Make the lines of an input known to linecache, which tracebacks and inspect.getsource() ask. */
int source_remember(const Source *source);

#endif
