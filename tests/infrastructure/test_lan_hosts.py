"""Packets leave this machine as network cards expect them, and listeners are found."""

import asyncio
import socket
from collections.abc import Iterator
from dataclasses import replace

import pytest

from domain.ports.network import CallFailed
from domain.routing.targets import WakePlan
from infrastructure.lan_hosts import LanHosts
from tests.upstream.scripted_upstream import ScriptedUpstream, held_port, refusing_port

MAC = "a8:a1:59:3c:07:e2"


@pytest.fixture
def card() -> Iterator[socket.socket]:
    """A network card that hears what is sent to loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        bound.settimeout(5.0)
        yield bound


def plan(*call_at: tuple[str, int], port: int = 1) -> WakePlan:
    return WakePlan(mac=MAC, ready_within_s=1.0, host="127.0.0.1", port=port, call_at=call_at)


async def test_a_packet_names_the_card_sixteen_times(card: socket.socket) -> None:
    await LanHosts().call(plan(card.getsockname()))

    assert card.recv(1024) == b"\xff" * 6 + bytes.fromhex("a8a1593c07e2") * 16


async def test_an_address_that_cannot_be_reached_keeps_no_other_from_being_called(
    card: socket.socket,
) -> None:
    # Nothing can be sent to port 0.
    with pytest.raises(CallFailed, match=r"127\.0\.0\.1"):
        await LanHosts().call(plan(("127.0.0.1", 0), card.getsockname()))

    assert len(card.recv(1024)) == 102


async def test_a_listener_is_there_and_a_port_that_refuses_is_not() -> None:
    hosts = LanHosts()
    async with ScriptedUpstream() as upstream:
        assert await hosts.answers(plan(port=upstream.port), 0.0)
    with refusing_port() as port:
        assert not await hosts.answers(plan(port=port), 0.0)


async def test_a_name_that_nobody_has_is_not_there() -> None:
    assert not await LanHosts().answers(replace(plan(), host="nobody.invalid"), 0.0)


async def test_a_listener_that_comes_late_is_found() -> None:
    with held_port() as port:
        looking = asyncio.create_task(LanHosts().answers(plan(port=port), 10.0))
        await asyncio.sleep(0)
        upstream = ScriptedUpstream()
        upstream.port = port
        async with upstream:
            assert await looking
