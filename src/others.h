/* What a copy of this process would be without: its other threads, and its child processes. */
#ifndef HOOKING_OTHERS_H
#define HOOKING_OTHERS_H

#include "compat.h"

/* How many threads there are beside this one; 0 where the system does not tell. */
int others_count(void);

/* Those of Python's threading: a new list of str, their names. NULL with an exception. */
PyObject *others_of_python(void);

/* Which threads there are, as "2 of threading (Thread-1, Thread-2) and 1 native one (python3)": a new str, or NULL
 * with an exception. */
PyObject *others_describe(void);

/* The numbers of the child processes, as "4711, 4712"; "" for none. */
void others_children(char *text, size_t size);

#endif
