/* history_file.h: several writers at once, writers that are killed, files that are none, systems that fail. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "history_home.h"

enum { NOBODY = 65534 };

/* ---- a system that fails when it is told to: these three come before the C library's ---- */

static struct {
    int flock_error; /* of flock(), 0 for none */
    int write_most;  /* bytes that write() takes at a time, 0 for all */
    int write_calls; /* after so many calls it fails, -1 for never */
    int write_error; /* with this */
    int interrupts;  /* so many calls are interrupted first */
    int read_error;  /* of pread(), 0 for none */
} system_does;

int
flock(int fd, int how)
{
    errno = system_does.flock_error;
    return errno == 0 ? (int)syscall(SYS_flock, fd, how) : -1;
}

ssize_t
pread(int fd, void *bytes, size_t size, off_t from)
{
    errno = system_does.read_error;
    return errno == 0 ? (ssize_t)syscall(SYS_pread64, fd, bytes, size, from) : -1;
}

ssize_t
write(int fd, const void *bytes, size_t size)
{
    if (system_does.interrupts > 0) {
        system_does.interrupts--;
        errno = EINTR;
        return -1;
    }
    if (system_does.write_calls == 0) {
        errno = system_does.write_error;
        return -1;
    }
    if (system_does.write_calls > 0) {
        system_does.write_calls--;
    }
    if (system_does.write_most > 0 && size > (size_t)system_does.write_most) {
        size = (size_t)system_does.write_most;
    }
    return syscall(SYS_write, fd, bytes, size);
}

static void
let_system_work(void)
{
    memset(&system_does, 0, sizeof system_does);
    system_does.write_calls = -1;
}

static void
set_up(void)
{
    let_system_work();
    make_home();
}

/* ---- writes that fail ---- */

START_TEST(test_short_and_interrupted_writes)
{
    put("a\n");
    begin(&history);
    system_does.write_most = 3;
    system_does.interrupts = 2;
    ck_assert(history_keep(&history, "print('hello')"));
    let_system_work();
    ck_assert_str_eq(content(), "a\nprint('hello')\n");
    load(&history);
}
END_TEST

static const int full[] = {ENOSPC, EDQUOT, EIO};
enum { FULL = sizeof full / sizeof *full };

/* Half of an entry does not stay; it is written with the next one. The complaint comes once. */
START_TEST(test_disk_full)
{
    put("a\n");
    begin(&history);
    system_does.write_most = 3;
    system_does.write_calls = 2;
    system_does.write_error = full[_i];
    ck_assert(history_keep(&history, "print('hello')"));
    ck_assert(history_keep(&history, "b"));
    let_system_work();
    ck_assert_str_eq(content(), "a\n");
    history_load(&history, complaint, sizeof complaint);
    ck_assert_ptr_nonnull(strstr(complaint, "history not written yet"));
    ck_assert_ptr_nonnull(strstr(complaint, strerror(full[_i])));
    ck_assert_ptr_nonnull(strstr(complaint, path));
    load(&history);
    holds(&history, "a|print('hello')|b");
    ck_assert(history_keep(&history, "c"));
    ck_assert_str_eq(content(), "a\nprint('hello')\nb\nc\n");
    load(&history);
    holds(&history, "a|print('hello')|b|c");
}
END_TEST

/* A limit that the program has: it is not killed for it. */
START_TEST(test_size_limit)
{
    struct rlimit limit = {6, RLIM_INFINITY};
    signal(SIGXFSZ, SIG_DFL);
    put("a\n");
    begin(&history);
    /* no ck_assert() within it: Check keeps its results in a file */
    int set = setrlimit(RLIMIT_FSIZE, &limit);
    bool kept = history_keep(&history, "four");
    limit.rlim_cur = RLIM_INFINITY;
    setrlimit(RLIMIT_FSIZE, &limit);
    ck_assert_int_eq(set, 0);
    ck_assert(kept);
    ck_assert_str_eq(content(), "a\n");
    ck_assert(history_keep(&history, "b"));
    ck_assert_str_eq(content(), "a\nfour\nb\n");
}
END_TEST

START_TEST(test_shortening_that_fails_changes_nothing)
{
    char blocked[160];
    put_old(HISTORY_LIMIT + HISTORY_LIMIT / 2);
    snprintf(blocked, sizeof blocked, "%s.new", path);
    ck_assert_int_eq(mkdir(blocked, 0700), 0);
    begin(&history);
    ck_assert(history_keep(&history, "a"));
    ck_assert(history_keep(&history, "b"));
    load(&history);
    ck_assert_uint_eq(lines_in_file(), HISTORY_LIMIT + HISTORY_LIMIT / 2 + 2);
}
END_TEST

/* ---- the lock ---- */

static const int without[] = {ENOLCK, EOPNOTSUPP, ENOSYS};
enum { WITHOUT = sizeof without / sizeof *without };

/* It is written all the same, but never shortened. */
START_TEST(test_no_locks)
{
    History other = {0};
    put_old(HISTORY_LIMIT + HISTORY_LIMIT / 2);
    system_does.flock_error = without[_i];
    begin(&history);
    begin(&other);
    ck_assert(history_keep(&history, "a"));
    ck_assert(history_keep(&other, "b"));
    load(&history);
    ck_assert_str_eq(history.entries[history.count - 2], "b");
    ck_assert_str_eq(history.entries[history.count - 1], "a");
    ck_assert_uint_eq(lines_in_file(), HISTORY_LIMIT + HISTORY_LIMIT / 2 + 2);
    history_free(&other);
}
END_TEST

/* Without a lock the last line may be one that somebody is at writing. */
START_TEST(test_no_locks_and_half_a_line)
{
    system_does.flock_error = ENOLCK;
    put("a\nhal");
    begin(&history);
    load(&history);
    holds(&history, "a");
    put("a\nhalf\n");
    load(&history);
    holds(&history, "a|half");
}
END_TEST

/* A process that does not let go is waited for once, and told about once. */
START_TEST(test_lock_is_held)
{
    put("a\n");
    int stuck = open(path, O_RDWR);
    ck_assert_int_eq(flock(stuck, LOCK_EX), 0);
    begin(&history);
    double start = seconds();
    load(&history);
    holds(&history, "a");
    ck_assert(seconds() - start > 0.9);
    ck_assert(seconds() - start < 3);
    start = seconds();
    ck_assert(history_keep(&history, "b"));
    ck_assert(history_keep(&history, "c"));
    ck_assert(seconds() - start < 0.5);
    history_load(&history, complaint, sizeof complaint);
    ck_assert_ptr_nonnull(strstr(complaint, "lock"));
    ck_assert_ptr_nonnull(strstr(complaint, path));
    load(&history);
    ck_assert_str_eq(content(), "a\n");
    close(stuck);
    ck_assert(history_keep(&history, "d"));
    ck_assert_str_eq(content(), "a\nb\nc\nd\n");
    load(&history);
    holds(&history, "a|b|c|d");
}
END_TEST

static void *
let_go(void *fd)
{
    usleep(100000);
    close(*(int *)fd);
    return NULL;
}

/* One that lets go soon is not noticed. */
START_TEST(test_lock_is_held_for_a_moment)
{
    pthread_t thread;
    put("a\n");
    int held = open(path, O_RDWR);
    ck_assert_int_eq(flock(held, LOCK_EX), 0);
    begin(&history);
    ck_assert_int_eq(pthread_create(&thread, NULL, let_go, &held), 0);
    ck_assert(history_keep(&history, "b"));
    ck_assert_str_eq(content(), "a\nb\n");
    pthread_join(thread, NULL);
    load(&history);
}
END_TEST

/* ---- many at once ---- */

enum { WRITERS = 4, EACH = 2000 };

static void
write_many(int writer, int number)
{
    History session = {0};
    char entry[64];
    begin(&session);
    for (int i = 0; i < number; i++) {
        snprintf(entry, sizeof entry, "writer %d\nentry %d\n.", writer, i);
        ck_assert(history_keep(&session, entry));
    }
    ck_assert_uint_eq(session.unwritten, 0);
    load(&session);
    _exit(0);
}

/* Is every entry whole, and each writer's in the order in which it has written? *seen: of each, the last one. */
static void
in_order(const History *session, int seen[WRITERS])
{
    for (int i = 0; i < WRITERS; i++) {
        seen[i] = -1;
    }
    for (size_t i = 0; i < session->count; i++) {
        int writer, number, length = 0;
        if (sscanf(session->entries[i], "old %d%n", &number, &length) != 1) {
            ck_assert_msg(sscanf(session->entries[i], "writer %d entry %d .%n", &writer, &number, &length) == 2,
                          "<%s>", session->entries[i]);
            ck_assert_int_lt(writer, WRITERS);
            ck_assert_int_eq(number, seen[writer] + 1);
            seen[writer] = number;
        }
        ck_assert_int_eq(session->entries[i][length], '\0');
    }
}

/* The first entry shortens the file, and so does one later on. Nothing that fits is lost. */
START_TEST(test_writers_at_once)
{
    pid_t writers[WRITERS];
    int seen[WRITERS];
    bool done = false;
    put_old(HISTORY_LIMIT + HISTORY_LIMIT / 2);
    begin(&history);
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = fork();
        if (writers[i] == 0) {
            write_many(i, EACH);
        }
    }
    while (!done) { /* the reader among them */
        load(&history);
        in_order(&history, seen);
        done = true;
        for (int i = 0; i < WRITERS; i++) {
            done = done && seen[i] == EACH - 1;
        }
        int status;
        pid_t ended = done ? 0 : waitpid(-1, &status, WNOHANG);
        ck_assert_msg(ended <= 0 || status == 0, "a writer has failed: %#x", (unsigned)status);
        if (ended < 0) { /* all have: what is to be seen is there */
            load(&history);
            in_order(&history, seen);
            break;
        }
    }
    for (int i = 0; i < WRITERS; i++) {
        ck_assert_int_eq(seen[i], EACH - 1);
    }
    ck_assert_uint_eq(lines_in_file(), HISTORY_LIMIT / 2 + WRITERS * EACH - 2); /* each time it was one too many */
    ck_assert_int_eq(names_in(folder), 1);
    while (wait(NULL) > 0) {
    }
}
END_TEST

/* Long entries, so that many are at writing or at shortening when they are killed. */
static void
write_until_killed(int round)
{
    enum { LENGTH = 300000 };
    static char entry[LENGTH + 64];
    History session = {0};
    begin(&session);
    for (int i = 0;; i++) {
        int length = sprintf(entry, "round %d entry %d ", round, i);
        memset(entry + length, '\\', LENGTH);
        strcpy(entry + length + LENGTH, ".");
        history_keep(&session, entry);
    }
}

START_TEST(test_writers_are_killed)
{
    enum { ROUNDS = 40 };
    char entry[32];
    for (int i = 0; i < ROUNDS; i++) {
        pid_t child = fork();
        if (child == 0) {
            write_until_killed(i);
        }
        usleep(5000 + 1700 * (i % 10));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        History session = {0};
        begin(&session);
        snprintf(entry, sizeof entry, "after %d", i);
        ck_assert(history_keep(&session, entry));
        load(&session);
        History later = {0};
        begin(&later);
        load(&later);
        ck_assert_uint_ge(later.count, 1);
        ck_assert_str_eq(later.entries[later.count - 1], entry);
        for (size_t j = 0; j < later.count; j++) { /* one that was cut off may stay, but no two have become one */
            const char *inner = strstr(later.entries[j] + 1, "round ");
            ck_assert_msg(inner == NULL, "<%.60s...> holds another one", later.entries[j]);
            ck_assert_ptr_null(strstr(later.entries[j] + 1, "after "));
        }
        ck_assert_int_le(status_of(path).st_size, 2 * HISTORY_FILE_READ);
        history_free(&session);
        history_free(&later);
    }
    ck_assert_int_le(names_in(folder), 2);
}
END_TEST

/* ---- reads that fail ---- */

static const int unreadable[] = {ENOMEM, EIO};

/* It may work the next time: nothing is lost, and nothing is written to what could not be read. */
START_TEST(test_read_fails)
{
    put("a\n");
    begin(&history);
    system_does.read_error = unreadable[_i];
    history_load(&history, complaint, sizeof complaint);
    ck_assert_ptr_nonnull(strstr(complaint, "history not read ("));
    ck_assert_ptr_nonnull(strstr(complaint, strerror(unreadable[_i])));
    ck_assert(history_keep(&history, "b"));
    holds(&history, "b");
    ck_assert_str_eq(content(), "a\n");
    let_system_work();
    load(&history);
    holds(&history, "a|b");
    ck_assert(history_keep(&history, "c"));
    ck_assert_str_eq(content(), "a\nb\nc\n");
}
END_TEST

/* ---- files that are none ---- */

/* It has complained with this reason, and goes on in memory. */
static void
works_in_memory_only(const char *reason)
{
    ck_assert_msg(strncmp(complaint, "no lasting history (", 20) == 0, "<%s>", complaint);
    ck_assert_msg(strstr(complaint, reason) != NULL, "<%s> does not tell <%s>", complaint, reason);
    ck_assert_msg(strstr(complaint, home) != NULL, "<%s> names no file", complaint);
    ck_assert_ptr_null(strchr(complaint, '\n'));
    ck_assert_ptr_null(history.path);
    ck_assert(history_keep(&history, "a = 1"));
    holds(&history, "a = 1");
    history_open(&history, complaint, sizeof complaint);
    ck_assert_str_eq(complaint, "");
    load(&history);
}

static void
is_refused(const char *reason)
{
    history_open(&history, complaint, sizeof complaint);
    works_in_memory_only(reason);
}

START_TEST(test_folder)
{
    mkdir(folder, 0700);
    mkdir(path, 0700);
    is_refused("a folder is in its place");
}
END_TEST

/* Nobody writes to the FIFO: opening it to read would not come back. */
START_TEST(test_fifo)
{
    mkdir(folder, 0700);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    is_refused("not a plain file");
}
END_TEST

START_TEST(test_device)
{
    mkdir(folder, 0700);
    ck_assert_int_eq(symlink("/dev/tty", path), 0);
    is_refused("not a plain file");
}
END_TEST

START_TEST(test_links_in_a_circle)
{
    mkdir(folder, 0700);
    ck_assert_int_eq(symlink(path, path), 0);
    is_refused(strerror(ELOOP));
}
END_TEST

START_TEST(test_a_file_in_the_place_of_a_folder)
{
    FILE *file = fopen(folder, "w");
    fclose(file);
    is_refused(strerror(ENOTDIR));
}
END_TEST

START_TEST(test_name_too_long)
{
    char *name = malloc(100000);
    ck_assert_ptr_nonnull(name);
    strcpy(name, home);
    memset(name + strlen(home), '\n', 90000 - strlen(home));
    strcpy(name + 90000, "/x");
    setenv("XDG_STATE_HOME", name, 1);
    is_refused(strerror(ENAMETOOLONG));
    free(name);
}
END_TEST

/* A root that may write everywhere is told so only when the file is to be made. */
START_TEST(test_a_place_where_nothing_can_be_made)
{
    setenv("XDG_STATE_HOME", "/proc/self", 1);
    history_open(&history, complaint, sizeof complaint);
    ck_assert(history_keep(&history, "a"));
    if (complaint[0] == '\0') {
        history_load(&history, complaint, sizeof complaint);
    }
    ck_assert_ptr_nonnull(strstr(complaint, "/proc/self/hooking/history"));
    ck_assert(history_keep(&history, "b"));
    load(&history);
    holds(&history, "a|b");
}
END_TEST

/* As a user who is not root. `_i`: 0 the file, 1 the folder. */
START_TEST(test_no_permission)
{
    put("a\n");
    if (_i == 0) {
        ck_assert_int_eq(chmod(path, 0000), 0);
    }
    else {
        unlink(path);
        ck_assert_int_eq(chmod(folder, 0500), 0);
    }
    if (geteuid() == 0) {
        chmod(home, 0755);
        ck_assert_int_eq(chown(folder, NOBODY, NOBODY), 0);
        ck_assert_int_eq(seteuid(NOBODY), 0);
    }
    is_refused(strerror(EACCES));
    if (getuid() == 0) {
        ck_assert_int_eq(seteuid(0), 0);
    }
    chmod(folder, 0700);
}
END_TEST

/* A file with a NUL byte, and `after` bytes of text behind it. */
static off_t
binary(size_t after)
{
    static char bytes[4096] = "SQLite format 3";
    size_t size = sizeof "SQLite format 3";
    memset(bytes + size, 'x', after);
    put_bytes(bytes, size + after);
    return (off_t)(size + after);
}

/* Nothing is added to what is somebody else's. That it is, is mostly seen at once. */
START_TEST(test_binary)
{
    off_t size = binary(10);
    is_refused("NUL bytes in it: not a history");
    ck_assert_int_eq(status_of(path).st_size, size);
}
END_TEST

START_TEST(test_binary_that_is_known_when_it_is_read)
{
    off_t size = binary(4000);
    begin(&history);
    history_load(&history, complaint, sizeof complaint);
    works_in_memory_only("NUL bytes in it: not a history");
    ck_assert_int_eq(status_of(path).st_size, size);
}
END_TEST

START_TEST(test_binary_that_is_written_first)
{
    off_t size = binary(4000);
    begin(&history);
    ck_assert(history_keep(&history, "a = 1"));
    history_load(&history, complaint, sizeof complaint);
    works_in_memory_only("NUL bytes in it: not a history");
    ck_assert_int_eq(status_of(path).st_size, size);
}
END_TEST

/* A gigabyte: of `_i` bytes of lines at its end, the rest is a hole. */
static const size_t ends[] = {0, 2 * HISTORY_FILE_READ};

START_TEST(test_huge)
{
    struct rusage before, after;
    put("a\n");
    ck_assert_int_eq(truncate(path, 1 << 30), 0);
    FILE *file = fopen(path, "a");
    for (size_t i = 0; i < ends[_i]; i += 64) {
        fprintf(file, "%s%062zu\n", i == 0 ? "\n" : "x", i);
    }
    fclose(file);
    getrusage(RUSAGE_SELF, &before);
    double start = seconds();
    history_open(&history, complaint, sizeof complaint);
    if (ends[_i] == 0) {
        works_in_memory_only("NUL bytes in it: not a history");
        ck_assert_int_eq(status_of(path).st_size, 1 << 30);
    }
    else {
        load(&history);
        ck_assert_uint_eq(history.count, HISTORY_LIMIT);
        ck_assert_int_gt(status_of(path).st_size, 1 << 30); /* reading leaves it as it is */
        ck_assert(history_keep(&history, "a"));
        ck_assert_uint_eq(lines_in_file(), HISTORY_LIMIT);
    }
    getrusage(RUSAGE_SELF, &after);
    ck_assert(seconds() - start < 2);
    ck_assert_int_lt(after.ru_maxrss - before.ru_maxrss, 64 << 10); /* KiB */
}
END_TEST

/* ---- another user's, met as root ---- */

START_TEST(test_of_another_user)
{
    if (geteuid() != 0) {
        return; /* only root meets one that it may write to */
    }
    put_old(HISTORY_LIMIT + HISTORY_LIMIT / 2);
    ck_assert_int_eq(chown(path, NOBODY, NOBODY), 0);
    ck_assert_int_eq(chmod(path, 0640), 0);
    ino_t inode = status_of(path).st_ino;
    begin(&history);
    ck_assert(history_keep(&history, "a"));
    load(&history);
    struct stat now = status_of(path);
    ck_assert_uint_eq(now.st_uid, NOBODY);
    ck_assert_uint_eq(now.st_gid, NOBODY);
    ck_assert_uint_eq(now.st_mode & 0777, 0640);
    ck_assert_uint_eq(now.st_ino, inode);
    ck_assert_uint_eq(lines_in_file(), HISTORY_LIMIT + HISTORY_LIMIT / 2 + 1);
}
END_TEST

/* What root made there its owner could not use. */
START_TEST(test_nothing_is_made_in_another_users_folder)
{
    if (geteuid() != 0) {
        return;
    }
    ck_assert_int_eq(chown(home, NOBODY, NOBODY), 0);
    is_refused("another user's folder");
    ck_assert_int_eq(names_in(home), 0);
}
END_TEST

int
main(void)
{
    TCase *fails = tcase_create("a failing system");
    tcase_add_checked_fixture(fails, set_up, remove_home);
    tcase_add_test(fails, test_short_and_interrupted_writes);
    tcase_add_loop_test(fails, test_disk_full, 0, FULL);
    tcase_add_loop_test(fails, test_read_fails, 0, sizeof unreadable / sizeof *unreadable);
    tcase_add_test(fails, test_size_limit);
    tcase_add_test(fails, test_shortening_that_fails_changes_nothing);
    TCase *lock = tcase_create("the lock");
    tcase_add_checked_fixture(lock, set_up, remove_home);
    tcase_set_timeout(lock, 20);
    tcase_add_loop_test(lock, test_no_locks, 0, WITHOUT);
    tcase_add_test(lock, test_no_locks_and_half_a_line);
    tcase_add_test(lock, test_lock_is_held);
    tcase_add_test(lock, test_lock_is_held_for_a_moment);
    TCase *many = tcase_create("many at once");
    tcase_add_checked_fixture(many, set_up, remove_home);
    tcase_set_timeout(many, 120);
    tcase_add_test(many, test_writers_at_once);
    tcase_add_test(many, test_writers_are_killed);
    TCase *none = tcase_create("no history");
    tcase_add_checked_fixture(none, set_up, remove_home);
    tcase_set_timeout(none, 20);
    tcase_add_test(none, test_folder);
    tcase_add_test(none, test_fifo);
    tcase_add_test(none, test_device);
    tcase_add_test(none, test_links_in_a_circle);
    tcase_add_test(none, test_a_file_in_the_place_of_a_folder);
    tcase_add_test(none, test_name_too_long);
    tcase_add_test(none, test_a_place_where_nothing_can_be_made);
    tcase_add_loop_test(none, test_no_permission, 0, 2);
    tcase_add_test(none, test_binary);
    tcase_add_test(none, test_binary_that_is_known_when_it_is_read);
    tcase_add_test(none, test_binary_that_is_written_first);
    tcase_add_loop_test(none, test_huge, 0, 2);
    tcase_add_test(none, test_of_another_user);
    tcase_add_test(none, test_nothing_is_made_in_another_users_folder);
    return unit_run("history file", (TCase *const[]){fails, lock, many, none}, 4);
}
