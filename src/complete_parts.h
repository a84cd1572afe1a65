/* What the files behind complete.h share: one completion under way. For complete*.c alone. */
#ifndef HOOKING_COMPLETE_PARTS_H
#define HOOKING_COMPLETE_PARTS_H

#include "complete.h"
#include "lexer.h"
#include "peek.h"
#include "quote.h"

typedef struct Completing {
    Namespace *ns;
    const char *text;
    size_t point;
    size_t base;        /* so much was left out at the start of the text: a command */
    Tokens tokens;      /* of what is before the point */
    const char *word;   /* into the text, or what it means: what a match begins with */
    size_t word_size;
    bool names_command; /* the word is one that a line begins with, and may be a command */
    Completion *completion;
} Completing;

/* ---- complete.c: tokens ---- */

/* The token before one, leaving out what only separates lines within a statement. TOKEN_NONE for none. */
uint32_t complete_previous(const Completing *c, uint32_t index);

/* Is that the text of the token? False for TOKEN_NONE. */
bool complete_is(const Completing *c, uint32_t index, const char *text);

/* Is it a name, or a keyword that stands where a name would? */
bool complete_is_name(const Completing *c, uint32_t index);

/* The text of a name as a str, interned: a new reference, or NULL without an exception. */
PyObject *complete_name(const Completing *c, uint32_t index);

/* Replace from this offset on; what is there is what matches begin with. */
void complete_from(Completing *c, size_t start);

/* Does that stand behind the point? */
bool complete_follows(const Completing *c, const char *text);

/* ---- complete_offer.c: taking a match ---- */

/* Take the name if it begins as the word does. */
void complete_offer(Completing *c, const char *name, size_t size);
void complete_offer_string(Completing *c, const char *name);

/* Take a str if it is one that code could name; names that begin with _ only once that was typed. */
void complete_offer_name(Completing *c, PyObject *name);
void complete_offer_names(Completing *c, PyObject *list);
void complete_offer_keys(Completing *c, PyObject *dict);

/* ---- one file each ---- */

/* complete_names.c: names that can stand by themselves. `begins`: at the start of a statement. */
void complete_names(Completing *c, bool begins);

/* complete_attributes.c */
void complete_attributes(Completing *c, const PeekValue *of);

/* complete_value.c: the value of the expression whose last token is `end`; the token it begins with, or TOKEN_NONE; the
 * literal that the tokens from `first` to `last` are, if it can be a key (a new reference, or NULL). */
PeekValue complete_value(const Completing *c, uint32_t end);
uint32_t complete_value_start(const Completing *c, uint32_t end);
PyObject *complete_literal(const Completing *c, uint32_t first, uint32_t last);

/* complete_key.c: within the brackets of a subscript. True if there is nothing else to offer. */
bool complete_key(Completing *c, uint32_t bracket);

/* complete_columns.c: what subscripts of objects can be that are known here though they are no dicts: columns, fields.
 * A new list, or NULL. `as_attributes`: those that can be reached by a dot. And the type of what such a subscript
 * gives: a new reference, or NULL. */
PyObject *complete_columns(const PeekValue *of, bool as_attributes);
PyObject *complete_column_type(const PeekValue *of);

/* complete_call.c: the parameters of what is called there, from those on that are still to be given. */
void complete_call(Completing *c, uint32_t bracket);

/* complete_import.c: within an import statement, whose first token it is. */
void complete_import(Completing *c, uint32_t first);

/* complete_path.c: a path within a string that begins at the offset. */
void complete_path(Completing *c, const Quote *quote, size_t content);
/* ... and behind a command, at the offset. */
void complete_file(Completing *c, size_t start);

/* complete_command.c: the words of commands; true if there is nothing else to offer. */
bool complete_command(Completing *c);
/* ... and what belongs behind the only match, if that is one and no name of Python's: a blank, if it takes anything. */
void complete_command_suffix(Completing *c);

#endif
