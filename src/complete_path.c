/* Paths of files, within strings and behind commands. The disk is read without the GIL. */
#include "complete_parts.h"

#include <dirent.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct Path {
    Matches *matches;
    const Quote *quote;  /* how to write a name: NULL for a word behind a command */
    const char *typed;   /* the path as it is meant, up to the point */
    size_t folder_size;  /* so much of that is the folder, with its slash */
    Buffer folder;       /* where that is: ~ replaced, "." for none */
    Buffer shown;        /* the folder as it is written */
} Path;

/* ---- folders ---- */

static const char *
path_home(const char *user, size_t size)
{
    char name[256];
    const char *home = size == 0 ? getenv("HOME") : NULL;
    if (home != NULL || size >= sizeof name) {
        return home;
    }
    memcpy(name, user, size);
    name[size] = '\0';
    const struct passwd *entry = size == 0 ? getpwuid(getuid()) : getpwnam(name);
    return entry == NULL ? NULL : entry->pw_dir;
}

static void
path_find_folder(Path *path)
{
    const char *typed = path->typed;
    size_t size = path->folder_size;
    if (size > 0 && *typed == '~') {
        size_t name = strcspn(typed + 1, "/");
        const char *home = path_home(typed + 1, name);
        if (home != NULL) {
            buffer_add_string(&path->folder, home);
            typed += 1 + name;
            size -= 1 + name;
        }
    }
    buffer_add(&path->folder, size == 0 && path->folder.size == 0 ? "." : typed, size == 0 ? 1 : size);
}

static bool
path_is_folder(const Path *path, const struct dirent *entry)
{
#ifdef DT_DIR
    if (entry->d_type != DT_UNKNOWN && entry->d_type != DT_LNK) {
        return entry->d_type == DT_DIR;
    }
#endif
    struct stat status;
    Buffer whole = {NULL, 0, 0, false};
    buffer_add(&whole, path->folder.bytes, path->folder.size);
    buffer_add_char(&whole, '/');
    buffer_add_string(&whole, entry->d_name);
    bool is = !whole.failed && stat(whole.bytes, &status) == 0 && S_ISDIR(status.st_mode);
    buffer_free(&whole);
    return is;
}

/* ---- writing ---- */

static bool
path_write(const Quote *quote, const char *text, size_t size, Buffer *written)
{
    if (quote != NULL) {
        return quote_write(quote, text, size, written);
    }
    for (size_t i = 0; i < size; i++) {
        if (strchr(" \\'\"", text[i]) != NULL) {
            buffer_add_char(written, '\\');
        }
        buffer_add_char(written, text[i]);
    }
    return !written->failed;
}

/* Well-formed UTF-8? What is not could not be shown, nor be in a str. */
static bool
path_is_text(const char *name)
{
    const unsigned char *at = (const unsigned char *)name;
    while (*at != '\0') {
        size_t more = *at < 0x80 ? 0 : *at >= 0xc2 && *at < 0xe0 ? 1 : (*at & 0xf0) == 0xe0 ? 2
                      : *at >= 0xf0 && *at < 0xf5 ? 3 : SIZE_MAX;
        if (more == SIZE_MAX || (*at == 0xed && at[1] >= 0xa0)) {
            return false;
        }
        for (at++; more > 0; more--, at++) {
            if ((*at & 0xc0) != 0x80) {
                return false;
            }
        }
    }
    return true;
}

static void
path_offer(Path *path, const struct dirent *entry)
{
    const char *typed = path->typed + path->folder_size;
    size_t size = strlen(entry->d_name);
    bool bytes = path->quote != NULL && path->quote->bytes;
    Buffer written = {NULL, 0, 0, false};
    if ((*entry->d_name == '.' && *typed != '.') || strcmp(entry->d_name, ".") == 0
        || strcmp(entry->d_name, "..") == 0
        || !matches_begins(entry->d_name, size, typed, strlen(typed), path->matches->ignore_case)
        || (!bytes && !path_is_text(entry->d_name))) {
        return;
    }
    buffer_add(&written, path->shown.bytes, path->shown.size);
    if (path_write(path->quote, entry->d_name, size, &written)) {
        if (path_is_folder(path, entry)) {
            buffer_add_char(&written, '/');
        }
        if (!written.failed) {
            matches_add(path->matches, written.bytes, written.size);
        }
    }
    buffer_free(&written);
}

static void
path_read(Path *path)
{
    DIR *folder = path->folder.failed ? NULL : opendir(path->folder.bytes);
    const struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        path_offer(path, entry);
    }
    if (folder != NULL) {
        closedir(folder);
    }
}

/* Offer what continues `typed`, to be written from the offset `start` on. */
static void
path_complete(Completing *c, const Quote *quote, const Buffer *typed, size_t start)
{
    const char *slash = typed->size == 0 ? NULL : strrchr(typed->bytes, '/');
    Path path = {.matches = &c->completion->matches, .quote = quote, .typed = typed->bytes};
    path.folder_size = slash == NULL ? 0 : (size_t)(slash - typed->bytes) + 1;
    complete_from(c, start);
    buffer_add(&path.shown, "", 0);
    if (strlen(typed->bytes) == typed->size && path_write(quote, typed->bytes, path.folder_size, &path.shown)) {
        path_find_folder(&path); /* getpwnam() is not for two threads */
        Py_BEGIN_ALLOW_THREADS
        path_read(&path);
        Py_END_ALLOW_THREADS
        c->completion->shown_from = path.shown.size;
    }
    buffer_free(&path.folder);
    buffer_free(&path.shown);
}

/* Is the only match a file, and not a folder into which one may go on? */
static bool
path_is_whole(const Completing *c)
{
    const Matches *matches = &c->completion->matches;
    return matches->count == 1 && matches->sizes[0] > 0 && matches->names[0][matches->sizes[0] - 1] != '/';
}

/* ---- strings ---- */

/* Functions whose first string is a path for certain. */
static bool
path_is_opener(const Completing *c, uint32_t bracket)
{
    static const char *const whole[] = {"open",  "Path",    "PurePath", "listdir",
                                        "chdir", "scandir", "stat",     "remove", NULL};
    static const char *const begins[] = {"read_", "load", "open_", NULL};
    uint32_t before = complete_previous(c, bracket);
    if (!complete_is_name(c, before)) {
        return false;
    }
    const Token *token = &c->tokens.list[before];
    for (const char *const *name = whole; *name != NULL; name++) {
        if (complete_is(c, before, *name)) {
            return true;
        }
    }
    for (const char *const *name = begins; *name != NULL; name++) {
        if (matches_begins(c->text + token->start, token->end - token->start, *name, strlen(*name), false)) {
            return true;
        }
    }
    return false;
}

/* Does it look like a path, or stand where one is likely? Elsewhere Tab in a string would offer files at random. */
static bool
path_is_likely(const Completing *c, const Buffer *typed)
{
    uint32_t bracket = c->tokens.open;
    if (typed->size > 0 && (strchr(typed->bytes, '/') != NULL || *typed->bytes == '~' || *typed->bytes == '.')) {
        return true;
    }
    if (bracket == TOKEN_NONE || !complete_is(c, bracket, "(")) {
        return false;
    }
    uint32_t before = complete_previous(c, bracket);
    bool call = complete_is_name(c, before) && c->tokens.list[before].kind != TOKEN_KEYWORD;
    return call && (typed->size > 0 || path_is_opener(c, bracket));
}

void
complete_path(Completing *c, const Quote *quote, size_t content)
{
    Buffer typed = {NULL, 0, 0, false};
    char *suffix = c->completion->suffix;
    bool fields = quote->formatted && memchr(c->text + content, '{', c->point - content) != NULL;
    if (!fields && quote_read(quote, c->text + content, c->point - content, &typed) && path_is_likely(c, &typed)) {
        path_complete(c, quote, &typed, content);
        char marks[] = {quote->mark, '\0', '\0', '\0'};
        if (quote->triple) {
            marks[1] = marks[2] = quote->mark;
        }
        if (path_is_whole(c) && !complete_follows(c, marks)) {
            memcpy(suffix, marks, sizeof marks);
        }
    }
    buffer_free(&typed);
}

/* ---- behind a command ---- */

void
complete_file(Completing *c, size_t start)
{
    Quote quote;
    Buffer typed = {NULL, 0, 0, false};
    const char *text = c->text + start;
    size_t size = c->point - start;
    if (quote_open(text, size, &quote) && !quote.formatted) {
        if (quote_read(&quote, text + quote.size, size - quote.size, &typed)) {
            path_complete(c, &quote, &typed, start + quote.size);
            if (path_is_whole(c) && !complete_follows(c, (char[]){quote.mark, '\0'})) {
                c->completion->suffix[0] = quote.mark;
            }
        }
    }
    else {
        buffer_add(&typed, "", 0);
        for (size_t i = 0; i < size; i++) {
            i += text[i] == '\\' && i + 1 < size;
            buffer_add_char(&typed, text[i]);
        }
        path_complete(c, NULL, &typed, start);
    }
    buffer_free(&typed);
}
