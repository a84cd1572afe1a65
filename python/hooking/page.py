"""`hooking show DIR --html FILE`: snapshots as a page where people look, with nothing to be loaded from elsewhere.

Pictures are SVG in the page itself; all that they show is in the table below them, too.
"""

import time
from html import escape

from .show import size_text

#: Colours that are told apart by nearly everybody (Okabe and Ito, 2008), on white and on black.
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#999999")

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 760, 220, 70, 24, 12

STYLE = """
:root { color-scheme: light dark; --line: #8886; --soft: #888; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.5rem; } h3 { font-size: 1rem; }
svg { width: 100%; height: auto; } svg text { font-size: 11px; fill: currentColor; }
.grid { stroke: var(--line); } .facts { color: var(--soft); }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; padding: 0; margin: .3rem 0 0; list-style: none; }
.legend i { display: inline-block; width: .8em; height: .8em; margin-right: .4em; border-radius: 2px; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; padding: .25rem .7rem .25rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.file { white-space: nowrap; } ul.left { margin: 0; padding-left: 1.1em; }
"""


def ceiling(value):
    """The least of 1, 2, 5, 10, 20, 50, ... that is not below a value above 0."""
    step = 1.0
    while step < value:
        step *= 10
    while step / 10 >= value:
        step /= 10
    return next(step / part for part in (5, 2, 1) if step / part >= value)


class Chart:
    """A frame with a scale on the left from 0 to `most`, and a place for each of `count` snapshots."""

    def __init__(self, title, count, most, text):
        self.count = count
        self.most = ceiling(most) if most > 0 else 1.0
        self.parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">']
        for part in range(5):
            value = self.most * part / 4
            y = self.y(value)
            self.parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>'
                              f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{escape(text(value))}</text>')

    def x(self, place):
        return LEFT + (WIDTH - LEFT) * (place + 0.5) / max(self.count, 1)

    def y(self, value):
        return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * value / self.most

    def number(self, entries):
        """The numbers of the snapshots below, as many as there is room for."""
        step = max(1, -(-len(entries) // 16))
        for place, entry in list(enumerate(entries))[::step]:
            self.parts.append(f'<text x="{self.x(place):.1f}" y="{HEIGHT - 6}" text-anchor="middle">'
                              f'{entry["number"]}</text>')

    def line(self, values, colour, name, text):
        """`values`: a number for each snapshot, None where there is none."""
        drawn = False
        path = []
        for place, value in enumerate(values):
            if value is not None:
                path.append(f"{'L' if drawn else 'M'}{self.x(place):.1f} {self.y(value):.1f}")
                self.parts.append(f'<circle cx="{self.x(place):.1f}" cy="{self.y(value):.1f}" r="3" fill="{colour}">'
                                  f"<title>{escape(name)}: {escape(text(value))}</title></circle>")
            drawn = value is not None
        self.parts.append(f'<path d="{"".join(path)}" fill="none" stroke="{colour}" stroke-width="2"/>')

    def bars(self, values, colour, text):
        width = max(1.0, 0.7 * (WIDTH - LEFT) / max(self.count, 1))
        for place, value in enumerate(values):
            if value is not None:
                y = self.y(value)
                self.parts.append(f'<rect x="{self.x(place) - width / 2:.1f}" y="{y:.1f}" width="{width:.1f}" '
                                  f'height="{HEIGHT - BOTTOM - y:.1f}" fill="{colour}">'
                                  f"<title>{escape(text(value))}</title></rect>")

    def end(self):
        return "".join([*self.parts, "</svg>"])


def sizes_by_name(entries):
    """The largest names first, as pairs of a name and its sizes; those for which there is no colour are summed up."""
    names = {}
    for place, entry in enumerate(entries):
        for name, size in entry.get("objects", {}).items():
            names.setdefault(name, [None] * len(entries))[place] = size
    order = sorted(names.items(), key=lambda item: -max((size or 0 for size in item[1]), default=0))
    shown, others = order[:len(COLOURS) - 1], order[len(COLOURS) - 1:]
    if len(others) > 1:
        summed = [sum(sizes[place] or 0 for _, sizes in others) for place in range(len(entries))]
        return [*shown, (f"{len(others)} others", summed)]
    return order


def milliseconds(seconds):
    return f"{seconds * 1e3:.3g} ms"


def charts(entries):
    series = sizes_by_name(entries)
    most = max((size or 0 for _, sizes in series for size in sizes), default=0)
    chart = Chart("Sizes in memory by name", len(entries), most, lambda value: size_text(round(value)))
    for colour, (name, sizes) in zip(COLOURS, series):
        chart.line(sizes, colour, name, lambda value: size_text(round(value)))
    chart.number(entries)
    legend = "".join(f'<li><i style="background:{colour}"></i>{escape(name)}</li>'
                     for colour, (name, _) in zip(COLOURS, series))
    yield f'<h3>Sizes in memory, by name</h3>{chart.end()}<ul class="legend">{legend}</ul>'
    pauses = [entry.get("pause") for entry in entries]
    chart = Chart("How long the program waited", len(entries), max((pause or 0 for pause in pauses), default=0),
                  milliseconds)
    chart.bars(pauses, COLOURS[0], milliseconds)
    chart.number(entries)
    yield f"<h3>How long the program waited</h3>{chart.end()}"


def table(entries):
    yield ('<h3>What was saved</h3><div class="wide"><table><thead><tr><th>snapshot</th><th>time</th><th>file</th>'
           "<th>waited</th><th>names</th><th>left out</th></tr></thead><tbody>")
    for entry in entries:
        known = "time" in entry
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(entry["time"])) if known else "?"
        left = "".join(f"<li>{escape(why)}</li>" for why in entry.get("left_out", {}).values())
        yield (f"<tr><td class=file>{escape(entry['file'])}</td><td>{when}</td>"
               f"<td class=number>{size_text(entry['size']) if known else '?'}</td>"
               f"<td class=number>{milliseconds(entry['pause']) if known else '?'}</td>"
               f"<td>{escape(', '.join(entry.get('objects', {})))}</td><td><ul class=left>{left}</ul></td></tr>")
    yield "</tbody></table></div>"


def part(path, entries):
    """The part of the page for the snapshots of one program."""
    total = sum(entry.get("size", 0) for entry in entries)
    yield f"<h2>{escape(path)}</h2><p class=facts>{len(entries)} snapshots, {size_text(total)}</p>"
    yield from charts(entries)
    yield from table(entries)


def page(folders):
    """The page, a str. `folders`: a dict of paths and what hooking.snapshots.entries() says of them."""
    parts = "\n".join(text for path, entries in folders.items() for text in part(path, entries))
    return ('<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>Snapshots</title><style>{STYLE}</style></head>\n"
            f"<body><h1>Snapshots</h1>\n{parts}\n</body></html>\n")
