/* Lines typed at the prompt, see history.h. */
#include "history.h"

#include <stdlib.h>
#include <string.h>

bool
history_keep(History *history, const char *line)
{
    if (line[strspn(line, " \t\r\n")] == '\0') {
        return true;
    }
    if (history->count > 0 && strcmp(history->entries[history->count - 1], line) == 0) {
        return true;
    }
    char *copy = strdup(line);
    if (copy == NULL) {
        return false;
    }
    if (history->count == HISTORY_LIMIT) {
        free(history->entries[0]);
        history->count--;
        memmove(history->entries, history->entries + 1, history->count * sizeof *history->entries);
    }
    if (history->count == history->size) {
        size_t size = history->size ? history->size * 2 : 64;
        char **entries = realloc(history->entries, size * sizeof *entries);
        if (entries == NULL) {
            free(copy);
            return false;
        }
        history->entries = entries;
        history->size = size;
    }
    history->entries[history->count++] = copy;
    return true;
}

void
history_free(History *history)
{
    for (size_t i = 0; i < history->count; i++) {
        free(history->entries[i]);
    }
    free(history->entries);
    *history = (History){NULL, 0, 0};
}
