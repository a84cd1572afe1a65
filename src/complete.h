/* What could stand at the cursor. No code of the program's is run to find out: attributes are looked up statically, no
 * property, __getattr__ or __dir__ is called. */
#ifndef HOOKING_COMPLETE_H
#define HOOKING_COMPLETE_H

#include "matches.h"
#include "scope.h"

typedef struct Completion {
    size_t start;      /* offset in the text: from there to the point is what a match replaces */
    Matches matches;   /* in UTF-8 */
    char suffix[8];    /* what belongs behind a match if it is the only one: `"]` behind a key */
    size_t shown_from; /* how many bytes of each match need not be listed: the folder of a path */
} Completion;

/* Complete `text`, in UTF-8 and without NUL, at the offset `point`; what follows the point is looked at only for
 * closing quotes and brackets. No exception is set afterwards: what cannot be found out is left out.
 * complete_clear() in every case. */
void complete_at(ModuleState *state, Namespace *ns, const char *text, size_t point, bool ignore_case,
                 Completion *completion);
void complete_clear(Completion *completion);

/* hooking._core.complete(text, point=-1, ignore_case=False): what complete_at() finds in the caller's frame. */
PyObject *complete_door(PyObject *module, PyObject *args, PyObject *kwargs);

#endif
