"""The command `hooking`, also `python -m hooking`: see hooking(1)."""

import argparse
import sys

from . import __version__

DESCRIPTION = "A console in any frame of a running Python program."
EPILOG = """\
in a program:
  from hooking import hook; hook()            a console in the frame that calls it
  hook(overwrite_locals=True)                 what you bind there is bound in the program

without a change to a program that calls breakpoint():
  PYTHONBREAKPOINT=hooking.set_trace python program.py

HOOKING=0 in the environment switches every hook() off.
At the prompt `help` lists the commands. Manuals: hooking(1), hooking(3).
"""


def make_parser():
    parser = argparse.ArgumentParser(prog="hooking", description=DESCRIPTION, epilog=EPILOG,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--version", action="version", version=f"hooking {__version__}")
    return parser


def main(argv=None):
    """Run the command with `argv` (list of str; default: the process's arguments) and return its exit status."""
    parser = make_parser()
    parser.parse_args(argv)
    parser.print_help()
    return 0


if __name__ == "__main__":
    sys.exit(main())
