"""A state server over TLS is talked to if it is who it says it is, and not otherwise."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.ports.storage import StoreUnavailable
from infrastructure.clock import SystemClock
from infrastructure.state.valkey import ValkeyStore
from tests.contract.http_transport.certificates import Certificates, make_certificates
from tests.upstream.state_server import StateServer, state_server


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return make_certificates(tmp_path)


@pytest.fixture
def server(tmp_path: Path, certificates: Certificates) -> Iterator[StateServer]:
    with state_server(tmp_path, certificate=certificates.honest) as running:
        yield running


async def remembers(url: str) -> int:
    store = ValkeyStore(url, SystemClock())
    try:
        return (await store.count("plan", 1, lasts_s=60)).total
    finally:
        await store.aclose()


@pytest.mark.parametrize("scheme", ["valkeys", "rediss"])
async def test_an_authority_of_ones_own_is_trusted_where_it_is_named(
    server: StateServer, certificates: Certificates, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"{scheme}://127.0.0.1:{server.tls_port}/0"

    assert await remembers(f"{url}?ssl_ca_certs={certificates.authority}") == 1
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority))
    assert await remembers(url) == 2


async def test_a_stranger_is_told_nothing(server: StateServer) -> None:
    with pytest.raises(StoreUnavailable, match="certificate"):
        await remembers(f"valkeys://127.0.0.1:{server.tls_port}/0")


async def test_whoever_shows_the_certificate_of_another_host_is_told_nothing(
    tmp_path: Path, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority))
    with (
        state_server(tmp_path, certificate=certificates.misnamed) as server,
        pytest.raises(StoreUnavailable, match="not valid for"),
    ):
        await remembers(f"valkeys://127.0.0.1:{server.tls_port}/0")
