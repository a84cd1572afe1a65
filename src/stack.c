/* The stack as the console walks it, see stack.h. */
#include "stack.h"

#include <stdlib.h>

#include "frame.h"

/* ---- a traceback ---- */

/* How many entries it has. -1 with an exception. Its end is None. */
static long
stack_count(PyObject *traceback, PyObject *next)
{
    long count = 0;
    PyObject *at = Py_NewRef(traceback);
    while (at != NULL && at != Py_None) {
        count++;
        Py_SETREF(at, PyObject_GetAttr(at, next));
    }
    Py_XDECREF(at);
    return at == NULL ? -1 : count;
}

/* A traceback is linked from the outermost entry inwards, and is walked from the innermost one outwards. The entries
 * are kept, since a program may link them anew. */
static int
stack_take_entries(Stack *stack, PyObject *traceback)
{
    PyObject *next = PyUnicode_InternFromString("tb_next");
    long count = next == NULL ? -1 : stack_count(traceback, next);
    int ret = -1;
    if (count > 0) {
        stack->entries = calloc((size_t)count, sizeof *stack->entries);
    }
    if (stack->entries == NULL) {
        if (!PyErr_Occurred()) {
            PyErr_NoMemory();
        }
        goto done;
    }
    stack->count = count;
    PyObject *at = Py_NewRef(traceback);
    for (long i = count - 1; i >= 0 && at != NULL; i--) {
        stack->entries[i] = at;
        at = PyObject_GetAttr(at, next);
    }
    ret = at == NULL ? -1 : 0;
    Py_XDECREF(at);
done:
    Py_XDECREF(next);
    return ret;
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

int
stack_up(const Stack *stack, StackPlace *place)
{
    long level = place->level + 1;
    PyObject *entry = level < stack->count ? stack->entries[level] : NULL;
    PyObject *frame = entry != NULL ? PyObject_GetAttrString(entry, "tb_frame") : frame_back(place->frame);
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
