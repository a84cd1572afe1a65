/* Watchpoints: what is watched, and what happens when it changes.
 *
 * A mechanism (watch_dict.c, watch_code.c, watch_trace.c) says when something may have changed, and where; it runs no
 * code of the program's at that moment. What is then compared is always the value itself, with the one last seen. */
#ifndef HOOKING_WATCH_H
#define HOOKING_WATCH_H

#include <stdbool.h>

#include "monitoring.h"
#include "scope.h"

/* What is watched. */
typedef enum WatchKind {
    WATCH_VARIABLE, /* of a function, in one call of it */
    WATCH_KEY,      /* of a dict: a global, an attribute in the dictionary of its object, an item */
    WATCH_INDEX,    /* of a list */
    WATCH_SLOT,     /* of an object whose class has __slots__ */
} WatchKind;

/* How a change is noticed. */
typedef enum WatchWay {
    WAY_NONE,
    WAY_DICT,  /* the dictionary tells (3.12 on) */
    WAY_CODE,  /* by looking behind each instruction that could have done it (3.12 on) */
    WAY_TRACE, /* by looking at each line */
} WatchWay;

/* The kinds of instructions behind which WAY_CODE looks. */
typedef enum WatchAfter {
    AFTER_LOCAL = 1,      /* a store to that variable in that function */
    AFTER_CELL = 2,       /* a store to a variable of that name that functions share */
    AFTER_ATTRIBUTE = 4,  /* a store to an attribute of that name, a call */
    AFTER_ITEM = 8,       /* a store to an item, an operation in place, a call */
    AFTER_READ = 16,      /* a global of that name is read */
    AFTER_STAY = 32,      /* nothing; but the place is to be told of again */
} WatchAfter;

/* Offsets of a code object, bytes: from the one on, to before the other. */
typedef struct WatchSpan {
    Py_ssize_t from, to;
} WatchSpan;

/* Where something was done. All owned. */
typedef struct WatchPlace {
    PyObject *file, *function;
    int line;
} WatchPlace;

/* A dictionary has told of a change: to be looked at at the next instruction of that thread. */
typedef struct WatchNote {
    struct WatchNote *next;
    unsigned long thread;
    bool anywhere;        /* that thread runs no Python code: at the next instruction of any */
    PyObject *codes;      /* owned: a list of the code objects that tell of that instruction */
    WatchPlace place;
    int lasti;            /* of the frame there */
    PyObject *before;     /* owned: the value that was there; NULL: unbound */
    PyObject *after;      /* owned: and the one that came, once that was `followed` by another note */
    bool followed;
} WatchNote;

typedef struct Watch {
    PyObject_HEAD
    ModuleState *state;   /* borrowed; NULL: it was removed */
    long number;
    WatchKind kind;
    WatchWay way;
    unsigned after;       /* of WAY_CODE: WatchAfter */
    bool untold;          /* the dictionary cannot be relied upon to tell */
    PyObject *text;       /* owned: str, as it was given */
    PyObject *name;       /* owned: the key, the index in a list; else the name of the variable or attribute */
    PyObject *slot;       /* owned: the descriptor of WATCH_SLOT */
    PyObject *frame;      /* owned, of WATCH_VARIABLE, until its call ends */
    PyObject *code;       /* owned: of that frame */
    WatchSpan *hidden;    /* owned: where the variable's place is lent to an inlined comprehension */
    size_t hidden_count;
    unsigned char *lines; /* owned or NULL: of WAY_TRACE, for each pair of bytes: does its line store the variable? */
    Py_ssize_t lines_size;
    Py_ssize_t traced_at; /* where the frame was at its last line, -1 before */
    PyObject *object;     /* the dict, list or object; borrowed with WAY_DICT, else owned; NULL with `weak` */
    PyObject *weak;       /* owned or NULL: a weak reference to it */
    PyObject *value;      /* owned: the one last seen; NULL: unbound */
    PyObject *when;       /* owned or NULL: a tuple (text, code or None) as of `when` at the prompt, or a callable */
    PyObject *call;       /* owned or NULL: what is called instead of opening a console */
    int read;             /* stop when it is read, not when it changes */
    int warned;           /* that no console can be opened was said */
    long hits;
    WatchPlace met;       /* where it was met last; all zero before */
    PyObject *file, *function; /* owned or NULL: where it was read last, until that is told */
    int line;
    unsigned long due;    /* of WAY_CODE and WAY_TRACE: the thread that has seen it changed, and is about to say so */
    WatchNote *touched;   /* owned: what its dictionary has told, the first one first */
    bool lost;            /* the dictionary is no more */
} Watch;

/* A thread in which something runs for the user: see watch_quiet.c. */
typedef struct WatchQuiet WatchQuiet;

typedef struct WatchPlan WatchPlan;

/* Of an interpreter. */
typedef struct Watches {
    ModuleState *state;   /* borrowed */
    PyObject *module;     /* borrowed: what the callbacks are bound to */
    Watch **list;         /* owned, each too */
    Py_ssize_t count;
    long last;            /* the number that was given last */
    WatchQuiet *quiet;    /* owned: a list of the threads that are */
    Monitoring tool;      /* of WAY_DICT and WAY_CODE */
    Monitoring second;    /* of WAY_CODE: has the same INSTRUCTION events, see watch_events.c */
    PyObject *stepping;   /* owned or NULL: the code whose next instruction the second tool is to tell of, */
    PyObject *stepping_frame; /* borrowed from a watch: in which call */
    int within;           /* how many callbacks of the first run */
    long instruction, line, returns, unwinds; /* bits of events, once it is taken */
    struct {
        const PyObject *code; /* never used but to be compared; NULL: none */
        Py_ssize_t offset;
        unsigned long thread;
    } looked;             /* at the event of a line: that of its first instruction has nothing left to do */
    int watcher;          /* the dict watcher's number, -1 for none */
    WatchPlan *plans;     /* owned or NULL: see watch_code.c */
    WatchPlan *own;       /* owned or NULL: those of the functions whose variables are watched */
    size_t own_count;
    bool tracing;
    PyObject *traced;     /* owned or NULL: the code of the line before, of WAY_TRACE */
    int traced_lasti;
} Watches;

int watch_init(PyObject *module, ModuleState *state);
void watch_clear(ModuleState *state);
int watch_visit(ModuleState *state, visitproc visit, void *arg);

/* The method table entries of watch() and unwatch(). */
extern PyMethodDef watch_methods[];

/* ---- setting, in watch.c ---- */

/* What is asked for. All borrowed. */
typedef struct WatchAsk {
    PyObject *text;  /* what is to be watched: str */
    PyObject *when;  /* or NULL: str, or a callable */
    PyObject *call;  /* or NULL */
    int read;
} WatchAsk;

/* Watch it, as seen from a scope. A new reference; NULL with an exception. */
Watch *watch_add(ModuleState *state, Namespace *ns, const WatchAsk *ask);

/* Take it away; nothing if it was before. Any exception that is set stays. */
void watch_remove(Watch *watch);

/* Those that a number, a text or `all` means: how many were taken away. -1 with an exception: there is none. */
Py_ssize_t watch_remove_named(ModuleState *state, PyObject *which);

/* "1: total = 42 (2 hits)": a new str. */
PyObject *watch_describe(Watch *watch);

/* ---- looking, in watch.c ---- */

/* The value now: 1 and a new reference, 0 when unbound, -1 with an exception; WATCH_GONE: what it was in is gone. */
enum { WATCH_GONE = 2 };
int watch_probe(Watch *watch, PyObject **value);

/* Compare with the value last seen and, if it has changed, do what is to be done. `place` is taken. -1 with the
 * exception that the program is to see. */
int watch_compare(Watch *watch, WatchPlace *place);

/* It was read. As watch_compare(). */
int watch_was_read(Watch *watch, WatchPlace *place);

/* What it was in is gone: say so, and take it away. */
void watch_end(Watch *watch);

/* Where a frame stands. -1 with an exception. */
int watch_place_of(PyObject *frame, WatchPlace *place);
void watch_place_clear(WatchPlace *place);

/* Is the variable's place lent to an inlined comprehension at this moment? */
bool watch_is_hidden(const Watch *watch);

/* Is it a change? An equal number or text is none. */
bool watch_differs(PyObject *old, PyObject *new);

/* Let go of a value, or NULL. Its destructor is the program's: debuggers, profilers and coverage are to see it. */
void watch_release(PyObject *value);

/* End those of variables whose call has ended where all events are off: in a trace function, in what a hit calls. */
void watch_sweep(Watches *all);

/* The user knows what has changed: it is what is compared with from now on. */
void watch_refresh(Watches *all);

/* ---- watch_quiet.c: what runs for the user changes things without stopping anything ---- */

/* Does something run for the user in this thread? */
bool watch_is_quiet(const Watches *all);

/* It begins, and ends. What the one returns (the thread; 0: none was noted) is for the other. */
unsigned long watch_quiet(ModuleState *state);
void watch_loud(ModuleState *state, unsigned long thread);

/* A hit that this thread, which is quiet, is to do something about. All borrowed; NULL: unbound. */
typedef struct WatchHit {
    const Watch *watch;
    PyObject *old, *new;
    WatchPlace place;
} WatchHit;

/* Note it (all zero: it has been done), find that of a watch: NULL for none. */
void watch_quiet_note(const Watches *all, WatchHit hit);
const WatchHit *watch_quiet_hit(const Watches *all, const Watch *watch);

void watch_quiet_clear(Watches *all);

/* ---- watch_target.c ---- */

/* Find out what a text means, and fill in kind, name, and what it is in. -1 with an exception. */
int watch_target(Watch *watch, Namespace *ns, PyObject *text);

/* ---- watch_events.c: the tool in sys.monitoring, which is one for all ---- */

/* Take it. RuntimeError when other tools have taken all places. */
int watch_events_open(Watches *all);

/* Take a second one, so that others' INSTRUCTION events do not end ours; nothing if there is no place left. No
 * exception. */
void watch_events_double(Watches *all);

/* Give it back, if no watch needs it. */
void watch_events_close(Watches *all);

/* Tell the interpreter which events are wanted: of a code object (or NULL), and of all code. -1 with an exception. */
int watch_events_update(Watches *all, PyObject *code);

/* All places of the code may be of interest again. -1 with an exception. */
int watch_events_restart(Watches *all);

/* All places of one code object may be; and can that be had without those of all code? */
int watch_events_wake(Watches *all, PyObject *code);
bool watch_events_can_wake(const Watches *all);

/* A store is about to run in this frame, to a variable that may be watched: look behind it. False: it cannot be had. */
bool watch_events_step(Watches *all, PyObject *code);
void watch_events_step_no_more(Watches *all);

/* Have code tell of its next instruction, whichever it is, for a note that is in the list of its watch: the code of a
 * frame, of its callers too if somebody's callback may be running, in which there are no events. NULL: all code.
 * Nothing if the note is armed for it already. -1 with an exception. */
int watch_events_arm(Watches *all, WatchNote *note, PyObject *frame);

/* No more: it is taken out of the list. */
void watch_events_disarm(Watches *all, WatchNote *note);

/* May somebody's callback be running, so that no event comes? No exception. */
bool watch_events_may_fail(const Watches *all);

/* ---- the mechanisms: begin to tell of a watch, end. -1 with an exception. ---- */
int watch_dict_start(Watches *all, Watch *watch);
void watch_dict_stop(Watches *all, Watch *watch);
int watch_code_start(Watches *all, Watch *watch);
void watch_code_stop(Watches *all, Watch *watch);
int watch_trace_start(Watches *all, Watch *watch);
void watch_trace_stop(Watches *all, Watch *watch);

/* ---- watch_read.c: what WAY_TRACE does for AFTER_READ ---- */

/* A line begins: follow the frame's instructions, if they may read what is watched. */
void watch_read_line(Watches *all, PyObject *frame);

/* An instruction is about to run: tell of what that before it has read in this thread, and note what this one reads. -1
 * with the exception that the program is to see. */
int watch_read_instruction(Watches *all, PyObject *frame);
int watch_read_tell(Watches *all);

/* Follow no frame any more, if no watch needs it. */
void watch_read_stop(const Watches *all);

/* At an instruction: do what is to be done about what dictionaries have noted in this thread. -1 with the exception
 * that the program is to see. */
int watch_dict_look(Watches *all);

/* The same about what the instruction before could have changed, which is `after`. All that has changed is found first,
 * before anything is done about it. */
void watch_code_look(Watches *all, PyObject *code, Py_ssize_t offset, unsigned after);
int watch_code_tell(Watches *all, PyObject *code, Py_ssize_t offset);

/* What stands right before an instruction (WatchAfter), 0 for nothing of interest; -1 with an exception. */
int watch_code_after(Watches *all, PyObject *code, Py_ssize_t offset);
void watch_code_forget(Watches *all);

/* The ones that there are, for functions that are given no context. NULL for none. */
Watches *watch_of_process(void);

#endif
