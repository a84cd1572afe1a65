/* The words of a line typed at the prompt: which is the first, what follows it. No Python here. */
#ifndef HOOKING_WORDS_H
#define HOOKING_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "buffer.h"

typedef enum LineKind {
    LINE_PLAIN,    /* a word comes first: a command or Python */
    LINE_FORCED,   /* `%word`: a command for certain */
    LINE_INDENTED, /* a space comes first: Python for certain */
    LINE_PASTED,   /* several lines, the first of which is indented */
    LINE_QUESTION, /* `name?`, `?name`: what is it; with two marks: how is it made; a mark alone: what is there */
    LINE_SESSION,  /* with its prompts, as in documentation: `>>> x`; perhaps several lines, with output between them */
    LINE_OTHER,    /* nothing that could be a command */
} LineKind;

typedef struct Line {
    LineKind kind;
    const char *word; /* into the text: the first word, without the %; of a question, what is asked about */
    size_t word_len;
    const char *rest; /* into the text: what follows the word, blanks before it skipped */
    int marks;        /* of a question: 1 or 2, else 0 */
} Line;

/* Look at a line. A word is letters and digits that end at a blank or at the end of the line: in
 * `list(x)` there is none. Only a line of its own can be a command: a text of several lines is other. A question is
 * asked about a name, with attributes and literal subscripts: `a.b["c"][0]?`. None of these is Python. */
Line words_split(const char *text);

/* Append the inputs of a session: what stands behind `>>> ` and `... `. Other lines are output and are left out. */
void words_take_inputs(const char *text, Buffer *inputs);

/* The file that a line of arguments ends with, written as for a shell: within quotes, or up to the last blank that has
 * no backslash before it. Appends what that means. Returns how many bytes of the text stand before it, without the
 * blanks between; -1 when there is none. *literal: it stood between single quotes, where nothing is to be expanded. */
ptrdiff_t words_last_file(const char *text, Buffer *file, bool *literal);

/* A whole number in decimal, blanks around it allowed, nothing else. False when it is none or does not fit. */
bool words_number(const char *text, long *number);

/* Does the word equal `name`? */
bool words_equal(const Line *line, const char *name);

#endif
