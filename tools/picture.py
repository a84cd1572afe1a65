#!/usr/bin/env python3
"""Make docs/session.svg: a real session with examples/demo.py, as a picture of its terminal.

    python tools/picture.py [--check]

The program runs on a pseudo-terminal, SESSION is typed at its prompts, and the screen that pyte makes of what comes
back is drawn. Done to it: the command is put above it, file names are made relative to the repository, and what was
typed is bold. With --check nothing is written, and the status is 1 if the picture is out of date. Needs pyte and
hooking (PYTHONPATH=build/stage).
"""

import argparse
import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
from html import escape
from pathlib import Path

import pyte

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "session.svg"
COMMAND = "python examples/demo.py"
PROMPTS = (">>> ", "... ")
CTRL_D = "\x04"
SESSION = [
    "means",
    'stations["Airport"]',
    'stations["Airport"] = [(f - 32) / 1.8 for f in stations["Airport"]]',
    "means = {name: mean(values) for name, values in stations.items()}",
    "where",
    CTRL_D,
]
COLUMNS, ROWS = 80, 60
TIMEOUT = 20  # s

# Geometry in px. 0.602 em is the advance of DejaVu Sans Mono, Menlo and SF Mono; textLength sees to other fonts.
FONT = "ui-monospace, 'SF Mono', Menlo, 'DejaVu Sans Mono', 'Liberation Mono', Consolas, monospace"
FONT_SIZE = 15
CELL, LINE = round(FONT_SIZE * 0.602, 2), 20
MARGIN, BAR = 18, 38

GROUND, FRAME, TITLE, TEXT, TYPED = "#16181d", "#24272e", "#9aa1ac", "#c9ced6", "#ffffff"
LIGHTS = ("#ec6a5e", "#f4bf4f", "#61c554")
COLOURS = {
    "black": "#4a4f59", "red": "#e8716c", "green": "#8cc570", "brown": "#e0b35c", "blue": "#6aa9ea",
    "magenta": "#c98be0", "cyan": "#5fc0c4", "white": TEXT,
}


class Session:
    """The program on its pseudo-terminal, and the screen."""

    def __init__(self):
        self.screen = pyte.Screen(COLUMNS, ROWS)
        self.stream = pyte.ByteStream(self.screen)
        self.stream.feed(f"$ {COMMAND}\r\n".encode())
        self.home = tempfile.TemporaryDirectory()
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        env = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "LD_PRELOAD") if name in os.environ}
        env.update(HOME=self.home.name, TERM="xterm-256color", LANG="C.UTF-8", PYTHONDONTWRITEBYTECODE="1")
        self.process = subprocess.Popen(
            [sys.executable, *COMMAND.split()[1:]], cwd=ROOT, env=env, stdin=slave, stdout=slave, stderr=slave,
            start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)

    def read(self):
        """What the terminal has to say within 50 ms; None at the end."""
        if not select.select([self.master], [], [], 0.05)[0]:
            return b""
        try:
            return os.read(self.master, 65536) or None
        except OSError:  # EIO: the program has ended
            return None

    def until(self, done):
        """Feed the screen until `done()`, or the end of the program when `done` is None."""
        deadline = time.monotonic() + TIMEOUT
        while time.monotonic() < deadline:
            data = self.read()
            if data is None:
                if done is None:
                    return
                break
            # The console writes a line at once, so a path is never in two pieces.
            self.stream.feed(data.replace(os.fsencode(ROOT) + b"/", b""))
            if done is not None and not data and done():
                return
        raise SystemExit("picture.py: the session went wrong:\n" + "\n".join(self.screen.display).rstrip())

    def at_prompt(self):
        row = self.screen.display[self.screen.cursor.y]
        return row.rstrip() + " " in PROMPTS and self.screen.cursor.x == len(PROMPTS[0])

    def play(self):
        for keys in SESSION:
            self.until(self.at_prompt)
            os.write(self.master, os.fsencode(keys if keys == CTRL_D else keys + "\r"))
            if keys != CTRL_D:
                self.until(lambda: not self.screen.display[self.screen.cursor.y].startswith(PROMPTS)
                           or self.at_prompt())
        self.until(None)
        status = self.process.wait(TIMEOUT)
        if status != 0:
            raise SystemExit(f"picture.py: {COMMAND} ended with status {status}")

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)
        self.home.cleanup()

    def rows(self):
        """The screen's rows, each a list of (column, text, colour, bold), without blank rows at the end."""
        rows = []
        for y in range(ROWS):
            cells = [self.screen.buffer[y][x] for x in range(COLUMNS)]
            while cells and cells[-1].data in (" ", "") and not cells[-1].reverse:
                cells.pop()
            rows.append(self.runs(cells))
        while rows and not rows[-1]:
            rows.pop()
        return rows

    @staticmethod
    def runs(cells):
        start = "".join(cell.data for cell in cells[:4])
        typed = len(start) if start in PROMPTS else 2 if start.startswith("$ ") else len(cells)
        runs = []
        for x, cell in enumerate(cells):
            colour = COLOURS.get(cell.fg, TEXT if cell.fg == "default" else f"#{cell.fg}")
            if x >= typed and cell.fg == "default":
                colour = TYPED
            style = colour, cell.bold or x >= typed
            if runs and runs[-1][2:] == style:
                runs[-1] = (*runs[-1][:1], runs[-1][1] + cell.data, *style)
            else:
                runs.append((x, cell.data, *style))
        return runs


def draw(rows):
    width = round(2 * MARGIN + COLUMNS * CELL)
    height = BAR + len(rows) * LINE + MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">',
        f"<title>{escape(COMMAND)}, a session</title>",
        f'<rect width="{width}" height="{height}" rx="9" fill="{GROUND}"/>',
        f'<path d="M0 {BAR - 8}V9a9 9 0 0 1 9-9h{width - 18}a9 9 0 0 1 9 9v{BAR - 17}z" fill="{FRAME}"/>',
    ]
    for number, light in enumerate(LIGHTS):
        parts.append(f'<circle cx="{MARGIN + 4 + 20 * number}" cy="{(BAR - 8) / 2:g}" r="6" fill="{light}"/>')
    parts.append(
        f'<g font-family="{FONT}" font-size="{FONT_SIZE}" xml:space="preserve">\n'
        f'<text x="{width / 2:g}" y="{(BAR - 8) / 2 + 5:g}" text-anchor="middle" font-size="13" fill="{TITLE}">'
        f"{escape(COMMAND)}</text>")
    for number, runs in enumerate(rows):
        y = BAR + number * LINE + FONT_SIZE
        for x, text, colour, bold in runs:
            left = len(text) - len(text.lstrip())
            text, x = text.strip(), x + left
            if text:
                weight = ' font-weight="bold"' if bold else ""
                parts.append(f'<text x="{MARGIN + x * CELL:.2f}" y="{y}" textLength="{len(text) * CELL:.2f}"'
                             f' fill="{colour}"{weight}>{escape(text, quote=False)}</text>')
    parts += ["</g>", "</svg>", ""]
    return "\n".join(parts)


def main():
    parser = argparse.ArgumentParser(description="Make docs/session.svg from a real session.")
    parser.add_argument("--check", action="store_true", help="write nothing; status 1 if the picture is out of date")
    options = parser.parse_args()
    session = Session()
    try:
        session.play()
        picture = draw(session.rows())
    finally:
        session.close()
    if options.check:
        if not PICTURE.exists() or PICTURE.read_text(encoding="utf-8") != picture:
            sys.exit(f"{PICTURE.relative_to(ROOT)} is out of date: python tools/picture.py makes it")
        return
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main()
