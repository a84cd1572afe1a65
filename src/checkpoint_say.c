/* What is told of snapshots, see checkpoint_say.h. */
#include "checkpoint_say.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report.h"
#include "snapshot_save.h"
#include "units.h"

void
checkpoint_say(PyObject *file, const char *format, ...)
{
    char text[SNAPSHOT_NOTE_ROOM + 256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    PyObject *name = file == NULL ? NULL : PyUnicode_AsEncodedString(file, "utf-8", "backslashreplace");
    dprintf(STDERR_FILENO, "hooking: %s%s%s\n", name == NULL ? "" : PyBytes_AsString(name), name == NULL ? "" : ": ",
            text);
    PyErr_Clear();
    Py_XDECREF(name);
}

void
checkpoint_describe(char *text, size_t size)
{
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    PyErr_NormalizeException(&type, &error, &traceback);
    PyObject *summary = error == NULL ? NULL : report_headline(error, PY_SSIZE_T_MAX); /* without notes */
    const char *said = summary == NULL ? NULL : PyUnicode_AsUTF8AndSize(summary, NULL);
    snprintf(text, size, "%s", said == NULL ? "it is not known why" : said);
    PyErr_Clear();
    Py_XDECREF(summary);
    Py_XDECREF(type);
    Py_XDECREF(error);
    Py_XDECREF(traceback);
}

/* Is it one of those lines? */
static bool
say_is_in(const char *lines, const char *line, size_t length)
{
    while (lines != NULL && (strncmp(lines, line, length) != 0 || (lines[length] != '\0' && lines[length] != '\n'))) {
        lines = strchr(lines, '\n');
        lines += lines != NULL;
    }
    return lines != NULL;
}

void
checkpoint_say_saved(Checkpoint *self, PyObject *file, const SnapshotNote *note)
{
    char size[UNITS_ROOM];
    const char *line = note->text;
    if (*note->unlisted != '\0') {
        checkpoint_say(file, "saved, but " SNAPSHOT_LIST " in its folder cannot be written: %s", note->unlisted);
    }
    if (!self->verbose) {
        return;
    }
    units_size(note->size, size);
    checkpoint_say(file, "saved, %s, the program paused for %.1f ms", size, note->pause * 1e3);
    while (*line != '\0') {
        size_t length = strcspn(line, "\n");
        if (!say_is_in(self->told, line, length)) {
            checkpoint_say(file, "left out: %.*s", (int)length, line);
        }
        line += length + (line[length] == '\n');
    }
    free(self->told);
    self->told = strdup(note->text);
}
