"""Whoever waits for the state server can be called off at any moment, and then waits no more."""

import asyncio
from pathlib import Path

from infrastructure.clock import SystemClock
from infrastructure.state.valkey import ValkeyStore
from tests.upstream.state_server import state_server


async def test_a_task_that_is_called_off_while_it_asks_ends(tmp_path: Path) -> None:
    with state_server(tmp_path) as server:
        store = ValkeyStore(server.url, SystemClock())
        await store.counted("plan")

        async def ask_on_and_on() -> None:
            while True:
                await store.counted("plan")

        for turns in range(300):
            asking = asyncio.create_task(ask_on_and_on())
            for _ in range(turns % 23):
                await asyncio.sleep(0)
            asking.cancel()
            ended, _ = await asyncio.wait({asking}, timeout=10)
            assert ended, f"it went on after being called off at turn {turns}"
        await store.aclose()
