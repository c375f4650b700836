"""Which addresses a host has."""

import asyncio
import socket
from typing import Any, TypeAlias

Address: TypeAlias = tuple[int, int, int, str, tuple[Any, ...]]
"""Family, kind, protocol, canonical name, and what to connect to, as ``getaddrinfo`` tells them."""

REMEMBERED_S = 10.0
"""Long enough for the streams of one conversation, short enough for a host that moves."""


class Names:
    """Looks up names in a thread, and remembers for some seconds what it found."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, int], tuple[float, list[Address]]] = {}

    def __repr__(self) -> str:
        return f"<Names, {len(self._found)} known>"

    async def addresses(self, host: str, port: int) -> list[Address]:
        """
        Where to connect to.

        Raises:
            OSError: Nobody has that name, or nobody can be asked.

        """
        now = asyncio.get_running_loop().time()
        known = self._found.get((host, port))
        if known is not None and now < known[0]:
            return known[1]
        found = _written(host, port) or await _looked_up(host, port)
        self._found[host, port] = (now + REMEMBERED_S, found)
        return found


def _written(host: str, port: int) -> list[Address]:
    try:
        told = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        return []
    return [(family, kind, number, name, address) for family, kind, number, name, address in told]


async def _looked_up(host: str, port: int) -> list[Address]:
    loop = asyncio.get_running_loop()
    told = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return [(family, kind, number, name, address) for family, kind, number, name, address in told]
