/* An entry as a line, see history_line.h. */
#include "history_line.h"

#include <stdlib.h>
#include <string.h>

/* What is written as a backslash and a letter, at the same places. */
static const char SPECIAL[] = "\n\r\\";
static const char LETTERS[] = "nr\\";

void
history_line_add(Buffer *buffer, const char *entry)
{
    for (;;) {
        size_t plain = strcspn(entry, SPECIAL);
        buffer_add(buffer, entry, plain);
        entry += plain;
        if (*entry == '\0') {
            break;
        }
        buffer_add_char(buffer, '\\');
        buffer_add_char(buffer, LETTERS[strchr(SPECIAL, *entry) - SPECIAL]);
        entry++;
    }
    buffer_add_char(buffer, '\n');
}

char *
history_line_entry(const char *line, size_t size)
{
    char *entry = malloc(size + 1);
    if (entry == NULL) {
        return NULL;
    }
    char *to = entry;
    const char *end = line + size;
    while (line < end) {
        const char *backslash = memchr(line, '\\', (size_t)(end - line));
        size_t plain = (size_t)((backslash == NULL ? end : backslash) - line);
        memcpy(to, line, plain);
        to += plain;
        line += plain;
        if (line == end) {
            break;
        }
        const char *letter = end - line < 2 ? NULL : memchr(LETTERS, line[1], sizeof LETTERS - 1);
        *to++ = letter == NULL ? '\\' : SPECIAL[letter - LETTERS];
        line += letter == NULL ? 1 : 2;
    }
    *to = '\0';
    return entry;
}
