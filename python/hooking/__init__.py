"""A console in any frame of a running Python program."""

__version__ = "0.1.0"
