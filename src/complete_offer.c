/* Taking a match: does it begin with what is typed, and could it be typed? */
#include "complete_parts.h"

#include <string.h>

void
complete_offer(Completing *c, const char *name, size_t size)
{
    Matches *matches = &c->completion->matches;
    if (matches_begins(name, size, c->word, c->word_size, matches->ignore_case)) {
        matches_add(matches, name, size);
    }
}

void
complete_offer_string(Completing *c, const char *name)
{
    complete_offer(c, name, strlen(name));
}

/* Is it a name that code could have? `.0` of a comprehension is none. */
static bool
offer_is_identifier(const char *name, size_t size, PyObject *object)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)name[i];
        if (byte >= 0x80) {
            return PyUnicode_IsIdentifier(object) == 1;
        }
        bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_';
        if (!letter && (i == 0 || byte < '0' || byte > '9')) {
            return false;
        }
    }
    return size > 0;
}

void
complete_offer_name(Completing *c, PyObject *name)
{
    Py_ssize_t size;
    if (!PyUnicode_CheckExact(name)) {
        return;
    }
    const char *text = PyUnicode_AsUTF8AndSize(name, &size);
    if (text == NULL) {
        PyErr_Clear(); /* surrogates: nobody can type that */
        return;
    }
    if ((c->word_size > 0 || *text != '_')
        && matches_begins(text, (size_t)size, c->word, c->word_size, c->completion->matches.ignore_case)
        && offer_is_identifier(text, (size_t)size, name)) {
        matches_add(&c->completion->matches, text, (size_t)size);
    }
}

void
complete_offer_names(Completing *c, PyObject *list)
{
    for (Py_ssize_t i = 0; i < PyList_Size(list); i++) {
        complete_offer_name(c, PyList_GetItem(list, i));
    }
}

void
complete_offer_keys(Completing *c, PyObject *dict)
{
    PeekWalk walk;
    PyObject *key, *value;
    peek_walk(&walk, dict);
    while (peek_next(&walk, &key, &value)) {
        complete_offer_name(c, key);
    }
    peek_end(&walk);
}
