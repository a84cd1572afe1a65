/* The stack as the console walks it, see stack.h. */
#include "stack.h"

#include <stdlib.h>
#include <string.h>

#include "frame.h"

/* ---- a traceback ---- */

/* What reads `tb_next`: looking the attribute up at each of ten thousand entries takes half a millisecond. */
static getter
stack_next_getter(void)
{
    const PyGetSetDef *attribute = PyType_GetSlot(&PyTraceBack_Type, Py_tp_getset);
    while (attribute != NULL && attribute->name != NULL && strcmp(attribute->name, "tb_next") != 0) {
        attribute++;
    }
    return attribute == NULL || attribute->name == NULL ? NULL : attribute->get;
}

static PyObject *
stack_next(PyObject *entry, getter next)
{
    return next != NULL && Py_TYPE(entry) == &PyTraceBack_Type ? next(entry, NULL)
                                                               : PyObject_GetAttrString(entry, "tb_next");
}

/* Append an entry (stolen). -1 with an exception. */
static int
stack_add(Stack *stack, PyObject *entry)
{
    if ((stack->count & (stack->count - 1)) == 0) { /* none, or a power of two: it is full */
        size_t room = stack->count == 0 ? 1 : 2 * (size_t)stack->count;
        PyObject **larger = realloc(stack->entries, room * sizeof *larger);
        if (larger == NULL) {
            Py_DECREF(entry);
            PyErr_NoMemory();
            return -1;
        }
        stack->entries = larger;
    }
    stack->entries[stack->count++] = entry;
    return 0;
}

/* A traceback is linked from the outermost entry inwards, and is walked from the innermost one outwards. The entries
 * are kept, since a program may link them anew. Behind the last one is None. */
static int
stack_take_entries(Stack *stack, PyObject *traceback)
{
    getter next = stack_next_getter();
    PyObject *at = Py_NewRef(traceback);
    while (at != NULL && at != Py_None) {
        if (stack_add(stack, at) < 0) {
            return -1;
        }
        at = stack_next(at, next);
    }
    Py_XDECREF(at);
    for (long i = 0, j = stack->count - 1; i < j; i++, j--) {
        PyObject *entry = stack->entries[i];
        stack->entries[i] = stack->entries[j];
        stack->entries[j] = entry;
    }
    return at == NULL ? -1 : 0;
}

static int
stack_entry_line(PyObject *entry)
{
    PyObject *number = PyObject_GetAttrString(entry, "tb_lineno"); /* None where the code has no lines */
    long line = number != NULL && PyLong_Check(number) ? PyLong_AsLong(number) : 0;
    Py_XDECREF(number);
    PyErr_Clear();
    return line > 0 ? (int)line : 0;
}

/* ---- places ---- */

int
stack_open(Stack *stack, PyObject *frame, PyObject *traceback)
{
    *stack = (Stack){0};
    if (traceback == NULL) {
        stack->frame = Py_NewRef(frame);
        return 0;
    }
    if (stack_take_entries(stack, traceback) < 0) {
        return -1;
    }
    stack->frame = PyObject_GetAttrString(stack->entries[0], "tb_frame");
    return stack->frame == NULL ? -1 : 0;
}

int
stack_set_caller(Stack *stack, PyObject *caller)
{
    PyObject *outermost = PyObject_GetAttrString(stack->entries[stack->count - 1], "tb_frame");
    PyObject *back = outermost == NULL ? NULL : frame_back(outermost);
    /* One that runs and has no caller is the end of the stack: there it would begin again. */
    int knows = back != NULL ? 1 : PyErr_Occurred() ? -1 : frame_is_under(outermost, caller);
    if (knows == 0) {
        stack->ended = Py_NewRef(outermost);
        stack->caller = Py_NewRef(caller);
    }
    Py_XDECREF(back);
    Py_XDECREF(outermost);
    return knows < 0 ? -1 : 0;
}

void
stack_inherit(Stack *stack, const Stack *from)
{
    stack->ended = Py_XNewRef(from->ended);
    stack->caller = Py_XNewRef(from->caller);
}

Stack
stack_move(Stack *stack)
{
    Stack moved = *stack;
    *stack = (Stack){0};
    return moved;
}

void
stack_close(Stack *stack)
{
    for (long i = 0; i < stack->count; i++) {
        Py_XDECREF(stack->entries[i]);
    }
    free(stack->entries);
    stack->entries = NULL;
    stack->count = 0;
    Py_CLEAR(stack->frame);
    Py_CLEAR(stack->ended);
    Py_CLEAR(stack->caller);
}

int
stack_visit(const Stack *stack, visitproc visit, void *arg)
{
    for (long i = 0; i < stack->count; i++) {
        Py_VISIT(stack->entries[i]);
    }
    Py_VISIT(stack->frame);
    Py_VISIT(stack->ended);
    Py_VISIT(stack->caller);
    return 0;
}

void
stack_start(const Stack *stack, StackPlace *place)
{
    int line = stack->count > 0 ? stack_entry_line(stack->entries[0]) : frame_line(stack->frame);
    *place = (StackPlace){Py_NewRef(stack->frame), line, 0};
}

void
stack_leave(StackPlace *place)
{
    Py_CLEAR(place->frame);
}

/* The caller of a frame that is no entry, or of the outermost one. As frame_back(). */
static PyObject *
stack_back(const Stack *stack, PyObject *frame)
{
    PyObject *back = frame_back(frame);
    return back == NULL && frame == stack->ended && !PyErr_Occurred() ? Py_NewRef(stack->caller) : back;
}

int
stack_up(const Stack *stack, StackPlace *place)
{
    long level = place->level + 1;
    PyObject *entry = level < stack->count ? stack->entries[level] : NULL;
    PyObject *frame = entry != NULL   ? PyObject_GetAttrString(entry, "tb_frame")
                      : stack->alone ? NULL
                                     : stack_back(stack, place->frame);
    if (frame == NULL) {
        return PyErr_Occurred() ? -1 : 0;
    }
    Py_SETREF(place->frame, frame);
    place->line = entry != NULL ? stack_entry_line(entry) : frame_line(frame);
    place->level = level;
    return 1;
}

int
stack_go(const Stack *stack, long level, StackPlace *place, long *deepest)
{
    StackPlace at;
    int there = 1;
    stack_start(stack, &at);
    while (at.level < level && (there = stack_up(stack, &at)) == 1) {
    }
    *deepest = at.level;
    if (there == 1) {
        stack_leave(place);
        *place = at;
    }
    else {
        stack_leave(&at);
    }
    return there;
}
