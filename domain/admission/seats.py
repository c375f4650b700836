"""
How workers divide the seats of a provider that bears only so many attempts at once.

Theory of operation. A worker tells how many seats it wants and how many of its attempts sit, and is told how
many it may fill. Nobody is made to stand up: what sits stays held, but a worker that may fill fewer fills no
seat that becomes free, and so leaves it to the others. As long as nobody lacks a seat, whoever wants one gets
one. Otherwise:

1. Where there is a seat for each, each gets one, and of the rest a share by what it wants, rounded down.
   Where there are fewer seats than workers that want one, the share of each is none.
2. For what is left over, as shares do not come out even, they take turns. A worker has one seat beyond its
   share at most, and gives it up when it has had it for a while and somebody waits for one; a seat that is
   free is for the worker that has waited longest. Who waits since when is told by numbers, as several may
   begin at the same moment.

The server of a shared state runs the same rule as a script, `infrastructure/state/lua/hold_seats.lua`.
"""

from collections.abc import Sequence

from domain.values import value

TURN_S = 0.5
"""How long a worker may go on filling a seat beyond its share while others wait for one. With short
answers most of the time would otherwise be spent on handing the seat over, for which both have to look."""


@value(kw_only=True)
class SeatsAsked:
    """
    What a worker asks for.

    Attributes:
        wanted: how many seats it would fill if there were enough, those that are taken included.
        used: how many of its attempts sit.
        limit: how many seats there are.
        now: by the clock of the machine that keeps the state.
    """

    wanted: int
    used: int
    limit: int
    now: float


@value(kw_only=True)
class SeatClaim:
    """
    What is known of a worker.

    Attributes:
        held: the seats that nobody else may fill.
        turn: a number that is larger for who has begun later to wait for a seat beyond its share, or to hold
            one.
        since: when that was, by the same clock as `SeatsAsked.now`.
    """

    wanted: int = 0
    held: int = 0
    turn: int = 0
    since: float = 0.0


NO_CLAIM = SeatClaim()


@value
class Division:
    """How many seats a worker may fill, and what is known of it from now on."""

    granted: int
    claim: SeatClaim


def divided(asked: SeatsAsked, own: SeatClaim, others: Sequence[SeatClaim]) -> Division:
    """What a worker gets of which ``own`` was known, beside all the others."""
    if not asked.wanted and not asked.used:
        return Division(0, NO_CLAIM)
    next_turn = 1 + max((one.turn for one in (own, *others)), default=0)
    if own == NO_CLAIM:
        own = SeatClaim(turn=next_turn, since=asked.now)
    rivals = [one for one in others if one.wanted]
    total = asked.wanted + sum(one.wanted for one in rivals)
    shares = _Shares(limit=asked.limit, workers=1 + len(rivals), total=total)
    granted = max(0, _granted(asked, own, others, shares))
    held, share = max(granted, asked.used), shares.of(asked.wanted)
    if (held > share) == (own.held > share):
        return Division(granted, SeatClaim(wanted=asked.wanted, held=held, turn=own.turn, since=own.since))
    return Division(granted, SeatClaim(wanted=asked.wanted, held=held, turn=next_turn, since=asked.now))


@value(kw_only=True)
class _Shares:
    """Of ``limit`` seats, for so many workers that want ``total``."""

    limit: int
    workers: int
    total: int

    def of(self, wanted: int) -> int:
        """Case 1."""
        return min(wanted, self._one + self._rest(wanted) // self._parts)

    def rounded_up(self, wanted: int) -> int:
        """Case 2: with a seat that is left over."""
        return min(wanted, 1 - (-self._rest(wanted) // self._parts))

    def waits(self, claim: SeatClaim) -> bool:
        """Whether a worker has no seat of those that are left over, and would fill one."""
        return claim.held <= self.of(claim.wanted) < self.rounded_up(claim.wanted)

    def _rest(self, wanted: int) -> int:
        return max(0, self.limit - self.workers) * (wanted - 1)

    @property
    def _one(self) -> int:
        return int(self.workers <= self.limit)

    @property
    def _parts(self) -> int:
        return max(1, self.total - self.workers)


def _granted(asked: SeatsAsked, own: SeatClaim, others: Sequence[SeatClaim], shares: _Shares) -> int:
    free = asked.limit - sum(one.held for one in others)
    most = min(asked.wanted, free)
    if all(one.wanted <= one.held for one in others):
        return most
    share = shares.of(asked.wanted)
    owed = sum(max(0, shares.of(one.wanted) - one.held) for one in others)
    left_over = free - owed - share - _ahead(asked, own, others, shares)
    return min(most, shares.rounded_up(asked.wanted), share + max(0, left_over))


def _ahead(asked: SeatsAsked, own: SeatClaim, others: Sequence[SeatClaim], shares: _Shares) -> int:
    """How many others a seat that is left over is for, before it is for this worker."""
    waiting = [one for one in others if shares.waits(one)]
    if own.held <= shares.of(asked.wanted):
        return sum(one.turn < own.turn for one in waiting)
    has_had_its_turn = asked.now - own.since >= TURN_S
    return len(waiting) if has_had_its_turn else 0
