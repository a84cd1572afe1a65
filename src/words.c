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

static const char *
words_skip_blanks(const char *text)
{
    while (words_is_blank(*text)) {
        text++;
    }
    return text;
}

Line
words_split(const char *text)
{
    Line line = {LINE_OTHER, text, 0, text};
    if (strchr(text, '\n') != NULL) {
        line.kind = words_is_blank(*text) ? LINE_PASTED : LINE_OTHER;
        return line;
    }
    if (words_is_blank(*text)) {
        line.kind = LINE_INDENTED;
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
