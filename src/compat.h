/* Python.h, and every call that depends on the version of CPython or uses a symbol outside the limited API. */
#ifndef HOOKING_COMPAT_H
#define HOOKING_COMPAT_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdio.h>

/* Headers of 3.11 count references in line, which is wrong for the immortal objects of 3.12 and later: a binary that
 * serves both leaves the counting to the interpreter. Later headers do that by themselves for the limited API. */
#if PY_VERSION_HEX < 0x030c0000
#undef Py_INCREF
#undef Py_DECREF
#undef Py_XINCREF
#undef Py_XDECREF
#undef Py_NewRef
#undef Py_XNewRef
#define Py_INCREF(object) Py_IncRef((PyObject *)(object))
#define Py_DECREF(object) Py_DecRef((PyObject *)(object))
#define Py_XINCREF(object) Py_IncRef((PyObject *)(object))
#define Py_XDECREF(object) Py_DecRef((PyObject *)(object))
#define Py_NewRef(object) (Py_NewRef)((PyObject *)(object))
#define Py_XNewRef(object) (Py_XNewRef)((PyObject *)(object))
#endif

#ifndef Py_SETREF /* in the limited API from 3.12 on */
#define Py_SETREF(place, object)             \
    do {                                     \
        PyObject *old_ = (PyObject *)(place); \
        (place) = (object);                  \
        Py_XDECREF(old_);                    \
    } while (0)
#endif

/* Look the symbols up. Called once for each interpreter; cheap when called again. */
void compat_init(void);

/* The slots of the module: 3.12 and later want to hear that subinterpreters are supported. */
PyModuleDef_Slot *compat_module_slots(int (*exec)(PyObject *));

/* Import a module, past a __import__ that the program has replaced or lost. New reference. */
PyObject *compat_import(const char *name);

/* Where CPython keeps the function that input() reads terminals with (PyOS_ReadlineFunctionPointer). NULL when it
 * cannot be had. */
typedef char *(*CompatReader)(FILE *in, FILE *out, const char *prompt);
CompatReader *compat_reader_slot(void);

/* Is another thread on its way to that function, in it or on its way back? Such a thread does not hold the GIL. Before
 * 3.13 it is no longer seen once a third one has been there too. */
int compat_reader_is_called(void);

/* Offset of the instruction that a frame executes. -1 with an exception set. */
int compat_frame_lasti(PyObject *frame);

/* Read one variable of a frame. 1 and a new reference, 0 when unbound or unknown, -1 with an exception.
 * `known`: the frame's code has a slot for it, so the snapshot of 3.12 need not be refreshed. */
int compat_frame_get(PyObject *frame, PyObject *name, int known, PyObject **value);

/* Write or (value NULL) delete one variable of a function's frame.
 * 1 when done, 0 when this version cannot, -1 with an exception. */
int compat_frame_set(PyObject *frame, PyObject *name, PyObject *value);

/* Where the running frame looks for names before it asks its globals: a new reference. NULL, perhaps with an exception,
 * where that cannot be had: from 3.13 on while a comprehension has lent its variables to a module's body. */
PyObject *compat_frame_namespace(void);

/* Replace an object that stands for an import not made yet (3.15: `lazy import`) by what it imports.
 * Steals *value; -1 with an exception and *value NULL. */
int compat_resolve(PyObject **value);

/* Does the object stand for such an import? */
int compat_is_lazy(PyObject *value);

/* The dictionary in which a type keeps its attributes, past its metaclass: a new reference, not to be changed. */
PyObject *compat_type_dict(PyTypeObject *type);

/* Vectorcall, which is in the limited API from 3.12 on but in all interpreters since 3.9. `counted`: the number of
 * positional arguments, perhaps with a flag. The flags are those of a type that has it, and of one whose instances are
 * bound as functions are. */
typedef PyObject *(*CompatVectorcall)(PyObject *callable, PyObject *const *args, size_t counted, PyObject *names);
#define COMPAT_TPFLAGS_HAVE_VECTORCALL (1UL << 11)
#define COMPAT_TPFLAGS_METHOD_DESCRIPTOR (1UL << 17)
#define COMPAT_VECTORCALL_COUNT(counted) ((Py_ssize_t)((counted) & ~((size_t)1 << (8 * sizeof(size_t) - 1))))

/* The symbol of that name, looked up once: what it is called through costs as little as can be. Not NULL after
 * compat_init(). */
extern CompatVectorcall compat_vectorcall;

/* tp_call of a type that has vectorcall. */
PyObject *compat_vectorcall_call(PyObject *callable, PyObject *args, PyObject *named);

/* The traceback of an exception: new reference, NULL without one. (Up to 3.11 one that was taken away is None.) */
PyObject *compat_traceback(PyObject *exception);

/* A bound method: new reference. */
PyObject *compat_method_new(PyObject *function, PyObject *object);
/* Does a fresh __main__ have __annotations__ (up to 3.13), and that of a script __cached__ (up to 3.14)? */
int compat_main_is_annotated(void);
int compat_main_is_cached(void);

/* Does Python take __file__ from a script's __main__ before it tells of an exception (from 3.13.15 and 3.14.7 on), or
 * when that has been told, and not at all on SystemExit? */
int compat_main_ends_first(void);

/* Does a program that ends by an exception of this type end by SIGINT? Up to 3.13 not for subclasses. */
int compat_is_interrupt(PyObject *type);

/* Execute a script in `globals`, as Python does: the tokenizer reads the file, so that encodings and errors are told in
 * Python's own words. `close`: the file is closed, whatever happens. New reference, NULL with an exception. */
PyObject *compat_run_file(FILE *file, const char *name, PyObject *globals, int close);

/* The interpreter has a note whether it shall end by SIGINT, for it ended by a KeyboardInterrupt. One that has gone
 * through compat_run_file() is noted, also if somebody has caught it since. Any exception that is set stays. */
void compat_note_interrupt(int noted);

/* Functions that are told of each change of the dictionaries that are watched (3.12 on, at most 8 of them). They are
 * called before the change, and must not run Python code: the place of the key is known already, and would be wrong.
 * The numbers of the events are the same in all versions. */
typedef enum CompatDictEvent {
    COMPAT_DICT_ADDED,
    COMPAT_DICT_MODIFIED, /* not if it is the same object that is there */
    COMPAT_DICT_DELETED,  /* value NULL */
    COMPAT_DICT_CLONED,   /* an empty one is filled from another, which stands in the place of the key */
    COMPAT_DICT_CLEARED,
    COMPAT_DICT_DEALLOCATED,
} CompatDictEvent;
typedef int (*CompatDictWatcher)(int event, PyObject *dict, PyObject *key, PyObject *value);
int compat_has_dict_watchers(void);
int compat_dict_watcher(CompatDictWatcher watcher); /* its number; -1 with an exception: none is left */
int compat_dict_watcher_end(int number);
int compat_dict_watch(int number, PyObject *dict);
int compat_dict_unwatch(int number, PyObject *dict);

/* Make an object one of another type, whose instances lie in memory in the same way. */
void compat_set_type(PyObject *object, PyTypeObject *type);

/* Do scopes of annotations and type parameters (3.12) read globals without asking the type of the dict? */
int compat_scopes_look_past_types(void);

/* May the type of a module's dict be changed, and that of the module not? Debug builds abort from 3.13 on: they look
 * whether the dict is a plain one before they specialise attributes of modules. */
int compat_module_dicts_are_free(void);

/* May the type of the module __main__ be changed? From 3.14 on concurrent.interpreters takes no other than a module. */
int compat_main_is_free(void);

/* Have compiled code (JIT) look again at what it has taken for constant. */
void compat_forget_constants(void);

/* Does an object's dictionary tell of its attributes? (3.13.0: not of those of instances, python/cpython#125608.) */
int compat_attributes_are_told(void);

/* Would the object be no more if the caller's reference were not? */
int compat_is_last_reference(PyObject *object);

/* The line of an instruction, by its offset in bytes; -1 when it has none. No exception. */
int compat_code_line(PyObject *code, int offset);

/* A trace function in C for this thread (PyEval_SetTrace), NULL for none. -1 without an exception when there is no such
 * thing. */
/* PyTrace_LINE, PyTrace_RETURN, PyTrace_OPCODE */
enum { COMPAT_TRACE_LINE = 2, COMPAT_TRACE_RETURN = 3, COMPAT_TRACE_INSTRUCTION = 7 };
typedef int (*CompatTrace)(PyObject *object, PyFrameObject *frame, int what, PyObject *value);
int compat_set_trace(CompatTrace function);

/* Is the interpreter on its way out? */
int compat_is_finalizing(void);

#endif
