/* Threads in which something runs for the user: a statement at the prompt, a condition, what a hit calls.
 *
 * Nothing of it lies on a stack: a thread that is noted may not be there in a child of fork(), and a greenlet's part of
 * the stack is moved away while another one runs. The memory is malloc()'s, which is in order in a child at once. */
#include "watch.h"

#include <pthread.h>
#include <stdlib.h>

struct WatchQuiet {
    unsigned long thread;
    int depth; /* how many such things run within each other */
    WatchHit hit;
    WatchQuiet *next;
};

/* That of this thread: NULL for none. */
static WatchQuiet *
quiet_of_thread(const Watches *all)
{
    unsigned long thread = all->quiet == NULL ? 0 : PyThread_get_thread_ident();
    WatchQuiet *quiet = all->quiet;
    while (quiet != NULL && quiet->thread != thread) {
        quiet = quiet->next;
    }
    return quiet;
}

bool
watch_is_quiet(const Watches *all)
{
    return quiet_of_thread(all) != NULL;
}

/* A child of fork() has one thread. What the others were about to tell is told by nobody. */
static void
quiet_on_fork_child(void)
{
    Watches *all = watch_of_process();
    unsigned long thread = PyThread_get_thread_ident();
    if (all == NULL) {
        return;
    }
    WatchQuiet *mine = quiet_of_thread(all);
    for (WatchQuiet *quiet = all->quiet, *next; quiet != NULL; quiet = next) {
        next = quiet->next;
        if (quiet != mine) {
            free(quiet);
        }
    }
    all->quiet = mine;
    if (mine != NULL) {
        mine->next = NULL;
    }
    for (Py_ssize_t i = 0; i < all->count; i++) {
        Watch *watch = all->list[i];
        watch->due = watch->way == WAY_CODE && watch->due != thread ? 0 : watch->due;
    }
}

static void
quiet_mind_forks(void)
{
    static bool first = true;
    if (first) {
        pthread_atfork(NULL, NULL, quiet_on_fork_child);
        first = false;
    }
}

unsigned long
watch_quiet(ModuleState *state)
{
    Watches *all = state->watches;
    if (all == NULL) { /* a watch that is set meanwhile does not count */
        return 0;
    }
    WatchQuiet *quiet = quiet_of_thread(all);
    if (quiet == NULL) {
        quiet_mind_forks();
        quiet = calloc(1, sizeof *quiet);
        if (quiet == NULL) {
            return 0;
        }
        quiet->thread = PyThread_get_thread_ident();
        quiet->next = all->quiet;
        all->quiet = quiet;
    }
    quiet->depth++;
    return quiet->thread;
}

static void
quiet_remove(Watches *all, WatchQuiet *quiet)
{
    WatchQuiet **at = &all->quiet;
    while (*at != quiet) {
        at = &(*at)->next;
    }
    *at = quiet->next;
    free(quiet);
}

void
watch_loud(ModuleState *state, unsigned long thread)
{
    PyObject *type, *value, *traceback;
    Watches *all = state->watches;
    WatchQuiet *quiet = all == NULL || thread == 0 ? NULL : quiet_of_thread(all);
    if (quiet == NULL) {
        return;
    }
    PyErr_Fetch(&type, &value, &traceback);
    if (quiet->depth == 1) {
        watch_refresh(all); /* before it ends: finalizers of old values */
        watch_sweep(all);
    }
    if (--quiet->depth == 0) {
        quiet_remove(all, quiet);
    }
    PyErr_Restore(type, value, traceback);
}

void
watch_quiet_note(const Watches *all, WatchHit hit)
{
    WatchQuiet *quiet = quiet_of_thread(all);
    if (quiet != NULL) {
        quiet->hit = hit;
    }
}

const WatchHit *
watch_quiet_hit(const Watches *all, const Watch *watch)
{
    const WatchQuiet *quiet = all == NULL ? NULL : quiet_of_thread(all);
    return quiet == NULL || quiet->hit.watch != watch ? NULL : &quiet->hit;
}

void
watch_quiet_clear(Watches *all)
{
    while (all->quiet != NULL) {
        quiet_remove(all, all->quiet);
    }
}
