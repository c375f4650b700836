"""Lets as many attempts to a provider begin as it can bear at once, in a fair order."""

import asyncio
from collections.abc import Mapping
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import lru_cache, partial
from itertools import count

from app.use_cases.attempts import Attempting, Ending, Later, TargetRefused, Ticket
from domain.admission.queue import Displaces, FairQueue, Full, Seated, Visitor
from domain.admission.service_times import ServiceTimes
from domain.inventory.admission import QueueEntered, QueueLeft
from domain.ports.observation import EventSink
from domain.ports.time import Clock
from domain.routing.gates import BarReason, Barred
from domain.routing.targets import ProviderSpec, Room, Target
from domain.values import value

BACKGROUND = "background"
"""What a client says in ``X-CodeRouter-Priority`` for work that nobody is waiting for."""


_SOON_S = 5.0
"""When to ask again where nobody knows how long answers take, as none is over yet."""


class _Left(StrEnum):
    """Why one waits no longer, as `QueueLeft` tells it."""

    SEATED = "seated"
    DISPLACED = "displaced"
    TIMED_OUT = "timed-out"
    CLIENT_LEFT = "client-left"


class Door:
    """
    The queue before one provider, and the calls for those who wait in it.

    Args:
        somebody_waits: set when somebody begins to wait, or goes on while a seat has become free.
    """

    def __init__(self, name: str, room: Room, seats: int, somebody_waits: asyncio.Event) -> None:
        self.name = name
        self.room = room
        self.queue = FairQueue(seats, room.most_waiting)
        self.times = ServiceTimes()
        self.seats = seats
        self._somebody_waits = somebody_waits
        self.calls: dict[int, asyncio.Future[_Left]] = {}

    def __repr__(self) -> str:
        return f"<Door of {self.name}: {self.queue!r}>"

    def resize(self, seats: int) -> None:
        self.seats = seats
        self._call(self.queue.resize(seats), _Left.SEATED)

    def leave(self, visitor_id: int) -> None:
        called = self.queue.leave(visitor_id)
        if called:
            self._call(called, _Left.SEATED)
        elif self.calls:
            self._somebody_waits.set()

    def enter(self, visitor_id: int) -> "asyncio.Future[_Left]":
        """A visitor begins to wait; what it waits for."""
        call = self.calls[visitor_id] = asyncio.get_running_loop().create_future()
        self._somebody_waits.set()
        return call

    def displace(self, visitor_id: int) -> None:
        """The queue has given a visitor's place to another."""
        self._call((visitor_id,), _Left.DISPLACED)

    def wait_s(self) -> float:
        """When one more would probably have its turn; as long as nothing is known of that, soon."""
        wait_s = self.times.wait_s(self.queue.waiting + 1, self.seats)
        return min(_SOON_S, self.room.patience_s) if wait_s is None else wait_s

    def _call(self, visitors: tuple[int, ...], left: _Left) -> None:
        for visitor_id in visitors:
            call = self.calls.get(visitor_id)
            if call is not None and not call.done():
                call.set_result(left)


class _NoDoor:
    """The ticket for a provider that bears any number."""

    def ended(self, ending: Ending) -> None: ...


_FREE = _NoDoor()


@value(kw_only=True)
class _Guest(Visitor):
    """A visitor that has its seat, once it is given one, until the attempt is over."""

    door: Door

    def ended(self, ending: Ending) -> None:
        if ending.sent:
            self.door.times.note(ending.duration_s)
        self.door.leave(self.id)


class Admission:
    """
    Implements `app.use_cases.attempts.Companion`.

    Args:
        rooms: what each provider bears at once; who is not named bears anything.
        weights: members' shares; who is not named has 1.
        background_models: patterns of model names that clients use for work nobody is waiting for.
        seats_are_shared: whether somebody else divides the seats between processes; there are none before.
        somebody_waits: as each `Door` sets it.
    """

    def __init__(
        self,
        rooms: Mapping[str, Room],
        weights: Mapping[str, int],
        background_models: tuple[str, ...],
        sink: EventSink,
        clock: Clock,
        *,
        seats_are_shared: bool = False,
        somebody_waits: asyncio.Event | None = None,
    ) -> None:
        bell = somebody_waits or asyncio.Event()
        self.doors = {
            name: Door(name, room, 0 if seats_are_shared else room.most_at_once, bell)
            for name, room in rooms.items()
        }
        self._weights = weights
        self._is_background = lru_cache(maxsize=512)(partial(_matches_any, background_models))
        self._sink = sink
        self._clock = clock
        self._numbers = count(1)

    def __repr__(self) -> str:
        return f"<Admission {list(self.doors.values())}>"

    def admit(self, attempting: Attempting) -> Ticket | Later:
        """See `app.use_cases.attempts.Companion`."""
        door = self.doors.get(attempting.target.provider)
        if door is None:
            return _FREE
        wishes = attempting.wishes
        member = wishes.caller.member
        background = wishes.priority == BACKGROUND or self._is_background(attempting.request.model)
        weight = self._weights.get(member, 1)
        guest = _Guest(next(self._numbers), member, weight, wishes.session, background, door=door)
        arrival = door.queue.arrive(guest)
        if isinstance(arrival, Seated):
            return guest
        if isinstance(arrival, Full):
            raise _refused(attempting.target, BarReason.QUEUE_FULL, door)
        if isinstance(arrival, Displaces):
            door.displace(arrival.other)
        return Later(self._seated(attempting, guest, arrival.position))

    async def _seated(self, attempting: Attempting, guest: _Guest, position: int) -> _Guest:
        """Once its turn has come."""
        since, door = self._clock.monotonic(), guest.door
        call = door.enter(guest.id)
        self._tell_entered(attempting, guest, position)
        reason = _Left.CLIENT_LEFT
        try:
            async with asyncio.timeout(door.room.patience_s):
                reason = await call
        except TimeoutError:
            reason = _Left.TIMED_OUT
            raise _refused(attempting.target, BarReason.QUEUE_TIMED_OUT, door) from None
        finally:
            door.calls.pop(guest.id, None)
            if reason is not _Left.SEATED:
                door.leave(guest.id)
            waited_ms = round((self._clock.monotonic() - since) * 1000, 1)
            self._sink.emit(
                QueueLeft(
                    request_id=attempting.request_id,
                    provider=door.name,
                    member=guest.member,
                    reason=reason,
                    waited_ms=waited_ms,
                    waiting=door.queue.waiting,
                )
            )
        if reason is _Left.DISPLACED:
            raise _refused(attempting.target, BarReason.QUEUE_FULL, door)
        return guest

    def _tell_entered(self, attempting: Attempting, guest: _Guest, position: int) -> None:
        door = guest.door
        wait_s = door.times.wait_s(position, door.seats)
        self._sink.emit(
            QueueEntered(
                request_id=attempting.request_id,
                provider=door.name,
                member=guest.member,
                background=guest.background,
                position=position,
                waiting=door.queue.waiting,
                expected_wait_s=None if wait_s is None else round(wait_s, 1),
            )
        )


def _matches_any(patterns: tuple[str, ...], model: str) -> bool:
    return any(fnmatchcase(model.lower(), pattern) for pattern in patterns)


def rooms_of(providers: Mapping[str, ProviderSpec]) -> Mapping[str, Room]:
    """The providers that bear only so much at once."""
    return {name: spec.room for name, spec in providers.items() if spec.room is not None}


def _refused(target: Target, reason: BarReason, door: Door) -> TargetRefused:
    return TargetRefused(Barred(target, reason, retry_after_s=door.wait_s()))
