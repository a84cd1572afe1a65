/* Marks, see mark.h.
 *
 * The process that makes a mark is the mark: it waits, and a copy of it goes on. So all marks that can be gone back to
 * are the program's ancestors, one waiting for the next, and the program's own memory knows them all. To go back to one
 * is to end: the word for which one goes up the chain, every process that is not meant ends too, and nothing is left of
 * what is abandoned. */
#include "mark.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "input.h"
#include "loop.h"
#include "others.h"
#include "relay.h"
#include "script.h"

/* In the memory of the mark itself and of all that came after it. */
typedef struct Mark {
    struct Mark *earlier; /* owned */
    char *name;           /* owned */
} Mark;

/* Of this process, and of none that the program forks. */
static struct {
    Mark *latest;
} self;

static Mark *
mark_latest(void)
{
    return relay_up() == NULL ? NULL : self.latest;
}

static const Mark *
mark_find(const char *name)
{
    const Mark *mark = mark_latest();
    while (mark != NULL && strcmp(mark->name, name) != 0) {
        mark = mark->earlier;
    }
    return mark;
}

PyObject *
mark_names(void)
{
    PyObject *names = PyDict_New(); /* one that was made anew is there twice */
    for (const Mark *mark = mark_latest(); names != NULL && mark != NULL; mark = mark->earlier) {
        PyObject *name = PyUnicode_DecodeFSDefault(mark->name);
        if (name == NULL || PyDict_SetItem(names, name, Py_None) < 0) {
            Py_CLEAR(names);
        }
        Py_XDECREF(name);
    }
    PyObject *comma = PyUnicode_FromString(", ");
    PyObject *text = names == NULL || comma == NULL ? NULL : PyUnicode_Join(comma, names);
    Py_XDECREF(comma);
    Py_XDECREF(names);
    return text;
}

static int
mark_push(const char *name)
{
    Mark *mark = malloc(sizeof *mark);
    char *copy = strdup(name);
    if (mark == NULL || copy == NULL) {
        free(mark);
        free(copy);
        PyErr_NoMemory();
        return -1;
    }
    *mark = (Mark){mark_latest(), copy};
    self.latest = mark;
    return 0;
}

static void
mark_pop(void)
{
    Mark *mark = self.latest;
    self.latest = mark->earlier;
    free(mark->name);
    free(mark);
}

/* ---- being one ---- */

static bool
mark_is_meant(const Relay *relay, const char *name)
{
    const RelayPage *page = relay->page;
    return page->word == RELAY_REWIND && page->size == strlen(name) && memcmp(page->data, name, page->size) == 0;
}

/* As if the copy had not been. */
static void
mark_clear_page(RelayPage *page)
{
    page->word = RELAY_NOTHING;
    page->commits = 0;
    page->final = 0;
    page->size = 0;
}

/* In the process that is the mark: wait until it is gone back to. Then make a copy that goes on. Returns in copies, and
 * where none can be made. */
static MarkSide
mark_hold(const char *name, Relay *relay, const ForkBelongings *belongings, int terminal)
{
    struct termios modes;
    bool has_modes = terminal >= 0 && tcgetattr(terminal, &modes) == 0;
    for (;;) {
        int status = relay_wait(relay);
        if (!mark_is_meant(relay, name)) {
            relay_end(relay, status);
        }
        mark_clear_page(relay->page);
        if (has_modes) {
            tcsetattr(terminal, TCSADRAIN, &modes);
        }
        pthread_sigmask(SIG_SETMASK, &relay->mask, NULL);
        switch (fork_copy(relay, belongings, NULL)) {
        case FORK_COPY:
            return MARK_BACK;
        case FORK_ORIGINAL:
            break;
        case FORK_FAILED:
            return MARK_USED;
        }
    }
}

/* ---- making and going back ---- */

static int
mark_check(const ForkAsk *ask)
{
    enum { LIST = 128 };
    char children[LIST];
    if (ask == NULL) {
        return 0;
    }
    others_children(children, sizeof children);
    return fork_check_threads(ask) < 0 ? -1 : fork_check_children(ask, children);
}

/* The thread that goes on is the main one of its process, whatever it was. */
static void
mark_settle(Console *console)
{
    console->talk.is_main = 1;
    Py_CLEAR(console->thread);
}

MarkSide
mark_make(Console *console, const char *name, const ForkAsk *ask)
{
    Relay relay = {0};
    ForkBelongings belongings = {0};
    PyObject *noted;
    MarkSide side = MARK_FAILED;
    int terminal = console->talk.has_term ? fileno(console->talk.term.in) : -1;
    if (mark_check(ask) < 0 || mark_push(name) < 0) {
        return MARK_FAILED;
    }
    talk_leave(&console->talk);
    noted = loop_note();
    fork_pack(&belongings);
    if (noted != NULL && relay_open(&relay, RELAY_MARKS) < 0) {
        PyErr_SetFromErrno(PyExc_OSError);
    }
    else if (noted != NULL) {
        switch (fork_copy(&relay, &belongings, ask)) {
        case FORK_FAILED:
            break;
        case FORK_COPY:
            side = MARK_MADE;
            break;
        case FORK_ORIGINAL:
            fork_stop_timers();
            side = mark_hold(name, &relay, &belongings, terminal);
            break;
        }
    }
    if (side == MARK_BACK || side == MARK_USED) {
        input_take_over_history();
        script_keep(console->state, relay.page->inputs);
    }
    if (side == MARK_FAILED || side == MARK_USED) {
        mark_pop();
        relay_close(&relay);
    }
    fork_unpack(&belongings);
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    if (side == MARK_MADE || side == MARK_BACK) {
        loop_resume(noted);
        mark_settle(console);
    }
    if (talk_enter(&console->talk) < 0) {
        PyErr_Clear(); /* it is tried again when the next input is there */
    }
    PyErr_Restore(type, error, traceback);
    Py_XDECREF(noted);
    return side;
}

/* There is none of that name. */
static void
mark_refuse(const char *name)
{
    PyObject *names = mark_names();
    const char *list = names == NULL ? NULL : PyUnicode_AsUTF8AndSize(names, NULL);
    if (list != NULL && *list == '\0') {
        PyErr_SetString(PyExc_ValueError, "there is no mark: \"mark\" makes one");
    }
    else if (list != NULL) {
        PyErr_Format(PyExc_ValueError,
                     strchr(list, ',') == NULL ? "there is no mark \"%s\", but: rewind %U"
                                               : "there is no mark \"%s\"; there are: %U", name, names);
    }
    Py_XDECREF(names);
}

void
mark_rewind(Console *console, const char *name)
{
    if (mark_find(name) == NULL) {
        mark_refuse(name);
        return;
    }
    RelayPage *up = relay_up();
    talk_leave(&console->talk);
    up->inputs = script_count(console->state);
    up->size = strlen(name);
    memcpy(up->data, name, up->size);
    fork_flush();
    relay_leave(RELAY_REWIND);
}
