"""A weather report that cannot be right: run it, and find the bug from inside.

With no terminal on stdin there is nobody to look for it, and the report comes as it is.
"""

import os
from statistics import mean

from hooking import hook

MEASURED = """\
Harbour   8.1  7.9  8.4  9.0  9.6  9.2  8.8  8.3
Airport  45.9 45.5 46.4 47.8 49.1 48.2 47.1 46.2
Old Town  8.8  8.6  9.1  9.9 10.4 10.1  9.5  9.0
"""

GUIDE = """\
This program reports the mean temperatures of three stations in degrees Celsius.
One cannot be right. You are in summarise(), just before the report. Try:
  means                   what will be reported
  locals                  the variables here; where, list: how you got here
  stations["Airport"]     are these degrees Celsius?
  stations["Airport"] = [(f - 32) / 1.8 for f in stations["Airport"]]
  means = {name: mean(values) for name, values in stations.items()}
Then Ctrl-D: the program goes on with what you have changed. More: help"""


def read(text):
    """The values of each station: a dict of lists of float."""
    stations = {}
    for line in text.splitlines():
        stations[line[:8].strip()] = [float(word) for word in line[8:].split()]
    return stations


def summarise(stations):
    means = {name: mean(values) for name, values in stations.items()}
    hook(GUIDE, overwrite_locals=True, when=os.isatty(0))
    return means


def main():
    means = summarise(read(MEASURED))
    print("Mean temperature on 20 November, in degrees Celsius")
    for name, value in means.items():
        print(f"  {name:8} {value:5.1f}  {'#' * round(value)}")


if __name__ == "__main__":
    main()
