/* Tracebacks in colour, see paint.h.
 *
 * The text is read line by line, as the traceback module writes it (its formats from 3.11 to 3.15). What is not
 * recognised stays plain: notes, further lines of a message, "During handling of ...". */
#include "paint.h"

#include <string.h>

/* A line without its newline, or what is left of one. */
typedef struct Span {
    const char *text;
    size_t size;
} Span;

typedef struct Traceback {
    Buffer *buffer;
    int in_group;   /* lines may begin with the margin of an exception group */
    int in_entry;   /* lines of source and marks may follow */
    int in_message; /* the exception itself has been shown: what follows is its message's and its notes' */
} Traceback;

static int
traceback_begins(Span line, const char *with)
{
    size_t size = strlen(with);
    return line.size >= size && memcmp(line.text, with, size) == 0;
}

/* Show the first `size` bytes in a style; what remains. */
static Span
traceback_take(Traceback *traceback, Span line, size_t size, Style style)
{
    paint_text(traceback->buffer, style, line.text, size);
    return (Span){line.text + size, line.size - size};
}

static size_t
traceback_count(Span line, const char *of)
{
    size_t count = 0;
    while (count < line.size && line.text[count] != '\0' && strchr(of, line.text[count]) != NULL) {
        count++;
    }
    return count;
}

/* The margin of an exception group: blanks, and `| `, `+ ` or `+-+---- 1 ----`. */
static Span
traceback_margin(Traceback *traceback, Span line)
{
    size_t blanks = traceback_count(line, " ");
    Span rest = {line.text + blanks, line.size - blanks};
    int begins = traceback_begins(rest, "+ Exception Group Traceback ");
    traceback->in_group |= begins;
    if (begins || (traceback->in_group && blanks >= 2 && traceback_begins(rest, "|"))) {
        line = traceback_take(traceback, line, blanks + 1, STYLE_MARK);
        return traceback_take(traceback, line, line.size > 0 && *line.text == ' ', STYLE_PLAIN);
    }
    if (traceback->in_group && blanks >= 2 && (traceback_begins(rest, "+-+---") || traceback_begins(rest, "+---"))) {
        traceback->in_message = 0;
        return traceback_take(traceback, line, line.size, STYLE_MARK);
    }
    return line;
}

/* Offset of the last `", line ` in an entry, 0 for none: a file's name may have it too. */
static size_t
traceback_find_line(Span line)
{
    static const char between[] = "\", line ";
    size_t size = sizeof between - 1;
    for (size_t at = line.size; at > size; at--) {
        if (memcmp(line.text + at - size, between, size) == 0) {
            return at - size;
        }
    }
    return 0;
}

/* `  File "x", line 3, in f`, and without the last part for a SyntaxError. 0 when it is something else. */
static int
traceback_entry(Traceback *traceback, Span line)
{
    static const char begin[] = "  File \"", number[] = "\", line ", function[] = ", in ";
    size_t begin_size = sizeof begin - 1, number_size = sizeof number - 1, function_size = sizeof function - 1;
    size_t end = traceback_begins(line, begin) ? traceback_find_line(line) : 0;
    if (end < begin_size) {
        return 0;
    }
    Span digits = {line.text + end + number_size, line.size - end - number_size};
    size_t count = traceback_count(digits, "0123456789");
    Span behind = {digits.text + count, digits.size - count};
    if (behind.size > 0 && !traceback_begins(behind, function)) {
        return 0;
    }
    line = traceback_take(traceback, line, begin_size - 1, STYLE_PLAIN);
    line = traceback_take(traceback, line, end + 2 - begin_size, STYLE_FILE);
    line = traceback_take(traceback, line, number_size - 1, STYLE_PLAIN);
    line = traceback_take(traceback, line, count, STYLE_LINE);
    if (line.size > 0) {
        line = traceback_take(traceback, line, function_size, STYLE_PLAIN);
        traceback_take(traceback, line, line.size, STYLE_FUNCTION);
    }
    traceback->in_entry = 1;
    traceback->in_message = 0;
    return 1;
}

/* What stands under an entry: source, marks, or what the traceback module says of lines that it leaves out. */
static void
traceback_detail(Traceback *traceback, Span line)
{
    Span code = {line.text + 4, line.size - 4};
    size_t blanks = traceback_count(line, " ");
    if (blanks < line.size && traceback_count(line, " ~^") == line.size) {
        line = traceback_take(traceback, line, blanks, STYLE_PLAIN);
        traceback_take(traceback, line, line.size, STYLE_MARK);
    }
    else if (traceback_begins(code, "...<")) {
        traceback_take(traceback, line, line.size, STYLE_NOTE);
    }
    else {
        paint_source(traceback->buffer, line.text, line.size);
    }
}

/* Bytes of the name of an exception that the line begins with: `package.Class`, `f.<locals>.Class`. 0 for none. */
static size_t
traceback_exception_size(Span line)
{
    size_t at = 0;
    for (; at < line.size; at++) {
        unsigned char c = (unsigned char)line.text[at];
        int letter = c == '_' || c >= 0x80 || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
        int digit = c >= '0' && c <= '9';
        if (!letter && !(at > 0 && (digit || c == '.' || c == '<' || c == '>'))) {
            break;
        }
    }
    Span rest = {line.text + at, line.size - at};
    return rest.size == 0 || traceback_begins(rest, ": ") ? at : 0;
}

static void
traceback_exception(Traceback *traceback, Span line, size_t size)
{
    line = traceback_take(traceback, line, size, STYLE_EXCEPTION);
    line = traceback_take(traceback, line, line.size < 2 ? 0 : 2, STYLE_PLAIN);
    traceback_take(traceback, line, line.size, STYLE_MESSAGE);
    traceback->in_entry = 0;
    traceback->in_message = 1;
}

static void
traceback_line(Traceback *traceback, Span line)
{
    line = traceback_margin(traceback, line);
    size_t size;
    if (traceback_begins(line, "Traceback (most recent call last):")
        || traceback_begins(line, "Exception Group Traceback (most recent call last):")) {
        traceback->in_message = 0;
        traceback_take(traceback, line, line.size, STYLE_PLAIN);
    }
    else if (traceback_entry(traceback, line)) {
        return;
    }
    else if (traceback->in_entry && traceback_begins(line, "    ")) {
        traceback_detail(traceback, line);
    }
    else if (traceback->in_entry && traceback_begins(line, "  [Previous line repeated ")) {
        traceback_take(traceback, line, line.size, STYLE_NOTE);
    }
    else if (!traceback->in_message && (size = traceback_exception_size(line)) > 0) {
        traceback_exception(traceback, line, size);
    }
    else {
        traceback_take(traceback, line, line.size, STYLE_PLAIN);
    }
}

void
paint_traceback(Buffer *buffer, const char *text, size_t size)
{
    Traceback traceback = {.buffer = buffer};
    while (size > 0) {
        const char *newline = memchr(text, '\n', size);
        size_t length = newline == NULL ? size : (size_t)(newline - text);
        traceback_line(&traceback, (Span){text, length});
        if (newline != NULL) {
            buffer_add_char(buffer, '\n');
            length++;
        }
        text += length;
        size -= length;
    }
}
