/* CPython's differences, see compat.h. The reasons stand beside the code; measured on 3.11 to 3.15. */
#include "compat.h"

#include <dlfcn.h>
#include <stdint.h>
#include <string.h>

enum {
    VERSION_312 = 0x030c0000,
    VERSION_313 = 0x030d0000,
    VERSION_3131 = 0x030d0100,
    VERSION_31315 = 0x030d0f00,
    VERSION_314 = 0x030e0000,
    VERSION_3147 = 0x030e0700,
    VERSION_315 = 0x030f0000,
    SLOT_MULTIPLE_INTERPRETERS = 3, /* Py_mod_multiple_interpreters, 3.12 on */
};
#define PER_INTERPRETER_GIL_SUPPORTED ((void *)2) /* Py_MOD_PER_INTERPRETER_GIL_SUPPORTED */

/* Function pointers into the interpreter: the same for all its threads and subinterpreters. */
static struct {
    void (*locals_to_fast)(PyFrameObject *, int);             /* to 3.12; later it does nothing */
    PyObject *(*get_var)(PyFrameObject *, PyObject *);        /* 3.12 on */
    int (*get_lasti)(PyFrameObject *);            /* 3.11 on, not in the limited API */
    PyObject *(*type_dict)(PyTypeObject *);       /* 3.12 on, not in the limited API */
    CompatReader *reader;                         /* not in the limited API */
    PyThreadState **reading;                      /* of the thread that calls it; private, for the readline module */
    PyObject *(*run_file)(FILE *, const char *, int, PyObject *, PyObject *, int, void *); /* not in the limited API */
    PyObject *(*run_string)(const char *, int, PyObject *, PyObject *, void *);            /* not in the limited API */
    int (*is_finalizing)(void);                   /* 3.13 on; before, under a private name */
    PyObject *(*vectorcall_call)(PyObject *, PyObject *, PyObject *); /* in the limited API from 3.12 on */
    PyObject *(*method_new)(PyObject *, PyObject *); /* not in the limited API */
    int (*add_dict_watcher)(CompatDictWatcher);      /* 3.12 on, not in the limited API; so the next three */
    int (*clear_dict_watcher)(int);
    int (*watch_dict)(int, PyObject *);
    int (*unwatch_dict)(int, PyObject *);
    int (*code_line)(PyObject *, int);               /* not in the limited API; so the next */
    void (*set_trace)(CompatTrace, PyObject *);
} api;

CompatVectorcall compat_vectorcall;

/* POSIX has dlsym() return functions as void *; a copy is the conversion that ISO C allows. */
static void
compat_look_up(void *function, const char *name)
{
    void *symbol = dlsym(RTLD_DEFAULT, name);
    memcpy(function, &symbol, sizeof symbol);
}

void
compat_init(void)
{
    compat_look_up(&api.locals_to_fast, "PyFrame_LocalsToFast");
    compat_look_up(&api.get_var, "PyFrame_GetVar");
    compat_look_up(&api.get_lasti, "PyFrame_GetLasti");
    compat_look_up(&api.type_dict, "PyType_GetDict");
    compat_look_up(&api.reader, "PyOS_ReadlineFunctionPointer");
    compat_look_up(&api.reading, "_PyOS_ReadlineTState");
    compat_look_up(&api.run_file, "PyRun_FileExFlags");
    compat_look_up(&api.run_string, "PyRun_StringFlags");
    compat_look_up(&api.is_finalizing, Py_Version < VERSION_313 ? "_Py_IsFinalizing" : "Py_IsFinalizing");
    compat_look_up(&compat_vectorcall, "PyObject_Vectorcall");
    compat_look_up(&api.vectorcall_call, "PyVectorcall_Call");
    compat_look_up(&api.method_new, "PyMethod_New");
    compat_look_up(&api.add_dict_watcher, "PyDict_AddWatcher");
    compat_look_up(&api.clear_dict_watcher, "PyDict_ClearWatcher");
    compat_look_up(&api.watch_dict, "PyDict_Watch");
    compat_look_up(&api.unwatch_dict, "PyDict_Unwatch");
    compat_look_up(&api.code_line, "PyCode_Addr2Line");
    compat_look_up(&api.set_trace, "PyEval_SetTrace");
}

PyModuleDef_Slot *
compat_module_slots(int (*exec)(PyObject *))
{
    static PyModuleDef_Slot slots[3];
    slots[0] = (PyModuleDef_Slot){Py_mod_exec, NULL};
    memcpy(&slots[0].value, &exec, sizeof exec);
    if (Py_Version >= VERSION_312) { /* 3.11 refuses a slot that it does not know */
        slots[1] = (PyModuleDef_Slot){SLOT_MULTIPLE_INTERPRETERS, PER_INTERPRETER_GIL_SUPPORTED};
    }
    return slots;
}

CompatReader *
compat_reader_slot(void)
{
    return api.reader;
}

int
compat_reader_is_called(void)
{
    PyThreadState *volatile *reading = api.reading; /* written without the GIL from 3.13 on */
    PyThreadState *thread = reading == NULL ? NULL : *reading;
    return thread != NULL && thread != PyThreadState_Get();
}

PyObject *
compat_import(const char *name)
{
    /* PyImport_ImportModule() calls what builtins.__import__ is, found through the running frame's globals. With a
     * `from` list the module itself comes back, not its package. */
    PyObject *from = Py_BuildValue("(s)", "__name__");
    PyObject *module = from == NULL ? NULL : PyImport_ImportModuleLevel(name, NULL, NULL, from, 0);
    Py_XDECREF(from);
    return module;
}

int
compat_frame_lasti(PyObject *frame)
{
    if (api.get_lasti != NULL) {
        return api.get_lasti((PyFrameObject *)frame);
    }
    PyObject *lasti = PyObject_GetAttrString(frame, "f_lasti");
    int ret = lasti == NULL ? -1 : (int)PyLong_AsLong(lasti);
    Py_XDECREF(lasti);
    return ret;
}

int
compat_frame_get(PyObject *frame, PyObject *name, int known, PyObject **value)
{
    *value = NULL;
    if (known && api.get_var != NULL && Py_Version < VERSION_313) {
        /* Unlike f_locals it leaves the snapshot alone, into which a debugger may have written. */
        *value = api.get_var((PyFrameObject *)frame, name);
        if (*value == NULL && PyErr_ExceptionMatches(PyExc_NameError)) {
            PyErr_Clear();
            return 0;
        }
        return *value == NULL ? -1 : 1;
    }
    PyObject *locals = PyObject_GetAttrString(frame, "f_locals");
    if (locals == NULL) {
        return -1;
    }
    *value = PyObject_GetItem(locals, name);
    Py_DECREF(locals);
    if (*value == NULL && PyErr_ExceptionMatches(PyExc_KeyError)) {
        PyErr_Clear();
        return 0;
    }
    return *value == NULL ? -1 : 1;
}

/* PyEval_GetLocals() of 3.13 and later copies lent variables into a dict that the frame keeps as long as it runs. */
PyObject *
compat_frame_namespace(void)
{
    PyObject *frame = (PyObject *)PyEval_GetFrame(); /* borrowed */
    if (Py_Version < VERSION_313 || frame == NULL) {
        return Py_XNewRef(PyEval_GetLocals());
    }
    PyObject *locals = PyObject_GetAttrString(frame, "f_locals");
    PyObject *again = locals == NULL ? NULL : PyObject_GetAttrString(frame, "f_locals");
    if (locals != again) { /* a proxy each time */
        Py_CLEAR(locals);
    }
    Py_XDECREF(again);
    return locals;
}

/* 3.11 and 3.12: f_locals is a snapshot. Reading it refreshes it, LocalsToFast() copies all of it back, so
 * no Python code may run in between: the old value is kept alive past the copy, whose finaliser could. */
static int
compat_snapshot_set(PyObject *frame, PyObject *locals, PyObject *name, PyObject *value)
{
    int ret = -1;
    PyObject *old = PyDict_GetItemWithError(locals, name);
    Py_XINCREF(old);
    if (old == NULL && PyErr_Occurred()) {
        goto done;
    }
    if (value != NULL) {
        if (PyDict_SetItem(locals, name, value) < 0) {
            goto done;
        }
        api.locals_to_fast((PyFrameObject *)frame, 0);
    }
    else {
        /* clear=1 unbinds what the snapshot lacks; what was unbound before stays so. 3.12 cannot unbind a
         * plain local and would bind None instead: its caller refuses those before. */
        if (PyDict_DelItem(locals, name) < 0) {
            goto done;
        }
        api.locals_to_fast((PyFrameObject *)frame, 1);
    }
    ret = PyErr_Occurred() ? -1 : 1;
done:
    Py_XDECREF(old);
    return ret;
}

/* Is the name a cell or a free variable of the frame's code? */
static int
compat_is_cell(PyObject *frame, PyObject *name)
{
    static const char *const groups[] = {"co_cellvars", "co_freevars"};
    PyCodeObject *code = PyFrame_GetCode((PyFrameObject *)frame);
    int ret = 0;
    for (int i = 0; i < 2 && ret == 0; i++) {
        PyObject *names = PyObject_GetAttrString((PyObject *)code, groups[i]);
        ret = names == NULL ? -1 : PySequence_Contains(names, name);
        Py_XDECREF(names);
    }
    Py_DECREF(code);
    return ret;
}

/* Is the name a plain local of the frame's code? */
static int
compat_is_fast(PyObject *frame, PyObject *name)
{
    PyCodeObject *code = PyFrame_GetCode((PyFrameObject *)frame);
    PyObject *names = PyObject_GetAttrString((PyObject *)code, "co_varnames");
    int ret = names == NULL ? -1 : PySequence_Contains(names, name);
    Py_XDECREF(names);
    Py_DECREF(code);
    return ret;
}

int
compat_frame_set(PyObject *frame, PyObject *name, PyObject *value)
{
    int ret = -1;
    PyObject *locals = NULL;
    if (value == NULL && Py_Version >= VERSION_312 && Py_Version < VERSION_313) {
        int fast = compat_is_fast(frame, name);
        int cell = fast > 0 ? compat_is_cell(frame, name) : fast;
        if (fast < 0 || cell < 0) {
            goto done;
        }
        if (fast && !cell) {
            ret = 0;
            goto done;
        }
    }
    locals = PyObject_GetAttrString(frame, "f_locals");
    if (locals == NULL) {
        goto done;
    }
    if (Py_Version >= VERSION_313) { /* a proxy: it writes through (PEP 667) */
        ret = value != NULL ? PyObject_SetItem(locals, name, value) : PyObject_DelItem(locals, name);
        if (ret == 0) {
            ret = 1;
        }
        else if (value == NULL
                 && (PyErr_ExceptionMatches(PyExc_ValueError) || PyErr_ExceptionMatches(PyExc_TypeError))) {
            PyErr_Clear(); /* "cannot remove local variables from FrameLocalsProxy"; 3.13.0: a TypeError */
            ret = 0;
        }
    }
    else if (api.locals_to_fast == NULL || !PyDict_CheckExact(locals)) {
        ret = 0;
    }
    else {
        ret = compat_snapshot_set(frame, locals, name, value);
    }
done:
    Py_XDECREF(locals);
    return ret;
}

int
compat_is_lazy(PyObject *value)
{
    if (Py_Version < VERSION_315) {
        return 0;
    }
    PyObject *name = PyType_GetName(Py_TYPE(value));
    int lazy = name != NULL && PyUnicode_CompareWithASCIIString(name, "lazy_import") == 0;
    if (name == NULL) {
        PyErr_Clear();
    }
    Py_XDECREF(name);
    return lazy;
}

int
compat_resolve(PyObject **value)
{
    if (!compat_is_lazy(*value)) {
        return 0;
    }
    PyObject *resolved = PyObject_CallMethod(*value, "resolve", NULL);
    Py_DECREF(*value);
    *value = resolved;
    return resolved == NULL ? -1 : 0;
}

PyObject *
compat_type_dict(PyTypeObject *type)
{
    if (api.type_dict != NULL) {
        return api.type_dict(type);
    }
    /* 3.11: a type is an object with a dictionary. Later the dictionaries of built-in types lie elsewhere. */
    return Py_Version < VERSION_312 ? PyObject_GenericGetDict((PyObject *)type, NULL) : NULL;
}

PyObject *
compat_vectorcall_call(PyObject *callable, PyObject *args, PyObject *named)
{
    return api.vectorcall_call(callable, args, named);
}

PyObject *
compat_traceback(PyObject *exception)
{
    PyObject *traceback = PyException_GetTraceback(exception);
    if (traceback == Py_None) {
        Py_CLEAR(traceback);
    }
    return traceback;
}

PyObject *
compat_method_new(PyObject *function, PyObject *object)
{
    return api.method_new(function, object);
}

int
compat_main_is_annotated(void)
{
    return Py_Version < VERSION_314;
}

int
compat_main_is_cached(void)
{
    return Py_Version < VERSION_315;
}

int
compat_main_ends_first(void)
{
    return Py_Version >= VERSION_3147 || (Py_Version >= VERSION_31315 && Py_Version < VERSION_314);
}

int
compat_is_interrupt(PyObject *type)
{
    return Py_Version < VERSION_314 ? type == PyExc_KeyboardInterrupt
                                    : PyErr_GivenExceptionMatches(type, PyExc_KeyboardInterrupt);
}

/* The same without PyRun_FileExFlags(). */
static PyObject *
compat_run_text(FILE *file, const char *name, PyObject *globals)
{
    PyObject *text = PyBytes_FromStringAndSize(NULL, 0);
    char part[8192];
    size_t length;
    while (text != NULL && (length = fread(part, 1, sizeof part, file)) > 0) {
        PyBytes_ConcatAndDel(&text, PyBytes_FromStringAndSize(part, (Py_ssize_t)length));
    }
    PyObject *code = text == NULL ? NULL : Py_CompileString(PyBytes_AsString(text), name, Py_file_input);
    PyObject *result = code == NULL ? NULL : PyEval_EvalCode(code, globals, globals);
    Py_XDECREF(text);
    Py_XDECREF(code);
    return result;
}

PyObject *
compat_run_file(FILE *file, const char *name, PyObject *globals, int close)
{
    if (api.run_file != NULL) {
        return api.run_file(file, name, Py_file_input, globals, globals, close, NULL);
    }
    PyObject *result = compat_run_text(file, name, globals);
    if (close) {
        fclose(file);
    }
    return result;
}

void
compat_note_interrupt(int noted)
{
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    PyObject *names = PyDict_New();
    if (names != NULL && api.run_string != NULL) {
        /* each run by one of these functions begins by taking the note away */
        const char *text = noted ? "raise KeyboardInterrupt" : "None";
        Py_XDECREF(api.run_string(text, Py_file_input, names, names, NULL));
    }
    PyErr_Clear();
    Py_XDECREF(names);
    PyErr_Restore(type, error, traceback);
}

int
compat_has_dict_watchers(void)
{
    return api.add_dict_watcher != NULL;
}

int
compat_dict_watcher(CompatDictWatcher watcher)
{
    return api.add_dict_watcher(watcher);
}

int
compat_dict_watcher_end(int number)
{
    return api.clear_dict_watcher(number);
}

int
compat_dict_watch(int number, PyObject *dict)
{
    return api.watch_dict(number, dict);
}

int
compat_dict_unwatch(int number, PyObject *dict)
{
    return api.unwatch_dict(number, dict);
}

void
compat_set_type(PyObject *object, PyTypeObject *type)
{
    PyTypeObject *old = Py_TYPE(object);
    if (PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE)) { /* each instance of such a type holds a reference to it */
        Py_INCREF((PyObject *)type);
    }
    Py_SET_TYPE(object, type);
    if (PyType_HasFeature(old, Py_TPFLAGS_HEAPTYPE)) {
        Py_DECREF((PyObject *)old);
    }
}

int
compat_scopes_look_past_types(void)
{
    return Py_Version < VERSION_313; /* LOAD_FROM_DICT_OR_GLOBALS calls PyDict_GetItemWithError() there */
}

int
compat_module_dicts_are_free(void)
{
    return Py_Version < VERSION_313 || PySys_GetObject("gettotalrefcount") == NULL;
}

int
compat_main_is_free(void)
{
    return Py_Version < VERSION_314; /* _Py_CheckMainModule() */
}

void
compat_forget_constants(void)
{
    PyObject *function = PySys_GetObject("_clear_internal_caches"); /* borrowed; 3.13 on */
    if (function != NULL) {
        PyObject *type, *value, *traceback;
        PyErr_Fetch(&type, &value, &traceback);
        Py_XDECREF(PyObject_CallNoArgs(function));
        PyErr_Clear();
        PyErr_Restore(type, value, traceback);
    }
}

int
compat_attributes_are_told(void)
{
    return Py_Version < VERSION_313 || Py_Version >= VERSION_3131;
}

int
compat_is_last_reference(PyObject *object)
{
    return (uint32_t)Py_REFCNT(object) == 1; /* 3.12 on: 32 bits; from 3.14 on other things are in the upper half */
}

int
compat_code_line(PyObject *code, int offset)
{
    return api.code_line == NULL ? -1 : api.code_line(code, offset);
}

int
compat_set_trace(CompatTrace function)
{
    if (api.set_trace == NULL) {
        return -1;
    }
    api.set_trace(function, NULL);
    return 0;
}

int
compat_is_finalizing(void)
{
    if (api.is_finalizing != NULL) {
        return api.is_finalizing(); /* also where no more recursion is possible, in which sys.is_finalizing() fails */
    }
    PyObject *function = PySys_GetObject("is_finalizing"); /* borrowed; gone late in the shutdown */
    PyObject *answer = function == NULL ? NULL : PyObject_CallNoArgs(function);
    int ret = function == NULL || answer == Py_True;
    PyErr_Clear();
    Py_XDECREF(answer);
    return ret;
}
