/* The list of what was typed, see history.h.
 *
 * What this process has typed comes last in it, whatever the order in the file is: Up goes back through one's own
 * session first. In the file the sessions are mixed, in the order of time. */
#include "history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "history_line.h"
#include "state_path.h"

/* ---- complaints ---- */

static const char NOT_READ[] = "history not read";

/* `what`, the reason and the file, in this order: if it is cut, the end of a path is what is missed least. */
static void
history_complain(History *history, const char *what, const char *why)
{
    const char *path = history->path == NULL ? "~/.local/state" : history->path;
    size_t size = strlen(what) + strlen(why) + strlen(path) + sizeof " (): ";
    if (!history->complained && (history->complaint = malloc(size)) != NULL) {
        snprintf(history->complaint, size, "%s (%s): %s", what, why, path);
    }
    history->complained = true;
}

/* Hand it to the caller, once, as one line. */
static void
history_tell(History *history, char *complaint, size_t size)
{
    snprintf(complaint, size, "%s", history->complaint == NULL ? "" : history->complaint);
    for (char *c = complaint; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == '\177') {
            *c = '?';
        }
    }
    free(history->complaint);
    history->complaint = NULL;
}

/* From now on it is of this process alone. */
static void
history_give_up(History *history, const char *why)
{
    history_complain(history, "no lasting history", why);
    free(history->path);
    history->path = NULL;
}

/* ---- the list ---- */

/* Make room for so many entries more. */
static bool
history_reserve(History *history, size_t more)
{
    size_t need = history->count + more;
    if (need > history->room) {
        size_t room = need < 64 ? 64 : need + need / 2;
        char **entries = realloc(history->entries, room * sizeof *entries);
        if (entries == NULL) {
            return false;
        }
        history->entries = entries;
        history->room = room;
    }
    return true;
}

/* Remove the oldest. */
static void
history_remove(History *history, size_t number)
{
    if (number == 0) {
        return;
    }
    for (size_t i = 0; i < number; i++) {
        free(history->entries[i]);
    }
    history->count -= number;
    memmove(history->entries, history->entries + number, history->count * sizeof *history->entries);
    history->own = history->own < history->count ? history->own : history->count;
    history->unwritten = history->unwritten < history->count ? history->unwritten : history->count;
}

static bool
history_add(History *history, const char *entry)
{
    char *copy = strdup(entry);
    if (copy == NULL || !history_reserve(history, 1)) {
        free(copy);
        return false;
    }
    history->entries[history->count++] = copy;
    history->own++;
    history->unwritten++;
    history_remove(history, history->count > HISTORY_LIMIT ? history->count - HISTORY_LIMIT : 0);
    return true;
}

/* ---- from the file ---- */

/* The newest lines of a text as entries, into `entries`, which has room for HISTORY_LIMIT. Their number. */
static size_t
history_parse(const Buffer *text, char **entries)
{
    const char *end = text->bytes + text->size;
    const char *line = end;
    /* back to where the oldest one begins that is kept */
    for (size_t lines = 0; line > text->bytes; line--) {
        if (line < end && line[-1] == '\n' && ++lines == HISTORY_LIMIT) {
            break;
        }
    }
    size_t count = 0;
    while (line < end) {
        const char *line_end = memchr(line, '\n', (size_t)(end - line));
        size_t size = (size_t)((line_end == NULL ? end : line_end) - line);
        char *entry = size == 0 ? NULL : history_line_entry(line, size);
        if (entry != NULL && count > 0 && strcmp(entries[count - 1], entry) == 0) {
            free(entry);
        }
        else if (entry != NULL) {
            entries[count++] = entry;
        }
        line += size + 1;
    }
    return count;
}

/* The whole file was read: what was known of it is forgotten, and this process's own entries, which it has in the same
 * order among others, are not taken twice. Returns how many of `fresh` are left. */
static size_t
history_reconcile(History *history, char **fresh, size_t count)
{
    history_remove(history, history->count - history->own);
    size_t own = history->own - history->unwritten;
    for (size_t i = count; i > 0 && own > 0; i--) {
        if (strcmp(fresh[i - 1], history->entries[own - 1]) == 0) {
            free(fresh[i - 1]);
            fresh[i - 1] = NULL;
            own--;
        }
    }
    size_t left = 0;
    for (size_t i = 0; i < count; i++) {
        if (fresh[i] != NULL) {
            fresh[left++] = fresh[i];
        }
    }
    return left;
}

/* Take over what was read, before the entries of this process. */
static void
history_merge(History *history, const Buffer *text, bool anew)
{
    size_t count = 0;
    char **fresh = text->size == 0 ? NULL : malloc(HISTORY_LIMIT * sizeof *fresh);
    if (fresh != NULL) {
        count = history_parse(text, fresh);
    }
    if (anew) {
        count = history_reconcile(history, fresh, count);
    }
    if (count > 0 && history_reserve(history, count)) {
        char **own = history->entries + (history->count - history->own);
        memmove(own + count, own, history->own * sizeof *own);
        memcpy(own, fresh, count * sizeof *own);
        history->count += count;
        count = 0;
    }
    while (count > 0) { /* memory is out */
        free(fresh[--count]);
    }
    free(fresh);
    history_remove(history, history->count > HISTORY_LIMIT ? history->count - HISTORY_LIMIT : 0);
}

/* Take over what is new in the file. False when it cannot be read now, or never. */
static bool
history_read(History *history)
{
    Buffer text = {0};
    bool anew = true;
    const char *why;
    HistoryRead read = history_file_read(&history->file, &text, &anew, &why);
    if (read == HISTORY_READ_DONE) {
        history_merge(history, &text, anew);
    }
    else if (read == HISTORY_READ_FAILED) {
        history_complain(history, NOT_READ, why);
    }
    else {
        history_give_up(history, why);
    }
    buffer_free(&text);
    return read == HISTORY_READ_DONE;
}

/* Go to the file and take over what is new in it. False when there is no file to be had; else it is to be left. */
static bool
history_visit(History *history, bool append)
{
    const char *why;
    bool there = history_file_enter(&history->file, history->path, append, &why);
    if (!there && why == NULL) {
        history->file = (HistoryFile){0}; /* not made yet, or removed */
        history_merge(history, &(Buffer){0}, true);
    }
    else if (!there) {
        history_complain(history, NOT_READ, why);
    }
    else if (!history_read(history)) {
        history_file_leave(&history->file, history->path);
        there = false;
    }
    history->loaded = true;
    return there;
}

/* ---- what others call ---- */

void
history_open(History *history, char *complaint, size_t size)
{
    if (!history->opened) {
        history->opened = true;
        history->path = state_path_find("history");
        const char *why = history->path == NULL ? "no home is known" : history_file_check(history->path);
        if (why != NULL) {
            history_give_up(history, why);
        }
    }
    history_tell(history, complaint, size);
}

void
history_load(History *history, char *complaint, size_t size)
{
    if (history->path != NULL && !(history->loaded && history_file_is_same(&history->file, history->path))
        && history_visit(history, false)) {
        history_file_leave(&history->file, history->path);
    }
    history_tell(history, complaint, size);
}

/* Write what is not in the file yet. */
static void
history_write(History *history)
{
    const char *why;
    for (; history->unwritten > 0; history->unwritten--) {
        if (!history_file_append(&history->file, history->entries[history->count - history->unwritten], &why)) {
            history_complain(history, "history not written yet", why);
            return;
        }
    }
}

bool
history_keep(History *history, const char *entry)
{
    if (entry[0] == ' ' || entry[strspn(entry, " \t\r\n")] == '\0') {
        return true;
    }
    bool there = history->path != NULL && history_visit(history, true);
    bool again = history->count > 0 && strcmp(history->entries[history->count - 1], entry) == 0;
    bool ret = again || history_add(history, entry);
    if (there) {
        history_write(history);
        history_file_leave(&history->file, history->path);
    }
    return ret;
}

void
history_take_over(History *history)
{
    history->own = history->unwritten;
}

void
history_free(History *history)
{
    for (size_t i = 0; i < history->count; i++) {
        free(history->entries[i]);
    }
    free(history->entries);
    free(history->path);
    free(history->complaint);
    *history = (History){0};
}
