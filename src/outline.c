/* The names that a source text defines, see outline.h. */
#include "outline.h"

#include <string.h>

#include "lexer.h"

typedef struct Outline {
    const char *text;
    Tokens tokens;
    OutlineName found;
    void *receiver;
} Outline;

static const Token *
outline_token(const Outline *outline, size_t index)
{
    return &outline->tokens.list[index];
}

static bool
outline_is(const Outline *outline, size_t index, const char *text)
{
    if (index >= outline->tokens.count) {
        return false;
    }
    const Token *token = outline_token(outline, index);
    size_t size = strlen(text);
    return token->end - token->start == size && memcmp(outline->text + token->start, text, size) == 0;
}

static bool
outline_is_name(const Outline *outline, size_t index)
{
    if (index >= outline->tokens.count) {
        return false;
    }
    uint8_t kind = outline_token(outline, index)->kind;
    return kind == TOKEN_NAME || kind == TOKEN_BUILTIN || kind == TOKEN_DEFINITION || kind == TOKEN_SOFT_KEYWORD;
}

static void
outline_tell(const Outline *outline, size_t index)
{
    if (outline_is_name(outline, index)) {
        const Token *token = outline_token(outline, index);
        outline->found(outline->receiver, outline->text + token->start, token->end - token->start);
    }
}

/* Where the statement ends that begins there: behind its last token. */
static size_t
outline_end(const Outline *outline, size_t first)
{
    size_t at = first;
    while (at < outline->tokens.count) {
        const Token *token = outline_token(outline, at);
        if (token->other == TOKEN_NONE && (token->kind == TOKEN_LINE_END || outline_is(outline, at, ";"))) {
            break;
        }
        at++;
    }
    return at;
}

/* `import a.b, c as d` binds a and d, `from x import a as b, c` b and c. */
static void
outline_imports(const Outline *outline, size_t first, size_t end)
{
    bool from = outline_is(outline, first, "from");
    size_t at = first;
    while (from && at < end && !outline_is(outline, at, "import")) {
        at++;
    }
    for (size_t i = at + 1; i < end; i++) {
        bool begins = outline_is(outline, i - 1, "import") || outline_is(outline, i - 1, ",")
                      || outline_is(outline, i - 1, "(") || outline_token(outline, i - 1)->kind == TOKEN_LINE_END;
        if (outline_is(outline, i, "as")) {
            outline_tell(outline, ++i);
        }
        else if (begins && outline_is_name(outline, i)) {
            size_t behind = i + 1;
            while (outline_is(outline, behind, ".")) {
                behind += 2;
            }
            if (!outline_is(outline, behind, "as")) {
                outline_tell(outline, i);
            }
        }
    }
}

/* The names bound by what stands before one `=`: not those of `a.b` and `c[d]`. */
static void
outline_target(const Outline *outline, size_t begin, size_t end)
{
    for (size_t i = begin; i < end; i++) {
        const Token *token = outline_token(outline, i);
        bool behind_operand = i > begin && (outline_is_name(outline, i - 1)
                                            || outline_token(outline, i - 1)->kind == TOKEN_CLOSE);
        if (token->kind == TOKEN_OPEN && behind_operand) {
            i = token->other < end ? token->other : end;
            continue;
        }
        bool whole = i + 1 == end || outline_is(outline, i + 1, ",") || outline_is(outline, i + 1, ")")
                     || outline_is(outline, i + 1, "]") || outline_is(outline, i + 1, ":");
        bool own = i == begin || outline_is(outline, i - 1, ",") || outline_is(outline, i - 1, "(")
                   || outline_is(outline, i - 1, "[") || outline_is(outline, i - 1, "*");
        if (whole && own) {
            outline_tell(outline, i);
        }
    }
}

/* `a = b = ...`, `a, (b, c) = ...`, `a: int`; the targets stand before each `=`. */
static void
outline_targets(const Outline *outline, size_t first, size_t end)
{
    size_t begin = first;
    for (size_t i = first; i < end; i++) {
        const Token *token = outline_token(outline, i);
        bool annotated = i == first + 1 && outline_is(outline, i, ":");
        if (!annotated && (token->other != TOKEN_NONE || !outline_is(outline, i, "="))) {
            continue;
        }
        outline_target(outline, begin, i);
        begin = i + 1;
        if (annotated) {
            break;
        }
    }
}

static size_t
outline_column(const Outline *outline, size_t index)
{
    size_t start = outline_token(outline, index)->start, at = start;
    while (at > 0 && outline->text[at - 1] != '\n' && outline->text[at - 1] != '\r') {
        at--;
    }
    return start - at;
}

static void
outline_statement(const Outline *outline, size_t first, size_t end)
{
    if (outline_is(outline, first, "lazy")) {
        first++;
    }
    if (outline_is(outline, first, "import") || outline_is(outline, first, "from")) {
        outline_imports(outline, first, end);
    }
    else if (outline_is(outline, first, "type") && outline_is_name(outline, first + 1)) {
        outline_tell(outline, first + 1);
    }
    else if (outline_is_name(outline, first) || outline_token(outline, first)->kind == TOKEN_OPEN
             || outline_is(outline, first, "*")) {
        outline_targets(outline, first, end);
    }
}

bool
outline_run(const char *text, size_t size, OutlineName found, void *receiver)
{
    Outline outline = {.text = text, .found = found, .receiver = receiver};
    bool done = lexer_run(&outline.tokens, text, size);
    bool inside = false;  /* a function or a class */
    size_t its_column = 0;
    bool new_line = true;
    for (size_t at = 0; done && at < outline.tokens.count;) {
        uint8_t kind = outline_token(&outline, at)->kind;
        if (kind == TOKEN_LINE_END || kind == TOKEN_COMMENT) {
            new_line = new_line || kind == TOKEN_LINE_END;
            at++;
            continue;
        }
        size_t column = new_line ? outline_column(&outline, at) : its_column + 1;
        size_t end = outline_end(&outline, at);
        inside = inside && column > its_column;
        if (!inside) {
            size_t word = outline_is(&outline, at, "async") ? at + 1 : at;
            inside = outline_is(&outline, word, "def") || outline_is(&outline, word, "class");
            if (inside) {
                its_column = column;
                outline_tell(&outline, word + 1);
            }
            else {
                outline_statement(&outline, at, end);
            }
        }
        new_line = !outline_is(&outline, end, ";");
        at = end + 1;
    }
    lexer_free(&outline.tokens);
    return done;
}
