/* What the names of Python source mean, see lexer_words.h.
 *
 * There is no parser here: a name is judged by its neighbours, and by how its logical line ends. */
#include "lexer_words.h"

#include <string.h>

/* Both in the order of their bytes. */
static const char *const keywords[] = {
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del",
    "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal",
    "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
};

/* The public names of the module builtins, of 3.11 to 3.15 together, with those that site adds. */
static const char *const builtins[] = {
    "ArithmeticError", "AssertionError", "AttributeError", "BaseException", "BaseExceptionGroup", "BlockingIOError",
    "BrokenPipeError", "BufferError", "BytesWarning", "ChildProcessError", "ConnectionAbortedError",
    "ConnectionError", "ConnectionRefusedError", "ConnectionResetError", "DeprecationWarning", "EOFError",
    "Ellipsis", "EncodingWarning", "EnvironmentError", "Exception", "ExceptionGroup", "FileExistsError",
    "FileNotFoundError", "FloatingPointError", "FutureWarning", "GeneratorExit", "IOError", "ImportCycleError",
    "ImportError", "ImportWarning", "IndentationError", "IndexError", "InterruptedError", "IsADirectoryError",
    "KeyError", "KeyboardInterrupt", "LookupError", "MemoryError", "ModuleNotFoundError", "NameError",
    "NotADirectoryError", "NotImplemented", "NotImplementedError", "OSError", "OverflowError",
    "PendingDeprecationWarning", "PermissionError", "ProcessLookupError", "PythonFinalizationError",
    "RecursionError", "ReferenceError", "ResourceWarning", "RuntimeError", "RuntimeWarning", "StopAsyncIteration",
    "StopIteration", "SyntaxError", "SyntaxWarning", "SystemError", "SystemExit", "TabError", "TimeoutError",
    "TypeError", "UnboundLocalError", "UnicodeDecodeError", "UnicodeEncodeError", "UnicodeError",
    "UnicodeTranslateError", "UnicodeWarning", "UserWarning", "ValueError", "Warning", "ZeroDivisionError", "abs",
    "aiter", "all", "anext", "any", "ascii", "bin", "bool", "breakpoint", "bytearray", "bytes", "callable", "chr",
    "classmethod", "compile", "complex", "copyright", "credits", "delattr", "dict", "dir", "divmod", "enumerate",
    "eval", "exec", "exit", "filter", "float", "format", "frozendict", "frozenset", "getattr", "globals", "hasattr",
    "hash", "help", "hex", "id", "input", "int", "isinstance", "issubclass", "iter", "len", "license", "list",
    "locals", "map", "max", "memoryview", "min", "next", "object", "oct", "open", "ord", "pow", "print", "property",
    "quit", "range", "repr", "reversed", "round", "sentinel", "set", "setattr", "slice", "sorted", "staticmethod",
    "str", "sum", "super", "tuple", "type", "vars", "zip",
};

static bool
lexer_words_find(const char *const *words, size_t count, const char *word, size_t size)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strncmp(words[middle], word, size);
        if (order == 0 && words[middle][size] == '\0') {
            return true;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return false;
}

bool
lexer_words_is_keyword(const char *word, size_t size)
{
    return lexer_words_find(keywords, sizeof keywords / sizeof *keywords, word, size);
}

bool
lexer_words_is_builtin(const char *word, size_t size)
{
    return lexer_words_find(builtins, sizeof builtins / sizeof *builtins, word, size);
}

/* The tokens on the way through them. Indexes are TOKEN_NONE where there is no such token. */
typedef struct Walk {
    const char *text;
    Token *list;
    uint32_t count;
    uint32_t before; /* the token before this one in its logical line; comments and line ends do not count */
    uint32_t second; /* the one before that */
    bool in_case;    /* within the patterns of a case */
} Walk;

static bool
lexer_words_is(const Walk *walk, uint32_t index, const char *string)
{
    if (index == TOKEN_NONE) {
        return false;
    }
    const Token *token = &walk->list[index];
    size_t size = strlen(string);
    return token->end - token->start == size && memcmp(walk->text + token->start, string, size) == 0;
}

/* Does the token consist of that one character? */
static bool
lexer_words_is_char(const Walk *walk, uint32_t index, char c)
{
    return index != TOKEN_NONE && walk->list[index].end - walk->list[index].start == 1 &&
           walk->text[walk->list[index].start] == c;
}

/* Does it consist of one of these characters? */
static bool
lexer_words_is_any(const Walk *walk, uint32_t index, const char *chars)
{
    for (; *chars != '\0'; chars++) {
        if (lexer_words_is_char(walk, index, *chars)) {
            return true;
        }
    }
    return false;
}

static bool
lexer_words_is_blank(const Token *token)
{
    return token->kind == TOKEN_COMMENT || token->kind == TOKEN_CONTINUATION || token->kind == TOKEN_LINE_END;
}

/* The next token in the same logical line. */
static uint32_t
lexer_words_next(const Walk *walk, uint32_t index)
{
    for (index++; index < walk->count; index++) {
        const Token *token = &walk->list[index];
        if (!lexer_words_is_blank(token)) {
            return index;
        }
        if (token->kind == TOKEN_LINE_END && token->other == TOKEN_NONE) {
            return TOKEN_NONE;
        }
    }
    return TOKEN_NONE;
}

/* Is there, in the statement from `index` on, a colon outside brackets: as its last token, or anywhere? */
static bool
lexer_words_has_colon(const Walk *walk, uint32_t index, bool last)
{
    bool colon = false;
    while (index != TOKEN_NONE) {
        const Token *token = &walk->list[index];
        if (token->kind == TOKEN_OPEN && token->other != TOKEN_NONE) {
            index = token->other;
            colon = colon && !last;
        } else if (token->kind == TOKEN_OPERATOR && token->other == TOKEN_NONE) {
            bool here = lexer_words_is_char(walk, index, ':');
            colon = here || (colon && !last);
            if (lexer_words_is_char(walk, index, ';')) {
                return colon;
            }
        } else {
            colon = colon && !last;
        }
        index = lexer_words_next(walk, index);
    }
    return colon;
}

/* Could the name at `index` begin a subject of match, or a pattern of case? */
static bool
lexer_words_begins(const Walk *walk, uint32_t index, bool is_case)
{
    const Token *token = &walk->list[index];
    if (!lexer_words_is_keyword(walk->text + token->start, token->end - token->start)) {
        return true;
    }
    if (lexer_words_is(walk, index, "None") || lexer_words_is(walk, index, "True") ||
        lexer_words_is(walk, index, "False")) {
        return true;
    }
    if (lexer_words_is(walk, index, "not")) {
        return !is_case && !lexer_words_is(walk, lexer_words_next(walk, index), "in");
    }
    return !is_case && (lexer_words_is(walk, index, "await") || lexer_words_is(walk, index, "lambda"));
}

/* Does the match or case at `index`, which begins a line, head a block? What follows can make it certain. Only brackets
 * and signs leave it open, `match (x)` and `match -x`: these are heads if there is the colon of one. */
static bool
lexer_words_is_head(const Walk *walk, uint32_t index, bool is_case)
{
    uint32_t next = lexer_words_next(walk, index);
    if (next == TOKEN_NONE) {
        return false;
    }
    switch (walk->list[next].kind) {
    case TOKEN_NUMBER:
    case TOKEN_STRING:
    case TOKEN_STRING_START:
        return true;
    case TOKEN_NAME:
        return lexer_words_begins(walk, next, is_case);
    case TOKEN_OPEN:
        return lexer_words_is_char(walk, next, '{') || lexer_words_has_colon(walk, next, !is_case);
    case TOKEN_OPERATOR:
        if (lexer_words_is_any(walk, next, "-*+")) {
            return lexer_words_has_colon(walk, next, !is_case);
        }
        return !is_case && (lexer_words_is_char(walk, next, '~') || lexer_words_is(walk, next, "..."));
    default:
        return false;
    }
}

/* type and lazy are followed by a word as nothing but a keyword is. */
static bool
lexer_words_is_soft_statement(const Walk *walk, uint32_t index)
{
    uint32_t next = lexer_words_next(walk, index);
    if (next == TOKEN_NONE || walk->list[next].kind != TOKEN_NAME) {
        return false;
    }
    if (lexer_words_is(walk, index, "lazy")) {
        return lexer_words_is(walk, next, "import") || lexer_words_is(walk, next, "from");
    }
    const Token *name = &walk->list[next];
    return lexer_words_is(walk, index, "type") &&
           !lexer_words_is_keyword(walk->text + name->start, name->end - name->start);
}

static bool
lexer_words_is_soft(Walk *walk, uint32_t index)
{
    uint32_t before = walk->before;
    bool outside = walk->list[index].other == TOKEN_NONE;
    if (walk->in_case && lexer_words_is_char(walk, index, '_')) {
        return !lexer_words_is_char(walk, before, '.') &&
               !lexer_words_is_any(walk, lexer_words_next(walk, index), ".(=");
    }
    if (before == TOKEN_NONE || (outside && lexer_words_is_char(walk, before, ';'))) {
        bool is_case = lexer_words_is(walk, index, "case");
        if (is_case || lexer_words_is(walk, index, "match")) {
            bool head = lexer_words_is_head(walk, index, is_case);
            walk->in_case = head && is_case;
            return head;
        }
        return lexer_words_is_soft_statement(walk, index);
    }
    return outside && lexer_words_is_char(walk, before, ':') && lexer_words_is_soft_statement(walk, index);
}

/* Is the bracket one of a def, with the parameters or the type parameters in it? */
static bool
lexer_words_is_signature(const Walk *walk, uint32_t bracket)
{
    uint32_t name = bracket - 1;
    if (bracket == TOKEN_NONE || bracket == 0) {
        return false;
    }
    if (lexer_words_is_char(walk, name, ']') && walk->list[name].other != TOKEN_NONE && walk->list[name].other > 0) {
        name = walk->list[name].other - 1;
    }
    return walk->list[name].kind == TOKEN_DEFINITION && lexer_words_is(walk, name - 1, "def");
}

/* Does the name get a value here, rather than being used? */
static bool
lexer_words_is_bound(const Walk *walk, uint32_t index)
{
    static const char *const binders[] = {"as", "for", "global", "import", "nonlocal"};
    uint32_t before = walk->before;
    if (before != TOKEN_NONE && walk->list[before].kind == TOKEN_SOFT_KEYWORD && lexer_words_is(walk, before, "type")) {
        return true;
    }
    if (before != TOKEN_NONE && walk->list[before].kind == TOKEN_KEYWORD) {
        for (size_t i = 0; i < sizeof binders / sizeof *binders; i++) {
            if (lexer_words_is(walk, before, binders[i])) {
                return true;
            }
        }
    }
    bool listed = lexer_words_is_any(walk, before, "([,*") || lexer_words_is(walk, before, "**");
    if (listed && lexer_words_is_signature(walk, walk->list[index].other)) {
        return true;
    }
    return (before == TOKEN_NONE || lexer_words_is_any(walk, before, "(,=;")) &&
           lexer_words_is_char(walk, lexer_words_next(walk, index), '=');
}

static TokenKind
lexer_words_kind(Walk *walk, uint32_t index)
{
    const Token *token = &walk->list[index];
    uint32_t before = walk->before;
    const char *word = walk->text + token->start;
    size_t size = token->end - token->start;
    if (lexer_words_is_keyword(word, size)) {
        walk->in_case = walk->in_case && !(token->other == TOKEN_NONE && lexer_words_is(walk, index, "if"));
        return TOKEN_KEYWORD;
    }
    if (before != TOKEN_NONE && walk->list[before].kind == TOKEN_KEYWORD &&
        (lexer_words_is(walk, before, "def") || lexer_words_is(walk, before, "class"))) {
        return TOKEN_DEFINITION;
    }
    bool attribute = lexer_words_is_char(walk, before, '.');
    uint32_t owner = attribute ? walk->second : before;
    if (owner != TOKEN_NONE && walk->list[owner].kind == TOKEN_DECORATOR &&
        lexer_words_is_char(walk, owner, '@') != attribute) {
        return TOKEN_DECORATOR;
    }
    if (lexer_words_is_soft(walk, index)) {
        return TOKEN_SOFT_KEYWORD;
    }
    if (!attribute && lexer_words_is_builtin(word, size) && !lexer_words_is_bound(walk, index)) {
        return TOKEN_BUILTIN;
    }
    return TOKEN_NAME;
}

void
lexer_words_mark(Tokens *tokens, const char *text)
{
    Walk walk = {text, tokens->list, (uint32_t)tokens->count, TOKEN_NONE, TOKEN_NONE, false};
    for (uint32_t i = 0; i < walk.count; i++) {
        Token *token = &walk.list[i];
        if (lexer_words_is_blank(token)) {
            if (token->kind == TOKEN_LINE_END && token->other == TOKEN_NONE) {
                walk.before = walk.second = TOKEN_NONE;
                walk.in_case = false;
            }
            continue;
        }
        if (token->kind == TOKEN_NAME) {
            token->kind = (uint8_t)lexer_words_kind(&walk, i);
        } else if (token->kind == TOKEN_OPERATOR && token->other == TOKEN_NONE) {
            if (walk.before == TOKEN_NONE && lexer_words_is_char(&walk, i, '@')) {
                token->kind = TOKEN_DECORATOR;
            }
            walk.in_case = walk.in_case && !lexer_words_is_char(&walk, i, ':');
        }
        walk.second = walk.before;
        walk.before = i;
    }
}
