/* Giving back what a process holds that will do nothing any more but wait. No Python here. */
#ifndef HOOKING_RELEASE_H
#define HOOKING_RELEASE_H

/* Give back large blocks of memory, which from then on are zero, and all descriptors. Only for a process with one
 * thread, which will run nothing but relay.c. */
void release_all(void);

#endif
