"""A console in any frame of a running Python program.

    from hooking import hook; hook()

opens a prompt in the frame that calls it. See hooking(3) or help(hooking.hook).
"""

from ._core import hook, set_trace

__all__ = ["hook", "set_trace"]
__version__ = "0.1.0"
