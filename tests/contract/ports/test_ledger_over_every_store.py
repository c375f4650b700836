"""Whatever workers do in whatever order, the ledger is right over each store that is shipped."""

import asyncio
import tempfile
from abc import abstractmethod
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings

from domain.budget.accounts import Pot
from domain.budget.leases import Balance, Claim, Grant
from domain.budget.money import NOTHING
from domain.ports.storage import Store
from tests.contract.ports.stores import MemoryStores, SqliteStores, Stores, ValkeyStores, emptied
from tests.domain.budget.ledger_machine import LedgerMachine
from tests.upstream.state_server import StateServer

Found = TypeVar("Found")


class LedgerOverStore(LedgerMachine):
    """Runs the machine over a store; whoever inherits opens it."""

    stores: Stores

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.runner = asyncio.Runner()
        self.opened: dict[str, Store] = {}
        self.stores = self.make_stores(Path(self.folder.name))
        self.reader = self.stores.worker()

    @abstractmethod
    def make_stores(self, folder: Path) -> Stores:
        """Those that the machine runs over."""

    def run_to_end(self, found: Coroutine[Any, Any, Found]) -> Found:
        return self.runner.run(found)

    def join(self, worker: str) -> None:
        self.opened[worker] = self.stores.worker()
        self.run_to_end(self.opened[worker].mourn())

    def exchange(self, worker: str, claims: Sequence[Claim]) -> Sequence[Grant]:
        return self.run_to_end(self.opened[worker].exchange(claims))

    def die(self, worker: str) -> None:
        self.run_to_end(self.stores.kill(self.opened.pop(worker)))

    def balance(self, pot: Pot) -> Balance:
        found = self.run_to_end(self.reader.balances([pot.period]))
        nothing = Balance(pot=pot, settled=NOTHING, estimated=NOTHING, lent=NOTHING)
        return next((balance for balance in found if balance.pot == pot), nothing)

    def teardown(self) -> None:
        try:
            super().teardown()
        finally:
            self.run_to_end(self.stores.aclose())
            self.runner.close()
            self.folder.cleanup()


class LedgerOverMemory(LedgerOverStore):
    """Workers in one process."""

    def make_stores(self, folder: Path) -> Stores:
        return MemoryStores()


class LedgerOverSqlite(LedgerOverStore):
    """Workers at one file."""

    def make_stores(self, folder: Path) -> Stores:
        return SqliteStores(folder)


class LedgerOverValkey(LedgerOverStore):
    """Workers at the server of the session."""

    url: str

    def make_stores(self, folder: Path) -> Stores:
        return ValkeyStores(self.run_to_end(emptied(self.url)))


TestLedgerOverMemory = LedgerOverMemory.TestCase
TestLedgerOverMemory.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)
TestLedgerOverSqlite = LedgerOverSqlite.TestCase
TestLedgerOverSqlite.settings = settings(
    max_examples=20,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestLedgerOverValkey = pytest.mark.usefixtures("at_the_server")(LedgerOverValkey.TestCase)
TestLedgerOverValkey.settings = TestLedgerOverSqlite.settings


@pytest.fixture
def at_the_server(server: StateServer) -> None:
    LedgerOverValkey.url = server.url
