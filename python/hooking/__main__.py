"""The command `hooking`, also `python -m hooking`: see hooking(1)."""

import sys

from . import __version__, _core
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


RUN = """\
Run a program as `python FILE ARGS` or `python -m MODULE ARGS` would. It cannot tell the difference: its __main__, its
arguments, its paths, what it prints and how it ends are the same. If it ends with an exception, and standard input,
output and error are a terminal, a console opens where that was raised. Options of Python itself stand before:
python -X dev -m hooking run FILE.
"""


def make_parser():
    import argparse  # takes longer than all else here, and `run` does without

    parser = argparse.ArgumentParser(prog="hooking", description=DESCRIPTION, epilog=EPILOG,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--version", action="version", version=f"hooking {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    show = commands.add_parser("show", help="tell what is in a dump, without loading it", description=SHOW)
    show.add_argument("files", nargs="+", metavar="FILE")
    show.add_argument("--json", action="store_true", help="all of it, as JSON")
    show.add_argument("--quick", action="store_true", help="do not read large buffers to see whether they are whole")
    run = commands.add_parser("run", help="run a program as Python would", description=RUN,
                              usage="hooking run [OPTIONS] FILE [ARGS...]\n"
                                    "       hooking run [OPTIONS] -m MODULE [ARGS...]")
    run.add_argument("-c", dest="inputs", action="append", metavar="INPUT",
                     help="what the prompt takes before it asks you: Python or a command; may be given several times")
    run.add_argument("--on-signal", type=signal_called, metavar="SIGNAL",
                     help="open a console in the main thread when this signal comes: USR1, say")
    run.add_argument("-m", dest="module", metavar="MODULE", help="a module or package to be run, as with python -m")
    run.add_argument("path", nargs="?", metavar="FILE",
                     help="a script; a folder or a zip file with a __main__.py in it; bytecode; - is standard input")
    run.add_argument("arguments", nargs="*", metavar="ARGS", help="all that follows is the program's own")
    run.set_defaults(fail=run.error)
    return parser


def signal_called(name):
    """The signal of a name, "USR1" or "SIGUSR1", or of a number. Raises argparse.ArgumentTypeError."""
    import argparse
    import signal
    try:
        return signal.Signals(int(name)) if name.isdigit() else signal.Signals["SIG" + name.removeprefix("SIG")]
    except (KeyError, ValueError):
        raise argparse.ArgumentTypeError(f"no signal is called {name}; there are USR1, USR2, ...") from None


def split_options(words):
    """The options of `run` itself, and what follows them."""
    end = 0
    while end < len(words):
        word = words[end]
        if word in ("-c", "--on-signal"):
            end += 2
        elif word.startswith("--on-signal=") or word.startswith("-c"):
            end += 1
        else:
            break
    return words[:end], words[end:]


def prepare(words):
    """Do what the options of `run` ask for."""
    options = make_parser().parse_args(["run", *words])
    if options.on_signal is not None:
        import signal
        try:
            signal.signal(options.on_signal, _core._on_signal)
        except OSError as error:
            options.fail(f"--on-signal {options.on_signal.name}: {error.strerror}")
    _core._feed(options.inputs or [])


def find_program(words):
    """What `run` is to run, as keywords for run_as_main(); None if there are options of our own, or nothing."""
    if words[:1] == ["--"] and len(words) > 1:
        return {"path": words[1], "argv": words[2:]}
    if not words or words[0] == "--" or words[0][:1] == "-" and words[0][:2] not in ("-", "-m"):
        return None
    if words[0][:2] != "-m":
        return {"path": words[0], "argv": words[1:]}
    words = [words[0][2:], *words[1:]] if len(words[0]) > 2 else words[1:]
    return {"module": words[0], "argv": words[1:]} if words else None


def main(argv=None):
    """Run the command with `argv` (list of str; default: the process's arguments) and return its exit status."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    words, rest = split_options(arguments[1:]) if arguments[:1] == ["run"] else ([], [])
    program = find_program(rest)
    if program is not None:
        if words:
            prepare(words)
        # run() does not come back here: the program is to have no frame of ours below it
        return run(**program) if argv is None else run_as_main(**program)
    parser = make_parser()
    options = parser.parse_args(arguments)
    if options.command == "run":
        options.fail("run what? A FILE, - for standard input, or -m MODULE")
    if options.command == "show":
        from .show import show
        whole = [show(path, as_json=options.json, verify=not options.quick) for path in options.files]
        return 0 if all(whole) else 1
    parser.print_help()
    return 0


if __name__ == "__main__":
    sys.exit(main())
