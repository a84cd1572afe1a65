/* The names that a frame shows at the prompt: a mapping that code typed there runs in as its locals. */
#ifndef HOOKING_SCOPE_H
#define HOOKING_SCOPE_H

#include "state.h"

typedef struct Namespace Namespace;

/* Make the type `hooking._core.Namespace`. -1 with an exception. */
int scope_init(PyObject *module, ModuleState *state);

/* The scope of a frame. `shared`: a dict of cells, the names that belong to the prompt and not to a frame; it
 * is the same for all scopes of a console. `overwrite`: write to the frame. A new reference. */
Namespace *scope_new(ModuleState *state, PyObject *frame, PyObject *shared, int overwrite);

/* Let go of the frame. The object may live on (`names = locals()`), without its frame's names. */
void scope_close(Namespace *ns);

/* Borrowed. */
PyObject *scope_globals(const Namespace *ns);
PyObject *scope_frame(const Namespace *ns);

/* Is it the scope of a module, whose names are globals? */
int scope_is_module(const Namespace *ns);

int scope_overwrites(const Namespace *ns);

/* Switch writing to the frame. What is pending stays so: scope_write(). */
void scope_set_overwrite(Namespace *ns, int overwrite);

/* Does the scope itself bind the name? (For a module, globals do not count.) 1, 0, -1 with an exception. */
int scope_has(Namespace *ns, PyObject *name);

/* Is it a variable of the user's: of the frame, of the prompt, or a global? Builtins are not. 1, 0, -1. */
int scope_is_users(Namespace *ns, PyObject *name);

/* The cell through which functions typed at the prompt see a name; made when there is none. New reference. */
PyObject *scope_cell(Namespace *ns, PyObject *name);

/* Around each statement. `display`: called by the statement with each value to show (owned for its time).
 * `as_class`: the code is a class body, whose own bookkeeping names are to be ignored. -1 with an exception. */
int scope_begin(Namespace *ns, PyObject *display, int as_class);
int scope_end(Namespace *ns);

/* A name that a coming statement binds although only globals or builtins have it so far: functions within the
 * same statement see the old value until it is bound. Forgotten at scope_end() if it was not. */
int scope_expect(Namespace *ns, PyObject *name, PyObject *value);

/* Names declared `global` at the prompt: a set, borrowed. */
PyObject *scope_declared(const Namespace *ns);

/* Make a value the last one shown: `_`. -1 with an exception. */
int scope_set_last(Namespace *ns, PyObject *value);

/* What could not be written or deleted, and why: a list of str, emptied by the call. New reference. */
PyObject *scope_take_refusals(Namespace *ns);

/* Names of the frame that have another value at the prompt: a sorted list. New reference. */
PyObject *scope_pending(Namespace *ns);

/* Write pending names to the frame; `names`: a list, or NULL for all. A new list of those written. */
PyObject *scope_write(Namespace *ns, PyObject *names);

/* Variables of a function that were bound or unbound in it and end with its call, as those do not that it shares with
 * the functions around it: a sorted list. New reference. */
PyObject *scope_written(Namespace *ns);

/* The names of the scope and of the prompt, a new list in no order; for a module its globals too. */
PyObject *scope_names(Namespace *ns);

/* Of these, those of the frame: a new list in no order. The others, which are the same in all frames, and their values:
 * a new dict. */
PyObject *scope_frame_names(Namespace *ns);
PyObject *scope_prompt_values(Namespace *ns);

/* All names, and those that have a cell though they are not bound: a new list, perhaps with repetitions. */
PyObject *scope_cell_names(Namespace *ns);

/* The value of a name as the prompt sees it, builtins not. 1 and a new reference, 0, or -1. */
int scope_get(Namespace *ns, PyObject *name, PyObject **value);

#endif
