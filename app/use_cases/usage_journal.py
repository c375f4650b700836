"""Turns the ends of requests into rows of the usage log, and keeps them until they are written."""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from itertools import islice

from domain.budget.money import NanoUsd, from_exact_usd
from domain.budget.usage import UsageRow
from domain.events import Event, RequestCompleted
from domain.inventory.requests import BilledElsewhere
from domain.ports.time import Clock

_MOST_ROWS = 50_000
"""What is kept while the log cannot be written; of what exceeds them the oldest go."""


class UsageJournal:
    """Implements `domain.ports.observation.EventSink`."""

    def __init__(self, clock: Clock, ids: Callable[[], str]) -> None:
        self.dropped = 0
        self._clock = clock
        self._ids = ids
        self._rows: deque[UsageRow] = deque(maxlen=_MOST_ROWS)

    def __repr__(self) -> str:
        return f"<UsageJournal of {len(self._rows)} rows>"

    def __len__(self) -> int:
        return len(self._rows)

    def emit(self, event: Event) -> None:
        if isinstance(event, RequestCompleted):
            now = self._clock.time()
            answer = _row(event, self._ids(), now)
            for row in (answer, *(_share(answer, each, self._ids()) for each in event.billed_elsewhere)):
                self.dropped += len(self._rows) == _MOST_ROWS
                self._rows.append(row)

    def oldest(self, most: int) -> tuple[UsageRow, ...]:
        """Rows that are not written yet."""
        return tuple(islice(self._rows, most))

    def written(self, rows: tuple[UsageRow, ...]) -> None:
        """These are, and need not be kept."""
        for row in rows:
            if self._rows and self._rows[0] is row:
                self._rows.popleft()


def _row(event: RequestCompleted, row_id: str, now: float) -> UsageRow:
    """What was billed elsewhere has rows of its own."""
    cost, savings = from_exact_usd(event.cost_usd), from_exact_usd(event.cost_savings_usd)
    set_aside = from_exact_usd(event.set_aside_usd)
    for each in event.billed_elsewhere:
        cost = NanoUsd(cost - from_exact_usd(each.cost_usd))
        savings = NanoUsd(savings - from_exact_usd(each.cost_savings_usd))
        set_aside = NanoUsd(set_aside - from_exact_usd(each.set_aside_usd))
    return UsageRow(
        id=row_id,
        at=now,
        request_id=event.request_id,
        member=event.member,
        key_id=event.key_id,
        profile=event.profile,
        provider=event.provider,
        model=event.model,
        dialect=event.dialect,
        stream=event.stream,
        outcome=str(event.outcome),
        status=event.status,
        attempts=event.attempts,
        input_tokens=event.input_tokens or 0,
        output_tokens=event.output_tokens or 0,
        cache_read_tokens=event.cache_read_tokens or 0,
        cache_creation_tokens=event.cache_creation_tokens or 0,
        cost=cost,
        savings=savings,
        estimated=event.estimated,
        duration_ms=event.duration_ms,
        ttft_ms=event.ttft_ms,
        set_aside=set_aside,
    )


def _share(answer: UsageRow, share: BilledElsewhere, row_id: str) -> UsageRow:
    return replace(
        answer,
        id=row_id,
        requests=0,
        provider=share.provider,
        model=share.model,
        input_tokens=share.input_tokens,
        output_tokens=share.output_tokens,
        cache_read_tokens=share.cache_read_tokens,
        cache_creation_tokens=share.cache_creation_tokens,
        cost=from_exact_usd(share.cost_usd),
        savings=from_exact_usd(share.cost_savings_usd),
        set_aside=from_exact_usd(share.set_aside_usd),
    )
