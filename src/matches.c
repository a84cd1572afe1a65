/* The names that Tab has to offer, see matches.h.
 *
 * Of a million names a page is kept. It is sorted at any time: nearly every name is settled by one comparison with the
 * last one on the page, and equal names, a local and a global say, are seen where they would stand. */
#include "matches.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wctype.h>

/* ---- letters ---- */

/* The letter at the start of `size` > 0 bytes, and its length in bytes. A byte that begins none stands for itself. */
static uint32_t
matches_letter(const char *text, size_t size, size_t *length)
{
    unsigned char first = (unsigned char)*text;
    size_t more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc0 ? 1 : 0;
    *length = 1;
    if (more == 0 || more >= size) {
        return first;
    }
    uint32_t letter = first & (0x3fU >> more);
    for (size_t i = 1; i <= more; i++) {
        if ((text[i] & 0xc0) != 0x80) {
            return first;
        }
        letter = letter << 6 | (text[i] & 0x3f);
    }
    *length = more + 1;
    return letter;
}

static uint32_t
matches_fold(uint32_t letter)
{
    if (letter < 0x80) {
        return letter >= 'A' && letter <= 'Z' ? letter + ('a' - 'A') : letter;
    }
    return (uint32_t)towlower((wint_t)letter);
}

/* How many bytes of `a` stand at the start of `b` too; whole letters. */
static size_t
matches_in_common(const char *a, size_t a_size, const char *b, size_t b_size, bool ignore_case)
{
    size_t at = 0, other = 0;
    while (at < a_size && other < b_size) {
        size_t a_length, b_length;
        uint32_t a_letter = matches_letter(a + at, a_size - at, &a_length);
        uint32_t b_letter = matches_letter(b + other, b_size - other, &b_length);
        if (a_letter != b_letter && !(ignore_case && matches_fold(a_letter) == matches_fold(b_letter))) {
            break;
        }
        at += a_length;
        other += b_length;
    }
    return at;
}

bool
matches_begins(const char *name, size_t size, const char *prefix, size_t prefix_size, bool ignore_case)
{
    if (!ignore_case) {
        return size >= prefix_size
               && (prefix_size == 0 || (*name == *prefix && memcmp(name, prefix, prefix_size) == 0));
    }
    return matches_in_common(prefix, prefix_size, name, size, true) == prefix_size;
}

/* ---- the page ---- */

static char *
matches_copy(Matches *matches, const char *name, size_t size)
{
    char *copy = malloc(size + 1);
    if (copy == NULL) {
        matches->failed = true;
        return NULL;
    }
    memcpy(copy, name, size);
    copy[size] = '\0';
    return copy;
}

static int
matches_compare(const char *a, size_t a_size, const char *b, size_t b_size)
{
    int order = memcmp(a, b, a_size < b_size ? a_size : b_size);
    return order != 0 ? order : (a_size > b_size) - (a_size < b_size);
}

/* Where the name stands on the page, or would; *there: it does. */
static size_t
matches_place(const Matches *matches, const char *name, size_t size, bool *there)
{
    size_t low = matches->front, high = matches->kept;
    *there = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = matches_compare(name, size, matches->names[middle], matches->sizes[middle]);
        if (order == 0) {
            *there = true;
            return middle;
        }
        if (order < 0) {
            high = middle;
        }
        else {
            low = middle + 1;
        }
    }
    return low;
}

static void
matches_insert(Matches *matches, size_t place, const char *name, size_t size)
{
    char *copy = matches_copy(matches, name, size);
    if (copy == NULL) {
        return;
    }
    if (matches->kept == MATCHES_PAGE) {
        free(matches->names[--matches->kept]);
    }
    size_t behind = matches->kept - place;
    memmove(matches->names + place + 1, matches->names + place, behind * sizeof *matches->names);
    memmove(matches->sizes + place + 1, matches->sizes + place, behind * sizeof *matches->sizes);
    matches->names[place] = copy;
    matches->sizes[place] = size;
    matches->kept++;
}

/* Shorten what all have in common by what this name has not. */
static void
matches_share(Matches *matches, const char *name, size_t size)
{
    if (matches->common == NULL) {
        matches->common = matches_copy(matches, name, size);
        matches->common_size = matches->common == NULL ? 0 : size;
    }
    else if (size < matches->common_size || memcmp(matches->common, name, matches->common_size) != 0) {
        matches->common_size = matches_in_common(matches->common, matches->common_size, name, size,
                                                 matches->ignore_case);
        matches->common[matches->common_size] = '\0';
    }
}

/* Is the page full, and the name behind all that are on it? */
static bool
matches_is_behind(const Matches *matches, const char *name, size_t size)
{
    size_t last = MATCHES_PAGE - 1, same = matches->common_size;
    if (matches->kept < MATCHES_PAGE) {
        return false;
    }
    if (matches->front == MATCHES_PAGE) {
        return true;
    }
    if (!matches->ignore_case && size > same && (unsigned char)name[same] > (unsigned char)matches->names[last][same]) {
        return true; /* of a million names nearly all are settled here, by the first byte that is not common */
    }
    return matches_compare(name, size, matches->names[last], matches->sizes[last]) > 0;
}

/* Is the name one of those before the fence? */
static bool
matches_is_in_front(const Matches *matches, const char *name, size_t size)
{
    for (size_t i = 0; i < matches->front; i++) {
        if (matches->sizes[i] == size && memcmp(matches->names[i], name, size) == 0) {
            return true;
        }
    }
    return false;
}

void
matches_add(Matches *matches, const char *name, size_t size)
{
    matches_share(matches, name, size);
    if (!matches_is_behind(matches, name, size)) {
        bool there;
        size_t place = matches_place(matches, name, size, &there);
        if (there || matches_is_in_front(matches, name, size)) {
            return;
        }
        matches_insert(matches, place, name, size);
    }
    matches->count++;
}

void
matches_fence(Matches *matches)
{
    matches->front = matches->kept;
}

void
matches_remove(Matches *matches, size_t place)
{
    size_t behind = matches->kept - place - 1;
    free(matches->names[place]);
    memmove(&matches->names[place], &matches->names[place + 1], behind * sizeof *matches->names);
    memmove(&matches->sizes[place], &matches->sizes[place + 1], behind * sizeof *matches->sizes);
    matches->kept--;
    matches->count--;
    if (matches->kept == matches->count) { /* all are known: the others may have more in common */
        free(matches->common);
        matches->common = NULL;
        for (size_t i = 0; i < matches->kept; i++) {
            matches_share(matches, matches->names[i], matches->sizes[i]);
        }
    }
}

void
matches_free(Matches *matches)
{
    for (size_t i = 0; i < matches->kept; i++) {
        free(matches->names[i]);
    }
    free(matches->common);
    *matches = (Matches){.ignore_case = matches->ignore_case};
}
