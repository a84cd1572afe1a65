/* The prompt's own commands and what they take. */
#include "complete_parts.h"

#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "scope_peek.h"

/* Each of the words of a list that is parted by blanks. */
static void
command_offer_words(Completing *c, const char *words)
{
    while (*words != '\0') {
        size_t size = strcspn(words, " ");
        complete_offer(c, words, size);
        words += size + (words[size] == ' ');
    }
}

static void
command_offer_all(Completing *c)
{
    for (const Command *const *command = COMMANDS; *command != NULL; command++) {
        complete_offer_string(c, (*command)->name);
        command_offer_words(c, (*command)->alias);
    }
}

/* The names that `write` could have something to do with. */
static void
command_offer_variables(Completing *c)
{
    PyObject *names = scope_peek_names(c->ns);
    ScopeDicts dicts = scope_peek_dicts(c->ns);
    if (names != NULL) {
        complete_offer_names(c, names);
    }
    if (dicts.mapping != NULL) {
        complete_offer_keys(c, dicts.mapping);
    }
    scope_dicts_clear(&dicts);
    Py_XDECREF(names);
}

static bool
command_is_users(const Completing *c, const Line *line)
{
    PyObject *name = PyUnicode_FromStringAndSize(line->word, (Py_ssize_t)line->word_len);
    bool is = name != NULL && scope_peek_is_users(c->ns, name);
    PyErr_Clear();
    Py_XDECREF(name);
    return is;
}

/* Where the last word begins: behind the last blanks that stand in no brackets, in no quotes and behind no backslash. 0
 * when it is the first. */
static size_t
command_last_word(const char *text, size_t size)
{
    int depth = 0;
    char mark = '\0';
    size_t begin = 0;
    for (size_t i = 0; i < size; i++) {
        char letter = text[i];
        if (letter == '\\') {
            i++;
        }
        else if (mark != '\0') {
            mark = letter == mark ? '\0' : mark;
        }
        else if (letter == '\'' || letter == '"') {
            mark = letter;
        }
        else if (strchr("([{", letter) != NULL) {
            depth++;
        }
        else if (strchr(")]}", letter) != NULL) {
            depth--;
        }
        else if (letter == ' ' && depth <= 0) {
            begin = i + 1;
        }
    }
    return begin;
}

/* Must an expression that ends so go on? Then what follows is not yet the file. */
static bool
command_goes_on(const char *text, size_t size)
{
    static const char *const words[] = {"and", "or", "not", "in", "is", "if", "else", "lambda", "await", NULL};
    while (size > 0 && text[size - 1] == ' ') {
        size--;
    }
    if (size > 0 && strchr("+-*/%@&|^~<>=!,.:", text[size - 1]) != NULL) {
        return true;
    }
    for (const char *const *word = words; *word != NULL; word++) {
        size_t length = strlen(*word);
        if (size >= length && memcmp(text + size - length, *word, length) == 0
            && (size == length || text[size - length - 1] == ' ')) {
            return true;
        }
    }
    return false;
}

/* Pass over the options of a command that are written out before the point. *rest: where the others begin; *all: is
 * --all among them? */
static void
command_skip_options(const Completing *c, const Command *command, size_t *rest, bool *all)
{
    const char *option = command->words != NULL ? command->words : "";
    *all = false;
    while (*option != '\0') {
        size_t size = strcspn(option, " ");
        if (c->point - *rest > size && memcmp(c->text + *rest, option, size) == 0 && c->text[*rest + size] == ' ') {
            *all = *all || (size == 5 && memcmp(option, "--all", size) == 0);
            *rest += size;
            while (*rest < c->point && c->text[*rest] == ' ') {
                ++*rest;
            }
            option = command->words; /* in any order */
            continue;
        }
        option += size + (option[size] == ' ');
    }
}

/* Go on as if the text began there. */
static void
command_leave(Completing *c, size_t offset)
{
    c->base = offset;
    c->text += offset;
    c->point -= offset;
    complete_from(c, c->point);
}

/* What the command takes; true if nothing but that is to be offered. `rest`: offset of its arguments. */
static bool
command_arguments(Completing *c, const Command *command, size_t rest)
{
    size_t word = c->point;
    while (word > rest && c->text[word - 1] != ' ' && c->text[word - 1] != '\t') {
        word--;
    }
    bool all = false, has_file = command->takes == TAKES_EXPRESSION_FILE || command->takes == TAKES_FILE;
    if (has_file) {
        command_skip_options(c, command, &rest, &all);
    }
    if (has_file && rest < c->point && c->text[rest] == '-' && word <= rest) {
        complete_from(c, rest);
        command_offer_words(c, command->words);
        return true;
    }
    switch (command->takes) {
    case TAKES_EXPRESSION_FILE: {
        size_t last = all ? 0 : command_last_word(c->text + rest, c->point - rest);
        if (!all && (last == 0 || command_goes_on(c->text + rest, last))) {
            command_leave(c, rest);
            return false;
        }
        complete_file(c, rest + last);
        return true;
    }
    case TAKES_EXPRESSION:
        command_leave(c, rest);
        return false;
    case TAKES_FILE:
        complete_file(c, rest);
        return true;
    case TAKES_COMMAND:
        complete_from(c, word + (c->text[word] == '%' && word < c->point));
        command_offer_all(c);
        return true;
    case TAKES_NAMES:
        while (word < c->point && memchr(c->text + word, ',', c->point - word) != NULL) {
            word++;
        }
        complete_from(c, word);
        command_offer_variables(c);
        return true;
    case TAKES_WORDS:
        complete_from(c, word);
        command_offer_words(c, command->words);
        return true;
    case TAKES_NOTHING:
        break;
    }
    return true;
}

/* `list = [...]`, `c + d`: a word and an operator. */
static bool
command_is_operator(const char *rest)
{
    return *rest != '\0' && strchr("=+-*/.,:;<>&|^@!%([", *rest) != NULL;
}

static bool
command_line(Completing *c, const char *text)
{
    Line line = words_split(text);
    if (*text == '\0') {
        command_offer_all(c);
        return false;
    }
    if (line.kind != LINE_PLAIN && line.kind != LINE_FORCED) {
        return false;
    }
    bool forced = line.kind == LINE_FORCED;
    if (line.word + line.word_len == text + c->point) {
        complete_from(c, (size_t)(line.word - text));
        command_offer_all(c);
        c->names_command = true;
        return forced;
    }
    const Command *command = command_find(&line);
    if (command == NULL) {
        return forced;
    }
    bool users = !forced && command_is_users(c, &line);
    bool expression = command->takes == TAKES_EXPRESSION || command->takes == TAKES_EXPRESSION_FILE;
    bool option = command->takes == TAKES_FILE && strncmp(line.rest, "--", 2) == 0 && !users;
    if (!forced && ((users && expression) || (!expression && !option && command_is_operator(line.rest)))) {
        return false;
    }
    return command_arguments(c, command, (size_t)(line.rest - text)) && !users;
}

bool
complete_command(Completing *c)
{
    bool done = false;
    char *text = strchr(c->text, '\n') != NULL ? NULL : malloc(c->point + 1);
    if (text != NULL) {
        memcpy(text, c->text, c->point);
        text[c->point] = '\0';
        done = command_line(c, text);
        free(text);
    }
    return done;
}

void
complete_command_suffix(Completing *c)
{
    const char *name = c->completion->matches.names[0];
    Line line = words_split(name);
    const Command *command = c->names_command ? command_find(&line) : NULL;
    if (command == NULL || *command->usage == '\0' || complete_follows(c, " ")) {
        return;
    }
    bool forced = c->completion->start > 0; /* there is a % before it */
    PyObject *key = forced ? NULL : PyUnicode_FromString(name);
    PyObject *value = key == NULL ? NULL : scope_peek(c->ns, key);
    if (value == NULL) {
        strcpy(c->completion->suffix, " ");
    }
    Py_XDECREF(value);
    Py_XDECREF(key);
}
