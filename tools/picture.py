#!/usr/bin/env python3
"""Make the pictures in docs/: real sessions with examples/demo.py, each as a picture of its terminal.

    python tools/picture.py [--check] [NAME...]

The program runs on a pseudo-terminal, the keys of one of PICTURES are typed there, and the screen that pyte makes of
what comes back is drawn. Done to it: the command is put above it, file names are made relative to the repository. With
--check nothing is written, and the status is 1 if a picture is out of date. Needs pyte and hooking
(PYTHONPATH=build/stage).
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
from dataclasses import dataclass
from html import escape
from pathlib import Path

import pyte

ROOT = Path(__file__).resolve().parent.parent
COMMAND = "python examples/demo.py"
ENTER, TAB, UP, LEFT, CTRL_D = "\r", "\t", "\x1b[A", "\x1b[D", "\x04"


@dataclass
class Picture:
    """One picture: `keys` are typed one after the other, each when all before has been answered."""

    name: str
    title: str
    columns: int
    rows: int
    keys: list
    ends: bool = False  # the program is seen to its end


def lines(*typed):
    return [line + ENTER for line in typed]


PICTURES = [
    Picture("session", "a session", 80, 60, [*lines(
        "means",
        'stations["Airport"]',
        'stations["Airport"] = [(f - 32) / 1.8 for f in stations["Airport"]]',
        "means = {name: mean(values) for name, values in stations.items()}",
        "where"), CTRL_D], ends=True),
    Picture("editing", "a block is edited as one text", 80, 24, [*lines(
        "def celsius(values, places=1):",
        '"""From degrees Fahrenheit."""',
        "degrees = []",
        "for value in values:",
        "degrees.append(round((value - 32) / 1.8, places))  # 5/9"), UP, LEFT, LEFT, LEFT]),
    Picture("completion", "what Tab knows", 80, 24, [
        'stations["', TAB, TAB, 'Air', TAB, ".", TAB, TAB]),
    Picture("narrow", "a block taller than a small terminal", 40, 10, [*lines(
        "names = {",
        '"Harbour": "港 (みなと)",',
        '"Airport": "空港", # the longest comment here',
        '"Old Town": "旧市街",',
        "}"), *lines("for name in names:", "print(name, names[name])"), UP, UP]),
    Picture("wide", "values fold to the screen, errors have colours", 200, 60, [*lines(
        "list(range(10**6))", "pp {name: {str(i): list(range(i)) for i in range(8)} for name in stations}",
        "mean(stations)", "list")]),
]
TIMEOUT = 20  # s

# Geometry in px. 0.602 em is the advance of DejaVu Sans Mono, Menlo and SF Mono; textLength sees to other fonts.
FONT = "ui-monospace, 'SF Mono', Menlo, 'DejaVu Sans Mono', 'Liberation Mono', Consolas, monospace"
FONT_SIZE = 15
CELL, LINE = round(FONT_SIZE * 0.602, 2), 20
MARGIN, BAR = 18, 38

GROUND, FRAME, TITLE, TEXT = "#16181d", "#24272e", "#9aa1ac", "#c9ced6"
LIGHTS = ("#ec6a5e", "#f4bf4f", "#61c554")
COLOURS = {
    "black": "#4a4f59", "red": "#e8716c", "green": "#8cc570", "brown": "#e0b35c", "blue": "#6aa9ea",
    "magenta": "#c98be0", "cyan": "#5fc0c4", "white": TEXT,
}


class Session:
    """The program on its pseudo-terminal, and the screen."""

    def __init__(self, picture):
        self.picture = picture
        self.screen = pyte.Screen(picture.columns, picture.rows)
        self.stream = pyte.ByteStream(self.screen)
        self.stream.feed(f"$ {COMMAND}\r\n".encode())
        self.home = tempfile.TemporaryDirectory()
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", picture.rows, picture.columns, 0, 0))
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

    def answered(self):
        """Does the cursor stand behind something, as it does at a prompt, and nowhere else here?"""
        return self.screen.cursor.x > 0

    def play(self):
        for keys in self.picture.keys:
            self.until(self.answered)
            os.write(self.master, os.fsencode(keys))
        if self.picture.ends:
            self.until(None)
            status = self.process.wait(TIMEOUT)
            if status != 0:
                raise SystemExit(f"picture.py: {COMMAND} ended with status {status}")
        else:
            self.until(self.answered)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)
        self.home.cleanup()

    def rows(self):
        """The screen's rows, each a list of (column, columns, text, colour, bold, marked), without blank ones at the
        end. Where the cursor stands the cell is marked."""
        rows = []
        for y in range(self.picture.rows):
            cells = [self.screen.buffer[y][x] for x in range(self.picture.columns)]
            if y == self.screen.cursor.y and not self.picture.ends:
                x = min(self.screen.cursor.x, self.picture.columns - 1)
                cells[x] = cells[x]._replace(reverse=True)
            while cells and cells[-1].data in (" ", "") and not cells[-1].reverse:
                cells.pop()
            rows.append(self.runs(cells))
        while rows and not rows[-1]:
            rows.pop()
        return rows

    @staticmethod
    def runs(cells):
        runs = []
        for x, cell in enumerate(cells):
            colour = COLOURS.get(cell.fg, TEXT if cell.fg == "default" else f"#{cell.fg}")
            style = colour, cell.bold, cell.reverse
            wide = x + 1 < len(cells) and cells[x + 1].data == ""
            alone = wide or cell.data == ""  # a wide character is placed by itself
            if runs and runs[-1][3:] == style and not alone and len(runs[-1][2]) == runs[-1][1]:
                column, columns, text = runs[-1][:3]
                runs[-1] = (column, columns + 1, text + cell.data, *style)
            elif cell.data:
                runs.append((x, 2 if wide else 1, cell.data, *style))
        return runs


def draw(picture, rows):
    width = round(2 * MARGIN + picture.columns * CELL)
    height = BAR + len(rows) * LINE + MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">',
        f"<title>{escape(COMMAND)}: {escape(picture.title)}</title>",
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
        for x, columns, text, colour, bold, marked in runs:
            if marked:
                parts.append(f'<rect x="{MARGIN + x * CELL:.2f}" y="{y - FONT_SIZE + 1}" width="{columns * CELL:.2f}"'
                             f' height="{LINE - 2}" fill="{colour}"/>')
                colour = GROUND
            if text.strip():
                weight = ' font-weight="bold"' if bold else ""
                lead = len(text) - len(text.lstrip())
                end = len(text) - len(text.rstrip())
                parts.append(f'<text x="{MARGIN + (x + lead) * CELL:.2f}" y="{y}"'
                             f' textLength="{(columns - lead - end) * CELL:.2f}"'
                             f' fill="{colour}"{weight}>{escape(text.strip(), quote=False)}</text>')
    parts += ["</g>", "</svg>", ""]
    return "\n".join(parts)


def make(picture):
    session = Session(picture)
    try:
        session.play()
        return draw(picture, session.rows())
    finally:
        session.close()


def main():
    parser = argparse.ArgumentParser(description="Make the pictures in docs/ from real sessions.")
    parser.add_argument("--check", action="store_true", help="write nothing; status 1 if a picture is out of date")
    parser.add_argument("names", nargs="*", help=f"of {', '.join(picture.name for picture in PICTURES)}; all of them")
    options = parser.parse_args()
    late = []
    for picture in PICTURES:
        if options.names and picture.name not in options.names:
            continue
        path = ROOT / "docs" / f"{picture.name}.svg"
        text = make(picture)
        if not options.check:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            late.append(str(path.relative_to(ROOT)))
    if late:
        sys.exit(f"out of date: {', '.join(late)}: python tools/picture.py makes them")


if __name__ == "__main__":
    main()
