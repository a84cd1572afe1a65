"""A hook() in a coroutine, where await works at the prompt: on the loop that is running.

    await fetch("four", 0.1)
    results
"""

import asyncio
import os

from hooking import hook


async def fetch(name, seconds):
    """A download that takes so long."""
    await asyncio.sleep(seconds)
    return f"{name}.html"


async def main():
    pending = asyncio.gather(fetch("one", 0.02), fetch("two", 0.01))
    results = await pending
    hook(overwrite_locals=True, when=os.isatty(0))
    results.append(await fetch("three", 0.01))
    print(results)


if __name__ == "__main__":
    asyncio.run(main())
