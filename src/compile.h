/* Compiling what is typed at the prompt, so that functions in it see the frame's variables. */
#ifndef HOOKING_COMPILE_H
#define HOOKING_COMPILE_H

#include "source.h"

/* Flags of compile(): Include/cpython/compile.h, the same from 3.11 to 3.15. */
enum {
    ONLY_AST = 0x0400,
    DONT_IMPLY_DEDENT = 0x0200,
    ALLOW_TOP_LEVEL_AWAIT = 0x2000,
    ALLOW_INCOMPLETE_INPUT = 0x4000,
};

/* What the compiler made of an input. */
typedef struct Compiled {
    PyObject *code;   /* owned */
    PyObject *cells;  /* owned: tuple, the closure; NULL for none */
    int as_class;     /* a class body, to be run with the Namespace as its locals */
    int as_function;  /* a function without parameters, to be called */
    int is_coroutine; /* what it returns is to be awaited */
} Compiled;

/* compile(text_or_tree, filename, mode, flags, dont_inherit=True): a new reference. */
PyObject *compile_call(PyObject *text_or_tree, PyObject *filename, const char *mode, int flags);

/* Around a part of the compiler that is run again: without its warnings, which the first run has given. As codeop
 * does. NULL with an exception. compile_quiet_end() keeps the exception that is set; if none is, -1 with the
 * KeyboardInterrupt that has come within. */
PyObject *compile_quiet_begin(void);
int compile_quiet_end(PyObject *guard);

/* Compile a parsed input for a scope. -1 with an exception; compile_clear() in every case. */
int compile_input(const Source *source, Namespace *ns, Compiled *compiled);
void compile_clear(Compiled *compiled);

/* Has a code object others within: functions, lambdas, comprehensions, classes? */
int compile_has_inner_code(PyObject *code);

#endif
