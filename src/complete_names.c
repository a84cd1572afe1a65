/* Names that can stand by themselves: the frame's, the prompt's, globals, builtins, keywords. */
#include "complete_parts.h"
#include "scope_peek.h"

static const char *const NAMES_ANYWHERE[] = {
    "False", "None", "True", "and", "as", "async", "await", "else", "for", "from", "if", "import", "in", "is",
    "lambda", "not", "or", "yield", NULL,
};

static const char *const NAMES_AT_START[] = {
    "assert", "break", "case", "class", "continue", "def", "del", "elif", "except", "finally", "global", "match",
    "nonlocal", "pass", "raise", "return", "try", "type", "while", "with", NULL,
};

static void
names_offer_words(Completing *c, const char *const *words)
{
    for (; *words != NULL; words++) {
        complete_offer_string(c, *words);
    }
}

void
complete_names(Completing *c, bool begins)
{
    PyObject *names = scope_peek_names(c->ns);
    ScopeDicts dicts = scope_peek_dicts(c->ns);
    PyObject *const some[] = {dicts.mapping, dicts.globals, dicts.builtins};
    if (names != NULL) {
        complete_offer_names(c, names);
    }
    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        if (some[i] != NULL && some[i] == dicts.builtins && c->word_size == 0) {
            matches_fence(&c->completion->matches); /* of nothing typed they fill the screen by themselves */
        }
        if (some[i] != NULL) {
            complete_offer_keys(c, some[i]);
        }
    }
    names_offer_words(c, NAMES_ANYWHERE);
    if (begins) {
        names_offer_words(c, NAMES_AT_START);
    }
    scope_dicts_clear(&dicts);
    Py_XDECREF(names);
}
