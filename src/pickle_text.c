/* Lines of text in a pickle, see pickle_text.h. */
#include "pickle_text.h"

#include <string.h>

enum {
    TEXT_DIGITS = 4300,    /* sys.int_info.default_max_str_digits */
    TEXT_INDEX_DIGITS = 18 /* fit into 64 bits */
};

static size_t
text_digits(const unsigned char *text, size_t size)
{
    size_t count = 0;
    while (count < size && text[count] >= '0' && text[count] <= '9') {
        count++;
    }
    return count;
}

static size_t
text_sign(const unsigned char *text, size_t size)
{
    return size > 0 && (*text == '-' || *text == '+') ? 1 : 0;
}

static PickleText
text_int(const unsigned char *text, size_t size)
{
    size_t sign = text_sign(text, size), digits = text_digits(text + sign, size - sign);
    /* A 0 before other digits makes the unpickler in C read an INT as octal, and that in Python refuse it; 00 and 01
     * are the bools. */
    bool octal = digits > 1 && text[sign] == '0' && (digits > 2 || text[sign + 1] > '1');
    if (digits == 0 || sign + digits != size || octal) {
        return PICKLE_TEXT_WRONG;
    }
    return digits > TEXT_DIGITS ? PICKLE_TEXT_LONG : PICKLE_TEXT_RIGHT;
}

static bool
text_is(const unsigned char *text, size_t size, const char *word)
{
    return size == strlen(word) && memcmp(text, word, size) == 0;
}

static bool
text_is_float(const unsigned char *text, size_t size)
{
    size_t at = text_sign(text, size);
    if (text_is(text + at, size - at, "inf") || text_is(text + at, size - at, "nan")) {
        return true;
    }
    size_t whole = text_digits(text + at, size - at), part = 0;
    at += whole;
    if (at < size && text[at] == '.') {
        part = text_digits(text + at + 1, size - at - 1);
        at += 1 + part;
    }
    if (whole + part == 0) {
        return false;
    }
    if (at < size && (text[at] == 'e' || text[at] == 'E')) {
        at++;
        at += text_sign(text + at, size - at);
        size_t power = text_digits(text + at, size - at);
        at += power;
        return power > 0 && at == size;
    }
    return at == size;
}

PickleText
pickle_text_check(const PickleOp *op, const unsigned char *line)
{
    size_t size = (size_t)op->body_size - 1;
    bool quoted = size >= 2 && line[0] == line[size - 1] && (line[0] == '\'' || line[0] == '"');
    switch (op->code) {
    case PICKLE_INT:
        return text_int(line, size);
    case PICKLE_LONG:
        return text_int(line, size > 0 && line[size - 1] == 'L' ? size - 1 : size);
    case PICKLE_FLOAT:
        return text_is_float(line, size) ? PICKLE_TEXT_RIGHT : PICKLE_TEXT_WRONG;
    case PICKLE_STRING:
        return quoted ? PICKLE_TEXT_RIGHT : PICKLE_TEXT_WRONG;
    default:
        return PICKLE_TEXT_RIGHT;
    }
}

bool
pickle_text_index(const unsigned char *line, size_t size, uint64_t *index)
{
    size_t digits = text_digits(line, size);
    *index = 0;
    if (digits == 0 || digits > TEXT_INDEX_DIGITS || digits + 1 != size) {
        return false;
    }
    for (size_t i = 0; i < digits; i++) {
        *index = *index * 10 + (line[i] - '0');
    }
    return true;
}
