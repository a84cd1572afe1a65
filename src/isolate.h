/* hook(isolate=True): the console runs in a copy of the process, which ends with it. */
#ifndef HOOKING_ISOLATE_H
#define HOOKING_ISOLATE_H

#include "console.h"
#include "fork.h"

/* As console_run(), for a call of hook(), in a copy of the process. In the copy it returns only after `commit`. In this
 * process it returns when the console was left in the copy, with what concerns the program: conditions of the call
 * site, an exception thrown; after `commit` it does not return. `force`: also if other threads run. */
int isolate_run(ModuleState *state, const ConsoleStart *start, bool force, const char **why);

/* How many isolated prompts this process is in, one in the other. */
int isolate_level(void);

/* Is what this console does to be gone with it? */
bool isolate_holds(const Console *console);

/* Make this process the program that goes on, as far as the innermost isolated prompt is concerned. With `ask`, refuse
 * if the program has child processes, which only the other one could wait for: -1 with an exception. */
int isolate_commit(const ForkAsk *ask);

/* Can the exception that is set be taken to the process that goes on? Else -1, with one that says why not. */
int isolate_check_exception(void);

#endif
