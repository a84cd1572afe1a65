/* dump_key.h: one key, which nobody else may read, whoever comes first. */
#include <sys/random.h>
#include <sys/syscall.h>

#include "dump_folder.h"
#include "dump_key.h"

/* ---- a system that fails when it is told to: these come before the C library's ---- */

static struct {
    const char *fails; /* the call, NULL for none */
    int error;
    void (*before_link)(void);
    char log[64];      /* what was made safe on the disk, and when the key got its name */
} system_does;

static bool
fails(const char *call)
{
    errno = system_does.error;
    return system_does.fails != NULL && strcmp(system_does.fails, call) == 0;
}

int
link(const char *path, const char *new_path)
{
    if (system_does.before_link != NULL) {
        system_does.before_link();
    }
    strcat(system_does.log, "link ");
    return fails("link") ? -1 : (int)syscall(SYS_linkat, AT_FDCWD, path, AT_FDCWD, new_path, 0);
}

int
fsync(int fd)
{
    struct stat status;
    strcat(system_does.log, fstat(fd, &status) == 0 && S_ISDIR(status.st_mode) ? "folder " : "file ");
    return fails("fsync") ? -1 : (int)syscall(SYS_fsync, fd);
}

ssize_t
write(int fd, const void *bytes, size_t size)
{
    return fails("write") ? -1 : syscall(SYS_write, fd, bytes, size);
}

ssize_t
getrandom(void *bytes, size_t size, unsigned flags)
{
    return fails("getrandom") ? -1 : syscall(SYS_getrandom, bytes, size, flags);
}

/* ---- what the tests do ---- */

static unsigned char key[DUMP_KEY], other[DUMP_KEY];
static char *path;
static const char *why;
#define FOLDER "state/hooking"
#define KEY FOLDER "/key"

static void
set_up(void)
{
    memset(&system_does, 0, sizeof system_does);
    make_folder();
    setenv("XDG_STATE_HOME", at("state"), 1);
    setenv("HOME", folder, 1);
    umask(022);
}

static bool
read_key(unsigned char into[DUMP_KEY], bool make)
{
    free(path);
    path = NULL;
    why = "untouched";
    return dump_key_read(into, make, &path, &why);
}

static void
has_key(unsigned char into[DUMP_KEY], bool make)
{
    bool had = read_key(into, make);
    ck_assert_msg(had, "%s", why == NULL ? "there is none" : why);
    ck_assert_ptr_null(why);
    ck_assert_str_eq(path, at(KEY));
}

/* Neither is it read, nor is one put in its place. */
static void
is_refused(const char *reason)
{
    for (int make = 0; make < 2; make++) {
        ck_assert(!read_key(key, make == 1));
        ck_assert_ptr_nonnull(why);
        ck_assert_msg(strstr(why, reason) != NULL, "<%s> does not tell <%s>", why, reason);
        ck_assert_str_eq(path, at(KEY));
    }
}

static void
put_key(const char *text, unsigned mode)
{
    mkdir("state", 0700);
    mkdir(FOLDER, 0700);
    put(KEY, text, mode);
}
#define THIRTY_TWO "0123456789abcdef0123456789abcdef"

/* ---- made once ---- */

START_TEST(test_none_is_made_unasked)
{
    ck_assert(!read_key(key, false));
    ck_assert_ptr_null(why);
    ck_assert_str_eq(path, at(KEY));
    ck_assert_int_eq(names_in("."), 0);
}
END_TEST

/* Whatever the program's umask is. */
START_TEST(test_made_for_the_user_alone)
{
    static const unsigned masks[] = {0, 022, 077, 0277};
    umask(masks[_i]);
    has_key(key, true);
    ck_assert_uint_eq(mode_of("state"), 0700);
    ck_assert_uint_eq(mode_of(FOLDER), 0700);
    ck_assert_uint_eq(mode_of(KEY), 0600);
    ck_assert_int_eq(status_of(KEY).st_size, DUMP_KEY);
    ck_assert_int_eq(names_in(FOLDER), 1);
}
END_TEST

START_TEST(test_made_once)
{
    has_key(key, true);
    has_key(other, true);
    ck_assert_mem_eq(key, other, DUMP_KEY);
    memset(other, 0, DUMP_KEY);
    has_key(other, false);
    ck_assert_mem_eq(key, other, DUMP_KEY);
    ck_assert_mem_eq(key, content(KEY), DUMP_KEY);
}
END_TEST

/* A dump outlives a power failure. What it is signed with has to as well, or it is a stranger's afterwards. */
START_TEST(test_safe_on_the_disk)
{
    has_key(key, true);
    ck_assert_str_eq(system_does.log, "file link folder ");
}
END_TEST

START_TEST(test_another_one_for_another_user)
{
    has_key(key, true);
    ck_assert_int_eq(unlink(KEY), 0);
    has_key(other, true);
    ck_assert_mem_ne(key, other, DUMP_KEY);
}
END_TEST

START_TEST(test_it_is_what_stands_in_the_file)
{
    put_key(THIRTY_TWO, 0600);
    has_key(key, true);
    ck_assert_mem_eq(key, THIRTY_TWO, DUMP_KEY);
    ck_assert_int_eq(chmod(KEY, 0400), 0);
    has_key(key, false);
}
END_TEST

/* Many processes begin at the same moment: all get the same one. */
START_TEST(test_processes_at_once)
{
    enum { PROCESSES = 8 };
    int start[2], answer[2];
    pid_t children[PROCESSES];
    ck_assert_int_eq(pipe(start), 0);
    ck_assert_int_eq(pipe(answer), 0);
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            char byte;
            close(start[1]);
            bool good = read(start[0], &byte, 1) == 0 && read_key(key, true);
            _exit(good && write(answer[1], key, DUMP_KEY) == DUMP_KEY ? 0 : 1);
        }
    }
    close(start[0]);
    close(start[1]);
    for (int i = 0; i < PROCESSES; i++) {
        joined(children[i]);
        ck_assert_int_eq(read(answer[0], i == 0 ? key : other, DUMP_KEY), DUMP_KEY);
        ck_assert(i == 0 || memcmp(key, other, DUMP_KEY) == 0);
    }
    ck_assert_int_eq(names_in(FOLDER), 1);
}
END_TEST

/* In the last moment. */
static void
come_first(void)
{
    put(KEY, THIRTY_TWO, 0600);
}

START_TEST(test_one_that_came_first_stays)
{
    system_does.before_link = come_first;
    has_key(key, true);
    ck_assert_mem_eq(key, THIRTY_TWO, DUMP_KEY);
    ck_assert_int_eq(names_in(FOLDER), 1);
}
END_TEST

/* ---- what is no key ---- */

START_TEST(test_others_may_have_read_it)
{
    static const unsigned modes[] = {0640, 0604, 0620, 0602, 0610, 0601, 0644, 0666};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        put_key(THIRTY_TWO, modes[i]);
        is_refused("others may have read it");
        ck_assert_str_eq(content(KEY), THIRTY_TWO);
    }
}
END_TEST

START_TEST(test_of_another_user)
{
    if (geteuid() == 0) {
        put_key(THIRTY_TWO, 0600);
        ck_assert_int_eq(chown(KEY, 1234, 1234), 0);
        is_refused("others may have read it");
    }
}
END_TEST

START_TEST(test_not_of_its_size)
{
    static const char *const texts[] = {"", "x", "0123456789abcdef0123456789abcde", THIRTY_TWO "x"};
    put_key(texts[_i], 0600);
    is_refused("not a key");
    ck_assert_str_eq(content(KEY), texts[_i]);
}
END_TEST

/* Opening a FIFO would not come back. */
START_TEST(test_not_a_plain_file)
{
    put_key("", 0600);
    ck_assert_int_eq(unlink(KEY), 0);
    ck_assert_int_eq(mkfifo(KEY, 0600), 0);
    is_refused("not a plain file");
    ck_assert_int_eq(unlink(KEY), 0);
    ck_assert_int_eq(mkdir(KEY, 0700), 0);
    is_refused("not a plain file");
    ck_assert_int_eq(rmdir(KEY), 0);
    ck_assert_int_eq(symlink("/dev/zero", KEY), 0);
    is_refused("not a plain file");
}
END_TEST

START_TEST(test_a_file_in_the_place_of_a_folder)
{
    put("state", "", 0600);
    is_refused(strerror(ENOTDIR));
}
END_TEST

START_TEST(test_no_home)
{
    unsetenv("XDG_STATE_HOME");
    setenv("HOME", "not absolute", 1);
    if (geteuid() == 0) { /* a user without a record has none */
        ck_assert_int_eq(setreuid(3999999999u, (uid_t)-1), 0);
        bool had = read_key(key, true);
        ck_assert_int_eq(setreuid(0, (uid_t)-1), 0);
        ck_assert(!had);
        ck_assert_ptr_null(path);
        ck_assert_str_eq(why, "the user has no home folder");
    }
}
END_TEST

START_TEST(test_a_home_that_is_missing_is_not_made)
{
    setenv("XDG_STATE_HOME", at("missing/far/away"), 1);
    ck_assert(!read_key(key, true));
    ck_assert_ptr_nonnull(why);
    ck_assert_int_eq(names_in("."), 0);
}
END_TEST

/* ---- a key that cannot be made ---- */

START_TEST(test_nothing_is_left_of_one_that_could_not_be_made)
{
    static const char *const calls[] = {"getrandom", "write", "fsync", "link"};
    system_does.fails = calls[_i];
    system_does.error = ENOSPC;
    bool made = read_key(key, true);
    system_does.fails = NULL;
    ck_assert(!made);
    ck_assert_str_eq(why, strerror(ENOSPC));
    ck_assert(!is_there(FOLDER) || names_in(FOLDER) == 0);
    has_key(key, true);
}
END_TEST

START_TEST(test_a_folder_that_may_not_be_written_to)
{
    be_nobody();
    ck_assert_int_eq(mkdir("state", 0500), 0);
    ck_assert(!read_key(key, true));
    ck_assert_str_eq(why, strerror(EACCES));
    be_oneself();
}
END_TEST

START_TEST(test_root_makes_none_in_another_users_folder)
{
    if (geteuid() == 0) {
        ck_assert_int_eq(mkdir("state", 0700), 0);
        ck_assert_int_eq(chown("state", 1234, 1234), 0);
        ck_assert(!read_key(key, true));
        ck_assert_ptr_nonnull(strstr(why, "another user's folder"));
        ck_assert_int_eq(names_in("state"), 0);
    }
}
END_TEST

int
main(void)
{
    TCase *made = tcase_create("made");
    tcase_add_checked_fixture(made, set_up, remove_folder);
    tcase_add_test(made, test_none_is_made_unasked);
    tcase_add_loop_test(made, test_made_for_the_user_alone, 0, 4);
    tcase_add_test(made, test_made_once);
    tcase_add_test(made, test_safe_on_the_disk);
    tcase_add_test(made, test_another_one_for_another_user);
    tcase_add_test(made, test_it_is_what_stands_in_the_file);
    tcase_add_test(made, test_processes_at_once);
    tcase_add_test(made, test_one_that_came_first_stays);
    TCase *none = tcase_create("none");
    tcase_add_checked_fixture(none, set_up, remove_folder);
    tcase_add_test(none, test_others_may_have_read_it);
    tcase_add_test(none, test_of_another_user);
    tcase_add_loop_test(none, test_not_of_its_size, 0, 4);
    tcase_add_test(none, test_not_a_plain_file);
    tcase_add_test(none, test_a_file_in_the_place_of_a_folder);
    tcase_add_test(none, test_no_home);
    tcase_add_test(none, test_a_home_that_is_missing_is_not_made);
    TCase *fail = tcase_create("fails");
    tcase_add_checked_fixture(fail, set_up, remove_folder);
    tcase_add_loop_test(fail, test_nothing_is_left_of_one_that_could_not_be_made, 0, 4);
    tcase_add_test(fail, test_a_folder_that_may_not_be_written_to);
    tcase_add_test(fail, test_root_makes_none_in_another_users_folder);
    return unit_run("dump key", (TCase *const[]){made, none, fail}, 3);
}
