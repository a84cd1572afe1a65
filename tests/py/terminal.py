"""A program under a real pseudo-terminal, and a screen model that shows what a person would see.

The tests look at the *screen* (pyte), never at the bytes: how often a line is redrawn, in which colour, or whether a
wrapped line was written in one go is nobody's promise. Beside pyte's screen the model keeps the rows that scrolled away
and knows which rows continue a wrapped line, so that a test can look for a text longer than the terminal is wide.

Nothing here sleeps: every wait is a poll on the terminal and on the process, with a time-out that shows the screen.

A test that sends Ctrl-C as soon as it sees a text has the program sleep in slices: a signal that comes between the
interpreter's last look for one and the system call is noticed when that call returns, in any Python.
"""

import fcntl
import glob
import os
import re
import select
import signal
import struct
import subprocess
import termios
import time
from pathlib import Path

import pyte

#: Seconds to wait for anything to appear. Slow builds (sanitizers, valgrind, debug interpreters) raise it from outside.
TIMEOUT = float(os.environ.get("HOOKING_TEST_TIMEOUT", "20"))

# Seconds between two looks at what makes no output, as a file.
GLANCE = 0.1

PS1 = ">>> "
PS2 = "... "
THREAD_PS1 = re.compile(r"\[[^\]]*\] >>> $")

KEYS = {
    "Enter": "\r", "Tab": "\t", "Backspace": "\x7f", "Escape": "\x1b", "Delete": "\x1b[3~",
    "Up": "\x1b[A", "Down": "\x1b[B", "Right": "\x1b[C", "Left": "\x1b[D", "Home": "\x1b[H", "End": "\x1b[F",
}

# What /proc tells of a thread: see Terminal.state().
STATE = ("Name", "State", "ShdPnd", "SigPnd", "SigBlk", "SigIgn", "SigCgt")

# A line of 9600 baud.
SLOW_BYTES, SLOW_SECONDS = 96, 0.1

# What the process should start in. The shell opens the terminal as the leader of a new session, and so makes it the
# controlling terminal, wherever standard input and output go; then it becomes the program.
LEADER = 'exec 9<>"$0" 9>&-; exec "$@"'
# The same with a shell that stays: a process group that nobody in its session can continue ignores SIGTSTP.
JOB_SHELL = ('exec 9<>"$0" 9>&-; set -m; "$@"; s=$?; '
             'while [ $s -eq 148 ]; do echo "[shell] stopped"; read -r go; fg %1 >/dev/null; s=$?; done; exit $s')
ORPHAN = 'exec "$@"'


class Screen(pyte.Screen):
    """pyte's screen, plus the rows that left it at the top and a mark on every row that continues the one above."""

    def __init__(self, columns, lines, answer, reflow=False):
        self.gone = []
        self.gone_cells = []                  # the same rows as they were, to be wrapped anew
        self.drawing = False
        self.answer = answer
        self.reflow = reflow
        super().__init__(columns, lines)

    def draw(self, data):
        self.drawing = True
        try:
            super().draw(data)
        finally:
            self.drawing = False

    def linefeed(self):
        # A row that ends in blanks is one that the prompt has left for the next; a wrapped line is hardly ever so.
        last = range(max(self.columns - 8, 0), self.columns)
        filled = any(not self.buffer[self.cursor.y][x].data.isspace() for x in last)
        super().linefeed()
        self.buffer[self.cursor.y].continues = self.columns if self.drawing and filled else 0

    def index(self):
        top, bottom = self.margins or (0, self.lines - 1)
        if self.cursor.y == bottom and top == 0:
            self.leave()
        super().index()

    def leave(self):
        """The row at the top is about to scroll away."""
        self.gone.append(self.row(0))
        self.gone_cells.append(self.buffer[0])

    def select_graphic_rendition(self, *attributes, **private):
        """pyte does not know faint text: here it is a colour of its own."""
        super().select_graphic_rendition(*attributes, **private)
        if 2 in attributes:
            self.cursor.attrs = self.cursor.attrs._replace(fg="faint")

    def resize(self, lines, columns):
        """As xterm does: no text is wrapped anew, and rows leave at the top only to keep the cursor's row."""
        if self.reflow and (lines, columns) != (self.lines, self.columns):
            self.wrap_anew(lines, columns)
            return
        for _ in range(max(0, self.cursor.y - lines + 1)):
            self.leave()
            for y in range(self.lines - 1):
                self.buffer[y] = self.buffer[y + 1]
            self.buffer.pop(self.lines - 1, None)
            self.cursor.y -= 1
        for y in range(lines, self.lines):
            self.buffer.pop(y, None)
        self.lines, self.columns = lines, columns
        self.set_margins()
        self.cursor.x = min(self.cursor.x, columns - 1)
        self.tabstops = set(range(8, columns, 8))

    def wrap_anew(self, lines, columns):
        """As VTE and tmux do: rows that continue each other are one line, which is broken for the new width. The
        cursor stays on its character, or as far behind the line's end as it was."""
        last = max([self.cursor.y] + [y for y in range(self.lines) if self.row(y)[0]])
        here = len(self.gone_cells) + self.cursor.y
        long, cursor = [], None               # lines as lists of cells; the cursor as line and offset
        for number, row in enumerate(self.gone_cells + [self.buffer[y] for y in range(last + 1)]):
            width = getattr(row, "continues", 0)
            if width and long:
                long[-1] += [self.default_char] * (width - len(long[-1]) % width if len(long[-1]) % width else 0)
            else:
                long.append([])
            if number == here:
                cursor = len(long) - 1, len(long[-1]) + self.cursor.x
            taken = max((x + 1 for x in row if x < self.columns and row[x] != self.default_char), default=0)
            long[-1] += [row[x] for x in range(taken)]
        line, offset = cursor
        long[line] += [self.default_char] * (offset - len(long[line]))
        rows, place = [], None
        for number, cells in enumerate(long):
            at, start = 0, len(rows)
            while at < len(cells) or at == 0 or (number == line and at == offset):
                end = at + columns
                if end < len(cells) and columns > 1 and cells[end].data == "":
                    end -= 1                  # a wide character that does not fit
                row = pyte.screens.StaticDefaultDict(self.default_char)
                row.update(enumerate(cells[at:end]))
                row.continues = columns if len(rows) > start else 0
                if number == line and at <= offset < end:
                    place = len(rows), offset - at
                rows.append(row)
                at = end
        top = min(max(0, len(rows) - lines), place[0])
        self.lines, self.columns = lines, columns
        self.gone_cells = rows[:top]
        self.gone = [self.text_of(row) for row in self.gone_cells]
        self.buffer.clear()
        for y, row in enumerate(rows[top:top + lines]):
            self.buffer[y] = row
        self.cursor.y, self.cursor.x = place[0] - top, place[1]
        self.set_margins()
        self.tabstops = set(range(8, columns, 8))

    def write_process_input(self, data):
        self.answer(data)

    def row(self, y):
        """A row as (text, width of the terminal when it continued the row above, else 0)."""
        return self.text_of(self.buffer[y])

    def text_of(self, row):
        # A wide character leaves an empty cell behind it; join() skips it.
        return "".join(row[x].data for x in range(max(self.columns, 0))).rstrip(), getattr(row, "continues", 0)

    def rows(self):
        """Every row from the first one ever shown."""
        shown = [self.row(y) for y in range(self.lines)]
        y, x = self.cursor.y, self.cursor.x   # a blank that the cursor has passed is something that was written
        shown[y] = (shown[y][0].ljust(x), shown[y][1])
        return self.gone + shown

    def place(self):
        """Where the cursor is: the row counted from the first one ever shown, and the column."""
        return len(self.gone) + self.cursor.y, self.cursor.x


class Ended(AssertionError):
    """The program ended while a test waited for something else."""


class Terminal:
    """A process on a pseudo-terminal. `Terminal.play()` runs a whole transcript; the rest are its parts."""

    def __init__(self, argv, *, env, cwd, rows=24, columns=80, stdin=None, stdout=None, stderr=None,
                 controlling=True, job_control=False, pass_fds=(), reflow=False):
        self.master, self.slave = os.openpty()
        self.resize(rows, columns, tell=False)
        os.set_blocking(self.master, False)
        self.raw = bytearray()
        self.model = True
        self.screen = Screen(columns, rows, lambda data: self.type(data), reflow)
        self.stream = pyte.ByteStream(self.screen)
        self.mark = (0, 0)
        self.prompt_row = self.sent_row = -1
        self.prompt_text = None
        self.settled = 0
        self.slow_until = None                # see slow_line()
        self.at_prompt = False
        self.status = None
        self.modes = termios.tcgetattr(self.slave)
        tty = os.ttyname(self.slave)
        script = JOB_SHELL if job_control else LEADER if controlling else ORPHAN
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", script, tty, *argv], env=env, cwd=cwd, start_new_session=True, pass_fds=pass_fds,
            stdin=self.slave if stdin is None else stdin, stdout=self.slave if stdout is None else stdout,
            stderr=self.slave if stderr is None else stderr)
        self.pidfd = os.pidfd_open(self.process.pid)

    # Reading and writing -------------------------------------------------------------------------------------------

    def _read(self):
        """Take what the terminal has to say now; False when there is nothing."""
        if self.master is None:
            return False
        size = 65536
        if self.slow_until is not None:
            if time.monotonic() < self.slow_until:
                return False
            size = SLOW_BYTES
            self.slow_until = time.monotonic() + SLOW_SECONDS
        try:
            data = os.read(self.master, size)
        except BlockingIOError:
            return False
        except OSError:                       # EIO: the last one to hold the terminal has closed it
            return False
        self.raw += data
        if self.model:
            self.stream.feed(data)
        return bool(data)

    def _wait(self, seconds):
        """Wait for output, or for the end of the program, at most so many seconds."""
        poll = select.poll()
        if self.slow_until is None:
            poll.register(self.master, select.POLLIN)
        else:
            seconds = min(seconds, self.slow_until - time.monotonic())
        if self.status is None:
            poll.register(self.pidfd, select.POLLIN)
        ready = dict(poll.poll(max(0, seconds) * 1000))
        if self.pidfd in ready:
            self.status = self.process.wait()
        elif ready.get(self.master, 0) & select.POLLHUP and not ready[self.master] & select.POLLIN:
            self.status = self.process.wait(TIMEOUT)
        while self._read():
            pass

    def until(self, seen, what, timeout=None, ended=False):
        """Wait until `seen()` returns something true, and return that. `ended`: the end of the program will do, too."""
        deadline = time.monotonic() + (timeout or TIMEOUT)
        self._read()
        while True:
            found = seen()
            if found:
                return found
            if self.status is not None:
                while self._read():
                    pass
                found = seen()
                if found or ended:
                    return found
                raise Ended(f"the program ended with status {self.status} while waiting for {what}\n{self.dump()}")
            left = deadline - time.monotonic()
            if left <= 0:
                message = f"nothing like {what} within {timeout or TIMEOUT:g} s"
                raise AssertionError(f"{message}\n{self.dump()}\n{self.state()}")
            self._wait(min(left, GLANCE))

    def type(self, text):
        """Send keys as they are. Reads meanwhile, so that a long text cannot block both sides."""
        self.at_prompt = False
        if text[-1:] in ("\r", "\x03", "\x04", b"\r", b"\x03", b"\x04"):
            self.sent_row = self.screen.place()[0]      # what answers this key is shown further down
        data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
        view = memoryview(data)
        deadline = time.monotonic() + TIMEOUT
        while view:
            poll = select.poll()
            poll.register(self.master, select.POLLOUT if self.slow_until else select.POLLIN | select.POLLOUT)
            events = dict(poll.poll(1000)).get(self.master, 0)
            if events & select.POLLIN:
                self._read()
            if events & select.POLLOUT:
                try:
                    view = view[os.write(self.master, view[:4096]):]
                    deadline = time.monotonic() + TIMEOUT
                except BlockingIOError:
                    pass
            if time.monotonic() > deadline:
                raise AssertionError(f"the program does not read its terminal\n{self.dump()}")
        return self

    def line(self, text=""):
        """Type a line and Enter."""
        return self.type(text + "\r")

    def further_line(self, text):
        """Type a line of a block, with its indentation, in the place of the one that it has already; and Enter."""
        return self.key("C-u").line(text) if text.strip() else self.line()

    def lines(self, *texts):
        """Type the lines of a block without their indentation, Enter between them, each when its row is there."""
        for number, text in enumerate(texts):
            if number:
                row = self.screen.place()[0]
                self.type("\r")
                self.until(lambda: self.screen.place()[0] > row and self.left_of_cursor().strip() == PS2.strip(),
                           "a further line")
            self.type(text)
            self.until(lambda: self.left_of_cursor(2).endswith(text[-8:]), repr(text))
        return self

    def key(self, *names):
        """Press keys: 'C-c', 'M-b', 'Up', 'Tab', …"""
        for name in names:
            if name in KEYS:
                self.type(KEYS[name])
            elif name.startswith("C-") and len(name) == 3:
                self.type(chr(ord(name[2].upper()) & 31))
            elif name.startswith("M-") and len(name) == 3:
                self.type("\x1b" + name[2])
            else:
                raise ValueError(f"no such key: {name}")
        return self

    def paste(self, text):
        """Paste as a terminal does that was asked for bracketed paste: line ends arrive as carriage returns."""
        return self.type("\x1b[200~" + text.replace("\n", "\r") + "\x1b[201~")

    # Looking -------------------------------------------------------------------------------------------------------

    def _joined(self, start):
        """The text from a place on, wrapped rows joined, and for every row the offset at which it begins."""
        rows = self.screen.rows()
        row, column = start
        parts, offsets, length = [], [], 0
        for number in range(row, len(rows)):
            text, continues = rows[number]
            if number == row:
                text = text[column:]
            elif continues:                  # the row above was full: its blanks at the end were typed or printed
                above = parts[-1]
                missing = continues - len(above) - (column if number == row + 1 else 0)
                parts[-1] = above + " " * max(0, missing)
                length += max(0, missing)
            else:
                parts.append("\n")
                length += 1
            offsets.append((length, number))
            parts.append(text)
            length += len(text)
        return "".join(parts), offsets

    def text(self, start=(0, 0)):
        """Everything shown so far (or from a place on), without blank lines at the end."""
        return self._joined(start)[0].rstrip()

    def expect(self, what, timeout=None):
        """Wait for a text (str) or a pattern (compiled) after the last thing found; return the match."""
        pattern = re.compile(re.escape(what)) if isinstance(what, str) else what

        def seen():
            text, offsets = self._joined(self.mark)
            match = pattern.search(text)
            if match:
                offset, row = next((o, r) for o, r in reversed(offsets) if o <= match.end())
                column = match.end() - offset + (self.mark[1] if row == self.mark[0] else 0)
                self.mark = (row, column)
            return match
        return self.until(seen, repr(pattern.pattern), timeout)

    def above(self, text):
        """Wait for a line of output that appears above the prompt while it waits."""
        self.until(lambda: re.search(f"^{re.escape(text)}$", self.text(), re.M), repr(text))
        return self

    def prompt_is_fresh(self, *prompts):
        """The text of the prompt behind which the cursor stands, if nothing was typed there (prompts: str, pattern)."""
        row, column = self.screen.place()
        if row <= self.prompt_row:
            return None
        left = self.left_of_cursor()
        for prompt in prompts:
            if isinstance(prompt, re.Pattern):
                match = prompt.search(left)
                if match:
                    return match[0]
            elif re.search(re.escape(prompt) + ("$" if prompt == PS1 else " *$"), left):
                return prompt                 # a further line begins with the blanks that belong there
        return None

    def left_of_cursor(self, rows=1):
        """What stands in the cursor's row, left of it; with more rows, in those above it too."""
        y = self.screen.cursor.y
        row = self.screen.buffer[y]
        above = "".join(self.screen.row(n)[0] for n in range(max(0, y - rows + 1), y))
        return above + "".join(row[x].data for x in range(self.screen.cursor.x))

    def shown(self, cursor="|"):
        """The rows from the last prompt on, with a mark where the cursor is."""
        rows = [text for text, _ in self.screen.rows()]
        row, column = self.screen.place()
        rows[row] = self.left_of_cursor() + cursor + rows[row][len(self.left_of_cursor()):]
        return "\n".join(rows[max(self.prompt_row, 0):]).rstrip("\n")

    def shows(self, *rows):
        """Wait until the rows from the last prompt on are these, given one by one or as an indented literal. Where one
        of them has a |, the cursor must stand there."""
        wanted = "\n".join(textlines(rows[0]) if len(rows) == 1 else [row.rstrip() for row in rows])
        mark = "|" if "|" in wanted else ""

        def seen():
            return "\n".join(row.rstrip() for row in self.shown(mark).split("\n")) == wanted
        try:
            self.until(seen, "the block")
        except AssertionError as error:
            raise AssertionError(f"the screen shows\n{self.shown()}\n---- and not\n{wanted}\n{error}") from None
        return self

    def look(self, text, within=None):
        """How a text is shown where it stands last on the screen (`within` a text there): colour, and what else."""
        screen = self.screen
        for y in reversed(range(screen.lines)):
            row = "".join(screen.buffer[y][x].data or "\0" for x in range(screen.columns))
            start = row.rfind(within or text)
            if start >= 0:
                start += within.index(text) if within else 0
                looks = {self._look_of(screen.buffer[y][start + i]) for i, c in enumerate(text) if c != " "}
                return " / ".join(sorted(looks))
        raise AssertionError(f"{text!r} is not on the screen\n{self.dump()}")

    @staticmethod
    def _look_of(cell):
        return " ".join([cell.fg] + [name for name in ("bold", "underscore", "reverse") if getattr(cell, name)])

    def slow_line(self):
        """From now on the terminal takes in 960 bytes a second."""
        self.slow_until = time.monotonic()

    def prompt(self, *prompts, timeout=None, ended=False):
        """Wait for a fresh prompt; return what was shown since the last input. None: the program ended instead."""
        prompts = prompts or (PS1,)
        what = " or ".join(repr(getattr(prompt, "pattern", prompt)) for prompt in prompts)
        found = self.until(lambda: self.prompt_is_fresh(*prompts), what, timeout, ended)
        if not found:
            return None
        self.prompt_text = found
        row, column = self.screen.place()
        start = self.output_start()
        before = self.text((start, 0)).split("\n")
        rows = self.screen.rows()
        logical = sum(not continues for _, continues in rows[start + 1:row + 1])
        shown = before[:logical]
        line = before[logical][:-len(found.rstrip())] if logical < len(before) else ""
        if line:                              # output without a line end, and the prompt right behind it
            shown.append(line)
        self.prompt_row = row
        self.mark = (row, 0)                  # what others print while it waits takes the place of the prompt
        self.at_prompt = True
        return "\n".join(shown)

    def output_start(self):
        """The row at which the output of the last input begins: the input itself may take more than one."""
        row = self.prompt_row + 1
        rows = self.screen.rows()
        while row < len(rows) and rows[row][1]:
            row += 1
        return row

    def ready(self, *prompts, timeout=None):
        """Wait until the cursor stands behind a prompt that is no older than the last Enter, Ctrl-C or Ctrl-D."""
        self.prompt_row = self.sent_row
        self.prompt(*prompts, timeout=timeout)
        return self

    def settle(self):
        """Wait until all that was typed has been dealt with: a statement of our own has answered, the prompt is back.

        A Ctrl-D that arrives between two prompts, when the terminal collects lines by itself, is lost: settle first.
        """
        self.settled += 1
        answer = f"settled {self.settled}"
        self.type(f"print('settled', {self.settled} + 0)\r")
        if self.model:
            self.until(lambda: re.search(f"^{answer}$", self.text(), re.M), answer)
            self.until(lambda: not self.echoes() and self.screen.place()[1] > 0, "the prompt")
        else:
            self.until(lambda: f"{answer}\r\n".encode() in self.raw[-1000:], answer)
            self.until(lambda: not self.echoes() and not self.raw.endswith(b"\n"), "the prompt")
        return self

    def submit(self, statement):
        """Type a statement, with the blank line that ends it when it has several lines; do not wait for its end."""
        lines = statement.rstrip("\n").split("\n")
        for number, text in enumerate(lines + [""] if len(lines) > 1 else lines):
            if number:
                self.prompt(PS2)
            self.further_line(text) if number else self.line(text)
        return self

    def run(self, statement, *prompts, timeout=None):
        """Type a statement, and a blank line if it is a block; return what it printed before the next prompt."""
        for number, text in enumerate(statement.rstrip("\n").split("\n")):
            if number:
                self.prompt(PS2)
            self.further_line(text) if number else self.line(text)
        shown = self.prompt(PS2, *(prompts or (PS1,)), timeout=timeout)
        if self.prompt_text == PS2:
            self.line()
            shown = self.prompt(*prompts, timeout=timeout)
        return shown

    def play(self, transcript):
        """Run a transcript: what stands behind a prompt is typed, all else must be on the screen, line by line.

        `^C`, `^D` and `^Z` as a whole input are keys. `[...]` in an expected line stands for anything, `[...]` alone on
        a line for any number of lines. The transcript ends with a prompt of its own (`>>>` alone) or with the program.
        """
        steps = [(None, [])]
        for text in textlines(transcript):
            if text == ">>>" or text.startswith((PS1, PS2)) or text == "...":
                steps.append((text[4:], []))
                if text.startswith("..."):
                    steps[-1] = (text[4:], [], True)
            else:
                steps[-1][1].append(text)
        if self.at_prompt and not steps[0][1]:
            steps.pop(0)                      # somebody has waited for the prompt before
        stay = len(steps) > 1 and steps[-1][0] == "" and not steps[-1][1] and len(steps[-1]) == 2
        if stay:
            steps.pop()
        for number, step in enumerate(steps):
            if len(step) > 2:
                self.further_line(step[0])
            elif step[0] is not None:
                self._play_input(step[0])
            following = steps[number + 1] if number + 1 < len(steps) else None
            last = following is None and not stay
            shown = self.prompt(PS2 if following and len(following) > 2 else PS1, ended=last)
            if shown is None:
                shown = self.text((self.output_start(), 0))
            elif last:
                raise AssertionError(f"a prompt where the transcript ends\n{self.dump()}")
            compare(shown, "\n".join(step[1]), step[0], self)
        return self

    def _play_input(self, text):
        if re.fullmatch(r"\^[A-Z]", text):
            self.key("C-" + text[1])          # it may be shown, on the prompt's row: only the rows below are output
        else:
            self.line(text)

    # The terminal itself -------------------------------------------------------------------------------------------

    def resize(self, rows, columns, tell=True):
        """Give the terminal another size, as a window manager does: the foreground process group gets SIGWINCH."""
        if tell:
            while self._read():               # what was written for the old size
                pass
            self.screen.resize(rows, columns)
        fcntl.ioctl(self.slave if not tell else self.master, termios.TIOCSWINSZ,
                    struct.pack("HHHH", rows, columns, 0, 0))

    def echoes(self):
        """Does the terminal echo and collect lines by itself, as it does for a program that reads its input?"""
        flags = termios.tcgetattr(self.slave)[3]
        return bool(flags & termios.ECHO and flags & termios.ICANON and flags & termios.ISIG)

    def signal(self, number):
        """Send a signal to the program."""
        os.kill(self.process.pid, number)

    # The end -------------------------------------------------------------------------------------------------------

    def end(self, timeout=None):
        """Wait for the end of the program and return its exit status (negative: the signal that killed it)."""
        self.until(lambda: self.status is not None, "the end of the program", timeout, ended=True)
        while self._read():
            pass
        return self.status

    def leave(self):
        """Ctrl-D at the prompt, the end of the program: what it printed since."""
        self.key("C-d")
        self.end()
        return self.text((self.output_start(), 0)).lstrip("\n")

    def close_terminal(self):
        """Take the terminal away, as a closed window does."""
        os.close(self.master)
        self.master = None

    def kill(self):
        """End whatever is left of the session."""
        if self.status is None:
            groups = {self.process.pid}
            try:
                groups.add(os.tcgetpgrp(self.slave))
            except OSError:
                pass
            for group in groups:
                try:
                    os.killpg(group, signal.SIGKILL)
                except (ProcessLookupError, PermissionError):
                    pass
            self.status = self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream:
                stream.close()
        for descriptor in (self.master, self.slave, self.pidfd):
            if descriptor is not None:
                os.close(descriptor)

    def state(self):
        """What the terminal and the processes on it are doing, for the message of a test that waited in vain."""
        modes = termios.tcgetattr(self.slave)
        told = [f"foreground {os.tcgetpgrp(self.master)}, local modes {modes[3]:o}, VINTR {modes[6][termios.VINTR]}"]
        for thread in map(Path, glob.glob("/proc/[0-9]*/task/[0-9]*")):
            try:
                if os.getsid(int(thread.parts[2])) == self.process.pid:
                    status = dict(line.split(":\t", 1) for line in (thread / "status").read_text().splitlines())
                    told.append(" ".join([str(thread), *(f"{name} {status[name]}" for name in STATE),
                                          *(f"{name} {(thread / name).read_text()}" for name in ("wchan", "syscall"))]))
            except (OSError, KeyError):
                pass                          # it has ended, or is not ours to look into
        return "\n".join(told)

    def dump(self):
        """The screen, for the message of a failed test."""
        text = self.text() if self.model else bytes(self.raw[-2000:]).decode("utf-8", "replace")
        text = "\n".join(text.split("\n")[-80:])
        return f"---- screen, cursor at {self.screen.place()} ----\n{text}\n----"


def textlines(transcript):
    """The lines of an indented literal, without the first line end and the common indentation."""
    lines = transcript.split("\n")
    while lines and not lines[0].strip():
        lines.pop(0)
    while lines and not lines[-1].strip():
        lines.pop()
    indent = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return [line[indent:].rstrip() if line.strip() not in (">>>", "...") else line.strip() for line in lines]


def matches(shown, wanted):
    """Does a text look as wanted, where `[...]` stands for anything in a line, or alone for any lines?"""
    pattern = ""
    for line in wanted.split("\n"):
        if line == "[...]":
            pattern += r"(?:.*\n)*?"
        else:
            pattern += ".*?".join(map(re.escape, line.split("[...]"))) + r"[ \t]*\n"
    return re.fullmatch(pattern, shown + "\n") is not None


def compare(shown, wanted, typed, terminal):
    shown = "\n".join(line.rstrip() for line in shown.split("\n")).strip("\n")
    if not matches(shown, wanted.strip("\n")):
        raise AssertionError(f"after {typed!r} the screen shows\n{shown}\n---- and not\n{wanted}\n{terminal.dump()}")
