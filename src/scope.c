/* The names that a frame shows, see scope.h.
 *
 * Code typed at the prompt runs with the frame's real globals and with a Namespace as its locals. LOAD_NAME
 * asks the Namespace first, then the globals, then the builtins; STORE_NAME writes to the Namespace. So
 * nothing is merged or copied, and nothing here depends on how many globals there are.
 *
 * Where a name's value lives:
 *
 *   in the frame      Read live at each use. With `overwrite` each store is in the frame at once.
 *   in `cells`        A name of the frame that has a cell. Either a function typed at the prompt captured it:
 *                     then `base` holds the value that cell and frame last agreed on, and whichever side has
 *                     moved since is copied to the other (scope_pull(), scope_push()). Or it was bound at the
 *                     prompt and not written to the frame: then it has no entry in `base`, and the cell hides
 *                     the frame's value. An empty cell without a base is a name deleted at the prompt only.
 *   in `shared`       Cells of names that the frame does not know. They belong to the prompt, and are seen
 *                     from every frame that the user walks to. With `overwrite` they are added to a function's
 *                     f_locals as well; `extras` holds what was last put there.
 *
 * A write that the interpreter does not take is never silent: it ends up in `refusals`, and the value stays at
 * the prompt.
 */
#include "scope.h"

#include "cell.h"
#include "compat.h"
#include "frame.h"
#include "namespace.h"

/* What a class body stores by itself, over the versions. */
static const char *const CLASS_NAMES[] = {
    "__module__",      "__qualname__",         "__firstlineno__",
    "__classcell__",   "__static_attributes__", "__classdictcell__",
    "__annotate_func__", "__conditional_annotations__", "__annotate__", NULL,
};

static int
scope_is_class_name(PyObject *name)
{
    for (const char *const *own = CLASS_NAMES; *own != NULL; own++) {
        if (PyUnicode_CompareWithASCIIString(name, *own) == 0) {
            return 1;
        }
    }
    return 0;
}

/* ---- cells ---- */

static PyObject *
scope_borrow(PyObject *dict, PyObject *name)
{
    return PyDict_GetItemWithError(dict, name);
}

/* Put a new cell with `value` into `dict` and return it, borrowed. */
static PyObject *
scope_add_cell(Namespace *ns, PyObject *dict, PyObject *name, PyObject *value)
{
    PyObject *cell = cell_new(state_of_type(Py_TYPE((PyObject *)ns)), value);
    if (cell == NULL || PyDict_SetItem(dict, name, cell) < 0) {
        Py_XDECREF(cell);
        return NULL;
    }
    Py_DECREF(cell); /* the dict keeps it */
    return cell;
}

/* ---- the frame's own names ---- */

static int
scope_refuse(Namespace *ns, PyObject *name, const char *what, const char *why)
{
    PyObject *line = PyUnicode_FromFormat("%U: not %s: %s", name, what, why);
    int ret = line == NULL ? -1 : PyList_Append(ns->refusals, line);
    Py_XDECREF(line);
    return ret;
}

/* Write a name of the frame, or delete it with NULL. 1 when done, 0 when refused and noted, -1. */
static int
scope_frame_set(Namespace *ns, PyObject *name, PyObject *value)
{
    const char *why;
    int done = names_set(&ns->names, name, value, &why);
    if (done == 0 && scope_refuse(ns, name, value != NULL ? "written" : "deleted", why) < 0) {
        return -1;
    }
    return done == 1 && PySet_Add(ns->written, name) < 0 ? -1 : done;
}

/* Is it a name of the frame's, rather than one of the prompt's? */
static int
scope_knows(Namespace *ns, PyObject *name)
{
    int slot = names_has_slot(&ns->names, name);
    if (slot != 0 && ns->names.kind == NAMES_FUNCTION) {
        return slot;
    }
    if (ns->overwrite && (ns->names.mapping != NULL || ns->names.kind == NAMES_HIDDEN)) {
        return 1; /* whatever is bound there is the frame's, or refused */
    }
    PyObject *value;
    int found = names_get(&ns->names, name, &value);
    Py_XDECREF(value);
    return found;
}

/* ---- pull and push: cells that functions typed at the prompt have captured ---- */

/* The frame's value has moved: bring it to the cell. -1 with an exception. */
static int
scope_pull(Namespace *ns, PyObject *name, PyObject *cell, PyObject *base)
{
    PyObject *value;
    int ret = -1;
    int found = names_look_up(&ns->names, name, &value);
    if (found < 0) {
        return -1;
    }
    if (found ? value == base : base == ns->base) {
        ret = 0;
    }
    else if (cell_set(cell, value) == 0) {
        ret = PyDict_SetItem(ns->base, name, found ? value : ns->base); /* unbound: the dict stands for it */
    }
    Py_XDECREF(value);
    return ret;
}

/* The cell's value has moved: bring it to the frame, or let it hide the frame's. */
static int
scope_push(Namespace *ns, PyObject *name, PyObject *cell, PyObject *base)
{
    PyObject *value;
    int ret = -1;
    int bound = cell_get(cell, &value);
    if (bound < 0) {
        return -1;
    }
    if (bound ? value == base : base == ns->base) {
        ret = 0;
        goto done;
    }
    int written = ns->overwrite ? scope_frame_set(ns, name, value) : 0;
    if (written < 0) {
        goto done;
    }
    ret = written && bound ? PyDict_SetItem(ns->base, name, value) : PyDict_DelItem(ns->base, name);
done:
    Py_XDECREF(value);
    return ret;
}

/* Do one of the two for every captured name. */
static int
scope_sync(Namespace *ns, int (*move)(Namespace *, PyObject *, PyObject *, PyObject *))
{
    int ret = -1;
    PyObject *names = PyDict_Keys(ns->base);
    if (names == NULL) {
        return -1;
    }
    for (Py_ssize_t i = 0; i < PyList_Size(names); i++) {
        PyObject *name = PyList_GetItem(names, i);
        PyObject *cell = scope_borrow(ns->cells, name);
        PyObject *base = scope_borrow(ns->base, name);
        if (cell == NULL || base == NULL) {
            continue;
        }
        Py_INCREF(cell);
        Py_INCREF(base);
        int failed = move(ns, name, cell, base);
        Py_DECREF(cell);
        Py_DECREF(base);
        if (failed < 0) {
            goto done;
        }
    }
    ret = 0;
done:
    Py_DECREF(names);
    return ret;
}

/* ---- what the running code calls ---- */

/* The name in its cell, brought up to date first. 1, 0 (an empty cell), -1; 2 when it has no cell. */
static int
scope_cell_get(Namespace *ns, PyObject *name, PyObject **value)
{
    PyObject *cell = scope_borrow(ns->cells, name);
    if (cell == NULL) {
        return PyErr_Occurred() ? -1 : 2;
    }
    int ret = -1;
    Py_INCREF(cell);
    PyObject *base = Py_XNewRef(scope_borrow(ns->base, name));
    if (base == NULL || (scope_push(ns, name, cell, base) == 0
                         && (scope_borrow(ns->base, name) != base || scope_pull(ns, name, cell, base) == 0))) {
        ret = cell_get(cell, value);
    }
    Py_XDECREF(base);
    Py_DECREF(cell);
    return ret;
}

/* Names that mean something at the prompt unless the program has its own. 1, 0, -1. */
static int
scope_prompt_get(Namespace *ns, PyObject *name, PyObject **value)
{
    PyObject *cell = scope_borrow(ns->shared, name);
    if (cell != NULL) {
        /* As in Python's own console a global `_` hides the last value (gettext's, for one). */
        if (PyUnicode_CompareWithASCIIString(name, "_") == 0 && PyDict_Contains(ns->names.globals, name) == 1) {
            return 0;
        }
        return cell_get(cell, value);
    }
    if (PyErr_Occurred()) {
        return -1;
    }
    PyObject *leave = ns->leave == NULL ? NULL : PyDict_GetItemWithError(ns->leave, name); /* borrowed */
    if (leave != NULL && PyDict_Contains(ns->names.globals, name) == 0) {
        *value = Py_NewRef(leave);
        return 1;
    }
    return PyErr_Occurred() ? -1 : 0;
}

int
scope_get(Namespace *ns, PyObject *name, PyObject **value)
{
    *value = NULL;
    if (!PyUnicode_Check(name)) {
        return 0;
    }
    if (ns->display != NULL && PyUnicode_CompareWithASCIIString(name, ".display") == 0) {
        *value = Py_NewRef(ns->display);
        return 1;
    }
    int found = scope_cell_get(ns, name, value);
    if (found == 2 && ns->names.kind == NAMES_FUNCTION && names_has_slot(&ns->names, name) == 0
        && scope_borrow(ns->shared, name) != NULL) {
        return scope_prompt_get(ns, name, value); /* not from f_locals, where it may stand as an extra name */
    }
    if (found == 2) {
        found = names_look_up(&ns->names, name, value);
        if (found == 0) {
            found = scope_prompt_get(ns, name, value);
        }
    }
    return found;
}

/* Bind a name of the prompt. */
static int
scope_shared_set(Namespace *ns, PyObject *name, PyObject *value)
{
    PyObject *cell = scope_borrow(ns->shared, name);
    if (cell != NULL) {
        return cell_set(cell, value);
    }
    return PyErr_Occurred() || scope_add_cell(ns, ns->shared, name, value) == NULL ? -1 : 0;
}

int
scope_set_last(Namespace *ns, PyObject *value)
{
    PyObject *name = PyUnicode_FromString("_");
    int ret = name == NULL ? -1 : scope_shared_set(ns, name, value);
    Py_XDECREF(name);
    return ret;
}

/* Bind a name of the frame that has no cell yet. */
static int
scope_known_set(Namespace *ns, PyObject *name, PyObject *value)
{
    int written = ns->overwrite ? scope_frame_set(ns, name, value) : 0;
    if (written < 0) {
        return -1;
    }
    if (!written) {
        return scope_add_cell(ns, ns->cells, name, value) == NULL ? -1 : 0;
    }
    /* Functions may have captured it while it was the prompt's. */
    return scope_borrow(ns->shared, name) != NULL ? scope_shared_set(ns, name, value) : PyErr_Occurred() ? -1 : 0;
}

int
scope_set(Namespace *ns, PyObject *name, PyObject *value)
{
    if (ns->as_class && scope_is_class_name(name)) {
        return 0;
    }
    if (PyDict_Contains(ns->expected, name) == 1 && PyDict_DelItem(ns->expected, name) < 0) {
        return -1;
    }
    PyObject *cell = scope_borrow(ns->cells, name);
    if (cell != NULL) {
        if (cell_set(cell, value) < 0) {
            return -1;
        }
        int written = ns->overwrite ? scope_frame_set(ns, name, value) : 0;
        if (written < 0) {
            return -1;
        }
        if (written) {
            return PyDict_SetItem(ns->base, name, value);
        }
        return PyDict_Contains(ns->base, name) == 1 ? PyDict_DelItem(ns->base, name) : 0;
    }
    int known = PyErr_Occurred() ? -1 : scope_knows(ns, name);
    if (known != 0) {
        return known < 0 ? -1 : scope_known_set(ns, name, value);
    }
    if (scope_shared_set(ns, name, value) < 0) {
        return -1;
    }
    if (ns->overwrite && ns->names.kind == NAMES_FUNCTION
        && PyUnicode_CompareWithASCIIString(name, "__annotations__") != 0) {
        /* An extra name in f_locals: eval() in the frame sees it, its compiled code cannot. */
        return scope_frame_set(ns, name, value) < 0 ? -1 : PyDict_SetItem(ns->extras, name, value);
    }
    return 0;
}

int
scope_delete(Namespace *ns, PyObject *name)
{
    PyObject *value = NULL;
    PyObject *cell = scope_borrow(ns->cells, name);
    if (cell != NULL) {
        int bound = cell_get(cell, &value);
        Py_XDECREF(value);
        if (bound <= 0) {
            goto missing;
        }
        if (ns->overwrite) {
            int done = names_get(&ns->names, name, &value);
            Py_XDECREF(value);
            done = done == 1 ? scope_frame_set(ns, name, NULL) : done < 0 ? -1 : 1;
            if (done <= 0) {
                return done;
            }
        }
        if (PyDict_Contains(ns->base, name) == 1 && PyDict_DelItem(ns->base, name) < 0) {
            return -1;
        }
        return cell_set(cell, NULL);
    }
    int found = PyErr_Occurred() ? -1 : names_get(&ns->names, name, &value);
    Py_XDECREF(value);
    if (found < 0) {
        return -1;
    }
    PyObject *shared = scope_borrow(ns->shared, name);
    if (shared != NULL && PyDict_Contains(ns->extras, name) == 1) {
        const char *why; /* 3.13.0 deletes nothing from f_locals; here the name is gone all the same */
        if (names_set(&ns->names, name, NULL, &why) < 0 || PyDict_DelItem(ns->extras, name) < 0) {
            return -1;
        }
        return cell_set(shared, NULL);
    }
    if (found && ns->overwrite) {
        int done = scope_frame_set(ns, name, NULL);
        return done < 0 ? -1 : done && shared != NULL ? cell_set(shared, NULL) : 0;
    }
    if (found && ns->names.mapping != NULL && (ns->names.kind == NAMES_MODULE || ns->names.kind == NAMES_HIDDEN)) {
        return scope_refuse(ns, name, "deleted", "it is a global of the program (\"overwrite on\" lets you)");
    }
    if (found) {
        return scope_add_cell(ns, ns->cells, name, NULL) == NULL ? -1 : 0;
    }
    if (shared != NULL) {
        int bound = cell_get(shared, &value);
        Py_XDECREF(value);
        if (bound != 0) {
            return bound < 0 ? -1 : cell_set(shared, NULL);
        }
    }
missing:
    if (!PyErr_Occurred()) {
        PyErr_SetObject(PyExc_KeyError, name);
    }
    return -1;
}

/* ---- the interface, see scope.h ---- */

PyObject *
scope_globals(const Namespace *ns)
{
    return ns->names.globals;
}

PyObject *
scope_frame(const Namespace *ns)
{
    return ns->names.frame;
}

PyObject *
scope_declared(const Namespace *ns)
{
    return ns->declared;
}

int
scope_is_module(const Namespace *ns)
{
    return ns->names.mapping != NULL && ns->names.mapping == ns->names.globals;
}

int
scope_overwrites(const Namespace *ns)
{
    return ns->overwrite;
}

int
scope_has(Namespace *ns, PyObject *name)
{
    PyObject *value = NULL;
    int found = scope_cell_get(ns, name, &value);
    if (found == 2) {
        int prompts = ns->names.kind == NAMES_FUNCTION && names_has_slot(&ns->names, name) == 0
                      && scope_borrow(ns->shared, name) != NULL;
        found = ns->names.kind == NAMES_MODULE || prompts ? 0 : names_look_up(&ns->names, name, &value);
        if (found == 1 && scope_is_module(ns) && names_has_slot(&ns->names, name) == 0) {
            found = 0; /* a comprehension inlined in a module: only its own variables count */
        }
        PyObject *cell = found == 0 ? scope_borrow(ns->shared, name) : NULL;
        if (cell != NULL) {
            found = scope_prompt_get(ns, name, &value);
        }
    }
    Py_XDECREF(value);
    return found;
}

int
scope_is_users(Namespace *ns, PyObject *name)
{
    int has = scope_has(ns, name);
    return has != 0 ? has : PyDict_Contains(ns->names.globals, name);
}

PyObject *
scope_cell(Namespace *ns, PyObject *name)
{
    PyObject *value = NULL;
    if (ns->display != NULL && PyUnicode_CompareWithASCIIString(name, ".display") == 0) {
        return cell_new(state_of_type(Py_TYPE((PyObject *)ns)), ns->display);
    }
    PyObject *cell = scope_borrow(ns->cells, name);
    if (cell != NULL || PyErr_Occurred()) {
        return Py_XNewRef(cell);
    }
    int found = names_look_up(&ns->names, name, &value);
    if (found == 1) {
        cell = scope_add_cell(ns, ns->cells, name, value);
        if (cell != NULL && PyDict_SetItem(ns->base, name, value) < 0) {
            cell = NULL;
        }
    }
    else if (found == 0) {
        cell = scope_borrow(ns->shared, name);
        if (cell == NULL && !PyErr_Occurred()) {
            cell = scope_add_cell(ns, ns->shared, name, NULL);
        }
    }
    Py_XDECREF(value);
    return Py_XNewRef(cell);
}

int
scope_expect(Namespace *ns, PyObject *name, PyObject *value)
{
    PyObject *cell = scope_borrow(ns->shared, name);
    if (cell != NULL || PyErr_Occurred()) {
        return cell != NULL ? 0 : -1;
    }
    return scope_add_cell(ns, ns->shared, name, value) == NULL ? -1 : PyDict_SetItem(ns->expected, name, value);
}

int
scope_begin(Namespace *ns, PyObject *display, int as_class)
{
    Py_SETREF(ns->display, Py_NewRef(display));
    ns->as_class = as_class;
    return scope_sync(ns, scope_pull);
}

/* A function typed at the prompt may have changed a name that was added to the frame. */
static int
scope_push_extras(Namespace *ns)
{
    int ret = 0;
    PyObject *names = PyDict_Keys(ns->extras);
    for (Py_ssize_t i = 0; names != NULL && ret == 0 && i < PyList_Size(names); i++) {
        PyObject *value = NULL;
        PyObject *name = PyList_GetItem(names, i);
        PyObject *cell = scope_borrow(ns->shared, name);
        int bound = cell == NULL ? 0 : cell_get(cell, &value);
        if (bound < 0) {
            ret = -1;
        }
        else if (bound == 0) {
            ret = PyDict_DelItem(ns->extras, name);
        }
        else if (ns->overwrite && value != scope_borrow(ns->extras, name)) {
            ret = scope_frame_set(ns, name, value) < 0 ? -1 : PyDict_SetItem(ns->extras, name, value);
        }
        Py_XDECREF(value);
    }
    Py_XDECREF(names);
    return names == NULL ? -1 : ret;
}

int
scope_end(Namespace *ns)
{
    Py_CLEAR(ns->display);
    ns->as_class = 0;
    int ret = scope_sync(ns, scope_push) < 0 || scope_push_extras(ns) < 0 ? -1 : 0;
    PyObject *names = PyDict_Keys(ns->expected);
    for (Py_ssize_t i = 0; names != NULL && i < PyList_Size(names); i++) {
        PyObject *value = NULL;
        PyObject *name = PyList_GetItem(names, i);
        PyObject *cell = scope_borrow(ns->shared, name);
        if (cell != NULL && cell_get(cell, &value) >= 0 && value == scope_borrow(ns->expected, name)) {
            PyDict_DelItem(ns->shared, name);
        }
        Py_XDECREF(value);
    }
    Py_XDECREF(names);
    PyDict_Clear(ns->expected);
    return ret;
}

PyObject *
scope_take_refusals(Namespace *ns)
{
    PyObject *taken = ns->refusals;
    PyObject *fresh = PyList_New(0);
    if (fresh == NULL) {
        return NULL;
    }
    ns->refusals = fresh;
    return taken;
}

PyObject *
scope_pending(Namespace *ns)
{
    PyObject *pending = PyList_New(0);
    PyObject *name, *cell;
    PyObject *names = pending == NULL ? NULL : PyDict_Keys(ns->cells);
    int failed = names == NULL;
    for (Py_ssize_t i = 0; !failed && i < PyList_Size(names); i++) {
        PyObject *mine = NULL, *theirs = NULL;
        name = PyList_GetItem(names, i);
        cell = scope_borrow(ns->cells, name);
        int based = PyDict_Contains(ns->base, name);
        failed = based < 0 || cell == NULL || cell_get(cell, &mine) < 0 || names_get(&ns->names, name, &theirs) < 0
                 || (!based && mine != theirs && PyList_Append(pending, name) < 0);
        Py_XDECREF(mine);
        Py_XDECREF(theirs);
    }
    Py_XDECREF(names);
    if (failed || PyList_Sort(pending) < 0) {
        Py_CLEAR(pending);
    }
    return pending;
}

PyObject *
scope_write(Namespace *ns, PyObject *names)
{
    PyObject *written = PyList_New(0);
    PyObject *todo = names != NULL ? Py_NewRef(names) : scope_pending(ns);
    int failed = written == NULL || todo == NULL;
    for (Py_ssize_t i = 0; !failed && i < PyList_Size(todo); i++) {
        PyObject *value = NULL;
        PyObject *name = PyList_GetItem(todo, i);
        PyObject *cell = scope_borrow(ns->cells, name);
        if (cell == NULL) { /* a name of the prompt: `write` makes it one of the frame */
            cell = scope_borrow(ns->shared, name);
        }
        if (cell == NULL) {
            failed = PyErr_Occurred() != NULL;
            continue;
        }
        int bound = cell_get(cell, &value);
        int done = bound < 0 ? -1 : scope_frame_set(ns, name, value);
        if (done == 1 && bound && scope_borrow(ns->cells, name) != NULL) {
            done = PyDict_SetItem(ns->base, name, value) < 0 ? -1 : 1;
        }
        failed = done < 0 || (done == 1 && PyList_Append(written, name) < 0);
        Py_XDECREF(value);
    }
    Py_XDECREF(todo);
    if (failed) {
        Py_CLEAR(written);
    }
    return written;
}

PyObject *
scope_written(Namespace *ns)
{
    PyObject *ending = PyList_New(0);
    if (ns->names.kind != NAMES_FUNCTION || ns->names.frame == NULL || ending == NULL) {
        return ending;
    }
    PyObject *code = frame_code(ns->names.frame);
    PyObject *outer = code == NULL ? NULL : PyObject_GetAttrString(code, "co_freevars");
    PyObject *written = outer == NULL ? NULL : PySequence_List(ns->written);
    int failed = written == NULL;
    for (Py_ssize_t i = 0; !failed && i < PyList_Size(written); i++) {
        PyObject *name = PyList_GetItem(written, i);
        int slot = names_has_slot(&ns->names, name); /* else it is one of the prompt's */
        int shared = slot == 1 ? PySequence_Contains(outer, name) : 1;
        failed = slot < 0 || shared < 0 || (!shared && PyList_Append(ending, name) < 0);
    }
    if (failed || PyList_Sort(ending) < 0) {
        Py_CLEAR(ending);
    }
    Py_XDECREF(written);
    Py_XDECREF(outer);
    Py_XDECREF(code);
    return ending;
}

void
scope_set_overwrite(Namespace *ns, int overwrite)
{
    ns->overwrite = overwrite;
}

/* Add (or take away) the names whose cells are bound (or empty). */
static int
scope_add_cells(PyObject *set, PyObject *cells)
{
    PyObject *name, *cell;
    Py_ssize_t at = 0;
    while (PyDict_Next(cells, &at, &name, &cell)) {
        PyObject *value;
        int bound = cell_get(cell, &value);
        Py_XDECREF(value);
        if (bound < 0 || (bound ? PySet_Add(set, name) : PySet_Discard(set, name)) < 0) {
            return -1;
        }
    }
    return 0;
}

PyObject *
scope_names(Namespace *ns)
{
    PyObject *names = NULL;
    PyObject *set = PySet_New(NULL);
    if (set != NULL && names_add_to(&ns->names, set) == 0 && scope_add_cells(set, ns->shared) == 0
        && scope_add_cells(set, ns->cells) == 0) {
        names = PySequence_List(set);
    }
    Py_XDECREF(set);
    return names;
}

PyObject *
scope_frame_names(Namespace *ns)
{
    PyObject *name, *value, *names = NULL;
    PyObject *set = PySet_New(NULL);
    int failed = set == NULL || names_add_to(&ns->names, set) < 0;
    Py_ssize_t at = 0;
    while (!failed && PyDict_Next(ns->extras, &at, &name, &value)) {
        failed = PySet_Discard(set, name) < 0;
    }
    if (!failed && scope_add_cells(set, ns->cells) == 0) {
        names = PySequence_List(set);
    }
    Py_XDECREF(set);
    return names;
}

PyObject *
scope_prompt_values(Namespace *ns)
{
    PyObject *name, *cell, *values = PyDict_New();
    Py_ssize_t at = 0;
    while (values != NULL && PyDict_Next(ns->shared, &at, &name, &cell)) {
        PyObject *value;
        int bound = cell_get(cell, &value);
        if (bound < 0 || (bound && PyDict_SetItem(values, name, value) < 0)) {
            Py_CLEAR(values);
        }
        Py_XDECREF(value);
    }
    return values;
}

PyObject *
scope_cell_names(Namespace *ns)
{
    PyObject *names = scope_names(ns);
    PyObject *mine = PyDict_Keys(ns->cells);
    PyObject *shared = PyDict_Keys(ns->shared);
    PyObject *some = names == NULL || mine == NULL ? NULL : PySequence_Concat(names, mine);
    PyObject *all = some == NULL || shared == NULL ? NULL : PySequence_Concat(some, shared);
    Py_XDECREF(some);
    Py_XDECREF(shared);
    Py_XDECREF(mine);
    Py_XDECREF(names);
    return all;
}

/* ---- making and closing ---- */

Namespace *
scope_new(ModuleState *state, PyObject *frame, PyObject *shared, int overwrite)
{
    Namespace *ns = (Namespace *)PyType_GenericAlloc(state->namespace_type, 0);
    if (ns == NULL) {
        return NULL;
    }
    ns->shared = Py_NewRef(shared);
    ns->leave = Py_XNewRef(state->leave);
    ns->overwrite = overwrite;
    ns->cells = PyDict_New();
    ns->base = PyDict_New();
    ns->expected = PyDict_New();
    ns->extras = PyDict_New();
    ns->written = PySet_New(NULL);
    ns->declared = PySet_New(NULL);
    ns->refusals = PyList_New(0);
    if (!ns->cells || !ns->base || !ns->expected || !ns->extras || !ns->written || !ns->declared || !ns->refusals
        || names_open(&ns->names, frame) < 0) {
        Py_DECREF((PyObject *)ns);
        ns = NULL;
    }
    return ns;
}

void
scope_close(Namespace *ns)
{
    names_leave(&ns->names);
    Py_CLEAR(ns->display);
    PyDict_Clear(ns->base);
}
