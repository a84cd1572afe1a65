/* Bytes of the terminal, see term_bytes.h. */
#include "compat.h"

#include "term_bytes.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <readline/readline.h>

/* What a terminal sends before a paste, and with 1 for the last 0 behind it. */
static const char PASTE_MARK[] = "\033[200~";
enum { PASTE_MARK_SIZE = sizeof PASTE_MARK - 1, PASTE_MARK_KIND = 4 };

static struct {
    int again;             /* a key to be read again, or EOF */
    unsigned char ahead[PASTE_MARK_SIZE]; /* bytes of a paste that were read at once */
    size_t ahead_at, ahead_size;
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
        self.mark = 0;
    }
}

/* The next byte, -1 at the end, -2 to be asked again. */
static int
bytes_read(int fd)
{
    if (self.ahead_at < self.ahead_size) {
        return self.ahead[self.ahead_at++];
    }
    /* Within a paste the next byte is there: giving the GIL away for each would take its length in switch intervals. */
    if (!term_bytes_has_input(fd, 0)) {
        struct pollfd ready = {fd, POLLIN, 0};
        int count;
        Py_BEGIN_ALLOW_THREADS
        count = poll(&ready, 1, -1);
        Py_END_ALLOW_THREADS
        if (count <= 0) {
            return -2; /* a signal: read() would wait with the GIL */
        }
    }
    /* One byte: what follows the line is not ours. In a paste no fewer than are missing from the mark at its end. */
    ssize_t got = read(fd, self.ahead, self.in_paste ? PASTE_MARK_SIZE - self.mark : 1);
    if (got <= 0) {
        return got < 0 && (errno == EINTR || errno == EAGAIN) ? -2 : -1; /* EIO: a pty whose other end is closed */
    }
    for (ssize_t i = 0; i < got; i++) {
        bytes_follow_paste(self.ahead[i]);
    }
    self.ahead_size = (size_t)got;
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
        if (c == -1) {
            return EOF;
        }
        if (c == '\0' && self.end_ahead) {
            c = self.end;
        }
        self.end_ahead = self.end_ahead && c < 0;
        bool is_second = c == '\n' && self.return_ahead;
        bool is_cut = c == '\0' && RL_ISSTATE(RL_STATE_MOREINPUT); /* readline would take it for the end of the paste */
        if (c < 0 || is_second || is_cut) {
            self.return_ahead = self.return_ahead && c < 0;
            continue;
        }
        self.return_ahead = c == '\r' && (self.ahead_at < self.ahead_size || term_bytes_has_input(fd, 0));
        return bytes_guard_search(fd, c);
    }
}

bool
term_bytes_is_due(void)
{
    return self.again != EOF;
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
