"""Kits for adapters under test."""

import httpx

from adapters.outbound.kit import ProviderKit
from tests.fakes.fixed_clock import FixedClock


class NoModelServer:
    """There is none."""

    async def ensure_running(self) -> str:
        raise RuntimeError("there is none")


def kit_over(transport: httpx.AsyncBaseTransport, *, secret: str = "") -> ProviderKit:
    return ProviderKit(
        transport=transport,
        clock=FixedClock(),
        secret=secret,
        model_server=NoModelServer(),
        user_agent="coderouter/test",
    )
