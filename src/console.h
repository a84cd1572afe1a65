/* The console: read an input, decide what it is, run it, report. */
#ifndef HOOKING_CONSOLE_H
#define HOOKING_CONSOLE_H

#include "scope.h"
#include "show.h"
#include "source.h"
#include "stack.h"

/* What has brought the user here, and so what can be done besides going on. */
typedef enum ConsoleWays {
    WAYS_HOOK,   /* a call of hook(), which can be made to pass */
    WAYS_SIGNAL, /* a signal, wherever that was */
    WAYS_WATCH,  /* something has changed that is watched */
    WAYS_CAUGHT, /* an exception */
    WAYS_END,    /* one that nobody has caught: the program, or the thread, ends */
    WAYS_TEST,   /* one that a test runner has caught and shown, whose own frames are of no interest */
    WAYS_CALL,   /* one in a rescued function: retry, return */
    WAYS_BLOCK,  /* one in a rescued `with` block: skip */
} ConsoleWays;

/* What the user has chosen. */
typedef enum ConsoleChoice {
    CHOICE_GO_ON,
    CHOICE_RETRY,
    CHOICE_RETURN, /* with a value */
    CHOICE_SKIP,
} ConsoleChoice;

typedef struct ConsoleEnd {
    ConsoleChoice choice;
    PyObject *value; /* owned; NULL but with CHOICE_RETURN */
} ConsoleEnd;

typedef struct Console Console;

/* What WAYS_CALL needs. */
typedef struct ConsoleRestarts {
    /* Prepare the call that is to be made. -1 with an exception, which is shown: the prompt stays. */
    int (*retry)(Console *console, void *context);
    void *context;
    int valueless; /* nothing can be returned */
} ConsoleRestarts;

/* How a console is opened. All is borrowed. */
typedef struct ConsoleStart {
    PyObject *frame;      /* the one that asks for the console, and without a stack the one to be in */
    Stack *stack;         /* or NULL: of a traceback; it is moved from there */
    PyObject *exception;  /* or NULL: what `exceptions` shows */
    PyObject *banner;     /* how to leave is added to it, where there is somebody to leave */
    const char *note;     /* or NULL: shown below the banner */
    PyObject *complaint;  /* or NULL: shown above the banner */
    int overwrite;
    ConsoleWays ways;
    int isolation;        /* the number of the isolated prompt that it is, 0 for none: see isolate.h */
    int *unopened;        /* or NULL: set when there was nobody to ask. It is warned of once */
    ModuleState *const *wanted; /* or NULL: where a NULL says that it was given up while another thread had its turn */
    int unattended;       /* nobody is asked: it ends when no input is left of those that are written down */
    const ConsoleRestarts *restarts; /* with WAYS_CALL */
} ConsoleStart;

struct Console {
    ModuleState *state;   /* borrowed */
    Talk talk;
    Show show;
    Stack stack;
    StackPlace place;     /* where on it the prompt is */
    Namespace *scope;     /* borrowed from `scopes`: of that frame */
    PyObject *scopes;     /* owned: dict frame -> Namespace, of the frames visited */
    PyObject *shared;     /* owned: dict of cells, names of the prompt */
    Source parsed;        /* the input last looked at, if it is complete: it need not be parsed again to be run */
    int stepwise;         /* coroutines are handed out, see console_take() */
    Source running;       /* the input whose coroutine is handed out */
    SourceRun run;        /* of that; all zero when there is none */
    PyObject *runner;     /* owned or NULL: event loop of top-level await */
    PyObject *exception;  /* owned or NULL: the one that `exceptions` begins with */
    PyObject *current;    /* owned or NULL: the one whose traceback the stack is */
    PyObject *caller;     /* owned: the frame that asked for the console */
    ConsoleWays ways;
    int isolation;        /* see ConsoleStart */
    const ConsoleRestarts *restarts; /* borrowed; with WAYS_CALL */
    ConsoleEnd end;
    PyObject *after;      /* owned or NULL: see around_enter() */
    PyObject *thread;     /* owned or NULL: the thread's name, if it is not the main one */
    int overwrite;        /* what you bind is in the frame at once */
    long listed;          /* the last source line shown by `list`, 0 for none */
    int scripted;         /* the input was not typed */
    int left;             /* the program is to go on */
    int raises;           /* with the exception that is set */
};

/* Open a console. The turn must have been taken. 1; 0 when there is nowhere to talk (*why says so); -1 with an
 * exception. Only after 1 there is something to close. */
int console_open(Console *console, ModuleState *state, const ConsoleStart *start, const char **why);

/* Let the user work, until the program is to go on. 0, or -1 with the exception that the program is to see. */
int console_loop(Console *console);

/* What console_loop() does with one input that was read. -1 with the exception that the program is to see. In a console
 * that is `stepwise` a coroutine may be left to be run, in run.coroutine: by console_step() until that does not return
 * PYGEN_NEXT, and then console_finish(). */
int console_take(Console *console, TermStatus status, PyObject *text);

/* Send a value into the coroutine, or (NULL) throw the exception that is set. PYGEN_NEXT with what it waits for, a new
 * reference; PYGEN_RETURN at the end of the input; PYGEN_ERROR with the exception that it has raised. */
PySendResult console_step(Console *console, PyObject *sent, PyObject **yielded);

/* Show the exception that an input has raised (`failed`: it is set), and let go of the input. As console_take(). */
int console_finish(Console *console, int failed);

/* Tell what is not written back and let go of everything but `end`. An exception stays. */
void console_close(Console *console);

/* For the garbage collector: the objects that an open console owns. */
int console_visit(Console *console, visitproc visit, void *arg);

/* Open, loop and close. 0 when the user was there or, with *why set, could not be; -1 with the exception that the
 * program is to see. What *end holds is the caller's. */
int console_run(ModuleState *state, const ConsoleStart *start, const char **why, ConsoleEnd *end);

/* The exception whose traceback the prompt is to be in from now on, at its innermost frame. 0, or -1. */
int console_go_to_exception(Console *console, PyObject *exception);

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
