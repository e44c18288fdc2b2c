# SPDX-License-Identifier: BSD-3-Clause
"""A distant network between two processes of this machine: every byte passes so many milliseconds later.

    /usr/bin/python3 tests/bench/delay.py MS LISTEN:TARGET...

Ports of 127.0.0.1; each way is delayed, so that an answer takes twice as long. Where the kernel has netem
it does the same; many have it not.
"""

import asyncio
import sys


async def carry(reader, writer, seconds):
    """What comes is told apart by when it came: nothing waits for what was before it."""
    loop = asyncio.get_running_loop()
    due = asyncio.Queue()

    async def deliver():
        while True:
            at, data = await due.get()
            await asyncio.sleep(max(0.0, at - loop.time()))
            if not data:
                writer.close()
                return
            writer.write(data)

    delivery = asyncio.ensure_future(deliver())
    try:
        while data := await reader.read(65536):
            due.put_nowait((loop.time() + seconds, data))
    except OSError:
        pass
    due.put_nowait((loop.time() + seconds, b""))
    await delivery


async def serve(listen, target, seconds):
    async def accept(reader, writer):
        try:
            there = await asyncio.open_connection("127.0.0.1", target)
        except OSError:
            writer.close()
            return
        await asyncio.gather(carry(reader, there[1], seconds), carry(there[0], writer, seconds), return_exceptions=True)

    return await asyncio.start_server(accept, "127.0.0.1", listen)


async def main():
    seconds = float(sys.argv[1]) / 1000
    pairs = [tuple(int(port) for port in pair.split(":")) for pair in sys.argv[2:]]
    servers = [await serve(listen, target, seconds) for listen, target in pairs]
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    asyncio.run(main())
