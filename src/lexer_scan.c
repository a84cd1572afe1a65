/* Where the pieces of Python source end, see lexer_scan.h. */
#include "lexer_scan.h"

bool
lexer_scan_is_triple(const Bytes *bytes, uint32_t at)
{
    unsigned char c = lexer_scan_byte(bytes, at);
    return lexer_scan_byte(bytes, at + 1) == c && lexer_scan_byte(bytes, at + 2) == c;
}

bool
lexer_scan_is_prefix(const char *word, uint32_t size, bool *raw, bool *fields)
{
    unsigned char first = (unsigned char)word[0] | 0x20;
    unsigned char second = size == 2 ? (unsigned char)word[1] | 0x20 : 'r';
    if (size == 2 && first == 'r') {
        first = second;
        second = 'r';
    }
    *raw = size == 2 || first == 'r';
    *fields = first == 'f' || first == 't';
    bool alone = size == 1 && (first == 'r' || first == 'u');
    return size <= 2 && second == 'r' && (first == 'b' || *fields || alone);
}

uint32_t
lexer_scan_line_end(const Bytes *bytes, uint32_t at)
{
    return at + (lexer_scan_byte(bytes, at) == '\r' && lexer_scan_byte(bytes, at + 1) == '\n' ? 2 : 1);
}

uint32_t
lexer_scan_comment(const Bytes *bytes, uint32_t at)
{
    while (at < bytes->size && !lexer_scan_is_line_end((unsigned char)bytes->text[at])) {
        at++;
    }
    return at;
}

uint32_t
lexer_scan_name(const Bytes *bytes, uint32_t at)
{
    unsigned char c;
    do {
        c = lexer_scan_byte(bytes, ++at);
    } while (lexer_scan_is_letter(c) || lexer_scan_is_digit(c));
    return at;
}

/* Behind the digits of that base that are here, with single underscores before each. */
static uint32_t
lexer_scan_digits(const Bytes *bytes, uint32_t at, int base)
{
    for (;;) {
        uint32_t digit = lexer_scan_byte(bytes, at) == '_' ? at + 1 : at;
        unsigned char c = lexer_scan_byte(bytes, digit), lower = c | 0x20;
        int value = lexer_scan_is_digit(c) ? c - '0' : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : base;
        if (value >= base) {
            return at;
        }
        at = digit + 1;
    }
}

/* The same in decimal, where an underscore may not come first. */
static uint32_t
lexer_scan_decimals(const Bytes *bytes, uint32_t at)
{
    return lexer_scan_is_digit(lexer_scan_byte(bytes, at)) ? lexer_scan_digits(bytes, at, 10) : at;
}

uint32_t
lexer_scan_number(const Bytes *bytes, uint32_t at)
{
    unsigned char letter = lexer_scan_byte(bytes, at + 1) | 0x20;
    int base = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 0;
    if (bytes->text[at] == '0' && base != 0) {
        uint32_t digits = lexer_scan_digits(bytes, at + 2, base);
        return digits > at + 2 ? digits : at + 1;
    }
    uint32_t end = lexer_scan_decimals(bytes, at);
    if (lexer_scan_byte(bytes, end) == '.') {
        end = lexer_scan_decimals(bytes, end + 1);
    }
    if ((lexer_scan_byte(bytes, end) | 0x20) == 'e') {
        unsigned char sign = lexer_scan_byte(bytes, end + 1);
        uint32_t first = end + (sign == '+' || sign == '-' ? 2 : 1);
        uint32_t digits = lexer_scan_decimals(bytes, first);
        end = digits > first ? digits : end;
    }
    if ((lexer_scan_byte(bytes, end) | 0x20) == 'j') {
        end++;
    }
    return end;
}

uint32_t
lexer_scan_operator(const Bytes *bytes, uint32_t at)
{
    unsigned char first = lexer_scan_byte(bytes, at);
    unsigned char second = lexer_scan_byte(bytes, at + 1);
    unsigned char third = lexer_scan_byte(bytes, at + 2);
    switch (first) {
    case '.':
        return at + (second == '.' && third == '.' ? 3 : 1);
    case '*': case '/': case '<': case '>':
        if (second == first) {
            return at + (third == '=' ? 3 : 2);
        }
        return at + (second == '=' ? 2 : 1);
    case '-':
        return at + (second == '>' || second == '=' ? 2 : 1);
    case '+': case '%': case '&': case '|': case '^': case '@': case '=': case ':':
        return at + (second == '=' ? 2 : 1);
    case '!':
        return at + (second == '=' ? 2 : 0);
    case '~': case ',': case ';':
        return at + 1;
    default:
        return at;
    }
}

/* Where what a backslash begins ends. `named` is set behind the brace of \N{...}, which is no field. */
static uint32_t
lexer_scan_escape(const Bytes *bytes, const Body *body, uint32_t at, bool *named)
{
    unsigned char next = lexer_scan_byte(bytes, at + 1);
    if (body->fields && (next == '{' || next == '}')) {
        return at + 1;
    }
    if (body->fields && !body->raw && next == 'N' && lexer_scan_byte(bytes, at + 2) == '{') {
        *named = true;
        return at + 3;
    }
    return lexer_scan_is_line_end(next) ? lexer_scan_line_end(bytes, at + 1) : at + 2;
}

Stop
lexer_scan_text(const Bytes *bytes, const Body *body, uint32_t *at)
{
    bool named = false;
    uint32_t i = *at;
    Stop stop = STOP_END;
    while (i < bytes->size && stop == STOP_END) {
        unsigned char c = (unsigned char)bytes->text[i];
        if (c == '\\') {
            uint32_t next = i + 1;
            i = lexer_scan_escape(bytes, body, i, &named);
            if (next >= bytes->size ||
                (i >= bytes->size && lexer_scan_is_line_end((unsigned char)bytes->text[next]))) {
                i = bytes->size;
                stop = STOP_JOINED;
            }
        } else if (c == body->quote && (!body->triple || lexer_scan_is_triple(bytes, i))) {
            stop = STOP_QUOTE;
        } else if (lexer_scan_is_line_end(c) && !body->triple) {
            stop = STOP_LINE;
        } else if (!body->fields || (c != '{' && c != '}')) {
            i++;
        } else if (named && c == '}') {
            named = false;
            i++;
        } else if (!body->format && lexer_scan_byte(bytes, i + 1) == c) {
            i += 2;
        } else {
            stop = STOP_BRACE;
        }
    }
    *at = i;
    return stop;
}
