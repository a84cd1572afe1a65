/* Bytes of the terminal, see term_bytes.h. */
#include "compat.h"

#include "term_bytes.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <readline/readline.h>

/* What a terminal sends before a paste, and with 1 for the last 0 behind it. */
static const char PASTE_MARK[] = "\033[200~";
enum { PASTE_MARK_SIZE = sizeof PASTE_MARK - 1, PASTE_MARK_KIND = 4 };

static const char PASTE_END[] = "\033[201~";
enum { INTERRUPT = 'C' & 0x1f };

static struct {
    int again;             /* a key to be read again, or EOF */
    unsigned char ahead[PASTE_MARK_SIZE + 2]; /* bytes of a paste that were read at once, or a text that ends it */
    size_t ahead_at, ahead_size;
    long long spoke;       /* when something other than Ctrl-C was read last, in milliseconds */
    size_t mark;           /* how many bytes of a mark the last ones read are */
    bool mark_begins, in_paste;
    bool return_ahead;     /* a carriage return was read, and more was there: a line feed belongs to it, as pasted */
    bool end_ahead;        /* Ctrl-D was typed before the prompt: the first byte will be NUL */
    unsigned char end;     /* the terminal's character for it */
} self;

bool
term_bytes_has_input(int fd, int milliseconds)
{
    struct pollfd ready = {fd, POLLIN, 0};
    return poll(&ready, 1, milliseconds) > 0;
}

/* How many; -1 when that is not known. */
static int
bytes_waiting(int fd)
{
    int waiting = 0;
    return ioctl(fd, FIONREAD, &waiting) == 0 ? waiting : -1;
}

bool
term_bytes_are_waiting(int fd)
{
    return bytes_waiting(fd) > 0;
}

/* Was Ctrl-D typed while the terminal collected lines, and nothing before it? There is something to read then, of no
 * bytes. Once lines are no longer collected Linux gives it as NUL. */
static bool
bytes_end_is_ahead(int fd)
{
    return term_bytes_has_input(fd, 0) && bytes_waiting(fd) == 0;
}

/* A key that ends a search and begins a key sequence crashes readline 8.2 in the callback interface. So it is read as
 * Ctrl-J, which ends a search and does nothing else, and is read again after that. */
static int
bytes_guard_search(int fd, int c)
{
    enum { SEQUENCE = 20 }; /* ms: the rest of what a key sends follows its Escape at once */
    if (!RL_ISSTATE(RL_STATE_ISEARCH | RL_STATE_NSEARCH) || rl_get_keymap()[c].type != ISKMAP) {
        return c;
    }
    if (c != '\033' || term_bytes_has_input(fd, SEQUENCE)) {
        self.again = c;
    }
    return '\n';
}

static long long
bytes_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* A byte was read: is it part of the marks around a paste? */
static void
bytes_follow_paste(unsigned char c)
{
    bool is_kind = self.mark == PASTE_MARK_KIND && (c == '0' || c == '1');
    if (is_kind) {
        self.mark_begins = c == '0';
    }
    self.mark = is_kind || c == (unsigned char)PASTE_MARK[self.mark] ? self.mark + 1 : c == '\033';
    if (self.mark == PASTE_MARK_SIZE) {
        self.in_paste = self.mark_begins;
        self.spoke = bytes_now();
        self.mark = 0;
    }
}

/* A byte of a paste was read. Was it typed? A paste whose end never comes, as the terminal has crashed or something in
 * between has cut it off, must not lock the keyboard. In a text that arrives slowly Ctrl-C has company, or follows
 * sooner. One that is pressed again and again is no such text. */
static bool
bytes_are_typed(int fd, unsigned char first, size_t count)
{
    enum { SILENCE = 500 }; /* ms; a slow line pauses for 200 */
    long long now = bytes_now();
    if (first != INTERRUPT || count > 1) {
        self.spoke = now;
        return false;
    }
    return now - self.spoke >= SILENCE && bytes_waiting(fd) <= 0;
}

/* Let readline, which reads a paste in a loop of its own, come to its end, and read a key then. */
static void
bytes_end_paste(const char *key)
{
    self.ahead_size = (size_t)sprintf((char *)self.ahead, "%s%s", PASTE_END, key);
    self.in_paste = false;
    self.mark = 0;
}

/* The next byte, or one of the other answers of term_bytes_get(). */
static int
bytes_read(int fd)
{
    if (self.ahead_at < self.ahead_size) {
        return self.ahead[self.ahead_at++];
    }
    /* Within a paste it is there: giving the GIL away for each would take its length in switch intervals. */
    if (!term_bytes_has_input(fd, 0)) {
        return TERM_BYTES_NONE;
    }
    self.in_paste = self.in_paste && RL_ISSTATE(RL_STATE_MOREINPUT); /* or readline did not take the mark for one */
    /* One byte: what follows the line is not ours. In a paste no fewer than are missing from the mark at its end. */
    ssize_t got = read(fd, self.ahead, self.in_paste ? PASTE_MARK_SIZE - self.mark : 1);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) {
        return TERM_BYTES_NONE;
    }
    if (got <= 0 && !self.in_paste) { /* EIO: a pty whose other end is closed */
        return EOF;
    }
    if (got <= 0) {
        bytes_end_paste(""); /* of a paste that ends so readline 8.2 would take bytes that it has not set */
    }
    else if (self.in_paste && bytes_are_typed(fd, self.ahead[0], (size_t)got)) {
        bytes_end_paste((const char[]){INTERRUPT, '\0'});
    }
    else {
        for (ssize_t i = 0; i < got; i++) {
            bytes_follow_paste(self.ahead[i]);
        }
        self.ahead_size = (size_t)got;
    }
    self.ahead_at = 1;
    return self.ahead[0];
}

int
term_bytes_get(int fd)
{
    if (self.again != EOF) {
        int again = self.again;
        self.again = EOF;
        return again;
    }
    for (;;) {
        int c = bytes_read(fd);
        if (c < 0) {
            return c;
        }
        if (c == '\0' && self.end_ahead) {
            c = self.end;
        }
        self.end_ahead = false;
        bool is_second = c == '\n' && self.return_ahead;
        bool is_cut = c == '\0' && RL_ISSTATE(RL_STATE_MOREINPUT); /* readline would take it for the end of the paste */
        if (is_second || is_cut) {
            self.return_ahead = false;
            continue;
        }
        self.return_ahead = c == '\r' && (self.ahead_at < self.ahead_size || term_bytes_has_input(fd, 0));
        return bytes_guard_search(fd, c);
    }
}

bool
term_bytes_is_due(void)
{
    return self.again != EOF || self.ahead_at < self.ahead_size;
}

void
term_bytes_begin(int fd)
{
    struct termios settings;
    self.end = tcgetattr(fd, &settings) == 0 ? settings.c_cc[VEOF] : 'D' & 0x1f;
    self.again = EOF;
    self.ahead_at = self.ahead_size = self.mark = 0;
    self.in_paste = false;
    self.return_ahead = false;
    self.end_ahead = bytes_end_is_ahead(fd);
}
