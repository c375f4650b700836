"""
The order before a provider that can do only so much at once.

Theory of operation. Seats are taken by whoever comes as long as there are any. Whoever comes later waits, and
a seat that becomes free goes to the one that stands first by: a person before a background job; then the
member that was served least for its weight; of that member's sessions the one that was served least; then
whoever came first. "Served least" is a virtual time, as in start-time fair queueing (Goyal, Vin, Cheng 1996):
each seat adds ``1 / weight`` to its member's time, and who comes back after a pause starts no earlier than
where the last seat was given, so that nobody saves up turns by staying away.

As long as there are seats for all no times are kept: nobody owes a turn for a seat that nobody else wanted.
They begin when somebody has to wait, with one turn for each member that has seats and each session that has,
and end when nobody waits and half of the seats are free.

Only so many may wait. Who comes to a full queue and is ahead of the one that would be served last takes its
place: neither a burst nor background work keeps out somebody whose turn is sooner. Who is ahead by no more
than its name is not: among equals whoever came first stays.

The queue does no waiting itself: it tells who sits, and its owner wakes them.
"""

from collections.abc import Collection, Hashable, Iterable
from math import inf
from typing import Generic, NamedTuple, TypeAlias, TypeVar

from domain.values import value

Name = TypeVar("Name", bound=Hashable)

_FEW = 64
_MANY = 4096
"""So many names are kept before it is worth looking for those that may be forgotten (then twice as many as
were left, so that looking costs each turn little), and so many at all."""


@value
class Visitor:
    """
    Somebody who wants a seat.

    Attributes:
        id: tells visitors apart.
        member: whose turn it is counted as.
        weight: the member's share relative to that of others.
        session: the conversation it belongs to; empty when that is not known.
        background: whether no person is waiting for it.
    """

    id: int
    member: str = ""
    weight: int = 1
    session: str = ""
    background: bool = False


@value
class Seated:
    """It is the visitor's turn now."""


SEATED = Seated()


@value
class Waits:
    """Others come first; ``position`` counts from 1."""

    position: int


@value
class Displaces:
    """As `Waits`, in the place of another that waits no longer and has to be told."""

    position: int
    other: int


@value
class Full:
    """Too many are waiting already, all of whom come first."""

    waiting: int


Arrival: TypeAlias = Seated | Waits | Displaces | Full


class _Turn(NamedTuple):
    """
    When it is a visitor's turn, to be compared with that of others.

    Attributes:
        start: in the virtual time of members.
        session_start: in that of the member's sessions.
    """

    background: bool
    start: float
    member: str
    session_start: float
    id: int

    def is_ahead_of(self, other: "_Turn") -> bool:
        """By more than the name."""
        return (self.background, self.start) < (other.background, other.start)


class Turns(Generic[Name]):
    """Virtual times: how much each has been served, and where the last one was that got a turn."""

    def __init__(self) -> None:
        self._present: dict[Name, int] = {}
        self._times: dict[Name, float] = {}
        self._now = 0.0
        self._looks_at = _FEW

    def __repr__(self) -> str:
        return f"<Turns of {len(self._times)} at {self._now:g}>"

    @classmethod
    def after(cls, had: Iterable[tuple[Name, int]]) -> "Turns[Name]":
        """
        Where times begin: these are here, each by its name and weight, and whoever is has had a turn.

        It is one however often it is here; who comes now has had none.
        """
        turns = cls()
        for name, weight in had:
            turns._times[name] = 1 / weight
            turns._present[name] = turns._present.get(name, 0) + 1
        return turns

    def time(self, name: Name) -> float:
        return self._times.get(name, self._now)

    def comes(self, name: Name) -> None:
        """Somebody wants a turn; who wanted none of late has saved none up, also while it had a seat."""
        self._times[name] = max(self.time(name), self._now)
        self._present[name] = self._present.get(name, 0) + 1

    def goes(self, name: Name) -> None:
        """Somebody has had a turn, or wants it no more."""
        left = self._present.pop(name) - 1
        if left:
            self._present[name] = left
        elif not self._present:
            self._begin_anew()
        elif len(self._times) > self._looks_at:
            self._forget_absent()
            self._looks_at = 2 * len(self._times) + _FEW

    def serve(self, name: Name, weight: int) -> None:
        start = self.time(name)
        self._now = max(self._now, start)
        self._times[name] = start + 1 / weight

    def _begin_anew(self) -> None:
        """When nobody is left nobody is owed anything: time goes on from the last turn that was given."""
        self._now = max(self._times.values(), default=self._now)
        self._times.clear()
        self._looks_at = _FEW

    def _forget_absent(self) -> None:
        """
        Names do not pile up: whoever is gone and has had no more than the one that was served last is as
        good as new. Of conversations that never come back there may be any number, each a turn ahead; when
        there are many their turn is forgiven.
        """
        latest = inf if len(self._times) > _MANY else self._now
        self._times = {
            name: time for name, time in self._times.items() if name in self._present or time > latest
        }


class _Served:
    """How much members have been served, and each one's sessions; who sits when it begins has had a turn."""

    def __init__(self, seated: Collection[Visitor]) -> None:
        self._members = Turns.after((one.member, one.weight) for one in seated)
        sessions: dict[str, list[tuple[str, int]]] = {}
        for one in seated:
            sessions.setdefault(one.member, []).append((one.session, 1))
        self._sessions = {member: Turns.after(had) for member, had in sessions.items()}

    def __repr__(self) -> str:
        return f"<_Served {self._members!r}>"

    def comes(self, visitor: Visitor) -> None:
        self._members.comes(visitor.member)
        sessions = self._sessions.get(visitor.member)
        if sessions is None:
            sessions = self._sessions[visitor.member] = Turns()
        sessions.comes(visitor.session)

    def sits_down(self, visitor: Visitor) -> None:
        self._members.serve(visitor.member, visitor.weight)
        self._sessions[visitor.member].serve(visitor.session, 1)

    def goes(self, visitor: Visitor) -> None:
        self._members.goes(visitor.member)
        self._sessions[visitor.member].goes(visitor.session)

    def time(self, member: str) -> float:
        return self._members.time(member)

    def session_time(self, member: str, session: str) -> float:
        return self._sessions[member].time(session)

    def turn(self, visitor: Visitor) -> _Turn:
        """When it is its turn, if it is the first of its session."""
        member, session = visitor.member, visitor.session
        start, session_start = self.time(member), self.session_time(member, session)
        return _Turn(visitor.background, start, member, session_start, visitor.id)


class FairQueue:
    """
    Seats, and who waits for one.

    Args:
        seats: how many may sit at once; may be changed later.
        most_waiting: how many may wait.
    """

    def __init__(self, seats: int, most_waiting: int) -> None:
        self._seats = seats
        self._most_waiting = most_waiting
        self._seated: dict[int, Visitor] = {}
        self._waiting: dict[int, Visitor] = {}
        self._served: _Served | None = None

    def __repr__(self) -> str:
        return f"<FairQueue {len(self._seated)} of {self._seats} seated, {len(self._waiting)} waiting>"

    @property
    def seated(self) -> int:
        return len(self._seated)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @property
    def wanted(self) -> int:
        """How many seats would be taken if there were enough."""
        return len(self._seated) + len(self._waiting)

    def arrive(self, visitor: Visitor) -> Arrival:
        """The visitor wants a seat; in the end it must `leave`, unless it was told `Full` or displaced."""
        if len(self._seated) < self._seats and not self._waiting:
            self._seated[visitor.id] = visitor
            if self._served is not None:
                self._served.comes(visitor)
                self._served.sits_down(visitor)
            return SEATED
        if self._served is None:
            self._served = _Served(self._seated.values())
        self._served.comes(visitor)
        return self._queue_up(visitor, self._served)

    def leave(self, visitor_id: int) -> tuple[int, ...]:
        """A visitor gives up its seat, or its place in the queue; returns who sits down now."""
        visitor = self._seated.pop(visitor_id, None) or self._waiting.pop(visitor_id, None)
        if visitor is None or self._served is None:
            return ()
        called = self._fill(self._served)
        self._served.goes(visitor)
        if not self._waiting and 2 * len(self._seated) <= self._seats:
            self._served = None
        return called

    def resize(self, seats: int) -> tuple[int, ...]:
        """
        There are more seats now, or fewer; returns who sits down now.

        Nobody is made to stand up: as long as too many sit, a seat that is given up is not given away.
        """
        self._seats = seats
        return () if self._served is None else self._fill(self._served)

    def position(self, visitor_id: int) -> int | None:
        """Where a visitor stands, from 1, should nobody else come; ``None`` for one that does not wait."""
        line = () if self._served is None else self._line(self._served)
        return next((at for at, turn in enumerate(line, start=1) if turn.id == visitor_id), None)

    def _queue_up(self, visitor: Visitor, served: _Served) -> Waits | Displaces | Full:
        self._waiting[visitor.id] = visitor
        line = self._line(served)
        own = next(turn for turn in line if turn.id == visitor.id)
        position = line.index(own) + 1
        if len(line) <= self._most_waiting:
            return Waits(position)
        last = line[-1]
        if own.is_ahead_of(last):
            served.goes(self._waiting.pop(last.id))
            return Displaces(position, last.id)
        served.goes(self._waiting.pop(visitor.id))
        return Full(len(self._waiting))

    def _line(self, served: _Served) -> list[_Turn]:
        """Who waits, in the order of their turns should nobody else come."""
        sessions: dict[tuple[str, str], float] = {}
        members: dict[str, float] = {}
        in_sessions: list[tuple[bool, float, int]] = []
        for one in sorted(self._waiting.values(), key=lambda one: (one.background, one.id)):
            name = (one.member, one.session)
            start = sessions.get(name, served.session_time(one.member, one.session))
            sessions[name] = start + 1
            in_sessions.append((one.background, start, one.id))
        line: list[_Turn] = []
        for background, session_start, visitor_id in sorted(in_sessions):
            one = self._waiting[visitor_id]
            start = members.get(one.member, served.time(one.member))
            members[one.member] = start + 1 / one.weight
            line.append(_Turn(background, start, one.member, session_start, one.id))
        return sorted(line)

    def _fill(self, served: _Served) -> tuple[int, ...]:
        called: list[int] = []
        while self._waiting and len(self._seated) < self._seats:
            visitor = self._waiting.pop(min(self._waiting.values(), key=served.turn).id)
            self._seated[visitor.id] = visitor
            served.sits_down(visitor)
            called.append(visitor.id)
        return tuple(called)
