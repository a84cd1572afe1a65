/* Words of a typed line, see words.h. */
#include "words.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool
words_is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool
words_is_letter(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* The first that is no blank. */
static const char *
words_skip_blanks(const char *text)
{
    while (words_is_blank(*text)) {
        text++;
    }
    return text;
}

/* ---- questions ---- */

/* Letters of other alphabets are bytes from 0x80 on. */
static const char *
words_skip_name(const char *text)
{
    const char *end = text;
    while (words_is_letter(*end) || ((unsigned char)*end & 0x80) != 0) {
        end++;
    }
    return isdigit((unsigned char)*text) ? text : end;
}

/* Behind [0], [-1] or ["key"]; NULL when it is something else. */
static const char *
words_skip_subscript(const char *text)
{
    const char *at = text + 1;
    if (*at == '"' || *at == '\'') {
        char quote[] = {*at, '\\', '\0'};
        at++;
        at += strcspn(at, quote);
        return *at == quote[0] && at[1] == ']' ? at + 2 : NULL;
    }
    at += *at == '-';
    size_t digits = strspn(at, "0123456789");
    return digits > 0 && at[digits] == ']' ? at + digits + 1 : NULL;
}

/* Behind a name with attributes and subscripts; NULL when there is none. */
static const char *
words_skip_object(const char *text)
{
    const char *at = words_skip_name(text);
    if (at == text) {
        return NULL;
    }
    while (at != NULL && (*at == '.' || *at == '[')) {
        const char *name = at + 1;
        at = *at == '[' ? words_skip_subscript(at) : words_skip_name(name);
        at = at == name ? NULL : at;
    }
    return at;
}

static bool
words_ask(const char *text, Line *line)
{
    size_t before = strspn(text, "?");
    const char *word = before > 0 ? words_skip_blanks(text + before) : text;
    const char *end = words_skip_object(word);
    if (end == NULL) {
        end = word; /* marks alone, or no question */
    }
    const char *rest = words_skip_blanks(end);
    size_t behind = strspn(rest, "?");
    size_t marks = before + behind;
    if (marks < 1 || marks > 2 || (before > 0 && behind > 0) || *words_skip_blanks(rest + behind) != '\0') {
        return false;
    }
    *line = (Line){LINE_QUESTION, word, (size_t)(end - word), rest + behind, (int)marks};
    return true;
}

/* ---- lines ---- */

/* What stands behind a prompt in a line of a session, NULL if there is none. */
static const char *
words_behind_prompt(const char *line, const char *prompt)
{
    line = words_skip_blanks(line);
    if (strncmp(line, prompt, 3) != 0 || (line[3] != ' ' && line[3] != '\n' && line[3] != '\0')) {
        return NULL;
    }
    return line[3] == ' ' ? line + 4 : line + 3;
}

void
words_take_inputs(const char *text, Buffer *inputs)
{
    for (const char *line = text; line != NULL;) {
        const char *end = strchr(line, '\n');
        const char *input = words_behind_prompt(line, ">>>");
        if (input == NULL) {
            input = words_behind_prompt(line, "...");
        }
        if (input != NULL) {
            if (inputs->size > 0) {
                buffer_add_char(inputs, '\n');
            }
            buffer_add(inputs, input, end == NULL ? strlen(input) : (size_t)(end - input));
        }
        line = end == NULL ? NULL : end + 1;
    }
}

Line
words_split(const char *text)
{
    Line line = {LINE_OTHER, text, 0, text, 0};
    if (words_behind_prompt(text, ">>>") != NULL) {
        line.kind = LINE_SESSION;
        return line;
    }
    if (strchr(text, '\n') != NULL) {
        line.kind = words_is_blank(*text) ? LINE_PASTED : LINE_OTHER;
        return line;
    }
    if (words_is_blank(*text)) {
        line.kind = LINE_INDENTED;
        return line;
    }
    if (words_ask(text, &line)) {
        return line;
    }
    bool forced = *text == '%';
    const char *word = forced ? text + 1 : text;
    const char *end = word;
    while (words_is_letter(*end)) {
        end++;
    }
    bool whole = *end == '\0' || words_is_blank(*end);
    if (forced || (end > word && whole && !isdigit((unsigned char)*word))) {
        while (forced && *end != '\0' && !words_is_blank(*end)) {
            end++; /* `%a-b` names an unknown command, it is not Python */
        }
        line.kind = forced ? LINE_FORCED : LINE_PLAIN;
        line.word = word;
        line.word_len = (size_t)(end - word);
        line.rest = words_skip_blanks(end);
    }
    return line;
}

/* Where the quoted word that ends at `end` begins: its quote stands at the start or behind a blank. `end`: nowhere. */
static const char *
words_quote_start(const char *text, const char *end)
{
    char quote = end[-1];
    for (const char *at = end - 2; at >= text; at--) {
        if (*at == quote && (at == text || words_is_blank(at[-1]))) {
            return at;
        }
        if (*at == quote && (quote == '\'' || at[-1] != '\\')) {
            break;
        }
    }
    return end;
}

static const char *
words_word_start(const char *text, const char *end)
{
    const char *at = end;
    while (at > text && (!words_is_blank(at[-1]) || (at > text + 1 && at[-2] == '\\'))) {
        at--;
    }
    return at;
}

ptrdiff_t
words_last_file(const char *text, Buffer *file, bool *literal)
{
    const char *end = text + strlen(text);
    while (end > text && words_is_blank(end[-1]) && (end == text + 1 || end[-2] != '\\')) {
        end--;
    }
    bool may_quote = end > text + 1 && (end[-1] == '"' || end[-1] == '\'');
    const char *start = may_quote ? words_quote_start(text, end) : end;
    bool quoted = start < end;
    start = quoted ? start : words_word_start(text, end);
    if (start == end || (!quoted && (*start == '"' || *start == '\''))) {
        return -1; /* none, or one whose quote is not closed */
    }
    *literal = quoted && *start == '\'';
    const char *last = quoted ? end - 1 : end;
    for (const char *at = start + quoted; at < last; at++) {
        at += *at == '\\' && !*literal && at + 1 < last && (!quoted || at[1] == '"' || at[1] == '\\');
        buffer_add(file, at, 1);
    }
    while (start > text && words_is_blank(start[-1])) {
        start--;
    }
    return start - text;
}

bool
words_number(const char *text, long *number)
{
    char *end;
    text = words_skip_blanks(text);
    const char *digits = *text == '-' || *text == '+' ? text + 1 : text;
    if (!isdigit((unsigned char)*digits)) {
        return false;
    }
    errno = 0;
    *number = strtol(text, &end, 10);
    return errno == 0 && *words_skip_blanks(end) == '\0';
}

bool
words_equal(const Line *line, const char *name)
{
    return strlen(name) == line->word_len && memcmp(name, line->word, line->word_len) == 0;
}
