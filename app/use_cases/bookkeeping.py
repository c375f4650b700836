"""
Keeps the ledger and the store of one worker in step, away from requests.

Theory of operation. Whatever changes in the ledger, and every row of the usage log, is written by one task: a
moment after it happened, together with what happened in that moment. Only a request for which the money lent
to this worker does not suffice waits for the store, and never for long. While the store is lost the budgets
are kept by what is known, or no money is promised at all; what was spent stays in memory until it is written.
"""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from enum import StrEnum

from app.use_cases.money_events import charged
from app.use_cases.usage_journal import UsageJournal
from domain.budget.accounts import Account, Budget
from domain.budget.ledger import BudgetLedger, Payers, Short
from domain.budget.money import NanoUsd, in_usd
from domain.budget.purse import Exceeded
from domain.budget.wallet import Reservation
from domain.inventory.money import StateFound, StateLost
from domain.ports.observation import EventSink
from domain.ports.storage import Store, StoreUnavailable
from domain.ports.time import Clock

_GATHERS_S = 0.25
"""How long what happened waits for what else will happen, before all of it is written."""

_LOOKS_EVERY_S = 5.0
"""How often others hear that this worker lives, and it looks whether they do."""

_TIDIES_EVERY_S = 3600.0
_PATIENCE_S = 3.0
"""How long a request waits for the store before the budget is kept by what is known."""

_RETRIES_S = (0.5, 1.0, 2.0, 5.0)
"""How long the store is left alone after it failed, the first time and the following ones."""

_ROWS_AT_ONCE = 2_000
_DAY_S = 86_400.0


class OnFailure(StrEnum):
    """What happens to requests that cost money while the store is lost."""

    SERVE = "serve"
    REFUSE_PAID = "refuse_paid"


class StateUnknown(Exception):
    """The store is lost, and without it no money is promised."""


class Bookkeeper:
    """
    Reserves money for requests and writes down what they used.

    Args:
        retention_days: how long the usage log goes back.
    """

    def __init__(
        self,
        ledger: BudgetLedger,
        journal: UsageJournal,
        store: Store,
        sink: EventSink,
        clock: Clock,
        *,
        on_failure: OnFailure = OnFailure.SERVE,
        retention_days: int = 90,
    ) -> None:
        self._ledger = ledger
        self._journal = journal
        self._store = store
        self._sink = sink
        self._clock = clock
        self._on_failure = on_failure
        self._retention_s = retention_days * _DAY_S
        self._waiting: list[asyncio.Future[None]] = []
        self._stirred = asyncio.Event()
        self._urgent = asyncio.Event()
        self._incarnation = ""
        self._lost_at: float | None = None
        self._failures = 0
        self._looked_at = self._tidied_at = float("-inf")
        self._tasks: list[asyncio.Task[None]] = []

    def __repr__(self) -> str:
        return f"<Bookkeeper {'without its store' if self.is_lost else 'in step'}: {self._journal!r}>"

    @property
    def is_lost(self) -> bool:
        """Whether the store could not be asked the last time."""
        return self._lost_at is not None

    def promises_nothing(self, accounts: Payers) -> bool:
        """
        Whether no money is promised at present.

        A hard budget of which nothing was heard since this gateway began may be used up.
        """
        return self._lost_at is not None and self._refuses(accounts)

    async def open(self, accounts: Iterable[Account]) -> None:
        """Has money lent for these accounts, charges what workers that are gone left, and goes on with it."""
        self._ledger.open(accounts, self._clock.time())
        self._tasks.append(asyncio.create_task(self._work(), name="bookkeeping"))
        await self.written(_PATIENCE_S)

    def rebudget(self, budgets: Mapping[Account, Budget]) -> None:
        """There are other budgets from now on, and money of them is lent."""
        self._ledger.rebudget(budgets)
        self._ledger.open(budgets, self._clock.time())
        self.stir()

    def count(self, accounts: Payers, amount: NanoUsd) -> Reservation | Exceeded:
        """Promises money that no budget bounds, whether the store can be asked or not."""
        return self._ledger.reserve_unlent(accounts, amount, self._clock.time())

    def reserve_at_once(
        self, accounts: Payers, amount: NanoUsd, *, asked: bool = False
    ) -> Reservation | Exceeded | None:
        """
        Promises money that is at hand; ``None`` when `reserve` has to be waited for.

        Args:
            asked: as in `BudgetLedger.reserve`.
        """
        if self._lost_at is not None:
            return None
        found = self._ledger.reserve(accounts, amount, self._clock.time(), asked=asked)
        if isinstance(found, Short):
            return None
        if self._ledger.is_low:
            self._ledger.is_low = False
            self._hurry()
        return found

    async def reserve(self, accounts: Payers, amount: NanoUsd) -> Reservation | Exceeded:
        """
        Promises money, at once or as soon as it is lent.

        Raises:
            StateUnknown: the store does not answer, and nothing is promised without it.
        """
        deadline = self._clock.monotonic() + _PATIENCE_S
        asked = False
        while not self.is_lost and (patience_s := deadline - self._clock.monotonic()) > 0:
            found = self.reserve_at_once(accounts, amount, asked=asked)
            if found is not None:
                return found
            await self.written(patience_s)
            asked = True
        if self._refuses(accounts):
            raise StateUnknown
        return self._ledger.reserve_unlent(accounts, amount, self._clock.time())

    async def written(self, patience_s: float) -> None:
        """Until the store has been told what was spent so far, or failed to be; no longer than that."""
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        self._hurry()
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await waiting

    def stir(self) -> None:
        """Something was settled or refused; the store hears of it in a moment."""
        self._stirred.set()

    async def aclose(self) -> None:
        """Writes what there is to write, gives back what was lent, tells what could not be. Never raises."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._ledger.give_back()
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await self._exchange()
                while len(self._journal):
                    await self._write()
        except (StoreUnavailable, TimeoutError) as error:
            words = f"{type(error).__name__}: {error}; {self._unwritten()}"
            self._sink.emit(StateLost(error=words, policy=self._on_failure))

    def _unwritten(self) -> str:
        spent = NanoUsd(max((purse.untold for purse in self._ledger.purses()), default=0))
        rows = len(self._journal)
        return f"ends with up to {in_usd(spent)} USD of a budget and {rows} rows of the usage log unwritten"

    def _refuses(self, accounts: Payers) -> bool:
        """Whether the store has to be asked before any money is promised."""
        if self._on_failure is OnFailure.REFUSE_PAID:
            return True
        return not self._ledger.is_known(accounts, self._clock.time())

    def _hurry(self) -> None:
        self._urgent.set()
        self._stirred.set()

    async def _work(self) -> None:
        while True:
            await _until_set(self._stirred, within_s=_LOOKS_EVERY_S)
            await _until_set(self._urgent, within_s=_GATHERS_S)
            self._urgent.clear()
            self._stirred.clear()
            try:
                await self._round()
            except Exception as error:  # noqa: BLE001  whatever a store does, the books go on
                self._lose(error)
                await asyncio.sleep(_RETRIES_S[min(self._failures, len(_RETRIES_S)) - 1])
            else:
                self._find()

    async def _round(self) -> None:
        """Everything that there is to tell the store and to ask of it."""
        try:
            await self._look()
        except BaseException:
            self._answer_all()
            raise
        # Both are waited for, also when one fails: claims that are under way must not be overtaken.
        for failed in await asyncio.gather(self._exchange(), self._write(), return_exceptions=True):
            if failed is not None:
                raise failed
        if len(self._journal):
            self.stir()

    async def _look(self) -> None:
        now = self._clock.monotonic()
        if now - self._looked_at < _LOOKS_EVERY_S and not self.is_lost:
            return
        for charge in await self._store.mourn():
            self._sink.emit(charged(charge))
        incarnation = await self._store.incarnation() or self._incarnation
        if incarnation != self._incarnation:
            self._incarnation = incarnation
            self._ledger.say_again()
        self._looked_at = now
        if now - self._tidied_at >= _TIDIES_EVERY_S:
            self._tidied_at = now
            self._tasks = [task for task in self._tasks if not task.done()]
            self._tasks.append(asyncio.create_task(self._tidy(), name="tidying the usage log"))

    async def _exchange(self) -> None:
        waiting, self._waiting = self._waiting, []
        claims = self._ledger.claims(self._clock.time())
        try:
            claims.granted(await self._store.exchange(claims.told) if claims.told else ())
        except BaseException:
            claims.unanswered()
            raise
        finally:
            _answer(waiting)

    async def _write(self) -> None:
        rows = self._journal.oldest(_ROWS_AT_ONCE)
        if rows:
            await self._store.log_usage(rows)
            self._journal.written(rows)

    async def _tidy(self) -> None:
        with suppress(StoreUnavailable):
            await self._store.forget_usage(self._clock.time() - self._retention_s)

    def _answer_all(self) -> None:
        waiting, self._waiting = self._waiting, []
        _answer(waiting)

    def _lose(self, error: Exception) -> None:
        self._failures += 1
        self.stir()
        if self._lost_at is None:
            self._lost_at = self._clock.monotonic()
            words = str(error) if isinstance(error, StoreUnavailable) else repr(error)
            self._sink.emit(StateLost(error=words, policy=self._on_failure))

    def _find(self) -> None:
        if self._lost_at is None:
            return
        dropped, self._journal.dropped = self._journal.dropped, 0
        self._sink.emit(
            StateFound(
                unavailable_s=round(self._clock.monotonic() - self._lost_at, 1), dropped_usage_rows=dropped
            )
        )
        self._lost_at = None
        self._failures = 0


async def _until_set(event: asyncio.Event, *, within_s: float) -> None:
    """Until somebody sets it, or it sets itself; a timeout would raise and catch an exception each time."""
    timer = asyncio.get_running_loop().call_later(within_s, event.set)
    try:
        await event.wait()
    finally:
        timer.cancel()


def _answer(waiting: Iterable["asyncio.Future[None]"]) -> None:
    for one in waiting:
        if not one.done():
            one.set_result(None)
