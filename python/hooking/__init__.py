"""A console in any frame of a running Python program.

    from hooking import hook; hook()

opens a prompt in the frame that calls it. See hooking(3) or help(hooking.hook).

(To pytest, which else warns when this was imported before its plugins: PYTEST_DONT_REWRITE.)
"""

from ._core import (
    Checkpoint,
    DumpError,
    UntrustedDump,
    ahook,
    dump,
    hook,
    inspect_dump,
    install,
    load,
    post_mortem,
    rescue,
    run_as_main,
    set_trace,
    uninstall,
    unwatch,
    watch,
)

__all__ = [
    "Checkpoint",
    "DumpError",
    "UntrustedDump",
    "ahook",
    "dump",
    "hook",
    "inspect_dump",
    "install",
    "load",
    "post_mortem",
    "rescue",
    "run_as_main",
    "set_trace",
    "track_globals",
    "uninstall",
    "unwatch",
    "watch",
]
__version__ = "0.1.0"


def __getattr__(name):
    if name == "track_globals":                 # the rest costs nothing until it is used
        from .tracking import track_globals
        globals()[name] = track_globals
        return track_globals
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *__all__})
