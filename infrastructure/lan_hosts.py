"""Calls machines of the network by Wake-on-LAN, and sees whether they take connections."""

import asyncio
import socket

from domain.ports.network import CallFailed
from domain.routing.targets import WakePlan

_CONNECTS_WITHIN_S = 1.0
"""A machine of this network that is awake takes a connection within milliseconds, or refuses it."""

_PAUSE_S = 0.25


class LanHosts:
    """Implements `domain.ports.network.Hosts`."""

    def __repr__(self) -> str:
        return "<LanHosts>"

    async def call(self, plan: WakePlan) -> None:
        packet = magic_packet(plan.mac)
        failures = []
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.settimeout(0.0)
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            for address in plan.call_at:
                try:
                    sender.sendto(packet, address)
                except OSError as error:
                    failures.append(f"{address[0]}: {error.strerror or error}")
        if failures:
            raise CallFailed("; ".join(failures))

    async def answers(self, plan: WakePlan, within_s: float) -> bool:
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + within_s
        while not await _takes_connections(plan.host, plan.port):
            if loop.time() + _PAUSE_S > give_up_at:
                return False
            await asyncio.sleep(_PAUSE_S)
        return True


def magic_packet(mac: str) -> bytes:
    """
    What a sleeping network card listens for: six times 255, then its own address sixteen times.

    >>> magic_packet("52:54:00:12:34:56")[:9].hex()
    'ffffffffffff525400'
    """
    return b"\xff" * 6 + bytes.fromhex(mac.replace(":", "")) * 16


async def _takes_connections(host: str, port: int) -> bool:
    try:
        async with asyncio.timeout(_CONNECTS_WITHIN_S):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError, UnicodeError):
        return False
    writer.transport.abort()
    return True
