"""The command `hooking`, also `python -m hooking`: see hooking(1)."""

import sys

from . import __version__
from ._core import run, run_as_main

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

SHOW = """\
Tell what is in files of dump() or pickle.dump(), without loading them: where they come from, whether they are whole,
and what loading them would do. The exit status is 1 if one of them is damaged or no pickle.
"""


def make_parser():
    import argparse  # takes longer than all else here, and `run` seldom needs it

    parser = argparse.ArgumentParser(prog="hooking", description=DESCRIPTION, epilog=EPILOG,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--version", action="version", version=f"hooking {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    show = commands.add_parser("show", help="tell what is in a dump, without loading it", description=SHOW)
    show.add_argument("files", nargs="+", metavar="FILE")
    show.add_argument("--json", action="store_true", help="all of it, as JSON")
    show.add_argument("--quick", action="store_true", help="do not read large buffers to see whether they are whole")
    return parser


def main(argv=None):
    """Run the command with `argv` (list of str; default: the process's arguments) and return its exit status."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    start = run if argv is None else run_as_main
    if arguments[:1] == ["run"] and len(arguments) > 1:
        if arguments[1] == "-" or arguments[1][:1] != "-":
            return start(arguments[1], argv=arguments[2:])
        if arguments[1] == "-m" and len(arguments) > 2:
            return start(module=arguments[2], argv=arguments[3:])
    parser = make_parser()
    options = parser.parse_args(argv)
    if options.command == "show":
        from .show import show
        whole = [show(path, as_json=options.json, verify=not options.quick) for path in options.files]
        return 0 if all(whole) else 1
    parser.print_help()
    return 0


if __name__ == "__main__":
    sys.exit(main())
