"""Counts how long it takes to connect to upstreams."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from infrastructure.metrics.instruments import Instruments

ELSEWHERE = "other"
"""What no provider's ``base_url`` names: a custom adapter may connect wherever it likes."""

_PORTS = {"http": 80, "https": 443}


class ConnectingTimes:
    """
    New connections by the peer that they lead to.

    Args:
        base_urls: those of all providers. Only peers that they name have a label of their own, so that their
            number stays bounded.
    """

    def __init__(self, instruments: Instruments, base_urls: Iterable[str]) -> None:
        self._connecting = instruments.attempts.connecting
        self._known = frozenset(map(_peer, base_urls))

    def __repr__(self) -> str:
        return f"<ConnectingTimes of {len(self._known)} peers>"

    def connected(self, peer: str, seconds: float) -> None:
        """Implements `infrastructure.http1.pool.Connected`."""
        self._connecting.of(peer if peer in self._known else ELSEWHERE).observe(seconds)


def _peer(base_url: str) -> str:
    parts = urlsplit(base_url)
    return f"{parts.hostname}:{parts.port or _PORTS.get(parts.scheme)}"
