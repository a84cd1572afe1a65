/* What all ways into a console have in common: may it open now, whose turn is it. */
#ifndef HOOKING_ENTRY_H
#define HOOKING_ENTRY_H

#include "console.h"

/* Does the environment switch consoles off? HOOKING=0, at the import or since. */
bool entry_is_off(const ModuleState *state);

/* Is this a moment at which no console can be opened? Then the reason, else NULL. */
const char *entry_obstacle(const ModuleState *state);

/* Wait for the turn and run a console. `what`: the call that asks for it, for the warning that is logged if it cannot
 * be opened; NULL for none. 0, or -1 with the exception that the program is to see. What *end holds is the caller's. */
int entry_run(ModuleState *state, const ConsoleStart *start, const char *what, ConsoleEnd *end);

#endif
