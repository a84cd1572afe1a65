"""Print the SHA-256 of a file: python examples/filehasher.py [FILE], or of this one.

It has a bug, and a hook right where it happens. Try h.update(f.read(64)) there, then help(h.update). The repair,
without starting again:

    f = open(path, "rb")
"""

import os
import sys
from hashlib import sha256

from hooking import hook


def hash_file(path):
    h = sha256()
    with open(path, encoding="utf-8") as f:
        hook(overwrite_locals=True, when=os.isatty(0))
        while chunk := f.read(1024):
            h.update(chunk)
    return h.hexdigest()


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else __file__
    try:
        print(hash_file(path))
    except (OSError, TypeError, UnicodeError) as error:
        print(f"no hash of {os.path.basename(path)}: {error}")


if __name__ == "__main__":
    main()
