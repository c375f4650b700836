"""Every store there is, one after the other."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.ports.stores import MemoryStores, SqliteStores, Stores


@pytest.fixture(params=["memory", "sqlite"])
async def stores(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stores]:
    found: Stores = MemoryStores() if request.param == "memory" else SqliteStores(tmp_path)
    yield found
    await found.aclose()
