/* Commands that walk the stack: where, up, down, frame. */
#include "command.h"

#include <limits.h>
#include <string.h>

#include "compat.h"
#include "frame.h"

/* One entry of the stack, as in a traceback, the chosen one marked. */
int
walk_show(Console *console, const StackPlace *place, int chosen)
{
    int ret = -1;
    PyObject *file = frame_filename(place->frame);
    PyObject *function = frame_function(place->frame);
    PyObject *text = frame_source_line(place->frame, place->line);
    PyObject *stripped = text == NULL ? NULL : PyObject_CallMethod(text, "strip", NULL);
    PyObject *code = stripped == NULL ? NULL : show_source(&console->show, stripped);
    if (file != NULL && function != NULL && code != NULL) {
        const Show *show = &console->show;
        const char *off = show_off(show);
        ret = console_say(console, "%s%s%s #%ld  %s%U%s  %s%U%s:%s%d%s", chosen ? show_on(show, STYLE_MARK) : "",
                          chosen ? ">" : " ", chosen ? off : "", place->level, show_on(show, STYLE_FUNCTION), function,
                          off, show_on(show, STYLE_FILE), file, off, show_on(show, STYLE_LINE), place->line, off);
        if (ret == 0 && PyUnicode_GetLength(code) > 0) {
            ret = console_say(console, "        %U", code);
        }
    }
    Py_XDECREF(code);
    Py_XDECREF(stripped);
    Py_XDECREF(text);
    Py_XDECREF(function);
    Py_XDECREF(file);
    return ret;
}

/* Which levels to show: from *first, the innermost, to *last, the oldest. -1 with an exception. */
static int
where_range(Console *console, const char *rest, long *first, long *last)
{
    long around = 20; /* frames shown on either side of the chosen one */
    int all = strcmp(rest, "all") == 0;
    if (*rest != '\0' && !all && (!words_number(rest, &around) || around < 0)) {
        return command_usage(&cmd_where);
    }
    *first = all || console->place.level < around ? 0 : console->place.level - around;
    *last = all || around > LONG_MAX - console->place.level ? LONG_MAX : console->place.level + around;
    return 0;
}

/* The places of the stack from level `first` to `last`: an array, *count of them, and *deepest, the level of the last
 * one of the stack. NULL with an exception. */
static StackPlace *
where_places(const Stack *stack, long first, long last, long *count, long *deepest)
{
    StackPlace place, *places = NULL;
    size_t room = 0;
    int more;
    *count = 0;
    stack_start(stack, &place);
    do {
        if (place.level >= first && place.level <= last) {
            if ((size_t)*count == room) {
                room = room == 0 ? 64 : 2 * room;
                StackPlace *larger = PyMem_Realloc(places, room * sizeof *places);
                if (larger == NULL) {
                    PyErr_NoMemory();
                    break;
                }
                places = larger;
            }
            places[*count] = place;
            Py_INCREF(places[(*count)++].frame);
        }
        more = stack_up(stack, &place);
    } while (more == 1);
    *deepest = place.level;
    stack_leave(&place);
    return places;
}

static int
where_run(Console *console, const char *rest)
{
    long first = 0, last = 0, count, deepest;
    if (where_range(console, rest, &first, &last) < 0) {
        return -1;
    }
    StackPlace *places = where_places(&console->stack, first, last, &count, &deepest);
    int ret = PyErr_Occurred() ? -1 : 0;
    if (ret == 0 && deepest > last) {
        ret = console_say(console, "  ... %ld callers more: `where all`", deepest - last);
    }
    for (long i = count - 1; ret == 0 && i >= 0; i--) {
        ret = walk_show(console, &places[i], places[i].level == console->place.level);
        if (ret == 0 && places[i].level == console->stack.count && console->stack.count > 0) {
            ret = console_say(console, "  --- below: where the exception passed ---");
        }
    }
    if (ret == 0 && first > 0) {
        ret = console_say(console, "  ... %ld more: `where all`", first);
    }
    for (long i = 0; i < count; i++) {
        stack_leave(&places[i]);
    }
    PyMem_Free(places);
    return ret;
}

const Command cmd_where = {
    .name = "where", .alias = "bt", .usage = "[N | all]", .family = "look",
    .summary = "show the stack, the latest call last",
    .detail = "> marks the frame you are in, #0 is the one that called hook(), or that raised the exception. Of a deep "
              "stack the 20 frames on either side are shown, or N, or all.",
    .takes = TAKES_WORDS, .words = "all",
    .run = where_run,
};

static int
walk_to(Console *console, long level)
{
    long deepest;
    int there = console_go(console, level, &deepest);
    if (there == 0) {
        PyErr_Format(PyExc_ValueError, "there is no frame #%ld: the oldest is #%ld", level, deepest);
    }
    return there == 1 ? walk_show(console, &console->place, 1) : -1;
}

/* A count of at least 1, which may be left out. */
static int
walk_steps(const Command *command, const char *rest, long *count)
{
    *count = 1;
    if (*rest != '\0' && (!words_number(rest, count) || *count < 1)) {
        return command_usage(command);
    }
    return 0;
}

static int
up_run(Console *console, const char *rest)
{
    long count, level = console->place.level;
    if (walk_steps(&cmd_up, rest, &count) < 0) {
        return -1;
    }
    return walk_to(console, count > LONG_MAX - level ? LONG_MAX : level + count);
}

const Command cmd_up = {
    .name = "up", .alias = "", .usage = "[N]", .family = "look",
    .summary = "go to the caller's frame, or N frames up",
    .detail = "Names typed before stay: those of a frame with it, new ones everywhere.",
    .run = up_run,
};

static int
down_run(Console *console, const char *rest)
{
    long count, level = console->place.level;
    if (walk_steps(&cmd_down, rest, &count) < 0) {
        return -1;
    }
    if (count > level) {
        const char *what = console->stack.count > 0 ? "raised" : "called hook()";
        if (level == 0) {
            PyErr_Format(PyExc_ValueError, "#0 is the innermost frame already, the one that %s", what);
        }
        else {
            PyErr_Format(PyExc_ValueError, "from #%ld it is %ld down to #0, the frame that %s", level, level, what);
        }
        return -1;
    }
    return walk_to(console, level - count);
}

const Command cmd_down = {
    .name = "down", .alias = "", .usage = "[N]", .family = "look",
    .summary = "go towards the frame that called hook() or raised",
    .detail = "",
    .run = down_run,
};

static int
frame_run(Console *console, const char *rest)
{
    long level;
    if (*rest == '\0') {
        return walk_show(console, &console->place, 1);
    }
    if (!words_number(*rest == '#' ? rest + 1 : rest, &level) || level < 0) {
        return command_usage(&cmd_frame);
    }
    return walk_to(console, level);
}

const Command cmd_frame = {
    .name = "frame", .alias = "", .usage = "[N]", .family = "look",
    .summary = "go to frame N of `where`, or show the one you are in",
    .detail = "",
    .run = frame_run,
};
