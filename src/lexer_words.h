/* What the names of Python source mean: which are keywords, builtins, definitions, decorators. No Python here. */
#ifndef HOOKING_LEXER_WORDS_H
#define HOOKING_LEXER_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "lexer.h"

/* Of any Python from 3.11 to 3.15. */
bool lexer_words_is_keyword(const char *word, size_t size);
bool lexer_words_is_builtin(const char *word, size_t size);

/* Every name in the tokens of `text` is a TOKEN_NAME so far: find its kind, from where it stands. An @ that begins a
 * line becomes a TOKEN_DECORATOR. */
void lexer_words_mark(Tokens *tokens, const char *text);

#endif
