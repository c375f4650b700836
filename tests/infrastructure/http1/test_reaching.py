"""A host with several addresses is reached by the first that answers."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from infrastructure.http1.names import Address, Names
from infrastructure.http1.reaching import reached
from tests.contract.http_transport.test_connections import full_backlog
from tests.upstream.scripted_upstream import until


def address(port: int, host: str = "127.0.0.1") -> Address:
    return (socket.AF_INET, socket.SOCK_STREAM, 0, "", (host, port))


@pytest.fixture
def listening() -> Iterator[int]:
    with closing(socket.create_server(("127.0.0.1", 0), backlog=16)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def refusing() -> Iterator[int]:
    with closing(socket.socket()) as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield reserved.getsockname()[1]


@pytest.mark.parametrize("refused", [0, 1, 3])
async def test_addresses_that_refuse_are_passed_over_at_once(
    listening: int, refusing: int, refused: int
) -> None:
    addresses = [address(refusing)] * refused + [address(listening)]

    with closing(await asyncio.wait_for(reached(addresses, head_start_s=60), 5)) as made:
        assert made.getpeername()[1] == listening


async def test_one_that_does_not_answer_holds_nobody_up(listening: int) -> None:
    with full_backlog() as silent:
        addresses = [address(silent), address(silent, "127.0.0.1"), address(listening)]
        with closing(await asyncio.wait_for(reached(addresses, head_start_s=0.02), 5)) as made:
            assert made.getpeername()[1] == listening
        await asyncio.sleep(0)

    assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []


@pytest.mark.parametrize("tries", [1, 2])
async def test_what_the_last_one_said_is_told_when_none_can_be_reached(refusing: int, tries: int) -> None:
    with pytest.raises(ConnectionRefusedError):
        await asyncio.wait_for(reached([address(refusing)] * tries), 5)


async def test_who_is_not_waited_for_any_more_leaves_nothing_behind() -> None:
    with full_backlog() as silent:
        trying = asyncio.ensure_future(reached([address(silent)] * 2, head_start_s=0.01))
        await asyncio.sleep(0.1)
        trying.cancel()
        with pytest.raises(asyncio.CancelledError):
            await trying
        await asyncio.sleep(0)

    assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []


@pytest.mark.parametrize(
    ("host", "family", "where"),
    [
        ("127.0.0.1", socket.AF_INET, ("127.0.0.1", 80)),
        ("::1", socket.AF_INET6, ("::1", 80, 0, 0)),
    ],
)
async def test_an_address_needs_no_look_up(
    host: str, family: int, where: tuple[object, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: object, **__: object) -> None:
        raise AssertionError("nobody should be asked")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", never, raising=False)

    [found] = await Names().addresses(host, 80)

    assert (found[0], found[4]) == (family, where)


async def test_a_name_that_nobody_has_is_an_error_each_time() -> None:
    names = Names()
    for _ in range(2):
        with pytest.raises(OSError, match=r"(?i)name|address"):
            await names.addresses("nowhere.invalid", 80)


async def test_of_two_that_answer_in_the_same_moment_one_is_closed(
    listening: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, now = asyncio.get_running_loop(), asyncio.Event()
    connect, made = loop.sock_connect, list[socket.socket]()

    async def together(sock: socket.socket, where: Any) -> None:
        made.append(sock)
        await connect(sock, where)
        await now.wait()

    monkeypatch.setattr(loop, "sock_connect", together)
    reaching = asyncio.ensure_future(reached([address(listening)] * 2, head_start_s=0.01))
    await until(lambda: len(made) == 2)
    now.set()

    with closing(await reaching) as won:
        assert [sock.fileno() == -1 for sock in made if sock is not won] == [True]
