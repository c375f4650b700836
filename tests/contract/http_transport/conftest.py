"""Every transport that must keep the contract, on every event loop that must carry it."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import httpx
import pytest
import uvloop

from infrastructure.http_transport import Http1Transport
from tests.contract.http_transport.certificates import Certificates, make_certificates

HERE = Path(__file__).parent

LOOPS: Mapping[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}
"""The gateway serves on uvloop; programs of its command line may run on asyncio's own."""

MakeTransport: TypeAlias = Callable[[Path | None], httpx.AsyncBaseTransport]


def make_ours(ca_file: Path | None) -> httpx.AsyncBaseTransport:
    return Http1Transport(ca_file=ca_file)


def make_httpx(ca_file: Path | None) -> httpx.AsyncBaseTransport:
    verify = ssl.create_default_context()
    if ca_file is not None:
        verify.load_verify_locations(cafile=ca_file)
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    return httpx.AsyncHTTPTransport(verify=verify, trust_env=False, limits=limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Why a transport need not pass a test."""

    reason: str
    leaks: bool = False
    """It leaves a socket behind, which would fail other tests: not run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A transport under the contract, and where it is known to differ."""

    make: MakeTransport
    differs: Mapping[tuple[str, str], Difference]
    """Test and case (or nothing, for all its cases) to what is known about it."""


CONTENDERS: Mapping[str, Contender] = {
    "ours": Contender(make=make_ours, differs={}),
    # httpx's own transport shows that the suite asks for nothing peculiar; it does not serve.
    "httpx": Contender(
        make=make_httpx,
        differs={
            ("test_garbage_is_a_protocol_error", "another protocol's version"): Difference(
                reason="h11 reads any HTTP/x.y"
            ),
            ("test_what_follows_an_answer_unasked_is_not_taken_either", ""): Difference(
                reason="takes the connection again, and waits on it"
            ),
            ("test_nobody_waits_for_the_rest_of_a_request_after_its_answer", ""): Difference(
                reason="reads nothing before the whole request is written"
            ),
            ("test_a_cancelled_call_closes_its_socket_before_tls_is_agreed", ""): Difference(
                reason="anyio does not close the socket of a cancelled handshake", leaks=True
            ),
        },
    ),
}


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return LOOPS


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What does not serve needs no second loop."""
    idle = [item for item in items if item.path.parent == HERE and "uvloop-httpx" in item.name]
    config.hook.pytest_deselected(items=idle)
    items[:] = [item for item in items if item not in idle]


@pytest.fixture(params=list(CONTENDERS))
def contender(request: pytest.FixtureRequest) -> Contender:
    found = CONTENDERS[request.param]
    for (test, case), known in found.differs.items():
        if request.function.__name__ == test and case in request.node.name:
            request.applymarker(pytest.mark.xfail(reason=known.reason, run=not known.leaks, strict=True))
    return found


@pytest.fixture
async def transport(contender: Contender) -> AsyncIterator[httpx.AsyncBaseTransport]:
    async with contender.make(None) as opened:
        yield opened


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module", autouse=True)
def no_authorities(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Reading the system's hundred certificates for each transport would be most of the suite's time."""
    empty = tmp_path_factory.mktemp("authorities") / "none.pem"
    empty.touch()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SSL_CERT_FILE", str(empty))
        yield
