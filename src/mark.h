/* Marks: the whole process as it was at a prompt, kept to be gone back to. */
#ifndef HOOKING_MARK_H
#define HOOKING_MARK_H

#include "console.h"
#include "fork.h"

/* What has brought a console here. */
typedef enum MarkSide {
    MARK_FAILED = -1, /* with an exception */
    MARK_MADE,        /* the program goes on, in a copy of the process that is kept */
    MARK_BACK,        /* it was gone back to */
    MARK_USED,        /* the same, but it is a mark no more: the exception says why it could not be copied again */
} MarkSide;

/* Remember the process under that name. With `ask` it is refused where a copy would lack something. */
MarkSide mark_make(Console *console, const char *name, const ForkAsk *ask);

/* Go back. Returns only with an exception: that there is none of that name. */
void mark_rewind(Console *console, const char *name);

/* Those that can be gone back to, the latest first, as "a, b": a new str; "" for none. NULL with an exception. */
PyObject *mark_names(void);

#endif
