"""How long new connections took, by the upstream that a provider names."""

import pytest

from infrastructure.http_transport import Http1Transport
from infrastructure.metrics.connecting import ConnectingTimes
from infrastructure.metrics.counting import Alone
from infrastructure.metrics.instruments import Instruments
from tests.contract.http_transport.conversation import fetch, post
from tests.contract.http_transport.scripted_peer import Line, ScriptedPeer, sized


async def hello(line: Line) -> None:
    while True:
        await line.answer(sized(b"hello"))


def made(instruments: Instruments, upstream: str) -> float | None:
    name = "coderouter_upstream_connect_seconds_count"
    return instruments.registry.get_sample_value(name, {"upstream": upstream})


async def test_each_new_connection_is_counted_and_one_that_is_used_again_is_not() -> None:
    instruments = Instruments(Alone())
    async with ScriptedPeer(hello) as peer:
        times = ConnectingTimes(instruments, [f"{peer.url}/v1"])
        async with Http1Transport(connected=times.connected) as transport:
            for _ in range(3):
                await fetch(transport, post(peer.url))

        assert made(instruments, peer.url.removeprefix("http://").partition("/")[0]) == 1


@pytest.mark.parametrize(
    ("peer", "upstream"),
    [
        ("api.example.com:443", "api.example.com:443"),
        ("::1:8080", "::1:8080"),
        ("evil.example.org:443", "other"),
    ],
)
def test_only_what_a_provider_names_has_a_label_of_its_own(peer: str, upstream: str) -> None:
    instruments = Instruments(Alone())

    times = ConnectingTimes(instruments, ["https://API.example.com/v1", "http://[::1]:8080"])
    times.connected(peer, 0.1)

    assert made(instruments, upstream) == 1
