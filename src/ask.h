/* Questions at the prompt. */
#ifndef HOOKING_ASK_H
#define HOOKING_ASK_H

#include "console.h"

/* Show the question with " [y/N] " behind it, and read the answer. 1 for yes, 0 for anything else, Ctrl-C and Ctrl-D
 * too; -1 with an exception. */
int ask_yes(Console *console, PyObject *question);

#endif
