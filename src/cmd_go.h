/* What the commands of cmd_go.c do, for those that have it done by other ways. */
#ifndef HOOKING_CMD_GO_H
#define HOOKING_CMD_GO_H

#include "compat.h"

/* A condition as a call site keeps it: a new reference, NULL with the exception of the compiler. */
PyObject *go_condition(const char *text);

/* End the program with SystemExit in its main thread, from another one. */
void go_abort_main_thread(PyObject *code);

#endif
