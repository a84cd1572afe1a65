/* lexer.h against Python itself: the tokens of the standard library, and the words of this interpreter. */
#include "lexer.h"

#include <stdio.h>
#include <string.h>

#include "lexer_words.h"
#include "unit.h"

/* What tests/c/tokens.py says about one file. */
typedef struct Oracle {
    char *name;
    char *text;
    uint32_t size, count;
    uint32_t *starts, *ends;
    char *classes;
} Oracle;

static void *
oracle_read(FILE *pipe, size_t size)
{
    char *bytes = malloc(size + 1);
    ck_assert_ptr_nonnull(bytes);
    ck_assert_uint_eq(fread(bytes, 1, size, pipe), size);
    bytes[size] = '\0';
    return bytes;
}

/* False at the end, with the number of refused files as size. */
static bool
oracle_next(FILE *pipe, Oracle *oracle)
{
    uint32_t sizes[3];
    ck_assert_msg(fread(sizes, sizeof *sizes, 3, pipe) == 3, "tests/c/tokens.py has stopped too early");
    oracle->size = sizes[1];
    oracle->count = sizes[2];
    if (sizes[0] == 0) {
        return false;
    }
    oracle->name = oracle_read(pipe, sizes[0]);
    oracle->text = oracle_read(pipe, sizes[1]);
    oracle->starts = oracle_read(pipe, sizes[2] * sizeof(uint32_t));
    oracle->ends = oracle_read(pipe, sizes[2] * sizeof(uint32_t));
    oracle->classes = oracle_read(pipe, sizes[2]);
    return true;
}

static void
oracle_free(Oracle *oracle)
{
    free(oracle->name);
    free(oracle->text);
    free(oracle->starts);
    free(oracle->ends);
    free(oracle->classes);
}

/* Run tests/c/tokens.py with an argument. HK_TEST_PYTHON is the interpreter; HK_TEST_SOURCES may name other folders. */
static FILE *
oracle_open(const char *argument)
{
    char command[4096];
    const char *python = getenv("HK_TEST_PYTHON");
    const char *folder = getenv("srcdir");
    snprintf(command, sizeof command, "'%s' '%s/tests/c/tokens.py' %s", python ? python : "python3",
             folder ? folder : ".", argument);
    FILE *pipe = popen(command, "r");
    ck_assert_ptr_nonnull(pipe);
    return pipe;
}

static char
class_of(const char *text, const Token *token)
{
    static const char classes[] = {
        [TOKEN_NAME] = 'n', [TOKEN_KEYWORD] = 'n', [TOKEN_SOFT_KEYWORD] = 'n', [TOKEN_BUILTIN] = 'n',
        [TOKEN_DEFINITION] = 'n', [TOKEN_DECORATOR] = 'n', [TOKEN_NUMBER] = '1', [TOKEN_STRING] = 's',
        [TOKEN_STRING_START] = 'f', [TOKEN_STRING_MIDDLE] = 'm', [TOKEN_STRING_END] = 'e', [TOKEN_COMMENT] = '#',
        [TOKEN_OPEN] = 'o', [TOKEN_CLOSE] = 'o', [TOKEN_OPERATOR] = 'o', [TOKEN_CONTINUATION] = '\\',
        [TOKEN_LINE_END] = 'l', [TOKEN_ERROR] = 'x',
    };
    return token->kind == TOKEN_DECORATOR && text[token->start] == '@' ? 'o' : classes[token->kind];
}

/* Index of the end of the string that begins there. */
static size_t
string_end(const Tokens *tokens, size_t index)
{
    size_t depth = 0;
    for (; index < tokens->count; index++) {
        depth += tokens->list[index].kind == TOKEN_STRING_START;
        depth -= tokens->list[index].kind == TOKEN_STRING_END;
        if (depth == 0) {
            break;
        }
    }
    return index;
}

/* Compare, and print the first difference. */
static bool
oracle_agrees(const Oracle *oracle, const Tokens *tokens)
{
    size_t i = 0;
    for (uint32_t k = 0; k <= oracle->count; k++, i++) {
        while (i < tokens->count && tokens->list[i].kind == TOKEN_CONTINUATION) {
            i++; /* tokenize does not tell of these */
        }
        if (k == oracle->count && i >= tokens->count) {
            return true;
        }
        if (k == oracle->count || i >= tokens->count) {
            fprintf(stderr, "%s: %s tokens than tokenize has\n", oracle->name, i < tokens->count ? "more" : "fewer");
            return false;
        }
        const Token *token = &tokens->list[i];
        uint32_t start = token->start;
        char class = class_of(oracle->text, token);
        if (class == 'f' && oracle->classes[k] == 's') {
            i = string_end(tokens, i); /* up to 3.11 an f-string is one token */
            token = &tokens->list[i < tokens->count ? i : i - 1];
            class = 's';
        }
        if (start != oracle->starts[k] || token->end != oracle->ends[k] || class != oracle->classes[k]) {
            uint32_t from = start < oracle->starts[k] ? start : oracle->starts[k];
            fprintf(stderr, "%s: tokenize has %c %u-%u, the lexer %c %u-%u, in <%.60s>\n", oracle->name,
                    oracle->classes[k], oracle->starts[k], oracle->ends[k], class, start, token->end,
                    oracle->text + from);
            return false;
        }
    }
    return true;
}

START_TEST(test_boundaries_are_those_of_tokenize)
{
    const char *folders = getenv("HK_TEST_SOURCES");
    FILE *pipe = oracle_open(folders ? folders : "");
    Oracle oracle;
    Tokens tokens = {0};
    size_t files = 0, different = 0, flagged = 0;
    while (oracle_next(pipe, &oracle)) {
        ck_assert(lexer_run(&tokens, oracle.text, oracle.size));
        different += !oracle_agrees(&oracle, &tokens);
        size_t flags = 0;
        for (size_t i = 0; i < tokens.count; i++) {
            flags += tokens.list[i].flags != 0;
        }
        if (flags > 0) {
            fprintf(stderr, "%s: %zu tokens are called unfinished or unmatched\n", oracle.name, flags);
        }
        flagged += flags > 0;
        files++;
        oracle_free(&oracle);
    }
    ck_assert_int_eq(pclose(pipe), 0);
    lexer_free(&tokens);
    printf("%zu files compared, tokenize refuses %u\n", files, oracle.size);
    ck_assert_msg(different + flagged == 0, "of %zu files %zu have other tokens", files, different);
    ck_assert_uint_gt(files, folders ? 0 : 500);
}
END_TEST

/* HK_TEST_PYTHON may be newer than what the tables were made for: then they lack a word here. */
START_TEST(test_words_of_this_python_are_known)
{
    FILE *pipe = oracle_open("words");
    char class[16], word[64];
    size_t count = 0;
    while (fscanf(pipe, "%15s %63s", class, word) == 2) {
        size_t size = strlen(word);
        if (strcmp(class, "keyword") == 0) {
            ck_assert_msg(lexer_words_is_keyword(word, size), "%s is a keyword", word);
        } else if (strcmp(class, "builtin") == 0) {
            ck_assert_msg(lexer_words_is_builtin(word, size), "%s is a builtin", word);
        } else {
            ck_assert_msg(strstr(" _ case lazy match type ", word) != NULL, "%s is a soft keyword", word);
        }
        count++;
    }
    ck_assert_int_eq(pclose(pipe), 0);
    ck_assert_uint_gt(count, 150);
}
END_TEST

int
main(void)
{
    TCase *library = tcase_create("library");
    tcase_set_timeout(library, 600);
    tcase_add_test(library, test_boundaries_are_those_of_tokenize);
    tcase_add_test(library, test_words_of_this_python_are_known);
    return unit_run("tokens", (TCase *const[]){library}, 1);
}
