/* history.h: what was typed, and the file in which later sessions find it. */
#include <pwd.h>

#include "history_home.h"
#include "history_line.h"
#include "state_path.h"

/* ---- the list ---- */

START_TEST(test_keeps_in_order)
{
    ck_assert(history_keep(&history, "a = 1"));
    ck_assert(history_keep(&history, "b = 2"));
    ck_assert(history_keep(&history, "if a:\n    b"));
    ck_assert_uint_eq(history.count, 3);
    ck_assert_str_eq(history.entries[0], "a = 1");
    ck_assert_str_eq(history.entries[1], "b = 2");
    ck_assert_str_eq(history.entries[2], "if a:\n    b");
}
END_TEST

START_TEST(test_keeps_a_copy)
{
    char line[] = "secret";
    ck_assert(history_keep(&history, line));
    memset(line, 'x', sizeof line - 1);
    ck_assert_str_eq(history.entries[0], "secret");
}
END_TEST

static const char *const left_out[] = {"", " ", "\t", "\n", " \t\r\n", "\t\t", " a", "  a\nb", " \xff"};
enum { LEFT_OUT = sizeof left_out / sizeof *left_out };

START_TEST(test_leaves_out)
{
    begin(&history);
    ck_assert(history_keep(&history, left_out[_i]));
    ck_assert_uint_eq(history.count, 0);
    ck_assert_int_lt(access(path, F_OK), 0);
}
END_TEST

START_TEST(test_same_again)
{
    ck_assert(history_keep(&history, "a"));
    ck_assert(history_keep(&history, "a"));
    ck_assert_uint_eq(history.count, 1);
    ck_assert(history_keep(&history, "b"));
    ck_assert(history_keep(&history, "\ta"));
    ck_assert(history_keep(&history, "a"));
    ck_assert_uint_eq(history.count, 4);
}
END_TEST

/* The oldest go, one for each new one; the order stays. */
START_TEST(test_limit)
{
    enum { BEYOND = 250 };
    char line[32];
    for (int i = 0; i < HISTORY_LIMIT + BEYOND; i++) {
        snprintf(line, sizeof line, "line %d", i);
        ck_assert(history_keep(&history, line));
        ck_assert_uint_le(history.count, HISTORY_LIMIT);
        ck_assert_uint_le(history.count, history.room);
        ck_assert_str_eq(history.entries[history.count - 1], line);
    }
    ck_assert_uint_eq(history.count, HISTORY_LIMIT);
    ck_assert_uint_le(history.room, 2 * HISTORY_LIMIT);
    for (int i = 0; i < HISTORY_LIMIT; i++) {
        snprintf(line, sizeof line, "line %d", i + BEYOND);
        ck_assert_str_eq(history.entries[i], line);
    }
}
END_TEST

/* It is remembered here, but too long for the file. */
START_TEST(test_long_line)
{
    enum { LENGTH = 10000000 };
    char *line = malloc(LENGTH + 1);
    ck_assert_ptr_nonnull(line);
    memset(line, 'a', LENGTH);
    line[LENGTH] = '\0';
    begin(&history);
    ck_assert(history_keep(&history, line));
    ck_assert_uint_eq(strlen(history.entries[0]), LENGTH);
    ck_assert(history_keep(&history, "b"));
    load(&history);
    ck_assert_uint_eq(history.count, 2);
    others_find("b");
    free(line);
}
END_TEST

START_TEST(test_free)
{
    history_free(&history); /* of nothing */
    ck_assert(history_keep(&history, "a"));
    history_free(&history);
    ck_assert_uint_eq(history.count, 0);
    ck_assert_ptr_null(history.entries);
    ck_assert(history_keep(&history, "a"));
    ck_assert_uint_eq(history.count, 1);
}
END_TEST

/* ---- an entry as a line ---- */

static const char *const lines[][2] = {
    {"a", "a\n"},
    {"", "\n"},
    {"a\nb", "a\\nb\n"},
    {"a\n", "a\\n\n"},
    {"\\", "\\\\\n"},
    {"'\\n'", "'\\\\n'\n"},
    {"a\\\nb", "a\\\\\\nb\n"},
    {"a\r\nb", "a\\r\\nb\n"},
    {"\\\\n\n\\n", "\\\\\\\\n\\n\\\\n\n"},
    {"\t\x1b\x01 ", "\t\x1b\x01 \n"},
    {"h\xc3\xa9 \xff\x80", "h\xc3\xa9 \xff\x80\n"},
};
enum { LINES = sizeof lines / sizeof *lines };

START_TEST(test_line)
{
    Buffer buffer = {0};
    history_line_add(&buffer, lines[_i][0]);
    ck_assert_str_eq(buffer.bytes, lines[_i][1]);
    char *entry = history_line_entry(buffer.bytes, buffer.size - 1);
    ck_assert_str_eq(entry, lines[_i][0]);
    free(entry);
    buffer_free(&buffer);
}
END_TEST

/* Written by somebody else. */
static const char *const foreign[][2] = {{"\\", "\\"}, {"a\\", "a\\"}, {"\\t\\", "\\t\\"}, {"\\x41\\n", "\\x41\n"}};
enum { FOREIGN = sizeof foreign / sizeof *foreign };

START_TEST(test_foreign_line)
{
    char *entry = history_line_entry(foreign[_i][0], strlen(foreign[_i][0]));
    ck_assert_str_eq(entry, foreign[_i][1]);
    free(entry);
}
END_TEST

/* ---- the place ---- */

static const struct {
    const char *state, *home, *path; /* NULL: not set; "~": the user's home by the system's list */
} places[] = {
    {"/s", "/h", "/s/hooking/history"},
    {"/s//", "/h", "/s/hooking/history"},
    {"/", "/h", "/hooking/history"},
    {"/s", NULL, "/s/hooking/history"},
    {NULL, "/h", "/h/.local/state/hooking/history"},
    {"", "/h", "/h/.local/state/hooking/history"},
    {"state", "/h", "/h/.local/state/hooking/history"},
    {"./s", "/h/", "/h/.local/state/hooking/history"},
    {NULL, NULL, "~"},
    {NULL, "", "~"},
    {"s", "h", "~"},
};
enum { PLACES = sizeof places / sizeof *places };

static void
set(const char *name, const char *value)
{
    value == NULL ? unsetenv(name) : setenv(name, value, 1);
}

START_TEST(test_place)
{
    char of_user[4096];
    set("XDG_STATE_HOME", places[_i].state);
    set("HOME", places[_i].home);
    snprintf(of_user, sizeof of_user, "%s/.local/state/hooking/history", getpwuid(getuid())->pw_dir);
    char *found = state_path_find("history");
    ck_assert_str_eq(found, strcmp(places[_i].path, "~") == 0 ? of_user : places[_i].path);
    free(found);
}
END_TEST

START_TEST(test_nothing_is_made_until_it_is_needed)
{
    begin(&history);
    load(&history);
    ck_assert_int_eq(names_in(home), 0);
    ck_assert(history.loaded);
}
END_TEST

/* Whatever the umask is. */
START_TEST(test_modes)
{
    static const mode_t masks[] = {0, 022, 0777};
    umask(masks[_i]);
    begin(&history);
    ck_assert(history_keep(&history, "a"));
    ck_assert_uint_eq(mode_of(folder), 0700);
    ck_assert_uint_eq(mode_of(path), 0600);
    ck_assert_str_eq(content(), "a\n");
}
END_TEST

START_TEST(test_folders_in_home)
{
    unsetenv("XDG_STATE_HOME");
    history_open(&history, complaint, sizeof complaint);
    ck_assert_str_eq(complaint, "");
    ck_assert(history_keep(&history, "a"));
    load(&history);
    static const char *const made[] = {".local", ".local/state", ".local/state/hooking"};
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", home, made[i]);
        ck_assert_uint_eq(mode_of(path), 0700);
    }
    strcat(path, "/history");
    ck_assert_str_eq(content(), "a\n");
}
END_TEST

START_TEST(test_a_home_that_is_missing_is_not_made)
{
    unsetenv("XDG_STATE_HOME");
    char missing[96];
    snprintf(missing, sizeof missing, "%s/nobody", home);
    setenv("HOME", missing, 1);
    history_open(&history, complaint, sizeof complaint);
    ck_assert_ptr_nonnull(strstr(complaint, missing));
    ck_assert(history_keep(&history, "a"));
    load(&history);
    holds(&history, "a");
    ck_assert_int_eq(names_in(home), 0);
}
END_TEST

START_TEST(test_others_may_not_read_it)
{
    put("a\n");
    chmod(path, 0664);
    begin(&history);
    ck_assert_uint_eq(mode_of(path), 0600);
    chmod(path, 0644);
    ck_assert(history_keep(&history, "b"));
    ck_assert_uint_eq(mode_of(path), 0600);
    others_find("a|b");
}
END_TEST

/* As a collection of dotfiles has it. `_i`: its target is there already. */
START_TEST(test_a_symbolic_link_stays_one)
{
    char target[96];
    snprintf(target, sizeof target, "%s/dotfile", home);
    mkdir(folder, 0700);
    ck_assert_int_eq(symlink(target, path), 0);
    if (_i) {
        put_old(HISTORY_LIMIT + HISTORY_LIMIT / 2 + 1); /* so that it is shortened */
    }
    begin(&history);
    ck_assert(history_keep(&history, "a"));
    ck_assert(S_ISLNK(status_of(path).st_mode));
    ck_assert(S_ISREG(status_of(target).st_mode));
    ck_assert_uint_eq(lines_in_file(), _i ? HISTORY_LIMIT : 1);
    ck_assert_int_eq(names_in(folder), 1);
    ck_assert_int_eq(names_in(home), 2);
}
END_TEST

/* ---- sessions one after the other ---- */

START_TEST(test_a_later_session_finds_it)
{
    begin(&history);
    ck_assert(history_keep(&history, "a = 1"));
    ck_assert(history_keep(&history, "if a:\n    print('\\n')\r\n"));
    ck_assert(history_keep(&history, "h\xc3\xa9 \xff"));
    ck_assert_str_eq(content(), "a = 1\nif a:\\n    print('\\\\n')\\r\\n\nh\xc3\xa9 \xff\n");
    others_find("a = 1|if a:\n    print('\\n')\r\n|h\xc3\xa9 \xff");
}
END_TEST

START_TEST(test_not_twice_across_sessions)
{
    put("a\nb\n");
    begin(&history);
    ck_assert(history_keep(&history, "b"));
    ck_assert_str_eq(content(), "a\nb\n");
    load(&history);
    holds(&history, "a|b");
    ck_assert(history_keep(&history, "a"));
    ck_assert_str_eq(content(), "a\nb\na\n");
}
END_TEST

START_TEST(test_no_line_end_at_the_end)
{
    put("a\nfor the");
    begin(&history);
    load(&history);
    holds(&history, "a|for the");
    ck_assert(history_keep(&history, "b"));
    ck_assert_str_eq(content(), "a\nfor the\nb\n");
    load(&history);
    holds(&history, "a|for the|b");
    others_find("a|for the|b");
}
END_TEST

START_TEST(test_blank_lines_and_repetitions_in_the_file)
{
    put("\n\na\na\n\nb\n a\n");
    begin(&history);
    load(&history);
    holds(&history, "a|b| a");
}
END_TEST

START_TEST(test_only_the_newest_are_read)
{
    put_old(HISTORY_LIMIT + 5);
    begin(&history);
    load(&history);
    ck_assert_uint_eq(history.count, HISTORY_LIMIT);
    ck_assert_str_eq(history.entries[0], "old 5");
    ck_assert_uint_eq(lines_in_file(), HISTORY_LIMIT + 5); /* nobody has shortened it */
    ck_assert(history_keep(&history, "a"));
    ck_assert_uint_eq(history.count, HISTORY_LIMIT);
    ck_assert_str_eq(history.entries[0], "old 6");
    ck_assert_uint_eq(lines_in_file(), HISTORY_LIMIT + 6);
}
END_TEST

/* ---- sessions side by side ---- */

/* One's own entries stay the last ones. */
START_TEST(test_what_others_add)
{
    History other = {0};
    put("a\n");
    begin(&history);
    begin(&other);
    ck_assert(history_keep(&history, "b"));
    ck_assert(history_keep(&other, "c"));
    ck_assert(history_keep(&history, "d"));
    ck_assert(history_keep(&other, "e"));
    ck_assert_str_eq(content(), "a\nb\nc\nd\ne\n");
    load(&history);
    holds(&history, "a|c|e|b|d");
    load(&other);
    holds(&other, "a|b|d|c|e");
    load(&history);
    holds(&history, "a|c|e|b|d");
    others_find("a|b|c|d|e");
    history_free(&other);
}
END_TEST

START_TEST(test_what_was_read_is_not_read_again)
{
    put_old(1000);
    begin(&history);
    load(&history);
    const char *first = history.entries[0];
    FILE *file = fopen(path, "a");
    fputs("a\nb", file);
    fflush(file);
    load(&history);
    ck_assert_uint_eq(history.count, 1002);
    ck_assert_ptr_eq(history.entries[0], first);
    fputs("\nc\n", file);
    fclose(file);
    load(&history);
    ck_assert_uint_eq(history.count, 1003);
    ck_assert_ptr_eq(history.entries[0], first);
    ck_assert_str_eq(history.entries[1001], "b");
    ck_assert_str_eq(history.entries[1002], "c");
}
END_TEST

/* Written anew by an editor, in place or beside it; shortened, longer or of the same length. */
static const char *const edited[] = {"", "a\n", "x\ny\nz\nown\nw\n", "own\nA\n", "own\nA\nB\nC\nD\n"};
static const char *const found[] = {"own", "a|own", "x|y|z|w|own", "A|own", "A|B|C|D|own"};
enum { EDITED = sizeof edited / sizeof *edited };

START_TEST(test_changed_by_an_editor)
{
    put("a\nb\n");
    begin(&history);
    ck_assert(history_keep(&history, "own"));
    if (_i >= EDITED) {
        unlink(path);
    }
    put(edited[_i % EDITED]);
    load(&history);
    holds(&history, found[_i % EDITED]);
}
END_TEST

START_TEST(test_removed)
{
    put("a\nb\n");
    begin(&history);
    ck_assert(history_keep(&history, "own"));
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    load(&history);
    holds(&history, "own");
    ck_assert(history_keep(&history, "c"));
    ck_assert_str_eq(content(), "c\n");
}
END_TEST

/* Half as much again as is kept, then it is cut. Who has read more still has it, and adds to the new file. */
START_TEST(test_shortened)
{
    enum { LONG = HISTORY_LIMIT + HISTORY_LIMIT / 2 };
    History other = {0};
    put_old(LONG - 1);
    begin(&other);
    ck_assert(history_keep(&other, "before"));
    ck_assert_uint_eq(lines_in_file(), LONG);
    begin(&history);
    load(&history);
    ck_assert(history_keep(&history, "a"));
    ck_assert_uint_eq(lines_in_file(), HISTORY_LIMIT);
    ck_assert_int_eq(names_in(folder), 1);
    ck_assert_uint_eq(mode_of(path), 0600);
    ck_assert_uint_eq(history.count, HISTORY_LIMIT);
    ck_assert_str_eq(history.entries[0], "old 5001");
    ck_assert_str_eq(history.entries[HISTORY_LIMIT - 2], "before");
    ck_assert_str_eq(history.entries[HISTORY_LIMIT - 1], "a");
    ck_assert(history_keep(&other, "b"));
    ck_assert_uint_eq(lines_in_file(), HISTORY_LIMIT + 1);
    load(&history);
    load(&other);
    for (int i = 0; i < 2; i++) {
        const History *session = i == 0 ? &history : &other;
        static const char *const last[][3] = {{"before", "b", "a"}, {"a", "before", "b"}};
        ck_assert_uint_eq(session->count, HISTORY_LIMIT);
        ck_assert_str_eq(session->entries[0], "old 5002");
        ck_assert_str_eq(session->entries[HISTORY_LIMIT - 4], "old 14998");
        for (int j = 0; j < 3; j++) {
            ck_assert_str_eq(session->entries[HISTORY_LIMIT - 3 + j], last[i][j]);
        }
    }
    history_free(&other);
}
END_TEST

START_TEST(test_shortening_that_was_killed_is_cleared_away)
{
    char beside[160];
    put_old(HISTORY_LIMIT + HISTORY_LIMIT / 2);
    snprintf(beside, sizeof beside, "%s.new", path);
    ck_assert_int_eq(symlink("/dev/full", beside), 0);
    begin(&history);
    ck_assert(history_keep(&history, "a"));
    ck_assert_uint_eq(lines_in_file(), HISTORY_LIMIT);
    ck_assert_int_eq(names_in(folder), 1);
}
END_TEST

/* It is counted in bytes as well: only so many are read. */
START_TEST(test_shortened_for_its_bytes)
{
    enum { LENGTH = 100000, NUMBER = 100 };
    char *entry = malloc(LENGTH + 1);
    ck_assert_ptr_nonnull(entry);
    begin(&history);
    for (int i = 0; i < NUMBER; i++) {
        memset(entry, 'a' + i % 26, LENGTH);
        entry[LENGTH] = '\0';
        ck_assert(history_keep(&history, entry));
        ck_assert_int_le(status_of(path).st_size, HISTORY_FILE_READ + HISTORY_FILE_READ / 2 + LENGTH);
    }
    ck_assert_uint_eq(history.count, NUMBER);
    History other = {0};
    begin(&other);
    load(&other);
    ck_assert_uint_ge(other.count, HISTORY_FILE_READ / LENGTH - 1);
    ck_assert_str_eq(other.entries[other.count - 1], entry);
    for (size_t i = 0; i < other.count; i++) {
        ck_assert_uint_eq(strlen(other.entries[i]), LENGTH);
    }
    history_free(&other);
    free(entry);
}
END_TEST

/* A child goes on with a copy of its own, and nothing is open between two calls. */
START_TEST(test_fork)
{
    int open_before = names_in("/proc/self/fd");
    begin(&history);
    load(&history);
    ck_assert(history_keep(&history, "a"));
    ck_assert_int_eq(names_in("/proc/self/fd"), open_before);
    pid_t child = fork();
    if (child == 0) {
        ck_assert(history_keep(&history, "child"));
        holds(&history, "a|child");
        _exit(0);
    }
    joined(child);
    ck_assert(history_keep(&history, "parent"));
    holds(&history, "child|a|parent");
    ck_assert_str_eq(content(), "a\nchild\nparent\n");
}
END_TEST

int
main(void)
{
    TCase *list = tcase_create("list");
    tcase_add_checked_fixture(list, make_home, remove_home);
    tcase_add_test(list, test_keeps_in_order);
    tcase_add_test(list, test_keeps_a_copy);
    tcase_add_loop_test(list, test_leaves_out, 0, LEFT_OUT);
    tcase_add_test(list, test_same_again);
    tcase_add_test(list, test_limit);
    tcase_add_test(list, test_long_line);
    tcase_add_test(list, test_free);
    TCase *line = tcase_create("line");
    tcase_add_loop_test(line, test_line, 0, LINES);
    tcase_add_loop_test(line, test_foreign_line, 0, FOREIGN);
    TCase *place = tcase_create("place");
    tcase_add_checked_fixture(place, make_home, remove_home);
    tcase_add_loop_test(place, test_place, 0, PLACES);
    tcase_add_test(place, test_nothing_is_made_until_it_is_needed);
    tcase_add_loop_test(place, test_modes, 0, 3);
    tcase_add_test(place, test_folders_in_home);
    tcase_add_test(place, test_a_home_that_is_missing_is_not_made);
    tcase_add_test(place, test_others_may_not_read_it);
    tcase_add_loop_test(place, test_a_symbolic_link_stays_one, 0, 2);
    TCase *later = tcase_create("later sessions");
    tcase_add_checked_fixture(later, make_home, remove_home);
    tcase_add_test(later, test_a_later_session_finds_it);
    tcase_add_test(later, test_not_twice_across_sessions);
    tcase_add_test(later, test_no_line_end_at_the_end);
    tcase_add_test(later, test_blank_lines_and_repetitions_in_the_file);
    tcase_add_test(later, test_only_the_newest_are_read);
    TCase *beside = tcase_create("sessions side by side");
    tcase_add_checked_fixture(beside, make_home, remove_home);
    tcase_add_test(beside, test_what_others_add);
    tcase_add_test(beside, test_what_was_read_is_not_read_again);
    tcase_add_loop_test(beside, test_changed_by_an_editor, 0, 2 * EDITED);
    tcase_add_test(beside, test_removed);
    tcase_add_test(beside, test_shortened);
    tcase_add_test(beside, test_shortening_that_was_killed_is_cleared_away);
    tcase_add_test(beside, test_shortened_for_its_bytes);
    tcase_add_test(beside, test_fork);
    return unit_run("history", (TCase *const[]){list, line, place, later, beside}, 5);
}
