"""A server that answers while you look at it: the prompt is a task among others.

    served
    await ask("/from the prompt")
    settings["greeting"] = "Good evening"

A visitor asks every tenth of a second; what `served` shows grows while you type.
"""

import asyncio
import os
from collections import Counter

from hooking import ahook

settings = {"greeting": "Hello"}
served = Counter()


async def answer(reader, writer):
    path = (await reader.readline()).decode().strip()
    served[path] += 1
    writer.write(f"{settings['greeting']} at {path}\n".encode())
    await writer.drain()
    writer.close()


async def visit(ask):
    while True:
        await ask("/")
        await asyncio.sleep(0.1)


async def main():
    server = await asyncio.start_server(answer, "127.0.0.1", 0)

    async def ask(path):
        """What the server answers."""
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
        writer.write(f"{path}\n".encode())
        text = (await reader.read()).decode().strip()
        writer.close()
        return text

    visitor = asyncio.create_task(visit(ask))
    print(await ask("/start"))
    await ahook(when=os.isatty(0))
    print(await ask("/end"))
    visitor.cancel()
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
