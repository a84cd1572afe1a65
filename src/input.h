/* What is typed at a prompt: reading it until it is complete, what it is, keeping it. For console.c alone. */
#ifndef HOOKING_INPUT_H
#define HOOKING_INPUT_H

#include "command.h"

/* Read an input: at once, or line by line until it is done. A new str in *text. */
TermStatus input_read(Console *console, PyObject **text);

/* For a prompt that reads in another thread, which calls input_read(): input_begin() before, and talk_end() after. -1
 * with an exception. */
int input_begin(Console *console);

/* The command that an input is, NULL for Python and for a `%word` that is none. -1 with an exception. */
int input_find_command(Console *console, const Line *line, PyObject *text, const Command **command);

/* What of an input is Python: without the space before it, or what all lines of a paste are indented by, or the prompts
 * and the output of a session that was copied from somewhere. New reference. */
PyObject *input_take_python(const Line *line, PyObject *text);

/* Find the history's file; keep an input. What is wrong with the file is told. -1 with an exception. */
int input_open_history(Console *console);
int input_remember(Console *console, PyObject *text);

/* Inputs were typed in a process that was copied from this one, and that this one takes over from. */
void input_take_over_history(void);

#endif
