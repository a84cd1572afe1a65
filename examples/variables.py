"""The smallest use of hook(): read and change the variables of a function while it runs."""

import os

from hooking import hook

GLOBAL_VAR = 100


def successor(n):
    return n + 1


def main():
    a = 1
    hook(overwrite_locals=True, when=os.isatty(0))
    print("after a comes", successor(a))
    print("after GLOBAL_VAR comes", successor(GLOBAL_VAR))


if __name__ == "__main__":
    main()
