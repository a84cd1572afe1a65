"""A console in any frame of a running Python program.

    from hooking import hook; hook()

opens a prompt in the frame that calls it. See hooking(3) or help(hooking.hook).
"""

from ._core import (
    DumpError,
    UntrustedDump,
    dump,
    hook,
    inspect_dump,
    install,
    load,
    post_mortem,
    rescue,
    set_trace,
    uninstall,
)

__all__ = [
    "DumpError",
    "UntrustedDump",
    "dump",
    "hook",
    "inspect_dump",
    "install",
    "load",
    "post_mortem",
    "rescue",
    "set_trace",
    "uninstall",
]
__version__ = "0.1.0"
