"""Every store there is, one after the other."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.contract.ports.stores import MemoryStores, SqliteStores, Stores, ValkeyStores, emptied
from tests.upstream.state_server import StateServer, state_server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StateServer]:
    with state_server(tmp_path_factory.mktemp("valkey")) as running:
        yield running


@pytest.fixture(params=["memory", "sqlite", "valkey"])
async def stores(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stores]:
    found: Stores
    match request.param:
        case "memory":
            found = MemoryStores()
        case "sqlite":
            found = SqliteStores(tmp_path)
        case _:
            found = ValkeyStores(await emptied(request.getfixturevalue("server").url))
    yield found
    await found.aclose()
