/* Showing, see show.h. */
#include "show.h"

#include <string.h>

#include "fold.h"
#include "paint.h"

/* ---- colour ---- */

const char *
show_on(const Show *show, Style style)
{
    return talk_has_colours(show->talk) ? theme_on(style) : "";
}

const char *
show_off(const Show *show)
{
    return talk_has_colours(show->talk) ? THEME_OFF : "";
}

typedef void (*Painter)(Buffer *buffer, const char *text, size_t size);

/* Lone surrogates may be in a text: an object's repr, a name from the command line. */
static const char WITH_SURROGATES[] = "surrogatepass";

static PyObject *
show_take_buffer(Buffer *buffer)
{
    PyObject *text = buffer->failed ? PyErr_NoMemory()
                                    : PyUnicode_DecodeUTF8(buffer->size == 0 ? "" : buffer->bytes,
                                                           (Py_ssize_t)buffer->size, WITH_SURROGATES);
    buffer_free(buffer);
    return text;
}

static PyObject *
show_paint(const Show *show, PyObject *text, Painter painter)
{
    if (!talk_has_colours(show->talk)) {
        return Py_NewRef(text);
    }
    PyObject *bytes = PyUnicode_AsEncodedString(text, "utf-8", WITH_SURROGATES);
    if (bytes == NULL) {
        return NULL;
    }
    Buffer buffer = {0};
    painter(&buffer, PyBytes_AsString(bytes), (size_t)PyBytes_Size(bytes));
    Py_DECREF(bytes);
    return show_take_buffer(&buffer);
}

PyObject *
show_source(const Show *show, PyObject *text)
{
    return show_paint(show, text, paint_source);
}

PyObject *
show_traceback(const Show *show, PyObject *text)
{
    return show_paint(show, text, paint_traceback);
}

PyObject *
show_lines(const Show *show, PyObject *lines, long first, long last)
{
    PyObject *text = NULL, *shown = NULL, *painted = NULL;
    PyObject *newline = PyUnicode_FromString("\n");
    PyObject *stripped = PyList_New(0);
    if (newline == NULL || stripped == NULL) {
        goto done;
    }
    for (long number = 1; number <= last; number++) { /* from 1: what stands before may begin a string */
        PyObject *line = PyObject_CallMethod(PyList_GetItem(lines, number - 1), "rstrip", NULL);
        int failed = line == NULL || PyList_Append(stripped, line) < 0;
        Py_XDECREF(line);
        if (failed) {
            goto done;
        }
    }
    text = PyUnicode_Join(newline, stripped);
    shown = text == NULL ? NULL : show_source(show, text);
    Py_SETREF(stripped, shown == NULL ? NULL : PyUnicode_Split(shown, newline, -1));
    painted = stripped == NULL ? NULL : PyList_GetSlice(stripped, first - 1, last);
done:
    Py_XDECREF(shown);
    Py_XDECREF(text);
    Py_XDECREF(stripped);
    Py_XDECREF(newline);
    return painted;
}

/* ---- folding ---- */

/* A number as people read it: 12,345. New reference. */
static PyObject *
show_number(Py_ssize_t number)
{
    PyObject *value = PyLong_FromSsize_t(number);
    PyObject *comma = PyUnicode_FromString(",");
    PyObject *text = value == NULL || comma == NULL ? NULL : PyObject_Format(value, comma);
    Py_XDECREF(comma);
    Py_XDECREF(value);
    return text;
}

/* How often a newline stands in a text; -1 with an exception. */
static Py_ssize_t
show_count_lines(PyObject *text)
{
    PyObject *newline = PyUnicode_FromString("\n");
    Py_ssize_t count = newline == NULL ? -1 : PyUnicode_Count(text, newline, 0, PyUnicode_GetLength(text));
    Py_XDECREF(newline);
    return count;
}

/* What is said of a text of which only the first part is shown. `within`: the part ends within a line. */
static PyObject *
show_note(PyObject *text, PyObject *part, int within, int columns)
{
    PyObject *note = NULL;
    Py_ssize_t lines = show_count_lines(text), shown = show_count_lines(part);
    if (lines < 0 || shown < 0) {
        return NULL;
    }
    Py_ssize_t more = lines - shown + within;
    const char *unit = more == 1 ? "line" : "lines";
    if (lines == shown) {
        more = PyUnicode_GetLength(text) - PyUnicode_GetLength(part);
        more = more < 1 ? 1 : more; /* the part is longer where characters had to be escaped */
        unit = more == 1 ? "character" : "characters";
    }
    PyObject *number = show_number(more);
    if (number != NULL) {
        note = PyUnicode_FromFormat("... %U more %s: `pp all`", number, unit);
        if (note != NULL && PyUnicode_GetLength(note) > columns) {
            Py_SETREF(note, PyUnicode_FromFormat("... %U more: `pp all`", number));
        }
    }
    Py_XDECREF(number);
    return note;
}

/* The first `size` bytes as they were encoded, and an end to whatever colours are in them. */
static PyObject *
show_part(const char *bytes, size_t size)
{
    PyObject *part = talk_decode(bytes, size);
    if (part != NULL && memchr(bytes, '\033', size) != NULL) {
        Py_SETREF(part, PyUnicode_FromFormat("%U%s", part, THEME_OFF));
    }
    return part;
}

/* The part of a text that the screen has room for: a new reference. With all of it *note is NULL, else a new reference
 * to what is to be said below it. */
static PyObject *
show_fold(const Show *show, PyObject *text, PyObject **note)
{
    /* Beside the text: the line that was typed, the next prompt, and the note. */
    enum { TYPED = 2, NOTE = 1, LEAST = 3, CHARACTERS_PER_COLUMN = 4 };
    int columns = talk_columns(show->talk);
    int rows = talk_rows(show->talk) - TYPED < LEAST + NOTE ? LEAST + NOTE : talk_rows(show->talk) - TYPED;
    PyObject *part = NULL;
    *note = NULL;
    /* Of a text of megabytes the start will do, unless next to nothing in it takes a column. */
    Py_ssize_t length = PyUnicode_GetLength(text), enough = (Py_ssize_t)rows * columns * CHARACTERS_PER_COLUMN;
    PyObject *start = PyUnicode_Substring(text, 0, enough < length ? enough : length);
    PyObject *encoded = start == NULL ? NULL : talk_encode(start);
    size_t size = encoded == NULL ? 0 : (size_t)PyBytes_Size(encoded);
    if (encoded != NULL && enough < length && fold_rows(PyBytes_AsString(encoded), size, columns, rows) == size) {
        Py_SETREF(encoded, talk_encode(text));
        size = encoded == NULL ? 0 : (size_t)PyBytes_Size(encoded);
    }
    if (encoded == NULL) {
        goto done;
    }
    const char *bytes = PyBytes_AsString(encoded);
    if (fold_rows(bytes, size, columns, rows) == size) {
        part = Py_NewRef(text);
        goto done;
    }
    size_t fits = fold_rows(bytes, size, columns, rows - NOTE);
    part = show_part(bytes, fits);
    *note = part == NULL ? NULL : show_note(text, part, bytes[fits] != '\n', columns);
    if (*note == NULL) {
        Py_CLEAR(part);
    }
done:
    Py_XDECREF(encoded);
    Py_XDECREF(start);
    return part;
}

/* The text of a value as it is to be written, with its newline: a new reference. */
static PyObject *
show_text(Show *show, PyObject *value, PyObject *text, Painter painter)
{
    PyObject *note;
    PyObject *result = NULL;
    PyObject *part = show_fold(show, text, &note);
    PyObject *painted = part == NULL ? NULL : painter == NULL ? Py_NewRef(part) : show_paint(show, part, painter);
    if (painted != NULL && note == NULL) {
        result = PyUnicode_FromFormat("%U\n", painted);
    }
    else if (painted != NULL) {
        PyObject *before = show->folded;
        show->folded = Py_NewRef(value);
        Py_XDECREF(before); /* whose __del__ may be the program's */
        result = PyUnicode_FromFormat("%U\n%s%U%s\n", painted, show_on(show, STYLE_NOTE), note, show_off(show));
    }
    Py_XDECREF(painted);
    Py_XDECREF(part);
    Py_XDECREF(note);
    return result;
}

int
show_value(Show *show, PyObject *value, PyObject *text, int whole)
{
    PyObject *shown = NULL;
    if (show->talk->has_term && !whole) {
        shown = show_text(show, value, text, paint_value);
    }
    else {
        PyObject *painted = show_paint(show, text, paint_value);
        shown = painted == NULL ? NULL : PyUnicode_FromFormat("%U\n", painted);
        Py_XDECREF(painted);
    }
    int ret = shown == NULL ? -1 : talk_write(show->talk, shown);
    Py_XDECREF(shown);
    return ret;
}

/* ---- sys.displayhook ---- */

/* Is it the function that Python starts with? */
static int
show_is_pythons(PyObject *hook)
{
    return PyCFunction_Check(hook) && hook == PySys_GetObject("__displayhook__");
}

/* As Python's hook does it: what the stream cannot encode is escaped. */
static int
show_write(PyObject *out, PyObject *text)
{
    PyObject *encoding = NULL, *bytes = NULL, *escaped = NULL;
    PyObject *done = PyObject_CallMethod(out, "write", "O", text);
    if (done == NULL && PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)) {
        PyErr_Clear();
        encoding = PyObject_GetAttrString(out, "encoding");
        const char *name = encoding == NULL ? NULL : PyUnicode_AsUTF8AndSize(encoding, NULL);
        bytes = name == NULL ? NULL : PyUnicode_AsEncodedString(text, name, "backslashreplace");
        escaped = bytes == NULL ? NULL : PyUnicode_FromEncodedObject(bytes, name, "strict");
        done = escaped == NULL ? NULL : PyObject_CallMethod(out, "write", "O", escaped);
    }
    Py_XDECREF(escaped);
    Py_XDECREF(bytes);
    Py_XDECREF(encoding);
    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

PyObject *
show_display(Show *show, PyObject *hook, PyObject *value)
{
    PyObject *out = PySys_GetObject("stdout");
    if (show == NULL || value == Py_None || !show_is_pythons(hook) || !talk_is_stream_here(show->talk, out)) {
        return PyObject_CallFunctionObjArgs(hook, value, NULL);
    }
    Py_INCREF(out); /* a __repr__ may replace it */
    PyObject *repr = PyObject_Repr(value);
    PyObject *shown = repr == NULL ? NULL : show_text(show, value, repr, NULL);
    int ret = shown == NULL ? -1 : show_write(out, shown);
    Py_XDECREF(shown);
    Py_XDECREF(repr);
    Py_DECREF(out);
    return ret < 0 ? NULL : Py_NewRef(Py_None);
}
