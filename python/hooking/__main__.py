"""The command `hooking`, also `python -m hooking`: see hooking(1)."""

import os.path
import sys

from . import __version__, _core
from ._core import Checkpoint, run, run_as_main

DESCRIPTION = "A console in any frame of a running Python program."
EPILOG = """\
in a program:
  from hooking import hook; hook()  a console in the frame that calls it
  hook(overwrite_locals=True)       what you bind there is bound in the program

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
output and error are a terminal, a console opens where that was raised. For exceptions in threads the program calls
hooking.install(). Options of Python itself stand before: python -X dev -m hooking run FILE.
"""


CHECKPOINT = """\
Run a program as `hooking run` does, and save snapshots of its global variables meanwhile, in
DIR/SCRIPT/000001-NAME.pkl and so on, each of which hooking.load() and pickle.load() read. A copy of the process writes
them, so the program hardly waits. It may take more itself: Checkpoint.get_global_singleton().snapshot("name").
"""


TRACK = """\
Run a program as `hooking run` does, and tell at its end, on stderr, which functions have read and written which global
variables: of its own modules, not of the standard library and what is installed.
"""


def make_parser():
    import argparse  # takes longer than all else here, and `run` does without

    parser = argparse.ArgumentParser(prog="hooking", description=DESCRIPTION, epilog=EPILOG,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--version", action="version", version=f"hooking {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    show = commands.add_parser("show", help="tell what is in a dump, without loading it", description=SHOW)
    show.add_argument("files", nargs="+", metavar="FILE")
    show.add_argument("-i", dest="interactive", action="store_true",
                      help="load one and open a console in which its variables are; there `diff 3 5` compares two")
    show.add_argument("--html", dest="page", metavar="PAGE",
                      help="of one folder of snapshots: write sizes, pauses and what was left out to this file")
    show.add_argument("--json", action="store_true", help="all of it, as JSON")
    show.add_argument("--quick", action="store_true", help="do not read large buffers to see whether they are whole")
    show.set_defaults(fail=show.error)
    run = commands.add_parser("run", help="run a program as Python would", description=RUN, allow_abbrev=False,
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
    checkpoint = commands.add_parser("checkpoint", help="run a program and save snapshots of its variables",
                                     description=CHECKPOINT, allow_abbrev=False,
                                     usage="hooking checkpoint [OPTIONS] FILE [ARGS...]\n"
                                           "       hooking checkpoint [OPTIONS] -m MODULE [ARGS...]")
    checkpoint.add_argument("-o", dest="output_dir", metavar="DIR", default="checkpoints",
                            help="the folder for the snapshots, by default ./checkpoints")
    checkpoint.add_argument("-f", dest="frequency", metavar="MS", type=milliseconds, default=10000,
                            help="milliseconds between two snapshots, by default 10000; 0: one at each line of its "
                                 "file, -1: only those that the program takes itself")
    checkpoint.add_argument("-z", dest="min_obj_size", metavar="SIZE", type=size, default=0,
                            help="leave smaller objects out: bytes, or with k, M or G; 0, the default: none; -1: all "
                                 "but those that the program tracks")
    checkpoint.add_argument("-v", dest="verbose", action="store_true", help="tell of each snapshot on stderr")
    checkpoint.add_argument("--frames", action="store_true", help="save the local variables of functions, too")
    checkpoint.add_argument("--jobs", type=int, default=1, metavar="N", help="how many are written at a time, 1")
    checkpoint.add_argument("--keep", type=int, default=0, metavar="N",
                            help="how many files stay: older ones are removed; 0, the default: none is")
    checkpoint.add_argument("--keep-every", type=int, default=0, metavar="N",
                            help="and beside them each file whose number is a multiple of N")
    checkpoint.add_argument("--max-size", type=size, default=0, metavar="SIZE",
                            help="how large all files together may become: the oldest go, but never the last one")
    checkpoint.add_argument("--resume", action="store_true",
                            help="Checkpoint.resumed and resume_or() give the program what was saved last")
    checkpoint.add_argument("--sync", action="store_true", help="the program itself writes them, and waits")
    checkpoint.add_argument("-m", dest="module", metavar="MODULE", help="a module or package to be run")
    checkpoint.add_argument("path", nargs="?", metavar="FILE", help="a script, as for `hooking run`")
    checkpoint.add_argument("arguments", nargs="*", metavar="ARGS", help="all that follows is the program's own")
    checkpoint.set_defaults(fail=checkpoint.error)
    track = commands.add_parser("track", help="run a program and tell which globals it reads and writes",
                                description=TRACK, allow_abbrev=False,
                                usage="hooking track [OPTIONS] FILE [ARGS...]\n"
                                      "       hooking track [OPTIONS] -m MODULE [ARGS...]")
    track.add_argument("--names", action="store_true", help="only which names, not how often: costs next to nothing")
    track.add_argument("--where", action="store_true", help="each line that does it, too")
    track.add_argument("-t", dest="targets", metavar="NAME", action="append",
                       help="the globals of this module or package, in the place of the program's own modules; may be "
                            "given several times")
    track.add_argument("--json", metavar="FILE", help="write all of it to a file, as JSON; - is standard output")
    track.add_argument("--dot", metavar="FILE",
                       help="write a graph to a file for graphviz's dot; to FILE.svg: as a picture, if dot is there; - "
                            "is standard output")
    track.add_argument("-m", dest="module", metavar="MODULE", help="a module or package to be run")
    track.add_argument("path", nargs="?", metavar="FILE", help="a script, as for `hooking run`")
    track.add_argument("arguments", nargs="*", metavar="ARGS", help="all that follows is the program's own")
    track.set_defaults(fail=track.error)
    return parser


def size(text):
    """Bytes, of "64M" as well (powers of 1024). Raises argparse.ArgumentTypeError."""
    import argparse
    units = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
    unit = units.get(text[-1:].lower(), 1)
    try:
        number = float(text[:-1]) * unit if unit > 1 else int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"no size: {text}; say 64M, or a number of bytes") from None
    if number < -1:
        raise argparse.ArgumentTypeError(f"no size: {text}; -1 stands for tracked objects alone")
    return int(number)


def milliseconds(text):
    """A number from 0 on, or -1. Raises argparse.ArgumentTypeError."""
    import argparse
    try:
        number = float(text)
    except ValueError:
        number = -2
    if not 0 <= number < float("inf") and number != -1:
        raise argparse.ArgumentTypeError(f"no number of milliseconds: {text}; -1 stands for none but on request")
    return number


def signal_called(name):
    """The signal of a name, "USR1" or "SIGUSR1", or of a number. Raises argparse.ArgumentTypeError."""
    import argparse
    import signal
    try:
        return signal.Signals(int(name)) if name.isdigit() else signal.Signals["SIG" + name.removeprefix("SIG")]
    except (KeyError, ValueError):
        raise argparse.ArgumentTypeError(f"no signal is called {name}; there are USR1, USR2, ...") from None


#: Of the commands that run programs: the options that a value follows, and those that stand alone.
VALUED = {"run": ("-c", "--on-signal"),
          "checkpoint": ("-f", "-o", "-z", "--jobs", "--keep", "--keep-every", "--max-size"),
          "track": ("-t", "--json", "--dot")}
ALONE = {"run": (), "checkpoint": ("-v", "--frames", "--resume", "--sync"), "track": ("--names", "--where")}


def split_options(command, words):
    """The options of the command itself, and what follows them."""
    end = 0
    while end < len(words):
        word = words[end]
        if word in VALUED[command]:
            end += 2
        elif word in ALONE[command] or word[:2] in VALUED[command] or word.split("=")[0] in VALUED[command]:
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
        except OSError:
            options.fail(f"--on-signal {options.on_signal.name}: that signal cannot be caught, take USR1")
    _core._feed(options.inputs or [])


def prepare_checkpoint(words, program):
    """Do what the options of `checkpoint` ask for."""
    options = make_parser().parse_args(["checkpoint", *words])
    name = program.get("module") or os.path.splitext(os.path.basename(os.path.abspath(program["path"])))[0]
    try:
        checkpoint = Checkpoint(options.output_dir, frequency=options.frequency, min_obj_size=options.min_obj_size,
                                script=name.replace("/", "_") or "python", frames=options.frames, jobs=options.jobs,
                                keep=options.keep, keep_every=options.keep_every, max_size=options.max_size,
                                sync=options.sync, verbose=options.verbose, resume=options.resume)
        _core._set_checkpoint(checkpoint)
    except OSError as error:
        options.fail(f"{error.filename}: {error.strerror}")
    except ValueError as error:
        options.fail(str(error))
    if options.resume:
        from .snapshots import entries
        folder = os.path.join(checkpoint.output_dir, checkpoint.script)
        if not entries(folder):
            print(f"hooking: --resume: nothing is saved in {folder} yet: the program begins anew", file=sys.stderr)


def prepare_track(words, program):
    """Do what the options of `track` ask for, now and when the program ends."""
    import atexit

    from .track_report import tell, try_path
    from .tracking import track_globals
    options = make_parser().parse_args(["track", *words])
    try:
        # each function is told of, so each place is counted apart
        track = track_globals(options.targets, mode="names" if options.names else "all", where=True)
    except ValueError as error:
        options.fail(str(error))
    for option in ("json", "dot"):
        path = getattr(options, option)
        if path not in (None, "-"):
            try:
                try_path(path)
            except OSError as error:
                print(f"hooking track: {path}: {error.strerror}", file=sys.stderr)
                sys.exit(2)
            setattr(options, option, os.path.abspath(path))     # the program may change to another folder
    if program.get("path", "-") != "-" and not os.access(program["path"], os.R_OK):
        return      # which Python says
    options.has_spec = "module" in program or os.path.isdir(program["path"])     # else __main__ has none
    process = os.getpid()

    def end():
        track.stop()
        if os.getpid() == process:
            tell(track, options)
    atexit.register(end)    # the program's own functions come before it
    track.start()


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
    command = arguments[0] if arguments[:1] and arguments[0] in VALUED else None
    words, rest = split_options(command, arguments[1:]) if command else ([], [])
    program = find_program(rest)
    if program is not None:
        if command == "checkpoint":
            prepare_checkpoint(words, program)
        elif command == "track":
            prepare_track(words, program)
        elif words:
            prepare(words)
        # run() does not come back here: the program is to have no frame of ours below it
        return run(**program) if argv is None else run_as_main(**program)
    parser = make_parser()
    options, unknown = parser.parse_known_args(arguments)
    if unknown:
        getattr(options, "fail", parser.error)(f"unrecognized arguments: {' '.join(unknown)}")
    if options.command in VALUED:
        options.fail("run what? A FILE, - for standard input, or -m MODULE")
    if options.command == "show":
        import signal

        from .show import look, show
        if options.page is not None and not (len(options.files) == 1 and os.path.isdir(options.files[0])):
            options.fail("--html is for one folder of snapshots")
        if options.interactive:
            return 0 if all([look(path) for path in options.files]) else 1
        # whoever reads this, `head` say, may have had enough
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        whole = [show(path, as_json=options.json, verify=not options.quick, page=options.page)
                 for path in options.files]
        return 0 if all(whole) else 1
    parser.print_help()
    return 0


if __name__ == "__main__":
    sys.exit(main())
