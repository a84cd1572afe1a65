/* lexer.h: tokens of Python source, finished or not. */
#include "lexer.h"

#include <stdio.h>
#include <string.h>

#include "unit.h"

/* A letter for each TokenKind, in its order. */
static const char letters[] = "nkwbda1sfme#()o\\l?";

/* --- what must hold for any text ----------------------------------------------- */

/* As ck_assert(), which takes time even if all is well: for what is asked a million times. */
#define HOLDS(condition) \
    do { \
        if (!(condition)) { \
            ck_abort_msg("not so: %s", #condition); \
        } \
    } while (0)

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\f';
}

static void
check_place(const Tokens *tokens, const char *text, size_t size, uint32_t i)
{
    const Token *token = &tokens->list[i];
    uint32_t gap = i > 0 ? tokens->list[i - 1].end : 0;
    HOLDS(gap <= token->start);
    HOLDS(token->start < token->end);
    HOLDS(token->end <= size);
    HOLDS(token->kind <= TOKEN_ERROR);
    for (; gap < token->start; gap++) {
        HOLDS(is_blank(text[gap]));
    }
}

static bool
is_bracket(const Token *token)
{
    return token->kind == TOKEN_OPEN || token->kind == TOKEN_CLOSE;
}

static bool
is_pair(char open, char close)
{
    return open == '(' ? close == ')' : open == '[' ? close == ']' : close == '}';
}

static void
check_bracket(const Tokens *tokens, const char *text, uint32_t i)
{
    const Token *token = &tokens->list[i];
    HOLDS(!(token->flags & TOKEN_UNFINISHED));
    if (token->other == TOKEN_NONE) {
        HOLDS(token->flags == TOKEN_UNMATCHED);
        return;
    }
    HOLDS(token->other < tokens->count);
    const Token *half = &tokens->list[token->other];
    HOLDS(is_bracket(half) && half->kind != token->kind);
    HOLDS(half->other == i);
    HOLDS(half->flags == token->flags);
    HOLDS((token->kind == TOKEN_OPEN) == (token->other > i));
    if (token->kind == TOKEN_OPEN) {
        HOLDS(is_pair(text[token->start], text[half->start]) == (token->flags == 0));
    }
}

static void
check_around(const Tokens *tokens, uint32_t i)
{
    const Token *token = &tokens->list[i];
    HOLDS(!(token->flags & TOKEN_UNMATCHED));
    if (token->other != TOKEN_NONE) {
        HOLDS(token->other < i);
        const Token *around = &tokens->list[token->other];
        HOLDS(around->kind == TOKEN_OPEN);
        HOLDS(around->other == TOKEN_NONE || around->other > i);
    }
}

/* The tokens of a text, found in a copy of just its size, so that a sanitizer sees what is read beyond. */
static Tokens
run(const char *text, size_t size)
{
    Tokens tokens = {0};
    char *copy = malloc(size > 0 ? size : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, text, size);
    HOLDS(lexer_run(&tokens, copy, size));
    size_t begun = 0, ended = 0;
    for (uint32_t i = 0; i < tokens.count; i++) {
        const Token *token = &tokens.list[i];
        check_place(&tokens, copy, size, i);
        if (is_bracket(token)) {
            check_bracket(&tokens, copy, i);
        } else {
            check_around(&tokens, i);
        }
        begun += token->kind == TOKEN_STRING_START && !(token->flags & TOKEN_UNFINISHED);
        ended += token->kind == TOKEN_STRING_END;
    }
    HOLDS(begun == ended);
    for (size_t at = tokens.count > 0 ? tokens.list[tokens.count - 1].end : 0; at < size; at++) {
        HOLDS(is_blank(copy[at]));
    }
    if (tokens.open != TOKEN_NONE) {
        HOLDS(tokens.list[tokens.open].kind == TOKEN_OPEN);
        HOLDS(tokens.list[tokens.open].other == TOKEN_NONE);
    }
    free(copy);
    return tokens;
}

/* The kinds as letters, each with a ! behind it if it has a flag; or what the tokens are, with a | between them. */
static char *
show(const char *text, const Tokens *tokens, bool kinds)
{
    char *shown = calloc(strlen(text) + 2 * tokens->count + 1, 1), *end = shown;
    ck_assert_ptr_nonnull(shown);
    for (size_t i = 0; i < tokens->count; i++) {
        const Token *token = &tokens->list[i];
        if (kinds) {
            *end++ = letters[token->kind];
            if (token->flags) {
                *end++ = '!';
            }
        } else {
            end += sprintf(end, "%s%.*s", i > 0 ? "|" : "", (int)(token->end - token->start), text + token->start);
        }
    }
    return shown;
}

typedef struct Example {
    const char *text;
    const char *want;
} Example;

static void
check_example(const Example *example, bool kinds)
{
    Tokens tokens = run(example->text, strlen(example->text));
    char *shown = show(example->text, &tokens, kinds);
    ck_assert_msg(strcmp(shown, example->want) == 0, "<%s>: %s, not %s", example->text, shown, example->want);
    free(shown);
    lexer_free(&tokens);
}

/* --- kinds ---------------------------------------------------------------------- */

static const Example kinds[] = {
    {"", ""},
    {" \t\f ", ""},
    {"x", "n"},
    {"\xc3\xa9t\xc3\xa9 = \xff\x80", "non"},
    {"if x is not None: pass", "knkkkok"},
    {"True, False", "kok"},
    {"async def f(): await x", "kkd()okn"},
    {"x = 1  # one", "no1#"},
    {"x\n\ny\n", "nllnl"},
    {"x\r\ny\rz", "nlnln"},
    {"'a' b\"c\" f''", "ssfe"},
    {"f'a{x!r:>{w}}b' t\"{y}\"", "fm(nonom(n))mef(n)e"},
    {"(x[{y}])", "(n((n)))"},
    {"a \\\n b", "n\\n"},
    {"a \\", "n\\"},
    {"a \\\r\n b", "n\\n"},
    {"a \\ b", "n?n"},
    {"$ ? ! `", "????"},
    {"\x01", "?"},
    /* definitions */
    {"def list(self): pass", "kd(n)ok"},
    {"class match(type): pass", "kd(b)ok"},
    {"class C[T](list): pass", "kd(n)(b)ok"},
    {"def", "k"},
    {"def None", "kk"},
    {"define x", "nn"},
    /* decorators */
    {"@property\ndef f(): pass", "aalkd()ok"},
    {"@a.b.c(d.e)", "aaoaoa(non)"},
    {"  @list", "aa"},
    {"x @ y", "non"},
    {"(\n@ y)", "(lon)"},
    {"@f(x).y", "aa(n)on"},
    {"@x\n.y", "aalon"},
    {"x @= y\n@z", "nonlaa"},
    /* builtins */
    {"print(len(x), ValueError)", "b(b(n)ob)"},
    {"x.list, x . print", "nononon"},
    {"f(list=1, *, id = 2)", "n(no1ooono1)"},
    {"f(x == list, id==y)", "n(nobobon)"},
    {"list = []", "no()"},
    {"a = id = 3; id = 4", "nono1ono1"},
    {"id == 3", "bo1"},
    {"x: list = []", "nobo()"},
    {"def f(list, *id, x: int = 3, **dict): pass", "kd(noononobo1oon)ok"},
    {"def f[T](type, y=str): pass", "kd(n)(nonob)ok"},
    {"import open, x as id", "knonkn"},
    {"for id in range(3): pass", "knkb(1)ok"},
    {"raise x from ValueError", "knkb"},
    {"listing, prints, lis", "nonon"},
    {"f'{list=}'", "f(bo)e"},
    {"\\\nlist", "\\b"},
    /* soft keywords, where they are */
    {"match x:\n case _:\n  pass\n", "wnolwwolkl"},
    {"match x", "wn"},
    {"match (x):", "w(n)o"},
    {"match (x):  # why\n", "w(n)o#l"},
    {"match -x:", "wono"},
    {"match *a, b:", "wonono"},
    {"match [a, b]:", "w(non)o"},
    {"match {}:", "w()o"},
    {"match {", "w(!"},
    {"match not x:", "wkno"},
    {"match lambda: x:", "wkono"},
    {"match 'x':", "wso"},
    {"match f'{x}':", "wf(n)eo"},
    {"match ...:", "woo"},
    {"match match:", "wno"},
    {"case 1:", "w1o"},
    {"case -1 | 'x':", "wo1oso"},
    {"case (x, _): _", "w(now)on"},
    {"case [_, *_] if _ > 1: _", "w(woow)kno1on"},
    {"case {'a': _}:", "w(sow)o"},
    {"case C(a=_, _=1):", "wn(nowono1)o"},
    {"case None:", "wko"},
    {"case str(_) | _.x:", "wb(w)onono"},
    {"x = 1\nmatch y:", "no1lwno"},
    {"type X = int", "wnob"},
    {"type X[T] = list[T]", "wn(n)ob(n)"},
    {"type type = int", "wnob"},
    {"x; type Y = int", "nownob"},
    {"if x: type Y = int", "knownob"},
    {"lazy import x", "wkn"},
    {"lazy from x import y", "wknkn"},
    /* and where they are not */
    {"match = 1", "no1"},
    {"match", "n"},
    {"match.x", "non"},
    {"match(x)", "n(n)"},
    {"match(x)\ny = {1: 2}", "n(n)lno(1o1)"},
    {"match[x]", "n(n)"},
    {"match[x]: int = 3", "n(n)obo1"},
    {"match -x", "non"},
    {"match * x", "non"},
    {"match in x", "nkn"},
    {"match not in x", "nkkn"},
    {"match is None", "nkk"},
    {"match if x else y", "nknkn"},
    {"match, x = y", "nonon"},
    {"match: int = 3", "nobo1"},
    {"x = match", "non"},
    {"(\nmatch x)", "(lnn)"},
    {"print(match, case)", "b(non)"},
    {"x.match(y)", "non(n)"},
    {"case = 1", "no1"},
    {"case(x)", "n(n)"},
    {"_ = 1", "no1"},
    {"f(_)", "n(n)"},
    {"type(x)", "b(n)"},
    {"type = 1", "no1"},
    {"x.type", "non"},
    {"type in x", "bkn"},
    {"lazy = 1", "no1"},
    {"lazy(x)", "n(n)"},
    {"lazy\nimport x", "nlkn"},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

START_TEST(test_kind)
{
    check_example(&kinds[_i], true);
}
END_TEST

/* --- boundaries ----------------------------------------------------------------- */

static const Example boundaries[] = {
    /* numbers */
    {"1_000.5e-3j+2", "1_000.5e-3j|+|2"},
    {"0xFF_ff 0b1_01 0o17 0XaB", "0xFF_ff|0b1_01|0o17|0XaB"},
    {"0x_f 0_0 0777 00.5", "0x_f|0_0|0777|00.5"},
    {"1. .5 1.e5 1.5E+10 1e5J", "1.|.5|1.e5|1.5E+10|1e5J"},
    {"0xFFl 10L 0777l", "0xFF|l|10|L|0777|l"},
    {"1if x else 0xfor y", "1|if|x|else|0xf|or|y"},
    {"1_ 1__0 0x 0b2 0o8 0xg", "1|_|1|__0|0|x|0|b2|0|o8|0|xg"},
    {"1e 1e+ 1ex 1._5 1_.5", "1|e|1|e|+|1|ex|1.|_5|1|_|.5"},
    {"1..real 1.real 1...", "1.|.|real|1.|real|1.|.|."},
    {"1jif x.5", "1j|if|x|.5"},
    {"\xd9\xa3", "\xd9\xa3"},
    /* operators */
    {"a**=b//=c>>=d<<=e", "a|**=|b|//=|c|>>=|d|<<=|e"},
    {"a!=b->c:=d...e..f", "a|!=|b|->|c|:=|d|...|e|.|.|f"},
    {"+=-=*=/=%=&=|=^=@===<=>=", "+=|-=|*=|/=|%=|&=||=|^=|@=|==|<=|>="},
    {"a<>b<-c~~d", "a|<|>|b|<|-|c|~|~|d"},
    /* strings */
    {"'' \"\" '''''' 'it\\'s' \"'\"", "''|\"\"|''''''|'it\\'s'|\"'\""},
    {"r'\\' ' u'x' Rb'' bR\"\" B'' U\"\"", "r'\\' '|u'x'|Rb''|bR\"\"|B''|U\"\""},
    {"ur'' bu'' rr'' xf'' fb''", "ur|''|bu|''|rr|''|xf|''|fb|''"},
    {"'''a\n'b''c\\'''d''' e", "'''a\n'b''c\\'''d'''|e"},
    {"'a\\\nb' c", "'a\\\nb'|c"},
    {"'a\\\r\nb' c", "'a\\\r\nb'|c"},
    {"'a' 'b''c'", "'a'|'b'|'c'"},
    /* f-strings and t-strings */
    {"f'' F\"\" rf'' fR'' Rf\"\" t'' Tr'' rT''",
     "f'|'|F\"|\"|rf'|'|fR'|'|Rf\"|\"|t'|'|Tr'|'|rT'|'"},
    {"f'a{x}b{y}'", "f'|a|{|x|}|b|{|y|}|'"},
    {"f'{{x}} {{{y}}}'", "f'|{{x}} {{|{|y|}|}}|'"},
    {"f'{x!r:>{w}.{p}}'", "f'|{|x|!|r|:|>|{|w|}|.|{|p|}|}|'"},
    {"f'{x = }{y!=z}{(a:=1)}{b:=1}'", "f'|{|x|=|}|{|y|!=|z|}|{|(|a|:=|1|)|}|{|b|:|=1|}|'"},
    {"f'{a[1:2]}{ {1: 2}[1] }'", "f'|{|a|[|1|:|2|]|}|{|{|1|:|2|}|[|1|]|}|'"},
    {"f'{lambda x: 1}'", "f'|{|lambda|x|:| 1|}|'"},
    {"f'\\N{DASH}{x:\\N{DOT}}' rf'\\N{x}'", "f'|\\N{DASH}|{|x|:|\\N{DOT}|}|'|rf'|\\N|{|x|}|'"},
    {"f'\\{x}\\'' rf'\\{x}'", "f'|\\|{|x|}|\\'|'|rf'|\\|{|x|}|'"},
    {"f'{x:a{{y}}b}'", "f'|{|x|:|a|{|{|y|}|}|b|}|'"},
    {"f'''{\nx:\n}'\n''' y", "f'''|{|\n|x|:|\n|}|'\n|'''|y"},
    {"f'{\nx # \"'\n}' y", "f'|{|\n|x|# \"'|\n|}|'|y"},
    {"f'a\\\nb' y", "f'|a\\\nb|'|y"},
    {"f'{x:\\\n}' y", "f'|{|x|:|\\\n|}|'|y"},
    /* the f-string's own quote in a field */
    {"f'{d['k']}' x", "f'|{|d|[|'k'|]|}|'|x"},
    {"f'{f'{f'{1}'}'}' x", "f'|{|f'|{|f'|{|1|}|'|}|'|}|'|x"},
    {"f'{'''a'''}{''}' x", "f'|{|'''a'''|}|{|''|}|'|x"},
    {"f'''{'a'}{'''b'''}''' x", "f'''|{|'a'|}|{|'''b'''|}|'''|x"},
    {"f'{\nd['k']\n}' x", "f'|{|\n|d|[|'k'|]|\n|}|'|x"},
    {"f\"{'\"'}\" x", "f\"|{|'\"'|}|\"|x"},
    {"f\"{f'{x}'}\" x", "f\"|{|f'|{|x|}|'|}|\"|x"},
    /* and that ends it, since nothing else does */
    {"f'{x' y", "f'|{|x|'|y"},
    {"g(f'{x', 'y')", "g|(|f'|{|x|'|,|'y'|)"},
    {"g(f'{x.f', 'y')\nz", "g|(|f'|{|x|.|f|'|,|'y'|)|\n|z"},
    {"f'{f' x", "f'|{|f|'|x"},
    {"f'{rb' x", "f'|{|rb|'|x"},
    {"f\"{f'{x\" y", "f\"|{|f'|{|x|\"|y"},
    {"f'''{x''' y", "f'''|{|x|'''|y"},
    {"f'{x:>3' y", "f'|{|x|:|>3|'|y"},
    {"f'{(x' y", "f'|{|(|x|'|y"},
    {"f'{x'\nf'{d['k']}'", "f'|{|x|'|\n|f'|{|d|[|'k'|]|}|'"},
};
enum { BOUNDARIES = sizeof boundaries / sizeof *boundaries };

START_TEST(test_boundary)
{
    check_example(&boundaries[_i], false);
}
END_TEST

/* --- what is not finished ------------------------------------------------------- */

typedef struct Unfinished {
    const char *text;
    const char *want; /* kinds, as in show() */
    int open;         /* offset of the innermost open bracket, -1 for none */
    bool in_string;
} Unfinished;

static const Unfinished unfinished[] = {
    {"", "", -1, false},
    {"'abc", "s!", -1, false},
    {"'abc\nx", "s!ln", -1, false},
    {"'abc\r\nx", "s!ln", -1, false},
    {"b'", "s!", -1, false},
    {"'abc\\", "s!", -1, true},
    {"'abc\\\n", "s!", -1, true},
    {"'abc\\\nd", "s!", -1, false},
    {"'abc\\\\", "s!", -1, false},
    {"'''abc\nx", "s!", -1, true},
    {"x = \"\"\"", "nos!", -1, true},
    {"'''abc''", "s!", -1, true},
    {"'''abc'''", "s", -1, false},
    {"f'", "f!", -1, false},
    {"f'abc\nx", "f!m!ln", -1, false},
    {"f'a{x}b\ny", "f!m(n)m!ln", -1, false},
    {"f'abc\\", "f!m!", -1, true},
    {"f'''a{x}b\n", "f!m(n)m!", -1, true},
    {"f'{x", "f!(!n", 2, false},
    {"f'''{x", "f!(!n", 4, true},
    {"f'{x:>3\ny", "f!(!nom!ln", -1, false},
    {"f'{x'", "f(!ne", -1, false},
    {"f'{[x'", "f(!(!ne", -1, false},
    {"f\"{f'{x\"", "f(!f!(!ne", -1, false},
    {"f'{d['k'", "f!(!n(!s", 4, false},
    {"f'{d['k']", "f!(!n(s)", 2, false},
    {"f'{d['k']}", "f!(n(s))", -1, false},
    {"f'{d['k'\nx", "f!(!n(!sln", 4, false},
    {"f'{d['k", "f(!n(!en", -1, false},
    {"f'{d['k']\n' + 1", "f(!n(s)leo1", -1, false}, /* the first line was right */
    /* brackets */
    {"(", "(!", 0, false},
    {"f(x, [y", "n(!no(!n", 5, false},
    {"f(x, [y]", "n(!no(n)", 1, false},
    {")", ")!", -1, false},
    {"x) + (y)", "n)!o(n)", -1, false},
    {"[x)", "(!n)!", -1, false},
    {"[x) + [y]", "(!n)!o(n)", -1, false},
    {"f(a, [b, c)\n(d)", "n(no(!non)l(n)", -1, false},
    {"f(a, b]) + (c)", "n(!non)!)!o(n)", -1, false},
    {"({[x)", "((!(!n)", -1, false},
    {"f'{(x}' + (y)", "f((!n)eo(n)", -1, false},
    {"f'{x)}' + (y)", "f(n)!)eo(n)", -1, false},
    {"(f'{x)}')", "(f(n)!)e)", -1, false},
    {"f'}' + (y)", "f)!eo(n)", -1, false},
};
enum { UNFINISHED = sizeof unfinished / sizeof *unfinished };

START_TEST(test_unfinished)
{
    const Unfinished *want = &unfinished[_i];
    Tokens tokens = run(want->text, strlen(want->text));
    char *shown = show(want->text, &tokens, true);
    ck_assert_msg(strcmp(shown, want->want) == 0, "<%s>: %s, not %s", want->text, shown, want->want);
    int open = tokens.open == TOKEN_NONE ? -1 : (int)tokens.list[tokens.open].start;
    ck_assert_msg(open == want->open, "<%s>: open at %d, not %d", want->text, open, want->open);
    ck_assert_msg(tokens.in_string == want->in_string, "<%s>: %sin a string", want->text,
                  want->in_string ? "not " : "");
    free(shown);
    lexer_free(&tokens);
}
END_TEST

START_TEST(test_brackets_know_their_halves)
{
    Tokens tokens = run("f(a[1], f'{b}')", 15);
    static const uint32_t want[] = {TOKEN_NONE, 12, 1, 5, 3, 3, 1, 1, 10, 8, 8, 1, 1};
    ck_assert_uint_eq(tokens.count, sizeof want / sizeof *want);
    for (size_t i = 0; i < tokens.count; i++) {
        ck_assert_uint_eq(tokens.list[i].other, want[i]);
    }
    lexer_free(&tokens);
}
END_TEST

START_TEST(test_wrong_halves_know_each_other)
{
    Tokens tokens = run("[x)", 3);
    ck_assert_uint_eq(tokens.list[0].other, 2);
    ck_assert_uint_eq(tokens.list[2].other, 0);
    lexer_free(&tokens);
}
END_TEST

START_TEST(test_before_finds_the_last_token_that_starts_earlier)
{
    Tokens tokens = run("  ab + c", 8);
    static const uint32_t want[] = {TOKEN_NONE, TOKEN_NONE, TOKEN_NONE, 0, 0, 0, 1, 1, 2, 2};
    for (size_t offset = 0; offset < sizeof want / sizeof *want; offset++) {
        ck_assert_uint_eq(lexer_before(&tokens, offset), want[offset]);
    }
    lexer_free(&tokens);
    ck_assert_uint_eq(lexer_before(&tokens, 3), TOKEN_NONE);
}
END_TEST

START_TEST(test_memory_is_used_again)
{
    Tokens tokens = {0};
    ck_assert(lexer_run(&tokens, "(a", 2));
    Token *list = tokens.list;
    ck_assert(lexer_run(&tokens, "'''", 3));
    ck_assert_uint_eq(tokens.open, TOKEN_NONE);
    ck_assert(lexer_run(&tokens, "b", 1));
    ck_assert_ptr_eq(tokens.list, list);
    ck_assert_uint_eq(tokens.count, 1);
    ck_assert(!tokens.in_string);
    lexer_free(&tokens);
    ck_assert_ptr_null(tokens.list);
    ck_assert_uint_eq(tokens.count, 0);
}
END_TEST

START_TEST(test_four_gigabytes_are_refused)
{
    Tokens tokens = {0};
    ck_assert(lexer_run(&tokens, "(", 1));
    ck_assert(!lexer_run(&tokens, "x", UINT32_MAX));
    ck_assert_uint_eq(tokens.count, 0);
    ck_assert_uint_eq(tokens.open, TOKEN_NONE);
    lexer_free(&tokens);
}
END_TEST

/* --- large, broken, random ------------------------------------------------------ */

/* Repeated to half a megabyte, then what is behind it as often. The time limit is for what is not linear. */
static const Example repeated[] = {
    {"(", ""}, {"([{", ""}, {"(", ")"}, {"[", ")"}, {"[(", ")"}, {")", ""}, {"f'{", ""}, {"f'{", "'"},
    {"f'{\n", "'\n"}, {"f'{x'\n", ""}, {"f'{x' ", ""}, {"f'{x'''\n", ""}, {"f'{x\\'''\n", ""}, {"f'{(", "\n''"},
    {"f'{(", "\n'"}, {"f'''{", "'''"}, {"f'{f\"{\n", "\"\n"}, {"f'{f\"{f'''{f\"\"\"{\n", "'\n"}, {"f'{x:{", "}}"},
    {"match(\n", ""}, {"match(x);", ":"}, {"match(x)\n", ""}, {"case(_)", ""}, {"(list\n\n\n", ""}, {"\\\n", "x"},
    {"'", ""}, {"\"\"\"", ""}, {"x", ""}, {"1_0", ""}, {"\n", ""}, {"#", ""}, {"f'{{", ""}, {"@a.", ""},
    {"f'", "{"}, {"f\"{'{", "'"}, {"f'{\n{[(", "'\n"},
};
enum { REPEATED = sizeof repeated / sizeof *repeated };

START_TEST(test_time_is_in_proportion_to_size)
{
    enum { SIZE = 500000 };
    const Example *example = &repeated[_i];
    size_t size = strlen(example->text), tail = strlen(example->want), count = SIZE / (size + tail);
    char *text = malloc(SIZE), *end = text;
    ck_assert_ptr_nonnull(text);
    for (size_t i = 0; i < count; i++, end += size) {
        memcpy(end, example->text, size);
    }
    for (size_t i = 0; i < count; i++, end += tail) {
        memcpy(end, example->want, tail);
    }
    Tokens tokens = run(text, (size_t)(end - text));
    ck_assert_uint_gt(tokens.count, 0);
    lexer_free(&tokens);
    free(text);
}
END_TEST

static const char sample[] =
    "@cache.it(size=3)\n"
    "async def find(self, id: int = 0x_ff, *, key=lambda x: x ** 2) -> list[str]:\n"
    "    '''Doc \\''' string.\n    '''\n"
    "    match self.kind, [*id]:\n"
    "        case {'a': _, **rest} if rest: # why\r\n"
    "            return f'{x!r:>{w}.{p}} {{}} {d['k'] = } \\N{DASH}' \\\n"
    "                rf\"\\{y:%H:%M}\" f'''{\n\"\"\"a\"\"\" + f'{f\"{1}\"}'}\n'''\n"
    "        case _: type X[T] = (1_0.5e-3j, .5, ...)\n"
    "    x: dict = {b'\\x00\\\n', '\xc3\xa9': [not (a <= b != c)]}; print(f'{x', t'{y:', 'z')\n";

/* As it is typed, from any of its lines on. */
START_TEST(test_any_beginning_of_a_source_is_read)
{
    for (size_t from = 0; from + 1 < sizeof sample; from += strcspn(sample + from, "\n") + 1) {
        for (size_t size = 0; from + size < sizeof sample; size++) {
            Tokens tokens = run(sample + from, size);
            lexer_free(&tokens);
        }
    }
}
END_TEST

/* Pieces and bytes in any order, the same each time. */
START_TEST(test_any_bytes_are_read)
{
    static const char *const pieces[] = {
        "'", "\"", "'''", "\"\"\"", "f'", "f\"", "rf'''", "t\"\"\"", "{", "}", "{{", "}}", "(", ")", "[", "]", ":",
        "!", "=", "\\", "\n", "\r", "\r\n", " ", "\t", "\f", "#", "x", "1", ".", "0x", "_", "match ", "case ", "type ",
        "def ", "@", "list", ",", ";", "\xc3\xa9", "\xff", "$", "\\N{", "\\\n", "if ", "*", "-",
    };
    enum { ROUNDS = 50000, PIECES = sizeof pieces / sizeof *pieces, STRING_PIECES = 21 };
    uint64_t seed = 1;
    for (int round = 0; round < ROUNDS; round++) {
        char text[256];
        size_t size = 0;
        for (int count = round % 40; count > 0; count--) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            uint32_t random = (uint32_t)(seed >> 33);
            if (random % 16 == 0) {
                text[size++] = (char)(random >> 8);
                continue;
            }
            const char *piece = pieces[(random >> 8) % (round % 2 ? PIECES : STRING_PIECES)];
            memcpy(text + size, piece, strlen(piece));
            size += strlen(piece);
        }
        Tokens tokens = run(text, size);
        lexer_free(&tokens);
    }
}
END_TEST

int
main(void)
{
    TCase *finished = tcase_create("finished");
    tcase_add_loop_test(finished, test_kind, 0, KINDS);
    tcase_add_loop_test(finished, test_boundary, 0, BOUNDARIES);
    tcase_add_test(finished, test_brackets_know_their_halves);
    tcase_add_test(finished, test_before_finds_the_last_token_that_starts_earlier);
    tcase_add_test(finished, test_memory_is_used_again);
    tcase_add_test(finished, test_four_gigabytes_are_refused);
    TCase *broken = tcase_create("broken");
    tcase_set_timeout(broken, 30);
    tcase_add_loop_test(broken, test_unfinished, 0, UNFINISHED);
    tcase_add_test(broken, test_wrong_halves_know_each_other);
    tcase_add_loop_test(broken, test_time_is_in_proportion_to_size, 0, REPEATED);
    tcase_add_test(broken, test_any_beginning_of_a_source_is_read);
    tcase_add_test(broken, test_any_bytes_are_read);
    return unit_run("lexer", (TCase *const[]){finished, broken}, 2);
}
