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
    if (history->count > 0 && strcmp(history->lines[history->count - 1], line) == 0) {
        return true;
    }
    char *copy = strdup(line);
    if (copy == NULL) {
        return false;
    }
    if (history->count == HISTORY_LIMIT) {
        free(history->lines[0]);
        history->count--;
        memmove(history->lines, history->lines + 1, history->count * sizeof *history->lines);
    }
    if (history->count == history->size) {
        size_t size = history->size ? history->size * 2 : 64;
        char **lines = realloc(history->lines, size * sizeof *lines);
        if (lines == NULL) {
            free(copy);
            return false;
        }
        history->lines = lines;
        history->size = size;
    }
    history->lines[history->count++] = copy;
    return true;
}

void
history_free(History *history)
{
    for (size_t i = 0; i < history->count; i++) {
        free(history->lines[i]);
    }
    free(history->lines);
    *history = (History){NULL, 0, 0};
}
