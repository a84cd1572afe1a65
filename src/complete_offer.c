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
    static const unsigned char letters[128] = {
        ['0'] = 1, ['1'] = 1, ['2'] = 1, ['3'] = 1, ['4'] = 1, ['5'] = 1, ['6'] = 1, ['7'] = 1, ['8'] = 1, ['9'] = 1,
        ['A'] = 2, ['B'] = 2, ['C'] = 2, ['D'] = 2, ['E'] = 2, ['F'] = 2, ['G'] = 2, ['H'] = 2, ['I'] = 2, ['J'] = 2,
        ['K'] = 2, ['L'] = 2, ['M'] = 2, ['N'] = 2, ['O'] = 2, ['P'] = 2, ['Q'] = 2, ['R'] = 2, ['S'] = 2, ['T'] = 2,
        ['U'] = 2, ['V'] = 2, ['W'] = 2, ['X'] = 2, ['Y'] = 2, ['Z'] = 2, ['_'] = 2,
        ['a'] = 2, ['b'] = 2, ['c'] = 2, ['d'] = 2, ['e'] = 2, ['f'] = 2, ['g'] = 2, ['h'] = 2, ['i'] = 2, ['j'] = 2,
        ['k'] = 2, ['l'] = 2, ['m'] = 2, ['n'] = 2, ['o'] = 2, ['p'] = 2, ['q'] = 2, ['r'] = 2, ['s'] = 2, ['t'] = 2,
        ['u'] = 2, ['v'] = 2, ['w'] = 2, ['x'] = 2, ['y'] = 2, ['z'] = 2,
    };
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)name[i];
        if (byte >= 0x80) {
            return PyUnicode_IsIdentifier(object) == 1;
        }
        if (letters[byte] < 1 + (i == 0)) {
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
