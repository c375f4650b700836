"""A companion that remembers the attempts it went along with."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from app.use_cases.attempts import Attempting, Ending, Later, TargetRefused
from domain.routing.gates import BarReason, Barred


@dataclass(slots=True)
class RecordedTicket:
    """One attempt, and how it ended, as often as that was told."""

    attempting: Attempting
    endings: list[Ending] = field(default_factory=list)

    def ended(self, ending: Ending) -> None:
        self.endings.append(ending)


class RecordingCompanion:
    """
    Lets attempts begin, but for those at the providers it refuses or keeps waiting.

    ``waiting`` is set as soon as an attempt has been made to wait.
    """

    def __init__(
        self, *, refuses: Mapping[str, BarReason] | None = None, stalls: Collection[str] = ()
    ) -> None:
        self.tickets: list[RecordedTicket] = []
        self.waiting = asyncio.Event()
        self._refuses = refuses or {}
        self._stalls = stalls

    def __repr__(self) -> str:
        return f"<RecordingCompanion of {len(self.tickets)} attempts>"

    def admit(self, attempting: Attempting) -> RecordedTicket | Later:
        provider = attempting.target.provider
        if provider in self._refuses:
            raise TargetRefused(Barred(attempting.target, self._refuses[provider]))
        return Later(self._stalled(attempting)) if provider in self._stalls else self._ticket(attempting)

    async def _stalled(self, attempting: Attempting) -> RecordedTicket:
        self.waiting.set()
        await asyncio.Event().wait()
        return self._ticket(attempting)

    def _ticket(self, attempting: Attempting) -> RecordedTicket:
        ticket = RecordedTicket(attempting)
        self.tickets.append(ticket)
        return ticket

    @property
    def endings(self) -> list[Ending]:
        """How the attempts ended, in the order in which they began; each exactly once."""
        assert all(len(ticket.endings) == 1 for ticket in self.tickets)
        return [ticket.endings[0] for ticket in self.tickets]
