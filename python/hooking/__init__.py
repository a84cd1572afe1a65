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
    "uninstall",
]
__version__ = "0.1.0"
