"""Without overwrite_locals names stay at the prompt, and objects are shared all the same.

    account.balance = 100        changes the object that the program has, too
    account = Account()          binds a name at the prompt only; `write` would bind it in the program
"""

import os

from hooking import hook


class Account:
    def __init__(self):
        self.balance = 1


def main():
    account = Account()
    hook(when=os.isatty(0))
    print("balance:", account.balance)


if __name__ == "__main__":
    main()
