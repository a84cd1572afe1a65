"""At this prompt you may break what you like: it is in a copy of the process, and the program goes on as it was.

    account.balance = 100        Ctrl-D takes it back; `commit` goes on with it
"""

import os

from hooking import hook


class Account:
    def __init__(self):
        self.balance = 1


def main():
    account = Account()
    hook(when=os.isatty(0), isolate=True)
    print("balance:", account.balance)


if __name__ == "__main__":
    main()
