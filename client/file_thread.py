"""Work on files beside an event loop: in a thread, with a connection of its own, so that neither holds up the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from vecdb.client.blocking_driver import BlockingDriver
from vecdb.client.capabilities import handshake
from vecdb.client.settings import ClientSettings

T = TypeVar("T")


async def in_thread(settings: ClientSettings, work: Callable[[BlockingDriver], T]) -> T:
    """What `work` returns. Cancelled, it ends its calls and waits until the thread has cleaned up after itself."""
    driver = BlockingDriver(settings)

    def connected() -> T:
        driver.capabilities = driver.run(handshake(settings))
        return work(driver)

    running = asyncio.ensure_future(asyncio.to_thread(connected))
    try:
        return await asyncio.shield(running)
    finally:
        driver.close()
        if not running.done():
            await asyncio.wait([running])
            running.exception()  # of calls that were ended: nobody needs it
