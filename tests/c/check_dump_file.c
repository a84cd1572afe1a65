/* dump_file.h: the new file or the old one, whatever the path leads to and whichever system call fails. */
#include <grp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "dump_file.h"
#include "dump_folder.h"

/* ---- a system that fails when it is told to: these come before the C library's ---- */

static struct {
    bool watched;      /* calls are counted and told in the log */
    int calls;
    int fails_at;      /* this one, from 1 on */
    bool goes_on;      /* and all after it */
    int error;         /* with this */
    const char *only;  /* of the calls with this name; NULL: of all */
    int write_most;    /* bytes that write() takes at a time, 0 for all */
    int interrupts;    /* so many calls of write() and fsync() are interrupted first */
    bool write_is_nothing;
    void (*before_flock)(void);
    mode_t made_with;  /* the mode that the last file was made with */
    char log[4096];    /* what was called, with a blank behind each */
} system_does;

static bool
fails(const char *name)
{
    if (!system_does.watched) {
        return false;
    }
    if (strlen(system_does.log) + strlen(name) + 2 < sizeof system_does.log) {
        strcat(strcat(system_does.log, name), " ");
    }
    if (system_does.only != NULL && strcmp(system_does.only, name) != 0) {
        return false;
    }
    system_does.calls++;
    errno = system_does.error;
    return system_does.fails_at != 0
           && (system_does.goes_on ? system_does.calls >= system_does.fails_at
                                   : system_does.calls == system_does.fails_at);
}

static bool
is_interrupted(void)
{
    errno = EINTR;
    return system_does.interrupts > 0 && system_does.interrupts--;
}

static const char *
kind_of(int fd, const char *of_file, const char *of_folder)
{
    struct stat status;
    return fstat(fd, &status) == 0 && S_ISDIR(status.st_mode) ? of_folder : of_file;
}

int
openat(int from, const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    mode_t mode = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    if (fails((flags & O_CREAT) != 0 ? "make" : "openat")) {
        return -1;
    }
    system_does.made_with = (flags & O_CREAT) != 0 ? mode : system_does.made_with;
    return (int)syscall(SYS_openat, from, path, flags, mode);
}

ssize_t
write(int fd, const void *bytes, size_t size)
{
    if (fails("write") || is_interrupted()) {
        return -1;
    }
    if (system_does.write_is_nothing) {
        return 0;
    }
    if (system_does.write_most > 0 && size > (size_t)system_does.write_most) {
        size = (size_t)system_does.write_most;
    }
    return syscall(SYS_write, fd, bytes, size);
}

int
flock(int fd, int how)
{
    if (system_does.before_flock != NULL) {
        void (*before)(void) = system_does.before_flock;
        system_does.before_flock = NULL;
        before();
    }
    return fails("flock") ? -1 : (int)syscall(SYS_flock, fd, how);
}

int
fchown(int fd, uid_t user, gid_t group)
{
    return fails("fchown") ? -1 : (int)syscall(SYS_fchown, fd, user, group);
}

int
fchmod(int fd, mode_t mode)
{
    return fails("fchmod") ? -1 : (int)syscall(SYS_fchmod, fd, mode);
}

int
fsync(int fd)
{
    return fails(kind_of(fd, "fsync", "fsync-folder")) || is_interrupted() ? -1 : (int)syscall(SYS_fsync, fd);
}

int
renameat(int from, const char *name, int to, const char *new_name)
{
    return fails("renameat") ? -1 : (int)syscall(SYS_renameat2, from, name, to, new_name, 0);
}

int
unlinkat(int from, const char *name, int flags)
{
    return fails("unlinkat") ? -1 : (int)syscall(SYS_unlinkat, from, name, flags);
}

int
close(int fd)
{
    bool failed = fails("close"); /* it is closed all the same, as on Linux */
    int error = errno, closed = (int)syscall(SYS_close, fd);
    errno = failed ? error : errno;
    return failed ? -1 : closed;
}

/* ---- what the tests do ---- */

static DumpFile file;

static void
set_up(void)
{
    memset(&system_does, 0, sizeof system_does);
    make_folder();
    umask(022);
}

/* Write it, from beginning to end. False with what has failed in `file`. */
static bool
replace(const char *path, const char *text)
{
    size_t half = strlen(text) / 2;
    bool done = dump_file_begin(&file, path) && dump_file_write(&file, text, half)
                && dump_file_write(&file, text + half, strlen(text) - half) && dump_file_save(&file)
                && dump_file_commit(&file);
    dump_file_end(&file);
    return done;
}

static void
is_replaced(const char *path, const char *text)
{
    bool done = replace(path, text);
    ck_assert_msg(done, "%s: %s", path, file.failed != NULL ? file.failed : strerror(file.error));
    ck_assert_int_eq(file.error, 0);
    ck_assert_str_eq(content(path), text);
}

static void
is_refused(const char *path, int error, const char *why)
{
    int before = names_in(folder);
    ck_assert(!dump_file_begin(&file, path));
    ck_assert_msg(file.error == error, "%s: %s, not %s", path, strerror(file.error), strerror(error));
    ck_assert_pstr_eq(file.failed, why);
    dump_file_end(&file);
    ck_assert_int_eq(names_in(folder), before);
}

/* ---- new and replaced ---- */

START_TEST(test_a_new_file)
{
    is_replaced("x", "content");
    ck_assert_int_eq(names_in("."), 1);
}
END_TEST

START_TEST(test_a_file_is_replaced)
{
    put("x", "what was there before, which is longer", 0644);
    is_replaced("x", "content");
    ck_assert_int_eq(names_in("."), 1);
}
END_TEST

/* Whoever has opened the old one goes on reading it. */
START_TEST(test_the_old_file_is_not_written_to)
{
    put("x", "old", 0644);
    ck_assert_int_eq(link("x", "y"), 0);
    is_replaced("x", "new");
    ck_assert_str_eq(content("y"), "old");
}
END_TEST

START_TEST(test_nothing_is_seen_before_the_end)
{
    put("x", "old", 0644);
    ck_assert(dump_file_begin(&file, "x"));
    ck_assert(dump_file_write(&file, "new", 3));
    ck_assert_str_eq(content("x"), "old");
    ck_assert(dump_file_save(&file) && dump_file_commit(&file));
    ck_assert_str_eq(content("x"), "new");
    dump_file_end(&file);
}
END_TEST

START_TEST(test_an_empty_file)
{
    is_replaced("x", "");
}
END_TEST

/* `_i`: 1 there was one before, else none. */
START_TEST(test_without_commit_it_is_as_before)
{
    if (_i == 1) {
        put("x", "old", 0600);
    }
    ck_assert(dump_file_begin(&file, "x"));
    ck_assert(dump_file_write(&file, "new", 3));
    dump_file_end(&file);
    ck_assert_int_eq(names_in("."), _i);
    if (_i == 1) {
        ck_assert_str_eq(content("x"), "old");
    }
    dump_file_end(&file); /* once more is no harm */
}
END_TEST

/* All writers have begun before the first ends. The last to end is who counts. */
START_TEST(test_writers_at_once)
{
    enum { WRITERS = 5 };
    DumpFile files[WRITERS];
    for (int i = 0; i < WRITERS; i++) {
        char digit = (char)('0' + i);
        ck_assert(dump_file_begin(&files[i], "x"));
        ck_assert(dump_file_write(&files[i], &digit, 1));
    }
    for (int i = 0; i < WRITERS; i++) {
        const char digit[] = {(char)('0' + i), '\0'};
        ck_assert(dump_file_save(&files[i]) && dump_file_commit(&files[i]));
        ck_assert_str_eq(content("x"), digit);
        dump_file_end(&files[i]);
    }
    ck_assert_int_eq(names_in("."), 1);
}
END_TEST

/* ---- whose it is, and who may read it ---- */

static const struct {
    unsigned mask, mode;
} masks[] = {{022, 0644}, {077, 0600}, {027, 0640}, {0, 0666}, {002, 0664}};
enum { MASKS = sizeof masks / sizeof *masks };

START_TEST(test_a_new_file_is_as_any_new_file)
{
    umask(masks[_i].mask);
    is_replaced("x", "content");
    ck_assert_uint_eq(mode_of("x"), masks[_i].mode);
}
END_TEST

static const unsigned modes[] = {0600, 0640, 0644, 0666, 0755, 0200};
enum { MODES = sizeof modes / sizeof *modes };

START_TEST(test_the_mode_is_kept)
{
    put("x", "old", modes[_i]);
    ck_assert(replace("x", "new"));
    ck_assert_uint_eq(mode_of("x"), modes[_i]);
}
END_TEST

/* Whoever opens it in the moment when it is made reads all that follows. */
START_TEST(test_a_private_file_is_private_from_the_start)
{
    put("x", "old", 0600);
    ck_assert(dump_file_begin(&file, "x"));
    ck_assert_uint_eq(system_does.made_with & 077, 0);
    dump_file_end(&file);
}
END_TEST

START_TEST(test_nobody_else_reads_what_is_not_finished)
{
    umask(0);
    ck_assert(dump_file_begin(&file, "x"));
    ck_assert_uint_eq(mode_of(file.temporary), 0600);
    dump_file_end(&file);
}
END_TEST

START_TEST(test_a_set_user_id_is_not_handed_on)
{
    put("x", "old", 04755);
    is_replaced("x", "new");
    ck_assert_uint_eq(mode_of("x"), 0755);
}
END_TEST

START_TEST(test_root_leaves_a_file_its_owner)
{
    if (geteuid() == 0) {
        put("x", "old", 0640);
        ck_assert_int_eq(chown("x", 1234, 4321), 0);
        is_replaced("x", "new");
        ck_assert_uint_eq(status_of("x").st_uid, 1234);
        ck_assert_uint_eq(status_of("x").st_gid, 4321);
        ck_assert_uint_eq(mode_of("x"), 0640);
    }
}
END_TEST

/* As nobody, whose groups are `_i` == 1 the file's too, else not. */
START_TEST(test_the_group_is_kept_or_gets_no_more_than_others)
{
    const gid_t group = 4321;
    if (geteuid() != 0) {
        return;
    }
    put("x", "old", 0666);
    ck_assert_int_eq(chown("x", 1234, group), 0);
    ck_assert_int_eq(chmod("x", 0662), 0);
    ck_assert_int_eq(setgroups((size_t)_i, &group), 0);
    be_nobody();
    ck_assert(replace("x", "new"));
    be_oneself();
    ck_assert_uint_eq(status_of("x").st_uid, 65534);
    ck_assert_uint_eq(status_of("x").st_gid, _i == 1 ? group : 65534);
    ck_assert_uint_eq(mode_of("x"), _i == 1 ? 0662 : 0622);
}
END_TEST

/* Its folder would let it be replaced; but whoever has taken the right away wants to keep it. */
START_TEST(test_a_write_protected_file_stays)
{
    put("x", "old", 0444);
    be_nobody();
    if (getuid() != 0) {
        be_oneself();
    }
    is_refused("x", EACCES, NULL);
    be_oneself();
    ck_assert_str_eq(content("x"), "old");
}
END_TEST

/* ---- where the path leads ---- */

static const char *const plain[] = {
    "x", "./x", "sub/x", "sub/../x", "sub/./x", "sub//x", "sub/deeper/../../x", "folder-link/x", "sub/up/x", "..x",
    ".x", "a name with blanks", "x\ny", "\xff\xfe\x80", "%s%n", "-rf", ".x.hooking-abcdef",
};
enum { PLAIN = sizeof plain / sizeof *plain };

/* `_i` % 2: whether the path is absolute. */
START_TEST(test_paths)
{
    const char *path = _i % 2 == 0 ? plain[_i / 2] : at(plain[_i / 2]);
    ck_assert_int_eq(mkdir("sub", 0700), 0);
    ck_assert_int_eq(mkdir("sub/deeper", 0700), 0);
    ck_assert_int_eq(symlink("sub", "folder-link"), 0);
    ck_assert_int_eq(symlink("..", "sub/up"), 0);
    is_replaced(path, "new");
    is_replaced(path, "newer");
    ck_assert_int_eq(names_in(".") + names_in("sub"), 5);
}
END_TEST

START_TEST(test_in_the_root)
{
    is_refused("/", EISDIR, NULL);
    is_refused("/.", EISDIR, NULL);
    is_refused("//", EISDIR, NULL);
    is_refused("/..", EISDIR, NULL);
    is_refused("/no such folder/x", ENOENT, NULL);
}
END_TEST

static const struct {
    const char *link, *to;  /* relative to sub/ */
    const char *more, *more_to; /* another one; NULL: none */
    const char *file;       /* what it leads to */
} links[] = {
    {"sub/l", "x", NULL, NULL, "sub/x"},
    {"sub/l", "../x", NULL, NULL, "x"},
    {"sub/l", "./x", NULL, NULL, "sub/x"},
    {"sub/l", "k", "sub/k", "x", "sub/x"},
    {"sub/l", "../k", "k", "sub/x", "sub/x"},
    {"sub/l", "../k", "k", "other/x", "other/x"},
    {"sub/l", "k/x", "sub/k", "../other", "other/x"},
};
enum { LINKS = sizeof links / sizeof *links };

/* A link stays one, and what it leads to is replaced, or made. `_i` % 2: 1 the file is there, else it dangles. */
START_TEST(test_symbolic_links)
{
    ck_assert_int_eq(mkdir("sub", 0700), 0);
    ck_assert_int_eq(mkdir("other", 0700), 0);
    ck_assert_int_eq(symlink(links[_i / 2].to, links[_i / 2].link), 0);
    if (links[_i / 2].more != NULL) {
        ck_assert_int_eq(symlink(links[_i / 2].more_to, links[_i / 2].more), 0);
    }
    if (_i % 2 == 1) {
        put(links[_i / 2].file, "old", 0640);
    }
    is_replaced(links[_i / 2].link, "new");
    ck_assert(S_ISLNK(status_of(links[_i / 2].link).st_mode));
    ck_assert(links[_i / 2].more == NULL || S_ISLNK(status_of(links[_i / 2].more).st_mode));
    ck_assert(S_ISREG(status_of(links[_i / 2].file).st_mode));
    ck_assert_uint_eq(mode_of(links[_i / 2].file), _i % 2 == 1 ? 0640 : 0644);
}
END_TEST

START_TEST(test_absolute_link)
{
    ck_assert_int_eq(mkdir("sub", 0700), 0);
    ck_assert_int_eq(symlink(at("x"), "sub/l"), 0);
    is_replaced("sub/l", "new");
    ck_assert(S_ISREG(status_of("x").st_mode));
    ck_assert(S_ISLNK(status_of("sub/l").st_mode));
}
END_TEST

START_TEST(test_links_that_lead_nowhere)
{
    ck_assert_int_eq(symlink("l", "l"), 0);
    ck_assert_int_eq(symlink("missing/x", "m"), 0);
    ck_assert_int_eq(mkdir("sub", 0700), 0);
    ck_assert_int_eq(symlink("sub", "s"), 0);
    ck_assert_int_eq(symlink("/dev/null", "n"), 0);
    is_refused("l", ELOOP, NULL);
    is_refused("m", ENOENT, NULL);
    is_refused("s", EISDIR, NULL);
    is_refused("n", EINVAL, "not a plain file");
    ck_assert(S_ISLNK(status_of("m").st_mode));
}
END_TEST

/* What was begun ends where it was begun. */
START_TEST(test_folders_that_move_meanwhile)
{
    ck_assert_int_eq(mkdir("sub", 0700), 0);
    ck_assert(dump_file_begin(&file, "sub/x"));
    ck_assert_int_eq(rename("sub", "moved"), 0);
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert(dump_file_write(&file, "new", 3));
    ck_assert(dump_file_save(&file) && dump_file_commit(&file));
    dump_file_end(&file);
    ck_assert_str_eq(content(at("moved/x")), "new");
    ck_assert_int_eq(names_in(at("moved")), 1);
}
END_TEST

START_TEST(test_a_folder_deeper_than_any_path)
{
    char name[201];
    memset(name, 'd', 200);
    name[200] = '\0';
    for (int i = 0; i < 30; i++) {
        ck_assert_int_eq(mkdir(name, 0700), 0);
        ck_assert_int_eq(chdir(name), 0);
    }
    is_replaced("x", "new");
    is_replaced("x", "newer");
    ck_assert_int_eq(names_in("."), 1);
}
END_TEST

/* ---- what is refused, at the beginning ---- */

START_TEST(test_no_file_can_be_there)
{
    ck_assert_int_eq(mkdir("sub", 0700), 0);
    put("f", "a file", 0644);
    is_refused("", ENOENT, NULL);
    is_refused(".", EISDIR, NULL);
    is_refused("..", EISDIR, NULL);
    is_refused("sub", EISDIR, NULL);
    is_refused("sub/", EISDIR, NULL);
    is_refused("sub/.", EISDIR, NULL);
    is_refused("missing/x", ENOENT, NULL);
    is_refused("missing/", ENOENT, NULL);
    is_refused("f/x", ENOTDIR, NULL);
    is_refused("f/", ENOTDIR, NULL);
    ck_assert_str_eq(content("f"), "a file");
}
END_TEST

/* Opening a FIFO would not come back. */
START_TEST(test_not_a_plain_file)
{
    ck_assert_int_eq(mkfifo("fifo", 0600), 0);
    is_refused("fifo", EINVAL, "not a plain file");
    is_refused("/dev/null", EINVAL, "not a plain file");
    is_refused("/dev/tty", EINVAL, "not a plain file");
    ck_assert(S_ISFIFO(status_of("fifo").st_mode));
}
END_TEST

START_TEST(test_a_folder_that_may_not_be_written_to)
{
    put("x", "old", 0666);
    be_nobody();
    ck_assert_int_eq(chmod(folder, 0500), 0);
    is_refused("y", EACCES, NULL);
    is_refused("x", EACCES, NULL);
    ck_assert_int_eq(chmod(folder, 0600), 0);
    ck_assert(!dump_file_begin(&file, at("x")));
    ck_assert_int_eq(file.error, EACCES);
    dump_file_end(&file);
    ck_assert_int_eq(chmod(folder, 0700), 0);
    be_oneself();
    ck_assert_str_eq(content("x"), "old");
}
END_TEST

/* As into a letter box. */
START_TEST(test_a_folder_that_may_not_be_listed)
{
    be_nobody();
    ck_assert_int_eq(mkdir("sub", 0300), 0);
    bool done = replace("sub/x", "new") && replace("sub/x", "newer");
    be_oneself();
    ck_assert_msg(done, "%s", strerror(file.error));
    ck_assert_int_eq(chmod("sub", 0700), 0);
    ck_assert_str_eq(content("sub/x"), "newer");
    ck_assert_int_eq(names_in("sub"), 1);
}
END_TEST

/* Names of `_i` bytes; 255 is what all file systems here allow. */
START_TEST(test_long_names)
{
    char name[300];
    memset(name, '\xc3', sizeof name);
    name[_i] = '\0';
    is_replaced(name, "new");
    is_replaced(name, "newer");
    ck_assert_int_eq(names_in("."), 1);
}
END_TEST

/* It is not written first, and then found to have no place. */
START_TEST(test_a_name_that_is_too_long)
{
    char name[300], path[5000];
    memset(name, 'x', sizeof name);
    name[256] = '\0';
    is_refused(name, ENAMETOOLONG, NULL);
    memset(path, '/', sizeof path);
    strcpy(path + 4990, "x");
    is_refused(path, ENAMETOOLONG, NULL);
}
END_TEST

/* ---- litter ---- */

/* A writer that is killed, or (`lives`) one that is at it; returns its process. */
static pid_t
write_and_stop(const char *path, bool lives)
{
    int ready[2];
    char byte;
    ck_assert_int_eq(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        dump_file_begin(&file, path);
        dump_file_write(&file, "half", 4);
        write(ready[1], "r", 1);
        pause();
    }
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    if (!lives) {
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
    return child;
}

START_TEST(test_what_a_killed_writer_leaves_is_removed)
{
    put("x", "old", 0644);
    for (int i = 0; i < 3; i++) {
        write_and_stop("x", false);
        ck_assert_str_eq(content("x"), "old");
        ck_assert_int_eq(names_in("."), 2); /* its own, and that of the one before is gone */
    }
    is_replaced("x", "new");
    ck_assert_int_eq(names_in("."), 1);
}
END_TEST

/* Also when it was killed at the very end, when the file had got its mode, and when it is not root who sweeps. */
START_TEST(test_what_is_left_of_a_protected_file)
{
    be_nobody();
    for (int i = 0; i < MODES; i++) {
        write_and_stop("x", false);
        DIR *entries = opendir(".");
        for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
            if (entry->d_name[1] != '\0' && entry->d_name[1] != '.') {
                ck_assert_int_eq(chmod(entry->d_name, modes[i]), 0);
            }
        }
        closedir(entries);
        is_replaced("x", "new");
        ck_assert_int_eq(names_in("."), 1);
        ck_assert_int_eq(unlink("x"), 0);
    }
    be_oneself();
}
END_TEST

START_TEST(test_what_a_living_writer_has_stays)
{
    pid_t child = write_and_stop("x", true);
    ck_assert_int_eq(names_in("."), 1);
    is_replaced("x", "new");
    ck_assert_int_eq(names_in("."), 2);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    is_replaced("x", "newer");
    ck_assert_int_eq(names_in("."), 1);
}
END_TEST

static const char *const similar[] = {
    ".x.hooking-",      ".x.hooking-abcde", ".x.hooking-abcdefg", ".y.hooking-abcdef", "x.hooking-abcdef",
    ".x.hooking_abcde", ".xhooking-abcdef", ".x.hooking-README",  ".x.hooking-abc.py", ".x.hooking-abc 1f",
};
enum { SIMILAR = sizeof similar / sizeof *similar };

START_TEST(test_other_files_stay)
{
    for (int i = 0; i < SIMILAR; i++) {
        put(similar[i], "someone's", 0644);
    }
    ck_assert_int_eq(mkdir(".x.hooking-abcdef", 0700), 0);
    ck_assert_int_eq(symlink("target", ".x.hooking-bcdefg"), 0);
    ck_assert_int_eq(mkfifo(".x.hooking-cdefgh", 0600), 0);
    is_replaced("x", "new");
    ck_assert_int_eq(names_in("."), SIMILAR + 4);
}
END_TEST

/* ---- a system that fails ---- */

static const int errors[] = {EIO, ENOSPC, EDQUOT, EACCES, ENOMEM};
enum { ERRORS = sizeof errors / sizeof *errors };

/* One call after the other, until there are no more: the new file if that was no matter, else the old one. What was
 * not removed since that failed too, the next to write removes. `_i` % 2: all later calls fail as well. */
START_TEST(test_each_call_fails)
{
    int failures = 0;
    for (int n = 1;; n++) {
        put("x", "old", 0644);
        write_and_stop("x", false);
        memset(&system_does, 0, sizeof system_does);
        system_does.fails_at = n;
        system_does.goes_on = _i % 2 == 1;
        system_does.error = errors[_i / 2];
        system_does.watched = true;
        bool done = replace("x", "new");
        system_does.watched = false;
        if (system_does.calls < n) {
            ck_assert(done);
            break;
        }
        bool replaced = done || file.failed != NULL; /* but not the folder */
        failures += !done;
        ck_assert_str_eq(content("x"), replaced ? "new" : "old");
        ck_assert_msg(done || file.error == errors[_i / 2], "call %d of %s: %s", n, system_does.log,
                      strerror(file.error));
        is_replaced("x", "newer");
        ck_assert_int_eq(names_in("."), 1);
    }
    ck_assert_int_ge(failures, 6);
}
END_TEST

START_TEST(test_what_is_no_matter)
{
    static const char *const calls[] = {"flock", "close", "openat"};
    for (int i = 0; i < 3; i++) {
        memset(&system_does, 0, sizeof system_does);
        system_does.fails_at = 2 * (i == 2); /* the first is the folder itself */
        system_does.goes_on = true;
        system_does.error = ENOLCK;
        system_does.only = calls[i];
        system_does.watched = true;
        bool done = replace("x", "new");
        system_does.watched = false;
        ck_assert(done);
        ck_assert_int_eq(names_in("."), 1);
    }
}
END_TEST

/* Where folders cannot be synced there is nothing to be done; where it has failed that is told. */
START_TEST(test_the_folder_is_not_saved)
{
    static const struct {
        int error;
        bool matters;
    } all[] = {{EINVAL, false}, {EBADF, false}, {ENOSYS, false}, {EOPNOTSUPP, false}, {EIO, true}, {ENOSPC, true}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        memset(&system_does, 0, sizeof system_does);
        system_does.fails_at = 1;
        system_does.error = all[i].error;
        system_does.only = "fsync-folder";
        system_does.watched = true;
        bool done = replace("x", "new");
        system_does.watched = false;
        ck_assert_msg(done != all[i].matters, "%s", strerror(all[i].error));
        ck_assert(done || strstr(file.failed, "its folder") != NULL);
        ck_assert_str_eq(content("x"), "new");
    }
}
END_TEST

/* First the content, then the name, then that the name is there: at whatever moment the power goes. */
START_TEST(test_the_order_is_safe)
{
    put("x", "old", 0644);
    system_does.watched = true;
    bool done = replace("x", "new");
    system_does.watched = false;
    ck_assert(done);
    const char *synced = strstr(system_does.log, "fsync "), *renamed = strstr(system_does.log, "renameat ");
    const char *folder_synced = strstr(system_does.log, "fsync-folder ");
    ck_assert_ptr_nonnull(synced);
    ck_assert_ptr_nonnull(renamed);
    ck_assert_ptr_nonnull(folder_synced);
    ck_assert_msg(synced < renamed && renamed < folder_synced, "%s", system_does.log);
    ck_assert_ptr_null(strstr(synced, "write "));
    ck_assert_ptr_null(strstr(synced, "fchmod "));
}
END_TEST

START_TEST(test_short_and_interrupted_writes)
{
    system_does.write_most = 3;
    system_does.interrupts = 5;
    is_replaced("x", "a long content, a few bytes at a time");
}
END_TEST

START_TEST(test_interrupted_syncs)
{
    ck_assert(dump_file_begin(&file, "x"));
    system_does.interrupts = 5;
    ck_assert(dump_file_save(&file) && dump_file_commit(&file));
    dump_file_end(&file);
}
END_TEST

START_TEST(test_a_system_that_writes_nothing)
{
    put("x", "old", 0644);
    system_does.watched = system_does.write_is_nothing = true;
    bool done = replace("x", "new");
    system_does.watched = false;
    ck_assert(!done);
    ck_assert_int_eq(file.error, EIO);
    ck_assert_str_eq(content("x"), "old");
}
END_TEST

/* A limit that the program has. Python ignores the signal. */
START_TEST(test_size_limit)
{
    struct rlimit limit = {6, RLIM_INFINITY};
    signal(SIGXFSZ, SIG_IGN);
    put("x", "old", 0644);
    /* no ck_assert() within it: Check keeps its results in a file */
    int set = setrlimit(RLIMIT_FSIZE, &limit);
    bool done = replace("x", "longer than six");
    limit.rlim_cur = RLIM_INFINITY;
    setrlimit(RLIMIT_FSIZE, &limit);
    ck_assert_int_eq(set, 0);
    ck_assert(!done);
    ck_assert_int_eq(file.error, EFBIG);
    ck_assert_str_eq(content("x"), "old");
    ck_assert_int_eq(names_in("."), 1);
}
END_TEST

/* Another writer that takes the file for litter, as it is not locked yet: it has locked it itself, and removes it. */
static int sweeper = -1;
static char swept[256];

static void
sweep(void)
{
    sweeper = -1;
    DIR *entries = opendir(".");
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        if (strncmp(entry->d_name, ".x.hooking-", 11) == 0) {
            strcpy(swept, entry->d_name);
            sweeper = open(swept, O_RDONLY);
        }
    }
    closedir(entries);
    syscall(SYS_flock, sweeper, LOCK_EX | LOCK_NB);
}

START_TEST(test_another_writer_takes_it_for_litter)
{
    system_does.before_flock = sweep;
    ck_assert(dump_file_begin(&file, "x"));
    ck_assert_int_ge(sweeper, 0);
    unlink(swept);
    close(sweeper);
    ck_assert(dump_file_write(&file, "new", 3));
    ck_assert_msg(dump_file_save(&file) && dump_file_commit(&file), "%s", strerror(file.error));
    dump_file_end(&file);
    ck_assert_str_eq(content("x"), "new");
    ck_assert_int_eq(names_in("."), 1);
}
END_TEST

static TCase *
case_of(const char *name)
{
    TCase *made = tcase_create(name);
    tcase_add_checked_fixture(made, set_up, remove_folder);
    tcase_set_timeout(made, 20);
    return made;
}

int
main(void)
{
    TCase *replaced = case_of("new and replaced");
    tcase_add_test(replaced, test_a_new_file);
    tcase_add_test(replaced, test_a_file_is_replaced);
    tcase_add_test(replaced, test_the_old_file_is_not_written_to);
    tcase_add_test(replaced, test_nothing_is_seen_before_the_end);
    tcase_add_test(replaced, test_an_empty_file);
    tcase_add_loop_test(replaced, test_without_commit_it_is_as_before, 0, 2);
    tcase_add_test(replaced, test_writers_at_once);
    TCase *whose = case_of("whose");
    tcase_add_loop_test(whose, test_a_new_file_is_as_any_new_file, 0, MASKS);
    tcase_add_loop_test(whose, test_the_mode_is_kept, 0, MODES);
    tcase_add_test(whose, test_a_private_file_is_private_from_the_start);
    tcase_add_test(whose, test_nobody_else_reads_what_is_not_finished);
    tcase_add_test(whose, test_a_set_user_id_is_not_handed_on);
    tcase_add_test(whose, test_root_leaves_a_file_its_owner);
    tcase_add_loop_test(whose, test_the_group_is_kept_or_gets_no_more_than_others, 0, 2);
    tcase_add_test(whose, test_a_write_protected_file_stays);
    TCase *where = case_of("where");
    tcase_add_loop_test(where, test_paths, 0, 2 * PLAIN);
    tcase_add_test(where, test_in_the_root);
    tcase_add_loop_test(where, test_symbolic_links, 0, 2 * LINKS);
    tcase_add_test(where, test_absolute_link);
    tcase_add_test(where, test_links_that_lead_nowhere);
    tcase_add_test(where, test_folders_that_move_meanwhile);
    tcase_add_test(where, test_a_folder_deeper_than_any_path);
    TCase *refused = case_of("refused");
    tcase_add_test(refused, test_no_file_can_be_there);
    tcase_add_test(refused, test_not_a_plain_file);
    tcase_add_test(refused, test_a_folder_that_may_not_be_written_to);
    tcase_add_test(refused, test_a_folder_that_may_not_be_listed);
    tcase_add_loop_test(refused, test_long_names, 190, 256);
    tcase_add_test(refused, test_a_name_that_is_too_long);
    TCase *litter = case_of("litter");
    tcase_add_test(litter, test_what_a_killed_writer_leaves_is_removed);
    tcase_add_test(litter, test_what_is_left_of_a_protected_file);
    tcase_add_test(litter, test_what_a_living_writer_has_stays);
    tcase_add_test(litter, test_other_files_stay);
    tcase_add_test(litter, test_another_writer_takes_it_for_litter);
    TCase *fail = case_of("fails");
    tcase_add_loop_test(fail, test_each_call_fails, 0, 2 * ERRORS);
    tcase_add_test(fail, test_what_is_no_matter);
    tcase_add_test(fail, test_the_folder_is_not_saved);
    tcase_add_test(fail, test_the_order_is_safe);
    tcase_add_test(fail, test_short_and_interrupted_writes);
    tcase_add_test(fail, test_interrupted_syncs);
    tcase_add_test(fail, test_a_system_that_writes_nothing);
    tcase_add_test(fail, test_size_limit);
    return unit_run("dump file", (TCase *const[]){replaced, whose, where, refused, litter, fail}, 6);
}
