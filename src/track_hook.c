/* Types of tracked dicts and modules, see track_hook.h.
 *
 * The interpreter looks up names past the methods of dict only where globals are exactly a dict: what it has
 * specialised checks the type at each look. So the type of the object is changed, not the object: it is the same dict
 * for all threads, functions and C code at every moment. */
#include "track_hook.h"

#include "compat_offsets.h"
#include "state.h"
#include "track_methods.h"
#include "track_modules.h"

/* Never NULL: whoever ends it gives all objects their own types back. */
static Tracking *
hook_tracking(PyObject *self)
{
    ModuleState *state = PyType_GetModuleState(Py_TYPE(self));
    return state->tracking;
}

Tracking *
track_hook_tracking(PyObject *dict)
{
    return PyDict_CheckExact(dict) ? NULL : hook_tracking(dict);
}

bool
track_hook_is_special(PyObject *name)
{
    return PyUnicode_CheckExact(name) && PyUnicode_GetLength(name) > 4 && PyUnicode_ReadChar(name, 0) == '_'
           && PyUnicode_ReadChar(name, 1) == '_';
}

/* It reads and writes a module's __spec__, __path__ and others on its way, in C also before any code runs. */
bool
track_hook_is_import(Tracking *tracking, PyObject *name)
{
    PyObject *code, *imported;
    Py_ssize_t offset;
    if (!track_hook_is_special(name)) {
        return false;
    }
    if (!tracking_instruction(&code, &offset)
        || track_code_at(&tracking->codes, code, offset, &imported) == OPCODE_IMPORT_NAME) {
        return true;
    }
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *file = PyObject_GetAttrString(code, "co_filename");
    PyObject *prefix = PyUnicode_FromString("<frozen ") /* importlib, runpy */;
    bool import = file != NULL && prefix != NULL && PyUnicode_Tailmatch(file, prefix, 0, PY_SSIZE_T_MAX, -1) > 0;
    Py_XDECREF(file);
    Py_XDECREF(prefix);
    PyErr_Clear();
    PyErr_Restore(type, value, traceback);
    return import;
}

/* ---- dict ---- */

/* Does an instruction that runs, and names the name, ask these globals for it, and would look into the builtins next?
 * LOAD_GLOBAL asks no other dict of that type than its globals and its builtins; LOAD_NAME asks the locals first. */
static bool
dict_is_asked_by(Opcode opcode, PyObject *self)
{
    return opcode == OPCODE_LOAD_GLOBAL
           || ((opcode == OPCODE_LOAD_NAME || opcode == OPCODE_LOAD_FROM_DICT_OR_GLOBALS)
               && PyEval_GetGlobals() == self);
}

/* The same for what was a builtin before, most of the time by one look. And would it look into those builtins whose
 * changes are watched? No garbage is collected meanwhile: where names are kept there are watchers, so it is 3.12 or
 * later, which does that between instructions. */
static bool
dict_is_asked_for_builtin(Tracking *tracking, PyObject *self, PyObject *name, TrackRecent *recent)
{
    const char *address = compat_offsets_instruction();
    if (address == NULL || recent->asked != address) {
        PyObject *code;
        Py_ssize_t offset;
        Opcode opcode = tracking_opcode(tracking, name);
        if (!dict_is_asked_by(opcode, self)) {
            return false;
        }
        /* the code is kept as long as anything is tracked: nothing else can come to lie there */
        if (recent->asked == NULL && opcode == OPCODE_LOAD_GLOBAL && tracking_instruction(&code, &offset)
            && compat_offsets_is_at(code, offset, address)) {
            recent->asked = address;
        }
    }
    return PyEval_GetBuiltins() == tracking->builtins;
}

/* `name` is not in the globals. What a function reads of the builtins is given to it at once: an exception would cost
 * several times as much. Only that: globals()['len'] is a KeyError. NULL without an exception: it is to be raised. */
static PyObject *
dict_missing(Tracking *tracking, PyObject *self, PyObject *name)
{
    if (PyUnicode_CheckExact(name) && dict_is_asked_by(tracking_opcode(tracking, name), self)) {
        PyObject *builtins = PyEval_GetBuiltins(); /* borrowed: the frame's */
        PyObject *value = builtins != NULL && PyDict_Check(builtins) ? PyDict_GetItemWithError(builtins, name) : NULL;
        if (value != NULL) {
            tracking_count(tracking, self, name, TRACK_BUILTIN, builtins == tracking->builtins ? value : NULL);
            return PyDict_CheckExact(builtins) ? Py_NewRef(value) : NULL;
        }
    }
    if (!track_hook_is_import(tracking, name)) {
        tracking_count(tracking, self, name, TRACK_MISSING, NULL);
    }
    return NULL;
}

/* PyImport_Import(), with which C code imports, asks the globals of its caller where __import__ is. */
static bool
dict_is_for_import(Tracking *tracking, PyObject *name)
{
    return track_hook_is_special(name) && PyUnicode_CompareWithASCIIString(name, "__builtins__") == 0
           && tracking_opcode(tracking, name) == OPCODE_OTHER;
}

static PyObject *
dict_look_up(Tracking *tracking, PyObject *self, PyObject *name)
{
    PyObject *value = PyDict_GetItemWithError(self, name);
    if (value != NULL) {
        Py_INCREF(value);
        if (!tracking_count_again(tracking, self, name, TRACK_READ, value) && !dict_is_for_import(tracking, name)) {
            tracking_record(tracking, self, name, TRACK_READ, value, TRACKING_HOOKED);
        }
        return value;
    }
    /* looking for what is exactly a str cannot fail */
    value = !PyUnicode_CheckExact(name) && PyErr_Occurred() ? NULL : dict_missing(tracking, self, name);
    if (value == NULL && !PyErr_Occurred()) {
        PyObject *key = PyTuple_Pack(1, name); /* a key that is a tuple would be taken for the arguments */
        if (key != NULL) {
            PyErr_SetObject(PyExc_KeyError, key);
            Py_DECREF(key);
        }
    }
    return value;
}

/* What was read before and stands for the same is counted, and that is all. */
static PyObject *
dict_subscript(PyObject *self, PyObject *name)
{
    Tracking *tracking = hook_tracking(self);
    TrackRecent *recent = track_recent_find(&tracking->recents, self, name);
    if (recent == NULL || recent->value == NULL
        || (recent->kind == TRACK_BUILTIN && !dict_is_asked_for_builtin(tracking, self, name, recent))) {
        return dict_look_up(tracking, self, name);
    }
    ++*recent->count[recent->kind];
    return Py_NewRef(recent->value);
}

/* Is this a change that no watcher will be told of? Before 3.12 there are no watchers, and else they are not told when
 * it is the object that is there already. */
static bool
dict_is_untold(Tracking *tracking, PyObject *self, PyObject *name, PyObject *value)
{
    if (tracking->watcher < 0) {
        return true;
    }
    return value != NULL && PyUnicode_CheckExact(name) && PyDict_GetItemWithError(self, name) == value;
}

static int
dict_assign(PyObject *self, PyObject *name, PyObject *value)
{
    Tracking *tracking = hook_tracking(self);
    bool untold = dict_is_untold(tracking, self, name, value);
    int ret = PyErr_Occurred() ? -1 : tracking->dict_set(self, name, value);
    if (ret == 0 && value != NULL && self == tracking->sys_modules) {
        track_modules_came(tracking, name, value);
    }
    if (ret == 0 && untold && !track_hook_is_import(tracking, name)) {
        tracking_count(tracking, self, name, value == NULL ? TRACK_DELETE : TRACK_WRITE, NULL);
    }
    return ret;
}

static int
dict_contains(PyObject *self, PyObject *name)
{
    Tracking *tracking = hook_tracking(self); /* before code of the program's may end it */
    int ret = PyDict_Contains(self, name);
    if (ret >= 0) {
        tracking_count(tracking, self, name, ret ? TRACK_READ : TRACK_MISSING, NULL);
    }
    return ret;
}

/* ---- module ---- */

static PyObject *
module_get(PyObject *self, PyObject *name)
{
    Tracking *tracking = hook_tracking(self);
    PyObject *globals = PyModule_GetDict(self); /* borrowed */
    if (globals == NULL || !PyUnicode_Check(name)) {
        return tracking->module_get(self, name);
    }
    bool special = track_hook_is_special(name); /* some of these are the type's */
    TrackRecent *recent = special ? NULL : track_recent_find(&tracking->recents, globals, name);
    if (recent != NULL && recent->value != NULL && recent->kind == TRACK_READ) {
        ++*recent->count[TRACK_READ];
        return Py_NewRef(recent->value);
    }
    int there = PyDict_Contains(globals, name);
    if (there < 0) {
        return NULL;
    }
    Py_INCREF(globals);
    PyObject *value = tracking->module_get(self, name);
    bool missing = value == NULL && PyErr_ExceptionMatches(PyExc_AttributeError);
    if ((there || missing) && !track_hook_is_import(tracking, name)) {
        PyObject *now = there && !special ? PyDict_GetItemWithError(globals, name) : NULL; /* may be another by now */
        tracking_count(tracking, globals, name, there ? TRACK_READ : TRACK_MISSING, now == value ? now : NULL);
    }
    Py_DECREF(globals);
    return value;
}

/* Some names are attributes of the type: __class__ does not come into the dict. */
static int
module_set(PyObject *self, PyObject *name, PyObject *value)
{
    Tracking *tracking = hook_tracking(self);
    PyObject *globals = Py_XNewRef(PyModule_GetDict(self));
    bool untold = globals != NULL && PyUnicode_CheckExact(name) && dict_is_untold(tracking, globals, name, value);
    bool was = untold && PyDict_Contains(globals, name) > 0;
    int ret = PyErr_Occurred() ? -1 : tracking->module_set(self, name, value);
    if (ret == 0 && untold && (value == NULL ? was : PyDict_GetItemWithError(globals, name) == value)
        && !track_hook_is_import(tracking, name)) {
        tracking_count(tracking, globals, name, value == NULL ? TRACK_DELETE : TRACK_WRITE, NULL);
    }
    Py_XDECREF(globals);
    return ret;
}

/* The program has given the module another class: it does not tell of attributes any more, and if that class goes back
 * to a plain module's, its dict has to be a plain one again (see track_hook_on). Events tell of its names from now on;
 * where there are none, its dict goes on to do so. */
static void
module_changes_class(Tracking *tracking, PyObject *module)
{
    PyObject *globals = PyModule_GetDict(module); /* borrowed */
    TrackedGlobals *found = globals == NULL ? NULL : tracking_find(tracking, globals);
    if (found == NULL || tracking->instruction == 0 || Py_TYPE(globals) != tracking->dict_type) {
        return;
    }
    if (tracking->watcher >= 0 && compat_dict_unwatch(tracking->watcher, globals) < 0) {
        PyErr_Clear();
    }
    compat_set_type(globals, &PyDict_Type);
    track_recent_forget(&tracking->recents);
    if (monitoring_restart(&tracking->monitoring) < 0) {
        PyErr_Clear();
    }
}

/* ---- the types ---- */

/* As of an object of the plain type: programs keep an object's __class__, and go back to it (LazyLoader). */
static PyObject *
dict_get_class(PyObject *Py_UNUSED(self), void *Py_UNUSED(closure))
{
    return Py_NewRef((PyObject *)&PyDict_Type);
}

static PyObject *
module_get_class(PyObject *Py_UNUSED(self), void *Py_UNUSED(closure))
{
    return Py_NewRef((PyObject *)&PyModule_Type);
}

/* What object does for `__class__ = value`. */
static int
hook_set_class(PyObject *self, PyObject *value, void *Py_UNUSED(closure))
{
    if (value == NULL) {
        PyErr_SetString(PyExc_TypeError, "can't delete __class__ attribute");
        return -1;
    }
    Tracking *tracking = hook_tracking(self);
    PyObject *names = compat_type_dict(&PyBaseObject_Type);
    PyObject *attribute = names == NULL ? NULL : PyDict_GetItemString(names, "__class__"); /* borrowed */
    PyObject *done = attribute == NULL ? NULL : PyObject_CallMethod(attribute, "__set__", "OO", self, value);
    if (done != NULL && PyModule_Check(self) && Py_TYPE(self) != tracking->module_type) {
        module_changes_class(tracking, self);
    }
    Py_XDECREF(done);
    Py_XDECREF(names);
    return done == NULL ? -1 : 0;
}

/* A name without a dot, as error messages say it, wants a __module__ or warns: see track_methods_add(). */
#define HOME_LATER {"__module__", hook_get_home, NULL, NULL, NULL}
static PyObject *
hook_get_home(PyObject *Py_UNUSED(self), void *Py_UNUSED(closure))
{
    return PyUnicode_InternFromString("builtins");
}

static PyGetSetDef dict_attributes[] = {
    HOME_LATER,
    {"__class__", dict_get_class, hook_set_class, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyGetSetDef module_attributes[] = {
    HOME_LATER,
    {"__class__", module_get_class, hook_set_class, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

/* type(globals())() is a plain dict: so programs make another like it. */
static PyObject *
dict_new(PyTypeObject *type, PyObject *args, PyObject *named)
{
    (void)type;
    return PyObject_Call((PyObject *)&PyDict_Type, args, named);
}

static PyObject *
module_new(PyTypeObject *type, PyObject *args, PyObject *named)
{
    (void)type;
    return PyObject_Call((PyObject *)&PyModule_Type, args, named);
}

#define SLOT(function) ((void *)(function))
static PyType_Slot dict_slots[] = {
    {Py_mp_subscript, SLOT(dict_subscript)},
    {Py_mp_ass_subscript, SLOT(dict_assign)},
    {Py_sq_contains, SLOT(dict_contains)},
    {Py_nb_inplace_or, SLOT(track_methods_in_place_or)},
    {Py_tp_new, SLOT(dict_new)},
    {Py_tp_getset, dict_attributes},
    {0, NULL},
};

/* They are called as what they stand for, for programs that go by a type's name. */
static PyType_Spec dict_spec = {
    .name = "dict",
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = dict_slots,
};

static PyType_Slot module_slots[] = {
    {Py_tp_getattro, SLOT(module_get)},
    {Py_tp_setattro, SLOT(module_set)},
    {Py_tp_new, SLOT(module_new)},
    {Py_tp_getset, module_attributes},
    {0, NULL},
};

static PyType_Spec module_spec = {
    .name = "module",
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = module_slots,
};

int
track_hook_init(PyObject *module, Tracking *tracking)
{
    compat_offsets_init();
    tracking->dict_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &dict_spec, (PyObject *)&PyDict_Type);
    tracking->module_type = tracking->dict_type == NULL
                                ? NULL
                                : (PyTypeObject *)PyType_FromModuleAndSpec(module, &module_spec,
                                                                           (PyObject *)&PyModule_Type);
    if (tracking->module_type == NULL || track_methods_add(tracking) < 0) {
        return -1;
    }
    tracking->module_get = (getattrofunc)PyType_GetSlot(&PyModule_Type, Py_tp_getattro);
    tracking->module_set = (setattrofunc)PyType_GetSlot(&PyModule_Type, Py_tp_setattro);
    tracking->dict_set = (objobjargproc)PyType_GetSlot(&PyDict_Type, Py_mp_ass_subscript);
    return 0;
}

bool
track_hook_leaves_alone(PyObject *module)
{
    PyObject *modules = PySys_GetObject("modules"); /* borrowed */
    return !compat_main_is_free() && modules != NULL && PyDict_Check(modules)
           && PyDict_GetItemString(modules, "__main__") == module;
}

/* The module first, and last when it ends: see compat_module_dicts_are_free(). 1 if the dict may follow, 0, or -1 with
 * an exception. */
static int
hook_module_on(Tracking *tracking, PyObject *module, Tracker *tracker)
{
    bool alone = track_hook_leaves_alone(module);
    if (Py_TYPE(module) == &PyModule_Type && !alone) {
        compat_set_type(module, tracking->module_type);
    }
    if (Py_TYPE(module) == tracking->module_type) {
        return 1;
    }
    int ret = alone ? tracker_note(tracker, "main") : PyList_Append(tracker->limits, module);
    return ret < 0 ? -1 : compat_module_dicts_are_free() || tracking->instruction == 0;
}

int
track_hook_on(Tracking *tracking, PyObject *globals, PyObject *module, Tracker *tracker)
{
    int may = module == NULL ? 1 : hook_module_on(tracking, module, tracker);
    if (may > 0 && PyDict_CheckExact(globals)) {
        compat_set_type(globals, tracking->dict_type);
    }
    else if (may > 0 && Py_TYPE(globals) != tracking->dict_type && tracking->instruction == 0) {
        return PyList_Append(tracker->limits, Py_True);
    }
    return may < 0 ? -1 : 0;
}

void
track_hook_off(Tracking *tracking, PyObject *globals, PyObject *module)
{
    if (Py_TYPE(globals) == tracking->dict_type) {
        compat_set_type(globals, &PyDict_Type);
    }
    if (module != NULL && Py_TYPE(module) == tracking->module_type) {
        compat_set_type(module, &PyModule_Type);
    }
}
